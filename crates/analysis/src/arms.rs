//! The arms of a report: those of the protocol in its order, and any that subjects were once randomised to.
//!
//! Never counts anything but who was randomised. See `results::ArmName`.

use std::collections::BTreeMap;

use trial::id::ArmId;
use trial::protocol::ProtocolHistory;

use crate::results::ArmName;
use crate::row::SubjectRow;

/// The arms, the place of each and which one is control.
pub struct Arms {
    /// In order.
    pub names: Vec<ArmName>,
    /// The place of the arm the others are compared with; none without arms.
    pub control: Option<usize>,
    /// True where the protocol itself marks the control arm.
    pub control_is_marked: bool,
    places: BTreeMap<ArmId, usize>,
}

/// The one arm of a report that may not tell the arms apart.
pub const POOLED: &str = "ALL";

impl Arms {
    /// One group of everybody in `rows` who was randomised.
    pub fn pooled(rows: &[SubjectRow]) -> Self {
        let mut arms =
            Self { names: Vec::new(), control: None, control_is_marked: false, places: BTreeMap::new() };
        let place = arms.add(&ArmId(POOLED.into()), "All arms, pooled");
        arms.names[place].randomised = rows.iter().filter(|row| row.allocation.is_some()).count();
        arms
    }

    /// The arms of `history` with the subjects of `rows` counted.
    pub fn of(history: &ProtocolHistory, rows: &[SubjectRow]) -> Self {
        let mut arms =
            Self { names: Vec::new(), control: None, control_is_marked: false, places: BTreeMap::new() };
        let current = &history.current().arms;
        for arm in current {
            arms.add(&arm.id, &arm.label);
        }
        // An amendment may have closed an arm; whoever was allocated to it is still in the trial.
        let earlier: Vec<_> = history.versions().flat_map(|(_, version)| &version.protocol.arms).collect();
        for row in rows {
            let Some(allocated) = &row.allocation else { continue };
            let label = earlier
                .iter()
                .rfind(|arm| arm.id == allocated.arm)
                .map_or(allocated.arm.as_str(), |a| &a.label);
            let place = arms.add(&allocated.arm, label);
            arms.names[place].randomised += 1;
        }
        let marked = current.iter().position(|arm| arm.control);
        arms.control_is_marked = marked.is_some();
        arms.control = marked.or((!arms.names.is_empty()).then_some(0));
        if let Some(control) = arms.control {
            arms.names[control].control = true;
        }
        arms
    }

    fn add(&mut self, id: &ArmId, label: &str) -> usize {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = self.names.len();
        self.names.push(ArmName { id: id.clone(), label: label.to_owned(), control: false, randomised: 0 });
        self.places.insert(id.clone(), place);
        place
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The identifier of the arm at `place`.
    pub fn id(&self, place: usize) -> &ArmId {
        &self.names[place].id
    }

    /// The place of `row`'s arm; none where it was not randomised.
    pub fn place(&self, row: &SubjectRow) -> Option<usize> {
        row.allocation.as_ref().and_then(|allocated| self.places.get(&allocated.arm)).copied()
    }

    /// Every arm but control with control, in order.
    pub fn against_control(&self) -> impl Iterator<Item = (usize, usize)> {
        let control = self.control;
        (0..self.len())
            .filter_map(move |arm| control.filter(|control| *control != arm).map(|control| (arm, control)))
    }

    /// The rows of each arm, in order.
    pub fn split<'a>(&self, rows: &'a [SubjectRow]) -> Vec<Vec<&'a SubjectRow>> {
        let mut split = vec![Vec::new(); self.len()];
        for row in rows {
            if let Some(place) = self.place(row) {
                split[place].push(row);
            }
        }
        split
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{history, row};

    #[test]
    fn an_arm_the_protocol_no_longer_has_keeps_its_subjects() {
        let history = history(|protocol| protocol.arms.truncate(2));
        let rows = [row("1", "C", "a", 10, true, 2), row("2", "B", "a", 10, true, 2)];
        let arms = Arms::of(&history, &rows);
        let names: Vec<(&str, usize, bool)> =
            arms.names.iter().map(|arm| (arm.id.as_str(), arm.randomised, arm.control)).collect();
        assert_eq!(names, [("A", 0, false), ("B", 1, true), ("C", 1, false)]);
        assert_eq!(arms.against_control().collect::<Vec<_>>(), [(0, 1), (2, 1)]);
    }

    #[test]
    fn without_a_marked_control_the_first_arm_stands_for_it() {
        let history = history(|protocol| protocol.arms.iter_mut().for_each(|arm| arm.control = false));
        let arms = Arms::of(&history, &[]);
        assert_eq!((arms.control, arms.control_is_marked), (Some(0), false));
    }
}

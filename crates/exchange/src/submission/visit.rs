//! Visits as SDTM names and numbers them, and back: `WEEK 12` is visit 2, `FOLLOWUP 3` the third of a row that repeats.
//!
//! Never says when one is due (see `trial::calendar`). A visit's number follows its place in the schedule, so that visits are in order.

use trial::event::Instance;
use trial::protocol::{Protocol, Visit};

/// A visit in SDTM's terms.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    /// `VISITNUM`.
    pub number: f64,
    /// `VISIT`.
    pub name: String,
    /// `VISITDY`: randomisation is day 1, and there is no day 0.
    pub day: Option<i64>,
    /// The protocol plans it.
    pub planned: bool,
}

/// The visit of a form; none of a log form, or of a visit the protocol does not know.
pub(crate) fn of(protocol: &Protocol, instance: &Instance) -> Option<Named> {
    let id = instance.visit.as_deref()?;
    let place = protocol.schedule.visits.iter().position(|visit| visit.id == id)?;
    Some(at(protocol, place, instance.occurrence))
}

/// The `occurrence`th of the visit at `place` in the schedule.
pub(crate) fn at(protocol: &Protocol, place: usize, occurrence: u32) -> Named {
    let visits = &protocol.schedule.visits;
    let visit = &visits[place];
    let again = f64::from(occurrence.saturating_sub(1));
    let last = place + 1 == visits.len();
    let name = name(visits, visit);
    match visit.every_days {
        Some(every) => {
            let day = visit.day + i64::from(occurrence.saturating_sub(1)) * i64::from(every);
            // A row that others follow in the schedule is numbered between them.
            let number = (place + 1) as f64 + if last { again } else { again / 1000.0 };
            Named { number, name: format!("{name} {occurrence}"), day: Some(study_day(day)), planned: true }
        }
        None if occurrence > 1 => Named {
            number: (place + 1) as f64 + again / 100.0,
            name: format!("{name} ({occurrence})"),
            day: None,
            planned: false,
        },
        None => Named { number: (place + 1) as f64, name, day: Some(study_day(visit.day)), planned: true },
    }
}

/// Days from randomisation, as SDTM counts them.
fn study_day(day: i64) -> i64 {
    if day >= 0 { day + 1 } else { day }
}

/// The label in capitals; the id where visits share a label, or the visit repeats and is counted on.
fn name(visits: &[Visit], visit: &Visit) -> String {
    let alone = visits.iter().filter(|other| other.label.eq_ignore_ascii_case(&visit.label)).count() == 1;
    if alone && visit.every_days.is_none() { visit.label.to_uppercase() } else { visit.id.to_uppercase() }
}

/// The visit and the occurrence that a name of SDTM stands for.
pub(crate) fn named<'p>(protocol: &'p Protocol, text: &str) -> Option<(&'p str, u32)> {
    let visits = &protocol.schedule.visits;
    visits.iter().find_map(|visit| {
        let known = [name(visits, visit), visit.id.to_uppercase(), visit.label.to_uppercase()];
        let text = text.trim().to_uppercase();
        known.iter().find_map(|known| {
            let rest = text.strip_prefix(known.as_str())?.trim_start();
            let occurrence = match rest {
                "" => Some(1),
                rest if visit.every_days.is_some() => rest.parse().ok(),
                rest => rest.strip_prefix('(')?.strip_suffix(')')?.parse().ok(),
            };
            Some((visit.id.as_str(), occurrence.filter(|n| *n >= 1)?))
        })
    })
}

/// `FORM-VISIT-OCCURRENCE`: which form a record came from (`--SPID`).
pub(crate) fn spid(instance: &Instance) -> String {
    let visit = instance.visit.as_deref().map(|visit| format!("{visit}-")).unwrap_or_default();
    format!("{}-{visit}{}", instance.form, instance.occurrence).to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every visit of both shipped protocols comes back from its name, and their numbers are in the order of the schedule.
    #[test]
    fn visits_come_back_from_their_names() {
        for text in [
            include_str!("../../../../protocols/avatar-ii.toml"),
            include_str!("../../../../protocols/stop.toml"),
        ] {
            let protocol = trial::protocol::check(text).unwrap().protocol;
            let mut before = 0.0;
            for (place, visit) in protocol.schedule.visits.iter().enumerate() {
                for occurrence in 1..=12 {
                    let found = at(&protocol, place, occurrence);
                    assert_eq!(
                        named(&protocol, &found.name),
                        Some((visit.id.as_str(), occurrence)),
                        "{}",
                        found.name
                    );
                    assert!(found.number > before, "{} {occurrence}: {found:?} after {before}", visit.id);
                    before = found.number;
                }
            }
        }
    }

    #[test]
    fn no_day_is_zero() {
        assert_eq!([-14, -1, 0, 84].map(study_day), [-14, -1, 1, 85]);
    }
}

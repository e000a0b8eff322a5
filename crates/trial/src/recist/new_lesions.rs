//! New lesions (Eisenhauer 2009, section 4.3.5): a new lesion must be unequivocal; an equivocal one that is later
//! confirmed dates the progression back to when it was first seen.

use jiff::civil::Date;

use super::response::NewLesion;
use super::size::micrometres;
use super::track::{Kind, State, Track};
use crate::protocol::TumourRules;

/// What an assessment says of new lesions.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Where in the tracks those stand that are certain for the first time here, and when each was first seen.
    pub certain: Vec<(usize, Date)>,
    /// Those that are perhaps there.
    pub perhaps: Vec<usize>,
    /// True where a certain one is still there.
    pub any: bool,
    /// What is said of each, in order.
    said: Vec<(usize, Said)>,
}

/// What is said of a new lesion.
#[derive(Clone, Copy, Debug)]
enum Said {
    /// It is new, first seen on this day.
    New(Date),
    /// It is there still.
    Persists,
    /// It is perhaps there.
    Equivocal,
}

impl Found {
    /// In words; `date` is that of the assessment.
    pub fn why<'s>(&'s self, tracks: &'s [Track<'_>], date: Date) -> impl Iterator<Item = String> + 's {
        self.said.iter().map(move |(index, said)| {
            let lesion = tracks[*index].lesion;
            match said {
                Said::New(since) if *since < date => {
                    format!("new lesion {lesion} confirmed, first seen as equivocal on {since}")
                }
                Said::New(_) => format!("new lesion {lesion}"),
                Said::Persists => format!("new lesion {lesion} persists"),
                Said::Equivocal => format!("new lesion {lesion} is equivocal"),
            }
        })
    }

    pub fn response(&self) -> NewLesion {
        if self.any {
            NewLesion::Unequivocal
        } else if self.perhaps.is_empty() {
            NewLesion::None
        } else {
            NewLesion::Equivocal
        }
    }
}

/// Looks for new lesions on `date`, and notes in the tracks since when each is known.
pub(super) fn find(rules: &TumourRules, tracks: &mut [Track<'_>], date: Date) -> Found {
    let mut found = Found::default();
    for (index, track) in tracks.iter_mut().enumerate().filter(|(_, track)| track.kind == Kind::New) {
        match seen(rules, track) {
            State::There | State::Unequivocal if !track.certain => {
                track.certain = true;
                let since = track.perhaps_since.unwrap_or(date);
                found.certain.push((index, since));
                found.any = true;
                found.said.push((index, Said::New(since)));
            }
            State::There | State::Unequivocal | State::Perhaps | State::NotEvaluated if track.certain => {
                found.any = true;
                found.said.push((index, Said::Persists));
            }
            State::Perhaps => {
                track.perhaps_since.get_or_insert(date);
                found.perhaps.push(index);
                found.said.push((index, Said::Equivocal));
            }
            State::Gone => track.perhaps_since = None,
            State::There | State::Unequivocal | State::NotEvaluated => {}
        }
    }
    found
}

/// A node below the size of a pathological one is normal: no lesion, whatever it was called.
fn seen(rules: &TumourRules, track: &Track<'_>) -> State {
    let normal = |size| track.nodal() && size < micrometres(rules.normal_node_mm);
    if track.seen.size.is_some_and(normal) { State::Gone } else { track.seen.state }
}

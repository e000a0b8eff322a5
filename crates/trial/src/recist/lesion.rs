//! The lesion level: each lesion's own trajectory, target or not, which oligoprogression is judged on.

use super::LesionPoint;
use super::size::{millimetres, over};
use super::track::{Kind, Track};
use super::{non_targets, targets};
use crate::protocol::TumourRules;
use crate::record::LesionRole;

/// Each lesion at this assessment. `new` are the places of lesions that are new here.
pub(super) fn points(
    rules: &TumourRules,
    tracks: &[Track<'_>],
    new: &[(usize, jiff::civil::Date)],
    after_complete: bool,
) -> Vec<LesionPoint> {
    let new = |index: usize| new.iter().any(|(at, _)| *at == index);
    let point = |(index, track)| {
        let why = progresses(rules, track, new(index), after_complete);
        point(track, why)
    };
    tracks.iter().enumerate().map(point).collect()
}

/// The lesion as it stands.
pub(super) fn point(track: &Track<'_>, why: String) -> LesionPoint {
    LesionPoint {
        lesion: track.lesion.clone(),
        role: track.first.role,
        location: track.first.location.clone(),
        nodal: track.first.nodal,
        intracranial: track.first.intracranial,
        size_mm: track.seen.size.map(millimetres),
        nadir_mm: track.nadir.map(millimetres),
        progressing: !why.is_empty(),
        why,
        amenable: track.amenable,
        treated: None,
        parts: track.parts.iter().map(|part| (*part).clone()).collect(),
    }
}

/// Why the lesion alone progresses; empty where it does not.
fn progresses(rules: &TumourRules, track: &Track<'_>, new: bool, after_complete: bool) -> String {
    if new {
        return "new".into();
    }
    if track.first.role != LesionRole::New && non_targets::worse(rules, track) {
        return "unequivocally worse".into();
    }
    // An equivocal lesion is none yet, whatever its size.
    if track.kind == Kind::New && !track.certain {
        return String::new();
    }
    if let (Some(size), Some(nadir)) = (track.seen.size, track.nadir)
        && track.grew(rules)
    {
        return format!("{} mm is {}", millimetres(size), over(size, nadir));
    }
    if after_complete && (targets::back(track) || non_targets::back(track)) {
        return "back after a complete response".into();
    }
    String::new()
}

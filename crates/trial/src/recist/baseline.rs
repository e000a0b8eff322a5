//! The baseline of a series, and where it breaks the rules of selection (Eisenhauer 2009, sections 3.1 and 3.2).

use std::collections::BTreeMap;

use super::targets::Sum;
use super::track::{Kind, Tracks};
use super::{Baseline, lesion, size};
use crate::protocol::TumourRules;
use crate::record::Assessment;

/// The baseline of `tracks`, which have read it and nothing else.
pub(super) fn of(rules: &TumourRules, assessment: &Assessment, tracks: &Tracks<'_>) -> Baseline {
    Baseline {
        event: assessment.event,
        date: assessment.date,
        sum_mm: Sum::of(&tracks.all).whole().map(size::millimetres),
        lesions: tracks.all.iter().map(|track| lesion::point(track, String::new())).collect(),
        remarks: remarks(rules, tracks),
    }
}

fn remarks(rules: &TumourRules, tracks: &Tracks<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    let targets: Vec<_> = tracks.all.iter().filter(|track| track.kind == Kind::Target).collect();
    if tracks.all.is_empty() {
        remarks.push("no lesion was read".into());
    }
    if targets.len() > rules.max_targets as usize {
        remarks.push(format!("{} targets, more than {}", targets.len(), rules.max_targets));
    }
    let mut organs: BTreeMap<&str, usize> = BTreeMap::new();
    for track in &targets {
        let organ = if track.nodal() { "LYMPH NODE" } else { track.first.location.as_str() };
        *organs.entry(organ).or_default() += 1;
    }
    for (organ, count) in organs.into_iter().filter(|(organ, _)| !organ.is_empty()) {
        if count > rules.max_targets_per_organ as usize {
            remarks.push(format!("{count} targets in {organ}, more than {}", rules.max_targets_per_organ));
        }
    }
    for track in targets {
        let (least, what) = if track.nodal() {
            (rules.measurable_node_mm, "short axis of a measurable node")
        } else {
            (rules.measurable_mm, "longest diameter of a measurable lesion")
        };
        match track.seen.size {
            None => {
                remarks.push(format!("target {} was not measured ({})", track.lesion, track.seen.why_not));
            }
            Some(found) if found < size::micrometres(least) => {
                let mm = size::millimetres(found);
                remarks.push(format!("target {} of {mm} mm is below {least} mm, the {what}", track.lesion));
            }
            Some(_) => {}
        }
    }
    remarks.extend(
        tracks.twice.iter().map(|lesion| format!("{lesion} was read twice; the graver reading counts")),
    );
    remarks
}

//! Target response (Eisenhauer 2009, section 4.3.1), in the order of the protocol's rule table.

use super::response::TargetResponse;
use super::size::{Micrometres, grown, millimetres, over, percent, shrunk};
use super::track::{Kind, State, Track};
use crate::protocol::TumourRules;

/// The targets of one assessment.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    /// Sum over what was measured; none where nothing was.
    pub measured: Option<Micrometres>,
    /// True where every target was measured.
    pub complete: bool,
    /// Targets at baseline.
    pub targets: usize,
}

impl Sum {
    pub fn of(tracks: &[Track<'_>]) -> Self {
        let mut sum = Self { complete: true, ..Self::default() };
        for track in tracks.iter().filter(|track| track.kind == Kind::Target) {
            sum.targets += 1;
            match track.seen.share {
                Some(share) => sum.measured = Some(sum.measured.unwrap_or(0) + share),
                None => sum.complete = false,
            }
        }
        sum
    }

    /// The sum where every target was measured.
    pub fn whole(&self) -> Option<Micrometres> {
        self.measured.filter(|_| self.complete)
    }
}

/// What the targets are compared with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    pub baseline: Option<Micrometres>,
    pub nadir: Option<Micrometres>,
    /// An earlier assessment of the series was a complete response over all.
    pub after_complete: bool,
}

/// The response and why; none without targets at baseline. Why it is none of progression only where that is to be `told`.
pub(super) fn respond(
    rules: &TumourRules,
    tracks: &[Track<'_>],
    sum: &Sum,
    reference: Reference,
    told: bool,
) -> (Option<TargetResponse>, String) {
    use TargetResponse as R;
    if sum.targets == 0 {
        return (None, String::new());
    }
    let targets = || tracks.iter().filter(|track| track.kind == Kind::Target);
    let missing = || {
        let not: Vec<String> = targets()
            .filter(|track| track.seen.share.is_none())
            .map(|track| format!("{} ({})", track.lesion, track.seen.why_not))
            .collect();
        not.join(", ")
    };
    if let (Some(measured), Some(nadir)) = (sum.measured, reference.nadir)
        && grown(measured, nadir, rules.progression_relative, rules.progression_mm)
    {
        let partial = if sum.complete { "" } else { " of the targets measured" };
        let mut why = format!("sum {} mm{partial} is {}", millimetres(measured), over(measured, nadir));
        if !sum.complete {
            why = format!("{why}; not evaluated: {}", missing());
        }
        return (Some(R::Progressive), why);
    }
    if let Some(back) = targets().find(|track| reference.after_complete && back(track)) {
        return (Some(R::Progressive), format!("target {} is back after a complete response", back.lesion));
    }
    let Some(whole) = sum.whole() else {
        let why = || format!("target not evaluated: {}", missing());
        return (Some(R::NotEvaluable), told.then(why).unwrap_or_default());
    };
    if targets().all(|track| track.seen.state == State::Gone) {
        let nodes = if targets().any(Track::nodal) {
            format!(", every node below {} mm", rules.normal_node_mm)
        } else {
            String::new()
        };
        return (Some(R::Complete), format!("every target is gone{nodes} (sum {} mm)", millimetres(whole)));
    }
    let Some(nadir) = reference.nadir else {
        let why = "no earlier assessment with every target measured to compare the sum with";
        return (Some(R::NotEvaluable), why.to_owned());
    };
    match reference.baseline {
        Some(baseline) if shrunk(whole, baseline, rules.response_relative) => {
            let why = || {
                format!(
                    "sum {} mm is {} % below the baseline of {} mm",
                    millimetres(whole),
                    -percent(whole, baseline),
                    millimetres(baseline)
                )
            };
            (Some(R::Partial), told.then(why).unwrap_or_default())
        }
        Some(baseline) => {
            let why = || stable(rules, whole, baseline, nadir);
            (Some(R::Stable), told.then(why).unwrap_or_default())
        }
        None => {
            let why = format!(
                "sum {} mm is not progression over the nadir of {} mm; response cannot be judged, a target was not \
                 measured at baseline",
                millimetres(whole),
                millimetres(nadir)
            );
            (Some(R::Stable), why)
        }
    }
}

/// A target that is back after a complete response: not normal again. A node is back at the size of a pathological one
/// (EORTC, RECIST 1.1 questions and clarifications, 'Abnormal lymph node').
pub(super) fn back(track: &Track<'_>) -> bool {
    track.kind == Kind::Target && track.seen.state == State::There
}

fn stable(rules: &TumourRules, sum: Micrometres, baseline: Micrometres, nadir: Micrometres) -> String {
    format!(
        "sum {} mm is neither {} % below the baseline of {} mm nor {} % and {} mm over the nadir of {} mm",
        millimetres(sum),
        rules.response_relative * 100.0,
        millimetres(baseline),
        rules.progression_relative * 100.0,
        rules.progression_mm,
        millimetres(nadir)
    )
}

//! Non-target response (Eisenhauer 2009, section 4.3.3).

use super::response::NonTargetResponse;
use super::track::{Kind, State, Track};
use crate::id::LesionId;
use crate::protocol::TumourRules;
use crate::record::LesionRole;

/// A non-target that is unequivocally worse since the baseline. One that was so at baseline already, as an
/// oligoprogressive lesion is, is worse anew only after it was something else. A lesion that was new before a later
/// baseline has no target of its own, and `UNEQUIVOCAL` says of it only that it is there: growth over its own nadir, by the
/// protocol's rule for one lesion, makes it unequivocally worse.
pub(super) fn worse(rules: &TumourRules, track: &Track<'_>) -> bool {
    track.kind == Kind::NonTarget
        && if track.first.role == LesionRole::New {
            track.grew(rules)
        } else {
            track.seen.state == State::Unequivocal && !track.worse_since_baseline
        }
}

/// A non-target that is back, if it was gone in a complete response. That is progression over all, whatever the response of
/// the non-targets as a group (Eisenhauer 2009, appendix III: a lesion that disappears and then reappears). A node is back
/// only when it is unequivocally worse (EORTC, RECIST 1.1 questions and clarifications, 'Abnormal lymph node').
pub(super) fn back(track: &Track<'_>) -> bool {
    track.kind == Kind::NonTarget && track.seen.state == State::There && !track.nodal()
}

/// The response and why; none without non-targets at baseline. Why it is none of progression only where that is to be `told`.
pub(super) fn respond(
    rules: &TumourRules,
    tracks: &[Track<'_>],
    told: bool,
) -> (Option<NonTargetResponse>, String) {
    use NonTargetResponse as R;
    let mut non_targets = tracks.iter().filter(|track| track.kind == Kind::NonTarget).peekable();
    if non_targets.peek().is_none() {
        return (None, String::new());
    }
    let named = |fits: &dyn Fn(&Track<'_>) -> bool| -> Vec<&LesionId> {
        let fitting = tracks.iter().filter(|track| track.kind == Kind::NonTarget && fits(track));
        fitting.map(|track| track.lesion).collect()
    };
    let list = |lesions: &[&LesionId]| lesions.iter().map(|l| l.as_str()).collect::<Vec<_>>().join(", ");
    let worse = named(&|track| worse(rules, track));
    if !worse.is_empty() {
        return (Some(R::Progressive), format!("non-target {} unequivocally worse", list(&worse)));
    }
    let missing = named(&|track| track.seen.state == State::NotEvaluated);
    if !missing.is_empty() {
        let why = || format!("non-target {} not evaluated", list(&missing));
        return (Some(R::NotEvaluable), told.then(why).unwrap_or_default());
    }
    if non_targets.all(|track| track.seen.state == State::Gone) {
        return (Some(R::Complete), "every non-target is gone".into());
    }
    let there = || format!("non-target {} persists", list(&named(&|track| track.seen.state != State::Gone)));
    (Some(R::NonCrNonPd), told.then(there).unwrap_or_default())
}

//! Where a subject stands, in one word for lists.
//!
//! Never derives anew: reads what `derive` and `eligibility` found.

use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use crate::derive::Derived;
use crate::eligibility::{Judgement, judge};
use crate::protocol::ProtocolHistory;
use crate::record::Record;
use crate::strategy::{Failure, Status};

/// Where a subject stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// In one word.
    pub state: State,
    /// Since when; none where no day is known.
    pub since: Option<Date>,
    /// In a sentence.
    pub says: String,
}

/// The states, in the order of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Not randomised, and nothing rules it out.
    Screening,
    /// Not randomised, and a criterion is not met, or left before.
    ScreenFailure,
    /// Randomised into an arm without a strategy rule.
    Randomised,
    /// The strategy of the arm holds.
    OnStrategy,
    /// A progression waits for its decision or its treatment.
    DecisionPending,
    /// The strategy failed; the subject is followed.
    StrategyFailed,
    /// Withdrew or was lost to follow-up.
    OffStudy,
    /// Died.
    Dead,
}

impl State {
    /// Every state.
    pub const ALL: [State; 8] = [
        Self::Screening,
        Self::ScreenFailure,
        Self::Randomised,
        Self::OnStrategy,
        Self::DecisionPending,
        Self::StrategyFailed,
        Self::OffStudy,
        Self::Dead,
    ];

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Screening => "Screening",
            Self::ScreenFailure => "Screen failure",
            Self::Randomised => "Randomised",
            Self::OnStrategy => "On strategy",
            Self::DecisionPending => "Decision pending",
            Self::StrategyFailed => "Strategy failed",
            Self::OffStudy => "Off study",
            Self::Dead => "Dead",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where the subject of `record` stands on `today`. Death comes before withdrawal, and both before what the strategy says; what
/// lies after `today` is not counted.
pub fn standing(history: &ProtocolHistory, record: &Record, derived: &Derived, today: Date) -> Standing {
    let entered = record.consent.as_ref().or(record.screened.as_ref()).map(|fact| fact.value);
    let stand = |state, since, says: String| Standing { state, since, says };
    let dead = record.death.as_ref().filter(|death| death.date.first() <= today);
    let left = record.withdrawal.as_ref().filter(|withdrawal| withdrawal.date <= today);
    let Some(allocation) = record.randomised.as_ref().map(|fact| &fact.value) else {
        let judged = judge(history.current(), record);
        let failed = judged.iter().find(|judged| judged.judgement == Judgement::NotMet);
        return match (failed, left, dead) {
            (Some(failed), ..) => {
                stand(State::ScreenFailure, entered, format!("{} not met: {}", failed.id, failed.text))
            }
            (None, _, Some(death)) => {
                let since = derived.death.map(|death| death.date);
                stand(State::ScreenFailure, since, format!("died before randomisation ({})", death.date))
            }
            (None, Some(left), None) => stand(
                State::ScreenFailure,
                Some(left.date),
                format!("left before randomisation: {}", left.reason),
            ),
            (None, None, None) => {
                let open = judged.iter().filter(|judged| judged.judgement != Judgement::Met).count();
                let says = match open {
                    0 => "every criterion is met".to_owned(),
                    1 => "1 criterion is not proven yet".to_owned(),
                    n => format!("{n} criteria are not proven yet"),
                };
                stand(State::Screening, entered, says)
            }
        };
    };
    if let Some(death) = dead {
        let cause =
            death.cause.as_deref().map(|cause| format!(" ({})", cause.to_lowercase())).unwrap_or_default();
        return stand(
            State::Dead,
            derived.death.map(|death| death.date),
            format!("died on {}{cause}", death.date),
        );
    }
    if let Some(left) = left {
        return stand(State::OffStudy, Some(left.date), left.reason.to_lowercase());
    }
    let Some(course) = &derived.strategy else {
        return stand(State::Randomised, Some(allocation.date), format!("in arm {}", allocation.arm));
    };
    let (state, since) = match &course.status {
        Status::NotApplicable => (State::Randomised, allocation.date),
        Status::Holding => (State::OnStrategy, allocation.date),
        Status::Pending { progression } => (State::DecisionPending, *progression),
        // A death that lies after today is not counted; then the strategy still holds.
        Status::Failed { on, cause: Failure::Death } if *on > today => (State::OnStrategy, allocation.date),
        Status::Failed { on, .. } => (State::StrategyFailed, *on),
    };
    stand(state, Some(since), course.why.clone())
}

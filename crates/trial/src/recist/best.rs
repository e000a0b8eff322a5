//! Best overall response (Eisenhauer 2009, section 4.4.1 and table 3), with and without confirmation.
//!
//! Only what came before the progression counts.

use jiff::civil::Date;

use super::response::OverallResponse as R;
use super::{Best, FirstProgression, Timepoint};
use crate::date::days_between;
use crate::protocol::TumourRules;

/// What a best response is chosen from.
pub(super) struct Course<'a> {
    pub rules: &'a TumourRules,
    pub baseline: Date,
    pub timepoints: &'a [Timepoint],
    pub progression: Option<&'a FirstProgression>,
}

impl Course<'_> {
    /// Assessments before the day of the progression, which a later confirmed equivocal lesion moves back.
    fn counted(&self) -> &[Timepoint] {
        let end = self.progression.map_or(self.timepoints.len(), |progression| {
            self.timepoints.iter().take_while(|timepoint| timepoint.date < progression.date).count()
        });
        &self.timepoints[..end]
    }

    /// The best response without confirmation.
    pub fn unconfirmed(&self) -> Best {
        for response in [R::Complete, R::Partial] {
            if let Some(first) = self.counted().iter().find(|timepoint| timepoint.overall == response) {
                return Best {
                    response,
                    events: vec![first.event],
                    reason: format!("{response} on {}", first.date),
                };
            }
        }
        self.at_best_stable()
    }

    /// The best response with confirmation: a response counts when it was there again `confirmation_days` later, and
    /// nothing worse was seen between (an assessment that could not be evaluated does not undo it).
    pub fn confirmed(&self) -> Best {
        let complete = |response: R| response == R::Complete;
        let response = |response: R| matches!(response, R::Complete | R::Partial);
        self.twice(R::Complete, complete)
            .or_else(|| self.twice(R::Partial, response))
            .unwrap_or_else(|| self.at_best_stable())
    }

    fn twice(&self, response: R, at_least: impl Fn(R) -> bool) -> Option<Best> {
        let mut first: Option<&Timepoint> = None;
        for timepoint in self.counted() {
            if timepoint.overall == R::NotEvaluable {
                continue;
            }
            if !at_least(timepoint.overall) {
                first = None;
                continue;
            }
            let start = *first.get_or_insert(timepoint);
            let apart = days_between(start.date, timepoint.date);
            if apart > 0 && apart >= i64::from(self.rules.confirmation_days) {
                return Some(Best {
                    response,
                    events: vec![start.event, timepoint.event],
                    reason: format!("{response} on {}, confirmed on {}", start.date, timepoint.date),
                });
            }
        }
        None
    }

    /// Stable disease (or neither response nor progression, without targets) that lasted its minimum; else the
    /// progression; else not evaluable.
    fn at_best_stable(&self) -> Best {
        let least = i64::from(self.rules.stable_min_days);
        let stable = |timepoint: &&Timepoint| {
            timepoint.overall != R::NotEvaluable && days_between(self.baseline, timepoint.date) >= least
        };
        // The last one: it shows for how long the disease was held.
        if let Some(last) = self.counted().iter().rfind(stable) {
            let without_targets = last.target.is_none();
            let response = if without_targets { R::NonCrNonPd } else { R::Stable };
            let days = days_between(self.baseline, last.date);
            return Best {
                response,
                events: vec![last.event],
                reason: format!(
                    "{} on {}, {days} days after the baseline (at least {least})",
                    last.overall, last.date
                ),
            };
        }
        if let Some(progression) = self.progression {
            return Best {
                response: R::Progressive,
                events: vec![progression.event],
                reason: format!("progression on {} before any other response counted", progression.date),
            };
        }
        Best {
            response: R::NotEvaluable,
            events: Vec::new(),
            reason: "no assessment that counts as a response".into(),
        }
    }
}

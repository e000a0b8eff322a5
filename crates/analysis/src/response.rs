//! Best overall response by arm.
//!
//! Never judges an assessment (see `trial::recist`). Confirmed or not as the protocol's `tumour.confirmed` says.

use trial::event::Seq;
use trial::recist::{Best, OverallResponse, Series};

use crate::arms::Arms;
use crate::results::{Counted, ResponseRow};
use crate::row::{Subject, SubjectRow};
use crate::values::Valued;

/// A subject's best overall response.
#[derive(Clone, Debug)]
pub struct BestResponse {
    response: OverallResponse,
    /// The baseline, then the assessments it rests on.
    events: Vec<Seq>,
}

impl BestResponse {
    /// The response with its events.
    pub fn valued(self) -> Valued<OverallResponse> {
        Valued { value: self.response, events: self.events }
    }
}

/// The best of `series`, confirmed or not as the protocol says; none without an assessment after baseline.
pub fn best<'a>(subject: &Subject<'_>, series: &'a Series) -> Option<&'a Best> {
    let best = if subject.protocol.tumour.confirmed { &series.best_confirmed } else { &series.best };
    (!series.timepoints.is_empty()).then_some(best)
}

/// The best response of one randomised subject.
pub fn of(subject: &Subject<'_>) -> Option<BestResponse> {
    subject.randomised?;
    let series = subject.derived.series.as_ref()?;
    best(subject, series).map(|best| {
        let mut events = vec![series.baseline.event];
        events.extend(best.events.iter().filter(|event| **event != series.baseline.event));
        BestResponse { response: best.response, events }
    })
}

/// One row a response, best first; rows that RECIST's own tables do not always have only where they hold somebody.
pub fn table(arms: &Arms, rows: &[SubjectRow]) -> Vec<ResponseRow> {
    use OverallResponse::{Complete, NonCrNonPd, NotEvaluable, Partial, Progressive, Stable};
    let split = arms.split(rows);
    if !split.iter().flatten().any(|row| row.best.is_some()) {
        return Vec::new();
    }
    [
        Some(Complete),
        Some(Partial),
        Some(Stable),
        Some(NonCrNonPd),
        Some(Progressive),
        Some(NotEvaluable),
        None,
    ]
    .into_iter()
    .map(|response| ResponseRow {
        response,
        counts: split.iter().map(|rows| counted(rows, response)).collect(),
    })
    .filter(|row| {
        !matches!(row.response, Some(NonCrNonPd | NotEvaluable) | None)
            || row.counts.iter().any(|counted| counted.n > 0)
    })
    .collect()
}

fn counted(rows: &[&SubjectRow], response: Option<OverallResponse>) -> Counted {
    let mut counted = Counted::default();
    for row in rows {
        match &row.best {
            Some(best) if response == Some(best.response) => counted.add(row, best.events.iter().copied()),
            None if response.is_none() => counted.add(row, row.allocated),
            _ => {}
        }
    }
    counted
}

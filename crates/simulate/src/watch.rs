//! Whether anything has come that could change the answer to 'has the disease progressed?', which `trial::progression` gives at length.
//!
//! Never judges a scan: it knows only what the last 'no' was given to, and so can never miss a progression.

use jiff::civil::Date;
use trial::record::Record;

/// What the last 'no' was given to.
#[derive(Debug, Default)]
pub struct Watch {
    answered: Option<(usize, usize, Date)>,
}

impl Watch {
    /// True where a scan or a judgement of the clinic has come, or another reference holds, since there was none.
    pub fn may_progress(&self, record: &Record, reference: Date) -> bool {
        self.answered != Some(question(record, reference))
    }

    /// There is none so far.
    pub fn none_so_far(&mut self, record: &Record, reference: Date) {
        self.answered = Some(question(record, reference));
    }
}

fn question(record: &Record, reference: Date) -> (usize, usize, Date) {
    (record.assessments.len(), record.clinical_progressions.len(), reference)
}

//! From a reading to the results of its analysis: every record derived in parallel, then all of them analysed.
//!
//! Never an analysis of its own (`analysis` has them); the command line and the web application both come here, so that a
//! report is the same wherever it was made.

use analysis::results::{About, Results};
use analysis::{Context, Limits, Plan, Site, SubjectRow};
use jiff::civil::Date;
use trial::date::utc_date;
use trial::protocol::ProtocolHistory;

use crate::reading::Reading;
use crate::refusal::Error;

/// How a report counts the arms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arms {
    /// Each apart: for whoever may see a comparison.
    Apart,
    /// All in one: for whoever may not.
    Pooled,
}

impl Arms {
    /// The results of `rows`, with the arms told apart or not.
    pub fn results(self, history: &ProtocolHistory, context: Context, rows: Vec<SubjectRow>) -> Results {
        match self {
            Self::Apart => analysis::results(history, context, rows),
            Self::Pooled => analysis::pooled(history, context, rows),
        }
    }
}

impl Reading {
    /// All that a report says of this reading, with clinical facts up to `cut` (none: all).
    ///
    /// `source` says in words where the data came from; `derived` is told how many events were derived since it was last
    /// told. Blocking, like all of a reading. Errors: the ledger cannot be read.
    pub fn results(
        &self,
        arms: Arms,
        cut: Option<Date>,
        source: &str,
        mut derived: impl FnMut(u64),
    ) -> Result<Results, Error> {
        let limits = Limits::default();
        let detail = limits.detail(usize::try_from(self.subjects).unwrap_or(usize::MAX));
        let plan = Plan::new(&self.history);
        let mut rows = Vec::new();
        let counts = self.for_each_record(
            |subject| (plan.row(&subject.record, cut, detail), subject.events),
            |(row, events)| {
                rows.push(row);
                derived(events);
            },
        )?;
        let about = About {
            as_of: self.as_of,
            cut,
            last_recorded: self.until,
            head: Some(self.head.hash.to_string()),
            simulated: self.simulated,
            events: counts.events + self.beside_subjects,
            ..About::of(&self.history, source)
        };
        let sites = self.sites.iter().map(|site| Site {
            id: site.id.clone(),
            name: site.name.clone(),
            opened: Some(utc_date(site.opened)),
        });
        let context = Context { about, sites: sites.collect(), limits };
        Ok(arms.results(&self.history, context, rows))
    }
}

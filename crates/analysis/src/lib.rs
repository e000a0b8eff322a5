//! The statistical analysis plan: from records and protocol to typed results, each with where it came from.
//!
//! Never does I/O and never draws (see `report`). `Plan::row` makes of one subject's record a [`SubjectRow`], subjects in
//! parallel if the caller likes; [`results()`] makes of all rows the [`results::Results`], whatever their order.

mod arms;
mod assumptions;
mod baseline;
mod committee;
mod deviations;
mod figures;
mod flow;
pub mod in_words;
mod patterns;
mod plan;
mod quality;
mod quantile;
mod response;
pub mod results;
mod row;
mod sabr;
mod safety;
mod student;
#[cfg(test)]
mod testing;
mod time_to_event;
mod trace;
mod values;

pub use assumptions::of as assumptions;
pub use plan::{Context, Detail, Limits, Plan, Site};
pub use row::SubjectRow;
pub use values::{Analysed, Valued, Values};

use jiff::civil::Date;
use results::{About, Results};
use trial::date::utc_date;
use trial::protocol::ProtocolHistory;
use trial::record::Record;

use arms::Arms;

/// The row of one subject with all detail; for more than one, make one [`Plan`] and ask it.
pub fn row(history: &ProtocolHistory, record: &Record, cut: Option<Date>) -> SubjectRow {
    Plan::new(history).row(record, cut, Detail::FULL)
}

/// All that a report says, from the rows of every subject. The order of `rows` does not matter.
pub fn results(history: &ProtocolHistory, context: Context, rows: Vec<SubjectRow>) -> Results {
    made(history, context, rows, Arms::of)
}

/// The same without the arms: every subject counts in one group, nothing is compared, and no list of single subjects is kept,
/// since what a subject was treated with tells the arm. For whoever watches a trial but may not see it by arm.
pub fn pooled(history: &ProtocolHistory, context: Context, rows: Vec<SubjectRow>) -> Results {
    let rows = rows.into_iter().map(SubjectRow::pooled).collect();
    let mut results = made(history, context, rows, |_, rows| Arms::pooled(rows));
    results.safety.expedited.clear();
    results.safety.ungraded.clear();
    results.left_out =
        vec!["everything by subject, since what a subject was treated with tells the arm".to_owned()];
    Results { pooled: true, ..results }
}

fn made(
    history: &ProtocolHistory,
    context: Context,
    rows: Vec<SubjectRow>,
    arms: impl FnOnce(&ProtocolHistory, &[SubjectRow]) -> Arms,
) -> Results {
    let protocol = history.current();
    let mut rows: Vec<SubjectRow> = rows.into_iter().filter(|row| row.seen).collect();
    rows.sort_by(|a, b| a.subject.cmp(&b.subject));
    let Context { mut about, sites, limits } = context;
    about.last_clinical = about.last_clinical.or_else(|| rows.iter().filter_map(|row| row.last_seen).max());
    let until = about.cut.or(about.as_of.map(utc_date)).or(about.last_clinical);
    let left_out = limits.enforce(&mut rows);
    let arms = arms(history, &rows);
    let analyses = time_to_event::analyses(protocol, &arms, &mut rows);
    Results {
        flow: flow::flow(protocol, &arms, &rows, &analyses, until),
        recruitment: flow::recruitment(protocol, &sites, &rows),
        baseline: baseline::table(protocol, &arms, &rows),
        responses: response::table(&arms, &rows),
        patterns: patterns::patterns(&arms, &rows),
        sabr: sabr::table(&protocol.sabr, &arms, &rows),
        committee: committee::result(&arms, &mut rows, until),
        safety: safety::tables(&protocol.safety, &arms, &mut rows),
        quality_of_life: quality::result(protocol, &arms, &mut rows, until),
        deviations: deviations::list(&mut rows),
        pending: rows.iter_mut().filter_map(|row| row.pending.take()).collect(),
        swimmer: figures::swimmer(&arms, &mut rows),
        waterfall: figures::waterfall(&mut rows),
        spider: rows.iter_mut().filter_map(|row| row.trajectory.take()).collect(),
        assumptions: assumptions::told(protocol),
        background: protocol.background.clone(),
        faults: rows.iter_mut().flat_map(|row| std::mem::take(&mut row.faults)).collect(),
        traces: rows.iter_mut().filter_map(|row| row.trace.take()).map(|trace| *trace).collect(),
        arms: arms.names,
        analyses,
        about,
        left_out,
        pooled: false,
    }
}

impl About {
    /// What the protocol and `source` (where the data came from, in words) say; the rest is the caller's to set.
    pub fn of(history: &ProtocolHistory, source: &str) -> Self {
        let trial = &history.current().trial;
        Self {
            trial: trial.id.clone(),
            title: trial.title.clone(),
            registry: trial.registry.clone(),
            protocol_version: trial.version.clone(),
            as_of: None,
            cut: None,
            last_recorded: None,
            last_clinical: None,
            events: 0,
            head: None,
            simulated: false,
            source: source.to_owned(),
        }
    }
}

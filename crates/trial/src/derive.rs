//! Everything that follows from one record under a protocol, in one place: responses, strategy, the days that endpoints
//! read. `endpoint::time_to` then gives each endpoint under each analysis's rules.
//!
//! Never looks at another subject, so that subjects are derived in parallel.

use jiff::civil::Date;

use crate::date::AnalysisDate;
use crate::endpoint::next_line;
use crate::event::Seq;
use crate::progression::{self, Progression};
use crate::protocol::{Protocol, ProtocolHistory, Strategy, TumourRules};
use crate::recist::Series;
use crate::record::Record;
use crate::strategy::{self, Course, Status};

/// What follows from one record.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The reader's series against the baseline of randomisation.
    pub series: Option<Series>,
    /// First progression after randomisation, by RECIST or clinical.
    pub first_progression: Option<Progression>,
    /// The course of the strategy; none where the arm has no strategy rule or the subject is not randomised.
    pub strategy: Option<Course>,
    /// Death, imputed where partial.
    pub death: Option<AnalysisDate>,
    /// The last day anything is known of the subject.
    pub known_until: Option<Date>,
    /// The first progression on each later line of systemic therapy that an endpoint may ask for.
    pub on_lines: Vec<OnLine>,
}

/// The first progression after the start of a line of systemic therapy.
#[derive(Clone, Debug, PartialEq)]
pub struct OnLine {
    /// The event of the line.
    pub line: Seq,
    /// Its first day, imputed where partial.
    pub start: Date,
    /// The first progression after it.
    pub progression: Option<Progression>,
}

/// The version whose tumour and strategy rules hold for `record`: the one in force when the subject was randomised.
pub fn ruling<'h>(history: &'h ProtocolHistory, record: &Record) -> &'h Protocol {
    record.randomised.as_ref().map_or_else(|| history.current(), |fact| history.at(fact.event))
}

/// The strategy rule of the arm that `record` was given; none where the arm has none or the subject is not randomised.
pub fn strategy_of<'h>(history: &'h ProtocolHistory, record: &Record) -> Option<&'h Strategy> {
    let given = &record.randomised.as_ref()?.value.arm;
    ruling(history, record).arms.iter().find(|arm| arm.id == *given)?.strategy.as_ref()
}

/// Derives one record. `cut` is the clinical data cut-off, where there is one.
///
/// Tumour and strategy rules are those in force when the subject was randomised; endpoints and analyses are those of the
/// version that analyses.
pub fn derive(history: &ProtocolHistory, record: &Record, cut: Option<Date>) -> Derived {
    let protocol = ruling(history, record);
    let contact =
        record.contacts.iter().map(|fact| fact.value).filter(|day| cut.is_none_or(|cut| *day <= cut)).max();
    let death = record.death.as_ref().map(|death| {
        // A death is not imputed before the subject was last seen alive.
        let imputed = death.date.impute_end(cut);
        AnalysisDate {
            date: contact.map_or(imputed.date, |seen| imputed.date.max(seen.min(death.date.last()))),
            ..imputed
        }
    });
    let known_until = [contact, death.map(|death| death.date), cut].into_iter().flatten().max();
    let rules = &protocol.tumour;
    let start = record.randomised.as_ref().map(|fact| fact.value.date);
    let reference = start
        .or_else(|| progression::of_reader(record, &rules.reader).first().map(|assessment| assessment.date));
    let series = reference.and_then(|start| progression::series(rules, record, &rules.reader, start));
    let first_progression =
        start.and_then(|start| progression::first_in(rules, record, series.as_ref(), start));
    let strategy = record.randomised.as_ref().and_then(|fact| {
        let rule = strategy_of(history, record)?;
        let until = known_until.unwrap_or(fact.value.date);
        let death = death.map(|death| death.date);
        Some(strategy::follow_from(rule, rules, record, death, until, first_progression.clone()))
    });
    let on_lines = start.map(|start| on_lines(rules, record, start, strategy.as_ref())).unwrap_or_default();
    Derived { series, first_progression, strategy, death, known_until, on_lines }
}

/// What endpoints ask for: the line after randomisation, and the one after the failure of the strategy.
fn on_lines(rules: &TumourRules, record: &Record, start: Date, strategy: Option<&Course>) -> Vec<OnLine> {
    let failure = strategy.and_then(|course| match course.status {
        Status::Failed { on, .. } => Some(on),
        Status::Pending { progression } => Some(progression),
        Status::NotApplicable | Status::Holding => None,
    });
    let mut found: Vec<OnLine> = Vec::new();
    for (line, begun) in
        [Some(start), failure].into_iter().flatten().filter_map(|from| next_line(record, from))
    {
        if !found.iter().any(|known| known.line == line.event && known.start == begun) {
            let progression = progression::first_after(rules, record, begun);
            found.push(OnLine { line: line.event, start: begun, progression });
        }
    }
    found
}

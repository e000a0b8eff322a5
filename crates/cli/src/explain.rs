//! `trialwright explain`: what is known of a subject, and why: each derived value with its rule, words and events.
//!
//! Never derives anything itself: the words are those of `trial` and `analysis`.

use analysis::results::{About, Results, Trace};
use analysis::{Context, Detail, Limits, Plan};
use ledger::Address;
use office::Reading;
use serde_json::json;
use trial::eligibility::{Judged, Judgement, judge};
use trial::event::Seq;
use trial::id::SubjectId;
use trial::protocol::{CriterionKind, Protocol};
use trial::record::Record;

use crate::cuts::Cuts;
use crate::output::{self, Failure, line, table, told};

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// The subject; every subject in a line each when not said
    subject: Option<SubjectId>,
    #[command(flatten)]
    cuts: Cuts,
    /// Also show the events these rest on, as they were entered
    #[arg(long, requires = "subject")]
    events: bool,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let reading = options.cuts.open(&options.ledger)?;
    match &options.subject {
        Some(subject) => one(&reading, subject, options),
        None => all(&reading, options),
    }
}

fn results(reading: &Reading, rows: Vec<analysis::SubjectRow>) -> Results {
    let context =
        Context { about: About::of(&reading.history, ""), sites: Vec::new(), limits: Limits::default() };
    analysis::results(&reading.history, context, rows)
}

fn all(reading: &Reading, options: &Options) -> Result<(), Failure> {
    let plan = Plan::new(&reading.history);
    let (rows, _) = reading.records(|record| plan.row(&record, options.cuts.cut, Detail::FULL))?;
    let results = results(reading, rows);
    if options.json {
        return output::json(&results.traces);
    }
    if results.traces.is_empty() {
        return line("nobody was screened by then; a later --as-of shows more");
    }
    let mut shown = table(["subject", "site", "arm", "randomised", "responses", "strategy"]);
    for trace in &results.traces {
        let responses: Vec<&str> =
            trace.responses.iter().map(|(_, _, overall, ..)| overall.as_str()).collect();
        let runs = responses.chunk_by(|a, b| a == b).map(|run| match run {
            [once] => (*once).to_owned(),
            run => format!("{} x{}", run[0], run.len()),
        });
        shown.add_row([
            trace.subject.to_string(),
            trace.site.to_string(),
            trace.arm.as_ref().map(ToString::to_string).unwrap_or_default(),
            trace.randomised.map(|day| day.to_string()).unwrap_or_default(),
            runs.collect::<Vec<_>>().join(", "),
            trace.strategy.as_ref().map(|course| course.why.clone()).unwrap_or_default(),
        ]);
    }
    line(told(&shown))?;
    line(format!("\nMore of one: trialwright explain {} SUBJECT", options.ledger))
}

fn one(reading: &Reading, subject: &SubjectId, options: &Options) -> Result<(), Failure> {
    let Some((record, _)) = reading.record(subject)? else {
        let then = if options.cuts.as_of.is_some() { " by then" } else { "" };
        return Err(Failure::new(format!("{} knows no subject {subject}{then}", options.ledger))
            .hint(format!("trialwright explain {}  lists them", options.ledger)));
    };
    let record = match options.cuts.cut {
        Some(cut) => record.cut_at(cut),
        None => record,
    };
    let protocol = match &record.randomised {
        Some(fact) => reading.history.at(fact.event),
        None => reading.history.current(),
    };
    let judged = judge(protocol, &record);
    let plan = Plan::new(&reading.history);
    let results = results(reading, vec![plan.row(&record, options.cuts.cut, Detail::FULL)]);
    if options.json {
        let endpoints: Vec<_> = results
            .analyses
            .iter()
            .flat_map(|analysis| {
                analysis.subjects.iter().map(move |of| json!({ "analysis": analysis.id, "of": of }))
            })
            .collect();
        return output::json(
            &json!({ "subject": subject, "eligibility": judged, "trace": results.traces.first(), "endpoints": endpoints }),
        );
    }
    head(&record)?;
    eligibility(protocol, &judged)?;
    if let Some(trace) = results.traces.first() {
        course(trace)?;
    }
    endpoints(&results)?;
    faults(&record)?;
    match results.traces.first() {
        Some(trace) if options.events => sources(trace),
        _ => line(format!("\nWhat was entered: trialwright explain {} {subject} --events", options.ledger)),
    }
}

fn head(record: &Record) -> Result<(), Failure> {
    let allocation = match &record.randomised {
        Some(fact) => {
            format!("randomised to {} on {} ({})", fact.value.arm, fact.value.date, seqs(&[fact.event]))
        }
        None => "not randomised".into(),
    };
    line(format!("Subject {} of site {}: {allocation}", record.subject, record.site))
}

fn eligibility(protocol: &Protocol, judged: &[Judged]) -> Result<(), Failure> {
    line("\nEligibility")?;
    let mut shown = table(["criterion", "kind", "judgement", "text", "events"]);
    for criterion in judged {
        let known = protocol.eligibility.iter().find(|known| known.id == criterion.id);
        let excludes = known.is_some_and(|known| known.kind == CriterionKind::Exclusion);
        // "Met" of an exclusion would be read as its opposite.
        let judgement = match (&criterion.judgement, excludes) {
            (Judgement::Met, false) => "met".into(),
            (Judgement::NotMet, false) => "NOT MET".into(),
            (Judgement::Met, true) => "does not apply".into(),
            (Judgement::NotMet, true) => "APPLIES".into(),
            (Judgement::Unknown { missing }, _) => format!("unknown: {} missing", missing.join(", ")),
        };
        let kind = if excludes { "exclusion" } else { "inclusion" };
        shown.add_row([
            criterion.id.clone(),
            kind.to_owned(),
            judgement,
            criterion.text.clone(),
            seqs(&criterion.events),
        ]);
    }
    line(told(&shown))
}

fn course(trace: &Trace) -> Result<(), Failure> {
    if trace.responses.is_empty() {
        line("\nTumour assessments: none after the baseline")?;
        return strategy(trace);
    }
    line("\nTumour assessments")?;
    let mut shown = table(["day", "visit", "response", "sum mm", "why", "event"]);
    for (day, visit, overall, sum, why, event) in &trace.responses {
        let sum = sum.map(|sum| format!("{sum}")).unwrap_or_default();
        shown.add_row([
            day.to_string(),
            visit.clone(),
            overall.to_string(),
            sum,
            why.clone(),
            seqs(&[*event]),
        ]);
    }
    line(told(&shown))?;
    strategy(trace)
}

fn strategy(trace: &Trace) -> Result<(), Failure> {
    let Some(course) = &trace.strategy else { return Ok(()) };
    line(format!("\nStrategy: {} ({})", course.why, seqs(&course.events)))?;
    for episode in &course.episodes {
        line(format!("  {}: {} ({})", episode.progression.date, episode.why, seqs(&episode.events)))?;
    }
    Ok(())
}

fn endpoints(results: &Results) -> Result<(), Failure> {
    if results.analyses.iter().all(|analysis| analysis.subjects.is_empty()) {
        return line("\nEndpoints: none, since nobody is analysed who was not randomised");
    }
    line("\nEndpoints")?;
    let mut shown = table(["analysis", "days", "outcome", "rule", "why", "events"]);
    for analysis in &results.analyses {
        for of in &analysis.subjects {
            let outcome = if of.event { "event" } else { "censored" };
            shown.add_row([
                analysis.id.clone(),
                of.days.to_string(),
                outcome.to_owned(),
                of.time.rule.clone(),
                of.time.why.clone(),
                seqs(&of.time.events),
            ]);
        }
    }
    line(told(&shown))
}

fn faults(record: &Record) -> Result<(), Failure> {
    for fault in &record.faults {
        line(format!(
            "could not be read, event {}: {}, {}: {}",
            fault.event, fault.place, fault.item, fault.message
        ))?;
    }
    Ok(())
}

/// The events the derivations read, as they were entered.
fn sources(trace: &Trace) -> Result<(), Failure> {
    line("\nEvents")?;
    let mut shown = table(["event", "recorded", "form", "values"]);
    for source in &trace.sources {
        let recorded = source.recorded.map(|moment| moment.strftime("%Y-%m-%d %H:%M").to_string());
        let values: Vec<String> =
            source.values.iter().map(|(item, value)| format!("{item}={value}")).collect();
        shown.add_row([
            seqs(&[source.seq]),
            recorded.unwrap_or_default(),
            source.place.clone(),
            values.join("; "),
        ]);
    }
    line(told(&shown))
}

fn seqs(events: &[Seq]) -> String {
    events.iter().map(|seq| format!("#{seq}")).collect::<Vec<_>>().join(" ")
}

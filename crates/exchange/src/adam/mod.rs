//! The records of `ADaM` (Implementation Guide 1.3) of one subject: ADSL, ADAE, ADEX, ADQS, ADRS, ADTR and ADTTE.
//!
//! Never derives: each value is what `trial` and `analysis` derived for the report, and each record names the record of SDTM it
//! leads back to (`SRCDOM`, `SRCVAR`, `SRCSEQ`) and its events (`TRACE`).

mod measures;
mod source;
mod subject_level;
mod times;

pub(crate) use times::{Parameter, parameters};

use jiff::civil::Date;
use trial::date::{AnalysisDate, Imputed, study_day};

use crate::sdtm_out::Subject;
use crate::submission::line::{Line, pieces};
use source::Sources;

/// Every record of a subject; `sdtm` are its records there, numbered.
pub(crate) fn lines<'s>(subject: &Subject<'_, 's>, sdtm: &[Line<'s>]) -> Vec<Line<'s>> {
    let sources = Sources::of(sdtm);
    let mut lines = vec![subject_level::adsl(subject, sdtm)];
    measures::adverse_events(subject, &sources, &mut lines);
    measures::exposure(subject, sdtm, &mut lines);
    measures::quality(subject, &sources, &mut lines);
    measures::responses(subject, &sources, &mut lines);
    measures::sizes(subject, &sources, &mut lines);
    times::adtte(subject, &sources, &mut lines);
    lines
}

/// A parameter: code, name, number within its data set.
type Named = (&'static str, &'static str, u32);

/// The variables every record of a data set of parameters begins with.
fn begin<'s>(subject: &Subject<'_, 's>, set: &'static str, event: Option<u64>) -> Line<'s> {
    let line = Line::new(set, event).text("SITEID", subject.record.site.to_string());
    let Some(fact) = &subject.record.randomised else { return line.text("ITTFL", "N") };
    let (label, place) = arm(subject, fact.value.arm.as_str());
    line.text("TRTP", label).number("TRTPN", place).text("ITTFL", "Y")
}

fn parameter(line: Line<'_>, (code, name, number): Named) -> Line<'_> {
    line.text("PARAMCD", code).text("PARAM", name).number("PARAMN", number)
}

/// The label of an arm, and its place in the protocol from 1.
fn arm(subject: &Subject<'_, '_>, id: &str) -> (String, u32) {
    let arms = &subject.study.protocol.arms;
    let place = arms.iter().position(|arm| arm.id.as_str() == id);
    match place.and_then(|place| Some((u32::try_from(place).ok()?, arms.get(place)?))) {
        Some((place, arm)) => (arm.label.clone(), place + 1),
        None => (id.to_owned(), 0),
    }
}

/// `ADY`: from the day of randomisation.
fn ady(subject: &Subject<'_, '_>, on: Option<Date>) -> Option<f64> {
    Some(study_day(subject.start?, on?) as f64)
}

fn dated<'s>(subject: &Subject<'_, 's>, line: Line<'s>, on: Date) -> Line<'s> {
    line.day("ADT", Some(on)).maybe_number("ADY", ady(subject, Some(on)))
}

fn flag(imputed: Option<Imputed>) -> Option<&'static str> {
    imputed.map(|imputed| match imputed {
        Imputed::Day => "D",
        Imputed::Month => "M",
    })
}

fn imputed<'s>(line: Line<'s>, names: [&'static str; 2], date: Option<AnalysisDate>) -> Line<'s> {
    line.day(names[0], date.map(|date| date.date))
        .maybe_text(names[1], date.and_then(|date| flag(date.imputed)))
}

/// Words of any length, over as many variables as they need.
fn why<'s>(mut line: Line<'s>, words: &str) -> Line<'s> {
    const NAMES: [&str; 4] = ["WHY", "WHY1", "WHY2", "WHY3"];
    let pieces = pieces(words, 200);
    let most = NAMES.len();
    for (name, piece) in NAMES.into_iter().zip(&pieces) {
        line.put_text(name, (*piece).to_owned());
    }
    if pieces.len() > most {
        let last = pieces[most - 1..].join(" ");
        line.cells.retain(|(name, _)| *name != NAMES[most - 1]);
        line.put_text(NAMES[most - 1], crate::submission::line::short(&last, 200).into_owned());
    }
    line
}

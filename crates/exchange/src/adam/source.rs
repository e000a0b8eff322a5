//! From an event of the ledger to the record of SDTM that holds it: `SRCDOM`, `SRCVAR`, `SRCSEQ`.

use std::collections::HashMap;

use jiff::civil::Date;
use trial::event::Seq;

use crate::submission::line::Line;

/// The records of one subject by their events.
pub(super) struct Sources<'l, 's> {
    lines: &'l [Line<'s>],
    by_event: HashMap<Seq, Vec<usize>>,
}

/// The data sets that hold what an endpoint rests on, the most telling first, each with the variable of its day.
const DATED: [(&str, &str); 14] = [
    ("RS", "RSDTC"),
    ("CE", "CESTDTC"),
    ("DS", "DSSTDTC"),
    ("EX", "EXSTDTC"),
    ("CM", "CMSTDTC"),
    ("PR", "PRSTDTC"),
    ("SS", "SSDTC"),
    ("TR", "TRDTC"),
    ("QS", "QSDTC"),
    ("AE", "AESTDTC"),
    ("FA", "FADTC"),
    ("PR", "PRENDTC"),
    ("MH", "MHSTDTC"),
    ("DV", "DVSTDTC"),
];

impl<'l, 's> Sources<'l, 's> {
    pub fn of(lines: &'l [Line<'s>]) -> Self {
        let mut by_event: HashMap<Seq, Vec<usize>> = HashMap::new();
        for (place, line) in lines.iter().enumerate() {
            if let Some(event) = line.event {
                by_event.entry(event).or_default().push(place);
            }
        }
        Self { lines, by_event }
    }

    /// The records that were made from `event`, of one data set.
    pub fn made_from(&self, event: Seq, set: &'static str) -> impl Iterator<Item = &'l Line<'s>> {
        let places = self.by_event.get(&event).map_or(&[][..], Vec::as_slice);
        places.iter().map(|place| &self.lines[*place]).filter(move |line| line.set == set)
    }

    /// The record of `event` whose `variable` says `value`.
    pub fn saying(&self, event: Seq, set: &'static str, variable: &str, value: &str) -> Option<&'l Line<'s>> {
        self.made_from(event, set).find(|line| line.words(variable) == value)
    }

    /// The record that says of the day `on` what `events` rest on; where none is of that day, the most telling of them.
    pub fn of_day(&self, events: &[Seq], on: Date) -> Option<(&'l Line<'s>, &'static str)> {
        let day = on.to_string();
        let matching = |exact: bool| {
            DATED.iter().find_map(|(set, variable)| {
                events.iter().rev().find_map(|event| {
                    let mut made = self.made_from(*event, set).filter(|line| {
                        let said = line.words(variable);
                        !said.is_empty() && (!exact || said == day) && !is_part(line)
                    });
                    made.next().map(|line| (line, *variable))
                })
            })
        };
        // A progression that a later scan dates back rests on that scan; of its own day another record speaks.
        let of_that_day = || {
            DATED.iter().take(3).find_map(|(set, variable)| {
                let mut lines = self.lines.iter().filter(|line| line.set == *set && !is_part(line));
                lines.find(|line| line.words(variable) == day).map(|line| (line, *variable))
            })
        };
        matching(true).or_else(of_that_day).or_else(|| matching(false))
    }
}

/// Of an assessment's responses the overall one speaks for it.
fn is_part(line: &Line<'_>) -> bool {
    line.set == "RS" && line.words("RSCAT") == "RECIST 1.1" && line.words("RSTESTCD") != "OVRLRESP"
}

/// Writes the source of a record.
pub(super) fn from<'s>(line: Line<'s>, source: Option<&Line<'_>>, variable: &'static str) -> Line<'s> {
    let Some(source) = source else { return line };
    let line = line.text("SRCDOM", source.set).text("SRCVAR", variable);
    if source.set == "DM" { line } else { line.number("SRCSEQ", source.seq) }
}

//! TU, TR and the RECIST responses of RS: which lesions there are, what was seen of them, and what follows from it.
//!
//! Never judges a response: `trial::recist` does, against the baseline of randomisation. SDTM Implementation Guide 3.4, section
//! 6.3.12.

use std::collections::BTreeMap;

use trial::concept::LESIONS;
use trial::date::PartialDate;
use trial::progression;
use trial::protocol::Form;
use trial::recist::{NewLesion, Series};
use trial::record::FilledForm;

use super::{Sheet, Subject};
use crate::submission::line::{Line, short};
use crate::submission::visit::spid;

/// The assessments of one subject under way.
#[derive(Default)]
pub(super) struct Tumours {
    /// Reader and lesion, to role and location as first named.
    named: BTreeMap<(String, String), (String, String)>,
}

/// `--EVAL` and `--EVALID` of a reader, `INVESTIGATOR` or `EVAL/EVALID`.
fn evaluator(reader: &str) -> (String, String) {
    match reader.split_once('/') {
        Some((evaluator, id)) => (evaluator.to_owned(), id.to_owned()),
        None => (reader.to_owned(), String::new()),
    }
}

/// `TRSTRESC` of a state, in the terms of code list TRSTRESC where it has one.
fn state_of(state: &str) -> &str {
    match state {
        "UNEQUIVOCAL" => "UNEQUIVOCAL PROGRESSION",
        "TOO SMALL" => "TOO SMALL TO MEASURE",
        other => other,
    }
}

impl Tumours {
    /// TU and TR of one form.
    pub fn add<'s>(
        &mut self,
        subject: &Subject<'_, 's>,
        form: &FilledForm,
        definition: &'s Form,
        lines: &mut Vec<Line<'s>>,
    ) {
        let mut sheet = Sheet::of(definition, form);
        let date = sheet.take_date("TRDAT");
        let reader = sheet.take("TREVAL").unwrap_or_else(|| "INVESTIGATOR".into());
        // The number of an import; the visit says it again.
        _ = sheet.take("VISITNUM");
        let method = sheet.take("TRMETHOD");
        let assessment = Assessment { subject, form, date, reader, method, identifier: spid(&form.instance) };
        for row in Sheet::rows(definition, form, LESIONS) {
            self.lesion(&assessment, row, lines);
        }
        // What else the form says of the assessment as a whole stands with its first result.
        let first = lines.iter_mut().find(|line| line.set == "TR" && line.event == Some(form.event));
        if let Some(first) = first {
            for (id, item, value) in sheet.rest() {
                let label = item.map_or_else(|| id.clone(), |item| short(&item.label, 40));
                first.supplement(subject.study.short_name(&id), label, value, "CRF");
            }
        }
    }

    fn lesion<'s>(&mut self, of: &Assessment<'_, '_, 's>, mut row: Sheet<'_, 's>, lines: &mut Vec<Line<'s>>) {
        let Some(lesion) = row.take("TULNKID") else { return };
        let role = row.take("TUORRES").unwrap_or_default();
        let location = row.take("TULOC").unwrap_or_default().to_uppercase();
        let split = row.take("SPLITFROM");
        let key = (of.reader.clone(), lesion.clone());
        let (first_role, first_location) = if let Some(known) = self.named.get(&key) {
            known.clone()
        } else {
            let parts = split
                .as_deref()
                .is_some_and(|whole| lesion.rsplit_once('.').is_some_and(|(w, _)| w == whole));
            let (code, test) =
                if parts { ("TUSPLIT", "Tumor Split") } else { ("TUMIDENT", "Tumor Identification") };
            let mut line = Subject::line("TU", of.form)
                .text("TUSPID", of.identifier.clone())
                .text("TULNKID", lesion.clone())
                .text("TUTESTCD", code)
                .text("TUTEST", test)
                .text("TUORRES", role.clone())
                .text("TUSTRESC", role.clone())
                .text("TULOC", location.clone())
                .maybe_text("TUMETHOD", of.method.clone());
            if let Some(whole) = &split {
                line.supplement("SPLITFRM", "Part of This Lesion, Which Split", whole.clone(), "CRF");
            }
            lines.push(of.evaluated(line, ["TUEVAL", "TUEVALID"], ("TUDTC", "TUDY")));
            let named = (role.clone(), location.clone());
            self.named.insert(key, named.clone());
            named
        };
        let mut results = of.results(&mut row, &lesion, &role);
        if let Some(first) = results.first_mut() {
            if let Some(into) = row.take("MERGEDINTO") {
                first.supplement("MERGEDTO", "Merged into This Lesion", into, "CRF");
            }
            // A lesion is named once in TU; where an assessment calls it otherwise, that stands with its result.
            if role != first_role {
                first.supplement("TUORRES", "Role as Called at This Assessment", role.clone(), "CRF");
            }
            if location != first_location {
                first.supplement("TULOC", "Location as Called at This Assessment", location.clone(), "CRF");
            }
            for (id, item, value) in row.rest() {
                let label = item.map_or_else(|| id.clone(), |item| short(&item.label, 40));
                first.supplement(of.subject.study.short_name(&id), label, value, "CRF");
            }
        }
        lines.append(&mut results);
    }

    /// RS and the sums of TR, of every reader's series.
    pub fn responses<'s>(&self, subject: &Subject<'_, 's>, lines: &mut Vec<Line<'s>>) {
        let rules = &trial::derive::ruling(subject.study.history, subject.record).tumour;
        let mut readers: Vec<&str> = self.named.keys().map(|(reader, _)| reader.as_str()).collect();
        readers.dedup();
        for reader in readers {
            let own =
                || subject.start.and_then(|start| progression::series(rules, subject.record, reader, start));
            let derived = subject.values.derived.series.clone();
            let series = if reader == rules.reader { derived } else { own() };
            if let Some(series) = series {
                of_series(subject, reader, &series, lines);
            }
        }
    }
}

/// An assessment under way.
struct Assessment<'x, 'a, 's> {
    subject: &'x Subject<'a, 's>,
    form: &'x FilledForm,
    date: Option<PartialDate>,
    reader: String,
    method: Option<String>,
    identifier: String,
}

impl<'s> Assessment<'_, '_, 's> {
    fn evaluated(
        &self,
        line: Line<'s>,
        [eval, evalid]: [&'static str; 2],
        timed: (&'static str, &'static str),
    ) -> Line<'s> {
        let (evaluator, id) = evaluator(&self.reader);
        let line = line.text(eval, evaluator).text(evalid, id);
        self.subject.timing(line, self.form, self.date, timed)
    }

    /// The results of one lesion: its diameter, its state, or that it was not evaluated.
    fn results(&self, row: &mut Sheet<'_, 's>, lesion: &str, role: &str) -> Vec<Line<'s>> {
        let result = |code: &'static str, test: &'static str| {
            Subject::line("TR", self.form)
                .text("TRGRPID", role.to_owned())
                .text("TRSPID", self.identifier.clone())
                .text("TRLNKID", lesion.to_owned())
                .text("TRLNKGRP", self.identifier.clone())
                .text("TRTESTCD", code)
                .text("TRTEST", test)
        };
        let done = |line: Line<'s>| {
            let line = line.maybe_text("TRMETHOD", self.method.clone());
            self.evaluated(line, ["TREVAL", "TREVALID"], ("TRDTC", "TRDY"))
        };
        let (diameter, state) = (row.take("DIAMETER"), row.take("TUMSTATE"));
        let (status, reason) = (row.take("TRSTAT"), row.take("TRREASND"));
        let mut made = Vec::new();
        if let Some(size) = diameter {
            let number = size.parse::<f64>().ok();
            let line = result("DIAMETER", "Diameter").text("TRORRES", size.clone()).text("TRORRESU", "mm");
            let line = line.text("TRSTRESC", size).maybe_number("TRSTRESN", number).text("TRSTRESU", "mm");
            made.push(done(line));
        }
        if let Some(state) = state {
            let standard = state_of(&state).to_owned();
            let line = result("TUMSTATE", "Tumor State").text("TRORRES", state).text("TRSTRESC", standard);
            made.push(done(line));
        }
        if let Some(status) = status {
            let (code, test) =
                if role == "TARGET" { ("DIAMETER", "Diameter") } else { ("TUMSTATE", "Tumor State") };
            let line = result(code, test).text("TRSTAT", status).maybe_text("TRREASND", reason);
            if made.is_empty() {
                made.push(done(line));
            }
        }
        made
    }
}

/// The responses of one reader's series, and its sums of diameters.
fn of_series<'s>(subject: &Subject<'_, 's>, reader: &str, series: &Series, lines: &mut Vec<Line<'s>>) {
    let form_of = |event| trial::calendar::form_of(subject.record, event);
    let with = |line: Line<'s>, form: &FilledForm, [eval, evalid]: [&'static str; 2], timed| {
        let (evaluator, id) = evaluator(reader);
        subject.timing(line.text(eval, evaluator).text(evalid, id), form, form.date, timed)
    };
    let sum = |event: u64, sum: Option<f64>, lines: &mut Vec<Line<'s>>| {
        let (Some(sum), Some(form)) = (sum, form_of(event)) else { return };
        let sum = (sum * 1e6).round() / 1e6;
        let line = Subject::line("TR", form)
            .text("TRGRPID", "TARGET")
            .text("TRSPID", spid(&form.instance))
            .text("TRLNKGRP", spid(&form.instance))
            .text("TRTESTCD", "SUMDIAM")
            .text("TRTEST", "Sum of Diameter")
            .text("TRORRES", sum.to_string())
            .text("TRORRESU", "mm")
            .text("TRSTRESC", sum.to_string())
            .number("TRSTRESN", sum)
            .text("TRSTRESU", "mm");
        lines.push(with(line, form, ["TREVAL", "TREVALID"], ("TRDTC", "TRDY")));
    };
    sum(series.baseline.event, series.baseline.sum_mm, lines);
    for timepoint in &series.timepoints {
        sum(timepoint.event, timepoint.sum_mm, lines);
        let Some(form) = form_of(timepoint.event) else { continue };
        let new = match timepoint.new_lesion {
            NewLesion::None => None,
            other => Some(other.as_str()),
        };
        let responses = [
            ("TRGRESP", "Target Response", timepoint.target.map(trial::recist::TargetResponse::as_str)),
            (
                "NTRGRESP",
                "Non-target Response",
                timepoint.non_target.map(trial::recist::NonTargetResponse::as_str),
            ),
            ("NEWLPROG", "New Lesion Progression", new),
            ("OVRLRESP", "Overall Response", Some(timepoint.overall.as_str())),
        ];
        for (code, test, response) in responses {
            let Some(response) = response else { continue };
            let line = Subject::line("RS", form)
                .text("RSSPID", spid(&form.instance))
                .text("RSLNKGRP", spid(&form.instance))
                .text("RSTESTCD", code)
                .text("RSTEST", test)
                .text("RSCAT", "RECIST 1.1")
                .text("RSORRES", response)
                .text("RSSTRESC", response)
                .text("RSDRVFL", "Y");
            let line = with(line, form, ["RSEVAL", "RSEVALID"], ("RSDTC", "RSDY"));
            lines.push(line.rests_on(&[series.baseline.event]));
        }
    }
}

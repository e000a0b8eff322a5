//! A subject's history as lines of text, for tests that read like the case they tell.
//!
//! | line | what it says |
//! | --- | --- |
//! | `d84 T1 40 NT1 present N1 new` | a tumour assessment 84 days after randomisation (`d0`) |
//! | `scan d84 ...` | the same, said aloud; `reader:NAME` after the day names another reader |
//! | `clinical d84` | a clinical progression |
//! | `sabr d90-d95 T1 20x1` | a course of SABR, `T1` in one fraction of 20 Gy; `sabr d90- ...` is under way |
//! | `line d200 PROGRESSION fulvestrant` | a line of systemic therapy (`line 2026-05 ...` for a partial date, `line d200:d260 ...` with its end) |
//! | `decision d90 CONTINUE d84` | what was decided on day 90 about the progression of day 84 |
//! | `contact d300`, `withdrawal d300`, `death d300`, `death 2026-05` | as named |
//!
//! A lesion's name tells its role (`T` target, `NT` non-target, `N` new) and place (`L` a lymph node, `B` in the brain:
//! `TL1`, `NB1`). Its state is a diameter in mm, or `gone`, `small`, `present`, `worse`, `new`, `equivocal`, `ne`, `merged>T1`;
//! `present:12` also gives a diameter, `12<T1` says that it is a part of `T1`, and a last `+` or `-` that it is amenable to
//! SABR or not.

#![allow(dead_code, clippy::unwrap_used)]

use jiff::civil::{Date, date};
use trial::date::{PartialDate, plus_days};
use trial::id::{ArmId, LesionId};
use trial::protocol::{Checked, Protocol, ProtocolHistory};
use trial::record::{
    Allocation, Assessment, Death, Decision, Fact, Finding, LesionDose, LesionRole, LineReason, Reading,
    Record, SabrCourse, StrategyDecision, TherapyLine, Withdrawal,
};

/// Randomisation: `d0`.
pub const START: Date = date(2026, 1, 1);

/// `d84` as a date.
pub fn day(text: &str) -> Date {
    let days = text.strip_prefix('d').and_then(|days| days.parse().ok());
    plus_days(START, days.unwrap_or_else(|| panic!("{text:?} is no day like d84")))
}

/// A date as `d84`, days after randomisation.
pub fn name_of(date: Date) -> String {
    format!("d{}", trial::date::days_between(START, date))
}

fn partial(text: &str) -> PartialDate {
    if text.starts_with('d') { day(text).into() } else { PartialDate::parse(text).unwrap() }
}

/// The record that `lines` tell of a subject in `arm`.
pub fn record(arm: &str, lines: &str) -> Record {
    let mut record = Record { subject: "S1".into(), ..Record::default() };
    let stratum = Vec::new();
    let allocation = Allocation { arm: ArmId::from(arm), date: START, stratum, on_behalf: None };
    record.randomised = Some(Fact { value: allocation, event: 1 });
    record.contacts.push(Fact { value: START, event: 1 });
    for (number, line) in lines.lines().enumerate() {
        let words: Vec<&str> = line.split('#').next().unwrap().split_whitespace().collect();
        if !words.is_empty() {
            tell(&mut record, 10 + number as u64, &words);
        }
    }
    record.assessments.sort_by_key(|assessment| (assessment.date, assessment.event));
    record.contacts.sort_by_key(|contact| contact.value);
    record
}

fn tell(record: &mut Record, event: u64, words: &[&str]) {
    let mut alive = |on: Date| record.contacts.push(Fact { value: on, event });
    match words[0] {
        "scan" => tell(record, event, &words[1..]),
        "clinical" => {
            alive(day(words[1]));
            record.clinical_progressions.push(Fact { value: day(words[1]), event });
        }
        "sabr" => {
            let (start, end) = words[1].split_once('-').unwrap();
            let (start, end) = (day(start), (!end.is_empty()).then(|| day(end)));
            alive(end.unwrap_or(start));
            let lesions = words[2..].chunks(2).map(|pair| dose(pair[0], pair[1])).collect();
            record.sabr.push(SabrCourse { event, start, end, lesions });
        }
        "line" => {
            let (start, end) = words[1].split_once(':').map_or((words[1], None), |(s, e)| (s, Some(e)));
            let (start, end) = (partial(start), end.map(partial));
            start.day().into_iter().for_each(alive);
            let reason = match words[2] {
                "BASELINE" => LineReason::Baseline,
                "PROTOCOL" => LineReason::Protocol,
                "PROGRESSION" => LineReason::Progression,
                "TOXICITY" => LineReason::Toxicity,
                "OTHER" => LineReason::Other,
                wrong => panic!("{wrong:?} is no reason of a line"),
            };
            let treatment = words[3..].join(" ");
            record.lines.push(TherapyLine { event, treatment, reason, start, end });
        }
        "decision" => {
            let decision = match words[2] {
                "CONTINUE" => Decision::Continue,
                "ABANDON" => Decision::Abandon,
                wrong => panic!("{wrong:?} is no decision"),
            };
            record.decisions.push(StrategyDecision {
                event,
                date: day(words[1]),
                progression: day(words[3]),
                decision,
            });
        }
        "contact" => alive(day(words[1])),
        "withdrawal" => {
            alive(day(words[1]));
            record.withdrawal = Some(Withdrawal { event, date: day(words[1]), reason: String::new() });
        }
        "death" => record.death = Some(Death { event, date: partial(words[1]), cause: None }),
        first if first.starts_with('d') => {
            alive(day(first));
            record.assessments.push(assessment_of(event, words));
        }
        wrong => panic!("{wrong:?} begins no line"),
    }
}

fn dose(lesion: &str, dose: &str) -> LesionDose {
    let (gray, fractions) = dose.split_once('x').unwrap();
    LesionDose {
        lesion: LesionId::from(lesion),
        fraction_gy: gray.parse().unwrap(),
        fractions: fractions.parse().unwrap(),
    }
}

/// An assessment from one line, as `d84 T1 40 NT1 present`.
pub fn assessment(event: u64, line: &str) -> Assessment {
    assessment_of(event, &line.split('#').next().unwrap().split_whitespace().collect::<Vec<_>>())
}

fn assessment_of(event: u64, words: &[&str]) -> Assessment {
    let reader = words.get(1).and_then(|word| word.strip_prefix("reader:"));
    let lesions = &words[1 + usize::from(reader.is_some())..];
    assert!(lesions.len().is_multiple_of(2), "a lesion without a state in {words:?}");
    Assessment {
        event,
        reader: reader.unwrap_or("INVESTIGATOR").into(),
        visit: words[0].into(),
        visitnum: event as f64,
        date: day(words[0]),
        readings: lesions.chunks(2).map(|pair| reading(pair[0], pair[1])).collect(),
    }
}

/// One reading, as `T1 40` or `N1 new+`.
pub fn reading(lesion: &str, state: &str) -> Reading {
    let (role, place) = match lesion {
        name if name.starts_with("NT") => (LesionRole::NonTarget, &name[2..]),
        name if name.starts_with('T') => (LesionRole::Target, &name[1..]),
        name if name.starts_with('N') => (LesionRole::New, &name[1..]),
        wrong => panic!("{wrong:?} names no lesion"),
    };
    let amenable = match state.chars().last() {
        Some('+') => Some(true),
        Some('-') => Some(false),
        _ => None,
    };
    let state = state.trim_end_matches(['+', '-']);
    let (state, split_from) = match state.split_once('<') {
        Some((state, parent)) => (state, Some(LesionId::from(parent))),
        None => (state, None),
    };
    let (state, merged_into) = match state.split_once('>') {
        Some((state, into)) => (state, Some(LesionId::from(into))),
        None => (state, None),
    };
    let (state, given) = match state.split_once(':') {
        Some((state, mm)) => (state, Some(mm.parse().unwrap())),
        None => (state, None),
    };
    let finding = match (state, role) {
        ("gone", LesionRole::Target) => Finding::Measured(0.0),
        ("gone", _) => Finding::Absent,
        ("small", _) => Finding::TooSmall,
        ("present", _) => Finding::Present,
        ("worse" | "new", _) => Finding::Unequivocal,
        ("equivocal", _) => Finding::Equivocal,
        ("merged", _) => Finding::Merged,
        ("ne", _) => Finding::NotEvaluable("not scanned".into()),
        (mm, LesionRole::Target) => Finding::Measured(mm.parse().unwrap()),
        (mm, _) => {
            panic!("{mm:?} is no state of a {role:?} lesion; a diameter goes after one, as present:12")
        }
    };
    let diameter = match &finding {
        Finding::Measured(mm) => Some(*mm),
        _ => given,
    };
    let location = match () {
        () if place.starts_with('L') => "LYMPH NODE",
        () if place.starts_with('B') => "BRAIN",
        () => "",
    };
    Reading {
        lesion: LesionId::from(lesion),
        role,
        location: location.into(),
        nodal: place.starts_with('L'),
        intracranial: place.starts_with('B'),
        finding,
        diameter,
        split_from,
        merged_into,
        oligoprogressive: None,
        amenable,
    }
}

/// The trial of `trial.toml`, beside this file.
pub fn history() -> ProtocolHistory {
    let source = include_str!("trial.toml");
    let protocol: Protocol = toml::from_str(source).unwrap();
    ProtocolHistory::new(0, Checked { protocol, source: source.to_owned() })
}

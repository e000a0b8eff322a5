//! A subject's events for tests, written as they would be entered: `form`, `form@VISIT` or `form@VISIT#2`, and its values.

#![allow(dead_code, clippy::unwrap_used)]

use std::sync::LazyLock;

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use trial::event::{Entered, Event, Instance, Role, Seq, What};
use trial::form::{self, FormFault};
use trial::protocol::{ProtocolHistory, check};
use trial::record::Record;

pub const AVATAR: &str = include_str!("../../../../protocols/avatar-ii.toml");

/// The AVATAR II file in force from event 1.
pub fn avatar() -> ProtocolHistory {
    static HISTORY: LazyLock<ProtocolHistory> =
        LazyLock::new(|| ProtocolHistory::new(1, check(AVATAR).unwrap()));
    HISTORY.clone()
}

/// `form@VISIT#2` as an instance.
pub fn instance(text: &str) -> Instance {
    let (text, occurrence) = text.split_once('#').map_or((text, 1), |(text, n)| (text, n.parse().unwrap()));
    let (form, visit) =
        text.split_once('@').map_or((text, None), |(form, visit)| (form, Some(visit.to_owned())));
    Instance { form: form.to_owned(), visit, occurrence }
}

pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no map"),
    }
}

/// The events of one subject.
pub struct Notebook {
    pub history: ProtocolHistory,
    pub events: Vec<Entered>,
    next: Seq,
    recorded: jiff::Timestamp,
}

impl Notebook {
    /// An empty notebook; the first event is number 10, recorded on 2026-01-01.
    pub fn new(history: ProtocolHistory) -> Self {
        Self { history, events: Vec::new(), next: 10, recorded: "2026-01-01T12:00:00Z".parse().unwrap() }
    }

    /// What follows is recorded on `day`.
    pub fn on(&mut self, day: &str) -> &mut Self {
        self.recorded = format!("{day}T12:00:00Z").parse().unwrap();
        self
    }

    pub fn enter(&mut self, what: What) -> Seq {
        let seq = self.next;
        self.next += 1;
        let event = Event {
            who: "coordinator".into(),
            role: Role::SiteCoordinator,
            recorded: self.recorded,
            site: Some("S01".into()),
            subject: Some("S01-001".into()),
            what,
        };
        self.events.push(Entered { seq, event });
        seq
    }

    pub fn save(&mut self, form: &str, values: Value) -> Seq {
        self.enter(What::FormSaved { instance: instance(form), values: map(values) })
    }

    pub fn correct(&mut self, form: &str, values: Value, corrects: Seq) -> Seq {
        let (instance, values) = (instance(form), map(values));
        self.enter(What::FormCorrected { instance, values, corrects, reason: "typing error".into() })
    }

    pub fn randomise(&mut self, arm: &str, day: &str) -> Seq {
        let date = day.parse().unwrap();
        let stratum = vec![("opd_lesions".into(), "1".into())];
        self.enter(What::Randomised { arm: arm.into(), date, stratum, position: 0, on_behalf: None })
    }

    pub fn record(&self) -> Record {
        Record::fold(&self.history, &"S01-001".into(), &self.events)
    }

    /// What admission says of a form, entered on `today`.
    pub fn admit(&self, form: &str, values: Value, today: &str) -> Vec<FormFault> {
        let today: Date = today.parse().unwrap();
        form::check(self.history.current(), &self.record(), &instance(form), &map(values), today)
    }

    /// Screens an eligible subject: one oligoprogressive bone lesion, one controlled in the liver.
    pub fn screen(&mut self) -> &mut Self {
        self.enter(What::SubjectScreened);
        for (form, values) in screening() {
            self.save(form, values);
        }
        self
    }

    /// Screens and randomises on 2026-01-15.
    pub fn enrol(&mut self, arm: &str) -> &mut Self {
        self.screen();
        self.on("2026-01-15").randomise(arm, "2026-01-15");
        self
    }
}

/// The screening forms of an eligible subject.
pub fn screening() -> Vec<(&'static str, Value)> {
    vec![
        ("consent@SCREENING", json!({"RFICDAT": "2026-01-02", "RFICYN": "Y"})),
        ("demography@SCREENING", json!({"BRTHYY": 1960, "SEX": "F", "MENOPAUS": "POST"})),
        (
            "history@SCREENING",
            json!({
                "MHSTDAT": "2019-03", "MHMETDAT": "2024-05", "MHSTAGE": "METASTATIC", "ERSTAT": "POSITIVE",
                "HER2STAT": "NEGATIVE", "OPDNEW": "Y", "CHEMOMET": "N", "LMD": "N",
            }),
        ),
        (
            "firstline@SCREENING",
            json!({
                "CMTRT": "letrozole, ribociclib", "LINE": 1, "ETCLASS": "AI", "CDKYN": "Y", "CDKTRT": "RIBOCICLIB",
                "CMSTDAT": "2024-06", "CMONGO": "Y", "BESTRESP": "PR", "RESPTHRU": "2025-11-20",
            }),
        ),
        ("ecog@SCREENING", json!({"QSDAT": "2026-01-05", "ECOG": 1})),
        (
            "tumour@SCREENING",
            json!({"TRDAT": "2026-01-06", "LESIONS": [
                {"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 22.0, "OPD": "N"},
                {"TULNKID": "NT1", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT", "OPD": "Y",
                 "AMENABLE": "Y", "PRIORRT": "N"},
            ]}),
        ),
    ]
}

/// `value` with the item at a JSON pointer set; null takes it away.
pub fn with(mut value: Value, pointer: &str, to: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match parent {
        Value::Object(map) if to.is_null() => {
            map.remove(key);
        }
        Value::Object(map) => {
            map.insert(key.to_owned(), to);
        }
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = to,
        other => panic!("{other} has no members"),
    }
    value
}

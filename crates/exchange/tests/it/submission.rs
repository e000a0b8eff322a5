//! SDTM, `ADaM` and Define-XML of a small trial written here by hand, and its way back: what a virtual trial may not hold is in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use exchange::define;
use exchange::format::{About, Format, write_file};
use exchange::layout::{self, Core};
use exchange::sdtm;
use exchange::submission::{Collector, DataSet, Facts, Site, Standard, Study};
use exchange::table::Cell;
use serde_json::{Value, json};
use trial::derive::derive;
use trial::endpoint::{effective_rules, time_to};
use trial::event::{Entered, Event, Instance, Role, What};
use trial::id::{ArmId, SiteId, SubjectId};
use trial::protocol::{Checked, ProtocolHistory};
use trial::record::Record;

fn protocol() -> Checked {
    trial::protocol::check(include_str!("../../../../protocols/avatar-ii.toml")).unwrap()
}

/// Events of one subject, by day.
struct Life {
    id: &'static str,
    events: Vec<Entered>,
}

impl Life {
    fn new(id: &'static str) -> Self {
        let mut life = Self { id, events: Vec::new() };
        life.add("2026-01-05", What::SubjectScreened);
        life
    }

    fn add(&mut self, day: &str, what: What) {
        let event = Event {
            who: "anna".into(),
            role: Role::Investigator,
            recorded: format!("{day}T10:00:00Z").parse().unwrap(),
            site: Some(SiteId::from("01")),
            subject: Some(SubjectId::from(self.id)),
            what,
        };
        let seq = 10 + self.events.len() as u64 + if self.id == "01-002" { 500 } else { 0 };
        self.events.push(Entered { seq, event });
    }

    fn form(&mut self, day: &str, form: &str, visit: Option<&str>, occurrence: u32, values: Value) {
        let instance = Instance { form: form.into(), visit: visit.map(str::to_owned), occurrence };
        let Value::Object(values) = values else { panic!("a form is an object") };
        self.add(day, What::FormSaved { instance, values });
    }

    fn record(&self, history: &ProtocolHistory) -> Record {
        let record = Record::fold(history, &SubjectId::from(self.id), &self.events);
        assert!(record.faults.is_empty(), "{:?}", record.faults);
        record
    }
}

// Each call writes its object where it stands.
#[allow(clippy::needless_pass_by_value)]
fn lesion(id: &str, role: &str, location: &str, more: Value) -> Value {
    let mut row = json!({ "TULNKID": id, "TUORRES": role, "TULOC": location });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

/// Salvaged once, then poly-progressive; a second reader, a split and a merged lesion, an unscheduled scan, partial dates, long words.
fn full() -> Life {
    let mut life = Life::new("01-001");
    let screening = Some("SCREENING");
    life.form("2026-01-05", "consent", screening, 1, json!({ "RFICDAT": "2026-01-05", "RFICYN": "Y" }));
    life.form(
        "2026-01-05",
        "demography",
        screening,
        1,
        json!({ "BRTHYY": 1961, "SEX": "F", "MENOPAUS": "POST" }),
    );
    life.form(
        "2026-01-05",
        "history",
        screening,
        1,
        json!({ "MHSTDAT": "2019", "MHMETDAT": "2024-03", "MHSTAGE": "METASTATIC", "ERSTAT": "POSITIVE", "HER2STAT": "NEGATIVE",
            "OPDNEW": "Y", "CHEMOMET": "N", "LMD": "N" }),
    );
    life.form(
        "2026-01-05",
        "firstline",
        screening,
        1,
        json!({ "CMTRT": "letrozole + ribociclib", "LINE": 1, "ETCLASS": "AI", "CDKYN": "Y", "CDKTRT": "RIBOCICLIB",
            "CMSTDAT": "2024-04", "CMONGO": "Y", "BESTRESP": "PR", "RESPTHRU": "2025-10-01" }),
    );
    life.form("2026-01-06", "ecog", screening, 1, json!({ "QSDAT": "2026-01-06", "ECOG": 1 }));
    life.form(
        "2026-01-08",
        "tumour",
        screening,
        1,
        json!({ "TRDAT": "2026-01-08", "TRMETHOD": "CT SCAN", "LESIONS": [
            lesion("T01", "TARGET", "LIVER", json!({ "DIAMETER": 30, "OPD": "Y", "AMENABLE": "Y", "PRIORRT": "N" })),
            lesion("T02", "TARGET", "LYMPH NODE", json!({ "DIAMETER": 18.5 })),
            lesion("N01", "NON-TARGET", "BONE", json!({ "TUMSTATE": "PRESENT" })),
        ] }),
    );
    // Another reader at the same visit.
    life.form(
        "2026-01-08",
        "tumour",
        screening,
        2,
        json!({ "TRDAT": "2026-01-08", "TREVAL": "INDEPENDENT ASSESSOR/RADIOLOGIST 1",
            "LESIONS": [lesion("R01", "TARGET", "LIVER", json!({ "DIAMETER": 29 }))] }),
    );
    let answers: serde_json::Map<String, Value> =
        trial::factb::ITEMS.iter().map(|item| ((*item).to_owned(), json!(2))).collect();
    let mut answers = Value::Object(answers);
    answers["QSDAT"] = json!("2026-01-09");
    answers.as_object_mut().unwrap().remove("GS7");
    life.form("2026-01-09", "factb", screening, 1, answers.clone());
    let stratum = vec![("opd_lesions".to_owned(), "1".to_owned()), ("bone_only".to_owned(), "no".to_owned())];
    life.add(
        "2026-01-12",
        What::Randomised {
            arm: ArmId::from("A"),
            date: "2026-01-12".parse().unwrap(),
            stratum,
            position: 0,
            on_behalf: None,
        },
    );
    life.form(
        "2026-01-12",
        "systemic",
        None,
        1,
        json!({ "CMTRT": "letrozole + ribociclib", "CMREAS": "BASELINE", "CMSTDAT": "2024-04" }),
    );
    life.form(
        "2026-01-20",
        "sabr",
        None,
        1,
        json!({ "PRSTDAT": "2026-01-19", "PRENDAT": "2026-01-21", "PRTECH": "LINAC",
        "LESIONS": [{ "TULNKID": "T01", "PRDOSFRX": 8.1, "PRNFRX": 3 }] }),
    );
    life.form(
        "2026-02-10",
        "ae",
        None,
        1,
        json!({ "AETERM": "Fatigue", "AETOXGR": 2, "AESTDAT": "2026-02", "AESER": "N",
        "AEOUT": "RECOVERED", "AERELSYS": "POSSIBLE", "AERELSAB": "UNLIKELY" }),
    );
    life.form(
        "2026-04-06",
        "tumour",
        Some("W12"),
        1,
        json!({ "TRDAT": "2026-04-06", "LESIONS": [
            lesion("T01", "TARGET", "LIVER", json!({ "TUMSTATE": "TOO SMALL" })),
            lesion("T02", "TARGET", "LYMPH NODE", json!({ "DIAMETER": 16 })),
            lesion("N01", "NON-TARGET", "BONE", json!({ "TRSTAT": "NOT DONE", "TRREASND": "Bone scan cancelled" })),
            lesion("X01", "NEW", "LUNG", json!({ "TUMSTATE": "EQUIVOCAL" })),
        ] }),
    );
    life.form("2026-04-06", "ecog", Some("W12"), 1, json!({ "QSDAT": "2026-04-06", "ECOG": 0 }));
    answers["QSDAT"] = json!("2026-04-07");
    life.form("2026-04-07", "factb", Some("W12"), 1, answers);
    // Outside the schedule, with a decision of many words.
    life.form(
        "2026-05-20",
        "tumour",
        None,
        1,
        json!({ "TRDAT": "2026-05-20", "LESIONS": [
            lesion("T01", "TARGET", "LIVER", json!({ "DIAMETER": 6 })),
            lesion("T02", "TARGET", "LYMPH NODE", json!({ "DIAMETER": 15 })),
            lesion("N01", "NON-TARGET", "BONE", json!({ "TUMSTATE": "PRESENT" })),
            lesion("X01", "NEW", "LUNG", json!({ "TUMSTATE": "UNEQUIVOCAL", "DIAMETER": 11, "AMENABLE": "Y" })),
        ] }),
    );
    life.form(
        "2026-05-25",
        "decision",
        None,
        1,
        json!({ "DECDAT": "2026-05-25", "PROGDAT": "2026-04-06", "DECISION": "CONTINUE",
        "DECREAS": "One new lesion in the lung, ".repeat(12) }),
    );
    life.form(
        "2026-06-02",
        "sabr",
        None,
        2,
        json!({ "PRSTDAT": "2026-05-29", "PRENDAT": "2026-05-29",
        "LESIONS": [{ "TULNKID": "X01", "PRDOSFRX": 20, "PRNFRX": 1 }] }),
    );
    life.form(
        "2026-09-21",
        "tumour",
        Some("W36"),
        1,
        json!({ "TRDAT": "2026-09-21", "LESIONS": [
            lesion("T01.1", "TARGET", "LIVER", json!({ "DIAMETER": 21, "SPLITFROM": "T01" })),
            lesion("T01.2", "TARGET", "LIVER", json!({ "DIAMETER": 12, "SPLITFROM": "T01" })),
            lesion("T02", "TARGET", "LYMPH NODE", json!({ "DIAMETER": 25 })),
            lesion("N01", "NON-TARGET", "BONE", json!({ "TUMSTATE": "UNEQUIVOCAL" })),
            lesion("X01", "NEW", "LUNG", json!({ "TUMSTATE": "MERGED", "MERGEDINTO": "X02" })),
            lesion("X02", "NEW", "LUNG", json!({ "TUMSTATE": "UNEQUIVOCAL", "DIAMETER": 24 })),
        ] }),
    );
    life.form(
        "2026-09-25",
        "decision",
        None,
        2,
        json!({ "DECDAT": "2026-09-25", "PROGDAT": "2026-09-21", "DECISION": "ABANDON" }),
    );
    life.form(
        "2026-10-01",
        "systemic",
        None,
        2,
        json!({ "CMTRT": "capecitabine", "CMREAS": "PROGRESSION", "CMSTDAT": "2026-10",
        "CMENDAT": "2027-01-10", "CMENDRS": "PROGRESSION" }),
    );
    life.form(
        "2027-01-11",
        "clinprog",
        None,
        1,
        json!({ "CEDAT": "2027-01-11", "CETERM": "Rising pain, ascites" }),
    );
    life.form("2027-02-01", "deviation", None, 1, json!({ "DVSTDAT": "2026-07-06", "DVCAT": "ASSESSMENT", "DVTERM": "Scan of week 24 missed", "DVMAJOR": "N" }));
    life.form("2027-02-01", "contact", None, 1, json!({ "SSDAT": "2027-02-01", "SSMETH": "TELEPHONE" }));
    life.form("2027-03-20", "death", None, 1, json!({ "DTHDAT": "2027-03", "DTHCAUS": "BREAST CANCER" }));
    life
}

/// In the other arm, treated there, withdrawn.
fn withdrawn() -> Life {
    let mut life = Life::new("01-002");
    life.form(
        "2026-02-02",
        "consent",
        Some("SCREENING"),
        1,
        json!({ "RFICDAT": "2026-02-02", "RFICYN": "Y" }),
    );
    life.form("2026-02-02", "demography", Some("SCREENING"), 1, json!({ "BRTHYY": 1970, "SEX": "M" }));
    life.form(
        "2026-02-02",
        "tumour",
        Some("SCREENING"),
        1,
        json!({ "TRDAT": "2026-02-02", "LESIONS": [lesion("N01", "NON-TARGET", "BONE", json!({ "TUMSTATE": "PRESENT", "OPD": "Y", "AMENABLE": "Y", "PRIORRT": "N" }))] }),
    );
    let stratum =
        vec![("opd_lesions".to_owned(), "1".to_owned()), ("bone_only".to_owned(), "yes".to_owned())];
    life.add(
        "2026-02-10",
        What::Randomised {
            arm: ArmId::from("B"),
            date: "2026-02-10".parse().unwrap(),
            stratum,
            position: 0,
            on_behalf: None,
        },
    );
    life.form(
        "2026-02-12",
        "systemic",
        None,
        1,
        json!({ "CMTRT": "fulvestrant", "CMREAS": "PROTOCOL", "CMSTDAT": "2026-02-12" }),
    );
    life.form(
        "2026-06-01",
        "withdrawal",
        None,
        1,
        json!({ "DSSTDAT": "2026-06-01", "DSDECOD": "WITHDRAWAL OF CONSENT" }),
    );
    life
}

/// Not eligible: chemotherapy, and no consent to the rest.
fn screened() -> Life {
    let mut life = Life::new("01-003");
    life.form(
        "2026-03-02",
        "consent",
        Some("SCREENING"),
        1,
        json!({ "RFICDAT": "2026-03-02", "RFICYN": "Y" }),
    );
    life.form(
        "2026-03-02",
        "history",
        Some("SCREENING"),
        1,
        json!({ "MHSTDAT": "2015", "MHMETDAT": "2020", "MHSTAGE": "METASTATIC",
        "ERSTAT": "POSITIVE", "HER2STAT": "NEGATIVE", "OPDNEW": "Y", "CHEMOMET": "Y", "LMD": "N" }),
    );
    life
}

fn lives() -> [Life; 3] {
    [full(), withdrawn(), screened()]
}

fn facts(simulated: bool) -> Facts {
    Facts {
        sites: vec![Site { id: SiteId::from("01"), name: "One".into(), country: Some("AUS".into()) }],
        simulated,
        until: Some("2027-04-01T00:00:00Z".parse().unwrap()),
        ..Facts::default()
    }
}

fn sets<'h>(study: &Study<'h>, history: &'h ProtocolHistory) -> Vec<DataSet> {
    let mut collector = Collector::new(study, &[Standard::Sdtm, Standard::Adam, Standard::Trace]).unwrap();
    for life in lives() {
        collector.take(&study.subject(&life.record(history)));
    }
    collector.finish().unwrap()
}

fn about() -> About {
    About::new("AVATAR II", jiff::civil::date(2027, 4, 1).at(0, 0, 0, 0))
}

fn of<'s>(sets: &'s [DataSet], name: &str) -> &'s DataSet {
    sets.iter().find(|set| set.table.name() == name).unwrap_or_else(|| panic!("no data set {name}"))
}

#[test]
fn every_data_set_is_as_read_by_people() {
    let history = ProtocolHistory::new(1, protocol());
    let study = Study::new(&history, facts(true));
    let mut told = String::new();
    for set in sets(&study, &history) {
        let mut csv = Vec::new();
        Format::Csv.write(&set.table, &about(), &mut csv).unwrap();
        // Of the long ones the beginning is enough to be read.
        let text = String::from_utf8(csv).unwrap();
        let lines: Vec<&str> = text.lines().take(26).collect();
        let (name, label, records) = (set.table.name(), set.table.label(), set.table.len());
        writeln!(told, "== {name} ({label}), {records} records\n{}", lines.join("\n")).unwrap();
    }
    insta::assert_snapshot!("submission", told);
}

/// SDTM Implementation Guide 3.4, section 4.1.5: required variables are filled in every record, expected ones are there; `ADaM` alike.
#[test]
fn what_the_guides_require_is_there() {
    let history = ProtocolHistory::new(1, protocol());
    let study = Study::new(&history, facts(false));
    let sets = sets(&study, &history);
    for set in &sets {
        let order: Vec<usize> = set
            .table
            .columns()
            .iter()
            .map(|column| set.layout.variables.iter().position(|v| v.name == column.name).unwrap())
            .collect();
        assert!(order.is_sorted(), "{}: not in the order of the guide", set.table.name());
        for variable in &set.layout.variables {
            let place = set.table.place(&variable.name);
            match variable.core {
                Core::Required => {
                    let place = place.unwrap_or_else(|| panic!("{}: no {}", set.table.name(), variable.name));
                    assert!(
                        set.table.column(place).all(|cell| cell != Cell::Missing),
                        "{} {}",
                        set.table.name(),
                        variable.name
                    );
                }
                Core::Expected => assert!(place.is_some(), "{}: no {}", set.table.name(), variable.name),
                Core::Permissible => {}
            }
        }
        let keys = set.table.keys();
        let mut seen = std::collections::BTreeSet::new();
        for row in 0..set.table.len() {
            let key: Vec<String> = keys.iter().map(|key| format!("{:?}", set.table.get(row, *key))).collect();
            assert!(seen.insert(key.clone()), "{}: two records with the keys {key:?}", set.table.name());
        }
        assert!(
            exchange::format::xport::misfits(&set.table).is_empty(),
            "{:?}",
            exchange::format::xport::misfits(&set.table)
        );
    }
    for name in [
        "DM", "SE", "SV", "CM", "EX", "PR", "AE", "CE", "DS", "DV", "MH", "DD", "FA", "IE", "QS", "RS", "SS",
        "TR", "TU", "TA", "TE", "TI", "TS", "TV", "SUPPAE", "SUPPCM", "SUPPDM", "SUPPPR", "SUPPTR", "RELREC",
        "ADSL", "ADAE", "ADEX", "ADQS", "ADRS", "ADTR", "ADTTE", "TRACE",
    ] {
        assert!(!of(&sets, name).table.is_empty(), "{name}");
    }
}

/// Every item of every form stands somewhere in SDTM.
#[test]
fn no_value_of_a_form_is_lost() {
    let history = ProtocolHistory::new(1, protocol());
    let study = Study::new(&history, facts(false));
    let sets = sets(&study, &history);
    let written: std::collections::BTreeSet<String> = sets
        .iter()
        .filter(|set| set.standard == Standard::Sdtm)
        .flat_map(|set| {
            (0..set.table.columns().len())
                .flat_map(|place| set.table.words(place).map(str::to_owned).collect::<Vec<_>>())
        })
        .collect();
    let mapped: BTreeMap<&str, &str> = [
        ("RECOVERED", "RECOVERED/RESOLVED"),
        ("INDEPENDENT ASSESSOR/RADIOLOGIST 1", "RADIOLOGIST 1"),
        ("PROTOCOL", "fulvestrant"),
    ]
    .into();
    for life in lives() {
        for entered in &life.events {
            if let What::FormSaved { values, instance } = &entered.event.what {
                let mut found = Vec::new();
                values.values().for_each(|value| texts(value, &mut found));
                for text in found {
                    let text = mapped.get(text.as_str()).map_or(text.clone(), |other| (*other).to_owned());
                    let there = written.contains(text.trim()) || text.len() > 200;
                    assert!(there, "{}, {}: {text:?} is nowhere", life.id, instance.form);
                }
            }
        }
    }
}

/// There and back: the same outcome of every analysis, the same lesions, lines, courses, decisions and strata.
#[rstest::rstest]
#[case(Format::Csv)]
#[case(Format::Xport)]
#[case(Format::DatasetJson)]
fn comes_back_from_sdtm(#[case] format: Format) {
    let history = ProtocolHistory::new(1, protocol());
    let study = Study::new(&history, facts(false));
    let dir = tempfile::tempdir().unwrap();
    for set in sets(&study, &history).iter().filter(|set| set.standard == Standard::Sdtm) {
        write_file(dir.path(), format, &set.table, &about()).unwrap();
    }
    let import = sdtm::read_under(dir.path(), &protocol()).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    assert!(import.accounting.files.iter().all(exchange::sdtm::FileAccount::adds_up));
    let again = import.history();
    for life in lives() {
        let was = life.record(&history);
        let id = format!("AVATAR II-{}", life.id);
        let back = import.subjects.iter().find(|subject| subject.id.as_str() == id).unwrap();
        let is = import.record(&again, back);
        let (derived, rederived) = (derive(&history, &was, None), derive(&again, &is, None));
        let protocol = history.current();
        for analysis in &protocol.analyses {
            let endpoint =
                protocol.endpoints.iter().find(|endpoint| endpoint.id == analysis.endpoint).unwrap();
            let rules = effective_rules(endpoint, &analysis.rules);
            let told = |record: &Record, derived: &trial::derive::Derived| {
                time_to(protocol, endpoint, &rules, record, derived)
                    .map(|t| (t.origin, t.outcome, t.imputed, t.rule, t.why))
            };
            assert_eq!(told(&was, &derived), told(&is, &rederived), "{id} {}", analysis.id);
        }
        let lesions = |record: &Record| -> Vec<_> {
            record.assessments.iter().map(|a| (a.reader.clone(), a.date, a.readings.clone())).collect()
        };
        let mut sorted = [lesions(&was), lesions(&is)];
        for assessments in &mut sorted {
            assessments.sort_by_key(|(reader, date, _)| (reader.clone(), *date));
            for (_, _, readings) in assessments {
                readings.sort_by(|a, b| a.lesion.cmp(&b.lesion));
            }
        }
        assert_eq!(sorted[0], sorted[1], "{id}");
        let said = |record: &Record| {
            (
                record
                    .lines
                    .iter()
                    .map(|l| (l.treatment.clone(), l.reason, l.start, l.end))
                    .collect::<Vec<_>>(),
                record.sabr.iter().map(|c| (c.start, c.end, c.lesions.clone())).collect::<Vec<_>>(),
                record.decisions.iter().map(|d| (d.date, d.progression, d.decision)).collect::<Vec<_>>(),
                record.ecog.iter().map(|e| e.value).collect::<Vec<_>>(),
                record.factb.iter().map(|f| (f.date, f.visit.clone(), f.answers.clone())).collect::<Vec<_>>(),
                record
                    .adverse_events
                    .iter()
                    .map(|a| (a.term.clone(), a.grade, a.start, a.serious, a.attribution.clone()))
                    .collect::<Vec<_>>(),
                record
                    .deviations
                    .iter()
                    .map(|d| (d.date, d.category.clone(), d.term.clone(), d.important))
                    .collect::<Vec<_>>(),
                record.death.as_ref().map(|d| (d.date, d.cause.clone())),
                record.withdrawal.as_ref().map(|w| (w.date, w.reason.clone())),
                record
                    .randomised
                    .as_ref()
                    .map(|r| (r.value.arm.clone(), r.value.date, r.value.stratum.clone())),
            )
        };
        assert_eq!(said(&was), said(&is), "{id}");
        let judged = |history: &ProtocolHistory, record: &Record| -> Vec<_> {
            trial::eligibility::judge(history.current(), record)
                .into_iter()
                .map(|j| (j.id, j.judgement))
                .collect()
        };
        assert_eq!(judged(&history, &was), judged(&again, &is), "{id}");
    }
}

#[test]
fn an_arm_that_the_protocol_lacks_is_refused() {
    let history = ProtocolHistory::new(1, protocol());
    let study = Study::new(&history, facts(false));
    let dir = tempfile::tempdir().unwrap();
    for set in sets(&study, &history).iter().filter(|set| set.standard == Standard::Sdtm) {
        write_file(dir.path(), Format::Csv, &set.table, &about()).unwrap();
    }
    let other = trial::protocol::check(&protocol().source.replace("id = \"B\"", "id = \"C\"")).unwrap();
    let faults = sdtm::read_under(dir.path(), &other).unwrap_err();
    assert!(
        faults.iter().any(|fault| fault.to_string().contains("arm \"B\"") && fault.right.contains("A, C")),
        "{faults:?}"
    );
}

#[test]
fn define_xml_is_as_read_by_people() {
    let history = ProtocolHistory::new(1, protocol());
    let study = Study::new(&history, facts(true));
    let sets = sets(&study, &history);
    let created = about().created;
    for standard in [Standard::Sdtm, Standard::Adam] {
        let mut xml = Vec::new();
        define::write(&study, standard, &sets, &define::Options { created, extension: "xpt" }, &mut xml)
            .unwrap();
        let xml = String::from_utf8(xml).unwrap();
        assert!(xml.contains("SIMULATED DATA"));
        let part: Vec<&str> = xml
            .lines()
            .filter(|line| {
                line.contains("MethodDef")
                    || line.contains("ItemGroupDef OID")
                    || line.contains("TranslatedText") && line.len() > 130
            })
            .collect();
        insta::assert_snapshot!(format!("define_{}", standard.as_str()), part.join("\n"));
        // Every reference leads somewhere.
        let oids = |attribute: &str| -> std::collections::BTreeSet<String> {
            xml.split(&format!(" {attribute}=\""))
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned())
                .collect()
        };
        let defined = oids("OID");
        for attribute in [
            "ItemOID",
            "MethodOID",
            "CodeListOID",
            "def:CommentOID",
            "ValueListOID",
            "WhereClauseOID",
            "def:StandardOID",
            "def:ItemOID",
        ] {
            for oid in oids(attribute) {
                assert!(defined.contains(&oid), "{attribute} {oid} is defined nowhere");
            }
        }
    }
    assert!(layout::sdtm().len() > layout::adam().len());
}

#[test]
fn a_cut_sees_no_later_fact() {
    let history = ProtocolHistory::new(1, protocol());
    let cut = "2026-05-01".parse().unwrap();
    let study = Study::new(&history, Facts { cut: Some(cut), ..facts(false) });
    let sets = sets(&study, &history);
    for set in sets.iter().filter(|set| set.standard == Standard::Sdtm && set.table.name() != "TS") {
        for (place, column) in set.table.columns().iter().enumerate() {
            // When it was entered is no clinical fact.
            let entered = matches!(
                column.name.as_str(),
                "DMDTC" | "AEDTC" | "DSDTC" | "DSDY" | "CEDTC" | "MHDTC" | "DDDTC"
            );
            for word in set.table.words(place).filter(|_| column.name.ends_with("DTC") && !entered) {
                assert!(word <= "2026-05-01", "{} {} says {word}", set.table.name(), column.name);
            }
        }
    }
    assert!(sets.iter().all(|set| set.table.name() != "DD"));
}

/// Every text in `value`.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(rows) => rows.iter().for_each(|row| texts(row, found)),
        Value::Object(row) => row.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

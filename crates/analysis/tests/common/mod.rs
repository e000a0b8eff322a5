//! A small trial written by hand: eleven subjects of AVATAR II, each event through `Record::fold`.
//!
//! Each subject shows one thing; `subjects` says which.

// Each file of tests uses a part of it.
#![allow(dead_code)]

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use analysis::results::{About, Results};
use analysis::{Context, Limits, Plan, Site, SubjectRow, results};
use trial::date::plus_days;
use trial::event::{Entered, Event, Instance, Role, What};
use trial::factb;
use trial::id::SubjectId;
use trial::protocol::{ProtocolHistory, check};
use trial::record::Record;

/// Day of randomisation of the first subject; each later one is 20 days on.
const FIRST: &str = "2025-06-02";

pub fn protocol() -> ProtocolHistory {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../protocols/avatar-ii.toml");
    let source = std::fs::read_to_string(path).expect("the protocol stands beside the crates");
    ProtocolHistory::new(1, check(&source).expect("the protocol has no fault"))
}

/// The events of one subject, in order.
pub struct Story {
    pub subject: SubjectId,
    site: &'static str,
    start: Date,
    next: u64,
    pub events: Vec<Entered>,
}

impl Story {
    /// The `number`-th subject; days count from its own randomisation.
    pub fn new(number: u64, site: &'static str) -> Self {
        let first: Date = FIRST.parse().expect("a date");
        let start = plus_days(first, 20 * (i64::try_from(number).expect("few") - 1));
        let subject = SubjectId(format!("{site}-{number:03}"));
        Self { subject, site, start, next: 1_000 * number, events: Vec::new() }
    }

    pub fn day(&self, day: i64) -> String {
        plus_days(self.start, day).to_string()
    }

    fn recorded(&self, day: i64) -> Timestamp {
        format!("{}T09:00:00Z", self.day(day)).parse().expect("a moment")
    }

    fn event(&mut self, day: i64, what: What) -> &mut Self {
        let event = Event {
            who: "coordinator".into(),
            role: Role::SiteCoordinator,
            recorded: self.recorded(day),
            site: Some(self.site.into()),
            subject: Some(self.subject.clone()),
            what,
        };
        self.next += 1;
        self.events.push(Entered { seq: self.next, event });
        self
    }

    /// A form saved on `day`.
    pub fn form(&mut self, day: i64, form: &str, visit: Option<(&str, u32)>, values: Value) -> &mut Self {
        let Value::Object(values) = values else { panic!("values are an object") };
        let instance = Instance {
            form: form.into(),
            visit: visit.map(|(visit, _)| visit.to_owned()),
            occurrence: visit.map_or_else(|| self.entries(form) + 1, |(_, occurrence)| occurrence),
        };
        self.event(day, What::FormSaved { instance, values })
    }

    fn entries(&self, form: &str) -> u32 {
        let of_form = |entered: &&Entered| matches!(&entered.event.what, What::FormSaved { instance, .. } if instance.form == form && instance.visit.is_none());
        u32::try_from(self.events.iter().filter(of_form).count()).expect("few")
    }

    /// Corrects the first form of this name.
    pub fn correct(&mut self, day: i64, form: &str, change: &[(&str, Value)]) -> &mut Self {
        let (seq, instance, mut values) = self
            .events
            .iter()
            .find_map(|entered| match &entered.event.what {
                What::FormSaved { instance, values } if instance.form == form => {
                    Some((entered.seq, instance.clone(), values.clone()))
                }
                _ => None,
            })
            .expect("was saved");
        for (item, value) in change {
            values.insert((*item).to_owned(), value.clone());
        }
        self.event(day, What::FormCorrected { instance, values, corrects: seq, reason: "typed wrong".into() })
    }

    /// Screening complete, with `change` of single items as `form.ITEM`, and the lesions of the baseline scan.
    pub fn screened(&mut self, lesions: &[Value], change: &[(&str, Value)]) -> &mut Self {
        self.event(-14, What::SubjectScreened);
        let screening = Some(("SCREENING", 1));
        let value = |name: &str, usual: Value| {
            change.iter().find(|(changed, _)| *changed == name).map_or(usual, |(_, value)| value.clone())
        };
        let consent = json!({"RFICDAT": self.day(-14), "RFICYN": "Y"});
        let demography =
            json!({"BRTHYY": value("demography.BRTHYY", json!(1961)), "SEX": "F", "MENOPAUS": "POST"});
        let history = json!({
            "MHSTDAT": "2019", "MHMETDAT": "2023-09", "MHSTAGE": "METASTATIC", "ERSTAT": "POSITIVE",
            "HER2STAT": value("history.HER2STAT", json!("NEGATIVE")), "OPDNEW": "Y", "CHEMOMET": "N",
            "LMD": value("history.LMD", json!("N")),
        });
        let first_line = json!({
            "CMTRT": "LETROZOLE + RIBOCICLIB", "LINE": 1, "ETCLASS": "AI", "CDKYN": "Y", "CDKTRT": "RIBOCICLIB",
            "CMSTDAT": "2023-10-02", "CMONGO": "Y", "BESTRESP": "PR", "RESPTHRU": self.day(-100),
        });
        let ecog = json!({"QSDAT": self.day(-14), "ECOG": value("ecog.ECOG", json!(0))});
        let tumour = json!({"TRDAT": self.day(-12), "LESIONS": lesions});
        for (form, values) in [
            ("consent", consent),
            ("demography", demography),
            ("history", history),
            ("firstline", first_line),
            ("ecog", ecog),
            ("tumour", tumour),
        ] {
            self.form(-12, form, screening, values);
        }
        self
    }

    pub fn allocated(&mut self, arm: &str, stratum: &[(&str, &str)]) -> &mut Self {
        let stratum =
            stratum.iter().map(|(factor, level)| ((*factor).to_owned(), (*level).to_owned())).collect();
        let date = self.start;
        self.event(0, What::Randomised { arm: arm.into(), date, stratum, position: 0, on_behalf: None })
    }

    pub fn randomised(&mut self, arm: &str, opd: &str, bone_only: &str) -> &mut Self {
        self.allocated(arm, &[("opd_lesions", opd), ("bone_only", bone_only)]);
        let values =
            json!({"CMTRT": "LETROZOLE + RIBOCICLIB", "CMREAS": "BASELINE", "CMSTDAT": "2023-10-02"});
        self.form(0, "systemic", None, values)
    }

    pub fn scan(&mut self, day: i64, visit: &str, occurrence: u32, lesions: &[Value]) -> &mut Self {
        let values = json!({"TRDAT": self.day(day), "LESIONS": lesions});
        self.form(day, "tumour", Some((visit, occurrence)), values)
    }

    pub fn sabr(&mut self, day: i64, lesions: &[&str]) -> &mut Self {
        let rows: Vec<Value> =
            lesions.iter().map(|id| json!({"TULNKID": id, "PRDOSFRX": 12, "PRNFRX": 2})).collect();
        let values = json!({"PRSTDAT": self.day(day), "PRENDAT": self.day(day + 2), "LESIONS": rows});
        self.form(day + 2, "sabr", None, values)
    }

    pub fn line(&mut self, day: i64, treatment: &str) -> &mut Self {
        let values = json!({"CMTRT": treatment, "CMREAS": "PROGRESSION", "CMSTDAT": self.day(day)});
        self.form(day, "systemic", None, values)
    }

    /// FACT-B with every answer 2 but the first `raised` of the functional items, which are 4: a total of 74 + 2 raised.
    pub fn factb(&mut self, day: i64, visit: &str, raised: usize) -> &mut Self {
        let mut values = Map::new();
        values.insert("QSDAT".into(), json!(self.day(day)));
        for item in factb::ITEMS {
            let up = item.starts_with("GF") && item[2..].parse::<usize>().expect("a number") <= raised;
            values.insert(item.into(), json!(if up { 4 } else { 2 }));
        }
        self.form(day, "factb", Some((visit, 1)), Value::Object(values))
    }

    pub fn adverse_event(
        &mut self,
        day: i64,
        term: &str,
        grade: u8,
        serious: bool,
        related: &str,
    ) -> &mut Self {
        let values = json!({
            "AETERM": term, "AETOXGR": grade, "AESTDAT": self.day(day), "AESER": if serious { "Y" } else { "N" },
            "AERELSYS": related, "AERELSAB": "UNRELATED",
        });
        self.form(day, "ae", None, values)
    }

    pub fn dated(&mut self, day: i64, form: &str, item: &str, more: Value) -> &mut Self {
        let mut values = more;
        values[item] = json!(self.day(day));
        self.form(day, form, None, values)
    }

    pub fn record(&self, history: &ProtocolHistory) -> Record {
        Record::fold(history, &self.subject, &self.events)
    }
}

pub fn target(id: &str, place: &str, mm: f64) -> Value {
    json!({"TULNKID": id, "TUORRES": "TARGET", "TULOC": place, "DIAMETER": mm})
}

/// A target that progressed at entry.
pub fn opd(id: &str, place: &str, mm: f64) -> Value {
    json!({
        "TULNKID": id, "TUORRES": "TARGET", "TULOC": place, "DIAMETER": mm, "OPD": "Y", "AMENABLE": "Y", "PRIORRT": "N",
    })
}

pub fn new_lesion(id: &str, place: &str) -> Value {
    json!({"TULNKID": id, "TUORRES": "NEW", "TULOC": place, "TUMSTATE": "UNEQUIVOCAL", "AMENABLE": "Y"})
}

/// The eleven subjects.
pub fn subjects() -> Vec<Story> {
    vec![
        responds(),
        held_then_failed(),
        pending(),
        not_covered_then_withdrawn(),
        control_progresses(),
        control_with_sabr(),
        control_misses_visits(),
        control_not_eligible(),
        screen_failure(),
        still_in_screening(),
        left_before_randomisation(),
    ]
}

/// Arm A: partial response, quality of life at every week, one related adverse event.
fn responds() -> Story {
    let mut s = Story::new(1, "S01");
    s.screened(&[opd("T1", "LIVER", 30.0), target("T2", "LUNG", 20.0)], &[]);
    s.factb(-10, "SCREENING", 0).randomised("A", "1", "no").sabr(10, &["T1"]);
    s.adverse_event(40, "Fatigue", 1, false, "PROBABLE").adverse_event(60, "Fatigue", 2, false, "POSSIBLE");
    for (n, (visit, day)) in [("W12", 84), ("W24", 168), ("W36", 252), ("W48", 336)].into_iter().enumerate() {
        let mm = 15.0 - 2.0 * n as f64;
        s.scan(day, visit, 1, &[target("T1", "LIVER", mm), target("T2", "LUNG", 18.0)]);
        s.factb(day, visit, n + 1);
    }
    s.scan(420, "FOLLOWUP", 1, &[target("T1", "LIVER", 9.0), target("T2", "LUNG", 18.0)]);
    s
}

/// Arm A: an oligoprogression at week 24 is treated, more than five lesions at week 48 fail the strategy; then the next
/// line, progression on it, and death.
fn held_then_failed() -> Story {
    let mut s = Story::new(2, "S01");
    s.screened(&[opd("T1", "BONE", 20.0), opd("T2", "BONE", 20.0)], &[("ecog.ECOG", json!(1))]);
    s.factb(-9, "SCREENING", 3).randomised("A", "2-5", "yes").sabr(7, &["T1", "T2"]);
    let stable = [target("T1", "BONE", 20.0), target("T2", "BONE", 20.0)];
    s.scan(85, "W12", 1, &stable);
    s.factb(85, "W12", 1);
    let mut grown = stable.to_vec();
    grown.push(new_lesion("N1", "BONE"));
    s.scan(168, "W24", 1, &grown);
    let progression = s.day(168);
    s.dated(172, "decision", "DECDAT", json!({"PROGDAT": progression, "DECISION": "CONTINUE"}));
    s.sabr(180, &["N1"]);
    s.scan(252, "W36", 1, &grown);
    let mut many = grown.clone();
    many.extend((2..8).map(|n| new_lesion(&format!("N{n}"), "LIVER")));
    s.scan(336, "W48", 1, &many);
    s.line(350, "CAPECITABINE");
    many.push(new_lesion("N9", "LUNG"));
    s.scan(420, "FOLLOWUP", 1, &many);
    s.dated(500, "death", "DTHDAT", json!({"DTHCAUS": "BREAST CANCER"}));
    s
}

/// Arm A: an oligoprogression whose decision is not recorded.
fn pending() -> Story {
    let mut s = Story::new(3, "S02");
    s.screened(&[opd("T1", "LYMPH NODE", 25.0)], &[]);
    s.randomised("A", "1", "no").sabr(14, &["T1"]);
    s.scan(84, "W12", 1, &[target("T1", "LYMPH NODE", 25.0), new_lesion("N1", "LIVER")]);
    s.dated(110, "contact", "SSDAT", json!({"SSMETH": "TELEPHONE"}));
    s
}

/// Arm A: SABR to one of two lesions only; withdrawn.
fn not_covered_then_withdrawn() -> Story {
    let mut s = Story::new(4, "S02");
    s.screened(&[opd("T1", "LIVER", 20.0), opd("T2", "LUNG", 15.0)], &[("demography.BRTHYY", json!(1950))]);
    s.randomised("A", "2-5", "no").sabr(20, &["T1"]);
    s.scan(84, "W12", 1, &[target("T1", "LIVER", 18.0), target("T2", "LUNG", 15.0)]);
    s.dated(150, "withdrawal", "DSSTDAT", json!({"DSDECOD": "WITHDRAWAL OF CONSENT"}));
    s
}

/// Arm B: progression at week 12, next line, progression on it, death of which the day is not known.
fn control_progresses() -> Story {
    let mut s = Story::new(5, "S01");
    s.screened(&[opd("T1", "LIVER", 20.0)], &[]);
    s.factb(-8, "SCREENING", 2).randomised("B", "1", "no");
    s.scan(84, "W12", 1, &[target("T1", "LIVER", 30.0)]).factb(84, "W12", 1);
    s.line(95, "FULVESTRANT + ALPELISIB");
    s.adverse_event(120, "Hyperglycemia", 4, true, "DEFINITE");
    s.scan(168, "W24", 1, &[target("T1", "LIVER", 30.0)]).factb(170, "W24", 0);
    s.scan(252, "W36", 1, &[target("T1", "LIVER", 40.0)]);
    let month = s.day(330)[..7].to_owned();
    s.form(340, "death", None, json!({"DTHDAT": month, "DTHCAUS": "BREAST CANCER"}));
    s
}

/// Arm B: SABR all the same, recorded as a deviation too.
fn control_with_sabr() -> Story {
    let mut s = Story::new(6, "S01");
    s.screened(&[opd("T1", "BONE", 20.0)], &[]);
    s.factb(-8, "SCREENING", 1).randomised("B", "1", "yes").sabr(30, &["T1"]);
    s.dated(
        30,
        "deviation",
        "DVSTDAT",
        json!({"DVCAT": "SABR NOT PERMITTED", "DVTERM": "SABR at another hospital"}),
    );
    s.scan(84, "W12", 1, &[target("T1", "BONE", 20.0)]).factb(84, "W12", 2);
    s.scan(168, "W24", 1, &[target("T1", "BONE", 20.0)]).factb(168, "W24", 2);
    s
}

/// Arm B: two assessments missed, the third made nine days after its window; an event whose end comes before its onset.
fn control_misses_visits() -> Story {
    let mut s = Story::new(7, "S02");
    s.screened(&[opd("T1", "LIVER", 20.0), opd("T2", "LIVER", 20.0)], &[("ecog.ECOG", json!(2))]);
    s.randomised("B", "2-5", "no");
    let (onset, end) = (s.day(50), s.day(40));
    s.form(
        60,
        "ae",
        None,
        json!({"AETERM": "Nausea", "AETOXGR": 3, "AESTDAT": onset, "AEENDAT": end, "AESER": "N", "AERELSYS": "UNRELATED",
               "AERELSAB": "UNRELATED"}),
    );
    s.scan(268, "W36", 1, &[target("T1", "LIVER", 30.0), target("T2", "LIVER", 20.0)]);
    s
}

/// Arm B: randomised, and the status of HER2 corrected to positive later; ECOG was corrected too, to what is right.
fn control_not_eligible() -> Story {
    let mut s = Story::new(8, "S02");
    s.screened(&[opd("T1", "BONE", 20.0)], &[]);
    s.randomised("B", "1", "yes");
    s.correct(20, "history", &[("HER2STAT", json!("POSITIVE"))]);
    s.correct(20, "ecog", &[("ECOG", json!(1))]);
    s.scan(84, "W12", 1, &[target("T1", "BONE", 20.0)]);
    s
}

fn screen_failure() -> Story {
    let mut s = Story::new(9, "S01");
    s.screened(
        &[opd("T1", "BONE", 20.0)],
        &[("history.HER2STAT", json!("POSITIVE")), ("history.LMD", json!("Y"))],
    );
    s
}

/// Nobody has said yet whether there is leptomeningeal disease.
fn still_in_screening() -> Story {
    let mut s = Story::new(22, "S03");
    s.screened(&[opd("T1", "BONE", 20.0)], &[("history.LMD", Value::Null)]);
    s
}

fn left_before_randomisation() -> Story {
    let mut s = Story::new(11, "S02");
    s.screened(&[opd("T1", "BONE", 20.0)], &[]);
    s.dated(-2, "withdrawal", "DSSTDAT", json!({"DSDECOD": "WITHDRAWAL OF CONSENT"}));
    s
}

pub fn context(history: &ProtocolHistory, cut: Option<Date>) -> Context {
    let mut about = About::of(history, "written by hand");
    about.cut = cut;
    let sites = ["S01", "S02", "S04"].map(|id| Site {
        id: id.into(),
        name: format!("Hospital {id}"),
        opened: Some("2025-05-01".parse().expect("a date")),
    });
    Context { about, sites: sites.to_vec(), limits: Limits::default() }
}

pub fn rows(
    history: &ProtocolHistory,
    stories: &[Story],
    cut: Option<Date>,
    limits: &Limits,
) -> Vec<SubjectRow> {
    let plan = Plan::new(history);
    let detail = limits.detail(stories.len());
    stories.iter().map(|story| plan.row(&story.record(history), cut, detail)).collect()
}

pub fn analysed(stories: &[Story], cut: Option<Date>) -> Results {
    let history = protocol();
    let rows = rows(&history, stories, cut, &Limits::default());
    results(&history, context(&history, cut), rows)
}

//! SDTM read under a protocol that is at hand: its forms filled from CM, PR, CE, FA, RS, QS, SS, DV and supplemental qualifiers too.
//!
//! Never guesses what SDTM does not say: a line of therapy needs the reason it began (SUPPCM `CMREAS`), a course of SABR its
//! fractions (SUPPPR), a decision its form (FA, by `FACAT`). What `exchange::submission` writes comes back whole.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use trial::date::PartialDate;
use trial::event::{Entered, Instance, What};
use trial::factb;
use trial::id::SubjectId;
use trial::protocol::{Checked, Concept, Form, Item, ItemType, Protocol};

use super::fault::ImportFault;
use super::ledger::Ledger;
use super::response::Key;
use super::sheet::{Notes, Sheet};
use super::subject::{Demography, Draft};
use super::tumour::Assessment;
use super::value::{VisitNum, date, number, reader};
use crate::sdtm_out::{DIAGNOSES, FACT_B, PRIOR, RADIOTHERAPY, SYSTEMIC};
use crate::submission::visit;

/// Supplemental qualifiers by parent domain, subject and `--SEQ`.
#[derive(Default)]
pub(super) struct Qualifiers(BTreeMap<(String, String, String), Vec<(String, String)>>);

impl Qualifiers {
    /// Those of every SUPP data set; a text continued in `NAME1`, `NAME2` is not put together.
    pub fn read(sheets: &mut BTreeMap<String, Sheet>) -> Self {
        let mut all = Self::default();
        for (_, sheet) in sheets.iter_mut().filter(|(name, _)| name.starts_with("SUPP")) {
            let columns = ["RDOMAIN", "USUBJID", "IDVARVAL", "QNAM", "QVAL"].map(|name| sheet.column(name));
            for index in 0..sheet.len() {
                let [domain, subject, seq, name, value] =
                    columns.map(|column| sheet.get(index, column).to_owned());
                all.0.entry((domain, subject, seq)).or_default().push((name, value));
                sheet.used(index);
            }
        }
        all
    }

    pub fn of(&self, domain: &str, subject: &str, seq: &str) -> &[(String, String)] {
        let key = (domain.to_owned(), subject.to_owned(), seq.to_owned());
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How the readers name forms, and the concept of each.
const FORMS: [(&str, Concept); 16] = [
    ("demography", Concept::Demography),
    ("consent", Concept::Consent),
    ("exposure", Concept::SystemicTherapy),
    ("systemic", Concept::SystemicTherapy),
    ("adverse_event", Concept::AdverseEvent),
    ("withdrawal", Concept::Withdrawal),
    ("death", Concept::Death),
    ("contact", Concept::LastContact),
    ("sabr", Concept::SabrCourse),
    ("progression", Concept::ClinicalProgression),
    ("prior", Concept::PriorTherapy),
    ("ecog", Concept::Ecog),
    ("factb", Concept::FactB),
    ("deviation", Concept::Deviation),
    ("decision", Concept::StrategyDecision),
    ("history", Concept::DiseaseHistory),
];

/// Adds to the readings of `assessments` what the qualifiers of TU and TR say of them.
pub(super) fn readings(
    sheets: &mut BTreeMap<String, Sheet>,
    qualifiers: &Qualifiers,
    assessments: &mut BTreeMap<Key, Assessment>,
) {
    let mut parts: BTreeMap<(String, String, String), String> = BTreeMap::new();
    if let Some(tu) = sheets.get_mut("TU") {
        let columns = ["USUBJID", "TUSEQ", "TULNKID", "TUEVAL", "TUEVALID"].map(|name| tu.column(name));
        for index in 0..tu.len() {
            let [subject, seq, lesion, eval, id] = columns.map(|column| tu.get(index, column));
            let split = qualifiers.of("TU", subject, seq).iter().find(|(name, _)| name == "SPLITFRM");
            if let Some((_, whole)) = split {
                parts.insert((subject.to_owned(), reader(eval, id), lesion.to_owned()), whole.clone());
            }
        }
    }
    for ((subject, by, _), assessment) in assessments.iter_mut() {
        for reading in &mut assessment.readings {
            let lesion = reading.get("TULNKID").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(whole) = parts.get(&(subject.to_string(), by.clone(), lesion)) {
                reading.insert("SPLITFROM".into(), json!(whole));
            }
        }
    }
    let Some(tr) = sheets.get_mut("TR") else { return };
    let columns =
        ["USUBJID", "TRSEQ", "TRLNKID", "TREVAL", "TREVALID", "VISITNUM"].map(|name| tr.column(name));
    for index in 0..tr.len() {
        let [subject, seq, lesion, eval, id, at] = columns.map(|column| tr.get(index, column));
        let said = qualifiers.of("TR", subject, seq);
        let Ok(at) = at.parse::<f64>() else { continue };
        if said.is_empty() {
            continue;
        }
        let key = (SubjectId::from(subject), reader(eval, id), VisitNum(at + 0.0));
        let reading = assessments.get_mut(&key).and_then(|assessment| {
            assessment
                .readings
                .iter_mut()
                .find(|reading| reading.get("TULNKID").is_some_and(|id| id == lesion))
        });
        let Some(reading) = reading else { continue };
        for (name, value) in said {
            let item = if name == "MERGEDTO" { "MERGEDINTO" } else { name };
            reading.insert(item.to_owned(), json!(value));
        }
    }
}

/// Drafts of every domain that the import without a protocol leaves.
pub(super) fn drafts(
    sheets: &mut BTreeMap<String, Sheet>,
    qualifiers: &Qualifiers,
    protocol: &Protocol,
    known: &impl Fn(&str) -> bool,
    notes: &mut Notes,
) -> Vec<Draft> {
    let diagnoses = sheets.get_mut("MH").map(diagnoses).unwrap_or_default();
    let mut under = Under { qualifiers, protocol, known, diagnoses, drafts: Vec::new() };
    for domain in ["CM", "PR", "CE", "RS", "QS", "SS", "DV", "FA"] {
        let Some(sheet) = sheets.get_mut(domain) else { continue };
        match domain {
            "CM" => under.medications(sheet, notes),
            "PR" => under.procedures(sheet, notes),
            "CE" => under.progressions(sheet, notes),
            "RS" => under.performance(sheet, notes),
            "QS" => under.questionnaires(sheet, notes),
            "SS" => under.statuses(sheet, notes),
            "DV" => under.deviations(sheet, notes),
            _ => under.findings(sheet, notes),
        }
    }
    under.drafts
}

struct Under<'u, K: Fn(&str) -> bool> {
    qualifiers: &'u Qualifiers,
    protocol: &'u Protocol,
    known: &'u K,
    /// Of each subject the days of diagnosis, by item of the form.
    diagnoses: BTreeMap<String, Vec<(&'static str, String)>>,
    drafts: Vec<Draft>,
}

/// Rows that make one form: where they stand, and which they are.
type Grouped = BTreeMap<(String, String), Vec<usize>>;

impl<K: Fn(&str) -> bool> Under<'_, K> {
    /// The subject of a row; a fault, and none, where DM does not name it.
    fn subject(&self, sheet: &mut Sheet, index: usize, notes: &mut Notes) -> Option<String> {
        let column = sheet.column("USUBJID");
        let who = sheet.get(index, column).to_owned();
        if (self.known)(&who) {
            return Some(who);
        }
        sheet.fault(index, column, format!("subject {who:?}"), "name a subject of DM", notes);
        None
    }

    fn push(
        &mut self,
        subject: &str,
        form: &str,
        visit: &str,
        recorded: Option<Date>,
        values: Map<String, Value>,
    ) {
        let Some(recorded) = recorded else { return };
        self.drafts.push(Draft {
            subject: SubjectId::from(subject),
            form: form.to_owned(),
            visit: Some(visit.to_owned()).filter(|visit| !visit.is_empty()),
            recorded,
            values,
        });
    }

    /// The value of a qualifier, as the item of its name is typed.
    fn qualified(&self, domain: &str, subject: &str, seq: &str, values: &mut Map<String, Value>) {
        for (name, value) in self.qualifiers.of(domain, subject, seq) {
            values.insert(name.clone(), typed(item_of(self.protocol, name), value));
        }
    }

    fn medications(&mut self, cm: &mut Sheet, notes: &mut Notes) {
        let [seq, treatment, category, kind, start, end] =
            ["CMSEQ", "CMTRT", "CMCAT", "CMSCAT", "CMSTDTC", "CMENDTC"].map(|name| cm.column(name));
        for index in 0..cm.len() {
            let form = match cm.get(index, category) {
                SYSTEMIC => "systemic",
                PRIOR => "prior",
                _ => continue,
            };
            let Some(who) = self.subject(cm, index, notes) else { continue };
            let (from, to) = (date(cm, index, start, notes), date(cm, index, end, notes));
            let mut values = Map::new();
            values.insert("CMTRT".into(), json!(cm.get(index, treatment)));
            for (item, date) in [("CMSTDAT", from), ("CMENDAT", to)] {
                if let Some(date) = date {
                    values.insert(item.into(), json!(date.to_string()));
                }
            }
            if form == "prior" && !cm.get(index, kind).is_empty() {
                values.insert("CMCAT".into(), json!(cm.get(index, kind)));
            }
            self.qualified("CM", &who, cm.get(index, seq), &mut values);
            if form == "systemic" && !values.contains_key("CMREAS") {
                cm.unused(index, "CM: a line of therapy without the reason it began (SUPPCM CMREAS)");
                continue;
            }
            let recorded = [from, to].into_iter().flatten().map(PartialDate::first).max();
            let form = if form == "prior" { prior_form(self.protocol, &values) } else { form };
            self.push(&who, form, "", recorded, values);
            cm.used(index);
        }
    }

    fn procedures(&mut self, pr: &mut Sheet, notes: &mut Notes) {
        let [seq, group, lesion, category, start, end] =
            ["PRSEQ", "PRGRPID", "PRLNKID", "PRCAT", "PRSTDTC", "PRENDTC"].map(|name| pr.column(name));
        let mut courses: Grouped = BTreeMap::new();
        for index in
            (0..pr.len()).filter(|index| pr.get(*index, category) == RADIOTHERAPY).collect::<Vec<_>>()
        {
            let Some(who) = self.subject(pr, index, notes) else { continue };
            // Without a group, the lesions of one span are one course.
            let course = match pr.get(index, group) {
                "" => format!("{} {}", pr.get(index, start), pr.get(index, end)),
                group => group.to_owned(),
            };
            courses.entry((who, course)).or_default().push(index);
        }
        for ((who, _), rows) in courses {
            let mut values = Map::new();
            let mut lesions = Vec::new();
            let mut latest: Option<Date> = None;
            for index in rows {
                for (item, column) in [("PRSTDAT", start), ("PRENDAT", end)] {
                    if let Some(day) = date(pr, index, column, notes) {
                        values.insert(item.into(), json!(day.to_string()));
                        latest = latest.max(Some(day.first()));
                    }
                }
                let mut row = Map::new();
                row.insert("TULNKID".into(), json!(pr.get(index, lesion)));
                let mut said = Map::new();
                self.qualified("PR", &who, pr.get(index, seq), &mut said);
                for (item, value) in said {
                    let of_lesion = is_of_group(self.protocol, Concept::SabrCourse, &item);
                    if of_lesion {
                        row.insert(item, value)
                    } else {
                        values.insert(item, value)
                    };
                }
                if ["PRDOSFRX", "PRNFRX"].iter().any(|item| !row.contains_key(*item)) {
                    pr.unused(
                        index,
                        "PR: radiotherapy without dose a fraction and fractions (SUPPPR PRDOSFRX, PRNFRX)",
                    );
                    continue;
                }
                lesions.push(Value::Object(row));
                pr.used(index);
            }
            if !lesions.is_empty() {
                values.insert(trial::concept::LESIONS.into(), Value::Array(lesions));
                self.push(&who, "sabr", "", latest, values);
            }
        }
    }

    fn progressions(&mut self, ce: &mut Sheet, notes: &mut Notes) {
        let [seq, term, category, start] =
            ["CESEQ", "CETERM", "CECAT", "CESTDTC"].map(|name| ce.column(name));
        for index in 0..ce.len() {
            if ce.get(index, category) != "CLINICAL PROGRESSION" {
                continue;
            }
            let Some(who) = self.subject(ce, index, notes) else { continue };
            let Some(on) = date(ce, index, start, notes) else { continue };
            let mut values = Map::new();
            values.insert("CEDAT".into(), json!(on.to_string()));
            values.insert("CETERM".into(), json!(ce.get(index, term)));
            self.qualified("CE", &who, ce.get(index, seq), &mut values);
            self.push(&who, "progression", "", Some(on.first()), values);
            ce.used(index);
        }
    }

    fn performance(&mut self, rs: &mut Sheet, notes: &mut Notes) {
        let [seq, category, result, visit, dtc] =
            ["RSSEQ", "RSCAT", "RSSTRESC", "VISIT", "RSDTC"].map(|name| rs.column(name));
        for index in 0..rs.len() {
            if rs.get(index, category) != "ECOG" {
                continue;
            }
            let Some(who) = self.subject(rs, index, notes) else { continue };
            let status = number(rs, index, result, "a performance status", notes);
            let (Some(on), Some(status)) = (date(rs, index, dtc, notes), status) else { continue };
            let mut values = Map::new();
            values.insert("QSDAT".into(), json!(on.to_string()));
            values.insert("ECOG".into(), whole(status));
            self.qualified("RS", &who, rs.get(index, seq), &mut values);
            self.push(&who, "ecog", rs.get(index, visit), Some(on.first()), values);
            rs.used(index);
        }
    }

    fn questionnaires(&mut self, qs: &mut Sheet, notes: &mut Notes) {
        let [category, identifier, test, result, visit, dtc] =
            ["QSCAT", "QSSPID", "QSTESTCD", "QSSTRESC", "VISIT", "QSDTC"].map(|name| qs.column(name));
        let mut filled: Grouped = BTreeMap::new();
        for index in (0..qs.len()).filter(|index| qs.get(*index, category) == FACT_B).collect::<Vec<_>>() {
            let Some(who) = self.subject(qs, index, notes) else { continue };
            let form =
                format!("{} {} {}", qs.get(index, identifier), qs.get(index, visit), qs.get(index, dtc));
            filled.entry((who, form)).or_default().push(index);
        }
        for ((who, _), rows) in filled {
            let mut values = Map::new();
            let (mut on, mut at) = (None, String::new());
            for index in rows {
                qs.used(index);
                on = on.or_else(|| date(qs, index, dtc, notes));
                qs.get(index, visit).clone_into(&mut at);
                let item = qs.get(index, test).to_owned();
                if factb::ITEMS.contains(&item.as_str())
                    && let Some(answer) = number(qs, index, result, "an answer", notes)
                {
                    values.insert(item, whole(answer));
                }
            }
            if let Some(on) = on {
                values.insert("QSDAT".into(), json!(on.to_string()));
                self.push(&who, "factb", &at, Some(on.first()), values);
            }
        }
    }

    fn statuses(&mut self, ss: &mut Sheet, notes: &mut Notes) {
        let [seq, result, dtc] = ["SSSEQ", "SSSTRESC", "SSDTC"].map(|name| ss.column(name));
        for index in 0..ss.len() {
            if ss.get(index, result) != "ALIVE" {
                continue;
            }
            let Some(who) = self.subject(ss, index, notes) else { continue };
            let Some(on) = date(ss, index, dtc, notes) else { continue };
            let mut values = Map::new();
            values.insert("SSDAT".into(), json!(on.to_string()));
            self.qualified("SS", &who, ss.get(index, seq), &mut values);
            self.push(&who, "contact", "", Some(on.first()), values);
            ss.used(index);
        }
    }

    fn deviations(&mut self, dv: &mut Sheet, notes: &mut Notes) {
        let [seq, term, category, start] =
            ["DVSEQ", "DVTERM", "DVCAT", "DVSTDTC"].map(|name| dv.column(name));
        for index in 0..dv.len() {
            let Some(who) = self.subject(dv, index, notes) else { continue };
            let Some(on) = date(dv, index, start, notes) else { continue };
            let mut values = Map::new();
            values.insert("DVSTDAT".into(), json!(on.to_string()));
            values.insert("DVTERM".into(), json!(dv.get(index, term)));
            values.insert("DVCAT".into(), json!(dv.get(index, category)));
            self.qualified("DV", &who, dv.get(index, seq), &mut values);
            self.push(&who, "deviation", "", Some(on.first()), values);
            dv.used(index);
        }
    }

    /// Forms of the trial's own, of the disease and of decisions: those whose label is the category.
    fn findings(&mut self, fa: &mut Sheet, notes: &mut Notes) {
        let [category, identifier, group, test, result, visit, dtc] =
            ["FACAT", "FASPID", "FAGRPID", "FATESTCD", "FASTRESC", "VISIT", "FADTC"]
                .map(|name| fa.column(name));
        let mut filled: Grouped = BTreeMap::new();
        for index in 0..fa.len() {
            let Some(who) = self.subject(fa, index, notes) else { continue };
            let form = format!("{}\u{1}{}", fa.get(index, category), fa.get(index, identifier));
            filled.entry((who, form)).or_default().push(index);
        }
        for ((who, key), rows) in filled {
            let label = key.split('\u{1}').next().unwrap_or_default();
            let form = self.protocol.forms.iter().find(|form| {
                form.label.to_uppercase() == label
                    && matches!(
                        form.concept,
                        Concept::StrategyDecision | Concept::DiseaseHistory | Concept::Custom
                    )
            });
            let Some(form) = form else {
                for index in rows {
                    fa.unused(index, "FA: no form of the protocol has this category as its label");
                }
                continue;
            };
            let mut values = Map::new();
            let (mut on, mut at) = (None, String::new());
            for index in rows {
                on = on.or_else(|| date(fa, index, dtc, notes));
                fa.get(index, visit).clone_into(&mut at);
                let of_row = fa.get(index, group) != fa.get(index, identifier);
                let named = form.items.iter().find(|item| item.id.eq_ignore_ascii_case(fa.get(index, test)));
                match named.filter(|_| !of_row) {
                    Some(item) => {
                        values.insert(item.id.clone(), typed(Some(item), fa.get(index, result)));
                        fa.used(index);
                    }
                    None => fa.unused(index, "FA: no item of the form has this test as its name"),
                }
            }
            if form.concept == Concept::DiseaseHistory {
                for (item, day) in self.diagnoses.remove(&who).unwrap_or_default() {
                    values.insert(item.to_owned(), json!(day));
                }
            }
            if let (Concept::StrategyDecision, Some(on)) = (form.concept, on) {
                values.insert("DECDAT".into(), json!(on.to_string()));
            }
            let name = if form.concept == Concept::StrategyDecision { "decision" } else { form.id.as_str() };
            self.push(&who, name, &at, on.map(PartialDate::first), values);
        }
    }
}

/// MH: when the disease was first diagnosed, and when it was found advanced, as the export words them.
fn diagnoses(mh: &mut Sheet) -> BTreeMap<String, Vec<(&'static str, String)>> {
    let [subject, term, start] = ["USUBJID", "MHTERM", "MHSTDTC"].map(|name| mh.column(name));
    let mut diagnoses: BTreeMap<String, Vec<(&'static str, String)>> = BTreeMap::new();
    for index in 0..mh.len() {
        let known = DIAGNOSES.iter().find(|(_, known)| mh.get(index, term) == *known);
        if let Some((item, _)) = known {
            let day = mh.get(index, start).to_owned();
            diagnoses.entry(mh.get(index, subject).to_owned()).or_default().push((item, day));
            mh.used(index);
        }
    }
    diagnoses
}

/// A number as a form holds it: without decimals where it has none.
fn whole(number: f64) -> Value {
    #[allow(clippy::cast_possible_truncation)] // compared before it is taken
    let near = number as i64;
    if near as f64 == number { json!(near) } else { json!(number) }
}

fn typed(item: Option<&Item>, text: &str) -> Value {
    let numeric = item.is_some_and(|item| matches!(item.kind, ItemType::Integer | ItemType::Decimal));
    match text.parse::<f64>().ok().filter(|number| numeric && number.is_finite()) {
        Some(number) => whole(number),
        None => json!(text),
    }
}

/// The item that has this name, in whichever form.
fn item_of<'p>(protocol: &'p Protocol, name: &str) -> Option<&'p Item> {
    let items = protocol
        .forms
        .iter()
        .flat_map(|form| form.items.iter().chain(form.groups.iter().flat_map(|group| &group.items)));
    items.into_iter().find(|item| item.id == name)
}

/// Whether forms of `concept` ask for the item in each row of a group.
fn is_of_group(protocol: &Protocol, concept: Concept, item: &str) -> bool {
    let forms = protocol.forms.iter().filter(|form| form.concept == concept);
    let known = trial::concept::items(concept).iter().any(|known| known.id == item && known.group.is_some());
    known || forms.flat_map(|form| &form.groups).any(|group| group.items.iter().any(|known| known.id == item))
}

/// Arms of the data that the protocol does not have.
pub(super) fn unknown_arms(
    dm: &str,
    subjects: &BTreeMap<SubjectId, Demography>,
    protocol: &Protocol,
) -> Vec<ImportFault> {
    let known = |arm: &str| protocol.arms.iter().any(|known| known.id.as_str() == arm);
    let arms: BTreeSet<&str> = subjects
        .values()
        .filter_map(|subject| subject.arm.as_ref().map(|(arm, _)| arm.as_str()))
        .filter(|arm| !known(arm))
        .collect();
    let right: Vec<&str> = protocol.arms.iter().map(|arm| arm.id.as_str()).collect();
    arms.into_iter()
        .map(|arm| ImportFault {
            file: dm.to_owned(),
            row: None,
            column: Some("ARMCD".into()),
            found: format!("arm {arm:?}"),
            right: format!("the arms of the protocol are {}", right.join(", ")),
        })
        .collect()
}

/// Puts every form where the protocol has it: under its id, at its visit, with an occurrence of its own; and the strata where they
/// were drawn.
pub(super) fn place(ledger: &mut Ledger, protocol: &Checked, qualifiers: &Qualifiers, beside: &Beside) {
    let protocol = &protocol.protocol;
    for subject in &mut ledger.subjects {
        let who = subject.id.to_string();
        let mut taken: BTreeSet<Instance> = BTreeSet::new();
        let mut kept: Vec<Entered> = Vec::new();
        for mut entered in std::mem::take(&mut subject.events) {
            match &mut entered.event.what {
                What::Randomised { stratum, .. } => {
                    let said = qualifiers.of("DM", &who, "");
                    *stratum = (protocol.stratification.iter().zip(1..))
                        .filter_map(|(factor, n)| {
                            let name = format!("STRAT{n}");
                            let (_, level) = said.iter().find(|(known, _)| *known == name)?;
                            Some((factor.id.clone(), level.clone()))
                        })
                        .collect();
                }
                What::FormSaved { instance, values } => {
                    let Some(form) = form_of(protocol, &instance.form) else { continue };
                    instance.form.clone_from(&form.id);
                    let named = instance.visit.as_deref().and_then(|name| visit::named(protocol, name));
                    // A form of a visit that its domain does not name: the first visit it is due at.
                    let unnamed = instance.visit.is_none();
                    let due = first_visit(protocol, form).filter(|_| unnamed);
                    let visit = named.or(due).filter(|_| !form.log);
                    instance.visit = visit.map(|(id, _)| id.to_owned());
                    instance.occurrence = visit.map_or(1, |(_, occurrence)| occurrence);
                    while !taken.insert(instance.clone()) {
                        instance.occurrence += 1;
                    }
                    if form.concept == Concept::Death
                        && let Some(cause) = beside.causes.get(&who)
                    {
                        values.insert("DTHCAUS".into(), json!(cause));
                    }
                    let consent = beside.consents.get(&who).map_or("", String::as_str);
                    let said = match form.concept {
                        Concept::Demography => Some(("DM", "")),
                        Concept::Consent => Some(("DS", consent)),
                        _ => None,
                    };
                    if let Some((domain, seq)) = said {
                        for (name, value) in qualifiers.of(domain, &who, seq) {
                            if form.items.iter().any(|item| item.id == *name) {
                                values.insert(name.clone(), typed(item_of(protocol, name), value));
                            }
                        }
                    }
                }
                _ => {}
            }
            kept.push(entered);
        }
        subject.events = kept;
    }
}

fn first_visit<'p>(protocol: &'p Protocol, form: &Form) -> Option<(&'p str, u32)> {
    let mut visits = protocol.schedule.visits.iter();
    visits.find(|visit| visit.forms.contains(&form.id)).map(|visit| (visit.id.as_str(), 1))
}

/// The form of the protocol for what the readers call `name`; one that is filled outside the visits is taken before another for
/// what has no visit.
fn form_of<'p>(protocol: &'p Protocol, name: &str) -> Option<&'p Form> {
    let concept = match FORMS.iter().find(|(known, _)| *known == name) {
        Some((_, concept)) => *concept,
        None if name.starts_with("tumour") => Concept::TumourAssessment,
        None => return protocol.forms.iter().find(|form| form.id == name),
    };
    let mut forms: Vec<&Form> = protocol.forms.iter().filter(|form| form.concept == concept).collect();
    forms.sort_by_key(|form| name == "prior" && !form.log);
    forms.first().copied()
}

/// The form of therapy before the trial that asks for most of these values.
fn prior_form<'p>(protocol: &'p Protocol, values: &Map<String, Value>) -> &'p str {
    let asks = |form: &&Form| form.items.iter().filter(|item| values.contains_key(&item.id)).count();
    let forms = protocol.forms.iter().filter(|form| form.concept == Concept::PriorTherapy);
    forms.max_by_key(asks).map_or("prior", |form| form.id.as_str())
}

/// What one data set says of a form that another fills.
#[derive(Default)]
pub(super) struct Beside {
    /// The cause of death of each subject (DD).
    causes: BTreeMap<String, String>,
    /// `DSSEQ` of each subject's consent, which its qualifiers name.
    consents: BTreeMap<String, String>,
}

impl Beside {
    pub fn read(sheets: &mut BTreeMap<String, Sheet>) -> Self {
        let mut beside = Self::default();
        if let Some(dd) = sheets.get_mut("DD") {
            let [subject, test, result] = ["USUBJID", "DDTESTCD", "DDSTRESC"].map(|name| dd.column(name));
            for index in 0..dd.len() {
                if dd.get(index, test) == "PRCDTH" {
                    beside.causes.insert(dd.get(index, subject).to_owned(), dd.get(index, result).to_owned());
                    dd.used(index);
                }
            }
        }
        if let Some(ds) = sheets.get_mut("DS") {
            let [subject, what, seq] = ["USUBJID", "DSDECOD", "DSSEQ"].map(|name| ds.column(name));
            let consents = (0..ds.len()).filter(|index| ds.get(*index, what) == "INFORMED CONSENT OBTAINED");
            beside.consents = consents
                .map(|index| (ds.get(index, subject).to_owned(), ds.get(index, seq).to_owned()))
                .collect();
        }
        beside
    }
}

//! DM, DS, EX and AE: who took part, and what happened to them, as drafts of events.
//!
//! Never decides what an event means for an endpoint. Each draft carries the day it was recorded as far as SDTM says: the
//! day of collection (`--DTC`), and where there is none the latest day the fact speaks of.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value, json};
use trial::date::PartialDate;
use trial::id::{ArmId, SiteId, SubjectId};

use super::sheet::{Column, Notes, Sheet};
use super::under::Qualifiers;
use super::value::{date, number, yes};

/// A subject of DM.
#[derive(Default)]
pub(super) struct Demography {
    pub site: Option<SiteId>,
    pub country: Option<String>,
    /// `ARMCD` and `ARM`; none for a screen failure or a subject not assigned.
    pub arm: Option<(ArmId, String)>,
    pub values: Map<String, Value>,
    pub collected: Option<Date>,
    pub reference_start: Option<Date>,
    pub consent: Option<Date>,
    pub randomised: Option<Date>,
    pub contacts: Vec<Date>,
    pub death: Option<PartialDate>,
    /// As people count it.
    pub row: usize,
}

/// A filled form on its way to become an event.
#[derive(Clone)]
pub(super) struct Draft {
    pub subject: SubjectId,
    pub form: String,
    pub visit: Option<String>,
    pub recorded: Date,
    pub values: Map<String, Value>,
}

fn put(values: &mut Map<String, Value>, item: &str, text: &str) {
    if !text.is_empty() {
        values.insert(item.to_owned(), json!(text));
    }
}

fn put_date(values: &mut Map<String, Value>, item: &str, date: Option<PartialDate>) {
    if let Some(date) = date {
        values.insert(item.to_owned(), json!(date.to_string()));
    }
}

/// The latest of the days a fact speaks of.
fn latest(dates: &[Option<PartialDate>]) -> Option<Date> {
    dates.iter().flatten().map(|date| date.first()).max()
}

/// Reads DM; none where a column it cannot be read without is missing.
pub(super) fn demography(dm: &mut Sheet, notes: &mut Notes) -> Option<BTreeMap<SubjectId, Demography>> {
    let mut subjects: BTreeMap<SubjectId, Demography> = BTreeMap::new();
    let needed = ["USUBJID", "SITEID", "ARMCD", "RFSTDTC", "SEX"];
    let [subject, site, armcd, start, sex] = dm.need(needed, notes)?;
    let [arm, country, born, age, race, ethnic, collected] =
        ["ARM", "COUNTRY", "BRTHDTC", "AGE", "RACE", "ETHNIC", "DMDTC"].map(|name| dm.column(name));
    let [consent, end, participation, death, died] =
        ["RFICDTC", "RFENDTC", "RFPENDTC", "DTHDTC", "DTHFL"].map(|name| dm.column(name));
    for index in 0..dm.len() {
        let who = dm.get(index, subject).to_owned();
        if who.is_empty() {
            dm.fault(index, subject, "nothing", "name the subject", notes);
            continue;
        }
        let id = SubjectId(who);
        if let Some(before) = subjects.get(&id) {
            let right = format!("a subject has one row in DM; it stands in row {}", before.row);
            dm.fault(index, subject, format!("subject {id} again"), right, notes);
            continue;
        }
        let mut values = Map::new();
        match dm.get(index, sex).to_ascii_uppercase().as_str() {
            code @ ("F" | "M") => put(&mut values, "SEX", code),
            "" | "U" | "UNDIFFERENTIATED" | "INTERSEX" => {}
            other => dm.fault(index, sex, format!("{other:?}"), "write F, M or U", notes),
        }
        let birth = date(dm, index, born, notes);
        if let Some(year) = birth.map(|birth| birth.first().year()) {
            if !(1880..=2100).contains(&year) {
                dm.fault(index, born, format!("year {year}"), "a birth lies between 1880 and 2100", notes);
            }
            values.insert("BRTHYY".into(), json!(year));
        }
        // The unit AGEU is YEARS in every trial of adults.
        if let Some(years) = number(dm, index, age, "an age", notes) {
            if !(0.0..=130.0).contains(&years) {
                dm.fault(index, age, format!("{years}"), "an age lies between 0 and 130 years", notes);
            }
            values.insert("AGE".into(), json!(years));
        }
        for (item, column) in [("RACE", race), ("ETHNIC", ethnic)] {
            put(&mut values, item, dm.get(index, column));
        }
        let day =
            |column: Column, notes: &mut Notes| date(dm, index, column, notes).and_then(PartialDate::day);
        let code = dm.get(index, armcd);
        let assigned = !matches!(code.to_ascii_uppercase().as_str(), "" | "SCRNFAIL" | "NOTASSGN" | "NOTTRT");
        let label = Some(dm.get(index, arm)).filter(|label| !label.is_empty()).unwrap_or(code);
        let found = Demography {
            site: Some(SiteId::from(dm.get(index, site))).filter(|site| !site.as_str().is_empty()),
            country: Some(dm.get(index, country).to_owned()).filter(|country| !country.is_empty()),
            arm: assigned.then(|| (ArmId::from(code), label.to_owned())),
            collected: day(collected, notes),
            reference_start: day(start, notes),
            consent: day(consent, notes),
            randomised: None,
            contacts: [day(end, notes), day(participation, notes)].into_iter().flatten().collect(),
            death: date(dm, index, death, notes),
            row: dm.line(index),
            values,
        };
        if found.death.is_none() && dm.get(index, died).eq_ignore_ascii_case("Y") {
            dm.remark(index, format!("{id} died (DTHFL) on a day DM does not give"), notes);
        }
        if found.site.is_none() {
            dm.fault(index, site, "nothing", "name the site", notes);
        }
        dm.used(index);
        subjects.insert(id, found);
    }
    Some(subjects)
}

/// Reads DS: randomisation and consent into `subjects`, the rest into drafts.
pub(super) fn disposition(
    ds: &mut Sheet,
    subjects: &mut BTreeMap<SubjectId, Demography>,
    under: bool,
    notes: &mut Notes,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let Some([subject, decoded, started]) = ds.need(["USUBJID", "DSDECOD", "DSSTDTC"], notes) else {
        return drafts;
    };
    let (category, sub, collected) = (ds.column("DSCAT"), ds.column("DSSCAT"), ds.column("DSDTC"));
    let term = if under { ds.column("DSTERM") } else { Column::none() };
    let mut milestones: BTreeMap<(SubjectId, String), usize> = BTreeMap::new();
    for index in 0..ds.len() {
        let id = SubjectId::from(ds.get(index, subject));
        let Some(known) = subjects.get_mut(&id) else {
            ds.fault(
                index,
                subject,
                format!("subject {id:?}", id = id.as_str()),
                "name a subject of DM",
                notes,
            );
            continue;
        };
        let what = ds.get(index, decoded).to_ascii_uppercase();
        let happened = date(ds, index, started, notes);
        let noted = date(ds, index, collected, notes);
        let Some(on) = happened else {
            ds.unused(index, format!("DS {what}: no date"));
            continue;
        };
        if matches!(what.as_str(), "RANDOMIZED" | "INFORMED CONSENT OBTAINED") {
            milestone(ds, index, started, &id, &what, on, known, &mut milestones, notes);
            continue;
        }
        if what == "DEATH" {
            if known.death.is_some() {
                ds.unused(index, "DS DEATH: the day of DM (DTHDTC) is read");
            } else {
                known.death = Some(on);
                ds.used(index);
            }
            continue;
        }
        if on.day().is_none() {
            ds.unused(index, format!("DS {what}: the day is not known"));
            continue;
        }
        // Under a protocol every end of participation is a withdrawal, whatever the reason; a screen failure is derived again.
        if under && what == "SCREEN FAILURE" {
            ds.unused(index, "DS SCREEN FAILURE: follows from the criteria");
            continue;
        }
        let participation = under && ds.get(index, sub) == "STUDY PARTICIPATION" && what != "COMPLETED";
        let of_treatment = ds.get(index, sub).to_ascii_uppercase().contains("TREATMENT");
        let withdrawn = matches!(
            what.as_str(),
            "WITHDRAWAL BY SUBJECT" | "WITHDRAWAL BY PARENT/GUARDIAN" | "LOST TO FOLLOW-UP"
        );
        let mut values = Map::new();
        let (form, item) = if (withdrawn || participation) && !of_treatment {
            ("withdrawal", "DSSTDAT")
        } else {
            ("contact", "SSDAT")
        };
        put_date(&mut values, item, Some(on));
        let said = if under { ds.get(index, term) } else { "" };
        put(&mut values, "DSDECOD", if said.is_empty() { &what } else { said });
        if form == "contact" {
            put(&mut values, "DSCAT", ds.get(index, category));
        }
        let recorded = latest(&[noted, Some(on)]).unwrap_or(on.first());
        drafts.push(Draft { subject: id, form: form.to_owned(), visit: None, recorded, values });
        ds.used(index);
    }
    drafts
}

#[allow(clippy::too_many_arguments)] // one row of DS and where it goes
fn milestone(
    ds: &mut Sheet,
    index: usize,
    column: Column,
    id: &SubjectId,
    what: &str,
    on: PartialDate,
    known: &mut Demography,
    before: &mut BTreeMap<(SubjectId, String), usize>,
    notes: &mut Notes,
) {
    if let Some(earlier) = before.insert((id.clone(), what.to_owned()), index) {
        let (found, right) =
            (format!("{what} of {id} again"), format!("it stands in row {}", ds.line(earlier)));
        ds.fault(index, column, found, format!("it happens once; {right}"), notes);
        return;
    }
    let Some(day) = on.day() else {
        ds.fault(index, column, on.to_string(), format!("{what} needs a whole date, YYYY-MM-DD"), notes);
        return;
    };
    if what == "RANDOMIZED" {
        known.randomised = Some(day);
    } else {
        known.consent = Some(day);
    }
    ds.used(index);
}

/// Reads EX: each row is a line of the trial's own treatment.
pub(super) fn exposure(ex: &mut Sheet, known: &impl Fn(&str) -> bool, notes: &mut Notes) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let Some([subject, treatment, started]) = ex.need(["USUBJID", "EXTRT", "EXSTDTC"], notes) else {
        return drafts;
    };
    let [ended, dose, unit] = ["EXENDTC", "EXDOSE", "EXDOSU"].map(|name| ex.column(name));
    for index in 0..ex.len() {
        let id = ex.get(index, subject).to_owned();
        if !known(&id) {
            ex.fault(index, subject, format!("subject {id:?}"), "name a subject of DM", notes);
            continue;
        }
        let drug = ex.get(index, treatment).to_owned();
        let (start, end) = (date(ex, index, started, notes), date(ex, index, ended, notes));
        let Some(start) = start.filter(|_| !drug.is_empty()) else {
            let missing = if drug.is_empty() { "treatment" } else { "start" };
            ex.unused(index, format!("EX: no {missing}"));
            continue;
        };
        let mut values = Map::new();
        put(&mut values, "CMTRT", &drug);
        put(&mut values, "CMREAS", "PROTOCOL");
        put_date(&mut values, "CMSTDAT", Some(start));
        put_date(&mut values, "CMENDAT", end);
        if let Some(dose) = number(ex, index, dose, "a dose", notes) {
            values.insert("EXDOSE".into(), json!(dose));
        }
        put(&mut values, "EXDOSU", ex.get(index, unit));
        let recorded = latest(&[Some(start), end]).unwrap_or(start.first());
        drafts.push(Draft {
            subject: SubjectId(id),
            form: "exposure".to_owned(),
            visit: None,
            recorded,
            values,
        });
        ex.used(index);
    }
    drafts
}

/// Reads AE: each row is an adverse event.
pub(super) fn adverse_events(
    ae: &mut Sheet,
    known: &impl Fn(&str) -> bool,
    qualifiers: &Qualifiers,
    notes: &mut Notes,
) -> Vec<Draft> {
    let mut drafts = Vec::new();
    let Some([subject]) = ae.need(["USUBJID"], notes) else { return drafts };
    let term = [ae.column("AEDECOD"), ae.column("AETERM")];
    if !term.iter().any(|column| column.is_there()) {
        notes.push(&ae.file, Some(1), Some("AETERM"), "no such column", "AE needs AEDECOD or AETERM");
        return drafts;
    }
    let class = [ae.column("AEBODSYS"), ae.column("AESOC")];
    let [grade, severity, serious, related] =
        ["AETOXGR", "AESEV", "AESER", "AEREL"].map(|name| ae.column(name));
    let dates = ["AESTDTC", "AEENDTC", "AEDTC"].map(|name| ae.column(name));
    for index in 0..ae.len() {
        let id = ae.get(index, subject).to_owned();
        if !known(&id) {
            ae.fault(index, subject, format!("subject {id:?}"), "name a subject of DM", notes);
            continue;
        }
        let either = |columns: &[Column]| {
            columns.iter().map(|column| ae.get(index, *column)).find(|text| !text.is_empty()).unwrap_or("")
        };
        let mut values = Map::new();
        put(&mut values, "AETERM", either(&term));
        put(&mut values, "AEBODSYS", either(&class));
        let [start, end, noted] = dates.map(|column| date(ae, index, column, notes));
        put_date(&mut values, "AESTDAT", start);
        put_date(&mut values, "AEENDAT", end);
        grading(ae, index, grade, severity, &mut values, notes);
        if let Some(serious) = yes(ae, index, serious, notes) {
            put(&mut values, "AESER", serious);
        }
        attribution(ae, index, related, &mut values, notes);
        if !qualifiers.is_empty() {
            let seq = ae.column("AESEQ");
            for (name, value) in qualifiers.of("AE", &id, ae.get(index, seq)) {
                put(&mut values, name, value);
            }
        }
        if !values.contains_key("AETERM") {
            ae.unused(index, "AE: no term");
            continue;
        }
        let Some(recorded) = latest(&[noted, start, end]) else {
            ae.unused(index, "AE: no date at all");
            continue;
        };
        drafts.push(Draft {
            subject: SubjectId(id),
            form: "adverse_event".to_owned(),
            visit: None,
            recorded,
            values,
        });
        ae.used(index);
    }
    drafts
}

fn grading(
    ae: &Sheet,
    index: usize,
    grade: Column,
    severity: Column,
    values: &mut Map<String, Value>,
    notes: &mut Notes,
) {
    match ae.get(index, grade).to_ascii_uppercase().trim_start_matches("GRADE ") {
        "" => {}
        text @ ("1" | "2" | "3" | "4" | "5") => {
            values.insert("AETOXGR".into(), json!(text.as_bytes()[0] - b'0'));
        }
        other => ae.fault(index, grade, format!("{other:?}"), "a CTCAE grade is 1, 2, 3, 4 or 5", notes),
    }
    match ae.get(index, severity).to_ascii_uppercase().as_str() {
        "" => {}
        code @ ("MILD" | "MODERATE" | "SEVERE") => put(values, "AESEV", code),
        other => ae.fault(index, severity, format!("{other:?}"), "write MILD, MODERATE or SEVERE", notes),
    }
}

/// SDTM leaves the words of AEREL to the sponsor; the five degrees of the house are named in many.
fn attribution(ae: &Sheet, index: usize, column: Column, values: &mut Map<String, Value>, notes: &mut Notes) {
    let text = ae.get(index, column).to_ascii_uppercase();
    let code = match text.as_str() {
        "" => return,
        "NONE" | "UNRELATED" | "NOT RELATED" | "N" | "NO" => "UNRELATED",
        "REMOTE" | "UNLIKELY" | "UNLIKELY RELATED" => "UNLIKELY",
        "POSSIBLE" | "POSSIBLY RELATED" => "POSSIBLE",
        "PROBABLE" | "PROBABLY RELATED" => "PROBABLE",
        "DEFINITE" | "DEFINITELY RELATED" => "DEFINITE",
        "RELATED" | "Y" | "YES" => {
            ae.remark(index, format!("AEREL {text} names no degree; read as PROBABLE"), notes);
            "PROBABLE"
        }
        other => {
            ae.remark(index, format!("AEREL {other:?} is no known attribution; left out"), notes);
            return;
        }
    };
    put(values, "AEREL", code);
}

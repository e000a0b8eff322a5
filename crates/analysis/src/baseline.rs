//! What subjects were like when they were randomised, by arm and in all.
//!
//! Never tests a difference: after randomisation any is by chance (CONSORT 2025, item 20). Numbers by R's type 7.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use trial::date::{DAYS_PER_MONTH, PartialDate, days_between};
use trial::event::Seq;
use trial::protocol::{Concept, Factor, Protocol};
use trial::record::Assessment;

use crate::arms::Arms;
use crate::quantile::summary;
use crate::results::{BaselineCell, BaselineRow, Counted};
use crate::row::{Subject, SubjectRow};
use crate::values::Valued;

/// How the table sums up, for whoever reads of it before there are data.
pub const ADVICE: &str = "Numbers by median, quartiles and range; categories by n and percent; what is missing has a row of its own. By arm and in all, \
    as subjects were randomised; no test of a difference, which after randomisation would be by chance.";

/// No more places of disease than these have a row; the rest are summed.
const MOST_PLACES: usize = 10;

/// One subject at randomisation.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    age: Option<Known<f64>>,
    sex: Option<Known<String>>,
    ecog: Option<Known<u8>>,
    lesions: Option<Known<f64>>,
    opd: Option<Known<f64>>,
    /// Places of disease, each once.
    places: BTreeSet<String>,
    /// The event of the baseline assessment.
    assessed: Option<Seq>,
    prior_months: Option<Known<f64>>,
}

/// A value and the one or two events it was read from.
#[derive(Clone, Debug)]
struct Known<T> {
    value: T,
    event: Seq,
    second: Option<Seq>,
}

impl<T> Known<T> {
    fn new(value: T, event: Seq) -> Self {
        Self { value, event, second: None }
    }

    fn events(&self) -> Vec<Seq> {
        std::iter::once(self.event).chain(self.second).collect()
    }
}

/// The baseline of one subject; empty where it was not randomised.
pub fn of(subject: &Subject<'_>) -> Baseline {
    let Some(start) = subject.start() else { return Baseline::default() };
    let record = subject.record;
    let consent = record.consent.as_ref();
    let consented = consent.map_or(start, |fact| fact.value);
    let assessment = subject.baseline_assessment();
    let judged = assessment.is_some_and(|a| a.readings.iter().any(|r| r.oligoprogressive.is_some()));
    let number = |of: &Assessment, n: usize| Known::new(n as f64, of.event);
    Baseline {
        age: record.birth_year.as_ref().map(|birth| Known {
            value: f64::from(consented.year()) - f64::from(birth.value),
            event: birth.event,
            second: consent.map(|fact| fact.event),
        }),
        sex: record.sex.as_ref().map(|fact| Known::new(fact.value.clone(), fact.event)),
        ecog: record
            .ecog
            .iter()
            .rfind(|fact| fact.value.0 <= start)
            .map(|fact| Known::new(fact.value.1, fact.event)),
        lesions: assessment.map(|a| number(a, a.readings.len())),
        opd: assessment
            .filter(|_| judged)
            .map(|a| number(a, a.readings.iter().filter(|r| r.oligoprogressive == Some(true)).count())),
        places: assessment
            .into_iter()
            .flat_map(|a| &a.readings)
            .filter(|reading| !reading.location.is_empty())
            .map(|reading| place(&reading.location, reading.nodal))
            .collect(),
        assessed: assessment.map(|a| a.event),
        prior_months: prior_therapy(subject),
    }
}

impl Baseline {
    /// Age, years.
    pub fn age(&self) -> Option<Valued<f64>> {
        self.age.as_ref().map(valued)
    }

    /// ECOG performance status.
    pub fn ecog(&self) -> Option<Valued<f64>> {
        self.ecog.as_ref().map(valued)
    }

    /// Lesions, number.
    pub fn lesions(&self) -> Option<Valued<f64>> {
        self.lesions.as_ref().map(valued)
    }

    /// Oligoprogressive lesions, number.
    pub fn oligoprogressive(&self) -> Option<Valued<f64>> {
        self.opd.as_ref().map(valued)
    }

    /// Time on the therapy under way, months.
    pub fn prior_months(&self) -> Option<Valued<f64>> {
        self.prior_months.as_ref().map(valued)
    }

    /// Every event the table reads.
    pub fn events(&self) -> impl Iterator<Item = Seq> {
        let numbers = [&self.age, &self.lesions, &self.opd, &self.prior_months].map(Option::as_ref);
        let mut events: Vec<Seq> = numbers.into_iter().flatten().flat_map(Known::events).collect();
        events.extend(self.sex.as_ref().map(|known| known.event));
        events.extend(self.ecog.as_ref().map(|known| known.event));
        events.extend(self.assessed);
        events.into_iter()
    }
}

fn valued<T: Copy + Into<f64>>(known: &Known<T>) -> Valued<f64> {
    Valued { value: known.value.into(), events: known.events() }
}

/// The place of a lesion, sides and parts left out: `LUNG, LEFT UPPER LOBE` is `Lung`.
fn place(location: &str, nodal: bool) -> String {
    let coarse = match location {
        _ if nodal => "LYMPH NODE",
        bone if bone.contains("BONE") => "BONE",
        other => other.split(',').next().unwrap_or(other).trim(),
    };
    let mut letters = coarse.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect()
    })
}

/// Months on the latest therapy of before the trial that had not ended, up to randomisation. A partial start counts by its
/// first possible day.
fn prior_therapy(subject: &Subject<'_>) -> Option<Known<f64>> {
    let randomised = subject.randomised?;
    let is_prior = |form: &str| {
        subject.protocol.forms.iter().any(|f| f.id == form && f.concept == Concept::PriorTherapy)
    };
    let under_way = subject
        .record
        .forms
        .iter()
        .filter(|form| form.event < randomised.event && is_prior(&form.instance.form))
        .rfind(|form| form.values.get("CMENDAT").is_none_or(|v| v.is_null() || v == ""))?;
    let start = PartialDate::parse(under_way.values.get("CMSTDAT").and_then(Value::as_str)?).ok()?;
    let days = days_between(start.first(), randomised.value.date);
    (days >= 0).then(|| Known::new(days as f64 / DAYS_PER_MONTH, under_way.event))
}

/// The table: one row a number or level; cells by arm, then all.
pub fn table(protocol: &Protocol, arms: &Arms, rows: &[SubjectRow]) -> Vec<BaselineRow> {
    let mut groups = arms.split(rows);
    let all: Vec<&SubjectRow> = rows.iter().filter(|row| row.allocation.is_some()).collect();
    if all.is_empty() {
        return Vec::new();
    }
    groups.push(all);
    let table = Table { groups };
    let mut out = Vec::new();
    out.extend(table.number("Age, years", |b| b.age.as_ref()));
    out.extend(table.levels(
        "Sex",
        &|row| row.baseline.sex.as_ref().map(|known| (known.value.clone(), known.events())),
        sex,
    ));
    out.extend(table.levels(
        "ECOG performance status",
        &|row| row.baseline.ecog.as_ref().map(|known| (known.value.to_string(), known.events())),
        str::to_owned,
    ));
    for factor in &protocol.stratification {
        out.extend(table.factor(factor));
    }
    out.extend(table.number("Lesions, number", |b| b.lesions.as_ref()));
    out.extend(table.number("Oligoprogressive lesions, number", |b| b.opd.as_ref()));
    out.extend(table.places());
    out.extend(table.number("Time on the therapy under way, months", |b| b.prior_months.as_ref()));
    out
}

fn sex(code: &str) -> String {
    match code {
        "F" => "Female".to_owned(),
        "M" => "Male".to_owned(),
        other => other.to_owned(),
    }
}

/// The arms, then all.
struct Table<'a> {
    groups: Vec<Vec<&'a SubjectRow>>,
}

/// The level of a subject, with the events it was read from.
type Level<'f> = &'f dyn Fn(&SubjectRow) -> Option<(String, Vec<Seq>)>;
/// Whether a subject is counted, and then by which events.
type Is<'f> = &'f dyn Fn(&SubjectRow) -> Option<Vec<Seq>>;

impl Table<'_> {
    fn all(&self) -> &[&SubjectRow] {
        self.groups.last().map_or(&[], Vec::as_slice)
    }

    fn count(&self, characteristic: &str, level: &str, is: Is<'_>) -> BaselineRow {
        let cell = |rows: &Vec<&SubjectRow>| {
            let mut counted = Counted::default();
            for row in rows {
                if let Some(events) = is(row) {
                    counted.add(row, events);
                }
            }
            BaselineCell::Count { n: counted.n, of: rows.len(), who: counted.who }
        };
        BaselineRow {
            characteristic: characteristic.to_owned(),
            level: Some(level.to_owned()),
            cells: self.groups.iter().map(cell).collect(),
        }
    }

    /// A row of a number; none where nobody has it.
    fn number(
        &self,
        characteristic: &str,
        value: impl Fn(&Baseline) -> Option<&Known<f64>>,
    ) -> Option<BaselineRow> {
        self.all().iter().any(|row| value(&row.baseline).is_some()).then(|| BaselineRow {
            characteristic: characteristic.to_owned(),
            level: None,
            cells: self
                .groups
                .iter()
                .map(|rows| {
                    let known = || rows.iter().filter_map(|row| Some((row, value(&row.baseline)?)));
                    let who = known()
                        .filter_map(|(row, known)| row.who(Some(known.value), String::new(), known.events()));
                    summary(known().map(|(_, known)| known.value).collect(), who.collect())
                })
                .collect(),
        })
    }

    /// One row a level that occurs, in order, and one of those without, if any; nothing where nobody has one.
    fn levels(
        &self,
        characteristic: &str,
        of: Level<'_>,
        label: impl Fn(&str) -> String,
    ) -> Vec<BaselineRow> {
        let levels: BTreeSet<String> =
            self.all().iter().filter_map(|row| of(row)).map(|(level, _)| level).collect();
        let mut out: Vec<BaselineRow> =
            levels.iter().map(|level| self.count(characteristic, &label(level), &at(of, level))).collect();
        if !out.is_empty() {
            out.extend(self.missing(characteristic, of));
        }
        out
    }

    fn missing(&self, characteristic: &str, of: Level<'_>) -> Option<BaselineRow> {
        let any = self.all().iter().any(|row| of(row).is_none());
        // What is not there was read from nothing: the subject is known by its randomisation.
        let is = |row: &SubjectRow| of(row).is_none().then(|| row.allocated.into_iter().collect());
        any.then(|| self.count(characteristic, "Missing", &is))
    }

    /// Every level of the protocol in its order, also one that holds nobody; as subjects were randomised.
    fn factor(&self, factor: &Factor) -> Vec<BaselineRow> {
        let of = |row: &SubjectRow| {
            let stratum = &row.allocation.as_ref()?.stratum;
            let level = stratum.iter().find(|(id, _)| *id == factor.id).map(|(_, level)| level.clone())?;
            Some((level, row.allocated.into_iter().collect()))
        };
        let known = |level: &String| factor.levels.iter().any(|candidate| candidate.id == *level);
        let mut out: Vec<BaselineRow> = factor
            .levels
            .iter()
            .map(|level| self.count(&factor.label, &level.label, &at(&of, &level.id)))
            .collect();
        // Levels that an earlier version of the protocol had.
        let gone: BTreeSet<String> = self
            .all()
            .iter()
            .filter_map(|row| of(row))
            .map(|(level, _)| level)
            .filter(|l| !known(l))
            .collect();
        out.extend(gone.iter().map(|level| self.count(&factor.label, level, &at(&of, level))));
        out.extend(self.missing(&factor.label, &of));
        out
    }

    /// Places of disease, most frequent first; a subject may stand in several, but `Bone only` in no other sense.
    fn places(&self) -> Vec<BaselineRow> {
        const NAME: &str = "Sites of disease";
        let mut frequency: BTreeMap<&str, usize> = BTreeMap::new();
        for place in self.all().iter().flat_map(|row| &row.baseline.places) {
            *frequency.entry(place).or_default() += 1;
        }
        if frequency.is_empty() {
            return Vec::new();
        }
        let mut places: Vec<(&str, usize)> = frequency.into_iter().collect();
        places.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let (shown, rest) = places.split_at(places.len().min(MOST_PLACES));
        let when = |row: &SubjectRow, is: bool| is.then(|| row.baseline.assessed.into_iter().collect());
        let bone_only = |row: &SubjectRow| when(row, row.baseline.places.iter().eq(["Bone"]));
        let mut out = vec![self.count(NAME, "Bone only", &bone_only)];
        out.extend(shown.iter().map(|(place, _)| {
            self.count(NAME, place, &|row| when(row, row.baseline.places.contains(*place)))
        }));
        if !rest.is_empty() {
            let other = |row: &SubjectRow| rest.iter().any(|(place, _)| row.baseline.places.contains(*place));
            out.push(self.count(NAME, "Other", &|row| when(row, other(row))));
        }
        out
    }
}

/// Whether a subject is at `level`.
fn at<'f>(of: Level<'f>, level: &'f str) -> impl Fn(&SubjectRow) -> Option<Vec<Seq>> + 'f {
    move |row| of(row).filter(|(found, _)| found == level).map(|(_, events)| events)
}

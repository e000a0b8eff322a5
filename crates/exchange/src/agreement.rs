//! What RS recorded against what the house derives from the same readings, and which rule of RECIST 1.1 decides.
//!
//! Never derives a response: `trial::recist` does. Where the two differ it says why, from the readings and the rule
//! (Eisenhauer et al., Eur J Cancer 2009;45:228-247; sections as numbered there).

use std::fmt;

use jiff::civil::Date;
use serde::{Serialize, Serializer};
use trial::progression;
use trial::protocol::TumourRules;
use trial::recist::{
    NewLesion, NonTargetResponse, OverallResponse, Series, TargetResponse, Timepoint, overall,
};
use trial::record::{Assessment, Finding, LesionRole, Record};

use crate::sdtm::{Import, Recorded, Subject, VisitNum};

/// One assessment after the baseline: what it means, and whether the recorded response says the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// `USUBJID`.
    pub usubjid: String,
    /// `INVESTIGATOR`, or `EVAL/EVALID`.
    pub reader: String,
    /// `VISIT`.
    pub visit: String,
    /// `VISITNUM`.
    #[serde(serialize_with = "shortest")]
    pub visitnum: f64,
    /// Target response; none without targets at baseline.
    pub target: Option<TargetResponse>,
    /// Non-target response; none without non-targets at baseline.
    pub non_target: Option<NonTargetResponse>,
    /// New lesions.
    pub new_lesion: NewLesion,
    /// Overall response.
    pub overall: OverallResponse,
    /// Sum of diameters in mm over what was measured.
    #[serde(serialize_with = "shortest_or_null")]
    pub sum_mm: Option<f64>,
    /// The smallest complete sum before, in mm.
    #[serde(serialize_with = "shortest_or_null")]
    pub nadir_mm: Option<f64>,
    /// What RS recorded.
    pub recorded: Recorded,
    /// Whether every recorded response is the derived one; none where nothing was recorded.
    pub agrees: Option<bool>,
    /// Why; where the recorded response differs, which rule decides.
    pub reason: String,
    /// The day of the first scan.
    #[serde(skip)]
    pub date: Date,
    /// Each response that differs, and the rule that decides.
    #[serde(skip)]
    pub differences: Vec<Difference>,
    /// Whether the recorded sum (`SUMDIAM`) is the derived one; none where none was recorded.
    #[serde(skip)]
    pub sum_agrees: Option<bool>,
    /// Whether the recorded new lesion (`NEWLPROG`) is the derived one.
    #[serde(skip)]
    pub new_lesion_agrees: bool,
}

/// A whole number is written without its `.0`.
#[allow(clippy::trivially_copy_pass_by_ref)] // the signature serde asks for
fn shortest<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Beyond 2^53 not every whole number is a double: there the number is left as it is.
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        #[allow(clippy::cast_possible_truncation)] // whole and below 2^53
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

#[allow(clippy::ref_option)] // the signature serde asks for
fn shortest_or_null<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => shortest(number, serializer),
        None => serializer.serialize_none(),
    }
}

/// Which response differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Response {
    /// `TRGRESP`.
    Target,
    /// `NTRGRESP`.
    NonTarget,
    /// `OVRLRESP`.
    Overall,
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Target => "target",
            Self::NonTarget => "non-target",
            Self::Overall => "overall",
        })
    }
}

/// A response that differs from the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub response: Response,
    /// As recorded.
    pub recorded: String,
    /// As derived; none where the response does not apply.
    pub derived: Option<String>,
    /// The rule that decides.
    pub rule: Rule,
    /// Why, with the numbers.
    pub why: String,
}

/// Rules of RECIST 1.1 that decide between a recorded response and the derived one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Growth counts from the smallest sum, not from the baseline.
    ProgressionFromNadir,
    /// Disease that had gone and came back is progression.
    ReappearanceFromZero,
    /// What was measured alone already meets progression.
    PartialSumProgresses,
    /// Growth of 20 % and of 5 mm is progression, and less is not.
    ProgressionThreshold,
    /// A target that was not measured makes the response not evaluable.
    TargetNotMeasured,
    /// Every target was measured, so that the response can be judged.
    EveryTargetMeasured,
    /// Complete response: every target gone, every node below 10 mm.
    CompleteResponse,
    /// Partial response: the sum at least 30 % below the baseline.
    PartialResponse,
    /// Without targets at baseline there is no target response.
    NoTargets,
    /// Without a measured baseline nothing can be compared.
    NoBaselineSum,
    /// Non-target response: gone, worse, or neither.
    NonTarget,
    /// A new lesion is progression when it is unequivocal.
    NewLesion,
    /// Disease that is back after a complete response is progression, whatever the table says of its parts.
    BackAfterComplete,
    /// The table of time point responses.
    TimePointTable,
    /// The recorded word is no response of RECIST 1.1.
    NoSuchResponse,
}

impl Rule {
    /// The rule in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::ProgressionFromNadir => "progression is measured from the nadir, not from the baseline",
            Self::ReappearanceFromZero => "disease that comes back after a sum of 0 mm is progression",
            Self::PartialSumProgresses => "a partial sum that alone meets progression is PD",
            Self::ProgressionThreshold => "progression is growth of 20 % and 5 mm over the nadir",
            Self::TargetNotMeasured => "a target not measured makes the target response NE",
            Self::EveryTargetMeasured => "a response is evaluable when every target was measured",
            Self::CompleteResponse => "CR needs every target gone and every node below 10 mm",
            Self::PartialResponse => "PR needs a sum at least 30 % below the baseline",
            Self::NoTargets => "without targets at baseline there is no target response",
            Self::NoBaselineSum => "without a measured baseline sum no target response can be judged",
            Self::NonTarget => "the non-target response follows from the state of every non-target",
            Self::NewLesion => "a new lesion is progression when it is unequivocal",
            Self::BackAfterComplete => "disease that is back after a complete response is PD",
            Self::TimePointTable => "the overall response is that of the table of time point responses",
            Self::NoSuchResponse => "the recorded word is no response of RECIST 1.1",
        }
    }

    /// Where RECIST 1.1 says so (Eisenhauer 2009).
    pub fn section(self) -> &'static str {
        match self {
            Self::ProgressionFromNadir
            | Self::ReappearanceFromZero
            | Self::ProgressionThreshold
            | Self::CompleteResponse
            | Self::PartialResponse
            | Self::NoBaselineSum => "RECIST 1.1, 4.3.1",
            Self::PartialSumProgresses | Self::TargetNotMeasured | Self::EveryTargetMeasured => {
                "RECIST 1.1, 4.4.2"
            }
            Self::NonTarget => "RECIST 1.1, 4.3.3",
            Self::NewLesion => "RECIST 1.1, 4.3.5",
            Self::BackAfterComplete => "RECIST 1.1, appendix III",
            Self::NoTargets | Self::TimePointTable | Self::NoSuchResponse => "RECIST 1.1, tables 1 and 2",
        }
    }
}

/// Every assessment of `subject` after each reader's baseline, in order of reader and date. The baseline is the last
/// assessment on or before the day of randomisation, as for the endpoints (`trial::progression::series`); where nobody
/// randomised the subject, the reader's first.
pub fn judge(import: &Import, rules: &TumourRules, subject: &Subject, record: &Record) -> Vec<Judged> {
    let mut readers: Vec<&str> = record.assessments.iter().map(|a| a.reader.as_str()).collect();
    // The investigator first, then the independent readers by name.
    readers.sort_by_key(|reader| (*reader != "INVESTIGATOR", *reader));
    readers.dedup();
    let mut judged = Vec::new();
    for reader in readers {
        let first = progression::of_reader(record, reader).first().map(|assessment| assessment.date);
        let reference = record.randomised.as_ref().map(|fact| fact.value.date).or(first);
        let series = reference.and_then(|reference| progression::series(rules, record, reader, reference));
        let Some(series) = series else { continue };
        let assessments = progression::of_reader(record, reader);
        for timepoint in &series.timepoints {
            let key = (subject.id.clone(), reader.to_owned(), VisitNum(timepoint.visitnum));
            let recorded = import.recorded.get(&key).cloned().unwrap_or_default();
            let read = assessments.iter().find(|assessment| assessment.event == timepoint.event).copied();
            let view = View { rules, series: &series, timepoint, read, recorded: &recorded };
            let sum = import.recorded_sums.get(&key).copied();
            judged.push(view.judged(subject, reader, sum));
        }
    }
    judged
}

/// One time point with all that a comparison reads.
struct View<'a> {
    rules: &'a TumourRules,
    series: &'a Series,
    timepoint: &'a Timepoint,
    read: Option<&'a Assessment>,
    recorded: &'a Recorded,
}

impl View<'_> {
    fn judged(&self, subject: &Subject, reader: &str, recorded_sum: Option<f64>) -> Judged {
        let t = self.timepoint;
        let differences = self.differences();
        let reason = if differences.is_empty() {
            t.reason.clone()
        } else {
            let why: Vec<&str> = differences.iter().map(|difference| difference.why.as_str()).collect();
            format!("{}. Readings: {}", why.join("; "), t.reason)
        };
        let new = self.recorded.new_lesion.as_deref();
        Judged {
            usubjid: subject.id.to_string(),
            reader: reader.to_owned(),
            visit: t.visit.clone(),
            visitnum: t.visitnum,
            target: t.target,
            non_target: t.non_target,
            new_lesion: t.new_lesion,
            overall: t.overall,
            sum_mm: t.sum_mm,
            nadir_mm: t.nadir_mm,
            recorded: self.recorded.clone(),
            agrees: self.recorded.any().then_some(differences.is_empty()),
            reason,
            date: t.date,
            differences,
            sum_agrees: recorded_sum.map(|sum| t.sum_mm.is_some_and(|ours| (ours - sum).abs() < 0.05)),
            new_lesion_agrees: new.is_none_or(|new| new == t.new_lesion.as_str()),
        }
    }

    fn differences(&self) -> Vec<Difference> {
        let (t, recorded) = (self.timepoint, self.recorded);
        let mut found = Vec::new();
        let mut compare = |response, recorded: &Option<String>, derived: Option<&'static str>| {
            let Some(recorded) = recorded else { return };
            if derived != Some(recorded.as_str()) {
                let (rule, why) = match response {
                    Response::Target => self.target(recorded),
                    Response::NonTarget => self.non_target(recorded),
                    Response::Overall => self.overall(recorded),
                };
                found.push(Difference {
                    response,
                    recorded: recorded.clone(),
                    derived: derived.map(str::to_owned),
                    why: match (response, rule) {
                        // The overall response rests on the table, whatever rule decides between its parts.
                        (Response::Overall, rule) if rule != Rule::BackAfterComplete => {
                            format!("{why} ({})", Rule::TimePointTable.section())
                        }
                        (_, rule) => format!("{why} ({})", rule.section()),
                    },
                    rule,
                });
            }
        };
        compare(Response::Target, &recorded.target, t.target.map(TargetResponse::as_str));
        compare(Response::NonTarget, &recorded.non_target, t.non_target.map(NonTargetResponse::as_str));
        compare(Response::Overall, &recorded.overall, Some(t.overall.as_str()));
        found
    }

    /// Which rule makes the target response what it is, and not as recorded.
    fn target(&self, recorded: &str) -> (Rule, String) {
        let t = self.timepoint;
        let Ok(theirs) = recorded.parse::<TargetResponse>() else {
            return (Rule::NoSuchResponse, format!("RS says target {recorded}, which is no target response"));
        };
        let Some(ours) = t.target else {
            return (
                Rule::NoTargets,
                format!("RS says target {recorded}, but no target was named at baseline"),
            );
        };
        let (rule, because) = match (ours, theirs) {
            (TargetResponse::Progressive, _) => self.progresses(),
            (TargetResponse::NotEvaluable, theirs) => self.not_evaluable(theirs),
            (_, TargetResponse::NotEvaluable) => {
                (Rule::EveryTargetMeasured, format!("every target was measured, {}", self.sum()))
            }
            (_, TargetResponse::Progressive) => {
                (Rule::ProgressionThreshold, format!("{}, which is short of progression", self.growth()))
            }
            (TargetResponse::Complete, _) => (
                Rule::CompleteResponse,
                "every target is gone, and every node below its normal size".to_owned(),
            ),
            (_, TargetResponse::Complete) => (Rule::CompleteResponse, self.remains()),
            _ => (Rule::PartialResponse, self.shrinkage()),
        };
        (rule, format!("RS says target {recorded}, but {because}"))
    }

    fn progresses(&self) -> (Rule, String) {
        let t = self.timepoint;
        let rule = match (t.complete, t.nadir_mm) {
            (false, _) => Rule::PartialSumProgresses,
            (true, Some(0.0)) => Rule::ReappearanceFromZero,
            (true, nadir) if nadir == self.series.baseline.sum_mm => Rule::ProgressionThreshold,
            (true, _) => Rule::ProgressionFromNadir,
        };
        let baseline = match self.series.baseline.sum_mm {
            Some(baseline) if t.nadir_mm != Some(baseline) => {
                format!("; progression counts from there, not from the baseline {}", mm(baseline))
            }
            _ => String::new(),
        };
        let part = if t.complete { "" } else { " though a target was not measured" };
        (rule, format!("{}{part}{baseline}", self.growth()))
    }

    fn not_evaluable(&self, theirs: TargetResponse) -> (Rule, String) {
        if self.series.baseline.sum_mm.is_none() {
            return (Rule::NoBaselineSum, "a target was not measured at baseline".to_owned());
        }
        let missing = self.not_measured();
        let words =
            if missing.is_empty() { "no target could be compared".to_owned() } else { missing.join(", ") };
        let rest = match (theirs, self.timepoint.sum_mm) {
            (_, None) => "there is no sum to compare".to_owned(),
            (TargetResponse::Progressive, Some(_)) => {
                format!("what was, {}, does not alone meet progression", self.sum())
            }
            (_, Some(_)) => "a sum of the others cannot be compared with the baseline".to_owned(),
        };
        (Rule::TargetNotMeasured, format!("{words}; {rest}"))
    }

    /// Targets named at baseline that have no size here, by the reason that was given.
    fn not_measured(&self) -> Vec<String> {
        let targets = self.series.baseline.lesions.iter().filter(|lesion| lesion.role == LesionRole::Target);
        let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
        for target in targets {
            let read = self.read.iter().flat_map(|read| &read.readings);
            let mut read = read.filter(|reading| {
                reading.lesion == target.lesion || reading.split_from.as_ref() == Some(&target.lesion)
            });
            let why = match read.next().map(|reading| &reading.finding) {
                None => "no reading",
                Some(Finding::NotEvaluable(why)) => why,
                Some(_) => continue,
            };
            match by_reason.iter_mut().find(|(reason, _)| *reason == why) {
                Some((_, lesions)) => lesions.push(target.lesion.as_str()),
                None => by_reason.push((why, vec![target.lesion.as_str()])),
            }
        }
        let say = |(why, lesions): &(&str, Vec<&str>)| format!("{} not measured ({why})", lesions.join(", "));
        by_reason.iter().map(say).collect()
    }

    fn sum(&self) -> String {
        self.timepoint.sum_mm.map_or_else(|| "no sum".to_owned(), |sum| format!("the sum {}", mm(sum)))
    }

    /// `the sum 57 mm is 21 % and 10 mm over the nadir 47 mm of WEEK 6`.
    fn growth(&self) -> String {
        let t = self.timepoint;
        let (Some(sum), Some(nadir)) = (t.sum_mm, t.nadir_mm) else { return self.sum() };
        let at = self.nadir_visit(nadir);
        let over = sum - nadir;
        if nadir == 0.0 {
            return format!("the sum {} is {} over the nadir 0 mm of {at}", mm(sum), mm(over));
        }
        if over <= 0.0 {
            return format!("the sum {} is not over the nadir {} of {at}", mm(sum), mm(nadir));
        }
        let relative = 100.0 * over / nadir;
        format!(
            "the sum {} is {} % and {} over the nadir {} of {at}",
            mm(sum),
            tenth(relative),
            mm(over),
            mm(nadir)
        )
    }

    fn nadir_visit(&self, nadir: f64) -> String {
        let t = self.timepoint;
        self.series
            .timepoints
            .iter()
            .take_while(|earlier| earlier.event != t.event)
            .filter(|earlier| earlier.complete && earlier.sum_mm == Some(nadir))
            .map(|earlier| earlier.visit.clone())
            .next()
            .filter(|_| self.series.baseline.sum_mm != Some(nadir))
            .unwrap_or_else(|| "the baseline".to_owned())
    }

    fn shrinkage(&self) -> String {
        let needed = tenth(100.0 * self.rules.response_relative);
        match (self.timepoint.sum_mm, self.series.baseline.sum_mm) {
            (Some(sum), Some(baseline)) if baseline > 0.0 => {
                let change = 100.0 * (sum - baseline) / baseline;
                format!(
                    "the sum {} is {} % from the baseline {}; a partial response needs -{needed} %",
                    mm(sum),
                    tenth(change),
                    mm(baseline)
                )
            }
            _ => format!("{}; a partial response needs -{needed} % from the baseline", self.sum()),
        }
    }

    fn remains(&self) -> String {
        let left: Vec<String> = self
            .timepoint
            .lesions
            .iter()
            .filter(|lesion| lesion.role == LesionRole::Target)
            .filter_map(|lesion| {
                let size = lesion.size_mm?;
                let gone = if lesion.nodal { size < self.rules.normal_node_mm } else { size == 0.0 };
                (!gone).then(|| format!("{} {}", lesion.lesion, mm(size)))
            })
            .collect();
        format!("still measurable: {}", left.join(", "))
    }

    fn non_target(&self, recorded: &str) -> (Rule, String) {
        let derived = self.timepoint.non_target.map_or("none", NonTargetResponse::as_str);
        if recorded.parse::<NonTargetResponse>().is_err() {
            return (Rule::NoSuchResponse, format!("RS says {recorded}, which is no non-target response"));
        }
        let states: Vec<String> = self
            .read
            .iter()
            .flat_map(|read| &read.readings)
            .filter(|reading| reading.role == LesionRole::NonTarget)
            .map(|reading| format!("{} {}", reading.lesion, state(&reading.finding)))
            .collect();
        let read = if states.is_empty() { "no non-target was read".to_owned() } else { states.join(", ") };
        (Rule::NonTarget, format!("RS says non-target {recorded}, but it is {derived}: {read}"))
    }

    fn overall(&self, recorded: &str) -> (Rule, String) {
        let t = self.timepoint;
        if recorded.parse::<OverallResponse>().is_err() {
            return (
                Rule::NoSuchResponse,
                format!("RS says overall {recorded}, which is no overall response"),
            );
        }
        let target = self.recorded.target.as_deref().map(str::parse::<TargetResponse>);
        let non_target = self.recorded.non_target.as_deref().map(str::parse::<NonTargetResponse>);
        let theirs_differ =
            |ours: Option<&str>, theirs: &Option<String>| theirs.is_some() && ours != theirs.as_deref();
        let target_differs = theirs_differ(t.target.map(TargetResponse::as_str), &self.recorded.target);
        let other_differs =
            theirs_differ(t.non_target.map(NonTargetResponse::as_str), &self.recorded.non_target);
        let new = self.recorded.new_lesion.as_deref().map_or(Ok(NewLesion::None), str::parse::<NewLesion>);
        // What the table gives for the responses as they were recorded: where that is the recorded one, the cause lies in
        // one of them; else the table itself was not followed.
        let by_table = match (target.transpose(), non_target.transpose(), new) {
            (Ok(target), Ok(non_target), Ok(new)) => overall(target, non_target, new).as_str() == recorded,
            _ => false,
        };
        if overall(t.target, t.non_target, t.new_lesion) != t.overall {
            let why = format!("RS says overall {recorded}, but disease is back after a complete response");
            return (Rule::BackAfterComplete, why);
        }
        let parts = format!(
            "target {}, non-target {}, new lesion {} make {}",
            t.target.map_or("none", TargetResponse::as_str),
            t.non_target.map_or("none", NonTargetResponse::as_str),
            t.new_lesion,
            t.overall
        );
        let rule = if !by_table {
            Rule::TimePointTable
        } else if target_differs {
            self.target(self.recorded.target.as_deref().unwrap_or_default()).0
        } else if other_differs {
            Rule::NonTarget
        } else {
            Rule::NewLesion
        };
        (rule, format!("RS says overall {recorded}, but {parts}"))
    }
}

fn state(finding: &Finding) -> String {
    match finding {
        Finding::Measured(size) => mm(*size),
        Finding::TooSmall => "too small to measure".into(),
        Finding::Present => "present".into(),
        Finding::Absent => "absent".into(),
        Finding::Unequivocal => "unequivocally worse".into(),
        Finding::Equivocal => "equivocal".into(),
        Finding::Merged => "merged".into(),
        Finding::NotEvaluable(why) => format!("not evaluated ({why})"),
    }
}

fn tenth(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Adding 0 turns a negative zero into a plain one.
    format!("{}", rounded + 0.0)
}

fn mm(value: f64) -> String {
    format!("{} mm", tenth(value))
}

/// Counts over many assessments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Assessments judged.
    pub assessments: usize,
    /// By response: how many were recorded, and how many of them agree.
    pub responses: [(usize, usize); 3],
    /// By response and rule: how many differ.
    pub rules: std::collections::BTreeMap<(Response, Rule), usize>,
    /// Recorded sums (`SUMDIAM`), and how many are the derived one.
    pub sums: (usize, usize),
    /// Recorded new lesions (`NEWLPROG`), and how many are the derived one.
    pub new_lesions: (usize, usize),
}

/// The three responses, in the order of `Summary::responses`.
pub const RESPONSES: [Response; 3] = [Response::Target, Response::NonTarget, Response::Overall];

impl Summary {
    /// Counts one more.
    pub fn add(&mut self, judged: &Judged) {
        self.assessments += 1;
        let recorded = [&judged.recorded.target, &judged.recorded.non_target, &judged.recorded.overall];
        for ((response, recorded), (count, agree)) in RESPONSES.iter().zip(recorded).zip(&mut self.responses)
        {
            if recorded.is_some() {
                *count += 1;
                *agree += usize::from(!judged.differences.iter().any(|d| d.response == *response));
            }
        }
        for difference in &judged.differences {
            *self.rules.entry((difference.response, difference.rule)).or_default() += 1;
        }
        if let Some(agrees) = judged.sum_agrees {
            self.sums.0 += 1;
            self.sums.1 += usize::from(agrees);
        }
        if judged.recorded.new_lesion.is_some() {
            self.new_lesions.0 += 1;
            self.new_lesions.1 += usize::from(judged.new_lesion_agrees);
        }
    }
}

impl<'a> FromIterator<&'a Judged> for Summary {
    fn from_iter<I: IntoIterator<Item = &'a Judged>>(judged: I) -> Self {
        let mut summary = Self::default();
        for judged in judged {
            summary.add(judged);
        }
        summary
    }
}

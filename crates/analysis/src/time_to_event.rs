//! The analyses of times to events: Kaplan-Meier by arm, log-rank test, Cox model and restricted means.
//!
//! Never decides an event or a censoring (see `trial::endpoint`) and never computes a statistic itself (see `survival`):
//! it chooses which, over whom, and says where one does not exist. Times are `AVAL` in days.

mod hazards;
mod incidence;
mod subgroups;

use std::collections::BTreeMap;

use survival::cox::{Covariates, Cox, CoxFit, CoxOptions, Ties, TimeTransform};
use survival::km::{ConfType, KaplanMeier, Quantile};
use survival::logrank::logrank;
use survival::rmst;

use trial::date::DAYS_PER_MONTH;
use trial::endpoint::{Censoring, Outcome};
use trial::protocol::{
    AnalysisRole, CensorAt, Endpoint, EndpointRole, EndpointRules, EventCause, Origin, OtherTherapy, Pending,
    Protocol, TieMethod,
};

use crate::arms::Arms;
use crate::plan::{Planned, planned};
use crate::results::{
    AnalysisResult, ArmEstimate, Comparison, Contribution, CurvePoint, Estimate, Further, LogRank, OutcomeRow,
};
use crate::row::SubjectRow;

/// Limits of curves, medians and landmarks stay between 0 and 1 and hold their level in small samples on the log(-log)
/// scale (Borgan and Liestøl, Scand J Stat 1990;17:35-41); regulators' tables follow SAS, which uses it by default.
const LIMITS: ConfType = ConfType::LogLog;
pub(crate) const LIMITS_WORDS: &str = "log(-log) limits of Kaplan-Meier curves, medians and landmarks, the default of SAS and Stata; in R conf.type = \"log-log\"";

/// Months at which survival is given, where somebody was followed so long.
pub const LANDMARKS: [f64; 5] = [6.0, 12.0, 24.0, 36.0, 60.0];

/// Steps of the numbers at risk, months: the first that gives no more than `MOST_COLUMNS`.
const STEPS: [f64; 9] = [0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 60.0, 120.0];
const MOST_COLUMNS: f64 = 10.0;

/// Below so many events, what rests on large samples is said to.
pub const FEW_EVENTS: usize = 10;

/// The level of the test of proportional hazards below which a remark is made.
pub const NOT_PROPORTIONAL: f64 = 0.05;

/// Every analysis of the protocol. Takes the full times from `rows`.
pub fn analyses(protocol: &Protocol, arms: &Arms, rows: &mut [SubjectRow]) -> Vec<AnalysisResult> {
    let placement = Placement::of(arms, rows);
    let analyses = planned(protocol);
    analyses
        .iter()
        .enumerate()
        .map(|(place, planned)| {
            let further = further(protocol, planned, arms, &placement, rows, place);
            AnalysisResult { further, ..analysis(planned, arms, &placement, rows, place) }
        })
        .collect()
}

/// The arm and stratum of each row, as it was randomised.
struct Placement {
    /// None where it was not.
    arm: Vec<Option<usize>>,
    names: Vec<String>,
    /// Its stratum, as a place in `names`.
    stratum: Vec<usize>,
}

impl Placement {
    fn of(arms: &Arms, rows: &[SubjectRow]) -> Self {
        fn levels(row: &SubjectRow) -> &[(String, String)] {
            row.allocation.as_ref().map_or(&[], |allocated| &allocated.stratum)
        }
        let mut places: BTreeMap<&[(String, String)], usize> =
            rows.iter().map(|row| (levels(row), 0)).collect();
        places.values_mut().enumerate().for_each(|(number, place)| *place = number);
        let name = |levels: &[(String, String)]| {
            levels.iter().map(|(factor, level)| format!("{factor} = {level}")).collect::<Vec<_>>().join(", ")
        };
        Self {
            arm: rows.iter().map(|row| arms.place(row)).collect(),
            stratum: rows.iter().map(|row| places[levels(row)]).collect(),
            names: places.keys().map(|levels| name(levels)).collect(),
        }
    }

    fn name(&self, row: usize) -> &str {
        &self.names[self.stratum[row]]
    }
}

fn analysis(
    planned: &Planned<'_>,
    arms: &Arms,
    placement: &Placement,
    rows: &mut [SubjectRow],
    place: usize,
) -> AnalysisResult {
    let Planned { analysis, endpoint, rules } = planned;
    let data = Data::of(placement, rows, place, analysis.stratified);
    let level = analysis.confidence;
    let fits = data.fits(arms);
    let range = fits.iter().flatten().filter_map(last).fold(0.0, f64::max);
    let mut estimates: Vec<ArmEstimate> = fits
        .iter()
        .enumerate()
        .map(|(arm, fit)| estimate(arms, &data, arm, fit.as_ref(), level, range))
        .collect();
    let mut remarks = Vec::new();
    let mut comparisons = data.compare(arms, &fits, analysis.ties, level, &mut remarks);
    if let Some(tau) = comparisons.iter().find_map(|comparison| comparison.tau_months) {
        for (estimate, fit) in estimates.iter_mut().zip(&fits) {
            estimate.rmst_months = fit.as_ref().and_then(|fit| restricted(fit, tau * DAYS_PER_MONTH, level));
        }
    }
    let overall = data.overall(arms);
    let comparison = (!comparisons.is_empty()).then(|| comparisons.remove(0));
    AnalysisResult {
        id: analysis.id.clone(),
        label: analysis.label.clone(),
        endpoint: endpoint.id.clone(),
        endpoint_label: endpoint.label.clone(),
        definition: endpoint.definition.clone(),
        primary: endpoint.role == EndpointRole::Primary,
        main: analysis.role == AnalysisRole::Main,
        origin: endpoint.origin,
        rules: words(endpoint, rules),
        confidence: level,
        stratified: analysis.stratified,
        ties: match analysis.ties {
            TieMethod::Efron => "Efron".to_owned(),
            TieMethod::Breslow => "Breslow".to_owned(),
        },
        limits: LIMITS_WORDS.to_owned(),
        arms: estimates,
        comparison,
        more_comparisons: comparisons,
        overall,
        remarks,
        further: Further::default(),
        subjects: contributions(rows, place, analysis.stratified.then_some(placement)),
    }
}

/// What stands beside a main analysis. Subgroups and checks of hazards are made where the figures of single subjects are.
fn further(
    protocol: &Protocol,
    planned: &Planned<'_>,
    arms: &Arms,
    placement: &Placement,
    rows: &[SubjectRow],
    place: usize,
) -> Further {
    let Planned { analysis, endpoint, .. } = planned;
    if analysis.role != AnalysisRole::Main {
        return Further::default();
    }
    let data = Data::of(placement, rows, place, analysis.stratified);
    let (ties, level) = (analysis.ties, analysis.confidence);
    let range = data.time.iter().copied().fold(0.0, f64::max);
    let deep = rows.iter().any(|row| row.detail.figures);
    let primary = endpoint.role == EndpointRole::Primary;
    let mut remarks = Vec::new();
    Further {
        hazards: if deep { hazards::checks(&data, arms, rows, ties, level) } else { Vec::new() },
        incidence: incidence::causes(&data, arms, endpoint.events.len(), level, range, &mut remarks),
        subgroups: if deep && primary {
            subgroups::subgroups(&protocol.stratification, &data, arms, rows, ties, level)
        } else {
            Vec::new()
        },
        remarks,
    }
}

/// The times of one analysis, one entry a subject in it.
struct Data<'a> {
    /// The place of each subject among the rows.
    row: Vec<usize>,
    arm: Vec<usize>,
    time: Vec<f64>,
    event: Vec<bool>,
    outcome: Vec<&'a Outcome>,
    /// Stratum of each subject, as a place in `strata`.
    stratum: Vec<usize>,
    strata: &'a [String],
    stratified: bool,
}

impl<'a> Data<'a> {
    fn of(placement: &'a Placement, rows: &'a [SubjectRow], place: usize, stratified: bool) -> Self {
        let mut data = Self::empty(&placement.names, stratified);
        for (number, row) in rows.iter().enumerate() {
            if let (Some(arm), Some(Some(time))) = (placement.arm[number], row.times.get(place)) {
                data.row.push(number);
                data.arm.push(arm);
                data.time.push(time.days as f64);
                data.event.push(time.is_event());
                data.outcome.push(&time.outcome);
                data.stratum.push(placement.stratum[number]);
            }
        }
        data
    }

    fn empty(strata: &'a [String], stratified: bool) -> Self {
        let (row, arm, time, event, outcome, stratum) = Default::default();
        Self { row, arm, time, event, outcome, stratum, strata, stratified }
    }

    /// Takes in subject `i` of `other`.
    fn copy(&mut self, other: &Self, i: usize) {
        self.row.push(other.row[i]);
        self.arm.push(other.arm[i]);
        self.time.push(other.time[i]);
        self.event.push(other.event[i]);
        self.outcome.push(other.outcome[i]);
        self.stratum.push(other.stratum[i]);
    }

    /// Those in one of `arms`.
    fn only(&self, arms: &[usize]) -> Self {
        let mut data = Self::empty(self.strata, self.stratified);
        for i in (0..self.arm.len()).filter(|i| arms.contains(&self.arm[*i])) {
            data.copy(self, i);
        }
        data
    }

    fn in_arm(&self, arm: usize) -> usize {
        self.arm.iter().filter(|of| **of == arm).count()
    }

    fn events_in(&self, arm: usize) -> usize {
        self.arm.iter().zip(&self.event).filter(|(of, event)| **of == arm && **event).count()
    }

    /// One curve an arm; none where nobody is in it.
    fn fits(&self, arms: &Arms) -> Vec<Option<KaplanMeier>> {
        (0..arms.len())
            .map(|arm| {
                let of_arm = self.only(&[arm]);
                KaplanMeier::fit(&of_arm.time, &of_arm.event).ok()
            })
            .collect()
    }

    fn log_rank(&self) -> Result<LogRank, survival::Error> {
        let strata = self.stratified.then_some(self.stratum.as_slice());
        let test = logrank(&self.time, &self.event, &self.arm, strata, 0.0)?.test;
        Ok(LogRank { chisq: test.statistic, df: test.df, p: test.p_value })
    }

    /// The test over all arms, where there are more than two.
    fn overall(&self, arms: &Arms) -> Option<LogRank> {
        let filled = (0..arms.len()).filter(|arm| self.in_arm(*arm) > 0).count();
        (filled > 2).then(|| self.log_rank().ok()).flatten().filter(|test| test.p.is_finite())
    }

    /// Every arm against control; where one cannot be compared, a remark says why.
    fn compare(
        &self,
        arms: &Arms,
        fits: &[Option<KaplanMeier>],
        ties: TieMethod,
        level: f64,
        remarks: &mut Vec<String>,
    ) -> Vec<Comparison> {
        if arms.len() < 2 {
            remarks.push("one arm: nothing to compare".to_owned());
            return Vec::new();
        }
        if !arms.control_is_marked {
            remarks.push("the protocol marks no control arm: the first arm stands for it".to_owned());
        }
        let tau = fits.iter().flatten().filter_map(last).fold(f64::INFINITY, f64::min);
        let mut out = Vec::new();
        for (arm, control) in arms.against_control() {
            let pair = Pair { data: self.only(&[arm, control]), arms, arm, control, ties, level };
            let Some(mut comparison) = pair.compare(remarks) else { continue };
            if let (Some(a), Some(c)) = (&fits[arm], &fits[control]) {
                pair.restricted_means(&mut comparison, a, c, tau);
            }
            out.push(comparison);
        }
        out
    }
}

/// An arm and its control.
struct Pair<'a> {
    data: Data<'a>,
    arms: &'a Arms,
    arm: usize,
    control: usize,
    ties: TieMethod,
    level: f64,
}

impl Pair<'_> {
    /// `arm A`, or nothing where there are but two arms and no doubt which are meant.
    fn prefix(&self) -> String {
        match self.arms.len() {
            2 => String::new(),
            _ => format!("{} against {}: ", self.arms.id(self.arm), self.arms.id(self.control)),
        }
    }

    fn compare(&self, remarks: &mut Vec<String>) -> Option<Comparison> {
        let prefix = self.prefix();
        let mut remark = |text: String| remarks.push(format!("{prefix}{text}"));
        for arm in [self.arm, self.control] {
            if self.data.in_arm(arm) == 0 {
                remark(format!(
                    "nobody of arm {} is in this analysis: nothing to compare",
                    self.arms.id(arm)
                ));
                return None;
            }
        }
        let events = self.data.events_in(self.arm) + self.data.events_in(self.control);
        if events == 0 {
            remark("no events yet: nothing to compare".to_owned());
            return None;
        }
        if self.data.stratified {
            self.idle_strata().into_iter().for_each(&mut remark);
        }
        let test = match self.data.log_rank() {
            Ok(test) if test.df > 0 && test.p.is_finite() => test,
            Ok(_) => {
                remark(
                    "no event fell while both arms were at risk in one stratum: the arms cannot be compared"
                        .into(),
                );
                return None;
            }
            Err(why) => {
                remark(format!("no log-rank test: {why}"));
                return None;
            }
        };
        if events < FEW_EVENTS {
            remark(format!(
                "{events} event(s): p-values and limits rest on large samples and are rough here"
            ));
        }
        let fit = self.cox(&mut remark);
        let proportional_hazards_p = fit.as_ref().and_then(proportional_hazards);
        if let Some(p) = proportional_hazards_p.filter(|p| *p < NOT_PROPORTIONAL) {
            remark(format!(
                "hazards do not look proportional (p = {p:.3}): the hazard ratio is an average over time; see the \
                 restricted means"
            ));
        }
        Some(Comparison {
            arm: self.arms.id(self.arm).clone(),
            control: self.arms.id(self.control).clone(),
            hazard_ratio: fit.as_ref().map(|fit| hazard_ratio(fit, self.level)).unwrap_or_default(),
            wald_p: fit.as_ref().map(|fit| fit.p_value(0)).filter(|p| p.is_finite()),
            logrank_chisq: test.chisq,
            logrank_df: test.df,
            logrank_p: test.p,
            proportional_hazards_p,
            tau_months: None,
            rmst_difference_months: None,
        })
    }

    /// What to say of strata that add nothing to a stratified test and model.
    fn idle_strata(&self) -> Option<String> {
        let data = &self.data;
        // By stratum: somebody of the arm, somebody of control, an event.
        let mut seen = vec![(false, false, false); data.strata.len()];
        for (i, stratum) in data.stratum.iter().enumerate() {
            let here = &mut seen[*stratum];
            here.0 |= data.arm[i] == self.arm;
            here.1 |= data.arm[i] == self.control;
            here.2 |= data.event[i];
        }
        let idle: Vec<&str> = data
            .strata
            .iter()
            .zip(seen)
            .filter(|(_, (arm, control, event))| (*arm || *control) && !(*arm && *control && *event))
            .map(|(label, _)| label.as_str())
            .collect();
        (!idle.is_empty()).then(|| {
            let names = idle.join("; ");
            format!(
                "strata with one arm only or without an event add nothing to the test and the model: {names}"
            )
        })
    }

    /// The Cox model of the arm; none, with a remark, where the hazard ratio does not exist or was not found.
    fn cox(&self, remark: &mut impl FnMut(String)) -> Option<CoxFit> {
        let data = &self.data;
        for arm in [self.arm, self.control] {
            if data.events_in(arm) == 0 {
                let id = self.arms.id(arm);
                remark(format!("no event in arm {id}: the hazard ratio is not estimable"));
                return None;
            }
        }
        let treated: Vec<f64> = data.arm.iter().map(|arm| f64::from(u8::from(*arm == self.arm))).collect();
        let options = CoxOptions {
            ties: ties_of(self.ties),
            strata: data.stratified.then_some(data.stratum.as_slice()),
            ..CoxOptions::default()
        };
        let fit = Cox::fit(&data.time, &data.event, &Covariates::new().with("arm", &treated), &options);
        match fit {
            Ok(fit) if fit.warnings.is_empty() => Some(fit),
            Ok(fit) => {
                let why: Vec<String> = fit.warnings.iter().map(ToString::to_string).collect();
                remark(format!("no hazard ratio: {}", why.join("; ")));
                None
            }
            Err(why) => {
                remark(format!("no hazard ratio: {why}"));
                None
            }
        }
    }

    fn restricted_means(
        &self,
        comparison: &mut Comparison,
        arm: &KaplanMeier,
        control: &KaplanMeier,
        tau: f64,
    ) {
        let (Ok(a), Ok(c)) = (arm.rmst(tau), control.rmst(tau)) else { return };
        comparison.tau_months = Some(tau / DAYS_PER_MONTH);
        // An arm without an event before tau adds no error to the formula, which is not to say that it has none.
        let limits = rmst::compare(&c, &a).ok().filter(|_| a.std_err > 0.0 && c.std_err > 0.0);
        let limits = limits.map_or((f64::NAN, f64::NAN), |contrast| contrast.difference.limits(self.level));
        comparison.rmst_difference_months = Some(in_months(a.estimate - c.estimate, limits));
    }
}

/// The longest time of a curve, event or censoring.
fn last(fit: &KaplanMeier) -> Option<f64> {
    fit.time.last().copied()
}

fn ties_of(ties: TieMethod) -> Ties {
    match ties {
        TieMethod::Efron => Ties::Efron,
        TieMethod::Breslow => Ties::Breslow,
    }
}

fn proportional_hazards(fit: &CoxFit) -> Option<f64> {
    let zph = fit.zph(TimeTransform::Km).ok()?;
    zph.rows.first().map(|row| row.test.p_value).filter(|p| p.is_finite())
}

fn hazard_ratio(fit: &CoxFit, level: f64) -> Estimate {
    let (lower, upper) = fit.limits(0, level);
    finite(fit.hazard_ratio(0), (lower, upper))
}

fn finite(value: f64, (lower, upper): (f64, f64)) -> Estimate {
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    Estimate { value: finite(value), lower: finite(lower), upper: finite(upper) }
}

fn in_months(days: f64, (lower, upper): (f64, f64)) -> Estimate {
    finite(days / DAYS_PER_MONTH, (lower / DAYS_PER_MONTH, upper / DAYS_PER_MONTH))
}

/// Without an event before `tau` the mean is `tau` itself, and its error is not known to be 0.
fn restricted(fit: &KaplanMeier, tau: f64, level: f64) -> Option<Estimate> {
    let mean = fit.rmst(tau).ok()?;
    let limits = if mean.std_err > 0.0 { mean.limits(level) } else { (f64::NAN, f64::NAN) };
    Some(in_months(mean.estimate, limits))
}

fn quantile(found: &Quantile) -> Estimate {
    let months = |days: Option<f64>| days.map(|days| days / DAYS_PER_MONTH);
    Estimate { value: months(found.estimate), lower: months(found.lower), upper: months(found.upper) }
}

/// `range` is the longest time of any arm, so that landmarks and numbers at risk are at the same months in all.
fn estimate(
    arms: &Arms,
    data: &Data<'_>,
    arm: usize,
    fit: Option<&KaplanMeier>,
    level: f64,
    range: f64,
) -> ArmEstimate {
    let of_arm = data.only(&[arm]);
    let follow_up = KaplanMeier::follow_up(&of_arm.time, &of_arm.event).ok();
    ArmEstimate {
        arm: arms.id(arm).clone(),
        n: of_arm.arm.len(),
        events: of_arm.events_in(arm),
        outcomes: outcomes(&of_arm.outcome),
        curve: fit.map(|fit| curve(fit, level)).unwrap_or_default(),
        median_months: fit.map(|fit| quantile(&fit.median(LIMITS, level))).unwrap_or_default(),
        landmarks: LANDMARKS
            .iter()
            .filter(|months| **months * DAYS_PER_MONTH <= range)
            .map(|months| (*months, fit.map(|fit| landmark(fit, *months, level)).unwrap_or_default()))
            .collect(),
        at_risk: grid(range / DAYS_PER_MONTH)
            .into_iter()
            .map(|months| (months, at_risk(&of_arm.time, months * DAYS_PER_MONTH)))
            .collect(),
        rmst_months: None,
        follow_up_months: follow_up.map(|fit| quantile(&fit.median(LIMITS, level))).unwrap_or_default(),
    }
}

/// Survival at a landmark; none where nobody of the arm was followed so long.
fn landmark(fit: &KaplanMeier, months: f64, level: f64) -> Estimate {
    let days = months * DAYS_PER_MONTH;
    if last(fit).is_none_or(|last| last < days) {
        return Estimate::default();
    }
    finite(fit.at(days), fit.limits_at(days, LIMITS, level).unwrap_or((f64::NAN, f64::NAN)))
}

/// Subjects whose time is `days` or longer, as R's `summary.survfit` counts them.
fn at_risk(time: &[f64], days: f64) -> usize {
    time.iter().filter(|time| **time >= days).count()
}

/// Months from 0 in even steps, about as many as fit under a figure.
fn grid(longest: f64) -> Vec<f64> {
    if longest <= 0.0 {
        return Vec::new();
    }
    let step = STEPS.iter().copied().find(|step| longest / step <= MOST_COLUMNS);
    let step = step.unwrap_or_else(|| (longest / MOST_COLUMNS / 120.0).ceil() * 120.0);
    (0..=whole(longest / step)).map(|n| n as f64 * step).filter(|months| *months <= longest).collect()
}

/// The steps, from 1 at day 0. Where there is no limit by the formula the point has none of its own: at survival 1 both
/// are 1, at survival 0 the upper one is that of the step before.
fn curve(fit: &KaplanMeier, level: f64) -> Vec<CurvePoint> {
    let (lower, upper) = fit.limits(LIMITS, level);
    let mut points = vec![CurvePoint {
        months: 0.0,
        survival: 1.0,
        lower: 1.0,
        upper: 1.0,
        at_risk: fit.n(),
        events: 0,
        censored: 0,
    }];
    let mut before = 1.0;
    for i in 0..fit.time.len() {
        let survival = fit.surv[i];
        let missing = if survival > 0.0 { (1.0, 1.0) } else { (0.0, before) };
        let lower = if lower[i].is_finite() { lower[i] } else { missing.0 };
        let upper = if upper[i].is_finite() { upper[i] } else { missing.1 };
        before = upper;
        points.push(CurvePoint {
            months: fit.time[i] / DAYS_PER_MONTH,
            survival,
            lower,
            upper,
            at_risk: whole(fit.n_risk[i]),
            events: whole(fit.n_event[i]),
            censored: whole(fit.n_censor[i]),
        });
    }
    points
}

/// A count that `survival` carries as a weight; every subject here weighs 1.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(count: f64) -> usize {
    count.round().max(0.0) as usize
}

/// Events by cause, then censorings by reason, in words.
fn outcomes(outcomes: &[&Outcome]) -> Vec<OutcomeRow> {
    let mut causes: BTreeMap<EventCause, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<Censoring, usize> = BTreeMap::new();
    for outcome in outcomes {
        match outcome {
            Outcome::Event { cause, .. } => *causes.entry(*cause).or_default() += 1,
            Outcome::Censored { because, .. } => *reasons.entry(*because).or_default() += 1,
        }
    }
    let row = |event, what: &str, n| OutcomeRow { event, what: what.to_owned(), n };
    let events = causes.into_iter().map(|(cause, n)| row(true, cause_words(cause), n));
    let censored = reasons.into_iter().map(|(because, n)| row(false, because.words(), n));
    events.chain(censored).collect()
}

fn cause_words(cause: EventCause) -> &'static str {
    match cause {
        EventCause::StrategyFailure => "strategy failure",
        EventCause::Progression => "progression",
        EventCause::NextLineProgression => "progression on the next line",
        EventCause::Death => "death",
    }
}

fn contributions(rows: &mut [SubjectRow], place: usize, strata: Option<&Placement>) -> Vec<Contribution> {
    rows.iter_mut()
        .enumerate()
        .filter_map(|(number, row)| {
            let arm = row.allocation.as_ref()?.arm.clone();
            let full = row.times.get_mut(place)?.as_mut()?.full.take()?;
            Some(Contribution {
                subject: row.subject.clone(),
                arm,
                stratum: strata.map(|strata| strata.name(number).to_owned()),
                days: full.days(),
                event: full.is_event(),
                time: *full,
            })
        })
        .collect()
}

/// The rules in force, in words.
pub(crate) fn words(endpoint: &Endpoint, rules: &EndpointRules) -> Vec<String> {
    let causes: Vec<&str> = endpoint.events.iter().map(|cause| cause_words(*cause)).collect();
    let mut words = vec![
        match endpoint.origin {
            Origin::Randomisation => "counts from randomisation (day 1)".to_owned(),
            Origin::StrategyFailure => {
                "counts from the failure of the strategy by progression; subjects without one are not in it".to_owned()
            }
        },
        format!("ends at the first of: {}", causes.join(", ")),
        match endpoint.censor_at {
            CensorAt::LastAdequateAssessment => {
                "without an event: censored at the last adequate tumour assessment, at the origin where there is none"
            }
            CensorAt::LastContact => "without an event: censored at the last contact",
            CensorAt::LastKnownAlive => "without an event: censored when last known alive",
        }
        .to_owned(),
    ];
    if let Some(n) = rules.censor_after_missed {
        words.push(format!(
            "an event after {n} or more missed scheduled assessments: censored at the last adequate one before them"
        ));
    }
    let of_failure =
        endpoint.events.contains(&EventCause::StrategyFailure) || endpoint.origin == Origin::StrategyFailure;
    if of_failure {
        words.push(
            match rules.pending {
                Some(Pending::Censor) => {
                    "a pending strategy decision: censored on the day of the progression"
                }
                Some(Pending::Event) | None => {
                    "a pending strategy decision: counts as failure on the day of the progression"
                }
            }
            .to_owned(),
        );
    }
    for (what, rule) in [
        ("other anti-cancer therapy before the event", rules.other_therapy),
        ("SABR in an arm whose strategy has none", rules.deviation_sabr),
    ] {
        match rule {
            Some(OtherTherapy::TreatmentPolicy) => words.push(format!("{what}: ignored (treatment policy)")),
            Some(OtherTherapy::Hypothetical) => words.push(format!(
                "{what}: censored at the last adequate assessment before it (hypothetical strategy)"
            )),
            None => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use trial::protocol::Protocol;

    use super::*;
    use crate::testing::{assert_close, assert_estimate, history, numbers, reference, row};

    const TIMES: &str = include_str!("../tests/data/times.csv");

    fn times() -> Vec<SubjectRow> {
        let lines = TIMES.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        lines.map(|v| row(v[0], v[1], v[2], v[3].parse().unwrap(), v[4] == "1", 2)).collect()
    }

    fn analysed(change: impl FnOnce(&mut Protocol), rows: &mut [SubjectRow]) -> Vec<AnalysisResult> {
        let history = history(change);
        analyses(history.current(), &Arms::of(&history, rows), rows)
    }

    #[test]
    fn main_analysis_comes_first() {
        let found = analysed(|_| (), &mut times());
        let ids: Vec<&str> = found.iter().map(|analysis| analysis.id.as_str()).collect();
        assert_eq!(ids, ["OS-main", "OS-plain"]);
    }

    #[rstest]
    #[case("A", 0)]
    #[case("B", 1)]
    fn curves_are_those_of_r(#[case] name: &str, #[case] arm: usize) {
        let (found, r) = (analysed(|_| (), &mut times()), reference());
        let (arm, r) = (&found[0].arms[arm], &r[name]);
        let [time, surv, lower, upper, n_risk] =
            ["time", "surv", "lower", "upper", "n_risk"].map(|key| numbers(&r[key]));
        assert_eq!(arm.curve.len(), time.len() + 1);
        assert_eq!((arm.curve[0].months, arm.curve[0].survival, arm.curve[0].at_risk), (0.0, 1.0, arm.n));
        for (i, point) in arm.curve[1..].iter().enumerate() {
            assert_close(point.months, time[i], 1e-12, "time");
            assert_close(point.survival, surv[i], 1e-12, "survival");
            assert_eq!(point.at_risk as f64, n_risk[i]);
            if surv[i] < 1.0 {
                assert_close(point.lower, lower[i], 1e-9, "lower limit");
                assert_close(point.upper, upper[i], 1e-9, "upper limit");
            } else {
                assert_eq!((point.lower, point.upper), (1.0, 1.0), "no limit where R has none");
            }
        }
        assert_estimate(arm.median_months, &numbers(&r["median"]), 1e-12, "median");
        assert_estimate(arm.follow_up_months, &numbers(&r["follow_up"]), 1e-12, "follow-up");
    }

    #[test]
    fn landmarks_and_numbers_at_risk_are_those_of_r() {
        let (found, r) = (analysed(|_| (), &mut times()), reference());
        for (name, arm) in ["A", "B"].into_iter().zip(&found[0].arms) {
            let r = &r[name];
            let months: Vec<f64> = arm.landmarks.iter().map(|(months, _)| *months).collect();
            assert_eq!(months, [6.0, 12.0, 24.0], "arm A was followed for 26 months");
            let want = numbers(&r["landmarks"]);
            assert_estimate(arm.landmarks[0].1, &want[..3], 1e-9, "6 months");
            assert_estimate(arm.landmarks[1].1, &want[3..], 1e-9, "12 months");
            let grid: Vec<f64> = arm.at_risk.iter().map(|(months, _)| *months).collect();
            assert_eq!(grid, [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0]);
            let at_risk: Vec<f64> = arm.at_risk.iter().map(|(_, n)| *n as f64).collect();
            assert_eq!(at_risk, numbers(&r["at_risk"]));
        }
        assert_eq!(
            found[0].arms[1].landmarks[2].1,
            Estimate::default(),
            "nobody of arm B was followed for 24 months"
        );
    }

    #[rstest]
    #[case("stratified", 0)]
    #[case("plain", 1)]
    fn comparison_is_that_of_r(#[case] name: &str, #[case] analysis: usize) {
        let (found, r) = (analysed(|_| (), &mut times()), reference());
        let comparison = found[analysis].comparison.as_ref().unwrap();
        assert_eq!((comparison.arm.as_str(), comparison.control.as_str()), ("A", "B"));
        let want = &r[name];
        let number = |key: &str| want[key].as_f64().unwrap();
        assert_close(comparison.logrank_chisq, number("chisq"), 1e-9, "chi-square");
        assert_close(comparison.logrank_p, number("logrank_p"), 1e-9, "log-rank p");
        assert_estimate(comparison.hazard_ratio, &numbers(&want["hazard_ratio"]), 1e-7, "hazard ratio");
        assert_close(comparison.wald_p.unwrap(), number("wald_p"), 1e-7, "Wald p");
        assert_close(comparison.proportional_hazards_p.unwrap(), number("zph_p"), 1e-6, "cox.zph");
    }

    #[test]
    fn ties_are_handled_as_the_protocol_says() {
        let breslow = |protocol: &mut Protocol| {
            protocol.analyses.iter_mut().for_each(|analysis| analysis.ties = TieMethod::Breslow);
        };
        let (found, r) = (analysed(breslow, &mut times()), reference());
        let ratio = found[1].comparison.as_ref().unwrap().hazard_ratio.value.unwrap();
        assert_close(ratio, r["plain"]["breslow"].as_f64().unwrap(), 1e-7, "Breslow");
        assert_eq!(found[1].ties, "Breslow");
    }

    #[test]
    fn restricted_means_stop_at_the_shorter_follow_up() {
        let (found, r) = (analysed(|_| (), &mut times()), reference());
        let comparison = found[0].comparison.as_ref().unwrap();
        assert_close(comparison.tau_months.unwrap(), r["tau"].as_f64().unwrap(), 1e-12, "tau");
        let (a, b) = (numbers(&r["A"]["rmst"]), numbers(&r["B"]["rmst"]));
        assert_close(found[0].arms[0].rmst_months.unwrap().value.unwrap(), a[0], 1e-9, "mean of A");
        let difference = comparison.rmst_difference_months.unwrap();
        assert_close(difference.value.unwrap(), a[0] - b[0], 1e-9, "difference");
        let half = 1.959_963_984_540_054 * a[1].hypot(b[1]);
        assert_close(difference.upper.unwrap(), a[0] - b[0] + half, 1e-9, "upper limit");
    }

    #[test]
    fn subgroups_are_those_of_r() {
        let (found, r) = (analysed(|_| (), &mut times()), reference());
        let group = &found[0].further.subgroups[0];
        let labels: Vec<&str> = group.levels.iter().map(|level| level.label.as_str()).collect();
        assert_eq!((group.label.as_str(), labels.as_slice()), ("Stratum", &["first", "other"][..]));
        for level in &group.levels {
            let want = numbers(&r["subgroups"][&level.level]);
            let counts = level.counts.iter().flat_map(|(n, events)| [*n as f64, *events as f64]);
            assert_eq!(counts.collect::<Vec<_>>(), want[..4]);
            assert_estimate(level.hazard_ratio, &want[4..], 1e-6, "hazard ratio");
            assert_eq!(level.subjects.n as f64, want[0] + want[2]);
        }
        let (test, want) = (group.interaction.unwrap(), numbers(&r["subgroups"]["interaction"]));
        assert_close(test.chisq, want[0], 1e-6, "interaction");
        assert_close(test.p, want[1], 1e-6, "interaction p");
        assert!(found[1].further.subgroups.is_empty(), "a sensitivity analysis has none");
    }

    #[test]
    fn a_level_with_few_events_has_counts_alone() {
        let mut rows = times();
        rows.retain(|row| {
            row.allocation.as_ref().unwrap().stratum[0].1 != "b" || row.subject.as_str() < "20"
        });
        let kept = rows.iter().filter(|row| row.allocation.as_ref().unwrap().stratum[0].1 == "b");
        let events = kept.filter(|row| row.times[0].as_ref().unwrap().is_event()).count();
        let found = analysed(|_| (), &mut rows);
        let level = &found[0].further.subgroups[0].levels[1];
        assert!(events < 5 && level.counts[0].1 + level.counts[1].1 == events);
        assert_eq!(level.hazard_ratio, Estimate::default());
    }

    #[test]
    fn checks_of_hazards_are_those_of_r() {
        let (found, r) = (analysed(|_| (), &mut times()), reference());
        let (check, want) = (&found[0].further.hazards[0], &reference()["hazards"]);
        let [chisq, p, time, place, value, trend] =
            ["chisq", "p", "time", "place", "value", "trend"].map(|key| numbers(&want[key]));
        assert_eq!(check.tests.len(), 4);
        for (i, test) in check.tests.iter().enumerate() {
            assert_close(test.chisq, chisq[i], 1e-6, &test.over);
            assert_close(test.p, p[i], 1e-6, &test.over);
        }
        let mut residuals = check.residuals.clone();
        residuals.sort_by(|a, b| (a.months, a.value).partial_cmp(&(b.months, b.value)).unwrap());
        assert_eq!(residuals.len(), time.len());
        for (i, residual) in residuals.iter().enumerate() {
            assert_close(residual.months, time[i], 1e-12, "time");
            assert!((residual.place - place[i]).abs() < 1e-12, "place");
            assert_close(residual.value, value[i], 1e-6, "residual");
        }
        let (at_0, slope) = check.trend.unwrap();
        assert_close(at_0, trend[0], 1e-6, "trend at 0");
        assert_close(slope, trend[1], 1e-6, "trend");
        assert_close(
            check.log_hazard_ratio,
            numbers(&r["stratified"]["hazard_ratio"])[0].ln(),
            1e-6,
            "ratio",
        );
    }

    /// Every third event a progression.
    fn competing() -> Vec<AnalysisResult> {
        let mut rows = times();
        for row in &mut rows {
            let third = row.subject.as_str().parse::<usize>().unwrap().is_multiple_of(3);
            for time in row.times.iter_mut().flatten().filter(|_| third) {
                if let Outcome::Event { cause, .. } = &mut time.outcome {
                    *cause = EventCause::Progression;
                }
            }
        }
        analysed(|protocol| protocol.endpoints[0].events.push(EventCause::Progression), &mut rows)
    }

    #[test]
    fn competing_risks_are_those_of_r() {
        let (found, r) = (competing(), &reference()["competing"]);
        let causes = &found[0].further.incidence;
        let names: Vec<&str> = causes.iter().map(|cause| cause.cause.as_str()).collect();
        assert_eq!(names, ["progression", "death"]);
        let gray = numbers(&r["gray"]);
        for (k, cause) in causes.iter().enumerate() {
            for arm in &cause.arms {
                let want = &r[arm.arm.as_str()][&cause.cause];
                let at = numbers(&want["at"]);
                assert_estimate(arm.landmarks[0].1, &at[..3], 1e-9, "6 months");
                assert_estimate(arm.landmarks[1].1, &at[3..], 1e-9, "12 months");
                let last = arm.curve.last().unwrap().1.value.unwrap();
                assert_close(last, want["last"].as_f64().unwrap(), 1e-12, "at the end");
            }
            let test = cause.gray.unwrap();
            assert_close(test.chisq, gray[2 * k], 1e-9, "Gray's test, stratified");
            assert_close(test.p, gray[2 * k + 1], 1e-9, "its p");
            let (ratio, want) = (&cause.ratios[0], numbers(&r[&cause.cause]));
            assert_estimate(ratio.ratio, &want[..3], 1e-6, "subdistribution ratio");
            assert_close(ratio.p, want[3], 1e-6, "its p");
        }
    }

    #[test]
    fn one_cause_competes_with_none() {
        let found =
            analysed(|protocol| protocol.endpoints[0].events.push(EventCause::Progression), &mut times());
        assert!(found[0].further.incidence.is_empty());
        assert_eq!(found[0].further.remarks, ["every event so far is death: no cause competes with another"]);
        let alone = analysed(|_| (), &mut times());
        assert!(alone[0].further.incidence.is_empty() && alone[0].further.remarks.is_empty());
    }

    #[test]
    fn strata_that_add_nothing_are_named() {
        let found = analysed(|_| (), &mut times());
        assert_eq!(
            found[0].remarks,
            [
                "strata with one arm only or without an event add nothing to the test and the model: s = c; s = d"
            ]
        );
        assert!(found[1].remarks.is_empty());
        assert_eq!(found[0].subjects[0].stratum.as_deref(), Some("s = a"));
        assert_eq!(found[1].subjects[0].stratum, None);
    }

    fn remarks(rows: &[(&str, i64, bool)]) -> (Vec<String>, Option<Comparison>) {
        let mut rows: Vec<SubjectRow> = rows
            .iter()
            .enumerate()
            .map(|(n, (arm, days, event))| row(&n.to_string(), arm, "a", *days, *event, 2))
            .collect();
        let mut found = analysed(|_| (), &mut rows);
        let first = found.swap_remove(0);
        (first.remarks, first.comparison)
    }

    #[rstest]
    #[case::nobody(&[], "nobody of arm A is in this analysis: nothing to compare")]
    #[case::one_subject(&[("B", 30, true)], "nobody of arm A is in this analysis: nothing to compare")]
    #[case::no_events(&[("A", 30, false), ("B", 20, false)], "no events yet: nothing to compare")]
    #[case::never_together(&[("A", 10, false), ("B", 20, true)], "both arms were at risk")]
    fn says_why_there_is_no_comparison(#[case] rows: &[(&str, i64, bool)], #[case] why: &str) {
        let (remarks, comparison) = remarks(rows);
        assert!(comparison.is_none());
        assert!(remarks.iter().any(|remark| remark.contains(why)), "{remarks:?}");
    }

    #[test]
    fn an_arm_without_events_has_a_test_but_no_hazard_ratio() {
        let (remarks, comparison) =
            remarks(&[("A", 30, false), ("A", 40, false), ("B", 20, true), ("B", 35, true)]);
        let comparison = comparison.unwrap();
        assert_eq!((comparison.hazard_ratio, comparison.wald_p), (Estimate::default(), None));
        assert!(comparison.logrank_p > 0.0);
        assert!(
            remarks.contains(&"no event in arm A: the hazard ratio is not estimable".to_owned()),
            "{remarks:?}"
        );
    }

    #[test]
    fn a_mean_without_an_event_has_no_limits() {
        let (_, comparison) =
            remarks(&[("A", 60, false), ("A", 61, false), ("B", 20, true), ("B", 60, false)]);
        let difference = comparison.unwrap().rmst_difference_months.unwrap();
        // Over 60 days: 60 in A; 20 + 40 / 2 = 40 in B.
        assert_close(difference.value.unwrap(), 20.0 / DAYS_PER_MONTH, 1e-12, "difference");
        assert_eq!((difference.lower, difference.upper), (None, None));
    }

    #[test]
    fn separation_is_no_hazard_ratio() {
        // Every event of A falls after the last of B, so that the partial likelihood has no maximum.
        let (remarks, comparison) =
            remarks(&[("A", 50, true), ("A", 60, true), ("B", 10, true), ("B", 20, true)]);
        assert_eq!(comparison.unwrap().hazard_ratio, Estimate::default());
        assert!(remarks.iter().any(|remark| remark.starts_with("no hazard ratio")), "{remarks:?}");
    }

    #[test]
    fn every_arm_is_compared_with_control() {
        let third = |protocol: &mut Protocol| {
            let mut arm = protocol.arms[0].clone();
            arm.id = "C".into();
            protocol.arms.push(arm);
        };
        let mut rows = times();
        for n in 0..8 {
            rows.push(row(&format!("C{n}"), "C", "a", 60 + 40 * n, n % 3 != 0, 2));
        }
        let found = analysed(third, &mut rows);
        let plain = &found[1];
        assert_eq!(plain.more_comparisons.len(), 1);
        assert_eq!(plain.more_comparisons[0].arm.as_str(), "C");
        assert_eq!(plain.overall.unwrap().df, 2);
        // A against B does not depend on C.
        let two = analysed(|_| (), &mut times());
        let ratio = |analysis: &AnalysisResult| analysis.comparison.as_ref().unwrap().hazard_ratio;
        assert_eq!(ratio(plain), ratio(&two[1]));
    }

    #[test]
    fn one_arm_has_its_curve() {
        let alone = |protocol: &mut Protocol| protocol.arms.truncate(1);
        let mut rows: Vec<SubjectRow> = times().into_iter().take(14).collect();
        let found = analysed(alone, &mut rows);
        assert_eq!(found[0].remarks, ["one arm: nothing to compare"]);
        assert_eq!(found[0].arms[0].events, 9);
    }

    #[rstest]
    #[case(0.0, 0)]
    #[case(0.4, 1)]
    #[case(10.0, 11)]
    #[case(36.0, 7)]
    #[case(4_000.0, 9)]
    fn grids_stay_short(#[case] longest: f64, #[case] columns: usize) {
        assert_eq!(grid(longest).len(), columns);
    }
}

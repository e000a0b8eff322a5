//! All that is said of a data set, as one value to serialise.
//!
//! Never fails as a whole: what cannot be estimated carries its reason. Keys and form: see `tests/data/README.md`.

use super::form::{Attempt, Keyed, Matrix, Vector};
use super::{Dataset, Model};
use crate::cox::{CoxFit, Ties, TimeTransform, Zph};
use crate::km::{KaplanMeier, Quantile};
use crate::logrank::LogRank;
use crate::rmst::Rmst;
use crate::{ConfType, Error, Test, Warning};
use rayon::prelude::*;
use serde::Serialize;

const LEVEL: f64 = 0.95;
const QUANTILES: [f64; 3] = [0.25, 0.5, 0.75];
/// Exact ties beyond so many steps of the recursion in one pass would take minutes.
const EXACT_STEPS: f64 = 2e8;

/// What is said of a data set. Keys as in the reference values.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Name of the column of arms.
    pub arm: String,
    /// The terms of the full model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariates: Option<Vector<String>>,
    /// The column (or columns) of strata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strata: Option<String>,
    /// Rows with a missing value, left out of everything.
    pub rows_dropped: usize,
    /// The curve of all subjects, by kind of limits.
    pub km_all: Attempt<Keyed<CurveSummary>>,
    /// The curves of the arms, by kind of limits.
    pub km_arm: Attempt<Keyed<CurveSummary>>,
    /// Restricted means by arm.
    pub rmst: Attempt<Keyed<RmstSummary>>,
    /// Log-rank test.
    pub logrank: Attempt<LogRankSummary>,
    /// Peto and Peto's test.
    pub peto_peto: Attempt<LogRankSummary>,
    /// Stratified log-rank test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logrank_stratified: Option<Attempt<LogRankSummary>>,
    /// `cox_arm_efron` and the other models.
    #[serde(flatten)]
    pub cox: Keyed<Attempt<CoxSummary>>,
    /// Events of all subjects.
    pub events_observed: usize,
}

/// Curves one after another, as R's `summary(survfit(..))` lays them out.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the keys of the reference values, told in tests/data/README.md")]
pub struct CurveSummary {
    pub strata: Vector<String>,
    pub time: Vector<f64>,
    pub n_risk: Vector<f64>,
    pub n_event: Vector<f64>,
    pub n_censor: Vector<f64>,
    pub surv: Vector<f64>,
    pub std_err_greenwood_surv: Vector<f64>,
    pub lower: Vector<f64>,
    pub upper: Vector<f64>,
    pub quantile_probs: Vector<f64>,
    pub quantile: Matrix,
    pub quantile_lower: Matrix,
    pub quantile_upper: Matrix,
}

/// A restricted mean.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the keys of the reference values, told in tests/data/README.md")]
pub struct RmstSummary {
    pub tau: Vector<f64>,
    pub rmst: Vector<f64>,
    pub se: Vector<f64>,
}

/// A test of the arms.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the keys of the reference values, told in tests/data/README.md")]
pub struct LogRankSummary {
    pub observed: Vector<f64>,
    pub expected: Vector<f64>,
    pub var: Matrix,
    pub chisq: Vector<f64>,
    pub df: usize,
    pub p: Vector<f64>,
}

/// Statistic, degrees of freedom and p-value, as a list of three.
pub type TestVector = Vector<f64>;

/// A fitted Cox model; with exact ties coefficients and variance alone.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the keys of the reference values, told in tests/data/README.md")]
pub struct CoxSummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vector<String>>,
    pub coef: Vector<f64>,
    pub var: Matrix,
    #[serde(flatten)]
    pub rest: Option<CoxRest>,
    /// What to know before trusting the values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What R's summary and residuals say of a fit.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the keys of the reference values, told in tests/data/README.md")]
pub struct CoxRest {
    pub robust_var: Matrix,
    pub loglik: Vector<f64>,
    pub lower95: Vector<f64>,
    pub upper95: Vector<f64>,
    pub lrt: TestVector,
    pub wald: TestVector,
    pub score: TestVector,
    pub concordance: Vector<f64>,
    pub zph: Attempt<ZphSummary>,
    pub basehaz_time: Vector<f64>,
    pub basehaz: Vector<f64>,
    pub martingale: Vector<f64>,
    pub n: usize,
    pub nevent: usize,
}

/// Tests of proportional hazards by term, then of all.
#[derive(Debug, Clone, Serialize)]
#[allow(missing_docs, reason = "the keys of the reference values, told in tests/data/README.md")]
pub struct ZphSummary {
    pub rows: Vector<String>,
    pub chisq: Vector<f64>,
    pub df: Vector<f64>,
    pub p: Vector<f64>,
}

impl Summary {
    /// Everything of `data`: restricted means to `tau`, or to the horizon that every arm reaches.
    ///
    /// `ties` adds the full models with these ties to those that are always there. Models are fitted in parallel.
    pub fn new(data: &Dataset, tau: Option<f64>, ties: Ties) -> Self {
        let models: Vec<(String, Model, Ties)> = models(data, ties);
        let fit =
            |(name, model, ties): &(String, Model, Ties)| (name.clone(), cox(data, *model, *ties).into());
        let cox = Keyed(models.par_iter().map(fit).collect());
        let labels: Vec<String> =
            data.arm.levels.iter().map(|level| format!("{}={level}", data.arm.name)).collect();
        let test = |stratified, rho| data.compare(stratified, rho).map(LogRankSummary::from).into();
        let tau = tau.unwrap_or_else(|| data.common_horizon());
        let by_arm = |rmst: Vec<Rmst>| {
            Keyed(data.arm.levels.iter().cloned().zip(rmst.into_iter().map(RmstSummary::from)).collect())
        };
        Self {
            arm: data.arm.name.clone(),
            covariates: (!data.covariates.is_empty()).then(|| Vector(data.covariates.clone())),
            strata: data.strata.as_ref().map(|s| s.name.clone()),
            rows_dropped: data.dropped,
            km_all: data.curve().map(|curve| by_conf_type(&["all".to_owned()], &[curve])).into(),
            km_arm: data.arm_curves().map(|curves| by_conf_type(&labels, &curves)).into(),
            rmst: data.rmst(tau).map(by_arm).into(),
            logrank: test(false, 0.0),
            peto_peto: test(false, 1.0),
            logrank_stratified: data.strata.as_ref().map(|_| test(true, 0.0)),
            cox,
            events_observed: data.event.iter().filter(|e| **e).count(),
        }
    }
}

/// The models that are always given, and those with the ties asked for.
fn models(data: &Dataset, ties: Ties) -> Vec<(String, Model, Ties)> {
    let mut models = vec![(Model::Arm, Ties::Efron), (Model::Arm, Ties::Breslow), (Model::Arm, Ties::Exact)];
    if !data.covariates.is_empty() {
        models.extend([(Model::Full, Ties::Efron), (Model::Full, Ties::Breslow)]);
        models.extend(data.strata.as_ref().map(|_| (Model::Stratified, Ties::Efron)));
        let asked = [(Model::Full, ties), (Model::Stratified, ties)];
        let possible = |model| model != Model::Stratified || data.strata.is_some();
        let new: Vec<_> = asked.into_iter().filter(|m| possible(m.0) && !models.contains(m)).collect();
        models.extend(new);
    }
    let name = |model, ties| {
        let model = match model {
            Model::Arm => "arm",
            Model::Full => "full",
            Model::Stratified => "stratified",
        };
        let ties = match ties {
            Ties::Efron => "efron",
            Ties::Breslow => "breslow",
            Ties::Exact => "exact",
        };
        format!("cox_{model}_{ties}")
    };
    models.into_iter().map(|(model, ties)| (name(model, ties), model, ties)).collect()
}

fn cox(data: &Dataset, model: Model, ties: Ties) -> Result<CoxSummary, Error> {
    if ties == Ties::Exact {
        feasible(data)?;
    }
    let fit = data.cox(model, ties)?;
    let rest = if ties == Ties::Exact { None } else { Some(CoxRest::of(&fit)) };
    Ok(CoxSummary {
        names: rest.as_ref().map(|_| Vector(fit.names.clone())),
        coef: Vector(fit.coefficients.clone()),
        var: Matrix(fit.variance.clone()),
        rest,
        warnings: fit.warnings.iter().map(Warning::to_string).collect(),
    })
}

/// Refuses exact ties whose recursion (risk set times events, at each time) would not end soon.
fn feasible(data: &Dataset) -> Result<(), Error> {
    let steps: f64 = data.curve().map(|km| km.n_risk.iter().zip(&km.n_event).map(|(n, d)| n * d).sum())?;
    if steps <= EXACT_STEPS {
        return Ok(());
    }
    let why = format!(
        "so many events share a time that it would take {steps:.0e} steps; Efron's ties are near to it"
    );
    Err(Error::NotEstimable { what: "the exact partial likelihood".to_owned(), why })
}

impl CoxRest {
    fn of(fit: &CoxFit) -> Self {
        let limits: Vec<(f64, f64)> = (0..fit.names.len()).map(|j| fit.limits(j, LEVEL)).collect();
        let (baseline, concordance) = (fit.baseline_hazard(), fit.concordance());
        Self {
            robust_var: Matrix(fit.robust_variance()),
            loglik: Vector(fit.log_likelihood.to_vec()),
            lower95: Vector(limits.iter().map(|l| l.0).collect()),
            upper95: Vector(limits.iter().map(|l| l.1).collect()),
            lrt: test(fit.likelihood_ratio),
            wald: test(Test { statistic: to_two_decimals(fit.wald.statistic), ..fit.wald }),
            score: test(fit.score),
            concordance: Vector(vec![concordance.estimate, concordance.std_err]),
            zph: fit.zph(TimeTransform::Km).map(ZphSummary::from).into(),
            basehaz_time: Vector(baseline.time),
            basehaz: Vector(baseline.hazard),
            martingale: Vector(fit.martingale()),
            n: fit.n,
            nevent: fit.n_event,
        }
    }
}

fn test(test: Test) -> TestVector {
    Vector(vec![test.statistic, test.df as f64, test.p_value])
}

/// As R's `round(x, 2)` in `summary.coxph`, which rounds the statistic and not its p-value.
fn to_two_decimals(x: f64) -> f64 {
    format!("{x:.2}").parse().unwrap_or(x)
}

impl From<Zph> for ZphSummary {
    fn from(zph: Zph) -> Self {
        let mut rows: Vec<(String, Test)> = zph.rows.into_iter().map(|row| (row.name, row.test)).collect();
        rows.push(("GLOBAL".to_owned(), zph.global));
        Self {
            chisq: Vector(rows.iter().map(|(_, t)| t.statistic).collect()),
            df: Vector(rows.iter().map(|(_, t)| t.df as f64).collect()),
            p: Vector(rows.iter().map(|(_, t)| t.p_value).collect()),
            rows: Vector(rows.into_iter().map(|(name, _)| name).collect()),
        }
    }
}

impl From<LogRank> for LogRankSummary {
    fn from(found: LogRank) -> Self {
        Self {
            observed: Vector(found.observed),
            expected: Vector(found.expected),
            var: Matrix(found.variance),
            chisq: Vector(vec![found.test.statistic]),
            df: found.test.df,
            p: Vector(vec![found.test.p_value]),
        }
    }
}

impl From<Rmst> for RmstSummary {
    fn from(rmst: Rmst) -> Self {
        let [tau, rmst, se] = [rmst.tau, rmst.estimate, rmst.std_err].map(|v| Vector(vec![v]));
        Self { tau, rmst, se }
    }
}

fn by_conf_type(labels: &[String], curves: &[KaplanMeier]) -> Keyed<CurveSummary> {
    let kinds = [ConfType::Plain, ConfType::Log, ConfType::LogLog];
    Keyed(kinds.into_iter().map(|kind| (kind.to_string(), CurveSummary::new(labels, curves, kind))).collect())
}

impl CurveSummary {
    fn new(labels: &[String], curves: &[KaplanMeier], kind: ConfType) -> Self {
        let joined =
            |of: &dyn Fn(&KaplanMeier) -> &Vec<f64>| Vector(curves.iter().flat_map(of).copied().collect());
        let limits: Vec<(Vec<f64>, Vec<f64>)> = curves.iter().map(|km| km.limits(kind, LEVEL)).collect();
        let named = curves.iter().zip(labels).flat_map(|(km, label)| vec![label.clone(); km.time.len()]);
        let quantiles: Vec<Vec<Quantile>> =
            curves.iter().map(|km| km.quantiles(&QUANTILES, kind, LEVEL)).collect();
        Self {
            strata: Vector(named.collect()),
            time: joined(&|km| &km.time),
            n_risk: joined(&|km| &km.n_risk),
            n_event: joined(&|km| &km.n_event),
            n_censor: joined(&|km| &km.n_censor),
            surv: joined(&|km| &km.surv),
            std_err_greenwood_surv: joined(&|km| &km.std_err),
            lower: Vector(limits.iter().flat_map(|l| l.0.iter().copied()).collect()),
            upper: Vector(limits.iter().flat_map(|l| l.1.iter().copied()).collect()),
            quantile_probs: Vector(QUANTILES.to_vec()),
            quantile: quantile_matrix(&quantiles, |q| q.estimate),
            quantile_lower: quantile_matrix(&quantiles, |q| q.lower),
            quantile_upper: quantile_matrix(&quantiles, |q| q.upper),
        }
    }
}

/// A row a curve; R makes of a single curve a column.
fn quantile_matrix(quantiles: &[Vec<Quantile>], of: impl Fn(&Quantile) -> Option<f64>) -> Matrix {
    let number = |q: &Quantile| of(q).unwrap_or(f64::NAN);
    Matrix(match quantiles {
        [only] => only.iter().map(|q| vec![number(q)]).collect(),
        many => many.iter().map(|row| row.iter().map(number).collect()).collect(),
    })
}

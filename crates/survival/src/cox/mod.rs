//! The Cox proportional hazards model: fit, tests, limits, and everything that is judged from a fit.
//!
//! Never returns a coefficient that ran away, a dropped column or an unfinished fit without a [`Warning`].
//! Cox, JRSS B 1972;34:187-220; Therneau & Grambsch, *Modeling Survival Data*, 2000. R: `coxph`.

mod baseline;
mod concordance;
mod covariates;
mod design;
mod exact;
mod firth;
pub(crate) mod likelihood;
pub(crate) mod newton;
mod profile;
mod residuals;
mod sweep;
mod zph;

pub use baseline::BaselineHazard;
pub use concordance::Concordance;
pub use covariates::Covariates;
pub use zph::{TimeTransform, Zph, ZphRow};

use crate::distribution::{normal_two_sided, two_sided_quantile};
use crate::linalg::{Ldl, dot, rows};
use crate::observations::check_length;
use crate::order::Codes;
use crate::{Error, Test, Warning};
use covariates::Term;
use design::Design;
use likelihood::Point;
use newton::{Control, Maximum, PIVOT_TOLERANCE};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How events at the same time are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ties {
    /// Efron's approximation (R's default).
    #[default]
    Efron,
    /// Breslow's approximation.
    Breslow,
    /// The exact partial likelihood of discrete times (R's `exact`, SAS's `discrete`).
    Exact,
}

/// What to do with a covariate the others already determine, or that is constant in every risk set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Collinear {
    /// Return [`Error::Collinear`].
    #[default]
    Refuse,
    /// Leave it out, as R does: coefficient NaN, variance 0, with a [`Warning::Dropped`].
    Drop,
}

/// How to fit. `CoxOptions::default()` is R's `coxph` with its defaults.
#[derive(Debug, Clone, Copy)]
pub struct CoxOptions<'a> {
    /// Ties; Efron by default.
    pub ties: Ties,
    /// A label a row: each stratum has its own baseline hazard.
    pub strata: Option<&'a [usize]>,
    /// Case weights above 0.
    pub weights: Option<&'a [f64]>,
    /// Left truncation or start-stop rows: a row is at risk at t when `entry < t <= time`.
    pub entry: Option<&'a [f64]>,
    /// A term of the linear predictor with coefficient 1.
    pub offset: Option<&'a [f64]>,
    /// A label a row: rows of one label are not independent (a subject's start-stop rows, a site). Asks for the
    /// robust variance.
    pub cluster: Option<&'a [usize]>,
    /// Whether inference uses the robust (sandwich) variance even without `cluster`, each row its own cluster.
    pub robust: bool,
    /// Firth's penalised likelihood, finite under separation (Heinze & Schemper 2001).
    pub firth: bool,
    /// What to do with a redundant covariate.
    pub collinear: Collinear,
    /// The log-likelihood has settled when it changes by less than this part of itself; 1e-9 is R's. A few steps
    /// more then bring the coefficients to full precision.
    pub eps: f64,
    /// The most iterations; 20 is R's.
    pub max_iterations: usize,
}

impl Default for CoxOptions<'_> {
    fn default() -> Self {
        Self {
            ties: Ties::default(),
            strata: None,
            weights: None,
            entry: None,
            offset: None,
            cluster: None,
            robust: false,
            firth: false,
            collinear: Collinear::default(),
            eps: 1e-9,
            max_iterations: 20,
        }
    }
}

/// The Cox model, before it is fitted.
#[derive(Debug, Clone, Copy)]
pub struct Cox;

/// A fitted Cox model. Vectors and matrices follow the order of the covariate columns.
#[derive(Debug, Clone)]
pub struct CoxFit {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Log hazard ratios for one unit of each column; NaN for a dropped one.
    pub coefficients: Vec<f64>,
    /// Their covariance: robust where `cluster` or `robust` was asked for, else model-based.
    pub variance: Vec<Vec<f64>>,
    /// The model-based covariance, the inverse of the information.
    pub model_variance: Vec<Vec<f64>>,
    /// Log partial likelihood with all coefficients 0 and at the fit (penalised, for Firth).
    pub log_likelihood: [f64; 2],
    /// Likelihood-ratio test that all coefficients are 0.
    pub likelihood_ratio: Test,
    /// Wald test of the same, with `variance`. Not rounded; R's `summary.coxph` rounds the statistic to 2 decimals.
    pub wald: Test,
    /// Score test of the same; equals the log-rank test for one binary covariate and no ties.
    pub score: Test,
    /// Rows.
    pub n: usize,
    /// Events.
    pub n_event: usize,
    /// Newton steps taken.
    pub iterations: usize,
    /// Whether the likelihood settled.
    pub converged: bool,
    /// What the reader should know before trusting the values.
    pub warnings: Vec<Warning>,
    inner: Arc<Inner>,
}

/// What later questions to a fit need.
#[derive(Debug)]
struct Inner {
    design: Design,
    ties: Ties,
    firth: bool,
    control: Control,
    terms: Vec<Term>,
    /// Coefficients of the scaled covariates; 0 for a dropped one.
    beta: Vec<f64>,
    /// Inverse information of the scaled covariates.
    inverse: Vec<f64>,
    dropped: Vec<bool>,
    /// Code of each row's cluster, and how many there are.
    cluster: Option<Codes>,
    log_likelihood: f64,
}

impl Cox {
    /// Fits the model.
    ///
    /// `time` and `event` one value a row. Errors: lengths differ; a time, weight, offset or covariate that is no
    /// finite number; no event; no covariate; a redundant covariate (unless `Collinear::Drop`); weights or Firth with
    /// exact ties. Separation and non-convergence are warnings of the fit, as in R.
    ///
    /// ```
    /// use survival::cox::{Cox, CoxOptions, Covariates};
    /// let time = [5.0, 6.0, 8.0, 9.0, 12.0, 14.0];
    /// let event = [true, true, false, true, true, false];
    /// let arm = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
    /// let fit = Cox::fit(&time, &event, &Covariates::new().with("arm", &arm), &CoxOptions::default())?;
    /// assert!(fit.hazard_ratio(0) < 1.0);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn fit(
        time: &[f64],
        event: &[bool],
        covariates: &Covariates<'_>,
        options: &CoxOptions<'_>,
    ) -> Result<CoxFit, Error> {
        check_combination(options)?;
        if let Some(cluster) = options.cluster {
            check_length("cluster", time.len(), cluster.len())?;
        }
        let design = Design::new(time, event, covariates, options)?;
        let control = Control {
            eps: options.eps,
            // Firth's steps are short and many: the information is not the second derivative of what is maximised.
            max_iterations: if options.firth { 10 * options.max_iterations } else { options.max_iterations },
            max_step: if options.firth { 5.0 } else { f64::INFINITY },
            quadratic: !options.firth,
        };
        let zero = vec![0.0; design.p];
        let maximum = newton::maximise(
            |beta| likelihood(&design, options.ties, options.firth, beta),
            zero,
            None,
            control,
        );
        CoxFit::new(design, &maximum, covariates, options, control)
    }
}

fn check_combination(options: &CoxOptions<'_>) -> Result<(), Error> {
    let exact = options.ties == Ties::Exact;
    if exact && options.weights.is_some() {
        return Err(Error::Unsupported { what: "case weights", with: "with exact ties" });
    }
    if exact && (options.robust || options.cluster.is_some()) {
        return Err(Error::Unsupported { what: "a robust variance", with: "with exact ties" });
    }
    if exact && options.firth {
        return Err(Error::Unsupported { what: "the Firth correction", with: "with exact ties" });
    }
    if !(options.eps > 0.0 && options.eps < 1.0) {
        let allowed = "a tolerance above 0 and below 1 is needed";
        return Err(Error::OutOfRange { what: "eps", found: options.eps, allowed });
    }
    Ok(())
}

/// The log-likelihood that is maximised.
fn likelihood(design: &Design, ties: Ties, firth: bool, beta: &[f64]) -> Point {
    match ties {
        Ties::Exact => exact::exact_likelihood(design, beta),
        _ if firth => firth::penalised_likelihood(design, ties, beta),
        _ => likelihood::partial_likelihood(design, ties, beta),
    }
}

impl CoxFit {
    fn new(
        design: Design,
        maximum: &Maximum,
        covariates: &Covariates<'_>,
        options: &CoxOptions<'_>,
        control: Control,
    ) -> Result<Self, Error> {
        let p = design.p;
        let names = covariates.names().to_vec();
        let dropped: Vec<bool> = (0..p).map(|j| maximum.factor.is_redundant(j)).collect();
        if let Some(j) = dropped.iter().position(|d| *d).filter(|_| options.collinear == Collinear::Refuse) {
            return Err(Error::Collinear { name: names[j].clone() });
        }
        let df = p - dropped.iter().filter(|d| **d).count();
        if df == 0 {
            let why = "no covariate varies within a risk set".to_owned();
            return Err(Error::NotEstimable { what: "the hazard ratio".to_owned(), why });
        }
        let inverse = maximum.factor.inverse();
        let unscaled =
            |beta: &[f64]| beta.iter().zip(&design.scale).map(|(b, s)| b * s).collect::<Vec<f64>>();
        let coefficients: Vec<f64> = unscaled(&maximum.beta)
            .into_iter()
            .zip(&dropped)
            .map(|(b, d)| if *d { f64::NAN } else { b })
            .collect();
        let model_variance = rows(&scaled(&inverse, &design.scale), p);
        let kept = |j: &usize| !dropped[*j];
        if let Some(j) =
            (0..p).filter(kept).find(|&j| !coefficients[j].is_finite() || !model_variance[j][j].is_finite())
        {
            let why = "it is too large to be a number: measure the covariate in another unit".to_owned();
            return Err(Error::NotEstimable { what: format!("the coefficient of `{}`", names[j]), why });
        }
        let score_start = Ldl::factor(&maximum.start.information, p, PIVOT_TOLERANCE);
        let score = dot(&score_start.solve(&maximum.start.score), &maximum.start.score);
        let log_likelihood = [maximum.start.value, maximum.end.value];
        let n_event = (0..design.n()).filter(|&k| design.is_event(k)).count();
        let cluster = options.cluster.map(Codes::of);
        let robust = options.robust || options.cluster.is_some();
        let inner = Inner {
            ties: options.ties,
            firth: options.firth,
            control,
            terms: covariates.terms(),
            beta: maximum.beta.iter().zip(&dropped).map(|(b, d)| if *d { 0.0 } else { *b }).collect(),
            inverse,
            dropped,
            cluster,
            log_likelihood: maximum.end.value,
            design,
        };
        let mut fit = Self {
            warnings: warnings(&names, maximum, &inner),
            names,
            coefficients,
            variance: model_variance.clone(),
            model_variance,
            log_likelihood,
            likelihood_ratio: Test::chi_squared((2.0 * (log_likelihood[1] - log_likelihood[0])).max(0.0), df),
            wald: Test::chi_squared(0.0, df),
            score: Test::chi_squared(score, df),
            n: inner.design.n(),
            n_event,
            iterations: maximum.iterations,
            converged: maximum.converged,
            inner: Arc::new(inner),
        };
        if robust {
            fit.variance = fit.robust_variance();
        }
        fit.wald = fit.wald_test(df);
        Ok(fit)
    }

    fn wald_test(&self, df: usize) -> Test {
        let p = self.names.len();
        let flat: Vec<f64> = self.variance.iter().flatten().copied().collect();
        let b: Vec<f64> = self.coefficients.iter().map(|b| if b.is_nan() { 0.0 } else { *b }).collect();
        let scale: Vec<f64> = self.inner.design.scale.iter().map(|s| 1.0 / s).collect();
        let scaled_b: Vec<f64> = b.iter().zip(&scale).map(|(b, s)| b * s).collect();
        let factor = Ldl::factor(&scaled(&flat, &scale), p, PIVOT_TOLERANCE);
        Test::chi_squared(dot(&factor.solve(&scaled_b), &scaled_b), df)
    }

    /// exp of coefficient `j`.
    pub fn hazard_ratio(&self, j: usize) -> f64 {
        self.coefficients[j].exp()
    }

    /// Standard error of coefficient `j`.
    pub fn std_err(&self, j: usize) -> f64 {
        self.variance[j][j].sqrt()
    }

    /// Coefficient `j` over its standard error.
    pub fn z(&self, j: usize) -> f64 {
        self.coefficients[j] / self.std_err(j)
    }

    /// Two-sided probability of [`z`](Self::z).
    pub fn p_value(&self, j: usize) -> f64 {
        normal_two_sided(self.z(j))
    }

    /// Wald limits of hazard ratio `j` at confidence `level`.
    pub fn limits(&self, j: usize, level: f64) -> (f64, f64) {
        let half = two_sided_quantile(level) * self.std_err(j);
        ((self.coefficients[j] - half).exp(), (self.coefficients[j] + half).exp())
    }

    /// The linear predictor of each row, covariates and offset centred at their means.
    pub fn linear_predictor(&self) -> Vec<f64> {
        let design = &self.inner.design;
        design.by_row((0..design.n()).map(|k| design.eta(k, &self.inner.beta)).collect())
    }
}

/// Rows and columns of the flat matrix `m` multiplied by `scale`.
fn scaled(m: &[f64], scale: &[f64]) -> Vec<f64> {
    let p = scale.len();
    m.iter().enumerate().map(|(k, v)| v * scale[k / p.max(1)] * scale[k % p.max(1)]).collect()
}

fn warnings(names: &[String], maximum: &Maximum, inner: &Inner) -> Vec<Warning> {
    let p = names.len();
    let dropped = (0..p).filter(|&j| inner.dropped[j]).map(|j| Warning::Dropped { name: names[j].clone() });
    let mut warnings: Vec<Warning> = dropped.collect();
    if !maximum.converged {
        warnings.push(Warning::NotConverged { iterations: maximum.iterations });
    }
    // R's rule: the step that Newton would still take is not small, though the likelihood has settled.
    let eps = inner.control.eps;
    for j in (0..p).filter(|&j| !inner.dropped[j]) {
        let step = dot(&inner.inverse[j * p..(j + 1) * p], &maximum.end.score).abs();
        if !(step <= eps || step <= eps.sqrt() * maximum.beta[j].abs()) {
            warnings.push(Warning::Separation { name: names[j].clone() });
        }
    }
    warnings
}

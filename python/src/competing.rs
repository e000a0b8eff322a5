//! Competing risks: cumulative incidence, Gray's test, the Fine-Gray model.
//!
//! Never estimates: `survival::{aalen_johansen, gray, fine_gray}` do.

use numpy::{PyArray1, PyUntypedArray};
use pyo3::prelude::*;
use survival::{ConfType, aalen_johansen as incidences, fine_gray as models, gray as tests};

use crate::curves::CONF_TYPES;
use crate::input::{
    causes, covariates as read_covariates, groups, numbers, one_of, optional, optional_labels, refused, wrong,
};
use crate::output::{Matrix, Test, Vector, at, each_limit, limits, matrix, vector, warn, whole};

/// Cumulative incidence of each cause, one step for each distinct time.
#[pyclass(frozen, module = "trialwright")]
pub struct AalenJohansen {
    /// The causes seen, ascending (k,).
    #[pyo3(get)]
    causes: Py<PyArray1<i64>>,
    /// The distinct times, ascending (m,).
    #[pyo3(get)]
    time: Vector,
    /// At risk just before each time (m,).
    #[pyo3(get)]
    n_risk: Vector,
    /// Events at each time, by cause (k, m).
    #[pyo3(get)]
    n_event: Matrix,
    /// Censored at each time (m,).
    #[pyo3(get)]
    n_censor: Vector,
    /// Probability of no event yet (m,).
    #[pyo3(get)]
    event_free: Vector,
    /// Its standard error (m,).
    #[pyo3(get)]
    event_free_std_err: Vector,
    /// Cumulative incidence, by cause (k, m).
    #[pyo3(get)]
    incidence: Matrix,
    /// Its standard error, by cause (k, m).
    #[pyo3(get)]
    std_err: Matrix,
    level: f64,
    conf_type: ConfType,
    found: incidences::AalenJohansen,
}

#[pymethods]
impl AalenJohansen {
    /// Cumulative incidence of a cause at a time, or at each of several; 0 for a cause never seen.
    fn at<'py>(&self, cause: usize, times: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        at(times, |time| self.found.incidence_of(cause, time))
    }

    /// Limits (lower (m,), upper (m,)) of the incidence of a cause at each step; NaN where R gives NA.
    fn limits(&self, py: Python<'_>, cause: usize) -> PyResult<(Vector, Vector)> {
        let found = self.found.limits(cause, self.conf_type, self.level);
        let causes = &self.found.causes;
        limits(
            py,
            found.ok_or_else(|| {
                wrong(format!("`cause` is {cause}: one that was seen, of {causes:?}, is needed"))
            })?,
        )
    }

    fn __repr__(&self) -> String {
        format!("AalenJohansen(causes={:?}, steps={})", self.found.causes, self.found.time.len())
    }
}

/// Aalen-Johansen estimate of the cumulative incidence of each cause.
///
/// `time` (n,) finite and not negative; `cause` (n,) 0 where censored, else the whole number of the cause; `entry`, `weights`
/// (n,) and errors as `kaplan_meier`. Limits, at confidence `level`, by `conf_type` as there.
///
/// Aalen & Johansen, Scand J Stat 1978;5:141-150. R: `survfit(Surv(time, factor(cause)) ~ 1)`; `cmprsk::cuminc`. lifelines:
/// `AalenJohansenFitter`.
#[pyfunction]
#[pyo3(signature = (time, cause, *, entry=None, weights=None, conf_type="log", level=0.95))]
pub fn aalen_johansen(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    cause: &Bound<'_, PyAny>,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
    conf_type: &str,
    level: f64,
) -> PyResult<AalenJohansen> {
    let conf_type = one_of("conf_type", conf_type, &CONF_TYPES)?;
    let level = crate::input::level(level)?;
    let (time, cause) = (numbers("time", time)?, causes("cause", cause)?);
    let (entry, weights) = (optional("entry", entry)?, optional("weights", weights)?);
    let found = py
        .detach(|| incidences::AalenJohansen::of(&time, &cause, entry.as_deref(), weights.as_deref()))
        .map_err(refused)?;
    Ok(AalenJohansen {
        causes: whole(py, &found.causes)?,
        time: vector(py, found.time.clone())?,
        n_risk: vector(py, found.n_risk.clone())?,
        n_event: matrix(py, &found.n_event)?,
        n_censor: vector(py, found.n_censor.clone())?,
        event_free: vector(py, found.event_free.clone())?,
        event_free_std_err: vector(py, found.event_free_std_err.clone())?,
        incidence: matrix(py, &found.incidence)?,
        std_err: matrix(py, &found.incidence_std_err)?,
        level,
        conf_type,
        found,
    })
}

/// Gray's test that the cumulative incidence of a cause is the same in each group.
#[pyclass(frozen, module = "trialwright")]
pub struct Gray {
    /// The labels, sorted; the score leaves out the last.
    #[pyo3(get)]
    groups: Py<PyUntypedArray>,
    /// Score of each group but the last.
    #[pyo3(get)]
    score: Vector,
    /// Its covariance.
    #[pyo3(get)]
    variance: Matrix,
    test: survival::Test,
}

#[pymethods]
impl Gray {
    /// The chi-squared statistic.
    #[getter]
    fn statistic(&self) -> f64 {
        self.test.statistic
    }

    /// Degrees of freedom.
    #[getter]
    fn df(&self) -> usize {
        self.test.df
    }

    /// Upper tail probability.
    #[getter]
    fn p_value(&self) -> f64 {
        self.test.p_value
    }

    fn __repr__(&self) -> String {
        let test = &self.test;
        format!("Gray(statistic={:.6}, df={}, p_value={:.6})", test.statistic, test.df, test.p_value)
    }
}

/// Gray's test.
///
/// `time`, `cause` (n,) as `aalen_johansen`; `group`, `strata` (n,) labels; `rho` weights as (1 - F)^rho. Raises ValueError as
/// there, and for one group only, a cause never seen. Gray, Ann Stat 1988;16:1141-1154. R: `cmprsk::cuminc(..)$Tests`.
#[pyfunction]
#[pyo3(signature = (time, cause, group, *, cause_of_interest=1, strata=None, rho=0.0))]
pub fn gray(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    cause: &Bound<'_, PyAny>,
    group: &Bound<'_, PyAny>,
    cause_of_interest: usize,
    strata: Option<&Bound<'_, PyAny>>,
    rho: f64,
) -> PyResult<Gray> {
    let (time, cause) = (numbers("time", time)?, causes("cause", cause)?);
    let (group, strata) = (groups("group", group)?, optional_labels("strata", strata)?);
    let codes = &group.codes;
    let found = py
        .detach(|| tests::gray(&time, &cause, cause_of_interest, codes, strata.as_deref(), rho))
        .map_err(refused)?;
    Ok(Gray {
        groups: group.array(py),
        score: vector(py, found.score)?,
        variance: matrix(py, &found.variance)?,
        test: found.test,
    })
}

/// A fitted Fine-Gray model; arrays follow the order of `names`.
#[pyclass(frozen, module = "trialwright")]
pub struct FineGray {
    /// Names of the columns.
    #[pyo3(get)]
    names: Vec<String>,
    /// Log subdistribution hazard ratios.
    #[pyo3(get)]
    coefficients: Vector,
    /// exp of the coefficients.
    #[pyo3(get)]
    hazard_ratios: Vector,
    /// Standard errors of the coefficients.
    #[pyo3(get)]
    std_err: Vector,
    /// Two-sided Wald probabilities.
    #[pyo3(get)]
    p_values: Vector,
    /// Lower limits of the hazard ratios.
    #[pyo3(get)]
    lower: Vector,
    /// Upper limits of the hazard ratios.
    #[pyo3(get)]
    upper: Vector,
    /// Covariance of the coefficients (sandwich).
    #[pyo3(get)]
    variance: Matrix,
    /// What the reader should know before trusting the values.
    #[pyo3(get)]
    warnings: Vec<String>,
    fit: models::FineGray,
}

#[pymethods]
impl FineGray {
    /// Log pseudo-likelihood (with all coefficients 0, at the fit).
    #[getter]
    fn log_likelihood(&self) -> (f64, f64) {
        (self.fit.log_likelihood[0], self.fit.log_likelihood[1])
    }

    /// Pseudo-likelihood-ratio test that all coefficients are 0.
    #[getter]
    fn likelihood_ratio(&self) -> Test {
        self.fit.likelihood_ratio.into()
    }

    /// Wald test of the same.
    #[getter]
    fn wald(&self) -> Test {
        self.fit.wald.into()
    }

    /// Subjects.
    #[getter]
    fn n(&self) -> usize {
        self.fit.n
    }

    /// Events of the cause of interest.
    #[getter]
    fn n_events(&self) -> usize {
        self.fit.n_event
    }

    fn __repr__(&self) -> String {
        let ratio = |(j, name): (usize, &String)| format!("{name}: {:.6}", self.fit.hazard_ratio(j));
        let ratios: Vec<String> = self.names.iter().enumerate().map(ratio).collect();
        format!(
            "FineGray(n={}, events={}, hazard ratios {})",
            self.fit.n,
            self.fit.n_event,
            ratios.join(", ")
        )
    }
}

/// The Fine-Gray model of the subdistribution hazard of a cause.
///
/// `time`, `cause` (n,) as `aalen_johansen`; `covariates` as `cox`. Raises ValueError as there, and for a cause never seen.
/// Fine & Gray, JASA 1999;94:496-509. R: `cmprsk::crr`.
#[pyfunction]
#[pyo3(signature = (time, cause, covariates, *, cause_of_interest=1, level=0.95))]
pub fn fine_gray(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    cause: &Bound<'_, PyAny>,
    covariates: &Bound<'_, PyAny>,
    cause_of_interest: usize,
    level: f64,
) -> PyResult<FineGray> {
    let level = crate::input::level(level)?;
    let (time, cause) = (numbers("time", time)?, causes("cause", cause)?);
    let covariates = read_covariates(covariates, time.len())?;
    let fit = py
        .detach(|| models::FineGray::fit(&time, &cause, cause_of_interest, &covariates))
        .map_err(refused)?;
    let each = |of: &dyn Fn(usize) -> f64| vector(py, (0..fit.names.len()).map(of).collect());
    let (lower, upper) = each_limit(py, fit.names.len(), |j, level| fit.limits(j, level), level)?;
    Ok(FineGray {
        names: fit.names.clone(),
        coefficients: vector(py, fit.coefficients.clone())?,
        hazard_ratios: each(&|j| fit.hazard_ratio(j))?,
        std_err: each(&|j| fit.std_err(j))?,
        p_values: each(&|j| fit.p_value(j))?,
        lower,
        upper,
        variance: matrix(py, &fit.variance)?,
        warnings: warn(py, &fit.warnings)?,
        fit,
    })
}

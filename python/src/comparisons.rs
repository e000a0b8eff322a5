//! Comparisons of groups: log-rank and its weighted kin, MaxCombo, restricted means, survival at a landmark.
//!
//! Never computes a statistic: `survival::{logrank, maxcombo, rmst, landmark}` do.

use numpy::{PyArray1, PyUntypedArray};
use pyo3::prelude::*;
use survival::logrank::FlemingHarrington;
use survival::maxcombo::{DEFAULT_WEIGHTS, Side};
use survival::{km, landmark as at_landmark, logrank as tests, maxcombo as combination, rmst as means};

use crate::curves::{Rmst, Times};
use crate::input::{groups, one_of, optional_labels, refused, wrong};
use crate::output::{Estimate, Labels, Matrix, Test, Vector, matrix, vector, whole};

/// Observed and expected events by group, and the test that they agree.
#[pyclass(frozen, module = "trialwright")]
pub struct LogRank {
    /// The labels, sorted; the other fields follow this order.
    #[pyo3(get)]
    groups: Py<PyUntypedArray>,
    /// Subjects in each group.
    #[pyo3(get)]
    n: Py<PyArray1<i64>>,
    /// Weighted events seen.
    #[pyo3(get)]
    observed: Vector,
    /// Weighted events expected if no group differed.
    #[pyo3(get)]
    expected: Vector,
    /// Covariance of observed - expected.
    #[pyo3(get)]
    variance: Matrix,
    test: tests::LogRank,
}

#[pymethods]
impl LogRank {
    /// The chi-squared statistic.
    #[getter]
    fn statistic(&self) -> f64 {
        self.test.test.statistic
    }

    /// Degrees of freedom.
    #[getter]
    fn df(&self) -> usize {
        self.test.test.df
    }

    /// Two-sided probability.
    #[getter]
    fn p_value(&self) -> f64 {
        self.test.test.p_value
    }

    /// Standard normal statistic of the second of two groups, above 0 where it had more events than expected; NaN otherwise.
    #[getter]
    fn z(&self) -> f64 {
        self.test.z().unwrap_or(f64::NAN)
    }

    fn __repr__(&self) -> String {
        let test = &self.test.test;
        format!("LogRank(statistic={:.6}, df={}, p_value={:.6})", test.statistic, test.df, test.p_value)
    }
}

/// The log-rank test, stratified and weighted as asked.
///
/// `time`, `event`, `entry`, `weights` (n,) as `kaplan_meier`; `group` (n,) any labels, two or more; `strata` (n,) any labels.
/// An event at t weighs S(t-)^rho (1 - S(t-))^gamma: 0, 0 is the log-rank test, 1, 0 Peto-Peto's, 0, 1 late differences.
///
/// Raises ValueError as `kaplan_meier`, and for one group only, no event, a missing label.
///
/// Mantel 1966; Fleming & Harrington 1991. R: `survival::survdiff`. lifelines: `statistics.logrank_test`.
#[pyfunction]
#[pyo3(signature = (time, event, group, *, strata=None, entry=None, weights=None, rho=0.0, gamma=0.0))]
pub fn logrank(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    group: &Bound<'_, PyAny>,
    strata: Option<&Bound<'_, PyAny>>,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
    rho: f64,
    gamma: f64,
) -> PyResult<LogRank> {
    let times = Times::read(time, event, entry, weights)?;
    let (group, strata) = (groups("group", group)?, optional_labels("strata", strata)?);
    let weighting = FlemingHarrington { rho, gamma };
    let codes = &group.codes;
    let test = py
        .detach(|| tests::weighted(&times.observations(), codes, strata.as_deref(), weighting))
        .map_err(refused)?;
    Ok(LogRank {
        groups: group.array(py),
        n: whole(py, &test.n)?,
        observed: vector(py, test.observed.clone())?,
        expected: vector(py, test.expected.clone())?,
        variance: matrix(py, &test.variance)?,
        test,
    })
}

/// The test of two groups by several weightings.
#[pyclass(frozen, get_all, module = "trialwright")]
pub struct MaxCombo {
    /// The labels, sorted.
    groups: Py<PyUntypedArray>,
    /// The weightings (rho, gamma), in order.
    rho_gamma: Vec<(f64, f64)>,
    /// Standard normal statistic of each: above 0 where the second group had more events than expected.
    z: Vector,
    /// Correlations of the statistics if the groups do not differ.
    correlation: Matrix,
    /// The greatest |z|, or the least z for one side.
    statistic: f64,
    /// The place of the weighting that attains it.
    attained_by: usize,
    /// Probability of one as extreme.
    p_value: f64,
    /// Bound on the numerical error of `p_value`.
    error: f64,
}

#[pymethods]
impl MaxCombo {
    fn __repr__(&self) -> String {
        format!("MaxCombo(statistic={:.6}, p_value={:.6})", self.statistic, self.p_value)
    }
}

/// Compares two groups by the most extreme of several weighted log-rank statistics.
///
/// Arguments and errors as `logrank`; `rho_gamma` one to eight pairs, when not said (0, 0), (1, 0), (0, 1), (1, 1); `side` "both",
/// or "second-better" where only fewer events in the second group count.
///
/// Lee, Control Clin Trials 2007; Karrison, Stata J 2016. R: `simtrial`, `nphRCT`.
#[pyfunction]
#[pyo3(signature = (time, event, group, *, strata=None, entry=None, weights=None, rho_gamma=None, side="both"))]
pub fn maxcombo(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    group: &Bound<'_, PyAny>,
    strata: Option<&Bound<'_, PyAny>>,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
    rho_gamma: Option<Vec<(f64, f64)>>,
    side: &str,
) -> PyResult<MaxCombo> {
    let side = one_of("side", side, &[("both", Side::Both), ("second-better", Side::SecondBetter)])?;
    let times = Times::read(time, event, entry, weights)?;
    let (group, strata) = (groups("group", group)?, optional_labels("strata", strata)?);
    let weightings: Vec<FlemingHarrington> = match rho_gamma {
        None => DEFAULT_WEIGHTS.to_vec(),
        Some(pairs) => pairs.into_iter().map(|(rho, gamma)| FlemingHarrington { rho, gamma }).collect(),
    };
    let codes = &group.codes;
    let test = py
        .detach(|| combination::maxcombo(&times.observations(), codes, strata.as_deref(), &weightings, side))
        .map_err(refused)?;
    Ok(MaxCombo {
        groups: group.array(py),
        rho_gamma: test.weights.iter().map(|weight| (weight.rho, weight.gamma)).collect(),
        z: vector(py, test.z)?,
        correlation: matrix(py, &test.correlation)?,
        statistic: test.statistic,
        attained_by: test.attained_by,
        p_value: test.p_value,
        error: test.error,
    })
}

/// The curves of two groups, in the order of their labels.
fn two_curves(py: Python<'_>, times: &Times, group: &Labels) -> PyResult<(km::KaplanMeier, km::KaplanMeier)> {
    let (found, expected) = (group.codes.len(), times.len());
    if found != expected {
        return Err(refused(survival::Error::Length { what: "group", expected, found }));
    }
    let rows = group.rows();
    let [first, second] = &rows[..] else {
        return Err(wrong(format!("`group` has {} labels: two are needed", rows.len())));
    };
    let curve = |rows: &[usize]| km::KaplanMeier::of(&times.only(rows)?.observations());
    // A fault is told with its row among all, not among those of its group.
    py.detach(|| {
        km::KaplanMeier::of(&times.observations())?;
        Ok((curve(first)?, curve(second)?))
    })
    .map_err(refused)
}

/// How the restricted means of two groups differ.
#[pyclass(frozen, get_all, module = "trialwright")]
pub struct RmstDifference {
    /// The labels, sorted: the second is compared with the first.
    groups: Py<PyUntypedArray>,
    /// The restricted mean of the first group.
    first: Py<Rmst>,
    /// The restricted mean of the second group.
    second: Py<Rmst>,
    /// The second less the first.
    difference: Py<Estimate>,
    /// The second over the first; standard error and limits on the log scale.
    ratio: Py<Estimate>,
    /// Test of no difference.
    test: Py<Test>,
}

/// The difference in restricted mean survival time to `tau` between two groups, the second label less the first.
///
/// Arguments and errors as `logrank`. Royston & Parmar, BMC Med Res Methodol 2013;13:152. R: `survRM2::rmst2`.
#[pyfunction]
#[pyo3(signature = (time, event, group, tau, *, entry=None, weights=None))]
pub fn rmst_difference(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    group: &Bound<'_, PyAny>,
    tau: f64,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
) -> PyResult<RmstDifference> {
    let times = Times::read(time, event, entry, weights)?;
    let group = groups("group", group)?;
    let (first, second) = two_curves(py, &times, &group)?;
    let (first, second) = (first.rmst(tau).map_err(refused)?, second.rmst(tau).map_err(refused)?);
    let contrast = means::compare(&first, &second).map_err(refused)?;
    Ok(RmstDifference {
        groups: group.array(py),
        first: Py::new(py, Rmst(first))?,
        second: Py::new(py, Rmst(second))?,
        difference: Py::new(py, Estimate(contrast.difference))?,
        ratio: Py::new(py, Estimate(contrast.ratio))?,
        test: Py::new(py, Test::from(contrast.test))?,
    })
}

/// How survival at a landmark differs between two groups.
#[pyclass(frozen, get_all, module = "trialwright")]
pub struct LandmarkDifference {
    /// The labels, sorted: the second is compared with the first.
    groups: Py<PyUntypedArray>,
    /// S of the second less S of the first.
    difference: Py<Estimate>,
    /// The test on the log(-log S) scale; None where a curve is at 0 or 1.
    log_log_test: Option<Py<Test>>,
}

/// The difference in survival at a time between two groups, the second label less the first.
///
/// Arguments and errors as `logrank`, and for a group that was not followed that long. Klein et al., Stat Med 2007;26:4505-4519.
#[pyfunction]
#[pyo3(signature = (time, event, group, landmark, *, entry=None, weights=None))]
pub fn landmark_difference(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    group: &Bound<'_, PyAny>,
    landmark: f64,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
) -> PyResult<LandmarkDifference> {
    let times = Times::read(time, event, entry, weights)?;
    let group = groups("group", group)?;
    let (first, second) = two_curves(py, &times, &group)?;
    let contrast = at_landmark::compare(&first, &second, landmark).map_err(refused)?;
    Ok(LandmarkDifference {
        groups: group.array(py),
        difference: Py::new(py, Estimate(contrast.difference))?,
        log_log_test: contrast.log_log_test.map(|test| Py::new(py, Test::from(test))).transpose()?,
    })
}

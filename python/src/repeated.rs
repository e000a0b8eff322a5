//! The mixed model for repeated measures.
//!
//! Never fits: `survival::mmrm` does.

use std::collections::HashMap;

use numpy::PyUntypedArray;
use pyo3::prelude::*;
use survival::cox::Covariates;
use survival::mmrm::{self as model, Auc, Measurements, MmrmOptions};

use crate::input::{covariates as read_covariates, labels, numbers, optional, refused};
use crate::output::{Labels, Matrix, TEstimate, Vector, matrix, vector};

/// A fitted mixed model for repeated measures.
#[pyclass(frozen, module = "trialwright")]
pub struct Mmrm {
    /// Names of the coefficients, in R's order for `arm * visit + baseline * visit`.
    #[pyo3(get)]
    names: Vec<String>,
    /// The fixed effects (p,).
    #[pyo3(get)]
    coefficients: Vector,
    /// Their covariance (p, p).
    #[pyo3(get)]
    variance: Matrix,
    /// The covariance of the visits within a subject (v, v).
    #[pyo3(get)]
    covariance: Matrix,
    arms: Labels,
    visits: Labels,
    /// The number the fit has for each label.
    arm_numbers: Vec<usize>,
    visit_numbers: Vec<usize>,
    fit: model::Mmrm,
}

impl Mmrm {
    fn arm(&self, what: &str, label: &Bound<'_, PyAny>) -> PyResult<usize> {
        Ok(self.arm_numbers[self.arms.code(what, label)?])
    }

    fn visit(&self, label: &Bound<'_, PyAny>) -> PyResult<usize> {
        Ok(self.visit_numbers[self.visits.code("visit", label)?])
    }
}

#[pymethods]
impl Mmrm {
    /// Labels of the arms, sorted; the first is the reference.
    #[getter]
    fn arms(&self, py: Python<'_>) -> Py<PyUntypedArray> {
        self.arms.array(py)
    }

    /// Labels of the visits, sorted.
    #[getter]
    fn visits(&self, py: Python<'_>) -> Py<PyUntypedArray> {
        self.visits.array(py)
    }

    /// Restricted log-likelihood, constants included.
    #[getter]
    fn log_likelihood(&self) -> f64 {
        self.fit.log_likelihood
    }

    /// Mean of the baseline over the rows; None without a baseline.
    #[getter]
    fn baseline_mean(&self) -> Option<f64> {
        self.fit.baseline_mean
    }

    /// Subjects with at least one visit.
    #[getter]
    fn n_subjects(&self) -> usize {
        self.fit.n_subjects
    }

    /// Rows.
    #[getter]
    fn n_rows(&self) -> usize {
        self.fit.n_rows
    }

    /// The least-squares mean of an arm at a visit, at the mean baseline. R: `emmeans(fit, ~ arm | visit)`.
    fn mean(&self, arm: &Bound<'_, PyAny>, visit: &Bound<'_, PyAny>) -> PyResult<TEstimate> {
        let (arm, visit) = (self.arm("arm", arm)?, self.visit(visit)?);
        self.fit.mean(arm, visit).map(TEstimate).map_err(refused)
    }

    /// The mean of `arm` less that of `reference` at a visit. R: `pairs(emmeans(fit, ~ arm | visit))`.
    fn difference(
        &self,
        arm: &Bound<'_, PyAny>,
        reference: &Bound<'_, PyAny>,
        visit: &Bound<'_, PyAny>,
    ) -> PyResult<TEstimate> {
        let (arm, reference) = (self.arm("arm", arm)?, self.arm("reference", reference)?);
        let visit = self.visit(visit)?;
        self.fit.difference(arm, reference, visit).map(TEstimate).map_err(refused)
    }

    /// The area under the visit means of `arm` less that of `reference`, by the trapezoidal rule.
    ///
    /// `visit_times` one a visit, in the order of `visits`; `baseline_time` where the area shall begin at the baseline; `averaged`
    /// divides by the span of time.
    #[pyo3(signature = (arm, reference, visit_times, *, baseline_time=None, averaged=false))]
    fn auc_difference(
        &self,
        arm: &Bound<'_, PyAny>,
        reference: &Bound<'_, PyAny>,
        visit_times: &Bound<'_, PyAny>,
        baseline_time: Option<f64>,
        averaged: bool,
    ) -> PyResult<TEstimate> {
        let (arm, reference) = (self.arm("arm", arm)?, self.arm("reference", reference)?);
        let visit_times = numbers("visit_times", visit_times)?;
        let auc = Auc { baseline_time, visit_times: &visit_times, averaged };
        self.fit.auc_difference(arm, reference, &auc).map(TEstimate).map_err(refused)
    }

    /// Any linear combination of the coefficients, one weight each. R: `mmrm::df_1d(fit, weights)`.
    fn linear(&self, weights: &Bound<'_, PyAny>) -> PyResult<TEstimate> {
        self.fit.linear(&numbers("weights", weights)?).map(TEstimate).map_err(refused)
    }

    fn __repr__(&self) -> String {
        let fit = &self.fit;
        format!(
            "Mmrm(subjects={}, rows={}, log_likelihood={:.6})",
            fit.n_subjects, fit.n_rows, fit.log_likelihood
        )
    }
}

/// A mixed model for repeated measures: arm, visit, arm by visit, baseline and baseline by visit; unstructured covariance by
/// restricted maximum likelihood; degrees of freedom by Satterthwaite.
///
/// One row a subject and visit (a missing visit has no row): `subject`, `visit`, `arm` (n,) labels, visits sorted in the order
/// of time; `response` (n,) numbers; `baseline` (n,) the subject's own; `covariates` of the subject as `cox`.
///
/// Raises ValueError: lengths differ; a value that is missing, with its row; two rows for one subject and visit; an arm, a
/// baseline or a covariate that differs within a subject; data too few for the covariance.
///
/// Mallinckrodt et al., Drug Inf J 2008;42:303-319. R: `mmrm::mmrm(y ~ arm * visit + baseline * visit + us(visit | subject))`.
#[pyfunction]
#[pyo3(signature = (
    subject, visit, arm, response, *, baseline=None, covariates=None, baseline_by_visit=true, max_iterations=200
))]
pub fn mmrm(
    py: Python<'_>,
    subject: &Bound<'_, PyAny>,
    visit: &Bound<'_, PyAny>,
    arm: &Bound<'_, PyAny>,
    response: &Bound<'_, PyAny>,
    baseline: Option<&Bound<'_, PyAny>>,
    covariates: Option<&Bound<'_, PyAny>>,
    baseline_by_visit: bool,
    max_iterations: usize,
) -> PyResult<Mmrm> {
    let (subjects, visits, arms) =
        (labels("subject", subject)?, labels("visit", visit)?, labels("arm", arm)?);
    let (response, baseline) = (numbers("response", response)?, optional("baseline", baseline)?);
    let covariates =
        covariates.map_or(Ok(Covariates::new()), |given| read_covariates(given, response.len()))?;
    let options = MmrmOptions { baseline_by_visit, max_iterations };
    let numbered =
        |labels: &Labels, numbers: &[usize]| labels.codes.iter().map(|code| numbers[*code]).collect();
    let (arm_numbers, visit_numbers) = (arms.numbers(py)?, visits.numbers(py)?);
    let subject_rows: Vec<usize> = numbered(&subjects, &subjects.numbers(py)?);
    let (arm_rows, visit_rows): (Vec<usize>, Vec<usize>) =
        (numbered(&arms, &arm_numbers), numbered(&visits, &visit_numbers));
    let fit = py
        .detach(|| {
            let data = Measurements {
                subject: &subject_rows,
                visit: &visit_rows,
                arm: &arm_rows,
                response: &response,
                baseline: baseline.as_deref(),
            };
            model::Mmrm::fit(&data, &covariates, &options)
        })
        .map_err(refused)?;
    let arm_names = by_number(&arm_numbers, arms.texts(py)?);
    let visit_names = by_number(&visit_numbers, visits.texts(py)?);
    let part = |part: &str| {
        let arm = labelled(part, "arm", &arm_names);
        arm.or_else(|| labelled(part, "visit", &visit_names)).unwrap_or_else(|| part.to_owned())
    };
    let named = |name: &String| {
        let own = covariates.names().contains(name);
        if own { name.clone() } else { name.split(':').map(part).collect::<Vec<_>>().join(":") }
    };
    Ok(Mmrm {
        names: fit.names.iter().map(named).collect(),
        coefficients: vector(py, fit.coefficients.clone())?,
        variance: matrix(py, &fit.variance)?,
        covariance: matrix(py, &fit.covariance)?,
        arms,
        visits,
        arm_numbers,
        visit_numbers,
        fit,
    })
}

fn by_number(numbers: &[usize], texts: Vec<String>) -> HashMap<usize, String> {
    numbers.iter().copied().zip(texts).collect()
}

/// `arm1` with the label of number 1 in place of the number.
fn labelled(part: &str, word: &str, labels: &HashMap<usize, String>) -> Option<String> {
    let number = part.strip_prefix(word)?.parse().ok()?;
    labels.get(&number).map(|label| format!("{word}{label}"))
}

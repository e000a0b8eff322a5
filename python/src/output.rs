//! From the vectors of `survival` to numpy arrays, and the small results that many functions share.
//!
//! Never rounds. Arrays that belong to a result are read-only, for its methods go on from what it holds.

use std::ffi::CString;

use numpy::{PyArray1, PyArray2, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;

use crate::input::{level, wrong};

/// Doubles in one dimension.
pub type Vector = Py<PyArray1<f64>>;
/// Doubles in two.
pub type Matrix = Py<PyArray2<f64>>;

pyo3::create_exception!(
    trialwright,
    FitWarning,
    PyUserWarning,
    "A fit gave values, but the reader should know something before trusting them: separation, no convergence."
);

fn read_only<T>(array: Bound<'_, T>) -> PyResult<Py<T>> {
    array.as_any().call_method1("setflags", (false,))?;
    Ok(array.unbind())
}

/// A read-only array.
pub fn vector(py: Python<'_>, values: Vec<f64>) -> PyResult<Vector> {
    read_only(PyArray1::from_vec(py, values))
}

/// A read-only array of whole numbers.
pub fn whole(py: Python<'_>, values: &[usize]) -> PyResult<Py<PyArray1<i64>>> {
    #[allow(clippy::cast_possible_wrap)] // numbers of rows and causes
    read_only(PyArray1::from_iter(py, values.iter().map(|value| *value as i64)))
}

/// A read-only array of rows.
pub fn matrix(py: Python<'_>, rows: &[Vec<f64>]) -> PyResult<Matrix> {
    read_only(PyArray2::from_vec2(py, rows).map_err(|error| wrong(error.to_string()))?)
}

/// Limits as two arrays.
pub fn limits(py: Python<'_>, (lower, upper): (Vec<f64>, Vec<f64>)) -> PyResult<(Vector, Vector)> {
    Ok((vector(py, lower)?, vector(py, upper)?))
}

/// A function of time at one time or at many: a float for a number, an array for what holds several.
pub fn at<'py>(times: &Bound<'py, PyAny>, of: impl Fn(f64) -> f64) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(time) = times.extract::<f64>() {
        return Ok(of(time).into_pyobject(times.py())?.into_any());
    }
    let times_read = crate::input::numbers("times", times)?;
    Ok(PyArray1::from_vec(times.py(), times_read.into_iter().map(of).collect()).into_any())
}

/// Tells each thing a reader should know as a `FitWarning`.
pub fn warn(py: Python<'_>, warnings: &[survival::Warning]) -> PyResult<Vec<String>> {
    for warning in warnings {
        let text = CString::new(warning.to_string()).unwrap_or_default();
        PyErr::warn(py, &py.get_type::<FitWarning>(), &text, 1)?;
    }
    Ok(warnings.iter().map(ToString::to_string).collect())
}

/// A double as Python prints it.
pub fn shown(value: f64) -> String {
    if value.is_nan() { "nan".to_owned() } else { format!("{value:?}") }
}

/// Labels as they were given, with the number of each row's.
pub struct Labels {
    /// Sorted, each once.
    levels: Py<PyUntypedArray>,
    /// For each row the place of its label.
    pub codes: Vec<usize>,
}

impl Labels {
    /// Sorted levels, and for each row the place of its level.
    pub fn new(levels: Bound<'_, PyUntypedArray>, codes: Vec<usize>) -> PyResult<Self> {
        Ok(Self { levels: read_only(levels)?, codes })
    }

    /// The labels as an array.
    pub fn array(&self, py: Python<'_>) -> Py<PyUntypedArray> {
        self.levels.clone_ref(py)
    }

    /// The labels in words.
    pub fn texts(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.levels.bind(py).try_iter()?.map(|level| Ok(level?.str()?.to_string())).collect()
    }

    /// The number of each label: itself where all are whole and not negative, so that it reads well in a fault; else its place.
    pub fn numbers(&self, py: Python<'_>) -> PyResult<Vec<usize>> {
        let levels = self.levels.bind(py);
        let places = (0..levels.len()).collect();
        if !matches!(levels.dtype().kind(), b'i' | b'u') {
            return Ok(places);
        }
        Ok(levels.try_iter()?.map(|level| level?.extract()).collect::<PyResult<_>>().unwrap_or(places))
    }

    /// The rows of each label, in the order of the labels.
    pub fn rows(&self) -> Vec<Vec<usize>> {
        let count = self.codes.iter().max().map_or(0, |most| most + 1);
        let mut rows = vec![Vec::new(); count];
        self.codes.iter().enumerate().for_each(|(row, code)| rows[*code].push(row));
        rows
    }

    /// The number of a label. Errors: one that is not there.
    pub fn code(&self, what: &str, label: &Bound<'_, PyAny>) -> PyResult<usize> {
        for (code, level) in self.levels.bind(label.py()).try_iter()?.enumerate() {
            if level?.eq(label)? {
                return Ok(code);
            }
        }
        let known = self.texts(label.py())?.join(", ");
        Err(wrong(format!("`{what}` is {}: one of {known} is needed", label.repr()?)))
    }
}

/// A chi-squared test.
#[pyclass(frozen, get_all, module = "trialwright")]
pub struct Test {
    /// The chi-squared statistic.
    statistic: f64,
    /// Degrees of freedom.
    df: usize,
    /// Upper tail probability.
    p_value: f64,
}

impl From<survival::Test> for Test {
    fn from(test: survival::Test) -> Self {
        Self { statistic: test.statistic, df: test.df, p_value: test.p_value }
    }
}

#[pymethods]
impl Test {
    fn __repr__(&self) -> String {
        format!("Test(statistic={:.6}, df={}, p_value={:.6})", self.statistic, self.df, self.p_value)
    }
}

/// An estimate with its standard error, on the log scale where `on_log_scale`.
#[pyclass(frozen, module = "trialwright")]
pub struct Estimate(pub survival::Estimate);

#[pymethods]
impl Estimate {
    /// The estimate on its own scale.
    #[getter]
    fn estimate(&self) -> f64 {
        self.0.estimate
    }

    /// Standard error; of the logarithm where `on_log_scale`.
    #[getter]
    fn std_err(&self) -> f64 {
        self.0.std_err
    }

    /// Two-sided probability that nothing differs (0, or 1 for a ratio).
    #[getter]
    fn p_value(&self) -> f64 {
        self.0.p_value
    }

    /// Whether standard error and limits are those of the logarithm.
    #[getter]
    fn on_log_scale(&self) -> bool {
        self.0.on_log_scale
    }

    /// Two-sided limits (lower, upper) of confidence `level`.
    #[pyo3(signature = (level=0.95))]
    fn limits(&self, level: f64) -> PyResult<(f64, f64)> {
        Ok(self.0.limits(crate::input::level(level)?))
    }

    fn __repr__(&self) -> String {
        let (lower, upper) = self.0.limits(0.95);
        format!(
            "Estimate({:.6}, 95 % {lower:.6} to {upper:.6}, p_value={:.6})",
            self.0.estimate, self.0.p_value
        )
    }
}

/// An estimate with its standard error and degrees of freedom.
#[pyclass(frozen, module = "trialwright")]
pub struct TEstimate(pub survival::TEstimate);

#[pymethods]
impl TEstimate {
    /// The estimate, in the unit of the data.
    #[getter]
    fn estimate(&self) -> f64 {
        self.0.estimate
    }

    /// Its standard error.
    #[getter]
    fn std_err(&self) -> f64 {
        self.0.std_err
    }

    /// Degrees of freedom (Satterthwaite); any positive real.
    #[getter]
    fn df(&self) -> f64 {
        self.0.df
    }

    /// How many standard errors the estimate is from 0.
    #[getter]
    fn statistic(&self) -> f64 {
        self.0.statistic
    }

    /// Two-sided probability under the null hypothesis.
    #[getter]
    fn p_value(&self) -> f64 {
        self.0.p_value
    }

    /// Two-sided limits (lower, upper) of confidence `level`.
    #[pyo3(signature = (level=0.95))]
    fn limits(&self, level: f64) -> PyResult<(f64, f64)> {
        Ok(self.0.limits(crate::input::level(level)?))
    }

    fn __repr__(&self) -> String {
        format!(
            "TEstimate({:.6}, std_err={:.6}, df={:.3}, p_value={:.6})",
            self.0.estimate, self.0.std_err, self.0.df, self.0.p_value
        )
    }
}

/// The value and its limits, NaN where R gives NA.
#[pyclass(frozen, get_all, module = "trialwright")]
pub struct Quantile {
    /// The time by which the fraction had the event.
    estimate: f64,
    /// Lower limit.
    lower: f64,
    /// Upper limit.
    upper: f64,
}

impl From<survival::km::Quantile> for Quantile {
    fn from(found: survival::km::Quantile) -> Self {
        let or_nan = |value: Option<f64>| value.unwrap_or(f64::NAN);
        Self { estimate: or_nan(found.estimate), lower: or_nan(found.lower), upper: or_nan(found.upper) }
    }
}

#[pymethods]
impl Quantile {
    fn __repr__(&self) -> String {
        format!(
            "Quantile(estimate={}, lower={}, upper={})",
            shown(self.estimate),
            shown(self.lower),
            shown(self.upper)
        )
    }
}

/// Whether a confidence can be one, then the limits of a coefficient's every column.
pub fn each_limit(
    py: Python<'_>,
    columns: usize,
    of: impl Fn(usize, f64) -> (f64, f64),
    confidence: f64,
) -> PyResult<(Vector, Vector)> {
    let confidence = level(confidence)?;
    limits(py, (0..columns).map(|j| of(j, confidence)).unzip())
}

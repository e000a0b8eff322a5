//! Curves of one group: Kaplan-Meier, Nelson-Aalen, restricted means, follow-up.
//!
//! Never estimates: `survival::{km, nelson_aalen, rmst, landmark}` do.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use survival::nelson_aalen::TiedHazard;
use survival::{ConfType, Observations, km, nelson_aalen as hazards};

use crate::input::{events, numbers, one_of, optional, refused};
use crate::output::{Quantile, Vector, at, limits, shown, vector};

/// The scales of limits.
pub const CONF_TYPES: [(&str, ConfType); 3] =
    [("plain", ConfType::Plain), ("log", ConfType::Log), ("log-log", ConfType::LogLog)];

/// Times with all that may come with them, owned so that the work needs no Python.
pub struct Times {
    time: Vec<f64>,
    event: Vec<bool>,
    entry: Option<Vec<f64>>,
    weights: Option<Vec<f64>>,
}

impl Times {
    /// Reads them.
    pub fn read(
        time: &Bound<'_, PyAny>,
        event: &Bound<'_, PyAny>,
        entry: Option<&Bound<'_, PyAny>>,
        weights: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        Ok(Self {
            time: numbers("time", time)?,
            event: events("event", event)?,
            entry: optional("entry", entry)?,
            weights: optional("weights", weights)?,
        })
    }

    /// As `survival` takes them.
    pub fn observations(&self) -> Observations<'_> {
        let mut all = Observations::new(&self.time, &self.event);
        if let Some(entry) = &self.entry {
            all = all.entered(entry);
        }
        if let Some(weights) = &self.weights {
            all = all.weighted(weights);
        }
        all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Those of some rows. Errors: lengths differ.
    pub fn only(&self, rows: &[usize]) -> Result<Self, survival::Error> {
        let expected = self.time.len();
        let fits = |what, found| {
            if found == expected { Ok(()) } else { Err(survival::Error::Length { what, expected, found }) }
        };
        fits("event", self.event.len())?;
        self.entry.as_ref().map_or(Ok(()), |entry| fits("entry", entry.len()))?;
        self.weights.as_ref().map_or(Ok(()), |weights| fits("weight", weights.len()))?;
        let pick = |values: &Vec<f64>| rows.iter().map(|row| values[*row]).collect();
        Ok(Self {
            time: pick(&self.time),
            event: rows.iter().map(|row| self.event[*row]).collect(),
            entry: self.entry.as_ref().map(pick),
            weights: self.weights.as_ref().map(pick),
        })
    }
}

/// The Kaplan-Meier estimate of S(t): one step for each distinct time.
#[pyclass(frozen, module = "trialwright")]
pub struct KaplanMeier {
    /// The distinct times, ascending.
    #[pyo3(get)]
    time: Vector,
    /// At risk just before each time.
    #[pyo3(get)]
    n_risk: Vector,
    /// Events at each time.
    #[pyo3(get)]
    n_event: Vector,
    /// Censored at each time.
    #[pyo3(get)]
    n_censor: Vector,
    /// S(t) at each time.
    #[pyo3(get)]
    surv: Vector,
    /// Greenwood standard error of S(t); NaN where S(t) is 0.
    #[pyo3(get)]
    std_err: Vector,
    /// Lower limit of S(t).
    #[pyo3(get)]
    lower: Vector,
    /// Upper limit of S(t).
    #[pyo3(get)]
    upper: Vector,
    /// The confidence of the limits.
    #[pyo3(get)]
    level: f64,
    conf_type: ConfType,
    curve: km::KaplanMeier,
}

impl KaplanMeier {
    fn new(py: Python<'_>, curve: km::KaplanMeier, conf_type: ConfType, level: f64) -> PyResult<Self> {
        let (lower, upper) = limits(py, curve.limits(conf_type, level))?;
        Ok(Self {
            time: vector(py, curve.time.clone())?,
            n_risk: vector(py, curve.n_risk.clone())?,
            n_event: vector(py, curve.n_event.clone())?,
            n_censor: vector(py, curve.n_censor.clone())?,
            surv: vector(py, curve.surv.clone())?,
            std_err: vector(py, curve.std_err.clone())?,
            lower,
            upper,
            level,
            conf_type,
            curve,
        })
    }
}

#[pymethods]
impl KaplanMeier {
    /// Rows the curve was estimated from.
    #[getter]
    fn n(&self) -> usize {
        self.curve.n()
    }

    /// Events in all (weighted).
    #[getter]
    fn n_events(&self) -> f64 {
        self.curve.n_events()
    }

    /// The scale of the limits: "plain", "log" or "log-log".
    #[getter]
    fn conf_type(&self) -> String {
        self.conf_type.to_string()
    }

    /// The median with its limits; NaN where the curve does not get there. R: `quantile(fit, 0.5)`.
    #[getter]
    fn median(&self) -> Quantile {
        self.curve.median(self.conf_type, self.level).into()
    }

    /// The time by which a fraction `p` (0 to 1) had the event, with limits. R: `quantile(fit, p)`.
    fn quantile(&self, p: f64) -> Quantile {
        self.curve.quantile(p, self.conf_type, self.level).into()
    }

    /// S at a time, or at each of several; 1 before the first step, the last value after the last.
    fn at<'py>(&self, times: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        at(times, |time| self.curve.at(time))
    }

    /// Greenwood standard error at a time, or at each of several.
    fn std_err_at<'py>(&self, times: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        at(times, |time| self.curve.std_err_at(time))
    }

    /// At risk at a time, or at each of several: the numbers under a curve.
    fn n_risk_at<'py>(&self, times: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        at(times, |time| self.curve.n_risk_at(time))
    }

    /// Limits (lower, upper) of S at a time; NaN where R gives NA.
    fn limits_at(&self, time: f64) -> (f64, f64) {
        self.curve.limits_at(time, self.conf_type, self.level).unwrap_or((f64::NAN, f64::NAN))
    }

    /// The restricted mean survival time to `tau`.
    fn rmst(&self, tau: f64) -> PyResult<Rmst> {
        self.curve.rmst(tau).map(Rmst).map_err(refused)
    }

    /// The steps as named arrays, for `pandas.DataFrame`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let steps = PyDict::new(py);
        let columns = [
            ("time", &self.time),
            ("n_risk", &self.n_risk),
            ("n_event", &self.n_event),
            ("n_censor", &self.n_censor),
            ("surv", &self.surv),
            ("std_err", &self.std_err),
            ("lower", &self.lower),
            ("upper", &self.upper),
        ];
        columns.into_iter().try_for_each(|(name, column)| steps.set_item(name, column))?;
        Ok(steps)
    }

    fn __repr__(&self) -> String {
        let median = self.curve.median(self.conf_type, self.level).estimate;
        let (events, median) = (shown(self.curve.n_events()), shown(median.unwrap_or(f64::NAN)));
        format!("KaplanMeier(n={}, events={events}, median={median})", self.curve.n())
    }
}

/// Kaplan-Meier estimate of S(t).
///
/// `time` (n,) in any unit, finite and not negative; `event` (n,) 1 where the event was seen, 0 where the time is censored;
/// `entry` (n,) times of entry (left truncation); `weights` (n,) above 0, counted as subjects. Limits at confidence `level`
/// by `conf_type` "log" (R's default), "log-log" or "plain". An event precedes a censoring at the same time.
///
/// Raises ValueError: lengths differ; a time that is negative or not finite, an event that is neither 0 nor 1, each with its row.
///
/// Kaplan & Meier, JASA 1958;53:457-481. R: `survival::survfit`. lifelines: `KaplanMeierFitter` (whose limits are "log-log").
#[pyfunction]
#[pyo3(signature = (time, event, *, entry=None, weights=None, conf_type="log", level=0.95))]
pub fn kaplan_meier(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
    conf_type: &str,
    level: f64,
) -> PyResult<KaplanMeier> {
    let conf_type = one_of("conf_type", conf_type, &CONF_TYPES)?;
    let level = crate::input::level(level)?;
    let times = Times::read(time, event, entry, weights)?;
    let curve = py.detach(|| km::KaplanMeier::of(&times.observations())).map_err(refused)?;
    KaplanMeier::new(py, curve, conf_type, level)
}

/// Reverse Kaplan-Meier: the distribution of follow-up, where being censored is the event; its `median` is the median follow-up.
///
/// Arguments and errors as `kaplan_meier`. Schemper & Smith, Control Clin Trials 1996;17:343-346. R: `survfit(Surv(time,
/// 1 - event) ~ 1)`.
#[pyfunction]
#[pyo3(signature = (time, event, *, conf_type="log", level=0.95))]
pub fn follow_up(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    conf_type: &str,
    level: f64,
) -> PyResult<KaplanMeier> {
    let conf_type = one_of("conf_type", conf_type, &CONF_TYPES)?;
    let level = crate::input::level(level)?;
    let times = Times::read(time, event, None, None)?;
    let curve = py.detach(|| km::KaplanMeier::follow_up(&times.time, &times.event)).map_err(refused)?;
    KaplanMeier::new(py, curve, conf_type, level)
}

/// The cumulative hazard, one step for each distinct time.
#[pyclass(frozen, module = "trialwright")]
pub struct NelsonAalen {
    /// The distinct times, ascending.
    #[pyo3(get)]
    time: Vector,
    /// At risk just before each time.
    #[pyo3(get)]
    n_risk: Vector,
    /// Events at each time.
    #[pyo3(get)]
    n_event: Vector,
    /// Cumulative hazard.
    #[pyo3(get)]
    hazard: Vector,
    /// Its standard error.
    #[pyo3(get)]
    std_err: Vector,
    /// Lower limit, symmetric on the log scale; NaN while the hazard is 0.
    #[pyo3(get)]
    lower: Vector,
    /// Upper limit.
    #[pyo3(get)]
    upper: Vector,
    curve: hazards::NelsonAalen,
}

#[pymethods]
impl NelsonAalen {
    /// Cumulative hazard at a time, or at each of several; 0 before the first step.
    fn at<'py>(&self, times: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        at(times, |time| self.curve.at(time))
    }

    fn __repr__(&self) -> String {
        let end = self.curve.hazard.last().copied().unwrap_or(0.0);
        format!("NelsonAalen(steps={}, hazard={end:.6})", self.curve.time.len())
    }
}

/// Nelson-Aalen estimate of the cumulative hazard.
///
/// Arguments and errors as `kaplan_meier`; `ties` "together" (d / n; R's `ctype = 1`) or "one-by-one" (1/n + 1/(n - 1) + ...;
/// R's `ctype = 2`, as lifelines' `NelsonAalenFitter`), which does not go with weights.
///
/// Nelson, Technometrics 1972;14:945-966; Aalen, Ann Stat 1978;6:701-726.
#[pyfunction]
#[pyo3(signature = (time, event, *, entry=None, weights=None, ties="together", level=0.95))]
pub fn nelson_aalen(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
    ties: &str,
    level: f64,
) -> PyResult<NelsonAalen> {
    let ties =
        one_of("ties", ties, &[("together", TiedHazard::Together), ("one-by-one", TiedHazard::OneByOne)])?;
    let level = crate::input::level(level)?;
    let times = Times::read(time, event, entry, weights)?;
    let curve = py.detach(|| hazards::NelsonAalen::fit(&times.observations(), ties)).map_err(refused)?;
    let (lower, upper) = limits(py, curve.limits(level))?;
    Ok(NelsonAalen {
        time: vector(py, curve.time.clone())?,
        n_risk: vector(py, curve.n_risk.clone())?,
        n_event: vector(py, curve.n_event.clone())?,
        hazard: vector(py, curve.hazard.clone())?,
        std_err: vector(py, curve.std_err.clone())?,
        lower,
        upper,
        curve,
    })
}

/// The restricted mean survival time of one group.
#[pyclass(frozen, module = "trialwright")]
pub struct Rmst(pub survival::rmst::Rmst);

#[pymethods]
impl Rmst {
    /// The horizon.
    #[getter]
    fn tau(&self) -> f64 {
        self.0.tau
    }

    /// Area under S from 0 to `tau`, in the unit of time.
    #[getter]
    fn estimate(&self) -> f64 {
        self.0.estimate
    }

    /// Its standard error.
    #[getter]
    fn std_err(&self) -> f64 {
        self.0.std_err
    }

    /// Whether the last value of S had to be carried past the end of follow-up to reach `tau`.
    #[getter]
    fn extrapolated(&self) -> bool {
        self.0.extrapolated
    }

    /// Restricted mean time lost: `tau` less the mean.
    #[getter]
    fn time_lost(&self) -> f64 {
        self.0.time_lost()
    }

    /// Two-sided limits (lower, upper) of confidence `level`.
    #[pyo3(signature = (level=0.95))]
    fn limits(&self, level: f64) -> PyResult<(f64, f64)> {
        Ok(self.0.limits(crate::input::level(level)?))
    }

    fn __repr__(&self) -> String {
        let tau = shown(self.0.tau);
        format!("Rmst(tau={tau}, estimate={:.6}, std_err={:.6})", self.0.estimate, self.0.std_err)
    }
}

/// Restricted mean survival time: the area under the Kaplan-Meier curve from 0 to `tau`.
///
/// Other arguments and errors as `kaplan_meier`; where follow-up ends before `tau` the last value is carried on, as in R, and the
/// result says so. R: `summary(survfit(..), rmean = tau)`. lifelines: `utils.restricted_mean_survival_time`.
#[pyfunction]
#[pyo3(signature = (time, event, tau, *, entry=None, weights=None))]
pub fn rmst(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    tau: f64,
    entry: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
) -> PyResult<Rmst> {
    let times = Times::read(time, event, entry, weights)?;
    let mean = py.detach(|| km::KaplanMeier::of(&times.observations())?.rmst(tau));
    mean.map(Rmst).map_err(refused)
}

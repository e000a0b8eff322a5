//! The Cox model and what is judged from a fit.
//!
//! Never fits: `survival::cox` does.

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use survival::cox::{Collinear, CoxFit, CoxOptions, Ties, TimeTransform};

use crate::input::{
    covariates as read_covariates, events, numbers, one_of, optional, optional_labels, refused, wrong,
};
use crate::output::{Matrix, Test, Vector, each_limit, matrix, vector, warn, whole};

/// A fitted Cox model; arrays follow the order of `names`.
#[pyclass(frozen, module = "trialwright")]
pub struct Cox {
    /// Names of the columns.
    #[pyo3(get)]
    names: Vec<String>,
    /// Log hazard ratios for one unit of each column; NaN for a dropped one.
    #[pyo3(get)]
    coefficients: Vector,
    /// exp of the coefficients.
    #[pyo3(get)]
    hazard_ratios: Vector,
    /// Standard errors of the coefficients, from `variance`.
    #[pyo3(get)]
    std_err: Vector,
    /// Coefficients over standard errors.
    #[pyo3(get)]
    z: Vector,
    /// Two-sided Wald probabilities.
    #[pyo3(get)]
    p_values: Vector,
    /// Lower Wald limits of the hazard ratios.
    #[pyo3(get)]
    lower: Vector,
    /// Upper Wald limits of the hazard ratios.
    #[pyo3(get)]
    upper: Vector,
    /// The confidence of the limits.
    #[pyo3(get)]
    level: f64,
    /// Covariance of the coefficients: robust where asked for, else model-based.
    #[pyo3(get)]
    variance: Matrix,
    /// Model-based covariance, the inverse of the information.
    #[pyo3(get)]
    model_variance: Matrix,
    /// What the reader should know before trusting the values; each was told as a `FitWarning` too.
    #[pyo3(get)]
    warnings: Vec<String>,
    fit: CoxFit,
}

impl Cox {
    /// The place of a column, by its name or its place (negative from the end).
    fn place(&self, column: &Bound<'_, PyAny>) -> PyResult<usize> {
        let count = self.names.len();
        let found = if let Ok(name) = column.extract::<String>() {
            self.names.iter().position(|known| *known == name)
        } else {
            let place = column.extract::<isize>()?;
            let from_end = count.checked_add_signed(place).filter(|_| place < 0);
            from_end.or(usize::try_from(place).ok()).filter(|place| *place < count)
        };
        found.ok_or_else(|| {
            let shown = column.repr().map_or_else(|_| "unprintable".to_owned(), |text| text.to_string());
            wrong(format!("`column` is {shown}: one of {} or its place is needed", self.names.join(", ")))
        })
    }
}

#[pymethods]
impl Cox {
    /// Log partial likelihood (with all coefficients 0, at the fit).
    #[getter]
    fn log_likelihood(&self) -> (f64, f64) {
        (self.fit.log_likelihood[0], self.fit.log_likelihood[1])
    }

    /// Likelihood-ratio test that all coefficients are 0.
    #[getter]
    fn likelihood_ratio(&self) -> Test {
        self.fit.likelihood_ratio.into()
    }

    /// Wald test of the same, with `variance`.
    #[getter]
    fn wald(&self) -> Test {
        self.fit.wald.into()
    }

    /// Score test of the same.
    #[getter]
    fn score(&self) -> Test {
        self.fit.score.into()
    }

    /// Rows.
    #[getter]
    fn n(&self) -> usize {
        self.fit.n
    }

    /// Events.
    #[getter]
    fn n_events(&self) -> usize {
        self.fit.n_event
    }

    /// Newton steps taken.
    #[getter]
    fn iterations(&self) -> usize {
        self.fit.iterations
    }

    /// Whether the likelihood settled.
    #[getter]
    fn converged(&self) -> bool {
        self.fit.converged
    }

    /// Wald limits (lower (p,), upper (p,)) of the hazard ratios at another confidence.
    fn limits(&self, py: Python<'_>, level: f64) -> PyResult<(Vector, Vector)> {
        each_limit(py, self.names.len(), |j, level| self.fit.limits(j, level), level)
    }

    /// Profile-likelihood limits (lower, upper) of a column's hazard ratio, by its name or place.
    ///
    /// 0 or infinite where the likelihood never falls far enough on that side (separation). Venzon & Moolgavkar, Appl Stat
    /// 1988;37:87-94.
    #[pyo3(signature = (column, level=None))]
    fn profile_limits(
        &self,
        py: Python<'_>,
        column: &Bound<'_, PyAny>,
        level: Option<f64>,
    ) -> PyResult<(f64, f64)> {
        let (place, level) = (self.place(column)?, level.unwrap_or(self.level));
        py.detach(|| self.fit.profile_limits(place, level)).map_err(refused)
    }

    /// Likelihood-ratio test that a column's coefficient alone is 0, as a probability.
    fn profile_p_value(&self, py: Python<'_>, column: &Bound<'_, PyAny>) -> PyResult<f64> {
        let place = self.place(column)?;
        Ok(py.detach(|| self.fit.profile_p_value(place)))
    }

    /// The robust (sandwich) covariance: by cluster where the fit had one, else each row its own. R: `coxph(robust = TRUE)$var`.
    fn robust_variance(&self, py: Python<'_>) -> PyResult<Matrix> {
        let rows = py.detach(|| self.fit.robust_variance());
        matrix(py, &rows)
    }

    /// Tests of proportional hazards by term, and of all ("GLOBAL"). R: `cox.zph(fit, transform)`.
    ///
    /// `transform` "km", "identity", "rank" or "log". Grambsch & Therneau, Biometrika 1994;81:515-526.
    #[pyo3(signature = (transform="km"))]
    fn zph<'py>(&self, py: Python<'py>, transform: &str) -> PyResult<Bound<'py, PyDict>> {
        let known = [
            ("km", TimeTransform::Km),
            ("identity", TimeTransform::Identity),
            ("rank", TimeTransform::Rank),
            ("log", TimeTransform::Log),
        ];
        let transform = one_of("transform", transform, &known)?;
        let found = py.detach(|| self.fit.zph(transform)).map_err(refused)?;
        let tests = PyDict::new(py);
        for row in &found.rows {
            tests.set_item(&row.name, Test::from(row.test))?;
        }
        tests.set_item("GLOBAL", Test::from(found.global))?;
        Ok(tests)
    }

    /// Harrell's concordance (estimate, standard error). R: `concordance(fit)`.
    fn concordance(&self, py: Python<'_>) -> (f64, f64) {
        let found = py.detach(|| self.fit.concordance());
        (found.estimate, found.std_err)
    }

    /// The cumulative hazard at covariates 0, as arrays "stratum" (the place of its sorted label), "time" and "hazard". R:
    /// `basehaz(fit, centered = FALSE)`.
    fn baseline_hazard<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let found = py.detach(|| self.fit.baseline_hazard());
        let columns = PyDict::new(py);
        columns.set_item("stratum", whole(py, &found.strata)?)?;
        columns.set_item("time", vector(py, found.time)?)?;
        columns.set_item("hazard", vector(py, found.hazard)?)?;
        Ok(columns)
    }

    /// The linear predictor of each row (n,), covariates centred at their means. R: `predict(fit)`.
    fn linear_predictor(&self, py: Python<'_>) -> PyResult<Vector> {
        vector(py, self.fit.linear_predictor())
    }

    /// Martingale residuals (n,). R: `residuals(fit)`.
    fn martingale(&self, py: Python<'_>) -> PyResult<Vector> {
        vector(py, py.detach(|| self.fit.martingale()))
    }

    /// Deviance residuals (n,). R: `residuals(fit, "deviance")`.
    fn deviance(&self, py: Python<'_>) -> PyResult<Vector> {
        vector(py, py.detach(|| self.fit.deviance()))
    }

    /// Score residuals (n, p). R: `residuals(fit, "score")`. Raises ValueError with exact ties.
    fn score_residuals(&self, py: Python<'_>) -> PyResult<Matrix> {
        matrix(py, &py.detach(|| self.fit.score_residuals()).map_err(refused)?)
    }

    /// Dfbeta residuals (n, p): about how much each coefficient would lose without the row. Raises ValueError with exact ties.
    fn dfbeta(&self, py: Python<'_>) -> PyResult<Matrix> {
        matrix(py, &py.detach(|| self.fit.dfbeta()).map_err(refused)?)
    }

    /// Schoenfeld residuals: the row of each event (d,), its time (d,), the residuals (d, p); `scaled` as R's "scaledsch".
    #[pyo3(signature = (scaled=false))]
    fn schoenfeld(&self, py: Python<'_>, scaled: bool) -> PyResult<(Py<PyArray1<i64>>, Vector, Matrix)> {
        let found = py
            .detach(|| if scaled { self.fit.scaled_schoenfeld() } else { self.fit.schoenfeld() })
            .map_err(refused)?;
        Ok((whole(py, &found.row)?, vector(py, found.time)?, matrix(py, &found.residual)?))
    }

    /// One row a column of the model, as named arrays for `pandas.DataFrame`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(py);
        columns.set_item("name", &self.names)?;
        let arrays = [
            ("coefficient", &self.coefficients),
            ("hazard_ratio", &self.hazard_ratios),
            ("lower", &self.lower),
            ("upper", &self.upper),
            ("std_err", &self.std_err),
            ("z", &self.z),
            ("p_value", &self.p_values),
        ];
        arrays.into_iter().try_for_each(|(name, array)| columns.set_item(name, array))?;
        Ok(columns)
    }

    fn __repr__(&self) -> String {
        let ratio = |(j, name): (usize, &String)| format!("{name}: {:.6}", self.fit.hazard_ratio(j));
        let ratios: Vec<String> = self.names.iter().enumerate().map(ratio).collect();
        format!("Cox(n={}, events={}, hazard ratios {})", self.fit.n, self.fit.n_event, ratios.join(", "))
    }
}

/// The Cox proportional hazards model.
///
/// `time` (n,) finite and not negative; `event` (n,) 1 or 0; `covariates` a mapping or data frame of named columns (n,), an array
/// (n,) or (n, p); a column of texts is a factor against its first label, as in R. `ties` "efron", "breslow" or "exact";
/// `strata` (n,) labels; `weights` (n,) above 0; `entry` (n,) left truncation or start-stop rows; `offset` (n,); `cluster` (n,)
/// labels, which ask for the robust variance, as `robust` does; `firth` penalises the likelihood. A redundant column is refused,
/// or with `drop_collinear` left out as in R. `level` is that of the limits.
///
/// Raises ValueError: lengths differ; a value that is missing or out of range, with its row; no event; a redundant column. A
/// coefficient that runs away (separation) or a fit that does not settle is a `FitWarning`.
///
/// Cox, JRSS B 1972;34:187-220. R: `survival::coxph`. lifelines: `CoxPHFitter`.
#[pyfunction]
#[pyo3(signature = (
    time, event, covariates, *, ties="efron", strata=None, weights=None, entry=None, offset=None, cluster=None, robust=false,
    firth=false, drop_collinear=false, level=0.95, eps=1e-9, max_iterations=20
))]
#[allow(clippy::fn_params_excessive_bools)] // named in Python
pub fn cox(
    py: Python<'_>,
    time: &Bound<'_, PyAny>,
    event: &Bound<'_, PyAny>,
    covariates: &Bound<'_, PyAny>,
    ties: &str,
    strata: Option<&Bound<'_, PyAny>>,
    weights: Option<&Bound<'_, PyAny>>,
    entry: Option<&Bound<'_, PyAny>>,
    offset: Option<&Bound<'_, PyAny>>,
    cluster: Option<&Bound<'_, PyAny>>,
    robust: bool,
    firth: bool,
    drop_collinear: bool,
    level: f64,
    eps: f64,
    max_iterations: usize,
) -> PyResult<Cox> {
    let known = [("efron", Ties::Efron), ("breslow", Ties::Breslow), ("exact", Ties::Exact)];
    let ties = one_of("ties", ties, &known)?;
    let level = crate::input::level(level)?;
    let (time, event) = (numbers("time", time)?, events("event", event)?);
    let covariates = read_covariates(covariates, time.len())?;
    let (strata, cluster) = (optional_labels("strata", strata)?, optional_labels("cluster", cluster)?);
    let (weights, entry) = (optional("weights", weights)?, optional("entry", entry)?);
    let offset = optional("offset", offset)?;
    let options = CoxOptions {
        ties,
        strata: strata.as_deref(),
        weights: weights.as_deref(),
        entry: entry.as_deref(),
        offset: offset.as_deref(),
        cluster: cluster.as_deref(),
        robust,
        firth,
        collinear: if drop_collinear { Collinear::Drop } else { Collinear::Refuse },
        eps,
        max_iterations,
    };
    let fit = py.detach(|| survival::cox::Cox::fit(&time, &event, &covariates, &options)).map_err(refused)?;
    let each = |of: &dyn Fn(usize) -> f64| vector(py, (0..fit.names.len()).map(of).collect());
    let (lower, upper) = each_limit(py, fit.names.len(), |j, level| fit.limits(j, level), level)?;
    Ok(Cox {
        names: fit.names.clone(),
        coefficients: vector(py, fit.coefficients.clone())?,
        hazard_ratios: each(&|j| fit.hazard_ratio(j))?,
        std_err: each(&|j| fit.std_err(j))?,
        z: each(&|j| fit.z(j))?,
        p_values: each(&|j| fit.p_value(j))?,
        lower,
        upper,
        level,
        variance: matrix(py, &fit.variance)?,
        model_variance: matrix(py, &fit.model_variance)?,
        warnings: warn(py, &fit.warnings)?,
        fit,
    })
}

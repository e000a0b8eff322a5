//! The design of trials: events, power, sample size, group-sequential boundaries.
//!
//! Never computes: `survival::design` does. Levels are one-sided, as there.

use pyo3::prelude::*;
use survival::design::accrual::{Accrual, Arm, Rate, Trial as Planned};
use survival::design::events::{self as by_events, Formula};
use survival::design::sample_size::{self as sizes, Steps};
use survival::design::sequential::{self, Efficacy, Futility, Plan, Spending};

use crate::input::{numbers, one_of, refused, wrong};
use crate::output::{Vector, vector};

const FORMULAS: [(&str, Formula); 2] = [("schoenfeld", Formula::Schoenfeld), ("freedman", Formula::Freedman)];

/// The formula of a method. Errors: none of them.
fn formula_of(method: &str) -> PyResult<Formula> {
    one_of("method", method, &FORMULAS).map_err(|_| {
        wrong(format!(
            "`method` is {method:?}: one of schoenfeld, freedman, lachin-foulkes, lakatos is needed"
        ))
    })
}

/// Events that give the log-rank test this power.
///
/// `hazard_ratio` experimental over control; `alpha` one-sided; `allocation` subjects of the experimental arm for each of the
/// control arm; `formula` "schoenfeld" or "freedman". Raises ValueError for what is no ratio or probability. R:
/// `rpact::getSampleSizeSurvival(..)$eventsFixed`.
#[pyfunction]
#[pyo3(signature = (hazard_ratio, *, alpha=0.025, power=0.8, allocation=1.0, formula="schoenfeld"))]
pub fn design_events(
    hazard_ratio: f64,
    alpha: f64,
    power: f64,
    allocation: f64,
    formula: &str,
) -> PyResult<f64> {
    let formula = one_of("formula", formula, &FORMULAS)?;
    by_events::events(formula, hazard_ratio, alpha, power, allocation).map_err(refused)
}

/// Power of the log-rank test with this number of events. Arguments and errors as `events`.
#[pyfunction]
#[pyo3(signature = (hazard_ratio, events, *, alpha=0.025, allocation=1.0, formula="schoenfeld"))]
pub fn design_power(
    hazard_ratio: f64,
    events: f64,
    alpha: f64,
    allocation: f64,
    formula: &str,
) -> PyResult<f64> {
    let formula = one_of("formula", formula, &FORMULAS)?;
    by_events::power(formula, hazard_ratio, alpha, events, allocation).map_err(refused)
}

/// The hazard ratio below 1 that this number of events detects with this power. Arguments and errors as `events`.
#[pyfunction]
#[pyo3(signature = (events, *, alpha=0.025, power=0.8, allocation=1.0, formula="schoenfeld"))]
pub fn design_detectable(
    events: f64,
    alpha: f64,
    power: f64,
    allocation: f64,
    formula: &str,
) -> PyResult<f64> {
    let formula = one_of("formula", formula, &FORMULAS)?;
    by_events::detectable(formula, alpha, power, events, allocation).map_err(refused)
}

/// A hazard: one number, or pairs (from, rate) the first of which begins at 0.
fn hazard(what: &str, given: &Bound<'_, PyAny>) -> PyResult<Rate> {
    let rate = if let Ok(rate) = given.extract::<f64>() {
        Rate::constant(rate)
    } else {
        let pieces = given.extract::<Vec<(f64, f64)>>().map_err(|_| {
            wrong(format!(
                "`{what}` is {given}: a number, or pairs (from, rate) the first from 0, are needed"
            ))
        })?;
        let (starts, rates): (Vec<f64>, Vec<f64>) = pieces.into_iter().unzip();
        Rate::piecewise(&starts, &rates)
    };
    rate.map_err(|error| wrong(format!("`{what}`: {error}")))
}

/// A size that gives the power asked for.
#[pyclass(frozen, get_all, module = "trialwright.design")]
pub struct SampleSize {
    /// Subjects in both arms; not rounded.
    subjects: f64,
    /// Events expected at the end; not rounded.
    events: f64,
}

#[pymethods]
impl SampleSize {
    fn __repr__(&self) -> String {
        format!("SampleSize(subjects={:.6}, events={:.6})", self.subjects, self.events)
    }
}

/// A trial of two arms: how subjects come, how events happen, who is lost.
///
/// `subjects` in all come evenly over `accrual`. Hazards are a number, or pairs (from, rate) the first of which begins at 0. The
/// experimental hazard is the control's times `hazard_ratio`, or `experimental_hazard` of any course. `dropout` is a hazard of
/// being lost (none when not said), alike in both arms; `allocation` subjects of the experimental arm for each of the control arm.
#[pyclass(frozen, module = "trialwright.design")]
pub struct Trial {
    planned: Planned,
    hazard_ratio: Option<f64>,
}

impl Trial {
    fn ratio(&self, method: &str) -> PyResult<f64> {
        self.hazard_ratio.ok_or_else(|| {
            wrong(format!(
                "`method` is {method:?}, which needs a `hazard_ratio`: give one, or use \"lakatos\""
            ))
        })
    }
}

#[pymethods]
impl Trial {
    #[new]
    #[pyo3(signature = (
        *, subjects, accrual, control_hazard, hazard_ratio=None, experimental_hazard=None, dropout=None, allocation=1.0
    ))]
    fn new(
        subjects: f64,
        accrual: f64,
        control_hazard: &Bound<'_, PyAny>,
        hazard_ratio: Option<f64>,
        experimental_hazard: Option<&Bound<'_, PyAny>>,
        dropout: Option<&Bound<'_, PyAny>>,
        allocation: f64,
    ) -> PyResult<Self> {
        let accrual = Accrual::uniform(subjects, accrual).map_err(refused)?;
        let control = Arm {
            hazard: hazard("control_hazard", control_hazard)?,
            dropout: dropout.map_or_else(|| Ok(Rate::none()), |given| hazard("dropout", given))?,
        };
        let planned = match (hazard_ratio, experimental_hazard) {
            (Some(ratio), None) => {
                Planned::proportional(accrual, control, ratio, allocation).map_err(refused)?
            }
            (None, Some(given)) => {
                let experimental =
                    Arm { hazard: hazard("experimental_hazard", given)?, dropout: control.dropout.clone() };
                if !(allocation > 0.0 && allocation.is_finite()) {
                    return Err(wrong(format!(
                        "`allocation` is {allocation}: a finite number above 0 is needed"
                    )));
                }
                Planned { accrual, control, experimental, allocation }
            }
            _ => return Err(wrong("one of `hazard_ratio` and `experimental_hazard` is needed, not both")),
        };
        Ok(Self { planned, hazard_ratio })
    }

    /// Events expected by calendar time `time` (control, experimental).
    fn events_by(&self, time: f64) -> (f64, f64) {
        let expected = self.planned.events_by(time);
        (expected.control, expected.experimental)
    }

    /// When this many events are expected. Raises ValueError for more than will ever be seen.
    fn time_of(&self, events: f64) -> PyResult<f64> {
        self.planned.time_of(events).map_err(refused)
    }

    /// Power of the log-rank test at calendar time `end`, with the subjects of this trial.
    ///
    /// `method` "schoenfeld", "freedman", "lachin-foulkes" (R: `gsDesign::nSurv`) or "lakatos" (SAS: PROC POWER; any hazards).
    #[pyo3(signature = (end, *, alpha=0.025, method="schoenfeld"))]
    fn power(&self, py: Python<'_>, end: f64, alpha: f64, method: &str) -> PyResult<f64> {
        let power = match method {
            "lakatos" => py.detach(|| sizes::lakatos_power(&self.planned, end, alpha, Steps::Limit)),
            "lachin-foulkes" => sizes::lachin_foulkes_power(&self.planned, end, self.ratio(method)?, alpha),
            _ => {
                let formula = formula_of(method)?;
                self.planned.power_at(end, formula, self.ratio(method)?, alpha)
            }
        };
        power.map_err(refused)
    }

    /// Subjects, coming as in this trial, that give the power at calendar time `end`; the number of subjects of this trial is
    /// ignored. `method` as `power`.
    #[pyo3(signature = (end, *, alpha=0.025, power=0.8, method="schoenfeld"))]
    fn sample_size(
        &self,
        py: Python<'_>,
        end: f64,
        alpha: f64,
        power: f64,
        method: &str,
    ) -> PyResult<SampleSize> {
        let found = match method {
            "lakatos" => py.detach(|| sizes::lakatos(&self.planned, end, alpha, power, Steps::Limit)),
            "lachin-foulkes" => sizes::lachin_foulkes(&self.planned, end, self.ratio(method)?, alpha, power),
            _ => {
                let formula = formula_of(method)?;
                sizes::by_events(&self.planned, end, formula, self.ratio(method)?, alpha, power)
            }
        };
        found.map(|size| SampleSize { subjects: size.subjects, events: size.events }).map_err(refused)
    }
}

/// A boundary: a word, a word with its parameter, or z values.
enum Boundary {
    /// A spending function without a parameter.
    Word(String),
    /// A family with its parameter.
    Family(String, f64),
    /// One z a look.
    Fixed(Vec<f64>),
}

impl Boundary {
    fn read(what: &str, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let word = given.extract().map(Self::Word);
        let family = word.or_else(|_| given.extract().map(|(word, parameter)| Self::Family(word, parameter)));
        match family {
            Ok(boundary) => Ok(boundary),
            Err(_) => numbers(what, given).map(Self::Fixed),
        }
    }

    fn spending(word: &str, parameter: Option<f64>) -> Option<Spending> {
        match (word, parameter) {
            ("obrien-fleming", None) => Some(Spending::OBrienFleming),
            ("pocock", None) => Some(Spending::Pocock),
            ("hwang-shih-decani", Some(gamma)) => Some(Spending::HwangShihDeCani(gamma)),
            ("power", Some(rho)) => Some(Spending::Power(rho)),
            _ => None,
        }
    }

    fn efficacy(self) -> PyResult<Efficacy> {
        let right = "\"obrien-fleming\", \"pocock\", (\"hwang-shih-decani\", gamma), (\"power\", rho), (\"wang-tsiatis\", delta), \
                     (\"haybittle-peto\", z) or one z a look is needed";
        match self {
            Self::Fixed(z) => Ok(Efficacy::Fixed(z)),
            Self::Word(word) => Self::spending(&word, None)
                .map(Efficacy::Spending)
                .ok_or_else(|| wrong(format!("`efficacy` is {word:?}: {right}"))),
            Self::Family(word, parameter) => match word.as_str() {
                "wang-tsiatis" => Ok(Efficacy::WangTsiatis(parameter)),
                "haybittle-peto" => Ok(Efficacy::HaybittlePeto(parameter)),
                _ => Self::spending(&word, Some(parameter))
                    .map(Efficacy::Spending)
                    .ok_or_else(|| wrong(format!("`efficacy` is ({word:?}, {parameter}): {right}"))),
            },
        }
    }

    fn futility(self, binding: bool) -> PyResult<Futility> {
        let right = "\"obrien-fleming\", \"pocock\", (\"hwang-shih-decani\", gamma), (\"power\", rho) or one z for each interim \
                     look is needed";
        let (word, parameter) = match self {
            Self::Fixed(_) if binding => {
                return Err(wrong("`futility` with fixed z is not binding: `binding=False` is needed"));
            }
            Self::Fixed(z) => return Ok(Futility::Fixed(z)),
            Self::Word(word) => (word, None),
            Self::Family(word, parameter) => (word, Some(parameter)),
        };
        let spending = Self::spending(&word, parameter)
            .ok_or_else(|| wrong(format!("`futility` is {word:?}: {right}")))?;
        Ok(if binding { Futility::Binding(spending) } else { Futility::NonBinding(spending) })
    }
}

/// A group-sequential design: one value a look in every array.
#[pyclass(frozen, module = "trialwright.design")]
pub struct GroupSequential {
    /// Information fraction at each look.
    #[pyo3(get)]
    information: Vector,
    /// Z at or above which to stop for efficacy.
    #[pyo3(get)]
    upper: Vector,
    /// Z at or below which to stop for futility, or for harm; minus infinite where one cannot.
    #[pyo3(get)]
    lower: Vector,
    /// One-sided level spent by each look.
    #[pyo3(get)]
    alpha_spent: Vector,
    /// Type II error spent by each look.
    #[pyo3(get)]
    beta_spent: Vector,
    design: sequential::GroupSequential,
}

/// A group-sequential design in events.
#[pyclass(frozen, get_all, module = "trialwright.design")]
pub struct EventPlan {
    /// Events at each look; not rounded.
    events: Vector,
    /// Hazard ratio at the upper boundary of each look.
    upper_hazard_ratio: Vector,
    /// Hazard ratio at the lower boundary of each look.
    lower_hazard_ratio: Vector,
    /// Events expected at the end if there is no effect.
    expected_null: f64,
    /// If the effect is half of what was assumed.
    expected_half: f64,
    /// If the effect is what was assumed.
    expected_alternative: f64,
}

#[pymethods]
impl GroupSequential {
    /// The mean of Z at full information that gives the power.
    #[getter]
    fn drift(&self) -> f64 {
        self.design.drift
    }

    /// How much more information is needed at most than with one look.
    #[getter]
    fn inflation(&self) -> f64 {
        self.design.inflation
    }

    /// The nominal one-sided p-value at the upper boundary of each look.
    #[getter]
    fn nominal_levels(&self, py: Python<'_>) -> PyResult<Vector> {
        vector(py, self.design.nominal_levels())
    }

    /// The probability to stop at each look at a drift (across the upper boundary, across the lower). 0 is no effect.
    fn exits(&self, py: Python<'_>, drift: f64) -> PyResult<(Vector, Vector)> {
        let exits = self.design.exits(drift);
        Ok((vector(py, exits.upper)?, vector(py, exits.lower)?))
    }

    /// The probability to stop for efficacy at all, at a drift.
    fn power_at(&self, drift: f64) -> f64 {
        self.design.power_at(drift)
    }

    /// The information used on average, as a part of the planned, at a drift.
    fn expected_information(&self, drift: f64) -> f64 {
        self.design.expected_information(drift)
    }

    /// The design for a log-rank test of this hazard ratio. Arguments and errors as `events`.
    #[pyo3(signature = (hazard_ratio, *, allocation=1.0, formula="schoenfeld"))]
    fn events(
        &self,
        py: Python<'_>,
        hazard_ratio: f64,
        allocation: f64,
        formula: &str,
    ) -> PyResult<EventPlan> {
        let formula = one_of("formula", formula, &FORMULAS)?;
        let plan = self.design.events(formula, hazard_ratio, allocation).map_err(refused)?;
        Ok(EventPlan {
            events: vector(py, plan.events)?,
            upper_hazard_ratio: vector(py, plan.upper_hazard_ratio)?,
            lower_hazard_ratio: vector(py, plan.lower_hazard_ratio)?,
            expected_null: plan.expected_null,
            expected_half: plan.expected_half,
            expected_alternative: plan.expected_alternative,
        })
    }

    /// The probability to stop for efficacy later, given `z` at a look (from 1), at a drift.
    fn conditional_power(&self, look: usize, z: f64, drift: f64) -> PyResult<f64> {
        self.design.conditional_power(look, z, drift).map_err(refused)
    }

    /// The same, the drift unknown and judged by `z` alone.
    fn predictive_power(&self, look: usize, z: f64) -> PyResult<f64> {
        self.design.predictive_power(look, z).map_err(refused)
    }

    fn __repr__(&self) -> String {
        let z = |values: &[f64]| values.iter().map(|z| format!("{z:.4}")).collect::<Vec<_>>().join(", ");
        format!("GroupSequential(upper=[{}], inflation={:.4})", z(&self.design.upper), self.design.inflation)
    }
}

/// Group-sequential boundaries.
///
/// `information` (k,) fractions at the looks, the last 1; `alpha` one-sided. `efficacy` "obrien-fleming" (when not said) or "pocock" (Lan &
/// DeMets), ("hwang-shih-decani", gamma), ("power", rho), ("wang-tsiatis", delta), ("haybittle-peto", z), or one z a look;
/// `futility` one of the spending functions or one z for each interim look, `binding` where the level counts on it; `two_sided`
/// mirrors the efficacy boundary.
///
/// Raises ValueError for fractions that do not grow to 1, a parameter out of range, a boundary it does not know.
///
/// Lan & DeMets, Biometrika 1983;70:659-663; Jennison & Turnbull 2000. R: `gsDesign::gsDesign`,
/// `rpact::getDesignGroupSequential`.
#[pyfunction]
#[pyo3(signature = (
    information, *, alpha=0.025, power=0.8, efficacy=None, futility=None, binding=false, two_sided=false
))]
pub fn group_sequential(
    py: Python<'_>,
    information: &Bound<'_, PyAny>,
    alpha: f64,
    power: f64,
    efficacy: Option<&Bound<'_, PyAny>>,
    futility: Option<&Bound<'_, PyAny>>,
    binding: bool,
    two_sided: bool,
) -> PyResult<GroupSequential> {
    let plan = Plan {
        information: numbers("information", information)?,
        alpha,
        power,
        two_sided,
        efficacy: match efficacy {
            None => Efficacy::Spending(Spending::OBrienFleming),
            Some(given) => Boundary::read("efficacy", given)?.efficacy()?,
        },
        futility: match futility {
            None => Futility::None,
            Some(given) => Boundary::read("futility", given)?.futility(binding)?,
        },
    };
    let design = py.detach(|| sequential::GroupSequential::new(&plan)).map_err(refused)?;
    Ok(GroupSequential {
        information: vector(py, design.information.clone())?,
        upper: vector(py, design.upper.clone())?,
        lower: vector(py, design.lower.clone())?,
        alpha_spent: vector(py, design.alpha_spent.clone())?,
        beta_spent: vector(py, design.beta_spent.clone())?,
        design,
    })
}

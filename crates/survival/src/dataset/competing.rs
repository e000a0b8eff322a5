//! What is said of a data set whose events have several causes: incidences by arm, Gray's test, Fine and Gray's model.
//!
//! Never takes a competing event for a censoring. R: `survfit` with a factor, `cmprsk::cuminc`, `cmprsk::crr`.

use super::form::{Attempt, Matrix, Vector};
use super::{Dataset, Model};
use crate::Error;
use crate::aalen_johansen::AalenJohansen;
use crate::fine_gray::FineGray;
use crate::gray::{Gray, gray};
use serde::Serialize;

/// The event of interest.
const OF_INTEREST: usize = 1;

/// Keys as in the reference values.
#[derive(Debug, Clone, Serialize)]
pub struct CompetingSummary {
    /// The arm of each row.
    pub strata: Vector<String>,
    /// Times, one arm after another.
    pub time: Vector<f64>,
    /// At risk just before.
    pub n_risk: Vector<f64>,
    /// Probability of each of `states`.
    pub pstate: Matrix,
    /// Their standard errors.
    pub std_err: Matrix,
    /// No event yet, then the causes.
    pub states: Vector<String>,
    /// Statistic, p-value, degrees of freedom: a row a cause.
    pub gray: Attempt<Matrix>,
    /// The arm alone, event of interest.
    pub fine_gray: Attempt<FineGraySummary>,
    /// All covariates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fine_gray_full: Option<Attempt<FineGraySummary>>,
    /// Rows with a missing value, left out of everything.
    pub rows_dropped: usize,
}

/// A fitted model of the subdistribution hazard.
#[derive(Debug, Clone, Serialize)]
pub struct FineGraySummary {
    /// Names of the columns, where there is more than the arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vector<String>>,
    /// Log subdistribution hazard ratios.
    pub coef: Vector<f64>,
    /// Their variance.
    pub var: Matrix,
}

impl Dataset {
    /// The cause of each row: where none was read, 1 for an event.
    pub fn causes(&self) -> Vec<usize> {
        self.cause.clone().unwrap_or_else(|| self.event.iter().map(|e| usize::from(*e)).collect())
    }

    /// The incidences of each arm, by level.
    pub fn incidences(&self) -> Result<Vec<AalenJohansen>, Error> {
        let causes = self.causes();
        let of = |level| {
            let rows = (0..self.len()).filter(|&i| self.arm.code[i] == level);
            let (time, cause): (Vec<f64>, Vec<usize>) = rows.map(|i| (self.time[i], causes[i])).unzip();
            AalenJohansen::fit(&time, &cause)
        };
        (0..self.arm.levels.len()).map(of).collect()
    }

    /// Gray's test of the arms, within strata where there are some.
    pub fn gray(&self, cause: usize) -> Result<Gray, Error> {
        let strata = self.strata.as_ref().map(|s| &s.code[..]);
        gray(&self.time, &self.causes(), cause, &self.arm.code, strata, 0.0)
            .map_err(|error| self.named(error))
    }

    /// Fine and Gray's model of the event of interest; the strata have no part in it.
    pub fn fine_gray(&self, model: Model) -> Result<FineGray, Error> {
        FineGray::fit(&self.time, &self.causes(), OF_INTEREST, &self.model(model))
    }
}

impl CompetingSummary {
    /// Everything of `data`. Errors: as [`AalenJohansen::fit`].
    pub fn new(data: &Dataset) -> Result<Self, Error> {
        let curves = data.incidences()?;
        let mut causes: Vec<usize> = data.causes().into_iter().filter(|c| *c != 0).collect();
        causes.sort_unstable();
        causes.dedup();
        let named = curves
            .iter()
            .zip(&data.arm.levels)
            .flat_map(|(curve, level)| vec![format!("{}={level}", data.arm.name); curve.time.len()]);
        let joined =
            |of: &dyn Fn(&AalenJohansen) -> &Vec<f64>| Vector(curves.iter().flat_map(of).copied().collect());
        let probabilities = curves.iter().flat_map(|c| states(c, &causes, &c.event_free, &c.incidence));
        let errors =
            curves.iter().flat_map(|c| states(c, &causes, &c.event_free_std_err, &c.incidence_std_err));
        let test = |&cause: &usize| {
            data.gray(cause).map(|gray| vec![gray.test.statistic, gray.test.p_value, gray.test.df as f64])
        };
        let full = (!data.covariates.is_empty()).then(|| fine_gray(data, Model::Full));
        Ok(Self {
            strata: Vector(named.collect()),
            time: joined(&|c| &c.time),
            n_risk: joined(&|c| &c.n_risk),
            pstate: Matrix(probabilities.collect()),
            std_err: Matrix(errors.collect()),
            states: Vector(
                std::iter::once("(s0)".to_owned()).chain(causes.iter().map(usize::to_string)).collect(),
            ),
            gray: causes.iter().map(test).collect::<Result<Vec<_>, Error>>().map(Matrix).into(),
            fine_gray: fine_gray(data, Model::Arm),
            fine_gray_full: full,
            rows_dropped: data.dropped,
        })
    }
}

/// A row a time: no event yet, then each cause; 0 for a cause this arm never had.
fn states(curve: &AalenJohansen, causes: &[usize], free: &[f64], by_cause: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let places: Vec<Option<usize>> = causes.iter().map(|c| curve.causes.binary_search(c).ok()).collect();
    let row = |k: usize| {
        std::iter::once(free[k]).chain(places.iter().map(|p| p.map_or(0.0, |p| by_cause[p][k]))).collect()
    };
    (0..curve.time.len()).map(row).collect()
}

fn fine_gray(data: &Dataset, model: Model) -> Attempt<FineGraySummary> {
    let said = |fit: FineGray| FineGraySummary {
        names: (model != Model::Arm).then(|| Vector(fit.names.clone())),
        coef: Vector(fit.coefficients.clone()),
        var: Matrix(fit.variance.clone()),
    };
    data.fine_gray(model).map(said).into()
}

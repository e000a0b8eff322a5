//! A mixed model for repeated measures: visit means by arm, their differences, and the area under the curve.
//!
//! Never imputes and never assumes a shape over time or a pattern of covariance: fixed effects arm, visit, arm by visit,
//! baseline and baseline by visit; covariance unstructured, by restricted maximum likelihood; degrees of freedom by
//! Satterthwaite from the exact Hessian. Mallinckrodt et al., Drug Inf J 2008;42:303-319; Fai & Cornelius, J Stat Comput
//! Simul 1996;54:363-378. R: `mmrm::mmrm(y ~ arm * visit + baseline * visit + us(visit | subject))`, or
//! `nlme::gls(.., correlation = corSymm(form = ~ v | subject), weights = varIdent(form = ~ 1 | visit))`.

mod reml;
mod rows;

use crate::cox::Covariates;
use crate::linalg::{dot, rows as matrix_rows};
use crate::{Error, TEstimate};
use rows::Design;
use serde::Serialize;

/// Measurements, one row a subject and visit; a missing visit has no row.
#[derive(Debug, Clone, Copy)]
pub struct Measurements<'a> {
    /// The subject of each row.
    pub subject: &'a [usize],
    /// The visit of each row, numbered in the order of time.
    pub visit: &'a [usize],
    /// The arm of the subject.
    pub arm: &'a [usize],
    /// The response: a score, or its change from baseline.
    pub response: &'a [f64],
    /// The subject's baseline value, if the model shall adjust for it.
    pub baseline: Option<&'a [f64]>,
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MmrmOptions {
    /// Whether the effect of the baseline may differ from visit to visit (default true).
    pub baseline_by_visit: bool,
    /// Iterations before the fit is given up (default 200; a dozen is usual).
    pub max_iterations: usize,
}

impl Default for MmrmOptions {
    fn default() -> Self {
        Self { baseline_by_visit: true, max_iterations: 200 }
    }
}

/// Which area under the curve of visit means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Auc<'a> {
    /// When the baseline was measured, if the area shall begin there.
    pub baseline_time: Option<f64>,
    /// When each visit is, in the order of [`Mmrm::visits`].
    pub visit_times: &'a [f64],
    /// Whether to divide by the span of time: the average score rather than score times time.
    pub averaged: bool,
}

/// A least-squares mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct VisitMean {
    /// The arm.
    pub arm: usize,
    /// The visit.
    pub visit: usize,
    /// Its mean at the mean baseline.
    pub mean: TEstimate,
}

/// A fitted mixed model for repeated measures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mmrm {
    /// Labels of the arms, ascending; the first is the reference.
    pub arms: Vec<usize>,
    /// Labels of the visits, ascending.
    pub visits: Vec<usize>,
    /// Names of the coefficients, in R's order for `arm * visit + baseline * visit`.
    pub names: Vec<String>,
    /// The fixed effects.
    pub coefficients: Vec<f64>,
    /// Their covariance.
    pub variance: Vec<Vec<f64>>,
    /// The covariance of the visits within a subject.
    pub covariance: Vec<Vec<f64>>,
    /// Restricted log-likelihood, constants included. SAS: minus half of "-2 Res Log Likelihood".
    pub log_likelihood: f64,
    /// Mean of the baseline over the rows: where the least-squares means stand.
    pub baseline_mean: Option<f64>,
    /// Subjects with at least one visit.
    pub n_subjects: usize,
    /// Rows.
    pub n_rows: usize,
    /// Iterations made.
    pub iterations: usize,
    #[serde(skip)]
    design: Layout,
    #[serde(skip)]
    satterthwaite: Satterthwaite,
}

/// What contrasts need of the design.
#[derive(Debug, Clone, PartialEq)]
struct Layout {
    width: usize,
    columns: Vec<Vec<usize>>,
    reference: Vec<f64>,
    /// Coefficients of the columns as given = transform times those of the centred columns.
    transform: Vec<f64>,
    centred: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq)]
struct Satterthwaite {
    /// Of the coefficients of the centred columns.
    variance: Vec<f64>,
    slopes: Vec<Vec<f64>>,
    inverse_hessian: Vec<f64>,
}

impl Mmrm {
    /// Fits the model; `covariates` (of the subject: stratification factors, say; may be empty) act alike at every visit.
    ///
    /// Errors: lengths differ; a value is not finite; two rows for one subject and visit; arm, baseline or covariate
    /// differs within a subject; an arm unseen at a visit; two visits never seen in one subject; a covariate determined by
    /// the others; a covariance that tends to a singular one; no convergence.
    ///
    /// ```
    /// use survival::{cox::Covariates, mmrm::{Auc, Measurements, Mmrm, MmrmOptions}};
    /// // Nine subjects, three visits, one visit missing. R, with d the same rows:
    /// // fit <- nlme::gls(y ~ arm * visit, d, correlation = nlme::corSymm(form = ~ v | id),
    /// //                  weights = nlme::varIdent(form = ~ 1 | visit))
    /// let data = Measurements {
    ///     subject: &[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 8, 8, 8, 9, 9, 9],
    ///     visit: &[1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 1, 2, 3, 1, 2, 3],
    ///     arm: &[0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0],
    ///     response: &[
    ///         21.0, 23.5, 22.0, 24.1, 25.0, 29.3, 20.2, 22.9, 24.6, 23.3, 27.9, 26.0, 18.4, 19.5, 23.1, 22.0, 24.8,
    ///         27.7, 19.9, 20.7, 25.4, 26.1, 30.9, 22.3, 21.8, 26.5,
    ///     ],
    ///     baseline: None,
    /// };
    /// let fit = Mmrm::fit(&data, &Covariates::new(), &MmrmOptions::default())?;
    /// assert_eq!(fit.names, ["(Intercept)", "arm1", "visit2", "visit3", "arm1:visit2", "arm1:visit3"]);
    /// assert!((fit.coefficients[1] - 3.34).abs() < 1e-9);
    /// // R: Satterthwaite's degrees of freedom by numDeriv from the restricted likelihood at its maximum
    /// let week_36 = fit.difference(1, 0, 3)?;
    /// assert!((week_36.estimate - 4.360_374_57).abs() < 1e-7 && (week_36.std_err - 1.304_230_05).abs() < 1e-7);
    /// assert!((week_36.df - 7.183_632).abs() < 1e-5 && (week_36.p_value - 0.011_903_2).abs() < 1e-6);
    /// assert!((fit.mean(0, 3)?.df - 7.506_875).abs() < 1e-5);
    /// let auc = Auc { baseline_time: None, visit_times: &[12.0, 24.0, 36.0], averaged: true };
    /// let area = fit.auc_difference(1, 0, &auc)?;
    /// // R: w <- c(0, 1, 0, 0, 0.5, 0.25); c(sum(w * coef(fit)), sqrt(t(w) %*% vcov(fit) %*% w))
    /// assert!((area.estimate - 4.060_093_63).abs() < 1e-6 && (area.std_err - 0.742_500_85).abs() < 1e-7);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn fit(
        data: &Measurements<'_>,
        covariates: &Covariates<'_>,
        options: &MmrmOptions,
    ) -> Result<Self, Error> {
        let design = Design::new(data, covariates, options.baseline_by_visit)?;
        let (p, m) = (design.columns.len(), design.visits.len());
        if design.rows <= p || design.subjects() <= m {
            let why = format!(
                "{} subjects with {} rows for {p} fixed effects and {m} visits",
                design.subjects(),
                design.rows
            );
            return Err(rows::refused("the mixed model", why));
        }
        let optimum = reml::maximise(&design, options.max_iterations)?;
        let transform = transform(&design);
        let times = |v: &[f64]| transform.chunks(p).map(|row| dot(row, v)).collect::<Vec<f64>>();
        let state = optimum.state;
        let half: Vec<Vec<f64>> = state.variance.chunks(p).map(times).collect();
        // half holds V T' by rows of V; T (V T') needs its columns.
        let variance =
            (0..p).map(|i| (0..p).map(|j| (0..p).map(|k| transform[i * p + k] * half[k][j]).sum()).collect());
        Ok(Self {
            coefficients: times(&state.coefficients),
            variance: variance.collect(),
            covariance: matrix_rows(&state.covariance, m),
            log_likelihood: -state.deviance / 2.0,
            baseline_mean: design.baseline_mean,
            n_subjects: design.subjects(),
            n_rows: design.rows,
            iterations: optimum.iterations,
            design: Layout {
                width: design.width,
                columns: design.columns,
                reference: design.reference,
                transform,
                centred: state.coefficients,
            },
            satterthwaite: Satterthwaite {
                variance: state.variance,
                slopes: optimum.slopes,
                inverse_hessian: optimum.inverse_hessian,
            },
            arms: design.arms,
            visits: design.visits,
            names: design.names,
        })
    }

    /// Any linear combination of the coefficients, in the order of [`names`](Self::names). R: `mmrm::df_1d(fit, weights)`.
    ///
    /// Errors: not one weight a coefficient; all weights 0.
    ///
    /// ```
    /// # use survival::{cox::Covariates, mmrm::{Measurements, Mmrm, MmrmOptions}};
    /// // One visit is ordinary least squares. R: summary(lm(c(3, 5, 4, 8, 9, 6) ~ factor(c(0, 0, 0, 1, 1, 1))))
    /// let data = Measurements { subject: &[1, 2, 3, 4, 5, 6], visit: &[1; 6], arm: &[0, 0, 0, 1, 1, 1],
    ///     response: &[3.0, 5.0, 4.0, 8.0, 9.0, 6.0], baseline: None };
    /// let fit = Mmrm::fit(&data, &Covariates::new(), &MmrmOptions::default())?;
    /// let arm = fit.linear(&[0.0, 1.0])?;
    /// assert!((arm.std_err - 1.054_092_55).abs() < 1e-8 && (arm.df - 4.0).abs() < 1e-9);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn linear(&self, weights: &[f64]) -> Result<TEstimate, Error> {
        let p = self.coefficients.len();
        crate::observations::check_finite("weights", p, weights)?;
        let transform = &self.design.transform;
        let centred: Vec<f64> =
            (0..p).map(|j| (0..p).map(|i| weights[i] * transform[i * p + j]).sum()).collect();
        self.of_centred(&centred)
    }

    /// One coefficient against 0, by its place among the names. R: `summary(fit)$coefficients`.
    ///
    /// Errors: no such coefficient. Example: [`linear`](Self::linear), with one weight 1.
    pub fn coefficient(&self, place: usize) -> Result<TEstimate, Error> {
        let mut weights = vec![0.0; self.coefficients.len()];
        let allowed = "the place of a coefficient among the names, from 0";
        *weights.get_mut(place).ok_or(Error::OutOfRange { what: "place", found: place as f64, allowed })? =
            1.0;
        self.linear(&weights)
    }

    /// The least-squares means of every arm at every visit, at the mean baseline. R: `emmeans(fit, ~ arm | visit)`.
    ///
    /// Example: [`Mmrm::fit`].
    pub fn means(&self) -> Result<Vec<VisitMean>, Error> {
        let cells = self.arms.iter().flat_map(|&arm| self.visits.iter().map(move |&visit| (arm, visit)));
        cells.map(|(arm, visit)| Ok(VisitMean { arm, visit, mean: self.mean(arm, visit)? })).collect()
    }

    /// The least-squares mean of an arm at a visit. Errors: no such arm or visit. Example: [`Mmrm::fit`].
    pub fn mean(&self, arm: usize, visit: usize) -> Result<TEstimate, Error> {
        self.weighted(&[(arm, visit, 1.0)])
    }

    /// The mean of an arm less that of the reference, at a visit. R: `pairs(emmeans(fit, ~ arm | visit))`.
    ///
    /// Errors: no such arm or visit; an arm against itself. Example: [`Mmrm::fit`].
    pub fn difference(&self, arm: usize, reference: usize, visit: usize) -> Result<TEstimate, Error> {
        self.weighted(&[(arm, visit, 1.0), (reference, visit, -1.0)])
    }

    /// Any combination of the least-squares means: (arm, visit, weight) each. R: `contrast(emmeans(fit, ~ arm * visit), ..)`.
    ///
    /// Errors: no such arm or visit; a combination that is nothing.
    pub fn weighted(&self, cells: &[(usize, usize, f64)]) -> Result<TEstimate, Error> {
        let width = self.design.width;
        let mut places = vec![0.0; self.visits.len() * width];
        for &(arm, visit, weight) in cells {
            let (a, t) = (place_of("arm", &self.arms, arm)?, place_of("visit", &self.visits, visit)?);
            for (k, at) in self.design.reference.iter().enumerate() {
                places[t * width + k] += weight * at;
            }
            if a > 0 {
                places[t * width + a] += weight;
            }
        }
        let centred =
            self.design.columns.iter().map(|column| column.iter().map(|&place| places[place]).sum());
        self.of_centred(&centred.collect::<Vec<f64>>())
    }

    /// The area under the visit means of an arm less that of the reference, by the trapezoidal rule.
    ///
    /// Both arms stand at the same baseline, so that a part from baseline to the first visit is a triangle. For the change
    /// from baseline as response the difference is the same. Errors: not one time a visit; times that do not grow; no such
    /// arm. Example: [`Mmrm::fit`].
    pub fn auc_difference(&self, arm: usize, reference: usize, auc: &Auc<'_>) -> Result<TEstimate, Error> {
        let weights = self.auc_weights(auc)?;
        let signed = [(arm, 1.0), (reference, -1.0)];
        let cells = signed.iter().flat_map(|&(arm, sign)| {
            self.visits.iter().zip(&weights.visits).map(move |(&visit, w)| (arm, visit, sign * w))
        });
        self.weighted(&cells.collect::<Vec<_>>())
    }

    /// The area under the visit means of an arm. Where it begins at the baseline, `baseline` is the response there: the mean
    /// baseline for a score, 0 for a change.
    ///
    /// Errors: as [`auc_difference`](Self::auc_difference).
    pub fn auc(&self, arm: usize, auc: &Auc<'_>, baseline: f64) -> Result<TEstimate, Error> {
        let weights = self.auc_weights(auc)?;
        let cells = self.visits.iter().zip(&weights.visits).map(|(&visit, w)| (arm, visit, *w));
        let area = self.weighted(&cells.collect::<Vec<_>>())?;
        Ok(TEstimate::against(0.0, area.estimate + weights.baseline * baseline, area.std_err, area.df))
    }

    /// The correlations of the visits within a subject.
    pub fn correlation(&self) -> Vec<Vec<f64>> {
        let deviation: Vec<f64> = self.covariance.iter().enumerate().map(|(i, row)| row[i].sqrt()).collect();
        let scaled = |(i, row): (usize, &Vec<f64>)| {
            row.iter().zip(&deviation).map(|(v, d)| v / (d * deviation[i])).collect()
        };
        self.covariance.iter().enumerate().map(scaled).collect()
    }

    fn auc_weights(&self, auc: &Auc<'_>) -> Result<AucWeights, Error> {
        crate::observations::check_length("visit_times", self.visits.len(), auc.visit_times.len())?;
        let times: Vec<f64> = auc.baseline_time.into_iter().chain(auc.visit_times.iter().copied()).collect();
        let mut weights = trapezoid_weights(&times)?;
        if auc.averaged {
            let span = times[times.len() - 1] - times[0];
            for weight in &mut weights {
                *weight /= span;
            }
        }
        let baseline = if auc.baseline_time.is_some() { weights.remove(0) } else { 0.0 };
        Ok(AucWeights { baseline, visits: weights })
    }

    fn of_centred(&self, weights: &[f64]) -> Result<TEstimate, Error> {
        let (p, of) = (weights.len(), &self.satterthwaite);
        let spread: Vec<f64> = of.variance.chunks(p).map(|row| dot(row, weights)).collect();
        let variance = dot(&spread, weights);
        if variance.is_nan() || variance <= 0.0 {
            return Err(rows::refused(
                "the contrast",
                "its weights cancel: it is 0 whatever the data".to_owned(),
            ));
        }
        // The derivative of the contrast's variance in each covariance element.
        let slope =
            |b: &Vec<f64>| spread.iter().zip(b.chunks(p)).map(|(s, row)| s * dot(row, &spread)).sum::<f64>();
        let slopes: Vec<f64> = of.slopes.iter().map(slope).collect();
        let q = slopes.len();
        let error: f64 =
            of.inverse_hessian.chunks(q).zip(&slopes).map(|(row, s)| s * dot(row, &slopes)).sum();
        let estimate = dot(weights, &self.design.centred);
        Ok(TEstimate::against(0.0, estimate, variance.sqrt(), variance * variance / error))
    }
}

struct AucWeights {
    baseline: f64,
    visits: Vec<f64>,
}

/// The weight of each time in the area under a curve by the trapezoidal rule.
///
/// Errors: fewer than two times; times that are not finite or do not grow.
///
/// ```
/// assert_eq!(survival::mmrm::trapezoid_weights(&[0.0, 12.0, 24.0, 48.0])?, [6.0, 12.0, 18.0, 12.0]);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn trapezoid_weights(times: &[f64]) -> Result<Vec<f64>, Error> {
    crate::observations::check_finite("times", times.len(), times)?;
    if times.len() < 2 {
        let allowed = "an area needs two times or more";
        return Err(Error::OutOfRange { what: "number of times", found: times.len() as f64, allowed });
    }
    if let Some(pair) = times.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(Error::OutOfRange {
            what: "times",
            found: pair[1],
            allowed: "each time must be later than the one before",
        });
    }
    let mut weights = vec![0.0; times.len()];
    for (i, pair) in times.windows(2).enumerate() {
        let half = (pair[1] - pair[0]) / 2.0;
        weights[i] += half;
        weights[i + 1] += half;
    }
    Ok(weights)
}

fn place_of(what: &'static str, labels: &[usize], label: usize) -> Result<usize, Error> {
    let allowed = "a label that the data have is needed";
    labels.iter().position(|&l| l == label).ok_or(Error::OutOfRange { what, found: label as f64, allowed })
}

/// The matrix that turns coefficients of centred columns into those of the columns as given.
fn transform(design: &Design) -> Vec<f64> {
    let (p, width, m) = (design.columns.len(), design.width, design.visits.len());
    let mut matrix: Vec<f64> = (0..p * p).map(|k| f64::from(u8::from(k % (p + 1) == 0))).collect();
    // Where a visit's intercept is kept: alone for a later visit, in the first coefficient for all.
    let intercept = |t: usize| design.columns.iter().position(|c| c.as_slice() == [t * width]);
    for (j, column) in design.columns.iter().enumerate() {
        let taken = design.centre[column[0] % width];
        if taken == 0.0 {
            continue;
        }
        let targets = if column.len() == m { Some(0) } else { intercept(column[0] / width) };
        if let Some(i) = targets {
            matrix[i * p + j] -= taken;
        }
    }
    matrix
}

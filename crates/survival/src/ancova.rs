//! Analysis of covariance: groups compared at the same values of the covariates, by ordinary least squares.
//!
//! Never fits an interaction of group and covariate: one difference holds for everybody. Fisher, *Statistical Methods for
//! Research Workers*, 1932; Searle, Speed & Milliken, Am Stat 1980;34:216-221 (adjusted means). R: `lm`, `emmeans`.

use crate::cox::Covariates;
use crate::linear::{LeastSquares, quadratic, wald};
use crate::observations::{check_finite, check_length};
use crate::order::Codes;
use crate::{Error, FTest, TEstimate};
use serde::Serialize;

/// At which covariates an adjusted mean is taken where a covariate is a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Margins {
    /// Each level of a factor counts the same, as in R's `emmeans` and SAS's LSMEANS.
    #[default]
    Equal,
    /// Each level counts as often as it was seen. R: `emmeans(.., weights = "proportional")`.
    Observed,
}

/// The fit of a response by group and covariates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ancova {
    /// The labels of the groups, ascending; the first is the reference.
    pub groups: Vec<usize>,
    /// Number of subjects in each group.
    pub n: Vec<usize>,
    /// Names of the coefficients: the intercept, the groups but the first, the covariates.
    pub names: Vec<String>,
    /// The coefficients.
    pub coefficients: Vec<f64>,
    /// Their covariance.
    pub variance: Vec<Vec<f64>>,
    /// Residual degrees of freedom.
    pub df: f64,
    /// Residual standard deviation.
    pub sigma: f64,
    /// Part of the variance explained.
    pub r_squared: f64,
    /// The reference values of the covariates by [`Margins`]: equal, observed.
    #[serde(skip)]
    reference: [Vec<f64>; 2],
}

impl Ancova {
    /// Fits `response` by `group` and `covariates` (which may be empty: one-way analysis of variance).
    ///
    /// R: `lm(response ~ factor(group) + covariates)`. Errors: lengths differ; a value is not finite; no residual degrees of
    /// freedom; a covariate determined by the others; a perfect fit.
    ///
    /// ```
    /// use survival::{ancova::{Ancova, Margins}, cox::Covariates};
    /// // R: d <- data.frame(y = c(4.2, 5.1, 6.8, 5.9, 7.4, 8.3), g = c(0, 0, 0, 1, 1, 1), x = c(1, 2, 4, 1, 3, 4))
    /// //    fit <- lm(y ~ factor(g) + x, d); library(emmeans); emmeans(fit, ~ g); pairs(emmeans(fit, ~ g))
    /// let y = [4.2, 5.1, 6.8, 5.9, 7.4, 8.3];
    /// let x = [1.0, 2.0, 4.0, 1.0, 3.0, 4.0];
    /// let fit = Ancova::fit(&y, &[0, 0, 0, 1, 1, 1], &Covariates::new().with("x", &x))?;
    /// assert!((fit.difference(1, 0)?.estimate - 1.557_142_857_142_857).abs() < 1e-9);
    /// assert!((fit.difference(1, 0)?.std_err - 0.065_638_327_390_905_8).abs() < 1e-9);
    /// assert!((fit.adjusted_mean(0, Margins::Equal)?.estimate - 5.504_761_904_761_905).abs() < 1e-9);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn fit(response: &[f64], group: &[usize], covariates: &Covariates<'_>) -> Result<Self, Error> {
        let n = response.len();
        if n == 0 {
            return Err(Error::Empty);
        }
        check_finite("response", n, response)?;
        check_length("group", n, group.len())?;
        let extra = if covariates.is_empty() { Vec::new() } else { covariates.check(n)? };
        let codes = Codes::of(group);
        let names = coefficient_names(&codes, covariates);
        let columns = columns(n, &codes, &extra);
        if n <= columns.len() {
            let why = format!("{n} subjects for {} coefficients leave no degrees of freedom", columns.len());
            return Err(Error::NotEstimable { what: "the residual variance".to_owned(), why });
        }
        let fit = LeastSquares::fit(&names, &columns, response)?;
        let df = (n - columns.len()) as f64;
        let variance = fit.residual_squares / df;
        let mean = response.iter().sum::<f64>() / n as f64;
        let total: f64 = response.iter().map(|y| (y - mean).powi(2)).sum();
        // Nothing but rounding is left where a standard deviation is 1e-13 of the responses.
        let squares: f64 = response.iter().map(|y| y * y).sum();
        if fit.residual_squares <= 1e-26 * squares {
            let why = "the model fits the response perfectly".to_owned();
            return Err(Error::NotEstimable { what: "the residual variance".to_owned(), why });
        }
        let scaled = fit.unscaled.iter().map(|row| row.iter().map(|v| v * variance).collect()).collect();
        let sizes =
            (0..codes.len()).map(|c| codes.code.iter().filter(|&&k| k as usize == c).count()).collect();
        Ok(Self {
            n: sizes,
            names,
            coefficients: fit.coefficients,
            variance: scaled,
            df,
            sigma: variance.sqrt(),
            r_squared: 1.0 - fit.residual_squares / total,
            reference: reference(covariates, &extra),
            groups: codes.labels,
        })
    }

    /// A coefficient against 0, by its place among the names. R: `summary(lm(..))$coefficients`.
    ///
    /// ```
    /// # use survival::{ancova::Ancova, cox::Covariates};
    /// let fit = Ancova::fit(&[4.2, 5.1, 6.8, 5.9, 7.4], &[0, 0, 0, 1, 1], &Covariates::new())?;
    /// // R: summary(lm(c(4.2, 5.1, 6.8, 5.9, 7.4) ~ factor(c(0, 0, 0, 1, 1))))$coefficients[2, ]
    /// assert!((fit.coefficient(1).estimate - 1.283_333_333_333_33).abs() < 1e-12);
    /// # Ok::<(), survival::Error>(())
    /// ```
    ///
    /// # Panics
    /// Where there is no such coefficient.
    pub fn coefficient(&self, place: usize) -> TEstimate {
        let std_err = self.variance[place][place].sqrt();
        TEstimate::against(0.0, self.coefficients[place], std_err, self.df)
    }

    /// The adjusted (least-squares) mean of a group: its mean at the covariates' reference values. R: `emmeans(fit, ~ group)`.
    ///
    /// Numeric covariates are at their mean over all subjects; for factors see [`Margins`]. Errors: no such group.
    /// Example: [`Ancova::fit`].
    pub fn adjusted_mean(&self, group: usize, margins: Margins) -> Result<TEstimate, Error> {
        self.weighted(&[(group, 1.0)], margins)
    }

    /// The adjusted mean of a group less that of another. R: `pairs(emmeans(fit, ~ group))`, without adjustment.
    ///
    /// Errors: no such group. Example: [`Ancova::fit`].
    pub fn difference(&self, group: usize, reference: usize) -> Result<TEstimate, Error> {
        self.weighted(&[(group, 1.0), (reference, -1.0)], Margins::Equal)
    }

    /// Any combination of the adjusted means. R: `contrast(emmeans(fit, ~ group), list(c(..)))`.
    ///
    /// `weights` names groups with their weights. Errors: no such group.
    ///
    /// ```
    /// # use survival::{ancova::{Ancova, Margins}, cox::Covariates};
    /// let fit = Ancova::fit(&[1.0, 2.0, 4.0, 5.0, 7.0, 9.0], &[1, 1, 2, 2, 3, 3], &Covariates::new())?;
    /// // R: contrast(emmeans(lm(c(1, 2, 4, 5, 7, 9) ~ g), ~ g), list(c(-1, 0.5, 0.5)))   # g <- gl(3, 2)
    /// let rest = fit.weighted(&[(1, -1.0), (2, 0.5), (3, 0.5)], Margins::Equal)?;
    /// assert!((rest.estimate - 4.75).abs() < 1e-12 && (rest.std_err - 0.866_025_403_784_439).abs() < 1e-12);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn weighted(&self, weights: &[(usize, f64)], margins: Margins) -> Result<TEstimate, Error> {
        let mut row = vec![0.0; self.coefficients.len()];
        for &(group, weight) in weights {
            let code = self.groups.iter().position(|&g| g == group).ok_or(Error::OutOfRange {
                what: "group",
                found: group as f64,
                allowed: "one of the groups in the data is needed",
            })?;
            row[0] += weight;
            if code > 0 {
                row[code] += weight;
            }
            let at = &self.reference[usize::from(margins == Margins::Observed)];
            row[self.groups.len()..].iter_mut().zip(at).for_each(|(r, v)| *r += weight * v);
        }
        let estimate = crate::linalg::dot(&row, &self.coefficients);
        Ok(TEstimate::against(0.0, estimate, quadratic(&self.variance, &row).max(0.0).sqrt(), self.df))
    }

    /// Whether any group differs from another at the same covariates. R: `drop1(fit, . ~ ., test = "F")`, or `Anova(fit)`.
    ///
    /// Errors: one group.
    ///
    /// ```
    /// # use survival::{ancova::Ancova, cox::Covariates};
    /// let fit = Ancova::fit(&[1.0, 2.0, 4.0, 5.0, 7.0, 9.0], &[1, 1, 2, 2, 3, 3], &Covariates::new())?;
    /// // R: anova(lm(c(1, 2, 4, 5, 7, 9) ~ gl(3, 2)))
    /// assert!((fit.group_test()?.statistic - 21.166_666_666_666_67).abs() < 1e-9);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn group_test(&self) -> Result<FTest, Error> {
        let which: Vec<usize> = (1..self.groups.len()).collect();
        if which.is_empty() {
            return Err(Error::OneGroup { label: self.groups[0] });
        }
        let df1 = which.len() as f64;
        let statistic = wald(&self.coefficients, &self.variance, &which).unwrap_or(f64::NAN) / df1;
        Ok(FTest::new(statistic, df1, self.df))
    }
}

fn coefficient_names(codes: &Codes, covariates: &Covariates<'_>) -> Vec<String> {
    let groups = codes.labels.iter().skip(1).map(|label| format!("group{label}"));
    std::iter::once("(Intercept)".to_owned())
        .chain(groups)
        .chain(covariates.names().iter().cloned())
        .collect()
}

fn columns(n: usize, codes: &Codes, extra: &[&[f64]]) -> Vec<Vec<f64>> {
    let indicator = |c: usize| codes.code.iter().map(|&k| f64::from(u8::from(k as usize == c))).collect();
    let mut columns = vec![vec![1.0; n]];
    columns.extend((1..codes.len()).map(indicator));
    columns.extend(extra.iter().map(|c| c.to_vec()));
    columns
}

/// Where the covariates stand for an adjusted mean: factors level for level, and as seen.
fn reference(covariates: &Covariates<'_>, extra: &[&[f64]]) -> [Vec<f64>; 2] {
    let observed: Vec<f64> = extra.iter().map(|c| c.iter().sum::<f64>() / c.len() as f64).collect();
    let mut equal = observed.clone();
    for term in covariates.terms() {
        // A numeric covariate has one column named as itself; a factor's columns bear their level.
        let is_factor = term.columns.iter().any(|&c| covariates.names()[c] != term.name);
        if is_factor {
            let share = 1.0 / (term.columns.len() + 1) as f64;
            term.columns.iter().for_each(|&c| equal[c] = share);
        }
    }
    [equal, observed]
}

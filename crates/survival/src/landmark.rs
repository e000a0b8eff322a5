//! Landmark estimates: survival at a chosen time, its contrast between groups, and the sample still at risk at it.
//!
//! Never chooses the landmark. Anderson, Cain & Gelber, J Clin Oncol 1983;1:710-719; contrasts on the log-log scale
//! Klein, Logan, Harhoff & Andersen, Stat Med 2007;26:4505-4519. R: `summary(survfit(..), times)`.

use crate::distribution::two_sided_quantile;
use crate::km::KaplanMeier;
use crate::{ConfType, Error, Estimate, Test};
use serde::Serialize;

/// Survival at a landmark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Landmark {
    /// The landmark.
    pub time: f64,
    /// S(time).
    pub surv: f64,
    /// Greenwood standard error; NaN where S is 0.
    pub std_err: f64,
    /// Limits, where the scale has them.
    pub limits: Option<(f64, f64)>,
    /// At risk at the landmark.
    pub n_risk: f64,
    /// Events up to it.
    pub n_event: f64,
}

impl KaplanMeier {
    /// Survival at `time` with limits at confidence `level`.
    ///
    /// `None` after the last time anybody was followed: there the curve says nothing (R: no row, unless `extend`).
    pub fn landmark(&self, time: f64, conf_type: ConfType, level: f64) -> Option<Landmark> {
        let end = *self.time.last()?;
        (time <= end || self.surv.last() == Some(&0.0)).then(|| Landmark {
            time,
            surv: self.at(time),
            std_err: self.std_err_at(time),
            limits: self.limits_at(time, conf_type, level),
            n_risk: self.n_risk_at(time),
            n_event: self.n_event_by(time),
        })
    }
}

/// How survival at a landmark differs between two independent groups.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LandmarkContrast {
    /// S of the second less S of the first, with Greenwood standard errors.
    pub difference: Estimate,
    /// The test on the log(-log S) scale, which keeps its level in small samples; `None` where a curve is at 0 or 1.
    pub log_log_test: Option<Test>,
}

/// Contrasts survival at `time`: `second` against `first`.
///
/// Errors: a curve ends before the landmark, or both have no standard error there.
///
/// ```
/// use survival::{km::KaplanMeier, landmark};
/// let a = KaplanMeier::fit(&[1.0, 2.0, 3.0, 9.0], &[true, true, true, false])?;
/// let b = KaplanMeier::fit(&[4.0, 5.0, 8.0, 9.0], &[true, false, true, false])?;
/// assert_eq!(landmark::compare(&a, &b, 4.0)?.difference.estimate, 0.5);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn compare(first: &KaplanMeier, second: &KaplanMeier, time: f64) -> Result<LandmarkContrast, Error> {
    let missing =
        |why: &str| Error::NotEstimable { what: format!("the contrast at {time}"), why: why.to_owned() };
    let estimate = |km: &KaplanMeier| {
        km.landmark(time, ConfType::Plain, 0.95).ok_or_else(|| missing("a group was not followed that long"))
    };
    let (a, b) = (estimate(first)?, estimate(second)?);
    let std_err = a.std_err.hypot(b.std_err);
    if std_err.is_nan() || std_err == 0.0 {
        return Err(missing("the estimates have no standard error there (S is 0, or 1 in both groups)"));
    }
    let scaled = |l: &Landmark| {
        let log = l.surv.ln();
        ((-log).ln(), l.std_err / (l.surv * log))
    };
    let ((ya, sa), (yb, sb)) = (scaled(&a), scaled(&b));
    let statistic = (ya - yb).powi(2) / (sa * sa + sb * sb);
    Ok(LandmarkContrast {
        difference: Estimate::of_difference(b.surv - a.surv, std_err),
        log_log_test: statistic.is_finite().then(|| Test::chi_squared(statistic, 1)),
    })
}

/// The rows still under observation at `landmark` (their time is later), for an analysis that starts there.
///
/// Subtract the landmark from their times, or give it as their entry: the estimates are the same.
pub fn still_at_risk(time: &[f64], landmark: f64) -> Vec<usize> {
    (0..time.len()).filter(|&i| time[i] > landmark).collect()
}

/// Survival at `time` for those who lived to `landmark`: S(time) / S(landmark), with limits at confidence `level` on
/// the log scale.
///
/// `None` where S(landmark) is 0, `time` is not later than the landmark, or nobody was followed to `time`.
pub fn conditional(km: &KaplanMeier, landmark: f64, time: f64, level: f64) -> Option<(f64, (f64, f64))> {
    let at = km.landmark(time, ConfType::Log, level)?;
    let alive = km.at(landmark);
    if !(time > landmark && alive > 0.0 && at.surv > 0.0) {
        return None;
    }
    let relative = |surv: f64, std_err: f64| (std_err / surv).powi(2);
    let variance = relative(at.surv, at.std_err) - relative(alive, km.std_err_at(landmark));
    let (estimate, half) = (at.surv / alive, two_sided_quantile(level) * variance.max(0.0).sqrt());
    Some((estimate, (estimate * (-half).exp(), (estimate * half.exp()).min(1.0))))
}

//! Whether hazards are proportional: tests under functions of time, and the residuals to look at.
//!
//! Never decides; a plot is judged by eye. Grambsch & Therneau, Biometrika 1994;81:515-526; R's `cox.zph`.

use survival::cox::{CoxFit, TimeTransform};
use survival::km::KaplanMeier;

use trial::date::DAYS_PER_MONTH;
use trial::protocol::TieMethod;

use super::{Data, Pair};
use crate::arms::Arms;
use crate::results::{HazardCheck, HazardResidual, HazardTest};
use crate::row::SubjectRow;

const TRANSFORMS: [(TimeTransform, &str, &str); 4] = [
    (TimeTransform::Km, "km", "1 - Kaplan-Meier"),
    (TimeTransform::Rank, "rank", "rank of time"),
    (TimeTransform::Identity, "identity", "time"),
    (TimeTransform::Log, "log", "log of time"),
];

/// One check a comparison that has a hazard ratio.
pub fn checks(
    data: &Data<'_>,
    arms: &Arms,
    rows: &[SubjectRow],
    ties: TieMethod,
    level: f64,
) -> Vec<HazardCheck> {
    let pairs = arms.against_control().map(|(arm, control)| Pair {
        data: data.only(&[arm, control]),
        arms,
        arm,
        control,
        ties,
        level,
    });
    pairs.filter_map(|pair| check(&pair, rows)).collect()
}

fn check(pair: &Pair<'_>, rows: &[SubjectRow]) -> Option<HazardCheck> {
    // Why there is no model stands with the comparison already.
    let fit = pair.cox(&mut |_| ())?;
    let tests: Vec<HazardTest> = TRANSFORMS.iter().filter_map(|transform| test(&fit, *transform)).collect();
    let residuals = residuals(pair, &fit, rows)?;
    (!tests.is_empty()).then(|| HazardCheck {
        arm: pair.arms.id(pair.arm).clone(),
        control: pair.arms.id(pair.control).clone(),
        tests,
        log_hazard_ratio: fit.coefficients[0],
        trend: line(&residuals),
        residuals,
    })
}

fn test(fit: &CoxFit, (transform, code, over): (TimeTransform, &str, &str)) -> Option<HazardTest> {
    let test = fit.zph(transform).ok()?.rows.into_iter().next()?.test;
    test.p_value.is_finite().then(|| HazardTest {
        over: over.to_owned(),
        transform: code.to_owned(),
        chisq: test.statistic,
        p: test.p_value,
    })
}

/// As `cox.zph` has them, without the events of strata that hold one arm only.
fn residuals(pair: &Pair<'_>, fit: &CoxFit, rows: &[SubjectRow]) -> Option<Vec<HazardResidual>> {
    let data = &pair.data;
    let km = KaplanMeier::fit(&data.time, &data.event).ok()?;
    let place = |t: f64| {
        let before = km.time.partition_point(|at| *at < t).checked_sub(1);
        1.0 - before.map_or(1.0, |at| km.surv[at])
    };
    let found = fit.scaled_schoenfeld().ok()?;
    let kept: Vec<usize> = (0..found.row.len()).filter(|i| compares(data, found.row[*i])).collect();
    // The scale is the information an event carries, and one in a stratum of one arm carries none.
    let share = kept.len() as f64 / found.row.len().max(1) as f64;
    let ratio = fit.coefficients[0];
    let mut residuals: Vec<HazardResidual> = kept
        .into_iter()
        .map(|i| {
            let row = &rows[data.row[found.row[i]]];
            HazardResidual {
                subject: row.detail.traces.then(|| row.subject.clone()),
                months: found.time[i] / DAYS_PER_MONTH,
                place: place(found.time[i]),
                value: ratio + share * (found.residual[i][0] - ratio),
            }
        })
        .collect();
    residuals.sort_by(|a, b| a.months.total_cmp(&b.months));
    residuals.iter().all(|residual| residual.value.is_finite()).then_some(residuals)
}

/// Whether both arms are in the stratum of a subject; everybody is in one where the analysis is not stratified.
fn compares(data: &Data<'_>, i: usize) -> bool {
    let together = |other: &usize| !data.stratified || data.stratum[*other] == data.stratum[i];
    (0..data.arm.len()).filter(together).any(|other| data.arm[other] != data.arm[i])
}

/// The line of least squares: at 0, and per unit.
fn line(residuals: &[HazardResidual]) -> Option<(f64, f64)> {
    let n = residuals.len() as f64;
    let mean_of = |of: fn(&HazardResidual) -> f64| residuals.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean_of(|r| r.place), mean_of(|r| r.value));
    let squares: f64 = residuals.iter().map(|r| (r.place - x).powi(2)).sum();
    let products: f64 = residuals.iter().map(|r| (r.place - x) * (r.value - y)).sum();
    (squares > 0.0).then(|| (y - products / squares * x, products / squares))
}

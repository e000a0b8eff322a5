//! Gray's test: whether the cumulative incidence of one cause differs between groups.
//!
//! Never a log-rank test of the cause-specific hazard, which asks something else. Gray, Ann Stat 1988;16:1141-1154,
//! with the corrections for ties of R's `cmprsk::cuminc`, whose values these are.

use crate::observations::check_length;
use crate::order::Codes;
use crate::{Error, Observations, Test, linalg};
use serde::Serialize;

/// Gray's test for one cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gray {
    /// The cause compared.
    pub cause: usize,
    /// The labels, ascending; the score leaves out the last.
    pub groups: Vec<usize>,
    /// Score of each group but the last: above 0 where the cause came sooner than expected.
    pub score: Vec<f64>,
    /// Its covariance.
    pub variance: Vec<Vec<f64>>,
    /// The test on groups - 1 degrees of freedom.
    pub test: Test,
}

/// Compares the cumulative incidence of `cause_of_interest` between groups.
///
/// `cause[i]` is 0 where the time is censored. `strata`, if any, are summed over; `rho` weights as (1 - F)^rho. Errors:
/// lengths differ, bad times, one group only, the cause never seen, or a score without variance (R gives -1).
///
/// ```
/// use survival::gray::gray;
/// let time = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let test = gray(&time, &[1, 2, 1, 1, 0, 2], 1, &[0, 1, 0, 1, 0, 1], None, 0.0)?;
/// assert!(test.test.p_value > 0.1);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn gray(
    time: &[f64],
    cause: &[usize],
    cause_of_interest: usize,
    group: &[usize],
    strata: Option<&[usize]>,
    rho: f64,
) -> Result<Gray, Error> {
    let n = time.len();
    check_length("cause", n, cause.len())?;
    check_length("group", n, group.len())?;
    if let Some(s) = strata {
        check_length("strata", n, s.len())?;
    }
    if !rho.is_finite() {
        return Err(Error::OutOfRange { what: "rho", found: rho, allowed: "a finite exponent is needed" });
    }
    let event: Vec<bool> = cause.iter().map(|&c| c != 0).collect();
    let (groups, strata) = (Codes::of(group), strata.map(Codes::of));
    let sorted = Observations::new(time, &event).sorted(strata.as_ref())?;
    if groups.len() == 1 {
        return Err(Error::OneGroup { label: groups.labels[0] });
    }
    if cause_of_interest == 0 || !cause.contains(&cause_of_interest) {
        return Err(Error::NoEvents);
    }
    let k = groups.len();
    let (mut score, mut variance) = (vec![0.0; k - 1], vec![0.0; (k - 1) * (k - 1)]);
    let stratum_of = |row: u32| strata.as_ref().map_or(0, |s| s.code[row as usize]);
    for rows in sorted.order.chunk_by(|&a, &b| stratum_of(a) == stratum_of(b)) {
        let mut course = Course::new(k, rho);
        for &row in rows {
            course.groups[groups.code[row as usize] as usize].at_risk += 1.0;
        }
        for tied in rows.chunk_by(|&a, &b| sorted.time[a as usize] == sorted.time[b as usize]) {
            let mut counts =
                Counts { of_interest: vec![0.0; k], competing: vec![0.0; k], leaving: vec![0.0; k] };
            for &row in tied {
                let (row, g) = (row as usize, groups.code[row as usize] as usize);
                counts.leaving[g] += 1.0;
                match cause[row] {
                    0 => (),
                    c if c == cause_of_interest => counts.of_interest[g] += 1.0,
                    _ => counts.competing[g] += 1.0,
                }
            }
            course.pass(&counts);
        }
        course.finish(&mut score, &mut variance);
    }
    let statistic = linalg::quadratic_form(&variance, &score).ok_or_else(|| Error::NotEstimable {
        what: "Gray's test".to_owned(),
        why: "the scores have no variance: groups are not at risk together when the cause occurs".to_owned(),
    })?;
    Ok(Gray {
        cause: cause_of_interest,
        groups: groups.labels,
        test: Test::chi_squared(statistic, k - 1),
        variance: linalg::rows(&variance, k - 1),
        score,
    })
}

/// Who has what at one time, by group.
struct Counts {
    of_interest: Vec<f64>,
    competing: Vec<f64>,
    leaving: Vec<f64>,
}

/// One group as time passes; names follow Gray's paper.
#[derive(Clone)]
struct Group {
    at_risk: f64,
    /// Event-free probability just before the time, and after it.
    free_before: f64,
    free: f64,
    /// Incidence of the cause likewise.
    incidence_before: f64,
    incidence: f64,
    /// Accumulated variance of the group's martingale, and its covariance with the scores.
    own: f64,
    with_scores: Vec<f64>,
}

struct Course {
    k: usize,
    rho: f64,
    groups: Vec<Group>,
    /// Pooled incidence just before the time.
    pooled: f64,
    /// k * k: the integral of the weights `a`.
    integral: Vec<f64>,
    score: Vec<f64>,
    variance: Vec<f64>,
}

impl Course {
    fn new(k: usize, rho: f64) -> Self {
        let group = Group {
            at_risk: 0.0,
            free_before: 1.0,
            free: 1.0,
            incidence_before: 0.0,
            incidence: 0.0,
            own: 0.0,
            with_scores: vec![0.0; k - 1],
        };
        Self {
            k,
            rho,
            groups: vec![group; k],
            pooled: 0.0,
            integral: vec![0.0; k * k],
            score: vec![0.0; k - 1],
            variance: vec![0.0; (k - 1) * (k - 1)],
        }
    }

    fn pass(&mut self, counts: &Counts) {
        let of_interest: f64 = counts.of_interest.iter().sum();
        let competing: f64 = counts.competing.iter().sum();
        if of_interest + competing > 0.0 {
            self.events(counts, of_interest);
        }
        for (group, leaving) in self.groups.iter_mut().zip(&counts.leaving) {
            group.at_risk -= leaving;
            group.free_before = group.free;
            group.incidence_before = group.incidence;
        }
    }

    fn events(&mut self, counts: &Counts, of_interest: f64) {
        let k = self.k;
        // The risk set as it would be had nobody had a competing event.
        let mut inflated = vec![0.0; k];
        let mut still_free = vec![0.0; k];
        for (g, group) in self.groups.iter_mut().enumerate().filter(|(_, group)| group.at_risk > 0.0) {
            let events = counts.of_interest[g] + counts.competing[g];
            group.free = group.free_before * (group.at_risk - events) / group.at_risk;
            group.incidence =
                group.incidence_before + group.free_before * counts.of_interest[g] / group.at_risk;
            inflated[g] = group.at_risk / group.free_before;
            still_free[g] = inflated[g] * (1.0 - group.incidence_before);
        }
        let (total, total_free): (f64, f64) = (inflated.iter().sum(), still_free.iter().sum());
        let pooled_before = self.pooled;
        self.pooled += of_interest / total;
        let weight = (1.0 - pooled_before).powf(self.rho);
        let mut a = vec![0.0; k * k];
        for g in 0..k {
            for h in 0..k {
                let own = if g == h { inflated[g] } else { 0.0 };
                a[g * k + h] = weight * (own - inflated[g] * inflated[h] / total);
                self.integral[g * k + h] += a[g * k + h] * of_interest / (total * (1.0 - pooled_before));
            }
        }
        for ((score, seen), free) in self.score.iter_mut().zip(&counts.of_interest).zip(&still_free) {
            *score += weight * (seen - of_interest * free / total_free);
        }
        for g in 0..k {
            let group = &self.groups[g];
            let (n, free_before) = (group.at_risk, group.free_before);
            if n <= 0.0 {
                continue;
            }
            let survivors = if group.free > 0.0 { Some((1.0 - self.pooled) / group.free) } else { None };
            if of_interest > 0.0 {
                let ties = tie_correction(of_interest, total * free_before);
                let part = 1.0 - survivors.unwrap_or(0.0);
                self.add_variance(g, part, Some(&a), ties * free_before * of_interest / (total * n));
            }
            let competing = counts.competing[g];
            if let Some(survivors) = survivors.filter(|_| competing > 0.0) {
                let ties = tie_correction(competing, n);
                self.add_variance(g, -survivors, None, ties * free_before.powi(2) * competing / (n * n));
            }
        }
    }

    /// Adds what the events of group `g` at this time leave uncertain. `part` is how much of them moves the incidence.
    fn add_variance(&mut self, g: usize, part: f64, a: Option<&[f64]>, size: f64) {
        let k = self.k;
        let term = |i: usize| a.map_or(0.0, |a| a[i * k + g]) - part * self.integral[i * k + g];
        let terms: Vec<f64> = (0..k - 1).map(term).collect();
        self.groups[g].own += part * part * size;
        for i in 0..k - 1 {
            self.groups[g].with_scores[i] += terms[i] * part * size;
            for j in 0..k - 1 {
                self.variance[i * (k - 1) + j] += terms[i] * terms[j] * size;
            }
        }
    }

    fn finish(self, score: &mut [f64], variance: &mut [f64]) {
        let k = self.k;
        score.iter_mut().zip(&self.score).for_each(|(s, own)| *s += own);
        for i in 0..k - 1 {
            for j in 0..k - 1 {
                let mut v = self.variance[i * (k - 1) + j];
                for (g, group) in self.groups.iter().enumerate() {
                    let (ci, cj) = (self.integral[i * k + g], self.integral[j * k + g]);
                    v += ci * cj * group.own + ci * group.with_scores[j] + cj * group.with_scores[i];
                }
                variance[i * (k - 1) + j] += v;
            }
        }
    }
}

fn tie_correction(events: f64, n: f64) -> f64 {
    if events > 1.0 { 1.0 - (events - 1.0) / (n - 1.0) } else { 1.0 }
}

//! The log-rank test and its weighted kin (Fleming-Harrington) for k groups, stratified or not.
//!
//! Never says which group is better by how much (see [`crate::cox`]). Mantel 1966; Peto & Peto 1972; Harrington &
//! Fleming, Biometrika 1982;69:553-566. R: `survdiff(Surv(time, event) ~ group + strata(s), rho)`.

use crate::observations::{Sorted, check_length};
use crate::order::Codes;
use crate::{Error, Observations, Test, linalg};
use serde::Serialize;

/// The weight S(t-)^rho (1 - S(t-))^gamma of an event at t, S the pooled Kaplan-Meier estimate of the stratum.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct FlemingHarrington {
    /// Weight on early differences; 1 with gamma 0 is the Peto-Peto test as R computes it.
    pub rho: f64,
    /// Weight on late differences.
    pub gamma: f64,
}

impl FlemingHarrington {
    pub(crate) fn weight(self, surv: f64) -> f64 {
        let early = if self.rho == 0.0 { 1.0 } else { surv.powf(self.rho) };
        let late = if self.gamma == 0.0 { 1.0 } else { (1.0 - surv).powf(self.gamma) };
        early * late
    }

    fn check(self) -> Result<(), Error> {
        let allowed = "a finite exponent, 0 or above, is needed";
        for (what, found) in [("rho", self.rho), ("gamma", self.gamma)] {
            if !(found.is_finite() && found >= 0.0) {
                return Err(Error::OutOfRange { what, found, allowed });
            }
        }
        Ok(())
    }
}

/// Observed and expected events by group, and the test that they agree.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LogRank {
    /// The labels, ascending; the other fields follow this order.
    pub groups: Vec<usize>,
    /// Subjects in each group.
    pub n: Vec<usize>,
    /// Weighted events seen, over all strata.
    pub observed: Vec<f64>,
    /// Weighted events expected if no group differed, over all strata.
    pub expected: Vec<f64>,
    /// Covariance of observed - expected; singular, for its rows sum to 0.
    pub variance: Vec<Vec<f64>>,
    /// Chi-squared on the groups with expected events, less 1; on 0 degrees of freedom (probability 1) where only one
    /// has any.
    pub test: Test,
}

impl LogRank {
    /// Standard normal statistic of the second of two groups: above 0 where it had more events than expected.
    ///
    /// `None` for other than two groups or without variance.
    pub fn z(&self) -> Option<f64> {
        let two = self.groups.len() == 2 && self.variance[1][1] > 0.0;
        two.then(|| (self.observed[1] - self.expected[1]) / self.variance[1][1].sqrt())
    }
}

/// Log-rank (`rho` = 0), Peto-Peto (`rho` = 1) and between, for right-censored times.
///
/// One value a subject in every slice; labels are any numbers. Errors: lengths differ, bad times, one group only, no
/// event, groups that are never at risk together (where R's `survdiff` stops at a singular matrix).
///
/// ```
/// use survival::logrank::logrank;
/// let test = logrank(&[1.0, 2.0, 3.0, 4.0], &[true, true, false, false], &[0, 0, 1, 1], None, 0.0)?;
/// assert_eq!(test.observed, [2.0, 0.0]);
/// assert!((test.test.statistic - 2.882_352_941_176).abs() < 1e-12);
/// # Ok::<(), survival::Error>(())
/// ```
pub fn logrank(
    time: &[f64],
    event: &[bool],
    group: &[usize],
    strata: Option<&[usize]>,
    rho: f64,
) -> Result<LogRank, Error> {
    weighted(&Observations::new(time, event), group, strata, FlemingHarrington { rho, gamma: 0.0 })
}

/// The Fleming-Harrington test with left truncation and case weights (as counts) where `observations` have them.
pub fn weighted(
    observations: &Observations<'_>,
    group: &[usize],
    strata: Option<&[usize]>,
    weight: FlemingHarrington,
) -> Result<LogRank, Error> {
    family(observations, group, strata, &[weight])?.test(0)
}

/// Several weightings of the same events, with the covariance between them.
pub(crate) fn family(
    observations: &Observations<'_>,
    group: &[usize],
    strata: Option<&[usize]>,
    weights: &[FlemingHarrington],
) -> Result<Family, Error> {
    weights.iter().try_for_each(|w| w.check())?;
    check_length("group", observations.time.len(), group.len())?;
    if let Some(s) = strata {
        check_length("strata", observations.time.len(), s.len())?;
    }
    let groups = Codes::of(group);
    let strata = strata.map(Codes::of);
    let sorted = observations.sorted(strata.as_ref())?;
    if groups.len() == 1 {
        return Err(Error::OneGroup { label: groups.labels[0] });
    }
    if !observations.event.contains(&true) {
        return Err(Error::NoEvents);
    }
    let mut family = Family::new(&groups, weights.len());
    groups.code.iter().for_each(|&g| family.n[g as usize] += 1);
    Sweep { observations, sorted: &sorted, groups: &groups, weights }.run(strata.as_ref(), &mut family);
    Ok(family)
}

/// Sums over event times for m weightings and k groups.
pub(crate) struct Family {
    groups: Vec<usize>,
    n: Vec<usize>,
    m: usize,
    /// m * k.
    observed: Vec<f64>,
    expected: Vec<f64>,
    /// m * m * k * k; the off-diagonal blocks are covariances between weightings.
    variance: Vec<f64>,
}

impl Family {
    fn new(groups: &Codes, m: usize) -> Self {
        let k = groups.len();
        Self {
            groups: groups.labels.clone(),
            n: vec![0; k],
            m,
            observed: vec![0.0; m * k],
            expected: vec![0.0; m * k],
            variance: vec![0.0; m * m * k * k],
        }
    }

    fn block(&self, a: usize, b: usize) -> &[f64] {
        let k2 = self.groups.len().pow(2);
        &self.variance[(a * self.m + b) * k2..][..k2]
    }

    /// Covariance between weightings `a` and `b` of observed - expected in the last group.
    pub fn covariance(&self, a: usize, b: usize) -> f64 {
        self.block(a, b).last().copied().unwrap_or(0.0)
    }

    /// Number of groups.
    pub fn k(&self) -> usize {
        self.groups.len()
    }

    /// Standard normal statistic of the last group with weighting `a`; `None` without variance.
    pub fn z(&self, a: usize) -> Option<f64> {
        let (last, variance) = ((a + 1) * self.k() - 1, self.covariance(a, a));
        (variance > 0.0).then(|| (self.observed[last] - self.expected[last]) / variance.sqrt())
    }

    /// The test with weighting `a`.
    pub fn test(&self, a: usize) -> Result<LogRank, Error> {
        let k = self.k();
        let observed = self.observed[a * k..][..k].to_vec();
        let expected = self.expected[a * k..][..k].to_vec();
        let variance = self.block(a, a);
        // A group nobody of which was ever at risk at an event has no say; the first of the others is implied.
        let informed: Vec<usize> = (0..k).filter(|&g| expected[g] > 0.0).skip(1).collect();
        let difference: Vec<f64> = informed.iter().map(|&g| observed[g] - expected[g]).collect();
        let submatrix: Vec<f64> =
            informed.iter().flat_map(|&g| informed.iter().map(move |&h| variance[g * k + h])).collect();
        let statistic = linalg::quadratic_form(&submatrix, &difference).ok_or_else(|| Error::NotEstimable {
            what: "the log-rank test".to_owned(),
            why: "some groups are never at risk together with others at an event, so they cannot be compared".to_owned(),
        })?;
        Ok(LogRank {
            groups: self.groups.clone(),
            n: self.n.clone(),
            test: Test::chi_squared(statistic.max(0.0), informed.len()),
            variance: linalg::rows(variance, k),
            observed,
            expected,
        })
    }
}

/// One pass back in time through each stratum.
struct Sweep<'a> {
    observations: &'a Observations<'a>,
    sorted: &'a Sorted<'a>,
    groups: &'a Codes,
    weights: &'a [FlemingHarrington],
}

/// What an event time adds: deaths in all and by group are taken from the sweep's own counts.
struct AtTime {
    /// Left-continuous pooled survival.
    surv: f64,
    deaths: f64,
}

impl Sweep<'_> {
    fn run(&self, strata: Option<&Codes>, family: &mut Family) {
        let order = &self.sorted.order;
        let stratum_of = |row: u32| strata.map_or(0, |s| s.code[row as usize]);
        let mut entries = self.sorted.entry.as_ref().map_or(&[][..], |e| &e.order[..]);
        let mut start = 0;
        while start < order.len() {
            let stratum = stratum_of(order[start]);
            let end = start + order[start..].partition_point(|&row| stratum_of(row) == stratum);
            let of_stratum = entries.partition_point(|&row| stratum_of(row) == stratum);
            let (own, rest) = entries.split_at(of_stratum);
            entries = rest;
            self.stratum(&order[start..end], own, family);
            start = end;
        }
    }

    fn stratum(&self, order: &[u32], entries: &[u32], family: &mut Family) {
        let needed = self.weights.iter().any(|w| w.rho != 0.0 || w.gamma != 0.0);
        let surv = if needed { self.pooled_survival(order, entries) } else { Vec::new() };
        let k = self.groups.len();
        let (mut at_risk, mut deaths) = (vec![0.0; k], vec![0.0; k]);
        let (mut position, mut entered, mut event_time) = (order.len(), entries.len(), surv.len());
        while position > 0 {
            let t = self.sorted.time[order[position - 1] as usize];
            deaths.fill(0.0);
            let mut any = false;
            while position > 0 && self.sorted.time[order[position - 1] as usize] == t {
                position -= 1;
                let row = order[position] as usize;
                let (g, w) = (self.groups.code[row] as usize, self.observations.weight_of(row));
                at_risk[g] += w;
                if self.observations.event[row] {
                    deaths[g] += w;
                    any = true;
                }
            }
            self.leave(entries, &mut entered, t, &mut at_risk);
            if any {
                event_time = event_time.saturating_sub(1);
                let at = AtTime {
                    surv: surv.get(event_time).copied().unwrap_or(1.0),
                    deaths: deaths.iter().sum(),
                };
                self.add(&at, &at_risk, &deaths, family);
            }
        }
    }

    /// Takes out, going back in time, those who had not yet entered at `t`.
    fn leave(&self, entries: &[u32], entered: &mut usize, t: f64, at_risk: &mut [f64]) {
        let Some(entry) = &self.sorted.entry else { return };
        while *entered > 0 && entry.time[entries[*entered - 1] as usize] >= t {
            *entered -= 1;
            let row = entries[*entered] as usize;
            at_risk[self.groups.code[row] as usize] -= self.observations.weight_of(row);
        }
    }

    fn add(&self, at: &AtTime, at_risk: &[f64], deaths: &[f64], family: &mut Family) {
        let k = at_risk.len();
        let n: f64 = at_risk.iter().sum();
        let spread = if n > 1.0 { at.deaths * (n - at.deaths) / (n * (n - 1.0)) } else { 0.0 };
        for (a, weight) in self.weights.iter().enumerate() {
            let wa = weight.weight(at.surv);
            for g in 0..k {
                family.observed[a * k + g] += wa * deaths[g];
                family.expected[a * k + g] += wa * at.deaths * at_risk[g] / n;
            }
            for (b, other) in self.weights.iter().enumerate() {
                let both = wa * other.weight(at.surv) * spread;
                let block = &mut family.variance[(a * self.weights.len() + b) * k * k..][..k * k];
                for g in (0..k).filter(|&g| at_risk[g] != 0.0) {
                    block[g * k + g] += both * at_risk[g];
                    for h in 0..k {
                        block[g * k + h] -= both * at_risk[g] * at_risk[h] / n;
                    }
                }
            }
        }
    }

    /// S(t-) at each event time of the stratum, ascending.
    fn pooled_survival(&self, order: &[u32], entries: &[u32]) -> Vec<f64> {
        let mut steps = Vec::new();
        let time = |k: usize| self.sorted.time[order[k] as usize];
        let entry = |k: usize| self.sorted.entry.as_ref().map_or(0.0, |e| e.time[entries[k] as usize]);
        let weight = |row: u32| self.observations.weight_of(row as usize);
        let (mut leaving, mut entering): (f64, f64) = (0.0, 0.0);
        let (mut position, mut entered) = (order.len(), entries.len());
        while position > 0 {
            let (t, mut deaths) = (time(position - 1), 0.0);
            while position > 0 && time(position - 1) == t {
                position -= 1;
                leaving += weight(order[position]);
                if self.observations.event[order[position] as usize] {
                    deaths += weight(order[position]);
                }
            }
            while entered > 0 && entry(entered - 1) >= t {
                entered -= 1;
                entering += weight(entries[entered]);
            }
            if deaths > 0.0 {
                steps.push(1.0 - deaths / (leaving - entering).max(deaths));
            }
        }
        steps.reverse();
        let mut surv = 1.0;
        for step in &mut steps {
            (*step, surv) = (surv, surv * *step);
        }
        steps
    }
}

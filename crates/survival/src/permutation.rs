//! Permutation tests: how often shuffled group labels give a statistic as extreme as the one seen.
//!
//! Never two answers from one seed, whatever the number of threads: each shuffle has its own stream. Labels are
//! shuffled within strata. Fisher 1935; Phipson & Smyth 2010 (the sample itself counts as one shuffle).

use crate::logrank::{self, FlemingHarrington};
use crate::maxcombo::{Side, maxcombo};
use crate::observations::check_length;
use crate::order::Codes;
use crate::{Error, Observations, gray, km::KaplanMeier};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

/// How many shuffles, and from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shuffles {
    /// Number of shuffles.
    pub count: u32,
    /// The seed; the same seed gives the same answer.
    pub seed: u64,
}

/// The outcome of a permutation test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Permutation {
    /// The statistic of the labels as they are.
    pub statistic: f64,
    /// Shuffles with a statistic as great.
    pub as_extreme: u32,
    /// Shuffles made.
    pub shuffles: u32,
    /// Shuffles whose statistic could not be computed; they count as extreme, so that they never help.
    pub failed: u32,
    /// (`as_extreme` + `failed` + 1) / (`shuffles` + 1).
    pub p_value: f64,
}

/// Tests any statistic of the labels that is greater the more the groups differ.
///
/// Errors: those of the statistic for the labels as they are; no shuffle asked for.
pub fn permutation(
    group: &[usize],
    strata: Option<&[usize]>,
    shuffles: Shuffles,
    statistic: impl Fn(&[usize]) -> Result<f64, Error> + Sync,
) -> Result<Permutation, Error> {
    if shuffles.count == 0 {
        return Err(Error::OutOfRange {
            what: "shuffles",
            found: 0.0,
            allowed: "at least one shuffle is needed",
        });
    }
    if let Some(strata) = strata {
        check_length("strata", group.len(), strata.len())?;
    }
    let seen = statistic(group)?;
    let rows = rows_by_stratum(group.len(), strata);
    // Sums of the same numbers in another order differ by rounding; equal statistics are as extreme.
    let threshold = seen - 1e-9 * seen.abs();
    let outcome = |k: u32| {
        let mut random = ChaCha8Rng::seed_from_u64(shuffles.seed);
        random.set_stream(u64::from(k));
        match statistic(&shuffled(group, &rows, &mut random)) {
            Ok(s) if s >= threshold => (1, 0),
            Ok(s) if !s.is_nan() => (0, 0),
            _ => (0, 1),
        }
    };
    let (as_extreme, failed) =
        (0..shuffles.count).into_par_iter().map(outcome).reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    let p_value = (f64::from(as_extreme) + f64::from(failed) + 1.0) / (f64::from(shuffles.count) + 1.0);
    Ok(Permutation { statistic: seen, as_extreme, shuffles: shuffles.count, failed, p_value })
}

fn rows_by_stratum(n: usize, strata: Option<&[usize]>) -> Vec<Vec<usize>> {
    let Some(strata) = strata else { return vec![(0..n).collect()] };
    let codes = Codes::of(strata);
    let mut rows = vec![Vec::new(); codes.len()];
    codes.code.iter().enumerate().for_each(|(i, &c)| rows[c as usize].push(i));
    rows
}

fn shuffled(group: &[usize], rows: &[Vec<usize>], random: &mut impl Rng) -> Vec<usize> {
    let mut result = group.to_vec();
    for stratum in rows {
        let mut labels: Vec<usize> = stratum.iter().map(|&i| group[i]).collect();
        labels.shuffle(random);
        stratum.iter().zip(labels).for_each(|(&i, label)| result[i] = label);
    }
    result
}

/// Permutation version of the (weighted, stratified) log-rank test.
///
/// ```
/// use survival::{Observations, logrank::FlemingHarrington, permutation::{Shuffles, logrank}};
/// let time = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let seen = Observations::new(&time, &[true; 6]);
/// let test = logrank(&seen, &[0, 0, 0, 1, 1, 1], None, FlemingHarrington::default(), Shuffles { count: 999, seed: 1 })?;
/// assert!(test.p_value > 0.05 && test.p_value < 0.15); // 2 of the 20 ways are as extreme
/// # Ok::<(), survival::Error>(())
/// ```
pub fn logrank(
    observations: &Observations<'_>,
    group: &[usize],
    strata: Option<&[usize]>,
    weight: FlemingHarrington,
    shuffles: Shuffles,
) -> Result<Permutation, Error> {
    permutation(group, strata, shuffles, |labels| {
        Ok(logrank::weighted(observations, labels, strata, weight)?.test.statistic)
    })
}

/// Permutation version of `MaxCombo`: the greatest |Z| against its own permutation distribution.
pub fn max_combo(
    observations: &Observations<'_>,
    group: &[usize],
    strata: Option<&[usize]>,
    weights: &[FlemingHarrington],
    shuffles: Shuffles,
) -> Result<Permutation, Error> {
    maxcombo(observations, group, strata, weights, Side::Both)?;
    permutation(group, strata, shuffles, |labels| {
        let family = logrank::family(observations, labels, strata, weights)?;
        let z = (0..weights.len()).map(|a| family.z(a).map_or(f64::NAN, f64::abs));
        Ok(z.fold(f64::NEG_INFINITY, f64::max))
    })
}

/// Permutation version of Gray's test.
pub fn gray(
    time: &[f64],
    cause: &[usize],
    cause_of_interest: usize,
    group: &[usize],
    strata: Option<&[usize]>,
    shuffles: Shuffles,
) -> Result<Permutation, Error> {
    permutation(group, strata, shuffles, |labels| {
        Ok(gray::gray(time, cause, cause_of_interest, labels, strata, 0.0)?.test.statistic)
    })
}

/// Permutation version of the test of a difference in restricted means to `tau`: the two-sided studentised difference
/// (Horiguchi & Uno 2020).
pub fn rmst(
    time: &[f64],
    event: &[bool],
    group: &[usize],
    tau: f64,
    strata: Option<&[usize]>,
    shuffles: Shuffles,
) -> Result<Permutation, Error> {
    check_length("event", time.len(), event.len())?;
    check_length("group", time.len(), group.len())?;
    let labels = Codes::of(group).labels;
    let &[first, second] = &labels[..] else {
        let allowed = "two groups are needed";
        return Err(Error::OutOfRange { what: "group", found: labels.len() as f64, allowed });
    };
    permutation(group, strata, shuffles, |shuffled| {
        let mean = |label: usize| {
            let rows = || (0..time.len()).filter(|&i| shuffled[i] == label);
            let (t, e): (Vec<f64>, Vec<bool>) = rows().map(|i| (time[i], event[i])).unzip();
            KaplanMeier::fit(&t, &e)?.rmst(tau)
        };
        let (a, b) = (mean(first)?, mean(second)?);
        Ok(crate::rmst::compare(&a, &b)?.test.statistic)
    })
}

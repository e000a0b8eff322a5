//! The one sort everything rests on: subjects by stratum and time.
//!
//! Never compares what the data do not hold: two times closer than rounding can tell apart are one time, as in R's
//! `aeqSurv`. Cost: a radix sort, linear in the number of subjects; 4 bytes a subject stay.

use crate::Error;
use std::borrow::Cow;

/// Below this the comparison sort is quicker than the radix sort's tables.
const RADIX_FROM: usize = 1 << 11;
const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 6;

/// The order of `values` (all finite) from least to greatest; equal values keep their order.
pub(crate) fn ascending(values: &[f64]) -> Vec<u32> {
    let keyed = values.iter().zip(0u32..).map(|(&v, i)| (sortable(v), i));
    if values.len() < RADIX_FROM {
        let mut keyed: Vec<_> = keyed.collect();
        keyed.sort_unstable();
        return keyed.into_iter().map(|(_, i)| i).collect();
    }
    radix(keyed.collect())
}

/// The bits of a float so that their order is the order of the numbers; -0 and 0 are one.
fn sortable(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

fn radix(mut keyed: Vec<(u64, u32)>) -> Vec<u32> {
    let mask = (1usize << DIGIT_BITS) - 1;
    // The digit fits whatever a usize is.
    #[allow(clippy::cast_possible_truncation)]
    let digit = |key: u64, d: u32| (key >> (DIGIT_BITS * d)) as usize & mask;
    let mut counts = vec![[0u32; 1 << DIGIT_BITS]; DIGITS];
    for &(key, _) in &keyed {
        for (count, d) in counts.iter_mut().zip(0..) {
            count[digit(key, d)] += 1;
        }
    }
    let mut spare = vec![(0u64, 0u32); keyed.len()];
    for (count, d) in counts.iter_mut().zip(0..) {
        // Days are whole numbers: most digits of their bits are the same for everybody.
        if count[digit(keyed[0].0, d)] as usize == keyed.len() {
            continue;
        }
        let mut start = 0;
        for c in count.iter_mut() {
            (*c, start) = (start, start + *c);
        }
        for &item in &keyed {
            let slot = &mut count[digit(item.0, d)];
            spare[*slot as usize] = item;
            *slot += 1;
        }
        std::mem::swap(&mut keyed, &mut spare);
    }
    drop(spare);
    keyed.into_iter().map(|(_, i)| i).collect()
}

/// Stable counting sort of `order` by the small `code` of each subject.
pub(crate) fn by_code(order: &[u32], code: &[u32], n_codes: usize) -> Vec<u32> {
    let mut start = vec![0u32; n_codes + 1];
    for &c in code {
        start[c as usize + 1] += 1;
    }
    for i in 0..n_codes {
        start[i + 1] += start[i];
    }
    let mut sorted = vec![0u32; order.len()];
    for &i in order {
        let slot = &mut start[code[i as usize] as usize];
        sorted[*slot as usize] = i;
        *slot += 1;
    }
    sorted
}

/// Labels as codes 0, 1, ... in the order of the labels.
#[derive(Debug, Clone)]
pub(crate) struct Codes {
    /// One a subject.
    pub code: Vec<u32>,
    /// The label of each code, ascending.
    pub labels: Vec<usize>,
}

impl Codes {
    pub fn of(labels: &[usize]) -> Self {
        let largest = labels.iter().copied().max().unwrap_or(0);
        if largest < 4 * labels.len() + 1024 {
            let mut seen = vec![false; largest + 1];
            for &l in labels {
                seen[l] = true;
            }
            let distinct: Vec<usize> = (0..=largest).filter(|&l| seen[l]).collect();
            let mut code = vec![0u32; largest + 1];
            distinct.iter().zip(0u32..).for_each(|(&l, c)| code[l] = c);
            return Self { code: labels.iter().map(|&l| code[l]).collect(), labels: distinct };
        }
        let mut distinct = labels.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let find = |l: &usize| u32::try_from(distinct.partition_point(|d| d < l)).unwrap_or(u32::MAX);
        Self { code: labels.iter().map(find).collect(), labels: distinct }
    }

    pub fn len(&self) -> usize {
        self.labels.len()
    }
}

/// Times closer than this, absolutely or as part of the mean time, are one time (R's `aeqSurv`).
const SAME_TIME: f64 = 1.490_116_119_384_765_6e-8;

/// `time` with near-equal values made equal to the first of their run, borrowed where nothing had to change.
///
/// `order` is the ascending order of `time`.
pub(crate) fn without_near_ties<'a>(time: &'a [f64], order: &[u32]) -> Cow<'a, [f64]> {
    let sorted = || order.iter().map(|&i| time[i as usize]);
    let (mut sum, mut distinct, mut previous, mut least_gap) = (0.0, 0usize, f64::NAN, f64::INFINITY);
    for t in sorted() {
        if t != previous {
            sum += t.abs();
            distinct += 1;
            if t - previous < least_gap {
                least_gap = t - previous;
            }
            previous = t;
        }
    }
    let mean = sum / distinct as f64;
    let same = |gap: f64| gap <= SAME_TIME || gap / mean <= SAME_TIME;
    if !same(least_gap) {
        return Cow::Borrowed(time);
    }
    let mut fixed = time.to_vec();
    let (mut first, mut previous) = (f64::NAN, f64::NAN);
    for &i in order {
        let t = time[i as usize];
        if !same(t - previous) {
            first = t;
        }
        previous = t;
        fixed[i as usize] = first;
    }
    Cow::Owned(fixed)
}

/// The number of subjects, if the sorted index can count them.
pub(crate) fn countable(n: usize) -> Result<usize, Error> {
    match u32::try_from(n) {
        Ok(0) => Err(Error::Empty),
        Ok(_) => Ok(n),
        Err(_) => Err(Error::TooMany { found: n }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn radix_and_comparison_agree(values in prop::collection::vec(prop_oneof![-1e3..1e3f64, (0..50i32).prop_map(f64::from)], 1..300)) {
            let keyed = values.iter().zip(0u32..).map(|(&v, i)| (sortable(v), i)).collect();
            prop_assert_eq!(radix(keyed), ascending(&values));
        }
    }

    #[test]
    fn rounding_does_not_split_a_tie() {
        let time = [0.3, 0.1 + 0.2, 0.5, 0.1];
        assert_eq!(*without_near_ties(&time, &ascending(&time)), [0.3, 0.3, 0.5, 0.1]);
        let apart = [0.3, 0.4];
        assert!(matches!(without_near_ties(&apart, &ascending(&apart)), Cow::Borrowed(_)));
    }

    #[test]
    fn labels_may_be_any_numbers() {
        for labels in [vec![7, 3, 7, 0], vec![usize::MAX, 3, usize::MAX, 0]] {
            let codes = Codes::of(&labels);
            assert_eq!(codes.code, [2, 1, 2, 0]);
            assert_eq!(codes.labels[0], 0);
        }
    }
}

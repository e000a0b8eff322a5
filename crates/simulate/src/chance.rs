//! Chance: streams of random numbers, each named or counted, so that one subject's fate depends on nothing but the seed and whose
//! fate it is.
//!
//! Never uses a function whose last bit depends on the platform: normals are sums of uniforms, logarithms come from the
//! `libm` crate. The same seed gives the same trial on any machine and with any number of threads.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::philox::{Philox, Words};
use crate::times::Purpose;

/// A stream of random numbers.
#[derive(Clone)]
pub struct Chance(Source);

#[derive(Clone)]
enum Source {
    /// Of a trial that is played through the office: each stream has a name.
    Named(Box<ChaCha8Rng>),
    /// Of one trial among thousands: each stream stands at a counter of its own.
    Counted(Counted),
}

/// The words of a key at one counter after the other.
#[derive(Clone)]
struct Counted {
    philox: Philox,
    trial: u64,
    /// The subject, or what else the stream is for, and which stream of it.
    of: u64,
    stream: u64,
    /// Blocks drawn.
    block: u64,
    words: Words,
    /// Words of the block that are left.
    left: u8,
}

impl Counted {
    #[inline]
    fn next(&mut self) -> u64 {
        if self.left == 0 {
            // Streams of one purpose share the last word of the counter: a stream's number is mixed into the subject's.
            let of = self.of ^ self.stream;
            self.words = self.philox.draw(self.trial, of, self.block, Purpose::Story);
            self.block += 1;
            self.left = 4;
        }
        self.left -= 1;
        self.words[usize::from(self.left)]
    }
}

/// A counter below this stands for a subject; a stream that was split off gets one above it.
const SPLIT: u64 = 1 << 63;

impl Chance {
    /// The stream called `name` of the trial with this seed.
    pub fn new(seed: u64, name: &str) -> Self {
        let mut material = seed.to_le_bytes().to_vec();
        material.extend_from_slice(name.as_bytes());
        let key = blake3::derive_key("trialwright simulate 2026-11 stream", &material);
        Self(Source::Named(Box::new(ChaCha8Rng::from_seed(key))))
    }

    /// The stream of a subject, or of what else `of` (below 2^63) stands for, in a trial of a campaign.
    pub fn counted(philox: Philox, trial: u64, of: u64) -> Self {
        let (stream, block, words, left) = (0, 0, [0; 4], 0);
        Self(Source::Counted(Counted { philox, trial, of, stream, block, words, left }))
    }

    #[inline]
    fn word(&mut self) -> u64 {
        match &mut self.0 {
            Source::Counted(counted) => counted.next(),
            Source::Named(named) => named.next_u64(),
        }
    }

    /// Random bytes, as for a seed.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for part in bytes.chunks_exact_mut(8) {
            part.copy_from_slice(&self.word().to_le_bytes());
        }
        bytes
    }

    /// A stream of its own, whatever is drawn from this one later.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        match &mut self.0 {
            Source::Named(named) => {
                let mut seed = [0; 32];
                named.fill_bytes(&mut seed);
                Self(Source::Named(Box::new(ChaCha8Rng::from_seed(seed))))
            }
            Source::Counted(counted) => {
                let stream = counted.next() | SPLIT;
                Self(Source::Counted(Counted { stream, block: 0, left: 0, ..counted.clone() }))
            }
        }
    }

    /// Uniform from 0 inclusive to 1 exclusive.
    pub fn unit(&mut self) -> f64 {
        // 53 random bits: every value is exact, and so is the product.
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with probability `p`.
    pub fn happens(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A whole number from `low` to `high`, both inclusive; `low` where they are out of order.
    pub fn whole(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0).saturating_add(1);
        let drawn = (u128::from(self.word()) * u128::from(span)) >> 64;
        low.saturating_add(i64::try_from(drawn).unwrap_or(0))
    }

    /// Uniform from `low` to `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with this mean and standard deviation: the sum of twelve uniforms (Irwin-Hall), whose tails end at six
    /// standard deviations. Of a counted stream each uniform has 16 bits, so that three words are enough.
    pub fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        if let Source::Counted(counted) = &mut self.0 {
            let of_word = |word: u64| (0..4).map(|part| (word >> (16 * part)) & 0xFFFF).sum::<u64>();
            let sum: u64 = (0..3).map(|_| of_word(counted.next())).sum();
            // Each stands for the middle of its step: half a step for each of the twelve.
            return mean + deviation * ((sum + 6) as f64 / 65_536.0 - 6.0);
        }
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        mean + deviation * (sum - 6.0)
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// Exponential waiting time in whole days, at least 1.
    pub fn wait(&mut self, mean_days: f64) -> i64 {
        1 + days(self.exponential(mean_days))
    }

    /// One of `choices`, each as likely; none where there is none.
    pub fn one<'a, T>(&mut self, choices: &'a [T]) -> Option<&'a T> {
        let last = i64::try_from(choices.len()).ok()?.checked_sub(1)?;
        choices.get(usize::try_from(self.whole(0, last)).ok()?)
    }

    /// The place of one of `weights`, each as likely as its weight; the last where all are 0.
    pub fn weighted(&mut self, weights: impl Iterator<Item = f64> + Clone) -> usize {
        let mut left = self.unit() * weights.clone().sum::<f64>();
        let mut last = 0;
        for (place, weight) in weights.enumerate() {
            last = place;
            left -= weight;
            if left < 0.0 {
                return place;
            }
        }
        last
    }
}

/// Whole days of a time in days: the fraction is dropped, what is out of bounds saturates.
#[allow(clippy::cast_possible_truncation)] // saturates
pub fn days(time: f64) -> i64 {
    time.clamp(0.0, 1e6) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_its_seed_and_name() {
        let draw = |seed, name| Chance::new(seed, name).whole(0, i64::MAX - 1);
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }

    fn counted() -> Chance {
        Chance::counted(Philox::keyed(7, &[3; 32]), 11, 5)
    }

    #[test]
    fn a_counted_stream_is_its_trial_and_subject_and_splits_off_others() {
        let draw = |trial, of| Chance::counted(Philox::keyed(7, &[3; 32]), trial, of).unit();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert!(draw(1, 2) != draw(2, 1) && draw(1, 2) != draw(1, 3));
        let mut chance = counted();
        let mut split = chance.fork();
        let mut again = chance.clone();
        assert_ne!(split.unit(), chance.unit());
        assert_ne!(chance.fork().unit(), split.unit());
        again.unit();
        let mut fresh = counted();
        drop(fresh.fork());
        fresh.unit();
        assert_eq!(again.fork().unit(), fresh.fork().unit());
    }

    // Mean and variance of the laws, to four standard errors of 40,000 draws.
    #[rstest::rstest]
    #[case(Chance::new(7, "moments"))]
    #[case(counted())]
    fn laws_have_their_moments(#[case] mut chance: Chance) {
        let n = 40_000;
        let check = |draws: Vec<f64>, mean: f64, deviation: f64| {
            let found = draws.iter().sum::<f64>() / f64::from(n);
            let spread = (draws.iter().map(|x| (x - found).powi(2)).sum::<f64>() / f64::from(n)).sqrt();
            assert!((found - mean).abs() < 4.0 * deviation / f64::from(n).sqrt(), "mean {found}, not {mean}");
            assert!((spread / deviation - 1.0).abs() < 0.03, "deviation {spread}, not {deviation}");
        };
        check((0..n).map(|_| chance.normal(3.0, 2.0)).collect(), 3.0, 2.0);
        check((0..n).map(|_| chance.exponential(5.0)).collect(), 5.0, 5.0);
        check((0..n).map(|_| chance.unit()).collect(), 0.5, (1.0_f64 / 12.0).sqrt());
    }

    #[test]
    fn choices_follow_their_weights() {
        let mut chance = Chance::new(7, "weights");
        let mut seen = [0_u32; 3];
        for _ in 0..30_000 {
            seen[chance.weighted([1.0, 0.0, 2.0].into_iter())] += 1;
        }
        assert_eq!(seen[1], 0);
        assert!(seen[0].abs_diff(10_000) < 400, "{seen:?}");
        assert!((0..1_000).all(|_| (3..=5).contains(&chance.whole(3, 5))));
        assert_eq!(chance.whole(5, 3), 5);
    }
}

//! Counter-based random numbers: what is drawn depends on a key and a place, not on what was drawn before.
//!
//! Never holds a state, so that any thread or machine draws the same for the same scenario, trial and subject. Philox4x64-10 of
//! Salmon, Moraes, Dror & Shaw, *Parallel random numbers: as easy as 1, 2, 3*, SC11, 2011.

use crate::times::Purpose;

const MULTIPLIERS: [u64; 2] = [0xD2E7_470E_E14C_6C93, 0xCA5A_8263_9512_1157];
const WEYL: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];
const ROUNDS: usize = 10;

/// Four words of 64 random bits.
pub type Words = [u64; 4];

/// A key, under which every counter gives its own four words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox([u64; 2]);

impl Philox {
    /// The generator of a campaign's seed and a scenario's fingerprint.
    pub fn keyed(seed: u64, fingerprint: &[u8; 32]) -> Self {
        let mut material = seed.to_le_bytes().to_vec();
        material.extend_from_slice(fingerprint);
        let key = blake3::derive_key("trialwright simulate 2026-11 times", &material);
        let word = |at: usize| (0..8).fold(0, |word, byte| word | u64::from(key[at + byte]) << (8 * byte));
        Self([word(0), word(8)])
    }

    /// The words at a counter.
    #[inline]
    pub fn at(self, counter: Words) -> Words {
        let [mut c0, mut c1, mut c2, mut c3] = counter;
        let [mut k0, mut k1] = self.0;
        for _ in 0..ROUNDS {
            let (high0, low0) = product(MULTIPLIERS[0], c0);
            let (high1, low1) = product(MULTIPLIERS[1], c2);
            (c0, c1, c2, c3) = (high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0);
            k0 = k0.wrapping_add(WEYL[0]);
            k1 = k1.wrapping_add(WEYL[1]);
        }
        [c0, c1, c2, c3]
    }

    /// The words of a trial for a purpose: `of` is the subject, or the stratum whose blocks are filled, and `block` counts what
    /// is drawn for it.
    #[inline]
    pub fn draw(self, trial: u64, of: u64, block: u64, purpose: Purpose) -> Words {
        self.at([of, trial, block, purpose as u64])
    }
}

/// The 128-bit product in two halves.
#[inline]
#[allow(clippy::cast_possible_truncation)] // the halves are what is wanted
fn product(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    ((product >> 64) as u64, product as u64)
}

/// Uniform from 0 inclusive to 1 exclusive: 53 bits, every value exact.
#[inline]
pub fn unit(word: u64) -> f64 {
    (word >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// Exponential with mean 1.
#[inline]
pub fn exponential(word: u64) -> f64 {
    // Of a library, so that the last bit is the same on every machine.
    -libm::log(1.0 - unit(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Random123 1.14, tests/kat_vectors: philox4x64 10.
    #[test]
    fn known_answers() {
        let zero = Philox([0; 2]).at([0; 4]);
        assert_eq!(
            zero,
            [0x1655_4d9e_ca36_314c, 0xdb20_fe9d_672d_0fdc, 0xd7e7_72ce_e186_176b, 0x7e68_b68a_ec7b_a23b]
        );
        let ones = Philox([u64::MAX; 2]).at([u64::MAX; 4]);
        assert_eq!(
            ones,
            [0x87b0_92c3_013f_e90b, 0x438c_3c67_be8d_0224, 0x9cc7_d7c6_9cd7_77b6, 0xa09c_aebf_594f_0ba0]
        );
        let pi = Philox([0x4528_21e6_38d0_1377, 0xbe54_66cf_34e9_0c6c]).at([
            0x243f_6a88_85a3_08d3,
            0x1319_8a2e_0370_7344,
            0xa409_3822_299f_31d0,
            0x082e_fa98_ec4e_6c89,
        ]);
        assert_eq!(
            pi,
            [0xa528_f454_03e6_1d95, 0x38c7_2dbd_566e_9788, 0xa5a1_610e_72fd_18b5, 0x57bd_43b5_e52b_7fe6]
        );
    }

    // Mean and variance to four standard errors of 40,000 draws, each at a counter of its own.
    #[test]
    fn laws_have_their_moments() {
        let philox = Philox::keyed(7, &[1; 32]);
        let n = 10_000;
        let words: Vec<u64> = (0..n).flat_map(|i| philox.draw(i / 100, i % 100, 0, Purpose::Life)).collect();
        let check = |law: fn(u64) -> f64, mean: f64, deviation: f64| {
            let count = words.len() as f64;
            let found = words.iter().map(|w| law(*w)).sum::<f64>() / count;
            let spread = (words.iter().map(|w| (law(*w) - found).powi(2)).sum::<f64>() / count).sqrt();
            assert!((found - mean).abs() < 4.0 * deviation / count.sqrt(), "mean {found}, not {mean}");
            assert!((spread / deviation - 1.0).abs() < 0.03, "deviation {spread}, not {deviation}");
        };
        check(unit, 0.5, (1.0_f64 / 12.0).sqrt());
        check(exponential, 1.0, 1.0);
    }

    #[test]
    fn a_key_is_its_seed_and_scenario() {
        let draw = |seed, print: [u8; 32]| Philox::keyed(seed, &print).draw(3, 4, 5, Purpose::Life);
        assert_eq!(draw(1, [0; 32]), draw(1, [0; 32]));
        assert_ne!(draw(1, [0; 32]), draw(2, [0; 32]));
        assert_ne!(draw(1, [0; 32]), draw(1, [1; 32]));
    }
}

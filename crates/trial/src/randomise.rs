//! Randomisation: stratified permuted blocks of random size, and Pocock-Simon minimisation.
//!
//! Every draw follows from a secret seed, whose BLAKE3 commitment enters the ledger with the protocol, so that anyone
//! can recompute every allocation once the seed is revealed. Never draws from anything else; never records.
//!
//! The draws are BLAKE3 in keyed mode with its output extended: the key is the seed, the message names the purpose and the
//! stratum (blocks) or the place in the trial (minimisation), and the output is read as little-endian words of 64 bits. Nothing
//! here rests on the choices of a random number library that another version might make otherwise, so the list can be
//! recomputed decades later, in any language, from the published specification of BLAKE3. Pocock & Simon, Biometrics
//! 1975;31:103-115; unequal ratios as Han et al., Stat Med 2009;28:3329-3347.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::id::ArmId;
use crate::protocol::{Arm, Method, Protocol, Randomisation};

/// The secret seed.
#[derive(Clone)]
pub struct Seed(pub [u8; 32]);

impl std::fmt::Debug for Seed {
    // A seed that slips into a log would unblind the trial.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(secret)")
    }
}

/// Factor id and level id, in the order of the protocol.
pub type Stratum = Vec<(String, String)>;

/// An allocation made before, in the order they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The stratum.
    pub stratum: Stratum,
    /// The arm.
    pub arm: ArmId,
}

/// An allocation as the ledger holds it, in the order they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The stratum.
    pub stratum: Stratum,
    /// The arm.
    pub arm: ArmId,
    /// Its place in the stratum's list (blocks) or in the trial (minimisation), from 0.
    pub position: u64,
}

/// The first recorded allocation that the seed does not give.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "allocation {} of the trial is recorded as arm {} at place {}, but the seed gives arm {} at place {}",
    .index + 1, .recorded.0, .recorded.1, .recomputed.0, .recomputed.1
)]
pub struct Mismatch {
    /// Which allocation of the trial, from 0.
    pub index: usize,
    /// Arm and place as recorded.
    pub recorded: (ArmId, u64),
    /// Arm and place as recomputed.
    pub recomputed: (ArmId, u64),
}

/// The commitment to a seed: BLAKE3 of its bytes, in hex.
pub fn commitment(seed: &Seed) -> String {
    blake3::hash(&seed.0).to_hex().to_string()
}

/// The next allocation in `stratum` after `earlier`: the arm, and its place in the stratum's list (blocks) or in the
/// trial (minimisation), from 0.
///
/// The protocol must have an arm, as `protocol::check` demands; without one the arm is empty.
pub fn next(protocol: &Protocol, seed: &Seed, earlier: &[Earlier], stratum: &Stratum) -> (ArmId, u64) {
    let mut allocator = Allocator::new(protocol, seed);
    for made in earlier {
        allocator.record(&made.stratum, &made.arm);
    }
    allocator.next(stratum)
}

/// Recomputes every allocation, in the order they were made, and compares. Cost is linear in their number.
pub fn verify(protocol: &Protocol, seed: &Seed, allocations: &[Recorded]) -> Result<(), Mismatch> {
    let mut allocator = Allocator::new(protocol, seed);
    for (index, made) in allocations.iter().enumerate() {
        let recomputed = allocator.next(&made.stratum);
        let recorded = (made.arm.clone(), made.position);
        if recomputed != recorded {
            return Err(Mismatch { index, recorded, recomputed });
        }
        allocator.record(&made.stratum, &made.arm);
    }
    Ok(())
}

/// Gives allocations one after the other, remembering what was given.
#[derive(Debug)]
pub struct Allocator<'a> {
    rule: &'a Randomisation,
    arms: &'a [Arm],
    seed: Seed,
    made: u64,
    strata: HashMap<Stratum, BlockList>,
    /// Minimisation: allocations to each arm at each factor's level.
    margins: HashMap<(String, String), Vec<u64>>,
}

/// The list of one stratum as far as it was drawn.
#[derive(Debug)]
struct BlockList {
    draws: Draws,
    arms: Vec<usize>,
    given: u64,
}

impl<'a> Allocator<'a> {
    /// An allocator before the first allocation.
    pub fn new(protocol: &'a Protocol, seed: &Seed) -> Self {
        Self {
            rule: &protocol.randomisation,
            arms: &protocol.arms,
            seed: seed.clone(),
            made: 0,
            strata: HashMap::new(),
            margins: HashMap::new(),
        }
    }

    /// The next allocation in `stratum`, and its place. Asking does not take it: only `record` moves on.
    pub fn next(&mut self, stratum: &Stratum) -> (ArmId, u64) {
        let (arm, place) = match self.rule.method {
            Method::PermutedBlocks => self.by_blocks(stratum),
            Method::Minimisation => (self.by_minimisation(stratum), self.made),
        };
        (self.arms.get(arm).map(|arm| arm.id.clone()).unwrap_or_default(), place)
    }

    /// Takes note that `arm` was given in `stratum`.
    pub fn record(&mut self, stratum: &Stratum, arm: &ArmId) {
        self.made += 1;
        self.list(stratum).given += 1;
        let Some(index) = self.arms.iter().position(|known| known.id == *arm) else { return };
        let arms = self.arms.len();
        for level in levels(stratum).iter() {
            self.margins.entry(level.clone()).or_insert_with(|| vec![0; arms])[index] += 1;
        }
    }

    fn list(&mut self, stratum: &Stratum) -> &mut BlockList {
        let seed = &self.seed;
        self.strata.entry(stratum.clone()).or_insert_with(|| BlockList {
            draws: Draws::new(seed, "permuted blocks", stratum, 0),
            arms: Vec::new(),
            given: 0,
        })
    }

    fn by_blocks(&mut self, stratum: &Stratum) -> (usize, u64) {
        let sizes = block_sizes(self.rule, self.arms);
        let ratios: Vec<u32> = self.arms.iter().map(|arm| arm.ratio).collect();
        let list = self.list(stratum);
        let place = list.given;
        while (list.arms.len() as u64) <= place {
            let block = block(&mut list.draws, &sizes, &ratios);
            if block.is_empty() {
                return (0, place);
            }
            list.arms.extend(block);
        }
        // The list was filled beyond `place` just above, so the place is an index.
        (usize::try_from(place).ok().and_then(|place| list.arms.get(place)).copied().unwrap_or(0), place)
    }

    fn by_minimisation(&self, stratum: &Stratum) -> usize {
        let mut draws = Draws::new(&self.seed, "minimisation", &Vec::new(), self.made);
        let ratios: Vec<u32> = self.arms.iter().map(|arm| arm.ratio).collect();
        let scores: Vec<u128> = (0..self.arms.len()).map(|arm| self.imbalance(stratum, arm)).collect();
        let least = scores.iter().min();
        let best: Vec<usize> = (0..scores.len()).filter(|arm| Some(&scores[*arm]) == least).collect();
        // With equal ratios the best arm's chance is `best_probability`: it is taken outright so often that the rest,
        // drawn by the ratio over every arm, adds what is missing. Drawing the rest so keeps unequal ratios.
        let arms = self.arms.len().max(2) as f64;
        let outright = ((self.rule.best_probability * arms - 1.0) / (arms - 1.0)).clamp(0.0, 1.0);
        let candidates: Vec<usize> =
            if draws.fraction() < outright { best } else { (0..self.arms.len()).collect() };
        draws.by_weight(&candidates, &ratios)
    }

    /// Total imbalance over the factors if the next subject of `stratum` went to `arm`: the range of the counts over the
    /// arms, each per unit of its ratio (Pocock & Simon's range, every factor of equal weight).
    fn imbalance(&self, stratum: &Stratum, arm: usize) -> u128 {
        // Counts are brought to a common multiple of the ratios, so that they stay whole and ties are ties.
        let product: u128 = self.arms.iter().map(|arm| u128::from(arm.ratio.max(1))).product();
        levels(stratum)
            .iter()
            .map(|level| {
                let counts = self.margins.get(level);
                let scaled = self.arms.iter().enumerate().map(|(index, candidate)| {
                    let before = counts.and_then(|counts| counts.get(index)).copied().unwrap_or(0);
                    let after = u128::from(before) + u128::from(index == arm);
                    after * (product / u128::from(candidate.ratio.max(1)))
                });
                let (least, most) = scaled.fold((u128::MAX, 0), |(l, m), n| (l.min(n), m.max(n)));
                most.saturating_sub(least)
            })
            .sum()
    }
}

/// The levels that minimisation balances: those of the stratum, or the whole trial as one where there is no factor.
fn levels(stratum: &Stratum) -> Cow<'_, [(String, String)]> {
    if stratum.is_empty() { Cow::Owned(vec![(String::new(), String::new())]) } else { Cow::Borrowed(stratum) }
}

/// Block sizes that a block can have: the multiples of the ratios' sum among the protocol's, or twice that sum where the
/// protocol gives none (which `protocol::check` refuses).
fn block_sizes(rule: &Randomisation, arms: &[Arm]) -> Vec<u32> {
    let unit: u32 = arms.iter().map(|arm| arm.ratio).sum::<u32>().max(1);
    let fitting: Vec<u32> =
        rule.block_sizes.iter().copied().filter(|size| *size > 0 && size % unit == 0).collect();
    if fitting.is_empty() { vec![2 * unit] } else { fitting }
}

/// One block: its size is drawn, then its order (Fisher-Yates).
fn block(draws: &mut Draws, sizes: &[u32], ratios: &[u32]) -> Vec<usize> {
    let unit: u32 = ratios.iter().sum::<u32>().max(1);
    let size = sizes[draws.below(sizes.len())];
    let copies = size / unit;
    let mut block: Vec<usize> = ratios
        .iter()
        .enumerate()
        .flat_map(|(arm, ratio)| std::iter::repeat_n(arm, (ratio * copies) as usize))
        .collect();
    for last in (1..block.len()).rev() {
        block.swap(last, draws.below(last + 1));
    }
    block
}

/// The stream of draws for one purpose.
struct Draws(blake3::OutputReader);

impl std::fmt::Debug for Draws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Draws(secret)")
    }
}

impl Draws {
    fn new(seed: &Seed, purpose: &str, stratum: &Stratum, place: u64) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&seed.0);
        // Each part with its length before it: no two strata can write the same message.
        let mut part = |text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        part("trialwright randomisation 1");
        part(purpose);
        for (factor, level) in stratum {
            part(factor);
            part(level);
        }
        hasher.update(&place.to_le_bytes());
        Self(hasher.finalize_xof())
    }

    fn word(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// Uniform over `0..n`, without bias: words above the last whole multiple of `n` are thrown away.
    fn below(&mut self, n: usize) -> usize {
        let n = n.max(1) as u64;
        let limit = u64::MAX - u64::MAX % n;
        loop {
            let word = self.word();
            if word < limit {
                // Below `n`, which was a usize.
                return usize::try_from(word % n).unwrap_or(0);
            }
        }
    }

    /// Uniform over [0, 1), of 53 bits.
    fn fraction(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `candidates`, each as likely as its ratio.
    fn by_weight(&mut self, candidates: &[usize], ratios: &[u32]) -> usize {
        let tickets: Vec<usize> = candidates
            .iter()
            .flat_map(|arm| std::iter::repeat_n(*arm, ratios.get(*arm).copied().unwrap_or(1).max(1) as usize))
            .collect();
        let drawn = self.below(tickets.len());
        tickets.get(drawn).copied().unwrap_or(0)
    }
}

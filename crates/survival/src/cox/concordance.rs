//! Harrell's concordance of the linear predictor with the times, with its infinitesimal-jackknife standard error.
//!
//! Never compares pairs one by one: those still at risk stand in a tree of sums over the ranks of the predictor.
//! Cost n log n. Harrell 1982; Therneau & Watson 2017. R: `concordance(fit)`.

use super::CoxFit;
use super::design::Design;
use crate::order;
use serde::Serialize;
use std::ops::Range;

/// Pairs of subjects within a stratum of whom it is known who had the event first, by weight.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Concordance {
    /// (concordant + `tied_x` / 2) / (concordant + discordant + `tied_x`); NaN where no pair can be compared, as R's NA.
    pub estimate: f64,
    /// Its standard error; by cluster where the fit had one.
    pub std_err: f64,
    /// The one with the greater predictor had the event first.
    pub concordant: f64,
    /// The one with the smaller predictor had the event first.
    pub discordant: f64,
    /// Tied on the predictor.
    pub tied_x: f64,
    /// Both had the event at one time.
    pub tied_y: f64,
    /// Tied on both.
    pub tied_xy: f64,
}

/// Sums over ranks 0..n: a Fenwick tree.
struct Tree {
    sums: Vec<f64>,
    total: f64,
}

impl Tree {
    fn new(n: usize) -> Self {
        Self { sums: vec![0.0; n + 1], total: 0.0 }
    }

    fn add(&mut self, rank: usize, weight: f64) {
        self.total += weight;
        let mut k = rank + 1;
        while k < self.sums.len() {
            self.sums[k] += weight;
            k += k & k.wrapping_neg();
        }
    }

    /// Sum over ranks below `rank`.
    fn below(&self, rank: usize) -> f64 {
        let (mut k, mut sum) = (rank, 0.0);
        while k > 0 {
            sum += self.sums[k];
            k -= k & k.wrapping_neg();
        }
        sum
    }

    /// Sums below, above and at `rank`.
    fn around(&self, rank: usize) -> [f64; 3] {
        let (below, up_to) = (self.below(rank), self.below(rank + 1));
        [below, self.total - up_to, up_to - below]
    }
}

/// The weights of the pairs a row is in: concordant, discordant, tied on the predictor.
type Pairs = [f64; 3];

struct Count<'a> {
    design: &'a Design,
    /// Of the position, within its stratum.
    rank: Vec<u32>,
    /// Of each position.
    pairs: Vec<Pairs>,
    alive: Tree,
    dead: Tree,
    tied_y: f64,
    tied_xy: f64,
    /// Sum over events of their pairs.
    total: Pairs,
}

impl CoxFit {
    /// Concordance of the linear predictor with the times.
    pub fn concordance(&self) -> Concordance {
        let design = &self.inner.design;
        let eta: Vec<f64> = (0..design.n()).map(|k| design.eta(k, &self.inner.beta)).collect();
        let mut count = Count {
            design,
            rank: vec![0; design.n()],
            pairs: vec![[0.0; 3]; design.n()],
            alive: Tree::new(0),
            dead: Tree::new(0),
            tied_y: 0.0,
            tied_xy: 0.0,
            total: [0.0; 3],
        };
        for stratum in design.strata() {
            count.stratum(stratum, &eta);
        }
        self.summarise(&count)
    }

    fn summarise(&self, count: &Count<'_>) -> Concordance {
        let design = &self.inner.design;
        let [concordant, discordant, tied_x] = count.total;
        let comparable = concordant + discordant + tied_x;
        let somers = (concordant - discordant) / comparable;
        let change = |k: usize| {
            let [c, d, t] = count.pairs[k];
            design.weight(k) * ((c - d) - somers * (c + d + t)) / comparable
        };
        let changes: Vec<f64> = match &self.inner.cluster {
            None => (0..design.n()).map(change).collect(),
            Some(cluster) => {
                let mut sums = vec![0.0; cluster.len()];
                (0..design.n())
                    .for_each(|k| sums[cluster.code[design.row[k] as usize] as usize] += change(k));
                sums
            }
        };
        Concordance {
            estimate: f64::midpoint(somers, 1.0),
            std_err: changes.iter().map(|c| c * c).sum::<f64>().sqrt() / 2.0,
            concordant,
            discordant,
            tied_x,
            tied_y: count.tied_y,
            tied_xy: count.tied_xy,
        }
    }
}

impl Count<'_> {
    fn stratum(&mut self, stratum: Range<usize>, eta: &[f64]) {
        let distinct = self.set_ranks(stratum.clone(), &eta[stratum.clone()]);
        (self.alive, self.dead) = (Tree::new(distinct), Tree::new(distinct));
        let (mut start, mut left) = (stratum.start, stratum.start);
        while start < stratum.end {
            let end = self.design.end_of_time(start);
            // Whoever enters at this time or later is not at risk now; nobody who is would have been added yet.
            self.take_out(&mut left, stratum.end, self.design.time[start]);
            (start..end).filter(|&k| !self.design.is_event(k)).for_each(|k| self.outlive(k));
            self.events(start..end);
            start = end;
        }
        self.take_out(&mut left, stratum.end, f64::NEG_INFINITY);
    }

    fn set_ranks(&mut self, stratum: Range<usize>, eta: &[f64]) -> usize {
        let (mut distinct, mut previous) = (0, None);
        for &k in &order::ascending(eta) {
            let value = eta[k as usize];
            if previous.is_some_and(|p| p != value) {
                distinct += 1;
            }
            previous = Some(value);
            self.rank[stratum.start + k as usize] = distinct;
        }
        distinct as usize + 1
    }

    /// Ends the pairs of those with entry at `time` or later (of all, without entry times).
    fn take_out(&mut self, left: &mut usize, end: usize, time: f64) {
        match &self.design.entry {
            Some(entry) => {
                while *left < end && entry.time[entry.order[*left] as usize] >= time {
                    self.leave(entry.order[*left] as usize);
                    *left += 1;
                }
            }
            None if time == f64::NEG_INFINITY => (*left..end).for_each(|k| self.leave(k)),
            None => (),
        }
    }

    fn add_pairs(&mut self, k: usize, sign: f64, [concordant, discordant, tied]: Pairs) {
        let own = &mut self.pairs[k];
        own[0] += sign * concordant;
        own[1] += sign * discordant;
        own[2] += sign * tied;
    }

    /// The row outlives every event added from now on.
    fn outlive(&mut self, k: usize) {
        let rank = self.rank[k] as usize;
        // Concordant with the events of a greater predictor.
        let [below, above, tied] = self.dead.around(rank);
        self.add_pairs(k, -1.0, [above, below, tied]);
        self.alive.add(rank, self.design.weight(k));
    }

    fn leave(&mut self, k: usize) {
        let rank = self.rank[k] as usize;
        let [below, above, tied] = self.dead.around(rank);
        self.add_pairs(k, 1.0, [above, below, tied]);
        self.alive.add(rank, -self.design.weight(k));
    }

    fn events(&mut self, positions: Range<usize>) {
        let mut dead: Vec<usize> = positions.filter(|&k| self.design.is_event(k)).collect();
        dead.sort_unstable_by_key(|&k| self.rank[k]);
        for &k in &dead {
            let (rank, weight) = (self.rank[k] as usize, self.design.weight(k));
            let own = self.alive.around(rank);
            self.add_pairs(k, 1.0, own);
            self.total.iter_mut().zip(own).for_each(|(t, o)| *t += weight * o);
        }
        for &k in &dead {
            self.dead.add(self.rank[k] as usize, self.design.weight(k));
        }
        let pairs_in = |group: &[usize]| {
            let weights = group.iter().map(|&k| self.design.weight(k));
            (weights.clone().sum::<f64>().powi(2) - weights.map(|w| w * w).sum::<f64>()) / 2.0
        };
        let both: f64 = dead.chunk_by(|&a, &b| self.rank[a] == self.rank[b]).map(pairs_in).sum();
        self.tied_y += pairs_in(&dead) - both;
        self.tied_xy += both;
        for &k in &dead {
            self.outlive(k);
        }
    }
}

//! A campaign: the scenarios of a grid, each simulated many times, in chunks that any thread or machine can take.
//!
//! Never lets an answer depend on who computed a chunk, or when: a chunk is known by its number, and chunks add up in the order
//! of their numbers. What was computed stands in a file of a line a chunk (`file`), so that a campaign that was stopped goes on,
//! and the files of several machines merge into the answer of one.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use rayon::ThreadPool;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use trial::protocol::Checked;

use crate::answers::Answers;
use crate::full::{Design, Ensemble, Test};
use crate::scenario::{Parameter, Read, Scenario};
use crate::times::{Tally, Times};

pub use file::{CampaignFile, FileError, merge};

/// Trials in a chunk at least.
const CHUNK: u64 = 1_000;
/// Chunks of a cell at most: so many lines a file may have for it.
const MOST_CHUNKS: u64 = 2_000;
/// The same of whole trials, of which each takes as long as thousands of event times do.
const FULL_CHUNK: u64 = 10;
/// Cells of a grid at most.
const MOST_CELLS: usize = 2_000;

/// A scenario of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// What was set, in the order of [`Parameter::ALL`].
    pub values: Vec<(Parameter, f64)>,
    /// The scenario with it.
    pub scenario: Scenario,
}

/// What is to be simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    /// The scenario's title.
    pub title: String,
    /// The unit of its times.
    pub unit: String,
    /// Everything that is drawn follows from it and the scenario.
    pub seed: u64,
    /// Of each cell.
    pub trials: u64,
    /// In a chunk.
    pub chunk: u64,
    /// The scenarios.
    pub cells: Vec<Cell>,
    /// Where whole trials are simulated, not event times alone: of what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Full>,
}

/// What whole trials of a campaign depend on beside its scenarios.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Full {
    /// The tests that each trial is judged by, the one that stops it first.
    pub tests: Vec<Test>,
    /// What stands for protocol, scenario and disease of each cell.
    pub prints: Vec<[u8; 32]>,
}

/// A part of the chunks: every `of`-th, from the `number`-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    pub number: u64,
    /// Shards.
    pub of: u64,
}

impl Shard {
    /// All chunks.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    fn holds(self, item: u64) -> bool {
        item % self.of.max(1) == self.number.saturating_sub(1)
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let whole = |part: &str| part.parse::<u64>().ok();
        let shard = text
            .split_once('/')
            .and_then(|(number, of)| Some(Self { number: whole(number)?, of: whole(of)? }));
        shard
            .filter(|shard| (1..=shard.of).contains(&shard.number) && shard.of <= 100_000)
            .ok_or_else(|| format!("found {text:?}; use k/n, as 3/8 for the third of eight shards"))
    }
}

/// What a campaign has come to: the tallies of its chunks, by number.
pub type Chunks = BTreeMap<u64, Tally>;

/// Why a campaign cannot be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value of the grid that the scenario does not take.
    #[error("{0}")]
    Cell(String),
    /// Too many.
    #[error("a grid of {cells} cells; at most {MOST_CELLS} can be simulated at once")]
    Cells {
        /// So many.
        cells: usize,
    },
    /// Boundaries, which a scenario that was read has.
    #[error(transparent)]
    Statistics(#[from] survival::Error),
    /// What a scenario says and whole trials cannot do.
    #[error("{}", .0.join("\n"))]
    Full(Vec<String>),
}

impl Campaign {
    /// The grid of a scenario file: every value of `sweep` with every other, and where `null` is set, every cell once more
    /// without effect. Errors: a value the scenario does not take; too many cells.
    pub fn new(
        read: &Read,
        sweep: &[(Parameter, Vec<f64>)],
        null: bool,
        seed: u64,
        trials: u64,
    ) -> Result<Self, Error> {
        let cells =
            sweep.iter().fold(1_usize, |cells, (_, values)| cells.saturating_mul(values.len().max(1)));
        if cells.saturating_mul(2) > MOST_CELLS {
            return Err(Error::Cells { cells });
        }
        let mut grid: Vec<Vec<(Parameter, f64)>> = vec![Vec::new()];
        for (parameter, values) in sweep.iter().filter(|(_, values)| !values.is_empty()) {
            let with = |before: &Vec<(Parameter, f64)>| {
                let more =
                    values.iter().map(|value| before.iter().copied().chain([(*parameter, *value)]).collect());
                more.collect::<Vec<_>>()
            };
            grid = grid.iter().flat_map(with).collect();
        }
        let mut cells: Vec<Cell> = Vec::with_capacity(2 * grid.len());
        for values in grid {
            let scenario = read.with(&values).map_err(Error::Cell)?;
            let without = null.then(|| scenario.without_effect()).filter(|without| *without != scenario);
            // Without effect the hazard ratio is 1, whatever was to be tried: those scenarios are one.
            let of_null = |(parameter, value)| {
                (parameter, if parameter == Parameter::HazardRatio { 1.0 } else { value })
            };
            let null_values: Vec<_> = values.iter().copied().map(of_null).collect();
            cells.push(Cell { values, scenario });
            if let Some(scenario) = without
                && !cells.iter().any(|cell| cell.scenario == scenario)
            {
                cells.push(Cell { values: null_values, scenario });
            }
        }
        let least = trials.div_ceil(MOST_CHUNKS);
        Ok(Self {
            title: read.file.title.clone(),
            unit: read.file.unit.clone().unwrap_or_else(|| "months".to_owned()),
            seed,
            trials,
            chunk: least.div_ceil(CHUNK).max(1) * CHUNK,
            cells,
            full: None,
        })
    }

    /// The same grid of whole trials of `checked`, the protocol that the scenario names, and the design of each cell. Errors: as
    /// [`Campaign::new`]; what the scenario says and whole trials cannot do.
    pub fn full(self, read: &Read, checked: &Checked) -> Result<(Self, Vec<Design>), Error> {
        let design = |cell: &Cell| Design::new(&read.file, &cell.scenario, checked).map_err(Error::Full);
        let designs = self.cells.iter().map(design).collect::<Result<Vec<_>, _>>()?;
        let tests = designs.first().map_or(Vec::new(), |design| design.tests().to_vec());
        let full = Full { tests, prints: designs.iter().map(Design::fingerprint).collect() };
        let least = self.trials.div_ceil(MOST_CHUNKS);
        let chunk = least.div_ceil(FULL_CHUNK).max(1) * FULL_CHUNK;
        Ok((Self { full: Some(full), chunk, ..self }, designs))
    }

    /// Chunks of each cell.
    fn chunks(&self) -> u64 {
        self.trials.div_ceil(self.chunk.max(1))
    }

    /// Chunks in all.
    pub fn items(&self) -> u64 {
        self.chunks() * self.cells.len() as u64
    }

    /// The chunks of a shard that are not among `done`.
    pub fn left(&self, shard: Shard, done: &Chunks) -> Vec<u64> {
        (0..self.items()).filter(|item| shard.holds(*item) && !done.contains_key(item)).collect()
    }

    /// Trials of a chunk.
    pub fn trials_of(&self, item: u64) -> u64 {
        let first = self.first_of(item);
        self.chunk.min(self.trials - first)
    }

    /// The number of a chunk's first trial, within its cell.
    fn first_of(&self, item: u64) -> u64 {
        item % self.chunks() * self.chunk
    }

    fn cell_of(&self, item: u64) -> Option<&Cell> {
        self.cells.get(usize::try_from(item / self.chunks()).ok()?)
    }

    /// Simulates a chunk. Errors: boundaries that cannot be found.
    pub fn simulate(&self, item: u64) -> Result<Tally, survival::Error> {
        let Some(cell) = self.cell_of(item) else { return Ok(Tally::default()) };
        let mut times = Times::new(&cell.scenario, self.seed)?;
        let mut tally = times.tally();
        let first = self.first_of(item);
        for trial in first..first + self.trials_of(item) {
            times.run(trial, &mut tally);
        }
        Ok(tally)
    }

    /// Simulates the chunks that are left on the threads of `pool`, and hands each over, in no order, on the thread that called,
    /// which is not one of the pool's. Stops soon after `stop` is set. Errors: boundaries that cannot be found; what `done`
    /// gives, which stops it too.
    pub fn run<E: From<survival::Error>>(
        &self,
        pool: &ThreadPool,
        left: &[u64],
        stop: &AtomicBool,
        done: impl FnMut(u64, Tally) -> Result<(), E>,
    ) -> Result<(), E> {
        share_out(pool, left, stop, |item| self.simulate(item), done)
    }

    /// The same of whole trials, `designs` being those that [`Campaign::full`] gave. Errors: a protocol that no virtual patient fits;
    /// what `done` gives.
    pub fn run_full<E: From<crate::Error>>(
        &self,
        designs: &[Design],
        pool: &ThreadPool,
        left: &[u64],
        stop: &AtomicBool,
        done: impl FnMut(u64, Tally) -> Result<(), E>,
    ) -> Result<(), E> {
        let ensemble = |design| Ensemble::new(design, self.seed);
        let ensembles = designs.iter().map(ensemble).collect::<Result<Vec<_>, _>>()?;
        let simulate = |item: u64| {
            let cell = usize::try_from(item / self.chunks()).ok();
            let Some(ensemble) = cell.and_then(|cell| ensembles.get(cell)) else {
                return Ok(Tally::default());
            };
            let mut tally = ensemble.tally();
            let first = self.first_of(item);
            for trial in first..first + self.trials_of(item) {
                ensemble.run(trial, &mut tally)?;
            }
            Ok::<Tally, crate::Error>(tally)
        };
        share_out(pool, left, stop, simulate, done)
    }

    /// The answers of every cell, over the chunks that are there.
    pub fn answers(&self, chunks: &Chunks) -> Vec<Answers> {
        let per_cell = self.chunks();
        let of_cell = |(place, cell): (u64, &Cell)| {
            let mut sum = Tally::default();
            // In the order of their numbers, so that sums have the same last bit wherever they were computed.
            chunks.range(place * per_cell..(place + 1) * per_cell).for_each(|(_, tally)| sum.merge(tally));
            Answers::new(cell, self.full.as_ref().map(|full| full.tests.as_slice()), &sum)
        };
        (0..).zip(&self.cells).map(of_cell).collect()
    }
}

/// Simulates each of `left` on the threads of `pool`, and hands it over on the thread that called.
fn share_out<E: From<W>, W: Send>(
    pool: &ThreadPool,
    left: &[u64],
    stop: &AtomicBool,
    simulate: impl Fn(u64) -> Result<Tally, W> + Sync + Send,
    mut done: impl FnMut(u64, Tally) -> Result<(), E>,
) -> Result<(), E> {
    let (sender, receiver) = mpsc::channel();
    let simulate = move || {
        left.par_iter().with_max_len(1).for_each_with(sender, |sender, item| {
            if !stop.load(Ordering::Relaxed) {
                // Nobody listens any more where the one who did has failed.
                let _ = sender.send((*item, simulate(*item)));
            }
        });
    };
    std::thread::scope(|scope| {
        scope.spawn(|| pool.install(simulate));
        let mut ended = Ok(());
        for (item, tally) in receiver {
            if ended.is_ok() {
                ended = tally.map_err(E::from).and_then(|tally| done(item, tally));
            }
            if ended.is_err() {
                stop.store(true, Ordering::Relaxed);
            }
        }
        ended
    })
}

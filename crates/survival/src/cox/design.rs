//! The data of a Cox model in the order its sums need: by stratum, from the last time to the first.
//!
//! Never changes what a coefficient means: covariates are centred and scaled inside only, for stable sums.
//! See [`super::sweep`] for the pass over it.

use super::{Covariates, CoxOptions};
use crate::observations::{Sorted, check_finite, check_length};
use crate::order::{self, Codes};
use crate::{Error, Observations};

/// A row has the event.
pub(crate) const EVENT: u8 = 1;
/// The first row of its tied time, going back in time.
pub(crate) const NEW_TIME: u8 = 2;
/// The first row of its stratum.
pub(crate) const NEW_STRATUM: u8 = 4;

/// Rows by stratum and descending time. A position is a place in this order, a row one in the input.
#[derive(Debug)]
pub(crate) struct Design {
    /// Covariates.
    pub p: usize,
    /// Centred and scaled covariates, `p` for each position.
    pub x: Vec<f64>,
    /// What was subtracted from each covariate.
    pub centre: Vec<f64>,
    /// What each covariate was then multiplied by.
    pub scale: Vec<f64>,
    /// The row at each position.
    pub row: Vec<u32>,
    pub flag: Vec<u8>,
    pub time: Vec<f64>,
    pub weight: Option<Vec<f64>>,
    /// Offsets less their mean.
    pub offset: Option<Vec<f64>>,
    pub mean_offset: f64,
    pub entry: Option<Entry>,
    /// First position of each stratum, and the end.
    pub stratum_start: Vec<u32>,
    /// Labels of the strata.
    pub stratum_label: Vec<usize>,
}

/// Left truncation and start-stop rows.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Entry time of each position.
    pub time: Vec<f64>,
    /// Positions by stratum and descending entry.
    pub order: Vec<u32>,
}

impl Design {
    pub fn new(
        time: &[f64],
        event: &[bool],
        covariates: &Covariates<'_>,
        options: &CoxOptions<'_>,
    ) -> Result<Self, Error> {
        let observations = Observations { time, event, entry: options.entry, weight: options.weights };
        let n = time.len();
        let columns = covariates.check(n)?;
        if let Some(offset) = options.offset {
            check_finite("offset", n, offset)?;
        }
        if let Some(strata) = options.strata {
            check_length("strata", n, strata.len())?;
        }
        let strata = options.strata.map(Codes::of);
        let sorted = observations.sorted(strata.as_ref())?;
        if !event.contains(&true) {
            return Err(Error::NoEvents);
        }
        let row: Vec<u32> = reversed_within_strata(&sorted, strata.as_ref());
        let place = |values: &[f64]| row.iter().map(|&i| values[i as usize]).collect::<Vec<f64>>();
        let mean_offset = options.offset.map_or(0.0, |o| o.iter().sum::<f64>() / n as f64);
        let mut design = Self {
            p: columns.len(),
            x: Vec::new(),
            centre: Vec::new(),
            scale: Vec::new(),
            flag: Vec::new(),
            time: place(&sorted.time),
            weight: options.weights.map(place),
            offset: options.offset.map(|o| place(o).into_iter().map(|v| v - mean_offset).collect()),
            mean_offset,
            entry: None,
            stratum_start: Vec::new(),
            stratum_label: strata.as_ref().map_or_else(|| vec![0], |s| s.labels.clone()),
            row,
        };
        design.mark(event, strata.as_ref());
        design.place_entries(&sorted);
        drop(sorted);
        design.place_covariates(&columns, options.weights);
        Ok(design)
    }

    fn mark(&mut self, event: &[bool], strata: Option<&Codes>) {
        let stratum = |k: usize| strata.map_or(0, |s| s.code[self.row[k] as usize]);
        let mut flags = Vec::with_capacity(self.row.len());
        for k in 0..self.row.len() {
            let new_stratum = k == 0 || stratum(k) != stratum(k - 1);
            let new_time = new_stratum || self.time[k] != self.time[k - 1];
            if new_stratum {
                self.stratum_start.push(u32::try_from(k).unwrap_or(u32::MAX));
            }
            let is_event = event[self.row[k] as usize];
            let mark = |flag: u8, set: bool| if set { flag } else { 0 };
            flags.push(mark(EVENT, is_event) | mark(NEW_TIME, new_time) | mark(NEW_STRATUM, new_stratum));
        }
        self.stratum_start.push(u32::try_from(self.row.len()).unwrap_or(u32::MAX));
        self.flag = flags;
    }

    fn place_entries(&mut self, sorted: &Sorted<'_>) {
        let Some(entry) = &sorted.entry else { return };
        let time: Vec<f64> = self.row.iter().map(|&i| entry.time[i as usize]).collect();
        let mut order: Vec<u32> = (0..).take(time.len()).collect();
        for bounds in self.stratum_start.windows(2) {
            order[bounds[0] as usize..bounds[1] as usize]
                .sort_by(|&a, &b| time[b as usize].total_cmp(&time[a as usize]));
        }
        self.entry = Some(Entry { time, order });
    }

    /// Centres each column at its mean and scales it by its mean absolute deviation.
    fn place_covariates(&mut self, columns: &[&[f64]], weights: Option<&[f64]>) {
        let n = self.row.len();
        self.x = vec![0.0; n * self.p];
        let weight = |i: usize| weights.map_or(1.0, |w| w[i]);
        let total: f64 = weights.map_or(n as f64, |w| w.iter().sum());
        for (j, column) in columns.iter().enumerate() {
            let mean = column.iter().enumerate().map(|(i, v)| weight(i) * v).sum::<f64>() / total;
            let spread =
                column.iter().enumerate().map(|(i, v)| weight(i) * (v - mean).abs()).sum::<f64>() / total;
            let scale = if spread > 0.0 && spread.is_finite() { 1.0 / spread } else { 1.0 };
            for (x, &i) in self.x[j..].iter_mut().step_by(self.p).zip(&self.row) {
                *x = (column[i as usize] - mean) * scale;
            }
            self.centre.push(mean);
            self.scale.push(scale);
        }
    }

    pub fn n(&self) -> usize {
        self.row.len()
    }

    pub fn is_event(&self, position: usize) -> bool {
        self.flag[position] & EVENT != 0
    }

    pub fn x(&self, position: usize) -> &[f64] {
        &self.x[position * self.p..(position + 1) * self.p]
    }

    pub fn weight(&self, position: usize) -> f64 {
        self.weight.as_ref().map_or(1.0, |w| w[position])
    }

    /// The linear predictor, covariates and offset centred, for coefficients of the scaled covariates.
    pub fn eta(&self, position: usize, beta: &[f64]) -> f64 {
        let mut eta = self.offset.as_ref().map_or(0.0, |o| o[position]);
        for (x, b) in self.x(position).iter().zip(beta) {
            eta += x * b;
        }
        eta
    }

    /// The end of the tied times that begin at `start`.
    pub fn end_of_time(&self, start: usize) -> usize {
        let later = &self.flag[start + 1..];
        start + 1 + later.iter().position(|f| f & NEW_TIME != 0).unwrap_or(later.len())
    }

    /// Positions of each stratum.
    pub fn strata(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.stratum_start.windows(2).map(|w| w[0] as usize..w[1] as usize)
    }

    /// Spreads a value of each position back over the rows of the input.
    pub fn by_row<T: Clone + Default>(&self, by_position: Vec<T>) -> Vec<T> {
        let mut rows = vec![T::default(); by_position.len()];
        for (value, &row) in by_position.into_iter().zip(&self.row) {
            rows[row as usize] = value;
        }
        rows
    }
}

fn reversed_within_strata(sorted: &Sorted<'_>, strata: Option<&Codes>) -> Vec<u32> {
    let mut row = sorted.order.clone();
    match strata {
        Some(s) if s.len() > 1 => {
            row.reverse();
            order::by_code(&row, &s.code, s.len())
        }
        _ => {
            row.reverse();
            row
        }
    }
}

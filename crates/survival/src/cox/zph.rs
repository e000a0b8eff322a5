//! The test of proportional hazards: a score test for coefficients that change with a function of time.
//!
//! Never refits: the score and information of the enlarged model are taken at the fit. Grambsch & Therneau,
//! Biometrika 1994;81:515-526, as the exact score test of R's `cox.zph` since survival 3.0.

use super::likelihood::terms;
use super::sweep::sweep;
use super::{CoxFit, Ties};
use crate::km::KaplanMeier;
use crate::linalg::quadratic_form;
use crate::{Error, Observations, Test};
use serde::Serialize;

/// The function of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeTransform {
    /// 1 - S(t-), S the Kaplan-Meier curve of all rows (R's default).
    #[default]
    Km,
    /// Time itself.
    Identity,
    /// The rank of the time.
    Rank,
    /// log time.
    Log,
}

/// The test of one term.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ZphRow {
    /// The term: a covariate or a factor.
    pub name: String,
    /// Its test, on as many degrees of freedom as it has columns.
    pub test: Test,
}

/// Tests of proportional hazards, by term and together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Zph {
    /// One a term.
    pub rows: Vec<ZphRow>,
    /// All terms at once.
    pub global: Test,
}

impl CoxFit {
    /// Tests whether the coefficients are constant in time. Dropped columns are left out.
    ///
    /// Errors: exact ties; log of an event at time 0; information that cannot be inverted (too few events).
    pub fn zph(&self, transform: TimeTransform) -> Result<Zph, Error> {
        if self.inner.ties == Ties::Exact {
            return Err(Error::Unsupported {
                what: "the test of proportional hazards",
                with: "with exact ties",
            });
        }
        let enlarged = self.enlarged(&self.transformed_times(transform)?);
        let kept: Vec<usize> = (0..self.inner.design.p).filter(|&j| !self.inner.dropped[j]).collect();
        let mut rows = Vec::new();
        for term in &self.inner.terms {
            let columns: Vec<usize> = term.columns.iter().copied().filter(|j| kept.contains(j)).collect();
            if !columns.is_empty() {
                rows.push(ZphRow { name: term.name.clone(), test: enlarged.test(&kept, &columns)? });
            }
        }
        Ok(Zph { rows, global: enlarged.test(&kept, &kept)? })
    }

    /// g(t) of the time of each position, centred at its mean over the events.
    fn transformed_times(&self, transform: TimeTransform) -> Result<Vec<f64>, Error> {
        let design = &self.inner.design;
        let time = &design.time;
        let mut g: Vec<f64> = match transform {
            TimeTransform::Identity => time.clone(),
            TimeTransform::Log => time.iter().map(|t| t.ln()).collect(),
            TimeTransform::Rank => average_ranks(time),
            TimeTransform::Km => {
                let event: Vec<bool> = (0..design.n()).map(|k| design.is_event(k)).collect();
                let entry = design.entry.as_ref().map(|e| &e.time[..]);
                let km = KaplanMeier::of(&Observations { time, event: &event, entry, weight: None })?;
                let before =
                    |t: f64| km.time.partition_point(|&s| s < t).checked_sub(1).map_or(1.0, |k| km.surv[k]);
                time.iter().map(|&t| 1.0 - before(t)).collect()
            }
        };
        let events = (0..design.n()).filter(|&k| design.is_event(k));
        let mean = events.clone().map(|k| g[k]).sum::<f64>() / events.count() as f64;
        if !mean.is_finite() {
            let why = "an event at time 0 has no logarithm: use another transform".to_owned();
            return Err(Error::NotEstimable { what: "log time".to_owned(), why });
        }
        for v in &mut g {
            *v -= mean;
        }
        Ok(g)
    }

    /// Score and information of the model with each column and each column times g.
    fn enlarged(&self, g: &[f64]) -> Enlarged {
        let inner = &self.inner;
        let p = inner.design.p;
        let mut enlarged = Enlarged {
            p,
            score: vec![0.0; p],
            plain: vec![0.0; p * p],
            once: vec![0.0; p * p],
            twice: vec![0.0; p * p],
        };
        let (mut mean, mut information) = (vec![0.0; p], vec![0.0; p * p]);
        sweep(&inner.design, &inner.beta, true, |set| {
            let g = g[set.positions.start];
            information.fill(0.0);
            enlarged.score.iter_mut().zip(set.dead_x).for_each(|(u, x)| *u += g * x);
            for term in terms(set, inner.ties) {
                let total = term.total(set);
                term.mean(set, total, &mut mean);
                enlarged.score.iter_mut().zip(&mean).for_each(|(u, m)| *u -= g * term.weight * m);
                term.add_covariance(set, total, &mean, &mut information);
            }
            for (k, v) in information.iter().enumerate() {
                enlarged.plain[k] += v;
                enlarged.once[k] += g * v;
                enlarged.twice[k] += g * g * v;
            }
        });
        enlarged
    }
}

/// Lower triangles of the blocks of the enlarged information, and the score of the new half; the old half's is 0.
struct Enlarged {
    p: usize,
    score: Vec<f64>,
    plain: Vec<f64>,
    once: Vec<f64>,
    twice: Vec<f64>,
}

impl Enlarged {
    /// The test that the time-dependent parts of `columns` are 0, with the columns `kept` in the model.
    fn test(&self, kept: &[usize], columns: &[usize]) -> Result<Test, Error> {
        let at = |block: &[f64], i: usize, j: usize| block[i.max(j) * self.p + i.min(j)];
        let all: Vec<(usize, bool)> =
            kept.iter().map(|&j| (j, false)).chain(columns.iter().map(|&j| (j, true))).collect();
        let matrix: Vec<f64> = all
            .iter()
            .flat_map(|&(i, a)| {
                all.iter().map(move |&(j, b)| match (a, b) {
                    (false, false) => at(&self.plain, i, j),
                    (true, true) => at(&self.twice, i, j),
                    _ => at(&self.once, i, j),
                })
            })
            .collect();
        let score: Vec<f64> = all.iter().map(|&(j, new)| if new { self.score[j] } else { 0.0 }).collect();
        let statistic = quadratic_form(&matrix, &score).ok_or_else(|| Error::NotEstimable {
            what: "the test of proportional hazards".to_owned(),
            why: "the events do not spread over enough times to tell a change with time".to_owned(),
        })?;
        Ok(Test::chi_squared(statistic, columns.len()))
    }
}

fn average_ranks(time: &[f64]) -> Vec<f64> {
    let order = crate::order::ascending(time);
    let mut rank = vec![0.0; time.len()];
    let mut start = 0;
    while start < order.len() {
        let t = time[order[start] as usize];
        let end = start + order[start..].partition_point(|&i| time[i as usize] == t);
        let average = (start + 1 + end) as f64 / 2.0;
        order[start..end].iter().for_each(|&i| rank[i as usize] = average);
        start = end;
    }
    rank
}

//! Schoenfeld, score and dfbeta residuals, and the robust variance made of them.
//!
//! Never defined for exact ties, as in R. Schoenfeld 1982; Lin & Wei, JASA 1989;84:1074-1078. Cost n p.
//! R: `residuals(fit, type)`.

use super::baseline::{accumulate, increments};
use super::{CoxFit, Ties};
use crate::Error;
use crate::linalg::rows;
use serde::Serialize;

/// Residuals of the events, by stratum and ascending time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schoenfeld {
    /// The row of each event.
    pub row: Vec<usize>,
    /// Its time.
    pub time: Vec<f64>,
    /// Covariates of the event less their expected values in its risk set; one vector an event.
    pub residual: Vec<Vec<f64>>,
}

impl CoxFit {
    fn not_exact(&self, what: &'static str) -> Result<(), Error> {
        if self.inner.ties == Ties::Exact {
            Err(Error::Unsupported { what, with: "with exact ties" })
        } else {
            Ok(())
        }
    }

    /// Schoenfeld residuals, one vector an event.
    pub fn schoenfeld(&self) -> Result<Schoenfeld, Error> {
        self.not_exact("Schoenfeld residuals")?;
        let inner = &self.inner;
        let design = &inner.design;
        let steps = increments(design, inner.ties, &inner.beta, true);
        let mut result = Schoenfeld { row: Vec::new(), time: Vec::new(), residual: Vec::new() };
        let mut remaining = &steps[..];
        for stratum in design.strata() {
            let (own, rest) =
                remaining.split_at(remaining.partition_point(|(s, _)| s.positions.start < stratum.end));
            remaining = rest;
            for (step, means) in own.iter().rev() {
                let mut dead: Vec<usize> = step.positions.clone().filter(|&k| design.is_event(k)).collect();
                dead.sort_by_key(|&k| design.row[k]);
                for k in dead {
                    let columns = design.x(k).iter().zip(&means.mean).zip(&design.scale);
                    result.row.push(design.row[k] as usize);
                    result.time.push(design.time[k]);
                    result.residual.push(columns.map(|((x, m), s)| (x - m) / s).collect());
                }
            }
        }
        Ok(result)
    }

    /// Schoenfeld residuals scaled by the average variance and centred at the coefficients (Grambsch & Therneau 1994).
    pub fn scaled_schoenfeld(&self) -> Result<Schoenfeld, Error> {
        let mut schoenfeld = self.schoenfeld()?;
        let events = schoenfeld.row.len() as f64;
        for residual in &mut schoenfeld.residual {
            let product = |row: &Vec<f64>| residual.iter().zip(row).map(|(r, v)| r * v).sum::<f64>();
            let beta = self.coefficients.iter().map(|b| if b.is_nan() { 0.0 } else { *b });
            *residual =
                self.model_variance.iter().zip(beta).map(|(row, b)| product(row) * events + b).collect();
        }
        Ok(schoenfeld)
    }

    /// Score residuals of the scaled covariates, weighted, `p` for each position.
    fn scaled_scores(&self) -> Vec<f64> {
        let inner = &self.inner;
        let design = &inner.design;
        let p = design.p;
        let steps = increments(design, inner.ties, &inner.beta, true);
        // Running sums of the hazard and of the hazard times the mean.
        let mut sums = accumulate(design, &steps, p + 1, |step, means, dead, sum| {
            let (hazard, by) = if dead {
                (step.hazard_of_dead, &means.by_hazard_of_dead)
            } else {
                (step.hazard, &means.by_hazard)
            };
            sum[0] += hazard;
            sum[1..].iter_mut().zip(by).for_each(|(s, m)| *s += m);
        });
        let mut scores = Vec::with_capacity(design.n() * p);
        for (k, sum) in sums.chunks_exact_mut(p + 1).enumerate() {
            let risk = design.eta(k, &inner.beta).exp();
            scores.extend(design.x(k).iter().zip(&sum[1..]).map(|(x, m)| -risk * (x * sum[0] - m)));
        }
        for (step, means) in &steps {
            for k in step.positions.clone().filter(|&k| design.is_event(k)) {
                let own = &mut scores[k * p..][..p];
                own.iter_mut().zip(design.x(k)).zip(&means.mean).for_each(|((s, x), m)| *s += x - m);
            }
        }
        scores
    }

    /// Score residuals in row order: each row's part of the first derivative of the log-likelihood, unweighted.
    pub fn score_residuals(&self) -> Result<Vec<Vec<f64>>, Error> {
        self.not_exact("score residuals")?;
        let design = &self.inner.design;
        let scores = self.scaled_scores();
        let rows =
            scores.chunks_exact(design.p).map(|s| s.iter().zip(&design.scale).map(|(v, c)| v / c).collect());
        Ok(design.by_row(rows.collect()))
    }

    /// Dfbeta residuals in row order: about how much each coefficient would lose without the row; weighted, as in R.
    pub fn dfbeta(&self) -> Result<Vec<Vec<f64>>, Error> {
        self.not_exact("dfbeta residuals")?;
        Ok(self.inner.design.by_row(self.dfbeta_by_position()))
    }

    fn dfbeta_by_position(&self) -> Vec<Vec<f64>> {
        let inner = &self.inner;
        let design = &inner.design;
        let p = design.p;
        let change = |(k, score): (usize, &[f64])| {
            let row = |j: usize| {
                inner.inverse[j * p..(j + 1) * p].iter().zip(score).map(|(v, s)| v * s).sum::<f64>()
            };
            (0..p).map(|j| row(j) * design.scale[j] * design.weight(k)).collect()
        };
        self.scaled_scores().chunks_exact(p).enumerate().map(change).collect()
    }

    /// The robust (sandwich) variance: by cluster where the fit had one, else each row its own cluster.
    ///
    /// With exact ties, for which it is not defined, the model-based variance.
    pub fn robust_variance(&self) -> Vec<Vec<f64>> {
        let p = self.inner.design.p;
        if self.inner.ties == Ties::Exact {
            return self.model_variance.clone();
        }
        let mut dfbeta = self.dfbeta_by_position();
        if let Some(cluster) = &self.inner.cluster {
            let mut sums = vec![vec![0.0; p]; cluster.len()];
            for (change, &row) in dfbeta.iter().zip(&self.inner.design.row) {
                let sum = &mut sums[cluster.code[row as usize] as usize];
                sum.iter_mut().zip(change).for_each(|(s, c)| *s += c);
            }
            dfbeta = sums;
        }
        let mut variance = vec![0.0; p * p];
        for change in &dfbeta {
            for i in 0..p {
                for j in 0..p {
                    variance[i * p + j] += change[i] * change[j];
                }
            }
        }
        rows(&variance, p)
    }
}

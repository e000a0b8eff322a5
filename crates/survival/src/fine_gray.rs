//! Fine & Gray: proportional hazards for the subdistribution, the hazard that maps to one cause's cumulative incidence.
//!
//! Never to be read as a cause-specific hazard (censor the other causes and fit [`crate::cox`] for that). Fine & Gray,
//! JASA 1999;94:496-509; one censoring distribution, Breslow ties. R: `cmprsk::crr`. Cost n p^2, no nested loops.

use crate::cox::Covariates;
use crate::cox::likelihood::Point;
use crate::cox::newton::{self, Control, PIVOT_TOLERANCE};
use crate::distribution::{normal_two_sided, two_sided_quantile};
use crate::km::KaplanMeier;
use crate::linalg::{self, Ldl, dot};
use crate::observations::check_length;
use crate::{Error, Observations, Test, Warning};

/// A fitted Fine-Gray model. Vectors and matrices follow the order of the covariate columns.
#[derive(Debug, Clone, PartialEq)]
pub struct FineGray {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Log subdistribution hazard ratios.
    pub coefficients: Vec<f64>,
    /// Their covariance: the sandwich that allows for the estimated censoring distribution.
    pub variance: Vec<Vec<f64>>,
    /// Log pseudo-likelihood with all coefficients 0 and at the fit.
    pub log_likelihood: [f64; 2],
    /// Pseudo-likelihood-ratio test that all coefficients are 0.
    pub likelihood_ratio: Test,
    /// Wald test of the same.
    pub wald: Test,
    /// Subjects.
    pub n: usize,
    /// Events of the cause of interest.
    pub n_event: usize,
    /// Newton steps.
    pub iterations: usize,
    /// What the reader should know before trusting the values.
    pub warnings: Vec<Warning>,
}

impl FineGray {
    /// Fits the model for `cause_of_interest`; `cause[i]` is 0 where the time is censored.
    ///
    /// Errors: lengths differ; bad times or covariates; the cause never seen; a redundant covariate.
    ///
    /// ```
    /// use survival::{cox::Covariates, fine_gray::FineGray};
    /// let time = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    /// let arm = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0];
    /// let fit = FineGray::fit(&time, &[1, 2, 1, 1, 0, 2, 1, 0], 1, &Covariates::new().with("arm", &arm))?;
    /// assert!(fit.hazard_ratio(0) < 1.0);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn fit(
        time: &[f64],
        cause: &[usize],
        cause_of_interest: usize,
        covariates: &Covariates<'_>,
    ) -> Result<Self, Error> {
        let sample = Sample::new(time, cause, cause_of_interest, covariates)?;
        let p = sample.p;
        let control = Control { eps: 1e-9, max_iterations: 30, max_step: f64::INFINITY, quadratic: true };
        let maximum = newton::maximise(|beta| sample.likelihood(beta), vec![0.0; p], None, control);
        if let Some(j) = (0..p).find(|&j| maximum.factor.is_redundant(j)) {
            return Err(Error::Collinear { name: covariates.names()[j].clone() });
        }
        let inverse = maximum.factor.inverse();
        let scaled = sample.sandwich(&maximum.beta, &inverse);
        let unscaled = |k: usize, v: f64| v * sample.scale[k / p] * sample.scale[k % p];
        let variance: Vec<f64> = scaled.iter().enumerate().map(|(k, &v)| unscaled(k, v)).collect();
        if let Some(k) = variance.iter().position(|v| !v.is_finite()) {
            let why = "it is too large to be a number: measure the covariate in another unit".to_owned();
            return Err(Error::NotEstimable {
                what: format!("the coefficient of `{}`", covariates.names()[k / p]),
                why,
            });
        }
        let log_likelihood = [maximum.start.value, maximum.end.value];
        let wald = dot(&Ldl::factor(&scaled, p, PIVOT_TOLERANCE).solve(&maximum.beta), &maximum.beta);
        let mut warnings = Vec::new();
        if !maximum.converged {
            warnings.push(Warning::NotConverged { iterations: maximum.iterations });
        }
        for j in 0..p {
            let step = dot(&inverse[j * p..(j + 1) * p], &maximum.end.score).abs();
            if step > control.eps.sqrt() * maximum.beta[j].abs().max(control.eps.sqrt()) {
                warnings.push(Warning::Separation { name: covariates.names()[j].clone() });
            }
        }
        Ok(Self {
            names: covariates.names().to_vec(),
            coefficients: maximum.beta.iter().zip(&sample.scale).map(|(b, s)| b * s).collect(),
            variance: linalg::rows(&variance, p),
            log_likelihood,
            likelihood_ratio: Test::chi_squared((2.0 * (log_likelihood[1] - log_likelihood[0])).max(0.0), p),
            wald: Test::chi_squared(wald, p),
            n: time.len(),
            n_event: cause.iter().filter(|&&c| c == cause_of_interest).count(),
            iterations: maximum.iterations,
            warnings,
        })
    }

    /// exp of coefficient `j`.
    pub fn hazard_ratio(&self, j: usize) -> f64 {
        self.coefficients[j].exp()
    }

    /// Standard error of coefficient `j`.
    pub fn std_err(&self, j: usize) -> f64 {
        self.variance[j][j].sqrt()
    }

    /// Two-sided probability that coefficient `j` is 0.
    pub fn p_value(&self, j: usize) -> f64 {
        normal_two_sided(self.coefficients[j] / self.std_err(j))
    }

    /// Wald limits of subdistribution hazard ratio `j` at confidence `level`.
    pub fn limits(&self, j: usize, level: f64) -> (f64, f64) {
        let half = two_sided_quantile(level) * self.std_err(j);
        ((self.coefficients[j] - half).exp(), (self.coefficients[j] + half).exp())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Censored,
    OfInterest,
    Competing,
}

/// Subjects by ascending time.
struct Sample {
    n: usize,
    p: usize,
    time: Vec<f64>,
    fate: Vec<Fate>,
    /// Centred and scaled, `p` a subject.
    x: Vec<f64>,
    scale: Vec<f64>,
    /// Kaplan-Meier of the censoring distribution just before each time.
    uncensored: Vec<f64>,
}

/// Sums of 1, x and x x' (packed lower triangle) by weight, in one vector.
fn add_moments(sums: &mut [f64], weight: f64, x: &[f64]) {
    sums[0] += weight;
    let p = x.len();
    let mut k = 1 + p;
    let second = sums.len() > k;
    for (j, v) in x.iter().enumerate() {
        let wv = weight * v;
        sums[1 + j] += wv;
        if second {
            sums[k..].iter_mut().zip(&x[..=j]).for_each(|(s, u)| *s += wv * u);
            k += j + 1;
        }
    }
}

/// An event time of the cause of interest: the risk set with the competing events still in it.
struct EventTime {
    deaths: f64,
    uncensored: f64,
    total: f64,
    mean: Vec<f64>,
}

impl Sample {
    fn new(
        time: &[f64],
        cause: &[usize],
        of_interest: usize,
        covariates: &Covariates<'_>,
    ) -> Result<Self, Error> {
        let n = time.len();
        check_length("cause", n, cause.len())?;
        let columns = covariates.check(n)?;
        let censored: Vec<bool> = cause.iter().map(|&c| c == 0).collect();
        let sorted = Observations::new(time, &censored).sorted(None)?;
        if of_interest == 0 || !cause.contains(&of_interest) {
            return Err(Error::NoEvents);
        }
        let censoring = KaplanMeier::fit(time, &censored)?;
        let rows: Vec<usize> = sorted.order.iter().map(|&i| i as usize).collect();
        let p = columns.len();
        let mut sample = Self {
            n,
            p,
            time: rows.iter().map(|&i| sorted.time[i]).collect(),
            fate: rows
                .iter()
                .map(|&i| match cause[i] {
                    0 => Fate::Censored,
                    c if c == of_interest => Fate::OfInterest,
                    _ => Fate::Competing,
                })
                .collect(),
            x: vec![0.0; n * p],
            scale: Vec::new(),
            uncensored: Vec::with_capacity(n),
        };
        for (j, column) in columns.iter().enumerate() {
            let mean = column.iter().sum::<f64>() / n as f64;
            let spread = column.iter().map(|v| (v - mean).abs()).sum::<f64>() / n as f64;
            let scale = if spread > 0.0 && spread.is_finite() { 1.0 / spread } else { 1.0 };
            rows.iter().enumerate().for_each(|(k, &i)| sample.x[k * p + j] = (column[i] - mean) * scale);
            sample.scale.push(scale);
        }
        let mut step = 0;
        for k in 0..n {
            while censoring.time.get(step).is_some_and(|&s| s < sample.time[k]) {
                step += 1;
            }
            sample.uncensored.push(if step == 0 { 1.0 } else { censoring.surv[step - 1] });
        }
        Ok(sample)
    }

    fn x(&self, k: usize) -> &[f64] {
        &self.x[k * self.p..(k + 1) * self.p]
    }

    fn score_of(&self, k: usize, beta: &[f64]) -> f64 {
        dot(self.x(k), beta).exp()
    }

    /// The weight of a subject once its competing event is past, but for the censoring probability of the moment.
    fn lingering(&self, k: usize, beta: &[f64]) -> f64 {
        self.score_of(k, beta) / self.uncensored[k]
    }

    /// Visits the event times from the last to the first with the sums over the weighted risk set.
    fn sweep(&self, beta: &[f64], second: bool, mut visit: impl FnMut(&[usize], f64, &[f64])) {
        let size = 1 + self.p + if second { self.p * (self.p + 1) / 2 } else { 0 };
        let (mut present, mut past) = (vec![0.0; size], vec![0.0; size]);
        let competing = |k: &usize| self.fate[*k] == Fate::Competing;
        (0..self.n)
            .filter(competing)
            .for_each(|k| add_moments(&mut past, self.lingering(k, beta), self.x(k)));
        let mut sums = vec![0.0; size];
        let (mut end, mut dead) = (self.n, Vec::new());
        while end > 0 {
            let time = self.time[end - 1];
            let start = self.time[..end].partition_point(|&t| t < time);
            dead.clear();
            for k in start..end {
                add_moments(&mut present, self.score_of(k, beta), self.x(k));
                match self.fate[k] {
                    Fate::Competing => add_moments(&mut past, -self.lingering(k, beta), self.x(k)),
                    Fate::OfInterest => dead.push(k),
                    Fate::Censored => (),
                }
            }
            if !dead.is_empty() {
                let uncensored = self.uncensored[start];
                sums.iter_mut().zip(&present).zip(&past).for_each(|((s, a), b)| *s = a + uncensored * b);
                visit(&dead, uncensored, &sums);
            }
            end = start;
        }
    }

    fn likelihood(&self, beta: &[f64]) -> Point {
        let p = self.p;
        let mut point = Point::zero(p);
        self.sweep(beta, true, |dead, _, sums| {
            let (d, total) = (dead.len() as f64, sums[0]);
            point.value -= d * total.ln();
            for &k in dead {
                point.value += dot(self.x(k), beta);
                point.score.iter_mut().zip(self.x(k)).for_each(|(u, x)| *u += x);
            }
            let mut packed = 1 + p;
            for i in 0..p {
                let mean = sums[1 + i] / total;
                point.score[i] -= d * mean;
                for j in 0..=i {
                    point.information[i * p + j] += d * (sums[packed] / total - mean * sums[1 + j] / total);
                    packed += 1;
                }
            }
        });
        point.symmetrise();
        point
    }

    /// Inverse information times the covariance of the subjects' influences times inverse information.
    fn sandwich(&self, beta: &[f64], inverse: &[f64]) -> Vec<f64> {
        let p = self.p;
        let mut influence = self.score_influence(beta);
        self.add_censoring_influence(beta, &mut influence);
        let mut variance = vec![0.0; p * p];
        for own in influence.chunks_exact(p) {
            let change: Vec<f64> = (0..p).map(|j| dot(&inverse[j * p..(j + 1) * p], own)).collect();
            for i in 0..p {
                for j in 0..p {
                    variance[i * p + j] += change[i] * change[j];
                }
            }
        }
        variance
    }

    /// Event times, ascending, with the index of the first subject at each.
    fn event_times(&self, beta: &[f64]) -> Vec<(usize, EventTime)> {
        let mut times = Vec::new();
        self.sweep(beta, false, |dead, uncensored, sums| {
            let mean = sums[1..].iter().map(|s| s / sums[0]).collect();
            times.push((dead[0], EventTime { deaths: dead.len() as f64, uncensored, total: sums[0], mean }));
        });
        times.reverse();
        times
    }

    /// Cumulative hazard, its integral with the mean, and both with the censoring probability: for each subject up to
    /// its time, and at the end.
    fn integrals(&self, times: &[(usize, EventTime)]) -> (Vec<f64>, Vec<f64>) {
        let width = 2 * (1 + self.p);
        let mut sum = vec![0.0; width];
        let mut at = Vec::with_capacity(self.n * width);
        let mut times = times.iter().peekable();
        for k in 0..self.n {
            while let Some((_, event)) = times.next_if(|(first, _)| self.time[*first] <= self.time[k]) {
                let hazard = event.deaths / event.total;
                let (plain, censored) = sum.split_at_mut(1 + self.p);
                add_moments(plain, hazard, &event.mean);
                add_moments(censored, hazard * event.uncensored, &event.mean);
            }
            at.extend_from_slice(&sum);
        }
        (at, sum)
    }

    /// Each subject's part of the score.
    fn score_influence(&self, beta: &[f64]) -> Vec<f64> {
        let p = self.p;
        let times = self.event_times(beta);
        let (at, end) = self.integrals(&times);
        let mut influence = Vec::with_capacity(self.n * p);
        for (k, own) in at.chunks_exact(2 * (1 + p)).enumerate() {
            let (risk, x) = (self.score_of(k, beta), self.x(k));
            let (plain, censored) = own.split_at(1 + p);
            let lingers = self.fate[k] == Fate::Competing;
            for j in 0..p {
                let mut u = -risk * (x[j] * plain[0] - plain[1 + j]);
                if lingers {
                    let rest = |i: usize| end[1 + p + i] - censored[i];
                    u -= risk / self.uncensored[k] * (x[j] * rest(0) - rest(1 + j));
                }
                influence.push(u);
            }
        }
        for (first, event) in &times {
            let same = self.time[*first];
            for k in (*first..self.n).take_while(|&k| self.time[k] == same) {
                if self.fate[k] == Fate::OfInterest {
                    (0..p).for_each(|j| influence[k * p + j] += self.x(k)[j] - event.mean[j]);
                }
            }
        }
        influence
    }

    /// Adds what each subject does through the estimated censoring distribution.
    fn add_censoring_influence(&self, beta: &[f64], influence: &mut [f64]) {
        let p = self.p;
        let times = self.event_times(beta);
        let (at, end) = self.integrals(&times);
        let width = 2 * (1 + p);
        // Integrals just before each time: those at the last subject before it.
        let before = |k: usize, i: usize| if k == 0 { 0.0 } else { at[(k - 1) * width + 1 + p + i] };
        let mut lingering = vec![0.0; 1 + p];
        let mut taken = vec![0.0; p];
        let mut start = 0;
        while start < self.n {
            let stop = self.time.partition_point(|&t| t <= self.time[start]);
            let at_risk = (self.n - start) as f64;
            let censored = (start..stop).filter(|&k| self.fate[k] == Fate::Censored).count() as f64;
            let mut q = vec![0.0; p];
            if censored > 0.0 {
                let rest = |i: usize| end[1 + p + i] - before(start, i);
                for (j, q) in q.iter_mut().enumerate() {
                    *q = lingering[1 + j] * rest(0) - lingering[0] * rest(1 + j);
                    taken[j] += *q * censored / (at_risk * at_risk);
                }
            }
            for k in start..stop {
                for j in 0..p {
                    let own = if self.fate[k] == Fate::Censored { q[j] / at_risk } else { 0.0 };
                    influence[k * p + j] += own - taken[j];
                }
            }
            for k in (start..stop).filter(|&k| self.fate[k] == Fate::Competing) {
                add_moments(&mut lingering, self.lingering(k, beta), self.x(k));
            }
            start = stop;
        }
    }
}

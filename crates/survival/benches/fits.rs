//! Cost of the estimators by number of subjects: should grow as the number does. `cargo bench -p survival`.
//! For the comparison with R see `versus_r.sh`.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use survival::cox::{Covariates, Cox, CoxOptions};
use survival::km::KaplanMeier;
use survival::logrank::logrank;

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [10_000, 100_000, 1_000_000];

struct Sample {
    time: Vec<f64>,
    event: Vec<bool>,
    arm: Vec<usize>,
    x: Vec<Vec<f64>>,
}

impl Sample {
    fn draw(n: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let time = (0..n).map(|_| (-600.0 * random.random::<f64>().max(1e-12).ln()).ceil()).collect();
        Self {
            time,
            event: (0..n).map(|_| random.random::<bool>()).collect(),
            arm: (0..n).map(|_| usize::from(random.random::<bool>())).collect(),
            x: (0..10).map(|_| (0..n).map(|_| random.random::<f64>()).collect()).collect(),
        }
    }

    fn cox(&self, p: usize) -> usize {
        let covariates = self.x[..p].iter().fold(Covariates::new(), |c, x| c.with("x", x));
        Cox::fit(&self.time, &self.event, &covariates, &CoxOptions::default()).map_or(0, |fit| fit.iterations)
    }
}

#[divan::bench(args = SIZES)]
fn kaplan_meier(bencher: divan::Bencher<'_, '_>, n: usize) {
    let sample = Sample::draw(n);
    bencher.bench(|| KaplanMeier::fit(&sample.time, &sample.event));
}

#[divan::bench(args = SIZES)]
fn log_rank(bencher: divan::Bencher<'_, '_>, n: usize) {
    let sample = Sample::draw(n);
    bencher.bench(|| logrank(&sample.time, &sample.event, &sample.arm, None, 0.0));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn cox_1(bencher: divan::Bencher<'_, '_>, n: usize) {
    let sample = Sample::draw(n);
    bencher.bench(|| sample.cox(1));
}

#[divan::bench(args = SIZES, sample_count = 10)]
fn cox_10(bencher: divan::Bencher<'_, '_>, n: usize) {
    let sample = Sample::draw(n);
    bencher.bench(|| sample.cox(10));
}

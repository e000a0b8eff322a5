//! Times Kaplan-Meier, log-rank and Cox with 1 and 10 covariates on one file, for `benches/versus_r.sh`.
//!
//! `speed make N FILE` writes a sample; `speed time FILE` prints `task seconds` lines. Reading the file is not timed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;
use survival::cox::{Covariates, Cox, CoxOptions};
use survival::km::KaplanMeier;
use survival::logrank::logrank;

const COVARIATES: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", n, file] => make(n.parse()?, file),
        ["time", file] => time(file),
        _ => Err("speed make N FILE | speed time FILE".into()),
    }
}

/// Exponential times of one decimal day (some ties), censored at random, covariates normal but the first, the arm.
fn make(n: usize, file: &str) -> Result<(), Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut out = std::io::BufWriter::new(std::fs::File::create(file)?);
    let names: Vec<String> = (1..=COVARIATES).map(|j| format!("x{j}")).collect();
    writeln!(out, "time,status,{}", names.join(","))?;
    for _ in 0..n {
        let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
        let mut x: Vec<f64> = (0..COVARIATES).map(|_| (normal() * 100.0).round() / 100.0).collect();
        x[0] = f64::from(u8::from(x[0] > 0.0));
        let rate = (0.3 * x[0] - 0.2 * x[1] + 0.1 * x[2]).exp() / 600.0;
        let event = -random.random::<f64>().max(1e-12).ln() / rate;
        let censoring = random.random::<f64>() * 2000.0;
        let time = (event.min(censoring) * 10.0).ceil() / 10.0;
        let row: Vec<String> = x.iter().map(f64::to_string).collect();
        writeln!(out, "{time},{},{}", u8::from(event <= censoring), row.join(","))?;
    }
    Ok(())
}

fn time(file: &str) -> Result<(), Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(file)?;
    let (mut time, mut event) = (Vec::new(), Vec::new());
    let mut x = vec![Vec::new(); COVARIATES];
    for record in reader.records() {
        let record = record?;
        time.push(record[0].parse::<f64>()?);
        event.push(&record[1] == "1");
        for (j, column) in x.iter_mut().enumerate() {
            column.push(record[2 + j].parse::<f64>()?);
        }
    }
    let arm: Vec<usize> = x[0].iter().map(|&v| usize::from(v == 1.0)).collect();
    let model =
        |p: usize| x[..p].iter().enumerate().fold(Covariates::new(), |c, (j, x)| c.with(&format!("x{j}"), x));
    report("kaplan_meier", || KaplanMeier::fit(&time, &event).map(|km| km.surv.len()))?;
    report("logrank", || logrank(&time, &event, &arm, None, 0.0).map(|t| t.test.df))?;
    report("cox_1", || Cox::fit(&time, &event, &model(1), &CoxOptions::default()).map(|f| f.iterations))?;
    report("cox_10", || {
        Cox::fit(&time, &event, &model(COVARIATES), &CoxOptions::default()).map(|f| f.iterations)
    })?;
    Ok(())
}

/// The best of five.
fn report(task: &str, run: impl Fn() -> Result<usize, survival::Error>) -> Result<(), survival::Error> {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        black_box(run()?);
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{task} {best:.6}");
    Ok(())
}

//! Times Kaplan-Meier, log-rank and Cox with 1 and 10 covariates on one file, for `benches/versus_r.sh`.
//!
//! `speed make N FILE` writes a sample; `speed time FILE` prints `task seconds` lines, the last of them `limit`: what one
//! comparison sort of the times and one pass over them cost. `speed memory FILE` prints `task bytes` lines: the peak of memory a
//! subject beyond the input (Linux). Run that with `MALLOC_MMAP_THRESHOLD_=65536`, so that what one task freed is not there for
//! the next. Reading the file is not measured.

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
        ["time", file] => measure(file, Measure::Seconds),
        ["memory", file] => measure(file, Measure::Bytes),
        _ => Err("speed make N FILE | speed time FILE | speed memory FILE".into()),
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

#[derive(Clone, Copy)]
enum Measure {
    Seconds,
    Bytes,
}

fn measure(file: &str, measure: Measure) -> Result<(), Box<dyn Error>> {
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
    let n = time.len();
    report(n, "kaplan_meier", measure, || KaplanMeier::fit(&time, &event).map(|km| km.surv.len()))?;
    report(n, "logrank", measure, || logrank(&time, &event, &arm, None, 0.0).map(|t| t.test.df))?;
    report(n, "cox_1", measure, || {
        Cox::fit(&time, &event, &model(1), &CoxOptions::default()).map(|f| f.iterations)
    })?;
    report(n, "cox_10", measure, || {
        Cox::fit(&time, &event, &model(COVARIATES), &CoxOptions::default()).map(|f| f.iterations)
    })?;
    report(n, "limit", measure, || {
        let mut rows: Vec<(f64, bool)> = time.iter().copied().zip(event.iter().copied()).collect();
        rows.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        Ok(rows.iter().filter(|(_, event)| *event).count())
    })
}

/// Seconds, the best of five; or the peak of memory in bytes a subject beyond what was there before.
fn report(
    n: usize,
    task: &str,
    measure: Measure,
    run: impl Fn() -> Result<usize, survival::Error>,
) -> Result<(), Box<dyn Error>> {
    match measure {
        Measure::Seconds => {
            let mut best = f64::INFINITY;
            for _ in 0..5 {
                let start = Instant::now();
                black_box(run()?);
                best = best.min(start.elapsed().as_secs_f64());
            }
            println!("{task} {best:.6}");
        }
        Measure::Bytes => {
            let before = resident("VmRSS:");
            // Sets the peak back to what is resident now; see proc(5).
            std::fs::write("/proc/self/clear_refs", "5")?;
            black_box(run()?);
            println!("{task} {}", resident("VmHWM:").saturating_sub(before) * 1024 / n.max(1));
        }
    }
    Ok(())
}

/// A line of `/proc/self/status`, in KiB; 0 where there is none.
fn resident(line: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let found = status.lines().find_map(|l| l.strip_prefix(line));
    found.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

//! What must hold for any sample: order, unit of time and labels do not matter; splitting a row, or writing a weight as
//! repetition, changes nothing; no input panics.

use proptest::prelude::*;
use survival::aalen_johansen::AalenJohansen;
use survival::cox::{Collinear, Covariates, Cox, CoxFit, CoxOptions, Ties, TimeTransform};
use survival::fine_gray::FineGray;
use survival::gray::gray;
use survival::km::KaplanMeier;
use survival::logrank::{FlemingHarrington, logrank, weighted};
use survival::maxcombo::{DEFAULT_WEIGHTS, Side, maxcombo};
use survival::nelson_aalen::NelsonAalen;
use survival::permutation::{self, Shuffles};
use survival::{ConfType, Observations};

#[derive(Debug, Clone)]
struct Sample {
    time: Vec<f64>,
    event: Vec<bool>,
    group: Vec<usize>,
    stratum: Vec<usize>,
    x: Vec<f64>,
}

impl Sample {
    fn n(&self) -> usize {
        self.time.len()
    }

    fn pick(&self, rows: &[usize]) -> Self {
        Self {
            time: rows.iter().map(|&i| self.time[i]).collect(),
            event: rows.iter().map(|&i| self.event[i]).collect(),
            group: rows.iter().map(|&i| self.group[i]).collect(),
            stratum: rows.iter().map(|&i| self.stratum[i]).collect(),
            x: rows.iter().map(|&i| self.x[i]).collect(),
        }
    }

    fn arm(&self) -> Vec<f64> {
        self.group.iter().map(|&g| f64::from(u8::from(g == 1))).collect()
    }

    /// A fit that can be compared: no separation, no redundancy.
    fn cox(&self, options: &CoxOptions<'_>) -> Option<CoxFit> {
        let arm = self.arm();
        let covariates = Covariates::new().with("arm", &arm).with("x", &self.x);
        Cox::fit(&self.time, &self.event, &covariates, options).ok().filter(|f| f.warnings.is_empty())
    }
}

/// Samples with ties and times of 0, 8 to 60 subjects.
fn samples() -> impl Strategy<Value = Sample> {
    let subject = (0..25u8, any::<bool>(), 0..3usize, 0..2usize, -30..30i8);
    prop::collection::vec(subject, 8..60).prop_map(|subjects| Sample {
        time: subjects.iter().map(|s| f64::from(s.0)).collect(),
        event: subjects.iter().map(|s| s.1).collect(),
        group: subjects.iter().map(|s| s.2).collect(),
        stratum: subjects.iter().map(|s| s.3).collect(),
        x: subjects.iter().map(|s| f64::from(s.4) / 10.0).collect(),
    })
}

fn near(a: f64, b: f64) -> bool {
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-7 * (1.0 + a.abs().max(b.abs()))
}

fn all_near(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| near(*x, *y))
}

fn same_fit(a: Option<&CoxFit>, b: Option<&CoxFit>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => {
            all_near(&a.coefficients, &b.coefficients)
                && all_near(&a.variance.concat(), &b.variance.concat())
                && all_near(&a.log_likelihood, &b.log_likelihood)
        }
        (None, None) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_rows_does_not_matter((sample, rows) in samples().prop_flat_map(|s| {
        let rows: Vec<usize> = (0..s.n()).collect();
        (Just(s), Just(rows).prop_shuffle())
    })) {
        let other = sample.pick(&rows);
        let curve = |s: &Sample| KaplanMeier::fit(&s.time, &s.event).unwrap();
        let (a, b) = (curve(&sample), curve(&other));
        prop_assert!(a.time == b.time && a.n_risk == b.n_risk && a.surv == b.surv && all_near(&a.std_err, &b.std_err));
        let test = |s: &Sample, rho| logrank(&s.time, &s.event, &s.group, Some(&s.stratum), rho);
        if let (Ok(a), Ok(b)) = (test(&sample, 1.0), test(&other, 1.0)) {
            prop_assert!(near(a.test.statistic, b.test.statistic));
        }
        for ties in [Ties::Efron, Ties::Breslow, Ties::Exact] {
            let fit = |s: &Sample| s.cox(&CoxOptions { ties, strata: Some(&s.stratum), ..CoxOptions::default() });
            let (a, b) = (fit(&sample), fit(&other));
            prop_assert!(same_fit(a.as_ref(), b.as_ref()));
            if let (Some(a), Some(b)) = (a, b) {
                let moved: Vec<f64> = { let m = a.martingale(); rows.iter().map(|&i| m[i]).collect() };
                prop_assert!(all_near(&moved, &b.martingale()));
                prop_assert!(near(a.concordance().estimate, b.concordance().estimate));
            }
        }
    }

    #[test]
    fn the_unit_of_time_does_not_matter(sample in samples(), unit in prop_oneof![Just(7.0), Just(1.0 / 30.4375), Just(1e4)]) {
        let mut other = sample.clone();
        other.time.iter_mut().for_each(|t| *t *= unit);
        let (a, b) = (KaplanMeier::fit(&sample.time, &sample.event).unwrap(), KaplanMeier::fit(&other.time, &other.event).unwrap());
        prop_assert_eq!(&a.surv, &b.surv);
        let quantile = |km: &KaplanMeier| km.median(ConfType::LogLog, 0.9);
        let scaled = |v: Option<f64>| v.map_or(-1.0, |t| t * unit);
        prop_assert!(near(scaled(quantile(&a).estimate), quantile(&b).estimate.unwrap_or(-1.0)));
        prop_assert!(near(a.rmst(9.5).unwrap().std_err * unit, b.rmst(9.5 * unit).unwrap().std_err));
        let options = CoxOptions::default();
        let (a, b) = (sample.cox(&options), other.cox(&options));
        prop_assert!(same_fit(a.as_ref(), b.as_ref()));
        if let (Some(a), Some(b)) = (a, b) {
            let zph = |fit: &CoxFit| fit.zph(TimeTransform::Identity).map_or(-1.0, |z| z.global.statistic);
            prop_assert!((zph(&a) - zph(&b)).abs() <= 1e-5 * (1.0 + zph(&a).abs()));
        }
    }

    #[test]
    fn labels_do_not_matter(sample in samples()) {
        let renamed: Vec<usize> = sample.group.iter().map(|g| [70, 9, 1000][*g]).collect();
        let a = logrank(&sample.time, &sample.event, &sample.group, None, 0.0);
        let b = logrank(&sample.time, &sample.event, &renamed, None, 0.0);
        if let (Ok(a), Ok(b)) = (&a, &b) {
            prop_assert!(near(a.test.statistic, b.test.statistic));
            let position = |label: usize| b.groups.iter().position(|&g| g == label);
            for (k, label) in a.groups.iter().enumerate() {
                let there = position([70, 9, 1000][*label]).unwrap();
                prop_assert!(near(a.observed[k], b.observed[there]) && near(a.expected[k], b.expected[there]));
            }
        }
        prop_assert_eq!(a.is_ok(), b.is_ok());
        let cause: Vec<usize> = sample.event.iter().zip(&sample.stratum).map(|(&e, &s)| if e { 1 + s } else { 0 }).collect();
        let test = |labels: &[usize]| gray(&sample.time, &cause, 1, labels, None, 0.0).map(|g| g.test.statistic);
        if let (Ok(a), Ok(b)) = (test(&sample.group), test(&renamed)) {
            prop_assert!((a - b).abs() <= 1e-6 * (1.0 + a.abs()), "{} {}", a, b);
        }
    }

    #[test]
    fn splitting_a_row_changes_nothing(sample in samples(), cut in 1..20u8) {
        let cut = f64::from(cut) + 0.5;
        let mut rows = Vec::new();
        let (mut entry, mut time, mut event) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..sample.n() {
            let ends = [sample.time[i].min(cut), sample.time[i]];
            let pieces = if sample.time[i] > cut { 2 } else { 1 };
            for (k, end) in ends.into_iter().enumerate().take(pieces) {
                rows.push(i);
                entry.push(if k == 0 { -1.0 } else { cut });
                time.push(end);
                event.push(k + 1 == pieces && sample.event[i]);
            }
        }
        let split = Sample { time, event, ..sample.pick(&rows) };
        let whole = KaplanMeier::fit(&sample.time, &sample.event).unwrap();
        let parts = KaplanMeier::of(&Observations::new(&split.time, &split.event).entered(&entry)).unwrap();
        prop_assert!(sample.time.iter().all(|&t| near(whole.at(t), parts.at(t)) && near(whole.n_risk_at(t), parts.n_risk_at(t))));
        for ties in [Ties::Efron, Ties::Breslow, Ties::Exact] {
            let options = CoxOptions { ties, ..CoxOptions::default() };
            let a = sample.cox(&options);
            let b = split.cox(&CoxOptions { entry: Some(&entry), ..options });
            prop_assert!(same_fit(a.as_ref(), b.as_ref()));
            if let (Some(a), Some(b)) = (a, b) {
                let mut sums = vec![0.0; sample.n()];
                b.martingale().iter().zip(&rows).for_each(|(m, &i)| sums[i] += m);
                prop_assert!(all_near(&a.martingale(), &sums));
            }
        }
        let group = |s: &Sample, entry: Option<&[f64]>| {
            let observations = Observations::new(&s.time, &s.event);
            let observations = entry.map_or(observations, |e| observations.entered(e));
            weighted(&observations, &s.group, None, FlemingHarrington { rho: 1.0, gamma: 0.5 })
        };
        if let (Ok(a), Ok(b)) = (group(&sample, None), group(&split, Some(&entry))) {
            prop_assert!(near(a.test.statistic, b.test.statistic));
        }
    }

    #[test]
    fn a_weight_is_a_repetition(sample in samples(), counts in prop::collection::vec(1..4usize, 60)) {
        let rows: Vec<usize> = (0..sample.n()).flat_map(|i| vec![i; counts[i]]).collect();
        let weight: Vec<f64> = (0..sample.n()).map(|i| counts[i] as f64).collect();
        let repeated = sample.pick(&rows);
        let whole = KaplanMeier::fit(&repeated.time, &repeated.event).unwrap();
        let observations = Observations::new(&sample.time, &sample.event).weighted(&weight);
        let short = KaplanMeier::of(&observations).unwrap();
        prop_assert!(all_near(&whole.surv, &short.surv) && all_near(&whole.std_err, &short.std_err));
        let tests = (
            logrank(&repeated.time, &repeated.event, &repeated.group, None, 0.0),
            weighted(&observations, &sample.group, None, FlemingHarrington::default()),
        );
        if let (Ok(a), Ok(b)) = tests {
            prop_assert!(near(a.test.statistic, b.test.statistic));
        }
        // Efron's and the exact terms count tied rows, so only Breslow's likelihood is that of the repetition.
        let options = CoxOptions { ties: Ties::Breslow, ..CoxOptions::default() };
        let (a, b) = (repeated.cox(&options), sample.cox(&CoxOptions { weights: Some(&weight), ..options }));
        prop_assert!(same_fit(a.as_ref(), b.as_ref()));
    }

    #[test]
    fn one_cause_is_kaplan_meier(sample in samples()) {
        let cause: Vec<usize> = sample.event.iter().map(|&e| usize::from(e)).collect();
        let aj = AalenJohansen::fit(&sample.time, &cause).unwrap();
        let km = KaplanMeier::fit(&sample.time, &sample.event).unwrap();
        prop_assert!(all_near(&aj.event_free, &km.surv));
        // Without censoring both errors are binomial; with it the jackknife is near Greenwood's.
        for (free, (incidence, std_err)) in aj.event_free.iter().zip(aj.incidence.concat().iter().zip(aj.incidence_std_err.concat())) {
            prop_assert!(near(1.0 - free, *incidence) && std_err.is_finite());
        }
    }
}

/// Numbers no sample should hold, and some it should.
fn any_numbers() -> impl Strategy<Value = Vec<f64>> {
    let number = prop_oneof![
        8 => (0..6u8).prop_map(f64::from),
        2 => any::<f64>(),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(-1.0),
        1 => Just(f64::MAX),
        1 => Just(f64::MIN_POSITIVE),
    ];
    prop_oneof![4 => prop::collection::vec((0..6u8).prop_map(f64::from), 0..12), 1 => prop::collection::vec(number, 0..12)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_input_panics(
        time in any_numbers(), other in any_numbers(), covariate in any_numbers(),
        event in prop::collection::vec(any::<bool>(), 0..12), label in prop::collection::vec(0..4usize, 0..12), cut in any::<bool>(),
    ) {
        // Mostly of one length, so that more than the check of lengths is tried.
        let n = if cut { [time.len(), other.len(), covariate.len(), event.len(), label.len()].into_iter().min().unwrap() } else { 12 };
        let (time, other, covariate) = (&time[..n.min(time.len())], &other[..n.min(other.len())], &covariate[..n.min(covariate.len())]);
        let (event, label) = (&event[..n.min(event.len())], &label[..n.min(label.len())]);
        let observations = [
            Observations::new(time, event),
            Observations::new(time, event).entered(other),
            Observations::new(time, event).weighted(other),
            Observations::new(time, event).entered(other).weighted(covariate),
        ];
        for o in &observations {
            if let Ok(km) = KaplanMeier::of(o) {
                prop_assert!(km.surv.iter().all(|s| (0.0..=1.0).contains(s)));
                for kind in [ConfType::Plain, ConfType::Log, ConfType::LogLog] {
                    let _ = (km.quantile(0.5, kind, 0.95), km.limits(kind, 0.95), km.landmark(2.0, kind, 0.95));
                }
                let _ = (km.rmst(3.0), km.rmst(f64::NAN), km.n_risk_at(f64::NAN), km.at(f64::NAN));
            }
            let _ = NelsonAalen::fit(o, survival::nelson_aalen::TiedHazard::OneByOne).map(|h| h.limits(0.95));
            let _ = weighted(o, label, Some(label), FlemingHarrington { rho: 0.5, gamma: 1.0 });
            let _ = weighted(o, label, None, FlemingHarrington { rho: 0.0, gamma: 0.0 });
            let _ = maxcombo(o, label, None, &DEFAULT_WEIGHTS[..3], Side::Both);
        }
        let _ = permutation::rmst(time, event, label, 2.0, None, Shuffles { count: 3, seed: 1 });
        let _ = (AalenJohansen::of(time, label, Some(other), Some(covariate)), AalenJohansen::fit(time, label));
        let _ = (gray(time, label, 1, label, None, 0.0), gray(time, label, 1, label, Some(label), 1.0));
        let covariates = Covariates::new().with("a", other).with("b", covariate).with_factor("f", label);
        let _ = FineGray::fit(time, label, 1, &covariates);
        for ties in [Ties::Efron, Ties::Breslow, Ties::Exact] {
            for (strata, entry, weights, firth) in
                [(None, None, None, false), (Some(label), None, None, true), (None, Some(covariate), None, false), (None, None, Some(covariate), true)]
            {
                let options = CoxOptions { ties, strata, entry, weights, firth, collinear: Collinear::Drop, ..CoxOptions::default() };
                if let Ok(fit) = Cox::fit(time, event, &covariates, &options) {
                    let dropped = |j: usize| fit.coefficients[j].is_nan() && !fit.warnings.is_empty();
                    prop_assert!((0..fit.names.len()).all(|j| dropped(j) || fit.coefficients[j].is_finite()));
                    prop_assert!(fit.model_variance.concat().iter().all(|v| v.is_finite()));
                    let _ = (fit.zph(TimeTransform::Log), fit.zph(TimeTransform::Km), fit.concordance(), fit.martingale(), fit.deviance());
                    let _ = (fit.schoenfeld(), fit.score_residuals(), fit.dfbeta(), fit.robust_variance(), fit.baseline_hazard());
                    let _ = fit.profile_limits(0, 0.95);
                }
            }
        }
    }
}

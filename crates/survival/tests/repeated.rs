//! The mixed model for repeated measures against R. `data/mmrm/make.R` made the values; its head says how.
#![allow(clippy::unwrap_used, reason = "a test stops where its data are not what they were")]

mod common;

use common::{Table, assert_all_near, assert_matrix_near, assert_near, json, list, matrix, number};
use rstest::rstest;
use serde_json::Value;
use survival::cox::Covariates;
use survival::mmrm::{Auc, Measurements, Mmrm, MmrmOptions};
use survival::{Error, TEstimate};

fn fit(name: &str) -> Mmrm {
    let table = Table::read(&format!("mmrm/{name}.csv"));
    let (subject, visit, arm) = (table.labels("subject"), table.labels("visit"), table.labels("arm"));
    let data = Measurements {
        subject: &subject,
        visit: &visit,
        arm: &arm,
        response: table.numbers("y"),
        baseline: (name != "small_scale").then(|| table.numbers("baseline")),
    };
    let covariates = Covariates::new();
    let covariates =
        if name == "sites" { covariates.with_factor("site", &table.labels("site")) } else { covariates };
    let options = MmrmOptions { baseline_by_visit: name != "sites", ..MmrmOptions::default() };
    Mmrm::fit(&data, &covariates, &options).unwrap()
}

fn check(what: &str, ours: &TEstimate, theirs: &Value, tolerance: f64) {
    assert_near(&format!("{what} estimate"), ours.estimate, number(&theirs["estimate"]), tolerance, 1.0);
    assert_near(&format!("{what} error"), ours.std_err, number(&theirs["std_err"]), tolerance, 0.0);
    // The degrees of freedom of the reference rest on numerical second derivatives.
    assert_near(&format!("{what} df"), ours.df, number(&theirs["df"]), 1e-5, 0.0);
}

#[rstest]
#[case("quality")]
#[case("complete")]
#[case("sites")]
#[case("small_scale")]
fn the_maximum_is_the_definition_s(#[case] name: &str) {
    let (fit, r) = (fit(name), &json("mmrm/mmrm.json")[name]);
    assert_near("deviance", -2.0 * fit.log_likelihood, number(&r["deviance"]), 1e-11, 0.0);
    assert_all_near("coefficients", &fit.coefficients, &list(&r["coefficients"]), 1e-6);
    assert_matrix_near("variance", &fit.variance, &matrix(&r["variance"]), 1e-6);
    assert_matrix_near("covariance", &fit.covariance, &matrix(&r["covariance"]), 1e-6);
}

#[rstest]
#[case("quality")]
#[case("complete")]
#[case("sites")]
#[case("small_scale")]
fn contrasts_have_satterthwaite_s_degrees_of_freedom(#[case] name: &str) {
    let (fit, r) = (fit(name), &json("mmrm/mmrm.json")[name]);
    for (place, theirs) in r["sat"].as_array().unwrap().iter().enumerate() {
        check(&fit.names[place], &fit.coefficient(place).unwrap(), theirs, 1e-6);
    }
    let means = fit.means().unwrap();
    for theirs in r["means"].as_array().unwrap() {
        let cell = (theirs["arm"].as_u64().unwrap(), theirs["visit"].as_u64().unwrap());
        let ours = means.iter().find(|m| (m.arm as u64, m.visit as u64) == cell).unwrap();
        check(&format!("mean {cell:?}"), &ours.mean, theirs, 1e-6);
    }
    for theirs in r["differences"].as_array().unwrap() {
        let visit = usize::try_from(theirs["visit"].as_u64().unwrap()).unwrap();
        check(&format!("difference at {visit}"), &fit.difference(1, 0, visit).unwrap(), theirs, 1e-6);
    }
    let times: Vec<f64> = fit.visits.iter().map(|&v| f64::from(u32::try_from(v).unwrap())).collect();
    let auc = Auc { baseline_time: Some(0.0), visit_times: &times, averaged: false };
    check("area", &fit.auc_difference(1, 0, &auc).unwrap(), &r["auc"], 1e-6);
}

/// Two other programs on the way to the same numbers: `gls` and `lmer` stop a little before the maximum.
#[rstest]
#[case("quality")]
#[case("complete")]
#[case("sites")]
#[case("small_scale")]
fn gls_and_lmer_test_agree_to_their_own_precision(#[case] name: &str) {
    let (fit, r) = (fit(name), &json("mmrm/mmrm.json")[name]);
    assert_near("gls deviance", fit.log_likelihood, number(&r["gls"]["log_likelihood"]), 1e-8, 0.0);
    assert_matrix_near("gls covariance", &fit.covariance, &matrix(&r["gls"]["covariance"]), 2e-4);
    let means: Vec<f64> =
        fit.visits.iter().flat_map(|&v| [0, 1].map(|a| fit.mean(a, v).unwrap().estimate)).collect();
    assert_all_near("emmeans of gls", &means, &list(&r["gls"]["means"]), 1e-6);
    let lmer = &r["lmer"];
    assert_near("lmer deviance", fit.log_likelihood, number(&lmer["log_likelihood"]), 1e-8, 0.0);
    let df: Vec<f64> = (0..fit.names.len()).map(|k| fit.coefficient(k).unwrap().df).collect();
    // lmer lists the columns in another order; its degrees of freedom as a set must be ours.
    let mut theirs = list(&lmer["df"]);
    let mut ours = df;
    theirs.sort_unstable_by(f64::total_cmp);
    ours.sort_unstable_by(f64::total_cmp);
    assert_all_near("lmerTest df", &ours, &theirs, 1e-4);
}

/// With nobody missing, the degrees of freedom are exactly subjects less the columns between subjects.
#[test]
fn complete_data_have_whole_degrees_of_freedom() {
    let fit = fit("complete");
    for place in 0..fit.names.len() {
        let df = fit.coefficient(place).unwrap().df;
        assert!((df - 27.0).abs() < 1e-8, "{}: {df}", fit.names[place]);
    }
}

#[test]
fn one_visit_is_analysis_of_covariance() {
    use survival::ancova::{Ancova, Margins};
    let table = Table::read("mmrm/quality.csv");
    let visit = table.labels("visit");
    let of_visit = |column: &str| -> Vec<f64> {
        table.numbers(column).iter().zip(&visit).filter(|(_, v)| **v == 24).map(|(x, _)| *x).collect()
    };
    let labels = |column: &str| -> Vec<usize> {
        table.labels(column).into_iter().zip(&visit).filter(|(_, v)| **v == 24).map(|(x, _)| x).collect()
    };
    let (response, baseline, arm, subject) =
        (of_visit("y"), of_visit("baseline"), labels("arm"), labels("subject"));
    let data = Measurements {
        subject: &subject,
        visit: &vec![24; subject.len()],
        arm: &arm,
        response: &response,
        baseline: Some(&baseline),
    };
    let mixed = Mmrm::fit(&data, &Covariates::new(), &MmrmOptions::default()).unwrap();
    let linear = Ancova::fit(&response, &arm, &Covariates::new().with("baseline", &baseline)).unwrap();
    let pairs = [
        (mixed.difference(1, 0, 24).unwrap(), linear.difference(1, 0).unwrap()),
        (mixed.mean(1, 24).unwrap(), linear.adjusted_mean(1, Margins::Equal).unwrap()),
        (mixed.coefficient(0).unwrap(), linear.coefficient(0)),
    ];
    for (a, b) in pairs {
        assert_all_near(
            "visit 24",
            &[a.estimate, a.std_err, a.df, a.p_value],
            &[b.estimate, b.std_err, b.df, b.p_value],
            1e-9,
        );
    }
}

#[test]
fn the_order_of_rows_and_the_unit_do_not_matter() {
    let table = Table::read("mmrm/quality.csv");
    let n = table.numbers("y").len();
    let order: Vec<usize> = (0..n).map(|i| (i * 101 + 7) % n).collect();
    assert!(!n.is_multiple_of(101), "or the order would not be one");
    let pick = |column: &str| -> Vec<usize> { order.iter().map(|&i| table.labels(column)[i]).collect() };
    let scaled: Vec<f64> = order.iter().map(|&i| 1e4 * table.numbers("y")[i] + 3e5).collect();
    let baseline: Vec<f64> = order.iter().map(|&i| table.numbers("baseline")[i]).collect();
    let (subject, visit, arm) = (pick("subject"), pick("visit"), pick("arm"));
    let data = Measurements {
        subject: &subject,
        visit: &visit,
        arm: &arm,
        response: &scaled,
        baseline: Some(&baseline),
    };
    let moved = Mmrm::fit(&data, &Covariates::new(), &MmrmOptions::default()).unwrap();
    let kept = fit("quality");
    for visit in [12, 24, 36, 48] {
        let (a, b) = (moved.difference(1, 0, visit).unwrap(), kept.difference(1, 0, visit).unwrap());
        assert_all_near(
            "scaled",
            &[a.estimate / 1e4, a.std_err / 1e4, a.df],
            &[b.estimate, b.std_err, b.df],
            1e-7,
        );
    }
}

struct Rows {
    subject: Vec<usize>,
    visit: Vec<usize>,
    arm: Vec<usize>,
    response: Vec<f64>,
    baseline: Vec<f64>,
}

impl Rows {
    /// Twelve subjects, three visits, all there.
    fn sound() -> Self {
        let cell = |i: usize| (i / 3, i % 3);
        let noise = |i: usize| ((i * 7919 + 13) % 101) as f64 / 10.0;
        Self {
            subject: (0..36).map(|i| cell(i).0).collect(),
            visit: (0..36).map(|i| cell(i).1).collect(),
            arm: (0..36).map(|i| cell(i).0 % 2).collect(),
            response: (0..36).map(noise).collect(),
            baseline: (0..36).map(|i| noise(cell(i).0 * 5)).collect(),
        }
    }

    fn drop_where(mut self, lost: impl Fn(usize, usize) -> bool) -> Self {
        let keep: Vec<usize> =
            (0..self.subject.len()).filter(|&i| !lost(self.subject[i], self.visit[i])).collect();
        self.subject = keep.iter().map(|&i| self.subject[i]).collect();
        self.visit = keep.iter().map(|&i| self.visit[i]).collect();
        self.arm = keep.iter().map(|&i| self.arm[i]).collect();
        self.response = keep.iter().map(|&i| self.response[i]).collect();
        self.baseline = keep.iter().map(|&i| self.baseline[i]).collect();
        self
    }

    fn fit(&self) -> Result<Mmrm, Error> {
        let data = Measurements {
            subject: &self.subject,
            visit: &self.visit,
            arm: &self.arm,
            response: &self.response,
            baseline: Some(&self.baseline),
        };
        Mmrm::fit(&data, &Covariates::new(), &MmrmOptions::default())
    }
}

#[test]
fn what_cannot_be_fitted_is_refused_with_its_reason() {
    assert!(Rows::sound().fit().is_ok());
    let refusal = |rows: Rows| rows.fit().unwrap_err().to_string();
    let mut twice = Rows::sound();
    twice.visit[1] = 0;
    assert!(refusal(twice).contains("rows 0 and 1 are both visit 0 of subject 0"));
    let mut drifting = Rows::sound();
    drifting.baseline[2] += 1.0;
    assert!(refusal(drifting).contains("rows 0 and 2 of subject 0 differ in arm, baseline or covariate"));
    assert!(
        refusal(Rows::sound().drop_where(|s, v| s % 2 == 1 && v == 2)).contains("mean of arm 1 at visit 2")
    );
    let apart = Rows::sound().drop_where(|s, v| (s < 6 && v == 1) || (s >= 6 && v == 2));
    assert!(refusal(apart).contains("covariance of visits 1 and 2"));
    let mut copy = Rows::sound();
    for i in 0..36 {
        if copy.visit[i] == 2 {
            copy.response[i] = 2.0 * copy.response[i - 1] + 1.0;
        }
    }
    let why = refusal(copy);
    assert!(why.contains("visits 1 and 2"), "{why}");
    let mut flat = Rows::sound();
    flat.baseline = vec![3.0; 36];
    assert!(refusal(flat).contains("coefficient of `baseline`"));
    let mut constant = Rows::sound();
    (0..36).filter(|i| i % 3 == 1).for_each(|i| constant.response[i] = 5.0);
    assert!(refusal(constant).contains("variance at visit 1"));
    let few = Rows::sound().drop_where(|s, _| s > 3);
    assert!(few.fit().is_err());
    let mut nan = Rows::sound();
    nan.response[4] = f64::NAN;
    assert!(matches!(nan.fit(), Err(Error::NotFinite { row: 4, .. })));
}

/// Subjects with a random level, a random course and visits missing at random, from one seed.
fn drawn(seed: u64, subjects: usize, visits: usize, missing: f64) -> Rows {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut rows = Rows {
        subject: Vec::new(),
        visit: Vec::new(),
        arm: Vec::new(),
        response: Vec::new(),
        baseline: Vec::new(),
    };
    for subject in 0..subjects {
        let (level, baseline) = (10.0 * uniform(), 100.0 + 20.0 * uniform());
        for visit in 0..visits {
            let y =
                level + 0.3 * baseline + (subject % 2 * visit) as f64 + 8.0 * (uniform() + uniform() - 1.0);
            if uniform() >= missing {
                rows.subject.push(subject);
                rows.visit.push(visit);
                rows.arm.push(subject % 2);
                rows.response.push(y);
                rows.baseline.push(baseline);
            }
        }
    }
    rows
}

#[test]
fn sound_data_are_always_fitted() {
    for seed in 1..=150 {
        let rows = drawn(seed, 40, 2 + usize::try_from(seed % 4).unwrap(), 0.25);
        let fit = rows.fit().unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        assert!(fit.iterations < 40, "seed {seed}: {} iterations", fit.iterations);
        for mean in fit.means().unwrap() {
            // No more degrees of freedom than subjects, no fewer than a handful.
            assert!(mean.mean.df > 3.0 && mean.mean.df < 60.0, "seed {seed}: {mean:?}");
        }
    }
}

proptest::proptest! {
    /// Too few subjects, too many visits, everything missing: an answer or a reason, never a panic.
    #[test]
    fn scarce_data_are_fitted_or_refused(
        seed: u64,
        subjects in 1_usize..14,
        visits in 1_usize..6,
        missing in 0.0_f64..0.9,
    ) {
        if let Ok(fit) = drawn(seed, subjects, visits, missing).fit() {
            for mean in fit.means().unwrap() {
                proptest::prop_assert!(mean.mean.std_err.is_finite() && mean.mean.df > 0.0);
            }
        }
    }
}

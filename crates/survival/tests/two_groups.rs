//! The lean tests for simulations against R's golden values, and against the general ones for any sample.
#![allow(clippy::unwrap_used, reason = "a test should stop where its data or its model are not there")]

mod common;

use common::{CLOSED, ITERATED, Table, assert_near, json, list, matrix, number};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;
use survival::Observations;
use survival::cox::{Covariates, Cox, CoxOptions, Ties};
use survival::logrank::{FlemingHarrington, logrank, weighted};
use survival::two_groups::{Mark, RiskTable};

/// A table of the sample, stratified where strata are given; labels as given, the least is the first group.
fn table(time: &[f64], event: &[bool], group: &[usize], strata: Option<&[usize]>) -> RiskTable {
    let least = group.iter().min().unwrap();
    let mut labels = strata.map_or(vec![0], <[usize]>::to_vec);
    labels.sort_unstable();
    labels.dedup();
    let mut table = RiskTable::default();
    for label in labels {
        let of_stratum = (0..time.len()).filter(|&i| strata.is_none_or(|s| s[i] == label));
        let mut marks: Vec<Mark> =
            of_stratum.map(|i| Mark::new(time[i], event[i], group[i] != *least)).collect();
        marks.sort_unstable();
        table.add(&marks);
    }
    table
}

#[rstest]
fn agrees_with_r(#[values("ovarian", "veteran", "lung", "colon_death", "gbsg")] name: &str) {
    let data = Table::read(&format!("golden/{name}.csv"));
    let golden = json(&format!("golden/{name}.json"));
    let (time, event, arm) = (data.numbers("time"), data.flags("status"), data.labels("arm"));
    let strata = data.labels(golden["strata"].as_str().unwrap());
    let (pooled, apart) = (table(time, &event, &arm, None), table(time, &event, &arm, Some(&strata)));
    let check_test = |key: &str, found: survival::two_groups::Contrast| {
        let expected = &golden[key];
        assert_near(key, found.observed, list(&expected["observed"])[1], CLOSED, 1.0);
        assert_near(key, found.expected, list(&expected["expected"])[1], CLOSED, 1.0);
        assert_near(key, found.variance, matrix(&expected["var"])[1][1], CLOSED, 1.0);
        assert_near(key, found.z().unwrap().powi(2), number(&expected["chisq"]), CLOSED, 1.0);
    };
    check_test("logrank", pooled.log_rank());
    check_test("peto_peto", pooled.weighted(FlemingHarrington { rho: 1.0, gamma: 0.0 }));
    check_test("logrank_stratified", apart.log_rank());
    let check_fit = |key: &str, table: &RiskTable, ties: Ties| {
        let (found, expected) = (table.cox(ties).unwrap(), &golden[key]);
        assert_near(key, found.estimate, number(&expected["coef"]), ITERATED, 1.0);
        assert_near(key, found.std_err.powi(2), number(&expected["var"][0]), ITERATED, 1.0);
    };
    check_fit("cox_arm_efron", &pooled, Ties::Efron);
    check_fit("cox_arm_breslow", &pooled, Ties::Breslow);
    assert_near(
        "events",
        pooled.events(),
        f64::from(u32::try_from(event.iter().filter(|e| **e).count()).unwrap()),
        0.0,
        1.0,
    );
    assert!(golden.get("cox_stratified_efron").is_some_and(Value::is_object), "{name}");
}

type Sample = (Vec<f64>, Vec<bool>, Vec<usize>, Vec<usize>);

/// Samples with ties, times of 0 and up to three strata.
fn samples() -> impl Strategy<Value = Sample> {
    let subject =
        (prop_oneof![(0..12u8).prop_map(f64::from), 0.0..12.0f64], any::<bool>(), 0..2usize, 0..3usize);
    prop::collection::vec(subject, 2..70).prop_map(|subjects| {
        (
            subjects.iter().map(|s| s.0).collect(),
            subjects.iter().map(|s| s.1).collect(),
            subjects.iter().map(|s| s.2).collect(),
            subjects.iter().map(|s| s.3).collect(),
        )
    })
}

proptest! {
    #[test]
    fn is_the_general_test((time, event, group, stratum) in samples(), stratified: bool, rho in 0..2u8, gamma in 0..2u8) {
        let strata = stratified.then_some(stratum.as_slice());
        let table = table(&time, &event, &group, strata);
        if let Ok(general) = logrank(&time, &event, &group, strata, 0.0) {
            let lean = table.log_rank();
            prop_assert!((lean.observed - general.observed[1]).abs() < 1e-9);
            prop_assert!((lean.expected - general.expected[1]).abs() < 1e-9);
            prop_assert!((lean.variance - general.variance[1][1]).abs() < 1e-9);
        }
        let weight = FlemingHarrington { rho: f64::from(rho), gamma: f64::from(gamma) };
        if let Ok(general) = weighted(&Observations::new(&time, &event), &group, strata, weight) {
            let lean = table.weighted(weight);
            prop_assert!((lean.observed - general.observed[1]).abs() < 1e-9);
            prop_assert!((lean.expected - general.expected[1]).abs() < 1e-9);
            prop_assert!((lean.variance - general.variance[1][1]).abs() < 1e-9);
        }
    }

    #[test]
    fn is_the_general_model((time, event, group, stratum) in samples(), stratified: bool, breslow: bool) {
        let strata = stratified.then_some(stratum.as_slice());
        let ties = if breslow { Ties::Breslow } else { Ties::Efron };
        let lean = table(&time, &event, &group, strata).cox(ties);
        let arm: Vec<f64> = group.iter().map(|g| f64::from(u8::from(*g == 1))).collect();
        let options = CoxOptions { ties, strata, ..CoxOptions::default() };
        let general = Cox::fit(&time, &event, &Covariates::new().with("arm", &arm), &options);
        // Where there is a maximum both find it; where there is none, the general one refuses or warns.
        match (lean, general) {
            (Some(lean), Ok(general)) => {
                prop_assert!(general.warnings.is_empty(), "{:?}", general.warnings);
                prop_assert!((lean.estimate - general.coefficients[0]).abs() < 1e-7, "{lean:?} {:?}", general.coefficients);
                prop_assert!((lean.std_err - general.std_err(0)).abs() < 1e-6);
            }
            // A risk set of one group leaves rounding as its only information.
            (None, Ok(general)) => prop_assert!(
                !general.warnings.is_empty() || general.std_err(0).is_nan() || general.std_err(0) > 1e6, "{:?} +- {}", general.coefficients, general.std_err(0)
            ),
            (None, Err(_)) => {}
            (Some(lean), Err(error)) => prop_assert!(group.iter().all(|g| *g == group[0]), "{lean:?} but {error}"),
        }
    }

    #[test]
    fn a_mark_holds_what_it_was_given(time in 0.0..1e12f64, event: bool, second: bool, later in 1.0..2.0f64) {
        let mark = Mark::new(time, event, second);
        prop_assert!((mark.time() - time).abs() <= time * 1e-15);
        prop_assert_eq!((mark.is_event(), mark.is_second()), (event, second));
        prop_assert!(Mark::new(time * later + 1e-3, event, second) > mark);
    }
}

#[test]
fn no_times_are_taken_as_the_beginning() {
    for time in [f64::NAN, -3.0, -0.0, 0.0] {
        assert_eq!(Mark::new(time, true, false), Mark::new(0.0, true, false));
    }
    let table = table(&[1.0, 2.0], &[false, false], &[0, 1], None);
    assert_eq!(table.log_rank().z(), None);
    assert_eq!(table.cox(Ties::Efron), None);
}

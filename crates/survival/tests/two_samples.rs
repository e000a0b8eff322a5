//! Fisher, proportions, ranks, t tests and analysis of covariance against R. `data/small/make.R` made `small.json`.
#![allow(clippy::unwrap_used, reason = "a test stops where its data are not what they were")]

mod common;

use common::{CLOSED, assert_all_near, assert_matrix_near, assert_near, json, list, matrix, number};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;
use survival::ancova::{Ancova, Margins};
use survival::cox::Covariates;
use survival::fisher::Fisher;
use survival::proportion::{clopper_pearson, newcombe, wilson};
use survival::t_test::{self, TTest};
use survival::wilcoxon::{Method, ShiftLimits, hodges_lehmann, rank_sum, signed_rank};
use survival::{Error, TEstimate};

fn table(value: &Value) -> [[u64; 2]; 2] {
    let cells: Vec<u64> = value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
    [[cells[0], cells[1]], [cells[2], cells[3]]]
}

fn check_fisher(case: &Value, odds_ratio: &str) {
    let test = Fisher::test(table(&case["table"])).unwrap();
    let what = case["table"].to_string();
    assert_near(&what, test.p_value, number(&case["p"]), CLOSED, 0.0);
    assert_near(&what, test.odds_ratio(), number(&case[odds_ratio]), CLOSED, 0.0);
    let (lower, upper) = test.limits(0.95).unwrap();
    assert_all_near(&what, &[lower, upper], &list(&case["ci"]), CLOSED);
    if case.get("ci90").is_some() {
        let (lower, upper) = test.limits(0.9).unwrap();
        assert_all_near(&what, &[lower, upper], &list(&case["ci90"]), CLOSED);
    }
}

#[test]
fn fisher_is_r_s() {
    json("small/small_tests.json")["fisher"]
        .as_array()
        .unwrap()
        .iter()
        .for_each(|c| check_fisher(c, "or_cond_mle"));
    json("small/small.json")["fisher"].as_array().unwrap().iter().for_each(|c| check_fisher(c, "or"));
}

#[test]
fn exact_odds_ratios_solve_their_equations() {
    // The limit of a table with the first cell at its greatest, 2 of 2 against 0 of 3: P = t^2 / (t^2 + 6 t + 3) by hand.
    let test = Fisher::test([[2, 0], [0, 3]]).unwrap();
    let (lower, upper) = test.exact_limits(0.95).unwrap();
    assert!(
        (lower * lower / (lower * lower + 6.0 * lower + 3.0) - 0.025).abs() < 1e-14 && upper == f64::INFINITY
    );
    // The estimate balances the mean: for [[1, 1], [1, 1]] it is 1 by symmetry.
    assert!((Fisher::test([[1, 1], [1, 1]]).unwrap().exact_odds_ratio() - 1.0).abs() < 1e-15);
    assert_eq!(Fisher::test([[0, 0], [0, 0]]), Err(Error::Empty));
    assert!(test.limits(1.0).is_err());
}

#[test]
fn proportions_are_r_s() {
    for case in json("small/small_tests.json")["binomial"].as_array().unwrap() {
        let (x, n) = (case["x"].as_u64().unwrap(), case["n"].as_u64().unwrap());
        let (exact, score) = (clopper_pearson(x, n, 0.95).unwrap(), wilson(x, n, 0.95).unwrap());
        assert_all_near("exact", &[exact.lower, exact.upper], &list(&case["clopper_pearson"]), CLOSED);
        assert_all_near("score", &[score.lower, score.upper], &list(&case["wilson"]), CLOSED);
    }
    for case in json("small/small.json")["binomial"].as_array().unwrap() {
        let (x, n) = (case["x"].as_u64().unwrap(), case["n"].as_u64().unwrap());
        for (level, key) in [(0.95, "exact"), (0.99, "exact99")] {
            let p = clopper_pearson(x, n, level).unwrap();
            assert_all_near(key, &[p.lower, p.upper], &list(&case[key]), 1e-11);
        }
        let p = wilson(x, n, 0.95).unwrap();
        assert_all_near("score", &[p.lower, p.upper], &list(&case["wilson"]), 1e-11);
    }
}

/// Newcombe 1998, Stat Med 17:873-890, table II: contrasts (a) to (h) by method 10.
#[rstest]
#[case((56, 70), (48, 80), 0.0524, 0.3339)]
#[case((9, 10), (3, 10), 0.1705, 0.8090)]
#[case((6, 7), (2, 7), 0.0582, 0.8062)]
#[case((5, 56), (0, 29), -0.0381, 0.1926)]
#[case((0, 10), (0, 20), -0.1611, 0.2775)]
#[case((0, 10), (0, 10), -0.2775, 0.2775)]
#[case((10, 10), (0, 20), 0.6791, 1.0)]
#[case((10, 10), (0, 10), 0.6075, 1.0)]
fn differences_are_newcombe_s(
    #[case] first: (u64, u64),
    #[case] second: (u64, u64),
    #[case] lower: f64,
    #[case] upper: f64,
) {
    let d = newcombe(first, second, 0.95).unwrap();
    assert!((d.lower - lower).abs() < 5.1e-5 && (d.upper - upper).abs() < 5.1e-5, "{d:?}");
}

#[test]
fn impossible_proportions_are_refused() {
    assert_eq!(wilson(0, 0, 0.95), Err(Error::Empty));
    assert!(matches!(clopper_pearson(3, 2, 0.95), Err(Error::OutOfRange { what: "successes", .. })));
    assert!(matches!(newcombe((1, 2), (1, 2), 95.0), Err(Error::OutOfRange { what: "level", .. })));
}

fn check_t(what: &str, ours: &TTest, theirs: &Value) {
    let TEstimate { std_err, df, statistic, p_value, .. } = ours.difference;
    let r = ["se", "df", "t", "p"].map(|k| number(&theirs[k]));
    assert_all_near(what, &[std_err, df, statistic, p_value], &r, 1e-10);
    let (lower, upper) = ours.difference.limits(0.95);
    assert_all_near(what, &[lower, upper], &list(&theirs["ci"]), 1e-10);
}

#[test]
fn t_tests_are_r_s() {
    for (name, case) in json("small/small.json")["samples"].as_object().unwrap() {
        let (x, y) = (list(&case["x"]), list(&case["y"]));
        let k = x.len().min(y.len());
        check_t(name, &t_test::welch(&x, &y).unwrap(), &case["welch"]);
        check_t(name, &t_test::student(&x, &y).unwrap(), &case["student"]);
        check_t(name, &t_test::paired(&x[..k], &y[..k]).unwrap(), &case["paired"]);
        check_t(name, &t_test::one_sample(&y, 0.5).unwrap(), &case["one"]);
    }
}

/// Statistic, probability, method, shift and limits against R's.
fn check_ranks(what: &str, ours: (f64, f64, Method, f64, ShiftLimits), theirs: &Value) {
    let (statistic, p_value, method, shift, limits) = ours;
    assert_eq!(method == Method::Exact, theirs["exact"].as_bool().unwrap(), "{what}: method");
    assert_near(what, statistic, number(&theirs["statistic"]), CLOSED, 0.0);
    assert_near(what, p_value, number(&theirs["p"]), CLOSED, 0.0);
    assert_near(&format!("{what} shift"), shift, number(&theirs["estimate"]), CLOSED, 1e-3);
    assert_all_near(&format!("{what} limits"), &[limits.lower, limits.upper], &list(&theirs["ci"]), CLOSED);
}

#[test]
fn rank_tests_are_r_s() {
    for (name, case) in json("small/small.json")["samples"].as_object().unwrap() {
        let (x, y) = (list(&case["x"]), list(&case["y"]));
        let k = x.len().min(y.len());
        for (method, level, sum, signed) in [
            (Method::Auto, 0.95, "rank_sum", "signed_rank"),
            (Method::Uncorrected, 0.8, "rank_sum_normal", "signed_rank_normal"),
        ] {
            let test = rank_sum(&x, &y, method).unwrap();
            let ours = (test.statistic, test.p_value, test.method, test.shift(), test.limits(level).unwrap());
            check_ranks(&format!("{name} {sum}"), ours, &case[sum]);
            let test = signed_rank(&x[..k], &y[..k], method).unwrap();
            // Where all differences are equal R has no limits.
            let none = ShiftLimits { lower: f64::NAN, upper: f64::NAN, level: 0.0 };
            let limits = test.limits(level).unwrap_or(none);
            let ours = (test.statistic, test.p_value, test.method, test.shift(), limits);
            check_ranks(&format!("{name} {signed}"), ours, &case[signed]);
        }
        assert_near(name, hodges_lehmann(&x, &y).unwrap(), number(&case["hodges_lehmann"]), 1e-14, 0.0);
    }
}

#[test]
fn what_has_no_spread_or_no_values_is_refused() {
    let reason = |e: Error| e.to_string();
    assert!(
        reason(rank_sum(&[1.0, 1.0], &[1.0], Method::Auto).unwrap_err()).contains("all values are equal")
    );
    assert!(
        reason(signed_rank(&[1.0, 2.0], &[1.0, 2.0], Method::Auto).unwrap_err()).contains("no pair differs")
    );
    assert!(matches!(rank_sum(&[1.0, 2.0], &[2.0], Method::Exact), Err(Error::Unsupported { .. })));
    assert_eq!(rank_sum(&[], &[2.0], Method::Auto), Err(Error::Empty));
    assert!(matches!(rank_sum(&[f64::NAN], &[2.0], Method::Auto), Err(Error::NotFinite { row: 0, .. })));
    assert!(reason(t_test::welch(&[1.0, 1.0], &[1.0, 1.0]).unwrap_err()).contains("constant"));
    assert!(reason(t_test::welch(&[1.0], &[1.0, 2.0]).unwrap_err()).contains("two or more"));
    assert!(reason(t_test::student(&[1.0], &[2.0]).unwrap_err()).contains("three values"));
    assert!(matches!(t_test::paired(&[1.0, 2.0], &[1.0]), Err(Error::Length { .. })));
    assert_eq!(t_test::one_sample(&[], 0.0).unwrap_err(), Error::Empty);
}

#[test]
fn analysis_of_covariance_is_r_s() {
    let r = &json("small/small.json")["ancova"];
    let labels =
        |key: &str| list(&r[key]).iter().map(|v| format!("{v}").parse().unwrap()).collect::<Vec<usize>>();
    let (y, x, group, stratum) = (list(&r["y"]), list(&r["x"]), labels("g"), labels("s"));
    let covariates = Covariates::new().with("x", &x).with_factor("s", &stratum);
    let fit = Ancova::fit(&y, &group, &covariates).unwrap();
    assert_eq!(fit.names, ["(Intercept)", "group2", "group3", "x", "s2", "s5"]);
    assert_all_near("coefficients", &fit.coefficients, &list(&r["coefficients"]), 1e-10);
    assert_matrix_near("variance", &fit.variance, &matrix(&r["variance"]), 1e-10);
    let scalars = ["sigma", "df", "r_squared"].map(|k| number(&r[k]));
    assert_all_near("fit", &[fit.sigma, fit.df, fit.r_squared], &scalars, 1e-10);
    for (margins, means, errors) in
        [(Margins::Equal, "means", "means_se"), (Margins::Observed, "observed", "observed_se")]
    {
        let ours: Vec<TEstimate> =
            [1, 2, 3].iter().map(|&g| fit.adjusted_mean(g, margins).unwrap()).collect();
        assert_all_near(means, &ours.iter().map(|e| e.estimate).collect::<Vec<_>>(), &list(&r[means]), 1e-10);
        assert_all_near(
            errors,
            &ours.iter().map(|e| e.std_err).collect::<Vec<_>>(),
            &list(&r[errors]),
            1e-10,
        );
    }
    let pairs = [(2, 1), (3, 1), (3, 2)].map(|(a, b)| fit.difference(a, b).unwrap());
    assert_all_near("pairs", &pairs.map(|e| e.estimate), &list(&r["pairs"]), 1e-10);
    assert_all_near("errors", &pairs.map(|e| e.std_err), &list(&r["pairs_se"]), 1e-10);
    assert_all_near("p", &pairs.map(|e| e.p_value), &list(&r["pairs_p"]), 1e-10);
    let limits = pairs.map(|e| <[f64; 2]>::from(e.limits(0.95)).to_vec());
    assert_matrix_near("limits", &limits, &matrix(&r["pairs_ci"]), 1e-10);
    let c = fit.weighted(&[(1, -1.0), (2, 0.5), (3, 0.5)], Margins::Equal).unwrap();
    assert_all_near("contrast", &[c.estimate, c.std_err, c.p_value], &list(&r["contrast"]), 1e-10);
    let f = fit.group_test().unwrap();
    assert_all_near("F", &[f.statistic, f.p_value], &[number(&r["F"]), number(&r["F_p"])], 1e-10);
}

#[test]
fn impossible_models_are_refused() {
    let fit = |y: &[f64], g: &[usize], x: &[f64]| Ancova::fit(y, g, &Covariates::new().with("x", x));
    let (y, g) = ([1.0, 2.0, 4.0, 3.0, 5.0], [0, 0, 1, 1, 1]);
    let why = fit(&y, &g, &[0.0, 0.0, 1.0, 1.0, 1.0]).unwrap_err().to_string();
    assert!(why.contains("coefficient of `x`"), "{why}");
    assert!(
        fit(&y[..3], &g[..3], &[0.5, 0.1, 0.9]).unwrap_err().to_string().contains("no degrees of freedom")
    );
    assert!(fit(&[0.0; 5], &g, &[0.5, 0.1, 0.9, 0.2, 0.4]).unwrap_err().to_string().contains("perfectly"));
    assert!(matches!(
        fit(&y, &g, &[0.1, f64::INFINITY, 0.2, 0.3, 0.4]),
        Err(Error::NotFinite { row: 1, .. })
    ));
    let sound = fit(&y, &g, &[0.5, 0.1, 0.9, 0.2, 0.4]).unwrap();
    assert!(matches!(sound.difference(1, 7), Err(Error::OutOfRange { what: "group", .. })));
}

proptest! {
    /// Never a panic, limits in order, probabilities in range, and symmetry where there is one.
    #[test]
    fn tables_behave(cells in prop::array::uniform4(0_u64..60), level in 0.01_f64..0.999) {
        let [a, b, c, d] = cells;
        prop_assume!(a + b + c + d > 0);
        let test = Fisher::test([[a, b], [c, d]]).unwrap();
        let mirrored = Fisher::test([[b, a], [d, c]]).unwrap();
        prop_assert!(test.p_value > 0.0 && test.p_value <= 1.0);
        prop_assert!((test.p_value - mirrored.p_value).abs() < 1e-9);
        let (lower, upper) = test.exact_limits(level).unwrap();
        prop_assert!(lower <= upper && lower >= 0.0);
        let (other_lower, other_upper) = mirrored.exact_limits(level).unwrap();
        let same = |x: f64, y: f64| x == y || (x / y - 1.0).abs() < 1e-6;
        prop_assert!(same(lower, 1.0 / other_upper) && same(upper, 1.0 / other_lower));
        prop_assert!(test.odds_ratio().is_nan() || test.odds_ratio() >= 0.0);
    }

    #[test]
    fn proportions_behave((trials, successes) in (1_u64..5000).prop_flat_map(|n| (Just(n), 0..=n)), level in 0.01_f64..0.999) {
        for p in [clopper_pearson(successes, trials, level).unwrap(), wilson(successes, trials, level).unwrap()] {
            prop_assert!(0.0 <= p.lower && p.lower <= p.estimate && p.estimate <= p.upper && p.upper <= 1.0);
        }
    }

    /// A rank test knows only order: a shift of both samples moves nothing but rounding, a swap mirrors the estimate.
    #[test]
    fn ranks_behave(x in prop::collection::vec(-8_i32..8, 1..30), y in prop::collection::vec(-8_i32..8, 1..30)) {
        let (x, y): (Vec<f64>, Vec<f64>) = (x.into_iter().map(f64::from).collect(), y.into_iter().map(f64::from).collect());
        let (Ok(a), Ok(b)) = (rank_sum(&x, &y, Method::Auto), rank_sum(&y, &x, Method::Auto)) else { return Ok(()) };
        prop_assert!((a.p_value - b.p_value).abs() < 1e-12 && a.p_value <= 1.0 && a.p_value > 0.0);
        prop_assert_eq!(a.statistic + b.statistic, (x.len() * y.len()) as f64);
        prop_assert_eq!(hodges_lehmann(&x, &y).unwrap(), -hodges_lehmann(&y, &x).unwrap());
        let limits = a.limits(0.9).unwrap();
        prop_assert!(limits.lower <= limits.upper);
    }
}

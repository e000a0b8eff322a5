//! Values of R beyond the golden files: weights, truncation, start-stop rows, residuals, Firth, combinations of tests.
//! `data/further/make.R` made them.
#![allow(clippy::unwrap_used, reason = "a test should stop where its data or its model are not there")]

mod common;

use common::{
    CLOSED, ITERATED, Table, assert_all_near, assert_matrix_near, assert_near, json, list, matrix, number,
};
use rstest::rstest;
use serde_json::Value;
use survival::aalen_johansen::AalenJohansen;
use survival::cox::{Covariates, Cox, CoxFit, CoxOptions, Ties, TimeTransform};
use survival::fine_gray::FineGray;
use survival::gray::gray;
use survival::km::KaplanMeier;
use survival::logrank::logrank;
use survival::maxcombo::{DEFAULT_WEIGHTS, Side, maxcombo};
use survival::nelson_aalen::{NelsonAalen, TiedHazard};
use survival::{ConfType, Observations};

struct Lung {
    table: Table,
    event: Vec<bool>,
    inst: Vec<usize>,
}

impl Lung {
    fn read() -> Self {
        let table = Table::read("further/lung_weighted.csv");
        Self { event: table.flags("status"), inst: table.labels("inst"), table }
    }

    fn column(&self, name: &str) -> &[f64] {
        self.table.numbers(name)
    }

    fn covariates(&self, names: &[&str]) -> Covariates<'_> {
        names.iter().fold(Covariates::new(), |c, name| c.with(name, self.column(name)))
    }
}

#[rstest]
#[case("count", false, Some("count"))]
#[case("weight", false, Some("weight"))]
#[case("entry", true, None)]
#[case("entry_weight", true, Some("weight"))]
fn curves_with_weights_and_truncation(
    #[case] key: &str,
    #[case] entered: bool,
    #[case] weight: Option<&str>,
) {
    let (lung, expected) = (Lung::read(), &json("further/km.json")[key]);
    let mut observations = Observations::new(lung.column("time"), &lung.event);
    if entered {
        observations = observations.entered(lung.column("entry"));
    }
    if let Some(weight) = weight {
        observations = observations.weighted(lung.column(weight));
    }
    let km = KaplanMeier::of(&observations).unwrap();
    let check = |name: &str, ours: &[f64]| assert_all_near(name, ours, &list(&expected[name]), CLOSED);
    check("time", &km.time);
    check("n_risk", &km.n_risk);
    check("n_event", &km.n_event);
    check("n_censor", &km.n_censor);
    check("surv", &km.surv);
    check("std_err", &km.std_err);
    let (lower, upper) = km.limits(ConfType::Log, 0.95);
    check("lower", &lower);
    check("upper", &upper);
    let hazard = NelsonAalen::fit(&observations, TiedHazard::Together).unwrap();
    check("cumhaz", &hazard.hazard);
    check("std_chaz", &hazard.std_err);
    for (k, &t) in km.time.iter().enumerate() {
        assert!((km.n_risk_at(t) - km.n_risk[k]).abs() < 1e-9);
    }
}

#[test]
fn tied_hazards_one_by_one() {
    let (lung, expected) = (Lung::read(), &json("further/km.json")["one_by_one"]);
    let observations = Observations::new(lung.column("time"), &lung.event);
    let hazard = NelsonAalen::fit(&observations, TiedHazard::OneByOne).unwrap();
    assert_all_near("cumhaz", &hazard.hazard, &list(&expected["cumhaz"]), CLOSED);
    assert_all_near("std_chaz", &hazard.std_err, &list(&expected["std_chaz"]), CLOSED);
}

#[test]
fn follow_up_and_landmarks() {
    let (lung, expected) = (Lung::read(), json("further/km.json"));
    let time = lung.column("time");
    let median = KaplanMeier::follow_up(time, &lung.event).unwrap().median(ConfType::Log, 0.95);
    let follow_up = &expected["follow_up"];
    let check = |what: &str, ours: Option<f64>, theirs: &Value| {
        assert_near(what, ours.unwrap_or(f64::NAN), number(theirs), CLOSED, 0.0);
    };
    check("median", median.estimate, &follow_up["quantile"]);
    check("lower", median.lower, &follow_up["lower"]);
    check("upper", median.upper, &follow_up["upper"]);
    let km = KaplanMeier::fit(time, &lung.event).unwrap();
    let landmark = &expected["landmark"];
    for (k, t) in list(&landmark["time"]).into_iter().enumerate() {
        let ours = km.landmark(t, ConfType::LogLog, 0.95).unwrap();
        let limits = ours.limits.unwrap_or((f64::NAN, f64::NAN));
        for (name, value) in [
            ("surv", ours.surv),
            ("std_err", ours.std_err),
            ("lower", limits.0),
            ("upper", limits.1),
            ("n_risk", ours.n_risk),
        ] {
            assert_near(name, value, list(&landmark[name])[k], CLOSED, 0.0);
        }
    }
    assert_eq!(km.landmark(5000.0, ConfType::LogLog, 0.95), None);
}

fn check_fit(what: &str, fit: &CoxFit, expected: &Value) {
    for (key, theirs) in expected.as_object().unwrap() {
        let what = format!("{what} {key}");
        match key.as_str() {
            "coef" => assert_all_near(&what, &fit.coefficients, &list(theirs), ITERATED),
            "var" => assert_matrix_near(&what, &fit.variance, &matrix(theirs), ITERATED),
            "naive_var" => assert_matrix_near(&what, &fit.model_variance, &matrix(theirs), ITERATED),
            "loglik" => assert_all_near(&what, &fit.log_likelihood, &list(theirs), CLOSED),
            "score" => assert_near(&what, fit.score.statistic, number(theirs), ITERATED, 0.0),
            "wald" => assert_near(&what, fit.wald.statistic, number(theirs), ITERATED, 0.0),
            "martingale" => assert_all_near(&what, &fit.martingale(), &list(theirs), ITERATED),
            "deviance" => assert_all_near(&what, &fit.deviance(), &list(theirs), ITERATED),
            "schoenfeld" => {
                assert_matrix_near(&what, &fit.schoenfeld().unwrap().residual, &matrix(theirs), ITERATED);
            }
            "scaled_schoenfeld" => {
                let ours = fit.scaled_schoenfeld().unwrap().residual;
                assert_matrix_near(&what, &ours, &matrix(theirs), ITERATED);
            }
            "score_residuals" => {
                assert_matrix_near(&what, &fit.score_residuals().unwrap(), &matrix(theirs), ITERATED);
            }
            "dfbeta" => assert_matrix_near(&what, &fit.dfbeta().unwrap(), &matrix(theirs), ITERATED),
            "concordance" => {
                let ours = fit.concordance();
                assert_all_near(&what, &[ours.estimate, ours.std_err], &list(theirs), ITERATED);
            }
            "counts" => {
                let c = fit.concordance();
                let ours = [c.concordant, c.discordant, c.tied_x, c.tied_y, c.tied_xy];
                assert_all_near(&what, &ours, &list(theirs), ITERATED);
            }
            "basehaz" => {
                let ours = fit.baseline_hazard();
                assert_all_near(&what, &ours.time, &list(&theirs["time"]), CLOSED);
                assert_all_near(&what, &ours.hazard, &list(&theirs["hazard"]), ITERATED);
            }
            "zph" => {
                for (name, transform) in [
                    ("km", TimeTransform::Km),
                    ("identity", TimeTransform::Identity),
                    ("rank", TimeTransform::Rank),
                    ("log", TimeTransform::Log),
                ] {
                    let zph = fit.zph(transform).unwrap();
                    let tests = zph.rows.iter().map(|r| r.test).chain([zph.global]);
                    let (chisq, p): (Vec<f64>, Vec<f64>) = tests.map(|t| (t.statistic, t.p_value)).unzip();
                    assert_all_near(
                        &format!("{what} {name}"),
                        &chisq,
                        &list(&theirs[name]["chisq"]),
                        10.0 * ITERATED,
                    );
                    assert_all_near(
                        &format!("{what} {name}"),
                        &p,
                        &list(&theirs[name]["p"]),
                        10.0 * ITERATED,
                    );
                }
            }
            _ => panic!("{what} is not tested"),
        }
    }
}

#[rstest]
fn cox_models(
    #[values(Ties::Efron, Ties::Breslow)] ties: Ties,
    #[values(
        "plain",
        "strata",
        "count",
        "weight",
        "weight_robust",
        "entry",
        "entry_strata_weight",
        "cluster"
    )]
    key: &str,
) {
    let lung = Lung::read();
    let name = if ties == Ties::Efron { "efron" } else { "breslow" };
    let strata = key.contains("strata");
    let options = CoxOptions {
        ties,
        strata: strata.then_some(&lung.inst),
        weights: match key {
            "count" => Some(lung.column("count")),
            _ if key.contains("weight") => Some(lung.column("weight")),
            _ => None,
        },
        entry: key.contains("entry").then(|| lung.column("entry")),
        cluster: (key == "cluster").then_some(&lung.inst),
        robust: key.contains("robust"),
        ..CoxOptions::default()
    };
    let covariates = lung.covariates(if strata { &["arm", "age"] } else { &["arm", "age", "ecog"] });
    let fit = Cox::fit(lung.column("time"), &lung.event, &covariates, &options).unwrap();
    check_fit(key, &fit, &json("further/cox.json")[name][key]);
}

#[rstest]
#[case(Ties::Efron, "efron")]
#[case(Ties::Breslow, "breslow")]
fn start_stop_rows(#[case] ties: Ties, #[case] name: &str) {
    let split = Table::read("further/veteran_split.csv");
    let cluster = split.labels("id");
    let covariates =
        ["arm", "karno", "karno_late"].iter().fold(Covariates::new(), |c, n| c.with(n, split.numbers(n)));
    let options = CoxOptions {
        ties,
        entry: Some(split.numbers("tstart")),
        cluster: Some(&cluster),
        ..CoxOptions::default()
    };
    let fit = Cox::fit(split.numbers("time"), &split.flags("status"), &covariates, &options).unwrap();
    check_fit("split", &fit, &json("further/cox.json")[name]["split"]);
}

#[test]
fn exact_ties() {
    let (lung, expected) = (Lung::read(), &json("further/cox.json")["exact"]);
    let exact = CoxOptions { ties: Ties::Exact, ..CoxOptions::default() };
    let all = lung.covariates(&["arm", "age", "ecog"]);
    let plain = Cox::fit(lung.column("time"), &lung.event, &all, &exact).unwrap();
    check_fit("plain", &plain, &expected["plain"]);
    let month: Vec<f64> = lung.column("time").iter().map(|t| (t / 61.0).ceil()).collect();
    check_fit("heavy", &Cox::fit(&month, &lung.event, &all, &exact).unwrap(), &expected["heavy"]);
    let strata = lung.table.labels("ecog");
    let stratified = CoxOptions { strata: Some(&strata), ..exact };
    let fit = Cox::fit(&month, &lung.event, &lung.covariates(&["arm", "age"]), &stratified).unwrap();
    check_fit("strata", &fit, &expected["strata"]);
    let split = Table::read("further/veteran_split.csv");
    let covariates =
        Covariates::new().with("arm", split.numbers("arm")).with("karno", split.numbers("karno"));
    let entered = CoxOptions { entry: Some(split.numbers("tstart")), ..exact };
    let fit = Cox::fit(split.numbers("time"), &split.flags("status"), &covariates, &entered).unwrap();
    check_fit("split", &fit, &expected["split"]);
}

#[test]
fn offset_and_profile_limits() {
    let (lung, expected) = (Lung::read(), json("further/cox.json"));
    let offset: Vec<f64> = lung.column("age").iter().map(|a| (a - 60.0) / 25.0).collect();
    let options = CoxOptions { offset: Some(&offset), ..CoxOptions::default() };
    let time = lung.column("time");
    let fit = Cox::fit(time, &lung.event, &lung.covariates(&["arm", "ecog"]), &options).unwrap();
    check_fit("offset", &fit, &expected["offset"]);
    let all = lung.covariates(&["arm", "age", "ecog"]);
    let full = Cox::fit(time, &lung.event, &all, &CoxOptions::default()).unwrap();
    let (lower, upper) = full.profile_limits(0, 0.95).unwrap();
    assert_all_near("profile", &[lower, upper], &list(&expected["profile"]["arm"]), ITERATED);
    assert_near("profile p", full.profile_p_value(0), number(&expected["profile"]["p_arm"]), ITERATED, 0.0);
}

/// R has no package for it here: `make.R` maximises the penalised likelihood from coxph's own parts.
#[test]
fn firth() {
    let (lung, expected) = (Lung::read(), &json("further/cox.json")["firth"]);
    let check = |key: &str, fit: &CoxFit| {
        let theirs = &expected[key];
        assert_all_near(key, &fit.coefficients, &list(&theirs["coef"]), 1e-6);
        assert_matrix_near(key, &fit.variance, &matrix(&theirs["var"]), 1e-6);
        assert_near(key, fit.log_likelihood[1], number(&theirs["loglik"]), CLOSED, 0.0);
        assert_near(key, fit.log_likelihood[0], number(&theirs["start"]), CLOSED, 0.0);
    };
    let breslow = CoxOptions { ties: Ties::Breslow, firth: true, ..CoxOptions::default() };
    let (arm, x) = separated();
    let covariates = Covariates::new().with("arm", &arm).with("x", &x);
    let time: Vec<f64> = (1..=12).map(f64::from).collect();
    let event: Vec<bool> = (1..=12).map(|i| i < 5 || i == 6).collect();
    let fit = Cox::fit(&time, &event, &covariates, &breslow).unwrap();
    check("separated", &fit);
    assert!(fit.warnings.is_empty(), "{:?}", fit.warnings);
    let (lower, upper) = fit.profile_limits(0, 0.95).unwrap();
    assert!(lower > 1.0 && lower < fit.hazard_ratio(0) && upper > 100.0, "{lower} {upper}");
    let two = lung.covariates(&["arm", "ecog"]);
    check("lung_breslow", &Cox::fit(lung.column("time"), &lung.event, &two, &breslow).unwrap());
    let month: Vec<f64> = lung.column("time").iter().map(|t| (t / 61.0).ceil()).collect();
    let efron = CoxOptions { ties: Ties::Efron, ..breslow };
    check("lung_efron", &Cox::fit(&month, &lung.event, &two, &efron).unwrap());
}

/// Everybody with the event is in one arm.
fn separated() -> (Vec<f64>, Vec<f64>) {
    let arm = (0..12).map(|i| f64::from(u8::from(i < 6))).collect();
    (arm, vec![2.0, 5.0, 3.0, 4.0, 1.0, 6.0, 2.0, 3.0, 6.0, 1.0, 4.0, 5.0])
}

#[rstest]
#[case("lung", "lung_strata", Some("inst"))]
#[case("lung", "lung", None)]
#[case("gbsg", "gbsg", None)]
fn max_combo(#[case] data: &str, #[case] key: &str, #[case] strata: Option<&str>) {
    let (table, expected) = (Table::read(&format!("golden/{data}.csv")), &json("further/tests.json")[key]);
    let (event, arm) = (table.flags("status"), table.labels("arm"));
    let strata = strata.map(|s| table.labels(s));
    let observations = Observations::new(table.numbers("time"), &event);
    let test = |side| maxcombo(&observations, &arm, strata.as_deref(), &DEFAULT_WEIGHTS, side).unwrap();
    let both = test(Side::Both);
    assert_all_near("z", &both.z, &list(&expected["z"]), CLOSED);
    assert_matrix_near("correlation", &both.correlation, &matrix(&expected["correlation"]), CLOSED);
    // mvtnorm's own error is a few 1e-7 here.
    assert!((both.p_value - number(&expected["p"])).abs() < 1e-6, "{} {}", both.p_value, expected["p"]);
    let less = test(Side::SecondBetter);
    assert!(
        (less.p_value - number(&expected["p_less"])).abs() < 1e-6,
        "{} {}",
        less.p_value,
        expected["p_less"]
    );
}

#[rstest]
#[case("plain", false, false)]
#[case("weight", false, true)]
#[case("entry", true, false)]
#[case("entry_weight", true, true)]
fn aalen_johansen(#[case] key: &str, #[case] entered: bool, #[case] weighted: bool) {
    let (table, expected) = (Table::read("further/competing.csv"), json("further/tests.json"));
    let expected = &expected["aalen_johansen"][key];
    let aj = AalenJohansen::of(
        table.numbers("time"),
        &table.labels("cause"),
        entered.then(|| table.numbers("entry")),
        weighted.then(|| table.numbers("weight")),
    )
    .unwrap();
    let states = |free: &[f64], incidence: &[Vec<f64>]| -> Vec<Vec<f64>> {
        (0..free.len())
            .map(|k| std::iter::once(free[k]).chain(incidence.iter().map(|i| i[k])).collect())
            .collect()
    };
    // With entry times R also writes a row where somebody only enters.
    let ours: Vec<f64> = aj.time.clone();
    let rows: Vec<usize> = list(&expected["time"])
        .iter()
        .enumerate()
        .filter(|(_, t)| ours.contains(t))
        .map(|(k, _)| k)
        .collect();
    let at_ours = |m: Vec<Vec<f64>>| rows.iter().map(|&k| m[k].clone()).collect::<Vec<_>>();
    assert_eq!(rows.len(), ours.len());
    // R counts those at risk in a multi-state curve without their weights.
    if !weighted {
        let n_risk = list(&expected["n_risk"]);
        assert_all_near("n_risk", &aj.n_risk, &rows.iter().map(|&k| n_risk[k]).collect::<Vec<_>>(), CLOSED);
    }
    assert_matrix_near(
        "pstate",
        &states(&aj.event_free, &aj.incidence),
        &at_ours(matrix(&expected["pstate"])),
        CLOSED,
    );
    let std_err = states(&aj.event_free_std_err, &aj.incidence_std_err);
    assert_matrix_near("std_err", &std_err, &at_ours(matrix(&expected["std_err"])), CLOSED);
}

#[test]
fn gray_with_strata_rho_and_three_groups() {
    let (table, expected) = (Table::read("further/competing.csv"), &json("further/tests.json")["gray"]);
    let (cause, arm, site) = (table.labels("cause"), table.labels("arm"), table.labels("site"));
    for (key, strata, rho) in [("plain", None, 0.0), ("strata", Some(&site[..]), 0.0), ("rho", None, 1.0)] {
        for (row, of_interest) in matrix(&expected[key]).iter().zip(1..) {
            let test = gray(table.numbers("time"), &cause, of_interest, &arm, strata, rho).unwrap().test;
            assert_all_near(key, &[test.statistic, test.p_value, test.df as f64], row, CLOSED);
        }
    }
}

#[test]
fn fine_gray_with_two_covariates() {
    let (table, expected) = (Table::read("further/competing.csv"), &json("further/tests.json")["fine_gray"]);
    let covariates =
        Covariates::new().with("age", table.numbers("age")).with("stage", table.numbers("stage"));
    for (key, of_interest) in [("one", 1), ("two", 2)] {
        let fit =
            FineGray::fit(table.numbers("time"), &table.labels("cause"), of_interest, &covariates).unwrap();
        assert_all_near(key, &fit.coefficients, &list(&expected[key]["coef"]), ITERATED);
        assert_matrix_near(key, &fit.variance, &matrix(&expected[key]["var"]), ITERATED);
        assert_all_near(key, &fit.log_likelihood, &list(&expected[key]["loglik"]), CLOSED);
    }
}

#[test]
fn nine_hundred_strata() {
    let data = json("further/strata.json");
    let (time, arm, x) = (list(&data["time"]), list(&data["arm"]), list(&data["x"]));
    let event: Vec<bool> = list(&data["status"]).iter().map(|&s| s == 1.0).collect();
    let whole =
        |key: &str| list(&data[key]).iter().map(|v| format!("{v}").parse().unwrap()).collect::<Vec<usize>>();
    let strata = whole("stratum");
    let covariates = Covariates::new().with("arm", &arm).with("x", &x);
    let options = CoxOptions { strata: Some(&strata), ..CoxOptions::default() };
    let fit = Cox::fit(&time, &event, &covariates, &options).unwrap();
    assert_all_near("coef", &fit.coefficients, &list(&data["coef"]), ITERATED);
    assert_matrix_near("var", &fit.variance, &matrix(&data["var"]), ITERATED);
    assert_all_near("loglik", &fit.log_likelihood, &list(&data["loglik"]), CLOSED);
    assert_all_near("martingale", &fit.martingale(), &list(&data["martingale"]), ITERATED);
    let c = fit.concordance();
    assert_all_near("concordance", &[c.estimate, c.std_err], &list(&data["concordance"]), ITERATED);
    let test = logrank(&time, &event, &whole("arm"), Some(&strata), 0.0).unwrap();
    assert_near("chisq", test.test.statistic, number(&data["chisq"]), CLOSED, 0.0);
}

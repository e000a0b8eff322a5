//! Every value of the golden files, each key of each file; an unknown key fails.
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
use survival::km::{KaplanMeier, Quantile};
use survival::logrank::{LogRank, logrank};
use survival::{ConfType, Test};

struct Data {
    table: Table,
    golden: Value,
    time: Vec<f64>,
    event: Vec<bool>,
    arm: Vec<usize>,
    strata: Vec<usize>,
}

impl Data {
    fn read(name: &str) -> Self {
        let table = Table::read(&format!("golden/{name}.csv"));
        let golden = json(&format!("golden/{name}.json"));
        let strata = table.labels(golden["strata"].as_str().expect("the stratum column"));
        Self {
            time: table.numbers("time").to_vec(),
            event: table.flags("status"),
            arm: table.labels("arm"),
            strata,
            golden,
            table,
        }
    }

    fn arms(&self) -> Vec<(usize, KaplanMeier)> {
        let mut labels = self.arm.clone();
        labels.sort_unstable();
        labels.dedup();
        let curve = |&label: &usize| {
            let keep = |i: &usize| self.arm[*i] == label;
            let time: Vec<f64> = (0..self.time.len()).filter(keep).map(|i| self.time[i]).collect();
            let event: Vec<bool> = (0..self.time.len()).filter(keep).map(|i| self.event[i]).collect();
            (label, KaplanMeier::fit(&time, &event).unwrap())
        };
        labels.iter().map(curve).collect()
    }

    /// The model of `cox_arm_*` or, with all its covariates, of the others.
    fn covariates(&self, full: bool) -> Covariates<'_> {
        let names: Vec<&str> = match &self.golden["covariates"] {
            Value::Array(names) if full => names.iter().filter_map(Value::as_str).collect(),
            _ => vec!["arm"],
        };
        names.into_iter().fold(Covariates::new(), |covariates, name| match name {
            "factor(arm)" => covariates.with_factor(name, &self.arm),
            _ => covariates.with(name, self.table.numbers(name)),
        })
    }
}

#[rstest]
fn agrees_with_r(
    #[values("ovarian", "veteran", "lung", "colon_death", "colon_recurrence_3arm", "gbsg")] name: &str,
) {
    let data = Data::read(name);
    let all = KaplanMeier::fit(&data.time, &data.event).unwrap();
    let test = |strata, rho| logrank(&data.time, &data.event, &data.arm, strata, rho).unwrap();
    for (key, expected) in data.golden.as_object().unwrap() {
        match key.as_str() {
            "dataset" | "arm" | "strata" | "covariates" | "r" | "survival" => (),
            "km_all" => check_curves(expected, &[("all".to_owned(), &all)]),
            "km_arm" => {
                let arms = data.arms();
                let named: Vec<_> = arms.iter().map(|(a, km)| (format!("arm={a}"), km)).collect();
                check_curves(expected, &named);
            }
            "rmst" => check_rmst(expected, &data.arms()),
            "logrank" => check_logrank(expected, &test(None, 0.0)),
            "peto_peto" => check_logrank(expected, &test(None, 1.0)),
            "logrank_stratified" => check_logrank(expected, &test(Some(&data.strata), 0.0)),
            "events_observed" => assert_near(key, all.n_events(), number(expected), CLOSED, 1.0),
            _ if key.starts_with("cox_") => check_cox(&data, key, expected),
            _ => panic!("key {key} is not tested"),
        }
    }
}

fn check_curves(expected: &Value, curves: &[(String, &KaplanMeier)]) {
    for (conf_type, expected) in expected.as_object().unwrap() {
        let kind: ConfType = conf_type.parse().unwrap();
        let joined = |field: &dyn Fn(&KaplanMeier) -> Vec<f64>| {
            curves.iter().flat_map(|(_, km)| field(km)).collect::<Vec<f64>>()
        };
        let quantiles: Vec<Vec<Quantile>> = curves
            .iter()
            .map(|(_, km)| km.quantiles(&list(&expected["quantile_probs"]), kind, 0.95))
            .collect();
        // Data are by curve, then probability; R writes one curve as a column and several as rows.
        let check_quantile = |key: &str, of: &dyn Fn(&Quantile) -> Option<f64>, theirs: &Value| {
            let ours: Vec<f64> = quantiles.iter().flatten().map(|q| of(q).unwrap_or(f64::NAN)).collect();
            assert_all_near(key, &ours, &matrix(theirs).concat(), CLOSED);
        };
        for (key, theirs) in expected.as_object().unwrap() {
            let ours = match key.as_str() {
                "strata" => {
                    let names: Vec<&str> =
                        curves.iter().flat_map(|(n, km)| vec![n.as_str(); km.time.len()]).collect();
                    assert_eq!(
                        theirs.as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>(),
                        names
                    );
                    continue;
                }
                "time" => joined(&|km| km.time.clone()),
                "n_risk" => joined(&|km| km.n_risk.clone()),
                "n_event" => joined(&|km| km.n_event.clone()),
                "n_censor" => joined(&|km| km.n_censor.clone()),
                "surv" => joined(&|km| km.surv.clone()),
                "std_err_greenwood_surv" => joined(&|km| km.std_err.clone()),
                "lower" => joined(&|km| km.limits(kind, 0.95).0),
                "upper" => joined(&|km| km.limits(kind, 0.95).1),
                "quantile_probs" => continue,
                "quantile" => {
                    check_quantile(key, &|q| q.estimate, theirs);
                    continue;
                }
                "quantile_lower" => {
                    check_quantile(key, &|q| q.lower, theirs);
                    continue;
                }
                "quantile_upper" => {
                    check_quantile(key, &|q| q.upper, theirs);
                    continue;
                }
                _ => panic!("key {key} is not tested"),
            };
            assert_all_near(&format!("{conf_type} {key}"), &ours, &list(theirs), CLOSED);
        }
    }
}

fn check_rmst(expected: &Value, arms: &[(usize, KaplanMeier)]) {
    assert_eq!(expected.as_object().unwrap().len(), arms.len());
    for (label, km) in arms {
        let expected = &expected[label.to_string()];
        let rmst = km.rmst(number(&expected["tau"])).unwrap();
        assert_near("rmst", rmst.estimate, number(&expected["rmst"]), CLOSED, 1.0);
        assert_near("rmst se", rmst.std_err, number(&expected["se"]), CLOSED, 1.0);
    }
}

fn check_logrank(expected: &Value, ours: &LogRank) {
    for (key, theirs) in expected.as_object().unwrap() {
        match key.as_str() {
            "observed" => assert_all_near(key, &ours.observed, &list(theirs), CLOSED),
            "expected" => assert_all_near(key, &ours.expected, &list(theirs), CLOSED),
            "var" => assert_matrix_near(key, &ours.variance, &matrix(theirs), CLOSED),
            "chisq" => assert_near(key, ours.test.statistic, number(theirs), CLOSED, 0.0),
            "df" => assert_eq!(ours.test.df as f64, number(theirs)),
            "p" => assert_near(key, ours.test.p_value, number(theirs), CLOSED, 0.0),
            _ => panic!("key {key} is not tested"),
        }
    }
}

fn check_test(key: &str, ours: Test, theirs: &Value) {
    let theirs = list(theirs);
    // summary.coxph rounds the Wald statistic to two decimals (half to even or not: both are accepted).
    if key == "wald" {
        assert!((ours.statistic - theirs[0]).abs() <= 0.005 + 1e-9, "wald: {} {}", ours.statistic, theirs[0]);
    } else {
        assert_near(key, ours.statistic, theirs[0], ITERATED, 0.0);
    }
    assert_eq!(ours.df as f64, theirs[1], "{key} df");
    assert_near(key, ours.p_value, theirs[2], 10.0 * ITERATED, 0.0);
}

fn check_cox(data: &Data, model: &str, expected: &Value) {
    let full = !model.starts_with("cox_arm");
    let options = CoxOptions {
        ties: match model.rsplit('_').next() {
            Some("efron") => Ties::Efron,
            Some("breslow") => Ties::Breslow,
            Some("exact") => Ties::Exact,
            other => panic!("ties {other:?}"),
        },
        strata: model.contains("stratified").then_some(&data.strata),
        ..CoxOptions::default()
    };
    let fit = Cox::fit(&data.time, &data.event, &data.covariates(full), &options).unwrap();
    for (key, theirs) in expected.as_object().unwrap() {
        let what = format!("{model} {key}");
        match key.as_str() {
            "names" => {
                let names: Vec<&str> = match theirs {
                    Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                    one => vec![one.as_str().unwrap()],
                };
                assert_eq!(fit.names, names);
            }
            "coef" => assert_all_near(&what, &fit.coefficients, &list(theirs), ITERATED),
            "var" => assert_matrix_near(&what, &fit.variance, &matrix(theirs), ITERATED),
            "robust_var" => assert_matrix_near(&what, &fit.robust_variance(), &matrix(theirs), ITERATED),
            "loglik" => assert_all_near(&what, &fit.log_likelihood, &list(theirs), CLOSED),
            "lower95" => assert_all_near(&what, &limits(&fit).0, &list(theirs), ITERATED),
            "upper95" => assert_all_near(&what, &limits(&fit).1, &list(theirs), ITERATED),
            "lrt" => check_test(key, fit.likelihood_ratio, theirs),
            "wald" => check_test(key, fit.wald, theirs),
            "score" => check_test(key, fit.score, theirs),
            "concordance" => {
                let ours = fit.concordance();
                assert_all_near(&what, &[ours.estimate, ours.std_err], &list(theirs), ITERATED);
            }
            "zph" => check_zph(&what, &fit, theirs),
            "basehaz_time" => assert_eq!(fit.baseline_hazard().time, list(theirs)),
            "basehaz" => assert_all_near(&what, &fit.baseline_hazard().hazard, &list(theirs), ITERATED),
            "martingale" => assert_all_near(&what, &fit.martingale(), &list(theirs), ITERATED),
            "n" => assert_eq!(fit.n as f64, number(theirs)),
            "nevent" => assert_eq!(fit.n_event as f64, number(theirs)),
            _ => panic!("key {key} is not tested"),
        }
    }
}

fn limits(fit: &CoxFit) -> (Vec<f64>, Vec<f64>) {
    (0..fit.names.len()).map(|j| fit.limits(j, 0.95)).unzip()
}

fn check_zph(what: &str, fit: &CoxFit, expected: &Value) {
    let zph = fit.zph(TimeTransform::Km).unwrap();
    let mut rows: Vec<(String, Test)> = zph.rows.into_iter().map(|row| (row.name, row.test)).collect();
    rows.push(("GLOBAL".to_owned(), zph.global));
    let names: Vec<&str> = expected["rows"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(rows.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), names);
    let column = |of: &dyn Fn(&Test) -> f64| rows.iter().map(|(_, t)| of(t)).collect::<Vec<f64>>();
    assert_all_near(what, &column(&|t| t.statistic), &list(&expected["chisq"]), 10.0 * ITERATED);
    assert_all_near(what, &column(&|t| t.df as f64), &list(&expected["df"]), 0.0);
    assert_all_near(what, &column(&|t| t.p_value), &list(&expected["p"]), 10.0 * ITERATED);
}

#[test]
fn competing_risks_agree_with_r() {
    let table = Table::read("golden/competing_ties.csv");
    let golden = json("golden/competing_ties.json");
    let (time, cause, arm) = (table.numbers("time"), table.labels("event"), table.labels("arm"));
    let curves: Vec<(usize, AalenJohansen)> = [0, 1]
        .into_iter()
        .map(|label| {
            let (t, c): (Vec<f64>, Vec<usize>) =
                (0..time.len()).filter(|&i| arm[i] == label).map(|i| (time[i], cause[i])).unzip();
            (label, AalenJohansen::fit(&t, &c).unwrap())
        })
        .collect();
    let joined = |of: &dyn Fn(&AalenJohansen) -> Vec<Vec<f64>>| {
        curves
            .iter()
            .flat_map(|(_, aj)| {
                (0..aj.time.len()).map(|k| of(aj).iter().map(|c| c[k]).collect()).collect::<Vec<_>>()
            })
            .collect::<Vec<Vec<f64>>>()
    };
    let states = |free: &[f64], incidence: &[Vec<f64>]| {
        let mut all = vec![free.to_vec()];
        all.extend_from_slice(incidence);
        all
    };
    for (key, theirs) in golden.as_object().unwrap() {
        match key.as_str() {
            "strata" => {
                let names: Vec<String> =
                    curves.iter().flat_map(|(a, aj)| vec![format!("arm={a}"); aj.time.len()]).collect();
                assert_eq!(
                    theirs.as_array().unwrap().iter().filter_map(Value::as_str).collect::<Vec<_>>(),
                    names
                );
            }
            "time" => {
                assert_all_near(key, &joined(&|aj| vec![aj.time.clone()]).concat(), &list(theirs), CLOSED);
            }
            "n_risk" => {
                assert_all_near(key, &joined(&|aj| vec![aj.n_risk.clone()]).concat(), &list(theirs), CLOSED);
            }
            "pstate" => {
                let ours = joined(&|aj| states(&aj.event_free, &aj.incidence));
                assert_matrix_near(key, &ours, &matrix(theirs), CLOSED);
            }
            "std_err" => {
                let ours = joined(&|aj| states(&aj.event_free_std_err, &aj.incidence_std_err));
                assert_matrix_near(key, &ours, &matrix(theirs), CLOSED);
            }
            "states" => assert_eq!(curves[0].1.causes, [1, 2]),
            "gray" => {
                for (row, of_interest) in matrix(theirs).iter().zip([1, 2]) {
                    let test = gray(time, &cause, of_interest, &arm, None, 0.0).unwrap().test;
                    assert_all_near(key, &[test.statistic, test.p_value, test.df as f64], row, CLOSED);
                }
            }
            "fine_gray" => {
                let arm = table.numbers("arm");
                let fit = FineGray::fit(time, &cause, 1, &Covariates::new().with("arm", arm)).unwrap();
                assert_all_near(key, &fit.coefficients, &list(&theirs["coef"]), ITERATED);
                assert_matrix_near(key, &fit.variance, &matrix(&theirs["var"]), ITERATED);
                assert_eq!(theirs.as_object().unwrap().len(), 2);
            }
            _ => panic!("key {key} is not tested"),
        }
    }
}

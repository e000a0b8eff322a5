//! 150 small awkward samples drawn by `data/further/make.R`: heavy ties, times of 0, times that differ by rounding, arms
//! and strata without events, one subject. Where R fails or has nothing to say we refuse or warn; elsewhere we agree.
#![allow(clippy::unwrap_used, reason = "a test should stop where its data or its model are not there")]

mod common;

use common::{
    CLOSED, ITERATED, assert_all_near, assert_matrix_near, assert_near, json, list, matrix, number,
};
use serde_json::Value;
use survival::cox::{Collinear, Covariates, Cox, CoxFit, CoxOptions, Ties, TimeTransform};
use survival::km::KaplanMeier;
use survival::logrank::{LogRank, logrank};
use survival::{ConfType, Error};

struct Sample {
    time: Vec<f64>,
    event: Vec<bool>,
    arm: Vec<usize>,
    stratum: Vec<usize>,
    x: Vec<f64>,
}

impl Sample {
    fn of(value: &Value) -> Self {
        let labels = |key: &str| list(&value[key]).iter().map(|v| format!("{v}").parse().unwrap()).collect();
        Self {
            time: list(&value["time"]),
            event: list(&value["status"]).iter().map(|&s| s == 1.0).collect(),
            arm: labels("arm"),
            stratum: labels("stratum"),
            x: list(&value["x"]),
        }
    }
}

#[test]
fn agree_with_r_or_say_why_not() {
    for (k, value) in json("further/awkward.json").as_array().unwrap().iter().enumerate() {
        let sample = Sample::of(value);
        check_curve(&format!("sample {k}"), &sample, value);
        for (key, strata, rho) in
            [("logrank", None, 0.0), ("peto_peto", None, 1.0), ("stratified", Some(&sample.stratum[..]), 0.0)]
        {
            let ours = logrank(&sample.time, &sample.event, &sample.arm, strata, rho);
            check_logrank(&format!("sample {k} {key}"), ours, &value[key]);
        }
        let arm2: Vec<f64> = sample.arm.iter().map(|&a| f64::from(u8::from(a == 2))).collect();
        let x = Covariates::new().with("x", &sample.x);
        let both = x.clone().with("arm2", &arm2);
        let options = CoxOptions { collinear: Collinear::Drop, ..CoxOptions::default() };
        let breslow = CoxOptions { ties: Ties::Breslow, ..options };
        let exact = CoxOptions { ties: Ties::Exact, ..options };
        let stratified = CoxOptions { strata: Some(&sample.stratum), ..options };
        for (key, covariates, options) in [
            ("cox_efron", &both, options),
            ("cox_breslow", &both, breslow),
            ("cox_strata", &x, stratified),
            ("cox_exact", &x, exact),
        ] {
            let ours = Cox::fit(&sample.time, &sample.event, covariates, &options);
            check_cox(&format!("sample {k} {key}"), ours, &value[key]);
        }
    }
}

fn check_curve(what: &str, sample: &Sample, value: &Value) {
    let km = KaplanMeier::fit(&sample.time, &sample.event).unwrap();
    for (conf_type, expected) in value["km"].as_object().unwrap() {
        let kind: ConfType = conf_type.parse().unwrap();
        let (lower, upper) = km.limits(kind, 0.95);
        let quantiles = km.quantiles(&[0.25, 0.5, 0.75], kind, 0.95);
        let of =
            |f: &dyn Fn(usize) -> Option<f64>| (0..3).map(|k| f(k).unwrap_or(f64::NAN)).collect::<Vec<f64>>();
        for (key, ours) in [
            ("time", km.time.clone()),
            ("n_risk", km.n_risk.clone()),
            ("n_event", km.n_event.clone()),
            ("n_censor", km.n_censor.clone()),
            ("surv", km.surv.clone()),
            ("std_err", km.std_err.clone()),
            ("lower", lower),
            ("upper", upper),
            ("quantile", of(&|k| quantiles[k].estimate)),
            ("quantile_lower", of(&|k| quantiles[k].lower)),
            ("quantile_upper", of(&|k| quantiles[k].upper)),
        ] {
            assert_all_near(&format!("{what} {conf_type} {key}"), &ours, &list(&expected[key]), CLOSED);
        }
    }
    let rmst = km.rmst(number(&value["rmst_tau"])).unwrap();
    assert_all_near(&format!("{what} rmst"), &[rmst.estimate, rmst.std_err], &list(&value["rmst"]), CLOSED);
}

fn check_logrank(what: &str, ours: Result<LogRank, Error>, expected: &Value) {
    if expected.is_null() {
        assert!(matches!(ours, Err(Error::OneGroup { .. } | Error::NotEstimable { .. })), "{what}: {ours:?}");
        return;
    }
    if number(&expected["df"]) < 0.0 {
        assert_eq!(ours, Err(Error::NoEvents), "{what}");
        return;
    }
    let ours = ours.unwrap();
    assert_all_near(what, &ours.observed, &list(&expected["observed"]), CLOSED);
    assert_all_near(what, &ours.expected, &list(&expected["expected"]), CLOSED);
    assert_matrix_near(what, &ours.variance, &matrix(&expected["var"]), CLOSED);
    assert_near(what, ours.test.statistic, number(&expected["chisq"]), CLOSED, 1.0);
    assert_eq!(ours.test.df as f64, number(&expected["df"]), "{what}");
    assert_near(what, ours.test.p_value, number(&expected["p"]), CLOSED, 1.0);
}

fn check_cox(what: &str, ours: Result<CoxFit, Error>, expected: &Value) {
    // Where no risk set tells anything R says NA, or 0 with variance 0, or what rounding makes of either.
    let none = |key: &str| list(&expected[key]).iter().all(|v| v.abs() < 1e-12);
    let r_has_none = expected.is_null()
        || matrix(&expected["var"]).concat().iter().all(|v| v.abs() < 1e-12)
        || (none("loglik") && none("coef"));
    let fit = match ours {
        Err(error) => {
            assert!(r_has_none, "{what}: {error}");
            assert!(matches!(error, Error::NoEvents | Error::NotEstimable { .. }), "{what}: {error}");
            return;
        }
        Ok(fit) => fit,
    };
    assert!(fit.likelihood_ratio.p_value.is_finite() && fit.wald.p_value.is_finite(), "{what}");
    // Nothing that is asked of a fit may panic.
    let _ = (
        fit.zph(TimeTransform::Km),
        fit.dfbeta(),
        fit.deviance(),
        fit.baseline_hazard(),
        fit.robust_variance(),
    );
    if fit.warnings.iter().any(|w| !matches!(w, survival::Warning::Dropped { .. })) {
        assert_eq!(
            expected["warned"],
            Value::Bool(true),
            "{what}: {:?} {:?}",
            fit.warnings,
            fit.coefficients
        );
        return;
    }
    let theirs = list(&expected["coef"]);
    assert_eq!(
        expected["warned"],
        Value::Bool(false),
        "{what}: R warned {theirs:?}, we have {:?}",
        fit.coefficients
    );
    // A coefficient can be 0 but for rounding.
    let close = |part: &str, ours: &[f64], theirs: &[f64], tolerance: f64| {
        assert_eq!(ours.len(), theirs.len(), "{what} {part}");
        ours.iter()
            .zip(theirs)
            .for_each(|(a, b)| assert_near(&format!("{what} {part}"), *a, *b, tolerance, 1.0));
    };
    close("coef", &fit.coefficients, &theirs, ITERATED);
    close("var", &fit.variance.concat(), &matrix(&expected["var"]).concat(), ITERATED);
    close("loglik", &fit.log_likelihood, &list(&expected["loglik"]), CLOSED);
    close("score", &[fit.score.statistic], &list(&expected["score"]), ITERATED);
    close("martingale", &fit.martingale(), &list(&expected["martingale"]), ITERATED);
    // The order of linear predictors that are all 0 but for rounding is chance.
    if theirs.iter().all(|b| b.abs() < 1e-12) {
        return;
    }
    let c = fit.concordance();
    close("concordance", &[c.estimate, c.std_err], &list(&expected["concordance"]), ITERATED);
}

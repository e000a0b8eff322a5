//! The mixed model for repeated measures against R. `data/mmrm/make.R` made the values; its head says how.

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
    let covariates = if name == "sites" { covariates.with_factor("site", &table.labels("site")) } else { covariates };
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

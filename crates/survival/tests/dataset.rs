//! The summary of a data set: every key of every reference file, in its form; and data that bear little.
#![allow(clippy::unwrap_used, reason = "a test should stop where its data or its model are not there")]

mod common;

use common::{CLOSED, ITERATED, json, number};
use rstest::rstest;
use serde_json::Value;
use survival::cox::Ties;
use survival::dataset::{Column, CompetingSummary, Dataset, Fault, Roles, Summary};

/// The columns of a table written as CSV without quotes within cells.
fn columns(text: &str) -> Vec<Column> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut columns: Vec<Column> = reader.headers().unwrap().iter().map(Column::new).collect();
    for record in reader.records() {
        columns.iter_mut().zip(record.unwrap().iter()).for_each(|(column, cell)| column.push(cell));
    }
    columns
}

fn golden_columns(name: &str) -> Vec<Column> {
    let path = format!("{}/tests/data/golden/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    columns(&std::fs::read_to_string(path).unwrap())
}

fn roles(strata: &[&str], covariates: &[&str]) -> Roles {
    let owned = |names: &[&str]| names.iter().map(|&n| n.to_owned()).collect();
    Roles {
        time: "time".into(),
        event: "status".into(),
        competing: false,
        arm: "arm".into(),
        strata: owned(strata),
        covariates: owned(covariates),
    }
}

fn summary(columns: &[Column], roles: &Roles, tau: Option<f64>) -> Value {
    serde_json::to_value(Summary::new(&Dataset::new(columns, roles).unwrap(), tau, Ties::Efron)).unwrap()
}

/// The same keys, the same shape, the same values; nothing of `theirs` may be missing from `ours`.
fn compare(path: &str, ours: &Value, theirs: &Value, tolerance: f64, scale: f64) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, theirs) in theirs {
                let ours = ours.get(key).unwrap_or_else(|| panic!("{path}: no key {key}"));
                compare(&format!("{path}.{key}"), ours, theirs, tolerance, 0.0);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{path}: length");
            let largest = theirs.iter().filter_map(Value::as_f64).fold(scale, |s, v| s.max(v.abs()));
            for (k, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                compare(&format!("{path}[{k}]"), ours, theirs, tolerance, largest);
            }
        }
        (Value::String(ours), Value::String(theirs)) => assert_eq!(ours, theirs, "{path}"),
        (Value::Null, Value::Null | Value::String(_)) => (),
        (Value::Number(_), Value::Number(_)) => {
            let (a, b) = (number(ours), number(theirs));
            let error = (a - b).abs();
            // What is a difference of nearly equal numbers is judged by their size.
            let near = error <= tolerance * b.abs() || error <= tolerance * 1e-3 * scale;
            assert!(near, "{path}: {a:.17e}, R {b:.17e}");
        }
        _ => panic!("{path}: {ours}, R {theirs}"),
    }
}

#[rstest]
fn every_key_agrees_with_r(
    #[values("ovarian", "veteran", "lung", "colon_death", "colon_recurrence_3arm", "gbsg")] name: &str,
) {
    let golden = json(&format!("golden/{name}.json"));
    let covariates: Vec<&str> =
        golden["covariates"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let roles = roles(&[golden["strata"].as_str().unwrap()], &covariates);
    let (_, first) = golden["rmst"].as_object().unwrap().iter().next().unwrap();
    let ours = summary(&golden_columns(name), &roles, first["tau"].as_f64());
    for (key, theirs) in golden.as_object().unwrap() {
        // Which data, and which R.
        if matches!(key.as_str(), "dataset" | "r" | "survival") {
            continue;
        }
        let iterated = key.starts_with("cox_");
        compare(key, &ours[key], theirs, if iterated { 10.0 * ITERATED } else { CLOSED }, 0.0);
        if iterated {
            for exact in
                ["coef", "var", "robust_var", "loglik", "lower95", "upper95", "basehaz", "martingale"]
            {
                compare(&format!("{key}.{exact}"), &ours[key][exact], &theirs[exact], ITERATED, 0.0);
            }
        }
    }
    // And nothing that R's file does not have, but what was dropped.
    for key in ours.as_object().unwrap().keys().filter(|key| *key != "rows_dropped") {
        assert!(golden.get(key).is_some(), "{key} is not in the reference file");
    }
}

#[test]
fn competing_risks_agree_with_r() {
    let roles = Roles { event: "event".into(), competing: true, ..roles(&[], &[]) };
    let data = Dataset::new(&golden_columns("competing_ties"), &roles).unwrap();
    let ours = serde_json::to_value(CompetingSummary::new(&data).unwrap()).unwrap();
    compare("competing", &ours, &json("golden/competing_ties.json"), ITERATED, 0.0);
}

// R 4.2.2, survival 3.5.3: coxph(Surv(time, status) ~ arm), survdiff(Surv(time, status) ~ arm), survfit(Surv(time, status) ~ arm)
// on time = 1..10, status = 1 0 1 1 0 1 1 0 1 1, arm = Aa b b Aa b B Aa b Aa B.
#[test]
fn an_arm_of_labels_is_a_factor_as_in_r() {
    let arms = ["Aa", "b", "b", "Aa", "b", "B", "Aa", "b", "Aa", "B"];
    let status = [1, 0, 1, 1, 0, 1, 1, 0, 1, 1];
    let rows: Vec<String> = (0..10).map(|i| format!("{},{},{}\n", i + 1, status[i], arms[i])).collect();
    let ours = summary(&columns(&format!("time,status,arm\n{}", rows.concat())), &roles(&[], &[]), None);
    let strata = ours["km_arm"]["log"]["strata"].as_array().unwrap();
    assert_eq!([&strata[0], &strata[4], &strata[8]], ["arm=Aa", "arm=b", "arm=B"]);
    let cox = &ours["cox_arm_efron"];
    assert_eq!(cox["names"], serde_json::json!(["armb", "armB"]));
    assert_eq!(cox["zph"]["rows"], serde_json::json!(["arm", "GLOBAL"]));
    assert_eq!(cox["zph"]["df"], serde_json::json!([2, 2]));
    assert_eq!(ours["rmst"].as_object().unwrap().keys().collect::<Vec<_>>(), ["Aa", "b", "B"]);
}

// R 4.2.2, survival 3.5.3: coxph(Surv(time, status) ~ arm, ties = ..) for time = 7 i mod 50, status = i mod 3 > 0 and i mod 4 != 0,
// arm = i mod 4 for those with i mod 4 < 2, i = 0 .. 199; it stops at iteration 19 and warns.
#[rstest]
#[case("efron", 20.099_922_647_461_8, 18_158_732.507_121_3)]
#[case("breslow", 20.084_319_885_568_7, 18_197_610.517_317)]
#[case("exact", 20.134_542_121_669, 18_473_521.355_585_1)]
fn an_arm_without_events_stops_where_r_stops(
    #[case] ties: &str,
    #[case] coefficient: f64,
    #[case] variance: f64,
) {
    let rows: Vec<String> = (0..200)
        .filter(|i| i % 4 < 2)
        .map(|i| format!("{},{},{}\n", (i * 7) % 50, u8::from(i % 3 > 0 && i % 4 != 0), i % 4 + 1))
        .collect();
    let ours = summary(&columns(&format!("time,status,arm\n{}", rows.concat())), &roles(&[], &[]), None);
    let cox = &ours[format!("cox_arm_{ties}")];
    assert!((number(&cox["coef"]) / coefficient - 1.0).abs() < ITERATED, "{}", cox["coef"]);
    // The variance grows as exp(coefficient): an error of the one is 20 times as large in the other.
    assert!((number(&cox["var"][0][0]) / variance - 1.0).abs() < 20.0 * ITERATED, "{}", cox["var"]);
    assert!(cox["warnings"][0].as_str().unwrap().contains("separation"));
}

/// Whatever the data, every key is there: a value or an `error`.
#[rstest]
#[case::one_subject("3,1,1,1\n", &["rmst"], &["logrank", "cox_arm_efron", "cox_stratified_efron"])]
#[case::no_events("3,0,1,1\n4,0,2,1\n", &["km_arm", "rmst"], &["logrank", "cox_arm_efron"])]
#[case::one_arm("3,1,1,1\n4,1,1,2\n", &["km_arm", "rmst"], &["logrank", "logrank_stratified", "cox_arm_efron"])]
#[case::an_arm_without_events("3,1,1,1\n4,1,1,2\n5,0,2,1\n6,0,2,2\n2,1,1,1\n", &["logrank", "cox_arm_efron"], &[])]
#[case::all_at_zero("0,1,1,1\n0,1,2,1\n0,0,1,1\n", &["km_all", "logrank"], &["rmst"])]
#[case::a_stratum_without_events("3,1,1,1\n4,1,2,1\n5,0,2,9\n6,0,1,9\n", &["logrank_stratified", "cox_stratified_efron"], &[])]
#[case::one_time("5,1,1,1\n5,1,1,1\n5,1,2,1\n5,0,2,2\n", &["logrank", "cox_arm_efron", "cox_arm_exact"], &[])]
fn every_key_comes_whatever_the_data(#[case] rows: &str, #[case] done: &[&str], #[case] failed: &[&str]) {
    let columns = columns(&format!("time,status,arm,s\n{rows}"));
    let ours = summary(&columns, &roles(&["s"], &["arm", "s"]), None);
    let keys = [
        "km_all",
        "km_arm",
        "rmst",
        "logrank",
        "peto_peto",
        "logrank_stratified",
        "cox_arm_efron",
        "cox_arm_breslow",
        "cox_arm_exact",
        "cox_full_efron",
        "cox_full_breslow",
        "cox_stratified_efron",
    ];
    for key in keys {
        let value = ours[key].as_object().unwrap_or_else(|| panic!("no {key}"));
        let error = value.get("error").and_then(Value::as_str);
        assert!(error.is_none_or(|e| e.len() > 10), "{key}: {error:?}");
        assert!(!done.contains(&key) || error.is_none(), "{key}: {error:?}");
        assert!(!failed.contains(&key) || error.is_some(), "{key}: {value:?}");
    }
}

#[test]
fn one_subject_is_plain_numbers() {
    let ours = summary(&columns("time,status,arm\n3,1,7\n"), &roles(&[], &[]), Some(5.0));
    assert_eq!(ours["km_arm"]["log"]["strata"], "arm=7");
    // R: quantile(survfit(Surv(3, 1) ~ 1)): 3 3 3, no limits
    assert_eq!(ours["km_all"]["log"]["quantile"], serde_json::json!([[3], [3], [3]]));
    assert_eq!(ours["km_all"]["log"]["quantile_lower"], serde_json::json!([[null], [null], [null]]));
    assert_eq!(ours["rmst"]["7"], serde_json::json!({ "tau": 5, "rmst": 3, "se": 0 }));
}

#[test]
fn thousands_of_strata_and_many_arms() {
    let rows: Vec<String> = (0..12_000)
        .map(|i| format!("{},{},{},{}\n", (i * 7919) % 97, u8::from(i % 3 != 0), i % 5, i / 4))
        .collect();
    let columns = columns(&format!("time,status,arm,site\n{}", rows.concat()));
    let ours = summary(&columns, &roles(&["site"], &["factor(arm)"]), None);
    assert_eq!(ours["logrank_stratified"]["df"], 4);
    assert_eq!(ours["cox_stratified_efron"]["names"].as_array().unwrap().len(), 4);
    assert_eq!(ours["cox_stratified_efron"]["zph"]["df"], serde_json::json!([4, 4]));
}

#[test]
fn strata_of_two_columns_are_their_combinations() {
    let text = "time,status,arm,sex,stage\n1,1,1,f,2\n2,1,2,m,1\n3,0,1,f,1\n4,1,2,f,2\n";
    let data = Dataset::new(&columns(text), &roles(&["sex", "stage"], &[])).unwrap();
    let strata = data.strata.unwrap();
    // R: levels(strata(sex, stage))
    assert_eq!(strata.levels, ["sex=f, stage=1", "sex=f, stage=2", "sex=m, stage=1"]);
    assert_eq!(strata.code, [1, 2, 0, 1]);
}

#[test]
fn missing_rows_are_dropped_from_everything_and_counted() {
    let text = "time,status,arm,age\n1,1,1,50\nNA,1,2,60\n2,,2,60\n3,TRUE,1,.\n4,0,2,70\n";
    let columns = columns(text);
    let data = Dataset::new(&columns, &roles(&[], &["arm", "age"])).unwrap();
    assert_eq!((data.len(), data.dropped, &data.event[..]), (2, 3, &[true, false][..]));
    // What is not used does not count.
    let data = Dataset::new(&columns, &roles(&[], &["arm"])).unwrap();
    assert_eq!((data.len(), data.dropped, &data.event[..]), (3, 2, &[true, true, false][..]));
}

#[rstest]
#[case(
    "time,status,arm\n-1,1,1\n",
    "row 0, column `time`: found \"-1\"; a time is a finite number, zero or later"
)]
#[case("time,status,arm\n1,1,1\nsoon,1,1\n", "row 1, column `time`: found \"soon\"")]
#[case("time,status,arm\n1,2,1\n", "row 0, column `status`: found \"2\"; 1 (or TRUE) for an event")]
#[case("time,status,group\n1,1,1\n", "no column `arm`; there are group, status, time")]
#[case(
    "time,status,arm\nNA,1,1\n",
    "no row to use: 1 rows, each with a missing value in one of time, status, arm"
)]
fn a_fault_says_where_and_what_would_be_right(#[case] text: &str, #[case] message: &str) {
    let fault: Fault = Dataset::new(&columns(text), &roles(&[], &[])).unwrap_err();
    assert!(fault.to_string().contains(message), "{fault}");
}

//! Edit checks while one types.

use proptest::prelude::*;
use serde_json::{Value, json};
use trial::form::live::checks_now;
use trial::form::{FormFault, check};

use crate::notebook::{Notebook, avatar, instance, map};

fn enrolled() -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    book
}

fn now(values: Value, touched: &[&str]) -> Vec<String> {
    let book = enrolled();
    let today = "2026-05-01".parse().unwrap();
    let now = checks_now(
        book.history.current(),
        &book.record(),
        &instance("tumour@W12"),
        &map(values),
        touched,
        today,
    );
    let line = |fault: &FormFault| format!("{} {fault}", if fault.hard { "hard" } else { "soft" });
    now.hard.iter().chain(&now.soft).map(line).collect()
}

#[test]
fn an_empty_form_is_not_complained_of() {
    assert_eq!(now(json!({}), &[]), Vec::<String>::new());
    assert_eq!(now(json!({"LESIONS": [{"TULNKID": "T1", "TUORRES": "TARGET"}]}), &[]), Vec::<String>::new());
}

#[test]
fn a_field_left_empty_is() {
    let must = "hard form tumour, item TRDAT: found nothing; it must be filled: Date of the first scan of this assessment";
    assert_eq!(now(json!({}), &["TRDAT"]), [must]);
}

#[test]
fn a_check_is_said_once_every_empty_field_it_rests_on_was_seen() {
    let target = json!({"LESIONS": [{"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER"}]});
    let some = ["LESIONS.0.DIAMETER", "LESIONS.0.TUMSTATE"];
    assert_eq!(now(target.clone(), &some), Vec::<String>::new());
    let all = ["LESIONS.0.DIAMETER", "LESIONS.0.TUMSTATE", "LESIONS.0.TRSTAT"];
    let found = now(target, &all);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("A target needs its diameter in mm"), "{found:?}");
}

#[test]
fn a_value_out_of_range_is_said_at_once_and_so_is_what_does_not_fit_the_subject() {
    let found = now(json!({"TRDAT": "2026-04-20", "LESIONS": [{"TULNKID": "T1", "DIAMETER": 2050}]}), &[]);
    assert_eq!(
        found,
        ["hard form tumour, LESIONS row 1, item DIAMETER: found 2050 mm; it must lie between 0 and 500 mm"]
    );
    // Without it, the date outside the window of the visit, though required fields are still empty.
    let found = now(json!({"TRDAT": "2026-04-20"}), &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("soft form tumour, item TRDAT: found 2026-04-20; visit W12 is due"),
        "{found:?}"
    );
}

/// Fields of the tumour form, filled or not.
fn some_values() -> impl Strategy<Value = Value> {
    let lesion = proptest::sample::select(vec![json!("T1"), json!("NT1"), json!("N1"), Value::Null]);
    let role =
        proptest::sample::select(vec![json!("TARGET"), json!("NON-TARGET"), json!("NEW"), Value::Null]);
    let size = proptest::sample::select(vec![json!(20), json!(-1), json!("x"), Value::Null]);
    let state = proptest::sample::select(vec![json!("PRESENT"), json!("EQUIVOCAL"), Value::Null]);
    let row = (lesion, role, size, state)
        .prop_map(|(id, role, size, state)| json!({"TULNKID": id, "TUORRES": role, "DIAMETER": size, "TUMSTATE": state}));
    let date =
        proptest::sample::select(vec![json!("2026-04-09"), json!("2026-09-09"), json!("soon"), Value::Null]);
    (date, proptest::collection::vec(row, 0..3))
        .prop_map(|(date, rows)| json!({"TRDAT": date, "LESIONS": rows}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // Nothing is said while typing that is not said on saving, and of a form that was gone through all is said.
    #[test]
    fn what_is_said_is_a_part_of_what_is_said_on_saving(values in some_values()) {
        let book = enrolled();
        let (protocol, record, at) = (book.history.current(), book.record(), instance("tumour@W12"));
        let today = "2026-05-01".parse().unwrap();
        let values = map(values);
        let saved = check(protocol, &record, &at, &values, today);
        let early = checks_now(protocol, &record, &at, &values, &[], today);
        let unread = saved.iter().any(|fault| fault.hard);
        for fault in early.hard.iter().chain(&early.soft) {
            // What does not fit the subject is not said on saving where something cannot be read.
            prop_assert!(saved.contains(fault) || unread && !fault.hard, "{fault}");
        }
        let items = &protocol.forms.iter().find(|form| form.id == "tumour").unwrap();
        let mut touched: Vec<String> = items.items.iter().map(|item| item.id.clone()).collect();
        touched.push("LESIONS".into());
        for row in 0..3 {
            touched.extend(items.groups[0].items.iter().map(|item| format!("LESIONS.{row}.{}", item.id)));
        }
        let touched: Vec<&str> = touched.iter().map(String::as_str).collect();
        let all = checks_now(protocol, &record, &at, &values, &touched, today);
        let mut said: Vec<FormFault> = all.hard.into_iter().chain(all.soft).collect();
        let mut saved = saved;
        let key = |fault: &FormFault| format!("{fault}");
        said.sort_by_key(key);
        saved.sort_by_key(key);
        prop_assert_eq!(said, saved);
    }
}

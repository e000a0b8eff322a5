//! `recist` on the third-party extract.

use crate::stage::{SDTM, show};

/// What another program may rely on, in order.
const KEYS: [&str; 13] = [
    "usubjid",
    "reader",
    "visit",
    "visitnum",
    "target",
    "non_target",
    "new_lesion",
    "overall",
    "sum_mm",
    "nadir_mm",
    "recorded",
    "agrees",
    "reason",
];

#[test]
fn shows_one_subject() {
    insta::assert_snapshot!(show(&["recist", SDTM, "--subject", "01-709-1312"]));
}

#[test]
fn shows_what_differs() {
    insta::assert_snapshot!(show(&["recist", SDTM, "--disagreements"]));
}

#[test]
fn names_every_row_not_used() {
    let shown = show(&["recist", SDTM, "--rows", "--subject", "01-709-1312"]);
    assert!(shown.out.contains("rows "), "{shown}");
    assert!(shown.out.contains("columns not read: "), "{shown}");
}

#[test]
fn gives_json_lines() {
    let shown = show(&["recist", SDTM, "--json"]);
    let mut disagree = 0;
    for line in shown.out.lines() {
        let row: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        assert_eq!(row.keys().collect::<Vec<_>>(), KEYS);
        assert_eq!(
            row["recorded"].as_object().unwrap().keys().collect::<Vec<_>>(),
            ["target", "non_target", "overall"]
        );
        assert!(row["visitnum"].is_number() && row["reason"].is_string());
        disagree += usize::from(row["agrees"] == false);
    }
    assert!(disagree > 0);
    assert!(
        shown.err.starts_with(&format!("{} assessments after baseline", shown.out.lines().count())),
        "{shown}"
    );
    let only = show(&["recist", SDTM, "--json", "--disagreements"]);
    assert_eq!(only.out.lines().count(), disagree);
}

#[test]
fn shows_json_lines_of_a_reader() {
    let reader = "independent assessor/radiologist 1";
    insta::assert_snapshot!(show(&[
        "recist",
        SDTM,
        "--json",
        "--subject",
        "01-709-1312",
        "--reader",
        reader
    ]));
}

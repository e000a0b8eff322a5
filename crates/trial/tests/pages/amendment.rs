//! What a new version of the AVATAR II file would do to a subject.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;
use trial::protocol::{Amendment, Checked, Effect, EffectKind, check, effect, summary};

use crate::notebook::{AVATAR, Notebook, avatar};

static OLD: LazyLock<Checked> = LazyLock::new(|| check(AVATAR).unwrap());

/// A version that moves a limit nobody comes near: every form is checked anew.
static SAME: LazyLock<Amendment> =
    LazyLock::new(|| Amendment::new(&OLD, &amended(&[("follow_up_months = 36", "follow_up_months = 37")])));

fn amended(changes: &[(&str, &str)]) -> Checked {
    let mut source = AVATAR.to_owned();
    for (from, to) in changes {
        assert!(source.contains(from), "{from}");
        source = source.replacen(from, to, 1);
    }
    check(&source).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

fn told(book: &Notebook, changes: &[(&str, &str)]) -> String {
    let effects = effect(&OLD, &amended(changes), &book.record(), "2026-05-01".parse().unwrap());
    let line = |effect: &Effect| {
        let hard = if effect.hard { "!" } else { " " };
        format!("{hard} [{}] {}\n", effect.kind, effect.says)
    };
    effects.iter().map(line).collect()
}

fn enrolled() -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    book.on("2026-04-10").save(
        "tumour@W12",
        json!({"TRDAT": "2026-04-09", "LESIONS": [
            {"TULNKID": "T1", "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": 29},
            {"TULNKID": "NT1", "TUORRES": "NON-TARGET", "TULOC": "BONE", "TUMSTATE": "PRESENT"},
        ]}),
    );
    book
}

fn screened() -> Notebook {
    let mut book = Notebook::new(avatar());
    book.screen();
    book
}

#[test]
fn the_same_version_does_nothing() {
    assert_eq!(told(&enrolled(), &[]), "");
    // Nor does a new title.
    assert_eq!(told(&enrolled(), &[("version = \"1.0\"", "version = \"1.1\"")]), "");
}

const ECOG: (&str, &str) = ("condition = \"ecog.ECOG <= 2\"", "condition = \"ecog.ECOG == 0\"");

#[test]
fn a_criterion_judged_otherwise() {
    insta::assert_snapshot!(told(&screened(), &[ECOG]));
    insta::assert_snapshot!(told(&enrolled(), &[ECOG]));
}

#[test]
fn a_new_required_item_and_a_narrower_range() {
    let required = (
        "{ id = \"TRMETHOD\", label = \"Method\", type = \"code\", codes = [\"CT SCAN\", \"MRI\", \"PET/CT SCAN\", \"BONE SCAN\", \"PHYSICAL EXAMINATION\"] },",
        "{ id = \"TRMETHOD\", label = \"Method\", type = \"code\", codes = [\"CT SCAN\", \"MRI\"], required = true },",
    );
    let range = ("unit = \"mm\", min = 0, max = 500", "unit = \"mm\", min = 0, max = 25");
    insta::assert_snapshot!(told(&enrolled(), &[required, range]));
}

#[test]
fn visits_moved_added_and_their_forms() {
    let moved =
        ("id = \"W24\"\nlabel = \"Week 24\"\nday = 168", "id = \"W24\"\nlabel = \"Week 24\"\nday = 175");
    let fewer = (
        "day = 252\nwindow_before = 7\nwindow_after = 7\nforms = [\"ecog\", \"tumour\", \"factb\"]",
        "day = 252\nwindow_before = 7\nwindow_after = 7\nforms = [\"ecog\", \"tumour\"]",
    );
    let added = (
        "[[schedule.visits]]\nid = \"W12\"",
        "[[schedule.visits]]\nid = \"W6\"\nlabel = \"Week 6\"\nday = 42\nforms = [\"ecog\"]\n\n[[schedule.visits]]\nid = \"W12\"",
    );
    let week = ("weeks = [0, 12, 24, 36, 48]", "weeks = [0, 12, 48]");
    insta::assert_snapshot!(told(&enrolled(), &[moved, fewer, added, week]));
}

#[test]
fn rules_of_tumours_and_endpoints() {
    let mut book = enrolled();
    book.save("sabr", json!({"PRSTDAT": "2026-04-20", "PRENDAT": "2026-05-30", "LESIONS": [{"TULNKID": "T1", "PRDOSFRX": 12, "PRNFRX": 2}]}));
    let days = ("within_days = 56", "within_days = 28");
    let pending = (
        "rules = { pending = \"event\", other_therapy = \"treatment_policy\", deviation_sabr = \"treatment_policy\" }",
        "rules = { pending = \"censor\", other_therapy = \"treatment_policy\", deviation_sabr = \"treatment_policy\" }",
    );
    insta::assert_snapshot!(told(&book, &[days]));
    insta::assert_snapshot!(told(&enrolled(), &[pending]));
}

#[test]
fn a_summary_over_subjects() {
    let old = check(AVATAR).unwrap();
    let new = amended(&[ECOG]);
    let today = "2026-05-01".parse().unwrap();
    let of = |book: Notebook| effect(&old, &new, &book.record(), today);
    let all = [
        ("S01-001".into(), of(screened())),
        ("S01-002".into(), of(enrolled())),
        ("S01-003".into(), Vec::new()),
    ];
    let counts = summary(all.iter().map(|(subject, effects)| (subject, effects.as_slice())));
    assert_eq!(counts.len(), 1);
    let count = &counts[0];
    assert_eq!((count.kind, count.effects, count.hard, count.subjects), (EffectKind::Eligibility, 2, 1, 2));
    assert_eq!(count.examples, ["S01-001".into(), "S01-002".into()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // A version in the place of itself does nothing, whatever was entered; nor does one that is the same in other words.
    #[test]
    fn nothing_changes_nothing(size in 0f64..600.0, ecog in -1i64..7, days in 0i64..400) {
        let mut book = enrolled();
        let date = trial::date::plus_days("2026-01-15".parse().unwrap(), days);
        book.save("tumour#2", json!({"TRDAT": date.to_string(), "LESIONS": [{"TULNKID": "T1", "TUORRES": "TARGET", "DIAMETER": size}]}));
        book.save("ecog@W12", json!({"QSDAT": date.to_string(), "ECOG": ecog}));
        prop_assert!(SAME.on(&book.record(), date).is_empty());
    }
}

//! Eligibility on the AVATAR II file, criterion by criterion: met, not met, unknown and what is missing (trial.md: unknown is
//! not met), and the strata.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

mod notebook;

use notebook::{Notebook, avatar, screening, with};
use rstest::rstest;
use serde_json::{Value, json};
use trial::eligibility::{Judged, Judgement, judge, stratum};

/// An eligible subject's screening with one form changed at a JSON pointer (`form/pointer`).
fn screened(form: &str, pointer: &str, value: Value) -> Notebook {
    let mut book = Notebook::new(avatar());
    book.enter(trial::event::What::SubjectScreened);
    for (name, values) in screening() {
        let changed = name.starts_with(&format!("{form}@")) && !pointer.is_empty();
        book.save(name, if changed { with(values, pointer, value.clone()) } else { values });
    }
    book
}

fn judged(book: &Notebook) -> Vec<Judged> {
    judge(book.history.current(), &book.record())
}

fn of(book: &Notebook, id: &str) -> Judgement {
    judged(book).into_iter().find(|judged| judged.id == id).unwrap().judgement
}

fn unknown(missing: &[&str]) -> Judgement {
    Judgement::Unknown { missing: missing.iter().map(|name| (*name).to_owned()).collect() }
}

#[test]
fn an_eligible_subject_meets_every_criterion() {
    let book = screened("", "", Value::Null);
    for judged in judged(&book) {
        assert_eq!(judged.judgement, Judgement::Met, "{} {}", judged.id, judged.text);
        assert!(!judged.events.is_empty(), "{} names its events", judged.id);
    }
    let known = [("opd_lesions".to_owned(), "1".to_owned()), ("bone_only".to_owned(), "no".to_owned())];
    assert_eq!(stratum(book.history.current(), &book.record()), Ok(known.to_vec()));
}

#[test]
fn nothing_is_met_by_nobody() {
    let book = Notebook::new(avatar());
    for judged in judged(&book) {
        assert!(
            matches!(judged.judgement, Judgement::Unknown { .. }),
            "{}: {:?}",
            judged.id,
            judged.judgement
        );
        assert!(judged.events.is_empty());
    }
    assert_eq!(
        stratum(book.history.current(), &book.record()),
        Err(vec!["derived.bone_only".to_owned(), "derived.opd_lesions".to_owned()])
    );
}

#[rstest]
#[case("I01", "consent", "/RFICYN", json!("N"))]
#[case("I02", "demography", "/BRTHYY", json!(2010))]
#[case("I03", "history", "/ERSTAT", json!("NEGATIVE"))]
#[case("I04", "history", "/HER2STAT", json!("POSITIVE"))]
#[case("I05", "history", "/MHSTAGE", json!("EARLY"))]
#[case("I06", "firstline", "/LINE", json!(2))]
#[case("I06", "firstline", "/ETCLASS", json!("SERM"))]
#[case("I06", "firstline", "/CDKYN", json!("N"))]
#[case("I06", "firstline", "/CMONGO", json!("N"))]
#[case("I07", "firstline", "/BESTRESP", json!("PD"))]
#[case("I07", "firstline", "/CMSTDAT", json!("2025-06-01"))]
#[case("I08", "history", "/OPDNEW", json!("N"))]
#[case("I08", "tumour", "/LESIONS/1/OPD", json!("N"))]
#[case("I08", "tumour", "/LESIONS/1/TULOC", json!("BRAIN"))]
#[case("I09", "tumour", "/LESIONS/1/AMENABLE", json!("N"))]
#[case("I10", "ecog", "/ECOG", json!(3))]
#[case("E01", "history", "/CHEMOMET", json!("Y"))]
#[case("E02", "history", "/LMD", json!("Y"))]
#[case("E03", "tumour", "/LESIONS/1/PRIORRT", json!("Y"))]
fn not_met(#[case] id: &str, #[case] form: &str, #[case] pointer: &str, #[case] value: Value) {
    let book = screened(form, pointer, value);
    assert_eq!(of(&book, id), Judgement::NotMet);
}

#[rstest]
#[case("I02", "demography", "/BRTHYY", json!(2000), Judgement::Met)]
// Born in 2008, consent on 2026-01-02: 17 or 18, which the year of birth does not tell.
#[case("I02", "demography", "/BRTHYY", json!(2008), unknown(&["derived.age"]))]
#[case("I06", "firstline", "/ETCLASS", json!("SERD"), Judgement::Met)]
#[case("I07", "firstline", "/BESTRESP", json!("SD"), Judgement::Met)]
// 2025-05-21 to 2025-11-20 is 183 days.
#[case("I07", "firstline", "/CMSTDAT", json!("2025-05-21"), Judgement::Met)]
#[case("I07", "firstline", "/CMSTDAT", json!("2025-05-22"), Judgement::NotMet)]
// May 2025 is long enough from some of its days only.
#[case("I07", "firstline", "/CMSTDAT", json!("2025-05"), unknown(&["firstline.CMSTDAT", "firstline.RESPTHRU"]))]
#[case("I07", "firstline", "/CMSTDAT", json!("2025"), unknown(&["firstline.CMSTDAT", "firstline.RESPTHRU"]))]
#[case("I10", "ecog", "/ECOG", json!(2), Judgement::Met)]
#[case("I10", "ecog", "/ECOG", json!(2.0), Judgement::Met)]
fn at_the_bounds(
    #[case] id: &str,
    #[case] form: &str,
    #[case] pointer: &str,
    #[case] value: Value,
    #[case] want: Judgement,
) {
    let book = screened(form, pointer, value);
    assert_eq!(of(&book, id), want);
}

#[rstest]
#[case("I01", "consent", "/RFICYN", &["consent.RFICYN"])]
#[case("I02", "demography", "/BRTHYY", &["derived.age"])]
#[case("I03", "history", "/ERSTAT", &["history.ERSTAT"])]
#[case("I04", "history", "/HER2STAT", &["history.HER2STAT"])]
#[case("I05", "history", "/MHSTAGE", &["history.MHSTAGE"])]
#[case("I06", "firstline", "/CDKYN", &["firstline.CDKYN"])]
#[case("I07", "firstline", "/RESPTHRU", &["firstline.RESPTHRU"])]
#[case("I08", "history", "/OPDNEW", &["history.OPDNEW"])]
#[case("I09", "tumour", "/LESIONS/1/AMENABLE", &["derived.opd_amenable"])]
#[case("I10", "ecog", "/ECOG", &["ecog.ECOG"])]
#[case("E01", "history", "/CHEMOMET", &["history.CHEMOMET"])]
#[case("E02", "history", "/LMD", &["history.LMD"])]
#[case("E03", "tumour", "/LESIONS/1/PRIORRT", &["derived.prior_rt_to_opd"])]
fn unknown_says_what_is_missing(
    #[case] id: &str,
    #[case] form: &str,
    #[case] pointer: &str,
    #[case] missing: &[&str],
) {
    let book = screened(form, pointer, Value::Null);
    assert_eq!(of(&book, id), unknown(missing));
}

fn lesion(id: &str, place: &str, opd: &str) -> Value {
    json!({"TULNKID": id, "TUORRES": "NON-TARGET", "TULOC": place, "TUMSTATE": "PRESENT", "OPD": opd,
           "AMENABLE": "Y", "PRIORRT": "N"})
}

#[rstest]
#[case(&[("BONE", "Y")], Ok(("1", "yes")), Judgement::Met)]
#[case(&[("BONE", "Y"), ("BONE", "N")], Ok(("1", "yes")), Judgement::Met)]
#[case(&[("BONE", "Y"), ("LIVER", "N")], Ok(("1", "no")), Judgement::Met)]
#[case(&[("BONE", "Y"), ("LIVER", "Y")], Ok(("2-5", "no")), Judgement::Met)]
#[case(&[("BONE", "Y"); 5], Ok(("2-5", "yes")), Judgement::Met)]
// trial.md: 1 to 5 progressing extracranial lesions; six are no oligoprogression, and no stratum fits.
#[case(&[("BONE", "Y"); 6], Err("a level of opd_lesions that fits"), Judgement::NotMet)]
#[case(&[("BONE", "N")], Err("a level of opd_lesions that fits"), Judgement::NotMet)]
#[case(&[("BONE", "Y"), ("BRAIN", "Y")], Ok(("2-5", "no")), Judgement::NotMet)]
fn oligoprogression_and_strata(
    #[case] lesions: &[(&str, &str)],
    #[case] want: Result<(&str, &str), &str>,
    #[case] criterion: Judgement,
) {
    let rows: Vec<Value> =
        lesions.iter().enumerate().map(|(n, (place, opd))| lesion(&format!("NT{n}"), place, opd)).collect();
    let book = screened("tumour", "/LESIONS", Value::Array(rows));
    let found = stratum(book.history.current(), &book.record());
    match want {
        Ok((opd, bone)) => {
            let levels: Vec<&str> = found.as_ref().unwrap().iter().map(|(_, level)| level.as_str()).collect();
            assert_eq!(levels, [opd, bone]);
        }
        Err(why) => assert_eq!(found, Err(vec![why.to_owned()])),
    }
    assert_eq!(of(&book, "I08"), criterion);
}

#[test]
fn one_lesion_not_judged_amenable_leaves_it_unknown() {
    let rows = vec![lesion("NT1", "BONE", "Y"), with(lesion("NT2", "LUNG", "Y"), "/AMENABLE", Value::Null)];
    let book = screened("tumour", "/LESIONS", Value::Array(rows));
    assert_eq!(of(&book, "I09"), unknown(&["derived.opd_amenable"]));
}

#[test]
fn what_comes_after_randomisation_does_not_count_but_a_correction_does() {
    let mut book = screened("", "", Value::Null);
    let ecog = book.events.iter().find_map(|entered| match &entered.event.what {
        trial::event::What::FormSaved { instance, .. } if instance.form == "ecog" => Some(entered.seq),
        _ => None,
    });
    book.randomise("A", "2026-01-15");
    book.on("2026-04-10").save("ecog@W12", json!({"QSDAT": "2026-04-09", "ECOG": 3}));
    assert_eq!(of(&book, "I10"), Judgement::Met, "the visit after randomisation says nothing of eligibility");
    book.correct("ecog@SCREENING", json!({"QSDAT": "2026-01-05", "ECOG": 3}), ecog.unwrap());
    assert_eq!(of(&book, "I10"), Judgement::NotMet, "randomised in error, as is now known");
}

#[test]
fn judgements_name_the_events_they_rest_on() {
    let book = screened("", "", Value::Null);
    let tumour = book.events.last().unwrap().seq;
    let judged = judged(&book);
    let events = |id: &str| judged.iter().find(|judged| judged.id == id).unwrap().events.clone();
    assert_eq!(events("I09"), [tumour]);
    assert_eq!(events("I02").len(), 2, "year of birth and consent");
}

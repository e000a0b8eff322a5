//! The search for CTCAE terms. British and American names as NCI's table and the BNF spell them.

use proptest::prelude::*;
use rstest::rstest;
use trial::ctcae::{self, MatchedBy, search};

fn first(query: &str) -> String {
    search(query, 10).first().map_or_else(|| "nothing".to_owned(), |hit| hit.term.term.clone())
}

#[rstest]
// The beginning of a word, and of several.
#[case("fati", "Fatigue")]
#[case("naus", "Nausea")]
#[case("palm plan", "Palmar-plantar erythrodysesthesia syndrome")]
#[case("periph sens", "Peripheral sensory neuropathy")]
// Either spelling.
#[case("diarrhoea", "Diarrhea")]
#[case("oesophagitis", "Esophagitis")]
#[case("anaemia", "Anemia")]
#[case("dyspnoea", "Dyspnea")]
#[case("oedema limbs", "Edema limbs")]
#[case("hypercalcaemia", "Hypercalcemia")]
#[case("gynaecomastia", "Gynecomastia")]
#[case("paraesthesia", "Paresthesia")]
#[case("tumour pain", "Tumor pain")]
#[case("haematuria", "Hematuria")]
#[case("oesophageal haemorrhage", "Esophageal hemorrhage")]
// Names the table does not have.
#[case("neutropenia", "Febrile neutropenia")]
#[case("thrombocytopenia", "Platelet count decreased")]
#[case("ALT", "Alanine aminotransferase increased")]
#[case("itching", "Pruritus")]
#[case("hand foot", "Palmar-plantar erythrodysesthesia syndrome")]
#[case("DVT", "Thromboembolic event")]
#[case("hair loss", "Alopecia")]
// Typing errors.
#[case("diarhea", "Diarrhea")]
#[case("diarhoea", "Diarrhea")]
#[case("pneumonits", "Pneumonitis")]
#[case("fatige", "Fatigue")]
#[case("mucositsi oral", "Mucositis oral")]
#[case("alopeica", "Alopecia")]
fn the_first_hit(#[case] query: &str, #[case] want: &str) {
    assert_eq!(first(query), want);
}

#[test]
fn neutropenia_is_found_under_the_tables_name_too() {
    let hits = search("neutropenia", 3);
    assert!(
        hits.iter().any(|hit| hit.term.term == "Neutrophil count decreased" && hit.by == MatchedBy::Synonym)
    );
}

#[test]
fn a_class_lists_its_terms_and_an_error_is_told() {
    let hits = search("gastrointestinal", 200);
    assert!(hits.iter().filter(|hit| hit.term.class == "Gastrointestinal disorders").count() > 100);
    assert!(search("diarhea", 1)[0].corrected);
    assert!(!search("diarrhoea", 1)[0].corrected);
    assert_eq!(search("diarrhoea", 1)[0].term.grades[4].as_deref(), Some("Death"));
}

#[rstest]
#[case("")]
#[case("  -- ")]
#[case("zzzzzzz")]
#[case("fatigue zzzzzzz")]
fn nothing_is_found(#[case] query: &str) {
    assert!(search(query, 10).is_empty(), "{:?}", search(query, 3));
}

#[test]
fn every_term_is_first_under_its_own_name() {
    for term in ctcae::terms() {
        assert_eq!(first(&term.term), term.term);
    }
}

#[test]
fn a_term_is_found_with_a_letter_lost() {
    let mut lost = Vec::new();
    for term in
        ctcae::terms().iter().filter(|term| !term.term.contains(' ') && term.term.len() >= 7).step_by(3)
    {
        let at = term.term.len() / 2;
        let typed = format!("{}{}", &term.term[..at], &term.term[at + 1..]);
        if !search(&typed, 5).iter().any(|hit| hit.term == term) {
            lost.push(typed);
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
}

proptest! {
    #[test]
    fn never_panics(query in "\\PC{0,80}", limit in 0usize..5) {
        prop_assert!(search(&query, limit).len() <= limit);
    }
}

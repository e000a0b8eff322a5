//! Places on the figure. CDISC Controlled Terminology, codelist LOC (C74456), for the names.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;
use trial::bodymap::{lesions, place};
use trial::protocol::{ItemType, check};

use crate::notebook::{AVATAR, Notebook, avatar};

const STOP: &str = include_str!("../../../../protocols/stop.toml");

#[rstest]
#[case("LIVER", None, "liver")]
#[case("liver", None, "liver")]
#[case("LYMPH NODE", None, "lymph nodes")]
#[case("AXILLARY LYMPH NODE", Some("LEFT"), "axillary nodes")]
#[case("LYMPH NODE, MEDIASTINAL", None, "mediastinal nodes")]
#[case("LUMBAR SPINE", None, "lumbar spine")]
#[case("FEMUR", Some("RIGHT"), "femur")]
#[case("ADRENAL GLAND", None, "adrenal gland")]
#[case("CHEST WALL", None, "chest wall")]
#[case("LUNG, LEFT", None, "lung")]
fn known(#[case] location: &str, #[case] side: Option<&str>, #[case] region: &str) {
    assert_eq!(place(location, side).unwrap().region, region);
}

#[rstest]
#[case("")]
#[case("OTHER")]
#[case("SKIN")] // all over
#[case("SOFT TISSUE")]
#[case("CARMINE")]
fn listed_beside(#[case] location: &str) {
    assert_eq!(place(location, None), None);
}

// A front view: the subject's right is on the viewer's left.
#[test]
fn sides() {
    let x = |side| place("LUNG", side).unwrap().x;
    assert!(x(Some("RIGHT")) < x(None) && x(None) < x(Some("LEFT")));
    assert_eq!(place("LUNG, LEFT", None), place("LUNG", Some("LEFT")));
    assert_eq!(place("LUNG", Some("left")), place("LUNG", Some("LEFT")));
    // The head is above the feet, the liver on the right, the spleen on the left.
    assert!(place("BRAIN", None).unwrap().y < place("FOOT", None).unwrap().y);
    assert!(place("LIVER", None).unwrap().x < 50.0 && place("SPLEEN", None).unwrap().x > 50.0);
}

// Every place of both protocol files is on the figure, or is one that is nowhere in particular.
#[test]
fn the_protocols_places_are_known() {
    for source in [AVATAR, STOP] {
        let protocol = check(source).unwrap().protocol;
        let groups = protocol.forms.iter().flat_map(|form| &form.groups);
        let items = groups.flat_map(|group| &group.items);
        for item in items.filter(|item| item.id == "TULOC" && item.kind == ItemType::Code) {
            for code in &item.codes {
                let nowhere = ["OTHER", "SKIN", "SOFT TISSUE"].contains(&code.as_str());
                assert_eq!(place(code, None).is_none(), nowhere, "{code}");
            }
        }
    }
}

#[test]
fn lesions_of_one_place_lie_apart() {
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    let rows: Vec<_> = (0..12)
        .map(|n| json!({"TULNKID": format!("B{n}"), "TUORRES": "NEW", "TULOC": "BONE", "TUMSTATE": "UNEQUIVOCAL"}))
        .collect();
    book.save("tumour@W12", json!({"TRDAT": "2026-04-09", "LESIONS": rows}));
    let marked = lesions(&book.record(), "INVESTIGATOR");
    assert_eq!(marked.len(), 14);
    assert_eq!(marked[0].lesion.as_str(), "T1");
    let places: Vec<_> = marked.iter().map(|marked| marked.place.unwrap()).collect();
    for (at, a) in places.iter().enumerate() {
        for b in &places[at + 1..] {
            assert!((a.x - b.x).hypot(a.y - b.y) > 1.0, "{a:?} {b:?}");
        }
    }
}

proptest! {
    #[test]
    fn always_on_the_figure(location in "\\PC{0,30}", side in proptest::option::of("LEFT|RIGHT|\\PC{0,6}")) {
        if let Some(place) = place(&location, side.as_deref()) {
            prop_assert!((0.0..=100.0).contains(&place.x) && (0.0..=100.0).contains(&place.y));
        }
    }
}

//! Fields of a page as values, and the way back.

use std::sync::LazyLock;

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use trial::form::entry::{Entry, date, fields, not_on, read, text};
use trial::form::layout::{Applies, Layout, layout};
use trial::protocol::{Form, ItemType, Protocol, ProtocolHistory};
use trial::record::Record;

use crate::notebook::{AVATAR, Notebook, avatar, map, screening};

static OTHER: LazyLock<ProtocolHistory> =
    LazyLock::new(|| ProtocolHistory::new(1, trial::protocol::check(STOP).unwrap()));

/// Another trial's file in force.
pub fn stop() -> ProtocolHistory {
    OTHER.clone()
}

const STOP: &str = include_str!("../../../../protocols/stop.toml");

fn form<'p>(protocol: &'p Protocol, id: &str) -> &'p Form {
    protocol.forms.iter().find(|form| form.id == id).unwrap()
}

fn typed(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn of(id: &str, fields: &[(&str, &str)]) -> Entry {
    let history = avatar();
    read(form(history.current(), id), &typed(fields))
}

/// What the one field says, or its value.
fn one(id: &str, field: &str, text: &str) -> String {
    let entry = of(id, &[(field, text)]);
    match entry.faults.first() {
        Some(fault) => fault.to_string(),
        None => Value::Object(entry.values).to_string(),
    }
}

// ISO 8601 year first; DD-MMM-YYYY as case report forms print it (CDASH 2.1, section 2.8); day.month.year with points. What two
// readers read as two days is refused.
#[rstest]
#[case("2025-03-07", "2025-03-07")]
#[case("2025-3-7", "2025-03-07")]
#[case("2025/03/07", "2025-03-07")]
#[case("2025.03.07", "2025-03-07")]
#[case("2025-03", "2025-03")]
#[case("2025", "2025")]
#[case("7.3.2025", "2025-03-07")]
#[case("07.03.2025", "2025-03-07")]
#[case("3.2025", "2025-03")]
#[case("03/2025", "2025-03")]
#[case("7 Mar 2025", "2025-03-07")]
#[case("07-MAR-2025", "2025-03-07")]
#[case("7 march 2025", "2025-03-07")]
#[case("March 7, 2025", "2025-03-07")]
#[case("7 Sept 2025", "2025-09-07")]
#[case("Mar 2025", "2025-03")]
#[case("UN-MAR-2025", "2025-03")]
#[case("UNK-UNK-2025", "2025")]
#[case("25/03/2025", "2025-03-25")]
#[case("25-03-2025", "2025-03-25")]
#[case("03/03/2025", "2025-03-03")]
#[case("29.2.2024", "2024-02-29")]
fn a_date_that_is_read(#[case] typed: &str, #[case] want: &str) {
    assert_eq!(date(typed).unwrap().to_string(), want);
}

#[rstest]
#[case("07/03/2025", "it may be 2025-03-07 or 2025-07-03: write one of the two")]
#[case("07-03-2025", "it may be 2025-03-07 or 2025-07-03: write one of the two")]
#[case("03/25/2025", "the month stands first; if you mean 2025-03-25, write that")]
#[case("31.2.2025", "there is no 31 February 2025: write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("29.2.2025", "there is no 29 February 2025: write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("2025-13-01", "there is no month 13: write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("2025-13", "there is no month 13: write YYYY-MM, as 2025-03, or Mar 2025")]
#[case("7.3.25", "the year is needed with four digits: write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("3 May", "write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("soon", "write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("20250307", "write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("2025-02-30", "there is no 30 February 2025: write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025")]
#[case("-5.3.2025", "it may be 2025-03-05 or 2025-05-03: write one of the two")]
fn a_date_that_is_refused(#[case] typed: &str, #[case] want: &str) {
    assert_eq!(date(typed).unwrap_err(), want);
}

#[rstest]
#[case("20", r#"{"PRDOSFRX":20}"#)]
#[case(" 20.0 ", r#"{"PRDOSFRX":20}"#)]
#[case("12.5", r#"{"PRDOSFRX":12.5}"#)]
#[case("12,5", r#"{"PRDOSFRX":12.5}"#)]
#[case("+12,50", r#"{"PRDOSFRX":12.5}"#)]
#[case("-3", r#"{"PRDOSFRX":-3}"#)]
#[case("\u{2212}3", r#"{"PRDOSFRX":-3}"#)]
#[case("0,125", r#"{"PRDOSFRX":0.125}"#)]
#[case("1,234", "LESIONS.0.PRDOSFRX: found \"1,234\"; it may be 1234 or 1.234: write one of the two")]
#[case(
    "1,234.5",
    "LESIONS.0.PRDOSFRX: found \"1,234.5\"; write a number, as 12.5, without marks between the thousands"
)]
#[case(
    "1 234",
    "LESIONS.0.PRDOSFRX: found \"1 234\"; write a number, as 12.5, without marks between the thousands"
)]
#[case("12 Gy", "LESIONS.0.PRDOSFRX: found \"12 Gy\"; write the number alone, 12: Gy is understood")]
#[case("1e3", "LESIONS.0.PRDOSFRX: found \"1e3\"; write a number, as 12.5")]
#[case("twelve", "LESIONS.0.PRDOSFRX: found \"twelve\"; write a number, as 12.5")]
#[case("NaN", "LESIONS.0.PRDOSFRX: found \"NaN\"; write a number, as 12.5")]
#[case(".", "LESIONS.0.PRDOSFRX: found \".\"; write a number, as 12.5")]
#[case(
    "123456789012345678",
    "LESIONS.0.PRDOSFRX: found \"123456789012345678\"; a number has at most 17 digits"
)]
fn a_number(#[case] typed: &str, #[case] want: &str) {
    let found = one("sabr", "LESIONS.0.PRDOSFRX", typed);
    let row = found.strip_prefix(r#"{"LESIONS":["#).and_then(|rest| rest.strip_suffix("]}"));
    assert_eq!(row.unwrap_or(&found), want);
}

#[rstest]
#[case("sabr", "LESIONS.0.PRNFRX", "2,5", "LESIONS.0.PRNFRX: found \"2,5\"; write a whole number")]
#[case(
    "consent",
    "RFICDAT",
    "2026-01",
    "RFICDAT: found \"2026-01\"; 2026-01 lacks its day: write YYYY-MM-DD"
)]
#[case("consent", "RFICDAT", "2.1.2026", r#"{"RFICDAT":"2026-01-02"}"#)]
#[case("consent", "RFICYN", "yes", r#"{"RFICYN":"Y"}"#)]
#[case("consent", "RFICYN", "maybe", "RFICYN: found \"maybe\"; write Y or N")]
#[case("demography", "SEX", "f", r#"{"SEX":"F"}"#)]
#[case("tumour", "TRMETHOD", "ct scan", r#"{"TRMETHOD":"CT SCAN"}"#)]
#[case(
    "tumour",
    "TRMETHOD",
    "CT",
    "TRMETHOD: found \"CT\"; choose one of CT SCAN, MRI, PET/CT SCAN, BONE SCAN, PHYSICAL EXAMINATION"
)]
#[case("ae", "AETERM", "  Fatigue ", r#"{"AETERM":"Fatigue"}"#)]
#[case("ae", "AETERM", "a\r\nb", r#"{"AETERM":"a\nb"}"#)]
#[case(
    "ae",
    "AETERM",
    "a\u{0}b",
    "AETERM: found \"a\\0b\"; it holds the control character U+0000, which cannot be shown: type the text anew"
)]
#[case("ae", "AETERM", "   ", "{}")]
#[case(
    "consent",
    "RFICDAY",
    "2026-01-02",
    "RFICDAY: found \"2026-01-02\"; the form Informed consent has no such field; did you mean RFICDAT?"
)]
#[case("consent", "site", "S02", "site: found \"S02\"; the form Informed consent has no such field")]
#[case(
    "tumour",
    "LESIONS.00.TULNKID",
    "T1",
    "LESIONS.00.TULNKID: found \"T1\"; the form Tumour assessment has no such row"
)]
#[case(
    "tumour",
    "LESIONS.10000.TULNKID",
    "T1",
    "LESIONS.10000.TULNKID: found \"T1\"; the form Tumour assessment has no such row"
)]
#[case(
    "tumour",
    "LESIONS.0.TULNKID.x",
    "T1",
    "LESIONS.0.TULNKID.x: found \"T1\"; the form Tumour assessment has no such field"
)]
#[case("consent", "_csrf", "abc", "{}")]
fn a_field(#[case] form: &str, #[case] field: &str, #[case] typed: &str, #[case] want: &str) {
    assert_eq!(one(form, field, typed), want);
}

#[test]
fn rows_keep_their_order_and_blank_ones_are_left_out() {
    let entry = of(
        "tumour",
        &[
            ("TRDAT", "2026-04-09"),
            ("LESIONS.0.TULNKID", "T1"),
            ("LESIONS.0.DIAMETER", "20,5"),
            ("LESIONS.1.TULNKID", " "),
            ("LESIONS.1.DIAMETER", ""),
            ("LESIONS.10.TULNKID", "NT1"),
            ("LESIONS.2.DIAMETER", "wide"),
        ],
    );
    assert_eq!(
        Value::Object(entry.values.clone()),
        json!({"TRDAT": "2026-04-09", "LESIONS": [{"TULNKID": "T1", "DIAMETER": 20.5}, {}, {"TULNKID": "NT1"}]})
    );
    assert_eq!(entry.rows["LESIONS"], [0, 2, 10]);
    assert_eq!(entry.faults.len(), 1);
    assert_eq!(entry.typed.len(), 7);

    // A fault of admission counts rows from 1, as the values have them; the page has its own numbers.
    let mut book = Notebook::new(avatar());
    book.enrol("A");
    let faults = trial::form::check(
        book.history.current(),
        &book.record(),
        &crate::notebook::instance("tumour@W12"),
        &entry.values,
        "2026-05-01".parse().unwrap(),
    );
    let places: Vec<String> = faults.iter().map(|fault| entry.field_of(fault)).collect();
    assert!(places.contains(&"LESIONS.2.TULNKID".to_owned()), "{places:?}");
    assert!(places.contains(&"LESIONS.10.TULOC".to_owned()), "{places:?}");
}

#[test]
fn a_field_that_cannot_be_read_is_complained_of_once() {
    let entry = of(
        "tumour",
        &[
            ("TRDAT", "07/03/2025"),
            ("LESIONS.4.TULNKID", "T1"),
            ("LESIONS.4.TUORRES", "TARGET"),
            ("LESIONS.4.DIAMETER", "wide"),
        ],
    );
    let all = ["TRDAT", "LESIONS.4.DIAMETER", "LESIONS.4.TUMSTATE", "LESIONS.0.TULNKID"];
    assert_eq!(entry.seen(&all), ["LESIONS.0.TUMSTATE"]);
    let book = Notebook::new(avatar());
    let (protocol, at) = (book.history.current(), crate::notebook::instance("tumour@SCREENING"));
    let faults =
        trial::form::check(protocol, &book.record(), &at, &entry.values, "2026-05-01".parse().unwrap());
    let fields: Vec<String> = entry.placed(faults).into_iter().map(|(field, _)| field).collect();
    assert!(!fields.contains(&"TRDAT".to_owned()), "{fields:?}");
    assert!(fields.contains(&"LESIONS.4.TULOC".to_owned()), "{fields:?}");
}

#[test]
fn two_texts_of_one_field() {
    let twice = of("consent", &[("RFICYN", "Y"), ("RFICYN", "N")]);
    assert_eq!(
        twice.faults[0].to_string(),
        "RFICYN: found \"N\"; the field was sent twice, the first time with \"Y\""
    );
    assert_eq!(twice.values["RFICYN"], "Y");
    assert!(of("consent", &[("RFICYN", "Y"), ("RFICYN", ""), ("RFICYN", "Y ")]).faults.is_empty());
}

#[test]
fn what_an_amendment_took_away_is_told() {
    let history = avatar();
    let values = map(json!({"RFICDAT": "2026-01-02", "OLD": 1, "ROWS": [{"A": 1}]}));
    let form = form(history.current(), "consent");
    assert_eq!(fields(form, &values), typed(&[("RFICDAT", "2026-01-02")]));
    assert_eq!(not_on(form, &values).into_iter().collect::<Vec<_>>(), ["OLD", "ROWS"]);
}

#[rstest]
#[case(json!(20.0), "20")]
#[case(json!(20), "20")]
#[case(json!(0.1), "0.1")]
#[case(json!(1e-7), "0.0000001")]
#[case(json!("T1"), "T1")]
#[case(json!(null), "")]
fn a_value_as_text(#[case] value: Value, #[case] want: &str) {
    assert_eq!(text(&value), want);
}

#[test]
fn the_screening_forms_come_back() {
    let history = avatar();
    for (id, values) in screening() {
        let id = id.split('@').next().unwrap();
        let form = form(history.current(), id);
        let entry = read(form, &fields(form, values.as_object().unwrap()));
        assert!(entry.faults.is_empty(), "{:?}", entry.faults);
        // As the ledger gives them back: canonical JSON writes 22.0 as 22.
        let stored: Value = serde_json::from_str(&values.to_string().replace("22.0", "22")).unwrap();
        assert_eq!(Value::Object(entry.values), stored);
    }
}

fn shown(layout: &Layout<'_>) -> Vec<String> {
    let line = |field: &trial::form::layout::Field<'_>| {
        let applies = match &field.applies {
            Applies::Yes => "asked".to_owned(),
            Applies::No => "not asked".to_owned(),
            Applies::Unknown { missing } => format!("asked if {}", missing.join(", ")),
        };
        let required = if field.required { ", required" } else { "" };
        format!("{}={:?} {applies}{required}", field.name, field.text)
    };
    layout.all().map(line).collect()
}

#[test]
fn a_form_as_it_now_applies() {
    let history = avatar();
    let firstline = form(history.current(), "firstline");
    let entry = read(firstline, &typed(&[("CDKYN", "N"), ("BESTRESP", "SD")]));
    let shown = shown(&layout(firstline, &entry.values, &Record::default()));
    assert!(shown.contains(&"CDKTRT=\"\" not asked".to_owned()), "{shown:#?}");
    assert!(shown.contains(&"CMENDAT=\"\" asked if CMONGO".to_owned()), "{shown:#?}");
    assert!(shown.contains(&"RESPTHRU=\"\" asked, required".to_owned()), "{shown:#?}");
    assert!(shown.contains(&"CMTRT=\"\" asked, required".to_owned()), "{shown:#?}");
}

#[test]
fn what_was_typed_is_shown_again() {
    let history = avatar();
    let tumour = form(history.current(), "tumour");
    let entry = read(
        tumour,
        &typed(&[
            ("TRDAT", "07/03/2025"),
            ("LESIONS.0.TULNKID", ""),
            ("LESIONS.3.TULNKID", "T1"),
            ("LESIONS.3.DIAMETER", "20 mm"),
            ("LESIONS.3.OPD", "y"),
        ]),
    );
    let layout = layout(tumour, &entry.values, &Record::default()).as_typed(&entry);
    let text = |name: &str| layout.all().find(|field| field.name == name).map(|field| field.text.clone());
    assert_eq!(text("TRDAT").as_deref(), Some("07/03/2025"));
    assert_eq!(text("LESIONS.3.DIAMETER").as_deref(), Some("20 mm"));
    assert_eq!(text("LESIONS.3.OPD").as_deref(), Some("y"));
    // OPD is Y, so AMENABLE must be filled.
    assert!(layout.all().any(|field| field.name == "LESIONS.3.AMENABLE" && field.required));
    let group = &layout.groups[0];
    assert_eq!(group.key, ["TULNKID"]);
    assert_eq!(group.blank[0].name, "LESIONS.4.TULNKID");
    let diameter = group.blank.iter().find(|field| field.item.id == "DIAMETER").unwrap();
    assert_eq!(diameter.hint, "0 to 500 mm");
}

/// A text that is a value of the item.
fn typed_value(kind: ItemType, codes: Vec<String>) -> BoxedStrategy<String> {
    let day = (1950i16..2050, 1i8..=12, 1i8..=28);
    match kind {
        ItemType::Text => "[A-Za-zäé0-9][A-Za-zäé0-9 .,'-]{0,20}".boxed(),
        ItemType::Integer => (-999_999i64..999_999).prop_map(|n| n.to_string()).boxed(),
        ItemType::Decimal => {
            prop_oneof!["-?[0-9]{1,6}", "-?[0-9]{1,6}[.][0-9]{1,6}", "-?[0-9]{1,6},[0-9]{1,2}"].boxed()
        }
        ItemType::Date => day.prop_map(|(y, m, d)| format!("{d}.{m}.{y}")).boxed(),
        ItemType::PartialDate => prop_oneof![
            day.clone().prop_map(|(y, m, d)| format!("{y:04}-{m:02}-{d:02}")),
            day.clone().prop_map(|(y, m, _)| format!("{y:04}-{m:02}")),
            day.prop_map(|(y, ..)| y.to_string()),
        ]
        .boxed(),
        ItemType::YesNo => prop_oneof!["Y", "N", "yes", "no"].boxed(),
        ItemType::Code => proptest::sample::select(codes).boxed(),
    }
}

/// Valid fields of one of the forms of a protocol file: some items filled, some rows.
fn valid(source: &'static str) -> BoxedStrategy<(usize, Vec<(String, String)>)> {
    let protocol = trial::protocol::check(source).unwrap().protocol;
    let of_items = |items: &[trial::protocol::Item], prefix: String| {
        let fields: Vec<_> = items
            .iter()
            .map(|item| {
                let name = format!("{prefix}{}", item.id);
                proptest::option::of(typed_value(item.kind, item.codes.clone()))
                    .prop_map(move |text| text.map(|text| (name.clone(), text)))
            })
            .collect();
        fields.prop_map(|fields| fields.into_iter().flatten().collect::<Vec<_>>()).boxed()
    };
    let forms: Vec<_> = protocol
        .forms
        .iter()
        .enumerate()
        .map(|(at, form)| {
            let mut parts = vec![of_items(&form.items, String::new())];
            for group in &form.groups {
                parts.extend((0..3).map(|row| of_items(&group.items, format!("{}.{row}.", group.id))));
            }
            parts.prop_map(move |parts| (at, parts.concat())).boxed()
        })
        .collect();
    proptest::strategy::Union::new(forms).boxed()
}

fn comes_back(protocol: &Protocol, at: usize, typed: &[(String, String)]) {
    let form = &protocol.forms[at];
    let entry = read(form, typed);
    // A comma before three figures is refused; all else that is valid is read.
    let faults: Vec<_> = entry.faults.iter().filter(|fault| !fault.says.starts_with("it may be")).collect();
    assert!(faults.is_empty(), "{faults:?}");
    let again = read(form, &fields(form, &entry.values));
    assert!(again.faults.is_empty(), "{:?}", again.faults);
    // A row of which nothing could be read has no field to come back by.
    let mut values = entry.values;
    for rows in values.values_mut().filter_map(Value::as_array_mut) {
        rows.retain(|row| row.as_object().is_none_or(|row| !row.is_empty()));
    }
    values.retain(|_, value| value.as_array().is_none_or(|rows| !rows.is_empty()));
    assert_eq!(again.values, values);
    // What is written to the ledger and read again is the same.
    let stored: Value = serde_json::from_str(&Value::Object(values.clone()).to_string()).unwrap();
    assert_eq!(stored, Value::Object(values));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn valid_fields_of_avatar_come_back((at, typed) in valid(AVATAR)) {
        comes_back(avatar().current(), at, &typed);
    }

    #[test]
    fn valid_fields_of_stop_come_back((at, typed) in valid(STOP)) {
        comes_back(OTHER.current(), at, &typed);
    }

    // Whatever is sent: nothing panics, and every text is a value, a fault, or blank.
    #[test]
    fn nothing_is_lost(texts in proptest::collection::vec(("TRDAT|TRMETHOD|LESIONS\\.[0-9]{1,2}\\.(TULNKID|DIAMETER|OPD)|[A-Z.]{0,8}", "\\PC{0,12}|[0-9.,/ -]{0,12}"), 0..12)) {
        let history = avatar();
        let form = form(history.current(), "tumour");
        let entry = read(form, &texts);
        prop_assert_eq!(&entry.typed, &texts);
        let values = fields(form, &entry.values);
        for (name, text) in texts.iter().filter(|(_, text)| !text.trim().is_empty()) {
            let faulted = entry.faults.iter().any(|fault| fault.field == *name);
            let mut parts = name.split('.');
            let kept = match (parts.next(), parts.next().and_then(|row| row.parse::<usize>().ok()), parts.next()) {
                (Some("LESIONS"), Some(row), Some(item)) => entry.rows.get("LESIONS").and_then(|rows| {
                    let at = rows.iter().position(|typed| *typed == row)?;
                    values.iter().find(|(name, _)| *name == format!("LESIONS.{at}.{item}"))
                }),
                _ => values.iter().find(|(field, _)| field == name),
            };
            prop_assert!(faulted || kept.is_some(), "{} = {:?} is lost: {:?}", name, text, entry);
        }
    }

    #[test]
    fn a_date_never_panics(text in "\\PC{0,16}|[0-9./-]{0,12}|[0-9]{1,2}[-/ .][A-Za-z]{2,9}[-/ .][0-9]{2,4}") {
        if let Ok(read) = date(&text) {
            prop_assert_eq!(date(&read.to_string()).unwrap(), read);
        }
    }
}

//! Contacts and drafts: kept, limited, erased.

use people::{Contact, DraftPlace, Error, Fields};
use rstest::rstest;
use trial::event::Instance;
use trial::id::SubjectId;

use crate::stores::{DAY, On, at};

fn subject(number: &str) -> SubjectId {
    SubjectId::from(number)
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_contact_is_kept_by_trial_and_subject_and_erased_for_good(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let contact = Contact {
        phone: Some(" +39 06 5550 1234 ".to_owned()),
        email: Some(String::new()),
        notes: "evenings; daughter answers".to_owned(),
    };
    store.put_contact("avatar-ii", &subject("01-001"), &contact, "anna", at(0)).await.unwrap();
    let kept = store.contact("avatar-ii", &subject("01-001")).await.unwrap().unwrap();
    assert_eq!((kept.phone.as_deref(), kept.email.as_deref()), (Some("+39 06 5550 1234"), None));
    assert_eq!(store.contact("stop", &subject("01-001")).await.unwrap(), None);
    let second = Contact { email: Some("p@mail.example".to_owned()), ..Contact::default() };
    store.put_contact("avatar-ii", &subject("01-002"), &second, "anna", at(1)).await.unwrap();
    let all = store.contacts("avatar-ii").await.unwrap();
    assert_eq!(all.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["01-001", "01-002"]);
    let bad = Contact { email: Some("no address".to_owned()), ..Contact::default() };
    let refused = store.put_contact("avatar-ii", &subject("01-002"), &bad, "anna", at(2)).await;
    assert!(matches!(refused, Err(Error::BadInput { field: "e-mail", .. })));

    assert!(store.erase_contact("avatar-ii", &subject("01-001")).await.unwrap());
    assert!(!store.erase_contact("avatar-ii", &subject("01-001")).await.unwrap());
    assert_eq!(store.contact("avatar-ii", &subject("01-001")).await.unwrap(), None);
    for (name, content) in place.files() {
        for word in ["5550 1234", "daughter answers"] {
            let found = content.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "`{word}` is still in {name}");
        }
    }
}

fn place(form: &str, occurrence: u32) -> DraftPlace {
    DraftPlace {
        trial: "avatar-ii".to_owned(),
        subject: Some(subject("01-001")),
        instance: Instance { form: form.to_owned(), visit: Some("W12".to_owned()), occurrence },
    }
}

fn typed(text: &str) -> Fields {
    vec![("LESIONS.0.DIAMETER".to_owned(), text.to_owned()), ("NOTE".to_owned(), String::new())]
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_draft_is_its_users_and_goes_after_two_weeks(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let here = place("TUMOUR", 1);
    store.keep_draft("anna", &here, &typed("12"), 7, at(0)).await.unwrap();
    store.keep_draft("anna", &here, &typed("12,5 mm?"), 9, at(5)).await.unwrap();
    let none = DraftPlace {
        subject: None,
        instance: Instance { visit: None, ..here.instance.clone() },
        ..here.clone()
    };
    store.keep_draft("anna", &none, &typed("other"), 0, at(6)).await.unwrap();
    let draft = store.draft("anna", &here, at(6)).await.unwrap().unwrap();
    assert_eq!((draft.fields, draft.seen_seq, draft.kept), (typed("12,5 mm?"), 9, at(5)));
    assert_eq!(draft.place, here);
    assert_eq!(store.draft("bert", &here, at(6)).await.unwrap(), None);
    assert_eq!(store.draft("anna", &place("TUMOUR", 2), at(6)).await.unwrap(), None);
    let places: Vec<_> =
        store.drafts("anna", at(6)).await.unwrap().into_iter().map(|draft| draft.place).collect();
    assert_eq!(places, [none.clone(), here.clone()]);
    assert!(store.draft("anna", &here, at(14 * DAY + 4)).await.unwrap().is_some());
    assert_eq!(store.draft("anna", &here, at(14 * DAY + 5)).await.unwrap(), None);
    store.drop_draft("anna", &none).await.unwrap();
    assert_eq!(store.draft("anna", &none, at(6)).await.unwrap(), None);
    store.tidy(at(14 * DAY + 5)).await.unwrap();
    assert_eq!(store.draft("anna", &here, at(6)).await.unwrap(), None, "its row is gone");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn drafts_have_their_limits(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let long = store.keep_draft("anna", &place("TUMOUR", 1), &typed(&"x".repeat(300_000)), 0, at(0)).await;
    assert!(matches!(long, Err(Error::TooLarge { .. })), "{long:?}");
    for occurrence in 1..=205 {
        store
            .keep_draft("anna", &place("AE", occurrence), &typed("1"), 0, at(i64::from(occurrence)))
            .await
            .unwrap();
    }
    let drafts = store.drafts("anna", at(300)).await.unwrap();
    let occurrences: Vec<_> = drafts.iter().map(|draft| draft.place.instance.occurrence).collect();
    assert_eq!(occurrences, (6..=205).rev().collect::<Vec<_>>(), "the oldest go");
    let zero = store.keep_draft("anna", &place("A\0", 1), &typed("1"), 0, at(0)).await;
    assert!(matches!(zero, Err(Error::BadInput { .. })), "{zero:?}");
    // JSON writes a zero byte as an escape, so that text with one is kept on both databases.
    store.keep_draft("anna", &place("AE", 1), &typed("a\0b"), 0, at(400)).await.unwrap();
    assert_eq!(store.draft("anna", &place("AE", 1), at(401)).await.unwrap().unwrap().fields, typed("a\0b"));
}

//! The read path: whole, as of a moment, and the same whatever the block a subject falls into.

use crate::common::{act, at, correct, founded, instance, randomise, save, screened, screening};
use office::{Counts, Error, open_reading};
use serde_json::json;

#[tokio::test]
async fn a_reading_folds_what_the_office_folds_in_order_of_subject() {
    let (folder, office) = founded().await;
    for n in (0..150).rev() {
        office.submit(screened(10, &format!("01-{n:03}"), &[])).await.unwrap();
    }
    office.submit(vec![randomise(11, "01-007")]).await.unwrap();
    let path = folder.path().join("trial.ledger");
    let reading = open_reading(&path, None).unwrap();
    assert_eq!(reading.sites.len(), 2);
    assert_eq!(reading.until, Some(at(11)));
    let (records, counts) = reading.records(|record| record).unwrap();
    assert_eq!(counts, Counts { subjects: 150, events: 150 * 7 + 1 });
    assert!(records.iter().map(|record| &record.subject).is_sorted());
    for record in records {
        let subject = office.subject(&record.subject).await.unwrap().unwrap();
        assert_eq!(format!("{record:?}"), format!("{subject:?}"));
        assert_eq!(record.randomised.is_some(), record.subject.as_str() == "01-007");
        assert!(record.faults.is_empty());
    }
}

#[tokio::test]
async fn a_reading_as_of_a_moment_sees_what_was_known_then() {
    let (folder, office) = founded().await;
    office.submit(screened(10, "01-001", &[])).await.unwrap();
    let wrong = json!({ "QSDAT": "2026-02-12", "ECOG": 0 });
    office.submit(vec![act(20, "01-001", correct(screening("ecog"), wrong, "misread"))]).await.unwrap();
    office.submit(vec![randomise(30, "01-001")]).await.unwrap();
    office.submit(screened(40, "01-002", &[])).await.unwrap();
    let path = folder.path().join("trial.ledger");
    let seen = |minute| {
        let reading = open_reading(&path, Some(at(minute))).unwrap();
        let (records, _) = reading.records(|record| record).unwrap();
        (records.len(), records.first().map(|r| (r.ecog[0].value.1, r.randomised.is_some())))
    };
    assert_eq!(seen(5), (0, None));
    assert_eq!(seen(10), (1, Some((1, false))));
    assert_eq!(seen(20), (1, Some((0, false))));
    assert_eq!(seen(30), (1, Some((0, true))));
    assert_eq!(seen(40).0, 2);
    assert!(matches!(open_reading(&path, Some(at(-1))), Err(Error::NoProtocol { as_of: Some(_), .. })));
    let (record, events) =
        open_reading(&path, Some(at(20))).unwrap().record(&"01-001".into()).unwrap().unwrap();
    assert_eq!((record.ecog[0].value.1, events.len()), (0, 8));
    assert!(open_reading(&path, None).unwrap().record(&"09-009".into()).unwrap().is_none());
}

#[tokio::test]
async fn a_cut_by_clinical_date_is_another_thing() {
    let (folder, office) = founded().await;
    let mut actions = screened(10, "01-001", &[]);
    actions.push(randomise(11, "01-001"));
    let contact =
        |n, day: &str| save(instance("contact", None, n), json!({ "SSDAT": day, "SSMETH": "VISIT" }));
    actions.push(act(60 * 24 * 200, "01-001", contact(1, "2026-04-01")));
    actions.push(act(60 * 24 * 200, "01-001", contact(2, "2026-08-01")));
    office.submit(actions).await.unwrap();
    let reading = open_reading(folder.path().join("trial.ledger"), None).unwrap();
    let cut = jiff::civil::date(2026, 5, 1);
    let (records, _) = reading.records(|record| record.cut_at(cut)).unwrap();
    assert_eq!(records[0].contacts.last().unwrap().value, jiff::civil::date(2026, 4, 1));
}

#[test]
fn no_ledger_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = open_reading(folder.path().join("nothing.ledger"), None).map(|_| ()).unwrap_err();
    assert!(wrong.to_string().contains("there is no such file"), "{wrong}");
}

//! Events of a trial captured elsewhere enter an empty ledger as they are, or not at all.

use ledger::Ledger;
use office::{Error, open_reading, transcribe};
use trial::event::{Entered, Event, Role, What};

use crate::common::{AVATAR, at, screening, values};

fn entered(seq: u64, minutes: i64, subject: Option<&str>, what: What) -> Entered {
    let (site, subject) = (subject.map(|_| "01".into()), subject.map(Into::into));
    let event =
        Event { who: "import".into(), role: Role::System, recorded: at(minutes), site, subject, what };
    Entered { seq, event }
}

fn adopted(source: &str) -> Entered {
    let what = What::ProtocolAdopted {
        version: "1.0".into(),
        source: source.to_owned(),
        seed_commitment: None,
        simulated: false,
    };
    entered(1, 0, None, what)
}

fn sound() -> Vec<Entered> {
    let consent = values(serde_json::json!({ "RFICDAT": "2026-02-10", "RFICYN": "Y" }));
    let what = What::FormSaved { instance: screening("consent"), values: consent };
    vec![
        adopted(AVATAR),
        entered(2, 5, Some("01-001"), What::SubjectScreened),
        entered(3, 5, Some("01-001"), what),
    ]
}

async fn tried(events: &[Entered]) -> (Result<ledger::Head, Error>, u64) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::create(dir.path().join("t.sqlite")).await.unwrap();
    let done = transcribe(&ledger, &events.iter().collect::<Vec<_>>(), |_| {}).await;
    let count = ledger.head().await.unwrap().count;
    (done, count)
}

#[tokio::test]
async fn events_stand_as_they_were_given() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.sqlite");
    let ledger = Ledger::create(&path).await.unwrap();
    let events = sound();
    let events: Vec<&Entered> = events.iter().collect();
    assert_eq!(transcribe(&ledger, &events, |_| {}).await.unwrap().count, 3);
    let again = transcribe(&ledger, &events, |_| {}).await;
    assert!(matches!(again, Err(Error::AlreadyFounded { events: 3, .. })), "{again:?}");
    let reading = tokio::task::spawn_blocking(move || {
        let reading = open_reading(&path, None).unwrap();
        reading.record(&"01-001".into()).unwrap()
    });
    let (record, read) = reading.await.unwrap().unwrap();
    assert!(record.consent.is_some() && record.faults.is_empty());
    assert_eq!(read, events[1..].iter().map(|it| (*it).clone()).collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_is_written_of_what_cannot_be_relied_on() {
    let mut back = sound();
    back[2].event.recorded = at(4);
    let mut unnumbered = sound();
    unnumbered[2].seq = 7;
    let mut unread = sound();
    let wrong = values(serde_json::json!({ "RFICDAT": "no date" }));
    unread[2].event.what = What::FormSaved { instance: screening("consent"), values: wrong };
    let mut no_protocol = sound();
    no_protocol[0] = adopted("not a protocol");
    for events in [back, unnumbered, unread, no_protocol, sound()[1..].to_vec(), Vec::new()] {
        let (done, count) = tried(&events).await;
        assert!(done.is_err(), "{events:?}");
        assert_eq!(count, 0);
    }
}

//! Reading: by subject, by kind, as of a moment, and in streams.

use std::collections::BTreeMap;

use ledger::{Draft, Ledger, Stored};
use rstest::rstest;
use serde_json::json;

use crate::{Home, Store, Store::Postgres, Store::Sqlite, draft, event, fresh};

async fn all(ledger: &Ledger, from: u64) -> Vec<Stored> {
    let (mut stream, mut events) = (ledger.all(from), Vec::new());
    while let Some(event) = stream.next().await {
        events.push(event.unwrap());
    }
    assert!(stream.next().await.is_none(), "a stream that ended stays so");
    events
}

async fn blocks(ledger: &Ledger, up_to: Option<&str>, block: usize) -> Vec<Vec<(String, Vec<Stored>)>> {
    let mut stream = ledger.subjects(up_to.map(|text| text.parse().unwrap()), block);
    let mut blocks = Vec::new();
    while let Some(block) = stream.next().await {
        blocks.push(block.unwrap());
    }
    blocks
}

/// 1,300 events of 130 subjects, in turn, and some without a subject.
async fn filled(store: Store) -> Option<(Home, Ledger)> {
    let (home, ledger) = fresh(store).await?;
    let mut writer = ledger.begin().await.unwrap();
    for n in 0..1300_u32 {
        writer.append(draft(&format!("é{:03}", (n * 7) % 130), n % 60)).await.unwrap();
        if n % 100 == 0 {
            writer
                .append(Draft::new(json!({ "kind": "site_opened", "recorded": "2026-03-04T10:30:00Z" })))
                .await
                .unwrap();
        }
    }
    writer.commit().await.unwrap();
    Some((home, ledger))
}

#[rstest]
#[case(1)]
#[case(7)]
#[case(130)]
#[case(1000)]
#[tokio::test]
async fn blocks_hold_whole_subjects_in_order(#[case] block: usize, #[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let mut expected: BTreeMap<String, Vec<Stored>> = BTreeMap::new();
    for event in all(&ledger, 1).await {
        if let Some(subject) = event.event().unwrap()["subject"].as_str() {
            expected.entry(subject.to_owned()).or_default().push(event);
        }
    }
    let blocks = blocks(&ledger, None, block).await;
    assert_eq!(blocks.len(), 130_usize.div_ceil(block));
    assert!(blocks.iter().rev().skip(1).all(|read| read.len() == block));
    assert_eq!(blocks.into_iter().flatten().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn as_of_a_moment_later_events_are_not_there(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let moment = "2026-03-04T10:30:00Z";
    let minute = |event: &Stored| event.event().unwrap()["n"].as_u64();
    let read: Vec<_> = blocks(&ledger, Some(moment), 50)
        .await
        .into_iter()
        .flatten()
        .flat_map(|(_, events)| events)
        .collect();
    let expected =
        all(&ledger, 1).await.iter().filter(|event| minute(event).is_some_and(|n| n <= 30)).count();
    assert_eq!(read.len(), expected);
    assert!(read.iter().all(|event| minute(event).unwrap() <= 30));

    let as_of = |text: &str| Some(text.parse().unwrap());
    assert_eq!(ledger.without_subject(as_of(moment)).await.unwrap().len(), 13, "the moment itself is in");
    assert_eq!(ledger.without_subject(as_of("2026-03-04T10:29:59.999999999Z")).await.unwrap().len(), 0);
    assert_eq!(
        ledger.without_subject(None).await.unwrap(),
        ledger.of_kind("site_opened", None).await.unwrap()
    );
    assert_eq!(ledger.of_kind("form_saved", as_of("2026-03-04T09:00:00Z")).await.unwrap().len(), 0);
    let subject = ledger.of_subject("é007", None).await.unwrap();
    let earlier = ledger.of_subject("é007", as_of(moment)).await.unwrap();
    assert_eq!(earlier, subject.into_iter().filter(|event| minute(event).unwrap() <= 30).collect::<Vec<_>>());
    // Beyond what nanoseconds reach there is nothing more, and nothing less.
    assert_eq!(ledger.of_kind("form_saved", as_of("9999-01-01T00:00:00Z")).await.unwrap().len(), 1300);
    assert_eq!(ledger.of_kind("form_saved", as_of("-005000-01-01T00:00:00Z")).await.unwrap().len(), 0);
}

#[rstest]
#[case(0)]
#[case(1)]
#[case(512)]
#[case(513)]
#[case(1313)]
#[case(1314)]
#[tokio::test]
async fn all_begins_where_it_is_told_to(#[case] from: u64, #[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let places: Vec<_> = all(&ledger, from).await.iter().map(|event| event.seq).collect();
    assert_eq!(places, (from.max(1)..=1313).collect::<Vec<_>>());
}

#[rstest]
#[tokio::test]
async fn a_stream_is_of_one_moment_and_may_be_left_early(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = filled(store).await else { return };
    let mut stream = ledger.all(1);
    stream.next().await.unwrap().unwrap();
    ledger.append(vec![draft("later", 1)]).await.unwrap();
    let mut count = 1;
    while let Some(event) = stream.next().await {
        assert!(event.unwrap().seq <= 1313);
        count += 1;
    }
    assert_eq!(count, 1313);
    for _ in 0..50 {
        // More than there are connections: each must be given back.
        let mut left = ledger.subjects(None, 1);
        left.next().await.unwrap().unwrap();
    }
    assert_eq!(ledger.head().await.unwrap().count, 1314);
}

#[rstest]
#[tokio::test]
async fn an_empty_ledger_reads_as_nothing(#[values(Sqlite, Postgres)] store: Store) {
    let Some((_home, ledger)) = fresh(store).await else { return };
    assert!(all(&ledger, 1).await.is_empty());
    assert!(blocks(&ledger, None, 10).await.is_empty());
    assert!(ledger.event(1).await.unwrap().is_none());
    assert!(ledger.event(u64::MAX).await.unwrap().is_none());
    assert!(ledger.of_subject("A", None).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn an_event_can_be_read_as_a_type(#[values(Sqlite, Postgres)] store: Store) {
    #[derive(serde::Deserialize)]
    struct Form {
        n: u32,
    }
    let Some((_home, ledger)) = fresh(store).await else { return };
    let stored = ledger.append(vec![draft("A", 5)]).await.unwrap();
    assert_eq!(stored[0].parse::<Form>().unwrap().n, 5);
    assert_eq!(stored[0].event().unwrap(), event("A", "form_saved", 5));
    let error = stored[0].parse::<Vec<u8>>().unwrap_err().to_string();
    assert!(error.contains("event 1 cannot be read"), "{error}");
}

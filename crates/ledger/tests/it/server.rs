//! What only a server can do: refuse, be somewhere else, go away and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ledger::{Address, Draft, Error, Ledger, PostgresAddress, SigningKey};
use rstest::rstest;
use serde_json::json;
use sqlx::ConnectOptions;
use temporary_postgres::{Cluster, PASSWORD, Settings};

use crate::{draft, on_schema, schema};

fn of(text: &str) -> PostgresAddress {
    text.parse().unwrap()
}

async fn refused(text: &str) -> (Error, String) {
    let error = Ledger::open(&Address::Postgres(of(text))).await.err().unwrap();
    let words = format!("{error} {error:?}");
    assert!(!words.contains(PASSWORD) && !words.contains("wrong-one"), "{words}");
    (error, words)
}

#[tokio::test]
async fn who_cannot_be_let_in_is_told_why() {
    let Some(cluster) = temporary_postgres::cluster() else { return };
    let (host, database) = (format!("127.0.0.1:{}", cluster.port()), cluster.database());
    let name = database.name();

    let (error, words) = refused(&format!("postgres://trialwright:wrong-one@{host}/{name}")).await;
    assert!(matches!(error, Error::Denied { .. }) && words.contains("~/.pgpass"), "{words}");
    let (error, words) = refused(&format!("postgres://nobody_known:wrong-one@{host}/{name}")).await;
    assert!(matches!(error, Error::Denied { .. }) && words.contains("nobody_known"), "{words}");
    let (error, words) = refused(&cluster.url("no_such_database")).await;
    assert!(matches!(error, Error::NoDatabase { .. }) && words.contains("no_such_database"), "{words}");
    let (error, words) = refused(&format!("{}?sslmode=require", database.url())).await;
    assert!(matches!(error, Error::Denied { .. }) && words.contains("sslmode=disable"), "{words}");
    let (error, words) = refused(database.url()).await;
    assert!(matches!(error, Error::NotFound { .. }) && words.contains("no ledger in this schema"), "{words}");
    let (error, words) = refused(&format!("postgres://u:{PASSWORD}@127.0.0.1:1/{name}")).await;
    assert!(matches!(error, Error::Unreachable { .. }) && words.contains("nothing listens"), "{words}");
    let (error, words) = refused(&format!("postgres:///{name}?host=/no/such/directory&user=u")).await;
    assert!(matches!(error, Error::Unreachable { .. }) && words.contains("no such socket"), "{words}");
    assert_eq!(database.run("SELECT count(*) FROM pg_namespace WHERE nspname = 'trialwright'"), "0");
}

#[tokio::test]
async fn what_is_no_ledger_is_refused_and_left_as_it_is() {
    let Some(cluster) = temporary_postgres::cluster() else { return };
    let database = cluster.database();
    database.run("CREATE SCHEMA other; CREATE TABLE other.patients (name text); CREATE SCHEMA empty");
    let in_schema = |name: &str| of(&format!("{}?schema={name}", database.url()));

    for opened in [Ledger::open(in_schema("other")).await, Ledger::create(in_schema("other")).await] {
        let error = opened.err().unwrap();
        assert!(error.to_string().contains("a schema with the table `patients`"), "{error}");
    }
    assert_eq!(database.run("SELECT count(*) FROM pg_tables WHERE schemaname = 'other'"), "1");
    assert!(matches!(Ledger::open(in_schema("empty")).await.err(), Some(Error::NotFound { .. })));
    Ledger::create(in_schema("empty")).await.unwrap();
    // Names that SQL would read in another way, and two ledgers beside each other.
    let upper = Ledger::create(in_schema("Select")).await.unwrap();
    upper.append(vec![draft("A", 1)]).await.unwrap();
    assert_eq!(database.run("SELECT count(*) FROM \"Select\".events"), "1");
    assert_eq!(database.run("SELECT count(*) FROM \"empty\".events"), "0");
    assert!(upper.verify(&[], None, |_, _| {}).await.unwrap().is_sound());

    cluster.run(
        "postgres",
        "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0",
    );
    let error = Ledger::create(of(&cluster.url("latin"))).await.err().unwrap();
    assert!(error.to_string().contains("UTF8"), "{error}");
}

#[rstest]
#[case(
    "INSERT INTO ledger_formats (format) VALUES (7)",
    "a ledger of format 7, while this program knows formats up to 1"
)]
#[case("DELETE FROM ledger_formats", "which never was one")]
#[tokio::test]
async fn another_format_is_refused(#[case] statement: &str, #[case] words: &str) {
    let Some(address) = schema() else { return };
    Ledger::create(address.clone()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut on_schema(&address).connect().await.unwrap())
        .await
        .unwrap();
    for opened in [Ledger::open(address.clone()).await, Ledger::open_read_only(address).await] {
        let error = opened.err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// The rights that README advises: the program's user owns nothing and can take no guard away.
#[tokio::test]
async fn a_user_who_may_only_insert_and_read_writes_a_ledger() {
    let Some(cluster) = temporary_postgres::cluster() else { return };
    let database = cluster.database();
    let owned = of(&format!("{}?schema=avatar_ii", database.url()));
    Ledger::create(owned.clone()).await.unwrap();
    database.run("CREATE ROLE office LOGIN PASSWORD 'office'; CREATE ROLE reader LOGIN PASSWORD 'reader'");
    let as_user = |name: &str| {
        of(&owned.url().replace(&format!("trialwright:{PASSWORD}@"), &format!("{name}:{name}@")))
    };

    let refused = Ledger::open(as_user("office")).await.err().unwrap();
    assert!(matches!(refused, Error::Denied { .. }) && refused.to_string().contains("USAGE"), "{refused}");
    database.run(
        "GRANT USAGE ON SCHEMA avatar_ii TO office, reader; GRANT SELECT ON ALL TABLES IN SCHEMA avatar_ii TO office, reader;
         GRANT INSERT ON avatar_ii.events, avatar_ii.checkpoints TO office",
    );
    let ledger = Ledger::open(as_user("office")).await.unwrap();
    ledger.append(vec![draft("A", 1), draft("A", 2)]).await.unwrap();
    ledger
        .checkpoint(&SigningKey::from_bytes(&[1; 32]), "2026-03-04T11:00:00Z".parse().unwrap())
        .await
        .unwrap();
    let verified = ledger.verify(&[], None, |_, _| {}).await.unwrap();
    assert!(verified.is_sound(), "{:?}", verified.first_fault());
    let mut connection = on_schema(&as_user("office")).connect().await.unwrap();
    for statement in [
        "DELETE FROM events",
        "TRUNCATE events",
        "ALTER TABLE events DISABLE TRIGGER USER",
        "DROP TABLE events",
    ] {
        assert!(sqlx::raw_sql(statement).execute(&mut connection).await.is_err(), "{statement}");
    }
    let reader = Ledger::open_read_only(as_user("reader")).await.unwrap();
    assert_eq!(reader.head().await.unwrap().count, 2);
    let denied =
        Ledger::open(as_user("reader")).await.unwrap().append(vec![draft("A", 3)]).await.unwrap_err();
    assert!(matches!(denied, Error::Denied { .. }), "{denied}");
    assert_eq!(
        ledger.append(vec![draft("A", 3)]).await.unwrap()[0].seq,
        3,
        "a refusal leaves nothing locked"
    );
}

/// Each connection of the ledger is ended by the server, between two transactions and in the middle of one.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_an_error_and_then_another_is_made() {
    let Some(address) = schema() else { return };
    // By its name the ledger's connections are told from those of other tests.
    let address = of(&format!("{}&application_name={}", address.url(), address.schema()));
    let mut other = address.options().clone().application_name("other").connect().await.unwrap();
    let mut end_all = async || {
        let statement =
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
        let count: i64 =
            sqlx::query_scalar(statement).bind(address.schema()).fetch_one(&mut other).await.unwrap();
        count
    };
    let ledger = Ledger::create(&Address::from(address.clone())).await.unwrap();
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    assert_eq!(ledger.head().await.unwrap().count, 1);
    assert!(end_all().await >= 2);
    // Between two transactions nothing was asked of the lost connection, so that nobody has to hear of it.
    assert_eq!(ledger.append(vec![draft("A", 2)]).await.unwrap()[0].seq, 2);
    assert_eq!(ledger.head().await.unwrap().count, 2);

    let mut writer = ledger.begin().await.unwrap();
    for n in 0..300 {
        writer.append(draft("B", n % 60)).await.unwrap();
    }
    assert!(end_all().await >= 1);
    let lost = writer.commit().await.unwrap_err();
    assert!(matches!(lost, Error::Unreachable { .. }), "{lost}");
    assert_eq!(ledger.head().await.unwrap().count, 2, "nothing half-written");
    assert_eq!(ledger.append(vec![draft("A", 3).expecting(2)]).await.unwrap()[0].seq, 3);
    assert!(ledger.verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

/// What became of one task's appends, by their number.
#[derive(Default)]
struct Outcomes {
    acknowledged: Vec<u32>,
    uncertain: Vec<u32>,
    refused: usize,
}

/// Appends two events at once, again and again, until it is over.
async fn append_until(over: &AtomicBool, ledger: &Ledger, subject: &str) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for n in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let of_subject =
            json!({ "kind": "k", "subject": subject, "recorded": "2026-03-04T10:00:00Z", "n": n });
        match ledger.append(vec![Draft::new(of_subject), draft("all", 2)]).await {
            Ok(_) => outcomes.acknowledged.push(n),
            Err(error) => {
                match error {
                    Error::Unreachable { .. } => outcomes.refused += 1,
                    Error::Uncertain { .. } => outcomes.uncertain.push(n),
                    other => panic!("{other:?}"),
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
    outcomes
}

/// The server is stopped as by a power cut under load, several times, while the same ledgers stay open in this process. What was
/// acknowledged is there, what was said not to be written is not, and that may be unknown of what was being committed only.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_under_load_loses_nothing_it_acknowledged() {
    const TASKS: usize = 8;
    let Some(cluster) = Cluster::start(&Settings { fsync: true, ..Settings::default() }) else { return };
    let address = of(&cluster.socket_url("postgres"));
    let ledgers = [Ledger::create(address.clone()).await.unwrap(), Ledger::open(address).await.unwrap()];
    let over = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (ledger, over) = (ledgers[task % 2].clone(), Arc::clone(&over));
            tokio::spawn(async move { append_until(&over, &ledger, &format!("S{task}")).await })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        cluster.stop_at_once();
        tokio::time::sleep(Duration::from_millis(200)).await;
        cluster.start_again();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    over.store(true, Ordering::Relaxed);

    let (mut acknowledged, mut refused) = (0, 0);
    for (task, outcomes) in tasks.into_iter().enumerate() {
        let outcomes = outcomes.await.unwrap();
        let stored = ledgers[task % 2].of_subject(&format!("S{task}"), None).await.unwrap();
        let found: Vec<_> =
            stored.iter().map(|event| event.event().unwrap()["n"].as_u64().unwrap()).collect();
        for n in &outcomes.acknowledged {
            assert!(found.contains(&u64::from(*n)), "S{task}: {n} was acknowledged and is lost");
        }
        for n in &found {
            let n = u32::try_from(*n).unwrap();
            let known = outcomes.acknowledged.contains(&n) || outcomes.uncertain.contains(&n);
            assert!(known, "S{task}: {n} was said not to be written, and is there");
        }
        acknowledged += outcomes.acknowledged.len();
        refused += outcomes.refused;
    }
    let verified = ledgers[1].verify(&[], None, |_, _| {}).await.unwrap();
    assert!(verified.is_sound(), "{:?}", verified.first_fault());
    assert!(verified.head.count % 2 == 0, "two events were appended at once, always");
    assert!(acknowledged > 100 && refused > 0, "{acknowledged} acknowledged, {refused} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_said_to_be_and_is_found_again() {
    let Some(cluster) = Cluster::start(&Settings::default()) else { return };
    let ledger = Ledger::create(of(&cluster.url("postgres"))).await.unwrap();
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    ledger.head().await.unwrap();
    cluster.stop_at_once();
    let began = Instant::now();
    for error in [
        ledger.append(vec![draft("A", 2)]).await.unwrap_err(),
        ledger.head().await.unwrap_err(),
        ledger.begin().await.err().unwrap(),
        ledger.verify(&[], None, |_, _| {}).await.unwrap_err(),
        ledger.all(1).next().await.unwrap().unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    cluster.start_again();
    assert_eq!(ledger.append(vec![draft("A", 2).expecting(1)]).await.unwrap()[0].seq, 2);
    assert_eq!(ledger.head().await.unwrap().count, 2);
}

/// A server that encrypts, with a certificate for 127.0.0.1 that `ca.pem` signed.
fn encrypting() -> Option<Cluster> {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls/");
    let file = |name: &'static str| (name, std::fs::read_to_string(format!("{data}{name}")).unwrap());
    let configuration = [("ssl", "on"), ("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.key")];
    Cluster::start(&Settings {
        configuration: configuration.map(|(name, value)| (name, value.to_owned())).into(),
        files: vec![file("server.pem"), file("server.key")],
        ..Settings::default()
    })
}

#[tokio::test]
async fn a_connection_is_encrypted_and_the_server_is_proved_to_be_the_one() {
    let Some(cluster) = encrypting() else { return };
    let root = |name: &str| format!("sslrootcert={}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"));
    let with = |parameters: &str| of(&format!("{}?{parameters}", cluster.url("postgres")));
    let proved = with(&format!("sslmode=verify-full&{}", root("ca.pem")));
    let ledger = Ledger::create(proved.clone()).await.unwrap();
    ledger.append(vec![draft("A", 1)]).await.unwrap();
    let mut connection = proved.options().connect().await.unwrap();
    let encrypted: bool = sqlx::query_scalar("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(encrypted);
    assert_eq!(Ledger::open(with("sslmode=require")).await.unwrap().head().await.unwrap().count, 1);
    let other = with(&format!("sslmode=verify-full&{}", root("other.pem")));
    for refused in [other, with("sslmode=verify-full")] {
        let error = Ledger::open(refused).await.err().unwrap();
        assert!(
            error.to_string().contains("certificate") && error.to_string().contains("sslrootcert"),
            "{error}"
        );
    }
}

//! The cluster serves, and leaves nothing behind.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use temporary_postgres::{Cluster, Settings, cluster};

const CHILD: &str = "TRIALWRIGHT_TEST_CLUSTER_CHILD";

#[test]
fn databases_are_apart_and_go() {
    let Some(cluster) = cluster() else { return };
    let (one, other) = (cluster.database(), cluster.database());
    one.run("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)");
    assert_eq!(one.run("SELECT n, n * 2 FROM t ORDER BY n"), "1|2\n2|4");
    assert_eq!(other.run("SELECT count(*) FROM pg_tables WHERE tablename = 't'"), "0");
    let name = one.name().to_owned();
    assert!(one.url().ends_with(&format!("@127.0.0.1:{}/{name}", cluster.port())));
    drop(one);
    assert_eq!(
        cluster.run("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")),
        "0"
    );
}

#[test]
fn it_stops_and_starts_with_its_data_and_leaves_nothing() {
    let Some(cluster) = Cluster::start(&Settings { fsync: true, ..Settings::default() }) else { return };
    let directory = cluster.socket().to_owned();
    assert_eq!(cluster.run("postgres", "SHOW fsync"), "on");
    cluster.run("postgres", "CREATE TABLE kept (n int)");
    cluster.stop_at_once();
    assert!(std::net::TcpStream::connect(("127.0.0.1", cluster.port())).is_err());
    cluster.start_again();
    assert_eq!(cluster.run("postgres", "SELECT count(*) FROM kept"), "0");
    drop(cluster);
    assert!(!directory.exists());
}

/// Not a test by itself: the process that is killed.
#[test]
fn a_process_with_a_cluster() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let Some(cluster) = cluster() else { return };
    println!("\ncluster {} {}", cluster.port(), cluster.socket().display());
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn a_killed_process_leaves_nothing() {
    if cluster().is_none() {
        return;
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_process_with_a_cluster", "--nocapture"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.starts_with("cluster ")).unwrap();
    let [_, port, directory] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    assert!(Path::new(directory).join("data/postmaster.pid").exists());
    child.kill().unwrap();
    child.wait().unwrap();

    let port: u16 = port.parse().unwrap();
    let began = Instant::now();
    while Path::new(directory).exists() || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(30), "{line} is still there");
        std::thread::sleep(Duration::from_millis(50));
    }
}

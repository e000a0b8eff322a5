//! How many single forms a second the office records, durably, for many who save at once; and what a page costs meanwhile.
//!
//!     cargo run --release -p office --example saves -- COPY_OF_A_LEDGER [SECONDS] [TASKS]
//!
//! The ledger (of `trialwright demo`, under AVATAR II's protocol) is written to: give a copy. Without one, a small trial is made.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ledger::Ledger;
use office::{Action, Actor, Board, Deed, Office};
use serde_json::json;
use trial::event::{Instance, Role};
use trial::id::{SiteId, SubjectId};
use trial::randomise::Seed;

const AVATAR: &str = include_str!("../../../protocols/avatar-ii.toml");
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().map(PathBuf::from);
    let seconds = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let tasks = arguments.next().map_or(Ok(50), |text| text.parse())?;
    office::block_on(measure(path, seconds, tasks))?
}

async fn measure(path: Option<PathBuf>, seconds: u64, tasks: usize) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let office = Arc::new(match path {
        Some(path) => Office::open(Ledger::open(path).await?).await?,
        None => small(&folder.path().join("trial.ledger")).await?,
    });
    let start = Instant::now();
    let board = Arc::new(Board::start(&office, |_, record, events| {
        (
            record.site.clone(),
            record.death.is_some() || record.withdrawal.is_some(),
            events.len(),
            record.forms.len(),
        )
    }));
    let all = board.current().await?;
    let events: usize = all.iter().map(|(_, value)| value.2).sum();
    println!("{} subjects, {events} events; the board was made in {:.0?}", all.len(), start.elapsed());
    let subjects: Arc<Vec<(SubjectId, SiteId)>> = Arc::new(
        all.iter().filter(|(_, value)| !value.1).map(|(id, value)| (id.clone(), value.0.clone())).collect(),
    );
    let over = Arc::new(AtomicBool::new(false));
    let numbers = Arc::new(AtomicU64::new(1_000));
    let began = (Instant::now(), office.transactions());
    let savers: Vec<_> = (0..tasks)
        .map(|task| {
            tokio::spawn(save(
                Arc::clone(&office),
                Arc::clone(&subjects),
                Arc::clone(&numbers),
                Arc::clone(&over),
                task,
            ))
        })
        .collect();
    let reader =
        tokio::spawn(read(Arc::clone(&office), Arc::clone(&board), Arc::clone(&subjects), Arc::clone(&over)));
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    over.store(true, Ordering::Relaxed);
    let mut saves = Vec::new();
    for saver in savers {
        saves.extend(saver.await??);
    }
    let took = began.0.elapsed().as_secs_f64();
    let commits = office.transactions() - began.1;
    println!(
        "{tasks} tasks: {:.0} saves a second, {commits} commits; {}",
        saves.len() as f64 / took,
        spread(saves)
    );
    let (folders, boards) = reader.await??;
    println!(
        "meanwhile, 200 pages a second: a subject's folder {}; the board {}",
        spread(folders),
        spread(boards)
    );
    println!("peak of memory: {} MiB", peak() >> 20);
    Ok(())
}

async fn save(
    office: Arc<Office>,
    subjects: Arc<Vec<(SubjectId, SiteId)>>,
    numbers: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    task: usize,
) -> Result<Vec<Duration>, Failure> {
    let actor = Actor::new(format!("coordinator.{task}"), Role::SiteCoordinator);
    let mut took = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        // Steps of a prime: the subjects come up in no order a cache would like.
        let (subject, site) = &subjects[usize::try_from(number * 7_919)? % subjects.len()];
        let instance = Instance { form: "contact".into(), visit: None, occurrence: u32::try_from(number)? };
        let values =
            json!({ "SSDAT": "2026-03-01", "SSMETH": "TELEPHONE" }).as_object().cloned().unwrap_or_default();
        let action =
            Action::now(&actor, Deed::Save { instance, values }).at(site.clone()).of(subject.clone());
        let start = Instant::now();
        office.submit(vec![action]).await?;
        took.push(start.elapsed());
    }
    Ok(took)
}

type Times = (Vec<Duration>, Vec<Duration>);

async fn read<T: Send + Sync + 'static>(
    office: Arc<Office>,
    board: Arc<Board<T>>,
    subjects: Arc<Vec<(SubjectId, SiteId)>>,
    over: Arc<AtomicBool>,
) -> Result<Times, Failure> {
    let mut every = tokio::time::interval(Duration::from_millis(10));
    let (mut folders, mut boards) = (Vec::new(), Vec::new());
    let mut number = 0;
    while !over.load(Ordering::Relaxed) {
        every.tick().await;
        number += 104_729;
        let start = Instant::now();
        office.folder(&subjects[number % subjects.len()].0).await?;
        folders.push(start.elapsed());
        let start = Instant::now();
        board.current().await?;
        boards.push(start.elapsed());
    }
    Ok((folders, boards))
}

fn spread(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |thousandths: usize| took.get((took.len() * thousandths / 1000).min(took.len().max(1) - 1));
    let [half, most_of, all] = [500, 990, 1000].map(|share| at(share).copied().unwrap_or_default());
    format!("p50 {half:.2?}, p99 {most_of:.2?}, most {all:.2?}")
}

/// The peak of this process in bytes, where the system tells it in /proc.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<usize>().ok()).unwrap_or(0) * 1024
}

async fn small(path: &std::path::Path) -> Result<Office, Failure> {
    let protocol = trial::protocol::check(AVATAR).map_err(|faults| format!("{faults:?}"))?;
    let actor = Actor::new("office", Role::TrialOffice);
    let began = "2026-03-01T08:00:00Z".parse()?;
    let office = Office::found(Ledger::create(path).await?, protocol, Seed([7; 32]), &actor, began).await?;
    let open = Deed::OpenSite { name: "One".into(), country: None };
    office.submit(vec![Action::now(&actor, open).at("01")]).await?;
    let screen = |n| Action::now(&actor, Deed::Screen).at("01").of(format!("01-{n:04}"));
    office.submit((0..200).map(screen).collect()).await?;
    Ok(office)
}

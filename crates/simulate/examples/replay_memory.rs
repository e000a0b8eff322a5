//! Replays and derives a ledger of many subjects in a process of its own and prints the time and the peak memory (`VmHWM`).
//!
//!     cargo run --release -p simulate --example replay_memory -- 10000

#[path = "../benches/clones.rs"]
mod clones;

use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [read, path] = arguments.as_slice()
        && read == "--read"
    {
        return read_and_tell(Path::new(path));
    }
    let subjects: usize = arguments.first().map_or(Ok(10_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("big.ledger");
    let started = Instant::now();
    let events = clones::write(&path, subjects);
    let bytes = std::fs::metadata(&path)?.len();
    println!(
        "wrote {subjects} subjects, {events} events, {} MB in {:.1?}",
        bytes / 1_000_000,
        started.elapsed()
    );
    // Another process, so that the peak is that of reading alone.
    let status = std::process::Command::new(std::env::current_exe()?).arg("--read").arg(&path).status()?;
    if status.success() { Ok(()) } else { Err("reading failed".into()) }
}

fn read_and_tell(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let (subjects, events, seen) = clones::replay(path);
    println!(
        "read {subjects} subjects, {events} events, {seen} endpoint events in {:.2?}",
        started.elapsed()
    );
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM is not known");
    println!("{peak}");
    Ok(())
}

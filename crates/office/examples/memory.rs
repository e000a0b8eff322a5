//! What subjects take in memory, read and folded, for each byte that the ledger holds of them.
//!
//!     cargo run --release -p office --example memory -- LEDGER
//!
//! Reads the peak of this process from Linux's /proc; elsewhere it prints zeros.

use ledger::Ledger;
use office::Office;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let path = std::env::args().nth(1).ok_or("give the path of a ledger")?;
    office::block_on(async {
        let ledger = Ledger::open(std::path::PathBuf::from(path)).await?;
        let mut blocks = ledger.subjects(None, 32);
        let (mut ids, mut bytes) = (Vec::new(), 0);
        while let Some(block) = blocks.next().await {
            for (id, stored) in block? {
                bytes += stored.iter().map(|stored| stored.bytes.len()).sum::<usize>();
                ids.push(trial::id::SubjectId(id));
            }
        }
        let office = Office::open(ledger).await?;
        office.keep_in_memory(usize::MAX);
        let before = resident();
        for id in &ids {
            office.folder(id).await?;
        }
        let grown = resident().saturating_sub(before);
        println!(
            "{} subjects, {bytes} bytes stored, {grown} bytes in memory: {:.1} for one",
            ids.len(),
            grown as f64 / bytes as f64
        );
        office.keep_in_memory(32 << 20);
        println!("resident with 32 MiB for folders: {} MiB, peak {} MiB", resident() >> 20, peak() >> 20);
        Ok(())
    })?
}

fn of_status(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().ok()).unwrap_or(0)
        * 1024
}

fn resident() -> usize {
    of_status("VmRSS")
}

fn peak() -> usize {
    of_status("VmHWM")
}

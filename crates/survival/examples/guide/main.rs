//! Prints `docs/survival-guide.md`: each function beside its R call, with the value both give.
//!
//! `cargo run -p survival --example guide > docs/survival-guide.md`; with `calls` it prints the R calls, for
//! `tests/data/guide/make.R`. `tests/guide.rs` holds the guide true.

mod entries;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("calls") {
        for entry in entries::all().iter().flat_map(|section| &section.entries) {
            println!("{}", entry.r);
        }
        return Ok(());
    }
    print!("{}", entries::guide()?);
    Ok(())
}

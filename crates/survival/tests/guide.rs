//! The guide in the docs says what the crate and R give.
#![allow(clippy::unwrap_used, reason = "a test should stop where the guide cannot be made")]

#[path = "../examples/guide/entries.rs"]
mod entries;

#[test]
fn the_guide_is_true() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/survival-guide.md");
    let written = std::fs::read_to_string(path).unwrap();
    let made = entries::guide().unwrap();
    let differs = made.lines().zip(written.lines()).find(|(made, written)| made != written);
    assert_eq!(differs, None, "run: cargo run -p survival --example guide > docs/survival-guide.md");
    assert_eq!(made.len(), written.len());
    assert!(entries::all().iter().map(|section| section.entries.len()).sum::<usize>() > 40);
}

//! The protocol files that come with the binary, so that it works alone.
//!
//! Never knows what one of them says: which are shipped is what lies in `protocols/`.

use std::io::ErrorKind;
use std::path::Path;

use include_dir::{Dir, include_dir};

use crate::output::Failure;

static PROTOCOLS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../protocols");

/// Names of the shipped protocols, in order.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = PROTOCOLS
        .files()
        .filter(|file| file.path().extension().is_some_and(|e| e == "toml"))
        .filter_map(|file| file.path().file_stem()?.to_str())
        .collect();
    names.sort_unstable();
    names
}

/// The one that `demo` takes when none is said.
pub fn first() -> &'static str {
    names().first().copied().unwrap_or_default()
}

/// The text of a protocol: a file, or a shipped one by its name. Gives the name it goes by, and the text.
pub fn read(file: &Path) -> Result<(String, String), Failure> {
    let shipped = PROTOCOLS.get_file(file.with_extension("toml")).and_then(|found| found.contents_utf8());
    if !file.exists()
        && let Some(text) = shipped
    {
        return Ok((format!("{} (shipped)", file.display()), text.to_owned()));
    }
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((file.display().to_string(), text)),
        Err(wrong) if wrong.kind() == ErrorKind::InvalidData => Err(Failure::new(format!(
            "{}: not a protocol file, but bytes that are no UTF-8 text",
            file.display()
        ))
        .hint(hint())),
        Err(wrong) => {
            Err(Failure::new(format!("cannot read the protocol {}: {wrong}", file.display())).hint(hint()))
        }
    }
}

/// A name of a trial or a subject as part of a file's: `AVATAR II` is `avatar-ii`.
pub fn file_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().take(60).map(plain).collect();
    let name = name.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if name.is_empty() { "trial".into() } else { name }
}

fn hint() -> String {
    format!("a TOML file, or a shipped protocol by its name: {}", names().join(", "))
}

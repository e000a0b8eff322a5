//! Resources as NDJSON, one file a type, with a manifest: the shape of FHIR's Bulk Data Access.
//!
//! Never leaves half an export: files are written beside their place and moved there at the end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Resource, TYPES};

/// An export under way.
pub struct Bulk {
    dir: PathBuf,
    files: BTreeMap<String, (BufWriter<File>, u64)>,
    done: bool,
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The type of its resources.
    pub kind: String,
    /// The file.
    pub file: PathBuf,
    /// Resources.
    pub count: u64,
}

/// The name of the manifest.
const MANIFEST: &str = "manifest.json";

impl Bulk {
    /// An export into `dir`, which is made where it is not there.
    pub fn create(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_owned(), files: BTreeMap::new(), done: false })
    }

    fn place(&self, kind: &str) -> PathBuf {
        self.dir.join(format!("{kind}.ndjson"))
    }

    fn making(&self, kind: &str) -> PathBuf {
        self.dir.join(format!(".{kind}.ndjson.making"))
    }

    /// Adds a resource.
    pub fn push(&mut self, resource: &Resource) -> io::Result<()> {
        let kind = resource.kind().to_owned();
        if !self.files.contains_key(&kind) {
            let file = BufWriter::new(File::create(self.making(&kind))?);
            self.files.insert(kind.clone(), (file, 0));
        }
        if let Some((file, count)) = self.files.get_mut(&kind) {
            serde_json::to_writer(&mut *file, &resource.0)?;
            file.write_all(b"\n")?;
            *count += 1;
        }
        Ok(())
    }

    /// Puts every file in its place, with the manifest; a file of an earlier export that this one does not have is removed.
    /// `at` is the moment the data are of, `request` what was asked for, in words.
    pub fn finish(mut self, at: Option<Timestamp>, request: &str) -> io::Result<Vec<Written>> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (kind, (mut file, count)) in std::mem::take(&mut self.files) {
            file.flush()?;
            counts.insert(kind, count);
        }
        let mut written = Vec::new();
        for kind in TYPES {
            match counts.get(kind) {
                Some(count) => {
                    fs::rename(self.making(kind), self.place(kind))?;
                    written.push(Written { kind: kind.to_owned(), file: self.place(kind), count: *count });
                }
                None => remove(&self.place(kind))?,
            }
        }
        let output: Vec<Value> = written
            .iter()
            .map(|one| json!({ "type": one.kind, "url": format!("{}.ndjson", one.kind), "count": one.count }))
            .collect();
        let manifest = json!({
            "transactionTime": at.map(|at| at.to_string()),
            "request": request,
            "requiresAccessToken": false,
            "output": output,
            "error": [],
        });
        fs::write(self.dir.join(MANIFEST), serde_json::to_string_pretty(&manifest)? + "\n")?;
        self.done = true;
        Ok(written)
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        if !self.done {
            for kind in TYPES {
                let _ = fs::remove_file(self.making(kind));
            }
        }
    }
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(wrong) if wrong.kind() != io::ErrorKind::NotFound => Err(wrong),
        _ => Ok(()),
    }
}

//! `trialwright export-audit`: the whole audit trail as CSV or as lines of JSON, in words, with old and new values and the hashes.
//!
//! Never holds more than one event and the one it corrects, and never words of its own: they are `trial::words`, as on the page.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ledger::{Address, Hash, Ledger};
use serde_json::{Map, Value, json};
use trial::event::{Entered, Event, Seq, What};
use trial::protocol::{ProtocolHistory, check};
use trial::words::{HEADER, Said, records, says};

use crate::output::{Failure, note, plural, progress, wait};

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or the address of a PostgreSQL database
    ledger: Address,
    /// The file to write, in place of what is there; standard output when not said
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A line of JSON for each event, in place of CSV
    #[arg(long)]
    json: bool,
}

/// Writes the trail of a ledger.
pub fn run(options: &Options) -> Result<(), Failure> {
    let Some(out) = &options.out else {
        let (done, _) = export(options, std::io::stdout().lock())?;
        note(done);
        return Ok(());
    };
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let unwritten =
        |wrong: &dyn std::fmt::Display| Failure::new(format!("cannot write {}: {wrong}", out.display()));
    if out.is_dir() {
        return Err(unwritten(&"it is a folder").hint("the name of a file with --out"));
    }
    // A file that is there is whole.
    let file = tempfile::Builder::new()
        .prefix(".exporting-")
        .tempfile_in(folder)
        .map_err(|wrong| unwritten(&wrong.kind()))?;
    let (done, written) = export(options, file)?;
    written.as_file().sync_all()?;
    written.persist(out).map_err(|wrong| unwritten(&wrong.error))?;
    // What a temporary file may be read by is its owner alone; so may a trail.
    note(format!("{}: {done}", out.display()));
    Ok(())
}

fn export<W: Write>(options: &Options, to: W) -> Result<(String, W), Failure> {
    let mut sheet = Sheet::new(options.json, to)?;
    let (count, head) = wait(async {
        let ledger = Ledger::open_read_only(&options.ledger).await?;
        let all = ledger.head().await?;
        let bar = progress(all.count, "exporting");
        let mut trail = Trail { ledger: &ledger, history: None };
        let (mut stream, mut previous, mut count) = (ledger.all(1), Hash::ZERO, 0);
        while let Some(stored) = stream.next().await.transpose()? {
            let event: Event = stored.parse()?;
            let entered = Entered { seq: stored.seq, event };
            let said = trail.said(&entered).await?;
            sheet.put(&entered, &said, previous, stored.hash)?;
            (previous, count) = (stored.hash, stored.seq);
            bar.set_position(count);
        }
        bar.finish_and_clear();
        drop(stream);
        ledger.close().await;
        Ok::<_, Failure>((count, previous))
    })?;
    let told = format!(
        "{} exported, head {head}; `trialwright verify` proves that they fit",
        plural(count, "event")
    );
    Ok((told, sheet.done()?))
}

/// What it takes to put events in words, in their order.
struct Trail<'a> {
    ledger: &'a Ledger,
    /// The versions adopted so far.
    history: Option<ProtocolHistory>,
}

impl Trail<'_> {
    async fn said(&mut self, entered: &Entered) -> Result<Said, Failure> {
        let what = &entered.event.what;
        if let What::ProtocolAdopted { source, version, .. } = what {
            self.adopt(entered.seq, version, source)?;
        }
        let history = self.history.as_ref().ok_or_else(|| {
            Failure::new(format!(
                "event {}: no protocol was adopted before it; this is no trial's ledger",
                entered.seq
            ))
        })?;
        let before = self.before(what).await?;
        Ok(says(history.at(entered.seq), what, before.as_ref()))
    }

    fn adopt(&mut self, seq: Seq, version: &str, source: &str) -> Result<(), Failure> {
        let checked = check(source).map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            Failure::new(format!("event {seq}: protocol version {version} cannot be read: {first}"))
        })?;
        match &mut self.history {
            Some(history) => history.adopt(seq, checked),
            None => self.history = Some(ProtocolHistory::new(seq, checked)),
        }
        Ok(())
    }

    /// The values that a correction replaced.
    async fn before(&self, what: &What) -> Result<Option<Map<String, Value>>, Failure> {
        let What::FormCorrected { corrects, .. } = what else { return Ok(None) };
        let Some(stored) = self.ledger.event(*corrects).await? else { return Ok(None) };
        Ok(match stored.parse::<Event>()?.what {
            What::FormSaved { values, .. } | What::FormCorrected { values, .. } => Some(values),
            _ => None,
        })
    }
}

/// Where the rows go.
enum Sheet<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Json(BufWriter<W>),
}

impl<W: Write> Sheet<W> {
    fn new(json: bool, to: W) -> Result<Self, Failure> {
        if json {
            return Ok(Self::Json(BufWriter::new(to)));
        }
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(HEADER.iter().copied().chain(["PREVIOUS_HASH", "HASH"])).map_err(unwritten)?;
        Ok(Self::Csv(Box::new(writer)))
    }

    fn put(&mut self, entered: &Entered, said: &Said, previous: Hash, hash: Hash) -> Result<(), Failure> {
        match self {
            Self::Csv(writer) => {
                let (previous, hash) = (previous.to_string(), hash.to_string());
                for record in records(entered, said) {
                    let fields = record.map(plain);
                    let fields = fields.iter().map(String::as_str).chain([previous.as_str(), hash.as_str()]);
                    writer.write_record(fields).map_err(unwritten)?;
                }
            }
            Self::Json(writer) => {
                let line = json!({
                    "seq": entered.seq, "says": said.text, "changes": said.changes, "reason": said.reason,
                    "event": entered.event, "previous_hash": previous.to_string(), "hash": hash.to_string(),
                });
                writeln!(writer, "{line}")?;
            }
        }
        Ok(())
    }

    fn done(self) -> Result<W, Failure> {
        match self {
            Self::Csv(writer) => {
                writer.into_inner().map_err(|wrong| Failure::from(std::io::Error::from(wrong.error().kind())))
            }
            Self::Json(writer) => {
                writer.into_inner().map_err(|wrong| Failure::from(std::io::Error::from(wrong.error().kind())))
            }
        }
    }
}

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection).
fn plain(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// A closed pipe is no fault.
fn unwritten(wrong: csv::Error) -> Failure {
    let text = wrong.to_string();
    match wrong.into_kind() {
        csv::ErrorKind::Io(wrong) => wrong.into(),
        _ => Failure::new(text),
    }
}

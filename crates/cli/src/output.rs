//! What a person or a program is shown: failures with what to do, tables, progress, colours only on a terminal.
//!
//! Never decides what is shown. Results go to standard output, everything else to standard error.

use std::fmt::{Display, Write as _};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use exchange::sdtm::ImportFault;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// Nobody is listening any more; no fault of the command's.
    Closed,
    /// What is wrong was shown already.
    Shown,
    /// What is wrong, in a sentence, and perhaps what to do.
    Said {
        /// What is wrong, and where.
        what: String,
        /// What to do.
        hint: Option<String>,
        /// Whether the command line asked for what cannot be.
        usage: bool,
    },
}

impl Failure {
    /// A failure told in the words of `what`.
    pub fn new(what: impl Display) -> Self {
        Self::Said { what: what.to_string(), hint: None, usage: false }
    }

    /// A command line that asks for what cannot be.
    pub fn usage(what: impl Display) -> Self {
        Self::Said { what: what.to_string(), hint: None, usage: true }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(self, hint: impl Display) -> Self {
        match self {
            Self::Said { what, usage, .. } => Self::Said { what, hint: Some(hint.to_string()), usage },
            other => other,
        }
    }

    /// Shows it and gives the exit code.
    pub fn show(self) -> ExitCode {
        match self {
            Self::Closed => ExitCode::SUCCESS,
            Self::Shown => ExitCode::from(1),
            Self::Said { what, hint, usage } => {
                let (red, plain) =
                    if coloured(&std::io::stderr()) { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
                note(format!("{red}error{plain}: {what}"));
                if let Some(hint) = hint {
                    note(format!("  try: {hint}"));
                }
                ExitCode::from(if usage { 2 } else { 1 })
            }
        }
    }
}

/// Whether a stream takes colours: a terminal that can, and nobody who asked for none (<https://no-color.org>).
pub fn coloured(stream: &impl IsTerminal) -> bool {
    let asked_for_none = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let cannot = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    stream.is_terminal() && !asked_for_none && !cannot
}

/// A line under the header, and no other: rows can be searched and piped.
const LOOKS: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// How wide a table is where no terminal says.
const WIDTH: u16 = 140;

/// A table in the house's looks; no colours.
pub fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(LOOKS).set_content_arrangement(ContentArrangement::Dynamic).set_header(header);
    if !std::io::stdout().is_terminal() {
        table.set_width(WIDTH);
    }
    table
}

/// A table's text: no line ends in a space, and there is none before its first column.
pub fn told(table: &Table) -> String {
    let lines = table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// Prints a line; a closed pipe ends the command quietly.
pub fn line(text: impl Display) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::from)
}

/// Prints a line for a person alone, on standard error. Where nobody listens, nothing is lost.
pub fn note(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints a value as indented JSON.
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    line(serde_json::to_string_pretty(value).map_err(Failure::new)?)
}

/// A progress bar for work that may take over a second; hidden where standard error is no terminal.
pub fn progress(length: u64, what: &'static str) -> indicatif::ProgressBar {
    styled(indicatif::ProgressBar::new(length), "{msg:<12} {bar:40} {percent:>3} % {eta}", what)
}

/// The same where nobody knows how long it takes.
pub fn busy(what: &'static str) -> indicatif::ProgressBar {
    let bar = styled(indicatif::ProgressBar::new_spinner(), "{msg:<12} {spinner} {elapsed}", what);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn styled(bar: indicatif::ProgressBar, template: &str, what: &'static str) -> indicatif::ProgressBar {
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// `1 event`, `2 events`.
pub fn plural(n: impl TryInto<u64>, one: &str) -> String {
    let n = n.try_into().unwrap_or(u64::MAX);
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// So many faults are told one by one; the rest are counted.
const FAULTS_SHOWN: usize = 50;

/// Every fault of files that could not be read.
pub fn refused(at: &Path, faults: &[ImportFault]) -> Failure {
    let mut text = format!("{} cannot be read, and nothing of it was", at.display());
    for fault in faults.iter().take(FAULTS_SHOWN) {
        let _ = write!(text, "\n  {fault}");
    }
    if faults.len() > FAULTS_SHOWN {
        let _ = write!(text, "\n  and {} more", plural(faults.len() - FAULTS_SHOWN, "fault"));
    }
    Failure::new(text)
}

/// Runs what waits for a ledger to its end.
pub fn wait<T, E: Into<Failure>>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::new)?;
    runtime.block_on(work).map_err(Into::into)
}

impl From<server::demonstration::Error> for Failure {
    fn from(error: server::demonstration::Error) -> Self {
        Self::new(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::Closed } else { Self::new(error) }
    }
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        let hint = match &error {
            ledger::Error::NotFound { .. } => Some("`trialwright demo` makes a ledger to look at"),
            ledger::Error::NotALedger { .. } => {
                Some("a ledger is one SQLite file, as `trialwright demo` makes it")
            }
            _ => None,
        };
        let failure = Self::new(error);
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<office::Error> for Failure {
    fn from(error: office::Error) -> Self {
        match error {
            office::Error::Ledger(error) => error.into(),
            error => Self::new(error),
        }
    }
}

impl From<simulate::Error> for Failure {
    fn from(error: simulate::Error) -> Self {
        match error {
            simulate::Error::Office(office::Error::Ledger(error)) => error.into(),
            error => Self::new(error),
        }
    }
}

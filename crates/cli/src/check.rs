//! `trialwright check` and `schema`: every fault of a protocol file at once, each where it stands.

use std::path::{Path, PathBuf};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource, Report};
use serde_json::json;
use trial::protocol::{Checked, Fault, check, schema as json_schema};

use crate::output::{self, Failure, coloured, line, note, plural};
use crate::shipped;

#[derive(clap::Args)]
pub struct Options {
    /// The protocol file, or the name of a shipped one (a name that is none lists them)
    file: PathBuf,
    /// Show what changes from FILE to this newer version of it
    #[arg(long, value_name = "NEWER")]
    against: Option<PathBuf>,
    /// Print the file itself, when it has no fault: a shipped one is a start for your own
    #[arg(long, conflicts_with_all = ["against", "json"])]
    print: bool,
    /// As JSON, for another program
    #[arg(long)]
    json: bool,
}

/// A protocol file and what its check gave.
struct Read {
    name: String,
    text: String,
    checked: Result<Checked, Vec<Fault>>,
}

impl Read {
    fn new(file: &Path) -> Result<Self, Failure> {
        let (name, text) = shipped::read(file)?;
        let checked = check(&text);
        Ok(Self { name, text, checked })
    }

    /// The protocol, or every fault shown.
    fn sound(&self, as_json: bool) -> Result<&Checked, Failure> {
        self.checked.as_ref().map_err(|faults| show(self, faults, as_json))
    }
}

/// Checks a file, and shows what changes from it to a newer one.
pub fn run(options: &Options) -> Result<(), Failure> {
    let old = Read::new(&options.file)?;
    let Some(newer) = &options.against else {
        let checked = old.sound(options.json)?;
        return if options.print {
            line(old.text.trim_end())
        } else {
            passed(&old.name, checked, options.json)
        };
    };
    let new = Read::new(newer)?;
    // The faults of both, before the command ends.
    let (from, to) = (old.sound(options.json), new.sound(options.json));
    changes((&old.name, from?), (&new.name, to?), options.json)
}

/// Prints the JSON Schema of protocol files.
pub fn schema() -> Result<(), Failure> {
    output::json(&json_schema())
}

/// The protocol in `file`, or a failure that has shown every fault of it.
pub fn checked(file: &Path) -> Result<Checked, Failure> {
    let read = Read::new(file)?;
    read.sound(false)?;
    read.checked.map_err(|_| Failure::Shown)
}

fn passed(name: &str, checked: &Checked, as_json: bool) -> Result<(), Failure> {
    let protocol = &checked.protocol;
    let trial = &protocol.trial;
    if as_json {
        return output::json(
            &json!({ "file": name, "faults": [], "trial": trial.id, "version": trial.version }),
        );
    }
    line(format!("{name}: no fault"))?;
    line(format!("{}, version {}: {}", trial.id, trial.version, trial.title))?;
    let factors = protocol.stratification.len();
    let counts = [
        plural(protocol.arms.len(), "arm"),
        if protocol.eligibility.len() == 1 {
            "1 criterion".into()
        } else {
            format!("{} criteria", protocol.eligibility.len())
        },
        plural(factors, "stratification factor"),
        plural(protocol.schedule.visits.len(), "visit"),
        plural(protocol.forms.len(), "form"),
        plural(protocol.endpoints.len(), "endpoint"),
        if protocol.analyses.len() == 1 {
            "1 analysis".into()
        } else {
            format!("{} analyses", protocol.analyses.len())
        },
    ];
    line(counts.join(", "))
}

/// Shows every fault, on standard error as snippets or on standard output as JSON.
fn show(file: &Read, faults: &[Fault], as_json: bool) -> Failure {
    if as_json {
        // That nobody listens any more makes the file no better.
        let _ = output::json(&json!({ "file": file.name, "faults": faults }));
        return Failure::Shown;
    }
    let name = &file.name;
    if file.text.trim().is_empty() {
        return Failure::new(format!("{name} is empty")).hint(format!(
            "trialwright check {} --print > {name}  gives a protocol to start from",
            shipped::first()
        ));
    }
    snippets(name, &file.text, faults);
    Failure::new(format!("{name}: {}; the protocol is refused", plural(faults.len(), "fault")))
}

/// Shows every fault of a file, where it stands in it, on standard error.
pub fn snippets(name: &str, text: &str, faults: &[Fault]) {
    let colours = coloured(&std::io::stderr());
    let theme = if colours { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(width()).with_context_lines(1).with_links(false);
    for fault in faults {
        let what = match fault.path.as_str() {
            "" => format!("not TOML: {}", fault.found),
            path => format!("{path}: found {}", fault.found),
        };
        let diagnostic = MietteDiagnostic::new(what.clone())
            .with_label(LabeledSpan::underline(fault.span.clone()))
            .with_help(fault.right.clone());
        let report = Report::new(diagnostic).with_source_code(NamedSource::new(name, text.to_owned()));
        let mut shown = String::new();
        if handler.render_report(&mut shown, report.as_ref()).is_err() {
            shown = format!("{name}:{}:{}: {what}; {}", fault.line, fault.column, fault.right);
        }
        note(shown);
    }
}

/// How wide a person's terminal is, within what can be read.
fn width() -> usize {
    let known = terminal_size::terminal_size_of(std::io::stderr());
    known.map_or(110, |(terminal_size::Width(width), _)| usize::from(width).clamp(60, 110))
}

fn changes((old, from): (&str, &Checked), (new, to): (&str, &Checked), as_json: bool) -> Result<(), Failure> {
    let changes = trial::protocol::diff(&from.protocol, &to.protocol);
    if as_json {
        return output::json(&json!({ "from": old, "to": new, "changes": changes }));
    }
    if changes.is_empty() {
        return line(format!("{old} and {new} say the same"));
    }
    line(format!("{} from {old} to {new}", plural(changes.len(), "change")))?;
    let mut table = output::table(["where", "before", "after"]);
    for change in &changes {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
        table.add_row([change.path.clone(), side(&change.before), side(&change.after)]);
    }
    line(output::told(&table))
}

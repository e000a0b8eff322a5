//! `trialwright adopt`: a new version of the protocol, with what it changes and what that does to the subjects in view.
//!
//! Never decides whether a version is sound or may be adopted: `trial` and `office` do.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ledger::{Address, Ledger};
use office::{Action, Actor, Board, Deed, Office};
use serde_json::json;
use trial::event::Role;
use trial::id::SubjectId;
use trial::protocol::{Amendment, Change, Checked, Effect, EffectCount, diff, summary};

use crate::check;
use crate::output::{self, Failure, line, plural, progress, table, told, wait};
use crate::randomisation::confirmed;

#[derive(clap::Args)]
pub struct Options {
    /// The ledger: a file, or postgres://USER@HOST/DATABASE?schema=NAME
    #[allow(clippy::doc_markdown)] // shown as help, where angle brackets would stand for a placeholder
    ledger: Address,
    /// The new version, a protocol file
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The name under which it stands in the ledger
    #[arg(long, value_name = "NAME", default_value = "trial.office")]
    by: String,
    /// Adopt it without asking
    #[arg(long)]
    yes: bool,
    /// Only show what it would do
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// As JSON, for another program; with --yes it is adopted all the same
    #[arg(long)]
    json: bool,
}

/// What a version would do.
struct Review {
    old: Checked,
    changes: Vec<Change>,
    subjects: usize,
    effects: Vec<(EffectCount, Vec<(SubjectId, String)>)>,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    // The file first: its faults are told whatever the ledger is.
    let new = check::checked(&options.new)?;
    wait(async {
        let only_looks = options.dry_run || (options.json && !options.yes);
        let ledger = if only_looks {
            Ledger::open_read_only(&options.ledger).await?
        } else {
            Ledger::open(&options.ledger).await?
        };
        let office = Office::open(ledger.clone()).await?;
        let done = review_and_adopt(&office, new, options, only_looks).await;
        drop(office);
        ledger.close().await;
        done
    })
}

async fn review_and_adopt(
    office: &Office,
    new: Checked,
    options: &Options,
    only_looks: bool,
) -> Result<(), Failure> {
    let review = review(office, &new).await?;
    let seq = if only_looks {
        show(&review, &new, options, None)?;
        return Ok(());
    } else {
        if !options.json {
            show(&review, &new, options, None)?;
        }
        let version = &new.protocol.trial.version;
        confirmed(
            options.yes,
            &format!("Version {version} would be in force from now on, for every site."),
            version,
        )?;
        adopt(office, new.clone(), options).await?
    };
    if options.json {
        return show(&review, &new, options, Some(seq));
    }
    line(format!("\nversion {} was adopted (event {seq}); it is in force now", new.protocol.trial.version))
}

async fn adopt(office: &Office, new: Checked, options: &Options) -> Result<u64, Failure> {
    let actor = Actor::new(options.by.clone(), Role::TrialOffice);
    let action = Action::now(&actor, Deed::Adopt { version: Box::new(new) });
    match office.submit(vec![action]).await {
        Ok(receipts) => Ok(receipts.first().map_or(0, |receipt| receipt.seq)),
        Err(office::Error::Refused(refusal)) => Err(Failure::new(format!("not adopted: {}", refusal.reason))),
        Err(wrong) => Err(wrong.into()),
    }
}

async fn review(office: &Office, new: &Checked) -> Result<Review, Failure> {
    let history = office.history().await?;
    let old = history.versions().last().map_or_else(|| new.clone(), |(_, checked)| checked.clone());
    let (amendment, today) =
        (Amendment::new(&old, new), Timestamp::now().to_zoned_datetime(TimeZone::system()).date());
    let board: Board<Vec<Effect>> = Board::start(office, move |_, record, _| amendment.on(record, today));
    let bar = progress(0, "effects");
    while !board.progress().ready {
        let now = board.progress();
        bar.set_length(now.of);
        bar.set_position(now.done);
        tokio::select! {
            // What went wrong in the background is told by whoever asks.
            made = board.current() => { made?; }
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    bar.finish_and_clear();
    let snapshot = board.current().await?;
    let counts = summary(snapshot.iter().map(|(subject, effects)| (subject, effects.as_slice())));
    let says = |count: &EffectCount, subject: &SubjectId| {
        let first = snapshot.get(subject)?.iter().find(|effect| effect.kind == count.kind)?;
        Some((subject.clone(), first.says.clone()))
    };
    let effects = counts.into_iter().map(|count| {
        let examples = count.examples.iter().filter_map(|subject| says(&count, subject)).collect();
        (count, examples)
    });
    Ok(Review {
        changes: diff(&old.protocol, &new.protocol),
        subjects: snapshot.len(),
        effects: effects.collect(),
        old,
    })
}

fn show(review: &Review, new: &Checked, options: &Options, adopted: Option<u64>) -> Result<(), Failure> {
    let (from, to) = (&review.old.protocol.trial.version, &new.protocol.trial.version);
    if options.json {
        let counts: Vec<_> = review.effects.iter().map(|(count, _)| count).collect();
        return output::json(&json!({
            "from": from, "to": to, "changes": review.changes, "subjects": review.subjects, "effects": counts, "adopted": adopted,
        }));
    }
    if review.changes.is_empty() {
        line(format!("versions {from} and {to} say the same"))?;
    } else {
        line(format!("{} from version {from} to {to}", plural(review.changes.len(), "change")))?;
        let mut shown = table(["where", "before", "after"]);
        for change in &review.changes {
            let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
            shown.add_row([change.path.clone(), side(&change.before), side(&change.after)]);
        }
        line(told(&shown))?;
    }
    effects(review)
}

fn effects(review: &Review) -> Result<(), Failure> {
    if review.effects.is_empty() {
        return line(format!("\nno effect on any of {}", plural(review.subjects, "subject")));
    }
    line(format!(
        "\neffect on {}; what was entered stays as it was entered",
        plural(review.subjects, "subject")
    ))?;
    let mut shown = table(["kind", "subjects", "effects", "to be done", "for example"]);
    for (count, examples) in &review.effects {
        let first = examples.first().map(|(subject, says)| format!("{subject}: {says}"));
        shown.add_row([
            count.kind.to_string(),
            count.subjects.to_string(),
            count.effects.to_string(),
            count.hard.to_string(),
            first.unwrap_or_default(),
        ]);
    }
    line(told(&shown))
}

//! The documents of a trial, written from its protocol file: plan, synopsis, schedule of assessments, case report forms.
//!
//! Never invents: what the file does not state is said to be missing. Never computes: numbers are the file's own. Start at
//! [`plan`], [`synopsis`], [`schedule`], [`forms`] and [`completed`].

mod completed;
mod estimand;
mod forms;
mod items;
mod plan;
mod schedule;
mod synopsis;

pub use completed::{Seen, completed};
pub use forms::forms;
pub use plan::plan;
pub use schedule::schedule;
pub use synopsis::synopsis;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use trial::protocol::{Arm, Method, PlanStatement, Protocol, Source, Visit};

const STYLE: &str = include_str!("../page/style.css");
const OWN_STYLE: &str = include_str!("document.css");
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// What a document may show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// For the trial office alone: with what would help to guess the next allocation (ICH E9, 2.3.2).
    pub restricted: bool,
    /// Forms with the names of CDASH and SDTM.
    pub annotated: bool,
}

/// A part of a document: anchor, heading, what it holds.
struct Section {
    id: String,
    title: String,
    body: Markup,
}

impl Section {
    fn new(id: impl Into<String>, title: impl Into<String>, body: Markup) -> Self {
        Self { id: id.into(), title: title.into(), body }
    }
}

/// A whole document.
struct Sheet<'a> {
    protocol: &'a Protocol,
    /// As in `Statistical analysis plan`.
    kind: &'a str,
    /// What stands over every page beside the trial's name; empty where nothing does.
    mark: &'a str,
    /// The class of the body.
    class: &'a str,
    /// With a list of its sections.
    contents: bool,
}

impl Sheet<'_> {
    /// The page of `opening`, the sections and what comes `after` them.
    fn page(&self, opening: &Markup, sections: &[Section]) -> String {
        let trial = &self.protocol.trial;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="generator" content=(concat!("Trialwright ", env!("CARGO_PKG_VERSION")));
                    title { (trial.id) ": " (self.kind) }
                    style { (PreEscaped(STYLE)) (PreEscaped(OWN_STYLE)) (PreEscaped(self.running_head())) }
                }
                body class=(format!("document {}", self.class)) {
                    a.skip href="#content" { "Skip to the document" }
                    @if !self.mark.is_empty() { div.simulated role="note" { (self.mark) } }
                    div.frame {
                        @if self.contents { (contents(sections)) }
                        main id="content" {
                            (opening)
                            @for (i, section) in sections.iter().enumerate() {
                                section id=(section.id) aria-labelledby=(format!("h-{}", section.id)) {
                                    h2 id=(format!("h-{}", section.id)) {
                                        @if self.contents { span.no { (i + 1) } " " }
                                        (section.title)
                                    }
                                    (section.body)
                                }
                            }
                        }
                    }
                }
            }
        };
        page.into_string()
    }

    /// What stands on top of every printed page. A style sheet is no place for a text from outside: letters and digits only.
    fn running_head(&self) -> String {
        let plain = |text: &str| -> String {
            let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | ',');
            text.chars().filter(kept).take(90).collect()
        };
        let trial = &self.protocol.trial;
        let left = plain(&format!("{}, version {} - {}", trial.id, trial.version, self.kind));
        let size = if self.class == "landscape" { "size:A4 landscape;" } else { "" };
        format!(
            "@page{{{size}@top-left{{content:\"{left}\"}}@top-right{{content:\"{}\"}}}}",
            plain(self.mark)
        )
    }

    /// Title and what identifies the trial.
    fn opening(&self, facts: &[(&str, String)]) -> Markup {
        let trial = &self.protocol.trial;
        html! {
            header.opening {
                p.kicker { (trial.id) @if let Some(registry) = &trial.registry { " · " (registry) } " · protocol file, version " (trial.version) }
                h1 { (self.kind) }
                p.lead { (trial.title) }
                dl.facts { @for (term, said) in facts { div { dt { (term) } dd { (said) } } } }
            }
        }
    }
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav.toc aria-label="Contents" {
            p.head { "Contents" }
            ol { @for section in sections { li { a href=(format!("#{}", section.id)) { (section.title) } } } }
        }
    }
}

/// ` (assumed)`, where the file marks a key of a table, or the whole of it, so.
fn mark(source: Option<Source>, assumed: &[String], key: &str) -> Markup {
    let whole = source == Some(Source::Assumed);
    let of_key = assumed.iter().any(|one| one == key || one.starts_with(&format!("{key}.")));
    html! { @if whole || of_key { " " span.sub { "(assumed)" } } }
}

/// Statements of `[[plan]]` that answer one of `items`, each with what it answers.
fn statements<'p>(protocol: &'p Protocol, items: &[&str]) -> Vec<&'p PlanStatement> {
    let mut found = Vec::new();
    for item in items {
        found.extend(protocol.plan.iter().filter(|one| one.item == *item && one.endpoint.is_none()));
    }
    found
}

/// The same as paragraphs.
fn stated(protocol: &Protocol, items: &[&str]) -> Markup {
    html! { @for one in statements(protocol, items) { p { (one.text) (mark(one.source, &one.assumed, "text")) } } }
}

/// A text whose parts between backticks are code.
fn coded(text: &str) -> Markup {
    html! { @for (place, part) in text.split('`').enumerate() { @if place % 2 == 1 { code { (part) } } @else { (part) } } }
}

/// `A: SABR with endocrine therapy`, or the id alone where it is the label.
fn arm_name(arm: &Arm) -> String {
    if arm.label == arm.id.as_str() || arm.label.is_empty() {
        arm.id.to_string()
    } else {
        format!("{}: {}", arm.id, arm.label)
    }
}

/// `1:1`.
fn ratio(protocol: &Protocol) -> String {
    protocol.arms.iter().map(|arm| arm.ratio.to_string()).collect::<Vec<_>>().join(":")
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[String]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// How the arm is drawn, without what would help to guess it but where `restricted`.
fn randomisation(protocol: &Protocol, restricted: bool) -> Vec<String> {
    let rule = &protocol.randomisation;
    let factors: Vec<String> = protocol.stratification.iter().map(|factor| factor.label.clone()).collect();
    let by = if factors.is_empty() { "without factors".into() } else { format!("by {}", listed(&factors)) };
    let mut said = match rule.method {
        Method::PermutedBlocks => {
            vec![if factors.is_empty() {
                "Permuted blocks of random size, not stratified.".to_owned()
            } else {
                format!("Permuted blocks of random size, stratified {by}.")
            }]
        }
        Method::Minimisation => vec![format!("Minimisation (Pocock and Simon) with a random element, {by}.")],
    };
    if rule.source == Some(Source::Assumed) || rule.assumed.iter().any(|key| key == "method") {
        for one in &mut said {
            one.push_str(" (assumed)");
        }
    }
    said.push(format!(
        "Allocation ratio {} ({}).",
        ratio(protocol),
        protocol.arms.iter().map(|arm| arm.id.to_string()).collect::<Vec<_>>().join(":")
    ));
    said.push(
        "The arm is drawn from a secret seed when the subject is randomised, in the same transaction that records it. A hash of the seed enters the \
         ledger with the protocol; when recruitment is over the seed is revealed and every allocation can be computed again. Nobody can see the next one."
            .into(),
    );
    said.push(
        "A subject is randomised once, with consent on file and every criterion of eligibility proven."
            .into(),
    );
    if restricted {
        said.push(match rule.method {
            Method::PermutedBlocks => {
                let sizes: Vec<String> = rule.block_sizes.iter().map(ToString::to_string).collect();
                format!(
                    "Restricted: block sizes {}.",
                    if sizes.is_empty() { "not stated".into() } else { listed(&sizes) }
                )
            }
            Method::Minimisation => format!(
                "Restricted: the arm that balances best is drawn with probability {}.",
                rule.best_probability
            ),
        });
    } else {
        said.push(
            "What would help to guess an allocation (sizes of blocks, probabilities) stands in the trial office's restricted version of this document alone \
             (ICH E9, section 2.3.2)."
                .into(),
        );
    }
    said
}

/// `day 84 after randomisation`, `14 days before randomisation`.
fn planned_day(day: i64) -> String {
    match day {
        0 => "the day of randomisation".into(),
        1.. => format!("day {day} after randomisation"),
        -1 => "the day before randomisation".into(),
        _ => format!("{} days before randomisation", day.unsigned_abs()),
    }
}

/// `7 days either side`, `none before, 14 days after`.
fn window(visit: &Visit) -> String {
    let days = |n: u32| match n {
        0 => "none".to_owned(),
        1 => "1 day".to_owned(),
        n => format!("{n} days"),
    };
    match (visit.window_before, visit.window_after) {
        (0, 0) => "on the day".into(),
        (before, after) if before == after => format!("{} either side", days(before)),
        (before, after) => format!("{} before, {} after", days(before), days(after)),
    }
}

/// Months as years where they are whole years.
fn months(n: u32) -> String {
    match n {
        12 => "1 year".into(),
        n if n > 0 && n.is_multiple_of(12) => format!("{} years", n / 12),
        1 => "1 month".into(),
        n => format!("{n} months"),
    }
}

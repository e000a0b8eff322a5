//! The checks of a dry run as a page and as JSON.
//!
//! Never computes. One file without anything from outside; SIMULATED stands on its top and on every printed page.

use std::path::Path;

use ::simulate::dry_run::{Check, Checks, Effect, Found, Outcome, PlantedCheck, SubjectCheck, Verdict};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

/// A dry run that was made.
pub struct Made<'a> {
    pub checks: &'a Checks,
    pub seed: u64,
    pub scenario: Option<&'a Path>,
}

/// As JSON says it.
#[derive(Serialize)]
pub struct Written<'a> {
    seed: u64,
    scenario: Option<String>,
    holds: bool,
    #[serde(flatten)]
    checks: &'a Checks,
}

impl<'a> Made<'a> {
    pub fn written(&self) -> Written<'a> {
        Written {
            seed: self.seed,
            scenario: self.scenario.map(|at| at.display().to_string()),
            holds: self.checks.hold(),
            checks: self.checks,
        }
    }
}

const STYLE: &str = "
:root{color-scheme:light}
body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;margin:0}
main{max-width:72rem;margin:0 auto;padding:1rem 1.25rem 4rem}
.simulated{background:#7a2e00;color:#fff;font-weight:700;letter-spacing:.04em;text-align:center;padding:.4rem;position:sticky;top:0}
h1{font-size:1.5rem;margin:.8rem 0 .2rem}h2{font-size:1.15rem;margin:2rem 0 .4rem}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #ddd}
thead th{border-bottom:2px solid #555}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.holds{color:#14532d}.chance{color:#7a4b00}.fails{color:#fff;background:#8b0000;font-weight:700;padding:0 .3rem}
a{color:#0b4f8a}
@page{@top-right{content:\"SIMULATED DATA\"}}
@media print{.simulated{position:static}tr{break-inside:avoid}}
";

/// What the page may load: its own style, nothing from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
pub fn page(made: &Made<'_>) -> String {
    let checks = made.checks;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(concat!("Trialwright ", env!("CARGO_PKG_VERSION")));
                title { (checks.trial) ": dry run, checks against the truth (SIMULATED)" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                div.simulated role="note" { "SIMULATED DATA: virtual patients, no real person" }
                main {
                    h1 { (checks.trial) ": the analysis against the known truth" }
                    p {
                        "One simulated trial of the protocol, seed " (made.seed)
                        @if let Some(scenario) = made.scenario { ", scenario " (scenario.display()) }
                        ", played through the trial office. What the program derived and analysed is in "
                        a href="report/report.html" { "the report" }
                        "; here it is held against what the simulator knows of each patient."
                    }
                    (summary(&checks.checks))
                    (effects(&checks.effects))
                    (subjects(&checks.subjects))
                    (planted(&checks.planted))
                }
            }
        }
    };
    page.into_string()
}

fn outcome(outcome: Outcome) -> Markup {
    let class = match outcome {
        Outcome::Holds => "holds",
        Outcome::Chance => "chance",
        Outcome::Fails => "fails",
    };
    html! { span class=(class) { (outcome.word()) } }
}

fn summary(checks: &[Check]) -> Markup {
    html! {
        h2 id="checks" { "What was checked" }
        div.wide { table {
            thead { tr { th scope="col" { "Checked" } th scope="col" { "True or planned" } th scope="col" { "Found by the program" } th scope="col" { "Outcome" } } }
            tbody { @for check in checks {
                tr { th scope="row" { (check.what) } td { (check.expected) } td { (check.found) } td { (outcome(check.outcome)) } }
            } }
        } }
        p {
            "A progression can only be found at the assessment that follows it. “By chance not” is a limit that misses the truth, as 95 % limits do in one "
            "trial of twenty; `trialwright simulate` counts how often over many trials."
        }
    }
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn effects(effects: &[Effect]) -> Markup {
    html! {
        h2 id="effects" { "Hazard ratios" }
        div.wide { table {
            thead { tr {
                th scope="col" { "Analysis" } th scope="col" { "Scenario" } th scope="col" { "True times of these patients" }
                th scope="col" { "Estimate" } th scope="col" { "Limits" } th scope="col" { "Hold the truth" }
            } }
            tbody { @for effect in effects {
                tr {
                    th scope="row" { (effect.analysis) ", " (effect.arm) " over " (effect.control) }
                    td.n { (ratio(effect.stated)) } td.n { (ratio(effect.of_true_times)) }
                    td.n { (ratio(Some(effect.estimate.0))) }
                    td.n { (ratio(Some(effect.estimate.1))) " to " (ratio(Some(effect.estimate.2))) }
                    td { (match effect.held() { Some(true) => "yes", Some(false) => "no, by chance", None => "not known" }) }
                }
            } }
        } }
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Absent => "did not happen",
        Verdict::Found => "found",
        Verdict::NotSeen => "could not be seen",
        Verdict::Explained => "otherwise, with a reason",
        Verdict::Unexplained => "WITHOUT A REASON",
    }
}

fn day(day: Option<jiff::civil::Date>) -> String {
    day.map_or_else(|| "–".to_owned(), |day| day.to_string())
}

fn subjects(subjects: &[SubjectCheck]) -> Markup {
    // What needs to be looked at first.
    let mut rows: Vec<&SubjectCheck> =
        subjects.iter().filter(|check| check.verdict != Verdict::Absent).collect();
    rows.sort_by_key(|check| match check.verdict {
        Verdict::Unexplained => 0,
        Verdict::Explained => 1,
        Verdict::NotSeen => 2,
        _ => 3,
    });
    html! {
        h2 id="subjects" { "Each subject's events" }
        div.wide { table {
            thead { tr {
                th scope="col" { "Subject" } th scope="col" { "Arm" } th scope="col" { "Event" } th scope="col" { "Truly" }
                th scope="col" { "Derived" } th scope="col" { "Days later" } th scope="col" { "" } th scope="col" { "Why" }
            } }
            tbody { @for check in rows {
                tr {
                    th scope="row" { (check.subject) } td { (check.arm) } td { (check.event.words()) }
                    td.n { (day(check.truth)) } td.n { (day(check.derived)) }
                    td.n { (check.lag_days.map_or_else(String::new, |days| days.to_string())) }
                    td { (verdict(check.verdict)) } td { (check.why) }
                }
            } }
        } }
    }
}

fn planted(planted: &[PlantedCheck]) -> Markup {
    html! {
        h2 id="errors" { "Errors made on purpose" }
        div.wide { table {
            thead { tr {
                th scope="col" { "Subject" } th scope="col" { "Day" } th scope="col" { "Error" } th scope="col" { "Form" } th scope="col" { "Found" }
            } }
            tbody { @for check in planted {
                tr {
                    th scope="row" { (check.subject) } td.n { (check.planted.date) } td { (check.planted.error.words()) }
                    td { @if let Some(form) = &check.planted.form { (form.form) @if let Some(visit) = &form.visit { ", " (visit) } " " (form.occurrence) } }
                    td { @match &check.found {
                        Found::In(place) => { (place) }
                        Found::Beyond(why) => { "beyond what data tell: " (why) }
                        Found::Missed => { span.fails { "NOT FOUND" } }
                    } }
                }
            } }
        } }
    }
}

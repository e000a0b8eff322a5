//! ODM metadata as the beginning of a protocol file: visits and forms as the file has them, the rest for a person.
//!
//! Never invents an arm, a criterion or an endpoint: ODM has none. Each is marked `# DECIDE:`, and the reader of protocols asks for it.

use std::fmt::Write;

use trial::protocol::{Check, Concept, Form, Item, ItemType, Visit};

use super::metadata::OdmMetadata;
use crate::registry::Skeleton;

const MOST_TEXT: usize = 2_000;

/// The beginning of a protocol file.
pub fn skeleton(metadata: &OdmMetadata) -> Skeleton {
    let mut out = Out::default();
    out.head(metadata);
    let _ = writeln!(out.toml, "\n[schedule]");
    out.decide("how many months after the last participant was randomised follow-up ends, as in follow_up_months = 24");
    let placed = metadata.visits.iter().any(|visit| visit.day != 0);
    if !placed && !metadata.visits.is_empty() {
        out.decide("the day and the window of each visit: ODM does not say when a visit is due, so that each stands at day 0");
    }
    for visit in &metadata.visits {
        out.visit(visit);
    }
    let custom = metadata.forms.iter().filter(|form| form.concept == Concept::Custom).count();
    if custom > 0 {
        let _ = writeln!(out.toml);
        out.decide(&format!("what each of {custom} forms with concept = \"custom\" means to this program, and its items' CDASH names"));
    }
    for what in &metadata.unread {
        out.decide(&format!("what to do with {what}, which is no condition this program reads"));
    }
    for form in &metadata.forms {
        out.form(form);
    }
    let _ = writeln!(out.toml);
    out.decide("the endpoints and analyses: [[endpoints]] and [[analyses]]");
    out.decide("the adverse events' attributions: [safety] with attributed_to");
    Skeleton { toml: out.toml, decisions: out.decisions }
}

#[derive(Default)]
struct Out {
    toml: String,
    decisions: Vec<String>,
}

fn quoted(text: &str) -> String {
    let short: String =
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_TEXT).collect();
    exact(if short.is_empty() { "?" } else { &short })
}

/// The text to the letter: a code is matched so.
fn exact(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

fn name_of(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).map_or_else(|_| "\"custom\"".to_owned(), |name| name.to_string())
}

impl Out {
    fn decide(&mut self, what: &str) {
        let what = what.replace(char::is_control, " ").split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(self.toml, "# DECIDE: {what}");
        self.decisions.push(what);
    }

    fn head(&mut self, metadata: &OdmMetadata) {
        let _ = writeln!(self.toml, "# The beginning of a protocol, made from ODM-XML metadata.");
        let _ = writeln!(
            self.toml,
            "# What follows `# DECIDE:` is for a person; `trialwright check` tells what is still missing.\n"
        );
        let id: String =
            if metadata.study.trim().is_empty() { "TRIAL".to_owned() } else { metadata.study.clone() };
        let title = if metadata.description.trim().is_empty() { &id } else { &metadata.description };
        let _ = writeln!(
            self.toml,
            "[trial]\nid = {}\nversion = \"0.1\"\ntitle = {}",
            quoted(&id),
            quoted(title)
        );
        if !metadata.version.trim().is_empty() {
            let _ = writeln!(
                self.toml,
                "design = {}",
                quoted(&format!("Forms and visits of {}", metadata.version))
            );
        }
        self.decide("how many participants to randomise, as in participants = 74");
        let _ = writeln!(self.toml);
        self.decide("the arms: two or more tables [[arms]], each with id, label and description, one with control = true");
        self.decide("the eligibility criteria: [[eligibility]], each with its condition");
        self.decide("the method of randomisation: [randomisation]");
    }

    fn visit(&mut self, visit: &Visit) {
        let _ = writeln!(
            self.toml,
            "\n[[schedule.visits]]\nid = {}\nlabel = {}\nday = {}",
            exact(&visit.id),
            quoted(&visit.label),
            visit.day
        );
        let _ = writeln!(
            self.toml,
            "window_before = {}\nwindow_after = {}",
            visit.window_before, visit.window_after
        );
        if let Some(every) = visit.every_days {
            let _ = writeln!(self.toml, "every_days = {every}");
        }
        let forms: Vec<String> = visit.forms.iter().map(|form| exact(form)).collect();
        let _ = writeln!(self.toml, "forms = [{}]", forms.join(", "));
    }

    fn form(&mut self, form: &Form) {
        let _ = writeln!(
            self.toml,
            "\n[[forms]]\nid = {}\nlabel = {}\nconcept = {}\nlog = {}",
            exact(&form.id),
            quoted(&form.label),
            name_of(form.concept),
            form.log
        );
        self.items(&form.items);
        self.checks(&form.checks);
        for group in &form.groups {
            let _ = writeln!(
                self.toml,
                "\n[[forms.groups]]\nid = {}\nlabel = {}",
                exact(&group.id),
                quoted(&group.label)
            );
            if !group.key.is_empty() {
                let key: Vec<String> = group.key.iter().map(|key| exact(key)).collect();
                let _ = writeln!(self.toml, "key = [{}]", key.join(", "));
            }
            self.items(&group.items);
            self.checks(&group.checks);
        }
    }

    fn items(&mut self, items: &[Item]) {
        let _ = writeln!(self.toml, "items = [");
        for item in items {
            let mut line = format!(
                "  {{ id = {}, label = {}, type = {}",
                exact(&item.id),
                quoted(&item.label),
                name_of(item.kind)
            );
            if let Some(unit) = &item.unit {
                let _ = write!(line, ", unit = {}", quoted(unit));
            }
            if item.kind == ItemType::Code {
                let codes: Vec<String> = item.codes.iter().map(|code| exact(code)).collect();
                let _ = write!(line, ", codes = [{}]", codes.join(", "));
            }
            for (key, bound) in [("min", item.min), ("max", item.max)] {
                if let Some(bound) = bound {
                    // TOML's floats have a point.
                    let _ = write!(line, ", {key} = {bound:?}");
                }
            }
            if item.required {
                line.push_str(", required = true");
            }
            if let Some(when) = &item.when {
                let _ = write!(line, ", when = {}", exact(when.as_str()));
            }
            let _ = writeln!(self.toml, "{line} }},");
        }
        let _ = writeln!(self.toml, "]");
    }

    fn checks(&mut self, checks: &[Check]) {
        if checks.is_empty() {
            return;
        }
        let _ = writeln!(self.toml, "checks = [");
        for Check { condition, message, hard } in checks {
            let soft = if *hard { "" } else { ", hard = false" };
            let _ = writeln!(
                self.toml,
                "  {{ condition = {}, message = {}{soft} }},",
                exact(condition.as_str()),
                quoted(message)
            );
        }
        let _ = writeln!(self.toml, "]");
    }
}

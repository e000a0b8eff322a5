//! `participantFlowModule`: who started, who completed, who did not and why.
//!
//! Each participant who did not complete counts for one reason, so that started = completed + not completed; whoever withdrew
//! and died later counts as withdrawn.

use analysis::results::{FlowArm, Results};
use serde_json::{Value, json};

use super::{MOST_TITLE, MOST_WORDS, groups, id, until};
use crate::registry::attention::short;

const PREFIX: &str = "FG";

pub(super) fn module(results: &Results) -> Value {
    let flow = &results.flow;
    let excluded: Vec<String> =
        flow.excluded_because.iter().map(|(why, counted)| format!("{why} ({})", counted.n)).collect();
    let mut before = format!(
        "{} assessed for eligibility; {} not randomised; {} in screening.",
        flow.screened.n, flow.excluded, flow.in_screening.n
    );
    if !excluded.is_empty() {
        before = format!("{before} Reasons: {}.", excluded.join("; "));
    }
    let months = &results.recruitment.by_month;
    let sites = results.recruitment.by_site.iter().filter(|site| site.screened.n > 0).count();
    let recruited = match (months.first(), months.last()) {
        (Some(first), Some(last)) => format!(
            "Participants were randomised at {} from {} to {}.",
            if sites == 1 { "1 site".to_owned() } else { format!("{sites} sites") },
            first.month.strftime("%B %Y"),
            last.month.strftime("%B %Y")
        ),
        _ => "Nobody was randomised.".to_owned(),
    };
    json!({
        "preAssignmentDetails": short(&before, MOST_WORDS),
        "recruitmentDetails": short(&recruited, MOST_WORDS),
        "groups": groups(results, PREFIX),
        "periods": [period(results)],
    })
}

fn period(results: &Results) -> Value {
    let arms = &results.flow.arms;
    let row = |kind: &str, comment: Option<String>, of: &dyn Fn(&FlowArm) -> usize| {
        let achievements: Vec<Value> = arms
            .iter()
            .enumerate()
            .map(|(place, arm)| json!({ "groupId": id(PREFIX, place), "numSubjects": of(arm).to_string() }))
            .collect();
        let mut row = json!({ "type": kind });
        if let Some(comment) = comment {
            row["comment"] = json!(comment);
        }
        row["achievements"] = json!(achievements);
        row
    };
    let mut milestones = vec![row("STARTED", Some("Randomised".into()), &|arm| arm.allocated.n)];
    if arms.iter().all(|arm| arm.treated.is_some()) && !arms.is_empty() {
        let treated = |arm: &FlowArm| arm.treated.as_ref().map_or(0, |counted| counted.n);
        milestones.push(row("Received allocated treatment", None, &treated));
    }
    let comment = format!("In follow-up until {}", until(results));
    milestones.push(row("COMPLETED", Some(comment), &|arm| arm.in_follow_up.n));
    milestones.push(row("NOT COMPLETED", None, &|arm| arm.allocated.n.saturating_sub(arm.in_follow_up.n)));
    json!({ "title": "Overall Study", "milestones": milestones, "dropWithdraws": reasons(arms) })
}

/// Why participants did not complete.
fn reasons(arms: &[FlowArm]) -> Vec<Value> {
    let withdrawn = |arm: &FlowArm| arm.withdrawn.iter().map(|(_, counted)| counted.n).sum::<usize>();
    let died =
        |arm: &FlowArm| arm.allocated.n.saturating_sub(arm.in_follow_up.n).saturating_sub(withdrawn(arm));
    let mut names: Vec<&str> = Vec::new();
    for (reason, _) in arms.iter().flat_map(|arm| &arm.withdrawn) {
        if !names.contains(&reason.as_str()) {
            names.push(reason);
        }
    }
    let row = |kind: String, of: &dyn Fn(&FlowArm) -> usize| {
        let reasons: Vec<Value> = arms
            .iter()
            .enumerate()
            .map(|(place, arm)| json!({ "groupId": id(PREFIX, place), "numSubjects": of(arm).to_string() }))
            .collect();
        json!({ "type": kind, "reasons": reasons })
    };
    let mut rows = Vec::new();
    if arms.iter().any(|arm| died(arm) > 0) {
        rows.push(row("Death".to_owned(), &died));
    }
    for name in names {
        let of = |arm: &FlowArm| {
            arm.withdrawn.iter().filter(|(reason, _)| reason == name).map(|(_, counted)| counted.n).sum()
        };
        rows.push(row(registry_reason(name), &of));
    }
    rows
}

/// The registry's own word for a reason, where it has one.
fn registry_reason(reason: &str) -> String {
    match reason.to_uppercase().as_str() {
        "WITHDRAWAL OF CONSENT" | "WITHDRAWAL BY SUBJECT" => "Withdrawal by Subject".to_owned(),
        "LOST TO FOLLOW-UP" => "Lost to Follow-up".to_owned(),
        "PHYSICIAN DECISION" => "Physician Decision".to_owned(),
        "PROTOCOL VIOLATION" | "PROTOCOL DEVIATION" => "Protocol Violation".to_owned(),
        "PREGNANCY" => "Pregnancy".to_owned(),
        "ADVERSE EVENT" => "Adverse Event".to_owned(),
        "LACK OF EFFICACY" => "Lack of Efficacy".to_owned(),
        _ => short(reason, MOST_TITLE),
    }
}

//! Words for what the domain names by a variant.
//!
//! Never decides anything. The variants and what they mean: `analysis::results`, `trial::strategy`, `trial::endpoint`.

use analysis::results::{AnalysisResult, ArmName, Comparison, MarkKind, Place, Results, State};
use trial::eligibility::Judgement;
use trial::endpoint::Outcome;
use trial::id::ArmId;
use trial::progression::{Kind, Known};
use trial::protocol::EventCause;
use trial::recist::OverallResponse;
use trial::strategy::{Failure, Status, Verdict};

/// Every kind of mark, in the order of a legend.
pub const MARKS: [MarkKind; 8] = [
    MarkKind::Sabr,
    MarkKind::ProgressionHeld,
    MarkKind::StrategyFailure,
    MarkKind::Pending,
    MarkKind::Progression,
    MarkKind::NextLineProgression,
    MarkKind::Withdrawal,
    MarkKind::Death,
];

/// A mark of the swimmer plot.
pub fn mark(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Sabr => "SABR",
        MarkKind::ProgressionHeld => "Progression, strategy held",
        MarkKind::Progression => "First progression",
        MarkKind::StrategyFailure => "Strategy failed",
        MarkKind::Pending => "Progression, decision pending",
        MarkKind::NextLineProgression => "Progression on next line",
        MarkKind::Withdrawal => "Withdrawal",
        MarkKind::Death => "Death",
    }
}

/// A short name of a mark that may stand in an anchor or a file.
pub fn mark_code(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Sabr => "sabr",
        MarkKind::ProgressionHeld => "held",
        MarkKind::Progression => "progression",
        MarkKind::StrategyFailure => "failure",
        MarkKind::Pending => "pending",
        MarkKind::NextLineProgression => "next-line",
        MarkKind::Withdrawal => "withdrawal",
        MarkKind::Death => "death",
    }
}

/// What ended a time.
pub fn cause(cause: EventCause) -> &'static str {
    match cause {
        EventCause::StrategyFailure => "strategy failure",
        EventCause::Progression => "progression",
        EventCause::NextLineProgression => "progression on the next line",
        EventCause::Death => "death",
    }
}

/// Event or censoring, in words.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Event { cause: by, .. } => cause(*by).to_owned(),
        Outcome::Censored { because, .. } => format!("censored: {}", because.words()),
    }
}

/// A best or overall response in full.
pub fn response(response: OverallResponse) -> &'static str {
    match response {
        OverallResponse::Complete => "Complete response",
        OverallResponse::Partial => "Partial response",
        OverallResponse::Stable => "Stable disease",
        OverallResponse::NonCrNonPd => "Neither complete response nor progression",
        OverallResponse::Progressive => "Progressive disease",
        OverallResponse::NotEvaluable => "Not evaluable",
    }
}

/// What a progression did to the strategy.
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Held => "held",
        Verdict::Failed => "failed",
        Verdict::Pending => "pending",
    }
}

/// Where a strategy stands.
pub fn status(status: &Status) -> String {
    match status {
        Status::NotApplicable => "no strategy rule applies".into(),
        Status::Holding => "holding".into(),
        Status::Pending { progression } => format!("pending since the progression of {progression}"),
        Status::Failed { on, cause } => {
            let by = match cause {
                Failure::Progression => "progression",
                Failure::SystemicChange => "change of systemic therapy for progression",
                Failure::Death => "death",
            };
            format!("failed on {on} by {by}")
        }
    }
}

/// The kind of a progression and how it was known.
pub fn progression(kind: Kind, known: Known) -> String {
    let kind = match kind {
        Kind::Oligo => "oligoprogression",
        Kind::Poly => "polyprogression",
        Kind::Unplaced => "progression without a named lesion",
    };
    match known {
        Known::Recist => format!("{kind} by RECIST 1.1"),
        Known::Clinical => format!("{kind}, clinical"),
    }
}

/// Where `arm` stands in the order of the protocol; an arm the results do not name comes after all.
pub fn arm_index(results: &Results, arm: &ArmId) -> usize {
    results.arms.iter().position(|a| a.id == *arm).unwrap_or(results.arms.len())
}

/// The name of `arm` in reports.
pub fn arm_label<'a>(results: &'a Results, arm: &'a ArmId) -> &'a str {
    results.arms.iter().find(|a| a.id == *arm).map_or(arm.as_str(), |a| a.label.as_str())
}

/// `A, SABR with endocrine therapy`, or the id alone where it is the label.
pub fn arm_name(arm: &ArmName) -> String {
    if arm.label == arm.id.as_str() || arm.label.is_empty() {
        arm.id.to_string()
    } else {
        format!("{}: {}", arm.id, arm.label)
    }
}

/// `log-rank` or `stratified log-rank`.
pub fn test(analysis: &AnalysisResult) -> &'static str {
    if analysis.stratified { "stratified log-rank" } else { "log-rank" }
}

/// Every arm's comparison with control, in order.
pub fn comparisons(analysis: &AnalysisResult) -> impl Iterator<Item = &Comparison> {
    analysis.comparison.iter().chain(&analysis.more_comparisons)
}

/// The main analysis of the primary endpoint.
pub fn primary(results: &Results) -> Option<(usize, &AnalysisResult)> {
    let find = |main: bool| {
        results.analyses.iter().enumerate().find(|(_, analysis)| analysis.primary && analysis.main == main)
    };
    find(true).or_else(|| find(false))
}

/// A name that may stand in a file name, an id or a class: letters, digits, `-` and `_`, never empty.
pub fn slug(text: &str) -> String {
    let slug: String = text
        .chars()
        .take(80)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' })
        .collect();
    if slug.is_empty() { "unnamed".into() } else { slug }
}

/// How a criterion was judged.
pub fn judgement(judgement: &Judgement) -> String {
    match judgement {
        Judgement::Met => "met".into(),
        Judgement::NotMet => "not met".into(),
        Judgement::Unknown { missing } => format!("not proven, missing: {}", missing.join(", ")),
    }
}

/// `text` with a capital letter at its beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

/// A state of a strategy.
pub fn state(state: State) -> &'static str {
    match state {
        State::Unprogressed => "no progression yet",
        State::Held => "holds after a progression",
        State::Pending => "decision pending",
        State::Failed => "strategy failed",
        State::Dead => "dead",
        State::Unknown => "not followed so long",
    }
}

/// Where a progression was.
pub fn place(place: Place) -> &'static str {
    match place {
        Place::Treated => "Only in lesions that had SABR in the trial",
        Place::Elsewhere => "Only in lesions that had none",
        Place::Both => "In both",
        Place::Unplaced => "No lesion named",
        Place::SystemicChange => "Change of systemic therapy, no progression on a scan",
    }
}

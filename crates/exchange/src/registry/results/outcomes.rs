//! `outcomeMeasuresModule`: each endpoint with its main analysis and the others beside it, best response, quality of life,
//! treatment-related adverse events.
//!
//! Never reports an estimate that `analysis` does not hold.

use analysis::results::{AnalysisResult, ArmEstimate, Comparison, Estimate, QualityResult, Results};
use serde_json::{Value, json};
use trial::protocol::{Origin, Protocol};

use super::{MOST_TITLE, MOST_WORDS, decimals, denominators, groups, id, measurement, p_value, until};
use crate::registry::attention::short;

const PREFIX: &str = "OG";

pub(super) fn module(protocol: &Protocol, results: &Results, decisions: &mut Vec<String>) -> Value {
    let mut all: Vec<Value> = Vec::new();
    for main in results.analyses.iter().filter(|analysis| analysis.main) {
        let others = results.analyses.iter().filter(|other| !other.main && other.endpoint == main.endpoint);
        all.push(endpoint(protocol, results, main, &others.collect::<Vec<_>>()));
    }
    // The primary ones stand first.
    all.sort_by_key(|outcome| outcome["type"] != "PRIMARY");
    if let Some(quality) = &results.quality_of_life {
        all.push(quality_of_life(results, quality));
    }
    if !results.safety.related.is_empty() {
        all.push(related(protocol, results));
    }
    if !results.responses.is_empty() {
        all.push(response(protocol, results));
        decisions.push(
            "the best overall response is reported as another pre-specified measure: whether the registration names it".to_owned(),
        );
    }
    json!({ "outcomeMeasures": all })
}

fn outcome(kind: &str, title: &str, description: &str, population: &str, frame: &str) -> Value {
    json!({
        "type": kind,
        "title": short(title, MOST_TITLE),
        "description": short(description, MOST_WORDS),
        "populationDescription": short(population, 500),
        "reportingStatus": "POSTED",
        "timeFrame": short(frame, MOST_TITLE),
    })
}

/// The time over which an endpoint was assessed.
fn frame(protocol: &Protocol, results: &Results, origin: Origin) -> String {
    let from = match origin {
        Origin::Randomisation => "randomisation",
        Origin::StrategyFailure => "failure of the treatment strategy",
    };
    format!(
        "From {from} until {}; follow-up ends {} months after the last participant was randomised",
        until(results),
        protocol.schedule.follow_up_months
    )
}

fn endpoint(
    protocol: &Protocol,
    results: &Results,
    main: &AnalysisResult,
    others: &[&AnalysisResult],
) -> Value {
    let kind = if main.primary { "PRIMARY" } else { "SECONDARY" };
    let words = format!("{} Rules: {}.", main.definition, main.rules.join("; "));
    let population = match main.origin {
        Origin::Randomisation => "All who were randomised, in the arm they were randomised to",
        Origin::StrategyFailure => {
            "All whose treatment strategy failed other than by death, in the arm they were randomised to"
        }
    };
    let mut out =
        outcome(kind, &main.endpoint_label, &words, population, &frame(protocol, results, main.origin));
    let limits = format!("{}% Confidence Interval", percent(main.confidence));
    out["paramType"] = json!("MEDIAN");
    out["dispersionType"] = json!(limits);
    out["unitOfMeasure"] = json!("months");
    out["groups"] = json!(groups(results, PREFIX));
    out["denoms"] = denominators(PREFIX, main.arms.iter().map(|arm| arm.n));
    let why = "Not estimable: too few participants had the event";
    let medians = |of: &[ArmEstimate]| -> Vec<Value> {
        let arms = of.iter().enumerate();
        arms.map(|(place, arm)| measurement(&id(PREFIX, place), &arm.median_months, 2, why)).collect()
    };
    out["classes"] = json!([{ "categories": [{ "measurements": medians(&main.arms) }] }]);
    let mut analyses = compared(results, main, "");
    for other in others {
        analyses.extend(compared(results, other, &format!("Sensitivity analysis: {}. ", other.label)));
    }
    if !analyses.is_empty() {
        out["analyses"] = json!(analyses);
    }
    out
}

/// A level of confidence in per cent, as in `95` or `97.5`.
fn percent(confidence: f64) -> String {
    let text = decimals(confidence * 100.0, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The tests and hazard ratios of an analysis: each arm against control.
fn compared(results: &Results, analysis: &AnalysisResult, prefix: &str) -> Vec<Value> {
    let place = |arm: &trial::id::ArmId| results.arms.iter().position(|known| known.id == *arm);
    let mut out = Vec::new();
    for comparison in analysis.comparison.iter().chain(&analysis.more_comparisons) {
        let Comparison { arm, control, hazard_ratio, wald_p, logrank_p, .. } = comparison;
        let (Some(arm), Some(control)) = (place(arm), place(control)) else { continue };
        let by =
            if analysis.stratified { "stratified by the stratification factors" } else { "unstratified" };
        let both = json!([id(PREFIX, arm), id(PREFIX, control)]);
        let rules = format!("{prefix}{by}. {}", analysis.rules.join("; "));
        out.push(json!({
            "groupIds": both,
            "groupDescription": short(&rules, 500),
            "nonInferiorityType": "SUPERIORITY",
            "statisticalMethod": "Log Rank",
            "pValue": p_value(*logrank_p),
            "pValueComment": "two-sided",
        }));
        if let Some(value) = hazard_ratio.value {
            out.push(hazard(analysis, hazard_ratio, value, *wald_p, &both, &rules));
        }
    }
    out
}

fn hazard(
    analysis: &AnalysisResult,
    ratio: &Estimate,
    value: f64,
    p: Option<f64>,
    groups: &Value,
    rules: &str,
) -> Value {
    let mut out = json!({
        "groupIds": groups,
        "groupDescription": short(rules, 500),
        "nonInferiorityType": "SUPERIORITY",
        "statisticalMethod": "Regression, Cox",
        "statisticalComment": format!("Ties: {}", analysis.ties),
        "paramType": "Hazard Ratio (HR)",
        "paramValue": decimals(value, 3),
    });
    if let Some(p) = p {
        out["pValue"] = json!(p_value(p));
        out["pValueComment"] = json!("Wald, two-sided");
    }
    if let (Some(lower), Some(upper)) = (ratio.lower, ratio.upper) {
        out["ciNumSides"] = json!("TWO_SIDED");
        out["ciPctValue"] = json!(percent(analysis.confidence));
        out["ciLowerLimit"] = json!(decimals(lower, 3));
        out["ciUpperLimit"] = json!(decimals(upper, 3));
    }
    out
}

fn quality_of_life(results: &Results, quality: &QualityResult) -> Value {
    let words = format!(
        "Area under the curve of the {} from baseline to week {}, divided by the time it spans; 0 to {}, higher is better. Rules: {}.",
        quality.score,
        quality.to_week,
        quality.maximum,
        quality.rules.join("; ")
    );
    let title = format!("Quality of life: time-averaged {}", quality.score);
    let frame = format!("From baseline to week {}", quality.to_week);
    let mut out = outcome("SECONDARY", &title, &words, "All randomised with an area under the curve", &frame);
    out["paramType"] = json!("MEAN");
    out["dispersionType"] = json!(format!("{}% Confidence Interval", percent(quality.confidence)));
    out["unitOfMeasure"] = json!("units on a scale");
    out["groups"] = json!(groups(results, PREFIX));
    out["denoms"] = denominators(PREFIX, quality.auc.iter().map(|area| area.n));
    let areas = quality.auc.iter().enumerate();
    let why = "Not estimable: too few participants have an area";
    let means: Vec<Value> =
        areas.map(|(place, area)| measurement(&id(PREFIX, place), &area.average, 2, why)).collect();
    out["classes"] = json!([{ "categories": [{ "measurements": means }] }]);
    let first = results.arms.iter().position(|arm| !arm.control);
    let control = results.arms.iter().position(|arm| arm.control);
    if let (Some(difference), Some(first), Some(control)) = (&quality.difference, first, control)
        && let Some(value) = difference.value
    {
        let mut analysis = json!({
            "groupIds": [id(PREFIX, first), id(PREFIX, control)],
            "nonInferiorityType": "SUPERIORITY",
            "statisticalMethod": "t-test, 2 sided",
            "statisticalComment": "Welch",
            "paramType": "Mean Difference (Final Values)",
            "paramValue": decimals(value, 2),
        });
        if let Some(p) = quality.p {
            analysis["pValue"] = json!(p_value(p));
        }
        if let (Some(lower), Some(upper)) = (difference.lower, difference.upper) {
            analysis["ciNumSides"] = json!("TWO_SIDED");
            analysis["ciPctValue"] = json!(percent(quality.confidence));
            analysis["ciLowerLimit"] = json!(decimals(lower, 2));
            analysis["ciUpperLimit"] = json!(decimals(upper, 2));
        }
        out["analyses"] = json!([analysis]);
    }
    out
}

/// A count of participants a group in each of some categories.
fn categories(rows: Vec<(String, Vec<usize>)>) -> Value {
    let category = |(title, counts): (String, Vec<usize>)| {
        let counts: Vec<Value> = counts
            .into_iter()
            .enumerate()
            .map(|(place, n)| json!({ "groupId": id(PREFIX, place), "value": n.to_string() }))
            .collect();
        json!({ "title": title, "measurements": counts })
    };
    json!([{ "categories": rows.into_iter().map(category).collect::<Vec<_>>() }])
}

fn related(protocol: &Protocol, results: &Results) -> Value {
    let dictionary = protocol.safety.dictionary.as_deref().unwrap_or("the trial's dictionary");
    let words = format!(
        "Participants by the worst grade ({dictionary}) of an adverse event with onset after randomisation whose relation to {} is {}.",
        results.safety.attributed_to.join(" or "),
        protocol.safety.related.join(", ").to_lowercase()
    );
    let frame = frame(protocol, results, Origin::Randomisation);
    let mut out = outcome(
        "SECONDARY",
        "Treatment-related adverse events, worst grade",
        &words,
        "All who were randomised",
        &frame,
    );
    out["paramType"] = json!("COUNT_OF_PARTICIPANTS");
    out["unitOfMeasure"] = json!("Participants");
    out["groups"] = json!(groups(results, PREFIX));
    out["denoms"] = denominators(PREFIX, results.safety.at_risk.iter().copied());
    // The first row is of any event.
    let any = results.safety.related.iter().find(|row| row.class.is_none() && row.term.is_none());
    let grades = (0..5).map(|grade| {
        let counts = any.map_or_else(Vec::new, |row| row.counts.iter().map(|arm| arm[grade]).collect());
        (format!("Grade {}", grade + 1), counts)
    });
    out["classes"] = categories(grades.collect());
    out
}

fn response(protocol: &Protocol, results: &Results) -> Value {
    let confirmed = if protocol.tumour.confirmed { "confirmed" } else { "not needing confirmation" };
    let words = format!("Best overall response by RECIST 1.1, {confirmed}, by {}.", protocol.tumour.reader);
    let frame = frame(protocol, results, Origin::Randomisation);
    let mut out =
        outcome("OTHER_PRE_SPECIFIED", "Best overall response", &words, "All who were randomised", &frame);
    out["paramType"] = json!("COUNT_OF_PARTICIPANTS");
    out["unitOfMeasure"] = json!("Participants");
    out["groups"] = json!(groups(results, PREFIX));
    out["denoms"] = denominators(PREFIX, results.arms.iter().map(|arm| arm.randomised));
    let rows = results.responses.iter().map(|row| {
        let title = row.response.map_or("No assessment after baseline", |response| response.as_str());
        (title.to_owned(), row.counts.iter().map(|counted| counted.n).collect())
    });
    out["classes"] = categories(rows.collect());
    out
}

//! The rules of derivation in words, with the protocol's own numbers: what a plan and its reader need of them.
//!
//! Never applies one: RECIST is `recist`'s, the strategy `strategy`'s, and so on; each list says where its rules live. A rule that
//! changes there is changed here.

use crate::date::DAYS_PER_MONTH;
use crate::factb::BASELINE_ALLOWANCE_DAYS;
use crate::protocol::{Safety, Salvage, Strategy, TumourRules};

/// A share as percent, with the digits it was written with.
fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

/// RECIST 1.1 as `recist` applies it.
pub fn of_tumours(rules: &TumourRules) -> Vec<String> {
    let confirmed = if rules.confirmed {
        format!(
            "The best overall response counts complete and partial response when confirmed {} days later or more; the unconfirmed one is \
             given beside it.",
            rules.confirmation_days
        )
    } else {
        format!(
            "The best overall response counts without confirmation; the one confirmed {} days later or more is given beside it.",
            rules.confirmation_days
        )
    };
    vec![
        format!("Endpoints are judged on the assessments of the reader {}.", rules.reader),
        format!(
            "Measurable: a longest diameter of {} mm or more, a lymph node of {} mm or more in its short axis; a node under {} mm is \
             normal. At most {} targets, {} in an organ, lymph nodes being one.",
            rules.measurable_mm,
            rules.measurable_node_mm,
            rules.normal_node_mm,
            rules.max_targets,
            rules.max_targets_per_organ
        ),
        format!(
            "Progression of targets: the sum of diameters grows by {} % or more and by {} mm or more over its nadir, baseline included. \
             Partial response: it is smaller than at baseline by {} % or more. A lesion too small to measure counts as {} mm.",
            percent(rules.progression_relative),
            rules.progression_mm,
            percent(rules.response_relative),
            rules.too_small_mm
        ),
        "Progression of others: unequivocal worsening of a non-target, or an unequivocal new lesion. An equivocal new lesion that is \
         confirmed later dates the progression back to when it was first seen."
            .into(),
        "A progression is dated at the first scan of the assessment that shows it. Clinical progression counts as progression on the \
         day it was judged."
            .into(),
        format!("Stable disease is a best response from {} days after baseline.", rules.stable_min_days),
        confirmed,
        format!(
            "A lesion progresses by itself where it grows by {} % or more and by {} mm or more over its own nadir, is unequivocally worse, \
             or is new. A progression is oligoprogression where {} lesions or fewer progress, none of them inside the skull.",
            percent(rules.lesion_relative),
            rules.lesion_mm,
            rules.oligo_max_lesions
        ),
        "The first progression is judged against the baseline of randomisation; one after a salvaged progression, or on a later line of \
         therapy, against the last assessment before that new start."
            .into(),
    ]
}

/// What holds and what fails the strategy of an arm, as `strategy` follows it.
pub fn of_strategy(rule: &Strategy) -> Vec<String> {
    let mut said = Vec::new();
    match rule.salvage {
        Salvage::None => said.push(
            "The arm allows no local salvage: the first progression fails the strategy, on its day.".into(),
        ),
        Salvage::Sabr => {
            let place = if rule.extracranial_only { ", none of them inside the skull" } else { "" };
            let continues = if rule.systemic_continues {
                ", and the systemic therapy under way continues through it (a pause or a switch for toxicity does not end it)"
            } else {
                ""
            };
            said.push(format!(
                "A progression of at most {} lesions{place} does not fail the strategy where SABR to every progressing lesion is \
                 completed within {} days of the day the progression was certain{continues}.",
                rule.max_lesions, rule.within_days
            ));
            said.push(
                "Any other progression fails it, on the day of the progression: more lesions, one not amenable to SABR and not treated, \
                 growth of the sum of diameters without a progressing lesion, a clinical progression that names no lesion, SABR not completed in time, death \
                 before it was completed, a decision to give the strategy up."
                    .into(),
            );
            said.push(
                "While neither a decision is recorded nor the days are over, the strategy is pending; each analysis says how that counts."
                    .into(),
            );
        }
    }
    if rule.fails_on_systemic_change {
        said.push(
            "A line of systemic therapy begun for progression after the day of randomisation fails it; the earlier of the two days counts. \
             A change for toxicity alone does not."
                .into(),
        );
    } else {
        said.push("A change of systemic therapy by itself does not fail it.".into());
    }
    said.push("Death of any cause fails it.".into());
    said
}

/// Dates and times, as `date`, `derive`, `endpoint` and `safety` handle them.
pub fn of_dates() -> Vec<String> {
    vec![
        "A day, a month or a year is kept as precisely as it was recorded (ISO 8601). A day is imputed only where an analysis needs \
         one, by a rule named here, and is marked (ADTF)."
            .into(),
        "An onset or a start: the first day that the date can mean; for a line of systemic therapy no earlier than the day after \
         randomisation, and for an adverse event no earlier than randomisation, where what is known allows that day."
            .into(),
        "An end, or a death: the last day that the date can mean, no later than the data cut where what is known allows that; a \
         death no earlier than the subject was last seen alive."
            .into(),
        format!(
            "Times are counted in days with the origin as day 1 (AVAL = ADT \u{2212} STARTDT + 1) and given in months of {DAYS_PER_MONTH} days."
        ),
        "Of events on one day the one named first in the endpoint's order of causes decides: strategy failure, progression, \
         progression on the next line, death."
            .into(),
        "The next line of systemic therapy is the first begun after the day of randomisation for progression or another reason; a \
         switch for toxicity, and what the arm prescribes, are none."
            .into(),
    ]
}

/// Missing data of times to events, as `endpoint` handles them.
pub fn of_missing_times() -> Vec<String> {
    vec![
        "Nothing is imputed but days of partial dates. Who has no event is censored where the endpoint says.".into(),
        "An assessment is adequate where it can show progression or its absence: its overall response is not 'not evaluable'. Who has \
         no adequate assessment after the origin is censored at the origin (day 1)."
            .into(),
        "After a withdrawal of consent or a loss to follow-up nothing further is looked at, but for survival, which is followed as long \
         as anything is known; who has no event by then is censored as the endpoint says."
            .into(),
        "A scheduled assessment counts as missed where its whole window passed without one; an assessment made early or late stands \
         for the scheduled one it is nearest to. Only an analysis that says so censors after missed assessments."
            .into(),
        "Censoring is taken to be independent of what would have been seen, given the strata; the sensitivity analyses vary it.".into(),
    ]
}

/// Scores of FACT-B, as `factb` makes them.
pub fn of_fact_b() -> Vec<String> {
    vec![
        "A subscale is prorated (sum of scores times items over items answered) where more than half of its items were answered, \
         else it is missing."
            .into(),
        "The total needs all five subscales and more than 80 % of the 37 items; it ranges from 0 to 148, higher being better.".into(),
        format!(
            "The baseline is the last total on or before the day of randomisation, else the first within {BASELINE_ALLOWANCE_DAYS} days \
             after it. Of two questionnaires for one planned week the one that can be scored counts, then the one nearer to it."
        ),
        "Who lacks a baseline total or any later one has no area; how many is shown by arm.".into(),
    ]
}

/// Adverse events, as `safety` counts them.
pub fn of_safety(rules: &Safety) -> Vec<String> {
    let dictionary = rules.dictionary.as_deref();
    let mut said = vec![match dictionary {
        Some(dictionary) => format!("Terms and grades by {dictionary}; grade 5 is death."),
        None => "The protocol file names no dictionary; terms that CTCAE v5.0 knows are filed under its spelling and class.".into(),
    }];
    said.push(
        "Counted are events with onset on or after randomisation; an onset that is partial or missing and may lie there counts, as the \
         careful reading."
            .into(),
    );
    if rules.attributed_to.is_empty() {
        said.push("The forms ask for no attribution, so that none is treatment-related.".into());
    } else {
        let to: Vec<&str> = rules.attributed_to.values().map(String::as_str).collect();
        said.push(format!(
            "Treatment-related (TRAE): attributed to {} as {}.",
            to.join(" or "),
            rules.related.join(", ").to_lowercase()
        ));
    }
    said.push(
        "Tables count subjects, each once at the worst grade: by term, by system organ class, overall; of all events, of related ones, \
         and of those related to each treatment; by arm. Events without a grade are listed and in no table of grades."
            .into(),
    );
    said.push(
        "Serious events are counted by arm; serious and related ones are marked as expedited and listed."
            .into(),
    );
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::check;

    /// A number of the file stands in the words, and moves with it.
    #[test]
    fn the_words_carry_the_numbers_of_the_file() {
        let protocol = check(include_str!("../../../protocols/avatar-ii.toml")).unwrap().protocol;
        let mut strategy = protocol.arms[0].strategy.clone().unwrap();
        (strategy.max_lesions, strategy.within_days) = (3, 77);
        let said = of_strategy(&strategy).join(" ");
        assert!(said.contains("at most 3 lesions") && said.contains("within 77 days"), "{said}");
        let tumour = TumourRules { progression_relative: 0.29, lesion_mm: 7.5, ..TumourRules::default() };
        let said = of_tumours(&tumour).join(" ");
        assert!(said.contains("29 % or more") && said.contains("7.5 mm"), "{said}");
    }
}

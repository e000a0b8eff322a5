//! Where the plan answers each item of the guideline for plans, and what the protocol file does not state.
//!
//! Never counts an item as answered because a section bears its name: each is answered by something that the file says or the program does.

use analysis::in_words;
use maud::{Markup, html};
use trial::plan::ITEMS;
use trial::protocol::{AnalysisRole, Concept, Protocol};

use super::statements;

/// How an item is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// In this section: its anchor.
    In(&'static str),
    /// Not by the file: what it does not state.
    Missing(String),
}

/// Each item of the guideline with its answer, in its order.
pub fn answers(protocol: &Protocol) -> Vec<(&'static str, &'static str, Answer)> {
    let answered = |id: &'static str| {
        let own = answer(protocol, id);
        match own {
            Answer::Missing(_) if !statements(protocol, &[id]).is_empty() => Answer::In(section(id)),
            other => other,
        }
    };
    ITEMS.iter().map(|asked| (asked.id, asked.words, answered(asked.id))).collect()
}

/// The section in which statements of an item stand.
pub fn section(id: &str) -> &'static str {
    let number: u32 = id.trim_end_matches(|c: char| c.is_ascii_lowercase()).parse().unwrap_or(0);
    match number {
        1..=6 => "administration",
        7 | 8 => "background",
        9..=15 => "methods",
        16..=20 => "principles",
        21..=25 => "population",
        26 => "estimands",
        27 | 29 => "analyses",
        28 => "rules",
        30 => "safety",
        31 => "software",
        _ => "references",
    }
}

/// What the file does not state, with what is asked for.
fn missing(what: &str) -> Answer {
    Answer::Missing(format!("The protocol file does not state {what}."))
}

fn when(stated: bool, id: &'static str, what: &str) -> Answer {
    if stated { Answer::In(section(id)) } else { missing(what) }
}

fn answer(protocol: &Protocol, id: &'static str) -> Answer {
    let trial = &protocol.trial;
    let has = |concept| protocol.forms.iter().any(|form| form.concept == concept);
    let stated = |is: bool, what: &str| when(is, id, what);
    match id {
        "1b" => stated(trial.registry.is_some(), "a number in a trial registry"),
        "2" => {
            missing("the version of the plan with its date; the version of the protocol file stands for it")
        }
        "4a" => missing("earlier versions of the plan"),
        "4b" => missing("why the plan was revised"),
        "4c" => missing("when the plan was revised, against interim analyses and unblinding"),
        "5" => missing("who contributed to the plan, with affiliations and roles; nor the sponsor"),
        "6a" => missing("who wrote the plan; there is a line to sign on"),
        "6b" => missing("the senior statistician responsible; there is a line to sign on"),
        "6c" => missing("the chief investigator; there is a line to sign on"),
        "7" => stated(!protocol.background.is_empty(), "the background and the rationale"),
        "8" => stated(trial.objective.is_some(), "the objective"),
        "11" => stated(trial.sample_size.is_some(), "what the sample size rests on"),
        "12" => missing("whether superiority, equivalence or non-inferiority is tested"),
        "13a" => missing("whether there are interim analyses; none is planned in it"),
        "13b" => missing("an adjustment of the significance level for interim analyses"),
        "13c" => missing("guidelines for stopping the trial early"),
        "14" => missing("when the final analysis is made"),
        "16" => stated(trial.sample_size.is_some(), "the level of significance"),
        "17" => missing("whether or how multiplicity is adjusted for; every test is made at its own level"),
        "19a" => missing("what adherence to the intervention is"),
        "19b" => missing("how adherence is presented"),
        "19c" | "19d" => stated(has(Concept::Deviation), "what a protocol deviation is; no form records one"),
        "22" => stated(!protocol.eligibility.is_empty(), "criteria of eligibility"),
        "24a" | "24c" => stated(has(Concept::Withdrawal), "levels of withdrawal; no form records one"),
        "25a" | "25b" => stated(!in_words::baseline(protocol).is_empty(), "baseline characteristics"),
        "27a" => analysed(protocol, id),
        "27e" => sensitivity(protocol, id),
        "27f" => missing("subgroup analyses; none is made"),
        "29" => missing("additional statistical analyses"),
        "30" => stated(has(Concept::AdverseEvent), "how harms are recorded; no form does"),
        "32b" => missing("the data management plan"),
        "32c" => missing("the trial master file and the statistical master file"),
        "32d" => missing("other procedures or documents to be followed"),
        // Stated by every protocol file (it could not be read without), or done by the program whatever the file says.
        _ => Answer::In(section(id)),
    }
}

/// Every endpoint has a main analysis, or those without are named.
fn analysed(protocol: &Protocol, id: &'static str) -> Answer {
    without(protocol, AnalysisRole::Main)
        .map_or(Answer::In(section(id)), |names| missing(&format!("a main analysis of {names}")))
}

fn sensitivity(protocol: &Protocol, id: &'static str) -> Answer {
    without(protocol, AnalysisRole::Sensitivity)
        .map_or(Answer::In(section(id)), |names| missing(&format!("a sensitivity analysis of {names}")))
}

fn without(protocol: &Protocol, role: AnalysisRole) -> Option<String> {
    let lacks = |id: &str| !protocol.analyses.iter().any(|one| one.endpoint == id && one.role == role);
    let names: Vec<String> =
        protocol.endpoints.iter().filter(|one| lacks(&one.id)).map(|one| one.id.clone()).collect();
    (!names.is_empty()).then(|| super::listed(&names))
}

/// The list of what the file does not state.
pub fn gaps(protocol: &Protocol) -> Markup {
    let open: Vec<_> = answers(protocol)
        .into_iter()
        .filter_map(|(id, words, answer)| match answer {
            Answer::Missing(what) => Some((id, words, what)),
            Answer::In(_) => None,
        })
        .collect();
    html! {
        @if open.is_empty() {
            p.empty { "Every item of the guideline is answered." }
        } @else {
            p { "A plan should say these (Gamble et al. 2017; ICH E9), and the protocol file does not. Nothing stands here in their place. Each is
                filled in the file with " code { "[[plan]]" } ", " code { "item = \"…\"" } " and " code { "text = \"…\"" } "." }
            table {
                caption { "What the protocol file does not state" }
                thead { tr { th scope="col" { "Item" } th scope="col" { "What it asks for" } th scope="col" { "What is missing" } } }
                tbody { @for (id, words, what) in &open { tr { th scope="row" { (id) } td { (words) } td { (what) } } } }
            }
        }
    }
}

/// The guideline item by item, with the section that answers it. `titles` gives the number and title of a section.
pub fn checklist(protocol: &Protocol, titles: &dyn Fn(&str) -> Option<(usize, String)>) -> Markup {
    html! {
        table.small {
            caption { "Items of the guideline for plans (Gamble et al. 2017)" }
            thead { tr { th scope="col" { "Item" } th scope="col" { "What it asks for" } th scope="col" { "Where" } } }
            tbody { @for (id, words, answer) in answers(protocol) {
                tr { th scope="row" { (id) } td { (words) } td { @match answer {
                    Answer::In(anchor) => @match titles(anchor) {
                        Some((number, title)) => a href=(format!("#{anchor}")) { (number) " " (title) },
                        None => "in this plan",
                    },
                    Answer::Missing(_) => strong { "not stated" },
                } } }
            } }
        }
    }
}

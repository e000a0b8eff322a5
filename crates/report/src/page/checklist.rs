//! The CONSORT checklist: each item, and where in this report it stands or who has to write it.
//!
//! Never claims an item that only an author can meet. Hopewell et al., CONSORT 2025, BMJ 2025;389:e081123 (items in our
//! words); the item of CONSORT 2010 (Schulz et al., BMJ 2010;340:c332) beside it.

use maud::{Markup, html};

use super::View;

/// Where an item stands.
enum At {
    /// In this report: anchor and name of the section.
    Here(&'static str, &'static str),
    /// In the protocol file, which this report follows.
    Protocol(&'static str),
    /// Nowhere yet: for the authors.
    Authors,
}

use At::{Authors, Here, Protocol};

/// Number in 2025, in 2010, the item in short, where it stands.
const ITEMS: [(&str, &str, &str, At); 42] = [
    ("1a", "1a", "Title names it as a randomised trial", Authors),
    ("1b", "1b", "Structured summary", Authors),
    ("2", "23", "Registry, identifier and date", Here("content", "Opening")),
    (
        "3",
        "24",
        "Where protocol and analysis plan can be read",
        Protocol("the protocol file, with its analyses"),
    ),
    ("4", "–", "Sharing of data, code and materials", Authors),
    ("5a", "25", "Funding and role of the funders", Authors),
    ("5b", "–", "Competing interests", Authors),
    ("6", "2a", "Background and rationale", Here("assumed", "What the design rests on")),
    ("7", "2b", "Objectives, benefits and harms", Protocol("endpoints and their definitions")),
    ("8", "–", "Patients and public in design, conduct, reporting", Authors),
    ("9", "3a", "Design, allocation ratio, framework", Here("about", "Trial and data cut")),
    ("10", "3b, 6b", "Changes after the trial began, with reasons", Protocol("its versions")),
    ("11", "4b", "Settings and locations", Here("recruitment", "Recruitment")),
    ("12a", "4a", "Eligibility of participants", Protocol("eligibility")),
    ("12b", "–", "Eligibility of sites and of those who treat", Authors),
    ("13", "5", "Interventions of each arm, in detail to repeat", Here("sabr", "SABR")),
    ("14", "6a", "Outcomes, defined beforehand", Here("primary", "Primary and other endpoints")),
    ("15", "–", "How harms were defined and assessed", Here("safety", "Safety")),
    ("16a", "7a", "How the sample size was found", Protocol("the design of the trial")),
    ("16b", "7b", "Interim analyses and stopping", Protocol("the design of the trial")),
    ("17a", "8a", "Who made the sequence, and how", Protocol("randomisation")),
    ("17b", "8b", "Type of randomisation, blocks, strata", Protocol("randomisation and stratification")),
    ("18", "9", "Concealment of the allocation", Protocol("randomisation")),
    ("19", "10", "Who enrolled and who assigned had no access to the sequence", Authors),
    ("20a", "11a", "Who was blinded", Authors),
    ("20b", "11b", "How blinding was achieved", Authors),
    (
        "21a",
        "12a",
        "Statistical methods for each outcome, with harms",
        Here("methods", "How this report was made"),
    ),
    ("21b", "–", "Who is in each analysis, and in which group", Here("methods", "How this report was made")),
    ("21c", "–", "How missing data were handled", Here("quality", "Rules of times and of quality of life")),
    (
        "21d",
        "12b",
        "Additional analyses, named before or after",
        Here("all-ratios", "All analyses; subgroups"),
    ),
    ("22a", "13a", "Numbers assigned, treated, analysed by group", Here("flow", "Flow of subjects")),
    ("22b", "13b", "Losses and exclusions, with reasons", Here("flow", "Flow of subjects")),
    ("23a", "14a", "Dates of recruitment and of follow-up", Here("recruitment", "Recruitment")),
    ("23b", "14b", "Why the trial ended or was stopped", Authors),
    ("24a", "–", "Interventions as they were given, with adherence", Here("sabr", "SABR; deviations")),
    ("24b", "–", "Concomitant care by group", Here("swimmer", "Course of each subject")),
    ("25", "15", "Baseline by group", Here("baseline", "Baseline by arm")),
    (
        "26",
        "16, 17a, 17b",
        "Numbers analysed, results and effect with precision",
        Here("primary", "Primary and other endpoints"),
    ),
    ("27", "19", "Harms and unintended events by group", Here("safety", "Safety")),
    ("28", "18", "Other analyses, those of subgroups among them", Here("subgroups", "Subgroups")),
    ("29", "22", "Interpretation, with benefits and harms in balance", Authors),
    ("30", "20, 21", "Limitations: bias, imprecision, generalisability", Authors),
];

/// The checklist.
pub fn checklist(_view: &View<'_>) -> Markup {
    let here = ITEMS.iter().filter(|(.., at)| matches!(at, Here(..))).count();
    let authors = ITEMS.iter().filter(|(.., at)| matches!(at, Authors)).count();
    html! {
        p { "Of the " (ITEMS.len()) " items and parts of items of CONSORT 2025, " (here) " stand in this report at least in part, "
            (ITEMS.len() - here - authors) " in the protocol it follows, and " (authors) " are for the authors to write." }
        div.wide { table.small {
            caption { "CONSORT 2025 checklist, with the item of CONSORT 2010" }
            thead { tr { th scope="col" { "2025" } th scope="col" { "2010" } th scope="col" { "Item" } th scope="col" { "Where" } } }
            tbody { @for (now, before, what, at) in &ITEMS { tr {
                th scope="row" { (now) } td { (before) } td { (what) }
                td { @match at {
                    Here(anchor, name) => a href=(format!("#{anchor}")) { (name) },
                    Protocol(what) => { "Protocol: " (what) },
                    Authors => { strong { "For the authors" } },
                } }
            } } }
        } }
    }
}

//! What a statistical analysis plan must say: the items of the guideline for such plans, and the attributes of an estimand.
//!
//! Never says what a trial answers to them (see `report::document`). Gamble et al., Guidelines for the content of statistical
//! analysis plans in clinical trials, JAMA 2017;318:2337-2343, table; ICH E9(R1), section A.3.3. The words here are our own.

/// An item of the guideline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its number, as in `13a`.
    pub id: &'static str,
    /// What it asks for.
    pub words: &'static str,
}

const fn asked(id: &'static str, words: &'static str) -> Asked {
    Asked { id, words }
}

/// Every item of the guideline, in its order.
pub const ITEMS: [Asked; 55] = [
    asked("1a", "Title that matches the protocol's, with the trial's short name"),
    asked("1b", "Number in a trial registry"),
    asked("2", "Version of the plan, with its date"),
    asked("3", "Version of the protocol it goes by"),
    asked("4a", "Earlier versions of the plan"),
    asked("4b", "Why each was revised"),
    asked("4c", "When each was revised, against interim analyses and unblinding"),
    asked("5", "Names, affiliations and roles of who contributed to the plan"),
    asked("6a", "Signature of who wrote the plan"),
    asked("6b", "Signature of the senior statistician responsible"),
    asked("6c", "Signature of the chief investigator or clinical lead"),
    asked("7", "Background and rationale, with the research question"),
    asked("8", "Objectives or hypotheses"),
    asked("9", "Design: kind of trial, allocation ratio, interventions"),
    asked("10", "Randomisation: method, stratification or minimisation factors"),
    asked("11", "Sample size with its calculation"),
    asked(
        "12",
        "Framework of testing: superiority, equivalence or non-inferiority, and of which comparisons",
    ),
    asked("13a", "Interim analyses: which, and when"),
    asked("13b", "Adjustment of the significance level for interim analyses"),
    asked("13c", "Guidelines for stopping the trial early"),
    asked("14", "When the final analysis is made"),
    asked("15", "When outcomes are assessed, with the windows of visits"),
    asked("16", "Level of statistical significance"),
    asked("17", "Adjustment for multiplicity, and how the type I error is controlled"),
    asked("18", "Confidence intervals to be reported"),
    asked("19a", "What adherence to the intervention is and how it is assessed"),
    asked("19b", "How adherence is presented"),
    asked("19c", "What a protocol deviation is"),
    asked("19d", "Which protocol deviations are summarised"),
    asked("20", "Analysis populations"),
    asked("21", "Data of screening, to tell how representative the sample is"),
    asked("22", "Eligibility criteria"),
    asked("23", "What the CONSORT flow diagram shows"),
    asked("24a", "Levels of withdrawal: from the intervention, from follow-up"),
    asked("24b", "When withdrawals and losses to follow-up happened"),
    asked("24c", "How reasons for withdrawal and loss to follow-up are presented"),
    asked("25a", "Baseline characteristics that are summarised"),
    asked("25b", "How they are summarised"),
    asked("26a", "Each outcome and its timing, with the order of importance"),
    asked("26b", "What is measured, and in which units"),
    asked("26c", "Calculations that derive an outcome"),
    asked("27a", "Method of analysis, and how treatment effects are presented"),
    asked("27b", "Adjustment for covariates"),
    asked("27c", "How the assumptions of the methods are checked"),
    asked("27d", "What is done where they do not hold"),
    asked("27e", "Sensitivity analyses of each outcome"),
    asked("27f", "Subgroup analyses of each outcome, and how subgroups are defined"),
    asked("28", "Missing data: how reported, which assumptions and methods"),
    asked("29", "Additional statistical analyses"),
    asked("30", "Harms: severity, expectedness, causality, coding, and how they are analysed"),
    asked("31", "Statistical software"),
    asked("32a", "References for statistical methods that are not standard"),
    asked("32b", "The data management plan"),
    asked("32c", "The trial master file and the statistical master file"),
    asked("32d", "Other procedures or documents to be followed"),
];

/// The clinical question and the attributes of an estimand (ICH E9(R1), A.3.3), of which `[[plan]]` may say more than the
/// endpoint's rules do.
pub const ATTRIBUTES: [&str; 6] =
    ["question", "treatment", "population", "variable", "intercurrent", "summary"];

/// Whether an item is an attribute of an estimand, and so belongs to an endpoint.
pub fn is_attribute(item: &str) -> bool {
    ATTRIBUTES.contains(&item)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rstest::rstest;

    use super::*;
    use crate::protocol::check;

    /// The published table has 32 numbered items, 55 with their parts.
    #[test]
    fn has_every_item_of_the_guideline_once() {
        let ids: BTreeSet<&str> = ITEMS.iter().map(|asked| asked.id).collect();
        assert_eq!(ids.len(), ITEMS.len());
        let numbers: BTreeSet<u32> = ids
            .iter()
            .map(|id| id.trim_end_matches(|c: char| c.is_ascii_lowercase()).parse().unwrap_or_default())
            .collect();
        assert_eq!(numbers, (1..=32).collect());
    }

    #[rstest]
    #[case("item = \"17\"", &[])]
    #[case("item = \"treatment\"\nendpoint = \"PFS\"", &[])]
    #[case("item = \"13\"", &["plan[0].item"])]
    #[case("item = \"33\"", &["plan[0].item"])]
    #[case("item = \"treatment\"", &["plan[0].item"])]
    #[case("item = \"17\"\nendpoint = \"PFS\"", &["plan[0].endpoint"])]
    #[case("item = \"treatment\"\nendpoint = \"DFS\"", &["plan[0].endpoint"])]
    fn a_statement_answers_an_item_that_exists(#[case] statement: &str, #[case] want: &[&str]) {
        let file = include_str!("../../../protocols/stop.toml");
        let file = format!("{file}\n[[plan]]\n{statement}\ntext = \"As stated.\"\n");
        let faults = check(&file).err().unwrap_or_default();
        let found: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(found, want, "{faults:?}");
    }
}

//! The results of a report as a reporting event of CDISC's Analysis Results Standard 1.0.
//!
//! Never computes: each number is one of `analysis::results`, unrounded, with the analysis it belongs to, the data set and the records it
//! was made from, the rules in words, and where it stands on the page (`report.html`) and in `results.json`, which lead to its events.

mod analyses;
mod methods;
mod model;

use analysis::Plan;
use analysis::results::{Estimate, Results};
use trial::id::ArmId;
use trial::protocol::ProtocolHistory;

pub use model::ReportingEvent;

use methods::Known;
use model::{
    Analysis, Condition, DocumentReference, Grouping, ListItem, ListOfContents, NestedList, OperationResult,
    OrderedGrouping, PageNameRef, ReferenceDocument, ResultGroup, SponsorTerm, Term, TerminologyExtension,
    Where,
};

/// The reporting event of a report: `results` of the trial that `history` tells of.
pub fn reporting_event(history: &ProtocolHistory, results: &Results) -> ReportingEvent {
    let plan = Plan::new(history);
    let parameters = crate::adam::parameters(&plan);
    let mut draft = Draft::new(results);
    analyses::all(results, &parameters, &mut draft);
    let about = &results.about;
    let cut = match (about.as_of, about.cut) {
        (None, None) => String::new(),
        (Some(moment), None) => format!(" As of {moment}."),
        (None, Some(day)) => format!(" Data cut {day}."),
        (Some(moment), Some(day)) => format!(" As of {moment}, data cut {day}."),
    };
    let simulated = if about.simulated { " SIMULATED DATA." } else { "" };
    let head = about
        .head
        .as_ref()
        .map(|head| format!(" Ledger head {head}, {} events.", about.events))
        .unwrap_or_default();
    let subsets = parameters.iter().zip(1..).map(|(parameter, order)| Where {
        id: subset(&parameter.code),
        label: parameter.label.clone(),
        level: 1,
        order,
        condition: Some(equal("ADTTE", "PARAMCD", &parameter.code)),
    });
    ReportingEvent {
        id: about.registry.clone().unwrap_or_else(|| about.trial.clone()),
        version: 1,
        name: format!("{}: report", about.trial),
        description: format!("{}. Protocol {}.{cut}{head}{simulated}", about.title, about.protocol_version),
        main_list_of_contents: ListOfContents {
            name: "Analyses in the order of the report".to_owned(),
            contents_list: draft.contents,
        },
        reference_documents: documents(results),
        terminology_extensions: vec![purposes()],
        analysis_sets: vec![
            Where {
                id: ALL_SUBJECTS.to_owned(),
                label: "All subjects screened".to_owned(),
                level: 1,
                order: 1,
                condition: None,
            },
            Where {
                id: ITT.to_owned(),
                label: "Intention to treat: every subject randomised, in the arm of randomisation".to_owned(),
                level: 1,
                order: 2,
                condition: Some(equal("ADSL", "ITTFL", "Y")),
            },
        ],
        analysis_groupings: vec![arms(results)],
        data_groupings: draft.groupings,
        data_subsets: subsets.collect(),
        methods: methods::ALL.iter().map(|known| known.method()).collect(),
        analyses: draft.analyses,
    }
}

/// The analysis sets.
const ALL_SUBJECTS: &str = "AS_ALL";
const ITT: &str = "AS_ITT";

/// The grouping by arm.
const ARM: &str = "G_ARM";

const PAGE: &str = "RD_REPORT";
const VALUES: &str = "RD_RESULTS";

fn subset(code: &str) -> String {
    format!("DS_{code}")
}

fn equal(dataset: &str, variable: &str, value: &str) -> Condition {
    Condition {
        dataset: dataset.to_owned(),
        variable: variable.to_owned(),
        comparator: "EQ",
        value: vec![value.to_owned()],
    }
}

fn documents(results: &Results) -> Vec<ReferenceDocument> {
    let document = |id: &str, name: String, description: &str, location: Option<&str>| ReferenceDocument {
        id: id.to_owned(),
        name,
        description: description.to_owned(),
        location: location.map(str::to_owned),
    };
    vec![
        document(PAGE, "Report".to_owned(), "Pages are named by their anchors.", Some("report.html")),
        document(
            VALUES,
            "Results".to_owned(),
            "Pages are named by JSON pointers (RFC 6901) to the numbers, each with the subjects and events behind it.",
            Some("results.json"),
        ),
        document(
            "RD_PROTOCOL",
            format!("Protocol {}", results.about.protocol_version),
            "The plan of the analyses.",
            None,
        ),
    ]
}

/// Purposes beside the standard's outcome measures: id, submission value, description.
const PURPOSES: [(&str, &str, &str); 4] = [
    ("P_FLOW", "PARTICIPANT FLOW", "Who was screened, randomised, treated and followed."),
    ("P_BASELINE", "BASELINE CHARACTERISTICS", "The subjects as they were randomised."),
    ("P_EXPOSURE", "EXPOSURE", "What treatment was given."),
    ("P_SAFETY", "SAFETY", "Adverse events."),
];

fn purposes() -> TerminologyExtension {
    TerminologyExtension {
        id: "TE_PURPOSE".to_owned(),
        enumeration: "AnalysisPurposeEnum",
        sponsor_terms: PURPOSES
            .iter()
            .map(|(id, value, description)| SponsorTerm {
                id: (*id).to_owned(),
                submission_value: (*value).to_owned(),
                description: (*description).to_owned(),
            })
            .collect(),
    }
}

fn arms(results: &Results) -> Grouping {
    let group = |(arm, order): (&analysis::results::ArmName, usize)| Where {
        id: arm_group(&arm.id),
        label: arm.label.clone(),
        level: 1,
        order,
        condition: Some(equal("ADSL", "TRT01P", &arm.label)),
    };
    Grouping {
        id: ARM.to_owned(),
        label: "Arm of randomisation".to_owned(),
        data_driven: false,
        grouping_dataset: Some("ADSL".to_owned()),
        grouping_variable: Some("TRT01P".to_owned()),
        groups: results.arms.iter().zip(1..).map(group).collect(),
    }
}

fn arm_group(arm: &ArmId) -> String {
    format!("{ARM}.{}", arm.as_str())
}

fn of_arm(arm: &ArmId) -> ResultGroup {
    ResultGroup { grouping_id: ARM.to_owned(), group_id: Some(arm_group(arm)), group_value: None }
}

/// What the analyses are gathered in.
struct Draft {
    arms: Vec<ArmId>,
    contents: NestedList,
    groupings: Vec<Grouping>,
    analyses: Vec<Analysis>,
}

impl Draft {
    fn new(results: &Results) -> Self {
        Self {
            arms: results.arms.iter().map(|arm| arm.id.clone()).collect(),
            contents: NestedList::default(),
            groupings: Vec::new(),
            analyses: Vec::new(),
        }
    }

    /// Begins a chapter of the list of contents.
    fn chapter(&mut self, name: &str) {
        let order = self.contents.list_items.len() + 1;
        self.contents.list_items.push(ListItem {
            name: name.to_owned(),
            level: 1,
            order,
            analysis_id: None,
            sublist: Some(NestedList::default()),
        });
    }

    /// A grouping by the values of the data: those of a variable, where it is one's.
    fn grouping(&mut self, id: &str, label: &str, variable: Option<(&str, &str)>) {
        if self.groupings.iter().all(|known| known.id != id) {
            self.groupings.push(Grouping {
                id: id.to_owned(),
                label: label.to_owned(),
                data_driven: true,
                grouping_dataset: variable.map(|(set, _)| set.to_owned()),
                grouping_variable: variable.map(|(_, name)| name.to_owned()),
                groups: Vec::new(),
            });
        }
    }

    /// Adds an analysis to the last chapter. One without a number is not there.
    fn add(&mut self, analysis: Analysis) {
        if analysis.results.is_empty() {
            return;
        }
        if let Some(chapter) =
            self.contents.list_items.last_mut().and_then(|chapter| chapter.sublist.as_mut())
        {
            let order = chapter.list_items.len() + 1;
            chapter.list_items.push(ListItem {
                name: analysis.name.clone(),
                level: 2,
                order,
                analysis_id: Some(analysis.id.clone()),
                sublist: None,
            });
        }
        self.analyses.push(analysis);
    }
}

/// An analysis in the making.
struct Making {
    analysis: Analysis,
    known: &'static Known,
}

/// Where an analysis stands: an anchor of the page, and a pointer into `results.json`.
struct Place(String, String);

fn making(id: String, name: String, purpose: Term, known: &'static Known, place: Place) -> Making {
    let page = |document: &str, name: String| DocumentReference {
        reference_document_id: document.to_owned(),
        page_refs: vec![PageNameRef { ref_type: "NamedDestination", page_names: vec![name] }],
    };
    let Place(anchor, pointer) = place;
    Making {
        analysis: Analysis {
            id,
            version: 1,
            name,
            description: String::new(),
            reason: Term::Controlled("SPECIFIED IN PROTOCOL"),
            purpose,
            document_refs: vec![page(PAGE, anchor), page(VALUES, pointer)],
            analysis_set_id: ITT.to_owned(),
            data_subset_id: None,
            dataset: None,
            variable: None,
            ordered_groupings: Vec::new(),
            method_id: known.id.to_owned(),
            results: Vec::new(),
        },
        known,
    }
}

impl Making {
    fn of_all_subjects(mut self) -> Self {
        ALL_SUBJECTS.clone_into(&mut self.analysis.analysis_set_id);
        self
    }

    fn data(mut self, dataset: &str, variable: &str) -> Self {
        self.analysis.dataset = Some(dataset.to_owned());
        self.analysis.variable = Some(variable.to_owned());
        self
    }

    fn by(mut self, groupings: &[&str]) -> Self {
        self.analysis.ordered_groupings = groupings
            .iter()
            .zip(1..)
            .map(|(id, order)| OrderedGrouping {
                order,
                grouping_id: (*id).to_owned(),
                results_by_group: true,
            })
            .collect();
        self
    }

    #[allow(clippy::needless_pass_by_value)] // counts and reals alike
    fn number(&mut self, operation: &str, groups: &[ResultGroup], value: impl ToString) {
        self.analysis.results.push(OperationResult {
            operation_id: self.known.operation(operation),
            result_groups: groups.to_vec(),
            raw_value: value.to_string(),
        });
    }

    fn maybe(&mut self, operation: &str, groups: &[ResultGroup], value: Option<f64>) {
        if let Some(value) = value {
            self.number(operation, groups, value);
        }
    }

    /// A value with its limits, whose operations end on `_LCL` and `_UCL`.
    fn estimate(&mut self, operation: &str, groups: &[ResultGroup], estimate: &Estimate) {
        self.maybe(operation, groups, estimate.value);
        self.maybe(&format!("{operation}_LCL"), groups, estimate.lower);
        self.maybe(&format!("{operation}_UCL"), groups, estimate.upper);
    }
}

/// A group that is a value of the data.
#[allow(clippy::needless_pass_by_value)] // numbers and texts alike
fn value(grouping: &str, value: impl ToString) -> ResultGroup {
    ResultGroup { grouping_id: grouping.to_owned(), group_id: None, group_value: Some(value.to_string()) }
}

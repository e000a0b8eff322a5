//! The classes of the Analysis Results Standard 1.0 that a report fills, under the names of its JSON schema.
//!
//! Never holds a class or a key that the standard does not know: it allows no others. What each means is told at
//! <https://cdisc-org.github.io/analysis-results-standard>.

#![allow(clippy::struct_field_names)] // they are the standard's

use serde::Serialize;

/// `ReportingEvent`: all of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportingEvent {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) main_list_of_contents: ListOfContents,
    pub(super) reference_documents: Vec<ReferenceDocument>,
    pub(super) terminology_extensions: Vec<TerminologyExtension>,
    pub(super) analysis_sets: Vec<Where>,
    pub(super) analysis_groupings: Vec<Grouping>,
    pub(super) data_groupings: Vec<Grouping>,
    pub(super) data_subsets: Vec<Where>,
    pub(super) methods: Vec<Method>,
    pub(super) analyses: Vec<Analysis>,
}

/// `ListOfContents`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListOfContents {
    pub(super) name: String,
    pub(super) contents_list: NestedList,
}

/// `NestedList`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NestedList {
    pub(super) list_items: Vec<ListItem>,
}

/// `OrderedListItem`: an analysis, or a chapter of analyses.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListItem {
    pub(super) name: String,
    pub(super) level: u32,
    pub(super) order: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) analysis_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sublist: Option<NestedList>,
}

/// `ReferenceDocument`.
#[derive(Clone, Debug, Serialize)]
pub struct ReferenceDocument {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) location: Option<String>,
}

/// `TerminologyExtension`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TerminologyExtension {
    pub(super) id: String,
    pub(super) enumeration: &'static str,
    pub(super) sponsor_terms: Vec<SponsorTerm>,
}

/// `SponsorTerm`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SponsorTerm {
    pub(super) id: String,
    pub(super) submission_value: String,
    pub(super) description: String,
}

/// `AnalysisSet`, `DataSubset`, `AnalysisGroup` and `DataGroup`, which look alike: whoever or whatever meets a condition.
#[derive(Clone, Debug, Serialize)]
pub struct Where {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) level: u32,
    pub(super) order: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) condition: Option<Condition>,
}

/// `WhereClauseCondition`.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    pub(super) dataset: String,
    pub(super) variable: String,
    pub(super) comparator: &'static str,
    pub(super) value: Vec<String>,
}

/// `SubjectGroupingFactor` and `DataGroupingFactor`, which look alike.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Grouping {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) data_driven: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grouping_dataset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) grouping_variable: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) groups: Vec<Where>,
}

/// `AnalysisMethod`.
#[derive(Clone, Debug, Serialize)]
pub struct Method {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) operations: Vec<Operation>,
}

/// `Operation`.
#[derive(Clone, Debug, Serialize)]
pub struct Operation {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) order: usize,
}

/// `Analysis`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) description: String,
    pub(super) reason: Term,
    pub(super) purpose: Term,
    pub(super) document_refs: Vec<DocumentReference>,
    pub(super) analysis_set_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data_subset_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dataset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variable: Option<String>,
    pub(super) ordered_groupings: Vec<OrderedGrouping>,
    pub(super) method_id: String,
    pub(super) results: Vec<OperationResult>,
}

/// A term: the standard's own, or one of `TerminologyExtension`.
#[derive(Clone, Debug, Serialize)]
pub enum Term {
    /// A value of the enumeration.
    #[serde(rename = "controlledTerm")]
    Controlled(&'static str),
    /// The id of a term of the sponsor's.
    #[serde(rename = "sponsorTermId")]
    Sponsor(&'static str),
}

/// `DocumentReference`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentReference {
    pub(super) reference_document_id: String,
    pub(super) page_refs: Vec<PageNameRef>,
}

/// `PageNameRef`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageNameRef {
    pub(super) ref_type: &'static str,
    pub(super) page_names: Vec<String>,
}

/// `OrderedGroupingFactor`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderedGrouping {
    pub(super) order: usize,
    pub(super) grouping_id: String,
    pub(super) results_by_group: bool,
}

/// `OperationResult`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationResult {
    pub(super) operation_id: String,
    pub(super) result_groups: Vec<ResultGroup>,
    pub(super) raw_value: String,
}

/// `ResultGroup`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultGroup {
    pub(super) grouping_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group_value: Option<String>,
}

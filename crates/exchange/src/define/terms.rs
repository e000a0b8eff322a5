//! CDISC Controlled Terminology, as far as the export uses it: the code of each list, and its terms that a ledger may hold.
//!
//! Never changes a value: one that is no term of its list is kept, marked as extended, and told. Lists without terms here are
//! listed as the data have them. The codes of the lists are those the SDTM Implementation Guide 3.4 names with its variables.

/// A code list.
pub(super) struct List {
    /// As the layouts name it.
    pub name: &'static str,
    /// Its name in Define-XML.
    pub title: &'static str,
    /// NCI code; empty for a list of the sponsor's own.
    pub code: &'static str,
    /// Terms; empty where the list is open and long, or nobody has checked it.
    pub terms: &'static [&'static str],
}

const fn list(
    name: &'static str,
    title: &'static str,
    code: &'static str,
    terms: &'static [&'static str],
) -> List {
    List { name, title, code, terms }
}

pub(super) const LISTS: &[List] = &[
    list("NY", "No Yes Response", "C66742", &["N", "Y", "U", "NA"]),
    list("SEX", "Sex", "C66731", &["F", "M", "U", "INTERSEX"]),
    list("AGEU", "Age Unit", "C66781", &["YEARS", "MONTHS", "DAYS"]),
    list("RACE", "Race", "C74457", &[]),
    list("ETHNIC", "Ethnic Group", "C66790", &[]),
    list(
        "ARMNULRS",
        "Arm Null Reason",
        "C142179",
        &["SCREEN FAILURE", "NOT ASSIGNED", "ASSIGNED, NOT TREATED", "UNPLANNED TREATMENT"],
    ),
    list("EPOCH", "Epoch", "C99079", &["SCREENING", "TREATMENT", "FOLLOW-UP"]),
    list("ND", "Not Done", "C66789", &["NOT DONE"]),
    list("UNIT", "Unit", "C71620", &["mm", "Gy", "DAYS", "mg", "cm"]),
    list(
        "EVAL",
        "Evaluator",
        "C78735",
        &["INVESTIGATOR", "INDEPENDENT ASSESSOR", "ADJUDICATION COMMITTEE", "RADIOLOGIST"],
    ),
    list("MEDEVAL", "Medical Evaluator Identifier", "C96777", &[]),
    list(
        "TRTESTCD",
        "Tumor or Lesion Properties Test Code",
        "C96779",
        &["DIAMETER", "LDIAM", "SAXIS", "SUMDIAM", "TUMSTATE"],
    ),
    list(
        "TRTEST",
        "Tumor or Lesion Properties Test Name",
        "C96778",
        &["Diameter", "Longest Diameter", "Short Axis", "Sum of Diameter", "Tumor State"],
    ),
    list(
        "TRSTRESC",
        "Tumor or Lesion Properties Test Result",
        "C124309",
        &[
            "PRESENT",
            "ABSENT",
            "UNEQUIVOCAL PROGRESSION",
            "EQUIVOCAL",
            "TOO SMALL TO MEASURE",
            "NOT EVALUABLE",
        ],
    ),
    list(
        "TUTESTCD",
        "Tumor or Lesion Identification Test Code",
        "C96784",
        &["TUMIDENT", "TUSPLIT", "TUMERGE"],
    ),
    list(
        "TUTEST",
        "Tumor or Lesion Identification Test Name",
        "C96783",
        &["Tumor Identification", "Tumor Split", "Tumor Merged"],
    ),
    list(
        "TUIDRS",
        "Tumor or Lesion Identification Test Results",
        "C123650",
        &["TARGET", "NON-TARGET", "NEW"],
    ),
    list(
        "LOC",
        "Anatomical Location",
        "C74456",
        &[
            "ADRENAL GLAND",
            "BONE",
            "BRAIN",
            "BREAST",
            "CHEST WALL",
            "LIVER",
            "LUNG",
            "LYMPH NODE",
            "MENINGES",
            "OVARY",
            "PERITONEUM",
            "PLEURA",
            "SKIN",
            "SOFT TISSUE",
        ],
    ),
    list(
        "METHOD",
        "Method",
        "C85492",
        &["CT SCAN", "MRI", "PET/CT SCAN", "PHYSICAL EXAMINATION", "SCINTIGRAPHY"],
    ),
    list("ONCRTSCD", "Oncology Response Assessment Test Code", "C96782", &[]),
    list("ONCRTS", "Oncology Response Assessment Test Name", "C96781", &[]),
    list(
        "ONCRSR",
        "Oncology Response Assessment Result",
        "C96785",
        &["CR", "PR", "SD", "PD", "NE", "NON-CR/NON-PD", "EQUIVOCAL", "UNEQUIVOCAL"],
    ),
    list(
        "RSCAT",
        "Category of Oncology Response Assessment or Clinical Classification",
        "C124298",
        &["RECIST 1.1", "ECOG"],
    ),
    list("AESEV", "Severity/Intensity Scale for Adverse Events", "C66769", &["MILD", "MODERATE", "SEVERE"]),
    list(
        "OUT",
        "Outcome of Event",
        "C66768",
        &[
            "FATAL",
            "NOT RECOVERED/NOT RESOLVED",
            "RECOVERED/RESOLVED",
            "RECOVERED/RESOLVED WITH SEQUELAE",
            "RECOVERING/RESOLVING",
            "UNKNOWN",
        ],
    ),
    list("ACN", "Action Taken with Study Treatment", "C66767", &[]),
    list("STENRF", "Relation to Reference Period", "C66728", &["ONGOING"]),
    list(
        "DSCAT",
        "Category for Disposition Event",
        "C74558",
        &["DISPOSITION EVENT", "PROTOCOL MILESTONE", "OTHER EVENT"],
    ),
    list(
        "DSSCAT",
        "Subcategory for Disposition Event",
        "C170443",
        &["STUDY PARTICIPATION", "STUDY TREATMENT"],
    ),
    list(
        "DSDECOD",
        "Completion/Reason for Non-Completion or Protocol Milestone",
        "C66727",
        &[
            "ADVERSE EVENT",
            "DEATH",
            "INFORMED CONSENT OBTAINED",
            "LOST TO FOLLOW-UP",
            "OTHER",
            "PHYSICIAN DECISION",
            "PREGNANCY",
            "PROGRESSIVE DISEASE",
            "PROTOCOL DEVIATION",
            "RANDOMIZED",
            "SCREEN FAILURE",
            "WITHDRAWAL BY SUBJECT",
        ],
    ),
    list("IECAT", "Category of Inclusion/Exclusion", "C66797", &["EXCLUSION", "INCLUSION"]),
    list("DDTESTCD", "Death Diagnosis and Details Test Code", "C116108", &["PRCDTH"]),
    list("DDTEST", "Death Diagnosis and Details Test Name", "C116107", &["Primary Cause of Death"]),
    list("SSTESTCD", "Subject Status Test Code", "C124305", &["SURVSTAT"]),
    list("SSTEST", "Subject Status Test Name", "C124306", &["Survival Status"]),
    list("SSTRESC", "Subject Status Response", "C124304", &["ALIVE", "DEAD"]),
    list("TSPARMCD", "Trial Summary Parameter Test Code", "C66738", &[]),
    list("TSPARM", "Trial Summary Parameter Test Name", "C67152", &[]),
    list("DATEFL", "Date Imputation Flag", "C81223", &["D", "M", "Y"]),
    list("AEREL", "Causality", "", &[]),
    list("TOXGR", "CTCAE Grade", "", &[]),
    list("PARCAT1", "Parameter Category", "", &[]),
];

/// A list by the name the layouts give it.
pub(super) fn find(name: &str) -> Option<&'static List> {
    LISTS.iter().find(|list| list.name == name)
}

//! What each concept of a form must hold: the items the domain reads, under CDASH names.
//!
//! The one table that binds a protocol's forms to the record: `protocol::check` holds a form against it, `record` reads
//! by it, imports and the simulator write by it. A form may have more items (the trial's own); they are stored and
//! checked, not interpreted. Never reads a value itself.

use crate::protocol::{Concept, ItemType};

/// An item that a concept knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Known {
    /// CDASH name.
    pub id: &'static str,
    /// The group it stands in; none for the form itself.
    pub group: Option<&'static str>,
    /// Its type.
    pub kind: ItemType,
    /// The concept cannot be read without it.
    pub needed: bool,
    /// Its codes, where the domain interprets them.
    pub codes: &'static [&'static str],
}

const fn item(id: &'static str, kind: ItemType, needed: bool) -> Known {
    Known { id, group: None, kind, needed, codes: &[] }
}

const fn coded(id: &'static str, needed: bool, codes: &'static [&'static str]) -> Known {
    Known { id, group: None, kind: ItemType::Code, needed, codes }
}

const fn row(mut known: Known, group: &'static str) -> Known {
    known.group = Some(group);
    known
}

/// The group of a tumour assessment's lesions, and of a SABR course's.
pub const LESIONS: &str = "LESIONS";

/// Roles of a lesion (`TUORRES`).
pub const ROLES: &[&str] = &["TARGET", "NON-TARGET", "NEW"];

/// Tumour states (`TUMSTATE`). `PRESENT`, `ABSENT` and `UNEQUIVOCAL` (unequivocal progression) speak of non-targets,
/// `EQUIVOCAL` and `UNEQUIVOCAL` of new lesions, `TOO SMALL` and `MERGED` of any.
pub const STATES: &[&str] = &["PRESENT", "ABSENT", "UNEQUIVOCAL", "EQUIVOCAL", "TOO SMALL", "MERGED"];

/// Attributions of an adverse event.
pub const ATTRIBUTIONS: &[&str] = &["UNRELATED", "UNLIKELY", "POSSIBLE", "PROBABLE", "DEFINITE"];

/// The items that `concept` knows, in the order of the form.
pub fn items(concept: Concept) -> &'static [Known] {
    use ItemType::{Date, Decimal, Integer, PartialDate, Text, YesNo};
    match concept {
        Concept::Demography => {
            const K: &[Known] = &[item("BRTHYY", Integer, true), coded("SEX", true, &["F", "M"])];
            K
        }
        Concept::DiseaseHistory => {
            const K: &[Known] = &[item("MHSTDAT", PartialDate, false), item("MHMETDAT", PartialDate, false)];
            K
        }
        Concept::PriorTherapy => {
            const K: &[Known] = &[
                item("CMTRT", Text, true),
                item("CMSTDAT", PartialDate, true),
                // Without an end it is under way.
                item("CMENDAT", PartialDate, false),
            ];
            K
        }
        Concept::Ecog => {
            const K: &[Known] = &[item("QSDAT", Date, true), item("ECOG", Integer, true)];
            K
        }
        Concept::Consent => {
            const K: &[Known] = &[item("RFICDAT", Date, true)];
            K
        }
        Concept::TumourAssessment => {
            const K: &[Known] = &[
                // The first scan of the assessment; a partial date is read by its first day.
                item("TRDAT", PartialDate, true),
                // INVESTIGATOR when absent; otherwise EVAL/EVALID.
                item("TREVAL", Text, false),
                // Order of the visit, where an import gives one; otherwise the visit's place in the schedule.
                item("VISITNUM", Decimal, false),
                row(item("TULNKID", Text, true), LESIONS),
                row(coded("TUORRES", true, ROLES), LESIONS),
                // LYMPH NODE makes a lesion nodal, BRAIN intracranial.
                row(item("TULOC", Text, false), LESIONS),
                row(item("DIAMETER", Decimal, false), LESIONS),
                row(coded("TUMSTATE", false, STATES), LESIONS),
                // NOT DONE: not evaluated; TRREASND says why.
                row(item("TRSTAT", Text, false), LESIONS),
                row(item("TRREASND", Text, false), LESIONS),
                row(item("SPLITFROM", Text, false), LESIONS),
                row(item("MERGEDINTO", Text, false), LESIONS),
                // Progressing at entry, amenable to SABR, irradiated before: read for eligibility and strata.
                row(item("OPD", YesNo, false), LESIONS),
                row(item("AMENABLE", YesNo, false), LESIONS),
                row(item("PRIORRT", YesNo, false), LESIONS),
            ];
            K
        }
        Concept::ClinicalProgression => {
            const K: &[Known] = &[item("CEDAT", Date, true), item("CETERM", Text, false)];
            K
        }
        Concept::SabrCourse => {
            const K: &[Known] = &[
                item("PRSTDAT", Date, true),
                item("PRENDAT", Date, false),
                row(item("TULNKID", Text, true), LESIONS),
                row(item("PRDOSFRX", Decimal, true), LESIONS),
                row(item("PRNFRX", Integer, true), LESIONS),
            ];
            K
        }
        Concept::SystemicTherapy => {
            const K: &[Known] = &[
                item("CMTRT", Text, true),
                coded("CMREAS", true, &["BASELINE", "PROTOCOL", "PROGRESSION", "TOXICITY", "OTHER"]),
                item("CMSTDAT", PartialDate, true),
                item("CMENDAT", PartialDate, false),
            ];
            K
        }
        Concept::AdverseEvent => {
            const K: &[Known] = &[
                item("AETERM", Text, true),
                // The dictionary's term, read in the place of AETERM where it is given.
                item("AEDECOD", Text, false),
                item("AEBODSYS", Text, false),
                item("AETOXGR", Integer, false),
                coded("AESEV", false, &["MILD", "MODERATE", "SEVERE"]),
                item("AESTDAT", PartialDate, false),
                item("AEENDAT", PartialDate, false),
                item("AESER", YesNo, false),
                // Attributions stand in the items that the protocol's `safety.attributed_to` names.
            ];
            K
        }
        Concept::FactB => {
            const K: &[Known] = &[item("QSDAT", Date, true)];
            // GP1 to P2 are optional, each 0 to 4: see `factb::ITEMS`.
            K
        }
        Concept::StrategyDecision => {
            const K: &[Known] = &[
                item("DECDAT", Date, true),
                item("PROGDAT", Date, true),
                coded("DECISION", true, &["CONTINUE", "ABANDON"]),
            ];
            K
        }
        Concept::Deviation => {
            const K: &[Known] = &[
                item("DVSTDAT", Date, true),
                item("DVCAT", Text, true),
                item("DVTERM", Text, true),
                item("DVMAJOR", YesNo, false),
            ];
            K
        }
        Concept::Withdrawal => {
            const K: &[Known] = &[item("DSSTDAT", Date, true), item("DSDECOD", Text, true)];
            K
        }
        Concept::Death => {
            const K: &[Known] = &[item("DTHDAT", PartialDate, true), item("DTHCAUS", Text, false)];
            K
        }
        Concept::LastContact => {
            const K: &[Known] = &[item("SSDAT", Date, true)];
            K
        }
        Concept::Custom => &[],
    }
}

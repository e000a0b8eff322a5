//! What the simulator knows of a trial and the program must find out: when the disease truly broke out, the strategy truly failed
//! and the patient truly died, and which errors were made on purpose.
//!
//! Never read by what derives or analyses: it is for whoever checks them.

use jiff::civil::Date;
use serde::Serialize;
use trial::event::Instance;
use trial::id::{ArmId, SubjectId};

/// The truth of a trial.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Truth {
    /// Of each randomised patient, in order of subject number.
    pub patients: Vec<PatientTruth>,
    /// Hazard ratio of strategy failure, experimental over control, where a scenario states one for all times.
    pub hazard_ratio: Option<f64>,
}

/// The truth of a patient.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PatientTruth {
    /// The subject.
    pub subject: SubjectId,
    /// The arm it was given.
    pub arm: ArmId,
    /// The day it was randomised.
    pub randomised: Date,
    /// Every true progression of the disease in order of day, as far as the life was made up: to death, loss or the end.
    pub outbreaks: Vec<Outbreak>,
    /// The day the strategy truly failed: of the outbreak that it was not held through, or of death. None: not by the end of
    /// follow-up. Where a scenario states the hazard it is known after a loss too.
    pub failure: Option<Date>,
    /// The day of death, though a form may carry its month only. None: not by the end of follow-up, or after a loss.
    pub death: Option<Date>,
    /// The day the patient withdrew or was lost.
    pub left: Option<Date>,
    /// Errors made on purpose.
    pub planted: Vec<Planted>,
}

impl PatientTruth {
    /// The first outbreak, or death: true progression-free survival ends.
    pub fn progression(&self) -> Option<Date> {
        let first = self.outbreaks.first().map(|outbreak| outbreak.date);
        first.into_iter().chain(self.death).min()
    }
}

/// The disease progresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Outbreak {
    /// The day a reader who sees all would call it: a new lesion can be seen, or one has grown past the threshold of RECIST.
    pub date: Date,
    /// Lesions it began with.
    pub lesions: usize,
    /// By its nature the strategy of the arm can hold through it: few lesions, none inside the skull, and the arm treats such.
    pub held: bool,
}

/// An error made on purpose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Planted {
    /// The day it is about.
    pub date: Date,
    /// Which.
    pub error: PlantedError,
    /// The form it stands on, where it stands on one.
    pub form: Option<Instance>,
}

/// A clinical error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlantedError {
    /// A form was entered so many days after its day.
    LateEntry {
        /// Days.
        days: i64,
    },
    /// A measurement was typed in centimetres, and later corrected.
    Mistyped,
    /// A lesion was not measured.
    NotMeasured,
    /// A visit did not take place.
    MissedVisit,
    /// A questionnaire was not answered.
    NotAnswered,
    /// SABR was given in the arm that permits none.
    WrongArmTreatment,
    /// A lesion that the arm treats was not treated.
    NotTreated,
    /// A progression that could be seen was left to the next assessment.
    PutOff,
    /// A progression was called that is none.
    TooSoon,
}

impl PlantedError {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LateEntry { .. } => "entered late",
            Self::Mistyped => "mistyped",
            Self::NotMeasured => "lesion not measured",
            Self::MissedVisit => "visit missed",
            Self::NotAnswered => "questionnaire not answered",
            Self::WrongArmTreatment => "treated against the arm",
            Self::NotTreated => "lesion not treated",
            Self::PutOff => "progression put off",
            Self::TooSoon => "progression called too soon",
        }
    }
}

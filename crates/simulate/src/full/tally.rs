//! What is kept of whole trials beside what is kept of event times: counts and sums of what happened in them, and of the truth.
//!
//! Never a quotient: those are for `answers`.

use serde::{Deserialize, Serialize};

use crate::times::Moments;
use crate::truth::PlantedError;

/// Sums over whole trials, each as it stood when the trial stopped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FullTally {
    /// Subjects screened.
    pub screened: Moments,
    /// Events recorded of subjects, to the end of follow-up.
    pub recorded: Moments,
    /// Courses of SABR.
    pub courses: Moments,
    /// Subjects with SABR after the first month, as at a further progression.
    pub again: Moments,
    /// Deaths.
    pub deaths: Moments,
    /// Subjects who withdrew or were lost.
    pub left: Moments,
    /// Adverse events of grade 3 or higher.
    pub severe: Moments,
    /// Deviations in the report, recorded or derived.
    pub deviations: Moments,
    /// Errors made on purpose, by kind in the order of [`ERRORS`].
    pub planted: Vec<u64>,
    /// Values that could not be read back from a form: none is expected.
    pub faults: u64,
    /// Days from the true failure of the strategy to the day that was derived for it, where both are there.
    pub lag: Moments,
    /// Derived on a day before the true one, or without a true one.
    pub too_soon: u64,
    /// True, and not derived.
    pub unseen: u64,
    /// In the order of the tests.
    pub tests: Vec<TestTally>,
}

/// The truth against which a test's estimate is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestTally {
    /// The logarithm of the hazard ratio of the true times of the same patients, censored at the look alone.
    pub truth: Moments,
    /// The estimate less that.
    pub difference: Moments,
}

/// The names of the kinds of errors.
pub const ERRORS: [&str; 9] = [
    "late entry",
    "mistyped",
    "not measured",
    "missed visit",
    "questionnaire not answered",
    "SABR against the arm",
    "lesion not treated",
    "progression put off",
    "progression called too soon",
];

/// The place of an error in [`ERRORS`].
pub fn place(error: PlantedError) -> usize {
    match error {
        PlantedError::LateEntry { .. } => 0,
        PlantedError::Mistyped => 1,
        PlantedError::NotMeasured => 2,
        PlantedError::MissedVisit => 3,
        PlantedError::NotAnswered => 4,
        PlantedError::WrongArmTreatment => 5,
        PlantedError::NotTreated => 6,
        PlantedError::PutOff => 7,
        PlantedError::TooSoon => 8,
    }
}

impl FullTally {
    /// An empty one for so many tests.
    pub fn new(tests: usize) -> Self {
        let planted = vec![0; ERRORS.len()];
        Self { tests: vec![TestTally::default(); tests], planted, ..Self::default() }
    }

    /// Adds those of a later chunk, whose tests are the same.
    pub fn merge(&mut self, later: &Self) {
        self.tests.resize(self.tests.len().max(later.tests.len()), TestTally::default());
        self.planted.resize(self.planted.len().max(later.planted.len()), 0);
        for (own, other) in [
            (&mut self.screened, &later.screened),
            (&mut self.recorded, &later.recorded),
            (&mut self.courses, &later.courses),
            (&mut self.again, &later.again),
            (&mut self.deaths, &later.deaths),
            (&mut self.left, &later.left),
            (&mut self.severe, &later.severe),
            (&mut self.deviations, &later.deviations),
            (&mut self.lag, &later.lag),
        ] {
            own.merge(other);
        }
        for (own, other) in self.planted.iter_mut().zip(&later.planted) {
            *own += other;
        }
        self.faults += later.faults;
        self.too_soon += later.too_soon;
        self.unseen += later.unseen;
        for (own, other) in self.tests.iter_mut().zip(&later.tests) {
            own.truth.merge(&other.truth);
            own.difference.merge(&other.difference);
        }
    }
}

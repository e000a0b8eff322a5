//! Events: facts that a person or a device asserted. The ledger holds nothing else.
//!
//! Never interprets a form's values (that is `record`'s work) and never reads a clock: who makes an event hands in the
//! moment. Kinds are few, and nothing is updated or deleted; a correction is a new event that names the old one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::{ArmId, SiteId, SubjectId};

/// The place of an event in its ledger, from 1.
pub type Seq = u64;

/// An event: who asserted what, of whom, and when it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The user name of whoever asserted it.
    pub who: String,
    /// The role in which they did.
    pub role: Role,
    /// When it was recorded (server clock, UTC): the second of an event's two times.
    pub recorded: Timestamp,
    /// The site it happened at, where it happened at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// The subject it speaks of, where it speaks of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectId>,
    /// What was asserted.
    #[serde(flatten)]
    pub what: What,
}

/// An event with its place in the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Entered {
    /// Its place.
    pub seq: Seq,
    /// The event.
    pub event: Event,
}

/// Who uses the software (trial.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Screens and enters visits.
    SiteCoordinator,
    /// Judges eligibility, randomises, signs.
    Investigator,
    /// Records SABR.
    RadiationOncologist,
    /// Reads and verifies against source.
    Monitor,
    /// Raises queries and locks.
    DataManager,
    /// Designs and analyses.
    Statistician,
    /// Reads closed reports.
    SafetyCommittee,
    /// Opens sites, enrols users.
    TrialOffice,
    /// Answers questionnaires.
    Patient,
    /// A device or another program: an import, the simulator.
    System,
}

/// Which saved form an event speaks of: the form, the visit it belongs to, and its occurrence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instance {
    /// The form's id in the protocol.
    pub form: String,
    /// The visit's id in the protocol; none for a log form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<String>,
    /// 1 for the first; log forms and repeating visits count on.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub occurrence: u32,
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the signature serde asks for
fn is_one(n: &u32) -> bool {
    *n == 1
}

/// The kinds of event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// A protocol version came into force. The ledger carries the whole text, so that it stands alone.
    ProtocolAdopted {
        /// The version's name.
        version: String,
        /// The protocol file, to the letter.
        source: String,
        /// BLAKE3 of the secret allocation seed, in hex; with the first version only.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seed_commitment: Option<String>,
        /// True where the subjects are virtual: every page made of the ledger says so.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        simulated: bool,
    },
    /// A site may screen.
    SiteOpened {
        /// The site's name.
        name: String,
        /// ISO 3166-1 alpha-3 country code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        country: Option<String>,
    },
    /// A user was given a role, or it was taken away.
    UserChanged {
        /// The user's name.
        user: String,
        /// The role, none when it was taken away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        given: Option<Role>,
    },
    /// A person entered screening under a subject number.
    SubjectScreened,
    /// A form was filled.
    FormSaved {
        /// Which one.
        #[serde(flatten)]
        instance: Instance,
        /// Item id to value; a repeating group's id to a list of such maps.
        values: Map<String, Value>,
    },
    /// A filled form was corrected; the values replace the earlier ones as a whole.
    FormCorrected {
        /// Which one.
        #[serde(flatten)]
        instance: Instance,
        /// The whole form as it now stands.
        values: Map<String, Value>,
        /// The event it corrects.
        corrects: Seq,
        /// Why.
        reason: String,
    },
    /// The investigator signed a form.
    FormSigned {
        /// Which one.
        #[serde(flatten)]
        instance: Instance,
        /// What the signature means.
        meaning: String,
    },
    /// A monitor verified a form against its source.
    Verified {
        /// Which one.
        #[serde(flatten)]
        instance: Instance,
    },
    /// A form was closed to changes, or opened again.
    Locked {
        /// Which one.
        #[serde(flatten)]
        instance: Instance,
        /// False when it was unlocked.
        locked: bool,
    },
    /// A question was raised about a form.
    QueryRaised {
        /// A name for the query, unique in the subject.
        query: String,
        /// The form it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        about: Option<Instance>,
        /// The item it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<String>,
        /// The question.
        text: String,
    },
    /// A query was answered.
    QueryAnswered {
        /// The query.
        query: String,
        /// The answer.
        text: String,
    },
    /// A query was closed.
    QueryClosed {
        /// The query.
        query: String,
    },
    /// An arm was drawn and given.
    Randomised {
        /// The arm.
        arm: ArmId,
        /// The day of randomisation: study day 1.
        date: jiff::civil::Date,
        /// The stratum: factor id to level id, in the order of the protocol.
        stratum: Vec<(String, String)>,
        /// The place of this allocation in its stratum's list (blocks) or in the trial (minimisation), from 0.
        position: u64,
    },
    /// The secret seed was revealed at the end of the trial.
    SeedRevealed {
        /// The seed, in hex.
        seed: String,
    },
}

//! Events: facts that a person or a device asserted. The ledger holds nothing else.
//!
//! Never interprets a form's values (that is `record`'s work) and never reads a clock: who makes an event hands in the
//! moment. Kinds are few, and nothing is updated or deleted; a correction is a new event that names the old one.

use jiff::Timestamp;
use jiff::civil::Date;
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

impl Event {
    /// Reads an event of the ledger's JSON: what serde's own reading gives, in half the time. That must look at an event twice,
    /// since the kind may come after what it decides on.
    pub fn from_json(bytes: &[u8]) -> serde_json::Result<Self> {
        let flat: Option<Flat> = serde_json::from_slice(bytes).ok();
        match flat.and_then(Flat::event) {
            Some(event) => Ok(event),
            // Nothing known in this form, or nothing at all: the long way says which.
            None => serde_json::from_slice(bytes),
        }
    }
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

/// For whom somebody else acted: a site that could not reach the system itself and telephoned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnBehalf {
    /// Who asked, by name or user name.
    pub who: String,
    /// Why they did not do it themselves.
    pub reason: String,
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
    /// A site may screen; for the first time, or again after it was closed.
    SiteOpened {
        /// The site's name.
        name: String,
        /// ISO 3166-1 alpha-3 country code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        country: Option<String>,
    },
    /// A site may no longer screen or randomise. Its subjects go on: data entry does not end.
    SiteClosed {
        /// Why, where said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A user was given a role, or it was taken away: at the event's site, or for all sites where it names none.
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
        /// The day by which an answer is asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Date>,
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
        date: Date,
        /// The stratum: factor id to level id, in the order of the protocol.
        stratum: Vec<(String, String)>,
        /// The place of this allocation in its stratum's list (blocks) or in the trial (minimisation), from 0.
        position: u64,
        /// For whom, where the site could not do it itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_behalf: Option<OnBehalf>,
    },
    /// The secret seed was revealed at the end of the trial.
    SeedRevealed {
        /// The seed, in hex.
        seed: String,
    },
}

/// The members of every kind of event side by side.
#[derive(Deserialize)]
struct Flat {
    who: String,
    role: Role,
    recorded: Timestamp,
    site: Option<SiteId>,
    subject: Option<SubjectId>,
    kind: Kind,
    form: Option<String>,
    visit: Option<String>,
    #[serde(default = "one")]
    occurrence: u32,
    values: Option<Map<String, Value>>,
    corrects: Option<Seq>,
    reason: Option<String>,
    meaning: Option<String>,
    locked: Option<bool>,
    query: Option<String>,
    about: Option<Instance>,
    item: Option<String>,
    text: Option<String>,
    due: Option<Date>,
    arm: Option<ArmId>,
    date: Option<Date>,
    stratum: Option<Vec<(String, String)>>,
    position: Option<u64>,
    on_behalf: Option<OnBehalf>,
}

/// The kinds of which there are many; the others take the long way.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    SubjectScreened,
    FormSaved,
    FormCorrected,
    FormSigned,
    Verified,
    Locked,
    QueryRaised,
    QueryAnswered,
    QueryClosed,
    Randomised,
}

impl Flat {
    /// The event, where its kind has all that it needs.
    fn event(self) -> Option<Event> {
        let Self { who, role, recorded, site, subject, kind, visit, occurrence, .. } = self;
        let instance = |form: Option<String>| Some(Instance { form: form?, visit, occurrence });
        let what = match kind {
            Kind::SubjectScreened => What::SubjectScreened,
            Kind::FormSaved => What::FormSaved { instance: instance(self.form)?, values: self.values? },
            Kind::FormCorrected => What::FormCorrected {
                instance: instance(self.form)?,
                values: self.values?,
                corrects: self.corrects?,
                reason: self.reason?,
            },
            Kind::FormSigned => What::FormSigned { instance: instance(self.form)?, meaning: self.meaning? },
            Kind::Verified => What::Verified { instance: instance(self.form)? },
            Kind::Locked => What::Locked { instance: instance(self.form)?, locked: self.locked? },
            Kind::QueryRaised => What::QueryRaised {
                query: self.query?,
                about: self.about,
                item: self.item,
                text: self.text?,
                due: self.due,
            },
            Kind::QueryAnswered => What::QueryAnswered { query: self.query?, text: self.text? },
            Kind::QueryClosed => What::QueryClosed { query: self.query? },
            Kind::Randomised => What::Randomised {
                arm: self.arm?,
                date: self.date?,
                stratum: self.stratum?,
                position: self.position?,
                on_behalf: self.on_behalf,
            },
        };
        Some(Event { who, role, recorded, site, subject, what })
    }
}

impl What {
    /// The kind as the ledger writes it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ProtocolAdopted { .. } => "protocol_adopted",
            Self::SiteOpened { .. } => "site_opened",
            Self::SiteClosed { .. } => "site_closed",
            Self::UserChanged { .. } => "user_changed",
            Self::SubjectScreened => "subject_screened",
            Self::FormSaved { .. } => "form_saved",
            Self::FormCorrected { .. } => "form_corrected",
            Self::FormSigned { .. } => "form_signed",
            Self::Verified { .. } => "verified",
            Self::Locked { .. } => "locked",
            Self::QueryRaised { .. } => "query_raised",
            Self::QueryAnswered { .. } => "query_answered",
            Self::QueryClosed { .. } => "query_closed",
            Self::Randomised { .. } => "randomised",
            Self::SeedRevealed { .. } => "seed_revealed",
        }
    }

    /// The form it speaks of, where it speaks of one; of a query, the one the query was raised about.
    pub fn instance(&self) -> Option<&Instance> {
        match self {
            Self::FormSaved { instance, .. }
            | Self::FormCorrected { instance, .. }
            | Self::FormSigned { instance, .. }
            | Self::Verified { instance }
            | Self::Locked { instance, .. } => Some(instance),
            Self::QueryRaised { about, .. } => about.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    /// One of each kind, as the ledger holds it; where a kind has grown, once as it was written before.
    #[rstest]
    #[case(json!({ "kind": "protocol_adopted", "version": "1.0", "source": "" }))]
    #[case(json!({ "kind": "site_opened", "name": "A" }))]
    #[case(json!({ "kind": "site_closed" }))]
    #[case(json!({ "kind": "site_closed", "reason": "full" }))]
    #[case(json!({ "kind": "user_changed", "user": "anna", "given": "monitor" }))]
    #[case(json!({ "kind": "user_changed", "user": "anna" }))]
    #[case(json!({ "kind": "subject_screened" }))]
    #[case(json!({ "kind": "form_saved", "form": "ecog", "values": {} }))]
    #[case(json!({ "kind": "form_corrected", "form": "ecog", "values": {}, "corrects": 3, "reason": "r" }))]
    #[case(json!({ "kind": "form_signed", "form": "ecog", "meaning": "m" }))]
    #[case(json!({ "kind": "verified", "form": "ecog", "visit": "W12" }))]
    #[case(json!({ "kind": "locked", "form": "ecog", "locked": true }))]
    #[case(json!({ "kind": "query_raised", "query": "Q1", "text": "?" }))]
    #[case(json!({ "kind": "query_raised", "query": "Q1", "text": "?", "due": "2026-03-01" }))]
    #[case(json!({ "kind": "query_answered", "query": "Q1", "text": "!" }))]
    #[case(json!({ "kind": "query_closed", "query": "Q1" }))]
    #[case(json!({ "kind": "randomised", "arm": "A", "date": "2026-03-01", "stratum": [["f", "l"]], "position": 4 }))]
    #[case(json!({ "kind": "randomised", "arm": "A", "date": "2026-03-01", "stratum": [], "position": 0,
        "on_behalf": { "who": "anna", "reason": "no network" } }))]
    #[case(json!({ "kind": "seed_revealed", "seed": "00" }))]
    fn a_kind_is_read_and_written_again_as_it_was(#[case] written: Value) {
        let what: What = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(written["kind"], what.kind());
        assert_eq!(serde_json::to_value(&what).unwrap(), written, "the hash of a ledger rests on it");
        // Read the short way, it is the same, whichever member is missing or is something else.
        let mut event = written;
        event["who"] = "anna".into();
        event["role"] = "monitor".into();
        event["recorded"] = "2026-03-01T08:00:00Z".into();
        let same = |event: &Value| {
            let bytes = serde_json::to_vec(event).unwrap();
            let long = serde_json::from_slice::<Event>(&bytes).ok();
            assert_eq!(Event::from_json(&bytes).ok(), long, "{event}");
            long.is_some()
        };
        assert!(same(&event));
        let members: Vec<String> = event.as_object().unwrap().keys().cloned().collect();
        for member in members {
            for other in [json!(null), json!(7), json!("x"), json!({}), json!(true)] {
                let mut changed = event.clone();
                changed[&member] = other;
                same(&changed);
            }
            let mut without = event.clone();
            without.as_object_mut().unwrap().remove(&member);
            same(&without);
        }
    }

    /// What a kind does not know is passed over, the short way as the long one.
    #[test]
    fn members_of_another_kind_are_passed_over() {
        let event = json!({ "kind": "verified", "form": "ecog", "values": 3, "who": "anna", "role": "monitor",
            "recorded": "2026-03-01T08:00:00Z", "later": [1] });
        let bytes = serde_json::to_vec(&event).unwrap();
        let read = Event::from_json(&bytes).unwrap();
        assert_eq!(read, serde_json::from_slice(&bytes).unwrap());
        assert_eq!(read.what.kind(), "verified");
    }
}

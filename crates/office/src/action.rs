//! What somebody asks the office to record, and what the office answers.
//!
//! Never says whether it may be recorded (see `admit`). The deeds are the kinds of `trial::event::What`, without what
//! only the office can know: the arm that was drawn, the event that a correction corrects, the seed.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value};
use trial::event::{Instance, OnBehalf, Role, Seq};
use trial::form::FormFault;
use trial::id::{ArmId, SiteId, SubjectId};
use trial::protocol::Checked;

/// Who acts, and in which role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user name.
    pub who: String,
    /// The role.
    pub role: Role,
}

impl Actor {
    /// An actor.
    pub fn new(who: impl Into<String>, role: Role) -> Self {
        Self { who: who.into(), role }
    }
}

/// One thing to record.
#[derive(Clone, Debug)]
pub struct Action {
    /// The user name of whoever asserts it.
    pub who: String,
    /// The role in which they do.
    pub role: Role,
    /// The moment of recording (UTC), not before the last one in the ledger; none: the office stamps it by its own clock.
    pub recorded: Option<Timestamp>,
    /// The site, where it happens at one.
    pub site: Option<SiteId>,
    /// The subject, where it speaks of one.
    pub subject: Option<SubjectId>,
    /// What to record.
    pub deed: Deed,
    /// The subject's last event that the caller had seen; none: the caller does not mind later ones.
    pub expect: Option<Seq>,
    /// The event whose values of the form the caller had seen, 0 where it was empty; none: the caller does not mind.
    pub over: Option<Seq>,
}

impl Action {
    /// An action of the trial as a whole; `at` and `of` place it. Without a moment, the office stamps it at admission.
    pub fn new(actor: &Actor, recorded: impl Into<Option<Timestamp>>, deed: Deed) -> Self {
        let Actor { who, role } = actor.clone();
        let recorded = recorded.into();
        Self { who, role, recorded, site: None, subject: None, deed, expect: None, over: None }
    }

    /// The same, recorded at the moment of its admission, by the office's clock: never before the ledger's last event.
    pub fn now(actor: &Actor, deed: Deed) -> Self {
        Self::new(actor, None, deed)
    }

    /// The action, at `site`.
    #[must_use]
    pub fn at(mut self, site: impl Into<SiteId>) -> Self {
        self.site = Some(site.into());
        self
    }

    /// The action, about `subject`.
    #[must_use]
    pub fn of(mut self, subject: impl Into<SubjectId>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The action with its values as the ledger will give them back: in canonical JSON 22.0 is 22. What is checked is
    /// then what is stored.
    pub(crate) fn canonical_values(mut self) -> Self {
        if let Deed::Save { values, .. } | Deed::Correct { values, .. } = &mut self.deed {
            values.values_mut().for_each(canonical);
        }
        self
    }

    /// The action, refused where the subject has events after `seq`.
    #[must_use]
    pub fn expecting(mut self, seq: Seq) -> Self {
        self.expect = Some(seq);
        self
    }

    /// The action, refused where its form no longer stands as event `seq` gave it (0: is no longer empty). Other forms of the
    /// subject may have changed: two people at two forms of one subject do not hinder each other.
    #[must_use]
    pub fn over(mut self, seq: Seq) -> Self {
        self.over = Some(seq);
        self
    }
}

/// What is to be recorded.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A site may screen, for the first time or again.
    OpenSite {
        /// Its name.
        name: String,
        /// ISO 3166-1 alpha-3 country code.
        country: Option<String>,
    },
    /// A site may no longer screen or randomise; its subjects go on.
    CloseSite {
        /// Why.
        reason: Option<String>,
    },
    /// A user is given a role, or it is taken away: at the action's site, or for all sites where it names none.
    ChangeUser {
        /// The user's name.
        user: String,
        /// The role; none when it is taken away.
        given: Option<Role>,
    },
    /// A person enters screening under a subject number.
    Screen,
    /// A form is filled for the first time.
    Save {
        /// Which one.
        instance: Instance,
        /// Item id to value; a repeating group's id to a list of such maps.
        values: Map<String, Value>,
    },
    /// A filled form is corrected; the values replace the earlier ones as a whole.
    Correct {
        /// Which one.
        instance: Instance,
        /// The whole form as it is to stand.
        values: Map<String, Value>,
        /// Why.
        reason: String,
    },
    /// The investigator signs a form.
    Sign {
        /// Which one.
        instance: Instance,
        /// What the signature means.
        meaning: String,
    },
    /// A monitor verified a form against its source.
    Verify {
        /// Which one.
        instance: Instance,
    },
    /// A form is closed to changes, or opened again.
    Lock {
        /// Which one.
        instance: Instance,
        /// False to unlock.
        locked: bool,
    },
    /// A question is raised about a form.
    RaiseQuery {
        /// A name for it, unique in the subject.
        query: String,
        /// The form it is about.
        about: Option<Instance>,
        /// The item it is about.
        item: Option<String>,
        /// The question.
        text: String,
        /// The day by which an answer is asked for.
        due: Option<Date>,
    },
    /// A query is answered.
    AnswerQuery {
        /// The query.
        query: String,
        /// The answer.
        text: String,
    },
    /// A query is closed.
    CloseQuery {
        /// The query.
        query: String,
    },
    /// An arm is drawn and given.
    Randomise {
        /// Study day 1.
        date: Date,
    },
    /// An arm is drawn and given for a site that cannot do it itself, by the same rules.
    RandomiseOnBehalf {
        /// Study day 1.
        date: Date,
        /// For whom, and why.
        for_whom: OnBehalf,
    },
    /// A protocol version comes into force.
    Adopt {
        /// The version, already checked.
        version: Box<Checked>,
    },
    /// The secret seed is revealed, at the end of the trial.
    RevealSeed,
}

impl Deed {
    /// The form it is about, where it is about one.
    pub fn instance(&self) -> Option<&Instance> {
        match self {
            Self::Save { instance, .. }
            | Self::Correct { instance, .. }
            | Self::Sign { instance, .. }
            | Self::Verify { instance }
            | Self::Lock { instance, .. } => Some(instance),
            Self::RaiseQuery { about, .. } => about.as_ref(),
            _ => None,
        }
    }

    /// The deed in words, for a refusal.
    pub(crate) fn words(&self) -> String {
        use trial::record::place;
        match self {
            Self::OpenSite { name, .. } => format!("open site {name:?}"),
            Self::CloseSite { .. } => "close the site".into(),
            Self::ChangeUser { user, .. } => format!("change the role of user {user:?}"),
            Self::Screen => "screen".into(),
            Self::Save { instance, .. } => format!("save {}", place(instance)),
            Self::Correct { instance, .. } => format!("correct {}", place(instance)),
            Self::Sign { instance, .. } => format!("sign {}", place(instance)),
            Self::Verify { instance } => format!("verify {}", place(instance)),
            Self::Lock { instance, locked: true } => format!("lock {}", place(instance)),
            Self::Lock { instance, locked: false } => format!("unlock {}", place(instance)),
            Self::RaiseQuery { query, .. } => format!("raise query {query:?}"),
            Self::AnswerQuery { query, .. } => format!("answer query {query:?}"),
            Self::CloseQuery { query } => format!("close query {query:?}"),
            Self::Randomise { date } => format!("randomise on {date}"),
            Self::RandomiseOnBehalf { date, for_whom } => {
                format!("randomise on {date} on behalf of {}", for_whom.who)
            }
            Self::Adopt { version } => format!("adopt protocol version {}", version.protocol.trial.version),
            Self::RevealSeed => "reveal the seed".into(),
        }
    }
}

/// Whole numbers written as such.
fn canonical(value: &mut Value) {
    /// From here on not every whole number is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT);
            #[allow(clippy::cast_possible_truncation)] // whole and small enough
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(canonical),
        Value::Object(values) => values.values_mut().for_each(canonical),
        _ => {}
    }
}

/// What became of one admitted action.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// The place of its event in the ledger.
    pub seq: Seq,
    /// The moment it was recorded.
    pub recorded: Timestamp,
    /// The arm that was drawn and its place in the list, where one was.
    pub allocation: Option<(ArmId, u64)>,
    /// Edit checks that did not hold but let the form pass.
    pub soft: Vec<FormFault>,
    /// The names of the queries that were raised for them, in the same order.
    pub queries: Vec<String>,
}

//! What a new version of a protocol would do to a subject: what is judged otherwise, asked for anew, no longer valid, moved.
//!
//! Both versions are asked the same questions, and where the answers differ that is an effect; nothing of the rules stands
//! here. Never adopts a version. Tumour and strategy rules stay those of randomisation for who is randomised
//! (`derive::ruling`): what the new ones would say is told, and marked as not counting.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

use super::{AnalysisRole, Checked, Protocol, ProtocolHistory};
use crate::calendar::{Calendar, Expected, FormState, Planned, calendar};
use crate::derive::{Derived, derive};
use crate::eligibility::{Judged, Judgement, judge, stratum};
use crate::endpoint::{Outcome, TimeToEvent, effective_rules, time_to};
use crate::event::{Instance, Seq};
use crate::form::{self, Found, Kind};
use crate::id::SubjectId;
use crate::record::{FilledForm, Record, place};

/// An effect of a new version on one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// The kind.
    pub kind: EffectKind,
    /// The form it is about.
    pub instance: Option<Instance>,
    /// What it is about: an item, a criterion, a factor, a visit, an analysis.
    pub about: String,
    /// Something must be done, or no longer holds; false for what is only to be known.
    pub hard: bool,
    /// In a sentence.
    pub says: String,
}

/// Kinds of effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// A criterion is judged otherwise.
    Eligibility,
    /// Another stratum.
    Stratum,
    /// A value that could stand would be refused or asked about, were it entered anew.
    Value,
    /// An item that must now be filled is empty.
    Required,
    /// A filled form that the new version does not have.
    FormGone,
    /// A visit is due that was not.
    VisitAdded,
    /// A visit is no longer due.
    VisitRemoved,
    /// A visit is due on another day, or within another window.
    VisitMoved,
    /// Other forms are expected at a visit.
    FormsOfVisit,
    /// A time to event would come out otherwise in the main analysis of its endpoint.
    Endpoint,
    /// By the new tumour or strategy rules the course would be another; those of randomisation stand.
    Strategy,
}

impl fmt::Display for EffectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Eligibility => "criterion judged otherwise",
            Self::Stratum => "another stratum",
            Self::Value => "value no longer valid",
            Self::Required => "new required item empty",
            Self::FormGone => "form no longer there",
            Self::VisitAdded => "visit added",
            Self::VisitRemoved => "visit removed",
            Self::VisitMoved => "visit moved",
            Self::FormsOfVisit => "other forms at a visit",
            Self::Endpoint => "endpoint changed",
            Self::Strategy => "strategy by the new rules",
        })
    }
}

/// How often a kind of effect was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectCount {
    /// The kind.
    pub kind: EffectKind,
    /// Effects.
    pub effects: usize,
    /// Of which something must be done.
    pub hard: usize,
    /// Subjects.
    pub subjects: usize,
    /// The first of them.
    pub examples: Vec<SubjectId>,
}

/// So many subjects are named in a count.
const MOST_EXAMPLES: usize = 5;

/// Two versions, to be held against many subjects.
#[derive(Clone, Debug)]
pub struct Amendment {
    old: ProtocolHistory,
    new: ProtocolHistory,
    /// The new one adopted after everything that has been recorded.
    adopted: ProtocolHistory,
    /// Forms whose values need not be checked anew: nothing that a check of them reads has changed.
    untouched: BTreeSet<String>,
}

/// What `new` in the place of `old` would do to the subject of `record`.
pub fn effect(old: &Checked, new: &Checked, record: &Record, today: Date) -> Vec<Effect> {
    Amendment::new(old, new).on(record, today)
}

/// How often each kind of effect was found, over subjects.
pub fn summary<'a>(effects: impl IntoIterator<Item = (&'a SubjectId, &'a [Effect])>) -> Vec<EffectCount> {
    let mut counts: BTreeMap<EffectKind, EffectCount> = BTreeMap::new();
    for (subject, effects) in effects {
        let mut kinds: BTreeSet<EffectKind> = BTreeSet::new();
        for effect in effects {
            let kind = effect.kind;
            let count = counts.entry(kind).or_insert_with(|| EffectCount {
                kind,
                effects: 0,
                hard: 0,
                subjects: 0,
                examples: Vec::new(),
            });
            count.effects += 1;
            count.hard += usize::from(effect.hard);
            if kinds.insert(kind) {
                count.subjects += 1;
                if count.examples.len() < MOST_EXAMPLES {
                    count.examples.push(subject.clone());
                }
            }
        }
    }
    counts.into_values().collect()
}

impl Amendment {
    /// `new` in the place of `old`, which is in force.
    pub fn new(old: &Checked, new: &Checked) -> Self {
        let mut adopted = ProtocolHistory::new(0, old.clone());
        adopted.adopt(Seq::MAX, new.clone());
        Self {
            old: ProtocolHistory::new(0, old.clone()),
            new: ProtocolHistory::new(0, new.clone()),
            adopted,
            untouched: untouched(&old.protocol, &new.protocol),
        }
    }

    /// What it would do to the subject of `record` on `today`.
    pub fn on(&self, record: &Record, today: Date) -> Vec<Effect> {
        let (old, new) = (self.old.current(), self.new.current());
        let mut effects = Effects { old, new, record, today, found: Vec::new() };
        effects.eligibility();
        effects.stratum();
        for filled in record.forms.iter().filter(|form| !self.untouched.contains(&form.instance.form)) {
            effects.form(filled);
        }
        effects.visits();
        if record.randomised.is_some() {
            let now = derive(&self.old, record, None);
            let then = derive(&self.adopted, record, None);
            effects.endpoints(&now, &then);
            effects.strategy(&now, &derive(&self.new, record, None));
        }
        effects.found
    }
}

/// A check of a form reads its definition, the schedule, the arms and the safety rules; all else it reads is in the record.
fn untouched(old: &Protocol, new: &Protocol) -> BTreeSet<String> {
    if old.schedule != new.schedule || old.arms != new.arms || old.safety != new.safety {
        return BTreeSet::new();
    }
    let same = new.forms.iter().filter(|form| old.forms.contains(form));
    same.map(|form| form.id.clone()).collect()
}

struct Effects<'a> {
    old: &'a Protocol,
    new: &'a Protocol,
    record: &'a Record,
    today: Date,
    found: Vec<Effect>,
}

fn judgement(judgement: Option<&Judgement>) -> String {
    match judgement {
        None => "not asked".to_owned(),
        Some(Judgement::Met) => "met".to_owned(),
        Some(Judgement::NotMet) => "not met".to_owned(),
        Some(Judgement::Unknown { missing }) => format!("not proven (missing {})", missing.join(", ")),
    }
}

impl Effects<'_> {
    fn push(&mut self, kind: EffectKind, instance: Option<&Instance>, about: &str, hard: bool, says: String) {
        self.found.push(Effect { kind, instance: instance.cloned(), about: about.to_owned(), hard, says });
    }

    fn eligibility(&mut self) {
        let (before, after) = (judge(self.old, self.record), judge(self.new, self.record));
        let of =
            |judged: &'_ [Judged], id: &str| judged.iter().find(|j| j.id == id).map(|j| j.judgement.clone());
        let ids: BTreeSet<&String> = before.iter().chain(&after).map(|judged| &judged.id).collect();
        let randomised = self.record.randomised.is_some();
        for id in ids {
            let (was, is) = (of(&before, id), of(&after, id));
            // A criterion that is gone, or new and met, changes nothing.
            let settled = |judgement: &Option<Judgement>| matches!(judgement, None | Some(Judgement::Met));
            if was == is || settled(&was) && settled(&is) {
                continue;
            }
            let mut says = format!("{id}: {}, was {}", judgement(is.as_ref()), judgement(was.as_ref()));
            if randomised {
                says.push_str("; the randomisation stands");
            }
            let hard = !randomised && !settled(&is);
            self.push(EffectKind::Eligibility, None, id, hard, says);
        }
    }

    fn stratum(&mut self) {
        let words = |stratum: &Result<Vec<(String, String)>, Vec<String>>| match stratum {
            Ok(levels) => levels
                .iter()
                .map(|(factor, level)| format!("{factor} {level}"))
                .collect::<Vec<_>>()
                .join(", "),
            Err(missing) => format!("not known (missing {})", missing.join(", ")),
        };
        let (was, is) = (stratum(self.old, self.record), stratum(self.new, self.record));
        if was == is {
            return;
        }
        let mut says = format!("stratum {}, was {}", words(&is), words(&was));
        if self.record.randomised.is_some() {
            says.push_str("; the one it was drawn in stands");
        }
        self.push(EffectKind::Stratum, None, "", false, says);
    }

    fn form(&mut self, filled: &FilledForm) {
        let of =
            |protocol: &'_ Protocol| protocol.forms.iter().position(|form| form.id == filled.instance.form);
        let place = place(&filled.instance);
        let (was, is) = (of(self.old), of(self.new));
        let Some(is) = is else {
            if was.is_some() {
                let says = format!("{place}: the new version has no such form; what was entered stays");
                self.push(EffectKind::FormGone, Some(&filled.instance), "", false, says);
            }
            return;
        };
        let find = |protocol: &Protocol, at: usize| -> Vec<Found> {
            let (mut own, against) = form::find(
                protocol,
                &protocol.forms[at],
                self.record,
                &filled.instance,
                &filled.values,
                self.today,
            );
            own.extend(against);
            own
        };
        let before = was.map(|at| find(self.old, at)).unwrap_or_default();
        let known = |found: &Found| before.iter().any(|old| same(old, found));
        let more: Vec<Found> = find(self.new, is).into_iter().filter(|found| !known(found)).collect();
        for found in more {
            // Where the schedule is another, the visits say so.
            if found.kind == Kind::Place && found.fault.item.is_empty() {
                continue;
            }
            let kind = if found.kind == Kind::Missing { EffectKind::Required } else { EffectKind::Value };
            let fault = found.fault;
            let row =
                fault.row.as_ref().map(|(group, row)| format!(", {group} row {row}")).unwrap_or_default();
            let item = if fault.item.is_empty() { String::new() } else { format!(", {}", fault.item) };
            let says = format!("{place}{row}{item}: found {}; {}", fault.found, fault.right);
            self.push(kind, Some(&filled.instance), &fault.item, fault.hard, says);
        }
    }

    fn visits(&mut self) {
        let (was, is) =
            (calendar(self.old, self.record, self.today), calendar(self.new, self.record, self.today));
        for planned in &is.visits {
            if let Some(before) = same_visit(&was, planned) {
                self.visit(before, planned);
                continue;
            }
            let says = format!("{} is due{}", name(planned), on(planned));
            let to_be_made = !is_past(planned, self.today);
            self.push(EffectKind::VisitAdded, None, &planned.visit, to_be_made, says);
        }
        for planned in was.visits.iter().filter(|planned| same_visit(&is, planned).is_none()) {
            let entered = planned.forms.iter().any(|form| form.state != FormState::Absent);
            let stays = if entered { "; what was entered at it stays" } else { "" };
            let says = format!("{} is no longer due{}{stays}", name(planned), on(planned));
            self.push(EffectKind::VisitRemoved, None, &planned.visit, false, says);
        }
    }

    fn visit(&mut self, before: &Planned, after: &Planned) {
        if (before.target, before.opens, before.closes) != (after.target, after.opens, after.closes) {
            let says =
                format!("{} is due{}, was{}; it is {}", name(after), on(after), on(before), after.status);
            self.push(EffectKind::VisitMoved, None, &after.visit, false, says);
        }
        let expects = |planned: &Planned, form: &Expected| {
            planned.forms.iter().any(|other| other.instance.form == form.instance.form)
        };
        let more: Vec<&Expected> = after.forms.iter().filter(|form| !expects(before, form)).collect();
        let less: Vec<&Expected> = before.forms.iter().filter(|form| !expects(after, form)).collect();
        let mut says: Vec<String> =
            more.iter().map(|form| format!("{} is expected too", form.label)).collect();
        says.extend(less.iter().map(|form| format!("{} is no longer expected", form.label)));
        if !says.is_empty() {
            let says = format!("{}: {}", name(after), says.join(", "));
            let hard = more.iter().any(|form| form.state == FormState::Absent);
            self.push(EffectKind::FormsOfVisit, None, &after.visit, hard, says);
        }
    }

    /// The main analysis of each endpoint, as the version that analyses rules it.
    fn endpoints(&mut self, now: &Derived, then: &Derived) {
        let of = |protocol: &Protocol, derived: &Derived| -> BTreeMap<String, TimeToEvent> {
            let main = protocol.analyses.iter().filter(|analysis| analysis.role == AnalysisRole::Main);
            let times = main.filter_map(|analysis| {
                let endpoint = protocol.endpoints.iter().find(|endpoint| endpoint.id == analysis.endpoint)?;
                let rules = effective_rules(endpoint, &analysis.rules);
                Some((analysis.id.clone(), time_to(protocol, endpoint, &rules, self.record, derived)?))
            });
            times.collect()
        };
        let (was, is) = (of(self.old, now), of(self.new, then));
        let ids: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for id in ids {
            let (was, is) = (was.get(id), is.get(id));
            let outcome = |time: Option<&TimeToEvent>| time.map(|time| (time.days(), time.outcome.clone()));
            if outcome(was) != outcome(is) {
                let says = format!("{id}: {}, was {}", time(is), time(was));
                self.push(EffectKind::Endpoint, None, id, false, says);
            }
        }
    }

    fn strategy(&mut self, stands: &Derived, by_new: &Derived) {
        let (Some(stands), Some(by_new)) = (&stands.strategy, &by_new.strategy) else { return };
        if stands.status != by_new.status {
            let says =
                format!("by the new rules: {}; the rules of randomisation stand: {}", by_new.why, stands.why);
            self.push(EffectKind::Strategy, None, "", false, says);
        }
    }
}

/// The same thing found of the same place, in whatever words of a limit.
fn same(a: &Found, b: &Found) -> bool {
    let place =
        |found: &Found| (found.kind, found.fault.row.clone(), found.fault.item.clone(), found.fault.hard);
    place(a) == place(b) && (a.fault.found == b.fault.found)
}

fn same_visit<'a>(calendar: &'a Calendar, planned: &Planned) -> Option<&'a Planned> {
    let same = |other: &&Planned| other.visit == planned.visit && other.occurrence == planned.occurrence;
    calendar.visits.iter().find(same)
}

fn is_past(planned: &Planned, today: Date) -> bool {
    planned.closes.is_some_and(|closes| closes < today)
}

fn name(planned: &Planned) -> String {
    if planned.occurrence > 1 {
        format!("{}, no. {}", planned.label, planned.occurrence)
    } else {
        planned.label.clone()
    }
}

fn on(planned: &Planned) -> String {
    match (planned.target, planned.opens, planned.closes) {
        (Some(target), Some(opens), Some(closes)) => format!(" on {target} ({opens} to {closes})"),
        _ => String::new(),
    }
}

fn time(time: Option<&TimeToEvent>) -> String {
    let Some(time) = time else { return "not in the analysis".to_owned() };
    let what = match time.outcome {
        Outcome::Event { .. } => "event",
        Outcome::Censored { .. } => "censored",
    };
    format!("{what} on day {}", time.days())
}

//! Time-to-event endpoints: the event or the censoring of each, its day, and why.
//!
//! Which events end an endpoint, where a subject without one is censored and which rules apply stand in the protocol file.
//! Never estimates anything (see `analysis`).

use jiff::civil::Date;
use serde::Serialize;

use crate::date::{AnalysisDate, DAYS_PER_MONTH, Imputed, days_between, plus_days};
use crate::derive::Derived;
use crate::event::Seq;
use crate::progression::{self, Known, Progression};
use crate::protocol::{
    CensorAt, Concept, Endpoint, EndpointRules, EventCause, Origin, OtherTherapy, Pending, Protocol, Salvage,
};
use crate::record::{LineReason, Record, TherapyLine, Withdrawal};
use crate::strategy::{Failure, Status};

/// Why a time is censored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Censoring {
    /// No adequate assessment after the origin: censored at the origin (day 1).
    NoAssessment,
    /// At the last adequate tumour assessment.
    LastAdequateAssessment,
    /// At the last contact.
    LastContact,
    /// When last known to be alive.
    LastKnownAlive,
    /// Consent was withdrawn, or the subject lost.
    Withdrawal,
    /// Too many assessments were missed before the event.
    MissedAssessments,
    /// Other anti-cancer therapy began before the event.
    OtherTherapy,
    /// A strategy decision is not recorded.
    PendingDecision,
    /// SABR in an arm whose strategy has none.
    DeviationSabr,
}

impl Censoring {
    /// In words, as ADTTE's `CNSDTDSC` would say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoAssessment => "no adequate assessment after the origin",
            Self::LastAdequateAssessment => "last adequate tumour assessment",
            Self::LastContact => "last contact",
            Self::LastKnownAlive => "last known alive",
            Self::Withdrawal => "withdrawal",
            Self::MissedAssessments => "missed assessments before the event",
            Self::OtherTherapy => "other anti-cancer therapy",
            Self::PendingDecision => "strategy decision pending",
            Self::DeviationSabr => "SABR against the arm's strategy",
        }
    }
}

/// What became of an endpoint. A censored time has no event date.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It happened.
    Event {
        /// The day.
        on: Date,
        /// What happened.
        cause: EventCause,
    },
    /// It was not seen.
    Censored {
        /// The day up to which it had not happened.
        on: Date,
        /// Why the time ends there.
        because: Censoring,
    },
}

/// One subject's time to one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeToEvent {
    /// The day it counts from (`STARTDT`).
    pub origin: Date,
    /// Event or censoring.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What was imputed in the day (`ADTF`).
    pub imputed: Option<Imputed>,
    /// The rule that decided.
    pub rule: String,
    /// Why, in words.
    pub why: String,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

impl TimeToEvent {
    /// The day of the event or censoring (`ADT`).
    pub fn on(&self) -> Date {
        match &self.outcome {
            Outcome::Event { on, .. } | Outcome::Censored { on, .. } => *on,
        }
    }

    /// True where the event was seen.
    pub fn is_event(&self) -> bool {
        matches!(self.outcome, Outcome::Event { .. })
    }

    /// `AVAL`: days from the origin, the origin itself being day 1 (`ADT - STARTDT + 1`).
    pub fn days(&self) -> i64 {
        days_between(self.origin, self.on()) + 1
    }

    /// `AVAL` in months of 30.4375 days.
    pub fn months(&self) -> f64 {
        self.days() as f64 / DAYS_PER_MONTH
    }
}

/// What may end an endpoint, found in the record.
struct Candidate {
    on: AnalysisDate,
    cause: EventCause,
    why: String,
    events: Vec<Seq>,
    /// The strategy decision is not recorded.
    pending: bool,
    /// It was seen at a tumour assessment.
    scanned: bool,
}

/// A censoring by a rule: the day, why, in words, and its events.
type Ruled = (Date, Censoring, String, Vec<Seq>);

/// The rules of an endpoint with what an analysis switched.
pub fn effective_rules(endpoint: &Endpoint, switched: &EndpointRules) -> EndpointRules {
    EndpointRules {
        censor_after_missed: switched.censor_after_missed.or(endpoint.rules.censor_after_missed),
        other_therapy: switched.other_therapy.or(endpoint.rules.other_therapy),
        pending: switched.pending.or(endpoint.rules.pending),
        deviation_sabr: switched.deviation_sabr.or(endpoint.rules.deviation_sabr),
    }
}

/// One subject's time to `endpoint` under `rules`; none where the subject is not in it (not randomised, or its origin
/// never came).
pub fn time_to(
    protocol: &Protocol,
    endpoint: &Endpoint,
    rules: &EndpointRules,
    record: &Record,
    derived: &Derived,
) -> Option<TimeToEvent> {
    let origin = origin(endpoint, rules, record, derived)?;
    let view = View { protocol, endpoint, rules, record, derived, origin };
    let first = endpoint
        .events
        .iter()
        .filter_map(|cause| view.candidate(*cause))
        .filter(|candidate| candidate.on.date >= origin)
        .filter(|candidate| view.seen_before_withdrawal(candidate))
        .min_by_key(|candidate| (candidate.on.date, candidate.cause));
    Some(match first {
        Some(candidate) => view.with_event(candidate),
        None => view.without_event(),
    })
}

fn origin(endpoint: &Endpoint, rules: &EndpointRules, record: &Record, derived: &Derived) -> Option<Date> {
    let randomised = record.randomised.as_ref()?.value.date;
    match endpoint.origin {
        Origin::Randomisation => Some(randomised),
        Origin::StrategyFailure => {
            let failed = match derived.strategy.as_ref()?.status {
                Status::Failed { on, cause: Failure::Progression | Failure::SystemicChange } => on,
                Status::Pending { progression } if rules.pending != Some(Pending::Censor) => progression,
                _ => return None,
            };
            // What came after a withdrawal was not seen, so it opens no endpoint either.
            record.withdrawal.as_ref().is_none_or(|w| failed <= w.date).then_some(failed)
        }
    }
}

/// All that a decision about one endpoint reads.
struct View<'a> {
    protocol: &'a Protocol,
    endpoint: &'a Endpoint,
    rules: &'a EndpointRules,
    record: &'a Record,
    derived: &'a Derived,
    origin: Date,
}

impl View<'_> {
    fn candidate(&self, cause: EventCause) -> Option<Candidate> {
        match cause {
            EventCause::Death => {
                let (death, on) = (self.record.death.as_ref()?, self.derived.death?);
                Some(Candidate {
                    on,
                    cause,
                    why: format!("died on {}", death.date),
                    events: vec![death.event],
                    pending: false,
                    scanned: false,
                })
            }
            EventCause::Progression => {
                self.derived.first_progression.as_ref().map(|found| from_progression(found, cause))
            }
            EventCause::NextLineProgression => {
                let (line, start) = next_line(self.record, self.origin)?;
                let found = self.on_line(line, start)?;
                let mut candidate = from_progression(&found, cause);
                candidate.why = format!("on {} since {start}: {}", line.treatment, candidate.why);
                candidate.events.push(line.event);
                Some(candidate)
            }
            EventCause::StrategyFailure => self.strategy_failure(),
        }
    }

    /// The first progression on `line`, as derived under the tumour rules of the subject.
    fn on_line(&self, line: &TherapyLine, start: Date) -> Option<Progression> {
        let known =
            self.derived.on_lines.iter().find(|known| known.line == line.event && known.start == start);
        match known {
            Some(known) => known.progression.clone(),
            None => progression::first_after(&self.protocol.tumour, self.record, start),
        }
    }

    fn strategy_failure(&self) -> Option<Candidate> {
        let course = self.derived.strategy.as_ref()?;
        let (date, cause, pending) = match course.status {
            Status::Failed { on, cause: cause @ (Failure::Progression | Failure::SystemicChange) } => {
                (on, cause, false)
            }
            Status::Pending { progression } => (progression, Failure::Progression, true),
            _ => return None,
        };
        let changed =
            |line: &&TherapyLine| cause == Failure::SystemicChange && course.events.contains(&line.event);
        let imputed =
            self.record.lines.iter().find(changed).and_then(|line| line.start.impute_onset(None).imputed);
        let recist = course.episodes.last().is_some_and(|episode| episode.progression.known == Known::Recist);
        Some(Candidate {
            on: AnalysisDate { date, imputed },
            cause: EventCause::StrategyFailure,
            why: course.why.clone(),
            events: course.events.clone(),
            pending,
            scanned: cause == Failure::Progression && recist,
        })
    }

    /// After a withdrawal only a death is still seen, and only where the endpoint is about being alive.
    fn seen_before_withdrawal(&self, candidate: &Candidate) -> bool {
        self.endpoint.censor_at == CensorAt::LastKnownAlive
            || self.record.withdrawal.as_ref().is_none_or(|w| candidate.on.date <= w.date)
    }

    fn with_event(&self, candidate: Candidate) -> TimeToEvent {
        let on = candidate.on.date;
        let rules = [
            self.other_therapy_before(on),
            self.deviation_before(on),
            self.missed_before(&candidate),
            self.pending_at(&candidate),
        ];
        // The rule that ends the time earliest decides.
        if let Some(ruled) = rules.into_iter().flatten().min_by_key(|(at, because, ..)| (*at, *because)) {
            return self.censored(ruled);
        }
        let mut rule = format!("{}: first of {}", self.endpoint.id, causes(&self.endpoint.events));
        if candidate.pending {
            rule.push_str("; a pending strategy decision counts as failure");
        }
        TimeToEvent {
            origin: self.origin,
            outcome: Outcome::Event { on, cause: candidate.cause },
            imputed: candidate.on.imputed,
            rule,
            why: candidate.why,
            events: candidate.events,
        }
    }

    fn pending_at(&self, candidate: &Candidate) -> Option<Ruled> {
        (candidate.pending && self.rules.pending == Some(Pending::Censor)).then(|| {
            let why = format!("{}; this analysis censors there", candidate.why);
            (candidate.on.date, Censoring::PendingDecision, why, candidate.events.clone())
        })
    }

    fn censored(&self, (on, because, why, events): Ruled) -> TimeToEvent {
        TimeToEvent {
            origin: self.origin,
            outcome: Outcome::Censored { on, because },
            imputed: None,
            rule: format!("{}: censored, {}", self.endpoint.id, because.words()),
            why,
            events,
        }
    }

    fn without_event(&self) -> TimeToEvent {
        let horizon = self.horizon();
        let rules = [self.other_therapy_before(horizon), self.deviation_before(horizon)];
        if let Some(ruled) = rules.into_iter().flatten().min_by_key(|(at, because, ..)| (*at, *because)) {
            return self.censored(ruled);
        }
        let (on, because, mut events) = self.last_seen(horizon);
        match self.withdrawn() {
            Some(withdrawal) => {
                events.push(withdrawal.event);
                let why = format!(
                    "no event before the withdrawal of {}; {} on {on}",
                    withdrawal.date,
                    because.words()
                );
                self.censored((on, Censoring::Withdrawal, why, events))
            }
            None => self.censored((on, because, format!("no event; {} on {on}", because.words()), events)),
        }
    }

    /// The withdrawal, where it ends what the endpoint looks at: one about being alive looks on.
    fn withdrawn(&self) -> Option<&Withdrawal> {
        self.record.withdrawal.as_ref().filter(|_| self.endpoint.censor_at != CensorAt::LastKnownAlive)
    }

    /// The last day on which anything of the subject is looked at.
    fn horizon(&self) -> Date {
        let death = self.derived.death.map(|death| death.date);
        [self.withdrawn().map(|withdrawal| withdrawal.date), death]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(Date::MAX)
    }

    /// Where the endpoint censors a time that is looked at until `until`.
    fn last_seen(&self, until: Date) -> (Date, Censoring, Vec<Seq>) {
        match self.endpoint.censor_at {
            CensorAt::LastAdequateAssessment => self.last_adequate(until),
            CensorAt::LastContact => self.last_contact(until, Censoring::LastContact),
            CensorAt::LastKnownAlive => self.last_contact(until, Censoring::LastKnownAlive),
        }
    }

    fn last_adequate(&self, until: Date) -> (Date, Censoring, Vec<Seq>) {
        self.derived
            .series
            .iter()
            .flat_map(|series| &series.timepoints)
            .rfind(|t| t.adequate && t.date > self.origin && t.date <= until)
            .map_or((self.origin, Censoring::NoAssessment, Vec::new()), |t| {
                (t.date, Censoring::LastAdequateAssessment, vec![t.event])
            })
    }

    fn last_contact(&self, until: Date, because: Censoring) -> (Date, Censoring, Vec<Seq>) {
        self.record
            .contacts
            .iter()
            .rfind(|fact| fact.value >= self.origin && fact.value <= until)
            .map_or((self.origin, because, Vec::new()), |fact| (fact.value, because, vec![fact.event]))
    }

    fn other_therapy_before(&self, event: Date) -> Option<Ruled> {
        if self.rules.other_therapy != Some(OtherTherapy::Hypothetical) {
            return None;
        }
        let (line, start) = next_line(self.record, self.origin).filter(|(_, start)| *start < event)?;
        let (at, _, mut events) = self.last_seen(start);
        events.push(line.event);
        let why = format!("{} began on {start}, before the event", line.treatment);
        Some((at, Censoring::OtherTherapy, why, events))
    }

    fn deviation_before(&self, event: Date) -> Option<Ruled> {
        if self.rules.deviation_sabr != Some(OtherTherapy::Hypothetical) || self.arm_has_salvage() {
            return None;
        }
        let course = self.record.sabr.iter().find(|c| c.start >= self.origin && c.start < event)?;
        let (at, _, mut events) = self.last_seen(course.start);
        events.push(course.event);
        let why = format!("SABR on {} against the strategy of the arm", course.start);
        Some((at, Censoring::DeviationSabr, why, events))
    }

    fn arm_has_salvage(&self) -> bool {
        let arm = self.record.randomised.as_ref().map(|fact| &fact.value.arm);
        self.protocol
            .arms
            .iter()
            .find(|candidate| Some(&candidate.id) == arm)
            .and_then(|arm| arm.strategy.as_ref())
            .is_some_and(|strategy| strategy.salvage != Salvage::None)
    }

    fn missed_before(&self, candidate: &Candidate) -> Option<Ruled> {
        let most = self.rules.censor_after_missed?;
        let event = candidate.on.date;
        let (at, _, events) = self.last_adequate(plus_days(event, -1));
        let missed = missed_between(self.protocol, self.record, at, event, candidate.scanned);
        if missed < most {
            return None;
        }
        let why = format!("{missed} scheduled assessments were missed between {at} and the event on {event}");
        Some((at, Censoring::MissedAssessments, why, events))
    }
}

fn from_progression(found: &Progression, cause: EventCause) -> Candidate {
    Candidate {
        on: AnalysisDate { date: found.date, imputed: None },
        cause,
        why: found.reason.clone(),
        events: found.events.clone(),
        pending: false,
        scanned: found.known == Known::Recist,
    }
}

fn causes(events: &[EventCause]) -> String {
    let name = |cause: &EventCause| match cause {
        EventCause::StrategyFailure => "strategy failure",
        EventCause::Progression => "progression",
        EventCause::NextLineProgression => "progression on the next line",
        EventCause::Death => "death",
    };
    events.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// The next line of systemic therapy: one begun after the day of randomisation, and on or after `from`, for progression or
/// another reason; not a switch for toxicity, nor what the arm prescribes.
pub fn next_line(record: &Record, from: Date) -> Option<(&TherapyLine, Date)> {
    let after = record.randomised.as_ref().map_or(from, |fact| plus_days(fact.value.date, 1)).max(from);
    record
        .lines
        .iter()
        .filter(|line| matches!(line.reason, LineReason::Progression | LineReason::Other))
        .map(|line| (line, line.start.impute_onset(Some(after)).date))
        .filter(|(_, start)| *start >= after)
        .min_by_key(|(line, start)| (*start, line.event))
}

/// Scheduled tumour assessments that were due between the last adequate one, of the day `after`, and the event of the day
/// `before`: those whose whole window had passed. An assessment made outside its window is early or late and not missed:
/// the last adequate one stands for the scheduled one it is nearest to, and so does the event where it was itself
/// `seen_at_a_visit`.
fn missed_between(
    protocol: &Protocol,
    record: &Record,
    after: Date,
    before: Date,
    seen_at_a_visit: bool,
) -> u32 {
    let Some(start) = record.randomised.as_ref().map(|fact| fact.value.date) else { return 0 };
    let scheduled = scheduled_assessments(protocol, days_between(start, before));
    let nearest = |on: Date| {
        let away = |due: i64| (days_between(start, on) - due).abs();
        std::iter::once(0).chain(scheduled.iter().map(|due| due.day)).min_by_key(|due| (away(*due), *due))
    };
    let (made, event) = (nearest(after), nearest(before).filter(|_| seen_at_a_visit));
    let missed = scheduled.iter().filter(|due| {
        made.is_none_or(|made| due.day > made)
            && plus_days(start, due.opens) > after
            && plus_days(start, due.closes) < before
            && event != Some(due.day)
    });
    u32::try_from(missed.count()).unwrap_or(u32::MAX)
}

/// A scheduled tumour assessment: the days from randomisation on which it is due, and its window opens and closes.
struct Due {
    day: i64,
    opens: i64,
    closes: i64,
}

/// The scheduled tumour assessments after randomisation, in order, up to the first due after day `until`.
fn scheduled_assessments(protocol: &Protocol, until: i64) -> Vec<Due> {
    let is_tumour = |id: &String| {
        protocol.forms.iter().any(|form| form.id == *id && form.concept == Concept::TumourAssessment)
    };
    let mut scheduled = Vec::new();
    for visit in &protocol.schedule.visits {
        if visit.day <= 0 || !visit.forms.iter().any(is_tumour) {
            continue;
        }
        let mut day = visit.day;
        loop {
            let (opens, closes) = (day - i64::from(visit.window_before), day + i64::from(visit.window_after));
            scheduled.push(Due { day, opens, closes });
            match visit.every_days {
                Some(every) if day <= until => day += i64::from(every.max(1)),
                _ => break,
            }
        }
    }
    scheduled.sort_by_key(|due| due.day);
    scheduled
}

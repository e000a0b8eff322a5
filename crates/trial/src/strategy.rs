//! The treatment strategy of an arm: which progressions it holds through, and what makes it fail.
//!
//! The rule stands in the protocol file (`arms.strategy`); nothing of it is written here. Never censors and never counts
//! time (see `endpoint`).

use jiff::civil::Date;
use serde::Serialize;

use crate::date::{PartialDate, plus_days};
use crate::event::Seq;
use crate::id::LesionId;
use crate::progression::{self, Progression, first_after, further};
use crate::protocol::{Salvage, Strategy, TumourRules};
use crate::record::{Decision, LineReason, Record, StrategyDecision, TherapyLine};
use crate::sabr;

/// No subject has more salvaged progressions than this; the loop over them is bounded by it.
const MOST_PROGRESSIONS: usize = 100;

/// Why a strategy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// A progression that the strategy does not hold through.
    Progression,
    /// A change of systemic therapy for progression.
    SystemicChange,
    /// Death of any cause.
    Death,
}

/// Where a subject's strategy stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// The arm has no strategy rule, or the subject was not randomised.
    NotApplicable,
    /// It holds.
    Holding,
    /// A progression waits for its decision or for the end of its salvage.
    Pending {
        /// The day of the progression.
        progression: Date,
    },
    /// It failed.
    Failed {
        /// The day it counts from.
        on: Date,
        /// Why.
        cause: Failure,
    },
}

/// What became of one progression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The strategy held through it.
    Held,
    /// It failed the strategy.
    Failed,
    /// Not yet known.
    Pending,
}

/// One progression and what it did to the strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Episode {
    /// The progression.
    pub progression: Progression,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, in words.
    pub why: String,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// The course of a subject's strategy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Course {
    /// Where it stands.
    pub status: Status,
    /// Each progression in order, up to the one that failed it.
    pub episodes: Vec<Episode>,
    /// Why it stands so, in words.
    pub why: String,
    /// The events it rests on.
    pub events: Vec<Seq>,
}

/// Follows `record` under the `strategy` of its arm, as far as is known on `known_until`; `death` is the day of death,
/// imputed where it was partial.
pub fn follow(
    strategy: &Strategy,
    tumour: &TumourRules,
    record: &Record,
    death: Option<Date>,
    known_until: Date,
) -> Course {
    let start = record.randomised.as_ref().map(|fact| fact.value.date);
    let first = start.and_then(|start| first_after(tumour, record, start));
    follow_from(strategy, tumour, record, death, known_until, first)
}

/// The same where the first progression after randomisation is at hand.
pub fn follow_from(
    strategy: &Strategy,
    tumour: &TumourRules,
    record: &Record,
    death: Option<Date>,
    known_until: Date,
    first: Option<Progression>,
) -> Course {
    let Some(start) = record.randomised.as_ref().map(|fact| fact.value.date) else {
        return Course {
            status: Status::NotApplicable,
            episodes: Vec::new(),
            why: "not randomised".into(),
            events: Vec::new(),
        };
    };
    // After a withdrawal nothing more is known: what was not recorded by then may still have been done.
    let until = record.withdrawal.as_ref().map_or(known_until, |w| known_until.min(w.date));
    let change = first_change(record, start);
    let facts = Facts { strategy, record, change, death, until };
    let mut episodes: Vec<Episode> = Vec::new();
    let mut next = first;
    while episodes.len() < MOST_PROGRESSIONS {
        if let Some((line, on)) = change.filter(|_| strategy.fails_on_systemic_change)
            && next.as_ref().is_none_or(|p| on < p.date)
        {
            return failed_by_change(line, on, episodes);
        }
        let Some(progression) = next.filter(|p| death.is_none_or(|death| p.date <= death)) else { break };
        let episode = facts.judge(progression, episodes.last().map(|episode| &episode.progression));
        let verdict = episode.verdict;
        next = further(tumour, record, &episode.progression).filter(|_| verdict == Verdict::Held);
        episodes.push(episode);
        if verdict != Verdict::Held {
            return closed(verdict, episodes);
        }
    }
    if let (Some(on), Some(death)) = (death, &record.death) {
        return Course {
            status: Status::Failed { on, cause: Failure::Death },
            why: format!("died on {} before the strategy had failed", death.date),
            events: vec![death.event],
            episodes,
        };
    }
    let why = match episodes.len() {
        0 => "no progression".to_owned(),
        1 => "held through 1 salvaged progression".to_owned(),
        n => format!("held through {n} salvaged progressions"),
    };
    let events = episodes.iter().flat_map(|episode| episode.events.iter().copied()).collect();
    Course { status: Status::Holding, episodes, why, events }
}

/// The first line of systemic therapy that began for progression after `start`, the day of randomisation, and its day.
///
/// One of the day of randomisation itself is for the progression that brought the subject into the trial.
pub fn first_change(record: &Record, start: Date) -> Option<(&TherapyLine, Date)> {
    let after = plus_days(start, 1);
    record
        .lines
        .iter()
        .filter(|line| line.reason == LineReason::Progression)
        .map(|line| (line, line.start.impute_onset(Some(after)).date))
        .filter(|(_, on)| *on >= after)
        .min_by_key(|(line, on)| (*on, line.event))
}

fn failed_by_change(line: &TherapyLine, on: Date, episodes: Vec<Episode>) -> Course {
    Course {
        status: Status::Failed { on, cause: Failure::SystemicChange },
        episodes,
        why: format!("systemic therapy was changed for progression ({}) on {on}", line.treatment),
        events: vec![line.event],
    }
}

fn closed(verdict: Verdict, episodes: Vec<Episode>) -> Course {
    // The loop pushed an episode just before.
    let (date, why, events) = match episodes.last() {
        Some(last) => (last.progression.date, last.why.clone(), last.events.clone()),
        None => return Course { status: Status::Holding, episodes, why: String::new(), events: Vec::new() },
    };
    let status = match verdict {
        Verdict::Pending => Status::Pending { progression: date },
        _ => Status::Failed { on: date, cause: Failure::Progression },
    };
    Course { status, episodes, why, events }
}

/// What a pending progression waits for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// The day the progression counts from.
    pub progression: Date,
    /// The day it was certain.
    pub certain: Date,
    /// The last day on which SABR to its lesions is in time.
    pub deadline: Date,
    /// Its lesions without completed SABR.
    pub untreated: Vec<LesionId>,
    /// What was decided; none where no decision is recorded.
    pub decided: Option<Decision>,
    /// All its lesions amenable to SABR: none where nobody said so of one.
    pub amenable: Option<bool>,
}

/// What the strategy waits for; none where it does not wait.
pub fn waiting(strategy: &Strategy, record: &Record, course: &Course) -> Option<Waiting> {
    let Status::Pending { progression: on } = course.status else { return None };
    let (last, earlier) = course.episodes.split_last()?;
    let (progression, before) = (&last.progression, earlier.last().map(|episode| &episode.progression));
    let facts = Facts { strategy, record, change: None, death: None, until: Date::MAX };
    let deadline = facts.deadline(progression);
    Some(Waiting {
        progression: on,
        certain: progression.certain,
        deadline,
        untreated: facts.coverage(progression, before, deadline).missing,
        decided: facts.decision(progression, before).map(|decision| decision.decision),
        amenable: progression.amenable,
    })
}

/// Lesions that progressed at entry and wait for the SABR of their arm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AtEntry {
    /// Those without completed SABR.
    pub lesions: Vec<LesionId>,
    /// The last day of those the strategy gives to a salvage, counted from randomisation.
    pub by: Date,
}

/// The oligoprogressive lesions of the baseline that no course has treated, in an arm whose strategy rests on SABR; none where
/// there is no such lesion.
pub fn untreated_at_entry(strategy: &Strategy, tumour: &TumourRules, record: &Record) -> Option<AtEntry> {
    let start = record.randomised.as_ref().filter(|_| strategy.salvage == Salvage::Sabr)?.value.date;
    let assessments = progression::of_reader(record, &tumour.reader);
    let baseline = assessments.iter().rfind(|assessment| assessment.date <= start)?;
    let progressing = baseline.readings.iter().filter(|reading| reading.oligoprogressive == Some(true));
    let lesions: Vec<LesionId> = progressing.map(|reading| reading.lesion.clone()).collect();
    let lesions = sabr::coverage(&record.sabr, &lesions, start, Date::MAX).missing;
    (!lesions.is_empty()).then(|| AtEntry { lesions, by: plus_days(start, i64::from(strategy.within_days)) })
}

/// What the judgement of a progression reads.
struct Facts<'a> {
    strategy: &'a Strategy,
    record: &'a Record,
    change: Option<(&'a TherapyLine, Date)>,
    death: Option<Date>,
    /// Up to here what was done is known.
    until: Date,
}

impl Facts<'_> {
    /// What `progression` does to the strategy. `before` is the salvaged progression before it.
    fn judge(&self, progression: Progression, before: Option<&Progression>) -> Episode {
        let mut events = progression.events.clone();
        let (verdict, why) = match not_salvageable(self.strategy, &progression) {
            Some(why) => (Verdict::Failed, why),
            None => self.salvaged(&progression, before, &mut events),
        };
        events.sort_unstable();
        events.dedup();
        Episode { progression, verdict, why, events }
    }

    fn salvaged(
        &self,
        progression: &Progression,
        before: Option<&Progression>,
        events: &mut Vec<Seq>,
    ) -> (Verdict, String) {
        let on = progression.date;
        let decision = self.decision(progression, before);
        if let Some(decision) = decision {
            events.push(decision.event);
            if decision.decision == Decision::Abandon {
                return (
                    Verdict::Failed,
                    format!("it was decided on {} to give the strategy up", decision.date),
                );
            }
        }
        let deadline = self.deadline(progression);
        let coverage = self.coverage(progression, before, deadline);
        events.extend(coverage.events.iter().copied());
        let treated_by = coverage.completed.filter(|_| coverage.missing.is_empty());
        if let Some((line, changed)) = self.change
            && self.strategy.systemic_continues
            && changed >= on
            && treated_by.is_none_or(|done| changed <= done)
        {
            events.push(line.event);
            let why =
                format!("systemic therapy was changed for the progression ({}, {changed})", line.treatment);
            return (Verdict::Failed, why);
        }
        match treated_by {
            Some(done) => match self.stopped_by(done) {
                Some(line) => {
                    events.push(line.event);
                    let why = format!("systemic therapy ({}) did not continue to {done}", line.treatment);
                    (Verdict::Failed, why)
                }
                None => (Verdict::Held, self.held(progression, done)),
            },
            None => self.untreated(progression, decision, deadline, &coverage.missing),
        }
    }

    /// Nobody can treat before the progression is certain, so the days are counted from there.
    fn deadline(&self, progression: &Progression) -> Date {
        plus_days(progression.certain, i64::from(self.strategy.within_days))
    }

    /// How far SABR in time covers `progression`. A salvage under way when the lesion is found to progress further treats
    /// that too.
    fn coverage(
        &self,
        progression: &Progression,
        before: Option<&Progression>,
        deadline: Date,
    ) -> sabr::Coverage {
        let on = progression.date;
        let under_way =
            |start: Date, end: Date| end >= on && before.is_some_and(|before| start >= before.date);
        sabr::coverage_of(&self.record.sabr, &progression.sites, |start, end| {
            end <= deadline && (start >= on || under_way(start, end))
        })
    }

    /// The line that ended last, where the strategy asks for systemic therapy to continue and none was under way on
    /// `done`, nor was taken up again after toxicity. Where no line is recorded nobody says that it stopped.
    fn stopped_by(&self, done: Date) -> Option<&TherapyLine> {
        let lines = self.record.lines.iter();
        let continues = |line: &TherapyLine| {
            line.end.is_none_or(|end| end.last() >= done)
                && (line.start.first() <= done || line.reason == LineReason::Toxicity)
        };
        let begun = lines.clone().filter(|line| line.start.first() <= done);
        begun
            .max_by_key(|line| (line.end.map(PartialDate::last), line.event))
            .filter(|_| self.strategy.systemic_continues && !lines.clone().any(continues))
    }

    /// The last decision about `progression`: one that names its day, or the day it was certain, or one between. What was
    /// decided about the salvaged progression `before` it, on a day both may count from, is not about this one.
    fn decision(&self, progression: &Progression, before: Option<&Progression>) -> Option<&StrategyDecision> {
        let about = |decision: &&StrategyDecision| {
            (progression.date..=progression.certain).contains(&decision.progression)
                && before.is_none_or(|before| {
                    decision.progression > before.certain || decision.date >= progression.certain
                })
        };
        self.record.decisions.iter().filter(about).max_by_key(|decision| (decision.date, decision.event))
    }

    fn held(&self, progression: &Progression, done: Date) -> String {
        let place = if progression.intracranial { "" } else { " extracranial" };
        let continued =
            if self.strategy.systemic_continues { ", and systemic therapy continued" } else { "" };
        format!(
            "oligoprogression of {n}{place} lesion(s), all treated with SABR by {done}, within {days} days{continued}",
            n = progression.lesions.len(),
            days = self.strategy.within_days,
        )
    }

    fn untreated(
        &self,
        progression: &Progression,
        decision: Option<&StrategyDecision>,
        deadline: Date,
        missing: &[LesionId],
    ) -> (Verdict, String) {
        let (on, n) = (progression.date, progression.lesions.len());
        let missing = missing.iter().map(LesionId::as_str).collect::<Vec<_>>().join(", ");
        // Judged here and not before: what was treated in time was amenable, whatever was thought of it.
        if progression.amenable == Some(false) {
            return (Verdict::Failed, format!("a progressing lesion on {on} is not amenable to SABR"));
        }
        let withdrew = self.record.withdrawal.as_ref().map(|w| w.date).filter(|w| *w <= deadline);
        // A death heard of after a withdrawal does not tell what was done between.
        if let Some(death) = self.death.filter(|death| withdrew.is_none_or(|withdrew| *death <= withdrew)) {
            return (Verdict::Failed, format!("died on {death} before SABR to {missing} was completed"));
        }
        match (decision, withdrew) {
            (Some(_), _) if self.until > deadline => {
                (Verdict::Failed, format!("SABR to {missing} was not completed by {deadline}"))
            }
            (_, Some(withdrew)) => (
                Verdict::Pending,
                format!(
                    "oligoprogression of {n} lesion(s) on {on}: withdrew on {withdrew} before SABR to {missing}"
                ),
            ),
            (Some(_), None) => {
                (Verdict::Pending, format!("SABR to {missing} may still be completed by {deadline}"))
            }
            (None, None) => (
                Verdict::Pending,
                format!("oligoprogression of {n} lesion(s) on {on}: the strategy decision is not recorded"),
            ),
        }
    }
}

/// Why no salvage can hold the strategy through `progression`; none where one can.
fn not_salvageable(strategy: &Strategy, progression: &Progression) -> Option<String> {
    let on = progression.date;
    let count = progression.lesions.len();
    if strategy.salvage == Salvage::None {
        return Some(format!("the arm allows no local salvage: the progression of {on} fails the strategy"));
    }
    if progression.known == progression::Known::Clinical {
        return Some(format!("a clinical progression on {on} names no lesion that could be treated"));
    }
    if count == 0 {
        return Some(format!("the progression of {on} is of the sum, no single lesion progresses"));
    }
    if count > strategy.max_lesions as usize {
        return Some(format!("{count} progressing lesions on {on}, more than {}", strategy.max_lesions));
    }
    if strategy.extracranial_only && progression.intracranial {
        return Some(format!("a progressing lesion on {on} lies inside the skull"));
    }
    None
}

//! One subject's contribution to every table and figure, small enough to hold a registry of them.
//!
//! Never looks at another subject, so that rows are made in parallel. See `lib` for what is made of them.

use jiff::civil::Date;

use trial::date::days_between;
use trial::derive::{Derived, derive};
use trial::endpoint::{Outcome, TimeToEvent, time_to};
use trial::event::Seq;
use trial::id::{ArmId, SiteId, SubjectId};
use trial::protocol::Protocol;
use trial::record::{Allocation, Fact, Record, Withdrawal};
use trial::strategy::Status;

use crate::arms::POOLED;
use crate::baseline::Baseline;
use crate::flow::Screening;
use crate::plan::{Detail, Plan};
use crate::quality::Quality;
use crate::response::BestResponse;
use crate::results::{Change, Counted, DeviationRow, Lane, PendingRow, SubjectFault, Trace, Trajectory, Who};
use crate::safety::Safety;
use crate::{
    baseline, committee, deviations, figures, flow, patterns, quality, response, sabr, safety, trace,
};

/// One subject's contribution.
#[derive(Clone, Debug)]
pub struct SubjectRow {
    pub(crate) subject: SubjectId,
    pub(crate) site: SiteId,
    /// False where nothing of the subject had happened by the cut.
    pub(crate) seen: bool,
    pub(crate) detail: Detail,
    pub(crate) allocation: Option<Allocation>,
    /// The event of it.
    pub(crate) allocated: Option<Seq>,
    /// The event of screening, else of consent, else of the first form.
    pub(crate) entered: Option<Seq>,
    /// The event of the last contact.
    pub(crate) last_contact: Option<Seq>,
    /// The last day the subject was seen alive, or died.
    pub(crate) last_seen: Option<Date>,
    pub(crate) death: Option<Date>,
    /// The event of the death.
    pub(crate) died: Option<Seq>,
    pub(crate) withdrawal: Option<Withdrawal>,
    pub(crate) screening: Screening,
    pub(crate) baseline: Baseline,
    /// Received what the arm prescribes; none where the protocol does not let us tell.
    pub(crate) treated: Option<flow::Treated>,
    /// In the order of `Plan::analyses`; none where the subject is not in the analysis.
    pub(crate) times: Vec<Option<Time>>,
    pub(crate) best: Option<BestResponse>,
    pub(crate) sabr: Vec<sabr::Course>,
    /// Progressions by place, courses of SABR and states.
    pub(crate) course: patterns::Course,
    pub(crate) safety: Safety,
    /// For a safety committee.
    pub(crate) watch: committee::Watch,
    pub(crate) quality: Option<Quality>,
    pub(crate) deviations: Vec<DeviationRow>,
    pub(crate) pending: Option<PendingRow>,
    pub(crate) faults: Vec<SubjectFault>,
    pub(crate) lane: Option<Lane>,
    pub(crate) change: Option<Change>,
    pub(crate) trajectory: Option<Trajectory>,
    pub(crate) trace: Option<Box<Trace>>,
}

/// One subject's time in one analysis.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    /// `AVAL`.
    pub days: i64,
    /// What ended it.
    pub outcome: Outcome,
    /// With its rule, words and events, where traces are kept.
    pub full: Option<Box<TimeToEvent>>,
}

impl Time {
    pub fn is_event(&self) -> bool {
        matches!(self.outcome, Outcome::Event { .. })
    }
}

impl SubjectRow {
    /// The subject.
    pub fn subject(&self) -> &SubjectId {
        &self.subject
    }

    /// The arm, where it was randomised.
    pub fn arm(&self) -> Option<&ArmId> {
        self.allocation.as_ref().map(|allocation| &allocation.arm)
    }

    /// Deviations from the protocol by day: those a person recorded, and those that follow from the record.
    pub fn deviations(&self) -> &[DeviationRow] {
        &self.deviations
    }

    /// The row of a subject whose arm may not be told, nor what would tell it.
    pub(crate) fn pooled(mut self) -> Self {
        if let Some(allocation) = &mut self.allocation {
            allocation.arm = ArmId(POOLED.into());
        }
        self.detail = Detail::TABLES;
        (self.treated, self.lane, self.trajectory, self.change) = (None, None, None, None);
        (self.trace, self.pending) = (None, None);
        (self.deviations, self.faults) = (Vec::new(), Vec::new());
        self.watch.narratives = Vec::new();
        for time in self.times.iter_mut().flatten() {
            time.full = None;
        }
        self
    }

    /// The entry of this subject behind a number; none where the row carries no traces.
    pub(crate) fn who(
        &self,
        value: Option<f64>,
        words: String,
        events: impl IntoIterator<Item = Seq>,
    ) -> Option<Who> {
        self.detail.traces.then(|| Who {
            subject: self.subject.clone(),
            value,
            words,
            events: events.into_iter().collect(),
        })
    }

    /// Drops what `allowed` does not allow.
    pub(crate) fn reduce(&mut self, allowed: Detail) {
        if !allowed.traces {
            self.trace = None;
            for time in self.times.iter_mut().flatten() {
                time.full = None;
            }
        }
        if !allowed.figures {
            (self.lane, self.change, self.trajectory) = (None, None, None);
        }
        self.detail = Detail {
            traces: self.detail.traces && allowed.traces,
            figures: self.detail.figures && allowed.figures,
        };
    }
}

/// All that a subject's row is made from.
pub(crate) struct Subject<'a> {
    /// The version in force when the subject was randomised; the current one before.
    pub protocol: &'a Protocol,
    /// The version that analyses.
    pub current: &'a Protocol,
    pub record: &'a Record,
    pub derived: &'a Derived,
    pub randomised: Option<&'a Fact<Allocation>>,
    /// The last day the subject was seen alive, or died.
    pub last_seen: Option<Date>,
}

impl<'a> Subject<'a> {
    /// Day of randomisation.
    pub fn start(&self) -> Option<Date> {
        self.randomised.map(|fact| fact.value.date)
    }

    /// The rule of the subject's arm; none where it has none or the subject was not randomised.
    pub fn strategy(&self) -> Option<&'a trial::protocol::Strategy> {
        let arm = &self.randomised?.value.arm;
        self.protocol.arms.iter().find(|candidate| candidate.id == *arm)?.strategy.as_ref()
    }

    /// The event of the baseline assessment.
    pub fn baseline_event(&self) -> Option<Seq> {
        self.derived.series.as_ref().map(|series| series.baseline.event)
    }

    /// The baseline assessment itself.
    pub fn baseline_assessment(&self) -> Option<&'a trial::record::Assessment> {
        let event = self.baseline_event()?;
        self.record.assessments.iter().find(|a| a.event == event && a.reader == self.protocol.tumour.reader)
    }
}

/// Days from `start`, the day itself being 0, in months.
pub(crate) fn months(start: Date, day: Date) -> f64 {
    days_between(start, day) as f64 / trial::date::DAYS_PER_MONTH
}

impl Plan<'_> {
    /// The row of one subject. With a clinical `cut`, nothing that happened later is seen, whether or not the record was
    /// cut before.
    pub fn row(&self, record: &Record, cut: Option<Date>, detail: Detail) -> SubjectRow {
        let cut_record = cut.map(|cut| as_on(record, cut));
        let seen = cut.is_none_or(|cut| seen_by(record, cut));
        let record = cut_record.as_ref().unwrap_or(record);
        self.made(record, &derive(self.history, record, cut), seen, detail)
    }

    /// The row without a cut, for whoever has derived the record already: `derived` is `derive(history, record, None)`.
    pub fn row_of(&self, record: &Record, derived: &Derived, detail: Detail) -> SubjectRow {
        self.made(record, derived, true, detail)
    }

    /// As `row` with a cut, for whoever needs the record no more: it is cut, not a copy of it.
    pub fn row_cut(&self, record: Record, cut: Date, detail: Detail) -> SubjectRow {
        let seen = seen_by(&record, cut);
        let record = cut_on(record, cut);
        self.made(&record, &derive(self.history, &record, Some(cut)), seen, detail)
    }

    fn made(&self, record: &Record, derived: &Derived, seen: bool, detail: Detail) -> SubjectRow {
        let randomised = record.randomised.as_ref();
        let subject = Subject {
            protocol: randomised.map_or(self.current, |fact| self.history.at(fact.event)),
            current: self.current,
            record,
            derived,
            randomised,
            last_seen: last_seen(record, derived),
        };
        self.assemble(&subject, seen, detail)
    }

    fn assemble(&self, subject: &Subject<'_>, seen: bool, detail: Detail) -> SubjectRow {
        let Subject { record, derived, randomised, .. } = *subject;
        let judged = flow::judged(subject);
        let times = self.times(subject);
        let quality = quality::of(subject);
        let deviations = deviations::of(subject, &judged);
        let pending = pending(subject);
        let trace = detail
            .traces
            .then(|| Box::new(trace::of(subject, &times, quality.as_ref(), &deviations, &judged)));
        SubjectRow {
            subject: record.subject.clone(),
            site: record.site.clone(),
            seen,
            detail,
            allocation: randomised.map(|fact| fact.value.clone()),
            allocated: randomised.map(|fact| fact.event),
            entered: entered(record),
            last_contact: last_contact(record).map(|fact| fact.event),
            last_seen: subject.last_seen,
            death: derived.death.map(|death| death.date),
            died: record.death.as_ref().map(|death| death.event),
            withdrawal: record.withdrawal.clone(),
            screening: flow::screening(subject, &judged),
            baseline: baseline::of(subject),
            treated: flow::treated(subject),
            times: times
                .into_iter()
                .map(|time| {
                    time.map(|time| Time {
                        days: time.days(),
                        outcome: time.outcome.clone(),
                        full: detail.traces.then(|| Box::new(time)),
                    })
                })
                .collect(),
            best: response::of(subject),
            sabr: sabr::of(subject),
            course: patterns::of(subject),
            safety: safety::of(subject),
            watch: committee::of(subject, detail.traces),
            quality,
            deviations,
            pending,
            faults: faults(record),
            lane: detail.figures.then(|| figures::lane(subject)).flatten(),
            change: detail.figures.then(|| figures::change(subject)).flatten(),
            trajectory: detail.figures.then(|| figures::trajectory(subject)).flatten(),
            trace,
        }
    }

    /// One time an analysis. Analyses that differ in the statistics alone share their times.
    pub(crate) fn times(&self, subject: &Subject<'_>) -> Vec<Option<TimeToEvent>> {
        let Subject { record, derived, .. } = *subject;
        let mut times: Vec<Option<TimeToEvent>> = Vec::with_capacity(self.analyses.len());
        for (place, planned) in self.analyses.iter().enumerate() {
            let same = self.analyses[..place].iter().position(|earlier| {
                earlier.endpoint.id == planned.endpoint.id && earlier.rules == planned.rules
            });
            let time = match same {
                Some(earlier) => times[earlier].clone(),
                None => time_to(self.current, planned.endpoint, &planned.rules, record, derived),
            };
            times.push(time);
        }
        times
    }
}

/// `record` as it was on `cut`: `Record::cut_at`, and no form that was filled after a randomisation that is not yet seen.
pub(crate) fn as_on(record: &Record, cut: Date) -> Record {
    cut_on(record.clone(), cut)
}

fn cut_on(record: Record, cut: Date) -> Record {
    let randomised = record.randomised.as_ref().map(|fact| fact.event);
    let mut record = record.cut_at(cut);
    if record.randomised.is_none()
        && let Some(event) = randomised
    {
        record.forms.retain(|form| form.event < event);
    }
    record
}

/// True where the subject had entered screening by `cut`. An import records everything later than it happened, so a consent,
/// a randomisation or a scan by then tells as much as the day screening was recorded.
pub(crate) fn seen_by(record: &Record, cut: Date) -> bool {
    let days = [
        record.screened.as_ref().map(|fact| fact.value),
        record.consent.as_ref().map(|fact| fact.value),
        record.randomised.as_ref().map(|fact| fact.value.date),
        record.assessments.first().map(|assessment| assessment.date),
    ];
    days.into_iter().flatten().any(|day| day <= cut)
}

pub(crate) fn last_seen(record: &Record, derived: &Derived) -> Option<Date> {
    derived.death.map(|death| death.date).or_else(|| last_contact(record).map(|fact| fact.value))
}

pub(crate) fn last_contact(record: &Record) -> Option<&Fact<Date>> {
    record.contacts.iter().max_by_key(|fact| fact.value)
}

fn entered(record: &Record) -> Option<Seq> {
    let facts = record.screened.as_ref().or(record.consent.as_ref()).map(|fact| fact.event);
    facts
        .or_else(|| record.forms.first().map(|form| form.event))
        .or_else(|| record.randomised.as_ref().map(|r| r.event))
}

impl Counted {
    /// Counts `row` by these events.
    pub(crate) fn add(&mut self, row: &SubjectRow, events: impl IntoIterator<Item = Seq>) {
        self.n += 1;
        self.who.extend(row.who(None, String::new(), events));
    }
}

fn pending(subject: &Subject<'_>) -> Option<PendingRow> {
    let course = subject.derived.strategy.as_ref()?;
    let Status::Pending { progression } = course.status else { return None };
    Some(PendingRow {
        subject: subject.record.subject.clone(),
        site: subject.record.site.clone(),
        arm: subject.randomised?.value.arm.clone(),
        progression,
        why: course.why.clone(),
        events: course.events.clone(),
    })
}

fn faults(record: &Record) -> Vec<SubjectFault> {
    record
        .faults
        .iter()
        .map(|fault| SubjectFault {
            subject: record.subject.clone(),
            event: fault.event,
            place: match fault.item.as_str() {
                "" => fault.place.clone(),
                item => format!("{}, {item}", fault.place),
            },
            message: fault.message.clone(),
        })
        .collect()
}

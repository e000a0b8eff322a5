//! One subject's derived values, each with its events: what an export writes row by row and a table only counts.
//!
//! Never derives anything of its own: the same functions that fill [`SubjectRow`](crate::SubjectRow) give them, so that an
//! exported value is the one the report counted.

use std::borrow::Cow;

use jiff::civil::Date;

use trial::derive::{Derived, derive};
use trial::endpoint::TimeToEvent;
use trial::event::Seq;
use trial::factb::Auc;
use trial::protocol::{Analysis, Endpoint, EndpointRules, Protocol};
use trial::recist::OverallResponse;
use trial::record::Record;

use crate::plan::Plan;
use crate::row::{Subject, as_on, last_seen, seen_by};
use crate::{baseline, flow, quality, response, time_to_event};

/// A value and the events it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Valued<T> {
    /// The value.
    pub value: T,
    /// The events.
    pub events: Vec<Seq>,
}

/// What the report's tables read of one subject.
#[derive(Clone, Debug)]
pub struct Values<'r> {
    /// The record as it was on the cut.
    pub record: Cow<'r, Record>,
    /// What follows from it.
    pub derived: Derived,
    /// Age in years at consent: the year of consent less the year of birth.
    pub age: Option<Valued<f64>>,
    /// ECOG performance status, the last by the day of randomisation.
    pub ecog: Option<Valued<f64>>,
    /// Lesions of the baseline assessment.
    pub lesions: Option<Valued<f64>>,
    /// Oligoprogressive lesions of it.
    pub oligoprogressive: Option<Valued<f64>>,
    /// Months on the therapy under way at randomisation.
    pub prior_months: Option<Valued<f64>>,
    /// Received what the arm prescribes; none where the protocol does not let us tell.
    pub treated: Option<Valued<bool>>,
    /// Best overall response, confirmed or not as the protocol says.
    pub best: Option<Valued<OverallResponse>>,
    /// In the order of [`Plan::analyses`]; none where the subject is not in the analysis.
    pub times: Vec<Option<TimeToEvent>>,
    /// The questionnaire that counts for each planned week: week and event.
    pub questionnaires: Vec<(u32, Seq)>,
    /// Area under the curve of the FACT-B total, by the main rule.
    pub area: Option<Auc>,
    /// The areas under the rules of each sensitivity analysis of the protocol, in its order.
    pub areas: Vec<Option<Auc>>,
    /// The last day the subject was seen alive, or died.
    pub last_seen: Option<Date>,
}

/// An analysis of the protocol, made ready.
pub struct Analysed<'p> {
    /// As the protocol states it.
    pub analysis: &'p Analysis,
    /// Its endpoint.
    pub endpoint: &'p Endpoint,
    /// The rules in force.
    pub rules: EndpointRules,
    /// The same in words, as the report says them.
    pub words: Vec<String>,
}

impl<'h> Plan<'h> {
    /// The analyses in the order of `Values::times`.
    pub fn analyses(&self) -> impl Iterator<Item = Analysed<'h>> {
        self.analyses.iter().map(|planned| Analysed {
            analysis: planned.analysis,
            endpoint: planned.endpoint,
            rules: planned.rules.clone(),
            words: time_to_event::words(planned.endpoint, &planned.rules),
        })
    }

    /// The rules of the area under the FACT-B curve in words; empty where no quality of life is measured.
    pub fn quality_words(&self) -> Vec<String> {
        quality::rules_in_words(self.current)
    }

    /// The values of one subject; none where nothing of it had happened by the cut.
    pub fn values<'r>(&self, record: &'r Record, cut: Option<Date>) -> Option<Values<'r>> {
        if cut.is_some_and(|cut| !seen_by(record, cut)) {
            return None;
        }
        let record = match cut {
            Some(cut) => Cow::Owned(as_on(record, cut)),
            None => Cow::Borrowed(record),
        };
        let derived = derive(self.history, &record, cut);
        let randomised = record.randomised.as_ref();
        let protocol: &Protocol = randomised.map_or(self.current, |fact| self.history.at(fact.event));
        let subject = Subject {
            protocol,
            current: self.current,
            record: &record,
            derived: &derived,
            randomised,
            last_seen: last_seen(&record, &derived),
        };
        let baseline = baseline::of(&subject);
        let quality = quality::of(&subject);
        let (age, ecog, lesions) = (baseline.age(), baseline.ecog(), baseline.lesions());
        let (oligoprogressive, prior_months) = (baseline.oligoprogressive(), baseline.prior_months());
        let treated = flow::treated(&subject).map(|it| Valued { value: it.yes, events: it.events });
        let best = response::of(&subject).map(response::BestResponse::valued);
        let (times, last_seen) = (self.times(&subject), subject.last_seen);
        let questionnaires = quality.as_ref().map(quality::Quality::placed).unwrap_or_default();
        let (area, areas) = quality.map(quality::Quality::into_areas).unwrap_or_default();
        Some(Values {
            record,
            derived,
            age,
            ecog,
            lesions,
            oligoprogressive,
            prior_months,
            treated,
            best,
            times,
            questionnaires,
            area,
            areas,
            last_seen,
        })
    }
}

//! What a subject's page is made of: the record, what follows from it, and where each event is entered.
//!
//! Made once for a page, so that nothing is derived twice. Never decides anything.

use std::collections::BTreeMap;

use jiff::civil::Date;
use office::Folder;
use people::permission::{Act, entering};
use trial::calendar::{Calendar, calendar, form_of};
use trial::date::study_day;
use trial::derive::{Derived, derive, ruling};
use trial::event::{Instance, Seq};
use trial::outstanding::{Options, Outstanding, outstanding};
use trial::protocol::{Concept, Form, Protocol, ProtocolHistory};
use trial::record::{FilledForm, Query, QueryState, Record};
use trial::standing::{Standing, standing};

use crate::page::parts;
use crate::web::access::Chart;
use crate::web::address;

/// A subject as its page shows it.
pub(super) struct View<'a> {
    pub(super) chart: &'a Chart,
    pub(super) folder: &'a Folder,
    pub(super) record: &'a Record,
    pub(super) history: &'a ProtocolHistory,
    /// The version in force now: forms, visits, endpoints.
    pub(super) protocol: &'a Protocol,
    /// The version in force when the subject was randomised: tumours, SABR, the strategy.
    pub(super) ruling: &'a Protocol,
    pub(super) derived: Derived,
    pub(super) calendar: Calendar,
    pub(super) standing: Standing,
    pub(super) outstanding: Vec<Outstanding>,
    pub(super) today: Date,
    forms: BTreeMap<&'a Instance, &'a FilledForm>,
}

impl<'a> View<'a> {
    pub(super) fn of(chart: &'a Chart, folder: &'a Folder, today: Date) -> Self {
        let (record, history) = (&folder.record, &*folder.history);
        let derived = derive(history, record, None);
        Self {
            chart,
            folder,
            record,
            history,
            protocol: history.current(),
            ruling: ruling(history, record),
            calendar: calendar(history.current(), record, today),
            standing: standing(history, record, &derived, today),
            outstanding: outstanding(history, record, &derived, today, Options::default()),
            derived,
            today,
            forms: record.forms.iter().map(|form| (&form.instance, form)).collect(),
        }
    }

    /// The day of randomisation: study day 1.
    pub(super) fn start(&self) -> Option<Date> {
        self.record.randomised.as_ref().map(|fact| fact.value.date)
    }

    /// The study day of a date; none before randomisation.
    pub(super) fn day(&self, date: Date) -> Option<i64> {
        Some(study_day(self.start()?, date))
    }

    /// A date in words, with its study day where there is one.
    pub(super) fn dated(&self, date: Date) -> String {
        match self.day(date) {
            Some(day) => format!("{}, {}", parts::day(date), day_words(day)),
            None => parts::day(date),
        }
    }

    /// The filled form of an instance.
    pub(super) fn filled(&self, instance: &Instance) -> Option<&'a FilledForm> {
        self.forms.get(instance).copied()
    }

    /// A form of the protocol in force now.
    pub(super) fn form(&self, id: &str) -> Option<&'a Form> {
        self.protocol.forms.iter().find(|form| form.id == id)
    }

    /// The first form of a concept.
    pub(super) fn form_for(&self, concept: Concept) -> Option<&'a Form> {
        self.protocol.forms.iter().find(|form| form.concept == concept)
    }

    /// The page of a form.
    pub(super) fn address(&self, instance: &Instance) -> String {
        address::form(&self.chart.room.slug, &self.chart.subject, instance)
    }

    /// Where an event is entered: its form, or else its place in the audit trail.
    pub(super) fn leads(&self, event: Seq) -> String {
        match form_of(self.record, event) {
            Some(form) => self.address(&form.instance),
            None => address::event(&self.chart.room.slug, event),
        }
    }

    /// A form in words: its name, its visit, and which of several it is.
    pub(super) fn words(&self, instance: &Instance) -> String {
        trial::words::form_name(self.protocol, instance)
    }

    /// A visit in words.
    pub(super) fn visit(&self, id: &str, occurrence: u32) -> String {
        trial::words::visit_name(self.protocol, id, occurrence)
    }

    /// The queries about a form that are not closed.
    pub(super) fn queries<'q>(&'q self, instance: &'q Instance) -> impl Iterator<Item = &'q Query> {
        self.open_queries().filter(move |query| query.about.as_ref() == Some(instance))
    }

    /// Every query that is not closed.
    pub(super) fn open_queries(&self) -> impl Iterator<Item = &Query> {
        self.record.queries.iter().filter(|query| query.state() != QueryState::Closed)
    }

    /// Whether the visitor may fill a form of this concept here.
    pub(super) fn may_enter(&self, concept: Concept) -> bool {
        self.chart.may_here(entering(concept == Concept::SabrCourse))
    }

    /// The instance that a further entry of a log form would have, where the visitor may make one.
    pub(super) fn next_of(&self, concept: Concept) -> Option<Instance> {
        let form = self.form_for(concept).filter(|_| self.may_enter(concept))?;
        Some(self.next_entry(form))
    }

    /// The instance of a form's next entry outside the visits.
    pub(super) fn next_entry(&self, form: &Form) -> Instance {
        let used = self.record.forms.iter().map(|filled| &filled.instance);
        let used = used.filter(|instance| instance.form == form.id && instance.visit.is_none());
        let last = used.map(|instance| instance.occurrence).max().unwrap_or(0);
        Instance { form: form.id.clone(), visit: None, occurrence: last.saturating_add(1) }
    }

    /// Whether the visitor may see the audit trail here.
    pub(super) fn may_see_trail(&self) -> bool {
        self.chart.may_here(Act::ViewTrail)
    }
}

/// A study day in words; one before randomisation with a minus, not a hyphen.
pub(super) fn day_words(day: i64) -> String {
    format!("day {}{}", if day < 0 { "\u{2212}" } else { "" }, day.abs())
}

/// A length, a dose: to a tenth, without a zero behind the point.
pub(super) fn tenth(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // -0 would be shown with its sign.
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}

/// A change with its sign.
pub(crate) fn signed(value: f64) -> String {
    let text = tenth(value.abs());
    match text.as_str() {
        "0" => text,
        _ if value > 0.0 => format!("+{text}"),
        _ => format!("\u{2212}{text}"),
    }
}

/// Names one after the other: `T01, T02 and T03`.
pub(super) fn listed<T: ToString>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// A code as people read it: `NON-TARGET` as `non-target`, `LYMPH NODE` as `lymph node`.
pub(super) fn lower(code: &str) -> String {
    code.to_lowercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0.0, "0")]
    #[case(0.04, "0")]
    #[case(-0.04, "0")]
    #[case(3.25, "+3.3")]
    #[case(-12.0, "\u{2212}12")]
    fn a_change_shows_its_sign_and_zero_has_none(#[case] value: f64, #[case] want: &str) {
        assert_eq!(signed(value), want);
    }

    #[rstest]
    #[case(&[], "")]
    #[case(&["T01"], "T01")]
    #[case(&["T01", "T02"], "T01 and T02")]
    #[case(&["T01", "T02", "N01"], "T01, T02 and N01")]
    fn names_are_listed(#[case] names: &[&str], #[case] want: &str) {
        assert_eq!(listed(names), want);
    }
}

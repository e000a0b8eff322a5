//! One form of one subject: its definition, what stands on it, and what the visitor may do with it.
//!
//! Never judges a value. A form is read under the version of the protocol it was entered under, and filled under the one in force.

use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use office::{Actor, Folder};
use people::permission::{self, Act};
use trial::calendar::Due;
use trial::derive::{Derived, derive};
use trial::event::{Instance, Seq};
use trial::protocol::{Concept, Form, Protocol};
use trial::record::{FilledForm, Query, QueryState, Record};

use crate::app::App;
use crate::page::parts;
use crate::web::access::Chart;
use crate::web::address;
use crate::web::fault::Fault;

/// A form of a subject.
pub(super) struct Sheet {
    pub(super) chart: Chart,
    pub(super) folder: Arc<Folder>,
    pub(super) instance: Instance,
    pub(super) today: Date,
    /// Where the definition stands among the forms of `protocol()`.
    form: usize,
    /// The event of the version that defines it; none: the one in force.
    version: Option<Seq>,
    right: Right,
    derived: OnceLock<Derived>,
}

/// What the visitor may do with a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// Fill it for the first time.
    Fill,
    /// Correct it, with a reason.
    Correct,
    /// Read it: somebody locked it.
    Locked,
    /// Read it: the protocol in force has no such form any more.
    Gone,
    /// Read it: the role does not include filling it.
    Closed(Act),
}

impl Right {
    pub(super) fn writes(self) -> bool {
        matches!(self, Self::Fill | Self::Correct)
    }
}

impl Sheet {
    /// The form that `name` in an address speaks of. Faults: there is no such form, visit or occurrence.
    pub(super) async fn open(app: &App, chart: Chart, name: &str) -> Result<Self, Fault> {
        let instance = address::instance_of(name).ok_or_else(|| {
            Fault::NotFound(format!(
                "{name:?} is not the name of a form: it is FORM@VISIT, or FORM.2 for the second."
            ))
        })?;
        let folder = chart.room.folder(&chart.subject).await?;
        let standing = folder.record.forms.iter().find(|form| form.instance == instance);
        let index = |protocol: &Protocol| protocol.forms.iter().position(|form| form.id == instance.form);
        let current = index(folder.history.current());
        let entered = standing.and_then(|form| Some((form.event, index(folder.history.at(form.event))?)));
        let right = right(&chart, &folder, standing, current);
        let (form, version) = match (current, entered) {
            (Some(form), _) if right.writes() => (form, None),
            (_, Some((event, form))) => (form, Some(event)),
            (Some(form), None) => (form, None),
            (None, None) => return Err(Fault::NotFound(no_form(folder.history.current(), &instance))),
        };
        if standing.is_none() {
            placed(folder.history.current(), &folder.record, &instance).map_err(Fault::NotFound)?;
        }
        let today = app.today();
        Ok(Self { chart, folder, instance, today, form, version, right, derived: OnceLock::new() })
    }

    /// The protocol that defines the form.
    pub(super) fn protocol(&self) -> &Protocol {
        match self.version {
            Some(event) => self.folder.history.at(event),
            None => self.folder.history.current(),
        }
    }

    /// Its definition.
    pub(super) fn form(&self) -> &Form {
        &self.protocol().forms[self.form]
    }

    pub(super) fn record(&self) -> &Record {
        &self.folder.record
    }

    /// What stands on it.
    pub(super) fn standing(&self) -> Option<&FilledForm> {
        self.record().forms.iter().find(|form| form.instance == self.instance)
    }

    /// The event that gave it its values; 0 where it is empty.
    pub(super) fn stands_at(&self) -> Seq {
        self.standing().map_or(0, |form| form.event)
    }

    pub(super) fn right(&self) -> Right {
        self.right
    }

    /// Who fills it, in the role that opens it.
    pub(super) fn actor(&self) -> Result<Actor, Fault> {
        match self.right {
            Right::Fill | Right::Correct => self.chart.actor_for(self.entering(), Some(&self.chart.site)),
            Right::Closed(act) => Err(Fault::Forbidden(format!(
                "Your role does not include this: {}. Nothing was saved.",
                act.words()
            ))),
            Right::Locked => Err(Fault::Forbidden(
                "The form is locked: a data manager can unlock it. Nothing was saved.".into(),
            )),
            Right::Gone => Err(Fault::Forbidden(
                "The protocol in force has no such form any more. Nothing was saved.".into(),
            )),
        }
    }

    pub(super) fn entering(&self) -> Act {
        permission::entering(self.form().concept == Concept::SabrCourse)
    }

    /// Responses and strategy, derived once a page.
    pub(super) fn derived(&self) -> &Derived {
        self.derived.get_or_init(|| derive(&self.folder.history, self.record(), None))
    }

    /// Queries about the form that are not closed.
    pub(super) fn queries(&self) -> impl Iterator<Item = &Query> {
        let open = |query: &&Query| query.state() != QueryState::Closed;
        self.record().queries.iter().filter(open).filter(|query| query.about.as_ref() == Some(&self.instance))
    }

    /// The address of the form, or of what lies below it.
    pub(super) fn at(&self, rest: &str) -> String {
        let own = address::form(&self.chart.room.slug, &self.chart.subject, &self.instance);
        if rest.is_empty() { own } else { format!("{own}/{rest}") }
    }

    /// The form's name and where it stands, `Tumour assessment, Week 12`.
    pub(super) fn title(&self) -> String {
        title(self.protocol(), self.form(), &self.instance)
    }

    /// Where a new entry of the form that means `concept` is made; none where the protocol has no such form, or the visitor
    /// may not fill it.
    pub(super) fn add(&self, concept: Concept) -> Option<String> {
        let form = self.folder.history.current().forms.iter().find(|form| form.concept == concept)?;
        let act = permission::entering(concept == Concept::SabrCourse);
        self.chart.may_here(act).then(|| self.chart.at(&format!("add/{}", address::segment(&form.id))))
    }

    /// When the form's visit is due, in words.
    pub(super) fn window(&self) -> Option<String> {
        let start = self.record().randomised.as_ref()?.value.date;
        let id = self.instance.visit.as_ref()?;
        let visit = self.protocol().schedule.visits.iter().find(|visit| visit.id == *id)?;
        let (target, opens, closes) = Due::of(visit, self.instance.occurrence).dates(start);
        let [target, opens, closes] = [target, opens, closes].map(parts::day);
        Some(format!("planned for {target}, on time from {opens} to {closes}"))
    }
}

/// The name of an instance: form, visit, and which of several.
pub(super) fn title(protocol: &Protocol, form: &Form, instance: &Instance) -> String {
    let visit = instance.visit.as_ref().map(|id| {
        let known = protocol.schedule.visits.iter().find(|visit| visit.id == *id);
        known.map_or(id.as_str(), |visit| visit.label.as_str())
    });
    match (visit, instance.occurrence) {
        (Some(visit), 1) => format!("{}, {visit}", form.label),
        (Some(visit), n) => format!("{}, {visit}, no. {n}", form.label),
        (None, 1) => form.label.clone(),
        (None, n) => format!("{}, no. {n}", form.label),
    }
}

fn right(chart: &Chart, folder: &Folder, standing: Option<&FilledForm>, current: Option<usize>) -> Right {
    let Some(form) = current.and_then(|index| folder.history.current().forms.get(index)) else {
        return Right::Gone;
    };
    let act = permission::entering(form.concept == Concept::SabrCourse);
    match standing {
        _ if !chart.may_here(act) => Right::Closed(act),
        None => Right::Fill,
        Some(form) if form.locked.is_some() => Right::Locked,
        Some(_) if !chart.may_here(Act::Correct) => Right::Closed(Act::Correct),
        Some(_) => Right::Correct,
    }
}

/// The next entry of `form` outside the visits.
pub(super) fn next_of(record: &Record, form: &str) -> Instance {
    let entries =
        record.forms.iter().filter(|filled| filled.instance.form == form && filled.instance.visit.is_none());
    let last = entries.map(|filled| filled.instance.occurrence).max().unwrap_or(0);
    Instance { form: form.to_owned(), visit: None, occurrence: last.saturating_add(1) }
}

fn no_form(protocol: &Protocol, instance: &Instance) -> String {
    let known: Vec<&str> = protocol.forms.iter().map(|form| form.id.as_str()).collect();
    format!("The protocol has no form {:?}. It has {}.", instance.form, known.join(", "))
}

/// Whether an empty form may be opened there; else what would be right. What the form's own check says of a place that is only
/// unusual is said when it is saved.
fn placed(protocol: &Protocol, record: &Record, instance: &Instance) -> Result<(), String> {
    let Some(id) = &instance.visit else {
        let next = next_of(record, &instance.form);
        return if instance.occurrence <= next.occurrence {
            Ok(())
        } else {
            let own = address::instance_name(&next);
            Err(format!("There are {} entries of this form so far: the next is {own}.", next.occurrence - 1))
        };
    };
    let Some(visit) = protocol.schedule.visits.iter().find(|visit| visit.id == *id) else {
        let known: Vec<&str> = protocol.schedule.visits.iter().map(|visit| visit.id.as_str()).collect();
        return Err(format!("The protocol has no visit {id:?}. It has {}.", known.join(", ")));
    };
    if visit.every_days.is_none() && instance.occurrence > 1 {
        return Err(format!(
            "{} does not repeat. A further assessment is entered without a visit.",
            visit.label
        ));
    }
    Ok(())
}

//! What is missing for a subject: each with where to enter it, by when, and why it matters.
//!
//! Reads the calendar, the eligibility, the course of the strategy and the forms; judges nothing of them anew. Never raises a
//! query, and never asks for what will not come (after a death or a withdrawal).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::calendar::{Calendar, FormState, VisitStatus, calendar};
use crate::consequence::{Must, must};
use crate::date::{PartialDate, plus_days, utc_date};
use crate::derive::{Derived, ruling, strategy_of};
use crate::eligibility::{Judgement, entered_at, judge};
use crate::event::Instance;
use crate::factb;
use crate::form::{FormFault, missing};
use crate::id::LesionId;
use crate::protocol::{Concept, Form, ItemType, Protocol, ProtocolHistory};
use crate::record::{FilledForm, Record};
use crate::strategy::untreated_at_entry;
use crate::words::{form_name, visit_name};

/// What is missing, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outstanding {
    /// The kind.
    pub what: Missing,
    /// The form to open; a log form's next occurrence where a new one is to be filled.
    pub instance: Option<Instance>,
    /// The item, with its group and row (from 1) where it stands in one.
    pub item: Option<Target>,
    /// Since when it is missing.
    pub since: Option<Date>,
    /// By when it is asked for.
    pub by: Option<Date>,
    /// What is missing, in a sentence.
    pub says: String,
    /// Why it matters, in a sentence.
    pub why: String,
}

/// An item of a form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Target {
    /// Group and row, from 1.
    pub row: Option<(String, usize)>,
    /// Item id, or the group's.
    pub item: String,
}

impl Target {
    fn of(fault: &FormFault) -> Self {
        Self { row: fault.row.clone(), item: fault.item.clone() }
    }

    fn item(item: &str) -> Self {
        Self { row: None, item: item.to_owned() }
    }
}

/// Kinds of what is missing, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// A progression waits for a decision.
    Decision,
    /// A lesion waits for its SABR.
    Sabr,
    /// A value could not be read.
    Unreadable,
    /// A criterion of eligibility is not proven.
    Criterion,
    /// A visit, or a form of it, was not entered.
    Form,
    /// An item that must be filled is empty.
    Item,
    /// A questionnaire cannot be scored.
    Questionnaire,
    /// A form is not signed.
    Signature,
    /// A date lacks its day.
    PartialDate,
}

impl Missing {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Sabr => "SABR",
            Self::Unreadable => "unreadable value",
            Self::Criterion => "eligibility",
            Self::Form => "form",
            Self::Item => "item",
            Self::Questionnaire => "questionnaire",
            Self::Signature => "signature",
            Self::PartialDate => "partial date",
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// A form is to be signed within so many days of its last entry; none: signatures are not asked for.
    pub sign_within_days: Option<u32>,
}

impl Default for Options {
    /// Signatures within 30 days. ICH E6(R3), section 2.12 asks for timely endorsement and sets no number.
    fn default() -> Self {
        Self { sign_within_days: Some(30) }
    }
}

/// Everything that is missing for the subject of `record` on `today`, the gravest first, and by day within a kind.
pub fn outstanding(
    history: &ProtocolHistory,
    record: &Record,
    derived: &Derived,
    today: Date,
    options: Options,
) -> Vec<Outstanding> {
    let mut list = List { history, protocol: history.current(), record, today, found: Vec::new() };
    list.decisions(derived);
    list.unreadable();
    list.criteria();
    list.visits(&calendar(list.protocol, record, today));
    list.forms(options);
    list.questionnaires();
    list.found.sort_by_key(|one| (one.what, one.by.or(one.since).unwrap_or(Date::MAX)));
    list.found
}

struct List<'a> {
    history: &'a ProtocolHistory,
    protocol: &'a Protocol,
    record: &'a Record,
    today: Date,
    found: Vec<Outstanding>,
}

fn names(lesions: &[LesionId]) -> String {
    lesions.iter().map(LesionId::as_str).collect::<Vec<_>>().join(", ")
}

impl List<'_> {
    /// The next occurrence of the log form of `concept`.
    fn next_log(&self, concept: Concept) -> Option<Instance> {
        let form = self.protocol.forms.iter().find(|form| form.concept == concept)?;
        let filled = self.record.forms.iter().filter(|filled| filled.instance.form == form.id);
        let last = filled.map(|filled| filled.instance.occurrence).max().unwrap_or(0);
        Some(Instance { form: form.id.clone(), visit: None, occurrence: last.saturating_add(1) })
    }

    fn is_over(&self) -> bool {
        self.record.death.is_some() || self.record.withdrawal.is_some()
    }

    fn decisions(&mut self, derived: &Derived) {
        let Some(rule) = strategy_of(self.history, self.record) else { return };
        let (record, today) = (self.record, self.today);
        let within = format!(
            "the strategy holds only with SABR to every progressing lesion within {} days",
            rule.within_days
        );
        if let Some(course) = &derived.strategy {
            for must in must(rule, record, course, today) {
                let says = must.to_string();
                match must {
                    Must::Decide { progression, by } => self.found.push(Outstanding {
                        what: Missing::Decision,
                        instance: self.next_log(Concept::StrategyDecision),
                        item: None,
                        since: Some(progression),
                        by: Some(by),
                        says,
                        why: format!("Until then the strategy is pending: {}.", course.why),
                    }),
                    Must::Treat { by, .. } if !self.is_over() => self.found.push(Outstanding {
                        what: Missing::Sabr,
                        instance: self.next_log(Concept::SabrCourse),
                        item: None,
                        since: None,
                        by: Some(by),
                        says,
                        why: format!("By the arm's rule {within}."),
                    }),
                    Must::Treat { .. } | Must::ContinueSystemic => {}
                }
            }
        }
        let failed = derived.strategy.as_ref().is_some_and(|course| {
            !course.episodes.is_empty() || matches!(course.status, crate::strategy::Status::Failed { .. })
        });
        let entry = untreated_at_entry(rule, &ruling(self.history, record).tumour, record);
        if let Some(entry) = entry.filter(|_| !failed && !self.is_over()) {
            self.found.push(Outstanding {
                what: Missing::Sabr,
                instance: self.next_log(Concept::SabrCourse),
                item: None,
                since: record.randomised.as_ref().map(|fact| fact.value.date),
                by: Some(entry.by),
                says: format!(
                    "SABR to {}, which progressed at entry, is not recorded.",
                    names(&entry.lesions)
                ),
                why: "The arm treats every site that progressed at entry.".into(),
            });
        }
    }

    fn unreadable(&mut self) {
        for fault in &self.record.faults {
            let form = self.record.forms.iter().find(|form| form.event == fault.event);
            self.found.push(Outstanding {
                what: Missing::Unreadable,
                instance: form.map(|form| form.instance.clone()),
                item: (!fault.item.is_empty()).then(|| Target::item(&fault.item)),
                since: None,
                by: None,
                says: format!("{}: {} {}.", fault.place, fault.item, fault.message).replace(":  ", ": "),
                why: "No derivation reads it until it is corrected.".into(),
            });
        }
    }

    /// Each name that a criterion lacks, once, with the criteria that wait for it.
    fn criteria(&mut self) {
        if self.record.randomised.is_some() || self.is_over() {
            return;
        }
        let judged = judge(self.protocol, self.record);
        // Who fails a criterion is not asked for the others.
        if judged.iter().any(|judged| judged.judgement == Judgement::NotMet) {
            return;
        }
        let mut lacking: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for criterion in &judged {
            if let Judgement::Unknown { missing } = &criterion.judgement {
                for name in missing {
                    lacking.entry(name).or_default().push(&criterion.id);
                }
            }
        }
        for (name, criteria) in lacking {
            let at = entered_at(self.protocol, name);
            let label =
                at.as_ref().map_or_else(|| name.to_owned(), |(instance, item)| self.label(instance, item));
            let known = at.as_ref().and_then(|(instance, item)| self.partly_known(instance, item));
            let says = match known {
                Some(date) => format!("{label} ({name}) is {date}: more of the date is needed to decide."),
                None => format!("{label} ({name}) is not known."),
            };
            let (instance, item) = at.unzip();
            self.found.push(Outstanding {
                what: Missing::Criterion,
                instance,
                item: item.as_deref().map(Target::item),
                since: self.record.screened.as_ref().map(|fact| fact.value),
                by: None,
                says,
                why: format!(
                    "Without it {} cannot be proven, and 'unknown' is not 'met'.",
                    criteria.join(", ")
                ),
            });
        }
    }

    /// The date of reduced precision that stands there.
    fn partly_known(&self, instance: &Instance, item: &str) -> Option<PartialDate> {
        let form = self.record.forms.iter().find(|form| form.instance == *instance)?;
        let date = PartialDate::parse(form.values.get(item)?.as_str()?).ok()?;
        date.day().is_none().then_some(date)
    }

    fn label(&self, instance: &Instance, item: &str) -> String {
        let form = self.protocol.forms.iter().find(|form| form.id == instance.form);
        let of_item =
            form.and_then(|form| form.items.iter().find(|known| known.id == item).map(|item| &item.label));
        let of_group =
            form.and_then(|form| form.groups.iter().find(|known| known.id == item).map(|group| &group.label));
        let form = form.map_or(instance.form.as_str(), |form| form.label.as_str());
        of_item.or(of_group).map_or_else(|| form.to_owned(), |label| format!("{form}: {label}"))
    }

    fn visits(&mut self, calendar: &Calendar) {
        for planned in &calendar.visits {
            let (says, why): (&str, &str) = match planned.status {
                VisitStatus::Overdue { .. } => ("is overdue", "The visit's window is over."),
                VisitStatus::Open if planned.opens.is_some() => ("is due", "The visit's window is open."),
                VisitStatus::Missed => (
                    "was never entered",
                    "The visit counts as missed: enter it if it was made, else record the deviation.",
                ),
                VisitStatus::Begun { .. } => ("is not entered", "Other forms of the visit are."),
                _ => continue,
            };
            for form in planned.forms.iter().filter(|form| form.state == FormState::Absent) {
                self.found.push(Outstanding {
                    what: Missing::Form,
                    instance: Some(form.instance.clone()),
                    item: None,
                    since: planned.target,
                    by: planned.closes,
                    says: format!(
                        "{} of {} {says}.",
                        form.label,
                        visit_name(self.protocol, &planned.visit, planned.occurrence)
                    ),
                    why: why.to_owned(),
                });
            }
        }
    }

    fn forms(&mut self, options: Options) {
        for filled in &self.record.forms {
            // What a later version asks for was not asked for when the form was entered.
            let then = self.history.at(filled.event);
            let Some(form) = then.forms.iter().find(|form| form.id == filled.instance.form) else { continue };
            for fault in missing(then, form, self.record, &filled.instance, &filled.values) {
                self.found.push(Outstanding {
                    what: Missing::Item,
                    instance: Some(filled.instance.clone()),
                    item: Some(Target::of(&fault)),
                    since: Some(utc_date(filled.recorded)),
                    by: None,
                    says: format!("{fault}."),
                    why: "The protocol asks for it.".into(),
                });
            }
            self.partial_dates(filled, form);
            self.signature(filled, form, options);
        }
    }

    /// Dates that endpoints or safety tables read and would have to impute.
    fn partial_dates(&mut self, filled: &FilledForm, form: &Form) {
        let why = match form.concept {
            Concept::Death => "Survival is imputed to the last day it can mean.",
            Concept::SystemicTherapy => {
                "When the line began or ended is imputed, and endpoints on it with it."
            }
            Concept::AdverseEvent => "Whether it came before treatment is imputed.",
            _ => return,
        };
        for item in form.items.iter().filter(|item| item.kind == ItemType::PartialDate) {
            let text = filled.values.get(&item.id).and_then(serde_json::Value::as_str);
            let Some(date) = text.and_then(|text| PartialDate::parse(text).ok()) else { continue };
            if date.day().is_none() {
                self.found.push(Outstanding {
                    what: Missing::PartialDate,
                    instance: Some(filled.instance.clone()),
                    item: Some(Target::item(&item.id)),
                    since: Some(utc_date(filled.recorded)),
                    by: None,
                    says: format!("{}, {}: {date} lacks its day.", form.label, item.label),
                    why: why.to_owned(),
                });
            }
        }
    }

    fn signature(&mut self, filled: &FilledForm, form: &Form, options: Options) {
        // A patient's own answers are not the investigator's to sign.
        let Some(within) = options.sign_within_days.filter(|_| form.concept != Concept::FactB) else {
            return;
        };
        let entered = utc_date(filled.recorded);
        let by = plus_days(entered, i64::from(within));
        if filled.signature_stands() || self.today <= by {
            return;
        }
        let (says, why) = if filled.signed.is_some() {
            ("was corrected after it was signed", "A correction voids the signature.")
        } else {
            ("is not signed", "The investigator answers for what is entered.")
        };
        self.found.push(Outstanding {
            what: Missing::Signature,
            instance: Some(filled.instance.clone()),
            item: None,
            since: Some(entered),
            by: Some(by),
            says: format!("{} {says}.", form_name(self.history.at(filled.event), &filled.instance)),
            why: why.to_owned(),
        });
    }

    fn questionnaires(&mut self) {
        for answers in &self.record.factb {
            if factb::score(&answers.answers).total.is_some() {
                continue;
            }
            let Some(filled) = self.record.forms.iter().find(|form| form.event == answers.event) else {
                continue;
            };
            let given = answers.answers.iter().flatten().count();
            self.found.push(Outstanding {
                what: Missing::Questionnaire,
                instance: Some(filled.instance.clone()),
                item: None,
                since: Some(answers.date),
                by: None,
                says: format!("FACT-B of {}: {given} of {} answered.", answers.date, factb::ITEMS.len()),
                why: "Its total cannot be scored.".into(),
            });
        }
    }
}

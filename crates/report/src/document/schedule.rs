//! The schedule of assessments: forms down, visits across, on one landscape page.
//!
//! Never decides what is due (see `trial::calendar`): a mark stands where the protocol file lists the form at the visit.

use maud::{Markup, html};
use trial::protocol::{Form, Protocol, Source, Visit};

use super::{Options, Section, Sheet, months};

/// The schedule of `protocol`.
pub fn schedule(protocol: &Protocol, _: &Options) -> String {
    let sheet =
        Sheet { protocol, kind: "Schedule of assessments", mark: "", class: "landscape", contents: false };
    let trial = &protocol.trial;
    let opening = html! {
        p.kicker { (trial.id) @if let Some(registry) = &trial.registry { " · " (registry) } " · protocol file, version " (trial.version) }
        h1 { "Schedule of assessments" }
        p.lead { (trial.title) }
    };
    sheet.page(&opening, &[Section::new("grid", "Visits and forms", grid(protocol))])
}

/// The signs of footnotes, in order.
fn sign(place: usize) -> String {
    let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap_or_default());
    match place {
        0..26 => letter(place).to_string(),
        _ => format!("{}{}", letter(place / 26 - 1), letter(place)),
    }
}

/// Footnotes: each is asked for where its sign stands, and gets the next.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn sign(&mut self, text: String) -> Markup {
        let place = self.0.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.0.push(text);
            self.0.len() - 1
        });
        html! { sup { (sign(place)) } }
    }
}

fn grid(protocol: &Protocol) -> Markup {
    let visits = &protocol.schedule.visits;
    let mut notes = Notes::default();
    let at = |form: &Form| visits.iter().any(|visit| visit.forms.contains(&form.id));
    let due: Vec<&Form> = protocol.forms.iter().filter(|form| at(form)).collect();
    let else_when: Vec<&Form> = protocol.forms.iter().filter(|form| !at(form)).collect();
    let head = head(protocol, &mut notes);
    let others: Vec<(Option<Markup>, &Form)> =
        else_when.iter().map(|form| (assumption(form, &mut notes), *form)).collect();
    let rows: Vec<Markup> = due.iter().map(|form| row(protocol, form, visits, &mut notes)).collect();
    html! {
        table.grid {
            caption { "Forms due at each visit" }
            (head)
            tbody {
                @for row in rows { (row) }
                @if !others.is_empty() {
                    tr.group { th scope="row" colspan=(visits.len() + 1) { "Outside the visits, each time it happens" } }
                    @for (note, form) in &others {
                        tr { th scope="row" { (form.label) @if let Some(note) = note { " " (note) } }
                            td colspan=(visits.len().max(1)) { (if form.log { "each time it happens, from consent to the end of follow-up" } else { "when it is needed" }) } }
                    }
                }
            }
        }
        ul.notes {
            li { "X: the form is due. Days count from randomisation, which is day 0 here and study day 1 in data sets." }
            @for (place, text) in notes.0.iter().enumerate() { li { strong { (sign(place)) } " " (text) } } }
    }
}

fn head(protocol: &Protocol, notes: &mut Notes) -> Markup {
    let schedule = &protocol.schedule;
    let repeats = |visit: &Visit| {
        visit.every_days.map(|every| {
            format!(
                "Repeats every {every} days until the end of follow-up, {} after the last participant was randomised; until death or withdrawal of consent if that is earlier.",
                months(schedule.follow_up_months)
            )
        })
    };
    let names: Vec<Markup> = schedule
        .visits
        .iter()
        .map(|visit| {
            let note = repeats(visit).map(|text| notes.sign(text));
            html! { th scope="col" { (visit.label) @if let Some(note) = note { (note) } } }
        })
        .collect();
    let randomised = schedule.visits.iter().any(|visit| visit.day < 0).then(|| {
        notes.sign("Randomisation follows the visits before day 0, with consent on file and every criterion of eligibility proven.".into())
    });
    html! {
        thead {
            tr { th scope="col" { "Form" } @for name in names { (name) } }
            tr { th.when scope="col" { "Day" @if let Some(note) = randomised { (note) } }
                @for visit in &schedule.visits { th.when scope="col" { (day(visit)) } } }
            tr { th.when scope="col" { "Week" } @for visit in &schedule.visits { th.when scope="col" { (week(visit)) } } }
            tr { th.when scope="col" { "Window, days" } @for visit in &schedule.visits { th.when scope="col" { (span(visit)) } } }
        }
    }
}

fn signed(day: i64) -> String {
    if day < 0 { format!("\u{2212}{}", day.unsigned_abs()) } else { day.to_string() }
}

fn day(visit: &Visit) -> String {
    match visit.every_days {
        Some(every) => format!("{}, then every {every}", signed(visit.day)),
        None => signed(visit.day),
    }
}

/// The week, where the day is one of whole weeks.
fn week(visit: &Visit) -> String {
    let weeks = |days: i64| (days % 7 == 0).then(|| signed(days / 7));
    match (weeks(visit.day), visit.every_days.map(|every| weeks(i64::from(every)))) {
        (Some(first), Some(Some(every))) => format!("{first}, then every {every}"),
        (Some(first), None) => first,
        _ => "–".into(),
    }
}

fn span(visit: &Visit) -> String {
    match (visit.window_before, visit.window_after) {
        (0, 0) => "0".into(),
        (before, after) if before == after => format!("±{before}"),
        (before, after) => format!("\u{2212}{before} to +{after}"),
    }
}

/// The footnote of a form that the file marks as assumed.
fn assumption(form: &Form, notes: &mut Notes) -> Option<Markup> {
    (form.source == Some(Source::Assumed)).then(|| {
        notes.sign("The form is assumed: public sources are silent, and the protocol file sets it.".into())
    })
}

fn row(protocol: &Protocol, form: &Form, visits: &[Visit], notes: &mut Notes) -> Markup {
    let also = form.log.then(|| notes.sign("Also each time it happens, outside the visits.".into()));
    let quality = protocol.quality_of_life.as_ref().filter(|rule| rule.form == form.id).map(|rule| {
        let weeks: Vec<String> = rule.weeks.iter().map(ToString::to_string).collect();
        notes.sign(format!(
            "Analysed at weeks {} (0 is baseline); the area under its curve to week {}.",
            weeks.join(", "),
            rule.auc_to_week
        ))
    });
    let asked = form
        .items
        .iter()
        .chain(form.groups.iter().flat_map(|group| &group.items))
        .any(|item| item.when.is_some());
    let conditional = asked
        .then(|| notes.sign("Some items are asked under a condition only, which the form states.".into()));
    let assumed = assumption(form, notes);
    html! {
        tr { th scope="row" { (form.label) @for note in [assumed, also, quality, conditional].into_iter().flatten() { " " (note) } }
            @for visit in visits { td { @if visit.forms.contains(&form.id) { "X" } } } }
    }
}

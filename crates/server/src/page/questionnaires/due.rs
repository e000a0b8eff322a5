//! Which questionnaires a subject is to answer, when, and how far each is.
//!
//! Never says itself when a visit is due (`trial::calendar` does); only how long a link stays open is decided here.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use maud::{Markup, html};
use people::{LinkState, PatientLink};
use trial::calendar::{Expected, FormState, Planned, VisitStatus};
use trial::event::Instance;
use trial::protocol::Protocol;

use crate::app::App;
use crate::epro::wording::Wording;
use crate::page::parts;

/// A link to a questionnaire whose window is over, or that has none before randomisation, stays open for so many days.
const LATE: i32 = 7;
const WITHOUT_WINDOW: i32 = 14;

/// A questionnaire of a visit.
pub(super) struct Due<'a> {
    pub(super) visit: &'a Planned,
    pub(super) form: &'a Expected,
    pub(super) window: Option<Window>,
    /// Its latest link.
    pub(super) link: Option<&'a PatientLink>,
}

/// When a link would open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) opens: Date,
    /// The last day.
    pub(super) last: Date,
    /// The visit's own window is over.
    pub(super) late: bool,
}

impl Window {
    /// The window of a link to a form of a visit; none where the form is not expected of the patient any more, or not yet.
    pub(super) fn of(visit: &Planned, form: &Expected, today: Date) -> Option<Self> {
        let awaited = matches!(
            visit.status,
            VisitStatus::Open
                | VisitStatus::Begun { .. }
                | VisitStatus::Overdue { .. }
                | VisitStatus::Upcoming { .. }
        );
        if !awaited || form.state != FormState::Absent {
            return None;
        }
        let last = |days: i32| today.checked_add(days.days()).unwrap_or(Date::MAX);
        Some(match visit.opens.zip(visit.closes) {
            Some((opens, closes)) if closes >= today => Self { opens, last: closes, late: false },
            Some(_) => Self { opens: today, last: last(LATE), late: true },
            None => Self { opens: today, last: last(WITHOUT_WINDOW), late: false },
        })
    }

    /// The moments between which the link opens.
    pub(super) fn moments(&self, app: &App) -> (Timestamp, Timestamp) {
        (app.start_of(self.opens), app.start_of(self.last.tomorrow().unwrap_or(Date::MAX)))
    }
}

/// The questionnaires among the forms of visits.
pub(super) fn of<'a>(
    wording: &Wording,
    protocol: &Protocol,
    visits: impl IntoIterator<Item = &'a Planned>,
    links: &'a [PatientLink],
    today: Date,
) -> Vec<Due<'a>> {
    let is_one = |id: &str| protocol.forms.iter().any(|form| form.id == id && wording.is_questionnaire(form));
    let mut all = Vec::new();
    for visit in visits {
        for form in visit.forms.iter().filter(|form| is_one(&form.instance.form)) {
            let link = latest(links, &form.instance);
            all.push(Due { visit, form, window: Window::of(visit, form, today), link });
        }
    }
    all
}

/// The newest link to an instance that was not withdrawn; else the newest.
fn latest<'a>(links: &'a [PatientLink], instance: &Instance) -> Option<&'a PatientLink> {
    let mut own = links.iter().filter(|link| link.instance == *instance);
    let first = own.next()?;
    Some(std::iter::once(first).chain(own).find(|link| link.state != LinkState::Withdrawn).unwrap_or(first))
}

/// How far a questionnaire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The answers came by the link.
    Sent,
    /// The form was filled otherwise.
    Entered,
    Sending,
    Started,
    /// The link was given and nothing was answered.
    Given,
    /// The link was given and does not open yet.
    Waits,
    /// The time of the link is over.
    Expired,
    Withdrawn,
    /// No link was given.
    None,
}

impl Due<'_> {
    pub(super) fn progress(&self, now: Timestamp) -> Progress {
        let entered = self.form.state != FormState::Absent;
        match self.link {
            Some(link) if link.state == LinkState::Sent => Progress::Sent,
            _ if entered => Progress::Entered,
            None => Progress::None,
            Some(link) => match link.state {
                LinkState::Sending => Progress::Sending,
                LinkState::Withdrawn => Progress::Withdrawn,
                _ if link.expires <= now => Progress::Expired,
                LinkState::Started => Progress::Started,
                _ if now < link.opens => Progress::Waits,
                _ => Progress::Given,
            },
        }
    }
}

/// How far it is, as a chip.
pub(super) fn chip(progress: Progress) -> Markup {
    let (look, word) = match progress {
        Progress::Sent => ("chip good", "answered by the patient"),
        Progress::Entered => ("chip good", "entered here"),
        Progress::Sending => ("chip info", "on its way"),
        Progress::Started => ("chip info", "begun"),
        Progress::Given => ("chip warn", "not opened"),
        Progress::Waits => ("chip", "link given, opens later"),
        Progress::Expired => ("chip bad", "link expired"),
        Progress::Withdrawn => ("chip", "link withdrawn"),
        Progress::None => ("chip", "no link given"),
    };
    html! { span class=(look) { (word) } }
}

/// A visit in words.
pub(super) fn visit_words(visit: &Planned) -> String {
    if visit.occurrence == 1 {
        visit.label.clone()
    } else {
        format!("{}, no. {}", visit.label, visit.occurrence)
    }
}

/// The days on which a visit is on time.
pub(super) fn days(visit: &Planned) -> Markup {
    html! {
        @match (visit.opens.zip(visit.closes), visit.status) {
            (Some((opens, closes)), _) => { (parts::time(opens)) " to " (parts::time(closes)) }
            (None, VisitStatus::AwaitsRandomisation) => span.soft { "–" },
            (None, _) => span.soft { "before randomisation" },
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use rstest::rstest;
    use trial::calendar::NotExpected;

    use super::*;

    const TODAY: Date = date(2026, 11, 24);

    fn visit(dates: Option<(Date, Date)>, status: VisitStatus) -> (Planned, Expected) {
        let instance = Instance { form: "factb".into(), visit: Some("W12".into()), occurrence: 1 };
        let form = Expected { label: "FACT-B".into(), instance, state: FormState::Absent };
        let (opens, closes) = dates.unzip();
        let visit = Planned {
            visit: "W12".into(),
            label: "Week 12".into(),
            occurrence: 1,
            target: opens,
            opens,
            closes,
            status,
            forms: vec![form.clone()],
        };
        (visit, form)
    }

    #[rstest]
    #[case::now(Some((date(2026, 11, 20), date(2026, 12, 4))), VisitStatus::Open, Some((date(2026, 11, 20), date(2026, 12, 4), false)))]
    #[case::last_day(Some((date(2026, 11, 10), TODAY)), VisitStatus::Open, Some((date(2026, 11, 10), TODAY, false)))]
    #[case::to_come(Some((date(2026, 12, 20), date(2027, 1, 3))), VisitStatus::Upcoming { in_days: 33 }, Some((date(2026, 12, 20), date(2027, 1, 3), false)))]
    #[case::overdue(Some((date(2026, 11, 1), date(2026, 11, 15))), VisitStatus::Overdue { days: 9 }, Some((TODAY, date(2026, 12, 1), true)))]
    #[case::rest_of_a_visit(Some((date(2026, 11, 1), date(2026, 11, 15))), VisitStatus::Begun { on: None, in_window: true }, Some((TODAY, date(2026, 12, 1), true)))]
    #[case::screening(None, VisitStatus::Open, Some((TODAY, date(2026, 12, 8), false)))]
    #[case::missed(Some((date(2026, 9, 1), date(2026, 9, 15))), VisitStatus::Missed, None)]
    #[case::after_randomisation(None, VisitStatus::AwaitsRandomisation, None)]
    #[case::died(Some((date(2026, 11, 20), date(2026, 12, 4))), VisitStatus::NotExpected { because: NotExpected::Dead }, None)]
    fn a_link_opens_in_the_window_of_its_visit(
        #[case] dates: Option<(Date, Date)>,
        #[case] status: VisitStatus,
        #[case] want: Option<(Date, Date, bool)>,
    ) {
        let (visit, form) = visit(dates, status);
        let found = Window::of(&visit, &form, TODAY).map(|window| (window.opens, window.last, window.late));
        assert_eq!(found, want);
    }

    #[test]
    fn a_filled_form_needs_no_link() {
        let (visit, mut form) = visit(Some((date(2026, 11, 20), date(2026, 12, 4))), VisitStatus::Open);
        form.state = FormState::Saved;
        assert_eq!(Window::of(&visit, &form, TODAY), None);
    }
}

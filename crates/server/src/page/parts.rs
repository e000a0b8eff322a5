//! Small parts that several pages show alike: a date, a state as a chip, a field, an empty state.
//!
//! Never fetches anything; what is shown is handed in.

use jiff::Timestamp;
use jiff::civil::Date;
use maud::{Markup, html};
use trial::date::PartialDate;
use trial::event::Role;
use trial::standing::State;
use trial::words::role_name;

use super::listing::capital;
use crate::web::access::Visitor;
use crate::web::shell;

/// A day as people in a trial write it, `7 Mar 2025`: no reader takes the month for the day.
pub(crate) fn day(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// A date of any precision in words: `7 Mar 2025`, `Mar 2025`, `2025`.
pub(crate) fn partial(date: PartialDate) -> String {
    match date {
        PartialDate::Day(whole) => day(whole),
        PartialDate::Month(..) => date.first().strftime("%b %Y").to_string(),
        PartialDate::Year(year) => year.to_string(),
    }
}

/// The same words with every day of them written as people here write it: the rules of the trial say `2025-03-07`.
pub(crate) fn in_words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let digits = from.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(from.len());
        let (number, after) = from.split_at(digits);
        // Part of a name, `T2025-03-07`, is no date.
        let alone = !before.ends_with(char::is_alphanumeric);
        match number.parse::<Date>().ok().filter(|_| alone && number.len() == 10) {
            Some(date) => out.push_str(&day(date)),
            None => out.push_str(number),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A day in a page, machine-readable too.
pub(crate) fn time(date: Date) -> Markup {
    html! { time.nb datetime=(date) { (day(date)) } }
}

/// A moment in UTC, to the minute.
pub(crate) fn moment(at: Timestamp) -> Markup {
    html! { time.nb datetime=(at) { (at.strftime("%-d %b %Y %H:%M")) " UTC" } }
}

/// What a subject's standing looks like in a list.
pub(crate) fn state_chip(state: State) -> Markup {
    let look = match state {
        State::Screening | State::Randomised => "chip info",
        State::OnStrategy => "chip good",
        State::DecisionPending => "chip warn",
        State::StrategyFailed => "chip bad",
        State::ScreenFailure | State::OffStudy | State::Dead => "chip",
    };
    html! { span class=(look) { (state) } }
}

/// An empty place says what to do next.
pub(crate) fn empty(says: &str, action: Option<(&str, &str)>) -> Markup {
    html! {
        div.empty {
            p { (says) }
            @if let Some((address, word)) = action { p { a.button href=(address) { (word) } } }
        }
    }
}

/// A field for one line of text, with its label, its hint and what is wrong with what was typed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Input<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    /// `email`, `password`, ...; empty: text.
    pub(crate) kind: &'a str,
    pub(crate) value: &'a str,
    pub(crate) hint: &'a str,
    /// Empty: nothing is wrong.
    pub(crate) fault: &'a str,
    /// What a browser may fill in (HTML, 4.10.18.7); empty: nothing.
    pub(crate) autocomplete: &'a str,
    pub(crate) required: bool,
    pub(crate) focused: bool,
}

/// The password of who is logged in already, for what binds; `fault` is empty where nothing is wrong.
pub(crate) fn password_once_more(fault: &str) -> Markup {
    input(&Input {
        name: "password",
        label: "Your password, once more",
        kind: "password",
        autocomplete: "current-password",
        fault,
        required: true,
        ..Input::default()
    })
}

/// Draws a field.
pub(crate) fn input(field: &Input<'_>) -> Markup {
    let Input { name, label, value, hint, fault, required, focused, .. } = *field;
    let or =
        |given: &'static str, text: &str| if text.is_empty() { given.to_owned() } else { text.to_owned() };
    html! {
        div.field .wrong[!fault.is_empty()] {
            label for=(name) { (label) @if !required { span.soft.optional { " (optional)" } } }
            (hint_of(name, hint))
            input #(name) name=(name) type=(or("text", field.kind)) value=(value) required[required] autofocus[focused]
                autocomplete=(or("off", field.autocomplete)) aria-invalid=[(!fault.is_empty()).then_some("true")]
                aria-describedby=[described_by(name, hint, fault)];
            (fault_of(name, fault))
        }
    }
}

/// A choice of one among several: `(value, words)` each.
pub(crate) fn select(
    name: &str,
    label: &str,
    options: &[(String, String)],
    chosen: &str,
    hint: &str,
    fault: &str,
) -> Markup {
    html! {
        div.field .wrong[!fault.is_empty()] {
            label for=(name) { (label) }
            (hint_of(name, hint))
            select #(name) name=(name) aria-describedby=[described_by(name, hint, fault)] aria-invalid=[(!fault.is_empty()).then_some("true")] {
                @for (value, words) in options { option value=(value) selected[value == chosen] { (words) } }
            }
            (fault_of(name, fault))
        }
    }
}

fn hint_of(name: &str, hint: &str) -> Markup {
    html! { @if !hint.is_empty() { p.hint id=(format!("{name}-hint")) { (hint) } } }
}

fn fault_of(name: &str, fault: &str) -> Markup {
    html! { @if !fault.is_empty() { p.fault id=(format!("{name}-fault")) role="alert" { (fault) } } }
}

fn described_by(name: &str, hint: &str, fault: &str) -> Option<String> {
    let parts = [(hint, "hint"), (fault, "fault")];
    let ids: Vec<_> =
        parts.iter().filter(|(text, _)| !text.is_empty()).map(|(_, part)| format!("{name}-{part}")).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// A form that is one button; `fields` are its hidden ones.
pub(crate) fn button(
    visitor: &Visitor,
    action: &str,
    fields: &[(&str, &str)],
    word: &str,
    confirm: Option<&str>,
) -> Markup {
    html! {
        form.inline method="post" action=(action) data-confirm=[confirm] {
            (shell::csrf(visitor))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" { (word) }
        }
    }
}

/// A role as people say it, with a capital; within a sentence it is [`role_name`].
pub(crate) fn role(role: Role) -> String {
    capital(role_name(role))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("died on 2023-01-17 (other)", "died on 17 Jan 2023 (other)")]
    #[case("2025-03-07", "7 Mar 2025")]
    #[case("from 2025-03-07 to 2025-04-01.", "from 7 Mar 2025 to 1 Apr 2025.")]
    #[case("2025-03 or 2025, 56 days, 2025-13-40", "2025-03 or 2025, 56 days, 2025-13-40")]
    #[case("lesion T2025-03-07", "lesion T2025-03-07")]
    #[case("12025-03-07", "12025-03-07")]
    fn days_in_words_are_written_as_everywhere(#[case] text: &str, #[case] want: &str) {
        assert_eq!(in_words(text), want);
    }

    #[rstest]
    #[case("2025-03-07", "7 Mar 2025")]
    #[case("2025-03", "Mar 2025")]
    #[case("2025", "2025")]
    fn a_partial_date_keeps_its_precision(#[case] date: &str, #[case] want: &str) {
        assert_eq!(partial(PartialDate::parse(date).unwrap()), want);
    }

    proptest! {
        #[test]
        fn words_without_a_digit_stay(text in "[^0-9]{0,60}") {
            prop_assert_eq!(in_words(&text), text);
        }
    }
}

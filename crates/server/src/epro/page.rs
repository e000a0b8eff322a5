//! What a patient sees: large type, one thing at a time, nothing of the trial but the questions.
//!
//! Never names a subject, a site, an arm or a trial; what is said comes from the wording. Works without script; with it (`epro.js`)
//! an answer is saved as it is chosen.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use jiff::civil::Date;
use maud::{DOCTYPE, Markup, html};
use trial::protocol::ItemType;

use super::questionnaire::{Question, Questionnaire, VIEW, choices};
use super::wording::{Section, Wording};
use super::words::{Words, filled};
use crate::web::{address, assets};

/// The address of a page of a link.
pub(super) fn at(token: &str, rest: &str) -> String {
    match rest {
        "" => format!("/q/{}", address::segment(token)),
        rest => format!("/q/{}/{rest}", address::segment(token)),
    }
}

/// The page of a question.
pub(super) fn at_question(token: &str, item: &str) -> String {
    at(token, &format!("question/{}", address::segment(item)))
}

/// What goes round every page.
fn frame(wording: &Wording, title: &str, copyright: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(wording.language) dir=[wording.rtl.then_some("rtl")] {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex, nofollow";
                meta name="format-detection" content="telephone=no, date=no";
                title { (title) }
                link rel="icon" href=(assets::address("icon.svg"));
                link rel="stylesheet" href=(assets::address("epro.css"));
                script src=(assets::address("epro.js")) defer {}
            }
            body {
                a.skip href="#main" { (wording.words.skip_to) }
                main #main tabindex="-1" { (body) }
                @if !copyright.is_empty() { footer { p { (copyright) } } }
            }
        }
    }
}

fn answer(status: StatusCode, page: Markup) -> Response {
    (status, Html(page.into_string())).into_response()
}

/// A page that says one thing, with at most one thing to do.
pub(super) fn says(
    wording: &Wording,
    status: StatusCode,
    title: &str,
    lines: &[&str],
    then: Option<(&str, &str)>,
) -> Response {
    let body = html! {
        h1 { (title) }
        @for line in lines.iter().filter(|line| !line.is_empty()) { p { (line) } }
        @if let Some((address, word)) = then { p.steps { a.button href=(address) { (word) } } }
    };
    answer(status, frame(wording, title, "", &body))
}

/// A questionnaire that is open, as its pages show it.
pub(super) struct View<'a> {
    pub(super) token: &'a str,
    pub(super) sheet: &'a Questionnaire<'a>,
    /// The last day on which it can be answered.
    pub(super) until: Date,
    /// What is wrong, by item; the empty name stands for the whole.
    pub(super) faults: Vec<(String, String)>,
}

impl View<'_> {
    fn words(&self) -> &Words {
        &self.sheet.wording.words
    }

    fn title(&self) -> &str {
        if self.sheet.texts.title.is_empty() { &self.words().title } else { &self.sheet.texts.title }
    }

    fn whole(&self, title: &str, body: &Markup) -> Response {
        let status = if self.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        answer(status, frame(self.sheet.wording, title, &self.sheet.texts.copyright, body))
    }

    fn fault(&self, item: &str) -> Option<&str> {
        self.faults.iter().find(|(name, _)| name == item).map(|(_, says)| says.as_str())
    }

    /// The first page, and the one the link opens again.
    pub(super) fn start(&self) -> Response {
        let (words, sheet) = (self.words(), self.sheet);
        let all = sheet.all_at_once();
        let view = |value: &str, word: &str, chosen: bool| {
            html! { label.answer { input type="radio" name=(VIEW) value=(value) checked[chosen]; span { (word) } } }
        };
        let body = html! {
            h1 { (self.title()) }
            @if sheet.begun() {
                p { (Words::counted(&words.kept_so_far, sheet.answered(), sheet.count())) }
            } @else {
                @for part in sheet.texts.intro.split("\n\n").filter(|part| !part.trim().is_empty()) { p { (part) } }
                @if !sheet.texts.has_items() { p { (words.neutral) } }
                p { (words.skip_any) }
            }
            p { (filled(&words.keeps, &[("date", &words.day(self.until))])) }
            form method="post" action=(at(self.token, "begin")) {
                fieldset {
                    legend { (words.how) }
                    (view("one", &words.one, !all))
                    (view("all", &words.all, all))
                }
                (self.kept())
                div.steps { button type="submit" { (if sheet.begun() { &words.go_on } else { &words.begin }) } }
            }
        };
        self.whole(self.title(), &body)
    }

    /// One question; `to_review`: the patient came from the review, and goes back there.
    pub(super) fn one(&self, question: &Question<'_>, to_review: bool) -> Response {
        let (words, sheet) = (self.words(), self.sheet);
        let last = to_review || sheet.after(&question.item.id).is_none();
        let own = at_question(self.token, &question.item.id);
        let action = if to_review { format!("{own}?from=review") } else { own };
        let progress = Words::counted(&words.progress, question.number, sheet.count());
        let body = html! {
            p.progress { (progress) }
            (bar(question.number, sheet.count()))
            (self.above(sheet.texts.section(question.item)))
            (self.form(&action, &html! {
                (self.question(question, true))
                div.steps {
                    button type="submit" name="_go" value="next" { (if last { &words.to_review } else { &words.next }) }
                    button.quiet type="submit" name="_go" value="back" formnovalidate { (words.back) }
                }
            }))
        };
        self.whole(&format!("{progress} · {}", self.title()), &body)
    }

    /// All questions on one page.
    pub(super) fn all(&self) -> Response {
        let (words, sheet) = (self.words(), self.sheet);
        let title =
            |question: &Question<'_>| sheet.texts.section(question.item).map(|section| &section.title);
        let body = html! {
            h1 { (self.title()) }
            (self.summary())
            p { (words.skip_any) }
            (self.form(&at(self.token, "all"), &html! {
                @if !sheet.texts.recall.is_empty() { p.recall { (sheet.texts.recall) } }
                @for (at, question) in sheet.questions.iter().enumerate() {
                    @let before = at.checked_sub(1).and_then(|at| sheet.questions.get(at)).and_then(title);
                    @if title(question) != before { (heading(sheet.texts.section(question.item))) }
                    (self.question(question, false))
                }
                div.steps {
                    button type="submit" name="_go" value="next" { (words.to_review) }
                    button.quiet type="submit" name="_go" value="start" { (words.change_view) }
                }
            }))
        };
        self.whole(self.title(), &body)
    }

    /// The form around questions: with script it is saved at each answer.
    fn form(&self, action: &str, inside: &Markup) -> Markup {
        html! {
            form method="post" action=(action) data-keep=(at(self.token, "keep")) { (inside) (self.kept()) }
        }
    }

    /// Where the script says that an answer is saved, or that the connection is lost.
    fn kept(&self) -> Markup {
        let words = self.words();
        html! {
            p.kept role="status" aria-live="polite" data-saving=(words.saving) data-saved=(words.saved) data-lost=(words.lost) {}
        }
    }

    fn above(&self, section: Option<&Section>) -> Markup {
        html! {
            @if let Some(section) = section {
                p.section { (section.title) }
                @if !section.intro.is_empty() { p { (section.intro) } }
            }
            @if !self.sheet.texts.recall.is_empty() { p.recall { (self.sheet.texts.recall) } }
        }
    }

    fn question(&self, question: &Question<'_>, alone: bool) -> Markup {
        let item = question.item;
        let (id, text) = (item.id.as_str(), self.sheet.texts.question(item));
        let fault = self.fault(id);
        let described = fault.map(|_| format!("{id}-fault"));
        let heading = html! { @if alone { h1 { (text) } } @else { (text) } };
        html! {
            div.question id=(id) data-item=(id) hidden[!question.applies] {
                @if choices(item).is_some() {
                    fieldset aria-describedby=[described.as_deref()] {
                        legend { (heading) }
                        (self.options(question))
                    }
                } @else {
                    @if alone { h1 { label for=(format!("{id}-text")) { (text) } } }
                    @else { label.asks for=(format!("{id}-text")) { (text) } }
                    (written(question, described.as_deref()))
                }
                @if let Some(fault) = fault { p.fault id=(format!("{id}-fault")) role="alert" { (fault) } }
            }
        }
    }

    fn options(&self, question: &Question<'_>) -> Markup {
        let item = question.item;
        let option = |value: &str, words: &str, quiet: bool| {
            let chosen = question.answer == value && (question.seen || !value.is_empty());
            html! {
                label.answer .quiet[quiet] {
                    input type="radio" name=(item.id) value=(value) checked[chosen];
                    span { (words) }
                }
            }
        };
        html! {
            @for value in choices(item).unwrap_or_default() {
                (option(&value, self.sheet.texts.answer(item, &value, self.words()), false))
            }
            @if !question.required { (option("", &self.words().no_answer, true)) }
        }
    }

    fn summary(&self) -> Markup {
        html! {
            @if !self.faults.is_empty() {
                div.notice role="alert" {
                    @match self.fault("") { Some(says) => p { (says) }, None => p { (self.words().look_again) } }
                }
            }
        }
    }

    /// The answers, to be looked through and sent.
    pub(super) fn review(&self) -> Response {
        let (words, sheet) = (self.words(), self.sheet);
        let open = sheet.count() - sheet.answered();
        let body = html! {
            h1 { (words.review) }
            (self.summary())
            p { (words.review_says) }
            @if open > 0 && sheet.answered() > 0 {
                p.notice { @if open == 1 { (words.review_open_one) } @else { (Words::counted(&words.review_open, open, sheet.count())) } }
            }
            dl.answers {
                @for question in sheet.asked() { (self.reviewed(question)) }
            }
            form method="post" action=(at(self.token, "send")) {
                (self.kept())
                div.steps {
                    button type="submit" { (words.send) }
                    a.button.quiet href=(at(self.token, "")) { (words.change_view) }
                }
            }
        };
        self.whole(&format!("{} · {}", words.review, self.title()), &body)
    }

    fn reviewed(&self, question: &Question<'_>) -> Markup {
        let (words, sheet, id) = (self.words(), self.sheet, question.item.id.as_str());
        let to = if sheet.all_at_once() {
            format!("{}#{id}", at(self.token, "all"))
        } else {
            format!("{}?from=review", at_question(self.token, id))
        };
        html! {
            div {
                dt id=(format!("{id}-asks")) { (sheet.texts.question(question.item)) }
                dd {
                    @if question.answer.is_empty() { span.unchosen { (words.unchosen) } } @else { b { (sheet.words(question)) } }
                    " "
                    a href=(to) aria-describedby=(format!("{id}-asks")) { (words.change) }
                    @if let Some(fault) = self.fault(id) { p.fault { (fault) } }
                }
            }
        }
    }
}

/// The heading of a section among all questions.
fn heading(section: Option<&Section>) -> Markup {
    html! {
        @if let Some(section) = section {
            h2 { (section.title) }
            @if !section.intro.is_empty() { p { (section.intro) } }
        }
    }
}

/// How far one is, for the eye; the words beside it say the same.
fn bar(n: usize, of: usize) -> Markup {
    html! { progress max=(of) value=(n) aria-hidden="true" {} }
}

/// An answer that is written.
fn written(question: &Question<'_>, described: Option<&str>) -> Markup {
    let item = question.item;
    let id = format!("{}-text", item.id);
    let (kind, mode) = match item.kind {
        ItemType::Date => ("date", None),
        ItemType::Integer => ("text", Some("numeric")),
        ItemType::Decimal => ("text", Some("decimal")),
        _ => ("text", None),
    };
    html! {
        @if item.kind == ItemType::Text {
            textarea id=(id) name=(item.id) rows="4" maxlength="2000" aria-describedby=[described] { (question.answer) }
        } @else {
            input id=(id) type=(kind) inputmode=[mode] name=(item.id) value=(question.answer) autocomplete="off" aria-describedby=[described];
            @if let Some(unit) = &item.unit { " " span.unit { (unit) } }
        }
    }
}

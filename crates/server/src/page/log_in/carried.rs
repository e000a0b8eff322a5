//! A form on its way through the log-in: its fields travel as hidden ones until whoever typed it decides to send it.
//!
//! Never carries a password or a code, and never shows one person's form to another: a form names whose it is (`_by`).

use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use trial::protocol::Item;

use crate::app::App;
use crate::web::access::{Fields, Visitor, go, local};
use crate::web::shell;

/// Before the name of each carried field; pages and forms of trials name none so.
const BEFORE: &str = "_c.";
const TO: &str = "_c_to";
const BY: &str = "_c_by";
const THEN: &str = "_c_then";

/// What somebody was about to do when the log-in came between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    /// The page to go to; empty: the first.
    then: String,
    form: Option<Form>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    /// Where it was sent.
    to: String,
    /// Who typed it.
    by: String,
    fields: Vec<(String, String)>,
}

impl Carried {
    /// What a request wanted: its page, or its form with what was typed.
    pub(crate) fn of_request(method: &Method, uri: &Uri, body: &[u8]) -> Self {
        let address = uri.path_and_query().map_or("/", |address| address.as_str()).to_owned();
        if method.is_safe() {
            return Self { then: address, form: None };
        }
        let fields = Fields::read(body).unwrap_or_default();
        // The pages of the log-in ended a session too late themselves: what they carried goes on.
        if is_own(uri.path()) {
            return Self::of_fields(&fields);
        }
        let by = fields.get("_by").to_owned();
        let typed =
            fields.0.into_iter().filter(|(name, _)| name != "_csrf" && name != "_by" && !is_secret(name));
        Self { then: String::new(), form: Some(Form { to: address, by, fields: typed.collect() }) }
    }

    /// What the pages of the log-in hand on.
    pub(crate) fn of_fields(fields: &Fields) -> Self {
        let to = fields.get(TO);
        let form = (!to.is_empty()).then(|| Form {
            to: to.to_owned(),
            by: fields.get(BY).to_owned(),
            fields: fields
                .0
                .iter()
                .filter_map(|(name, text)| Some((name.strip_prefix(BEFORE)?.to_owned(), text.clone())))
                .collect(),
        });
        Self { then: fields.get(THEN).to_owned(), form }
    }

    /// A page to go to.
    pub(crate) fn to_page(then: &str) -> Self {
        Self { then: then.to_owned(), form: None }
    }

    /// Whether a form is carried.
    pub(crate) fn has_form(&self) -> bool {
        self.form.is_some()
    }

    /// Who typed the form, where one is carried.
    pub(crate) fn by(&self) -> &str {
        self.form.as_ref().map_or("", |form| &form.by)
    }

    /// The hidden fields that hand it on to the next page.
    pub(crate) fn hidden(&self) -> Markup {
        html! {
            @if !self.then.is_empty() { input type="hidden" name=(THEN) value=(self.then); }
            @if let Some(form) = &self.form {
                input type="hidden" name=(TO) value=(form.to);
                input type="hidden" name=(BY) value=(form.by);
                @for (name, text) in &form.fields {
                    input type="hidden" name=(format!("{BEFORE}{name}")) value=(text);
                }
            }
        }
    }

    /// Onward, once nothing stands in between: to the page, or to the form as it was typed.
    pub(crate) fn onward(&self, app: &App, visitor: &Visitor) -> Response {
        match &self.form {
            None => go(self.page()),
            Some(_) => self.waits(app, visitor, StatusCode::OK, "You were logged out before this was sent."),
        }
    }

    /// The page to go to where there is no form to send.
    pub(crate) fn page(&self) -> &str {
        // Not back to where one has just been.
        local(&self.then).filter(|page| !is_own(page)).unwrap_or("/")
    }

    /// The page on which a form waits to be sent.
    pub(crate) fn waits(&self, app: &App, visitor: &Visitor, status: StatusCode, why: &str) -> Response {
        let Some(form) = &self.form else { return go(self.page()) };
        let own = form.by == visitor.name();
        let body = if own { form.own(app, visitor, why) } else { form.foreign(visitor) };
        (status, shell::user_page(visitor, "What you had typed", &body)).into_response()
    }
}

impl Form {
    fn own(&self, app: &App, visitor: &Visitor, why: &str) -> Markup {
        // What a page wrote for itself, nobody typed.
        let typed = |name: &str| !["_seen", "_touched", "_asked"].contains(&name);
        let shown = self.fields.iter().filter(|(name, text)| typed(name) && !text.trim().is_empty());
        let labels = self.labels(app);
        let shown: Vec<_> = shown.map(|(name, text)| (in_words(name, &labels), text)).collect();
        let to = local(&self.to);
        html! {
            h1 { "Here is what you had typed" }
            div.notice.warn { p { (why) " Nothing was recorded, and nothing is lost." } }
            section.card {
                @if shown.is_empty() {
                    p { "The form held nothing but a button." }
                } @else {
                    div.wide { table {
                        caption { "The form" }
                        thead { tr { th scope="col" { "Field" } th scope="col" { "What you typed" } } }
                        tbody { @for (name, text) in &shown { tr { th scope="row" { (name) } td { (text) } } } }
                    } }
                    p.soft { "Passwords and codes are not kept; the next page asks for them again where it needs them." }
                }
                @if let Some(to) = to {
                    form method="post" action=(to) {
                        (shell::csrf(visitor))
                        @for (name, text) in &self.fields { input type="hidden" name=(name) value=(text); }
                        div.row {
                            button.main type="submit" { "Send it now" }
                            a.button href="/" { "Do not send it" }
                        }
                    }
                } @else {
                    p.fault { "The form was meant for another server, so it cannot be sent from here." }
                }
            }
        }
    }

    /// The items of the trial's form that this was, with their labels; none where it was another.
    fn labels(&self, app: &App) -> Vec<(String, String)> {
        let mut parts = self.to.split('/').skip(1);
        let (Some("t"), Some(trial), Some("subjects"), Some(_), Some("forms"), Some(name)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Vec::new();
        };
        // Ids of forms are not encoded in addresses; the visit and the number come after them.
        let id = name.split(['%', '@', '.', '?']).next().unwrap_or_default();
        let Some(latest) = app.room(trial).and_then(|room| room.board().latest()) else { return Vec::new() };
        let Some(form) = latest.history().current().forms.iter().find(|form| form.id == id) else {
            return Vec::new();
        };
        let named = |item: &Item| (item.id.clone(), item.label.clone());
        let rows = form.groups.iter().flat_map(|group| &group.items);
        form.items.iter().chain(rows).map(named).collect()
    }

    /// Somebody else logged in: they learn that a form waits, and whose, and nothing of what is in it.
    fn foreign(&self, visitor: &Visitor) -> Markup {
        let carried = Carried { then: String::new(), form: Some(self.clone()) };
        html! {
            h1 { "A form of somebody else waits here" }
            div.notice.warn {
                @if self.by.is_empty() {
                    p { "It does not say who typed it, so it cannot be sent. Go back in the browser to see it." }
                } @else {
                    p {
                        "It was typed by " b { (self.by) } ", and you are logged in as " b { (visitor.name()) }
                        ". Only " (self.by) " can see and send it."
                    }
                }
            }
            form method="post" action="/log-out" {
                (shell::csrf(visitor))
                (carried.hidden())
                div.row {
                    @if !self.by.is_empty() { button.main type="submit" { "Log out, so that " (self.by) " can log in" } }
                    a.button href="/" { "Leave it and go on" }
                }
            }
        }
    }
}

/// A field as people know it: by the label of its item, with the row where it stands in a group, else by its name as words.
fn in_words(name: &str, labels: &[(String, String)]) -> String {
    let (row, item) = match name.splitn(3, '.').collect::<Vec<_>>()[..] {
        [_, row, item] => (row.parse::<u32>().ok(), item),
        _ => (None, name),
    };
    if let Some((_, label)) = labels.iter().find(|(id, _)| id == item) {
        return row.map_or_else(|| label.clone(), |row| format!("{label} (row {})", row.saturating_add(1)));
    }
    match name.trim_start_matches('_') {
        "display_name" => "Name".to_owned(),
        "email" => "E-mail".to_owned(),
        name => {
            let words = name.replace('_', " ");
            let mut letters = words.chars();
            letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
        }
    }
}

/// The pages of the log-in and of the second factor.
fn is_own(path: &str) -> bool {
    ["/log-in", "/log-out", "/second-factor", "/account/second-factor/"]
        .iter()
        .any(|own| path.starts_with(own))
}

/// What is never put into a page again.
fn is_secret(name: &str) -> bool {
    name.contains("password") || name == "code"
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[rstest::rstest]
    #[case("AETERM", "What happened")]
    #[case("LESIONS.2.DIAMETER", "Size, mm (row 3)")]
    #[case("LESIONS.2.OTHER", "LESIONS.2.OTHER")]
    #[case("display_name", "Name")]
    #[case("_reason", "Reason")]
    #[case("date_of_birth", "Date of birth")]
    #[case("", "")]
    fn a_field_is_named_as_people_know_it(#[case] name: &str, #[case] words: &str) {
        let labels = [("AETERM", "What happened"), ("DIAMETER", "Size, mm")];
        let labels = labels.map(|(id, label)| (id.to_owned(), label.to_owned()));
        assert_eq!(in_words(name, &labels), words);
    }

    proptest! {
        #[test]
        fn whatever_was_typed_comes_out_as_it_went_in(
            fields in proptest::collection::vec(("[A-Z_.0-9]{1,12}", ".{0,20}"), 0..8),
            by in "[a-z]{2,8}",
        ) {
            let mut sent = fields.clone();
            sent.extend([("_csrf".into(), "t".into()), ("_by".into(), by), ("password".into(), "secret".into())]);
            let body = serde_urlencoded::to_string(&sent).unwrap();
            let carried = Carried::of_request(&Method::POST, &"/t/one/x?y=1".parse().unwrap(), body.as_bytes());
            let page = carried.hidden().into_string();
            prop_assert!(!page.contains("secret"));
            // The names and values of hidden fields are what the next form sends.
            let handed_on = Fields(
                [(TO.to_owned(), "/t/one/x?y=1".to_owned()), (BY.to_owned(), carried.by().to_owned())]
                    .into_iter()
                    .chain(fields.iter().map(|(name, text)| (format!("{BEFORE}{name}"), text.clone())))
                    .collect(),
            );
            prop_assert_eq!(Carried::of_fields(&handed_on), carried);
        }
    }
}

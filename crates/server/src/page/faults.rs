//! What is wrong with a form outside the trial, field by field, and the fields for a new password.
//!
//! Never a rule of its own: what will not do is said by `people`; here it only finds its place in the page.

use maud::{Markup, html};
use people::{Checked, Secret};

use super::log_in::too_many;
use super::parts::{Input, input};
use crate::app::App;
use crate::web::access::{Fields, Visitor};
use crate::web::fault::Fault;
use crate::web::limit::Client;

/// What is wrong with a form, field by field; the empty name stands for the whole.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<(&'static str, String)>);

impl Faults {
    /// Notes a fault beside a field.
    pub(crate) fn add(&mut self, field: &'static str, says: impl Into<String>) {
        self.0.push((field, says.into()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field; empty where nothing is.
    pub(crate) fn says(&self, field: &str) -> &str {
        self.0.iter().find(|(name, _)| *name == field).map_or("", |(_, says)| says)
    }

    /// What is wrong with the form as a whole, before its fields.
    pub(crate) fn summary(&self) -> Markup {
        html! {
            @if !self.is_empty() {
                div.notice.bad role="alert" {
                    @if self.says("").is_empty() {
                        p { "Nothing was saved: " (self.0.len()) (if self.0.len() == 1 { " field needs" } else { " fields need" }) " another look." }
                    }
                    @for (_, says) in self.0.iter().filter(|(name, _)| name.is_empty()) { p { (says) } }
                }
            }
        }
    }

    /// Notes what the store of people refused; what it cannot be asked again is a fault of the server.
    pub(crate) fn of(&mut self, wrong: people::Error) -> Result<(), Fault> {
        use people::Error;
        let field = match &wrong {
            Error::WeakPassword(_) => "new_password",
            Error::NameTaken { .. } => "name",
            Error::BadInput { field, .. } => match *field {
                "user name" => "name",
                "full name" => "display_name",
                "e-mail" => "email",
                _ => "",
            },
            Error::TooLarge { .. }
            | Error::NoSuchUser { .. }
            | Error::AlreadyEnrolled
            | Error::NotEnrolling
            | Error::Busy => "",
            _ => return Err(wrong.into()),
        };
        self.add(field, wrong.to_string());
        Ok(())
    }
}

/// The new password of a form, asked for twice.
pub(crate) fn new_password(fields: &Fields, faults: &mut Faults) -> Secret {
    let password = fields.raw("new_password");
    if password != fields.raw("same_password") {
        faults.add("same_password", "This differs from the password above.");
    }
    Secret::new(password)
}

/// Asks the store whether the password of the form (`password`) is the visitor's, at the moment of acting (21 CFR 11.200(a)).
pub(crate) async fn password_again(
    app: &App,
    visitor: &Visitor,
    from: &Client,
    fields: &Fields,
    faults: &mut Faults,
) -> Result<(), Fault> {
    let password = Secret::new(fields.raw("password"));
    match app.people.reauthenticate(&visitor.session, &password, &from.to_string(), app.now()).await {
        Ok(Checked::Right) => {}
        Ok(Checked::Wrong) => faults.add(
            "password",
            "This is not your password. After several wrong ones the account is locked for a while.",
        ),
        Ok(Checked::TooMany { until }) => faults.add("password", too_many(until)),
        Err(wrong @ people::Error::Busy) => faults.add("password", wrong.to_string()),
        Err(wrong) => return Err(wrong.into()),
    }
    Ok(())
}

/// The two fields for a new password.
pub(crate) fn password_fields(faults: &Faults) -> Markup {
    let field = |name, label, hint| {
        let fault = faults.says(name);
        input(&Input {
            name,
            label,
            hint,
            fault,
            kind: "password",
            autocomplete: "new-password",
            required: true,
            ..Input::default()
        })
    };
    html! {
        (field("new_password", "Password", "At least 12 characters; a few words that do not belong together are easy to remember and hard to guess."))
        (field("same_password", "The same again", ""))
    }
}

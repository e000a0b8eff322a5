//! What went wrong, as an answer: a page that says what was found, what would be right, and the way back.
//!
//! Never shows an error's inside to a browser: what only an operator can mend goes to the log under a number, and the page
//! gives that number.

use std::fmt;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};

use super::shell;

/// Why a request got no page.
pub(crate) enum Fault {
    /// There is no such thing, or none that this visitor may know of.
    NotFound(String),
    /// The visitor's role does not open it.
    Forbidden(String),
    /// What was sent cannot be read.
    BadRequest(String),
    /// The trial's rules refuse it.
    Refused(office::Error),
    /// Something broke that the visitor cannot mend.
    Broken(String),
}

pub(crate) type Answer = Result<Response, Fault>;

/// What goes to the log: what kind of fault it was. What a visitor is told names subjects and what was typed.
impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(_) => f.write_str("not found"),
            Self::Forbidden(_) => f.write_str("not open to the visitor"),
            Self::BadRequest(_) => f.write_str("what was sent cannot be read"),
            Self::Refused(office::Error::Refused(refusal)) => {
                let reason = format!("{:?}", refusal.reason);
                let kind = reason.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
                write!(f, "refused: {kind}")
            }
            Self::Refused(wrong) => write!(f, "refused: {wrong}"),
            Self::Broken(inside) => f.write_str(inside),
        }
    }
}

impl From<office::Error> for Fault {
    fn from(wrong: office::Error) -> Self {
        match wrong {
            office::Error::Refused(_) => Self::Refused(wrong),
            wrong => Self::Broken(wrong.to_string()),
        }
    }
}

impl From<people::Error> for Fault {
    fn from(wrong: people::Error) -> Self {
        Self::Broken(wrong.to_string())
    }
}

impl Fault {
    pub(crate) fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotFound(says) => (StatusCode::NOT_FOUND, "Not found", says.clone()),
            Self::Forbidden(says) => (StatusCode::FORBIDDEN, "Not open to you", says.clone()),
            Self::BadRequest(says) => (StatusCode::BAD_REQUEST, "It cannot be read", says.clone()),
            Self::Refused(wrong) => (StatusCode::CONFLICT, "It was not recorded", wrong.to_string()),
            Self::Broken(inside) => {
                let number = format!("{:08x}", rand_number());
                tracing::error!(number, inside, "a request failed");
                let says = format!(
                    "The server could not do this, and nothing was recorded. The operator finds the reason in the log under {number}."
                );
                (StatusCode::INTERNAL_SERVER_ERROR, "Something broke", says)
            }
        }
    }
}

/// A number to find a line of the log by; it need not be secret.
fn rand_number() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    #[allow(clippy::cast_possible_truncation)] // any 32 bits will do
    let number = RandomState::new().hash_one(std::time::Instant::now()) as u32;
    number
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, title, says) = self.parts();
        (status, Html(body(title, &says).into_string())).into_response()
    }
}

fn body(title: &str, says: &str) -> Markup {
    shell::public_page(
        title,
        &html! {
            h1 { (title) }
            @for line in says.lines() { p { (line) } }
            p { a href="/" { "To the trials" } }
        },
    )
}

#[cfg(test)]
mod tests {
    use office::{Reason, Refusal};

    use super::*;

    #[test]
    fn the_log_is_told_the_kind_and_no_subject() {
        let refusal = Refusal {
            index: 0,
            site: Some("01".into()),
            subject: Some("01-8642".into()),
            deed: "save prior".into(),
            reason: Reason::Conflict { subject: "01-8642".into(), expected: 3, found: 4, since: Vec::new() },
        };
        let refused = Fault::Refused(office::Error::Refused(Box::new(refusal)));
        assert_eq!(format!("{refused:?}"), "refused: Conflict");
        let missing = Fault::NotFound("There is no subject 01-8642.".into());
        assert_eq!(format!("{missing:?}"), "not found");
        assert_eq!(format!("{:?}", Fault::Broken("the disk is full".into())), "the disk is full");
    }
}

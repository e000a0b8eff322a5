//! What a text that came from outside must be before it is stored.
//!
//! Never changes more of a text than its surrounding blanks and, for user names, its case.

use crate::error::{Error, Result};

/// The longest key of a trial, subject, form or visit that is taken, in bytes.
const LONGEST_KEY: usize = 200;
/// The longest that RFC 5321 lets an address be.
const LONGEST_EMAIL: usize = 254;

/// A user name as it is stored and written to the ledger: lower case.
pub(crate) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A name that a new user may have.
pub(crate) fn user_name(name: &str) -> Result<String> {
    let name = folded(name);
    let fits = (2..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if fits {
        return Ok(name);
    }
    Err(Error::BadInput {
        field: "user name",
        found: found(&name),
        right: "2 to 64 of a to z, 0 to 9, `.`, `_` and `-`, beginning with a letter or a digit",
    })
}

/// The name a person is shown by.
pub(crate) fn display_name(text: &str) -> Result<String> {
    let text = text.trim();
    if !text.is_empty() && text.chars().count() <= 100 && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Error::BadInput {
        field: "full name",
        found: found(text),
        right: "1 to 100 characters on one line, as the person signs",
    })
}

/// An e-mail address, or nothing. Only a message that arrives proves one, so little is asked here.
pub(crate) fn email(text: &str) -> Result<String> {
    let text = text.trim();
    let fits = text.len() <= LONGEST_EMAIL
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text.rsplit_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    if text.is_empty() || fits {
        return Ok(text.to_owned());
    }
    Err(Error::BadInput {
        field: "e-mail",
        found: found(text),
        right: "an address such as name@hospital.example, or nothing",
    })
}

/// The key of a trial, subject, form or visit: taken as it is, within a limit.
pub(crate) fn key<'a>(field: &'static str, text: &'a str) -> Result<&'a str> {
    if !text.is_empty() && text.len() <= LONGEST_KEY && !text.contains('\0') {
        return Ok(text);
    }
    Err(Error::BadInput {
        field,
        found: format!("found {} bytes", text.len()),
        right: "1 to 200 bytes without a zero byte",
    })
}

/// A free text within a limit of bytes.
pub(crate) fn text<'a>(what: &'static str, text: &'a str, most: usize) -> Result<&'a str> {
    if text.len() > most {
        return Err(Error::TooLarge { what, found: text.len(), most });
    }
    // PostgreSQL has no zero byte in a text.
    if text.contains('\0') {
        return Err(Error::BadInput {
            field: what,
            found: "found a zero byte".to_owned(),
            right: "text without control characters",
        });
    }
    Ok(text)
}

/// What was found, as an error says it.
fn found(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    if text.chars().count() > 80 {
        short.push('…');
    }
    if short.is_empty() { "nothing was given".to_owned() } else { format!("found `{short}`") }
}

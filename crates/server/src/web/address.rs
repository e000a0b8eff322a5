//! Addresses of pages, made in one place so that a link and a route cannot disagree.
//!
//! Never decides who may open one (see `access`). Parts that people chose are percent-encoded.

use std::fmt::Write as _;

use trial::event::{Instance, Seq};
use trial::id::SubjectId;

/// One segment of a path, percent-encoded (RFC 3986: only unreserved characters stay).
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}"); // writing to a string cannot fail
        }
    }
    // A browser takes these for steps in the path.
    match out.as_str() {
        "." => "%2E".into(),
        ".." => "%2E%2E".into(),
        _ => out,
    }
}

/// A page of a trial: `/t/{trial}/{rest}`.
pub(crate) fn in_trial(trial: &str, rest: &str) -> String {
    format!("/t/{}/{rest}", segment(trial))
}

/// A subject's page.
pub(crate) fn subject(trial: &str, subject: &SubjectId) -> String {
    in_trial(trial, &format!("subjects/{}", segment(subject.as_str())))
}

/// A page below a subject's.
pub(crate) fn of_subject(trial: &str, subject: &SubjectId, rest: &str) -> String {
    format!("{}/{rest}", self::subject(trial, subject))
}

/// The name of a form's instance in an address: `form`, `form.2`, `form@VISIT`, `form@VISIT.2`.
pub(crate) fn instance_name(instance: &Instance) -> String {
    let mut name = instance.form.clone();
    if let Some(visit) = &instance.visit {
        name.push('@');
        name.push_str(visit);
    }
    if instance.occurrence != 1 {
        let _ = write!(name, ".{}", instance.occurrence); // writing to a string cannot fail
    }
    name
}

/// The instance that a name in an address speaks of. Ids of forms and visits hold neither `@` nor `.`.
pub(crate) fn instance_of(name: &str) -> Option<Instance> {
    let (rest, occurrence) = match name.rsplit_once('.') {
        Some((rest, number)) => (rest, number.parse().ok().filter(|number| *number > 0)?),
        None => (name, 1),
    };
    let (form, visit) = match rest.split_once('@') {
        Some((form, visit)) => (form, Some(visit.to_owned())),
        None => (rest, None),
    };
    let whole = !form.is_empty() && visit.as_deref() != Some("");
    whole.then(|| Instance { form: form.to_owned(), visit, occurrence })
}

/// The page of a form's instance.
pub(crate) fn form(trial: &str, subject: &SubjectId, instance: &Instance) -> String {
    of_subject(trial, subject, &format!("forms/{}", segment(&instance_name(instance))))
}

/// An event in the trail.
pub(crate) fn event(trial: &str, seq: Seq) -> String {
    in_trial(trial, &format!("trail/{seq}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_instance_is_found_again_by_its_name(
            form in "[a-z_]{1,12}",
            visit in proptest::option::of("[A-Z0-9_-]{1,8}"),
            occurrence in 1u32..1000,
        ) {
            let instance = Instance { form, visit, occurrence };
            prop_assert_eq!(instance_of(&instance_name(&instance)), Some(instance));
        }

        #[test]
        fn any_name_is_read_or_refused(name in ".{0,40}") {
            let _ = instance_of(&name);
        }

        #[test]
        fn a_segment_stays_one_segment(text in ".{0,40}") {
            let made = segment(&text);
            prop_assert!(!made.contains(['/', '?', '#', '&']) && made != "." && made != "..");
        }
    }
}

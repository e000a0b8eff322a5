//! Which forms the review shows.
//!
//! Never folds a record: the digests say how far each form is looked after.

use serde::Deserialize;
use trial::id::SubjectId;

use crate::digest::{Digest, LookedAfter};
use crate::page::listing::Narrowed;
use crate::web::access::Fields;

/// What is asked for; what is not known of it shows what the visitor's role has to do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    /// See [`STATES`].
    pub(super) state: String,
    #[serde(flatten)]
    pub(super) of: Narrowed,
    pub(super) visit: String,
    /// What was just done.
    pub(super) done: String,
}

/// The states to choose among.
pub(super) const STATES: [(&str, &str); 6] = [
    ("sign", "To sign"),
    ("verify", "To verify against source"),
    ("stale", "Changed since signed or verified"),
    ("lock", "Ready to lock"),
    ("locked", "Locked"),
    ("all", "All forms"),
];

/// Whether a form is of a state to choose.
pub(super) fn is_of(form: &LookedAfter, state: &str) -> bool {
    match state {
        "sign" => form.to_sign,
        "verify" => form.to_verify,
        "stale" => form.is_stale(),
        "lock" => form.to_lock,
        "locked" => form.locked,
        _ => true,
    }
}

impl Choice {
    pub(super) fn fields<'c>(&'c self, page: &'c str) -> [(&'c str, &'c str); 6] {
        let [site, subject, form, page] = self.of.fields(page);
        [("state", &self.state), site, subject, ("visit", &self.visit), form, page]
    }

    /// The choice of the list that a form was sent from.
    pub(super) fn of(fields: &Fields) -> Self {
        serde_urlencoded::from_str(fields.get("_asked")).unwrap_or_default()
    }

    /// The choice as the query of an address.
    pub(super) fn asked(&self) -> String {
        serde_urlencoded::to_string(self.fields(&self.of.page)).unwrap_or_default()
    }

    /// Whether a subject can have rows.
    pub(super) fn holds_subject(&self, subject: &SubjectId, digest: &Digest) -> bool {
        self.of.holds(subject, &digest.site)
    }

    /// Whether a form is asked for, whatever its state.
    pub(super) fn holds_form(&self, form: &LookedAfter) -> bool {
        self.of.holds_form(Some(&form.place.form))
            && match self.visit.as_str() {
                "" => true,
                visit => form.place.visit.as_deref() == Some(visit),
            }
    }
}

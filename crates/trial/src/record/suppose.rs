//! A record as it would be with a form filled otherwise, or not at all: what a page shows before anything is saved.
//!
//! Never an event: what is supposed stands under a number that no ledger gives.

use serde_json::{Map, Value};

use super::{FilledForm, Record};
use crate::event::{Instance, Seq};
use crate::protocol::ProtocolHistory;

/// The event of what is only supposed: later than any other.
pub const SUPPOSED: Seq = Seq::MAX - 1;

impl Record {
    /// The record as if `values` stood on `instance`, entered last.
    #[must_use]
    pub fn suppose(
        &self,
        history: &ProtocolHistory,
        instance: &Instance,
        values: Map<String, Value>,
    ) -> Record {
        let replaced = self.forms.iter().find(|form| form.instance == *instance);
        let form = FilledForm {
            instance: instance.clone(),
            values,
            event: SUPPOSED,
            first: replaced.map_or(SUPPOSED, |form| form.first),
            recorded: jiff::Timestamp::MAX,
            date: None,
            signed: None,
            verified: None,
            locked: None,
        };
        let others = self.forms.iter().filter(|form| form.instance != *instance);
        self.refolded(history, others.cloned().chain([form]).collect())
    }

    /// The record as if the form of `instance` had never been filled.
    #[must_use]
    pub fn without(&self, history: &ProtocolHistory, instance: &Instance) -> Record {
        let others = self.forms.iter().filter(|form| form.instance != *instance);
        self.refolded(history, others.cloned().collect())
    }
}

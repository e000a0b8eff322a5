//! The versions of a protocol in the order they came into force.

use super::{Checked, Protocol};
use crate::event::Seq;

/// Versions and the events that adopted them; never empty.
#[derive(Clone, Debug)]
pub struct ProtocolHistory {
    versions: Vec<(Seq, Checked)>,
}

impl ProtocolHistory {
    /// A history that begins with `first`, adopted by event `seq`.
    pub fn new(seq: Seq, first: Checked) -> Self {
        Self { versions: vec![(seq, first)] }
    }

    /// Adds a version adopted by event `seq`.
    pub fn adopt(&mut self, seq: Seq, version: Checked) {
        self.versions.push((seq, version));
        self.versions.sort_by_key(|(seq, _)| *seq);
    }

    /// The version in force when event `seq` was entered; the first where none was yet.
    pub fn at(&self, seq: Seq) -> &Protocol {
        let later = self.versions.partition_point(|(adopted, _)| *adopted <= seq);
        &self.versions[later.saturating_sub(1)].1.protocol
    }

    /// The version in force last.
    pub fn current(&self) -> &Protocol {
        &self.versions[self.versions.len() - 1].1.protocol
    }

    /// Every version with the event that adopted it, in order.
    pub fn versions(&self) -> impl Iterator<Item = (Seq, &Checked)> {
        self.versions.iter().map(|(seq, version)| (*seq, version))
    }
}

//! Allocations in a ledger, and their recomputation once the seed was revealed.
//!
//! Never draws for a living subject (see `admit`): it draws again what was drawn and compares.

use jiff::civil::Date;
use serde::Serialize;
use trial::event::{Event, Seq, What};
use trial::id::{ArmId, SiteId, SubjectId};
use trial::protocol::ProtocolHistory;
use trial::randomise::{Earlier, Seed, commitment, next};

use crate::refusal::Error;
use crate::seed::from_hex;
use crate::state::Trial;

/// An allocation as the ledger holds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Allocated {
    pub(crate) event: Seq,
    pub(crate) subject: SubjectId,
    pub(crate) site: Option<SiteId>,
    pub(crate) arm: ArmId,
    pub(crate) date: Date,
    pub(crate) stratum: Vec<(String, String)>,
    pub(crate) position: u64,
}

impl Allocated {
    /// The allocation of an event, where it is one.
    pub(crate) fn of(event: Seq, entered: &Event) -> Option<Self> {
        let What::Randomised { arm, date, stratum, position } = &entered.what else { return None };
        Some(Self {
            event,
            subject: entered.subject.clone()?,
            site: entered.site.clone(),
            arm: arm.clone(),
            date: *date,
            stratum: stratum.clone(),
            position: *position,
        })
    }

    pub(crate) fn earlier(&self) -> Earlier {
        Earlier { stratum: self.stratum.clone(), arm: self.arm.clone() }
    }
}

/// What the recomputation of all allocations found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AllocationAudit {
    /// Allocations recomputed.
    pub checked: u64,
    /// The revealed seed is the one committed to when the protocol was adopted.
    pub commitment_holds: bool,
    /// Allocations that the seed does not give.
    pub misfits: Vec<AllocationMisfit>,
}

impl AllocationAudit {
    /// Every allocation is the one that the committed seed gives.
    pub fn is_sound(&self) -> bool {
        self.commitment_holds && self.misfits.is_empty()
    }
}

/// An allocation that the seed does not give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AllocationMisfit {
    /// The event.
    pub event: Seq,
    /// The subject.
    pub subject: SubjectId,
    /// What differs.
    #[serde(flatten)]
    pub difference: Difference,
}

/// How an allocation differs from what the seed gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum Difference {
    /// Another arm or place.
    Drawn {
        /// In the ledger.
        recorded: (ArmId, u64),
        /// From the seed.
        recomputed: (ArmId, u64),
    },
    /// The subject was randomised before.
    Again {
        /// By this event.
        first: Seq,
    },
}

/// Draws every allocation again, each under the protocol version in force then.
pub(crate) fn audit(trial: &Trial) -> Result<AllocationAudit, Error> {
    let (event, hex) = trial.revealed.as_ref().ok_or(Error::NotRevealed)?;
    let seed = from_hex(hex).ok_or_else(|| {
        Error::Worker(format!(
            "event {event} reveals {} characters that are no seed of 64 hex digits",
            hex.len()
        ))
    })?;
    let commitment_holds = trial.commitment.as_deref() == Some(commitment(&seed).as_str());
    let misfits = misfits(&trial.history, &seed, &trial.allocations);
    Ok(AllocationAudit { checked: trial.allocations.len() as u64, commitment_holds, misfits })
}

fn misfits(history: &ProtocolHistory, seed: &Seed, allocations: &[Allocated]) -> Vec<AllocationMisfit> {
    let earlier: Vec<Earlier> = allocations.iter().map(Allocated::earlier).collect();
    let mut first: std::collections::BTreeMap<&SubjectId, Seq> = std::collections::BTreeMap::new();
    let mut misfits = Vec::new();
    for (index, allocation) in allocations.iter().enumerate() {
        let misfit = |difference| AllocationMisfit {
            event: allocation.event,
            subject: allocation.subject.clone(),
            difference,
        };
        if let Some(first) = first.get(&allocation.subject) {
            misfits.push(misfit(Difference::Again { first: *first }));
        } else {
            first.insert(&allocation.subject, allocation.event);
        }
        let recomputed = next(history.at(allocation.event), seed, &earlier[..index], &allocation.stratum);
        let recorded = (allocation.arm.clone(), allocation.position);
        if recorded != recomputed {
            misfits.push(misfit(Difference::Drawn { recorded, recomputed }));
        }
    }
    misfits
}

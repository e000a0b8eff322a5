//! Allocations in a ledger, and their recomputation once the seed was revealed.
//!
//! Never draws for a living subject (see `admit`): it draws again what was drawn and compares.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use trial::event::{Event, Seq, What};
use trial::id::{ArmId, SubjectId};
use trial::protocol::{Protocol, ProtocolHistory};
use trial::randomise::{Allocator, Earlier, Seed, commitment};

use crate::refusal::{Error, Reason};
use crate::seed::from_hex;
use crate::state::Trial;

/// An allocation as the ledger holds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Allocated {
    pub(crate) event: Seq,
    pub(crate) subject: SubjectId,
    who: String,
    recorded: Timestamp,
    arm: ArmId,
    date: Date,
    stratum: Vec<(String, String)>,
    position: u64,
}

impl Allocated {
    /// The allocation of an event, where it is one.
    pub(crate) fn of(event: Seq, entered: &Event) -> Option<Self> {
        let What::Randomised { arm, date, stratum, position, .. } = &entered.what else { return None };
        Some(Self {
            event,
            subject: entered.subject.clone()?,
            who: entered.who.clone(),
            recorded: entered.recorded,
            arm: arm.clone(),
            date: *date,
            stratum: stratum.clone(),
            position: *position,
        })
    }

    pub(crate) fn earlier(&self) -> Earlier {
        Earlier { stratum: self.stratum.clone(), arm: self.arm.clone() }
    }

    pub(crate) fn stratum(&self) -> &[(String, String)] {
        &self.stratum
    }

    pub(crate) fn arm(&self) -> &ArmId {
        &self.arm
    }

    /// Why its subject is not randomised again.
    pub(crate) fn refusal(&self) -> Reason {
        let Self { event, who, recorded, arm, date, position, .. } = self.clone();
        Reason::AlreadyRandomised { arm, date, position, event, who, recorded }
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

/// Each allocation is drawn by the version that was in force, after all those made before it, by whatever version. Cost is
/// linear in their number for each version.
fn misfits(history: &ProtocolHistory, seed: &Seed, allocations: &[Arc<Allocated>]) -> Vec<AllocationMisfit> {
    let mut first: BTreeMap<&SubjectId, Seq> = BTreeMap::new();
    let mut misfits = Vec::new();
    let mut at_work: Option<(&Protocol, Allocator<'_>)> = None;
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
        let version = history.at(allocation.event);
        let (_, mut allocator) =
            at_work.take().filter(|(known, _)| std::ptr::eq(*known, version)).unwrap_or_else(|| {
                let mut allocator = Allocator::new(version, seed);
                allocations[..index].iter().for_each(|made| allocator.record(&made.stratum, &made.arm));
                (version, allocator)
            });
        let recomputed = allocator.next(&allocation.stratum);
        let recorded = (allocation.arm.clone(), allocation.position);
        if recorded != recomputed {
            misfits.push(misfit(Difference::Drawn { recorded, recomputed }));
        }
        allocator.record(&allocation.stratum, &allocation.arm);
        at_work = Some((version, allocator));
    }
    misfits
}

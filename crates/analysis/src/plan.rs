//! What of a protocol is prepared once for all subjects, and how much each subject's row shall carry.
//!
//! Never reads a record (see `row`).

use trial::endpoint::effective_rules;
use trial::id::SiteId;
use trial::protocol::{Analysis, AnalysisRole, Endpoint, EndpointRules, Protocol, ProtocolHistory};

use jiff::civil::Date;

use crate::results::About;
use crate::row::SubjectRow;

/// A protocol history with its analyses made ready.
pub struct Plan<'h> {
    pub(crate) history: &'h ProtocolHistory,
    pub(crate) current: &'h Protocol,
    pub(crate) analyses: Vec<Planned<'h>>,
}

/// One analysis, its endpoint and the rules in force.
pub struct Planned<'h> {
    pub(crate) analysis: &'h Analysis,
    pub(crate) endpoint: &'h Endpoint,
    pub(crate) rules: EndpointRules,
}

impl<'h> Plan<'h> {
    /// Prepares the version of `history` that is current.
    pub fn new(history: &'h ProtocolHistory) -> Self {
        let current = history.current();
        Self { history, current, analyses: planned(current) }
    }
}

/// The analyses in the order of their endpoints in the protocol, main ones first within each.
pub(crate) fn planned(protocol: &Protocol) -> Vec<Planned<'_>> {
    let mut planned = Vec::new();
    for endpoint in &protocol.endpoints {
        let of_endpoint = |role| {
            protocol.analyses.iter().filter(move |a| a.endpoint == endpoint.id && a.role == role).map(
                |analysis| Planned { analysis, endpoint, rules: effective_rules(endpoint, &analysis.rules) },
            )
        };
        planned.extend(of_endpoint(AnalysisRole::Main));
        planned.extend(of_endpoint(AnalysisRole::Sensitivity));
    }
    planned
}

/// What a row carries beside what the tables need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The chain from each number to its events.
    pub traces: bool,
    /// One lane, bar and line a subject.
    pub figures: bool,
}

impl Detail {
    /// Everything.
    pub const FULL: Self = Self { traces: true, figures: true };
    /// Only what tables and curves need.
    pub const TABLES: Self = Self { traces: false, figures: false };
}

/// Up to how many subjects a report goes into each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Subjects up to which every number can be traced to its events.
    pub traces: usize,
    /// Subjects up to which each has a lane, a bar and a line.
    pub figures: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { traces: 2_000, figures: 2_000 }
    }
}

impl Limits {
    /// What rows shall carry in a trial of `subjects` subjects.
    pub fn detail(&self, subjects: usize) -> Detail {
        Detail { traces: subjects <= self.traces, figures: subjects <= self.figures }
    }

    /// Drops from `rows` what is beyond the limits, and says what is left out, dropped here or never made.
    pub(crate) fn enforce(&self, rows: &mut [SubjectRow]) -> Vec<String> {
        let n = rows.len();
        let allowed = self.detail(n);
        for row in rows.iter_mut() {
            row.reduce(allowed);
        }
        let mut left_out = Vec::new();
        if rows.iter().any(|row| !row.detail.traces) {
            left_out.push(format!(
                "the chain from each number to its events, and the lists of subjects behind them: {n} subjects, and the \
                 limit is {}",
                self.traces
            ));
        }
        if rows.iter().any(|row| !row.detail.figures) {
            left_out.push(format!(
                "the figures with one mark a subject (swimmer, waterfall, spider), checks of hazards, subgroups and the \
                 model of repeated measures: {n} subjects, and the limit is {}",
                self.figures
            ));
        }
        left_out
    }
}

/// A site of the trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The site.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// The day it opened.
    pub opened: Option<Date>,
}

/// What the results need beside protocol and rows.
#[derive(Clone, Debug)]
pub struct Context {
    /// Which trial, which data.
    pub about: About,
    /// The sites that were opened.
    pub sites: Vec<Site>,
    /// How far to go into single subjects.
    pub limits: Limits,
}

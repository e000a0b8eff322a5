//! What is known of each lesion of a series, assessment after assessment, with splits and merges resolved.
//!
//! A lesion that splits is the sum of its parts; lesions that merge are one (Eisenhauer 2009, section 4.3.2). Never judges a
//! response.

use std::cmp::Ordering;

use jiff::civil::Date;

use super::size::{Micrometres, grown, micrometres};
use crate::id::LesionId;
use crate::protocol::TumourRules;
use crate::record::{Assessment, Finding, LesionRole, Reading};

/// What a lesion is to the series it is judged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Target at baseline.
    Target,
    /// Any other lesion of the baseline, one that was new before a later baseline included.
    NonTarget,
    /// Not at baseline, or only equivocal there.
    New,
    /// What lesions of the baseline merged into, under a name of its own.
    Coalesced,
    /// Not at baseline, and not named new: in no response.
    Stray,
}

/// What was seen of a lesion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    NotEvaluated,
    /// Not there, or a node of normal size.
    Gone,
    There,
    /// Perhaps there.
    Perhaps,
    /// Unequivocally worse, or unequivocally there.
    Unequivocal,
}

/// What one assessment says of one lesion.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub state: State,
    /// Its size; none where it is not known or another lesion carries it.
    pub size: Option<Micrometres>,
    /// What it adds to a sum: its size, or nothing where another lesion carries it; none where it is not known.
    pub share: Option<Micrometres>,
    /// Why it was not evaluated.
    pub why_not: String,
}

impl Seen {
    fn not_evaluated(why_not: impl Into<String>) -> Self {
        Self { state: State::NotEvaluated, size: None, share: None, why_not: why_not.into() }
    }
}

/// One lesion.
#[derive(Clone, Debug)]
pub(super) struct Track<'a> {
    pub lesion: &'a LesionId,
    /// The reading that named it first.
    pub first: &'a Reading,
    pub kind: Kind,
    pub parts: Vec<&'a LesionId>,
    /// It was unequivocally worse at baseline and was not otherwise since: no new worsening.
    pub worse_since_baseline: bool,
    /// First seen as equivocal on this day, and not gone since.
    pub perhaps_since: Option<Date>,
    /// It is certainly a new lesion.
    pub certain: bool,
    pub amenable: Option<bool>,
    pub seen: Seen,
    /// Its own smallest size before this assessment.
    pub nadir: Option<Micrometres>,
    merged: bool,
    carrier: Option<usize>,
    shares: Vec<Option<Micrometres>>,
}

/// The lesions of a series.
#[derive(Clone, Debug)]
pub(super) struct Tracks<'a> {
    pub all: Vec<Track<'a>>,
    /// Lesions that the assessment read last reads more than once.
    pub twice: Vec<&'a LesionId>,
    rules: &'a TumourRules,
    assessments: usize,
}

impl<'a> Tracks<'a> {
    /// The lesions of a baseline.
    pub fn new(rules: &'a TumourRules, baseline: &'a Assessment) -> Self {
        let mut tracks = Self { all: Vec::new(), twice: Vec::new(), rules, assessments: 0 };
        tracks.read(baseline);
        tracks.all.sort_by(|a, b| (a.first.role, a.lesion).cmp(&(b.first.role, b.lesion)));
        tracks
    }

    /// Reads the next assessment: afterwards each track's `seen` speaks of it, and each `nadir` of the time before.
    pub fn read(&mut self, assessment: &'a Assessment) {
        self.settle_nadirs();
        let readings = self.once_each(assessment);
        let known_before = self.all.len();
        self.name(&readings);
        let own = self.own_of_each(&readings);
        self.note_merges(&own, known_before);
        for (track, own) in self.all.iter_mut().zip(&own) {
            track.look(self.rules, *own, &readings);
        }
        self.resolve_merges();
        for track in &mut self.all {
            track.shares.push(track.seen.share);
        }
        self.assessments += 1;
    }

    /// One reading a lesion, in order of the lesions' names, so that nothing depends on the order of rows. Of two
    /// readings of one lesion the graver counts, as the careful choice.
    fn once_each(&mut self, assessment: &'a Assessment) -> Vec<&'a Reading> {
        let mut readings: Vec<&Reading> = assessment.readings.iter().collect();
        // As they are read they are in one order more often than not.
        if !readings.is_sorted_by(|a, b| a.lesion < b.lesion) {
            readings.sort_by(|a, b| a.lesion.cmp(&b.lesion).then_with(|| graver(b, a)));
        }
        self.twice =
            readings.windows(2).filter(|w| w[0].lesion == w[1].lesion).map(|w| &w[0].lesion).collect();
        self.twice.dedup();
        readings.dedup_by(|later, first| later.lesion == first.lesion);
        readings
    }

    /// For each lesion the reading under its own name.
    fn own_of_each(&self, readings: &[&'a Reading]) -> Vec<Option<&'a Reading>> {
        // By and large lesions and readings are in one order.
        let mut next = 0;
        let own = |track: &Track<'a>| {
            let at = match readings.get(next) {
                Some(reading) if reading.lesion == *track.lesion => next,
                _ => readings.binary_search_by(|reading| reading.lesion.cmp(track.lesion)).ok()?,
            };
            next = at + 1;
            readings.get(at).copied()
        };
        self.all.iter().map(own).collect()
    }

    /// The lesion this name belongs to: its own, or the one it is a part of.
    fn home(&self, name: &LesionId) -> Option<usize> {
        self.home_from(0, name)
    }

    /// The same, looked for from `start` on and then from the first on.
    fn home_from(&self, start: usize, name: &LesionId) -> Option<usize> {
        let is_home = |track: &Track<'_>| track.lesion == name || track.parts.contains(&name);
        let (before, after) = self.all.split_at(start.min(self.all.len()));
        let found = after.iter().position(is_home).map(|at| at + before.len());
        found.or_else(|| before.iter().position(is_home))
    }

    /// Gives every reading a home.
    fn name(&mut self, readings: &[&'a Reading]) {
        let mut parts = Vec::new();
        // Names come in order, and so, by and large, do the lesions that have them.
        let mut next = 0;
        for &reading in readings {
            if let Some(home) = self.home_from(next, &reading.lesion) {
                next = home + 1;
                continue;
            }
            match &reading.split_from {
                Some(parent) if *parent != reading.lesion => parts.push((reading, parent)),
                _ => self.add(&reading.lesion, reading),
            }
        }
        while !parts.is_empty() {
            let before = parts.len();
            parts.retain(|(reading, parent)| {
                let home = self.home(parent);
                if let Some(home) = home
                    && self.home(&reading.lesion).is_none()
                {
                    self.all[home].parts.push(&reading.lesion);
                }
                home.is_none()
            });
            // No parent is known: the first part stands for it at baseline, and for itself later.
            if parts.len() == before {
                let (reading, parent) = parts.remove(0);
                self.add(if self.assessments == 0 { parent } else { &reading.lesion }, reading);
                if self.assessments == 0 {
                    parts.push((reading, parent));
                }
            }
        }
    }

    fn add(&mut self, lesion: &'a LesionId, first: &'a Reading) {
        let at_baseline = self.assessments == 0;
        let mut shares = Vec::with_capacity(self.assessments + 8);
        shares.resize(self.assessments, Some(0));
        let kind = match (first.role, at_baseline) {
            (LesionRole::Target, true) => Kind::Target,
            (LesionRole::NonTarget, true) => Kind::NonTarget,
            (LesionRole::New, true) if first.finding != Finding::Equivocal => Kind::NonTarget,
            (LesionRole::New, _) => Kind::New,
            _ => Kind::Stray,
        };
        self.all.push(Track {
            lesion,
            first,
            kind,
            parts: Vec::new(),
            worse_since_baseline: at_baseline && first.finding == Finding::Unequivocal,
            perhaps_since: None,
            certain: false,
            amenable: None,
            seen: Seen::not_evaluated("not read"),
            nadir: None,
            merged: false,
            carrier: None,
            // It was not there before: it added nothing to what it later merged with.
            shares,
        });
    }

    fn note_merges(&mut self, own: &[Option<&'a Reading>], known_before: usize) {
        for (index, reading) in own.iter().enumerate() {
            let Some(reading) = *reading else { continue };
            let merged = reading.finding == Finding::Merged || reading.merged_into.is_some();
            let carrier = reading.merged_into.as_ref().and_then(|name| self.home(name));
            let carrier = carrier.filter(|carrier| *carrier != index);
            // Once merged a lesion need not be told again into what.
            let keep = merged && reading.merged_into.is_none() && self.all[index].merged;
            self.all[index].merged = merged;
            if !keep {
                self.all[index].carrier = carrier;
            }
            if let Some(carrier) = carrier.filter(|carrier| merged && *carrier >= known_before)
                && self.assessments > 0
            {
                self.all[carrier].kind = Kind::Coalesced;
            }
        }
    }

    /// The lesion that carries a merged one now; none where that leads nowhere.
    fn carrier(&self, index: usize) -> Option<usize> {
        let mut at = index;
        for _ in 0..=self.all.len() {
            if !self.all[at].merged {
                return Some(at);
            }
            at = self.all[at].carrier?;
        }
        None
    }

    fn resolve_merges(&mut self) {
        if !self.all.iter().any(|track| track.merged) {
            return;
        }
        let mut claimed: Vec<usize> = Vec::new();
        for index in 0..self.all.len() {
            if !self.all[index].merged {
                continue;
            }
            let root = self.carrier(index);
            let carrier = root.map(|root| &self.all[root]).filter(|c| c.seen.state != State::NotEvaluated);
            self.all[index].seen = match (root, carrier) {
                (Some(root), Some(carrier)) => {
                    // A target carrier is in the sum itself; another's size enters it once, through what merged into it.
                    let carried = carrier.kind == Kind::Target || claimed.contains(&root);
                    let share = if carried { Some(0) } else { carrier.seen.size };
                    let state = match carrier.seen.state {
                        State::Gone => State::Gone,
                        _ => State::There,
                    };
                    claimed.push(root);
                    Seen {
                        state,
                        size: None,
                        share,
                        why_not: "merged into a lesion that was not measured".into(),
                    }
                }
                _ => Seen::not_evaluated("merged into a lesion that was not evaluated"),
            };
        }
        self.settle_merged_nadirs();
    }

    /// The nadir of a lesion that others merged into is that of all of them together.
    fn settle_merged_nadirs(&mut self) {
        for index in 0..self.all.len() {
            let merged: Vec<usize> = (0..self.all.len())
                .filter(|other| self.all[*other].merged && self.carrier(*other) == Some(index))
                .collect();
            if merged.is_empty() {
                continue;
            }
            let together = |at: usize| -> Option<Micrometres> {
                let own = self.all[index].shares[at]?;
                merged.iter().try_fold(own, |sum, other| Some(sum + self.all[*other].shares[at]?))
            };
            self.all[index].nadir = (0..self.assessments).filter_map(together).min();
        }
    }

    fn settle_nadirs(&mut self) {
        for track in &mut self.all {
            track.nadir = match (track.nadir, track.seen.size) {
                (Some(nadir), Some(size)) => Some(nadir.min(size)),
                (nadir, size) => nadir.or(size),
            };
        }
    }
}

impl<'a> Track<'a> {
    fn look(&mut self, rules: &TumourRules, own: Option<&'a Reading>, readings: &[&'a Reading]) {
        let parts = self.parts.iter().map(|part| (*part, reading_of(readings, part)));
        for reading in own.into_iter().chain(parts.clone().filter_map(|(_, reading)| reading)) {
            self.amenable = reading.amenable.or(self.amenable);
        }
        let kind = self.kind;
        let seen = |reading: &Reading| see(rules, reading, kind);
        self.seen = if self.parts.is_empty() {
            own.map_or_else(|| Seen::not_evaluated("no reading"), seen)
        } else {
            // The part that kept the lesion's name may be gone from the form; the others stand for it.
            let parts = parts.map(|(part, reading)| {
                reading.map_or_else(|| Seen::not_evaluated(format!("no reading of its part {part}")), seen)
            });
            own.map(seen).into_iter().chain(parts).reduce(together).unwrap_or_else(|| Seen::not_evaluated(""))
        };
        if !matches!(self.seen.state, State::Unequivocal | State::NotEvaluated) {
            self.worse_since_baseline = false;
        }
    }

    /// It alone grew over its own nadir. A node that grew and is still of normal size is no lesion that progresses.
    pub fn grew(&self, rules: &TumourRules) -> bool {
        let (Some(size), Some(nadir)) = (self.seen.size, self.nadir) else { return false };
        grown(size, nadir, rules.lesion_relative, rules.lesion_mm)
            && !(self.nodal() && size < micrometres(rules.normal_node_mm))
    }

    /// A node.
    pub fn nodal(&self) -> bool {
        self.first.nodal
    }
}

fn reading_of<'a>(readings: &[&'a Reading], lesion: &LesionId) -> Option<&'a Reading> {
    readings.binary_search_by(|reading| reading.lesion.cmp(lesion)).ok().map(|index| readings[index])
}

/// What a reading says of a lesion of this `kind`, apart from merges.
fn see(rules: &TumourRules, reading: &Reading, kind: Kind) -> Seen {
    let target = kind == Kind::Target;
    let given = reading.diameter.map(micrometres);
    let size = match &reading.finding {
        Finding::Measured(mm) => Some(micrometres(*mm)),
        Finding::TooSmall => Some(micrometres(rules.too_small_mm)),
        // A node that is called gone is one of normal size, whose size nobody gave.
        Finding::Absent => given.or((target || !reading.nodal).then_some(0)),
        Finding::Present | Finding::Unequivocal | Finding::Equivocal => given,
        Finding::Merged | Finding::NotEvaluable(_) => None,
    };
    let normal = |size: Micrometres| size == 0 || (reading.nodal && size < micrometres(rules.normal_node_mm));
    let by_size = if size.is_some_and(normal) { State::Gone } else { State::There };
    let state = match &reading.finding {
        Finding::NotEvaluable(why) => return Seen::not_evaluated(why.as_str()),
        Finding::Merged => return Seen::not_evaluated("merged"),
        _ if target && size.is_none() => return Seen::not_evaluated("not measured"),
        _ if target => by_size,
        Finding::Absent => State::Gone,
        // Of a lesion that was new before this baseline it says that the lesion is there, not that it is worse.
        Finding::Unequivocal if reading.role == LesionRole::New && kind != Kind::New => by_size,
        Finding::Unequivocal => State::Unequivocal,
        Finding::Equivocal => State::Perhaps,
        Finding::Measured(_) | Finding::TooSmall | Finding::Present => by_size,
    };
    Seen { state, size, share: size, why_not: String::new() }
}

/// Two parts of one lesion as one.
fn together(a: Seen, b: Seen) -> Seen {
    let add = |a: Option<Micrometres>, b: Option<Micrometres>| Some(a? + b?);
    let rank = |state: State| match state {
        State::Gone => 0,
        State::Perhaps => 1,
        State::There => 2,
        State::NotEvaluated => 3,
        State::Unequivocal => 4,
    };
    Seen {
        state: if rank(a.state) >= rank(b.state) { a.state } else { b.state },
        size: add(a.size, b.size),
        share: add(a.share, b.share),
        why_not: if a.why_not.is_empty() { b.why_not } else { a.why_not },
    }
}

/// A total order of readings of one lesion, the graver the greater.
fn graver(a: &Reading, b: &Reading) -> Ordering {
    let rank = |finding: &Finding| match finding {
        Finding::NotEvaluable(_) => 0,
        Finding::Merged => 1,
        Finding::Absent => 2,
        Finding::Equivocal => 3,
        Finding::TooSmall => 4,
        Finding::Present => 5,
        Finding::Measured(_) => 6,
        Finding::Unequivocal => 7,
    };
    let size = |reading: &Reading| match &reading.finding {
        Finding::Measured(mm) => *mm,
        _ => reading.diameter.unwrap_or(-1.0),
    };
    let why = |reading: &Reading| match &reading.finding {
        Finding::NotEvaluable(why) => why.clone(),
        _ => String::new(),
    };
    (rank(&a.finding).cmp(&rank(&b.finding)))
        .then_with(|| size(a).total_cmp(&size(b)))
        // A target outranks a non-target, which outranks a new one.
        .then_with(|| b.role.cmp(&a.role))
        .then_with(|| {
            let rest = |r: &Reading| {
                let links = (r.split_from.clone(), r.merged_into.clone());
                let judged = (r.amenable, r.oligoprogressive, r.nodal, r.intracranial);
                (links, judged, r.location.clone(), why(r))
            };
            rest(a).cmp(&rest(b))
        })
        .then_with(|| a.diameter.unwrap_or(-1.0).total_cmp(&b.diameter.unwrap_or(-1.0)))
}

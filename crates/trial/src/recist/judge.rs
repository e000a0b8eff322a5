//! Judges one assessment after the other: tracks, responses, nadir, and the day of the first progression.

use jiff::civil::Date;

use super::new_lesions::{self, Found};
use super::response::{NewLesion, NonTargetResponse, OverallResponse, TargetResponse, overall};
use super::size::{Micrometres, millimetres};
use super::targets::{self, Reference, Sum};
use super::track::{Kind, Tracks};
use super::{Baseline, FirstProgression, Timepoint, baseline, lesion, non_targets};
use crate::event::Seq;
use crate::protocol::TumourRules;
use crate::record::Assessment;

/// Where a series stands after the assessments judged so far.
pub(super) struct Judge<'a> {
    rules: &'a TumourRules,
    first: &'a Assessment,
    tracks: Tracks<'a>,
    baseline: Option<Micrometres>,
    nadir: Option<Micrometres>,
    after_complete: bool,
    shown: Option<Shown>,
}

/// The first assessment that showed progression with certainty.
struct Shown {
    certain: Date,
    event: Seq,
    reason: String,
    /// The day it counts from.
    date: Date,
    /// Equivocal lesions that were open then and may still date it back: their places, and when they were first seen.
    open: Vec<(usize, Date)>,
}

impl<'a> Judge<'a> {
    pub fn new(rules: &'a TumourRules, first: &'a Assessment) -> Self {
        let tracks = Tracks::new(rules, first);
        let baseline = Sum::of(&tracks.all).whole();
        Self { rules, first, tracks, baseline, nadir: baseline, after_complete: false, shown: None }
    }

    pub fn baseline(&self) -> Baseline {
        baseline::of(self.rules, self.first, &self.tracks)
    }

    pub fn next(&mut self, assessment: &'a Assessment) -> Timepoint {
        self.judge(assessment, true)
    }

    /// The same in fewer words: where the response is not progression, neither reason nor lesions are told.
    pub fn next_briefly(&mut self, assessment: &'a Assessment) -> Timepoint {
        self.judge(assessment, false)
    }

    fn judge(&mut self, assessment: &'a Assessment, told: bool) -> Timepoint {
        self.tracks.read(assessment);
        let date = assessment.date;
        let found = new_lesions::find(self.rules, &mut self.tracks.all, date);
        let sum = Sum::of(&self.tracks.all);
        let reference =
            Reference { baseline: self.baseline, nadir: self.nadir, after_complete: self.after_complete };
        let (target, target_why) = targets::respond(self.rules, &self.tracks.all, &sum, reference, told);
        let (non_target, non_target_why) = non_targets::respond(self.rules, &self.tracks.all, told);
        let new_lesion = found.response();
        let returned = self.returned();
        let overall = if returned.is_empty() {
            overall(target, non_target, new_lesion)
        } else {
            OverallResponse::Progressive
        };
        let told = told || overall == OverallResponse::Progressive;
        let lesions = if told {
            lesion::points(self.rules, &self.tracks.all, &found.certain, self.after_complete)
        } else {
            Vec::new()
        };
        let new_why = if told { found.why(&self.tracks.all, date).collect() } else { Vec::new() };
        let judged = Judged { target, target_why, non_target, non_target_why, returned, found, new_why };
        let timepoint = Timepoint {
            event: assessment.event,
            date,
            visit: assessment.visit.clone(),
            visitnum: assessment.visitnum,
            target,
            non_target,
            new_lesion,
            overall,
            sum_mm: sum.measured.map(millimetres),
            complete: sum.complete,
            nadir_mm: self.nadir.map(millimetres),
            change: change(sum.whole(), self.baseline),
            adequate: self.adequate(overall, non_target, &sum),
            progressing: lesions.iter().filter(|l| l.progressing).map(|l| l.lesion.clone()).collect(),
            lesions,
            reason: if told { self.reason(&judged) } else { String::new() },
        };
        self.note_progression(assessment, overall, &judged);
        if let Some(whole) = sum.whole().filter(|_| sum.targets > 0) {
            self.nadir = Some(self.nadir.map_or(whole, |nadir| nadir.min(whole)));
        }
        self.after_complete |= overall == OverallResponse::Complete;
        timepoint
    }

    /// The non-targets that are back after a complete response, in words; empty where there are none.
    fn returned(&self) -> String {
        let back = self.tracks.all.iter().filter(|track| self.after_complete && non_targets::back(track));
        let lesions: Vec<&str> = back.map(|track| track.lesion.as_str()).collect();
        if lesions.is_empty() {
            return String::new();
        }
        format!("non-target {} back after a complete response, which is progression", lesions.join(", "))
    }

    /// An assessment that can show progression or its absence. After a progression the responses stay PD whatever was
    /// looked at; then only one that could have shown a further progression is adequate.
    fn adequate(&self, overall: OverallResponse, non_target: Option<NonTargetResponse>, sum: &Sum) -> bool {
        let looked = sum.complete && (sum.targets > 0 || non_target != Some(NonTargetResponse::NotEvaluable));
        overall != OverallResponse::NotEvaluable && (self.shown.is_none() || looked)
    }

    fn reason(&self, judged: &Judged) -> String {
        let mut parts: Vec<String> = [&judged.target_why, &judged.non_target_why]
            .into_iter()
            .filter(|why| !why.is_empty())
            .cloned()
            .collect();
        parts.extend((!judged.returned.is_empty()).then(|| judged.returned.clone()));
        parts.extend(judged.new_why.iter().cloned());
        parts.extend(
            self.tracks.twice.iter().map(|l| format!("{l} was read twice; the graver reading counts")),
        );
        let strays = self.tracks.all.iter().filter(|track| track.kind == Kind::Stray);
        parts.extend(
            strays.map(|t| format!("{} was not in the baseline and is not named new: not counted", t.lesion)),
        );
        if parts.is_empty() { "no disease at baseline and none new".into() } else { parts.join("; ") }
    }

    fn note_progression(&mut self, assessment: &Assessment, overall: OverallResponse, judged: &Judged) {
        let (date, found) = (assessment.date, &judged.found);
        match &mut self.shown {
            None if overall == OverallResponse::Progressive => {
                let seen = found.certain.iter().map(|(_, since)| *since).min();
                let open =
                    self.tracks.all.iter().enumerate().filter(|(_, t)| t.kind == Kind::New && !t.certain);
                self.shown = Some(Shown {
                    certain: date,
                    event: assessment.event,
                    reason: judged.progression(),
                    date: seen.map_or(date, |seen| seen.min(date)),
                    open: open
                        .filter_map(|(at, track)| Some((at, track.perhaps_since?)))
                        .filter(|(_, since)| *since < date)
                        .collect(),
                });
            }
            None => {}
            Some(shown) => {
                let all = &self.tracks.all;
                for (at, since) in &shown.open {
                    let confirmed =
                        found.certain.iter().any(|(certain, seen)| certain == at && seen == since);
                    if confirmed && *since < shown.date {
                        shown.date = *since;
                        shown.reason = format!(
                            "{}; new lesion {}, confirmed on {date}, was first seen on {since}, which dates the \
                             progression certain on {} back",
                            shown.reason, all[*at].lesion, shown.certain
                        );
                    }
                }
                shown.open.retain(|(at, since)| !all[*at].certain && all[*at].perhaps_since == Some(*since));
            }
        }
    }

    /// True while an equivocal lesion seen before the progression is neither confirmed nor gone.
    pub fn may_date_back(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| !shown.open.is_empty())
    }

    pub fn progression(&self) -> Option<FirstProgression> {
        let shown = self.shown.as_ref()?;
        Some(FirstProgression { date: shown.date, event: shown.event, reason: shown.reason.clone() })
    }
}

/// The responses of one assessment and their reasons.
struct Judged {
    target: Option<TargetResponse>,
    target_why: String,
    non_target: Option<NonTargetResponse>,
    non_target_why: String,
    returned: String,
    found: Found,
    /// What new lesions say, in words.
    new_why: Vec<String>,
}

impl Judged {
    /// Why it is a progression: only what makes it one.
    fn progression(&self) -> String {
        let mut parts = Vec::new();
        if self.target == Some(TargetResponse::Progressive) {
            parts.push(self.target_why.clone());
        }
        if self.non_target == Some(NonTargetResponse::Progressive) {
            parts.push(self.non_target_why.clone());
        }
        if !self.returned.is_empty() {
            parts.push(self.returned.clone());
        }
        if self.found.response() == NewLesion::Unequivocal {
            parts.extend(self.new_why.iter().cloned());
        }
        parts.join("; ")
    }
}

fn change(sum: Option<Micrometres>, baseline: Option<Micrometres>) -> Option<f64> {
    match (sum, baseline) {
        (Some(sum), Some(baseline)) if baseline > 0 => Some((sum - baseline) as f64 / baseline as f64),
        _ => None,
    }
}

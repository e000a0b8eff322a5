//! Lesions: where they lie, how each grew and shrank, and what RECIST 1.1 says of each assessment.
//!
//! Never judges; `derive::series` did. What is new or progressing is so against the baseline of randomisation; where the
//! strategy held through a progression, the marks of progressions show what was judged against the later one.

use std::collections::BTreeMap;

use jiff::civil::Date;
use maud::{Markup, html};
use trial::bodymap::{self, Marked, Place};
use trial::calendar::form_of;
use trial::event::Seq;
use trial::id::LesionId;
use trial::protocol::Concept;
use trial::recist::{LesionPoint, NewLesion, NonTargetResponse, OverallResponse, TargetResponse};
use trial::record::{Assessment, Finding, LesionRole};

use super::figure::Shape;
use super::opening::sentence;
use super::story::add;
use super::view::{View, day_words, listed, lower, signed, tenth};
use super::{figure_body, figure_lesions};
use crate::page::parts;

/// What a lesion does at one assessment, as a mark shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Progressing,
    New,
    Target,
    NonTarget,
    Gone,
    NotEvaluated,
}

impl State {
    pub(super) const ALL: [State; 6] =
        [Self::Progressing, Self::New, Self::Target, Self::NonTarget, Self::Gone, Self::NotEvaluated];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Progressing => "progressing",
            Self::New => "new",
            Self::Target => "target, not progressing",
            Self::NonTarget => "not a target, present",
            Self::Gone => "gone",
            Self::NotEvaluated => "not evaluated",
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Progressing => Shape::Diamond,
            Self::New => Shape::Triangle,
            Self::NonTarget => Shape::Square,
            Self::Target | Self::Gone => Shape::Circle,
            Self::NotEvaluated => Shape::Cross,
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Progressing => "progressing",
            Self::New => "new",
            Self::Target => "target",
            Self::NonTarget => "non-target",
            Self::Gone => "gone",
            Self::NotEvaluated => "not-evaluated",
        }
    }
}

/// One assessment of the reader that the endpoints rest on.
pub(super) struct Assessed<'v> {
    pub(super) event: Seq,
    pub(super) date: Date,
    pub(super) visit: String,
    /// Sum of the target diameters in mm, over what was measured.
    pub(super) sum: Option<f64>,
    /// Every target was measured.
    pub(super) complete: bool,
    pub(super) nadir: Option<f64>,
    /// Relative change of the sum from baseline.
    pub(super) change: Option<f64>,
    /// Its responses and why; none for the baseline.
    pub(super) judged: Option<Judged<'v>>,
    lesions: &'v [LesionPoint],
    read: Option<&'v Assessment>,
}

/// The responses of an assessment.
pub(super) struct Judged<'v> {
    pub(super) overall: OverallResponse,
    target: Option<TargetResponse>,
    non_target: Option<NonTargetResponse>,
    new_lesion: NewLesion,
    reason: &'v str,
}

/// The assessments in order, the baseline first.
pub(super) fn assessed<'v>(view: &'v View<'_>) -> Vec<Assessed<'v>> {
    let Some(series) = &view.derived.series else { return Vec::new() };
    let read = |event: Seq| view.record.assessments.iter().find(|assessment| assessment.event == event);
    let visit = |event: Seq| {
        form_of(view.record, event).map_or_else(String::new, |form| match &form.instance.visit {
            Some(visit) => view.visit(visit, form.instance.occurrence),
            None => "unscheduled".to_owned(),
        })
    };
    let base = &series.baseline;
    let first = Assessed {
        event: base.event,
        date: base.date,
        visit: visit(base.event),
        sum: base.sum_mm,
        complete: base.sum_mm.is_some(),
        nadir: None,
        change: None,
        judged: None,
        lesions: &base.lesions,
        read: read(base.event),
    };
    let later = series.timepoints.iter().map(|point| Assessed {
        event: point.event,
        date: point.date,
        visit: visit(point.event),
        sum: point.sum_mm.filter(|_| point.target.is_some()),
        complete: point.complete,
        nadir: point.nadir_mm,
        change: point.change,
        judged: Some(Judged {
            overall: point.overall,
            target: point.target,
            non_target: point.non_target,
            new_lesion: point.new_lesion,
            reason: &point.reason,
        }),
        lesions: &point.lesions,
        read: read(point.event),
    });
    std::iter::once(first).chain(later).collect()
}

impl Assessed<'_> {
    fn point(&self, lesion: &LesionId) -> Option<&LesionPoint> {
        self.lesions.iter().find(|point| point.lesion == *lesion)
    }

    /// What a lesion does here; none where it is not known yet.
    fn state(&self, lesion: &LesionId) -> Option<State> {
        let reading =
            self.read.and_then(|read| read.readings.iter().find(|reading| reading.lesion == *lesion));
        let point = self.point(lesion);
        let role = point.map(|point| point.role).or(reading.map(|reading| reading.role))?;
        if let Some(point) = point.filter(|point| point.progressing) {
            let is_new = point.role == LesionRole::New && point.why == "new";
            return Some(if is_new { State::New } else { State::Progressing });
        }
        Some(match reading.map(|reading| &reading.finding) {
            None | Some(Finding::NotEvaluable(_)) => State::NotEvaluated,
            Some(Finding::Absent | Finding::Merged) => State::Gone,
            Some(Finding::Measured(size)) if *size <= 0.0 => State::Gone,
            Some(_) if role == LesionRole::Target => State::Target,
            Some(_) => State::NonTarget,
        })
    }
}

/// A lesion at one assessment.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// Its place in the order in which lesions were first named, from 0: its anchor on the page.
    pub(super) number: usize,
    pub(super) lesion: LesionId,
    pub(super) location: String,
    pub(super) place: Option<Place>,
    pub(super) state: State,
    pub(super) size: Option<f64>,
    pub(super) treated: Option<Date>,
    why: String,
}

impl Spot {
    /// Its name and size, beside its mark.
    pub(super) fn label(&self) -> String {
        match self.size {
            Some(size) => format!("{} {} mm", self.lesion, tenth(size)),
            None => self.lesion.to_string(),
        }
    }

    /// All of it, in a sentence.
    pub(super) fn says(&self) -> String {
        let size = self.size.map_or_else(String::new, |size| format!(", {} mm", tenth(size)));
        let treated =
            self.treated.map_or_else(String::new, |on| format!(", treated with SABR by {}", parts::day(on)));
        let why =
            if self.why.is_empty() { String::new() } else { format!(" ({})", parts::in_words(&self.why)) };
        format!("{}, {}{size}: {}{why}{treated}", self.lesion, self.location, self.state.words())
    }
}

/// A lesion through all assessments.
pub(super) struct Track {
    pub(super) number: usize,
    pub(super) marked: Marked,
    pub(super) points: Vec<TrackPoint>,
    /// First day, last day, and what was given.
    pub(super) sabr: Vec<(Date, Option<Date>, String)>,
    /// Progressions of the strategy that it was part of: number and day.
    pub(super) progressions: Vec<(usize, Date)>,
}

/// A lesion at one assessment, on its curve.
pub(super) struct TrackPoint {
    pub(super) date: Date,
    pub(super) size: Option<f64>,
    pub(super) state: State,
}

fn tracks(view: &View<'_>, assessed: &[Assessed<'_>]) -> Vec<Track> {
    let marked = bodymap::lesions(view.record, &view.ruling.tumour.reader);
    let episodes = view.derived.strategy.iter().flat_map(|course| &course.episodes);
    let progressions: Vec<_> =
        episodes.map(|episode| &episode.progression).enumerate().map(|(n, p)| (n + 1, p)).collect();
    let track = |(number, marked): (usize, Marked)| {
        let point = |one: &Assessed<'_>| {
            let state = one.state(&marked.lesion)?;
            let size = one.point(&marked.lesion).and_then(|point| point.size_mm);
            Some(TrackPoint { date: one.date, size: size.filter(|_| state != State::NotEvaluated), state })
        };
        let courses =
            view.record.sabr.iter().flat_map(|course| course.lesions.iter().map(move |dose| (course, dose)));
        let given = courses.filter(|(_, dose)| dose.lesion == marked.lesion).map(|(course, dose)| {
            let total = tenth(f64::from(dose.fractions) * dose.fraction_gy);
            (course.start, course.end, format!("{total} Gy in {}", dose.fractions))
        });
        let part_of =
            progressions.iter().filter(|(_, progression)| progression.lesions.contains(&marked.lesion));
        Track {
            number,
            points: assessed.iter().filter_map(point).collect(),
            sabr: given.collect(),
            progressions: part_of.map(|(number, progression)| (*number, progression.date)).collect(),
            marked,
        }
    };
    marked.into_iter().enumerate().map(track).collect()
}

/// The body map beside the form of an assessment: what is known of its lesions there, and nothing where none has a place.
pub(crate) fn body_of(points: &[LesionPoint]) -> Markup {
    let state = |point: &LesionPoint| match (point.progressing, point.role) {
        (true, LesionRole::New) if point.why == "new" => State::New,
        (true, _) => State::Progressing,
        (false, _) if point.size_mm.is_some_and(|size| size <= 0.0) => State::Gone,
        (false, LesionRole::Target) => State::Target,
        (false, _) => State::NonTarget,
    };
    let spot = |(number, point): (usize, &LesionPoint)| Spot {
        number,
        lesion: point.lesion.clone(),
        location: lower(&point.location),
        place: bodymap::place(&point.location, None),
        state: state(point),
        size: point.size_mm,
        treated: point.treated,
        why: point.why.clone(),
    };
    let spots: Vec<Spot> = points.iter().enumerate().map(spot).collect();
    html! {
        @if spots.iter().any(|spot| spot.place.is_some()) {
            (figure_body::body(&spots, false))
            (figure_lesions::legend(&spots))
        }
    }
}

fn spots(tracks: &[Track], at: &Assessed<'_>) -> Vec<Spot> {
    let spot = |track: &Track| {
        let state = at.state(&track.marked.lesion)?;
        let point = at.point(&track.marked.lesion);
        Some(Spot {
            number: track.number,
            lesion: track.marked.lesion.clone(),
            location: place_words(&track.marked),
            place: track.marked.place,
            state,
            size: point.and_then(|point| point.size_mm).filter(|_| state != State::NotEvaluated),
            treated: point.and_then(|point| point.treated),
            why: point.map_or_else(String::new, |point| point.why.clone()),
        })
    };
    tracks.iter().filter_map(spot).collect()
}

/// A place in words: `left lung`.
pub(super) fn place_words(marked: &Marked) -> String {
    let side = marked.laterality.as_deref().map(|side| format!("{} ", lower(side))).unwrap_or_default();
    match marked.location.as_str() {
        "" => "place not said".to_owned(),
        location => format!("{side}{}", lower(location)),
    }
}

/// The section of lesions: map and curves, then the sum and the assessments.
pub(super) fn cards(view: &View<'_>, at: Option<Seq>) -> Markup {
    let assessed = assessed(view);
    let Some(last) = assessed.last() else { return nothing(view) };
    let shown = at.and_then(|seq| assessed.iter().find(|one| one.event == seq)).unwrap_or(last);
    let tracks = tracks(view, &assessed);
    html! {
        section.card #lesions aria-labelledby="lesions-title" {
            h2 #lesions-title { "Lesions" }
            div.lesions {
                div { (map(view, &assessed, shown, &tracks)) }
                div { (figure_lesions::tracks(view, &assessed, &tracks)) }
            }
            (others(view))
        }
        section.card aria-labelledby="response" {
            h2 #response { "Sum of target diameters and response" }
            (figure_lesions::sum(view, &assessed))
            (table(view, &assessed))
            (best(view))
            (add(view, Concept::TumourAssessment, "Add an unscheduled assessment"))
        }
    }
}

fn nothing(view: &View<'_>) -> Markup {
    let planned = view.calendar.visits.iter().flat_map(|visit| &visit.forms);
    let form = view.form_for(Concept::TumourAssessment);
    let first =
        planned.map(|form| &form.instance).find(|instance| form.is_some_and(|form| form.id == instance.form));
    let link = first.filter(|_| view.may_enter(Concept::TumourAssessment)).map(|first| view.address(first));
    html! {
        section.card #lesions aria-labelledby="lesions-title" {
            h2 #lesions-title { "Lesions" }
            (parts::empty(
                "No tumour assessment yet. The first one names the lesions that are followed.",
                link.as_deref().map(|link| (link, "Enter the tumour assessment")),
            ))
        }
    }
}

fn map(view: &View<'_>, assessed: &[Assessed<'_>], shown: &Assessed<'_>, tracks: &[Track]) -> Markup {
    let spots = spots(tracks, shown);
    let unplaced: Vec<&Spot> = spots.iter().filter(|spot| spot.place.is_none()).collect();
    html! {
        h3 { "Assessment of " (view.dated(shown.date)) }
        (figure_body::body(&spots, true))
        @if !unplaced.is_empty() {
            p.small {
                "Without a place on the figure: "
                @for (index, spot) in unplaced.iter().enumerate() {
                    @if index > 0 { "; " }
                    a href={ "#lesion-" (spot.number) } { (spot.says()) }
                }
                "."
            }
        }
        (figure_lesions::legend(&spots))
        @if assessed.len() > 1 {
            nav.choose aria-label="Assessments" {
                @for one in assessed {
                    @let page = format!("{}?at={}", view.chart.at(""), one.event);
                    a #{ "at-" (one.event) } href={ (page) "#lesions" } hx-get=(page) hx-select="#lesions"
                        hx-target="#lesions" hx-swap="outerHTML" aria-current=[(one.event == shown.event).then_some("true")]
                        title=(view.dated(one.date)) {
                        (one.date.strftime("%b %Y").to_string()) " "
                        b { (one.judged.as_ref().map_or("BL", |judged| short(judged.overall))) }
                    }
                }
            }
        }
    }
}

/// Who else read the scans; the page goes by the protocol's reader.
fn others(view: &View<'_>) -> Markup {
    let reader = &view.ruling.tumour.reader;
    let mut others: BTreeMap<&str, usize> = BTreeMap::new();
    for assessment in view.record.assessments.iter().filter(|assessment| assessment.reader != *reader) {
        *others.entry(&assessment.reader).or_default() += 1;
    }
    let others = others.into_iter().map(|(reader, n)| format!("{reader} ({n})"));
    let others: Vec<String> = others.collect();
    html! {
        @if !others.is_empty() {
            p.small.soft {
                "Read by " (reader) ", whose readings the endpoints rest on. Also read by " (listed(others)) "."
            }
        }
    }
}

/// A response as a chip has it.
pub(super) fn short(response: OverallResponse) -> &'static str {
    match response {
        OverallResponse::NonCrNonPd => "NN",
        response => response.as_str(),
    }
}

/// The class of a response's colour.
pub(super) fn look(response: OverallResponse) -> &'static str {
    match response {
        OverallResponse::Complete | OverallResponse::Partial => "good",
        OverallResponse::Stable | OverallResponse::NonCrNonPd => "info",
        OverallResponse::Progressive => "bad",
        OverallResponse::NotEvaluable => "",
    }
}

fn table(view: &View<'_>, assessed: &[Assessed<'_>]) -> Markup {
    html! {
        div.wide {
            table.assessments {
                caption.visually-hidden { "Tumour assessments" }
                thead {
                    tr {
                        th scope="col" { "Assessment" }
                        th.num scope="col" { "Sum, mm" }
                        th.num scope="col" { "From baseline" }
                        th.num scope="col" { "From nadir" }
                        th scope="col" { "Target" }
                        th scope="col" { "Non-target" }
                        th scope="col" { "New" }
                        th scope="col" { "Overall" }
                        th scope="col" { "Why" }
                    }
                }
                tbody { @for one in assessed { (row(view, one)) } }
            }
        }
    }
}

fn row(view: &View<'_>, one: &Assessed<'_>) -> Markup {
    let dash = "\u{2013}";
    let from_nadir = one.sum.zip(one.nadir).filter(|_| one.complete).map(|(sum, nadir)| sum - nadir);
    html! {
        tr {
            th scope="row" {
                a.nb href=(view.leads(one.event)) { (parts::day(one.date)) }
                @if let Some(day) = view.day(one.date) { span.nb { ", " (day_words(day)) } }
                br;
                span.soft.small { (one.visit) }
            }
            td.num {
                @match one.sum { Some(sum) => (tenth(sum)), None => (dash) }
                @if one.sum.is_some() && !one.complete { br; span.soft.small { "not all measured" } }
            }
            td.num { @match one.change { Some(change) => { (signed(change * 100.0)) " %" }, None => (dash) } }
            td.num { @match from_nadir { Some(mm) => { (signed(mm)) " mm" }, None => (dash) } }
            @match &one.judged {
                None => { td colspan="4" { "baseline" } td {} },
                Some(judged) => {
                    td { (judged.target.map_or(dash, TargetResponse::as_str)) }
                    td.nb { (judged.non_target.map_or(dash, NonTargetResponse::as_str)) }
                    td { (new_words(judged.new_lesion)) }
                    td { span class={ "chip " (look(judged.overall)) } { (judged.overall) } }
                    td.small { (sentence(judged.reason)) }
                },
            }
        }
    }
}

fn new_words(new: NewLesion) -> &'static str {
    match new {
        NewLesion::None => "none",
        NewLesion::Equivocal => "equivocal",
        NewLesion::Unequivocal => "yes",
    }
}

fn best(view: &View<'_>) -> Markup {
    let Some(series) = view.derived.series.as_ref().filter(|series| !series.timepoints.is_empty()) else {
        return html! {};
    };
    let best = if view.ruling.tumour.confirmed { &series.best_confirmed } else { &series.best };
    html! {
        p.small { "Best overall response: " b { (best.response) } ". " (sentence(&best.reason)) }
        @if !series.baseline.remarks.is_empty() {
            p.small.soft { "On the baseline: " (sentence(&listed(&series.baseline.remarks))) }
        }
    }
}

/// A lesion for tests of figures.
#[cfg(test)]
pub(super) fn spot_for_tests(number: usize) -> Spot {
    Spot {
        number,
        lesion: LesionId(format!("T{number:02}")),
        location: "liver".into(),
        place: None,
        state: State::Target,
        size: Some(12.0),
        treated: None,
        why: String::new(),
    }
}

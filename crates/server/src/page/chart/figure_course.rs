//! The course of a subject over study time, in lanes: visits, assessments, strategy, SABR, systemic therapy, adverse events,
//! FACT-B; every mark leads to the form it was entered on.
//!
//! Never leaves out what does not fit without saying so. The same in words, in order of time, is in `story`.

use jiff::civil::Date;
use maud::{Markup, html};
use trial::calendar::{FormState, Planned, VisitStatus};
use trial::date::plus_days;
use trial::record::{AdverseEvent, Decision};
use trial::standing::State;
use trial::strategy::{Status, Verdict};

use super::figure::{
    Scale, Shape, Time, fit, line, linked, linking, path, px, shape, text, time_axis, width,
};
use super::figure_lesions::{chip, sample};
use super::lesions::{look, short};
use super::story;
use super::view::{View, listed, tenth};
use crate::page::parts::{in_words, partial};

const WIDTH: f64 = 1160.0;
const LEFT: f64 = 124.0;
const RIGHT: f64 = 1144.0;
/// The band above the lanes, for what crosses all of them.
const HEAD: f64 = 50.0;
const BAR: f64 = 15.0;
/// Adverse events beyond so many rows are in the table only.
const MOST_ROWS: usize = 14;
const TYPE: f64 = 11.0;

/// A figure under way: what is drawn, and how far down it reaches.
struct Sheet {
    parts: Vec<Markup>,
    y: f64,
}

impl Sheet {
    /// A new lane of a height, with its name; its middle.
    fn lane(&mut self, name: &str, height: f64) -> f64 {
        let top = self.y;
        self.y += height;
        self.parts.push(line("lane-line", (0.0, self.y), (RIGHT, self.y)));
        let middle = f64::midpoint(top, self.y);
        self.parts.push(text("lane", 0.0, top + height.min(34.0) / 2.0 + 4.0, name));
        middle
    }
}

/// The card of the figure, with the same as a list.
pub(super) fn card(view: &View<'_>) -> Markup {
    html! {
        section.card aria-labelledby="course" {
            h2 #course { "Course" }
            (figure(view))
            (legend())
            details {
                summary { "The same as a list, in order of time" }
                (story::list(view))
            }
        }
    }
}

/// The span of the figure: from screening to today or, where nothing more is to come, to the last that is known.
fn span(view: &View<'_>) -> Option<Time> {
    let record = view.record;
    let known = story::story(view);
    let screened = record.screened.as_ref().map(|fact| fact.value);
    let first =
        known.first().map(|moment| moment.date).into_iter().chain(screened).chain(view.start()).min()?;
    let over = matches!(view.standing.state, State::Dead | State::OffStudy | State::ScreenFailure);
    let today = (!over && view.today >= first).then_some(view.today);
    let next = view.calendar.next().and_then(|next| next.closes).filter(|_| !over);
    let ends =
        known.iter().map(|moment| moment.date).chain(view.derived.known_until).chain(today).chain(next);
    // What began long before the trial would leave no room for the trial.
    let entered =
        screened.into_iter().chain(view.record.consent.as_ref().map(|fact| fact.value)).chain(view.start());
    let earliest = entered.min().map_or(first, |entered| plus_days(entered, -21));
    let (first, last) = (first.max(earliest), ends.max()?);
    let days = trial::date::days_between(first, last).max(28);
    Some(Time::new(
        view.start().unwrap_or(first),
        first,
        plus_days(first, days + days / 50 + 1),
        (LEFT, RIGHT),
    ))
}

fn figure(view: &View<'_>) -> Markup {
    let Some(time) = span(view) else { return html! { p.soft { "Nothing was entered yet." } } };
    let mut sheet = Sheet { parts: Vec::new(), y: HEAD };
    visits(view, &time, &mut sheet);
    assessments(view, &time, &mut sheet);
    strategy(view, &time, &mut sheet);
    sabr(view, &time, &mut sheet);
    therapy(view, &time, &mut sheet);
    adverse_events(view, &time, &mut sheet);
    factb(view, &time, &mut sheet);
    let bottom = sheet.y;
    let mut body = vec![time_axis(&time, view.start().is_some(), HEAD - 4.0, bottom)];
    // Beneath the marks, so that no line hides one.
    crossing(view, &time, bottom, &mut body);
    body.append(&mut sheet.parts);
    linking("course", (WIDTH, bottom + 34.0), "The course of the subject over study time", &body)
}

/// What crosses every lane: randomisation, failure, the end, today.
fn crossing(view: &View<'_>, time: &Time, bottom: f64, body: &mut Vec<Markup>) {
    let record = view.record;
    let mut lines: Vec<(Date, &str, &str, Option<String>)> = Vec::new();
    if let Some(fact) = &record.randomised {
        lines.push((fact.value.date, "randomised", "Randomised", Some(view.leads(fact.event))));
    }
    if let Some(course) = &view.derived.strategy
        && let Status::Failed { on, .. } = course.status
    {
        let href = course.events.last().map(|event| view.leads(*event));
        lines.push((on, "failed", "Strategy failed", href));
    }
    if let Some(left) = &record.withdrawal {
        lines.push((left.date, "left", "Off study", Some(view.leads(left.event))));
    }
    if let (Some(death), Some(on)) = (&record.death, view.derived.death) {
        lines.push((on.date, "died", "Died", Some(view.leads(death.event))));
    }
    if time.holds(view.today) && !matches!(view.standing.state, State::Dead | State::OffStudy) {
        lines.push((view.today, "today", "Today", None));
    }
    lines.sort_by_key(|line| line.0);
    // Words that would run into each other stand in rows of their own.
    let mut ends = [f64::MIN; 3];
    for (date, class, word, href) in lines {
        let x = time.at(date);
        let half = width(word, TYPE) / 2.0 + 3.0;
        let row = ends.iter().position(|end| x - half > *end).unwrap_or(2);
        ends[row] = x + half;
        let y = 14.0 + row as f64 * 13.0;
        let mark = html! {
            (line(&format!("crossing {class}"), (x, y + 3.0), (x, bottom)))
            (text(&format!("crossing-word m {class}"), x.clamp(half, WIDTH - half), y, word))
        };
        match href {
            Some(href) => body.push(linked(&href, &format!("{word}, {}", view.dated(date)), &mark)),
            None => body.push(mark),
        }
    }
}

fn visits(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let y = sheet.lane("Visits", 30.0);
    for planned in &view.calendar.visits {
        let made = match planned.status {
            VisitStatus::Done { on, .. } | VisitStatus::Begun { on, .. } => on,
            _ => None,
        };
        let Some(date) = made.or(planned.target).filter(|date| time.holds(*date)) else { continue };
        if let Some(mark) = visit(planned, time.at(date), y) {
            let says =
                format!("{}: {}", view.visit(&planned.visit, planned.occurrence), visit_words(view, planned));
            sheet.parts.push(linked(&visit_page(view, planned), &says, &mark));
        }
    }
}

fn visit(planned: &Planned, x: f64, y: f64) -> Option<Markup> {
    Some(match planned.status {
        VisitStatus::Done { in_window: true, .. } => shape(Shape::Circle, "visit done", x, y, 5.0),
        VisitStatus::Done { .. } => html! {
            (shape(Shape::Circle, "visit done", x, y, 5.0)) (text("mark-word m", x, y - 7.0, "late"))
        },
        VisitStatus::Begun { .. } => shape(Shape::Circle, "visit begun", x, y, 5.0),
        VisitStatus::Open => html! {
            (shape(Shape::Square, "visit open", x, y, 6.0)) (text("mark-word m", x, y - 8.0, "now"))
        },
        VisitStatus::Overdue { .. } => html! {
            (shape(Shape::Square, "visit overdue", x, y, 6.5)) (text("mark-sign m", x, y + 4.0, "!"))
        },
        VisitStatus::Upcoming { .. } => shape(Shape::Circle, "visit upcoming", x, y, 4.5),
        VisitStatus::Missed => shape(Shape::Cross, "visit missed", x, y, 6.0),
        VisitStatus::AwaitsRandomisation | VisitStatus::NotExpected { .. } => return None,
    })
}

/// Where a visit stands, its days written as on the whole page.
pub(super) fn visit_words(view: &View<'_>, planned: &Planned) -> String {
    let made = |word: &str, on: Option<Date>, in_window: bool| {
        let on = on.map_or_else(String::new, |on| format!(" on {}", view.dated(on)));
        let outside = if in_window { "" } else { ", outside its window" };
        format!("{word}{on}{outside}")
    };
    match planned.status {
        VisitStatus::Done { on, in_window } => made("done", on, in_window),
        VisitStatus::Begun { on, in_window } => made("begun", on, in_window),
        status => status.to_string(),
    }
}

fn visit_page(view: &View<'_>, planned: &Planned) -> String {
    let there = planned.forms.iter().find(|form| form.state != FormState::Absent).or(planned.forms.first());
    match there.map(|form| (&form.instance, &form.state)) {
        Some((_, FormState::Elsewhere { instance }) | (instance, _)) => view.address(instance),
        None => view.chart.at("calendar"),
    }
}

fn assessments(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let Some(series) = &view.derived.series else { return };
    let y = sheet.lane("Response", 30.0);
    let mut dates = vec![series.baseline.date];
    dates.extend(series.timepoints.iter().map(|point| point.date));
    let xs: Vec<f64> = dates.iter().map(|date| time.at(*date)).collect();
    let room = xs.windows(2).map(|pair| pair[1] - pair[0]).fold(32.0, f64::min);
    let base = chip(time.at(series.baseline.date), y, room, "", "BL");
    let says = format!("Baseline assessment, {}", view.dated(series.baseline.date));
    sheet.parts.push(linked(&view.leads(series.baseline.event), &says, &base));
    for point in &series.timepoints {
        let mark = chip(time.at(point.date), y, room, look(point.overall), short(point.overall));
        let sum = point.sum_mm.map_or_else(String::new, |sum| format!(", sum {} mm", tenth(sum)));
        let says =
            format!("{} on {}{sum}: {}", point.overall, view.dated(point.date), in_words(&point.reason));
        sheet.parts.push(linked(&view.leads(point.event), &says, &mark));
    }
}

fn strategy(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let (Some(course), Some(start)) = (&view.derived.strategy, view.start()) else { return };
    if course.status == Status::NotApplicable {
        return first_progression(view, time, sheet);
    }
    let y = sheet.lane("Strategy", 36.0);
    let until = |date: Date| time.at(date) - time.at(start);
    let (holds_until, pends_from) = match course.status {
        Status::Failed { on, .. } => (on, None),
        Status::Pending { progression } => (progression, Some(progression)),
        Status::Holding | Status::NotApplicable => (end(view, time), None),
    };
    let bar = |class: &str, x: f64, w: f64| {
        html! {
            rect class=(class) x=(px(x)) y=(px(y - 6.0)) width=(px(w.max(0.0))) height="12" rx="2" {}
        }
    };
    sheet.parts.push(bar("holding", time.at(start), until(holds_until)));
    if let Some(from) = pends_from {
        sheet.parts.push(bar("pending", time.at(from), time.at(end(view, time)) - time.at(from)));
    }
    for (index, episode) in course.episodes.iter().enumerate() {
        let (class, sign, word) = match episode.verdict {
            Verdict::Held => ("good", "✓", "the strategy held"),
            Verdict::Failed => ("bad", "✕", "the strategy failed"),
            Verdict::Pending => ("warn", "?", "pending"),
        };
        let progression = &episode.progression;
        let x = time.at(progression.date);
        let mark = html! {
            (shape(Shape::Diamond, &format!("progression {class}"), x, y, 9.0))
            (text("mark-sign m", x, y + 4.0, sign))
        };
        let says = format!(
            "Progression {} on {}: {word}, {}",
            index + 1,
            view.dated(progression.date),
            in_words(&episode.why)
        );
        let href =
            progression.events.last().map_or_else(|| "#strategy".to_owned(), |event| view.leads(*event));
        sheet.parts.push(linked(&href, &says, &mark));
    }
    for decision in &view.record.decisions {
        let x = time.at(decision.date);
        let words = if decision.decision == Decision::Continue { "keep the strategy" } else { "give it up" };
        let mark = html! { (shape(Shape::Square, "decision", x, y + 11.0, 6.0)) (text("mark-letter m", x, y + 14.5, "D")) };
        let says = format!("Decision on {}: {words}", view.dated(decision.date));
        sheet.parts.push(linked(&view.leads(decision.event), &says, &mark));
    }
}

/// In an arm without a strategy rule: the first progression.
fn first_progression(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let Some(first) = &view.derived.first_progression else { return };
    let y = sheet.lane("Progression", 30.0);
    let mark = shape(Shape::Diamond, "progression bad", time.at(first.date), y, 8.0);
    let says = format!("First progression on {}: {}", view.dated(first.date), in_words(&first.reason));
    let href = first.events.last().map_or_else(|| "#strategy".to_owned(), |event| view.leads(*event));
    sheet.parts.push(linked(&href, &says, &mark));
}

/// Up to where something that goes on is drawn: death, the last that is known, or today.
fn end(view: &View<'_>, time: &Time) -> Date {
    let left = view.record.withdrawal.as_ref().map(|left| left.date);
    let over = view.derived.death.map(|death| death.date).or(left);
    let known = view.derived.known_until.unwrap_or(view.today);
    over.unwrap_or_else(|| if time.holds(view.today) { known.max(view.today) } else { known })
}

fn sabr(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let courses = &view.record.sabr;
    if courses.is_empty() {
        return;
    }
    let y = sheet.lane("SABR", 36.0) - 4.0;
    for (index, course) in courses.iter().enumerate() {
        let (from, to) = (time.at(course.start), time.at(course.end.unwrap_or(course.start)));
        let next = courses.get(index + 1).map_or(RIGHT, |next| time.at(next.start));
        let lesions = listed(course.lesions.iter().map(|dose| &dose.lesion));
        let x = f64::midpoint(from, to);
        let label = fit(&lesions, next - x + 6.0, 10.0);
        let mark = html! {
            @if to - from > 2.0 { (line("sabr-span", (from, y + 6.0), (to, y + 6.0))) }
            (shape(Shape::Triangle, if course.end.is_some() { "sabr-mark" } else { "sabr-mark under-way" }, x, y, 7.0))
            (text("mark-word", x - 6.0, y + 18.0, &label))
        };
        let doses: Vec<String> = course
            .lesions
            .iter()
            .map(|dose| {
                format!(
                    "{} {} Gy in {}",
                    dose.lesion,
                    tenth(dose.fraction_gy * f64::from(dose.fractions)),
                    dose.fractions
                )
            })
            .collect();
        let says = format!("SABR from {}: {}", view.dated(course.start), doses.join(", "));
        sheet.parts.push(linked(&view.leads(course.event), &says, &mark));
    }
}

/// Where the words of a bar stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Within,
    Behind,
    Before,
}

impl Beside {
    /// Within a bar where they fit, or it is long; else behind it, or before it where the sheet ends.
    fn of(words: &str, x: f64, w: f64) -> Self {
        let needs = width(words, TYPE) + 12.0;
        if needs <= w || w > 150.0 {
            Self::Within
        } else if x + w + needs <= RIGHT || x - LEFT < needs {
            Self::Behind
        } else {
            Self::Before
        }
    }
}

/// A bar from one day to another; what goes on ends in an arrow.
fn bar(time: &Time, y: f64, class: &str, from: Date, to: Option<Date>, ends: Date, words: &str) -> Markup {
    let goes_on = to.is_none();
    let (x1, x2) = (time.at(from), time.at(to.unwrap_or(ends).max(from)));
    let w = (x2 - x1).max(3.0);
    let behind = x1 + w + if goes_on { 9.0 } else { 4.0 };
    let (look, label, at) = match Beside::of(words, x1, w) {
        Beside::Within => ("lasts-word", fit(words, w - 8.0, TYPE), x1 + 5.0),
        Beside::Behind => ("lasts-word", fit(words, WIDTH - behind, TYPE), behind),
        Beside::Before => ("lasts-word e", words.to_owned(), x1 - 4.0),
    };
    let half = BAR / 2.0 - 1.0;
    html! {
        rect class={ "lasts " (class) } x=(px(x1)) y=(px(y - half)) width=(px(w)) height=(px(half * 2.0)) rx="2" {}
        @if goes_on {
            path class={ "lasts " (class) } d={ (path(&[(x1 + w, y - half), (x1 + w + 6.0, y), (x1 + w, y + half)])) "Z" } {}
        }
        (text(look, at, y + 4.0, &label))
    }
}

fn therapy(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let ends = end(view, time);
    for (index, line) in view.record.lines.iter().enumerate() {
        let y = sheet.lane(if index == 0 { "Systemic therapy" } else { "" }, BAR + 6.0);
        let until = line.end.map(trial::date::PartialDate::last);
        let why = story::reason(line.reason);
        let mark = bar(time, y, "therapy", line.start.first(), until, ends, &line.treatment);
        let to = line.end.map_or_else(|| "goes on".to_owned(), |end| format!("to {}", partial(end)));
        let says = format!("{}, {why}, from {} {to}", line.treatment, partial(line.start));
        sheet.parts.push(linked(&view.leads(line.event), &says, &mark));
    }
}

/// Events in as few rows as hold them without running into each other, the earliest first.
fn packed<'e>(events: &'e [AdverseEvent], time: &Time, ends: Date) -> (Vec<Vec<&'e AdverseEvent>>, usize) {
    let mut dated: Vec<(Date, &AdverseEvent)> =
        events.iter().filter_map(|event| Some((event.start?.first(), event))).collect();
    dated.sort_by_key(|(start, event)| (*start, event.event));
    let mut rows: Vec<(f64, Vec<&AdverseEvent>)> = Vec::new();
    let mut left_out = 0;
    for (start, event) in dated {
        let until = event.end.map_or(ends, trial::date::PartialDate::last).max(start);
        let bar = (time.at(until) - time.at(start)).max(3.0);
        let words = event_words(event);
        let (x, room) = (time.at(start), width(&words, TYPE) + 12.0);
        let (left, right) = match Beside::of(&words, x, bar) {
            Beside::Within => (x, x + bar + 10.0),
            Beside::Behind => (x, x + bar + room + 4.0),
            Beside::Before => (x - room, x + bar + 10.0),
        };
        match rows.iter().position(|(end, _)| *end <= left) {
            Some(row) => {
                rows[row].0 = right;
                rows[row].1.push(event);
            }
            None if rows.len() < MOST_ROWS => rows.push((right, vec![event])),
            None => left_out += 1,
        }
    }
    (rows.into_iter().map(|(_, row)| row).collect(), left_out)
}

fn event_words(event: &AdverseEvent) -> String {
    let grade = event.grade.map_or_else(String::new, |grade| format!("G{grade} "));
    let serious = if event.serious { " (serious)" } else { "" };
    format!("{grade}{}{serious}", event.term)
}

fn adverse_events(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let ends = end(view, time);
    let (rows, left_out) = packed(&view.record.adverse_events, time, ends);
    for (index, row) in rows.iter().enumerate() {
        let y = sheet.lane(if index == 0 { "Adverse events" } else { "" }, BAR + 2.0);
        for event in row {
            let Some(start) = event.start else { continue };
            let class = event.grade.map_or_else(|| "grade".to_owned(), |grade| format!("grade g{grade}"));
            let until = event.end.map(trial::date::PartialDate::last);
            let mark = bar(time, y, &class, start.first(), until, ends, &event_words(event));
            let to = event.end.map_or_else(|| "goes on".to_owned(), |end| format!("to {}", partial(end)));
            let says = format!("{}, from {} {to}", event_words(event), partial(start));
            sheet.parts.push(linked(&view.leads(event.event), &says, &mark));
        }
    }
    let undated = view.record.adverse_events.iter().filter(|event| event.start.is_none()).count();
    let more = left_out + undated;
    if more > 0 {
        let y = sheet.lane(if rows.is_empty() { "Adverse events" } else { "" }, BAR + 2.0);
        sheet.parts.push(text(
            "lasts-word behind",
            LEFT,
            y + 4.0,
            &format!("{more} more in the table below"),
        ));
    }
}

fn factb(view: &View<'_>, time: &Time, sheet: &mut Sheet) {
    let scored: Vec<_> = view
        .record
        .factb
        .iter()
        .filter_map(|answers| Some((answers, trial::factb::score(&answers.answers).total?)))
        .collect();
    if scored.is_empty() {
        return;
    }
    let middle = sheet.lane("FACT-B total", 64.0);
    let y = Scale::new((0.0, 148.0), (middle + 26.0, middle - 20.0));
    sheet.parts.push(line("grid-line", (LEFT, y.at(0.0)), (RIGHT, y.at(0.0))));
    sheet.parts.push(text("tick", LEFT - 26.0, y.at(0.0) + 3.0, "0"));
    sheet.parts.push(text("tick", LEFT - 26.0, y.at(148.0) + 3.0, "148"));
    let points: Vec<(f64, f64)> =
        scored.iter().map(|(answers, total)| (time.at(answers.date), y.at(*total))).collect();
    if points.len() > 1 {
        sheet.parts.push(html! { path.curve d=(path(&points)) {} });
    }
    for ((answers, total), (x, at)) in scored.iter().zip(points) {
        let mark = html! {
            (shape(Shape::Circle, "point", x, at, 4.0)) (text("value m", x, at - 7.0, &tenth(*total)))
        };
        let says = format!("FACT-B total {} on {}", tenth(*total), view.dated(answers.date));
        sheet.parts.push(linked(&view.leads(answers.event), &says, &mark));
    }
}

fn legend() -> Markup {
    let diamond = |class: &str, sign: &str| {
        sample(
            &html! { (shape(Shape::Diamond, class, 8.0, 8.0, 6.0)) (text("mark-sign m small-sign", 8.0, 11.0, sign)) },
        )
    };
    html! {
        ul.legend aria-label="Marks" {
            li { (sample(&shape(Shape::Circle, "visit done", 8.0, 8.0, 5.0))) "visit made" }
            li { (sample(&shape(Shape::Cross, "visit missed", 8.0, 8.0, 5.5))) "missed" }
            li { (sample(&shape(Shape::Square, "visit overdue", 8.0, 8.0, 6.0))) "overdue" }
            li { (sample(&shape(Shape::Circle, "visit upcoming", 8.0, 8.0, 4.5))) "to come" }
            li { (diamond("progression good", "✓")) "progression, strategy held" }
            li { (diamond("progression warn", "?")) "decision pending" }
            li { (diamond("progression bad", "✕")) "strategy failed" }
            li { (sample(&shape(Shape::Square, "decision", 8.0, 8.0, 6.0))) "D: decision" }
            li { (sample(&shape(Shape::Triangle, "sabr-mark", 8.0, 8.0, 6.0))) "SABR" }
            li { "BL baseline, CR, PR, SD, PD, NE, NN neither CR nor PD: overall response" }
            li { "G1 to G5: CTCAE grade" }
        }
    }
}

//! Recruitment: randomised in all over time against what is planned, and each randomisation by site.
//!
//! Never foresees. The plan is drawn as far as the protocol states it.

use std::fmt::Write;

use analysis::results::{MonthRow, Recruitment, Results, SiteRow};
use jiff::civil::Date;
use trial::date::days_between;

use super::scale::{Scale, ticks};
use super::{Canvas, Figure, WIDTH, empty, fit};
use crate::behind::Of;
use crate::link::Links;
use crate::number;

const LEFT: f64 = 150.0;
const RIGHT: f64 = WIDTH - 54.0;
const TOP: f64 = 18.0;
const PLOT: f64 = 190.0;
const SITE: f64 = 15.0;
const MOST_SITES: usize = 60;
/// Ticks nearer than this are one on paper.
const APART: f64 = 0.6;

/// Recruitment over time and by site.
pub fn recruitment(results: &Results, links: &Links<'_>) -> Figure {
    let (name, title) = ("recruitment", "Recruitment over time and by site");
    let r = &results.recruitment;
    let (Some(first), Some(last)) = (first_day(r), last_day(r)) else {
        return empty(name, title, "Nobody has been randomised yet.");
    };
    let sites = sites(r);
    let bottom = TOP + PLOT;
    let rows = bottom + 44.0;
    let height = rows + 18.0 + SITE * sites.len() as f64 + 6.0;
    let mut canvas = Canvas::new(WIDTH, height);
    let x = Scale::new((0.0, days_between(first, last).max(30) as f64), (LEFT, RIGHT));
    let at = |day: Date| x.at(days_between(first, day) as f64);
    let top_count = r.by_month.last().map_or(0, |row| row.in_all).max(r.planned as usize).max(1);
    let marks = ticks(0.0, top_count as f64, 5);
    let y = Scale::new((0.0, marks.last().copied().unwrap_or(1.0)), (bottom, TOP));
    axes(&mut canvas, &marks, &y, (first, last), &at, (bottom, rows + 14.0 + SITE * sites.len() as f64));
    months(&mut canvas, r, &at, &y, links);
    plan(&mut canvas, r, first, last, &at, &y);
    canvas.text(8.0, rows + 6.0, "ts b", "Site");
    canvas.text(WIDTH - 8.0, rows + 6.0, "ts b e", "Randomised");
    for (i, (place, site)) in sites.iter().enumerate() {
        let href = links.behind(Of::SiteRandomised(*place), None, None);
        site_row(&mut canvas, site, href.as_deref(), rows + 18.0 + SITE * i as f64, (first, last), &at);
    }
    let mut note = "Line: randomised in all by the end of each month; bars: in the month. Below: one mark a randomisation; \
                    the grey line begins where the site opened."
        .to_owned();
    if sites.len() < r.by_site.len() {
        let _ =
            write!(note, " The {} sites that randomised most of {} are drawn.", sites.len(), r.by_site.len());
    }
    let desc = format!(
        "{} randomised of {} planned, from {first} to {last}, at {} sites.",
        r.by_month.last().map_or(0, |row| row.in_all),
        r.planned,
        r.by_site.len()
    );
    Figure { name: name.into(), analysis: None, title: title.into(), desc, note, canvas }
}

fn first_day(r: &Recruitment) -> Option<Date> {
    let days = r.by_site.iter().flat_map(|site| site.opened.iter().chain(site.days.first()));
    r.by_month.first().map(|row| row.month)?;
    days.copied().chain(r.by_month.first().map(|row| row.month)).chain(r.planned_from).min()
}

fn last_day(r: &Recruitment) -> Option<Date> {
    let month = r.by_month.last().map(|row| row.month.last_of_month())?;
    Some(r.by_site.iter().filter_map(|site| site.days.last()).copied().fold(month, Date::max))
}

/// The sites to draw, each with its place in `by_site`.
fn sites(r: &Recruitment) -> Vec<(usize, &SiteRow)> {
    let mut sites: Vec<(usize, &SiteRow)> = r.by_site.iter().enumerate().collect();
    if sites.len() > MOST_SITES {
        sites.sort_by_key(|(_, site)| std::cmp::Reverse(site.randomised.n));
        sites.truncate(MOST_SITES);
    }
    sites
}

/// Half-years or years between two days.
fn calendar(first: Date, last: Date) -> Vec<Date> {
    let months = days_between(first, last) / 30;
    let every: i8 = match months {
        ..=12 => 1,
        13..=30 => 3,
        31..=72 => 6,
        _ => 12,
    };
    let years = first.year()..=last.year();
    years
        .flat_map(|year| {
            (1..=12_i8).step_by(every.unsigned_abs().into()).map(move |month| Date::new(year, month, 1))
        })
        .flatten()
        .filter(|day| *day >= first && *day <= last)
        .collect()
}

fn axes(
    canvas: &mut Canvas,
    marks: &[f64],
    y: &Scale,
    (first, last): (Date, Date),
    at: &impl Fn(Date) -> f64,
    (bottom, end): (f64, f64),
) {
    for mark in marks {
        canvas.line(LEFT, y.at(*mark), RIGHT, y.at(*mark), "gr");
        canvas.text(LEFT - 8.0, y.at(*mark) + 4.0, "t e", &number::short(*mark, 1));
    }
    let days = calendar(first, last);
    let by = days.len().div_ceil(14).max(1);
    for day in days.iter().step_by(by) {
        let x = at(*day);
        canvas.line(x, TOP, x, end, "gr");
        canvas.line(x, bottom, x, bottom + 4.0, "ax");
        canvas.text(x, bottom + 16.0, "ts m", &format!("{}-{:02}", day.year(), day.month()));
    }
    canvas.line(LEFT, TOP, LEFT, bottom, "ax");
    canvas.line(LEFT, bottom, RIGHT, bottom, "ax");
    canvas.text_up(100.0, f64::midpoint(TOP, bottom), "t m", "Subjects randomised");
}

fn months(canvas: &mut Canvas, r: &Recruitment, at: &impl Fn(Date) -> f64, y: &Scale, links: &Links<'_>) {
    let zero = y.at(0.0);
    let mut line = Vec::new();
    for (i, MonthRow { month, randomised, in_all }) in r.by_month.iter().enumerate() {
        let (from, to) = (at(*month), at(month.last_of_month()));
        let top = y.at(randomised.n as f64);
        let href = links.behind(Of::Month(i), None, None);
        let said = format!("{}-{:02}: {}", month.year(), month.month(), randomised.n);
        let bar =
            |canvas: &mut Canvas| canvas.rect(from + 0.5, top, (to - from - 1.0).max(0.8), zero - top, "n1");
        match &href {
            Some(_) => canvas.group("", href.as_deref(), &said, bar),
            None => bar(canvas),
        }
        if line.is_empty() {
            line.push((from, y.at(in_all.saturating_sub(randomised.n) as f64)));
        }
        line.push((to, y.at(*in_all as f64)));
    }
    canvas.polyline(&line, "l0");
    if let (Some((x, y)), Some(row)) = (line.last(), r.by_month.last()) {
        let href = links.behind(Of::Allocated, None, None);
        canvas.linked(x + 6.0, y + 4.0, "t b c0", &number::count(row.in_all), href.as_deref());
    }
}

fn plan(canvas: &mut Canvas, r: &Recruitment, first: Date, last: Date, at: &impl Fn(Date) -> f64, y: &Scale) {
    if r.planned == 0 {
        return;
    }
    let level = y.at(f64::from(r.planned));
    canvas.line(LEFT, level, RIGHT, level, "ref");
    let randomised = r.by_month.last().map_or(0, |row| row.in_all);
    if randomised != r.planned as usize {
        canvas.text(RIGHT + 6.0, level + 4.0, "t mut", &r.planned.to_string());
    }
    canvas.text(LEFT + 6.0, level - 5.0, "ts mut", &format!("Planned in all: {}", r.planned));
    if let Some(from) = r.planned_from.filter(|day| *day >= first && *day <= last) {
        let x = at(from);
        canvas.line(x, level, x, y.at(0.0), "ref");
        canvas.text(x + 6.0, level + 14.0, "ts mut", &format!("Planned start {from}"));
    }
    if let Some(to) = r.planned_to {
        // The plan of the trial ends after recruitment does, mostly beyond the axis: then it is said, not drawn.
        if to >= first && to <= last {
            let x = at(to);
            canvas.line(x, level, x, y.at(0.0), "ref");
        }
        canvas.text(RIGHT, level - 5.0, "ts mut e", &format!("Planned end of the trial {to}"));
    }
}

fn site_row(
    canvas: &mut Canvas,
    site: &SiteRow,
    href: Option<&str>,
    y: f64,
    (first, last): (Date, Date),
    at: &impl Fn(Date) -> f64,
) {
    let name = if site.name.is_empty() { site.site.to_string() } else { site.name.clone() };
    let middle = y + SITE / 2.0;
    canvas.text(8.0, middle + 3.5, "ts", &fit(&name, LEFT - 18.0, 10.0));
    let from = site.opened.or(site.days.first().copied()).map(|day| day.clamp(first, last));
    if let Some(from) = from {
        canvas.line(at(from), middle, RIGHT, middle, "none");
    }
    let mut d = String::new();
    let mut before = f64::MIN;
    for day in &site.days {
        let x = at(*day);
        if x - before >= APART {
            let _ = write!(d, "M{} {}v9", super::canvas::px(x), super::canvas::px(middle - 4.5));
            before = x;
        }
    }
    if !d.is_empty() {
        canvas.path(&d, "l0 tick");
    }
    canvas.linked(WIDTH - 8.0, middle + 3.5, "ts e", &number::count(site.randomised.n), href);
}

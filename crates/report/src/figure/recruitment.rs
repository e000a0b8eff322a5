//! Recruitment: randomised in all over time against what is planned, and each randomisation by site.
//!
//! Never foresees. The plan is drawn as far as the protocol states it.

use std::fmt::Write;

use analysis::results::{Recruitment, Results, SiteRow};
use jiff::civil::Date;
use trial::date::days_between;

use super::scale::{Scale, ticks};
use super::{Canvas, Figure, WIDTH, empty, fit};
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
pub fn recruitment(results: &Results) -> Figure {
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
    let top_count = r.by_month.last().map_or(0, |row| row.2).max(r.planned as usize).max(1);
    let marks = ticks(0.0, top_count as f64, 5);
    let y = Scale::new((0.0, marks.last().copied().unwrap_or(1.0)), (bottom, TOP));
    axes(&mut canvas, &marks, &y, (first, last), &at, (bottom, rows + 14.0 + SITE * sites.len() as f64));
    months(&mut canvas, r, &at, &y);
    plan(&mut canvas, r, first, last, &at, &y);
    canvas.text(8.0, rows + 6.0, "ts b", "Site");
    canvas.text(WIDTH - 8.0, rows + 6.0, "ts b e", "Randomised");
    for (i, site) in sites.iter().enumerate() {
        site_row(&mut canvas, site, rows + 18.0 + SITE * i as f64, (first, last), &at);
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
        r.by_month.last().map_or(0, |row| row.2),
        r.planned,
        r.by_site.len()
    );
    Figure { name: name.into(), analysis: None, title: title.into(), desc, note, canvas }
}

fn first_day(r: &Recruitment) -> Option<Date> {
    let days = r.by_site.iter().flat_map(|site| site.opened.iter().chain(site.days.first()));
    r.by_month.first().map(|row| row.0)?;
    days.copied().chain(r.by_month.first().map(|row| row.0)).chain(r.planned_from).min()
}

fn last_day(r: &Recruitment) -> Option<Date> {
    let month = r.by_month.last().map(|row| row.0.last_of_month())?;
    Some(r.by_site.iter().filter_map(|site| site.days.last()).copied().fold(month, Date::max))
}

fn sites(r: &Recruitment) -> Vec<&SiteRow> {
    let mut sites: Vec<&SiteRow> = r.by_site.iter().collect();
    if sites.len() > MOST_SITES {
        sites.sort_by_key(|site| std::cmp::Reverse(site.randomised));
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

fn months(canvas: &mut Canvas, r: &Recruitment, at: &impl Fn(Date) -> f64, y: &Scale) {
    let zero = y.at(0.0);
    let mut line = Vec::new();
    for (month, n, total) in &r.by_month {
        let (from, to) = (at(*month), at(month.last_of_month()));
        canvas.rect(from + 0.5, y.at(*n as f64), (to - from - 1.0).max(0.8), zero - y.at(*n as f64), "n1");
        if line.is_empty() {
            line.push((from, y.at(total.saturating_sub(*n) as f64)));
        }
        line.push((to, y.at(*total as f64)));
    }
    canvas.polyline(&line, "l0");
    if let (Some((x, y)), Some(row)) = (line.last(), r.by_month.last()) {
        canvas.text(x + 6.0, y + 4.0, "t b c0", &number::count(row.2));
    }
}

fn plan(canvas: &mut Canvas, r: &Recruitment, first: Date, last: Date, at: &impl Fn(Date) -> f64, y: &Scale) {
    if r.planned == 0 {
        return;
    }
    let level = y.at(f64::from(r.planned));
    canvas.line(LEFT, level, RIGHT, level, "ref");
    let randomised = r.by_month.last().map_or(0, |row| row.2);
    if randomised != r.planned as usize {
        canvas.text(RIGHT + 6.0, level + 4.0, "t mut", &r.planned.to_string());
    }
    canvas.text(LEFT + 6.0, level - 5.0, "ts mut", &format!("Planned in all: {}", r.planned));
    if let Some(from) = r.planned_from.filter(|day| *day >= first && *day <= last) {
        let x = at(from);
        canvas.line(x, level, x, y.at(0.0), "ref");
        canvas.text(x + 6.0, level + 14.0, "ts mut", &format!("Planned start {from}"));
    }
}

fn site_row(
    canvas: &mut Canvas,
    site: &SiteRow,
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
    canvas.text(WIDTH - 8.0, middle + 3.5, "ts e", &number::count(site.randomised));
}

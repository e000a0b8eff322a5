//! CONSORT flow: assessed, excluded, randomised, and each arm to its analysis.
//!
//! Never counts. See Hopewell et al., BMJ 2025;389:e081123.

use std::fmt::Write;

use analysis::results::{Flow, FlowArm, Results};

use super::canvas::px;
use super::{Canvas, Figure, WIDTH, empty, look, wrap};
use crate::behind::Of;
use crate::link::Links;
use crate::{number, words};

const SIZE: f64 = 11.5;
const LINE: f64 = 15.0;
const GAP: f64 = 26.0;

/// A line of a box: text, whether bold, and where it leads.
struct Said {
    text: String,
    bold: bool,
    href: Option<String>,
}

fn said(text: impl Into<String>) -> Said {
    Said { text: text.into(), bold: false, href: None }
}

fn bold(text: impl Into<String>) -> Said {
    Said { text: text.into(), bold: true, href: None }
}

/// Words the box of one stage of one arm.
type Stage = fn(&Results, &FlowArm, &Links<'_>) -> Vec<Said>;

impl Said {
    /// Leads to a list of subjects.
    fn behind(mut self, links: &Links<'_>, of: Of, group: Option<usize>) -> Self {
        self.href = links.behind(of, group, None);
        self
    }

    /// Leads to a part of a list.
    fn behind_part(mut self, links: &Links<'_>, of: Of, group: usize, part: usize) -> Self {
        self.href = links.behind(of, Some(group), Some(part));
        self
    }
}

/// The flow of all subjects.
pub fn flow(results: &Results, links: &Links<'_>) -> Figure {
    let (name, title) = ("flow", "CONSORT flow of subjects");
    let flow = &results.flow;
    if flow.screened.n == 0 && flow.randomised == 0 {
        return empty(name, title, "Nobody has been screened yet.");
    }
    let arms = flow.arms.len().max(1) as f64;
    let width = (212.0 * arms).max(WIDTH);
    let mut canvas = Canvas::new(width, 0.0);
    let middle = width * 0.36;
    let mut y = 8.0;
    let screened = [bold(format!("Assessed for eligibility (n = {})", number::count(flow.screened.n)))
        .behind(links, Of::Screened, None)];
    y = boxed(&mut canvas, middle, y, 260.0, &screened);
    let aside = excluded(flow, links);
    let top = y + 14.0;
    let end = boxed(&mut canvas, width * 0.79, top, 268.0, &aside);
    let branch = f64::midpoint(top, end);
    let next = end + 14.0;
    canvas.line(middle, y, middle, next, "ax");
    arrow_right(&mut canvas, middle, branch, width * 0.79 - 134.0);
    arrow_tip(&mut canvas, middle, next);
    let randomised = [bold(format!("Randomised (n = {})", number::count(flow.randomised))).behind(
        links,
        Of::Allocated,
        None,
    )];
    y = boxed(&mut canvas, middle, next, 260.0, &randomised);
    if !flow.arms.is_empty() {
        y = columns(&mut canvas, results, links, middle, y, width);
    }
    canvas.height = y + 8.0;
    Figure {
        name: name.into(),
        analysis: None,
        title: title.into(),
        desc: describe(results),
        note: String::new(),
        canvas,
    }
}

fn describe(results: &Results) -> String {
    let flow = &results.flow;
    let mut text = format!(
        "{} assessed for eligibility, {} not randomised, {} in screening, {} randomised. ",
        flow.screened.n, flow.excluded, flow.in_screening.n, flow.randomised
    );
    for arm in &flow.arms {
        let withdrawn: usize = arm.withdrawn.iter().map(|(_, who)| who.n).sum();
        let _ = write!(
            text,
            "{}: {} allocated, {withdrawn} withdrew or were lost, {} died, {} analysed. ",
            words::arm_label(results, &arm.arm),
            arm.allocated.n,
            arm.died.n,
            arm.analysed
        );
    }
    text
}

fn excluded(flow: &Flow, links: &Links<'_>) -> Vec<Said> {
    let mut lines = vec![bold(format!("Not randomised (n = {})", number::count(flow.excluded))).behind(
        links,
        Of::Excluded,
        None,
    )];
    let shown = flow.excluded_because.len().min(8);
    for (i, (why, who)) in flow.excluded_because[..shown].iter().enumerate() {
        let text = format!("{why} (n = {})", number::count(who.n));
        lines.push(said(text).behind(links, Of::Excluded, Some(i)));
    }
    if shown < flow.excluded_because.len() {
        let rest: usize = flow.excluded_because[shown..].iter().map(|(_, who)| who.n).sum();
        lines.push(said(format!("Other reasons (n = {}), see the table", number::count(rest))));
    }
    if flow.in_screening.n > 0 {
        let text = format!("Still in screening (n = {})", number::count(flow.in_screening.n));
        lines.push(bold(text).behind(links, Of::InScreening, None));
    }
    lines
}

/// The arms side by side: allocation, follow-up, analysis; boxes of one stage are level.
fn columns(canvas: &mut Canvas, results: &Results, links: &Links<'_>, from: f64, y: f64, width: f64) -> f64 {
    let arms = &results.flow.arms;
    let each = width / arms.len() as f64;
    let centre = |i: usize| each * (i as f64 + 0.5);
    let bar = y + GAP / 2.0;
    canvas.line(from, y, from, bar, "ax");
    canvas.line(centre(0).min(from), bar, centre(arms.len() - 1).max(from), bar, "ax");
    let box_width = (each - 18.0).min(330.0);
    let mut top = y + GAP;
    for (i, _) in arms.iter().enumerate() {
        canvas.line(centre(i), bar, centre(i), top, "ax");
        arrow_tip(canvas, centre(i), top);
    }
    let stages: [Stage; 3] = [allocation, follow_up, analysed];
    for (s, stage) in stages.iter().enumerate() {
        let mut end = top;
        let mut ends = Vec::new();
        for (i, arm) in arms.iter().enumerate() {
            let bottom = boxed(canvas, centre(i), top, box_width, &stage(results, arm, links));
            let class = format!("f{}", look(words::arm_index(results, &arm.arm)));
            canvas.rect(centre(i) - box_width / 2.0, top, 4.0, bottom - top, &class);
            ends.push(bottom);
            end = end.max(bottom);
        }
        let next = end + GAP;
        if s + 1 < stages.len() {
            for (i, bottom) in ends.into_iter().enumerate() {
                canvas.line(centre(i), bottom, centre(i), next, "ax");
                arrow_tip(canvas, centre(i), next);
            }
        }
        top = next;
    }
    top - GAP
}

fn allocation(results: &Results, arm: &FlowArm, links: &Links<'_>) -> Vec<Said> {
    let i = words::arm_index(results, &arm.arm);
    let name = results.arms.get(i).map_or_else(|| arm.arm.to_string(), words::arm_name);
    let mut lines = vec![
        bold(name),
        said(format!("Allocated (n = {})", number::count(arm.allocated.n))).behind(
            links,
            Of::Allocated,
            Some(i),
        ),
    ];
    if let (Some(treated), Some(not)) = (&arm.treated, &arm.untreated) {
        let text = format!("Received what the arm prescribes (n = {})", number::count(treated.n));
        lines.push(said(text).behind(links, Of::Treated, Some(i)));
        let text = format!("Did not receive it (n = {})", number::count(not.n));
        lines.push(said(text).behind(links, Of::Untreated, Some(i)));
    }
    lines
}

fn follow_up(results: &Results, arm: &FlowArm, links: &Links<'_>) -> Vec<Said> {
    let i = words::arm_index(results, &arm.arm);
    let withdrawn: usize = arm.withdrawn.iter().map(|(_, who)| who.n).sum();
    let mut lines = vec![
        bold("Follow-up"),
        said(format!("Withdrew or lost (n = {})", number::count(withdrawn))).behind(
            links,
            Of::Withdrawn,
            Some(i),
        ),
    ];
    for (place, (why, who)) in arm.withdrawn.iter().take(6).enumerate() {
        let text = format!("– {why} (n = {})", number::count(who.n));
        lines.push(said(text).behind_part(links, Of::Withdrawn, i, place));
    }
    let died = said(format!("Died (n = {})", number::count(arm.died.n)));
    lines.push(died.behind(links, Of::Died, Some(i)));
    let followed = said(format!("Still followed (n = {})", number::count(arm.in_follow_up.n)));
    lines.push(followed.behind(links, Of::Followed, Some(i)));
    lines
}

fn analysed(results: &Results, arm: &FlowArm, links: &Links<'_>) -> Vec<Said> {
    let mut lines = vec![bold("Analysis")];
    let text = format!("In the main analysis of the primary endpoint (n = {})", number::count(arm.analysed));
    let place = words::arm_index(results, &arm.arm);
    let href = words::primary(results).and_then(|(i, _)| links.contributions(i, place));
    lines.push(Said { href: href.filter(|_| arm.analysed > 0), ..said(text) });
    lines
}

/// A box of lines around `x` from `y`; gives where it ends.
fn boxed(canvas: &mut Canvas, x: f64, y: f64, width: f64, lines: &[Said]) -> f64 {
    let wrapped: Vec<(&Said, Vec<String>)> =
        lines.iter().map(|line| (line, wrap(&line.text, width - 22.0, SIZE, 4))).collect();
    let height = LINE * wrapped.iter().map(|(_, parts)| parts.len()).sum::<usize>() as f64 + 12.0;
    canvas.rect(x - width / 2.0, y, width, height, "box");
    let mut at = y + 2.0;
    for (line, parts) in wrapped {
        let class = if line.bold { "t b" } else { "t" };
        canvas.group("", line.href.as_deref(), "", |c| {
            for part in &parts {
                at += LINE;
                c.text(x - width / 2.0 + 12.0, at, class, part);
            }
        });
    }
    y + height
}

fn arrow_tip(canvas: &mut Canvas, x: f64, y: f64) {
    canvas.path(&format!("M{} {}l-4 -7h8Z", px(x), px(y)), "arrow");
}

fn arrow_right(canvas: &mut Canvas, from: f64, y: f64, to: f64) {
    canvas.line(from, y, to, y, "ax");
    canvas.path(&format!("M{} {}l-7 -4v8Z", px(to), px(y)), "arrow");
}

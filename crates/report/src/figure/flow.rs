//! CONSORT flow: assessed, excluded, randomised, and each arm to its analysis.
//!
//! Never counts. See Hopewell et al., BMJ 2025;389:e081123.

use std::fmt::Write;

use analysis::results::{Flow, FlowArm, Results};

use super::canvas::px;
use super::{Canvas, Figure, WIDTH, empty, look, wrap};
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
    fn to(mut self, links: &Links<'_>, href: &str) -> Self {
        self.href = links.live().then(|| href.to_owned());
        self
    }
}

/// The flow of all subjects.
pub fn flow(results: &Results, links: &Links<'_>) -> Figure {
    let (name, title) = ("flow", "CONSORT flow of subjects");
    let flow = &results.flow;
    if flow.screened == 0 && flow.randomised == 0 {
        return empty(name, title, "Nobody has been screened yet.");
    }
    let arms = flow.arms.len().max(1) as f64;
    let width = (212.0 * arms).max(WIDTH);
    let mut canvas = Canvas::new(width, 0.0);
    let middle = width * 0.36;
    let mut y = 8.0;
    let screened = [bold(format!("Assessed for eligibility (n = {})", number::count(flow.screened)))
        .to(links, "#subjects")];
    y = boxed(&mut canvas, middle, y, 260.0, &screened);
    let aside = excluded(flow, links);
    let top = y + 14.0;
    let end = boxed(&mut canvas, width * 0.79, top, 268.0, &aside);
    let branch = f64::midpoint(top, end);
    let next = end + 14.0;
    canvas.line(middle, y, middle, next, "ax");
    arrow_right(&mut canvas, middle, branch, width * 0.79 - 134.0);
    arrow_tip(&mut canvas, middle, next);
    let randomised =
        [bold(format!("Randomised (n = {})", number::count(flow.randomised))).to(links, "#subjects")];
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
        flow.screened, flow.excluded, flow.in_screening, flow.randomised
    );
    for arm in &flow.arms {
        let withdrawn: usize = arm.withdrawn.iter().map(|(_, n)| n).sum();
        let _ = write!(
            text,
            "{}: {} allocated, {withdrawn} withdrew or were lost, {} died, {} analysed. ",
            words::arm_label(results, &arm.arm),
            arm.allocated,
            arm.died,
            arm.analysed
        );
    }
    text
}

fn excluded(flow: &Flow, links: &Links<'_>) -> Vec<Said> {
    let mut lines =
        vec![bold(format!("Not randomised (n = {})", number::count(flow.excluded))).to(links, "#arm-none")];
    let shown = flow.excluded_because.len().min(8);
    lines.extend(
        flow.excluded_because[..shown]
            .iter()
            .map(|(why, n)| said(format!("{why} (n = {})", number::count(*n)))),
    );
    if shown < flow.excluded_because.len() {
        let rest: usize = flow.excluded_because[shown..].iter().map(|(_, n)| n).sum();
        lines.push(said(format!("Other reasons (n = {}), see the table", number::count(rest))));
    }
    if flow.in_screening > 0 {
        lines.push(bold(format!("Still in screening (n = {})", number::count(flow.in_screening))));
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
        said(format!("Allocated (n = {})", number::count(arm.allocated))).to(links, &format!("#arm-{i}")),
    ];
    if let Some(treated) = arm.treated {
        lines.push(said(format!("Received what the arm prescribes (n = {})", number::count(treated))));
        let not = arm.allocated.saturating_sub(treated);
        lines.push(said(format!("Did not receive it (n = {})", number::count(not))));
    }
    lines
}

fn follow_up(_: &Results, arm: &FlowArm, links: &Links<'_>) -> Vec<Said> {
    let withdrawn: usize = arm.withdrawn.iter().map(|(_, n)| n).sum();
    let mut lines = vec![
        bold("Follow-up"),
        said(format!("Withdrew or lost (n = {})", number::count(withdrawn))).to(links, "#marks-withdrawal"),
    ];
    let reasons = arm.withdrawn.iter().take(6);
    lines.extend(reasons.map(|(why, n)| said(format!("– {why} (n = {})", number::count(*n)))));
    lines.push(said(format!("Died (n = {})", number::count(arm.died))).to(links, "#marks-death"));
    lines.push(said(format!("Still followed (n = {})", number::count(arm.in_follow_up))));
    lines
}

fn analysed(results: &Results, arm: &FlowArm, links: &Links<'_>) -> Vec<Said> {
    let mut lines = vec![bold("Analysis")];
    let text = format!("In the main analysis of the primary endpoint (n = {})", number::count(arm.analysed));
    lines.push(match words::primary(results) {
        Some((i, _)) => said(text).to(links, &format!("#c{i}")),
        None => said(text),
    });
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

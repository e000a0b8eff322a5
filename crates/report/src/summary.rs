//! The few lines a terminal shows.
//!
//! Never colours: the command line knows whether it is a terminal. The words are those of the page's first screen.

use std::fmt::Write;

use analysis::results::{AnalysisResult, Results};

use crate::{number, words};

/// Trial, data, subjects and the primary result; no line ends in a space.
pub fn summary(results: &Results) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write_all(&mut text, results);
    text
}

fn write_all(text: &mut String, results: &Results) -> std::fmt::Result {
    let about = &results.about;
    write!(text, "{}", about.trial)?;
    if let Some(registry) = &about.registry {
        write!(text, " ({registry})")?;
    }
    write!(text, ", protocol {}", about.protocol_version)?;
    writeln!(text, "{}", if about.simulated { ", SIMULATED DATA" } else { "" })?;
    write!(text, "Data: ")?;
    match about.cut {
        Some(cut) => write!(text, "cut {cut}")?,
        None => write!(text, "no cut")?,
    }
    if let Some(moment) = about.as_of {
        write!(text, ", as of {}", moment.strftime("%Y-%m-%d %H:%M:%S UTC"))?;
    }
    write!(text, ", {} events", number::count(usize::try_from(about.events).unwrap_or(usize::MAX)))?;
    if let Some(head) = &about.head {
        write!(text, ", head {}", head.chars().take(16).collect::<String>())?;
    }
    writeln!(text)?;
    let arms: Vec<String> =
        results.arms.iter().map(|arm| format!("{} {}", arm.id, number::count(arm.randomised))).collect();
    write!(text, "Randomised: {}", number::count(results.flow.randomised))?;
    writeln!(text, "{}", if arms.is_empty() { String::new() } else { format!(" ({})", arms.join(", ")) })?;
    match words::primary(results) {
        Some((_, analysis)) => primary(text, results, analysis),
        None => writeln!(text, "No primary result: nobody is in an analysis of a primary endpoint."),
    }
}

fn primary(text: &mut String, results: &Results, analysis: &AnalysisResult) -> std::fmt::Result {
    writeln!(text, "{} ({})", analysis.endpoint_label, analysis.id)?;
    for c in words::comparisons(analysis) {
        writeln!(
            text,
            "  {} against {}: {}, {} {}",
            c.arm,
            c.control,
            number::hazard_ratio(&c.hazard_ratio, analysis.confidence),
            words::test(analysis),
            number::p_equals(c.logrank_p)
        )?;
    }
    for arm in &analysis.arms {
        let unit = if arm.median_months.value.is_some() { " months" } else { "" };
        let value = arm.median_months.value.map_or_else(
            || number::NOT_REACHED.to_owned(),
            |months| format!("{}{unit}", number::decimals(months, 1)),
        );
        write!(
            text,
            "  {}: {} of {} with the event, median {value}",
            results
                .arms
                .iter()
                .find(|a| a.id == arm.arm)
                .map_or_else(|| arm.arm.to_string(), words::arm_name),
            number::count(arm.events),
            number::count(arm.n)
        )?;
        if arm.median_months.lower.is_some() || arm.median_months.upper.is_some() {
            let level = number::level(analysis.confidence);
            write!(text, " ({level} % CI {})", number::limits(&arm.median_months, 1, number::NOT_REACHED))?;
        }
        writeln!(text)?;
    }
    for remark in &analysis.remarks {
        writeln!(text, "  {remark}")?;
    }
    Ok(())
}

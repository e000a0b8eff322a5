//! The words and tables for a data set whose causes compete.
//!
//! Never takes a competing event for a censoring.

use ::survival::aalen_johansen::AalenJohansen;
use ::survival::dataset::{Dataset, Model};
use ::survival::fine_gray::FineGray;

use super::Options;
use super::tell::{MOST_CURVES, equals, landmark_times, longest, opening, p_value, ratio};
use crate::graph::{Graph, Series, short, ticks};
use crate::output::{Failure, table, told as as_text};

const LEVEL: f64 = 0.95;
const OF_INTEREST: usize = 1;

/// Everything, section by section.
pub fn told(data: &Dataset, options: &Options, picture: &str) -> Result<String, Failure> {
    let curves = data.incidences().map_err(Failure::new)?;
    let mut sections = vec![opening(data, options), counts(data, &curves), picture.to_owned()];
    sections.push(landmarks(data, &curves, options));
    sections.push(gray(data));
    sections.push(fine_gray("arm alone", data.fine_gray(Model::Arm)));
    if !data.covariates().is_empty() {
        sections.push(fine_gray("full", data.fine_gray(Model::Full)));
    }
    Ok(sections.join("\n\n"))
}

fn causes(data: &Dataset) -> Vec<usize> {
    let mut causes: Vec<usize> = data.causes().into_iter().filter(|c| *c != 0).collect();
    causes.sort_unstable();
    causes.dedup();
    causes
}

fn counts(data: &Dataset, curves: &[AalenJohansen]) -> String {
    let mut rows = table(["Arm", "n", "Events by cause", "Censored"]);
    for (level, curve) in data.arm.levels.iter().zip(curves) {
        let by_cause =
            curve.causes.iter().zip(&curve.n_event).map(|(c, n)| format!("{c}: {}", short(n.iter().sum())));
        let at_risk = curve.n_risk.first().copied().unwrap_or(0.0);
        let censored = short(curve.n_censor.iter().sum());
        rows.add_row([level.clone(), short(at_risk), by_cause.collect::<Vec<_>>().join(", "), censored]);
    }
    format!("Competing causes by {} (1 is the event of interest)\n{}", data.arm.name, as_text(&rows))
}

fn landmarks(data: &Dataset, curves: &[AalenJohansen], options: &Options) -> String {
    let mut rows = table(["Time", "Arm", "Cause", "Cumulative incidence (95 % CI)"]);
    for time in landmark_times(data, options) {
        for (level, curve) in data.arm.levels.iter().zip(curves) {
            for &cause in &curve.causes {
                let limits = curve.limits(cause, options.conf_type, LEVEL);
                let step = curve.time.partition_point(|t| *t <= time).checked_sub(1);
                let limits = limits.zip(step).map(|((lower, upper), k)| (lower[k], upper[k]));
                let limits = match limits.filter(|l| l.0.is_finite() && l.1.is_finite()) {
                    Some((lower, upper)) => format!("({lower:.3} to {upper:.3})"),
                    None => "(-)".to_owned(),
                };
                let shown = format!("{:.3} {limits}", curve.incidence_of(cause, time));
                rows.add_row([short(time), level.clone(), cause.to_string(), shown]);
            }
        }
    }
    format!("Cumulative incidence at landmarks (Aalen-Johansen)\n{}", as_text(&rows))
}

fn gray(data: &Dataset) -> String {
    let within = data.strata.as_ref().map_or_else(String::new, |s| format!(", within {}", s.name));
    let mut lines = vec![format!("Gray's test of the arms{within}")];
    for cause in causes(data) {
        lines.push(match data.gray(cause) {
            Ok(found) => {
                let test = found.test;
                format!(
                    "  cause {cause}: chi-squared {:.2} on {} df, p {}",
                    test.statistic,
                    test.df,
                    equals(test.p_value)
                )
            }
            Err(error) => format!("  cause {cause}: not possible: {error}"),
        });
    }
    lines.join("\n")
}

fn fine_gray(name: &str, fit: Result<FineGray, ::survival::Error>) -> String {
    let heading = format!("Fine and Gray's model of cause 1, {name}");
    let fit = match fit {
        Ok(fit) => fit,
        Err(error) => return format!("{heading}\n  not possible: {error}"),
    };
    let mut rows = table(["Term", "Subdistribution hazard ratio (95 % CI)", "Coefficient", "SE", "p"]);
    for (j, term) in fit.names.iter().enumerate() {
        let (lower, upper) = fit.limits(j, LEVEL);
        rows.add_row([
            term.clone(),
            format!("{} ({} to {})", ratio(fit.hazard_ratio(j)), ratio(lower), ratio(upper)),
            format!("{:.4}", fit.coefficients[j]),
            format!("{:.4}", fit.std_err(j)),
            p_value(fit.p_value(j)),
        ]);
    }
    let beware = fit.warnings.iter().map(|warning| format!("  beware: {warning}"));
    [heading, as_text(&rows)].into_iter().chain(beware).collect::<Vec<String>>().join("\n")
}

/// The incidence of the event of interest by arm.
pub fn graph(data: &Dataset, options: &Options) -> Result<Graph, Failure> {
    let curves = data.incidences().map_err(Failure::new)?;
    let x_end = longest(data);
    let series = |(label, curve): (&String, &AalenJohansen)| {
        let mut at = 0.0;
        let mut points = vec![(0.0, 0.0)];
        for &time in &curve.time {
            points.push((time, at));
            at = curve.incidence_of(OF_INTEREST, time);
            points.push((time, at));
        }
        points.dedup();
        let at_risk = |t: &f64| {
            let next = curve.time.partition_point(|s| s < t);
            short(curve.n_risk.get(next).copied().unwrap_or(0.0))
        };
        Series {
            label: label.clone(),
            points,
            counts: ticks(x_end).iter().map(at_risk).collect(),
            ..Series::default()
        }
    };
    Ok(Graph {
        title: format!("Cumulative incidence of the event of interest by {}", data.arm.name),
        x_label: options.time.clone(),
        y_label: "Cumulative incidence".to_owned(),
        x_end,
        series: data.arm.levels.iter().zip(&curves).take(MOST_CURVES).map(series).collect(),
        counts_title: "At risk".to_owned(),
        notes: vec![],
    })
}

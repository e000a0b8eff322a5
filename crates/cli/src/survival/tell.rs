//! The words and tables for a data set with one kind of event.
//!
//! Never estimates: it asks the data set for each result and says why where there is none.

use std::fmt::Write as _;

use ::survival::Test;
use ::survival::cox::{CoxFit, Ties, TimeTransform};
use ::survival::dataset::{Dataset, Model};
use ::survival::km::{KaplanMeier, Quantile};
use ::survival::rmst;

use super::Options;
use crate::graph::{Graph, Series, short, steps, ticks};
use crate::output::{Failure, plural, table, told as as_text};

const LEVEL: f64 = 0.95;
/// More groups than this are not drawn one by one.
pub const MOST_CURVES: usize = 12;

/// `0.031`, `< 0.0001`.
pub fn p_value(p: f64) -> String {
    match p {
        p if p.is_nan() => "not estimable".to_owned(),
        p if p < 0.0001 => "< 0.0001".to_owned(),
        p if p < 0.1 => format!("{p:.4}"),
        p => format!("{p:.3}"),
    }
}

/// `12.3 (8.1 to not reached)`.
pub fn with_limits(estimate: Option<f64>, lower: Option<f64>, upper: Option<f64>) -> String {
    let say =
        |value: Option<f64>| value.filter(|v| !v.is_nan()).map_or_else(|| "not reached".to_owned(), short);
    format!("{} ({} to {})", say(estimate), say(lower), say(upper))
}

fn quantile(found: Quantile) -> String {
    with_limits(found.estimate, found.lower, found.upper)
}

/// What was read: subjects, events, and how many rows were left out.
pub fn opening(data: &Dataset, options: &Options) -> String {
    let events = data.event.iter().filter(|e| **e).count();
    let mut text =
        format!("{}: {}, {}", options.name(), plural(data.len(), "subject"), plural(events, "event"));
    if data.dropped > 0 {
        let _ = write!(text, "; {} with a missing value left out", plural(data.dropped, "row"));
    }
    text
}

/// Everything, section by section.
pub fn told(data: &Dataset, options: &Options, picture: &str) -> Result<String, Failure> {
    let curves = data.arm_curves().map_err(Failure::new)?;
    let mut sections = vec![opening(data, options), arms(data, &curves, options), picture.to_owned()];
    sections.push(landmarks(data, &curves, options));
    sections.push(tests(data));
    sections.extend(cox(data, options));
    sections.push(restricted_means(data, options));
    Ok(sections.join("\n\n"))
}

fn arms(data: &Dataset, curves: &[KaplanMeier], options: &Options) -> String {
    let mut rows =
        table(["Arm", "n", "Events", "Median (95 % CI)", "25 % by", "75 % by", "Median follow-up"]);
    let add = |name: &str, km: &KaplanMeier, follow_up: String| {
        let [quarter, median, three] = [0.25, 0.5, 0.75].map(|p| km.quantile(p, options.conf_type, LEVEL));
        let or_dash = |q: Quantile| q.estimate.map_or_else(|| "-".to_owned(), short);
        [
            name.to_owned(),
            km.n().to_string(),
            short(km.n_events()),
            quantile(median),
            or_dash(quarter),
            or_dash(three),
            follow_up,
        ]
    };
    let follow_up = |time: &[f64], event: &[bool]| {
        let reverse =
            KaplanMeier::follow_up(time, event).map(|km| km.median(options.conf_type, LEVEL).estimate);
        reverse.ok().flatten().map_or_else(|| "-".to_owned(), short)
    };
    for (level, km) in curves.iter().enumerate() {
        let (time, event) = data.of_arm(level);
        rows.add_row(add(&data.arm.levels[level], km, follow_up(&time, &event)));
    }
    if let Ok(all) = data.curve() {
        rows.add_row(add("all", &all, follow_up(&data.time, &data.event)));
    }
    format!(
        "Times to {} by {}, {} limits\n{}",
        event_name(options),
        data.arm.name,
        options.conf_type,
        as_text(&rows)
    )
}

fn event_name(options: &Options) -> &str {
    options.competing.as_deref().unwrap_or(&options.event)
}

/// The times to show: those asked for, else round ones that every arm's follow-up reaches.
pub fn landmark_times(data: &Dataset, options: &Options) -> Vec<f64> {
    if !options.at.is_empty() {
        return options.at.clone();
    }
    ticks(data.common_horizon()).into_iter().skip(1).collect()
}

fn landmarks(data: &Dataset, curves: &[KaplanMeier], options: &Options) -> String {
    let mut rows = table(["Time", "Arm", "At risk", "Events by then", "Survival (95 % CI)"]);
    for time in landmark_times(data, options) {
        for (level, km) in data.arm.levels.iter().zip(curves) {
            let limits = km.limits_at(time, options.conf_type, LEVEL);
            let shown = format!(
                "{} {}",
                share(km.at(time)),
                limits.map_or_else(|| "(-)".to_owned(), |(l, u)| format!("({} to {})", share(l), share(u)))
            );
            rows.add_row([
                short(time),
                level.clone(),
                short(km.n_risk_at(time)),
                short(km.n_event_by(time)),
                shown,
            ]);
        }
    }
    format!("Survival at landmarks\n{}", as_text(&rows))
}

fn share(value: f64) -> String {
    format!("{value:.3}")
}

fn test_words(test: Test) -> String {
    let df = if test.df == 1 { "1 degree".to_owned() } else { format!("{} degrees", test.df) };
    format!("chi-squared {:.2} on {df} of freedom, p {}", test.statistic, equals(test.p_value))
}

/// `= 0.03` or `< 0.0001`.
pub fn equals(p: f64) -> String {
    let text = p_value(p);
    if text.starts_with('<') { text } else { format!("= {text}") }
}

fn tests(data: &Dataset) -> String {
    let mut lines = vec!["Comparison of the arms".to_owned()];
    let mut tell = |name: String, stratified, rho| {
        let said = match data.compare(stratified, rho) {
            Ok(found) => test_words(found.test),
            Err(error) => format!("not possible: {error}"),
        };
        lines.push(format!("  {name:<22} {said}"));
    };
    tell("log-rank".into(), false, 0.0);
    if let Some(strata) = &data.strata {
        tell(format!("stratified by {}", strata.name), true, 0.0);
    }
    tell("Peto and Peto".into(), false, 1.0);
    lines.join("\n")
}

fn cox(data: &Dataset, options: &Options) -> Vec<String> {
    let mut models = vec![("arm alone", Model::Arm)];
    if !data.covariates().is_empty() {
        models.push(("full", Model::Full));
        models.extend(data.strata.as_ref().map(|_| ("full, stratified", Model::Stratified)));
    }
    models
        .into_iter()
        .map(|(name, model)| cox_model(name, data.cox(model, options.ties), options.ties))
        .collect()
}

fn cox_model(name: &str, fit: Result<CoxFit, ::survival::Error>, ties: Ties) -> String {
    let ties = match ties {
        Ties::Efron => "Efron's ties",
        Ties::Breslow => "Breslow's ties",
        Ties::Exact => "exact ties",
    };
    let heading = format!("Cox model, {name}, {ties}");
    let fit = match fit {
        Ok(fit) => fit,
        Err(error) => return format!("{heading}\n  not possible: {error}"),
    };
    let zph = fit.zph(TimeTransform::Km);
    let proportional = |name: &str| {
        let found = zph.as_ref().ok().and_then(|z| z.rows.iter().find(|row| row.name == name));
        found.map_or_else(String::new, |row| p_value(row.test.p_value))
    };
    let mut rows =
        table(["Term", "Hazard ratio (95 % CI)", "Coefficient", "SE", "z", "p", "Proportional, p"]);
    for (j, term) in fit.names.iter().enumerate() {
        if fit.coefficients[j].is_nan() {
            rows.add_row([term.as_str(), "left out", "", "", "", "", ""]);
            continue;
        }
        let (lower, upper) = fit.limits(j, LEVEL);
        rows.add_row([
            term.clone(),
            format!("{} ({} to {})", ratio(fit.hazard_ratio(j)), ratio(lower), ratio(upper)),
            format!("{:.4}", fit.coefficients[j]),
            format!("{:.4}", fit.std_err(j)),
            format!("{:.2}", fit.z(j)),
            p_value(fit.p_value(j)),
            proportional(term),
        ]);
    }
    let mut text = format!("{heading}\n{}", as_text(&rows));
    let _ = write!(text, "\n  likelihood ratio       {}", test_words(fit.likelihood_ratio));
    let _ = write!(text, "\n  score                  {}", test_words(fit.score));
    if let Ok(zph) = &zph {
        for row in zph.rows.iter().filter(|row| !fit.names.contains(&row.name)) {
            let _ = write!(text, "\n  proportional, {:<8} {}", row.name, test_words(row.test));
        }
        let _ = write!(text, "\n  proportional, all      {}", test_words(zph.global));
    }
    if !fit.has_exact_ties() {
        let concordance = fit.concordance();
        let _ = write!(
            text,
            "\n  concordance            {:.3} (SE {:.3})",
            concordance.estimate, concordance.std_err
        );
    }
    for warning in &fit.warnings {
        let _ = write!(text, "\n  beware: {warning}");
    }
    text
}

/// `0.55`, `0.0123`, `12.3`, `1.2e6`.
pub fn ratio(value: f64) -> String {
    match value {
        v if v > 1e100 => "infinite".to_owned(),
        v if v < 1e-100 => "0".to_owned(),
        v if !(1e-3..1e5).contains(&v) => format!("{v:.1e}"),
        v if v < 0.1 => format!("{v:.4}"),
        v => format!("{v:.3}"),
    }
}

fn restricted_means(data: &Dataset, options: &Options) -> String {
    let tau = options.tau.unwrap_or_else(|| data.common_horizon());
    let heading = format!("Restricted mean survival to {}", short(tau));
    let means = match data.rmst(tau) {
        Ok(means) => means,
        Err(error) => return format!("{heading}\n  not possible: {error}"),
    };
    let mut rows = table(["Arm", "Mean (95 % CI)", "SE", "Less the first (95 % CI)", "p"]);
    for (level, mean) in data.arm.levels.iter().zip(&means) {
        let (lower, upper) = mean.limits(LEVEL);
        let mut cells = vec![
            level.clone(),
            with_limits(Some(mean.estimate), Some(lower), Some(upper)),
            short(mean.std_err),
        ];
        if *level != data.arm.levels[0]
            && let Ok(contrast) = rmst::compare(&means[0], mean)
        {
            let difference = contrast.difference;
            let (lower, upper) = difference.limits(LEVEL);
            cells.push(with_limits(Some(difference.estimate), Some(lower), Some(upper)));
            cells.push(p_value(difference.p_value));
        }
        rows.add_row(cells);
    }
    let mut text = format!("{heading}\n{}", as_text(&rows));
    if means.iter().any(|mean| mean.extrapolated) {
        text.push_str(
            "\n  beware: follow-up of an arm ends before; the last value of its curve was carried on",
        );
    }
    text
}

/// The longest time.
pub fn longest(data: &Dataset) -> f64 {
    data.time.iter().copied().fold(0.0, f64::max)
}

/// The curves of the arms; of all together where there are too many arms to tell apart.
pub fn graph(data: &Dataset, options: &Options) -> Result<Graph, Failure> {
    let few = data.arm.levels.len() <= MOST_CURVES;
    let curves = if few { data.arm_curves() } else { data.curve().map(|curve| vec![curve]) };
    let labels = if few { data.arm.levels.clone() } else { vec!["all".to_owned()] };
    let x_end = longest(data);
    let series = |(label, km): (String, &KaplanMeier)| {
        let (lower, upper) = km.limits(options.conf_type, LEVEL);
        Series {
            label,
            points: steps(&km.time, &km.surv),
            band: corners(&km.time, &lower, &upper),
            marks: (0..km.time.len())
                .filter(|&k| km.n_censor[k] > 0.0)
                .map(|k| (km.time[k], km.surv[k]))
                .collect(),
            counts: ticks(x_end).iter().map(|t| short(km.n_risk_at(*t))).collect(),
        }
    };
    let curves = curves.map_err(Failure::new)?;
    let mut notes = vec![];
    if let Ok(found) = data.compare(false, 0.0) {
        notes.push(format!("Log-rank test: {}.", test_words(found.test)));
    }
    Ok(Graph {
        title: format!("Kaplan-Meier curves by {}", data.arm.name),
        x_label: options.time.clone(),
        y_label: format!("Without {}", event_name(options)),
        x_end,
        series: labels.into_iter().zip(&curves).map(series).collect(),
        counts_title: "At risk".to_owned(),
        notes,
    })
}

/// Both limits as steps; a limit that does not exist is left out.
fn corners(time: &[f64], lower: &[f64], upper: &[f64]) -> Vec<(f64, f64, f64)> {
    let mut at = (1.0, 1.0);
    let mut band = vec![(0.0, 1.0, 1.0)];
    for ((time, lower), upper) in time.iter().zip(lower).zip(upper) {
        band.push((*time, at.0, at.1));
        if lower.is_finite() && upper.is_finite() {
            at = (*lower, *upper);
            band.push((*time, at.0, at.1));
        }
    }
    band
}

//! The tables of what stands beside the main numbers, as another program would recompute them.
//!
//! Never rounds. See `analysis::results::Further`, `QualityModel` and `Patterns`.

use analysis::results::{AnalysisResult, Results, State};

use super::{Table, cell, three};
use crate::words;

/// All of them.
pub fn tables(results: &Results) -> Vec<Table> {
    let mut tables = vec![subgroups(results), hazards(results), schoenfeld(results)];
    tables.extend([incidence(results), incidence_tests(results)]);
    tables.extend([model(results), model_differences(results), missing(results), scores(results)]);
    tables.extend([places(results), courses(results), mean_courses(results)]);
    tables.extend([states(results), flows(results)]);
    tables.extend([completeness(results), deaths(results), shifts(results), narratives(results)]);
    tables
}

fn with_further(results: &Results) -> impl Iterator<Item = &AnalysisResult> {
    results.analyses.iter().filter(|analysis| analysis.main)
}

fn subgroups(results: &Results) -> Table {
    let header = [
        "ANALYSIS",
        "FACTOR",
        "LEVEL",
        "ARMCD",
        "CONTROL",
        "N_ARM",
        "EVENTS_ARM",
        "N_CONTROL",
        "EVENTS_CONTROL",
        "HR",
        "HR_LCL",
        "HR_UCL",
        "INTERACTION_CHISQ",
        "INTERACTION_DF",
        "INTERACTION_P",
    ];
    let mut table = Table::new("subgroups", &header);
    for analysis in with_further(results) {
        for group in &analysis.further.subgroups {
            for level in &group.levels {
                let [(n, events), (n_control, events_control)] = level.counts;
                let mut row =
                    cells![analysis.id, group.factor, level.level, group.arm, group.control, n, events];
                row.extend(cells![n_control, events_control]);
                row.extend(three(&level.hazard_ratio));
                let test = group.interaction;
                row.extend(cells![test.map(|t| t.chisq), test.map(|t| t.df), test.map(|t| t.p)]);
                table.row(row);
            }
        }
    }
    table
}

fn hazards(results: &Results) -> Table {
    let header = ["ANALYSIS", "ARMCD", "CONTROL", "TRANSFORM", "CHISQ", "P", "TREND_AT_0", "TREND_SLOPE"];
    let mut table = Table::new("hazards", &header);
    for analysis in with_further(results) {
        for check in &analysis.further.hazards {
            for test in &check.tests {
                let trend = check.trend.filter(|_| test.transform == "km");
                let mut row =
                    cells![analysis.id, check.arm, check.control, test.transform, test.chisq, test.p];
                row.extend(cells![trend.map(|t| t.0), trend.map(|t| t.1)]);
                table.row(row);
            }
        }
    }
    table
}

fn schoenfeld(results: &Results) -> Table {
    let header = ["ANALYSIS", "ARMCD", "CONTROL", "USUBJID", "MONTHS", "PLACE", "RESIDUAL"];
    let mut table = Table::new("schoenfeld", &header);
    for analysis in with_further(results) {
        for check in &analysis.further.hazards {
            for r in &check.residuals {
                table.row(cells![
                    analysis.id,
                    check.arm,
                    check.control,
                    r.subject,
                    r.months,
                    r.place,
                    r.value
                ]);
            }
        }
    }
    table
}

fn incidence(results: &Results) -> Table {
    let header =
        ["ANALYSIS", "CAUSE", "ARMCD", "N", "EVENTS", "LANDMARK", "MONTHS", "INCIDENCE", "LCL", "UCL"];
    let mut table = Table::new("incidence", &header);
    for analysis in with_further(results) {
        for cause in &analysis.further.incidence {
            for arm in &cause.arms {
                let steps = arm.curve.iter().map(|point| (false, point));
                for (landmark, (months, estimate)) in
                    steps.chain(arm.landmarks.iter().map(|point| (true, point)))
                {
                    let mut row =
                        cells![analysis.id, cause.cause, arm.arm, arm.n, arm.events, landmark, *months];
                    row.extend(three(estimate));
                    table.row(row);
                }
            }
        }
    }
    table
}

fn incidence_tests(results: &Results) -> Table {
    let header = [
        "ANALYSIS",
        "CAUSE",
        "TEST",
        "ARMCD",
        "CONTROL",
        "STRATIFIED",
        "CHISQ",
        "DF",
        "SHR",
        "LCL",
        "UCL",
        "P",
    ];
    let mut table = Table::new("incidence_tests", &header);
    for analysis in with_further(results) {
        for cause in &analysis.further.incidence {
            if let Some(gray) = &cause.gray {
                let mut row =
                    cells![analysis.id, cause.cause, "GRAY", "", "", cause.stratified, gray.chisq, gray.df];
                row.extend(cells!["", "", "", gray.p]);
                table.row(row);
            }
            for ratio in &cause.ratios {
                let mut row =
                    cells![analysis.id, cause.cause, "FINE-GRAY", ratio.arm, ratio.control, false, "", ""];
                row.extend(three(&ratio.ratio));
                row.push(cell(&ratio.p));
                table.row(row);
            }
        }
    }
    table
}

fn model(results: &Results) -> Table {
    let header =
        ["SCORE", "ARMCD", "WEEK", "N", "LSMEAN", "LCL", "UCL", "BASELINE_MEAN", "SUBJECTS", "CONFIDENCE"];
    let mut table = Table::new("factb_model", &header);
    let quality = results.quality_of_life.iter();
    for (quality, model) in quality.filter_map(|quality| Some((quality, quality.model.as_ref()?))) {
        for mean in &model.means {
            let mut row = cells![quality.score, mean.arm, mean.week, mean.n];
            row.extend(three(&mean.mean));
            row.extend(cells![model.baseline_mean, model.subjects, quality.confidence]);
            table.row(row);
        }
    }
    table
}

fn model_differences(results: &Results) -> Table {
    let header = ["WHAT", "ARMCD", "CONTROL", "WEEK", "DIFFERENCE", "LCL", "UCL", "STDERR", "DF", "P"];
    let mut table = Table::new("factb_model_differences", &header);
    for model in results.quality_of_life.iter().filter_map(|quality| quality.model.as_ref()) {
        let weeks = model.differences.iter().map(|d| ("WEEK", d));
        for (what, d) in weeks.chain(model.averaged.iter().map(|d| ("AVERAGED", d))) {
            let mut row = cells![what, d.arm, d.control, d.week];
            row.extend(three(&d.difference));
            row.extend(cells![d.std_err, d.df, d.p]);
            table.row(row);
        }
    }
    table
}

/// Every score of a planned week, so that the model can be fitted elsewhere.
fn scores(results: &Results) -> Table {
    let mut table = Table::new("factb_scores", &["SCORE", "USUBJID", "ARMCD", "WEEK", "AVAL", "SRCSEQ"]);
    if let Some(quality) = &results.quality_of_life {
        for point in &quality.by_week {
            for who in &point.scored.who {
                table.row(cells![quality.score, who.subject, point.arm, point.week, who.value, who.events]);
            }
        }
    }
    table
}

fn missing(results: &Results) -> Table {
    let header = ["ARMCD", "WEEK", "SCORED", "INTERMITTENT", "MONOTONE", "DIED", "WITHDRAWN", "NOT_YET"];
    let mut table = Table::new("factb_missing", &header);
    for row in results.quality_of_life.iter().flat_map(|quality| &quality.missing) {
        table.row(cells![
            row.arm,
            row.week,
            row.scored.n,
            row.intermittent.n,
            row.monotone.n,
            row.died.n,
            row.withdrawn.n,
            row.not_yet.n
        ]);
    }
    table
}

fn places(results: &Results) -> Table {
    let mut table = Table::new("progression_places", &["PROGRESSION", "PLACE", "ARMCD", "N"]);
    let patterns = &results.patterns;
    for (which, rows) in [("FIRST", &patterns.first), ("FAILING", &patterns.failing)] {
        for row in rows {
            for (arm, counted) in results.arms.iter().zip(&row.counts) {
                table.row(cells![which, words::place(row.place), arm.id, counted.n]);
            }
        }
    }
    table
}

fn courses(results: &Results) -> Table {
    let header = ["ARMCD", "COURSE", "USUBJID", "MONTHS", "SRCSEQ"];
    let mut table = Table::new("sabr_courses", &header);
    for row in &results.patterns.courses {
        for course in &row.courses {
            for who in &course.subjects.who {
                table.row(cells![row.arm, course.number, who.subject, who.value, who.events]);
            }
        }
    }
    table
}

fn mean_courses(results: &Results) -> Table {
    let mut table = Table::new("sabr_mean_courses", &["ARMCD", "MONTHS", "MEAN_COURSES"]);
    for row in &results.patterns.courses {
        for (months, mean) in &row.mean {
            table.row(cells![row.arm, *months, *mean]);
        }
    }
    table
}

fn states(results: &Results) -> Table {
    let mut table = Table::new("strategy_states", &["ARMCD", "MONTHS", "STATE", "N"]);
    if let Some(states) = &results.patterns.states {
        for arm in &states.arms {
            for (month, counts) in states.months.iter().zip(&arm.counts) {
                for (state, counted) in State::ALL.iter().zip(counts) {
                    table.row(cells![arm.arm, *month, words::state(*state), counted.n]);
                }
            }
        }
    }
    table
}

fn flows(results: &Results) -> Table {
    let header = ["ARMCD", "FROM_MONTHS", "FROM_STATE", "TO_MONTHS", "TO_STATE", "N"];
    let mut table = Table::new("strategy_flows", &header);
    if let Some(states) = &results.patterns.states {
        for arm in &states.arms {
            for (months, flows) in states.months.windows(2).zip(&arm.flows) {
                for (from, to, n) in flows {
                    let (a, b) = (words::state(State::ALL[*from]), words::state(State::ALL[*to]));
                    table.row(cells![arm.arm, months[0], a, months[1], b, *n]);
                }
            }
        }
    }
    table
}

fn completeness(results: &Results) -> Table {
    let header =
        ["ARMCD", "SUBJECTS", "FOLLOWED", "UP_TO_DATE", "WITHIN_DAYS", "FORMS", "OPEN_QUERIES", "FAULTS"];
    let mut table = Table::new("completeness", &header);
    for row in &results.committee.completeness {
        table.row(cells![
            row.arm,
            row.subjects,
            row.followed.n,
            row.up_to_date.n,
            row.within_days,
            row.forms,
            row.open_queries,
            row.faults
        ]);
    }
    table
}

fn deaths(results: &Results) -> Table {
    let mut table = Table::new("deaths", &["DTHCAUS", "WITHIN_DAYS_OF_SABR", "ARMCD", "N"]);
    for row in &results.committee.deaths {
        for (arm, counted) in results.arms.iter().zip(&row.counts) {
            table.row(cells![row.cause, "", arm.id, counted.n]);
        }
    }
    for (days, counts) in &results.committee.soon {
        for (arm, counted) in results.arms.iter().zip(counts) {
            table.row(cells!["", *days, arm.id, counted.n]);
        }
    }
    table
}

fn shifts(results: &Results) -> Table {
    let mut table = Table::new("ecog_shift", &["ARMCD", "BASELINE", "WORST", "N"]);
    for row in &results.committee.ecog {
        for (arm, worst) in results.arms.iter().zip(&row.by_arm) {
            for (status, counted) in worst.iter().enumerate().filter(|(_, counted)| counted.n > 0) {
                table.row(cells![arm.id, row.baseline, Some(status).filter(|status| *status < 6), counted.n]);
            }
        }
    }
    table
}

fn narratives(results: &Results) -> Table {
    let header =
        ["USUBJID", "SITEID", "ARMCD", "AEDECOD", "AETOXGR", "ASTDT", "EXPEDITED", "NARRATIVE", "SRCSEQ"];
    let mut table = Table::new("narratives", &header);
    for row in &results.committee.narratives {
        let mut line = cells![row.subject, row.site, row.arm, row.term, row.grade, row.onset];
        line.extend(cells![row.expedited, row.words, row.events]);
        table.row(line);
    }
    table
}

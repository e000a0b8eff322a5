//! Every table as CSV: one file a table, columns under CDISC names where CDISC has one.
//!
//! Never rounds: a number has all its digits, as another program would read it. RFC 4180; a value that is none is empty.
//! `SRCSEQ` holds the places of the events in the ledger, apart by a space.

use std::collections::HashSet;

use analysis::results::{BaselineCell, CurvePoint, Estimate, GradeRow, QualityArea, Results};
use trial::date::Imputed;
use trial::endpoint::Outcome;
use trial::event::Seq;

use crate::behind::Lists;
use crate::words;

/// A table under way.
struct Table {
    name: String,
    writer: csv::Writer<Vec<u8>>,
}

impl Table {
    fn new(name: &str, header: &[&str]) -> Self {
        let mut table = Self { name: name.to_owned(), writer: csv::Writer::from_writer(Vec::new()) };
        table.row(header.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>());
        table
    }

    fn row(&mut self, cells: impl AsRef<[String]>) {
        // Into memory, and every row as long as its header: nothing to fail (a test reads every file back).
        let written = self.writer.write_record(cells.as_ref());
        debug_assert!(written.is_ok(), "{}: {:?}", self.name, cells.as_ref());
    }

    fn done(self) -> (String, String) {
        let bytes = self.writer.into_inner().unwrap_or_default();
        (format!("{}.csv", self.name), String::from_utf8_lossy(&bytes).into_owned())
    }
}

macro_rules! cells {
    ($($cell:expr),* $(,)?) => { vec![$(cell(&$cell)),*] };
}

// After the macro that it uses.
mod further;

/// A value as a cell.
trait Cell {
    fn cell(&self) -> String;
}

macro_rules! displayed {
    ($($t:ty),*) => { $(impl Cell for $t { fn cell(&self) -> String { self.to_string() } })* };
}

displayed!(
    String,
    &str,
    usize,
    u8,
    u32,
    u64,
    i64,
    jiff::civil::Date,
    jiff::Timestamp,
    trial::id::ArmId,
    trial::id::SiteId,
    trial::id::SubjectId,
    trial::id::LesionId,
    trial::recist::OverallResponse
);

impl Cell for f64 {
    fn cell(&self) -> String {
        if self.is_finite() { self.to_string() } else { String::new() }
    }
}

impl Cell for bool {
    fn cell(&self) -> String {
        if *self { "Y" } else { "N" }.to_owned()
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(&self) -> String {
        self.as_ref().map_or_else(String::new, Cell::cell)
    }
}

impl Cell for Vec<Seq> {
    fn cell(&self) -> String {
        self.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

fn cell<T: Cell>(value: &T) -> String {
    value.cell()
}

fn three(estimate: &Estimate) -> [String; 3] {
    [cell(&estimate.value), cell(&estimate.lower), cell(&estimate.upper)]
}

/// All tables of `results`.
pub fn files(results: &Results) -> Vec<(String, String)> {
    let mut tables =
        vec![about(results), flow(results), recruitment(results), sites(results), baseline(results)];
    tables.extend([analyses(results), comparisons(results), landmarks(results), adtte(results)]);
    tables.extend(curves(results));
    tables.extend([responses(results), waterfall(results), spider(results), rs(results)]);
    tables.extend([lanes(results), marks(results), lines(results), sabr(results), schedules(results)]);
    tables.extend([
        grades("trae", &results.safety.related, results),
        attributions(results),
        grades("ae", &results.safety.all, results),
    ]);
    tables.extend([ae_subjects(results), ungraded(results), expedited(results)]);
    tables.extend(quality(results));
    tables.extend(further::tables(results));
    tables.extend([deviations(results), pending(results), assumptions(results), faults(results)]);
    tables.extend([
        background(results),
        eligibility(results),
        strategy(results),
        sources(results),
        who(results),
    ]);
    tables.into_iter().map(Table::done).collect()
}

fn about(results: &Results) -> Table {
    let about = &results.about;
    let mut table = Table::new("about", &["ITEM", "VALUE"]);
    let rows = [
        ("STUDYID", about.trial.clone()),
        ("TITLE", about.title.clone()),
        ("REGISTRY", cell(&about.registry)),
        ("PROTVER", about.protocol_version.clone()),
        ("DATACUT", cell(&about.cut)),
        ("ASOF", cell(&about.as_of)),
        ("LASTRECORDED", cell(&about.last_recorded)),
        ("LASTCLINICAL", cell(&about.last_clinical)),
        ("EVENTS", cell(&about.events)),
        ("HEAD", cell(&about.head)),
        ("SIMULATED", cell(&about.simulated)),
        ("SOURCE", about.source.clone()),
    ];
    for (item, value) in rows {
        table.row(cells![item, value]);
    }
    for line in &results.left_out {
        table.row(cells!["LEFTOUT", line.as_str()]);
    }
    table
}

fn flow(results: &Results) -> Table {
    let mut table = Table::new("flow", &["STAGE", "ARMCD", "REASON", "N"]);
    let flow = &results.flow;
    table.row(cells!["ASSESSED", "", "", flow.screened.n]);
    table.row(cells!["NOT RANDOMISED", "", "", flow.excluded]);
    for (why, who) in &flow.excluded_because {
        table.row(cells!["NOT RANDOMISED", "", why.as_str(), who.n]);
    }
    table.row(cells!["IN SCREENING", "", "", flow.in_screening.n]);
    table.row(cells!["RANDOMISED", "", "", flow.randomised]);
    for arm in &flow.arms {
        table.row(cells!["ALLOCATED", arm.arm, "", arm.allocated.n]);
        table.row(cells!["TREATED", arm.arm, "", arm.treated.as_ref().map(|treated| treated.n)]);
        for (why, who) in &arm.withdrawn {
            table.row(cells!["WITHDRAWN", arm.arm, why.as_str(), who.n]);
        }
        table.row(cells!["DIED", arm.arm, "", arm.died.n]);
        table.row(cells!["IN FOLLOW-UP", arm.arm, "", arm.in_follow_up.n]);
        table.row(cells!["ANALYSED", arm.arm, "", arm.analysed]);
    }
    table
}

fn recruitment(results: &Results) -> Table {
    let mut table = Table::new("recruitment", &["MONTH", "N", "CUMULATIVE", "PLANNED"]);
    for row in &results.recruitment.by_month {
        table.row(cells![row.month, row.randomised.n, row.in_all, results.recruitment.planned]);
    }
    table
}

fn sites(results: &Results) -> Table {
    let mut table =
        Table::new("sites", &["SITEID", "NAME", "OPENED", "SCREENED", "RANDOMISED", "FIRST", "LAST"]);
    for site in &results.recruitment.by_site {
        let (first, last) = (site.days.first().copied(), site.days.last().copied());
        table.row(cells![site.site, site.name, site.opened, site.screened.n, site.randomised.n, first, last]);
    }
    table
}

fn baseline(results: &Results) -> Table {
    let header = ["CHARACTERISTIC", "LEVEL", "ARMCD", "N", "OF", "MEDIAN", "Q1", "Q3", "MIN", "MAX"];
    let mut table = Table::new("baseline", &header);
    for row in &results.baseline {
        for (i, value) in row.cells.iter().enumerate() {
            let arm = results.arms.get(i).map_or("ALL", |arm| arm.id.as_str());
            let (what, level) = (row.characteristic.as_str(), cell(&row.level));
            table.row(match value {
                BaselineCell::Count { n, of, .. } => cells![what, level, arm, *n, *of, "", "", "", "", ""],
                BaselineCell::Number { n, median, q1, q3, min, max, .. } => {
                    cells![what, level, arm, *n, "", *median, *q1, *q3, *min, *max]
                }
            });
        }
    }
    table
}

fn analyses(results: &Results) -> Table {
    let header = [
        "ANALYSIS",
        "LABEL",
        "PARAMCD",
        "PARAM",
        "PRIMARY",
        "MAIN",
        "ARMCD",
        "ARM",
        "N",
        "EVENTS",
        "MEDIAN_MONTHS",
        "MEDIAN_LCL",
        "MEDIAN_UCL",
        "RMST_MONTHS",
        "RMST_LCL",
        "RMST_UCL",
        "FOLLOWUP_MONTHS",
        "FOLLOWUP_LCL",
        "FOLLOWUP_UCL",
        "CONFIDENCE",
        "STRATIFIED",
        "TIES",
    ];
    let mut table = Table::new("analyses", &header);
    for a in &results.analyses {
        for arm in &a.arms {
            let label = words::arm_label(results, &arm.arm);
            let mut row = cells![
                a.id,
                a.label,
                a.endpoint,
                a.endpoint_label,
                a.primary,
                a.main,
                arm.arm,
                label,
                arm.n,
                arm.events
            ];
            row.extend(three(&arm.median_months));
            row.extend(three(&arm.rmst_months.unwrap_or_default()));
            row.extend(three(&arm.follow_up_months));
            row.extend(cells![a.confidence, a.stratified, a.ties]);
            table.row(row);
        }
    }
    table
}

fn comparisons(results: &Results) -> Table {
    let header = [
        "ANALYSIS",
        "PARAMCD",
        "ARMCD",
        "CONTROL",
        "HR",
        "HR_LCL",
        "HR_UCL",
        "WALD_P",
        "LOGRANK_CHISQ",
        "LOGRANK_DF",
        "LOGRANK_P",
        "PH_P",
        "TAU_MONTHS",
        "RMST_DIFF_MONTHS",
        "RMST_DIFF_LCL",
        "RMST_DIFF_UCL",
        "CONFIDENCE",
    ];
    let mut table = Table::new("comparisons", &header);
    for a in &results.analyses {
        for c in words::comparisons(a) {
            let mut row = cells![a.id, a.endpoint, c.arm, c.control];
            row.extend(three(&c.hazard_ratio));
            row.extend(cells![
                c.wald_p,
                c.logrank_chisq,
                c.logrank_df,
                c.logrank_p,
                c.proportional_hazards_p,
                c.tau_months
            ]);
            row.extend(three(&c.rmst_difference_months.unwrap_or_default()));
            row.push(cell(&a.confidence));
            table.row(row);
        }
        if let Some(all) = &a.overall {
            let mut row = cells![a.id, a.endpoint, "ALL", "", "", "", "", "", all.chisq, all.df, all.p];
            row.extend(cells!["", "", "", "", "", a.confidence]);
            table.row(row);
        }
    }
    table
}

fn landmarks(results: &Results) -> Table {
    let header = ["ANALYSIS", "ARMCD", "MONTHS", "SURVIVAL", "LCL", "UCL", "AT_RISK"];
    let mut table = Table::new("landmarks", &header);
    for a in &results.analyses {
        for arm in &a.arms {
            for (months, estimate) in &arm.landmarks {
                let at_risk = arm.at_risk.iter().find(|(at, _)| at == months).map(|(_, n)| *n);
                let mut row = cells![a.id, arm.arm, *months];
                row.extend(three(estimate));
                row.push(cell(&at_risk));
                table.row(row);
            }
        }
    }
    table
}

fn curves(results: &Results) -> Vec<Table> {
    let mut seen = HashSet::new();
    let header =
        ["ANALYSIS", "PARAMCD", "ARMCD", "MONTHS", "SURVIVAL", "LCL", "UCL", "AT_RISK", "EVENTS", "CENSORED"];
    (results.analyses.iter())
        .map(|a| {
            let mut name = format!("km_{}", words::slug(&a.id));
            while !seen.insert(name.to_ascii_lowercase()) {
                name.push('_');
            }
            let mut table = Table::new(&name, &header);
            for arm in &a.arms {
                for p in &arm.curve {
                    let CurvePoint { months, survival, lower, upper, at_risk, events, censored } = *p;
                    let mut row = cells![a.id, a.endpoint, arm.arm, months, survival, lower, upper];
                    row.extend(cells![at_risk, events, censored]);
                    table.row(row);
                }
            }
            table
        })
        .collect()
}

/// Shaped as ADTTE (`ADaM` Basic Data Structure for Time-to-Event Analyses 1.0), with the analysis, rule and sources.
fn adtte(results: &Results) -> Table {
    let header = [
        "STUDYID", "USUBJID", "TRTP", "TRTPCD", "STRATA", "PARAMCD", "PARAM", "ANALYSIS", "STARTDT", "ADT",
        "ADTF", "AVAL", "AVALU", "CNSR", "EVNTDESC", "CNSDTDSC", "RULE", "WHY", "SRCSEQ",
    ];
    let mut table = Table::new("adtte", &header);
    for a in &results.analyses {
        for s in &a.subjects {
            let (event, censored) = match &s.time.outcome {
                Outcome::Event { cause, .. } => (words::cause(*cause), ""),
                Outcome::Censored { because, .. } => ("", because.words()),
            };
            let flag = s.time.imputed.map(|imputed| match imputed {
                Imputed::Day => "D",
                Imputed::Month => "M",
            });
            let label = words::arm_label(results, &s.arm);
            let mut row =
                cells![results.about.trial, s.subject, label, s.arm, s.stratum, a.endpoint, a.endpoint_label];
            row.extend(cells![a.id, s.time.origin, s.time.on(), flag, s.days, "DAYS", u8::from(!s.event)]);
            row.extend(cells![event, censored, s.time.rule, s.time.why, s.time.events]);
            table.row(row);
        }
    }
    table
}

fn responses(results: &Results) -> Table {
    let mut table = Table::new("responses", &["RESPONSE", "ARMCD", "N"]);
    for row in &results.responses {
        for (i, counted) in row.counts.iter().enumerate() {
            let arm = results.arms.get(i).map_or("", |arm| arm.id.as_str());
            let response = row.response.map_or("NO ASSESSMENT", |r| r.as_str());
            table.row(cells![response, arm, counted.n]);
        }
    }
    table
}

fn waterfall(results: &Results) -> Table {
    let mut table = Table::new("waterfall", &["USUBJID", "ARMCD", "BEST_CHANGE", "BOR", "SRCSEQ"]);
    for row in &results.waterfall {
        table.row(cells![row.subject, row.arm, row.change, row.best, row.events]);
    }
    table
}

fn spider(results: &Results) -> Table {
    let header = ["USUBJID", "ARMCD", "KIND", "MONTHS", "CHANGE", "SUMDIAM_MM", "TULNKID", "SRCSEQ"];
    let mut table = Table::new("spider", &header);
    for row in &results.spider {
        for (months, change, sum, event) in &row.points {
            table.row(cells![row.subject, row.arm, "SUM", *months, *change, *sum, "", *event]);
        }
        for (lesion, months) in &row.treated {
            table.row(cells![row.subject, row.arm, "SABR", *months, "", "", *lesion, ""]);
        }
    }
    table
}

fn rs(results: &Results) -> Table {
    let header = ["USUBJID", "RSDTC", "VISIT", "OVRLRESP", "SUMDIAM_MM", "WHY", "SRCSEQ"];
    let mut table = Table::new("rs", &header);
    for trace in &results.traces {
        for (day, visit, overall, sum, why, event) in &trace.responses {
            table.row(cells![trace.subject, *day, visit.as_str(), *overall, *sum, why.as_str(), *event]);
        }
    }
    table
}

fn lanes(results: &Results) -> Table {
    let mut table = Table::new("swimmer_lanes", &["USUBJID", "ARMCD", "UNTIL_DAY", "ONGOING"]);
    for lane in &results.swimmer {
        table.row(cells![lane.subject, lane.arm, lane.until, lane.ongoing]);
    }
    table
}

fn marks(results: &Results) -> Table {
    let mut table = Table::new("swimmer_marks", &["USUBJID", "ARMCD", "DAY", "KIND", "WORDS", "SRCSEQ"]);
    for lane in &results.swimmer {
        for mark in &lane.marks {
            table.row(cells![
                lane.subject,
                lane.arm,
                mark.day,
                words::mark_code(mark.kind),
                mark.words,
                mark.events
            ]);
        }
    }
    table
}

fn lines(results: &Results) -> Table {
    let header = ["USUBJID", "ARMCD", "LINE", "FROM_DAY", "TO_DAY", "CMTRT", "SRCSEQ"];
    let mut table = Table::new("swimmer_lines", &header);
    for lane in &results.swimmer {
        for line in &lane.lines {
            table.row(cells![
                lane.subject,
                lane.arm,
                line.number,
                line.from,
                line.to,
                line.treatment,
                line.event
            ]);
        }
    }
    table
}

fn sabr(results: &Results) -> Table {
    let mut table = Table::new("sabr", &["ARMCD", "SUBJECTS", "COURSES", "LESIONS", "SUBJECTS_AGAIN"]);
    for row in &results.sabr {
        table.row(cells![row.arm, row.subjects.n, row.courses.n, row.lesions, row.again.n]);
    }
    table
}

fn schedules(results: &Results) -> Table {
    let header = ["ARMCD", "DOSE_GY", "FRACTIONS", "BED_GY", "EQD2_GY", "LESIONS"];
    let mut table = Table::new("sabr_schedules", &header);
    for row in &results.sabr {
        for s in &row.schedules {
            table.row(cells![row.arm, s.dose_gy, s.fractions, s.bed_gy, s.eqd2_gy, s.lesions.n]);
        }
    }
    table
}

fn grades(name: &str, rows: &[GradeRow], results: &Results) -> Table {
    let header =
        ["AEBODSYS", "AEDECOD", "ARMCD", "AT_RISK", "GRADE1", "GRADE2", "GRADE3", "GRADE4", "GRADE5"];
    let mut table = Table::new(name, &header);
    for row in rows {
        for (i, counts) in row.counts.iter().enumerate() {
            let arm = results.arms.get(i).map_or("", |arm| arm.id.as_str());
            let at_risk = results.safety.at_risk.get(i).copied();
            let mut line = cells![row.class, row.term, arm, at_risk];
            line.extend(counts.iter().map(cell));
            table.row(line);
        }
    }
    table
}

fn attributions(results: &Results) -> Table {
    let header = [
        "ATTRIBUTION",
        "TO",
        "AEBODSYS",
        "AEDECOD",
        "ARMCD",
        "AT_RISK",
        "GRADE1",
        "GRADE2",
        "GRADE3",
        "GRADE4",
        "GRADE5",
    ];
    let mut table = Table::new("trae_by_attribution", &header);
    for to in &results.safety.related_to {
        for row in &to.rows {
            for (i, counts) in row.counts.iter().enumerate() {
                let arm = results.arms.get(i).map_or("", |arm| arm.id.as_str());
                let at_risk = results.safety.at_risk.get(i).copied();
                let mut line = cells![to.item, to.label, row.class, row.term, arm, at_risk];
                line.extend(counts.iter().map(cell));
                table.row(line);
            }
        }
    }
    table
}

/// Who is behind every number that is not one of an analysis of times (those are in `adtte.csv`).
fn who(results: &Results) -> Table {
    let mut table = Table::new("who", &["LIST", "GROUP", "PART", "USUBJID", "VALUE", "SRCSEQ"]);
    for list in Lists::of(results).all {
        for group in &list.groups {
            for part in &group.parts {
                for entry in &part.entries {
                    let mut row = cells![list.title, group.label, part.label, *entry.subject, entry.said];
                    row.push(cell(&entry.events.to_vec()));
                    table.row(row);
                }
            }
        }
    }
    table
}

fn background(results: &Results) -> Table {
    let mut table = Table::new("background", &["STATEMENT", "VALUE", "REFERENCE"]);
    for row in &results.background {
        table.row(cells![row.statement, row.value, row.reference]);
    }
    table
}

fn ae_subjects(results: &Results) -> Table {
    let header = ["TABLE", "AEBODSYS", "AEDECOD", "USUBJID", "ARMCD", "WORST_AETOXGR", "SRCSEQ"];
    let mut table = Table::new("adae_subjects", &header);
    let safety = &results.safety;
    let to = safety.related_to.iter().map(|to| (format!("RELATED TO {}", to.label), &to.rows));
    let tables = [("RELATED".to_owned(), &safety.related)].into_iter().chain(to);
    for (name, rows) in tables.chain([("ALL".to_owned(), &safety.all)]) {
        for row in rows {
            for (subject, arm, grade, events) in &row.subjects {
                table.row(cells![name, row.class, row.term, *subject, *arm, *grade, *events]);
            }
        }
    }
    table
}

fn ungraded(results: &Results) -> Table {
    let mut table = Table::new("ae_ungraded", &["USUBJID", "ARMCD", "SRCSEQ"]);
    for (subject, arm, event) in &results.safety.ungraded {
        table.row(cells![*subject, *arm, *event]);
    }
    table
}

fn expedited(results: &Results) -> Table {
    let mut table = Table::new("expedited", &["USUBJID", "ARMCD", "AETERM", "AETOXGR", "SRCSEQ"]);
    for (subject, arm, term, grade, event) in &results.safety.expedited {
        table.row(cells![*subject, *arm, term.as_str(), *grade, *event]);
    }
    table
}

fn quality(results: &Results) -> Vec<Table> {
    let weeks = ["SCORE", "ARMCD", "WEEK", "N", "EXPECTED", "MEAN", "LCL", "UCL"];
    let area = [
        "RULE",
        "ARMCD",
        "N",
        "SCORE_WEEKS",
        "SCORE_WEEKS_LCL",
        "SCORE_WEEKS_UCL",
        "AVERAGE",
        "AVERAGE_LCL",
        "AVERAGE_UCL",
    ];
    let each = ["RULE", "USUBJID", "ARMCD", "SCORE_WEEKS", "AVERAGE", "WHY", "SRCSEQ"];
    let against = ["RULE", "ARMCD", "CONTROL", "DIFFERENCE", "LCL", "UCL", "P"];
    let mut by_week = Table::new("factb_weeks", &weeks);
    let mut by_arm = Table::new("factb_auc", &area);
    let mut by_subject = Table::new("factb_auc_subjects", &each);
    let mut differences = Table::new("factb_differences", &against);
    if let Some(quality) = &results.quality_of_life {
        for p in &quality.by_week {
            let mut row = cells![quality.score, p.arm, p.week, p.scored.n, p.expected];
            row.extend(three(&p.mean));
            by_week.row(row);
        }
        areas(&mut by_arm, &mut by_subject, "MAIN", &quality.auc);
        if let Some(difference) = &quality.difference {
            let name = |control: bool| {
                results.arms.iter().find(|arm| arm.control == control).map(|arm| arm.id.clone())
            };
            let mut row = cells!["MAIN", name(false), name(true)];
            row.extend(three(difference));
            row.push(cell(&quality.p));
            differences.row(row);
        }
        for other in &quality.sensitivity {
            areas(&mut by_arm, &mut by_subject, &other.id, &other.auc);
        }
        let more = quality.more_differences.iter().map(|d| ("MAIN", d));
        let others =
            quality.sensitivity.iter().flat_map(|o| o.differences.iter().map(|d| (o.id.as_str(), d)));
        for (rule, d) in more.chain(others) {
            let mut row = cells![rule, d.arm, d.control];
            row.extend(three(&d.difference));
            row.push(cell(&d.p));
            differences.row(row);
        }
    }
    vec![by_week, by_arm, by_subject, differences]
}

fn areas(by_arm: &mut Table, by_subject: &mut Table, rule: &str, areas: &[QualityArea]) {
    for area in areas {
        let mut row = cells![rule, area.arm, area.n];
        row.extend(three(&area.score_weeks));
        row.extend(three(&area.average));
        by_arm.row(row);
        for (subject, weeks, average, why, events) in &area.subjects {
            by_subject.row(cells![rule, *subject, area.arm, *weeks, *average, why.as_str(), *events]);
        }
    }
}

fn deviations(results: &Results) -> Table {
    let header = ["USUBJID", "SITEID", "ARMCD", "DVSTDTC", "DVCAT", "DVTERM", "FOUND", "SRCSEQ"];
    let mut table = Table::new("dv", &header);
    for row in &results.deviations {
        table.row(cells![
            row.subject,
            row.site,
            row.arm,
            row.date,
            row.category,
            row.term,
            row.found,
            row.events
        ]);
    }
    table
}

fn pending(results: &Results) -> Table {
    let header = ["USUBJID", "SITEID", "ARMCD", "PROGRESSION", "WHY", "SRCSEQ"];
    let mut table = Table::new("pending", &header);
    for row in &results.pending {
        table.row(cells![row.subject, row.site, row.arm, row.progression, row.why, row.events]);
    }
    table
}

fn assumptions(results: &Results) -> Table {
    let mut table = Table::new("assumptions", &["PATH", "VALUE", "WHOLE_TABLE"]);
    for row in &results.assumptions {
        table.row(cells![row.path, row.value, row.whole_table]);
    }
    table
}

fn faults(results: &Results) -> Table {
    let mut table = Table::new("faults", &["USUBJID", "PLACE", "MESSAGE", "SRCSEQ"]);
    for row in &results.faults {
        table.row(cells![row.subject, row.place, row.message, row.event]);
    }
    table
}

fn eligibility(results: &Results) -> Table {
    let header = ["USUBJID", "ARMCD", "IETESTCD", "IETEST", "JUDGEMENT", "SRCSEQ"];
    let mut table = Table::new("eligibility", &header);
    for trace in &results.traces {
        for judged in &trace.unproven {
            let judgement = words::judgement(&judged.judgement);
            table.row(cells![trace.subject, trace.arm, judged.id, judged.text, judgement, judged.events]);
        }
    }
    table
}

fn strategy(results: &Results) -> Table {
    let header = ["USUBJID", "ARMCD", "PROGRESSION", "KIND", "LESIONS", "VERDICT", "WHY", "SRCSEQ"];
    let mut table = Table::new("strategy", &header);
    for trace in &results.traces {
        for episode in trace.strategy.iter().flat_map(|course| &course.episodes) {
            let p = &episode.progression;
            let lesions = p.lesions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let mut row =
                cells![trace.subject, trace.arm, p.date, words::progression(p.kind, p.known), lesions];
            row.extend(cells![words::verdict(episode.verdict), episode.why, episode.events]);
            table.row(row);
        }
    }
    table
}

fn sources(results: &Results) -> Table {
    let mut table = Table::new("sources", &["USUBJID", "SEQ", "RECORDED", "PLACE", "ITEM", "VALUE"]);
    for trace in &results.traces {
        for source in &trace.sources {
            for (item, value) in &source.values {
                table.row(cells![
                    trace.subject,
                    source.seq,
                    source.recorded,
                    source.place,
                    item.as_str(),
                    value.as_str()
                ]);
            }
        }
    }
    table
}

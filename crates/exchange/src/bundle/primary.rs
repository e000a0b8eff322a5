//! The primary analysis: in words, as one number a row, and as scripts of R and Python.
//!
//! Never writes a number into a script: what the protocol chose goes there, what was found goes to `results/primary.csv`.

use std::fmt::Write as _;

use analysis::results::{AnalysisResult, Comparison, Estimate, Results};

use crate::adam::Parameter;
use crate::submission::Study;

/// Days of a month, as in every table of the report.
const DAYS_PER_MONTH: f64 = 30.4375;

const R: &str = include_str!("primary.R");
const PYTHON: &str = include_str!("primary.py");

/// The primary analysis of a trial.
pub(super) struct Primary<'a> {
    study: &'a Study<'a>,
    results: &'a Results,
    analysis: &'a AnalysisResult,
    parameter: &'a Parameter<'a>,
}

/// The main analysis of the primary endpoint; of a protocol without a primary endpoint, the first main one.
pub(super) fn of<'a>(study: &'a Study<'_>, results: &'a Results) -> Option<Primary<'a>> {
    let find = |primary: bool| results.analyses.iter().find(|it| it.main && (it.primary || !primary));
    let analysis = find(true).or_else(|| find(false))?;
    let parameter = study.parameters.iter().find(|it| it.analyses.contains(&analysis.id.as_str()))?;
    Some(Primary { study, results, analysis, parameter })
}

impl Primary<'_> {
    fn comparisons(&self) -> impl Iterator<Item = &Comparison> {
        self.analysis.comparison.iter().chain(&self.analysis.more_comparisons)
    }

    /// The arm the others are compared with: the marked one, else the first.
    fn control(&self) -> &str {
        let marked = self.results.arms.iter().find(|arm| arm.control).or(self.results.arms.first());
        self.comparisons()
            .next()
            .map(|it| it.control.as_str())
            .or(marked.map(|arm| arm.id.as_str()))
            .unwrap_or("")
    }

    fn ties(&self) -> String {
        self.analysis.ties.to_lowercase()
    }

    /// What it is, in a line.
    pub fn line(&self) -> String {
        let stratified = if self.analysis.stratified { "stratified" } else { "unstratified" };
        let compared: Vec<String> =
            self.comparisons().map(|it| format!("{} against {}", it.arm, it.control)).collect();
        let compared = if compared.is_empty() { "no comparison".to_owned() } else { compared.join(", ") };
        format!("{} ({}), {stratified}, {compared}", self.analysis.endpoint_label, self.analysis.id)
    }

    /// What both scripts and the plan say beforehand: remarks, and which comparisons there are where more than one could be meant.
    fn remarks(&self) -> Vec<String> {
        let mut remarks = self.analysis.remarks.clone();
        match self.results.arms.len() {
            0 | 1 => remarks.push("One arm: there is nothing to compare, and the curve of the arm is all there is.".into()),
            2 => {}
            n => remarks.push(format!(
                "{n} arms: each is compared with {} on the subjects of the two alone; the log-rank test named ALL is over all arms at once.",
                self.control()
            )),
        }
        if self.analysis.ties != "Efron" {
            remarks.push(format!(
                "Ties by {}'s method, which lifelines does not know: primary.py leaves the Cox model to primary.R.",
                self.analysis.ties
            ));
        }
        remarks
    }

    /// `results/primary.csv`: NUMBER, ARMCD, CONTROL, VALUE; nothing where there is no such number.
    pub fn numbers(&self) -> String {
        let mut table = Numbers::new();
        for arm in self.analysis.arms.iter().filter(|arm| arm.n > 0) {
            let of = (arm.arm.as_str(), "");
            table.row("n", of, Some(arm.n as f64));
            table.row("events", of, Some(arm.events as f64));
            table.estimate("median_months", of, arm.median_months);
            table.estimate("rmst_months", of, arm.rmst_months.unwrap_or_default());
        }
        for it in self.comparisons() {
            let of = (it.arm.as_str(), it.control.as_str());
            table.estimate("hazard_ratio", of, it.hazard_ratio);
            table.row("wald_p", of, it.wald_p);
            table.row("logrank_chisq", of, Some(it.logrank_chisq));
            table.row("logrank_p", of, Some(it.logrank_p));
            table.row("tau_months", of, it.tau_months);
            table.estimate("rmst_difference_months", of, it.rmst_difference_months.unwrap_or_default());
        }
        if let Some(overall) = &self.analysis.overall {
            table.row("logrank_chisq", ("ALL", ""), Some(overall.chisq));
            table.row("logrank_p", ("ALL", ""), Some(overall.p));
        }
        table.text()
    }

    fn filled(&self, template: &str, comment: &str) -> String {
        let arms: Vec<String> = self.results.arms.iter().map(|arm| quoted(arm.id.as_str())).collect();
        let mut remarks = String::new();
        for remark in self.remarks() {
            let _ =
                write!(remarks, "{comment}\n{comment}{}{remark}", if comment.is_empty() { "" } else { " " });
        }
        let stratified = self.analysis.stratified;
        let formula =
            if stratified { "Surv(AVAL, event) ~ x + strata(stratum)" } else { "Surv(AVAL, event) ~ x" };
        let of = |value: bool, yes: &str, no: &str| if value { yes.to_owned() } else { no.to_owned() };
        let fills = [
            ("TRIAL", one_line(self.study.id())),
            ("REMARKS", one_comment(&remarks)),
            ("PARAMCD", quoted(&self.parameter.code)),
            ("ARMS_R", format!("c({})", arms.join(", "))),
            ("ARMS_PY", format!("[{}]", arms.join(", "))),
            ("CONTROL", quoted(self.control())),
            ("STRATIFIED_R", of(stratified, "TRUE", "FALSE")),
            ("STRATIFIED_PY", of(stratified, "True", "False")),
            ("TIES_LOWER", quoted(&self.ties())),
            ("CONFIDENCE", self.analysis.confidence.to_string()),
            ("DAYS_PER_MONTH", DAYS_PER_MONTH.to_string()),
            ("COX_FORMULA_R", formula.to_owned()),
        ];
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        // In one pass, so that a name in braces of the protocol's own is left alone.
        while let Some((before, after)) = rest.split_once("{{") {
            text.push_str(before);
            let Some((name, behind)) = after.split_once("}}") else { break };
            if let Some((_, fill)) = fills.iter().find(|(known, _)| *known == name) {
                text.push_str(fill);
            }
            rest = behind;
        }
        text.push_str(rest);
        text
    }

    /// `primary.R`.
    pub fn r(&self) -> String {
        self.filled(R, "#")
    }

    /// `primary.py`.
    pub fn python(&self) -> String {
        self.filled(PYTHON, "")
    }

    /// `analysis-plan.md`: the primary analysis in words, from the protocol and the rules the report prints.
    pub fn plan(&self) -> String {
        let (trial, analysis) = (&self.study.protocol.trial, self.analysis);
        let mut text =
            format!("# {}: the primary analysis\n\n{}\n\n", one_line(&trial.id), one_line(&trial.title));
        let _ = writeln!(
            text,
            "Protocol version {}. Data set ADTTE, `PARAMCD` {}.\n",
            trial.version, self.parameter.code
        );
        let _ = writeln!(
            text,
            "## Endpoint\n\n**{}** ({}). {}\n",
            analysis.endpoint_label, analysis.endpoint, analysis.definition
        );
        for rule in &analysis.rules {
            let _ = writeln!(text, "- {rule}");
        }
        text.push_str("\n## Who\n\nEverybody who was randomised, in the arm of the randomisation (intention to treat).\n\n");
        for arm in &self.results.arms {
            let control = if arm.id.as_str() == self.control() { ", control" } else { "" };
            let _ = writeln!(text, "- {}: {}{control}", arm.id, arm.label);
        }
        let per_cent = analysis.confidence * 100.0;
        let strata = match (analysis.stratified, self.study.protocol.stratification.as_slice()) {
            (true, []) => "The protocol has no stratification factor: one stratum.".to_owned(),
            (true, factors) => {
                let names: Vec<&str> = factors.iter().map(|factor| factor.label.as_str()).collect();
                format!("Stratified by the levels of randomisation (`STRATAR`): {}.", names.join("; "))
            }
            (false, _) => "Not stratified.".to_owned(),
        };
        let _ = write!(
            text,
            "\n## How\n\n- {strata}\n- Hazard ratio by Cox's model with the arm as its covariate, ties by {}'s method; {per_cent} % limits and p by Wald.\n- Log-rank test, two-sided, in the same strata.\n- Medians by Kaplan and Meier; {}.\n- Restricted mean time up to the last time of the arm whose data end first, {per_cent} % limits by Greenwood's formula; difference of the means.\n- A month is {DAYS_PER_MONTH} days; `AVAL` counts the origin as day 1.\n",
            analysis.ties, analysis.limits
        );
        let remarks = self.remarks();
        if !remarks.is_empty() {
            text.push_str("\n## To know\n\n");
            for remark in remarks {
                let _ = writeln!(text, "- {remark}");
            }
        }
        let rest: Vec<&AnalysisResult> =
            self.results.analyses.iter().filter(|it| it.id != analysis.id).collect();
        if !rest.is_empty() {
            text.push_str("\n## The other analyses\n\nIn `results/results.json` with their rules and numbers; `ADTTE.ANALYSES` names the ones that read a row.\n\n");
            for it in rest {
                let _ = writeln!(text, "- {} ({}): {}", it.label, it.id, it.rules.join("; "));
            }
        }
        text
    }
}

/// `results/primary.csv` being written.
struct Numbers {
    to: ::csv::Writer<Vec<u8>>,
}

impl Numbers {
    fn new() -> Self {
        let mut to = ::csv::Writer::from_writer(Vec::new());
        // To a Vec, writing cannot fail; nor below.
        let _ = to.write_record(["NUMBER", "ARMCD", "CONTROL", "VALUE"]);
        Self { to }
    }

    /// A number of an arm, or of an arm against control.
    fn row(&mut self, number: &str, (arm, control): (&str, &str), value: Option<f64>) {
        let value = value.map(|value| value.to_string()).unwrap_or_default();
        let _ = self.to.write_record([number, arm, control, value.as_str()]);
    }

    fn estimate(&mut self, number: &str, of: (&str, &str), estimate: Estimate) {
        self.row(number, of, estimate.value);
        self.row(&format!("{number}_lower"), of, estimate.lower);
        self.row(&format!("{number}_upper"), of, estimate.upper);
    }

    fn text(self) -> String {
        String::from_utf8_lossy(&self.to.into_inner().unwrap_or_default()).into_owned()
    }
}

/// A text as R and Python both read it.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text that ends no comment and no docstring.
fn one_line(text: &str) -> String {
    let plain = text.replace(['\\', '"'], "'");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn one_comment(text: &str) -> String {
    text.lines().map(|line| line.replace(['\\', '"'], "'")).collect::<Vec<_>>().join("\n")
}

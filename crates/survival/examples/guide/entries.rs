//! The entries of the guide: an expression of this crate, the R call that says the same, and what R said.
//!
//! Never holds a value: ours are computed when the guide is made, R's were written by `tests/data/guide/make.R`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use survival::aalen_johansen::AalenJohansen;
use survival::ancova::{Ancova, Margins};
use survival::cox::{Covariates, Cox, CoxFit, CoxOptions, Ties, TimeTransform};
use survival::design::accrual::{Accrual, Arm, Rate, Trial};
use survival::design::events::Formula;
use survival::design::sequential::{Efficacy, GroupSequential, Plan, Spending};
use survival::design::{events, sample_size};
use survival::fine_gray::FineGray;
use survival::fisher::Fisher;
use survival::gray::gray;
use survival::km::{KaplanMeier, Quantile};
use survival::logrank::{FlemingHarrington, logrank, weighted};
use survival::nelson_aalen::{NelsonAalen, TiedHazard};
use survival::wilcoxon::{Method, rank_sum};
use survival::{ConfType, Observations, Test, proportion, rmst, t_test};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// A part of the guide.
pub struct Section {
    pub title: &'static str,
    pub words: &'static str,
    pub entries: Vec<Entry>,
}

/// A row of it.
pub struct Entry {
    rust: &'static str,
    pub r: &'static str,
    run: fn(&Data) -> Fallible<Values>,
}

/// The data the guide speaks of.
pub struct Data {
    lung: Table,
    competing: Table,
}

/// A data set of numbers.
struct Table(BTreeMap<String, Vec<f64>>);

impl Table {
    fn read(name: &str) -> Fallible<Self> {
        let mut reader = csv::Reader::from_path(data(&format!("golden/{name}.csv")))?;
        let names: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let mut columns = vec![Vec::new(); names.len()];
        for record in reader.records() {
            for (column, cell) in columns.iter_mut().zip(record?.iter()) {
                column.push(cell.parse()?);
            }
        }
        Ok(Self(names.into_iter().zip(columns).collect()))
    }

    fn numbers(&self, name: &str) -> &[f64] {
        self.0.get(name).map_or(&[], |column| column)
    }

    fn time(&self) -> &[f64] {
        self.numbers("time")
    }

    fn event(&self) -> Vec<bool> {
        self.numbers("status").iter().map(|v| *v == 1.0).collect()
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
    fn labels(&self, name: &str) -> Vec<usize> {
        self.numbers(name).iter().map(|v| *v as usize).collect()
    }

    /// Time and event where the arm is this.
    fn arm(&self, arm: f64) -> (Vec<f64>, Vec<bool>) {
        let rows = self.time().iter().zip(self.event()).zip(self.numbers("arm"));
        rows.filter(|(_, a)| **a == arm).map(|((t, e), _)| (*t, e)).unzip()
    }
}

/// What an entry gives: one number or several.
pub struct Values(Vec<f64>);

impl From<f64> for Values {
    fn from(value: f64) -> Self {
        Self(vec![value])
    }
}

impl From<Vec<f64>> for Values {
    fn from(values: Vec<f64>) -> Self {
        Self(values)
    }
}

impl From<(f64, f64)> for Values {
    fn from((a, b): (f64, f64)) -> Self {
        Self(vec![a, b])
    }
}

impl From<Test> for Values {
    fn from(test: Test) -> Self {
        Self(vec![test.statistic, test.df as f64, test.p_value])
    }
}

impl From<Quantile> for Values {
    fn from(q: Quantile) -> Self {
        Self([q.estimate, q.lower, q.upper].map(|v| v.unwrap_or(f64::NAN)).to_vec())
    }
}

impl From<Vec<Vec<f64>>> for Values {
    fn from(rows: Vec<Vec<f64>>) -> Self {
        Self(rows.concat())
    }
}

macro_rules! entry {
    ($data:ident, $r:literal, $rust:expr) => {
        Entry { rust: stringify!($rust), r: $r, run: |$data| Ok(Values::from($rust)) }
    };
}

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// The model most entries of the Cox section speak of.
fn model(data: &Data) -> Covariates<'_> {
    let [arm, age, ecog] = ["arm", "age", "ecog"].map(|name| data.lung.numbers(name));
    Covariates::new().with("arm", arm).with("age", age).with("ecog", ecog)
}

fn fit(data: &Data) -> Result<CoxFit, survival::Error> {
    Cox::fit(data.lung.time(), &data.lung.event(), &model(data), &CoxOptions::default())
}

fn curve(data: &Data) -> Result<KaplanMeier, survival::Error> {
    KaplanMeier::fit(data.lung.time(), &data.lung.event())
}

fn design() -> Result<GroupSequential, survival::Error> {
    GroupSequential::new(&Plan {
        information: vec![0.5, 0.75, 1.0],
        alpha: 0.025,
        power: 0.8,
        two_sided: false,
        efficacy: Efficacy::Spending(Spending::OBrienFleming),
        futility: survival::design::sequential::Futility::None,
    })
}

fn trial() -> Result<Trial, survival::Error> {
    let control = Arm { hazard: Rate::of_median(12.0)?, dropout: Rate::none() };
    Trial::proportional(Accrual::uniform(1.0, 12.0)?, control, 0.5, 1.0)
}

/// Every section.
pub fn all() -> Vec<Section> {
    vec![estimators(), tests(), cox(), competing(), two_samples(), designs()]
}

fn estimators() -> Section {
    Section {
        title: "Estimators",
        words: "`curve(d)` is `KaplanMeier::fit(d.lung.time(), &d.lung.event())`. A `Quantile` is the estimate and its limits; what R calls `NA` is `None` or NaN.",
        entries: vec![
            entry!(
                d,
                "summary(survfit(Surv(time, status) ~ 1, lung), times = 365)$surv",
                curve(d)?.at(365.0)
            ),
            entry!(
                d,
                "summary(survfit(Surv(time, status) ~ 1, lung), times = 365)$std.err",
                curve(d)?.std_err_at(365.0)
            ),
            entry!(
                d,
                "with(summary(survfit(Surv(time, status) ~ 1, lung, conf.type = 'log-log'), times = 365), c(lower, upper))",
                curve(d)?.limits_at(365.0, ConfType::LogLog, 0.95).ok_or("none")?
            ),
            entry!(
                d,
                "unlist(quantile(survfit(Surv(time, status) ~ 1, lung), 0.5))",
                curve(d)?.median(ConfType::Log, 0.95)
            ),
            entry!(
                d,
                "unlist(quantile(survfit(Surv(time, 1 - status) ~ 1, lung), 0.5))",
                KaplanMeier::follow_up(d.lung.time(), &d.lung.event())?.median(ConfType::Log, 0.95)
            ),
            entry!(
                d,
                "summary(survfit(Surv(time, status) ~ 1, lung, weights = age), times = 365)$surv",
                KaplanMeier::of(
                    &Observations::new(d.lung.time(), &d.lung.event()).weighted(d.lung.numbers("age"))
                )?
                .at(365.0)
            ),
            entry!(
                d,
                "summary(survfit(Surv(ecog, time, status) ~ 1, lung), times = 365)$surv",
                KaplanMeier::of(
                    &Observations::new(d.lung.time(), &d.lung.event()).entered(d.lung.numbers("ecog"))
                )?
                .at(365.0)
            ),
            entry!(
                d,
                "summary(survfit(Surv(time, status) ~ 1, lung), rmean = 600)$table[c('rmean', 'se(rmean)')]",
                {
                    let mean = curve(d)?.rmst(600.0)?;
                    (mean.estimate, mean.std_err)
                }
            ),
            entry!(
                d,
                "diff(summary(survfit(Surv(time, status) ~ arm, lung), rmean = 600)$table[, 'rmean'])",
                {
                    let (first, second) = (d.lung.arm(1.0), d.lung.arm(2.0));
                    let first = KaplanMeier::fit(&first.0, &first.1)?.rmst(600.0)?;
                    let second = KaplanMeier::fit(&second.0, &second.1)?.rmst(600.0)?;
                    rmst::compare(&first, &second)?.difference.estimate
                }
            ),
            entry!(
                d,
                "with(summary(survfit(Surv(time, status) ~ 1, lung, ctype = 1), times = 365), c(cumhaz, std.chaz))",
                {
                    let observations_event = d.lung.event();
                    let observations = Observations::new(d.lung.time(), &observations_event);
                    let hazard = NelsonAalen::fit(&observations, TiedHazard::Together)?;
                    let by = hazard.time.partition_point(|t| *t <= 365.0) - 1;
                    (hazard.hazard[by], hazard.std_err[by])
                }
            ),
        ],
    }
}

fn tests() -> Section {
    Section {
        title: "Tests",
        words: "A `Test` is the statistic, its degrees of freedom and the p-value. MaxCombo (`maxcombo::maxcombo`; R: \
            `nphRCT`, `simtrial`) and the permutation tests (`permutation`, seeded) have no call in the packages used here.",
        entries: vec![
            entry!(
                d,
                "with(survdiff(Surv(time, status) ~ arm, lung), c(chisq, 1, pvalue))",
                logrank(d.lung.time(), &d.lung.event(), &d.lung.labels("arm"), None, 0.0)?.test
            ),
            entry!(d, "with(survdiff(Surv(time, status) ~ arm, lung), c(obs, exp))", {
                let test = logrank(d.lung.time(), &d.lung.event(), &d.lung.labels("arm"), None, 0.0)?;
                vec![test.observed, test.expected]
            }),
            entry!(
                d,
                "with(survdiff(Surv(time, status) ~ arm + strata(inst), lung), c(chisq, 1, pvalue))",
                logrank(
                    d.lung.time(),
                    &d.lung.event(),
                    &d.lung.labels("arm"),
                    Some(&d.lung.labels("inst")),
                    0.0
                )?
                .test
            ),
            entry!(
                d,
                "with(survdiff(Surv(time, status) ~ ecog, lung), c(chisq, 3, pvalue))",
                logrank(d.lung.time(), &d.lung.event(), &d.lung.labels("ecog"), None, 0.0)?.test
            ),
            entry!(
                d,
                "with(survdiff(Surv(time, status) ~ arm, lung, rho = 0.5), c(chisq, 1, pvalue))",
                weighted(
                    &Observations::new(d.lung.time(), &d.lung.event()),
                    &d.lung.labels("arm"),
                    None,
                    FlemingHarrington { rho: 0.5, gamma: 0.0 }
                )?
                .test
            ),
        ],
    }
}

fn cox() -> Section {
    Section {
        title: "Cox model",
        words: "`model(d)` is `Covariates::new().with(\"arm\", ..).with(\"age\", ..).with(\"ecog\", ..)`; `CoxOptions` also takes \
            weights, entry times, an offset and clusters. `fit(d)` is the model with the default options. Firth's correction is `CoxOptions { firth: true, .. }` (R: `coxphf`), profile \
            limits `fit.profile_limits(j, level)`.",
        entries: vec![
            entry!(d, "coef(coxph(Surv(time, status) ~ arm + age + ecog, lung))", fit(d)?.coefficients),
            entry!(d, "coxph(Surv(time, status) ~ arm + age + ecog, lung)$var", fit(d)?.variance),
            entry!(
                d,
                "coef(coxph(Surv(time, status) ~ arm + age + ecog, lung, ties = 'breslow'))",
                Cox::fit(
                    d.lung.time(),
                    &d.lung.event(),
                    &model(d),
                    &CoxOptions { ties: Ties::Breslow, ..CoxOptions::default() }
                )?
                .coefficients
            ),
            entry!(
                d,
                "coef(coxph(Surv(time, status) ~ arm + age + ecog, lung, ties = 'exact'))",
                Cox::fit(
                    d.lung.time(),
                    &d.lung.event(),
                    &model(d),
                    &CoxOptions { ties: Ties::Exact, ..CoxOptions::default() }
                )?
                .coefficients
            ),
            entry!(
                d,
                "coef(coxph(Surv(time, status) ~ arm + age + ecog + strata(inst), lung))",
                Cox::fit(
                    d.lung.time(),
                    &d.lung.event(),
                    &model(d),
                    &CoxOptions { strata: Some(&d.lung.labels("inst")), ..CoxOptions::default() }
                )?
                .coefficients
            ),
            entry!(
                d,
                "coxph(Surv(time, status) ~ arm + age + ecog, lung)$loglik",
                fit(d)?.log_likelihood.to_vec()
            ),
            entry!(
                d,
                "summary(coxph(Surv(time, status) ~ arm + age + ecog, lung))$logtest",
                fit(d)?.likelihood_ratio
            ),
            entry!(d, "summary(coxph(Surv(time, status) ~ arm + age + ecog, lung))$sctest", fit(d)?.score),
            entry!(
                d,
                "summary(coxph(Surv(time, status) ~ arm + age + ecog, lung))$conf.int[1, 3:4]",
                fit(d)?.limits(0, 0.95)
            ),
            entry!(d, "diag(coxph(Surv(time, status) ~ arm + age + ecog, lung, cluster = inst)$var)", {
                let cluster = d.lung.labels("inst");
                let options = CoxOptions { cluster: Some(&cluster), ..CoxOptions::default() };
                let fit = Cox::fit(d.lung.time(), &d.lung.event(), &model(d), &options)?;
                (0..3).map(|j| fit.variance[j][j]).collect::<Vec<f64>>()
            }),
            entry!(
                d,
                "cox.zph(coxph(Surv(time, status) ~ arm + age + ecog, lung))$table['GLOBAL', ]",
                fit(d)?.zph(TimeTransform::Km)?.global
            ),
            entry!(d, "summary(coxph(Surv(time, status) ~ arm + age + ecog, lung))$concordance", {
                let found = fit(d)?.concordance();
                (found.estimate, found.std_err)
            }),
            entry!(
                d,
                "tail(basehaz(coxph(Surv(time, status) ~ arm + age + ecog, lung), centered = FALSE)$hazard, 1)",
                fit(d)?.baseline_hazard().at(0, 1e9)
            ),
            entry!(
                d,
                "residuals(coxph(Surv(time, status) ~ arm + age + ecog, lung))[1:3]",
                fit(d)?.martingale()[..3].to_vec()
            ),
            entry!(
                d,
                "residuals(coxph(Surv(time, status) ~ arm + age + ecog, lung), 'deviance')[1:3]",
                fit(d)?.deviance()[..3].to_vec()
            ),
            entry!(
                d,
                "residuals(coxph(Surv(time, status) ~ arm + age + ecog, lung), 'dfbeta')[1, ]",
                fit(d)?.dfbeta()?[0].clone()
            ),
        ],
    }
}

fn competing() -> Section {
    Section {
        title: "Competing risks",
        words: "`cause` is 0 where censored, 1 the event of interest, 2 the one that competes.",
        entries: vec![
            entry!(
                d,
                "summary(survfit(Surv(time, factor(event)) ~ 1, competing), times = 20)$pstate[1, 2:3]",
                {
                    let aj = AalenJohansen::fit(d.competing.time(), &d.competing.labels("event"))?;
                    (aj.incidence_of(1, 20.0), aj.incidence_of(2, 20.0))
                }
            ),
            entry!(
                d,
                "with(competing, cmprsk::cuminc(time, event, arm))$Tests[1, c('stat', 'df', 'pv')]",
                gray(
                    d.competing.time(),
                    &d.competing.labels("event"),
                    1,
                    &d.competing.labels("arm"),
                    None,
                    0.0
                )?
                .test
            ),
            entry!(d, "with(with(competing, cmprsk::crr(time, event, cbind(arm))), c(coef, var))", {
                let arm = Covariates::new().with("arm", d.competing.numbers("arm"));
                let fit = FineGray::fit(d.competing.time(), &d.competing.labels("event"), 1, &arm)?;
                (fit.coefficients[0], fit.variance[0][0])
            }),
        ],
    }
}

fn two_samples() -> Section {
    Section {
        title: "Other comparisons",
        words: "Here `age` of the two arms of lung. The mixed model for repeated measures (`mmrm::Mmrm`; R: `mmrm::mmrm`, SAS: PROC \
            MIXED) is held against values in `tests/data/mmrm`.",
        entries: vec![
            entry!(
                _d,
                "fisher.test(matrix(c(8, 2, 1, 9), 2, byrow = TRUE))$p.value",
                Fisher::test([[8, 2], [1, 9]])?.p_value
            ),
            entry!(
                _d,
                "unname(fisher.test(matrix(c(8, 2, 1, 9), 2, byrow = TRUE))$estimate)",
                Fisher::test([[8, 2], [1, 9]])?.odds_ratio()
            ),
            entry!(_d, "c(binom.test(7, 20)$conf.int)", {
                let found = proportion::clopper_pearson(7, 20, 0.95)?;
                (found.lower, found.upper)
            }),
            entry!(_d, "c(prop.test(7, 20, correct = FALSE)$conf.int)", {
                let found = proportion::wilson(7, 20, 0.95)?;
                (found.lower, found.upper)
            }),
            entry!(d, "with(wilcox.test(age ~ arm, lung), c(statistic, p.value))", {
                let [first, second] = ages(d);
                let found = rank_sum(&first, &second, Method::Auto)?;
                (found.statistic, found.p_value)
            }),
            entry!(d, "with(t.test(age ~ arm, lung), c(statistic, parameter, p.value))", {
                let [first, second] = ages(d);
                let found = t_test::welch(&first, &second)?.difference;
                vec![found.statistic, found.df, found.p_value]
            }),
            entry!(d, "coef(lm(age ~ factor(arm) + ecog, lung))[[2]]", {
                let ecog = Covariates::new().with("ecog", d.lung.numbers("ecog"));
                let fit = Ancova::fit(d.lung.numbers("age"), &d.lung.labels("arm"), &ecog)?;
                fit.difference(2, 1)?.estimate
            }),
            entry!(d, "mean(predict(lm(age ~ factor(arm) + ecog, lung), transform(lung, arm = 2)))", {
                let ecog = Covariates::new().with("ecog", d.lung.numbers("ecog"));
                let fit = Ancova::fit(d.lung.numbers("age"), &d.lung.labels("arm"), &ecog)?;
                fit.adjusted_mean(2, Margins::Observed)?.estimate
            }),
        ],
    }
}

/// Ages of the two arms of lung.
fn ages(data: &Data) -> [Vec<f64>; 2] {
    let of = |arm: f64| {
        let rows = data.lung.numbers("age").iter().zip(data.lung.numbers("arm"));
        rows.filter(|(_, a)| **a == arm).map(|(age, _)| *age).collect()
    };
    [of(1.0), of(2.0)]
}

fn designs() -> Section {
    Section {
        title: "Design",
        words: "`alpha` is one-sided: 0.025 for a two-sided 5 %. `design()` has looks at 50, 75 and 100 % of the information and O'Brien-Fleming \
            spending; `trial()` a control median of 12, even accrual for 12 and a hazard ratio of 0.5; the analysis is at 24.",
        entries: vec![
            entry!(
                _d,
                "4 * (qnorm(0.975) + qnorm(0.8))^2 / log(0.5)^2",
                events::events(Formula::Schoenfeld, 0.5, 0.025, 0.8, 1.0)?
            ),
            entry!(
                _d,
                "(qnorm(0.975) + qnorm(0.8))^2 * ((1 + 0.5) / (1 - 0.5))^2",
                events::events(Formula::Freedman, 0.5, 0.025, 0.8, 1.0)?
            ),
            entry!(
                _d,
                "pnorm(log(2) * sqrt(66) / 2 - qnorm(0.975))",
                events::power(Formula::Schoenfeld, 0.5, 0.025, 66.0, 1.0)?
            ),
            entry!(
                _d,
                "c(getSampleSizeSurvival(hazardRatio = 0.5, lambda2 = log(2) / 12, accrualTime = c(0, 12), followUpTime = 12)$maxNumberOfSubjects)",
                sample_size::by_events(&trial()?, 24.0, Formula::Schoenfeld, 0.5, 0.025, 0.8)?.subjects
            ),
            entry!(
                _d,
                "c(getEventProbabilities(24, accrualTime = c(0, 12), maxNumberOfSubjects = 100, lambda2 = log(2) / 12, hazardRatio = 0.5)$overallEventProbabilities)",
                trial()?.events_by(24.0).total()
            ),
            entry!(
                _d,
                "getDesignGroupSequential(informationRates = c(0.5, 0.75, 1), typeOfDesign = 'asOF', alpha = 0.025, beta = 0.2, tolerance = 1e-10)$criticalValues",
                design()?.upper
            ),
            entry!(
                _d,
                "getDesignGroupSequential(informationRates = c(0.5, 0.75, 1), typeOfDesign = 'asOF', alpha = 0.025, beta = 0.2, tolerance = 1e-10)$alphaSpent",
                design()?.alpha_spent
            ),
        ],
    }
}

/// R's values by call.
fn theirs() -> Fallible<BTreeMap<String, Vec<f64>>> {
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
    let of = |value: &serde_json::Value| match value {
        serde_json::Value::Array(values) => values.iter().map(number).collect(),
        one => vec![number(one)],
    };
    let text = std::fs::read_to_string(data("guide/r.json"))?;
    let calls: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text)?;
    Ok(calls.iter().map(|(call, value)| (call.clone(), of(value))).collect())
}

/// The guide. Errors: a value that R's call does not give too.
pub fn guide() -> Fallible<String> {
    let data = Data { lung: Table::read("lung")?, competing: Table::read("competing_ties")? };
    let theirs = theirs()?;
    let mut text = String::from(OPENING);
    for section in all() {
        write!(
            text,
            "\n## {}\n\n{}\n\n| here | R | both give |\n| --- | --- | --- |\n",
            section.title, section.words
        )?;
        for entry in &section.entries {
            let ours = (entry.run)(&data).map_err(|wrong| format!("{}: {wrong}", entry.rust))?.0;
            let r = theirs.get(entry.r).ok_or_else(|| format!("no value of R for {}", entry.r))?;
            let values = agreed(&ours, r).ok_or_else(|| format!("{}: {ours:?}, R {r:?}", entry.rust))?;
            writeln!(text, "| `{}` | `{}` | {values} |", one_line(entry.rust), entry.r)?;
        }
    }
    Ok(text)
}

/// The values to seven digits, where both have them: to 1e-7 of each other, root finders of R to what they stop at.
fn agreed(ours: &[f64], theirs: &[f64]) -> Option<String> {
    let near = |(a, b): (&f64, &f64)| (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-7 * b.abs().max(1e-9);
    let same = ours.len() == theirs.len() && ours.iter().zip(theirs).all(near);
    let shown = ours.iter().map(|v| if v.is_nan() { "none".to_owned() } else { seven_digits(*v) });
    same.then(|| shown.collect::<Vec<String>>().join(", "))
}

fn seven_digits(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e7).contains(&value.abs()) {
        return format!("{value:.6e}");
    }
    // Digits before the point, or zeros after it.
    let before = (1..=7).find(|k| value.abs() < 10_f64.powi(*k)).unwrap_or(7);
    let zeros = (0..4).find(|k| value == 0.0 || value.abs() >= 0.1_f64.powi(k + 1)).unwrap_or(4);
    let decimals = if value.abs() < 1.0 { 7 + zeros } else { 7 - before };
    let text = format!("{value:.*}", usize::try_from(decimals).unwrap_or(7));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The code as it is written on one line, however the formatter broke it.
fn one_line(code: &str) -> String {
    let line = code.split_whitespace().collect::<Vec<&str>>().join(" ");
    let broken = [("? .", "?."), (") .", ")."), ("( ", "("), (", )", ")"), (" )", ")"), ("|", "\\|")];
    broken.iter().fold(line, |line, (from, to)| line.replace(from, to))
}

const OPENING: &str = "# The statistics beside R

Each function of the crate `survival`, the R call that says the same, and the value both give. This file is made by
`cargo run -p survival --example guide > docs/survival-guide.md`, which fails where a value differs from R's by more than 1e-7 of
itself, and a test compares the two. R's values are of R 4.2.2 with survival 3.5.3, cmprsk and rpact
(`crates/survival/tests/data/guide/make.R`).

`lung` is R's data set without missing values, `sex` called `arm` (`crates/survival/tests/data/golden/lung.csv`); `competing` is
`competing_ties.csv` beside it; `d` holds both. A `?` passes on an error that says what was found and what would be right.

A whole table at once: `trialwright survival lung.csv --covariates arm,age,ecog --strata inst --json`, or
`survival::dataset::Summary` in Rust.
";

//! Reads a scenario file, fills it from the protocol it names, and finds its faults, each with its place and what would be right.
//!
//! Never opens a file: whoever calls hands in the text and how a protocol is found. Faults of meaning are found all at once;
//! one of syntax or shape hides the others.

use std::ops::Range;

use toml::de::{DeTable, DeValue};
use trial::protocol::{Fault, Protocol};

use super::file::{
    AssessmentFile, BeforeEventFile, Course, DecisionFile, DropoutFile, MethodName, ScenarioFile,
};
use super::{
    ARMS, Accrual, Analysis, Arm, Assessment, BeforeEvent, Boundary, Decision, Design, Method, Parameter,
    ReEstimation, Scenario, Spending, Step, Stratum,
};

/// A file may be at most so long, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// A list may be at most so long.
const MOST_ITEMS: usize = 50;
/// So many subjects at most: the memory of one trial is limited.
const MOST_SUBJECTS: u32 = 1_000_000;
/// An assessment is missed, put off or called too soon with this chance at most, so that every event is found some time.
const MOST_CHANCE: f64 = 0.95;

/// Assessments are at least so far apart, in any unit: years of them are walked one by one.
const CLOSEST: f64 = 0.001;

/// How a protocol is found by the name a scenario gives. Errors: why not, in words.
pub type Protocols<'a> = dyn Fn(&str) -> Result<Protocol, String> + 'a;

/// A scenario file that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// As it is written.
    pub file: ScenarioFile,
    /// With what the protocol says.
    pub scenario: Scenario,
    defaults: Defaults,
}

/// What a protocol says of a trial's size.
#[derive(Clone, Debug, Default)]
struct Defaults {
    subjects: Option<u32>,
    allocation: Option<[u32; 2]>,
    alpha: Option<f64>,
    events: Option<u32>,
    hazard_ratio: Option<f64>,
}

impl Defaults {
    fn of(protocol: &Protocol) -> Result<Self, String> {
        let control = protocol.arms.iter().find(|arm| arm.control);
        let others: Vec<_> = protocol.arms.iter().filter(|arm| !arm.control).collect();
        let (Some(control), [experimental]) = (control, others.as_slice()) else {
            return Err(format!(
                "a protocol of {} arms; event times are simulated for a control arm and one other",
                protocol.arms.len()
            ));
        };
        let size = protocol.trial.sample_size.as_ref();
        Ok(Self {
            subjects: Some(protocol.trial.participants),
            allocation: Some([control.ratio, experimental.ratio]),
            alpha: size.map(|size| size.alpha),
            events: size.map(|size| size.events),
            hazard_ratio: size.map(|size| size.hazard_ratio),
        })
    }
}

/// Reads and checks `source`. Errors: every fault that was found, in the order of the file, at least one.
pub fn read(source: &str, protocols: &Protocols<'_>) -> Result<Read, Vec<Fault>> {
    if source.len() > MOST_BYTES {
        let found = format!("a file of {} bytes", source.len());
        return Err(vec![fault(
            source,
            "",
            0..0,
            found,
            format!("a scenario has at most {MOST_BYTES} bytes"),
        )]);
    }
    let file: ScenarioFile = toml::from_str(source).map_err(|wrong| vec![shape(source, &wrong)])?;
    let mut check = Check::default();
    let found =
        file.protocol.as_ref().map(|name| protocols(name).and_then(|protocol| Defaults::of(&protocol)));
    let defaults = match found {
        None => Defaults::default(),
        Some(Ok(defaults)) => defaults,
        Some(Err(why)) => {
            let name = file.protocol.as_deref().unwrap_or_default();
            check.find("protocol", format!("{name:?}: {why}"), "name a shipped protocol or a file of one");
            // What it would have said is missing everywhere: that is this one fault.
            return Err(check.faults(source));
        }
    };
    let scenario = check.scenario(&file, &defaults);
    check.sweep(&file);
    if check.findings.is_empty() {
        return Ok(Read { file, scenario, defaults });
    }
    Err(check.faults(source))
}

impl Read {
    /// The scenario with some values set. Errors: why that cannot be, in words.
    pub fn with(&self, values: &[(Parameter, f64)]) -> Result<Scenario, String> {
        let mut file = self.file.clone();
        for (parameter, value) in values {
            file.set(*parameter, *value).map_err(|why| format!("{} = {value}: {why}", parameter.key()))?;
        }
        let mut check = Check { swept: true, ..Check::default() };
        let scenario = check.scenario(&file, &self.defaults);
        match check.findings.first() {
            None => Ok(scenario),
            Some(Finding { path, found, right }) => Err(format!("{path}: found {found}; {right}")),
        }
    }
}

/// A fault of TOML's grammar or of the file's shape, as the parser tells it.
fn shape(source: &str, wrong: &toml::de::Error) -> Fault {
    let message = wrong.message().trim().replace('\n', "; ");
    let (found, right) = match message.split_once(", expected ") {
        Some((found, expected)) => (found.to_owned(), format!("expected {expected}")),
        None => (message, "`trialwright simulate --schema` gives the JSON Schema of scenarios".to_owned()),
    };
    let span = wrong.span().unwrap_or(0..0);
    // The path stays empty where the file is no TOML.
    let path = DeTable::parse(source).map_or_else(
        |_| String::new(),
        |table| match around(table.get_ref(), span.start) {
            path if path.is_empty() => "the file".to_owned(),
            path => path,
        },
    );
    fault(source, &path, span, found, right)
}

/// The path of the innermost key or value that holds a byte.
fn around(table: &DeTable<'_>, at: usize) -> String {
    let mut best = String::new();
    for (key, value) in table {
        let inner = match value.get_ref() {
            DeValue::Table(table) => around(table, at),
            DeValue::Array(list) => list
                .iter()
                .enumerate()
                .filter(|(_, item)| item.span().contains(&at))
                .map(|(index, item)| match item.get_ref() {
                    DeValue::Table(table) if !around(table, at).is_empty() => {
                        format!("[{index}].{}", around(table, at))
                    }
                    _ => format!("[{index}]"),
                })
                .next()
                .unwrap_or_default(),
            _ => String::new(),
        };
        if !inner.is_empty() {
            let dot = if inner.starts_with('[') { "" } else { "." };
            return format!("{}{dot}{inner}", key.get_ref());
        }
        if key.span().contains(&at) || value.span().contains(&at) {
            best = key.get_ref().to_string();
        }
    }
    best
}

fn fault(
    source: &str,
    path: &str,
    span: Range<usize>,
    found: impl Into<String>,
    right: impl Into<String>,
) -> Fault {
    let mut start = span.start.min(source.len());
    while !source.is_char_boundary(start) {
        start -= 1;
    }
    let before = &source[..start];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Fault {
        path: path.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        span: start..span.end.clamp(start, source.len()),
        found: found.into(),
        right: right.into(),
    }
}

/// The bytes a path such as `strata[1].share` leads to; where it leads nowhere, as for a missing key, the table it is missing
/// from.
fn place(table: &DeTable<'_>, path: &str) -> Range<usize> {
    let mut span = 0..0;
    let mut within = Some(table);
    let mut list: Option<&toml::de::DeArray<'_>> = None;
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        let value = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|index| list?.get(index)),
            None => within.and_then(|table| {
                let (key, value) = table.get_key_value(step)?;
                // A table of its own header spans no bytes of its own.
                if matches!(value.get_ref(), DeValue::Table(_)) {
                    span = key.span();
                }
                Some(value)
            }),
        };
        let Some(value) = value else { break };
        (within, list) = (None, None);
        match value.get_ref() {
            DeValue::Table(table) => {
                if step.ends_with(']') {
                    span = value.span();
                }
                within = Some(table);
            }
            DeValue::Array(array) => {
                span = value.span();
                list = Some(array);
            }
            _ => span = value.span(),
        }
    }
    span
}

struct Finding {
    path: String,
    found: String,
    right: String,
}

/// Judges values, remembers what is wrong and goes on.
#[derive(Default)]
struct Check {
    findings: Vec<Finding>,
    /// Whether values of a grid stand in for the file's, which may then say more than they need.
    swept: bool,
}

impl Check {
    /// What was found, each where it stands, in the order of the file.
    fn faults(self, source: &str) -> Vec<Fault> {
        let document = DeTable::parse(source).ok();
        let located = self.findings.into_iter().map(|finding| {
            let span = document.as_ref().map_or(0..0, |document| place(document.get_ref(), &finding.path));
            fault(source, &finding.path, span, finding.found, finding.right)
        });
        let mut faults: Vec<Fault> = located.collect();
        faults.sort_by(|a, b| (a.span.start, &a.path).cmp(&(b.span.start, &b.path)));
        faults
    }

    fn find(&mut self, path: impl Into<String>, found: impl Into<String>, right: impl Into<String>) {
        self.findings.push(Finding { path: path.into(), found: found.into(), right: right.into() });
    }

    /// A number within bounds, both allowed.
    fn within(&mut self, path: &str, value: f64, least: f64, most: f64) -> f64 {
        if (least..=most).contains(&value) {
            return value;
        }
        let right = if most.is_finite() {
            format!("a number from {least} to {most} is needed")
        } else {
            format!("a number of {least} or more is needed")
        };
        self.find(path, format!("the number {value}"), right);
        least
    }

    /// A finite number above 0.
    fn positive(&mut self, path: &str, value: f64) -> f64 {
        if value.is_finite() && value > 0.0 {
            return value;
        }
        self.find(path, format!("the number {value}"), "a number above 0 is needed");
        1.0
    }

    fn scenario(&mut self, file: &ScenarioFile, defaults: &Defaults) -> Scenario {
        let allocation = file.allocation.or(defaults.allocation).unwrap_or([1, 1]);
        if allocation.iter().any(|share| !(1..=20).contains(share)) {
            self.find(
                "allocation",
                format!("{allocation:?}"),
                "two whole numbers from 1 to 20, control first",
            );
        }
        let strata = self.strata(file);
        let design = self.design(file, defaults);
        let subjects = self.subjects(file, defaults, &design);
        let hazard = self.hazard(file);
        if file.follow_up.is_none() && hazard.last().is_some_and(|step| step.value == 0.0) {
            self.find(
                "control.hazard",
                "a hazard that ends in 0 and no end of the trial",
                "say `follow_up`, or a last hazard above 0",
            );
        }
        Scenario {
            subjects,
            allocation,
            blocks: self.blocks(file, allocation),
            accrual: self.accrual(file),
            follow_up: file.follow_up.map(|value| self.within("follow_up", value, 0.0, f64::MAX)),
            hazard,
            effect: self.effect(file, defaults),
            arms: [self.arm(file, 0), self.arm(file, 1)],
            analyses: self.analyses(file, strata.len() > 1),
            re_estimation: self.re_estimation(file, &design),
            strata,
            design,
        }
    }

    fn subjects(&mut self, file: &ScenarioFile, defaults: &Defaults, design: &Design) -> u32 {
        let Some(subjects) = file.subjects.or(defaults.subjects) else {
            self.find("subjects", "no `subjects`", "say how many, or name a `protocol` that does");
            return 2;
        };
        if !(2..=MOST_SUBJECTS).contains(&subjects) {
            self.find(
                "subjects",
                format!("{subjects}"),
                format!("from 2 to {MOST_SUBJECTS} can be simulated"),
            );
        } else if let Some(events) = design.events.filter(|events| *events > subjects && !self.swept) {
            let found = format!("{events} events of {subjects} subjects");
            self.find(
                if file.design.events.is_some() { "design.events" } else { "subjects" },
                found,
                "at most one event a subject can be seen",
            );
        }
        subjects.clamp(2, MOST_SUBJECTS)
    }

    fn blocks(&mut self, file: &ScenarioFile, allocation: [u32; 2]) -> Vec<u32> {
        let whole = allocation[0].saturating_add(allocation[1]).max(1);
        let Some(blocks) = &file.blocks else { return vec![whole.saturating_mul(2)] };
        if blocks.is_empty() || blocks.len() > MOST_ITEMS {
            self.find(
                "blocks",
                format!("{} sizes", blocks.len()),
                format!("from 1 to {MOST_ITEMS} sizes, as `[4, 6]`"),
            );
        }
        for (index, size) in blocks.iter().enumerate() {
            if *size == 0 || size % whole != 0 || *size > 1_000 {
                let right = format!("a multiple of {whole}, the sum of the allocation, up to 1000");
                self.find(format!("blocks[{index}]"), format!("a block of {size}"), right);
            }
        }
        blocks.clone()
    }

    fn strata(&mut self, file: &ScenarioFile) -> Vec<Stratum> {
        if file.strata.is_empty() {
            return vec![Stratum { share: 1.0, hazard_ratio: 1.0 }];
        }
        if file.strata.len() > MOST_ITEMS {
            self.find("strata", format!("{} strata", file.strata.len()), format!("at most {MOST_ITEMS}"));
        }
        let strata: Vec<Stratum> = file
            .strata
            .iter()
            .enumerate()
            .map(|(index, stratum)| Stratum {
                share: self.within(&format!("strata[{index}].share"), stratum.share, 0.0, 1.0),
                hazard_ratio: self
                    .positive(&format!("strata[{index}].hazard_ratio"), stratum.hazard_ratio.unwrap_or(1.0)),
            })
            .collect();
        let sum: f64 = strata.iter().map(|stratum| stratum.share).sum();
        if (sum - 1.0).abs() > 1e-6 {
            self.find("strata", format!("shares that sum to {sum}"), "the shares of all strata sum to 1");
        }
        strata
    }

    /// Steps whose first begins at 0 and each later one after the one before.
    fn steps(&mut self, path: &str, key: &str, steps: &[(f64, f64)], least: f64) -> Vec<Step> {
        if steps.len() > MOST_ITEMS {
            self.find(path, format!("{} steps", steps.len()), format!("at most {MOST_ITEMS}"));
        }
        let mut before = f64::NEG_INFINITY;
        let mut checked = Vec::with_capacity(steps.len());
        for (index, &(from, value)) in steps.iter().enumerate() {
            let right = if index == 0 {
                "the first step begins at 0"
            } else {
                "each step begins after the one before"
            };
            if !(from.is_finite() && from > before && (index > 0 || from == 0.0)) {
                self.find(format!("{path}[{index}].from"), format!("the number {from}"), right);
            }
            before = from;
            let value = self.within(&format!("{path}[{index}].{key}"), value, least, 1e6);
            checked.push(Step { from, value });
        }
        checked
    }

    fn accrual(&mut self, file: &ScenarioFile) -> Option<Accrual> {
        let accrual = file.accrual.as_ref()?;
        let rates: Vec<(f64, f64)> = accrual.rates.iter().map(|step| (step.from, step.rate)).collect();
        let duration = self.positive("accrual.duration", accrual.duration);
        let mut steps = self.steps("accrual.rates", "rate", &rates, 0.0);
        let late = |steps: &[Step]| steps.last().is_some_and(|step| step.value <= 0.0);
        if late(&steps) {
            self.find("accrual.rates", "a last rate of 0", "subjects must be able to come until all have");
        } else if let Some(last) = steps.last().filter(|step| step.from >= duration) {
            self.find(
                "accrual.rates",
                format!("a step at {}", last.from),
                format!("every step begins within the duration of {duration}"),
            );
        }
        if steps.is_empty() {
            steps.push(Step { from: 0.0, value: 1.0 });
        }
        Some(Accrual { duration, rates: steps, poisson: accrual.course == Course::Poisson })
    }

    fn hazard(&mut self, file: &ScenarioFile) -> Vec<Step> {
        let constant = |value| vec![Step { from: 0.0, value }];
        match (file.control.median, file.control.hazard.as_slice()) {
            (Some(median), []) => constant(std::f64::consts::LN_2 / self.positive("control.median", median)),
            (None, [_, ..]) => {
                let steps: Vec<(f64, f64)> =
                    file.control.hazard.iter().map(|step| (step.from, step.hazard)).collect();
                self.steps("control.hazard", "hazard", &steps, 0.0)
            }
            (Some(_), _) => {
                self.find("control.median", "a median and a hazard in steps", "one of the two");
                constant(1.0)
            }
            (None, []) => {
                self.find(
                    "control",
                    "neither `median` nor `hazard`",
                    "say the control arm's median, or its hazard in steps",
                );
                constant(1.0)
            }
        }
    }

    fn effect(&mut self, file: &ScenarioFile, defaults: &Defaults) -> Vec<Step> {
        let effect = &file.effect;
        if let [_, ..] = effect.steps.as_slice() {
            if effect.hazard_ratio.is_some() || effect.delay.is_some() {
                self.find("effect", "a hazard ratio and several in steps", "one of the two");
            }
            let steps: Vec<(f64, f64)> =
                effect.steps.iter().map(|step| (step.from, step.hazard_ratio)).collect();
            return self.steps("effect.steps", "hazard_ratio", &steps, 1e-6);
        }
        let Some(ratio) = effect.hazard_ratio.or(defaults.hazard_ratio) else {
            self.find(
                "effect.hazard_ratio",
                "no hazard ratio",
                "say it (1 is no effect), or name a `protocol` that does",
            );
            return Vec::new();
        };
        let ratio = self.within("effect.hazard_ratio", ratio, 1e-6, 1e6);
        let delay = effect.delay.map_or(0.0, |delay| self.within("effect.delay", delay, 0.0, 1e6));
        if delay == 0.0 {
            return vec![Step { from: 0.0, value: ratio }];
        }
        vec![Step { from: 0.0, value: 1.0 }, Step { from: delay, value: ratio }]
    }

    /// The values of an arm: its own, or else those of both.
    fn arm(&mut self, file: &ScenarioFile, arm: usize) -> Arm {
        let own = if arm == 0 {
            let control = &file.control;
            (control.dropout, control.lost_before_event, control.assessment, control.decision)
        } else {
            let other = &file.experimental;
            (other.dropout, other.lost_before_event, other.assessment, other.decision)
        };
        let path = |own: bool, key: &str| if own { format!("{}.{key}", ARMS[arm]) } else { key.to_owned() };
        // What both arms share is judged once.
        let once = |own: bool| own || arm == 0;
        let silent = |check: &mut Self, judge: bool, before: usize| {
            if !judge {
                check.findings.truncate(before);
            }
        };
        let before = self.findings.len();
        let dropout =
            own.0.or(file.dropout).map_or(0.0, |d| self.dropout(&path(own.0.is_some(), "dropout"), d));
        silent(self, once(own.0.is_some()), before);
        let before = self.findings.len();
        let before_event = own
            .1
            .or(file.lost_before_event)
            .map(|b| self.before_event(&path(own.1.is_some(), "lost_before_event"), b));
        silent(self, once(own.1.is_some()), before);
        let before = self.findings.len();
        let assessment =
            own.2.or(file.assessment).map(|a| self.assessment(&path(own.2.is_some(), "assessment"), a));
        silent(self, once(own.2.is_some()), before);
        let before = self.findings.len();
        let decision = own.3.or(file.decision).map_or(Decision::default(), |d| {
            self.decision(&path(own.3.is_some(), "decision"), d, assessment.is_some())
        });
        silent(self, once(own.3.is_some()), before);
        Arm { dropout, before_event, assessment, decision }
    }

    fn dropout(&mut self, path: &str, dropout: DropoutFile) -> f64 {
        let share = self.within(&format!("{path}.share"), dropout.share, 0.0, 0.999);
        let by = self.positive(&format!("{path}.by"), dropout.by);
        -libm::log1p(-share) / by
    }

    fn before_event(&mut self, path: &str, lost: BeforeEventFile) -> BeforeEvent {
        BeforeEvent {
            share: self.within(&format!("{path}.share"), lost.share, 0.0, 1.0),
            within: self.positive(&format!("{path}.within"), lost.within),
        }
    }

    fn assessment(&mut self, path: &str, assessment: AssessmentFile) -> Assessment {
        let every = self.within(&format!("{path}.every"), assessment.every, CLOSEST, f64::MAX);
        let jitter = assessment.jitter;
        if !(jitter >= 0.0 && jitter < every / 2.0) {
            let right = format!("from 0 to below {}, half the time between two assessments", every / 2.0);
            self.find(format!("{path}.jitter"), format!("the number {jitter}"), right);
        }
        Assessment {
            every,
            jitter,
            missed: self.within(&format!("{path}.missed"), assessment.missed, 0.0, MOST_CHANCE),
            known_to_the_day: self.within(
                &format!("{path}.known_to_the_day"),
                assessment.known_to_the_day,
                0.0,
                1.0,
            ),
        }
    }

    fn decision(&mut self, path: &str, decision: DecisionFile, assessed: bool) -> Decision {
        if !assessed {
            self.find(
                path,
                "decisions without assessments",
                "decisions are made at assessments: write an [assessment] table",
            );
        }
        Decision {
            put_off: self.within(&format!("{path}.put_off"), decision.put_off, 0.0, MOST_CHANCE),
            too_soon: self.within(&format!("{path}.too_soon"), decision.too_soon, 0.0, MOST_CHANCE),
        }
    }

    fn design(&mut self, file: &ScenarioFile, defaults: &Defaults) -> Design {
        let written = &file.design;
        let alpha = written.alpha.or(defaults.alpha).unwrap_or(0.05);
        let events = written.events.or(defaults.events);
        let looks = written.looks.clone().unwrap_or_else(|| vec![1.0]);
        let design = Design {
            alpha: self.within("design.alpha", alpha, 1e-6, 0.5),
            events,
            boundary: written.boundary.unwrap_or(Boundary::Spending(Spending::OBrienFleming)),
            futility: written.futility,
            binding: written.binding,
            looks,
        };
        if events.is_some_and(|events| events < 2) {
            self.find("design.events", "fewer than 2 events", "at least 2 are needed for a comparison");
        }
        if design.looks.len() > MOST_ITEMS || design.looks.is_empty() {
            self.find(
                "design.looks",
                format!("{} looks", design.looks.len()),
                format!("from 1 to {MOST_ITEMS}"),
            );
        } else if design.looks.len() > 1 && events.is_none() {
            self.find(
                "design.looks",
                "looks without events",
                "looks are parts of `design.events`: say how many",
            );
        } else if let Err(wrong) = design.boundaries() {
            let path = if written.looks.is_some() { "design.looks" } else { "design" };
            self.find(path, format!("no boundaries ({wrong})"), "parts that grow to 1, as `[0.5, 1.0]`");
        }
        if design.binding && design.futility.is_none() {
            self.find("design.binding", "a binding boundary that is not there", "say `futility`");
        }
        design
    }

    fn analyses(&mut self, file: &ScenarioFile, strata: bool) -> Vec<Analysis> {
        if file.analyses.is_empty() {
            let analysis = |id: &str, method| Analysis { id: id.to_owned(), method, stratified: strata };
            return vec![analysis("log-rank", Method::LogRank), analysis("cox", Method::Cox)];
        }
        if file.analyses.len() > MOST_ITEMS {
            self.find(
                "analyses",
                format!("{} analyses", file.analyses.len()),
                format!("at most {MOST_ITEMS}"),
            );
        }
        let mut analyses: Vec<Analysis> = Vec::new();
        for (index, written) in file.analyses.iter().enumerate() {
            let path = |key: &str| format!("analyses[{index}].{key}");
            if written.id.trim().is_empty() || analyses.iter().any(|before| before.id == written.id) {
                self.find(path("id"), format!("{:?}", written.id), "a name that no other analysis has");
            }
            let needs = |name: MethodName| written.method == name;
            for (key, value, method) in [
                ("rho", written.rho, MethodName::FlemingHarrington),
                ("gamma", written.gamma, MethodName::FlemingHarrington),
                ("until", written.until, MethodName::RestrictedMean),
            ] {
                if value.is_some() && !needs(method) {
                    self.find(path(key), format!("`{key}`"), "this method has no such number");
                }
            }
            let method = match written.method {
                MethodName::LogRank => Method::LogRank,
                MethodName::Cox => Method::Cox,
                MethodName::MaxCombo => Method::MaxCombo,
                MethodName::FlemingHarrington => Method::FlemingHarrington {
                    rho: self.within(&path("rho"), written.rho.unwrap_or(0.0), 0.0, 10.0),
                    gamma: self.within(&path("gamma"), written.gamma.unwrap_or(0.0), 0.0, 10.0),
                },
                MethodName::RestrictedMean => {
                    if written.until.is_none() {
                        self.find(path("until"), "no `until`", "say until which time the mean is restricted");
                    }
                    Method::RestrictedMean {
                        until: self.positive(&path("until"), written.until.unwrap_or(1.0)),
                    }
                }
            };
            let apart = matches!(method, Method::RestrictedMean { .. });
            if apart && written.stratified == Some(true) {
                self.find(path("stratified"), "true", "restricted means are compared without strata");
            }
            let stratified = strata && !apart && written.stratified.unwrap_or(true);
            analyses.push(Analysis { id: written.id.clone(), method, stratified });
        }
        analyses
    }

    fn re_estimation(&mut self, file: &ScenarioFile, design: &Design) -> Option<ReEstimation> {
        let written = file.re_estimation?;
        if design.looks.len() < 2 {
            self.find(
                "re_estimation",
                "one look",
                "events are added at the look before the last: write `design.looks`",
            );
        }
        let target = self.within("re_estimation.target", written.target, 0.01, 0.999);
        Some(ReEstimation {
            from: self.within("re_estimation.from", written.from, 0.0, target),
            target,
            most: self.within("re_estimation.most", written.most, 1.0, 10.0),
            weighted: written.weighted.unwrap_or(true),
        })
    }

    fn sweep(&mut self, file: &ScenarioFile) {
        for parameter in Parameter::ALL {
            let values = file.sweep.values(parameter);
            let path = format!("sweep.{}", parameter.key());
            if values.len() > MOST_ITEMS {
                self.find(path.clone(), format!("{} values", values.len()), format!("at most {MOST_ITEMS}"));
            }
            if let (Some(value), Err(why)) =
                (values.first(), values.first().map_or(Ok(()), |v| file.clone().set(parameter, *v)))
            {
                self.find(
                    path,
                    format!("{value}: {why}"),
                    "sweep a value that the scenario states by itself",
                );
            }
        }
    }
}

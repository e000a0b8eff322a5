//! What a protocol file says of itself: that names lead somewhere, numbers agree and nothing contradicts itself.
//!
//! Never looks at shape (see `shape`) nor into forms (see `forms`).

use std::collections::{BTreeMap, BTreeSet};

use statrs::distribution::{ContinuousCDF, Normal};

use super::forms::{self, Names};
use super::place::{Finding, Path, hint};
use crate::concept::ATTRIBUTIONS;
use crate::condition::Condition;
use crate::plan;
use crate::protocol::{
    Analysis, AnalysisRole, Concept, Endpoint, EndpointRole, EventCause, Form, Method, Origin, Protocol,
    Visit,
};

/// Strata beyond this number leave blocks that never fill.
const MOST_STRATA: usize = 200;
/// The largest block: a larger one balances too late to be of use.
const MOST_BLOCK: u32 = 100;
/// A repeating visit is looked at for overlap so many times.
const MOST_REPEATS: i64 = 1_000;

/// Every contradiction of `protocol`.
pub fn findings(protocol: &Protocol) -> Vec<Finding> {
    let mut look = Look { protocol, names: Names::of(protocol), findings: Vec::new() };
    look.identity();
    look.arms();
    look.eligibility();
    look.stratification();
    look.randomisation();
    look.schedule();
    look.findings.extend(forms::findings(protocol, &look.names));
    look.tumour();
    look.sabr();
    look.endpoints();
    look.analyses();
    look.quality_of_life();
    look.safety();
    look.plan();
    look.findings
}

struct Look<'a> {
    protocol: &'a Protocol,
    names: Names<'a>,
    findings: Vec<Finding>,
}

fn root(key: &str) -> Path {
    Path::default().key(key)
}

/// A finding for each id that stands twice in a list at `path`.
pub fn unique<'a>(path: &Path, key: &str, ids: impl IntoIterator<Item = &'a str>) -> Vec<Finding> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut findings = Vec::new();
    for (index, id) in ids.into_iter().enumerate() {
        if let Some(before) = first.get(id) {
            findings.push(Finding::new(
                path.index(index).key(key),
                format!("`{id}` again"),
                format!("it stands at {path}[{before}] already; each {key} stands once"),
            ));
        } else {
            first.insert(id, index);
        }
    }
    findings
}

fn listed<'a>(known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() { "there is none".into() } else { format!("there is {}", known.join(", ")) }
}

impl Look<'_> {
    fn find(&mut self, path: Path, found: impl Into<String>, right: impl Into<String>) {
        self.findings.push(Finding::new(path, found, right));
    }

    /// As `find`, of something concluded from the values at `from`.
    fn conclude(
        &mut self,
        path: Path,
        from: impl IntoIterator<Item = Path>,
        found: impl Into<String>,
        right: impl Into<String>,
    ) {
        self.findings.push(Finding::new(path, found, right).resting_on(from));
    }

    fn unique<'b>(&mut self, path: &Path, ids: impl IntoIterator<Item = &'b str>) {
        self.findings.extend(unique(path, "id", ids));
    }

    fn forms_of(&self, concept: Concept) -> impl Iterator<Item = &Form> {
        self.protocol.forms.iter().filter(move |form| form.concept == concept)
    }

    fn has_form(&self, concept: Concept) -> bool {
        self.forms_of(concept).next().is_some()
    }

    fn has_strategy(&self) -> bool {
        self.protocol.arms.iter().any(|arm| arm.strategy.is_some())
    }

    fn identity(&mut self) {
        let trial = &self.protocol.trial;
        let path = root("trial");
        if let (Some(start), Some(end)) = (trial.planned_start, trial.planned_end)
            && end.last() < start.first()
        {
            self.find(
                path.key("planned_end"),
                format!("{end}"),
                format!("it must not come before planned_start, {start}"),
            );
        }
        if trial.participants < 2 {
            self.find(
                path.key("participants"),
                trial.participants.to_string(),
                "a randomised trial has 2 or more",
            );
        }
        self.sample_size(&path.key("sample_size"));
    }

    fn sample_size(&mut self, path: &Path) {
        let Some(size) = &self.protocol.trial.sample_size else { return };
        let endpoints = || self.protocol.endpoints.iter().map(|endpoint| endpoint.id.as_str());
        if !endpoints().any(|id| id == size.endpoint) {
            let right =
                hint(&size.endpoint, endpoints(), || format!("name an endpoint: {}", listed(endpoints())));
            self.find(
                path.key("endpoint"),
                format!("endpoint `{}`, which does not exist", size.endpoint),
                right,
            );
        }
        #[allow(clippy::float_cmp)] // exactly one is no effect
        if size.hazard_ratio == 1.0 {
            self.find(path.key("hazard_ratio"), "1", "a hazard ratio of 1 is no difference to detect");
            return;
        }
        let allowed = f64::from(self.protocol.trial.participants) * (1.0 - size.loss.unwrap_or(0.0));
        if f64::from(size.events) > allowed {
            let right = format!(
                "{} participants{} allow at most {} events",
                self.protocol.trial.participants,
                size.loss.map_or_else(String::new, |loss| format!(", {} % of them lost,", loss * 100.0)),
                allowed.floor()
            );
            let from = [root("trial").key("participants"), path.key("loss")];
            self.conclude(path.key("events"), from, size.events.to_string(), right);
        }
        let schoenfeld =
            size.method.as_deref().is_some_and(|method| method.to_lowercase().contains("schoenfeld"));
        if let Some(events) = self.schoenfeld().filter(|events| schoenfeld && *events != size.events) {
            let right = format!(
                "Schoenfeld's formula gives {events} events for a hazard ratio of {}, two-sided {} and power {}",
                size.hazard_ratio, size.alpha, size.power
            );
            let mut from: Vec<Path> = ["hazard_ratio", "alpha", "power"].map(|key| path.key(key)).into();
            from.extend((0..self.protocol.arms.len()).map(|at| root("arms").index(at).key("ratio")));
            self.conclude(path.key("events"), from, size.events.to_string(), right);
        }
    }

    /// Events needed: `(z(1 - alpha/2) + z(power))^2 / (p (1 - p) ln(HR)^2)`, two arms (Schoenfeld, Biometrics
    /// 1983;39:499-503).
    fn schoenfeld(&self) -> Option<u32> {
        let size = self.protocol.trial.sample_size.as_ref()?;
        let [a, b] = self.protocol.arms.as_slice() else { return None };
        let normal = Normal::new(0.0, 1.0).ok()?;
        let share = f64::from(a.ratio) / f64::from(a.ratio + b.ratio);
        let z = normal.inverse_cdf(1.0 - size.alpha / 2.0) + normal.inverse_cdf(size.power);
        let events = (z / size.hazard_ratio.ln()).powi(2) / (share * (1.0 - share));
        // A hair above a whole number is rounding, not one more event.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // finite and positive, or saturated
        events.is_finite().then(|| (events - 1e-9).ceil() as u32)
    }

    /// Statements of the plan: each answers an item that the guideline has, or an attribute of an endpoint's estimand.
    fn plan(&mut self) {
        let endpoints = || self.protocol.endpoints.iter().map(|endpoint| endpoint.id.as_str());
        let items = || plan::ITEMS.iter().map(|asked| asked.id).chain(plan::ATTRIBUTES);
        let mut found = Vec::new();
        for (at, statement) in self.protocol.plan.iter().enumerate() {
            let path = root("plan").index(at);
            let (item, attribute) = (&statement.item, plan::is_attribute(&statement.item));
            if !items().any(|known| known == item) {
                let right = hint(item, items(), || {
                    format!(
                        "name one of the guideline's, as in `13a`, or one of {}",
                        plan::ATTRIBUTES.join(", ")
                    )
                });
                found.push((
                    path.key("item"),
                    format!("item `{item}`, which the guideline does not have"),
                    right,
                ));
            }
            match &statement.endpoint {
                Some(id) if !endpoints().any(|known| known == id) => {
                    let right =
                        hint(id, endpoints(), || format!("name an endpoint: {}", listed(endpoints())));
                    found.push((
                        path.key("endpoint"),
                        format!("endpoint `{id}`, which does not exist"),
                        right,
                    ));
                }
                Some(_) if !attribute => {
                    let right = format!(
                        "an endpoint goes with an attribute of its estimand: {}",
                        plan::ATTRIBUTES.join(", ")
                    );
                    found.push((path.key("endpoint"), format!("an endpoint with item `{item}`"), right));
                }
                None if attribute => {
                    let right = format!("name the endpoint: {}", listed(endpoints()));
                    found.push((path.key("item"), format!("`{item}` of no endpoint"), right));
                }
                _ => {}
            }
        }
        for (path, what, right) in found {
            self.find(path, what, right);
        }
    }

    fn arms(&mut self) {
        let path = root("arms");
        let arms = &self.protocol.arms;
        self.unique(&path, arms.iter().map(|arm| arm.id.as_str()));
        if arms.len() < 2 {
            self.find(path.clone(), format!("{} arms", arms.len()), "a randomised trial has 2 or more");
        }
        let controls: Vec<usize> = (0..arms.len()).filter(|at| arms[*at].control).collect();
        match controls.as_slice() {
            [_] => {}
            [] => {
                let from: Vec<Path> = (0..arms.len()).map(|at| path.index(at).key("control")).collect();
                let right = "write `control = true` in the arm the others are compared with";
                self.conclude(path.clone(), from, "no control arm", right);
            }
            [_, more @ ..] => {
                for at in more {
                    self.find(
                        path.index(*at).key("control"),
                        "a second control arm",
                        "exactly one arm is the control",
                    );
                }
            }
        }
        for (at, arm) in arms.iter().enumerate() {
            let Some(strategy) = &arm.strategy else { continue };
            let path = path.index(at).key("strategy");
            if strategy.max_lesions > 100 {
                self.find(
                    path.key("max_lesions"),
                    strategy.max_lesions.to_string(),
                    "it must be 100 or less",
                );
            }
            if strategy.within_days > 365 {
                self.find(
                    path.key("within_days"),
                    strategy.within_days.to_string(),
                    "it must be 365 days or less",
                );
            }
        }
    }

    fn eligibility(&mut self) {
        let path = root("eligibility");
        self.unique(&path, self.protocol.eligibility.iter().map(|criterion| criterion.id.as_str()));
        for (at, criterion) in self.protocol.eligibility.iter().enumerate() {
            self.over_subject(&path.index(at).key("condition"), &criterion.condition);
        }
    }

    /// A condition over what is known of a subject: names lead to items or derived names, and none asks for absence.
    fn over_subject(&mut self, path: &Path, condition: &Condition) {
        let found = self.names.over_subject(path, condition);
        self.findings.extend(found);
        if condition.reads_absence() {
            self.find(
                path.clone(),
                format!("the condition `{condition}`"),
                "`given()` is for forms only: of a subject, what is not there yet is unknown by itself",
            );
        }
    }

    fn stratification(&mut self) {
        let path = root("stratification");
        let factors = &self.protocol.stratification;
        self.unique(&path, factors.iter().map(|factor| factor.id.as_str()));
        let mut strata = 1_usize;
        for (at, factor) in factors.iter().enumerate() {
            let path = path.index(at).key("levels");
            strata = strata.saturating_mul(factor.levels.len().max(1));
            self.unique(&path, factor.levels.iter().map(|level| level.id.as_str()));
            if factor.levels.len() < 2 {
                self.find(path.clone(), format!("{} levels", factor.levels.len()), "a factor has 2 or more");
            }
            for (at, level) in factor.levels.iter().enumerate() {
                self.over_subject(&path.index(at).key("condition"), &level.condition);
            }
        }
        if strata > MOST_STRATA {
            self.find(path, format!("{strata} strata"), format!("at most {MOST_STRATA} can be balanced"));
        }
    }

    fn randomisation(&mut self) {
        let path = root("randomisation");
        let rule = &self.protocol.randomisation;
        let sum: u32 = self.protocol.arms.iter().map(|arm| arm.ratio).sum();
        let blocks = path.key("block_sizes");
        match rule.method {
            Method::PermutedBlocks if rule.block_sizes.is_empty() => {
                self.find(blocks, "no block size", format!("permuted blocks need sizes, multiples of {sum}"));
            }
            Method::PermutedBlocks => {
                let mut seen = BTreeSet::new();
                for (at, size) in rule.block_sizes.iter().enumerate() {
                    if *size == 0 || sum == 0 || size % sum != 0 {
                        let right = format!("it must be a multiple of {sum}, the sum of the arms' ratios");
                        let ratios: Vec<Path> = (0..self.protocol.arms.len())
                            .map(|at| root("arms").index(at).key("ratio"))
                            .collect();
                        self.conclude(blocks.index(at), ratios, size.to_string(), right);
                    } else if *size > MOST_BLOCK {
                        self.find(
                            blocks.index(at),
                            size.to_string(),
                            format!("it must be {MOST_BLOCK} or less"),
                        );
                    } else if !seen.insert(size) {
                        self.find(blocks.index(at), format!("{size} again"), "each size stands once");
                    }
                }
            }
            Method::Minimisation => {
                if !rule.block_sizes.is_empty() {
                    self.find(blocks, "block sizes", "minimisation has no blocks: leave them out");
                }
                if self.protocol.stratification.is_empty() {
                    self.find(
                        path.key("method"),
                        "minimisation",
                        "it needs stratification factors to balance",
                    );
                }
            }
        }
    }

    fn schedule(&mut self) {
        let path = root("schedule").key("visits");
        let visits = &self.protocol.schedule.visits;
        self.unique(&path, visits.iter().map(|visit| visit.id.as_str()));
        if visits.is_empty() {
            self.find(path.clone(), "no visit", "at least one visit is scheduled");
        }
        for (at, visit) in visits.iter().enumerate() {
            self.visit(&path.index(at), visit);
        }
        self.overlaps(&path);
    }

    fn visit(&mut self, path: &Path, visit: &Visit) {
        let known = || self.protocol.forms.iter().map(|form| form.id.as_str());
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (at, id) in visit.forms.iter().enumerate() {
            let path = path.key("forms").index(at);
            match self.protocol.forms.iter().find(|form| form.id == *id) {
                None => {
                    let right = hint(id, known(), || format!("name a form: {}", listed(known())));
                    found.push(Finding::new(path, format!("form `{id}`, which does not exist"), right));
                }
                Some(form) if form.log => {
                    let right =
                        "a log form is filled outside the visits: take it out here, or `log` out there";
                    found.push(Finding::new(path, format!("form `{id}`, which is a log"), right));
                }
                Some(_) if !seen.insert(id) => {
                    found.push(Finding::new(
                        path,
                        format!("form `{id}` again"),
                        "each form stands once in a visit",
                    ));
                }
                Some(_) => {}
            }
        }
        self.findings.extend(found);
        if let Some(every) = visit.every_days
            && every <= visit.window_before + visit.window_after
        {
            let window = visit.window_before + visit.window_after + 1;
            let right =
                format!("its windows of {window} days would overlap: repeat it less often or narrow them");
            self.find(path.key("every_days"), format!("every {every} days"), right);
        }
    }

    /// Windows of two visits that share a day: a form then could belong to either.
    fn overlaps(&mut self, path: &Path) {
        let horizon = i64::from(self.protocol.schedule.follow_up_months) * 31 + 3_660;
        let visits = &self.protocol.schedule.visits;
        let windows = |visit: &Visit| -> Vec<(i64, i64)> {
            let every = i64::from(visit.every_days.unwrap_or(0));
            let repeats = if every > 0 { ((horizon - visit.day) / every).clamp(0, MOST_REPEATS) } else { 0 };
            (0..=repeats)
                .map(|n| visit.day + n * every)
                .map(|day| (day - i64::from(visit.window_before), day + i64::from(visit.window_after)))
                .collect()
        };
        let expanded: Vec<Vec<(i64, i64)>> = visits.iter().map(windows).collect();
        for (at, later) in visits.iter().enumerate() {
            for (before, earlier) in visits.iter().enumerate().take(at) {
                let shared = expanded[at].iter().find_map(|(opens, closes)| {
                    let near = expanded[before].partition_point(|(_, closes)| closes < opens);
                    expanded[before]
                        .get(near)
                        .filter(|(other, _)| other <= closes)
                        .map(|(other, _)| (*other).max(*opens))
                });
                if let Some(day) = shared {
                    self.find(
                        path.index(at),
                        format!("visit `{}`, open on day {day} after randomisation", later.id),
                        format!("visit `{}` is open on that day too: windows may not overlap", earlier.id),
                    );
                }
            }
        }
    }

    fn tumour(&mut self) {
        let path = root("tumour");
        let rules = &self.protocol.tumour;
        if rules.max_targets == 0 {
            self.find(path.key("max_targets"), "0", "at least one target is allowed (RECIST 1.1: 5)");
        }
        if rules.max_targets_per_organ == 0 || rules.max_targets_per_organ > rules.max_targets {
            let right = format!("it must lie between 1 and max_targets, {}", rules.max_targets);
            self.find(path.key("max_targets_per_organ"), rules.max_targets_per_organ.to_string(), right);
        }
        if rules.normal_node_mm > rules.measurable_node_mm {
            let right =
                format!("a normal node is smaller than a measurable one, {} mm", rules.measurable_node_mm);
            self.find(path.key("normal_node_mm"), format!("{} mm", rules.normal_node_mm), right);
        }
        let lengths = [
            ("measurable_mm", rules.measurable_mm),
            ("measurable_node_mm", rules.measurable_node_mm),
            ("normal_node_mm", rules.normal_node_mm),
            ("progression_mm", rules.progression_mm),
            ("too_small_mm", rules.too_small_mm),
            ("lesion_mm", rules.lesion_mm),
        ];
        for (key, mm) in lengths.into_iter().filter(|(_, mm)| !(0.0..=500.0).contains(mm)) {
            self.find(path.key(key), format!("{mm} mm"), "it must lie between 0 and 500 mm");
        }
        let shares = [
            ("progression_relative", rules.progression_relative, 5.0),
            ("response_relative", rules.response_relative, 1.0),
            ("lesion_relative", rules.lesion_relative, 5.0),
        ];
        for (key, share, most) in
            shares.into_iter().filter(|(_, share, most)| !(*share > 0.0 && share <= most))
        {
            self.find(
                path.key(key),
                share.to_string(),
                format!("a share over 0 and up to {most}, as in 0.2 for 20 %"),
            );
        }
    }

    fn sabr(&mut self) {
        let path = root("sabr");
        let rules = &self.protocol.sabr;
        let ratios =
            [("alpha_beta_tumour", rules.alpha_beta_tumour), ("alpha_beta_late", rules.alpha_beta_late)];
        for (key, ratio) in ratios.into_iter().filter(|(_, ratio)| !(*ratio > 0.0 && *ratio <= 100.0)) {
            self.find(path.key(key), format!("{ratio} Gy"), "it must be over 0 and at most 100 Gy");
        }
        for (at, schedule) in rules.schedules.iter().enumerate() {
            let path = path.key("schedules").index(at);
            if !(schedule.total_gy > 0.0 && schedule.total_gy <= 200.0) {
                self.find(
                    path.key("total_gy"),
                    format!("{} Gy", schedule.total_gy),
                    "it must be over 0 and at most 200 Gy",
                );
            }
            if !(1..=60).contains(&schedule.fractions) {
                self.find(
                    path.key("fractions"),
                    schedule.fractions.to_string(),
                    "it must lie between 1 and 60",
                );
            }
        }
    }

    fn endpoints(&mut self) {
        let path = root("endpoints");
        let endpoints = &self.protocol.endpoints;
        self.unique(&path, endpoints.iter().map(|endpoint| endpoint.id.as_str()));
        let primary: Vec<usize> =
            (0..endpoints.len()).filter(|at| endpoints[*at].role == EndpointRole::Primary).collect();
        match primary.as_slice() {
            [_] => {}
            [] => {
                let roles: Vec<Path> = (0..endpoints.len()).map(|at| path.index(at).key("role")).collect();
                self.conclude(
                    path.clone(),
                    roles,
                    "no primary endpoint",
                    "write `role = \"primary\"` in exactly one",
                );
            }
            [first, more @ ..] => {
                let first = path.index(*first).key("role");
                for at in more {
                    let right = "exactly one is primary";
                    self.conclude(
                        path.index(*at).key("role"),
                        [first.clone()],
                        "a second primary endpoint",
                        right,
                    );
                }
            }
        }
        for (at, endpoint) in endpoints.iter().enumerate() {
            self.endpoint(&path.index(at), endpoint);
        }
    }

    fn endpoint(&mut self, path: &Path, endpoint: &Endpoint) {
        let events = path.key("events");
        if endpoint.events.is_empty() {
            self.find(
                events.clone(),
                "no event",
                "name what ends the endpoint, as in `events = [\"death\"]`",
            );
        }
        let mut seen = BTreeSet::new();
        for (at, event) in endpoint.events.iter().enumerate() {
            if !seen.insert(event) {
                self.find(events.index(at), "an event again", "each stands once");
            }
            self.event(&events.index(at), *event);
        }
        if endpoint.origin == Origin::StrategyFailure {
            if endpoint.events.contains(&EventCause::StrategyFailure) {
                self.find(
                    path.key("origin"),
                    "strategy_failure, which is an event too",
                    "an endpoint cannot end where it begins",
                );
            }
            self.needs_strategy(&path.key("origin"));
        }
        let rules = &endpoint.rules;
        self.rules(
            &path.key("rules"),
            rules.censor_after_missed,
            rules.pending.is_some(),
            rules.deviation_sabr.is_some(),
        );
    }

    fn event(&mut self, path: &Path, event: EventCause) {
        let (what, needed): (&str, &[Concept]) = match event {
            EventCause::StrategyFailure => return self.needs_strategy(path),
            EventCause::Progression => {
                ("progression", &[Concept::TumourAssessment, Concept::ClinicalProgression])
            }
            EventCause::NextLineProgression => ("next_line_progression", &[Concept::SystemicTherapy]),
            EventCause::Death => ("death", &[Concept::Death]),
        };
        if !needed.iter().any(|concept| self.has_form(*concept)) {
            let concept = forms::concept_name(needed[0]);
            let concepts: Vec<Path> =
                (0..self.protocol.forms.len()).map(|at| root("forms").index(at).key("concept")).collect();
            let right = format!("add a form with `concept = \"{concept}\"`");
            self.conclude(path.clone(), concepts, format!("{what}, which no form records"), right);
        }
    }

    fn needs_strategy(&mut self, path: &Path) {
        let without: Vec<&str> = self
            .protocol
            .arms
            .iter()
            .filter(|arm| arm.strategy.is_none())
            .map(|arm| arm.id.as_str())
            .collect();
        if !without.is_empty() {
            let right = format!("write `[arms.strategy]` for arm {}", without.join(", "));
            self.find(path.clone(), "strategy_failure, which not every arm defines", right);
        }
    }

    fn rules(&mut self, path: &Path, missed: Option<u32>, pending: bool, deviation: bool) {
        if let Some(missed) = missed.filter(|missed| !(1..=50).contains(missed)) {
            self.find(path.key("censor_after_missed"), missed.to_string(), "it must lie between 1 and 50");
        }
        if pending && !self.has_strategy() {
            self.find(
                path.key("pending"),
                "a rule for pending strategy decisions",
                "no arm has a strategy: leave it out",
            );
        }
        if deviation && !self.has_form(Concept::SabrCourse) {
            self.find(path.key("deviation_sabr"), "a rule for SABR", "no form records SABR: leave it out");
        }
    }

    fn analyses(&mut self) {
        let path = root("analyses");
        let analyses = &self.protocol.analyses;
        let ids = analyses.iter().map(|analysis| analysis.id.as_str());
        self.unique(&path, ids);
        for (at, analysis) in analyses.iter().enumerate() {
            self.analysis(&path.index(at), analysis);
        }
        for (at, endpoint) in self.protocol.endpoints.iter().enumerate() {
            let mains: Vec<usize> = (0..analyses.len())
                .filter(|at| {
                    analyses[*at].endpoint == endpoint.id && analyses[*at].role == AnalysisRole::Main
                })
                .collect();
            match mains.as_slice() {
                [_] => {}
                [] => self.conclude(
                    root("endpoints").index(at),
                    (0..analyses.len())
                        .flat_map(|at| ["role", "endpoint"].map(|key| path.index(at).key(key))),
                    format!("endpoint `{}` without a main analysis", endpoint.id),
                    format!("add `[[analyses]]` with `endpoint = \"{}\"` and `role = \"main\"`", endpoint.id),
                ),
                [_, more @ ..] => {
                    for at in more {
                        let found = format!("a second main analysis of `{}`", endpoint.id);
                        self.find(
                            path.index(*at),
                            found,
                            "each endpoint has one; write `role = \"sensitivity\"`",
                        );
                    }
                }
            }
        }
    }

    fn analysis(&mut self, path: &Path, analysis: &Analysis) {
        let known = || self.protocol.endpoints.iter().map(|endpoint| endpoint.id.as_str());
        if !known().any(|id| id == analysis.endpoint) {
            let right =
                hint(&analysis.endpoint, known(), || format!("name an endpoint: {}", listed(known())));
            self.find(
                path.key("endpoint"),
                format!("endpoint `{}`, which does not exist", analysis.endpoint),
                right,
            );
        }
        if analysis.stratified && self.protocol.stratification.is_empty() {
            self.find(path.key("stratified"), "true", "the protocol has no stratification: leave it out");
        }
        let rules = &analysis.rules;
        self.rules(
            &path.key("rules"),
            rules.censor_after_missed,
            rules.pending.is_some(),
            rules.deviation_sabr.is_some(),
        );
        let main = self.protocol.analyses.iter().find(|main| {
            main.endpoint == analysis.endpoint && main.role == AnalysisRole::Main && main.id != analysis.id
        });
        if let Some(main) = main
            && analysis.role == AnalysisRole::Sensitivity
            && main.rules == analysis.rules
            && main.stratified == analysis.stratified
            && main.ties == analysis.ties
        {
            let found = format!("a sensitivity analysis that does what `{}` does", main.id);
            let from = ["rules", "stratified", "ties", "role"].map(|key| path.key(key));
            self.conclude(path.clone(), from, found, "switch a rule, the stratification or the ties");
        }
    }

    fn quality_of_life(&mut self) {
        let Some(rule) = &self.protocol.quality_of_life else { return };
        let path = root("quality_of_life");
        let known: Vec<&str> = self.forms_of(Concept::FactB).map(|form| form.id.as_str()).collect();
        if !known.contains(&rule.form.as_str()) {
            let right = hint(&rule.form, known.iter().copied(), || {
                format!("name a form with `concept = \"fact_b\"`: {}", listed(known.iter().copied()))
            });
            self.find(path.key("form"), format!("form `{}`, which is no FACT-B", rule.form), right);
        }
        if rule.weeks.first() != Some(&0) {
            self.find(path.key("weeks"), "weeks without 0", "the baseline is week 0, and the first");
        }
        for (at, pair) in rule.weeks.windows(2).enumerate() {
            if pair[1] <= pair[0] {
                let right = format!("weeks rise: it comes after {}", pair[0]);
                self.find(path.key("weeks").index(at + 1), pair[1].to_string(), right);
            }
        }
        if rule.auc_to_week == 0 || rule.auc_to_week > rule.weeks.last().copied().unwrap_or(0) {
            self.find(
                path.key("auc_to_week"),
                rule.auc_to_week.to_string(),
                "the area ends at a week that is measured",
            );
        }
        self.due_weeks(&path, &rule.form, &rule.weeks);
        self.unique(&path.key("sensitivity"), rule.sensitivity.iter().map(|switch| switch.id.as_str()));
        for (at, switch) in rule.sensitivity.iter().enumerate() {
            if switch.after_last.is_none() && switch.death.is_none() {
                self.find(
                    path.key("sensitivity").index(at),
                    "an analysis that switches nothing",
                    "give `after_last` or `death`",
                );
            }
        }
    }

    /// Every week of the questionnaire falls into the window of a visit at which its form is due.
    fn due_weeks(&mut self, path: &Path, form: &str, weeks: &[u32]) {
        for (at, week) in weeks.iter().enumerate() {
            let day = i64::from(*week) * 7;
            let due = self.protocol.schedule.visits.iter().any(|visit| {
                let nearest = match visit.every_days {
                    Some(every) if every > 0 && day > visit.day => {
                        visit.day
                            + ((day - visit.day + i64::from(every) / 2) / i64::from(every)) * i64::from(every)
                    }
                    _ => visit.day,
                };
                visit.forms.iter().any(|due| due == form)
                    && (nearest - i64::from(visit.window_before)..=nearest + i64::from(visit.window_after))
                        .contains(&day)
            });
            if !due {
                let right = format!(
                    "no visit with form `{form}` is open on day {day}: schedule one, or leave the week out"
                );
                self.find(path.key("weeks").index(at), format!("week {week}"), right);
            }
        }
    }

    fn safety(&mut self) {
        let path = root("safety");
        let rule = &self.protocol.safety;
        for (at, code) in rule.related.iter().enumerate() {
            if !ATTRIBUTIONS.contains(&code.as_str()) {
                let right = hint(code, ATTRIBUTIONS.iter().copied(), || {
                    format!("one of {}", ATTRIBUTIONS.join(", "))
                });
                self.find(path.key("related").index(at), format!("`{code}`"), right);
            }
        }
        if rule.attributed_to.is_empty() && self.has_form(Concept::AdverseEvent) {
            let right = "name the items of the adverse event that say what it is related to, as in `attributed_to = { AEREL = \"treatment\" }`";
            self.find(path.key("attributed_to"), "no attribution", right);
        }
    }
}

//! Boundaries of a group-sequential design, in z, p and hazard ratios.
//!
//! Never chooses a boundary: the default is the command line's, told in its help.

use ::survival::Error;
use ::survival::design::sequential::{EventPlan, Exits, Futility, GroupSequential, Plan};
use serde::Serialize;

use super::start::Start;
use super::{Options, percent};
use crate::graph::short;
use crate::output::{table, told as as_text};

/// A design with looks.
#[derive(Serialize)]
pub struct Sequential {
    #[serde(flatten)]
    pub design: GroupSequential,
    pub plan: EventPlan,
    pub exits_without_effect: Exits,
    pub exits_with_effect: Exits,
}

/// What was planned, with these information fractions.
pub fn plan(options: &Options, start: &Start, information: Vec<f64>) -> Plan {
    let futility = match options.futility {
        None => Futility::None,
        Some(spending) if options.binding => Futility::Binding(spending),
        Some(spending) => Futility::NonBinding(spending),
    };
    Plan {
        information,
        alpha: start.one_sided(),
        power: start.power,
        two_sided: options.futility.is_none(),
        efficacy: options.boundary.clone(),
        futility,
    }
}

impl Sequential {
    /// None where no looks were asked for.
    pub fn new(options: &Options, start: &Start) -> Result<Option<Self>, Error> {
        let Some(looks) = &options.looks else { return Ok(None) };
        let design = GroupSequential::new(&plan(options, start, looks.0.clone()))?;
        Ok(Some(Self {
            plan: design.events(start.formula, start.hazard_ratio, start.allocation)?,
            exits_without_effect: design.exits(0.0),
            exits_with_effect: design.exits(design.drift),
            design,
        }))
    }

    pub fn told(&self) -> String {
        let (design, plan) = (&self.design, &self.plan);
        let lower = if design.two_sided { "Harm" } else { "Futility" };
        let mut rows = table([
            "Look",
            "Events",
            "Efficacy z",
            "p (two-sided)",
            "Hazard ratio",
            lower,
            "Hazard ratio",
            "Level spent",
            "Stops, no effect",
            "Stops, effect",
        ]);
        let finite = |value: f64, shown: String| if value.is_finite() { shown } else { "-".to_owned() };
        for (k, level) in design.nominal_levels().into_iter().enumerate() {
            let (upper, lower) = (design.upper[k], design.lower[k]);
            let stops = |exits: &Exits| percent(exits.upper[k] + exits.lower[k]);
            rows.add_row([
                (k + 1).to_string(),
                format!("{:.1}", plan.events[k]),
                finite(upper, format!("{upper:.4}")),
                finite(upper, format!("{:.5}", 2.0 * level)),
                finite(upper, format!("{:.3}", plan.upper_hazard_ratio[k])),
                finite(lower, format!("{lower:.4}")),
                finite(lower, format!("{:.3}", plan.lower_hazard_ratio[k])),
                format!("{:.5}", 2.0 * design.alpha_spent[k]),
                stops(&self.exits_without_effect),
                stops(&self.exits_with_effect),
            ]);
        }
        let last = plan.events.last().copied().unwrap_or(0.0);
        format!(
            "Group-sequential design: at most {} events ({:.4} times those of one look)\n{}\n  events expected: {} without effect, {} with half of it, {} with it",
            last.ceil(),
            design.inflation,
            as_text(&rows),
            short(plan.expected_null),
            short(plan.expected_half),
            short(plan.expected_alternative)
        )
    }
}

//! Group-sequential designs: boundaries, what they cost, and what an interim result means.
//!
//! Never simulates. Everything is on the scale of information: at fraction t of the planned information the standardised
//! statistic Z is normal with mean drift * sqrt(t) and variance 1, with independent increments, whatever the endpoint. For the log-rank
//! test information is events. Jennison & Turnbull, *Group Sequential Methods*, 2000; Lan & `DeMets`, Biometrika
//! 1983;70:659-663; Hwang, Shih & `DeCani`, Stat Med 1990;9:1439-1445. R: `gsDesign`, `rpact`; SAS: PROC SEQDESIGN.

mod monitoring;
mod walk;

pub(in crate::design) use walk::gauss_legendre;

use super::events::Formula;
use super::{check_positive, check_probability, quantile_sum};
use crate::Error;
use crate::distribution::{normal_cdf, normal_quantile};
use crate::root::uniroot;
use serde::Serialize;
use walk::Walk;

/// How much of an error may have been spent by an information fraction.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", content = "parameter", rename_all = "kebab-case")]
pub enum Spending {
    /// Lan and `DeMets`'s of O'Brien-Fleming type: 2 - 2 Phi(z / sqrt(t)). R: `sfLDOF`, "asOF".
    OBrienFleming,
    /// Lan and `DeMets`'s of Pocock type: a ln(1 + (e - 1) t). R: `sfLDPocock`, "asP".
    Pocock,
    /// Hwang, Shih and `DeCani`'s with gamma: a (1 - exp(-gamma t)) / (1 - exp(-gamma)). R: `sfHSD`, "asHSD".
    HwangShihDeCani(f64),
    /// Kim and `DeMets`'s power: a t^rho. R: `sfPower`, "asKD".
    Power(f64),
}

impl Spending {
    /// What of `total` may have been spent by fraction `time` (0 to 1; all from 1 on).
    ///
    /// ```
    /// use survival::design::sequential::Spending;
    /// // R: gsDesign::sfHSD(0.025, 0.5, -4)$spend
    /// assert!((Spending::HwangShihDeCani(-4.0).spent(0.025, 0.5) - 0.002_980_073).abs() < 1e-8);
    /// // R: 2 - 2 * pnorm(qnorm(1 - 0.025 / 2) / sqrt(0.5))
    /// assert!((Spending::OBrienFleming.spent(0.025, 0.5) - 0.001_525_323).abs() < 1e-8);
    /// ```
    pub fn spent(self, total: f64, time: f64) -> f64 {
        if time >= 1.0 {
            return total;
        }
        if time <= 0.0 {
            return 0.0;
        }
        match self {
            Self::OBrienFleming => 2.0 * normal_cdf(normal_quantile(total / 2.0) / time.sqrt()),
            Self::Pocock => total * ((std::f64::consts::E - 1.0) * time).ln_1p(),
            Self::HwangShihDeCani(0.0) => total * time,
            Self::HwangShihDeCani(gamma) => total * (-gamma * time).exp_m1() / (-gamma).exp_m1(),
            Self::Power(rho) => total * time.powf(rho),
        }
    }

    fn check(self) -> Result<(), Error> {
        match self {
            Self::Power(rho) => check_positive("rho", rho),
            Self::HwangShihDeCani(gamma) if gamma.is_nan() || gamma.abs() > 40.0 => {
                Err(Error::OutOfRange { what: "gamma", found: gamma, allowed: "from -40 to 40" })
            }
            _ => Ok(()),
        }
    }
}

/// When to stop for efficacy.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum Efficacy {
    /// By an error-spending function.
    Spending(Spending),
    /// Wang and Tsiatis's family: z = C t^(delta - 1/2). 0 is O'Brien and Fleming's own boundary, 1/2 Pocock's.
    WangTsiatis(f64),
    /// Haybittle and Peto's: this z at every interim look, and at the last what keeps the level. 3 is usual.
    HaybittlePeto(f64),
    /// These z, one a look.
    Fixed(Vec<f64>),
}

/// When to stop for futility.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[serde(tag = "kind", content = "value", rename_all = "kebab-case")]
pub enum Futility {
    /// Never.
    #[default]
    None,
    /// By spending the type II error; the efficacy boundary holds its level even if the stop is not obeyed.
    NonBinding(Spending),
    /// By spending the type II error; the level holds only if the stop is obeyed.
    Binding(Spending),
    /// At these z, one for each interim look; not binding. -infinity where there is none.
    Fixed(Vec<f64>),
}

/// What a group-sequential design is to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Information fraction (of the events, say) at each look; the last is 1.
    pub information: Vec<f64>,
    /// One-sided level: 0.025 for a two-sided 5 %.
    pub alpha: f64,
    /// Power at the drift that is solved for.
    pub power: f64,
    /// Whether to stop for harm by the mirror image of the efficacy boundary too.
    pub two_sided: bool,
    /// The efficacy boundary.
    pub efficacy: Efficacy,
    /// The futility boundary; none for a two-sided plan.
    pub futility: Futility,
}

/// A group-sequential design.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupSequential {
    /// Information fraction at each look.
    pub information: Vec<f64>,
    /// Z at or above which to stop for efficacy; infinite where one cannot.
    pub upper: Vec<f64>,
    /// Z at or below which to stop: for futility (the last is that of efficacy), or for harm; minus infinite where one cannot.
    pub lower: Vec<f64>,
    /// One-sided level spent by each look (a non-binding futility boundary ignored).
    pub alpha_spent: Vec<f64>,
    /// Type II error spent by each look at `drift`.
    pub beta_spent: Vec<f64>,
    /// The mean of Z at full information that gives the power.
    pub drift: f64,
    /// Squared drift over that of a design with one look: how much more information is needed at most.
    pub inflation: f64,
    /// One-sided level.
    pub alpha: f64,
    /// Power at the drift.
    pub power: f64,
    /// Whether the lower boundary is the mirror image of the upper.
    pub two_sided: bool,
}

/// The probability to stop at each look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Exits {
    /// Across the upper boundary.
    pub upper: Vec<f64>,
    /// Across the lower boundary.
    pub lower: Vec<f64>,
}

/// A design in events.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventPlan {
    /// Events at each look; not rounded.
    pub events: Vec<f64>,
    /// Hazard ratio at the upper boundary of each look.
    pub upper_hazard_ratio: Vec<f64>,
    /// Hazard ratio at the lower boundary of each look.
    pub lower_hazard_ratio: Vec<f64>,
    /// Events expected at the end if there is no effect.
    pub expected_null: f64,
    /// If the effect is half of what was assumed (half the drift).
    pub expected_half: f64,
    /// If the effect is what was assumed.
    pub expected_alternative: f64,
}

/// The looks closest together that are still told apart.
const CLOSEST: f64 = 1e-5;

impl GroupSequential {
    /// Finds the boundaries, and the drift that gives the power.
    ///
    /// Errors: fractions that do not grow to 1 or lie closer than 1e-5; a level, a power, a parameter out of range; a number of
    /// fixed boundaries that is not that of the looks; futility in a two-sided plan; binding futility without a spending
    /// function for efficacy.
    ///
    /// ```
    /// use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan, Spending};
    /// let design = GroupSequential::new(&Plan {
    ///     information: vec![1.0 / 3.0, 2.0 / 3.0, 1.0],
    ///     alpha: 0.025,
    ///     power: 0.9,
    ///     two_sided: false,
    ///     efficacy: Efficacy::Spending(Spending::HwangShihDeCani(-4.0)),
    ///     futility: Futility::NonBinding(Spending::HwangShihDeCani(-2.0)),
    /// })?;
    /// // R: gsDesign::gsDesign() with its defaults: 3.0107 2.5465 1.9992 and -0.2387 0.9411 1.9992
    /// let four = |z: &[f64]| z.iter().map(|z| format!("{z:.4}")).collect::<Vec<_>>();
    /// assert_eq!(four(&design.upper), ["3.0107", "2.5465", "1.9992"]);
    /// assert_eq!(four(&design.lower), ["-0.2387", "0.9411", "1.9992"]);
    /// assert_eq!(format!("{:.4}", design.inflation), "1.0699");
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn new(plan: &Plan) -> Result<Self, Error> {
        check(plan)?;
        let fixed = quantile_sum(plan.alpha, plan.power)?;
        match &plan.futility {
            Futility::NonBinding(spending) | Futility::Binding(spending) => {
                spend_both(plan, *spending, fixed)
            }
            Futility::None | Futility::Fixed(_) => spend_alpha(plan, fixed),
        }
    }

    /// The probability to stop at each look, across either boundary, at a drift. R: `gsDesign::gsProbability`.
    ///
    /// Drift 0 is no effect, [`drift`](Self::drift) the effect assumed. The last look stops one way or the other in a design
    /// with futility. Example: [`power_at`](Self::power_at).
    pub fn exits(&self, drift: f64) -> Exits {
        exits(&self.information, &self.upper, &self.lower, drift)
    }

    /// The probability to stop for efficacy at all, at a drift: the power there, or (at 0) the level if futility is obeyed.
    ///
    /// ```
    /// # use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan, Spending};
    /// # let design = GroupSequential::new(&Plan { information: vec![0.5, 1.0], alpha: 0.025, power: 0.8, two_sided: false,
    /// #     efficacy: Efficacy::Spending(Spending::OBrienFleming), futility: Futility::None })?;
    /// assert!((design.power_at(design.drift) - 0.8).abs() < 1e-10);
    /// assert!((design.power_at(0.0) - 0.025).abs() < 1e-10);
    /// assert!((design.exits(0.0).upper[0] - 0.001_525_323).abs() < 1e-8);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn power_at(&self, drift: f64) -> f64 {
        self.exits(drift).upper.iter().sum()
    }

    /// The information used on average, as a part of the planned, at a drift. R: `rpact` `averageSampleNumber`, over inflation.
    ///
    /// ```
    /// # use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan, Spending};
    /// let thirds = vec![1.0 / 3.0, 2.0 / 3.0, 1.0];
    /// let design = GroupSequential::new(&Plan { information: thirds, alpha: 0.025, power: 0.8, two_sided: false,
    ///     efficacy: Efficacy::Spending(Spending::OBrienFleming), futility: Futility::None })?;
    /// // R: rpact::getDesignCharacteristics(getDesignGroupSequential(kMax = 3, typeOfDesign = "asOF"))$averageSampleNumber1
    /// assert!((design.inflation * design.expected_information(design.drift) - 0.865_569).abs() < 1e-6);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn expected_information(&self, drift: f64) -> f64 {
        let exits = self.exits(drift);
        let stopped: Vec<f64> = exits.upper.iter().zip(&exits.lower).map(|(u, l)| u + l).collect();
        let last = stopped.len() - 1;
        let early: f64 = stopped[..last].iter().sum();
        let used: f64 = stopped[..last].iter().zip(&self.information).map(|(p, t)| p * t).sum();
        used + (1.0 - early) * self.information[last]
    }

    /// The nominal one-sided p-value at the upper boundary of each look. R: `rpact` `stageLevels`.
    ///
    /// ```
    /// # use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan, Spending};
    /// let fifths = vec![0.2, 0.4, 0.6, 0.8, 1.0];
    /// let design = GroupSequential::new(&Plan { information: fifths, alpha: 0.025, power: 0.9, two_sided: false,
    ///     efficacy: Efficacy::WangTsiatis(0.5), futility: Futility::None })?;
    /// // R: rpact::getDesignGroupSequential(kMax = 5, typeOfDesign = "P")$stageLevels
    /// assert!((design.nominal_levels()[0] - 0.007_906_998).abs() < 1e-8);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn nominal_levels(&self) -> Vec<f64> {
        self.upper.iter().map(|z| normal_cdf(-z)).collect()
    }

    /// The design for a log-rank test of this hazard ratio: events at the looks, boundaries as hazard ratios, events expected.
    ///
    /// `hazard_ratio` below 1 favours the experimental arm; `allocation` experimental to control. R:
    /// `rpact::getSampleSizeSurvival(design, hazardRatio)`. Errors: a hazard ratio of 1 or not above 0.
    ///
    /// ```
    /// # use survival::design::{events::Formula, sequential::{Efficacy, Futility, GroupSequential, Plan, Spending}};
    /// let design = GroupSequential::new(&Plan { information: vec![1.0 / 3.0, 2.0 / 3.0, 1.0], alpha: 0.025, power: 0.8,
    ///     two_sided: false, efficacy: Efficacy::Spending(Spending::OBrienFleming), futility: Futility::None })?;
    /// let plan = design.events(Formula::Schoenfeld, 0.5, 1.0)?;
    /// // R: rpact::getSampleSizeSurvival(rpact::getDesignGroupSequential(kMax = 3, typeOfDesign = "asOF"), hazardRatio = 0.5, ..):
    /// // at most 66.2 events, 56.6 expected under the alternative, critical hazard ratios 0.206, 0.469, 0.613
    /// assert_eq!(format!("{:.1} {:.1}", plan.events[2], plan.expected_alternative), "66.2 56.6");
    /// let ratios: Vec<_> = plan.upper_hazard_ratio.iter().map(|r| format!("{r:.3}")).collect();
    /// assert_eq!(ratios, ["0.206", "0.469", "0.613"]);
    /// # Ok::<(), survival::Error>(())
    /// ```
    pub fn events(&self, formula: Formula, hazard_ratio: f64, allocation: f64) -> Result<EventPlan, Error> {
        let one_look = super::events::events(formula, hazard_ratio, self.alpha, self.power, allocation)?;
        let most = one_look * self.inflation;
        let events: Vec<f64> = self.information.iter().map(|t| t * most).collect();
        // For a ratio above 1 the effect, and so the boundary, lies on the other side.
        let sign = if hazard_ratio < 1.0 { 1.0 } else { -1.0 };
        let at = |bounds: &[f64]| {
            let ratio = |(z, d): (&f64, &f64)| super::events::hazard_ratio_at(sign * z, *d, allocation);
            bounds.iter().zip(&events).map(ratio).collect::<Result<Vec<f64>, Error>>()
        };
        Ok(EventPlan {
            upper_hazard_ratio: at(&self.upper)?,
            lower_hazard_ratio: at(&self.lower)?,
            expected_null: most * self.expected_information(0.0),
            expected_half: most * self.expected_information(self.drift / 2.0),
            expected_alternative: most * self.expected_information(self.drift),
            events,
        })
    }
}

fn check(plan: &Plan) -> Result<(), Error> {
    check_probability("alpha", plan.alpha)?;
    if plan.two_sided && plan.alpha >= 0.5 {
        let allowed = "the one-sided level of a two-sided plan is below 0.5";
        return Err(Error::OutOfRange { what: "alpha", found: plan.alpha, allowed });
    }
    let fractions = &plan.information;
    crate::observations::check_finite("information", fractions.len(), fractions)?;
    if fractions.last() != Some(&1.0) {
        let found = fractions.last().copied().unwrap_or(f64::NAN);
        return Err(Error::OutOfRange {
            what: "information",
            found,
            allowed: "the last information fraction must be 1",
        });
    }
    let mut before = 0.0;
    for &fraction in fractions {
        if fraction - before < CLOSEST {
            let allowed = "fractions must begin above 0 and grow by at least 1e-5";
            return Err(Error::OutOfRange { what: "information", found: fraction, allowed });
        }
        before = fraction;
    }
    let looks = fractions.len();
    match &plan.efficacy {
        Efficacy::Spending(spending) => spending.check()?,
        Efficacy::WangTsiatis(delta) if delta.is_nan() || delta.abs() > 2.0 => {
            return Err(Error::OutOfRange { what: "delta", found: *delta, allowed: "from -2 to 2" });
        }
        Efficacy::HaybittlePeto(z) => check_positive("the interim boundary", *z)?,
        Efficacy::Fixed(z) => check_bounds("upper boundary", looks, z)?,
        Efficacy::WangTsiatis(_) => {}
    }
    match &plan.futility {
        Futility::None => return Ok(()),
        Futility::NonBinding(spending) | Futility::Binding(spending) => spending.check()?,
        Futility::Fixed(z) => check_bounds("futility boundary", looks - 1, z)?,
    }
    if plan.two_sided {
        return Err(Error::Unsupported { what: "a futility boundary", with: "in a two-sided plan" });
    }
    if matches!(plan.futility, Futility::Binding(_)) && !matches!(plan.efficacy, Efficacy::Spending(_)) {
        return Err(Error::Unsupported {
            what: "a binding futility boundary",
            with: "without a spending function for efficacy",
        });
    }
    Ok(())
}

fn check_bounds(what: &'static str, looks: usize, bounds: &[f64]) -> Result<(), Error> {
    crate::observations::check_length(what, looks, bounds.len())?;
    match bounds.iter().position(|z| z.is_nan()) {
        Some(row) => Err(Error::NotFinite { what: what.to_owned(), row, found: f64::NAN }),
        None => Ok(()),
    }
}

fn exits(information: &[f64], upper: &[f64], lower: &[f64], drift: f64) -> Exits {
    let mut walk = Walk::new(drift);
    let mut exits = Exits { upper: Vec::new(), lower: Vec::new() };
    for (k, &time) in information.iter().enumerate() {
        exits.upper.push(walk.above(time, upper[k]));
        exits.lower.push(walk.below(time, lower[k]));
        if let Some(&next) = information.get(k + 1) {
            walk.advance(time, lower[k], upper[k], Some(next));
        }
    }
    exits
}

/// The upper boundary that keeps the level, with nothing (or its mirror image) below.
fn upper_boundary(plan: &Plan) -> Result<Vec<f64>, Error> {
    let (times, looks) = (&plan.information, plan.information.len());
    let level = |upper: &[f64]| {
        let lower: Vec<f64> =
            upper.iter().map(|z| if plan.two_sided { -z } else { f64::NEG_INFINITY }).collect();
        exits(times, upper, &lower, 0.0).upper.iter().sum::<f64>()
    };
    match &plan.efficacy {
        Efficacy::Fixed(upper) => Ok(upper.clone()),
        Efficacy::WangTsiatis(delta) => {
            let shape = |c: f64| times.iter().map(|t| c * t.powf(delta - 0.5)).collect::<Vec<f64>>();
            let excess = |c: f64| level(&shape(c)) - plan.alpha;
            let scale = uniroot(excess, 1e-3, 40.0, 1e-13).ok_or_else(|| unreachable_level(plan.alpha))?;
            Ok(shape(scale))
        }
        Efficacy::HaybittlePeto(interim) => {
            let with_last = |z: f64| {
                let mut upper = vec![*interim; looks];
                upper[looks - 1] = z;
                upper
            };
            let excess = |z: f64| level(&with_last(z)) - plan.alpha;
            let last = uniroot(excess, 0.0, 40.0, 1e-13).ok_or_else(|| unreachable_level(plan.alpha))?;
            Ok(with_last(last))
        }
        Efficacy::Spending(spending) => {
            let mut walk = Walk::new(0.0);
            let (mut upper, mut spent) = (Vec::new(), 0.0);
            for (k, &time) in times.iter().enumerate() {
                let by_now = spending.spent(plan.alpha, time);
                let bound = walk.upper(time, by_now - spent);
                // What could not be spent for rounding is left to the next look.
                spent = if bound.is_finite() { by_now } else { spent };
                let lower = if plan.two_sided { -bound } else { f64::NEG_INFINITY };
                upper.push(bound);
                walk.advance(time, lower, bound, times.get(k + 1).copied());
            }
            Ok(upper)
        }
    }
}

fn unreachable_level(alpha: f64) -> Error {
    let why =
        format!("the boundaries fixed beforehand spend more than the level of {alpha}, or none keeps it");
    Error::NotEstimable { what: "the efficacy boundary".to_owned(), why }
}

fn cumulative(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sum = 0.0;
    values
        .into_iter()
        .map(|v| {
            sum += v;
            sum
        })
        .collect()
}

/// Boundaries without a type II error to spend; the drift is solved for afterwards.
fn spend_alpha(plan: &Plan, fixed: f64) -> Result<GroupSequential, Error> {
    let upper = upper_boundary(plan)?;
    let looks = upper.len();
    let lower: Vec<f64> = match &plan.futility {
        Futility::Fixed(z) => z.iter().copied().chain([upper[looks - 1]]).collect(),
        _ if plan.two_sided => upper.iter().map(|z| -z).collect(),
        _ => vec![f64::NEG_INFINITY; looks],
    };
    if let Some(k) = (0..looks - 1).find(|&k| lower[k] >= upper[k]) {
        let allowed = "a futility boundary must lie below the efficacy boundary";
        return Err(Error::OutOfRange { what: "futility boundary", found: lower[k], allowed });
    }
    let times = &plan.information;
    let shortfall = |drift: f64| plan.power - exits(times, &upper, &lower, drift).upper.iter().sum::<f64>();
    let drift = uniroot(shortfall, fixed / 4.0, fixed * 10.0, 1e-13).ok_or_else(|| no_drift(plan))?;
    let open = if plan.two_sided { lower.clone() } else { vec![f64::NEG_INFINITY; looks] };
    let alpha_spent = cumulative(exits(times, &upper, &open, 0.0).upper);
    let mut missed = exits(times, &upper, &lower, drift).lower;
    if matches!(plan.futility, Futility::None) {
        // The error is made at the last look alone.
        missed = vec![0.0; looks];
        missed[looks - 1] = 1.0 - plan.power;
    }
    Ok(GroupSequential {
        information: times.clone(),
        alpha_spent,
        beta_spent: cumulative(missed),
        upper,
        lower,
        drift,
        inflation: (drift / fixed).powi(2),
        alpha: plan.alpha,
        power: plan.power,
        two_sided: plan.two_sided,
    })
}

fn no_drift(plan: &Plan) -> Error {
    let why = format!("no effect gives power {} with these boundaries", plan.power);
    Error::NotEstimable { what: "the information needed".to_owned(), why }
}

/// Both boundaries at one drift, and the type II error that results.
struct Both {
    upper: Vec<f64>,
    lower: Vec<f64>,
    beta_spent: Vec<f64>,
}

fn both_at(plan: &Plan, futility: Spending, free_upper: Option<&[f64]>, drift: f64) -> Both {
    let (times, looks, beta) = (&plan.information, plan.information.len(), 1.0 - plan.power);
    let (mut null, mut alternative) = (Walk::new(0.0), Walk::new(drift));
    let mut both = Both { upper: Vec::new(), lower: Vec::new(), beta_spent: Vec::new() };
    let (mut alpha_spent, mut beta_spent) = (0.0, 0.0);
    for (k, &time) in times.iter().enumerate() {
        let upper = match (free_upper, &plan.efficacy) {
            (Some(upper), _) => upper[k],
            (None, Efficacy::Spending(spending)) => {
                let by_now = spending.spent(plan.alpha, time);
                let bound = null.upper(time, by_now - alpha_spent);
                alpha_spent = if bound.is_finite() { by_now } else { alpha_spent };
                bound
            }
            (None, _) => f64::INFINITY,
        };
        let lower = if k + 1 == looks {
            upper
        } else {
            alternative.lower(time, futility.spent(beta, time) - beta_spent).min(upper)
        };
        beta_spent += alternative.below(time, lower);
        let next = times.get(k + 1).copied();
        null.advance(time, lower, upper, next);
        alternative.advance(time, lower, upper, next);
        both.upper.push(upper);
        both.lower.push(lower);
        both.beta_spent.push(beta_spent);
    }
    both
}

fn spend_both(plan: &Plan, futility: Spending, fixed: f64) -> Result<GroupSequential, Error> {
    let binding = matches!(plan.futility, Futility::Binding(_));
    let free = if binding { None } else { Some(upper_boundary(plan)?) };
    let free = free.as_deref();
    let beta = 1.0 - plan.power;
    let excess =
        |drift: f64| both_at(plan, futility, free, drift).beta_spent.last().copied().unwrap_or(1.0) - beta;
    let drift = uniroot(excess, fixed / 4.0, fixed * 10.0, 1e-13).ok_or_else(|| no_drift(plan))?;
    let Both { upper, lower, beta_spent } = both_at(plan, futility, free, drift);
    let obeyed = if binding { lower.clone() } else { vec![f64::NEG_INFINITY; lower.len()] };
    Ok(GroupSequential {
        information: plan.information.clone(),
        alpha_spent: cumulative(exits(&plan.information, &upper, &obeyed, 0.0).upper),
        beta_spent,
        upper,
        lower,
        drift,
        inflation: (drift / fixed).powi(2),
        alpha: plan.alpha,
        power: plan.power,
        two_sided: false,
    })
}

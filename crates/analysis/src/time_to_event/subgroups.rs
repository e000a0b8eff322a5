//! Subgroups: the hazard ratio within the levels of each stratification factor, and whether it differs between them.
//!
//! Never a subgroup that nobody named before randomising, and never a claim from one level: the interaction is what is
//! tested (Wang et al., N Engl J Med 2007;357:2189-2194). R: `anova(coxph(y ~ x + g), coxph(y ~ x * g))`.

use survival::Test;
use survival::cox::{Covariates, Cox, CoxFit, CoxOptions};

use trial::protocol::{Factor, TieMethod};

use super::{Data, FEW_EVENTS, Pair, hazard_ratio, ties_of};
use crate::arms::Arms;
use crate::results::{Counted, Estimate, LogRank, Subgroup, SubgroupLevel};
use crate::row::SubjectRow;

/// A level with fewer events has no hazard ratio: its limits would say no more than the counts do.
const FEWEST: usize = 5;

/// One entry a factor and comparison, where two levels or more are seen.
pub fn subgroups(
    factors: &[Factor],
    data: &Data<'_>,
    arms: &Arms,
    rows: &[SubjectRow],
    ties: TieMethod,
    level: f64,
) -> Vec<Subgroup> {
    let mut out = Vec::new();
    for factor in factors {
        for (arm, control) in arms.against_control() {
            let pair = Pair { data: data.only(&[arm, control]), arms, arm, control, ties, level };
            out.extend(Split::of(factor, &pair, rows).subgroup(&pair, rows));
        }
    }
    out
}

/// The subjects of a comparison by the level of one factor at which they were randomised.
struct Split<'a> {
    factor: &'a Factor,
    /// The place of each subject's level in the protocol; none where it was allocated by none of them.
    level: Vec<Option<usize>>,
}

impl<'a> Split<'a> {
    fn of(factor: &'a Factor, pair: &Pair<'_>, rows: &[SubjectRow]) -> Self {
        let level = |row: &usize| {
            let stratum = &rows[*row].allocation.as_ref()?.stratum;
            let (_, level) = stratum.iter().find(|(id, _)| *id == factor.id)?;
            factor.levels.iter().position(|of| of.id == *level)
        };
        Self { factor, level: pair.data.row.iter().map(level).collect() }
    }

    fn subgroup(&self, pair: &Pair<'_>, rows: &[SubjectRow]) -> Option<Subgroup> {
        let seen = |place: usize| self.level.contains(&Some(place));
        let places: Vec<usize> = (0..self.factor.levels.len()).filter(|place| seen(*place)).collect();
        (places.len() > 1).then(|| Subgroup {
            factor: self.factor.id.clone(),
            label: self.factor.label.clone(),
            arm: pair.arms.id(pair.arm).clone(),
            control: pair.arms.id(pair.control).clone(),
            levels: places.iter().map(|place| self.at(*place, pair, rows)).collect(),
            interaction: self.interaction(pair),
        })
    }

    fn at(&self, place: usize, pair: &Pair<'_>, rows: &[SubjectRow]) -> SubgroupLevel {
        let level = &self.factor.levels[place];
        let mut data = Data::empty(pair.data.strata, false);
        let mut subjects = Counted::default();
        for i in (0..self.level.len()).filter(|i| self.level[*i] == Some(place)) {
            data.copy(&pair.data, i);
            let row = &rows[pair.data.row[i]];
            subjects.add(row, row.allocated);
        }
        let counts = [pair.arm, pair.control].map(|arm| (data.in_arm(arm), data.events_in(arm)));
        let inner = Pair { data, ..*pair };
        SubgroupLevel {
            level: level.id.clone(),
            label: level.label.clone(),
            counts,
            hazard_ratio: ratio(&inner, counts),
            subjects,
        }
    }

    /// Over those who have a level with an event in each arm; none where fewer than two such are left.
    fn interaction(&self, pair: &Pair<'_>) -> Option<LogRank> {
        let data = &pair.data;
        let has = |place: usize, arm: usize| {
            let here = |i: &usize| self.level[*i] == Some(place) && data.arm[*i] == arm && data.event[*i];
            (0..data.arm.len()).any(|i| here(&i))
        };
        let levels: Vec<usize> = (0..self.factor.levels.len())
            .filter(|place| has(*place, pair.arm) && has(*place, pair.control))
            .collect();
        if levels.len() < 2 {
            return None;
        }
        let kept: Vec<usize> =
            (0..data.arm.len()).filter(|i| self.level[*i].is_some_and(|at| levels.contains(&at))).collect();
        let events = kept.iter().filter(|i| data.event[**i]).count();
        if events < FEW_EVENTS {
            return None;
        }
        let time: Vec<f64> = kept.iter().map(|i| data.time[*i]).collect();
        let event: Vec<bool> = kept.iter().map(|i| data.event[*i]).collect();
        let is = |yes: bool| f64::from(u8::from(yes));
        let treated: Vec<f64> = kept.iter().map(|i| is(data.arm[*i] == pair.arm)).collect();
        let at =
            |level: usize| -> Vec<f64> { kept.iter().map(|i| is(self.level[*i] == Some(level))).collect() };
        let mut additive = Covariates::new().with("arm", &treated);
        for level in &levels[1..] {
            additive = additive.with_owned(&format!("level{level}"), at(*level));
        }
        let mut full = additive.clone();
        for level in &levels[1..] {
            let both = at(*level).iter().zip(&treated).map(|(level, arm)| level * arm).collect();
            full = full.with_owned(&format!("arm:level{level}"), both);
        }
        let options = CoxOptions { ties: ties_of(pair.ties), ..CoxOptions::default() };
        let fit = |covariates: &Covariates<'_>| -> Option<CoxFit> {
            Cox::fit(&time, &event, covariates, &options).ok().filter(|fit| fit.warnings.is_empty())
        };
        let (without, with) = (fit(&additive)?, fit(&full)?);
        let statistic = 2.0 * (with.log_likelihood[1] - without.log_likelihood[1]);
        let test = Test::chi_squared(statistic.max(0.0), levels.len() - 1);
        Some(LogRank { chisq: test.statistic, df: test.df, p: test.p_value })
    }
}

/// None where an arm has no event, or both together too few.
fn ratio(pair: &Pair<'_>, counts: [(usize, usize); 2]) -> Estimate {
    let few = counts[0].1 + counts[1].1 < FEWEST || counts.iter().any(|(_, events)| *events == 0);
    if few {
        return Estimate::default();
    }
    pair.cox(&mut |_| ()).map(|fit| hazard_ratio(&fit, pair.level)).unwrap_or_default()
}

//! Competing risks: the cumulative incidence of each cause of an endpoint that has more than one.
//!
//! Never takes a competing event for a censoring. Aalen-Johansen; Gray, Ann Stat 1988;16:1141-1154; Fine & Gray, JASA
//! 1999;94:496-509. R: `survfit(Surv(time, factor(cause)) ~ arm)`, `cmprsk::cuminc`, `cmprsk::crr`.

use std::collections::BTreeSet;

use survival::aalen_johansen::AalenJohansen;
use survival::cox::Covariates;
use survival::fine_gray::FineGray;
use survival::gray::gray;

use trial::date::DAYS_PER_MONTH;
use trial::endpoint::Outcome;
use trial::protocol::EventCause;

use super::{Data, FEW_EVENTS, LANDMARKS, LIMITS, cause_words, finite};
use crate::arms::Arms;
use crate::results::{ArmIncidence, CauseIncidence, Estimate, LogRank, SubdistributionRatio};

/// One entry a cause; empty, with a remark, where fewer than two causes were seen of an endpoint that has more.
pub fn causes(
    data: &Data<'_>,
    arms: &Arms,
    possible: usize,
    level: f64,
    range: f64,
    remarks: &mut Vec<String>,
) -> Vec<CauseIncidence> {
    let cause_of = |outcome: &Outcome| match outcome {
        Outcome::Event { cause, .. } => Some(*cause),
        Outcome::Censored { .. } => None,
    };
    let seen: Vec<EventCause> = data
        .outcome
        .iter()
        .filter_map(|outcome| cause_of(outcome))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if possible < 2 {
        return Vec::new();
    }
    if seen.len() < 2 {
        if let Some(only) = seen.first() {
            remarks.push(format!(
                "every event so far is {}: no cause competes with another",
                cause_words(*only)
            ));
        }
        return Vec::new();
    }
    let code = |outcome: &Outcome| {
        cause_of(outcome).and_then(|cause| seen.iter().position(|at| *at == cause)).map_or(0, |at| at + 1)
    };
    let risks =
        Risks { data, arms, code: data.outcome.iter().map(|outcome| code(outcome)).collect(), level, range };
    seen.iter().enumerate().map(|(at, cause)| risks.of(at + 1, cause_words(*cause), remarks)).collect()
}

struct Risks<'a> {
    data: &'a Data<'a>,
    arms: &'a Arms,
    /// 0 where censored, else the place of the cause, from 1.
    code: Vec<usize>,
    level: f64,
    range: f64,
}

impl Risks<'_> {
    fn of(&self, cause: usize, words: &str, remarks: &mut Vec<String>) -> CauseIncidence {
        let data = self.data;
        let strata = data.stratified.then_some(data.stratum.as_slice());
        let filled = (0..self.arms.len()).filter(|arm| data.in_arm(*arm) > 0).count();
        let events = self.code.iter().filter(|code| **code == cause).count();
        let gray = (filled > 1)
            .then(|| gray(&data.time, &self.code, cause, &data.arm, strata, 0.0).ok())
            .flatten()
            .map(|gray| LogRank { chisq: gray.test.statistic, df: gray.test.df, p: gray.test.p_value })
            .filter(|test| test.p.is_finite());
        if filled > 1 && events < FEW_EVENTS {
            remarks.push(format!(
                "{words} as a cause of its own: {events} event(s), so that its test and ratio are rough"
            ));
        }
        CauseIncidence {
            cause: words.to_owned(),
            arms: (0..self.arms.len()).map(|arm| self.arm(arm, cause)).collect(),
            gray,
            stratified: data.stratified,
            ratios: self.arms.against_control().filter_map(|pair| self.ratio(pair, cause)).collect(),
        }
    }

    fn places(&self, arm: usize) -> Vec<usize> {
        (0..self.data.arm.len()).filter(|i| self.data.arm[*i] == arm).collect()
    }

    fn arm(&self, arm: usize, cause: usize) -> ArmIncidence {
        let places = self.places(arm);
        let time: Vec<f64> = places.iter().map(|i| self.data.time[*i]).collect();
        let code: Vec<usize> = places.iter().map(|i| self.code[*i]).collect();
        let fit = AalenJohansen::fit(&time, &code).ok();
        ArmIncidence {
            arm: self.arms.id(arm).clone(),
            n: time.len(),
            events: code.iter().filter(|code| **code == cause).count(),
            curve: fit.as_ref().map(|fit| self.curve(fit, cause)).unwrap_or_default(),
            landmarks: LANDMARKS
                .iter()
                .filter(|months| **months * DAYS_PER_MONTH <= self.range)
                .map(|months| {
                    let at = fit.as_ref().and_then(|fit| self.at(fit, cause, *months * DAYS_PER_MONTH));
                    (*months, at.unwrap_or_default())
                })
                .collect(),
        }
    }

    /// Where the curve steps, and its end.
    fn curve(&self, fit: &AalenJohansen, cause: usize) -> Vec<(f64, Estimate)> {
        let zero = Estimate { value: Some(0.0), lower: None, upper: None };
        let mut points = vec![(0.0, zero)];
        for (i, time) in fit.time.iter().enumerate() {
            let value = fit.incidence_of(cause, *time);
            let last = i + 1 == fit.time.len();
            if last || points.last().is_none_or(|(_, before)| before.value != Some(value)) {
                points.push((time / DAYS_PER_MONTH, self.at(fit, cause, *time).unwrap_or(zero)));
            }
        }
        points
    }

    /// None beyond the follow-up of the arm.
    fn at(&self, fit: &AalenJohansen, cause: usize, days: f64) -> Option<Estimate> {
        if fit.time.last().is_none_or(|last| *last < days) {
            return None;
        }
        let value = fit.incidence_of(cause, days);
        let step = fit.time.partition_point(|time| *time <= days).checked_sub(1);
        let limits = step.zip(fit.limits(cause, LIMITS, self.level));
        let limits = limits.map_or((f64::NAN, f64::NAN), |(step, (lower, upper))| (lower[step], upper[step]));
        Some(finite(value, limits))
    }

    fn ratio(&self, (arm, control): (usize, usize), cause: usize) -> Option<SubdistributionRatio> {
        let seen = |arm: usize| self.places(arm).iter().any(|i| self.code[*i] == cause);
        if !seen(arm) || !seen(control) {
            return None;
        }
        let places: Vec<usize> =
            (0..self.data.arm.len()).filter(|i| [arm, control].contains(&self.data.arm[*i])).collect();
        let time: Vec<f64> = places.iter().map(|i| self.data.time[*i]).collect();
        let code: Vec<usize> = places.iter().map(|i| self.code[*i]).collect();
        let treated: Vec<f64> =
            places.iter().map(|i| f64::from(u8::from(self.data.arm[*i] == arm))).collect();
        let fit = FineGray::fit(&time, &code, cause, &Covariates::new().with("arm", &treated)).ok()?;
        fit.warnings.is_empty().then(|| SubdistributionRatio {
            arm: self.arms.id(arm).clone(),
            control: self.arms.id(control).clone(),
            ratio: finite(fit.hazard_ratio(0), fit.limits(0, self.level)),
            p: fit.p_value(0),
        })
    }
}

//! The score by a mixed model for repeated measures, beside its area under the curve.
//!
//! Never imputes: a score that is missing is missing at random given those that are there. See `survival::mmrm`. R:
//! `nlme::gls(y ~ arm * week + base * week, correlation = corSymm(~ week | subject), weights = varIdent(~ 1 | week))`.

use survival::TEstimate;
use survival::cox::Covariates;
use survival::mmrm::{Auc, Measurements, Mmrm, MmrmOptions};

use crate::arms::Arms;
use crate::results::{Counted, Estimate, ModelDifference, ModelMean, QualityModel};
use crate::row::SubjectRow;

/// A week is in the model where every arm has so many scores at it.
const FEWEST: usize = 5;

/// The model over `weeks`, the first being the baseline; none, with a remark, where it cannot be fitted.
pub fn model(
    arms: &Arms,
    rows: &[SubjectRow],
    weeks: &[u32],
    level: f64,
    remarks: &mut Vec<String>,
) -> Option<QualityModel> {
    if arms.len() < 2 {
        remarks.push("one arm: no model of repeated measures".to_owned());
        return None;
    }
    let Some(scores) = Scores::of(arms, rows, weeks, remarks) else {
        remarks.push(format!(
            "no model of repeated measures: no week after baseline has {FEWEST} scores in every arm"
        ));
        return None;
    };
    let fitted = scores.fit().and_then(|fit| scores.result(&fit, arms, rows, level));
    fitted.map_err(|why| remarks.push(format!("no model of repeated measures: {why}"))).ok()
}

/// The scores after baseline of those who have both, one entry a score.
#[derive(Default)]
struct Scores {
    /// The place of the subject among the rows.
    row: Vec<usize>,
    arm: Vec<usize>,
    visit: Vec<usize>,
    score: Vec<f64>,
    baseline: Vec<f64>,
    /// The weeks of the model, ascending; `visit` is a place in it.
    weeks: Vec<u32>,
    /// The arms of the model, as places among all.
    arms: Vec<usize>,
}

impl Scores {
    fn of(arms: &Arms, rows: &[SubjectRow], weeks: &[u32], remarks: &mut Vec<String>) -> Option<Self> {
        let mut weeks = weeks.to_vec();
        weeks.sort_unstable();
        let (first, later) = weeks.split_first()?;
        if *first != 0 {
            remarks.push("no week 0 is planned: the model has no baseline".to_owned());
            return None;
        }
        let filled: Vec<usize> = (0..arms.len()).filter(|arm| arms.names[*arm].randomised > 0).collect();
        let score = |row: &SubjectRow, week: u32| row.quality.as_ref()?.by_week.get(&week).map(|at| at.0);
        let both = |row: &SubjectRow, week: u32| score(row, 0).zip(score(row, week));
        let enough = |week: u32| {
            let in_arm = |arm: usize| {
                rows.iter().filter(|row| arms.place(row) == Some(arm) && both(row, week).is_some()).count()
            };
            filled.len() > 1 && filled.iter().all(|arm| in_arm(*arm) >= FEWEST)
        };
        let (kept, left): (Vec<u32>, Vec<u32>) = later.iter().partition(|week| enough(**week));
        if kept.is_empty() {
            return None;
        }
        if !left.is_empty() {
            let named: Vec<String> = left.iter().map(ToString::to_string).collect();
            remarks.push(format!(
                "week {}: fewer than {FEWEST} scores in an arm, and so not in the model of repeated measures",
                named.join(", ")
            ));
        }
        let mut scores = Self { weeks: kept, arms: filled, ..Self::default() };
        for (place, row) in rows.iter().enumerate() {
            let Some(arm) = arms.place(row) else { continue };
            for visit in 0..scores.weeks.len() {
                let Some((baseline, score)) = both(row, scores.weeks[visit]) else { continue };
                scores.row.push(place);
                scores.arm.push(arm);
                scores.visit.push(visit);
                scores.score.push(score);
                scores.baseline.push(baseline);
            }
        }
        Some(scores)
    }

    fn fit(&self) -> Result<Mmrm, survival::Error> {
        let data = Measurements {
            subject: &self.row,
            visit: &self.visit,
            arm: &self.arm,
            response: &self.score,
            baseline: Some(&self.baseline),
        };
        Mmrm::fit(&data, &Covariates::new(), &MmrmOptions::default())
    }

    fn result(
        &self,
        fit: &Mmrm,
        arms: &Arms,
        rows: &[SubjectRow],
        level: f64,
    ) -> Result<QualityModel, survival::Error> {
        let (mut means, mut differences, mut averaged) = (Vec::new(), Vec::new(), Vec::new());
        for (visit, week) in self.weeks.iter().enumerate() {
            for arm in &self.arms {
                let n =
                    (0..self.row.len()).filter(|i| self.arm[*i] == *arm && self.visit[*i] == visit).count();
                let mean = estimate(&fit.mean(*arm, visit)?, level);
                means.push(ModelMean { arm: arms.id(*arm).clone(), week: *week, n, mean });
            }
        }
        let times: Vec<f64> = self.weeks.iter().map(|week| f64::from(*week)).collect();
        let area = Auc { baseline_time: Some(0.0), visit_times: &times, averaged: true };
        let last = self.weeks.last().copied().unwrap_or(0);
        for (arm, control) in arms
            .against_control()
            .filter(|(arm, control)| self.arms.contains(arm) && self.arms.contains(control))
        {
            let made = |week: u32, found: &TEstimate| ModelDifference {
                arm: arms.id(arm).clone(),
                control: arms.id(control).clone(),
                week,
                difference: estimate(found, level),
                std_err: found.std_err,
                df: found.df,
                p: found.p_value,
            };
            for (visit, week) in self.weeks.iter().enumerate() {
                differences.push(made(*week, &fit.difference(arm, control, visit)?));
            }
            averaged.push(made(last, &fit.auc_difference(arm, control, &area)?));
        }
        Ok(QualityModel {
            subjects: fit.n_subjects,
            scores: fit.n_rows,
            baseline_mean: fit.baseline_mean.unwrap_or(f64::NAN),
            means,
            differences,
            averaged,
            who: self.who(rows),
            rules: rules(),
        })
    }

    fn who(&self, rows: &[SubjectRow]) -> Counted {
        let mut who = Counted::default();
        for of_subject in self.row.chunk_by(|a, b| a == b) {
            let row = &rows[of_subject[0]];
            let events =
                row.quality.iter().flat_map(|quality| quality.by_week.values().map(|(_, event)| *event));
            who.n += 1;
            who.who.extend(row.who(None, format!("{} score(s) after baseline", of_subject.len()), events));
        }
        who
    }
}

fn estimate(found: &TEstimate, level: f64) -> Estimate {
    let (lower, upper) = found.limits(level);
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    Estimate { value: finite(found.estimate), lower: finite(lower), upper: finite(upper) }
}

fn rules() -> Vec<String> {
    [
        "the score at each planned week after baseline, of every subject with a baseline and one such score or more",
        "fixed effects: arm, week, arm by week, baseline, baseline by week; no stratification factor",
        "covariance of the weeks within a subject unstructured, by restricted maximum likelihood; degrees of freedom by \
         Satterthwaite",
        "least-squares means at the mean baseline; scores that are missing are taken as missing at random; nothing is imputed",
        "averaged difference: the area between the means from baseline to the last week of the model over its weeks, both \
         arms standing at the same baseline",
    ]
    .map(str::to_owned)
    .to_vec()
}

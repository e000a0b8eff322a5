//! How a virtual patient feels, as answers to a questionnaire.
//!
//! Never scores them (see `trial::factb`). Answers are drawn so that a higher level gives a higher score, whichever way an
//! item points; now and then an item is left out.

use std::sync::LazyLock;

use serde_json::{Value, json};
use trial::factb::ITEMS;

use crate::chance::Chance;

/// Items whose high answer is bad (FACT-B version 4 scoring guidelines).
const REVERSED: [&str; 20] = [
    "GP1", "GP2", "GP3", "GP4", "GP5", "GP6", "GP7", "GE1", "GE3", "GE4", "GE5", "GE6", "B1", "B2", "B3",
    "B5", "B6", "B7", "B8", "P2",
];

/// Which of `ITEMS` are so.
static BAD: LazyLock<[bool; ITEMS.len()]> = LazyLock::new(|| ITEMS.map(|item| REVERSED.contains(&item)));

/// Answers of a patient whose well-being is `level`: 0 is the average of the population, 1 one standard deviation better.
pub fn answers(level: f64, chance: &mut Chance) -> Vec<(&'static str, Value)> {
    let careless = chance.happens(0.2);
    let mut answers = Vec::with_capacity(ITEMS.len());
    for (item, bad) in ITEMS.into_iter().zip(*BAD) {
        let good = libm::round(chance.normal(2.75 + 0.45 * level, 0.8)).clamp(0.0, 4.0);
        let left_out = chance.happens(if careless { 0.06 } else { 0.003 });
        if !left_out {
            let answer = if bad { 4.0 - good } else { good };
            answers.push((item, json!(crate::chance::days(answer))));
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;
    use trial::factb::score;

    fn total(level: f64, seed: u64) -> Option<f64> {
        let given = answers(level, &mut Chance::new(seed, "answers"));
        let find = |item: &&str| {
            let value = given.iter().find(|(id, _)| id == item)?.1.as_u64()?;
            u8::try_from(value).ok()
        };
        score(&ITEMS.iter().map(find).collect::<Vec<_>>()).total
    }

    // Whichever way an item points, who feels better scores higher: a reversed item taken for a plain one would show.
    #[test]
    fn who_feels_better_scores_higher() {
        let mean = |level| {
            let totals: Vec<f64> = (0..60).filter_map(|seed| total(level, seed)).collect();
            assert!(totals.len() > 50);
            totals.iter().sum::<f64>() / totals.len() as f64
        };
        let (low, middle, high) = (mean(-1.5), mean(0.0), mean(1.5));
        assert!(low + 15.0 < middle && middle + 12.0 < high, "{low} {middle} {high}");
        assert!((90.0..115.0).contains(&middle), "{middle}");
    }
}

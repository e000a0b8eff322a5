//! Profiles: what a disease brings to a virtual trial (organs, drugs, toxicities, pace), as data.
//!
//! Never says anything about the design of a trial, which stands in the protocol alone. The shipped profiles are
//! `profiles/*.toml`, where each number's origin is told.

use serde::Deserialize;
use trial::protocol::Protocol;

use crate::Error;
use crate::chance::Chance;

const SHIPPED: [(&str, &str); 2] = [
    ("breast", include_str!("../profiles/breast.toml")),
    // Fits any trial: it comes last.
    ("solid", include_str!("../profiles/solid.toml")),
];

/// A disease.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Taken where the protocol's title or population has one of these; empty: any trial.
    pub words: Vec<String>,
    /// The diagnosis in words.
    pub history: String,
    /// Age at screening, years.
    pub age: Law,
    /// Share of women.
    pub female: f64,
    /// Months on the therapy under way at screening.
    pub first_line_months: Law,
    /// How fast things go.
    pub pace: Pace,
    /// Where lesions are.
    pub organs: Vec<Organ>,
    /// Systemic therapies.
    pub lines: Vec<Line>,
    /// Adverse events by therapy.
    pub toxicities: Vec<Toxicity>,
    /// Adverse events after radiotherapy.
    pub radiation: Vec<Radiation>,
}

/// A normal law.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
}

impl Law {
    /// A draw.
    pub fn draw(self, chance: &mut Chance) -> f64 {
        chance.normal(self.mean, self.deviation)
    }
}

/// How fast things go; means in months.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// Between bursts of progression: every progressing site treated locally, therapy kept.
    pub treated: f64,
    /// Nothing done locally.
    pub untreated: f64,
    /// On the next line.
    pub next_line: f64,
    /// On later lines.
    pub later_line: f64,
    /// Spread between patients, of the logarithm.
    pub spread: f64,
    /// Share of bursts with few lesions.
    pub few: f64,
    /// Share of bursts with many.
    pub many: f64,
    /// Share of bursts inside the skull.
    pub brain: f64,
    /// Factor on the mean after a burst that was treated locally.
    pub held: f64,
    /// To death.
    pub death: Deaths,
    /// Share of an arm without local treatment that changes therapy at randomisation.
    pub switched: f64,
    /// Share of progressions that could be treated locally which are: the others change the therapy.
    pub continued: f64,
    /// Share of lesions that grow back after local treatment.
    pub local_failure: f64,
    /// Share of growing lesions that answer to a new line.
    pub answers: f64,
    /// Factor on the growth of lesions that nothing holds.
    #[serde(default = "one")]
    pub growth: f64,
    /// Between progressions that a strategy holds through, where a scenario says when it fails; none: as the rest of it has it.
    #[serde(default)]
    pub salvageable: Option<f64>,
}

fn one() -> f64 {
    1.0
}

/// Mean months to death.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deaths {
    /// Disease held.
    pub holding: f64,
    /// On the next line.
    pub next_line: f64,
    /// On later lines.
    pub later_line: f64,
    /// With metastases inside the skull.
    pub brain: f64,
}

/// An organ.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organ {
    /// As forms name it (`TULOC`).
    pub name: String,
    /// How often a lesion is there.
    pub weight: f64,
    /// Share of its lesions that can be measured.
    pub measurable: f64,
    /// Lymph nodes.
    #[serde(default)]
    pub nodal: bool,
}

/// A systemic therapy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// 1: the therapy under way; 2: the next line; 3: later ones.
    pub order: u8,
    /// How often it is chosen.
    pub weight: f64,
    /// Drugs.
    pub drugs: String,
    /// Which toxicities it has.
    pub kind: String,
    /// What it is switched to for toxicity.
    #[serde(default)]
    pub switch: Option<String>,
    /// Values of the items that describe it on the trial's own forms.
    #[serde(default)]
    pub code: std::collections::BTreeMap<String, String>,
}

/// An adverse event of a therapy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toxicity {
    /// The `kind` of line, or `any`.
    pub of: String,
    /// CTCAE term.
    pub term: String,
    /// Events a patient and year.
    pub rate: f64,
    /// How likely grades 1 to 4 are.
    pub grades: [f64; 4],
}

/// An adverse event of radiotherapy.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Radiation {
    /// Where the treated lesion must be; none: anywhere.
    #[serde(default)]
    pub organ: Option<String>,
    /// CTCAE term.
    pub term: String,
    /// Chance a course.
    pub chance: f64,
    /// Days after the course, from and to.
    pub after: [i64; 2],
    /// How likely grades 1 to 4 are.
    pub grades: [f64; 4],
}

impl Profile {
    /// The shipped profile that fits a protocol.
    pub fn fitting(protocol: &Protocol) -> Result<Self, Error> {
        let population = protocol.trial.population.as_deref().unwrap_or_default();
        let text = format!("{} {population}", protocol.trial.title).to_lowercase();
        for (name, source) in SHIPPED {
            let profile: Self = toml::from_str(source)
                .map_err(|wrong| Error::Profile { name: name.into(), why: wrong.to_string() })?;
            if profile.words.is_empty()
                || profile.words.iter().any(|word| text.contains(&word.to_lowercase()))
            {
                return Ok(profile);
            }
        }
        Err(Error::Profile { name: protocol.trial.id.clone(), why: "no shipped profile fits".into() })
    }

    /// An organ, drawn by weight.
    pub fn organ(&self, chance: &mut Chance) -> &Organ {
        &self.organs[chance.weighted(self.organs.iter().map(|organ| organ.weight))]
    }

    /// A line of this order (the highest there is, where it is higher), drawn by weight; not `but`, where there is another.
    pub fn line(&self, order: u8, but: &str, chance: &mut Chance) -> &Line {
        let order = order.min(self.lines.iter().map(|line| line.order).max().unwrap_or(1));
        let all = || self.lines.iter().filter(move |line| line.order == order);
        let other = all().any(|line| line.drugs != but);
        let pool: Vec<&Line> = all().filter(|line| !other || line.drugs != but).collect();
        pool[chance.weighted(pool.iter().map(|line| line.weight))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_profiles_are_whole() {
        for (name, source) in SHIPPED {
            let profile: Profile = toml::from_str(source).unwrap();
            let shares = profile.pace.few + profile.pace.many + profile.pace.brain;
            assert!((shares - 1.0).abs() < 1e-9, "{name}: bursts sum to {shares}");
            for order in 1..=3 {
                assert!(
                    profile.lines.iter().any(|line| line.order == order),
                    "{name}: no line of order {order}"
                );
            }
            let grades = profile.toxicities.iter().map(|t| (&t.term, &t.grades));
            for (term, grades) in grades.chain(profile.radiation.iter().map(|r| (&r.term, &r.grades))) {
                assert!((grades.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{name}: grades of {term}");
                let known =
                    trial::ctcae::find(term).unwrap_or_else(|| panic!("{name}: {term} is no CTCAE term"));
                for (grade, likely) in grades.iter().enumerate() {
                    assert!(
                        *likely == 0.0 || known.grades[grade].is_some(),
                        "{name}: {term} grade {}",
                        grade + 1
                    );
                }
            }
        }
    }
}

//! Scales beside their forms: FACT-B as it is scored, and the words of the ECOG scale.
//!
//! Never a score of its own (`trial::factb`); never the wording of FACT-B, which belongs to FACIT.org.

use maud::{Markup, html};
use serde_json::{Map, Value};
use trial::factb::{ITEMS, score};

/// The ECOG performance status in the words of Oken et al., Am J Clin Oncol 1982;5:649-655.
const ECOG: [&str; 6] = [
    "Fully active, able to carry on all pre-disease performance without restriction",
    "Restricted in physically strenuous activity but ambulatory and able to carry out work of a light or sedentary nature",
    "Ambulatory and capable of all self-care but unable to carry out any work activities; up and about more than 50 % of waking hours",
    "Capable of only limited self-care; confined to bed or chair more than 50 % of waking hours",
    "Completely disabled; cannot carry on any self-care; totally confined to bed or chair",
    "Dead",
];

/// What a grade of the ECOG scale means.
pub(super) fn ecog(grade: i64) -> Option<&'static str> {
    usize::try_from(grade).ok().and_then(|grade| ECOG.get(grade)).copied()
}

/// The scores of the answers in `values`.
pub(super) fn panel(values: &Map<String, Value>) -> Markup {
    let answer =
        |item: &&str| values.get(*item).and_then(Value::as_u64).and_then(|answer| u8::try_from(answer).ok());
    let answers: Vec<Option<u8>> = ITEMS.iter().map(answer).collect();
    let answered = answers.iter().flatten().count();
    let scores = score(&answers);
    let rows = [
        ("Physical well-being", scores.pwb, 28),
        ("Social and family well-being", scores.swb, 28),
        ("Emotional well-being", scores.ewb, 24),
        ("Functional well-being", scores.fwb, 28),
        ("Breast cancer subscale", scores.bcs, 40),
        ("FACT-G", scores.fact_g, 108),
        ("Trial outcome index", scores.toi, 96),
        ("FACT-B total", scores.total, 148),
    ];
    html! {
        section.card aria-labelledby="scores" {
            h2 #scores { "Scores" }
            p.soft { (answered) " of " (ITEMS.len()) " items answered. More is better." }
            table {
                caption.visually-hidden { "FACT-B scores" }
                thead { tr { th scope="col" { "Scale" } th.num scope="col" { "Score" } th.num scope="col" { "of" } } }
                tbody {
                    @for (scale, score, most) in rows {
                        tr {
                            th scope="row" { (scale) }
                            td.num { @match score { Some(score) => { b { (rounded(score)) } } None => span.soft { "too few items" } } }
                            td.num { (most) }
                        }
                    }
                }
            }
        }
    }
}

fn rounded(score: f64) -> String {
    format!("{}", (score * 10.0).round() / 10.0)
}

//! Power against events, for the hazard ratio of the design and its neighbours.
//!
//! Never goes beyond twice the planned events.

use ::survival::Error;
use serde::Serialize;

use super::Design;
use super::start::Start;
use crate::graph::{Graph, Series, short};

/// Points of a curve: so many are smooth on paper.
const POINTS: u32 = 120;

/// The power for one hazard ratio.
#[derive(Serialize)]
pub struct Curve {
    pub hazard_ratio: f64,
    /// Events and power.
    pub points: Vec<(f64, f64)>,
}

pub fn curves(start: &Start) -> Result<Vec<Curve>, Error> {
    let most = 2.0 * start.planned_events;
    let ratios = [0.8, 1.0, 1.2].map(|factor| start.hazard_ratio * factor);
    // A neighbour beyond no effect is another question.
    let same_side = |ratio: &f64| *ratio != 1.0 && (*ratio < 1.0) == (start.hazard_ratio < 1.0);
    let curve = |ratio: f64| {
        let at = |k: u32| {
            let events = most * f64::from(k) / f64::from(POINTS);
            Ok((events, start.power_of(events, ratio)?))
        };
        Ok(Curve { hazard_ratio: ratio, points: (1..=POINTS).map(at).collect::<Result<_, Error>>()? })
    };
    ratios.into_iter().filter(same_side).map(curve).collect()
}

pub fn graph(design: &Design) -> Graph {
    let start = &design.start;
    let series = design.power_curve.iter().map(|curve| Series {
        label: format!("hazard ratio {}", short(curve.hazard_ratio)),
        points: curve.points.clone(),
        ..Series::default()
    });
    let planned = design.events.planned;
    let cross = Series {
        label: format!("{} events planned", short(planned)),
        points: vec![
            (planned, 0.0),
            (planned, design.events.power_at_planned),
            (0.0, design.events.power_at_planned),
        ],
        ..Series::default()
    };
    Graph {
        title: "Power of the log-rank test".to_owned(),
        x_label: "Events".to_owned(),
        y_label: "Power".to_owned(),
        x_end: 2.0 * planned,
        series: series.chain([cross]).collect(),
        counts_title: String::new(),
        notes: vec![format!(
            "Two-sided level {}, allocation {} to 1.",
            super::percent(start.alpha),
            short(start.allocation)
        )],
    }
}

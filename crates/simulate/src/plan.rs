//! Sites and arrivals: when each site opens, and when patients come to it.
//!
//! Never says who is eligible (see `screening`). Arrivals are a Poisson process a site, each with a rate of its own.

use jiff::civil::Date;
use trial::date::plus_days;
use trial::id::SiteId;

use crate::chance::{Chance, days};

/// Towns that no register of hospitals knows.
const TOWNS: [&str; 24] = [
    "Northbank",
    "Saltmarsh",
    "Hillgate",
    "Easter Bay",
    "Rivermouth",
    "Greyfriars",
    "Kingsfold",
    "Marram Point",
    "Wattle Creek",
    "Southern Cross",
    "Ironstone",
    "Blackwood",
    "Harbour View",
    "St Brannock",
    "Cedar Plains",
    "Old Mill",
    "Lakeside",
    "Thornbury Vale",
    "Stonehaven",
    "Westering",
    "Fernleigh",
    "Two Rivers",
    "Highfield",
    "Amberley",
];

/// Days of a month, on average.
const MONTH: f64 = 30.437_5;

/// A planned site.
#[derive(Clone, Debug)]
pub struct SitePlan {
    /// `01` and on.
    pub id: SiteId,
    /// An invented name.
    pub name: String,
    /// Country code, where the options name some.
    pub country: Option<String>,
    /// The day it opens.
    pub opens: Date,
    /// Mean days between arrivals.
    pub gap: f64,
}

/// A patient who comes to a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// The day of consent.
    pub day: Date,
    /// The place of the site in the plan.
    pub site: usize,
    /// Which of the site's arrivals, from 1.
    pub number: u32,
}

/// `count` sites that open one after the other, the last `stagger` months after `start`, at a pace that screens
/// `screened` patients in about `months`.
pub fn sites(
    chance: &mut Chance,
    count: u32,
    countries: &[String],
    start: Date,
    screened: f64,
    months: f64,
) -> Vec<SitePlan> {
    let count = count.max(1);
    let stagger = (0.4 * months).min(9.0);
    let opens: Vec<i64> = (0..count)
        .map(|place| {
            let share = if count == 1 { 0.0 } else { f64::from(place) / f64::from(count - 1) };
            days((share * stagger * MONTH + chance.normal(0.0, 9.0)).max(0.0))
        })
        .collect();
    let weights: Vec<f64> = (0..count).map(|_| chance.between(0.35, 1.8)).collect();
    let open_days = |opened: i64| (months * MONTH - opened as f64).max(30.0);
    let capacity: f64 = opens.iter().zip(&weights).map(|(opened, weight)| weight * open_days(*opened)).sum();
    let rate = screened / capacity;
    let name = |place: usize| {
        let town = TOWNS[place % TOWNS.len()];
        let again = place / TOWNS.len();
        if again == 0 { format!("{town} Hospital") } else { format!("{town} Hospital {}", again + 1) }
    };
    (0..count as usize)
        .map(|place| SitePlan {
            id: SiteId(format!("{:02}", place + 1)),
            name: name(place),
            country: countries.get(place % countries.len().max(1)).cloned(),
            opens: plus_days(start, opens[place]),
            gap: 1.0 / (rate * weights[place]),
        })
        .collect()
}

/// The arrivals of all sites up to `until`, in order of day.
///
/// `chance` gives each site its stream.
pub fn arrivals(chance: impl Fn(&SiteId) -> Chance, sites: &[SitePlan], until: Date) -> Vec<Arrival> {
    let mut all = Vec::new();
    for (place, site) in sites.iter().enumerate() {
        let mut chance = chance(&site.id);
        // The first patient comes some time after a site has opened.
        let mut day = plus_days(site.opens, 5 + days(chance.exponential(site.gap)));
        let mut number = 1;
        while day <= until {
            all.push(Arrival { day, site: place, number });
            day = plus_days(day, days(libm::round(chance.exponential(site.gap))));
            number += 1;
        }
    }
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_come_at_the_planned_pace_and_never_before_their_site_opens() {
        let start = jiff::civil::date(2025, 5, 1);
        let mut within = 0;
        for seed in 0..40 {
            let sites = sites(&mut Chance::new(seed, "sites"), 12, &[], start, 90.0, 24.0);
            let until = plus_days(start, days(24.0 * MONTH));
            let arrivals = arrivals(|site| Chance::new(seed, &format!("arrivals {site}")), &sites, until);
            assert!(arrivals.iter().all(|arrival| arrival.day > sites[arrival.site].opens));
            assert!(arrivals.is_sorted());
            within += arrivals.len();
        }
        // 40 times 90 within four standard deviations of a Poisson count.
        assert!(within.abs_diff(3_600) < 240, "{within} arrivals");
    }
}

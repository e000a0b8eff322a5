//! How large a scenario's trial is and when its patients come.
//!
//! Never says who is eligible (see `screening`) or which site opens when (see `plan`).

use jiff::civil::Date;
use trial::date::plus_days;

use crate::chance::{Chance, days};
use crate::plan::{Arrival, SitePlan};
use crate::times::Course;

/// The size and pace of a scenario's trial.
#[derive(Clone, Debug)]
pub struct Size {
    /// Subjects to randomise.
    pub subjects: u32,
    /// Months that accrual takes, about.
    pub accrual_months: f64,
    /// Days from the last randomisation to the end.
    pub follow_up_days: i64,
    pub(super) start: Date,
    /// Those who come up to a day, cumulated; none: all at once.
    pub(super) course: Option<Course>,
    /// At random rather than evenly.
    pub(super) poisson: bool,
}

impl Size {
    /// Those who come, in order of day, without an end.
    pub(crate) fn arrivals<'s>(
        &'s self,
        sites: &'s [SitePlan],
        mut chance: Chance,
    ) -> impl Iterator<Item = Arrival> + 's {
        let all_open = sites.iter().map(|site| site.opens).max().unwrap_or(self.start);
        let mut passed = 0.0;
        let mut latest = self.start;
        let mut number = 0_u32;
        std::iter::from_fn(move || {
            passed = if self.poisson {
                passed + chance.exponential(1.0)
            } else {
                f64::from(number) + chance.unit()
            };
            number = number.checked_add(1)?;
            let drawn = match &self.course {
                None => plus_days(all_open, 1),
                Some(course) => plus_days(self.start, days(course.time_of(passed))),
            };
            latest = latest.max(drawn);
            let site = site(sites, latest, &mut chance);
            // Nobody comes to a site before it is open: the first one opens for its first patient.
            latest = latest.max(plus_days(sites.get(site)?.opens, 1));
            Some(Arrival { day: latest, site, number })
        })
    }
}

/// One of the sites that are open on `day`, by their pace; the first to open where none is.
fn site(sites: &[SitePlan], day: Date, chance: &mut Chance) -> usize {
    let weight = |site: &SitePlan| if site.opens < day { 1.0 / site.gap } else { 0.0 };
    if sites.iter().any(|site| site.opens < day) {
        return chance.weighted(sites.iter().map(weight));
    }
    (0..sites.len()).min_by_key(|at| sites[*at].opens).unwrap_or(0)
}

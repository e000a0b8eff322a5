//! Which facts a command sees, by either of the two clocks.
//!
//! Never cuts: the ledger's reader and the record do.

use jiff::Timestamp;
use jiff::civil::Date;
use ledger::{Address, Ledger};
use office::Reading;

use crate::output::{Failure, wait};

/// Which facts a command sees.
#[derive(clap::Args, Clone, Copy, Default)]
pub struct Cuts {
    /// What was known then: only events recorded up to the end of this day (UTC), or up to this moment
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub as_of: Option<Timestamp>,
    /// What had happened by then: no clinical fact after this day is seen
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub cut: Option<Date>,
}

impl Cuts {
    /// Opens the ledger at `at` as it was known at `as_of`.
    pub fn open(self, at: &Address) -> Result<Reading, Failure> {
        match (office::open_reading(at, self.as_of), self.as_of) {
            (Err(office::Error::NoProtocol { .. }), Some(moment)) => Err(too_early(at, moment)),
            (read, _) => Ok(read?),
        }
    }
}

fn too_early(at: &Address, moment: Timestamp) -> Failure {
    let failure =
        Failure::new(format!("{at} held no protocol yet at {}", moment.strftime("%Y-%m-%d %H:%M:%S UTC")));
    let first = wait(async {
        let event = Ledger::open_read_only(at).await?.event(1).await?;
        event.map(|event| event.parse::<trial::event::Event>()).transpose()
    });
    match first {
        Ok(Some(event)) => {
            failure.hint(format!("--as-of {} or later", trial::date::utc_date(event.recorded)))
        }
        _ => failure.hint("a later moment"),
    }
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("{text:?} is no day; write it as 2027-01-31"))
}

/// A moment: a day, to its end, or a moment.
pub fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let day: Date = text
        .parse()
        .map_err(|_| format!("{text:?} is neither a day (2027-01-31) nor a moment (2027-01-31T12:00Z)"))?;
    trial::date::end_of_day(day).map_err(|wrong| wrong.to_string())
}

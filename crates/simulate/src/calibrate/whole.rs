//! The medians that whole trials show: patients, scans, forms and records, the primary endpoint as the program derives it.
//!
//! Never a shortcut of its own: what is played is `full`'s, what is derived is `trial`'s.

use rayon::prelude::*;
use survival::km::{ConfType, KaplanMeier};
use trial::derive::derive;
use trial::protocol::Checked;

use super::{Draws, Error, Options, Shown, Target, sized, summary};
use crate::full::{Design, Ensemble};
use crate::scenario::{ARMS, Read, Scenario};

/// The medians of an arm in whole trials of as many patients as the target has.
pub(super) fn shown(
    read: &Read,
    scenario: Scenario,
    checked: &Checked,
    target: &Target,
    options: Options<'_>,
    draws: Draws,
) -> Result<Shown, Error> {
    let control = target.arm == ARMS[0];
    let scenario = sized(scenario, usize::from(!control), target);
    let wrong = |why: Vec<String>| Error::Whole(why.join("; "));
    let design = Design::new(&read.file, &scenario, checked).map_err(wrong)?.keyed(draws.fingerprint());
    let ensemble = Ensemble::new(&design, options.seed).map_err(|wrong| Error::Whole(wrong.to_string()))?;
    let medians: Vec<Result<f64, Error>> =
        (0..options.trials).into_par_iter().map(|trial| median(&ensemble, &design, trial, control)).collect();
    let mut all = Vec::with_capacity(medians.len());
    for median in medians {
        all.push(median?);
    }
    Ok(summary(all))
}

/// The Kaplan-Meier median of an arm of one trial, in the scenario's unit; infinite where it is not reached.
fn median(ensemble: &Ensemble<'_>, design: &Design, number: u64, control: bool) -> Result<f64, Error> {
    let trial = ensemble.play(number).map_err(|wrong| Error::Whole(wrong.to_string()))?;
    let history = design.history();
    let protocol = history.current();
    let (mut time, mut event) = (Vec::new(), Vec::new());
    for record in &trial.records {
        let arm = record.randomised.as_ref().map(|fact| &fact.value.arm);
        let of_control = protocol.arms.iter().find(|known| Some(&known.id) == arm).map(|known| known.control);
        if of_control == Some(control)
            && let Some(derived) = ensemble.primary_of(record, &derive(history, record, None))
        {
            time.push(derived.days() as f64 / design.unit_days());
            event.push(derived.is_event());
        }
    }
    let median = KaplanMeier::fit(&time, &event)?.median(ConfType::Plain, 0.95);
    Ok(median.estimate.unwrap_or(f64::INFINITY))
}

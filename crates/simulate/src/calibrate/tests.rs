//! Fits against theory, and what is written of them.

use rstest::rstest;

use super::*;
use crate::scenario::read;

const QUICK: Options<'_> = Options { seed: 5, trials: 2_000, whole: None };

fn scenario(text: &str) -> Read {
    let full = format!("title = \"a test\"\n{text}");
    read(&full, &|name| Err(format!("{name} is not here"))).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn fitted(text: &str) -> Vec<Fitted> {
    fit(&scenario(text), QUICK, &mut |_, _, _| {}).unwrap_or_else(|wrong| panic!("{wrong}"))
}

// An odd number of exponential times without censoring: their median is the (n + 1) / 2-th order statistic, whose mean is the sum of
// 1 / (n - i + 1) over the first (n + 1) / 2, times the mean (Renyi 1953).
#[test]
fn finds_the_rate_whose_median_has_the_mean_of_an_order_statistic() {
    let n = 31_u32;
    let sum: f64 = (0..n.div_ceil(2)).map(|i| 1.0 / f64::from(n - i)).sum();
    let [one, other] = fitted(
        "subjects = 62\ncontrol = { median = 2 }\neffect = { hazard_ratio = 1 }\nblocks = [2]\n\
         targets = [{ arm = \"experimental\", median = 9, patients = 31, source = \"b\" },\n\
         { arm = \"control\", median = 6, patients = 31, source = \"a\" }]",
    )
    .try_into()
    .unwrap();
    let right = 6.0 / sum * std::f64::consts::LN_2;
    assert_eq!((one.target.arm, one.parameter, one.began), ("control", "control.median", 2.0));
    assert!((one.found - right).abs() < 4.5 * one.std_err, "{} +- {}, not {right}", one.found, one.std_err);
    assert!((one.reached.mean - 6.0).abs() < 0.2 * one.reached.std_err, "{:?}", one.reached);
    let apart = one.confirmed.mean - 6.0;
    assert!(apart.abs() < 4.5 * 2.0_f64.sqrt() * one.confirmed.std_err, "{:?}", one.confirmed);
    assert_ne!(one.reached.mean, one.confirmed.mean);
    // Of the same law, 6 and 9 are a hazard ratio of 2 to 3.
    let error = other.std_err.hypot(other.found * one.std_err / one.found);
    assert!((other.found - 2.0 / 3.0).abs() < 4.5 * error, "{} +- {error}", other.found);
}

#[test]
fn a_fit_does_not_depend_on_threads() {
    let text = "subjects = 40\ncontrol = { median = 4 }\neffect = { hazard_ratio = 0.5 }\nfollow_up = 40\n\
                accrual = { duration = 12 }\nassessment = { every = 2.8, jitter = 0.3, missed = 0.1 }\ndropout = { share = 0.1, by = 12 }\n\
                targets = [{ arm = \"control\", median = 5.2, source = \"a\" }]";
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| fitted(text))
    };
    let (one, three) = (on(1), on(3));
    assert_eq!(one, three);
    // Seen late, at the next scan: what happens is earlier than what is seen.
    assert!(one[0].found < 5.2 && one[0].found > 3.0, "{:?}", one[0]);
}

#[rstest]
#[case("", "no [[targets]]")]
#[case("targets = [{ arm = \"A\", median = 5, source = \"a\" }]", "\"control\" or \"experimental\"")]
#[case("targets = [{ arm = \"control\", median = 0, source = \"a\" }]", "above 0")]
#[case("targets = [{ arm = \"control\", median = 5, patients = 1, source = \"a\" }]", "from 2 to")]
#[case(
    "targets = [{ arm = \"control\", median = 5, source = \"a\" }, { arm = \"control\", median = 6, source = \"a\" }]",
    "a second one"
)]
fn a_target_that_cannot_be_is_refused(#[case] targets: &str, #[case] words: &str) {
    let read = scenario(&format!(
        "subjects = 60\ncontrol = {{ median = 5 }}\neffect = {{ hazard_ratio = 1 }}\n{targets}"
    ));
    let told = fit(&read, QUICK, &mut |_, _, _| {}).unwrap_err().to_string();
    assert!(told.contains(words), "{told}");
}

#[test]
fn what_no_rate_shows_is_told() {
    // Followed for 4 months after the last: nobody's median is 30 months.
    let read = scenario(
        "subjects = 60\nfollow_up = 4\ncontrol = { median = 5 }\neffect = { hazard_ratio = 1 }\n\
         targets = [{ arm = \"control\", median = 30, source = \"a\" }]",
    );
    let told = fit(&read, Options { trials: 100, ..QUICK }, &mut |_, _, _| {}).unwrap_err().to_string();
    assert!(told.contains("never to 30"), "{told}");
}

#[rstest]
#[case("control = { median = 4 }\n")]
#[case("effect = { hazard_ratio = 0.9 }\ncontrol.median = 4\n")]
#[case("effect = { delay = 2 }\ncontrol = { median = 4 }\n")]
#[case(
    "# a word\n[control]\nmedian = 4 # the median\ndropout = { share = 0.1, by = 12 }\n[effect]\ndelay = 2\n"
)]
#[case("control = { median = 4 }\neffect.delay = 2\n[dropout]\nshare = 0.1\nby = 12\n")]
fn what_is_found_is_written_where_it_belongs(#[case] text: &str) {
    let shipped = |_: &str| {
        let source = include_str!("../../../../protocols/avatar-ii.toml");
        trial::protocol::check(source).map(|checked| checked.protocol).map_err(|faults| format!("{faults:?}"))
    };
    let source = format!(
        "title = \"a test\" # title\nprotocol = \"avatar-ii\"\ntargets = [{{ arm = \"control\", median = 5, source = \"a\" }},\n\
         {{ arm = \"experimental\", median = 9, source = \"b\" }}]\n{text}"
    );
    let read = |text: &str| read(text, &shipped).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"));
    let before = read(&source);
    let fitted = fit(&before, Options { trials: 200, ..QUICK }, &mut |_, _, _| {}).unwrap();
    let written = write(&source, &fitted, "trialwright calibrate", &shipped).unwrap();
    let after = read(&written);
    assert_eq!(after.file.control.median, Some(fitted[0].found), "{written}");
    assert_eq!(after.file.effect.hazard_ratio, Some(fitted[1].found), "{written}");
    assert_eq!(after.file.effect.delay, before.file.effect.delay);
    let begins = "#~ Calibrated by `trialwright calibrate`.\n#~ control.median = ";
    assert!(written.starts_with(begins), "{written}");
    // Another fit tells of itself alone.
    let again = write(&written, &fitted, "again", &shipped).unwrap();
    assert_eq!(again.matches("Calibrated by").count(), 1);
    assert_eq!(again.replace("`again`", "`trialwright calibrate`"), written);
}

#[test]
fn whole_trials_show_what_was_published() {
    let text = include_str!("../../../../scenarios/avatar.toml");
    let checked = trial::protocol::check(include_str!("../../../../protocols/avatar-ii.toml"))
        .unwrap_or_else(|faults| panic!("{faults:?}"));
    let read = read(text, &|_| Ok(checked.protocol.clone())).unwrap_or_else(|faults| panic!("{faults:?}"));
    let options = Options { seed: 3, trials: 3, whole: Some(&checked) };
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let target = targets(&read).unwrap().remove(0);
        let shown = || whole::shown(&read, read.scenario.clone(), &checked, &target, options, Draws::Fit);
        pool.install(shown).unwrap_or_else(|wrong| panic!("{wrong}"))
    };
    let shown = on(2);
    assert_eq!(shown, on(1));
    assert!(shown.trials == 3 && shown.std_err > 0.0 && (2.0..9.0).contains(&shown.mean), "{shown:?}");
}

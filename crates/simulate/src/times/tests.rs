//! Simulated trials against exact distributions, published formulas and one another.

use rstest::rstest;
use survival::design::accrual::{Accrual, Arm, Rate, Trial};

use super::*;
use crate::scenario::read;

/// A scenario of a text, which names no protocol.
fn scenario(text: &str) -> Scenario {
    let full = format!("title = \"a test\"\n{text}");
    read(&full, &|name| Err(format!("{name} is not here")))
        .unwrap_or_else(|faults| panic!("{faults:?}"))
        .scenario
}

fn tally(scenario: &Scenario, trials: u64) -> Tally {
    let mut times = Times::new(scenario, 11).unwrap();
    let mut tally = times.tally();
    (0..trials).for_each(|trial| times.run(trial, &mut tally));
    tally
}

/// Fails where a count is further than 4.5 standard errors of a binomial from what it should be: once in 150,000.
fn assert_share(what: &str, count: u64, of: u64, expected: f64, slack: f64) {
    let found = count as f64 / of as f64;
    let error = (expected * (1.0 - expected) / of as f64).sqrt();
    assert!((found - expected).abs() <= 4.5 * error + slack, "{what}: {found}, not {expected} +- {error}");
}

/// The exact probability that the log-rank z is beyond `bound` on either side, for exponential times without censoring: every order
/// of the events is walked, each with its probability under proportional hazards (Lehmann, Ann Math Stat 1953;24:23-43).
fn exact(per_arm: u32, hazard_ratio: f64, bound: f64) -> (f64, f64) {
    struct Path {
        left: [f64; 2],
        difference: f64,
        variance: f64,
        probability: f64,
    }
    fn walk(path: &Path, ratio: f64, bound: f64, sums: &mut (f64, f64)) {
        let [first, second] = path.left;
        if first + second == 0.0 {
            let z = path.difference / path.variance.sqrt();
            // The difference is observed - expected of the experimental arm, whose benefit is below 0.
            sums.0 += if z <= -bound { path.probability } else { 0.0 };
            sums.1 += if z >= bound { path.probability } else { 0.0 };
            return;
        }
        let share = second / (first + second);
        let next = ratio * second / (first + ratio * second);
        for (of_second, chance) in [(true, next), (false, 1.0 - next)] {
            if chance > 0.0 {
                let taken = f64::from(u8::from(of_second));
                let after = Path {
                    left: [first - (1.0 - taken), second - taken],
                    difference: path.difference + taken - share,
                    variance: path.variance + share * (1.0 - share),
                    probability: path.probability * chance,
                };
                walk(&after, ratio, bound, sums);
            }
        }
    }
    let mut sums = (0.0, 0.0);
    let start = Path { left: [f64::from(per_arm); 2], difference: 0.0, variance: 0.0, probability: 1.0 };
    walk(&start, hazard_ratio, bound, &mut sums);
    sums
}

#[rstest]
#[case(1.0)]
#[case(0.4)]
#[case(2.5)]
fn agrees_with_the_exact_distribution_of_the_log_rank_test(#[case] hazard_ratio: f64) {
    let scenario = scenario(&format!(
        "subjects = 16\ncontrol = {{ median = 3 }}\neffect = {{ hazard_ratio = {hazard_ratio} }}\n\
         analyses = [{{ id = \"a\", method = \"log-rank\" }}]"
    ));
    let (for_experimental, for_control) = exact(8, hazard_ratio, 1.959_963_984_540_054);
    let trials = 60_000;
    let tally = tally(&scenario, trials);
    assert_share("for the experimental arm", tally.analyses[0].experimental, trials, for_experimental, 0.0);
    assert_share("for the control arm", tally.analyses[0].control, trials, for_control, 0.0);
}

// Lachin & Foulkes's expected events, as `survival` has them (proved there against rpact).
#[rstest]
#[case("poisson")]
#[case("even")]
fn has_the_expected_events(#[case] course: &str) {
    let scenario = scenario(&format!(
        "subjects = 400\nfollow_up = 12\ncontrol = {{ hazard = [{{ from = 0, hazard = 0.1 }}, {{ from = 6, hazard = 0.04 }}] }}\n\
         effect = {{ hazard_ratio = 0.6, delay = 3 }}\ndropout = {{ share = 0.1, by = 12 }}\n\
         accrual = {{ duration = 24, course = \"{course}\" }}\nblocks = [2]"
    ));
    let control = Arm {
        hazard: Rate::piecewise(&[0.0, 6.0], &[0.1, 0.04]).unwrap(),
        dropout: Rate::of_share(0.1, 12.0).unwrap(),
    };
    let experimental =
        Arm { hazard: Rate::piecewise(&[0.0, 3.0, 6.0], &[0.1, 0.06, 0.024]).unwrap(), ..control.clone() };
    let accrual = Accrual::uniform(400.0, 24.0).unwrap();
    let expected = Trial { accrual, control, experimental, allocation: 1.0 }.events_by(36.0).total();
    let tally = tally(&scenario, 400);
    let (n, mean) = (tally.events.n as f64, tally.events.sum / tally.events.n as f64);
    let error = ((tally.events.squares / n - mean * mean) / n).sqrt();
    assert_eq!(tally.subjects.sum, 400.0 * n);
    // The last one comes within the last step, not at its end: that is worth a fraction of an event.
    assert!((mean - expected).abs() < 4.5 * error + 0.4, "{mean} +- {error}, not {expected}");
    let duration = tally.duration.sum / n;
    assert!((duration - 36.0).abs() < if course == "even" { 0.1 } else { 0.4 }, "{duration}");
}

// The level over three looks, and the chance to stop at each, against the integrals of `survival` (proved there against rpact).
#[test]
fn group_sequential_boundaries_hold_their_level() {
    let text = "subjects = 300\ncontrol = { median = 6 }\naccrual = { duration = 12 }\n\
                design = { events = 240, looks = [0.4, 0.7, 1.0], boundary = \"pocock\" }\n\
                analyses = [{ id = \"a\", method = \"log-rank\" }]\n";
    let trials = 6_000;
    for (ratio, drift) in [(1.0, 0.0), (0.75, -(0.75_f64.ln()) * (240.0_f64 / 4.0).sqrt())] {
        let scenario = scenario(&format!("{text}effect = {{ hazard_ratio = {ratio} }}"));
        let expected = scenario.design.boundaries().unwrap().exits(drift);
        let tally = tally(&scenario, trials);
        for (look, told) in tally.looks.iter().enumerate() {
            // The statistic is normal only nearly: a hundredth of power, a part of it for the level.
            let slack = if drift == 0.0 { 0.001 } else { 0.01 };
            assert_share(&format!("up at {look}"), told.experimental, trials, expected.upper[look], slack);
            assert_share(&format!("down at {look}"), told.control, trials, expected.lower[look], slack);
        }
        let first = &tally.looks[0];
        assert_eq!(first.events.sum, 96.0 * first.events.n as f64, "40 % of 240 events");
        assert_eq!(tally.looks.iter().map(|l| l.experimental + l.control + l.neither).sum::<u64>(), trials);
    }
}

#[test]
fn a_trial_is_its_number_and_nothing_else() {
    let scenario = scenario(FULL);
    let alone = |trial: u64| {
        let mut times = Times::new(&scenario, 5).unwrap();
        let mut tally = times.tally();
        times.run(trial, &mut tally);
        tally
    };
    let mut together = Times::new(&scenario, 5).unwrap();
    for trial in [7, 3, 3, 40] {
        let mut tally = together.tally();
        together.run(trial, &mut tally);
        assert_eq!(tally, alone(trial), "trial {trial} after others");
    }
    assert_ne!(alone(3), alone(4));
    let mut other = Times::new(&scenario, 6).unwrap();
    let mut tally = other.tally();
    other.run(3, &mut tally);
    assert_ne!(tally, alone(3), "another seed");
}

/// Everything a scenario can say.
const FULL: &str = r#"
subjects = 60
blocks = [4, 6]
accrual = { duration = 18, rates = [{ from = 0, rate = 1 }, { from = 6, rate = 3 }] }
follow_up = 24
control = { median = 5 }
effect = { hazard_ratio = 0.6 }
dropout = { share = 0.1, by = 12 }
lost_before_event = { share = 0.1, within = 2 }
assessment = { every = 2.8, jitter = 0.4, missed = 0.1, known_to_the_day = 0.1 }
experimental = { assessment = { every = 1.4, jitter = 0.2 }, decision = { put_off = 0.3, too_soon = 0.02 } }
strata = [{ label = "low", share = 0.6 }, { label = "high", share = 0.4, hazard_ratio = 1.8 }]
design = { events = 45, looks = [0.5, 1.0], futility = "hsd:-2" }
analyses = [
  { id = "stratified", method = "log-rank" },
  { id = "plain", method = "log-rank", stratified = false },
  { id = "cox", method = "cox" },
  { id = "late", method = "fleming-harrington", gamma = 1 },
  { id = "combo", method = "max-combo" },
  { id = "mean", method = "restricted-mean", until = 12 },
]
re_estimation = { from = 0.3, target = 0.9, most = 1.5 }
"#;

/// The subjects of some trials.
fn subjects(scenario: &Scenario, trials: u64) -> Vec<Vec<Subject>> {
    let mut times = Times::new(scenario, 3).unwrap();
    let draw = |trial| {
        times.draw(trial, scenario.subjects as usize);
        times.subjects.clone()
    };
    (0..trials).map(draw).collect()
}

#[test]
fn blocks_are_balanced_in_each_stratum_and_arrivals_are_in_order() {
    let scenario = scenario(&FULL.replace("blocks = [4, 6]", "blocks = [4]"));
    for trial in subjects(&scenario, 50) {
        assert!(trial.is_sorted_by(|a, b| a.entry <= b.entry));
        for stratum in 0..2 {
            let arms: Vec<bool> = trial.iter().filter(|s| s.stratum == stratum).map(|s| s.second).collect();
            assert!(
                arms.chunks_exact(4).all(|block| block.iter().filter(|second| **second).count() == 2),
                "{arms:?}"
            );
        }
    }
    let first: Vec<bool> = subjects(&scenario, 4_000).iter().map(|trial| trial[0].second).collect();
    assert_share("the first subject", first.iter().filter(|s| **s).count() as u64, 4_000, 0.5, 0.0);
}

// Shares without event at a time, against the survival function.
#[test]
fn times_follow_their_hazards() {
    let scenario = scenario(
        "subjects = 2000\nallocation = [1, 3]\n\
         control = { hazard = [{ from = 0, hazard = 0.02 }, { from = 4, hazard = 0.2 }, { from = 9, hazard = 0.05 }] }\n\
         effect = { steps = [{ from = 0, hazard_ratio = 1 }, { from = 6, hazard_ratio = 0.25 }] }\n\
         strata = [{ label = \"a\", share = 0.25, hazard_ratio = 2 }, { label = \"b\", share = 0.75 }]",
    );
    let all: Vec<Subject> = subjects(&scenario, 10).concat();
    for (second, cumulative) in [
        (false, 0.02 * 4.0 + 0.2 * 5.0 + 0.05 * 3.0),
        (true, 0.02 * 4.0 + 0.2 * 2.0 + 0.05 * 3.0 + 0.0125 * 3.0),
    ] {
        for (stratum, factor) in [(0, 2.0_f64), (1, 1.0)] {
            let of: Vec<&Subject> =
                all.iter().filter(|s| s.second == second && s.stratum == stratum).collect();
            let left = of.iter().filter(|s| s.end > 12.0).count();
            assert_share("without event", left as u64, of.len() as u64, (-cumulative * factor).exp(), 0.0);
        }
        let share = all.iter().filter(|s| s.stratum == 0).count() as u64;
        assert_share("of the stratum", share, all.len() as u64, 0.25, 0.0);
    }
    assert_share(
        "experimental",
        all.iter().filter(|s| s.second).count() as u64,
        all.len() as u64,
        0.75,
        0.01,
    );
}

/// The same trials with and without assessments: the lives are the same, since each number has its own counter.
#[test]
fn an_event_is_found_at_the_next_assessment_and_a_loss_goes_back_to_the_last() {
    let plain = "subjects = 400\ncontrol = { median = 6 }\neffect = { hazard_ratio = 0.5 }\ndropout = { share = 0.3, by = 12 }\n";
    let (exact, assessed) = (scenario(plain), scenario(&format!("{plain}assessment = {{ every = 3 }}")));
    // The key follows the scenario, so the same lives need the same key.
    let lives = |scenario: &Scenario| {
        let mut times = Times::new(scenario, 3).unwrap();
        times.philox = Philox::keyed(1, &[0; 32]);
        times.draw(9, 400);
        times.subjects.clone()
    };
    let mut late = 0;
    for (truth, found) in lives(&exact).iter().zip(lives(&assessed)) {
        assert_eq!(found.end % 3.0, 0.0, "{found:?}");
        if truth.event && found.event {
            assert!(found.end >= truth.end && found.end < truth.end + 3.0, "{truth:?} {found:?}");
        } else if truth.event {
            // Lost between the event and the assessment that would have found it.
            assert!(found.end <= truth.end, "{truth:?} {found:?}");
            late += 1;
        } else {
            assert!(
                !found.event && found.end <= truth.end && found.end > truth.end - 3.0,
                "{truth:?} {found:?}"
            );
        }
    }
    assert!(late > 0);
}

// Each bias, with no effect at all: towards the arm it must favour.
#[rstest]
#[case("experimental = { decision = { put_off = 0.5 } }", true)]
#[case("control = { median = 6, decision = { too_soon = 0.05 } }", true)]
#[case("experimental = { decision = { too_soon = 0.05 } }", false)]
#[case("experimental = { lost_before_event = { share = 0.3, within = 3 } }", true)]
#[case("control = { median = 6, lost_before_event = { share = 0.3, within = 3 } }", false)]
#[case("experimental = { assessment = { every = 5.6 } }", true)]
fn bias_goes_its_way(#[case] bias: &str, #[case] for_experimental: bool) {
    let control = if bias.starts_with("control") { "" } else { "control = { median = 6 }\n" };
    let biased = scenario(&format!(
        "subjects = 200\nfollow_up = 24\n{control}effect = {{ hazard_ratio = 1 }}\nassessment = {{ every = 2.8 }}\n{bias}"
    ));
    let tally = tally(&biased, 400);
    let told = &tally.analyses[0];
    let (more, less) =
        if for_experimental { (told.experimental, told.control) } else { (told.control, told.experimental) };
    assert!(more > 40 && less < 5, "{told:?}");
    let mean = tally.analyses[1].log_hazard_ratio.sum / tally.analyses[1].log_hazard_ratio.n as f64;
    assert_eq!(mean < 0.0, for_experimental, "{mean}");
}

#[test]
fn an_estimate_is_near_the_truth_and_its_limits_hold_it() {
    let scenario = scenario("subjects = 300\ncontrol = { median = 6 }\neffect = { hazard_ratio = 0.5 }");
    let trials = 4_000;
    let told = tally(&scenario, trials).analyses[1];
    assert_eq!(told.log_hazard_ratio.n, trials);
    let mean = told.log_hazard_ratio.sum / trials as f64;
    let deviation = (told.log_hazard_ratio.squares / trials as f64 - mean * mean).sqrt();
    // A partial likelihood of 300 events is biased away from 1 by about a hundredth.
    assert!((mean - 0.5_f64.ln()).abs() < 4.5 * deviation / (trials as f64).sqrt() + 0.01, "{mean}");
    assert!((told.std_err.sum / trials as f64 / deviation - 1.0).abs() < 0.06);
    assert_share("coverage", told.covered, trials, 0.95, 0.004);
}

#[test]
fn a_late_effect_is_seen_best_by_late_weights() {
    let scenario = scenario(
        "subjects = 200\nfollow_up = 30\ncontrol = { median = 8 }\neffect = { hazard_ratio = 0.5, delay = 6 }\nanalyses = [\n\
         { id = \"log-rank\", method = \"log-rank\" }, { id = \"late\", method = \"fleming-harrington\", gamma = 1 },\n\
         { id = \"early\", method = \"fleming-harrington\", rho = 1 }, { id = \"combo\", method = \"max-combo\" }]",
    );
    let power: Vec<u64> = tally(&scenario, 300).analyses.iter().map(|a| a.experimental).collect();
    assert!(power[1] > power[0] && power[0] > power[2] && power[3] > power[2], "{power:?}");
    assert_eq!(scenario.log_hazard_ratio(), None);
}

// Adding events where it looks promising holds the level with fixed weights, and raises the power.
#[test]
fn a_promising_zone_adds_events_and_holds_the_level() {
    let text = |more: &str, ratio: f64| {
        scenario(&format!(
            "subjects = 120\ncontrol = {{ median = 6 }}\naccrual = {{ duration = 12 }}\neffect = {{ hazard_ratio = {ratio} }}\n\
             design = {{ events = 90, looks = [0.5, 1.0] }}\nanalyses = [{{ id = \"a\", method = \"log-rank\" }}]\n{more}"
        ))
    };
    let more = "re_estimation = { from = 0.2, target = 0.9, most = 2 }";
    let trials = 8_000;
    let null = tally(&text(more, 1.0), trials);
    assert_share("the level", null.analyses[0].experimental, trials, 0.025, 0.002);
    let (with, without) = (tally(&text(more, 0.6), 2_000), tally(&text("", 0.6), 2_000));
    assert!(with.analyses[0].experimental > without.analyses[0].experimental + 40);
    assert!(with.raised > 200 && without.raised == 0, "{}", with.raised);
    assert!(with.events.sum > without.events.sum && with.subjects.sum > without.subjects.sum);
}

#[test]
fn a_trial_whose_events_do_not_come_ends_when_it_was_to_end() {
    let scenario = scenario(
        "subjects = 60\nfollow_up = 3\ncontrol = { median = 24 }\naccrual = { duration = 6, course = \"even\" }\n\
         effect = { hazard_ratio = 0.5 }\ndesign = { events = 50, looks = [0.5, 1.0] }",
    );
    let tally = tally(&scenario, 200);
    let last = tally.looks[1];
    assert_eq!(last.experimental + last.control + last.neither, 200);
    let mean = last.time.sum / 200.0;
    assert!((mean - 9.0).abs() < 0.1, "{mean}");
    assert!(tally.events.sum / 200.0 < 25.0);
}

// The shortcut of the MaxCombo test concludes what its probability does.
#[test]
fn bounds_on_a_probability_conclude_what_it_would() {
    use survival::Observations;
    use survival::maxcombo::{DEFAULT_WEIGHTS, Side, maxcombo};

    let scenario = scenario(
        "subjects = 60\ncontrol = { median = 6 }\neffect = { hazard_ratio = 0.6, delay = 2 }\n\
         analyses = [{ id = \"combo\", method = \"max-combo\" }]",
    );
    let mut times = Times::new(&scenario, 3).unwrap();
    let mut concluded = 0;
    for trial in 0..60 {
        let mut tally = times.tally();
        times.run(trial, &mut tally);
        let time: Vec<f64> = times.subjects.iter().map(|subject| subject.end).collect();
        let group: Vec<usize> = times.subjects.iter().map(|subject| usize::from(subject.second)).collect();
        let event = vec![true; time.len()];
        let test =
            maxcombo(&Observations::new(&time, &event), &group, None, &DEFAULT_WEIGHTS, Side::Both).unwrap();
        let told = tally.analyses[0];
        assert_eq!(
            told.experimental + told.control == 1,
            test.p_value <= 0.05,
            "trial {trial}: {}",
            test.p_value
        );
        concluded += told.experimental;
    }
    assert!((10..55).contains(&concluded), "{concluded}");
}

/// More assessments than can be counted: the next one is a digit later than a float holds.
#[rstest]
#[case("put_off = 0.9")]
#[case("put_off = 0.0")]
fn a_life_of_more_assessments_than_can_be_counted_ends(#[case] decision: &str) {
    let scenario = scenario(&format!(
        "subjects = 20\ncontrol = {{ hazard = [{{ from = 0, hazard = 1e-300 }}] }}\neffect = {{ hazard_ratio = 1.0 }}\n\
         assessment = {{ every = 2.0, missed = 0.9 }}\ndecision = {{ {decision} }}\n"
    ));
    let mut times = Times::new(&scenario, 1).unwrap();
    let mut known = Vec::new();
    times.followed(0, |_, time, event| known.push((time, event)));
    assert_eq!(known.len(), 20);
    assert!(known.iter().all(|(time, event)| *event && *time > 1e290), "{known:?}");
}

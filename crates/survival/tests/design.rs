//! The design of trials against rpact, mvtnorm, published tables and the documentation of gsDesign and SAS.
//! `data/design/make.R` made what came from R.
#![allow(clippy::unwrap_used, reason = "a test stops where its data are not what they were")]

mod common;

use common::{assert_all_near, assert_near, json, list, number};
use rstest::rstest;
use serde_json::Value;
use survival::Error;
use survival::design::accrual::{Accrual, Arm, Rate, Trial};
use survival::design::events::{self, Formula};
use survival::design::sample_size::{self, SampleSize, Steps};
use survival::design::sequential::{Efficacy, Futility, GroupSequential, Plan, Spending};

/// rpact integrates by Newton-Cotes and stops its searches at 1e-10: its last digits are its own.
const RPACT: f64 = 2e-6;

#[test]
fn events_are_those_of_the_golden_file() {
    for case in json("small/small_tests.json")["events"].as_array().unwrap() {
        let [hr, alpha, power] = ["hr", "alpha_one_sided", "power"].map(|k| number(&case[k]));
        let ours = |formula| events::events(formula, hr, alpha, power, 1.0).unwrap();
        assert_near("Schoenfeld", ours(Formula::Schoenfeld), number(&case["events_schoenfeld"]), 1e-12, 0.0);
        assert_near("Freedman", ours(Formula::Freedman), number(&case["events_freedman"]), 1e-12, 0.0);
        for formula in [Formula::Schoenfeld, Formula::Freedman] {
            let back = events::power(formula, hr, alpha, ours(formula), 1.0).unwrap();
            assert_near("power", back, power, 1e-12, 0.0);
            let ratio = events::detectable(formula, alpha, power, ours(formula), 1.0).unwrap();
            assert_near("detectable", ratio, hr, 1e-12, 0.0);
        }
    }
}

fn plan(name: &str, theirs: &Value) -> Plan {
    let spend = |s| Efficacy::Spending(s);
    let (efficacy, futility) = match name {
        "obrien-fleming-spending" | "obrien-fleming-spending-5" | "two-sided-obrien-fleming-spending" => {
            (spend(Spending::OBrienFleming), Futility::None)
        }
        "pocock-spending" => (spend(Spending::Pocock), Futility::None),
        "hsd" => (spend(Spending::HwangShihDeCani(-3.0)), Futility::None),
        "power" => (spend(Spending::Power(2.2)), Futility::None),
        "obrien-fleming" => (Efficacy::WangTsiatis(0.0), Futility::None),
        "pocock" | "two-sided-pocock" => (Efficacy::WangTsiatis(0.5), Futility::None),
        "wang-tsiatis" => (Efficacy::WangTsiatis(0.25), Futility::None),
        "haybittle-peto" => (Efficacy::HaybittlePeto(3.0), Futility::None),
        "binding-hsd" => {
            (spend(Spending::HwangShihDeCani(-1.0)), Futility::Binding(Spending::HwangShihDeCani(-2.0)))
        }
        "nonbinding-of" => (spend(Spending::OBrienFleming), Futility::NonBinding(Spending::OBrienFleming)),
        "fixed-futility" => (spend(Spending::OBrienFleming), Futility::Fixed(vec![-0.5, 0.5])),
        other => panic!("no plan for {other}"),
    };
    let mut information = list(&theirs["informationRates"]);
    *information.last_mut().unwrap() = 1.0;
    Plan {
        information,
        alpha: number(&theirs["alpha"]),
        power: 1.0 - number(&theirs["beta"]),
        two_sided: name.starts_with("two-sided"),
        efficacy,
        futility,
    }
}

#[test]
fn boundaries_are_rpact_s() {
    for theirs in json("design/rpact.json")["designs"].as_array().unwrap() {
        let name = theirs["name"].as_str().unwrap();
        let plan = plan(name, theirs);
        let design = GroupSequential::new(&plan).unwrap();
        let check = |what: &str, ours: &[f64], key: &str| {
            assert_all_near(&format!("{name} {what}"), ours, &list(&theirs[key]), RPACT);
        };
        check("upper", &design.upper, "criticalValues");
        check("nominal", &design.nominal_levels(), "stageLevels");
        if !matches!(plan.futility, Futility::None) {
            check("lower", &design.lower[..design.lower.len() - 1], "futilityBounds");
        }
        let sides = if plan.two_sided { 2.0 } else { 1.0 };
        let spent: Vec<f64> = design.alpha_spent.iter().map(|a| a * sides).collect();
        check("alpha", &spent, "alphaSpent");
        assert_near(&format!("{name} shift"), design.drift.powi(2), number(&theirs["shift"]), RPACT, 0.0);
        assert_near(&format!("{name} inflation"), design.inflation, number(&theirs["inflation"]), RPACT, 0.0);
        let exits = design.exits(design.drift);
        check("power", &exits.upper, "reject");
        let expected = |drift: f64| design.inflation * design.expected_information(drift);
        assert_near(&format!("{name} asn1"), expected(design.drift), number(&theirs["asn1"]), RPACT, 0.0);
        assert_near(
            &format!("{name} asn01"),
            expected(design.drift / 2.0),
            number(&theirs["asn01"]),
            RPACT,
            0.0,
        );
        assert_near(&format!("{name} asn0"), expected(0.0), number(&theirs["asn0"]), RPACT, 0.0);
    }
}

/// The integration itself, against the trivariate normal distribution to near machine precision.
#[test]
fn stopping_probabilities_are_those_of_the_normal_distribution() {
    for case in json("design/rpact.json")["exact"].as_array().unwrap() {
        let design = fixed(list(&case["information"]), list(&case["upper"]), list(&case["lower"]));
        let exits = design.exits(number(&case["drift"]));
        for (ours, theirs) in [(&exits.upper, list(&case["up"])), (&exits.lower, list(&case["down"]))] {
            for (a, b) in ours.iter().zip(&theirs) {
                assert!((a - b).abs() < 1e-13, "{a} against {b}");
            }
        }
    }
}

/// A design that only carries boundaries.
fn fixed(information: Vec<f64>, upper: Vec<f64>, lower: Vec<f64>) -> GroupSequential {
    let plan = Plan {
        information: vec![1.0],
        alpha: 0.025,
        power: 0.8,
        two_sided: false,
        efficacy: Efficacy::WangTsiatis(0.0),
        futility: Futility::None,
    };
    GroupSequential { information, upper, lower, ..GroupSequential::new(&plan).unwrap() }
}

fn equal_looks(looks: u32) -> Vec<f64> {
    (1..=looks).map(|k| f64::from(k) / f64::from(looks)).collect()
}

/// Jennison & Turnbull 2000, tables 2.1 and 2.3 (constants of Pocock and of O'Brien and Fleming) and 2.2 and 2.4 (ratios of the maximum to
/// the fixed information, power 0.9), two-sided level 0.05.
#[rstest]
#[case(2, 2.178, 1.977, 1.100, 1.007)]
#[case(3, 2.289, 2.004, 1.151, 1.016)]
#[case(4, 2.361, 2.024, 1.183, 1.022)]
#[case(5, 2.413, 2.040, 1.207, 1.026)]
#[case(10, 2.555, 2.087, 1.271, 1.037)]
fn constants_are_those_of_jennison_and_turnbull(
    #[case] looks: u32,
    #[case] pocock: f64,
    #[case] obrien_fleming: f64,
    #[case] pocock_ratio: f64,
    #[case] obrien_fleming_ratio: f64,
) {
    let design = |delta| {
        let plan = Plan {
            information: equal_looks(looks),
            alpha: 0.025,
            power: 0.9,
            two_sided: true,
            efficacy: Efficacy::WangTsiatis(delta),
            futility: Futility::None,
        };
        GroupSequential::new(&plan).unwrap()
    };
    let (p, b) = (design(0.5), design(0.0));
    let last = p.upper.len() - 1;
    let thousandth = |a: f64, b: f64| assert!((a - b).abs() < 6e-4, "{a} against {b}");
    thousandth(p.upper[last], pocock);
    thousandth(b.upper[last], obrien_fleming);
    thousandth(p.inflation, pocock_ratio);
    thousandth(b.inflation, obrien_fleming_ratio);
}

/// SAS/STAT 14.1 User's Guide, example 101.8: five stages, errfuncobf for alpha, errfuncpoc for beta, both boundaries
/// binding; maximum information 119.4278 % of the fixed, average 50.35408 % and 78.77223 % of it under the hypotheses.
#[test]
fn error_spending_is_that_of_seqdesign() {
    let design = GroupSequential::new(&Plan {
        information: equal_looks(5),
        alpha: 0.025,
        power: 0.9,
        two_sided: false,
        efficacy: Efficacy::Spending(Spending::OBrienFleming),
        futility: Futility::Binding(Spending::Pocock),
    })
    .unwrap();
    let percent = |share: f64| 100.0 * design.inflation * share;
    assert!((percent(1.0) - 119.4278).abs() < 1e-4, "{}", percent(1.0));
    assert!((design.drift.powi(2) / 0.04 - 313.7196).abs() < 1e-3);
    assert!((percent(design.expected_information(0.0)) - 50.35408).abs() < 1e-4);
    let alternative = percent(design.expected_information(design.drift));
    // SAS's own integration is good for six digits.
    assert!((alternative - 78.77223).abs() < 5e-4, "{alternative}");
}

/// The documentation's example of gsDesign, as its test snapshots print it: gsSurv(lambdaC = 0.2, hr = 0.5, eta = 0.1, T = 2,
/// minfup = 1.5). Lachin-Foulkes, three looks, 460 subjects, 33, 65 and 97 events at 0.8, 1.3 and 2 years.
#[test]
fn a_sequential_survival_design_is_gs_surv_s() {
    let design = GroupSequential::new(&Plan {
        information: equal_looks(3),
        alpha: 0.025,
        power: 0.9,
        two_sided: false,
        efficacy: Efficacy::Spending(Spending::HwangShihDeCani(-4.0)),
        futility: Futility::NonBinding(Spending::HwangShihDeCani(-2.0)),
    })
    .unwrap();
    let control = Arm { hazard: Rate::constant(0.2).unwrap(), dropout: Rate::constant(0.1).unwrap() };
    let course = Accrual::uniform(1.0, 0.5).unwrap();
    let trial = Trial::proportional(course, control, 0.5, 1.0).unwrap();
    let one_look = sample_size::lachin_foulkes(&trial, 2.0, 0.5, 0.025, 0.9).unwrap();
    let size = SampleSize {
        subjects: one_look.subjects * design.inflation,
        events: one_look.events * design.inflation,
    };
    let full = Trial { accrual: sample_size::accrual_of(&trial, &size).unwrap(), ..trial };
    // gsDesign makes the number of subjects even.
    assert_eq!(2.0 * (size.subjects / 2.0).ceil(), 460.0);
    let at: Vec<f64> = design.information.iter().map(|t| t * size.events).collect();
    assert_eq!(at.iter().map(|d| d.ceil()).collect::<Vec<_>>(), [33.0, 65.0, 97.0]);
    let years: Vec<_> = at.iter().map(|d| format!("{:.1}", full.time_of(*d).unwrap())).collect();
    assert_eq!(years, ["0.8", "1.3", "2.0"]);
    let ratio = |z: &[f64]| -> Vec<String> {
        z.iter()
            .zip(&at)
            .map(|(z, d)| format!("{:.4}", events::hazard_ratio_at(*z, *d, 1.0).unwrap()))
            .collect()
    };
    assert_eq!(ratio(&design.upper), ["0.3457", "0.5298", "0.6655"]);
    assert_eq!(ratio(&design.lower), ["1.0879", "0.7907", "0.6655"]);
    // gsSurv solves to eps^(1/4) (it prints 0.4056 where gsDesign itself prints 0.4057): one unit of the last digit is its own.
    let check = |exits: &[f64], printed: [f64; 3]| {
        let mut sum = 0.0;
        for (p, printed) in exits.iter().zip(printed) {
            sum += p;
            assert!((sum - printed).abs() < 1.1e-4, "{sum} against {printed}");
        }
    };
    let (null, alternative) = (design.exits(0.0), design.exits(design.drift));
    check(&null.upper, [0.0013, 0.0062, 0.0233]);
    check(&null.lower, [0.4057, 0.8347, 0.9767]);
    check(&alternative.upper, [0.1412, 0.5815, 0.9]);
    check(&alternative.lower, [0.0148, 0.0437, 0.1]);
}

fn median(time: f64) -> Rate {
    Rate::of_median(time).unwrap()
}

/// The trials of `make.R`: trial, end, hazard ratio.
fn trial(name: &str) -> (Trial, f64, f64) {
    let uniform = |duration: f64| Accrual::uniform(960.0, duration).unwrap();
    let piecewise = || Rate::piecewise(&[0.0, 6.0, 15.0], &[0.08, 0.04, 0.02]).unwrap();
    let lost = |share: f64, by: f64| Rate::of_share(share, by).unwrap();
    let proportional = |accrual, hazard, dropout: [Rate; 2], ratio, allocation| {
        let [on_control, on_experimental] = dropout;
        let control = Arm { hazard, dropout: on_control };
        let mut trial = Trial::proportional(accrual, control, ratio, allocation).unwrap();
        trial.experimental.dropout = on_experimental;
        trial
    };
    let none = || [Rate::none(), Rate::none()];
    match name {
        "plain" | "freedman" | "sequential" => {
            (proportional(uniform(12.0), median(12.0), none(), 0.5, 1.0), 24.0, 0.5)
        }
        "dropout-2to1" => (
            proportional(uniform(18.0), median(9.0), [lost(0.08, 12.0), lost(0.05, 12.0)], 0.7, 2.0),
            24.0,
            0.7,
        ),
        "freedman-2to1" => (proportional(uniform(18.0), median(9.0), none(), 0.7, 2.0), 24.0, 0.7),
        "piecewise" => {
            let accrual = Accrual::new(Rate::piecewise(&[0.0, 6.0], &[0.3, 0.7]).unwrap(), 20.0).unwrap();
            (proportional(accrual, piecewise(), [lost(0.1, 24.0), lost(0.1, 24.0)], 0.6, 1.0), 30.0, 0.6)
        }
        "probabilities" => {
            let accrual = Accrual::new(Rate::piecewise(&[0.0, 6.0], &[20.0, 60.0]).unwrap(), 20.0).unwrap();
            (proportional(accrual, piecewise(), [lost(0.2, 24.0), lost(0.1, 24.0)], 0.6, 1.5), 60.0, 0.6)
        }
        other => panic!("no trial {other}"),
    }
}

#[test]
fn subjects_are_rpact_s() {
    for theirs in json("design/rpact.json")["sizes"].as_array().unwrap() {
        let name = theirs["name"].as_str().unwrap();
        let (trial, end, ratio) = trial(name);
        let formula = if name.starts_with("freedman") { Formula::Freedman } else { Formula::Schoenfeld };
        let (alpha, power) = match name {
            "piecewise" => (0.05, 0.8),
            "dropout-2to1" | "freedman-2to1" => (0.025, 0.9),
            _ => (0.025, 0.8),
        };
        let size = sample_size::by_events(&trial, end, formula, ratio, alpha, power).unwrap();
        assert_near(&format!("{name} events"), size.events, number(&theirs["eventsFixed"]), 1e-10, 0.0);
        // rpact integrates a piecewise hazard numerically, to seven digits.
        let tolerance = if name == "piecewise" { 1e-6 } else { 1e-9 };
        assert_near(&format!("{name} subjects"), size.subjects, number(&theirs["nFixed"]), tolerance, 0.0);
    }
}

#[test]
fn a_sequential_design_in_calendar_time_is_rpact_s() {
    let r = json("design/rpact.json");
    let theirs = r["sizes"].as_array().unwrap().iter().find(|s| s["name"] == "sequential").unwrap();
    let design = three_looks();
    let events = design.events(Formula::Schoenfeld, 0.5, 1.0).unwrap();
    assert_all_near("events", &events.events, &list(&theirs["eventsPerStage"]), RPACT);
    assert_all_near("ratios", &events.upper_hazard_ratio, &list(&theirs["criticalValuesEffectScale"]), RPACT);
    assert_near("null", events.expected_null, number(&theirs["expectedEventsH0"]), RPACT, 0.0);
    assert_near("half", events.expected_half, number(&theirs["expectedEventsH01"]), RPACT, 0.0);
    assert_near("alternative", events.expected_alternative, number(&theirs["expectedEventsH1"]), RPACT, 0.0);
    let (trial, end, _) = trial("sequential");
    let subjects = trial.accrual.subjects() * events.events[2] / trial.events_by(end).total();
    assert_near("subjects", subjects, number(&theirs["maxNumberOfSubjects"]), RPACT, 0.0);
    let size = SampleSize { subjects, events: events.events[2] };
    let full = Trial { accrual: sample_size::accrual_of(&trial, &size).unwrap(), ..trial };
    let times: Vec<f64> = events.events.iter().map(|d| full.time_of(*d).unwrap()).collect();
    assert_all_near("times", &times, &list(&theirs["analysisTime"]), 1e-5);
}

#[test]
fn events_over_time_are_rpact_s() {
    let r = &json("design/rpact.json")["probabilities"];
    for (key, name) in [("plain", "plain"), ("piecewise", "probabilities")] {
        let (trial, _, _) = trial(name);
        for (i, time) in list(&r[key]["time"]).into_iter().enumerate() {
            let events = trial.events_by(time);
            let total = events.total() / trial.accrual.subjects();
            let tolerance = if key == "piecewise" { 1e-6 } else { 1e-9 };
            assert_near(&format!("{key} {time}"), total, list(&r[key]["overall"])[i], tolerance, 0.0);
            let share = 1.0 / (1.0 + trial.allocation) * trial.accrual.subjects();
            assert_near(
                &format!("{key} control"),
                events.control / share,
                list(&r[key]["two"])[i],
                tolerance,
                0.0,
            );
        }
    }
}

#[test]
fn events_over_time_are_those_of_r_s_quadrature() {
    let r = &json("design/rpact.json")["quadrature"];
    let (trial, _, _) = trial("probabilities");
    for (i, time) in list(&r["time"]).into_iter().enumerate() {
        let events = trial.events_by(time);
        assert_near("control", events.control, list(&r["two"])[i] * 0.4, 1e-11, 0.0);
        assert_near("experimental", events.experimental, list(&r["one"])[i] * 0.6, 1e-11, 0.0);
    }
}

fn three_looks() -> GroupSequential {
    GroupSequential::new(&Plan {
        information: equal_looks(3),
        alpha: 0.025,
        power: 0.8,
        two_sided: false,
        efficacy: Efficacy::Spending(Spending::OBrienFleming),
        futility: Futility::None,
    })
    .unwrap()
}

/// rpact has the effect on the other side (ratios above 1), as `directionUpper = TRUE` says.
#[test]
fn monitoring_is_rpact_s() {
    let r = &json("design/rpact.json")["monitoring"];
    let (design, events, z) = (three_looks(), list(&r["events"]), list(&r["z"]));
    let std_err = |k: usize| 2.0 / events[k].sqrt();
    for look in [1, 2] {
        let (lower, upper) =
            design.repeated_limits(look, z[look - 1] * std_err(look - 1), std_err(look - 1)).unwrap();
        assert_near("repeated", lower.exp(), list(&r["repeated"][0])[look - 1], 1e-5, 0.0);
        assert_near("repeated", upper.exp(), list(&r["repeated"][1])[look - 1], 1e-5, 0.0);
    }
    // The assumed ratio of 2 in the drift at 66 events.
    let drift = 2.0_f64.ln() * 66.0_f64.sqrt() / 2.0;
    let power = design.conditional_power(2, z[1], drift).unwrap();
    assert_near("conditional power", power, list(&r["conditional"])[2], 1e-5, 0.0);
    let stop = design.final_estimate(3, z[2] * std_err(2), std_err(2), 0.95).unwrap();
    assert_near("p", stop.p_value, number(&r["final_p"]), 1e-5, 0.0);
    assert_near("median", stop.estimate.exp(), number(&r["median"]), 1e-4, 0.0);
    assert_near("lower", stop.lower.exp(), list(&r["final"])[0], 1e-4, 0.0);
    assert_near("upper", stop.upper.exp(), list(&r["final"])[1], 1e-4, 0.0);
}

/// The sums of SAS/STAT's manual for PROC POWER ("Rank Tests for Two Survival Curves"), programmed in R by `make.R`.
#[test]
fn lakatos_is_sas_s_formula() {
    let r = &json("design/rpact.json")["lakatos"];
    let check = |key: &str, trial: &Trial, end: f64, power: f64| {
        let size = sample_size::lakatos(trial, end, 0.025, power, Steps::PerUnit(12.0)).unwrap();
        assert_near(key, size.subjects, number(&r[key]["subjects"]), 1e-9, 0.0);
        assert_near(key, size.events, number(&r[key]["events"]), 1e-9, 0.0);
    };
    // The manual's example "Comparing Two Survival Curves": a piecewise linear curve, its hazard at each twelfth of a year.
    let points = [1.0, 0.95, 0.9, 0.75, 0.7, 0.6];
    let starts: Vec<f64> = (0..60).map(|i| f64::from(i) / 12.0).collect();
    let hazards: Vec<f64> = (0..60_u32)
        .map(|i| {
            let year = usize::try_from(i / 12).unwrap();
            let fall: f64 = points[year] - points[year + 1];
            fall / (points[year] - fall * f64::from(i % 12) / 12.0)
        })
        .collect();
    let proposed = Rate::piecewise(&starts, &hazards).unwrap();
    for (key, loss) in [("sas_20", 20.0), ("sas_5", 5.0)] {
        let trial = Trial {
            accrual: Accrual::uniform(1.0, 2.0).unwrap(),
            control: Arm { hazard: median(5.0), dropout: median(10.0) },
            experimental: Arm { hazard: proposed.clone(), dropout: median(loss) },
            allocation: 1.0,
        };
        check(key, &trial, 5.0, 0.8);
    }
    check("unequal", &trial("dropout-2to1").0, 24.0, 0.9);
}

/// For proportional hazards and a small effect all formulas meet; with finer steps Lakatos's sum is its integral.
#[test]
fn lakatos_is_the_limit_of_its_steps() {
    let (trial, end, ratio) = trial("dropout-2to1");
    let limit = sample_size::lakatos(&trial, end, 0.025, 0.9, Steps::Limit).unwrap();
    let stepped =
        |per_unit| sample_size::lakatos(&trial, end, 0.025, 0.9, Steps::PerUnit(per_unit)).unwrap().subjects;
    let (coarse, fine) = (stepped(50.0), stepped(100.0));
    // Euler's error is of first order: extrapolated it is gone.
    assert!(
        (2.0 * fine - coarse - limit.subjects).abs() < 1e-3 * limit.subjects,
        "{coarse} {fine} {}",
        limit.subjects
    );
    let power = {
        let accrual = sample_size::accrual_of(&trial, &limit).unwrap();
        sample_size::lakatos_power(&Trial { accrual, ..trial.clone() }, end, 0.025, Steps::Limit).unwrap()
    };
    assert!((power - 0.9).abs() < 1e-12);
    let accrual = sample_size::accrual_of(&trial, &limit).unwrap();
    let seen = Trial { accrual, ..trial.clone() }.events_by(end).total();
    assert_near("events", limit.events, seen, 1e-9, 0.0);
    let lachin = sample_size::lachin_foulkes(&trial, end, ratio, 0.025, 0.9).unwrap();
    let full = Trial { accrual: sample_size::accrual_of(&trial, &lachin).unwrap(), ..trial.clone() };
    let power = sample_size::lachin_foulkes_power(&full, end, ratio, 0.025).unwrap();
    assert!((power - 0.9).abs() < 1e-12);
    let near = |ratio: f64| {
        let mut weak = trial.clone();
        weak.experimental.hazard = weak.control.hazard.times(ratio).unwrap();
        weak.experimental.dropout = weak.control.dropout.clone();
        let by = sample_size::by_events(&weak, end, Formula::Schoenfeld, ratio, 0.025, 0.9).unwrap().events;
        let lakatos = sample_size::lakatos(&weak, end, 0.025, 0.9, Steps::Limit).unwrap().events;
        let lachin = sample_size::lachin_foulkes(&weak, end, ratio, 0.025, 0.9).unwrap().events;
        (lakatos / by - 1.0, lachin / by - 1.0)
    };
    let (a, b) = near(0.999);
    assert!(a.abs() < 2e-3 && b.abs() < 2e-3, "{a} {b}");
}

#[test]
fn predictive_power_has_a_closed_form_for_one_look_to_come() {
    let design = three_looks();
    let (t, z) = (design.information[1], 1.7_f64);
    let theory = (z / t.sqrt() - design.upper[2]) / ((1.0 - t) / t).sqrt();
    let expected = 0.5 * libm::erfc(-theory / std::f64::consts::SQRT_2);
    assert!((design.predictive_power(2, z).unwrap() - expected).abs() < 1e-12);
}

#[rstest]
#[case::fractions(vec![0.5, 0.4, 1.0], 0.025, 0.8, Efficacy::WangTsiatis(0.0), Futility::None)]
#[case::last_not_one(vec![0.5, 0.9], 0.025, 0.8, Efficacy::WangTsiatis(0.0), Futility::None)]
#[case::no_looks(vec![], 0.025, 0.8, Efficacy::WangTsiatis(0.0), Futility::None)]
#[case::nan(vec![f64::NAN, 1.0], 0.025, 0.8, Efficacy::WangTsiatis(0.0), Futility::None)]
#[case::level(vec![0.5, 1.0], 0.0, 0.8, Efficacy::WangTsiatis(0.0), Futility::None)]
#[case::power_below_level(vec![0.5, 1.0], 0.3, 0.2, Efficacy::WangTsiatis(0.0), Futility::None)]
#[case::gamma(vec![0.5, 1.0], 0.025, 0.8, Efficacy::Spending(Spending::HwangShihDeCani(f64::NAN)), Futility::None)]
#[case::rho(vec![0.5, 1.0], 0.025, 0.8, Efficacy::Spending(Spending::Power(0.0)), Futility::None)]
#[case::peto_spends_all(vec![0.5, 1.0], 0.025, 0.8, Efficacy::HaybittlePeto(1.0), Futility::None)]
#[case::too_few_bounds(vec![0.5, 1.0], 0.025, 0.8, Efficacy::Fixed(vec![2.0]), Futility::None)]
#[case::binding(vec![0.5, 1.0], 0.025, 0.8, Efficacy::WangTsiatis(0.0), Futility::Binding(Spending::Pocock))]
#[case::crossed(vec![0.5, 1.0], 0.025, 0.8, Efficacy::WangTsiatis(0.0), Futility::Fixed(vec![4.0]))]
#[case::futile(vec![0.5, 1.0], 0.025, 0.8, Efficacy::Fixed(vec![f64::INFINITY; 2]), Futility::None)]
fn impossible_plans_are_refused(
    #[case] information: Vec<f64>,
    #[case] alpha: f64,
    #[case] power: f64,
    #[case] efficacy: Efficacy,
    #[case] futility: Futility,
) {
    let plan = Plan { information, alpha, power, two_sided: false, efficacy, futility };
    assert!(GroupSequential::new(&plan).is_err());
}

/// Trials that are drawn: the score is a Brownian motion, seen at each look. Each boundary holds its level, and stops as often at each
/// look as the integrals say, with and without an effect, within Monte Carlo error. `REPLICATES=1000000` for ten times as many.
#[rstest]
#[case(Efficacy::Spending(Spending::OBrienFleming), Futility::None, true)]
#[case(Efficacy::Spending(Spending::Pocock), Futility::None, true)]
#[case(Efficacy::WangTsiatis(0.0), Futility::None, true)]
#[case(Efficacy::WangTsiatis(0.5), Futility::None, false)]
#[case(Efficacy::HaybittlePeto(3.0), Futility::None, true)]
#[case(
    Efficacy::Spending(Spending::HwangShihDeCani(-4.0)),
    Futility::Binding(Spending::HwangShihDeCani(-2.0)),
    false
)]
#[case(
    Efficacy::Spending(Spending::OBrienFleming),
    Futility::NonBinding(Spending::HwangShihDeCani(-2.0)),
    false
)]
fn drawn_trials_stop_as_often_as_the_integrals_say(
    #[case] efficacy: Efficacy,
    #[case] futility: Futility,
    #[case] two_sided: bool,
) {
    use rand::{RngExt, SeedableRng};
    let replicates = std::env::var("REPLICATES").map_or(100_000, |text| text.parse::<u32>().unwrap());
    let (information, alpha) = (vec![0.3, 0.55, 0.8, 1.0], 0.025);
    let binding = !matches!(futility, Futility::NonBinding(_));
    let plan = Plan { information, alpha, power: 0.8, two_sided, efficacy, futility };
    let design = GroupSequential::new(&plan).unwrap();
    for drift in [0.0, design.drift] {
        let expected = design.exits(drift);
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(2026);
        let looks = design.upper.len();
        let (mut up, mut down) = (vec![0_u32; looks], vec![0_u32; looks]);
        for _ in 0..replicates {
            let (mut score, mut seen) = (0.0, 0.0);
            for look in 0..looks {
                let step = design.information[look] - seen;
                seen = design.information[look];
                let uniform: f64 = random.random();
                score +=
                    drift * step + step.sqrt() * survival::normal_quantile(uniform.clamp(1e-15, 1.0 - 1e-15));
                let z = score / seen.sqrt();
                if z >= design.upper[look] {
                    up[look] += 1;
                    break;
                }
                if z <= design.lower[look] {
                    down[look] += 1;
                    break;
                }
            }
        }
        let n = f64::from(replicates);
        let near = |what: &str, found: u32, expected: f64| {
            let found = f64::from(found) / n;
            let error = (expected * (1.0 - expected) / n).sqrt();
            println!("drift {drift:.3}, {what}: {found:.6}, by integration {expected:.6} +- {error:.6}");
            // A count of next to none is not normal: a handful more is none too many.
            let bound = 4.5 * error + 4.5 / n;
            assert!((found - expected).abs() <= bound, "{what}: {found}, not {expected} +- {error}");
        };
        for look in 0..looks {
            near(&format!("efficacy at look {}", look + 1), up[look], expected.upper[look]);
            near(&format!("the other way at look {}", look + 1), down[look], expected.lower[look]);
        }
        if drift == 0.0 {
            let level = up.iter().sum::<u32>();
            if binding {
                near("the level", level, alpha);
            } else {
                // The level is held by whoever goes on past a futility boundary, too: who stops stays below it.
                assert!(f64::from(level) / n < alpha);
            }
        }
    }
}

#[test]
fn one_look_is_the_fixed_design() {
    for efficacy in
        [Efficacy::WangTsiatis(0.3), Efficacy::Spending(Spending::Pocock), Efficacy::HaybittlePeto(3.0)]
    {
        let plan = Plan {
            information: vec![1.0],
            alpha: 0.025,
            power: 0.8,
            two_sided: false,
            efficacy,
            futility: Futility::None,
        };
        let design = GroupSequential::new(&plan).unwrap();
        assert!(
            (design.upper[0] - 1.959_963_984_540_054).abs() < 1e-11 && (design.inflation - 1.0).abs() < 1e-11
        );
    }
}

#[test]
fn impossible_trials_are_refused() {
    let control = Arm { hazard: median(12.0), dropout: Rate::none() };
    let course = || Accrual::uniform(100.0, 12.0).unwrap();
    let trial = Trial::proportional(course(), control.clone(), 1.0, 1.0).unwrap();
    assert!(matches!(
        sample_size::lakatos(&trial, 24.0, 0.025, 0.8, Steps::Limit),
        Err(Error::NotEstimable { .. })
    ));
    assert!(sample_size::lachin_foulkes(&trial, 24.0, 1.0, 0.025, 0.8).is_err());
    assert!(matches!(trial.time_of(101.0), Err(Error::NotEstimable { .. })));
    assert!(matches!(events::events(Formula::Freedman, 1.0, 0.025, 0.8, 1.0), Err(Error::OutOfRange { .. })));
    assert!(events::detectable(Formula::Freedman, 0.025, 0.8, 5.0, 1.0).is_err());
    let immortal = Arm { hazard: Rate::none(), dropout: Rate::none() };
    let trial =
        Trial { control: immortal.clone(), experimental: immortal, accrual: course(), allocation: 1.0 };
    assert!(sample_size::by_events(&trial, 24.0, Formula::Schoenfeld, 0.5, 0.025, 0.8).is_err());
    assert!(Rate::piecewise(&[1.0], &[0.1]).is_err());
    assert!(Rate::piecewise(&[0.0, 2.0, 2.0], &[0.1, 0.1, 0.1]).is_err());
    assert!(Rate::constant(-0.1).is_err());
    assert!(Accrual::uniform(0.0, 1.0).is_err());
}

proptest::proptest! {
    /// Never a panic and never a boundary that spends more than it may, whatever the looks.
    #[test]
    fn any_spending_keeps_its_level(
        steps in proptest::collection::vec(0.01_f64..1.0, 1..7),
        alpha in 0.001_f64..0.2,
        power in 0.5_f64..0.99,
        kind in 0_usize..4,
        parameter in -6.0_f64..6.0,
        two_sided: bool,
        futile in 0_usize..3,
    ) {
        let total: f64 = steps.iter().sum();
        let mut information: Vec<f64> =
            steps.iter().scan(0.0, |sum, s| { *sum += s; Some(*sum / total) }).collect();
        *information.last_mut().unwrap() = 1.0;
        let spending = |kind| match kind {
            0 => Spending::OBrienFleming,
            1 => Spending::Pocock,
            2 => Spending::HwangShihDeCani(parameter),
            _ => Spending::Power(parameter.abs() + 0.2),
        };
        let futility = match futile {
            _ if two_sided => Futility::None,
            0 => Futility::None,
            1 => Futility::NonBinding(spending((kind + 1) % 4)),
            _ => Futility::Binding(spending((kind + 1) % 4)),
        };
        let plan = Plan { information, alpha, power, two_sided, efficacy: Efficacy::Spending(spending(kind)), futility };
        let Ok(design) = GroupSequential::new(&plan) else { return Ok(()) };
        let spent = design.alpha_spent.last().copied().unwrap();
        proptest::prop_assert!(spent <= alpha * (1.0 + 1e-9), "{spent} of {alpha}");
        proptest::prop_assert!((design.power_at(design.drift) - power).abs() < 1e-8);
        proptest::prop_assert!(design.inflation > 1.0 - 1e-9);
        let exits = design.exits(design.drift / 3.0);
        let all: f64 = exits.upper.iter().chain(&exits.lower).sum();
        proptest::prop_assert!(all <= 1.0 + 1e-9 && exits.upper.iter().all(|p| *p >= 0.0));
    }
}

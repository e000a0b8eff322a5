//! What scenario files may say, and what a wrong one is told.

use proptest::prelude::*;
use rstest::rstest;
use survival::design::sequential::Efficacy;
use trial::protocol::Fault;

use super::*;

/// The least a scenario says.
const LEAST: &str =
    "title = \"a\"\nsubjects = 20\ncontrol = { median = 6 }\neffect = { hazard_ratio = 0.5 }\n";

fn nothing(name: &str) -> Result<trial::protocol::Protocol, String> {
    Err(format!("{name} is not here"))
}

fn avatar(name: &str) -> Result<trial::protocol::Protocol, String> {
    let text =
        std::fs::read_to_string(format!("../../protocols/{name}.toml")).map_err(|wrong| wrong.to_string())?;
    trial::protocol::check(&text)
        .map(|checked| checked.protocol)
        .map_err(|faults| format!("{} faults", faults.len()))
}

/// Where and what.
fn told(faults: &[Fault]) -> Vec<(String, usize, String)> {
    faults.iter().map(|fault| (fault.path.clone(), fault.line, fault.found.clone())).collect()
}

#[test]
fn what_is_left_out_has_its_default() {
    let scenario = read(LEAST, &nothing).unwrap().scenario;
    assert_eq!((scenario.allocation, scenario.blocks.as_slice()), ([1, 1], &[4][..]));
    assert_eq!(scenario.design.looks, [1.0]);
    assert_eq!(scenario.design.alpha, 0.05);
    assert!(matches!(scenario.design.boundary.of_survival(), Efficacy::Spending(_)));
    let ids: Vec<&str> = scenario.analyses.iter().map(|analysis| analysis.id.as_str()).collect();
    assert_eq!(ids, ["log-rank", "cox"]);
    assert!((scenario.hazard[0].value - 0.115_524_530_1).abs() < 1e-9, "log(2) / 6");
    assert!((scenario.log_hazard_ratio().unwrap() + std::f64::consts::LN_2).abs() < 1e-12);
}

#[test]
fn a_protocol_says_what_the_scenario_does_not() {
    let text = "title = \"a\"\nprotocol = \"avatar-ii\"\ncontrol = { median = 5.2 }\n";
    let scenario = read(text, &avatar).unwrap().scenario;
    assert_eq!((scenario.subjects, scenario.design.events, scenario.allocation), (74, Some(66), [1, 1]));
    assert_eq!(scenario.effect, [Step { from: 0.0, value: 0.5 }]);
    let own = read(&format!("subjects = 90\n{text}effect = {{ hazard_ratio = 0.6, delay = 2 }}\n"), &avatar)
        .unwrap();
    assert_eq!(own.scenario.subjects, 90);
    assert_eq!(own.scenario.effect, [Step { from: 0.0, value: 1.0 }, Step { from: 2.0, value: 0.6 }]);
    let faults = read(text, &nothing).unwrap_err();
    assert_eq!(
        told(&faults)[0],
        ("protocol".to_owned(), 2, "\"avatar-ii\": avatar-ii is not here".to_owned())
    );
}

#[test]
fn every_shipped_scenario_is_sound() {
    let mut count = 0;
    for entry in std::fs::read_dir("../../scenarios").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let scenario =
            read(&text, &avatar).unwrap_or_else(|faults| panic!("{}: {faults:?}", path.display())).scenario;
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(scenario.has_effect(), name != "null", "{name}");
        assert!(text.contains(&format!("--scenario {name}")), "{name} tells how it is run");
        count += 1;
    }
    assert!(count >= 9, "{count}");
}

// (what is written beside or instead of LEAST, the path, the line, what was found)
#[rstest]
#[case("subjects = 1", "subjects", "1")]
#[case("subjects = 20\nallocation = [0, 1]", "allocation", "[0, 1]")]
#[case("subjects = 20\nblocks = [4, 5]", "blocks[1]", "a block of 5")]
#[case("subjects = 20\nfollow_up = -1", "follow_up", "the number -1")]
#[case("subjects = 20\naccrual = { duration = 0 }", "accrual.duration", "the number 0")]
#[case(
    "subjects = 20\naccrual = { duration = 9, rates = [{ from = 1, rate = 1 }] }",
    "accrual.rates[0].from",
    "the number 1"
)]
#[case(
    "subjects = 20\naccrual = { duration = 9, rates = [{ from = 0, rate = 0 }] }",
    "accrual.rates",
    "a last rate of 0"
)]
#[case("subjects = 20\ndropout = { share = 1, by = 12 }", "dropout.share", "the number 1")]
#[case("subjects = 20\nassessment = { every = 2, jitter = 1 }", "assessment.jitter", "the number 1")]
#[case("subjects = 20\ndecision = { put_off = 0.1 }", "decision", "decisions without assessments")]
#[case("subjects = 20\ndesign = { looks = [0.5, 1] }", "design.looks", "looks without events")]
#[case("subjects = 20\ndesign = { events = 30 }", "design.events", "30 events of 20 subjects")]
#[case("subjects = 20\ndesign = { alpha = 2 }", "design.alpha", "the number 2")]
#[case("subjects = 20\nstrata = [{ label = \"a\", share = 0.4 }]", "strata", "shares that sum to 0.4")]
#[case("subjects = 20\nanalyses = [{ id = \"a\", method = \"cox\", rho = 1 }]", "analyses[0].rho", "`rho`")]
#[case(
    "subjects = 20\nanalyses = [{ id = \"a\", method = \"restricted-mean\" }]",
    "analyses[0].until",
    "no `until`"
)]
#[case("subjects = 20\nre_estimation = { from = 0.3, target = 0.9, most = 2 }", "re_estimation", "one look")]
#[case(
    "subjects = 20\nsweep = { accrual = [1] }",
    "sweep.accrual",
    "1: there is no [accrual]: subjects come all at once"
)]
#[case("subject = 20", "subject", "unknown field `subject`")]
#[case("subjects = \"many\"", "subjects", "invalid type: string \"many\"")]
#[case("subjects = 20\ndesign = { boundary = \"hsd\" }", "design", "use obrien-fleming")]
#[case(
    "subjects = 20\nanalyses = [{ id = \"a\", method = \"t-test\" }]",
    "analyses[0].method",
    "unknown variant `t-test`"
)]
fn a_wrong_file_is_told_where_and_what(#[case] text: &str, #[case] path: &str, #[case] found: &str) {
    let file =
        format!("title = \"a\"\n{text}\ncontrol = {{ median = 6 }}\neffect = {{ hazard_ratio = 0.5 }}\n");
    let faults = read(&file, &nothing).unwrap_err();
    let told = &faults[0];
    assert!(told.path.starts_with(path) && told.found.starts_with(found), "{faults:?}");
    assert_eq!(told.line, 1 + text.lines().count(), "{told:?}");
    assert!(!told.right.is_empty());
}

#[test]
fn faults_of_meaning_are_told_all_at_once() {
    let file = LEAST.replace("20", "1").replace("= 6", "= 0").replace("0.5", "-1");
    let faults = read(&file, &nothing).unwrap_err();
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["subjects", "control.median", "effect.hazard_ratio"]);
}

#[test]
fn values_of_a_grid_stand_in_for_the_files() {
    let read = read(&format!("{LEAST}dropout = {{ share = 0.1, by = 12 }}\n"), &nothing).unwrap();
    let scenario = read
        .with(&[(Parameter::HazardRatio, 0.7), (Parameter::Subjects, 31.0), (Parameter::Dropout, 0.3)])
        .unwrap();
    assert_eq!((scenario.subjects, scenario.effect[0].value), (31, 0.7));
    // R: -log(1 - 0.3) / 12
    assert!((scenario.arms[1].dropout - 0.029_722_912).abs() < 1e-8);
    for (parameter, value) in [
        (Parameter::Subjects, 20.5),
        (Parameter::Subjects, -3.0),
        (Parameter::HazardRatio, 0.0),
        (Parameter::Accrual, 12.0),
        (Parameter::Median, f64::INFINITY),
    ] {
        assert!(read.with(&[(parameter, value)]).is_err(), "{parameter:?} {value}");
    }
}

#[test]
fn the_schema_knows_every_table() {
    let schema = schema();
    for key in ["control", "experimental", "effect", "assessment", "design", "re_estimation", "sweep"] {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
    assert_eq!(schema["additionalProperties"], false);
}

proptest! {
    #[test]
    fn no_text_is_too_much(text in ".{0,200}") {
        let _ = read(&text, &nothing);
    }

    /// Whatever numbers stand in a file, it is refused or can be simulated.
    #[test]
    fn a_scenario_that_is_taken_can_be_simulated(
        subjects in 0..60u32,
        numbers in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), -1.0..40.0f64, 0.0..1.0f64, Just(1e300), Just(f64::MIN_POSITIVE)], 12),
        poisson: bool,
    ) {
        let n = &numbers;
        let text = format!(
            "title = \"a\"\nsubjects = {subjects}\nfollow_up = {}\naccrual = {{ duration = {}, course = \"{}\" }}\n\
             control = {{ hazard = [{{ from = 0, hazard = {} }}, {{ from = {}, hazard = {} }}] }}\n\
             effect = {{ hazard_ratio = {}, delay = {} }}\ndropout = {{ share = {}, by = {} }}\n\
             assessment = {{ every = {}, missed = {}, jitter = 0.0 }}\ndecision = {{ put_off = {} }}\n",
            n[0], n[1], if poisson { "poisson" } else { "even" }, n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[11]
        );
        if let Ok(read) = read(&text, &nothing) {
            let mut times = crate::times::Times::new(&read.scenario, 1).unwrap();
            let mut tally = times.tally();
            times.run(0, &mut tally);
            prop_assert_eq!(tally.trials, 1);
        }
    }
}

//! Whole trials in memory: the same whoever computes them, the same as through the office, and every scenario acts in them.

use std::sync::{Arc, LazyLock};

use rstest::rstest;
use trial::protocol::check;

use super::*;
use crate::campaign::{Campaign, Chunks, Shard};
use crate::scenario::{Read, read};
use crate::{SimulationOptions, run};

const PROTOCOL: &str = include_str!("../../../../protocols/avatar-ii.toml");
static CHECKED: LazyLock<trial::protocol::Checked> = LazyLock::new(|| check(PROTOCOL).unwrap());

fn text(more: &str) -> String {
    format!(
        "title = \"a test\"\nprotocol = \"avatar-ii\"\naccrual = {{ duration = 9 }}\nfollow_up = 12\n{more}\n"
    )
}

fn read_text(text: &str) -> Read {
    read(text, &|_| Ok(CHECKED.protocol.clone())).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn design(more: &str) -> Design {
    let read = read_text(&text(more));
    Design::new(&read.file, &read.scenario, &CHECKED).unwrap_or_else(|wrong| panic!("{wrong:?}"))
}

const SMALL: &str = "subjects = 14\ndesign = { events = 9 }\ncontrol = { median = 5.2 }";

fn tally(design: &Design, trials: u64) -> Tally {
    let ensemble = Ensemble::new(design, 1).unwrap();
    let mut tally = ensemble.tally();
    (0..trials).for_each(|trial| ensemble.run(trial, &mut tally).unwrap());
    tally
}

fn mean(moments: &crate::times::Moments) -> f64 {
    moments.sum / moments.n as f64
}

#[test]
fn threads_and_shards_make_no_difference() {
    let read = read_text(&text(SMALL));
    let campaign = Campaign::new(&read, &[], true, 3, 20).unwrap();
    let (campaign, designs) = campaign.full(&read, &CHECKED).unwrap();
    assert_eq!((campaign.items(), designs.len()), (4, 2));
    let run = |shard, threads| {
        let mut chunks = Chunks::new();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let left = campaign.left(shard, &chunks);
        let stop = std::sync::atomic::AtomicBool::new(false);
        let keep = |item, tally| {
            chunks.insert(item, tally);
            Ok::<(), Error>(())
        };
        campaign.run_full(&designs, &pool, &left, &stop, keep).unwrap();
        chunks
    };
    let alone = run(Shard::WHOLE, 1);
    let mut shared = run(Shard { number: 2, of: 2 }, 2);
    shared.extend(run(Shard { number: 1, of: 2 }, 2));
    assert_eq!(shared, alone);
    let told = serde_json::to_string(&campaign.answers(&alone)).unwrap();
    assert_eq!(serde_json::to_string(&campaign.answers(&shared)).unwrap(), told, "bit for bit");
    let written: Tally = serde_json::from_str(&serde_json::to_string(&alone[&0]).unwrap()).unwrap();
    assert_eq!(written, alone[&0], "as a file keeps it");
}

/// The one trial, in memory and through the real office: the same patients, arms, times and truth.
#[test]
fn a_trial_in_memory_is_the_trial_that_the_office_records() {
    let design = Arc::new(design(SMALL));
    let played = Ensemble::new(&design, 5).unwrap().play(0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trial.ledger");
    let options = SimulationOptions {
        scenario: Some(Arc::clone(&design)),
        ..SimulationOptions::new(CHECKED.clone(), 5)
    };
    let outcome = office::block_on(async {
        let ledger = ledger::Ledger::create(&path).await.unwrap();
        run(&options, ledger, &mut |_| {}).await.unwrap_or_else(|wrong| panic!("{wrong}"))
    })
    .unwrap();
    assert_eq!(outcome.truth, played.truth);
    assert_eq!(outcome.last, played.end);
    let reading = office::open_reading(&path, None).unwrap();
    let (recorded, _) = reading.records(|record| record).unwrap();
    assert_eq!(recorded.len(), played.records.len());
    let protocol = CHECKED.protocol.clone();
    for (recorded, played) in recorded.iter().zip(&played.records) {
        assert_eq!(recorded.subject, played.subject);
        let allocation = |record: &Record| record.randomised.as_ref().map(|fact| fact.value.clone());
        assert_eq!(allocation(recorded), allocation(played));
        let values = |record: &Record| {
            let canonical = |form: &trial::record::FilledForm| {
                // A ledger writes 12.0 as 12.
                let text =
                    serde_json::to_string(&form.values).unwrap().replace(".0,", ",").replace(".0}", "}");
                let values: serde_json::Value = serde_json::from_str(&text).unwrap();
                (form.instance.clone(), values)
            };
            let mut forms: Vec<_> = record.forms.iter().map(canonical).collect();
            forms.sort_by(|a, b| a.0.cmp(&b.0));
            forms
        };
        for (recorded, played) in values(recorded).iter().zip(&values(played)) {
            assert!(recorded == played, "{recorded:?}\n{played:?}");
        }
        assert_eq!(recorded.forms.len(), played.forms.len());
        let times = |record: &Record| {
            let derived = derive(design.history(), record, None);
            let all = protocol.analyses.iter().map(|analysis| {
                let endpoint = protocol.endpoints.iter().find(|e| e.id == analysis.endpoint).unwrap();
                let rules = effective_rules(endpoint, &analysis.rules);
                time_to(&protocol, endpoint, &rules, record, &derived).map(|time| (time.days(), time.outcome))
            });
            all.collect::<Vec<_>>()
        };
        assert!(times(recorded) == times(played), "{}", recorded.subject);
    }
}

#[test]
fn what_is_entered_can_be_read_and_follows_the_truth() {
    let tally = tally(&design("control = { median = 5.2 }"), 6);
    let full = tally.full.unwrap();
    assert_eq!(full.faults, 0);
    assert_eq!(mean(&tally.subjects), 74.0);
    assert!(mean(&full.screened) > 80.0);
    // A failure is found at a scan, so about six weeks late; hardly ever early.
    let lag = mean(&full.lag);
    assert!((25.0..75.0).contains(&lag), "{lag} days");
    let failures = tally.events.sum;
    assert!((full.too_soon as f64) < 0.05 * failures, "{} of {failures} too soon", full.too_soon);
    assert!(tally.analyses.iter().zip(&full.tests).all(|(a, _)| a.experimental + a.control + a.none <= 6));
    let kinds: Vec<_> = ERRORS.iter().zip(&full.planted).filter(|(_, count)| **count == 0).collect();
    let of_a_scenario = ["lesion not treated", "progression put off", "progression called too soon"];
    assert!(kinds.iter().all(|(name, _)| of_a_scenario.contains(name)), "{kinds:?}");
}

/// The true times follow the scenario's law: their pooled hazard ratio and median, within Monte Carlo error.
#[rstest]
#[case("control = { median = 5.2 }\neffect = { hazard_ratio = 0.5 }", 0.5)]
#[case("control = { median = 5.2 }\neffect = { hazard_ratio = 1 }", 1.0)]
fn true_times_follow_the_law(#[case] more: &str, #[case] ratio: f64) {
    let full = tally(&design(more), 15).full.unwrap();
    let moments = full.tests[0].truth;
    let (n, mean) = (moments.n as f64, mean(&moments));
    let deviation = (moments.squares / n - mean * mean).sqrt();
    assert_eq!(moments.n, 15);
    let off = (mean - libm::log(ratio)).abs();
    assert!(off < 4.0 * deviation / n.sqrt(), "{mean} is not log {ratio}, +- {}", deviation / n.sqrt());
}

/// Every bias acts, in the direction it must.
#[test]
fn every_bias_acts() {
    let null = "control = { median = 5.2 }\neffect = { hazard_ratio = 1 }\n";
    let observed = |more: &str| {
        let tally = tally(&design(&format!("{null}{more}")), 8);
        let full = tally.full.unwrap();
        (mean(&full.tests[0].difference), *full)
    };
    let (plain, of_plain) = observed("");
    let (late, of_late) = observed("[experimental]\nassessment = { every = 5.52, jitter = 0.2 }");
    assert!(late < plain - 0.1, "scans half as often look like an effect: {late}, not {plain}");
    assert!(mean(&of_late.lag) > mean(&of_plain.lag) + 10.0);
    let (put_off, of_put_off) =
        observed("[experimental]\ndecision = { put_off = 0.7 }\nassessment = { every = 2.76 }");
    assert!(put_off < plain - 0.1 && of_put_off.planted[7] > 0, "{put_off}, not {plain}");
    let (soon, of_soon) =
        observed("assessment = { every = 2.76 }\n[experimental]\ndecision = { too_soon = 0.2 }");
    assert!(soon > plain + 0.2 && of_soon.planted[8] > 0, "{soon}, not {plain}");
    let (lost, of_lost) = observed("[experimental]\nlost_before_event = { share = 0.5, within = 1 }");
    assert!(lost < plain - 0.1, "losses before the event hide events: {lost}, not {plain}");
    assert!(mean(&of_lost.left) > mean(&of_plain.left) + 8.0);
    let (_, gone) = observed("dropout = { share = 0.5, by = 12 }");
    assert!(mean(&gone.left) > mean(&of_plain.left) + 15.0);
}

#[rstest]
#[case("unit = \"fortnights\"\ncontrol = { median = 5.2 }", "days, weeks, months or years")]
#[case("allocation = [1, 2]\ncontrol = { median = 5.2 }", "the protocol's own, 1:1")]
#[case("blocks = [8]\ncontrol = { median = 5.2 }", "the protocol's own, [4, 6]")]
#[case("control = { median = 5.2 }\nstrata = [{ label = \"a\", share = 1, hazard_ratio = 2 }]", "`level`")]
#[case(
    "control = { median = 5.2 }\nstrata = [{ label = \"a\", share = 1, level = \"opd_lesions:9\" }]",
    "as \"opd_lesions:1\""
)]
#[case("control = { median = 5.2 }\n[disease]\nlocal_failure = 2", "a number from 0 to 1")]
#[case(
    "control = { median = 5.2 }\ndesign = { looks = [0.5, 1] }\nre_estimation = { from = 0.3, target = 0.9, most = 2 }",
    "fidelity `times` alone"
)]
fn what_cannot_act_is_refused(#[case] more: &str, #[case] right: &str) {
    let read = read_text(&text(more));
    let wrong = Design::new(&read.file, &read.scenario, &CHECKED).unwrap_err();
    assert!(wrong.len() == 1 && wrong[0].contains(right), "{wrong:?}");
}

/// Lives are made up no further than the last look needs; what it sees is the same as of whole lives.
#[test]
fn a_look_sees_the_same_of_lives_that_go_on() {
    let design = design("control = { median = 4 }\neffect = { hazard_ratio = 1 }\ndesign = { events = 40 }");
    let ensemble = Ensemble::new(&design, 2).unwrap();
    let mut cut_short = 0;
    for number in 0..4 {
        let (short, long) = (ensemble.play_to(number, true).unwrap(), ensemble.play(number).unwrap());
        cut_short += u32::from(short.until.is_some() && short.events < long.events);
        let short = ensemble.derived(short);
        assert!(short.reaches(Some(&[40])), "trial {number}");
        let told = |ready| {
            let mut tally = ensemble.tally();
            ensemble.judge(ready, &mut tally);
            let mut full = tally.full.take().unwrap();
            // How much was made up, and found unreadable in it.
            full.recorded = crate::times::Moments::default();
            (tally, full)
        };
        assert!(told(short) == told(ensemble.derived(long)), "trial {number}");
    }
    assert!(cut_short > 0);
}

/// At an interim look nothing later is seen, and the trial may stop there.
#[test]
fn looks_stop_trials() {
    let more = "control = { median = 5.2 }\neffect = { hazard_ratio = 0.15 }\ndesign = { looks = [0.5, 1], events = 60 }";
    let tally = tally(&design(more), 8);
    let first = &tally.looks[0];
    assert!(first.experimental >= 4, "{first:?}");
    assert_eq!(mean(&first.events), 30.0, "at half of the events");
    assert_eq!(first.experimental + first.control + first.neither + tally.looks[1].time.n, 8);
}

//! The results of a small trial written by hand (see `common`), against what follows from it by counting.

mod common;

use analysis::results::{BaselineCell, Counted, FlowArm, MarkKind, Results, Who};
use analysis::{Detail, Limits, Plan, results, row};
use common::{Story, analysed, context, opd, protocol, rows, subjects};
use jiff::civil::Date;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use trial::event::Seq;
use trial::protocol::{ProtocolHistory, check};
use trial::recist::OverallResponse;

fn json_of(results: &Results) -> String {
    serde_json::to_string(results).expect("results are JSON")
}

fn named(who: &[Who]) -> Vec<(&str, &[Seq])> {
    who.iter().map(|who| (who.subject.as_str(), who.events.as_slice())).collect()
}

/// A list of subjects, with what it is of and the number it stands behind.
type List<'a> = (String, usize, &'a [Who]);

fn list<'a>(what: &str, counted: &'a Counted) -> List<'a> {
    (what.to_owned(), counted.n, &counted.who)
}

/// Every list in `results`.
fn lists(results: &Results) -> Vec<List<'_>> {
    let flow = &results.flow;
    let mut lists = vec![list("screened", &flow.screened), list("in screening", &flow.in_screening)];
    lists.extend(flow.excluded_because.iter().map(|(why, counted)| list(why, counted)));
    for arm in &flow.arms {
        lists.extend([list("allocated", &arm.allocated), list("died", &arm.died)]);
        lists.push(list("followed", &arm.in_follow_up));
        lists.extend(arm.treated.iter().chain(&arm.untreated).map(|counted| list("treated", counted)));
        lists.extend(arm.withdrawn.iter().map(|(why, counted)| list(why, counted)));
    }
    lists.extend(results.recruitment.by_month.iter().map(|row| list("month", &row.randomised)));
    for site in &results.recruitment.by_site {
        lists.extend([list(&site.name, &site.screened), list(&site.name, &site.randomised)]);
    }
    lists.extend(
        results.responses.iter().flat_map(|row| &row.counts).map(|counted| list("response", counted)),
    );
    for row in &results.sabr {
        lists.extend([&row.subjects, &row.courses, &row.again].map(|counted| list("SABR", counted)));
        lists.extend(row.schedules.iter().map(|schedule| list("schedule", &schedule.lesions)));
    }
    lists.extend(results.safety.serious.iter().map(|counted| list("serious", counted)));
    for point in results.quality_of_life.iter().flat_map(|quality| &quality.by_week) {
        lists.push(list("scored", &point.scored));
        lists.push(("missing".to_owned(), point.missing.len(), &point.missing));
    }
    for (row, cell) in results.baseline.iter().flat_map(|row| row.cells.iter().map(move |cell| (row, cell))) {
        let (BaselineCell::Count { n, who, .. } | BaselineCell::Number { n, who, .. }) = cell;
        lists.push((row.characteristic.clone(), *n, who));
    }
    lists
}

/// Every number leads to as many entries as it counts, and each of them to events that the trace of its subject shows.
#[test]
fn every_number_leads_to_its_events() {
    let found = analysed(&subjects(), None);
    let lists = lists(&found);
    assert!(lists.len() > 80, "{}", lists.len());
    let shown = |who: &Who| {
        let trace = found.traces.iter().find(|trace| trace.subject == who.subject).expect("a trace");
        trace.sources.iter().map(|source| source.seq).collect::<Vec<_>>()
    };
    for (what, n, who) in lists {
        assert_eq!(n, who.len(), "{what}");
        for who in who {
            assert!(!who.events.is_empty(), "{what}: {} by no event", who.subject);
            let sources = shown(who);
            assert!(who.events.iter().all(|event| sources.contains(event)), "{what}: {who:?}");
        }
    }
    let graded = found.safety.related.iter().chain(&found.safety.all);
    let graded = graded.chain(found.safety.related_to.iter().flat_map(|a| &a.rows));
    for row in graded {
        assert_eq!(row.counts.iter().flatten().sum::<usize>(), row.subjects.len(), "{:?}", row.term);
    }
}

/// The numbers of the baseline can be made again from what stands behind them.
#[test]
fn values_stand_behind_medians() {
    let found = analysed(&subjects(), None);
    let row = found.baseline.iter().find(|row| row.characteristic == "Age, years").unwrap();
    let BaselineCell::Number { who, .. } = &row.cells[0] else { panic!("a number") };
    let ages: Vec<Option<f64>> = who.iter().map(|who| who.value).collect();
    assert_eq!(ages, [Some(64.0), Some(64.0), Some(64.0), Some(75.0)]);
}

#[test]
fn without_traces_numbers_stand_alone() {
    let history = protocol();
    let mut context = context(&history, None);
    context.limits = Limits { traces: 3, figures: 3 };
    let rows = rows(&history, &subjects(), None, &Limits::default());
    let found = results(&history, context, rows);
    assert_eq!(found.flow.screened.n, 11);
    assert!(lists(&found).iter().all(|(_, _, who)| who.is_empty()));
}

#[test]
fn flow_counts_everybody_once() {
    let flow = analysed(&subjects(), None).flow;
    assert_eq!((flow.screened.n, flow.randomised, flow.excluded, flow.in_screening.n), (11, 8, 3, 0));
    // S01-009 fails I04 and E02: the first in the order of the protocol counts. S03-022 is unproven long after the four
    // weeks that screening may take.
    // Each with its subject and the form that decides; the events of a subject count from its number times a thousand.
    assert_eq!(
        flow.excluded_because
            .iter()
            .map(|(why, who)| (why.as_str(), who.n, named(&who.who)))
            .collect::<Vec<_>>(),
        [
            ("E02 not proven: Leptomeningeal disease.", 1, vec![("S03-022", &[22_002][..])]),
            ("I04 not met: Breast cancer that is HER2 negative.", 1, vec![("S01-009", &[9_004])]),
            ("WITHDRAWAL OF CONSENT", 1, vec![("S02-011", &[11_008])]),
        ]
    );
    let [a, b] = &flow.arms[..] else { panic!("two arms") };
    let numbers = |arm: &FlowArm| {
        let told = arm.treated.as_ref().map(|treated| treated.n);
        (arm.allocated.n, told, arm.died.n, arm.in_follow_up.n, arm.analysed)
    };
    assert_eq!(numbers(a), (4, Some(4), 1, 2, 4));
    assert_eq!(
        (a.withdrawn.len(), a.withdrawn[0].0.as_str(), a.withdrawn[0].1.n),
        (1, "WITHDRAWAL OF CONSENT", 1)
    );
    // S01-002 had SABR on days 7 and 180; it died on day 500.
    assert_eq!(named(&a.treated.as_ref().unwrap().who)[1], ("S01-002", &[2_011, 2_016][..]));
    assert_eq!(named(&a.died.who), [("S01-002", &[2_021][..])]);
    assert_eq!(numbers(b), (4, Some(4), 1, 3, 4));
}

#[test]
fn an_unproven_criterion_is_still_in_screening_while_its_time_lasts() {
    let stories: Vec<Story> = subjects().into_iter().filter(|s| s.subject.as_str() == "S03-022").collect();
    // Consent on day -14; screening may take 28 days.
    let day = |n: i64| stories[0].day(n).parse::<Date>().unwrap();
    assert_eq!(analysed(&stories, Some(day(14))).flow.in_screening.n, 1);
    assert_eq!(analysed(&stories, Some(day(15))).flow.excluded, 1);
}

#[test]
fn a_subject_without_sabr_in_the_sabr_arm_is_not_treated() {
    let mut story = Story::new(31, "S01");
    story.screened(&[opd("T1", "LIVER", 20.0)], &[]).randomised("A", "1", "no");
    let found = analysed(&[story], None);
    assert_eq!(found.flow.arms[0].treated, Some(Counted::default()));
    assert_eq!(named(&found.flow.arms[0].untreated.as_ref().unwrap().who), [("S01-031", &[31_008][..])]);
    assert_eq!(found.flow.arms[1].treated, None, "nobody to tell it of");
}

#[test]
fn recruitment_by_month_and_site() {
    let recruitment = analysed(&subjects(), None).recruitment;
    let months: Vec<(String, usize, usize)> = recruitment
        .by_month
        .iter()
        .map(|row| (row.month.to_string(), row.randomised.n, row.in_all))
        .collect();
    let want = [
        ("2025-06-01", 2, 2),
        ("2025-07-01", 1, 3),
        ("2025-08-01", 2, 5),
        ("2025-09-01", 2, 7),
        ("2025-10-01", 1, 8),
    ];
    assert_eq!(months, want.map(|(month, n, all)| (month.to_owned(), n, all)));
    let sites: Vec<(&str, usize, usize)> = recruitment
        .by_site
        .iter()
        .map(|site| (site.site.as_str(), site.screened.n, site.randomised.n))
        .collect();
    assert_eq!(sites, [("S01", 5, 4), ("S02", 5, 4), ("S03", 1, 0), ("S04", 0, 0)]);
    assert_eq!(named(&recruitment.by_month[1].randomised.who), [("S02-003", &[3_008][..])]);
    let planned = [recruitment.planned_from, recruitment.planned_to].map(|day| day.unwrap().to_string());
    assert_eq!(planned, ["2025-05-01", "2032-02-29"]);
}

#[test]
fn baseline_is_of_randomisation() {
    let found = analysed(&subjects(), None);
    let count = |characteristic: &str, level: &str| {
        let row = found
            .baseline
            .iter()
            .find(|r| r.characteristic == characteristic && r.level.as_deref() == Some(level));
        row.unwrap()
            .cells
            .iter()
            .map(|cell| usize::from(matches!(cell, BaselineCell::Count { n, .. } if *n > 0)))
            .sum::<usize>()
    };
    assert_eq!(count("Sites of disease", "Lung"), 2, "in arm A and in all");
    let numbers = |characteristic: &str| -> Vec<Option<f64>> {
        let row = found.baseline.iter().find(|r| r.characteristic == characteristic).unwrap();
        row.cells
            .iter()
            .map(|cell| if let BaselineCell::Number { median, .. } = cell { *median } else { None })
            .collect()
    };
    // Three born in 1961 and one in 1950; consent in 2025.
    assert_eq!(numbers("Age, years"), [Some(64.0), Some(64.0), Some(64.0)]);
    assert_eq!(numbers("Lesions, number"), [Some(2.0), Some(1.0), Some(1.5)]);
    // From 2023-10-02 to randomisation on 2025-06-02 and 20, 40, 60 days later: 609 days and so on.
    let months = numbers("Time on the therapy under way, months")[0].unwrap();
    assert!((months - 639.0 / 30.4375).abs() < 1e-9, "{months}");
}

#[test]
fn deviations_recorded_and_found() {
    let found = analysed(&subjects(), None).deviations;
    let list: Vec<(&str, &str, bool, &str)> =
        found.iter().map(|d| (d.subject.as_str(), d.category.as_str(), d.found, d.term.as_str())).collect();
    assert_eq!(
        list,
        [
            ("S01-006", "SABR NOT PERMITTED", false, "SABR at another hospital"),
            ("S01-006", "SABR NOT PERMITTED", true, "SABR to T1 in an arm whose strategy has none"),
            (
                "S02-004",
                "SABR NOT GIVEN",
                true,
                "1 of 2 oligoprogressive lesions at baseline not treated with SABR: T2"
            ),
            (
                "S02-007",
                "DATES",
                true,
                "adverse event Nausea ends on 2025-11-09, before its onset on 2025-11-19"
            ),
            (
                "S02-007",
                "ASSESSMENT",
                true,
                "2 scheduled tumour assessments missed in a row, due from 2025-12-23 to 2026-03-17"
            ),
            (
                "S02-007",
                "ASSESSMENT",
                true,
                "tumour assessment of visit W36 1 on 2026-06-25, 9 day(s) after its window"
            ),
            (
                "S02-008",
                "ELIGIBILITY",
                true,
                "randomised though criteria are not met: I04 (Breast cancer that is HER2 negative.)"
            ),
        ]
    );
}

#[rstest]
#[case::consent_after(|s: &mut Story| { let day = s.day(3); s.correct(4, "consent", &[("RFICDAT", json!(day))]); },
    "consent on 2025-06-05, after randomisation on 2025-06-02")]
#[case::sabr_backwards(|s: &mut Story| {
        let (start, end) = (s.day(9), s.day(8));
        s.form(9, "sabr", None, json!({"PRSTDAT": start, "PRENDAT": end,
            "LESIONS": [{"TULNKID": "T1", "PRDOSFRX": 12, "PRNFRX": 2}]}));
    }, "SABR ends on 2025-06-10, before its start on 2025-06-11")]
#[case::line_backwards(|s: &mut Story| {
        s.form(9, "systemic", None, json!({"CMTRT": "X", "CMREAS": "OTHER", "CMSTDAT": "2025-08", "CMENDAT": "2025-07-31"}));
    }, "X ends on 2025-07-31, before its start on 2025-08")]
#[case::seen_after_death(|s: &mut Story| {
        s.dated(20, "death", "DTHDAT", json!({"DTHCAUS": "OTHER"})).dated(21, "contact", "SSDAT", json!({}));
    }, "death on 2025-06-22, but known alive on 2025-06-23")]
#[case::decided_before(|s: &mut Story| {
        let later = s.day(30);
        s.dated(20, "decision", "DECDAT", json!({"PROGDAT": later, "DECISION": "CONTINUE"}));
    }, "decision on 2025-06-22 about a progression of 2025-07-02, which is later")]
fn dates_in_the_wrong_order(#[case] then: fn(&mut Story), #[case] term: &str) {
    let mut story = Story::new(1, "S01");
    story.screened(&[opd("T1", "LIVER", 20.0)], &[]).randomised("B", "1", "no");
    then(&mut story);
    let found = analysed(&[story], None).deviations;
    assert!(found.iter().any(|d| d.category == "DATES" && d.term == term), "{found:?}");
}

#[test]
fn a_partial_date_is_wrong_only_where_it_must_be() {
    let mut story = Story::new(1, "S01");
    story.screened(&[opd("T1", "LIVER", 20.0)], &[]).randomised("B", "1", "no");
    story.form(
        9,
        "systemic",
        None,
        json!({"CMTRT": "X", "CMREAS": "OTHER", "CMSTDAT": "2025-08-20", "CMENDAT": "2025-08"}),
    );
    assert!(analysed(&[story], None).deviations.is_empty());
}

#[test]
fn one_missed_assessment_is_not_listed() {
    let mut story = Story::new(1, "S01");
    story.screened(&[opd("T1", "LIVER", 20.0)], &[]).randomised("B", "1", "no");
    story.scan(168, "W24", 1, &[opd("T1", "LIVER", 20.0)]);
    assert!(analysed(&[story], None).deviations.is_empty());
}

#[test]
fn responses_and_figures_follow_recist() {
    let found = analysed(&subjects(), None);
    let responses: Vec<(Option<OverallResponse>, Vec<usize>)> =
        found.responses.iter().map(|row| (row.response, row.counts.iter().map(|c| c.n).collect())).collect();
    assert_eq!(
        responses,
        [
            (Some(OverallResponse::Complete), vec![0, 0]),
            (Some(OverallResponse::Partial), vec![1, 0]),
            (Some(OverallResponse::Stable), vec![2, 2]),
            (Some(OverallResponse::Progressive), vec![1, 2]),
        ]
    );
    // The partial response of S01-001: its baseline, and the scans of weeks 12 and 24.
    assert_eq!(found.responses[1].counts[0].who[0].events[0], 1_007);
    // S01-005 grows from 20 to 30 mm at its progression; what grows later, on the next line, does not count.
    let worst = &found.waterfall[0];
    assert_eq!((worst.subject.as_str(), worst.change), ("S01-005", 0.5));
    let best = found.waterfall.last().unwrap();
    assert_eq!((best.subject.as_str(), (best.change * 100.0).round()), ("S01-001", -46.0));
    let line = found.spider.iter().find(|line| line.subject.as_str() == "S01-005").unwrap();
    assert_eq!(line.points[0], (0.0, 0.0, 20.0, 5007));
    assert_eq!((line.points[3].1, line.points[3].2), (1.0, 40.0));
}

#[test]
fn lanes_show_the_course() {
    use MarkKind::{Death, NextLineProgression, ProgressionHeld, Sabr, StrategyFailure};
    let found = analysed(&subjects(), None);
    let order: Vec<(&str, i64)> = found.swimmer.iter().map(|lane| (lane.arm.as_str(), lane.until)).collect();
    assert_eq!(
        order,
        [("A", 500), ("A", 420), ("A", 150), ("A", 110), ("B", 344), ("B", 268), ("B", 168), ("B", 84)]
    );
    let marks: Vec<(i64, MarkKind)> =
        found.swimmer[0].marks.iter().map(|mark| (mark.day, mark.kind)).collect();
    assert_eq!(
        marks,
        [
            (7, Sabr),
            (168, ProgressionHeld),
            (180, Sabr),
            (336, StrategyFailure),
            (420, NextLineProgression),
            (500, Death)
        ]
    );
    let lines: Vec<(i64, usize)> =
        found.swimmer[0].lines.iter().map(|line| (line.from, line.number)).collect();
    assert_eq!(lines, [(0, 0), (350, 1)]);
    let pending: Vec<(&str, String)> =
        found.pending.iter().map(|row| (row.subject.as_str(), row.progression.to_string())).collect();
    assert_eq!(pending, [("S02-003", "2025-10-04".to_owned())]);
}

#[test]
fn sabr_has_its_biologically_effective_dose() {
    let found = analysed(&subjects(), None).sabr;
    let a = &found[0];
    assert_eq!((a.subjects.n, a.courses.n, a.lesions, a.again.n), (4, 5, 6, 1));
    assert_eq!(named(&a.again.who), [("S01-002", &[2_011, 2_016][..])]);
    // 2 x 12 Gy at alpha/beta 10: 24 x 2.2 = 52.8 Gy, and 44 Gy in 2 Gy fractions.
    let schedule = &a.schedules[0];
    assert_eq!((schedule.dose_gy, schedule.fractions, schedule.lesions.n), (24.0, 2, 6));
    assert!((schedule.bed_gy - 52.8).abs() < 1e-12 && (schedule.eqd2_gy - 44.0).abs() < 1e-12);
    let second = &schedule.lesions.who[2];
    assert_eq!((second.subject.as_str(), second.words.as_str()), ("S01-002", "2025-06-29, T2"));
}

#[test]
fn adverse_events_count_subjects_once_at_their_worst() {
    let safety = analysed(&subjects(), None).safety;
    assert_eq!(safety.at_risk, [4, 4]);
    let overall = |rows: &[analysis::results::GradeRow]| rows[0].counts.clone();
    // S01-001 had fatigue at grades 1 and 2; S01-005 hyperglycaemia at 4; S02-007 nausea at 3, not related.
    assert_eq!(overall(&safety.related), [[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]]);
    assert_eq!(overall(&safety.all), [[0, 1, 0, 0, 0], [0, 0, 1, 1, 0]]);
    assert_eq!(safety.related[0].subjects[0].3, [1013], "the event of the worst grade alone");
    assert_eq!(safety.serious.iter().map(|counted| counted.n).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(named(&safety.serious[1].who), [("S01-005", &[5_014][..])]);
    // Both related ones are so to systemic therapy, none to SABR.
    let to: Vec<(&str, usize)> = safety
        .related_to
        .iter()
        .map(|a| (a.item.as_str(), a.rows.first().map_or(0, |r| r.subjects.len())))
        .collect();
    assert_eq!(to, [("AERELSAB", 0), ("AERELSYS", 2)]);
    assert_eq!(safety.expedited.len(), 1);
}

#[test]
fn quality_of_life_by_hand() {
    let quality = analysed(&subjects(), None).quality_of_life.unwrap();
    let point = |arm: &str, week: u32| {
        quality.by_week.iter().find(|p| p.arm.as_str() == arm && p.week == week).unwrap()
    };
    // A: 74 and 80 at baseline. Week 24: S02-004 has withdrawn on day 150.
    assert_eq!(
        (point("A", 0).scored.n, point("A", 0).expected, point("A", 0).mean.value),
        (2, 4, Some(77.0))
    );
    assert_eq!(
        (point("A", 24).scored.n, point("A", 24).expected, point("A", 24).mean.value),
        (1, 3, Some(78.0))
    );
    // S01-001: totals 74, 76, 78, 80, 82 on days -10, 84, 168, 252, 336.
    let area = &quality.auc[0].subjects[0];
    let by_hand = (94.0 * 75.0 + 84.0 * (77.0 + 79.0 + 81.0)) / 7.0;
    assert!((area.1 - by_hand).abs() < 1e-9, "{} {by_hand}", area.1);
    let labels: Vec<&str> = quality.sensitivity.iter().map(|s| s.id.as_str()).collect();
    assert_eq!(labels, ["QOL-carried-forward", "QOL-death-zero"]);
}

#[test]
fn order_of_rows_does_not_matter() {
    let history = protocol();
    let of = |stories: &[Story]| {
        results(&history, context(&history, None), rows(&history, stories, None, &Limits::default()))
    };
    let mut stories = subjects();
    let forwards = json_of(&of(&stories));
    stories.reverse();
    assert_eq!(forwards, json_of(&of(&stories)));
    stories.rotate_left(4);
    assert_eq!(forwards, json_of(&of(&stories)));
}

#[rstest]
#[case::nobody(&[])]
#[case::one_in_screening(&[10])]
#[case::one_screen_failure(&[8])]
#[case::one_randomised(&[0])]
#[case::one_arm_empty(&[0, 1, 2])]
#[case::no_events(&[0, 5])]
fn few_subjects_make_sensible_results(#[case] which: &[usize]) {
    let all = subjects();
    let chosen: Vec<Story> =
        all.into_iter().enumerate().filter(|(n, _)| which.contains(n)).map(|(_, story)| story).collect();
    let found = analysed(&chosen, None);
    assert_eq!(found.flow.screened.n, which.len());
    assert_eq!(found.flow.excluded + found.flow.in_screening.n + found.flow.randomised, which.len());
    for analysis in &found.analyses {
        assert_eq!(analysis.arms.len(), 2);
        let n: usize = analysis.arms.iter().map(|arm| arm.n).sum();
        assert_eq!(n, analysis.subjects.len());
        assert!(analysis.comparison.is_some() || !analysis.remarks.is_empty(), "{} says why", analysis.id);
    }
    assert!(!json_of(&found).contains("NaN"));
}

#[test]
fn a_cut_sees_nothing_later() {
    // S01-002 is randomised on 2025-06-22: by day 200 its first progression was held, nothing failed.
    let cut: Date = "2026-01-08".parse().unwrap();
    let found = analysed(&subjects(), Some(cut));
    let lane = found.swimmer.iter().find(|lane| lane.subject.as_str() == "S01-002").unwrap();
    assert_eq!(lane.marks.last().unwrap().kind, MarkKind::Sabr);
    assert!(found.swimmer.iter().all(|lane| lane.ongoing || lane.subject.as_str() == "S02-004"));
    assert_eq!(found.about.last_clinical, Some("2025-12-29".parse().unwrap()), "the withdrawal of S02-004");
    for contribution in found.analyses.iter().flat_map(|analysis| &analysis.subjects) {
        assert!(contribution.time.on() <= cut, "{contribution:?}");
    }
}

#[test]
fn a_cut_before_randomisation_is_in_screening() {
    let stories: Vec<Story> = subjects().into_iter().take(2).collect();
    // S01-001 was randomised on 2025-06-02; S01-002 gave consent on 2025-06-08.
    let before = analysed(&stories, Some("2025-06-01".parse().unwrap()));
    assert_eq!((before.flow.screened.n, before.flow.in_screening.n, before.flow.randomised), (1, 1, 0));
    assert!(before.deviations.is_empty() && before.baseline.is_empty());
    let none = analysed(&stories, Some("2025-01-01".parse().unwrap()));
    assert_eq!(none.flow.screened.n, 0);
}

#[test]
fn a_record_that_was_cut_before_gives_the_same_row() {
    let history = protocol();
    let cut: Date = "2026-01-08".parse().unwrap();
    for story in subjects() {
        let record = story.record(&history);
        let whole = format!("{:?}", row(&history, &record, Some(cut)));
        assert_eq!(whole, format!("{:?}", row(&history, &record.cut_at(cut), Some(cut))));
    }
}

fn without_who(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("who");
            fields.values_mut().for_each(without_who);
        }
        Value::Array(items) => items.iter_mut().for_each(without_who),
        _ => {}
    }
}

#[test]
fn beyond_the_limits_tables_stay_the_same() {
    let history = protocol();
    let stories = subjects();
    let full = analysed(&stories, None);
    let small = Limits { traces: 5, figures: 5 };
    assert_eq!(small.detail(11), Detail::TABLES);
    for rows in [rows(&history, &stories, None, &small), rows(&history, &stories, None, &Limits::default())] {
        let mut context = context(&history, None);
        context.limits = small;
        let cut = results(&history, context, rows);
        assert_eq!(cut.left_out.len(), 2);
        assert!(cut.traces.is_empty() && cut.swimmer.is_empty() && cut.analyses[0].subjects.is_empty());
        let tables = |results: &Results| {
            let tables = (&results.flow, &results.baseline, &results.analyses[0].arms, &results.sabr);
            let mut tables = serde_json::to_value(tables).unwrap();
            without_who(&mut tables);
            tables.to_string()
        };
        assert_eq!(tables(&full), tables(&cut));
    }
    assert!(full.left_out.is_empty());
}

#[test]
fn a_number_leads_back_to_its_events() {
    let found = analysed(&subjects(), None);
    for contribution in found.analyses.iter().flat_map(|analysis| &analysis.subjects) {
        let trace = found.traces.iter().find(|trace| trace.subject == contribution.subject).unwrap();
        for event in &contribution.time.events {
            assert!(trace.sources.iter().any(|source| source.seq == *event), "{event} of {}", trace.subject);
        }
    }
    let trace = found.traces.iter().find(|trace| trace.subject.as_str() == "S02-008").unwrap();
    let unproven: Vec<&str> = trace.unproven.iter().map(|judged| judged.id.as_str()).collect();
    assert_eq!(unproven, ["I04"]);
    let corrected = trace.sources.iter().find(|source| source.place == "history, visit SCREENING 1").unwrap();
    assert!(corrected.values.contains(&("HER2STAT".to_owned(), "POSITIVE".to_owned())));
    let lesion = ("LESIONS[1].DIAMETER".to_owned(), "20.0".to_owned());
    assert!(trace.sources.iter().any(|source| source.values.contains(&lesion)));
}

#[test]
fn what_cannot_be_read_is_told() {
    let mut story = Story::new(1, "S01");
    story.screened(&[opd("T1", "LIVER", 20.0)], &[]).randomised("B", "1", "no");
    story.scan(84, "W12", 1, &[common::target("T1", "LIVER", -3.0)]);
    let faults = analysed(&[story], None).faults;
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].place, "tumour, visit W12 1, LESIONS row 1, DIAMETER");
}

#[test]
fn assumptions_are_those_the_protocol_marks() {
    let found = analysed(&[], None).assumptions;
    let of = |path: &str| found.iter().find(|a| a.path == path).map(|a| (a.value.as_str(), a.whole_table));
    assert_eq!(of("arms[A].strategy.within_days"), Some(("56", false)));
    assert_eq!(of("eligibility[E02]"), Some(("Leptomeningeal disease.", true)));
    assert_eq!(
        of("stratification[bone_only]"),
        Some(("Bone-only disease; levels: yes (Yes), no (No)", true))
    );
    assert_eq!(of("eligibility[I01]"), None, "stated in the record");
}

/// Sentences that `trial` and the protocol file own, and test.
const WORDS: [&str; 7] = ["words", "why", "rule", "reason", "definition", "label", "endpoint_label"];

/// Six digits (what a person compares, whatever the last bits of a machine), and none of `WORDS`.
fn rounded(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|name, _| !WORDS.contains(&name.as_str()));
    }
    match value {
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.5e}", number.as_f64().expect("a float"));
            *value = json!(text.parse::<f64>().expect("a number"));
        }
        Value::Array(items) => items.iter_mut().for_each(rounded),
        Value::Object(fields) => fields.values_mut().for_each(rounded),
        _ => {}
    }
}

/// One line an entry, so that a change can be read.
fn lines(name: &str, value: &Value, depth: usize, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            out.push(format!("{indent}{name}"));
            out.extend(items.iter().map(|item| format!("{indent}  {item}")));
        }
        Value::Object(fields) if depth < 2 => {
            out.push(format!("{indent}{name}"));
            for (name, value) in fields {
                lines(name, value, depth + 1, out);
            }
        }
        other => out.push(format!("{indent}{name} {other}")),
    }
}

#[test]
fn results_as_json() {
    let found = analysed(&subjects(), None);
    let mut value = serde_json::to_value(&found).unwrap();
    rounded(&mut value);
    let Some(fields) = value.as_object_mut() else { panic!("an object") };
    // Each has a test of its own, and many words.
    for other in ["about", "assumptions", "traces"] {
        fields.remove(other);
    }
    let analyses = fields.remove("analyses").unwrap();
    let mut out = Vec::new();
    lines("results", &value, 0, &mut out);
    for analysis in analyses.as_array().unwrap().iter().filter(|analysis| analysis["main"] == true) {
        lines(analysis["id"].as_str().unwrap(), analysis, 0, &mut out);
    }
    insta::assert_snapshot!(out.join("\n"));
}

#[test]
fn a_plan_may_be_shared_by_threads() {
    let history = protocol();
    let plan = Plan::new(&history);
    let stories = subjects();
    let alone: Vec<String> =
        stories.iter().map(|s| format!("{:?}", plan.row(&s.record(&history), None, Detail::FULL))).collect();
    let together: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = stories
            .iter()
            .map(|story| {
                scope.spawn(|| format!("{:?}", plan.row(&story.record(&history), None, Detail::FULL)))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

/// Whoever has derived the record already, or needs it no more, gets the same row: with the traces and without.
#[rstest]
#[case(Detail::FULL)]
#[case(Detail::TABLES)]
fn the_row_is_the_same_by_each_way(#[case] detail: Detail) {
    let history = protocol();
    let plan = Plan::new(&history);
    let cut: Date = "2025-12-01".parse().unwrap();
    let mut differ = 0;
    for story in subjects() {
        let record = story.record(&history);
        let whole = format!("{:?}", plan.row(&record, None, detail));
        let derived = trial::derive::derive(&history, &record, None);
        assert_eq!(format!("{:?}", plan.row_of(&record, &derived, detail)), whole);
        let then = format!("{:?}", plan.row(&record, Some(cut), detail));
        differ += usize::from(then != whole);
        assert_eq!(format!("{:?}", plan.row_cut(record, cut, detail)), then);
    }
    assert!(differ > 0, "the cut cuts something");
}

#[test]
fn a_protocol_without_strategy_tumours_or_quality_of_life_has_none_of_them() {
    let source = include_str!("data/two-arms.toml");
    let history = ProtocolHistory::new(1, check(source).unwrap());
    let mut story = Story::new(1, "S01");
    let date = story.day(-3);
    story.form(-3, "ecog", Some(("SCREENING", 1)), json!({"QSDAT": date, "ECOG": 0}));
    story.allocated("A", &[("s", "a")]);
    story.dated(50, "death", "DTHDAT", json!({}));
    let found =
        results(&history, context(&history, None), rows(&history, &[story], None, &Limits::default()));
    let arm = &found.flow.arms[0];
    assert_eq!((&arm.treated, arm.died.n, arm.analysed), (&None, 1, 1));
    assert!(found.quality_of_life.is_none() && found.responses.is_empty() && found.waterfall.is_empty());
    assert_eq!((found.analyses[0].arms[0].events, found.analyses[0].subjects[0].days), (1, 51));
    assert!(found.swimmer[0].marks.iter().all(|mark| mark.kind == MarkKind::Death));
    assert!(found.deviations.is_empty(), "{:?}", found.deviations);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whoever is in the trial and wherever it is cut: nothing panics, everybody is counted once, nothing later is seen.
    #[test]
    fn any_part_of_the_trial_has_results(mask in 0_u32..2048, day in -30_i64..900) {
        let chosen: Vec<Story> = subjects()
            .into_iter()
            .enumerate()
            .filter(|(n, _)| mask & (1 << n) != 0)
            .map(|(_, story)| story)
            .collect();
        let cut: Date = Story::new(1, "S01").day(day).parse().unwrap();
        let found = analysed(&chosen, Some(cut));
        let flow = &found.flow;
        prop_assert!(flow.screened.n <= chosen.len());
        prop_assert_eq!(flow.screened.n, flow.excluded + flow.in_screening.n + flow.randomised);
        prop_assert_eq!(found.swimmer.len(), flow.randomised);
        for contribution in found.analyses.iter().flat_map(|analysis| &analysis.subjects) {
            prop_assert!(contribution.time.on() <= cut);
            prop_assert!(contribution.days >= 1);
        }
        for arm in found.analyses.iter().flat_map(|analysis| &analysis.arms) {
            let counted: usize = arm.outcomes.iter().map(|row| row.n).sum();
            prop_assert_eq!(counted, arm.n);
            let (events, censored) = arm.curve.iter().fold((0, 0), |n, p| (n.0 + p.events, n.1 + p.censored));
            prop_assert_eq!((events, events + censored), (arm.events, arm.n));
            let falling = arm.curve.windows(2).all(|pair| pair[1].survival <= pair[0].survival);
            let inside = arm.curve.iter().all(|p| p.lower <= p.survival && p.survival <= p.upper);
            prop_assert!(falling && inside);
        }
        for point in found.quality_of_life.iter().flat_map(|quality| &quality.by_week) {
            prop_assert_eq!(point.scored.n + point.missing.len(), point.expected);
        }
    }
}

#[test]
fn a_pooled_report_counts_everybody_and_tells_no_arm() {
    let history = protocol();
    let rows = || rows(&history, &subjects(), None, &Limits::default());
    let by_arm = results(&history, context(&history, None), rows());
    let pooled = analysis::pooled(&history, context(&history, None), rows());
    let sum = |count: fn(&analysis::results::ArmEstimate) -> usize, results: &Results| {
        results.analyses.iter().map(|one| one.arms.iter().map(count).sum::<usize>()).collect::<Vec<_>>()
    };
    assert_eq!(sum(|arm| arm.n, &pooled), sum(|arm| arm.n, &by_arm));
    assert_eq!(sum(|arm| arm.events, &pooled), sum(|arm| arm.events, &by_arm));
    assert!(sum(|arm| arm.events, &pooled).iter().any(|events| *events > 0));
    assert!(pooled.analyses.iter().all(|one| one.comparison.is_none() && one.arms.len() == 1));
    assert_eq!(pooled.arms.len(), 1);
    for arm in &by_arm.arms {
        let named = format!("\"arm\":{}", json!(arm.id));
        assert!(!json_of(&pooled).contains(&named), "{named} is told");
    }
    for row in rows() {
        let named = json!(row.subject()).to_string();
        assert!(json_of(&by_arm).contains(&named) && !json_of(&pooled).contains(&named), "{named} is named");
    }
    assert_eq!(pooled.safety.expedited_events, by_arm.safety.expedited.len());
}

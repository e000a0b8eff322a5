//! Strings from outside never become markup, wherever they stand.

// Test helpers: what is not there fails the test.
#![allow(clippy::unwrap_used)]

mod fixture;

use std::collections::HashSet;

use analysis::results::{Counted, MarkKind, Results};
use proptest::prelude::*;
use trial::id::{ArmId, SiteId, SubjectId};

/// A page cut into its tags.
struct Tags {
    names: HashSet<String>,
    attributes: HashSet<String>,
}

/// Reads `html` as a browser would: every `<` in text begins a tag, and a quote ends an attribute.
fn tags(html: &str) -> Tags {
    let (mut names, mut attributes) = (HashSet::new(), HashSet::new());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let name: String = rest.chars().take_while(|c| !c.is_whitespace() && *c != '>').collect();
        rest = &rest[name.len()..];
        loop {
            rest = rest.trim_start();
            if let Some(after) = rest.strip_prefix('>') {
                rest = after;
                break;
            }
            let key: String =
                rest.chars().take_while(|c| !c.is_whitespace() && !matches!(c, '=' | '>')).collect();
            assert!(!key.is_empty(), "no tag ends here: {}", &rest.chars().take(80).collect::<String>());
            rest = &rest[key.len()..];
            if let Some(value) = rest.strip_prefix("=\"") {
                rest = &value[value.find('"').unwrap() + 1..];
            }
            attributes.insert(key);
        }
        // What stands in these is no markup.
        if name == "script" || name == "style" {
            let end = rest.find(&format!("</{name}")).unwrap();
            rest = &rest[end..];
        }
        names.insert(name);
    }
    Tags { names, attributes }
}

/// `results` with `text` wherever a string can come from outside.
fn poisoned(mut results: Results, text: &str) -> Results {
    let put = |s: &mut String| *s = format!("{s}{text}");
    let subject = |s: &mut SubjectId| *s = SubjectId(format!("{s}{text}"));
    let site = |s: &mut SiteId| *s = SiteId(format!("{s}{text}"));
    let arm = |s: &mut ArmId| *s = ArmId(format!("{s}{text}"));
    let about = &mut results.about;
    [&mut about.trial, &mut about.title, &mut about.protocol_version, &mut about.source]
        .into_iter()
        .for_each(put);
    about.registry.iter_mut().chain(&mut about.head).for_each(put);
    for a in &mut results.arms {
        arm(&mut a.id);
        put(&mut a.label);
    }
    let who = |counted: &mut Counted| {
        for who in &mut counted.who {
            who.subject = SubjectId(format!("{}{text}", who.subject));
            who.words.push_str(text);
        }
    };
    who(&mut results.flow.screened);
    for row in &mut results.flow.excluded_because {
        put(&mut row.0);
        who(&mut row.1);
    }
    for row in &mut results.background {
        put(&mut row.statement);
        put(&mut row.value);
        row.reference.iter_mut().for_each(put);
    }
    for row in &mut results.flow.arms {
        arm(&mut row.arm);
        row.withdrawn.iter_mut().for_each(|row| put(&mut row.0));
        who(&mut row.allocated);
    }
    for row in &mut results.recruitment.by_site {
        site(&mut row.site);
        put(&mut row.name);
    }
    for row in &mut results.baseline {
        put(&mut row.characteristic);
        row.level.iter_mut().for_each(put);
    }
    for a in &mut results.analyses {
        [
            &mut a.id,
            &mut a.label,
            &mut a.endpoint,
            &mut a.endpoint_label,
            &mut a.definition,
            &mut a.ties,
            &mut a.limits,
        ]
        .into_iter()
        .for_each(put);
        a.rules.iter_mut().chain(&mut a.remarks).for_each(put);
        for e in &mut a.arms {
            arm(&mut e.arm);
            e.outcomes.iter_mut().for_each(|row| put(&mut row.what));
        }
        for c in a.comparison.iter_mut().chain(&mut a.more_comparisons) {
            arm(&mut c.arm);
            arm(&mut c.control);
        }
        for c in &mut a.subjects {
            subject(&mut c.subject);
            arm(&mut c.arm);
            c.stratum.iter_mut().for_each(put);
            [&mut c.time.rule, &mut c.time.why].into_iter().for_each(put);
        }
    }
    for lane in &mut results.swimmer {
        subject(&mut lane.subject);
        arm(&mut lane.arm);
        lane.marks.iter_mut().for_each(|mark| put(&mut mark.words));
        lane.lines.iter_mut().for_each(|line| put(&mut line.treatment));
    }
    for row in &mut results.waterfall {
        subject(&mut row.subject);
        arm(&mut row.arm);
    }
    for row in &mut results.spider {
        subject(&mut row.subject);
        arm(&mut row.arm);
    }
    results.sabr.iter_mut().for_each(|row| arm(&mut row.arm));
    let safety = &mut results.safety;
    safety.attributed_to.iter_mut().for_each(put);
    let related_to = safety.related_to.iter_mut().flat_map(|to| {
        put(&mut to.label);
        &mut to.rows
    });
    for row in safety.related.iter_mut().chain(&mut safety.all).chain(related_to) {
        row.class.iter_mut().chain(&mut row.term).for_each(put);
        for who in &mut row.subjects {
            subject(&mut who.0);
            arm(&mut who.1);
        }
    }
    for row in &mut safety.expedited {
        subject(&mut row.0);
        put(&mut row.2);
    }
    if let Some(quality) = &mut results.quality_of_life {
        put(&mut quality.score);
        quality.rules.iter_mut().for_each(put);
        quality.by_week.iter_mut().for_each(|p| arm(&mut p.arm));
        for area in &mut quality.auc {
            arm(&mut area.arm);
            for who in &mut area.subjects {
                subject(&mut who.0);
                put(&mut who.3);
            }
        }
    }
    for row in &mut results.deviations {
        subject(&mut row.subject);
        site(&mut row.site);
        [&mut row.category, &mut row.term].into_iter().for_each(put);
    }
    for row in &mut results.pending {
        subject(&mut row.subject);
        put(&mut row.why);
    }
    results.assumptions.iter_mut().for_each(|row| [&mut row.path, &mut row.value].into_iter().for_each(put));
    for row in &mut results.faults {
        [&mut row.place, &mut row.message].into_iter().for_each(put);
    }
    for trace in &mut results.traces {
        subject(&mut trace.subject);
        site(&mut trace.site);
        trace.arm.iter_mut().for_each(arm);
        put(&mut trace.who);
        for row in &mut trace.responses {
            put(&mut row.1);
            put(&mut row.4);
        }
        for episode in trace.strategy.iter_mut().flat_map(|course| &mut course.episodes) {
            put(&mut episode.why);
            put(&mut episode.progression.reason);
        }
        for source in &mut trace.sources {
            put(&mut source.place);
            for (item, value) in &mut source.values {
                put(item);
                put(value);
            }
        }
    }
    results.left_out = vec![text.to_owned()];
    results
}

fn hostile() -> impl Strategy<Value = String> {
    let known = prop_oneof![
        Just("<script>alert(1)</script>".to_owned()),
        Just("\"><img src=x onerror=alert(1)>".to_owned()),
        Just("' onmouseover='alert(1)".to_owned()),
        Just("</style><script>".to_owned()),
        Just("</title></svg></desc>".to_owned()),
        Just("]]>--><!--".to_owned()),
        Just("../../etc/passwd\0".to_owned()),
        Just("\"}@page{x:url(http://x)}".to_owned()),
        Just("a,b;\"c\"\r\nd\te".to_owned()),
        Just("&lt;&#60;&amp;\u{202e}\u{200b}".to_owned()),
    ];
    prop_oneof![known.clone(), "\\PC{0,40}", (known, "[<>\"'&=/ a-z]{0,20}").prop_map(|(a, b)| a + &b)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_breaks_out(text in hostile()) {
        let tame = tags(&report::html(&fixture::trial(6, 2, 5)));
        let results = poisoned(fixture::trial(6, 2, 5), &text);
        let html = report::html(&results);
        let wild = tags(&html);
        prop_assert!(wild.names.is_subset(&tame.names.iter().cloned().chain(["ul".into()]).collect()));
        let new: Vec<&String> = wild.attributes.difference(&tame.attributes).collect();
        prop_assert!(new.is_empty(), "{new:?}");
        prop_assert_eq!(html.matches("<script").count(), 1);
        // The style sheets hold one text from outside, the trial's name, and of it no sign that CSS reads.
        let style = &html[html.find("<style>").unwrap() + "<style>".len()..html.find("</style>").unwrap()];
        prop_assert!(!style.contains("url(") && !style.contains('<'));
        for (name, svg) in report::figures(&results) {
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')), "{}", name);
            let new: Vec<String> = tags(&svg).attributes.difference(&tame.attributes).cloned().collect();
            prop_assert!(new.is_empty(), "{name}: {new:?}");
        }
    }

    #[test]
    fn csv_gives_back_what_it_was_given(text in hostile()) {
        let results = poisoned(fixture::trial(4, 2, 5), &text);
        for (name, content) in report::csv_files(&results) {
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')), "{}", name);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(content.as_bytes());
            let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
            if name == "swimmer_marks.csv" {
                let given = results.swimmer.iter().flat_map(|lane| lane.marks.iter().map(move |mark| (lane, mark)));
                for ((lane, mark), row) in given.zip(&rows[1..]) {
                    prop_assert_eq!(&row[0], lane.subject.as_str());
                    prop_assert_eq!(&row[4], mark.words.as_str());
                    prop_assert_eq!(&row[3] == "sabr", mark.kind == MarkKind::Sabr);
                }
            }
        }
    }
}

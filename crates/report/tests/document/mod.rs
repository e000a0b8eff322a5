//! The documents of a trial, held against the protocol files they are written from.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use insta::assert_snapshot;
use proptest::prelude::*;
use report::document::{self, Options, Seen};
use rstest::rstest;
use serde_json::{Value, json};
use trial::event::{Entered, Event, Role};
use trial::id::SubjectId;
use trial::plan::ITEMS;
use trial::protocol::{
    CensorAt, Checked, EventCause, Method, OtherTherapy, Pending, PlanStatement, Protocol, ProtocolHistory,
    check,
};
use trial::record::Record;

use super::{attributes, text};

const AVATAR: &str = include_str!("../../../../protocols/avatar-ii.toml");
const STOP: &str = include_str!("../../../../protocols/stop.toml");
const SMALL: &str = include_str!("../../../analysis/tests/data/two-arms.toml");

/// Read once each: reading takes longer than the tests.
fn protocol(source: &str) -> Protocol {
    static READ: OnceLock<Vec<Protocol>> = OnceLock::new();
    let files = [AVATAR, STOP, SMALL];
    let read = READ.get_or_init(|| files.iter().map(|file| check(file).unwrap().protocol).collect());
    read[files.iter().position(|file| *file == source).unwrap()].clone()
}

/// Stands in for the export's own list: only that a name is one or not changes what is shown.
fn is_variable(domain: &str, name: &str) -> bool {
    (domain, name) == ("DM", "SEX") || name.starts_with(domain)
}

/// Every document of a protocol file: name and page.
fn all(protocol: &Protocol, options: &Options) -> Vec<(&'static str, String)> {
    vec![
        ("plan", document::plan(protocol, options)),
        ("synopsis", document::synopsis(protocol, options)),
        ("schedule", document::schedule(protocol, options)),
        ("forms", document::forms(protocol, options, &is_variable)),
    ]
}

/// The page as plain text: a line for each block, what stands between the tags.
fn plain(html: &str) -> String {
    let html = html.replace(concat!("Trialwright ", env!("CARGO_PKG_VERSION")), "Trialwright [version]");
    let main = &html[html.find("<main").unwrap()..html.find("</main>").unwrap()];
    let mut out = String::new();
    for block in
        ["</p>", "</li>", "</tr>", "</h1>", "</h2>", "</h3>", "</h4>", "</caption>", "</dt>", "</dd>"]
            .iter()
            .fold(main.to_owned(), |text, end| text.replace(end, &format!(" {end}\n")))
            .replace("</td>", " |</td>")
            .replace("</th>", " |</th>")
            .lines()
    {
        let said = text(block)
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        if !said.is_empty() {
            writeln!(out, "{said}").unwrap();
        }
    }
    out
}

#[rstest]
#[case::avatar("avatar", AVATAR)]
#[case::stop("stop", STOP)]
fn documents(#[case] name: &str, #[case] source: &str) {
    let protocol = protocol(source);
    for (kind, html) in all(&protocol, &Options::default()) {
        assert_snapshot!(format!("{name}-{kind}"), plain(&html));
    }
}

/// Valid as the report's own page is: anchors lead somewhere, headings in order, tables with captions and scoped headers, nothing loaded, no script.
fn sound(html: &str) {
    let ids = attributes(html, "id");
    let known: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "an id stands twice");
    for href in attributes(html, "href") {
        let anchor = href.strip_prefix('#').unwrap_or_else(|| panic!("{href} leaves the page"));
        assert!(known.contains(anchor), "#{anchor} leads nowhere");
    }
    let mut before = 0;
    for (at, _) in html.match_indices("<h") {
        let Some(level) = html[at + 2..].chars().next().and_then(|c| c.to_digit(10)) else { continue };
        assert!(
            level <= before + 1,
            "h{level} after h{before}: {}",
            html[at..].chars().take(60).collect::<String>()
        );
        before = level;
    }
    for (at, _) in html.match_indices("<th") {
        let tag = &html[at..];
        assert!(tag.starts_with("<thead") || tag.split('>').next().is_some_and(|t| t.contains("scope=")));
    }
    assert_eq!(html.matches("<table").count(), html.matches("<caption").count());
    for word in ["src=", "<link", "@import", "url(", "<iframe", "javascript:", "<script"] {
        assert!(!html.contains(word), "{word}");
    }
    for (open, close) in [
        ("<table", "</table>"),
        ("<section", "</section>"),
        ("<ul", "</ul>"),
        ("<tr", "</tr>"),
        ("<td", "</td>"),
    ] {
        let opened = html
            .match_indices(open)
            .filter(|(at, _)| html[at + open.len()..].starts_with([' ', '>']))
            .count();
        assert_eq!(opened, html.matches(close).count(), "{open}");
    }
}

#[rstest]
fn every_document_of_every_protocol_is_sound(
    #[values(AVATAR, STOP, SMALL)] source: &str,
    #[values(false, true)] full: bool,
) {
    for (_, html) in all(&protocol(source), &Options { restricted: full, annotated: full }) {
        sound(&html);
    }
}

#[rstest]
#[case(AVATAR)]
#[case(STOP)]
fn every_estimand_has_every_attribute(#[case] source: &str) {
    let protocol = protocol(source);
    let html = document::plan(&protocol, &Options::default());
    for (endpoint, n) in protocol.endpoints.iter().zip(1..) {
        let start = html.find(&format!("id=\"estimand-{n}\"")).unwrap();
        let of = &html[start + 4..];
        let of = &of[..of.find("<h3").or_else(|| of.find("</section>")).unwrap()];
        for attribute in [
            "Clinical question",
            "Treatment",
            "Population",
            "Variable",
            "Intercurrent events",
            "Population-level summary",
        ] {
            assert!(of.contains(attribute), "{}: {attribute}", endpoint.id);
        }
        assert!(text(of).contains("Death of any cause"), "{}", endpoint.id);
        for arm in &protocol.arms {
            assert!(of.contains(&arm.description), "{}: what arm {} is given", endpoint.id, arm.id);
        }
    }
}

/// The row of an intercurrent event in the estimand of an endpoint.
fn handled(protocol: &Protocol, endpoint: &str, event: &str) -> String {
    let html = document::plan(protocol, &Options::default());
    let n = 1 + protocol.endpoints.iter().position(|one| one.id == endpoint).unwrap();
    let of = &html[html.find(&format!("id=\"estimand-{n}\"")).unwrap() + 4..];
    let of = &of[of.find("Intercurrent events of").unwrap()..];
    let of = &of[..of.find("<h3").or_else(|| of.find("</section>")).unwrap()];
    let row = of.split("<tr>").find(|row| row.contains(event));
    row.map_or_else(|| panic!("{endpoint}: no {event}"), text)
}

/// The strategies of ICH E9(R1), A.3.2, and the rules of event and censoring they follow from.
#[rstest]
#[case::an_event_is_composite("Death of any cause", |_: &mut Protocol| (), "Composite variable")]
#[case::censored_at_death("Death of any cause", |p: &mut Protocol| p.endpoints[1].events = vec![EventCause::Progression], "While on treatment")]
#[case::what_the_time_runs_to("Death of any cause", |p: &mut Protocol| { p.endpoints[1].events = vec![EventCause::Death]; p.endpoints[1].censor_at = CensorAt::LastKnownAlive; }, "part of the variable")]
#[case::ignored_is_policy("other systemic anti-cancer", |_: &mut Protocol| (), "Treatment policy")]
#[case::censored_is_hypothetical("other systemic anti-cancer", |p: &mut Protocol| p.endpoints[1].rules.other_therapy = Some(OtherTherapy::Hypothetical), "Hypothetical")]
#[case::no_rule_is_ignored("other systemic anti-cancer", |p: &mut Protocol| p.endpoints[1].rules.other_therapy = None, "Treatment policy")]
#[case::the_main_analysis_rules("other systemic anti-cancer", |p: &mut Protocol| for a in &mut p.analyses { a.rules.other_therapy = Some(OtherTherapy::Hypothetical) }, "Hypothetical")]
#[case::deviation_censored("SABR in arm B", |p: &mut Protocol| p.endpoints[1].rules.deviation_sabr = Some(OtherTherapy::Hypothetical), "Hypothetical")]
fn a_strategy_follows_from_the_rules(
    #[case] event: &str,
    #[case] change: fn(&mut Protocol),
    #[case] want: &str,
) {
    let mut protocol = protocol(AVATAR);
    assert_eq!(protocol.endpoints[1].id, "PFS");
    change(&mut protocol);
    let row = handled(&protocol, "PFS", event);
    assert!(row.contains(want), "{row}");
}

#[test]
fn a_change_of_therapy_is_composite_where_it_fails_the_strategy() {
    let mut protocol = protocol(AVATAR);
    assert!(handled(&protocol, "TSF", "change of systemic therapy for progression").contains("in arm A"));
    protocol.arms[0].strategy.as_mut().unwrap().fails_on_systemic_change = false;
    let html = document::plan(&protocol, &Options::default());
    assert!(!html.contains("A change of systemic therapy for progression, in"));
    protocol.endpoints[0].rules.pending = Some(Pending::Censor);
    assert!(handled(&protocol, "TSF", "decision is not recorded").contains("censored on the day"));
}

/// What would help to guess an allocation stands in the restricted version alone, wherever in the document.
#[rstest]
fn block_sizes_are_told_to_the_trial_office_alone(
    #[values(Method::PermutedBlocks, Method::Minimisation)] method: Method,
) {
    let mut protocol = protocol(AVATAR);
    protocol.randomisation.method = method;
    protocol.randomisation.block_sizes = vec![8646, 9754];
    protocol.randomisation.best_probability = 0.7913;
    let told = |restricted: bool| -> String {
        all(&protocol, &Options { restricted, annotated: true }).into_iter().map(|(_, html)| html).collect()
    };
    let (open, restricted) = (told(false), told(true));
    for secret in ["8646", "9754", "0.7913"] {
        assert!(!open.contains(secret), "{secret}");
    }
    let want = if method == Method::Minimisation { "0.7913" } else { "8646 and 9754" };
    assert!(restricted.contains(want) && restricted.contains("RESTRICTED"));
}

#[rstest]
#[case(AVATAR)]
#[case(STOP)]
#[case(SMALL)]
fn every_item_stands_in_the_forms(#[case] source: &str) {
    let protocol = protocol(source);
    let html = document::forms(&protocol, &Options { annotated: true, ..Options::default() }, &is_variable);
    for (form, n) in protocol.forms.iter().zip(1..) {
        let of = &html[html.find(&format!("<section id=\"form-{n}\"")).unwrap()..];
        let of = &of[..of.find("</section>").unwrap()];
        let items: Vec<_> =
            form.items.iter().chain(form.groups.iter().flat_map(|group| &group.items)).collect();
        assert_eq!(of.matches("<td class=\"n\">").count(), items.len(), "{}", form.id);
        for item in items {
            assert!(of.contains(&format!("<code>{}</code>", item.id)), "{}.{}", form.id, item.id);
            assert!(text(of).contains(&item.label.replace('&', "&amp;")), "{}.{}", form.id, item.id);
            for code in &item.codes {
                assert!(of.contains(&format!("□ {code}")), "{}.{}: {code}", form.id, item.id);
            }
        }
    }
}

#[rstest]
#[case(AVATAR)]
#[case(STOP)]
#[case(SMALL)]
fn the_grid_marks_every_form_of_every_visit(#[case] source: &str) {
    let protocol = protocol(source);
    let html = document::schedule(&protocol, &Options::default());
    let visits = &protocol.schedule.visits;
    let due: Vec<_> = protocol
        .forms
        .iter()
        .filter(|form| visits.iter().any(|visit| visit.forms.contains(&form.id)))
        .collect();
    let body = &html[html.find("<tbody>").unwrap()..html.find("</tbody>").unwrap()];
    let rows: Vec<&str> = body.split("<tr>").skip(1).collect();
    for (form, row) in due.iter().zip(&rows) {
        assert!(text(row).starts_with(&form.label), "{row}");
        let marks: Vec<bool> = row.split("<td>").skip(1).map(|cell| cell.starts_with('X')).collect();
        let want: Vec<bool> = visits.iter().map(|visit| visit.forms.contains(&form.id)).collect();
        assert_eq!(marks, want, "{}", form.id);
    }
    for form in protocol.forms.iter().filter(|form| !due.iter().any(|known| known.id == form.id)) {
        assert!(text(body).contains(&form.label), "{}", form.id);
    }
}

/// The gaps are the file's: a statement closes the gap of its item and no other.
#[test]
fn what_is_not_stated_is_listed_until_it_is() {
    let mut protocol = protocol(STOP);
    protocol.plan.clear();
    let gaps = |protocol: &Protocol| -> Vec<String> {
        let html = document::plan(protocol, &Options::default());
        let of = &html[html.find("<section id=\"gaps\"").unwrap()..];
        let of = &of[..of.find("</section>").unwrap()];
        of.split("<tr><th scope=\"row\">")
            .skip(1)
            .map(|row| row.split('<').next().unwrap().to_owned())
            .collect()
    };
    let open = gaps(&protocol);
    assert!(open.iter().any(|id| id == "17") && open.iter().any(|id| id == "7"), "{open:?}");
    for id in &open {
        let mut stated = protocol.clone();
        let said = format!("Stated for item {id} in so many words.");
        stated.plan.push(PlanStatement {
            item: id.clone(),
            endpoint: None,
            text: said.clone(),
            source: None,
            assumed: Vec::new(),
        });
        assert!(document::plan(&stated, &Options::default()).contains(&said), "{id}");
        let left: Vec<String> = open.iter().filter(|other| *other != id).cloned().collect();
        assert_eq!(gaps(&stated), left, "{id}");
    }
    let answered = ITEMS.len() - open.len();
    assert!(answered > 25, "{answered}");
}

/// Where every item has a statement, each stands in the plan.
#[test]
fn no_statement_is_left_out() {
    let mut protocol = protocol(AVATAR);
    let statement = |item: &str, endpoint: Option<&str>| PlanStatement {
        item: item.into(),
        endpoint: endpoint.map(str::to_owned),
        text: format!("Stated of {item} {endpoint:?}."),
        source: None,
        assumed: Vec::new(),
    };
    protocol.plan = ITEMS.iter().map(|asked| statement(asked.id, None)).collect();
    for attribute in trial::plan::ATTRIBUTES {
        protocol
            .plan
            .extend(protocol.endpoints.iter().map(|endpoint| statement(attribute, Some(&endpoint.id))));
    }
    let html = text(&document::plan(&protocol, &Options::default())).replace("&quot;", "\"");
    for one in &protocol.plan {
        assert_eq!(html.matches(&one.text).count(), 1, "{}", one.text);
    }
}

fn event(seq: u64, who: &str, role: Role, recorded: &str, what: &Value) -> Entered {
    let event = Event {
        who: who.into(),
        role,
        recorded: recorded.parse().unwrap(),
        site: Some("01".into()),
        subject: Some("01-001".into()),
        what: serde_json::from_value(what.clone()).unwrap(),
    };
    Entered { seq, event }
}

/// A subject with a correction, a signature that it voids and one that stands, a query, rows, and what is missing.
fn filled() -> String {
    let Checked { protocol, source } = check(AVATAR).unwrap();
    let history = ProtocolHistory::new(1, Checked { protocol, source });
    let lesion = |id: &str, mm: u32| json!({ "TULNKID": id, "TUORRES": "TARGET", "TULOC": "LIVER", "DIAMETER": mm, "OPD": "Y", "AMENABLE": "Y", "PRIORRT": "N" });
    let steps = [
        ("anna", Role::SiteCoordinator, json!({ "kind": "subject_screened" })),
        (
            "anna",
            Role::SiteCoordinator,
            json!({ "kind": "form_saved", "form": "demography", "visit": "SCREENING", "values": { "BRTHYY": 1961, "SEX": "F" } }),
        ),
        (
            "ben",
            Role::Investigator,
            json!({ "kind": "form_signed", "form": "demography", "visit": "SCREENING", "meaning": "I have reviewed these data" }),
        ),
        (
            "mia",
            Role::Monitor,
            json!({ "kind": "query_raised", "query": "Q1", "about": { "form": "demography", "visit": "SCREENING" }, "item": "BRTHYY", "text": "Source says 1962?" }),
        ),
        (
            "anna",
            Role::SiteCoordinator,
            json!({ "kind": "form_corrected", "form": "demography", "visit": "SCREENING", "corrects": 3, "reason": "Typing <error>", "values": { "BRTHYY": 1962, "SEX": "F" } }),
        ),
        (
            "anna",
            Role::SiteCoordinator,
            json!({ "kind": "query_answered", "query": "Q1", "text": "Corrected." }),
        ),
        ("mia", Role::Monitor, json!({ "kind": "query_closed", "query": "Q1" })),
        ("mia", Role::Monitor, json!({ "kind": "verified", "form": "demography", "visit": "SCREENING" })),
        (
            "anna",
            Role::SiteCoordinator,
            json!({ "kind": "form_saved", "form": "tumour", "visit": "SCREENING", "values": { "TRDAT": "2026-01-05", "LESIONS": [lesion("T01", 23), lesion("T02", 11)], "ODD": "left" } }),
        ),
        (
            "anna",
            Role::SiteCoordinator,
            json!({ "kind": "form_saved", "form": "ecog", "visit": "SCREENING", "values": { "QSDAT": "2026-01-05" } }),
        ),
    ];
    let events: Vec<Entered> = steps
        .iter()
        .zip(2..)
        .map(|((who, role, what), seq)| {
            event(seq, who, *role, &format!("2026-01-{:02}T08:30:00Z", seq + 3), what)
        })
        .collect();
    let subject = SubjectId::from("01-001");
    let record = Record::fold(&history, &subject, &events);
    let seen = Seen {
        source: "ledger test",
        head: Some("00ff00ff00ff00ff00ff"),
        as_of: None,
        today: "2026-03-01".parse().unwrap(),
        simulated: true,
    };
    document::completed(&history, &record, &events, &seen)
}

#[test]
fn a_subjects_forms_as_filled() {
    let html = filled();
    sound(&html);
    assert_snapshot!("completed", plain(&html));
}

/// What an auditor asks of a value: who, when, what stood before, why, and whether a signature still stands.
#[rstest]
#[case("anna (site coordinator), 2026-01-06 08:30:00 UTC, event 3")]
#[case("1961 | 1962 | Typing &lt;error&gt; | anna (site coordinator)")]
#[case(
    "I have reviewed these data | ben (investigator), 2026-01-07 08:30:00 UTC, event 4 | no: the form was corrected after it"
)]
#[case("agrees with its source | mia (monitor), 2026-01-12 08:30:00 UTC, event 9 | yes")]
#[case("Source says 1962?")]
#[case("■ F □ M")]
#[case("Also stands in it, though the form has no such item: ODD")]
#[case("ECOG performance status |missing |")]
#[case("SIMULATED DATA")]
fn an_auditor_finds(#[case] want: &str) {
    let html = filled().replace("</td>", " |</td>").replace("</th>", " |</th>");
    let squeeze = |text: &str| {
        text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" |", "|").replace("| ", "|")
    };
    let said = squeeze(&text(&html));
    assert!(said.contains(&squeeze(want)), "{want}\n{said}");
}

/// A text of any kind, markup and controls among it.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-zA-Z ]{1,20}", "[<>&\"'\\]\\[{}\\\\#$@*_~` -]{1,12}", "\\PC{1,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever the texts, numbers and codes of a file are, its documents are sound, and no text becomes markup.
    #[test]
    fn any_texts_make_sound_documents(
        texts in proptest::collection::vec(any_text(), 12),
        days in proptest::collection::vec(-4000_i64..4000, 3),
        codes in proptest::collection::vec(any_text(), 0..4),
        limits in (any::<f64>(), any::<f64>()),
        drop in 0_usize..6,
    ) {
        let mut protocol = protocol(STOP);
        protocol.trial.id = texts[0].clone();
        protocol.trial.title = texts[1].clone();
        protocol.trial.objective = Some(texts[2].clone());
        protocol.arms[0].description = texts[3].clone();
        protocol.endpoints[0].label = texts[4].clone();
        protocol.endpoints[0].id = texts[5].clone();
        protocol.forms[0].label = texts[6].clone();
        protocol.forms[1].items[0].label = texts[7].clone();
        protocol.forms[1].items[0].unit = Some(texts[8].clone());
        protocol.forms[1].items[1].codes = codes;
        (protocol.forms[1].items[0].min, protocol.forms[1].items[0].max) = (Some(limits.0), Some(limits.1));
        for (visit, day) in protocol.schedule.visits.iter_mut().zip(&days) {
            visit.day = *day;
            visit.label = texts[9].clone();
        }
        protocol.plan.push(PlanStatement { item: "17".into(), endpoint: None, text: texts[10].clone(), source: None, assumed: Vec::new() });
        match drop {
            0 => protocol.analyses.clear(),
            1 => protocol.schedule.visits.clear(),
            2 => protocol.eligibility.clear(),
            3 => protocol.forms.truncate(3),
            4 => protocol.stratification.clear(),
            _ => protocol.trial.population = None,
        }
        for (_, html) in all(&protocol, &Options { restricted: true, annotated: true }) {
            sound_but_texts(&html);
        }
    }
}

/// As `sound`, where the texts themselves may hold any word.
fn sound_but_texts(html: &str) {
    let ids = attributes(html, "id");
    let known: HashSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), known.len(), "an id stands twice: {ids:?}");
    assert!(!html.contains("<script"));
    assert_eq!(html.matches("<table").count(), html.matches("<caption").count());
    assert_eq!(html.matches("<table").count(), html.matches("</table>").count());
}

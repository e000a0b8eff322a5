//! What a reader sees, of a trial small enough to read here.

mod fixture;

use std::fmt::Write;

use insta::{assert_snapshot, with_settings};

/// One element a line.
fn broken(svg: &str) -> String {
    svg.replace("><", ">\n<")
}

#[test]
fn figures() {
    // One figure a kind: the curves of the other endpoints are drawn the same way.
    let figures = report::figures(&fixture::trial(5, 2, 4));
    for (name, svg) in figures.into_iter().filter(|(name, _)| {
        let of_analysis = ["km-", "hazards-", "incidence-"].iter().find(|kind| name.starts_with(**kind));
        of_analysis.is_none_or(|kind| name.starts_with(&format!("{kind}TSF")))
    }) {
        let style = &svg[svg.find("<style>").unwrap()..svg.find("</style>").unwrap()];
        with_settings!({ snapshot_suffix => name.clone() }, {
            assert_snapshot!("figure", broken(&svg.replace(style, "<style>")));
        });
    }
}

#[test]
fn tables() {
    let results = fixture::trial(3, 2, 4);
    let mut text = String::new();
    for (name, content) in report::csv_files(&results) {
        let rows = content.lines().count();
        writeln!(text, "== {name} ({} rows)", rows - 1).unwrap();
        for line in content.lines().take(7) {
            writeln!(text, "{line}").unwrap();
        }
    }
    assert_snapshot!("tables", text);
}

#[test]
fn summaries() {
    let mut text = String::new();
    for results in
        [fixture::trial(74, 2, 1), fixture::trial(90, 3, 1), fixture::trial(1, 2, 1), fixture::empty()]
    {
        text.push_str(&report::summary(&results));
        text.push('\n');
    }
    assert_snapshot!("summaries", text);
}

/// The page as plain text: a line for each row and paragraph.
#[test]
fn page() {
    let mut results = fixture::trial(2, 2, 4);
    results.traces.iter_mut().for_each(|trace| trace.sources.truncate(2));
    let html = report::html(&results).replace(env!("CARGO_PKG_VERSION"), "[version]");
    let main = &html[html.find("<header").unwrap()..html.find("<script>").unwrap()];
    let mut text = String::new();
    let mut hidden = 0_usize;
    for part in main.split('<').skip(1) {
        let (tag, after) = part.split_once('>').unwrap();
        let name = tag.split(' ').next().unwrap();
        match name {
            "svg" => hidden += 1,
            "/svg" => hidden -= 1,
            "/td" | "/th" | "/dt" => text.push_str(" | "),
            "/tr" | "/p" | "/li" | "/h1" | "/h2" | "/h3" | "/h4" | "/caption" | "/summary" | "/dd" | "br"
            | "/figure" => {
                text.push('\n');
            }
            _ => {}
        }
        if hidden == 0 {
            text.push_str(after);
        }
    }
    let lines: Vec<String> = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|l| !l.is_empty())
        .collect();
    assert_snapshot!("page", lines.join("\n"));
}

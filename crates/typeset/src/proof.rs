//! Whatever the HTML: it is set with every word that it has, or refused with a reason.
//!
//! Never checks looks; those are looked at. Words are read from the pages as they are set.

use proptest::prelude::*;
use rstest::rstest;

use crate::{Drawing, Fault, Page, desk, prose};

fn page<'a>(html: &'a str, drawings: &'a [Drawing]) -> Page<'a> {
    Page {
        html,
        drawings,
        left_out: &[".screen", "details.list"],
        title: "A title",
        author: "Somebody",
        mark: Some("SIMULATED DATA"),
        head: "TRIAL 1",
        foot: "data cut 2027-01-31",
        made: None,
    }
}

fn words(html: &str) -> Result<Vec<String>, Fault> {
    let page = page(html, &[]);
    desk::words(&page, &prose::markup(&page)?)
}

/// Without blanks, of which the typesetter has its own idea.
fn dense(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[rstest]
#[case::code("#import \"x\": *; #panic() #{1} $x^2$ `raw` ```")]
#[case::markup("= Heading == *strong* _emph_ - list + enum / term: x ~ -- --- ... 'q' \"q\"")]
#[case::comments("// not a comment /* nor this */ http://example.org/a_b")]
#[case::labels("<label> @reference \\ \\u{41} \\\\ [content] (a, b) {c}")]
#[case::entities("&amp; &lt;b&gt; ]]> <!-- x -->")]
fn what_typst_would_read_as_its_own_is_set_as_words(#[case] text: &str) {
    let html = format!(
        "<main><h2>{0}</h2><p>{0}</p><ul><li>{0}</li></ul><table><caption>{0}</caption><tr><td>{0}</td></tr></table><code>{0}</code></main>",
        escaped(text)
    );
    let set = dense(&words(&html).unwrap().concat());
    assert_eq!(set.matches(&dense(text)).count(), 6, "{set}");
}

#[test]
fn every_page_has_its_mark_head_foot_and_number() {
    let rows: Vec<String> = (0..300)
        .map(|row| format!("<tr><th scope=row>Row {row}</th><td class=num>{}</td></tr>", row * 7))
        .collect();
    let rows = rows.concat();
    let html = format!(
        "<main><h2>One</h2><table><caption>Long</caption><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>{rows}</tbody></table></main>"
    );
    let pages = words(&html).unwrap();
    assert!(pages.len() > 3);
    for (i, page) in pages.iter().enumerate() {
        for said in [
            "SIMULATED DATA",
            "TRIAL 1",
            "data cut 2027-01-31",
            "Name",
            &format!("{} of {}", i + 1, pages.len()),
        ] {
            assert!(dense(page).contains(&dense(said)), "page {} lacks {said}: {page}", i + 1);
        }
    }
    let all = dense(&pages.concat());
    assert!((0..300).all(|row| all.contains(&format!("Row{row}"))));
}

#[rstest]
#[case::input("<main><p><input value='dose'></p></main>", "input")]
#[case::unknown("<main><blink>x</blink></main>", "blink")]
#[case::loose_drawing("<main><svg></svg></main>", "svg")]
fn what_cannot_be_set_is_refused_by_name(#[case] html: &str, #[case] name: &str) {
    assert_eq!(page(html, &[]).pdf(), Err(Fault::Element(name.into())));
}

#[test]
fn what_is_left_out_is_left_out_wherever_it_stands() {
    let set = words(
        "<main><p>kept<span class=screen>gone</span></p><details class=list><summary>gone</summary></details><details><summary>kept2</summary></details></main>",
    );
    let set = set.unwrap().concat();
    assert!(set.contains("kept") && set.contains("kept2") && !set.contains("gone"), "{set}");
    assert_eq!(page("", &[]).pdf().map(|pdf| pdf.is_empty()), Ok(false));
    let wrong = Page { left_out: &["p["], ..page("<main></main>", &[]) };
    assert_eq!(wrong.pdf(), Err(Fault::Selector("p[".into())));
    let nameless = page("<main><figure id='fig-x'></figure></main>", &[]);
    assert_eq!(nameless.pdf(), Err(Fault::Figure("fig-x".into())));
}

#[test]
fn a_letter_that_the_fonts_lack_is_spelt_everywhere() {
    let svg = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 50"><text x="5" y="20" font-family="Arial">東京</text></svg>"#;
    let drawings = [Drawing { id: "fig-a".into(), svg: svg.into(), alt: "東京".into() }];
    let html = "<main><h2>東京</h2><figure id='fig-a'><figcaption>東京</figcaption></figure></main>";
    let page = page(html, &drawings);
    assert!(page.pdf().is_ok());
    let set = desk::words(&page, &prose::markup(&page).unwrap()).unwrap().concat();
    assert_eq!(set.matches("[U+6771][U+4EAC]").count(), 2, "{set}");
    assert!(drawings[0].pdf("a figure", "us").is_ok());
    assert_eq!(&drawings[0].png().unwrap()[1..4], b"PNG");
}

#[test]
fn the_same_page_is_the_same_file() {
    let html = "<main><header><h1>T</h1></header><h2 id=a>A</h2><p>See <a href='#b'>B</a>.</p><h3 id=b>B</h3><p>b</p></main>";
    assert_eq!(page(html, &[]).pdf(), page(html, &[]).pdf());
}

#[test]
fn a_link_leads_to_what_is_on_paper_and_is_words_where_that_is_not() {
    let html = "<main><h2 id=top>Top</h2><p><a href='#row'>down</a> <a href='#gone'>nowhere</a> <a href='#top'>up</a></p>
        <table><caption>T</caption><thead><tr><th id=in-head>H</th></tr></thead><tbody id=body><tr id=row><td>x</td></tr></tbody></table></main>";
    let markup = prose::markup(&page(html, &[])).unwrap();
    assert_eq!(markup.matches("#link(label(").count(), 2, "{markup}");
    assert!(page(html, &[]).pdf().is_ok());
}

/// A text with a word of its own that can be looked for: letters that typst, XML and HTML care about, and any other.
fn said() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z#$*_`~<>@=/+\\\\\\-\"'\\[\\](){}&;:.,0-9]{1,12}( [a-z#$*_`<>@=/\\\\\"'\\[\\](){}&;0-9]{1,9}){0,4}",
        "\\PC{1,10}",
        "[A-Za-z0-9]{20,90}",
    ]
}

const CONTAINERS: [&str; 18] = [
    "div",
    "section",
    "p",
    "span",
    "strong",
    "em",
    "small",
    "sup",
    "code",
    "a",
    "ul",
    "details",
    "summary",
    "h2",
    "h3",
    "h4",
    "blockquote",
    "pre",
];
const CLASSES: [&str; 12] =
    ["", "num", "nb", "date", "level", "first", "note", "any", "arm", "sub", "empty", "zero"];

fn element() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![8 => said().prop_map(|text| escaped(&text)), 1 => Just("<br>".to_owned()), 1 => Just("<wbr>".to_owned())];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..4).prop_map(|parts| parts.join(" "));
        let cell = (inner, 0..CLASSES.len(), 0..4_usize, 0..4_usize).prop_map(|(said, class, across, down)| {
            format!("<td class='{}' colspan={across} rowspan={down}>{said}</td>", CLASSES[class])
        });
        let row = prop::collection::vec(cell, 0..5).prop_map(|cells| format!("<tr>{}</tr>", cells.concat()));
        let rows = prop::collection::vec(row, 0..4).prop_map(|rows| rows.concat());
        prop_oneof![
            4 => (0..CONTAINERS.len(), 0..CLASSES.len(), "[a-c]", many.clone()).prop_map(|(name, class, id, said)| {
                let name = CONTAINERS[name];
                let item = if name == "ul" { format!("<li>{said}</li>") } else { said };
                format!("<{name} class='{}' id='{id}' href='#{id}'>{item}</{name}>", CLASSES[class])
            }),
            3 => (rows.clone(), rows.clone(), rows, many.clone()).prop_map(|(head, body, foot, caption)| format!(
                "<table><caption>{caption}</caption><thead>{head}</thead><tbody>{body}</tbody><tfoot>{foot}</tfoot></table>"
            )),
            1 => (many.clone(), many).prop_map(|(term, said)| format!("<dl><dt>{term}</dt><dd>{said}</dd></dl>")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    /// What a browser would show of a page, each word of it, is on the pages; or the page is refused for an element it holds.
    #[test]
    fn every_word_is_set_or_the_page_is_refused(parts in prop::collection::vec(element(), 1..5)) {
        let html = format!("<main>{}</main>", parts.concat());
        let page = page(&html, &[]);
        match page.pdf() {
            Ok(pdf) => {
                prop_assert!(pdf.starts_with(b"%PDF-1.7"));
                let set = dense(&words(&html).unwrap().concat());
                for node in scraper::Html::parse_document(&html).root_element().text() {
                    for word in crate::letters::words(node).split_whitespace() {
                        // Marks join their letter and Hebrew runs leftwards: of such words, each letter.
                        let plain = word.chars().all(|letter| letter < '\u{250}');
                        let there = if plain { set.contains(word) } else { dense(word).chars().all(|letter| set.contains(letter)) };
                        prop_assert!(there, "{word:?} is not in {set:?}");
                    }
                }
            }
            Err(Fault::Element(_) | Fault::Width { .. } | Fault::Nested(_)) => {}
            Err(fault) => prop_assert!(false, "{fault}"),
        }
    }
}

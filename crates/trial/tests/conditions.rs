//! Conditions with three values, held against Kleene's tables (Introduction to Metamathematics, 1952, section 64) and the
//! rules of `trial.md`: unknown is reported with what is missing, and is never taken for true.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use trial::condition::{Condition, Facts, Kind, Verdict};

/// `name=value` pairs, the values in JSON.
fn facts(text: &str) -> Facts {
    let mut facts = Facts::new();
    for pair in text.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap();
        facts.insert(name.trim(), serde_json::from_str(value).unwrap());
    }
    facts
}

fn unknown(missing: &[&str]) -> Verdict {
    Verdict::Unknown { missing: missing.iter().map(|name| (*name).to_owned()).collect() }
}

fn evaluate(condition: &str, given: &str) -> Verdict {
    Condition::parse(condition).unwrap_or_else(|wrong| panic!("{condition}: {wrong}")).evaluate(&facts(given))
}

/// T, F or U (with the name it waits for) as a condition.
fn letter(letter: char, name: &str) -> String {
    match letter {
        'T' => "true".into(),
        'F' => "false".into(),
        _ => name.into(),
    }
}

fn shown(verdict: &Verdict) -> char {
    match verdict {
        Verdict::True => 'T',
        Verdict::False => 'F',
        Verdict::Unknown { .. } => 'U',
    }
}

// Kleene 1952, section 64: the strong tables.
#[rstest]
#[case('T', 'T', 'T', 'T')]
#[case('T', 'F', 'F', 'T')]
#[case('T', 'U', 'U', 'T')]
#[case('F', 'T', 'F', 'T')]
#[case('F', 'F', 'F', 'F')]
#[case('F', 'U', 'F', 'U')]
#[case('U', 'T', 'U', 'T')]
#[case('U', 'F', 'F', 'U')]
#[case('U', 'U', 'U', 'U')]
fn kleene(#[case] a: char, #[case] b: char, #[case] and: char, #[case] or: char) {
    let (p, q) = (letter(a, "p"), letter(b, "q"));
    assert_eq!(shown(&evaluate(&format!("{p} && {q}"), "")), and, "{a} && {b}");
    assert_eq!(shown(&evaluate(&format!("{p} || {q}"), "")), or, "{a} || {b}");
    // The same by name, where both are known or missing.
    let given: Vec<String> = [("p", a), ("q", b)]
        .iter()
        .filter(|(_, letter)| *letter != 'U')
        .map(|(name, letter)| format!("{name}={}", *letter == 'T'))
        .collect();
    assert_eq!(shown(&evaluate("p && q", &given.join(";"))), and);
    assert_eq!(shown(&evaluate("p || q", &given.join(";"))), or);
}

#[rstest]
#[case("!true", 'F')]
#[case("!false", 'T')]
#[case("!p", 'U')]
#[case("!!p", 'U')]
#[case("true ? p : false", 'U')]
#[case("false ? p : true", 'T')]
#[case("p ? true : true", 'T')]
#[case("p ? false : false", 'F')]
#[case("p ? true : false", 'U')]
#[case("p ? q : true", 'U')]
#[case("(1 < 2) == true", 'T')]
#[case("(1 < 2) != (2 < 1)", 'T')]
#[case("p == (1 < 2)", 'U')]
fn not_if_and_same(#[case] condition: &str, #[case] want: char) {
    assert_eq!(shown(&evaluate(condition, "")), want, "{condition}");
}

#[rstest]
#[case("a && b", "", &["a", "b"])]
#[case("a && b", "b=true", &["a"])]
#[case("a.X <= 2 || b.Y", "b.Y=false", &["a.X"])]
#[case("a ? b : c", "", &["a", "b", "c"])]
#[case("a ? b : c", "a=true", &["b"])]
#[case("(a && false) || b", "", &["b"])]
#[case("a || (b && false)", "", &["a"])]
#[case("a + b > 2", "b=1", &["a"])]
#[case("days(a, b) >= 5", "b=\"2026-01-01\"", &["a"])]
#[case("x in [\"A\", \"B\"]", "", &["x"])]
#[case("a > 1 && a < 3", "", &["a"])]
fn names_what_is_missing(#[case] condition: &str, #[case] given: &str, #[case] missing: &[&str]) {
    assert_eq!(evaluate(condition, given), unknown(missing));
}

#[rstest]
// Whole numbers and decimals mix, however JSON wrote them.
#[case("ecog.ECOG <= 2", "ecog.ECOG=1", 'T')]
#[case("ecog.ECOG <= 2", "ecog.ECOG=1.0", 'T')]
#[case("ecog.ECOG <= 2", "ecog.ECOG=2.5", 'F')]
#[case("ecog.ECOG <= 2.5", "ecog.ECOG=2", 'T')]
#[case("ecog.ECOG == 2", "ecog.ECOG=2.0", 'T')]
#[case("ecog.ECOG in [0, 1, 2]", "ecog.ECOG=2.0", 'T')]
#[case("ecog.ECOG in [0, 1, 2]", "ecog.ECOG=3", 'F')]
#[case("A * 2 + 1 > 7", "A=3.5", 'T')]
#[case("5 / 2 == 2.5", "", 'T')]
#[case("-A < 0", "A=3", 'T')]
#[case("A - B >= 5", "A=12;B=7.5", 'F')]
// Texts and codes.
#[case("x.S == \"POSITIVE\"", "x.S=\"POSITIVE\"", 'T')]
#[case("x.S != \"POSITIVE\"", "x.S=\"NEGATIVE\"", 'T')]
#[case("x.S in [\"AI\", \"SERD\"]", "x.S=\"SERM\"", 'F')]
#[case("x.S.startsWith(\"BON\")", "x.S=\"BONE\"", 'T')]
#[case("x.S.contains(\"NODE\") || size(x.S) > 10", "x.S=\"LYMPH NODE\"", 'T')]
#[case("size(x.S) + 1 == 5", "x.S=\"BONE\"", 'T')]
// Y and N stand for truths.
#[case("x.Q", "x.Q=\"Y\"", 'T')]
#[case("!x.Q", "x.Q=\"N\"", 'T')]
#[case("x.Q == true", "x.Q=\"Y\"", 'T')]
#[case("a == b", "a=true;b=true", 'T')]
// A kind that does not compare decides nothing.
#[case("x.S > 2", "x.S=\"BONE\"", 'U')]
#[case("x.S", "x.S=\"MAYBE\"", 'U')]
#[case("A / B > 1", "A=0;B=0", 'U')]
#[case("A", "A=null", 'U')]
fn numbers_and_texts(#[case] condition: &str, #[case] given: &str, #[case] want: char) {
    assert_eq!(shown(&evaluate(condition, given)), want, "{condition} with {given}");
}

// rules.md: partial dates keep their precision. A comparison that is not the same for every day they can mean is unknown.
#[rstest]
#[case("a < b", "2026-05-01", "2026-05-02", 'T')]
#[case("a <= b", "2026-05-02", "2026-05-02", 'T')]
#[case("a == b", "2026-05-02", "2026-05-02", 'T')]
#[case("a < b", "2025-12-31", "2026", 'T')]
#[case("a < b", "2026-05", "2026-06-01", 'T')]
#[case("a < b", "2026-05", "2026-05-31", 'U')]
#[case("a <= b", "2026-05", "2026-05-31", 'T')]
#[case("a <= b", "2026-05", "2026-05-30", 'U')]
#[case("a > b", "2026-05", "2026-05-01", 'U')]
#[case("a >= b", "2026-05", "2026-05-01", 'T')]
#[case("a < b", "2026-05", "2026-05-01", 'F')]
#[case("a == b", "2026-05", "2026-05-01", 'U')]
#[case("a == b", "2026-05", "2026-06-01", 'F')]
#[case("a == b", "2026-05", "2026-05", 'U')]
#[case("a < b", "2026", "2026", 'U')]
#[case("a < b", "2025", "2026", 'T')]
#[case("days(a, b) == 30", "2026-04-01", "2026-05-01", 'T')]
#[case("days(a, b) < 0", "2026-05-01", "2026-04-01", 'T')]
#[case("days(a, b) >= 183", "2026-01", "2026-08-15", 'T')]
#[case("days(a, b) >= 200", "2026-01", "2026-08-15", 'U')]
#[case("days(a, b) >= 300", "2026-01", "2026-08-15", 'F')]
#[case("days(a, b) / 7 >= 4", "2026-01-01", "2026-01-29", 'T')]
#[case("days(a, b) / 7 >= 4", "2026-01", "2026-01-29", 'U')]
#[case("a <= \"2026-06-30\"", "2026-06", "2026", 'T')]
// Four digits may be a code: for equality they are a text.
#[case("a == \"2026\"", "2026", "2026", 'T')]
fn dates(#[case] condition: &str, #[case] a: &str, #[case] b: &str, #[case] want: char) {
    let given = format!("a={};b={}", json!(a), json!(b));
    let verdict = evaluate(condition, &given);
    assert_eq!(shown(&verdict), want, "{condition} with {a} and {b}");
}

#[test]
fn a_partial_date_names_itself_as_missing() {
    assert_eq!(evaluate("a.D < b.D", "a.D=\"2026-05\";b.D=\"2026-05-10\""), unknown(&["a.D", "b.D"]));
}

#[rstest]
#[case("given(a.X)", "", 'F')]
#[case("given(a.X)", "a.X=1", 'T')]
#[case("given(X) || given(Y)", "Y=\"\"", 'T')]
fn given_asks_whether_something_was_given(#[case] condition: &str, #[case] given: &str, #[case] want: char) {
    let parsed = Condition::parse(condition).unwrap();
    assert!(parsed.reads_absence());
    assert_eq!(shown(&parsed.evaluate(&facts(given))), want);
}

#[rstest]
#[case("", "empty")]
#[case("ecog.ECOG <=", "CEL")]
#[case("ecog.ECOG <= 2 &&& true", "CEL")]
#[case("1 + 2", "a truth is asked")]
#[case("\"yes\"", "a truth is asked")]
#[case("[1, 2]", "a truth is asked")]
#[case("[1, 2].exists(x, x > 1)", "lists or maps")]
#[case("size([1, 2]) > 1", "list")]
#[case("x in y", "in` without a list")]
#[case("(a > 1) + 2 > 3", "a truth where a value is asked")]
#[case("(a ? 1 : 2) > 1", "a truth where a value is asked")]
#[case("a % 2 == 0", "not for conditions")]
#[case("matches(a, \"x\")", "not for conditions")]
#[case("day(a, b) > 1", "did you mean `days`")]
#[case("days(a) > 1", "days(from, to)")]
#[case("days(a, \"soon\") > 1", "no date")]
#[case("a == null", "null")]
#[case("has(a.x)", "`given(name)`")]
#[case("given(1)", "no name")]
#[case("a[0] > 1", "not for conditions")]
#[case("startsWith(a)", "startsWith")]
fn refuses(#[case] condition: &str, #[case] why: &str) {
    let wrong = Condition::parse(condition).unwrap_err();
    assert!(wrong.message.contains(why), "{condition}: {wrong}");
}

#[test]
fn says_where_it_is_wrong() {
    let condition = "ecog.ECOG <= 2 && sqrt(x) > 1";
    let wrong = Condition::parse(condition).unwrap_err();
    assert!(
        condition[wrong.at.unwrap()..].starts_with("sqrt") || condition[wrong.at.unwrap()..].starts_with('(')
    );
    let all = Condition::parse_all("sqrt(x) > 1 && log(y) > 1").unwrap_err();
    assert_eq!(all.len(), 2, "{all:?}");
}

#[test]
fn gives_the_names_it_reads() {
    let condition =
        Condition::parse("a.X > 1 && (b.Y in [\"A\", c.Z] || days(d.W, \"2026-01-01\") / 7 > size(e.V))")
            .unwrap();
    let names: Vec<&str> = condition.names().iter().map(String::as_str).collect();
    assert_eq!(names, ["a.X", "b.Y", "c.Z", "d.W", "e.V"]);
}

#[rstest]
#[case("n == \"1\"", "text")]
#[case("t > 2", "do not compare")]
#[case("c == \"C\"", "it is one of A, B")]
#[case("c in [\"A\", \"C\"]", "it is one of A, B")]
#[case("y == \"YES\"", "it is one of Y, N")]
#[case("d <= \"tomorrow\"", "YYYY-MM-DD")]
#[case("d > 3", "do not compare")]
#[case("n", "a truth is asked")]
fn finds_what_never_works(#[case] condition: &str, #[case] why: &str) {
    let kind = |name: &str| match name {
        "n" => Some(Kind::Number),
        "t" => Some(Kind::Text),
        "d" => Some(Kind::Date),
        "y" => Some(Kind::YesNo),
        "c" => Some(Kind::Code(vec!["A".into(), "B".into()])),
        _ => None,
    };
    let found = Condition::parse(condition).unwrap().mismatches(&kind);
    assert!(found.iter().any(|wrong| wrong.message.contains(why)), "{condition}: {found:?}");
    for fine in [
        "n > 1",
        "t == \"x\"",
        "c == \"A\"",
        "y",
        "y == \"N\"",
        "d <= \"2026-01\"",
        "d < other",
        "days(d, d) > 1",
    ] {
        assert_eq!(Condition::parse(fine).unwrap().mismatches(&kind), [], "{fine}");
    }
}

#[test]
fn a_long_or_deep_text_is_refused_and_ends_nothing() {
    assert!(Condition::parse(&"a".repeat(3_000)).is_err());
    assert!(Condition::parse(&format!("{}true{}", "(".repeat(900), ")".repeat(900))).is_err());
    assert!(Condition::parse(&"!".repeat(1_500)).is_err());
    let _ = Condition::parse(&format!("{}true", "!".repeat(1_900)));
    let _ = Condition::parse(&vec!["a"; 300].join(" && "));
    let _ = Condition::parse(&vec!["1"; 600].join(" - "));
}

/// Conditions over p, q, r (truths), m, n (numbers) and d, e (dates), without `given`.
fn conditions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[pqr]",
        Just("true".to_owned()),
        Just("false".to_owned()),
        ("[mn]", prop_oneof!["<", "<=", "==", "!=", ">", ">="], -2i64..3)
            .prop_map(|(a, op, n)| format!("{a} {op} {n}")),
        ("[mn]", prop_oneof!["[mn]"], -3i64..4).prop_map(|(a, b, n)| format!("{a} * 2 - {b} < {n}")),
        ("[de]", prop_oneof!["<", "<=", "==", ">"], "[de]").prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        ("[de]", "[de]", -40i64..40).prop_map(|(a, b, n)| format!("days({a}, {b}) >= {n}")),
        ("[mn]", proptest::collection::vec(-2i64..3, 1..4)).prop_map(|(a, list)| format!("{a} in {list:?}")),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) || ({b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a}) ? ({b}) : ({c})")),
        ]
    })
}

/// Values for all seven names.
fn all_facts() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let truth = proptest::bool::ANY;
    let number = -2i64..3;
    let date = prop_oneof![
        (1i8..=12, 1i8..=28).prop_map(|(m, d)| format!("2026-{m:02}-{d:02}")),
        (1i8..=12).prop_map(|m| format!("2026-{m:02}")),
        Just("2026".to_owned()),
    ];
    ([truth; 3], [number.clone(), number], [date.clone(), date]).prop_map(|(t, n, d)| {
        vec![
            ("p", json!(t[0])),
            ("q", json!(t[1])),
            ("r", json!(t[2])),
            ("m", json!(n[0])),
            ("n", json!(n[1] as f64)),
            ("d", json!(d[0])),
            ("e", json!(d[1])),
        ]
    })
}

fn some_of(all: &[(&'static str, Value)], mask: u8) -> Facts {
    let mut facts = Facts::new();
    for (at, (name, value)) in all.iter().enumerate().filter(|(at, _)| mask & (1 << at) != 0) {
        let _ = at;
        facts.insert(name, value.clone());
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn parsing_never_panics(text in "\\PC{0,40}") {
        let _ = Condition::parse(&text);
    }

    #[test]
    fn parsing_what_looks_like_cel_never_panics(text in "[a-c0-9 .()!&|?:<>=+*/%\"',\\[\\]-]{0,40}") {
        if let Ok(condition) = Condition::parse(&text) {
            let _ = condition.evaluate(&facts("a=1;b=true;c=\"2026-05\""));
            prop_assert_eq!(condition.as_str(), text);
        }
    }

    #[test]
    fn evaluating_never_panics(condition in conditions(), name in "[pqrmnde]", value in prop_oneof![
        Just(json!(null)), Just(json!([1])), Just(json!({"a": 1})), Just(json!(1e308)), Just(json!(-1e308)),
        Just(json!("")), Just(json!("0000-01-01")), Just(json!("9999-12-31")), any::<i64>().prop_map(|n| json!(n)),
    ]) {
        let mut facts = facts("p=true;m=1;n=2;d=\"2026-01\";e=\"2026-05-05\"");
        facts.insert(&name, value);
        let _ = Condition::parse(&condition).unwrap().evaluate(&facts);
    }

    #[test]
    fn de_morgan(a in conditions(), b in conditions(), all in all_facts(), mask: u8) {
        let facts = some_of(&all, mask);
        let value = |text: String| Condition::parse(&text).unwrap().evaluate(&facts);
        prop_assert_eq!(value(format!("!(({a}) && ({b}))")), value(format!("!({a}) || !({b})")));
        prop_assert_eq!(value(format!("!(({a}) || ({b}))")), value(format!("!({a}) && !({b})")));
    }

    /// What is decided stays decided, whatever else becomes known; and what is unknown says what is missing.
    #[test]
    fn unknown_is_monotone(condition in conditions(), all in all_facts(), mask: u8, more: u8) {
        let condition = Condition::parse(&condition).unwrap();
        let before = condition.evaluate(&some_of(&all, mask));
        let after = condition.evaluate(&some_of(&all, mask | more));
        match before {
            Verdict::Unknown { missing } => {
                prop_assert!(!missing.is_empty());
                prop_assert!(missing.iter().all(|name| condition.names().contains(name)));
            }
            decided => prop_assert_eq!(decided, after),
        }
    }

    /// A partial date decides only what every day it can mean decides alike.
    #[test]
    fn a_partial_date_decides_as_all_its_days_do(condition in conditions(), all in all_facts(), day in 0i64..366) {
        let condition = Condition::parse(&condition).unwrap();
        let before = condition.evaluate(&some_of(&all, 0xff));
        let mut whole = all.clone();
        for (_, value) in &mut whole {
            if let Some(date) = value.as_str() {
                let date = trial::date::PartialDate::parse(date).unwrap();
                let span = trial::date::days_between(date.first(), date.last()) + 1;
                *value = json!(trial::date::plus_days(date.first(), day % span).to_string());
            }
        }
        if !matches!(before, Verdict::Unknown { .. }) {
            prop_assert_eq!(before, condition.evaluate(&some_of(&whole, 0xff)));
        }
    }
}

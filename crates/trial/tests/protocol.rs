//! Protocol files: what is refused, with which words and where; the schema; what an amendment changes.
//!
//! The wrong file in `data/wrong.toml` breaks a rule in nearly every table, and its faults are a snapshot: all of them at
//! once, each with its place, what was found and what would be right.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use rstest::rstest;
use trial::protocol::{Checked, Fault, check, diff, schema};

const AVATAR: &str = include_str!("../../../protocols/avatar-ii.toml");
const STOP: &str = include_str!("../../../protocols/stop.toml");
const WRONG: &str = include_str!("data/wrong.toml");
const BROKEN: &str = include_str!("data/broken.toml");

fn shown(source: &str, faults: &[Fault]) -> String {
    let line = |fault: &Fault| {
        let at = &source[fault.span.clone()];
        let at: String = at.lines().next().unwrap_or_default().chars().take(40).collect();
        format!(
            "{}:{} {} `{at}`\n    found {}\n    {}\n",
            fault.line, fault.column, fault.path, fault.found, fault.right
        )
    };
    faults.iter().map(line).collect()
}

fn faults(source: &str) -> Vec<Fault> {
    check(source).err().unwrap_or_default()
}

fn accepted(source: &str) -> Checked {
    check(source).unwrap_or_else(|faults| panic!("{}", shown(source, &faults)))
}

#[rstest]
#[case(AVATAR, "AVATAR II", "NCT06882499", 74)]
#[case(STOP, "STOP", "NCT02756793", 90)]
fn shipped_files_have_no_fault(
    #[case] source: &str,
    #[case] id: &str,
    #[case] registry: &str,
    #[case] participants: u32,
) {
    let Checked { protocol, source: kept } = accepted(source);
    assert_eq!(protocol.trial.id, id);
    assert_eq!(protocol.trial.registry.as_deref(), Some(registry));
    assert_eq!(protocol.trial.participants, participants);
    assert_eq!(kept, source);
}

#[rstest]
#[case(AVATAR)]
#[case(STOP)]
fn the_schema_accepts_what_the_check_accepts(#[case] source: &str) {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let value: serde_json::Value = toml::from_str(source).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_has_a_wrong_shape() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let value: serde_json::Value = toml::from_str(WRONG).unwrap();
    let count = validator.iter_errors(&value).count();
    assert!(count > 5, "{count}");
}

#[test]
fn the_schema_describes_every_key() {
    fn look(schema: &serde_json::Value, path: &str, bare: &mut Vec<String>) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            if property.get("description").is_none() && property.get("$ref").is_none() {
                bare.push(format!("{path}.{key}"));
            }
            assert!(!property.to_string().contains("null"), "{path}.{key}: TOML has no null");
        }
        for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
            look(definition, name, bare);
        }
    }
    let mut bare = Vec::new();
    look(&schema(), "", &mut bare);
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn a_really_wrong_file_is_told_all_of_it() {
    insta::assert_snapshot!(shown(WRONG, &faults(WRONG)));
}

#[test]
fn syntax_errors_are_told_all_at_once() {
    insta::assert_snapshot!(shown(BROKEN, &faults(BROKEN)));
}

/// The AVATAR II file with `from`, which must stand in it, made into `to`.
fn with(from: &str, to: &str) -> String {
    assert!(AVATAR.contains(from), "{from} does not stand in the file");
    AVATAR.replacen(from, to, 1)
}

// Each single change makes exactly the faults it should, at the path it should.
#[rstest]
#[case("participants = 74", "participants = \"many\"", "trial.participants", "write a whole number")]
#[case("participants = 74", "participants = 7.5", "trial.participants", "write a whole number")]
#[case("participants = 74", "participants = 70", "trial.sample_size.events", "at most 63 events")]
#[case("participants = 74", "participants = -3", "trial.participants", "0 or more")]
#[case("planned_start = \"2025-05\"", "planned_start = \"May 2025\"", "trial.planned_start", "YYYY-MM-DD")]
#[case("planned_start = \"2025-05\"", "planned_start = \"2033\"", "trial.planned_end", "planned_start, 2033")]
#[case("planned_start = ", "planed_start = ", "trial.planed_start", "did you mean `planned_start`?")]
#[case("registry = \"NCT06882499\"", "registry = \"\"", "trial.registry", "leave the key out")]
#[case("assumed = [\"sites\"]", "assumed = [\"site\"]", "trial.assumed[0]", "did you mean `sites`?")]
// Schoenfeld 1983: 66 events for a hazard ratio of 0.5, two-sided 5 %, power 80 %, 1:1.
#[case("events = 66", "events = 60", "trial.sample_size.events", "gives 66 events")]
#[case(
    "endpoint = \"TSF\"\nhazard_ratio",
    "endpoint = \"TFS\"\nhazard_ratio",
    "trial.sample_size.endpoint",
    "did you mean `TSF`?"
)]
#[case("hazard_ratio = 0.5", "hazard_ratio = 1.0", "trial.sample_size.hazard_ratio", "no difference")]
#[case("hazard_ratio = 0.5", "hazard_ratio = nan", "trial.sample_size.hazard_ratio", "finite number")]
#[case("id = \"B\"", "id = \"A\"", "arms[1].id", "stands once")]
#[case("control = true\n", "", "arms", "control = true")]
#[case("salvage = \"sabr\"", "salvage = \"sbrt\"", "arms[0].strategy.salvage", "did you mean `sabr`?")]
#[case("within_days = 56", "within_days = 560", "arms[0].strategy.within_days", "365")]
#[case("condition = \"ecog.ECOG <= 2\"", "condition = \"ecog.ECOG =< 2\"", "eligibility[9].condition", "CEL")]
#[case(
    "condition = \"ecog.ECOG <= 2\"",
    "condition = \"egoc.ECOG <= 2\"",
    "eligibility[9].condition",
    "did you mean `ecog`?"
)]
#[case(
    "condition = \"ecog.ECOG <= 2\"",
    "condition = \"ecog.EGOC <= 2\"",
    "eligibility[9].condition",
    "did you mean `ECOG`?"
)]
#[case(
    "condition = \"ecog.ECOG <= 2\"",
    "condition = 'ecog.ECOG <= \"2\"'",
    "eligibility[9].condition",
    "the text \"2\""
)]
#[case(
    "condition = \"ecog.ECOG <= 2\"",
    "condition = \"given(ecog.ECOG)\"",
    "eligibility[9].condition",
    "unknown by itself"
)]
#[case(
    "condition = \"derived.opd_amenable\"",
    "condition = \"derived.opd_amenible\"",
    "eligibility[8].condition",
    "did you mean `opd_amenable`?"
)]
#[case(
    "condition = \"derived.opd_amenable\"",
    "condition = \"tumour.AMENABLE\"",
    "eligibility[8].condition",
    "only derived names"
)]
#[case(
    "history.ERSTAT == \"POSITIVE\"",
    "history.ERSTAT == \"POS\"",
    "eligibility[2].condition",
    "one of POSITIVE, NEGATIVE"
)]
#[case("id = \"I02\"", "id = \"I01\"", "eligibility[1].id", "stands once")]
#[case(
    "kind = \"exclusion\"\ntext = \"Chemo",
    "kind = \"excluded\"\ntext = \"Chemo",
    "eligibility[10].kind",
    "exclusion"
)]
#[case(
    "[[stratification.levels]]\nid = \"no\"\nlabel = \"No\"\ncondition = \"!derived.bone_only\"\n",
    "",
    "stratification[1].levels",
    "2 or more"
)]
#[case("block_sizes = [4, 6]", "block_sizes = [2, 3]", "randomisation.block_sizes[1]", "multiple of 2")]
#[case("block_sizes = [4, 6]", "block_sizes = []", "randomisation.block_sizes", "need sizes")]
#[case("block_sizes = [4, 6]", "block_sizes = [4, 4]", "randomisation.block_sizes[1]", "stands once")]
#[case("method = \"permuted_blocks\"", "method = \"minimisation\"", "randomisation.block_sizes", "no blocks")]
#[case(
    "day = 168\nwindow_before = 7",
    "day = 95\nwindow_before = 7",
    "schedule.visits[2]",
    "may not overlap"
)]
#[case("every_days = 84", "every_days = 14", "schedule.visits[5].every_days", "overlap")]
#[case(
    "forms = [\"ecog\", \"tumour\"]",
    "forms = [\"ecog\", \"tumor\"]",
    "schedule.visits[5].forms[1]",
    "did you mean `tumour`?"
)]
#[case(
    "forms = [\"ecog\", \"tumour\"]",
    "forms = [\"ecog\", \"ae\"]",
    "schedule.visits[5].forms[1]",
    "log form"
)]
#[case("follow_up_months = 36", "follow_up_months = 3600", "schedule.follow_up_months", "600 or less")]
#[case(
    "{ id = \"TRDAT\", label",
    "{ id = \"TRDATE\", label",
    "forms[6].items",
    "tumour_assessment needs it, of type partial_date"
)]
#[case(
    "\"AETOXGR\", label = \"CTCAE v5.0 grade\", type = \"integer\", min = 1, max = 5",
    "\"AETOXGR\", label = \"CTCAE v5.0 grade\", type = \"text\"",
    "forms[10].items[2].type",
    "reads it as integer"
)]
#[case(
    "codes = [\"TARGET\", \"NON-TARGET\", \"NEW\"]",
    "codes = [\"TARGET\", \"NONTARGET\", \"NEW\"]",
    "forms[6].groups[0].items[1].codes[1]",
    "did you mean `NON-TARGET`?"
)]
#[case("key = [\"TULNKID\"]", "key = [\"TULINKID\"]", "forms[6].groups[0].key[0]", "did you mean `TULNKID`?")]
#[case(
    "{ id = \"GP3\", label = \"Physical well-being, item 3\", type = \"integer\", min = 0, max = 4 },",
    "",
    "forms[11].items",
    "37 items"
)]
#[case("min = 0, max = 5, required", "min = 6, max = 5, required", "forms[5].items[1].max", "less than min")]
#[case(
    "type = \"yes_no\", required = true },\n]\n\n[[forms]]\nid = \"demography\"",
    "type = \"yesno\", required = true },\n]\n\n[[forms]]\nid = \"demography\"",
    "forms[0].items[1].type",
    "did you mean `yes_no`?"
)]
#[case("when = 'SEX == \"F\"'", "when = 'SEXX == \"F\"'", "forms[1].items[2].when", "did you mean `SEX`?")]
#[case("when = 'SEX == \"F\"'", "when = 'derived.age > 1'", "forms[1].items[2].when", "a form reads items")]
#[case("id = \"clinprog\"", "id = \"clin-prog\"", "forms[7].id", "letters, digits and _")]
#[case("id = \"clinprog\"", "id = \"in\"", "forms[7].id", "no word of CEL")]
#[case(
    "concept = \"clinical_progression\"\nlog = true",
    "concept = \"clinical_progression\"",
    "forms[7]",
    "log = true"
)]
#[case("concept = \"last_contact\"", "concept = \"death\"", "forms[16].concept", "form `death` has it")]
#[case(
    "[tumour]\n",
    "[tumour]\nmax_targets_per_organ = 6\n",
    "tumour.max_targets_per_organ",
    "max_targets, 5"
)]
#[case("lesion_relative = 0.2", "lesion_relative = 20", "tumour.lesion_relative", "0.2 for 20 %")]
#[case("alpha_beta_tumour = 10.0", "alpha_beta_tumour = 0", "sabr.alpha_beta_tumour", "over 0")]
#[case(
    "{ total_gy = 20.0, fractions = 1 }",
    "{ total_gy = 20.0, fractions = 0 }",
    "sabr.schedules[0].fractions",
    "between 1 and 60"
)]
#[case("role = \"secondary\"", "role = \"primary\"", "endpoints[1].role", "exactly one is primary")]
#[case("events = [\"progression\", \"death\"]", "events = []", "endpoints[1].events", "no event")]
#[case(
    "events = [\"progression\", \"death\"]",
    "events = [\"progression\", \"progression\"]",
    "endpoints[1].events[1]",
    "stands once"
)]
#[case(
    "rules = { censor_after_missed = 2 }",
    "rules = { censor_after_missed = 0 }",
    "analyses[2].rules.censor_after_missed",
    "between 1 and 50"
)]
#[case(
    "id = \"PFS-main\"\nlabel = \"Progression-free survival\"\nendpoint = \"PFS\"",
    "id = \"PFS-main\"\nlabel = \"Progression-free survival\"\nendpoint = \"PSF\"",
    "analyses[6].endpoint",
    "did you mean `PFS`?"
)]
#[case("role = \"main\"", "role = \"sensitivity\"", "endpoints[0]", "role = \"main\"")]
#[case("confidence = 0.95", "confidence = 95", "analyses[0].confidence", "0.999 or less")]
#[case("form = \"factb\"", "form = \"fact\"", "quality_of_life.form", "did you mean `factb`?")]
#[case(
    "weeks = [0, 12, 24, 36, 48]",
    "weeks = [0, 12, 30, 36, 48]",
    "quality_of_life.weeks[2]",
    "no visit with form `factb` is open on day 210"
)]
#[case(
    "weeks = [0, 12, 24, 36, 48]",
    "weeks = [0, 24, 12, 36, 48]",
    "quality_of_life.weeks[2]",
    "weeks rise"
)]
#[case("auc_to_week = 48", "auc_to_week = 52", "quality_of_life.auc_to_week", "is measured")]
#[case(
    "attributed_to = { AERELSYS",
    "attributed_to = { AERELSIS",
    "safety.attributed_to.AERELSIS",
    "did you mean `AERELSYS`?"
)]
#[case("related = [\"POSSIBLE\"", "related = [\"PERHAPS\"", "safety.related[0]", "UNRELATED")]
fn one_change_one_fault(#[case] from: &str, #[case] to: &str, #[case] path: &str, #[case] right: &str) {
    let source = with(from, to);
    let faults = faults(&source);
    let text = |fault: &Fault| format!("{}; {}", fault.found, fault.right);
    assert!(
        faults.iter().any(|fault| fault.path == path && text(fault).contains(right)),
        "{path}: {right}\n{}",
        shown(&source, &faults)
    );
    for fault in &faults {
        let before = &source[..fault.span.start];
        assert_eq!(fault.line, before.matches('\n').count() + 1);
        assert!(source.get(fault.span.clone()).is_some());
    }
}

#[test]
fn the_span_of_a_name_in_a_condition_is_the_name_on() {
    let source = with("condition = \"ecog.ECOG <= 2\"", "condition = \"true && egoc.ECOG <= 2\"");
    let faults = faults(&source);
    assert_eq!(faults.len(), 1, "{}", shown(&source, &faults));
    assert!(source[faults[0].span.clone()].starts_with("egoc.ECOG"));
}

#[test]
fn an_amendment_is_told_in_words() {
    let old = accepted(AVATAR).protocol;
    let amended = AVATAR
        .replacen("version = \"1.0\"", "version = \"2.0\"", 1)
        .replacen("within_days = 56", "within_days = 42", 1)
        .replacen("max = 500 }", "max = 400 }", 1)
        .replacen("[[eligibility]]\nid = \"E02\"", "[[eligibility]]\nid = \"E04\"\nkind = \"exclusion\"\ntext = \"Pregnant.\"\ncondition = 'history.LMD == \"N\"'\n\n[[eligibility]]\nid = \"E02\"", 1)
        .replacen("objective = ", "# objective = ", 1);
    let new = accepted(&amended).protocol;
    let told: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(diff(&old, &old), []);
}

#[test]
fn every_assumed_value_is_marked() {
    // trial.md, 'Facts': what public sources are silent about.
    let avatar: toml::Table = toml::from_str(AVATAR).unwrap();
    let marks = |table: &toml::Value| -> Vec<String> {
        let list = table.get("assumed").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let assumed = |table: &toml::Value| table.get("source").and_then(toml::Value::as_str) == Some("assumed");
    let size = &avatar["trial"]["sample_size"];
    for key in ["hazard_ratio", "alpha", "power", "events"] {
        assert!(marks(size).contains(&key.to_owned()), "sample size: {key}");
    }
    for arm in avatar["arms"].as_array().unwrap() {
        assert!(marks(arm).contains(&"ratio".to_owned()));
        assert!(!marks(&arm["strategy"]).is_empty());
    }
    assert!(avatar["stratification"].as_array().unwrap().iter().all(assumed));
    assert!(assumed(&avatar["randomisation"]));
    assert!(marks(&avatar["schedule"]).contains(&"visits".to_owned()));
    assert!(avatar["forms"].as_array().unwrap().iter().all(assumed));
    assert!(marks(&avatar["quality_of_life"]).contains(&"weeks".to_owned()));
    for criterion in ["I10", "E01", "E02", "E03"] {
        let found =
            avatar["eligibility"].as_array().unwrap().iter().find(|c| c["id"].as_str() == Some(criterion));
        assert!(assumed(found.unwrap()), "{criterion}");
    }
}

#[test]
fn limits_stand_on_everything() {
    assert!(faults(&"#".repeat(2 << 20))[0].right.contains("at most"));
    let long = with("registry = \"NCT06882499\"", &format!("registry = \"{}\"", "x".repeat(3_000)));
    assert!(faults(&long).iter().any(|fault| fault.right.contains("at most 2000")));
    let deep = format!("a = {}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(!faults(&deep).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}") {
        let _ = check(&text);
    }

    #[test]
    fn what_looks_like_toml_never_panics(text in "([a-z]{1,9} ?= ?[0-9a-z\"'\\[\\]{}.,-]{0,12}\n|\\[{1,2}[a-z.]{1,12}\\]{1,2}\n){0,20}") {
        for fault in faults(&text) {
            prop_assert!(text.get(fault.span).is_some());
        }
    }

    /// A valid file with a piece cut out, or put in, or put elsewhere.
    #[test]
    fn a_mutated_file_never_panics(at in 0usize..40_000, length in 0usize..60, what in 0u8..4, put in "\\PC{0,6}") {
        let floor = |mut at: usize| {
            at = at.min(AVATAR.len());
            while !AVATAR.is_char_boundary(at) { at -= 1; }
            at
        };
        let (from, to) = (floor(at % AVATAR.len()), floor(at % AVATAR.len() + length));
        let text = match what {
            0 => format!("{}{}", &AVATAR[..from], &AVATAR[to..]),
            1 => format!("{}{put}{}", &AVATAR[..from], &AVATAR[from..]),
            2 => format!("{}{put}{}", &AVATAR[..from], &AVATAR[to..]),
            _ => format!("{}{}{}", &AVATAR[..to], &AVATAR[from..to], &AVATAR[to..]),
        };
        for fault in faults(&text) {
            prop_assert!(text.get(fault.span).is_some());
        }
    }
}

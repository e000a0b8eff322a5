//! A registry record as the beginning of a protocol file.
//!
//! What the record states is marked `source = "record"`; what it does not, but a trial of solid tumours usually does, is written
//! and marked assumed; what nobody but the trial office can know is left out, so that the reader of protocols asks for it by name.
//! Each of both is marked `# DECIDE:`. Never takes a reading of words for a decision.

use std::fmt::Write;

use super::attention::{self, Kind, RADIATION, says, sentences, short, squeezed};
use super::record::{Outcome, Rank, RecordArm, RegistryRecord};

/// Forms by their ids.
const FORMS: &str = include_str!("forms.toml");
/// The longest text that a protocol file takes.
const MOST_TEXT: usize = 2_000;
/// So many criteria stand in the skeleton.
const MOST_CRITERIA: usize = 300;
/// So many interventions get an attribution of their own.
const MOST_ATTRIBUTIONS: usize = 6;
/// Days between tumour assessments where nothing says otherwise.
const EVERY_DAYS: u32 = 84;

/// The beginning of a protocol file.
#[derive(Clone, Debug, PartialEq)]
pub struct Skeleton {
    /// The file.
    pub toml: String,
    /// What a person must decide, in the order of the file; each stands in it after `# DECIDE:`.
    pub decisions: Vec<String>,
}

/// Writes the skeleton of `record`.
pub fn skeleton(record: &RegistryRecord) -> Skeleton {
    let mut out = Writer::default();
    let endpoints = Endpoint::of(record);
    head(&mut out, record);
    identity(&mut out, record);
    arms(&mut out, record, &endpoints);
    let checklist = eligibility(&mut out, record);
    randomisation(&mut out, record);
    let weeks = schedule(&mut out, record, &endpoints, !checklist.is_empty());
    forms(&mut out, record, &endpoints, &checklist);
    endpoints_table(&mut out, record, &endpoints);
    analyses(&mut out, &endpoints);
    rest(&mut out, record, &weeks);
    // No text of the file holds a line break: where three follow each other, a part of it is empty.
    Skeleton { toml: out.toml.replace("\n\n\n", "\n\n"), decisions: out.decisions }
}

#[derive(Default)]
struct Writer {
    toml: String,
    decisions: Vec<String>,
}

/// A TOML basic string: JSON's escapes are TOML's, but for the one control character JSON leaves bare.
fn quoted(value: &str) -> String {
    serde_json::Value::from(short(value, MOST_TEXT)).to_string().replace('\u{7f}', "\\u007F")
}

/// Text that can stand in a comment: one line, no control characters.
fn comment(text: &str) -> String {
    squeezed(&text.replace(char::is_control, " "))
}

impl Writer {
    fn line(&mut self, line: &str) {
        self.toml.push_str(line);
        self.toml.push('\n');
    }

    fn decide(&mut self, what: &str) {
        let what = comment(what);
        self.line(&format!("# DECIDE: {what}"));
        self.decisions.push(what);
    }

    fn note(&mut self, what: &str) {
        self.line(&format!("# {}", comment(what)));
    }

    fn table(&mut self, name: &str) {
        self.line(&format!("\n{name}"));
    }

    fn text(&mut self, key: &str, value: &str) {
        // Writing to a String cannot fail; an empty text is no text to the reader of protocols.
        if !squeezed(value).is_empty() {
            let _ = writeln!(self.toml, "{key} = {}", quoted(value));
        }
    }

    fn raw(&mut self, key: &str, value: impl std::fmt::Display) {
        let _ = writeln!(self.toml, "{key} = {value}");
    }

    fn assumed(&mut self, keys: &[&str]) {
        let _ = writeln!(self.toml, "assumed = {keys:?}");
    }
}

/// An endpoint of the skeleton.
struct Endpoint<'r> {
    kind: Kind,
    id: &'static str,
    label: &'static str,
    outcome: &'r Outcome,
}

impl<'r> Endpoint<'r> {
    /// Those that this program can derive; each once, the highest rank first.
    fn of(record: &'r RegistryRecord) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for outcome in &record.outcomes {
            let Some(kind) = kind_of(outcome) else { continue };
            let (id, label) = match kind {
                Kind::StrategyFailure => ("TSF", "Time to strategy failure"),
                Kind::Progression => ("PFS", "Progression-free survival"),
                Kind::Progression2 => ("PFS2", "Progression-free survival 2 (PFS-2)"),
                Kind::SecondProgression => ("PFS2ND", "Progression-free survival of the next line (2nd PFS)"),
                Kind::Survival => ("OS", "Overall survival"),
                Kind::Safety | Kind::FactB => continue,
            };
            let one_primary = outcome.rank != Rank::Primary || !found.iter().any(Self::primary);
            if one_primary && !found.iter().any(|known| known.kind == kind) {
                found.push(Self { kind, id, label, outcome });
            }
        }
        // What follows from the strategy needs an endpoint of it to say when it failed.
        let strategy = found.iter().any(|one| one.kind == Kind::StrategyFailure);
        found.retain(|one| one.kind != Kind::SecondProgression || strategy);
        found
    }

    fn primary(&self) -> bool {
        self.outcome.rank == Rank::Primary
    }
}

fn kind_of(outcome: &Outcome) -> Option<Kind> {
    attention::kind(&format!("{}. {}", outcome.measure, outcome.description))
}

fn has(endpoints: &[Endpoint<'_>], kind: Kind) -> bool {
    endpoints.iter().any(|endpoint| endpoint.kind == kind)
}

fn irradiates(record: &RegistryRecord) -> bool {
    record.interventions.iter().any(|(kind, name)| kind == "RADIATION" || says(name, RADIATION))
        || record.arms.iter().any(|arm| arm.radiation)
}

fn measures_fact_b(record: &RegistryRecord) -> bool {
    record.outcomes.iter().any(|outcome| kind_of(outcome) == Some(Kind::FactB))
}

fn head(out: &mut Writer, record: &RegistryRecord) {
    out.note(&format!("The beginning of a protocol, made from a {}.", record.form));
    out.line("# What follows `# DECIDE:` is for a person: what the record does not say, or says in words that a program can only");
    out.line("# read in one of several ways. `trialwright check` tells what is still missing.");
    out.line("#");
    out.line("#   source = \"record\"    stated in the registry record");
    out.line("#   source = \"assumed\"   the record is silent: written here as a beginning");
    for what in &record.unread {
        out.decide(&format!("the record says {what}, which could not be read"));
    }
}

fn identity(out: &mut Writer, record: &RegistryRecord) {
    out.table("[trial]");
    match &record.acronym {
        Some(name) => out.text("id", &short(name, 60)),
        None => out.decide("the short name of the trial, as in id = \"AVATAR II\""),
    }
    out.raw("version", "\"0.1\"");
    out.text("title", &record.title);
    match &record.registry {
        Some(number) => out.text("registry", number),
        None => out.decide("the registry number, as in registry = \"NCT01234567\""),
    }
    match &record.phase {
        Some(phase) => out.text("phase", phase),
        None => out.decide("the phase, as in phase = \"II\"; none where there is none"),
    }
    if let Some(design) = &record.design {
        out.text("design", design);
    }
    if !record.conditions.is_empty() {
        out.decide("the population in a sentence; this is what the record lists under conditions");
        out.text("population", &record.conditions.join("; "));
    }
    if let Some(question) = sentences(&record.summary).first() {
        out.decide("the main question in a sentence; this is how the brief summary begins");
        out.text("objective", question);
    }
    match record.participants {
        Some(n) => out.raw("participants", n),
        None => out.decide("how many participants to randomise, as in participants = 74"),
    }
    if let Some(sites) = record.sites {
        out.raw("sites", sites);
    }
    if let Some(start) = record.start {
        out.text("planned_start", &start.to_string());
    }
    if let Some(end) = record.end {
        out.text("planned_end", &end.to_string());
    }
    out.raw("source", "\"record\"");
    out.assumed(&["version"]);
    out.decide("what the size rests on: a table [trial.sample_size] with endpoint, hazard_ratio, alpha, power and events");
    if record.randomised == Some(false) {
        out.decide("whether this program is for this trial: the record says that nobody is randomised");
    }
}

/// A label short enough for a table, and an id, for each arm.
fn arm_ids(arms: &[RecordArm]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for (place, arm) in arms.iter().enumerate() {
        let letter = u32::try_from(place).ok().and_then(|n| char::from_u32(u32::from('A') + n % 26));
        let fallback = letter.map_or_else(|| place.to_string(), |letter| letter.to_string());
        let wanted = arm.id.clone().unwrap_or(fallback);
        let taken = |id: &String| ids.contains(id);
        let id = if taken(&wanted) { format!("{wanted}{}", place + 1) } else { wanted };
        ids.push(id);
    }
    ids
}

fn arms(out: &mut Writer, record: &RegistryRecord, endpoints: &[Endpoint<'_>]) {
    let words = format!("{}\n\n{}\n\n{}", record.title, record.summary, record.description);
    let ratio = attention::ratio(&words, record.arms.len());
    let comparators: Vec<usize> =
        (0..record.arms.len()).filter(|at| record.arms[*at].comparator == Some(true)).collect();
    let unirradiated: Vec<usize> = (0..record.arms.len()).filter(|at| !record.arms[*at].radiation).collect();
    let control = match (comparators.as_slice(), unirradiated.as_slice()) {
        ([one], _) | ([], [one]) => Some(*one),
        _ => record.arms.len().checked_sub(1),
    };
    if record.arms.len() < 2 {
        out.line("");
        out.decide("the arms: two or more tables [[arms]], each with id, label and description, one with control = true");
    }
    for (at, (arm, id)) in record.arms.iter().zip(arm_ids(&record.arms)).enumerate() {
        out.table("[[arms]]");
        out.text("id", &id);
        let label = if arm.label.is_empty() { format!("Arm {id}") } else { short(&arm.label, 100) };
        if arm.label.chars().count() > 60 {
            out.decide("a short name of the arm for tables and figures");
        }
        out.text("label", &label);
        match &ratio {
            Some(parts) => {
                out.decide(&format!("the share of this arm; the record says {parts:?} in some order"));
            }
            None => out.decide("the share of this arm: the record gives no ratio"),
        }
        out.raw("ratio", ratio.as_ref().and_then(|parts| parts.get(at)).copied().unwrap_or(1));
        if comparators.len() != 1 && control == Some(at) {
            out.decide("the control arm: the record does not name one comparator");
        }
        out.raw("control", control == Some(at));
        out.text("description", if arm.description.trim().is_empty() { &label } else { &arm.description });
        out.raw("source", "\"record\"");
        let named_control = comparators.len() == 1;
        out.assumed(if named_control { &["ratio"] } else { &["ratio", "control"] });
        if has(endpoints, Kind::StrategyFailure) {
            strategy(out, record, arm, &id);
        }
    }
}

fn strategy(out: &mut Writer, record: &RegistryRecord, arm: &RecordArm, id: &str) {
    let words = format!("{}\n\n{}", record.summary, record.description);
    let of_arm = |sentence: &String| {
        let name = format!("arm {}", id.to_lowercase());
        says(sentence, &["strategy"]) && says(sentence, &[&name])
    };
    let statement =
        sentences(&words).into_iter().filter(of_arm).max_by_key(|sentence| says(sentence, &["strategy in"]));
    out.table("[arms.strategy]");
    out.decide("what makes the strategy of this arm fail; the keys below are a reading of its words");
    out.text("statement", &statement.unwrap_or_else(|| arm.description.clone()));
    let (salvage, change) = if arm.radiation { ("\"sabr\"", true) } else { ("\"none\"", false) };
    out.raw("salvage", salvage);
    let mut keys = vec!["salvage", "fails_on_systemic_change"];
    if arm.radiation {
        out.raw("max_lesions", 5);
        out.raw("extracranial_only", true);
        out.raw("within_days", 56);
        out.raw("systemic_continues", true);
        keys.extend(["max_lesions", "extracranial_only", "within_days", "systemic_continues"]);
    }
    out.raw("fails_on_systemic_change", change);
    out.assumed(&keys);
}

/// An item of the checklist of eligibility.
struct Listed {
    item: String,
    text: String,
}

/// Writes the criteria, and gives the items of the checklist that they read.
fn eligibility(out: &mut Writer, record: &RegistryRecord) -> Vec<Listed> {
    out.line("");
    let mut checklist = Vec::new();
    criterion(out, "I01", "inclusion", "Informed consent given.", "consent.RFICYN == \"Y\"", "assumed");
    let mut inclusions = 1;
    let mut structured = |out: &mut Writer, text: String, condition: &str| {
        inclusions += 1;
        criterion(out, &format!("I{inclusions:02}"), "inclusion", &text, condition, "record");
    };
    if let Some(age) = record.least_age {
        structured(out, format!("Aged {age} years or over."), &format!("derived.age >= {age}"));
    }
    if let Some(age) = record.greatest_age {
        structured(out, format!("Aged {age} years or under."), &format!("derived.age <= {age}"));
    }
    if let Some(sex) = record.sex {
        let words = if sex == 'F' { "Female." } else { "Male." };
        structured(out, words.to_owned(), &format!("demography.SEX == \"{sex}\""));
    }
    let listed = record.inclusion.len() + record.exclusion.len();
    if listed > 0 {
        out.line("");
        out.decide("a condition over recorded items in place of each yes or no below, wherever the criterion can be read off the record");
        if listed > 2 * MOST_CRITERIA {
            out.decide(&format!(
                "the record lists {listed} criteria, of which the first {MOST_CRITERIA} of a kind stand here"
            ));
        }
    } else {
        out.line("");
        out.decide("the eligibility criteria: the record lists none");
        let words = format!("{}\n\n{}", record.summary, record.description);
        let about = ["eligible", "eligibility", "must have", "inclusion", "exclusion", "excluded"];
        for sentence in sentences(&words).iter().filter(|sentence| says(sentence, &about)) {
            out.note(&format!("  the record says: {sentence}"));
        }
    }
    let kinds = [("I", "inclusion", inclusions, &record.inclusion), ("E", "exclusion", 0, &record.exclusion)];
    for (letter, kind, before, texts) in kinds {
        for (n, text) in
            texts.iter().filter(|text| !squeezed(text).is_empty()).take(MOST_CRITERIA).enumerate()
        {
            let id = format!("{letter}{:02}", before + n + 1);
            criterion(out, &id, kind, text, &format!("eligibility.{id} == \"Y\""), "record");
            checklist.push(Listed { item: id, text: text.clone() });
        }
    }
    checklist
}

fn criterion(out: &mut Writer, id: &str, kind: &str, text: &str, condition: &str, source: &str) {
    out.table("[[eligibility]]");
    out.raw("id", quoted(id));
    out.raw("kind", quoted(kind));
    out.text("text", text);
    out.raw("condition", format!("'{condition}'"));
    out.raw("source", quoted(source));
    if source == "record" {
        out.assumed(&["condition"]);
    }
}

fn randomisation(out: &mut Writer, record: &RegistryRecord) {
    out.line("");
    out.decide("the stratification factors: [[stratification]] with levels, each with a condition; none where there is none");
    out.table("[randomisation]");
    out.decide("the method and the block sizes, each a multiple of the sum of the arms' shares");
    let words = format!("{}\n\n{}\n\n{}", record.title, record.summary, record.description);
    let sum = attention::ratio(&words, record.arms.len())
        .map_or(record.arms.len().max(2), |parts| parts.iter().map(|part| *part as usize).sum());
    out.raw("method", "\"permuted_blocks\"");
    out.raw("block_sizes", format!("[{}, {}]", 2 * sum, 3 * sum));
    out.raw("source", "\"assumed\"");
}

/// Weeks at which the questionnaire is due, the baseline as 0; none where it is not measured.
fn weeks(record: &RegistryRecord) -> Vec<u32> {
    if !measures_fact_b(record) {
        return Vec::new();
    }
    let of_score = record.outcomes.iter().filter(|outcome| kind_of(outcome) == Some(Kind::FactB));
    let last = of_score
        .filter_map(|outcome| {
            attention::last_week(&format!(
                "{} {} {}",
                outcome.measure, outcome.description, outcome.time_frame
            ))
        })
        .max()
        .unwrap_or(48);
    let step = [12, 8, 6, 4].into_iter().find(|step| last % step == 0).unwrap_or(last);
    (0..=last / step).map(|n| n * step).collect()
}

fn schedule(
    out: &mut Writer,
    record: &RegistryRecord,
    endpoints: &[Endpoint<'_>],
    checklist: bool,
) -> Vec<u32> {
    let words = format!("{}\n\n{}", record.summary, record.description);
    let said = attention::follow_up_months(&words);
    let of_endpoints = endpoints.iter().find_map(|one| attention::follow_up_months(&one.outcome.time_frame));
    let months = said.or(of_endpoints);
    out.table("[schedule]");
    match months {
        Some(_) => out.decide("whether follow-up ends so many months after the last participant was randomised, as the record's words seem to say"),
        None => out.decide("how many months after the last participant was randomised follow-up ends"),
    }
    out.raw("follow_up_months", months.unwrap_or(24));
    out.raw("source", "\"assumed\"");
    out.line("");
    out.decide("the visits, their windows and what is due at each: a registry record has no schedule");
    let mut forms = vec!["consent", "demography"];
    if checklist {
        forms.push("eligibility");
    }
    forms.extend(["history", "ecog", "tumour"]);
    let weeks = weeks(record);
    if !weeks.is_empty() {
        forms.push("factb");
    }
    visit(out, ["SCREENING", "Screening"], (-14, 14), None, &forms);
    let mut last = 0;
    // Half the way to the next visit is too far for a window; a week is enough for one of weeks.
    let window = weeks.get(1).map_or(7, |step| (*step * 7 / 2).saturating_sub(1).min(7));
    for week in weeks.iter().filter(|week| **week > 0) {
        last = *week * 7;
        let (id, label) = (format!("W{week}"), format!("Week {week}"));
        visit(out, [&id, &label], (i64::from(last), window), None, &["ecog", "tumour", "factb"]);
    }
    let first = i64::from(last + EVERY_DAYS);
    visit(out, ["FOLLOWUP", "Follow-up"], (first, 7), Some(EVERY_DAYS), &["ecog", "tumour"]);
    weeks
}

fn visit(
    out: &mut Writer,
    [id, label]: [&str; 2],
    (day, window): (i64, u32),
    every: Option<u32>,
    forms: &[&str],
) {
    out.table("[[schedule.visits]]");
    out.text("id", id);
    out.text("label", label);
    out.raw("day", day);
    out.raw("window_before", window);
    out.raw("window_after", window);
    if let Some(every) = every {
        out.raw("every_days", every);
    }
    let _ = writeln!(out.toml, "forms = {forms:?}");
}

/// The text of a form of the file, with what follows it up to the next.
fn form(id: &str) -> &'static str {
    let start = format!("id = \"{id}\"\n");
    FORMS.split("\n[[forms]]\n").find(|block| block.starts_with(&start)).unwrap_or_default()
}

fn forms(out: &mut Writer, record: &RegistryRecord, endpoints: &[Endpoint<'_>], checklist: &[Listed]) {
    out.line("");
    out.decide(
        "the forms: these are what a trial of solid tumours usually asks; the trial's own items come to them",
    );
    let mut ids = vec!["consent", "demography", "history", "ecog", "tumour", "clinprog"];
    if irradiates(record) {
        ids.push("sabr");
    }
    ids.extend(["systemic", "ae"]);
    if measures_fact_b(record) {
        ids.push("factb");
    }
    if has(endpoints, Kind::StrategyFailure) {
        ids.push("decision");
    }
    ids.extend(["deviation", "withdrawal", "death", "contact"]);
    for id in ids {
        out.table("[[forms]]");
        let text = form(id).trim_end();
        let mut items = String::new();
        for (item, name) in attributions(record) {
            let label = quoted(&format!("Related to {name}"));
            let codes = "[\"UNRELATED\", \"UNLIKELY\", \"POSSIBLE\", \"PROBABLE\", \"DEFINITE\"]";
            let _ = writeln!(
                items,
                "  {{ id = \"{item}\", label = {label}, type = \"code\", codes = {codes}, required = true }},"
            );
        }
        out.line(&text.replace("  #ATTRIBUTIONS\n", &items));
    }
    if !checklist.is_empty() {
        out.table("[[forms]]");
        out.line("id = \"eligibility\"\nlabel = \"Eligibility checklist\"\nconcept = \"custom\"\nsource = \"assumed\"\nitems = [");
        for Listed { item, text } in checklist {
            let label = quoted(text);
            out.line(&format!(
                "  {{ id = \"{item}\", label = {label}, type = \"yes_no\", required = true }},"
            ));
        }
        out.line("]");
    }
}

/// The items that attribute an adverse event, and to what.
fn attributions(record: &RegistryRecord) -> Vec<(String, String)> {
    let names = record.interventions.iter().map(|(_, name)| short(name, 120)).filter(|name| !name.is_empty());
    let named: Vec<(String, String)> = (1..)
        .zip(names.take(MOST_ATTRIBUTIONS))
        .map(|(n, name): (usize, _)| (format!("AEREL{n}"), name))
        .collect();
    if named.is_empty() { vec![("AEREL1".to_owned(), "Study treatment".to_owned())] } else { named }
}

fn endpoints_table(out: &mut Writer, record: &RegistryRecord, endpoints: &[Endpoint<'_>]) {
    out.line("");
    for outcome in &record.outcomes {
        let kept = endpoints.iter().any(|one| std::ptr::eq(one.outcome, outcome));
        let named = short(&format!("{}, {}", outcome.measure, outcome.description), 160);
        match kind_of(outcome) {
            _ if kept => {}
            Some(Kind::Safety) => out.note(&format!("Reported as adverse events (see [safety]): {named}")),
            Some(Kind::FactB) => {
                out.note(&format!("Reported as quality of life (see [quality_of_life]): {named}"));
            }
            Some(_) => out.decide(&format!(
                "whether this outcome is an endpoint of its own; one like it stands below: {named}"
            )),
            None => out.decide(&format!(
                "how to report this outcome, which is none of the endpoints this program derives: {named}"
            )),
        }
    }
    if !endpoints.iter().any(Endpoint::primary) {
        out.decide("the primary endpoint: the record's primary outcome is none that this program derives");
    }
    for endpoint in endpoints {
        out.table("[[endpoints]]");
        out.text("id", endpoint.id);
        out.text("label", endpoint.label);
        let Outcome { measure, description, time_frame, .. } = endpoint.outcome;
        let words = if description.trim().is_empty() { measure } else { description };
        let words = words.trim();
        let stop = if words.ends_with(['.', '!', '?']) { "" } else { "." };
        let frame = if time_frame.is_empty() { String::new() } else { format!(" Time frame: {time_frame}") };
        out.text("definition", &format!("{words}{stop}{frame}"));
        out.raw("role", if endpoint.primary() { "\"primary\"" } else { "\"secondary\"" });
        let failure = endpoint.kind == Kind::SecondProgression;
        out.raw("origin", if failure { "\"strategy_failure\"" } else { "\"randomisation\"" });
        out.decide("what ends it and where a subject without an event is censored");
        let (events, censor) = match endpoint.kind {
            Kind::StrategyFailure => ("[\"strategy_failure\", \"death\"]", "last_adequate_assessment"),
            Kind::Progression => ("[\"progression\", \"death\"]", "last_adequate_assessment"),
            Kind::Progression2 | Kind::SecondProgression => {
                ("[\"next_line_progression\", \"death\"]", "last_contact")
            }
            _ => ("[\"death\"]", "last_known_alive"),
        };
        out.raw("events", events);
        out.raw("censor_at", quoted(censor));
        let mut keys = vec!["events", "censor_at"];
        if matches!(endpoint.kind, Kind::StrategyFailure | Kind::SecondProgression) {
            out.raw("rules", "{ pending = \"event\" }");
            keys.push("rules");
        }
        out.raw("source", "\"record\"");
        out.assumed(&keys);
    }
}

fn analyses(out: &mut Writer, endpoints: &[Endpoint<'_>]) {
    out.line("");
    out.decide("the analyses: stratified or not, and what sensitivity analyses switch");
    for endpoint in endpoints {
        out.table("[[analyses]]");
        out.text("id", &format!("{}-main", endpoint.id));
        out.text("label", endpoint.label);
        out.text("endpoint", endpoint.id);
        out.raw("role", "\"main\"");
        out.raw("stratified", false);
        out.assumed(&["stratified"]);
    }
}

fn rest(out: &mut Writer, record: &RegistryRecord, weeks: &[u32]) {
    if let Some(last) = weeks.last() {
        out.table("[quality_of_life]");
        out.raw("form", "\"factb\"");
        out.decide("when the questionnaire is due, and up to which week the area under its curve is taken");
        let _ = writeln!(out.toml, "weeks = {weeks:?}");
        out.raw("auc_to_week", last);
        out.raw("source", "\"record\"");
        out.assumed(&["weeks", "auc_to_week"]);
    }
    out.table("[tumour]");
    out.decide("who judges responses, and whether a best response needs confirmation; RECIST 1.1's numbers hold where nothing is said");
    out.raw("reader", "\"INVESTIGATOR\"");
    out.raw("source", "\"assumed\"");
    out.table("[safety]");
    let words: Vec<&str> =
        record.outcomes.iter().flat_map(|one| [one.measure.as_str(), one.description.as_str()]).collect();
    let words = words.join(" ");
    let version = ["5.0", "4.03", "4.0"]
        .into_iter()
        .find(|version| says(&words, &["ctcae", "common terminology criteria"]) && words.contains(version));
    if version.is_none() {
        out.decide("the dictionary of adverse events");
    }
    out.text("dictionary", &format!("CTCAE v{}", version.unwrap_or("5.0")));
    out.decide("which attributions make an event treatment-related");
    out.raw("related", "[\"POSSIBLE\", \"PROBABLE\", \"DEFINITE\"]");
    let to = attributions(record);
    let to: Vec<String> = to.iter().map(|(item, name)| format!("{item} = {}", quoted(name))).collect();
    out.raw("attributed_to", format!("{{ {} }}", to.join(", ")));
    out.raw("source", "\"assumed\"");
}

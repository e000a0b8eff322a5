//! A registry record as text: the columns of `ClinicalTrials.gov`'s CSV download, one field after the other, each on its own line.
//!
//! Paragraphs within a field stand an empty line apart; fields do not. The order is title, brief summary, conditions,
//! interventions, primary, secondary and other outcomes, description. Never guesses a field that the order does not tell.

use super::attention::{self, RADIATION, says, squeezed};
use super::record::{Outcome, Rank, RecordArm, RecordFault, RegistryRecord};
use super::v2::plain;

/// Types of intervention, as the download writes them before the name.
const TYPES: [&str; 11] = [
    "BEHAVIORAL",
    "BIOLOGICAL",
    "COMBINATION_PRODUCT",
    "DEVICE",
    "DIAGNOSTIC_TEST",
    "DIETARY_SUPPLEMENT",
    "DRUG",
    "GENETIC",
    "PROCEDURE",
    "RADIATION",
    "OTHER",
];

/// What begins a time frame.
const TIME_FRAMES: [&str; 27] = [
    "time from",
    "from ",
    "up to",
    "until",
    "at ",
    "through",
    "baseline",
    "day",
    "week",
    "month",
    "year",
    "within",
    "during",
    "approximately",
    "every",
    "assessed",
    "average",
    "an average",
    "between",
    "start",
    "after",
    "before",
    "throughout",
    "screening",
    "date of",
    "immediately",
    "end of",
];

/// The fields of a text: lines that no empty line parts from the one before begin a new field.
fn fields(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut fields: Vec<String> = Vec::new();
    let mut parted = false;
    for line in text.lines().map(str::trim_end) {
        if line.trim().is_empty() {
            parted = true;
            continue;
        }
        match fields.last_mut() {
            Some(field) if parted => {
                field.push_str("\n\n");
                field.push_str(line);
            }
            _ => fields.push(line.to_owned()),
        }
        parted = false;
    }
    fields
}

/// The interventions of a field, where it is that field: `TYPE: name`, parted by bars.
fn interventions(field: &str) -> Option<Vec<(String, String)>> {
    field
        .split('|')
        .map(|entry| {
            let (kind, name) = entry.split_once(": ")?;
            let kind = kind.trim().replace(' ', "_");
            (TYPES.contains(&kind.as_str()) && !name.trim().is_empty()).then(|| (kind, squeezed(name)))
        })
        .collect()
}

/// The outcomes of a field: measure, description and time frame, parted by commas; entries by bars.
fn outcomes(field: &str, rank: Rank) -> Vec<Outcome> {
    field.split('|').filter(|entry| !entry.trim().is_empty()).map(|entry| outcome(entry, rank)).collect()
}

/// The registry's longest measure and time frame, in characters.
const MOST_NAME: usize = 255;

fn begins_a_time_frame(words: &str) -> bool {
    let lower = words.to_lowercase();
    TIME_FRAMES.iter().any(|word| lower.starts_with(word))
}

fn outcome(entry: &str, rank: Rank) -> Outcome {
    let entry = entry.trim();
    let framed = |rest: &str| {
        rest.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
            && rest.chars().count() <= MOST_NAME
            && (begins_a_time_frame(rest)
                || says(rest, &["day", "days", "week", "weeks", "month", "months", "year", "years"]))
    };
    // The last comma after which a time frame begins: a description holds commas too, and so may the time frame.
    let at =
        entry.match_indices(", ").map(|(at, _)| at).filter(|at| framed(entry[at + 2..].trim_start())).last();
    let (rest, time_frame) = at.map_or((entry, ""), |at| (&entry[..at], &entry[at + 2..]));
    let (measure, description) = rest.split_once(", ").unwrap_or((rest, ""));
    Outcome {
        rank,
        measure: squeezed(measure),
        description: description.trim().to_owned(),
        time_frame: squeezed(time_frame),
    }
}

/// Whether a field after the primary outcomes holds outcomes: several entries, most with a time frame, or one that ends in words
/// that begin one. A description is prose, whatever commas it holds.
fn holds_outcomes(field: &str) -> bool {
    let entries = outcomes(field, Rank::Other);
    let named = |outcome: &&Outcome| {
        !outcome.measure.is_empty()
            && outcome.measure.chars().count() <= MOST_NAME
            && !outcome.time_frame.is_empty()
    };
    match entries.as_slice() {
        [one] => named(&one) && begins_a_time_frame(&one.time_frame) && !one.measure.contains(". "),
        entries => entries.iter().filter(named).count() * 2 > entries.len(),
    }
}

/// Reads a record as text.
pub(super) fn read(text: &str) -> Result<RegistryRecord, RecordFault> {
    let fields = fields(text);
    let Some(title) = fields.first().map(|title| squeezed(title)) else {
        return Err(RecordFault::new("", "nothing", "a registry record as text begins with its title"));
    };
    let Some(at) = fields.iter().position(|field| interventions(field).is_some()) else {
        return Err(RecordFault::new(
            "",
            format!("{} lines or paragraphs, none of them interventions", fields.len()),
            "the line of interventions, as in `RADIATION: SABR|OTHER: Standard of care`, stands after the conditions",
        ));
    };
    let interventions = interventions(&fields[at]).unwrap_or_default();
    let conditions = if at >= 2 { &fields[at - 1] } else { "" };
    let summary = if at >= 3 { fields[1..at - 1].join("\n\n") } else { String::new() };
    let mut record = RegistryRecord {
        form: "registry record as text".to_owned(),
        registry: attention::nct(text),
        title,
        summary,
        conditions: conditions.split('|').map(squeezed).filter(|one| !one.is_empty()).collect(),
        interventions,
        ..RegistryRecord::default()
    };
    let mut rest = fields[at + 1..].iter();
    match rest.next() {
        Some(primary) => record.outcomes = outcomes(primary, Rank::Primary),
        None => record.unread.push("primary outcomes: none after the interventions".to_owned()),
    }
    let mut ranks = [Rank::Secondary, Rank::Other].into_iter();
    let mut rest = rest.peekable();
    while let (Some(field), Some(rank)) = (rest.peek(), ranks.as_slice().first().copied()) {
        if !holds_outcomes(field) {
            break;
        }
        record.outcomes.extend(outcomes(field, rank));
        ranks.next();
        rest.next();
    }
    record.description = rest.cloned().collect::<Vec<_>>().join("\n\n");
    described(&mut record);
    Ok(record)
}

/// What the words of summary and description tell.
fn described(record: &mut RegistryRecord) {
    let words = format!("{}\n\n{}", record.summary, record.description);
    record.acronym = attention::acronym(&words);
    record.phase = attention::phase(&words).or_else(|| attention::phase(&record.title));
    let is_design = |sentence: &String| says(sentence, &["randomised", "randomized"]);
    record.design = attention::sentences(&words).into_iter().find(is_design);
    record.randomised = record.design.is_some().then_some(true);
    record.arms = arms(&record.description);
    if record.arms.len() < 2 {
        record.arms = arms(&record.summary);
    }
}

/// Arms as a text lists them: `Arm A: this Arm B: that`.
fn arms(text: &str) -> Vec<RecordArm> {
    let mut found: Vec<RecordArm> = Vec::new();
    for paragraph in text.split("\n\n").map(squeezed) {
        let mut marks: Vec<(usize, usize, &str)> = ["Arm ", "Group ", "Cohort "]
            .iter()
            .flat_map(|word| paragraph.match_indices(word).map(|(at, word)| (at, at + word.len())))
            .filter_map(|(from, at)| {
                let id = paragraph[at..].split(':').next()?;
                (plain(id) && paragraph[at + id.len()..].starts_with(": ")).then_some((
                    from,
                    at + id.len() + 2,
                    id,
                ))
            })
            .collect();
        marks.sort_unstable();
        for (place, (_, from, id)) in marks.iter().enumerate() {
            let to = marks.get(place + 1).map_or(paragraph.len(), |(next, ..)| *next);
            let words = paragraph.get(*from..to).unwrap_or_default().trim().trim_end_matches([',', ';']);
            if words.is_empty() || found.iter().any(|arm| arm.id.as_deref() == Some(id)) {
                continue;
            }
            found.push(RecordArm {
                id: Some((*id).to_owned()),
                label: words.trim_end_matches('.').to_owned(),
                description: words.to_owned(),
                comparator: None,
                radiation: says(words, RADIATION),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_frame_may_hold_commas_and_so_may_a_description() {
        let read = outcome(
            "PFS, By RECIST 1.1, or clinically, From randomisation until progression, death, or 3 years",
            Rank::Primary,
        );
        assert_eq!(read.measure, "PFS");
        assert_eq!(read.description, "By RECIST 1.1, or clinically");
        assert_eq!(read.time_frame, "From randomisation until progression, death, or 3 years");
    }

    #[test]
    fn a_measure_may_stand_alone() {
        let read = outcome("Overall survival, 5 years", Rank::Secondary);
        assert_eq!(
            (read.measure.as_str(), read.description.as_str(), read.time_frame.as_str()),
            ("Overall survival", "", "5 years")
        );
        assert_eq!(outcome("Overall survival", Rank::Secondary).measure, "Overall survival");
    }

    #[test]
    fn fields_stand_on_lines_and_paragraphs_apart() {
        assert_eq!(fields("a\nb\n\nc\r\nd\n\n\n"), ["a", "b\n\nc", "d"]);
        assert_eq!(fields("\n\na\n"), ["a"]);
    }

    #[test]
    fn prose_holds_no_outcomes() {
        assert!(holds_outcomes("Overall survival, Death of any cause, Up to 5 years"));
        assert!(holds_outcomes("OS, 5 years|PFS, By RECIST, 2 years|ctDNA, At week 8"));
        assert!(!holds_outcomes(
            "This is a trial, open label, of two arms. Patients, All of them, are seen."
        ));
        assert!(!holds_outcomes("AVATAR is a trial, with arms."));
    }

    #[test]
    fn arms_are_parted_by_their_marks() {
        let read =
            arms("either:\n\nArm A: SABR, with drugs Arm B: drugs alone.\n\nSee Arm C and Arm A: again");
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].description, "SABR, with drugs");
        assert!(read[0].radiation && !read[1].radiation);
        assert_eq!(read[1].label, "drugs alone");
    }
}

//! What a person looks for in a record's words: sentences, phases, ratios, lengths of follow-up, the kind of an outcome.
//!
//! Never more than a reading of common phrases: whatever is found so is marked for a person to decide.

/// White space of any kind as single spaces.
pub(super) fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// At most `most` characters, cut between words, with an ellipsis where something is cut.
pub(super) fn short(text: &str, most: usize) -> String {
    let text = squeezed(text);
    if text.chars().count() <= most {
        return text;
    }
    let room: String = text.chars().take(most.saturating_sub(1)).collect();
    let whole = room.rfind(' ').filter(|at| *at > 0).map_or(room.as_str(), |at| &room[..at]);
    format!("{}…", whole.trim_end_matches([',', ';', ':', ' ']))
}

/// The sentences of a text; a paragraph ends one too.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in text.split("\n\n") {
        let paragraph = squeezed(paragraph);
        let mut from = 0;
        let bytes = paragraph.as_bytes();
        for (at, letter) in paragraph.char_indices() {
            let ends = matches!(letter, '.' | '?' | '!')
                && bytes.get(at + 1) == Some(&b' ')
                && paragraph[at + 2..].starts_with(|next: char| next.is_uppercase() || next.is_ascii_digit());
            if ends {
                found.push(paragraph[from..=at].to_owned());
                from = at + 2;
            }
        }
        if from < paragraph.len() {
            found.push(paragraph[from..].to_owned());
        }
    }
    found
}

/// The place of `phrase` in `text` as words of their own; both in lower case.
fn words_at(text: &str, phrase: &str) -> Option<usize> {
    text.match_indices(phrase).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + phrase.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

/// Whether one of `phrases` stands in `text`, in any case.
pub(super) fn says(text: &str, phrases: &[&str]) -> bool {
    let text = text.to_lowercase();
    phrases.iter().any(|phrase| words_at(&text, phrase).is_some())
}

/// Words for irradiation.
pub(super) const RADIATION: &[&str] =
    &["sabr", "sbrt", "srt", "stereotactic", "radiotherapy", "radiation", "irradiation", "radiosurgery"];

/// What an outcome measures, as far as this program can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    StrategyFailure,
    Progression,
    Progression2,
    SecondProgression,
    Survival,
    Safety,
    FactB,
}

/// What an outcome is called. Where several are found, the one that stands first counts, and of those the longest.
const KINDS: &[(&str, Kind)] = &[
    ("strategy failure", Kind::StrategyFailure),
    ("failure of treatment strategy", Kind::StrategyFailure),
    ("failure of the treatment strategy", Kind::StrategyFailure),
    ("tsf", Kind::StrategyFailure),
    ("progression-free survival", Kind::Progression),
    ("progression free survival", Kind::Progression),
    ("time to progression", Kind::Progression),
    ("disease-free survival", Kind::Progression),
    ("pfs", Kind::Progression),
    ("pfs1", Kind::Progression),
    ("progression-free survival 2", Kind::Progression2),
    ("progression free survival 2", Kind::Progression2),
    ("pfs-2", Kind::Progression2),
    ("pfs2", Kind::Progression2),
    ("pfs 2", Kind::Progression2),
    ("pfs of next line", Kind::SecondProgression),
    ("pfs of the next line", Kind::SecondProgression),
    ("progression-free survival of the next line", Kind::SecondProgression),
    ("second progression-free survival", Kind::SecondProgression),
    ("2nd pfs", Kind::SecondProgression),
    ("second pfs", Kind::SecondProgression),
    ("overall survival", Kind::Survival),
    ("os", Kind::Survival),
    ("death from any cause", Kind::Survival),
    ("adverse events", Kind::Safety),
    ("adverse event", Kind::Safety),
    ("toxicity", Kind::Safety),
    ("toxicities", Kind::Safety),
    ("traes", Kind::Safety),
    ("trae", Kind::Safety),
    ("ctcae", Kind::Safety),
    ("fact-b", Kind::FactB),
];

/// The kind of an outcome by its words; none where this program has no such endpoint, or the words do not tell.
pub(super) fn kind(words: &str) -> Option<Kind> {
    let words = squeezed(words).to_lowercase();
    let found =
        KINDS.iter().filter_map(|(phrase, kind)| Some((words_at(&words, phrase)?, phrase.len(), *kind)));
    found.min_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, _, kind)| kind)
}

/// The phase, as in `phase II` or `phase 2/3`, in Roman numerals.
pub(super) fn phase(text: &str) -> Option<String> {
    let text = squeezed(text).to_lowercase();
    text.match_indices("phase ").find_map(|(at, found)| {
        let rest = &text[at + found.len()..];
        let word = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '/').next()?;
        let parts: Option<Vec<&str>> = word.split('/').map(roman).collect();
        Some(parts?.join("/"))
    })
}

fn roman(word: &str) -> Option<&'static str> {
    Some(match word {
        "1" | "i" | "one" => "I",
        "2" | "ii" | "two" | "2a" | "2b" | "iia" | "iib" => "II",
        "3" | "iii" | "three" => "III",
        "4" | "iv" | "four" => "IV",
        _ => return None,
    })
}

/// The ratio of an allocation to `arms` arms, as in `1:2`.
pub(super) fn ratio(text: &str, arms: usize) -> Option<Vec<u32>> {
    let separated = text.split(|c: char| !c.is_ascii_digit() && c != ':');
    separated
        .filter(|word| word.contains(':'))
        .find_map(|word| {
            let parts: Option<Vec<u32>> = word.split(':').map(|part| part.parse().ok()).collect();
            parts.filter(|parts| parts.iter().all(|part| (1..=10).contains(part)))
        })
        .filter(|parts| parts.len() == arms)
}

/// Months of follow-up after the last participant, as in `followed up for 3 years after the last patient`.
pub(super) fn follow_up_months(text: &str) -> Option<u32> {
    sentences(text)
        .iter()
        .filter(|sentence| says(sentence, &["after the last", "followed", "follow-up"]))
        .find_map(|sentence| span(&sentence.to_lowercase()))
        .filter(|months| (1..=600).contains(months))
}

/// The first span of months or years in a sentence, in months.
fn span(sentence: &str) -> Option<u32> {
    let words: Vec<&str> = sentence.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    words.windows(2).find_map(|pair| {
        let number: u32 = number(pair[0])?;
        match pair[1] {
            "month" | "months" => Some(number),
            "year" | "years" => number.checked_mul(12),
            _ => None,
        }
    })
}

fn number(word: &str) -> Option<u32> {
    const WORDS: [&str; 11] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let spelt = WORDS.iter().position(|spelt| *spelt == word).and_then(|at| u32::try_from(at).ok());
    spelt.or_else(|| word.parse().ok())
}

/// The last week that words speak of, as in `from baseline to 48 weeks` or `at week 12`.
pub(super) fn last_week(text: &str) -> Option<u32> {
    let text = squeezed(text).to_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let weeks = words.windows(2).filter_map(|pair| match pair {
        [n, "week" | "weeks"] | ["week" | "weeks", n] => n.parse::<u32>().ok(),
        _ => None,
    });
    weeks.filter(|week| (1..=520).contains(week)).max()
}

/// The registry number in a text: `NCT` and eight digits.
pub(super) fn nct(text: &str) -> Option<String> {
    text.match_indices("NCT").find_map(|(at, _)| {
        let digits = text.get(at + 3..at + 11).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
        let longer = text[at + 11..].starts_with(|c: char| c.is_ascii_digit());
        (!longer).then(|| format!("NCT{digits}"))
    })
}

/// A trial's short name, as in `AVATAR II is a phase II trial`: words in capitals before `is a`.
pub(super) fn acronym(text: &str) -> Option<String> {
    sentences(text).iter().find_map(|sentence| {
        let (name, rest) = sentence.split_once(" is a")?;
        let name = name.strip_prefix("The ").unwrap_or(name);
        let name = name.strip_suffix(" trial").or(name.strip_suffix(" study")).unwrap_or(name);
        let capital = |word: &str| {
            word.chars().any(char::is_uppercase)
                && word.chars().all(|c| c.is_uppercase() || c.is_ascii_digit() || c == '-')
        };
        let numeral = |word: &str| word.bytes().all(|b| b.is_ascii_digit());
        let words: Vec<&str> = name.split(' ').collect();
        let named = words.first().is_some_and(|word| capital(word) && word.len() >= 2)
            && words.len() <= 3
            && words.iter().all(|word| capital(word) || numeral(word));
        let of_a_trial = says(rest, &["trial", "study", "phase"]);
        (named && of_a_trial).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Time to Strategy Failure between the arms", Some(Kind::StrategyFailure))]
    #[case(
        "PFS of next line of treatment (2nd PFS), from failure of treatment strategy",
        Some(Kind::SecondProgression)
    )]
    #[case("To compare progression-free survival 2 (PFS-2)", Some(Kind::Progression2))]
    #[case("Progression Free Survival (PFS)", Some(Kind::Progression))]
    #[case("Overall Survival", Some(Kind::Survival))]
    #[case("Number of participants with toxicity graded by CTCAE", Some(Kind::Safety))]
    #[case("Quality of life by the FACT-B total score", Some(Kind::FactB))]
    #[case("Most cosmetic outcomes", None)] // `os` is no part of a word
    #[case("Circulating tumour DNA", None)]
    fn an_outcome_is_known_by_what_it_is_called_first(#[case] words: &str, #[case] expected: Option<Kind>) {
        assert_eq!(kind(words), expected);
    }

    #[rstest]
    #[case("AVATAR is a phase II trial", Some("II"))]
    #[case("a Phase 2/3 study", Some("II/III"))]
    #[case("A phase of treatment", None)]
    fn a_phase_is_written_in_roman_numerals(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(phase(text).as_deref(), expected);
    }

    #[rstest]
    #[case("randomised 1:2 to", 2, Some(vec![1, 2]))]
    #[case("randomised 1:2 to", 3, None)]
    #[case("at 10:30 h", 2, None)]
    #[case("no ratio", 2, None)]
    fn a_ratio_has_a_part_an_arm(
        #[case] text: &str,
        #[case] arms: usize,
        #[case] expected: Option<Vec<u32>>,
    ) {
        assert_eq!(ratio(text, arms), expected);
    }

    #[rstest]
    #[case("All patients will be followed up for 3 years after the last patient.", Some(36))]
    #[case("Follow-up is six months.", Some(6))]
    #[case("Treated for 6 months. Seen again.", None)]
    fn follow_up_is_read_in_months(#[case] text: &str, #[case] expected: Option<u32>) {
        assert_eq!(follow_up_months(text), expected);
    }

    #[rstest]
    #[case("AVATAR II is a phase II multicentre trial. More.", Some("AVATAR II"))]
    #[case("The HALT trial is a study of SABR.", Some("HALT"))]
    #[case("SABR is a treatment.", None)]
    #[case("This is a trial.", None)]
    fn a_short_name_stands_in_capitals(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(acronym(text).as_deref(), expected);
    }

    #[rstest]
    #[case("see NCT06882499.", Some("NCT06882499"))]
    #[case("NCT068824991 and NCT0688", None)]
    fn a_registry_number_has_eight_digits(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(nct(text).as_deref(), expected);
    }

    #[test]
    fn what_is_cut_is_cut_between_words() {
        assert_eq!(short("one two,  three", 10), "one two…");
        assert_eq!(short("one two", 7), "one two");
        assert_eq!(short("überlang", 4), "übe…");
    }
}

//! Finds CTCAE terms by what is typed of them: words, beginnings of words, the class, either spelling of English, common
//! names the table does not have, and small typing errors.
//!
//! Never grades, and never hides that an error was forgiven (`Hit::corrected`). Quick enough for every key press.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{TERMS, Term, find};

/// A term that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The term.
    pub term: &'static Term,
    /// How well it fits; of use for comparing hits of one query only.
    pub score: u32,
    /// Where the weakest of the query's words was found.
    pub by: MatchedBy,
    /// A typing error was forgiven.
    pub corrected: bool,
}

/// Where a word of a query was found, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MatchedBy {
    /// In the term.
    Term,
    /// In another name of it.
    Synonym,
    /// In its system organ class.
    Class,
    /// In its definition.
    Definition,
}

/// Names in daily use that are no words of the term they mean.
const SYNONYMS: &[(&str, &str)] = &[
    ("ALT SGPT", "Alanine aminotransferase increased"),
    ("AST SGOT", "Aspartate aminotransferase increased"),
    ("ALP", "Alkaline phosphatase increased"),
    ("bilirubin jaundice hyperbilirubinemia", "Blood bilirubin increased"),
    ("neutropenia", "Neutrophil count decreased"),
    ("thrombocytopenia thrombopenia", "Platelet count decreased"),
    ("leukopenia leucopenia WBC", "White blood cell decreased"),
    ("lymphopenia lymphocytopenia", "Lymphocyte count decreased"),
    ("haemoglobin low", "Anemia"),
    ("tiredness asthenia", "Fatigue"),
    ("weakness", "Generalized muscle weakness"),
    ("hair loss", "Alopecia"),
    ("hot flushes flush", "Hot flashes"),
    ("itching", "Pruritus"),
    ("stomatitis mouth sores ulcers", "Mucositis oral"),
    ("hand foot syndrome HFS PPE", "Palmar-plantar erythrodysesthesia syndrome"),
    ("QTc QT long", "Electrocardiogram QT corrected interval prolonged"),
    ("pulmonary embolism PE deep vein thrombosis DVT VTE clot", "Thromboembolic event"),
    ("shortness of breath breathlessness SOB", "Dyspnea"),
    ("joint pain", "Arthralgia"),
    ("muscle pain", "Myalgia"),
    ("loss of appetite", "Anorexia"),
    ("taste change", "Dysgeusia"),
    ("trouble sleeping sleeplessness", "Insomnia"),
    ("radiodermatitis radiation burn skin reaction", "Dermatitis radiation"),
    ("ILD interstitial lung disease radiation", "Pneumonitis"),
    ("pathological broken bone rib", "Fracture"),
    ("shingles herpes zoster", "Shingles"),
    ("UTI cystitis", "Urinary tract infection"),
    ("chest infection pneumonia", "Lung infection"),
    ("throwing up emesis", "Vomiting"),
    ("low mood", "Depression"),
    ("numbness tingling neuropathy", "Peripheral sensory neuropathy"),
    ("high blood pressure", "Hypertension"),
    ("low blood pressure", "Hypotension"),
    ("temperature pyrexia", "Fever"),
    ("hyperglycaemia high blood sugar", "Hyperglycemia"),
    ("stroke CVA", "Stroke"),
    ("heart attack MI", "Myocardial infarction"),
    ("flare pain", "Tumor pain"),
    ("renal failure kidney", "Acute kidney injury"),
    ("oesophageal inflammation", "Esophagitis"),
];

/// A word of the table in plain spelling, and where it stands.
struct Word {
    text: String,
    letters: u32,
    places: Vec<(usize, MatchedBy)>,
}

struct Index {
    words: Vec<Word>,
    /// Each term in plain spelling, and how many words it has.
    terms: Vec<(String, u32)>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut words: Vec<Word> = Vec::new();
    let mut put = |text: &str, term: usize, by: MatchedBy| {
        for text in plain(text) {
            let place = *at.entry(text.clone()).or_insert_with(|| {
                words.push(Word { letters: letters(&text), text, places: Vec::new() });
                words.len() - 1
            });
            let places = &mut words[place].places;
            if !places.iter().any(|(known, before)| *known == term && *before <= by) {
                places.push((term, by));
            }
        }
    };
    for (index, term) in TERMS.iter().enumerate() {
        put(&term.term, index, MatchedBy::Term);
        put(&term.class, index, MatchedBy::Class);
        put(&term.definition, index, MatchedBy::Definition);
    }
    for (names, term) in SYNONYMS {
        if let Some(index) = find(term).and_then(|known| TERMS.iter().position(|term| term == known)) {
            put(names, index, MatchedBy::Synonym);
        }
    }
    let whole = |term: &Term| {
        let words = plain(&term.term);
        (words.join(" "), u32::try_from(words.len()).unwrap_or(u32::MAX))
    };
    Index { words, terms: TERMS.iter().map(whole).collect() }
});

/// The words of a text, lower case, in American spelling: the table's own.
fn plain(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(american).collect()
}

/// British spellings of medicine, one way for the table and for what is typed: what either does to a word that has the
/// letters by chance does no harm.
fn american(word: &str) -> String {
    const SPELLINGS: [(&str, &str); 11] = [
        ("ae", "e"),
        ("oe", "e"),
        ("our", "or"),
        ("isation", "ization"),
        ("ised", "ized"),
        ("lyse", "lyze"),
        ("sulph", "sulf"),
        ("leuco", "leuko"),
        ("centre", "center"),
        ("fibre", "fiber"),
        ("ageing", "aging"),
    ];
    let mut word = word.to_owned();
    for (british, american) in SPELLINGS {
        if word.contains(british) {
            word = word.replace(british, american);
        }
    }
    word
}

/// Which letters a word has, a bit each: words that differ in many are no misspellings of each other.
fn letters(word: &str) -> u32 {
    word.bytes().filter(u8::is_ascii_lowercase).fold(0, |set, letter| set | 1 << (letter - b'a'))
}

/// How well `typed` fits `word`, up to 100; and whether an error was forgiven.
fn fit(typed: &str, typed_letters: u32, word: &Word, by: MatchedBy) -> Option<(u32, bool)> {
    let text = word.text.as_str();
    if text == typed {
        return Some((100, false));
    }
    if text.starts_with(typed) {
        // A whole word is more than its beginning, and the more of it was typed the better.
        let share = typed.len() * 20 / text.len();
        return Some((70 + u32::try_from(share).unwrap_or(0), false));
    }
    if by == MatchedBy::Definition || by == MatchedBy::Class {
        return None;
    }
    if typed.len() >= 4 && text.contains(typed) {
        return Some((45, false));
    }
    let allowed: usize = match typed.chars().count() {
        0..=3 => return None,
        4..=7 => 1,
        _ => 2,
    };
    // An error changes two letters of the set at most; letters still to be typed do not count.
    if (typed_letters & !word.letters).count_ones() as usize > allowed {
        return None;
    }
    let length = typed.chars().count();
    let ends = [length - 1, length, length + 1].into_iter().filter_map(|end| text.get(..end));
    let distance = ends.chain([text]).map(|text| strsim::osa_distance(typed, text)).min()?;
    let whole = if strsim::osa_distance(typed, text) == distance { 10 } else { 0 };
    (distance <= allowed).then(|| (40 + whole - 12 * u32::try_from(distance).unwrap_or(2), true))
}

fn weight(by: MatchedBy) -> u32 {
    match by {
        MatchedBy::Term => 10,
        MatchedBy::Synonym => 9,
        MatchedBy::Class => 2,
        MatchedBy::Definition => 1,
    }
}

/// The best fit of one typed word to each term.
fn fits(typed: &str) -> HashMap<usize, (u32, MatchedBy, bool)> {
    let of_typed = letters(typed);
    let mut best: HashMap<usize, (u32, MatchedBy, bool)> = HashMap::new();
    for word in &INDEX.words {
        for by in [MatchedBy::Term, MatchedBy::Class] {
            // A word is held against what was typed once for those places that forgive errors and once for the others.
            let strict = by == MatchedBy::Class;
            let places = || word.places.iter().filter(move |(_, by)| (*by >= MatchedBy::Class) == strict);
            if places().next().is_none() {
                continue;
            }
            let Some((fit, corrected)) = fit(typed, of_typed, word, by) else { continue };
            for (term, by) in places() {
                let score = fit * weight(*by);
                let known = best.entry(*term).or_insert((0, *by, corrected));
                if score > known.0 {
                    *known = (score, *by, corrected);
                }
            }
        }
    }
    best
}

/// The terms that fit `query`, best first, at most `limit`. Every word of the query must be found in a term; an empty query
/// finds nothing.
pub fn search(query: &str, limit: usize) -> Vec<Hit> {
    // Nobody types more; the rest would only cost time.
    let words: Vec<String> = plain(query).into_iter().filter(|word| word.len() <= 60).take(8).collect();
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let mut found = fits(first);
    for word in rest {
        let more = fits(word);
        found = found
            .into_iter()
            .filter_map(|(term, (score, by, corrected))| {
                let (further, also_by, also) = more.get(&term)?;
                Some((term, (score + further, by.max(*also_by), corrected || *also)))
            })
            .collect();
    }
    let typed = words.join(" ");
    let mut hits: Vec<(usize, Hit)> = found
        .into_iter()
        .filter_map(|(index, (score, by, corrected))| {
            let score = score + bonus(&typed, words.len(), index);
            Some((index, Hit { term: TERMS.get(index)?, score, by, corrected }))
        })
        .collect();
    hits.sort_by_key(|(index, hit)| (std::cmp::Reverse(hit.score), *index));
    hits.into_iter().take(limit).map(|(_, hit)| hit).collect()
}

/// What speaks for a term as a whole: that it is what was typed, begins with it, or has few other words.
fn bonus(typed: &str, words: usize, index: usize) -> u32 {
    let Some((term, length)) = INDEX.terms.get(index) else { return 0 };
    let whole = if term == typed { 2_000 } else { 0 };
    let begins = if term.starts_with(typed) { 150 } else { 0 };
    let others = length.saturating_sub(u32::try_from(words).unwrap_or(0)).min(10);
    whole + begins + 10 * (10 - others)
}

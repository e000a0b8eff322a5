//! The words of the questionnaire's own pages: buttons, progress, what is said when a link opens nothing.
//!
//! Never the text of a question (see `wording`). In another language than English the trial office's file gives every one of them.

use std::collections::BTreeMap;

use jiff::civil::Date;

macro_rules! words {
    ($($name:ident: $english:literal,)*) => {
        /// Each word or sentence; `{n}` and the like are filled in.
        #[derive(Clone, Debug)]
        pub(crate) struct Words {
            $(pub(crate) $name: String,)*
        }

        impl Words {
            /// The English ones.
            pub(crate) fn english() -> Self {
                Self { $($name: $english.to_owned(),)* }
            }

            /// Those of a file, with the English ones where it is in English and gives none. Errors: every fault.
            pub(crate) fn read(mut given: BTreeMap<String, String>, english: bool) -> Result<Self, Vec<String>> {
                let mut faults = Vec::new();
                let words = Self { $($name: word(stringify!($name), $english, given.remove(stringify!($name)), english, &mut faults),)* };
                for name in given.keys() {
                    let meant = meant(name, [$(stringify!($name)),*]);
                    faults.push(format!("words.{name}: there is no such word{meant}"));
                }
                if words.months.split(',').count() != 12 {
                    faults.push(format!("words.months: found {:?}; twelve names with commas between them", words.months));
                }
                if faults.is_empty() { Ok(words) } else { Err(faults) }
            }
        }
    };
}

words! {
    title: "Questionnaire",
    begin: "Begin",
    go_on: "Go on where you stopped",
    neutral: "The questions are on the sheet your hospital gave you. Here you choose the number of each answer.",
    how: "How would you like to answer?",
    one: "One question at a time",
    all: "All questions on one page",
    change_view: "Change how you answer",
    kept_so_far: "You have answered {n} of {of} questions. They are kept for you.",
    keeps: "Your answers are kept as you go. You can stop at any time and go on later with the same link, until {date}.",
    skip_any: "You need not answer a question that you do not wish to answer.",
    progress: "Question {n} of {of}",
    next: "Next",
    back: "Back",
    to_review: "Look at my answers",
    no_answer: "I would rather not answer this",
    required: "This question needs an answer.",
    too_long: "This is too long. Please write less.",
    saving: "Saving…",
    saved: "Saved",
    lost: "There is no connection. Your answer stays on this page and is saved when the connection is back.",
    unchosen: "not answered",
    review: "Your answers",
    review_says: "Please look through your answers. You can change each of them. When you are ready, send them: after that they cannot be changed here.",
    review_open_one: "One question is not answered. You can answer it, or send without it.",
    review_open: "{n} questions are not answered. You can answer them, or send without them.",
    change: "Change",
    send: "Send my answers",
    nothing_yet: "There is no answer yet. Please answer at least one question before you send.",
    look_again: "Some answers need another look before they can be sent.",
    thanks_title: "Thank you",
    thanks: "Your answers have arrived. There is nothing more to do; you can close this page.",
    sent_on: "Sent on {date}.",
    sent_already: "Your answers had arrived already. They were not sent a second time.",
    sending_title: "Your answers are on their way",
    sending: "Please wait a moment and look again.",
    look: "Look again",
    not_yet_title: "It is not time yet",
    not_yet: "You can answer this questionnaire from {date}. Please keep the link and come back then.",
    expired_title: "The time for this questionnaire is over",
    expired: "It can no longer be answered with this link. You need not worry: if you still wish to answer, please call your hospital.",
    unknown_title: "This link opens no questionnaire",
    unknown: "It may have been replaced by a newer one, or not copied as a whole. Please try the latest link you were given, or call your hospital.",
    team_title: "This questionnaire is filled already",
    team: "Your hospital has recorded your answers, so there is nothing to send. If you think this is a mistake, please call your hospital.",
    later_title: "Your answers could not be sent just now",
    later: "They are kept. Please try again in a few minutes with the same link. If it happens again, please call your hospital.",
    broken_title: "This did not work just now",
    broken: "The answers you gave before are kept. Please try again in a few minutes with the same link. If it happens again, please call your hospital.",
    yes: "Yes",
    no: "No",
    skip_to: "Skip to the questions",
    date: "{day} {month} {year}",
    months: "January, February, March, April, May, June, July, August, September, October, November, December",
    handout_title: "Your questionnaire",
    handout_scan: "Point the camera of your telephone at this square, or type the address below it.",
    handout_window: "You can answer from {from} to {to}. It takes a few minutes, and you can stop and go on later.",
    handout_private: "The link is for you alone. Please do not pass it on.",
    message: "Your questionnaire is ready. You can answer it from {from} to {to}: {link}",
}

fn word(name: &str, default: &str, given: Option<String>, english: bool, faults: &mut Vec<String>) -> String {
    let given = given.filter(|text| !text.trim().is_empty());
    let Some(text) = given else {
        if !english {
            faults.push(format!(
                "words.{name}: no text; in another language than English each word is needed ({default:?})"
            ));
        }
        return default.to_owned();
    };
    for (at, _) in default.match_indices('{') {
        let place = &default[at..=at + default[at..].find('}').unwrap_or(0)];
        if !text.contains(place) {
            faults.push(format!("words.{name}: {place} is missing in {text:?}"));
        }
    }
    text
}

/// The nearest of the known names, in words; empty where none is near.
pub(super) fn meant<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let far = |name: &&str| strsim::damerau_levenshtein(found, name);
    let near = known.into_iter().min_by_key(far).filter(|name| far(name) <= 2);
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// A text with its places filled.
pub(crate) fn filled(text: &str, places: &[(&str, &str)]) -> String {
    places.iter().fold(text.to_owned(), |text, (place, with)| text.replace(&format!("{{{place}}}"), with))
}

impl Words {
    /// A day in words.
    pub(crate) fn day(&self, date: Date) -> String {
        let at = usize::try_from(date.month() - 1).unwrap_or(0);
        let month = self.months.split(',').nth(at).unwrap_or_default().trim();
        filled(
            &self.date,
            &[("day", &date.day().to_string()), ("month", month), ("year", &date.year().to_string())],
        )
    }

    /// How many of how many.
    pub(super) fn counted(text: &str, n: usize, of: usize) -> String {
        filled(text, &[("n", &n.to_string()), ("of", &of.to_string())])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_is_written_in_the_words_of_the_file() {
        assert_eq!(Words::english().day(date(2026, 11, 24)), "24 November 2026");
        let given = [
            (
                "months",
                "Januar, Februar, März, April, Mai, Juni, Juli, August, September, Oktober, November, Dezember",
            ),
            ("date", "{day}. {month} {year}"),
        ];
        let given = given.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        assert_eq!(Words::read(given, true).unwrap().day(date(2027, 3, 1)), "1. März 2027");
    }

    #[test]
    fn another_language_needs_every_word() {
        let faults = Words::read(BTreeMap::new(), false).unwrap_err();
        assert!(
            faults.len() > 40 && faults.iter().all(|says| says.contains("in another language than English")),
            "{faults:?}"
        );
        let months = [("months".to_owned(), "one, two".to_owned())].into();
        assert_eq!(
            Words::read(months, true).unwrap_err(),
            ["words.months: found \"one, two\"; twelve names with commas between them"]
        );
    }
}

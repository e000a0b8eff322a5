//! The term that a name of none was meant for: what `protocol::near` finds, without measuring every term of the table.
//!
//! Never gives another answer than `near` does; a test holds one against the other. Asked at each save of a term that CTCAE
//! does not know.

use std::sync::LazyLock;

use super::{TERMS, Term};

/// A name as `near` compares it, and how often it has each letter.
struct Plain {
    text: String,
    length: usize,
    letters: [u16; 32],
}

static PLAIN: LazyLock<Vec<Plain>> =
    LazyLock::new(|| TERMS.iter().map(|term| Plain::of(&term.term)).collect());

impl Plain {
    fn of(name: &str) -> Self {
        let text = name.to_lowercase().replace(['-', ' '], "_");
        let (mut letters, mut length) = ([0; 32], 0);
        for letter in text.chars() {
            length += 1;
            let place = &mut letters[u32::from(letter) as usize % 32];
            *place = u16::saturating_add(*place, 1);
        }
        Self { text, length, letters }
    }

    /// No fewer edits than this lie between the two: each brings at most one letter too few and one too many in order.
    fn at_least(&self, other: &Self) -> usize {
        let (mut few, mut many) = (0, 0);
        for (here, there) in self.letters.iter().zip(&other.letters) {
            few += usize::from(here.saturating_sub(*there));
            many += usize::from(there.saturating_sub(*here));
        }
        few.max(many)
    }

    fn sorted(&self) -> Vec<char> {
        let mut letters: Vec<char> = self.text.chars().collect();
        letters.sort_unstable();
        letters
    }
}

/// The term that `name`, which is none, is most like; none where it is like none of them.
pub fn nearest(name: &str) -> Option<&'static Term> {
    let name = Plain::of(name);
    let like = |edits: usize, other: &Plain| edits * 2 <= name.length.max(other.length);
    let mut near: Vec<(usize, usize)> = PLAIN
        .iter()
        .map(|other| name.at_least(other))
        .enumerate()
        .filter(|(index, least)| like(*least, &PLAIN[*index]))
        .map(|(index, least)| (least, index))
        .collect();
    near.sort_unstable();
    let mut best: Option<((usize, bool), usize)> = None;
    for (least, index) in near {
        if best.is_some_and(|((edits, _), _)| edits < least) {
            break;
        }
        let other = &PLAIN[index];
        let reordered = least == 0 && name.sorted() == other.sorted();
        let edits = strsim::damerau_levenshtein(&name.text, &other.text);
        let edits = if reordered { edits.min(1) } else { edits };
        let found = ((edits, !reordered), index);
        if like(edits, other) && best.is_none_or(|best| found < best) {
            best = Some(found);
        }
    }
    TERMS.get(best?.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::protocol::near;

    fn by_near(name: &str) -> Option<&'static str> {
        near(name, TERMS.iter().map(|term| term.term.as_str()))
    }

    #[rstest]
    #[case::misspelt("Fatige")]
    #[case::reordered("Fatiuge")]
    #[case::words_in_another_order("Oral mucositis")]
    #[case::nothing_like_it("Rash 4711-12-3")]
    #[case::short("ra")]
    #[case::empty("")]
    #[case::no_latin_letter("疲労")]
    #[case::dotted("İleus")]
    fn finds_what_near_finds(#[case] name: &str) {
        assert_eq!(nearest(name).map(|term| term.term.as_str()), by_near(name));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// A term of the table with letters changed, lost, doubled and swapped.
        #[test]
        fn finds_what_near_finds_of_a_term_with_errors(
            index in any::<prop::sample::Index>(),
            errors in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<char>()), 0..8),
        ) {
            let mut letters: Vec<char> = index.get(&TERMS).term.chars().collect();
            for (at, kind, letter) in errors {
                if letters.len() < 2 {
                    break;
                }
                let at = at.index(letters.len() - 1);
                match kind {
                    0 => letters[at] = letter,
                    1 => _ = letters.remove(at),
                    2 => letters.insert(at, letter),
                    _ => letters.swap(at, at + 1),
                }
            }
            let name: String = letters.into_iter().collect();
            prop_assert_eq!(nearest(&name).map(|term| term.term.as_str()), by_near(&name));
        }
    }
}

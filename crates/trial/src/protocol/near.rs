//! The nearest of what is known, for 'did you mean'.
//!
//! Never guesses where nothing is near: a wrong hint is worse than a list.

/// The one of `known` that `name` was probably meant to be; none where nothing is near. Case and the marks between words
/// do not count, letters in another order count little.
pub fn near<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let name = plain(name);
    let letters = sorted(&name);
    known
        .into_iter()
        .filter_map(|candidate| {
            let other = plain(candidate);
            let length = name.chars().count().max(other.chars().count());
            // Farther apart than the lengths allow: not worth the measuring.
            if name.chars().count().abs_diff(other.chars().count()) * 2 > length {
                return None;
            }
            let reordered = sorted(&other) == letters;
            let distance = strsim::damerau_levenshtein(&name, &other);
            let distance = if reordered { distance.min(1) } else { distance };
            (distance * 2 <= length).then_some((candidate, (distance, !reordered)))
        })
        .min_by_key(|(_, rank)| *rank)
        .map(|(candidate, _)| candidate)
}

#[cfg(test)]
mod tests {
    use super::near;
    use rstest::rstest;

    #[rstest]
    #[case("tumor", &["tumour", "ecog"], Some("tumour"))]
    #[case("egoc", &["tumour", "ecog"], Some("ecog"))]
    #[case("PSF", &["TSF", "PFS"], Some("PFS"))]
    #[case("partial date", &["date", "partial_date"], Some("partial_date"))]
    #[case("colour", &["trial", "arms", "forms"], None)]
    #[case("", &["a"], None)]
    #[case("x", &[], None)]
    fn finds_what_was_meant(#[case] name: &str, #[case] known: &[&str], #[case] want: Option<&str>) {
        assert_eq!(near(name, known.iter().copied()), want);
    }
}

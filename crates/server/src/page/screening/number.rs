//! The number that the next subject of a site would get, as the numbers in use suggest.
//!
//! Never gives a number (`office` does, and refuses one that is taken): it proposes, and a person may write another.

use std::collections::BTreeMap;

use trial::id::{SiteId, SubjectId};

/// A number as it is made: what stands before the running number, and how wide that is.
struct Made<'a> {
    before: &'a str,
    digits: usize,
    running: u64,
}

/// A number that ends in digits, which a running number of some eighteen digits at most can be.
fn made(number: &str) -> Option<Made<'_>> {
    let before = number.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = number.get(before.len()..)?;
    let running = digits.parse().ok().filter(|_| (1..=18).contains(&digits.len()))?;
    Some(Made { before, digits: digits.len(), running })
}

/// What stands before most running numbers, with how wide those are and the greatest of them.
fn usual<'a>(numbers: impl Iterator<Item = &'a SubjectId>) -> Option<(&'a str, usize, u64)> {
    let mut ways: BTreeMap<&str, (usize, usize, u64)> = BTreeMap::new();
    for Made { before, digits, running } in numbers.filter_map(|number| made(number.as_str())) {
        let way = ways.entry(before).or_insert((0, digits, 0));
        way.0 += 1;
        if running >= way.2 {
            (way.1, way.2) = (digits, running);
        }
    }
    let (before, (_, digits, greatest)) =
        ways.into_iter().max_by_key(|(_, (times, _, greatest))| (*times, *greatest))?;
    Some((before, digits, greatest))
}

/// `before` with another site's number in the place of its own, where it stands there as a part of its own.
fn moved(before: &str, from: &SiteId, to: &SiteId) -> Option<String> {
    let plain = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    let (at, _) = before.match_indices(from.as_str()).find(|(at, found)| {
        let (left, right) = (&before[..*at], &before[at + found.len()..]);
        !found.is_empty() && plain(left.chars().next_back()) && plain(right.chars().next())
    })?;
    Some(format!("{}{to}{}", &before[..at], &before[at + from.as_str().len()..]))
}

/// The next free number at `site`: one more than the greatest there, made as most there are. Where the site has none, made as at
/// another site with this one's number in its place, or the next of the trial where numbers name no site; else `03-001`.
pub(super) fn next(site: &SiteId, in_use: &[(&SubjectId, &SiteId)]) -> String {
    let here = in_use.iter().filter(|(_, at)| *at == site).map(|(number, _)| *number);
    let (before, digits, last) = match usual(here) {
        Some((before, digits, last)) => (before.to_owned(), digits, last),
        None => elsewhere(site, in_use),
    };
    let taken = |number: &str| in_use.iter().any(|(known, _)| known.as_str() == number);
    let numbers = (1..).map(|more| format!("{before}{:0digits$}", last.saturating_add(more)));
    // Of so many and one more, one is free.
    numbers.take(in_use.len() + 1).find(|number| !taken(number)).unwrap_or_default()
}

fn elsewhere(site: &SiteId, in_use: &[(&SubjectId, &SiteId)]) -> (String, usize, u64) {
    let usual_there = in_use.iter().find_map(|(_, at)| {
        let (before, digits, _) =
            usual(in_use.iter().filter(|(_, other)| other == at).map(|(number, _)| *number))?;
        Some((*at, before, digits))
    });
    match usual_there {
        Some((other, before, digits)) => match moved(before, other, site) {
            Some(before) => (before, digits, 0),
            // Numbers that name no site run through the whole trial.
            None => usual(in_use.iter().map(|(number, _)| *number))
                .map_or((String::new(), digits, 0), |(before, digits, last)| {
                    (before.to_owned(), digits, last)
                }),
        },
        None => (format!("{site}-"), 3, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn proposed(site: &str, in_use: &[(&str, &str)]) -> String {
        let owned: Vec<_> =
            in_use.iter().map(|(number, at)| (SubjectId::from(*number), SiteId::from(*at))).collect();
        next(&site.into(), &owned.iter().map(|(number, at)| (number, at)).collect::<Vec<_>>())
    }

    #[rstest]
    #[case::first_of_all("03", &[], "03-001")]
    #[case::next_of_the_site("03", &[("03-001", "03"), ("03-006", "03"), ("04-009", "04")], "03-007")]
    #[case::wider("03", &[("03-0099", "03")], "03-0100")]
    #[case::past_its_width("03", &[("03-99", "03")], "03-100")]
    #[case::the_trials_own_way("03", &[("AV/03/12", "03")], "AV/03/13")]
    #[case::as_at_another_site("03", &[("AV/01/12", "01"), ("AV/01/13", "01")], "AV/03/01")]
    #[case::no_site_in_it("03", &[("AV0101", "01"), ("AV0102", "02")], "AV0103")]
    #[case::one_that_is_odd("03", &[("03-001", "03"), ("03-002", "03"), ("SMITH", "03"), ("X-900", "03")], "03-003")]
    #[case::taken_by_another_site("03", &[("03-001", "03"), ("03-002", "04")], "03-003")]
    #[case::a_site_that_looks_like_a_part("1", &[("S11-01", "11")], "S11-02")]
    #[case::too_long_to_count("03", &[("99999999999999999999", "03")], "03-001")]
    fn the_next_number_follows_those_in_use(
        #[case] site: &str,
        #[case] in_use: &[(&str, &str)],
        #[case] want: &str,
    ) {
        assert_eq!(proposed(site, in_use), want);
    }

    proptest! {
        #[test]
        fn what_is_proposed_is_free(
            site in "[A-Z0-9-]{1,4}",
            in_use in proptest::collection::vec(("[A-Z0-9/-]{0,5}[0-9]{0,20}", "[0-9]{1,2}"), 0..12),
        ) {
            let pairs: Vec<_> = in_use.iter().map(|(number, at)| (number.as_str(), at.as_str())).collect();
            let number = proposed(&site, &pairs);
            prop_assert!(!number.is_empty());
            prop_assert!(pairs.iter().all(|(known, _)| *known != number));
        }
    }
}

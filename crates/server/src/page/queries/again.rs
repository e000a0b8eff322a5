//! The names of queries that people raise, and of those that ask again.
//!
//! Never names two queries of a subject alike.

use trial::record::Query;

/// The name of the next query that a person raises about a subject: `R1`, `R2`, ...
pub(crate) fn next(queries: &[Query]) -> String {
    free(queries, |n| format!("R{n}"), 1)
}

/// The name of a query that asks again what `old` asked: `Q12-1` is asked again as `Q12-1.2`, then as `Q12-1.3`.
pub(super) fn after(queries: &[Query], old: &str) -> String {
    let base = base(old);
    free(queries, |n| format!("{base}.{n}"), 2)
}

fn free(queries: &[Query], name: impl Fn(u32) -> String, from: u32) -> String {
    let taken = |name: &str| queries.iter().any(|query| query.id == name);
    (from..=u32::MAX).map(name).find(|name| !taken(name)).unwrap_or_default()
}

/// The first asking of a query.
fn base(id: &str) -> &str {
    match id.rsplit_once('.') {
        Some((base, number)) if !base.is_empty() && number.parse::<u32>().is_ok_and(|number| number > 1) => {
            base
        }
        _ => id,
    }
}

/// The other askings of the same, by the order in which they were raised.
pub(super) fn others<'q>(queries: &'q [Query], id: &'q str) -> impl Iterator<Item = &'q Query> {
    queries.iter().filter(move |query| query.id != id && base(&query.id) == base(id))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use trial::event::Role;
    use trial::record::Mark;

    use super::*;

    fn queries(names: &[&str]) -> Vec<Query> {
        let mark =
            || Mark { who: "m".into(), role: Role::Monitor, recorded: jiff::Timestamp::UNIX_EPOCH, event: 1 };
        let query = |name: &&str| Query {
            id: (*name).into(),
            about: None,
            item: None,
            text: "?".into(),
            due: None,
            raised: mark(),
            answers: vec![],
            closed: None,
        };
        names.iter().map(query).collect()
    }

    #[rstest]
    #[case(&[], "R1")]
    #[case(&["R1", "Q4-1", "R3"], "R2")]
    fn a_query_gets_the_next_free_name(#[case] names: &[&str], #[case] want: &str) {
        assert_eq!(next(&queries(names)), want);
    }

    #[rstest]
    #[case(&["Q4-1"], "Q4-1", "Q4-1.2")]
    #[case(&["Q4-1", "Q4-1.2"], "Q4-1", "Q4-1.3")]
    #[case(&["Q4-1", "Q4-1.2"], "Q4-1.2", "Q4-1.3")]
    #[case(&["a.b"], "a.b", "a.b.2")]
    #[case(&["v.1"], "v.1", "v.1.2")]
    fn asked_again_it_names_the_old(#[case] names: &[&str], #[case] old: &str, #[case] want: &str) {
        let queries = queries(names);
        let name = after(&queries, old);
        assert_eq!(name, want);
        assert!(others(&queries, &name).any(|query| query.id == old));
    }
}

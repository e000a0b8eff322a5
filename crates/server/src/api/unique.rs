//! JSON in which no object names a member twice: of two values for one item nobody could say which was meant (RFC 8259, section 4).
//!
//! Never gives the values: it is read beside them, and only says whether they are plain.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Any JSON that names no member twice.
pub(super) struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Looks)
    }
}

struct Looks;

impl<'de> Visitor<'de> for Looks {
    type Value = Unique;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_unit<E: Error>(self) -> Result<Unique, E> {
        Ok(Unique)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                members.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom(format!(
                    "the member {name:?} is there twice; once would be right"
                )));
            }
            names.insert(name);
            members.next_value::<Unique>()?;
        }
        Ok(Unique)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{ "A": 1, "B": [{ "A": 2 }, { "A": null }, -1, 2.5, true, "x"] }"#, true)]
    #[case(r#"{ "A": 1, "A": 1 }"#, false)]
    #[case(r#"{ "A": 1, "\u0041": 2 }"#, false)]
    #[case(r#"{ "L": [{ "A": 1, "A": 2 }] }"#, false)]
    #[case(r#"{ "A": { "B": 1, "B": 2 } }"#, false)]
    fn a_member_that_is_there_twice_is_found(#[case] text: &str, #[case] want: bool) {
        assert_eq!(serde_json::from_str::<Unique>(text).is_ok(), want);
    }

    proptest! {
        /// Whatever is no JSON is refused here as by serde, and what is read there is read here.
        #[test]
        fn it_reads_what_is_json(text in r#"[\[\]{}:," 0-9a-z.\\-]{0,24}"#) {
            let (unique, value) = (serde_json::from_str::<Unique>(&text), serde_json::from_str::<serde_json::Value>(&text));
            prop_assert!(value.is_ok() || unique.is_err());
        }
    }
}

//! Canonical JSON (RFC 8785): one value, one sequence of bytes.
//!
//! Never interprets a value. A serialiser of our own, since the library takes longer over an event than the database does; a
//! property test holds it to `serde_json_canonicalizer`, byte for byte.

use std::io;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Number, Serializer as JsonSerializer, Value, ser::Formatter};

/// The largest whole number that JSON carries without loss (RFC 8785, section 3.2.2.3; I-JSON, RFC 7493): 2^53 - 1.
pub(crate) const LARGEST_INTEGER: u64 = (1 << 53) - 1;
/// How deep arrays and objects may nest. A reader gives up at 128; half of that leaves room for what wraps an event.
pub(crate) const DEEPEST: usize = 64;

/// The canonical bytes of `value`, or in words why it has none that would be read back as the same value.
pub(crate) fn bytes(value: &Value) -> Result<Vec<u8>, String> {
    admissible(value, 1)?;
    let mut bytes = Vec::with_capacity(512);
    Sorted(value)
        .serialize(&mut JsonSerializer::with_formatter(&mut bytes, EcmaScriptNumbers))
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Whether `bytes` are the canonical form of the JSON they hold; the value they hold when they are.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("no JSON: {error}"))?;
    let canonical = self::bytes(&value)?;
    if canonical == bytes {
        return Ok(value);
    }
    let at = canonical.iter().zip(bytes).take_while(|(a, b)| a == b).count();
    Err(format!("JSON that is not in canonical form from byte {at} on"))
}

fn admissible(value: &Value, depth: usize) -> Result<(), String> {
    match value {
        Value::Number(number) if !survives(number) => Err(format!(
            "the whole number {number}, beyond the {LARGEST_INTEGER} that JSON carries without loss"
        )),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Number(_) => Ok(()),
        Value::Array(_) | Value::Object(_) if depth > DEEPEST => {
            Err(format!("arrays and objects nested deeper than {DEEPEST}"))
        }
        Value::Array(items) => items.iter().try_for_each(|item| admissible(item, depth + 1)),
        Value::Object(members) => members.values().try_for_each(|member| admissible(member, depth + 1)),
    }
}

/// Whether a number is the same after it was written and read. A whole float below 1e21 is written as plain digits, hence read
/// as an integer, and is held to the bound of integers; from 1e21 on it is written with an exponent and stays a float.
fn survives(number: &Number) -> bool {
    if let Some(integer) = number.as_i64().map(i64::unsigned_abs).or(number.as_u64()) {
        return integer <= LARGEST_INTEGER;
    }
    number.as_f64().is_some_and(|x| x.fract() != 0.0 || x.abs() <= LARGEST_INTEGER as f64 || x.abs() >= 1e21)
}

/// A value whose objects are written in the order of their names' UTF-16 code units (RFC 8785, section 3.2.3).
struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => {
                let mut sequence = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    sequence.serialize_element(&Sorted(item))?;
                }
                sequence.end()
            }
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, member) in members {
                    map.serialize_entry(name, &Sorted(member))?;
                }
                map.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// Numbers as ECMAScript writes them (RFC 8785, section 3.2.2.3). Whole numbers that got past `admissible` are the same in both.
struct EcmaScriptNumbers;

impl Formatter for EcmaScriptNumbers {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format_finite(value).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// JSON values of every shape, with names that sort differently in UTF-8 and UTF-16.
    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1_i64 << 53) + 1..1 << 53).prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no such number", |x| Number::from_f64(*x)
                    .is_some_and(|n| survives(&n)))
                .prop_map(Value::from),
            (-1e9..1e9).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x20\"\\\\/\u{7f}\u{2028}é😀\u{e000}]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(("[a-cé\u{fb33}😀\u{e000}\\x00-\\x1f\"]{0,3}", inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_the_library(value in any_value()) {
            let expected = serde_json_canonicalizer::to_vec(&value).unwrap();
            let found = bytes(&value).unwrap();
            prop_assert_eq!(String::from_utf8(found).unwrap(), String::from_utf8(expected).unwrap());
        }

        #[test]
        fn canonical_bytes_are_read_as_canonical(value in any_value()) {
            let written = bytes(&value).unwrap();
            let read = parse(&written).map_err(TestCaseError::fail)?;
            prop_assert_eq!(bytes(&read).unwrap(), written);
        }
    }

    /// The example of RFC 8785, section 3.2.2, with the canonical form given in section 3.2.4.
    #[test]
    fn the_example_of_the_standard() {
        let value: Value = serde_json::from_str(
            r#"{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
                "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
                "literals": [null, true, false]}"#,
        )
        .unwrap();
        let expected = r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#;
        assert_eq!(String::from_utf8(bytes(&value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn what_would_not_survive_is_refused() {
        assert!(bytes(&json!({ "n": 9_007_199_254_740_993_u64 })).unwrap_err().contains("9007199254740993"));
        assert!(bytes(&json!([1e17])).unwrap_err().contains("whole number"));
        assert!(bytes(&json!([1e21, -1e300, 0.1])).is_ok());
        let deep = (0..=DEEPEST).fold(json!(1), |inner, _| json!([inner]));
        assert!(bytes(&deep).unwrap_err().contains("nested deeper"));
    }

    #[test]
    fn another_way_of_writing_the_same_is_not_canonical() {
        for text in
            [r#"{"b":1,"a":2}"#, r#"{"a": 1}"#, r#"{"a":1.0}"#, r#"{"a":1,"a":1}"#, r#"{"a":"A"}"#, "{"]
        {
            let written = text.replace("\"A\"", "\"\\u0041\"");
            assert!(parse(written.as_bytes()).is_err(), "{written}");
        }
    }
}

//! Events on their way in (`Draft`) and as they are kept (`Stored`).
//!
//! Never interprets an event beyond the three members the ledger indexes: `subject`, `kind`, `recorded`. See `canonical` for
//! the bytes.

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::canonical;
use crate::chain::{Hash, Seq};
use crate::error::{Error, Result};

/// The largest event, in bytes of canonical JSON. `SQLite` puts a gigabyte on what it returns at once; a block of `all` is 512 events.
pub const LARGEST_EVENT: usize = 1 << 20;

/// The longest name of a subject or a kind, in bytes. `PostgreSQL` keeps no more than some 2,700 in an index.
pub(crate) const LONGEST_NAME: usize = 1024;

/// An event to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// A JSON object with `kind` (a string of 1 to 1,024 bytes), `recorded` (RFC 3339) and, where it speaks of one, `subject` (a string
    /// likewise; null is as good as absent). Whatever else it holds is stored as it is.
    pub event: Value,
    /// The last event of the subject that the writer had seen, 0 for none. If another one came in between, the append is refused
    /// with [`Error::Conflict`]. None: whatever came in between. Not looked at for an event without a subject.
    pub expect: Option<Seq>,
}

impl Draft {
    /// An event that is appended whatever came in between.
    pub fn new(event: Value) -> Self {
        Self { event, expect: None }
    }

    /// The same event, refused if the last one of its subject is not `seq` (0: none).
    #[must_use]
    pub fn expecting(self, seq: Seq) -> Self {
        Self { expect: Some(seq), ..self }
    }
}

/// An event as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place.
    pub seq: Seq,
    /// Its hash, over the previous event's hash and `bytes`.
    pub hash: Hash,
    /// Its canonical JSON.
    pub bytes: Bytes,
}

impl Stored {
    /// The event as a type of the caller's.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.bytes)
            .map_err(|error| Error::Unreadable { seq: self.seq, found: error.to_string() })
    }

    /// The event as JSON.
    pub fn event(&self) -> Result<Value> {
        self.parse()
    }
}

/// The members of an event by which the ledger finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub subject: Option<String>,
    pub kind: String,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub recorded: i64,
}

impl Index {
    pub fn of(event: &Value) -> Result<Self> {
        let Value::Object(members) = event else {
            return Err(Error::Event {
                found: "it is not a JSON object".to_owned(),
                right: "an event is an object",
            });
        };
        let kind = name(members.get("kind"), "kind")?;
        let subject = match members.get("subject") {
            None | Some(Value::Null) => None,
            given => Some(name(given, "subject")?),
        };
        let recorded = members.get("recorded").and_then(Value::as_str);
        let nanoseconds = recorded
            .and_then(|text| text.parse::<Timestamp>().ok())
            .and_then(|moment| i64::try_from(moment.as_nanosecond()).ok());
        let Some(recorded) = nanoseconds else {
            return Err(Error::Event {
                found: format!(
                    "`recorded` is {}",
                    members.get("recorded").map_or("absent".to_owned(), Value::to_string)
                ),
                right: "it is a moment of the years 1678 to 2261 in RFC 3339, such as \"2026-03-04T10:11:12Z\"",
            });
        };
        Ok(Self { subject, kind, recorded })
    }
}

fn name(member: Option<&Value>, what: &str) -> Result<String> {
    match member {
        Some(Value::String(text)) if (1..=LONGEST_NAME).contains(&text.len()) && !text.contains('\0') => {
            Ok(text.clone())
        }
        other => Err(Error::Event {
            found: match other {
                None => format!("`{what}` is absent"),
                Some(Value::String(text)) if text.len() > LONGEST_NAME => {
                    format!("`{what}` has {} bytes", text.len())
                }
                Some(other) => format!("`{what}` is {other}"),
            },
            right: "it is a string of 1 to 1,024 bytes without NUL characters",
        }),
    }
}

/// A draft that was found fit to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub index: Index,
    pub bytes: Bytes,
    pub expect: Option<Seq>,
}

impl Prepared {
    pub fn new(draft: &Draft) -> Result<Self> {
        let index = Index::of(&draft.event)?;
        let bytes = canonical::bytes(&draft.event).map_err(|found| Error::Event {
            found: format!("it holds {found}"),
            right: "write it in another way, as text",
        })?;
        if bytes.len() > LARGEST_EVENT {
            return Err(Error::Event {
                found: format!("it has {} bytes", bytes.len()),
                right: "an event has a mebibyte (1,048,576 bytes) at most",
            });
        }
        Ok(Self { index, bytes: bytes.into(), expect: draft.expect })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!([]), "object")]
    #[case(json!({"recorded": "2026-01-01T00:00:00Z"}), "`kind` is absent")]
    #[case(json!({"kind": "", "recorded": "2026-01-01T00:00:00Z"}), "`kind` is \"\"")]
    #[case(json!({"kind": 3, "recorded": "2026-01-01T00:00:00Z"}), "`kind` is 3")]
    #[case(json!({"kind": "k"}), "`recorded` is absent")]
    #[case(json!({"kind": "k", "recorded": "2026-01-01"}), "`recorded` is \"2026-01-01\"")]
    #[case(json!({"kind": "k", "recorded": "1066-10-14T09:00:00Z"}), "1066")]
    #[case(json!({"kind": "k", "recorded": "2026-01-01T00:00:00Z", "subject": 7}), "`subject` is 7")]
    #[case(json!({"kind": "k", "recorded": "2026-01-01T00:00:00Z", "subject": "a\0b"}), "`subject` is")]
    #[case(json!({"kind": "k", "recorded": "2026-01-01T00:00:00Z", "subject": "é".repeat(513)}), "`subject` has 1026 bytes")]
    #[case(json!({"kind": "k", "recorded": "2026-01-01T00:00:00Z", "x": 18_446_744_073_709_551_615_u64}), "18446744073709551615")]
    #[case(json!({"kind": "k", "recorded": "2026-01-01T00:00:00Z", "x": "x".repeat(LARGEST_EVENT)}), "bytes")]
    fn a_wrong_event_is_told_what_is_wrong(#[case] event: Value, #[case] words: &str) {
        let error = Prepared::new(&Draft::new(event)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn the_index_is_taken_from_the_event() {
        let event = json!({"kind": "k", "recorded": "1970-01-01T01:00:00.000000001+01:00", "subject": "s"});
        let expected = Index { subject: Some("s".to_owned()), kind: "k".to_owned(), recorded: 1 };
        assert_eq!(Index::of(&event).unwrap(), expected);
        assert_eq!(
            Index::of(&json!({"kind": "k", "recorded": "1970-01-01T00:00:00Z", "subject": null}))
                .unwrap()
                .subject,
            None
        );
    }
}

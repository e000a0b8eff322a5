//! How a ledger lies in its `SQLite` file.
//!
//! Never changes what was written: there is no `UPDATE` and no `DELETE` in this crate, and triggers refuse both, and gaps. See `verify`
//! for how this is checked to be still so.

/// Marks the file as a ledger (`PRAGMA application_id`): the letters `TWLG`.
pub(crate) const APPLICATION: i64 = 0x5457_4c47;
/// The format (`PRAGMA user_version`).
pub(crate) const FORMAT: i64 = 1;

/// Every object of the schema: type, name, the statement that makes it.
///
/// `events.recorded` is in nanoseconds since 1970 UTC, so that it sorts. The index by subject ends in the sequence, so that a
/// subject's events come in order; they are looked up in the table, which costs less than storing every event twice.
pub(crate) const OBJECTS: [(&str, &str, &str); 10] = [
    (
        "table",
        "events",
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, subject TEXT, kind TEXT NOT NULL, recorded INTEGER NOT NULL, \
         bytes BLOB NOT NULL, hash BLOB NOT NULL) STRICT",
    ),
    ("index", "events_by_subject", "CREATE INDEX events_by_subject ON events (subject, seq)"),
    ("index", "events_by_kind", "CREATE INDEX events_by_kind ON events (kind, seq)"),
    (
        "table",
        "checkpoints",
        "CREATE TABLE checkpoints (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT",
    ),
    // `REPLACE` deletes without a word to the triggers on deletion, hence a guard on insertion too.
    (
        "trigger",
        "events_follow_on",
        "CREATE TRIGGER events_follow_on BEFORE INSERT ON events \
         WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events) \
         BEGIN SELECT RAISE(ABORT, 'an event takes the next place and no other'); END",
    ),
    (
        "trigger",
        "checkpoints_follow_on",
        "CREATE TRIGGER checkpoints_follow_on BEFORE INSERT ON checkpoints \
         WHEN NEW.number <> (SELECT coalesce(max(number), 0) + 1 FROM checkpoints) \
         BEGIN SELECT RAISE(ABORT, 'a checkpoint takes the next number and no other'); END",
    ),
    (
        "trigger",
        "events_are_not_updated",
        "CREATE TRIGGER events_are_not_updated BEFORE UPDATE ON events \
         BEGIN SELECT RAISE(ABORT, 'an event is never changed: append a correction'); END",
    ),
    (
        "trigger",
        "events_are_not_deleted",
        "CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events \
         BEGIN SELECT RAISE(ABORT, 'an event is never deleted: append a correction'); END",
    ),
    (
        "trigger",
        "checkpoints_are_not_updated",
        "CREATE TRIGGER checkpoints_are_not_updated BEFORE UPDATE ON checkpoints \
         BEGIN SELECT RAISE(ABORT, 'a checkpoint is never changed'); END",
    ),
    (
        "trigger",
        "checkpoints_are_not_deleted",
        "CREATE TRIGGER checkpoints_are_not_deleted BEFORE DELETE ON checkpoints \
         BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END",
    ),
];

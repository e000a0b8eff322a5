//! How a ledger lies in a schema of a `PostgreSQL` database, and the steps by which it came to lie so.
//!
//! Never changes what was written: triggers refuse `UPDATE`, `DELETE`, `TRUNCATE`, and gaps, from the owner of the tables too. See
//! `verify::inspect` for how this is checked to be still so.

/// The format that the last step leads to.
pub(crate) const FORMAT: i64 = 1;

/// Each format, and the statements that lead to it from the one before. A step that was released is never changed: a new one is added.
pub(crate) const MIGRATIONS: &[(i64, &[&str])] = &[(FORMAT, FIRST)];

/// What a later program adds to, and an earlier one looks at before it touches anything.
pub(crate) const FORMATS: &str = "CREATE TABLE ledger_formats (format bigint PRIMARY KEY, \
                                  made timestamp with time zone NOT NULL DEFAULT now())";

macro_rules! follows_on {
    ($table:literal, $place:literal, $message:literal) => {
        concat!(
            "\nDECLARE\n  earliest bigint;\n  latest bigint;\n  added_rows bigint;\nBEGIN\n  SELECT min(",
            $place,
            "), max(",
            $place,
            "), count(*) INTO earliest, latest, added_rows FROM added;\n  IF added_rows > 0 AND (latest - earliest + 1 <> added_rows OR \
             (earliest <> 1 AND NOT EXISTS (SELECT FROM ",
            $table,
            " WHERE ",
            $place,
            " = earliest - 1))) THEN\n    RAISE EXCEPTION '",
            $message,
            "' USING ERRCODE = 'integrity_constraint_violation';\n  END IF;\n  RETURN NULL;\nEND\n"
        )
    };
}

macro_rules! events_follow_on {
    () => {
        follows_on!("events", "seq", "an event takes the next place and no other")
    };
}

macro_rules! checkpoints_follow_on {
    () => {
        follows_on!("checkpoints", "number", "a checkpoint takes the next number and no other")
    };
}

macro_rules! nothing_changes {
    () => {
        "\nBEGIN\n  RAISE EXCEPTION 'what a ledger holds is never changed and never deleted: append a correction' \
         USING ERRCODE = 'integrity_constraint_violation';\nEND\n"
    };
}

macro_rules! function {
    ($name:literal, $body:expr) => {
        concat!(
            "CREATE FUNCTION ",
            $name,
            "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $ledger$",
            $body,
            "$ledger$"
        )
    };
}

/// `events.recorded` is in nanoseconds since 1970 UTC. Text is compared by its bytes, whatever the language of the database.
///
/// The triggers fire for the owner and for what replicates into the database too (`ENABLE ALWAYS`). The trigger on insertion looks at
/// all rows of a statement at once: the places are unique, so that one which follows on an existing one, or is the first, leaves no gap.
const FIRST: &[&str] = &[
    "CREATE TABLE events (seq bigint PRIMARY KEY, subject text COLLATE \"C\", kind text COLLATE \"C\" NOT NULL, \
     recorded bigint NOT NULL, bytes bytea NOT NULL, hash bytea NOT NULL)",
    "CREATE INDEX events_by_subject ON events (subject, seq)",
    "CREATE INDEX events_by_kind ON events (kind, seq)",
    "CREATE TABLE checkpoints (number bigint PRIMARY KEY, bytes bytea NOT NULL)",
    function!("events_follow_on", events_follow_on!()),
    function!("checkpoints_follow_on", checkpoints_follow_on!()),
    function!("nothing_changes", nothing_changes!()),
    "CREATE TRIGGER events_follow_on AFTER INSERT ON events REFERENCING NEW TABLE AS added \
     FOR EACH STATEMENT EXECUTE FUNCTION events_follow_on()",
    "CREATE TRIGGER checkpoints_follow_on AFTER INSERT ON checkpoints REFERENCING NEW TABLE AS added \
     FOR EACH STATEMENT EXECUTE FUNCTION checkpoints_follow_on()",
    "CREATE TRIGGER events_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON events \
     FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes()",
    "CREATE TRIGGER checkpoints_are_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints \
     FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes()",
    "ALTER TABLE events ENABLE ALWAYS TRIGGER events_follow_on",
    "ALTER TABLE events ENABLE ALWAYS TRIGGER events_are_not_changed",
    "ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_follow_on",
    "ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_are_not_changed",
];

/// Every object of the schema: kind, name, what [`DESCRIPTION`] says of it.
pub(crate) const OBJECTS: [(&str, &str, &str); 15] = [
    (
        "table",
        "events",
        "permanent: seq bigint not null, subject text collate \"C\", kind text collate \"C\" not null, \
         recorded bigint not null, bytes bytea not null, hash bytea not null",
    ),
    ("table", "checkpoints", "permanent: number bigint not null, bytes bytea not null"),
    ("constraint", "events_pkey", "PRIMARY KEY (seq)"),
    ("constraint", "checkpoints_pkey", "PRIMARY KEY (number)"),
    ("index", "events_pkey", "CREATE UNIQUE INDEX events_pkey ON events USING btree (seq)"),
    ("index", "events_by_subject", "CREATE INDEX events_by_subject ON events USING btree (subject, seq)"),
    ("index", "events_by_kind", "CREATE INDEX events_by_kind ON events USING btree (kind, seq)"),
    ("index", "checkpoints_pkey", "CREATE UNIQUE INDEX checkpoints_pkey ON checkpoints USING btree (number)"),
    (
        "trigger",
        "events_follow_on",
        "always: CREATE TRIGGER events_follow_on AFTER INSERT ON events REFERENCING NEW TABLE AS added \
         FOR EACH STATEMENT EXECUTE FUNCTION events_follow_on(): events_follow_on",
    ),
    (
        "trigger",
        "checkpoints_follow_on",
        "always: CREATE TRIGGER checkpoints_follow_on AFTER INSERT ON checkpoints REFERENCING NEW TABLE AS added \
         FOR EACH STATEMENT EXECUTE FUNCTION checkpoints_follow_on(): checkpoints_follow_on",
    ),
    (
        "trigger",
        "events_are_not_changed",
        "always: CREATE TRIGGER events_are_not_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON events \
         FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes(): nothing_changes",
    ),
    (
        "trigger",
        "checkpoints_are_not_changed",
        "always: CREATE TRIGGER checkpoints_are_not_changed BEFORE DELETE OR UPDATE OR TRUNCATE ON checkpoints \
         FOR EACH STATEMENT EXECUTE FUNCTION nothing_changes(): nothing_changes",
    ),
    ("function", "events_follow_on", concat!("plpgsql, own search path: ", events_follow_on!())),
    ("function", "checkpoints_follow_on", concat!("plpgsql, own search path: ", checkpoints_follow_on!())),
    ("function", "nothing_changes", concat!("plpgsql, own search path: ", nothing_changes!())),
];

/// What the catalogue says of the tables of the ledger in the schema `$1`, and of all that hangs on them: whatever could change what is
/// written or hide what is read. Rows of kind, name and description. The search path must be that of the ledger's connections.
pub(crate) const DESCRIPTION: &str = r"
WITH tables AS (
  SELECT c.* , c.oid AS id FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = $1 AND c.relname IN ('events', 'checkpoints')
), columns AS (
  SELECT a.attrelid, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || CASE WHEN l.collname IS NULL OR l.collname = 'default' THEN '' ELSE ' collate ' || quote_ident(l.collname) END
    || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || CASE WHEN a.atthasdef THEN ' with a default' ELSE '' END, ', ' ORDER BY a.attnum) AS list
  FROM pg_attribute a LEFT JOIN pg_collation l ON l.oid = a.attcollation
  WHERE a.attrelid IN (SELECT id FROM tables) AND a.attnum > 0 AND NOT a.attisdropped GROUP BY a.attrelid
)
SELECT 'table', t.relname::text,
  CASE t.relpersistence WHEN 'p' THEN 'permanent' ELSE 'not permanent' END
  || CASE t.relkind WHEN 'r' THEN '' ELSE ', of kind ' || t.relkind::text END
  || CASE WHEN t.relrowsecurity THEN ', with row security' ELSE '' END
  || CASE WHEN EXISTS (SELECT FROM pg_inherits WHERE inhparent = t.id OR inhrelid = t.id) THEN ', with heirs' ELSE '' END
  || ': ' || coalesce(c.list, '')
FROM tables t LEFT JOIN columns c ON c.attrelid = t.id
UNION ALL
SELECT 'constraint', conname::text, pg_get_constraintdef(oid, true)
FROM pg_constraint WHERE conrelid IN (SELECT id FROM tables) AND contype <> 'n'
UNION ALL
SELECT 'index', i.relname::text, pg_get_indexdef(x.indexrelid, 0, true)
  || CASE WHEN x.indisvalid AND x.indisready THEN '' ELSE ' (not valid)' END
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid IN (SELECT id FROM tables)
UNION ALL
SELECT 'trigger', g.tgname::text,
  CASE g.tgenabled WHEN 'A' THEN 'always' WHEN 'O' THEN 'not always' WHEN 'R' THEN 'on replicas' ELSE 'disabled' END
  || ': ' || pg_get_triggerdef(g.oid, true) || ': ' || p.proname
  || CASE WHEN p.pronamespace = t.relnamespace THEN '' ELSE ' of another schema' END
FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid JOIN tables t ON t.id = g.tgrelid WHERE NOT g.tgisinternal
UNION ALL
SELECT 'function', p.proname::text, l.lanname || ', '
  || CASE WHEN p.proconfig = ARRAY['search_path=' || current_setting('search_path')] THEN 'own search path'
     ELSE coalesce(array_to_string(p.proconfig, ', '), 'no search path') END
  || CASE WHEN p.prosecdef THEN ', as its owner' ELSE '' END || ': ' || p.prosrc
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.oid IN (SELECT tgfoid FROM pg_trigger WHERE tgrelid IN (SELECT id FROM tables) AND NOT tgisinternal)
  OR (p.pronamespace IN (SELECT relnamespace FROM tables)
      AND p.proname IN ('events_follow_on', 'checkpoints_follow_on', 'nothing_changes'))
UNION ALL
SELECT 'rule', rulename::text, pg_get_ruledef(oid, true) FROM pg_rewrite WHERE ev_class IN (SELECT id FROM tables)
UNION ALL
SELECT 'policy', polname::text, 'row security' FROM pg_policy WHERE polrelid IN (SELECT id FROM tables)";

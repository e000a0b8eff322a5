//! The bodies that are sent and answered, as JSON Schema 2020-12.
//!
//! Never guessed at: a test holds every answer against its schema, and would find a member that is missing here.

use serde_json::{Map, Value, json};

/// Every schema by its name.
pub(super) fn schemas() -> Map<String, Value> {
    [whole_trial(), subjects(), following(), forms(), queries(), fhir(), problems()]
        .into_iter()
        .flatten()
        .collect()
}

type Schemas = Vec<(String, Value)>;

fn text(says: &str) -> Value {
    json!({ "type": "string", "description": says })
}

fn number(says: &str) -> Value {
    json!({ "type": "integer", "description": says })
}

fn truth(says: &str) -> Value {
    json!({ "type": "boolean", "description": says })
}

fn day(says: &str) -> Value {
    json!({ "type": "string", "format": "date", "description": says })
}

fn moment(says: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": says })
}

fn partial(says: &str) -> Value {
    json!({ "type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", "description": says })
}

fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[allow(clippy::needless_pass_by_value)] // each is made where it is handed in
fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

#[allow(clippy::needless_pass_by_value)] // each is made where it is handed in
fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// An object all of whose members are always there.
fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let required: Vec<_> = members.iter().map(|(name, _)| json!(name)).collect();
    let properties: Map<_, _> = members.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

/// The same, of which these may be left out.
fn some_of<const N: usize>(members: [(&str, Value); N], may_lack: &[&str]) -> Value {
    let mut schema = object(members);
    if let Some(required) = schema["required"].as_array_mut() {
        required.retain(|name| !may_lack.iter().any(|lacking| name == lacking));
    }
    schema
}

fn named<const N: usize>(schemas: [(&str, Value); N]) -> Schemas {
    schemas.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

const ROLES: [&str; 10] = [
    "site_coordinator",
    "investigator",
    "radiation_oncologist",
    "monitor",
    "data_manager",
    "statistician",
    "safety_committee",
    "trial_office",
    "patient",
    "system",
];

fn whole_trial() -> Schemas {
    named([
        ("Role", json!({ "type": "string", "enum": ROLES })),
        (
            "Token",
            object([
                ("trial", text("The trial's name in addresses.")),
                ("name", text("What the token is for.")),
                ("role", of("Role")),
                ("site", or_null(text("The site it is of; null: all."))),
                ("expires", moment("Until when it opens.")),
                ("may", list(text("What it may do, in words."))),
            ]),
        ),
        (
            "Trial",
            object([
                ("trial", text("Its name in addresses.")),
                ("id", text("Its id in the protocol.")),
                ("title", text("Its title.")),
                ("version", text("The protocol version in force.")),
                ("simulated", truth("Its subjects are virtual.")),
                ("planned", number("Participants planned.")),
                ("event", number("The last event of the ledger.")),
                (
                    "counts",
                    object([
                        ("all", of("Counts")),
                        (
                            "sites",
                            json!({ "type": "object", "additionalProperties": of("Counts"), "description": "By site." }),
                        ),
                    ]),
                ),
            ]),
        ),
        ("Counts", object(COUNTS.map(|(name, says)| (name, number(says))))),
        (
            "ProtocolInForce",
            object([
                (
                    "versions",
                    list(object([
                        ("event", number("The event that adopted it.")),
                        ("version", text("Its name.")),
                    ])),
                ),
                (
                    "protocol",
                    json!({ "type": "object", "description": "The protocol, as `trialwright schema` describes it." }),
                ),
            ]),
        ),
        ("Sites", object([("sites", list(of("Site")))])),
        (
            "Site",
            object([
                ("id", text("Its id.")),
                ("name", text("Its name.")),
                ("country", or_null(text("ISO 3166-1 alpha-3."))),
                ("opened", moment("When it was first opened.")),
                ("open", truth("It may screen and randomise.")),
                (
                    "closed",
                    or_null(object([
                        ("at", moment("When.")),
                        ("event", number("The event.")),
                        ("reason", or_null(text("Why."))),
                    ])),
                ),
                ("event", number("The event that opened it.")),
            ]),
        ),
        (
            "Trail",
            object([
                ("events", list(of("Event"))),
                ("next", or_null(number("Hand it in as `before` for the next page."))),
            ]),
        ),
        ("Events", object([("events", list(of("Event")))])),
        ("Event", event()),
    ])
}

/// The counts of `page::overview`.
const COUNTS: [(&str, &str); 19] = [
    ("screened", "Subjects screened."),
    ("randomised", "Subjects randomised."),
    ("failures", "Screen failures."),
    ("strategy_failed", "Subjects whose strategy failed, and who are followed."),
    ("dead", "Subjects who died."),
    ("decisions", "Progressions that wait for a decision."),
    ("sabr", "Lesions that wait for SABR."),
    ("overdue", "Visits that are overdue."),
    ("open_visits", "Visits whose window is now."),
    ("queries", "Queries that are not closed."),
    ("queries_overdue", "Queries whose day is over without an answer."),
    ("answered", "Queries that are answered and not closed."),
    ("missing", "Things that are missing in all."),
    ("deviations", "Deviations recorded."),
    ("made", "Visits made."),
    ("missed", "Visits missed."),
    ("saved", "Forms filled."),
    ("signed", "Forms signed."),
    ("verified", "Forms verified against their source."),
];

/// An event as the ledger holds it: who, when, and the members of its kind.
fn event() -> Value {
    let head = [
        ("seq", number("Its place in the ledger, from 1.")),
        ("who", text("Who asserted it: a user, or `program NAME (ID)` for a token.")),
        ("role", of("Role")),
        ("recorded", moment("When.")),
        ("kind", text("The kind: `form_saved`, `form_corrected`, `query_raised`, ….")),
        ("site", text("Where.")),
        ("subject", text("Of whom.")),
        ("instance", text("The form it speaks of, as addresses name it.")),
    ];
    let lacking = ["site", "subject", "instance"];
    let mut schema = some_of(head, &lacking);
    schema["additionalProperties"] = json!(true);
    schema["description"] = json!(
        "Further members belong to the kind: `values`, `corrects` and `reason` of a correction, `text` of a query, …."
    );
    schema
}

fn subjects() -> Schemas {
    let fact =
        |value: Value| or_null(object([("value", value), ("event", number("The event it rests on."))]));
    named([
        (
            "Subjects",
            object([
                ("subjects", list(of("SubjectInList"))),
                ("next", or_null(text("Hand it in as `after` for the next page."))),
            ]),
        ),
        (
            "SubjectInList",
            object([
                ("subject", text("Its number.")),
                ("site", text("Its site.")),
                ("screened", or_null(day("When it was screened."))),
                ("randomised", or_null(object([("date", day("Study day 1.")), ("arm", text("The arm."))]))),
                ("standing", of("Standing")),
                ("outstanding", number("How much is missing.")),
                ("open_queries", number("Queries that are not closed.")),
                ("event", or_null(number("Its last event."))),
            ]),
        ),
        (
            "Screening",
            object([
                (
                    "subject",
                    text(
                        "The number: 1 to 64 letters, digits, dots, hyphens or slashes, and nothing that names a person.",
                    ),
                ),
                ("site", text("The site.")),
            ]),
        ),
        (
            "Screened",
            object([
                ("subject", text("Its number.")),
                ("site", text("Its site.")),
                ("event", number("The event.")),
            ]),
        ),
        (
            "Subject",
            object([
                ("subject", text("Its number.")),
                ("site", text("Its site.")),
                ("event", number("Its last event.")),
                ("screened", fact(day("When it was screened."))),
                ("consent", fact(day("When consent was given."))),
                ("sex", fact(text("As the protocol codes it."))),
                ("birth_year", fact(number("Year of birth."))),
                ("randomised", or_null(of("Allocation"))),
                (
                    "withdrawal",
                    or_null(object([
                        ("event", number("The event.")),
                        ("date", day("When.")),
                        ("reason", text("Why.")),
                    ])),
                ),
                (
                    "death",
                    or_null(object([
                        ("event", number("The event.")),
                        ("date", partial("When, as far as it is known.")),
                        ("cause", or_null(text("Of what."))),
                    ])),
                ),
                ("standing", of("Standing")),
                ("eligibility", list(of("Criterion"))),
                ("strategy", or_null(of("Strategy"))),
                ("calendar", of("Calendar")),
                ("outstanding", list(of("Outstanding"))),
                (
                    "deviations",
                    list(object([
                        ("event", number("The event.")),
                        ("date", day("When.")),
                        ("category", text("Its category.")),
                        ("term", text("What happened.")),
                        ("important", or_null(truth("It may bear on rights, safety or the results."))),
                    ])),
                ),
                ("forms", list(of("FormInBrief"))),
                ("queries", list(text("The name of a query."))),
            ]),
        ),
        (
            "Allocation",
            object([
                ("arm", text("The arm.")),
                ("date", day("Study day 1.")),
                (
                    "stratum",
                    json!({ "type": "object", "additionalProperties": { "type": "string" }, "description": "Factor to level." }),
                ),
                (
                    "on_behalf",
                    or_null(object([
                        ("who", text("Who asked.")),
                        ("reason", text("Why they did not do it themselves.")),
                    ])),
                ),
                ("event", number("The event.")),
            ]),
        ),
        (
            "Standing",
            object([
                (
                    "state",
                    json!({ "type": "string", "enum": [
                "screening", "screen_failure", "randomised", "on_strategy", "decision_pending", "strategy_failed", "off_study", "dead",
            ] }),
                ),
                ("since", or_null(day("Since when."))),
                ("says", text("In a sentence.")),
            ]),
        ),
    ])
}

fn following() -> Schemas {
    named([
        (
            "Criterion",
            some_of(
                [
                    ("id", text("The criterion's id.")),
                    ("text", text("As the protocol words it.")),
                    ("judgement", json!({ "type": "string", "enum": ["met", "not_met", "unknown"] })),
                    (
                        "missing",
                        list(text(
                            "What is missing to judge it, as `form.ITEM` or `derived.name`; where unknown.",
                        )),
                    ),
                    ("events", list(number("An event it rests on."))),
                ],
                &["missing"],
            ),
        ),
        (
            "Strategy",
            object([
                (
                    "status",
                    some_of(
                        [
                            (
                                "status",
                                json!({ "type": "string", "enum": ["not_applicable", "holding", "pending", "failed"] }),
                            ),
                            ("progression", day("The progression that waits; where pending.")),
                            ("on", day("The day it failed; where failed.")),
                            (
                                "cause",
                                json!({ "type": "string", "enum": ["progression", "systemic_change", "death"] }),
                            ),
                        ],
                        &["progression", "on", "cause"],
                    ),
                ),
                (
                    "episodes",
                    list(object([
                        ("progression", of("Progression")),
                        ("verdict", json!({ "type": "string", "enum": ["held", "failed", "pending"] })),
                        ("why", text("Why.")),
                        ("events", list(number("An event it rests on."))),
                    ])),
                ),
                ("why", text("Why it stands so.")),
                ("events", list(number("An event it rests on."))),
            ]),
        ),
        (
            "Progression",
            object([
                ("date", day("The day it counts from.")),
                ("certain", day("The day it was certain.")),
                ("known", json!({ "type": "string", "enum": ["recist", "clinical"] })),
                ("kind", json!({ "type": "string", "enum": ["oligo", "poly", "unplaced"] })),
                ("lesions", list(text("A progressing lesion."))),
                (
                    "sites",
                    json!({ "type": "array", "description": "The same lesions as SABR may name them." }),
                ),
                ("intracranial", truth("A progressing lesion lies inside the skull.")),
                ("amenable", or_null(truth("All of them are amenable to SABR."))),
                ("reason", text("Why it is a progression.")),
                ("events", list(number("An event it rests on."))),
            ]),
        ),
        (
            "Calendar",
            object([
                ("visits", list(of("Visit"))),
                (
                    "over",
                    or_null(object([
                        ("from", or_null(day("From when on no visit is expected; null: none ever was."))),
                        ("because", of("NotExpected")),
                    ])),
                ),
            ]),
        ),
        (
            "NotExpected",
            json!({ "type": "string", "enum": ["dead", "withdrawn", "screen_failure", "follow_up_ended"] }),
        ),
        (
            "Visit",
            object([
                ("visit", text("The visit's id.")),
                ("label", text("Its name.")),
                ("occurrence", number("From 1; of a visit that repeats.")),
                ("target", or_null(day("The planned day."))),
                ("opens", or_null(day("The first day of its window."))),
                ("closes", or_null(day("The last day of its window."))),
                (
                    "status",
                    some_of(
                        [
                            (
                                "status",
                                json!({ "type": "string", "enum": [
                    "done", "begun", "open", "overdue", "upcoming", "missed", "awaits_randomisation", "not_expected",
                ] }),
                            ),
                            ("on", or_null(day("The day it was made; where done or begun."))),
                            ("in_window", truth("Within its window; where done or begun.")),
                            ("days", number("Days since its window closed; where overdue.")),
                            ("in_days", number("Days until the planned day; where upcoming.")),
                            ("because", of("NotExpected")),
                        ],
                        &["on", "in_window", "days", "in_days", "because"],
                    ),
                ),
                (
                    "forms",
                    list(object([
                        ("label", text("The form's name.")),
                        ("instance", of("Instance")),
                        (
                            "state",
                            some_of(
                                [
                                    (
                                        "state",
                                        json!({ "type": "string", "enum": ["absent", "saved", "incomplete", "elsewhere"] }),
                                    ),
                                    (
                                        "missing",
                                        number("Items that must be filled and are empty; where incomplete."),
                                    ),
                                    ("instance", of("Instance")),
                                ],
                                &["missing", "instance"],
                            ),
                        ),
                    ])),
                ),
            ]),
        ),
        (
            "Instance",
            some_of(
                [
                    ("form", text("The form's id.")),
                    ("visit", text("The visit's id; not of a log.")),
                    ("occurrence", number("From 1; left out where it is 1.")),
                ],
                &["visit", "occurrence"],
            ),
        ),
        (
            "Outstanding",
            object([
                (
                    "what",
                    json!({ "type": "string", "enum": [
                "decision", "sabr", "unreadable", "criterion", "form", "item", "questionnaire", "signature", "partial_date",
            ] }),
                ),
                ("instance", or_null(of("Instance"))),
                (
                    "item",
                    or_null(object([
                        (
                            "row",
                            or_null(json!({
                                "type": "array", "prefixItems": [{ "type": "string" }, { "type": "integer" }], "items": false,
                                "description": "Group and row, from 1.",
                            })),
                        ),
                        ("item", text("The item, or the group.")),
                    ])),
                ),
                ("since", or_null(day("Since when."))),
                ("by", or_null(day("By when."))),
                ("says", text("What is missing.")),
                ("why", text("Why it matters.")),
            ]),
        ),
    ])
}

fn in_brief() -> [(&'static str, Value); 11] {
    [
        ("instance", text("Which form, as addresses name it.")),
        ("form", text("The form's id.")),
        ("visit", or_null(text("The visit's id; null of a log."))),
        ("occurrence", number("From 1.")),
        ("event", number("The event that gave its values: its `ETag`.")),
        ("first", number("The event that first filled it.")),
        ("recorded", moment("When its values were recorded.")),
        ("date", or_null(partial("The day it speaks of, as far as it is known."))),
        (
            "signed",
            or_null(object([
                ("by", of("Mark")),
                ("meaning", text("What the signature means.")),
                ("stands", truth("Nothing was corrected since.")),
            ])),
        ),
        (
            "verified",
            or_null(object([("by", of("Mark")), ("stands", truth("Nothing was corrected since."))])),
        ),
        ("locked", or_null(of("Mark"))),
    ]
}

fn values() -> Value {
    json!({
        "type": "object",
        "description": "Item to value: a text, a whole or decimal number, a code, a date of full or reduced precision (2026, 2026-03, 2026-03-07). A repeating group's id to a list of such objects. An item that is empty is left out.",
    })
}

fn forms() -> Schemas {
    let mut whole = object(in_brief());
    whole["properties"]["values"] = values();
    if let Some(required) = whole["required"].as_array_mut() {
        required.push(json!("values"));
    }
    named([
        (
            "Mark",
            object([
                ("who", text("Who.")),
                ("role", of("Role")),
                ("recorded", moment("When.")),
                ("event", number("The event.")),
            ]),
        ),
        ("FormInBrief", object(in_brief())),
        ("Form", whole),
        ("Forms", object([("forms", list(of("Form")))])),
        (
            "Filling",
            some_of(
                [
                    ("values", values()),
                    ("reason", or_null(text("Why the values change; needed to correct."))),
                ],
                &["reason"],
            ),
        ),
        (
            "Saved",
            object([
                ("form", of("Form")),
                ("recorded", truth("False where the form held these very values, and nothing was recorded.")),
                ("soft", list(of("FormFault"))),
                ("queries", list(text("The query that was raised for each of `soft`."))),
            ]),
        ),
    ])
}

fn queries() -> Schemas {
    named([
        ("Queries", object([("queries", list(of("Query")))])),
        (
            "Query",
            object([
                ("id", text("Its name, unique in the subject.")),
                ("subject", text("The subject.")),
                ("site", text("The subject's site.")),
                ("about", or_null(text("The form it is about, as addresses name it."))),
                ("item", or_null(text("The item it is about."))),
                ("text", text("The question.")),
                ("due", or_null(day("The day by which an answer is asked for."))),
                ("state", json!({ "type": "string", "enum": ["raised", "answered", "closed"] })),
                ("overdue", truth("It waits for an answer, and its day is over.")),
                ("raised", of("Mark")),
                ("answers", list(object([("by", of("Mark")), ("text", text("The answer."))]))),
                ("closed", or_null(of("Mark"))),
            ]),
        ),
        (
            "Question",
            some_of(
                [
                    (
                        "query",
                        or_null(text(
                            "A name of the program's own, unique in the subject: 1 to 64 letters, digits, dots, hyphens or underscores.",
                        )),
                    ),
                    ("about", or_null(text("The form, as addresses name it; null: the subject as a whole."))),
                    ("item", or_null(text("The item; null: the form as a whole."))),
                    ("text", text("The question.")),
                    ("due", or_null(day("The day by which an answer is asked for."))),
                ],
                &["query", "about", "item", "due"],
            ),
        ),
        ("NewAnswer", object([("text", text("The answer."))])),
    ])
}

fn fhir() -> Schemas {
    named([(
        "FhirResource",
        json!({
            "type": "object",
            "required": ["resourceType"],
            "properties": { "resourceType": text("The type of the resource, as FHIR R4 (`hl7.org/fhir/R4`) defines it.") },
            "additionalProperties": true,
        }),
    )])
}

fn problems() -> Schemas {
    named([
        (
            "Problem",
            some_of(
                [
                    (
                        "type",
                        json!({ "type": "string", "format": "uri-reference", "description": "The kind of problem; `/api` explains it." }),
                    ),
                    ("title", text("The kind in words.")),
                    ("status", number("The status of the answer.")),
                    ("detail", text("What was found, and what would be right.")),
                    ("faults", list(of("FormFault"))),
                    ("event", number("The event that gave the form its values; 0: it is empty.")),
                    (
                        "since",
                        list(object([
                            ("event", number("The event.")),
                            ("kind", text("Its kind.")),
                            ("who", text("Who.")),
                            ("role", of("Role")),
                            ("recorded", moment("When.")),
                            ("form", or_null(text("The form."))),
                        ])),
                    ),
                ],
                &["faults", "event", "since"],
            ),
        ),
        (
            "FormFault",
            object([
                ("form", or_null(text("The form's id."))),
                (
                    "row",
                    or_null(object([("group", text("The group.")), ("number", number("The row, from 1."))])),
                ),
                ("item", text("The item; empty where the form as a whole is meant.")),
                ("found", text("What was found.")),
                ("right", text("What would be right.")),
            ]),
        ),
    ])
}

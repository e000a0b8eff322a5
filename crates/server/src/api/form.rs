//! Forms: read, and put in their place. Its `ETag` is the event that gave a form its values.
//!
//! Never judges a value: the office holds it against the protocol, and every fault comes back. Whoever puts the same values twice has
//! saved them once.

use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use office::{Deed, Folder, Later, Reason, Receipt};
use people::permission::{self, Act};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trial::event::{Instance, Seq};
use trial::protocol::Concept;
use trial::record::FilledForm;

use super::operation::{Operation, header as sent_header};
use super::problem::{Answer, Problem, fault};
use super::token::{AtSubject, Sent};
use crate::web::address;

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::get("/api/v1/trials/{trial}/subjects/{subject}/forms", Act::ViewSubject, list, ["Forms", "listForms", "The forms of a subject"])
            .answers(200, "Forms", "Every form that was filled, with its values."),
        Operation::get("/api/v1/trials/{trial}/subjects/{subject}/forms/{instance}", Act::ViewSubject, show, ["Forms", "getForm", "One form"])
            .more("404 where nothing was entered. The answer's `ETag` names the event that gave the values.")
            .answers(200, "Form", "The form as it stands."),
        Operation::put("/api/v1/trials/{trial}/subjects/{subject}/forms/{instance}", Act::ViewSubject, put, ["Forms", "putForm", "Fill or correct a form"])
            .more("An empty form is filled. A form that stands is corrected: `If-Match` says which values were seen, `reason` why they change, and the values replace the earlier ones as a whole. The same values again answer 200 with what stands, and record nothing. Edit checks that do not hold hinder nothing: they come back in `soft`, and each has raised a query.")
            .asks(vec![
                sent_header("If-Match", "The `ETag` that the program has seen; needed to correct. `\"0\"`, or `If-None-Match: *`: only where the form is empty."),
                sent_header("If-None-Match", "`*`: only where the form is empty."),
            ])
            .problems(&[400, 412, 415, 422, 428])
            .also_needs(&[Act::EnterData, Act::RecordSabr, Act::Correct])
            .sends("Filling")
            .answers(201, "Saved", "The form was empty, and is filled.")
            .answers(200, "Saved", "The form is corrected, or held these very values."),
        Operation::put("/api/v1/trials/{trial}/subjects/{subject}/forms/{instance}/verified", Act::VerifySource, verify, ["Forms", "verifyForm", "Verify a form against its source"])
            .more("`If-Match` says which values were compared. A form whose verification stands stays as it is: the answer is 200, and nothing is recorded. Nothing is sent.")
            .asks(vec![sent_header("If-Match", COMPARED)])
            .problems(&[400, 412, 428])
            .answers(200, "Form", "The form, verified."),
        Operation::put("/api/v1/trials/{trial}/subjects/{subject}/forms/{instance}/locked", Act::Lock, lock, ["Forms", "lockForm", "Lock a form"])
            .more("`If-Match` says which values are locked. A form that is locked stays so: the answer is 200, and nothing is recorded. Nothing is sent. No token unlocks.")
            .asks(vec![sent_header("If-Match", COMPARED)])
            .problems(&[400, 412, 428])
            .answers(200, "Form", "The form, locked."),
    ]
}

const COMPARED: &str = "The `ETag` of the form that was seen; needed.";

/// Trial, subject and form, as a path names them.
type Named = Path<(String, String, String)>;

fn instance(name: &str) -> Result<Instance, Problem> {
    address::instance_of(name).ok_or_else(|| {
        Problem::not_found(format!(
            "{name:?} is not the name of a form: it is FORM@VISIT, or FORM.2 for the second."
        ))
    })
}

fn standing<'f>(folder: &'f Folder, instance: &Instance) -> Option<&'f FilledForm> {
    folder.record.forms.iter().find(|form| form.instance == *instance)
}

/// A form without its values.
pub(super) fn brief(form: &FilledForm) -> Value {
    let mark = |mark: &trial::record::Mark| json!(mark);
    let signed = form.signed.as_ref().map(|signature| {
        json!({ "by": signature.by, "meaning": signature.meaning, "stands": form.signature_stands() })
    });
    let verified = form.verified.as_ref().map(|by| json!({ "by": by, "stands": form.verification_stands() }));
    json!({
        "instance": address::instance_name(&form.instance),
        "form": form.instance.form,
        "visit": form.instance.visit,
        "occurrence": form.instance.occurrence,
        "event": form.event,
        "first": form.first,
        "recorded": form.recorded,
        "date": form.date,
        "signed": signed,
        "verified": verified,
        "locked": form.locked.as_ref().map(mark),
    })
}

fn whole(form: &FilledForm) -> Value {
    let mut body = brief(form);
    body["values"] = json!(form.values);
    body
}

async fn list(at: AtSubject) -> Answer {
    let folder = at.room.folder(&at.subject).await?;
    let forms: Vec<_> = folder.record.forms.iter().map(whole).collect();
    Ok(Json(json!({ "forms": forms })).into_response())
}

async fn show(at: AtSubject, Path((.., name)): Named) -> Answer {
    let instance = instance(&name)?;
    let folder = at.room.folder(&at.subject).await?;
    let form = standing(&folder, &instance).ok_or_else(|| {
        Problem::not_found(format!("Nothing was entered on {name} of subject {}.", at.subject))
    })?;
    Ok((tag(form.event), Json(whole(form))).into_response())
}

fn tag(event: Seq) -> [(HeaderName, String); 1] {
    [(header::ETAG, format!("\"{event}\""))]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filling {
    values: Map<String, Value>,
    #[serde(default)]
    reason: Option<String>,
}

/// What the program says it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// The form as this event gave it; 0: empty.
    Event(Seq),
    /// The form as it stands, whatever that is.
    Anything,
}

impl Seen {
    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let text =
            |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
        match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
            (None, None) => Ok(Self::Nothing),
            (Some("*"), None) => Ok(Self::Anything),
            (Some(tag), None) => event_of(tag).map(Self::Event).ok_or_else(|| {
                Problem::unreadable(format!(
                    "If-Match: found {tag}; the ETag of the form, such as \"12\", would be right."
                ))
            }),
            (None, Some("*")) => Ok(Self::Event(0)),
            (None, Some(found)) => {
                Err(Problem::unreadable(format!("If-None-Match: found {found}; * would be right.")))
            }
            (Some(_), Some(_)) => Err(Problem::unreadable(
                "If-Match and If-None-Match were sent together; one of them would be right.",
            )),
        }
    }
}

/// A proxy that compresses makes a tag weak; it names the same event.
fn event_of(tag: &str) -> Option<Seq> {
    tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

async fn put(
    at: AtSubject,
    Path((.., name)): Named,
    headers: HeaderMap,
    Sent(sent): Sent<Filling>,
) -> Answer {
    let instance = instance(&name)?;
    let seen = Seen::read(&headers)?;
    let folder = at.room.folder(&at.subject).await?;
    may_write(&at, &folder, &instance)?;
    let stands = standing(&folder, &instance);
    if let Some(form) = stands.filter(|form| same(&form.values, &sent.values)) {
        return Ok(saved(StatusCode::OK, form, None));
    }
    let event = stands.map_or(0, |form| form.event);
    match seen {
        Seen::Event(seen) if seen != event => {
            return Err(Problem::changed(event, &since(&folder, &instance, seen)));
        }
        Seen::Nothing if event != 0 => return Err(Problem::precondition(event)),
        Seen::Anything if event == 0 => return Err(Problem::changed(0, &[])),
        _ => {}
    }
    let (form, values) = (instance.clone(), sent.values.clone());
    let deed = if stands.is_none() {
        Deed::Save { instance: form, values }
    } else {
        at.must(Act::Correct)?;
        Deed::Correct { instance: form, values, reason: sent.reason.unwrap_or_default() }
    };
    let submitted = at.room.office.submit(vec![at.action(deed).over(event)]).await;
    let now = at.room.folder(&at.subject).await?;
    match submitted {
        Ok(receipts) => {
            let form = standing(&now, &instance)
                .ok_or_else(|| Problem::refused("The form was taken away in the meantime."))?;
            let status = if event == 0 { StatusCode::CREATED } else { StatusCode::OK };
            Ok(saved(status, form, receipts.first()))
        }
        Err(wrong) => refused(&now, &instance, &sent.values, wrong),
    }
}

async fn verify(at: AtSubject, Path((.., name)): Named, headers: HeaderMap) -> Answer {
    mark(&at, &name, &headers, FilledForm::verification_stands, |instance| Deed::Verify { instance }).await
}

async fn lock(at: AtSubject, Path((.., name)): Named, headers: HeaderMap) -> Answer {
    let locked = |form: &FilledForm| form.locked.is_some();
    mark(&at, &name, &headers, locked, |instance| Deed::Lock { instance, locked: true }).await
}

/// Marks a form that stands as the program has seen it, unless it is marked so already.
async fn mark(
    at: &AtSubject,
    name: &str,
    headers: &HeaderMap,
    done: impl Fn(&FilledForm) -> bool,
    deed: impl FnOnce(Instance) -> Deed,
) -> Answer {
    let instance = instance(name)?;
    let seen = Seen::read(headers)?;
    let folder = at.room.folder(&at.subject).await?;
    let none = || Problem::not_found(format!("Nothing was entered on {name} of subject {}.", at.subject));
    let form = standing(&folder, &instance).ok_or_else(none)?;
    match seen {
        Seen::Nothing => return Err(Problem::unseen(form.event)),
        Seen::Event(seen) if seen != form.event => {
            return Err(Problem::changed(form.event, &since(&folder, &instance, seen)));
        }
        _ => {}
    }
    if done(form) {
        return Ok((tag(form.event), Json(whole(form))).into_response());
    }
    let submitted = at.room.office.submit(vec![at.action(deed(instance.clone())).over(form.event)]).await;
    let now = at.room.folder(&at.subject).await?;
    let form = standing(&now, &instance).ok_or_else(none)?;
    match submitted {
        Ok(_) => {}
        // Somebody was quicker, to the same end or to another.
        Err(office::Error::Refused(_)) if done(form) => {}
        Err(office::Error::Refused(refusal)) => {
            return Err(match refusal.reason {
                Reason::Conflict { since, .. } => Problem::changed(form.event, &since),
                _ => (*refusal).into(),
            });
        }
        Err(wrong) => return Err(wrong.into()),
    }
    Ok((tag(form.event), Json(whole(form))).into_response())
}

/// What the office says no to; whoever was quicker with the same values did it for both.
fn refused(
    now: &Arc<Folder>,
    instance: &Instance,
    values: &Map<String, Value>,
    wrong: office::Error,
) -> Answer {
    if let office::Error::Refused(refusal) = &wrong
        && matches!(
            refusal.reason,
            Reason::Conflict { .. } | Reason::Stands { .. } | Reason::NothingToCorrect { .. }
        )
        && let Some(form) = standing(now, instance)
    {
        if same(&form.values, values) || matches!(refusal.reason, Reason::NothingToCorrect { .. }) {
            return Ok(saved(StatusCode::OK, form, None));
        }
        let later = match &refusal.reason {
            Reason::Conflict { since, .. } => since.clone(),
            _ => Vec::new(),
        };
        return Err(Problem::changed(form.event, &later));
    }
    Err(wrong.into())
}

/// Which role fills a form the protocol's concept of it says.
fn may_write(at: &AtSubject, folder: &Folder, instance: &Instance) -> Result<(), Problem> {
    let protocol = folder.history.current();
    let Some(form) = protocol.forms.iter().find(|form| form.id == instance.form) else {
        let known: Vec<&str> = protocol.forms.iter().map(|form| form.id.as_str()).collect();
        return Err(Problem::not_found(format!(
            "The protocol in force has no form {:?}. It has {}.",
            instance.form,
            known.join(", ")
        )));
    };
    at.must(permission::entering(form.concept == Concept::SabrCourse))
}

/// What happened to the form after event `seen`.
fn since(folder: &Folder, instance: &Instance, seen: Seq) -> Vec<Later> {
    let later = folder.events.iter().filter(|entered| entered.seq > seen);
    let about = later.filter(|entered| entered.event.what.instance() == Some(instance));
    about
        .map(|entered| Later {
            event: entered.seq,
            who: entered.event.who.clone(),
            role: entered.event.role,
            recorded: entered.event.recorded,
            kind: entered.event.what.kind(),
            instance: Some(instance.clone()),
        })
        .collect()
}

fn saved(status: StatusCode, form: &FilledForm, receipt: Option<&Receipt>) -> Response {
    let soft: Vec<_> = receipt.map(|receipt| receipt.soft.iter().map(fault).collect()).unwrap_or_default();
    let queries = receipt.map(|receipt| receipt.queries.clone()).unwrap_or_default();
    let body =
        json!({ "form": whole(form), "recorded": receipt.is_some(), "soft": soft, "queries": queries });
    (status, tag(form.event), Json(body)).into_response()
}

/// Whether two fillings are the same; 22.0 is 22.
fn same(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    one.len() == other.len()
        && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| equal(value, other)))
}

fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        #[allow(clippy::float_cmp)] // two spellings of one number, not two measurements
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => same(one, other),
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(json!({ "A": 22.0 }), json!({ "A": 22 }), true)]
    #[case(json!({ "A": 22.5 }), json!({ "A": 22 }), false)]
    #[case(json!({ "A": "22" }), json!({ "A": 22 }), false)]
    #[case(json!({ "A": 1, "B": "x" }), json!({ "B": "x", "A": 1 }), true)]
    #[case(json!({ "A": 1 }), json!({ "A": 1, "B": null }), false)]
    #[case(json!({ "L": [{ "D": 1.0 }] }), json!({ "L": [{ "D": 1 }] }), true)]
    #[case(json!({ "L": [{ "D": 1 }, { "D": 2 }] }), json!({ "L": [{ "D": 2 }, { "D": 1 }] }), false)]
    fn the_same_values_are_told(#[case] one: Value, #[case] other: Value, #[case] want: bool) {
        let map = |value: Value| value.as_object().unwrap().clone();
        assert_eq!(same(&map(one), &map(other)), want);
    }

    #[rstest]
    #[case("\"12\"", Some(12))]
    #[case("W/\"12\"", Some(12))]
    #[case("12", None)]
    #[case("\"x\"", None)]
    #[case("\"1\", \"2\"", None)]
    #[case("\"", None)]
    fn a_tag_names_an_event(#[case] tag: &str, #[case] want: Option<Seq>) {
        assert_eq!(event_of(tag), want);
    }
}

//! Data entry: a form of a subject, made from the protocol, checked as one types and when it is saved.
//!
//! Never a rule of the trial: `trial::form` says what is asked, what is missing and what cannot be, `trial::consequence` what an
//! assessment means, `office` what may be recorded. What was typed is never lost: every answer shows it again.

mod adverse;
mod at_once;
mod choosing;
mod draft;
mod fields;
mod merge;
mod notes;
mod paper;
mod reading;
mod rows;
mod sabr;
mod save;
mod saved;
mod scores;
mod sent;
mod sheet;
mod tumour;
mod view;

pub(super) use saved::form_chip;

use axum::extract::{Path, Query, State};
use people::permission::Act;
use serde_json::{Map, Value};
use trial::form::entry::read;
use trial::form::layout::opening;

use self::draft::Kept;
use self::notes::Notes;
use self::paper::Paper;
use self::sheet::Sheet;
use self::view::View;
use crate::app::App;
use crate::web::access::{Chart, Gate, Route, go};
use crate::web::address;
use crate::web::fault::Answer;

/// The routes of these pages. What filling a form takes depends on the form (`permission::entering`), so the gate asks only for
/// what reading takes, and `Sheet::right` for the rest.
pub(crate) fn routes() -> Vec<Route> {
    let gate = Gate::Subject(Act::ViewSubject);
    vec![
        Route::get("/t/{trial}/subjects/{subject}/add/{form}", gate, add),
        Route::get("/t/{trial}/subjects/{subject}/forms/{instance}", gate, show),
        Route::post("/t/{trial}/subjects/{subject}/forms/{instance}", gate, save::save),
        Route::get("/t/{trial}/subjects/{subject}/forms/{instance}/saved", gate, saved::saved),
        Route::post("/t/{trial}/subjects/{subject}/forms/{instance}/check", gate, at_once::check),
        Route::post("/t/{trial}/subjects/{subject}/forms/{instance}/row", gate, at_once::row),
        Route::get("/t/{trial}/subjects/{subject}/forms/{instance}/terms", gate, adverse::terms),
        Route::post("/t/{trial}/subjects/{subject}/forms/{instance}/term", gate, adverse::choose),
        Route::post("/t/{trial}/subjects/{subject}/forms/{instance}/draft", gate, draft::keep),
        Route::post("/t/{trial}/subjects/{subject}/forms/{instance}/draft/drop", gate, draft::discard),
    ]
}

/// Trial, subject and instance, as a path names them.
type Named = Path<(String, String, String)>;
/// What stands behind the question mark.
type Asked = Query<Vec<(String, String)>>;

/// `GET …/add/{form}`: to the next entry of a form that is filled as often as something happens.
async fn add(chart: Chart, Path((_, _, form)): Named, Query(asked): Asked) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let instance = sheet::next_of(&folder.record, &form);
    let mut to = address::form(&chart.room.slug, &chart.subject, &instance);
    let pairs =
        asked.iter().map(|(name, text)| format!("{}={}", address::segment(name), address::segment(text)));
    let pairs = pairs.collect::<Vec<_>>().join("&");
    if !pairs.is_empty() {
        to = format!("{to}?{pairs}");
    }
    Ok(go(&to))
}

/// `GET …/forms/{instance}`: the form as it stands, to fill or to correct where the visitor may; `?draft=restore` with what
/// was typed before and not saved. Fields named behind the question mark are filled in a form that is new.
async fn show(State(app): State<App>, chart: Chart, Path((.., name)): Named, Query(asked): Asked) -> Answer {
    let sheet = Sheet::open(&app, chart, &name).await?;
    if !sheet.right().writes() {
        return Ok(reading::page(&sheet));
    }
    let kept = Kept::find(&app, &sheet).await?;
    let restore = asked.iter().any(|(name, text)| name == "draft" && text == "restore");
    if let (true, Some(kept)) = (restore, &kept) {
        return Ok(restored(&sheet, kept));
    }
    let values = match sheet.standing() {
        Some(standing) => standing.values.clone(),
        None => begun(&sheet, &asked),
    };
    let paper = Paper::of_values(&sheet, &values);
    let mut view = View::new(&sheet, paper, values);
    view.kept = kept;
    Ok(view.page())
}

/// What a new form starts with: what is known already, and what the link said.
fn begun(sheet: &Sheet, asked: &[(String, String)]) -> Map<String, Value> {
    let mut values = opening(&sheet.folder.history, &sheet.folder.record, sheet.derived(), &sheet.instance);
    let said: Vec<_> = asked
        .iter()
        .filter(|(name, _)| sheet.form().items.iter().any(|item| item.id == *name))
        .cloned()
        .collect();
    values.extend(read(sheet.form(), &said).values);
    values
}

fn restored(sheet: &Sheet, kept: &Kept) -> axum::response::Response {
    let entry = read(sheet.form(), &kept.fields);
    let mut notes = Notes::default();
    notes.unread(&entry);
    let paper = Paper::of_typed(sheet, &entry);
    let mut view = View::new(sheet, paper, entry.values);
    view.notes = notes;
    view.seen = kept.seen;
    view.restored = true;
    view.page()
}

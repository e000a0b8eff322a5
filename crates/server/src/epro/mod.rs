//! A patient's questionnaire, opened by a link alone.
//!
//! Never shows anything of the trial but the questions, and never takes answers twice (see `send`). What is asked is in
//! `questionnaire`, its words in `wording`; the site gives links in `page::questionnaires`.

mod page;
mod questionnaire;
mod send;
pub(crate) mod wording;
pub(crate) mod words;

pub(crate) use send::settle;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use office::Folder;
use people::{PatientAccess, PatientLink};
use serde::Deserialize;

use self::page::{View, at, at_question, says};
use self::questionnaire::{Questionnaire, VIEW};
use self::send::{Sent, Standing};
use crate::app::App;
use crate::web::access::{Fields, Gate, Route, go};
use crate::web::fault::{Answer, Fault};

/// The routes of the questionnaire.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route::get("/q/{token}", Gate::Public, start),
        Route::post("/q/{token}/begin", Gate::Public, begin),
        Route::get("/q/{token}/question/{item}", Gate::Public, question),
        Route::post("/q/{token}/question/{item}", Gate::Public, answer),
        Route::get("/q/{token}/all", Gate::Public, all),
        Route::post("/q/{token}/all", Gate::Public, answer_all),
        Route::post("/q/{token}/keep", Gate::Public, keep),
        Route::get("/q/{token}/review", Gate::Public, review),
        Route::post("/q/{token}/send", Gate::Public, send_answers),
    ]
}

/// The address of a questionnaire, to be given to the patient.
pub(crate) fn link(app: &App, token: &people::Secret) -> String {
    format!("{}{}", app.address, at(token.reveal(), ""))
}

/// A link that is open, and what it opens.
struct Opened {
    app: App,
    token: String,
    link: PatientLink,
    answers: people::Fields,
    folder: Arc<Folder>,
}

impl Opened {
    /// What the token opens, or the page that says why it opens nothing.
    async fn find(app: &App, token: &str) -> Result<Result<Self, Response>, Fault> {
        let (link, answers) = match app.people.patient_link(token, app.now()).await? {
            PatientAccess::Open { link, answers } => (*link, answers),
            other => return Ok(Err(shut(app, token, &other))),
        };
        let Some(room) = app.room(&link.trial) else {
            return Ok(Err(shut(app, token, &PatientAccess::Unknown)));
        };
        let folder = room.folder(&link.subject).await?;
        let form = folder.history.current().forms.iter().find(|form| form.id == link.instance.form);
        if !form.is_some_and(|form| app.wording.is_questionnaire(form)) {
            // A version of the protocol without it was adopted meanwhile.
            return Ok(Err(shut(app, token, &PatientAccess::Unknown)));
        }
        if send::is_over(&folder.record) {
            return Ok(Err(shut(app, token, &PatientAccess::Unknown)));
        }
        match send::standing(&folder, &link) {
            Standing::Empty => {}
            Standing::ByPatient(seq) => {
                let at = folder.events.iter().find(|entered| entered.seq == seq);
                let at = at.map_or_else(|| app.now(), |entered| entered.event.recorded);
                return Ok(Err(shut(app, token, &PatientAccess::Sent { at })));
            }
            Standing::ByTeam => return Ok(Err(by_team(app))),
        }
        Ok(Ok(Self { app: app.clone(), token: token.to_owned(), link, answers, folder }))
    }

    fn sheet(&self) -> Result<Questionnaire<'_>, Fault> {
        let protocol = self.folder.history.current();
        Questionnaire::new(&self.app.wording, protocol, &self.folder.record, &self.link, &self.answers)
            .ok_or_else(|| Fault::Broken(format!("{} is no questionnaire", self.link.instance.form)))
    }

    fn view<'a>(&'a self, sheet: &'a Questionnaire<'a>, faults: Vec<(String, String)>) -> View<'a> {
        // It expires at midnight: the day before is the last one.
        let until = self.app.day_of(
            self.link.expires.saturating_sub(jiff::SignedDuration::from_secs(1)).unwrap_or(self.link.expires),
        );
        View { token: &self.token, sheet, until, faults }
    }
}

/// The page of a link that opens nothing now.
fn shut(app: &App, token: &str, access: &PatientAccess) -> Response {
    let words = &app.wording.words;
    let page = |status, title: &str, line: &str| says(&app.wording, status, title, &[line], None);
    match access {
        PatientAccess::NotYet { opens } => {
            let line = words::filled(&words.not_yet, &[("date", &words.day(app.day_of(*opens)))]);
            page(StatusCode::OK, &words.not_yet_title, &line)
        }
        PatientAccess::Expired => page(StatusCode::GONE, &words.expired_title, &words.expired),
        PatientAccess::Sending => {
            let again = at(token, "");
            says(
                &app.wording,
                StatusCode::OK,
                &words.sending_title,
                &[&words.sending],
                Some((&again, &words.look)),
            )
        }
        PatientAccess::Sent { at } => {
            let on = words::filled(&words.sent_on, &[("date", &words.day(app.day_of(*at)))]);
            says(&app.wording, StatusCode::OK, &words.thanks_title, &[&words.thanks, &on], None)
        }
        PatientAccess::Unknown | PatientAccess::Open { .. } => {
            page(StatusCode::NOT_FOUND, &words.unknown_title, &words.unknown)
        }
    }
}

fn by_team(app: &App) -> Response {
    let words = &app.wording.words;
    says(&app.wording, StatusCode::OK, &words.team_title, &[&words.team], None)
}

macro_rules! opened {
    ($app:expr, $token:expr) => {
        match Opened::find($app, $token).await? {
            Ok(opened) => opened,
            Err(page) => return Ok(page),
        }
    };
}

/// What a patient is told when something broke: it goes to the log, and the answers are still there.
async fn kindly(app: &App, answer: impl Future<Output = Answer>) -> Response {
    answer.await.unwrap_or_else(|wrong| {
        tracing::error!(?wrong, "a page of a questionnaire failed");
        let words = &app.wording.words;
        says(&app.wording, StatusCode::SERVICE_UNAVAILABLE, &words.broken_title, &[&words.broken], None)
    })
}

/// `GET /q/{token}`
async fn start(State(app): State<App>, Path(token): Path<String>) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let opened = opened!(&app, &token);
            let sheet = opened.sheet()?;
            Ok(opened.view(&sheet, Vec::new()).start())
        }),
    )
    .await
}

/// `POST /q/{token}/begin`
async fn begin(State(app): State<App>, Path(token): Path<String>, sent: Fields) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let view = if sent.get(VIEW) == "all" { "all" } else { "one" };
            let opened = match change(&app, &token, &[(VIEW.to_owned(), view.to_owned())]).await? {
                Ok(opened) => opened,
                Err(page) => return Ok(page),
            };
            let sheet = opened.sheet()?;
            let next = match sheet.next() {
                None => at(&token, "review"),
                Some(question) if view == "all" => format!("{}#{}", at(&token, "all"), question.item.id),
                Some(question) => at_question(&token, &question.item.id),
            };
            // From the top, where nothing was answered yet.
            let top = view == "all" && sheet.answered() == 0;
            Ok(go(if top { next.split('#').next().unwrap_or_default() } else { &next }))
        }),
    )
    .await
}

#[derive(Deserialize)]
struct Asked {
    /// `review`: the page that it goes back to.
    from: Option<String>,
}

impl Asked {
    fn to_review(&self) -> bool {
        self.from.as_deref() == Some("review")
    }
}

/// `GET /q/{token}/question/{item}`
async fn question(
    State(app): State<App>,
    Path((token, item)): Path<(String, String)>,
    Query(asked): Query<Asked>,
) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let opened = opened!(&app, &token);
            let sheet = opened.sheet()?;
            match sheet.question(&item) {
                Some(question) => Ok(opened.view(&sheet, Vec::new()).one(question, asked.to_review())),
                None => Ok(go(&at(&token, ""))),
            }
        }),
    )
    .await
}

/// `POST /q/{token}/question/{item}`
async fn answer(
    State(app): State<App>,
    Path((token, item)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    sent: Fields,
) -> Response {
    kindly(
        &app,
        Box::pin(async {
            // Nothing chosen is an answer too: the patient has been here.
            let own = vec![(item.clone(), sent.raw(&item).to_owned())];
            let opened = match change(&app, &token, &own).await? {
                Ok(opened) => opened,
                Err(page) => return Ok(page),
            };
            let sheet = opened.sheet()?;
            if sent.get("_go") == "back" {
                let before = sheet.before(&item).map(|question| at_question(&token, &question.item.id));
                return Ok(go(&before.unwrap_or_else(|| at(&token, ""))));
            }
            let faults: Vec<_> =
                sheet.faults(send::day(&app)).into_iter().filter(|(name, _)| *name == item).collect();
            if let (Some(question), false) = (sheet.question(&item), faults.is_empty()) {
                return Ok(opened.view(&sheet, faults).one(question, asked.to_review()));
            }
            let after = sheet.after(&item).filter(|_| !asked.to_review());
            Ok(go(&after
                .map_or_else(|| at(&token, "review"), |question| at_question(&token, &question.item.id))))
        }),
    )
    .await
}

/// `GET /q/{token}/all`
async fn all(State(app): State<App>, Path(token): Path<String>) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let opened = opened!(&app, &token);
            let sheet = opened.sheet()?;
            Ok(opened.view(&sheet, Vec::new()).all())
        }),
    )
    .await
}

/// `POST /q/{token}/all`
async fn answer_all(State(app): State<App>, Path(token): Path<String>, sent: Fields) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let opened = match change(&app, &token, &sent.0).await? {
                Ok(opened) => opened,
                Err(page) => return Ok(page),
            };
            if sent.get("_go") == "start" {
                return Ok(go(&at(&token, "")));
            }
            let sheet = opened.sheet()?;
            let faults = sheet.faults(send::day(&app));
            if faults.is_empty() {
                Ok(go(&at(&token, "review")))
            } else {
                Ok(opened.view(&sheet, faults).all())
            }
        }),
    )
    .await
}

/// `POST /q/{token}/keep`: an answer as it is chosen, by the script. It answers with the items that are not asked (any more).
async fn keep(State(app): State<App>, Path(token): Path<String>, sent: Fields) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let Ok(opened) = change(&app, &token, &sent.0).await? else {
                return Ok((StatusCode::CONFLICT, "").into_response());
            };
            let sheet = opened.sheet()?;
            let hidden: Vec<&str> = sheet
                .questions
                .iter()
                .filter(|question| !question.applies)
                .map(|question| question.item.id.as_str())
                .collect();
            Ok(hidden.join(" ").into_response())
        }),
    )
    .await
}

/// Keeps answers that were sent, and opens the questionnaire anew; or the page that says why it is not open.
async fn change(
    app: &App,
    token: &str,
    sent: &[(String, String)],
) -> Result<Result<Opened, Response>, Fault> {
    let _held = send::hold(token).await;
    let mut opened = match Opened::find(app, token).await? {
        Ok(opened) => opened,
        Err(page) => return Ok(Err(page)),
    };
    let answers = opened.sheet()?.with(sent);
    match app.people.keep_answers(token, &answers, app.now()).await {
        Ok(true) => {}
        // It was sent, or withdrawn, or its time ended between the two.
        Ok(false) => {
            let access = app.people.patient_link(token, app.now()).await?;
            return Ok(Err(shut(app, token, &access)));
        }
        Err(people::Error::TooLarge { .. }) => {
            let says = says(
                &app.wording,
                StatusCode::PAYLOAD_TOO_LARGE,
                &app.wording.words.too_long,
                &[],
                Some((&at(token, ""), &app.wording.words.back)),
            );
            return Ok(Err(says));
        }
        Err(wrong) => return Err(wrong.into()),
    }
    opened.answers = answers;
    Ok(Ok(opened))
}

/// `GET /q/{token}/review`
async fn review(State(app): State<App>, Path(token): Path<String>) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let opened = opened!(&app, &token);
            let sheet = opened.sheet()?;
            Ok(opened.view(&sheet, Vec::new()).review())
        }),
    )
    .await
}

/// `POST /q/{token}/send`
async fn send_answers(State(app): State<App>, Path(token): Path<String>) -> Response {
    kindly(
        &app,
        Box::pin(async {
            let words = &app.wording.words;
            match send::send(&app, &token).await? {
                // A page that is loaded again sends nothing again.
                Sent::Now => Ok(go(&at(&token, ""))),
                Sent::Already => Ok(says(
                    &app.wording,
                    StatusCode::CONFLICT,
                    &words.thanks_title,
                    &[&words.sent_already],
                    None,
                )),
                Sent::Underway => Ok(shut(&app, &token, &PatientAccess::Sending)),
                Sent::ByTeam => Ok(by_team(&app)),
                Sent::Later => {
                    let again = at(&token, "review");
                    let then = Some((again.as_str(), words.look.as_str()));
                    Ok(says(
                        &app.wording,
                        StatusCode::SERVICE_UNAVAILABLE,
                        &words.later_title,
                        &[&words.later],
                        then,
                    ))
                }
                Sent::NotOpen => {
                    let access = app.people.patient_link(&token, app.now()).await?;
                    Ok(shut(&app, &token, &access))
                }
                Sent::Refused(faults) => {
                    let opened = opened!(&app, &token);
                    let sheet = opened.sheet()?;
                    Ok(opened.view(&sheet, faults).review())
                }
            }
        }),
    )
    .await
}

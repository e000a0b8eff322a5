//! Randomisation of one subject: the proof once more, the draw, and what was drawn, to be printed. The trial's proof is in `proof`.
//!
//! Never draws: `office` does, inside the transaction that records the arm, on the proof it makes itself there. A second click, or a
//! second person, is shown the allocation that stands.
//!
//! Nobody can foresee the next allocation. Considered were: the seed (a file that only the office reads, when it draws; never in a
//! page, a log or an error); a draw that is refused (nothing is drawn before all is proven, so that a refusal tells nothing, and the
//! same draw comes again for whoever is next); the place in the stratum's list (in no page and in no answer: it would tell where a
//! block ends); counts by stratum (for those who see all sites; by arm for those alone who may compare arms, and recruit nobody); the
//! time an answer takes (the list is drawn as far as the next place, whatever arm is there); and the address of the confirmation,
//! which is the same for every arm.

mod confirmation;
mod proof;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::civil::Date;
use maud::{Markup, html};
use office::{Action, Deed, Folder, Reason};
use people::permission::Act;
use trial::date::PartialDate;
use trial::event::OnBehalf;
use trial::form::entry::date;

use super::faults::Faults;
use super::parts::{Input, in_words, input};
use super::screening::eligibility::Proof;
use crate::app::App;
use crate::web::access::{Chart, Fields, Gate, Route, go};
use crate::web::address::in_trial;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// The routes of these pages.
pub(crate) fn routes() -> Vec<Route> {
    let (own, other) = (Gate::Subject(Act::Randomise), Gate::Subject(Act::RandomiseOnBehalf));
    let mut routes = vec![
        Route::get("/t/{trial}/subjects/{subject}/randomise", own, show),
        Route::post("/t/{trial}/subjects/{subject}/randomise", own, randomise),
        Route::get("/t/{trial}/subjects/{subject}/randomise-for", other, show_for),
        Route::post("/t/{trial}/subjects/{subject}/randomise-for", other, randomise_for),
        Route::get(
            "/t/{trial}/subjects/{subject}/randomisation",
            Gate::Subject(Act::ViewSubject),
            confirmation::show,
        ),
    ];
    routes.extend(proof::routes());
    routes
}

/// Who randomises: the site itself, or the trial office for a site that telephoned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Own,
    OnBehalf,
}

impl Way {
    fn path(self) -> &'static str {
        match self {
            Self::Own => "randomise",
            Self::OnBehalf => "randomise-for",
        }
    }
}

/// `GET …/randomise`
async fn show(State(app): State<App>, chart: Chart) -> Answer {
    asked(&app, &chart, Way::Own).await
}

/// `GET …/randomise-for`
async fn show_for(State(app): State<App>, chart: Chart) -> Answer {
    asked(&app, &chart, Way::OnBehalf).await
}

async fn asked(app: &App, chart: &Chart, way: Way) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    if folder.record.randomised.is_some() {
        return Ok(go(&chart.at("randomisation")));
    }
    let today = app.today().to_string();
    let fields = Fields(vec![("date".into(), today)]);
    Ok(page(chart, &folder, way, &fields, &Faults::default(), StatusCode::OK))
}

/// `POST …/randomise`
async fn randomise(chart: Chart, fields: Fields) -> Answer {
    take(&chart, Way::Own, &fields).await
}

/// `POST …/randomise-for`
async fn randomise_for(chart: Chart, fields: Fields) -> Answer {
    take(&chart, Way::OnBehalf, &fields).await
}

async fn take(chart: &Chart, way: Way, fields: &Fields) -> Answer {
    let mut faults = Faults::default();
    if let Some(deed) = deed(way, fields, &mut faults) {
        let mut action = Action::now(&chart.actor(), deed).at(chart.site.clone()).of(chart.subject.clone());
        // Drawn only on what the page had shown: not over a correction that came in between.
        if let Ok(seen) = fields.get("_seen").parse() {
            action = action.expecting(seen);
        }
        match chart.room.office.submit(vec![action]).await {
            Ok(_) => return Ok(go(&chart.at("randomisation"))),
            Err(office::Error::Refused(refusal)) => explain(&refusal.reason, &mut faults),
            Err(wrong) => return Err(wrong.into()),
        }
    }
    let folder = chart.room.folder(&chart.subject).await?;
    if folder.record.randomised.is_some() {
        return Ok(go(&chart.at("randomisation?again=1")));
    }
    Ok(page(chart, &folder, way, fields, &faults, StatusCode::UNPROCESSABLE_ENTITY))
}

fn deed(way: Way, fields: &Fields, faults: &mut Faults) -> Option<Deed> {
    let typed = fields.get("date");
    let day = match date(typed) {
        Ok(PartialDate::Day(day)) => Some(day),
        Err(says) if !typed.is_empty() => {
            faults.add("date", sentence(&says));
            None
        }
        Ok(_) | Err(_) => {
            faults.add("date", "The day is needed: it is study day 1.");
            None
        }
    };
    if way == Way::Own {
        return day.map(|date| Deed::Randomise { date });
    }
    let (who, reason) = (fields.get("who"), fields.get("reason"));
    if who.is_empty() {
        faults.add("who", "Say who asked for it: the investigator of the site, by name or user name.");
    }
    if reason.is_empty() {
        faults.add("reason", "Say why the site cannot do it itself: it stands in the audit trail.");
    }
    let said = !who.is_empty() && !reason.is_empty();
    day.filter(|_| said).map(|date: Date| Deed::RandomiseOnBehalf {
        date,
        for_whom: OnBehalf { who: who.to_owned(), reason: reason.to_owned() },
    })
}

/// A refusal in its place on the page. The criteria themselves are on it anyway, each with where it is entered.
fn explain(reason: &Reason, faults: &mut Faults) {
    match reason {
        Reason::Future { .. } | Reason::ConsentLater { .. } => {
            faults.add("date", sentence(&in_words(&reason.to_string())));
        }
        Reason::NotEligible(judged) => {
            let named: Vec<_> = judged.iter().map(|judged| judged.id.as_str()).collect();
            faults.add("", format!("Nothing was drawn: {} not proven.", are(&named)));
        }
        Reason::Conflict { since, .. } => {
            let later =
                since.iter().map(|later| later.who.as_str()).collect::<std::collections::BTreeSet<_>>();
            let by = if later.is_empty() {
                String::new()
            } else {
                format!(" by {}", later.into_iter().collect::<Vec<_>>().join(", "))
            };
            faults.add("", format!("Nothing was drawn: the record was changed{by} since this page was opened. Read the proof once more."));
        }
        Reason::Seed(_) => {
            faults.add("", "Nothing was drawn: the server cannot read the secret seed. The trial office can help, and can randomise once it is back.");
        }
        reason => faults.add("", format!("Nothing was drawn: {reason}.")),
    }
}

fn are(named: &[&str]) -> String {
    match named {
        [one] => format!("criterion {one} is"),
        several => format!("criteria {} are", several.join(", ")),
    }
}

/// An error's words as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let rest = letters.as_str();
    format!("{first}{rest}{}", if rest.ends_with(['.', '?']) { "" } else { "." })
}

fn page(
    chart: &Chart,
    folder: &Folder,
    way: Way,
    fields: &Fields,
    faults: &Faults,
    status: StatusCode,
) -> Response {
    let proof = Proof::of(chart, folder);
    let title = match way {
        Way::Own => format!("Randomise subject {}", chart.subject),
        Way::OnBehalf => format!("Randomise subject {} for site {}", chart.subject, chart.site),
    };
    let body = html! {
        (shell::crumbs(&[
            (in_trial(&chart.room.slug, "subjects"), "Subjects"),
            (chart.at(""), chart.subject.as_str()),
            (chart.at("eligibility"), "Eligibility"),
        ]))
        h1 { (title) }
        (faults.summary())
        @if proof.is_whole() { (confirm(chart, folder, way, fields, faults)) }
        @else {
            div.notice.bad {
                p { b { "This subject cannot be randomised yet." } " Nothing is drawn before every criterion is proven; below is what hinders it and where it is entered." }
            }
        }
        (proof.shown())
    };
    (status, shell::page(chart, Place::Subjects, &title, body)).into_response()
}

fn confirm(chart: &Chart, folder: &Folder, way: Way, fields: &Fields, faults: &Faults) -> Markup {
    let field = |name, label, hint| {
        input(&Input {
            name,
            label,
            hint,
            value: fields.get(name),
            fault: faults.says(name),
            required: true,
            ..Input::default()
        })
    };
    html! {
        form.card method="post" action=(chart.at(way.path())) {
            (shell::csrf(&chart.visitor))
            input type="hidden" name="_seen" value=(folder.head_of_subject);
            h2 { "The arm is drawn now, once and for good" }
            p {
                "It is recorded under your name, " b { (chart.visitor.session.display_name) }
                ", and can be neither drawn again nor taken back. The criteria below are judged once more as it is drawn."
            }
            (field("date", "Date of randomisation", "Study day 1, as 2027-01-31. Visits are counted from it."))
            @if way == Way::OnBehalf {
                p.notice.warn { "For a site that cannot reach this server. The same must be proven; what the site says on the telephone is not entered here." }
                (field("who", "Who at the site asked for it", "The investigator who judged the patient eligible."))
                (field("reason", "Why the site cannot do it itself", ""))
            }
            button.main type="submit" { "Randomise " (chart.subject) }
            " "
            a href=(chart.at("")) { "Not now" }
        }
    }
}

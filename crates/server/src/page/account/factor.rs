//! Setting up the second factor: the code to scan, the first code back, the recovery codes.
//!
//! Never keeps the secret: until it is confirmed it is in the page, so that a mistyped code does not ask for a new scan.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use people::{Confirmed, Secret, User};

use crate::app::App;
use crate::page::log_in::{Carried, too_many};
use crate::page::parts::{Input, input};
use crate::page::qr::qr;
use crate::web::access::{Fields, Gate, Route, Visitor, go};
use crate::web::fault::{Answer, Fault};
use crate::web::limit::Client;
use crate::web::shell;

/// The routes of these pages.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/account/second-factor", Gate::User, show),
        Route::post("/account/second-factor/begin", Gate::User, begin),
        Route::post("/account/second-factor/confirm", Gate::User, confirm),
        Route::post("/account/second-factor/done", Gate::User, done),
    ]
}

/// The second factor on the account's page.
pub(super) fn card(visitor: &Visitor, user: &User, codes_left: u64) -> Markup {
    html! {
        section.card {
            h2 { "Second factor" }
            @if user.second_factor {
                p {
                    span.chip.good { "set up" } " Recovery codes left: " (codes_left) "."
                    @if codes_left < 3 { " Set it up anew to get ten new ones." }
                }
                p.soft { "A new phone? Set it up anew: the old app's codes end, and you get new recovery codes." }
            } @else {
                p { span.chip { "not set up" } " It is needed to randomise, to sign, to see results by arm and to run the trial office." }
            }
            (begins(visitor, &Carried::default(), if user.second_factor { "Set it up anew" } else { "Set it up" }))
        }
    }
}

fn begins(visitor: &Visitor, carried: &Carried, word: &str) -> Markup {
    html! {
        form method="post" action="/account/second-factor/begin" {
            (shell::csrf(visitor))
            (carried.hidden())
            button type="submit" { (word) }
        }
    }
}

/// `GET /account/second-factor`: where a role needs it, right after the account was made.
async fn show(visitor: Visitor) -> Response {
    if visitor.session.second_factor {
        return go("/account");
    }
    let body = html! {
        h1 { "One more step: your second factor" }
        section.card {
            p {
                "Your role can do things that a password alone should not open: randomise, sign, see results by arm, give others \
                 access. For these a code is asked for that an app on your phone shows, such as the one of your hospital, or any \
                 authenticator app."
            }
            (begins(&visitor, &Carried::default(), "Set it up now"))
        }
        p { a href="/" { "Later" } }
    };
    shell::user_page(&visitor, "Second factor", &body)
}

/// `POST /account/second-factor/begin`
async fn begin(State(app): State<App>, visitor: Visitor, fields: Fields) -> Answer {
    let carried = Carried::of_fields(&fields);
    match app.people.enrol(&visitor.session, app.now()).await {
        Ok(enrolment) => Ok(scan_page(&visitor, enrolment.uri.reveal(), &carried, "", StatusCode::OK)),
        // Whoever has one shows it first, so that a session left open cannot change it.
        Err(people::Error::AlreadyEnrolled) => {
            let body = html! {
                h1 { "Your second factor" }
                div.notice.warn { p { "It was given more than a quarter of an hour ago. Log out and in again, then set it up anew." } }
                p { a.button href="/account" { "Back" } }
            };
            Ok((StatusCode::FORBIDDEN, shell::user_page(&visitor, "Second factor", &body)).into_response())
        }
        Err(wrong) => Err(wrong.into()),
    }
}

/// `POST /account/second-factor/confirm`: the first code.
async fn confirm(
    State(app): State<App>,
    Extension(Client(from)): Extension<Client>,
    visitor: Visitor,
    fields: Fields,
) -> Answer {
    let carried = Carried::of_fields(&fields);
    let again = |says: &str, status| scan_page(&visitor, fields.get("uri"), &carried, says, status);
    let code = fields.get("code");
    match app.people.confirm(&visitor.session, code, &from.to_string(), app.now()).await {
        Ok(Confirmed::Codes(codes)) => Ok(codes_page(&app, &visitor, &codes, &carried)),
        Ok(Confirmed::Wrong) => Ok(again(
            "This is not the code the app shows now. If it stays so, the phone's clock is wrong: set it by the network.",
            StatusCode::UNPROCESSABLE_ENTITY,
        )),
        Ok(Confirmed::TooMany { until }) => Ok(again(&too_many(until), StatusCode::TOO_MANY_REQUESTS)),
        Err(people::Error::NotEnrolling) => Ok(go("/account/second-factor")),
        Err(wrong) => Err(wrong.into()),
    }
}

fn scan_page(visitor: &Visitor, uri: &str, carried: &Carried, fault: &str, status: StatusCode) -> Response {
    let Some(secret) = secret_of(uri) else {
        return Fault::BadRequest(
            "The page to scan from cannot be shown again. Begin anew on your account's page.".into(),
        )
        .into_response();
    };
    let body = html! {
        h1 { "Set up your second factor" }
        form.card method="post" action="/account/second-factor/confirm" {
            (shell::csrf(visitor))
            (carried.hidden())
            input type="hidden" name="uri" value=(uri);
            h2 { "1. Scan this with an authenticator app" }
            (qr(uri, "QR code for the authenticator app"))
            p.soft { "No camera? Type this key into the app: " code { (grouped(secret)) } }
            h2 { "2. Give the six digits it shows" }
            (input(&Input { name: "code", label: "Code", fault, autocomplete: "one-time-code", required: true, focused: true, ..Input::default() }))
            button.main type="submit" { "Confirm" }
        }
    };
    (status, shell::user_page(visitor, "Second factor", &body)).into_response()
}

/// The secret in an address of an authenticator.
fn secret_of(uri: &str) -> Option<&str> {
    let (_, query) = uri.strip_prefix("otpauth://totp/")?.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix("secret=")).filter(|secret| secret.is_ascii())
}

/// In groups of four, as one can type it.
fn grouped(secret: &str) -> String {
    let groups = secret.as_bytes().chunks(4).filter_map(|group| std::str::from_utf8(group).ok());
    groups.collect::<Vec<_>>().join(" ")
}

fn codes_page(app: &App, visitor: &Visitor, codes: &[Secret], carried: &Carried) -> Response {
    let body = html! {
        h1 { "Your recovery codes" }
        section.card {
            p {
                "Each of these takes the place of the app once, should your phone be lost. They are shown now and never again: print \
                 them and keep them where you keep your passport."
            }
            ul.codes { @for code in codes { li { code { (code.reveal()) } } } }
            p.soft { "For " (visitor.name()) " at " (app.address) }
        }
        form method="post" action="/account/second-factor/done" {
            (shell::csrf(visitor))
            (carried.hidden())
            div.row.actions {
                button type="button" data-print { "Print" }
                button.main type="submit" { "I have kept them" }
            }
        }
    };
    shell::user_page(visitor, "Recovery codes", &body)
}

/// `POST /account/second-factor/done`: onward to what was asked for before.
async fn done(State(app): State<App>, visitor: Visitor, fields: Fields) -> Response {
    Carried::of_fields(&fields).onward(&app, &visitor)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "otpauth://totp/Trialwright:anna?secret=JBSWY3DPEHPK3PXP&issuer=Trialwright",
        Some("JBSWY3DPEHPK3PXP")
    )]
    #[case("otpauth://totp/a?issuer=x&secret=ABCD", Some("ABCD"))]
    #[case("otpauth://totp/a", None)]
    #[case("https://elsewhere.example/?secret=ABCD", None)]
    fn the_key_to_type_is_the_one_in_the_code(#[case] uri: &str, #[case] secret: Option<&str>) {
        assert_eq!(secret_of(uri), secret);
        assert_eq!(grouped("JBSWY3DPEH"), "JBSW Y3DP EH");
    }
}

//! Logging in and out, the second factor, and what becomes of a form that was sent without a session.

use jiff::Timestamp;
use rstest::rstest;

use crate::scaffold::{Client, PASSWORD, Reply, code_of, demo, empty, fresh, own_demo};

/// Sends the log-in page back as a browser would, with what it carries.
fn fill(client: &Client, page: &Reply, path: &str, typed: &[(&str, &str)]) -> Reply {
    let shown = page.fields();
    let mut fields: Vec<(&str, &str)> = Vec::new();
    for (name, value) in &shown {
        let typed = typed.iter().find(|(typed, _)| typed == name).map(|(_, text)| *text);
        fields.push((name, typed.unwrap_or(value)));
    }
    client.post_bare(path, &fields)
}

/// A form with some of its fields changed.
fn with<'a>(typed: &[(&'a str, &'a str)], changed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let typed = typed.iter().map(|(name, text)| {
        let changed = changed.iter().find(|(other, _)| other == name);
        (*name, changed.map_or(*text, |(_, text)| *text))
    });
    typed.collect()
}

fn log_in(client: &Client, name: &str, password: &str) -> Reply {
    fill(client, &client.get("/log-in"), "/log-in", &[("name", name), ("password", password)])
}

#[test]
pub(crate) fn a_password_opens_a_session_and_log_out_ends_it() {
    let server = demo();
    let client = server.client();
    assert_eq!(
        client.get("/t/one/people/roles").location(),
        Some("/log-in?then=%2Ft%2Fone%2Fpeople%2Froles")
    );
    let page = client.get("/log-in?then=%2Ft%2Fone%2Fpeople%2Froles");
    let reply = fill(&client, &page, "/log-in", &[("name", " Statistician "), ("password", PASSWORD)]);
    assert_eq!((reply.status, reply.location()), (303, Some("/t/one/people/roles")), "{}", reply.words());
    assert_eq!(client.follow(&reply).status, 200);
    let token = client.token().unwrap();
    assert_eq!(client.post("/log-out", &[]).location(), Some("/log-in"));
    assert_eq!(client.token(), None);
    // The cookie of a browser that kept it opens nothing.
    client.set_token(Some(token));
    assert_eq!(client.get("/account").location(), Some("/log-in?then=%2Faccount"));
}

#[rstest]
#[case::unknown_user("nobody-at-all", PASSWORD)]
#[case::wrong_password("monitor", "not the password at all")]
#[case::empty("", "")]
fn a_wrong_log_in_says_one_thing(#[case] name: &str, #[case] password: &str) {
    let server = demo();
    let client = server.client();
    let reply = log_in(&client, name, password);
    assert_eq!(reply.status, 401);
    assert!(
        reply.says("This is not a name and its password, or the account is closed."),
        "{}",
        reply.words()
    );
    assert_eq!(reply.field("name").as_deref(), Some(name));
    assert_eq!(reply.field("password").as_deref(), Some(""));
    assert_eq!(client.token(), None);
}

#[test]
fn the_right_password_opens_nothing_once_an_account_is_locked() {
    let server = empty();
    let client = server.client();
    for _ in 0..5 {
        assert_eq!(log_in(&client, "monitor", "not the password at all").status, 401);
    }
    assert_eq!(log_in(&client, "monitor", PASSWORD).status, 401);
    let office = server.as_user("office");
    let page = office.get("/t/one/people/user/monitor");
    assert!(page.says("locked"), "{}", page.words());
    assert_eq!(office.post("/t/one/people/user/monitor/unlock", &[]).status, 303);
    assert_eq!(log_in(&client, "monitor", PASSWORD).status, 303);
}

#[test]
fn a_log_in_page_of_another_browser_is_not_taken() {
    let server = demo();
    let page = server.client().get("/log-in");
    let other = server.client();
    let reply = fill(&other, &page, "/log-in", &[("name", "monitor"), ("password", PASSWORD)]);
    assert_eq!((reply.status, other.token()), (403, None));
    // The same form as it is now shown is taken.
    let reply = fill(&other, &reply, "/log-in", &[("password", PASSWORD)]);
    assert_eq!(reply.status, 303);
}

#[rstest]
#[case::another_site(&[("origin", "https://elsewhere.example")])]
#[case::said_by_the_browser(&[("sec-fetch-site", "cross-site")])]
#[case::without_an_origin(&[("origin", "null")])]
fn a_form_of_another_site_is_not_taken(#[case] headers: &[(&str, &str)]) {
    let server = demo();
    let client = server.signed_in("statistician");
    let mut headers = headers.to_vec();
    headers.push(("content-type", "application/x-www-form-urlencoded"));
    let body = format!("display_name=X&_by=statistician&_csrf={}", client.csrf());
    let reply = client.send("POST", "/account/name", &headers, Some(body));
    assert_eq!(reply.status, 403);
    assert!(!client.get("/account").body.contains("value=\"X\""));
}

#[rstest]
#[case("//elsewhere.example/")]
#[case("https://elsewhere.example/")]
#[case("/\\elsewhere.example")]
#[case("/log-out")]
fn a_log_in_leads_to_no_other_server(#[case] then: &str) {
    let server = demo();
    let client = server.client();
    let page = client.get(&format!("/log-in?{}", serde_urlencoded::to_string([("then", then)]).unwrap()));
    let reply = fill(&client, &page, "/log-in", &[("name", "statistician"), ("password", PASSWORD)]);
    assert_eq!((reply.status, reply.location()), (303, Some("/")));
}

#[test]
pub(crate) fn what_was_typed_survives_a_session_that_ended() {
    let server = empty();
    let client = server.signed_in("coordinator");
    let page = client.get("/account");
    client.set_token(None);
    // The page is sent as it was shown, with what was typed meanwhile.
    let typed = [("display_name", "Cora \"<b>\" O'Neill"), ("email", "cora@hospital.example")];
    let shown: Vec<_> = page.fields();
    let by = shown.iter().find(|(name, _)| name == "_by").map(|(_, value)| value.as_str());
    assert_eq!(by, Some("coordinator"));
    let mut fields = typed.to_vec();
    fields.extend([("_csrf", "of the old session"), ("_by", "coordinator"), ("old_password", PASSWORD)]);
    let asked = client.post_bare("/account/name", &fields);
    assert_eq!(asked.status, 401);
    assert!(asked.says("Nothing is lost: log in again as coordinator"), "{}", asked.words());
    assert!(!asked.body.contains(PASSWORD), "a password was put into a page");
    // A wrong password loses nothing either.
    let wrong = fill(&client, &asked, "/log-in", &[("password", "not the password at all")]);
    assert_eq!(wrong.status, 401);
    let waits = fill(&client, &wrong, "/log-in", &[("password", PASSWORD)]);
    assert_eq!(waits.status, 200, "{}", waits.words());
    insta::assert_snapshot!("what_waits_to_be_sent", waits.words());
    assert_eq!(waits.field("display_name").as_deref(), Some("Cora \"<b>\" O'Neill"));
    let sent = fill(&client, &waits, "/account/name", &[]);
    assert_eq!((sent.status, sent.location()), (303, Some("/account")), "{}", sent.words());
    assert!(
        client.get("/account").fields().contains(&("display_name".into(), "Cora \"<b>\" O'Neill".into()))
    );
}

#[test]
fn nobody_sends_or_sees_what_somebody_else_typed() {
    let server = demo();
    let client = server.client();
    let asked = client.post_bare("/account/name", &[("display_name", "Typed by one"), ("_by", "monitor")]);
    assert_eq!(asked.status, 401);
    let reply = fill(&client, &asked, "/log-in", &[("name", "statistician"), ("password", PASSWORD)]);
    assert_eq!(reply.status, 200);
    assert!(
        reply.says("It was typed by monitor, and you are logged in as statistician"),
        "{}",
        reply.words()
    );
    assert!(!reply.says("Typed by one"));
    // The form waits on for the one who typed it.
    let asked = fill(&client, &reply, "/log-out", &[]);
    assert!(client.token().is_none());
    let reply = fill(&client, &asked, "/log-in", &[("name", "monitor"), ("password", PASSWORD)]);
    assert!(reply.says("Here is what you had typed") && reply.says("Typed by one"), "{}", reply.words());
}

#[test]
fn a_form_of_an_older_session_is_shown_again_and_not_taken() {
    let server = empty();
    let client = server.signed_in("coordinator");
    let old =
        [("_csrf", "of the old session"), ("_by", "coordinator"), ("display_name", "Older"), ("email", "")];
    let reply = client.post_bare("/account/name", &old);
    assert_eq!(reply.status, 403);
    assert!(reply.says("Older"), "{}", reply.words());
    assert!(!client.get("/account").fields().contains(&("display_name".into(), "Older".into())));
    assert_eq!(fill(&client, &reply, "/account/name", &[]).status, 303);
    assert!(client.get("/account").fields().contains(&("display_name".into(), "Older".into())));
}

#[test]
fn a_part_of_a_page_is_told_in_words() {
    let server = demo();
    let client = server.client();
    let reply = client.part("/t/one/sites");
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (401, "You were logged out. What you typed is still here.")
    );
    let client = server.signed_in("statistician");
    client.set_token(client.token());
    let reply =
        client.send("POST", "/account/name", &[("hx-request", "true")], Some("display_name=X".into()));
    assert_eq!(reply.status, 403);
    assert!(reply.body.starts_with("This page is from before you last logged in."));
}

#[test]
pub(crate) fn a_second_factor_is_set_up_and_then_asked_for() {
    let server = empty();
    let client = server.signed_in("investigator");
    let scan = client.post("/account/second-factor/begin", &[]);
    assert_eq!(scan.status, 200);
    assert!(scan.body.contains("<svg role=\"img\""));
    let uri = scan.field("uri").unwrap();
    let wrong = fill(&client, &scan, "/account/second-factor/confirm", &[("code", "000000")]);
    assert_eq!(wrong.status, 422);
    assert_eq!(wrong.field("uri").as_ref(), Some(&uri), "a mistyped code asks for no new scan");
    let codes = fill(
        &client,
        &wrong,
        "/account/second-factor/confirm",
        &[("code", &code_of(&uri, Timestamp::now()))],
    );
    assert!(codes.says("Your recovery codes"), "{}", codes.words());
    let recovery: Vec<String> = codes
        .words()
        .lines()
        .filter(|line| line.len() == 19 && line.matches('-').count() == 3)
        .map(str::to_owned)
        .collect();
    assert_eq!(recovery.len(), 10);

    // A password alone opens only the page for the code, and carries what was typed through it.
    let client = server.client();
    let reply = log_in(&client, "investigator", PASSWORD);
    assert_eq!(reply.location(), Some("/second-factor"));
    assert_eq!(client.get("/account").location(), Some("/second-factor?then=%2Faccount"));
    assert_eq!(client.get("/t/one/sites").location(), Some("/second-factor?then=%2Ft%2Fone%2Fsites"));
    assert_eq!(client.part("/t/one/sites").status, 403);
    let asked =
        client.post("/account/name", &[("display_name", "Ina"), ("email", ""), ("_by", "investigator")]);
    assert_eq!(asked.status, 403);
    assert!(asked.says("Your second factor"), "{}", asked.words());
    let wrong = fill(&client, &asked, "/second-factor", &[("code", "1")]);
    assert_eq!(wrong.status, 422);
    let waits = fill(&client, &wrong, "/second-factor", &[("code", &recovery[0])]);
    assert!(waits.says("Here is what you had typed") && waits.says("Ina"), "{}", waits.words());
    assert_eq!(fill(&client, &waits, "/account/name", &[]).status, 303);
    assert!(client.get("/account").says("Recovery codes left: 9."));

    // A recovery code is taken once.
    let client = server.client();
    log_in(&client, "investigator", PASSWORD);
    let page = client.get("/second-factor?then=%2Faccount");
    assert_eq!(fill(&client, &page, "/second-factor", &[("code", &recovery[0])]).status, 422);
    let reply = fill(&client, &page, "/second-factor", &[("code", &recovery[1])]);
    assert_eq!(reply.location(), Some("/account"));
}

#[test]
fn what_needs_a_second_factor_leads_to_setting_one_up_and_back() {
    let server = empty();
    let client = server.signed_in("office");
    let reply = client.get("/t/one/people");
    assert_eq!(reply.location(), Some("/second-factor?then=%2Ft%2Fone%2Fpeople"));
    let typed = [("site", "03"), ("name", "Valley Hospital"), ("country", "NZL"), ("_by", "office")];
    let offered = client.post("/t/one/new-site", &typed);
    assert_eq!(offered.status, 403);
    assert!(offered.says("A second factor is needed"), "{}", offered.words());
    let scan = fill(&client, &offered, "/account/second-factor/begin", &[]);
    let code = code_of(&scan.field("uri").unwrap(), Timestamp::now());
    let codes = fill(&client, &scan, "/account/second-factor/confirm", &[("code", &code)]);
    let waits = fill(&client, &codes, "/account/second-factor/done", &[]);
    assert!(waits.says("Valley Hospital"), "{}", waits.words());
    let sent = fill(&client, &waits, "/t/one/new-site", &[]);
    assert_eq!(sent.location(), Some("/t/one/sites/03"), "{}", sent.words());
}

#[test]
fn a_changed_password_ends_the_other_sessions() {
    let server = empty();
    let (here, there) = (server.signed_in("manager"), server.signed_in("manager"));
    let new = "eleven quiet lanterns over sand";
    let form = |old, same| [("old_password", old), ("new_password", new), ("same_password", same)];
    let reply = here.post("/account/password", &form("not the password at all", new));
    assert!(reply.status == 422 && reply.says("This is not your password until now."), "{}", reply.words());
    let reply = here.post("/account/password", &form(PASSWORD, "something else entirely"));
    assert!(reply.says("This differs from the password above."), "{}", reply.words());
    let short = [("old_password", PASSWORD), ("new_password", "short"), ("same_password", "short")];
    let reply = here.post("/account/password", &short);
    assert!(reply.says("it has 5 characters"), "{}", reply.words());
    assert_eq!(here.post("/account/password", &form(PASSWORD, new)).status, 303);
    assert_eq!(here.get("/account").status, 200);
    assert_eq!(there.get("/account").status, 303);
    assert_eq!(log_in(&server.client(), "manager", PASSWORD).status, 401);
    assert_eq!(log_in(&server.client(), "manager", new).status, 303);
    let client = server.client();
    log_in(&client, "manager", new);
    assert_eq!(client.post("/account/log-out-everywhere", &[]).location(), Some("/log-in"));
    assert_eq!(here.get("/account").status, 303);
}

#[test]
pub(crate) fn a_fresh_server_is_opened_by_its_code_and_by_nothing_else() {
    let server = fresh();
    let client = server.client();
    assert_eq!(client.get("/").location(), Some("/log-in"));
    assert_eq!(client.get("/log-in").location(), Some("/first-run"));
    let page = client.get(&server.first_run);
    assert_eq!(page.status, 200);
    insta::assert_snapshot!("first_run", page.words());
    let typed = [
        ("name", "M.Lee"),
        ("display_name", "Mina Lee"),
        ("email", "mina@hospital.example"),
        ("new_password", PASSWORD),
        ("same_password", PASSWORD),
    ];
    let with = |changed: &[(&'static str, &'static str)]| with(&typed, changed);
    let mut forged = with(&[]);
    forged.push(("code", "a guess"));
    let reply = client.post_bare("/first-run", &forged);
    assert!(reply.status == 403 && reply.says("This is not the code"), "{}", reply.words());
    let reply = fill(&client, &page, "/first-run", &with(&[("name", "x"), ("email", "no address")]));
    assert_eq!(reply.status, 422);
    assert!(reply.says("user name: found `x`"), "{}", reply.words());
    let reply = fill(&client, &page, "/first-run", &with(&[("same_password", "other")]));
    assert_eq!(reply.status, 422);
    assert!(!server.wait(server.people.has_users()).unwrap());

    let reply = fill(&client, &page, "/first-run", &with(&[]));
    assert_eq!(reply.location(), Some("/account/second-factor"), "{}", reply.words());
    assert!(client.follow(&reply).says("One more step: your second factor"));
    let scan = client.post("/account/second-factor/begin", &[]);
    let code = code_of(&scan.field("uri").unwrap(), Timestamp::now());
    fill(&client, &scan, "/account/second-factor/confirm", &[("code", &code)]);
    // The first user is the office of every trial, and nobody is first again.
    let home = client.get("/");
    insta::assert_snapshot!("home_of_the_first_user", home.words());
    for trial in ["one", "two"] {
        assert!(client.get(&format!("/t/{trial}/people")).says("Mina Lee"));
    }
    let again = server.client();
    assert_eq!(again.get(&server.first_run).location(), Some("/log-in"));
    assert_eq!(fill(&again, &page, "/first-run", &with(&[("name", "second")])).location(), Some("/log-in"));
    assert_eq!(server.wait(server.people.users()).unwrap().len(), 1);
}

#[test]
fn a_session_is_another_after_each_log_in() {
    let server = demo();
    let client = server.client();
    log_in(&client, "statistician", PASSWORD);
    let first = client.token().unwrap();
    log_in(&client, "statistician", PASSWORD);
    let second = client.token().unwrap();
    assert_ne!(first, second);
    client.set_token(Some(first));
    assert_eq!(client.get("/account").status, 303, "the session a browser gave up opens nothing");
}

#[test]
fn the_cookie_is_kept_from_scripts_and_other_sites() {
    let server = demo();
    let client = server.client();
    let reply = log_in(&client, "statistician", PASSWORD);
    let cookie = reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let cookie = cookie.into_iter().find(|cookie| cookie.starts_with("trialwright=")).unwrap();
    for word in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
}

#[test]
fn an_account_shows_drafts_and_throws_them_away() {
    let server = own_demo();
    let client = server.signed_in("coordinator");
    let subject = server.subject_at("01");
    let place = people::DraftPlace {
        trial: "one".into(),
        subject: Some(subject.clone()),
        instance: trial::event::Instance { form: "ecog".into(), visit: Some("W12".into()), occurrence: 1 },
    };
    let fields = vec![("ECOG".to_owned(), "1".to_owned())];
    server.wait(server.people.keep_draft("coordinator", &place, &fields, 0, Timestamp::now())).unwrap();
    let page = client.get("/account");
    assert!(page.says(&format!("subject {subject}: ecog@W12")), "{}", page.words());
    let form = [("trial", "one"), ("subject", subject.as_str()), ("instance", "ecog@W12")];
    assert_eq!(client.post("/account/drafts/drop", &form).status, 303);
    assert!(!client.get("/account").says("ecog@W12"));
    // Another's draft cannot be reached: the place is taken together with who asks.
    server.wait(server.people.keep_draft("coordinator", &place, &fields, 0, Timestamp::now())).unwrap();
    server.signed_in("statistician").post("/account/drafts/drop", &form);
    assert!(client.get("/account").says("ecog@W12"));
}

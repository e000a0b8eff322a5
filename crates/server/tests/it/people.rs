//! The trial office at work on people and sites: invitations, roles, lost passwords and phones, tokens, sites opened and closed.

use jiff::Timestamp;
use rstest::rstest;
use trial::event::What;

use crate::scaffold::{Client, Reply, Running, demo, empty};

const NEW: &str = "eleven quiet lanterns over sand";

/// The path of the link that a page shows.
fn link_in(server: &Running, page: &Reply) -> String {
    let words = page.words();
    let begins = format!("{}/invitation/", server.address);
    let link = words.split_whitespace().find(|word| word.starts_with(&begins));
    link.unwrap_or_else(|| panic!("no link: {words}")).replace(&server.address, "")
}

fn invite(office: &Client, changed: &[(&str, &str)]) -> Reply {
    let mut fields = vec![
        ("name", "k.ng"),
        ("display_name", "Kim Ng"),
        ("email", "kim@hospital.example"),
        ("role", "investigator"),
        ("site", "01"),
    ];
    for (name, text) in changed {
        if let Some(field) = fields.iter_mut().find(|(known, _)| known == name) {
            field.1 = text;
        }
    }
    office.post("/t/one/people/invite", &fields)
}

fn accept(client: &Client, link: &str) -> Reply {
    client.post_bare(link, &[("new_password", NEW), ("same_password", NEW)])
}

#[test]
pub(crate) fn an_invitation_makes_an_account_with_its_role_once() {
    let server = empty();
    let office = server.as_user("office");
    let page = invite(&office, &[]);
    assert_eq!(page.status, 200, "{}", page.words());
    assert!(page.says("It works once, for 7 days."), "{}", page.words());
    let link = link_in(&server, &page);
    let people = office.get("/t/one/people");
    assert!(people.says("Kim Ng k.ng\nInvestigator at 01"), "{}", people.words());

    let guest = server.client();
    let welcome = guest.get(&link);
    insta::assert_snapshot!("invitation", welcome.words());
    let weak =
        guest.post_bare(&link, &[("new_password", "kim ng kim ng"), ("same_password", "kim ng kim ng")]);
    assert_eq!(weak.status, 422, "{}", weak.words());
    let reply = accept(&guest, &link);
    // An investigator randomises and signs: the second factor comes first.
    assert_eq!(reply.location(), Some("/account/second-factor"), "{}", reply.words());
    assert_eq!(guest.get("/t/one/sites").status, 200);
    assert_eq!(guest.get("/t/one/people").status, 403);

    let grants: Vec<_> = trial_events(&server)
        .into_iter()
        .filter_map(|event| match event.what {
            What::UserChanged { user, given } if user == "k.ng" => Some((event.who, event.site, given)),
            _ => None,
        })
        .collect();
    let role = trial::event::Role::Investigator;
    assert_eq!(grants, [("office".to_owned(), Some("01".into()), Some(role))]);
    // The link opens nothing any more.
    assert_eq!(guest.get(&link).status, 404);
    assert_eq!(accept(&server.client(), &link).status, 404);
    assert!(server.wait(server.people.grants_to_make()).unwrap().is_empty());
}

fn trial_events(server: &Running) -> Vec<trial::event::Event> {
    server.wait(async {
        let ledger = ledger::Ledger::open_read_only(server.ledger("one")).await.unwrap();
        let stored = ledger.without_subject(None).await.unwrap();
        stored.iter().map(|stored| stored.parse().unwrap()).collect()
    })
}

#[rstest]
#[case::no_role(&[("role", "")], "Choose a role.")]
#[case::made_up_role(&[("role", "patient")], "Choose a role.")]
#[case::no_site(&[("site", "")], "An investigator works at one site: choose it.")]
#[case::unknown_site(&[("site", "99")], "There is no site 99.")]
#[case::bad_name(&[("name", "Kim Ng")], "user name: found `kim ng`")]
#[case::no_full_name(&[("display_name", " ")], "full name: nothing was given")]
#[case::bad_address(&[("email", "kim at hospital")], "e-mail: found `kim at hospital`")]
#[case::taken(&[("name", "monitor")], "the user name `monitor` is taken")]
fn a_bad_invitation_is_refused_beside_its_field(#[case] changed: &[(&str, &str)], #[case] says: &str) {
    let server = demo();
    let office = server.as_user("office");
    let reply = invite(&office, changed);
    assert_eq!(reply.status, 422);
    assert!(reply.says(says), "{}", reply.words());
    // What was typed is still there.
    for name in ["name", "display_name", "email"] {
        let typed = changed.iter().find(|(field, _)| *field == name).map(|(_, text)| text.trim().to_owned());
        if let Some(typed) = typed {
            assert_eq!(reply.field(name), Some(typed));
        }
    }
    assert!(!office.get("/t/one/people").says("k.ng"));
}

#[test]
fn a_withdrawn_invitation_opens_nothing() {
    let server = empty();
    let office = server.as_user("office");
    let link = link_in(&server, &invite(&office, &[]));
    let id = office.get("/t/one/people").field("id").unwrap();
    // Another trial's office cannot withdraw it.
    assert_eq!(server.as_user("stranger").post("/t/two/people/withdraw", &[("id", &id)]).status, 404);
    assert_eq!(server.client().get(&link).status, 200);
    assert_eq!(office.post("/t/one/people/withdraw", &[("id", &id)]).status, 303);
    assert_eq!(server.client().get(&link).status, 404);
}

#[test]
fn roles_are_given_and_taken_and_the_last_office_stays() {
    let server = empty();
    let office = server.as_user("office");
    let monitor = server.as_user("monitor");
    assert_eq!(monitor.get("/t/one/people").status, 403);
    let give = |user: &str, role: &str, site: &str| {
        office.post(&format!("/t/one/people/user/{user}/give"), &[("role", role), ("site", site)])
    };
    let take =
        |user: &str, site: &str| office.post(&format!("/t/one/people/user/{user}/take"), &[("site", site)]);
    // The last of the office cannot leave it, in either way.
    let reply = take("office", "");
    assert!(reply.status == 422 && reply.says("This is the last of the trial office"), "{}", reply.words());
    let reply = give("office", "monitor", "");
    assert!(reply.status == 422 && reply.says("This is the last of the trial office"), "{}", reply.words());
    // A second one may come, in place of being a monitor, and then the first may go.
    assert_eq!(give("monitor", "trial-office", "").status, 303);
    assert_eq!(monitor.get("/t/one/people").status, 200);
    assert_eq!(take("office", "").status, 303);
    assert_eq!(office.get("/t/one/people").status, 404, "whoever has no role sees no trial");
    // What is gone cannot be taken again.
    let reply = monitor.post("/t/one/people/user/office/take", &[("site", "")]);
    assert_eq!(reply.status, 422, "{}", reply.words());
    assert!(monitor.get("/t/one/people/user/office").says("None any more."));
}

#[test]
fn a_role_at_a_second_site_and_a_colleague_of_another_trial() {
    let server = empty();
    let office = server.as_user("office");
    let coordinator = server.as_user("coordinator");
    assert_eq!(coordinator.get("/t/one/sites/02").status, 403);
    let reply =
        office.post("/t/one/people/user/coordinator/give", &[("role", "site-coordinator"), ("site", "02")]);
    assert_eq!(reply.status, 303, "{}", reply.words());
    assert_eq!(coordinator.get("/t/one/sites/02").status, 200);
    let again =
        office.post("/t/one/people/user/coordinator/give", &[("role", "site-coordinator"), ("site", "02")]);
    assert_eq!(again.status, 422, "{}", again.words());
    // Somebody of another trial is found by name alone, and their account stays theirs.
    assert_eq!(office.get("/t/one/people/user/stranger").status, 404);
    let reply = invite(&office, &[("name", "stranger")]);
    assert!(reply.says("give the account the role"), "{}", reply.words());
    assert_eq!(
        office.post("/t/one/people/user/stranger/give", &[("role", "monitor"), ("site", "")]).status,
        303
    );
    let page = office.get("/t/one/people/user/stranger");
    assert!(page.says("also works in another trial on this server"), "{}", page.words());
    for act in ["link", "factor", "unlock", "close", "open"] {
        assert_eq!(office.post(&format!("/t/one/people/user/stranger/{act}"), &[]).status, 403, "{act}");
    }
    assert_eq!(server.as_user("stranger").get("/t/one/sites").status, 200);
}

#[test]
pub(crate) fn a_forgotten_password_a_lost_phone_and_a_closed_account() {
    let server = empty();
    let office = server.as_user("office");
    let investigator = server.as_user("investigator");
    let page = office.post("/t/one/people/user/investigator/link", &[]);
    let link = link_in(&server, &page);
    assert!(page.says("works once, until tomorrow"), "{}", page.words());
    assert!(server.client().get(&link).says("A new password for Investigator Example"));
    let reply = accept(&server.client(), &link);
    // The second factor is still asked for: whoever finds the letter gets no further.
    assert_eq!(reply.location(), Some("/second-factor"), "{}", reply.words());
    assert_eq!(investigator.get("/account").status, 303, "the sessions of before have ended");

    assert_eq!(office.post("/t/one/people/user/investigator/factor", &[]).status, 303);
    let client = server.client();
    let page = client.get("/log-in");
    let token = page.field("_page").unwrap();
    let log_in = |client: &Client, name: &str, password: &str| {
        client.post_bare("/log-in", &[("name", name), ("password", password), ("_page", &token)])
    };
    assert_eq!(log_in(&client, "investigator", NEW).location(), Some("/"));
    assert_eq!(client.get("/t/one/sites").status, 200);

    assert_eq!(office.post("/t/one/people/user/investigator/close", &[]).status, 303);
    assert_eq!(client.get("/t/one/sites").status, 303);
    assert!(office.get("/t/one/people/user/investigator").says("closed"));
    assert_eq!(log_in(&client, "investigator", NEW).status, 401);
    assert_eq!(office.post("/t/one/people/user/investigator/link", &[]).status, 403);
    assert_eq!(office.post("/t/one/people/user/investigator/open", &[]).status, 303);
    assert_eq!(log_in(&client, "investigator", NEW).status, 303);
    // Nobody closes their own account.
    assert_eq!(office.post("/t/one/people/user/office/close", &[]).status, 403);
}

#[test]
pub(crate) fn a_token_is_shown_once_and_revoked() {
    let server = empty();
    let office = server.as_user("office");
    let form = [("name", "Hospital system"), ("role", "site-coordinator"), ("site", "01"), ("days", "30")];
    let page = office.post("/t/one/people/tokens", &form);
    let words = page.words();
    let token =
        words.split_whitespace().find(|word| word.starts_with("tw_")).unwrap_or_else(|| panic!("{words}"));
    let opened = server.wait(server.people.api_token(token, Timestamp::now())).unwrap().unwrap();
    assert_eq!((opened.name.as_str(), opened.by.as_str()), ("Hospital system", "office"));
    assert!(page.says("fill forms") && !page.says("sign forms"), "{words}");
    let list = office.get("/t/one/people/tokens");
    assert!(list.says("Hospital system") && !list.says(token));
    // It is of this trial: the office of another cannot revoke it.
    assert_eq!(
        server.as_user("stranger").post("/t/two/people/tokens/revoke", &[("id", &opened.id)]).status,
        404
    );
    assert_eq!(office.post("/t/one/people/tokens/revoke", &[("id", &opened.id)]).status, 303);
    assert!(office.get("/t/one/people/tokens").says("revoked"));
    for (field, text, says) in [
        ("days", "0", "A whole number of days, from 1 to 731."),
        ("days", "many", "A whole number of days, from 1 to 731."),
        ("name", "", "Say what the token is for"),
        ("site", "", "works at one site"),
    ] {
        let fields: Vec<_> =
            form.iter().map(|(name, old)| (*name, if *name == field { text } else { *old })).collect();
        let reply = office.post("/t/one/people/tokens", &fields);
        assert!(reply.status == 422 && reply.says(says), "{}", reply.words());
    }
}

#[test]
fn the_roles_page_shows_the_table() {
    let server = demo();
    let page = server.as_user("committee").get("/t/one/people/roles");
    insta::assert_snapshot!("roles", page.words());
}

#[test]
fn the_people_page_shows_who_works_here() {
    let server = empty();
    let page = server.as_user("office").get("/t/one/people");
    assert!(
        page.says("Monitor Example\nmonitor\nMonitor at all sites\nnever | missing | open"),
        "{}",
        page.words()
    );
    assert!(page.says("None. An invitation opens for 7 days"), "{}", page.words());
}

#[test]
fn a_site_is_opened_closed_and_opened_again() {
    let server = empty();
    let office = server.as_user("office");
    let open = |site: &str, name: &str, country: &str| {
        office.post("/t/one/new-site", &[("site", site), ("name", name), ("country", country)])
    };
    for (site, name, country, says) in [
        ("", "Valley", "NZL", "1 to 12 letters, digits or hyphens."),
        ("0/3", "Valley", "NZL", "1 to 12 letters, digits or hyphens."),
        ("03", "", "NZL", "1 to 200 characters."),
        ("03", "Valley", "NZ", "NZ is no country code of ISO 3166-1"),
        ("01", "Valley", "NZL", "There is a site 01 already."),
    ] {
        let reply = open(site, name, country);
        assert!(reply.status == 422 && reply.says(says), "{}", reply.words());
        assert_eq!(reply.field("name").as_deref(), Some(name));
    }
    let reply = open("03", "Valley Hospital, Hutt", "NZL");
    assert_eq!(reply.location(), Some("/t/one/sites/03"), "{}", reply.words());
    let reply = office.post("/t/one/sites/03/close", &[("reason", " ")]);
    assert!(reply.status == 422 && reply.says("Say why"), "{}", reply.words());
    assert_eq!(office.post("/t/one/sites/03/close", &[("reason", "No staff")]).status, 303);
    let page = office.get("/t/one/sites/03");
    assert!(
        page.says("closed since") && page.says("No staff") && page.says("Open the site again"),
        "{}",
        page.words()
    );
    let again = office.post("/t/one/sites/03/close", &[("reason", "Again")]);
    assert_eq!(again.status, 422, "{}", again.words());
    assert_eq!(office.post("/t/one/sites/03/reopen", &[]).status, 303);
    assert!(office.get("/t/one/sites").says("03 | Valley Hospital, Hutt | New Zealand | open"));
    assert_eq!(office.get("/t/one/sites/99").status, 404);
    let country = trial_events(&server).into_iter().rev().find_map(|event| match event.what {
        What::SiteOpened { country, .. } => country,
        _ => None,
    });
    assert_eq!(country.as_deref(), Some("NZL"));
}

#[test]
fn a_site_sees_its_own_recruitment_alone() {
    let server = demo();
    let whole = server.as_user("office").get("/t/one/sites");
    let own = server.as_user("coordinator").get("/t/one/sites");
    assert!(whole.says("02 |") && whole.says("Together"), "{}", whole.words());
    assert!(own.says("01 |") && !own.says("02 |"), "{}", own.words());
    // The counts are those of the ledger.
    let (subjects, _) = server.reading().records(|record| record).unwrap();
    let here: Vec<_> = subjects.iter().filter(|record| record.site.as_str() == "01").collect();
    let counts =
        format!("| {} | {} |", here.len(), here.iter().filter(|record| record.randomised.is_some()).count());
    assert!(own.says(&counts), "{counts}: {}", own.words());
}

#[test]
fn one_trial_is_opened_at_once_and_none_says_what_to_do() {
    let server = demo();
    assert_eq!(server.as_user("monitor").get("/").location(), Some("/t/one/"));
    let page = server.signed_in("newcomer").get("/");
    assert!(page.says("You have no role in a trial on this server yet."), "{}", page.words());
    let help = server.as_user("monitor").get("/help");
    assert_eq!(help.status, 200);
}

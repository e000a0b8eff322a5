//! Every role over every route: what the table of permissions says on one side, what the server answers on the other.

use people::permission::{self, Act, ROLES};
use server::{Gate, Route};
use trial::event::{Event, Role, What};
use trial::id::{SiteId, SubjectId};

use crate::scaffold::{Client, NOBODY, PEOPLE, Reply, Running, STRANGER, own_demo};

/// The site and the subject that the paths name.
const SITE: &str = "01";

/// Every route with its gate, to be read by a person: a handler behind the wrong gate shows here.
#[test]
fn the_gates_of_all_routes() {
    let mut lines: Vec<_> = server::routes()
        .iter()
        .map(|route| format!("{:<5}{:<70} {:?}", route.method.as_str(), route.path, route.gate))
        .collect();
    lines.sort_by_key(|line| line[5..].to_owned());
    insta::assert_snapshot!("gates", lines.join("\n"));
}

#[test]
fn a_trials_page_has_a_trials_gate() {
    for route in server::routes() {
        let gated = matches!(route.gate, Gate::Trial(_) | Gate::Site(_) | Gate::Subject(_));
        let (trial, subject) = (route.path.starts_with("/t/{trial}"), route.path.contains("{subject}"));
        assert_eq!(trial, gated, "{}", route.path);
        assert_eq!(subject && trial, matches!(route.gate, Gate::Subject(_)), "{}", route.path);
        assert_eq!(route.path.starts_with("/api/v"), matches!(route.gate, Gate::Token(_)), "{}", route.path);
    }
}

/// What the table says of a visitor at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Whoever may do this sees what the page says.
    Open,
    /// Log in first.
    LogIn,
    /// The trial, or the subject, is not there for this visitor.
    Hidden,
    /// It is there and closed to the visitor's role.
    Closed(Act),
    /// A token is needed.
    Token,
}

fn expected(gate: Gate, grants: Option<&[(Role, Option<SiteId>)]>) -> Expected {
    let site = SiteId::from(SITE);
    let or_closed = |open: bool, act| if open { Expected::Open } else { Expected::Closed(act) };
    let of_trial = |act| match grants {
        None => Err(Expected::LogIn),
        Some([]) => Err(Expected::Hidden),
        Some(grants) => Ok((grants, act)),
    };
    match gate {
        Gate::Public => Expected::Open,
        Gate::Token(_) => Expected::Token,
        Gate::User => grants.map_or(Expected::LogIn, |_| Expected::Open),
        Gate::Trial(act) => of_trial(act).map_or_else(
            |early| early,
            |(grants, act)| {
                or_closed(
                    grants.iter().any(|(role, _)| permission::may(*role, act) != permission::May::Never),
                    act,
                )
            },
        ),
        Gate::Site(act) => of_trial(act).map_or_else(
            |early| early,
            |(grants, act)| or_closed(permission::allowed(grants, act, Some(&site)).is_some(), act),
        ),
        Gate::Subject(act) => of_trial(act).map_or_else(
            |early| early,
            |(grants, act)| {
                if !permission::anywhere(grants, Act::ViewSubject) {
                    Expected::Closed(Act::ViewSubject)
                } else if permission::allowed(grants, Act::ViewSubject, Some(&site)).is_none() {
                    Expected::Hidden
                } else {
                    or_closed(permission::allowed(grants, act, Some(&site)).is_some(), act)
                }
            },
        ),
    }
}

/// What opens a route to a form. Seeing a form is its gate; what is typed into one is checked, kept and saved by whoever may enter that
/// form, which its handler asks the table, since only the protocol says what a form is.
fn gate_of(route: &Route, sabr: bool) -> Gate {
    let types = route.path.contains("/forms/{instance}")
        && route.method == "POST"
        && !route.path.ends_with("/draft/drop");
    if types { Gate::Subject(permission::entering(sabr)) } else { route.gate }
}

fn path_of(route: &Route, subject: &SubjectId, instance: &str) -> String {
    let mut path = String::new();
    for segment in route.path.split('/').skip(1) {
        path.push('/');
        path.push_str(match segment {
            "{trial}" => "one",
            "{subject}" => subject.as_str(),
            "{site}" => SITE,
            "{instance}" => instance,
            "{seq}" => "1",
            named if named.starts_with('{') => "nobody-such",
            fixed => fixed,
        });
    }
    path
}

fn ask(client: &Client, route: &Route, path: &str) -> Reply {
    match route.method.as_str() {
        "GET" => client.get(path),
        "POST" => client.post(path, &[]),
        other => client.send(other, path, &[("x-csrf-token", &client.csrf())], Some(String::new())),
    }
}

/// What a reply amounts to; `None`: it is a page of the handler.
fn found(reply: &Reply) -> Option<Expected> {
    let closed = || {
        Act::ALL
            .iter()
            .copied()
            .find(|act| reply.says(&format!("Your role does not include this: {}.", act.words())))
    };
    let to_log_in = reply.location().is_some_and(|to| to.starts_with("/log-in"));
    match reply.status {
        303 if to_log_in => Some(Expected::LogIn),
        401 if reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) => {
            Some(Expected::LogIn)
        }
        401 => Some(Expected::Token),
        403 => closed().map(Expected::Closed),
        404 if reply.says("There is no such page, or it is not open to you.") => Some(Expected::Hidden),
        404 if reply.says("at your site.") => Some(Expected::Hidden),
        _ => None,
    }
}

fn compare(who: &str, route: &Route, path: &str, reply: &Reply, expected: Expected) -> Option<String> {
    let fits = match expected {
        // The pages of the log-in itself lead to the log-in.
        Expected::Open if matches!(route.gate, Gate::Public) || is_of_sessions(route.path) => {
            reply.status < 500
        }
        Expected::Open => {
            let asks_factor = reply.location().is_some_and(|to| to.starts_with("/second-factor"));
            found(reply).is_none() && reply.status < 500 && !asks_factor
        }
        other => found(reply) == Some(other),
    };
    let words = || reply.words().lines().take(4).collect::<Vec<_>>().join(" / ");
    (!fits).then(|| {
        format!("{who}: {} {path}: expected {expected:?}, found {} {}", route.method, reply.status, words())
    })
}

fn is_of_sessions(path: &str) -> bool {
    matches!(path, "/log-out" | "/account/log-out-everywhere" | "/second-factor")
}

fn grants_of(name: &str) -> Vec<(Role, Option<SiteId>)> {
    let held = PEOPLE.iter().filter(|(user, ..)| *user == name);
    held.map(|(_, role, site)| (*role, site.map(SiteId::from))).collect()
}

/// Everybody: each role, another site's, another trial's, one without any role.
fn names() -> impl Iterator<Item = &'static str> {
    PEOPLE.iter().map(|(name, ..)| *name).chain([STRANGER, NOBODY])
}

fn walk(
    server: &Running,
    subject: &SubjectId,
    routes: &[&Route],
    client: impl Fn(&str) -> Client,
) -> Vec<String> {
    let mut misfits = Vec::new();
    for route in routes {
        let forms: &[_] = if route.path.contains("{instance}") { &FORMS } else { &FORMS[..1] };
        for (instance, sabr) in forms {
            let (path, gate) = (path_of(route, subject, instance), gate_of(route, *sabr));
            let reply = ask(&server.client(), route, &path);
            misfits.extend(compare("nobody", route, &path, &reply, expected(gate, None)));
            for name in names() {
                let reply = ask(&client(name), route, &path);
                misfits.extend(compare(name, route, &path, &reply, expected(gate, Some(&grants_of(name)))));
            }
        }
    }
    misfits
}

/// A form that anybody of a site fills, and one of SABR.
const FORMS: [(&str, bool); 2] = [("ecog@W12", false), ("sabr", true)];

#[test]
pub(crate) fn every_role_at_every_route_is_answered_as_the_table_says() {
    // Each role has a user here, so none can be forgotten.
    assert!(ROLES.iter().all(|role| PEOPLE.iter().any(|(_, held, _)| held == role)));
    let server = own_demo();
    let subject = server.subject_at(SITE);
    let routes = server::routes();
    let (of_users, of_trials): (Vec<_>, Vec<_>) = routes.iter().partition(|route| route.gate == Gate::User);
    // The pages of one's account end sessions and change second factors: each is asked for in a session of its own, and first.
    let mut misfits = walk(&server, &subject, &of_users, |name| server.signed_in(name));
    misfits.extend(without_second_factor(&server, &subject, &of_trials));
    misfits.extend(walk(&server, &subject, &of_trials, |name| server.as_user(name)));
    assert!(misfits.is_empty(), "{} misfits:\n{}", misfits.len(), misfits.join("\n"));
    let strays = strays(&server);
    assert!(strays.is_empty(), "recorded by somebody whose role does not open it:\n{}", strays.join("\n"));
}

/// Events of the walk whose author's role does not open what was done: gates of forms whose handler asks the table itself show here.
fn strays(server: &Running) -> Vec<String> {
    let stored = server.wait(async {
        let ledger = ledger::Ledger::open_read_only(server.ledger("one")).await.unwrap();
        let (mut all, mut stored) = (ledger.all(1), Vec::new());
        while let Some(next) = all.next().await {
            stored.push(next.unwrap());
        }
        stored
    });
    let events = stored.iter().map(|stored| stored.parse::<Event>().unwrap());
    let walked = events.filter(|event| names().any(|name| name == event.who));
    let opened = |event: &Event| {
        let grants = grants_of(&event.who);
        let opens = |act: &Act| permission::allowed(&grants, *act, event.site.as_ref()).is_some();
        acts_of(&event.what).iter().any(opens)
    };
    walked
        .filter(|event| !opened(event))
        .map(|event| format!("{}: {}", event.who, event.what.kind()))
        .collect()
}

/// Which acts open a deed.
fn acts_of(what: &What) -> &'static [Act] {
    match what {
        What::ProtocolAdopted { .. } => &[Act::AdoptProtocol],
        What::SiteOpened { .. } | What::SiteClosed { .. } => &[Act::OpenSite],
        What::UserChanged { .. } => &[Act::ManageUsers],
        What::SubjectScreened => &[Act::Screen],
        What::FormSaved { .. } => &[Act::EnterData, Act::RecordSabr],
        What::FormCorrected { .. } => &[Act::Correct],
        What::FormSigned { .. } => &[Act::Sign],
        What::Verified { .. } => &[Act::VerifySource],
        What::Locked { locked: true, .. } => &[Act::Lock],
        What::Locked { locked: false, .. } => &[Act::Unlock],
        // Also raised by an edit check, in the name of whoever saves.
        What::QueryRaised { .. } => &[Act::RaiseQuery, Act::EnterData],
        What::QueryAnswered { .. } => &[Act::AnswerQuery],
        What::QueryClosed { .. } => &[Act::CloseQuery],
        What::Randomised { .. } => &[Act::Randomise, Act::RandomiseOnBehalf],
        What::SeedRevealed { .. } => &[Act::RevealSeed],
    }
}

/// Whoever may do what asks for a second factor, and gave none, is asked for it; whoever may not is told that, and no more.
fn without_second_factor(server: &Running, subject: &SubjectId, routes: &[&Route]) -> Vec<String> {
    let asks = |route: &&&Route| match route.gate {
        Gate::Trial(act) | Gate::Site(act) | Gate::Subject(act) => permission::needs_second_factor(act),
        Gate::Public | Gate::User | Gate::Token(_) => false,
    };
    let mut misfits = Vec::new();
    for route in routes.iter().filter(asks) {
        let path = path_of(route, subject, FORMS[0].0);
        for name in names() {
            let reply = ask(&server.signed_in(name), route, &path);
            let expected = expected(route.gate, Some(&grants_of(name)));
            if expected != Expected::Open {
                misfits.extend(compare(name, route, &path, &reply, expected));
                continue;
            }
            let asked = match route.method.as_str() {
                "GET" => {
                    reply.status == 303 && reply.location().is_some_and(|to| to.starts_with("/second-factor"))
                }
                _ => reply.status == 403 && reply.says("A second factor is needed"),
            };
            if !asked {
                misfits.push(format!(
                    "{name}: {} {path}: no second factor was asked for: {}",
                    route.method, reply.status
                ));
            }
        }
    }
    misfits
}

/// The test itself: a route behind the gate of a milder act would be found.
#[test]
fn a_wrong_gate_would_be_found() {
    let server = own_demo();
    let routes = server::routes();
    let invite = routes.iter().find(|route| route.path.ends_with("/people/invite")).unwrap();
    let reply = ask(&server.as_user("monitor"), invite, "/t/one/people/invite");
    assert!(
        compare("monitor", invite, "", &reply, expected(invite.gate, Some(&grants_of("monitor")))).is_none()
    );
    assert!(
        compare(
            "monitor",
            invite,
            "",
            &reply,
            expected(Gate::Trial(Act::ViewTrail), Some(&grants_of("monitor")))
        )
        .is_some()
    );
    let list = routes.iter().find(|route| route.path == "/t/{trial}/sites").unwrap();
    let reply = ask(&server.as_user("monitor"), list, "/t/one/sites");
    assert!(
        compare(
            "monitor",
            list,
            "",
            &reply,
            expected(Gate::Trial(Act::OpenSite), Some(&grants_of("monitor")))
        )
        .is_some()
    );
}

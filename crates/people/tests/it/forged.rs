//! A forged or altered token opens nothing, and no secret is shown or stored.

use std::sync::OnceLock;

use people::{Claim, NewApiToken, NewInvitation, NewPatientLink, PatientAccess, Secret, Store};
use proptest::prelude::*;
use tokio::runtime::Runtime;
use trial::event::{Instance, Role};

use crate::stores::{DAY, HERE, On, PASSWORD, Place, add_anna, at, code, named, secret, sign_in};

/// A store in which one token of each kind opens something.
struct Opened {
    runtime: Runtime,
    store: Store,
    session: String,
    invitation: String,
    patient: String,
    api: String,
    _place: Place,
}

fn opened() -> &'static Opened {
    static OPENED: OnceLock<Opened> = OnceLock::new();
    OPENED.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let (store, place) = runtime.block_on(On::Sqlite.store()).unwrap();
        let (session, invitation, patient, api) = runtime.block_on(issue(&store));
        Opened { runtime, store, session, invitation, patient, api, _place: place }
    })
}

async fn issue(store: &Store) -> (String, String, String, String) {
    add_anna(store).await;
    let (session, _) = sign_in(store, at(0)).await;
    let new = NewInvitation { user: named("bert"), grants: Vec::new() };
    let invitation = store.invite(new, "office", at(0)).await.unwrap();
    let link = NewPatientLink {
        trial: "avatar-ii".to_owned(),
        subject: "01-001".into(),
        instance: Instance { form: "FACTB".to_owned(), visit: None, occurrence: 1 },
        opens: at(0),
        expires: at(DAY),
    };
    let patient = store.issue_patient_link(link, "anna", at(0)).await.unwrap().0;
    let token = NewApiToken {
        name: "Laboratory".to_owned(),
        trial: "avatar-ii".to_owned(),
        role: Role::SiteCoordinator,
        site: None,
        expires: at(DAY),
    };
    let api = store.make_api_token(token, "office", at(0)).await.unwrap().0;
    let own = |secret: Secret| secret.reveal().to_owned();
    (session, own(invitation), own(patient), own(api))
}

/// Which kinds of thing a text opens.
async fn opens(store: &Store, token: &str) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    if store.session(token, at(1)).await.unwrap().is_some() {
        kinds.push("session");
    }
    if store.invitation(token, at(1)).await.unwrap().is_some() {
        kinds.push("invitation");
    }
    if store.patient_link(token, at(1)).await.unwrap() != PatientAccess::Unknown {
        kinds.push("patient");
    }
    if store.api_token(token, at(1)).await.unwrap().is_some() {
        kinds.push("api");
    }
    kinds
}

#[test]
fn each_token_opens_its_own_kind_alone() {
    let all = opened();
    for (token, kind) in [
        (&all.session, "session"),
        (&all.invitation, "invitation"),
        (&all.patient, "patient"),
        (&all.api, "api"),
    ] {
        assert_eq!(all.runtime.block_on(opens(&all.store, token)), [kind]);
        // Without or with the mark of an API token it is not one of another kind either.
        let bare = token.strip_prefix("tw_").unwrap_or(token).to_owned();
        let other = if *token == bare { format!("tw_{bare}") } else { bare };
        assert_eq!(all.runtime.block_on(opens(&all.store, &other)), Vec::<&str>::new(), "{kind}");
    }
}

/// A token with one change: a character replaced, dropped, doubled or added, the case or the order changed.
fn altered(token: &str, how: u8, place: usize, with: char) -> String {
    let mut characters: Vec<char> = token.chars().collect();
    let place = place % characters.len();
    match how % 8 {
        0 => characters[place] = with,
        1 => drop(characters.remove(place)),
        2 => characters.insert(place, with),
        3 => characters.push(with),
        4 => characters.truncate(place),
        5 => characters.swap(place, 0),
        6 => {
            let other = characters[place];
            characters[place] =
                if other.is_lowercase() { other.to_ascii_uppercase() } else { other.to_ascii_lowercase() };
        }
        _ => characters.reverse(),
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn an_altered_token_opens_nothing(
        which in 0..4_usize,
        how in any::<u8>(),
        place in any::<usize>(),
        with in prop_oneof![any::<char>(), "[A-Za-z0-9_=-]".prop_map(|text| text.chars().next().unwrap_or('A'))],
    ) {
        let all = opened();
        let token = [&all.session, &all.invitation, &all.patient, &all.api][which];
        let other = altered(token, how, place, with);
        prop_assume!(other != *token);
        prop_assert_eq!(all.runtime.block_on(opens(&all.store, &other)), Vec::<&str>::new());
        let claim = all.runtime.block_on(all.store.claim_for_sending(&other, at(1))).unwrap();
        prop_assert_eq!(claim, Claim::NotOpen);
        prop_assert!(!all.runtime.block_on(all.store.keep_answers(&other, &vec![], at(1))).unwrap());
        let accepted = all.runtime.block_on(all.store.accept(&other, &secret(PASSWORD), at(1))).unwrap();
        prop_assert_eq!(accepted, None);
    }

    #[test]
    fn any_text_opens_nothing(token in ".{0,80}") {
        let all = opened();
        prop_assert_eq!(all.runtime.block_on(opens(&all.store, &token)), Vec::<&str>::new());
    }

    #[test]
    fn any_code_is_borne(code in ".{0,40}") {
        let all = opened();
        all.runtime.block_on(async {
            all.store.unlock_user("anna").await.unwrap();
            let session = all.store.session(&all.session, at(1)).await.unwrap().unwrap();
            let address = "2001:db8::1";
            let answer = all.store.give_code(&session, &code, address, at(1)).await.unwrap();
            assert_ne!(answer, people::Checked::Right);
        });
    }

    #[test]
    fn an_altered_csrf_token_does_not_hold(how in any::<u8>(), place in any::<usize>(), with in any::<char>()) {
        let session = Secret::random().unwrap();
        let right = Store::csrf(session.reveal());
        let other = altered(&right, how, place, with);
        prop_assert_eq!(Store::csrf_holds(session.reveal(), &other), other == right);
    }
}

/// The last character of 43 carries four bits that mean nothing; a lenient reader would take sixteen spellings of one token.
#[test]
fn a_token_has_one_spelling() {
    let all = opened();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let stem = &all.session[..42];
    let open: Vec<String> = alphabet
        .chars()
        .map(|last| format!("{stem}{last}"))
        .filter(|token| all.runtime.block_on(all.store.session(token, at(1))).unwrap().is_some())
        .collect();
    assert_eq!(open, std::slice::from_ref(&all.session));
}

#[tokio::test]
async fn no_secret_is_shown_by_debug() {
    let (store, _place) = On::Sqlite.store().await.unwrap();
    add_anna(&store).await;
    let answer = store.sign_in("anna", &secret(PASSWORD), HERE, at(0)).await.unwrap();
    let shown = format!("{answer:?}");
    let people::SignIn::Open(token, session) = answer else { panic!("{shown}") };
    let enrolment = store.enrol(&session, at(0)).await.unwrap();
    let key = enrolment.secret.reveal().to_owned();
    let confirmed = store.confirm(&session, &code(&key, at(0)), HERE, at(0)).await.unwrap();
    let shown = format!("{shown} {enrolment:?} {session:?} {confirmed:?} {:?} {store:?}", secret(PASSWORD));
    let people::Confirmed::Codes(codes) = confirmed else { panic!("{shown}") };
    let hidden = [token.reveal(), &key, PASSWORD, enrolment.uri.reveal()];
    for secret in hidden.into_iter().chain(codes.iter().map(Secret::reveal)) {
        assert!(!shown.contains(secret), "{shown}");
    }
    let error = store.add_user(named("bert"), &secret("hunter2"), at(0)).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[tokio::test]
async fn no_token_and_no_password_is_stored() {
    let (store, place) = On::Sqlite.store().await.unwrap();
    let (session, invitation, patient, api) = issue(&store).await;
    let signed_in = store.session(&session, at(0)).await.unwrap().unwrap();
    let key = store.enrol(&signed_in, at(0)).await.unwrap().secret.reveal().to_owned();
    let confirmed = store.confirm(&signed_in, &code(&key, at(0)), HERE, at(0)).await.unwrap();
    let people::Confirmed::Codes(codes) = confirmed else { panic!("{confirmed:?}") };
    // People type their password into the field for the name.
    store.sign_in("my own secret password", &secret("anna"), HERE, at(0)).await.unwrap();
    let mut secrets = vec![session, invitation, patient, api.replace("tw_", ""), PASSWORD.to_owned()];
    secrets.extend(codes.iter().flat_map(|code| [code.reveal().to_owned(), code.reveal().replace('-', "")]));
    secrets.push("my own secret password".to_owned());
    let files = place.files();
    assert!(
        files.iter().any(|(_, content)| content.windows(9).any(|window| window == b"Anna Berg")),
        "no data?"
    );
    for (name, content) in files {
        for secret in &secrets {
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "`{secret}` is in {name}");
        }
    }
}

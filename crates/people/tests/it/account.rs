//! Accounts: names, changes, disabling, erasing.

use people::{Checked, Error, SignIn};
use rstest::rstest;

use crate::stores::{DAY, HERE, On, PASSWORD, add_anna, anna, at, is_wrong, named, secret, sign_in};

const NEW: &str = "kettle moon wolf eleven";

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_account_is_what_was_given(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let made = store.add_user(named("Anna.B"), &secret(PASSWORD), at(0)).await.unwrap();
    assert_eq!(made.name, "anna.b");
    assert_eq!(made.created, at(0));
    assert_eq!(
        (made.last_sign_in, made.disabled, made.erased, made.second_factor),
        (None, false, false, false)
    );
    assert_eq!(store.user("ANNA.B").await.unwrap(), Some(made));
    let again = store.add_user(named("anna.B"), &secret(PASSWORD), at(1)).await;
    assert!(matches!(again, Err(Error::NameTaken { .. })), "{again:?}");
    store.describe_user("anna.b", " Anna Berg-Rossi ", "").await.unwrap();
    let described = store.user("anna.b").await.unwrap().unwrap();
    assert_eq!((described.display_name.as_str(), described.email.as_str()), ("Anna Berg-Rossi", ""));
    assert!(matches!(store.describe_user("nobody", "N", "").await, Err(Error::NoSuchUser { .. })));
}

#[rstest]
#[case("a", "user name")]
#[case("anna berg", "user name")]
#[case("-anna", "user name")]
#[case("änna", "user name")]
#[case("anna\n", "")]
#[case(&"a".repeat(65), "user name")]
#[tokio::test]
async fn a_name_that_will_not_do(#[case] name: &str, #[case] field: &str) {
    let (store, _place) = On::Sqlite.store().await.unwrap();
    let made = store.add_user(named(name), &secret(PASSWORD), at(0)).await.map_err(|error| error.to_string());
    match field {
        "" => assert!(made.is_ok(), "{made:?}"),
        field => assert!(made.as_ref().is_err_and(|text| text.starts_with(field)), "{made:?}"),
    }
}

#[tokio::test]
async fn the_messages_for_fields_and_passwords() {
    let (store, _place) = On::Sqlite.store().await.unwrap();
    let mut said = Vec::new();
    for (name, full, email, password) in [
        ("Anna Berg", "Anna Berg", "", PASSWORD),
        ("anna", " ", "", PASSWORD),
        ("anna", "Anna Berg", "anna at klinik", PASSWORD),
        ("anna", "Anna Berg", "", "short"),
        ("anna", "Anna Berg", "", "anna-2026-anna"),
        ("anna", "Anna Berg", "", "password"),
    ] {
        let new =
            people::NewUser { name: name.to_owned(), display_name: full.to_owned(), email: email.to_owned() };
        said.push(store.add_user(new, &secret(password), at(0)).await.unwrap_err().to_string());
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_change_of_password_ends_the_other_sessions(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (this, session) = sign_in(&store, at(0)).await;
    let (other, _) = sign_in(&store, at(1)).await;
    assert!(store.session(&other, at(2)).await.unwrap().is_some());
    let wrong = store.change_password(&session, &secret("not it at all"), &secret(NEW), HERE, at(2)).await;
    assert_eq!(wrong.unwrap(), Checked::Wrong);
    let weak = store.change_password(&session, &secret(PASSWORD), &secret("anna"), HERE, at(2)).await;
    assert!(matches!(weak, Err(Error::WeakPassword(_))));
    let reset = store.reset_link("anna", "office", at(2)).await.unwrap();
    assert!(store.session(&other, at(2)).await.unwrap().is_some());
    let changed = store.change_password(&session, &secret(PASSWORD), &secret(NEW), HERE, at(2)).await;
    assert_eq!(changed.unwrap(), Checked::Right);
    assert!(store.session(&this, at(3)).await.unwrap().is_some());
    assert!(store.session(&other, at(3)).await.unwrap().is_none());
    assert!(store.invitation(reset.reveal(), at(3)).await.unwrap().is_none(), "the open reset is withdrawn");
    assert!(is_wrong(&store.sign_in("anna", &secret(PASSWORD), HERE, at(3)).await.unwrap()));
    assert!(matches!(store.sign_in("anna", &secret(NEW), HERE, at(3)).await.unwrap(), SignIn::Open(..)));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_disabled_user_is_out_at_once(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    let reset = store.reset_link("anna", "office", at(0)).await.unwrap();
    assert!(store.session(&token, at(1)).await.unwrap().is_some());
    store.disable_user("anna", true).await.unwrap();
    assert!(store.session(&token, at(1)).await.unwrap().is_none());
    assert!(is_wrong(&store.sign_in("anna", &secret(PASSWORD), HERE, at(2)).await.unwrap()));
    assert_eq!(store.accept(reset.reveal(), &secret(NEW), at(3)).await.unwrap(), None);
    assert!(matches!(store.reset_link("anna", "office", at(3)).await, Err(Error::NoSuchUser { .. })));
    store.disable_user("anna", false).await.unwrap();
    assert!(store.session(&token, at(4)).await.unwrap().is_none(), "the old session does not come back");
    sign_in(&store, at(5)).await;
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn the_operator_sets_a_password(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    store.set_password("anna", &secret(NEW)).await.unwrap();
    assert!(store.session(&token, at(1)).await.unwrap().is_none());
    assert!(matches!(store.sign_in("anna", &secret(NEW), HERE, at(1)).await.unwrap(), SignIn::Open(..)));
    assert!(matches!(store.set_password("bert", &secret(NEW)).await, Err(Error::NoSuchUser { .. })));
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn what_is_erased_is_gone_from_the_files_and_the_name_stays_taken(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    store.erase_user("anna").await.unwrap();
    let user = store.user("anna").await.unwrap().unwrap();
    assert_eq!((user.display_name.as_str(), user.email.as_str()), ("anna", ""));
    assert!(user.erased && user.disabled);
    assert!(store.session(&token, at(1)).await.unwrap().is_none());
    assert!(is_wrong(&store.sign_in("anna", &secret(PASSWORD), HERE, at(1)).await.unwrap()));
    assert!(matches!(store.disable_user("anna", false).await, Err(Error::NoSuchUser { .. })));
    let again = store.add_user(anna(), &secret(PASSWORD), at(DAY)).await;
    assert!(matches!(again, Err(Error::NameTaken { .. })));
    for (name, content) in place.files() {
        for word in ["Anna Berg", "klinik.example"] {
            let found = content.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "`{word}` is still in {name}");
        }
    }
}

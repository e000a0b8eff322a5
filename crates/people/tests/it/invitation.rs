//! Invitations and password resets.

use people::{Error, Grant, NewInvitation, SignIn};
use rstest::rstest;
use trial::event::Role;

use crate::stores::{DAY, HERE, HOUR, On, PASSWORD, add_anna, anna, at, is_wrong, named, secret, sign_in};

const NEW: &str = "kettle moon wolf eleven";

fn invitation() -> NewInvitation {
    let grants = vec![
        Grant { trial: "avatar-ii".to_owned(), role: Role::Investigator, site: Some("01".into()) },
        Grant { trial: "avatar-ii".to_owned(), role: Role::Monitor, site: None },
    ];
    NewInvitation { user: anna(), grants }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_invitation_makes_an_account_once(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let link = store.invite(invitation(), "office", at(0)).await.unwrap();
    let shown = store.invitation(link.reveal(), at(1)).await.unwrap().unwrap();
    assert_eq!((&shown.user, &shown.grants), (&anna(), &invitation().grants));
    assert_eq!((shown.reset, shown.by.as_str(), shown.expires), (false, "office", at(7 * DAY)));
    assert!(is_wrong(&store.sign_in("anna", &secret(NEW), HERE, at(1)).await.unwrap()));

    let weak = store.accept(link.reveal(), &secret("anna"), at(2)).await;
    assert!(matches!(weak, Err(Error::WeakPassword(_))), "{weak:?}");
    let accepted = store.accept(link.reveal(), &secret(NEW), at(3)).await.unwrap().unwrap();
    assert_eq!((accepted.user.as_str(), &accepted.grants), ("anna", &invitation().grants));
    assert!(matches!(store.sign_in("anna", &secret(NEW), HERE, at(4)).await.unwrap(), SignIn::Open(..)));
    assert_eq!(store.accept(link.reveal(), &secret(PASSWORD), at(5)).await.unwrap(), None, "once");
    assert_eq!(store.invitation(link.reveal(), at(5)).await.unwrap(), None);
    assert!(store.has_users().await.unwrap());

    // The roles are handed out until somebody says they are given.
    assert_eq!(store.grants_to_make().await.unwrap(), vec![accepted.clone()]);
    store.tidy(at(100 * DAY)).await.unwrap();
    assert_eq!(store.grants_to_make().await.unwrap().len(), 1, "tidying does not lose them");
    store.grants_made(&accepted.invitation).await.unwrap();
    assert_eq!(store.grants_to_make().await.unwrap(), vec![]);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_accept_at_once_one_does(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let link = store.invite(invitation(), "office", at(0)).await.unwrap();
    let tries: Vec<_> = (0..10)
        .map(|number| {
            let (store, link) = (store.clone(), link.clone());
            let password = secret(&format!("{NEW} {number}"));
            tokio::spawn(async move { store.accept(link.reveal(), &password, at(1)).await })
        })
        .collect();
    let mut accepted = 0;
    for one in tries {
        accepted += usize::from(one.await.unwrap().unwrap().is_some());
    }
    assert_eq!(accepted, 1);
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_invitation_expires_is_withdrawn_and_replaced(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    let first = store.invite(invitation(), "office", at(0)).await.unwrap();
    assert!(store.invitation(first.reveal(), at(7 * DAY - 1)).await.unwrap().is_some());
    assert_eq!(store.invitation(first.reveal(), at(7 * DAY)).await.unwrap(), None);
    assert_eq!(store.accept(first.reveal(), &secret(NEW), at(7 * DAY)).await.unwrap(), None);
    let second = store.invite(invitation(), "office", at(DAY)).await.unwrap();
    assert_eq!(
        store.invitation(first.reveal(), at(DAY)).await.unwrap(),
        None,
        "the second replaces the first"
    );
    let open = store.open_invitations(at(DAY)).await.unwrap();
    assert_eq!(open.len(), 1);
    store.withdraw_invitation(&open[0].id, at(DAY)).await.unwrap();
    assert_eq!(store.accept(second.reveal(), &secret(NEW), at(DAY)).await.unwrap(), None);
    assert_eq!(store.open_invitations(at(DAY)).await.unwrap(), vec![]);
    assert!(!store.has_users().await.unwrap());
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn an_invitation_that_cannot_be(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let taken = store.invite(invitation(), "office", at(0)).await;
    assert!(matches!(taken, Err(Error::NameTaken { .. })), "{taken:?}");
    for role in [Role::Patient, Role::System] {
        let grants = vec![Grant { trial: "avatar-ii".to_owned(), role, site: None }];
        let refused = store.invite(NewInvitation { user: named("bert"), grants }, "office", at(0)).await;
        assert!(matches!(refused, Err(Error::NeverSignsIn { .. })), "{refused:?}");
    }
    // The name is taken between the invitation and its acceptance.
    let new = NewInvitation { user: named("cora"), grants: Vec::new() };
    let link = store.invite(new, "office", at(0)).await.unwrap();
    store.add_user(named("cora"), &secret(PASSWORD), at(1)).await.unwrap();
    let late = store.accept(link.reveal(), &secret(NEW), at(2)).await;
    assert!(matches!(late, Err(Error::NameTaken { .. })), "{late:?}");
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_reset_sets_the_password_and_ends_everything_else(#[case] on: On) {
    let Some((store, _place)) = on.store().await else { return };
    add_anna(&store).await;
    let (token, _) = sign_in(&store, at(0)).await;
    assert!(store.session(&token, at(1)).await.unwrap().is_some());
    for second in 0..5 {
        store.sign_in("anna", &secret("not the password"), HERE, at(second)).await.unwrap();
    }
    assert!(store.locked_until("anna", at(9)).await.unwrap().is_some());
    let link = store.reset_link("ANNA", "office", at(10)).await.unwrap();
    assert_eq!(store.invitation(link.reveal(), at(24 * HOUR + 10)).await.unwrap(), None, "a day");
    let accepted = store.accept(link.reveal(), &secret(NEW), at(11)).await.unwrap().unwrap();
    assert!(accepted.reset && accepted.grants.is_empty());
    assert!(store.session(&token, at(12)).await.unwrap().is_none());
    assert!(matches!(store.sign_in("anna", &secret(NEW), HERE, at(12)).await.unwrap(), SignIn::Open(..)));
    assert!(is_wrong(&store.sign_in("anna", &secret(PASSWORD), HERE, at(12)).await.unwrap()));
    assert_eq!(store.grants_to_make().await.unwrap(), vec![]);
    assert!(matches!(store.reset_link("bert", "office", at(13)).await, Err(Error::NoSuchUser { .. })));
}

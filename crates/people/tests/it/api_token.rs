//! Tokens of other programs.

use people::{Error, NewApiToken};
use rstest::rstest;
use trial::event::Role;

use crate::stores::{DAY, On, at};

fn hospital() -> NewApiToken {
    NewApiToken {
        name: "Hospital laboratory".to_owned(),
        trial: "avatar-ii".to_owned(),
        role: Role::SiteCoordinator,
        site: Some("01".into()),
        expires: at(90 * DAY),
    }
}

#[rstest]
#[case::sqlite(On::Sqlite)]
#[case::postgres(On::Postgres)]
#[tokio::test]
async fn a_token_opens_its_trial_role_and_site_until_it_ends(#[case] on: On) {
    let Some((store, place)) = on.store().await else { return };
    let (token, made) = store.make_api_token(hospital(), "office", at(0)).await.unwrap();
    assert!(token.reveal().starts_with("tw_"));
    assert_eq!(
        (made.role, made.site.as_ref().map(trial::id::SiteId::as_str)),
        (Role::SiteCoordinator, Some("01"))
    );
    assert_eq!(made.last_used, None);
    let used = store.api_token(token.reveal(), at(10)).await.unwrap().unwrap();
    assert_eq!((used.id.as_str(), used.last_used), (made.id.as_str(), Some(at(10))));
    let other = place.open().await;
    assert_eq!(other.api_token(token.reveal(), at(30)).await.unwrap().unwrap().last_used, Some(at(10)));
    assert_eq!(other.api_token(token.reveal(), at(70)).await.unwrap().unwrap().last_used, Some(at(70)));
    assert!(store.api_token(token.reveal(), at(90 * DAY)).await.unwrap().is_none());
    assert!(store.api_token(token.reveal(), at(71)).await.unwrap().is_some());
    store.revoke_api_token(&made.id).await.unwrap();
    assert!(store.api_token(token.reveal(), at(71)).await.unwrap().is_none(), "here at once");
    assert!(other.api_token(token.reveal(), at(75)).await.unwrap().is_none(), "elsewhere within seconds");
    let listed = store.api_tokens("avatar-ii").await.unwrap();
    assert!(listed.len() == 1 && listed[0].revoked);
    assert_eq!(store.api_tokens("stop").await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_token_that_cannot_be() {
    let (store, _place) = On::Sqlite.store().await.unwrap();
    for role in [Role::Patient, Role::System] {
        let made = store.make_api_token(NewApiToken { role, ..hospital() }, "office", at(0)).await;
        assert!(matches!(made, Err(Error::NeverSignsIn { .. })), "{made:?}");
    }
    let made = store.make_api_token(NewApiToken { expires: at(0), ..hospital() }, "office", at(0)).await;
    assert!(matches!(made, Err(Error::BadInput { field: "expires", .. })), "{made:?}");
    let made = store.make_api_token(NewApiToken { name: String::new(), ..hospital() }, "office", at(0)).await;
    assert!(matches!(made, Err(Error::BadInput { .. })), "{made:?}");
}

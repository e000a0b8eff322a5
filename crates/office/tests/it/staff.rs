//! Sites that open and close, and the roles that people have there.

use office::{Action, Actor, Deed, Error, Office, Reason, open_reading};
use rstest::rstest;
use trial::event::{OnBehalf, Role};
use trial::id::SiteId;

use crate::common::{act, actor, at, correct, founded, open_site, randomise, screened, screening};

fn change(minutes: i64, user: &str, site: Option<&str>, given: Option<Role>) -> Action {
    let deed = Deed::ChangeUser { user: user.into(), given };
    let action = Action::new(&Actor::new("olga", Role::TrialOffice), at(minutes), deed);
    match site {
        Some(site) => action.at(site),
        None => action,
    }
}

fn close(minutes: i64, site: &str) -> Action {
    Action::new(&actor(), at(minutes), Deed::CloseSite { reason: Some("full".into()) }).at(site)
}

async fn reason(office: &Office, action: Action) -> Reason {
    match office.submit(vec![action]).await {
        Err(Error::Refused(refusal)) => refusal.reason,
        other => panic!("not refused: {other:?}"),
    }
}

async fn roles(office: &Office, user: &str) -> Vec<(Option<String>, Role)> {
    let grants = office.grants_of(user).await.unwrap();
    grants.into_iter().map(|grant| (grant.site.map(|site| site.to_string()), grant.role)).collect()
}

#[tokio::test]
async fn a_user_has_one_role_at_a_site_and_one_for_all() {
    let (_folder, office) = founded().await;
    let given = [
        change(1, "anna", Some("01"), Some(Role::SiteCoordinator)),
        change(2, "anna", Some("02"), Some(Role::Monitor)),
        change(3, "anna", None, Some(Role::DataManager)),
        change(4, "anna.b", Some("01"), Some(Role::Investigator)),
        change(5, "ann", None, Some(Role::Statistician)),
    ];
    office.submit(given.to_vec()).await.unwrap();
    let at_sites = [
        (None, Role::DataManager),
        (Some("01".into()), Role::SiteCoordinator),
        (Some("02".into()), Role::Monitor),
    ];
    assert_eq!(roles(&office, "anna").await, at_sites);
    assert_eq!(office.grants().await.unwrap().len(), 5);
    // Another role takes the place of the first, and what is taken away is gone; elsewhere nothing changes.
    office.submit(vec![change(6, "anna", Some("01"), Some(Role::Investigator))]).await.unwrap();
    office.submit(vec![change(7, "anna", None, None)]).await.unwrap();
    let left = [(Some("01".into()), Role::Investigator), (Some("02".into()), Role::Monitor)];
    assert_eq!(roles(&office, "anna").await, left);
    assert_eq!(office.grants_of("anna").await.unwrap()[0].since, at(6));
    assert!(roles(&office, "nobody").await.is_empty());
}

#[rstest]
#[case::unknown_site(change(20, "anna", Some("09"), Some(Role::Monitor)), "site 09 is not open")]
#[case::same_role(
    change(20, "anna", Some("01"), Some(Role::Monitor)),
    "the user has that role there (event 4)"
)]
#[case::nothing_to_take(change(20, "anna", Some("02"), None), "no role there that could be taken away")]
#[case::no_name(change(20, "", None, Some(Role::Monitor)), "cannot be a user name")]
#[case::blanks(change(20, " anna", None, Some(Role::Monitor)), "cannot be a user name")]
#[case::control(change(20, "an\nna", None, Some(Role::Monitor)), "cannot be a user name")]
#[tokio::test]
async fn refuses_a_role(#[case] action: Action, #[case] words: &str) {
    let (_folder, office) = founded().await;
    office.submit(vec![change(1, "anna", Some("01"), Some(Role::Monitor))]).await.unwrap();
    let before = office.grants().await.unwrap();
    let reason = reason(&office, action).await.to_string();
    assert!(reason.contains(words), "{reason}");
    assert_eq!(office.grants().await.unwrap(), before);
}

#[tokio::test]
async fn a_closed_site_neither_screens_nor_randomises_but_its_subjects_go_on() {
    let (folder, office) = founded().await;
    office.submit(screened(10, "01-001", &[])).await.unwrap();
    office.submit(vec![close(20, "01")]).await.unwrap();
    let site = office.sites().await.unwrap().remove(0);
    assert!(!site.is_open());
    let closure = site.closed.unwrap();
    assert_eq!((closure.at, closure.reason.as_deref()), (at(20), Some("full")));
    let closed =
        |reason: &Reason| *reason == Reason::SiteClosed { site: SiteId::from("01"), event: closure.event };
    for action in [act(21, "01-002", Deed::Screen), randomise(21, "01-001"), close(21, "01")] {
        let reason = reason(&office, action).await;
        assert!(closed(&reason), "{reason}");
    }
    let for_whom = OnBehalf { who: "dr.mayer".into(), reason: "no network".into() };
    let deed = Deed::RandomiseOnBehalf { date: jiff::civil::date(2026, 3, 1), for_whom };
    let telephoned = reason(&office, act(21, "01-001", deed)).await;
    assert!(closed(&telephoned), "{telephoned}");
    // Data entry and its staff go on.
    let ecog = serde_json::json!({ "QSDAT": "2026-02-12", "ECOG": 0 });
    office.submit(vec![act(22, "01-001", correct(screening("ecog"), ecog, "misread"))]).await.unwrap();
    office.submit(vec![change(22, "new", Some("01"), Some(Role::SiteCoordinator))]).await.unwrap();
    // The other site is open, and this one can be opened again.
    office.submit(screened(23, "02-001", &[]).into_iter().map(|a| a.at("02")).collect()).await.unwrap();
    office.submit(vec![open_site(24, "01"), randomise(25, "01-001")]).await.unwrap();
    let site = office.sites().await.unwrap().remove(0);
    assert!(site.is_open());
    assert_eq!((site.opened, site.event), (at(0), 2), "it was opened first when it was opened first");
    // A reading of an earlier moment sees it closed.
    let path = folder.path().join("trial.ledger");
    assert!(!open_reading(&path, Some(at(21))).unwrap().sites[0].is_open());
    assert!(open_reading(&path, None).unwrap().sites[0].is_open());
}

#[tokio::test]
async fn an_unknown_site_cannot_be_closed() {
    let (_folder, office) = founded().await;
    let reason = reason(&office, close(20, "07")).await;
    assert!(matches!(reason, Reason::UnknownSite { .. }), "{reason}");
}

/// The trial office draws for a site that telephones: by the same rules, and the event says for whom.
#[tokio::test]
async fn a_randomisation_on_behalf_of_a_site_says_so() {
    let (_folder, office) = founded().await;
    office.submit(screened(10, "01-001", &["ecog"])).await.unwrap();
    let by_telephone = |who: &str| {
        let for_whom = OnBehalf { who: who.into(), reason: "the site's network is down".into() };
        let deed = Deed::RandomiseOnBehalf { date: jiff::civil::date(2026, 3, 1), for_whom };
        Action::new(&Actor::new("olga", Role::TrialOffice), at(20), deed).at("01").of("01-001")
    };
    assert!(matches!(reason(&office, by_telephone("dr.mayer")).await, Reason::NotEligible(_)));
    assert!(matches!(reason(&office, by_telephone(" ")).await, Reason::NoText));
    let ecog = crate::common::eligible().into_iter().find(|(form, _)| *form == "ecog").unwrap().1;
    office.submit(vec![act(20, "01-001", crate::common::save(screening("ecog"), ecog))]).await.unwrap();
    let receipt = office.submit(vec![by_telephone("dr.mayer")]).await.unwrap().remove(0);
    let folder = office.folder(&"01-001".into()).await.unwrap().unwrap();
    let standing = &folder.record.randomised.as_ref().unwrap().value;
    assert_eq!(standing.on_behalf.as_ref().unwrap().who, "dr.mayer");
    // The second click of the site, whose network is back, is shown what stands.
    let Reason::AlreadyRandomised { arm, position, event, who, .. } =
        reason(&office, randomise(21, "01-001")).await
    else {
        panic!()
    };
    assert_eq!((Some((arm, position)), event, who.as_str()), (receipt.allocation, receipt.seq, "olga"));
}

//! The table of permissions: as a table to be read, and what follows of it.

use std::fmt::Write as _;

use people::permission::{
    Act, May, ROLES, Sites, allowed, anywhere, by_token, entering, may, needs_reauthentication,
    needs_second_factor, signs_in, sites,
};
use rstest::rstest;
use trial::event::Role;
use trial::id::SiteId;

#[test]
fn the_table() {
    let mut table = format!("{:<46}", "may");
    for role in ["coord.", "invest.", "rad.onc.", "monitor", "data m.", "statist.", "safety", "office"] {
        write!(table, "{role:<9}").unwrap();
    }
    table.push_str("asks for\n");
    for act in Act::ALL {
        write!(table, "{:<46}", act.words()).unwrap();
        for role in ROLES {
            let cell = match may(role, *act) {
                May::Never => "-",
                May::AtOwnSite => "site",
                May::Everywhere => "all",
            };
            write!(table, "{cell:<9}").unwrap();
        }
        let proof = match (needs_second_factor(*act), needs_reauthentication(*act)) {
            (_, true) => "second factor, password again",
            (true, false) => "second factor",
            (false, false) => "",
        };
        writeln!(table, "{proof}").unwrap();
    }
    let trimmed: Vec<&str> = table.lines().map(str::trim_end).collect();
    insta::assert_snapshot!(trimmed.join("\n"));
}

#[allow(clippy::unnecessary_wraps)] // beside `NOWHERE` in the table below
fn at(site: &str) -> Option<SiteId> {
    Some(site.into())
}

const NOWHERE: Option<SiteId> = None;

// trial.md, "Who uses the software"; a role at a site never reaches beyond it, and a site's role never speaks for the whole trial.
#[rstest]
#[case::own_site(Role::SiteCoordinator, at("01"), Act::Screen, at("01"), true)]
#[case::other_site(Role::SiteCoordinator, at("01"), Act::ViewSubject, at("02"), false)]
#[case::whole_trial(Role::SiteCoordinator, at("01"), Act::ViewOverview, NOWHERE, false)]
#[case::own_overview(Role::SiteCoordinator, at("01"), Act::ViewOverview, at("01"), true)]
#[case::coordinator_does_not_randomise(Role::SiteCoordinator, at("01"), Act::Randomise, at("01"), false)]
#[case::investigator_randomises(Role::Investigator, at("01"), Act::Randomise, at("01"), true)]
#[case::investigator_elsewhere(Role::Investigator, at("01"), Act::Randomise, at("02"), false)]
#[case::site_role_at_all_sites(Role::Investigator, NOWHERE, Act::Sign, at("02"), true)]
#[case::site_role_never_whole(Role::Investigator, NOWHERE, Act::ViewOverview, NOWHERE, false)]
#[case::oncologist_records(Role::RadiationOncologist, at("01"), Act::RecordSabr, at("01"), true)]
#[case::oncologist_fills_nothing_else(Role::RadiationOncologist, at("01"), Act::EnterData, at("01"), false)]
#[case::monitor(Role::Monitor, NOWHERE, Act::VerifySource, at("07"), true)]
#[case::monitor_of_a_site(Role::Monitor, at("07"), Act::VerifySource, at("07"), true)]
#[case::monitor_of_another(Role::Monitor, at("07"), Act::VerifySource, at("08"), false)]
#[case::monitor_of_a_site_sees_no_whole(Role::Monitor, at("07"), Act::ViewOverview, NOWHERE, false)]
#[case::monitor_does_not_enter(Role::Monitor, NOWHERE, Act::EnterData, at("07"), false)]
#[case::statistician(Role::Statistician, NOWHERE, Act::ViewByArm, NOWHERE, true)]
#[case::office_sees_no_arms_compared(Role::TrialOffice, NOWHERE, Act::ViewByArm, NOWHERE, false)]
#[case::data_manager_neither(Role::DataManager, NOWHERE, Act::ViewByArm, NOWHERE, false)]
#[case::safety_sees_no_subject(Role::SafetyCommittee, NOWHERE, Act::ViewSubject, at("01"), false)]
#[case::office_opens_sites(Role::TrialOffice, NOWHERE, Act::OpenSite, NOWHERE, true)]
#[case::patient(Role::Patient, NOWHERE, Act::ViewSubject, at("01"), false)]
#[case::device(Role::System, NOWHERE, Act::EnterData, at("01"), false)]
fn one_grant(
    #[case] role: Role,
    #[case] own: Option<SiteId>,
    #[case] act: Act,
    #[case] site: Option<SiteId>,
    #[case] yes: bool,
) {
    assert_eq!(allowed(&[(role, own)], act, site.as_ref()), yes.then_some(role));
}

#[test]
fn one_acts_in_the_first_role_that_may() {
    let grants =
        [(Role::Investigator, at("01")), (Role::SiteCoordinator, at("01")), (Role::Monitor, at("02"))];
    let site = SiteId::from("01");
    assert_eq!(allowed(&grants, Act::EnterData, Some(&site)), Some(Role::SiteCoordinator));
    assert_eq!(allowed(&grants, Act::Sign, Some(&site)), Some(Role::Investigator));
    assert_eq!(allowed(&grants, Act::ViewSubject, Some(&"02".into())), Some(Role::Monitor));
    assert_eq!(allowed(&grants, Act::ViewSubject, Some(&"03".into())), None);
    assert_eq!(allowed(&[], Act::ViewSubject, Some(&site)), None);
    assert_eq!(sites(&grants, Act::ViewSubject), Sites::Only([site.clone(), "02".into()].into()));
    assert_eq!(sites(&grants, Act::Sign), Sites::Only([site].into()));
    assert_eq!(sites(&[(Role::Monitor, None)], Act::ViewSubject), Sites::All);
    assert!(anywhere(&grants, Act::Sign) && !anywhere(&grants, Act::ViewByArm));
    assert_eq!((entering(true), entering(false)), (Act::RecordSabr, Act::EnterData));
}

/// Of every role and act: the list of sites and the question of one site never say different things.
#[test]
fn lists_and_single_questions_agree() {
    let here = SiteId::from("01");
    for act in Act::ALL {
        for role in ROLES {
            for own in [None, at("01"), at("02")] {
                let grants = [(role, own.clone())];
                let listed = sites(&grants, *act).contains(&here);
                assert_eq!(listed, allowed(&grants, *act, Some(&here)).is_some(), "{role:?} {act:?} {own:?}");
                let whole = allowed(&grants, *act, None).is_some();
                assert_eq!(
                    whole,
                    own.is_none() && may(role, *act) == May::Everywhere,
                    "{role:?} {act:?} {own:?}"
                );
            }
        }
    }
}

/// What must hold whatever else the table says (ICH E6(R3); 21 CFR 11.200; the open-label trial's blinding of comparisons).
#[test]
fn duties_are_apart() {
    let roles_of = |act| ROLES.into_iter().filter(|role| may(*role, act) != May::Never).collect::<Vec<_>>();
    assert_eq!(roles_of(Act::ViewByArm), [Role::Statistician, Role::SafetyCommittee]);
    assert_eq!(roles_of(Act::Sign), [Role::Investigator]);
    assert!(needs_reauthentication(Act::Sign));
    for act in [Act::Sign, Act::Randomise, Act::RandomiseOnBehalf] {
        assert!(needs_second_factor(act) && !by_token(act), "{act:?}");
    }
    for role in ROLES {
        let enters = may(role, Act::EnterData) != May::Never || may(role, Act::Correct) != May::Never;
        let checks = [Act::VerifySource, Act::CloseQuery, Act::Lock].map(|act| may(role, act) != May::Never);
        assert!(!(enters && checks.contains(&true)), "{role:?} enters and checks");
        signs_in(role).unwrap();
        assert!(Act::ALL.iter().any(|act| may(role, *act) != May::Never), "{role:?} may nothing");
    }
    for act in Act::ALL {
        assert!(!roles_of(*act).is_empty(), "nobody may {}", act.words());
        assert!(!needs_reauthentication(*act) || needs_second_factor(*act), "{act:?}");
        for role in [Role::Patient, Role::System] {
            assert_eq!(may(role, *act), May::Never, "{role:?} {act:?}");
        }
    }
}

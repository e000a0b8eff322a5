//! The bar: 500 randomisations at once, from 50 tasks at 10 sites, over one office and over two.
//!
//! The lists are judged by what a block is, not by the code that draws them: cut into blocks of the protocol's sizes, every
//! whole block holds each arm in the protocol's ratio.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::date;
use office::{Action, Deed, Error, Office, Reason};
use rstest::rstest;
use serde_json::{Value, json};
use trial::event::What;
use trial::protocol::{Checked, check};

use crate::common::{AVATAR, Kept, Place, act, actor, eligible, open_site, save, screening};

const SITES: usize = 10;
const TASKS: usize = 50;
const SUBJECTS: usize = 500;

fn site(n: usize) -> String {
    format!("{:02}", n % SITES + 1)
}

fn subject(n: usize) -> String {
    format!("{}-{:03}", site(n), n / SITES + 1)
}

/// Four strata: one lesion or two, in bone only or not.
fn tumour(n: usize) -> Value {
    let place = if n.is_multiple_of(3) { "BONE" } else { "LIVER" };
    let lesion = |id: &str, size: f64| {
        json!({ "TULNKID": id, "TUORRES": "TARGET", "TULOC": place, "DIAMETER": size, "OPD": "Y", "AMENABLE": "Y",
            "PRIORRT": "N" })
    };
    let mut lesions = vec![lesion("T01", 22.0)];
    lesions.extend(n.is_multiple_of(2).then(|| lesion("T02", 14.0)));
    json!({ "TRDAT": "2026-02-15", "LESIONS": lesions })
}

fn prepared(n: usize) -> Vec<Action> {
    let (site, subject) = (site(n), subject(n));
    let mut actions = vec![act(10, &subject, Deed::Screen).at(site.as_str())];
    for (form, given) in eligible() {
        let given = if form == "tumour" { tumour(n) } else { given };
        actions.push(act(10, &subject, save(screening(form), given)).at(site.as_str()));
    }
    actions
}

pub fn by_minimisation() -> Checked {
    let rule = "method = \"minimisation\"\nbest_probability = 0.8";
    let source = AVATAR.replacen("method = \"permuted_blocks\"\nblock_sizes = [4, 6]", rule, 1);
    check(&source).unwrap_or_else(|faults| panic!("{faults:?}"))
}

/// As many offices as are asked for, over one ledger in which everybody is screened.
async fn offices(place: &Place, protocol: Checked, servers: usize) -> Vec<Arc<Office>> {
    let first = place.found(protocol).await;
    first.submit((0..SITES).map(|n| open_site(0, &site(n))).collect()).await.unwrap();
    first.submit((0..SUBJECTS).flat_map(prepared).collect()).await.unwrap();
    let mut offices = vec![Arc::new(first)];
    for _ in 1..servers {
        offices.push(Arc::new(place.open().await));
    }
    offices
}

/// Every task randomises its subjects, each asked for twice as by a double click; the sum of the drawn, and the refusals.
async fn randomise_all(offices: &[Arc<Office>]) -> (usize, usize) {
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let offices = offices.to_vec();
            tokio::spawn(async move {
                let (mut drawn, mut refused) = (0, 0);
                for n in (task..SUBJECTS).step_by(TASKS) {
                    let deed = Deed::Randomise { date: date(2026, 3, 1) };
                    let click = Action::now(&actor(), deed).at(site(n).as_str()).of(subject(n).as_str());
                    let (here, there) = (&offices[n % offices.len()], &offices[(n + 1) % offices.len()]);
                    let clicks = tokio::join!(here.submit(vec![click.clone()]), there.submit(vec![click]));
                    let outcomes = [clicks.0, clicks.1];
                    let given = outcomes.iter().flatten().find_map(|receipts| receipts[0].allocation.clone());
                    for outcome in outcomes {
                        match outcome {
                            Ok(_) => drawn += 1,
                            Err(Error::Refused(refusal)) => {
                                let Reason::AlreadyRandomised { arm, position, .. } = refusal.reason else {
                                    panic!("{refusal}");
                                };
                                // The second click is shown what the first one was given.
                                assert_eq!(given, Some((arm, position)));
                                refused += 1;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                }
                (drawn, refused)
            })
        })
        .collect();
    let mut sum = (0, 0);
    for task in tasks {
        let (drawn, refused) = task.await.unwrap();
        sum = (sum.0 + drawn, sum.1 + refused);
    }
    sum
}

/// The allocations of each stratum, in the order of their places.
async fn lists(office: &Office) -> BTreeMap<Vec<(String, String)>, BTreeMap<u64, String>> {
    let mut lists: BTreeMap<_, BTreeMap<u64, String>> = BTreeMap::new();
    let mut subjects = BTreeSet::new();
    for stored in office.ledger().of_kind("randomised", None).await.unwrap() {
        let event: trial::event::Event = stored.parse().unwrap();
        let What::Randomised { arm, stratum, position, .. } = event.what else { panic!() };
        assert!(subjects.insert(event.subject.unwrap()), "a subject was randomised twice");
        let twice = lists.entry(stratum).or_default().insert(position, arm.to_string());
        assert!(twice.is_none(), "place {position} was given twice");
    }
    assert_eq!(subjects.len(), SUBJECTS);
    lists
}

/// Whether `list` can be cut into blocks of 4 and 6, each half of one arm and half of the other, and a beginning of one.
fn is_of_balanced_blocks(list: &[String]) -> bool {
    let first = |part: &[String]| part.iter().filter(|arm| *arm == &list[0]).count();
    if list.len() < 6 {
        let (one, other) = (first(list), list.len() - first(list));
        if one.max(other) <= 3 {
            return true;
        }
    }
    [4, 6].into_iter().any(|size| {
        list.len() >= size
            && first(&list[..size]) * 2 == size
            && (list.len() == size || is_of_balanced_blocks(&list[size..]))
    })
}

#[test]
fn what_is_no_list_of_blocks_is_told_from_one() {
    let list = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
    assert!(is_of_balanced_blocks(&list("ABBAAABABBBA")));
    assert!(is_of_balanced_blocks(&list("AABBBBAABBBA")), "four, four and a beginning");
    assert!(!is_of_balanced_blocks(&list("AAAABBBBAABB")));
    assert!(!is_of_balanced_blocks(&list("ABABABAAAA")));
}

async fn holds_the_bar(offices: &[Arc<Office>], blocks: bool) {
    let (drawn, refused) = randomise_all(offices).await;
    assert_eq!((drawn, refused), (SUBJECTS, SUBJECTS));
    let lists = lists(&offices[0]).await;
    assert_eq!(lists.len(), 4);
    if blocks {
        for (stratum, list) in &lists {
            assert!(list.keys().copied().eq(0..list.len() as u64), "{stratum:?} has a gap");
            let arms: Vec<String> = list.values().cloned().collect();
            assert!(is_of_balanced_blocks(&arms), "{stratum:?}: {arms:?}");
        }
    } else {
        let places: BTreeSet<u64> = lists.values().flat_map(BTreeMap::keys).copied().collect();
        assert!(places.into_iter().eq(0..SUBJECTS as u64), "there is a gap");
        // Each factor's levels are kept even: with the best arm taken 8 times of 10, far closer than by tossing a coin
        // (whose standard deviation over 250 is 16).
        for factor in 0..2 {
            let mut surplus: BTreeMap<&str, i64> = BTreeMap::new();
            for (stratum, list) in &lists {
                let of_arms = list.values().map(|arm| if arm == "A" { 1 } else { -1 });
                *surplus.entry(&stratum[factor].1).or_default() += of_arms.sum::<i64>();
            }
            assert!(surplus.values().all(|surplus| surplus.abs() <= 8), "{surplus:?}");
        }
    }
    let drawn: BTreeMap<_, Vec<String>> =
        lists.iter().map(|(stratum, list)| (stratum.clone(), list.values().cloned().collect())).collect();
    // And they are those that the committed seed gives.
    offices[0].submit(vec![Action::now(&actor(), Deed::RevealSeed)]).await.unwrap();
    let audit = offices[offices.len() - 1].verify_allocations().await.unwrap();
    assert!(audit.is_sound(), "{audit:?}");
    assert_eq!(audit.checked, SUBJECTS as u64);
    for office in offices {
        office.verify_allocations().await.unwrap(); // it asks the ledger: an office may not have looked yet
        let draws = office.draws().await.unwrap().into_iter();
        let draws = draws.map(|(stratum, arms)| (stratum, arms.into_iter().map(|arm| arm.0).collect()));
        assert_eq!(draws.collect::<BTreeMap<_, _>>(), drawn, "each list as the page shows it");
    }
    assert!(offices[0].ledger().verify(&[], None, |_, _| {}).await.unwrap().is_sound());
}

#[rstest]
#[case::blocks_one_office(Kept::InAFile, true, 1)]
#[case::blocks_two_offices(Kept::InAFile, true, 2)]
#[case::minimisation_one_office(Kept::InAFile, false, 1)]
#[case::minimisation_two_offices(Kept::InAFile, false, 2)]
#[case::blocks_two_offices_on_postgres(Kept::OnPostgres, true, 2)]
#[case::minimisation_two_offices_on_postgres(Kept::OnPostgres, false, 2)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_at_once(#[case] kept: Kept, #[case] blocks: bool, #[case] servers: usize) {
    let Some(place) = kept.place() else { return };
    let protocol = if blocks { crate::common::protocol() } else { by_minimisation() };
    let offices = offices(&place, protocol, servers).await;
    holds_the_bar(&offices, blocks).await;
}

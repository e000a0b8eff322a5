//! Randomisation: recomputable, balanced within its blocks, and unpredictable without the seed.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write;

use proptest::prelude::*;
use rstest::rstest;
use trial::id::ArmId;
use trial::protocol::{Method, Protocol};
use trial::randomise::{Allocator, Earlier, Mismatch, Recorded, Seed, Stratum, commitment, next, verify};

/// A protocol of `arms` (id and ratio) that draws by `method` with `sizes` of blocks.
fn protocol(arms: &[(&str, u32)], method: Method, sizes: &[u32], best: f64) -> Protocol {
    let mut text = String::from(
        "endpoints = []\nanalyses = []\nforms = []\n[trial]\nid = 'X'\nversion = '1'\ntitle = 'X'\nparticipants = 10\n\
         [randomisation]\nmethod = 'permuted_blocks'\n[schedule]\nvisits = []\nfollow_up_months = 1\n",
    );
    for (id, ratio) in arms {
        writeln!(text, "[[arms]]\nid = '{id}'\nlabel = '{id}'\nratio = {ratio}\ndescription = ''").unwrap();
    }
    let mut protocol: Protocol = toml::from_str(&text).unwrap();
    protocol.randomisation.method = method;
    protocol.randomisation.block_sizes = sizes.to_vec();
    protocol.randomisation.best_probability = best;
    protocol
}

const EVEN: &[(&str, u32)] = &[("A", 1), ("B", 1)];
const TWO_TO_ONE: &[(&str, u32)] = &[("A", 2), ("B", 1)];

fn seed(n: u32) -> Seed {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&n.to_le_bytes());
    Seed(bytes)
}

fn stratum(level: &str) -> Stratum {
    vec![("f".into(), level.into())]
}

/// `n` allocations in one stratum.
fn list(protocol: &Protocol, seed: &Seed, level: &str, n: usize) -> Vec<String> {
    let mut allocator = Allocator::new(protocol, seed);
    (0..n)
        .map(|_| {
            let (arm, _) = allocator.next(&stratum(level));
            allocator.record(&stratum(level), &arm);
            arm.0
        })
        .collect()
}

fn count(list: &[String], arm: &str) -> usize {
    list.iter().filter(|given| *given == arm).count()
}

// As Python's blake3 package has it: blake3(bytes(range(32))).hexdigest().
#[test]
fn commits_with_blake3() {
    let bytes: [u8; 32] = std::array::from_fn(|index| u8::try_from(index).unwrap());
    let want = "e528e95798037df410543d9f31e396ecdd458d71b157d6014398bae32fb56c65";
    assert_eq!(commitment(&Seed(bytes)), want);
    assert_eq!(commitment(&seed(1)).len(), 64);
    assert_ne!(commitment(&seed(1)), commitment(&seed(2)));
    assert_eq!(format!("{:?}", seed(1)), "Seed(secret)");
}

// Both lists were recomputed by a script in Python from the words of the module and the blake3 package. The stream is part
// of what a trial publishes: if a list changes, no earlier trial can be verified any more.
#[test]
fn the_lists_never_change() {
    let blocks = protocol(EVEN, Method::PermutedBlocks, &[4, 6], 0.8);
    assert_eq!(list(&blocks, &seed(7), "x", 20).concat(), "BBAAABBAABBAABBAAABB");
    let minimised = protocol(EVEN, Method::Minimisation, &[], 0.8);
    assert_eq!(list(&minimised, &seed(7), "x", 20).concat(), "BBAABAABBABABAABBABA");
}

#[rstest]
#[case(EVEN, &[4], 4)]
#[case(EVEN, &[2], 2)]
#[case(TWO_TO_ONE, &[6], 6)]
#[case(TWO_TO_ONE, &[3], 3)]
#[case(&[("A", 1), ("B", 1), ("C", 2)], &[8], 8)]
#[case(EVEN, &[5, 4], 4)] // 5 is no multiple of the ratios: it is never drawn
fn each_block_keeps_the_ratio(#[case] arms: &[(&str, u32)], #[case] sizes: &[u32], #[case] size: usize) {
    let protocol = protocol(arms, Method::PermutedBlocks, sizes, 0.8);
    let unit: u32 = arms.iter().map(|(_, ratio)| ratio).sum();
    for n in 0..50 {
        for block in list(&protocol, &seed(n), "x", 5 * size).chunks(size) {
            for (arm, ratio) in arms {
                assert_eq!(count(block, arm) * unit as usize, size * *ratio as usize);
            }
        }
    }
}

#[test]
fn random_sizes_stay_balanced_and_are_both_drawn() {
    let protocol = protocol(EVEN, Method::PermutedBlocks, &[4, 6], 0.8);
    let mut ends = BTreeMap::new();
    for n in 0..400 {
        let list = list(&protocol, &seed(n), "x", 60);
        let mut difference = 0_i32;
        for (place, arm) in list.iter().enumerate() {
            difference += if arm == "A" { 1 } else { -1 };
            assert!(difference.abs() <= 3, "never more than half a block apart");
            if place == 3 {
                *ends.entry(difference).or_insert(0) += 1;
            }
        }
    }
    // After 4 a block of 4 is even; a block of 6 need not be.
    assert!(ends[&0] > 200 && ends.len() == 3, "{ends:?}");
}

// Over seeds, each arm comes first as often as its ratio: 4000 draws, 4 standard errors.
#[rstest]
#[case(EVEN, Method::PermutedBlocks, 0.5)]
#[case(TWO_TO_ONE, Method::PermutedBlocks, 2.0 / 3.0)]
#[case(EVEN, Method::Minimisation, 0.5)]
#[case(TWO_TO_ONE, Method::Minimisation, 2.0 / 3.0)]
fn first_arm_over_seeds(#[case] arms: &[(&str, u32)], #[case] method: Method, #[case] share: f64) {
    let unit: u32 = arms.iter().map(|(_, ratio)| ratio).sum();
    let protocol = protocol(arms, method, &[2 * unit], 0.8);
    let n = 4000;
    let first =
        (0..n).filter(|n| next(&protocol, &seed(*n), &[], &stratum("x")).0.as_str() == "A").count() as f64;
    // Minimisation of 2:1 begins with the arm that balances best, so its first draw leans that way.
    let lean = if method == Method::Minimisation && unit == 3 { 0.25 } else { 0.0 };
    let error = 4.0 * (share * (1.0 - share) / f64::from(n)).sqrt() + lean;
    assert!((first / f64::from(n) - share).abs() < error, "{first} of {n}");
}

#[test]
fn minimisation_keeps_an_unequal_ratio() {
    let protocol = protocol(TWO_TO_ONE, Method::Minimisation, &[], 0.8);
    for n in 0..20 {
        let given = list(&protocol, &seed(n), "x", 300);
        let a = count(&given, "A");
        assert!((190..=210).contains(&a), "{a} of 300");
    }
}

// Without the seed an allocation is certain only where the block leaves no other: after AA of a block of 4, B twice.
#[test]
fn earlier_allocations_give_no_certainty_beyond_the_block() {
    let protocol = protocol(EVEN, Method::PermutedBlocks, &[4], 0.8);
    let mut after: BTreeMap<String, [u32; 2]> = BTreeMap::new();
    for n in 0..3000 {
        let list = list(&protocol, &seed(n), "x", 8);
        for place in 0..8 {
            after.entry(list[..place].concat()).or_default()[usize::from(list[place] == "B")] += 1;
        }
    }
    for (before, [a, b]) in after {
        let block = &before[before.len() / 4 * 4..];
        let left = |arm: char| 2 - block.chars().filter(|given| *given == arm).count();
        assert_eq!(a == 0, left('A') == 0 || a + b < 20 && a == 0, "{before}: {a} A, {b} B");
        if a + b >= 100 {
            let want = left('A') as f64 / (left('A') + left('B')) as f64;
            let n = f64::from(a + b);
            let error = 4.5 * (want * (1.0 - want) / n).sqrt();
            assert!((f64::from(a) / n - want).abs() <= error, "{before}: {a} A, {b} B");
        }
    }
}

#[test]
fn strata_and_seeds_have_lists_of_their_own() {
    let protocol = protocol(EVEN, Method::PermutedBlocks, &[4, 6], 0.8);
    let of = |n: u32, level: &str| list(&protocol, &seed(n), level, 40);
    assert_ne!(of(1, "x"), of(1, "y"));
    assert_ne!(of(1, "x"), of(2, "x"));
    assert_eq!(of(1, "x"), of(1, "x"));
    // Names that only join to the same text are different strata.
    let joined = |a: &str, b: &str| {
        let stratum = vec![("f".to_owned(), a.to_owned()), ("g".to_owned(), b.to_owned())];
        let mut allocator = Allocator::new(&protocol, &seed(1));
        (0..40)
            .map(|_| {
                let (arm, _) = allocator.next(&stratum);
                allocator.record(&stratum, &arm);
                arm.0
            })
            .collect::<String>()
    };
    assert_ne!(joined("ab", "c"), joined("a", "bc"));
}

/// A whole trial over `subjects`, each a stratum, as the ledger would hold it.
fn run(protocol: &Protocol, seed: &Seed, subjects: &[Stratum]) -> Vec<Recorded> {
    let mut earlier: Vec<Earlier> = Vec::new();
    let mut made = Vec::new();
    for stratum in subjects {
        let (arm, position) = next(protocol, seed, &earlier, stratum);
        earlier.push(Earlier { stratum: stratum.clone(), arm: arm.clone() });
        made.push(Recorded { stratum: stratum.clone(), arm, position });
    }
    made
}

fn subjects(n: u32) -> Vec<Stratum> {
    let level = |n: u32| if n.is_multiple_of(3) { "x" } else { "y" };
    let other = |n: u32| if n.is_multiple_of(2) { "u" } else { "v" };
    (0..n).map(|n| vec![("f".into(), level(n).into()), ("g".into(), other(n / 3).into())]).collect()
}

#[rstest]
#[case(Method::PermutedBlocks)]
#[case(Method::Minimisation)]
fn verify_recomputes_all_and_names_the_first_that_differs(#[case] method: Method) {
    let protocol = protocol(EVEN, method, &[4, 6], 0.8);
    let made = run(&protocol, &seed(3), &subjects(60));
    assert_eq!(verify(&protocol, &seed(3), &made), Ok(()));
    assert!(verify(&protocol, &seed(4), &made).is_err());
    for changed in 0..made.len() {
        let mut forged = made.clone();
        let was = forged[changed].arm.clone();
        forged[changed].arm = ArmId::from(if was.as_str() == "A" { "B" } else { "A" });
        let wrong: Mismatch = verify(&protocol, &seed(3), &forged).unwrap_err();
        assert_eq!((wrong.index, wrong.recomputed.0), (changed, was));
    }
    let mut moved = made.clone();
    moved[5].position += 1;
    assert_eq!(verify(&protocol, &seed(3), &moved).unwrap_err().index, 5);
}

#[test]
fn verify_says_what_was_found_and_what_would_be_right() {
    let protocol = protocol(EVEN, Method::PermutedBlocks, &[4], 0.8);
    let mut made = run(&protocol, &seed(3), &subjects(3));
    made[1].arm = "C".into();
    let wrong = verify(&protocol, &seed(3), &made).unwrap_err().to_string();
    let right = run(&protocol, &seed(3), &subjects(3))[1].arm.clone();
    assert_eq!(
        wrong,
        format!(
            "allocation 2 of the trial is recorded as arm C at place 0, but the seed gives arm {right} at place 0"
        )
    );
}

/// Mean over trials of the summed imbalance over every factor's levels.
fn imbalance(protocol: &Protocol, subjects: &[Stratum]) -> f64 {
    let trials = 60;
    let mut sum = 0;
    for n in 0..trials {
        let mut margins: BTreeMap<(String, String), i64> = BTreeMap::new();
        for made in run(protocol, &seed(n), subjects) {
            for level in made.stratum {
                *margins.entry(level).or_default() += if made.arm.as_str() == "A" { 1 } else { -1 };
            }
        }
        sum += margins.values().map(|difference| difference.abs()).sum::<i64>();
    }
    sum as f64 / f64::from(trials)
}

// Pocock & Simon 1975: minimisation balances the margins better than chance; the surer its best arm, the better.
#[test]
fn minimisation_balances_better_than_chance() {
    let subjects = subjects(74);
    let by = |best: f64| imbalance(&protocol(EVEN, Method::Minimisation, &[], best), &subjects);
    let (chance, four_fifths, sure) = (by(0.5), by(0.8), by(1.0));
    assert!(four_fifths < 0.6 * chance, "{four_fifths} against {chance}");
    assert!(sure < four_fifths, "{sure} against {four_fifths}");
}

// The chance of the best arm is the protocol's: the last of 21 in one stratum, where A leads by one.
#[test]
fn the_best_arm_has_its_chance() {
    let protocol = protocol(EVEN, Method::Minimisation, &[], 0.8);
    let earlier = [Earlier { stratum: stratum("x"), arm: "A".into() }];
    let n = 4000;
    let best =
        (0..n).filter(|n| next(&protocol, &seed(*n), &earlier, &stratum("x")).0.as_str() == "B").count();
    assert!((best as f64 / f64::from(n) - 0.8).abs() < 0.026, "{best} of {n}");
}

#[test]
fn minimisation_without_factors_balances_the_trial() {
    let protocol = protocol(EVEN, Method::Minimisation, &[], 1.0);
    let made = run(&protocol, &seed(1), &vec![Vec::new(); 40]);
    let arms: Vec<String> = made.into_iter().map(|made| made.arm.0).collect();
    assert_eq!(count(&arms, "A"), 20);
}

proptest! {
    #[test]
    fn places_count_up_in_each_stratum(levels in prop::collection::vec(0u8..3, 1..40), n in any::<u32>()) {
        let protocol = protocol(EVEN, Method::PermutedBlocks, &[2, 4], 0.8);
        let subjects: Vec<Stratum> = levels.iter().map(|level| stratum(&level.to_string())).collect();
        let mut places: BTreeMap<Stratum, u64> = BTreeMap::new();
        let made = run(&protocol, &seed(n), &subjects);
        for allocation in &made {
            let place = places.entry(allocation.stratum.clone()).or_default();
            prop_assert_eq!(allocation.position, *place);
            *place += 1;
        }
        prop_assert_eq!(verify(&protocol, &seed(n), &made), Ok(()));
    }
}

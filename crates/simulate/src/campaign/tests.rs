//! One answer, however the chunks were shared out, stopped, resumed or cut short.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::scenario::read;

const TEXT: &str =
    "title = \"a test\"\nsubjects = 20\ncontrol = { median = 6 }\neffect = { hazard_ratio = 0.4 }\n";

fn campaign(seed: u64) -> Campaign {
    let read = read(TEXT, &|_| Err(String::new())).unwrap();
    let sweep = [(Parameter::HazardRatio, vec![0.4, 0.8]), (Parameter::Subjects, vec![20.0, 31.0])];
    Campaign::new(&read, &sweep, true, seed, 2_500).unwrap()
}

fn pool(threads: usize) -> ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn run(campaign: &Campaign, shard: Shard, threads: usize) -> Chunks {
    let mut chunks = Chunks::new();
    let pool = pool(threads);
    let left = campaign.left(shard, &chunks);
    let stop = AtomicBool::new(false);
    let keep = |item, tally| {
        assert!(chunks.insert(item, tally).is_none());
        Ok::<(), survival::Error>(())
    };
    campaign.run(&pool, &left, &stop, keep).unwrap();
    chunks
}

#[test]
fn threads_and_shards_make_no_difference() {
    let campaign = campaign(1);
    assert_eq!((campaign.cells.len(), campaign.items()), (6, 18));
    let alone = run(&campaign, Shard::WHOLE, 1);
    assert_eq!(alone.len(), 18);
    assert_eq!(run(&campaign, Shard::WHOLE, 3), alone);
    let mut shared = Chunks::new();
    for number in [3, 1, 2] {
        let part = run(&campaign, Shard { number, of: 3 }, 2);
        assert_eq!(part.len(), 6);
        shared.extend(part);
    }
    assert_eq!(shared, alone);
    let text = |chunks| serde_json::to_string(&campaign.answers(chunks)).unwrap();
    assert_eq!(text(&shared), text(&alone), "bit for bit");
    assert!(campaign.answers(&alone).iter().all(|answers| answers.trials == 2_500));
}

#[test]
fn a_grid_has_every_combination_with_and_without_effect() {
    let campaign = campaign(1);
    let told: Vec<_> =
        campaign.cells.iter().map(|c| (c.values[0].1, c.values[1].1, c.scenario.has_effect())).collect();
    assert_eq!(told[..4], [(0.4, 20.0, true), (1.0, 20.0, false), (0.4, 31.0, true), (1.0, 31.0, false)]);
    let keys: std::collections::BTreeSet<_> =
        campaign.cells.iter().filter(|c| c.scenario.has_effect()).map(|c| c.scenario.fingerprint()).collect();
    assert_eq!(keys.len(), 4, "each cell draws its own numbers");
}

#[test]
fn a_run_that_was_stopped_or_killed_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("times.jsonl");
    let campaign = campaign(1);
    let stop = AtomicBool::new(false);
    let mut file = CampaignFile::create(&path, &campaign, Shard::WHOLE).unwrap();
    let mut count = 0;
    campaign
        .run(&pool(2), &campaign.left(Shard::WHOLE, &Chunks::new()), &stop, |item, tally| {
            count += 1;
            stop.store(count >= 5, Ordering::Relaxed);
            file.add(item, &tally).map_err(|wrong| survival::Error::NotEstimable {
                what: wrong.to_string(),
                why: String::new(),
            })
        })
        .unwrap();
    assert!((5..18).contains(&count), "{count}");
    drop(file);
    // As a kill in the middle of a write leaves it.
    let mut text = std::fs::read_to_string(&path).unwrap();
    text.truncate(text.len() - 40);
    std::fs::write(&path, &text).unwrap();

    let (mut file, mut chunks) = CampaignFile::resume(&path, &campaign, Shard::WHOLE).unwrap();
    assert_eq!(chunks.len(), count - 1, "the line that was cut short is passed over");
    for item in campaign.left(Shard::WHOLE, &chunks) {
        let tally = campaign.simulate(item).unwrap();
        file.add(item, &tally).unwrap();
        chunks.insert(item, tally);
    }
    assert_eq!(chunks, run(&campaign, Shard::WHOLE, 2));
    let (found, merged) = merge(&[path]).unwrap();
    assert_eq!((found, merged), (campaign, chunks));
}

#[test]
fn files_of_other_simulations_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (one, other) = (campaign(1), campaign(2));
    let shard = |number| Shard { number, of: 2 };
    CampaignFile::create(&at("one"), &one, shard(1)).unwrap().add(0, &one.simulate(0).unwrap()).unwrap();
    CampaignFile::create(&at("other"), &other, shard(2)).unwrap();
    let wrong = |result: Result<(Campaign, Chunks), FileError>| result.unwrap_err().to_string();
    assert!(wrong(merge(&[at("one"), at("other")])).contains("the seed (2 and 1) differs"));
    assert!(wrong(merge(&[])).contains("no file"));
    assert!(wrong(merge(&[at("none")])).contains("none"));
    std::fs::write(at("text"), "hello\n").unwrap();
    assert!(wrong(merge(&[at("text")])).contains("not a file of simulated trials"));
    let refused = CampaignFile::resume(&at("one"), &one, shard(2)).unwrap_err().to_string();
    assert!(refused.contains("the shard (1/2 there, 2/2 here)"), "{refused}");
    assert!(CampaignFile::create(&at("one"), &one, shard(1)).is_err(), "nothing is overwritten");
    // The same chunk with another outcome, as from a machine that computes wrongly.
    let mut tally = one.simulate(0).unwrap();
    tally.analyses[0].experimental += 1;
    CampaignFile::create(&at("bad"), &one, shard(1)).unwrap().add(0, &tally).unwrap();
    assert!(wrong(merge(&[at("one"), at("bad")])).contains("chunk 0"));
}

#[test]
fn shards_are_counted_from_1() {
    assert_eq!("3/8".parse(), Ok(Shard { number: 3, of: 8 }));
    for wrong in ["0/8", "9/8", "3", "3/0", "a/b", "", "-1/2"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}

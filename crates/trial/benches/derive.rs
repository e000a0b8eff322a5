//! The cost of deriving one subject, and of all its endpoints: 20 assessments of 6 lesions, three salvaged progressions.

#[path = "../tests/story/mod.rs"]
mod story;

use std::fmt::Write;

use divan::{Bencher, black_box};
use trial::derive::derive;
use trial::endpoint::time_to;
use trial::record::Record;

fn main() {
    divan::main();
}

/// A long history: each fifth assessment shows an oligoprogression, which is salvaged until the third.
fn subject() -> Record {
    let mut lines = String::from("d0 T1 30 T2 20 T3 25 NT1 present NT2 present NT3 present\n");
    for visit in 1..=20_u32 {
        let (day, size) = (visit * 84, 30 + 10 * (visit / 5));
        let _ = writeln!(lines, "d{day} T1 {size}+ T2 20 T3 25 NT1 present NT2 present NT3 present");
        if visit % 5 == 0 {
            let _ = writeln!(lines, "decision d{} CONTINUE d{day}", day + 1);
            let _ = writeln!(lines, "sabr d{}-d{} T1 12x2", day + 5, day + 7);
        }
    }
    lines.push_str("line d1300 OTHER fulvestrant\ncontact d1700\ndeath d1800\n");
    story::record("A", &lines)
}

#[divan::bench]
fn derive_one_subject(bencher: Bencher) {
    let (history, record) = (story::history(), subject());
    bencher.bench(|| derive(black_box(&history), black_box(&record), None));
}

#[divan::bench]
fn five_endpoints_of_one_subject(bencher: Bencher) {
    let (history, record) = (story::history(), subject());
    let derived = derive(&history, &record, None);
    let protocol = history.current();
    bencher.bench(|| {
        for endpoint in &protocol.endpoints {
            black_box(time_to(protocol, endpoint, &endpoint.rules, &record, &derived));
        }
    });
}

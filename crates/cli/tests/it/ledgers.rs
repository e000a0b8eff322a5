//! `verify`, `checkpoint` and `backup`: an altered ledger is refused, and the first altered event named.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::stage::{arg, ledger, scratch, show, trial};

/// A copy of the shared ledger, whole in one file.
fn copy(folder: &Path) -> String {
    let to = arg(folder.join("copy.sqlite"));
    let shown = show(&["backup", &ledger(), &to]);
    assert_eq!(shown.code, 0, "{shown}");
    to
}

/// The bytes of every so-manieth event, by its number.
fn sample(path: &str, every: u64) -> Vec<(u64, Vec<u8>)> {
    let read = async {
        let ledger = ledger::Ledger::open_read_only(path).await.unwrap();
        let count = ledger.head().await.unwrap().count;
        let mut sample = Vec::new();
        for seq in (1..=count).step_by(usize::try_from(every).unwrap()).chain([count]) {
            sample.push((seq, ledger.event(seq).await.unwrap().unwrap().bytes.to_vec()));
        }
        ledger.close().await;
        sample
    };
    office::block_on(read).unwrap()
}

#[test]
fn refuses_every_altered_copy_and_names_the_event() {
    let folder = scratch();
    let path = copy(folder.path());
    let sound = fs::read(&path).unwrap();
    let (mut tried, mut from) = (0, 0);
    for (place, (seq, bytes)) in sample(&path, 331).into_iter().enumerate() {
        // Events stand in the file in their order, nearly. One that SQLite cut in pieces stands nowhere whole.
        let find = |from: usize| {
            let found = sound[from..].windows(bytes.len()).position(|window| window == bytes);
            found.map(|place| from + place)
        };
        let Some(start) = find(from).or_else(|| find(0)) else { continue };
        from = start;
        let at = start + (place * 37) % bytes.len();
        let mut altered = sound.clone();
        altered[at] ^= 1 << (place % 7);
        fs::write(&path, altered).unwrap();
        let shown = show(&["verify", &path, "--json"]);
        assert_eq!(shown.code, 1, "byte {at}, of event {seq}: {shown}");
        let told: Value = serde_json::from_str(&shown.out).unwrap();
        assert_eq!(told["sound"], false);
        assert_eq!(told["first_misfit"]["seq"], seq, "byte {at}: {shown}");
        assert!(shown.err.contains(&format!("event {seq} was altered")), "{shown}");
        tried += 1;
    }
    assert!(tried >= 12, "only {tried} events stand whole in the file");
    fs::write(&path, sound).unwrap();
    assert_eq!(show(&["verify", &path]).code, 0);
}

#[test]
fn shows_an_altered_ledger() {
    let folder = scratch();
    let path = copy(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    let (_, event) = sample(&path, 100).swap_remove(1);
    let start = bytes.windows(event.len()).position(|window| window == event).unwrap();
    bytes[start + event.len() / 2] ^= 1;
    fs::write(&path, bytes).unwrap();
    let shown = show(&["verify", &path]);
    assert_eq!(shown.code, 1);
    assert!(shown.out.contains("events, ALTERED\n"), "{shown}");
    assert!(
        shown.err.contains("event 101 was altered") && shown.err.contains("compare it with a backup"),
        "{shown}"
    );
}

#[test]
fn says_of_a_ruined_file_what_to_do() {
    let folder = scratch();
    let sound = fs::read(ledger()).unwrap();
    let mut cut = sound.clone();
    cut.truncate(sound.len() / 3);
    let mut no_header = sound.clone();
    no_header[3] ^= 0x55;
    let mut text = String::new();
    for (name, bytes) in [("cut.sqlite", cut), ("header.sqlite", no_header), ("empty.sqlite", Vec::new())] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        text += &format!("{}\n", show(&["verify", &arg(path)]).without(folder.path()));
    }
    let missing = folder.path().join("missing.sqlite");
    text += &format!("{}\n", show(&["verify", &arg(missing)]).without(folder.path()));
    insta::assert_snapshot!(text);
}

#[test]
fn verifies_a_sound_ledger() {
    let checkpoint = arg(trial().join("checkpoint.jsonl"));
    let shown = show(&["verify", &ledger(), "--checkpoint", &checkpoint]);
    assert_eq!(shown.code, 0, "{shown}");
    assert!(shown.out.contains("events, each fits the one before it\nhead "), "{shown}");
    assert!(shown.out.contains("checkpoint 1 from outside"), "{shown}");
    assert!(shown.out.contains("No verification can know:\n- "), "{shown}");
    let told: Value = serde_json::from_str(&show(&["verify", &ledger(), "--json"]).out).unwrap();
    assert_eq!(
        (&told["sound"], &told["first_misfit"], &told["misfits"]),
        (&true.into(), &Value::Null, &0.into())
    );
}

#[test]
fn signs_and_holds_against_a_checkpoint() {
    let folder = scratch();
    let path = copy(folder.path());
    let key = arg(folder.path().join("office.key"));
    let signed = show(&["checkpoint", &path, "--key", &key]);
    assert_eq!(signed.code, 0, "{signed}");
    assert!(signed.err.contains("a new signing key"), "{signed}");
    let checkpoint: Value = serde_json::from_str(&signed.out).unwrap();
    let again = show(&["checkpoint", &path, "--key", &key]);
    assert!(again.err.is_empty() && again.code == 0, "{again}");
    // What was signed is in the one file, so that a plain copy of it has it too.
    assert!(!folder.path().join("copy.sqlite-wal").exists());

    let kept = arg(folder.path().join("kept.jsonl"));
    fs::write(&kept, format!("{}\n{}", signed.out, again.out)).unwrap();
    let verified = show(&["verify", &path, "--checkpoint", &kept]);
    assert_eq!(verified.code, 0, "{verified}");
    assert!(verified.out.contains("checkpoint 2 from outside"), "{verified}");
    // The demo's own checkpoint is of another key, and so not trusted.
    let trusted = checkpoint["public_key"].as_str().unwrap();
    let untrusted = show(&["verify", &path, "--trusted-key", trusted]);
    assert_eq!(untrusted.code, 1);
    assert!(untrusted.err.contains("another key than the trusted"), "{untrusted}");
}

#[test]
fn makes_no_key_for_a_ledger_that_is_not_there() {
    let folder = scratch();
    let shown = show(&["checkpoint", &arg(folder.path().join("none.sqlite"))]);
    assert_eq!(shown.code, 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn refuses_a_file_without_checkpoints() {
    let folder = scratch();
    let mut text = String::new();
    for (name, content) in [("empty.jsonl", "\n"), ("text.jsonl", "\n{\"count\":1}\n")] {
        fs::write(folder.path().join(name), content).unwrap();
        let shown = show(&["verify", "trial.sqlite", "--checkpoint", &arg(folder.path().join(name))]);
        text += &format!("{}\n", shown.without(folder.path()));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn copies_only_where_nothing_stands() {
    let folder = scratch();
    let path = copy(folder.path());
    let before = fs::read(&path).unwrap();
    let shown = show(&["backup", &ledger(), &path]);
    assert_eq!(shown.code, 1);
    assert!(shown.err.contains("left as it is"), "{shown}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let nowhere = show(&["backup", &ledger(), &arg(folder.path().join("no/such/copy.sqlite"))]);
    assert!(nowhere.err.contains("there is no folder") && nowhere.err.contains("mkdir -p"), "{nowhere}");
    let json = show(&["backup", &ledger(), &arg(folder.path().join("two.sqlite")), "--json"]);
    let told: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(told["head"].as_str().unwrap().len(), 64);
}

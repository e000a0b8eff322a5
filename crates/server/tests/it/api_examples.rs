//! The examples of `docs/api.md`, each run as it stands there, by the shell and `curl`, against a server.
//!
//! Never a copy of them: the file itself is read, and an answer shown in it must be the answer that comes.

use std::process::Command;

use serde_json::Value;
use trial::event::Role;

use crate::api::token;
use crate::scaffold::empty;

const DOCUMENT: &str = include_str!("../../../../docs/api.md");

/// The examples: what is run, and the answer that is shown after it, where one is.
fn examples() -> Vec<(String, Option<Value>)> {
    let mut found: Vec<(String, Option<Value>)> = Vec::new();
    let mut fences = DOCUMENT.split("```");
    // Text and fenced blocks take turns.
    while let (Some(_), Some(block)) = (fences.next(), fences.next()) {
        match block.split_once('\n') {
            Some(("sh", command)) => found.push((command.to_owned(), None)),
            Some(("json", shown)) => {
                let shown = serde_json::from_str(shown).unwrap_or_else(|wrong| panic!("{wrong}: {shown}"));
                found.last_mut().unwrap().1 = Some(shown);
            }
            _ => panic!("a block that is neither sh nor json: {block}"),
        }
    }
    found
}

/// Whether an answer is as shown: members that are not shown do not matter, and `…` stands for any text.
fn is_as_shown(shown: &Value, found: &Value) -> bool {
    match (shown, found) {
        (Value::String(shown), Value::String(_)) if shown == "…" => true,
        (Value::Object(shown), Value::Object(found)) => {
            shown.iter().all(|(name, shown)| found.get(name).is_some_and(|found| is_as_shown(shown, found)))
        }
        (Value::Array(shown), Value::Array(found)) => {
            shown.len() == found.len()
                && shown.iter().zip(found).all(|(shown, found)| is_as_shown(shown, found))
        }
        (shown, found) => shown == found,
    }
}

#[test]
fn every_example_of_the_document_works() {
    const CUT: &str = "-----8<-----";
    if Command::new("curl").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "curl is needed to run the examples of docs/api.md");
        eprintln!("SKIPPED: there is no curl to run the examples of docs/api.md with");
        return;
    }
    let server = empty();
    let examples = examples();
    assert!(examples.len() > 8);
    let commands = examples.iter().map(|(command, _)| format!("{command}\nprintf '%s' '{CUT}'\n"));
    let script = commands.collect::<Vec<_>>().concat();
    let output = Command::new("bash")
        .args(["-eu", "-c", &script])
        .env("SERVER", &server.address)
        .env("TRIAL", "one")
        .env("TOKEN", token(&server, Role::SiteCoordinator, Some("01")))
        .env("MANAGER", token(&server, Role::DataManager, None))
        .env("NO_PROXY", "*")
        .output()
        .unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{wrong}");
    let answers: Vec<&str> = said.split(CUT).collect();
    assert_eq!(answers.len(), examples.len() + 1);
    for ((command, shown), answer) in examples.iter().zip(answers) {
        let Some(shown) = shown else { continue };
        let found: Value =
            serde_json::from_str(answer).unwrap_or_else(|wrong| panic!("{wrong}: {command}\n{answer}"));
        assert!(is_as_shown(shown, &found), "{command}\nshown: {shown:#}\nfound: {found:#}");
    }
}

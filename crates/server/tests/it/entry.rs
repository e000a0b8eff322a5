//! Data entry: what a form asks, what it takes and refuses, and that nothing typed is ever lost.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use office::{Action, Actor, Deed};
use rstest::rstest;
use serde_json::{Value, json};
use trial::consequence::of_draft;
use trial::event::{Instance, Role};
use trial::id::SubjectId;
use trial::record::Record;

use crate::eligible::HISTORY;
use crate::scaffold::{Client, Reply, Running, Shared, demo, empty};

/// A trial that these tests share, and a subject of it that is one test's own.
struct Case {
    running: Arc<Running>,
    subject: String,
}

impl Deref for Case {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

/// A trial without subjects, made once for all tests that run together.
fn office() -> Arc<Running> {
    static SHARED: Shared<Running> = Shared::new();
    SHARED.get(empty)
}

/// A subject that was just screened at site 01.
fn screened() -> Case {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let subject = format!("01-{:03}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let running = office();
    let actor = Actor::new("coordinator", Role::SiteCoordinator);
    beside(&running, Action::now(&actor, Deed::Screen).at("01").of(subject.as_str()));
    Case { running, subject }
}

/// Acts as another process would; the server looks at the ledger's head ten times a second.
fn beside(running: &Running, action: Action) -> office::Receipt {
    let receipt = running.submit(vec![action]).remove(0);
    std::thread::sleep(std::time::Duration::from_millis(120));
    receipt
}

/// The words of a page, with one bar between the cells of a table.
fn cells(page: &Reply) -> String {
    page.words().replace("| |", "|")
}

fn form_of(subject: &str, name: &str) -> String {
    format!("/t/one/subjects/{subject}/forms/{}", name.replace('@', "%40"))
}

impl Case {
    /// The address of a form of the subject, `ecog@W12`.
    fn form(&self, name: &str) -> String {
        form_of(&self.subject, name)
    }

    fn record(&self) -> Record {
        self.reading().record(&SubjectId::from(self.subject.as_str())).unwrap().unwrap().0
    }

    /// What stands on a form, and the event that gave it.
    fn stands(&self, name: &str) -> Option<(Value, u64)> {
        let (form, visit) =
            name.split_once('@').map_or((name, None), |(form, visit)| (form, Some(visit.to_owned())));
        let instance = Instance { form: form.into(), visit, occurrence: 1 };
        let record = self.record();
        let form = record.forms.iter().find(|form| form.instance == instance)?;
        Some((Value::Object(form.values.clone()), form.event))
    }
}

/// Saves a form as a page that was just opened would.
fn save(client: &Client, address: &str, fields: &[(&str, &str)]) -> Reply {
    let seen = client.get(address).field("_seen").unwrap_or_default();
    let mut all = vec![("_seen", seen.as_str())];
    all.extend(fields);
    client.post(address, &all)
}

/// A sentence of the domain with its days as the pages write them: `2026-04-13` is `13 Apr 2026`.
fn as_shown(says: &str) -> String {
    let word = |word: &str| {
        let day = word.trim_end_matches([',', '.', ':', ';', ')']);
        let shown = day.parse::<jiff::civil::Date>().map(|day| day.strftime("%-d %b %Y").to_string());
        shown.map_or_else(|_| word.to_owned(), |shown| word.replace(day, &shown))
    };
    says.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn taken(reply: &Reply) {
    assert_eq!(reply.status, 303, "{}", reply.words());
}

const CONSENT: [(&str, &str); 2] = [("RFICDAT", "2026-01-12"), ("RFICYN", "Y")];
const DEMOGRAPHY: [(&str, &str); 3] = [("BRTHYY", "1961"), ("SEX", "F"), ("MENOPAUS", "POST")];

#[test]
fn every_form_of_the_protocol_opens_with_a_control_for_each_item() {
    let running = screened();
    let client = running.as_user("coordinator");
    for form in &crate::scaffold::avatar().protocol.forms {
        let to = client.get(&format!("/t/one/subjects/{}/add/{}", running.subject, form.id));
        let page = client.follow(&to);
        assert_eq!(page.status, 200, "{}: {}", form.id, page.words());
        for item in &form.items {
            assert!(page.body.contains(&format!("name=\"{}\"", item.id)), "{}: {}", form.id, item.id);
            assert!(page.says(&item.label), "{}: {}", form.id, item.label);
        }
        for group in &form.groups {
            for item in &group.items {
                let name = format!("name=\"{}.0.{}\"", group.id, item.id);
                assert!(page.body.contains(&name), "{}: {}", form.id, item.id);
            }
        }
    }
}

#[test]
pub(crate) fn a_form_is_saved_once_however_often_it_is_sent() {
    let running = screened();
    let client = running.as_user("coordinator");
    let address = running.form("demography@SCREENING");
    let first = save(&client, &address, &DEMOGRAPHY);
    taken(&first);
    let (values, event) = running.stands("demography@SCREENING").unwrap();
    assert_eq!(values, json!({ "BRTHYY": 1961, "SEX": "F", "MENOPAUS": "POST" }));
    let mut again = vec![("_seen", "0")];
    again.extend(DEMOGRAPHY);
    let second = client.post(&address, &again);
    taken(&second);
    assert_eq!(running.stands("demography@SCREENING").unwrap().1, event);
    let page = client.follow(&first);
    assert!(
        page.says("Saved.") && page.says("What comes next") && page.says("Disease history"),
        "{}",
        page.words()
    );
}

/// The field as it was typed is still in the page.
fn still_typed(page: &Reply, name: &str, text: &str) -> bool {
    page.fields().contains(&(name.to_owned(), text.to_owned()))
        || page.body.contains(&format!("<option value=\"{text}\" selected"))
        || page.body.contains(&format!("name=\"{name}\" value=\"{text}\" checked"))
}

#[rstest]
#[case::no_such_day("consent@SCREENING", "RFICDAT", "31.2.2026", "There is no 31 February 2026")]
#[case::day_or_month("consent@SCREENING", "RFICDAT", "07/03/2026", "It may be 2026-03-07 or 2026-07-03")]
#[case::two_figures("consent@SCREENING", "RFICDAT", "7.3.26", "The year is needed with four digits")]
#[case::not_yet("consent@SCREENING", "RFICDAT", "2999-01-01", "It may not lie after the day of entry")]
#[case::no_number("demography@SCREENING", "BRTHYY", "sixty", "Write a whole number")]
#[case::out_of_range("demography@SCREENING", "BRTHYY", "1861", "It must lie between 1900 and 2015")]
#[case::no_code("demography@SCREENING", "SEX", "X", "Choose one of F, M")]
#[case::whole_day("consent@SCREENING", "RFICDAT", "2026-01", "lacks its day")]
#[case::forged("demography@SCREENING", "WEIGHT", "70", "has no such field")]
#[case::script("prior", "CMTRT", "<script>alert(1)</script>", "It must be filled")]
fn what_cannot_be_is_said_beside_its_field_and_stays_typed(
    #[case] name: &str,
    #[case] field: &str,
    #[case] text: &str,
    #[case] says: &str,
) {
    let running = screened();
    let page = save(&running.as_user("coordinator"), &running.form(name), &[(field, text)]);
    assert_eq!(page.status, 422, "{}", page.words());
    assert!(page.says(says), "{says}: {}", page.words());
    assert!(page.says("Nothing was saved."));
    assert!(field == "WEIGHT" || still_typed(&page, field, text), "{text}: {}", page.body);
    assert!(!page.body.contains("<script>alert"), "a text is no script");
    assert!(running.stands(name).is_none());
}

#[rstest]
#[case::another_site("elsewhere", 404, 404)]
#[case::another_trial("stranger", 404, 404)]
#[case::reads("monitor", 200, 403)]
#[case::not_their_form("oncologist", 200, 403)]
#[case::sees_no_subject("committee", 403, 403)]
#[case::fills("investigator", 200, 303)]
fn a_form_is_filled_by_whose_role_includes_it(#[case] user: &str, #[case] read: u16, #[case] write: u16) {
    let running = screened();
    let client = running.as_user(user);
    let address = running.form("consent@SCREENING");
    assert_eq!(client.get(&address).status, read);
    let reply = client.post(&address, &[&[("_seen", "0")][..], &CONSENT].concat());
    assert_eq!(reply.status, write, "{}", reply.words());
    if write == 403 && read == 200 {
        assert!(still_typed(&reply, "RFICDAT", "2026-01-12"), "what was typed is lost");
    }
    assert_eq!(running.stands("consent@SCREENING").is_some(), write == 303);
}

#[test]
fn a_radiation_oncologist_records_sabr_and_nothing_else() {
    let running = screened();
    let client = running.as_user("oncologist");
    assert!(client.get(&running.form("sabr")).body.contains("name=\"PRSTDAT\""));
    assert!(!client.get(&running.form("ecog@SCREENING")).body.contains("name=\"QSDAT\""));
}

#[rstest]
#[case("weight", "The protocol has no form")]
#[case("ecog@W13", "The protocol has no visit")]
#[case("ecog@W12.2", "does not repeat")]
#[case("ae.5", "the next is ae")]
#[case("ecog@", "is not the name of a form")]
fn a_place_that_is_none_is_said_to_be_none(#[case] name: &str, #[case] says: &str) {
    let running = screened();
    let client = running.as_user("coordinator");
    for reply in
        [client.get(&running.form(name)), client.post(&running.form(name), &[("_seen", "0"), ("ECOG", "1")])]
    {
        assert_eq!(reply.status, 404);
        assert!(reply.says(says), "{}", reply.words());
    }
}

#[test]
pub(crate) fn a_correction_needs_a_reason_and_keeps_what_was_before() {
    let running = screened();
    let client = running.as_user("coordinator");
    let address = running.form("demography@SCREENING");
    taken(&save(&client, &address, &DEMOGRAPHY));
    let (_, first) = running.stands("demography@SCREENING").unwrap();
    let changed = [("BRTHYY", "1962"), ("SEX", "F"), ("MENOPAUS", "POST")];
    let page = save(&client, &address, &changed);
    assert_eq!(page.status, 422);
    assert!(
        page.says("Say why the values change.") && still_typed(&page, "BRTHYY", "1962"),
        "{}",
        page.words()
    );
    let reply = save(&client, &address, &[&changed[..], &[("_reason", "Typing error")]].concat());
    taken(&reply);
    let (values, event) = running.stands("demography@SCREENING").unwrap();
    assert_eq!(values["BRTHYY"], 1962);
    let events = running.reading().record(&SubjectId::from(running.subject.as_str())).unwrap().unwrap().1;
    let entered = events.iter().find(|entered| entered.seq == event).unwrap();
    let what = serde_json::to_value(&entered.event.what).unwrap();
    assert_eq!(
        (&what["kind"], &what["corrects"], &what["reason"]),
        (&json!("form_corrected"), &json!(first), &json!("Typing error"))
    );
    assert_eq!(entered.event.who, "coordinator");
}

#[test]
pub(crate) fn of_two_people_on_one_form_neither_loses_what_they_typed() {
    let running = screened();
    let (one, two) = (running.as_user("coordinator"), running.as_user("investigator"));
    let address = running.form("history@SCREENING");
    let with = |changes: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        let changed = |(name, text): (&'static str, &'static str)| {
            (name, changes.iter().find(|(of, _)| *of == name).map_or(text, |(_, new)| *new))
        };
        HISTORY.into_iter().map(changed).collect()
    };
    taken(&save(&one, &address, &HISTORY));
    let seen = one.get(&address).field("_seen").unwrap();
    let first =
        [&[("_seen", seen.as_str()), ("_reason", "r")][..], &with(&[("MHSTDAT", "2018-03"), ("LMD", "Y")])]
            .concat();
    taken(&two.post(&address, &first));
    // The other page was opened before.
    let mine = with(&[("MHSTDAT", "Apr 2017"), ("CHEMOMET", "Y")]);
    let page = one.post(&address, &[&[("_seen", seen.as_str()), ("_reason", "mine")][..], &mine].concat());
    assert_eq!(page.status, 409, "{}", page.words());
    for says in ["Two people changed this form", "investigator", "both changed", "2018-03", "2017-04"] {
        assert!(page.says(says), "{says}: {}", page.words());
    }
    assert!(still_typed(&page, "MHSTDAT", "Apr 2017"), "what was typed is lost");
    assert_eq!(running.stands("history@SCREENING").unwrap().0["LMD"], "Y");
    let now = page.field("_seen").unwrap();
    let differs = ["MHSTDAT", "CHEMOMET", "LMD"].map(|name| ("_differs", name));
    let again = |picks: &[(&'static str, &'static str)]| {
        one.post(
            &address,
            &[&[("_seen", now.as_str()), ("_reason", "mine")][..], &differs, picks, &mine].concat(),
        )
    };
    // Where both changed a field, somebody chooses.
    let open = again(&[("_pick.CHEMOMET", "mine"), ("_pick.LMD", "theirs")]);
    assert_eq!(open.status, 422);
    assert!(open.says("Choose for each field"), "{}", open.words());
    taken(&again(&[("_pick.MHSTDAT", "mine"), ("_pick.CHEMOMET", "mine"), ("_pick.LMD", "theirs")]));
    let (values, _) = running.stands("history@SCREENING").unwrap();
    assert_eq!(
        (&values["MHSTDAT"], &values["CHEMOMET"], &values["LMD"]),
        (&json!("2017-04"), &json!("Y"), &json!("Y"))
    );
}

#[test]
pub(crate) fn a_log_entry_that_somebody_else_took_can_be_saved_as_the_next() {
    let running = screened();
    let (one, two) = (running.as_user("coordinator"), running.as_user("investigator"));
    let event = |term: &'static str| {
        vec![
            ("_seen", "0"),
            ("AETERM", term),
            ("AETOXGR", "1"),
            ("AESTDAT", "2026-01"),
            ("AESER", "N"),
            ("AERELSYS", "UNRELATED"),
            ("AERELSAB", "UNRELATED"),
        ]
    };
    taken(&two.post(&running.form("ae"), &event("Nausea")));
    let page = one.post(&running.form("ae"), &event("Fatigue"));
    assert_eq!(page.status, 409);
    assert!(page.says("Save as a further entry instead"), "{}", page.words());
    let mut further = event("Fatigue");
    further.push(("_further", "1"));
    taken(&one.post(&running.form("ae"), &further));
    let terms: Vec<String> = running.record().adverse_events.iter().map(|event| event.term.clone()).collect();
    assert_eq!(terms, ["Nausea", "Fatigue"]);
}

#[test]
fn an_edit_check_speaks_as_one_types_and_of_nothing_that_was_not_touched() {
    let running = screened();
    let client = running.as_user("coordinator");
    let check = format!("{}/check", running.form("firstline@SCREENING"));
    let quiet = client.post_part(&check, &[("CMTRT", "")]);
    assert_eq!(quiet.status, 200);
    assert!(!quiet.body.contains("class=\"fault\""), "{}", quiet.body);
    let touched = client.post_part(&check, &[("CMTRT", ""), ("_touched", "CMTRT")]);
    assert!(touched.body.contains("It must be filled: Drugs."), "{}", touched.body);
    let order =
        client.post_part(&check, &[("CMSTDAT", "7 Mar 2024"), ("CMENDAT", "2024-01-02"), ("CMONGO", "N")]);
    assert!(order.body.contains("The therapy cannot end before it began."), "{}", order.body);
    assert!(order.body.contains("Read as 7 Mar 2024."));
    // Only the places beside the controls come back: whoever types goes on typing.
    assert!(!order.body.contains("<input") && !order.body.contains("<select"), "{}", order.body);
    let ongoing = client.post_part(&check, &[("CMONGO", "Y")]);
    let around = |body: &str, name: &str| {
        let (_, rest) = body.split_once(&format!("id=\"m-{name}\"")).unwrap();
        rest.split_once("</div>").unwrap().0.to_owned()
    };
    assert!(around(&ongoing.body, "CMENDAT").contains("not-asked"), "{}", ongoing.body);
    assert!(!around(&order.body, "CMENDAT").contains("not-asked"));
}

#[test]
fn a_row_more_or_less_works_with_and_without_script() {
    let running = screened();
    let client = running.as_user("coordinator");
    let address = running.form("tumour@SCREENING");
    let typed = [("TRDAT", "2026-01-10"), ("LESIONS.0.TULNKID", "T1"), ("LESIONS.3.TULNKID", "T2")];
    let row = client.post_part(&format!("{address}/row"), &[&typed[..], &[("_add", "LESIONS")]].concat());
    assert_eq!(row.status, 200, "{}", row.body);
    assert!(
        row.body.starts_with("<tbody")
            && row.body.contains("LESIONS.4.TULNKID")
            && !row.body.contains("LESIONS.3.")
    );
    let page = client.post(&address, &[&typed[..], &[("_add", "LESIONS")]].concat());
    assert_eq!(page.status, 200);
    assert!(still_typed(&page, "LESIONS.3.TULNKID", "T2") && still_typed(&page, "LESIONS.4.TULNKID", ""));
    let less = client.post(&address, &[&typed[..], &[("_remove", "LESIONS.0")]].concat());
    assert!(!less.body.contains("LESIONS.0.TULNKID") && still_typed(&less, "LESIONS.3.TULNKID", "T2"));
    assert!(running.stands("tumour@SCREENING").is_none());
}

#[test]
pub(crate) fn what_was_typed_and_not_saved_is_offered_again() {
    let running = screened();
    let client = running.as_user("coordinator");
    let address = running.form("demography@SCREENING");
    let kept =
        client.post_part(&format!("{address}/draft"), &[("_seen", "0"), ("BRTHYY", "19x"), ("SEX", "F")]);
    assert!(kept.status == 200 && kept.says("Draft kept at"), "{}", kept.body);
    assert!(client.get(&address).says("and did not save it"));
    assert!(
        !running.as_user("investigator").get(&address).says("did not save it"),
        "a draft is its writer's alone"
    );
    let restored = client.get(&format!("{address}?draft=restore"));
    assert!(still_typed(&restored, "BRTHYY", "19x"), "{}", restored.body);
    assert!(running.stands("demography@SCREENING").is_none(), "a draft is no assertion");
    taken(&client.post(&format!("{address}/draft/drop"), &[]));
    assert!(!client.get(&address).says("did not save it"));
    client.post_part(&format!("{address}/draft"), &[("_seen", "0"), ("BRTHYY", "1961")]);
    taken(&save(&client, &address, &DEMOGRAPHY));
    assert!(!client.get(&address).says("did not save it"), "saving a form ends its draft");
}

#[test]
pub(crate) fn a_locked_form_is_read_and_what_was_typed_meanwhile_is_shown() {
    let running = screened();
    let client = running.as_user("coordinator");
    let address = running.form("consent@SCREENING");
    taken(&save(&client, &address, &CONSENT));
    let (_, seen) = running.stands("consent@SCREENING").unwrap();
    let instance = Instance { form: "consent".into(), visit: Some("SCREENING".into()), occurrence: 1 };
    let manager = Actor::new("manager", Role::DataManager);
    beside(
        &running,
        Action::now(&manager, Deed::Lock { instance, locked: true }).at("01").of(running.subject.as_str()),
    );
    let page = client.get(&address);
    assert!(page.says("Locked by manager") && !page.body.contains("name=\"RFICDAT\""), "{}", page.words());
    let seen = seen.to_string();
    let reply = client
        .post(&address, &[("_seen", &seen), ("_reason", "r"), ("RFICDAT", "2026-01-13"), ("RFICYN", "Y")]);
    assert_eq!(reply.status, 403);
    assert!(
        reply.says("The form is locked") && still_typed(&reply, "RFICDAT", "2026-01-13"),
        "{}",
        reply.words()
    );
}

#[test]
fn what_is_only_unusual_is_saved_and_asked_about() {
    let running = screened();
    let client = running.as_user("coordinator");
    taken(&save(&client, &running.form("consent@SCREENING"), &CONSENT));
    let firstline = [
        ("CMTRT", "Letrozole and ribociclib"),
        ("LINE", "1"),
        ("ETCLASS", "AI"),
        ("CDKYN", "Y"),
        ("CDKTRT", "RIBOCICLIB"),
        ("CMSTDAT", "2024-02"),
        ("CMONGO", "Y"),
        ("BESTRESP", "PR"),
        ("RESPTHRU", "2026-01-20"),
    ];
    let reply = save(&client, &running.form("firstline@SCREENING"), &firstline);
    taken(&reply);
    let page = client.follow(&reply);
    assert!(page.says("was asked as a query") && page.says("is it not the progression?"), "{}", page.words());
    let again = client.get(&running.form("firstline@SCREENING"));
    assert!(again.says("1 open query"), "{}", again.words());
}

/// Such a subject, for tests that only read it.
fn shared_randomised() -> Case {
    static SHARED: Mutex<Option<(String, String)>> = Mutex::new(None);
    let running = office();
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = shared.as_ref().filter(|(address, _)| *address == running.address);
    let subject = match known {
        Some((_, subject)) => subject.clone(),
        None => randomised().subject,
    };
    *shared = Some((running.address.clone(), subject.clone()));
    Case { running, subject }
}

/// A subject of arm A at site 01 with two targets and a non-target at baseline.
fn randomised() -> Case {
    // Held, so that every try is in the same trial.
    let _held = office();
    for _ in 0..20 {
        let running = screened();
        let client = running.as_user("coordinator");
        let enter = |name: &str, fields: &[(&str, &str)]| taken(&save(&client, &running.form(name), fields));
        enter("consent@SCREENING", &CONSENT);
        enter("demography@SCREENING", &DEMOGRAPHY);
        enter("history@SCREENING", &HISTORY);
        enter(
            "firstline@SCREENING",
            &[
                ("CMTRT", "Letrozole and ribociclib"),
                ("LINE", "1"),
                ("ETCLASS", "AI"),
                ("CDKYN", "Y"),
                ("CDKTRT", "RIBOCICLIB"),
                ("CMSTDAT", "2024-02"),
                ("CMONGO", "Y"),
                ("BESTRESP", "PR"),
                ("RESPTHRU", "2025-10-02"),
            ],
        );
        enter("ecog@SCREENING", &[("QSDAT", "2026-01-12"), ("ECOG", "1")]);
        enter(
            "tumour@SCREENING",
            &[
                ("TRDAT", "2026-01-10"),
                ("LESIONS.0.TULNKID", "T1"),
                ("LESIONS.0.TUORRES", "TARGET"),
                ("LESIONS.0.TULOC", "LIVER"),
                ("LESIONS.0.DIAMETER", "24"),
                ("LESIONS.0.OPD", "Y"),
                ("LESIONS.0.AMENABLE", "Y"),
                ("LESIONS.0.PRIORRT", "N"),
                ("LESIONS.1.TULNKID", "T2"),
                ("LESIONS.1.TUORRES", "TARGET"),
                ("LESIONS.1.TULOC", "LUNG"),
                ("LESIONS.1.DIAMETER", "16"),
                ("LESIONS.2.TULNKID", "N1"),
                ("LESIONS.2.TUORRES", "NON-TARGET"),
                ("LESIONS.2.TULOC", "BONE"),
                ("LESIONS.2.TUMSTATE", "PRESENT"),
            ],
        );
        let investigator = Actor::new("investigator", Role::Investigator);
        let date = jiff::civil::date(2026, 1, 19);
        let action =
            Action::now(&investigator, Deed::Randomise { date }).at("01").of(running.subject.as_str());
        if beside(&running, action).allocation.unwrap().0.as_str() == "A" {
            return running;
        }
    }
    panic!("blocks of 4 and 6 give arm A within 20");
}

const FOLLOW_UP: [(&str, &str); 12] = [
    ("TRDAT", "13.4.2026"),
    ("LESIONS.0.TULNKID", "T1"),
    ("LESIONS.0.TUORRES", "TARGET"),
    ("LESIONS.0.TULOC", "LIVER"),
    ("LESIONS.0.DIAMETER", "33"),
    ("LESIONS.1.TULNKID", "T2"),
    ("LESIONS.1.TUORRES", "TARGET"),
    ("LESIONS.1.TULOC", "LUNG"),
    ("LESIONS.1.DIAMETER", "16"),
    ("LESIONS.2.TULNKID", "N1"),
    ("LESIONS.2.TUORRES", "NON-TARGET"),
    ("LESIONS.2.TULOC", "BONE"),
];

#[test]
fn a_tumour_assessment_shows_at_once_what_it_means_and_what_must_follow() {
    let running = randomised();
    let client = running.as_user("coordinator");
    let address = running.form("tumour@W12");
    // The lesions that are followed stand there, with what was seen before beside each.
    let page = client.get(&address);
    for lesion in ["T1", "T2", "N1"] {
        assert!(page.fields().iter().any(|(_, value)| value == lesion), "{lesion}: {}", page.body);
    }
    assert!(page.says("24 mm on 10 Jan 2026") && page.says("16 mm on 10 Jan 2026"), "{}", page.words());
    // 40 mm before, 49 mm now: +22.5 % and 9 mm over the nadir is progression (Eisenhauer 2009, 4.3.1); T1 alone grew by 9 mm.
    let mut typed = FOLLOW_UP.to_vec();
    typed.push(("LESIONS.2.TUMSTATE", "PRESENT"));
    let panel = client.post_part(&format!("{address}/check"), &typed);
    for says in [
        "49 mm",
        "+22.5 %",
        "Overall: PD",
        "Target: PD",
        "Oligoprogression",
        "1 lesion progresses",
        "Pending on the progression of 13 Apr 2026",
    ] {
        assert!(panel.says(says), "{says}: {}", panel.words());
    }
    assert!(running.record().assessments.len() == 1, "nothing is recorded while one types");
    let values =
        typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<Vec<_>>();
    let reading = running.reading();
    let tumour = reading.history.current().forms.iter().find(|form| form.id == "tumour").unwrap();
    let entry = trial::form::entry::read(tumour, &values);
    let instance = Instance { form: "tumour".into(), visit: Some("W12".into()), occurrence: 1 };
    let today = jiff::ZonedDateTime::now().date();
    let meant = of_draft(&reading.history, &running.record(), &instance, &entry.values, today).unwrap();
    for says in &meant.says {
        assert!(panel.says(&as_shown(says)), "{says}: {}", panel.words());
    }
    let reply = save(&client, &address, &typed);
    taken(&reply);
    let saved = client.follow(&reply);
    assert!(saved.says("What this assessment shows") && saved.says("Overall: PD"), "{}", saved.words());
    // What must follow has its links, and the decision knows its progression.
    let decide = saved.links().into_iter().find(|link| link.contains("add/decision")).unwrap();
    let decision = client.follow(&client.get(&decide));
    assert_eq!(decision.field("PROGDAT").as_deref(), Some("2026-04-13"));
    // SABR begins with the lesion that waits for it.
    let sabr = client.get(&running.form("sabr"));
    assert_eq!(sabr.field("LESIONS.0.TULNKID").as_deref(), Some("T1"));
}

#[test]
fn the_dose_of_sabr_is_worked_out_as_it_is_typed() {
    let running = shared_randomised();
    let client = running.as_user("oncologist");
    let typed = [
        ("PRSTDAT", "2026-02-02"),
        ("LESIONS.0.TULNKID", "T1"),
        ("LESIONS.0.PRDOSFRX", "12"),
        ("LESIONS.0.PRNFRX", "2"),
    ];
    let panel = client.post_part(&format!("{}/check", running.form("sabr")), &typed);
    // 2 x 12 Gy at alpha/beta 10: 24 (1 + 1.2) = 52.8; EQD2 52.8 / 1.2 = 44; at 3: 24 (1 + 4) = 120.
    assert!(cells(&panel).contains("T1 | 24.0 | 52.8 | 44.0 | 120.0"), "{}", panel.words());
    assert!(panel.says("in use"));
    let other = client.post_part(
        &format!("{}/check", running.form("sabr")),
        &[typed[1], ("LESIONS.0.PRDOSFRX", "9"), ("LESIONS.0.PRNFRX", "3")],
    );
    assert!(other.says("not one of the protocol"), "{}", other.words());
}

#[test]
fn a_term_is_found_by_what_it_is_called_and_brings_its_grades() {
    let running = screened();
    let client = running.as_user("coordinator");
    let address = running.form("ae");
    let found = client.part(&format!("{address}/terms?_find=hair+loss"));
    // CTCAE v5.0, grade 1 of alopecia.
    assert!(found.says("Alopecia") && found.says("Hair loss of"), "{}", found.words());
    let code =
        found.body.split("name=\"_term\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let chosen = client.post_part(&format!("{address}/term"), &[("_term", &code), ("AESTDAT", "2026-01")]);
    assert!(
        chosen.body.contains("value=\"Alopecia\"")
            && chosen.body.contains("Skin and subcutaneous tissue disorders")
    );
    // Alopecia has grades 1 and 2 only.
    assert!(chosen.says("not defined for this term"), "{}", chosen.words());
    let page = client.post(&address, &[("_term", &code), ("AESTDAT", "2026-01")]);
    assert!(
        still_typed(&page, "AETERM", "Alopecia") && still_typed(&page, "AESTDAT", "2026-01"),
        "without script too"
    );
    let typo = client.part(&format!("{address}/terms?_find=alopesia"));
    assert!(typo.says("Alopecia") && typo.says("spelling corrected"), "{}", typo.words());
    assert!(client.part(&format!("{address}/terms?_find=qqqq")).says("No term of CTCAE"));
}

#[test]
fn fact_b_is_scored_after_it_was_saved() {
    let running = screened();
    let client = running.as_user("coordinator");
    let mut answers: Vec<(&str, &str)> = trial::factb::ITEMS.iter().map(|item| (*item, "2")).collect();
    answers.push(("QSDAT", "2026-01-12"));
    let reply = save(&client, &running.form("factb@SCREENING"), &answers);
    taken(&reply);
    // Every item scores 2, reversed or not: 7, 7, 6, 7 and 10 items.
    let page = client.follow(&reply);
    for says in [
        "Physical well-being | 14 | 28",
        "Emotional well-being | 12 | 24",
        "Breast cancer subscale | 20 | 40",
        "FACT-B total | 74 | 148",
    ] {
        assert!(cells(&page).contains(says), "{says}: {}", page.words());
    }
}

#[test]
fn the_ecog_scale_is_in_words() {
    let running = screened();
    let page = running.as_user("coordinator").get(&running.form("ecog@SCREENING"));
    assert!(page.says("Fully active"), "{}", page.words());
}

#[test]
fn every_saved_form_of_the_virtual_trial_opens_and_is_saved_again_unchanged() {
    let running = demo();
    let mut seen = 0;
    let head = running.reading().head.count;
    for record in running.reading().records(|record| record).unwrap().0 {
        let user = if record.site.as_str() == "01" { "coordinator" } else { "elsewhere" };
        let client = running.as_user(user);
        for form in record.forms.iter().take(12) {
            let visit = form.instance.visit.as_ref().map(|visit| format!("@{visit}")).unwrap_or_default();
            let n = if form.instance.occurrence == 1 {
                String::new()
            } else {
                format!(".{}", form.instance.occurrence)
            };
            let address = form_of(
                &record.subject.as_str().replace('/', "%2F"),
                &format!("{}{visit}{n}", form.instance.form),
            );
            let page = client.get(&address);
            assert_eq!(page.status, 200, "{address}: {}", page.words());
            let reading = running.reading();
            let definition =
                reading.history.current().forms.iter().find(|known| known.id == form.instance.form).unwrap();
            let fields = trial::form::entry::fields(definition, &form.values);
            if page.field("_seen").is_none() {
                assert!(page.says("The form is locked"), "{address}: {}", page.words());
                continue;
            }
            for (name, text) in &fields {
                assert!(still_typed(&page, name, text), "{address}: {name} {text}");
            }
            let sent: Vec<(&str, &str)> =
                fields.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
            taken(&save(&client, &address, &sent));
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
    assert_eq!(running.reading().head.count, head, "nothing was recorded");
}

#[test]
fn visits_are_listed_by_what_is_due_and_only_of_ones_own_site() {
    let running = shared_randomised();
    let subject = running.subject.clone();
    let client = running.as_user("coordinator");
    // Long after the last window: week 12 is overdue or missed, something is due or overdue.
    let page = client.get("/t/one/visits");
    assert_eq!(page.status, 200);
    assert!(page.says(&subject), "{}", page.words());
    assert!(
        page.links().iter().any(|link| link.contains(&format!("{subject}/forms/"))),
        "{:?}",
        page.links()
    );
    assert!(
        !running.as_user("elsewhere").get("/t/one/visits").says(&subject),
        "another site sees none of it"
    );
    let monitor = running.as_user("monitor").get("/t/one/visits");
    assert!(
        monitor.says(&subject) && !monitor.links().iter().any(|link| link.contains("/forms/")),
        "{:?}",
        monitor.links()
    );
    assert_eq!(client.get("/t/one/visits?view=month").status, 200);
    let month = client.get("/t/one/visits?view=month&month=2026-13");
    assert!(month.status == 400 && month.says("is no month"), "{}", month.words());
    let own = client.get(&format!("/t/one/subjects/{subject}/calendar"));
    // Randomised on 19 January 2026: week 12 is 84 days later, 7 days either side.
    assert!(cells(&own).contains("Week 12 | 13 Apr 2026 | 6 Apr 2026 to 20 Apr 2026"), "{}", own.words());
}

#[test]
fn a_new_tumour_assessment_reads_like_this() {
    let running = shared_randomised();
    let page = running.as_user("coordinator").get(&running.form("tumour@W12"));
    let words = page.words().replace(&running.subject, "01-001");
    insta::assert_snapshot!(words);
}

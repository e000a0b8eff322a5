//! A subject's page: what it says is what the ledger holds, every mark leads to a page, and who may see it.

use office::{Action, Actor, Deed};
use rstest::rstest;
use serde_json::json;
use trial::derive::derive;
use trial::event::{Instance, Role};
use trial::record::{Finding, LesionRole, Record};
use trial::strategy::{Status, Verdict};

use crate::scaffold::{Reply, Running, demo, empty};

fn page_of(subject: &str) -> String {
    format!("/t/one/subjects/{}", subject.replace('/', "%2F"))
}

fn records(running: &Running) -> Vec<Record> {
    running.reading().records(|record| record).unwrap().0
}

fn open(running: &Running, record: &Record) -> Reply {
    let reply = running.as_user("office").get(&page_of(record.subject.as_str()));
    assert_eq!(reply.status, 200, "{}", reply.words());
    reply
}

/// To a tenth, without a zero behind the point.
fn tenth(value: f64) -> String {
    format!("{}", (value * 10.0).round() / 10.0)
}

fn day(date: jiff::civil::Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

#[test]
fn every_page_says_what_was_recorded() {
    let running = demo();
    for record in records(&running) {
        let page = open(&running, &record);
        // A cell ends and begins with a bar.
        let words = page.words().replace("| |", "|");
        for course in &record.sabr {
            for dose in &course.lesions {
                // The linear-quadratic model, alpha/beta 10 Gy: written out here, not taken from the crate.
                let (n, d) = (f64::from(dose.fractions), dose.fraction_gy);
                let (total, bed, eqd2) = (n * d, n * d * (1.0 + d / 10.0), n * d * (1.0 + d / 10.0) / 1.2);
                let row = format!(
                    "{} | {} Gy × {} | {} | {} | {}",
                    dose.lesion,
                    tenth(d),
                    dose.fractions,
                    tenth(total),
                    tenth(bed),
                    tenth(eqd2)
                );
                assert!(words.contains(&row), "{}: {row}\n{words}", record.subject);
            }
        }
        for event in &record.adverse_events {
            assert!(
                words.to_lowercase().contains(&event.term.to_lowercase()),
                "{}: {}",
                record.subject,
                event.term
            );
        }
        for line in &record.lines {
            assert!(words.contains(&line.treatment), "{}: {}", record.subject, line.treatment);
        }
        for answers in &record.factb {
            assert!(words.contains(&day(answers.date)), "{}: {}", record.subject, answers.date);
        }
    }
}

/// The sums, from the diameters as they were entered.
#[test]
fn every_sum_is_that_of_the_diameters_entered() {
    let running = demo();
    let mut compared = 0;
    for record in records(&running).iter().filter(|record| record.randomised.is_some()) {
        let words = open(&running, record).words();
        let start = record.randomised.as_ref().unwrap().value.date;
        let baseline = record.assessments.iter().rposition(|one| one.date <= start).unwrap();
        for assessment in &record.assessments[baseline..] {
            let targets = assessment.readings.iter().filter(|reading| reading.role == LesionRole::Target);
            let sizes: Option<Vec<f64>> = targets
                .map(|reading| match reading.finding {
                    Finding::Measured(size) => Some(size),
                    Finding::Absent => Some(0.0),
                    _ => None,
                })
                .collect();
            let Some(sizes) = sizes.filter(|sizes| !sizes.is_empty()) else { continue };
            let sum = tenth(sizes.iter().sum());
            let day = day(assessment.date);
            let row = words.lines().skip_while(|line| !line.starts_with("Sum of target diameters"));
            let said = row.skip_while(|line| !line.starts_with(&format!("{day}, day")) && **line != *day);
            let said: Vec<&str> = said.take(3).collect();
            assert!(said.join(" ").contains(&sum), "{} {day}: {sum} mm\n{said:?}", record.subject);
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn the_strategy_is_told_with_its_history() {
    let running = demo();
    let reading = running.reading();
    let mut told = 0;
    for record in records(&running) {
        let Some(course) = derive(&reading.history, &record, None).strategy else { continue };
        let words = open(&running, &record).words();
        for episode in &course.episodes {
            let verdict = match episode.verdict {
                Verdict::Held => "held",
                Verdict::Failed => "failed",
                Verdict::Pending => "pending",
            };
            assert!(words.contains(&day(episode.progression.date)) && words.contains(verdict), "{words}");
            told += 1;
        }
        if let Status::Failed { on, .. } = course.status {
            assert!(words.contains(&format!("The strategy failed on {}", day(on))), "{words}");
        }
    }
    assert!(told > 0, "the trial has progressions");
}

#[test]
fn every_link_leads_to_a_page() {
    let running = demo();
    let office = running.as_user("office");
    let mut seen = std::collections::BTreeSet::new();
    for record in records(&running).iter().take(3) {
        let page = open(&running, record);
        for link in page.links() {
            let to = link.split('#').next().unwrap_or_default().to_owned();
            if to.starts_with("/t/one/") && seen.insert(to.clone()) {
                let reply = office.get(&to);
                assert_eq!(reply.status, 200, "{to}: {}", reply.words());
            }
            if let Some(anchor) = link.strip_prefix('#') {
                assert!(page.body.contains(&format!("id=\"{anchor}\"")), "#{anchor}");
            }
        }
    }
    assert!(seen.len() > 30);
}

#[rstest]
#[case("coordinator", "01", 200)]
#[case("oncologist", "01", 200)]
#[case("monitor", "01", 200)]
#[case("elsewhere", "02", 200)]
#[case("coordinator", "02", 404)]
#[case("elsewhere", "01", 404)]
#[case("committee", "01", 403)]
#[case("stranger", "01", 404)]
fn a_page_opens_at_ones_site(#[case] user: &str, #[case] site: &str, #[case] status: u16) {
    let running = demo();
    let record = records(&running).into_iter().find(|record| record.site.as_str() == site).unwrap();
    let reply = running.as_user(user).get(&page_of(record.subject.as_str()));
    assert_eq!(reply.status, status);
    assert_eq!(reply.says("Treatment strategy"), status == 200);
    // Who may not enter data gets no link to enter any.
    assert_eq!(
        reply.says("Add an adverse event"),
        status == 200 && matches!(user, "coordinator" | "elsewhere")
    );
    assert_eq!(reply.says("Add a course"), status == 200 && user != "monitor");
}

#[test]
fn the_body_map_shows_the_assessment_that_was_chosen() {
    let running = demo();
    let record = records(&running).into_iter().max_by_key(|record| record.assessments.len()).unwrap();
    let office = running.as_user("office");
    let page = page_of(record.subject.as_str());
    let (first, last) = (&record.assessments[0], record.assessments.last().unwrap());
    let shown = |query: &str| office.get(&format!("{page}{query}"));
    assert!(shown("").says(&format!("Assessment of {}", day(last.date))));
    assert!(shown(&format!("?at={}", first.event)).says(&format!("Assessment of {}", day(first.date))));
    for nonsense in ["?at=0", "?at=x", "?at=99999999999999999999"] {
        assert!(shown(nonsense).says(&format!("Assessment of {}", day(last.date))), "{nonsense}");
    }
}

#[test]
fn a_page_carries_no_inline_style_or_script() {
    let running = demo();
    for record in records(&running) {
        let body = open(&running, &record).body;
        for forbidden in [" style=\"", "<style", " onclick", "javascript:", "<script>"] {
            assert!(!body.contains(forbidden), "{}: {forbidden}", record.subject);
        }
    }
}

#[test]
fn a_subject_just_screened_has_a_page_that_says_what_to_do() {
    let running = empty();
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    running.submit(vec![Action::now(&who, Deed::Screen).at("01").of("01-001")]);
    let page = running.as_user("coordinator").get("/t/one/subjects/01-001");
    assert_eq!(page.status, 200);
    for words in [
        "Screening",
        "No tumour assessment yet",
        "It begins with randomisation.",
        "Informed consent",
        "No course recorded.",
    ] {
        assert!(page.says(words), "{words}\n{}", page.words());
    }
    assert!(!page.says("Endpoints as they stand"));
}

#[test]
fn what_was_entered_is_shown_as_text() {
    let running = empty();
    let who = Actor::new("coordinator", Role::SiteCoordinator);
    let therapy = Instance { form: "systemic".into(), visit: None, occurrence: 1 };
    let values =
        json!({ "CMTRT": "<img src=x onerror=alert(1)>", "CMREAS": "BASELINE", "CMSTDAT": "2025-11" });
    let values = values.as_object().unwrap().clone();
    let at = |deed| Action::now(&who, deed).at("01").of("01-001");
    running.submit(vec![at(Deed::Screen), at(Deed::Save { instance: therapy, values })]);
    let page = running.as_user("coordinator").get("/t/one/subjects/01-001");
    assert!(page.body.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(!page.body.contains("<img"));
    assert!(page.says("Nov 2025"));
}

/// What a reader sees of treatment and outcome of one subject that the trial made; nothing in it depends on today.
#[test]
fn treatment_and_outcome_read_well() {
    let running = demo();
    let reading = running.reading();
    let record = records(&running)
        .into_iter()
        .max_by_key(|record| {
            let derived = derive(&reading.history, record, None);
            let episodes = derived.strategy.map_or(0, |course| course.episodes.len());
            (record.death.is_some(), episodes, record.sabr.len())
        })
        .unwrap();
    let words = open(&running, &record).words();
    let (_, rest) = words.split_once("\nSum of target diameters and response\n").unwrap();
    let (read, _) = rest.split_once("\nAdverse events\n").unwrap_or((rest, ""));
    insta::assert_snapshot!("treatment", read);
}

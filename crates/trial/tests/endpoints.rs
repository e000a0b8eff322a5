//! Time-to-event endpoints (rules.md, 'Time-to-event endpoints'), told as stories: a history, then `=` lines with what
//! each endpoint must say. A `!` line switches rules.

// A test that cannot be set up has failed.
#![allow(clippy::unwrap_used)]

mod story;

use std::fmt::Write;

use proptest::prelude::*;
use rstest::rstest;
use story::{name_of, record};
use trial::derive::{Derived, derive};
use trial::endpoint::{Outcome, TimeToEvent, effective_rules, time_to};
use trial::protocol::{Endpoint, EndpointRules, EventCause, OtherTherapy, Pending, ProtocolHistory};
use trial::record::Record;

fn rules(words: &str) -> EndpointRules {
    let mut rules = EndpointRules::default();
    for word in words.split_whitespace() {
        match word {
            "pending=censor" => rules.pending = Some(Pending::Censor),
            "pending=event" => rules.pending = Some(Pending::Event),
            "other=hypothetical" => rules.other_therapy = Some(OtherTherapy::Hypothetical),
            "other=policy" => rules.other_therapy = Some(OtherTherapy::TreatmentPolicy),
            "deviation=hypothetical" => rules.deviation_sabr = Some(OtherTherapy::Hypothetical),
            word => {
                let missed = word.strip_prefix("missed=").unwrap_or_else(|| panic!("{word:?} is no rule"));
                rules.censor_after_missed = Some(missed.parse().unwrap());
            }
        }
    }
    rules
}

fn endpoint<'a>(history: &'a ProtocolHistory, id: &str) -> &'a Endpoint {
    history.current().endpoints.iter().find(|endpoint| endpoint.id == id).unwrap()
}

fn told(found: Option<&TimeToEvent>) -> String {
    let Some(found) = found else { return "none".into() };
    match &found.outcome {
        Outcome::Event { on, cause } => {
            let cause = match cause {
                EventCause::StrategyFailure => "strategy failure",
                EventCause::Progression => "progression",
                EventCause::NextLineProgression => "progression on the next line",
                EventCause::Death => "death",
            };
            format!("{} {cause}", name_of(*on))
        }
        Outcome::Censored { on, because } => format!("{}+ {}", name_of(*on), because.words()),
    }
}

struct Story {
    history: ProtocolHistory,
    record: Record,
    derived: Derived,
    switched: EndpointRules,
}

impl Story {
    fn new(arm: &str, text: &str) -> Self {
        let lines = |keep: &dyn Fn(char) -> bool| -> String {
            let kept = text.lines().map(str::trim).filter(|line| line.starts_with(keep));
            kept.fold(String::new(), |all, line| all + line + "\n")
        };
        let mut record = record(arm, &lines(&|c| !"=!|".contains(c)));
        let cut = text.lines().find_map(|line| line.trim().strip_prefix("| cut ")).map(story::day);
        if let Some(cut) = cut {
            record = record.cut_at(cut);
        }
        let history = story::history();
        let derived = derive(&history, &record, cut);
        let switched = rules(&lines(&|c| c == '!').replace('!', " "));
        Self { history, record, derived, switched }
    }

    fn time(&self, id: &str) -> Option<TimeToEvent> {
        let endpoint = endpoint(&self.history, id);
        let rules = effective_rules(endpoint, &self.switched);
        time_to(self.history.current(), endpoint, &rules, &self.record, &self.derived)
    }
}

fn check(arm: &str, text: &str) {
    let story = Story::new(arm, text);
    let mut got = String::new();
    let mut want = String::new();
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("= ")) {
        let (id, expected) = line.split_once(' ').unwrap();
        let found = story.time(id);
        writeln!(want, "{id} {expected}").unwrap();
        writeln!(got, "{id} {}", told(found.as_ref())).unwrap();
        if let Some(found) = found {
            assert!(found.days() >= 1, "{id} counts its origin as day 1");
            assert!(!found.why.is_empty() && found.rule.starts_with(id), "{id} explains itself: {found:?}");
            assert!(found.events.iter().all(|event| *event > 0));
        }
    }
    assert!(!want.is_empty());
    assert_eq!(got, want, "{text}");
}

#[rstest]
// rules.md, PFS: 'first PD (RECIST or clinical), death | first of them'.
#[case(
    "B",
    "d0 T1 30
             d84 T1 40
             death d300
             = PFS d84 progression
             = OS d300 death"
)]
#[case(
    "B",
    "d0 T1 30
             clinical d60
             d84 T1 40
             = PFS d60 progression
             = TSF d60 strategy failure"
)]
#[case(
    "B",
    "d0 T1 30
             d84 T1 30
             death d100
             = PFS d100 death
             = TSF d100 death
             = PFS2 d100 death
             = 2NDPFS none"
)]
// 'Censored at: last adequate tumour assessment'; one that is not evaluable is not adequate.
#[case(
    "A",
    "d0 T1 30
             d84 T1 30
             d168 T1 ne
             contact d200
             = PFS d84+ last adequate tumour assessment
             = TSF d84+ last adequate tumour assessment
             = PFS2 d200+ last contact
             = OS d200+ last known alive"
)]
// 'When no event: no post-baseline assessment: randomisation (day 1)'.
#[case(
    "A",
    "d0 T1 30
             contact d50
             = PFS d0+ no adequate assessment after the origin
             = TSF d0+ no adequate assessment after the origin
             = OS d50+ last known alive"
)]
#[case(
    "A",
    "contact d50
             = PFS d0+ no adequate assessment after the origin"
)]
// A subject without any assessment who died had the event.
#[case(
    "A",
    "death d50
             = PFS d50 death
             = TSF d50 death
             = OS d50 death"
)]
// PFS counts the first progression though the strategy held through it (trial.md, 'What the trial measures').
#[case(
    "A",
    "d0 T1 30
             d84 T1 40
             sabr d90-d95 T1 12x2
             d168 T1 30
             = PFS d84 progression
             = TSF d168+ last adequate tumour assessment"
)]
#[case(
    "A",
    "d0 T1 30
             d84 T1 40
             sabr d90-d95 T1 12x2
             d168 T1 30
             d252 T1 30 N1 new N2 new N3 new N4 new N5 new N6 new
             = PFS d84 progression
             = TSF d252 strategy failure"
)]
// After a salvage only an assessment that could show a further progression is adequate.
#[case(
    "A",
    "d0 T1 30 T2 20
             d84 T1 60 T2 20
             sabr d90-d95 T1 12x2
             d168 T1 60 T2 20
             d252 T1 70 T2 ne
             = TSF d168+ last adequate tumour assessment"
)]
// An equivocal new lesion: no progression, then dated back.
#[case(
    "A",
    "d0 T1 30
             d84 T1 30 N1 equivocal
             = PFS d84+ last adequate tumour assessment"
)]
#[case(
    "B",
    "d0 T1 30
             d84 T1 30 N1 equivocal
             d168 T1 30 N1 new
             = PFS d84 progression
             = TSF d84 strategy failure"
)]
// TSF, 'earlier of the two dates counts': the change of therapy before the scan that shows why.
#[case(
    "A",
    "d0 T1 30
             line d60 PROGRESSION fulvestrant
             d84 T1 40
             = TSF d60 strategy failure
             = PFS d84 progression"
)]
#[case(
    "A",
    "d0 T1 30
             d84 T1 40
             line d88 PROGRESSION fulvestrant
             = TSF d84 strategy failure"
)]
// 'A change of drug for toxicity alone fails no strategy', and is no next line.
#[case(
    "A",
    "d0 T1 30
             line d60 TOXICITY ribociclib
             d84 T1 30
             d168 T1 40
             = TSF d168 strategy failure
             = PFS2 d168+ last contact"
)]
// Decision pending: 'the main analysis counts it as failure on the progression date (a sensitivity analysis censors it)'.
#[case(
    "A",
    "d0 T1 30
             d84 T1 40
             d168 T1 50
             = TSF d84 strategy failure"
)]
#[case(
    "A",
    "! pending=censor
             d0 T1 30
             d84 T1 40
             d168 T1 50
             = TSF d84+ strategy decision pending
             = 2NDPFS none"
)]
// Death while it is pending: the salvage was never completed, so the progression failed the strategy.
#[case(
    "A",
    "! pending=censor
             d0 T1 30
             d84 T1 40
             death d100
             = TSF d84 strategy failure"
)]
// 'also: withdrawal': at the last adequate assessment; what comes after was not seen, but survival was.
#[case(
    "A",
    "d0 T1 30
             d84 T1 30
             withdrawal d100
             d168 T1 60
             death d200
             = PFS d84+ withdrawal
             = TSF d84+ withdrawal
             = PFS2 d100+ withdrawal
             = 2NDPFS none
             = OS d200 death"
)]
#[case(
    "A",
    "d0 T1 30
             withdrawal d10
             = PFS d0+ withdrawal
             = OS d10+ last known alive"
)]
// An event on the day of the withdrawal was seen.
#[case(
    "B",
    "d0 T1 30
             d84 T1 40
             withdrawal d84
             = PFS d84 progression
             = TSF d84 strategy failure"
)]
// Progression and death on one day: the progression is the cause.
#[case(
    "B",
    "d0 T1 30
             clinical d84
             death d84
             = PFS d84 progression
             = OS d84 death"
)]
// PFS-2: 'PD after the start of the next systemic line; death'.
#[case(
    "B",
    "d0 T1 30
             d84 T1 40
             line d90 PROGRESSION capecitabine
             d168 T1 40
             d252 T1 50
             = PFS d84 progression
             = PFS2 d252 progression on the next line
             = 2NDPFS d252 progression on the next line"
)]
// The next line is judged against the last assessment before it: 47 is 17 % over 40.
#[case(
    "B",
    "d0 T1 30
             d84 T1 40
             line d90 PROGRESSION capecitabine
             d168 T1 47
             contact d190
             = PFS2 d190+ last contact
             = 2NDPFS d168+ last adequate tumour assessment"
)]
// ... also of a first change that is not for progression.
#[case(
    "B",
    "d0 T1 30
             line d30 OTHER capecitabine
             d84 T1 40
             = PFS d84 progression
             = PFS2 d84 progression on the next line"
)]
// A progression before the next line is not on it; death on it is.
#[case(
    "B",
    "d0 T1 30
             d84 T1 40
             d168 T1 60
             line d170 PROGRESSION capecitabine
             death d300
             = PFS2 d300 death
             = 2NDPFS d300 death"
)]
// What the arm gives at randomisation is no next line, nor is one of that day.
#[case(
    "B",
    "d0 T1 30
             line d0 PROGRESSION fulvestrant
             line d7 PROTOCOL fulvestrant
             d84 T1 40
             = PFS2 d84+ last contact"
)]
// 'No next line: as alive without PFS-2 at last contact.'
#[case(
    "B",
    "d0 T1 30
             d84 T1 40
             d168 T1 60
             contact d200
             = PFS2 d200+ last contact
             = 2NDPFS d168+ last adequate tumour assessment"
)]
// 2nd PFS: 'first, from the TSF date'; 'only subjects whose strategy failed, other than by death'.
#[case(
    "A",
    "d0 T1 30
             d84 T1 30
             = 2NDPFS none"
)]
#[case(
    "A",
    "d0 T1 30
             line d60 PROGRESSION fulvestrant
             d84 T1 40
             = TSF d60 strategy failure
             = 2NDPFS d84 progression on the next line"
)]
#[case(
    "B",
    "d0 T1 30
             d84 T1 40
             line d90 PROGRESSION capecitabine
             contact d100
             = 2NDPFS d84+ no adequate assessment after the origin"
)]
// Two or more missed assessments before the event: 'censor at the last adequate one'. d84 and d168 were missed.
#[case(
    "B",
    "! missed=2
             d0 T1 30
             d252 T1 40
             = PFS d0+ missed assessments before the event"
)]
#[case(
    "B",
    "d0 T1 30
             d252 T1 40
             = PFS d252 progression"
)] // no such rule
#[case(
    "B",
    "! missed=2
             d0 T1 30
             d84 T1 30
             d252 T1 40
             = PFS d252 progression"
)] // one missed
// A late assessment is the one it stands for, not a missed one.
#[case(
    "B",
    "! missed=1
             d0 T1 30
             d84 T1 30
             d190 T1 40
             = PFS d190 progression"
)]
// rules.md: 'two or more missed assessments': one made outside its window was early or late, and not missed. Only that of
// d168 was: that of d84 was made a day before its window,
#[case(
    "B",
    "! missed=2
             d0 T1 30
             d76 T1 30
             d252 T1 40
             = PFS d252 progression"
)]
// or that of d168 eight days after its own,
#[case(
    "B",
    "! missed=2
             d0 T1 30
             d184 T1 40
             = PFS d184 progression"
)]
// and with d84 and d168 missed, an early d252 changes nothing.
#[case(
    "B",
    "! missed=2
             d0 T1 30
             d236 T1 40
             = PFS d0+ missed assessments before the event"
)]
// One that cannot be evaluated was missed.
#[case(
    "B",
    "! missed=2
             d0 T1 30
             d84 T1 30
             d168 T1 ne
             d252 T1 ne
             d336 T1 40
             = PFS d84+ missed assessments before the event"
)]
// Death: both windows (to d91, to d175) closed before it, or only one.
#[case(
    "B",
    "! missed=2
             d0 T1 30
             death d176
             = PFS d0+ missed assessments before the event
             = OS d0+ missed assessments before the event"
)]
#[case(
    "B",
    "! missed=2
             d0 T1 30
             death d175
             = PFS d175 death"
)]
// A clinical progression is no visit: the two visits before it were missed.
#[case(
    "B",
    "! missed=2
             d0 T1 30
             clinical d180
             = PFS d0+ missed assessments before the event"
)]
// Start of other therapy: 'treatment policy: ignore; hypothetical: censor'.
#[case(
    "B",
    "! other=hypothetical
             d0 T1 30
             d84 T1 30
             line d100 OTHER capecitabine
             d168 T1 40
             = PFS d84+ other anti-cancer therapy"
)]
#[case(
    "B",
    "! other=policy
             d0 T1 30
             d84 T1 30
             line d100 OTHER capecitabine
             d168 T1 40
             = PFS d168 progression"
)]
#[case(
    "B",
    "! other=hypothetical
             d0 T1 30
             d84 T1 40
             line d84 PROGRESSION capecitabine
             = PFS d84 progression"
)] // not before it
#[case(
    "B",
    "! other=hypothetical
             d0 T1 30
             line d30 OTHER capecitabine
             = PFS d0+ other anti-cancer therapy"
)]
#[case(
    "B",
    "! other=hypothetical
             d0 T1 30
             line d30 TOXICITY ribociclib
             d84 T1 40
             = PFS d84 progression"
)]
#[case(
    "B",
    "! other=hypothetical
             d0 T1 30
             contact d60
             line d100 OTHER capecitabine
             death d300
             = OS d100+ other anti-cancer therapy"
)]
// 'SABR given in arm B is a protocol deviation: listed, and handled as the estimand says.'
#[case(
    "B",
    "! deviation=hypothetical
             d0 T1 30
             d84 T1 30
             sabr d100-d104 T1 12x2
             d168 T1 40
             = TSF d84+ SABR against the arm's strategy"
)]
#[case(
    "B",
    "d0 T1 30
             d84 T1 30
             sabr d100-d104 T1 12x2
             d168 T1 40
             = TSF d168 strategy failure"
)]
#[case(
    "A",
    "! deviation=hypothetical
             d0 T1 30
             sabr d2-d4 T1 12x2
             d84 T1 30
             = TSF d84+ last adequate tumour assessment"
)] // the strategy of arm A
// Of several rules the one that ends the time earliest decides.
#[case(
    "B",
    "! deviation=hypothetical other=hypothetical
             d0 T1 30
             d84 T1 30
             line d90 OTHER capecitabine
             d168 T1 30
             sabr d170-d174 T1 12x2
             d252 T1 40
             = PFS d84+ other anti-cancer therapy"
)]
#[case(
    "A",
    "! pending=censor other=hypothetical
             d0 T1 30
             d84 T1 30
             line d90 OTHER capecitabine
             d168 T1 40
             = TSF d84+ other anti-cancer therapy"
)]
// 'Data cut: nothing after the cut-off date is seen.'
#[case(
    "B",
    "| cut d167
             d0 T1 30
             d84 T1 30
             d168 T1 40
             death d200
             = PFS d84+ last adequate tumour assessment
             = OS d84+ last known alive"
)]
#[case(
    "B",
    "| cut d168
             d0 T1 30
             d84 T1 30
             d168 T1 40
             = PFS d168 progression"
)]
// OS: 'last known alive', a contact of any kind.
#[case(
    "A",
    "d0 T1 30
             sabr d10-d14 T1 12x2
             line d300 OTHER capecitabine
             = OS d300+ last known alive"
)]
fn endpoints(#[case] arm: &str, #[case] text: &str) {
    check(arm, text);
}

// Corners of trial.md and rules.md, each with every endpoint that it bears on.
#[rstest]
// Progression and death on one day: the progression is told, and nothing could still be salvaged.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\ndeath d84\n= TSF d84 strategy failure\n= PFS d84 progression\n= PFS2 d84 death\n= OS d84 death"
)]
#[case(
    "B",
    "d0 T1 30\nd84 T1 40\ndeath d84\n= TSF d84 strategy failure\n= PFS d84 progression\n= 2NDPFS d84 death"
)]
// Salvage completed on the 56th day, and on the 57th.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\nsabr d130-d140 T1 8x3\nd168 T1 40\n= TSF d168+ last adequate tumour assessment\n= PFS d84 progression"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\nsabr d130-d141 T1 8x3\nd168 T1 40\n= TSF d84 strategy failure"
)]
// A decision about a day that is no progression decides nothing: pending, which the main analysis counts.
#[case("A", "d0 T1 30\nd84 T1 40\ndecision d85 ABANDON d80\nd168 T1 40\n= TSF d84 strategy failure")]
#[case(
    "A",
    "! pending=censor\nd0 T1 30\nd84 T1 40\ndecision d85 ABANDON d80\nd168 T1 40\n= TSF d84+ strategy decision pending\n= 2NDPFS none"
)]
// SABR to another lesion is no salvage of this one.
#[case(
    "A",
    "d0 T1 30 T2 20\nd84 T1 40 T2 20\ndecision d85 CONTINUE d84\nsabr d90-d95 T2 12x2\nd168 T1 40 T2 20\n= TSF d84 strategy failure"
)]
// Regrowth of the treated lesion is a further progression: over its nadir since, and salvageable again.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 20\nd252 T1 26\nsabr d260-d262 T1 8x3\nd336 T1 20\n= TSF d336+ last adequate tumour assessment"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 20\nd252 T1 26\ndecision d253 ABANDON d252\n= TSF d252 strategy failure\n= PFS d84 progression"
)]
// A switch for toxicity on the day of the progression fails nothing, and is no next line.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nline d84 TOXICITY ribociclib\nsabr d90-d95 T1 12x2\nd168 T1 40\nclinical d200\n= TSF d200 strategy failure\n= PFS2 d200+ last contact"
)]
// Withdrawn while pending: an event for the main analysis, censored there by the other; what came later is not seen.
#[case(
    "A",
    "d0 T1 30\nd84 T1 40\nwithdrawal d100\ndeath d300\n= TSF d84 strategy failure\n= 2NDPFS d84+ withdrawal\n= PFS2 d100+ withdrawal\n= OS d300 death"
)]
#[case(
    "A",
    "! pending=censor\nd0 T1 30\nd84 T1 40\nwithdrawal d100\ndeath d300\n= TSF d84+ strategy decision pending"
)]
#[case(
    "A",
    "d0 T1 30\nd84 T1 30\nwithdrawal d100\nd168 T1 60\ndeath d300\n= TSF d84+ withdrawal\n= PFS d84+ withdrawal\n= OS d300 death"
)]
// SABR in arm B before its progression: ignored, or censored at the last adequate assessment before it.
#[case("B", "d0 T1 30\nsabr d30-d32 T1 12x2\nd84 T1 30\nd168 T1 40\n= TSF d168 strategy failure")]
#[case(
    "B",
    "! deviation=hypothetical\nd0 T1 30\nsabr d100-d102 T1 12x2\nd84 T1 30\nd168 T1 40\n= TSF d84+ SABR against the arm's strategy\n= PFS d84+ SABR against the arm's strategy"
)]
#[case(
    "A",
    "! deviation=hypothetical\nd0 T1 30\nsabr d100-d102 T1 12x2\nd84 T1 30\nd168 T1 40\n= PFS d168 progression"
)]
// The next line before any progression: it fails the strategy of arm A, and the progression on it is PFS-2 as well as PFS.
#[case(
    "A",
    "d0 T1 30\nline d60 PROGRESSION fulvestrant\nd84 T1 40\n= TSF d60 strategy failure\n= PFS d84 progression\n= PFS2 d84 progression on the next line\n= 2NDPFS d84 progression on the next line"
)]
// The same scan cannot be a progression on the line that it led to.
#[case(
    "B",
    "d0 T1 30\nd84 T1 40\nline d84 PROGRESSION fulvestrant\nd168 T1 44\nd252 T1 48\n= TSF d84 strategy failure\n= PFS2 d252 progression on the next line\n= 2NDPFS d252 progression on the next line"
)]
// No scan after baseline.
#[case(
    "A",
    "d0 T1 30\ncontact d100\n= TSF d0+ no adequate assessment after the origin\n= PFS d0+ no adequate assessment after the origin\n= PFS2 d100+ last contact\n= OS d100+ last known alive"
)]
#[case("A", "d0 T1 30\nwithdrawal d50\n= TSF d0+ withdrawal\n= PFS2 d50+ withdrawal\n= 2NDPFS none")]
// Another reader's assessments are no assessments of the investigator, neither for the event nor for the censoring.
#[case(
    "A",
    "d0 T1 30\nd0 reader:CENTRAL T1 30\nd84 T1 30\nd84 reader:CENTRAL T1 60\nd168 reader:CENTRAL T1 80\n= TSF d84+ last adequate tumour assessment\n= PFS d84+ last adequate tumour assessment\n= OS d168+ last known alive"
)]
// Clinical progression on the day of a scan that names the lesions can be salvaged; one before it cannot.
#[case(
    "A",
    "d0 T1 30\nclinical d84\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 40\n= TSF d168+ last adequate tumour assessment\n= PFS d84 progression"
)]
#[case(
    "A",
    "d0 T1 30\nclinical d80\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 40\n= TSF d80 strategy failure\n= PFS d80 progression"
)]
// A cut between the scan and its salvage, and between the equivocal sight and its confirmation.
#[case(
    "A",
    "| cut d88\nd0 T1 30\nd84 T1 40\nsabr d90-d95 T1 12x2\nd168 T1 40\n= TSF d84 strategy failure\n= PFS d84 progression"
)]
#[case(
    "A",
    "| cut d92\nd0 T1 30\nd84 T1 40\ndecision d85 CONTINUE d84\nsabr d90-d95 T1 12x2\nd168 T1 40\n= TSF d84 strategy failure"
)]
#[case(
    "B",
    "| cut d160\nd0 T1 30\nd84 T1 30 N1 equivocal\nd168 T1 30 N1 new\n= TSF d84+ last adequate tumour assessment\n= OS d84+ last known alive"
)]
// A death of a partial date is not imputed past a cut, nor before the subject was last seen.
#[case(
    "A",
    "| cut d130\nd0 T1 30\nd84 T1 30\ncontact d125\ndeath 2026-05\n= TSF d130 death\n= OS d130 death"
)]
fn corners(#[case] arm: &str, #[case] text: &str) {
    check(arm, text);
}

// rules.md, 'Partial dates': death is the last possible day not after the cut-off, never before the subject was last seen,
// and is marked (ADTF).
#[rstest]
#[case("2026-05", None, "2026-05-31")]
#[case("2026-05", Some("d134"), "2026-05-15")]
#[case("2026", None, "2026-12-31")]
#[case("2026-05-03", None, "2026-05-03")]
fn imputes_a_partial_death(#[case] death: &str, #[case] cut: Option<&str>, #[case] want: &str) {
    let cut = cut.map_or(String::new(), |cut| format!("| cut {cut}\n"));
    let story = Story::new("A", &format!("{cut}d0 T1 30\nd84 T1 30\ndeath {death}"));
    let os = story.time("OS").unwrap();
    assert_eq!((os.on().to_string().as_str(), os.is_event()), (want, true));
    assert_eq!(os.imputed.is_some(), death.len() < 10);
}

#[test]
fn a_partial_start_of_the_line_that_fails_the_strategy_is_marked() {
    let tsf = Story::new("A", "d0 T1 30\nline 2026-03 PROGRESSION fulvestrant").time("TSF").unwrap();
    assert_eq!(tsf.on().to_string(), "2026-03-01");
    assert!(tsf.imputed.is_some());
}

// rules.md: 'AVAL in days from the origin' with the origin as day 1, 'months as days / 30.4375'.
#[test]
fn counts_days_and_months() {
    let pfs = Story::new("B", "d0 T1 30\nd84 T1 40").time("PFS").unwrap();
    assert_eq!(pfs.days(), 85);
    assert!((pfs.months() - 85.0 / 30.4375).abs() < 1e-12);
    let censored = Story::new("B", "d0 T1 30").time("PFS").unwrap();
    assert_eq!(censored.days(), 1);
    let second =
        Story::new("B", "d0 T1 30\nd84 T1 40\nline d90 PROGRESSION x\nd168 T1 50").time("2NDPFS").unwrap();
    assert_eq!((name_of(second.origin).as_str(), second.days()), ("d84", 85));
}

#[rstest]
#[case("B", "d0 T1 36\nd84 T1 45", "PFS", "PFS: first of progression, death", "sum 45 mm is 25 % and 9 mm over the nadir of 36 mm", &[10, 11])]
#[case("A", "d0 T1 36\nd84 T1 45", "TSF", "TSF: first of strategy failure, death; a pending strategy decision counts as failure", "oligoprogression of 1 lesion(s) on 2026-03-26: the strategy decision is not recorded", &[10, 11])]
#[case("A", "d0 T1 36\nd84 T1 36", "PFS", "PFS: censored, last adequate tumour assessment", "no event; last adequate tumour assessment on 2026-03-26", &[11])]
#[case("A", "d0 T1 36\nd84 T1 36\nwithdrawal d90", "PFS", "PFS: censored, withdrawal", "no event before the withdrawal of 2026-04-01; last adequate tumour assessment on 2026-03-26", &[11, 12])]
#[case("B", "d0 T1 36\nline d10 OTHER x\nd84 T1 45", "PFS2", "PFS2: first of progression on the next line, death", "on x since 2026-01-11: sum 45 mm is 25 % and 9 mm over the nadir of 36 mm", &[10, 12, 11])]
fn explains_itself(
    #[case] arm: &str,
    #[case] lines: &str,
    #[case] id: &str,
    #[case] rule: &str,
    #[case] why: &str,
    #[case] events: &[u64],
) {
    let found = Story::new(arm, lines).time(id).unwrap();
    assert_eq!((found.rule.as_str(), found.why.as_str(), found.events.as_slice()), (rule, why, events));
}

#[test]
fn a_subject_who_was_not_randomised_is_in_no_endpoint() {
    let mut story = Story::new("A", "d0 T1 30\nd84 T1 40");
    story.record.randomised = None;
    assert!(["TSF", "PFS", "PFS2", "2NDPFS", "OS"].iter().all(|id| story.time(id).is_none()));
}

fn any_line() -> impl Strategy<Value = String> {
    let state = prop::sample::select(vec!["30", "36", "20", "0", "ne", "60+", "40-"]);
    let new = prop::sample::select(vec!["", " N1 new", " N1 equivocal", " N1 gone", " NB1 new"]);
    let reason = prop::sample::select(vec!["PROGRESSION", "OTHER", "TOXICITY", "PROTOCOL"]);
    let decision = prop::sample::select(vec!["CONTINUE", "ABANDON"]);
    let day = 1u32..400;
    prop_oneof![
        6 => (1u32..6, state, new).prop_map(|(visit, state, new)| format!("d{} T1 {state} T2 20{new}", visit * 84)),
        1 => day.clone().prop_map(|day| format!("clinical d{day}")),
        2 => (day.clone(), 0u32..60).prop_map(|(day, more)| format!("sabr d{day}-d{} T1 12x2", day + more)),
        2 => (day.clone(), reason).prop_map(|(day, reason)| format!("line d{day} {reason} drug")),
        2 => (day.clone(), decision, 1u32..6).prop_map(|(day, what, visit)| format!("decision d{day} {what} d{}", visit * 84)),
        1 => day.clone().prop_map(|day| format!("withdrawal d{day}")),
        1 => day.prop_map(|day| format!("contact d{day}")),
    ]
}

fn any_history() -> impl Strategy<Value = String> {
    let lines = prop::collection::vec(any_line(), 0..12);
    (lines, prop::option::weighted(0.4, 400u32..500)).prop_map(|(lines, death)| {
        let death = death.map_or(String::new(), |day| format!("\ndeath d{day}"));
        format!("d0 T1 30 T2 20\n{}{death}", lines.join("\n"))
    })
}

proptest! {
    // What holds of every history, however odd: nothing panics, no time lies before its origin or after the death, the
    // strategy fails no earlier than something happened, and death ends everything that is looked at to the end.
    #[test]
    fn endpoints_keep_their_order(lines in any_history(), arm in prop::sample::select(vec!["A", "B"])) {
        let story = Story::new(arm, &lines);
        let time = |id: &str| story.time(id);
        let (tsf, pfs, os) = (time("TSF").unwrap(), time("PFS").unwrap(), time("OS").unwrap());
        let pfs2 = time("PFS2").unwrap();
        for found in [Some(&tsf), Some(&pfs), Some(&os), Some(&pfs2), time("2NDPFS").as_ref()].into_iter().flatten() {
            prop_assert!(found.days() >= 1);
            prop_assert!(os.on() >= found.on(), "{found:?}");
        }
        if tsf.is_event() && pfs.is_event() && !lines.contains("line") {
            prop_assert!(pfs.on() <= tsf.on(), "the strategy fails by a progression or by death");
            prop_assert!(arm == "A" || pfs.on() == tsf.on(), "arm B fails at its first progression");
        }
        if story.record.withdrawal.is_none() && story.record.death.is_some() {
            prop_assert!([&tsf, &pfs, &os, &pfs2].iter().all(|found| found.is_event()));
        }
    }
}

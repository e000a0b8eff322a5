//! The methods of Define-XML in words: made of the same tables of the protocol, and the same rules in words, that derive.

use trial::protocol::{AfterLast, DeathScore, TumourRules};

use crate::submission::{Standard, Study};

/// A method: its id, its name and its words.
pub(super) struct Method {
    pub id: String,
    pub name: String,
    pub text: String,
}

/// The words of a method that a layout names.
pub(super) fn of(study: &Study<'_>, standard: Standard, id: &str) -> String {
    let protocol = study.protocol;
    let tumour = &protocol.tumour;
    match id {
        "SEQ" => "Records of a subject are sorted by the keys of the data set and numbered from 1.".into(),
        "DY" => "Date less RFSTDTC, plus 1 where the date is on or after RFSTDTC; there is no day 0. Empty where the date is partial or the subject was not randomised.".into(),
        "ADY" => "Date less the day of randomisation, plus 1 where it is on or after it.".into(),
        "RFSTDTC" => "The day of randomisation: study day 1.".into(),
        "RFENDTC" => "The day of death; else the last day the subject was known to be alive (consent, visits, scans, treatment, questionnaires, onset of adverse events, contacts).".into(),
        "RFXSTDTC" => "First day of a line of systemic therapy that the arm prescribes (EX) or, in an arm whose strategy rests on SABR, of a course of SABR after randomisation (PR).".into(),
        "RFXENDTC" => "Last day of the same.".into(),
        "DTHFL" => "Y where a death is recorded, also where its day is known in part only.".into(),
        "AGE" => "Year of consent less year of birth: the ledger holds no more of the date of birth.".into(),
        "ARM" => "As drawn at randomisation.".into(),
        "ACTARM" => "The planned arm, where the subject received what it prescribes (a course of SABR where the strategy rests on it, else a line of systemic therapy that did not end before randomisation); empty with the reason ASSIGNED, NOT TREATED where it did not. SCREEN FAILURE where a criterion is not met, else NOT ASSIGNED.".into(),
        "EPOCH" => "SCREENING from consent to the day before randomisation; TREATMENT from randomisation to the day the treatment strategy failed; FOLLOW-UP after it. Empty before consent, and where a partial date may lie in two epochs.".into(),
        "VISITNUM" => "The place of the visit in the schedule; repeats of the last visit count on; an assessment outside the schedule has the number of the planned visit before it and a decimal.".into(),
        "SVOCCUR" => "Y where a form of the visit was filled, N where none was and a later visit has begun.".into(),
        "SVSTDTC" => "First and last day of the forms filled at the visit.".into(),
        "SPID" => "Form, visit and occurrence of the form the record came from.".into(),
        "RECORDED" => "The day the form was entered (UTC); of a corrected form, the day of the last correction.".into(),
        "STRESC" => "The result as recorded; numbers without change of unit, terms as CDISC spells them.".into(),
        "LOBXFL" => "Y for the last result of a test before the first day of treatment that the arm prescribes; the day of randomisation counts as before it.".into(),
        "CMENRTPT" => "ONGOING where the therapy has no last day, at the last day of participation.".into(),
        "PRDOSE" => "Dose a fraction times fractions given, of each lesion.".into(),
        "PRLOC" => "The location of the lesion (TU.TULOC of the same link id).".into(),
        "AEDECOD" => "The term and system organ class of CTCAE where CTCAE knows the reported term, else as reported.".into(),
        "AEREL" => "The strongest of the attributions, which stand in SUPPAE each: UNRELATED, UNLIKELY, POSSIBLE, PROBABLE, DEFINITE.".into(),
        "IE" => "Each criterion is judged on what is recorded of the time before randomisation, by its condition (TI.TIRL); those not met are here.".into(),
        "RSDRVFL" => "Y: the response was derived from the readings of TR by RECIST 1.1, not entered by a person.".into(),
        "RECIST" | "ADRS" => recist(tumour),
        "SUMDIAM" => "Sum of the diameters of the target lesions measured at the assessment (short axis of nodes); a lesion too small to measure counts as the protocol says.".into(),
        "RANDFL" | "ITTFL" => "Y where the subject was randomised.".into(),
        "SAFFL" => "Y where the subject was randomised: all of them are at risk in the tables of safety.".into(),
        "TRTN" => "The place of the arm in the protocol.".into(),
        "STRATAR" => "Each stratification factor with the level the subject was randomised in.".into(),
        "ECOGBL" => "The last ECOG performance status by the day of randomisation.".into(),
        "LESBL" => "Lesions read at the baseline assessment.".into(),
        "OPDBL" => "Lesions of the baseline assessment recorded as progressing at entry.".into(),
        "PRIORMO" => "Days from the start of the latest therapy of before the trial that had not ended, to randomisation, divided by 30.4375; a partial start counts by its first possible day.".into(),
        "STRATEGY" => strategy(study),
        "EOSSTT" => "DISCONTINUED at the withdrawal or loss to follow-up, else at the death; else ONGOING.".into(),
        "LSTALVDT" => "The last day the subject was known to be alive.".into(),
        "DTHDT" => "The date of death; a partial one is imputed as the last possible day, not after the data cut, and not before the subject was last seen alive.".into(),
        "ATOXGRN" => "The CTCAE grade; where none was given, the severity as 1 to 3.".into(),
        "ASTDT" => "The onset; a partial one as the first possible day, but not before randomisation where it may lie after it.".into(),
        "AENDT" => "The end; a partial one as the last possible day, not after the data cut.".into(),
        "TRTEMFL" => "Y where the onset lies on or after randomisation; a partial or missing onset that may do so counts.".into(),
        "RELFL" => format!("An attribution of {} to {}; expedited where serious as well.", protocol.safety.related.join(", "), protocol.safety.attributed_to.values().cloned().collect::<Vec<_>>().join(" or ")),
        "ADEX" => format!("Of n fractions of d Gy: BED = n d (1 + d / (alpha/beta)), EQD2 = BED / (1 + 2 / (alpha/beta)); alpha/beta is {} Gy for tumour and {} Gy for late-reacting tissue (Fowler 1989).", protocol.sabr.alpha_beta_tumour, protocol.sabr.alpha_beta_late),
        "ONTRTFL" => "Y where the course began on or after the day of randomisation.".into(),
        "ADQS" => "Scored by the FACIT.org guideline for FACT-B version 4: items reversed where it says so, subscales prorated where more than half their items were answered, totals where more than 80 % of all items were; three decimals.".into(),
        "AUC" => study.plan.quality_words().join("; "),
        "ADQSBASE" => "The score of the questionnaire that counts for week 0.".into(),
        "ADQSANL" => "Y for the questionnaire that counts for its planned week: of two the one that can be scored, then the nearer.".into(),
        "CHG" => "AVAL less BASE.".into(),
        "PCHG" => "100 times CHG over BASE, where every target was measured at both.".into(),
        "NADIR" => "The smallest value before this assessment, the baseline included; of sums, complete ones.".into(),
        "ADTR" => "Sum: as in TR. Lesion: its diameter; one too small to measure counts as the protocol says.".into(),
        "ADTRBASE" => "The last assessment by the day of randomisation.".into(),
        "PROGFL" => format!("The lesion alone progresses: grown by at least {} % and {} mm over its own smallest size, unequivocally worse, or new.", percent(tumour.lesion_relative), tumour.lesion_mm),
        "ADRSANL" => "Y: every record counts.".into(),
        "AVISIT" => "The planned week of the visit the questionnaire was filled at; else the nearest, no further off than half the way to its neighbour.".into(),
        "ADT" => "The day of the source record.".into(),
        "STARTDT" => "The day the time counts from: randomisation, or the failure of the strategy, as the endpoint says.".into(),
        "AVALTTE" => "ADT less STARTDT, plus 1.".into(),
        "ADTTE" => "By the rules of the parameter: see the value level.".into(),
        "SRC" => "The record of SDTM that says of the day ADT what the value rests on; every event behind it stands in TRACE.".into(),
        "WHY" => "The words in which the derivation gives its reasons.".into(),
        other => format!("{} of {}.", other, standard.as_str()),
    }
}

fn percent(share: f64) -> f64 {
    (share * 1000.0).round() / 10.0
}

fn recist(rules: &TumourRules) -> String {
    format!(
        "RECIST 1.1 (Eisenhauer 2009) against the last assessment of {} by the day of randomisation. Progression of targets: the sum grows by at least {} % and {} mm over the smallest so far; partial response: it shrinks by at least {} % from baseline; complete response: every target gone, every node below {} mm in its short axis. Too small to measure counts as {} mm. Unequivocal progression of non-targets and unequivocal new lesions are progression; an equivocal new lesion that is confirmed dates it back.",
        rules.reader,
        percent(rules.progression_relative),
        rules.progression_mm,
        percent(rules.response_relative),
        rules.normal_node_mm,
        rules.too_small_mm
    )
}

fn strategy(study: &Study<'_>) -> String {
    let arms = study.protocol.arms.iter();
    let stated = arms.filter_map(|arm| Some(format!("Arm {}: {}", arm.id, arm.strategy.as_ref()?.statement)));
    stated.collect::<Vec<_>>().join(" ")
}

/// The methods of parameters, by data set and parameter: endpoints in the words of the report.
pub(super) fn of_parameters(study: &Study<'_>) -> Vec<(String, Method)> {
    let mut methods: Vec<(String, Method)> = study
        .parameters
        .iter()
        .map(|parameter| {
            let rules = parameter.words.join("; ");
            let method = Method {
                id: format!("MT.ADTTE.{}", parameter.code),
                name: parameter.label.clone(),
                text: format!("{} Rules: {rules}.", parameter.endpoint.definition),
            };
            (parameter.code.clone(), method)
        })
        .collect();
    if let Some(rule) = &study.protocol.quality_of_life {
        let main = study.plan.quality_words().join("; ");
        let mut say = |tail: &str, text: String| {
            for (code, name) in [("AUC", "Area under the curve"), ("AVG", "Time-averaged score")] {
                let id = format!("MT.ADQS.{code}{tail}");
                let method = Method { id, name: name.to_owned(), text: text.clone() };
                methods.push((format!("{code}{tail}"), method));
            }
        };
        say("", main.clone());
        for (switch, n) in rule.sensitivity.iter().zip(1..) {
            let last = match switch.after_last {
                Some(AfterLast::CarryForward) => "; here the last score is carried forward",
                Some(AfterLast::StopAndStandardise) => "; here the area stops at the last score",
                None => "",
            };
            let death = match switch.death {
                Some(DeathScore::Zero) => "; here the score is 0 from the day of death",
                Some(DeathScore::Missing) => "; here no score is imputed after death",
                None => "",
            };
            say(&format!("S{n}"), format!("{main}{last}{death}"));
        }
    }
    methods
}

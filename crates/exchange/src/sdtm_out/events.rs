//! AE, CE, DS, DV and MH: what happened to a subject.
//!
//! Never codes a term: an adverse event's dictionary term is that of CTCAE where CTCAE knows it (`trial::safety`). SDTM
//! Implementation Guide 3.4, section 6.2.

use trial::concept::ATTRIBUTIONS;
use trial::date::PartialDate;
use trial::eligibility::{Judgement, judge};
use trial::protocol::Form;
use trial::record::FilledForm;
use trial::safety::filed_under;

use super::{Sheet, Subject, layout_of};
use crate::submission::line::{Line, short};
use crate::submission::visit::spid;

const STUDY: &str = "STUDY PARTICIPATION";

/// `DSDECOD` of what a form says (code list NCOMPLT); another reason is `OTHER`, and stands in `DSTERM`.
const REASONS: [(&str, &str); 8] = [
    ("WITHDRAWAL OF CONSENT", "WITHDRAWAL BY SUBJECT"),
    ("WITHDRAWAL BY SUBJECT", "WITHDRAWAL BY SUBJECT"),
    ("LOST TO FOLLOW-UP", "LOST TO FOLLOW-UP"),
    ("PHYSICIAN DECISION", "PHYSICIAN DECISION"),
    ("ADVERSE EVENT", "ADVERSE EVENT"),
    ("PROGRESSIVE DISEASE", "PROGRESSIVE DISEASE"),
    ("PREGNANCY", "PREGNANCY"),
    ("PROTOCOL DEVIATION", "PROTOCOL DEVIATION"),
];

/// AE: one record an adverse event.
pub(super) fn adverse<'s>(subject: &Subject<'_, 's>, form: &FilledForm, definition: &'s Form) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let read = subject.record.adverse_events.iter().find(|ae| ae.event == form.event);
    let (term, coded) = (sheet.take("AETERM"), sheet.take("AEDECOD"));
    let class = sheet.take("AEBODSYS");
    let (start, end) = (sheet.take_date("AESTDAT"), sheet.take_date("AEENDAT"));
    let grade = sheet.take("AETOXGR");
    let filed = read.map(filed_under);
    let decoded = coded.or_else(|| filed.as_ref().map(|(_, term)| term.clone()));
    let class = class.or_else(|| filed.map(|(class, _)| class));
    let attributed = &subject.protocol(form).safety.attributed_to;
    let related = read.map_or(&[][..], |ae| &ae.attribution);
    let causality = match sheet.values.get("AEREL") {
        Some(_) => sheet.take("AEREL"),
        None => strongest(related.iter().map(|(_, code)| code.as_str())).map(str::to_owned),
    };
    let outcome = sheet.take("AEOUT").map(|outcome| outcome_of(&outcome).to_owned());
    let mut line = Subject::line("AE", form)
        .text("AESPID", spid(&form.instance))
        .text("AETERM", term.clone().unwrap_or_else(|| "UNKNOWN".into()))
        .text("AEDECOD", decoded.or(term).unwrap_or_else(|| "UNKNOWN".into()))
        .maybe_text("AEBODSYS", class.clone())
        .maybe_text("AESOC", class);
    for (name, taken) in [("AESEV", sheet.take("AESEV")), ("AESER", sheet.take("AESER"))] {
        line = line.maybe_text(name, taken);
    }
    line = line.maybe_text("AEREL", causality).maybe_text("AEOUT", outcome);
    if grade.as_deref() == Some("5") {
        line.put_text("AESDTH", "Y");
    }
    line = line.maybe_text("AETOXGR", grade);
    for (item, label) in attributed.iter().filter(|(item, _)| *item != "AEREL") {
        if let Some((_, code)) = related.iter().find(|(known, _)| known == item) {
            let label =
                definition.items.iter().find(|known| known.id == *item).map_or(label, |known| &known.label);
            line.supplement(subject.study.short_name(item), short(label, 40), code.clone(), "CRF");
        }
    }
    sheet
        .finish_except(subject.study, layout_of("AE"), line, "CRF", attributed)
        .maybe_text("EPOCH", subject.epoch(start))
        .date("AEDTC", Subject::recorded(form))
        .date("AESTDTC", start)
        .date("AEENDTC", end)
        .maybe_number("AESTDY", subject.dy(start))
        .maybe_number("AEENDY", subject.dy(end))
}

/// The strongest of several attributions, by the order of the house's codes; another code counts as none of them.
fn strongest<'c>(codes: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    codes.max_by_key(|code| ATTRIBUTIONS.iter().position(|known| known == code))
}

/// `AEOUT` in the terms of code list OUT.
fn outcome_of(outcome: &str) -> &str {
    match outcome {
        "RECOVERED" => "RECOVERED/RESOLVED",
        "RECOVERING" => "RECOVERING/RESOLVING",
        "NOT RECOVERED" => "NOT RECOVERED/NOT RESOLVED",
        "RECOVERED WITH SEQUELAE" => "RECOVERED/RESOLVED WITH SEQUELAE",
        other => other,
    }
}

/// CE: progression judged without a scan.
pub(super) fn progression<'s>(
    subject: &Subject<'_, 's>,
    form: &FilledForm,
    definition: &'s Form,
) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("CEDAT");
    let term = sheet.take("CETERM").unwrap_or_else(|| "CLINICAL PROGRESSION".into());
    let line = Subject::line("CE", form)
        .text("CESPID", spid(&form.instance))
        .text("CETERM", term)
        .text("CEDECOD", "DISEASE PROGRESSION")
        .text("CECAT", "CLINICAL PROGRESSION")
        .maybe_text("EPOCH", subject.epoch(on))
        .date("CEDTC", Subject::recorded(form))
        .date("CESTDTC", on)
        .maybe_number("CESTDY", subject.dy(on));
    sheet.finish(subject.study, layout_of("CE"), line, "CRF")
}

/// The items of a disease history that are dates of diagnosis, and what each says (`MHTERM`).
pub(crate) const DIAGNOSES: [(&str, &str); 2] =
    [("MHSTDAT", "DISEASE UNDER STUDY"), ("MHMETDAT", "DISEASE UNDER STUDY, ADVANCED")];

/// A record of DS.
fn disposition<'s>(
    subject: &Subject<'_, 's>,
    line: Line<'s>,
    (term, decoded, category, sub): (String, &'s str, &'s str, &'s str),
    collected: Option<PartialDate>,
    on: Option<PartialDate>,
) -> Line<'s> {
    line.text("DSTERM", term)
        .text("DSDECOD", decoded)
        .text("DSCAT", category)
        .text("DSSCAT", sub)
        .maybe_text("EPOCH", subject.epoch(on))
        .date("DSDTC", collected)
        .date("DSSTDTC", on)
        .maybe_number("DSDY", subject.dy(collected))
        .maybe_number("DSSTDY", subject.dy(on))
}

/// DS: consent.
pub(super) fn consent<'s>(subject: &Subject<'_, 's>, form: &FilledForm, definition: &'s Form) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("RFICDAT");
    let what = "INFORMED CONSENT OBTAINED";
    let line = Subject::line("DS", form).text("DSSPID", spid(&form.instance));
    let line = disposition(
        subject,
        line,
        (what.into(), what, "PROTOCOL MILESTONE", ""),
        Subject::recorded(form),
        on,
    );
    sheet.finish(subject.study, layout_of("DS"), line, "CRF")
}

/// DS: the randomisation; or that a subject who was not randomised is a screen failure.
pub(super) fn randomisation<'s>(subject: &Subject<'_, 's>, lines: &mut Vec<Line<'s>>) {
    if let Some(fact) = &subject.record.randomised {
        let on = Some(PartialDate::Day(fact.value.date));
        let line = Line::new("DS", fact.event);
        let what = ("RANDOMIZED".to_owned(), "RANDOMIZED", "PROTOCOL MILESTONE", "");
        let mut line = disposition(subject, line, what, None, on);
        if let Some(on_behalf) = &fact.value.on_behalf {
            line.supplement("ONBEHALF", "Drawn on Behalf of", on_behalf.who.clone(), "CRF");
            line.supplement("ONBEHREA", "Reason Drawn on Behalf of Another", on_behalf.reason.clone(), "CRF");
        }
        lines.push(line);
        return;
    }
    let judged = judge(subject.study.protocol, subject.record);
    let failed: Vec<_> = judged.iter().filter(|judged| judged.judgement == Judgement::NotMet).collect();
    let Some(first) = failed.first() else { return };
    let on = subject.entered().map(PartialDate::Day);
    let line = Line::new("DS", None);
    let term = format!("Criterion {} not met", first.id);
    let what = (term, "SCREEN FAILURE", "DISPOSITION EVENT", STUDY);
    let events: Vec<u64> = failed.iter().flat_map(|judged| judged.events.iter().copied()).collect();
    lines.push(disposition(subject, line, what, None, on).rests_on(&events));
}

/// DS: withdrawal or loss to follow-up.
pub(super) fn withdrawal<'s>(subject: &Subject<'_, 's>, form: &FilledForm, definition: &'s Form) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("DSSTDAT");
    let reason = sheet.take("DSDECOD").unwrap_or_else(|| "OTHER".into());
    let known = REASONS.iter().find(|(said, _)| reason.eq_ignore_ascii_case(said));
    let decoded = known.map_or("OTHER", |(_, decoded)| decoded);
    let line = Subject::line("DS", form).text("DSSPID", spid(&form.instance));
    let what = (reason, decoded, "DISPOSITION EVENT", STUDY);
    let line = disposition(subject, line, what, Subject::recorded(form), on);
    sheet.finish(subject.study, layout_of("DS"), line, "CRF")
}

/// DS and DD: the death, and its cause.
pub(super) fn death<'s>(
    subject: &Subject<'_, 's>,
    form: &FilledForm,
    definition: &'s Form,
    lines: &mut Vec<Line<'s>>,
) {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("DTHDAT");
    let cause = sheet.take("DTHCAUS");
    let recorded = Subject::recorded(form);
    let line = Subject::line("DS", form).text("DSSPID", spid(&form.instance));
    let what = ("DEATH".to_owned(), "DEATH", "DISPOSITION EVENT", STUDY);
    let line = disposition(subject, line, what, recorded, on);
    lines.push(sheet.finish(subject.study, layout_of("DS"), line, "CRF"));
    if let Some(cause) = cause {
        let line = Subject::line("DD", form)
            .text("DDTESTCD", "PRCDTH")
            .text("DDTEST", "Primary Cause of Death")
            .text("DDORRES", cause.clone())
            .text("DDSTRESC", cause)
            .date("DDDTC", recorded)
            .maybe_number("DDDY", subject.dy(recorded));
        lines.push(line);
    }
}

/// DV: a deviation that a person recorded.
pub(super) fn deviation<'s>(subject: &Subject<'_, 's>, form: &FilledForm, definition: &'s Form) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("DVSTDAT");
    let term = sheet.take("DVTERM").unwrap_or_else(|| "NOT SPECIFIED".into());
    let category = sheet.take("DVCAT");
    let line = Subject::line("DV", form)
        .text("DVSPID", spid(&form.instance))
        .text("DVTERM", term)
        .maybe_text("DVCAT", category)
        .maybe_text("EPOCH", subject.epoch(on))
        .date("DVSTDTC", on)
        .maybe_number("DVSTDY", subject.dy(on));
    sheet.finish(subject.study, layout_of("DV"), line, "CRF")
}

/// MH: when the disease was first diagnosed, and when it was found advanced. What else the form says of it stands in FA.
pub(super) fn history<'s>(
    subject: &Subject<'_, 's>,
    form: &FilledForm,
    definition: &'s Form,
    lines: &mut Vec<Line<'s>>,
) {
    let mut sheet = Sheet::of(definition, form);
    let recorded = Subject::recorded(form);
    for (item, term) in DIAGNOSES {
        let Some(on) = sheet.take_date(item) else { continue };
        let line = Subject::line("MH", form)
            .text("MHSPID", format!("{}-{item}", spid(&form.instance)))
            .text("MHTERM", term)
            .text("MHCAT", "DIAGNOSIS OF THE DISEASE UNDER STUDY")
            .maybe_text("EPOCH", subject.epoch(Some(on)))
            .date("MHDTC", recorded)
            .date("MHSTDTC", Some(on))
            .maybe_number("MHDY", subject.dy(recorded));
        lines.push(line);
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&["UNRELATED", "POSSIBLE"], Some("POSSIBLE"))]
    #[case(&["DEFINITE", "UNLIKELY"], Some("DEFINITE"))]
    #[case(&["MAYBE", "UNRELATED"], Some("UNRELATED"))]
    #[case(&[], None)]
    fn takes_the_strongest_attribution(#[case] codes: &[&str], #[case] want: Option<&str>) {
        assert_eq!(strongest(codes.iter().copied()), want);
    }
}

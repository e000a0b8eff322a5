//! IE, QS, RS of clinical classifications, SS, and FA of what forms say about the disease and about progressions.
//!
//! Never scores a questionnaire (that stands in `ADaM`) and never judges a criterion (`trial::eligibility`). SDTM Implementation
//! Guide 3.4, section 6.3.

use trial::date::PartialDate;
use trial::eligibility::{Judgement, judge};
use trial::factb;
use trial::protocol::{CriterionKind, Form, ItemType};
use trial::record::FilledForm;

use super::{Sheet, Subject, is_date, layout_of};
use crate::submission::line::{Line, short};
use crate::submission::visit::spid;

/// IE: each criterion that is not met, as the protocol in force judges it.
pub(super) fn criteria<'s>(subject: &Subject<'_, 's>, lines: &mut Vec<Line<'s>>) {
    let history = subject.study.history;
    let protocol =
        subject.record.randomised.as_ref().map_or(subject.study.protocol, |fact| history.at(fact.event));
    let on = subject.entered().map(PartialDate::Day);
    for judged in judge(protocol, subject.record) {
        let criterion = protocol.eligibility.iter().find(|criterion| criterion.id == judged.id);
        let Some(criterion) = criterion.filter(|_| judged.judgement == Judgement::NotMet) else { continue };
        let (category, result) = category(criterion.kind);
        let line = Line::new("IE", None)
            .text("IETESTCD", subject.study.short_name(&criterion.id))
            .text("IETEST", short(&criterion.text, 200))
            .text("IECAT", category)
            .text("IEORRES", result)
            .text("IESTRESC", result)
            .maybe_text("EPOCH", on.map(|_| "SCREENING"))
            .date("IEDTC", on)
            .maybe_number("IEDY", subject.dy(on));
        lines.push(line.rests_on(&judged.events));
    }
}

/// `IECAT`, and the result that makes it an exception.
pub(super) fn category(kind: CriterionKind) -> (&'static str, &'static str) {
    match kind {
        CriterionKind::Inclusion => ("INCLUSION", "N"),
        CriterionKind::Exclusion => ("EXCLUSION", "Y"),
    }
}

/// RS: ECOG performance status.
pub(super) fn ecog<'s>(
    subject: &Subject<'_, 's>,
    form: &FilledForm,
    definition: &'s Form,
) -> Option<Line<'s>> {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("QSDAT");
    let status = sheet.take("ECOG")?;
    let line = Subject::line("RS", form)
        .text("RSSPID", spid(&form.instance))
        .text("RSTESTCD", "ECOG101")
        .text("RSTEST", "ECOG1-Performance Status")
        .text("RSCAT", "ECOG")
        .text("RSORRES", status.clone())
        .text("RSSTRESC", status.clone())
        .maybe_number("RSSTRESN", status.parse::<f64>().ok());
    let line = sheet.finish(subject.study, layout_of("RS"), line, "CRF");
    Some(subject.timing(line, form, on, ("RSDTC", "RSDY")))
}

/// `QSCAT` of the questionnaire the house knows.
pub(crate) const FACT_B: &str = "FACT-B";

/// The subscale of an item of FACT-B.
fn subscale(place: usize) -> &'static str {
    match place {
        0..7 => "PHYSICAL WELL-BEING",
        7..14 => "SOCIAL/FAMILY WELL-BEING",
        14..20 => "EMOTIONAL WELL-BEING",
        20..27 => "FUNCTIONAL WELL-BEING",
        _ => "ADDITIONAL CONCERNS",
    }
}

/// QS: one record an item of FACT-B, those left out too. Item codes and the protocol's own short labels: the wording is not ours.
pub(super) fn questionnaire<'s>(
    subject: &Subject<'_, 's>,
    form: &FilledForm,
    definition: &'s Form,
    lines: &mut Vec<Line<'s>>,
) {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("QSDAT");
    let identifier = spid(&form.instance);
    for (place, item) in factb::ITEMS.iter().enumerate() {
        let known = definition.items.iter().find(|known| known.id == *item);
        let answer = sheet.take(item);
        if known.is_none() && answer.is_none() {
            continue;
        }
        let label = known.map_or((*item).into(), |known| short(&known.label, 40));
        let line = Subject::line("QS", form)
            .text("QSSPID", identifier.clone())
            .text("QSTESTCD", *item)
            .text("QSTEST", label)
            .text("QSCAT", FACT_B)
            .text("QSSCAT", subscale(place));
        let line = match answer {
            Some(answer) => {
                let number = answer.parse::<f64>().ok();
                line.text("QSORRES", answer.clone()).text("QSSTRESC", answer).maybe_number("QSSTRESN", number)
            }
            None => line.text("QSSTAT", "NOT DONE").text("QSREASND", "NOT ANSWERED"),
        };
        lines.push(subject.timing(line, form, on, ("QSDTC", "QSDY")));
    }
    // An item of the trial's own among the questions.
    for (id, item, value) in sheet.rest() {
        let line = Subject::line("QS", form)
            .text("QSSPID", identifier.clone())
            .text("QSTESTCD", subject.study.short_name(&id))
            .text("QSTEST", item.map_or_else(|| id.clone(), |item| short(&item.label, 40)))
            .text("QSCAT", short(&definition.label, 200).to_uppercase())
            .text("QSORRES", value.clone())
            .text("QSSTRESC", value);
        lines.push(subject.timing(line, form, on, ("QSDTC", "QSDY")));
    }
}

/// SS: known alive on a day.
pub(super) fn status<'s>(subject: &Subject<'_, 's>, form: &FilledForm, definition: &'s Form) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let on = sheet.take_date("SSDAT");
    let line = Subject::line("SS", form)
        .text("SSSPID", spid(&form.instance))
        .text("SSTESTCD", "SURVSTAT")
        .text("SSTEST", "Survival Status")
        .text("SSORRES", "ALIVE")
        .text("SSSTRESC", "ALIVE");
    let line = sheet.finish(subject.study, layout_of("SS"), line, "CRF");
    subject.timing(line, form, on, ("SSDTC", "SSDY"))
}

/// FA: one record for each item of a form about `object`; `dated` is the item that says when, and `except` stands elsewhere.
pub(super) fn about<'s>(
    subject: &Subject<'_, 's>,
    form: &FilledForm,
    definition: &'s Form,
    object: &'static str,
    dated: Option<&'static str>,
    except: &[&'static str],
    lines: &mut Vec<Line<'s>>,
) {
    let mut sheet = Sheet::of(definition, form);
    sheet.taken.extend(except);
    let on = match dated {
        Some(item) => sheet.take_date(item),
        None => form.date.or_else(|| Subject::recorded(form)),
    };
    let identifier = spid(&form.instance);
    let category = definition.label.to_uppercase();
    let groups = definition.groups.iter().map(|group| group.id.as_str());
    let mut write = |sheet: &Sheet<'_, 's>, group: String| {
        for (id, item, value) in sheet.rest() {
            let number = item.filter(|item| matches!(item.kind, ItemType::Integer | ItemType::Decimal));
            let number = number.and_then(|_| value.parse::<f64>().ok());
            let unit = item.and_then(|item| item.unit.as_deref());
            let line = Subject::line("FA", form)
                .text("FAGRPID", group.clone())
                .text("FASPID", identifier.clone())
                .text("FATESTCD", subject.study.short_name(&id))
                .text("FATEST", item.map_or_else(|| id.clone(), |item| short(&item.label, 40)))
                .text("FAOBJ", object)
                .text("FACAT", short(&category, 200).into_owned())
                .text("FAORRES", value.clone())
                .maybe_text("FAORRESU", unit)
                .text("FASTRESC", value)
                .maybe_number("FASTRESN", number)
                .maybe_text("FASTRESU", unit);
            lines.push(subject.timing(line, form, on, ("FADTC", "FADY")));
        }
    };
    write(&sheet, identifier.clone());
    for group in groups {
        for (row, n) in Sheet::rows(definition, form, group).into_iter().zip(1..) {
            write(&row, format!("{identifier}-{group}-{n}"));
        }
    }
    debug_assert!(
        dated.is_none_or(|dated| definition.items.iter().any(|item| item.id == dated && is_date(item)))
    );
}

//! CM, EX and PR: lines of systemic therapy, therapy before the trial, and courses of SABR.
//!
//! Never computes a biologically effective dose (that stands in `ADaM`). A line that the arm prescribes from randomisation on is
//! exposure (EX); what was under way, and what came later for another reason, is medication (CM). SDTM Implementation Guide 3.4,
//! section 6.1.

use trial::concept::LESIONS;
use trial::date::PartialDate;
use trial::protocol::Form;
use trial::record::{FilledForm, LineReason};

use super::{Sheet, Subject, layout_of};
use crate::submission::line::{Line, short};
use crate::submission::visit::spid;

/// `CMCAT` of a line of therapy in the trial, by which an import knows it again.
pub(crate) const SYSTEMIC: &str = "SYSTEMIC ANTICANCER THERAPY";
/// `CMCAT` of therapy before the trial.
pub(crate) const PRIOR: &str = "PRIOR ANTICANCER THERAPY";
/// `PRCAT` of a course of SABR.
pub(crate) const RADIOTHERAPY: &str = "RADIOTHERAPY";
const SABR: &str = "STEREOTACTIC ABLATIVE BODY RADIOTHERAPY";

/// A line of systemic therapy: EX where the arm prescribes it, else CM.
pub(super) fn line<'s>(subject: &Subject<'_, 's>, form: &FilledForm, definition: &'s Form) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let read = subject.record.lines.iter().find(|line| line.event == form.event);
    let drugs = sheet.take("CMTRT").unwrap_or_else(|| "UNKNOWN".into());
    let reason = sheet.take("CMREAS");
    let (start, end) = (sheet.take_date("CMSTDAT"), sheet.take_date("CMENDAT"));
    if read.is_some_and(|line| line.reason == LineReason::Protocol) {
        let line = Subject::line("EX", form)
            .text("EXSPID", spid(&form.instance))
            .text("EXTRT", drugs)
            .text("EXCAT", SYSTEMIC);
        let line = sheet.finish(subject.study, layout_of("EX"), line, "CRF");
        return spanned(subject, line, start, end, ["EXSTDTC", "EXENDTC", "EXSTDY", "EXENDY"]);
    }
    let mut line = Subject::line("CM", form)
        .text("CMSPID", spid(&form.instance))
        .text("CMTRT", drugs)
        .text("CMCAT", SYSTEMIC);
    if let Some(reason) = reason {
        let label = label(definition, "CMREAS", "Reason the Line Began");
        line.supplement("CMREAS", label, reason, "CRF");
    }
    medication(subject, sheet, line, start, end)
}

/// CM: therapy before the trial.
pub(super) fn prior<'s>(subject: &Subject<'_, 's>, form: &FilledForm, definition: &'s Form) -> Line<'s> {
    let mut sheet = Sheet::of(definition, form);
    let (start, end) = (sheet.take_date("CMSTDAT"), sheet.take_date("CMENDAT"));
    let line = Subject::line("CM", form)
        .text("CMSPID", spid(&form.instance))
        .text("CMTRT", sheet.take("CMTRT").unwrap_or_else(|| "UNKNOWN".into()))
        .text("CMCAT", PRIOR)
        .maybe_text("CMSCAT", sheet.take("CMCAT"));
    medication(subject, sheet, line, start, end)
}

fn medication<'s>(
    subject: &Subject<'_, 's>,
    sheet: Sheet<'_, 's>,
    line: Line<'s>,
    start: Option<PartialDate>,
    end: Option<PartialDate>,
) -> Line<'s> {
    let line = sheet.finish(subject.study, layout_of("CM"), line, "CRF");
    let line = spanned(subject, line, start, end, ["CMSTDTC", "CMENDTC", "CMSTDY", "CMENDY"]);
    match subject.ended().filter(|_| end.is_none()) {
        Some(ended) => line.text("CMENRTPT", "ONGOING").date("CMENTPT", Some(ended)),
        None => line,
    }
}

fn spanned<'s>(
    subject: &Subject<'_, 's>,
    line: Line<'s>,
    start: Option<PartialDate>,
    end: Option<PartialDate>,
    [stdtc, endtc, stdy, endy]: [&'static str; 4],
) -> Line<'s> {
    let epoch = subject.epoch(start);
    line.maybe_text("EPOCH", epoch)
        .date(stdtc, start)
        .date(endtc, end)
        .maybe_number(stdy, subject.dy(start))
        .maybe_number(endy, subject.dy(end))
}

/// PR: one record for each lesion of a course of SABR, the course being their group.
pub(super) fn sabr<'s>(
    subject: &Subject<'_, 's>,
    form: &FilledForm,
    definition: &'s Form,
    lines: &mut Vec<Line<'s>>,
) {
    let mut course = Sheet::of(definition, form);
    let (start, end) = (course.take_date("PRSTDAT"), course.take_date("PRENDAT"));
    for mut row in Sheet::rows(definition, form, LESIONS) {
        let lesion = row.take("TULNKID");
        let (dose, fractions) = (row.take_number("PRDOSFRX"), row.take_number("PRNFRX"));
        let location = lesion.as_deref().and_then(|lesion| location(subject, lesion));
        let mut line = Subject::line("PR", form)
            .text("PRGRPID", spid(&form.instance))
            .text("PRSPID", spid(&form.instance))
            .maybe_text("PRLNKID", lesion)
            .text("PRTRT", SABR)
            .text("PRDECOD", "STEREOTACTIC RADIOTHERAPY")
            .text("PRCAT", RADIOTHERAPY)
            // A dose of a few decimals times a count: to a hundred-thousandth, so that 3 x 8.1 is 24.3 and not a hair more.
            .maybe_number("PRDOSE", dose.zip(fractions).map(|(d, n)| (d * n * 1e5).round() / 1e5))
            .maybe_text("PRDOSU", dose.map(|_| "Gy"))
            .maybe_text("PRLOC", location);
        for (name, value, instead) in
            [("PRDOSFRX", dose, "Dose per Fraction (Gy)"), ("PRNFRX", fractions, "Number of Fractions")]
        {
            if let Some(value) = value {
                line.supplement(name, instead, value.to_string(), "CRF");
            }
        }
        line = row.finish(subject.study, layout_of("PR"), line, "CRF");
        let of_course = Sheet { items: course.items, values: course.values, taken: course.taken.clone() };
        line = of_course.finish(subject.study, layout_of("PR"), line, "CRF");
        lines.push(spanned(subject, line, start, end, ["PRSTDTC", "PRENDTC", "PRSTDY", "PRENDY"]));
    }
}

/// Where a lesion lies, as the assessments name it.
fn location(subject: &Subject<'_, '_>, lesion: &str) -> Option<String> {
    let readings = subject.record.assessments.iter().flat_map(|assessment| &assessment.readings);
    let known = readings.filter(|reading| reading.lesion.as_str() == lesion && !reading.location.is_empty());
    known.map(|reading| reading.location.clone()).next()
}

fn label<'s>(definition: &'s Form, item: &str, instead: &'s str) -> std::borrow::Cow<'s, str> {
    let known = definition.items.iter().find(|known| known.id == item);
    known.map_or(instead.into(), |known| short(&known.label, 40))
}

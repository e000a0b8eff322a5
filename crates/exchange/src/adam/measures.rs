//! ADAE, ADEX, ADQS, ADRS and ADTR: what was graded, given, answered, judged and measured.

use trial::date::PartialDate;
use trial::event::Seq;
use trial::factb::score;
use trial::progression::{Kind, Known};
use trial::recist::{NewLesion, Timepoint};
use trial::record::{FilledForm, LesionRole};
use trial::sabr::dose;
use trial::safety::{emergent, expedited, related_to};
use trial::strategy::Verdict;

use super::source::{Sources, from};
use super::{Named, ady, begin, dated, imputed, parameter, why};
use crate::sdtm_out::Subject;
use crate::submission::line::{Line, Value};

/// ADAE: one record an adverse event, with what the tables of safety ask of it.
pub(super) fn adverse_events<'s>(
    subject: &Subject<'_, 's>,
    sources: &Sources<'_, 's>,
    lines: &mut Vec<Line<'s>>,
) {
    let rules = &subject.study.protocol.safety;
    for event in &subject.record.adverse_events {
        let Some(ae) = sources.made_from(event.event, "AE").next() else { continue };
        let start = event.start.map(|start| start.impute_onset(subject.start));
        let end = event.end.map(|end| end.impute_end(subject.study.facts.cut));
        let related = related_to(rules, event);
        let labels: Vec<&str> =
            related.iter().filter_map(|item| rules.attributed_to.get(*item)).map(String::as_str).collect();
        let treated = subject.start.map(|start| emergent(event, start));
        let yes = |is: bool| if is { "Y" } else { "N" };
        let mut line = begin(subject, "ADAE", Some(event.event)).number("AESEQ", ae.seq);
        for name in ["AETERM", "AEDECOD", "AEBODSYS", "AESER", "AEREL", "AETOXGR"] {
            line.put_text(name, ae.words(name).to_owned());
        }
        line = line.maybe_number("ATOXGRN", event.grade);
        line = imputed(line, ["ASTDT", "ASTDTF"], start);
        line = imputed(line, ["AENDT", "AENDTF"], end);
        line = line
            .maybe_number("ASTDY", ady(subject, start.map(|start| start.date)))
            .maybe_text("TRTEMFL", treated.map(yes))
            .text("RELFL", yes(!related.is_empty()))
            .text("RELTO", labels.join(", "))
            .text("EXPEDFL", yes(expedited(rules, event)));
        lines.push(line);
    }
}

/// ADEX: what each lesion of each course of SABR got, in physical and in biologically effective dose.
pub(super) fn exposure<'s>(subject: &Subject<'_, 's>, sdtm: &[Line<'s>], lines: &mut Vec<Line<'s>>) {
    let rules = &subject.study.protocol.sabr;
    let mut given = sdtm.iter().filter(|line| line.set == "PR").collect::<Vec<_>>();
    for course in &subject.record.sabr {
        for lesion in &course.lesions {
            let place = given.iter().position(|line| {
                line.event == Some(course.event) && line.words("PRLNKID") == lesion.lesion.as_str()
            });
            let Some(procedure) = place.map(|place| given.remove(place)) else { continue };
            let dose = dose(rules, lesion.fraction_gy, lesion.fractions);
            // A factor of a few decimals times a count, as the record of PR has it.
            let total = match procedure.get("PRDOSE") {
                Some(Value::Number(total)) => *total,
                _ => dose.total_gy,
            };
            let values: [(Named, f64); 7] = [
                (("DOSETOT", "Total Dose (Gy)", 1), total),
                (("DOSEFX", "Dose per Fraction (Gy)", 2), lesion.fraction_gy),
                (("NFRAC", "Number of Fractions", 3), f64::from(lesion.fractions)),
                (("BEDTUM", "Biologically Effective Dose, Tumour (Gy)", 4), dose.bed_tumour),
                (("EQD2TUM", "Equivalent Dose in 2 Gy Fractions, Tumour (Gy)", 5), dose.eqd2_tumour),
                (("BEDLATE", "Biologically Effective Dose, Late-Reacting Tissue (Gy)", 6), dose.bed_late),
                (
                    ("EQD2LATE", "Equivalent Dose in 2 Gy Fractions, Late-Reacting Tissue (Gy)", 7),
                    dose.eqd2_late,
                ),
            ];
            for (named, value) in values {
                let line = parameter(begin(subject, "ADEX", Some(course.event)), named)
                    .number("AVAL", value)
                    .day("ASTDT", Some(course.start))
                    .day("AENDT", course.end)
                    .maybe_number("ASTDY", ady(subject, Some(course.start)))
                    .maybe_text("ONTRTFL", subject.start.filter(|start| course.start >= *start).map(|_| "Y"))
                    .text("PRLNKID", lesion.lesion.to_string())
                    .text("PRLOC", procedure.words("PRLOC").to_owned());
                lines.push(from(line, Some(procedure), "PRDOSE"));
            }
        }
    }
}

/// The scores of FACT-B.
const SCORES: [Named; 8] = [
    ("FACTBTOT", "FACT-B Total Score", 1),
    ("PWB", "Physical Well-Being", 2),
    ("SWB", "Social/Family Well-Being", 3),
    ("EWB", "Emotional Well-Being", 4),
    ("FWB", "Functional Well-Being", 5),
    ("BCS", "Breast Cancer Subscale", 6),
    ("FACTG", "FACT-G Total Score", 7),
    ("TOI", "FACT-B Trial Outcome Index", 8),
];

/// ADQS: the scores of each questionnaire, and the areas under the curve of the total.
pub(super) fn quality<'s>(subject: &Subject<'_, 's>, sources: &Sources<'_, 's>, lines: &mut Vec<Line<'s>>) {
    if subject.start.is_none() {
        return;
    }
    let week_of =
        |event: Seq| subject.values.questionnaires.iter().find(|(_, of)| *of == event).map(|(week, _)| *week);
    let scored = |answers: &trial::record::FactBAnswers| {
        let s = score(&answers.answers);
        [s.total, s.pwb, s.swb, s.ewb, s.fwb, s.bcs, s.fact_g, s.toi]
    };
    let baseline = subject.record.factb.iter().find(|answers| week_of(answers.event) == Some(0));
    let base = baseline.map(scored);
    for answers in &subject.record.factb {
        let week = week_of(answers.event);
        let first = sources.made_from(answers.event, "QS").min_by_key(|line| line.seq);
        for ((named, value), place) in SCORES.into_iter().zip(scored(answers)).zip(0..) {
            let is_base = week == Some(0);
            let base = base.and_then(|base| base[place]);
            let line = parameter(begin(subject, "ADQS", Some(answers.event)), named)
                .maybe_number("AVAL", value)
                .maybe_number("BASE", base)
                .maybe_number("CHG", value.zip(base).filter(|_| !is_base).map(|(value, base)| value - base))
                .maybe_text("ABLFL", (is_base && value.is_some()).then_some("Y"));
            let line = dated(subject, line, answers.date)
                .maybe_text(
                    "AVISIT",
                    week.map(|week| if week == 0 { "BASELINE".into() } else { format!("WEEK {week}") }),
                )
                .maybe_number("AVISITN", week)
                .text("VISIT", first.map_or("", |first| first.words("VISIT")).to_owned())
                .maybe_number("VISITNUM", first.and_then(|first| numeric(first, "VISITNUM")))
                .maybe_text("ANL01FL", week.map(|_| "Y"));
            lines.push(from(line, first, "QSSTRESN"));
        }
    }
    let main = subject.values.area.iter().map(|area| (area, 9_u32));
    let others = subject.values.areas.iter().zip((11_u32..).step_by(2));
    for (area, number) in main.chain(others.filter_map(|(area, n)| Some((area.as_ref()?, n)))) {
        let rank = (number - 9) / 2;
        let tail = if rank == 0 { String::new() } else { format!("S{rank}") };
        let label = match rank.checked_sub(1) {
            None => String::new(),
            Some(of) => subject
                .study
                .protocol
                .quality_of_life
                .as_ref()
                .and_then(|rule| rule.sensitivity.get(of as usize))
                .map_or_else(String::new, |switch| format!(", {}", switch.label)),
        };
        // The last questionnaire of the area; a death that ends it is in TRACE.
        let questionnaire = |event: &Seq| sources.made_from(*event, "QS").min_by_key(|line| line.seq);
        let first = area.events.iter().rev().find_map(questionnaire);
        for (code, name, value, number) in [
            ("AUC", "FACT-B Total, Area under the Curve (Score-Weeks)", area.score_weeks, number),
            ("AVG", "FACT-B Total, Time-Averaged Score", area.average, number + 1),
        ] {
            let line = begin(subject, "ADQS", None)
                .text("PARAMCD", format!("{code}{tail}"))
                .text("PARAM", crate::submission::line::short(&format!("{name}{label}"), 200).into_owned())
                .number("PARAMN", number)
                .number("AVAL", value)
                .text("ANL01FL", "Y");
            lines.push(why(from(line, first, "QSSTRESN"), &area.rule).rests_on(&area.events));
        }
    }
}

fn numeric(line: &Line<'_>, name: &str) -> Option<f64> {
    match line.get(name) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

/// A record of ADRS at an assessment.
fn at_assessment<'s>(
    subject: &Subject<'_, 's>,
    sources: &Sources<'_, 's>,
    timepoint: &Timepoint,
    named: Named,
    (test, response): (&'static str, &'static str),
) -> Line<'s> {
    let source = sources.saying(timepoint.event, "RS", "RSTESTCD", test);
    let line = parameter(begin(subject, "ADRS", Some(timepoint.event)), named).text("AVALC", response);
    let line = dated(subject, line, timepoint.date)
        .text("VISIT", source.map_or("", |source| source.words("VISIT")).to_owned())
        .maybe_number("VISITNUM", source.and_then(|source| numeric(source, "VISITNUM")))
        .text("ANL01FL", "Y");
    from(line, source, "RSSTRESC")
}

/// ADRS: the responses at each assessment, the best of them, the first progression, and what each progression did to the strategy.
pub(super) fn responses<'s>(subject: &Subject<'_, 's>, sources: &Sources<'_, 's>, lines: &mut Vec<Line<'s>>) {
    if subject.start.is_none() {
        return;
    }
    let derived = &subject.values.derived;
    for timepoint in derived.series.iter().flat_map(|series| &series.timepoints) {
        let overall = ("OVRLRESP", timepoint.overall.as_str());
        let line = at_assessment(
            subject,
            sources,
            timepoint,
            ("OVRLRESP", "Overall Response by Investigator", 1),
            overall,
        );
        lines.push(why(line, &timepoint.reason));
        let new = (timepoint.new_lesion != NewLesion::None).then(|| timepoint.new_lesion.as_str());
        let others: [(Named, &'static str, Option<&'static str>); 3] = [
            (
                ("TRGRESP", "Target Response by Investigator", 2),
                "TRGRESP",
                timepoint.target.map(trial::recist::TargetResponse::as_str),
            ),
            (
                ("NTRGRESP", "Non-target Response by Investigator", 3),
                "NTRGRESP",
                timepoint.non_target.map(trial::recist::NonTargetResponse::as_str),
            ),
            (("NEWLPROG", "New Lesion Progression by Investigator", 4), "NEWLPROG", new),
        ];
        for (named, test, response) in others {
            if let Some(response) = response {
                lines.push(at_assessment(subject, sources, timepoint, named, (test, response)));
            }
        }
    }
    if let Some(best) = &subject.values.best {
        let shown = best.events.last().copied();
        let source = shown.and_then(|event| sources.saying(event, "RS", "RSTESTCD", "OVRLRESP"));
        let line =
            parameter(begin(subject, "ADRS", None), ("BOR", "Best Overall Response by Investigator", 5))
                .text("AVALC", best.value.as_str())
                .text("ANL01FL", "Y");
        let on =
            source.and_then(|source| PartialDate::parse(source.words("RSDTC")).ok()).map(PartialDate::first);
        let line = match on {
            Some(on) => dated(subject, line, on),
            None => line,
        };
        lines.push(from(line, source, "RSSTRESC").rests_on(&best.events));
    }
    if let Some(first) = &derived.first_progression {
        let kind = match (first.known, first.kind) {
            (Known::Clinical, _) => "CLINICAL",
            (_, Kind::Oligo) => "OLIGOPROGRESSION",
            (_, Kind::Poly) => "POLYPROGRESSION",
            (_, Kind::Unplaced) => "PROGRESSION",
        };
        let line =
            parameter(begin(subject, "ADRS", None), ("PROG", "First Progression after Randomisation", 6))
                .text("AVALC", kind)
                .text("ANL01FL", "Y");
        let source = sources.of_day(&first.events, first.date);
        let line = dated(subject, line, first.date);
        let line = from(line, source.map(|(line, _)| line), source.map_or("", |(_, variable)| variable));
        lines.push(why(line, &first.reason).rests_on(&first.events));
    }
    for episode in derived.strategy.iter().flat_map(|course| &course.episodes) {
        let verdict = match episode.verdict {
            Verdict::Held => "HELD",
            Verdict::Failed => "FAILED",
            Verdict::Pending => "PENDING",
        };
        let progression = &episode.progression;
        let line =
            parameter(begin(subject, "ADRS", None), ("STRATEGY", "Treatment Strategy at a Progression", 7))
                .text("AVALC", verdict)
                .text("ANL01FL", "Y");
        let source = sources.of_day(&progression.events, progression.date);
        let line = dated(subject, line, progression.date);
        let line = from(line, source.map(|(line, _)| line), source.map_or("", |(_, variable)| variable));
        lines.push(why(line, &episode.why).rests_on(&episode.events));
    }
}

/// ADTR: the sum of diameters and the size of each lesion, at the baseline and after it.
pub(super) fn sizes<'s>(subject: &Subject<'_, 's>, sources: &Sources<'_, 's>, lines: &mut Vec<Line<'s>>) {
    const SUM: Named = ("SUMDIAM", "Sum of Diameters (mm)", 1);
    const SIZE: Named = ("DIAMETER", "Diameter of a Lesion (mm)", 2);
    let (Some(series), Some(_)) = (&subject.values.derived.series, subject.start) else { return };
    let form_of = |event: Seq| trial::calendar::form_of(subject.record, event);
    let at = |named: Named, event: Seq, on: jiff::civil::Date| {
        let line = parameter(begin(subject, "ADTR", Some(event)), named);
        let visit = form_of(event).and_then(|form: &FilledForm| subject.visit(form));
        let line = dated(subject, line, on);
        match visit {
            Some(visit) => line.text("VISIT", visit.name).number("VISITNUM", visit.number),
            None => line,
        }
    };
    let base = series.baseline.sum_mm;
    if let Some(sum) = base {
        let event = series.baseline.event;
        let source = sources.saying(event, "TR", "TRTESTCD", "SUMDIAM");
        let line = at(SUM, event, series.baseline.date);
        let line = line.number("AVAL", exact(sum)).number("BASE", exact(sum)).text("ABLFL", "Y");
        lines.push(from(line, source, "TRSTRESN"));
    }
    for timepoint in &series.timepoints {
        let Some(sum) = timepoint.sum_mm else { continue };
        let source = sources.saying(timepoint.event, "TR", "TRTESTCD", "SUMDIAM");
        // A change is one only where both sums are whole, and then the house has derived it.
        let change = timepoint.change.zip(base);
        let line = at(SUM, timepoint.event, timepoint.date)
            .number("AVAL", exact(sum))
            .maybe_number("BASE", base.map(exact))
            .maybe_number("CHG", change.map(|(_, base)| exact(sum - base)))
            .maybe_number("PCHG", change.map(|(change, _)| 100.0 * change))
            .maybe_number("NADIR", timepoint.nadir_mm.map(exact));
        lines.push(from(line, source, "TRSTRESN"));
    }
    let points = series.timepoints.iter().map(|point| (point.event, point.date, &point.lesions));
    let first = (series.baseline.event, series.baseline.date, &series.baseline.lesions);
    for (event, on, lesions) in std::iter::once(first).chain(points) {
        for point in lesions {
            let Some(size) = point.size_mm else { continue };
            // A lesion that split is measured by its parts.
            let source = std::iter::once(&point.lesion).chain(&point.parts).find_map(|lesion| {
                sources.made_from(event, "TR").find(|line| line.words("TRLNKID") == lesion.as_str())
            });
            let base = series.baseline.lesions.iter().find(|known| known.lesion == point.lesion);
            let base = base.and_then(|known| known.size_mm);
            let role = match point.role {
                LesionRole::Target => "TARGET",
                LesionRole::NonTarget => "NON-TARGET",
                LesionRole::New => "NEW",
            };
            let is_base = event == series.baseline.event;
            let line = at(SIZE, event, on)
                .text("TRLNKID", point.lesion.to_string())
                .text("TRGRPID", role)
                .number("AVAL", exact(size))
                .maybe_number("BASE", base.map(exact))
                .maybe_number("CHG", base.filter(|_| !is_base).map(|base| exact(size - base)))
                .maybe_number("NADIR", point.nadir_mm.filter(|_| !is_base).map(exact))
                .maybe_text("ABLFL", is_base.then_some("Y"))
                .maybe_text("PROGFL", point.progressing.then_some("Y"));
            lines.push(from(line, source, "TRSTRESN"));
        }
    }
}

/// Sizes are whole micrometres (`trial::recist`): a difference of two has no more digits than they.
fn exact(mm: f64) -> f64 {
    (mm * 1000.0).round() / 1000.0
}

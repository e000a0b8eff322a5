//! Blank case report forms, as they would be filled on paper: codes to tick, units, conditions; on request with the names of CDASH and SDTM.
//!
//! Never words a question of its own: labels are the file's. How an item becomes a record of SDTM stands in one table here, which follows the
//! program's own export.

use maud::{Markup, html};
use trial::condition::Condition;
use trial::eligibility::DERIVED;
use trial::protocol::{Check, Concept, Form, Group, Item, ItemType, Protocol};

use super::{Options, Section, Sheet};

/// A choice not ticked.
pub const OPEN: char = '□';

/// Tells whether a domain of SDTM has a variable of a name.
pub type IsVariable<'f> = &'f dyn Fn(&str, &str) -> bool;

/// Every form of `protocol`, blank. `is_variable` is asked for annotated forms: whether a domain of SDTM has a variable of that name.
pub fn forms(protocol: &Protocol, options: &Options, is_variable: IsVariable<'_>) -> String {
    let kind = if options.annotated { "Case report forms, annotated" } else { "Case report forms" };
    let sheet = Sheet { protocol, kind, mark: "", class: "blank", contents: true };
    let paper = Paper { protocol, options, is_variable };
    let sections: Vec<Section> = protocol
        .forms
        .iter()
        .zip(1..)
        .map(|(form, n)| Section::new(format!("form-{n}"), form.label.clone(), paper.form(form)))
        .collect();
    let facts = [
        ("Protocol file, version", protocol.trial.version.clone()),
        ("Forms", protocol.forms.len().to_string()),
        ("Items", protocol.forms.iter().map(items).sum::<usize>().to_string()),
    ];
    sheet.page(&sheet.opening(&facts), &sections)
}

fn items(form: &Form) -> usize {
    form.items.len() + form.groups.iter().map(|group| group.items.len()).sum::<usize>()
}

struct Paper<'a> {
    protocol: &'a Protocol,
    options: &'a Options,
    is_variable: IsVariable<'a>,
}

impl Paper<'_> {
    fn form(&self, form: &Form) -> Markup {
        html! {
            div.form {
                @if self.options.annotated { p.note { "Form " code { (form.id) } ", SDTM " (domain(form.concept)) } }
                (self.heading(form))
                @if !form.items.is_empty() { (self.table(form, None, &form.items)) }
                @for group in &form.groups {
                    h3 { (group.label) }
                    p.note { "One block for each; copy this block as often as is needed. Block no. ______" }
                    (self.table(form, Some(group), &group.items))
                }
                @if self.options.annotated { (self.checks(form)) }
                (signatures())
            }
        }
    }

    fn heading(&self, form: &Form) -> Markup {
        let visits: Vec<&str> = self
            .protocol
            .schedule
            .visits
            .iter()
            .filter(|visit| visit.forms.contains(&form.id))
            .map(|visit| visit.label.as_str())
            .collect();
        html! {
            table.crf.heading {
                caption { (self.protocol.trial.id) ", version " (self.protocol.trial.version) }
                thead { tr { th scope="col" { "Site" } th scope="col" { "Subject" } th scope="col" { (if visits.is_empty() { "No." } else { "Visit" }) } } }
                tbody { tr { td { "________" } td { "____________" }
                    td { @if visits.is_empty() { "______" @if form.log { " (one form each time)" } }
                        @else { @for visit in visits { span.choice { (OPEN) " " (visit) } " " } @if form.log { " no. ______" } } } } }
            }
        }
    }

    fn table(&self, form: &Form, group: Option<&Group>, items: &[Item]) -> Markup {
        html! {
            table.crf {
                caption { (group.map_or(form.label.as_str(), |group| group.label.as_str())) ": items" }
                thead { tr { th.n scope="col" { "No." } th.ask scope="col" { "Item" } th scope="col" { "Answer" }
                    @if self.options.annotated { th.names scope="col" { "CDASH and SDTM" } } } }
                tbody { @for (n, item) in items.iter().enumerate() {
                    tr { td.n { (n + 1) } th scope="row" { (self.ask(form, group, item)) } td { (answer(item)) }
                        @if self.options.annotated { td.names { code { (item.id) } br; (sdtm(self.protocol, form, &item.id, self.is_variable)) } } }
                } }
            }
        }
    }

    fn ask(&self, form: &Form, group: Option<&Group>, item: &Item) -> Markup {
        html! {
            (item.label) @if let Some(unit) = &item.unit { " (" (unit) ")" }
            @if let Some(when) = &item.when { p.note { "Only if " (condition(self.protocol, form, when)) "." } }
            @if item.required { p.note { (if item.when.is_some() { "Then required." } else { "Required." }) } }
            @if group.is_some_and(|group| group.key.contains(&item.id)) { p.note { "Tells the blocks apart: no two have the same." } }
        }
    }

    fn checks(&self, form: &Form) -> Markup {
        let all: Vec<&Check> =
            form.checks.iter().chain(form.groups.iter().flat_map(|group| &group.checks)).collect();
        html! {
            @if !all.is_empty() {
                table.crf.small {
                    caption { "Edit checks" }
                    thead { tr { th scope="col" { "Must hold" } th scope="col" { "What is said where it does not" } th scope="col" { "Then" } } }
                    tbody { @for check in all {
                        tr { td { (condition(self.protocol, form, &check.condition)) } td { (check.message) }
                            td { (if check.hard { "not saved" } else { "saved, with a query" }) } }
                    } }
                }
            }
        }
    }
}

fn signatures() -> Markup {
    html! {
        table.crf.sign {
            caption { "Filled and signed" }
            thead { tr { th scope="col" { "Filled by" } th scope="col" { "Date" } th scope="col" { "Investigator's signature" } th scope="col" { "Date" } } }
            tbody { tr { td { "________________" } td { "__________" } td { "________________" } td { "__________" } } }
        }
    }
}

/// A condition in words, in brackets of quotation the names of items; as code where it has no words.
pub fn condition(protocol: &Protocol, form: &Form, of: &Condition) -> Markup {
    let name = |name: &str| called(protocol, form, name);
    let code = |name: &str, code: &str| match (find(protocol, form, name).map(|item| item.kind), code) {
        (Some(ItemType::YesNo), "Y") => "Yes".to_owned(),
        (Some(ItemType::YesNo), "N") => "No".to_owned(),
        _ => code.to_owned(),
    };
    let is_date = |name: &str| {
        find(protocol, form, name)
            .is_some_and(|item| matches!(item.kind, ItemType::Date | ItemType::PartialDate))
    };
    html! { @match of.in_words(&name, &code, &is_date) { Some(words) => (words), None => code { (of.as_str()) } } }
}

/// The item that a name of a condition speaks of.
fn find<'p>(protocol: &'p Protocol, form: &'p Form, name: &str) -> Option<&'p Item> {
    let of = |form: &'p Form, id: &str| {
        form.items.iter().chain(form.groups.iter().flat_map(|group| &group.items)).find(|item| item.id == id)
    };
    match name.split_once('.') {
        Some((other, id)) => of(protocol.forms.iter().find(|known| known.id == other)?, id),
        None => of(form, name),
    }
}

/// What a name of a condition is called: `“With a CDK4/6 inhibitor”`; with its form, where that is another.
fn called(protocol: &Protocol, form: &Form, name: &str) -> String {
    if let Some(derived) =
        name.strip_prefix("derived.").and_then(|id| DERIVED.iter().find(|known| known.name == id))
    {
        return format!("({})", derived.meaning);
    }
    let Some(item) = find(protocol, form, name) else { return format!("“{name}”") };
    match name.split_once('.') {
        Some((other, _)) if other != form.id => {
            format!("“{}” of {}", item.label, super::plan::form_label(protocol, other))
        }
        _ => format!("“{}”", item.label),
    }
}

/// So many whole numbers are ticked; more are written.
const MOST_TICKED: f64 = 10.0;

/// Where the answer goes.
fn answer(item: &Item) -> Markup {
    let date = html! { span.fill { "□□□□ \u{2212} □□ \u{2212} □□" } p.note { "year, month, day" @if item.kind == ItemType::PartialDate { "; what is not known stays empty" } } };
    let range = range(item);
    match item.kind {
        ItemType::Text => html! { "______________________________" },
        ItemType::Date | ItemType::PartialDate => date,
        ItemType::YesNo => choices(&["Yes".to_owned(), "No".to_owned()]),
        ItemType::Code => choices(&item.codes),
        ItemType::Integer => match ticked(item) {
            Some(numbers) => choices(&numbers),
            None => {
                html! { span.fill { (boxes(item)) } @if let Some(unit) = &item.unit { " " (unit) } @if let Some(range) = range { p.note { (range) } } }
            }
        },
        ItemType::Decimal => {
            html! { span.fill { "______ . ___" } @if let Some(unit) = &item.unit { " " (unit) } @if let Some(range) = range { p.note { (range) } } }
        }
    }
}

/// The whole numbers from the least to the greatest, where they are few.
#[allow(clippy::cast_possible_truncation)] // few and whole
fn ticked(item: &Item) -> Option<Vec<String>> {
    let (least, most) = (item.min?.ceil(), item.max?.floor());
    let few = least.is_finite()
        && most.is_finite()
        && most >= least
        && most - least <= MOST_TICKED
        && least.abs() < 1e9;
    few.then(|| (least as i64..=most as i64).map(|n| n.to_string()).collect())
}

/// One box a digit.
fn boxes(item: &Item) -> String {
    let digits =
        item.max.filter(|most| (1.0..1e9).contains(most)).map_or(6, |most| format!("{most:.0}").len());
    std::iter::repeat_n(OPEN, digits).collect()
}

fn range(item: &Item) -> Option<String> {
    match (item.min, item.max) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("{least} or more")),
        (None, Some(most)) => Some(format!("{most} or less")),
        (None, None) => None,
    }
}

fn choices(codes: &[String]) -> Markup {
    html! { @for code in codes { span.choice { (OPEN) " " (code) } " " } }
}

/// The domain that most of a form goes to.
fn domain(concept: Concept) -> &'static str {
    match concept {
        Concept::Demography => "DM",
        Concept::DiseaseHistory => "MH and FA",
        Concept::PriorTherapy => "CM",
        Concept::Ecog => "RS",
        Concept::Consent | Concept::Withdrawal => "DS",
        Concept::TumourAssessment => "TU and TR",
        Concept::ClinicalProgression => "CE",
        Concept::SabrCourse => "PR",
        Concept::SystemicTherapy => "CM and EX",
        Concept::AdverseEvent => "AE",
        Concept::FactB => "QS",
        Concept::StrategyDecision | Concept::Custom => "FA",
        Concept::Deviation => "DV",
        Concept::Death => "DS and DD",
        Concept::LastContact => "SS",
    }
}

/// Where an item stands in SDTM, as the program exports it (Implementation Guide 3.4).
pub fn sdtm(protocol: &Protocol, form: &Form, id: &str, is_variable: IsVariable<'_>) -> String {
    let named = |domain: &str| {
        if is_variable(domain, id) {
            format!("{domain}.{id}")
        } else {
            format!("SUPP{domain}.QVAL (QNAM of {id})")
        }
    };
    let finding = |domain: &str, code: &str| format!("{domain}.{domain}ORRES ({domain}TESTCD = {code})");
    let attributed = protocol.safety.attributed_to.contains_key(id) && id != "AEREL";
    let fixed = match (form.concept, id) {
        (Concept::Demography, "BRTHYY") => "DM.BRTHDTC",
        (Concept::Consent, "RFICDAT") => "DM.RFICDTC; DS.DSSTDTC",
        (Concept::DiseaseHistory, "MHSTDAT" | "MHMETDAT") => "MH.MHSTDTC",
        (Concept::PriorTherapy, "CMSTDAT") => "CM.CMSTDTC",
        (Concept::PriorTherapy, "CMENDAT") => "CM.CMENDTC",
        (Concept::PriorTherapy, "CMCAT") => "CM.CMSCAT",
        (Concept::SystemicTherapy, "CMTRT") => "CM.CMTRT; EX.EXTRT where the arm prescribes it",
        (Concept::SystemicTherapy, "CMREAS") => "SUPPCM.QVAL (QNAM of CMREAS)",
        (Concept::SystemicTherapy, "CMSTDAT") => "CM.CMSTDTC; EX.EXSTDTC",
        (Concept::SystemicTherapy, "CMENDAT") => "CM.CMENDTC; EX.EXENDTC",
        (Concept::Ecog, "QSDAT") => "RS.RSDTC",
        (Concept::Ecog, "ECOG") => "RS.RSORRES (RSTESTCD = ECOG101)",
        (Concept::TumourAssessment, "TRDAT") => "TU.TUDTC; TR.TRDTC",
        (Concept::TumourAssessment, "TREVAL") => "TU.TUEVAL; TR.TREVAL",
        (Concept::TumourAssessment, "TRMETHOD") => "TU.TUMETHOD; TR.TRMETHOD",
        (Concept::TumourAssessment, "TULNKID") => "TU.TULNKID; TR.TRLNKID",
        (Concept::TumourAssessment, "TUORRES") => "TU.TUORRES; TR.TRGRPID",
        (Concept::TumourAssessment, "TULOC") => "TU.TULOC",
        (Concept::TumourAssessment, "SPLITFROM") => "SUPPTU.QVAL (QNAM = SPLITFRM)",
        (Concept::TumourAssessment, "MERGEDINTO") => "SUPPTR.QVAL (QNAM = MERGEDTO)",
        (Concept::ClinicalProgression, "CEDAT") => "CE.CESTDTC",
        (Concept::SabrCourse, "PRSTDAT") => "PR.PRSTDTC",
        (Concept::SabrCourse, "PRENDAT") => "PR.PRENDTC",
        (Concept::SabrCourse, "TULNKID") => "PR.PRLNKID",
        (Concept::SabrCourse, "PRDOSFRX") => "SUPPPR.QVAL (QNAM = PRDOSFRX); in PR.PRDOSE",
        (Concept::SabrCourse, "PRNFRX") => "SUPPPR.QVAL (QNAM = PRNFRX); in PR.PRDOSE",
        (Concept::AdverseEvent, "AESTDAT") => "AE.AESTDTC",
        (Concept::AdverseEvent, "AEENDAT") => "AE.AEENDTC",
        (Concept::FactB, "QSDAT") => "QS.QSDTC",
        (Concept::StrategyDecision, "DECDAT") => "FA.FADTC",
        (Concept::Deviation, "DVSTDAT") => "DV.DVSTDTC",
        (Concept::Withdrawal, "DSSTDAT") => "DS.DSSTDTC",
        (Concept::Withdrawal, "DSDECOD") => "DS.DSTERM; DS.DSDECOD",
        (Concept::Death, "DTHDAT") => "DM.DTHDTC; DS.DSSTDTC",
        (Concept::Death, "DTHCAUS") => "DD.DDORRES (DDTESTCD = PRCDTH)",
        (Concept::LastContact, "SSDAT") => "SS.SSDTC",
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_owned();
    }
    match form.concept {
        Concept::TumourAssessment if matches!(id, "DIAMETER" | "TUMSTATE") => finding("TR", id),
        Concept::FactB => finding("QS", id),
        Concept::DiseaseHistory | Concept::StrategyDecision | Concept::Custom => finding("FA", id),
        Concept::AdverseEvent if attributed => {
            format!("SUPPAE.QVAL (QNAM of {id}); the strongest in AE.AEREL")
        }
        Concept::Demography => named("DM"),
        Concept::PriorTherapy | Concept::SystemicTherapy => named("CM"),
        Concept::Ecog => named("RS"),
        Concept::Consent | Concept::Withdrawal | Concept::Death => named("DS"),
        Concept::TumourAssessment => named("TR"),
        Concept::ClinicalProgression => named("CE"),
        Concept::SabrCourse => named("PR"),
        Concept::AdverseEvent => named("AE"),
        Concept::Deviation => named("DV"),
        Concept::LastContact => named("SS"),
    }
}

//! A subject's eligibility: every criterion as proven, failed or unknown, with what was found, what is missing and where it is entered.
//!
//! Never judges: `trial::eligibility` does, under the version in force, or of whoever was randomised the one in force then. The proof
//! is the same on the page that randomises.

use axum::extract::Query;
use maud::{Markup, html};
use office::Folder;
use people::permission::Act;
use serde::Deserialize;
use serde_json::Value;
use trial::calendar::form_of;
use trial::derive::ruling;
use trial::eligibility::{DERIVED, Evidence, Judged, Judgement, entered_at, evidence, judge, stratum};
use trial::event::{Instance, Seq};
use trial::form::entry::text;
use trial::protocol::{Concept, Criterion, CriterionKind, ItemType, Protocol};

use crate::page::parts::{self, moment};
use crate::web::access::Chart;
use crate::web::address;
use crate::web::fault::Answer;
use crate::web::shell::{self, Place};

/// What must be proven before an arm is drawn, as far as it is.
pub(crate) struct Proof<'a> {
    chart: &'a Chart,
    folder: &'a Folder,
    pub(crate) protocol: &'a Protocol,
    evidence: Evidence,
    judged: Vec<Judged>,
    stratum: Result<Vec<(String, String)>, Vec<String>>,
}

impl<'a> Proof<'a> {
    pub(crate) fn of(chart: &'a Chart, folder: &'a Folder) -> Self {
        let record = &folder.record;
        let protocol = ruling(&folder.history, record);
        Self {
            chart,
            folder,
            protocol,
            evidence: evidence(protocol, record),
            judged: judge(protocol, record),
            stratum: stratum(protocol, record),
        }
    }

    fn count(&self, of: fn(&Judgement) -> bool) -> usize {
        self.judged.iter().filter(|judged| of(&judged.judgement)).count()
    }

    fn failed(&self) -> usize {
        self.count(|judgement| *judgement == Judgement::NotMet)
    }

    fn unknown(&self) -> usize {
        self.count(|judgement| matches!(judgement, Judgement::Unknown { .. }))
    }

    /// Nothing is left to prove. The office asks all of it again, and more, inside the transaction that draws.
    pub(crate) fn is_whole(&self) -> bool {
        let record = &self.folder.record;
        let here = record.withdrawal.is_none() && record.death.is_none();
        self.failed() == 0 && self.unknown() == 0 && record.consent.is_some() && self.stratum.is_ok() && here
    }

    /// How far the proof is, in a sentence.
    fn sum(&self) -> Markup {
        let (all, failed, unknown) = (self.judged.len(), self.failed(), self.unknown());
        let look = if failed > 0 {
            "notice bad"
        } else if self.is_whole() {
            "notice good"
        } else {
            "notice warn"
        };
        let met = all - failed - unknown;
        html! {
            div class=(look) {
                p {
                    @if failed > 0 { b { "Not eligible: " (failed) " of " (all) " criteria failed. " } }
                    @else if self.is_whole() { b { "Eligible: all " (all) " criteria are proven. " } }
                    @else { b { "Not proven yet. " } }
                    (met) " proven, " (failed) " failed, " (unknown) " unknown."
                }
                @if let Some(left) = &self.folder.record.withdrawal { p { "The subject left on " (parts::day(left.date)) " and cannot be randomised." } }
                @if let Some(death) = &self.folder.record.death { p { "The subject died (" (parts::partial(death.date)) ") and cannot be randomised." } }
            }
        }
    }

    /// The whole proof: the criteria that hinder first, then consent and strata, then what is proven.
    pub(crate) fn shown(&self) -> Markup {
        let of = |wanted: fn(&Judgement) -> bool| -> Vec<_> {
            self.judged.iter().filter(|judged| wanted(&judged.judgement)).collect()
        };
        let failed = of(|judgement| *judgement == Judgement::NotMet);
        let unknown = of(|judgement| matches!(judgement, Judgement::Unknown { .. }));
        let met = of(|judgement| *judgement == Judgement::Met);
        html! {
            (self.sum())
            (self.section("failed", "Failed", &failed))
            (self.section("unknown", "Unknown", &unknown))
            section.card aria-labelledby="strata" {
                h2 #strata { "Consent and strata" }
                dl.judged { (self.consent()) (self.strata()) }
            }
            (self.section("proven", "Proven", &met))
        }
    }

    fn section(&self, id: &str, title: &str, judged: &[&Judged]) -> Markup {
        html! {
            @if !judged.is_empty() {
                section.card aria-labelledby=(id) {
                    h2 id=(id) { (title) " " span.soft { "(" (judged.len()) ")" } }
                    dl.judged { @for judged in judged { (self.criterion(judged)) } }
                }
            }
        }
    }

    fn criterion(&self, judged: &Judged) -> Markup {
        let (look, word) = match judged.judgement {
            Judgement::Met => ("chip good", "✓ proven"),
            Judgement::NotMet => ("chip bad", "✕ failed"),
            Judgement::Unknown { .. } => ("chip warn", "? unknown"),
        };
        let stated = self.protocol.eligibility.iter().find(|criterion| criterion.id == judged.id);
        html! {
            dt { span class=(look) { (word) } }
            dd {
                b { (judged.id) } " "
                @if stated.is_some_and(|criterion| criterion.kind == CriterionKind::Exclusion) { span.soft { "must not be: " } }
                (judged.text)
                @if let Judgement::Unknown { missing } = &judged.judgement { (self.missing(missing)) }
                @if let Some(criterion) = stated { (self.found(criterion)) }
            }
        }
    }

    /// What is missing, with the way to where it is entered.
    fn missing(&self, names: &[String]) -> Markup {
        html! {
            p.soft-fault {
                "Missing: "
                @for (index, name) in names.iter().enumerate() { @if index > 0 { "; " } (self.named(name)) }
            }
        }
    }

    /// What the criterion rests on, with the way to the forms.
    fn found(&self, criterion: &Criterion) -> Markup {
        let known = criterion
            .condition
            .names()
            .iter()
            .filter_map(|name| Some((name, self.evidence.facts.get(name)?)));
        let known: Vec<_> = known.collect();
        html! {
            @if !known.is_empty() {
                p.soft {
                    "Found: "
                    @for (index, (name, value)) in known.iter().enumerate() {
                        @if index > 0 { "; " }
                        (self.named(name)) ": " (self.said(name, value))
                    }
                }
            }
        }
    }

    /// A name that a condition reads, in words, as a link to where it stands or is to be entered.
    fn named(&self, name: &str) -> Markup {
        let words = self.words(name);
        let Some((instance, item)) = self.place(name) else { return html! { (words) } };
        let to = address::form(&self.chart.room.slug, &self.chart.subject, &instance);
        html! { a href=(format!("{to}#{item}")) { (words) } }
    }

    /// The form that gave a value, else the form that would.
    fn place(&self, name: &str) -> Option<(Instance, String)> {
        let (would, item) = entered_at(self.protocol, name)?;
        let events = self.evidence.events.get(name).map_or(&[][..], Vec::as_slice);
        let filled = events.iter().filter_map(|event: &Seq| form_of(&self.folder.record, *event));
        let gave = filled.map(|form| &form.instance).find(|instance| instance.form == would.form);
        Some((gave.cloned().unwrap_or(would), item))
    }

    fn words(&self, name: &str) -> String {
        let Some((form, item)) = name.split_once('.') else { return name.to_owned() };
        if form == "derived" {
            let derived = DERIVED.iter().find(|derived| derived.name == item);
            // What comes after the semicolon is for who writes conditions.
            let meaning = derived.map(|derived| derived.meaning.split(';').next().unwrap_or(derived.meaning));
            return meaning.map_or_else(|| name.to_owned(), capital);
        }
        let known = self.protocol.forms.iter().find(|known| known.id == form);
        let asked = known.and_then(|known| known.items.iter().find(|known| known.id == item));
        match (known, asked) {
            (Some(form), Some(item)) if form.label == item.label => item.label.clone(),
            (Some(form), Some(item)) => format!("{} ({})", item.label, form.label),
            (Some(form), None) => format!("{item} ({})", form.label),
            (None, _) => name.to_owned(),
        }
    }

    fn said(&self, name: &str, value: &Value) -> String {
        let item = name.split_once('.').and_then(|(form, item)| {
            let form = self.protocol.forms.iter().find(|known| known.id == form)?;
            form.items.iter().find(|known| known.id == item)
        });
        let yes_no = item.is_some_and(|item| item.kind == ItemType::YesNo);
        match value {
            Value::Bool(true) => "yes".into(),
            Value::Bool(false) => "no".into(),
            Value::String(code) if yes_no && code == "Y" => "yes".into(),
            Value::String(code) if yes_no && code == "N" => "no".into(),
            // Known only to lie between two numbers.
            Value::Object(span) => {
                let mut bounds: Vec<i64> = span.values().filter_map(Value::as_i64).collect();
                bounds.sort_unstable();
                bounds.dedup();
                let between =
                    if bounds.windows(2).all(|pair| pair[1] - pair[0] == 1) { " or " } else { " to " };
                bounds.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
            }
            value => match item.and_then(|item| item.unit.as_deref()) {
                Some(unit) => format!("{} {unit}", text(value)),
                None => parts::in_words(&text(value)),
            },
        }
    }

    fn consent(&self) -> Markup {
        html! {
            @if let Some(consent) = &self.folder.record.consent {
                dt { span.chip.good { "✓ proven" } }
                dd { "Consent given on " (parts::time(consent.value)) }
            } @else {
                dt { span.chip.warn { "? unknown" } }
                dd { "Consent: " (self.consent_form()) }
            }
        }
    }

    fn consent_form(&self) -> Markup {
        let form = self.protocol.forms.iter().find(|form| form.concept == Concept::Consent);
        let item =
            form.and_then(|form| Some((form, entered_at(self.protocol, &format!("{}.RFICDAT", form.id))?)));
        html! {
            @match item {
                Some((form, (instance, item))) => {
                    a href=(format!("{}#{item}", address::form(&self.chart.room.slug, &self.chart.subject, &instance))) { "its date is missing (" (form.label) ")" }
                }
                None => "its date is missing",
            }
        }
    }

    fn strata(&self) -> Markup {
        match &self.stratum {
            Ok(levels) => html! {
                @for (factor, level) in levels {
                    dt { span.chip.good { "✓ known" } }
                    dd { (level_words(self.protocol, factor, level)) }
                }
            },
            Err(missing) => {
                let factors: Vec<_> =
                    self.protocol.stratification.iter().map(|factor| factor.label.as_str()).collect();
                html! {
                    dt { span.chip.warn { "? unknown" } }
                    dd { "Strata (" (factors.join(", ")) ")" (self.missing(missing)) }
                }
            }
        }
    }
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A factor and its level by their names: `Bone-only disease: No`.
pub(crate) fn level_words(protocol: &Protocol, factor: &str, level: &str) -> String {
    let Some(known) = protocol.stratification.iter().find(|known| known.id == factor) else {
        return format!("{factor}: {level}");
    };
    let named =
        known.levels.iter().find(|known| known.id == level).map_or(level, |known| known.label.as_str());
    format!("{}: {named}", known.label)
}

#[derive(Deserialize)]
pub(super) struct Asked {
    /// The number was given before: a second click.
    again: Option<String>,
}

/// `GET /t/{trial}/subjects/{subject}/eligibility`
pub(super) async fn show(chart: Chart, Query(asked): Query<Asked>) -> Answer {
    let folder = chart.room.folder(&chart.subject).await?;
    let proof = Proof::of(&chart, &folder);
    let body = html! {
        (shell::crumbs(&[
            (address::in_trial(&chart.room.slug, "subjects"), "Subjects"),
            (chart.at(""), chart.subject.as_str()),
        ]))
        div.head {
            h1 { "Eligibility of subject " (chart.subject) }
            div.actions { (leads_on(&chart, &folder, &proof)) }
        }
        @if asked.again.is_some() { (screened_before(&chart, &folder)) }
        @if let Some(randomised) = &folder.record.randomised {
            div.notice.info {
                p { "Randomised on " (parts::time(randomised.value.date)) ". Judged here on what was entered before, with later corrections, by the version of the protocol in force then." }
            }
        } @else {
            p.soft { "Protocol version " (proof.protocol.trial.version) ". Unknown is never taken for proven." }
        }
        (proof.shown())
    };
    Ok(shell::page(&chart, Place::Subjects, &format!("Eligibility of {}", chart.subject), body))
}

fn leads_on(chart: &Chart, folder: &Folder, proof: &Proof<'_>) -> Markup {
    html! {
        @if folder.record.randomised.is_some() { a.button href=(chart.at("randomisation")) { "Randomisation" } }
        @else if proof.is_whole() && chart.may_here(Act::Randomise) { a.button.main href=(chart.at("randomise")) { "Randomise" } }
        @else if proof.is_whole() && chart.may_here(Act::RandomiseOnBehalf) {
            a.button href=(chart.at("randomise-for")) { "Randomise for the site" }
        }
        @else if proof.is_whole() { span.chip.info { "An investigator of the site may randomise" } }
    }
}

/// Said to whoever clicked twice: one subject was screened, not two.
fn screened_before(chart: &Chart, folder: &Folder) -> Markup {
    let first = folder.events.first().map(|entered| &entered.event);
    html! {
        div.notice.warn role="status" {
            p {
                b { (chart.subject) " was screened once" }
                @if let Some(event) = first { ", by " (event.who) " on " (moment(event.recorded)) }
                "; the second time was not recorded."
            }
            @if chart.may_here(Act::Screen) {
                p { "If you meant another patient, " a href=(address::in_trial(&chart.room.slug, "screen")) { "screen them under a number of their own" } "." }
            }
        }
    }
}

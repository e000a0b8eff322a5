//! The statistical analysis plan, in the order of the guideline for plans (Gamble et al., JAMA 2017;318:2337-2343).
//!
//! Never says a rule in words of its own where the derivation or the analysis has words: those of `trial::rules` and `analysis::in_words`
//! stand here. What the file does not state is listed at the end.

use analysis::in_words::{self, Planned};
use analysis::results::Assumption;
use maud::{Markup, html};
use trial::protocol::{Concept, CriterionKind, Endpoint, EndpointRole, Form, Protocol, SampleSize, Strategy};
use trial::rules;

use super::items;
use super::{
    Options, Section, Sheet, arm_name, estimand, listed, mark, months, planned_day, randomisation, ratio,
    stated, window,
};
use crate::number;
use crate::page::owner;

/// The plan of `protocol`.
pub fn plan(protocol: &Protocol, options: &Options) -> String {
    let sheet = Sheet {
        protocol,
        kind: "Statistical analysis plan",
        mark: if options.restricted { "RESTRICTED: for the trial office alone" } else { "" },
        class: "plan",
        contents: true,
    };
    let mut sections = vec![
        Section::new("administration", "Administrative information", administration(protocol)),
        Section::new("background", "Background and objectives", background(protocol)),
        Section::new("methods", "Study methods", methods(protocol, options)),
        Section::new("principles", "Statistical principles", principles(protocol)),
        Section::new("population", "Trial population", population(protocol)),
        Section::new("estimands", "Outcomes and estimands", outcomes(protocol)),
        Section::new("analyses", "Analyses of times to events", analyses(protocol)),
    ];
    if protocol.quality_of_life.is_some() {
        sections.push(Section::new("quality-of-life", "Quality of life", quality_of_life(protocol)));
    }
    sections.extend([
        Section::new("safety", "Safety", safety(protocol)),
        Section::new("rules", "Rules of derivation, dates and missing data", derivation(protocol)),
        Section::new("cut", "Data cut, versions and traceability", cut()),
        Section::new("software", "Statistical software", software(protocol)),
        Section::new("references", "References", references(protocol)),
        Section::new("gaps", "What the protocol file does not state", items::gaps(protocol)),
        Section::new("assumed", "What the protocol file marks as assumed", assumed(protocol, options)),
    ]);
    let titles: Vec<(String, String)> =
        sections.iter().map(|one| (one.id.clone(), one.title.clone())).collect();
    let title =
        |id: &str| titles.iter().position(|(known, _)| known == id).map(|at| (at + 1, titles[at].1.clone()));
    sections.push(Section::new(
        "checklist",
        "Where each item of the guideline stands",
        items::checklist(protocol, &title),
    ));
    sheet.page(&sheet.opening(&facts(protocol)), &sections)
}

/// What identifies the trial, and its size.
pub fn facts(protocol: &Protocol) -> Vec<(&'static str, String)> {
    let trial = &protocol.trial;
    let or_not = |text: Option<String>| text.unwrap_or_else(|| "not stated".into());
    let span = match (trial.planned_start, trial.planned_end) {
        (Some(from), Some(to)) => Some(format!("{from} to {to}")),
        (Some(from), None) => Some(format!("from {from}")),
        (None, Some(to)) => Some(format!("to {to}")),
        (None, None) => None,
    };
    vec![
        ("Registry number", or_not(trial.registry.clone())),
        ("Phase", or_not(trial.phase.clone())),
        ("Protocol file, version", trial.version.clone()),
        ("Participants planned", trial.participants.to_string()),
        ("Sites planned", or_not(trial.sites.map(|n| n.to_string()))),
        ("Planned time", or_not(span)),
    ]
}

fn administration(protocol: &Protocol) -> Markup {
    let trial = &protocol.trial;
    html! {
        p { "This plan was written by Trialwright " (env!("CARGO_PKG_VERSION")) " from the protocol file of " (trial.id) ", version " (trial.version)
            ", which the same program obeys when it derives and analyses: the plan and the analysis cannot part. Where the file marks a statement as assumed
            (public sources being silent), the plan says so." }
        (stated(protocol, &["1a", "1b", "2", "3", "4a", "4b", "4c", "5"]))
        table.sign {
            caption { "Signatures" }
            thead { tr { th scope="col" { "Role" } th scope="col" { "Name" } th scope="col" { "Signature" } th scope="col" { "Date" } } }
            tbody { @for (item, role) in [("6a", "Who wrote the plan"), ("6b", "Senior statistician responsible"), ("6c", "Chief investigator or clinical lead")] {
                tr { th scope="row" { (role) } td { (stated(protocol, &[item])) } td { "____________________" } td { "____________" } }
            } }
        }
    }
}

/// Results of others that the design rests on.
pub fn background_table(protocol: &Protocol) -> Markup {
    html! {
        @if !protocol.background.is_empty() {
            table {
                caption { "What the design rests on: results of others" }
                thead { tr { th scope="col" { "Result" } th.num scope="col" { "Value" } th scope="col" { "From" } } }
                tbody { @for row in &protocol.background {
                    tr { th scope="row" { (row.statement) } td.num { (row.value) }
                        td { (row.reference.as_deref().unwrap_or("not stated")) (mark(row.source, &[], "")) } }
                } }
            }
        }
    }
}

fn background(protocol: &Protocol) -> Markup {
    let trial = &protocol.trial;
    html! {
        (stated(protocol, &["7"]))
        (background_table(protocol))
        h3 id="objectives" { "Objectives" }
        @match &trial.objective {
            Some(objective) => p { (objective) (mark(trial.source, &trial.assumed, "objective")) },
            None => p.empty { "The protocol file does not state the objective." },
        }
        (stated(protocol, &["8"]))
        p { "Objectives by endpoint, the primary one first; each has its estimand in section " a href="#estimands" { "Outcomes and estimands" } "." }
        ul { @for endpoint in in_order(protocol) { li { (endpoint.label) " (" (endpoint.id) ", " (role(endpoint)) ")" } }
            @if protocol.quality_of_life.is_some() { li { "Quality of life" } }
            @if has(protocol, Concept::AdverseEvent) { li { "Safety" } } }
    }
}

/// The endpoints, the primary ones first.
pub fn in_order(protocol: &Protocol) -> impl Iterator<Item = &Endpoint> {
    let of = |role| protocol.endpoints.iter().filter(move |one| one.role == role);
    of(EndpointRole::Primary).chain(of(EndpointRole::Secondary))
}

pub fn role(endpoint: &Endpoint) -> &'static str {
    match endpoint.role {
        EndpointRole::Primary => "primary",
        EndpointRole::Secondary => "secondary",
    }
}

pub fn has(protocol: &Protocol, concept: Concept) -> bool {
    protocol.forms.iter().any(|form| form.concept == concept)
}

fn methods(protocol: &Protocol, options: &Options) -> Markup {
    let trial = &protocol.trial;
    html! {
        h3 id="design" { "Design" }
        @if let Some(design) = &trial.design { p { (design) (mark(trial.source, &trial.assumed, "design")) } }
        p { (protocol.arms.len()) " arms in parallel, allocation ratio " (ratio(protocol)) "." }
        (arms(protocol))
        (stated(protocol, &["9", "12"]))
        h3 id="randomisation" { "Randomisation" }
        ul { @for said in randomisation(protocol, options.restricted) { li { (said) } } }
        (factors(protocol))
        (stated(protocol, &["10"]))
        h3 id="sample-size" { "Sample size" }
        (sample_size(protocol))
        (stated(protocol, &["11"]))
        h3 id="interim" { "Interim analyses and stopping" }
        @if super::statements(protocol, &["13a", "13b", "13c"]).is_empty() {
            p.empty { "The protocol file states no interim analysis, no adjustment for one and no guideline for stopping." }
        }
        (stated(protocol, &["13a", "13b", "13c"]))
        h3 id="timing" { "Timing of assessments and of the final analysis" }
        @if let Some(statement) = &protocol.schedule.statement { p { (statement) (mark(protocol.schedule.source, &protocol.schedule.assumed, "statement")) } }
        p { "Follow-up ends " (months(protocol.schedule.follow_up_months)) " after the last participant was randomised"
            (mark(protocol.schedule.source, &protocol.schedule.assumed, "follow_up_months")) "." }
        (visits(protocol))
        (stated(protocol, &["14", "15"]))
    }
}

/// The arms and what they give.
pub fn arms(protocol: &Protocol) -> Markup {
    html! {
        table.plain {
            caption { "Arms" }
            thead { tr { th.what scope="col" { "Arm" } th scope="col" { "What is given" } th.num scope="col" { "Share" } } }
            tbody { @for arm in &protocol.arms {
                tr { th scope="row" { (arm_name(arm)) @if arm.control { " (control)" } }
                    td { (arm.description) (mark(arm.source, &arm.assumed, "description")) }
                    td.num { (arm.ratio) (mark(arm.source, &arm.assumed, "ratio")) } }
            } }
        }
    }
}

fn factors(protocol: &Protocol) -> Markup {
    html! {
        @if !protocol.stratification.is_empty() {
            table {
                caption { "Stratification factors" }
                thead { tr { th scope="col" { "Factor" } th scope="col" { "Levels" } } }
                tbody { @for factor in &protocol.stratification {
                    tr { th scope="row" { (factor.label) (mark(factor.source, &factor.assumed, "levels")) }
                        td { (factor.levels.iter().map(|level| level.label.clone()).collect::<Vec<_>>().join("; ")) } }
                } }
            }
        }
    }
}

/// What the size rests on, as the file states it.
pub fn size(protocol: &Protocol) -> Markup {
    let trial = &protocol.trial;
    let Some(size) = &trial.sample_size else {
        return html! { p.empty { "The protocol file plans " (trial.participants) " participants and does not state what that rests on." } };
    };
    let endpoint = protocol.endpoints.iter().find(|one| one.id == size.endpoint);
    let label = endpoint.map_or(size.endpoint.as_str(), |one| one.label.as_str());
    let assumed = |key: &str| mark(None, &size.assumed, key);
    html! {
        p { (trial.participants) " participants (" (number::count(size.events as usize)) " events" (assumed("events")) ") for " (label)
            ": a hazard ratio of " (size.hazard_ratio) (assumed("hazard_ratio")) " is detected with power " (percent(size.power)) " %" (assumed("power"))
            " at a two-sided level of " (percent(size.alpha)) " %" (assumed("alpha")) "."
            @if let Some(loss) = size.loss { " Of the participants " (percent(loss)) " %" (assumed("loss")) " may be lost before their event." } }
    }
}

/// The same with its calculation.
fn sample_size(protocol: &Protocol) -> Markup {
    html! { (size(protocol)) @if let Some(size) = &protocol.trial.sample_size { (calculation(protocol, size)) } }
}

fn percent(share: f64) -> String {
    number::short(share * 100.0, 4)
}

fn calculation(protocol: &Protocol, size: &SampleSize) -> Markup {
    let schoenfeld =
        size.method.as_deref().is_some_and(|method| method.to_lowercase().contains("schoenfeld"));
    html! {
        @match &size.method {
            Some(method) => p { "Method: " (method) (mark(None, &size.assumed, "method")) "." },
            None => p { "The protocol file does not name the method of calculation." },
        }
        @if schoenfeld && protocol.arms.len() == 2 {
            p { "Events d = (z" sub { "1\u{2212}α/2" } " + z" sub { "1\u{2212}β" } ")" sup { "2" } " / (p (1 \u{2212} p) (ln HR)" sup { "2" } "), with p the share of one arm,
                " (protocol.arms[0].ratio) "/" (protocol.arms.iter().map(|arm| arm.ratio).sum::<u32>()) ", α = " (size.alpha) ", 1 \u{2212} β = " (size.power)
                " and HR = " (size.hazard_ratio) ", rounded up: d = " (size.events) ". The program refuses a protocol file whose number of events is another." }
        }
    }
}

/// The visits and their windows.
pub fn visits(protocol: &Protocol) -> Markup {
    html! {
        table {
            caption { "Visits" }
            thead { tr { th scope="col" { "Visit" } th scope="col" { "Planned" } th scope="col" { "Window" } th scope="col" { "Forms due" } } }
            tbody { @for visit in &protocol.schedule.visits {
                tr { th scope="row" { (visit.label) (mark(protocol.schedule.source, &protocol.schedule.assumed, "visits")) }
                    td { (planned_day(visit.day)) @if let Some(every) = visit.every_days { ", then every " (every) " days to the end of follow-up" } }
                    td { (window(visit)) }
                    td { (visit.forms.iter().map(|id| form_label(protocol, id)).collect::<Vec<_>>().join("; ")) } }
            } }
        }
    }
}

/// The name of a form; its id where the file has none of that id.
pub fn form_label(protocol: &Protocol, id: &str) -> String {
    protocol.forms.iter().find(|form| form.id == id).map_or_else(|| id.to_owned(), |form| form.label.clone())
}

fn principles(protocol: &Protocol) -> Markup {
    let planned = in_words::times(protocol);
    let mut levels: Vec<String> = planned.iter().map(|one| number::level(one.confidence)).collect();
    levels.sort();
    levels.dedup();
    html! {
        h3 id="levels" { "Levels, limits and multiplicity" }
        @if let Some(size) = &protocol.trial.sample_size {
            p { "Level of significance: two-sided " (percent(size.alpha)) " %" (mark(None, &size.assumed, "alpha")) ", which the size of the trial rests on." }
        }
        p { "Confidence limits: " (levels.join(" and ")) " %, as each analysis says. p-values are two-sided and given to three decimals; none is compared with
            a level by the program." }
        (stated(protocol, &["16", "17", "18"]))
        h3 id="adherence" { "Adherence and protocol deviations" }
        (deviations(protocol))
        (stated(protocol, &["19a", "19b", "19c", "19d"]))
        h3 id="sets" { "Analysis sets" }
        dl.rules {
            dt { "Intention to treat" } dd { "All who were randomised, in the arm they were randomised to, whatever they received. Every analysis of efficacy goes by it." }
            dt { "Safety" } dd { "The same subjects by the same arm; counted are adverse events with onset on or after randomisation." }
            @if protocol.quality_of_life.is_some() {
                dt { "Quality of life" } dd { "Those of them with a baseline total and a later one, for the area; those with a total at the week, for each mean." }
            }
        }
        p { "No per-protocol set is defined." }
        (stated(protocol, &["20"]))
    }
}

fn codes(form: &Form, item: &str) -> Vec<String> {
    let found = form.items.iter().find(|known| known.id == item);
    found.map(|found| found.codes.clone()).unwrap_or_default()
}

fn deviations(protocol: &Protocol) -> Markup {
    let form = protocol.forms.iter().find(|form| form.concept == Concept::Deviation);
    html! {
        @if let Some(form) = form {
            @let categories = codes(form, "DVCAT");
            p { "A protocol deviation is what the form “" (form.label) "” records"
                @if !categories.is_empty() { ", in one of the categories " (categories.join(", ")) } "." }
        }
        p { "The program adds those that follow from the record: a criterion not met by who was randomised; SABR in an arm whose strategy has none;
            a lesion that should have been treated and was not; a tumour assessment outside its window; two or more assessments missed in a row; dates in an
            order that cannot be. All are listed by subject and arm and counted by category and arm; none is left out of the analyses." }
    }
}

fn population(protocol: &Protocol) -> Markup {
    html! {
        h3 id="screening" { "Screening, recruitment and flow" }
        p { "The report shows a CONSORT flow diagram: subjects screened, not randomised with the reason (the first criterion in the order of the protocol that is not
            met, or what ended the screening), randomised by arm, followed, withdrawn or lost with the reason, died, analysed. Recruitment is shown by month and
            by site against the plan." }
        (stated(protocol, &["21", "23"]))
        h3 id="eligibility" { "Eligibility" }
        (eligibility(protocol))
        (stated(protocol, &["22"]))
        h3 id="withdrawal" { "Withdrawal and loss to follow-up" }
        (withdrawal(protocol))
        (stated(protocol, &["24a", "24b", "24c"]))
        h3 id="baseline" { "Baseline characteristics" }
        @let named = in_words::baseline(protocol);
        @if named.is_empty() { p.empty { "The forms ask for none." } } @else {
            ul { @for name in &named { li { (name) } } }
            p { (in_words::BASELINE) }
        }
        (stated(protocol, &["25a", "25b"]))
    }
}

/// The criteria, as the protocol words them.
pub fn eligibility(protocol: &Protocol) -> Markup {
    html! {
        @if protocol.eligibility.is_empty() { p.empty { "The protocol file states no criterion." } }
        @for (kind, title) in [(CriterionKind::Inclusion, "Inclusion"), (CriterionKind::Exclusion, "Exclusion")] {
            @let of: Vec<_> = protocol.eligibility.iter().filter(|one| one.kind == kind).collect();
            @if !of.is_empty() {
                table.plain {
                    caption { (title) " criteria" }
                    thead { tr { th scope="col" { "No." } th scope="col" { "Criterion" } } }
                    tbody { @for one in of { tr { th scope="row" { (one.id) } td { (one.text) (mark(one.source, &one.assumed, "text")) } } } }
                }
            }
        }
    }
}

fn withdrawal(protocol: &Protocol) -> Markup {
    let form = protocol.forms.iter().find(|form| form.concept == Concept::Withdrawal);
    html! {
        @match form {
            Some(form) => {
                @let reasons = codes(form, "DSDECOD");
                p { "Recorded on the form “" (form.label) "” with its day and reason"
                    @if !reasons.is_empty() { " (" (reasons.join(", ")) ")" }
                    ". A stop or change of the intervention alone is no withdrawal: follow-up goes on. Counted by arm and reason in the flow diagram, and shown with
                    the day in each subject's course." }
            },
            None => p.empty { "No form records a withdrawal." },
        }
    }
}

fn outcomes(protocol: &Protocol) -> Markup {
    html! {
        table.plain {
            caption { "Outcomes" }
            thead { tr { th scope="col" { "Outcome" } th scope="col" { "Role" } th scope="col" { "Definition" } } }
            tbody {
                @for endpoint in in_order(protocol) {
                    tr { th scope="row" { (endpoint.label) " (" (endpoint.id) ")" } td { (role(endpoint)) }
                        td { (endpoint.definition) (mark(endpoint.source, &endpoint.assumed, "definition")) } }
                }
                @if let Some(rule) = &protocol.quality_of_life {
                    tr { th scope="row" { "Quality of life" } td { "secondary" }
                        td { "FACT-B total (0 to " (in_words::HIGHEST_TOTAL) ") at weeks " (rule.weeks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
                            (mark(rule.source, &rule.assumed, "weeks")) "; area under its curve to week " (rule.auc_to_week) (mark(rule.source, &rule.assumed, "auc_to_week")) "." } }
                }
                @if has(protocol, Concept::AdverseEvent) {
                    tr { th scope="row" { "Adverse events" } td { "safety" }
                        td { "Worst grade by term, class and overall; " @if protocol.safety.attributed_to.is_empty() { "no attribution is asked for." } @else { "treatment-related ones apart." } } }
                }
            }
        }
        (stated(protocol, &["26a", "26b", "26c"]))
        (estimand::all(protocol))
    }
}

fn analyses(protocol: &Protocol) -> Markup {
    let planned = in_words::times(protocol);
    html! {
        h3 id="common" { "What is common to all" }
        ul { @for said in in_words::of_times() { li { (said) } } }
        p { "No covariate other than the arm stands in a model; the stratification factors enter as strata where an analysis is stratified, by the levels each subject was
            randomised with." }
        @for (place, endpoint) in protocol.endpoints.iter().enumerate() {
            @let of: Vec<&Planned> = planned.iter().filter(|one| one.endpoint == endpoint.id).collect();
            h3 id=(format!("analyses-{}", place + 1)) { (endpoint.label) }
            (of_endpoint(&of, endpoint))
        }
        (stated(protocol, &["27a", "27b", "27c", "27d", "27e", "27f", "29"]))
    }
}

fn of_endpoint(of: &[&Planned], endpoint: &Endpoint) -> Markup {
    let Some((main, others)) = of.split_first() else {
        return html! { p.empty { "The protocol file states no analysis of this endpoint." } };
    };
    html! {
        table.plain {
            caption { "Analyses of " (endpoint.id) }
            thead { tr { th.what scope="col" { "Analysis" } th scope="col" { "Role" } th scope="col" { "Rules" } } }
            tbody {
                tr { th scope="row" { code { (main.id) } " " (main.label) } td { (if main.main { "main" } else { "sensitivity" }) }
                    td { ul { li { (model(main)) } @for rule in &main.rules { li { (rule) } } } } }
                @for one in others {
                    tr { th scope="row" { code { (one.id) } " " (one.label) } td { (if one.main { "main" } else { "sensitivity" }) } td { (otherwise(main, one)) } }
                }
            }
        }
    }
}

fn model(of: &Planned) -> String {
    format!(
        "log-rank test and Cox model {}, ties by {}, limits at {} %",
        if of.stratified { "stratified by the stratification factors" } else { "not stratified" },
        of.ties,
        number::level(of.confidence)
    )
}

/// What `one` does otherwise than `main`.
fn otherwise(main: &Planned, one: &Planned) -> Markup {
    let about = |rule: &str| rule.split(':').next().unwrap_or(rule).to_owned();
    let mut said: Vec<String> = one.rules.iter().filter(|rule| !main.rules.contains(rule)).cloned().collect();
    let gone = main.rules.iter().filter(|rule| !one.rules.iter().any(|other| about(other) == about(rule)));
    said.extend(gone.map(|rule| format!("not: {rule}")));
    if model(one) != model(main) {
        said.push(model(one));
    }
    html! {
        p { "As " code { (main.id) } @if said.is_empty() { "." } @else { ", but:" } }
        @if !said.is_empty() { ul { @for one in &said { li { (one) } } } }
    }
}

fn quality_of_life(protocol: &Protocol) -> Markup {
    html! {
        ul { @for said in rules::of_fact_b() { li { (said) } } }
        p { "The area under the curve:" }
        ul { @for said in in_words::quality_of_life(protocol) { li { (said) } } }
        @let others = in_words::quality_of_life_sensitivity(protocol);
        @if !others.is_empty() {
            table.plain {
                caption { "Sensitivity analyses of quality of life" }
                thead { tr { th.what scope="col" { "Analysis" } th scope="col" { "Rules" } } }
                tbody { @for (id, label, rules) in others {
                    tr { th scope="row" { code { (id) } " " (label) } td { ul { @for rule in rules { li { (rule) } } } } }
                } }
            }
        }
        p { "Shown are means with limits by arm and planned week, how many questionnaires were expected, filled and scored, and the area by arm with the difference." }
    }
}

fn safety(protocol: &Protocol) -> Markup {
    html! {
        @if has(protocol, Concept::AdverseEvent) {
            ul { @for said in rules::of_safety(&protocol.safety) { li { (said) } } }
            p { "Nothing is tested: the tables describe." }
        } @else {
            p.empty { "No form of the protocol records adverse events." }
        }
        (stated(protocol, &["30"]))
    }
}

fn derivation(protocol: &Protocol) -> Markup {
    let strategies: Vec<(String, &Strategy)> =
        protocol.arms.iter().filter_map(|arm| Some((arm_name(arm), arm.strategy.as_ref()?))).collect();
    html! {
        @if has(protocol, Concept::TumourAssessment) {
            h3 id="tumour-response" { "Tumour response and progression" }
            p { "RECIST 1.1 (Eisenhauer et al. 2009), with the numbers of the protocol file:" (mark(protocol.tumour.source, &[], "")) }
            ul { @for said in rules::of_tumours(&protocol.tumour) { li { (said) } } }
        }
        @if !strategies.is_empty() {
            h3 id="strategy" { "When the strategy of an arm holds and when it fails" }
            @for (name, rule) in strategies {
                h4 { (name) }
                p.statement { (rule.statement) (mark(None, &rule.assumed, "statement")) }
                ul { @for said in rules::of_strategy(rule) { li { (said) } } }
                @if !rule.assumed.is_empty() { p.note { "Assumed: " (rule.assumed.join(", ")) "." } }
            }
        }
        h3 id="dates" { "Dates and times" }
        ul { @for said in rules::of_dates() { li { (said) } } }
        h3 id="missing-data" { "Missing data" }
        ul { @for said in rules::of_missing_times() { li { (said) } } }
        @if protocol.quality_of_life.is_some() { p { "Questionnaires: see section " a href="#quality-of-life" { "Quality of life" } "." } }
        (stated(protocol, &["28"]))
    }
}

fn cut() -> Markup {
    html! {
        ul {
            li { "Two clocks: a data cut is by the day something happened; 'as of' is by the moment it was recorded. A report says which it used, and nothing beyond it is seen." }
            li { "Forms are read under the version of the protocol file in force when they were entered; tumour and strategy rules are those in force when the subject was
                randomised; endpoints and analyses are those current at the analysis." }
            li { "Every result carries its rule, its words and the events of the ledger it rests on; a report names the head of the ledger it was made of." }
        }
    }
}

fn software(protocol: &Protocol) -> Markup {
    html! {
        p { "Trialwright " (env!("CARGO_PKG_VERSION")) ", by the same rules in every run: the same events, protocol file and program give the same report. Its estimators, tests and
            models are held against R." }
        (stated(protocol, &["31"]))
    }
}

fn references(protocol: &Protocol) -> Markup {
    html! {
        ul {
            li { "Gamble C, Krishan A, Stocken D, et al. Guidelines for the content of statistical analysis plans in clinical trials. JAMA 2017;318:2337\u{2013}2343." }
            li { "ICH E9, Statistical principles for clinical trials, 1998; ICH E9(R1), Addendum on estimands and sensitivity analysis in clinical trials, 2019." }
            li { "Rufibach K. Treatment effect quantification for time-to-event endpoints: estimands, analysis strategies, and beyond. Pharm Stat 2019;18:145\u{2013}165." }
            @if has(protocol, Concept::TumourAssessment) {
                li { "Eisenhauer EA, Therasse P, Bogaerts J, et al. New response evaluation criteria in solid tumours: revised RECIST guideline (version 1.1). Eur J Cancer 2009;45:228\u{2013}247." }
            }
            @if protocol.trial.sample_size.as_ref().and_then(|size| size.method.as_deref()).is_some_and(|method| method.to_lowercase().contains("schoenfeld")) {
                li { "Schoenfeld DA. Sample-size formula for the proportional-hazards regression model. Biometrics 1983;39:499\u{2013}503." }
            }
            li { "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557\u{2013}565." }
            li { "Borgan Ø, Liestøl K. A note on confidence intervals and bands for the survival function based on transformations. Scand J Stat 1990;17:35\u{2013}41." }
            li { "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika 1994;81:515\u{2013}526." }
            @if protocol.quality_of_life.is_some() {
                li { "Brady MJ, Cella DF, Mo F, et al. Reliability and validity of the Functional Assessment of Cancer Therapy-Breast quality-of-life instrument. J Clin Oncol 1997;15:974\u{2013}986." }
            }
            li { "Hopewell S, Chan A-W, Collins GS, et al. CONSORT 2025 statement. BMJ 2025;389:e081123." }
        }
        (stated(protocol, &["32a", "32b", "32c", "32d"]))
    }
}

/// What is assumed, but for what only the restricted version may show.
fn assumed(protocol: &Protocol, options: &Options) -> Markup {
    let hidden = |path: &str| !options.restricted && path.starts_with("randomisation");
    let rows = analysis::assumptions(protocol);
    let shown = |row: &Assumption| {
        if hidden(&row.path) { "in the restricted version alone".to_owned() } else { row.value.clone() }
    };
    html! {
        @if rows.is_empty() {
            p.empty { "The protocol file marks nothing as assumed." }
        } @else {
            p { "Public sources being silent, the file sets these and marks them. Whoever signs the plan confirms or changes each." }
            table.assumed.small {
                caption { "Assumed values" }
                thead { tr { th scope="col" { "In the protocol file" } th scope="col" { "Value" } } }
                tbody { @for group in rows.chunk_by(|a, b| !a.whole_table && !b.whole_table && owner(a).0 == owner(b).0) {
                    tr { th scope="row" { code { (owner(&group[0]).0) } }
                        td { @for (i, row) in group.iter().enumerate() {
                            @if i > 0 { "; " }
                            @if !row.whole_table { (owner(row).1) ": " }
                            (shown(row))
                        } } }
                } }
            }
        }
    }
}

/// The names of the arms.
pub fn arm_names(protocol: &Protocol) -> String {
    listed(&protocol.arms.iter().map(arm_name).collect::<Vec<_>>())
}

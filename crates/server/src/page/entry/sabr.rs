//! The dose of a course of SABR as it is typed: total, BED and EQD2 of each lesion.
//!
//! Never a formula of its own: `trial::sabr` has it, the protocol the alpha/beta and the schedules in use.

use maud::{Markup, html};
use serde_json::{Map, Value};
use trial::concept::LESIONS;
use trial::derive::ruling;
use trial::form::entry::text;
use trial::sabr::{Dose, dose};

use super::sheet::Sheet;

/// The panel beside the form.
pub(super) fn panel(sheet: &Sheet, values: &Map<String, Value>) -> Markup {
    let rules = &ruling(&sheet.folder.history, sheet.record()).sabr;
    let doses = doses(sheet, values);
    let schedules: Vec<String> = rules
        .schedules
        .iter()
        .map(|schedule| format!("{} Gy in {}", schedule.total_gy, schedule.fractions))
        .collect();
    html! {
        section.card aria-labelledby="dose" {
            h2 #dose { "Dose" }
            @if doses.is_empty() {
                p.soft { "Fill dose a fraction and fractions: BED and EQD2 of each lesion are shown here as you type." }
            } @else {
                div.wide {
                    table {
                        caption.visually-hidden { "Dose of each lesion" }
                        thead {
                            tr {
                                th scope="col" { "Lesion" }
                                th.num scope="col" { "Total, Gy" }
                                th.num scope="col" { "BED" sub { (rules.alpha_beta_tumour) } ", Gy" }
                                th.num scope="col" { "EQD2" sub { (rules.alpha_beta_tumour) } ", Gy" }
                                th.num scope="col" { "BED" sub { (rules.alpha_beta_late) } ", Gy" }
                                th scope="col" { "Schedule" }
                            }
                        }
                        tbody {
                            @for (lesion, dose) in &doses {
                                tr {
                                    th scope="row" { (lesion) }
                                    td.num { (gy(dose.total_gy)) }
                                    td.num { (gy(dose.bed_tumour)) }
                                    td.num { (gy(dose.eqd2_tumour)) }
                                    td.num { (gy(dose.bed_late)) }
                                    td { @if dose.in_use { span.chip.good { "in use" } } @else { span.chip.warn { "not one of the protocol" } } }
                                }
                            }
                        }
                    }
                }
                p.soft.small {
                    "BED = n d (1 + d / (α/β)), with α/β " (rules.alpha_beta_tumour) " Gy for tumour and " (rules.alpha_beta_late) " Gy for late-reacting tissue."
                    @if !schedules.is_empty() { " Schedules of the protocol: " (schedules.join(", ")) "." }
                }
            }
        }
    }
}

/// Each row whose dose is whole: its lesion, and what it got.
fn doses(sheet: &Sheet, values: &Map<String, Value>) -> Vec<(String, Dose)> {
    let rules = &ruling(&sheet.folder.history, sheet.record()).sabr;
    let rows = values.get(LESIONS).and_then(Value::as_array);
    let rows = rows.into_iter().flatten().filter_map(Value::as_object).enumerate();
    rows.filter_map(|(at, row)| {
        let fraction = row.get("PRDOSFRX")?.as_f64().filter(|dose| *dose > 0.0)?;
        let fractions = u32::try_from(row.get("PRNFRX")?.as_u64()?).ok().filter(|n| *n > 0)?;
        let lesion = row.get("TULNKID").map_or_else(|| format!("row {}", at + 1), text);
        Some((lesion, dose(rules, fraction, fractions)))
    })
    .collect()
}

/// To a tenth of a Gy.
fn gy(value: f64) -> String {
    format!("{value:.1}")
}

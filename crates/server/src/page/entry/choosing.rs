//! The choice between two versions of a form that two people changed, field by field.
//!
//! Never chooses where both changed a field; see `merge`.

use maud::{Markup, html};
use trial::protocol::Item;
use trial::record::FilledForm;

use super::merge::{Changed, Difference};
use super::sheet::Sheet;
use super::view::View;
use crate::page::parts;

impl View<'_> {
    /// Both versions field by field, to choose from.
    pub(super) fn both(&self) -> Markup {
        let Some(standing) = self.sheet.standing().filter(|_| !self.conflict.is_empty()) else {
            return html! {};
        };
        html! {
            section.conflict aria-labelledby="both" {
                h2 #both { "Two people changed this form" }
                p {
                    (standing_mark(self.sheet, standing)) " while you were typing. Nothing of yours is saved yet. "
                    "Choose for each field below whose value stands; what you typed is still in the form."
                }
                div.wide {
                    table {
                        caption.visually-hidden { "The fields that differ" }
                        thead { tr { th scope="col" { "Field" } th scope="col" { "Before" } th scope="col" { "Theirs" } th scope="col" { "Yours" } } }
                        tbody { @for difference in &self.conflict { (self.choice(difference)) } }
                    }
                }
            }
        }
    }

    fn choice(&self, difference: &Difference) -> Markup {
        let name = difference.name();
        let changed = difference.changed();
        let picks = format!("_pick.{name}");
        let label = self.spot_label(difference);
        let text = |text: &str| if text.is_empty() { "(empty)".to_owned() } else { text.to_owned() };
        html! {
            tr.flag[changed == Changed::Both] {
                th scope="row" {
                    (label)
                    input type="hidden" name="_differs" value=(name);
                    @if changed == Changed::Both { " " span.chip.warn { "both changed" } }
                }
                td { (text(&difference.base)) }
                td { label { input type="radio" name=(picks) value="theirs" checked[changed == Changed::Theirs] aria-label={ "Theirs for " (label) }; (text(&difference.theirs)) } }
                td { label { input type="radio" name=(picks) value="mine" checked[changed == Changed::Mine] aria-label={ "Yours for " (label) }; (text(&difference.mine)) } }
            }
        }
    }

    fn spot_label(&self, difference: &Difference) -> String {
        let form = self.paper.form;
        let label = |items: &[Item]| {
            let item = items.iter().find(|item| item.id == difference.spot.item);
            item.map_or_else(|| difference.spot.item.clone(), |item| item.label.clone())
        };
        match &difference.spot.row {
            None => label(&form.items),
            Some((group, key)) => {
                let items =
                    form.groups.iter().find(|known| known.id == *group).map(|group| group.items.as_slice());
                format!("{key}: {}", label(items.unwrap_or_default()))
            }
        }
    }
}

/// Who gave a form its values, and when.
fn standing_mark(sheet: &Sheet, standing: &FilledForm) -> Markup {
    let by = sheet.folder.events.iter().find(|entered| entered.seq == standing.event);
    html! {
        @match by { Some(entered) => { b { (entered.event.who) } } None => { "Somebody" } } " saved it on " (parts::moment(standing.recorded))
    }
}

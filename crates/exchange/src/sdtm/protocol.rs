//! The protocol an import is read under: what SDTM says of arms and visits, and plain PFS and OS.
//!
//! Never claims more than the data: SDTM holds no protocol, so that every statement it does not make is marked `assumed`.

use std::collections::BTreeMap;
use std::fmt::Write;

use trial::id::ArmId;

/// Forms, endpoints, analyses: the part that no data change.
const FORMS: &str = include_str!("forms.toml");
/// The form of a tumour assessment, but for its id and label: each reader has its own, as each fills one at a visit.
const TUMOUR: &str = include_str!("tumour.toml");

/// What the data say of the trial.
pub(super) struct Trial {
    pub study: String,
    /// `ARMCD` and `ARM`, in order of the code.
    pub arms: BTreeMap<ArmId, String>,
    pub randomised: usize,
    pub sites: usize,
    /// Who assessed tumours, the investigator first.
    pub readers: Vec<String>,
    /// Name of each visit with a form and the day it is planned at, randomisation being day 0.
    pub visits: Vec<PlannedVisit>,
    pub follow_up_months: u32,
}

/// A visit of the data.
pub(super) struct PlannedVisit {
    pub name: String,
    pub day: i64,
    /// False for a visit that its name calls unscheduled: nothing is due there.
    pub scheduled: bool,
}

impl Trial {
    /// The id of a reader's form.
    pub fn form_of(&self, reader: &str) -> String {
        match self.readers.iter().position(|known| known == reader) {
            None | Some(0) => "tumour".to_owned(),
            Some(place) => format!("tumour_{}", place + 1),
        }
    }
}

/// A TOML basic string: JSON's escapes are TOML's, but for the one control character JSON leaves bare.
fn text(value: &str) -> String {
    serde_json::Value::from(value).to_string().replace('\u{7f}', "\\u007F")
}

/// The control is not named in SDTM: an arm called so, or else the first.
fn control(arms: &BTreeMap<ArmId, String>) -> Option<&ArmId> {
    let called = |label: &String| {
        let label = label.to_lowercase();
        ["placebo", "control", "standard of care", "best supportive"].iter().any(|word| label.contains(word))
    };
    arms.iter().find(|(_, label)| called(label)).or_else(|| arms.iter().next()).map(|(id, _)| id)
}

/// The file's text.
pub(super) fn render(trial: &Trial) -> String {
    let mut toml = String::new();
    let study = text(&trial.study);
    let title = text(&format!("Import of study {}", trial.study));
    // Writing to a String cannot fail.
    let _ = write!(
        toml,
        "[trial]\nid = {study}\nversion = \"import\"\ntitle = {title}\nparticipants = {}\nsites = {}\n\
         design = \"As imported from SDTM; the data do not carry the protocol\"\n\
         assumed = [\"title\", \"design\", \"participants\"]\n\n",
        trial.randomised.max(2),
        trial.sites.max(1),
    );
    let control = control(&trial.arms);
    for (id, label) in &trial.arms {
        let _ = write!(
            toml,
            "[[arms]]\nid = {}\nlabel = {label}\ncontrol = {}\ndescription = {label}\n\
             assumed = [\"control\"]\n\n",
            text(id.as_str()),
            Some(id) == control,
            label = text(label),
        );
    }
    let _ = write!(
        toml,
        "[randomisation]\nmethod = \"permuted_blocks\"\nblock_sizes = [{}]\n\
         assumed = [\"method\", \"block_sizes\"]\n\n[schedule]\nfollow_up_months = {}\n\
         assumed = [\"follow_up_months\"]\n\n",
        trial.arms.len(),
        trial.follow_up_months.max(1),
    );
    let tumour = trial.readers.iter().map(|reader| trial.form_of(reader));
    let tumour: Vec<String> = if trial.readers.is_empty() { vec!["tumour".into()] } else { tumour.collect() };
    for visit in &trial.visits {
        let own = if visit.day <= 0 { &["demography", "consent"][..] } else { &[] };
        let due = own.iter().copied().chain(tumour.iter().map(String::as_str)).filter(|_| visit.scheduled);
        let forms = format!("[{}]", due.map(text).collect::<Vec<_>>().join(", "));
        let name = text(&visit.name);
        let _ = write!(
            toml,
            "[[schedule.visits]]\nid = {name}\nlabel = {name}\nday = {}\nforms = {forms}\nassumed = [\"day\"]\n\n",
            visit.day
        );
    }
    for (place, id) in tumour.iter().enumerate() {
        let reader = trial.readers.get(place).map_or("INVESTIGATOR", String::as_str);
        let label = text(&format!("Tumour assessment, {reader}"));
        let _ = write!(toml, "[[forms]]\nid = {}\nlabel = {label}\n{TUMOUR}", text(id));
    }
    toml.push_str(FORMS);
    toml
}

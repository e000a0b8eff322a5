//! Events in the order they were recorded, numbered as a ledger would number them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::{Map, Value, json};
use trial::event::{Entered, Event, Instance, Role, Seq, What};
use trial::id::{SiteId, SubjectId};
use trial::protocol::Checked;

use super::fault::Remark;
use super::protocol::Trial;
use super::response::Key;
use super::subject::{Demography, Draft};
use super::tumour::Assessment;
use super::{IMPORTER, Subject};

/// All that was read of the subjects.
pub(super) struct Facts {
    /// The name of the file of DM, for remarks.
    pub dm: String,
    pub subjects: BTreeMap<SubjectId, Demography>,
    pub assessments: BTreeMap<Key, Assessment>,
    pub drafts: Vec<Draft>,
}

/// The events of an import.
pub(super) struct Ledger {
    pub office: Vec<Entered>,
    pub subjects: Vec<Subject>,
}

/// An event not yet numbered: when it was recorded, and its rank among those of one day.
struct Unnumbered {
    recorded: Date,
    rank: u8,
    site: Option<SiteId>,
    subject: Option<SubjectId>,
    what: What,
}

impl Demography {
    /// The day of randomisation: as DS says, else the reference start of DM; none where no arm was assigned.
    pub fn day_one(&self) -> Option<Date> {
        self.arm.as_ref()?;
        self.randomised.or(self.reference_start)
    }
}

impl Ledger {
    pub fn of(protocol: &Checked, trial: &Trial, facts: &Facts, remarks: &mut Vec<Remark>) -> Self {
        let mut events = Vec::new();
        let baseline = trial
            .visits
            .iter()
            .find(|visit| visit.day <= 0 && visit.scheduled)
            .map(|visit| visit.name.as_str());
        let places = allocation_order(&facts.subjects);
        let mut forms: BTreeMap<&SubjectId, Vec<Draft>> = BTreeMap::new();
        for draft in tumour_forms(trial, &facts.assessments) {
            if let Some((id, _)) = facts.subjects.get_key_value(&draft.subject) {
                forms.entry(id).or_default().push(draft);
            }
        }
        for draft in &facts.drafts {
            if let Some((id, _)) = facts.subjects.get_key_value(&draft.subject) {
                forms.entry(id).or_default().push(draft.clone());
            }
        }
        for (id, subject) in &facts.subjects {
            let mut drafts = own_forms(&facts.dm, id, subject, baseline, remarks);
            drafts.extend(forms.remove(id).unwrap_or_default());
            let place = places.get(id).copied().unwrap_or_default();
            events.extend(of_subject(&facts.dm, id, subject, place, drafts, remarks));
        }
        let first = events.iter().map(|event| event.recorded).min().unwrap_or(Date::constant(1970, 1, 1));
        let mut office = vec![Unnumbered {
            recorded: first,
            rank: 0,
            site: None,
            subject: None,
            what: What::ProtocolAdopted {
                version: protocol.protocol.trial.version.clone(),
                source: protocol.source.clone(),
                seed_commitment: None,
                simulated: false,
            },
        }];
        office.extend(sites(&facts.subjects, first));
        events.sort_by(|a, b| (a.recorded, &a.subject, a.rank).cmp(&(b.recorded, &b.subject, b.rank)));
        Self::numbered(office, events)
    }

    fn numbered(office: Vec<Unnumbered>, events: Vec<Unnumbered>) -> Self {
        let mut ledger = Self { office: Vec::new(), subjects: Vec::new() };
        let mut subjects: BTreeMap<SubjectId, Vec<Entered>> = BTreeMap::new();
        let first: Seq = 1;
        for (seq, event) in (first..).zip(office.into_iter().chain(events)) {
            let subject = event.subject.clone();
            let entered = Entered { seq, event: event.into_event() };
            match subject {
                Some(subject) => subjects.entry(subject).or_default().push(entered),
                None => ledger.office.push(entered),
            }
        }
        ledger.subjects = subjects.into_iter().map(|(id, events)| Subject { id, events }).collect();
        ledger
    }
}

impl Unnumbered {
    fn into_event(self) -> Event {
        Event {
            who: IMPORTER.to_owned(),
            role: Role::System,
            recorded: midnight(self.recorded),
            site: self.site,
            subject: self.subject,
            what: self.what,
        }
    }
}

fn midnight(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn sites(subjects: &BTreeMap<SubjectId, Demography>, first: Date) -> Vec<Unnumbered> {
    let mut sites: BTreeMap<&SiteId, Option<&String>> = BTreeMap::new();
    for subject in subjects.values() {
        if let Some(site) = &subject.site {
            sites.entry(site).or_insert(subject.country.as_ref());
        }
    }
    let opened = |(site, country): (&SiteId, Option<&String>)| Unnumbered {
        recorded: first,
        rank: 1,
        site: Some(site.clone()),
        subject: None,
        what: What::SiteOpened { name: format!("Site {site}"), country: country.cloned() },
    };
    sites.into_iter().map(opened).collect()
}

/// The place of each allocation among all of the trial: SDTM names no list and no stratum.
fn allocation_order(subjects: &BTreeMap<SubjectId, Demography>) -> BTreeMap<&SubjectId, u64> {
    let mut order: Vec<(Date, &SubjectId)> =
        subjects.iter().filter_map(|(id, subject)| Some((subject.day_one()?, id))).collect();
    order.sort();
    (0..).zip(order).map(|(place, (_, id))| (id, place)).collect()
}

/// The forms that DM fills.
fn own_forms(
    dm: &str,
    id: &SubjectId,
    subject: &Demography,
    baseline: Option<&str>,
    remarks: &mut Vec<Remark>,
) -> Vec<Draft> {
    let draft = |form: &str, visit: Option<&str>, recorded, values| Draft {
        subject: id.clone(),
        form: form.to_owned(),
        visit: visit.map(str::to_owned),
        recorded,
        values,
    };
    let mut drafts = Vec::new();
    let collected = subject.collected.or(subject.reference_start);
    if let Some(collected) = collected.filter(|_| !subject.values.is_empty()) {
        drafts.push(draft("demography", baseline, collected, subject.values.clone()));
    }
    if let Some(consent) = subject.consent {
        drafts.push(draft("consent", baseline, consent, one("RFICDAT", &consent.to_string())));
    }
    if let Some(death) = subject.death {
        drafts.push(draft("death", None, death.first(), one("DTHDAT", &death.to_string())));
    }
    let mut contacts = subject.contacts.clone();
    contacts.sort();
    contacts.dedup();
    for contact in contacts {
        if let Some(death) = subject.death.filter(|death| death.last() < contact) {
            remarks.push(Remark {
                file: dm.to_owned(),
                row: subject.row,
                text: format!("{id} died on {death}; the later end of participation, {contact}, is not read"),
            });
        } else {
            drafts.push(draft("contact", None, contact, one("SSDAT", &contact.to_string())));
        }
    }
    drafts
}

fn one(item: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(item.to_owned(), json!(value))])
}

fn tumour_forms(trial: &Trial, assessments: &BTreeMap<Key, Assessment>) -> impl Iterator<Item = Draft> {
    assessments.iter().map(|((subject, by, number), assessment)| {
        let mut values = one("TRDAT", &assessment.date.to_string());
        if let Some(date) = assessment.as_recorded {
            values.insert("TRDTC".into(), json!(date.to_string()));
        }
        values.insert("TREVAL".into(), json!(by));
        values.insert("VISITNUM".into(), json!(number.0));
        values.insert("LESIONS".into(), json!(assessment.readings));
        Draft {
            subject: subject.clone(),
            form: trial.form_of(by),
            visit: Some(assessment.visit_name.clone()),
            recorded: assessment.date.first(),
            values,
        }
    })
}

fn of_subject(
    dm: &str,
    id: &SubjectId,
    subject: &Demography,
    place: u64,
    drafts: Vec<Draft>,
    remarks: &mut Vec<Remark>,
) -> Vec<Unnumbered> {
    let day_one = subject.day_one();
    let earliest = drafts.iter().map(|draft| draft.recorded).chain(day_one).min();
    let Some(screened) = earliest else {
        remarks.push(Remark {
            file: dm.to_owned(),
            row: subject.row,
            text: format!("{id} has no dated fact at all, and enters no event"),
        });
        return Vec::new();
    };
    let event = |recorded, rank, what| Unnumbered {
        recorded,
        rank,
        site: subject.site.clone(),
        subject: Some(id.clone()),
        what,
    };
    let mut events = vec![event(screened, 0, What::SubjectScreened)];
    match (&subject.arm, day_one) {
        (Some((arm, _)), Some(date)) => {
            let what = What::Randomised {
                arm: arm.clone(),
                date,
                stratum: Vec::new(),
                position: place,
                on_behalf: None,
            };
            events.push(event(date, 3, what));
        }
        (Some((arm, _)), None) => remarks.push(Remark {
            file: dm.to_owned(),
            row: subject.row,
            text: format!(
                "{id} was assigned to {arm} on no day that DS or RFSTDTC gives; read as not randomised"
            ),
        }),
        (None, _) => {}
    }
    let mut seen: BTreeMap<(String, Option<String>), u32> = BTreeMap::new();
    for draft in drafts {
        let occurrence = seen.entry((draft.form.clone(), draft.visit.clone())).or_default();
        *occurrence += 1;
        let rank = rank(&draft.form);
        let instance = Instance { form: draft.form, visit: draft.visit, occurrence: *occurrence };
        let what = What::FormSaved { instance, values: draft.values };
        events.push(event(draft.recorded, rank, what));
    }
    events
}

/// What of one day comes first.
fn rank(form: &str) -> u8 {
    match form {
        "demography" => 1,
        "consent" => 2,
        "exposure" => 5,
        "adverse_event" => 6,
        "contact" => 7,
        "withdrawal" => 8,
        "death" => 9,
        // Tumour assessments, each reader's form under its own id.
        _ => 4,
    }
}

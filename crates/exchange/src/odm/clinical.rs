//! One subject's events as transactions with audit records and signatures.
//!
//! Never merges two events: each stands as it was recorded, in the order of the ledger. A correction says what it took away.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value};
use trial::event::{Entered, Event, Instance, What};
use trial::id::SubjectId;
use trial::protocol::{Form, Protocol};

use super::definitions::{RANDOMISATION, item_oid, repeats};
use super::oid;
use super::write::{Participants, user_oid};
use super::xml::Xml;

type Values = Map<String, Value>;

pub(super) struct Clinical<'s> {
    subject: &'s SubjectId,
    /// What each form held last.
    held: BTreeMap<Instance, Values>,
    /// The form each query is about.
    queries: BTreeMap<String, Option<Instance>>,
    /// Annotations are numbered.
    annotations: usize,
}

/// Where the elements of an event go.
struct Page<'a, W: Write> {
    xml: &'a mut Xml<W>,
    protocol: &'a Protocol,
    participants: &'a Participants,
    seq: String,
    event: &'a Event,
}

impl<'s> Clinical<'s> {
    pub fn new(subject: &'s SubjectId) -> Self {
        Self { subject, held: BTreeMap::new(), queries: BTreeMap::new(), annotations: 0 }
    }

    /// The events, which were all recorded under one version of the protocol.
    pub fn write<W: Write>(
        &mut self,
        xml: &mut Xml<W>,
        protocol: &Protocol,
        participants: &Participants,
        events: &[Entered],
    ) -> io::Result<()> {
        for entered in events {
            let site =
                entered.event.site.as_ref().map_or(oid::OFFICE.to_owned(), |site| oid::site(site.as_str()));
            let screened = matches!(entered.event.what, What::SubjectScreened);
            let transaction = if screened { "Insert" } else { "Context" };
            xml.start(
                "SubjectData",
                &[("SubjectKey", self.subject.as_str()), ("TransactionType", transaction)],
            )?;
            let mut page =
                Page { xml, protocol, participants, seq: entered.seq.to_string(), event: &entered.event };
            if screened {
                page.audit(None, None)?;
            }
            page.xml.empty("SiteRef", &[("LocationOID", &site)])?;
            self.event(&mut page)?;
            xml.end()?;
        }
        Ok(())
    }

    fn event<W: Write>(&mut self, page: &mut Page<'_, W>) -> io::Result<()> {
        match &page.event.what {
            What::FormSaved { instance, values } => {
                page.form(instance, "Insert", |page| {
                    page.audit(None, None)?;
                    page.values(instance, values, None)
                })?;
                self.held.insert(instance.clone(), values.clone());
            }
            What::FormCorrected { instance, values, reason, .. } => {
                let before = self.held.insert(instance.clone(), values.clone()).unwrap_or_default();
                page.form(instance, "Update", |page| {
                    page.audit(Some(reason), None)?;
                    page.values(instance, values, Some(&before))
                })?;
            }
            What::FormSigned { instance, meaning } => {
                page.form(instance, "Context", |page| page.signature(meaning))?;
            }
            What::Verified { instance } => page.form(instance, "Context", |page| {
                page.audit(Some("Verified against the source"), Some("Monitoring"))
            })?,
            What::Locked { instance, locked } => {
                let words = if *locked { "Locked" } else { "Unlocked" };
                page.form(instance, "Context", |page| page.audit(Some(words), Some("DataManagement")))?;
            }
            What::QueryRaised { query, about, item, text, due } => {
                self.queries.insert(query.clone(), about.clone());
                let item = item.as_ref().map_or_else(String::new, |item| format!(" about {item}"));
                let due = due.map_or_else(String::new, |due| format!(" (due {due})"));
                self.query(page, query, &format!("raised{item}{due}: {text}"))?;
            }
            What::QueryAnswered { query, text } => self.query(page, query, &format!("answered: {text}"))?,
            What::QueryClosed { query } => self.query(page, query, "closed")?,
            What::Randomised { .. } => page.randomised()?,
            // Events that are of no subject, or said with the subject itself.
            What::SubjectScreened
            | What::ProtocolAdopted { .. }
            | What::SiteOpened { .. }
            | What::SiteClosed { .. }
            | What::UserChanged { .. }
            | What::SeedRevealed { .. } => {}
        }
        Ok(())
    }

    /// What was said in a query, as an annotation of the form it is about.
    fn query<W: Write>(&mut self, page: &mut Page<'_, W>, query: &str, words: &str) -> io::Result<()> {
        self.annotations += 1;
        let number = self.annotations.to_string();
        let words = format!(
            "Query {query} {words} [event {}, {}, {}]",
            page.seq, page.event.who, page.event.recorded
        );
        let about = self.queries.get(query).cloned().flatten();
        let by_site = matches!(page.event.what, What::QueryAnswered { .. });
        let annotate = |page: &mut Page<'_, W>| {
            page.xml.start("Annotation", &[("SeqNum", &number), ("ID", &format!("AN.{}", page.seq))])?;
            page.xml.text(
                "Comment",
                &[("SponsorOrSite", if by_site { "Site" } else { "Sponsor" })],
                &words,
            )?;
            page.xml.end()
        };
        match about {
            Some(instance) => page.form(&instance, "Context", annotate),
            None => annotate(page),
        }
    }
}

impl<W: Write> Page<'_, W> {
    fn audit(&mut self, reason: Option<&str>, point: Option<&str>) -> io::Result<()> {
        let attributes: Vec<(&'static str, &str)> =
            point.map(|point| ("EditPoint", point)).into_iter().collect();
        self.xml.start("AuditRecord", &attributes)?;
        self.by()?;
        self.xml.text("DateTimeStamp", &[], &self.event.recorded.to_string())?;
        if let Some(reason) = reason {
            self.xml.text("ReasonForChange", &[], reason)?;
        }
        self.xml.text("SourceID", &[], &self.seq)?;
        self.xml.end()
    }

    /// Who and where.
    fn by(&mut self) -> io::Result<()> {
        let user = user_oid(&self.event.who, self.event.role);
        let place = self.event.site.as_ref().map_or(oid::OFFICE.to_owned(), |site| oid::site(site.as_str()));
        self.xml.empty("UserRef", &[("UserOID", &user)])?;
        self.xml.empty("LocationRef", &[("LocationOID", &place)])
    }

    fn signature(&mut self, meaning: &str) -> io::Result<()> {
        self.xml.start("Signature", &[("ID", &format!("SIG.{}", self.seq))])?;
        self.by()?;
        let oid = self.participants.meaning_oid(meaning);
        self.xml.empty("SignatureRef", &[("SignatureOID", &oid)])?;
        self.xml.text("DateTimeStamp", &[], &self.event.recorded.to_string())?;
        self.xml.end()
    }

    /// A form within its visit; `inside` writes what it holds.
    fn form(
        &mut self,
        instance: &Instance,
        transaction: &'static str,
        inside: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        let occurrence = instance.occurrence.to_string();
        let visit = instance.visit.as_deref();
        let event = visit.map_or(oid::LOG.to_owned(), oid::visit);
        let repeating = visit.is_some_and(|visit| {
            self.protocol.schedule.visits.iter().any(|known| known.id == visit && known.every_days.is_some())
        });
        let mut attributes = vec![("StudyEventOID", event.as_str())];
        if repeating || (visit.is_some() && instance.occurrence > 1) {
            attributes.push(("StudyEventRepeatKey", occurrence.as_str()));
        }
        attributes.push(("TransactionType", "Context"));
        self.xml.start("StudyEventData", &attributes)?;
        let form = oid::form(&instance.form);
        let mut attributes = vec![("FormOID", form.as_str())];
        let many = self.defined(&instance.form).is_some_and(repeats);
        if visit.is_none() {
            attributes.push(("FormRepeatKey", occurrence.as_str()));
        } else if many {
            attributes.push(("FormRepeatKey", "1"));
        }
        attributes.push(("TransactionType", transaction));
        self.xml.start("FormData", &attributes)?;
        inside(self)?;
        self.xml.end()?;
        self.xml.end()
    }

    fn defined(&self, form: &str) -> Option<&Form> {
        self.protocol.forms.iter().find(|known| known.id == form)
    }

    /// What the form holds now, and what of `before` it holds no more.
    fn values(&mut self, instance: &Instance, values: &Values, before: Option<&Values>) -> io::Result<()> {
        let protocol = self.protocol;
        let Some(form) = protocol.forms.iter().find(|known| known.id == instance.form) else { return Ok(()) };
        let transaction = if before.is_some() { "Update" } else { "Insert" };
        self.xml.start(
            "ItemGroupData",
            &[("ItemGroupOID", &oid::group(&form.id, None)), ("TransactionType", transaction)],
        )?;
        for item in &form.items {
            let was = before.is_some_and(|before| text_of(before.get(&item.id)).is_some());
            self.item(&item_oid(form, None, item), values.get(&item.id), was)?;
        }
        self.xml.end()?;
        for group in &form.groups {
            let group_oid = oid::group(&form.id, Some(&group.id));
            let (rows, old) =
                (rows_of(values, &group.id), before.map_or(&[][..], |before| rows_of(before, &group.id)));
            for place in 0..rows.len().max(old.len()) {
                let key = (place + 1).to_string();
                let transaction = match (rows.get(place), old.get(place)) {
                    (None, _) => "Remove",
                    (Some(_), None) => "Insert",
                    (Some(_), Some(_)) => "Update",
                };
                let attributes = [
                    ("ItemGroupOID", group_oid.as_str()),
                    ("ItemGroupRepeatKey", &key),
                    ("TransactionType", transaction),
                ];
                let Some(row) = rows.get(place).and_then(Value::as_object) else {
                    self.xml.empty("ItemGroupData", &attributes)?;
                    continue;
                };
                self.xml.start("ItemGroupData", &attributes)?;
                for item in &group.items {
                    let was = old.get(place).is_some_and(|old| text_of(old.get(&item.id)).is_some());
                    self.item(&item_oid(form, Some(group), item), row.get(&item.id), was)?;
                }
                self.xml.end()?;
            }
        }
        Ok(())
    }

    fn item(&mut self, oid: &str, value: Option<&Value>, was: bool) -> io::Result<()> {
        match text_of(value) {
            Some(text) => self.xml.empty("ItemData", &[("ItemOID", oid), ("Value", &text)]),
            None if was => self.xml.empty("ItemData", &[("ItemOID", oid), ("IsNull", "Yes")]),
            None => Ok(()),
        }
    }

    fn randomised(&mut self) -> io::Result<()> {
        let What::Randomised { arm, date, stratum, position, on_behalf } = &self.event.what else {
            return Ok(());
        };
        let levels: Vec<String> = stratum.iter().map(|(factor, level)| format!("{factor}={level}")).collect();
        let values = [arm.to_string(), date.to_string(), levels.join("; "), position.to_string()];
        let reason = on_behalf.as_ref().map(|of| format!("On behalf of {}: {}", of.who, of.reason));
        let event = oid::visit(oid::RANDOMISATION);
        self.xml.start("StudyEventData", &[("StudyEventOID", &event), ("TransactionType", "Context")])?;
        self.xml.start(
            "FormData",
            &[("FormOID", &oid::form(oid::RANDOMISATION)), ("TransactionType", "Insert")],
        )?;
        self.audit(reason.as_deref(), None)?;
        let group = oid::group(oid::RANDOMISATION, None);
        self.xml.start("ItemGroupData", &[("ItemGroupOID", &group), ("TransactionType", "Insert")])?;
        for ((item, ..), value) in RANDOMISATION.iter().zip(&values) {
            if !value.is_empty() {
                self.xml.empty(
                    "ItemData",
                    &[("ItemOID", &oid::item(oid::RANDOMISATION, item)), ("Value", value)],
                )?;
            }
        }
        self.xml.end()?;
        self.xml.end()?;
        self.xml.end()
    }
}

fn rows_of<'v>(values: &'v Values, group: &str) -> &'v [Value] {
    values.get(group).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A value as ODM writes it; none where there is none.
fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(if *yes { "Y" } else { "N" }.to_owned()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

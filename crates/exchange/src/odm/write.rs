//! A whole ODM file, written subject by subject.
//!
//! Never holds more than one subject: who acted and where is handed in first, since ODM's administrative data stand before the data.

use std::collections::BTreeSet;
use std::io::{self, Write};

use jiff::Timestamp;
use trial::event::{Entered, Role, What};
use trial::id::SubjectId;
use trial::protocol::ProtocolHistory;

use super::clinical::Clinical;
use super::definitions::{Definitions, unit_oid, units};
use super::xml::Xml;
use super::{NAMESPACE, Place, oid};

/// What a file is of.
#[derive(Clone, Debug)]
pub struct OdmAbout {
    /// When it is made.
    pub created: Timestamp,
    /// The data are those known then.
    pub as_of: Option<Timestamp>,
    /// What it was made from, in words.
    pub source: String,
    /// The subjects are virtual.
    pub simulated: bool,
}

/// Who acted, and what signatures meant: gathered before a file is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Participants {
    users: BTreeSet<(String, Role)>,
    meanings: BTreeSet<String>,
}

impl Participants {
    /// Those of a subject's events.
    pub fn of(events: &[Entered]) -> Self {
        let mut found = Self::default();
        for Entered { event, .. } in events {
            found.users.insert((event.who.clone(), event.role));
            if let What::FormSigned { meaning, .. } = &event.what {
                found.meanings.insert(meaning.clone());
            }
        }
        found
    }

    /// Both.
    pub fn join(&mut self, other: Self) {
        self.users.extend(other.users);
        self.meanings.extend(other.meanings);
    }

    pub(super) fn meaning_oid(&self, meaning: &str) -> String {
        let place = self.meanings.iter().position(|known| known == meaning);
        place.map_or_else(|| "SD.-UNKNOWN".to_owned(), |place| format!("SD.{}", place + 1))
    }
}

/// The name of a role as the ledger writes it.
pub(super) fn role_name(role: Role) -> String {
    serde_json::to_value(role).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn user_oid(who: &str, role: Role) -> String {
    format!("U.{who}.{}", role_name(role))
}

/// A file under way.
pub struct OdmWriter<'h, W: Write> {
    xml: Xml<W>,
    history: &'h ProtocolHistory,
    participants: Participants,
    study: String,
    created: Timestamp,
    /// The version whose `ClinicalData` is open.
    open: Option<usize>,
}

impl<'h, W: Write> OdmWriter<'h, W> {
    /// Begins a file with every version of the protocol, the sites and who acted.
    pub fn new(
        out: W,
        history: &'h ProtocolHistory,
        about: &OdmAbout,
        sites: &[Place<'_>],
        participants: Participants,
    ) -> io::Result<Self> {
        let trial = &history.current().trial;
        let study = format!("S.{}", trial.id);
        let mut xml = Xml::new(out)?;
        let (created, as_of) = (about.created.to_string(), about.as_of.unwrap_or(about.created).to_string());
        let virtual_words = if about.simulated { "SIMULATED: the subjects are virtual. " } else { "" };
        let description = format!("{virtual_words}{}, from {}", trial.id, about.source);
        let file = format!("F.{}.{created}", trial.id);
        xml.start(
            "ODM",
            &[
                ("xmlns", NAMESPACE),
                ("FileType", "Transactional"),
                ("FileOID", &file),
                ("CreationDateTime", &created),
                ("AsOfDateTime", &as_of),
                ("ODMVersion", "1.3.2"),
                ("Originator", "Trialwright"),
                ("SourceSystem", "Trialwright"),
                ("SourceSystemVersion", env!("CARGO_PKG_VERSION")),
                ("Description", &description),
            ],
        )?;
        let mut writer = Self { xml, history, participants, study, created: about.created, open: None };
        writer.study()?;
        writer.admin(sites)?;
        Ok(writer)
    }

    fn study(&mut self) -> io::Result<()> {
        let study = self.study.clone();
        let trial = &self.history.current().trial;
        self.xml.start("Study", &[("OID", &study)])?;
        self.xml.start("GlobalVariables", &[])?;
        self.xml.text("StudyName", &[], &trial.id)?;
        self.xml.text("StudyDescription", &[], &trial.title)?;
        self.xml.text("ProtocolName", &[], trial.registry.as_deref().unwrap_or(&trial.id))?;
        self.xml.end()?;
        let units = units(self.history.versions().map(|(_, version)| &version.protocol));
        if !units.is_empty() {
            self.xml.start("BasicDefinitions", &[])?;
            for unit in units {
                self.xml.start("MeasurementUnit", &[("OID", &unit_oid(unit)), ("Name", unit)])?;
                self.xml.start("Symbol", &[])?;
                self.xml.text("TranslatedText", &[("xml:lang", "en")], unit)?;
                self.xml.end()?;
                self.xml.end()?;
            }
            self.xml.end()?;
        }
        for (place, (_, version)) in (1..).zip(self.history.versions()) {
            Definitions { xml: &mut self.xml, protocol: &version.protocol }.version(place)?;
        }
        self.xml.end()
    }

    fn admin(&mut self, sites: &[Place<'_>]) -> io::Result<()> {
        let study = self.study.clone();
        self.xml.start("AdminData", &[("StudyOID", &study)])?;
        for (who, role) in self.participants.users.clone() {
            let kind = match role {
                Role::Investigator => "Investigator",
                Role::TrialOffice => "Sponsor",
                _ => "Other",
            };
            self.xml.start("User", &[("OID", &user_oid(&who, role)), ("UserType", kind)])?;
            self.xml.text("LoginName", &[], &who)?;
            self.xml.text("DisplayName", &[], &format!("{who}, {}", role_name(role).replace('_', " ")))?;
            self.xml.end()?;
        }
        // ODM wants a day from which a version holds at a place: no site has one before it opened.
        let first =
            sites.iter().filter_map(|site| site.opened).min().unwrap_or(trial::date::utc_date(self.created));
        let office = (oid::OFFICE.to_owned(), "Trial office", "Sponsor", first);
        let sites =
            sites.iter().map(|site| (oid::site(site.id), site.name, "Site", site.opened.unwrap_or(first)));
        let versions = self.history.versions().count();
        for (location, name, kind, day) in std::iter::once(office).chain(sites) {
            let name = if name.trim().is_empty() { location.clone() } else { name.to_owned() };
            self.xml.start("Location", &[("OID", &location), ("Name", &name), ("LocationType", kind)])?;
            for version in (1..=versions).map(oid::version) {
                let day = day.to_string();
                self.xml.empty(
                    "MetaDataVersionRef",
                    &[("StudyOID", &study), ("MetaDataVersionOID", &version), ("EffectiveDate", &day)],
                )?;
            }
            self.xml.end()?;
        }
        for meaning in self.participants.meanings.clone() {
            let oid = self.participants.meaning_oid(&meaning);
            self.xml.start("SignatureDef", &[("OID", &oid), ("Methodology", "Electronic")])?;
            self.xml.text("Meaning", &[], &meaning)?;
            self.xml.text("LegalReason", &[], "Signed with a user name, a password and a second factor")?;
            self.xml.end()?;
        }
        self.xml.end()
    }

    /// Adds a subject with its events, in their order.
    pub fn subject(&mut self, subject: &SubjectId, events: &[Entered]) -> io::Result<()> {
        let of_version =
            |seq: u64| self.history.versions().filter(|(adopted, _)| *adopted <= seq).count().max(1);
        let runs: Vec<(usize, &[Entered])> = events
            .chunk_by(|a, b| of_version(a.seq) == of_version(b.seq))
            .filter_map(|run| Some((of_version(run.first()?.seq), run)))
            .collect();
        // What a form held before tells what an update removes.
        let mut clinical = Clinical::new(subject);
        for (version, run) in runs {
            self.enter(version)?;
            let Some((_, checked)) = self.history.versions().nth(version - 1) else { continue };
            clinical.write(&mut self.xml, &checked.protocol, &self.participants, run)?;
        }
        Ok(())
    }

    fn enter(&mut self, version: usize) -> io::Result<()> {
        if self.open == Some(version) {
            return Ok(());
        }
        if self.open.is_some() {
            self.xml.end()?;
        }
        let study = self.study.clone();
        self.xml
            .start("ClinicalData", &[("StudyOID", &study), ("MetaDataVersionOID", &oid::version(version))])?;
        self.open = Some(version);
        Ok(())
    }

    /// Ends the file. Gives how many characters of texts XML does not have, and U+FFFD now stands for.
    pub fn finish(self) -> io::Result<u64> {
        self.xml.finish()
    }
}

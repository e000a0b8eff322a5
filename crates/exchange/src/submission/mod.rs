//! A whole trial as data sets of the standards: one pass over its subjects, each turned into records on any core, then gathered.
//!
//! Never derives: a response, a day or an endpoint is what `trial` and `analysis` derive, and each record names the events of the
//! ledger it came from (data set `TRACE`). `sdtm_out` makes the records of SDTM, `adam` those of `ADaM`.

pub(crate) mod line;
pub(crate) mod visit;

use std::collections::{BTreeMap, BTreeSet};

use analysis::Plan;
use jiff::Timestamp;
use jiff::civil::Date;
use trial::id::SiteId;
use trial::protocol::{Protocol, ProtocolHistory};
use trial::record::Record;

use crate::layout::{self, Core, Layout};
use crate::table::{Cell, Misfit, Table};
use crate::{adam, sdtm_out};
use line::{Line, Value};

/// A standard of data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standard {
    /// SDTM, by Implementation Guide 3.4.
    Sdtm,
    /// `ADaM`, by Implementation Guide 1.3.
    Adam,
    /// The way from each record of the others to the events of the ledger.
    Trace,
}

impl Standard {
    /// In lower case, as its directory is named.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sdtm => "sdtm",
            Self::Adam => "adam",
            Self::Trace => "trace",
        }
    }
}

/// A site of the trial.
#[derive(Clone, Debug)]
pub struct Site {
    /// `SITEID`.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: Option<String>,
}

/// What of a trial stands neither in its protocol nor in a record.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The sites that were opened.
    pub sites: Vec<Site>,
    /// The subjects are virtual.
    pub simulated: bool,
    /// Only what was recorded by then is seen.
    pub as_of: Option<Timestamp>,
    /// Only what had happened by then is seen.
    pub cut: Option<Date>,
    /// The last moment at which an event was recorded.
    pub until: Option<Timestamp>,
    /// Head of the ledger in hex; none for data that came from no ledger.
    pub head: Option<String>,
}

/// A trial about to be written.
pub struct Study<'h> {
    pub(crate) history: &'h ProtocolHistory,
    /// The current version: the one that analyses.
    pub(crate) protocol: &'h Protocol,
    pub(crate) plan: Plan<'h>,
    pub(crate) facts: Facts,
    pub(crate) countries: BTreeMap<SiteId, String>,
    /// Item to the name of at most eight characters that its qualifier or test has.
    names: BTreeMap<String, String>,
    /// The analyses that share a parameter of ADTTE, in order of their first.
    pub(crate) parameters: Vec<adam::Parameter<'h>>,
}

impl<'h> Study<'h> {
    /// The trial of `history`.
    pub fn new(history: &'h ProtocolHistory, facts: Facts) -> Self {
        let plan = Plan::new(history);
        let countries =
            facts.sites.iter().filter_map(|site| Some((site.id.clone(), site.country.clone()?))).collect();
        let protocol = history.current();
        let parameters = adam::parameters(&plan);
        Self { history, protocol, plan, facts, countries, names: short_names(history), parameters }
    }

    /// `STUDYID`.
    pub fn id(&self) -> &'h str {
        &self.protocol.trial.id
    }

    /// The short name of an item: its id where that is one already.
    pub(crate) fn short_name(&self, item: &str) -> String {
        self.names.get(item).cloned().unwrap_or_else(|| stem(item))
    }

    /// The records of one subject in both standards; empty where nothing of it had happened by the cut. Pure, for any thread.
    pub fn subject(&self, record: &Record) -> SubjectLines<'_> {
        let usubjid = format!("{}-{}", self.id(), record.subject);
        let mut made = SubjectLines { usubjid, ..SubjectLines::default() };
        let Some(values) = self.plan.values(record, self.facts.cut) else { return made };
        let subject = sdtm_out::Subject::new(self, &values);
        let mut lines = sdtm_out::lines(&subject);
        for line in &mut lines {
            if let Some(layout) = layout::sdtm().iter().find(|layout| layout.name == line.set) {
                line.fold_long(layout);
            }
        }
        let lines = line::number(layout::sdtm(), lines);
        made.adam = line::number(layout::adam(), adam::lines(&subject, &lines));
        made.occurrences = subject.occurrences();
        made.sdtm = lines;
        made
    }
}

/// Every item of every version, with a name of at most eight characters of its own.
fn short_names(history: &ProtocolHistory) -> BTreeMap<String, String> {
    let items: BTreeSet<&str> = history
        .versions()
        .flat_map(|(_, version)| &version.protocol.forms)
        .flat_map(|form| form.items.iter().chain(form.groups.iter().flat_map(|group| &group.items)))
        .map(|item| item.id.as_str())
        .collect();
    let fits = |id: &str| id.len() <= 8 && id == stem(id);
    let mut taken: BTreeSet<String> = items.iter().filter(|id| fits(id)).map(|id| (*id).to_owned()).collect();
    let mut names = BTreeMap::new();
    for id in items {
        let mut name = stem(id);
        for n in 1.. {
            if fits(id) || taken.insert(name.clone()) {
                break;
            }
            name = line::continued(&stem(id), n);
        }
        names.insert(id.to_owned(), name);
    }
    names
}

/// The first eight letters and digits, in capitals.
fn stem(id: &str) -> String {
    let sound = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    id.chars().filter(sound).take(8).map(|c| c.to_ascii_uppercase()).collect()
}

/// The records of one subject.
#[derive(Default)]
pub struct SubjectLines<'s> {
    usubjid: String,
    sdtm: Vec<Line<'s>>,
    adam: Vec<Line<'s>>,
    /// For each visit of the schedule that repeats, how often it was made.
    occurrences: BTreeMap<usize, u32>,
}

/// A finished data set.
pub struct DataSet {
    /// The standard it belongs to.
    pub standard: Standard,
    /// What its guide says of it; of supplemental data sets `SUPPQUAL`'s.
    pub layout: &'static Layout,
    /// Its rows.
    pub table: Table,
}

/// A table being filled.
struct Filling {
    standard: Standard,
    layout: &'static Layout,
    table: Table,
    /// The variable of the sequence, where it has one.
    seq: Option<&'static str>,
    domain: bool,
}

impl Filling {
    fn new(standard: Standard, layout: &'static Layout, name: &str, label: &str) -> Result<Self, Misfit> {
        let has = |name: &str| layout.variables.iter().any(|variable| variable.name == name);
        let seq = layout.variables.iter().map(|v| v.name.as_str()).find(|name| {
            *name == "ASEQ" || (name.len() == 5 && name.starts_with(&layout.name) && name.ends_with("SEQ"))
        });
        let table = Table::new(name, label, layout.columns())?;
        Ok(Self { standard, layout, table, seq, domain: has("DOMAIN") })
    }

    fn push(&mut self, study: &str, usubjid: &str, line: &Line<'_>) -> Result<(), Misfit> {
        let mut row = self.table.begin();
        row.set("STUDYID", study)?;
        if self.domain {
            row.set("DOMAIN", self.layout.name.as_str())?;
        }
        if !usubjid.is_empty() {
            row.set("USUBJID", usubjid)?;
        }
        if let Some(seq) = self.seq.filter(|_| line.seq > 0) {
            row.set(seq, line.seq)?;
        }
        for (name, value) in &line.cells {
            match value {
                Value::Text(text) => row.set(name, &**text)?,
                Value::Number(number) => row.set(name, *number)?,
            };
        }
        row.end()
    }
}

/// Gathers the records of all subjects into data sets. Subjects are taken in the order of their identifiers.
pub struct Collector<'s, 'h> {
    study: &'s Study<'h>,
    standards: Vec<Standard>,
    sdtm: Vec<Filling>,
    adam: Vec<Filling>,
    supplements: BTreeMap<&'static str, Filling>,
    trace: Filling,
    occurrences: BTreeMap<usize, u32>,
    wrong: Option<Misfit>,
}

impl<'s, 'h> Collector<'s, 'h> {
    /// An empty one for these standards.
    pub fn new(study: &'s Study<'h>, standards: &[Standard]) -> Result<Self, Misfit> {
        let of = |standard, layouts: &'static [Layout]| -> Result<Vec<Filling>, Misfit> {
            let named = layouts.iter().filter(|layout| layout.name != "SUPPQUAL");
            named.map(|layout| Filling::new(standard, layout, &layout.name, &layout.label)).collect()
        };
        let trace = layout::trace();
        Ok(Self {
            study,
            standards: standards.to_vec(),
            sdtm: of(Standard::Sdtm, layout::sdtm())?,
            adam: of(Standard::Adam, layout::adam())?,
            supplements: BTreeMap::new(),
            trace: Filling::new(Standard::Trace, trace, &trace.name, &trace.label)?,
            occurrences: BTreeMap::new(),
            wrong: None,
        })
    }

    /// Adds a subject. What a table cannot hold is kept and told by `finish`.
    pub fn take(&mut self, subject: &SubjectLines<'_>) {
        if self.wrong.is_none() {
            self.wrong = self.add(subject).err();
        }
    }

    fn add(&mut self, subject: &SubjectLines<'_>) -> Result<(), Misfit> {
        for (place, made) in &subject.occurrences {
            let most = self.occurrences.entry(*place).or_default();
            *most = (*most).max(*made);
        }
        if self.standards.contains(&Standard::Sdtm) {
            self.add_sdtm(&subject.usubjid, &subject.sdtm)?;
        }
        if self.standards.contains(&Standard::Adam) {
            let study = self.study.id();
            for line in &subject.adam {
                if let Some(filling) = self.adam.iter_mut().find(|filling| filling.layout.name == line.set) {
                    filling.push(study, &subject.usubjid, line)?;
                }
            }
            self.add_trace(&subject.usubjid, &subject.adam)?;
        }
        Ok(())
    }

    fn add_sdtm(&mut self, usubjid: &str, lines: &[Line<'_>]) -> Result<(), Misfit> {
        let study = self.study.id();
        for line in lines {
            if let Some(filling) = self.sdtm.iter_mut().find(|filling| filling.layout.name == line.set) {
                filling.push(study, usubjid, line)?;
            }
            for supplement in &line.supplements {
                let filling = match self.supplements.entry(line.set) {
                    std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                    std::collections::btree_map::Entry::Vacant(new) => new.insert(supplemental(line.set)?),
                };
                let mut row = filling.table.begin();
                row.set("STUDYID", study)?.set("RDOMAIN", line.set)?.set("USUBJID", usubjid)?;
                if line.set != "DM" {
                    row.set("IDVAR", format!("{}SEQ", line.set).as_str())?;
                    row.set("IDVARVAL", line.seq.to_string().as_str())?;
                }
                row.set("QNAM", &*supplement.name)?.set("QLABEL", &*supplement.label)?;
                row.set("QVAL", supplement.value.trim_end())?.set("QORIG", supplement.origin)?;
                row.end()?;
            }
        }
        self.add_trace(usubjid, lines)
    }

    /// One row for each run of records in sequence that came from the same event.
    fn add_trace(&mut self, usubjid: &str, lines: &[Line<'_>]) -> Result<(), Misfit> {
        let mut runs: BTreeMap<(&str, u64), Vec<(u32, u32)>> = BTreeMap::new();
        for line in lines {
            for event in line.events() {
                let runs = runs.entry((line.set, event)).or_default();
                match runs.last_mut() {
                    Some((_, last)) if *last + 1 == line.seq => *last = line.seq,
                    _ => runs.push((line.seq, line.seq)),
                }
            }
        }
        for ((set, event), runs) in runs {
            // Data sets without a sequence are told by subject alone.
            let numbered = !matches!(set, "DM" | "ADSL" | "SV");
            let told = if numbered { runs.len() } else { 1 };
            for (from, to) in runs.into_iter().take(told) {
                let mut row = self.trace.table.begin();
                row.set("STUDYID", self.study.id())?.set("DATASET", set)?.set("USUBJID", usubjid)?;
                if numbered {
                    row.set("SEQFROM", from)?.set("SEQTO", to)?;
                }
                row.set("EVENT", event)?;
                row.end()?;
            }
        }
        Ok(())
    }

    /// The data sets, in the order of their guides; those without a row are left out. Errors: what a table could not hold.
    pub fn finish(mut self) -> Result<Vec<DataSet>, Misfit> {
        if let Some(wrong) = self.wrong.take() {
            return Err(wrong);
        }
        let study = self.study.id();
        let mut sets = Vec::new();
        if self.standards.contains(&Standard::Sdtm) {
            let filled: BTreeSet<&str> =
                self.sdtm.iter().filter(|f| !f.table.is_empty()).map(|f| f.layout.name.as_str()).collect();
            let design =
                sdtm_out::design(self.study, &self.occurrences).into_iter().chain(sdtm_out::related(&filled));
            for line in design {
                if let Some(filling) = self.sdtm.iter_mut().find(|filling| filling.layout.name == line.set) {
                    filling.push(study, "", &line)?;
                }
            }
            let (mut relations, mut main): (Vec<Filling>, Vec<Filling>) = (Vec::new(), Vec::new());
            for filling in self.sdtm {
                if filling.layout.name == "RELREC" { relations.push(filling) } else { main.push(filling) }
            }
            sets.extend(main.into_iter().chain(self.supplements.into_values()).chain(relations));
        }
        if self.standards.contains(&Standard::Adam) {
            sets.extend(self.adam);
        }
        if self.standards.contains(&Standard::Trace) {
            sets.push(self.trace);
        }
        Ok(sets.into_iter().filter(|filling| !filling.table.is_empty()).map(finished).collect())
    }
}

fn supplemental(parent: &str) -> Result<Filling, Misfit> {
    let layouts = layout::sdtm();
    let found = layouts.iter().find(|layout| layout.name == "SUPPQUAL");
    let Some(layout) = found else {
        return Err(Misfit::whole("SUPPQUAL", "no layout", "the layouts name every data set"));
    };
    let label = format!("Supplemental Qualifiers for {parent}");
    Filling::new(Standard::Sdtm, layout, &format!("SUPP{parent}"), &label)
}

/// Drops the permissible variables that nothing fills, and sorts what is about the trial.
fn finished(filling: Filling) -> DataSet {
    let Filling { standard, layout, mut table, .. } = filling;
    let filled: Vec<bool> = (0..table.columns().len())
        .map(|place| table.column(place).any(|cell| cell != Cell::Missing))
        .collect();
    let mut filled = filled.into_iter();
    table.retain_columns(|column| {
        let any = filled.next().unwrap_or(true);
        any || layout.variable(&column.name).is_none_or(|variable| variable.core != Core::Permissible)
    });
    if layout.reference {
        table.sort_by_keys();
    }
    DataSet { standard, layout, table }
}

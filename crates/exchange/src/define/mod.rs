//! Define-XML 2.1: what every data set, variable and value is, where it comes from, and how what is derived was derived.
//!
//! Never words a derivation anew: methods are made of the protocol's own tables and of the rules in words that the report prints.
//! CDISC Define-XML Specification 2.1 (2019); order of elements by its schema.

mod methods;
mod terms;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use jiff::civil::DateTime;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::layout::{Layout, Variable};
use crate::submission::{DataSet, Standard, Study};
use crate::table::{Cell, Column, Kind, Table};
use methods::Method;

/// When the data sets were made, and what their files end in.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// UTC.
    pub created: DateTime,
    /// As in `xpt`.
    pub extension: &'a str,
}

/// The OID of the description of a standard's data sets.
pub fn version_oid(standard: Standard) -> String {
    format!("MDV.{}", standard.as_str())
}

/// So many different values make a code list that is written out; more, and the variable is free text.
const MOST_TERMS: usize = 300;

/// Values that are no term of their CDISC code list, in words; they are kept as recorded.
pub fn unmapped(sets: &[DataSet]) -> Vec<String> {
    let mut found: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    for set in sets.iter().filter(|set| set.standard == Standard::Sdtm) {
        for (place, column) in set.table.columns().iter().enumerate() {
            let list = set.layout.variable(&column.name).and_then(|variable| terms::find(&variable.codelist));
            let Some(list) = list.filter(|list| !list.terms.is_empty()) else { continue };
            for word in set.table.words(place).filter(|word| !list.terms.contains(word) && !is_number(word)) {
                let (words, variables) = found.entry(list.name).or_default();
                words.insert(word);
                variables.insert(format!("{}.{}", set.table.name(), column.name));
            }
        }
    }
    let say = |(list, (words, variables)): (&str, (BTreeSet<&str>, BTreeSet<String>))| {
        let words: Vec<String> = words.into_iter().take(20).map(|word| format!("{word:?}")).collect();
        let variables: Vec<String> = variables.into_iter().collect();
        format!(
            "{} not among the terms of code list {list} that the export knows; kept as recorded ({})",
            words.join(", "),
            variables.join(", ")
        )
    };
    found.into_iter().map(say).collect()
}

/// Writes the description of the data sets of `standard` among `sets`. Errors: those of `to`.
pub fn write(
    study: &Study<'_>,
    standard: Standard,
    sets: &[DataSet],
    options: &Options<'_>,
    to: impl Write,
) -> io::Result<()> {
    let sets: Vec<&DataSet> = sets.iter().filter(|set| set.standard == standard).collect();
    let document =
        Document { study, standard, options: *options, parameters: methods::of_parameters(study), sets };
    document.write(&mut Writer::new_with_indent(to, b' ', 1))
}

/// What is known of a variable, or of its values where `condition` holds, in Define-XML's words: a line of a data dictionary.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// `sdtm`, `adam`, `trace` or `plain`.
    pub standard: &'static str,
    /// The data set.
    pub set: String,
    /// Its label.
    pub set_label: String,
    /// The variable.
    pub variable: String,
    /// As in `PARAMCD is TSF`; empty where the line is about every value.
    pub condition: String,
    /// The label.
    pub label: String,
    /// As in `float`.
    pub kind: &'static str,
    /// The longest value, in bytes of text or digits.
    pub length: Option<usize>,
    /// How SAS shows it; empty where by its default.
    pub format: String,
    /// The units; empty where there are none.
    pub units: String,
    /// Name and NCI code of the code list; empty where there is none.
    pub list: String,
    /// The values that occur, where they are terms of a code list.
    pub terms: Vec<String>,
    /// `Collected`, `Derived`, and who or from what.
    pub origin: String,
    /// How it was derived, in words.
    pub derivation: String,
}

/// The type of a column as Define-XML names it, but that a SAS date is called a date, and the longest value.
pub fn typed_words(table: &Table, place: usize) -> (&'static str, Option<usize>) {
    match table.columns()[place].kind {
        Kind::Day => ("date", None),
        Kind::Moment => ("datetime", None),
        _ => {
            let typed = typed(table, place);
            (typed.kind, typed.length)
        }
    }
}

/// Every variable of the data sets of `standard`, in order, each followed by those of its values that are described apart.
pub fn dictionary(study: &Study<'_>, standard: Standard, sets: &[DataSet]) -> Vec<Described> {
    let of: Vec<&DataSet> = sets.iter().filter(|set| set.standard == standard).collect();
    let options = Options { created: DateTime::default(), extension: "" };
    let parameters = methods::of_parameters(study);
    let document = Document { study, standard, options, parameters, sets: of };
    let levels = document.value_levels();
    let mut lines = Vec::new();
    for set in &document.sets {
        for (place, column) in set.table.columns().iter().enumerate() {
            let line = document.line(set, place, column);
            let values = levels.get(&format!("{}.{}", line.set, line.variable));
            let values = values.into_iter().flatten().map(|level| Described {
                condition: format!("{} is {}", level.by, level.code),
                label: level.label.clone(),
                terms: level.terms.iter().cloned().collect(),
                origin: format!("{} ({})", level.origin.0, level.origin.1),
                derivation: level.method.as_deref().map(|id| document.method(id).1).unwrap_or_default(),
                ..line.clone()
            });
            let values: Vec<Described> = values.collect();
            lines.push(line);
            lines.extend(values);
        }
    }
    lines
}

type Attributes<'a> = Vec<(&'a str, String)>;
type Out<W> = Writer<W>;

struct Document<'a, 'h> {
    study: &'a Study<'h>,
    standard: Standard,
    options: Options<'a>,
    parameters: Vec<(String, Method)>,
    sets: Vec<&'a DataSet>,
}

/// A value of a variable described on its own: where `by` is `code`.
struct ValueLevel {
    variable: String,
    by: &'static str,
    code: String,
    origin: (&'static str, &'static str),
    method: Option<String>,
    label: String,
    /// The values, where they are terms of a code list.
    terms: BTreeSet<String>,
}

fn attributes<'a>(pairs: &[(&'a str, &str)]) -> Attributes<'a> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn element<W: Write>(
    out: &mut Out<W>,
    name: &str,
    attributes: &Attributes<'_>,
    inside: impl FnOnce(&mut Out<W>) -> io::Result<()>,
) -> io::Result<()> {
    let mut made = out.create_element(name);
    for (name, value) in attributes {
        made = made.with_attribute((*name, value.as_str()));
    }
    made.write_inner_content(inside)?;
    Ok(())
}

fn empty<W: Write>(out: &mut Out<W>, name: &str, attributes: &Attributes<'_>) -> io::Result<()> {
    let mut made = out.create_element(name);
    for (name, value) in attributes {
        made = made.with_attribute((*name, value.as_str()));
    }
    made.write_empty()?;
    Ok(())
}

fn simple<W: Write>(out: &mut Out<W>, name: &str, text: &str) -> io::Result<()> {
    out.create_element(name).write_text_content(BytesText::new(text))?;
    Ok(())
}

fn described<W: Write>(out: &mut Out<W>, text: &str) -> io::Result<()> {
    element(out, "Description", &Vec::new(), |out| {
        out.create_element("TranslatedText")
            .with_attribute(("xml:lang", "en"))
            .write_text_content(BytesText::new(text))?;
        Ok(())
    })
}

impl Document<'_, '_> {
    fn write<W: Write>(&self, out: &mut Out<W>) -> io::Result<()> {
        out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let created = self.options.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let file = format!("{}.{}.define", self.study.id().replace(' ', "."), self.standard.as_str());
        let root = attributes(&[
            ("xmlns", "http://www.cdisc.org/ns/odm/v1.3"),
            ("xmlns:xlink", "http://www.w3.org/1999/xlink"),
            ("xmlns:def", "http://www.cdisc.org/ns/def/v2.1"),
            ("ODMVersion", "1.3.2"),
            ("FileType", "Snapshot"),
            ("FileOID", &file),
            ("CreationDateTime", &created),
            ("Originator", "Trialwright"),
            ("SourceSystem", "Trialwright"),
            ("SourceSystemVersion", env!("CARGO_PKG_VERSION")),
            ("def:Context", "Submission"),
        ]);
        element(out, "ODM", &root, |out| {
            element(out, "Study", &attributes(&[("OID", self.study.id())]), |out| {
                let trial = &self.study.protocol.trial;
                element(out, "GlobalVariables", &Vec::new(), |out| {
                    simple(out, "StudyName", &trial.id)?;
                    simple(out, "StudyDescription", &self.marked(&trial.title))?;
                    simple(out, "ProtocolName", trial.registry.as_deref().unwrap_or(&trial.id))
                })?;
                self.version(out)
            })
        })?;
        out.get_mut().write_all(b"\n")?;
        out.get_mut().flush()
    }

    /// A title that says of virtual subjects that they are.
    fn marked(&self, text: &str) -> String {
        if self.study.facts.simulated { format!("SIMULATED DATA: {text}") } else { text.to_owned() }
    }

    fn version<W: Write>(&self, out: &mut Out<W>) -> io::Result<()> {
        let name = format!("{}, {}", self.study.id(), self.standard.as_str().to_uppercase());
        let description =
            format!("Data definitions of {name}, protocol version {}", self.study.protocol.trial.version);
        let version = attributes(&[
            ("OID", &version_oid(self.standard)),
            ("Name", &self.marked(&name)),
            ("Description", &description),
            ("def:DefineVersion", "2.1.0"),
            ("def:CommentOID", "COM.MDV"),
        ]);
        element(out, "MetaDataVersion", &version, |out| {
            element(out, "def:Standards", &Vec::new(), |out| {
                let (guide, number) = match self.standard {
                    Standard::Adam => ("ADaMIG", "1.3"),
                    Standard::Sdtm | Standard::Trace => ("SDTMIG", "3.4"),
                };
                let standard = [
                    ("OID", "STD.1"),
                    ("Name", guide),
                    ("Type", "IG"),
                    ("Version", number),
                    ("Status", "Final"),
                ];
                empty(out, "def:Standard", &attributes(&standard))?;
                let publisher = if self.standard == Standard::Adam { "ADaM" } else { "SDTM" };
                let terms = [
                    ("OID", "STD.2"),
                    ("Name", "CDISC/NCI"),
                    ("Type", "CT"),
                    ("PublishingSet", publisher),
                    ("Version", "2024-09-27"),
                    ("Status", "Final"),
                ];
                empty(out, "def:Standard", &attributes(&terms))
            })?;
            let levels = self.value_levels();
            Self::value_lists(out, &levels)?;
            for set in &self.sets {
                self.group(out, set)?;
            }
            for set in &self.sets {
                Self::items(out, set, &levels)?;
            }
            self.value_items(out, &levels)?;
            self.codelists(out, &levels)?;
            self.methods(out, &levels)?;
            self.comments(out)
        })
    }

    /// What is described value by value: parameters with a method of their own, and results that are derived beside collected ones.
    fn value_levels(&self) -> BTreeMap<String, Vec<ValueLevel>> {
        let mut levels: BTreeMap<String, Vec<ValueLevel>> = BTreeMap::new();
        for set in &self.sets {
            let table = set.table.name();
            let of: &[(&'static str, &str)] = match table {
                "TR" => &[("TRTESTCD", "TRSTRESN"), ("TRTESTCD", "TRORRES"), ("TRTESTCD", "TRSTRESC")],
                "RS" => &[("RSTESTCD", "RSORRES"), ("RSTESTCD", "RSSTRESC")],
                "ADTTE" => &[("PARAMCD", "ADT")],
                "ADQS" | "ADEX" => &[("PARAMCD", "AVAL")],
                name if name.starts_with("SUPP") => &[("QNAM", "QVAL")],
                _ => &[],
            };
            for (by, variable) in of {
                let described: Vec<ValueLevel> = Self::codes(set, by, variable)
                    .into_iter()
                    .map(|(code, label, terms)| ValueLevel {
                        terms,
                        ..self.level(set, variable, by, code, label)
                    })
                    .collect();
                levels.insert(format!("{table}.{variable}"), described);
            }
        }
        levels
    }

    /// The different values of `by`, each with the label beside it and the values of `variable` there.
    fn codes(set: &DataSet, by: &str, variable: &str) -> Vec<(String, String, BTreeSet<String>)> {
        let label = match by {
            "PARAMCD" => "PARAM",
            "QNAM" => "QLABEL",
            "TRTESTCD" => "TRTEST",
            _ => "RSTEST",
        };
        let places = [by, label, variable].map(|name| set.table.place(name));
        let [Some(by), Some(label), Some(variable)] = places else { return Vec::new() };
        let listed = set.layout.variable(&set.table.columns()[variable].name);
        let listed = listed.is_some_and(|variable| !variable.codelist.is_empty());
        let mut found: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        let mut last = String::new();
        for row in 0..set.table.len() {
            let Cell::Text(code) = set.table.get(row, by) else { continue };
            if code != last && !found.contains_key(code) {
                let Cell::Text(label) = set.table.get(row, label) else { continue };
                found.insert(code.to_owned(), (label.to_owned(), BTreeSet::new()));
            }
            if let Cell::Text(value) = set.table.get(row, variable)
                && listed
                && let Some((_, values)) = found.get_mut(code)
                && values.len() <= MOST_TERMS
                && !values.contains(value)
            {
                values.insert(value.to_owned());
            }
            code.clone_into(&mut last);
        }
        let terms = |values: BTreeSet<String>| {
            let numbers = values.len() > MOST_TERMS || values.iter().any(|value| is_number(value));
            if numbers { BTreeSet::new() } else { values }
        };
        found.into_iter().map(|(code, (label, values))| (code, label, terms(values))).collect()
    }

    fn level(
        &self,
        set: &DataSet,
        variable: &str,
        by: &'static str,
        code: String,
        label: String,
    ) -> ValueLevel {
        const COLLECTED: (&str, &str) = ("Collected", "Investigator");
        const DERIVED: (&str, &str) = ("Derived", "Sponsor");
        let own = self.parameters.iter().find(|(of, _)| *of == code).map(|(_, method)| method.id.clone());
        let (origin, method) = match (set.table.name(), code.as_str()) {
            ("TR", "SUMDIAM") => (DERIVED, Some("MT.SUMDIAM".to_owned())),
            ("RS", code) if !code.starts_with("ECOG") => (DERIVED, Some("MT.RECIST".to_owned())),
            ("ADTTE", _) => (DERIVED, own),
            ("ADQS", _) => (DERIVED, own.or_else(|| Some("MT.ADQS".to_owned()))),
            ("ADEX", _) => (DERIVED, Some("MT.ADEX".to_owned())),
            ("SUPPDM", code) if code.starts_with("STRAT") => (("Assigned", "Sponsor"), None),
            _ => (COLLECTED, None),
        };
        ValueLevel {
            variable: format!("{}.{variable}", set.table.name()),
            by,
            code,
            origin,
            method,
            label,
            terms: BTreeSet::new(),
        }
    }

    fn value_lists<W: Write>(out: &mut Out<W>, levels: &BTreeMap<String, Vec<ValueLevel>>) -> io::Result<()> {
        for (variable, levels) in levels.iter().filter(|(_, levels)| !levels.is_empty()) {
            element(out, "def:ValueListDef", &vec![("OID", format!("VL.{variable}"))], |out| {
                for (level, order) in levels.iter().zip(1..) {
                    let mut item: Attributes<'_> = vec![
                        ("ItemOID", format!("IT.{variable}.{}", level.code)),
                        ("OrderNumber", order.to_string()),
                        ("Mandatory", "No".to_owned()),
                    ];
                    item.extend(level.method.clone().map(|method| ("MethodOID", method)));
                    element(out, "ItemRef", &item, |out| {
                        let clause = format!("WC.{variable}.{}", level.code);
                        empty(out, "def:WhereClauseRef", &vec![("WhereClauseOID", clause)])
                    })?;
                }
                Ok(())
            })?;
        }
        for (variable, levels) in levels {
            let table = variable.split('.').next().unwrap_or_default();
            for level in levels {
                let clause = format!("WC.{variable}.{}", level.code);
                element(out, "def:WhereClauseDef", &vec![("OID", clause)], |out| {
                    let check = attributes(&[
                        ("SoftHard", "Soft"),
                        ("Comparator", "EQ"),
                        ("def:ItemOID", &format!("IT.{table}.{}", level.by)),
                    ]);
                    element(out, "RangeCheck", &check, |out| simple(out, "CheckValue", &level.code))
                })?;
            }
        }
        Ok(())
    }

    fn group<W: Write>(&self, out: &mut Out<W>, set: &DataSet) -> io::Result<()> {
        let (name, layout) = (set.table.name(), set.layout);
        let yes_no = |yes: bool| if yes { "Yes" } else { "No" };
        let domain = if layout.name == "SUPPQUAL" { name.trim_start_matches("SUPP") } else { name };
        let purpose = if self.standard == Standard::Adam { "Analysis" } else { "Tabulation" };
        let leaf = format!("LF.{name}");
        let mut group = attributes(&[
            ("OID", &format!("IG.{name}")),
            ("Name", name),
            ("Repeating", yes_no(layout.repeating)),
            ("IsReferenceData", yes_no(layout.reference)),
            ("SASDatasetName", name),
            ("Purpose", purpose),
            ("def:Structure", &layout.structure),
            ("def:StandardOID", "STD.1"),
            ("def:ArchiveLocationID", &leaf),
        ]);
        if self.standard == Standard::Sdtm {
            group.insert(2, ("Domain", domain.to_owned()));
        }
        element(out, "ItemGroupDef", &group, |out| {
            described(out, set.table.label())?;
            for (column, order) in set.table.columns().iter().zip(1..) {
                let mut item: Attributes<'_> = vec![
                    ("ItemOID", oid(name, &column.name)),
                    ("OrderNumber", order.to_string()),
                    ("Mandatory", yes_no(column.mandatory).to_owned()),
                ];
                item.extend(column.key.map(|key| ("KeySequence", key.to_string())));
                if let Some(variable) = layout.variable(&column.name) {
                    if !variable.method.is_empty() && variable.origin.kind == "Derived" {
                        item.push(("MethodOID", format!("MT.{}", variable.method)));
                    }
                    if !variable.role.is_empty() {
                        item.push(("Role", variable.role.clone()));
                    }
                }
                empty(out, "ItemRef", &item)?;
            }
            class(out, layout)?;
            let file = format!("{}.{}", name.to_lowercase(), self.options.extension);
            element(out, "def:leaf", &attributes(&[("ID", &leaf), ("xlink:href", &file)]), |out| {
                simple(out, "def:title", &file)
            })
        })
    }

    fn items<W: Write>(
        out: &mut Out<W>,
        set: &DataSet,
        levels: &BTreeMap<String, Vec<ValueLevel>>,
    ) -> io::Result<()> {
        let name = set.table.name();
        for (place, column) in set.table.columns().iter().enumerate() {
            let Some(variable) = set.layout.variable(&column.name) else { continue };
            let typed = typed(&set.table, place);
            let mut item = attributes(&[
                ("OID", &oid(name, &column.name)),
                ("Name", &column.name),
                ("DataType", typed.kind),
            ]);
            item.extend(typed.length.map(|length| ("Length", length.to_string())));
            item.extend(typed.digits.map(|digits| ("SignificantDigits", digits.to_string())));
            item.push(("SASFieldName", column.name.clone()));
            item.extend(column.format.clone().map(|format| ("def:DisplayFormat", format)));
            if let Some(comment) = comment_of(variable) {
                item.push(("def:CommentOID", comment));
            }
            let value_list = format!("{name}.{}", column.name);
            let has_values = levels.get(&value_list).is_some_and(|levels| !levels.is_empty());
            let list = Self::has_list(set, variable, place);
            element(out, "ItemDef", &item, |out| {
                described(out, &column.label)?;
                if list {
                    empty(out, "CodeListRef", &vec![("CodeListOID", list_oid(set, variable))])?;
                }
                if !has_values {
                    origin(out, &variable.origin.kind, &variable.origin.source)?;
                }
                if has_values {
                    empty(out, "def:ValueListRef", &vec![("ValueListOID", format!("VL.{value_list}"))])?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn value_items<W: Write>(
        &self,
        out: &mut Out<W>,
        levels: &BTreeMap<String, Vec<ValueLevel>>,
    ) -> io::Result<()> {
        for (variable, levels) in levels {
            let Some((table, column)) = variable.split_once('.') else { continue };
            let Some(set) = self.sets.iter().find(|set| set.table.name() == table) else { continue };
            let Some(place) = set.table.place(column) else { continue };
            let typed = typed(&set.table, place);
            for level in levels {
                let oid = format!("IT.{}.{}", level.variable, level.code);
                let mut item = attributes(&[("OID", &oid), ("Name", column), ("DataType", typed.kind)]);
                item.extend(typed.length.map(|length| ("Length", length.to_string())));
                item.extend(typed.digits.map(|digits| ("SignificantDigits", digits.to_string())));
                item.push(("SASFieldName", column.to_owned()));
                item.extend(
                    set.table.columns()[place].format.clone().map(|format| ("def:DisplayFormat", format)),
                );
                element(out, "ItemDef", &item, |out| {
                    described(out, &level.label)?;
                    if !level.terms.is_empty() {
                        empty(out, "CodeListRef", &vec![("CodeListOID", level_list(level))])?;
                    }
                    origin(out, level.origin.0, level.origin.1)
                })?;
            }
        }
        Ok(())
    }

    fn line(&self, set: &DataSet, place: usize, column: &Column) -> Described {
        let (kind, length) = typed_words(&set.table, place);
        let variable = set.layout.variable(&column.name);
        let listed = variable.filter(|variable| Self::has_list(set, variable, place));
        let list = listed.map(|variable| match terms::find(&variable.codelist) {
            Some(list) if list.code.is_empty() => list.title.to_owned(),
            Some(list) => format!("{} ({})", list.title, list.code),
            None => variable.codelist.clone(),
        });
        let terms: BTreeSet<&str> = listed.map(|_| set.table.words(place).collect()).unwrap_or_default();
        let origin =
            variable.map(|variable| match (variable.origin.kind.as_str(), variable.origin.source.as_str()) {
                (kind, "") => kind.to_owned(),
                ("Predecessor", from) => format!("Predecessor: {from}"),
                (kind, source) => format!("{kind} ({source})"),
            });
        let derived = variable.filter(|variable| !variable.method.is_empty());
        Described {
            standard: self.standard.as_str(),
            set: set.table.name().to_owned(),
            set_label: set.table.label().to_owned(),
            variable: column.name.clone(),
            condition: String::new(),
            label: column.label.clone(),
            kind,
            length,
            format: column.format.clone().unwrap_or_default(),
            units: String::new(),
            list: list.unwrap_or_default(),
            terms: terms.into_iter().map(str::to_owned).collect(),
            origin: origin.unwrap_or_default(),
            derivation: derived
                .map(|v| methods::of(self.study, self.standard, &v.method))
                .unwrap_or_default(),
        }
    }

    /// Name and words of the method of that OID.
    fn method(&self, id: &str) -> (String, String) {
        let own = self.parameters.iter().map(|(_, method)| method).find(|method| method.id == id);
        if let Some(method) = own {
            return (method.name.clone(), method.text.clone());
        }
        let short = id.trim_start_matches("MT.");
        (format!("Algorithm {short}"), methods::of(self.study, self.standard, short))
    }

    /// Whether a variable's values are written out as a code list.
    fn has_list(set: &DataSet, variable: &Variable, place: usize) -> bool {
        if variable.codelist.is_empty() || !variable.kind.is_text() {
            return false;
        }
        let values = set.table.words(place).count();
        // Results that are numbers in some records and terms in others have their lists value by value.
        let mixed = variable.name.ends_with("STRESC") && set.table.words(place).any(is_number);
        values > 0 && values <= MOST_TERMS && !mixed
    }

    fn codelists<W: Write>(
        &self,
        out: &mut Out<W>,
        levels: &BTreeMap<String, Vec<ValueLevel>>,
    ) -> io::Result<()> {
        let mut lists: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        for set in &self.sets {
            for (place, column) in set.table.columns().iter().enumerate() {
                let Some(variable) = set.layout.variable(&column.name) else { continue };
                if Self::has_list(set, variable, place) {
                    let (_, values) = lists
                        .entry(list_oid(set, variable))
                        .or_insert_with(|| (variable.codelist.clone(), BTreeSet::new()));
                    values.extend(set.table.words(place).map(str::to_owned));
                }
            }
        }
        for level in levels.values().flatten().filter(|level| !level.terms.is_empty()) {
            let (table, column) = level.variable.split_once('.').unwrap_or_default();
            let set = self.sets.iter().find(|set| set.table.name() == table);
            let variable = set.and_then(|set| set.layout.variable(column));
            if let Some(variable) = variable {
                lists.insert(level_list(level), (variable.codelist.clone(), level.terms.clone()));
            }
        }
        for (oid, (name, values)) in lists {
            let known = terms::find(&name);
            let coded = known.filter(|list| !list.code.is_empty());
            let title = known.map_or(name.as_str(), |list| list.title);
            let mut list =
                attributes(&[("OID", &oid), ("Name", &format!("{title} ({oid})")), ("DataType", "text")]);
            match coded {
                Some(_) => list.push(("def:StandardOID", "STD.2".to_owned())),
                None => list.push(("def:IsNonStandard", "Yes".to_owned())),
            }
            element(out, "CodeList", &list, |out| {
                for value in &values {
                    let mut item: Attributes<'_> = vec![("CodedValue", value.clone())];
                    let unknown = coded
                        .is_some_and(|list| !list.terms.is_empty() && !list.terms.contains(&value.as_str()));
                    if unknown {
                        item.push(("def:ExtendedValue", "Yes".to_owned()));
                    }
                    empty(out, "EnumeratedItem", &item)?;
                }
                match coded {
                    Some(list) => {
                        empty(out, "Alias", &attributes(&[("Context", "nci:ExtCodeID"), ("Name", list.code)]))
                    }
                    None => Ok(()),
                }
            })?;
        }
        Ok(())
    }

    fn methods<W: Write>(
        &self,
        out: &mut Out<W>,
        levels: &BTreeMap<String, Vec<ValueLevel>>,
    ) -> io::Result<()> {
        let mut used: BTreeSet<String> = BTreeSet::new();
        for set in &self.sets {
            for column in set.table.columns() {
                let variable = set.layout.variable(&column.name);
                let derived = variable.filter(|v| !v.method.is_empty() && v.origin.kind == "Derived");
                used.extend(derived.map(|variable| format!("MT.{}", variable.method)));
            }
        }
        used.extend(levels.values().flatten().filter_map(|level| level.method.clone()));
        for id in used {
            let (name, text) = self.method(&id);
            let method = attributes(&[("OID", &id), ("Name", &name), ("Type", "Computation")]);
            element(out, "MethodDef", &method, |out| described(out, &text))?;
        }
        Ok(())
    }

    fn comments<W: Write>(&self, out: &mut Out<W>) -> io::Result<()> {
        let facts = &self.study.facts;
        let mut text = String::new();
        if facts.simulated {
            text.push_str("SIMULATED DATA: every subject is virtual. ");
        }
        text.push_str("Made from the append-only ledger of the trial; data set TRACE leads from each record to the events of the ledger.");
        if let Some(head) = &facts.head {
            let _ = write!(text, " Hash of the ledger's last event: {head}.");
        }
        if let Some(moment) = facts.as_of {
            let _ = write!(text, " As known at {moment}.");
        }
        if let Some(day) = facts.cut {
            let _ = write!(text, " Cut at the clinical date {day}.");
        }
        element(out, "def:CommentDef", &attributes(&[("OID", "COM.MDV")]), |out| described(out, &text))?;
        let mut used: BTreeSet<&str> = BTreeSet::new();
        for set in &self.sets {
            for column in set.table.columns() {
                let variable = set.layout.variable(&column.name).filter(|v| comment_of(v).is_some());
                used.extend(variable.map(|variable| variable.method.as_str()));
            }
        }
        for id in used {
            let text = methods::of(self.study, self.standard, id);
            element(out, "def:CommentDef", &vec![("OID", format!("COM.{id}"))], |out| described(out, &text))?;
        }
        Ok(())
    }
}

/// What is assigned or collected by a rule has its words as a comment, since it has no method.
fn comment_of(variable: &Variable) -> Option<String> {
    let stated = !variable.method.is_empty() && variable.origin.kind != "Derived";
    stated.then(|| format!("COM.{}", variable.method))
}

fn class<W: Write>(out: &mut Out<W>, layout: &Layout) -> io::Result<()> {
    element(out, "def:Class", &attributes(&[("Name", &layout.class)]), |out| {
        if layout.subclass.is_empty() {
            return Ok(());
        }
        empty(out, "def:SubClass", &attributes(&[("Name", &layout.subclass)]))
    })
}

fn origin<W: Write>(out: &mut Out<W>, kind: &str, source: &str) -> io::Result<()> {
    if kind == "Predecessor" {
        return element(out, "def:Origin", &attributes(&[("Type", kind)]), |out| described(out, source));
    }
    empty(out, "def:Origin", &attributes(&[("Type", kind), ("Source", source)]))
}

fn oid(table: &str, column: &str) -> String {
    format!("IT.{table}.{column}")
}

/// A list whose values depend on the data set has one for each.
fn list_oid(set: &DataSet, variable: &Variable) -> String {
    let name = &variable.codelist;
    if matches!(name.as_str(), "PARAMCD" | "PARAM" | "DOMAIN") {
        format!("CL.{}.{name}", set.table.name())
    } else {
        format!("CL.{name}")
    }
}

/// The code list of one value of a variable.
fn level_list(level: &ValueLevel) -> String {
    format!("CL.{}.{}", level.variable, level.code)
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// A column as Define-XML types it.
struct Typed {
    kind: &'static str,
    length: Option<usize>,
    digits: Option<usize>,
}

fn typed(table: &Table, place: usize) -> Typed {
    let numbers = || {
        let cells =
            table.column(place).filter_map(|cell| if let Cell::Number(n) = cell { Some(n) } else { None });
        // A number is written the same wherever it stands: of a million records a few hundred differ.
        let different: HashSet<u64> = cells.map(f64::to_bits).collect();
        different.into_iter().map(f64::from_bits)
    };
    match table.columns()[place].kind {
        Kind::Text { .. } => Typed { kind: "text", length: Some(table.width(place)), digits: None },
        Kind::Date => {
            let whole = table.words(place).all(|word| word.len() == 10);
            Typed { kind: if whole { "date" } else { "partialDate" }, length: None, digits: None }
        }
        Kind::DateTime => Typed { kind: "datetime", length: None, digits: None },
        Kind::Number if numbers().any(|number| number.fract() != 0.0) => {
            let written = numbers().map(|number| number.to_string());
            let (mut length, mut digits) = (1, 1);
            for text in written {
                length = length.max(text.len());
                digits = digits.max(text.split_once('.').map_or(0, |(_, decimals)| decimals.len()));
            }
            Typed { kind: "float", length: Some(length), digits: Some(digits) }
        }
        Kind::Number | Kind::Integer | Kind::Day | Kind::Moment => {
            let longest = numbers().map(|number| number.to_string().len()).max().unwrap_or(1);
            Typed { kind: "integer", length: Some(longest), digits: None }
        }
    }
}

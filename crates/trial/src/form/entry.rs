//! An HTML form's fields, read as the values of a form by its definition, and the way back.
//!
//! Never guesses between two readings of a text, never loses one: what cannot be read is a fault beside its field, and every
//! field is kept as it was typed. Never judges a value that can be read (see `check`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::FormFault;
use super::sheet::given;
use crate::date::PartialDate;
use crate::protocol::{Form, Group, Item, ItemType, near};

/// A row's number in a field name is at most this.
const MOST_ROW_NUMBER: usize = 9_999;
/// Digits of a number at most: no more can be told apart.
const MOST_DIGITS: usize = 17;
/// Whole numbers up to here are exact in every program that reads JSON (RFC 8259, section 6).
const LARGEST_WHOLE: f64 = 9_007_199_254_740_991.0;
/// For so many unknown fields a near name is sought; a forged form may have thousands.
const MOST_HINTS: usize = 20;

/// What was typed, as values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Item to value, group to a list of rows; empty fields and empty rows are not in it.
    pub values: Map<String, Value>,
    /// What could not be read. Where there is none, `values` holds everything that was typed.
    pub faults: Vec<FieldFault>,
    /// Every field as it was typed, in order.
    pub typed: Vec<(String, String)>,
    /// For each group the row numbers of the field names, in the order of the rows of `values`.
    pub rows: BTreeMap<String, Vec<usize>>,
}

/// A text that cannot be a value of its field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldFault {
    /// The field's name, as in `LESIONS.0.DIAMETER`.
    pub field: String,
    /// What was typed.
    pub text_found: String,
    /// What would be right.
    pub says: String,
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {:?}; {}", self.field, self.text_found, self.says)
    }
}

/// The name of an item's field; rows count from 0.
pub fn field_name(row: Option<(&str, usize)>, item: &str) -> String {
    match row {
        Some((group, row)) if item.is_empty() => format!("{group}.{row}"),
        Some((group, row)) => format!("{group}.{row}.{item}"),
        None => item.to_owned(),
    }
}

impl Entry {
    /// The name of the field that `fault` belongs beside, by the row numbers that were typed: `LESIONS.2` where it speaks of
    /// a row, empty where it speaks of the form as a whole.
    pub fn field_of(&self, fault: &FormFault) -> String {
        // Of a key of several items the first stands for all.
        let item = fault.item.split(", ").next().unwrap_or_default();
        let Some((group, row)) = &fault.row else { return item.to_owned() };
        let at = row.saturating_sub(1);
        let typed = self.rows.get(group).and_then(|rows| rows.get(at)).copied().unwrap_or(at);
        field_name(Some((group, typed)), item)
    }
}

impl Entry {
    /// `faults` of `values`, each with the field it belongs beside; those of a field whose text could not be read are left
    /// out, since that is said already and it only looks empty.
    pub fn placed(&self, faults: Vec<FormFault>) -> Vec<(String, FormFault)> {
        let placed = faults.into_iter().map(|fault| (self.field_of(&fault), fault));
        placed.filter(|(field, _)| field.is_empty() || !self.is_unread(field)).collect()
    }

    /// The fields of `names`, as typed, under the row numbers of `values`: what `live::checks_now` asks for. A field whose text
    /// could not be read is not among them, nor is one of a row that is blank.
    pub fn seen(&self, names: &[&str]) -> Vec<String> {
        let readable = names.iter().filter(|name| !self.is_unread(name));
        readable.filter_map(|name| self.in_values(name)).collect()
    }

    fn is_unread(&self, field: &str) -> bool {
        self.faults.iter().any(|fault| fault.field == field)
    }

    fn in_values(&self, name: &str) -> Option<String> {
        let mut parts = name.splitn(3, '.');
        let (Some(group), Some(row), Some(item)) = (parts.next(), parts.next(), parts.next()) else {
            return Some(name.to_owned());
        };
        let row: usize = row.parse().ok()?;
        let at = self.rows.get(group)?.iter().position(|typed| *typed == row)?;
        Some(field_name(Some((group, at)), item))
    }
}

/// Where a field stands in the form's definition.
enum Place<'p> {
    Item(&'p Item),
    Row(&'p Group, usize, &'p Item),
}

fn place<'p>(form: &'p Form, field: &str) -> Option<Place<'p>> {
    let mut parts = field.split('.');
    match (parts.next()?, parts.next(), parts.next(), parts.next()) {
        (item, None, ..) => form.items.iter().find(|known| known.id == item).map(Place::Item),
        (group, Some(row), Some(item), None) => {
            let group = form.groups.iter().find(|known| known.id == group)?;
            let item = group.items.iter().find(|known| known.id == item)?;
            let number: usize = row.parse().ok().filter(|number| *number <= MOST_ROW_NUMBER)?;
            // `00` and `+0` would be other names of the same row.
            (number.to_string() == row).then_some(Place::Row(group, number, item))
        }
        _ => None,
    }
}

/// Reads the fields of a page as values of `form`.
///
/// A field is `ITEM`, or `GROUP.0.ITEM` with the row's number. A name that begins with `_` is the page's own and skipped.
/// Blanks at the ends of a text do not count, and a blank field is an empty one. See `date` and `number` for the texts that
/// are taken for either.
pub fn read(form: &Form, fields: &[(String, String)]) -> Entry {
    let mut reading = Reading { form, faults: Vec::new(), items: BTreeMap::new(), rows: BTreeMap::new() };
    let fields = || fields.iter().filter(|(name, _)| !name.starts_with('_'));
    let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
    let mut unknown = 0;
    for (name, text) in fields() {
        let text = text.trim();
        let Some(place) = place(form, name) else {
            unknown += 1;
            reading.unknown(name, text, unknown <= MOST_HINTS);
            continue;
        };
        if text.is_empty() {
            continue;
        }
        match texts.insert(name, text) {
            Some(before) if before != text => {
                reading.fault(
                    name,
                    text,
                    format!("the field was sent twice, the first time with {before:?}"),
                );
            }
            Some(_) => {}
            None => reading.take(name, &place, text),
        }
    }
    let mut values = reading.items;
    let mut rows = BTreeMap::new();
    for (group, read) in reading.rows {
        rows.insert(group.clone(), read.keys().copied().collect());
        values.insert(group, Value::Array(read.into_values().map(Value::Object).collect()));
    }
    Entry {
        values: values.into_iter().collect(),
        faults: reading.faults,
        typed: fields().cloned().collect(),
        rows,
    }
}

struct Reading<'p> {
    form: &'p Form,
    faults: Vec<FieldFault>,
    items: BTreeMap<String, Value>,
    rows: BTreeMap<String, BTreeMap<usize, Map<String, Value>>>,
}

impl Reading<'_> {
    fn fault(&mut self, field: &str, found: &str, says: String) {
        self.faults.push(FieldFault { field: field.to_owned(), text_found: found.to_owned(), says });
    }

    fn unknown(&mut self, name: &str, text: &str, hint: bool) {
        let item = name.rsplit('.').next().unwrap_or_default();
        let of_groups = self.form.groups.iter().flat_map(|group| &group.items);
        let mut known = self.form.items.iter().chain(of_groups).map(|item| item.id.as_str());
        let label = &self.form.label;
        let says = match hint.then(|| near(item, known.by_ref())).flatten() {
            Some(near) if near == item => format!("the form {label} has no such row"),
            Some(near) => format!("the form {label} has no such field; did you mean {near}?"),
            None => format!("the form {label} has no such field"),
        };
        self.fault(name, text, says);
    }

    fn take(&mut self, name: &str, place: &Place<'_>, text: &str) {
        let (Place::Item(item) | Place::Row(_, _, item)) = place;
        // A row with a text that cannot be read is a row all the same.
        let values = match place {
            Place::Item(_) => None,
            Place::Row(group, row, _) => {
                Some(self.rows.entry(group.id.clone()).or_default().entry(*row).or_default())
            }
        };
        match (value(item, text), values) {
            (Ok(value), None) => {
                self.items.insert(item.id.clone(), value);
            }
            (Ok(value), Some(row)) => {
                row.insert(item.id.clone(), value);
            }
            (Err(says), _) => self.fault(name, text, says),
        }
    }
}

/// The value of `item` that `text`, which is not blank, stands for; else what would be right.
fn value(item: &Item, text: &str) -> Result<Value, String> {
    match item.kind {
        ItemType::Text => plain(text),
        ItemType::Integer | ItemType::Decimal => {
            let whole = item.kind == ItemType::Integer;
            number(text, whole, item.unit.as_deref()).map(Value::Number)
        }
        ItemType::Date | ItemType::PartialDate => {
            let date = date(text)?;
            if item.kind == ItemType::Date && date.day().is_none() {
                return Err(format!("{date} lacks its day: write YYYY-MM-DD"));
            }
            Ok(Value::String(date.to_string()))
        }
        ItemType::YesNo => match text.to_lowercase().as_str() {
            "y" | "yes" => Ok(Value::from("Y")),
            "n" | "no" => Ok(Value::from("N")),
            _ => Err("write Y or N".into()),
        },
        ItemType::Code => code(item, text).map(Value::from),
    }
}

/// A text, its lines ended as one.
fn plain(text: &str) -> Result<Value, String> {
    let text = text.replace("\r\n", "\n");
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        Some(control) => Err(format!(
            "it holds the control character U+{:04X}, which cannot be shown: type the text anew",
            u32::from(control)
        )),
        None => Ok(Value::String(text)),
    }
}

fn code<'p>(item: &'p Item, text: &str) -> Result<&'p str, String> {
    let codes = || item.codes.iter().map(String::as_str);
    if let Some(code) = codes().find(|code| *code == text) {
        return Ok(code);
    }
    let mut alike = codes().filter(|code| code.to_lowercase() == text.to_lowercase());
    if let (Some(code), None) = (alike.next(), alike.next()) {
        return Ok(code);
    }
    let all = format!("choose one of {}", item.codes.join(", "));
    Err(near(text, codes()).map_or_else(|| all.clone(), |near| format!("did you mean {near}? {all}")))
}

/// A number as it is typed: digits with at most one decimal point or comma and a sign.
///
/// A comma before exactly three digits may part thousands as well, so it is refused; so are exponents and blanks inside.
fn number(text: &str, whole: bool, unit: Option<&str>) -> Result<Number, String> {
    let write = if whole { "write a whole number" } else { "write a number, as 12.5" };
    if let Some(unit) = unit
        && let Some(bare) = text.strip_suffix(unit)
        && bare.trim_end().ends_with(|c: char| c.is_ascii_digit())
    {
        return Err(format!("write the number alone, {}: {unit} is understood", bare.trim_end()));
    }
    let plain = text.replace('\u{2212}', "-");
    let digits = plain.strip_prefix(['-', '+']).unwrap_or(&plain);
    let (before, after) = match digits.split_once(['.', ',']) {
        Some((before, after)) => (before, Some(after)),
        None => (digits, None),
    };
    let figures = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !figures(before) || after.is_some_and(|after| !figures(after)) {
        let grouped = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | ' ' | '\u{a0}' | '\''));
        return Err(if grouped {
            format!("{write}, without marks between the thousands")
        } else {
            write.into()
        });
    }
    if digits.contains(',') && after.is_some_and(|after| after.len() == 3) && !before.starts_with('0') {
        let after = after.unwrap_or_default();
        return Err(format!("it may be {before}{after} or {before}.{after}: write one of the two"));
    }
    if digits.bytes().filter(u8::is_ascii_digit).count() > MOST_DIGITS {
        return Err(format!("a number has at most {MOST_DIGITS} digits"));
    }
    let read: f64 = plain.trim_start_matches('+').replace(',', ".").parse().map_err(|_| write.to_owned())?;
    json_number(read, whole)
}

/// As the ledger gives it back: canonical JSON writes 20.0 as 20.
fn json_number(read: f64, whole: bool) -> Result<Number, String> {
    if read.fract() == 0.0 {
        if read.abs() > LARGEST_WHOLE {
            return Err(format!("a whole number lies within {LARGEST_WHOLE}"));
        }
        #[allow(clippy::cast_possible_truncation)] // whole and within 2^53
        return Ok(Number::from(read as i64));
    }
    if whole {
        return Err("write a whole number".into());
    }
    Number::from_f64(read).ok_or_else(|| "write a number, as 12.5".into())
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WRITE_DATE: &str = "write YYYY-MM-DD, as 2025-03-07, or 7 Mar 2025";

/// A date as it is typed: year first (`2025-03-07`, `2025-03`, `2025`), the month named (`7 Mar 2025`, `07-MAR-2025`, and
/// `UN-MAR-2025` where the day is not known), or day.month.year with points (`7.3.2025`).
///
/// With slashes or hyphens, and the year last, it is read as day/month/year only where it can be nothing else: `07/03/2025`
/// is 7 March to one reader and 3 July to another, and refused. The year has four digits.
pub fn date(text: &str) -> Result<PartialDate, String> {
    let parts: Vec<&str> =
        text.split([' ', '-', '/', '.', ',', '\u{a0}']).filter(|part| !part.is_empty()).collect();
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && let Ok(date) = PartialDate::parse(text)
    {
        return Ok(date);
    }
    let numbers: Option<Vec<i16>> = parts.iter().map(|part| figure(part)).collect();
    let years = parts.iter().filter(|part| part.len() == 4 && figure(part).is_some()).count();
    match (numbers.as_deref(), years) {
        (Some([_] | [_, _] | [_, _, _]), 0) if parts.len() > 1 => {
            Err(format!("the year is needed with four digits: {WRITE_DATE}"))
        }
        (Some([year, month, day]), 1) if parts[0].len() == 4 => day_of(*year, *month, *day),
        (Some([year, month]), 1) if parts[0].len() == 4 => month_of(*year, *month),
        (Some([month, year]), 1) if parts[1].len() == 4 => month_of(*year, *month),
        (Some([first, second, year]), 1) if parts[2].len() == 4 => {
            if text.contains('.') && !text.contains(['/', '-']) {
                day_of(*year, *second, *first)
            } else {
                day_month_year(*first, *second, *year)
            }
        }
        (None, 1) => named(&parts),
        _ => Err(WRITE_DATE.into()),
    }
}

fn figure(text: &str) -> Option<i16> {
    (text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn day_of(year: i16, month: i16, day: i16) -> Result<PartialDate, String> {
    let parts = i8::try_from(month).ok().zip(i8::try_from(day).ok());
    parts
        .and_then(|(month, day)| jiff::civil::Date::new(year, month, day).ok())
        .map(PartialDate::Day)
        .ok_or_else(|| {
            match usize::try_from(month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?)) {
                Some(name) => {
                    let name = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
                    format!("there is no {day} {name} {year:04}: {WRITE_DATE}")
                }
                None => format!("there is no month {month}: {WRITE_DATE}"),
            }
        })
}

fn month_of(year: i16, month: i16) -> Result<PartialDate, String> {
    let known = i8::try_from(month).ok().filter(|month| (1..=12).contains(month));
    known
        .map(|month| PartialDate::Month(year, month))
        .ok_or_else(|| format!("there is no month {month}: write YYYY-MM, as 2025-03, or Mar 2025"))
}

fn day_month_year(first: i16, second: i16, year: i16) -> Result<PartialDate, String> {
    if first == second || first > 12 {
        return day_of(year, second, first);
    }
    let month_first = day_of(year, first, second);
    match (day_of(year, second, first), month_first) {
        (Ok(one), Ok(other)) => Err(format!("it may be {one} or {other}: write one of the two")),
        (Err(_), Ok(other)) => Err(format!("the month stands first; if you mean {other}, write that")),
        (read, Err(_)) => read,
    }
}

/// A date whose month is named; `UN` or `UNK` for a part that is not known.
fn named(parts: &[&str]) -> Result<PartialDate, String> {
    let unknown = |part: &&str| matches!(part.to_uppercase().as_str(), "UN" | "UNK");
    let month = |part: &&str| -> Option<i16> {
        let part = part.to_lowercase();
        let at = MONTHS.iter().position(|name| {
            part.len() >= 3 && (name.starts_with(&part) || part == "sept" && *name == "september")
        })?;
        i16::try_from(at + 1).ok()
    };
    let year = |part: &&str| figure(part).filter(|_| part.len() == 4);
    let day = |part: &&str| figure(part).filter(|_| part.len() <= 2);
    let read = match parts {
        [m, y] => month(m).zip(year(y)).map(|(m, y)| month_of(y, m)),
        [d, m, y] if unknown(d) && unknown(m) => year(y).map(|y| Ok(PartialDate::Year(y))),
        [d, m, y] if unknown(d) => month(m).zip(year(y)).map(|(m, y)| month_of(y, m)),
        [a, b, y] => {
            let (day, month) = if month(a).is_some() { (day(b), month(a)) } else { (day(a), month(b)) };
            day.zip(month).zip(year(y)).map(|((d, m), y)| day_of(y, m, d))
        }
        _ => None,
    };
    read.unwrap_or_else(|| Err(WRITE_DATE.into()))
}

/// A value as it would be typed: of `read` the way back.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            // Written without an exponent, and 20.0 as 20.
            Some(float) if number.is_f64() => float.to_string(),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

/// The fields that `values` fill, in the order of the form; rows are numbered from 0. What the form does not have is not
/// among them (see `not_on`).
pub fn fields(form: &Form, values: &Map<String, Value>) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut put = |row: Option<(&str, usize)>, items: &[Item], values: &Map<String, Value>| {
        for item in items {
            if let Some(value) = given(values, &item.id) {
                fields.push((field_name(row, &item.id), text(value)));
            }
        }
    };
    put(None, &form.items, values);
    for group in &form.groups {
        let rows = values.get(&group.id).and_then(Value::as_array);
        for (at, row) in rows.into_iter().flatten().enumerate() {
            if let Value::Object(row) = row {
                put(Some((&group.id, at)), &group.items, row);
            }
        }
    }
    fields
}

/// What `values` hold that `form` does not have: items that an earlier version of the protocol asked for, say.
pub fn not_on(form: &Form, values: &Map<String, Value>) -> BTreeSet<String> {
    let mut left: BTreeSet<String> = BTreeSet::new();
    for (name, value) in values {
        if form.items.iter().any(|item| item.id == *name) {
            continue;
        }
        let Some(group) = form.groups.iter().find(|group| group.id == *name) else {
            left.insert(name.clone());
            continue;
        };
        for (at, row) in value.as_array().into_iter().flatten().enumerate() {
            let items = row.as_object().into_iter().flat_map(Map::keys);
            let strange = items.filter(|id| group.items.iter().all(|item| item.id != **id));
            left.extend(strange.map(|id| field_name(Some((name, at)), id)));
        }
    }
    left
}

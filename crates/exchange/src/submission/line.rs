//! One record of a data set on its way into its table: cells by variable, the events it came from, its supplemental qualifiers.
//!
//! Never cuts a text: what is longer than a cell may be goes on in supplemental qualifiers (SDTM Implementation Guide 3.4,
//! section 4.5.3).

use std::borrow::Cow;
use std::cmp::Ordering;

use trial::date::PartialDate;
use trial::event::Seq;

use crate::layout::{LONGEST, Layout};

/// A value of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'s> {
    Text(Cow<'s, str>),
    Number(f64),
}

impl Value<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

/// A qualifier for which the standard has no variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Supplement<'s> {
    pub name: Cow<'s, str>,
    pub label: Cow<'s, str>,
    pub value: String,
    pub origin: &'static str,
}

/// A record under way.
#[derive(Clone, Debug)]
pub(crate) struct Line<'s> {
    /// The data set.
    pub set: &'static str,
    pub cells: Vec<(&'static str, Value<'s>)>,
    /// The event it was made from, and those it rests on too.
    pub event: Option<Seq>,
    pub more: Vec<Seq>,
    pub supplements: Vec<Supplement<'s>>,
    /// `--SEQ` or `ASEQ`, once numbered.
    pub seq: u32,
}

impl<'s> Line<'s> {
    pub fn new(set: &'static str, event: impl Into<Option<Seq>>) -> Self {
        Self {
            set,
            cells: Vec::with_capacity(16),
            event: event.into(),
            more: Vec::new(),
            supplements: Vec::new(),
            seq: 0,
        }
    }

    /// Fills a text; an empty one is no value.
    #[must_use]
    pub fn text(mut self, name: &'static str, text: impl Into<Cow<'s, str>>) -> Self {
        self.put_text(name, text);
        self
    }

    pub fn put_text(&mut self, name: &'static str, text: impl Into<Cow<'s, str>>) {
        let text = text.into();
        // Blanks at an end are no part of a value: no format of the exchange keeps them.
        let trimmed = text.trim_end();
        if trimmed.len() < text.len() {
            let trimmed = trimmed.to_owned();
            if !trimmed.is_empty() {
                self.cells.push((name, Value::Text(trimmed.into())));
            }
        } else if !text.is_empty() {
            self.cells.push((name, Value::Text(text)));
        }
    }

    /// Fills a number.
    #[must_use]
    pub fn number(mut self, name: &'static str, number: impl Into<f64>) -> Self {
        self.put_number(name, number);
        self
    }

    pub fn put_number(&mut self, name: &'static str, number: impl Into<f64>) {
        let number = number.into();
        if number.is_finite() {
            self.cells.push((name, Value::Number(number)));
        }
    }

    #[must_use]
    pub fn maybe_text(self, name: &'static str, text: Option<impl Into<Cow<'s, str>>>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    #[must_use]
    pub fn maybe_number(self, name: &'static str, number: Option<impl Into<f64>>) -> Self {
        match number {
            Some(number) => self.number(name, number),
            None => self,
        }
    }

    #[must_use]
    pub fn date(self, name: &'static str, date: Option<PartialDate>) -> Self {
        self.maybe_text(name, date.map(|date| date.to_string()))
    }

    /// A day as SAS counts it, as `ADaM` has dates.
    #[must_use]
    pub fn day(self, name: &'static str, day: Option<jiff::civil::Date>) -> Self {
        self.maybe_number(name, day.map(crate::table::sas_date))
    }

    #[must_use]
    pub fn rests_on(mut self, events: &[Seq]) -> Self {
        match (self.event, events) {
            (None, [first, rest @ ..]) => {
                self.event = Some(*first);
                self.more.extend(rest.iter().filter(|event| *event != first));
            }
            (own, events) => self.more.extend(events.iter().filter(|event| Some(**event) != own)),
        }
        self.more.sort_unstable();
        self.more.dedup();
        self
    }

    pub fn supplement(
        &mut self,
        name: impl Into<Cow<'s, str>>,
        label: impl Into<Cow<'s, str>>,
        value: impl Into<String>,
        origin: &'static str,
    ) {
        let value = value.into();
        if !value.trim().is_empty() {
            self.supplements.push(Supplement { name: name.into(), label: label.into(), value, origin });
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value<'s>> {
        self.cells.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn words(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every event behind it.
    pub fn events(&self) -> impl Iterator<Item = Seq> {
        self.event.into_iter().chain(self.more.iter().copied())
    }

    /// Moves what is too long for a cell on into supplemental qualifiers `NAME1`, `NAME2`, ...
    pub fn fold_long(&mut self, layout: &'static Layout) {
        let longest = usize::from(LONGEST);
        let cells = self.cells.iter_mut().filter_map(|(name, value)| match value {
            Value::Text(text) if text.len() > longest => Some((*name, text)),
            _ => None,
        });
        let mut more = Vec::new();
        for (name, text) in cells {
            let label = layout.variable(name).map_or("", |variable| &variable.label);
            let whole = std::mem::take(text).into_owned();
            let mut pieces = pieces(&whole, longest).into_iter();
            *text = pieces.next().unwrap_or_default().to_owned().into();
            more.extend(pieces.zip(1..).map(|(piece, n)| Supplement {
                name: continued(name, n).into(),
                label: label.into(),
                value: piece.to_owned(),
                origin: "CRF",
            }));
        }
        let mut own = Vec::with_capacity(self.supplements.len());
        for supplement in self.supplements.drain(..) {
            if supplement.value.len() <= longest {
                own.push(supplement);
                continue;
            }
            own.extend(pieces(&supplement.value, longest).into_iter().zip(0..).map(|(piece, n)| {
                let name =
                    if n == 0 { supplement.name.clone() } else { continued(&supplement.name, n).into() };
                Supplement { name, value: piece.to_owned(), ..supplement.clone() }
            }));
        }
        self.supplements = own;
        self.supplements.extend(more);
    }
}

/// The name of the `n`th continuation of a variable, at most eight characters.
pub(crate) fn continued(name: &str, n: usize) -> String {
    let digits = n.to_string();
    let stem: String = name.chars().take(8 - digits.len().min(7)).collect();
    format!("{stem}{digits}")
}

/// `text` in pieces of at most `most` bytes, between words where that can be.
pub(crate) fn pieces(text: &str, most: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while rest.len() > most {
        let limit = (0..=most).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(most);
        let at = rest[..limit].rfind(' ').filter(|at| *at > 0).unwrap_or(limit);
        let (piece, after) = rest.split_at(at);
        pieces.push(piece.trim_end());
        rest = after.trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest);
    }
    pieces
}

/// `text` as a label of at most `most` bytes; one that was longer ends in three full stops.
pub(crate) fn short(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    format!("{}...", pieces(text, most - 3).first().unwrap_or(&"")).into()
}

/// Sorts the records of one subject by the keys of their data set, missing first, and numbers them from 1 within it.
pub(crate) fn number<'s>(layouts: &'static [Layout], lines: Vec<Line<'s>>) -> Vec<Line<'s>> {
    let place = |set: &str| layouts.iter().position(|layout| layout.name == set).unwrap_or(usize::MAX);
    let mut order: Vec<(usize, Vec<Option<&Value<'s>>>, usize)> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| {
            let set = place(line.set);
            let keys = layouts.get(set).map_or(&[][..], |layout| &layout.keys);
            // Study and subject are the same in every record.
            (set, keys.iter().skip(2).map(|key| line.get(key)).collect(), at)
        })
        .collect();
    order.sort_by(|(set, keys, at), (other_set, other_keys, other_at)| {
        let compared = keys.iter().zip(other_keys).map(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => a.compare(b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        });
        let by_keys = || compared.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        set.cmp(other_set).then_with(by_keys).then(at.cmp(other_at))
    });
    let order: Vec<usize> = order.into_iter().map(|(.., at)| at).collect();
    let mut lines: Vec<Option<Line<'s>>> = lines.into_iter().map(Some).collect();
    let mut sorted: Vec<Line<'s>> = Vec::with_capacity(lines.len());
    for mut line in order.into_iter().filter_map(|at| lines[at].take()) {
        line.seq = match sorted.last() {
            Some(before) if before.set == line.set => before.seq + 1,
            _ => 1,
        };
        sorted.push(line);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("AETERM", 1, "AETERM1")]
    #[case("DVTERMXX", 1, "DVTERMX1")]
    #[case("DVTERMXX", 12, "DVTERM12")]
    fn names_continuations(#[case] name: &str, #[case] n: usize, #[case] want: &str) {
        assert_eq!(continued(name, n), want);
    }

    proptest! {
        #[test]
        fn pieces_lose_nothing_but_blanks(text in "[a-zé ]{0,90}", most in 4_usize..30) {
            let pieces = pieces(&text, most);
            prop_assert!(pieces.iter().all(|piece| piece.len() <= most && !piece.is_empty()));
            let bare = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(bare(&pieces.concat()), bare(&text));
        }
    }
}

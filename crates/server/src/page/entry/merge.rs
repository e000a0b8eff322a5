//! Two people on one form: what each made of it, field by field, and the choice between the two.
//!
//! Never chooses by itself where both changed a field. A row of a group is the same row where its key says so, wherever it stands.

use std::collections::BTreeMap;

use trial::protocol::{Form, Group};

use super::paper::{Table, next_row, numbers};

/// Where a field stands, whatever number its row has: the group and the row's key, then the item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// Group and key of the row; none for the form's own items.
    pub(super) row: Option<(String, String)>,
    pub(super) item: String,
}

/// A field on which the two versions differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) spot: Spot,
    /// As it was when the page was opened.
    pub(super) base: String,
    /// As it stands now.
    pub(super) theirs: String,
    /// As it was typed here.
    pub(super) mine: String,
}

/// Who changed a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Mine,
    Theirs,
    Both,
}

impl Difference {
    pub(super) fn changed(&self) -> Changed {
        match (self.mine == self.base, self.theirs == self.base) {
            (true, _) => Changed::Theirs,
            (_, true) => Changed::Mine,
            _ => Changed::Both,
        }
    }

    /// A name for the choice, unique in the form.
    pub(super) fn name(&self) -> String {
        match &self.spot.row {
            Some((group, key)) => format!("{group}/{key}/{}", self.spot.item),
            None => self.spot.item.clone(),
        }
    }
}

/// Fields of a form, by name.
pub(super) type Texts = Vec<(String, String)>;

/// The key of a row as the form's definition has it; by number where the group has no key or the row lacks it.
fn key_of(group: &Group, keys: &[String], number: usize, fields: &Texts) -> String {
    let text = |item: &String| {
        let name = format!("{}.{number}.{item}", group.id);
        fields
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, text)| text.trim())
            .filter(|text| !text.is_empty())
    };
    let parts: Option<Vec<&str>> = keys.iter().map(text).collect();
    match parts {
        Some(parts) if !parts.is_empty() => parts.join(", "),
        _ => format!("row {}", number + 1),
    }
}

/// Every text that is not empty, by where it stands.
fn spots(form: &Form, keys: &BTreeMap<&str, &[String]>, fields: &Texts) -> BTreeMap<Spot, String> {
    let mut spots = BTreeMap::new();
    for (name, text) in fields.iter().filter(|(_, text)| !text.trim().is_empty()) {
        let spot = match name.split_once('.') {
            None => Spot { row: None, item: name.clone() },
            Some((id, rest)) => {
                let Some(group) = form.groups.iter().find(|group| group.id == id) else { continue };
                let Some((number, item)) = rest.split_once('.') else { continue };
                let Ok(number) = number.parse() else { continue };
                let key = key_of(group, keys.get(id).copied().unwrap_or_default(), number, fields);
                Spot { row: Some((group.id.clone(), key)), item: item.to_owned() }
            }
        };
        spots.insert(spot, text.trim().to_owned());
    }
    spots
}

/// The keys of a form's groups, as its layout gives them.
pub(super) fn keys<'a>(tables: &'a [Table<'_>]) -> BTreeMap<&'a str, &'a [String]> {
    tables.iter().map(|table| (table.group.id.as_str(), table.key.as_slice())).collect()
}

/// Where `theirs` and `mine` differ, in the order of the form's groups and items.
pub(super) fn differences(
    form: &Form,
    keys: &BTreeMap<&str, &[String]>,
    base: &Texts,
    theirs: &Texts,
    mine: &Texts,
) -> Vec<Difference> {
    let [base, theirs, mine] = [base, theirs, mine].map(|fields| spots(form, keys, fields));
    let mut all: Vec<&Spot> = theirs.keys().chain(mine.keys()).collect();
    all.sort();
    all.dedup();
    let text = |of: &BTreeMap<Spot, String>, spot: &Spot| of.get(spot).cloned().unwrap_or_default();
    let differs = all.into_iter().filter(|spot| text(&theirs, spot) != text(&mine, spot));
    let mut found: Vec<Difference> = differs
        .map(|spot| Difference {
            spot: spot.clone(),
            base: text(&base, spot),
            theirs: text(&theirs, spot),
            mine: text(&mine, spot),
        })
        .collect();
    found.sort_by_key(|difference| order(form, &difference.spot));
    found
}

fn order(form: &Form, spot: &Spot) -> (usize, String, usize) {
    let place = |items: &[trial::protocol::Item]| {
        items.iter().position(|item| item.id == spot.item).unwrap_or(usize::MAX)
    };
    match &spot.row {
        None => (0, String::new(), place(&form.items)),
        Some((id, key)) => {
            let at = form.groups.iter().position(|group| group.id == *id).unwrap_or(usize::MAX - 1);
            (at + 1, key.clone(), form.groups.get(at).map_or(0, |group| place(&group.items)))
        }
    }
}

/// Writes what was chosen of theirs into `mine`.
pub(super) fn take(form: &Form, keys: &BTreeMap<&str, &[String]>, mine: &mut Texts, chosen: &[&Difference]) {
    // By the keys as they were typed: taking a field of the key itself must not move the row's other fields.
    let before = mine.clone();
    let mut added: BTreeMap<(String, String), usize> = BTreeMap::new();
    for difference in chosen {
        let name = match &difference.spot.row {
            None => difference.spot.item.clone(),
            Some((id, key)) => {
                let Some(group) = form.groups.iter().find(|group| group.id == *id) else { continue };
                let of_key = keys.get(id.as_str()).copied().unwrap_or_default();
                let known = numbers(id, &before)
                    .into_iter()
                    .find(|number| key_of(group, of_key, *number, &before) == *key);
                let number = known.unwrap_or_else(|| {
                    *added.entry((id.clone(), key.clone())).or_insert_with(|| next_row(id, mine))
                });
                format!("{id}.{number}.{}", difference.spot.item)
            }
        };
        match mine.iter_mut().find(|(known, _)| *known == name) {
            Some((_, text)) => text.clone_from(&difference.theirs),
            None => mine.push((name, difference.theirs.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use rstest::rstest;
    use trial::protocol::check;

    use super::*;

    fn form() -> &'static Form {
        static FORM: LazyLock<Form> = LazyLock::new(|| {
            let protocol = check(include_str!("../../../../../protocols/avatar-ii.toml")).unwrap().protocol;
            protocol.forms.into_iter().find(|form| form.id == "tumour").unwrap()
        });
        &FORM
    }

    fn texts(fields: &[(&str, &str)]) -> Texts {
        fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    const KEY: &[&str] = &["TULNKID"];

    fn with_keys<T>(act: impl FnOnce(&BTreeMap<&str, &[String]>) -> T) -> T {
        let key: Vec<String> = KEY.iter().map(|item| (*item).to_owned()).collect();
        act(&BTreeMap::from([("LESIONS", key.as_slice())]))
    }

    #[rstest]
    #[case("12", "14", "12", Some(Changed::Theirs))]
    #[case("12", "12", "15", Some(Changed::Mine))]
    #[case("12", "14", "15", Some(Changed::Both))]
    #[case("12", "14", "14", None)]
    #[case("", "14", "", Some(Changed::Theirs))]
    fn a_field_differs_by_who_changed_it(
        #[case] base: &str,
        #[case] theirs: &str,
        #[case] mine: &str,
        #[case] changed: Option<Changed>,
    ) {
        // The row stands elsewhere on each page; its lesion says that it is the same.
        let version = |row: usize, text: &str| {
            texts(&[(&format!("LESIONS.{row}.TULNKID"), "T1"), (&format!("LESIONS.{row}.DIAMETER"), text)])
        };
        let found = with_keys(|keys| {
            differences(form(), keys, &version(0, base), &version(3, theirs), &version(1, mine))
        });
        assert_eq!(found.iter().map(Difference::changed).collect::<Vec<_>>(), Vec::from_iter(changed));
    }

    #[test]
    fn a_row_that_another_added_can_be_taken_as_a_whole() {
        let mine =
            texts(&[("TRDAT", "2026-01-02"), ("LESIONS.0.TULNKID", "T1"), ("LESIONS.0.DIAMETER", "12")]);
        let mut theirs = mine.clone();
        theirs.extend(texts(&[("LESIONS.1.TULNKID", "N1"), ("LESIONS.1.TUORRES", "NEW")]));
        with_keys(|keys| {
            let found = differences(form(), keys, &mine, &theirs, &mine);
            assert_eq!(found.len(), 2);
            let mut merged = mine.clone();
            take(form(), keys, &mut merged, &found.iter().collect::<Vec<_>>());
            assert!(differences(form(), keys, &mine, &theirs, &merged).is_empty());
        });
    }

    fn version() -> impl Strategy<Value = Texts> {
        let row = (
            proptest::sample::subsequence(vec!["T1", "T2", "N1"], 0..=3),
            proptest::collection::vec("[0-9]{0,2}", 3),
        );
        (row, "[a-z]{0,2}").prop_map(|((lesions, sizes), method)| {
            let mut fields = vec![("TRMETHOD".to_owned(), method)];
            for (number, (lesion, size)) in lesions.iter().zip(sizes).enumerate() {
                fields.push((format!("LESIONS.{number}.TULNKID"), (*lesion).to_owned()));
                fields.push((format!("LESIONS.{number}.DIAMETER"), size));
            }
            fields
        })
    }

    proptest! {
        #[test]
        fn whoever_takes_all_of_theirs_has_theirs(base in version(), theirs in version(), mine in version()) {
            with_keys(|keys| {
                let found = differences(form(), keys, &base, &theirs, &mine);
                let mut merged = mine.clone();
                take(form(), keys, &mut merged, &found.iter().collect::<Vec<_>>());
                let left = differences(form(), keys, &base, &theirs, &merged);
                prop_assert!(left.is_empty(), "{left:?}");
                Ok(())
            })?;
        }
    }
}

//! Adverse events by arm: each subject once, at its worst grade a term, a class and overall.
//!
//! Never grades or attributes an event (see `trial::safety`). Events with onset before randomisation are not counted.

use std::collections::BTreeMap;

use trial::event::Seq;
use trial::id::{ArmId, SubjectId};
use trial::protocol::Safety as Rules;
use trial::safety::{Worst, WorstGrades, emergent, expedited, filed_under, worst_grades};

use crate::arms::Arms;
use crate::results::{Affected, Attribution, Counted, GradeRow, SafetyResult, TermRow};
use crate::row::{Subject, SubjectRow};

/// One subject's adverse events.
#[derive(Clone, Debug, Default)]
pub struct Safety {
    all: WorstGrades,
    related: WorstGrades,
    /// Worst grades over the events related to each of `Safety::attributed_to`, in its order.
    related_to: Vec<WorstGrades>,
    /// The serious events.
    serious: Vec<Seq>,
    expedited: Vec<(String, Option<u8>, Seq)>,
    /// Events by seriousness, class and term; graded or not.
    terms: BTreeMap<(bool, String, String), usize>,
    from_severity: bool,
}

/// The events of one subject since randomisation (`trial::safety::emergent`); none where it was not randomised.
pub fn of(subject: &Subject<'_>) -> Safety {
    let Some(start) = subject.start() else { return Safety::default() };
    let (rules, record) = (&subject.current.safety, subject.record);
    let after = || record.adverse_events.iter().filter(|event| emergent(event, start));
    Safety {
        all: worst_grades(rules, record, start, false),
        related: worst_grades(rules, record, start, true),
        related_to: rules
            .attributed_to
            .iter()
            .map(|item| worst_grades(&only(rules, item), record, start, true))
            .collect(),
        serious: after().filter(|ae| ae.serious).map(|ae| ae.event).collect(),
        expedited: after()
            .filter(|ae| expedited(rules, ae))
            .map(|ae| (filed_under(ae).1, ae.grade, ae.event))
            .collect(),
        terms: after().fold(BTreeMap::new(), |mut terms, ae| {
            let (class, term) = filed_under(ae);
            *terms.entry((ae.serious, class, term)).or_default() += 1;
            terms
        }),
        from_severity: after().any(|ae| ae.from_severity),
    }
}

/// `rules` that know of one attribution alone.
fn only(rules: &Rules, (item, label): (&String, &String)) -> Rules {
    Rules { attributed_to: [(item.clone(), label.clone())].into_iter().collect(), ..rules.clone() }
}

/// The tables; takes what it lists from `rows`.
pub fn tables(rules: &Rules, arms: &Arms, rows: &mut [SubjectRow]) -> SafetyResult {
    let split = arms.split(rows);
    let at_risk = split.iter().map(Vec::len).collect();
    let serious = split.iter().map(|rows| serious(rows)).collect();
    let from_severity = split.iter().flatten().any(|row| row.safety.from_severity);
    let related = grades(arms, rows, |safety| Some(&safety.related));
    let related_to = rules.attributed_to.iter().enumerate().map(|(place, (item, label))| Attribution {
        item: item.clone(),
        label: label.clone(),
        rows: grades(arms, rows, |safety| safety.related_to.get(place)),
    });
    let related_to = related_to.collect();
    let all = grades(arms, rows, |safety| Some(&safety.all));
    let terms = by_term(arms, rows);
    let not_serious = split_of(arms, rows, |safety| safety.terms.keys().any(|(serious, ..)| !serious));
    let (mut expedited, mut ungraded) = (Vec::new(), Vec::new());
    for row in rows.iter_mut() {
        let Some(arm) = row.allocation.as_ref().map(|allocation| allocation.arm.clone()) else { continue };
        for (term, grade, event) in std::mem::take(&mut row.safety.expedited) {
            expedited.push((row.subject.clone(), arm.clone(), term, grade, event));
        }
        for event in std::mem::take(&mut row.safety.all.ungraded) {
            ungraded.push((row.subject.clone(), arm.clone(), event));
        }
    }
    SafetyResult {
        at_risk,
        attributed_to: rules.attributed_to.values().cloned().collect(),
        related,
        related_to,
        all,
        serious,
        ungraded_events: ungraded.len(),
        expedited_events: expedited.len(),
        ungraded,
        expedited,
        terms,
        not_serious,
        from_severity,
    }
}

/// Subjects by arm of whom `is` holds.
fn split_of(arms: &Arms, rows: &[SubjectRow], is: impl Fn(&Safety) -> bool) -> Vec<usize> {
    arms.split(rows).iter().map(|rows| rows.iter().filter(|row| is(&row.safety)).count()).collect()
}

/// Events by term, the serious ones first, then in order of class and term.
fn by_term(arms: &Arms, rows: &[SubjectRow]) -> Vec<TermRow> {
    let mut found: BTreeMap<(bool, &str, &str), Vec<Affected>> = BTreeMap::new();
    for row in rows {
        let Some(arm) = arms.place(row) else { continue };
        for ((serious, class, term), events) in &row.safety.terms {
            // Serious sorts first.
            let by_arm =
                found.entry((!serious, class, term)).or_insert_with(|| vec![Affected::default(); arms.len()]);
            by_arm[arm].subjects += 1;
            by_arm[arm].events += events;
        }
    }
    let row = |((other, class, term), by_arm): ((bool, &str, &str), Vec<Affected>)| TermRow {
        serious: !other,
        class: class.to_owned(),
        term: term.to_owned(),
        by_arm,
    };
    found.into_iter().map(row).collect()
}

fn serious(rows: &[&SubjectRow]) -> Counted {
    let mut counted = Counted::default();
    for row in rows.iter().filter(|row| !row.safety.serious.is_empty()) {
        counted.add(row, row.safety.serious.iter().copied());
    }
    counted
}

/// The rows of one table: any event first, then the classes by frequency, each with its terms by frequency.
fn grades(arms: &Arms, rows: &[SubjectRow], of: impl Fn(&Safety) -> Option<&WorstGrades>) -> Vec<GradeRow> {
    let mut any = Tally::new(None, None, arms);
    let mut classes: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut terms: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    for row in rows {
        let Some(arm) = arms.place(row) else { continue };
        let Some(worst) = of(&row.safety) else { continue };
        if let Some(overall) = &worst.overall {
            any.add(row, arm, arms, overall);
        }
        for (class, grade) in &worst.by_class {
            classes
                .entry(class)
                .or_insert_with(|| Tally::new(Some(class), None, arms))
                .add(row, arm, arms, grade);
        }
        for ((class, term), grade) in &worst.by_term {
            terms
                .entry((class, term))
                .or_insert_with(|| Tally::new(Some(class), Some(term), arms))
                .add(row, arm, arms, grade);
        }
    }
    if any.total == 0 {
        return Vec::new();
    }
    let rank: BTreeMap<&str, usize> = classes.iter().map(|(class, tally)| (*class, tally.total)).collect();
    let mut ordered: Vec<(&str, bool, Tally)> =
        classes.into_iter().map(|(class, t)| (class, false, t)).collect();
    ordered.extend(terms.into_iter().map(|((class, _), t)| (class, true, t)));
    // Stable, so that equals stay in the order of their names.
    ordered.sort_by_key(|(class, term, tally)| {
        let class_first = std::cmp::Reverse(rank.get(class).copied().unwrap_or(0));
        (class_first, *class, *term, std::cmp::Reverse(tally.total))
    });
    std::iter::once(any.row).chain(ordered.into_iter().map(|(_, _, tally)| tally.row)).collect()
}

struct Tally {
    row: GradeRow,
    total: usize,
}

impl Tally {
    fn new(class: Option<&str>, term: Option<&str>, arms: &Arms) -> Self {
        let row = GradeRow {
            class: class.map(str::to_owned),
            term: term.map(str::to_owned),
            counts: vec![[0; 5]; arms.len()],
            subjects: Vec::new(),
        };
        Self { row, total: 0 }
    }

    fn add(&mut self, row: &SubjectRow, arm: usize, arms: &Arms, worst: &Worst) {
        let grade = usize::from(worst.grade);
        let Some(cell) = grade.checked_sub(1).and_then(|place| self.row.counts[arm].get_mut(place)) else {
            return;
        };
        *cell += 1;
        self.total += 1;
        if row.detail.traces {
            let who: (SubjectId, ArmId) = (row.subject.clone(), arms.id(arm).clone());
            self.row.subjects.push((who.0, who.1, worst.grade, worst.events.clone()));
        }
    }
}

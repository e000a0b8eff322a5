//! From rows of measurements to subjects with the same visits, and the columns of the fixed effects.
//!
//! Never imputes: a visit without a row is missing. The columns are R's treatment contrasts, in R's order.

use super::Measurements;
use crate::Error;
use crate::cox::Covariates;
use crate::observations::{check_finite, check_length};
use crate::order::Codes;
use std::collections::BTreeMap;

/// Subjects seen at the same visits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pattern {
    /// Codes of the visits, ascending.
    pub visits: Vec<usize>,
    /// The subject-level columns of each subject, `width` values each.
    pub z: Vec<f64>,
    /// The responses of each subject, one a visit.
    pub y: Vec<f64>,
    /// Z'Z over the subjects, `width` squared.
    pub cross: Vec<f64>,
}

impl Pattern {
    pub fn subjects(&self) -> usize {
        self.y.len() / self.visits.len()
    }
}

/// What a fit works on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Design {
    pub arms: Vec<usize>,
    pub visits: Vec<usize>,
    pub patterns: Vec<Pattern>,
    pub rows: usize,
    /// Subject-level columns: 1, the arms but the first, the baseline, the covariates (numeric ones less their centre).
    pub width: usize,
    pub names: Vec<String>,
    /// For each coefficient the (visit, subject-level column) pairs it acts on, as visit * width + column.
    pub columns: Vec<Vec<usize>>,
    /// What was taken from each subject-level column.
    pub centre: Vec<f64>,
    /// Where a least-squares mean stands in each subject-level column (after centring); arms are 0.
    pub reference: Vec<f64>,
    pub baseline_mean: Option<f64>,
}

impl Design {
    pub fn new(
        data: &Measurements<'_>,
        covariates: &Covariates<'_>,
        baseline_by_visit: bool,
    ) -> Result<Self, Error> {
        let n = data.response.len();
        if n == 0 {
            return Err(Error::Empty);
        }
        check_finite("response", n, data.response)?;
        check_length("subject", n, data.subject.len())?;
        check_length("visit", n, data.visit.len())?;
        check_length("arm", n, data.arm.len())?;
        if let Some(baseline) = data.baseline {
            check_finite("baseline", n, baseline)?;
        }
        let extra = if covariates.is_empty() { Vec::new() } else { covariates.check(n)? };
        let (arms, visits) = (Codes::of(data.arm), Codes::of(data.visit));
        let layout =
            Layout { arms: &arms.labels, visits: &visits.labels, baseline_by_visit, data, covariates };
        let (names, columns) = layout.columns();
        let level_one = layout.subject_columns(&arms, &extra);
        let (centre, reference) = layout.centre(&level_one);
        let patterns = patterns(data, &visits, &level_one, &centre)?;
        check_cells(data, &arms, &visits)?;
        check_pairs(&patterns, &visits.labels)?;
        let mean = |v: &[f64]| v.iter().sum::<f64>() / n as f64;
        Ok(Self {
            patterns,
            rows: n,
            width: level_one.len(),
            names,
            columns,
            centre,
            reference,
            baseline_mean: data.baseline.map(mean),
            arms: arms.labels,
            visits: visits.labels,
        })
    }

    pub fn subjects(&self) -> usize {
        self.patterns.iter().map(Pattern::subjects).sum()
    }
}

struct Layout<'a> {
    arms: &'a [usize],
    visits: &'a [usize],
    baseline_by_visit: bool,
    data: &'a Measurements<'a>,
    covariates: &'a Covariates<'a>,
}

/// A column of every row, and whether it is numeric (and so may be centred).
struct Column {
    values: Vec<f64>,
    numeric: bool,
    reference: Option<f64>,
}

impl Layout<'_> {
    fn width(&self) -> usize {
        self.arms.len() + usize::from(self.data.baseline.is_some()) + self.covariates.len()
    }

    /// Names and places of the coefficients, in the order of R's `arm * visit + baseline * visit + covariates`.
    fn columns(&self) -> (Vec<String>, Vec<Vec<usize>>) {
        let (width, m, arms) = (self.width(), self.visits.len(), self.arms.len());
        let everywhere = |column: usize| (0..m).map(|t| t * width + column).collect::<Vec<_>>();
        let mut terms = vec![("(Intercept)".to_owned(), everywhere(0))];
        terms.extend((1..arms).map(|a| (format!("arm{}", self.arms[a]), everywhere(a))));
        terms.extend((1..m).map(|t| (format!("visit{}", self.visits[t]), vec![t * width])));
        let first_covariate = if self.data.baseline.is_some() {
            terms.push(("baseline".to_owned(), everywhere(arms)));
            arms + 1
        } else {
            arms
        };
        let extra = self.covariates.names().iter().enumerate();
        terms.extend(extra.map(|(k, name)| (name.clone(), everywhere(first_covariate + k))));
        for t in 1..m {
            let visit = self.visits[t];
            terms.extend(
                (1..arms).map(|a| (format!("arm{}:visit{visit}", self.arms[a]), vec![t * width + a])),
            );
        }
        if self.data.baseline.is_some() && self.baseline_by_visit {
            terms.extend(
                (1..m).map(|t| (format!("visit{}:baseline", self.visits[t]), vec![t * width + arms])),
            );
        }
        terms.into_iter().unzip()
    }

    fn subject_columns(&self, arms: &Codes, extra: &[&[f64]]) -> Vec<Column> {
        let fixed = |values: Vec<f64>| Column { values, numeric: false, reference: None };
        let mut columns = vec![fixed(vec![1.0; self.data.response.len()])];
        for a in 1..arms.len() {
            columns.push(fixed(arms.code.iter().map(|&c| f64::from(u8::from(c as usize == a))).collect()));
        }
        if let Some(baseline) = self.data.baseline {
            columns.push(Column { values: baseline.to_vec(), numeric: true, reference: None });
        }
        let mut levels = vec![None; extra.len()];
        for term in self.covariates.terms() {
            // A numeric covariate has one column named as itself; a factor's columns bear their level.
            if term.columns.iter().any(|&c| self.covariates.names()[c] != term.name) {
                term.columns.iter().for_each(|&c| levels[c] = Some(1.0 / (term.columns.len() + 1) as f64));
            }
        }
        let columns_of_covariates = extra.iter().zip(levels).map(|(values, level)| Column {
            values: values.to_vec(),
            numeric: level.is_none(),
            reference: level,
        });
        columns.extend(columns_of_covariates);
        columns
    }

    fn centre(&self, columns: &[Column]) -> (Vec<f64>, Vec<f64>) {
        let n = self.data.response.len() as f64;
        let centre = columns.iter().map(|c| if c.numeric { c.values.iter().sum::<f64>() / n } else { 0.0 });
        let reference = columns.iter().map(|c| c.reference.unwrap_or(0.0));
        let mut reference: Vec<f64> = reference.collect();
        reference[0] = 1.0;
        (centre.collect(), reference)
    }
}

/// Subjects by the visits they have, each with its (visit, row) pairs.
fn rows_by_subject(
    data: &Measurements<'_>,
    visits: &Codes,
) -> Result<BTreeMap<usize, Vec<(usize, usize)>>, Error> {
    let mut subjects: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
    for (row, (&subject, &visit)) in data.subject.iter().zip(&visits.code).enumerate() {
        subjects.entry(subject).or_default().push((visit as usize, row));
    }
    for (subject, rows) in &mut subjects {
        rows.sort_unstable();
        if let Some(pair) = rows.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(refused(
                "the mixed model",
                format!(
                    "rows {} and {} are both visit {} of subject {subject}: one row a subject and visit is needed",
                    pair[0].1, pair[1].1, visits.labels[pair[0].0]
                ),
            ));
        }
    }
    Ok(subjects)
}

fn patterns(
    data: &Measurements<'_>,
    visits: &Codes,
    columns: &[Column],
    centre: &[f64],
) -> Result<Vec<Pattern>, Error> {
    let width = columns.len();
    let mut patterns: BTreeMap<Vec<usize>, Pattern> = BTreeMap::new();
    for (subject, rows) in rows_by_subject(data, visits)? {
        let first = rows[0].1;
        for column in columns {
            if let Some((_, row)) = rows.iter().find(|(_, row)| column.values[*row] != column.values[first]) {
                let why = format!(
                    "rows {first} and {row} of subject {subject} differ in arm, baseline or covariate: \
                     these belong to the subject and must be the same at every visit"
                );
                return Err(refused("the mixed model", why));
            }
        }
        let seen: Vec<usize> = rows.iter().map(|r| r.0).collect();
        let empty = || Pattern {
            visits: seen.clone(),
            z: Vec::new(),
            y: Vec::new(),
            cross: vec![0.0; width * width],
        };
        let pattern = patterns.entry(seen.clone()).or_insert_with(empty);
        let z: Vec<f64> = columns.iter().zip(centre).map(|(c, middle)| c.values[first] - middle).collect();
        for (k, a) in z.iter().enumerate() {
            for (l, b) in z.iter().enumerate() {
                pattern.cross[k * width + l] += a * b;
            }
        }
        pattern.z.extend(z);
        pattern.y.extend(rows.iter().map(|(_, row)| data.response[*row]));
    }
    Ok(patterns.into_values().collect())
}

/// Every arm must have been seen at every visit.
fn check_cells(data: &Measurements<'_>, arms: &Codes, visits: &Codes) -> Result<(), Error> {
    let mut seen = vec![0_usize; arms.len() * visits.len()];
    for row in 0..data.response.len() {
        seen[arms.code[row] as usize * visits.len() + visits.code[row] as usize] += 1;
    }
    match seen.iter().position(|&count| count == 0) {
        None => Ok(()),
        Some(cell) => {
            let (arm, visit) = (arms.labels[cell / visits.len()], visits.labels[cell % visits.len()]);
            let what = format!("the mean of arm {arm} at visit {visit}");
            Err(refused(&what, "nobody of that arm was seen at that visit: leave the visit out".to_owned()))
        }
    }
}

/// Every two visits must have been seen in one subject, or their covariance is unknown.
fn check_pairs(patterns: &[Pattern], labels: &[usize]) -> Result<(), Error> {
    for a in 0..labels.len() {
        for b in 0..a {
            let both = patterns.iter().any(|p| p.visits.contains(&a) && p.visits.contains(&b));
            if !both {
                let what = format!("the covariance of visits {} and {}", labels[b], labels[a]);
                return Err(refused(&what, "no subject was seen at both: leave one of them out".to_owned()));
            }
        }
    }
    Ok(())
}

pub(super) fn refused(what: &str, why: String) -> Error {
    Error::NotEstimable { what: what.to_owned(), why }
}

//! A data set in memory: named columns with a role each, and all that is said of it in one [`Summary`].
//!
//! Never reads or writes a file. The summary has the keys and form of the reference values in `tests/data/golden`.
//!
//! # How columns are read
//!
//! * Rows with a missing value in any column used are dropped and counted, so that every result is of the same subjects.
//! * A column of numbers is a number in a model, whatever it codes: an arm 1, 2, 3 is one covariate with one coefficient, as in R.
//!   `factor(arm)` makes a factor of it: one 0/1 column for each level but the first, named as R names them (`factor(arm)2`).
//!   A column with any other text is a factor by itself (`armplacebo`).
//! * Levels are in R's order: numbers by value, labels by letter with small before capital.
//! * Several columns of strata make one stratum for each combination seen.
//! * What the data do not bear (a test with one arm, a model without events) is an `error` under its key; the other keys stand.

mod column;
mod competing;
mod form;
mod summary;

pub use column::Column;
pub use competing::CompetingSummary;
pub use form::{Attempt, Keyed, Matrix, Vector};
pub use summary::{CoxSummary, CurveSummary, LogRankSummary, Summary, TestVector, ZphSummary};

use crate::Error;
use crate::cox::{Collinear, Covariates, Cox, CoxFit, CoxOptions, Ties};
use crate::km::KaplanMeier;
use crate::logrank::{LogRank, logrank};
use crate::rmst::Rmst;
use std::collections::BTreeMap;

/// Which column is what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    /// Time to event or censoring.
    pub time: String,
    /// 1 (or `TRUE`) where the event was seen, 0 (or `FALSE`) where the time is censored; with `competing` the cause, 0 where
    /// censored.
    pub event: String,
    /// Whether `event` holds causes: 1 the event of interest, 2 and more those that compete with it.
    pub competing: bool,
    /// The groups to compare.
    pub arm: String,
    /// Columns to stratify by; none for no stratification.
    pub strata: Vec<String>,
    /// The terms of the full model, the arm among them where it is to be: a column, or `factor(column)`.
    pub covariates: Vec<String>,
}

impl Roles {
    /// The columns that are needed, each once.
    pub fn columns(&self) -> Vec<&str> {
        let terms = self.covariates.iter().map(|term| as_factor(term).unwrap_or(term));
        let fixed = [&self.time, &self.event, &self.arm].map(String::as_str);
        let mut columns = Vec::new();
        for name in fixed.into_iter().chain(self.strata.iter().map(String::as_str)).chain(terms) {
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        columns
    }
}

/// The column within `factor(..)`.
fn as_factor(term: &str) -> Option<&str> {
    term.trim().strip_prefix("factor(")?.strip_suffix(')').map(str::trim)
}

/// Why a table is no data set. Rows are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// A column is not there.
    #[error("no column `{name}`; there are {}", known.join(", "))]
    NoColumn {
        /// The column.
        name: String,
        /// Those that are there.
        known: Vec<String>,
    },
    /// A cell that cannot be what its column is.
    #[error("row {row}, column `{column}`: found {found:?}; {right}")]
    Cell {
        /// The row.
        row: usize,
        /// The column.
        column: String,
        /// What it holds.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// Nothing is left.
    #[error("no row to use: {dropped} rows, each with a missing value in one of {}", columns.join(", "))]
    Nothing {
        /// The columns used.
        columns: Vec<String>,
        /// Rows with a missing value.
        dropped: usize,
    },
}

/// Groups by level.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// The column (or columns).
    pub name: String,
    /// The levels, in R's order.
    pub levels: Vec<String>,
    /// The level of each row.
    pub code: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Number(String, Vec<f64>),
    Factor(Factor),
}

/// A data set without missing values.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// Time of each row.
    pub time: Vec<f64>,
    /// Whether its event (of any cause) was seen.
    pub event: Vec<bool>,
    /// The cause of each row's event, 0 where censored; none unless causes compete.
    pub cause: Option<Vec<usize>>,
    /// The groups compared.
    pub arm: Factor,
    /// The strata.
    pub strata: Option<Factor>,
    /// Rows dropped for a missing value.
    pub dropped: usize,
    arm_term: Term,
    terms: Vec<Term>,
    /// The terms as they were given.
    covariates: Vec<String>,
}

/// A Cox model of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// The arm alone.
    Arm,
    /// All covariates.
    Full,
    /// All covariates, each stratum with a baseline hazard of its own.
    Stratified,
}

impl Dataset {
    /// Gives the columns their roles. Errors: a column that is not there; a cell that cannot be what its column is; no row left.
    ///
    /// ```
    /// use survival::dataset::{Column, Dataset, Roles};
    /// let columns = [
    ///     Column::of_numbers("time", vec![5.0, 8.0, f64::NAN, 9.0]),
    ///     Column::of_numbers("status", vec![1.0, 0.0, 1.0, 1.0]),
    ///     Column::of_numbers("arm", vec![0.0, 1.0, 1.0, 1.0]),
    /// ];
    /// let roles = Roles { time: "time".into(), event: "status".into(), competing: false, arm: "arm".into(),
    ///     strata: vec![], covariates: vec![] };
    /// let data = Dataset::new(&columns, &roles)?;
    /// assert_eq!((data.len(), data.dropped), (3, 1));
    /// # Ok::<(), survival::dataset::Fault>(())
    /// ```
    pub fn new(columns: &[Column], roles: &Roles) -> Result<Self, Fault> {
        let table = Table::new(columns, roles)?;
        let (time, arm) = (table.column(&roles.time)?, table.column(&roles.arm)?);
        let event = table.column(&roles.event)?;
        let cause = if roles.competing { Some(table.causes(event)?) } else { None };
        let event = match &cause {
            Some(cause) => cause.iter().map(|c| *c != 0).collect(),
            None => table.events(event)?,
        };
        let term = |name: &String| match as_factor(name) {
            Some(column) => Ok(Term::Factor(table.factor(name, table.column(column)?))),
            None => table.term(table.column(name.trim())?),
        };
        Ok(Self {
            time: table.times(time)?,
            event,
            cause,
            arm: table.factor(&roles.arm, arm),
            arm_term: table.term(arm)?,
            strata: table.strata(&roles.strata)?,
            terms: roles.covariates.iter().map(term).collect::<Result<_, Fault>>()?,
            covariates: roles.covariates.clone(),
            dropped: table.dropped,
        })
    }

    /// How many subjects.
    pub fn len(&self) -> usize {
        self.time.len()
    }

    /// Never: a data set has a subject.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }

    /// The curve of all together.
    pub fn curve(&self) -> Result<KaplanMeier, Error> {
        KaplanMeier::fit(&self.time, &self.event)
    }

    /// The times and whether the event was seen, of one arm.
    pub fn of_arm(&self, level: usize) -> (Vec<f64>, Vec<bool>) {
        let rows = (0..self.len()).filter(|&i| self.arm.code[i] == level);
        rows.map(|i| (self.time[i], self.event[i])).unzip()
    }

    /// The curve of each arm, by level.
    pub fn arm_curves(&self) -> Result<Vec<KaplanMeier>, Error> {
        let curve = |level| {
            let (time, event) = self.of_arm(level);
            KaplanMeier::fit(&time, &event)
        };
        (0..self.arm.levels.len()).map(curve).collect()
    }

    /// The horizon that every arm's follow-up reaches: the least of the arms' longest times.
    pub fn common_horizon(&self) -> f64 {
        let mut longest = vec![0.0_f64; self.arm.levels.len()];
        self.arm.code.iter().zip(&self.time).for_each(|(&a, &t)| longest[a] = longest[a].max(t));
        longest.into_iter().fold(f64::INFINITY, f64::min)
    }

    /// The restricted mean of each arm to a horizon.
    pub fn rmst(&self, tau: f64) -> Result<Vec<Rmst>, Error> {
        self.arm_curves()?.iter().map(|curve| curve.rmst(tau)).collect()
    }

    /// The arms compared: `rho` 0 the log-rank test, 1 Peto and Peto's; by stratum where `stratified` and there are strata.
    pub fn compare(&self, stratified: bool, rho: f64) -> Result<LogRank, Error> {
        let strata = self.strata.as_ref().filter(|_| stratified).map(|s| &s.code[..]);
        logrank(&self.time, &self.event, &self.arm.code, strata, rho).map_err(|error| self.named(error))
    }

    /// The error with the names of the table, where it speaks of a group.
    fn named(&self, error: Error) -> Error {
        match error {
            Error::OneGroup { label } => Error::NotEstimable {
                what: "a comparison".to_owned(),
                why: format!(
                    "every subject is in {}={}; it needs two groups or more",
                    self.arm.name,
                    self.arm.levels.get(label).map_or("?", |level| level)
                ),
            },
            other => other,
        }
    }

    /// The terms of the full model, as they were given; empty for none.
    pub fn covariates(&self) -> &[String] {
        &self.covariates
    }

    /// A Cox model. A column that says nothing is left out, as R does. Errors: as [`Cox::fit`].
    pub fn cox(&self, model: Model, ties: Ties) -> Result<CoxFit, Error> {
        let strata = self.strata.as_ref().filter(|_| model == Model::Stratified).map(|s| &s.code[..]);
        let options = CoxOptions { ties, strata, collinear: Collinear::Drop, ..CoxOptions::default() };
        Cox::fit(&self.time, &self.event, &self.model(model), &options)
    }

    fn model(&self, model: Model) -> Covariates<'_> {
        let terms = if model == Model::Arm { std::slice::from_ref(&self.arm_term) } else { &self.terms[..] };
        terms.iter().fold(Covariates::new(), |covariates, term| match term {
            Term::Number(name, values) => covariates.with(name, values),
            Term::Factor(factor) => covariates.with_levels(&factor.name, &factor.code, &factor.levels),
        })
    }
}

/// The columns with the rows that are complete.
struct Table<'a> {
    columns: BTreeMap<&'a str, &'a Column>,
    rows: Vec<usize>,
    dropped: usize,
}

impl<'a> Table<'a> {
    fn new(columns: &'a [Column], roles: &Roles) -> Result<Self, Fault> {
        let named = columns.iter().map(|column| (column.name(), column)).collect();
        let mut table = Self { columns: named, rows: Vec::new(), dropped: 0 };
        let needed = roles.columns();
        let used: Vec<&Column> =
            needed.iter().map(|name| table.column(name)).collect::<Result<_, Fault>>()?;
        let n = used.iter().map(|column| column.len()).max().unwrap_or(0);
        table.rows = (0..n).filter(|&row| used.iter().all(|column| !column.is_missing(row))).collect();
        table.dropped = n - table.rows.len();
        if table.rows.is_empty() {
            let columns = needed.iter().map(|&name| name.to_owned()).collect();
            return Err(Fault::Nothing { columns, dropped: n });
        }
        Ok(table)
    }

    fn column(&self, name: &str) -> Result<&'a Column, Fault> {
        self.columns.get(name).copied().ok_or_else(|| Fault::NoColumn {
            name: name.to_owned(),
            known: self.columns.keys().map(|&known| known.to_owned()).collect(),
        })
    }

    /// Each row's cell as what it should be.
    fn read<T>(
        &self,
        column: &Column,
        right: &'static str,
        cell: impl Fn(usize) -> Option<T>,
    ) -> Result<Vec<T>, Fault> {
        let fault =
            |row| Fault::Cell { row, column: column.name().to_owned(), found: column.text(row), right };
        self.rows.iter().map(|&row| cell(row).ok_or_else(|| fault(row))).collect()
    }

    fn times(&self, column: &Column) -> Result<Vec<f64>, Fault> {
        let right = "a time is a finite number, zero or later";
        self.read(column, right, |row| column.number(row).filter(|t| t.is_finite() && *t >= 0.0))
    }

    fn events(&self, column: &Column) -> Result<Vec<bool>, Fault> {
        let right = "1 (or TRUE) for an event, 0 (or FALSE) for a censored time";
        self.read(column, right, |row| match column.number(row) {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            Some(_) => None,
            None => match column.text(row).to_ascii_uppercase().as_str() {
                "TRUE" => Some(true),
                "FALSE" => Some(false),
                _ => None,
            },
        })
    }

    fn causes(&self, column: &Column) -> Result<Vec<usize>, Fault> {
        let right = "0 for a censored time, 1 for the event of interest, 2, 3, .. for the events that compete with it";
        self.read(column, right, |row| {
            (0..=MOST_CAUSES).find(|&cause| column.number(row) == Some(cause as f64))
        })
    }

    fn factor(&self, name: &str, column: &Column) -> Factor {
        let (levels, code) = column.levels(&self.rows);
        Factor { name: name.trim().to_owned(), levels, code }
    }

    fn term(&self, column: &Column) -> Result<Term, Fault> {
        if !column.is_numeric() {
            return Ok(Term::Factor(self.factor(column.name(), column)));
        }
        let finite = |row| column.number(row).filter(|v| v.is_finite());
        let right = "a covariate is a finite number or a label";
        Ok(Term::Number(column.name().to_owned(), self.read(column, right, finite)?))
    }

    /// One factor of all combinations seen, the first column varying slowest.
    fn strata(&self, names: &[String]) -> Result<Option<Factor>, Fault> {
        let factors: Vec<Factor> = names
            .iter()
            .map(|name| Ok(self.factor(name, self.column(name)?)))
            .collect::<Result<_, Fault>>()?;
        let combination = |k: usize| factors.iter().map(|f| f.code[k]).collect::<Vec<usize>>();
        let mut places: BTreeMap<Vec<usize>, usize> =
            (0..self.rows.len()).map(|k| (combination(k), 0)).collect();
        places.values_mut().enumerate().for_each(|(place, value)| *value = place);
        let label = |codes: &Vec<usize>| {
            if let ([only], [code]) = (&factors[..], &codes[..]) {
                return only.levels[*code].clone();
            }
            let parts = factors.iter().zip(codes).map(|(f, c)| format!("{}={}", f.name, f.levels[*c]));
            parts.collect::<Vec<String>>().join(", ")
        };
        let levels = places.keys().map(label).collect();
        let code = (0..self.rows.len()).map(|k| places[&combination(k)]).collect();
        Ok((!names.is_empty()).then(|| Factor { name: names.join(", "), levels, code }))
    }
}

/// More causes than any study has: a greater number in the column is a slip.
const MOST_CAUSES: usize = 99;

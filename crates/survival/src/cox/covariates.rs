//! The covariates of a model: named columns, gathered into terms.
//!
//! Never parses a formula. A factor becomes one column for each level but the first, and is one term.

use crate::Error;
use crate::observations::check_length;
use crate::order::Codes;
use std::borrow::Cow;

/// Named covariate columns, one value a subject each.
///
/// ```
/// use survival::cox::Covariates;
/// let covariates = Covariates::new().with("age", &[61.0, 70.0, 55.0]).with_factor("stage", &[1, 3, 2]);
/// assert_eq!(covariates.names(), ["age", "stage2", "stage3"]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Covariates<'a> {
    names: Vec<String>,
    columns: Vec<Cow<'a, [f64]>>,
    terms: Vec<Term>,
}

/// Columns that are judged together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    pub name: String,
    pub columns: Vec<usize>,
}

impl<'a> Covariates<'a> {
    /// No covariates yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a numeric covariate.
    #[must_use]
    pub fn with(mut self, name: &str, column: &'a [f64]) -> Self {
        self.push_term(name, vec![(name.to_owned(), Cow::Borrowed(column))]);
        self
    }

    /// Adds a numeric covariate, owned.
    #[must_use]
    pub fn with_owned(mut self, name: &str, column: Vec<f64>) -> Self {
        self.push_term(name, vec![(name.to_owned(), Cow::Owned(column))]);
        self
    }

    /// Adds a factor: one 0/1 column, named by the label, for each level but the least.
    #[must_use]
    pub fn with_factor(mut self, name: &str, levels: &[usize]) -> Self {
        let codes = Codes::of(levels);
        let column =
            |code: usize| codes.code.iter().map(|&c| f64::from(u8::from(c as usize == code))).collect();
        let columns =
            (1..codes.len()).map(|c| (format!("{name}{}", codes.labels[c]), Cow::Owned(column(c)))).collect();
        self.push_term(name, columns);
        self
    }

    /// Adds a factor whose levels have labels: `codes` are places in `labels`; one 0/1 column for each but the first.
    ///
    /// A level without a row has no column. Codes beyond the labels count as the first level.
    ///
    /// ```
    /// use survival::cox::Covariates;
    /// let labels = ["control".to_owned(), "sabr".to_owned()];
    /// assert_eq!(Covariates::new().with_levels("arm", &[0, 1, 1], &labels).names(), ["armsabr"]);
    /// ```
    #[must_use]
    pub fn with_levels(mut self, name: &str, codes: &[usize], labels: &[String]) -> Self {
        let mut seen = vec![false; labels.len()];
        codes.iter().filter(|c| **c < labels.len()).for_each(|&c| seen[c] = true);
        let column = |level: usize| codes.iter().map(|&c| f64::from(u8::from(c == level))).collect();
        let levels = (0..labels.len()).filter(|&l| seen[l]).skip(1);
        let columns = levels.map(|l| (format!("{name}{}", labels[l]), Cow::Owned(column(l)))).collect();
        self.push_term(name, columns);
        self
    }

    fn push_term(&mut self, name: &str, columns: Vec<(String, Cow<'a, [f64]>)>) {
        let first = self.columns.len();
        self.terms.push(Term { name: name.to_owned(), columns: (first..first + columns.len()).collect() });
        for (name, column) in columns {
            self.names.push(name);
            self.columns.push(column);
        }
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub(crate) fn terms(&self) -> Vec<Term> {
        self.terms.iter().filter(|t| !t.columns.is_empty()).cloned().collect()
    }

    /// The columns, if each has `n` finite values.
    pub(crate) fn check(&self, n: usize) -> Result<Vec<&[f64]>, Error> {
        if self.columns.is_empty() {
            return Err(Error::NoCovariates);
        }
        for (name, column) in self.names.iter().zip(&self.columns) {
            check_length("covariate", n, column.len())?;
            if let Some((row, &found)) = column.iter().enumerate().find(|(_, v)| !v.is_finite()) {
                return Err(Error::NotFinite { what: name.clone(), row, found });
            }
        }
        Ok(self.columns.iter().map(|c| &c[..]).collect())
    }
}

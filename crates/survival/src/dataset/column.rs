//! A named column of a table, read cell by cell: numbers as long as every cell is one, else labels.
//!
//! Never reads a file and never guesses a role; that is [`super::Roles`]. As R's `read.csv` types a column.

use std::collections::HashMap;

/// No label: a missing cell.
const MISSING: u32 = u32::MAX;

/// One column of a table. A cell that is empty, `NA`, `NaN` or `.` is missing.
///
/// ```
/// use survival::dataset::Column;
/// let mut stage = Column::new("stage");
/// ["II", "NA", "III", "II"].iter().for_each(|cell| stage.push(cell));
/// assert_eq!((stage.len(), stage.is_missing(1), stage.is_numeric()), (4, true, false));
/// ```
#[derive(Debug, Clone)]
pub struct Column {
    name: String,
    cells: Cells,
}

#[derive(Debug, Clone)]
enum Cells {
    /// NaN where missing.
    Numbers(Vec<f64>),
    /// Labels in the order of their first cell, and the place of each cell's label.
    Labels { labels: Vec<String>, places: HashMap<String, u32>, code: Vec<u32> },
}

impl Column {
    /// An empty column.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), cells: Cells::Numbers(Vec::new()) }
    }

    /// A column of numbers, NaN where missing.
    pub fn of_numbers(name: &str, numbers: Vec<f64>) -> Self {
        Self { name: name.to_owned(), cells: Cells::Numbers(numbers) }
    }

    /// Adds a cell as it stands in the table. The first cell that is no number makes labels of all, the numbers before it
    /// written as short as they can be.
    pub fn push(&mut self, cell: &str) {
        let cell = cell.trim();
        let missing = matches!(cell, "" | "NA" | "NaN" | "nan" | ".");
        if let Cells::Numbers(numbers) = &mut self.cells {
            match cell.parse::<f64>() {
                _ if missing => return numbers.push(f64::NAN),
                Ok(number) => return numbers.push(number),
                Err(_) => self.make_labels(),
            }
        }
        if let Cells::Labels { labels, places, code } = &mut self.cells {
            code.push(if missing { MISSING } else { place(cell, labels, places) });
        }
    }

    fn make_labels(&mut self) {
        let Cells::Numbers(numbers) = &self.cells else { return };
        let (mut labels, mut places) = (Vec::new(), HashMap::new());
        let mut of = |number: &f64| {
            if number.is_nan() { MISSING } else { place(&number.to_string(), &mut labels, &mut places) }
        };
        let code = numbers.iter().map(&mut of).collect();
        self.cells = Cells::Labels { labels, places, code };
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        match &self.cells {
            Cells::Numbers(numbers) => numbers.len(),
            Cells::Labels { code, .. } => code.len(),
        }
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every cell that is there is a number.
    pub fn is_numeric(&self) -> bool {
        matches!(self.cells, Cells::Numbers(_))
    }

    /// Whether the cell of this row is missing. A row beyond the last is.
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.cells {
            Cells::Numbers(numbers) => numbers.get(row).is_none_or(|v| v.is_nan()),
            Cells::Labels { code, .. } => code.get(row).is_none_or(|c| *c == MISSING),
        }
    }

    /// The cell as text; `NA` where it is missing.
    pub fn text(&self, row: usize) -> String {
        match &self.cells {
            _ if self.is_missing(row) => "NA".to_owned(),
            Cells::Numbers(numbers) => numbers[row].to_string(),
            Cells::Labels { labels, code, .. } => labels[code[row] as usize].clone(),
        }
    }

    /// The cell as a number, where it is one.
    pub(super) fn number(&self, row: usize) -> Option<f64> {
        match &self.cells {
            Cells::Numbers(numbers) => numbers.get(row).copied().filter(|v| !v.is_nan()),
            Cells::Labels { labels, code, .. } => labels.get(*code.get(row)? as usize)?.parse().ok(),
        }
    }

    /// The levels of these rows in R's order, and each row's level. No row may be missing.
    pub(super) fn levels(&self, rows: &[usize]) -> (Vec<String>, Vec<usize>) {
        match &self.cells {
            Cells::Numbers(numbers) => {
                // Zero has two signs and one label.
                let value = |row: &usize| numbers[*row] + 0.0;
                let mut levels: Vec<f64> = rows.iter().map(value).collect();
                levels.sort_unstable_by(f64::total_cmp);
                levels.dedup();
                let code = |row| levels.partition_point(|level| *level < value(row));
                (levels.iter().map(f64::to_string).collect(), rows.iter().map(code).collect())
            }
            Cells::Labels { labels, code, .. } => {
                let mut seen = vec![false; labels.len()];
                for row in rows {
                    seen[code[*row] as usize] = true;
                }
                let mut order: Vec<usize> = (0..labels.len()).filter(|k| seen[*k]).collect();
                order.sort_by_cached_key(|k| collation(&labels[*k]));
                let mut rank = vec![0; labels.len()];
                order.iter().enumerate().for_each(|(r, k)| rank[*k] = r);
                let levels = order.iter().map(|k| labels[*k].clone()).collect();
                (levels, rows.iter().map(|row| rank[code[*row] as usize]).collect())
            }
        }
    }
}

fn place(cell: &str, labels: &mut Vec<String>, places: &mut HashMap<String, u32>) -> u32 {
    if let Some(place) = places.get(cell) {
        return *place;
    }
    // No more distinct labels than rows, and rows are counted in 32 bits wherever they are sorted.
    let new = u32::try_from(labels.len()).unwrap_or(MISSING);
    labels.push(cell.to_owned());
    places.insert(cell.to_owned(), new);
    new
}

/// Letters first without their case, then small before capital: how R sorts labels in the usual locales.
fn collation(label: &str) -> (String, String) {
    let swapped = |c: char| if c.is_uppercase() { c.to_lowercase().next() } else { c.to_uppercase().next() };
    (label.to_lowercase(), label.chars().map(|c| swapped(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str]) -> Column {
        let mut column = Column::new("x");
        for cell in cells {
            column.push(cell);
        }
        column
    }

    #[test]
    fn numbers_sort_as_numbers() {
        let (levels, code) = column(&["10", "2", " 1 ", "2.0", "-0", "0"]).levels(&[0, 1, 2, 3, 4, 5]);
        assert_eq!(
            (levels, code),
            (["0", "1", "2", "10"].map(str::to_owned).to_vec(), vec![3, 2, 1, 2, 0, 0])
        );
    }

    // R 4.2.2: levels(factor(c("b", "B", "Aa", "10", "a")))
    #[test]
    fn labels_sort_as_in_r() {
        let (levels, code) = column(&["b", "B", "Aa", "10", "a"]).levels(&[0, 1, 2, 3, 4]);
        assert_eq!(
            (levels, code),
            (["10", "a", "Aa", "b", "B"].map(str::to_owned).to_vec(), vec![3, 4, 2, 0, 1])
        );
    }

    #[test]
    fn missing_cells_make_no_label() {
        let text = column(&["1", "", "x", "NA", ".", "NaN"]);
        assert!(!text.is_numeric() && [1, 3, 4, 5].iter().all(|row| text.is_missing(*row)));
        assert_eq!(
            (text.text(0), text.text(2), text.number(0), text.number(2)),
            ("1".into(), "x".into(), Some(1.0), None)
        );
        assert!(column(&["1", "", "NA"]).is_numeric());
    }
}

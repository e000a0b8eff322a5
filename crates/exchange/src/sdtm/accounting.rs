//! What became of every row of the input: used, or not used and why.
//!
//! Never loses a row: `FileAccount::adds_up` holds for every file of every import.

use std::fmt::Write;

use serde::Serialize;

/// What became of the rows of every file in the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Accounting {
    /// One entry a file, in order of its name.
    pub files: Vec<FileAccount>,
}

/// What became of the rows of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileAccount {
    /// The file's name as it stands in the directory.
    pub file: String,
    /// Rows read, the header not counted.
    pub read: usize,
    /// Rows that entered an event or a recorded response.
    pub used: usize,
    /// Rows that did not, by reason.
    pub unused: Vec<Unused>,
    /// Columns nobody read.
    pub columns_not_read: Vec<String>,
}

/// Rows that were not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unused {
    /// As in `TR SUMDIAM: derived sum, recomputed`.
    pub reason: String,
    /// Each row: in CSV as a spreadsheet counts it (1 is the header), else from 1.
    pub rows: Vec<usize>,
}

impl Accounting {
    /// In words, a line for each file and for each reason.
    pub fn summary(&self) -> String {
        self.told(false)
    }

    /// The same with every row that was not used and every column that was not read.
    pub fn details(&self) -> String {
        self.told(true)
    }

    fn told(&self, rows: bool) -> String {
        let mut text = "Rows read\n".to_owned();
        for file in &self.files {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {:<12} {:>6} read, {:>6} used", file.file, file.read, file.used);
            for unused in &file.unused {
                let _ = writeln!(text, "  {:<12} {:>6} not used: {}", "", unused.rows.len(), unused.reason);
                if rows {
                    let _ = writeln!(text, "  {:<12} rows {}", "", unused.ranges());
                }
            }
            if rows && !file.columns_not_read.is_empty() {
                let _ = writeln!(text, "  {:<12} columns not read: {}", "", file.columns_not_read.join(", "));
            }
        }
        text
    }
}

impl FileAccount {
    /// True where every row read was either used or named.
    pub fn adds_up(&self) -> bool {
        self.read == self.used + self.unused.iter().map(|unused| unused.rows.len()).sum::<usize>()
    }
}

impl Unused {
    /// The rows in words: `2-5, 9`.
    pub fn ranges(&self) -> String {
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for &row in &self.rows {
            match spans.last_mut() {
                Some((_, last)) if *last + 1 == row => *last = row,
                _ => spans.push((row, row)),
            }
        }
        let span = |(first, last): &(usize, usize)| {
            if first == last { first.to_string() } else { format!("{first}-{last}") }
        };
        spans.iter().map(span).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[], "")]
    #[case(&[7], "7")]
    #[case(&[2, 3, 4, 9, 11, 12], "2-4, 9, 11-12")]
    fn says_rows_in_ranges(#[case] rows: &[usize], #[case] want: &str) {
        assert_eq!(Unused { reason: String::new(), rows: rows.to_vec() }.ranges(), want);
    }
}

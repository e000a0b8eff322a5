//! The rows of a sweep as Parquet: the same table as the CSV, each column with its type.
//!
//! Never computes: numbers are those of the CSV, which are written in as many digits as they have.

use exchange::format::{About, Format};
use exchange::table::{Cell, Column, Table};

use crate::output::Failure;

/// Columns that hold words, whatever their values look like.
const WORDS: [&str; 4] = ["effect", "analysis", "method", "stratified"];
/// A word may be so long, in bytes.
const LONGEST: u16 = 4_000;

/// The CSV as Parquet: a column of numbers where every value is one, else of texts.
pub fn parquet(csv: &[u8], title: &str) -> Result<Vec<u8>, Failure> {
    let table = table(csv, title)?;
    let mut bytes = Vec::new();
    // No moment of today: the same sweep gives the same bytes.
    let made = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    Format::Parquet.write(&table, &About::new(title, made), &mut bytes).map_err(Failure::new)?;
    Ok(bytes)
}

fn table(csv: &[u8], title: &str) -> Result<Table, Failure> {
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader.headers().map_err(Failure::new)?.clone();
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(Failure::new)?;
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let numbers: Vec<bool> = header
        .iter()
        .enumerate()
        .map(|(place, name)| {
            let mut values = rows.iter().filter_map(|row| row.get(place)).filter(|text| !text.is_empty());
            !WORDS.contains(&name) && values.all(|text| number(text).is_some())
        })
        .collect();
    let columns = header.iter().zip(&numbers).map(|(name, of_numbers)| {
        let label = name.replace('_', " ");
        if *of_numbers { Column::number(name, &label) } else { Column::text(name, &label, LONGEST) }
    });
    let mut table = Table::new("SWEEP", title, columns.collect()).map_err(Failure::new)?;
    for row in &rows {
        let cells = row.iter().zip(&numbers).map(|(text, of_numbers)| match (text, number(text)) {
            ("", _) => Cell::Missing,
            (_, Some(number)) if *of_numbers => Cell::Number(number),
            _ => Cell::Text(text),
        });
        table.push(cells).map_err(Failure::new)?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_read_back_from_parquet_has_the_numbers_of_its_csv() {
        let csv = b"hazard_ratio,effect,analysis,experimental,bias\n0.5,true,1,0.8012345678901234,\n1,false,1,0.025,0.1\n";
        let bytes = parquet(csv, "a test").unwrap();
        assert_eq!(bytes, parquet(csv, "a test").unwrap());
        let tables = Format::Parquet.read(bytes, "sweep.parquet").unwrap();
        let [table] = tables.as_slice() else { panic!("{} tables", tables.len()) };
        let cell = |row: usize, name: &str| table.get(row, table.place(name).unwrap());
        assert_eq!(cell(0, "experimental"), Cell::Number(0.801_234_567_890_123_4));
        assert_eq!((cell(0, "bias"), cell(1, "bias")), (Cell::Missing, Cell::Number(0.1)));
        assert_eq!((cell(0, "effect"), cell(0, "analysis")), (Cell::Text("true"), Cell::Text("1")));
        assert_eq!(table.len(), 2);
    }
}

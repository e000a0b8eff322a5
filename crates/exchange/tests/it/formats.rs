//! Every format gives back what it was given, refuses what it cannot hold, and neither panics nor half-reads what is damaged.

use std::path::{Path, PathBuf};

use exchange::format::{About, Format, WriteError, dataset_json, read_file, write_file, xport};
use exchange::sdtm;
use exchange::table::{Cell, Column, Kind, Misfit, Table, date_of_sas, sas_date};
use jiff::civil::date;
use proptest::prelude::*;
use rstest::rstest;

fn about() -> About {
    About {
        modified: Some(date(2026, 11, 23).at(18, 0, 0, 0)),
        originator: Some("A hospital".into()),
        metadata_version: Some("MDV.1".into()),
        metadata_file: Some("define.xml".into()),
        ..About::new("AVATAR", date(2026, 11, 24).at(14, 5, 59, 0))
    }
}

fn written(format: Format, table: &Table) -> Vec<u8> {
    let mut bytes = Vec::new();
    format.write(table, &about(), &mut bytes).unwrap();
    bytes
}

fn read_back(format: Format, table: &Table) -> Table {
    let bytes = written(format, table);
    assert_eq!(Format::of(&bytes), format);
    let mut tables = format.read(bytes, "t.file").unwrap();
    assert_eq!(tables.len(), 1);
    tables.remove(0)
}

/// What a format keeps of a table beside its cells.
fn assert_same(format: Format, table: &Table, back: &Table) {
    assert_eq!(back.len(), table.len());
    let names = |table: &Table| table.columns().iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(back), names(table));
    if format == Format::Parquet {
        assert_eq!(back, table);
    }
    if format != Format::Csv {
        assert_eq!((back.name(), back.label()), (table.name(), table.label()));
        for (back, column) in back.columns().iter().zip(table.columns()) {
            assert_eq!((&back.label, &back.format), (&column.label, &column.format));
            let same = match (back.kind, column.kind) {
                (Kind::Text { .. }, Kind::Text { .. }) => true,
                // XPORT knows texts and numbers, and dates by their format.
                (Kind::Text { .. }, Kind::Date | Kind::DateTime) | (Kind::Number, Kind::Integer) => {
                    format == Format::Xport
                }
                (back, kind) => back == kind,
            };
            assert!(same, "{:?} as {:?}", column.kind, back.kind);
            assert!(format != Format::DatasetJson || back.key == column.key);
        }
    }
    for row in 0..table.len() {
        for (place, column) in table.columns().iter().enumerate() {
            let (back, cell) = (back.get(row, place), table.get(row, place));
            if format == Format::Csv {
                let text = |cell| exchange::format::csv::cell_text(column.kind, cell);
                assert_eq!(text(back), text(cell));
            } else {
                assert_eq!(back, cell, "row {row}, {}", column.name);
            }
        }
    }
}

/// Every kind, with what is awkward of each.
fn awkward() -> Table {
    let columns = vec![
        Column::text("USUBJID", "Unique Subject Identifier", 40).key(1).mandatory(),
        Column::text("TERM", "Reported \"Term\", as it was; 100% (Text)", 200).format("$200."),
        Column::integer("SEQ", "Sequence Number").key(2).format("8."),
        Column::number("AVAL", "Analysis Value").digits(3).format("8.3"),
        Column::number("PLAIN", ""),
        Column::date("STDTC", "Start Date/Time"),
        Column::datetime("DTC", "Date/Time of Collection"),
        Column::day("ADT", "Analysis Date"),
        Column::day("ADT2", "Analysis Date, ISO").format("E8601DA10."),
        Column::moment("ADTM", "Analysis Date/Time"),
        Column::text("EMPTY", "Never Filled", 8),
    ];
    let mut table = Table::new("ADX", "A Data Set of Every Kind", columns).unwrap();
    let numbers = [0.1, -118.625, 1e-78, 7.2e75, 1.0 / 3.0, 123_456_789.125, -0.0, f64::EPSILON];
    for (index, number) in numbers.into_iter().enumerate() {
        let mut row = table.begin();
        row.set("USUBJID", &format!("01-{index:03}")).unwrap();
        row.set("TERM", ["a, \"b\"; c", " leading", "O'Neil\ttab", "NA", "."][index % 5]).unwrap();
        row.set("SEQ", index).unwrap().set("AVAL", number).unwrap();
        if index % 2 == 0 {
            row.set("PLAIN", -number).unwrap().set("STDTC", "2024-03").unwrap();
            row.set("DTC", "2024-03-05T14:05").unwrap();
            let day = date(1900 + i16::try_from(index).unwrap() * 20, 2, 28);
            row.set("ADT", day).unwrap().set("ADT2", day).unwrap();
            row.set("ADTM", day.at(23, 59, 58, 0)).unwrap();
        }
        row.end().unwrap();
    }
    table
}

#[rstest]
fn gives_back_what_it_was_given(
    #[values(Format::Csv, Format::Xport, Format::DatasetJson, Format::DatasetNdjson, Format::Parquet)]
    format: Format,
) {
    let table = awkward();
    assert_same(format, &table, &read_back(format, &table));
    let empty = Table::new("E", "Nothing", vec![Column::text("A", "", 5), Column::number("B", "")]).unwrap();
    assert_same(format, &empty, &read_back(format, &empty));
}

#[test]
fn holds_dates_as_sas_does() {
    assert_eq!(sas_date(date(1960, 1, 1)), 0.0);
    // SAS Language Reference, "About SAS Date, Time, and Datetime Values": 1 January 1582 is -138061. Its 31 December 9999 is 2936547, two
    // days less than the calendar's, since it takes neither 4000 nor 8000 for a leap year.
    assert_eq!(sas_date(date(1961, 1, 1)), 366.0);
    assert_eq!(date_of_sas(-138_061.0), Some(date(1582, 1, 1)));
    assert_eq!(date_of_sas(-138_062.0), None);
    assert_eq!(date_of_sas(745_094.0), Some(date(3999, 12, 31)));
    assert_eq!(date_of_sas(745_095.0), None);
    assert_eq!(date_of_sas(0.5), None);
}

fn one(column: Column, cell: Cell<'_>) -> Result<Table, Misfit> {
    let mut table = Table::new("AE", "Adverse Events", vec![Column::integer("AESEQ", ""), column])?;
    table.push([1.into(), Cell::Missing])?;
    table.push([2.into(), cell])?;
    Ok(table)
}

#[rstest]
#[case(Column::integer("N", ""), 1.5.into(), "AE, row 2, column N: found 1.5; the column holds whole numbers below 2^53")]
#[case(Column::number("N", ""), f64::NAN.into(), "AE, row 2, column N: found NaN; a number is finite; leave the cell missing where there is none")]
#[case(Column::number("N", ""), "x".into(), "AE, row 2, column N: found the text \"x\"; the column holds numbers")]
#[case(Column::text("T", "", 3), "long".into(), "AE, row 2, column T: found a text of 4 bytes (\"long\" ...); at most 3 bytes")]
#[case(Column::text("T", "", 3), 5.into(), "AE, row 2, column T: found the number 5; the column holds texts")]
#[case(Column::day("D", ""), 0.5.into(), "AE, row 2, column D: found 0.5; a day is a whole number of days, in the years 1582 to 3999")]
#[case(Column::moment("D", ""), 0.5.into(), "AE, row 2, column D: found 0.5; a moment is a whole number of seconds, in the years 1582 to 3999")]
#[case(Column::text("T", "", 3).mandatory(), Cell::Missing, "AE, row 1, column T: found nothing; the column must be filled in every row")]
#[case(
    Column::text("AESEQ", "", 3),
    Cell::Missing,
    "AE, column AESEQ: found the column twice; a column stands once"
)]
fn a_table_refuses(#[case] column: Column, #[case] cell: Cell<'_>, #[case] want: &str) {
    assert_eq!(one(column, cell).unwrap_err().to_string(), want);
}

#[test]
fn a_row_given_up_leaves_nothing() {
    let mut table = awkward();
    let before = table.clone();
    assert!(table.begin().set("NONE", 1).is_err());
    table.begin().set("USUBJID", "x").unwrap().set("AVAL", 3).unwrap();
    assert!(table.begin().set("AVAL", f64::INFINITY).is_err());
    assert!(table.push([Cell::Missing]).is_err());
    assert_eq!(table, before);
    table.begin().set("TERM", &"é".repeat(100)).unwrap();
    let term = table.place("TERM").unwrap();
    assert_eq!(table.width(term), before.width(term));
    assert!(table.words(term).eq(before.words(term)));
    assert!(xport::misfits(&table).is_empty());
}

#[test]
fn sorts_by_its_keys() {
    let columns =
        vec![Column::number("V", ""), Column::text("ID", "", 9).key(1), Column::integer("N", "").key(2)];
    let mut table = Table::new("T", "", columns).unwrap();
    for (v, id, n) in
        [(1, "b", Some(2)), (2, "a", Some(10)), (3, "b", None), (4, "a", Some(9)), (5, "a", Some(9))]
    {
        table.push([v.into(), id.into(), n.into()]).unwrap();
    }
    table.sort_by_keys();
    let order: Vec<Cell<'_>> = table.column(0).collect();
    assert_eq!(order, [4, 5, 2, 3, 1].map(Cell::from));
}

#[rstest]
#[case(
    Column::text("LONGNAME9", "", 9),
    "x",
    "AE, column LONGNAME9: found the name \"LONGNAME9\"; a name in XPORT is at most 8 of A to Z, 0 to 9 and _, and begins with no digit"
)]
#[case(
    Column::text("lower", "", 9),
    "x",
    "AE, column lower: found the name \"lower\"; a name in XPORT is at most 8 of A to Z, 0 to 9 and _, and begins with no digit"
)]
#[case(
    Column::text("T", "A label that is longer than forty letters is", 9),
    "x",
    "AE, column T: found the label 44 bytes (\"A label that is long\" ...); XPORT holds at most 40: shorten it, or split it into a supplement"
)]
#[case(Column::text("T", "", 999), &"x".repeat(201), "AE, row 2, column T: found 201 bytes (\"xxxxxxxxxxxxxxxxxxxx\" ...); XPORT holds at most 200: shorten it, or split it into a supplement")]
#[case(
    Column::text("T", "", 999),
    "Une fièvre haute",
    "AE, row 2, column T: found 'è' in \"Une fièvre haute\"; XPORT holds ASCII only: write it otherwise, or use Dataset-JSON, Parquet or CSV"
)]
#[case(Column::text("T", "", 9).format("DATE9.x"), "x", "AE, column T: found the format \"DATE9.x\"; a SAS format is a name of at most 8, a width and a point")]
fn xport_refuses(#[case] column: Column, #[case] text: &str, #[case] want: &str) {
    let table = one(column, text.into()).unwrap();
    let misfits: Vec<String> = xport::misfits(&table).iter().map(ToString::to_string).collect();
    assert_eq!(misfits, [want]);
    let mut bytes = Vec::new();
    let error = Format::Xport.write(&table, &about(), &mut bytes).unwrap_err();
    assert!(matches!(error, WriteError::Misfit(_)));
    assert_eq!((error.to_string().as_str(), bytes.len()), (want, 0));
}

#[rstest]
#[case(1e80)]
#[case(-1e-80)]
fn xport_refuses_numbers_out_of_range(#[case] number: f64) {
    let table = one(Column::number("N", ""), number.into()).unwrap();
    let misfits = xport::misfits(&table);
    assert_eq!((misfits[0].row, misfits[0].column.as_deref(), misfits.len()), (Some(2), Some("N"), 1));
}

// TS-140 fills the last record with blanks, and gives no number of rows.
#[test]
fn xport_refuses_a_last_row_it_could_not_tell_from_the_end() {
    let mut table = Table::new("T", "", vec![Column::text("A", "", 9), Column::text("B", "", 9)]).unwrap();
    table.push(["x".into(), Cell::Missing]).unwrap();
    table.push([Cell::Missing, Cell::Missing]).unwrap();
    assert_eq!(xport::misfits(&table)[0].row, Some(2));
    table.push([Cell::Missing, "y".into()]).unwrap();
    assert_eq!(xport::misfits(&table), []);
    assert_same(Format::Xport, &table, &read_back(Format::Xport, &table));
}

/// Two data sets in one file, as SAS puts a library.
#[test]
fn reads_every_data_set_of_a_transport_file() {
    let (first, second) = (awkward(), one(Column::text("T", "", 9), "x".into()).unwrap());
    let mut bytes = written(Format::Xport, &first);
    bytes.extend_from_slice(&written(Format::Xport, &second)[240..]);
    let tables = Format::Xport.read(bytes, "both.xpt").unwrap();
    assert_eq!(tables.iter().map(Table::name).collect::<Vec<_>>(), ["ADX", "AE"]);
    assert_same(Format::Xport, &first, &tables[0]);
    assert_same(Format::Xport, &second, &tables[1]);
}

#[rstest]
#[case(
    r#"{"datasetJSONVersion":"1.0.0","name":"AE","columns":[]}"#,
    "found version \"1.0.0\"; the file is Dataset-JSON of version 1.1"
)]
#[case(
    r#"{"name":"AE","columns":[]}"#,
    "found no datasetJSONVersion; the file is Dataset-JSON of version 1.1"
)]
#[case(r#"{"datasetJSONVersion":"1.1.0","name":"AE"}"#, "found no columns; Dataset-JSON names its columns")]
#[case(
    r#"{"clinicalData":{}}"#,
    "found no Dataset-JSON 1.1 (Dataset-JSON of version 1.0; write it as version 1.1 at line 1 column 15); write it as the standard has it"
)]
#[case(
    r#"{"datasetJSONVersion":"1.1.0","name":"AE","columns":[{"name":"A","dataType":"text"}]}"#,
    "column A: found type \"text\"; Dataset-JSON 1.1 has"
)]
#[case(r#"{"datasetJSONVersion":"1.1.0","name":"AE","records":2,"columns":[{"name":"A","dataType":"string"}],"rows":[["x"]]}"#, "found 1 rows; the file says it has 2 records")]
#[case(r#"{"datasetJSONVersion":"1.1.0","name":"AE","columns":[{"name":"A","dataType":"string"}],"rows":[["x"],["y",2]]}"#, "row 2")]
#[case(r#"{"datasetJSONVersion":"1.1.0","name":"AE","columns":[{"name":"A","dataType":"integer"}],"rows":[[1],[2.5]]}"#, "row 2, column A: found 2.5; the column holds whole numbers")]
#[case(r#"{"datasetJSONVersion":"1.1.0","name":"AE","columns":[{"name":"A","dataType":"date","targetDataType":"integer"}],"rows":[["2024-02-30"]]}"#, "row 1, column A: found the text \"2024-02-30\"; the column holds numbers")]
#[case(r#"{"datasetJSONVersion":"1.1.0","name":"AE","columns":[{"name":"A","dataType":"string"}],"rows":[["x"]]} {}"#, "trailing characters")]
fn dataset_json_refuses(#[case] text: &str, #[case] want: &str) {
    let said = dataset_json::read(text.as_bytes(), "ae.json").unwrap_err().to_string();
    assert!(said.starts_with("ae.json") && said.contains(want), "{said}");
}

/// JSON gives its attributes in any order, and decimals as text.
#[test]
fn reads_rows_that_stand_before_their_columns() {
    let text = r#"{"rows":[["x","1.25",true,null]],"columns":[{"name":"A","dataType":"string","length":1},
        {"name":"B","dataType":"decimal","targetDataType":"decimal"},{"name":"C","dataType":"boolean"},
        {"name":"D","dataType":"double"}],"name":"AE","datasetJSONVersion":"1.1"}"#;
    let table = dataset_json::read(text.as_bytes(), "ae.json").unwrap();
    assert!(table.row(0).eq([Cell::Text("x"), Cell::Number(1.25), Cell::Text("true"), Cell::Missing]));
}

#[test]
fn dataset_json_reads_as_the_standard_has_it() {
    let text = String::from_utf8(written(Format::DatasetNdjson, &awkward())).unwrap();
    let lines: Vec<&str> = text.lines().take(3).collect();
    insta::assert_snapshot!("dataset_ndjson", lines.join("\n"));
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Text { length: 200 }),
        Just(Kind::Number),
        Just(Kind::Integer),
        Just(Kind::Date),
        Just(Kind::DateTime),
        Just(Kind::Day),
        Just(Kind::Moment),
    ]
}

/// A cell as drawn, before its column is known: what is made of it fits the column.
#[derive(Clone, Debug)]
struct Drawn {
    there: bool,
    text: String,
    number: f64,
    whole: i32,
}

impl Drawn {
    fn cell(&self, kind: Kind) -> Cell<'_> {
        if !self.there {
            return Cell::Missing;
        }
        match kind {
            Kind::Number => self.number.into(),
            Kind::Integer | Kind::Moment => self.whole.into(),
            Kind::Day => (self.whole % 100_000).into(),
            // Dates as text are of at most 64 bytes.
            Kind::Date | Kind::DateTime => Cell::Text(self.text.get(..8).unwrap_or("2024")),
            Kind::Text { .. } => Cell::Text(&self.text),
        }
    }
}

fn drawn(text: &'static str) -> impl Strategy<Value = Drawn> {
    let number = prop_oneof![any::<f32>().prop_map(f64::from), -1e6..1e6, 1e-70..1e70];
    let number = number.prop_filter("in range of XPORT", |n| n.is_finite() && (*n == 0.0 || n.abs() > 1e-70));
    (any::<bool>(), text, number, any::<i32>()).prop_map(|(there, text, number, whole)| Drawn {
        there,
        text,
        number,
        whole,
    })
}

fn table(text: &'static str) -> impl Strategy<Value = Table> {
    let columns = prop::collection::vec((kind(), "[ -~]{0,40}"), 1..8);
    let rows = prop::collection::vec(prop::collection::vec(drawn(text), 8), 0..20);
    (columns, rows).prop_map(|(columns, rows)| {
        let column = |(place, (kind, label)): (usize, (Kind, String))| {
            let column = Column::new(&format!("V{place}"), label.trim_end(), kind);
            match kind {
                Kind::Day => column.format("DATE9."),
                Kind::Moment => column.format("DATETIME20."),
                _ => column,
            }
        };
        let columns: Vec<Column> = columns.into_iter().enumerate().map(column).collect();
        let mut table = Table::new("T", "Drawn", columns.clone()).unwrap();
        for drawn in &rows {
            table.push(columns.iter().zip(drawn).map(|(column, drawn)| drawn.cell(column.kind))).unwrap();
        }
        table
    })
}

/// ASCII, as XPORT has it; what begins or ends with a blank is awkward enough.
const ASCII: &str = "[ -~]{0,60}";
const ANY: &str = "\\PC{0,15}[\\n\\r\\t\"',;]?\\PC{0,5}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn round_trip_of_ascii(table in table(ASCII)) {
        for format in [Format::Csv, Format::DatasetJson, Format::Parquet] {
            assert_same(format, &table, &read_back(format, &table));
        }
        // A last row of nothing is refused, and tested above.
        if xport::misfits(&table).is_empty() {
            assert_same(Format::Xport, &table, &read_back(Format::Xport, &table));
        }
    }

    #[test]
    fn round_trip_of_any_text(table in table(ANY)) {
        for format in [Format::Csv, Format::DatasetJson, Format::DatasetNdjson, Format::Parquet] {
            assert_same(format, &table, &read_back(format, &table));
        }
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Cut(prop::sample::Index),
    Flip(prop::sample::Index, u8),
    Drop(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        at().prop_map(Damage::Cut),
        (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Flip(at, byte)),
        (at(), any::<u8>()).prop_map(|(at, length)| Damage::Drop(at, length)),
        (at(), prop::collection::vec(any::<u8>(), 1..90)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), at()).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

fn damaged(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match damage {
        Damage::Cut(at) => bytes.truncate(at.index(length)),
        Damage::Flip(at, byte) => bytes[at.index(length)] = *byte,
        Damage::Drop(at, many) => {
            let at = at.index(length);
            bytes.drain(at..(at + usize::from(*many)).min(length));
        }
        Damage::Insert(at, more) => {
            let at = at.index(length);
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Swap(a, b) => bytes.swap(a.index(length), b.index(length)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// No damage makes a reader panic; it reads the whole of what it takes, or says where it could not.
    #[test]
    fn damaged_files_are_read_or_refused(
        format in prop::sample::select(Format::ALL.to_vec()),
        wounds in prop::collection::vec(damage(), 1..4),
    ) {
        let mut bytes = written(format, &awkward());
        for wound in &wounds {
            damaged(&mut bytes, wound);
        }
        // Whatever it looks like now, and as what it was.
        for format in [Format::of(&bytes), format] {
            match format.read(bytes.clone(), "x.file") {
                Ok(tables) => prop_assert!(!tables.is_empty()),
                Err(misfit) => prop_assert!(misfit.table == "x.file" && !misfit.right.is_empty(), "{misfit}"),
            }
        }
    }

    /// A file cut short is refused: XPORT alone cannot tell where it is cut between records at the end of a row.
    #[test]
    fn a_file_cut_short_is_refused(at in any::<prop::sample::Index>()) {
        for format in [Format::Xport, Format::DatasetJson, Format::DatasetNdjson, Format::Parquet] {
            let whole = written(format, &awkward());
            let at = at.index(whole.len() - 1);
            // The last line's end is no part of JSON.
            let ends = !matches!(format, Format::Xport | Format::Parquet) && whole[at..].trim_ascii().is_empty();
            match format.read(whole[..at].to_vec(), "x.file") {
                Ok(tables) if format == Format::Xport => prop_assert!(at % 80 == 0 && tables[0].len() <= awkward().len()),
                Ok(_) => prop_assert!(ends, "{format} cut at {at}"),
                Err(_) => {}
            }
        }
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/sdtm-oncology")
}

/// The example's data sets, typed: a column whose every value is a number as it would be written is one.
fn example_tables() -> Vec<Table> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(example()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "csv"));
    files.sort();
    files.iter().map(|file| typed(&read_file(file).unwrap()[0])).collect()
}

fn typed(texts: &Table) -> Table {
    let column = |(place, column): (usize, &Column)| {
        let number = |cell: Cell<'_>| match cell {
            Cell::Text(text) => text.parse::<f64>().is_ok_and(|number| number.to_string() == text),
            _ => true,
        };
        let name = &column.name;
        let numeric = ["SEQ", "NUM", "DY", "STRESN", "AGE", "DOSE"].iter().any(|end| name.ends_with(end));
        let label = format!("Label of {name}");
        if numeric && texts.column(place).all(number) {
            Column::number(name, &label)
        } else if name.ends_with("DTC") {
            let time = texts.column(place).any(|cell| matches!(cell, Cell::Text(text) if text.contains('T')));
            if time { Column::datetime(name, &label) } else { Column::date(name, &label) }
        } else {
            Column::text(name, &label, 200)
        }
    };
    let columns: Vec<Column> = texts.columns().iter().enumerate().map(column).collect();
    let mut table = Table::new(texts.name(), "An Example's Domain", columns.clone()).unwrap();
    for row in 0..texts.len() {
        table
            .push(columns.iter().zip(texts.row(row)).map(|(column, cell)| typed_cell(column, cell)))
            .unwrap();
    }
    table
}

fn typed_cell<'a>(column: &Column, cell: Cell<'a>) -> Cell<'a> {
    match cell {
        Cell::Text(text) if !column.kind.is_text() => Cell::Number(text.parse().unwrap()),
        cell => cell,
    }
}

/// Whatever the format, the import is the same: events, protocol, what is recorded and what becomes of each row.
#[rstest]
fn an_import_is_the_same_from_every_format(
    #[values(Format::Csv, Format::Xport, Format::DatasetJson, Format::DatasetNdjson)] format: Format,
) {
    let dir = tempfile::tempdir().unwrap();
    for table in example_tables() {
        write_file(dir.path(), format, &table, &about()).unwrap();
    }
    let (csv, other) = (sdtm::read(&example()).unwrap(), sdtm::read(dir.path()).unwrap());
    assert_eq!(csv.events(), other.events());
    assert!(csv.events().len() > 100);
    assert_eq!(csv.protocol.source, other.protocol.source);
    assert_eq!((&csv.recorded, &csv.recorded_sums), (&other.recorded, &other.recorded_sums));
    let rows = |import: &sdtm::Import| {
        let files = import.accounting.files.iter();
        files.map(|file| (file.read, file.used, file.columns_not_read.clone())).collect::<Vec<_>>()
    };
    assert_eq!(rows(&csv), rows(&other));
    assert_eq!(csv.remarks.len(), other.remarks.len());
}

/// A library in one file, and domains in different formats beside each other.
#[test]
fn an_import_takes_formats_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let formats = [Format::Xport, Format::DatasetJson, Format::Csv, Format::DatasetNdjson];
    let mut library = Vec::new();
    for (table, format) in example_tables().iter().zip(formats.into_iter().cycle()) {
        if format == Format::Xport {
            let bytes = written(format, table);
            library.extend_from_slice(if library.is_empty() { &bytes } else { &bytes[240..] });
        } else {
            write_file(dir.path(), format, table, &about()).unwrap();
        }
    }
    std::fs::write(dir.path().join("library.xpt"), library).unwrap();
    let (csv, other) = (sdtm::read(&example()).unwrap(), sdtm::read(dir.path()).unwrap());
    assert_eq!(csv.events(), other.events());
}

#[test]
fn an_import_names_the_row_and_refuses_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    for table in example_tables() {
        write_file(dir.path(), Format::Xport, &table, &about()).unwrap();
    }
    let path = dir.path().join("tr.xpt");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 30);
    std::fs::write(&path, &bytes).unwrap();
    let faults = sdtm::read(dir.path()).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!(
        faults[0].to_string(),
        "tr.xpt: found a last record of 50 bytes; a record has 80 bytes: the file was cut"
    );
    std::fs::write(dir.path().join("tr.csv"), "USUBJID\n").unwrap();
    let faults = sdtm::read(dir.path()).unwrap_err();
    assert!(faults.iter().any(|fault| fault.file == "tr.xpt"), "{faults:?}");
}

/// Written by haven and by pyreadstat (`tests/data/xport/README.md`): labels, formats and missing values as they meant them.
#[rstest]
#[case("haven.xpt")]
#[case("pyreadstat.xpt")]
fn reads_what_others_wrote(#[case] file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/xport").join(file);
    let tables = read_file(&path).unwrap();
    let table = &tables[0];
    let said = |column: &Column| {
        format!("{} | {} | {:?} | {:?}", column.name, column.label, column.kind, column.format)
    };
    let columns: Vec<String> = table.columns().iter().map(said).collect();
    let rows: Vec<String> =
        (0..table.len()).map(|row| format!("{:?}", table.row(row).collect::<Vec<_>>())).collect();
    insta::assert_snapshot!(
        format!("reads_{}", file.replace('.', "_")),
        format!("{} | {}\n{}\n{}", table.name(), table.label(), columns.join("\n"), rows.join("\n"))
    );
}

/// For `scripts/exchange/read-back.sh`: the awkward table and the example in every format, where others can read them.
#[test]
fn writes_for_others_to_read() {
    let Some(dir) = std::env::var_os("EXCHANGE_READ_BACK") else { return };
    for format in Format::ALL {
        let dir = Path::new(&dir).join(format.name());
        std::fs::create_dir_all(&dir).unwrap();
        for table in example_tables().iter().chain([&awkward()]) {
            write_file(&dir, format, table, &about()).unwrap();
        }
    }
}

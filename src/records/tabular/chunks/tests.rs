//! Chunks tell what the whole table tells, wherever it is cut.

use super::*;
use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use std::{borrow::Cow, sync::Arc};

fn line(part: Part<'_>, number: u64) -> String {
    match part {
        Part::Header(names) => names.join("/"),
        Part::Row(cells) => {
            let cells: Vec<String> = (0..cells.len()).map(|at| cells.text(at).map_or("-".to_owned(), Cow::into_owned)).collect();
            format!("{number}: {}", cells.join("/"))
        }
        Part::Damaged(reason) => format!("{number}! {reason}"),
        Part::CutOff(reason) => format!("{number}!! {reason}"),
        Part::Unfinished | Part::GoesOn => unreachable!(),
    }
}

/// The rows, as the `csv` crate reads the text from its beginning to its end.
fn plainly(text: &[u8], headed: bool) -> Vec<String> {
    let mut told = Vec::new();
    let mut each = |part: Part<'_>, number: u64| told.push(line(part, number));
    let mut rows = Rows::new(&mut each);
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text);
    let mut cells = super::super::Cells::default();
    let mut is_header = headed;
    while reader.read_byte_record(&mut cells.texts).unwrap() {
        if std::mem::take(&mut is_header) { rows.header(&cells.names()) } else { rows.row(&cells) }
    }
    rows.end();
    told
}

fn chunked<'f, 'r>(feed: &'f mut Feed<'r>, headed: bool, cap: usize, size: usize) -> Chunked<'f, 'r> {
    let mut cutter = Cutter::new(b',', cap);
    cutter.size = size;
    Chunked::of_blocks(feed, cutter, headed)
}

fn in_order(text: &[u8], headed: bool, cap: usize, size: usize) -> Vec<String> {
    let mut told = Vec::new();
    let mut feed = Feed::new(Box::new(text));
    chunked(&mut feed, headed, cap, size).read(&mut |part, number| told.push(line(part, number)));
    assert_eq!(feed.taken(), text.len() as u64);
    told
}

/// What chunks tell that are read on all cores: rows with their number in the chunk become rows with their number in the table.
fn at_once(chunked: Chunked<'_, '_>) -> Vec<String> {
    let mut told: Vec<String> = chunked.names.iter().map(|it| it.join("/")).collect();
    chunked.read_at_once(
        &mut told,
        |_| Vec::new(),
        |own: &mut Vec<(u64, String)>, part, number| own.push((number, line(part, 0))),
        |all, own, before| all.extend(own.iter().map(|(number, text)| format!("{}{}", before + number, text.strip_prefix('0').unwrap()))),
    );
    told
}

fn compare(text: &[u8], headed: bool) {
    let whole = plainly(text, headed);
    for size in [1, 2, 3, 7, 16, 61, 1 << 20] {
        let shown = String::from_utf8_lossy(text);
        assert_eq!(in_order(text, headed, 1 << 20, size), whole, "blocks of {size} bytes: {shown:?}");
        let mut feed = Feed::new(Box::new(text));
        assert_eq!(at_once(chunked(&mut feed, headed, 1 << 20, size)), whole, "blocks of {size} bytes at once: {shown:?}");
    }
}

#[test]
fn blocks_of_any_size_tell_what_the_whole_tells() {
    let texts: &[&str] = &[
        "",
        "\n\r\n",
        "a,b",
        "a,b\n",
        "\u{feff}a,b\n1,2\n\u{feff}3,4\n",
        "\u{feff}\u{feff}a,b\n1,2",
        "a,b\r\n1,2\r\n\r\n3,4\r\n",
        "a,b\r1,2\r3,4",
        "\n\na,b\n\n1,2\n\n\n3,4\n\n",
        "a,b\n1,\"x\ny\"\n2,\"he said \"\"no\"\"\n\n\"\n3,z\n",
        "a,b\n1,x\"y\n\",2\n3,\"4\" 5\"\n6\n",
        "\"a\",\"b\"\n\"1\",\"\"\n\"\",\"\"\"\"\n\"2\",\"3\"x\n",
        "a,b\n1\n2,3\n4,5,6\n7,8,\n9",
        "a,b\n1\n\n\n",
        "a,b\n1\n\"\n",
        "a,b\n1,\"never closed\n2,3\n4,5\n",
        "a,b\n1,2\n3,4\n5,",
        "a,b\n,\n\",\"\n , \n",
    ];
    for text in texts {
        compare(text.as_bytes(), true);
        compare(text.as_bytes(), false);
    }
}

#[test]
fn blocks_of_texts_that_nobody_would_write_tell_the_same() {
    let pieces: &[&[u8]] =
        &[b"a", b"1", b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"\"", b"\"\"", b",\"", b"\",", b" ", b"\xff", b"\xef\xbb\xbf"];
    let mut seed = 7_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for _ in 0..500 {
        let text: Vec<u8> = (0..random(40)).flat_map(|_| pieces[random(pieces.len())]).copied().collect();
        compare(&text, random(2) == 0);
    }
}

#[test]
fn a_row_longer_than_the_cap_ends_the_table_wherever_it_is_cut() {
    let text = format!("a,b\n1,{}\n2,{}\n3,4\n", "x".repeat(57), "y".repeat(58));
    for size in [1, 16, 60, 61, 500] {
        let told = in_order(text.as_bytes(), true, 60, size);
        assert_eq!(told.len(), 3, "{size}: {told:?}");
        assert_eq!(told[2], "2!! row longer than the cap");
        let mut feed = Feed::new(Box::new(text.as_bytes()));
        assert_eq!(at_once(chunked(&mut feed, true, 60, size)), told);
    }
    assert_eq!(in_order(text.as_bytes(), true, 61, 8).len(), 4);
    // A row with too few cells before it is damaged, not cut off.
    let text = format!("a,b\n1\n2,{}\n", "y".repeat(58));
    let mut feed = Feed::new(Box::new(text.as_bytes()));
    let told = at_once(chunked(&mut feed, true, 60, 4));
    assert_eq!(told, ["a/b", "1! row with fewer cells than there are columns", "2!! row longer than the cap"]);
    assert_eq!(in_order(text.as_bytes(), true, 60, 4), told);
}

/// A file with several groups of rows, one of them large.
fn parquet(rows: usize, of_group: usize) -> Vec<u8> {
    let fields = [("A", DataType::Utf8), ("b", DataType::Int64)].map(|(name, kind)| Field::new(name, kind, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(of_group)).set_data_page_row_count_limit(5_000).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), Some(properties)).unwrap();
    let text: StringArray = (0..rows).map(|it| (!it.is_multiple_of(5)).then(|| format!("k{it}"))).collect();
    let whole: Int64Array = (0..rows).map(|it| (!it.is_multiple_of(7)).then(|| i64::try_from(it).unwrap())).collect();
    writer.write(&RecordBatch::try_new(schema, vec![Arc::new(text) as ArrayRef, Arc::new(whole)]).unwrap()).unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn groups_of_rows_tell_what_the_file_tells() {
    for (rows, of_group) in [(0, 10), (1, 10), (1_000, 300), (290_000, 280_000)] {
        let bytes = parquet(rows, of_group);
        let cell = |told: bool, text: String| if told { text } else { "-".to_owned() };
        let row = |it: usize| {
            format!("{}: {}/{}", it + 1, cell(!it.is_multiple_of(5), format!("k{it}")), cell(!it.is_multiple_of(7), it.to_string()))
        };
        let whole: Vec<String> = ["a/b".to_owned()].into_iter().chain((0..rows).map(row)).collect();
        let mut told = Vec::new();
        let mut feed = Feed::new(Box::new(&*bytes));
        Chunked::new(&mut feed, Form::Parquet, &[0, 1], 0).unwrap().read(&mut |part, number| told.push(line(part, number)));
        assert!(told == whole, "{rows}");
        let mut feed = Feed::new(Box::new(&*bytes));
        assert!(at_once(Chunked::new(&mut feed, Form::Parquet, &[0, 1], 0).unwrap()) == whole, "{rows}");
    }
}

#[test]
fn damage_in_a_group_ends_the_table_there() {
    let mut bytes = parquet(3_000, 1_000);
    // The bytes of the second group: its pages can no longer be decoded.
    let middle = bytes.len() * 4 / 10;
    for byte in bytes.iter_mut().skip(middle).take(200) {
        *byte = 0xff;
    }
    let mut told = Vec::new();
    let mut feed = Feed::new(Box::new(&*bytes));
    Chunked::new(&mut feed, Form::Parquet, &[0, 1], 0).unwrap().read(&mut |part, number| told.push(line(part, number)));
    assert!(told.len() > 1_000 && told.len() < 2_002, "{}", told.len());
    assert!(told.last().unwrap().contains("!! damaged Parquet file"));
    let mut feed = Feed::new(Box::new(&*bytes));
    assert_eq!(at_once(Chunked::new(&mut feed, Form::Parquet, &[0, 1], 0).unwrap()), told);
}

//! Tables as people paste them, and tables that are broken.

use super::*;
use std::borrow::Cow;

/// Reads a text in the first form that it may be written in, as lines.
fn read_first(text: &str) -> Vec<String> {
    let form = samples(text.as_bytes()).first().map(|it| it.form).unwrap();
    read_as(text.as_bytes(), form, 1 << 20)
}

fn read_as(text: &[u8], form: Form, cap: usize) -> Vec<String> {
    let mut feed = Feed::new(Box::new(text));
    let mut told = Vec::new();
    read(&mut feed, form, &[], cap, &mut |part, number| {
        told.push(match part {
            Part::Header(names) => names.join("/"),
            Part::Row(cells) => {
                let cells: Vec<String> = (0..cells.len()).map(|at| cells.text(at).map_or("-".to_owned(), Cow::into_owned)).collect();
                format!("{number}: {}", cells.join("/"))
            }
            Part::Damaged(reason) => format!("{number}! {reason}"),
            Part::CutOff(reason) => format!("{number}!! {reason}"),
            Part::Unfinished => "unfinished".to_owned(),
            Part::GoesOn => "goes on".to_owned(),
        });
    });
    told
}

const CSV: Form = Form::Delimited { delimiter: b',', quoting: Quoting::Quotes, headed: true };

#[test]
fn a_drawing_may_be_ragged_and_wrapped() {
    let text = "select a, b from t;\n\n a | b\n----+---------\n 1| one\n           more of one\n 22 | two+\n    | lines\n(2 rows)\n";
    assert_eq!(read_first(text), ["a/b", "1: 1/one more of one", "2: 22/two\nlines"]);
    let wrapped = " a | b    \n---+------\n 1 | one t.\n   |.wo\n(1 row)\n";
    assert_eq!(read_first(wrapped), ["a/b", "1: 1/one two"]);
}

#[test]
fn bars_inside_values_are_told_by_their_place() {
    let text = " a | b     | c\n---+-------+---\n 1 | x|y|z | 2\n(1 row)\n";
    assert_eq!(read_first(text), ["a/b/c", "1: 1/x|y|z/2"]);
}

#[test]
fn a_drawing_in_two_parts_is_one_table() {
    let text = " a | b\n---+---\n 1 | 2\n 3 | 4\n\n c\n---+\n 5\n 6\n";
    assert_eq!(read_first(text), ["a/b/c", "1: 1/2/5", "2: 3/4/6"]);
    let apart = " a | b\n---+---\n 1 | 2\n(1 row)\n\n a | b\n---+---\n 3 | 4\n(1 row)\n";
    assert_eq!(read_first(apart), ["a/b", "1: 1/2", "a/b", "2: 3/4"]);
}

#[test]
fn a_long_drawing_streams_and_loses_nothing() {
    let rows: String = (0..1000).map(|it| format!(" {it} | x\n")).collect::<Vec<_>>().concat();
    let told = read_first(&format!(" a | b\n---+---\n{rows}(1000 rows)\n"));
    assert_eq!(told.iter().filter(|it| it.ends_with("/x")).count(), 1000);
    assert_eq!(told.last().unwrap(), "1000: 999/x");
}

#[test]
fn damage_is_told_where_it_stands() {
    assert_eq!(
        read_as(b"a,b\n1\n2,3\n4,5,6\n7,\"8", CSV, 99),
        ["a/b", "1! row with fewer cells than there are columns", "2: 2/3", "3! row with more cells than there are columns", "4: 7/8"]
    );
    assert_eq!(read_as(b"a,b\n1,2\n3", CSV, 99), ["a/b", "1: 1/2", "2!! cut off inside a row"]);
    let endless = [b"a,b\n1,\"".to_vec(), vec![b'x'; 100_000]].concat();
    assert_eq!(read_as(&endless, CSV, 9_000), ["a/b", "1!! row longer than the cap"]);
    assert_eq!(read_as(b"PAR1 and no end", Form::Parquet, 99), ["1!! Parquet file without its end, or damaged: it was cut off"]);
}

#[test]
fn what_programs_write_for_null_is_null() {
    assert_eq!(read_as(b"a,b,c,d,e,f\nNULL,null,\\N,@NULL@,[NULL],\n", CSV, 99), ["a/b/c/d/e/f", "1: -/-/-/-/-/-"]);
}

#[test]
fn names_may_come_after_the_rows() {
    let text = r#"{"Records":[[{"longValue":1},{"isNull":true}],[{"booleanValue":true},{"stringValue":"x "}]],"ColumnMetadata":[{"name":"A"},{"name":"b"}]}"#;
    assert_eq!(read_first(text), ["a/b", "1: 1/-", "2: true/x"]);
    let cut = r#"{"ColumnMetadata":[{"name":"a"}],"Records":[[{"longValue":1}],[{"longV"#;
    assert_eq!(read_first(cut), ["a", "1: 1", "2!! cut off inside a JSON record"]);
    assert_eq!(read_first(r#"[{"a":1},"#), ["a", "1: 1", "unfinished"]);
    let page = r#"{"ColumnMetadata":[{"name":"a"}],"Records":[[{"longValue":1}]],"NextToken":"x"}"#;
    assert_eq!(read_first(page), ["a", "1: 1", "goes on"]);
    // Of pages one after the other, each says so behind its rows; the last is cut off.
    let pages = r#"{"Records":[[{"longValue":1}]],"ColumnMetadata":[{"name":"a"}],"NextToken":"x"}{"Records":[[{"longValue":2}],[{"lo"#;
    assert_eq!(read_first(pages), ["a", "1: 1", "2: 2", "3!! cut off inside a JSON record"]);
    assert!(names_come_late(pages.split(",\"Col").next().unwrap().as_bytes()) && !names_come_late(page.as_bytes()));
    let athena = r#"{"ResultSet":{"Rows":[{"Data":[{"VarCharValue":"p"},{"VarCharValue":"q"}]},{"Data":[{"VarCharValue":"1"},{}]}]}}"#;
    assert_eq!(read_first(athena), ["p/q", "1: 1/-"]);
}

#[test]
fn rows_below_a_select_have_its_columns() {
    let text = "--why\nSELECT t.a, btrim(b), substring(c,1,2) as d\nFROM t;\n\n--result\n-1,\"x|y, z\",7\n(1 row)\n";
    assert_eq!(read_first(text), ["a/b/d", "1: -1/x|y, z/7"]);
    assert!(samples(b"select a, b from t;\n").is_empty());
}

#[test]
fn a_row_may_be_drawn_cell_by_cell() {
    let text = "\\x\n-[ RECORD 1 ]--\na | 1\nb | one +\n  | more\n-[ RECORD 2 ]--\na | 2\nb | x | y\n\n";
    assert_eq!(read_first(text), ["a/b", "1: 1/one\nmore", "2: 2/x | y"]);
    assert_eq!(read_first("-[ RECORD 1 ]\na | 1\nb | 2\n-[ RECORD 2 ]\na | 3\n"), ["a/b", "1: 1/2", "2!! cut off inside a row"]);
}

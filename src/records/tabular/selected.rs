//! Rows that were pasted below the SELECT that gave them: their columns stand in its list.

use super::{Cells, Each, Rows, delimited::is_footer};
use crate::records::{Feed, lines::Lines};

/// Whether a text begins with a SELECT, comments aside.
pub(super) fn begins(head: &[u8]) -> bool {
    let lines = head.split(|it| *it == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.into_iter().find(|it| !it.is_empty() && !it.starts_with(b"--"));
    first.and_then(|it| it.get(..7)).is_some_and(|it| it.eq_ignore_ascii_case(b"select "))
}

pub(super) fn read(feed: &mut Feed<'_>, cap: usize, each: &mut Each<'_>) {
    let mut rows = Rows::new(each);
    let mut lines = Lines::new(feed, cap);
    let mut statement = String::new();
    let mut ended = false;
    while let Some(line) = lines.next_line() {
        let text = String::from_utf8_lossy(line.bytes);
        let text = text.trim();
        if text.starts_with("--") || is_footer(text.as_bytes()) {
            continue;
        }
        if ended {
            if !text.is_empty() {
                rows.row(&cells(text));
            }
            continue;
        }
        statement.push_str(text);
        statement.push(' ');
        if text.ends_with(';') || (text.is_empty() && statement.to_ascii_lowercase().contains(" from ")) {
            ended = true;
            match names(&statement) {
                Some(names) => rows.header(&names),
                None => rows.damaged("a statement whose columns are not told"),
            }
        } else if statement.len() > cap {
            return rows.cut_off("statement longer than the cap");
        }
    }
    rows.end();
}

fn cells(line: &str) -> Cells {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let mut cells = Cells::default();
    // A reader over one line gives one row, or none.
    let read = reader.read_byte_record(&mut cells.texts);
    if read.is_ok() { cells } else { Cells::default() }
}

/// The names of the columns that a SELECT gives: its aliases, else the column that an expression is about.
fn names(statement: &str) -> Option<Vec<String>> {
    let statement = statement.to_ascii_lowercase();
    let list = statement.trim_start().strip_prefix("select ")?.split(" from ").next()?;
    let mut depth = 0_usize;
    let items = list.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    let name = |item: &str| {
        let told = item.rsplit_once(" as ").map_or(item, |it| it.1);
        let inside = told.rsplit('(').next()?.split([',', ')']).next()?;
        Some(inside.rsplit('.').next()?.trim().trim_matches('"').to_owned()).filter(|it| !it.is_empty() && it != "*")
    };
    items.map(name).collect()
}

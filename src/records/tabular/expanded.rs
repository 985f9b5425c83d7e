//! Tables as psql shows them with `\x`: a line for each cell, a rule with a number for each row.

use super::{Cells, Each, Rows, delimited::is_footer};
use crate::records::{Feed, lines::Lines};

/// Whether the rule of a row stands in the text.
pub(super) fn has_rule(head: &[u8]) -> bool {
    head.split(|it| *it == b'\n').any(|it| is_rule(it.trim_ascii()))
}

/// `-[ RECORD 1 ]-+----`.
fn is_rule(line: &[u8]) -> bool {
    line.strip_prefix(b"-[ RECORD ").is_some_and(|it| it.first().is_some_and(u8::is_ascii_digit))
}

pub(super) fn read(feed: &mut Feed<'_>, cap: usize, each: &mut Each<'_>) {
    let mut rows = Rows::new(each);
    let mut lines = Lines::new(feed, cap);
    let mut names: Vec<String> = Vec::new();
    let mut row: Option<Vec<(String, String)>> = None;
    while let Some(line) = lines.next_line() {
        let text = String::from_utf8_lossy(line.bytes);
        if is_rule(text.trim().as_bytes()) {
            end(&mut rows, &mut names, row.replace(Vec::new()));
        } else if text.trim().is_empty() || is_footer(text.as_bytes()) {
            end(&mut rows, &mut names, row.take());
        } else if let (Some(cells), Some((name, cell))) = (&mut row, text.split_once('|')) {
            match cells.last_mut() {
                // psql marks a line break inside of a cell with `+`, in both columns.
                Some((_, last)) if matches!(name.trim(), "" | "+") => {
                    *last = format!("{}\n{}", last.trim_end_matches('+').trim_end(), cell.trim());
                }
                _ => cells.push((name.trim_end_matches('+').trim().to_ascii_lowercase(), cell.trim().to_owned())),
            }
        }
    }
    end(&mut rows, &mut names, row.take());
    rows.end();
}

fn end(rows: &mut Rows<'_, '_>, names: &mut Vec<String>, row: Option<Vec<(String, String)>>) {
    let Some(row) = row.filter(|it| !it.is_empty()) else { return };
    // A row that is cut off has the first columns of those before it; any other has its own.
    if !row.iter().zip(names.iter()).all(|(cell, name)| cell.0 == *name) || row.len() > names.len() {
        *names = row.iter().map(|it| it.0.clone()).collect();
        rows.header(names);
    }
    rows.row(&row.iter().map(|it| it.1.as_str()).collect::<Cells>());
}

//! Cells between delimiters without quotes: what UNLOAD and `psql -A` write.

use super::{Cells, Each, Quoting, Rows};
use crate::records::{Feed, lines::Lines};

/// Reads rows whose cells never stand in quotes.
pub(super) fn read_lines(feed: &mut Feed<'_>, delimiter: u8, quoting: Quoting, headed: bool, cap: usize, each: &mut Each<'_>) {
    let mut rows = Rows::new(each);
    let mut lines = Lines::new(feed, cap);
    let mut is_header = headed;
    let mut text: Vec<u8> = Vec::new();
    let mut open = false;
    while let Some(line) = lines.next_line() {
        if line.cut {
            rows.damaged("row longer than the cap");
            text.clear();
            open = false;
            continue;
        }
        text.extend_from_slice(line.bytes);
        open = quoting == Quoting::Backslash && ends_in_escape(&text) && text.len() < cap;
        if open {
            text.push(b'\n');
            continue;
        }
        if !text.is_empty() && !is_footer(&text) {
            let cells = split(&text, delimiter, quoting);
            if std::mem::take(&mut is_header) { rows.header(&cells.names()) } else { rows.row(&cells) }
        }
        text.clear();
    }
    if open {
        rows.cut_off(super::INSIDE_A_ROW);
    }
    rows.end();
}

/// Whether the line break after `text` belongs to a cell.
fn ends_in_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|it| **it == b'\\').count() % 2 == 1
}

/// `(12 rows)`, as psql closes a table.
pub(super) fn is_footer(text: &[u8]) -> bool {
    let inside = text.trim_ascii().strip_prefix(b"(").and_then(|it| it.strip_suffix(b" rows)").or_else(|| it.strip_suffix(b" row)")));
    inside.is_some_and(|it| it.iter().all(u8::is_ascii_digit))
}

fn split(text: &[u8], delimiter: u8, quoting: Quoting) -> Cells {
    let mut cells = Cells::default();
    let mut cell = Vec::new();
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == delimiter {
            cells.push(&cell);
            cell.clear();
        } else if byte == b'\\' && quoting == Quoting::Backslash {
            cell.extend(bytes.next());
        } else {
            cell.push(byte);
        }
    }
    cells.push(&cell);
    cells
}

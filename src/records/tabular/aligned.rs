//! Tables as psql draws them, and as people paste them: a header, a rule, rows that may be ragged, wrapped or split in two.

use super::{Each, Rows, delimited::is_footer};
use crate::records::{Feed, lines::Lines};

/// How many rows of a table wait for the block that may stand beside them.
const HELD: usize = 256;

/// Whether a rule stands in the text.
pub(super) fn has_rule(head: &[u8]) -> bool {
    head.split(|it| *it == b'\n').any(is_rule)
}

/// `-----+----`.
fn is_rule(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.first() == Some(&b'-') && line.contains(&b'+') && line.iter().all(|it| matches!(it, b'-' | b'+'))
}

/// One table, or the left or right part of one.
#[derive(Default)]
struct Block {
    names: Vec<String>,
    /// Where the bars stand, in characters, when rule and header agree.
    bars: Vec<usize>,
    rows: Vec<Vec<String>>,
}

/// Reads every table of a text.
pub(super) fn read(feed: &mut Feed<'_>, cap: usize, each: &mut Each<'_>) {
    let mut drawing = Drawing { rows: Rows::new(each), blocks: Vec::new(), open: false, streaming: false, last: None };
    let mut lines = Lines::new(feed, cap);
    // A line is only known to be a row when the next one is no rule.
    let mut held: Option<String> = None;
    while let Some(line) = lines.next_line() {
        let text = String::from_utf8_lossy(line.bytes).into_owned();
        match held.take() {
            Some(header) if is_rule(text.as_bytes()) && !header.trim().is_empty() => {
                drawing.begin(&header, &text);
                continue;
            }
            Some(before) => drawing.line(&before),
            None => {}
        }
        held = Some(text);
    }
    if let Some(last) = held {
        drawing.line(&last);
    }
    drawing.release();
    drawing.rows.end();
}

struct Drawing<'a, 'e> {
    rows: Rows<'a, 'e>,
    /// Tables that may belong side by side.
    blocks: Vec<Block>,
    /// Whether the last of them may get more rows.
    open: bool,
    /// Whether rows are handed on as they come.
    streaming: bool,
    /// The last row as it was drawn; the next line may continue it.
    last: Option<Vec<String>>,
}

impl Drawing<'_, '_> {
    fn begin(&mut self, header: &str, rule: &str) {
        self.end_row();
        if self.streaming {
            self.release();
        }
        let bars = |text: &str, bar: char| text.chars().enumerate().filter(|it| it.1 == bar).map(|it| it.0).collect::<Vec<_>>();
        let (of_header, of_rule) = (bars(header, '|'), bars(rule, '+'));
        let names = header.split('|').map(|it| it.trim().to_ascii_lowercase()).collect();
        self.blocks.push(Block { names, bars: if of_header == of_rule { of_header } else { Vec::new() }, rows: Vec::new() });
        self.open = true;
    }

    fn line(&mut self, line: &str) {
        if !self.open {
            return;
        }
        if line.trim().is_empty() {
            self.end_row();
            self.open = false;
            return;
        }
        if is_footer(line.as_bytes()) {
            self.end_row();
            return self.release();
        }
        let Some(block) = self.blocks.last() else { return };
        let width = block.names.len();
        let mut cells: Vec<String> = line.split('|').map(ToOwned::to_owned).collect();
        if cells.len() > width
            && let Some(by_place) = split_at_bars(line, &block.bars)
        {
            cells = by_place;
        }
        match &mut self.last {
            // A line without bars goes on with the last cell of the row above it.
            Some(last) if cells.len() == 1 && width > 1 => {
                if let Some(cell) = last.last_mut() {
                    *cell = format!("{} {}", cell.trim_end(), line.trim());
                }
            }
            Some(last) if continues(last, &cells) => {
                for (cell, more) in last.iter_mut().zip(&cells) {
                    go_on(cell, more);
                }
            }
            _ => {
                self.end_row();
                self.last = Some(cells);
            }
        }
    }

    fn end_row(&mut self) {
        let Some(row) = self.last.take() else { return };
        if self.streaming {
            return self.rows.row(&row.iter().map(String::as_str).collect());
        }
        let Some(block) = self.blocks.last_mut() else { return };
        block.rows.push(row);
        if block.rows.len() > HELD {
            let names = block.names.clone();
            let bars = block.bars.clone();
            self.release();
            self.blocks.push(Block { names, bars, rows: Vec::new() });
            (self.open, self.streaming) = (true, true);
        }
    }

    /// Hands on the tables that were held: side by side when they are as long as each other and have no column in common.
    fn release(&mut self) {
        self.end_row();
        (self.open, self.streaming) = (false, false);
        let mut blocks = std::mem::take(&mut self.blocks).into_iter();
        let Some(mut table) = blocks.next() else { return };
        for block in blocks {
            let beside = block.rows.len() == table.rows.len()
                && !block.names.iter().any(|it| !it.is_empty() && table.names.contains(it))
                && table.rows.iter().all(|it| it.len() == table.names.len());
            if beside {
                table.names.extend(block.names);
                for (row, more) in table.rows.iter_mut().zip(block.rows) {
                    row.extend(more);
                }
            } else {
                self.hand_on(&std::mem::replace(&mut table, block));
            }
        }
        self.hand_on(&table);
    }

    fn hand_on(&mut self, table: &Block) {
        if table.names.is_empty() || (table.rows.is_empty() && self.rows.number > 0) {
            return;
        }
        self.rows.header(&table.names);
        for row in &table.rows {
            self.rows.row(&row.iter().map(String::as_str).collect());
        }
    }
}

fn split_at_bars(line: &str, bars: &[usize]) -> Option<Vec<String>> {
    let mut cells = vec![String::new()];
    let mut bars = bars.iter().peekable();
    for (at, c) in line.chars().enumerate() {
        if bars.peek() == Some(&&at) {
            if c != '|' {
                return None;
            }
            bars.next();
            cells.push(String::new());
        } else if let Some(cell) = cells.last_mut() {
            cell.push(c);
        }
    }
    (cells.len() > 1 && bars.next().is_none()).then_some(cells)
}

/// Whether a line goes on with the cells of the row above it: psql marks a line break with `+`, a wrap with `.`.
fn continues(row: &[String], cells: &[String]) -> bool {
    let marked = |cell: &str, more: &str| cell.ends_with('+') || (cell.ends_with('.') && more.starts_with('.'));
    row.len() == cells.len()
        && row.iter().zip(cells).any(|(cell, more)| marked(cell, more))
        && row.iter().zip(cells).all(|(cell, more)| marked(cell, more) || more.trim().is_empty())
}

fn go_on(cell: &mut String, more: &str) {
    let wrapped = more.strip_prefix('.');
    if cell.ends_with('+') || (cell.ends_with('.') && wrapped.is_some()) {
        cell.pop();
        let kept = cell.trim_end().len();
        if wrapped.is_none() {
            cell.truncate(kept);
            cell.push('\n');
        }
        cell.push_str(wrapped.unwrap_or_else(|| more.strip_prefix(' ').unwrap_or(more)));
    }
}

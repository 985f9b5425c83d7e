//! Tables in every form that people export them in, cut into rows of text cells. What a column means is not known here.

use super::Feed;
use crate::units::Moment;

mod aligned;
mod blocks;
mod cells;
mod chunks;
mod delimited;
mod expanded;
mod json_rows;
mod parquet_rows;
pub mod record;
mod selected;
mod shape;
pub mod view;

pub use cells::{Cell, Cells};
pub use chunks::Chunked;
pub use parquet_rows::{columns as parquet_columns, is_parquet, is_sound as is_sound_parquet};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Cells between delimiters, one row a line.
    Delimited {
        /// What stands between two cells.
        delimiter: u8,
        /// How a cell may hold a delimiter.
        quoting: Quoting,
        /// Whether the first row names the columns.
        headed: bool,
    },
    /// psql's drawing: a header, a rule of dashes, rows.
    Aligned,
    /// psql's drawing of one row after the other, one cell a line.
    Expanded,
    /// CSV without names, below the SELECT that names its columns.
    Selected,
    /// `redshift-data get-statement-result`, as fields or as CSV.
    DataApi,
    /// `athena get-query-results`.
    AthenaResults,
    /// JSON objects, one a row.
    Objects,
    /// Parquet.
    Parquet,
}

/// How a cell may hold a delimiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// In double quotes, which are doubled inside.
    Quotes,
    /// Behind a backslash.
    Backslash,
    /// Not at all.
    Never,
}

/// What a reader meets.
#[derive(Debug)]
pub enum Part<'a> {
    /// The names of the columns of the rows that follow.
    Header(&'a [String]),
    /// A row.
    Row(&'a Cells),
    /// A row that cannot be read.
    Damaged(&'static str),
    /// The end came too early, inside a row.
    CutOff(&'static str),
    /// The end came too early, between two rows.
    Unfinished,
    /// The answer goes on in another page.
    GoesOn,
}

/// Takes the parts of a table, with the number of the row, counted from 1.
pub type Each<'e> = dyn FnMut(Part<'_>, u64) + 'e;

/// The beginning of a table, read in one form.
#[derive(Debug)]
pub struct Sample {
    /// The form.
    pub form: Form,
    /// The names of its columns, lower case; none where the form does not tell them.
    pub columns: Vec<String>,
    /// Its first rows.
    pub rows: Vec<Cells>,
}

/// How many rows a sample holds.
const SAMPLED: usize = 40;

/// The beginning of a table in each form that it may be written in.
pub fn samples(head: &[u8]) -> Vec<Sample> {
    forms(head).into_iter().filter_map(|form| sample(head, form)).collect()
}

/// Whether a table begins as an answer of the Redshift Data API whose rows are many, and come before the names of their columns.
pub fn names_come_late(head: &[u8]) -> bool {
    let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    let is_field = || ["\"longValue\"", "\"stringValue\"", "\"isNull\""].into_iter().any(has);
    head.trim_ascii_start().first() == Some(&b'{') && has("\"Records\"") && is_field() && !has("\"ColumnMetadata\"")
}

fn forms(head: &[u8]) -> Vec<Form> {
    let has = |text: &str| memchr::memmem::find(head, text.as_bytes()).is_some();
    match head.trim_ascii_start().first() {
        None => Vec::new(),
        Some(b'{' | b'[') if !super::may_be_json(head) => Vec::new(),
        Some(b'{' | b'[') if has("\"ColumnMetadata\"") || has("\"CSVRecords\"") => vec![Form::DataApi],
        Some(b'{' | b'[') if has("\"VarCharValue\"") => vec![Form::AthenaResults],
        Some(b'{' | b'[') => vec![Form::Objects],
        // A moment and a blank begin a line of a log; in a cell, a moment stands alone.
        Some(_) if begins_with_moment(head) => Vec::new(),
        Some(_) if expanded::has_rule(head) => vec![Form::Expanded],
        Some(_) if aligned::has_rule(head) => vec![Form::Aligned],
        Some(_) if selected::begins(head) => vec![Form::Selected],
        Some(first) => {
            let quoted = *first == b'"';
            let line = head.trim_ascii_start().split(|it| *it == b'\n').next().unwrap_or_default();
            let of = |delimiter, quoting, headed| Form::Delimited { delimiter, quoting, headed };
            let all = [
                of(b',', Quoting::Quotes, true),
                of(b';', Quoting::Quotes, true),
                of(b'\t', Quoting::Quotes, true),
                of(b'|', if quoted { Quoting::Quotes } else { Quoting::Never }, true),
                of(b'|', if quoted { Quoting::Quotes } else { Quoting::Backslash }, false),
                of(b',', Quoting::Quotes, false),
            ];
            let divides = |it: &Form| matches!(it, Form::Delimited { delimiter, .. } if line.contains(delimiter));
            all.into_iter().filter(divides).collect()
        }
    }
}

/// Whether a text begins with `2026-11-20T08:26:11.667Z ` and more.
fn begins_with_moment(head: &[u8]) -> bool {
    let (moment, rest) = head.split_at_checked(24).unwrap_or_default();
    let is_moment = moment.strip_suffix(b"Z").is_some_and(|it| it.get(10) == Some(&b'T') && Moment::plain(it).is_some());
    is_moment && matches!(rest, [b' ', second, ..] if second.is_ascii_graphic() && *second != b'|')
}

fn sample(head: &[u8], form: Form) -> Option<Sample> {
    let mut sample = Sample { form, columns: Vec::new(), rows: Vec::new() };
    let mut feed = Feed::new(Box::new(head));
    let mut headers = 0;
    read(&mut feed, form, &[], head.len().max(1), &mut |part, _| match part {
        Part::Header(names) => {
            headers += 1;
            if headers == 1 {
                sample.columns = names.to_vec();
            }
        }
        Part::Row(cells) if sample.rows.len() <= SAMPLED => sample.rows.push(cells.clone()),
        Part::Row(_) | Part::Damaged(_) | Part::CutOff(_) | Part::Unfinished | Part::GoesOn => {}
    });
    // The end of what is looked at may cut a row, and its last cell.
    if !head.ends_with(b"\n") && sample.rows.len() > 1 {
        sample.rows.pop();
    }
    let told = !sample.columns.is_empty() && (form != Form::Selected || !sample.rows.is_empty());
    (told || !sample.rows.is_empty()).then_some(sample)
}

/// Reads a table that is written in `form`; no record may be longer than `cap` bytes. Where columns lie apart, only those at the
/// places `wanted` are read.
pub fn read(feed: &mut Feed<'_>, form: Form, wanted: &[usize], cap: usize, each: &mut Each<'_>) {
    if let Some(chunked) = Chunked::new(feed, form, wanted, cap) {
        return chunked.read(each);
    }
    match form {
        Form::Delimited { delimiter, quoting, headed } => delimited::read_lines(feed, delimiter, quoting, headed, cap, each),
        Form::Aligned => aligned::read(feed, cap, each),
        Form::Expanded => expanded::read(feed, cap, each),
        Form::Selected => selected::read(feed, cap, each),
        Form::DataApi => json_rows::read_data_api(feed, cap, each),
        Form::AthenaResults => json_rows::read_athena(feed, cap, each),
        Form::Objects => json_rows::read_objects(feed, cap, each),
        Form::Parquet => {}
    }
}

const FEWER_CELLS: &str = "row with fewer cells than there are columns";
const INSIDE_A_ROW: &str = "cut off inside a row";

/// Counts rows and holds them to the width of the first.
struct Rows<'a, 'e> {
    each: &'a mut Each<'e>,
    width: Option<usize>,
    number: u64,
    /// The last row, if it has too few cells: whether it is damaged or cut off shows when the next one comes or does not.
    short: bool,
}

impl<'a, 'e> Rows<'a, 'e> {
    fn new(each: &'a mut Each<'e>) -> Self {
        Self { each, width: None, number: 0, short: false }
    }

    fn header(&mut self, names: &[String]) {
        self.settle();
        self.width = Some(names.len());
        (self.each)(Part::Header(names), self.number);
    }

    fn row(&mut self, cells: &Cells) {
        self.settle();
        self.number += 1;
        let width = *self.width.get_or_insert(cells.len());
        if cells.len() == width || (cells.len() == width + 1 && cells.text(width).is_none()) {
            (self.each)(Part::Row(cells), self.number);
        } else if cells.len() < width {
            self.short = true;
        } else {
            (self.each)(Part::Damaged("row with more cells than there are columns"), self.number);
        }
    }

    fn damaged(&mut self, reason: &'static str) {
        self.settle();
        self.number += 1;
        (self.each)(Part::Damaged(reason), self.number);
    }

    fn cut_off(&mut self, reason: &'static str) {
        self.settle();
        self.number += 1;
        (self.each)(Part::CutOff(reason), self.number);
    }

    fn settle(&mut self) {
        if std::mem::take(&mut self.short) {
            (self.each)(Part::Damaged(FEWER_CELLS), self.number);
        }
    }

    fn end(mut self) {
        if std::mem::take(&mut self.short) {
            (self.each)(Part::CutOff(INSIDE_A_ROW), self.number);
        }
    }
}

#[cfg(test)]
mod tests;

//! One row: its cells, in order, as text or as typed columns hold them.

use arrow::array::{Array as _, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
use bytes::Bytes;
use csv::ByteRecord;
use std::{borrow::Cow, ops::Range, rc::Rc};

/// One row. A cell without text is null.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    pub(super) texts: ByteRecord,
    among: Option<Among>,
}

/// Cells that are kept together with those of other rows.
#[derive(Clone, Debug, PartialEq)]
enum Among {
    /// In a text, each at its place.
    Text(Bytes, Vec<Range<usize>>),
    /// In columns, all at one place.
    Columns(Rc<[Column]>, usize),
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// As it is written, without the blanks around it.
    Text(&'a [u8]),
    /// The same, where it is known to be UTF-8.
    Plain(&'a str),
    /// A whole number.
    Whole(i64),
    /// Yes or no.
    Flag(bool),
    /// Microseconds since 1970.
    Moment(i64),
}

/// A column of a batch of rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Column {
    Text(StringArray),
    Whole(Int64Array),
    Flag(BooleanArray),
    Moment(TimestampMicrosecondArray),
    /// Nobody looks at it.
    Unread,
}

/// Whether it is what programs write for null.
fn is_null(cell: &[u8]) -> bool {
    matches!(cell, b"" | b"NULL" | b"null" | b"\\N" | b"@NULL@" | b"[NULL]")
}

impl Cells {
    /// The first row of a batch.
    pub(super) fn of_columns(columns: Vec<Column>) -> Self {
        Self { texts: ByteRecord::new(), among: Some(Among::Columns(columns.into(), 0)) }
    }

    /// A row of a text, before its cells are found.
    pub(super) fn of_text(text: Bytes) -> Self {
        Self { texts: ByteRecord::new(), among: Some(Among::Text(text, Vec::new())) }
    }

    /// Moves to another row of the batch.
    pub(super) fn go_to(&mut self, row: usize) {
        if let Some(Among::Columns(_, at)) = &mut self.among {
            *at = row;
        }
    }

    /// Moves to another row of the text, by the places of its cells.
    pub(super) fn lie_at(&mut self, find: impl FnOnce(&mut Vec<Range<usize>>)) {
        if let Some(Among::Text(_, places)) = &mut self.among {
            places.clear();
            find(places);
        }
    }

    /// A cell, if there is anything in it.
    #[inline]
    pub fn cell(&self, at: usize) -> Option<Cell<'_>> {
        match &self.among {
            None => text_of(self.texts.get(at)?),
            Some(Among::Text(text, places)) => text_of(text.get(places.get(at)?.clone())?),
            Some(Among::Columns(columns, row)) => columns.get(at)?.cell(*row),
        }
    }

    /// The text of a cell, if there is any.
    pub fn text(&self, at: usize) -> Option<Cow<'_, str>> {
        self.cell(at).map(Cell::into_text)
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        match &self.among {
            None => self.texts.len(),
            Some(Among::Text(_, places)) => places.len(),
            Some(Among::Columns(columns, _)) => columns.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&mut self, cell: &[u8]) {
        self.texts.push_field(cell);
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.texts.iter().map(|it| String::from_utf8_lossy(it).trim().to_ascii_lowercase()).collect()
    }
}

fn text_of(cell: &[u8]) -> Option<Cell<'_>> {
    let cell = cell.trim_ascii();
    (!is_null(cell)).then_some(Cell::Text(cell))
}

fn plain_of(cell: &str) -> Option<Cell<'_>> {
    let cell = cell.trim_ascii();
    (!is_null(cell.as_bytes())).then_some(Cell::Plain(cell))
}

impl<'a> FromIterator<&'a str> for Cells {
    fn from_iter<I: IntoIterator<Item = &'a str>>(cells: I) -> Self {
        Self { texts: cells.into_iter().collect::<Vec<_>>().into(), among: None }
    }
}

impl<'a> Cell<'a> {
    /// As text.
    pub fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(text),
            },
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Whole(whole) => Cow::Owned(whole.to_string()),
            Self::Flag(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
            Self::Moment(micros) => Cow::Owned(crate::units::Moment(micros).rfc3339()),
        }
    }
}

impl Column {
    #[inline]
    fn cell(&self, row: usize) -> Option<Cell<'_>> {
        match self {
            Self::Text(it) => it.is_valid(row).then(|| plain_of(it.value(row))).flatten(),
            Self::Whole(it) => it.is_valid(row).then(|| Cell::Whole(it.value(row))),
            Self::Flag(it) => it.is_valid(row).then(|| Cell::Flag(it.value(row))),
            Self::Moment(it) => it.is_valid(row).then(|| Cell::Moment(it.value(row))),
            Self::Unread => None,
        }
    }
}

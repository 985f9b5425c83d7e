//! From the rows of a table to the rows of ours: one by one, or on all cores where an export may hold millions of them.

use super::{Batch, Head, Input, UNFINISHED};
use crate::{
    case::Caps,
    fold::{self, Rows},
    records::tabular::{
        self, Chunked, Form, Part,
        record::{Place, Record},
        view::{Layout, View},
    },
    tables::Origin,
    warehouse::Warehouse,
};
use std::sync::Arc;

/// A table of a known view, and how it is written.
pub(super) struct Table {
    form: Form,
    layout: Layout,
}

impl Table {
    /// Looks at the beginning of an input.
    pub(super) fn of(input: &mut Input<'_, '_>, views: &[&'static View]) -> Option<Self> {
        let (form, layout) = Head::of(input.feed, input.columns).layout(views)?;
        Some(Self { form, layout })
    }

    /// The view, where the table can be read in chunks.
    pub(super) fn in_chunks(&self) -> Option<&'static View> {
        Chunked::can_be(self.form).then_some(self.layout.view)
    }

    /// Whether it is written with delimiters.
    pub(super) fn is_delimited(&self) -> bool {
        matches!(self.form, Form::Delimited { .. })
    }
}

/// Hands every row of a table of one of the views to `each`, which says whether it understood it.
pub(super) fn each_row(
    input: &mut Input<'_, '_>,
    views: &[&'static View],
    each: &mut dyn FnMut(&Record<'_>, Origin, &mut Batch) -> Result<(), &'static str>,
) {
    let table = Table::of(input, views);
    each_row_of(input, table, views, each);
}

/// The same, where it is known which table it is.
pub(super) fn each_row_of(
    input: &mut Input<'_, '_>,
    table: Option<Table>,
    views: &[&'static View],
    each: &mut dyn FnMut(&Record<'_>, Origin, &mut Batch) -> Result<(), &'static str>,
) {
    let Some(Table { form, layout }) = table else { return is_none(input) };
    let mut unknown = Unknown::of(&layout, input.out);
    let wanted = layout.numbers();
    let mut layout = Some(layout);
    let (file, out) = (&input.name, &mut *input.out);
    tabular::read(input.feed, form, &wanted, longest(input.caps), &mut |part, number| {
        if let Part::Header(names) = part {
            layout = Layout::by_names(names, views);
            unknown.also(layout.as_ref());
        }
        tell(out, part, number, layout.as_ref(), |record, out| each(record, Origin { file: Arc::clone(file), record: number }, out));
    });
    unknown.note(out);
}

/// What some rows told.
struct Told<R> {
    out: Batch,
    rows: fold::Part<R>,
}

/// Where a row stands. Few rows are held: only these say who holds the name of the file, for cores that do wait for each other.
#[derive(Clone, Copy)]
pub(super) struct RowOf<'a> {
    file: &'a Arc<str>,
    record: u64,
}

impl RowOf<'_> {
    pub(super) fn origin(self) -> Origin {
        Origin { file: Arc::clone(self.file), record: self.record }
    }
}

/// Hands every row of a table that can be read in chunks to `put`, on all cores, with the places of some columns; no other columns are
/// looked at, and nothing but rows of one table is made. `put` says whether it understood the row.
pub(super) fn many_rows<R: fold::Row + Send, const COLUMNS: usize>(
    input: &mut Input<'_, '_>,
    table: Table,
    columns: [&str; COLUMNS],
    rows: fn(&mut Warehouse) -> &mut Rows<R>,
    put: impl Fn(&Record<'_>, &[Place; COLUMNS], RowOf<'_>, &mut fold::Part<R>) -> Result<(), &'static str> + Sync,
) {
    let Table { form, mut layout } = table;
    let mut unknown = Unknown::of(&layout, input.out);
    let (file, out) = (&input.name, &mut *input.out);
    let wanted = layout.numbers_of(&layout.places(columns));
    let Some(chunked) = Chunked::new(input.feed, form, &wanted, longest(input.caps)) else { return };
    if let Some(named) = chunked.names.as_ref().and_then(|it| Layout::by_names(it, &[layout.view])) {
        layout = named;
        unknown.also(Some(&layout));
    }
    let places = layout.places(columns);
    chunked.read_at_once(
        out,
        |out| Told { out: Batch::default(), rows: rows(&mut out.warehouse).part() },
        |Told { out, rows }, part, number| {
            tell(out, part, number, Some(&layout), |it, _| put(it, &places, RowOf { file, record: number }, rows));
        },
        |out, told, before| {
            rows(&mut out.warehouse).append(told.rows, before);
            out.append(told.out, before);
        },
    );
    unknown.note(out);
}

/// How long a row may be.
fn longest(caps: Caps) -> usize {
    caps.record_bytes.saturating_mul(16)
}

/// What is wrong with rows below columns of no view.
const NO_VIEW: &str = "columns of no view that we know";

/// An input that was taken for a table of a view and is none.
fn is_none(input: &mut Input<'_, '_>) {
    input.feed.drain();
    input.out.skip_damaged(NO_VIEW, 1);
}

/// Counts a part of a table; of a row, what `put` says of it.
fn tell(
    out: &mut Batch,
    part: Part<'_>,
    number: u64,
    layout: Option<&Layout>,
    put: impl FnOnce(&Record<'_>, &mut Batch) -> Result<(), &'static str>,
) {
    match (part, layout) {
        (Part::Header(_), _) => {}
        (Part::Row(cells), Some(layout)) => {
            let record = layout.record(cells);
            if let Some(at) = record.first_moment() {
                out.saw_at(at);
            }
            match put(&record, out) {
                Ok(()) => out.parsed += 1,
                Err(reason) => out.skip(reason, number),
            }
        }
        (Part::Row(_), None) => out.skip(NO_VIEW, number),
        (Part::Damaged(reason), _) => out.skip(reason, number),
        (Part::CutOff(reason), _) => out.skip_damaged(reason, number),
        (Part::GoesOn, _) => out.goes_on = true,
        (Part::Unfinished, _) => out.partial.push(UNFINISHED.to_owned()),
    }
}

/// Columns that a view does not have.
struct Unknown(Vec<String>);

impl Unknown {
    fn of(layout: &Layout, out: &mut Batch) -> Self {
        if layout.inferred {
            out.notes.push("the export names no columns: which ones were left out was told from the values; UNLOAD with HEADER or MANIFEST VERBOSE would name them".to_owned());
        }
        let mut unknown = Self(Vec::new());
        unknown.also(Some(layout));
        unknown
    }

    fn also(&mut self, layout: Option<&Layout>) {
        for name in layout.iter().flat_map(|it| &it.unknown) {
            if !name.is_empty() && !self.0.contains(name) {
                self.0.push(name.clone());
            }
        }
    }

    fn note(self, out: &mut Batch) {
        if !self.0.is_empty() {
            out.notes.push(format!("columns that are not known were left out: {}", crate::text::safe(&self.0.join(", "), 200)));
        }
    }
}

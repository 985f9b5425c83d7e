//! Tables that are known by their columns: which columns there are, what each measures, and which cell it is.

use super::{
    Cells, Form, Sample,
    record::{Place, Record},
    shape::{Alignment, TELLING, align, fit},
};

/// A table that we know.
#[derive(Debug)]
pub struct View {
    /// Its name.
    pub name: &'static str,
    /// Of each group, one column at least must be there.
    pub needs: &'static [&'static [&'static str]],
    /// Its columns, in documented order.
    pub columns: &'static [Field],
}

/// A column that we know.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// Other names that exports and examples give it.
    pub also: &'static [&'static str],
    /// What stands in it.
    pub holds: Holds,
    /// Whether it is an amount, and neither a name nor a place in an order.
    pub amount: bool,
    /// Between which bounds its largest value mostly is: tells whole numbers apart where no names stand above them.
    pub mostly: Option<(i64, i64)>,
}

/// What stands in a column, and in which unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holds {
    /// Any text.
    Text,
    /// A statement.
    Statement,
    /// One of these words, lower case; more may follow in brackets or behind a comma.
    Word(&'static [&'static str]),
    /// An S3 address.
    Address,
    /// An S3 bucket, the same in every row.
    Bucket,
    /// A whole number; becomes itself times the factor, divided by the divisor.
    Whole(i64, i64),
    /// A number.
    Real,
    /// Yes or no.
    Flag,
    /// A moment as text, in UTC.
    Moment,
    /// Microseconds since 2000.
    Moment2000,
}

impl Field {
    const fn new(name: &'static str, holds: Holds) -> Self {
        Self { name, also: &[], holds, amount: false, mostly: None }
    }

    /// Other names of the column.
    #[must_use]
    pub const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    const fn amount(name: &'static str, holds: Holds) -> Self {
        Self { amount: true, ..Self::new(name, holds) }
    }

    /// Between which bounds its largest value mostly is.
    #[must_use]
    pub const fn mostly(self, least: i64, most: i64) -> Self {
        Self { mostly: Some((least, most)), ..self }
    }
}

/// Any text.
pub const fn text(name: &'static str) -> Field {
    Field::new(name, Holds::Text)
}

/// A statement.
pub const fn statement(name: &'static str) -> Field {
    Field::new(name, Holds::Statement)
}

/// One of some words, lower case.
pub const fn word(name: &'static str, words: &'static [&'static str]) -> Field {
    Field::new(name, Holds::Word(words))
}

/// An S3 address.
pub const fn address(name: &'static str) -> Field {
    Field::new(name, Holds::Address)
}

/// An S3 bucket, the same in every row.
pub const fn bucket(name: &'static str) -> Field {
    Field::new(name, Holds::Bucket)
}

/// A whole number, as it is.
pub const fn whole(name: &'static str) -> Field {
    Field::new(name, Holds::Whole(1, 1))
}

/// A count or a size, as it is.
pub const fn amount(name: &'static str) -> Field {
    Field::amount(name, Holds::Whole(1, 1))
}

/// A duration in microseconds, read as milliseconds.
pub const fn micros(name: &'static str) -> Field {
    Field::amount(name, Holds::Whole(1, 1000))
}

/// Blocks of 1 MiB, read as bytes.
pub const fn mebibytes(name: &'static str) -> Field {
    Field::amount(name, Holds::Whole(1 << 20, 1))
}

/// A number.
pub const fn real(name: &'static str) -> Field {
    Field::amount(name, Holds::Real)
}

/// Yes or no.
pub const fn flag(name: &'static str) -> Field {
    Field::new(name, Holds::Flag)
}

/// A moment in UTC.
pub const fn moment(name: &'static str) -> Field {
    Field::new(name, Holds::Moment)
}

/// Microseconds since 2000, read as a moment.
pub const fn moment_2000(name: &'static str) -> Field {
    Field::new(name, Holds::Moment2000)
}

impl View {
    /// Which column has a name.
    fn position(&self, name: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|it| it.name == name);
        exact.or_else(|| self.columns.iter().position(|it| it.also.contains(&name)))
    }

    /// Whether there is no table of the view without the column.
    pub(super) fn must_have(&self, column: &Field) -> bool {
        self.needs.iter().any(|group| *group == [column.name])
    }

    /// Whether some names may be those of its columns: a fast look that errs on the side of yes.
    fn may_be_satisfied(&self, names: &[String]) -> bool {
        let is_there = |column: &&'static str| {
            let field = self.columns.iter().find(|it| it.name == *column);
            names.iter().any(|it| it == column || field.is_some_and(|field| field.also.contains(&it.as_str())))
        };
        self.needs.iter().all(|group| group.iter().any(is_there))
    }

    fn satisfied(&self, has: impl Fn(&str) -> bool) -> bool {
        self.needs.iter().all(|group| group.iter().any(|it| has(it)))
    }
}

/// Which cell of a row holds which column of a view.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The view.
    pub view: &'static View,
    cells: Vec<Option<usize>>,
    /// Where moments stand, in the order of the view.
    pub(super) moments: Vec<Place>,
    /// Columns that the view does not have.
    pub unknown: Vec<String>,
    /// Whether no names stand above the columns, and some are left out: which ones had to be told from the values.
    pub inferred: bool,
}

impl Layout {
    /// The view that fits best to the beginning of a table. Where the table does not name its columns, `told` may.
    pub fn of(sample: &Sample, told: &[String], views: &[&'static View]) -> Option<Self> {
        if !sample.columns.is_empty() {
            return Self::by_names(&sample.columns, views);
        }
        let fits = !told.is_empty() && sample.rows.iter().all(|it| it.len() == told.len());
        if fits { Self::by_names(told, views) } else { Self::by_shape(sample, views) }
    }

    /// The view that has most of the columns.
    pub fn by_names(names: &[String], views: &[&'static View]) -> Option<Self> {
        let fitting = views.iter().filter(|it| it.may_be_satisfied(names)).filter_map(|view| {
            let mut layout = Self::laid(view, vec![None; view.columns.len()], Vec::new(), false);
            for (at, name) in names.iter().enumerate() {
                match view.position(name).and_then(|it| layout.cells.get_mut(it)) {
                    Some(cell) if cell.is_none() => *cell = Some(at),
                    _ => layout.unknown.push(name.clone()),
                }
            }
            view.satisfied(|it| layout.cell(it).is_some()).then_some(layout)
        });
        // Of views that fit alike, the first.
        fitting.reduce(|best, it| if it.unknown.len() < best.unknown.len() { it } else { best }).map(Self::with_moments)
    }

    /// The view whose columns, in documented order and some of them left out, could hold these cells.
    fn by_shape(sample: &Sample, views: &[&'static View]) -> Option<Self> {
        let rows = &sample.rows;
        let width = rows.first()?.len();
        // Any text with a delimiter in it looks like a table of two columns.
        let narrowest = if matches!(sample.form, Form::Delimited { .. }) { 3 } else { 2 };
        if width < narrowest || rows.iter().any(|it| it.len() != width) {
            return None;
        }
        let fitting = views.iter().filter_map(|view| {
            let Alignment { score, cells, unknown, doubtful } = align(rows, width, view)?;
            let unknown = unknown.iter().map(|it| format!("column {}", it + 1)).collect();
            let layout = Self::laid(view, cells, unknown, width != view.columns.len());
            let mut laid = view.columns.iter().zip(&layout.cells).filter_map(|(column, cell)| Some((column, (*cell)?)));
            let tells = laid.any(|(column, cell)| column.holds.tells() && fit(rows, cell, column).is_some_and(|it| it >= TELLING));
            let is_there = |it: &str| layout.cell(it).is_some() || doubtful.contains(&it);
            (tells && view.satisfied(is_there)).then_some((score, layout))
        });
        fitting.reduce(|best, it| if it.0 > best.0 { it } else { best }).map(|it| it.1.with_moments())
    }

    fn laid(view: &'static View, cells: Vec<Option<usize>>, unknown: Vec<String>, inferred: bool) -> Self {
        Self { view, cells, moments: Vec::new(), unknown, inferred }
    }

    fn with_moments(mut self) -> Self {
        let moments = self.view.columns.iter().filter(|it| it.holds == Holds::Moment);
        self.moments = moments.map(|it| self.place(it.name)).filter(|it| it.cell.is_some()).collect();
        self
    }

    /// The numbers of the cells that hold a column of the view.
    pub fn numbers(&self) -> Vec<usize> {
        let mut numbers: Vec<usize> = self.cells.iter().copied().flatten().collect();
        numbers.sort_unstable();
        numbers
    }

    /// The numbers of the cells at some places, and of those that tell moments.
    pub fn numbers_of(&self, places: &[Place]) -> Vec<usize> {
        let mut numbers: Vec<usize> = places.iter().chain(&self.moments).filter_map(|it| it.cell).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Where columns of the view stand.
    pub fn places<const N: usize>(&self, names: [&str; N]) -> [Place; N] {
        names.map(|it| self.place(it))
    }

    pub(super) fn place(&self, name: &str) -> Place {
        let column = self.view.columns.iter().zip(&self.cells).find(|it| it.0.name == name);
        column.map_or(Place { cell: None, holds: Holds::Text }, |it| Place { cell: *it.1, holds: it.0.holds })
    }

    fn cell(&self, name: &str) -> Option<usize> {
        self.place(name).cell
    }

    /// A row of the table.
    pub fn record<'a>(&'a self, cells: &'a Cells) -> Record<'a> {
        Record { layout: self, cells }
    }
}

//! Which cell is which column, where no names stand above them: by documented order and by what the cells look like.

use super::{
    Cells,
    record::flag_of,
    view::{Field, Holds, View},
};
use crate::units::{Moment, SECOND};

impl Holds {
    /// Whether it looks like nothing else.
    pub(super) fn tells(self) -> bool {
        matches!(self, Self::Address | Self::Bucket | Self::Word(_) | Self::Statement)
    }
}

/// How well a cell fits that can hardly be anything else.
pub(super) const TELLING: i64 = 7;
/// What it costs to leave a column out.
const LEFT_OUT: i64 = 1;
/// A sum that no alignment reaches.
const NEVER: i64 = i64::MIN / 4;

/// What it costs to take a cell for a column that the view does not have, and how many of them there may be.
const UNKNOWN: i64 = 6;
const MOST_UNKNOWN: usize = 2;

/// Cells laid onto columns.
pub(super) struct Alignment {
    /// How well they fit.
    pub(super) score: i64,
    /// The cell of each column.
    pub(super) cells: Vec<Option<usize>>,
    /// Cells of no column.
    pub(super) unknown: Vec<usize>,
    /// Columns that are there, though which cell they are cannot be told.
    pub(super) doubtful: Vec<&'static str>,
}

/// The best way to lay cells onto the columns of a view in their order. Of columns that a cell could be alike, the first
/// is meant; an amount that could be another one is left aside, for it must not be guessed.
pub(super) fn align(rows: &[Cells], width: usize, view: &'static View) -> Option<Alignment> {
    let columns = view.columns;
    let fits: Vec<Vec<Option<i64>>> = (0..width)
        .map(|cell| columns.iter().map(|column| Some(fit(rows, cell, column)? + i64::from(view.must_have(column)))).collect())
        .collect();
    let of = |cell: usize, column: usize| fits.get(cell).and_then(|it| it.get(column)).copied().flatten();
    // after[cell][column]: of laying the cells from `cell` on onto the columns from `column` on; before: those before.
    let mut after = Sums::new(width, columns.len());
    after.set(width, columns.len(), 0);
    for cell in (0..=width).rev() {
        for column in (0..=columns.len()).rev() {
            let taken = of(cell, column).map_or(NEVER, |it| it + after.at(cell + 1, column + 1));
            let aside = (after.at(cell, column + 1) - LEFT_OUT).max(after.at(cell + 1, column) - UNKNOWN);
            after.raise(cell, column, taken.max(aside));
        }
    }
    let mut before = Sums::new(width, columns.len());
    before.set(0, 0, 0);
    for cell in 0..=width {
        for column in 0..=columns.len() {
            let here = before.at(cell, column);
            before.raise(cell, column + 1, here - LEFT_OUT);
            before.raise(cell + 1, column, here - UNKNOWN);
            before.raise(cell + 1, column + 1, of(cell, column).map_or(NEVER, |it| here + it));
        }
    }
    let score = after.at(0, 0);
    let mut alignment = Alignment { score, cells: vec![None; columns.len()], unknown: Vec::new(), doubtful: Vec::new() };
    let through = |cell: usize, column: usize| {
        of(cell, column).is_some_and(|it| before.at(cell, column) + it + after.at(cell + 1, column + 1) == score)
    };
    let (mut cell, mut column) = (0, 0);
    while cell < width {
        let here = after.at(cell, column);
        if of(cell, column).is_some_and(|it| it + after.at(cell + 1, column + 1) == here) {
            let amount = columns.get(column).filter(|it| it.amount && !view.must_have(it));
            match amount.filter(|_| (0..columns.len()).any(|it| it != column && through(cell, it))) {
                Some(doubtful) => alignment.doubtful.push(doubtful.name),
                None => alignment.cells.iter_mut().skip(column).take(1).for_each(|slot| *slot = Some(cell)),
            }
            (cell, column) = (cell + 1, column + 1);
        } else if column < columns.len() && after.at(cell, column + 1) - LEFT_OUT == here {
            column += 1;
        } else {
            alignment.unknown.push(cell);
            cell += 1;
        }
    }
    (score > 0 && alignment.unknown.len() <= MOST_UNKNOWN).then_some(alignment)
}

/// Sums by cell and column; outside of them, and before they are raised, never.
struct Sums(Vec<Vec<i64>>);

impl Sums {
    fn new(width: usize, columns: usize) -> Self {
        Self(vec![vec![NEVER; columns + 1]; width + 1])
    }

    fn at(&self, cell: usize, column: usize) -> i64 {
        self.0.get(cell).and_then(|it| it.get(column)).copied().unwrap_or(NEVER)
    }

    fn set(&mut self, cell: usize, column: usize, sum: i64) {
        if let Some(slot) = self.0.get_mut(cell).and_then(|it| it.get_mut(column)) {
            *slot = sum;
        }
    }

    fn raise(&mut self, cell: usize, column: usize, sum: i64) {
        self.set(cell, column, sum.max(self.at(cell, column)));
    }
}

/// How well a cell of all rows fits a column; `None` when it cannot be.
pub(super) fn fit(rows: &[Cells], cell: usize, column: &Field) -> Option<i64> {
    let told = || rows.iter().filter_map(|it| it.text(cell));
    if told().next().is_none() {
        return Some(0);
    }
    let all = |test: &dyn Fn(&str) -> bool| told().all(|it| test(&it));
    let is_number = |it: &str| it.parse::<f64>().is_ok();
    let is_moment = |it: &str| Moment::parse(it).is_some();
    match column.holds {
        Holds::Text | Holds::Statement if all(&is_moment) => None,
        Holds::Text | Holds::Statement if all(&is_number) => Some(-2),
        Holds::Text => Some(2),
        // A text that begins like no statement is rather another text.
        Holds::Statement => Some(if told().any(|it| is_statement(&it)) { TELLING } else { 0 }),
        Holds::Word(words) => {
            all(&|it| words.contains(&it.split(['(', ',']).next().unwrap_or(it).to_ascii_lowercase().as_str())).then_some(8)
        }
        Holds::Address if all(&|it| it.starts_with("s3://")) => Some(TELLING),
        Holds::Address => all(&|it| it.contains('/') && !it.contains(' ')).then_some(4),
        Holds::Bucket => {
            let first = told().next().unwrap_or_default();
            let is_name = first.len() >= 3 && first.chars().all(|it| matches!(it, 'a'..='z' | '0'..='9' | '.' | '-'));
            (is_name && all(&|it| it == first)).then_some(if rows.len() > 1 { TELLING } else { 2 })
        }
        Holds::Whole(..) => all(&|it| it.parse::<i64>().is_ok()).then(|| {
            let largest = told().filter_map(|it| it.parse().ok()).max().unwrap_or(0);
            column.mostly.map_or(4, |(least, most)| if (least..=most).contains(&largest) { 5 } else { 2 })
        }),
        Holds::Real => all(&is_number).then_some(3),
        Holds::Flag => all(&|it| flag_of(it).is_some()).then_some(5),
        Holds::Moment => all(&is_moment).then_some(6),
        Holds::Moment2000 => all(&|it| it.parse().is_ok_and(|it: i64| it > 10_000_000 * SECOND)).then_some(6),
    }
}

/// How statements begin, lower case.
const VERBS: &[&str] = &[
    "select", "with", "copy", "unload", "insert", "update", "delete", "merge", "create", "drop", "alter", "truncate", "analyze", "vacuum",
    "begin", "commit", "call", "set", "grant", "--", "/*",
];

fn is_statement(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    text.contains(' ')
        && VERBS.iter().any(|it| first == *it || (!it.starts_with(|c: char| c.is_ascii_alphabetic()) && first.starts_with(it)))
}

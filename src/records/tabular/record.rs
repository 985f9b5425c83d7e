//! One row of a table that is known by its columns: what each of them says.

use super::{
    Cell, Cells,
    view::{Holds, Layout},
};
use crate::units::{Moment, SECOND};
use std::borrow::Cow;

/// 2000-01-01 in microseconds since 1970.
const YEAR_2000: i64 = 946_684_800 * SECOND;

/// Whether a text has so many characters.
pub fn has_chars(text: &str, count: usize) -> bool {
    text.len() >= count && text.chars().count() >= count
}

/// What programs write for yes and no.
pub(super) fn flag_of(text: &str) -> Option<bool> {
    match text {
        "t" | "true" | "1" | "y" | "True" | "TRUE" => Some(true),
        "f" | "false" | "0" | "n" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// One row, read by column.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub(super) layout: &'a Layout,
    pub(super) cells: &'a Cells,
}

/// Where a column stands in each row, looked up once.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub(super) cell: Option<usize>,
    pub(super) holds: Holds,
}

impl<'a> Record<'a> {
    /// Where columns of its view stand.
    pub fn places<const N: usize>(&self, names: [&str; N]) -> [Place; N] {
        self.layout.places(names)
    }

    fn cell(&self, place: Place) -> Option<Cell<'a>> {
        self.cells.cell(place.cell?)
    }

    /// A text, as it stands in a column.
    pub fn text_at(&self, place: Place) -> Option<Cow<'a, str>> {
        self.cell(place).map(Cell::into_text)
    }

    /// A whole number, in the unit of its table.
    pub fn whole_at(&self, place: Place) -> Option<i64> {
        let Holds::Whole(factor, divisor) = place.holds else { return None };
        let whole = match self.cell(place)? {
            Cell::Whole(whole) => whole,
            Cell::Text(text) if let Some(whole) = digits_of(text) => whole,
            other => whole_of(&other.into_text())?,
        };
        if (factor, divisor) == (1, 1) { Some(whole) } else { whole.checked_mul(factor)?.checked_div(divisor) }
    }

    /// Yes or no.
    pub fn flag_at(&self, place: Place) -> Option<bool> {
        match self.cell(place)? {
            Cell::Flag(flag) => Some(flag),
            other => flag_of(&other.into_text()),
        }
    }

    /// A moment.
    pub fn moment_at(&self, place: Place) -> Option<Moment> {
        match (place.holds, self.cell(place)?) {
            (_, Cell::Moment(micros)) => Moment::from_micros(micros),
            (Holds::Moment2000, Cell::Whole(micros)) => Moment::from_micros(micros.checked_add(YEAR_2000)?),
            (Holds::Moment2000, other) => Moment::from_micros(other.into_text().parse::<i64>().ok()?.checked_add(YEAR_2000)?),
            (_, Cell::Text(text)) if let Some(moment) = Moment::plain(text) => Some(moment),
            (_, other) => Moment::parse(&other.into_text()).map(|it| it.moment),
        }
    }

    /// A text, as it stands there.
    pub fn str(&self, name: &str) -> Option<Cow<'a, str>> {
        self.text_at(self.layout.place(name))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.str(name).map(Cow::into_owned)
    }

    /// A text, in lower case.
    pub fn lower(&self, name: &str) -> Option<String> {
        self.str(name).map(|it| it.to_ascii_lowercase())
    }

    /// A number that names something; 0 and less name nothing.
    pub fn id(&self, name: &str) -> Option<String> {
        let whole = self.whole(name)?;
        (whole > 0).then(|| whole.to_string())
    }

    /// A whole number, in the unit of its table.
    pub fn whole(&self, name: &str) -> Option<i64> {
        self.whole_at(self.layout.place(name))
    }

    /// A number.
    pub fn real(&self, name: &str) -> Option<f64> {
        self.str(name)?.parse().ok().filter(|it: &f64| it.is_finite())
    }

    /// Yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.flag_at(self.layout.place(name))
    }

    /// Whether a cell of the row is as long as characters(`count`) can be: it may have been cut.
    pub fn fills(&self, name: &str, count: usize) -> Option<bool> {
        self.str(name).map(|it| has_chars(&it, count))
    }

    /// The first moment that the row tells.
    pub fn first_moment(&self) -> Option<Moment> {
        self.layout.moments.iter().find_map(|it| self.moment_at(*it))
    }

    /// The view that the row is of.
    pub fn view(&self) -> &'static str {
        self.layout.view.name
    }

    /// A moment.
    pub fn moment(&self, name: &str) -> Option<Moment> {
        self.moment_at(self.layout.place(name))
    }
}

/// A whole number of digits alone.
fn digits_of(text: &[u8]) -> Option<i64> {
    if !(1..=18).contains(&text.len()) {
        return None;
    }
    let (mut sum, mut most) = (0_i64, 0);
    for digit in text.iter().map(|it| it.wrapping_sub(b'0')) {
        // What is no digit makes the sum meaningless, and is seen at the end.
        sum = sum.wrapping_mul(10).wrapping_add(i64::from(digit));
        most = most.max(digit);
    }
    (most <= 9).then_some(sum)
}

/// A whole number, though it may be written with a fraction.
fn whole_of(text: &str) -> Option<i64> {
    let of_real = || {
        let number: f64 = text.parse().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
    };
    text.parse().ok().or_else(of_real)
}

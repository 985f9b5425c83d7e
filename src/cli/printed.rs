//! A report on standard output, in the format that was asked for.

use super::When;
use casefile::{
    error::Result,
    finding::FailOn,
    report::{FORMATS, Report, Style},
};
use std::io::{self, IsTerminal as _};

/// Prints a report.
pub(super) fn report(report: &Report, format: &str, colour: When, detail: u8, fail_on: Option<FailOn>) -> Result<()> {
    let Some(format) = FORMATS.iter().find(|it| it.id == format) else { return Ok(()) };
    let style = style(colour, detail, fail_on);
    super::describe::print_with(|out| (format.write)(report, &style, out)).map(|_| ())
}

/// How standard output shows a report.
pub(super) fn style(colour: When, detail: u8, fail_on: Option<FailOn>) -> Style {
    let colour = match colour {
        When::Always => true,
        When::Never => false,
        When::Auto => io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty()),
    };
    let columns = std::env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
    let of_terminal = terminal_size::terminal_size_of(io::stdout()).map(|it| usize::from(it.0.0));
    let width = of_terminal.or(columns).unwrap_or(100).clamp(40, 160);
    Style { width, colour, detail, fail_on }
}

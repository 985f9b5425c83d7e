//! Commands that describe the program itself, from the lists it works with.

use super::{Ending, write_error};
use casefile::{detectors::DETECTORS, error::Result, report::parquet::LAKE, settings, tables::TABLES};
use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

/// Prints to standard output; a reader that has gone away is no error.
pub(super) fn print(bytes: &[u8]) -> Result<Ending> {
    print_with(|out| out.write_all(bytes))
}

/// Prints what `write` writes, as it is written.
pub(super) fn print_with(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> Result<Ending> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Ok(Ending::default()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Ending::default()),
        Err(error) => Err(write_error("standard output", error)),
    }
}

pub(super) fn detectors() -> Result<Ending> {
    let mut text = String::new();
    for it in DETECTORS {
        let _ = writeln!(text, "{:<17} {}\n{:<17} needs: {}", it.id, it.title, "", it.needs);
    }
    print(text.as_bytes())
}

pub(super) fn explain(id: &str) -> Result<Ending> {
    let names: Vec<&str> = DETECTORS.iter().map(|it| it.id).collect();
    let Some(detector) = DETECTORS.iter().find(|it| it.id == id) else { return Err(settings::unknown("detector", id, &names, "explain")) };
    let mut text = format!("{}\n\n{}\n\n## Settings\n", detector.id, detector.manual());
    for limit in detector.limits {
        let _ = writeln!(text, "detectors.{}.{} = {}\n    {} ({})", detector.id, limit.name, limit.default, limit.meaning, limit.source);
    }
    print(text.as_bytes())
}

pub(super) fn schema(table: Option<&str>) -> Result<Ending> {
    let mut text = String::new();
    for it in LAKE.iter().filter(|it| table.is_none_or(|table| table == it.name)) {
        let _ = writeln!(text, "{} (Parquet report): {}", it.name, it.meaning);
        for column in it.columns {
            let _ = writeln!(text, "  {:<20} {:<10} {}", column.name, column.kind.ddl(), column.meaning);
        }
        let _ = writeln!(text);
    }
    for it in TABLES.iter().filter(|it| table.is_none_or(|table| table == it.name)) {
        let _ = writeln!(text, "{} (evidence): {}", it.name, it.meaning);
        for column in it.all_columns() {
            let _ = writeln!(text, "  {:<20} {:<10} {}", column.name, column.kind.title(), column.meaning);
        }
        let _ = writeln!(text);
    }
    if text.is_empty() {
        let names: Vec<&str> = LAKE.iter().map(|it| it.name).chain(TABLES.iter().map(|it| it.name)).collect();
        return Err(settings::unknown("table", table.unwrap_or_default(), &names, "schema"));
    }
    print(text.as_bytes())
}

//! Text for a person: what is new and worse on top, the counts on the last line.

use super::{Diff, Format, difference, is_listed, named};
use crate::{
    changes::Changed,
    finding::Change,
    report::{Style, flow, paint, painted},
};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "text", write };

/// Where the text of a finding begins.
const INDENT: usize = 10;

fn write(diff: &Diff<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let line = |out: &mut dyn Write, label: &str, text: &str| {
        write!(out, "{label:<6}")?;
        flow(out, text, 6, 6, style.width)
    };
    line(out, "old", &named(diff.old))?;
    line(out, "new", &named(diff.new))?;
    for note in &diff.notes {
        line(out, "note", note)?;
    }
    writeln!(out)?;
    for change in Change::ALL {
        let listed: Vec<&Changed<'_>> = diff.all(change).filter(|it| is_listed(it, style)).collect();
        if listed.is_empty() {
            continue;
        }
        let heading = format!("{} ({})", change.name().replace('-', " ").to_uppercase(), listed.len());
        writeln!(out, "{}", paint(&heading, "1", style.colour))?;
        for it in listed {
            finding(it, style, out)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "{}", paint(&diff.summary(), "1", style.colour))
}

fn finding(it: &Changed<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let (Some(entry), Some(severity)) = (it.latest(), it.severity()) else { return Ok(()) };
    let standing = if entry.is_open() { "" } else { "  suppressed" };
    let severity = painted(severity, style.colour);
    let (detector, id) = (paint(&entry.detector, "1", style.colour), paint(&format!("{}{standing}", it.finding_id), "2", style.colour));
    writeln!(out, "{severity} {detector}  {id}")?;
    let said = [Some(format!("{} {}", entry.subject_kind, entry.subject_id)), Some(entry.title.clone()), difference(it), it.reason.clone()];
    for text in said.into_iter().flatten() {
        write!(out, "{:INDENT$}", "")?;
        flow(out, &text, INDENT, INDENT, style.width)?;
    }
    Ok(())
}

//! Changes as Markdown, for a ticket.

use super::{Diff, Format, difference, is_listed, named};
use crate::report::{Style, md_text};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "md", write };

fn write(diff: &Diff<'_>, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# What changed\n\n**{}**\n", md_text(&diff.summary()))?;
    writeln!(out, "- old: {}\n- new: {}", md_text(&named(diff.old)), md_text(&named(diff.new)))?;
    for note in &diff.notes {
        writeln!(out, "- note: {}", md_text(note))?;
    }
    let listed: Vec<_> = diff.changed.iter().filter(|it| is_listed(it, style)).collect();
    if listed.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| change | severity | detector | subject | finding | what changed |\n|---|---|---|---|---|---|")?;
    for it in listed {
        let Some(entry) = it.latest() else { continue };
        let standing = if entry.is_open() { "" } else { " (suppressed)" };
        let told: Vec<String> = difference(it).into_iter().chain(it.reason.clone()).collect();
        let row = [
            it.change.name().to_owned(),
            format!("{}{standing}", entry.severity),
            entry.detector.clone(),
            md_text(&format!("{} {}", entry.subject_kind, entry.subject_id)),
            format!("{} `{}`", md_text(&entry.title), it.finding_id),
            md_text(&told.join("; ")),
        ];
        writeln!(out, "| {} |", row.join(" | "))?;
    }
    Ok(())
}

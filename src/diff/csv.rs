//! Changes as CSV of RFC 4180, one a row, for spreadsheets.

use super::{Diff, Format};
use crate::{
    ledger::Entry,
    report::{Style, csv_cell},
};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "csv", write };

const COLUMNS: &[&str] = &[
    "change",
    "finding_id",
    "detector",
    "severity",
    "status",
    "title",
    "subject_kind",
    "subject_id",
    "reason",
    "old_severity",
    "new_severity",
    "old_occurrences",
    "new_occurrences",
    "old_impact_seconds",
    "new_impact_seconds",
    "old_impact_bytes",
    "new_impact_bytes",
];

fn write(diff: &Diff<'_>, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}\r\n", COLUMNS.join(","))?;
    for it in &diff.changed {
        let latest = |of: fn(&Entry) -> &String| it.latest().map(of).cloned().unwrap_or_default();
        let mut cells = vec![
            it.change.name().to_owned(),
            it.finding_id.to_owned(),
            latest(|it| &it.detector),
            latest(|it| &it.severity),
            latest(|it| &it.status),
            latest(|it| &it.title),
            latest(|it| &it.subject_kind),
            latest(|it| &it.subject_id),
            it.reason.clone().unwrap_or_default(),
        ];
        let both: [fn(&Entry) -> Option<String>; 4] = [
            |it| Some(it.severity.clone()),
            |it| Some(it.occurrences.to_string()),
            |it| it.impact_seconds.map(|it| it.to_string()),
            |it| it.impact_bytes.map(|it| it.to_string()),
        ];
        cells.extend(both.iter().flat_map(|of| [it.old, it.new].map(|it| it.and_then(of).unwrap_or_default())));
        let row: Vec<String> = cells.iter().map(|it| csv_cell(it)).collect();
        write!(out, "{}\r\n", row.join(","))?;
    }
    Ok(())
}

//! Findings as CSV of RFC 4180, for spreadsheets: no cell begins a formula, and no part of one would if its separators were taken as such.

use super::{Format, Report, Style};
use crate::{text, units::Moment};
use serde_json::Value;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "csv", title: "findings, one a row, for spreadsheets", write };

const COLUMNS: &[&str] = &[
    "finding_id",
    "detector",
    "severity",
    "confidence",
    "title",
    "subject_kind",
    "subject_id",
    "occurrences",
    "first_seen",
    "last_seen",
    "impact_seconds",
    "impact_bytes",
    "facts",
    "remediation",
    "caveats",
    "source",
    "locator",
    "status",
    "change",
];

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{}\r\n", COLUMNS.join(","))?;
    for finding in report.findings() {
        let proof = finding.evidence.first();
        let moment = |it: Option<Moment>| it.map(Moment::rfc3339).unwrap_or_default();
        let number = |it: Option<f64>| it.map(|it| it.to_string()).unwrap_or_default();
        let cells = [
            finding.finding_id.clone(),
            finding.detector.to_owned(),
            finding.severity.name().to_owned(),
            format!("{:?}", finding.confidence).to_lowercase(),
            finding.title.clone(),
            finding.subject.kind.to_owned(),
            finding.subject.id.clone(),
            finding.occurrences.to_string(),
            moment(finding.first_seen),
            moment(finding.last_seen),
            number(finding.impact.seconds),
            finding.impact.bytes.map(|it| it.to_string()).unwrap_or_default(),
            Value::Object(finding.facts.clone()).to_string(),
            finding.remediation.text.clone(),
            finding.caveats.join("; "),
            proof.map(|it| it.source.clone()).unwrap_or_default(),
            proof.map(|it| it.locator.clone()).unwrap_or_default(),
            finding.status().to_owned(),
            finding.standing.past.as_ref().map(|it| it.change.name().to_owned()).unwrap_or_default(),
        ];
        let line: Vec<String> = cells.iter().map(|it| quoted(it)).collect();
        write!(out, "{}\r\n", line.join(","))?;
    }
    Ok(())
}

/// A cell in quotes, on one line, and with an apostrophe before what a spreadsheet would run: at its beginning, and behind what some
/// spreadsheets take for the end of a cell, quotes or not.
pub(crate) fn quoted(cell: &str) -> String {
    let mut safe = String::from("\"");
    let mut begins = true;
    for c in text::one_line(&text::printable(cell)).chars() {
        match c {
            // The same signs in full width are signs to a spreadsheet of East Asia.
            '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' if begins => safe.extend(['\'', c]),
            '"' => safe.push_str("\"\""),
            _ => safe.push(c),
        }
        begins = matches!(c, ',' | ';' | '|') || (begins && matches!(c, ' ' | '"' | '\''));
    }
    safe.push('"');
    safe
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_begins_a_formula() {
        assert_eq!(quoted("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(quoted("\t\r=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("＝1"), "\"'＝1\"");
        assert_eq!(quoted("a\", =1;\"@b"), "\"a\"\", '=1;\"\"'@b\"");
        assert_eq!(quoted("s3://a-b/c=d, e-f"), "\"s3://a-b/c=d, e-f\"");
        assert_eq!(quoted("say \"hi\"\nthere"), "\"say \"\"hi\"\" there\"");
    }
}

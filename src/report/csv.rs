//! Findings as CSV, for spreadsheets: no cell begins a formula.

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
];

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", COLUMNS.join(","))?;
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
        ];
        let line: Vec<String> = cells.iter().map(|it| quoted(it)).collect();
        writeln!(out, "{}", line.join(","))?;
    }
    Ok(())
}

/// RFC 4180, on one line, and with a quote before what a spreadsheet would run.
fn quoted(cell: &str) -> String {
    let line = text::one_line(cell);
    let guard = if line.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", line.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_cell_begins_a_formula() {
        assert_eq!(quoted("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
        assert_eq!(quoted("say \"hi\"\nthere"), "\"say \"\"hi\"\" there\"");
    }
}

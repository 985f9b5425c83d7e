//! One JSON document.

use super::{Format, Report, Style, input_json, verdict_json};
use crate::units::Moment;
use serde_json::json;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "json", title: "one JSON document", write };

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let fault = report.first_fault().map(|it| json!({"timestamp": it.at.rfc3339(), "what": it.what, "finding_id": it.finding_id}));
    let document = json!({
        "schema_version": 1,
        "tool": {"name": "casefile", "version": env!("CARGO_PKG_VERSION")},
        "window": {"since": report.since.map(Moment::rfc3339), "until": report.until.map(Moment::rfc3339)},
        "summary": report.summary(),
        "first_fault": fault,
        "findings": report.findings().iter().map(|it| it.to_json()).collect::<Vec<_>>(),
        "failed_tries": report.failed.iter().map(super::FailedTries::to_json).collect::<Vec<_>>(),
        "verdicts": report.verdicts.iter().map(verdict_json).collect::<Vec<_>>(),
        "inputs": report.coverage.iter().map(input_json).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

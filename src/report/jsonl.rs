//! One JSON object a line: findings, failed tries, verdicts, inputs.

use super::{Format, Report, Style, input_json, verdict_json};
use crate::{detectors::Verdict, units::Moment};
use serde_json::Value;
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "jsonl", title: "one JSON object a line", write };

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let findings = report.findings().into_iter().map(crate::finding::Finding::to_json);
    let failed = report.failed.iter().map(super::FailedTries::to_json);
    let window = [("window_start", report.since), ("window_end", report.until)];
    let verdict = |it: &Verdict| {
        let mut verdict = verdict_json(it);
        if let Value::Object(object) = &mut verdict {
            object.extend(window.map(|(key, at)| (key.to_owned(), at.map(Moment::rfc3339).into())));
        }
        verdict
    };
    let verdicts = report.verdicts.iter().map(verdict);
    let inputs = report.coverage.iter().map(input_json);
    let gone = report.gone.iter().flatten().map(super::gone_json);
    let unused = report.suppressions.iter().flatten().map(super::suppression_json);
    for object in findings.chain(gone).chain(unused).chain(failed).chain(verdicts).chain(inputs) {
        serde_json::to_writer(&mut *out, &object)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

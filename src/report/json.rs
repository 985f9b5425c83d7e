//! One JSON document, written part by part: a long report is not held twice.

use super::{FailedTries, Format, Report, Style, input_json, suppression_json, verdict_json};
use crate::{finding::Finding, units::Moment};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::{Value, json};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "json", title: "one JSON document", write };

/// A list whose members are made when they are written.
struct Each<'a, T>(Vec<&'a T>, fn(&T) -> Value);

impl<T> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|it| (self.1)(it)))
    }
}

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let fault = report.first_fault().map(|it| it.to_json());
    let mut writer = serde_json::Serializer::pretty(&mut *out);
    let mut document = writer.serialize_map(None)?;
    document.serialize_entry("schema_version", &1)?;
    document.serialize_entry("tool", &json!({"name": "casefile", "version": env!("CARGO_PKG_VERSION")}))?;
    let window = json!({"since": report.since.map(Moment::rfc3339), "until": report.until.map(Moment::rfc3339)});
    document.serialize_entry("window", &window)?;
    document.serialize_entry("summary", &report.summary())?;
    document.serialize_entry("first_fault", &fault)?;
    document.serialize_entry("findings", &Each(report.findings(), Finding::to_json))?;
    if let Some(gone) = &report.gone {
        document.serialize_entry("gone", gone)?;
    }
    if let Some(unused) = &report.suppressions {
        document.serialize_entry("suppressions", &Each(unused.iter().collect(), suppression_json))?;
    }
    document.serialize_entry("failed_tries", &Each(report.failed.iter().collect(), FailedTries::to_json))?;
    document.serialize_entry("verdicts", &Each(report.verdicts.iter().collect(), verdict_json))?;
    document.serialize_entry("inputs", &Each(report.coverage.iter().collect(), input_json))?;
    document.end()?;
    out.write_all(b"\n")
}

//! Locations that only Redshift's own scans tell of: how many files they opened, and how little each gave.

use super::{EFFECTS, IRREDUCIBLE, LOW, MIN_FILES, TARGET};
use crate::{
    detectors::Context,
    error::Result,
    finding::{Code, Confidence, Finding, Impact, Remediation, Severity, Standing, Subject, id_of, proof},
    stats::amount,
    tables::{
        external_scans::{self, ExternalScan},
        rows,
    },
    units::spoken_bytes,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The findings about locations that no listing tells of. Rows that come back say little about files: low at most.
pub(super) fn findings(cx: &Context<'_>, listed: &BTreeSet<String>) -> Result<Vec<Finding>> {
    let collected = cx.table(&external_scans::TABLE).collect()?;
    let mut largest: BTreeMap<String, (ExternalScan, u64)> = BTreeMap::new();
    for scan in rows(&collected).map(ExternalScan::read).filter(|it| cx.settings.in_window(it.start_time)) {
        let Some(location) = scan.file_location.clone().filter(|it| it.starts_with("s3://") && !listed.contains(it)) else { continue };
        let entry = largest.entry(location).or_insert_with(|| (scan.clone(), 0));
        entry.1 += 1;
        if entry.0.scanned_files < scan.scanned_files {
            entry.0 = scan;
        }
    }
    Ok(largest.iter().filter_map(|(location, (scan, scans))| judge(cx, location, scan, *scans)).collect())
}

fn judge(cx: &Context<'_>, location: &str, scan: &ExternalScan, scans: u64) -> Option<Finding> {
    let (files, returned) = (amount(scan.scanned_files?), amount(scan.returned_bytes?));
    let partitions = scan.qualified_partitions.map_or(1.0, amount).max(1.0);
    let full = (returned / cx.limit(&TARGET)).ceil();
    let needed = partitions.max(full).min(files);
    let crumbs = EFFECTS.iter().any(|it| it.0 == Severity::High && returned / files < it.1);
    let (kind, could_go) =
        if (needed - full) / files >= cx.limit(&IRREDUCIBLE) { ("over-partitioned", needed - full) } else { ("reducible", files - needed) };
    if files < cx.limit(&MIN_FILES) || could_go < cx.limit(&LOW) || !crumbs {
        return None;
    }
    let each = spoken_bytes(u64::try_from(scan.returned_bytes? / scan.scanned_files?.max(1)).unwrap_or(0));
    let table = scan.table_name.as_deref().map(|it| it.rsplit('.').next().unwrap_or(it));
    let facts: Map<String, Value> = [
        ("location", location.into()),
        ("table", table.into()),
        ("kind", kind.into()),
        ("files", scan.scanned_files.into()),
        ("partitions", scan.qualified_partitions.into()),
    ]
    .into_iter()
    .filter(|(_, value): &(&str, Value)| !value.is_null())
    .map(|(key, value)| (key.to_owned(), value))
    .collect();
    Some(Finding {
        standing: Standing::default(),
        finding_id: id_of("small-files", &[location, kind]),
        detector: "small-files",
        severity: Severity::Low,
        confidence: Confidence::Low,
        title: format!("{location}: a scan opened {files} files in {partitions} partitions for {each} of rows each"),
        subject: Subject { kind: "location", id: location.to_owned() },
        facts,
        instances: vec![Map::from_iter([
            ("query_id".to_owned(), json!(scan.query_id)),
            ("scanned_files".to_owned(), json!(scan.scanned_files)),
        ])],
        occurrences: scans,
        first_seen: scan.start_time,
        last_seen: scan.end_time.or(scan.start_time),
        impact: Impact::default(),
        explanation: format!(
            "{scans} scans of the location were read; the largest opened {files} files and took {} ms to list them.",
            scan.list_ms.unwrap_or(0)
        ),
        caveats: vec!["the bytes are those of the rows that came back, not of the files: a listing would tell the sizes".to_owned()],
        remediation: Remediation {
            text: "Get a listing of the location to see the sizes; then compact it, or partition it by coarser keys.".to_owned(),
            code: vec![Code {
                language: "sh",
                title: "The files".to_owned(),
                body: format!("aws s3 ls --recursive --summarize {location}"),
            }],
        },
        evidence: vec![proof(
            &scan.origin,
            scan.start_time,
            &format!("query {}: {files} files, {partitions} partitions", scan.query_id.as_deref().unwrap_or("?")),
        )],
        repro: vec![Code {
            language: "sql",
            title: "Scans of the location".to_owned(),
            body: format!(
                "SELECT query_id, start_time, qualified_partitions, scanned_files, returned_bytes, s3list_time\nFROM sys_external_query_detail WHERE file_location = '{location}' ORDER BY start_time;"
            ),
        }],
    })
}

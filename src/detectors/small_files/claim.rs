//! From the files of one location to one claim.

use super::{Measured, Pile};
use crate::{
    finding::{Code, Confidence, Finding, Impact, Proof, Remediation, Severity, Standing, Subject, id_of, proof},
    stats::{Amounts, real, rounded},
    units::spoken_bytes,
};
use serde_json::{Map, Value};

/// How many partitions and proofs are named.
const SHOWN: usize = 5;

/// The finding of one location and kind.
pub(super) fn finding(location: &str, pile: &Pile, it: &Measured, kind: &'static str, severity: Severity) -> Finding {
    let noun = if pile.is_load { "load" } else { "location" };
    let id = if location.is_empty() {
        pile.table.clone().unwrap_or_else(|| "a location without a name".to_owned())
    } else {
        location.to_owned()
    };
    Finding {
        standing: Standing::default(),
        finding_id: id_of("small-files", &[&id, kind]),
        detector: "small-files",
        severity,
        confidence: if location.starts_with("s3://") { Confidence::High } else { Confidence::Medium },
        title: title(&id, pile, it, kind),
        facts: facts(&id, pile, it, kind),
        instances: instances(pile),
        occurrences: if pile.is_load { pile.queries.len() as u64 } else { 1 },
        first_seen: pile.from,
        last_seen: pile.to,
        impact: Impact { seconds: None, bytes: None },
        explanation: explanation(pile, it, kind),
        caveats: caveats(location, pile),
        remediation: remediation(location, pile, it, kind),
        evidence: evidence(pile, it),
        repro: repro(location, pile),
        subject: Subject { kind: noun, id },
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

fn spoken(bytes: f64) -> String {
    spoken_bytes(u64::try_from(whole(bytes)).unwrap_or(0))
}

/// The table that a location belongs to, by its last folder.
fn table_of(location: &str) -> Option<&str> {
    location.trim_end_matches('/').rsplit('/').next().filter(|it| !it.is_empty())
}

fn facts(location: &str, pile: &Pile, it: &Measured, kind: &str) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut put = |key: &str, value: Value| facts.insert(key.to_owned(), value);
    let quantile = |share| whole(it.sizes.quantile(share).unwrap_or(0.0));
    let table = pile.table.as_deref().map(|it| it.rsplit('.').next().unwrap_or(it)).or_else(|| table_of(location));
    put("location", location.into());
    if let Some(table) = table {
        put("table", table.into());
    }
    put("kind", kind.into());
    put("files", it.files.into());
    put("bytes", whole(it.bytes).into());
    put("p10_bytes", quantile(0.1).into());
    put("p50_bytes", quantile(0.5).into());
    put("p90_bytes", quantile(0.9).into());
    put("target_bytes", whole(it.target).into());
    put("needed_files", whole(it.needed).into());
    put("reducible_files", whole(it.reducible).into());
    put("irreducible_files", whole(it.irreducible).into());
    put("partitions", pile.parts.len().into());
    put("share_below_quarter_target", rounded(it.share_below).into());
    facts
}

fn title(name: &str, pile: &Pile, it: &Measured, kind: &str) -> String {
    let (files, p50) = (it.files, spoken(it.sizes.quantile(0.5).unwrap_or(0.0)));
    match kind {
        "over-partitioned" => format!(
            "{name}: {files} files of {p50} because of {} partitions; {} files would do for {}",
            pile.parts.len(),
            whole((it.bytes / it.target).ceil()),
            spoken(it.bytes)
        ),
        "load" => format!(
            "{}: {} loads of {} files of {p50} each; {} would do",
            pile.table.as_deref().unwrap_or(name),
            pile.parts.len(),
            whole(real(files) / real(pile.parts.len().max(1))),
            whole((it.needed / real(pile.parts.len().max(1))).ceil())
        ),
        _ => format!("{name}: {files} files of {p50} (median) where {} would do", whole(it.needed)),
    }
}

/// Partitions, the worst first.
fn worst(pile: &Pile) -> Vec<(&str, usize, f64)> {
    let mut parts: Vec<(&str, usize, f64)> = pile.parts.iter().map(|(name, it)| (name.as_str(), it.files(), it.bytes())).collect();
    parts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    parts
}

fn instances(pile: &Pile) -> Vec<Map<String, Value>> {
    let of = |(name, files, bytes): (&str, usize, f64)| {
        let mut instance = Map::new();
        if pile.is_load {
            instance.insert("query_id".to_owned(), name.into());
            if let Some(at) = pile.queries.get(name).copied().flatten() {
                instance.insert("start_time".to_owned(), at.rfc3339().into());
            }
        } else {
            instance.insert("partition".to_owned(), name.into());
        }
        instance.insert("files".to_owned(), files.into());
        instance.insert("bytes".to_owned(), whole(bytes).into());
        instance
    };
    worst(pile).into_iter().map(of).collect()
}

/// Sizes in powers of two: how many files are at most this large.
fn histogram(sizes: &Amounts) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for (size, count) in sizes.counted() {
        *counts.entry(whole(size.max(1.0).log2().ceil())).or_insert(0_usize) += count;
    }
    let bucket = |(power, count): (i64, usize)| {
        let upper = i32::try_from(power).map_or(f64::MAX, |it| 2_f64.powi(it));
        format!("<= {}: {count}", spoken(upper))
    };
    counts.into_iter().map(bucket).collect::<Vec<_>>().join(", ")
}

fn explanation(pile: &Pile, it: &Measured, kind: &str) -> String {
    let part = if pile.is_load { "load" } else { "partition" };
    let below = format!("{} % of the files are below a quarter of {}.", whole(it.share_below * 100.0), spoken(it.target));
    let sum = match kind {
        "over-partitioned" => format!(
            "Each of {} partitions needs a file of its own, however little it holds: compaction removes {}, coarser keys {}.",
            pile.parts.len(),
            whole(it.reducible),
            whole(it.irreducible)
        ),
        _ => format!(
            "{} over {} {part}s need {} files; {} can go.",
            spoken(it.bytes),
            pile.parts.len(),
            whole(it.needed),
            whole(it.reducible)
        ),
    };
    format!("{sum} {below} Sizes: {}.", histogram(&it.sizes))
}

fn caveats(location: &str, pile: &Pile) -> Vec<String> {
    let mut caveats = Vec::new();
    let mut say = |test: bool, text: String| {
        if test {
            caveats.push(text);
        }
    };
    let left_out: Vec<String> = pile.left_out.iter().map(|(role, count)| format!("{count} {role}")).collect();
    say(!left_out.is_empty(), format!("left out: {}", left_out.join(", ")));
    say(!pile.fresh.is_empty(), format!("partitions that may still be written: {}", some_of(&pile.fresh)));
    say(!location.starts_with("s3://"), "the listing names no bucket".to_owned());
    say(pile.is_table_format, "files that no snapshot refers to any more are counted too: the table's own `$files` would tell".to_owned());
    caveats
}

/// The first names of a list, and how many there are.
fn some_of(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

fn remediation(location: &str, pile: &Pile, it: &Measured, kind: &str) -> Remediation {
    let table = pile.table.as_deref().or_else(|| table_of(location)).unwrap_or("t");
    match kind {
        "load" => {
            let per_load = whole((it.needed / real(pile.parts.len().max(1))).ceil());
            Remediation {
                text: format!("Have the writer merge its output before the COPY: about {per_load} files per load, or a multiple of the slice count from 1 MB each on. Where events arrive one by one, load micro-batches."),
                code: vec![Code {
                    language: "python",
                    title: "Spark, where the files are written".to_owned(),
                    body: format!("frame.coalesce({per_load}).write.mode(\"overwrite\").parquet(\"{location}\")"),
                }],
            }
        }
        "over-partitioned" => Remediation {
            text: "Partition by coarser keys (a day instead of an hour, a month instead of a day), or bucket by the second key; compaction alone cannot help.".to_owned(),
            code: vec![Code {
                language: "sql",
                title: "Athena: the same rows under coarser keys".to_owned(),
                body: format!(
                    "CREATE TABLE {table}_coarse WITH (format = 'PARQUET', write_compression = 'ZSTD', external_location = '{}_coarse/', partitioned_by = ARRAY['month'])\nAS SELECT *, substr(dt, 1, 7) AS month FROM {table};",
                    location.trim_end_matches('/')
                ),
            }],
        },
        _ if pile.is_table_format => Remediation {
            text: "Compact the table, and let its writer collect more before it commits.".to_owned(),
            code: vec![Code {
                language: "sql",
                title: "Athena, for an Iceberg table".to_owned(),
                body: format!("OPTIMIZE {table} REWRITE DATA USING BIN_PACK;\nVACUUM {table};"),
            }],
        },
        _ => Remediation {
            text: "Rewrite each partition into the files it needs, and let the writer collect more: Firehose buffers of 128 MB and 900 s, Spark `repartition` or `maxRecordsPerFile`, Glue `groupFiles`.".to_owned(),
            code: vec![Code {
                language: "sql",
                title: "Athena: the same rows in few files (at most 100 partitions per statement)".to_owned(),
                body: format!(
                    "CREATE TABLE {table}_compact WITH (format = '{}', external_location = '{}_compact/'{})\nAS SELECT * FROM {table};",
                    if pile.columnar { "PARQUET" } else { "TEXTFILE" },
                    location.trim_end_matches('/'),
                    partitioned_by(pile)
                ),
            }],
        },
    }
}

/// The partition keys of a table, where folders name them.
fn partitioned_by(pile: &Pile) -> String {
    let first = pile.parts.keys().next().map(String::as_str).unwrap_or_default();
    let keys: Vec<String> = first.split('/').filter_map(|it| it.split_once('=')).map(|it| format!("'{}'", it.0)).collect();
    if keys.is_empty() { String::new() } else { format!(", partitioned_by = ARRAY[{}]", keys.join(", ")) }
}

fn evidence(pile: &Pile, it: &Measured) -> Vec<Proof> {
    let Some(origin) = &pile.origin else { return Vec::new() };
    let part = if pile.is_load { "load" } else { "partition" };
    let named = |(name, files, bytes): (&str, usize, f64)| {
        let name = if name.is_empty() { "(none)" } else { name };
        format!("{part} {name}: {files} files, {}", spoken(bytes))
    };
    let worst: Vec<String> = worst(pile).into_iter().take(SHOWN).map(named).collect();
    vec![proof(origin, pile.from, &format!("{} files, {}. {}", it.files, spoken(it.bytes), worst.join("; ")))]
}

fn repro(location: &str, pile: &Pile) -> Vec<Code> {
    let (bucket, prefix) = location.strip_prefix("s3://").and_then(|it| it.split_once('/')).unwrap_or(("BUCKET", location));
    let body = if pile.is_load {
        let queries: Vec<&str> = pile.queries.keys().map(String::as_str).take(SHOWN).collect();
        format!(
            "SELECT query_id, COUNT(DISTINCT file_name) AS files, AVG(bytes_scanned) AS mean_bytes\nFROM sys_load_detail WHERE query_id IN ({}) GROUP BY 1;",
            queries.join(", ")
        )
    } else {
        format!("aws s3 ls --recursive --summarize s3://{bucket}/{prefix}")
    };
    vec![Code { language: if pile.is_load { "sql" } else { "sh" }, title: "The files".to_owned(), body }]
}

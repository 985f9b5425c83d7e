//! From the loads of one table and prefix to one claim.

use super::Slow;
use crate::{
    copies::{Slices, Told},
    finding::{Code, Confidence, Finding, Impact, Remediation, Severity, Standing, Subject, id_of, instance_of, proof, seconds},
    stats::{median, rounded},
    units::{Moment, spoken_bytes, spoken_seconds},
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How many proofs a finding carries.
const PROOFS: usize = 3;

/// Files of about this size are written where more than one per slice is needed.
const FILE_BYTES: f64 = 268_435_456.0;

/// What all loads of the finding have in common.
struct Whole {
    table: String,
    source: String,
    files: Option<f64>,
    units: f64,
    bytes: f64,
    seconds: f64,
    recoverable: Option<f64>,
    recommended: Option<f64>,
}

/// The finding of one table and prefix.
pub(super) fn finding(key: &(String, String), loads: &[Slow<'_>], severity: Severity, slices: &Slices) -> Finding {
    let whole = whole(key, loads, slices);
    let times: Vec<Moment> = loads.iter().filter_map(|it| it.copy.load.start_time).collect();
    Finding {
        standing: Standing::default(),
        finding_id: id_of("single-file-copy", &[&whole.table, &whole.source]),
        detector: "single-file-copy",
        severity,
        confidence: confidence(loads, slices),
        title: title(&whole, loads, slices),
        subject: Subject { kind: "table", id: name_of(&whole).to_owned() },
        facts: facts(&whole, loads, slices),
        instances: loads.iter().map(instance).collect(),
        occurrences: loads.len() as u64,
        first_seen: times.iter().min().copied(),
        last_seen: times.iter().max().copied(),
        impact: Impact { seconds: whole.recoverable.map(|it| (it * 1000.0).round() / 1000.0), bytes: Some(whole_bytes(whole.bytes)) },
        explanation: explanation(&whole, loads, slices),
        caveats: caveats(loads, slices),
        remediation: remediation(&whole, loads),
        evidence: loads.iter().take(1).chain(loads.last()).map(evidence).collect::<Vec<_>>().into_iter().take(PROOFS).collect(),
        repro: vec![Code {
            language: "sql",
            title: "The files of these loads".to_owned(),
            body: format!(
                "SELECT h.query_id, h.start_time, h.duration / 1000000.0 AS seconds, h.source_file_count,\n       COUNT(DISTINCT d.file_name) AS files, SUM(d.splits_scanned) AS ranges, MAX(d.bytes_scanned) AS largest_bytes\nFROM sys_load_history h JOIN sys_load_detail d USING (query_id)\nWHERE TRIM(h.table_name) = '{}' AND h.data_source LIKE '{}%'\nGROUP BY 1, 2, 3, 4 ORDER BY 2;",
                bare(&whole.table),
                whole.source
            ),
        }],
    }
}

fn whole(key: &(String, String), loads: &[Slow<'_>], slices: &Slices) -> Whole {
    let of = |read: &dyn Fn(&Slow<'_>) -> Option<f64>| loads.iter().filter_map(read).collect::<Vec<f64>>();
    let recoverable = of(&|it| it.recoverable);
    let wanted = |it: &Slow<'_>| {
        let slices = slices.count?;
        Some(slices * (it.copy.bytes()? / (slices * FILE_BYTES)).ceil().max(1.0))
    };
    Whole {
        table: key.0.clone(),
        source: key.1.clone(),
        files: median(&of(&|it| it.copy.files())),
        units: median(&of(&|it| Some(it.units.count))).unwrap_or(0.0),
        bytes: of(&|it| it.copy.bytes()).iter().sum(),
        seconds: of(&|it| it.copy.seconds()).iter().sum(),
        recoverable: (!recoverable.is_empty()).then(|| recoverable.iter().sum()),
        recommended: median(&of(&wanted)),
    }
}

/// What people call it: the table, else where it is loaded from.
fn name_of(whole: &Whole) -> &str {
    [whole.table.as_str(), whole.source.as_str()].into_iter().find(|it| !it.is_empty()).unwrap_or("a table that no record names")
}

fn bare(table: &str) -> &str {
    table.rsplit('.').next().unwrap_or(table)
}

#[expect(clippy::cast_possible_truncation, reason = "a sum of whole numbers below 2^53")]
fn whole_bytes(bytes: f64) -> i64 {
    bytes.round() as i64
}

/// A count as a whole number where it is one: a median may fall between two.
fn count(value: f64) -> Value {
    if value.fract().abs() < f64::EPSILON { Value::from(whole_bytes(value)) } else { Value::from(value) }
}

fn spoken(bytes: f64) -> String {
    spoken_bytes(u64::try_from(whole_bytes(bytes)).unwrap_or(0))
}

/// The value that all loads share.
fn common(loads: &[Slow<'_>], read: fn(&Slow<'_>) -> Option<String>) -> Option<String> {
    let first = loads.first().and_then(read)?;
    loads.iter().all(|it| read(it).as_ref() == Some(&first)).then_some(first)
}

fn facts(whole: &Whole, loads: &[Slow<'_>], slices: &Slices) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(key.to_owned(), value);
        }
    };
    let splittable = loads.first().and_then(|it| it.copy.load.splittable);
    put("table", Some(bare(&whole.table)).filter(|it| !it.is_empty()).map(Value::from));
    put("schema", common(loads, |it| it.copy.load.schema_name.clone()).map(Value::from));
    put("data_source", Some(whole.source.clone()).filter(|it| !it.is_empty()).map(Value::from));
    put("format", common(loads, |it| it.copy.load.file_format.clone()).map(Value::from));
    put("compression", common(loads, |it| it.copy.load.compression.clone()).map(Value::from));
    put("splittable", splittable.filter(|it| loads.iter().all(|load| load.copy.load.splittable == Some(*it))).map(Value::from));
    put("loads", Some(loads.len().into()));
    put("files", whole.files.map(count));
    put("units", Some(count(whole.units)));
    put("slices", slices.count.map(count));
    put("bytes", (whole.bytes > 0.0).then(|| count(whole.bytes)));
    put("duration_seconds", (whole.seconds > 0.0).then(|| seconds(whole.seconds)));
    put("recoverable_seconds", whole.recoverable.map(seconds));
    put("recommended_files", whole.recommended.map(count));
    facts
}

fn title(whole: &Whole, loads: &[Slow<'_>], slices: &Slices) -> String {
    let loaded = match loads.len() {
        1 => "one load".to_owned(),
        many => format!("{many} loads"),
    };
    let kind = [common(loads, |it| it.copy.load.compression.clone()), common(loads, |it| it.copy.load.file_format.clone())];
    let kind = kind.into_iter().flatten().filter(|it| it != "none").collect::<Vec<_>>().join(" ");
    let kind = if kind.is_empty() { kind } else { format!("{kind} ") };
    let files = whole.files.unwrap_or(whole.units);
    let noun = if files > 1.0 { "files" } else { "file" };
    let busy = match slices.count {
        Some(slices) if whole.units < slices => format!("{} of {slices} slices had work", whole.units),
        Some(slices) => format!("the busiest of {slices} slices had far more than its share"),
        None if whole.units > 1.0 => "too few and too large to keep every slice busy".to_owned(),
        None => "one slice did it all".to_owned(),
    };
    let cost = whole.recoverable.map_or(String::new(), |it| format!("; {} to gain", spoken_seconds(it)));
    format!("{}: {loaded} of {files} {kind}{noun}, {busy}{cost}", name_of(whole))
}

fn confidence(loads: &[Slow<'_>], slices: &Slices) -> Confidence {
    let told = loads.iter().map(|it| it.units.told).min().unwrap_or(Told::Nothing);
    let cut = loads.iter().any(|it| it.copy.has_cut_names());
    let guessed = slices.count.is_none() && loads.iter().any(|it| it.units.count > 1.0);
    if guessed || loads.iter().any(|it| it.passes.is_none()) {
        return Confidence::Low;
    }
    match (told, slices.certain, cut) {
        (Told::Observed, true, false) => Confidence::High,
        (Told::Observed | Told::Modelled, _, false) => Confidence::Medium,
        (Told::Counted, true, false) => Confidence::Medium,
        _ => Confidence::Low,
    }
}

fn instance(slow: &Slow<'_>) -> Map<String, Value> {
    let load = &slow.copy.load;
    let mut instance = instance_of(&load.task(), None);
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            instance.insert(key.to_owned(), value);
        }
    };
    put("query_id", load.query_id.clone().map(Value::from));
    put("start_time", load.start_time.map(|it| it.rfc3339().into()));
    put("data_source", load.data_source.clone().map(Value::from));
    put("files", slow.copy.files().map(count));
    put("units", Some(count(slow.units.count)));
    put("bytes", slow.copy.bytes().map(count));
    put("duration_seconds", slow.copy.seconds().map(seconds));
    put("recoverable_seconds", slow.recoverable.map(seconds));
    instance
}

fn explanation(whole: &Whole, loads: &[Slow<'_>], slices: &Slices) -> String {
    let why = match loads.first().map(|it| (it.units.told, it.copy.load.splittable)) {
        Some((Told::Observed, _)) => "Redshift noted the ranges that it read",
        Some((_, Some(true))) => "the files can be split from 128 MiB on, and are smaller",
        Some((_, Some(false))) => "files of this format, compression and these options are read whole, one slice each",
        _ => "files are counted, their sizes are not known",
    };
    let rate = if whole.seconds > 0.0 && whole.bytes > 0.0 {
        format!(" {} in {}: {} a second.", spoken(whole.bytes), spoken_seconds(whole.seconds), spoken(whole.bytes / whole.seconds))
    } else {
        String::new()
    };
    let gain = match (whole.recoverable, slices.count) {
        (Some(gain), Some(count)) if whole.seconds > 0.0 => {
            format!(
                " An even share on {count} slices (by {}) would save {} of 100 seconds.",
                slices.told_by,
                rounded(gain / whole.seconds * 100.0).round()
            )
        }
        _ => String::new(),
    };
    format!("{} unit{} per load: {why}.{rate}{gain}{}", whole.units, if whole.units > 1.0 { "s" } else { "" }, ran_by(loads))
}

/// The tasks that ran the loads, where they are known.
fn ran_by(loads: &[Slow<'_>]) -> String {
    let task = |it: &Slow<'_>| {
        let load = &it.copy.load;
        Some([load.dag_id.as_deref(), Some(load.task_id.as_deref()?)].into_iter().flatten().collect::<Vec<_>>().join("."))
    };
    let tasks: BTreeSet<String> = loads.iter().filter_map(task).collect();
    if tasks.is_empty() { String::new() } else { format!(" Run by {}.", tasks.into_iter().collect::<Vec<_>>().join(", ")) }
}

fn caveats(loads: &[Slow<'_>], slices: &Slices) -> Vec<String> {
    let mut caveats = Vec::new();
    let mut say = |test: bool, text: String| {
        if test {
            caveats.push(text);
        }
    };
    say(
        slices.count.is_none(),
        format!(
            "the number of slices is not known ({}): what could run in parallel is judged by splittability and size alone",
            slices.told_by
        ),
    );
    say(
        slices.count.is_some() && !slices.certain,
        format!("the number of slices is concluded from {}; STV_SLICES would tell", slices.told_by),
    );
    say(
        loads.iter().any(|it| it.units.told == Told::Modelled),
        "whether Redshift split the files is concluded from format, compression and size".to_owned(),
    );
    say(loads.iter().any(|it| it.units.told == Told::Counted), "file sizes are not known: files are counted".to_owned());
    say(
        loads.iter().any(|it| it.copy.has_cut_names()),
        "file names are cut at the width of their column: files may be more than counted".to_owned(),
    );
    say(loads.iter().any(|it| it.passes.is_none()), "bytes or duration are not known: what it costs cannot be told".to_owned());
    say(loads.iter().all(|it| it.passes == Some(false)), "each load is small: only their number makes them worth a look".to_owned());
    say(
        loads.iter().any(|it| it.recoverable.is_some()),
        "the seconds are an upper bound: commit, COMPUPDATE and STATUPDATE are in the duration".to_owned(),
    );
    let failed: Vec<&String> = loads.iter().flat_map(|it| &it.failed_requests).collect();
    let throttled = failed.iter().filter(|it| it.contains("SlowDown") || it.contains("503")).count();
    say(
        !failed.is_empty(),
        format!(
            "requests to S3 failed {} times ({throttled} of them throttled) and were tried again: a part of the time is theirs",
            failed.len()
        ),
    );
    say(
        loads.iter().any(|it| it.copy.load.compute_type.as_deref().is_some_and(|it| it != "primary")),
        "some loads ran on a concurrency-scaling cluster, whose slices are not known".to_owned(),
    );
    caveats
}

fn remediation(whole: &Whole, loads: &[Slow<'_>]) -> Remediation {
    let each = whole.recommended.map(|it| whole.bytes / crate::stats::real(loads.len()) / it);
    let number = whole.recommended.map_or_else(|| "a multiple of the slice count of".to_owned(), |it| it.to_string());
    let size = each.map_or(String::new(), |it| format!(" of about {}", spoken(it)));
    let splits = match loads.first().map(|it| (it.copy.load.compression.as_deref(), it.copy.load.copy_options.as_deref())) {
        Some((Some("none"), Some(options)))
            if options.contains("ESCAPE") || options.contains("REMOVEQUOTES") || options.contains("FIXEDWIDTH") =>
        {
            " Or write the file so that ESCAPE, REMOVEQUOTES and FIXEDWIDTH are not needed (FORMAT CSV): Redshift then splits it by itself."
        }
        Some((Some("gzip" | "zstd" | "lzop"), _)) => {
            " Or leave delimited files uncompressed, or write Parquet: Redshift splits both from 128 MB on. One large compressed file is never split."
        }
        _ => "",
    };
    let text = format!("Write {number} files{size} per load, all of one size, and load them with one COPY over their prefix.{splits}");
    let folder = if whole.source.is_empty() { "s3://bucket/prefix/" } else { &whole.source };
    let is_json = common(loads, |it| it.copy.load.file_format.clone()).is_some_and(|it| it.eq_ignore_ascii_case("json"));
    let writer = if is_json { "json" } else { "csv" };
    let mut code = Vec::new();
    if let Some(files) = whole.recommended {
        code.push(Code {
            language: "python",
            title: "Spark, where the files are written".to_owned(),
            body: format!("frame.repartition({files}).write.mode(\"overwrite\").option(\"compression\", \"gzip\").{writer}(\"{folder}\")"),
        });
        code.push(Code {
            language: "sh",
            title: "Without Spark: lines dealt round robin, header taken off first".to_owned(),
            body: format!("split -n r/{files} --filter='gzip > $FILE.gz' -d -a 4 rows.{writer} part-"),
        });
    }
    Remediation { text, code }
}

fn evidence(slow: &Slow<'_>) -> crate::finding::Proof {
    let load = &slow.copy.load;
    let part = |name: &str, value: Option<String>| value.map_or(String::new(), |it| format!(" {name}={it}"));
    let excerpt = format!(
        "COPY {}{}{}{}{}{} units={}",
        slow.copy.table(),
        part("query", load.query_id.clone()),
        part("from", load.data_source.clone()),
        part("files", slow.copy.files().map(|it| it.to_string())),
        part("bytes", slow.copy.bytes().map(|it| it.to_string())),
        part("seconds", slow.copy.seconds().map(|it| it.to_string())),
        slow.units.count
    );
    proof(&load.origin, load.start_time, &excerpt)
}

//! From one skewed pile, or one skewed rating, to one claim.

use super::{
    Unit,
    gather::{Pile, Rated},
    shape::Skew,
};
use crate::{
    finding::{Code, Confidence, Finding, Impact, Remediation, Severity, Standing, Subject, id_of, proof, seconds},
    stats::{quantile, real, rounded, sorted},
    units::{spoken_bytes, spoken_seconds},
};
use serde_json::{Map, Value, json};

/// How many of the largest parts are named.
const TOP: usize = 5;

#[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

fn spoken(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Bytes => spoken_bytes(u64::try_from(whole(value)).unwrap_or(0)),
        Unit::Rows => format!("{} rows", whole(value)),
        Unit::Millis => spoken_seconds(value / 1000.0),
    }
}

/// Parts, the largest first.
fn top(pile: &Pile) -> Vec<&(String, f64)> {
    let mut parts: Vec<&(String, f64)> = pile.parts.iter().collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    parts.truncate(TOP);
    parts
}

/// The finding of parts that are not equal.
pub(super) fn of_pile(pile: &Pile, skew: &Skew) -> Finding {
    let (kind, id) = (pile.subject.0, pile.subject.1.clone());
    let beyond = skew.spread.max - skew.spread.mean;
    let recoverable = (pile.unit == Unit::Millis).then_some(beyond / 1000.0);
    let listed: Vec<String> =
        top(pile).iter().map(|it| format!("{}: {} ({:.1} %)", it.0, spoken(pile.unit, it.1), 100.0 * it.1 / skew.spread.total)).collect();
    Finding {
        standing: Standing::default(),
        finding_id: id_of("partition-skew", &[pile.scope, &id]),
        detector: "partition-skew",
        severity: skew.severity,
        confidence: confidence(pile, skew),
        title: title(pile, skew),
        subject: Subject { kind, id },
        facts: facts(pile, skew),
        instances: pile.instances.clone(),
        occurrences: pile.instances.len().max(1) as u64,
        first_seen: pile.from,
        last_seen: pile.to,
        impact: Impact {
            seconds: recoverable.map(|it| (it * 1000.0).round() / 1000.0),
            bytes: (pile.unit == Unit::Bytes).then(|| whole(beyond)),
        },
        explanation: explanation(pile, skew),
        caveats: caveats(pile, skew),
        remediation: remediation(skew.shape, pile.scope, pile.table.as_deref()),
        evidence: vec![proof(&pile.origin, pile.to, &listed.join("; "))],
        repro: repro(pile.scope, &pile.subject.1, pile.table.as_deref()),
    }
}

fn confidence(pile: &Pile, skew: &Skew) -> Confidence {
    match pile.scope {
        "athena-stages" => Confidence::Low,
        _ if skew.shape == "truncated-last" || skew.spread.count < 4 => Confidence::Medium,
        _ => Confidence::High,
    }
}

fn title(pile: &Pile, skew: &Skew) -> String {
    let name = &pile.subject.1;
    let (count, noun) = (skew.spread.count, noun(pile.scope));
    let first = top(pile).first().map(|it| (it.0.clone(), it.1)).unwrap_or_default();
    let share = 100.0 * first.1 / pile.parts.iter().map(|it| it.1).sum::<f64>();
    match (skew.shape, &skew.groups) {
        ("truncated-last", _) => {
            let last = pile.parts.last().map_or("", |it| it.0.as_str());
            format!("{name}: {last} holds {:.0} % of what is usual: data is missing", 100.0 * skew.last_share.unwrap_or(0.0))
        }
        ("bimodal", Some(groups)) => format!(
            "{name}: {noun} fall into two groups, {} of {} and {} of {}",
            groups.low_count,
            spoken(pile.unit, groups.low_mean),
            groups.high_count,
            spoken(pile.unit, groups.high_mean)
        ),
        ("trend", _) => format!("{name}: {noun} grow steadily, to {:.1} times the mean", skew.spread.max_over_mean),
        _ => format!("{name}: {} holds {share:.0} % of {count} {noun}, {:.1} times the mean", first.0, skew.spread.max_over_mean),
    }
}

fn noun(scope: &str) -> &'static str {
    match scope {
        "copy-slices" | "table-slices" => "slices",
        "athena-stages" => "stages",
        "mapped-tasks" => "mapped tasks",
        _ => "partitions",
    }
}

fn facts(pile: &Pile, skew: &Skew) -> Map<String, Value> {
    let mut facts = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            facts.insert(key.to_owned(), value);
        }
    };
    let spread = &skew.spread;
    let total: f64 = pile.parts.iter().map(|it| it.1).sum();
    let part = |it: &&(String, f64)| json!({"partition": it.0, "value": whole(it.1), "share": rounded(it.1 / total)});
    put("scope", Some(pile.scope.into()));
    put("measure_unit", Some(pile.unit.name().into()));
    put("table", pile.table.clone().map(Value::from));
    put("partitions", Some(spread.count.into()));
    put("max_over_median", spread.max_over_median.map(|it| rounded(it).into()));
    put("max_over_mean", Some(rounded(spread.max_over_mean).into()));
    put("cv", Some(rounded(spread.cv).into()));
    put("gini", Some(rounded(spread.gini).into()));
    put("top_share", Some(rounded(spread.top_share).into()));
    put("effective_partitions", Some(rounded(spread.effective_count).into()));
    put("shape", Some(skew.shape.into()));
    put("top", Some(top(pile).iter().map(part).collect()));
    put("recoverable_seconds", (pile.unit == Unit::Millis).then(|| seconds((spread.max - spread.mean) / 1000.0)));
    facts
}

fn explanation(pile: &Pile, skew: &Skew) -> String {
    let amounts = sorted(&pile.parts.iter().map(|it| it.1).collect::<Vec<_>>());
    let at = |share| spoken(pile.unit, quantile(&amounts, share).unwrap_or(0.0));
    let groups = skew.groups.as_ref().map_or(String::new(), |it| {
        format!(
            " Group A: {} at {}, group B: {} at {}.",
            it.low_count,
            spoken(pile.unit, it.low_mean),
            it.high_count,
            spoken(pile.unit, it.high_mean)
        )
    });
    format!(
        "{}. Smallest {}, quartiles {}, {}, {}, largest {}; {:.1} of {} {} would carry as much if all were equal (cv {:.2}, gini {:.2}, modified z {}).{groups}",
        skew.fired.join(", "),
        at(0.0),
        at(0.25),
        at(0.5),
        at(0.75),
        at(1.0),
        skew.spread.effective_count,
        real(skew.spread.count),
        noun(pile.scope),
        skew.spread.cv,
        skew.spread.gini,
        skew.spread.modified_z.map_or("-".to_owned(), |it| format!("{it:.1}")),
    )
}

fn caveats(pile: &Pile, skew: &Skew) -> Vec<String> {
    let mut caveats = Vec::new();
    let mut say = |test: bool, text: &str| {
        if test {
            caveats.push(text.to_owned());
        }
    };
    say(skew.shape == "truncated-last", "the last partition may still be in writing");
    say(skew.shape == "trend", "a steady rise is growth, not skew");
    say(skew.spread.count < 4, "few parts prove little");
    say(pile.scope == "athena-stages", "stages do different work: a long one is not always a skewed one");
    say(pile.scope == "copy-slices", "measured on the first of these loads; the same files make the load itself slow");
    say(pile.scope == "s3-partitions" && skew.shape == "hot-key", "keys such as countries are uneven by nature");
    caveats
}

fn remediation(shape: &str, scope: &str, table: Option<&str>) -> Remediation {
    let table = table.unwrap_or("t");
    let text = match (scope, shape) {
        (_, "truncated-last") => {
            "Look at what loaded the last partition before anything else: a job that failed, or that has not finished."
        }
        ("copy-slices", _) => "Write files of one size: Redshift deals files to slices without looking at their size.",
        ("mapped-tasks", _) => {
            "Deal the work by size and not by number: split the largest item, or sort the items and give each task a share of the bytes."
        }
        ("athena-stages", _) => "Look at the join or the aggregation of that stage: a hot key is salted, or treated apart.",
        (_, "null-key") => {
            "Find out why the key is null: a join that misses, a source that does not set it. Keep such rows out of the partitioned table, or give them a salt."
        }
        (_, "hot-key") => "Salt the key and aggregate in two stages, treat the hot key apart, or partition by another key.",
        (_, "bimodal") => {
            "Two groups mean two writers, or a change of volume at one moment: find which, and partition the larger one finer."
        }
        (_, "trend") => "The data grows: partition finer before the largest partition becomes a problem.",
        _ => "Partition finer, or by a key that spreads evenly.",
    };
    let code = (scope == "s3-partitions" && shape != "truncated-last").then(|| Code {
        language: "sql",
        title: "Athena: rows by partition".to_owned(),
        body: format!("SELECT \"$path\", count(*) AS row_count FROM {table} GROUP BY 1 ORDER BY 2 DESC LIMIT 20;"),
    });
    Remediation { text: text.to_owned(), code: code.into_iter().collect() }
}

fn repro(scope: &str, id: &str, table: Option<&str>) -> Vec<Code> {
    let table = table.unwrap_or("t");
    let (language, body) = match scope {
        "s3-partitions" => ("sh", format!("aws s3 ls --recursive {id}")),
        "athena-stages" => ("sh", format!("aws athena get-query-runtime-statistics --query-execution-id {id}")),
        "mapped-tasks" => {
            let (dag, task) = id.rsplit_once('.').unwrap_or(("DAG", id));
            ("sh", format!("airflow tasks states-for-dag-run {dag} RUN_ID | grep '{task}'"))
        }
        "table-slices" => (
            "sql",
            format!("SELECT \"schema\", \"table\", diststyle, tbl_rows, skew_rows\nFROM svv_table_info WHERE \"table\" = '{table}';"),
        ),
        "query-steps" => (
            "sql",
            format!(
                "SELECT query_id, stream_id, segment_id, step_id, TRIM(step_name) AS step_name, duration / 1000000.0 AS seconds, data_skewness, time_skewness\nFROM sys_query_detail\nWHERE LOWER(TRIM(metrics_level)) = 'step' AND table_name LIKE '%{table}%' AND GREATEST(data_skewness, time_skewness) >= 4\nORDER BY duration DESC;"
            ),
        ),
        _ => (
            "sql",
            format!(
                "SELECT query, slice, SUM(transfer_size) AS bytes\nFROM stl_s3client WHERE key LIKE '%{table}%' GROUP BY 1, 2 ORDER BY 1, 3 DESC;"
            ),
        ),
    };
    vec![Code { language, title: "The parts".to_owned(), body }]
}

/// The finding of what Redshift itself has rated.
pub(super) fn of_rated(rated: &Rated, severity: Severity) -> Finding {
    let (kind, id) = (rated.subject.0, rated.subject.1.clone());
    let mut facts = Map::new();
    facts.insert("scope".to_owned(), rated.scope.into());
    facts.insert("measure_unit".to_owned(), rated.unit.name().into());
    facts.extend(rated.table.clone().map(|it| ("table".to_owned(), Value::from(it))));
    facts.extend(rated.facts.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let is_table = rated.scope == "table-slices";
    let title = if is_table {
        format!("{id}: the fullest slice holds {:.1} times the rows of the emptiest", rated.ratio)
    } else {
        format!(
            "{id}: {} of {} with skewness up to {}",
            steps_in_words(rated.instances.len()),
            spoken(Unit::Millis, rated.amount),
            rated.ratio
        )
    };
    Finding {
        standing: Standing::default(),
        finding_id: id_of("partition-skew", &[rated.scope, &id]),
        detector: "partition-skew",
        severity,
        confidence: if is_table { Confidence::High } else { Confidence::Medium },
        title,
        subject: Subject { kind, id: id.clone() },
        facts,
        instances: rated.instances.clone(),
        occurrences: rated.instances.len().max(1) as u64,
        first_seen: rated.from,
        last_seen: rated.to,
        impact: Impact::default(),
        explanation: if is_table {
            format!("Redshift counts rows per slice: skew_rows is {}.", rated.ratio)
        } else {
            "Redshift rates the data or the time of these steps as skewed across slices: the query waits for one slice.".to_owned()
        },
        caveats: rated_caveats(rated),
        remediation: redistribute(rated),
        evidence: vec![proof(&rated.origin, rated.from, &rated.excerpt)],
        repro: repro(rated.scope, &id, rated.table.as_deref()),
    }
}

fn steps_in_words(count: usize) -> String {
    if count == 1 { "one step".to_owned() } else { format!("{count} steps") }
}

fn rated_caveats(rated: &Rated) -> Vec<String> {
    let mut caveats = Vec::new();
    if rated.scope == "query-steps" {
        caveats.push("AWS does not document the scale of data_skewness and time_skewness: it is read as a ratio".to_owned());
    }
    if rated.diststyle.as_deref().is_some_and(|it| it.starts_with("AUTO")) {
        caveats.push("Redshift chooses the distribution itself (AUTO) and may change it".to_owned());
    }
    caveats
}

fn redistribute(rated: &Rated) -> Remediation {
    let table = if rated.scope == "table-slices" { rated.subject.1.as_str() } else { rated.table.as_deref().unwrap_or("t") };
    let key = rated.diststyle.as_deref().and_then(|it| it.split_once("KEY(")).and_then(|it| it.1.split(')').next());
    let text = match key {
        Some(key) => format!(
            "`{key}` as DISTKEY spreads the rows badly: a few values, or null, hold most of them. Choose a key with many even values, or DISTSTYLE EVEN or AUTO."
        ),
        None => "Look at the distribution of the table and at the join keys of the step: a hot or null key sends its rows to one slice."
            .to_owned(),
    };
    let mut code = vec![Code {
        language: "sql",
        title: "Let Redshift choose the distribution".to_owned(),
        body: format!("ALTER TABLE {table} ALTER DISTSTYLE AUTO;"),
    }];
    if let Some(key) = key {
        code.push(Code {
            language: "sql",
            title: "Which values hold most rows".to_owned(),
            body: format!("SELECT {key}, COUNT(*) AS row_count FROM {table} GROUP BY 1 ORDER BY 2 DESC LIMIT 20;"),
        });
    }
    Remediation { text, code }
}

//! Every section and key of the file: the one list that the reader, the effective view and the JSON Schema go by.

use crate::{
    case::Caps,
    detectors::DETECTORS,
    settings::{CAPS, Limit},
};
use std::sync::LazyLock;

/// A section of the file.
#[derive(Debug)]
pub struct Section {
    /// Its name between the brackets.
    pub name: String,
    /// One sentence.
    pub meaning: String,
    /// What may stand in it.
    pub keys: Vec<Key>,
    /// Whether its defaults hold where the file does not have it.
    pub always: bool,
}

/// A key of a section.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: Kind,
    /// What holds without it.
    pub without: Without,
    /// One sentence, with the unit.
    pub meaning: &'static str,
}

/// What holds where a key is not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Without {
    /// The section is not valid.
    Required,
    /// Nothing.
    Nothing,
    /// This value, as the file would give it.
    Value(String),
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text but an empty one.
    Text,
    /// A text that can be part of a file's name.
    Name,
    /// Yes or no.
    Flag,
    /// A whole number between these.
    Whole(u64, u64),
    /// A number above 0.
    Above0,
    /// A number of at least 0.
    AtLeast0,
    /// A span of time like `30m`.
    Span,
    /// A span of time, or `0s`.
    SpanOr0,
    /// RFC 3339, or a date.
    Time,
    /// A date.
    Day,
    /// A zone of the IANA database.
    Zone,
    /// `s3://bucket/prefix`.
    Address,
    /// `database.table`.
    Table,
    /// A pattern with `*`, `?` and `[..]`.
    Pattern,
    /// The id of a finding.
    FindingId,
    /// The id of a detector.
    Detector,
    /// A severity, or `new:` and a severity, or `never`.
    FailOn,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Several of a kind.
    List(&'static Self),
}

/// The section that may stand there several times.
pub(super) const SUPPRESS: &str = "suppress";

/// Every section, in the order in which they are shown.
pub static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| {
    let fixed = |name: &str, meaning: &str, rows: &[Row]| Section {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        keys: rows.iter().map(Key::from).collect(),
        always: name == "inputs",
    };
    let mut sections = vec![
        fixed("audit", "The nightly job.", AUDIT),
        fixed("collect", "What is collected from AWS, and how: the flags of `casefile collect`.", COLLECT),
        fixed("inputs", "Dumps that somebody else leaves there.", INPUTS),
        fixed("publish", "Where findings are published.", PUBLISH),
    ];
    sections.extend(DETECTORS.iter().map(|it| Section {
        name: format!("detectors.{}", it.id),
        meaning: format!("Limits of the detector of: {}.", it.title),
        keys: it.limits.iter().map(|it| Key::of_limit(it)).collect(),
        always: true,
    }));
    let caps = Caps::default();
    sections.push(Section {
        name: "input".to_owned(),
        meaning: "Caps against hostile or broken inputs.".to_owned(),
        keys: CAPS.iter().map(|it| Key::of_cap(it.0, (it.2)(&caps), it.1)).collect(),
        always: true,
    });
    sections.push(fixed(SUPPRESS, "A finding that somebody decided to live with.", SUPPRESSIONS));
    sections.push(fixed("baseline", "Findings that were accepted as they stood.", BASELINE));
    sections
});

/// A key as it is written below: name, kind, what holds without it (`""` for nothing, `!` for an error), meaning.
type Row = (&'static str, Kind, &'static str, &'static str);

impl From<&Row> for Key {
    fn from((name, kind, without, meaning): &Row) -> Self {
        let without = match *without {
            "" => Without::Nothing,
            "!" => Without::Required,
            value => Without::Value(value.to_owned()),
        };
        Self { name, kind: *kind, without, meaning }
    }
}

impl Key {
    fn of_limit(limit: &'static Limit) -> Self {
        Self { name: limit.name, kind: Kind::AtLeast0, without: Without::Value(limit.default.to_string()), meaning: limit.meaning }
    }

    fn of_cap(name: &'static str, default: u64, meaning: &'static str) -> Self {
        Self { name, kind: Kind::Whole(1, MOST_CAP), without: Without::Value(default.to_string()), meaning }
    }
}

/// No cap is larger: 4 TiB.
const MOST_CAP: u64 = 1 << 42;

/// How many windows, cases or objects somebody may ask for: what TOML can hold.
const MOST: u64 = i64::MAX.unsigned_abs();

const AUDIT: &[Row] = &[
    ("name", Kind::Name, "!", "name of the job, part of the run's id: letters, digits, - _ ."),
    ("state", Kind::Text, "\"casefile-state\"", "folder of the job's state, its cases and its lock"),
    ("window", Kind::Span, "\"1d\"", "length of a window; windows begin at UTC multiples of it"),
    ("first", Kind::Time, "", "beginning of the first window; without it the last whole one is the first"),
    ("delay", Kind::SpanOr0, "\"30m\"", "a window is due this long after its end"),
    (
        "overlap",
        Kind::SpanOr0,
        "\"2h\"",
        "how long before a window is collected too, for logs that came late; the window before is judged again",
    ),
    ("most_windows", Kind::Whole(1, MOST), "7", "the most windows that one run makes up for"),
    ("fail_on", Kind::FailOn, "\"never\"", "exit code 1 from this severity on: high, or new:high for what the window before did not have"),
    ("detectors", Kind::List(&Kind::Detector), "[]", "only these detectors; none named means all"),
    ("keep_cases", Kind::Whole(0, MOST), "3", "cases that are kept of windows that are done"),
];

const COLLECT: &[Row] = &[
    ("log_group", Kind::List(&Kind::Text), "[]", "log groups"),
    ("mwaa_environment", Kind::List(&Kind::Text), "[]", "MWAA environments: their scheduler, worker, DAG processing and task logs"),
    ("mwaa_webserver", Kind::Flag, "false", "the web server's log of the environments too"),
    ("logs", Kind::Choice(&["auto", "raw", "insights"]), "\"auto\"", "how logs are read"),
    ("redshift_cluster", Kind::Text, "", "a provisioned Redshift cluster"),
    ("redshift_workgroup", Kind::Text, "", "a Redshift Serverless workgroup"),
    ("database", Kind::Text, "", "the database to connect to"),
    ("secret_arn", Kind::Text, "", "ARN of the secret that holds the login; the secret itself never stands here"),
    ("db_user", Kind::Text, "", "the database user of a cluster to log in as with temporary credentials"),
    ("athena", Kind::Flag, "false", "the history of Athena's queries"),
    ("workgroup", Kind::List(&Kind::Text), "[]", "only these workgroups of Athena; none named means all"),
    (
        "athena_statistics",
        Kind::Whole(0, MOST),
        "",
        "of how many of a workgroup's slowest queries the runtime statistics are brought; 20 without it",
    ),
    ("athena_table", Kind::List(&Kind::Table), "[]", "tables whose files a query lists, which costs what it scans"),
    ("athena_output", Kind::Address, "", "where such queries write their results, where the workgroup does not say it"),
    ("s3", Kind::List(&Kind::Address), "[]", "addresses whose objects are listed"),
    ("s3_max_objects", Kind::Whole(1, MOST), "", "the most objects that are listed of one address; 5,000,000 without it"),
    ("profile", Kind::Text, "", "profile of the shared AWS configuration"),
    ("region", Kind::Text, "", "region"),
    ("endpoint_url", Kind::Text, "", "endpoint of all services"),
    ("role_arn", Kind::Text, "", "role to assume"),
    ("external_id", Kind::Text, "", "external id that the role asks for"),
    ("fips", Kind::Flag, "false", "whether FIPS endpoints are used"),
    ("max_scan_gb", Kind::Above0, "", "ends before queries are expected to scan, or have scanned, more gigabytes than this"),
    ("fail_fast", Kind::Flag, "false", "ends at the first thing that is refused, instead of collecting the rest"),
    ("concurrency", Kind::Whole(1, 50), "4", "parts that are collected side by side"),
    (
        "calls_per_second",
        Kind::Above0,
        "",
        "calls per second of each operation to begin with, where quotas differ from the documented ones",
    ),
    ("retry_delay", Kind::Whole(0, 3_600_000), "500", "the shortest wait after a throttle, in milliseconds; it doubles from try to try"),
];

const INPUTS: &[Row] = &[
    ("paths", Kind::List(&Kind::Text), "[]", "files and folders; {date} stands for each day (UTC) that the window and its overlap touch"),
    ("tz", Kind::Zone, "\"UTC\"", "zone of times that name none"),
];

const PUBLISH: &[Row] = &[
    ("to", Kind::Text, "!", "s3://bucket/prefix, or a folder"),
    ("database", Kind::Text, "", "database of Athena whose tables are made; without it none is"),
    ("create_database", Kind::Flag, "false", "whether the database is made where it is missing"),
    ("workgroup", Kind::Text, "", "workgroup of Athena that makes the tables; primary without it"),
    ("output", Kind::Address, "", "where Athena writes results, where the workgroup does not say it"),
    ("profile", Kind::Text, "", "profile of the shared AWS configuration; without it that of [collect]"),
    ("region", Kind::Text, "", "region; without it that of [collect]"),
    ("endpoint_url", Kind::Text, "", "endpoint of all services; without it that of [collect]"),
    ("role_arn", Kind::Text, "", "role to assume; without it that of [collect]"),
    ("external_id", Kind::Text, "", "external id that the role asks for"),
];

const SUPPRESSIONS: &[Row] = &[
    ("detector", Kind::Detector, "", "the detector whose findings it is about; together with subject"),
    ("subject", Kind::Pattern, "", "pattern of what the finding is about: * any text, ? one character, [ab] one of these"),
    ("finding_id", Kind::FindingId, "", "the one finding it is about"),
    ("kind", Kind::Choice(&["accepted", "false-positive", "planned"]), "\"accepted\"", "what was decided"),
    ("reason", Kind::Text, "!", "why"),
    ("owner", Kind::Text, "", "who decided"),
    ("until", Kind::Day, "", "the day (UTC) from which on it no longer holds, judged at the window's end; findings from high on need it"),
];

const BASELINE: &[Row] = &[("report", Kind::Text, "!", "the report, a folder or jsonl, whose findings are accepted")];

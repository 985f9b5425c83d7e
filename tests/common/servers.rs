//! The stand-ins for AWS, a `collect` against them, and what a case then holds.

use casefile::units::Moment;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio},
};

/// The program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_casefile");

/// The servers, until they are dropped.
pub(crate) struct Servers {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// Where they listen.
    pub(crate) endpoint: String,
    /// What the control calls at the start were answered.
    pub(crate) answers: Vec<Value>,
}

impl Servers {
    /// Starts them; `None`, and a word on it, where Python or its packages are missing.
    pub(crate) fn start(test: &str, calls: &[Value]) -> Option<Self> {
        let serve = std::env::var("CASEFILE_AWS_SERVER").unwrap_or_else(|_| "tests/aws/serve".to_owned());
        let python = std::env::var("CASEFILE_PYTHON").unwrap_or_else(|_| "target/test-python/bin/python".to_owned());
        let mut command = Command::new(python);
        command.arg(serve).stdin(Stdio::piped()).stdout(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            println!("NOT RUN: {test}: no Python with the packages of tests/aws (tests/run installs them)");
            return None;
        };
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            println!("NOT RUN: {test}: the servers did not start");
            return None;
        };
        let endpoint = ready["endpoint"].as_str().unwrap().to_owned();
        let mut servers = Self { child, stdin, stdout, endpoint, answers: Vec::new() };
        // Not as arguments: thousands of objects are longer than an argument may be.
        servers.answers = calls.iter().map(|it| servers.control(it)).collect();
        Some(servers)
    }

    /// A control call, and its answer.
    pub(crate) fn control(&mut self, call: &Value) -> Value {
        writeln!(self.stdin.as_mut().unwrap(), "{call}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// How often an operation was called.
    pub(crate) fn calls(&mut self, operation: &str) -> u64 {
        self.control(&json!({"counters": true}))["counters"]["calls"][operation].as_u64().unwrap_or(0)
    }

    /// A `casefile collect` into `case`, below `folder`.
    pub(crate) fn collect(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.current_dir(folder).args(["collect", "--case", "case", "--endpoint-url", &self.endpoint]);
        command.args(["--retry-delay", "10", "--calls-per-second", "500"]).args(arguments).envs(login(folder));
        command
    }
}

/// A login that the servers take, and nothing of the machine's own.
pub(crate) fn login(folder: &Path) -> Vec<(&'static str, String)> {
    let nowhere = folder.join("no-such-file").display().to_string();
    vec![
        ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
        ("AWS_SESSION_TOKEN", "testing".to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_CONFIG_FILE", nowhere.clone()),
        ("AWS_SHARED_CREDENTIALS_FILE", nowhere),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

impl Drop for Servers {
    fn drop(&mut self) {
        // The end of their input ends them.
        drop(self.stdin.take());
        self.child.wait().unwrap();
    }
}

/// Seconds since 1970 as a command line takes them.
pub(crate) fn time(seconds: i64) -> String {
    Moment(seconds * casefile::units::SECOND).rfc3339()
}

/// The manifest of a case.
pub(crate) fn manifest(case: &Path) -> Value {
    serde_json::from_slice(&fs::read(case.join("manifest.json")).unwrap()).unwrap()
}

/// One event: milliseconds, stream, message.
pub(crate) type Event = (i64, String, String);

/// Every event of a log group that the complete parts of a case hold, each as often as it is stored.
pub(crate) fn events(case: &Path, group: &str) -> Vec<Event> {
    let manifest = manifest(case);
    let mut events = Vec::new();
    for unit in manifest["units"].as_object().unwrap().values().filter(|it| it["subject"] == group && it["state"] == "complete") {
        let before = events.len();
        for answer in answers(&case.join(unit["file"].as_str().unwrap())) {
            for event in answer["events"].as_array().into_iter().flatten() {
                let text = |key: &str| event[key].as_str().unwrap().to_owned();
                events.push((event["timestamp"].as_i64().unwrap(), text("logStreamName"), text("message")));
            }
            for row in answer["results"].as_array().into_iter().flatten() {
                let cells = row.as_array().unwrap();
                let text = |field: &str| cells.iter().find(|it| it["field"] == field).unwrap()["value"].as_str().unwrap().to_owned();
                events.push((Moment::parse(&text("@timestamp")).unwrap().moment.millis(), text("@logStream"), text("@message")));
            }
        }
        assert_eq!(unit["rows"].as_u64().unwrap(), (events.len() - before) as u64, "the manifest counts what is stored");
    }
    events.sort();
    events
}

/// The answers that a file of a case holds.
pub(crate) fn answers(file: &Path) -> Vec<Value> {
    let bytes = zstd::decode_all(fs::File::open(file).unwrap()).unwrap();
    serde_json::Deserializer::from_slice(&bytes).into_iter().map(Result::unwrap).collect()
}

/// The hash that the servers give for the same events.
pub(crate) fn digest(events: &[Event]) -> String {
    let mut hash = Sha256::new();
    for (millis, stream, message) in events {
        hash.update(format!("{millis}\t{stream}\t{message}\0"));
    }
    hash.finalize().iter().fold(String::new(), |text, it| text + &format!("{it:02x}"))
}

/// The evidence tables of a case, by their names, byte for byte.
pub(crate) fn evidence(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let out = folder.join("out");
    let output = Command::new(PROGRAM).current_dir(folder).args(["analyze", "case", "--out", "out", "--evidence"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut files = Vec::new();
    let mut folders = vec![out.join("evidence")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(&out).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Whether the sizes of the full proof are asked for, not those of every run.
pub(crate) fn at_full_size() -> bool {
    std::env::var_os("CASEFILE_FULL_SIZE").is_some()
}

/// What a run said on standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a run said on standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What is found in a path below `folder`; where it stands there is left out.
pub(crate) fn found_in(folder: &Path, path: &str) -> Vec<Value> {
    let output = Command::new(PROGRAM).current_dir(folder).args(["analyze", path, "--format", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut findings = report["findings"].as_array().unwrap().clone();
    for evidence in findings.iter_mut().flat_map(|it| it["evidence"].as_array_mut().unwrap()) {
        let evidence = evidence.as_object_mut().unwrap();
        evidence.remove("source").and(evidence.remove("locator")).unwrap();
    }
    findings
}

/// Dumps of two queries: one that was refused, and one with stages of which one carries the load.
pub(crate) fn athena_dumps(folder: &Path, submitted: i64) {
    let execution = |id: &str, state: &str, reason: Option<&str>, millis: i64| {
        let mut status = json!({"State": state, "SubmissionDateTime": time(submitted), "CompletionDateTime": time(submitted + 400)});
        if let Some(reason) = reason {
            status["StateChangeReason"] = json!(reason);
            status["AthenaError"] = json!({"ErrorCategory": 2, "ErrorType": 1500, "Retryable": false, "ErrorMessage": reason});
        }
        json!({
            "QueryExecutionId": id, "Query": "SELECT page, count(*) FROM shop.clicks GROUP BY page", "StatementType": "DML", "SubstatementType": "SELECT",
            "QueryExecutionContext": {"Database": "shop"}, "Status": status, "WorkGroup": "nightly",
            "Statistics": {"EngineExecutionTimeInMillis": millis, "DataScannedInBytes": 1_600_000_000, "TotalExecutionTimeInMillis": millis + 100},
        })
    };
    let refused = "User: arn:aws:sts::123456789012:assumed-role/report/x is not authorized to perform: glue:GetTable on resource: arn:aws:glue:us-east-1:123456789012:table/shop/clicks because no identity-based policy allows the glue:GetTable action (Service: AmazonDataCatalog; Status Code: 400; Error Code: AccessDeniedException; Request ID: 1; Proxy: null)";
    let batch = json!({"QueryExecutions": [
        execution("fc244891-6406-4cf6-a480-d7a7685ed517", "SUCCEEDED", None, 339_000),
        execution("5b1c9e74-08d3-4a6b-b2f1-6d7e0c93a815", "FAILED", Some(refused), 1_000),
    ], "UnprocessedQueryExecutionIds": []});
    fs::write(folder.join("batch-get-query-execution.json"), batch.to_string()).unwrap();
    let statistics = "get-query-runtime-statistics_fc244891-6406-4cf6-a480-d7a7685ed517.json";
    fs::copy(Path::new("fixtures/sources/athena-statistics/stages").join(statistics), folder.join(statistics)).unwrap();
}

/// Where a bucket would listen that lies in eu-west-1, whoever asks: the servers know one region.
pub(crate) fn moved_bucket() -> String {
    const BODY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message><Endpoint>lake.s3.eu-west-1.amazonaws.com</Endpoint><Bucket>lake</Bucket></Error>";
    const HEAD: &str =
        "HTTP/1.1 301 Moved Permanently\r\nx-amz-bucket-region: eu-west-1\r\nContent-Type: application/xml\r\nConnection: close";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut request) = (stream.unwrap(), [0; 8_192]);
            let _ = stream.read(&mut request).unwrap();
            write!(stream, "{HEAD}\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()).unwrap();
        }
    });
    endpoint
}

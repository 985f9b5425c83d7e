//! `casefile doctor`: what would be missing is told before anything is collected, with calls that cost nothing; and offline commands ask nobody.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Servers, login, stderr, stdout};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

const NIGHT: &[&str] = &["--since", "2026-08-13", "--until", "2026-08-15"];
const WANTED: &[&str] = &["--log-group", "airflow-shop-prod-Task", "--athena", "--workgroup", "nightly", "--s3", "s3://shop-raw/clicks/"];

/// Calls of collectors that start, stop or write something.
const NOT_FREE: &[&str] = &["StartQuery", "StopQuery", "StartQueryExecution", "StopQueryExecution", "ExecuteStatement", "CancelStatement"];

fn doctor(servers: &Servers, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
    command.current_dir(folder).args(["doctor", "--endpoint-url", &servers.endpoint, "--retry-delay", "5"]).args(arguments);
    command.envs(login(folder)).output().unwrap()
}

/// The checks of a source and an operation: how they look, and what they say.
fn checks(output: &Output, source: &str, call: &str) -> Vec<(String, String)> {
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |it: &&Value| it["source"] == source && it["call"] == call;
    let shown = |it: &Value| (it["outlook"].as_str().unwrap().to_owned(), it["says"].as_str().unwrap().to_owned());
    told["checks"].as_array().unwrap().iter().filter(of).map(shown).collect()
}

#[test]
fn what_would_come_is_told_without_a_call_that_costs() {
    let Some(mut servers) = Servers::start("doctor", &[json!({"night": {}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--last", "1d", "--format", "json", "--athena-table", "shop.clicks"];
    let output = doctor(&servers, folder.path(), &[&asked[..], WANTED].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    for (source, call) in [
        ("login", "GetCallerIdentity"),
        ("logs_raw", "DescribeLogGroups"),
        ("logs_raw", "FilterLogEvents"),
        ("athena", "ListQueryExecutions"),
        ("athena", "BatchGetQueryExecution"),
        ("athena", "GetQueryRuntimeStatistics"),
        ("s3", "ListObjectsV2"),
    ] {
        assert_eq!(checks(&output, source, call), [("ok".to_owned(), checks(&output, source, call)[0].1.clone())], "{source} {call}");
    }
    let files = checks(&output, "athena_files", "athena/files.sql");
    assert!(files[0].0 == "note" && files[0].1.contains("costs what it scans"), "{files:?}");
    assert!(stdout(&output).contains("athena:StartQueryExecution"), "what is not checked is named: {}", stdout(&output));
    for call in NOT_FREE {
        assert_eq!(servers.calls(call), 0, "{call}");
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is written");
}

#[test]
fn what_would_be_missing_is_told() {
    let seeds = [json!({"night": {"retention": 30}}), json!({"deny": ["athena:BatchGetQueryExecution", "s3:ListBucket"]})];
    let Some(mut servers) = Servers::start("gaps", &seeds) else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&servers, folder.path(), &[NIGHT, WANTED, &["--log-group", "not-there", "--format", "json"]].concat());
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
    let gap = |source: &str, call: &str, words: &str| {
        let found = checks(&output, source, call);
        assert!(found.iter().any(|it| it.0 == "gap" && it.1.contains(words)), "{source} {call} {words}: {found:?}");
    };
    gap("logs_raw", "FilterLogEvents", "events are kept for 30 days");
    gap("logs_raw", "FilterLogEvents", "ResourceNotFoundException");
    gap("athena", "BatchGetQueryExecution", "Athena keeps 45 days");
    gap("athena", "BatchGetQueryExecution", r#"casefile needs {"Effect":"Allow","Action":"athena:BatchGetQueryExecution""#);
    gap("s3", "ListObjectsV2", r#"casefile needs {"Effect":"Allow","Action":"s3:ListBucket""#);
    let text = stdout(&doctor(&servers, folder.path(), &[NIGHT, WANTED].concat()));
    assert!(text.contains("gap        s3             ListObjectsV2  s3://shop-raw/clicks/: "), "{text}");
    servers.control(&json!({"deny": null}));
}

const CLUSTER: &[&str] = &["--redshift-cluster", "shop-dwh", "--database", "shop", "--format", "json", "--last", "1d"];

#[test]
fn redshift_is_looked_at_without_a_statement() {
    let Some(mut servers) = Servers::start("redshift", &[json!({"night": {}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let secret = ["--secret-arn", "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf"];
    let output = doctor(&servers, folder.path(), &[CLUSTER, &secret].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    for call in ["DescribeStatement", "GetStatementResult", "ListDatabases"] {
        assert_eq!(checks(&output, "redshift", call)[0].0, "ok", "{call}: {}", stdout(&output));
    }
    assert!(stdout(&output).contains("redshift-data:ExecuteStatement"), "what is not checked is named: {}", stdout(&output));

    let look = |servers: &mut Servers, change: Value, call: &str| {
        servers.control(&change);
        let output = doctor(servers, folder.path(), &[CLUSTER, &secret].concat());
        (output.status.code(), checks(&output, "redshift", call).remove(0))
    };
    let refused = "User: arn:aws:sts::123456789012:assumed-role/reader/x is not authorized to perform: secretsmanager:GetSecretValue on resource: shop because no identity-based policy allows the secretsmanager:GetSecretValue action";
    let (code, (outlook, says)) = look(&mut servers, json!({"redshift": {"login_refusal": refused}}), "ListDatabases");
    assert_eq!((code, outlook.as_str()), (Some(3), "gap"), "{says}");
    assert!(says.starts_with("GetSecretValue answered") && says.contains(r#""Action":"secretsmanager:GetSecretValue""#), "{says}");
    let missing = json!({"redshift": {"login_refusal": null, "databases": ["other"]}});
    let (code, (outlook, says)) = look(&mut servers, missing, "ListDatabases");
    assert_eq!((code, outlook.as_str()), (Some(3), "gap"), "{says}");
    assert!(says.contains("database \"shop\" does not exist"), "{says}");
    let denied = json!({"redshift": {"databases": null}, "deny": ["redshift-data:DescribeStatement", "redshift-data:ListDatabases"]});
    let (code, (outlook, says)) = look(&mut servers, denied.clone(), "DescribeStatement");
    assert_eq!((code, outlook.as_str()), (Some(3), "gap"), "{says}");
    assert!(says.contains(r#"casefile needs {"Effect":"Allow","Action":"redshift-data:DescribeStatement""#), "{says}");
    let (_, (outlook, says)) = look(&mut servers, denied, "ListDatabases");
    assert!(outlook == "unchecked" && says.starts_with("the login was not tried: "), "{says}");

    servers.control(&json!({"deny": null}));
    let workgroup = ["--redshift-workgroup", "shop", "--database", "shop", "--format", "json", "--last", "1d"];
    let asked = servers.calls("ListDatabases");
    let output = doctor(&servers, folder.path(), &workgroup);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let (outlook, says) = checks(&output, "redshift", "ListDatabases").remove(0);
    assert!(outlook == "unchecked" && says.contains("may wake it"), "{says}");
    assert_eq!(servers.calls("ListDatabases"), asked, "what may wake a workgroup is not called");
    for call in NOT_FREE {
        assert_eq!(servers.calls(call), 0, "{call}");
    }
}

#[test]
fn what_levels_hide_and_which_calls_would_do_instead_is_told() {
    let Some(mut servers) = Servers::start("levels", &[json!({"night": {}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = [NIGHT, &["--mwaa-environment", "shop-prod", "--format", "json"]].concat();
    let says = |servers: &Servers, source: &str, call: &str| {
        let output = doctor(servers, folder.path(), &asked);
        (output.status.code(), checks(&output, source, call))
    };
    let (code, found) = says(&servers, "mwaa", "GetEnvironment");
    assert_eq!(code, Some(0), "{found:?}");
    let notes: Vec<&str> = found.iter().filter(|it| it.0 == "note").map(|it| it.1.as_str()).collect();
    assert_eq!(notes.len(), 1, "{found:?}");
    assert!(notes[0].starts_with("airflow-shop-prod-DAGProcessing is logged at WARNING: INFO lines"), "{notes:?}");
    let levels = json!({"Scheduler": "ERROR", "DAGProcessing": "INFO", "Worker": "INFO"});
    servers.control(&json!({"mwaa": {"name": "shop-prod", "levels": levels, "enabled": {"Worker": false}}}));
    let (_, found) = says(&servers, "mwaa", "GetEnvironment");
    let notes: Vec<&str> = found.iter().filter(|it| it.0 == "note").map(|it| it.1.as_str()).collect();
    assert_eq!(notes.len(), 2, "{found:?}");
    assert!(notes[0].starts_with("airflow-shop-prod-Scheduler is logged at ERROR"), "{notes:?}");
    assert!(notes[1].starts_with("airflow-shop-prod-Worker is switched off"), "{notes:?}");
    // One that cannot be asked is no gap: the groups are known by their names.
    servers.control(&json!({"deny": ["airflow:GetEnvironment"]}));
    let (code, found) = says(&servers, "mwaa", "GetEnvironment");
    assert_eq!(code, Some(0), "{found:?}");
    assert!(found[0].0 == "note" && found[0].1.contains(r#""Action":"airflow:GetEnvironment""#), "{found:?}");
    // Streams can be read where events may not be filtered; where neither may be, all is missing.
    servers.control(&json!({"deny": ["logs:FilterLogEvents"]}));
    let (code, found) = says(&servers, "logs_raw", "FilterLogEvents");
    assert!(
        code == Some(0) && found.iter().all(|it| it.0 == "note" && it.1.starts_with("its streams would be read one by one")),
        "{found:?}"
    );
    servers.control(&json!({"deny": ["logs:FilterLogEvents", "logs:GetLogEvents"]}));
    let (code, found) = says(&servers, "logs_raw", "FilterLogEvents");
    assert!(code == Some(3) && found.iter().any(|it| it.0 == "gap" && it.1.contains("is refused too")), "{found:?}");
}

#[test]
fn a_login_that_holds_no_longer_is_told_with_its_cure() {
    let Some(mut servers) = Servers::start("expired", &[json!({"night": {}})]) else { return };
    servers.control(&json!({"expired_token_from": 0}));
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&servers, folder.path(), WANTED);
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("ExpiredToken") && stdout(&output).contains("log in again"), "{}", stdout(&output));
    assert_eq!(servers.calls("ListObjectsV2"), 0, "nothing else is asked with a login that is refused");
    let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
    command.args(["doctor", "--endpoint-url", &servers.endpoint]).envs(login(folder.path()));
    let output = command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("no AWS login") && stdout(&output).contains("aws sso login"), "{}", stdout(&output));
}

#[test]
fn the_policy_is_narrowed_to_what_is_asked_for() {
    let Some(servers) = Servers::start("policy", &[json!({"night": {}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&servers, folder.path(), &[WANTED, &["--policy"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let policy: Value = serde_json::from_slice(&output.stdout).unwrap();
    let on = |sid: &str| policy["Statement"].as_array().unwrap().iter().find(|it| it["Sid"] == sid).map(|it| it["Resource"][0].clone());
    assert_eq!(on("Athena"), Some(json!("arn:aws:athena:us-east-1:123456789012:workgroup/nightly")));
    assert_eq!(on("LogsRaw"), Some(json!("arn:aws:logs:us-east-1:123456789012:log-group:airflow-shop-prod-Task")));
    assert_eq!(on("S3"), Some(json!("arn:aws:s3:::shop-raw")));
    assert_eq!(on("AthenaFiles"), None);
}

/// Every way that a program could take to the network leads to a listener that counts who comes.
#[test]
fn offline_commands_ask_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let trap = format!("http://{}", listener.local_addr().unwrap());
    let caught = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&caught);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("task.log"), "[2026-01-02T03:04:05.000+0000] {a.py:1} INFO - x\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
        command.current_dir(folder.path()).args(arguments).envs(login(folder.path())).env("AWS_PROFILE", "not-there");
        for variable in ["AWS_ENDPOINT_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env(variable, &trap);
        }
        // A container's login would be asked there.
        command.env_remove("AWS_ACCESS_KEY_ID").env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{trap}/login"));
        command.env("AWS_EC2_METADATA_DISABLED", "false").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &trap).output().unwrap()
    };
    let offline: [&[&str]; 7] =
        [&["analyze", "task.log"], &["demo"], &["detectors"], &["schema"], &["explain", "load-errors"], &["completions", "bash"], &["man"]];
    for command in offline {
        assert_eq!(run(command).status.code(), Some(0), "{command:?}");
    }
    assert_eq!(caught.load(Ordering::SeqCst), 0, "an offline command asked the network");
    // The trap does catch who asks.
    let asked = ["doctor", "--retry-delay", "1"];
    assert_eq!(run(&asked).status.code(), Some(3));
    assert!(caught.load(Ordering::SeqCst) > 0);
}

#[test]
fn where_nobody_answers_nothing_is_called_fine() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let ask = |command: &[&str], wanted: &[&str]| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_casefile"));
        run.args(command).args(["--endpoint-url", &nobody, "--retry-delay", "1", "--last", "1d"]).args(wanted);
        run.envs(login(folder.path())).output().unwrap()
    };
    for wanted in [&["--athena"][..], &["--log-group", "airflow-shop-prod-Task"], &["--s3", "s3://shop-raw/"]] {
        let output = ask(&["doctor", "--format", "json"], wanted);
        assert_eq!(output.status.code(), Some(3), "{wanted:?}: {}{}", stdout(&output), stderr(&output));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = told["checks"].as_array().unwrap();
        assert!(checks.iter().all(|it| it["outlook"] != "ok"), "{wanted:?}: {told}");
        assert!(
            checks.iter().any(|it| it["outlook"] == "gap" && it["says"].to_string().contains("brought no answer")),
            "{wanted:?}: {told}"
        );
        assert!(!checks.iter().any(|it| it["outlook"] == "unchecked" && it["call"].to_string().contains("ListWorkGroups")), "{told}");
    }
    // A plan that AWS was asked for in vain is no plan.
    let output = ask(&["collect", "--dry-run"], &["--athena"]);
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("ListWorkGroups brought no answer"), "{}", stdout(&output));
}

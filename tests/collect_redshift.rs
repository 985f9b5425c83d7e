//! Collecting Redshift's system views: every text runs on a real database, and what is refused, cut or hidden is said.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Servers, answers, evidence, manifest};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

const DUMPS: &str = "fixtures/stories/night/redshift";
const NIGHT: [&str; 4] = ["--since", "2026-08-14", "--until", "2026-08-15"];
const CLUSTER: [&str; 4] = ["--redshift-cluster", "shop-dwh", "--database", "shop"];

fn night() -> Value {
    json!({"warehouse_rows": {"folder": DUMPS}})
}

fn collect(servers: &Servers, folder: &Path, others: &[&str]) -> Output {
    servers.collect(folder, &[&NIGHT[..], &CLUSTER, others].concat()).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn succeeded(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(output), stderr(output));
}

fn analyze(folder: &Path, path: &str, format: &str) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_casefile"));
    command.current_dir(folder).args(["analyze", path, "--format", format]).output().unwrap()
}

fn report(folder: &Path, path: &str) -> Value {
    serde_json::from_slice(&analyze(folder, path, "json").stdout).unwrap()
}

/// What is found, apart from where it stands.
fn findings(folder: &Path, path: &str) -> Vec<Value> {
    let keys = ["finding_id", "detector", "title", "severity", "confidence", "facts", "occurrences", "first_seen", "last_seen", "impact"];
    let report = report(folder, path);
    let found = report["findings"].as_array().unwrap().iter();
    found.map(|it| keys.iter().map(|key| ((*key).to_owned(), it[*key].clone())).collect::<serde_json::Map<_, _>>().into()).collect()
}

/// The parts of a case, by the name of their text.
fn units(folder: &Path) -> BTreeMap<String, Vec<Value>> {
    let mut units: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for unit in manifest(&folder.join("case"))["units"].as_object().unwrap().values() {
        let name = unit["call"].as_str().unwrap().trim_start_matches("redshift/").trim_end_matches(".sql").to_owned();
        units.entry(name).or_default().push(unit.clone());
    }
    units
}

/// Every row of a view that a case holds.
fn rows(folder: &Path, view: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for unit in &units(folder)[view] {
        let before = rows.len();
        for answer in unit["file"].as_str().map_or(Vec::new(), |it| answers(&folder.join("case").join(it))) {
            rows.extend(answer["Records"].as_array().unwrap().iter().cloned());
        }
        assert_eq!(unit["rows"], json!(rows.len() - before), "the manifest counts what is stored");
    }
    rows
}

/// What the source reads of each view, from its own text: by the name of the view.
fn read_by_the_source() -> BTreeMap<String, BTreeSet<String>> {
    let text = |file: &str| fs::read_to_string(format!("src/sources/redshift_view/{file}.rs")).unwrap();
    let (list, files) = (text("mod"), ["rows", "errors"].map(|it| (it, text(it))));
    let mut read = BTreeMap::new();
    for line in list.lines().filter_map(|it| it.trim().strip_prefix("(&views::")) {
        let (view, put) = line.trim_end_matches("),").split_once(", ").unwrap();
        let (file, function) = put.split_once("::").unwrap();
        let code = &files.iter().find(|it| it.0 == file).unwrap().1;
        let body = code.split(&format!("fn {function}(")).nth(1).unwrap().split("\n}\n").next().unwrap();
        let mut columns = BTreeSet::new();
        for kind in ["text", "whole", "id", "moment", "lower", "flag", "real"] {
            let call = format!(".{kind}(\"");
            columns.extend(body.split(&call).skip(1).map(|it| it.split('"').next().unwrap().to_owned()));
        }
        // One of two columns, whichever is filled.
        for names in body.split("either(\"").skip(1) {
            columns.extend(names.split(')').next().unwrap().split('"').step_by(2).map(ToOwned::to_owned));
        }
        if view == "SYS_LOAD_DETAIL" {
            let places = code.split("LOAD_DETAIL: [&str; 7] =").nth(1).unwrap().split(']').next().unwrap();
            columns.extend(places.split('"').skip(1).step_by(2).map(ToOwned::to_owned));
        }
        if view == "STL_LOADERROR_DETAIL" {
            assert!(list.contains("record.whole(\"field\")"));
            columns.insert("field".to_owned());
        }
        columns.insert(if view.starts_with("SYS_") { "query_id" } else { "query" }.to_owned());
        read.insert(view.to_ascii_lowercase(), columns);
    }
    read
}

#[test]
fn every_text_runs_and_asks_for_exactly_what_is_read() {
    let Some(mut servers) = Servers::start("texts", &[night()]) else { return };
    let folder = tempfile::tempdir().unwrap();
    succeeded(&collect(&servers, folder.path(), &[]));
    let log = servers.control(&json!({"statements": true}));
    for statement in log["statements"].as_array().unwrap() {
        assert_eq!(statement["status"], "FINISHED", "{statement}");
    }
    let documented: Value = serde_json::from_str(&fs::read_to_string("tests/aws/views.json").unwrap()).unwrap();
    let read = read_by_the_source();
    let mut texts = 0;
    for file in fs::read_dir("queries/redshift").unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("visibility") {
            continue;
        }
        let unit = &units(folder.path())[&name][0];
        let answer = answers(&folder.path().join("case").join(unit["file"].as_str().unwrap())).remove(0);
        let asked: BTreeSet<String> =
            answer["ColumnMetadata"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        let known = documented[&name]["columns"].as_str().unwrap().replace('"', "");
        let known: BTreeSet<&str> = known.split(", ").filter_map(|it| it.split(' ').next()).collect();
        // Dumps may hold more than the view itself: what a join adds cannot be asked of it.
        let wanted: BTreeSet<String> = read[&name].iter().filter(|it| known.contains(it.as_str())).cloned().collect();
        assert_eq!(asked, wanted, "{name}");
        texts += 1;
    }
    assert_eq!(texts, 17);
}

#[test]
fn a_case_says_what_the_dumps_say() {
    let dumps = std::path::absolute(DUMPS).unwrap();
    let harmless = json!({});
    let throttled = json!({"throttle": {"share": 0.5, "seed": 7}});
    let ill = json!({"error_500": {"share": 0.1, "seed": 1}, "reset_before": {"share": 0.05, "seed": 2}, "reset_middle": {"share": 0.05, "seed": 4}});
    let crowded = json!({"redshift": {"active_limit": 1, "run_seconds": 0.02}});
    for (case, fault) in [("calm", harmless), ("half throttled", throttled), ("ill service", ill), ("one at a time", crowded)] {
        let Some(mut servers) = Servers::start(case, &[night(), fault]) else { return };
        let folder = tempfile::tempdir().unwrap();
        succeeded(&collect(&servers, folder.path(), &[]));
        assert_eq!(analyze(folder.path(), "case", "text").status.code(), Some(0));
        let (of_case, of_dumps) = (findings(folder.path(), "case"), findings(folder.path(), dumps.to_str().unwrap()));
        assert_eq!(of_dumps.len(), 3);
        assert_eq!(of_case, of_dumps, "{case}");
        let counters = servers.control(&json!({"counters": true}))["counters"].clone();
        assert_eq!(counters["model_faults"], json!([]));
        let refused =
            counters["refusals"].as_array().unwrap().iter().filter(|it| it["code"] == "ActiveStatementsExceededException").count();
        assert_eq!(refused > 0, case == "one at a time", "{counters}");
        println!("{case}: {} calls, {} refused for too many statements", counters["total"], refused);
    }
}

/// Loads by the minute from midnight on, each of this many files.
fn many_loads(folder: &Path, loads: usize, files: usize) -> Value {
    let mut history =
        "user_id,query_id,transaction_id,database_name,table_name,status,start_time,end_time,duration,data_source,source_file_count\n"
            .to_owned();
    let mut detail = "user_id,query_id,file_name,bytes_scanned,lines_scanned,splits_scanned,start_time,end_time,record_time\n".to_owned();
    let mut queries =
        "user_id,query_id,transaction_id,database_name,query_type,status,start_time,end_time,elapsed_time,query_text\n".to_owned();
    for load in 0..loads {
        let (start, end) =
            (format!("2026-08-14 {:02}:{:02}:00", load / 60, load % 60), format!("2026-08-14 {:02}:{:02}:30", load / 60, load % 60));
        writeln!(
            history,
            "102,{},{},shop,clicks,completed,{start},{end},30000000,s3://shop-raw/clicks/{load}/,{files}",
            1000 + load,
            9000 + load
        )
        .unwrap();
        writeln!(
            queries,
            "102,{},{},shop,COPY,success,{start},{end},30000000,COPY clicks FROM 's3://shop-raw/clicks/{load}/' CSV",
            1000 + load,
            9000 + load
        )
        .unwrap();
        for file in 0..files {
            writeln!(detail, "102,{},s3://shop-raw/clicks/{load}/part-{file:05}.csv,1048576,1000,1,{start},{end},{end}", 1000 + load)
                .unwrap();
        }
    }
    for (name, text) in [("sys_load_history.csv", history), ("sys_load_detail.csv", detail), ("sys_query_history.csv", queries)] {
        fs::write(folder.join(name), text).unwrap();
    }
    json!({"warehouse_rows": {"folder": folder}})
}

#[test]
fn a_result_comes_page_by_page_and_in_parts_where_it_is_too_large() {
    let dumps = tempfile::tempdir().unwrap();
    let (loads, files) = (300, 10);
    let Some(mut servers) = Servers::start("pages", &[many_loads(dumps.path(), loads, files)]) else { return };
    let whole = tempfile::tempdir().unwrap();
    succeeded(&collect(&servers, whole.path(), &[]));
    let unit = &units(whole.path())["sys_load_detail"][0];
    let pages = answers(&whole.path().join("case").join(unit["file"].as_str().unwrap()));
    assert_eq!(pages.len(), 3, "a thousand rows a page");
    assert!(pages[0].to_string().len() > 64 << 10, "the names of the columns stand far behind the beginning");
    let mut expected = rows(whole.path(), "sys_load_detail");
    assert_eq!(expected.len(), loads * files);
    // All pages are read, and that each of them names the next one makes nothing incomplete.
    assert_eq!(analyze(whole.path(), "case", "text").status.code(), Some(0));
    let input = |folder: &Path| -> u64 {
        let report = report(folder, "case");
        let inputs = report["inputs"].as_array().unwrap().iter().filter(|it| it["path"].as_str().unwrap().contains("sys_load_detail"));
        inputs.map(|it| it["parsed"].as_u64().unwrap()).sum()
    };
    assert_eq!(input(whole.path()), (loads * files) as u64);

    servers.control(&json!({"redshift": {"result_bytes_cap": 30_000, "page_rows": 100}}));
    let cut = tempfile::tempdir().unwrap();
    succeeded(&collect(&servers, cut.path(), &[]));
    let parts = units(cut.path())["sys_load_detail"].len();
    assert!(parts > 10, "{parts}");
    let mut found = rows(cut.path(), "sys_load_detail");
    for rows in [&mut found, &mut expected] {
        rows.sort_by_key(Value::to_string);
    }
    assert_eq!(found, expected, "every row once");
    assert_eq!(input(cut.path()), (loads * files) as u64);
    assert_eq!(findings(cut.path(), "case"), findings(whole.path(), "case"));
    println!("cap of 30 kB: {parts} parts of {} rows", found.len());

    // What cannot be cut any more is refused, and said.
    servers.control(&json!({"redshift": {"result_bytes_cap": 300}}));
    let tiny = tempfile::tempdir().unwrap();
    let output = servers
        .collect(tiny.path(), &[&["--since", "2026-08-14T00:05:00Z", "--until", "2026-08-14T00:05:02Z"][..], &CLUSTER].concat())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
    let wanted = "refused: redshift/sys_load_detail.sql of shop-dwh from 2026-08-14T00:05:00.000Z to 2026-08-14T00:05:01.000Z";
    assert!(stdout(&output).contains(wanted), "{}", stdout(&output));
}

#[test]
fn what_a_cluster_lacks_costs_that_view_alone() {
    let changes = json!({"warehouse": {
        "drop_view": ["sys_load_history", "sys_query_text"],
        "drop_column": "sys_query_history.compute_type",
        "revoke": "sys_external_query_detail",
    }});
    for suffix in ["", " [{sqlstate}]"] {
        let user = json!({"warehouse_user": {"name": "etl", "id": 102, "syslog": "UNRESTRICTED", "grants": ["svv_table_info"]}});
        let settings = json!({"redshift": {"error_suffix": suffix}});
        let Some(mut servers) = Servers::start("lacks", &[night(), user, changes.clone(), settings]) else { return };
        let folder = tempfile::tempdir().unwrap();
        let output = collect(&servers, folder.path(), &["--db-user", "etl"]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        let said = stdout(&output);
        for words in [
            "there is no sys_load_history; stl_load_commits tells instead, of the main cluster alone",
            "sys_query_history has no column compute_type, and was read without it",
            "answered 42P01: ERROR: relation \"sys_query_text\" does not exist",
            "statements beyond their first 4,000 characters cannot be told without it",
            "answered 42501: ERROR: permission denied for relation sys_external_query_detail",
            "GRANT SELECT ON sys_external_query_detail to the user",
        ] {
            assert!(said.contains(words), "{words}\n{said}");
        }
        let units = units(folder.path());
        let state = |view: &str| units[view][0]["state"].as_str().unwrap();
        for view in ["sys_load_history", "sys_query_history", "stl_query", "stv_slices", "svv_table_info", "sys_load_error_detail"] {
            assert_eq!(state(view), "complete", "{view}");
        }
        for view in ["sys_query_text", "sys_external_query_detail"] {
            assert_eq!(state(view), "refused", "{view}");
        }
        let states: BTreeSet<String> = servers.control(&json!({"statements": true}))["statements"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|it| it["sqlstate"].as_str().map(ToOwned::to_owned))
            .collect();
        assert_eq!(states, ["42501", "42703", "42P01"].map(ToOwned::to_owned).into());
        let output = analyze(folder.path(), "case", "text");
        assert_eq!(output.status.code(), Some(3));
        // What the administrator mended is brought later, and nothing else is asked again.
        servers.control(&json!({"warehouse": {"restore": true}, "forget": true}));
        let output = collect(&servers, folder.path(), &["--db-user", "etl", "--resume"]);
        succeeded(&output);
        assert_eq!(servers.calls("ExecuteStatement"), 2);
    }
}

#[test]
fn whose_rows_were_visible_is_said() {
    let Some(mut servers) = Servers::start("visibility", &[night()]) else { return };
    let user = |more: Value| {
        let mut user = json!({"name": "etl", "id": 102, "syslog": "RESTRICTED", "roles": [], "grants": ["svv_table_info"]});
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"warehouse_user": user})
    };
    for (more, sees_all) in [
        (json!({}), false),
        (json!({"syslog": "UNRESTRICTED"}), true),
        (json!({"roles": ["reader"]}), false),
        (json!({"roles": ["reader", "sys:monitor"]}), true),
        (json!({"superuser": true}), true),
    ] {
        servers.control(&user(more.clone()));
        let folder = tempfile::tempdir().unwrap();
        let output = collect(&servers, folder.path(), &["--db-user", "etl"]);
        assert_eq!(output.status.code(), Some(if sees_all { 0 } else { 3 }), "{more}: {}{}", stdout(&output), stderr(&output));
        let unit = units(folder.path())["visibility"][0].clone();
        assert_eq!(unit["detail"], json!({"user": "etl", "sees_all": sees_all}));
        let output = analyze(folder.path(), "case", "json");
        assert_eq!(output.status.code(), Some(if sees_all { 0 } else { 3 }), "{more}");
        assert_eq!(stdout(&output).contains("only your own rows were visible"), !sees_all);
    }
    // Another user has no rows at all, and that is not clean.
    servers.control(&json!({"warehouse_user": {"name": "guest", "id": 150, "grants": ["svv_table_info"]}}));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(collect(&servers, folder.path(), &["--db-user", "guest"]).status.code(), Some(3));
    assert!(rows(folder.path(), "sys_query_history").is_empty());
    assert_eq!(analyze(folder.path(), "case", "text").status.code(), Some(3));
}

#[test]
fn serverless_is_asked_for_its_views_with_a_secret() {
    let settings = json!({"redshift": {"workgroups": ["shop"], "clusters": []}, "warehouse": {"serverless": true}});
    let Some(mut servers) = Servers::start("serverless", &[night(), settings]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf";
    let asked = ["--redshift-workgroup", "shop", "--database", "shop", "--secret-arn", secret];
    let output = servers.collect(folder.path(), &[&NIGHT[..], &asked].concat()).output().unwrap();
    succeeded(&output);
    assert!(units(folder.path()).keys().all(|it| it.starts_with("sys_") || it == "svv_table_info" || it == "visibility"));
    assert!(findings(folder.path(), "case").iter().any(|it| it["detector"] == "single-file-copy"));
    assert_eq!(servers.calls("ExecuteStatement"), 9);
    let other = tempfile::tempdir().unwrap();
    let asked = ["--redshift-workgroup", "shop", "--database", "shop", "--db-user", "etl"];
    let output = servers.collect(other.path(), &[&NIGHT[..], &asked].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_permission_that_is_missing_stops_only_redshift() {
    let logs = json!({"airflow": {"folder": "fixtures/stories/night/airflow", "environment": "shop-prod"}});
    let denied = json!({"deny": ["redshift-data:ExecuteStatement"]});
    let Some(mut servers) = Servers::start("denied", &[night(), logs, denied]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = collect(&servers, folder.path(), &["--log-group", "airflow-shop-prod-Task"]);
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    let wanted = r#"casefile needs {"Effect":"Allow","Action":"redshift-data:ExecuteStatement","Resource":"*"}"#;
    let said = stdout(&output);
    assert!(said.contains(wanted), "{said}");
    assert_eq!(said.lines().filter(|it| it.starts_with("  refused: ")).count(), 1, "said once for all views: {said}");
    assert!(
        said.contains("of shop-dwh from 2026-08-14T00:00:00.000Z to 2026-08-15T00:00:00.000Z and 17 more parts: ")
            || said.contains("of shop-dwh and 17 more parts: "),
        "{said}"
    );
    for unit in manifest(&folder.path().join("case"))["units"].as_object().unwrap().values() {
        let state = if unit["collector"] == "redshift" { "refused" } else { "complete" };
        assert_eq!(unit["state"], state, "{unit}");
    }
    assert_eq!(analyze(folder.path(), "case", "text").status.code(), Some(3));
    servers.control(&json!({"deny": null}));
    succeeded(&servers.collect(folder.path(), &["--resume"]).output().unwrap());
    assert_eq!(findings(folder.path(), "case").iter().filter(|it| it["detector"] == "single-file-copy").count(), 2);
}

#[test]
fn a_collection_that_is_killed_again_and_again_ends_with_the_same_evidence() {
    let slow = json!({"slow": {"share": 0.5, "seed": 1, "seconds": 0.03}});
    let Some(servers) = Servers::start("kills", &[night(), slow]) else { return };
    let whole = tempfile::tempdir().unwrap();
    succeeded(&collect(&servers, whole.path(), &[]));
    let folder = tempfile::tempdir().unwrap();
    let mut killed = 0;
    for wait in (60..).step_by(70) {
        let resume: &[&str] = if folder.path().join("case/manifest.json").exists() { &["--resume"] } else { &[] };
        let mut command = servers.collect(folder.path(), &[&NIGHT[..], &CLUSTER, resume].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if killed < 5 {
            std::thread::sleep(Duration::from_millis(wait));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                killed += 1;
            }
        }
        if child.wait().unwrap().success() {
            break;
        }
    }
    let names = |folder: &Path| manifest(&folder.join("case"))["units"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(whole.path()), names(folder.path()));
    assert!(evidence(whole.path()) == evidence(folder.path()), "the evidence tables differ");
    println!("kills: {killed} kills and resumes, evidence tables as without");
}

#[test]
fn statements_of_a_collection_that_was_killed_are_waited_for_and_not_run_again() {
    let Some(mut servers) = Servers::start("killed", &[night(), json!({"redshift": {"run_seconds": 3}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = [&NIGHT[..], &CLUSTER, &["--concurrency", "2"]].concat();
    let mut child = servers.collect(folder.path(), &asked).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let started = |folder: &Path| {
        let case = folder.join("case/manifest.json");
        case.exists()
            && manifest(&folder.join("case"))["units"].as_object().unwrap().values().filter(|it| it["query"].is_string()).count() == 2
    };
    while !started(folder.path()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let sent = servers.calls("ExecuteStatement");
    servers.control(&json!({"redshift": {"run_seconds": 0}}));
    succeeded(&servers.collect(folder.path(), &["--resume"]).output().unwrap());
    let parts = manifest(&folder.path().join("case"))["units"].as_object().unwrap().len() as u64;
    // Those of the two that were under way were sent before, and not again.
    let complete_before = sent - 2;
    assert_eq!(servers.calls("ExecuteStatement"), parts, "{complete_before} were complete when it was killed");
    let units = manifest(&folder.path().join("case"))["units"].clone();
    assert!(units.as_object().unwrap().values().all(|it| it["query"].is_null()), "what is here waits for nothing");
}

#[cfg(unix)]
#[test]
fn an_interrupted_collection_leaves_no_statement_running() {
    let Some(mut servers) = Servers::start("interrupted", &[night(), json!({"redshift": {"run_seconds": 600}})]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut command = servers.collect(folder.path(), &[&NIGHT[..], &CLUSTER, &["--concurrency", "2"]].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while servers.calls("DescribeStatement") < 6 {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert_eq!(servers.calls("CancelStatement"), 2);
    let running = |servers: &mut Servers| {
        let log = servers.control(&json!({"statements": true}));
        log["statements"].as_array().unwrap().iter().filter(|it| it["status"] != "ABORTED").count()
    };
    while running(&mut servers) > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    servers.control(&json!({"redshift": {"run_seconds": 0}}));
    succeeded(&collect(&servers, folder.path(), &["--resume"]));
}

#[test]
fn a_dry_run_lists_the_statements_and_sends_none() {
    let Some(mut servers) = Servers::start("dry run", &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = collect(&servers, folder.path(), &["--dry-run"]);
    succeeded(&output);
    let said = stdout(&output);
    let wanted = "redshift redshift/sys_load_history.sql of shop-dwh from 2026-08-14T00:00:00.000Z to 2026-08-15T00:00:00.000Z";
    assert!(said.contains(wanted), "{said}");
    for file in fs::read_dir("queries/redshift").unwrap() {
        let path = file.unwrap().path();
        let name = format!("redshift/{}", path.file_name().unwrap().to_str().unwrap());
        assert!(said.contains(&format!("{name}:\n{}", fs::read_to_string(path).unwrap())), "{name}\n{said}");
    }
    assert_eq!(servers.calls("ExecuteStatement"), 0);
    assert!(!folder.path().join("case").exists());
}

#[test]
fn what_is_older_than_the_views_keep_is_not_clean() {
    let Some(servers) = Servers::start("retention", &[night()]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let asked = ["--since", "2020-01-01", "--until", "2020-03-01"];
    let output = servers.collect(folder.path(), &[&asked[..], &CLUSTER].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("no query of that time is known any more: system views keep 7 days"), "{}", stdout(&output));
    let output = analyze(folder.path(), "case", "text");
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
}

//! What others read of a lake: pyarrow and `DuckDB` see the same rows, and the ready questions give what was put in.

use crate::{DAY, FEW, MANY, casefile, common::servers::at_full_size, folder_in_memory, into_folder, midnight, night, report};
use casefile::{
    finding::{Change, Finding, Past, Severity, Suppression},
    publish::{self, Destination, QUERIES},
    report::{Report, parquet::LAKE},
    units::Moment,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

/// Has pyarrow and `DuckDB` read a lake and answer questions; `None`, and a word on it, where Python is missing.
fn read(test: &str, lake: &Path, questions: &Value) -> Option<Value> {
    let python = std::env::var("CASEFILE_PYTHON").unwrap_or_else(|_| "target/test-python/bin/python".to_owned());
    let child = Command::new(python).arg("tests/readers/check_lake.py").arg(lake).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        println!("NOT RUN: {test}: no Python with pyarrow and DuckDB (tests/run installs them)");
        return None;
    };
    write!(child.stdin.take().unwrap(), "{questions}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{test}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Every ready question of a night, by its name.
fn questions(date: &str) -> Value {
    let all: BTreeMap<&str, String> = QUERIES.iter().map(|it| (it.name, it.sql(date, None).unwrap())).collect();
    json!(all)
}

/// What earlier nights say of every finding.
fn remembered(report: &mut Report, change: Change, since: &str, nights: u64) {
    for it in report.verdicts.iter_mut().flat_map(|it| &mut it.findings) {
        it.standing.past = Some(Past { change, first_seen: Some(midnight(since)), nights_seen: Some(nights) });
    }
}

/// The detector whose first finding is suppressed.
const SUPPRESSED: &str = "partition-skew";

/// A quarter of nights: few findings up to the 20th of March, many from then on; one of them is suppressed on the last.
fn quarter(folder: &Path) -> Report {
    let (mut few, mut many) = (report(FEW), report(MANY));
    let mut nights = Vec::new();
    let (first, turn, last) = ("2026-01-01", "2026-03-20", "2026-03-31");
    for at in 0..90 {
        let day = Moment(midnight(first).0 + at * DAY).day();
        let (current, since) = if day.as_str() < turn { (&mut few, first) } else { (&mut many, turn) };
        let nights_seen = u64::try_from((midnight(&day).0 - midnight(since).0) / DAY + 1).unwrap();
        remembered(current, if day == since { Change::New } else { Change::Persisting }, since, nights_seen);
        if day == last {
            let found = current.verdicts.iter_mut().flat_map(|it| &mut it.findings).find(|it| it.detector == SUPPRESSED).unwrap();
            let kind = "accepted".to_owned();
            found.standing.suppression = Some(Suppression { kind, reason: "known".to_owned(), owner: None, until: None });
        }
        nights.push(night(current, &day, &format!("prod-{day}")));
    }
    into_folder(folder, &nights);
    many
}

#[test]
fn ready_questions_are_answered_the_same_before_and_after_months_are_merged() {
    let lake = folder_in_memory();
    let many = quarter(lake.path());
    let (open, all) = (many.findings().len() as u64 - 1, many.findings());
    let Some(before) = read("questions", lake.path(), &questions("2026-03-31")) else { return };
    for table in LAKE {
        let columns: Vec<&str> = table.columns.iter().map(|it| it.name).collect();
        assert_eq!(before["tables"][table.name]["columns"], json!(columns), "{}", table.name);
    }
    let answer = |name: &str| before["answers"][name].as_array().unwrap().clone();
    let ids = |name: &str| answer(name).iter().map(|it| it["finding_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert!(answer("new_today").is_empty());
    assert_eq!(ids("worst").len() as u64, open.min(20));
    let impacts: Vec<f64> = answer("worst").iter().map(|it| it["impact_seconds"].as_f64().unwrap_or(-1.0)).collect();
    assert!(impacts.is_sorted_by(|one, other| one >= other), "{impacts:?}");
    let suppressed = all.iter().find(|it| it.standing.suppression.is_some()).unwrap();
    assert_eq!(ids("suppressed"), std::slice::from_ref(&suppressed.finding_id));
    assert!(answer("suppressed")[0]["suppression"].as_str().unwrap().contains("known"));
    assert!(!ids("worst").contains(&suppressed.finding_id));
    let trend = answer("trend");
    assert_eq!((trend.len(), &trend[0]["run_date"], &trend[29]["run_date"]), (30, &json!("2026-03-02"), &json!("2026-03-31")));
    assert_eq!(trend[29]["open_findings"], open);
    assert_eq!(trend[18]["new_findings"], many.findings().len(), "on the 20th they were new");
    let severe = all.iter().filter(|it| it.severity >= Severity::High && it.finding_id != suppressed.finding_id).count();
    assert_eq!(trend[29]["severe_findings"], severe);
    // First seen on the 20th: eleven days ago.
    assert_eq!(ids("open_longer").len() as u64, open);
    let roles: Vec<Value> = answer("by_role");
    let refused: Vec<_> = all.iter().filter(|it| it.detector == "access-denied").collect();
    assert_eq!(roles.iter().map(|it| it["findings"].as_u64().unwrap()).sum::<u64>(), refused.len() as u64);
    let instances: usize = refused.iter().map(|it| it.instances.len()).sum();
    assert_eq!(roles.iter().map(|it| it["refusals"].as_u64().unwrap()).sum::<u64>(), 7 * instances as u64);
    let of_dags = |it: &Finding| it.instances.iter().filter(|it| it.get("dag_id").is_some_and(Value::is_string)).count();
    let hits = all.iter().map(|it| of_dags(it) * if it.finding_id == suppressed.finding_id { 6 } else { 7 }).sum::<usize>();
    assert!(hits > 0);
    assert_eq!(answer("by_dag").iter().map(|it| it["hits"].as_u64().unwrap()).sum::<u64>(), hits as u64);
    let nights: Vec<u64> = answer("by_table").iter().map(|it| it["nights"].as_u64().unwrap()).collect();
    assert!(nights.iter().all(|it| *it == 7 || *it == 6) && nights.contains(&7), "{nights:?}");
    let blind = |it: &Report| it.verdicts.iter().filter(|it| it.verdict == "not-assessed").count();
    let unread = |it: &Report| it.coverage.iter().filter(|it| !it.problems.is_empty()).count();
    let few = report(FEW);
    assert_eq!(answer("incomplete").len(), 18 * (blind(&few) + unread(&few)) + 12 * (blind(&many) + unread(&many)));
    let first = read("questions of a first night", lake.path(), &questions("2026-03-20")).unwrap();
    assert_eq!(first["answers"]["new_today"].as_array().unwrap().len(), all.len());
    let dates = ["2026-03-31", "2026-03-20", "2026-02-03", "2026-01-31"];
    let split = dates.map(|date| read("questions before merging", lake.path(), &questions(date)).unwrap());
    assert_eq!(publish::compact(&Destination::new(lake.path().to_str().unwrap()), false).unwrap().months.len(), 2);
    for (date, split) in dates.into_iter().zip(split) {
        let merged = read("questions after merging", lake.path(), &questions(date)).unwrap();
        assert!(merged["answers"] == split["answers"], "{date}");
        for table in LAKE {
            assert_eq!(merged["tables"][table.name]["rows"], split["tables"][table.name]["rows"], "{}", table.name);
        }
    }
}

/// Ten years of nights with a hundred findings each, and how long every question takes before and after months are merged:
/// `CASEFILE_FULL_SIZE=1 cargo test --test publish ten_years -- --nocapture`. Without that, ten weeks of them.
#[test]
fn ten_years_of_nights_answer_every_question() {
    let days = if at_full_size() { 3_650 } else { 70 };
    let folder = tempfile::tempdir().unwrap();
    let mut hundred = report(MANY);
    let model = hundred.findings()[0].clone();
    let verdict = hundred.verdicts.iter_mut().find(|it| it.detector.id == model.detector).unwrap();
    while verdict.findings.len() < 100 {
        let mut finding = model.clone();
        finding.finding_id = format!("f1:{:016x}", verdict.findings.len());
        verdict.findings.push(finding);
    }
    let first = midnight("2016-11-01").0;
    for at in 0..days {
        let day = Moment(first + at * DAY).day();
        remembered(&mut hundred, Change::Persisting, "2016-11-01", 9);
        // Publishing each would list all of them before: what it writes is written here.
        for (table, bytes) in night(&mut hundred, &day, &format!("prod-{day}")).files {
            let place = folder.path().join(format!("{table}/dt={day}"));
            fs::create_dir_all(&place).unwrap();
            fs::write(place.join(format!("prod-{day}.parquet")), bytes).unwrap();
        }
    }
    let last = Moment(first + (days - 1) * DAY).day();
    let Some(before) = read("ten years", folder.path(), &questions(&last)) else { return };
    let began = std::time::Instant::now();
    let told = publish::compact(&Destination::new(folder.path().to_str().unwrap()), false).unwrap();
    let merging = began.elapsed();
    let after = read("ten years merged", folder.path(), &questions(&last)).unwrap();
    assert!(before["answers"] == after["answers"] && before["tables"] == after["tables"], "merging changes no answer");
    println!("{days} nights, {} findings; {} months merged in {merging:.1?}", before["tables"]["findings"]["rows"], told.months.len());
    for query in QUERIES {
        println!("{:<12} {:>8} s, merged {:>8} s", query.name, before["seconds"][query.name], after["seconds"][query.name]);
    }
}

#[test]
fn questions_are_printed_as_they_are_asked() {
    let output = casefile(&["athena", "queries", "--date", "2026-03-05", "--database", "night"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    let wanted: Vec<String> = QUERIES.iter().map(|it| it.sql("2026-03-05", Some("night")).unwrap() + ";\n").collect();
    assert_eq!(printed, wanted.join("\n"));
    let one = casefile(&["athena", "queries", "worst", "--date", "2026-03-05"]);
    assert_eq!(String::from_utf8(one.stdout).unwrap().matches(';').count(), 1);
}

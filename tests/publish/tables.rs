//! Tables in Athena: made with the columns of the files, added to, never taken from; what is refused leaves nothing visible.

use crate::{
    FEW, casefile,
    common::servers::{stderr, stdout},
    into_folder, night, report,
    s3::Bench,
};
use casefile::report::parquet::LAKE;
use serde_json::{Value, json};

const ATHENA: &[&str] = &["--database", "night", "--output", "s3://lake/results/"];

/// Columns of the lake's table as Athena tells them, all or the first ones.
fn columns(table: &str, count: usize) -> Vec<Value> {
    let table = LAKE.iter().find(|it| it.name == table).unwrap();
    table.columns.iter().take(count).map(|it| json!([it.name, it.kind.ddl()])).collect()
}

fn glue(bench: &mut Bench) -> Value {
    bench.servers.control(&json!({"glue": true}))["glue"].clone()
}

#[test]
fn tables_are_made_once_with_the_columns_of_the_files() {
    let Some(mut bench) = Bench::new("tables of Athena") else { return };
    let output = bench.publish("old", "s3://lake/x", ATHENA);
    let words = stderr(&output);
    assert!(output.status.code() == Some(6) && words.contains("Database does not exist") && words.contains("--create-database"), "{words}");
    assert!(bench.seen("x/").is_empty());
    let made = [ATHENA, &["--create-database"]].concat();
    let output = bench.publish("old", "s3://lake/x", &made);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with("Athena: CREATE DATABASE IF NOT EXISTS night\nAthena: CREATE EXTERNAL TABLE"),
        "{}",
        stdout(&output)
    );
    let tables = glue(&mut bench);
    for table in LAKE {
        let made = &tables[format!("night.{}", table.name)];
        assert_eq!(made["columns"], json!(columns(table.name, usize::MAX)), "{}", table.name);
        assert_eq!(made["partitions"], json!([["dt", "string"]]));
        assert_eq!(made["location"], format!("s3://lake/x/{}/", table.name));
    }
    let before = bench.servers.calls("StartQueryExecution");
    let output = bench.publish("new", "s3://lake/x", &made);
    assert_eq!((output.status.code(), bench.servers.calls("StartQueryExecution")), (Some(0), before), "{}", stderr(&output));
    assert_eq!(bench.servers.control(&json!({"counters": true}))["counters"]["model_faults"], json!([]));
    // What is printed is what is run.
    let printed = stdout(&casefile(&["athena", "ddl", "--to", "s3://lake/x/", "--database", "night", "--create-database"]));
    assert_eq!(printed.matches(";\n").count(), 6);
    for (table, made) in tables.as_object().unwrap() {
        let statement = printed.split(";\n").find(|it| it.contains(&format!("EXISTS {table} ("))).unwrap();
        for (key, value) in made["properties"].as_object().unwrap().iter().filter(|it| it.0 != "EXTERNAL") {
            assert!(statement.contains(&format!("'{key}' = {}", value.to_string().replace('"', "'"))), "{statement}");
        }
    }
}

#[test]
fn older_tables_get_what_they_lack_and_others_are_left_alone() {
    let Some(mut bench) = Bench::new("tables that are there") else { return };
    let seed = |database: &str, columns: Vec<Value>, location: &str, partitions: Value| json!({"glue_table": {"database": database, "name": "findings", "columns": columns, "location": location, "partitions": partitions}});
    let (dt, place) = (json!([["dt", "string"]]), "s3://lake/x/findings/");
    bench.servers.control(&seed("night", columns("findings", 30), place, dt.clone()));
    let output = bench.publish("old", "s3://lake/x", ATHENA);
    assert!(stdout(&output).contains("Athena: ALTER TABLE night.findings ADD COLUMNS ("), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(glue(&mut bench)["night.findings"]["columns"], json!(columns("findings", usize::MAX)));
    let and = |more: Value| columns("findings", 30).into_iter().chain([more]).collect::<Vec<_>>();
    let cases = [
        ("other_column", and(json!(["owner", "string"])), place, dt.clone(), "has a column owner that casefile does not know"),
        ("other_type", vec![json!(["severity", "bigint"])], place, dt.clone(), "has the column severity as bigint, not string"),
        (
            "other_place",
            columns("findings", 30),
            "s3://lake/y/findings/",
            dt,
            "lies at s3://lake/y/findings/, not at s3://lake/x/findings/",
        ),
        ("other_parts", columns("findings", 30), place, json!([["dt", "date"]]), "is not partitioned by dt string"),
    ];
    let seen = bench.seen("x/");
    for (database, columns, location, partitions, wanted) in cases {
        bench.servers.control(&seed(database, columns, location, partitions));
        let before = glue(&mut bench);
        let output = bench.publish("new", "s3://lake/x", &["--database", database, "--output", "s3://lake/results/"]);
        let words = stderr(&output);
        assert!(output.status.code() == Some(6) && words.contains(wanted) && words.contains("drops and changes nothing"), "{words}");
        assert_eq!((glue(&mut bench), bench.seen("x/")), (before, seen.clone()), "{database}");
    }
}

#[test]
fn refused_statements_leave_nothing_visible_and_are_repeated() {
    let Some(mut bench) = Bench::new("statements refused") else { return };
    let made = [ATHENA, &["--create-database"]].concat();
    let words = "FAILED: Execution Error, return code 1. MetaException(message:Insufficient Lake Formation permission(s) on night)";
    let cases = [
        (json!({"athena": {"fail_statement": {"match": "night.verdicts", "reason": words}}}), "Insufficient Lake Formation permission"),
        (
            json!({"deny": ["athena:StartQueryExecution"]}),
            r#""Action":"athena:StartQueryExecution","Resource":"arn:aws:athena:*:*:workgroup/*"}"#,
        ),
        (json!({"deny": ["athena:GetTableMetadata"]}), r#""Action":"athena:GetTableMetadata""#),
    ];
    for (fault, wanted) in cases {
        bench.fault(&fault);
        let output = bench.publish("old", "s3://lake/x", &made);
        assert!(output.status.code() == Some(6) && stderr(&output).contains(wanted), "{}", stderr(&output));
        assert!(bench.objects("x/").is_empty(), "{fault}");
    }
    bench.fault(&json!({"athena": {"fail_statement": null}}));
    let output = bench.publish("old", "s3://lake/x", &["--database", "night"]);
    assert!(
        output.status.code() == Some(6) && stderr(&output).contains("give --output, or set that of the workgroup"),
        "{}",
        stderr(&output)
    );
    assert_eq!(bench.publish("old", "s3://lake/x", &made).status.code(), Some(0));
    assert_eq!((bench.seen("x/").len(), glue(&mut bench).as_object().unwrap().len()), (5, 5));
    into_folder(&bench.source("ancient"), &[night(&mut report(FEW), "2014-12-31", "prod-0")]);
    let output = bench.publish("ancient", "s3://lake/x", ATHENA);
    assert!(output.status.code() == Some(2) && stderr(&output).contains("tables show days from 2015-01-01 on"), "{}", stderr(&output));
}

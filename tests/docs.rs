//! The README says what the program is: its tables are written from the lists. so is the policy. `UPDATE_README=1 cargo test --test docs` rewrites them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop loudly")]

use casefile::{
    collect,
    detectors::DETECTORS,
    publish::{self, Destination, QUERIES},
    report::FORMATS,
    sources::SOURCES,
};
use std::{fmt::Write as _, fs};

fn table(rows: &[[String; 3]], head: &str) -> String {
    let mut text = format!("{head}\n");
    for row in rows {
        writeln!(text, "| {} |", row.join(" | ")).unwrap();
    }
    text
}

#[test]
fn the_readme_lists_what_exists() {
    let readme = fs::read_to_string("README.md").unwrap();
    let detectors: Vec<[String; 3]> =
        DETECTORS.iter().map(|it| [format!("`{}`", it.id), it.title.to_owned(), it.needs.to_owned()]).collect();
    let sources: Vec<[String; 3]> = SOURCES.iter().map(|it| [format!("`{}`", it.id), it.title.to_owned(), String::new()]).collect();
    let detectors = table(&detectors, "| id | says | evidence it needs (any one is enough) |\n|---|---|---|");
    let sources = table(&sources, "| kind | what it is |\n|---|---|").replace(" |  |\n", " |\n");
    let formats: Vec<[String; 3]> = FORMATS.iter().map(|it| [format!("`{}`", it.id), it.title.to_owned(), String::new()]).collect();
    let formats = table(&formats, "| format | what it is |\n|---|---|").replace(" |  |\n", " |\n");
    let wanted = with(&with(&with(&readme, "detectors", &detectors), "sources", &sources), "formats", &formats);
    let lake = Destination { database: Some("casefile".to_owned()), ..Destination::new("s3://bucket/lake") };
    let statements = publish::ddl(&lake).unwrap();
    let verdicts = statements.iter().find(|it| it.contains("casefile.verdicts")).unwrap();
    let wanted = with(&wanted, "ddl", &format!("```sql\n{verdicts};\n```\n"));
    let questions: Vec<[String; 3]> = QUERIES.iter().map(|it| [format!("`{}`", it.name), it.answers(), String::new()]).collect();
    let questions = table(&questions, "| question | answers |\n|---|---|").replace(" |  |\n", " |\n");
    let wanted = with(&wanted, "questions", &questions);
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write("README.md", &wanted).unwrap();
    }
    assert!(readme == wanted || std::env::var_os("UPDATE_README").is_some(), "README.md differs from the lists: run with UPDATE_README=1");
}

fn with(readme: &str, name: &str, table: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = readme.split_once(&open).unwrap();
    let (_, after) = rest.split_once(&close).unwrap();
    format!("{before}{open}{table}{close}{after}")
}

#[test]
fn the_policy_is_what_collecting_and_publishing_call() {
    let mut policy = collect::policy(None);
    policy["Statement"].as_array_mut().unwrap().extend(publish::policy(None).unwrap());
    let (path, wanted) = ("docs/iam-policy.json", format!("{policy:#}\n"));
    if std::env::var_os("UPDATE_README").is_some() {
        fs::write(path, &wanted).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), wanted, "{path} differs from the operations that are called: run with UPDATE_README=1");
}

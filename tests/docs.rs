//! The documents say what the program is: the README's tables are written from the lists, so is the policy, and every command that they name exists. `UPDATE_README=1 cargo test --test docs` rewrites them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a broken test should stop loudly")]

use casefile::{
    collect,
    detectors::DETECTORS,
    publish::{self, Destination, QUERIES},
    report::FORMATS,
    sources::SOURCES,
};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

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

/// What stands as code in a document; of a file that is no document, all of it.
fn code_of(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap().replace("\\\n", " ");
    if path.extension().is_none_or(|it| it != "md") {
        return text;
    }
    let mut code = String::new();
    for (at, block) in text.split("```").enumerate() {
        let inline = block.split('`').skip(1).step_by(2).collect::<Vec<_>>().join("\n");
        writeln!(code, "{}", if at % 2 == 1 { block } else { inline.as_str() }).unwrap();
    }
    code
}

#[test]
fn documents_name_only_commands_and_flags_that_exist() {
    let help = |args: &[&str]| {
        let output = assert_cmd::Command::cargo_bin("casefile").unwrap().args(args).arg("--help").output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let flags = regex::Regex::new("--[a-z][a-z-]*").unwrap();
    let called = regex::Regex::new(r"(?m)(?:^|[\s/(])casefile +([a-z]+)\b([^\n|>;&)]*)").unwrap();
    let commands = help(&[]);
    let mut paths = vec![PathBuf::from("README.md")];
    for folder in ["docs", "docs/schedules"] {
        paths.extend(fs::read_dir(folder).into_iter().flatten().map(|it| it.unwrap().path()).filter(|it| it.is_file()));
    }
    let mut checked = 0;
    for path in paths {
        for call in called.captures_iter(&code_of(&path)) {
            let (command, arguments) = (&call[1], &call[2]);
            if !commands.contains(&format!("\n  {command} ")) {
                let is_document = path.extension().is_some_and(|it| it == "md");
                assert!(!is_document, "{}: there is no `casefile {command}`", path.display());
                continue;
            }
            let of_command = help(&[command]);
            let inner = arguments.split_whitespace().next().filter(|it| of_command.contains(&format!("\n  {it} ")));
            let known = inner.map_or_else(|| of_command.clone(), |it| help(&[command, it]));
            for flag in flags.find_iter(arguments).map(|it| it.as_str()) {
                let exists = flags.find_iter(&known).any(|it| it.as_str() == flag);
                assert!(exists, "{}: casefile {command} has no {flag}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "only {checked} flags were found: are the documents still read?");
}

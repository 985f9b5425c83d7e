//! Data flows one way. These tests say so out loud.

#![allow(clippy::unwrap_used, clippy::string_slice, reason = "a broken test should stop loudly")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each module, and the modules it may use. Read it top to bottom: that is the program.
const MAY_USE: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("units", &[]),
    ("text", &[]),
    ("stats", &[]),
    ("fold", &["units"]),
    ("tables", &["error", "fold", "units"]),
    ("warehouse", &["error", "fold", "tables"]),
    ("case", &["error", "units"]),
    ("collect", &["case", "error", "text", "units"]),
    ("records", &["case", "units"]),
    ("logs", &["tables", "text", "units"]),
    ("sources", &["case", "fold", "logs", "records", "tables", "text", "units", "warehouse"]),
    ("derive", &["logs", "tables", "text", "units", "warehouse"]),
    ("settings", &["case", "error", "units"]),
    ("evidence", &["case", "derive", "error", "logs", "records", "settings", "sources", "tables", "text", "units", "warehouse"]),
    ("copies", &["error", "evidence", "stats", "tables", "text"]),
    ("finding", &["tables", "text", "units"]),
    ("detectors", &["copies", "error", "evidence", "finding", "logs", "settings", "stats", "tables", "text", "units"]),
    ("report", &["detectors", "error", "evidence", "finding", "settings", "sources", "tables", "text", "units"]),
    ("publish", &["collect", "error", "report", "text", "units"]),
    ("ledger", &["case", "collect", "detectors", "error", "evidence", "finding", "publish", "records", "report", "text", "units"]),
    ("changes", &["detectors", "finding", "ledger", "report", "tables", "units"]),
    ("diff", &["changes", "error", "finding", "ledger", "report", "units"]),
    ("suppress", &["detectors", "finding", "report", "units"]),
    ("config", &["case", "collect", "detectors", "error", "finding", "publish", "settings", "suppress", "units"]),
    (
        "audit",
        &[
            "case",
            "changes",
            "collect",
            "config",
            "detectors",
            "error",
            "evidence",
            "finding",
            "ledger",
            "publish",
            "report",
            "suppress",
            "units",
        ],
    ),
];

/// Folders whose files stand side by side and never use one another, and the list that names each of them.
const REGISTRIES: &[&str] = &["tables", "sources", "detectors", "report", "diff"];

/// What only some modules may touch.
const RESERVED: &[(&str, &[&str])] = &[
    ("std::fs", &["audit", "case", "cli", "collect", "ledger", "publish"]),
    ("fs::", &["audit", "case", "cli", "collect", "ledger", "publish"]),
    ("aws_sdk_", &["collect", "publish"]),
    ("aws_config", &["collect", "publish"]),
    ("tokio", &["collect", "publish"]),
    ("async fn", &["collect", "publish"]),
    ("RandomState", &["collect"]),
    ("Instant::now", &["cli", "collect"]),
    ("println!", &["cli"]),
    ("SystemTime::now", &[]),
    ("Timestamp::now", &["cli", "collect"]),
];

#[test]
fn modules_use_only_what_they_may() {
    let mut faults = Vec::new();
    for (path, module, text) in source_files() {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            continue;
        };
        for used in words_after(&text, "crate::") {
            if used != module && !allowed.contains(&used.as_str()) {
                faults.push(format!("{}: `{module}` may not use `{used}`", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_map_lists_every_module_after_what_it_uses() {
    for (index, (module, allowed)) in MAY_USE.iter().enumerate() {
        for used in *allowed {
            let known = MAY_USE[..index].iter().any(|(name, _)| name == used);
            assert!(known, "`{module}` uses `{used}`, which is not above it");
        }
    }
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let listed: Vec<String> = lib.lines().filter_map(|it| it.strip_prefix("pub mod ")?.strip_suffix(';')).map(Into::into).collect();
    let mapped: Vec<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, mapped, "src/lib.rs and MAY_USE list the same modules in the same order");
}

#[test]
fn siblings_never_meet() {
    for (path, module, text) in source_files() {
        let is_unit = path.parent() == Some(Path::new("src").join(&module).as_path()) && path.file_name().is_some_and(|it| it != "mod.rs");
        if !is_unit || !REGISTRIES.contains(&module.as_str()) {
            continue;
        }
        let own = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let siblings =
            fs::read_dir(path.parent().unwrap()).unwrap().filter_map(|it| Some(it.unwrap().path().file_stem()?.to_str()?.to_owned()));
        for sibling in siblings.filter(|it| *it != own && it != "mod") {
            for prefix in ["super::".to_owned(), format!("crate::{module}::")] {
                assert!(!text.contains(&format!("{prefix}{sibling}::")), "{}: uses its sibling `{sibling}`", path.display());
            }
        }
    }
}

#[test]
fn every_unit_is_in_its_list() {
    for folder in ["tables", "sources", "detectors"] {
        let root = fs::read_to_string(format!("src/{folder}/mod.rs")).unwrap();
        for entry in fs::read_dir(format!("src/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let registered = root.contains(&format!("&{name}::"));
            // `records` declares tables and is none; `rows` reads tables for the sources that know them, `order` tells which way rows stand.
            let is_shared = name == "mod" || matches!((folder, name), ("tables", "records") | ("sources", "rows" | "order"));
            assert!(is_shared || registered, "{}: not in its list", path.display());
        }
    }
}

#[test]
fn every_collector_is_in_its_list_and_names_no_other() {
    let root = fs::read_to_string("src/collect/mod.rs").unwrap();
    let mut collectors = Vec::new();
    for (path, module, text) in source_files() {
        if module == "collect" && text.contains("static COLLECTOR: Collector") {
            collectors.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), text));
        }
    }
    for (name, text) in &collectors {
        assert!(root.contains(&format!("&{name}::COLLECTOR")), "{name}: not in its list");
        assert!(text.contains(&format!("name: \"{name}\"")), "{name}: a collector is named like its file");
        for (other, _) in collectors.iter().filter(|it| it.0 != *name) {
            let is_named =
                text.match_indices(&format!("{other}::")).any(|(at, _)| !text[..at].ends_with(|c: char| c == '_' || c.is_alphanumeric()));
            assert!(!is_named, "{name}: uses its sibling `{other}`");
        }
    }
    assert!(!collectors.is_empty());
}

/// The operations that a collector's code calls are those that it lists: permissions and `--dry-run` are read from there.
#[test]
fn collectors_call_what_they_list() {
    for (path, module, text) in source_files() {
        if module != "collect" || !text.contains("static COLLECTOR: Collector") {
            continue;
        }
        let list = text.split("operations: &[").nth(1).unwrap().split(']').next().unwrap();
        // What a collector has moved into files of its own is its code, too.
        let folder = path.with_extension("");
        let others = source_files().into_iter().filter(|it| it.0.starts_with(&folder)).map(|it| it.2);
        let texts: Vec<String> = others.chain([text.clone()]).collect();
        let code: String = texts.iter().map(|it| it.split("#[cfg(test)]").next().unwrap()).collect();
        let called: Vec<&str> = ["cx.call(&", "cx.farewell(&"]
            .iter()
            .flat_map(|it| code.split(it).skip(1))
            .map(|it| it.split(',').next().unwrap().trim())
            .collect();
        assert!(!called.is_empty(), "{}: calls nothing", path.display());
        for operation in called {
            assert!(list.contains(&format!("&{operation}")), "{}: calls {operation}, and does not list it", path.display());
        }
    }
}

#[test]
fn only_some_may_touch_the_world() {
    for (path, module, text) in source_files() {
        for (word, allowed) in RESERVED {
            let used = text.lines().any(|it| it.contains(word) && !it.trim_start().starts_with("//"));
            assert!(!used || allowed.contains(&module.as_str()), "{}: `{word}` belongs to {allowed:?}", path.display());
        }
    }
}

#[test]
fn files_stay_readable() {
    for (path, _, text) in source_files() {
        let lines = text.lines().count();
        assert!(lines <= 400, "{}: {lines} lines; split it by duty", path.display());
        assert!(text.starts_with("//!"), "{}: begins with no sentence about its duty", path.display());
    }
}

fn source_files() -> Vec<(PathBuf, String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut paths = Vec::new();
    walk(Path::new("src"), &mut paths);
    paths.retain(|it| it.extension().is_some_and(|it| it == "rs"));
    paths.sort();
    let read = |path: PathBuf| {
        let inside = path.strip_prefix("src").unwrap().to_owned();
        let first = inside.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).unwrap();
        (path, module, text)
    };
    paths.into_iter().map(read).collect()
}

/// The names that follow `prefix`, in `crate::a::b` and in `crate::{a, b::{c}}` alike.
fn words_after(text: &str, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
            continue;
        };
        let (mut depth, mut word) = (1, String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => found.push(std::mem::take(&mut word)),
                _ if depth == 1 => word.push(c),
                _ => (),
            }
            if depth == 0 {
                break;
            }
        }
        found.push(word);
    }
    let heads = found.iter().map(|it| it.split("::").next().unwrap_or_default().trim().to_owned());
    heads.filter(|it| !it.is_empty()).collect()
}

//! The file of settings through the program: which one is used, what is refused, and that its schema says the same.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

use assert_cmd::Command;
use casefile::config::{Config, SECTIONS, Without};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Output,
};

/// A folder to work in, and the home of nobody.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("work")).unwrap();
        Self { folder }
    }

    /// Writes a file, and says where.
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::cargo_bin("casefile").unwrap();
        command.current_dir(self.folder.path().join("work")).args(args);
        command.env("HOME", self.folder.path()).env_remove("XDG_CONFIG_HOME").env_remove("CASEFILE_CONFIG");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a file is refused with.
    fn refusal(&self, path: &Path) -> String {
        let told = self.run(&["config", "validate", path.to_str().unwrap()]);
        let error = String::from_utf8(told.stderr).unwrap();
        assert_eq!(told.status.code(), Some(2), "{}: {error}", path.display());
        assert!(told.stdout.is_empty());
        error
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The file that the README shows.
fn example() -> String {
    let readme = fs::read_to_string("README.md").unwrap();
    let (_, rest) = readme.split_once("<!-- casefile.toml -->\n```toml\n").unwrap();
    rest.split_once("```\n").unwrap().0.to_owned()
}

#[test]
fn the_first_file_there_is_is_used_and_no_other() {
    let place = Place::new();
    let depth = |depth: u8| format!("[input]\ndepth = {depth}\n");
    let shown = |command: &mut Command| stdout(&command.output().unwrap());
    let show = ["config", "show", "--effective"];
    assert!(shown(&mut place.command(&show)).starts_with("# no file of settings\n"));

    place.file(".config/casefile/config.toml", depth(1));
    assert!(shown(&mut place.command(&show)).contains("depth = 1  # "));
    place.file("xdg/casefile/config.toml", depth(2));
    let xdg = place.folder.path().join("xdg");
    assert!(shown(place.command(&show).env("XDG_CONFIG_HOME", &xdg)).contains("depth = 2  # "));
    assert!(shown(place.command(&show).env("XDG_CONFIG_HOME", "xdg")).contains("depth = 1  # "), "a path that is not absolute is none");
    place.file("work/casefile.toml", depth(3));
    assert!(shown(place.command(&show).env("XDG_CONFIG_HOME", &xdg)).contains("depth = 3  # casefile.toml:2\n"));
    let named = place.file("variable.toml", depth(5));
    assert!(shown(place.command(&show).env("CASEFILE_CONFIG", &named)).contains("depth = 5  # "));
    assert!(shown(place.command(&show).env("CASEFILE_CONFIG", "")).contains("depth = 3  # "));
    let flag = place.file("flag.toml", depth(6));
    let with_flag = [&show[..], &["--config", flag.to_str().unwrap()]].concat();
    assert!(shown(place.command(&with_flag).env("CASEFILE_CONFIG", &named)).contains("depth = 6  # "));
    let with_set = [&with_flag[..], &["--set", "input.depth=7"]].concat();
    assert!(shown(&mut place.command(&with_set)).contains("depth = 7  # --set\n"));

    // A file that was named and is not there is not passed over.
    let missing = place.command(&show).env("CASEFILE_CONFIG", "/nowhere/a.toml").output().unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(stderr(&missing).contains("CASEFILE_CONFIG /nowhere/a.toml: "), "{}", stderr(&missing));
}

#[test]
fn a_file_that_nobody_named_is_told_unless_quiet() {
    let place = Place::new();
    place.file("work/a.log", "2026-01-01T00:00:00Z hello\n");
    assert!(stderr(&place.run(&["analyze", "a.log"])).is_empty());
    let file = place.file("work/casefile.toml", "[input]\ndepth = 2\n");
    assert_eq!(stderr(&place.run(&["analyze", "a.log"])), "casefile: settings of casefile.toml\n");
    assert!(stderr(&place.run(&["analyze", "a.log", "-q"])).is_empty());
    assert!(stderr(&place.run(&["analyze", "a.log", "--config", file.to_str().unwrap()])).is_empty());
    // Sections that analyzing does not need are checked all the same.
    place.file("work/casefile.toml", "[publish]\ntoo = \"x\"\n");
    let told = place.run(&["analyze", "a.log"]);
    assert_eq!((told.status.code(), stdout(&told)), (Some(2), String::new()));
    assert!(stderr(&told).contains("casefile.toml:2: no setting of publish is called `too`; did you mean `to`?"), "{}", stderr(&told));
}

#[test]
fn what_is_no_file_of_settings_is_refused() {
    let place = Place::new();
    assert!(place.refusal(&place.folder.path().join("work")).contains("directory"));
    assert!(place.refusal(Path::new("/nowhere/a.toml")).contains("/nowhere/a.toml: "));
    let huge = place.file("huge.toml", "# a comment\n".repeat(900_000));
    assert!(place.refusal(&huge).contains("longer than 1048576 bytes: no file of settings"));
    let binary = place.file("binary.toml", b"[input]\n\xff\xfe");
    assert!(place.refusal(&binary).contains("byte 8 is not UTF-8"));
    assert!(place.refusal(&place.file("cut.toml", "[input]\ndepth = ")).contains("cut.toml:2: "));
    assert!(place.refusal(&place.file("twice.toml", "[input]\ndepth = 1\ndepth = 2\n")).contains("twice.toml:3: duplicate key"));
    let reason = place.refusal(&place.file("reason.toml", "[[suppress]]\nfinding_id = \"f1:0123456789abcdef\"\n"));
    assert!(reason.contains("reason.toml:1: [suppress] needs `reason`: why"), "{reason}");
    let many = place.refusal(&place.file("many.toml", "[input]\ndepth = \"x\"\n[inptu]\na = 1\n[[suppress]]\nuntil = \"soon\"\n"));
    assert_eq!(many.lines().count(), 4, "{many}");
    let none = place.run(&["config", "validate"]);
    assert_eq!((none.status.code(), stderr(&none).as_str()), (Some(2), "casefile: there is no file of settings: name one\n"));
    let marked = place.file("marked.toml", "\u{feff}[input]\r\ndepth = 2\r\n");
    assert_eq!(stdout(&place.run(&["config", "validate", marked.to_str().unwrap()])), format!("{}: valid\n", marked.display()));
    let empty = place.file("empty.toml", "");
    assert!(place.run(&["config", "validate", empty.to_str().unwrap()]).status.success());
}

#[test]
fn what_is_shown_is_a_file_that_says_the_same() {
    let place = Place::new();
    place.file("work/casefile.toml", example());
    for show in [&["config", "show"][..], &["config", "show", "--effective"]] {
        let shown = place.run(show);
        assert!(shown.status.success(), "{}", stderr(&shown));
        let copy = place.file("copy.toml", &shown.stdout);
        let again = place.run(&[show, &["--config", copy.to_str().unwrap()]].concat());
        let bare = |text: String| text.lines().skip(1).map(|it| it.split("  # ").next().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(bare(stdout(&again)), bare(stdout(&shown)));
    }
    let effective = stdout(&place.run(&["config", "show", "--effective"]));
    assert!(effective.contains("\nlow_seconds = 600  # casefile.toml:"), "{effective}");
    assert!(effective.contains("\nconcurrency = 4  # default\n"));
    assert!(effective.contains("\n# secret_arn is not set\n"));
    assert_eq!(effective.matches("[[suppress]]\n").count(), 2);
    assert!(!stdout(&place.run(&["config", "show"])).contains("default"));
}

/// The flags of `casefile collect` about what is collected and how.
fn flags(help: &str) -> BTreeSet<String> {
    let (_, listed) = help.split_once("What is collected:").unwrap();
    let names = listed.lines().filter_map(|it| it.trim_start().strip_prefix("--")?.split([' ', '<']).next().map(str::to_owned));
    names.filter(|it| it != "progress").collect()
}

#[test]
fn every_flag_of_collect_has_a_key_and_every_key_a_flag() {
    let help = stdout(&Place::new().run(&["collect", "--help"]));
    let section = SECTIONS.iter().find(|it| it.name == "collect").unwrap();
    let keys: BTreeSet<String> = section.keys.iter().map(|it| it.name.replace('_', "-")).collect();
    assert_eq!(flags(&help), keys);
    for key in &section.keys {
        let Without::Value(default) = &key.without else { continue };
        let flag = format!("--{} ", key.name.replace('_', "-"));
        let of_flag = help.split_once(&flag).map_or("", |it| it.1.split("\n\n").next().unwrap());
        let told = of_flag.split_once("[default: ").map(|it| it.1.split(']').next().unwrap());
        assert!(told.is_none_or(|it| it == default.trim_matches('"')), "{flag} is {told:?} there and {default} here");
    }
}

/// What contradicts itself on the command line does so in the file.
#[test]
fn what_cannot_be_asked_for_together_cannot_anywhere() {
    let place = Place::new();
    for (flags, keys) in [
        ("--athena --mwaa-webserver", "athena = true\nmwaa_webserver = true"),
        ("--redshift-cluster c", "redshift_cluster = \"c\""),
        ("--redshift-workgroup w", "redshift_workgroup = \"w\""),
        (
            "--redshift-cluster c --redshift-workgroup w --database d",
            "redshift_cluster = \"c\"\nredshift_workgroup = \"w\"\ndatabase = \"d\"",
        ),
        (
            "--redshift-cluster c --database d --secret-arn a --db-user u",
            "redshift_cluster = \"c\"\ndatabase = \"d\"\nsecret_arn = \"a\"\ndb_user = \"u\"",
        ),
        ("--redshift-workgroup w --database d --db-user u", "redshift_workgroup = \"w\"\ndatabase = \"d\"\ndb_user = \"u\""),
        ("--s3 s3://b --workgroup w", "s3 = [\"s3://b\"]\nworkgroup = [\"w\"]"),
        ("--athena-table a.b --workgroup w --workgroup v", "athena_table = [\"a.b\"]\nworkgroup = [\"w\", \"v\"]"),
        ("--s3 s3://b --athena-statistics 3", "s3 = [\"s3://b\"]\nathena_statistics = 3"),
        ("--athena --athena-output s3://b/o", "athena = true\nathena_output = \"s3://b/o\""),
        ("--athena --s3-max-objects 5", "athena = true\ns3_max_objects = 5"),
        ("--athena --external-id x", "athena = true\nexternal_id = \"x\""),
        ("--athena --max-scan-gb 0", "athena = true\nmax_scan_gb = 0"),
        ("--athena --concurrency 51", "athena = true\nconcurrency = 51"),
        ("--s3 bucket", "s3 = [\"bucket\"]"),
        ("--athena-table b", "athena_table = [\"b\"]"),
        ("", ""),
    ] {
        let args: Vec<&str> = ["collect", "--last", "1h", "--dry-run"].into_iter().chain(flags.split_whitespace()).collect();
        let told = place.run(&args);
        assert_eq!(told.status.code(), Some(2), "{flags}: {}", stderr(&told));
        place.refusal(&place.file("a.toml", format!("[collect]\n{keys}\n")));
    }
}

const CHECK: &str = r#"
import json, pathlib, sys, tomllib
import jsonschema
folder = pathlib.Path(sys.argv[1])
schema = json.loads((folder / "schema.json").read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
for path in sorted(folder.glob("*.toml")):
    faults = list(validator.iter_errors(tomllib.loads(path.read_text())))
    print(path.name, "wrong" if faults else "right")
"#;

/// The least that a section needs.
fn least(section: &str) -> Vec<(&'static str, &'static str)> {
    match section {
        "audit" => vec![("name", "\"x\"")],
        "collect" => vec![("log_group", "[\"x\"]")],
        "publish" => vec![("to", "\"x\"")],
        "suppress" => vec![("finding_id", "\"f1:0123456789abcdef\""), ("reason", "\"x\"")],
        "baseline" => vec![("report", "\"x\"")],
        _ => Vec::new(),
    }
}

/// Editors and the program refuse and take the same.
#[test]
fn the_schema_says_what_the_reader_says() {
    let Some(python) = std::env::var_os("CASEFILE_PYTHON") else {
        println!("NOT RUN: CASEFILE_PYTHON is not set (a Python with jsonschema)");
        return;
    };
    let place = Place::new();
    place.file("schema.json", place.run(&["config", "schema"]).stdout);
    let mut wanted = BTreeMap::new();
    let mut given = |name: String, text: &str, is_right: bool| {
        place.file(&name, text);
        assert_eq!(Config::read(text, "a.toml").is_ok(), is_right, "{text}");
        wanted.insert(name, if is_right { "right" } else { "wrong" });
    };
    given("00.toml".to_owned(), &example(), true);
    given("01.toml".to_owned(), &format!("{}\n[unknown]\n", example()), false);
    for (at, section) in SECTIONS.iter().enumerate() {
        let header = if section.name == "suppress" { "[[suppress]]".to_owned() } else { format!("[{}]", section.name) };
        let least = least(&section.name);
        let block = |other: &str, value: &str| {
            let own = least.iter().filter(|it| it.0 != other).copied();
            let lines = own.chain([(other, value)]).filter(|it| !it.0.is_empty()).map(|(key, value)| format!("{key} = {value}"));
            format!("{header}\n{}\n", lines.collect::<Vec<_>>().join("\n"))
        };
        given(format!("1{at:02}.toml"), &block("", ""), true);
        given(format!("2{at:02}.toml"), &block("no_such_key", "1"), false);
        for (key_at, key) in section.keys.iter().enumerate() {
            given(format!("3{at:02}-{key_at:02}.toml"), &block(key.name, "{}"), false);
            if let Without::Value(default) = &key.without
                && !least.iter().any(|it| it.0 == key.name)
            {
                given(format!("4{at:02}-{key_at:02}.toml"), &block(key.name, default), true);
            }
        }
    }
    for (at, (text, is_right)) in [
        ("[audit]\nname = \"x\"\nwindow = \"0h\"", false),
        ("[audit]\nname = \"x\"\noverlap = \"0h\"", true),
        ("[audit]\nname = \"x/y\"", false),
        ("[audit]\nname = \"x\"\nfail_on = \"new:never\"", false),
        ("[audit]\nwindow = \"1d\"", false),
        ("[audit]\nname = \"x\"\nmost_windows = 0", false),
        ("[audit]\nname = \"x\"\nfirst = \"2026-01-01T06:00:00Z\"", true),
        ("[[suppress]]\nreason = \"x\"\ndetector = \"small-files\"", false),
        ("[[suppress]]\nreason = \"x\"\nfinding_id = \"f1:0123456789abcdef\"\nuntil = \"tomorrow\"", false),
        ("[[suppress]]\nreason = \"\"\nfinding_id = \"f1:0123456789abcdef\"", false),
        ("[collect]\nathena = true\nathena_table = [\"a.b\", \"c\"]", false),
        ("[detectors.stuck-queued]\nlow_seconds = 0.5", true),
        ("[detectors.stuck-queued]\nlow_seconds = -0.5", false),
        ("", true),
    ]
    .into_iter()
    .enumerate()
    {
        given(format!("5{at:02}.toml"), text, is_right);
    }
    let script = place.file("check.py", CHECK);
    let told = std::process::Command::new(python).arg(script).arg(place.folder.path()).output().unwrap();
    assert!(told.status.success(), "{}", stderr(&told));
    let said = stdout(&told);
    let said: BTreeMap<String, &str> = said.lines().filter_map(|it| it.split_once(' ')).map(|(name, it)| (name.to_owned(), it)).collect();
    assert_eq!(said.len(), wanted.len());
    for (name, wanted) in wanted {
        assert_eq!(said.get(&name), Some(&wanted), "{name}:\n{}", fs::read_to_string(place.folder.path().join(&name)).unwrap());
    }
}

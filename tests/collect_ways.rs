//! The way to AWS: proxies, FIPS endpoints and SSO, without the network.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a broken test should stop loudly")]

mod common;

use common::servers::{Servers, digest, events, login, stderr, stdout, time};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
};

/// A proxy that refuses everything, and remembers what it was asked.
struct Proxy {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut line = String::new();
                if BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).is_ok() {
                    seen.lock().unwrap().push(line.trim().to_owned());
                }
                // Whoever asked may be gone.
                drop(stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            }
        });
        Self { url, asked }
    }

    /// The requests so far, each once.
    fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().unwrap().drain(..).collect()
    }
}

fn casefile(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_casefile"));
    command.current_dir(folder).args(arguments).args(["--retry-delay", "1"]).envs(login(folder));
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
        command.env_remove(variable);
    }
    command
}

#[test]
fn a_proxy_is_asked_unless_an_address_is_named_to_be_reached_without() {
    let Some(mut servers) = Servers::start("proxy", &[json!({"burst": {"group": "big", "count": 300, "dense": 10}})]) else { return };
    let told = servers.answers[0]["burst"].clone();
    let second = |at: usize| told["window"][at].as_i64().unwrap();
    let window = ["--since".to_owned(), time(second(0)), "--until".to_owned(), time(second(1) + 1)];
    let asked: Vec<&str> = window.iter().map(String::as_str).chain(["--log-group", "big"]).collect();
    let run = |endpoint: &str, variables: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [&["collect", "--case", "case", "--endpoint-url", endpoint][..], &asked].concat();
        let output = casefile(folder.path(), &arguments).envs(variables.iter().copied()).output().unwrap();
        (folder, output)
    };
    // The servers are a proxy themselves: a name that resolves nowhere is reached through them alone.
    let (folder, output) = run("http://aws.invalid", &[("HTTP_PROXY", &servers.endpoint)]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(digest(&events(&folder.path().join("case"), "big")), told["window_sha256"].as_str().unwrap());
    let proxy = Proxy::start();
    let before = servers.calls("FilterLogEvents");
    let (_, output) = run(&servers.endpoint, &[("HTTP_PROXY", &proxy.url), ("NO_PROXY", "127.0.0.1")]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(proxy.asked(), BTreeSet::new());
    assert!(servers.calls("FilterLogEvents") > before);
    let (_, output) = run(&servers.endpoint, &[("HTTP_PROXY", &proxy.url)]);
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    assert!(!proxy.asked().is_empty());
}

#[test]
fn endpoints_are_those_of_the_region_and_of_fips_where_they_are_asked_for() {
    let wanted = [
        "doctor",
        "--log-group",
        "x",
        "--athena",
        "--workgroup",
        "w",
        "--redshift-cluster",
        "c",
        "--database",
        "d",
        "--s3",
        "s3://lake/x/",
        "--region",
        "us-east-2",
    ];
    for (more, hosts) in [
        (&[][..], ["sts.us-east-2", "logs.us-east-2", "athena.us-east-2", "redshift-data.us-east-2", "lake.s3.us-east-2"]),
        (
            &["--fips"][..],
            [
                "sts-fips.us-east-2",
                "logs-fips.us-east-2",
                "athena-fips.us-east-2",
                "redshift-data-fips.us-east-2",
                "lake.s3-fips.us-east-2",
            ],
        ),
    ] {
        let (folder, proxy) = (tempfile::tempdir().unwrap(), Proxy::start());
        let output = casefile(folder.path(), &[&wanted[..], more].concat()).env("HTTPS_PROXY", &proxy.url).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
        let expected: BTreeSet<String> = hosts.iter().map(|it| format!("CONNECT {it}.amazonaws.com:443 HTTP/1.1")).collect();
        assert_eq!(proxy.asked(), expected, "{}", stdout(&output));
    }
}

#[test]
fn a_profile_whose_sso_login_is_over_is_told_with_its_cure() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let text = "[profile dev]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = reader\nregion = eu-west-1\n\n[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";
    fs::write(&config, text).unwrap();
    let proxy = Proxy::start();
    for arguments in [&["collect", "--case", "case", "--last", "1h", "--log-group", "x"][..], &["doctor", "--log-group", "x"]] {
        for by_variable in [false, true] {
            let mut command = casefile(folder.path(), arguments);
            command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY").env_remove("AWS_SESSION_TOKEN");
            command.env("AWS_CONFIG_FILE", &config).env("HOME", folder.path()).env("HTTPS_PROXY", &proxy.url);
            if by_variable {
                command.env("AWS_PROFILE", "dev");
            } else {
                command.args(["--profile", "dev"]);
            }
            let output = command.output().unwrap();
            assert!([Some(2), Some(3)].contains(&output.status.code()), "{}{}", stdout(&output), stderr(&output));
            let said = stdout(&output) + &stderr(&output);
            assert!(said.contains("run aws sso login --profile dev"), "{said}");
        }
    }
    assert!(!folder.path().join("case").exists());
    assert_eq!(proxy.asked(), BTreeSet::new(), "nobody is asked without a login");
}

/// A login that a program gives once, for two seconds.
#[cfg(unix)]
#[test]
fn a_login_that_cannot_be_renewed_is_told_with_its_cure_and_the_case_goes_on() {
    use std::os::unix::fs::PermissionsExt as _;
    let seeds = [json!({"burst": {"group": "big", "count": 6_000, "dense": 10}}), json!({"reads": {"page_events": 300}})];
    let Some(mut servers) = Servers::start("renewed", &seeds) else { return };
    let told = servers.answers[0]["burst"].clone();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("login");
    let given = r#"{"Version":1,"AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"x","SessionToken":"x","Expiration":"%s"}"#;
    let text = format!(
        "#!/bin/sh\nif [ -e {0}.used ]; then echo 'the login is over' >&2; exit 1; fi\ntouch {0}.used\nprintf '{given}' $(date -u -d '+2 seconds' +%FT%TZ)\n",
        script.display()
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("config"), format!("[default]\ncredential_process = {}\n", script.display())).unwrap();
    servers.control(&json!({"slow": {"share": 1.0, "seconds": 0.4}}));
    let second = |at: usize| told["window"][at].as_i64().unwrap();
    let window = [time(second(0)), time(second(1) + 1)];
    let asked = [
        "collect",
        "--case",
        "case",
        "--endpoint-url",
        &servers.endpoint,
        "--logs",
        "raw",
        "--log-group",
        "big",
        "--since",
        &window[0],
        "--until",
        &window[1],
    ];
    let mut command = casefile(folder.path(), &asked);
    for variable in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(variable);
    }
    let output = command.env("AWS_CONFIG_FILE", folder.path().join("config")).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}{}", stdout(&output), stderr(&output));
    let said = stdout(&output);
    assert!(
        said.contains("the login is over") && said.contains("log in again, and run it again: a collection continues with --resume"),
        "{said}"
    );
    servers.control(&json!({"slow": null}));
    let output = casefile(folder.path(), &["collect", "--case", "case", "--resume", "--endpoint-url", &servers.endpoint]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(digest(&events(&folder.path().join("case"), "big")), told["window_sha256"].as_str().unwrap());
}

#[test]
fn what_cannot_be_begun_is_told_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("file"), "x").unwrap();
    fs::create_dir(at("full")).unwrap();
    fs::write(at("full/x"), "x").unwrap();
    let unit = r#"{"collector":"logs_raw","call":"FilterLogEvents","subject":"g","state":"missing"}"#;
    let asked = r#"{"window":{"since":"2026-01-02T00:00:00Z","until":"2026-01-03T00:00:00Z"},"log_groups":["g"]}"#;
    for (name, id) in [("whole", "logs_raw/g/all"), ("edited", "logs_raw/../../../all"), ("hidden", "logs_raw/.g/all")] {
        fs::create_dir(at(name)).unwrap();
        let text =
            format!(r#"{{"format":"casefile-case/1","casefile":"0","region":"us-east-1","asked":{asked},"units":{{"{id}":{unit}}}}}"#);
        fs::write(at(name).join("manifest.json"), text).unwrap();
    }
    fs::create_dir(at("cut")).unwrap();
    fs::write(at("cut/manifest.json"), r#"{"format":"casefile-c"#).unwrap();
    let group = ["--log-group", "g", "--last", "1h"];
    for (arguments, said) in [
        ([&["--case", "file"][..], &group].concat(), "file: is a file; a case needs a directory of its own"),
        ([&["--case", "full"][..], &group].concat(), "full: is not empty; a case needs a directory of its own"),
        (vec!["--case", "nowhere", "--resume"], "nowhere: holds no case to continue; without --resume one is begun"),
        (vec!["--case", "full", "--resume"], "full: holds no case to continue"),
        (vec!["--case", "cut", "--resume"], "not the manifest of a case, or damaged: EOF while parsing a string"),
        (vec!["--case", "edited", "--resume"], "was changed: \"logs_raw/../../../all\" is no name of a part"),
        (vec!["--case", "hidden", "--resume"], "was changed: \"logs_raw/.g/all\" is no name of a part"),
        (vec!["--case", "whole", "--resume", "--last", "1h"], "all of them or none: only its time is given"),
        (vec!["--case", "whole", "--resume", "--region", "eu-west-1"], "region was us-east-1, now eu-west-1"),
        (
            vec!["--case", "whole", "--resume", "--log-group", "g", "--since", "2026-01-02", "--until", "2026-01-04"],
            "window was 2026-01-02T00:00:00.000Z to 2026-01-03T00:00:00.000Z, now 2026-01-02T00:00:00.000Z to 2026-01-04T00:00:00.000Z",
        ),
        (
            vec!["--case", "new", "--log-group", "g", "--since", "2099-01-01", "--until", "2099-01-02"],
            "the window lies ahead: it begins at 2099-01-01",
        ),
        (vec!["--case", "new", "--log-group", "g", "--since", "2026-01-02", "--until", "2026-01-02"], "the window is empty"),
        (
            [&["--case", "new", "--endpoint-url", "nonsense"][..], &group].concat(),
            "\"nonsense\" is no URL: it begins with http:// or https://",
        ),
    ] {
        let output = casefile(folder.path(), &[&["collect"][..], &arguments].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        assert!(stderr(&output).contains(said), "{arguments:?}: {}", stderr(&output));
    }
    assert!(!at("new").exists() && !at("nowhere").exists(), "nothing is begun");
}

#[test]
fn where_nobody_answers_the_place_is_named_and_the_wait_is_short() {
    let folder = tempfile::tempdir().unwrap();
    let asked = ["collect", "--case", "case", "--log-group", "g", "--last", "1h", "--endpoint-url", "http://127.0.0.1:1"];
    let output = casefile(folder.path(), &asked).output().unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{said}{}", stderr(&output));
    let reason = said.lines().find(|it| it.starts_with("  missing: ")).unwrap();
    assert!(reason.ends_with("Connection refused (os error 111) (endpoint http://127.0.0.1:1)") || !cfg!(target_os = "linux"), "{reason}");
    assert!(!reason.contains("DispatchFailure"), "no word for programmers: {reason}");
    // Two tries of three attempts each, of three operations; a service that has answered before is tried longer.
    let calls: u64 = said.lines().nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(calls <= 18, "{said}");
}

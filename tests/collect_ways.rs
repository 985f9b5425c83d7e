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

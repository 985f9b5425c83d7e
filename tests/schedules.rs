//! The files of docs/schedules: read by what would read them, and run for every exit code, as far as that is possible without a cron, a cluster or a forge.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop loudly")]

use std::process::Command;

#[test]
fn schedulers_understand_their_files() {
    let Some(python) = std::env::var_os("CASEFILE_PYTHON") else {
        println!("NOT RUN: CASEFILE_PYTHON is not set (a Python with the packages of tests/aws/requirements.txt)");
        return;
    };
    let checked = Command::new(python).args(["tests/schedules/check.py", env!("CARGO_BIN_EXE_casefile")]).output().unwrap();
    assert!(checked.status.success(), "{}{}", String::from_utf8_lossy(&checked.stdout), String::from_utf8_lossy(&checked.stderr));
    print!("{}", String::from_utf8_lossy(&checked.stdout));
}

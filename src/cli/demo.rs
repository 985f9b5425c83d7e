//! `casefile demo`: dumps that are built into the program.

use super::{Ending, analyze::SharedArgs};
use casefile::{error::Result, evidence::Evidence};
use clap::Args;

/// What `demo` can be told.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    shared: SharedArgs,
}

/// The dumps: real Airflow logs, cut to the telling parts.
const DUMPS: &[(&str, &[u8])] = &[
    ("demo/scheduler.log", include_bytes!("../../fixtures/demo/scheduler.log")),
    ("demo/worker.log", include_bytes!("../../fixtures/demo/worker.log")),
    ("demo/task-events.json", include_bytes!("../../fixtures/demo/task-events.json")),
];

pub(super) fn run(args: &DemoArgs) -> Result<Ending> {
    let settings = args.shared.settings()?;
    let evidence = Evidence::of_dumps(DUMPS, &settings)?;
    args.shared.conclude(&evidence, &settings, false)
}

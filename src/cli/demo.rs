//! `casefile demo`: dumps that are built into the program.

use super::{Ending, analyze::SharedArgs, timings::Timings};
use casefile::{error::Result, evidence::Evidence};
use clap::Args;

/// What `demo` can be told.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    #[command(flatten)]
    shared: SharedArgs,
}

/// A dump under the name that reports give it.
macro_rules! dump {
    ($name:literal) => {
        (concat!("demo/", $name), include_bytes!(concat!("../../fixtures/demo/", $name)))
    };
}

/// The dumps: real Airflow logs, cut to the telling parts, and exports of an invented warehouse and its bucket.
const DUMPS: &[(&str, &[u8])] = &[
    dump!("scheduler.log"),
    dump!("worker.log"),
    dump!("task-events.json"),
    dump!("sys_load_history.csv"),
    dump!("sys_load_error_detail.csv"),
    dump!("stv_slices.json"),
    dump!("listing_wonka-shared-dev_customers.txt"),
    dump!("list-objects-v2_wonka-curated-dev_reviews.json"),
];

pub(super) fn run(args: &DemoArgs) -> Result<Ending> {
    let config = args.shared.config()?;
    let baseline = args.shared.baseline(&config)?;
    let mut timings = Timings::default();
    let evidence = timings.stage("reading", || Evidence::of_dumps(DUMPS, &config.settings))?;
    args.shared.conclude(&evidence, &config, baseline.as_ref(), false, timings)
}

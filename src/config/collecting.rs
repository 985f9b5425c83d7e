//! `[collect]`: what `casefile collect` is told by its flags.

use super::{document::Block, part::Part};
use crate::{
    case::Window,
    collect::{Asked, LogsBy, Ways},
    error::Result,
};
use std::time::Duration;

/// What is collected of any time, and how.
#[derive(Clone, Debug)]
pub struct Collecting {
    block: Block,
    /// How AWS is reached.
    pub ways: Ways,
}

const SECTION: &str = "collect";

impl Collecting {
    pub(super) fn of(part: &Part<'_>) -> Result<Self> {
        let block = part.block.cloned().unwrap_or_default();
        let ways = ways(part);
        let collecting = Self { block, ways };
        let asked = collecting.asked(Window::of_second(0));
        let spelled = |flag: &str| flag.replace('-', "_");
        match asked.contradiction(spelled).or_else(|| collecting.ways.contradiction(spelled)) {
            Some(why) => Err(part.refused(&why)),
            None if asked.is_nothing() => Err(part.refused(
                "asks for nothing: give log_group, mwaa_environment, redshift_cluster, redshift_workgroup, athena, athena_table or s3",
            )),
            None => Ok(collecting),
        }
    }

    /// What is asked for of a window.
    pub fn asked(&self, window: Window) -> Asked {
        let part = Part { section: SECTION, block: Some(&self.block) };
        Asked {
            window,
            last_seconds: None,
            log_groups: part.texts("log_group"),
            mwaa_environments: part.texts("mwaa_environment"),
            mwaa_webserver: part.flag("mwaa_webserver"),
            logs: match part.text("logs").as_deref() {
                Some("raw") => LogsBy::Raw,
                Some("insights") => LogsBy::Insights,
                _ => LogsBy::Auto,
            },
            redshift_cluster: part.text("redshift_cluster"),
            redshift_workgroup: part.text("redshift_workgroup"),
            database: part.text("database"),
            secret_arn: part.text("secret_arn"),
            db_user: part.text("db_user"),
            athena: part.flag("athena"),
            workgroups: part.texts("workgroup"),
            athena_statistics: part.whole("athena_statistics"),
            athena_tables: part.texts("athena_table"),
            athena_output: part.text("athena_output"),
            s3: part.texts("s3"),
            s3_most_objects: part.whole("s3_max_objects"),
        }
        .in_order()
    }
}

fn ways(part: &Part<'_>) -> Ways {
    Ways {
        profile: part.text("profile"),
        region: part.text("region"),
        endpoint_url: part.text("endpoint_url"),
        role_arn: part.text("role_arn"),
        external_id: part.text("external_id"),
        fips: part.flag("fips"),
        concurrency: part.count("concurrency"),
        most_scan_bytes: part.number("max_scan_gb").map(Ways::bytes_of_gigabytes),
        fail_fast: part.flag("fail_fast"),
        base_delay: Duration::from_millis(part.whole("retry_delay").unwrap_or_default()),
        calls_per_second: part.number("calls_per_second"),
    }
}

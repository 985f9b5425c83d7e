//! `load-errors`: rows that were lost without a word.

use super::{Dumps, Rung};
use crate::common::{
    MIB,
    loads::{Load, exports, load},
};
use std::fmt::Write as _;

fn rejecting(errors: f64) -> Load<'static> {
    Load { errors: errors as i64, ..load(vec![100 * MIB; 16], 30.0) }
}

/// A load that failed on one row, and one that lost this many and completed.
fn beside_a_failure(lost: f64) -> Dumps {
    let mut all = exports(&[Load { status: "aborted", ..rejecting(1.0) }, rejecting(lost)], 16);
    let mut rows =
        "query_id,table_id,start_time,file_name,line_number,column_name,column_type,position,error_code,error_message\n".to_owned();
    for line in 0..=lost as i64 {
        let query = if line == 0 { 1000 } else { 1001 };
        writeln!(rows, "{query},77,2026-08-01 00:00:30,s3://b/sales/x.gz,{line},qty,int4,3,1207,Invalid digit").unwrap();
    }
    all.push(("errors.csv", rows));
    all
}

pub(super) const RUNGS: &[Rung] = &[
    Rung::new("high_rows", 1.0, 1.0, beside_a_failure, ["medium", "high", "high"]),
    Rung::new("critical_rows", 100_000.0, 1.0, |it| exports(&[rejecting(it)], 16), ["high", "critical", "critical"]),
];

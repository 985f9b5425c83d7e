//! An identity was refused an action: by whom, on what, why.
//!
//! ## What it looks for
//! Refusals in any log, traceback, query error or `CloudTrail` record, in the shapes that botocore, the SDKs for Java, Go and
//! JavaScript, the CLI, S3, Redshift, Athena, Lake Formation, KMS and STS write. Of a chain of errors the innermost counts, once per
//! task try. A refusal is grouped by role, action, generalised resource and kind: one finding says how often it happened.
//! The kinds are told apart: `permission` (a policy is missing or denies), `kms` (the key behind the object), `lake-formation`
//! (a grant in Lake Formation), `not-found-or-denied` (a HEAD request answers 403 for a missing key too when `s3:ListBucket` is
//! missing), `credentials` (nobody knows who asked: no policy helps), `sql-grant` (a GRANT in the database, not IAM).
//! When a statement failed, the message says what was refused; the role is the one that COPY or UNLOAD names, not the caller's, and
//! what the message leaves out (the place, reading or writing) is taken from the statement and marked as inferred.
//!
//! ## Why it matters
//! A refused call is the first fault of everything after it, and retries do not help. One missing permission shows at a time:
//! the policy in the finding holds all that the evidence shows missing for the role.
//!
//! ## What to do
//! Add the statements to the policy that the finding names: the role's own, the bucket's, the endpoint's, the trust policy. An
//! explicit deny cannot be outvoted by an Allow: its owner has to change it. Then check with `aws iam simulate-principal-policy`.
//!
//! ## When it is wrong
//! A 403 on HEAD may be a missing key. A text that a succeeding try printed (a report, a replayed log) is at most info. Without a
//! task log around it nobody can tell what a refusal broke: confidence is medium. `credentials` and `sql-grant` are never more
//! than info here, because no IAM policy is at fault; the failed try itself is listed with its last error.

use super::{Answer, Context, Detector};
use crate::{
    error::Result,
    finding::Finding,
    settings::Limit,
    tables::{Row, errors, queries, rows},
};
use polars::prelude::{SortMultipleOptions, col};
use std::collections::BTreeMap;

mod claim;
mod policy;
mod resource;

use claim::Group;

pub(super) static DETECTOR: Detector = Detector {
    id: "access-denied",
    version: 1,
    title: "an identity was refused an action: by whom, on what, why",
    needs: "any log or traceback · Redshift and Athena messages · CloudTrail",
    fails: true,
    reads: &[&errors::TABLE, &queries::TABLE],
    limits: &[&CRITICAL_RUNS],
    text: include_str!("mod.rs"),
    detect,
};

static CRITICAL_RUNS: Limit = Limit {
    name: "critical_runs",
    default: 3.0,
    meaning: "failed runs whose first fault is the same refusal, from which on it is critical",
    source: "three runs in a row are no accident; our choice",
};

/// A refusal, as the table holds it.
#[derive(Clone, Debug)]
struct Refusal {
    at: Option<crate::units::Moment>,
    task: crate::tables::TaskRef,
    kind: String,
    service: Option<String>,
    operation: Option<String>,
    code: Option<String>,
    action: Option<String>,
    action_inferred: bool,
    resource: Option<String>,
    resource_inferred: bool,
    principal: Option<String>,
    denied_by: Option<String>,
    via: Option<String>,
    explicit: Option<bool>,
    voice: String,
    level: Option<String>,
    fatal: bool,
    try_state: Option<String>,
    recovered: bool,
    query_id: Option<String>,
    request_id: Option<String>,
    frame: Option<String>,
    excerpt: String,
    origin: crate::tables::Origin,
}

impl Refusal {
    fn read(row: Row<'_>) -> Self {
        Self {
            at: row.moment(errors::EVENT_TIME),
            task: row.task(),
            kind: row.text(errors::KIND).unwrap_or_default(),
            service: row.text(errors::SERVICE),
            operation: row.text(errors::OPERATION),
            code: row.text(errors::ERROR_CODE),
            action: row.text(errors::ACTION),
            action_inferred: row.flag(errors::ACTION_INFERRED),
            resource: row.text(errors::RESOURCE),
            resource_inferred: row.flag(errors::RESOURCE_INFERRED),
            principal: row.text(errors::PRINCIPAL),
            denied_by: row.text(errors::DENIED_BY),
            via: row.text(errors::VIA),
            explicit: row.maybe_flag(errors::EXPLICIT),
            voice: row.text(errors::VOICE).unwrap_or_default(),
            level: row.text(errors::LEVEL),
            fatal: row.flag(errors::FATAL),
            try_state: row.text(errors::TRY_STATE),
            recovered: row.flag(errors::RECOVERED),
            query_id: row.text(errors::QUERY_ID),
            request_id: row.text(errors::REQUEST_ID),
            frame: row.text(errors::FRAME),
            excerpt: row.text(errors::EXCERPT).unwrap_or_default(),
            origin: row.origin(),
        }
    }
}

fn detect(cx: &Context<'_>) -> Result<Answer> {
    if cx.evidence.facts.log_records == 0 && DETECTOR.reads.iter().all(|it| cx.evidence.rows(it) == 0) {
        return Ok(Answer::NotAssessed("no log record, audit record, statement or AWS error text was read".to_owned()));
    }
    let refused = cx
        .table(&errors::TABLE)
        .filter(errors::KIND.col().is_not_null())
        .sort_by_exprs(
            [col(errors::EVENT_TIME.name), col("origin_file"), col("origin_record")],
            SortMultipleOptions::default().with_nulls_last(true),
        )
        .collect()?;
    let mut groups: BTreeMap<[String; 4], Vec<Refusal>> = BTreeMap::new();
    for refusal in rows(&refused).map(Refusal::read).filter(|it| cx.settings.in_window(it.at)) {
        groups.entry(claim::key_of(&refusal)).or_default().push(refusal);
    }
    let groups: Vec<Group> = groups.into_iter().map(|(key, refusals)| Group::new(key, refusals, cx.limit(&CRITICAL_RUNS))).collect();
    let findings: Vec<Finding> = groups.iter().map(|it| claim::finding(it, &groups)).collect();
    Ok(Answer::Findings(findings))
}

//! Questions asked of the evidence: one module per question, one verdict each.

use crate::{
    error::Result,
    evidence::Evidence,
    finding::{Finding, Severity},
    settings::{Limit, Settings},
    tables::{Table, objects, table_stats},
};
use polars::prelude::LazyFrame;
use rayon::prelude::*;

mod access_denied;
mod load_errors;
mod partition_skew;
mod single_file_copy;
mod small_files;
mod stuck_queued;

/// Every detector, in the order reports list them.
pub static DETECTORS: &[&Detector] = &[
    &single_file_copy::DETECTOR,
    &load_errors::DETECTOR,
    &small_files::DETECTOR,
    &partition_skew::DETECTOR,
    &access_denied::DETECTOR,
    &stuck_queued::DETECTOR,
];

/// One question.
#[derive(Debug)]
pub struct Detector {
    /// Its id: the fault's name.
    pub id: &'static str,
    /// Rises when it judges otherwise: reports of different versions are not compared unasked.
    pub version: u32,
    /// What it says when it speaks.
    pub title: &'static str,
    /// The evidence it needs, for people.
    pub needs: &'static str,
    /// Whether what it finds made something fail, or only made it slow or dear.
    pub fails: bool,
    /// The tables it reads.
    pub reads: &'static [&'static Table],
    /// Its limits.
    pub limits: &'static [&'static Limit],
    /// Its source, whose head is its manual.
    pub text: &'static str,
    /// Asks: `Err` with the reason when the evidence allows no answer.
    pub detect: fn(&Context<'_>) -> Result<Answer>,
}

/// What a detector found out.
#[derive(Debug)]
pub enum Answer {
    /// These problems.
    Findings(Vec<Finding>),
    /// There was nothing to judge by, and why.
    NotAssessed(String),
}

/// The verdict of a detector that had nothing to judge by.
pub const NOT_ASSESSED: &str = "not-assessed";

/// What the report says of a detector.
#[derive(Debug)]
pub struct Verdict {
    /// Who was asked.
    pub detector: &'static Detector,
    /// `findings`, `clean` or `not-assessed`.
    pub verdict: &'static str,
    /// Why there is no verdict, or what weakens it.
    pub reason: Option<String>,
    /// The rows it judged by.
    pub evidence: Vec<(&'static str, usize)>,
    /// What it found.
    pub findings: Vec<Finding>,
}

/// What a detector may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    detector: &'static Detector,
    /// The evidence.
    pub evidence: &'a Evidence,
    /// The user's choices.
    pub settings: &'a Settings,
}

impl Context<'_> {
    /// A table, for a query.
    pub fn table(&self, table: &'static Table) -> LazyFrame {
        self.evidence.table(table)
    }

    /// A limit in force.
    pub fn limit(&self, limit: &Limit) -> f64 {
        self.settings.limit(self.detector.id, limit)
    }
}

impl Detector {
    /// The manual: the `//!` text of its file.
    pub fn manual(&self) -> String {
        let lines = self.text.lines().map_while(|it| it.strip_prefix("//!"));
        lines.map(|it| it.strip_prefix(' ').unwrap_or(it)).collect::<Vec<_>>().join("\n")
    }
}

/// Asks every detector given.
pub fn judge(detectors: &[&'static Detector], evidence: &Evidence, settings: &Settings) -> Result<Vec<Verdict>> {
    let ask = |detector: &&'static Detector| {
        let answer = (detector.detect)(&Context { detector, evidence, settings })?;
        let rows = detector.reads.iter().map(|it| (it.name, evidence.rows(it))).collect();
        Ok(verdict(detector, answer, rows, evidence, settings))
    };
    // The first of those that fail, in their order, is the one to tell.
    detectors.par_iter().map(ask).collect::<Vec<_>>().into_iter().collect()
}

fn verdict(
    detector: &'static Detector,
    answer: Answer,
    evidence: Vec<(&'static str, usize)>,
    all: &Evidence,
    settings: &Settings,
) -> Verdict {
    let partial = || "an input was not read whole: what it held is not judged".to_owned();
    let reason = (!all.is_complete()).then(partial);
    match answer {
        Answer::NotAssessed(reason) => Verdict { detector, verdict: NOT_ASSESSED, reason: Some(reason), evidence, findings: Vec::new() },
        Answer::Findings(found) => {
            let mut findings: Vec<Finding> = found.into_iter().map(Finding::sealed).collect();
            // Worst first; among equals the earliest, for it is the likelier cause.
            findings.sort_by(|a, b| {
                let order = |it: &Finding| (std::cmp::Reverse(it.severity), it.first_seen.is_none(), it.first_seen, it.finding_id.clone());
                order(a).cmp(&order(b))
            });
            let (verdict, reason) = match findings.is_empty() {
                false => ("findings", reason),
                true if judges_only_events(&evidence) && !all.reaches(settings) => {
                    (NOT_ASSESSED, Some("no record of the inputs lies in the window of --since, --until or --last".to_owned()))
                }
                // What was not asked of AWS, or not answered, might hold anything.
                true if all.lacks_parts() => (NOT_ASSESSED, Some("the case is not complete: what is missing is not judged".to_owned())),
                true => ("clean", reason),
            };
            Verdict { detector, verdict, reason, evidence, findings }
        }
    }
}

/// Whether none of the rows tells of a state, which holds at any time.
fn judges_only_events(evidence: &[(&'static str, usize)]) -> bool {
    evidence.iter().all(|(table, rows)| *rows == 0 || ![objects::TABLE.name, table_stats::TABLE.name].contains(table))
}

/// The severity whose threshold a value reaches, from the highest down.
fn rung(value: f64, ladder: &[(Severity, f64)]) -> Option<Severity> {
    ladder.iter().filter(|it| value >= it.1).map(|it| it.0).max()
}

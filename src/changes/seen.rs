//! Whether the inputs that prove a finding in one report were looked at in another: without that, nothing is resolved, and new may be old.

use super::names::Alike;
use crate::ledger::{Entry, Input, Ledger};
use std::collections::{BTreeMap, BTreeSet};

/// The kind of the input that tells what a case lacks.
const CASE_MANIFEST: &str = "case-manifest";

/// The kind whose tables of errors have no rows where there are no errors.
const SYSTEM_VIEW: &str = "redshift-view";

/// What became of the inputs that prove a finding.
pub(super) enum Again {
    /// They were looked at again, and whole.
    Whole,
    /// They were, and one that lists errors listed none.
    WithoutRows(String),
    /// One that might show it was not read whole.
    Damaged(String),
    /// One of them was not there.
    Missing,
}

/// Two reports' inputs: those that prove, and those that are looked for.
pub(super) struct Seen<'a> {
    proving: BTreeMap<&'a str, usize>,
    here: &'a [Input],
    there: &'a [Input],
    alike: Alike,
    /// Kinds whose inputs are named alike in both.
    named: BTreeSet<&'a str>,
    /// The inputs of the other report that were not read whole.
    damaged: Vec<usize>,
}

impl<'a> Seen<'a> {
    /// For findings of `here`, looked for in `there`.
    pub(super) fn new(here: &'a Ledger, there: &'a Ledger) -> Self {
        let (here, there) = (here.inputs.as_slice(), there.inputs.as_slice());
        let paths = |inputs: &'a [Input]| inputs.iter().map(|it| it.path.as_str()).collect::<Vec<_>>();
        let alike = Alike::between(&paths(here), &paths(there));
        let recurring = |it: &(usize, &'a Input)| alike.to(it.0).is_some_and(|it| !it.is_empty());
        Self {
            proving: here.iter().enumerate().map(|(at, it)| (it.path.as_str(), at)).collect(),
            named: here.iter().enumerate().filter(recurring).filter_map(|it| it.1.kind.as_deref()).collect(),
            damaged: there.iter().enumerate().filter(|it| !it.1.complete).map(|it| it.0).collect(),
            here,
            there,
            alike,
        }
    }

    /// What became of the inputs that prove a finding.
    pub(super) fn again(&self, finding: &Entry) -> Again {
        let proofs: Option<Vec<usize>> = finding.proved_by.iter().map(|it| self.proving.get(it.as_str()).copied()).collect();
        // What a report does not list cannot be looked for.
        let Some(proofs) = proofs.filter(|it| !it.is_empty()) else { return Again::Missing };
        if let Some(damaged) = self.damaged.iter().find(|it| self.might_show(&proofs, **it)).and_then(|it| self.there.get(*it)) {
            return Again::Damaged(damaged.path.clone());
        }
        let there: Option<Vec<&Input>> = proofs.iter().map(|it| self.counterpart(*it)).collect();
        match there {
            None => Again::Missing,
            Some(inputs) => inputs.iter().find(|it| it.parsed == 0).map_or(Again::Whole, |it| Again::WithoutRows(it.path.clone())),
        }
    }

    /// Whether an input of the other report might show what these prove: it is of their kind or name, or nobody knows what it held.
    fn might_show(&self, proofs: &[usize], input: usize) -> bool {
        let kind = self.there.get(input).and_then(|it| it.kind.as_deref());
        let is_like = |proof: &usize| {
            self.here.get(*proof).is_some_and(|it| it.kind.as_deref() == kind)
                || self.alike.to(*proof).is_some_and(|it| it.contains(&input))
        };
        kind.is_none_or(|it| it == CASE_MANIFEST) || proofs.iter().any(is_like)
    }

    /// The input of the other report that was looked at for this one: the same, or, where inputs of its kind are named anew each time,
    /// another of the kind.
    fn counterpart(&self, proof: usize) -> Option<&'a Input> {
        let kind = self.here.get(proof)?.kind.as_deref()?;
        let told: Vec<&Input> = match self.alike.to(proof) {
            Some(others) => others.iter().filter_map(|it| self.there.get(*it)).filter(|it| it.kind.is_some()).collect(),
            None if self.named.contains(kind) => Vec::new(),
            None => self.there.iter().filter(|it| it.kind.as_deref() == Some(kind)).collect(),
        };
        told.iter().find(|it| it.parsed > 0).or_else(|| told.iter().find(|it| self.has_no_errors(it))).copied()
    }

    /// A system view without rows says that there was nothing, where others beside it show that rows can be seen.
    fn has_no_errors(&self, input: &Input) -> bool {
        let is_view = |it: &Input| it.kind.as_deref() == Some(SYSTEM_VIEW);
        is_view(input) && self.there.iter().any(|it| is_view(it) && it.parsed > 0)
    }
}

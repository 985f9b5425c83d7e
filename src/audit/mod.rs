//! The nightly job: each window once, whole or said not to be, and what is new in it. Calls everything else.

use crate::{
    case::{Meter, Window},
    collect::Progress,
    config::{AuditPlan, Config},
    error::{Error, Result},
    finding::FailOn,
    ledger::Ledger,
    publish::{Destination, Published},
    report::Report,
    units::Moment,
};
use lock::Lock;
use state::{Folder, State};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

mod lock;
mod night;
mod state;
mod windows;

pub use windows::Rhythm;

/// What an audit is run with.
#[derive(Debug)]
pub struct Audit<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Its part about audits.
    pub plan: &'a AuditPlan,
    /// Where it publishes.
    pub destination: &'a Destination,
    /// The report that was accepted, and what it is called.
    pub baseline: Option<(&'a Ledger, &'a str)>,
    /// From where on findings fail it.
    pub fail_on: Option<FailOn>,
    /// What time it is.
    pub now: Moment,
    /// Moments whose windows are judged again though they are done.
    pub again: &'a [Moment],
    /// Told how a collection goes on.
    pub progress: &'a Arc<Progress>,
    /// Told how reading goes on.
    pub meter: &'a Meter,
}

/// A window that was judged and published.
#[derive(Debug)]
pub struct Judged {
    /// The window.
    pub window: Window,
    /// What is said of it.
    pub report: Report,
    /// What became of its files.
    pub published: Published,
    /// Whether it was judged before; its findings of that time were told then.
    pub is_again: bool,
    /// Whether it holds findings that fail the run.
    pub found: bool,
}

/// How an audit ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// Windows that were judged, in order.
    pub judged: usize,
    /// Windows that are due and left for the next run.
    pub left: usize,
    /// The window that is due next, where nothing was to be done.
    pub next: Option<Window>,
    /// Whether findings fail the run.
    pub found: bool,
    /// Whether a window is not whole.
    pub incomplete: bool,
    /// Why it ended before its end: what could not be written or published.
    pub write_failed: Option<Error>,
}

impl Audit<'_> {
    /// How time is cut into windows.
    pub fn rhythm(&self) -> Rhythm {
        Rhythm { seconds: self.plan.window_seconds, delay_seconds: self.plan.delay_seconds }
    }

    /// The windows that the next run judges.
    pub fn due(&self) -> Result<BTreeSet<Window>> {
        let folder = Folder { path: self.plan.state.clone() };
        Ok(self.owed(&folder.state(&self.plan.name, self.plan.window_seconds)?)?.0)
    }

    /// Judges every window that is due, and tells each to `tell`; `note` is told what else is worth knowing.
    pub fn run(&self, tell: &mut dyn FnMut(Judged) -> Result<()>, note: &mut dyn FnMut(&str)) -> Result<Ended> {
        let folder = Folder::open(&self.plan.state)?;
        let lock = Lock::take(&folder.path, self.now)?;
        if let Some(holder) = &lock.left_by {
            note(&format!(
                "process {} began an audit at {} and did not finish it: what it left is finished now",
                holder.process,
                holder.since.rfc3339()
            ));
        }
        let ended = self.pursue(&folder, tell, note);
        // Only who died leaves word of himself.
        let released = lock.release();
        ended.and_then(|it| released.map(|()| it))
    }

    /// The windows that are owed, in order: never judged ones, those that lacked something and may still get it, and those named.
    fn owed(&self, state: &State) -> Result<(BTreeSet<Window>, usize)> {
        let rhythm = self.rhythm();
        let too_early = || Error::Usage("no window is that early".to_owned());
        let last = rhythm.last_due(self.now).ok_or_else(too_early)?;
        let begun = state.nights.keys().next().copied().into_iter().chain(self.plan.first).min();
        let first = begun.map_or(Some(last), |it| rhythm.holding(it)).ok_or_else(too_early)?;
        let most = i64::try_from(self.plan.most_windows).unwrap_or(i64::MAX);
        let recent = rhythm.step(last, most.saturating_neg().saturating_add(1));
        let is_recent = |it: &Window| recent.is_none_or(|recent| *it >= recent);
        let unknown: Vec<Window> = rhythm.between(first, last).filter(|it| !state.nights.contains_key(&it.since())).collect();
        let mut owed: BTreeSet<Window> = unknown.iter().copied().take(self.plan.most_windows).collect();
        let left = unknown.len() - owed.len();
        owed.extend(
            rhythm.between(first, last).filter(|it| state.nights.get(&it.since()).is_some_and(|it| !it.complete)).filter(is_recent),
        );
        for moment in self.again {
            let window = rhythm.holding(*moment).ok_or_else(too_early)?;
            if !state.nights.contains_key(&window.since()) {
                return Err(Error::Usage(format!("the window of {} was never judged: it cannot be judged again", moment.rfc3339())));
            }
            owed.insert(window);
        }
        Ok((owed, left))
    }

    fn pursue(&self, folder: &Folder, tell: &mut dyn FnMut(Judged) -> Result<()>, note: &mut dyn FnMut(&str)) -> Result<Ended> {
        let rhythm = self.rhythm();
        let mut state = folder.state(&self.plan.name, self.plan.window_seconds)?;
        let (owed, left) = self.owed(&state)?;
        let mut ended = Ended { left, ..Ended::default() };
        if owed.is_empty() {
            let begins = self.plan.first.and_then(|it| rhythm.holding(it));
            ended.next = rhythm.last_due(self.now).and_then(|it| rhythm.step(it, 1)).max(begins);
            ended.incomplete = state.nights.values().next_back().is_some_and(|it| !it.complete);
            return Ok(ended);
        }
        let mut brought = BTreeMap::new();
        for window in &owed {
            brought.insert(*window, self.collect(folder, *window, note)?);
        }
        // Late logs of a window come with the next one.
        let before =
            |it: &Window| rhythm.step(*it, -1).filter(|it| self.plan.overlap_seconds > 0 && state.nights.contains_key(&it.since()));
        let mut to_judge: BTreeSet<Window> = owed.iter().filter_map(before).collect();
        to_judge.extend(&owed);
        let Some((first, last)) = to_judge.first().copied().zip(to_judge.last().copied()) else { return Ok(ended) };
        let known_last = state.nights.keys().next_back().and_then(|it| rhythm.holding(*it)).unwrap_or(last).max(last);
        let mut changed = false;
        for window in rhythm.between(first, known_last) {
            // What a night says of the past depends on the nights before it.
            let depends = changed && state.nights.contains_key(&window.since());
            if !to_judge.contains(&window) && !depends {
                continue;
            }
            match self.night(folder, &mut state, window, &brought)? {
                night::Night::Judged(judged, news) => {
                    changed |= news;
                    ended.judged += 1;
                    ended.found |= judged.found;
                    ended.incomplete |= !judged.report.is_complete();
                    tell(*judged)?;
                }
                night::Night::Kept => note(&format!(
                    "{}: judged before, and its evidence is no longer all there: it stays as it was told",
                    window.since().day()
                )),
                night::Night::NotPublished(error) => {
                    ended.write_failed = Some(error);
                    return Ok(ended);
                }
            }
        }
        let kept = self.kept(&state);
        folder.keep_only(&kept.iter().map(String::as_str).collect::<Vec<_>>())?;
        Ok(ended)
    }

    /// The cases that are still needed: of windows that lack something, and of the last ones.
    fn kept(&self, state: &State) -> Vec<String> {
        let recent = state.nights.keys().rev().take(self.plan.keep_cases.max(1)).copied().collect::<BTreeSet<_>>();
        let retried = state.nights.keys().rev().take(self.plan.most_windows).copied().collect::<BTreeSet<_>>();
        let is_kept = |(start, night): &(&Moment, &state::Night)| recent.contains(start) || (!night.complete && retried.contains(start));
        state.nights.iter().filter(is_kept).filter_map(|it| it.1.brought.case.clone()).collect()
    }
}

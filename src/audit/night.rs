//! One window: its evidence is brought, read and judged, compared with the nights before, published, and then remembered.

use super::{
    Audit, Judged,
    state::{Brought, Folder, Memory, State},
};
use crate::{
    case::{Listing, Window, manifest},
    changes, collect, detectors,
    error::{Error, Result},
    evidence::Evidence,
    finding::{self, Change},
    ledger::Ledger,
    publish,
    report::Report,
    suppress,
    units::{Moment, SECOND},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// How a window ended.
pub(super) enum Night {
    /// It was judged and published; and whether it says something else than before.
    Judged(Box<Judged>, bool),
    /// It stays as it was told before, because some of its evidence is gone by now.
    Kept,
    /// Nothing of it is to be seen: it is judged again by the next run.
    NotPublished(Error),
}

/// Dumps, among the sources of a window.
const INPUTS: &str = "inputs";

/// Where the day stands in the path of dumps.
const DATE: &str = "{date}";

impl Audit<'_> {
    /// Brings the evidence of a window into its case; what is there already is not brought again.
    pub(super) fn collect(&self, folder: &Folder, window: Window, note: &mut dyn FnMut(&str)) -> Result<Brought> {
        let Some(collect) = &self.config.collect else { return Ok(Brought::default()) };
        let asked = collect.asked(self.reach(window));
        // A window that is asked for otherwise is another case.
        let mark = finding::digest("case", &[&serde_json::to_string(&asked).unwrap_or_default()]);
        let name = format!("{}-{mark}", window.file_name());
        let path = folder.cases().join(&name);
        let resume = path.join(manifest::FILE).exists();
        let case = collect::collect(Some(asked), &collect.ways, &path, resume, self.progress)?;
        for gap in case.units.values().filter_map(manifest::Unit::gap) {
            note(&format!("{}: {gap}", window.since().day()));
        }
        let mut sources: BTreeMap<String, bool> = BTreeMap::new();
        for unit in case.units.values() {
            *sources.entry(unit.collector.clone()).or_insert(true) &= unit.state == manifest::State::Complete;
        }
        Ok(Brought { case: Some(name), sources })
    }

    /// A window and the overlap before it.
    fn reach(&self, window: Window) -> Window {
        let since = Moment(window.since().0.saturating_sub(self.plan.overlap_seconds.saturating_mul(SECOND)));
        Window::holding(since, window.until()).unwrap_or(window)
    }

    /// Judges a window, publishes what is said of it, and only then remembers it.
    pub(super) fn night(&self, folder: &Folder, state: &mut State, window: Window, brought: &BTreeMap<Window, Brought>) -> Result<Night> {
        let known = state.nights.get(&window.since()).cloned();
        let mut own = brought.get(&window).cloned().or_else(|| known.clone().map(|it| it.brought)).unwrap_or_default();
        let before = self.before(folder, state, window)?;
        let earlier = folder.memory(window)?;
        let report = self.judge(folder, state, window, &own, brought, before.as_ref())?;
        if !self.config.inputs.paths.is_empty() {
            let is_whole = report.coverage.iter().filter(|it| !is_of_case(&it.path)).all(|it| it.problems.is_empty());
            own.sources.insert(INPUTS.to_owned(), is_whole);
        }
        if let (Some(known), Some(earlier)) = (&known, &earlier)
            && (known.complete && !report.is_complete() || sees_less(&report, &earlier.ledger))
        {
            return Ok(Night::Kept);
        }
        let published = match publish::publish(&[publish::Night::of(&report, &report.run_id())?], self.destination) {
            Ok(published) => published,
            Err(error) => return Ok(Night::NotPublished(error)),
        };
        let memory = remembered(&report, before.as_ref());
        folder.remember(window, &memory)?;
        let complete = report.is_complete() && own.sources.values().all(|it| *it);
        state.learn(window, complete, own);
        folder.save(state)?;
        let told = |id: &str| earlier.as_ref().is_some_and(|it| it.ledger.findings.contains_key(id));
        let is_again = earlier.is_some();
        // What was told when the window was judged first does not fail a second run, unless the window was asked for.
        let counts = |id: &str| !is_again || self.is_asked(window) || !told(id);
        let found = self.fail_on.is_some_and(|limit| report.findings().into_iter().any(|it| limit.is_met_by(it) && counts(&it.finding_id)));
        let news = earlier.as_ref() != Some(&memory);
        Ok(Night::Judged(Box::new(Judged { window, report, published, is_again, found }), news))
    }

    fn is_asked(&self, window: Window) -> bool {
        self.again.iter().any(|it| self.rhythm().holding(*it) == Some(window))
    }

    /// What the nearest night before a window told.
    fn before(&self, folder: &Folder, state: &State, window: Window) -> Result<Option<Memory>> {
        let nearest = state.nights.range(..window.since()).next_back().and_then(|it| self.rhythm().holding(*it.0));
        nearest.map_or(Ok(None), |it| folder.memory(it))
    }

    fn judge(
        &self,
        folder: &Folder,
        state: &State,
        window: Window,
        own: &Brought,
        brought: &BTreeMap<Window, Brought>,
        before: Option<&Memory>,
    ) -> Result<Report> {
        let mut settings = self.config.settings.clone();
        settings.since = Some(window.since());
        settings.until = Some(window.until());
        settings.zone = self.config.inputs.zone.clone();
        // Late logs of this window lie in the case of the next one.
        let next = self.rhythm().step(window, 1).filter(|_| self.plan.overlap_seconds > 0);
        let of_next = next.and_then(|it| {
            let known = || state.nights.get(&it.since()).and_then(|it| it.brought.case.clone());
            brought.get(&it).map_or_else(known, |it| it.case.clone())
        });
        let cases: Vec<PathBuf> = own.case.iter().chain(&of_next).map(|it| folder.cases().join(it)).filter(|it| it.is_dir()).collect();
        let listing = self.listing(folder, window, &cases);
        let evidence = Evidence::load(&listing, None, &settings, self.meter)?;
        let verdicts = detectors::judge(&self.plan.detectors, &evidence, &settings)?;
        let mut report = Report::new(&evidence, verdicts, &settings)?;
        report.run = Some(self.run_id(window));
        let nothing = Memory::default();
        let memory = before.unwrap_or(&nothing);
        let seen = |id: &str| memory.seen.get(id).map(|it| (it.first, Some(it.nights)));
        changes::stand(&mut report, &memory.as_before(), &seen);
        suppress::apply(&self.config.suppress, &mut report, Some(window.until()));
        if let Some((accepted, name)) = self.baseline {
            changes::accept(&mut report, accepted, name);
        }
        Ok(report)
    }

    /// The same for the same window of the same audit: a second run replaces the first.
    fn run_id(&self, window: Window) -> String {
        finding::digest("audit", &[&self.plan.name, &window.since().rfc3339(), &window.until().rfc3339()])
    }

    /// The files of the cases, named as seen from the folder of the audit, and the dumps.
    fn listing(&self, folder: &Folder, window: Window, cases: &[PathBuf]) -> Listing {
        let mut listing = Listing::of(cases);
        let prefix = format!("{}{}", folder.path.display(), std::path::MAIN_SEPARATOR);
        let bare = |name: &mut String| {
            if let Some(rest) = name.strip_prefix(&prefix) {
                *name = rest.to_owned();
            }
        };
        listing.files.iter_mut().for_each(|it| bare(&mut it.name));
        listing.unreadable.iter_mut().for_each(|it| bare(&mut it.name));
        let dumps = Listing::of(&self.dumps(window));
        listing.files.extend(dumps.files);
        listing.unreadable.extend(dumps.unreadable);
        listing.files.sort();
        listing.unreadable.sort_by(|a, b| a.name.cmp(&b.name));
        listing
    }

    /// The paths of the dumps of a window. Those of its own days are named even where they are missing, for that must be said.
    pub fn dumps(&self, window: Window) -> Vec<PathBuf> {
        let overlap = self.plan.overlap_seconds.saturating_mul(SECOND);
        let own = days(window.since(), window.until());
        let all = days(Moment(window.since().0.saturating_sub(overlap)), Moment(window.until().0.saturating_add(overlap)));
        let mut paths = Vec::new();
        for pattern in &self.config.inputs.paths {
            if !pattern.contains(DATE) {
                paths.push(PathBuf::from(pattern));
                continue;
            }
            for day in &all {
                let path = PathBuf::from(pattern.replace(DATE, day));
                if own.contains(day) || path.exists() {
                    paths.push(path);
                }
            }
        }
        paths
    }
}

/// The days (UTC) from one moment up to another.
fn days(since: Moment, until: Moment) -> Vec<String> {
    let day = 86_400 * SECOND;
    let first = since.0.div_euclid(day);
    let last = until.0.saturating_sub(1).div_euclid(day);
    (first..=last).map(|it| Moment(it.saturating_mul(day)).day()).collect()
}

fn is_of_case(path: &str) -> bool {
    Path::new(path).starts_with("cases")
}

/// Whether a detector that had evidence has none any more: dumps are moved away and cases removed, what was told of them stays.
fn sees_less(report: &Report, earlier: &Ledger) -> bool {
    let was_judged = |id: &str| earlier.verdicts.get(id).is_some_and(|it| it.verdict != detectors::NOT_ASSESSED);
    report.verdicts.iter().any(|it| it.verdict == detectors::NOT_ASSESSED && was_judged(it.detector.id))
}

/// What the nights after this one must know.
fn remembered(report: &Report, before: Option<&Memory>) -> Memory {
    let ledger = Ledger::of(report);
    let nothing = Memory::default();
    let before = before.unwrap_or(&nothing);
    let mut seen = before.seen.clone();
    for (id, entry) in &ledger.findings {
        let known = seen.entry(id.clone()).or_default();
        known.first = entry.first_seen.or(known.first);
        known.nights += 1;
    }
    let compared = before.as_before();
    let unseen = report.gone.iter().flatten().filter(|it| it.change == Change::NotAssessed);
    let pending: BTreeMap<_, _> =
        unseen.filter_map(|it| compared.findings.get(&it.finding_id).map(|entry| (it.finding_id.clone(), entry.clone()))).collect();
    let proves = |path: &String| pending.values().any(|it| it.proved_by.contains(path));
    let pending_inputs = compared.inputs.iter().filter(|it| proves(&it.path)).cloned().collect();
    Memory { ledger, pending, pending_inputs, seen }
}

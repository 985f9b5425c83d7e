//! Reports that the user names to compare with: read where they lie, or, of a case, judged now.

use casefile::{
    case::{
        Listing, Meter,
        manifest::{CaseManifest, FILE},
    },
    collect::{Asked, Ways},
    detectors::{self, DETECTORS},
    error::{Error, Result},
    evidence::Evidence,
    ledger::{self, Ledger, Opened, Taken},
    report::Report,
    settings::Settings,
};
use std::{fs, path::Path};

/// The report that the user named. `settings` are those that a case is judged by; without a case nobody needs them.
pub(super) fn taken(given: &str, ways: &Ways, settings: impl FnOnce() -> Result<Settings>) -> Result<Taken> {
    match ledger::open(given, ways)? {
        Opened::Report(taken) => Ok(*taken),
        Opened::Case(path) => Ok(Taken { given: given.to_owned(), run: None, ledger: judged(&path, &settings()?)? }),
    }
}

/// What all detectors say of a case.
fn judged(case: &Path, settings: &Settings) -> Result<Ledger> {
    let evidence = Evidence::load(&Listing::of(&[case.to_owned()]), None, settings, &Meter::default())?;
    let verdicts = detectors::judge(DETECTORS, &evidence, settings)?;
    let mut ledger = Ledger::of(&Report::new(&evidence, verdicts, settings)?);
    // What was collected is what was judged.
    if let Some(window) = asked(case)?.map(|it| it.window) {
        ledger.since = ledger.since.or(Some(window.since()));
        ledger.until = ledger.until.or(Some(window.until()));
    }
    Ok(ledger)
}

/// What a case was collected for; `None` where its manifest does not tell, which the reading of the case says too.
fn asked(case: &Path) -> Result<Option<Asked>> {
    let path = case.join(FILE);
    let text = fs::read(&path).map_err(|source| Error::Read { path, source })?;
    let manifest: Option<CaseManifest> = serde_json::from_slice(&text).ok();
    Ok(manifest.and_then(|it| serde_json::from_value(it.asked).ok()))
}

//! The one file of settings, `casefile.toml`: read strictly, and turned into what each command works with.

use crate::{
    collect::Ways,
    detectors::{DETECTORS, Detector},
    error::Result,
    finding::{FailOn, Suppression},
    publish::Destination,
    settings::Settings,
    suppress::Entry,
    units::Moment,
};
use document::Block;
use jiff::tz::TimeZone;
use keys::SUPPRESS;
use part::Part;
use std::path::PathBuf;
use value::Value;

mod collecting;
mod document;
mod keys;
mod part;
mod schema;
mod value;
#[cfg(test)]
mod tests;

pub use collecting::Collecting;
pub use document::{Document, InForce, Setting};
pub use keys::{Key, Kind, SECTIONS, Section, Without};
pub use schema::schema;

/// What the file asks for.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Limits and caps.
    pub settings: Settings,
    /// The nightly job.
    pub audit: Option<AuditPlan>,
    /// What is collected, and how.
    pub collect: Option<Collecting>,
    /// Dumps that somebody else leaves there.
    pub inputs: Inputs,
    /// Where findings are published.
    pub publish: Option<Destination>,
    /// What somebody decided to live with.
    pub suppress: Vec<Entry>,
    /// The report whose findings are accepted.
    pub baseline: Option<PathBuf>,
}

/// The nightly job.
#[derive(Clone, Debug)]
pub struct AuditPlan {
    /// Its name, part of the run's id.
    pub name: String,
    /// Folder of its state, its cases and its lock.
    pub state: PathBuf,
    /// Length of a window.
    pub window_seconds: i64,
    /// A moment of the first window.
    pub first: Option<Moment>,
    /// A window is due this long after its end.
    pub delay_seconds: i64,
    /// How long before a window is collected too.
    pub overlap_seconds: i64,
    /// The most windows that one run makes up for.
    pub most_windows: usize,
    /// From where on findings fail it.
    pub fail_on: Option<FailOn>,
    /// Who is asked.
    pub detectors: Vec<&'static Detector>,
    /// Cases that are kept of windows that are done.
    pub keep_cases: usize,
}

/// Dumps that somebody else leaves there.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Files and folders; `{date}` stands for a day.
    pub paths: Vec<String>,
    /// The zone of times that name none.
    pub zone: TimeZone,
}

impl Default for Inputs {
    fn default() -> Self {
        Self { paths: Vec::new(), zone: TimeZone::UTC }
    }
}

impl Config {
    /// Reads a file; `origin` is what errors call it.
    pub fn read(text: &str, origin: &str) -> Result<Self> {
        Self::of(&Document::read(text, origin)?)
    }

    /// What a document asks for.
    pub fn of(document: &Document) -> Result<Self> {
        let block = |name: &'static str| document.blocks(name).next();
        let part = |name: &'static str| Part { section: name, block: block(name) };
        let given = |name: &'static str| block(name).map(|_| part(name));
        let collect = given("collect").map(|it| Collecting::of(&it)).transpose()?;
        let of_collect = collect.as_ref().map(|it| &it.ways);
        let inputs = part("inputs");
        Ok(Self {
            settings: settings(document),
            audit: given("audit").map(|it| audit(&it)),
            publish: given("publish").map(|it| destination(&it, of_collect)).transpose()?,
            collect,
            inputs: Inputs {
                paths: inputs.texts("paths"),
                zone: inputs.text("tz").and_then(|it| TimeZone::get(&it).ok()).unwrap_or(TimeZone::UTC),
            },
            suppress: document.blocks(SUPPRESS).map(entry).collect::<Result<_>>()?,
            baseline: given("baseline").and_then(|it| it.text("report")).map(PathBuf::from),
        })
    }
}

fn settings(document: &Document) -> Settings {
    let mut settings = Settings::default();
    for detector in DETECTORS {
        let name = format!("detectors.{}", detector.id);
        for (key, given) in document.blocks(&name).flat_map(|it| &it.values) {
            if let Value::Number(number) = given.value {
                settings.set_limit(detector.id, key, number);
            }
        }
    }
    let caps = Part { section: "input", block: document.blocks("input").next() };
    settings.caps.record_bytes = caps.count("record_bytes");
    settings.caps.depth = caps.count("depth");
    settings.caps.expansion = caps.whole("expansion").unwrap_or(settings.caps.expansion);
    settings
}

fn audit(part: &Part<'_>) -> AuditPlan {
    let names = part.texts("detectors");
    AuditPlan {
        name: part.text("name").unwrap_or_default(),
        state: part.text("state").unwrap_or_default().into(),
        window_seconds: part.seconds("window"),
        first: if let Some(Value::Moment(first)) = part.value("first") { Some(first) } else { None },
        delay_seconds: part.seconds("delay"),
        overlap_seconds: part.seconds("overlap"),
        most_windows: part.count("most_windows"),
        fail_on: part.text("fail_on").and_then(|it| FailOn::parse(&it).ok()).flatten(),
        detectors: DETECTORS.iter().copied().filter(|it| names.is_empty() || names.iter().any(|name| name == it.id)).collect(),
        keep_cases: part.count("keep_cases"),
    }
}

/// Where findings are published; who reaches AWS is as in `[collect]` where nothing else is said.
fn destination(part: &Part<'_>, of_collect: Option<&Ways>) -> Result<Destination> {
    let ways = of_collect.cloned().unwrap_or_default();
    let role_arn = part.text("role_arn");
    let external_id = part.text("external_id");
    if external_id.is_some() && role_arn.is_none() {
        return Err(part.refused("external_id needs role_arn"));
    }
    let destination = Destination {
        to: part.text("to").unwrap_or_default(),
        database: part.text("database"),
        create_database: part.flag("create_database"),
        workgroup: part.text("workgroup"),
        output: part.text("output"),
        ways: Ways {
            profile: part.text("profile").or(ways.profile),
            region: part.text("region").or(ways.region),
            endpoint_url: part.text("endpoint_url").or(ways.endpoint_url),
            // An external id belongs to its role.
            external_id: if role_arn.is_some() { external_id } else { ways.external_id },
            role_arn: role_arn.or(ways.role_arn),
            ..ways
        },
    };
    destination.check().map_err(|it| part.refused(&it.to_string()))?;
    Ok(destination)
}

fn entry(block: &Block) -> Result<Entry> {
    let part = Part { section: SUPPRESS, block: Some(block) };
    let entry = Entry {
        detector: part.text("detector"),
        subject: part.text("subject").and_then(|it| glob::Pattern::new(&it).ok()),
        finding_id: part.text("finding_id"),
        decision: Suppression {
            kind: part.text("kind").unwrap_or_default(),
            reason: part.text("reason").unwrap_or_default(),
            owner: part.text("owner"),
            until: part.text("until"),
        },
    };
    // What has no subject would silence a detector as a whole.
    if entry.finding_id.is_none() && (entry.detector.is_none() || entry.subject.is_none()) {
        return Err(part.refused("needs finding_id, or detector and subject: subject = \"*\" is all of a detector"));
    }
    Ok(entry)
}

//! A file of settings as it stands: each value checked against the list of keys, with the line that gives it.

use super::{
    keys::{Key, SECTIONS, SUPPRESS, Section, Without},
    value::{self, Value},
};
use crate::{
    error::{Error, Result},
    settings::nothing_called,
};
use std::collections::BTreeMap;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Everything that was given: by the file, and after it by `--set`.
#[derive(Clone, Debug, Default)]
pub struct Document {
    blocks: Vec<Block>,
}

/// A section that was given.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// Its name.
    pub(super) section: String,
    /// Where it stands.
    pub(super) origin: String,
    /// What it gives.
    pub(super) values: BTreeMap<&'static str, Given>,
}

/// A value that was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) value: Value,
    /// As the file would write it.
    pub(super) text: String,
    /// Where it stands.
    pub(super) origin: String,
}

/// A section in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// As the file would head it.
    pub header: String,
    /// All that may stand in it.
    pub settings: Vec<Setting>,
}

/// A setting in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// Its value as the file would give it; `None` where there is none.
    pub value: Option<String>,
    /// Where it was given: a line of the file, or `--set`; `None` for a default.
    pub origin: Option<String>,
}

/// How many faults of one file are told.
const MOST_FAULTS: usize = 20;

/// A file that is being read.
struct Reading<'a> {
    origin: &'a str,
    /// Where each line ends.
    ends: Vec<usize>,
    blocks: Vec<Block>,
    faults: Vec<(usize, String)>,
}

impl Document {
    /// Reads a file; `origin` is what errors call it. All that is wrong is told at once.
    pub fn read(text: &str, origin: &str) -> Result<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).collect();
        let mut reading = Reading { origin, ends, blocks: Vec::new(), faults: Vec::new() };
        match DeTable::parse(text) {
            Ok(table) => reading.sections(table.get_ref()),
            Err(error) => {
                let at = error.span().map_or(0, |it| it.start);
                reading.fault(at, error.message().trim_end());
            }
        }
        if reading.faults.is_empty() {
            return Ok(Self { blocks: reading.blocks });
        }
        reading.faults.sort();
        let mut told: Vec<String> = reading.faults.iter().take(MOST_FAULTS).map(|it| it.1.clone()).collect();
        let others = reading.faults.len().saturating_sub(MOST_FAULTS);
        if others > 0 {
            told.push(format!("{others} more faults"));
        }
        Err(Error::Usage(told.join("\n")))
    }

    /// Reads `<section>.<key>=<value>`, as `--set` takes it.
    pub fn set(&mut self, assignment: &str) -> Result<()> {
        let wrong = || Error::Usage(format!("--set {assignment}: write detectors.<id>.<key>=<number> or input.<key>=<number>"));
        let (path, value) = assignment.split_once('=').ok_or_else(wrong)?;
        let (section, key) = path.trim().rsplit_once('.').ok_or_else(wrong)?;
        if !section.starts_with("detectors") && section != "input" {
            return Err(wrong());
        }
        let section = section_named(section).map_err(|it| refused_to_set(&it))?;
        let key = key_named(section, key).map_err(|it| refused_to_set(&it))?;
        let refused = |why: &str| refused_to_set(&format!("{}.{}: {why}", section.name, key.name));
        let value = DeValue::parse(value.trim()).map_err(|_| refused(&format!("must be {}", value::wanted(key.kind))))?;
        let given = Given {
            value: value::checked(key.kind, value.get_ref()).map_err(|it| refused(&it))?,
            text: value::shown(value.get_ref()),
            origin: "--set".to_owned(),
        };
        if let Some(block) = self.blocks.iter_mut().find(|it| it.section == section.name) {
            block.values.insert(key.name, given);
        } else {
            let values = BTreeMap::from([(key.name, given)]);
            self.blocks.push(Block { section: section.name.clone(), origin: "--set".to_owned(), values });
        }
        Ok(())
    }

    /// The blocks of a section: one at most, but of those that may stand several times.
    pub(super) fn blocks<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Block> {
        self.blocks.iter().filter(move |it| it.section == section)
    }

    /// Every section in force, and where each of its settings comes from; those that neither are given nor hold all the same are left out.
    pub fn effective(&self) -> Vec<InForce> {
        let mut all = Vec::new();
        for section in SECTIONS.iter() {
            let given: Vec<&Block> = self.blocks(&section.name).collect();
            let of = |block: Option<&Block>| InForce {
                header: if section.name == SUPPRESS { format!("[[{SUPPRESS}]]") } else { format!("[{}]", section.name) },
                settings: section.keys.iter().map(|key| in_force(key, block)).collect(),
            };
            if given.is_empty() && section.always {
                all.push(of(None));
            }
            all.extend(given.into_iter().map(|it| of(Some(it))));
        }
        all
    }
}

fn in_force(key: &Key, block: Option<&Block>) -> Setting {
    if let Some(given) = block.and_then(|it| it.values.get(key.name)) {
        return Setting { key: key.name, value: Some(given.text.clone()), origin: Some(given.origin.clone()) };
    }
    let value = if let Without::Value(text) = &key.without { Some(text.clone()) } else { None };
    Setting { key: key.name, value, origin: None }
}

impl Reading<'_> {
    fn line(&self, at: usize) -> usize {
        1 + self.ends.partition_point(|it| *it < at)
    }

    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.origin, self.line(at))
    }

    fn fault(&mut self, at: usize, what: &str) {
        self.faults.push((at, format!("{}: {what}", self.place(at))));
    }

    fn sections(&mut self, table: &DeTable<'_>) {
        for (name, value) in table {
            let at = name.span().start;
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("detectors", DeValue::Table(detectors)) => {
                    for (id, value) in detectors {
                        self.section(&format!("detectors.{}", id.get_ref()), id.span().start, value);
                    }
                }
                (SUPPRESS, DeValue::Array(items)) => {
                    for item in items {
                        self.section(SUPPRESS, item.span().start, item);
                    }
                }
                ("detectors", _) => self.fault(at, "write [detectors.<id>], with the id of a detector"),
                (SUPPRESS, _) => self.fault(at, "write [[suppress]], with two brackets: it may stand there several times"),
                (name, _) => self.section(name, at, value),
            }
        }
    }

    fn section(&mut self, name: &str, at: usize, value: &Spanned<DeValue<'_>>) {
        let section = match section_named(name) {
            Ok(section) => section,
            Err(fault) => return self.fault(at, &fault),
        };
        let DeValue::Table(table) = value.get_ref() else {
            return self.fault(at, &format!("`{name}` is a section: write [{name}]"));
        };
        let mut block = Block { section: section.name.clone(), origin: self.place(at), values: BTreeMap::new() };
        for (name, value) in table {
            let at = name.span().start;
            let key = match key_named(section, name.get_ref()) {
                Ok(key) => key,
                Err(fault) => {
                    self.fault(at, &fault);
                    continue;
                }
            };
            match value::checked(key.kind, value.get_ref()) {
                Ok(checked) => {
                    block.values.insert(key.name, Given { value: checked, text: value::shown(value.get_ref()), origin: self.place(at) });
                }
                Err(why) => self.fault(at, &format!("{}.{}: {why}", section.name, key.name)),
            }
        }
        for key in section.keys.iter().filter(|it| it.without == Without::Required) {
            if !table.keys().any(|it| it.get_ref() == key.name) {
                self.fault(at, &format!("[{name}] needs `{}`: {}", key.name, key.meaning));
            }
        }
        self.blocks.push(block);
    }
}

fn refused_to_set(why: &str) -> Error {
    Error::Usage(format!("--set: {why}"))
}

/// The section of a name, or what would be right.
fn section_named(name: &str) -> Result<&'static Section, String> {
    let found = SECTIONS.iter().find(|it| it.name == name);
    found.ok_or_else(|| {
        if let Some(id) = name.strip_prefix("detectors.") {
            let ids: Vec<&str> = SECTIONS.iter().filter_map(|it| it.name.strip_prefix("detectors.")).collect();
            return nothing_called("detector", id, &ids);
        }
        let mut names: Vec<&str> = SECTIONS.iter().map(|it| it.name.split('.').next().unwrap_or_default()).collect();
        names.dedup();
        nothing_called("section", name, &names)
    })
}

fn key_named<'a>(section: &'a Section, name: &str) -> Result<&'a Key, String> {
    let found = section.keys.iter().find(|it| it.name == name);
    let names = || section.keys.iter().map(|it| it.name).collect::<Vec<_>>();
    found.ok_or_else(|| nothing_called(&format!("setting of {}", section.name), name, &names()))
}

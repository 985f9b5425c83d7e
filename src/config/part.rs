//! A section as what is made of it asks for it: what it gives, and what holds where it gives nothing.

use super::{
    document::Block,
    keys::{SECTIONS, Without},
    value::{self, Value},
};
use crate::{error::Error, units::SECOND};
use toml::de::DeValue;

/// A section with what it gives, and what holds where it gives nothing.
#[derive(Clone, Copy)]
pub(super) struct Part<'a> {
    pub(super) section: &'static str,
    pub(super) block: Option<&'a Block>,
}

impl Part<'_> {
    pub(super) fn value(&self, key: &str) -> Option<Value> {
        if let Some(given) = self.block.and_then(|it| it.values.get(key)) {
            return Some(given.value.clone());
        }
        let known = SECTIONS.iter().find(|it| it.name == self.section)?.keys.iter().find(|it| it.name == key)?;
        let Without::Value(text) = &known.without else { return None };
        value::checked(known.kind, DeValue::parse(text).ok()?.get_ref()).ok()
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        if let Some(Value::Text(text)) = self.value(key) { Some(text) } else { None }
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        let Some(Value::List(items)) = self.value(key) else { return Vec::new() };
        items.into_iter().filter_map(|it| if let Value::Text(text) = it { Some(text) } else { None }).collect()
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.value(key) == Some(Value::Flag(true))
    }

    pub(super) fn whole(&self, key: &str) -> Option<u64> {
        if let Some(Value::Whole(whole)) = self.value(key) { Some(whole) } else { None }
    }

    pub(super) fn count(&self, key: &str) -> usize {
        self.whole(key).map_or(0, |it| usize::try_from(it).unwrap_or(usize::MAX))
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        if let Some(Value::Number(number)) = self.value(key) { Some(number) } else { None }
    }

    pub(super) fn seconds(&self, key: &str) -> i64 {
        if let Some(Value::Span(micros)) = self.value(key) { micros / SECOND } else { 0 }
    }

    /// What contradicts itself, said with the place of the section.
    pub(super) fn refused(&self, why: &str) -> Error {
        let place = self.block.map_or("", |it| it.origin.as_str());
        Error::Usage(format!("{place}: [{}] {why}", self.section))
    }
}

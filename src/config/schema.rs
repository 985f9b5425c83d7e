//! The list of keys as a JSON Schema, for editors that check and complete TOML.

use super::{
    keys::{Key, Kind, SECTIONS, SUPPRESS, Section, Without},
    value::{NAME, fail_on_words},
};
use crate::detectors::DETECTORS;
use serde_json::{Map, Value, json};

/// The schema of the file.
pub fn schema() -> Value {
    let mut properties = Map::new();
    for section in SECTIONS.iter() {
        let shape = of_section(section);
        match section.name.split_once('.') {
            Some((outer, inner)) => {
                let of_outer = properties.entry(outer).or_insert_with(|| object(&format!("{outer}.<id>"), Map::new()));
                if let Some(inside) = of_outer.get_mut("properties").and_then(Value::as_object_mut) {
                    inside.insert(inner.to_owned(), shape);
                }
            }
            None if section.name == SUPPRESS => {
                properties.insert(section.name.clone(), json!({"type": "array", "items": shape}));
            }
            None => {
                properties.insert(section.name.clone(), shape);
            }
        }
    }
    let mut schema = Map::from_iter([("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into())]);
    schema.insert("title".to_owned(), "casefile.toml".into());
    if let Value::Object(whole) = object("Settings of casefile.", properties) {
        schema.extend(whole);
    }
    Value::Object(schema)
}

fn object(meaning: &str, properties: Map<String, Value>) -> Value {
    json!({"description": meaning, "type": "object", "additionalProperties": false, "properties": properties})
}

fn of_section(section: &Section) -> Value {
    let properties = section.keys.iter().map(|it| (it.name.to_owned(), of_key(it))).collect();
    let mut shape = object(&section.meaning, properties);
    let required: Vec<&str> = section.keys.iter().filter(|it| it.without == Without::Required).map(|it| it.name).collect();
    if !required.is_empty() {
        shape["required"] = json!(required);
    }
    if section.name == SUPPRESS {
        shape["anyOf"] = json!([{"required": ["finding_id"]}, {"required": ["detector", "subject"]}]);
    }
    shape
}

fn of_key(key: &Key) -> Value {
    let mut shape = of_kind(key.kind);
    shape["description"] = key.meaning.into();
    if let Without::Value(text) = &key.without {
        // Every default is written alike in TOML and in JSON.
        shape["default"] = serde_json::from_str(text).unwrap_or_default();
    }
    shape
}

fn of_kind(kind: Kind) -> Value {
    let text = |pattern: &str| json!({"type": "string", "pattern": pattern});
    match kind {
        Kind::Text => text(r"\S"),
        Kind::Name => text(NAME),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Above0 => json!({"type": "number", "exclusiveMinimum": 0}),
        Kind::AtLeast0 => json!({"type": "number", "minimum": 0}),
        Kind::Span => text("^[0-9]*[1-9][0-9]*[smhd]$"),
        Kind::SpanOr0 => text("^[0-9]+[smhd]$"),
        Kind::Time => text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$"),
        Kind::Day => text("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        Kind::Zone | Kind::Pattern => json!({"type": "string", "minLength": 1}),
        Kind::Address => text("^s3://[^/]"),
        Kind::Table => text(r"^[^.]+\.."),
        Kind::FindingId => text("^f1:[0-9a-f]{16}$"),
        Kind::Detector => json!({"enum": DETECTORS.iter().map(|it| it.id).collect::<Vec<_>>()}),
        Kind::FailOn => json!({"enum": fail_on_words()}),
        Kind::Choice(names) => json!({"enum": names}),
        Kind::List(kind) => json!({"type": "array", "items": of_kind(*kind)}),
    }
}

//! Listings of S3: `list-objects-v2`, and what `aws s3 ls` prints.

use super::{Head, Input, Source, aws_time, each_json};
use crate::{
    records::lines::Lines,
    tables::{Origin, objects::Object},
    units::Moment,
};
use serde_json::Value;
use std::sync::Arc;

pub(super) static OBJECTS: Source =
    Source { id: "s3-list-objects", title: "S3 listings (list-objects-v2, list-object-versions)", claims: is_objects, read: read_objects };
pub(super) static LS: Source = Source { id: "s3-ls", title: "Output of aws s3 ls --recursive", claims: is_ls, read: read_ls };

fn is_objects(head: &Head<'_>) -> bool {
    let Some(json) = &head.json else { return false };
    let listed = |it: &Value| it.get("Key").is_some() && it.get("LastModified").is_some();
    match &json.value {
        Some(value) => listed(value),
        None => json.container == "Contents",
    }
}

fn read_objects(input: &mut Input<'_, '_>) {
    let file = Arc::clone(&input.name);
    let envelope = each_json(input.feed, input.caps, input.out, &mut |value, _, number, out| {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        let size_bytes = value.get("Size").and_then(Value::as_i64);
        let last_modified = value.get("LastModified").and_then(aws_time);
        if let Some(at) = last_modified {
            out.saw_at(at);
        }
        out.warehouse.objects.push(Object {
            key: Some(text("Key").ok_or("no Key")?),
            size_bytes,
            last_modified,
            storage_class: text("StorageClass"),
            is_latest: value.get("IsLatest").and_then(Value::as_bool),
            is_delete_marker: value.get("VersionId").map(|_| size_bytes.is_none()),
            listing: Some("list-objects-v2".to_owned()),
            origin: Origin { file: Arc::clone(&file), record: number },
            ..Object::default()
        });
        Ok(())
    });
    input.out.goes_on = envelope.goes_on();
    // The bucket stands after the objects, if at all.
    let bucket = envelope.text_of("Name");
    input.out.warehouse.objects.each(|it| it.bucket.clone_from(&bucket));
}

/// What a line of `aws s3 ls` says.
enum Line<'a> {
    Object {
        at: Moment,
        size: i64,
        key: &'a str,
    },
    /// `PRE folder/`
    Folder,
    /// `Total Objects: 12`
    Total(i64),
    /// The size of all, or nothing.
    Nothing,
}

/// How wide the size is printed at least.
const SIZE_WIDTH: usize = 10;

fn line_of(line: &str) -> Option<Line<'_>> {
    let trimmed = line.trim();
    if trimmed.is_empty() || trimmed.starts_with("Total Size: ") {
        return Some(Line::Nothing);
    }
    if let Some(count) = trimmed.strip_prefix("Total Objects: ") {
        return Some(Line::Total(count.trim().parse().ok()?));
    }
    if line.starts_with(' ') && trimmed.strip_prefix("PRE ").is_some_and(|it| it.ends_with('/')) {
        return Some(Line::Folder);
    }
    let (time, rest) = line.split_at_checked(19)?;
    let stamp = Moment::parse(time)?;
    let rest = rest.strip_prefix(' ')?;
    let padded = rest.len() - rest.trim_start().len();
    let (number, after) = rest.trim_start().split_once(' ')?;
    let (unit, key) = match after.split_once(' ').and_then(|(unit, key)| Some((factor(unit)?, key))) {
        Some((factor, key)) => (Some(factor), key),
        None => (None, after),
    };
    // The size, with its unit if it has one, is set to the right.
    let width = padded + rest.trim_start().len() - key.len() - 1;
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
    let size = match unit {
        Some(factor) => (number.parse::<f64>().ok()? * factor).round() as i64,
        None => number.parse().ok()?,
    };
    (width >= SIZE_WIDTH && !key.is_empty()).then_some(Line::Object { at: stamp.moment, size, key })
}

/// Bytes of a unit of `--human-readable`.
fn factor(unit: &str) -> Option<f64> {
    let units = ["Bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let power = units.iter().position(|it| *it == unit).or_else(|| (unit == "Byte").then_some(0))?;
    Some(1024_f64.powi(i32::try_from(power).ok()?))
}

fn is_ls(head: &Head<'_>) -> bool {
    let lines = || head.lines().filter(|it| !it.trim().is_empty());
    if !matches!(lines().next().and_then(line_of), Some(Line::Object { .. } | Line::Folder)) {
        return false;
    }
    // The last line may be cut by the end of what is looked at.
    let whole = lines().count().saturating_sub(1).max(1);
    lines().take(whole).all(|it| line_of(it).is_some())
}

fn read_ls(input: &mut Input<'_, '_>) {
    let mut lines = Lines::new(input.feed, input.caps.record_bytes);
    let (mut number, mut objects, mut total) = (0, 0_i64, None);
    while let Some(line) = lines.next_line() {
        number += 1;
        let text = String::from_utf8_lossy(line.bytes);
        match line_of(&text) {
            Some(Line::Object { at, size, key }) => {
                // The time is that of the clock where the command ran.
                let at = at.shown_in(input.zone);
                input.out.zone_guessed = true;
                input.out.saw_at(at);
                objects += 1;
                input.out.parsed += 1;
                input.out.warehouse.objects.push(Object {
                    key: Some(key.to_owned()),
                    size_bytes: Some(size),
                    last_modified: Some(at),
                    listing: Some("ls".to_owned()),
                    origin: Origin { file: Arc::clone(&input.name), record: number },
                    ..Object::default()
                });
            }
            Some(Line::Folder) => input.out.parsed += 1,
            Some(Line::Total(count)) => total = Some(count),
            Some(Line::Nothing) => {}
            None => input.out.skip("not a line of aws s3 ls", number),
        }
    }
    if let Some(total) = total.filter(|it| *it > objects) {
        input.out.partial.push(format!("the listing counts {total} objects and holds {objects}"));
    }
}

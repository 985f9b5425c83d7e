//! What a value must be: how each kind of the list of keys is checked and read.

use super::keys::Kind;
use crate::{
    collect::{is_address, is_table},
    detectors::DETECTORS,
    finding::Severity,
    settings::nothing_called,
    units::{Moment, parse_day, parse_span, parse_time},
};
use glob::Pattern;
use jiff::tz::TimeZone;
use regex::Regex;
use std::sync::LazyLock;
use toml::de::DeValue;

/// A value that is what its key wants.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
    Whole(u64),
    Number(f64),
    /// Microseconds.
    Span(i64),
    Moment(Moment),
    List(Vec<Self>),
}

/// How many characters of a wrong value are told.
const MOST_SHOWN: usize = 60;

/// What a value of a kind looks like, for people.
pub(super) fn wanted(kind: Kind) -> String {
    match kind {
        Kind::Text => "a text that is not empty, in quotes".to_owned(),
        Kind::Name => "a text of letters, digits, `-`, `_` and `.`, beginning with a letter or digit".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Whole(least, most) if most > 1 << 50 => format!("a whole number of at least {least}"),
        Kind::Whole(least, most) => format!("a whole number from {least} to {most}"),
        Kind::Above0 => "a number above 0".to_owned(),
        Kind::AtLeast0 => "a number of at least 0".to_owned(),
        Kind::Span => "a span of time like \"30m\", \"2h\" or \"1d\"".to_owned(),
        Kind::SpanOr0 => "a span of time like \"30m\", \"2h\" or \"0s\"".to_owned(),
        Kind::Time => "a time like \"2026-01-31T06:00:00Z\", or a date like \"2026-01-31\" (UTC)".to_owned(),
        Kind::Day => "a date like \"2026-12-31\"".to_owned(),
        Kind::Zone => "a zone like \"Europe/Berlin\" or \"UTC\"".to_owned(),
        Kind::Address => "an address like \"s3://bucket/prefix\"".to_owned(),
        Kind::Table => "a table like \"database.table\"".to_owned(),
        Kind::Pattern => "a pattern like \"s3://lake/tmp/*\"".to_owned(),
        Kind::FindingId => "the id of a finding, \"f1:\" and 16 digits of 0-9 and a-f".to_owned(),
        Kind::Detector => "the id of a detector".to_owned(),
        Kind::FailOn => format!("\"never\", or one of {}, with \"new:\" before it for what is new only", severities().join(", ")),
        Kind::Choice(names) => format!("one of {}", names.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ")),
        Kind::List(kind) => format!("a list in brackets, each of them {}", wanted(*kind)),
    }
}

fn severities() -> Vec<&'static str> {
    Severity::ALL.iter().map(|it| it.name()).collect()
}

/// Every value of [`Kind::FailOn`].
pub(super) fn fail_on_words() -> Vec<String> {
    let plain = || severities().into_iter();
    let new = plain().map(|it| format!("new:{it}"));
    ["never".to_owned()].into_iter().chain(plain().map(ToOwned::to_owned)).chain(new).collect()
}

/// Reads a value, or says what would be right.
pub(super) fn checked(kind: Kind, given: &DeValue<'_>) -> Result<Value, String> {
    let refused = || format!("must be {}, not {}", wanted(kind), cut(&shown(given)));
    if let Kind::List(kind) = kind {
        let DeValue::Array(items) = given else { return Err(refused()) };
        let items: Result<Vec<Value>, String> = items.iter().map(|it| checked(*kind, it.get_ref())).collect();
        return items.map(Value::List);
    }
    let read = match given {
        DeValue::Boolean(flag) if kind == Kind::Flag => Some(Value::Flag(*flag)),
        DeValue::Integer(whole) => i64::from_str_radix(whole.as_str(), whole.radix()).ok().and_then(|it| number(kind, it)),
        DeValue::Float(real) => real.as_str().parse().ok().filter(|it: &f64| it.is_finite()).and_then(|it| fraction(kind, it)),
        // TOML has dates and times of its own.
        DeValue::Datetime(at) if matches!(kind, Kind::Day | Kind::Time) => text(kind, &at.to_string())?,
        DeValue::String(given) => text(kind, given)?,
        _ => None,
    };
    read.ok_or_else(refused)
}

fn number(kind: Kind, given: i64) -> Option<Value> {
    #[expect(clippy::cast_precision_loss, reason = "limits are small")]
    let real = given as f64;
    match kind {
        Kind::Whole(least, most) => u64::try_from(given).ok().filter(|it| (least..=most).contains(it)).map(Value::Whole),
        other => fraction(other, real),
    }
}

fn fraction(kind: Kind, given: f64) -> Option<Value> {
    let fits = match kind {
        Kind::Above0 => given > 0.0,
        Kind::AtLeast0 => given >= 0.0,
        _ => false,
    };
    fits.then_some(Value::Number(given))
}

/// Reads a text: `None` where it is not what is wanted, `Err` where there is more to say of that.
fn text(kind: Kind, given: &str) -> Result<Option<Value>, String> {
    let owned = || Value::Text(given.to_owned());
    let when = |fits: bool| fits.then(owned);
    Ok(match kind {
        Kind::Text => when(!given.trim().is_empty()),
        Kind::Name => when(is_name(given)),
        Kind::Span => parse_span(given).ok().filter(|it| *it > 0).map(Value::Span),
        Kind::SpanOr0 => parse_span(given).ok().map(Value::Span),
        Kind::Time => parse_time(given).ok().map(Value::Moment),
        Kind::Day => when(parse_day(given).is_some()),
        Kind::Zone => when(TimeZone::get(given).is_ok()),
        Kind::Address => when(is_address(given)),
        Kind::Table => when(is_table(given)),
        Kind::Pattern => match Pattern::new(given) {
            Ok(_) => when(!given.is_empty()),
            Err(error) => return Err(format!("{:?} is no pattern, at character {}: {}", cut(given), error.pos, error.msg)),
        },
        Kind::FindingId => when(is_finding_id(given)),
        Kind::Detector => {
            let names: Vec<&str> = DETECTORS.iter().map(|it| it.id).collect();
            if !names.contains(&given) {
                return Err(nothing_called("detector", given, &names));
            }
            Some(owned())
        }
        Kind::FailOn => when(fail_on_words().iter().any(|it| it == given)),
        Kind::Choice(names) => when(names.contains(&given)),
        Kind::Flag | Kind::Whole(..) | Kind::Above0 | Kind::AtLeast0 | Kind::List(_) => None,
    })
}

/// What [`Kind::Name`] takes, as a regular expression: it is part of names of files and of objects.
pub(super) const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

fn is_name(text: &str) -> bool {
    static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(NAME).ok());
    PATTERN.as_ref().is_some_and(|it| it.is_match(text))
}

fn is_finding_id(text: &str) -> bool {
    let digits = text.strip_prefix("f1:").unwrap_or_default();
    digits.len() == 16 && digits.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// The beginning of a value, as much as a message holds.
fn cut(shown: &str) -> String {
    match shown.char_indices().nth(MOST_SHOWN) {
        Some((end, _)) => shown.get(..end).map_or_else(String::new, |it| format!("{it}…")),
        None => shown.to_owned(),
    }
}

/// A value as the file would write it.
pub(super) fn shown(given: &DeValue<'_>) -> String {
    match given {
        DeValue::String(text) => toml::Value::String(text.to_string()).to_string(),
        DeValue::Integer(whole) => whole.to_string(),
        DeValue::Float(real) => real.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(at) => at.to_string(),
        DeValue::Array(items) => format!("[{}]", items.iter().map(|it| shown(it.get_ref())).collect::<Vec<_>>().join(", ")),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

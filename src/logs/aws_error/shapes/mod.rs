//! The shapes in which SDKs, services and tools write an error: each a pattern and what its groups mean.

use super::names::{self, Class};
use crate::{tables::errors::AwsError, text};
use memchr::memmem::Finder;
use regex::{Captures, Regex};
use std::{
    ops::Range,
    sync::{LazyLock, OnceLock},
};

mod iam;
mod sdk;
mod sentences;

/// A shape: what it matches, and what that says.
pub(super) struct Shape {
    /// Who writes it so: for the reader, and for the test that names a broken pattern.
    #[cfg_attr(not(test), expect(dead_code, reason = "a comment that the compiler keeps beside its pattern"))]
    name: &'static str,
    pattern: &'static str,
    read: Reading,
    /// Whether prose could hold it by chance, so that it counts only where an error is expected.
    pub(super) weak: bool,
    /// Words of which one has to stand in the text as well; none when the shape speaks for itself.
    pub(super) beside: &'static [&'static str],
}

/// How a match is read; `None` when it is no refusal.
enum Reading {
    Groups(fn(&Captures<'_>) -> Option<AwsError>),
    /// Where the group `on` matched, what follows belongs to the match: at most so many characters of the line, and of those behind
    /// it. A pattern that counts them is a hundred times as slow.
    Open(&'static [usize], fn(&Captures<'_>, &str, &str) -> Option<AwsError>),
}

/// Every shape. Each is compiled when a text may hold it: a log that tells of two refusals needs few of them.
pub(super) static SHAPES: LazyLock<Vec<Compiled>> = LazyLock::new(|| all().map(Compiled::new).collect());

/// A shape, and its pattern once it was needed.
pub(super) struct Compiled {
    pub(super) shape: &'static Shape,
    beside: Vec<Finder<'static>>,
    pattern: OnceLock<Option<Regex>>,
}

impl Compiled {
    fn new(shape: &'static Shape) -> Self {
        Self { shape, beside: shape.beside.iter().map(|it| Finder::new(*it)).collect(), pattern: OnceLock::new() }
    }

    /// What it finds in a text: each error, and where it stands.
    pub(super) fn found_in(&self, text: &str, each: &mut dyn FnMut(AwsError, Range<usize>)) {
        let Some(pattern) = self.within(text) else { return };
        let mut at = 0;
        while let Some(groups) = pattern.captures_at(text, at) {
            let Some(whole) = groups.get(0).map(|it| it.range()).filter(|it| !it.is_empty()) else { break };
            let (error, end) = match self.shape.read {
                Reading::Groups(read) => (read(&groups), whole.end),
                Reading::Open(most, read) => {
                    let behind = text.get(whole.end..).filter(|_| groups.name("on").is_some());
                    let tail = tail_of(behind.unwrap_or_default(), most);
                    let end = whole.end + tail.len();
                    (read(&groups, text.get(whole.start..end).unwrap_or_default(), tail), end)
                }
            };
            if let Some(error) = error {
                each(error, whole.start..end);
            }
            at = end;
        }
    }

    /// Its pattern, where the text may hold it.
    fn within(&self, body: &str) -> Option<&Regex> {
        let may_hold = self.beside.is_empty() || self.beside.iter().any(|it| it.find(body.as_bytes()).is_some());
        may_hold.then(|| self.pattern.get_or_init(|| text::pattern(self.shape.pattern)).as_ref()).flatten()
    }
}

/// At most so many characters of the first line of a text, and of those behind it.
fn tail_of<'t>(text: &'t str, most: &[usize]) -> &'t str {
    let mut end = 0;
    for (line, most) in most.iter().enumerate() {
        if line > 0 {
            match text.as_bytes().get(end) {
                Some(b'\n') => end += 1,
                _ => break,
            }
        }
        let rest = text.get(end..).unwrap_or_default().chars();
        end += rest.take(*most).take_while(|it| *it != '\n').map(char::len_utf8).sum::<usize>();
    }
    text.get(..end).unwrap_or_default()
}

fn all() -> impl Iterator<Item = &'static Shape> {
    iam::SHAPES.iter().chain(sdk::SHAPES).chain(sentences::SHAPES)
}

const fn shape(name: &'static str, pattern: &'static str, read: fn(&Captures<'_>) -> Option<AwsError>) -> Shape {
    Shape { name, pattern, read: Reading::Groups(read), weak: false, beside: &[] }
}

impl Shape {
    /// Matches only beside one of these words: a text without them need not be searched.
    const fn beside(self, beside: &'static [&'static str]) -> Self {
        Self { beside, ..self }
    }
}

const fn weak(
    name: &'static str,
    pattern: &'static str,
    beside: &'static [&'static str],
    read: fn(&Captures<'_>) -> Option<AwsError>,
) -> Shape {
    Shape { name, pattern, read: Reading::Groups(read), weak: true, beside }
}

fn group(found: &Captures<'_>, name: &str) -> Option<String> {
    found.name(name).map(|it| it.as_str().trim().to_owned()).filter(|it| !it.is_empty())
}

/// A principal or resource without the punctuation and the decoration of its sentence.
fn tidy(text: &str) -> String {
    const OPENING: &[char] = &['"', '\'', '`', '[', '\u{201c}', '\u{2018}', '\\'];
    const CLOSING: &[char] = &['.', ',', ';', ')', '}', '\'', '"', '`', '\\', ':', '\u{201d}', '\u{2019}'];
    let bare = text.trim().trim_start_matches(OPENING).trim_end_matches(CLOSING);
    // Bold type is decoration; a mask of three stars and a wildcard are not.
    let bold = bare.ends_with("**") && !bare.ends_with("***");
    if bold { bare.trim_end_matches('*').to_owned() } else { bare.to_owned() }
}

/// The IAM prefix of a service by any name; an unknown name is made to look like one.
fn service_of(name: &str) -> String {
    if let Some(known) = names::service_named(name) {
        return known.to_owned();
    }
    let bare = name.trim_start_matches("AWS").trim_start_matches("Amazon").trim();
    bare.replace(' ', "").to_ascii_lowercase()
}

/// Any shape that names a code or a status.
fn coded(found: &Captures<'_>) -> Option<AwsError> {
    let service = group(found, "service").map(|it| service_of(&it));
    let code = group(found, "code").filter(|it| it != "null").map(|it| if it.starts_with("403") { "403".to_owned() } else { it });
    let status = group(found, "status");
    let class = code.as_deref().and_then(names::class_of);
    let message = group(found, "message").unwrap_or_default();
    let refused = status.as_deref() == Some("403") || message.contains("not authorized to perform") || says_denied(&message);
    // A 403 whose code is not on the list is refused all the same, unless the code says why: a skewed clock, a bad signature.
    let known = class.is_some() || (refused && code.as_deref().is_none_or(|it| it.contains("Denied") || it.parse::<u16>().is_ok()));
    let nobody = class == Some(Class::Credentials) || UNKNOWN_CALLERS.iter().any(|it| message.contains(it));
    known.then(|| AwsError {
        kind: nobody.then_some("credentials"),
        service,
        operation: group(found, "operation"),
        code: code.or(status),
        principal: group(found, "principal").map(|it| tidy(&it)),
        request_id: group(found, "request").filter(|it| it != "null"),
        message: super::one_line_of(&message),
        ..AwsError::default()
    })
}

/// Messages that say that nobody knows who asked, under a code that says refused.
const UNKNOWN_CALLERS: &[&str] = &["validate the provided access credentials", "Session token not found or invalid"];

/// A message that speaks of a refusal whatever its code.
fn says_denied(message: &str) -> bool {
    ["Insufficient Lake Formation permission", "ciphertext refers to a customer master key", "Access Denied"]
        .iter()
        .any(|it| message.contains(it))
}

/// Bucket and key of an address in a path or host name.
fn s3_address(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let (host, key) = rest.split_once('/').unwrap_or((rest, ""));
    let key = key.split(['?', '#']).next().unwrap_or_default();
    let (bucket, after) = host.split_once(".s3")?;
    (after.contains("amazonaws.com") && !bucket.is_empty()).then(|| format!("s3://{bucket}/{key}").trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for shape in all() {
            assert!(text::pattern(shape.pattern).is_some(), "{}", shape.name);
        }
    }

    #[test]
    fn a_tail_ends_with_its_lines_and_after_so_many_characters() {
        for (text, expected) in [
            ("", ""),
            ("abc", "abc"),
            ("abcdé\nfg\nhi\njk", "abcdé\nfg\nhi"),
            ("abcdéf\ngh", "abcdé"),
            ("a\nbcdef\ng", "a\nbcd"),
            ("\n\n\n", "\n\n"),
        ] {
            assert_eq!(tail_of(text, &[5, 3, 3]), expected, "{text:?}");
        }
    }

    #[test]
    fn hosts_name_buckets() {
        assert_eq!(s3_address("https://b.s3.eu-west-1.amazonaws.com/a/k.csv?x=1").as_deref(), Some("s3://b/a/k.csv"));
        assert_eq!(s3_address("https://dynamodb.eu-west-1.amazonaws.com"), None);
    }
}

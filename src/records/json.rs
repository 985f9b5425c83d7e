//! JSON that may be huge, concatenated, wrapped in an envelope, or cut off: one record at a time.
//!
//! A record is an element of a top-level array, an element of an array that stands under one of the
//! [`CONTAINERS`] of a top-level object, or a top-level value of its own (NDJSON, Firehose objects
//! without separators).

use super::Feed;
use scan::Scan;
use serde_json::Value;

mod envelope;
pub mod flat;
pub mod parts;
mod scan;

pub use envelope::Envelope;

/// Keys whose array holds the records of an AWS answer or delivery.
const CONTAINERS: &[&str] =
    &["events", "results", "Records", "logEvents", "Events", "Rows", "Contents", "Versions", "DeleteMarkers", "QueryExecutions"];

/// Keys whose object only wraps such an array.
const WRAPPERS: &[&str] = &["ResultSet"];

/// One record.
#[derive(Debug)]
pub struct Record<'a> {
    /// Its text, whole.
    pub bytes: &'a [u8],
    /// The key of the array that it stands in: `events`, or "" outside of any.
    pub container: &'static str,
}

/// What came instead of a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// A record longer than the cap was passed over.
    TooLong,
    /// The text ended inside a record.
    CutOff,
    /// A record of its own line was cut there; the next line begins another one.
    CutShort,
    /// A record whose brackets do not close was passed over, up to the next element.
    Unclosed,
    /// Bytes that begin no JSON value were passed over, up to the next line.
    NotJson,
}

impl Fault {
    /// What a report says of it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::TooLong => "JSON record longer than the cap (--set input.record_bytes=... raises it)",
            Self::CutOff => "cut off inside a JSON record",
            Self::CutShort => "JSON record cut off at the end of its line",
            Self::Unclosed => "JSON record whose brackets do not close",
            Self::NotJson => "not JSON",
        }
    }
}

/// Records of a feed.
pub struct Records<'f, 'r> {
    feed: &'f mut Feed<'r>,
    cap: usize,
    pending: usize,
    /// The arrays and objects that we are inside of.
    container: Option<&'static str>,
    in_envelope: bool,
    /// Wrappers that we are inside of.
    wrapped: usize,
    /// Keys and plain values of the envelope that is being read.
    envelope: Vec<u8>,
    /// The whole envelope of the text that ended last.
    ended: Vec<u8>,
    /// How far the value that is read next is indented; 0 when no line of its own begins with it.
    indent: usize,
}

impl<'f, 'r> Records<'f, 'r> {
    /// Cuts `feed` into records of at most `cap` bytes.
    pub fn new(feed: &'f mut Feed<'r>, cap: usize) -> Self {
        Self { feed, cap, pending: 0, container: None, in_envelope: false, wrapped: 0, envelope: Vec::new(), ended: Vec::new(), indent: 0 }
    }

    /// The text of the envelope around the record handed out last, as far as it was read:
    /// `{"logGroup":"…","logStream":"…","logEvents":[`.
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// The envelope of the text before: what stood behind its records is known only when the next one begins.
    pub fn ended(&self) -> &[u8] {
        &self.ended
    }

    /// The key of the array that is being read, "" outside of any.
    pub fn container(&self) -> &'static str {
        self.container.unwrap_or("")
    }

    /// Whether the text has ended and something is still open.
    pub fn unfinished(&self) -> bool {
        self.container.is_some() || self.in_envelope
    }

    /// The next record, or what stands in its place.
    pub fn next_record(&mut self) -> Option<Result<Record<'_>, Fault>> {
        self.settle();
        loop {
            let first = self.skip_blanks()?;
            match (first, self.container) {
                (b']', Some(_)) => {
                    self.feed.take(1);
                    self.container = None;
                }
                (b'}', None) if self.in_envelope => {
                    self.feed.take(1);
                    self.in_envelope = self.wrapped > 0;
                    self.wrapped = self.wrapped.saturating_sub(1);
                    self.envelope.clone_into(&mut self.ended);
                }
                (b'[', None) if !self.in_envelope => {
                    self.feed.take(1);
                    self.envelope.clear();
                    self.container = Some("");
                }
                (b'"', None) if self.in_envelope => match self.envelope_member() {
                    Some(Fault::CutOff) => {
                        self.feed.drain();
                        return Some(Err(Fault::CutOff));
                    }
                    Some(fault) => {
                        self.in_envelope = false;
                        return Some(Err(fault));
                    }
                    None => {}
                },
                (b'{', None) => match self.scan(true) {
                    Scan::Whole(end) => return Some(Ok(self.hand_out(end))),
                    Scan::Opens { at, key, wrapped } => {
                        self.wrapped = wrapped;
                        self.envelope = self.feed.window().get(..at).unwrap_or_default().to_vec();
                        self.feed.take(at);
                        self.container = Some(key);
                        self.in_envelope = true;
                    }
                    Scan::Unclosed(_) => return Some(Err(self.pass_over(Fault::NotJson))),
                    Scan::Fault(fault) => return Some(Err(self.pass_over(fault))),
                },
                (_, Some(_)) if is_value_start(first) => match self.scan(false) {
                    Scan::Whole(end) => return Some(Ok(self.hand_out(end))),
                    Scan::Opens { .. } => return Some(Err(self.pass_over(Fault::NotJson))),
                    Scan::Unclosed(end) => {
                        self.feed.take(end);
                        return Some(Err(Fault::Unclosed));
                    }
                    Scan::Fault(fault) => return Some(Err(self.pass_over(fault))),
                },
                _ => return Some(Err(self.pass_over(Fault::NotJson))),
            }
        }
    }

    /// Takes what was handed out last.
    fn settle(&mut self) {
        self.feed.take(self.pending);
        self.pending = 0;
    }

    fn hand_out(&mut self, end: usize) -> Record<'_> {
        self.pending = end;
        if self.container.is_none() {
            self.envelope.clear();
        }
        let container = self.container.unwrap_or("");
        Record { bytes: self.feed.window().get(..end).unwrap_or_default(), container }
    }

    /// Takes white space, commas and record separators; the first byte after them.
    fn skip_blanks(&mut self) -> Option<u8> {
        loop {
            let window = self.feed.window();
            let count = window.iter().take_while(|it| is_blank(**it)).count();
            let first = window.get(count).copied();
            let line = window.iter().take(count).rposition(|it| *it == b'\n');
            self.indent = line.map_or(0, |it| count - it - 1);
            self.feed.take(count);
            if first.is_some() {
                return first;
            }
            if !self.feed.more() {
                return None;
            }
        }
    }

    /// Reads a key after the container's end; its value is kept in the envelope or opens a new container.
    fn envelope_member(&mut self) -> Option<Fault> {
        let key_end = match self.scan(false) {
            Scan::Whole(end) => end,
            Scan::Opens { .. } | Scan::Unclosed(_) => return Some(Fault::NotJson),
            Scan::Fault(fault) => return Some(fault),
        };
        let name = self.feed.window().get(..key_end).unwrap_or_default();
        let (key, wraps) = (container_named(name), is_wrapper(name));
        self.envelope.push(b',');
        self.envelope.extend_from_slice(self.feed.window().get(..key_end).unwrap_or_default());
        self.feed.take(key_end);
        if self.skip_blanks()? != b':' {
            return Some(Fault::NotJson);
        }
        self.envelope.push(b':');
        self.feed.take(1);
        let Some(first) = self.skip_blanks() else { return Some(Fault::CutOff) };
        if let (b'[', Some(key)) = (first, key) {
            self.feed.take(1);
            self.container = Some(key);
            return None;
        }
        if first == b'{' && wraps {
            self.feed.take(1);
            self.wrapped += 1;
            return None;
        }
        match self.scan(false) {
            Scan::Whole(end) => {
                self.envelope.extend_from_slice(self.feed.window().get(..end).unwrap_or_default());
                self.feed.take(end);
                None
            }
            Scan::Opens { .. } | Scan::Unclosed(_) => Some(Fault::NotJson),
            Scan::Fault(fault) => Some(fault),
        }
    }

    /// Leaves a record that cannot be read, up to the next line that may begin a new one.
    fn pass_over(&mut self, fault: Fault) -> Fault {
        self.feed.take(1);
        if fault == Fault::CutOff {
            self.feed.drain();
            return fault;
        }
        if self.container.is_none() {
            self.in_envelope = false;
            self.wrapped = 0;
        }
        loop {
            if let Some(at) = memchr::memchr(b'\n', self.feed.window()) {
                self.feed.take(at + 1);
                return fault;
            }
            let count = self.feed.window().len();
            self.feed.take(count);
            if !self.feed.more() {
                return fault;
            }
        }
    }
}

/// The value of a record. JSON that was pasted may have line breaks inside its strings.
pub fn value_of(record: &[u8]) -> Option<Value> {
    serde_json::from_slice(record).ok().or_else(|| {
        let unbroken: Vec<u8> = record.iter().map(|it| if it.is_ascii_control() { b' ' } else { *it }).collect();
        serde_json::from_slice(&unbroken).ok()
    })
}

/// Whether a byte may stand between records.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | 0x1e | 0)
}

fn is_value_start(byte: u8) -> bool {
    matches!(byte, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

fn is_wrapper(quoted: &[u8]) -> bool {
    WRAPPERS.iter().any(|it| quoted.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")) == Some(it.as_bytes()))
}

fn container_named(quoted: &[u8]) -> Option<&'static str> {
    let name = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    CONTAINERS.iter().copied().find(|it| it.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, cap: usize) -> Vec<String> {
        let mut feed = Feed::new(Box::new(text.as_bytes()));
        let mut records = Records::new(&mut feed, cap);
        let mut all = Vec::new();
        while let Some(record) = records.next_record() {
            all.push(match record {
                Ok(record) => format!("{}:{}", record.container, String::from_utf8_lossy(record.bytes)),
                Err(fault) => format!("{fault:?}"),
            });
        }
        all
    }

    #[test]
    fn every_wrapping_of_records_is_opened() {
        assert_eq!(read(r#"{"a":1}{"b":[2]}"#, 99), [r#":{"a":1}"#, r#":{"b":[2]}"#]);
        assert_eq!(read("[{\"a\":1},\n 2, \"x]\"]", 99), [r#":{"a":1}"#, ":2", ":\"x]\""]);
        assert_eq!(read(r#"{"status":"Complete","results":[[1],[2]],"x":{"y":[3]}} {"events":[]}"#, 99), ["results:[1]", "results:[2]"]);
        assert_eq!(read(r#"{"q":"\"{[\\"}"#, 99), [r#":{"q":"\"{[\\"}"#]);
    }

    #[test]
    fn a_wrapper_around_the_records_is_opened() {
        let answer = r#"{"UpdateCount":0,"ResultSet":{"Rows":[{"a":1},{"a":2}],"ResultSetMetadata":{"x":[1]}},"NextToken":"n"}{"b":3}"#;
        assert_eq!(read(answer, 999), [r#"Rows:{"a":1}"#, r#"Rows:{"a":2}"#, r#":{"b":3}"#]);
        assert_eq!(read(r#"{"ResultSet":{"x":1},"y":2}"#, 99), [r#":{"ResultSet":{"x":1},"y":2}"#]);
    }

    #[test]
    fn the_envelope_of_a_record_is_kept() {
        let mut feed = Feed::new(Box::new(r#"{"logGroup":"g","logEvents":[{"id":"1"}]}"#.as_bytes()));
        let mut records = Records::new(&mut feed, 99);
        assert!(matches!(records.next_record(), Some(Ok(_))));
        assert_eq!(records.envelope(), br#"{"logGroup":"g","logEvents":["#);
    }

    #[test]
    fn damage_is_said_and_the_rest_is_read() {
        assert_eq!(read(r#"{"events":[{"a":1},{"b":"#, 99), [r#"events:{"a":1}"#, "CutOff"]);
        assert_eq!(read("{\"a\":1}\nnonsense\n{\"b\":2}", 99), [r#":{"a":1}"#, "NotJson", r#":{"b":2}"#]);
        let long = format!("{{\"a\":\"{}\"}}\n{{\"b\":2}}", "x".repeat(600_000));
        assert_eq!(read(&long, 1000), ["TooLong", r#":{"b":2}"#]);
    }

    #[test]
    fn a_text_that_ends_inside_its_envelope_ends() {
        assert_eq!(read(r#"{"events":[{"a":1}],"nextTok"#, 999), [r#"events:{"a":1}"#, "CutOff"]);
        assert_eq!(read(r#"{"events":[{"a":1}],"nextToken":"x"#, 999), [r#"events:{"a":1}"#, "CutOff"]);
    }

    #[test]
    fn a_lost_bracket_costs_one_record() {
        let text = "{\n  \"events\": [\n    {\n      \"a\": {\n        \"b\": 1\n    },\n    {\n      \"c\": 2\n    }\n  ]\n}{\"d\":3}";
        assert_eq!(read(text, 999), ["Unclosed", "events:{\n      \"c\": 2\n    }", ":{\"d\":3}"]);
        // Without indents nothing tells where an element ends.
        let nested = "{\"events\":[\n{\"a\":[\n{\"b\":1\n},\n{\"c\":2}]}]}";
        assert_eq!(read(nested, 999), ["events:{\"a\":[\n{\"b\":1\n},\n{\"c\":2}]}"]);
    }

    #[test]
    fn a_cut_line_costs_one_record() {
        let whole = r#"{"a":{"b":[1,"x"]},"c":"y"}"#;
        // Wherever the line is cut, behind its first quote.
        for end in 2..whole.len() {
            let text = format!("{}\n{whole}\n{whole}", whole.get(..end).unwrap_or_default());
            assert_eq!(read(&text, 999), ["CutShort", &format!(":{whole}"), &format!(":{whole}")], "{text}");
        }
        let pretty = "{\n\"a\":\n{\"b\":[\n{\"c\":1},\n{\"d\":2}\n]}}";
        assert_eq!(read(pretty, 999), [format!(":{pretty}")]);
    }
}

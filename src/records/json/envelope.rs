//! What stands around the records of an answer: keys and plain values.

/// What stands around the records of a JSON answer.
#[derive(Debug, Default)]
pub struct Envelope {
    text: Vec<u8>,
    shown: String,
}

impl Envelope {
    /// Reads it.
    pub fn new(text: &[u8]) -> Self {
        Self { text: text.to_vec(), shown: String::from_utf8_lossy(text).into_owned() }
    }

    /// Whether it is of this text.
    pub fn is_of(&self, text: &[u8]) -> bool {
        self.text == text
    }

    /// A text value by its key.
    pub fn text_of(&self, key: &str) -> Option<String> {
        let rest = self.shown.split(&format!("\"{key}\"")).nth(1)?.trim_start().strip_prefix(':')?.trim_start();
        let rest = rest.strip_prefix('"')?;
        Some(rest.split('"').next()?.to_owned())
    }

    /// Whether the answer names the page that follows: `get-log-events` does so always, by other keys.
    pub fn goes_on(&self) -> bool {
        ["NextToken", "nextToken", "NextContinuationToken"].iter().any(|it| self.text_of(it).is_some())
    }

    /// A number by its key.
    pub fn number_of(&self, key: &str) -> Option<f64> {
        let rest = self.shown.split(&format!("\"{key}\"")).nth(1)?.trim_start().strip_prefix(':')?.trim_start();
        let end = rest.find(|it: char| !matches!(it, '0'..='9' | '.' | '-' | 'e' | 'E' | '+')).unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    }
}

//! Objects of plain values in strict JSON, read where they stand and without a copy. What looks odd is left to the general reader.

use memchr::{memchr2, memrchr};

/// Why a value was not read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It is no plain value of strict JSON: the general reader judges it.
    Odd,
    /// The text ends inside of it.
    Short,
}

/// A plain value.
#[derive(Clone, Copy, Debug)]
pub enum Plain<'t> {
    /// A text.
    Text(Quoted<'t>),
    /// A whole number.
    Whole(i64),
    /// True, false or null.
    Other,
}

/// A text between its quotes, as it is spelt there.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'t> {
    /// What stands between the quotes.
    pub spelt: &'t str,
    escaped: bool,
}

impl<'t> Quoted<'t> {
    /// The text itself, where nothing in it is escaped.
    pub fn as_it_is(&self) -> Option<&'t str> {
        (!self.escaped).then_some(self.spelt)
    }

    /// Writes the text behind another one.
    pub fn add_to(&self, into: &mut String) {
        if !self.escaped || unescape(self.spelt, into).is_none() {
            into.push_str(self.spelt);
        }
    }
}

/// Writes what a text with escapes means; `None` where one of them means nothing.
fn unescape(mut spelt: &str, into: &mut String) -> Option<()> {
    while let Some((before, behind)) = spelt.split_once('\\') {
        into.push_str(before);
        let (letter, mut rest) = behind.split_at_checked(1)?;
        match letter {
            "\"" | "\\" | "/" => into.push_str(letter),
            "n" => into.push('\n'),
            "t" => into.push('\t'),
            "r" => into.push('\r'),
            "b" => into.push('\u{8}'),
            "f" => into.push('\u{c}'),
            "u" => {
                let mut unit = || {
                    let (digits, after) = rest.split_at_checked(4)?;
                    rest = after;
                    digits.bytes().all(|it| it.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
                };
                let first = unit()?;
                let code = if (0xd800..0xdc00).contains(&first) {
                    rest = rest.strip_prefix("\\u")?;
                    let (digits, after) = rest.split_at_checked(4)?;
                    rest = after;
                    let second = digits.bytes().all(|it| it.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())??;
                    (0xdc00..0xe000).contains(&second).then(|| 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))?
                } else {
                    first
                };
                into.push(char::from_u32(code)?);
            }
            _ => return None,
        }
        spelt = rest;
    }
    into.push_str(spelt);
    Some(())
}

/// A place in a text of JSON.
pub struct Cursor<'t> {
    all: &'t str,
    /// What of it may be read.
    text: &'t str,
    at: usize,
    /// How far the record is indented that is read; 0 when no line of its own begins with it.
    indent: usize,
    /// Where escapes are tried out that nobody reads.
    tried: String,
}

impl<'t> Cursor<'t> {
    /// The beginning of a text.
    pub fn new(text: &'t str) -> Self {
        Self { all: text, text, at: 0, indent: 0, tried: String::new() }
    }

    /// How far it is read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Reads no further than to this byte.
    pub(super) fn end_at(&mut self, byte: usize) {
        self.text = self.all.get(..self.all.floor_char_boundary(byte)).unwrap_or_default();
    }

    /// Takes what may stand between records; the byte that comes then.
    pub(super) fn skip_blanks(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let count = rest.iter().position(|it| !super::is_blank(*it)).unwrap_or(rest.len());
        let line = rest.get(..count).and_then(|it| memrchr(b'\n', it));
        self.indent = line.map_or(0, |it| count - it - 1);
        self.at += count;
        rest.get(count).copied()
    }

    /// Takes white space; the byte that comes then.
    pub fn ahead(&mut self) -> Result<u8, Left> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|it| !matches!(it, b' ' | b'\n' | b'\t' | b'\r')).ok_or(Left::Short)?;
        self.at += count;
        rest.get(count).copied().ok_or(Left::Short)
    }

    /// Takes white space and this byte.
    pub fn take(&mut self, byte: u8) -> Result<(), Left> {
        if self.ahead()? != byte {
            return Err(Left::Odd);
        }
        self.at += 1;
        Ok(())
    }

    /// Whether this byte comes next, behind white space; it is taken then.
    pub fn takes(&mut self, byte: u8) -> Result<bool, Left> {
        let is_next = self.ahead()? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    /// Reads an object, and hands out its members.
    pub fn object(&mut self, mut each: impl FnMut(&'t str, Plain<'t>)) -> Result<(), Left> {
        self.take(b'{')?;
        if self.takes(b'}')? {
            return Ok(());
        }
        loop {
            let key = self.text()?.as_it_is().ok_or(Left::Odd)?;
            self.take(b':')?;
            each(key, self.plain()?);
            if self.takes(b'}')? {
                return Ok(());
            }
            self.take(b',')?;
        }
    }

    /// Reads an array of objects; `each` reads one.
    pub fn objects(&mut self, mut each: impl FnMut(&mut Self) -> Result<(), Left>) -> Result<(), Left> {
        self.take(b'[')?;
        if self.takes(b']')? {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.takes(b']')? {
                return Ok(());
            }
            self.take(b',')?;
            let from = self.at;
            self.ahead()?;
            // An object as far indented as the array around it may be the next element, of an array that was not closed.
            let blanks = self.text.as_bytes().get(from..self.at).unwrap_or_default();
            if memrchr(b'\n', blanks).is_some_and(|it| blanks.len() - it - 1 == self.indent) {
                return Err(Left::Odd);
            }
        }
    }

    fn plain(&mut self) -> Result<Plain<'t>, Left> {
        match self.ahead()? {
            b'"' => self.text().map(Plain::Text),
            b'0'..=b'9' => self.whole(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => Err(Left::Odd),
        }
    }

    fn word(&mut self, word: &str) -> Result<Plain<'t>, Left> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(if word.starts_with(rest) { Left::Short } else { Left::Odd });
        }
        self.at += word.len();
        Ok(Plain::Other)
    }

    fn whole(&mut self) -> Result<Plain<'t>, Left> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().position(|it| !it.is_ascii_digit()).ok_or(Left::Short)?;
        let digits = rest.get(..count).unwrap_or_default();
        let is_plain = count < 18 && (count == 1 || digits.first() != Some(&b'0'));
        if !is_plain || !matches!(rest.get(count), Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t')) {
            return Err(Left::Odd);
        }
        self.at += count;
        Ok(Plain::Whole(digits.iter().fold(0, |sum, it| sum * 10 + i64::from(it - b'0'))))
    }

    /// Reads a text.
    fn text(&mut self) -> Result<Quoted<'t>, Left> {
        self.take(b'"')?;
        let (from, mut escaped) = (self.at, false);
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let count = special(rest).ok_or(Left::Short)?;
            match rest.get(count) {
                Some(b'"') => {
                    let spelt = self.text.get(from..self.at + count).ok_or(Left::Odd)?;
                    self.at += count + 1;
                    if escaped {
                        self.tried.clear();
                        unescape(spelt, &mut self.tried).ok_or(Left::Odd)?;
                    }
                    return Ok(Quoted { spelt, escaped });
                }
                Some(b'\\') if rest.len() > count + 1 => {
                    escaped = true;
                    self.at += count + 2;
                }
                Some(b'\\') => return Err(Left::Short),
                _ => return Err(Left::Odd),
            }
        }
    }
}

/// Where the first byte stands that ends a plain stretch of a text: a quote, a backslash, or what may not stand in one.
fn special(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    let (words, _) = text.as_chunks::<8>();
    for (at, word) in words.iter().take(SHORT).enumerate() {
        let word = u64::from_le_bytes(*word);
        // The highest bit of each byte that is zero, or less than a blank. What is carried over can only mark bytes behind a marked one.
        let zero = |it: u64| it.wrapping_sub(ONES) & !it;
        let low = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\'))) | low) & HIGHS;
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let from = words.len().min(SHORT) * 8;
    let rest = text.get(from..)?;
    let end = memchr2(b'"', b'\\', rest);
    // What is least of many bytes is sooner found than the first that is low, which there almost never is.
    let plain = rest.get(..end.unwrap_or(rest.len()))?;
    let low = if plain.iter().fold(u8::MAX, |least, it| least.min(*it)) < 0x20 { plain.iter().position(|it| *it < 0x20) } else { None };
    low.or(end).map(|it| from + it)
}

/// Texts of so many words are short.
const SHORT: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(text: &str) -> Result<(Vec<(String, String)>, usize), Left> {
        let mut cursor = Cursor::new(text);
        let mut all = Vec::new();
        cursor.object(|key, value| {
            let shown = match value {
                Plain::Text(text) => {
                    let mut told = String::from("text ");
                    text.add_to(&mut told);
                    told
                }
                Plain::Whole(number) => number.to_string(),
                Plain::Other => "other".to_owned(),
            };
            all.push((key.to_owned(), shown));
        })?;
        Ok((all, cursor.at()))
    }

    #[test]
    fn plain_members_are_read() {
        let (all, end) = members(r#"{ "a" : "x\n\u00e4\ud83d\ude00\"" , "b":0,"c" :12 , "d":null}, x"#).unwrap();
        let all: Vec<_> = all.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
        assert_eq!(all, [("a", "text x\nä😀\""), ("b", "0"), ("c", "12"), ("d", "other")]);
        assert_eq!(end, 61);
    }

    #[test]
    fn what_is_odd_is_left() {
        for text in [
            r#"{"a":[1]}"#,
            r#"{"a":{}}"#,
            r#"{"a":01}"#,
            r#"{"a":1.0}"#,
            r#"{"a":-1}"#,
            r#"{"a":1e3}"#,
            r#"{"\u0061":1}"#,
            r#"{"a":"\q"}"#,
            r#"{"a":"\ud83d"}"#,
            r#"{"a":"\ud83dx"}"#,
            r#"{"a":"\ude00"}"#,
            r#"{"a":"\u+123"}"#,
            "{\"a\":\"\n\"}",
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":nul}"#,
            r#"{"a":123456789012345678901}"#,
            r"{a:1}",
            r"[1]",
        ] {
            assert_eq!(members(text).unwrap_err(), Left::Odd, "{text}");
        }
        let whole = r#"{"a":"x\n","b":12,"c":true}"#;
        for end in 1..whole.len() {
            assert_eq!(members(whole.get(..end).unwrap()).unwrap_err(), Left::Short, "{end}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_a_parser_of_all_json_reads(text in r#"\{"a":("([ -~äé😀]|\\[n"\\/ubqt]|\\u[dD][89aAcCeE][0-9a-f]{2}|\\u[0-9a-fA-F]{4}|[\x00-\x1f\x7f]){0,12}"|[0-9-]{1,3}|true|null)[ ,}\]]{0,2}\}?"#) {
            if let Ok((all, end)) = members(&text) {
                let parsed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text.get(..end).unwrap()).unwrap();
                let shown = |it: &serde_json::Value| match it {
                    serde_json::Value::String(it) => format!("text {it}"),
                    serde_json::Value::Number(it) => it.to_string(),
                    _ => "other".to_owned(),
                };
                prop_assert_eq!(all, parsed.iter().map(|it| (it.0.clone(), shown(it.1))).collect::<Vec<_>>());
            }
        }

        #[test]
        fn the_first_special_byte_is_found(text in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'"'), Just(b'!'), Just(b']'), Just(b'['), Just(0x1f), Just(0x20), Just(0x80), Just(0xff), any::<u8>()], 0..80)) {
            prop_assert_eq!(special(&text), text.iter().position(|it| matches!(it, b'"' | b'\\' | 0..0x20)));
        }
    }
}

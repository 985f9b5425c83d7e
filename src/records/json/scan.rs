//! Finding where a JSON value ends, or that it has no end.

use super::{Fault, Records, container_named, is_wrapper};
use memchr::memchr2;

/// How a scan over a value ended.
pub(super) enum Scan {
    /// The value ends before this byte.
    Whole(usize),
    /// A container's array begins at this byte, its first element after it.
    Opens {
        at: usize,
        key: &'static str,
        wrapped: usize,
    },
    /// The value does not end, and an element like it begins at this byte.
    Unclosed(usize),
    Fault(Fault),
}

impl Records<'_, '_> {
    /// Finds the end of the value at the window's start. With `top`, stops where a container opens.
    pub(super) fn scan(&mut self, top: bool) -> Scan {
        let mut depth = 0_usize;
        let mut at = 0;
        // The last string seen at depth 1, and whether a colon followed it.
        let mut key: Option<(usize, usize)> = None;
        let mut colon = false;
        let mut wrapped = 0;
        loop {
            let Some(byte) = self.feed.window().get(at).copied() else {
                if self.feed.window().len() > self.cap {
                    return Scan::Fault(Fault::TooLong);
                }
                if self.feed.more() {
                    continue;
                }
                let whole = depth == 0 && at > 0;
                return if whole { Scan::Whole(at) } else { Scan::Fault(Fault::CutOff) };
            };
            match byte {
                b'\n' if depth > 0 && self.begins_anew(at, depth) => return Scan::Fault(Fault::CutShort),
                b'\n' if depth > 0 && self.begins_element(at) => return Scan::Unclosed(at + 1),
                b'"' => {
                    let Some(end) = self.string_end(at + 1) else { return Scan::Fault(self.short()) };
                    // A break inside of a string, and the next record behind it: this one was cut.
                    let told = self.feed.window().get(at + 1..end).unwrap_or_default();
                    if depth > 0 && self.is_outermost() && told.ends_with(b"\n{\"") {
                        return Scan::Fault(Fault::CutShort);
                    }
                    key = (depth == 1).then_some((at, end));
                    colon = false;
                    at = end;
                    if depth == 0 {
                        return Scan::Whole(at);
                    }
                    continue;
                }
                b':' if depth == 1 => colon = true,
                b'[' | b'{' => {
                    if byte == b'{'
                        && top
                        && depth == 1
                        && colon
                        && let Some((from, to)) = key
                        && is_wrapper(self.feed.window().get(from..to).unwrap_or_default())
                    {
                        wrapped += 1;
                        (key, colon) = (None, false);
                        at += 1;
                        continue;
                    }
                    if byte == b'['
                        && top
                        && depth == 1
                        && colon
                        && let Some((from, to)) = key
                        && let Some(name) = container_named(self.feed.window().get(from..to).unwrap_or_default())
                    {
                        return Scan::Opens { at: at + 1, key: name, wrapped };
                    }
                    depth += 1;
                    key = None;
                }
                b']' | b'}' => {
                    if depth == 0 {
                        return Scan::Whole(at);
                    }
                    if depth == 1 && wrapped > 0 {
                        wrapped -= 1;
                        at += 1;
                        continue;
                    }
                    depth -= 1;
                    if depth == 0 {
                        return Scan::Whole(at + 1);
                    }
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return Scan::Whole(at),
                b',' => key = None,
                _ => {}
            }
            at += 1;
        }
    }

    /// Whether the line after this break begins a record of its own, where the one before it is still open.
    fn begins_anew(&mut self, line_end: usize, depth: usize) -> bool {
        while self.feed.window().len() < line_end + 3 && self.feed.more() {}
        let window = self.feed.window();
        if !self.is_outermost() || window.get(line_end + 1..line_end + 3) != Some(b"{\"") {
            return false;
        }
        let before = window.get(..line_end).unwrap_or_default().trim_ascii_end().last();
        match before {
            Some(b':') => false,
            Some(b',' | b'[') => depth == 1,
            _ => true,
        }
    }

    /// Whether lines that close one element of an array and begin the next meet here, as far indented as the one that is open.
    fn begins_element(&mut self, line_end: usize) -> bool {
        let indent = self.indent;
        if indent == 0 || self.container.is_none() {
            return false;
        }
        while self.feed.window().len() < line_end + indent + 2 && self.feed.more() {}
        let window = self.feed.window();
        let line = |text: Option<&[u8]>, end: &[u8]| {
            text.and_then(|it| it.strip_suffix(end)).is_some_and(|it| it.iter().all(|it| matches!(it, b' ' | b'\t')))
        };
        let before = window.get(..line_end).and_then(|it| it.rsplit(|it| *it == b'\n').next());
        line(window.get(line_end + 1..line_end + indent + 2), b"{")
            && before.is_some_and(|it| it.len() == indent + 2)
            && line(before, b"},")
    }

    /// The byte after the closing quote of the string whose text begins at `from`.
    fn string_end(&mut self, mut from: usize) -> Option<usize> {
        loop {
            let window = self.feed.window();
            match memchr2(b'"', b'\\', window.get(from..).unwrap_or_default()) {
                Some(at) if window.get(from + at) == Some(&b'"') => return Some(from + at + 1),
                Some(at) => from += at + 2,
                None => {
                    from = from.max(window.len());
                    if window.len() > self.cap || !self.feed.more() {
                        return None;
                    }
                }
            }
        }
    }

    fn short(&self) -> Fault {
        if self.feed.window().len() > self.cap { Fault::TooLong } else { Fault::CutOff }
    }

    /// Whether what is read stands in no array and no envelope.
    pub(super) fn is_outermost(&self) -> bool {
        self.container.is_none() && !self.in_envelope
    }
}

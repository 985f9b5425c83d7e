//! Text, line by line, with a cap on the length of a line.

use super::Feed;
use memchr::memchr;

/// One line, without its line break.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its bytes, at most the cap.
    pub bytes: &'a [u8],
    /// Whether the cap cut it.
    pub cut: bool,
}

/// Lines of a feed.
pub struct Lines<'f, 'r> {
    feed: &'f mut Feed<'r>,
    cap: usize,
    /// Bytes of the line handed out last, taken when the next one is asked for.
    pending: usize,
    /// Whether the rest of a cut line has still to be passed over.
    passing: bool,
}

impl<'f, 'r> Lines<'f, 'r> {
    /// Cuts `feed` into lines of at most `cap` bytes.
    pub fn new(feed: &'f mut Feed<'r>, cap: usize) -> Self {
        Self { feed, cap, pending: 0, passing: false }
    }

    /// What comes next, at least `count` bytes of it if there are as many, and whether nothing follows it. It is not taken.
    pub fn ahead(&mut self, count: usize) -> (&[u8], bool) {
        self.feed.take(self.pending);
        self.pending = 0;
        while self.passing {
            self.pass_over();
        }
        let is_last = self.feed.want(count).len() < count;
        (self.feed.window(), is_last)
    }

    /// Takes whole lines of what comes next.
    pub fn take(&mut self, bytes: usize) {
        self.feed.take(bytes);
    }

    /// The next line.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        self.feed.take(self.pending);
        self.pending = 0;
        while self.passing {
            self.pass_over();
        }
        let mut searched = 0;
        let (length, ended) = loop {
            let window = self.feed.window();
            if let Some(at) = memchr(b'\n', window.get(searched..).unwrap_or_default()) {
                break (searched + at, true);
            }
            searched = window.len();
            if searched > self.cap || !self.feed.more() {
                break (self.feed.window().len(), false);
            }
        };
        if length == 0 && !ended {
            return None;
        }
        let cut = length > self.cap;
        if cut {
            self.passing = !ended || length > self.cap;
            self.pending = self.cap;
        } else {
            self.pending = length + usize::from(ended);
        }
        let bytes = self.feed.window().get(..length.min(self.cap)).unwrap_or_default();
        Some(Line { bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes), cut })
    }

    /// Takes the rest of a line that was cut.
    fn pass_over(&mut self) {
        if let Some(at) = memchr(b'\n', self.feed.window()) {
            self.feed.take(at + 1);
            self.passing = false;
        } else {
            let count = self.feed.window().len();
            self.feed.take(count);
            self.passing = self.feed.more();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], cap: usize) -> Vec<(Vec<u8>, bool)> {
        let mut feed = Feed::new(Box::new(text));
        let mut lines = Lines::new(&mut feed, cap);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line() {
            all.push((line.bytes.to_vec(), line.cut));
        }
        all
    }

    #[test]
    fn every_byte_belongs_to_one_line() {
        let whole = |text: &[u8]| lines(text, 100).into_iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(whole(b"a\nb\r\n\nc"), [b"a".to_vec(), b"b".to_vec(), b"".to_vec(), b"c".to_vec()]);
        assert!(whole(b"").is_empty());
        assert_eq!(whole(b"\n"), [b"".to_vec()]);
    }

    #[test]
    fn a_line_over_the_cap_is_cut_once() {
        assert_eq!(lines(b"abcdefgh\nij\n", 4), [(b"abcd".to_vec(), true), (b"ij".to_vec(), false)]);
        assert_eq!(lines(b"abcdefgh", 4), [(b"abcd".to_vec(), true)]);
        let long = vec![b'x'; 3 << 20];
        assert_eq!(lines(&long, 1 << 10).len(), 1);
    }
}

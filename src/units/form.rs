//! What a text of fixed length looks like, compared eight bytes at a time.

/// A form of `BYTES` bytes, in `WORDS` words of eight.
pub(crate) struct Form<const BYTES: usize, const WORDS: usize>([Word; WORDS]);

/// Eight bytes of a form.
#[derive(Clone, Copy)]
struct Word {
    from: usize,
    should: u64,
    /// All bits of each byte that must be a digit, and of each that may be anything.
    digits: u64,
    any: u64,
}

impl<const BYTES: usize, const WORDS: usize> Form<BYTES, WORDS> {
    /// The form of a text, in which `9` stands for a digit and `?` for anything.
    pub(crate) const fn of(text: &[u8; BYTES]) -> Self {
        let mut words = [Word { from: 0, should: 0, digits: 0, any: 0 }; WORDS];
        let mut word = 0;
        while word < WORDS {
            // The last one overlaps those before it.
            let from = if word + 1 == WORDS { BYTES - 8 } else { word * 8 };
            words[word].from = from;
            let mut at = 0;
            while at < 8 {
                let byte = text[from + at];
                let (should, bits) = (if byte == b'9' { b'0' } else { byte }, 0xff << (8 * at));
                words[word].should |= (should as u64) << (8 * at);
                match byte {
                    b'9' => words[word].digits |= bits,
                    b'?' => words[word].any |= bits,
                    _ => {}
                }
                at += 1;
            }
            word += 1;
        }
        Self(words)
    }

    /// Whether a text has the form.
    pub(crate) fn fits(&self, text: &[u8; BYTES]) -> bool {
        let mut differs = 0;
        for Word { from, should, digits, any } in self.0 {
            let Some(is) = text.get(from..).and_then(|it| it.first_chunk()) else { return false };
            let distance = (u64::from_le_bytes(*is) ^ should) & !any;
            // A byte that is no digit is 10 or more away from `0`: 118 more set its highest bit.
            let no_digit = (distance & digits & !HIGHEST).wrapping_add(0x7676_7676_7676_7676 & digits);
            differs |= (distance & !digits) | ((no_digit | distance) & HIGHEST);
        }
        differs == 0
    }
}

/// The highest bit of each byte.
const HIGHEST: u64 = 0x8080_8080_8080_8080;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_held_to_its_form() {
        static FORM: Form<19, 3> = Form::of(b"9999-99-99?99:99:99");
        let text = *b"2026-11-20T08:23:28";
        for at in 0..text.len() {
            for byte in 0..=u8::MAX {
                let mut other = text;
                other[at] = byte;
                let may = match b"9999-99-99?99:99:99"[at] {
                    b'9' => byte.is_ascii_digit(),
                    b'?' => true,
                    it => byte == it,
                };
                assert_eq!(FORM.fits(&other), may, "{byte:#x} at {at}");
            }
        }
    }
}

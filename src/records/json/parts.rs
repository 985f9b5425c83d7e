//! Reading many records of one form at once: what comes next is cut into parts that are read side by side.
//!
//! Where a part begins is guessed, and then proven: the parts before it must have read, element by element, all that stands before
//! it. What a part cannot read, and all behind it, is read record by record, until the form comes again.

use super::{
    Fault, Records,
    flat::{Cursor, Left},
    value_of,
};
use memchr::memmem;
use rayon::prelude::*;
use serde_json::Value;

/// How long parts are, and how many of them each core reads at once.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The length of a part.
    pub part: usize,
    /// What is read at first, and behind a record that is not of the form.
    pub first: usize,
    /// Parts that each core reads before what they tell is taken.
    pub each: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { part: 4 << 20, first: 64 << 10, each: 4 }
    }
}

/// How far the next record is looked for, to see whether it is of the form.
const LOOKED_AT: [usize; 2] = [4 << 10, 64 << 10];

/// Where records stand.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Whether they stand in no array and no envelope.
    pub is_outermost: bool,
    /// The longest that is read.
    pub cap: usize,
}

/// What was read of a text.
#[derive(Debug)]
pub struct Read<P> {
    /// What its records tell.
    pub told: P,
    /// How many these are.
    pub records: u64,
    /// Where the last one ends.
    end: usize,
    /// Whether nothing stands behind it.
    whole: bool,
}

/// Reads as many records of a form as stand at the beginning of a text. `each` reads one, or leaves it.
pub fn elements(text: &str, place: Place, most: u64, mut each: impl FnMut(&mut Cursor<'_>) -> Result<(), Left>) -> Read<()> {
    let mut cursor = Cursor::new(text);
    let mut read = Read { told: (), records: 0, end: 0, whole: false };
    while read.records < most {
        let Some(first) = cursor.skip_blanks() else {
            read.whole = true;
            break;
        };
        // Outside of any, an array is no record: it holds records.
        if place.is_outermost && first != b'{' {
            break;
        }
        cursor.end_at(cursor.at().saturating_add(place.cap));
        if each(&mut cursor).is_err() {
            break;
        }
        cursor.end_at(text.len());
        (read.records, read.end) = (read.records + 1, cursor.at());
    }
    read
}

impl Read<()> {
    /// The same, with what its records tell.
    pub fn telling<P>(self, told: P) -> Read<P> {
        Read { told, records: self.records, end: self.end, whole: self.whole }
    }
}

/// What comes next.
#[derive(Debug)]
pub enum Given<P> {
    /// Records of the form: what they tell, and how many they are.
    Part(P, u64),
    /// Another record; `None` where it is no JSON.
    Record(Option<Value>),
    /// What stands in the place of a record.
    Fault(Fault),
}

/// A form of records.
pub struct Form<'r, P> {
    /// Whether a text begins with a record of it.
    pub fits: &'r (dyn Fn(&str, Place) -> Read<()> + Sync),
    /// Reads all records of it at the beginning of a text.
    pub read: &'r (dyn Fn(&str, Place) -> Read<P> + Sync),
}

/// The text of bytes, up to the first that are none.
fn text_of(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => bytes.get(..error.valid_up_to()).and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default(),
    }
}

fn read_part<P>(bytes: &[u8], place: Place, form: &Form<'_, P>) -> Read<P> {
    let text = text_of(bytes);
    let read = (form.read)(text, place);
    Read { whole: read.whole && text.len() == bytes.len(), ..read }
}

impl Records<'_, '_> {
    /// Hands out all that comes, in order, with the envelope around it.
    pub fn in_parts<P: Send>(&mut self, sizes: Sizes, form: &Form<'_, P>, each: &mut (dyn FnMut(Given<P>, &[u8]) + Send)) {
        let largest = sizes.part * sizes.each * rayon::current_num_threads();
        let (mut size, mut bytes) = (sizes.first, Vec::new());
        let mut waiting: Vec<Read<P>> = Vec::new();
        loop {
            self.settle();
            let place = Place { is_outermost: self.is_outermost(), cap: self.cap };
            if let Some(border) = self.border(place, form) {
                self.feed.take_at_most(size, &mut bytes);
                let parts = cut(&bytes, sizes.part, &border);
                let (before, envelope) = (std::mem::take(&mut waiting), self.envelope.as_slice());
                let ((), read) = rayon::join(
                    || before.into_iter().for_each(|it| each(Given::Part(it.told, it.records), envelope)),
                    || parts.par_iter().with_max_len(1).map(|it| read_part(it, place, form)).collect::<Vec<_>>(),
                );
                let (mut at, mut end, mut is_proven) = (0, 0, true);
                for (part, read) in parts.iter().zip(read) {
                    if is_proven {
                        end = if read.records > 0 { at + read.end } else { end };
                        at += part.len();
                        is_proven = read.whole;
                        waiting.push(read);
                    }
                }
                // What comes last may end inside of a record.
                let is_odd = waiting.len() < parts.len() || (!is_proven && bytes.len() - end > sizes.first);
                size = if is_odd { sizes.first } else { (size * 2).min(largest) };
                self.feed.put_back(bytes.get(end..).unwrap_or_default());
                if end > 0 {
                    if place.is_outermost {
                        self.envelope.clear();
                    }
                    continue;
                }
            }
            for read in waiting.drain(..) {
                each(Given::Part(read.told, read.records), &self.envelope);
            }
            let given = match self.next_record() {
                None => return,
                Some(Ok(record)) => Given::Record(value_of(record.bytes)),
                Some(Err(fault)) => Given::Fault(fault),
            };
            each(given, &self.envelope);
        }
    }

    /// What stands between the next record and the one behind it, from the last byte of the one to the first of the other, where the
    /// next one is of a form.
    fn border<P>(&mut self, place: Place, form: &Form<'_, P>) -> Option<Vec<u8>> {
        if self.container.is_none() && self.in_envelope {
            return None;
        }
        LOOKED_AT.iter().find_map(|count| {
            let window = self.feed.want(*count);
            let text = text_of(window.get(..window.len().min(*count)).unwrap_or_default());
            let end = Some((form.fits)(text, place)).filter(|it| it.records > 0)?.end;
            let behind = text.as_bytes().get(end..)?;
            let blanks = behind.iter().take_while(|it| super::is_blank(**it)).count();
            let border = text.as_bytes().get(end - 1..=end + blanks);
            Some(border.map_or_else(|| b"}\n{".to_vec(), <[u8]>::to_vec))
        })
    }
}

/// Cuts bytes where `border` stands, into parts that are not shorter than `size`.
fn cut<'b>(bytes: &'b [u8], size: usize, border: &[u8]) -> Vec<&'b [u8]> {
    let finder = memmem::Finder::new(border);
    let (mut parts, mut rest) = (Vec::new(), bytes);
    while let Some(found) = rest.get(size..).and_then(|it| finder.find(it)) {
        // Its first byte ends an element; what stands between elements belongs to the one behind it.
        let (part, behind) = rest.split_at(size + found + 1);
        parts.push(part);
        rest = behind;
    }
    parts.push(rest);
    parts
}

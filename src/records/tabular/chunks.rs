//! CSV and Parquet of any length, in chunks of rows that any core may read: what they tell is taken in the order of the file.

use super::{
    Each, Form, Part, Quoting, Rows,
    blocks::{self, Block, Cutter},
    parquet_rows::{Group, Groups},
};
use crate::records::Feed;

/// Chunks that each core reads, at most, before what they tell is taken.
const EACH: usize = 8;

/// A table that is read in chunks.
pub struct Chunked<'f, 'r> {
    feed: &'f mut Feed<'r>,
    rest: Rest,
    /// The names of the columns, where the table tells them.
    pub names: Option<Vec<String>>,
    width: Option<usize>,
}

/// What was not read yet.
enum Rest {
    Nothing,
    /// Some rows may be cut already, to look at the first.
    Blocks(Cutter, Option<Block>),
    Groups(Groups),
    /// The rest cannot be read.
    Broken(&'static str),
}

/// Some rows of a table.
enum Chunk {
    Block(Block),
    Group(Group),
    Broken(&'static str),
}

/// How a chunk ended.
struct Ended {
    rows: u64,
    /// Whether its last row has too few cells.
    short: bool,
    /// Why the rest of the table cannot be read.
    broken: Option<&'static str>,
}

const TOO_LONG: &str = "row longer than the cap";

impl<'f, 'r> Chunked<'f, 'r> {
    /// Whether tables in this form can be read in chunks.
    pub fn can_be(form: Form) -> bool {
        matches!(form, Form::Delimited { quoting: Quoting::Quotes, .. } | Form::Parquet)
    }

    /// Begins to read a table; `None` where its form has no chunks. What is asked for is the same as in [`super::read`].
    pub fn new(feed: &'f mut Feed<'r>, form: Form, wanted: &[usize], cap: usize) -> Option<Self> {
        match form {
            Form::Delimited { delimiter, quoting: Quoting::Quotes, headed } => {
                Some(Self::of_blocks(feed, Cutter::new(delimiter, cap), headed))
            }
            Form::Parquet => Some(match Groups::new(feed, wanted) {
                Ok(groups) => {
                    feed.finish();
                    let names = groups.names.clone();
                    Self { feed, width: Some(names.len()), names: Some(names), rest: Rest::Groups(groups) }
                }
                Err(reason) => Self { feed, rest: Rest::Broken(reason), names: None, width: None },
            }),
            _ => None,
        }
    }

    /// Looks at the first row of a text: it names the columns, or tells how many there are.
    pub(super) fn of_blocks(feed: &'f mut Feed<'r>, mut cutter: Cutter, headed: bool) -> Self {
        loop {
            let block = match cutter.next(feed) {
                None => return Self { feed, rest: Rest::Nothing, names: None, width: None },
                Some(Err(blocks::TooLong)) => {
                    feed.drain();
                    return Self { feed, rest: Rest::Broken(TOO_LONG), names: None, width: None };
                }
                Some(Ok(block)) => block,
            };
            let (first, behind) = block.clone().split_first();
            let Some(first) = first else { continue };
            let rest = Rest::Blocks(cutter, Some(if headed { behind } else { block }));
            return Self { feed, rest, names: headed.then(|| first.names()), width: Some(first.len()) };
        }
    }

    fn next(&mut self) -> Option<Chunk> {
        match std::mem::replace(&mut self.rest, Rest::Nothing) {
            Rest::Nothing => None,
            Rest::Broken(reason) => Some(Chunk::Broken(reason)),
            Rest::Blocks(mut cutter, mut waiting) => {
                let block = waiting.take().map(Ok).or_else(|| cutter.next(self.feed))?;
                let Ok(block) = block else {
                    self.feed.drain();
                    return Some(Chunk::Broken(TOO_LONG));
                };
                self.rest = Rest::Blocks(cutter, None);
                Some(Chunk::Block(block))
            }
            Rest::Groups(mut groups) => {
                let group = groups.next(self.feed.meter())?;
                self.rest = Rest::Groups(groups);
                Some(Chunk::Group(group))
            }
        }
    }

    /// Reads all rows, one after the other.
    pub(super) fn read(mut self, each: &mut Each<'_>) {
        let mut rows = Rows::new(each);
        if let Some(names) = &self.names {
            rows.header(names);
        }
        let mut broken = None;
        while let (None, Some(chunk)) = (broken, self.next()) {
            broken = chunk.read(&mut rows).err();
        }
        match broken {
            Some(reason) => rows.cut_off(reason),
            None => rows.end(),
        }
    }

    /// Reads all rows on all cores. Each chunk is told to a `T` of its own by `tell`, with the number of the row within the chunk;
    /// these are taken in order, each with the number of rows before it.
    pub fn read_at_once<S, T: Send>(
        mut self,
        state: &mut S,
        begin: impl Fn(&mut S) -> T,
        tell: impl Fn(&mut T, Part<'_>, u64) + Sync,
        take: impl Fn(&mut S, T, u64),
    ) {
        let (width, tell) = (self.width, &tell);
        let say = |state: &mut S, part: Part<'_>, number: u64| {
            let mut told = begin(state);
            tell(&mut told, part, number);
            take(state, told, 0);
        };
        let (mut count, mut short) = (0, false);
        // The first rows may be held one by one: chunks become many when these are taken.
        let mut many = rayon::current_num_threads();
        let mut chunks = self.some(many);
        'chunks: while !chunks.is_empty() {
            let mut reading: Vec<(Chunk, T, Option<Ended>)> = chunks.into_iter().map(|it| (it, begin(state), None)).collect();
            many = (many * 2).min(EACH * rayon::current_num_threads());
            chunks = rayon::in_place_scope(|scope| {
                for (chunk, told, ended) in &mut reading {
                    scope.spawn(move |_| *ended = Some(chunk.tell(width, &mut |part, number| tell(told, part, number))));
                }
                self.some(many)
            });
            for (_, told, ended) in reading {
                let Some(Ended { rows, short: ends_short, broken }) = ended else { break 'chunks };
                if short && (rows > 0 || broken.is_some()) {
                    say(state, Part::Damaged(super::FEWER_CELLS), count);
                    short = false;
                }
                take(state, told, count);
                count += rows;
                short |= ends_short;
                if let Some(reason) = broken {
                    if std::mem::take(&mut short) {
                        say(state, Part::Damaged(super::FEWER_CELLS), count);
                    }
                    say(state, Part::CutOff(reason), count + 1);
                    break 'chunks;
                }
            }
        }
        if short {
            say(state, Part::CutOff(super::INSIDE_A_ROW), count);
        }
    }

    /// The next chunks, as many as there are.
    fn some(&mut self, many: usize) -> Vec<Chunk> {
        std::iter::from_fn(|| self.next()).take(many).collect()
    }
}

impl Chunk {
    fn read(&self, rows: &mut Rows<'_, '_>) -> Result<(), &'static str> {
        match self {
            Self::Block(block) => block.read(rows),
            Self::Group(group) => group.read(rows)?,
            Self::Broken(reason) => return Err(reason),
        }
        Ok(())
    }

    fn tell(&self, width: Option<usize>, each: &mut Each<'_>) -> Ended {
        let mut rows = Rows { width, ..Rows::new(each) };
        let broken = self.read(&mut rows).err();
        Ended { rows: rows.number, short: rows.short, broken }
    }
}

#[cfg(test)]
mod tests;

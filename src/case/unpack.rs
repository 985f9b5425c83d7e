//! Taking the wrapping off: gz, bz2, zstd, zip and tar, nested in any order, recognised by content.

use super::{Caps, Meter, beside};
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek},
    sync::Arc,
};

/// One unpacked stream.
pub struct Leaf<'a> {
    /// How reports name it: `dump.zip!scheduler.log`.
    pub name: String,
    /// Its bytes.
    pub reader: Box<dyn Read + 'a>,
    /// The file itself, where it lies on disk as it is and can be read from any place, and where its reading is counted.
    pub on_disk: Option<(OnDisk, &'a Meter)>,
}

/// A file on disk, to be read from any place.
#[derive(Clone, Debug)]
pub struct OnDisk {
    /// It.
    pub file: Arc<File>,
    /// Its size.
    pub bytes: u64,
}

impl OnDisk {
    /// Fills a buffer from a place on.
    #[cfg(unix)]
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self.file.as_ref(), buffer, offset)
    }

    /// Reads from a place on, whatever else is read of the file meanwhile.
    pub fn reader(&self, at: u64) -> FromPlace {
        FromPlace { file: self.clone(), at }
    }

    /// Fills a buffer from a place on.
    #[cfg(not(unix))]
    pub fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A file from a place on.
#[derive(Debug)]
pub struct FromPlace {
    file: OnDisk,
    at: u64,
}

impl Read for FromPlace {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.file.bytes.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        self.file.read_at(self.at, buffer.get_mut(..count).unwrap_or_default())?;
        self.at += count as u64;
        Ok(count)
    }
}

/// What the wrapping itself had to say.
#[derive(Debug, Default)]
pub struct Unpacked {
    /// Wrappings that could not be taken off, with the reason.
    pub damage: Vec<(String, String)>,
}

/// How much of a packed file, or of an archive, is read at once.
const BUFFER: usize = 64 << 10;

/// A file of so many packed bytes is worth a core of its own.
const WORTH: u64 = 1 << 20;

/// Takes the wrapping off `reader`.
pub(super) fn unpack<'a>(
    name: &str,
    mut reader: impl Read + Send + 'a,
    on_disk: Option<(OnDisk, &'a Meter)>,
    caps: Caps,
    each: &mut dyn FnMut(Leaf<'_>),
) -> Unpacked {
    let mut result = Unpacked::default();
    // What cannot be read shows again when it is peeled.
    let head = head_of(&mut reader).unwrap_or_default();
    let wrapping = Wrapping::of(&head);
    let whole = Cursor::new(head).chain(reader);
    match wrapping {
        Some(wrapping) if wrapping.is_one_stream() && caps.depth > 0 && on_disk.as_ref().is_none_or(|it| it.0.bytes >= WORTH) => {
            beside::unpacked(
                move || wrapping.stream(whole, caps),
                |pieces| peel(name, Box::new(pieces), None, caps, caps.depth - 1, each, &mut result),
            );
        }
        _ => peel(name, Box::new(whole), on_disk, caps, caps.depth, each, &mut result),
    }
    result
}

/// Whether the file begins like a zip archive.
pub(super) fn is_zip(head: [u8; 4]) -> bool {
    matches!(&head, b"PK\x03\x04" | b"PK\x05\x06")
}

/// Reads a zip archive that can be sought in.
pub(super) fn unzip(name: &str, file: impl Read + Seek, caps: Caps, each: &mut dyn FnMut(Leaf<'_>)) -> Unpacked {
    let mut result = Unpacked::default();
    let mut archive = match zip::ZipArchive::new(file) {
        Ok(archive) => archive,
        Err(error) => {
            result.damage.push((name.to_owned(), format!("zip archive cut off or damaged: {error}")));
            return result;
        }
    };
    let mut order: Vec<(String, usize)> = Vec::new();
    for index in 0..archive.len() {
        if let Ok(entry) = archive.by_index_raw(index)
            && entry.is_file()
        {
            order.push((entry.name().to_owned(), index));
        }
    }
    order.sort();
    for (inner, index) in order {
        let inner = format!("{name}!{inner}");
        match archive.by_index(index) {
            Ok(entry) => {
                let packed = entry.compressed_size();
                let capped = Capped::new(entry, Some(packed), caps);
                peel(&inner, Box::new(capped), None, caps, caps.depth.saturating_sub(1), each, &mut result);
            }
            Err(error) => result.damage.push((inner, format!("zip entry: {error}"))),
        }
    }
    result
}

fn peel<'a>(
    name: &str,
    mut reader: Box<dyn Read + 'a>,
    on_disk: Option<(OnDisk, &'a Meter)>,
    caps: Caps,
    depth: usize,
    each: &mut dyn FnMut(Leaf<'_>),
    result: &mut Unpacked,
) {
    let head = match head_of(&mut reader) {
        Ok(head) => head,
        Err(error) => {
            result.damage.push((name.to_owned(), damage_text(&error)));
            return;
        }
    };
    let whole = Cursor::new(head.clone()).chain(reader);
    let Some(wrapping) = Wrapping::of(&head) else {
        let on_disk = on_disk.filter(|_| !has_mark(&head));
        return each(Leaf { name: name.to_owned(), reader: decoded(&head, whole), on_disk });
    };
    if depth == 0 {
        result.damage.push((name.to_owned(), format!("archives nested deeper than {} are not opened", caps.depth)));
        return;
    }
    match wrapping {
        Wrapping::Tar => untar(name, BufReader::with_capacity(BUFFER, whole), caps, depth, each, result),
        Wrapping::Zip => unzip_stream(name, BufReader::with_capacity(BUFFER, whole), caps, depth, each, result),
        Wrapping::Unsupported(what) => result.damage.push((name.to_owned(), format!("{what} is not supported: unpack it first"))),
        Wrapping::Gzip | Wrapping::Bzip2 | Wrapping::Zstd => match wrapping.stream(whole, caps) {
            Ok(stream) => peel(name, stream, None, caps, depth - 1, each, result),
            Err(error) => result.damage.push((name.to_owned(), damage_text(&error))),
        },
    }
}

fn untar(name: &str, reader: impl Read, caps: Caps, depth: usize, each: &mut dyn FnMut(Leaf<'_>), result: &mut Unpacked) {
    let mut archive = tar::Archive::new(reader);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return result.damage.push((name.to_owned(), format!("tar archive: {}", damage_text(&error)))),
    };
    for entry in entries {
        match entry {
            Ok(entry) if entry.header().entry_type().is_file() => {
                let inner = format!("{name}!{}", String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./"));
                peel(&inner, Box::new(entry), None, caps, depth - 1, each, result);
            }
            Ok(_) => {}
            Err(error) => return result.damage.push((name.to_owned(), format!("tar archive: {}", damage_text(&error)))),
        }
    }
}

fn unzip_stream(name: &str, mut reader: impl Read, caps: Caps, depth: usize, each: &mut dyn FnMut(Leaf<'_>), result: &mut Unpacked) {
    loop {
        match zip::read::read_zipfile_from_stream(&mut reader) {
            Ok(None) => return,
            Ok(Some(entry)) if entry.is_file() => {
                let inner = format!("{name}!{}", entry.name());
                let packed = entry.compressed_size();
                peel(&inner, Box::new(Capped::new(entry, Some(packed), caps)), None, caps, depth - 1, each, result);
            }
            Ok(Some(_)) => {}
            Err(error) => return result.damage.push((name.to_owned(), format!("zip archive cut off or damaged: {error}"))),
        }
    }
}

/// As many of the first 512 bytes as there are.
fn head_of(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut head, mut count) = (vec![0; 512], 0);
    while let Some(room) = head.get_mut(count..).filter(|it| !it.is_empty()) {
        match reader.read(room) {
            Ok(0) => break,
            Ok(some) => count += some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What came before the damage is still read; the damage shows again behind it.
            Err(_) if count > 0 => break,
            Err(error) => return Err(error),
        }
    }
    head.truncate(count);
    Ok(head)
}

enum Wrapping {
    Gzip,
    Bzip2,
    Zstd,
    Zip,
    Tar,
    Unsupported(&'static str),
}

impl Wrapping {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..] => Some(Self::Bzip2),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'P', b'K', 3, 4, ..] => Some(Self::Zip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Unsupported("xz")),
            [b'7', b'z', 0xbc, 0xaf, ..] => Some(Self::Unsupported("7-zip")),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Unsupported("lz4")),
            _ if head.get(257..262) == Some(b"ustar") => Some(Self::Tar),
            _ => None,
        }
    }

    /// Whether one stream is in it.
    fn is_one_stream(&self) -> bool {
        matches!(self, Self::Gzip | Self::Bzip2 | Self::Zstd)
    }

    /// That stream, which must not grow beyond what is sensible.
    fn stream<'a>(&self, packed: impl Read + 'a, caps: Caps) -> io::Result<Box<dyn Read + 'a>> {
        let counted = Counted::new(packed);
        let count = std::rc::Rc::clone(&counted.count);
        let inner: Box<dyn Read + 'a> = match self {
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(BufReader::with_capacity(BUFFER, counted))),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::new(counted)?),
            _ => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, counted))),
        };
        let mut capped = Capped::new(inner, None, caps);
        capped.count = Some(count);
        Ok(Box::new(capped))
    }
}

/// Whether a text begins with a mark of its encoding.
fn has_mark(head: &[u8]) -> bool {
    matches!(head, [0xef, 0xbb, 0xbf, ..] | [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

/// Text that begins with a UTF-16 mark becomes UTF-8; a UTF-8 mark is dropped.
fn decoded<'a>(head: &[u8], reader: impl Read + 'a) -> Box<dyn Read + 'a> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => Box::new(Skip { inner: reader, left: 3 }),
        [0xff, 0xfe, ..] => Box::new(Utf16 { inner: Skip { inner: reader, left: 2 }, little: true, high: None, out: Vec::new() }),
        [0xfe, 0xff, ..] => Box::new(Utf16 { inner: Skip { inner: reader, left: 2 }, little: false, high: None, out: Vec::new() }),
        _ => Box::new(reader),
    }
}

struct Skip<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Skip<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.left > 0 {
            let mut drop = [0; 3];
            let count = self.inner.read(drop.get_mut(..self.left).unwrap_or_default())?;
            if count == 0 {
                return Ok(0);
            }
            self.left -= count;
        }
        self.inner.read(buf)
    }
}

/// UTF-16 as UTF-8; what is no character becomes U+FFFD.
struct Utf16<R> {
    inner: R,
    little: bool,
    high: Option<u16>,
    out: Vec<u8>,
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.out.is_empty() {
            let mut units = Vec::with_capacity(4096);
            (&mut self.inner).take(8192).read_to_end(&mut units)?;
            let unit = |pair: &[u8]| {
                let pair = [pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)];
                if self.little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) }
            };
            let mut all: Vec<u16> = self.high.take().into_iter().collect();
            all.extend(units.chunks(2).map(unit));
            if all.len() > 1 && all.last().is_some_and(|it| (0xd800..0xdc00).contains(it)) {
                self.high = all.pop();
            }
            self.out = char::decode_utf16(all).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>().into_bytes();
        }
        let count = self.out.len().min(buf.len());
        let (ready, rest) = self.out.split_at(count);
        buf.get_mut(..count).unwrap_or_default().copy_from_slice(ready);
        self.out = rest.to_vec();
        Ok(count)
    }
}

/// Counts packed bytes, for the expansion cap.
struct Counted<R> {
    inner: R,
    count: std::rc::Rc<std::cell::Cell<u64>>,
}

impl<R> Counted<R> {
    fn new(inner: R) -> Self {
        Self { inner, count: std::rc::Rc::default() }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// Ends with an error when far more bytes come out than went in.
struct Capped<R> {
    inner: R,
    packed: Option<u64>,
    count: Option<std::rc::Rc<std::cell::Cell<u64>>>,
    out: u64,
    expansion: u64,
}

impl<R> Capped<R> {
    fn new(inner: R, packed: Option<u64>, caps: Caps) -> Self {
        Self { inner, packed, count: None, out: 0, expansion: caps.expansion }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buf)?;
        self.out += count as u64;
        let packed = self.count.as_ref().map(|it| it.get()).or(self.packed).unwrap_or(u64::MAX).max(1);
        if self.out > Caps::FREE_BYTES && self.out / packed > self.expansion {
            return Err(io::Error::other(format!("expands more than {} times: cut off", self.expansion)));
        }
        Ok(count)
    }
}

/// What a read error means to the person who made the dump.
pub(crate) fn damage_text(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "cut off: the compressed data ends too early".to_owned(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => format!("damaged: {error}"),
        io::ErrorKind::PermissionDenied => "permission denied by the file system".to_owned(),
        _ => error.to_string(),
    }
}

//! Unpacking on a core of its own, beside whoever reads what comes out.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
};

/// How much is handed over at once, and how often before the reader must catch up.
const PIECE: usize = 256 << 10;
const PIECES: usize = 32;

/// Calls `read` with what `unpack` gives, which happens beside it.
pub(super) fn unpacked<'a>(unpack: impl FnOnce() -> io::Result<Box<dyn Read + 'a>> + Send, read: impl FnOnce(Pieces)) {
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(PIECES);
        scope.spawn(move || match unpack() {
            Ok(reader) => send(reader, &sender),
            // Who no longer listens has heard enough.
            Err(error) => drop(sender.send(Err(error))),
        });
        read(Pieces { receiver, piece: Vec::new(), at: 0 });
    });
}

fn send(mut reader: Box<dyn Read + '_>, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut piece = Vec::with_capacity(PIECE);
        let read = reader.by_ref().take(PIECE as u64).read_to_end(&mut piece);
        // What came before the damage is still read.
        let is_last = piece.len() < PIECE;
        if (!piece.is_empty() && sender.send(Ok(piece)).is_err()) || read.is_err_and(|it| sender.send(Err(it)).is_ok()) || is_last {
            return;
        }
    }
}

/// What was unpacked, in order.
pub(super) struct Pieces {
    receiver: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            match self.receiver.recv() {
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
                Err(_) => return Ok(0),
            }
        }
        let rest = self.piece.get(self.at..).unwrap_or_default();
        let count = rest.len().min(buf.len());
        buf.get_mut(..count).unwrap_or_default().copy_from_slice(rest.get(..count).unwrap_or_default());
        self.at += count;
        Ok(count)
    }
}

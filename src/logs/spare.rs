//! Room that was used before: memory that is new costs more to get than to fill.

use std::sync::Mutex;

/// What is left with room in it, for who comes next.
pub(super) struct Spare<T>(Mutex<Vec<T>>);

/// How many are kept of a kind.
const MOST: usize = 32;

impl<T: Default> Spare<T> {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// One that was left, or a new one.
    pub(super) fn find(&self) -> T {
        self.0.lock().ok().and_then(|mut it| it.pop()).unwrap_or_default()
    }

    /// Leaves one that is empty.
    pub(super) fn leave(&self, empty: T) {
        if let Ok(mut left) = self.0.lock()
            && left.len() < MOST
        {
            left.push(empty);
        }
    }
}

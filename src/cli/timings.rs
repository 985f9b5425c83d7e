//! How long each stage took, for who asks with `--timings`.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

/// The stages so far.
#[derive(Debug, Default)]
pub(super) struct Timings(Vec<(&'static str, Duration)>);

impl Timings {
    /// Does the work of a stage.
    pub(super) fn stage<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.0.push((name, began.elapsed()));
        done
    }

    /// One line: `reading 1.204 s, detectors 0.031 s`.
    pub(super) fn line(&self) -> String {
        let mut line = String::from("timings:");
        for (at, (name, took)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            write!(line, "{comma} {name} {:.3} s", took.as_secs_f64()).unwrap_or_default();
        }
        line
    }
}

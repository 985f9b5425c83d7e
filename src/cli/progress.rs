//! Progress of long reads on standard error: bytes, rate, time left.

use super::When;
use casefile::case::Meter;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal as _,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Runs `work` and shows how far it is.
pub(super) fn shown<T: Send>(when: When, meter: &Meter, total: u64, work: impl FnOnce() -> T + Send) -> T {
    let show = match when {
        When::Always => true,
        When::Never => false,
        When::Auto => std::io::stderr().is_terminal(),
    };
    if !show {
        return work();
    }
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
    let template = "{bytes:>10} of {total_bytes} {wide_bar} {bytes_per_sec} eta {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    let done = AtomicBool::new(false);
    let lines = when == When::Always && !std::io::stderr().is_terminal();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut ticks = 0_u32;
            while !done.load(Ordering::Relaxed) {
                bar.set_position(meter.bytes());
                ticks += 1;
                // Where nobody redraws, one line every ten seconds.
                if lines && ticks.is_multiple_of(100) {
                    eprintln!("casefile: {} of {total} bytes read", meter.bytes());
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        bar.finish_and_clear();
        if lines {
            eprintln!("casefile: {} of {total} bytes read", meter.bytes());
        }
        result
    })
}

//! Progress on standard error: of long reads in bytes, of collections in calls and rows.

use super::When;
use casefile::{
    case::Meter,
    collect,
    units::{spoken_bytes, spoken_seconds},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal as _,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
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

/// Runs a collection and shows what it has cost and brought so far.
pub(super) fn counted<T: Send>(when: When, progress: &collect::Progress, work: impl FnOnce() -> T + Send) -> T {
    let terminal = std::io::stderr().is_terminal();
    if when == When::Never || (when == When::Auto && !terminal) {
        return work();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut ticks = 0_u32;
            while !done.load(Ordering::Relaxed) {
                bar.set_message(counters(progress));
                ticks += 1;
                // Where nobody redraws, one line every ten seconds.
                if !terminal && ticks.is_multiple_of(100) {
                    eprintln!("casefile: {}", counters(progress));
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        bar.finish_and_clear();
        eprintln!("casefile: {}", counters(progress));
        result
    })
}

fn counters(progress: &collect::Progress) -> String {
    let now = |it: &AtomicU64| it.load(Ordering::Relaxed);
    format!(
        "{} of {} parts, {} calls, {} throttled, waited {}, {} rows, {}, {} scanned",
        now(&progress.done),
        now(&progress.units),
        now(&progress.calls),
        now(&progress.throttles),
        spoken_seconds(Duration::from_millis(now(&progress.waited_millis)).as_secs_f64()),
        now(&progress.rows),
        spoken_bytes(now(&progress.bytes)),
        spoken_bytes(now(&progress.scanned_bytes)),
    )
}

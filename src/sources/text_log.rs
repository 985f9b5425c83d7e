//! Logs as text: Airflow's own files, S3 exports, `aws logs tail`, and any other text in which errors may stand.

use super::{Head, Input, Source};
use crate::{
    logs::{self, Framing, Log, LogReader, Seen, facts::Facts},
    records::lines::Lines,
    units::Moment,
};
use std::sync::Arc;

pub(super) static S3_EXPORT: Source = Source {
    id: "s3-export",
    title: "CloudWatch Logs exported to S3 (a time before each event)",
    claims: is_s3_export,
    read: read_stamped,
};
pub(super) static LOGS_TAIL: Source = Source { id: "logs-tail", title: "Output of aws logs tail", claims: is_tail, read: read_tail };
pub(super) static AIRFLOW_LOG: Source =
    Source { id: "airflow-log", title: "Airflow scheduler, worker, DAG processor and task logs", claims: is_airflow, read: read_plain };
pub(super) static TEXT_LOG: Source =
    Source { id: "text-log", title: "Any other text: AWS errors are found wherever they stand", claims: is_text, read: read_plain };

/// Lines that are looked at to tell the layouts apart.
const LOOKED_AT: usize = 40;

fn first_line_is(head: &Head<'_>, test: fn(&str) -> bool) -> bool {
    head.lines().find(|it| !it.trim().is_empty()).is_some_and(test)
}

fn is_s3_export(head: &Head<'_>) -> bool {
    first_line_is(head, |it| logs::exported(it).is_some())
}

fn is_tail(head: &Head<'_>) -> bool {
    first_line_is(head, |it| tail_stamp(it).is_some())
}

fn is_airflow(head: &Head<'_>) -> bool {
    let is_head = |line: &str| {
        let line = crate::text::without_escapes(line);
        let line = line.trim_start();
        let stamp = line.strip_prefix('[').and_then(|it| Some((Moment::read(it.as_bytes())?.1, it)));
        let after = stamp.and_then(|(used, it)| it.get(used..));
        let structlog = || {
            Moment::read(line.as_bytes())
                .and_then(|(_, used)| line.get(used..))
                .is_some_and(|it| it.trim_start().starts_with("[info ") || it.trim_start().starts_with("[warning "))
        };
        after.is_some_and(|it| it.starts_with("] {") || it.starts_with("]{") || it.starts_with(": ")) || structlog()
    };
    head.lines().take(LOOKED_AT).any(is_head)
}

fn is_text(head: &Head<'_>) -> bool {
    !head.is_binary()
}

/// `2026-11-20T08:42:59.791000+00:00 stream message`.
fn tail_stamp(line: &str) -> Option<(Moment, &str, &str)> {
    let (time, rest) = line.split_at_checked(32)?;
    if !time.ends_with("+00:00") || time.as_bytes().get(10) != Some(&b'T') {
        return None;
    }
    let (stream, message) = rest.strip_prefix(' ')?.split_once(' ').unwrap_or((rest.trim_start(), ""));
    Some((Moment::parse(time)?.moment, stream, message))
}

fn read_plain(input: &mut Input<'_, '_>) {
    read_blocks(input, Framing::Bare);
}

fn read_stamped(input: &mut Input<'_, '_>) {
    read_blocks(input, Framing::Exported);
}

/// Reads a large log on disk with all cores.
fn read_at_once(input: &mut Input<'_, '_>, framing: Framing) -> Option<Seen> {
    let (file, meter, mut facts) = (input.feed.on_disk()?, input.feed.meter()?, Facts::default());
    let read_at = |offset: u64, buffer: &mut [u8]| {
        meter.add(buffer.len() as u64);
        file.read_at(offset, buffer)
    };
    let log = Log::new(&input.name, input.zone, framing, file.bytes, input.caps.record_bytes, &read_at);
    let seen = log.read(&mut facts)?;
    input.out.facts = facts;
    Some(seen)
}

/// How much of a log is looked at in one go, and behind so many of these, when it is known to be long.
const BLOCK: usize = 512 << 10;
const WIDE: usize = 8 << 20;
const SHORT: usize = 4;

fn read_blocks(input: &mut Input<'_, '_>, framing: Framing) {
    if let Some(seen) = read_at_once(input, framing) {
        input.out.saw(seen.saw);
        input.out.parsed += seen.lines;
        return input.feed.finish();
    }
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut input.out.facts);
    let mut lines = Lines::new(input.feed, input.caps.record_bytes);
    let (mut number, mut blocks, mut by_all) = (0, 0, true);
    loop {
        blocks += 1;
        let (block, is_last) = lines.ahead(if by_all && blocks > SHORT { WIDE } else { BLOCK });
        let cap = input.caps.record_bytes;
        let read = if by_all && blocks > SHORT && !is_last { reader.block_by_all(framing, block, &mut number, cap) } else { None };
        by_all &= read.is_some() || blocks <= SHORT;
        let used = read.unwrap_or_else(|| reader.block(framing, block, &mut number, cap, is_last));
        lines.take(used);
        if used > 0 {
            continue;
        }
        // A line that is longer than a block, or than the cap, or none.
        let Some(line) = lines.next_line() else { break };
        number += 1;
        reader.framed_line(framing, line.bytes, number);
        input.out.cut += u64::from(line.cut);
    }
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.parsed += number;
}

fn read_tail(input: &mut Input<'_, '_>) {
    let mut last: Option<(Moment, String)> = None;
    each_line(input, |reader, text, number| match tail_stamp(text) {
        Some((at, stream, message)) => {
            reader.line(stream, message, Some(at), number);
            last = Some((at, stream.to_owned()));
        }
        None if text.is_empty() => {}
        None => {
            let (at, stream) = last.clone().map_or((None, String::new()), |(at, stream)| (Some(at), stream));
            reader.inner_line(&stream, text, at, number);
        }
    });
}

fn each_line(input: &mut Input<'_, '_>, mut each: impl FnMut(&mut LogReader<'_>, &str, u64)) {
    let mut reader = LogReader::new(Arc::clone(&input.name), input.zone.clone(), &mut input.out.facts);
    let mut lines = Lines::new(input.feed, input.caps.record_bytes);
    let mut number = 0;
    while let Some(line) = lines.next_line() {
        number += 1;
        // Bytes that are no UTF-8, and the NULs of a preallocated file, are shown as such and lose nothing around them.
        let text = String::from_utf8_lossy(line.bytes);
        each(&mut reader, text.trim_start_matches('\0'), number);
        if line.cut {
            input.out.cut += 1;
        }
    }
    let saw = reader.finish();
    input.out.saw(saw);
    input.out.parsed += number;
}

//! Cutting a part whose answer cannot be whole: by time, and within a second by log streams.

use super::{COLLECTOR, EXPECTED_ROWS, End, FORMER_MOST_ROWS, Part};
use crate::{
    case::{Window, manifest::Unit},
    collect::{
        Outcome,
        calls::Failure,
        groups::{self, FILTER_LOG_EVENTS, STREAMS},
        packing,
        queries::{self, COUNTS},
        store,
    },
    units::{Moment, SECOND},
};
use aws_sdk_cloudwatchlogs::types::ResultField;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The most parts of one cut, where it is made blindly.
const MOST_PARTS: u64 = 1_000;

/// The most characters of stream names in one query; a query may have 10,000 in all.
const NAMES_CHARS: usize = 7_000;

/// The most streams that `FilterLogEvents` takes.
const MOST_NAMES: usize = 100;

/// Where more spells than these hold messages that were cut, the whole window is read event by event.
const MOST_SPELLS: usize = 50;

/// What reads event by event.
const RAW: &str = "logs_raw";

impl Part<'_> {
    /// Cuts a part whose answer cannot be whole: by counting what it holds, and where that does not help into equal lengths.
    /// `matched` is how many events are known to be in it; none where it was not asked for them yet.
    pub(super) async fn cut(&self, mut unit: Unit, matched: u64) -> Result<Outcome, Failure> {
        if self.window.seconds() == 1 {
            return self.by_streams(unit).await.map(Outcome::Split);
        }
        unit.detail = Value::Null;
        let parts = match self.counted(&mut unit).await {
            Ok(parts) if parts.len() > 1 => parts,
            Ok(parts) if matched == 0 && parts.iter().all(|it| it.1 <= self.fitting()) => parts,
            Err(failure @ (Failure::Disk(_) | Failure::Interrupted | Failure::TooDear(_))) => return Err(failure),
            // One that cannot count still cuts.
            Ok(_) | Err(_) => {
                let count = matched.div_ceil(self.fitting()).clamp(2, MOST_PARTS);
                self.window.parts(count).into_iter().map(|it| (it, 0)).collect()
            }
        };
        Ok(Outcome::Split(split(&unit, &parts, self.fitting())))
    }

    /// How many events a part may hold so that its answer stays below the limit, also when a few more arrive.
    fn fitting(&self) -> u64 {
        self.most_rows() - self.most_rows() / 100
    }

    /// The parts of the window by what it holds.
    async fn counted(&self, unit: &mut Unit) -> Result<Vec<(Window, u64)>, Failure> {
        let (span, written) = packing::span(self.window, u64::from(FORMER_MOST_ROWS));
        let text = counting(&unit.call, COUNTS).replace("bin(60s)", &format!("bin({written})"));
        let (_, End::Complete(answer)) = self.answered(unit, &text, None).await? else { return Ok(Vec::new()) };
        unit.scanned_bytes += self.scanned(&answer.output);
        let counts = answer.output.results().iter().filter_map(|it| count(it)).collect();
        Ok(packing::packed(self.window, span, &counts, self.fitting()))
    }

    /// The parts of a single second, by its streams; those of streams that hold too much, or cannot be told, are read event by event.
    async fn by_streams(&self, mut unit: Unit) -> Result<Vec<(String, Unit)>, Failure> {
        let sets: Vec<(Vec<String>, u64)> = match groups::named(&unit.detail, STREAMS) {
            // More arrived meanwhile than was counted.
            Some(names) if names.len() > 1 => names.chunks(names.len().div_ceil(2)).map(|it| (it.to_vec(), 0)).collect(),
            Some(names) => vec![(names, u64::MAX)],
            None => match self.counted_by_stream(&mut unit).await {
                Ok(counts) => packed(counts, self.fitting()),
                Err(failure @ (Failure::Disk(_) | Failure::Interrupted | Failure::TooDear(_))) => return Err(failure),
                Err(_) => Vec::new(),
            },
        };
        let second = self.window.file_name();
        if sets.is_empty() {
            return Ok(vec![event_by_event(&unit, self.window, &second, &Value::Null)]);
        }
        let of = |(names, events): (Vec<String>, u64)| {
            let id = format!("{second}-{}", names.first().map_or("", String::as_str));
            let detail = json!({ STREAMS: names });
            if events > self.fitting() {
                return event_by_event(&unit, self.window, &id, &detail);
            }
            (store::id_of(COLLECTOR.name, &unit.subject, &id), Unit { detail, expected_scan_bytes: None, ..unit.clone() })
        };
        Ok(borne_by_first(sets.into_iter().map(of).collect()))
    }

    /// How many events each stream holds in the window; none where not all of them could be told.
    async fn counted_by_stream(&self, unit: &mut Unit) -> Result<Vec<(String, u64)>, Failure> {
        let text = counting(&unit.call, queries::STREAMS);
        let (_, End::Complete(answer)) = self.answered(unit, &text, None).await? else { return Ok(Vec::new()) };
        unit.scanned_bytes += self.scanned(&answer.output);
        let rows = answer.output.results();
        let counts: Vec<(String, u64)> = rows.iter().filter_map(|it| count_of_stream(it)).collect();
        let is_whole = counts.len() == rows.len() && (rows.len() as u64) < self.most_rows();
        Ok(if is_whole { counts } else { Vec::new() })
    }
}

/// A part that is read event by event.
fn event_by_event(unit: &Unit, window: Window, id: &str, detail: &Value) -> (String, Unit) {
    let mut raw = Unit::new(RAW, FILTER_LOG_EVENTS.name, &unit.subject, Some(window));
    raw.notes.clone_from(&unit.notes);
    raw.detail = detail.clone();
    raw.scanned_bytes = unit.scanned_bytes;
    (store::id_of(RAW, &unit.subject, id), raw)
}

/// What was spent on the whole is borne by its first part.
fn borne_by_first(mut parts: Vec<(String, Unit)>) -> Vec<(String, Unit)> {
    parts.iter_mut().skip(1).for_each(|it| it.1.scanned_bytes = 0);
    parts
}

/// The parts of a window some of whose seconds hold messages that were cut: those are read event by event, and the rest is asked for again.
pub(super) fn around(unit: &Unit, window: Window, seconds: &BTreeSet<i64>, note: &str) -> Vec<(String, Unit)> {
    let mut spells: Vec<Window> = Vec::new();
    for second in seconds.iter().filter(|it| (window.first()..=window.last()).contains(it)) {
        match spells.last_mut() {
            Some(spell) if spell.last() + 1 == *second => *spell = Window::new(spell.first(), *second).unwrap_or(*spell),
            _ => spells.extend(Window::new(*second, *second)),
        }
    }
    if spells.len() > MOST_SPELLS {
        spells = vec![window];
    }
    let (mut parts, mut first) = (Vec::new(), window.first());
    let streams = groups::named(&unit.detail, STREAMS);
    let sets: Vec<Option<&[String]>> = streams.as_ref().map_or(vec![None], |it| it.chunks(MOST_NAMES).map(Some).collect());
    let raw = |spell: Window, names: Option<&[String]>| {
        let (id, detail) = match names {
            Some(names) => (format!("{}-{}", spell.file_name(), names.first().map_or("", String::as_str)), json!({ STREAMS: names })),
            None => (spell.file_name(), Value::Null),
        };
        let (id, mut raw) = event_by_event(unit, spell, &id, &detail);
        raw.notes.push(note.to_owned());
        (id, raw)
    };
    let calm = |calm: Window| (part_id(unit, calm), Unit { window: Some(calm), expected_scan_bytes: None, ..unit.clone() });
    for spell in spells {
        parts.extend(Window::new(first, spell.first() - 1).map(calm));
        parts.extend(sets.iter().map(|it| raw(spell, *it)));
        first = spell.last() + 1;
    }
    parts.extend(Window::new(first, window.last()).map(calm));
    borne_by_first(parts)
}

fn part_id(unit: &Unit, window: Window) -> String {
    store::id_of(COLLECTOR.name, &unit.subject, &window.file_name())
}

/// A query that asks for some streams only.
pub(super) fn of_streams(text: &str, streams: Option<&[String]>) -> String {
    let Some(streams) = streams else { return text.to_owned() };
    let names: Vec<String> = streams.iter().map(|it| quoted(it)).collect();
    text.replacen("\n| sort ", &format!("\n| filter @logStream in [{}]\n| sort ", names.join(", ")), 1)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Streams put together so that each set fits into one answer and one query; one that is too large for any stands alone.
fn packed(counts: Vec<(String, u64)>, most: u64) -> Vec<(Vec<String>, u64)> {
    let (mut sets, mut chars): (Vec<(Vec<String>, u64)>, usize) = (Vec::new(), 0);
    let mut counts = counts;
    counts.sort();
    for (name, events) in counts {
        let length = quoted(&name).chars().count() + 2;
        match sets.last_mut() {
            Some((names, held)) if held.saturating_add(events) <= most && chars + length <= NAMES_CHARS => {
                names.push(name);
                *held += events;
                chars += length;
            }
            _ => {
                sets.push((vec![name], events));
                chars = length;
            }
        }
    }
    sets
}

/// The query that counts what another one would bring.
fn counting(call: &str, by: &str) -> String {
    let text = queries::query(call).unwrap_or_default();
    let mut commands: Vec<&str> = text.lines().filter_map(|it| it.strip_prefix("| ")).filter(|it| it.starts_with("filter ")).collect();
    let counts = queries::query(by).unwrap_or_default();
    let (comments, stats): (Vec<&str>, Vec<&str>) = counts.lines().partition(|it| it.starts_with('#'));
    commands.extend(stats);
    format!("{}\n{}", comments.join("\n"), commands.join("\n| "))
}

/// One row of counts: the first second of its span, and its events.
fn count(row: &[ResultField]) -> Option<(i64, u64)> {
    let at = Moment::parse(value(row, |it| it.starts_with("bin("))?)?.moment;
    Some((at.0.div_euclid(SECOND), events(row)?))
}

/// One row of counts: the stream, and its events.
fn count_of_stream(row: &[ResultField]) -> Option<(String, u64)> {
    Some((value(row, |it| it == "@logStream")?.to_owned(), events(row)?))
}

fn events(row: &[ResultField]) -> Option<u64> {
    Some(super::whole(value(row, |it| it == "events")?.parse().ok()?))
}

fn value(row: &[ResultField], matches: fn(&str) -> bool) -> Option<&str> {
    row.iter().find(|it| it.field().is_some_and(matches))?.value()
}

/// The units of the parts of one; what was spent so far is borne by the first.
fn split(unit: &Unit, parts: &[(Window, u64)], fitting: u64) -> Vec<(String, Unit)> {
    let total: u128 = parts.iter().map(|it| u128::from(it.1)).sum();
    let of = |(window, events): &(Window, u64)| {
        let mut part = Unit { window: Some(*window), ..unit.clone() };
        let share = |bytes: u64| match total {
            0 => bytes / parts.len() as u64,
            _ => u64::try_from(u128::from(bytes) * u128::from(*events) / total).unwrap_or(bytes),
        };
        part.expected_scan_bytes = unit.expected_scan_bytes.map(share);
        if *events > fitting {
            part.detail = json!({ EXPECTED_ROWS: events });
        }
        (part_id(unit, *window), part)
    };
    borne_by_first(parts.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::queries::{ERRORS, EVENTS};

    fn window(first: i64, last: i64) -> Window {
        Window::new(first, last).unwrap()
    }

    #[test]
    fn what_a_cut_costs_is_not_lost_and_bursts_are_marked() {
        let mut unit = Unit::new(COLLECTOR.name, EVENTS, "g", Window::new(0, 99));
        (unit.scanned_bytes, unit.expected_scan_bytes) = (1_000, Some(800));
        let parts = split(&unit, &[(window(0, 49), 10), (window(50, 50), 60), (window(51, 99), 10)], 20);
        assert_eq!(parts.iter().map(|it| it.1.scanned_bytes).collect::<Vec<_>>(), [1_000, 0, 0]);
        assert_eq!(parts.iter().filter_map(|it| it.1.expected_scan_bytes).collect::<Vec<_>>(), [100, 600, 100]);
        assert_eq!(parts.iter().map(|it| it.1.detail.get(EXPECTED_ROWS).is_some()).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn what_is_counted_is_what_would_be_brought() {
        let text = counting(ERRORS, COUNTS);
        assert!(text.contains("\nfilter @message like /(?i)") && text.ends_with("\n| stats count(*) as events by bin(60s)"), "{text}");
        assert!(counting(EVENTS, queries::STREAMS).ends_with("\nstats count(*) as events by @logStream"));
        let names = ["a/b".to_owned(), "c\"d\\".to_owned()];
        let text = of_streams(queries::query(ERRORS).unwrap(), Some(&names));
        assert!(text.contains("\n| filter @logStream in [\"a/b\", \"c\\\"d\\\\\"]\n| sort @timestamp asc"), "{text}");
    }

    #[test]
    fn streams_are_put_together_as_far_as_they_fit() {
        let counts = [("b", 40), ("a", 50), ("c", 20), ("e", 500), ("d", 70)].map(|it| (it.0.to_owned(), it.1));
        let sets: Vec<(String, u64)> = packed(counts.to_vec(), 100).into_iter().map(|it| (it.0.join(" "), it.1)).collect();
        assert_eq!(sets, [("a b", 90), ("c d", 90), ("e", 500)].map(|it| (it.0.to_owned(), it.1)));
        let long: Vec<(String, u64)> = (0..40).map(|it| (format!("{it:0500}"), 1)).collect();
        let sets = packed(long, 100);
        assert_eq!(sets.iter().map(|it| it.0.len()).sum::<usize>(), 40);
        assert!(sets.iter().all(|it| of_streams("\n| sort x", Some(&it.0)).chars().count() < 8_000));
    }

    #[test]
    fn seconds_with_cut_messages_are_taken_out_of_their_window() {
        let mut unit = Unit::new(COLLECTOR.name, EVENTS, "g", Window::new(0, 99));
        unit.scanned_bytes = 7;
        let shown = |seconds: &[i64]| {
            let parts = around(&unit, window(0, 99), &seconds.iter().copied().collect(), "cut");
            assert_eq!(parts.iter().map(|it| it.1.scanned_bytes).sum::<u64>(), 7);
            let span = |it: &Unit| (it.collector == RAW, it.window.unwrap().first(), it.window.unwrap().last());
            parts.iter().map(|it| span(&it.1)).collect::<Vec<_>>()
        };
        assert_eq!(shown(&[3, 4, 9]), [(false, 0, 2), (true, 3, 4), (false, 5, 8), (true, 9, 9), (false, 10, 99)]);
        assert_eq!(shown(&[0, 99]), [(true, 0, 0), (false, 1, 98), (true, 99, 99)]);
        let mut names: Vec<String> = (0..250).map(|it| format!("s{it:03}")).collect();
        let of_streams = Unit { detail: json!({ STREAMS: names }), ..unit.clone() };
        let parts = around(&of_streams, window(7, 7), &[7].into(), "cut");
        let told: Vec<Vec<String>> = parts.iter().map(|it| groups::named(&it.1.detail, STREAMS).unwrap()).collect();
        assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
        names.retain(|it| !told.concat().contains(it));
        assert!(names.is_empty());
        assert_eq!(shown(&(0..100).step_by(2).chain([99]).collect::<Vec<_>>()).len(), 100 - 1);
        assert_eq!(shown(&(0..100).step_by(2).chain([97]).collect::<Vec<_>>()).len(), 1 + 2 * 48 + 1);
    }
}

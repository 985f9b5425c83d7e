//! The prefix of a log line: when, how grave, who speaks, and what is left to say.

use crate::units::{Moment, Stamp};

/// How grave a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Diagnostics.
    Debug,
    /// News.
    Info,
    /// Trouble that was survived.
    Warning,
    /// Trouble.
    Error,
}

impl Level {
    /// Reads the level that a logging library writes.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "DEBUG" | "debug" | "TRACE" | "trace" | "FINE" => Self::Debug,
            "INFO" | "info" | "NOTICE" | "notice" => Self::Info,
            "WARNING" | "warning" | "WARN" | "warn" => Self::Warning,
            "ERROR" | "error" | "CRITICAL" | "critical" | "FATAL" | "fatal" | "SEVERE" => Self::Error,
            _ => return None,
        })
    }

    /// Its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What stands before a byte, and what behind it: as `split_once` of a character, in the speed that millions of lines need.
pub(super) fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = memchr::memchr(byte, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before the message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head<'a> {
    /// When, if the line says so.
    pub stamp: Option<Stamp>,
    /// How grave, if the line says so.
    pub level: Option<Level>,
    /// The source file or logger, "" when unnamed.
    pub origin: &'a str,
    /// The Celery process, "" when unnamed.
    pub process: &'a str,
    /// The message.
    pub body: &'a str,
}

/// Reads the head of a line; `None` when the line continues the one before.
pub(super) fn head(line: &str) -> Option<Head<'_>> {
    let text = line.trim_start();
    let indented = text.len() < line.len();
    let found = match text.as_bytes().first()? {
        b'[' => bracketed(text),
        b'{' => placed(text),
        b'a'..=b'z' | b'_' if !indented => filed(text),
        b'0'..=b'9' if !indented => stamped(text),
        b'A'..=b'Z' if !indented => named(text).or_else(|| month_first(text)),
        _ => None,
    }?;
    // An indented line is a record of its own only with the full prefix, as in a pasted document.
    (!indented || !found.origin.is_empty()).then_some(found)
}

/// The full head of an Airflow record further into a line, behind what a container, a terminal or a table put before it,
/// and what that was.
pub(super) fn inner_head(line: &str) -> Option<(&str, Head<'_>)> {
    let close = line.get(..line.len().min(HEAD_WITHIN)).unwrap_or(line).find("] {")?;
    let open = line.get(..close)?.rfind('[')?;
    let found = head(line.get(open..)?)?;
    (found.stamp.is_some() && !found.origin.is_empty() && found.level.is_some()).then_some((line.get(..open)?, found))
}

/// How far into a line a head is looked for.
const HEAD_WITHIN: usize = 240;

/// `{file:line} LEVEL - message`, where the time was left out.
fn placed(text: &str) -> Option<Head<'_>> {
    let (place, after) = text.trim_start_matches('{').split_once('}')?;
    let (file, line) = place.split_once(':')?;
    let (level, body) = split_level(after.trim_start_matches('}').trim_start());
    let is_place = file.strip_suffix(".py").is_some() && line.bytes().all(|it| it.is_ascii_digit());
    (is_place && level.is_some()).then_some(Head { stamp: None, level, origin: file, process: "", body })
}

/// `file.py:85 ERROR - message`.
fn filed(text: &str) -> Option<Head<'_>> {
    let (place, rest) = text.split_once(' ')?;
    let (file, line) = place.trim_end_matches('}').split_once(".py:")?;
    let (level, body) = split_level(rest);
    let is_place = !line.is_empty() && line.bytes().all(|it| it.is_ascii_digit());
    (is_place && level.is_some()).then_some(Head { stamp: None, level, origin: file, process: "", body })
}

/// `[stamp] {file:line} LEVEL - message`, `[stamp: LEVEL/process] message`, `[LEVEL] message`.
fn bracketed(text: &str) -> Option<Head<'_>> {
    let inside = text.get(1..)?;
    let Some((stamp, used)) = Moment::read(inside.as_bytes()) else { return level_in_brackets(text) };
    let rest = inside.get(used..)?;
    if let Some(celery) = rest.strip_prefix(": ") {
        let (level, after) = celery.split_once('/')?;
        let (process, body) = after.split_once(']')?;
        return Some(Head { stamp: Some(stamp), level: Level::named(level), origin: "", process, body: body.trim_start() });
    }
    let rest = rest.split_once(']')?.1.trim_start();
    if let Some(found) = all_bracketed(rest) {
        return Some(Head { stamp: Some(stamp), ..found });
    }
    let rest = rest.strip_prefix("[SOURCE:DAG_PROCESSOR]").map_or(rest, str::trim_start);
    if let Some(braced) = rest.strip_prefix('{') {
        let (place, after) = braced.split_once('}')?;
        let after = after.trim_start_matches('}').trim_start();
        let file = place.trim_start_matches('{').split(':').next()?;
        let (level, body) = split_level(after);
        return Some(Head { stamp: Some(stamp), level, origin: file, process: "", body });
    }
    Some(with_level(Some(stamp), rest))
}

/// `[PID:7][ERROR][logger] message`.
fn all_bracketed(rest: &str) -> Option<Head<'_>> {
    let (_, after) = rest.strip_prefix("[PID:")?.split_once(']')?;
    let (level, after) = after.strip_prefix('[')?.split_once(']')?;
    let (logger, body) = after.strip_prefix('[')?.split_once(']')?;
    Some(Head { stamp: None, level: Level::named(level), origin: logger, process: "", body: body.trim_start() })
}

/// `[info     ] message [logger] key=value`, `[ERROR] message`.
fn level_in_brackets(text: &str) -> Option<Head<'_>> {
    let (word, rest) = text.strip_prefix('[')?.split_once(']')?;
    let level = Level::named(word.trim())?;
    let mut rest = rest.trim_start();
    // Lambda writes the time and the request id behind the level.
    let mut stamp = None;
    if let Some((at, used)) = Moment::read(rest.as_bytes()) {
        stamp = Some(at);
        rest = rest.get(used..).unwrap_or_default().trim_start();
    }
    let structlog = word.ends_with(' ') || word.chars().all(char::is_lowercase);
    let body = rest.strip_prefix("- ").unwrap_or(rest);
    Some(Head { stamp, level: Some(level), origin: if structlog { structlog_logger(rest) } else { "" }, process: "", body })
}

/// The logger that structlog prints in brackets behind a padded message, before its `key=value` pairs.
fn structlog_logger(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let bracket = |(at, _): (usize, &str)| {
        let (name, after) = line.get(at + 2..)?.split_once(']')?;
        let is_path = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_'));
        let rest = after.trim_start();
        (is_path && (rest.is_empty() || (after.starts_with(' ') && rest.split(' ').next()?.contains('=')))).then_some(name)
    };
    line.match_indices(" [").find_map(bracket).unwrap_or("")
}

/// `stamp LEVEL message` in the many orders that loggers use.
fn stamped(text: &str) -> Option<Head<'_>> {
    let (stamp, used) = Moment::read(text.as_bytes())?;
    let rest = text.get(used..)?;
    if !rest.is_empty() && !rest.starts_with([' ', '\t', ',', ':', '|', '-']) {
        return None;
    }
    let rest = rest.trim_start_matches([' ', '\t', ',', '|']);
    // A container runtime puts its own time, stream and a flag before each line.
    let rest = ["stdout F ", "stderr F "].iter().find_map(|it| rest.strip_prefix(it)).unwrap_or(rest);
    if let Some(inner) = head(rest).filter(|it| it.stamp.is_some() && it.level.is_some()) {
        return Some(inner);
    }
    if rest.starts_with('[')
        && let Some(mut head) = level_in_brackets(rest)
    {
        head.stamp = Some(stamp);
        return Some(head);
    }
    Some(with_level(Some(stamp), rest))
}

/// `LEVEL - message`, `LEVEL:logger:message`, `LEVEL message`.
fn named(text: &str) -> Option<Head<'_>> {
    let end = text.find([' ', ':'])?;
    let level = Level::named(text.get(..end)?)?;
    let rest = text.get(end..)?;
    let body = match (rest.strip_prefix(" - "), rest.strip_prefix(':')) {
        (Some(body), _) => body,
        (None, Some(after)) if !after.starts_with(' ') => after.split_once(':')?.1,
        (None, Some(after)) => after.trim_start(),
        (None, None) => rest.trim_start(),
    };
    Some(Head { stamp: None, level: Some(level), origin: "", process: "", body })
}

/// Syslog: `May 12 14:32:00.128 DEBUG …`. It names no year, so it gives no moment.
fn month_first(text: &str) -> Option<Head<'_>> {
    let mut words = text.split_ascii_whitespace();
    let (month, day, time) = (words.next()?, words.next()?, words.next()?);
    let is_time = time.len() >= 8 && time.as_bytes().get(2) == Some(&b':') && time.as_bytes().get(5) == Some(&b':');
    if month.len() != 3 || day.len() > 2 || !day.bytes().all(|it| it.is_ascii_digit()) || !is_time {
        return None;
    }
    let at = text.find(time)? + time.len();
    Some(with_level(None, text.get(at..)?.trim_start()))
}

/// How many words are searched for a level.
const LEVEL_WITHIN: usize = 8;

/// Finds the level among the first words; the message begins behind it.
fn with_level(stamp: Option<Stamp>, rest: &str) -> Head<'_> {
    let mut at = 0;
    for _ in 0..LEVEL_WITHIN {
        let Some(tail) = rest.get(at..) else { break };
        let skipped = tail.len() - tail.trim_start().len();
        let word = tail.trim_start().split_ascii_whitespace().next().unwrap_or_default();
        if word.is_empty() {
            break;
        }
        let bare = word.trim_matches(['[', ']', ':', '-', '|', ',']);
        let upper = bare.bytes().all(|it| it.is_ascii_uppercase());
        if let Some(level) = Level::named(bare).filter(|_| upper || word.starts_with('[')) {
            let logger = rest.get(..at).unwrap_or_default().trim_matches([' ', '-', '[', ']', ':', '|']);
            let body = rest.get(at + skipped + word.len()..).unwrap_or_default();
            let body = body.trim_start().trim_start_matches(['-', '|']).trim_start();
            return Head { stamp, level: Some(level), origin: logger, process: "", body };
        }
        at += skipped + word.len();
    }
    Head { stamp, level: None, origin: "", process: "", body: rest }
}

fn split_level(text: &str) -> (Option<Level>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match Level::named(word) {
        Some(level) => {
            let body = rest.trim_start();
            (Some(level), body.strip_prefix("- ").or_else(|| body.strip_prefix('-')).unwrap_or(body))
        }
        None => (None, text),
    }
}

/// How lines begin that continue a traceback or a list.
const JOINTS: &[&str] = &[
    "Traceback (most recent call last)",
    "During handling of the above exception",
    "The above exception was the direct cause",
    "Caused by:",
    "at ",
    "... ",
    "<TaskInstance:",
    "Suppressed:",
    "with an explicit deny",
    "because no ",
];

/// Whether a line without a head continues a traceback or a list rather than beginning something new.
pub(super) fn continues(line: &str, in_traceback: bool) -> bool {
    let trimmed = line.trim_start();
    if trimmed.is_empty() || trimmed.len() < line.len() {
        return true;
    }
    JOINTS.iter().any(|it| trimmed.starts_with(it)) || (in_traceback && looks_like_exception(trimmed))
}

/// `botocore.exceptions.ClientError: message`, `KeyError: 'x'`.
pub(super) fn looks_like_exception(line: &str) -> bool {
    let name = line.split([':', '(']).next().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default().trim_end_matches('_');
    !last.is_empty()
        && name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'$'))
        && last.starts_with(|it: char| it.is_ascii_uppercase())
        && ["Error", "Exception", "Exit", "Interrupt", "Timeout", "Warning", "Failure", "Denied", "Forbidden", "NotFound"]
            .iter()
            .any(|it| last.ends_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> (bool, Option<Level>, &str, &str, &str) {
        head(line).map_or((false, None, "-", "-", line), |it| (it.stamp.is_some(), it.level, it.origin, it.process, it.body))
    }

    #[test]
    fn every_prefix_is_read() {
        use Level::{Debug, Error, Info, Warning};
        for (line, expected) in [
            ("[2024-05-01T10:00:00.123+0000] {taskinstance.py:1157} INFO - msg", (true, Some(Info), "taskinstance.py", "", "msg")),
            ("[2022-01-01, 12:00:00 UTC] {{base.py:79}} INFO - msg", (true, Some(Info), "base.py", "", "msg")),
            ("   [2022-01-01, 12:00:00 UTC]{{ssh.py:171}} INFO - msg", (true, Some(Info), "ssh.py", "", "msg")),
            ("[2020-11-23 11:52:04,649] {scheduler_job.py:946} INFO - 1 tasks", (true, Some(Info), "scheduler_job.py", "", "1 tasks")),
            ("[2026-11-20 08:23:28,832: INFO/MainProcess] Task x received", (true, Some(Info), "", "MainProcess", "Task x received")),
            (
                "2026-11-20 08:31:55.978325 [info     ] Task x received [celery.worker.strategy]",
                (true, Some(Info), "celery.worker.strategy", "", "Task x received [celery.worker.strategy]"),
            ),
            ("[warning  ] msg", (false, Some(Warning), "", "", "msg")),
            ("2024-04-17 13:12:03,851 INFO - Sending x", (true, Some(Info), "", "", "Sending x")),
            ("24/09/22 19:38:53 ERROR Utils: Aborting", (true, Some(Error), "", "", "Utils: Aborting")),
            (
                "2016-03-15 16:12:48,291 - Thread-3 - awscli.tasks - DEBUG - A client",
                (true, Some(Debug), "Thread-3 - awscli.tasks", "", "A client"),
            ),
            ("[2022-04-10 21:16:29,286] ERROR Error retrieving", (true, Some(Error), "", "", "Error retrieving")),
            ("ERROR - Task failed", (false, Some(Error), "", "", "Task failed")),
            ("[ERROR] ClientError: An error", (false, Some(Error), "", "", "ClientError: An error")),
            ("[ERROR]\t2024-01-01T00:00:00.000Z\tabc-def\tmsg", (true, Some(Error), "", "", "abc-def\tmsg")),
            ("May 12 14:32:00.128 DEBUG 699 com.x", (false, Some(Debug), "", "", "699 com.x")),
            ("[2026-11-20 08:23:06 +0000] [14588] [INFO] Starting", (true, Some(Info), "14588", "", "Starting")),
        ] {
            assert_eq!(read(line), expected, "{line}");
        }
    }

    #[test]
    fn what_has_no_prefix_continues() {
        for line in
            ["Traceback (most recent call last):", "\t<TaskInstance: a.b c [queued]>", "  File \"x.py\", line 1", "Error: nothing", ""]
        {
            assert_eq!(head(line), None, "{line}");
        }
        assert!(continues("botocore.exceptions.ClientError: An error", true));
        assert!(!continues("START RequestId: 1", true));
    }
}

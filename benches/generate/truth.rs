//! What was written: lines, literals, and the planted faults.

use crate::{
    faults::Source,
    text::{Escaped, Iso, put, text},
};
use std::{
    collections::BTreeMap,
    io::{self, Write},
};

/// The literals of `benches/peers/literals.txt`.
pub const LITERALS: [&str; 7] = [
    "AccessDenied",
    "not authorized to perform",
    "stuck in queued",
    "Sending TaskInstanceKey",
    "TaskInstance Finished",
    "Forbidden",
    "Was the task killed externally",
];
pub const SENDING: u8 = 1 << 3;
pub const FINISHED: u8 = 1 << 4;
/// Which literals a record holds is looked up, line by line.
pub const LOOK: u8 = 1 << 7;
pub const NONE: u8 = 0;

/// Counts of lines, or of events.
#[derive(Default)]
struct Counts {
    all: u64,
    hit: u64,
    literals: [u64; 7],
    /// Refusals that name who and what: by role and action.
    denied: BTreeMap<String, u64>,
    said: BTreeMap<&'static str, u64>,
}

/// Sentences about lost and stuck tasks, and the names that the peers count them under.
const SAID: [(&str, &str); 4] = [
    ("will_requeue", "Task stuck in queued; will try to requeue"),
    ("gave_up", "Task requeue attempts exceeded max; marking failed"),
    ("marked_stuck", "task instances stuck in queued as failed"),
    ("lost", "task instance's state attribute is queued"),
];

impl Counts {
    fn count(&mut self, bits: u8) {
        self.all += 1;
        self.hit += u64::from(bits != 0);
        for (at, count) in self.literals.iter_mut().enumerate() {
            *count += u64::from(bits >> at & 1);
        }
    }

    /// Looks at a text that may hold anything.
    fn look(&mut self, text: &str) {
        let bits = LITERALS.iter().enumerate().map(|(at, it)| u8::from(text.contains(it)) << at).sum();
        self.count(bits);
        if let Some((_, who)) = text.split_once("User: ")
            && let Some((who, what)) = who.split_once(" is not authorized to perform: ")
        {
            let action = what.split(' ').next().unwrap_or_default();
            *self.denied.entry(format!("{who} {action}")).or_default() += 1;
        }
        for (name, sentence) in SAID {
            if text.contains(sentence) {
                *self.said.entry(name).or_default() += 1;
            }
        }
    }

    fn json(&self, truth: &Truth) -> String {
        let mut literals = String::new();
        for (name, count) in LITERALS.iter().zip(self.literals) {
            literals += &format!("{}\"{name}\": {count}", if literals.is_empty() { "" } else { ", " });
        }
        let said = |name: &str| self.said.get(name).copied().unwrap_or_default();
        format!(
            "{{\"all\": {}, \"hit\": {}, \"literals\": {{{literals}}},\n   \"facts\": {{\"denied\": {}, \"finished\": {}, \"late\": {}, \"sent\": {}, {}}}}}",
            self.all,
            self.hit,
            object(self.denied.iter().map(|it| (it.0.as_str(), *it.1))),
            object(truth.finished.iter().map(|it| (*it.0, *it.1))),
            truth.late,
            truth.sent,
            SAID.map(|(name, _)| format!("\"{name}\": {}", said(name))).join(", ")
        )
    }
}

fn object<'a>(pairs: impl Iterator<Item = (&'a str, u64)>) -> String {
    let pairs: Vec<String> = pairs.map(|(name, count)| text!("\"", Escaped(name.as_bytes()), "\": ", count)).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// A try, as a report names it.
pub struct Named {
    pub dag: String,
    pub task: &'static str,
    pub run: String,
    pub number: u64,
}

/// Everything that a reader should find.
#[derive(Default)]
pub struct Truth {
    lines: Counts,
    events: Counts,
    finished: BTreeMap<&'static str, u64>,
    sent: u64,
    /// Tries that waited more than 300 s and ran.
    late: u64,
    tries: u64,
    denials: Vec<String>,
    stuck: Vec<String>,
    failed: Vec<String>,
}

impl Truth {
    /// One record: of one line whose literals are known, or of any.
    pub fn record(&mut self, bits: u8, text: &[u8], scheduler: bool) {
        let each_line = scheduler || !text.contains(&b'\n');
        if bits & LOOK == 0 {
            let more = text.iter().filter(|it| **it == b'\n').count() as u64;
            self.lines.count(bits);
            self.events.count(bits);
            self.lines.all += more;
            self.events.all += if each_line { more } else { 0 };
            return;
        }
        let text = str::from_utf8(text).unwrap_or_default();
        text.split('\n').for_each(|it| self.lines.look(it));
        if each_line {
            text.split('\n').for_each(|it| self.events.look(it));
        } else {
            self.events.look(text);
        }
    }

    /// The scheduler says that a try ended.
    pub fn finished(&mut self, state: &'static str, waited: i64, ran: bool) {
        *self.finished.entry(state).or_default() += 1;
        self.late += u64::from(ran && waited >= 300_000);
    }

    pub fn sent(&mut self) {
        self.sent += 1;
    }

    pub fn queued(&mut self) {
        self.tries += 1;
    }

    /// A try was refused something, and its log tells.
    pub fn denied(&mut self, of: &Named, source: &Source, state: &str) {
        self.denials.push(text!(
            named(of),
            ", \"role\": \"",
            source.role(),
            "\", \"action\": \"",
            source.action,
            "\", \"resource\": \"",
            source.stable,
            "\", \"refusal\": \"",
            source.kind,
            "\", \"state\": \"",
            state,
            "\"}"
        ));
    }

    /// A task sat in queued, until `left`.
    pub fn stuck(&mut self, of: &Named, queued: i64, left: i64, found: &str, outcome: &str, queue: &str) {
        self.stuck.push(text!(
            named(of),
            ", \"queued_at\": \"",
            Iso(queued),
            "Z\", \"left_at\": \"",
            Iso(left),
            "Z\", \"found\": \"",
            found,
            "\", \"outcome\": \"",
            outcome,
            "\", \"queue\": \"",
            queue,
            "\"}"
        ));
    }

    /// A try that ran failed.
    pub fn failed(&mut self, of: &Named, state: &str, why: &str) {
        self.failed.push(text!(named(of), ", \"state\": \"", state, "\", \"why\": \"", why, "\"}"));
    }

    pub fn write(&self, kind: &str, seed: u64, bytes: u64, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{{\"kind\": \"{kind}\", \"seed\": {seed}, \"bytes\": {bytes}, \"tries\": {},", self.tries)?;
        writeln!(out, " \"lines\": {},", self.lines.json(self))?;
        writeln!(out, " \"events\": {},", self.events.json(self))?;
        for (name, list, end) in [("denials", &self.denials, ","), ("stuck", &self.stuck, ","), ("failed", &self.failed, "}")] {
            writeln!(out, " \"{name}\": [\n  {}]{end}", list.join(",\n  "))?;
        }
        Ok(())
    }
}

fn named(of: &Named) -> String {
    let mut out = Vec::new();
    put!(
        &mut out,
        "{\"dag_id\": \"",
        of.dag,
        "\", \"task_id\": \"",
        of.task,
        "\", \"run_id\": \"",
        of.run,
        "\", \"try_number\": ",
        of.number
    );
    String::from_utf8(out).unwrap_or_default()
}

//! Where a story is written to: plain files, exports to S3, answers of CloudWatch.

use crate::{
    task_log::TaskLog,
    text::{Blank, Escaped, Iso, put, text},
};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

const BUFFER: usize = 1 << 20;
const GROUP: &str = "airflow-acme-data-prod";

/// A reader of the story.
pub trait Sink {
    /// Whether task logs go to CloudWatch.
    fn in_cloudwatch(&self) -> bool {
        true
    }

    /// A record of the scheduler, without its last line break; it may have several lines.
    fn scheduler(&mut self, at: i64, text: &[u8]) -> io::Result<()>;

    /// The log of a try that begins now or later: `dag_id=…/run_id=…/task_id=…/attempt=1.log`.
    fn task(&mut self, path: &str, log: &TaskLog) -> io::Result<()>;

    /// Bytes so far.
    fn written(&self) -> u64;

    /// Ends the file.
    fn finish(&mut self) -> io::Result<()>;
}

/// Scheduler log as the process prints it.
pub struct Plain<W: Write> {
    out: BufWriter<W>,
    written: u64,
}

impl<W: Write> Plain<W> {
    pub fn new(out: W) -> Self {
        Self { out: BufWriter::with_capacity(BUFFER, out), written: 0 }
    }
}

impl<W: Write> Sink for Plain<W> {
    fn scheduler(&mut self, _at: i64, text: &[u8]) -> io::Result<()> {
        self.written += text.len() as u64 + 1;
        self.out.write_all(text)?;
        self.out.write_all(b"\n")
    }

    fn task(&mut self, _path: &str, _log: &TaskLog) -> io::Result<()> {
        Ok(())
    }

    fn written(&self) -> u64 {
        self.written
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A folder as Airflow writes it: `scheduler.log` and `task-logs/`.
pub struct Files {
    folder: PathBuf,
    scheduler: Option<Plain<File>>,
    text: Vec<u8>,
    written: u64,
}

impl Files {
    pub fn new(folder: &Path, scheduler: bool) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let scheduler = if scheduler { Some(Plain::new(File::create(folder.join("scheduler.log"))?)) } else { None };
        Ok(Self { folder: folder.to_owned(), scheduler, text: Vec::new(), written: 0 })
    }
}

impl Sink for Files {
    fn in_cloudwatch(&self) -> bool {
        false
    }

    fn scheduler(&mut self, at: i64, text: &[u8]) -> io::Result<()> {
        self.scheduler.as_mut().map_or(Ok(()), |it| it.scheduler(at, text))
    }

    fn task(&mut self, path: &str, log: &TaskLog) -> io::Result<()> {
        self.text.clear();
        let mut from = 0;
        for (_, to, _) in &log.events {
            self.text.extend_from_slice(&log.text[from..*to]);
            self.text.push(b'\n');
            from = *to;
        }
        self.written += self.text.len() as u64;
        let path = self.folder.join("task-logs").join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, &self.text)
    }

    fn written(&self) -> u64 {
        self.written + self.scheduler.as_ref().map_or(0, Sink::written)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.scheduler.as_mut().map_or(Ok(()), Sink::finish)
    }
}

/// An export to S3: a time before each event. One stream in one file, or a folder of streams.
pub struct Stamped {
    folder: Option<PathBuf>,
    out: Plain<File>,
    /// A scheduler lives for this many bytes; then another stream begins.
    life: u64,
    streams: u64,
    before: u64,
    text: Vec<u8>,
}

impl Stamped {
    pub fn one(file: File) -> Self {
        Self { folder: None, out: Plain::new(file), life: u64::MAX, streams: 0, before: 0, text: Vec::new() }
    }

    pub fn tree(folder: &Path, life: u64) -> io::Result<Self> {
        let folder = folder.join("exportedlogs");
        let out = Plain::new(File::create(stream_file(&folder, "Scheduler", &scheduler_stream(0))?)?);
        Ok(Self { folder: Some(folder), out, life, streams: 0, before: 0, text: Vec::new() })
    }

    /// Ends the file of this scheduler and begins the next.
    fn turn(&mut self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        self.streams += 1;
        let next = Plain::new(File::create(stream_file(folder, "Scheduler", &scheduler_stream(self.streams))?)?);
        self.before += self.out.written();
        std::mem::replace(&mut self.out, next).finish()
    }
}

fn stream_file(folder: &Path, group: &str, stream: &str) -> io::Result<PathBuf> {
    let folder = folder.join(format!("{GROUP}-{group}")).join("cdcdf364-9c40-4eec-af39-2a6a3bc127f0").join(stream);
    fs::create_dir_all(&folder)?;
    Ok(folder.join("000000"))
}

fn scheduler_stream(number: u64) -> String {
    format!("scheduler_ip-10-0-14-9.ec2.internal_{}.6315558.log", 1_767_225_600 + number)
}

fn task_stream(path: &str) -> String {
    path.replace(':', "_")
}

fn stamped(out: &mut Vec<u8>, at: i64, text: &[u8]) {
    put!(out, Iso(at), "Z ");
    out.extend_from_slice(text);
    out.push(b'\n');
}

impl Sink for Stamped {
    fn scheduler(&mut self, at: i64, text: &[u8]) -> io::Result<()> {
        self.text.clear();
        // Each line is an event of its own.
        text.split(|it| *it == b'\n').for_each(|it| stamped(&mut self.text, at + 1, it));
        self.text.pop();
        self.out.scheduler(at, &self.text)?;
        if self.out.written() >= self.life { self.turn() } else { Ok(()) }
    }

    fn task(&mut self, path: &str, log: &TaskLog) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        self.text.clear();
        let mut from = 0;
        for (at, to, _) in &log.events {
            stamped(&mut self.text, *at, &log.text[from..*to]);
            from = *to;
        }
        self.before += self.text.len() as u64;
        fs::write(stream_file(folder, "Task", &task_stream(path).replace('/', "-"))?, &self.text)
    }

    fn written(&self) -> u64 {
        self.before + self.out.written()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.finish()
    }
}

/// The form of an answer of CloudWatch Logs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Filter,
    Insights,
    Lines,
}

/// When, which in the order of telling, stream, text.
type Waiting = Reverse<(i64, u64, usize, Vec<u8>)>;

/// An answer of CloudWatch Logs: the events of all streams in the order of time.
pub struct Json {
    out: Plain<File>,
    shape: Shape,
    events: u64,
    bytes: u64,
    streams: Vec<String>,
    scheduler: String,
    waiting: BinaryHeap<Waiting>,
    line: Vec<u8>,
}

impl Json {
    pub fn new(file: File, shape: Shape) -> io::Result<Self> {
        let mut out = Plain::new(file);
        match shape {
            Shape::Filter => out.scheduler(0, b"{\n    \"events\": [")?,
            Shape::Insights => out.scheduler(0, b"{\n    \"queryLanguage\": \"CWLI\",\n    \"results\": [")?,
            Shape::Lines => {}
        }
        let (streams, scheduler) = (Vec::new(), scheduler_stream(0));
        Ok(Self { out, shape, events: 0, bytes: 0, streams, scheduler, waiting: BinaryHeap::new(), line: Vec::new() })
    }

    /// Writes what happened before a moment.
    fn until(&mut self, now: i64) -> io::Result<()> {
        while self.waiting.peek().is_some_and(|it| it.0.0 <= now) {
            let Some(Reverse((at, _, stream, text))) = self.waiting.pop() else { break };
            let name = std::mem::take(&mut self.streams[stream]);
            self.event(at, &name, "Task", &text)?;
            self.streams[stream] = name;
        }
        Ok(())
    }

    fn event(&mut self, at: i64, stream: &str, group: &str, text: &[u8]) -> io::Result<()> {
        let mut out = std::mem::take(&mut self.line);
        out.clear();
        self.events += 1;
        self.bytes += text.len() as u64;
        let (text, id) = (Escaped(text), format!("37133445672456{:042}", self.events));
        match self.shape {
            Shape::Filter => {
                put!(&mut out, if self.events > 1 { ",\n" } else { "" }, "        {\n            \"logStreamName\": \"", stream);
                put!(&mut out, "\",\n            \"timestamp\": ", at, ",\n            \"message\": \"", text);
                put!(&mut out, "\",\n            \"ingestionTime\": ", at + 1_033, ",\n            \"eventId\": \"", id, "\"\n        }");
            }
            Shape::Lines => {
                put!(&mut out, "{\"logStreamName\":\"", stream, "\",\"timestamp\":", at, ",\"message\":\"", text);
                put!(&mut out, "\",\"ingestionTime\":", at + 1_033, ",\"eventId\":\"", id, "\"}\n");
            }
            Shape::Insights => {
                put!(&mut out, if self.events > 1 { ",\n" } else { "" }, "        [");
                let log = text!("123456789012:", GROUP, "-", group);
                let mut field = |name: &str, last: bool, value: &dyn crate::text::Put| {
                    put!(&mut out, "\n            {\n                \"field\": \"", name, "\",\n                \"value\": \"");
                    value.put(&mut out);
                    put!(&mut out, "\"\n            }", if last { "" } else { "," });
                };
                field("@timestamp", false, &Blank(at));
                field("@message", false, &text);
                field("@logStream", false, &stream);
                field("@log", false, &log);
                field("@ptr", true, &id);
                put!(&mut out, "\n        ]");
            }
        }
        self.out.out.write_all(&out)?;
        self.out.written += out.len() as u64;
        self.line = out;
        Ok(())
    }
}

impl Sink for Json {
    fn scheduler(&mut self, at: i64, text: &[u8]) -> io::Result<()> {
        self.until(at)?;
        let stream = std::mem::take(&mut self.scheduler);
        for line in text.split(|it| *it == b'\n') {
            self.event(at + 1, &stream, "Scheduler", line)?;
        }
        self.scheduler = stream;
        Ok(())
    }

    fn task(&mut self, path: &str, log: &TaskLog) -> io::Result<()> {
        self.streams.push(task_stream(path));
        let (stream, mut from) = (self.streams.len() - 1, 0);
        for (order, (at, to, _)) in log.events.iter().enumerate() {
            self.waiting.push(Reverse((*at, ((stream as u64) << 24) | order as u64, stream, log.text[from..*to].to_vec())));
            from = *to;
        }
        Ok(())
    }

    fn written(&self) -> u64 {
        self.out.written()
    }

    fn finish(&mut self) -> io::Result<()> {
        self.until(i64::MAX)?;
        let (events, bytes) = (self.events, self.bytes);
        let end = match self.shape {
            Shape::Filter => "\n    ],\n    \"searchedLogStreams\": []\n}".to_owned(),
            Shape::Insights => format!(
                "\n    ],\n    \"statistics\": {{\n        \"recordsMatched\": {events}.0,\n        \"recordsScanned\": {events}.0,\n        \"bytesScanned\": {bytes}.0\n    }},\n    \"status\": \"Complete\"\n}}"
            ),
            Shape::Lines => return self.out.finish(),
        };
        self.out.scheduler(0, end.as_bytes())?;
        self.out.finish()
    }
}

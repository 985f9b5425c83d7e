//! Files that COPY statements read.

use crate::{
    fold::{self, Sight, Sum},
    units::Moment,
};

records! {
    /// One row: what is unknown is `None`.
    LoadFile in "load_files": "one file, or one range of a file, that a COPY read" {
        VIEW view: Text = "The view it comes from: sys_load_detail, stl_load_commits, stl_file_scan, stl_s3client, stl_load_info",
        SYSTEM system: Text = "The id space of query_id: sys, stl",
        QUERY_ID query_id: Text = "The statement",
        FILE_NAME file_name: Text = "The file, with its bucket where the view tells it",
        NAME_TRUNCATED name_truncated: Flag = "Whether the name is as long as its column: it may have been cut",
        NODE node: Count = "Node that read it",
        SLICE slice: Count = "Slice that read it",
        BYTES_SCANNED bytes_scanned: Bytes = "Bytes read, unpacked where the view tells them so",
        TRANSFER_BYTES transfer_bytes: Bytes = "Bytes on the wire",
        LINES_SCANNED lines_scanned: Count = "Lines read",
        SPLITS_SCANNED splits_scanned: Count = "Ranges that the file was split into",
        IS_PARTIAL is_partial: Flag = "Whether the row is one range of a file",
        START_OFFSET start_offset: Bytes = "Where the range starts",
        ERROR_COUNT error_count: Count = "Rows rejected",
        START_TIME start_time: Moment = "When reading started",
        DURATION_MS duration_ms: Millis = "How long it was read",
        FILE_FORMAT file_format: Text = "Format, lower case",
        COPY_JOB_ID copy_job_id: Text = "Auto-copy job",
        RETRIES retries: Count = "Attempts after the first",
        FILES files: Count = "How many files of about this size the row stands for; null is one. Exports too long to hold are summed up",
    }
}

/// What `SYS_LOAD_DETAIL` says of a file, as it stands there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    /// The statement.
    pub query_id: &'a str,
    /// The file.
    pub file_name: &'a str,
    /// Bytes read.
    pub bytes: Option<i64>,
    /// Ranges that the file was split into.
    pub splits: Option<i64>,
    /// When reading started.
    pub start: Option<Moment>,
    /// When it ended.
    pub end: Option<Moment>,
}

impl Seen<'_> {
    /// Files of one statement, kind and number of ranges differ in size and time.
    pub fn sight(&self, group: &mut String) -> Sight {
        // The ending of the name, if it has one: a dot further back is one of a folder.
        let mark = memchr::memrchr2(b'.', b'/', self.file_name.as_bytes()).filter(|it| self.file_name.as_bytes().get(*it) == Some(&b'.'));
        let ending = mark.and_then(|it| self.file_name.get(it + 1..)).unwrap_or_default();
        group.clear();
        for part in [self.query_id, "\n", ending, if self.bytes.is_none() { "?" } else { "" }] {
            group.push_str(part);
        }
        if let Some(splits) = self.splits {
            group.push('\n');
            group.push_str(itoa::Buffer::new().format(splits));
        }
        Sight { identity: fold::identity(&[self.query_id, self.file_name]), size: self.bytes, from: self.start, to: self.end }
    }
}

impl fold::Row for LoadFile {
    fn sight(&self, group: &mut String) -> Option<Sight> {
        // Rows of STL are ranges, slices and views of one file: what belongs together shows only when all are there.
        if self.system.as_deref() != Some("sys") {
            return None;
        }
        let seen = Seen {
            query_id: self.query_id.as_deref().unwrap_or_default(),
            file_name: self.file_name.as_deref().unwrap_or_default(),
            bytes: self.bytes_scanned,
            splits: self.splits_scanned,
            start: self.start_time,
            end: self.end_time(),
        };
        Some(seen.sight(group))
    }

    fn of_many(&self, sum: Sum) -> Self {
        let duration_ms = sum.from.zip(sum.to).map(|(from, to)| to.millis() - from.millis());
        Self { bytes_scanned: sum.size, lines_scanned: None, start_time: sum.from, duration_ms, files: Some(sum.count), ..self.clone() }
    }

    fn comes_after(&mut self, records: u64) {
        self.origin.record += records;
    }
}

impl LoadFile {
    /// When reading ended.
    pub fn end_time(&self) -> Option<Moment> {
        Some(Moment(self.start_time?.0 + self.duration_ms.unwrap_or(0) * 1000))
    }
}

/// How many files some rows tell of: a row that stands for several counts them, the others are counted by name.
pub fn count_files<'a>(rows: impl Iterator<Item = (&'a str, Option<i64>)>) -> i64 {
    let (mut names, mut summed) = (std::collections::BTreeSet::new(), 0);
    for (name, files) in rows {
        match files {
            Some(files) => summed += files,
            None => {
                names.insert(name);
            }
        }
    }
    summed + i64::try_from(names.len()).unwrap_or(i64::MAX)
}

//! Keys of the lake: which table, day and run a file is of.

use crate::{
    error::{Error, Result},
    report::parquet::LAKE,
};

/// What names of merged months begin with.
pub(super) const MERGED: &str = "compacted-";

/// The folder of what is not visible yet: outside of every table's location, and with a name that Athena ignores.
pub(super) const STAGING: &str = "_staging";

/// What permissions must be given on, before a destination is named.
pub(super) const LAKE_BUCKET: &str = "arn:aws:s3:::BUCKET-OF-THE-LAKE";
pub(super) const LAKE_OBJECTS: &str = "arn:aws:s3:::BUCKET-OF-THE-LAKE/*";
pub(super) const RESULTS_BUCKET: &str = "arn:aws:s3:::BUCKET-OF-THE-RESULTS";

/// One file of the lake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Its table.
    pub(super) table: &'static str,
    /// `YYYY-MM-DD`.
    pub(super) day: String,
    /// The run, or what a merged month is called.
    pub(super) name: String,
    /// Its size.
    pub(super) bytes: u64,
}

impl Place {
    /// The place that a key names; `None` of what is no file of the lake.
    pub(super) fn of(key: &str, bytes: u64) -> Option<Self> {
        let mut parts = key.split('/');
        let (table, day, name) = (parts.next()?, parts.next()?.strip_prefix("dt=")?, parts.next()?.strip_suffix(".parquet")?);
        let table = LAKE.iter().find(|it| it.name == table)?.name;
        let is_file = parts.next().is_none() && is_day(day) && !name.starts_with(['_', '.']) && !name.is_empty();
        is_file.then(|| Self { table, day: day.to_owned(), name: name.to_owned(), bytes })
    }

    /// Its key.
    pub(super) fn key(&self) -> String {
        key(self.table, &self.day, &self.name)
    }

    /// Whether it holds a month.
    pub(super) fn is_merged(&self) -> bool {
        self.name == merged_name(month(&self.day))
    }
}

/// The key of a run's file.
pub(super) fn key(table: &str, day: &str, name: &str) -> String {
    format!("{table}/dt={day}/{name}.parquet")
}

/// The key of the file that holds a table's month: in the partition of its first day.
pub(super) fn merged_key(table: &str, month: &str) -> String {
    key(table, &first_day(month), &merged_name(month))
}

fn merged_name(month: &str) -> String {
    format!("{MERGED}{month}")
}

/// `YYYY-MM` of a day.
pub(super) fn month(day: &str) -> &str {
    day.get(..7).unwrap_or(day)
}

/// The first day of a month.
pub(super) fn first_day(month: &str) -> String {
    format!("{month}-01")
}

/// Whether this is a day of the calendar.
pub(super) fn is_day(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// Bucket and prefix (without a slash at its end) of an address; `None` of a folder.
pub(super) fn address(to: &str) -> Result<Option<(&str, &str)>> {
    let wrong = |it: &str| Err(Error::Usage(format!("publish to {to}: {it}")));
    let Some(rest) = to.strip_prefix("s3://") else {
        return match to {
            "" => wrong("give a folder or s3://bucket/prefix"),
            _ if to.contains("://") => wrong("only folders and s3://bucket/prefix are known"),
            _ => Ok(None),
        };
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_end_matches('/');
    // What stands in a location of Athena stands between quotes.
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_.=+/!*()@,&$: ".contains(it);
    if bucket.is_empty() || !bucket.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '.' | '_')) {
        return wrong("write an address like s3://bucket/prefix");
    }
    if prefix.split('/').any(|it| it.is_empty() && !prefix.is_empty()) || !prefix.chars().all(is_plain) {
        return wrong("a prefix is words with one / between them, in plain letters");
    }
    Ok(Some((bucket, prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let place = Place { table: "findings", day: "2026-01-02".to_owned(), name: "run-1".to_owned(), bytes: 7 };
        assert_eq!(Place::of(&place.key(), 7), Some(place));
        let merged = Place::of(&merged_key("verdicts", "2026-01"), 0).unwrap();
        assert_eq!((merged.day.as_str(), merged.is_merged()), ("2026-01-01", true));
        for other in ["findings/dt=2026-13-01/x.parquet", "findings/x.parquet", "others/dt=2026-01-01/x.parquet", "_staging/x/commit.json"]
        {
            assert_eq!(Place::of(other, 0), None, "{other}");
        }
    }

    #[test]
    fn addresses_are_told_from_folders() {
        assert_eq!(address("s3://lake/a/b/").unwrap(), Some(("lake", "a/b")));
        assert_eq!(address("s3://lake").unwrap(), Some(("lake", "")));
        assert_eq!(address("lake/a").unwrap(), None);
        for wrong in ["", "s3://", "s3://a//b", "s3://lake/it's", "gs://lake/a"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}

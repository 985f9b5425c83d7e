//! What is published at once: the five tables of one run.

use super::place;
use crate::{
    error::{Error, Result},
    report::parquet::{self, LAKE},
};

/// The tables of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// `YYYY-MM-DD`: the partition.
    pub day: String,
    /// Names the files: the same run replaces itself.
    pub run_id: String,
    /// Each table of the lake, and the bytes of its file.
    pub files: Vec<(&'static str, Vec<u8>)>,
}

impl Night {
    /// Whether it can be published: it has a day, a name that files may have, and every table with columns that the lake has.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |it: String| Err(Error::Usage(format!("run {}: {it}", self.run_id)));
        if !place::is_day(&self.day) {
            return wrong(format!(
                "its day is {}: nothing in it carries a time, and a partition needs one; analyze with --since and --until",
                self.day
            ));
        }
        let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
        if !self.run_id.starts_with(|it: char| it.is_ascii_alphanumeric()) || !self.run_id.chars().all(is_plain) {
            return wrong("write its name in letters, digits, - _ and ., a letter or a digit first".to_owned());
        }
        if self.run_id.starts_with(place::MERGED) {
            return wrong(format!("names that begin with {} are those of merged months", place::MERGED));
        }
        for table in LAKE {
            let Some((_, bytes)) = self.files.iter().find(|it| it.0 == table.name) else {
                return wrong(format!("the table {} is missing", table.name));
            };
            if let Err(told) = parquet::fits(table, bytes) {
                return wrong(format!("the table {}: {told}", table.name));
            }
        }
        Ok(())
    }

    /// The bytes of a table.
    pub(super) fn bytes(&self, table: &str) -> &[u8] {
        self.files.iter().find(|it| it.0 == table).map_or(&[], |it| &it.1)
    }
}

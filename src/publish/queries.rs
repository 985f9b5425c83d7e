//! Questions that the lake answers, ready to run: one a file below `queries/lake`, in the SQL that Athena, Spark and others have in common.
//!
//! They mean nights by `run_date`, and read partitions by `dt`: a month that was merged lies in the partition of its first day.

use super::{Destination, place};
use crate::error::{Error, Result};
use jiff::{ToSpan as _, civil::Date};

/// One question.
#[derive(Debug)]
pub struct LakeQuery {
    /// Its name, which is its file's.
    pub name: &'static str,
    template: &'static str,
}

/// Every question, in the order of a morning.
pub static QUERIES: &[LakeQuery] = &[
    LakeQuery { name: "new_today", template: include_str!("../../queries/lake/new_today.sql") },
    LakeQuery { name: "worst", template: include_str!("../../queries/lake/worst.sql") },
    LakeQuery { name: "trend", template: include_str!("../../queries/lake/trend.sql") },
    LakeQuery { name: "open_longer", template: include_str!("../../queries/lake/open_longer.sql") },
    LakeQuery { name: "by_role", template: include_str!("../../queries/lake/by_role.sql") },
    LakeQuery { name: "by_dag", template: include_str!("../../queries/lake/by_dag.sql") },
    LakeQuery { name: "by_table", template: include_str!("../../queries/lake/by_table.sql") },
    LakeQuery { name: "incomplete", template: include_str!("../../queries/lake/incomplete.sql") },
    LakeQuery { name: "suppressed", template: include_str!("../../queries/lake/suppressed.sql") },
];

impl LakeQuery {
    /// What it answers, in a sentence: the head of its file, the night left open.
    pub fn answers(&self) -> String {
        let head = self.template.lines().next().unwrap_or_default().trim_start_matches("-- ");
        head.replace("{date-7}", "a week before").replace("{date}", "the night")
    }

    /// The question of a night, as SQL without an end mark.
    pub fn sql(&self, date: &str, database: Option<&str>) -> Result<String> {
        let wrong = || Error::Usage(format!("{date}: write a date like 2026-01-31"));
        let day: Date = if place::is_day(date) { date.parse().map_err(|_| wrong())? } else { return Err(wrong()) };
        if let Some(database) = database {
            Destination { database: Some(database.to_owned()), ..Destination::new("s3://any") }.check()?;
        }
        let mut text = String::new();
        let mut rest = self.template.trim_end();
        while let Some((before, (name, after))) = rest.split_once('{').and_then(|(before, it)| Some((before, it.split_once('}')?))) {
            text.push_str(before);
            let (word, back) = name.split_once('-').unwrap_or((name, "0"));
            let days: i64 = back.parse().unwrap_or(0);
            let then = day.checked_sub(days.days()).map_err(|_| wrong())?.to_string();
            match word {
                "lake" => text.extend(database.map(|it| format!("{it}."))),
                "month" => text.push_str(&place::first_day(place::month(&then))),
                _ => text.push_str(&then),
            }
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::parquet::LAKE;

    #[test]
    fn every_file_is_in_the_list() {
        let mut files: Vec<String> = std::fs::read_dir("queries/lake")
            .unwrap()
            .map(|it| it.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        let mut listed: Vec<&str> = QUERIES.iter().map(|it| it.name).collect();
        listed.sort_unstable();
        assert_eq!(files, listed);
    }

    #[test]
    fn every_question_says_what_it_answers_and_reads_no_more_than_it_needs() {
        for query in QUERIES {
            let text = query.sql("2026-03-05", Some("casefile")).unwrap();
            assert!(text.starts_with("-- ") && text.lines().nth(1).unwrap().starts_with("SELECT"), "{}", query.name);
            assert!(!text.contains(['{', '}', ';', '"', '`']), "{}: {text}", query.name);
            for after in text.split("casefile.").skip(1) {
                let table = after.split(|it: char| !it.is_alphanumeric()).next().unwrap();
                assert!(LAKE.iter().any(|it| it.name == table), "{}: {table}", query.name);
            }
            assert!(text.contains("dt >= '") && text.contains("dt <= '2026-03-05'"), "{}: prunes nothing", query.name);
            assert!(text.contains("status = '") || query.name == "incomplete", "{}: tells nothing of suppressions", query.name);
        }
    }

    #[test]
    fn days_before_are_of_the_calendar() {
        let trend = QUERIES.iter().find(|it| it.name == "trend").unwrap().sql("2026-03-05", None).unwrap();
        assert!(trend.contains("run_date >= '2026-02-04'") && trend.contains("dt >= '2026-02-01'") && trend.contains("FROM verdicts"));
        assert!(QUERIES[0].sql("2026-02-30", None).is_err() && QUERIES[0].sql("5 March", None).is_err());
        assert!(QUERIES[0].sql("2026-02-03", Some("a; drop")).is_err());
    }
}

//! The tables as Athena is told of them: written from the columns of the lake, and from nothing else. Spark takes the same texts.

use super::{Destination, place};
use crate::{
    error::{Error, Result},
    report::parquet::{LAKE, LakeColumn, LakeTable},
};

/// The first day that a table shows: partitions are not registered, engines work out their names from a first day on.
pub(super) const FIRST_DAY: &str = "2015-01-01";

/// The statements that make a destination's tables, in order.
pub fn ddl(destination: &Destination) -> Result<Vec<String>> {
    destination.check()?;
    let Some(database) = &destination.database else {
        return Err(Error::Usage("tables need the name of a database: give --database".to_owned()));
    };
    let first = destination.create_database.then(|| create_database(database));
    Ok(first.into_iter().chain(LAKE.iter().map(|it| create_table(database, it, &location(destination, it)))).collect())
}

/// Where the files of a table lie, with a slash at the end.
pub(super) fn location(destination: &Destination, table: &LakeTable) -> String {
    format!("{}/{}/", destination.to.trim_end_matches('/'), table.name)
}

pub(super) fn create_database(database: &str) -> String {
    format!("CREATE DATABASE IF NOT EXISTS {database}")
}

pub(super) fn create_table(database: &str, table: &LakeTable, location: &str) -> String {
    let columns: Vec<String> = table.columns.iter().map(|it| format!("  {}", declared(it))).collect();
    let properties: Vec<String> = properties(location).iter().map(|(key, value)| format!("  '{key}' = '{value}'")).collect();
    format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS {database}.{} (\n{})\nPARTITIONED BY (dt string)\nSTORED AS PARQUET\nLOCATION '{location}'\nTBLPROPERTIES (\n{})",
        table.name,
        columns.join(",\n"),
        properties.join(",\n")
    )
}

pub(super) fn add_columns(database: &str, table: &LakeTable, columns: &[&LakeColumn]) -> String {
    let columns: Vec<String> = columns.iter().map(|it| declared(it)).collect();
    format!("ALTER TABLE {database}.{} ADD COLUMNS ({})", table.name, columns.join(", "))
}

fn declared(column: &LakeColumn) -> String {
    format!("{} {}", column.name, column.kind.ddl())
}

/// What a table says of its partitions: their names follow from the days.
fn properties(location: &str) -> [(&'static str, String); 7] {
    [
        ("projection.enabled", "true".to_owned()),
        ("projection.dt.type", "date".to_owned()),
        ("projection.dt.format", "yyyy-MM-dd".to_owned()),
        ("projection.dt.range", format!("{FIRST_DAY},NOW")),
        ("projection.dt.interval", "1".to_owned()),
        ("projection.dt.interval.unit", "DAYS".to_owned()),
        (TEMPLATE, format!("{location}dt=${{dt}}/")),
    ]
}

/// The property that says where a partition lies.
pub(super) const TEMPLATE: &str = "storage.location.template";

/// Whether the tables show a day.
pub(super) fn shows(day: &str) -> bool {
    place::is_day(day) && day >= FIRST_DAY
}

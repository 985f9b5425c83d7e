//! The system views of Redshift that we read: their columns in documented order, with their units.

mod stl;
mod sys;

pub(super) use stl::*;
pub(super) use sys::*;

/// Formats of files, as views name them.
const FORMATS: &[&str] = &["csv", "txt", "text", "json", "avro", "orc", "parquet", "fixedwidth", "shapefile"];
/// Types of columns, as views name them.
const TYPES: &[&str] = &[
    "int2",
    "int4",
    "int8",
    "numeric",
    "float4",
    "float8",
    "bool",
    "char",
    "bpchar",
    "varchar",
    "text",
    "date",
    "time",
    "timetz",
    "timestamp",
    "timestamptz",
    "super",
    "varbyte",
    "geometry",
    "geography",
    "hllsketch",
    "interval",
];

/// Codes of load errors.
const CODES: (i64, i64) = (1000, 9999);
/// Users, slices and files of a load are fewer than this, and tables are numbered beyond it.
const MANY: i64 = 50_000;
/// Sizes in bytes are mostly larger than this.
const SIZE: i64 = 4_096;

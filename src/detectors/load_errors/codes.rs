//! What Redshift's load errors mean, and which of their words change from row to row.

use crate::text;
use regex::Regex;
use std::sync::LazyLock;

/// Redshift's load error codes: what they say, and what cures them.
const CODES: &[(&str, &str, &str)] = &[
    ("1201", "a field delimiter was not found", "check DELIMITER against the file, and quote fields that hold it"),
    ("1202", "the line has more columns than the table", "name the columns in the COPY, or add the new ones to the table"),
    (
        "1203",
        "the line has fewer columns than the table",
        "name the columns in the COPY, or add FILLRECORD when the last ones may be absent",
    ),
    ("1204", "the value is out of range for its type", "widen the column, or add TRUNCATECOLUMNS when the end may be lost"),
    ("1205", "the date has another format", "set DATEFORMAT, or 'auto'"),
    ("1206", "the timestamp has another format", "set TIMEFORMAT, or 'auto'"),
    (
        "1207",
        "a character stands where a digit is expected",
        "find what writes text into a number; NULL AS may turn a placeholder into null",
    ),
    ("1208", "the value is no floating-point number", "find what writes text into a number"),
    ("1209", "the value is no decimal", "find what writes text into a number, or widen precision and scale"),
    ("1210", "the value is no boolean", "write true and false, t and f, 1 and 0"),
    ("1211", "the line is empty", "add IGNOREBLANKLINES"),
    ("1212", "the file was not found", "check the manifest against the bucket; a file was deleted between listing and reading"),
    (
        "1213",
        "a column that must have a value is empty",
        "give it a default, or drop NOT NULL; EMPTYASNULL and BLANKSASNULL may be the cause",
    ),
    ("1214", "a delimiter was not found", "check DELIMITER, and that the last column is there; quote fields that hold line breaks"),
    ("1215", "a CHAR column got what it cannot hold", "use VARCHAR: CHAR holds single-byte characters only"),
    ("1216", "the line is invalid", "check line ends and encoding of the file"),
    ("1217", "an identity column got a value", "add EXPLICIT_IDS, or leave the column out"),
    ("1218", "a NUL byte stands in the file", "add NULL AS '\\0', or remove the bytes"),
    ("1219", "a UTF-8 sequence is broken", "write the file as UTF-8, or add ACCEPTINVCHARS"),
    ("1220", "a character is not supported", "add ACCEPTINVCHARS, or write the file as UTF-8"),
    ("1221", "the file has another encoding than the COPY says", "set ENCODING"),
    ("1222", "the integer is too large", "use BIGINT"),
    ("1223", "the type is not supported", "change the column's type"),
    ("1224", "the JSON is malformed", "check the writer; a SUPER column takes whole JSON values only"),
    ("8001", "the manifest does not name whole object paths", "write s3://bucket/key for each entry"),
];

/// What a code says.
pub(super) fn meaning(code: &str) -> Option<&'static str> {
    CODES.iter().find(|it| it.0 == code).map(|it| it.1)
}

/// What cures it.
pub(super) fn cure(code: &str) -> Option<&'static str> {
    CODES.iter().find(|it| it.0 == code).map(|it| it.2)
}

/// A message without the values in it.
pub(super) fn template(message: &str) -> String {
    static VALUES: LazyLock<Option<Regex>> = LazyLock::new(|| text::pattern(r"'[^']*'|\b\d+\b"));
    let plain = VALUES.as_ref().map_or(message.into(), |it| it.replace_all(message, "?"));
    plain.trim().to_owned()
}

/// Whether a failed COPY says that the reason stands in the error tables.
pub(super) fn points_to_error_tables(message: &str) -> bool {
    ["stl_load_errors", "sys_load_error_detail", "svl_load_errors"].iter().any(|it| message.to_ascii_lowercase().contains(it))
}

/// The table that a failed COPY names.
pub(super) fn table_in(message: &str) -> Option<String> {
    static TABLE: LazyLock<Option<Regex>> = LazyLock::new(|| text::pattern(r#"(?i)load into table ['"]([^'"]+)['"]"#));
    TABLE.as_ref()?.captures(message).and_then(|it| it.get(1)).map(|it| it.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_holds_no_values() {
        assert_eq!(template("Invalid digit, Value 'a', Pos 0, Type: Integer"), "Invalid digit, Value ?, Pos ?, Type: Integer");
        let failed = "Load into table 'returns' failed.  Check 'stl_load_errors' system table for details.";
        assert_eq!((table_in(failed).as_deref(), points_to_error_tables(failed)), (Some("returns"), true));
        assert!(!points_to_error_tables("S3ServiceException:Access Denied"));
    }
}

//! The texts that are sent to AWS, each in a file of its own below `queries/`, built into the program.

/// Every text, by its file.
static QUERIES: &[(&str, &str)] = &[
    (COUNTS, include_str!("../../queries/logs/counts.insights")),
    (ERRORS, include_str!("../../queries/logs/errors.insights")),
    (EVENTS, include_str!("../../queries/logs/events.insights")),
    (STREAMS, include_str!("../../queries/logs/streams.insights")),
    (FILES, include_str!("../../queries/athena/files.sql")),
    ("redshift/stl_file_scan.sql", include_str!("../../queries/redshift/stl_file_scan.sql")),
    ("redshift/stl_load_commits.sql", include_str!("../../queries/redshift/stl_load_commits.sql")),
    ("redshift/stl_load_errors.sql", include_str!("../../queries/redshift/stl_load_errors.sql")),
    ("redshift/stl_loaderror_detail.sql", include_str!("../../queries/redshift/stl_loaderror_detail.sql")),
    ("redshift/stl_query.sql", include_str!("../../queries/redshift/stl_query.sql")),
    ("redshift/stl_s3client.sql", include_str!("../../queries/redshift/stl_s3client.sql")),
    ("redshift/stl_s3client_error.sql", include_str!("../../queries/redshift/stl_s3client_error.sql")),
    ("redshift/stv_load_state.sql", include_str!("../../queries/redshift/stv_load_state.sql")),
    ("redshift/stv_slices.sql", include_str!("../../queries/redshift/stv_slices.sql")),
    ("redshift/svv_table_info.sql", include_str!("../../queries/redshift/svv_table_info.sql")),
    ("redshift/sys_external_query_detail.sql", include_str!("../../queries/redshift/sys_external_query_detail.sql")),
    ("redshift/sys_load_detail.sql", include_str!("../../queries/redshift/sys_load_detail.sql")),
    ("redshift/sys_load_error_detail.sql", include_str!("../../queries/redshift/sys_load_error_detail.sql")),
    ("redshift/sys_load_history.sql", include_str!("../../queries/redshift/sys_load_history.sql")),
    ("redshift/sys_query_detail.sql", include_str!("../../queries/redshift/sys_query_detail.sql")),
    ("redshift/sys_query_history.sql", include_str!("../../queries/redshift/sys_query_history.sql")),
    ("redshift/sys_query_text.sql", include_str!("../../queries/redshift/sys_query_text.sql")),
    (VISIBILITY, include_str!("../../queries/redshift/visibility.sql")),
    (VISIBILITY_SUPERUSER, include_str!("../../queries/redshift/visibility_superuser.sql")),
];

/// Every event of a log group.
pub(super) const EVENTS: &str = "logs/events.insights";
/// The events of a log group that tell of a failure.
pub(super) const ERRORS: &str = "logs/errors.insights";

/// How many events each span of time holds.
pub(super) const COUNTS: &str = "logs/counts.insights";

/// How many events each log stream holds.
pub(super) const STREAMS: &str = "logs/streams.insights";

/// The files of a table of Athena, which stands where `{table}` does.
pub(super) const FILES: &str = "athena/files.sql";

/// The text of a file below `queries/`.
pub fn query(file: &str) -> Option<&'static str> {
    QUERIES.iter().find(|it| it.0 == file).map(|it| it.1)
}

/// Whose rows the system views of Redshift show, and what is asked where that cannot be.
pub(super) const VISIBILITY: &str = "redshift/visibility.sql";
pub(super) const VISIBILITY_SUPERUSER: &str = "redshift/visibility_superuser.sql";

/// The texts that may be sent besides: to find out how the window of one has to be cut, or where one is refused.
pub fn companions(file: &str) -> &'static [&'static str] {
    match file {
        EVENTS | ERRORS => &[COUNTS, STREAMS],
        VISIBILITY => &[VISIBILITY_SUPERUSER],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_in_the_list_and_says_why_it_is_there() {
        let mut files = Vec::new();
        for folder in std::fs::read_dir("queries").unwrap() {
            let folder = folder.unwrap().path();
            // Those are asked of the lake, by whoever reads it.
            if folder.ends_with("lake") {
                continue;
            }
            for file in std::fs::read_dir(&folder).unwrap() {
                let path = file.unwrap().path();
                files.push(path.strip_prefix("queries").unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
        files.sort();
        let mut listed: Vec<&str> = QUERIES.iter().map(|it| it.0).collect();
        listed.sort_unstable();
        assert_eq!(files, listed);
        for (file, text) in QUERIES {
            assert!(text.starts_with("# ") || text.starts_with("-- "), "{file}: begins with no comment that says why");
        }
    }
}

//! The system views that are asked, and what their text becomes where a cluster lacks a column.

/// A system view.
#[derive(Debug)]
pub(super) struct View {
    /// Its name.
    pub(super) name: &'static str,
    /// The file of its text, below `queries/`.
    pub(super) file: &'static str,
    /// Whether its rows have a time, so that it can be asked window by window.
    pub(super) windowed: bool,
    /// The view that tells of the same loads and queries, where this one is missing.
    pub(super) instead: Option<&'static str>,
    /// What cannot be told without it.
    pub(super) tells: &'static str,
}

impl View {
    const fn new(name: &'static str, file: &'static str, tells: &'static str) -> Self {
        Self { name, file, windowed: true, instead: None, tells }
    }

    const fn or(self, view: &'static str) -> Self {
        Self { instead: Some(view), ..self }
    }

    const fn snapshot(self) -> Self {
        Self { windowed: false, ..self }
    }

    /// Whether Serverless has it too.
    pub(super) fn is_everywhere(&self) -> bool {
        !self.name.starts_with("stl_") && !self.name.starts_with("stv_")
    }
}

/// The view that has a row for every query: where it is empty, the others tell nothing either.
pub(super) const QUERIES: &str = "sys_query_history";

/// Every view that is asked.
pub(super) static VIEWS: &[View] = &[
    View::new(QUERIES, "redshift/sys_query_history.sql", "which statements ran, and which failed").or("stl_query"),
    View::new("sys_query_text", "redshift/sys_query_text.sql", "statements beyond their first 4,000 characters"),
    View::new("sys_query_detail", "redshift/sys_query_detail.sql", "the skew and the spills of query steps"),
    View::new("sys_load_history", "redshift/sys_load_history.sql", "the loads, their files, bytes and times").or("stl_load_commits"),
    View::new("sys_load_detail", "redshift/sys_load_detail.sql", "the files of loads").or("stl_load_commits"),
    View::new("sys_load_error_detail", "redshift/sys_load_error_detail.sql", "which lines could not be loaded").or("stl_load_errors"),
    View::new("sys_external_query_detail", "redshift/sys_external_query_detail.sql", "which files Spectrum scanned"),
    View::new("stl_query", "redshift/stl_query.sql", "which query of the SYS views a row of an STL view belongs to"),
    View::new("stl_load_errors", "redshift/stl_load_errors.sql", "the text of lines that could not be loaded"),
    View::new("stl_loaderror_detail", "redshift/stl_loaderror_detail.sql", "the fields of lines that could not be loaded"),
    View::new("stl_load_commits", "redshift/stl_load_commits.sql", "which slice loaded which file"),
    View::new("stl_file_scan", "redshift/stl_file_scan.sql", "bytes and times of files by slice"),
    View::new("stl_s3client", "redshift/stl_s3client.sql", "how well the loaded files are compressed"),
    View::new("stl_s3client_error", "redshift/stl_s3client_error.sql", "reads from S3 that failed"),
    View::new("stv_load_state", "redshift/stv_load_state.sql", "how far loads are that run now").snapshot(),
    View::new("stv_slices", "redshift/stv_slices.sql", "how many slices the cluster has").snapshot(),
    View::new("svv_table_info", "redshift/svv_table_info.sql", "the skew of tables").snapshot(),
];

/// A text without a column of its list; `None` where the list does not hold it, or nothing else.
pub(super) fn without(text: &str, column: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|it| *it == "SELECT")? + 1;
    let last = lines.iter().position(|it| it.starts_with("FROM "))?;
    let list = lines.get(first..last)?;
    let named = |line: &&&str| {
        let line = line.trim().trim_end_matches(',');
        let name = line.rsplit_once(" AS ").map_or(line, |it| it.1);
        name.trim_matches('"') != column
    };
    let kept: Vec<&str> = list.iter().filter(named).map(|it| it.trim_end_matches(',')).collect();
    if kept.is_empty() || kept.len() == list.len() {
        return None;
    }
    Some([lines.get(..first)?.join("\n"), kept.join(",\n"), lines.get(last..)?.join("\n")].join("\n"))
}

/// What Redshift says no to in a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no view of this name: SQLSTATE 42P01.
    NoView(String),
    /// A view has no column of this name: 42703.
    NoColumn(String),
    /// The user may not read the view of this name: 42501.
    Denied(String),
    /// The result is larger than the Data API takes.
    TooLarge,
    /// Anything else.
    Other,
}

impl Refusal {
    /// From Redshift's words, which the Data API shows instead of an SQLSTATE; from that too, where it stands there.
    pub(super) fn of(error: &str) -> Self {
        let lower = error.to_ascii_lowercase();
        let has = |word: &str| lower.contains(word);
        let is_missing = has("does not exist");
        if has("42703") || (has("column ") && is_missing && !has("relation ")) {
            Self::NoColumn(name_in(&lower, &["column "]))
        } else if has("42p01") || (has("relation ") && is_missing) {
            Self::NoView(name_in(&lower, &["relation "]))
        } else if has("42501") || has("permission denied") {
            Self::Denied(name_in(&lower, &["relation ", "view ", "table "]))
        } else if (has("result") || has("response")) && ["larger than", "too large", "size limit", "exceed"].iter().any(|it| has(it)) {
            Self::TooLarge
        } else {
            Self::Other
        }
    }

    /// Its SQLSTATE, where it has one.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoView(_) => "42P01",
            Self::NoColumn(_) => "42703",
            Self::Denied(_) => "42501",
            Self::TooLarge => "too large",
            Self::Other => "FAILED",
        }
    }
}

/// The name behind one of the words in `column "x" does not exist in t`, `column t.x does not exist`, `permission denied for relation x`.
fn name_in(error: &str, words: &[&str]) -> String {
    let rest = words.iter().find_map(|it| error.split_once(it)).map_or("", |it| it.1);
    let name = rest.split(' ').next().unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::queries::{VISIBILITY, VISIBILITY_SUPERUSER, query};

    #[test]
    fn every_view_has_a_text_of_its_own() {
        for view in VIEWS {
            let text = query(view.file).unwrap();
            assert_eq!(view.file, format!("redshift/{}.sql", view.name));
            assert!(text.contains(&format!("\nFROM {}\n", view.name)), "{}", view.name);
            for name in [":from", ":until"] {
                assert_eq!(text.matches(name).count(), usize::from(view.windowed), "{}: {name}", view.name);
            }
            assert!(view.instead.is_none_or(|it| VIEWS.iter().any(|view| view.name == it)), "{}", view.name);
        }
        let files = VIEWS.iter().map(|it| it.file).chain([VISIBILITY, VISIBILITY_SUPERUSER]);
        for text in files.filter_map(query) {
            // Whoever looks for parameters and texts in quotes must find none in what is only said.
            let said = text.lines().filter(|it| it.starts_with("--")).collect::<String>();
            assert!(!said.contains([':', '\'', '"', ';']), "{said}");
        }
    }

    #[test]
    fn a_column_leaves_the_list_and_nothing_else() {
        let text =
            "-- Why.\nSELECT\n  query_id,\n  RTRIM(compute_type) AS compute_type,\n  RTRIM(\"table\") AS \"table\"\nFROM v\nWHERE x > 1";
        let one = without(text, "compute_type").unwrap();
        assert_eq!(one, "-- Why.\nSELECT\n  query_id,\n  RTRIM(\"table\") AS \"table\"\nFROM v\nWHERE x > 1");
        let other = without(&one, "table").unwrap();
        assert_eq!(other, "-- Why.\nSELECT\n  query_id\nFROM v\nWHERE x > 1");
        assert_eq!(without(&other, "query_id"), None, "nothing would be left");
        assert_eq!(without(text, "x"), None, "only the list is changed");
    }

    #[test]
    fn what_redshift_says_is_understood() {
        let column = |name: &str| Refusal::NoColumn(name.to_owned());
        let view = |name: &str| Refusal::NoView(name.to_owned());
        let denied = |name: &str| Refusal::Denied(name.to_owned());
        for (words, refusal) in [
            ("ERROR: relation \"sys_load_detail\" does not exist", view("sys_load_detail")),
            ("ERROR: relation \"sys_load_detail\" does not exist [42P01]", view("sys_load_detail")),
            ("ERROR: column \"compute_type\" does not exist in sys_query_history", column("compute_type")),
            ("ERROR: column sys_query_history.compute_type does not exist", column("compute_type")),
            ("ERROR: permission denied for relation svv_table_info", denied("svv_table_info")),
            ("ERROR: permission denied for view stv_slices [42501]", denied("stv_slices")),
            ("ERROR: the result is larger than 500 MB", Refusal::TooLarge),
            ("Database response exceeded size limit", Refusal::TooLarge),
            ("FATAL: database \"x\" does not exist", Refusal::Other),
            ("Query cancelled on user's request", Refusal::Other),
        ] {
            assert_eq!(Refusal::of(words), refusal, "{words}");
        }
    }
}

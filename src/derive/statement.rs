//! What a COPY or UNLOAD statement says about itself: table, place, role, format and options.

/// A statement that moves data between S3 and Redshift.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// COPY or UNLOAD.
    pub(super) verb: &'static str,
    /// Schema of the target table.
    pub(super) schema: Option<String>,
    /// Target table.
    pub(super) table: Option<String>,
    /// FROM or TO.
    pub(super) place: Option<String>,
    /// The role it assumes.
    pub(super) role: Option<String>,
    /// csv, txt, json, avro, orc, parquet, shapefile.
    pub(super) format: Option<&'static str>,
    /// gzip, bzip2, lzop, zstd; `None` when the text names none.
    pub(super) compression: Option<&'static str>,
    /// Options that matter to how files are read, upper case.
    pub(super) options: Vec<&'static str>,
    /// Whether the text ends where Redshift cut it, so that what it lacks is unknown.
    pub(super) cut: bool,
}

/// A statement shorter than this is whole: Redshift cuts at 4,000 characters, counted before it escapes some of them.
const WHOLE_BELOW: usize = 3_800;

/// The names of formats that `SYS_LOAD_HISTORY` uses.
const FORMATS: &[(&str, &str)] = &[
    ("CSV", "csv"),
    ("DELIMITER", "txt"),
    ("JSON", "json"),
    ("AVRO", "avro"),
    ("ORC", "orc"),
    ("PARQUET", "parquet"),
    ("FIXEDWIDTH", "txt"),
    ("SHAPEFILE", "shapefile"),
];
const COMPRESSIONS: &[(&str, &str)] = &[("GZIP", "gzip"), ("BZIP2", "bzip2"), ("LZOP", "lzop"), ("ZSTD", "zstd")];
const OPTIONS: &[&str] = &["ESCAPE", "REMOVEQUOTES", "FIXEDWIDTH", "MANIFEST", "MAXERROR", "NOLOAD"];

impl Statement {
    /// Reads a statement; `None` when it is neither COPY nor UNLOAD, or samples a table only.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut tokens = Tokens { rest: text }.peekable();
        let verb = loop {
            match tokens.next()? {
                Token::Word(word) if word.eq_ignore_ascii_case("copy") => break "COPY",
                Token::Word(word) if word.eq_ignore_ascii_case("unload") => break "UNLOAD",
                Token::Word(word) if word.eq_ignore_ascii_case("begin") || word.eq_ignore_ascii_case("transaction") => {}
                Token::Mark(';') => {}
                _ => return None,
            }
        };
        let mut read = Self { verb, cut: text.chars().count() >= WHOLE_BELOW && !text.trim_end().ends_with(';'), ..Self::default() };
        if verb == "COPY" {
            let Some(Token::Word(name)) = tokens.next() else { return None };
            if name.eq_ignore_ascii_case("analyze") {
                return None;
            }
            let mut parts = name.rsplit('.').map(ToOwned::to_owned);
            read.table = parts.next();
            read.schema = parts.next();
        }
        let preposition = if verb == "COPY" { "from" } else { "to" };
        let mut depth = 0_u32;
        while let Some(token) = tokens.next() {
            match token {
                Token::Mark('(') => depth += 1,
                Token::Mark(')') => depth = depth.saturating_sub(1),
                Token::Word(word) if depth == 0 => {
                    let next = match tokens.peek() {
                        Some(Token::Quoted(text)) => Some(text.clone()),
                        _ => None,
                    };
                    read.take(&word, next, preposition);
                }
                _ => {}
            }
        }
        if read.format.is_none() && verb == "COPY" && !read.cut {
            read.format = Some("txt");
        }
        Some(read)
    }

    fn take(&mut self, word: &str, quoted: Option<String>, preposition: &str) {
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        if is(preposition) && self.place.is_none() {
            self.place = quoted;
        } else if is("iam_role") {
            self.role = quoted;
        } else if is("credentials") {
            self.role = quoted.and_then(|it| it.split(';').find_map(|it| Some(it.strip_prefix("aws_iam_role=")?.to_owned())));
        } else if let Some((_, format)) = FORMATS.iter().find(|it| is(it.0)) {
            // CSV with a delimiter stays CSV.
            if *format != "txt" || self.format.is_none() {
                self.format = Some(format);
            }
        } else if let Some((_, compression)) = COMPRESSIONS.iter().find(|it| is(it.0)) {
            self.compression = Some(compression);
        }
        if let Some(option) = OPTIONS.iter().find(|it| is(it)) {
            self.options.push(option);
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A keyword, a number, or a name with its quotes taken off.
    Word(String),
    /// A string literal.
    Quoted(String),
    /// Anything else.
    Mark(char),
}

/// The tokens of a statement, without its comments.
struct Tokens<'a> {
    rest: &'a str,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        loop {
            self.rest = self.rest.trim_start();
            if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").map_or("", |it| it.1);
            } else if let Some(comment) = self.rest.strip_prefix("--") {
                self.rest = comment.split_once('\n').map_or("", |it| it.1);
            } else {
                break;
            }
        }
        let first = self.rest.chars().next()?;
        if first == '\'' {
            return Some(Token::Quoted(self.literal()));
        }
        if !is_of_name(first) && first != '"' {
            self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
            return Some(Token::Mark(first));
        }
        let mut quoted = false;
        let end = self.rest.char_indices().find(|(_, it)| {
            quoted ^= *it == '"';
            !quoted && *it != '"' && !is_of_name(*it)
        });
        let (word, rest) = self.rest.split_at(end.map_or(self.rest.len(), |it| it.0));
        self.rest = rest;
        Some(Token::Word(word.replace('"', "")))
    }
}

impl Tokens<'_> {
    /// A string literal, in which a quote is written twice.
    fn literal(&mut self) -> String {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            if c != '\'' {
                text.push(c);
            } else if chars.next_if(|it| it.1 == '\'').is_some() {
                text.push('\'');
            } else {
                end = at + 1;
                break;
            }
        }
        self.rest = self.rest.get(end..).unwrap_or_default();
        text
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '#')
}

/// Undoes what Redshift does to the text that it keeps: line breaks are written `\n`, backslashes doubled.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some(next @ ('n' | 'r' | 't' | '\\'))) => {
                plain.push(match next {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
                chars.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_tells_its_table_place_role_and_options() {
        let read = Statement::read(
            "/* {\"app\":\"dbt\"} */\nCOPY \"mart\".\"returns\" (id, \"from\")\nFROM 's3://b/it''s/' IAM_ROLE 'arn:aws:iam::1:role/r'\nformat as csv delimiter '|' IGNOREHEADER 1 GZIP MAXERROR 10",
        )
        .unwrap();
        assert_eq!((read.schema.as_deref(), read.table.as_deref()), (Some("mart"), Some("returns")));
        assert_eq!((read.place.as_deref(), read.role.as_deref()), (Some("s3://b/it's/"), Some("arn:aws:iam::1:role/r")));
        assert_eq!((read.format, read.compression, read.options), (Some("csv"), Some("gzip"), vec!["MAXERROR"]));
    }

    #[test]
    fn an_unload_tells_where_it_writes() {
        let read =
            Statement::read("unload ('select ''a'' from t')\nto 's3://b/p/'\ncredentials 'aws_iam_role=arn:aws:iam::1:role/w'").unwrap();
        assert_eq!((read.verb, read.place.as_deref(), read.role.as_deref()), ("UNLOAD", Some("s3://b/p/"), Some("arn:aws:iam::1:role/w")));
    }

    #[test]
    fn what_is_no_load_is_none() {
        for text in ["COPY ANALYZE mart.tickets", "select 'copy t from x'", "-- copy t from 's3://b'\nselect 1", ""] {
            assert_eq!(Statement::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_cut_text_leaves_the_format_open() {
        let long = format!("copy t ({})", "a_column, ".repeat(400));
        let read = Statement::read(&long).unwrap();
        assert!(read.cut && read.format.is_none() && read.place.is_none());
        assert_eq!(Statement::read("copy t from 's3://b/x'").unwrap().format, Some("txt"));
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescaped(r"copy t\nfrom 'a\\b'"), "copy t\nfrom 'a\\b'");
    }
}

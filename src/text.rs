//! Making text that strangers wrote safe to show: no secrets, no control characters, no endless lines.

use regex::{Regex, RegexSet};
use std::{borrow::Cow, sync::LazyLock};

/// The longest excerpt a finding carries, in characters.
pub const EXCERPT_CHARS: usize = 2_000;

const REDACTED: &str = "[redacted]";

/// Compiles a pattern whose words, digits and word borders are those of ASCII: names that AWS and Airflow give are, and automata
/// for all letters of the world are large and slow.
pub fn pattern(pattern: &str) -> Option<Regex> {
    Regex::new(&ascii(pattern)).ok()
}

fn ascii(pattern: &str) -> String {
    let (mut plain, mut in_class) = (String::with_capacity(pattern.len() * 2), false);
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match (chars.next(), in_class) {
                (Some('w'), true) => plain.push_str("0-9A-Za-z_"),
                (Some('w'), false) => plain.push_str("[0-9A-Za-z_]"),
                (Some('W'), false) => plain.push_str("[^0-9A-Za-z_]"),
                (Some('d'), true) => plain.push_str("0-9"),
                (Some('d'), false) => plain.push_str("[0-9]"),
                (Some('D'), false) => plain.push_str("[^0-9]"),
                (Some('b'), false) => plain.push_str("(?-u:\\b)"),
                (other, _) => {
                    plain.push('\\');
                    plain.extend(other);
                }
            },
            '[' if !in_class => {
                in_class = true;
                plain.push(c);
                // A bracket that stands first is one of the class.
                plain.extend(chars.next_if_eq(&'^'));
                if chars.next_if_eq(&']').is_some() {
                    plain.push_str("\\]");
                }
            }
            ']' => {
                in_class = false;
                plain.push(c);
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// What a secret looks like: a pattern, and the groups of it that stay.
struct Secret {
    pattern: &'static str,
    keeps: &'static str,
}

/// Every shape of secret we know, most specific first.
const SECRETS: &[Secret] = &[
    Secret { pattern: r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)", keeps: "" },
    Secret { pattern: r"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})([^A-Za-z0-9]{1,40})[A-Za-z0-9/+]{40}\b", keeps: "" },
    Secret { pattern: r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}", keeps: "" },
    Secret { pattern: r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,4}", keeps: "" },
    Secret { pattern: r"\b(?:FwoG|IQoJ|AQoD|FQoG)[A-Za-z0-9/+=%]{30,}", keeps: "" },
    Secret { pattern: r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,})", keeps: "" },
    Secret { pattern: r"(?i)(X-Amz-(?:Signature|Credential|Security-Token)=)[^&\s'\x22<>]+", keeps: "$1" },
    Secret { pattern: r"(?i)([?&](?:Signature|AWSAccessKeyId|sig|sv|token|access_token)=)[^&\s'\x22<>]+", keeps: "$1" },
    Secret { pattern: r"(?i)(\bhooks\.slack\.com/(?:services|workflows|triggers)/)[A-Za-z0-9/_-]+", keeps: "$1" },
    Secret { pattern: r"(?i)(\b[a-z][a-z0-9+.-]*://[^\s/:@'\x22]*:)[^\s'\x22]+(@)", keeps: "$1[redacted]$2" },
    Secret {
        pattern: r"(?i)(\b(?:mysql|mysqldump|mysqladmin|mariadb|sqlcmd|bteq|sqlplus)\b[^\r\n|;]*?\s-p)[^\s'\x22-][^\s'\x22]*",
        keeps: "$1",
    },
    Secret {
        pattern: r"(?i)(\b(?:proxy-)?authorization['\x22]?\s*[:=]\s*['\x22]?(?:bearer|basic|aws4-hmac-sha256)?\s*)[^\s'\x22]{6,}[^'\x22\r\n]*",
        keeps: "$1",
    },
    Secret { pattern: r"(?i)(\bbearer\s+)[A-Za-z0-9._~+/=-]{12,}", keeps: "$1" },
    Secret {
        pattern: r"(?i)(\b(?:access_key_id|secret_access_key|session_token|master_symmetric_key)\s+(?:as\s+)?')[^']*(')",
        keeps: "$1[redacted]$2",
    },
    Secret { pattern: r"(?i)(\bpassword\s+')[^']*(')", keeps: "$1[redacted]$2" },
    Secret {
        pattern: r"(?i)((?:aws_?)?(?:secret_?access_?key|session_?token|security_?token|access_?key_?id|secret_?key)\\?['\x22]?\s*[:=]\s*\\?['\x22]?)[^\s;,'\x22\\&}]{8,}",
        keeps: "$1",
    },
    Secret {
        pattern: r"(?i)(\b[a-z0-9_.-]*(?:password|passwd|passphrase|pwd|api_?key|client_secret|private_key|fernet_key|secret_key|auth_token|access_token|refresh_token|id_token)\\?['\x22]?\s*[:=]\s*\\?['\x22]?)[^\s;,'\x22\\&})]{3,}",
        keeps: "$1",
    },
    Secret { pattern: r"(?i)((?:^|[;'\x22\s])token=)[^\s;'\x22&]{8,}", keeps: "$1" },
];

static PATTERNS: LazyLock<Vec<(Regex, String)>> = LazyLock::new(|| {
    let compile = |secret: &Secret| {
        let keeps = if secret.keeps.contains(REDACTED) {
            secret.keeps.to_owned()
        } else if secret.keeps.is_empty() {
            REDACTED.to_owned()
        } else {
            format!("${{1}}{REDACTED}")
        };
        pattern(secret.pattern).map(|regex| (regex, keeps))
    };
    SECRETS.iter().filter_map(compile).collect()
});

/// All patterns at once: most texts hold no secret.
static ANY: LazyLock<Option<RegexSet>> = LazyLock::new(|| RegexSet::new(SECRETS.iter().map(|it| ascii(it.pattern))).ok());

/// Replaces every secret that we can recognise.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    if ANY.as_ref().is_some_and(|it| !it.is_match(text)) {
        return clean;
    }
    for (pattern, keeps) in PATTERNS.iter() {
        if let Cow::Owned(changed) = pattern.replace_all(&clean, keeps.as_str()) {
            clean = Cow::Owned(changed);
        }
    }
    clean
}

/// Drops terminal escapes, control and bidirectional characters; line breaks and tabs stay.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hostile) {
        return Cow::Borrowed(text);
    }
    let plain = without_escapes(text);
    Cow::Owned(plain.chars().filter(|it| !is_hostile(*it)).collect())
}

/// Drops terminal escape sequences: colours, cursor moves, titles and links.
pub fn without_escapes(text: &str) -> Cow<'_, str> {
    static ESCAPES: LazyLock<Option<Regex>> =
        LazyLock::new(|| pattern(r"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[P^_X][^\x1b]*\x1b\\|[ -/]*[0-~])"));
    if !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    match ESCAPES.as_ref() {
        Some(escapes) => escapes.replace_all(text, ""),
        None => Cow::Borrowed(text),
    }
}

fn is_hostile(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{061c}' | '\u{feff}' | '\u{2028}' | '\u{2029}' => {
            true
        }
        _ => c.is_control(),
    }
}

/// Text fit for any report: redacted, printable, at most `chars` characters.
pub fn safe(text: &str, chars: usize) -> String {
    let plain = printable(text);
    let clean = redact(&plain);
    if clean.chars().count() <= chars {
        return clean.into_owned();
    }
    let mut cut: String = clean.chars().take(chars.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// Text on one line: every run of white space is one blank.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The key of an object, from how S3 encodes it in lists: `dt%3D2024-05-01/a+b`.
pub fn unquoted(key: Cow<'_, str>) -> Cow<'_, str> {
    if memchr::memchr2(b'%', b'+', key.as_bytes()).is_none() {
        return key;
    }
    let mut bytes = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%').and_then(|it| std::str::from_utf8(it).ok());
        if let Some(byte) = hex.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = after;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a folder or file name holds a value that changes from run to run: `dt=2026-08-14`, `20260814`, `0003`, a UUID.
pub fn is_variable(name: &str) -> bool {
    static VALUES: LazyLock<Option<Regex>> = LazyLock::new(|| {
        pattern(
            r"(?i)^\d+$|=|(?:^|\D)(?:19|20)\d{2}[-_]?(?:0[1-9]|1[0-2])[-_]?(?:0[1-9]|[12]\d|3[01])(?:\D|$)|\d{7,}|(?:^|[^0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}",
        )
    });
    VALUES.as_ref().is_some_and(|it| it.is_match(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_about_ascii() {
        assert_eq!(ascii(r"\b\w+[\w-]\d[^\d\]x][]a]\\w\W\s"), r"(?-u:\b)[0-9A-Za-z_]+[0-9A-Za-z_-][0-9][^0-9\]x][\]a]\\w[^0-9A-Za-z_]\s");
        assert!(pattern(r"^[\w.]+$").unwrap().is_match("a_b.C9"));
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(PATTERNS.len(), SECRETS.len());
        assert_eq!(ANY.as_ref().map(RegexSet::len), Some(SECRETS.len()));
    }

    #[test]
    fn no_secret_survives() {
        let secrets = [
            ("key AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
            ("key AKIAIOSFODNN7EXAMPLE.", "AKIAIOSF"),
            (
                "copy t from 's3://b' credentials 'aws_access_key_id=AKIAIOSFODNN7EXAMPLE;aws_secret_access_key=abcdEFGH1234/+abcdEFGH1234abcdEFGH1234abcd;token=FwoGZXIvYXdzEXAMPLETOKEN0123456789'",
                "abcdEFGH",
            ),
            ("copy t access_key_id 'xyzzyaccess' secret_access_key 'xyzzysecret'", "xyzzysecret"),
            ("postgresql://etl:hunter2pw@db:5439/dev", "hunter2pw"),
            ("https://b.s3.amazonaws.com/k?X-Amz-Credential=ASIAABCDEFGHIJKLMNOP%2F20240101&X-Amz-Signature=deadbeef01", "deadbeef01"),
            ("Authorization: Bearer abc.def.ghi-0123456789", "abc.def.ghi"),
            ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", "eyJzdWIi"),
            (r#"{"password": "hunter2pw", "x": 1}"#, "hunter2pw"),
            (r#"{\"aws_session_token\": \"IQoJb3JpZ2luX2VjEXAMPLE0123456789abcdef\"}"#, "IQoJb3"),
            ("PGPASSWORD=hunter2pw psql", "hunter2pw"),
            ("postgres://u:p@hunter2pw@db/dev", "hunter2pw"),
            ("mysql -u root -phunter2pw -h db", "hunter2pw"),
            ("https://hooks.slack.com/services/T000/B000/hunter2pw", "hunter2pw"),
        ];
        for (text, secret) in secrets {
            assert!(!redact(text).contains(secret), "{}", redact(text));
        }
    }

    #[test]
    fn what_explains_the_failure_stays() {
        for text in [
            "User: arn:aws:sts::123456789012:assumed-role/etl/session is not authorized to perform: s3:GetObject",
            "credentials 'aws_iam_role=arn:aws:iam::123456789012:role/loader'",
            "s3://bucket/key/part-0000.gz",
            "Found credentials in environment variables.",
            "manual__2026-11-20T08:44:35.876881+00:00",
        ] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn escapes_and_bidi_never_come_out() {
        let hostile = "a\x1b[31mred\x1b[0m\x1b]8;;http://evil\x07link\u{202e}txt\r\x07 <b>";
        assert_eq!(printable(hostile), "aredlinktxt <b>");
    }

    #[test]
    fn long_text_is_cut_by_characters() {
        assert_eq!(safe("äöüß", 3), "äö…");
    }
}

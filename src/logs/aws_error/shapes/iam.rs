//! The sentence of IAM: who is not authorized to do what, on what.

use super::{Reading, Shape, group, tidy};
use crate::tables::errors::AwsError;
use regex::Captures;

pub(super) static SHAPES: &[Shape] = &[
    open(
        "the IAM sentence",
        r#"(?is)(?:\b(?:User|Role|Principal|Identity):\s*|\brole\s+)?(?:\\*["'])?(?P<principal>arn:[\w*-]+:(?:iam|sts):[^\n]{3,250}?|anonymous)(?:\\*["'])?\s+is\s+not\s+authorized\s+to\s+perform:?(?:\s+\[?(?P<action>[\w-]+:\s?[\w*]+)\]?(?P<on>\s+on\s+(?:the\s+)?resources?:?\s+)?)?"#,
        &[700, 300, 300],
        false,
    ),
    open(
        "a refusal of an unnamed caller",
        r"(?i)\bnot\s+authorized\s+to\s+perform:?\s+(?:operation:?\s+)?\[?(?P<action>[a-z][\w-]+:[A-Z]\w+)\]?(?P<on>\s+on\s+(?:the\s+)?resources?:?\s+)?",
        &[500],
        true,
    ),
];

/// A sentence that goes on with the resource, as far as its line does, and at most so many characters.
const fn open(name: &'static str, pattern: &'static str, most: &'static [usize], weak: bool) -> Shape {
    Shape { name, pattern, read: Reading::Open(most, sentence), weak, beside: AUTHORIZED }
}

/// What the sentence holds, in its own spelling or all in capitals.
const AUTHORIZED: &[&str] = &["uthorized", "UTHORIZED"];

fn sentence(found: &Captures<'_>, whole: &str, tail: &str) -> Option<AwsError> {
    let resource = resource_in(tail.trim());
    // A template of a program, not what it printed.
    if whole.contains("%s") || resource.as_deref().is_some_and(|it| it.starts_with("${")) {
        return None;
    }
    let end = found
        .name("action")
        .or_else(|| found.name("principal"))
        .map_or(whole.len(), |it| it.end() - found.get(0).map_or(0, |it| it.start()));
    let message = match &resource {
        Some(resource) => format!("{} on resource: {resource}", whole.get(..end).unwrap_or(whole)),
        None => whole.get(..end).unwrap_or(whole).to_owned(),
    };
    Some(AwsError {
        principal: group(found, "principal").map(|it| tidy(&crate::text::one_line(&it))),
        action: group(found, "action").map(|it| it.replace(char::is_whitespace, "")),
        resource,
        message: super::super::one_line_of(&message),
        ..AwsError::default()
    })
}

/// What ends the name of a resource in every spelling of the sentence.
const ENDS: &[&str] = &[
    "because no ",
    "because the ",
    "with an explicit deny",
    "(Service",
    "status code",
    "Status Code",
    "Encoded authorization",
    "</",
    "&quot;",
    "\\n",
    "\\\"",
    "\\'",
    "`",
    "\u{201d}",
    "\u{2019}",
    " | ",
    "\", ",
    "\"}",
    "\")",
    "**",
];

/// Words that stand before the name of a resource.
const TYPES: &[&str] = &["role", "user", "policy", "group", "instance", "bucket", "table", "key", "queue", "topic", "secret"];

/// The resource at the beginning of what follows `on resource:`.
fn resource_in(rest: &str) -> Option<String> {
    let rest = rest.trim_start().trim_start_matches(['[', '\\', '`', '\u{201c}', '\u{2018}']).trim_start_matches("**");
    let rest = rest.strip_prefix("&quot;").unwrap_or(rest);
    for quote in ['"', '\''] {
        if let Some(inside) = rest.strip_prefix(quote) {
            let end = inside.find([quote, '\n', '\\']).unwrap_or(inside.len());
            return Some(tidy(inside.get(..end)?)).filter(|it| !it.is_empty());
        }
    }
    let line = rest.lines().next()?;
    let told = ENDS.iter().filter_map(|it| line.find(it)).min();
    let text = match told {
        // The sentence itself says where the name ends: it may hold blanks.
        Some(end) if line.get(end..).is_some_and(|it| it.starts_with("because") || it.starts_with("with an")) => {
            line.get(..end)?.trim_end()
        }
        _ => first_words(line.get(..told.unwrap_or(line.len()))?),
    };
    let text = tidy(text.replace("\\*", "*").trim_end_matches('\\'));
    (!text.is_empty() && text != "null").then_some(text)
}

/// The first word, with the rest of a placeholder that holds blanks, or of a name behind its type.
fn first_words(text: &str) -> &str {
    let mut depth = 0_i32;
    let mut end = text.len();
    for (at, c) in text.char_indices() {
        match c {
            '<' | '{' => depth += 1,
            '>' | '}' => depth -= 1,
            _ if c.is_whitespace() && depth <= 0 => {
                end = at;
                break;
            }
            _ => {}
        }
    }
    let (first, behind) = text.split_at(end);
    if TYPES.contains(&first) {
        let name = behind.trim_start();
        let length = name.find(char::is_whitespace).unwrap_or(name.len());
        return text.get(..text.len() - name.len() + length).unwrap_or(first);
    }
    first
}

#[cfg(test)]
mod tests {
    use super::resource_in;

    #[test]
    fn a_resource_ends_where_its_name_ends() {
        for (rest, expected) in [
            ("\"arn:aws:s3:::b/k\" because no identity-based policy", "arn:aws:s3:::b/k"),
            ("arn:aws:glue:eu-west-1:1:job/Copy parking zone because no identity", "arn:aws:glue:eu-west-1:1:job/Copy parking zone"),
            ("role cdk-hnb659fds-deploy because no permissions", "role cdk-hnb659fds-deploy"),
            ("arn:aws:dynamodb:us:1:table/<snip table name> and so on", "arn:aws:dynamodb:us:1:table/<snip table name>"),
            ("arn:aws:glue:eu:1:catalog (Service: AWSGlue; Status", "arn:aws:glue:eu:1:catalog"),
            ("my-function", "my-function"),
            ("* because no identity-based policy", "*"),
            ("arn:aws:iam::1:role/r</Message></Error>", "arn:aws:iam::1:role/r"),
            ("\\\"arn:aws:s3:::b\\\" because", "arn:aws:s3:::b"),
        ] {
            assert_eq!(resource_in(rest).as_deref(), Some(expected), "{rest}");
        }
    }
}

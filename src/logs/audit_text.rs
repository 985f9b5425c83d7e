//! `CloudTrail` records that stand in a text: quoted, fenced, broken, cut out, or in the columns of a table.

use super::audit::{self, Audit};
use crate::{
    tables::{Origin, errors::ErrorRow},
    units::Moment,
};

pattern!(
    MEMBER,
    r#"(?i)\\*["']?\b(eventName|eventSource|eventTime|errorCode|errorMessage|requestID|bucketName|userIdentity[._]?arn|arn|roleArn)\b\\*["']?\s*[:=]\s*\\*["']((?:[^"'\\\n]|\\+[^"'\\\n]|\\+"[^",}\n]*\\+")*)"#
);

/// The refusals of every record in a text.
pub(super) fn find(text: &str, at: Option<Moment>, origin: &Origin) -> Vec<ErrorRow> {
    let low = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if !(low("errorCode") || low("errorcode")) || !(low("eventName") || low("eventname")) {
        return Vec::new();
    }
    records(text).into_iter().filter_map(|it| record(it, at, origin.clone())).collect()
}

/// A text cut where a new record begins.
fn records(text: &str) -> Vec<&str> {
    let starts: Vec<usize> = text.match_indices("eventVersion").map(|it| it.0).collect();
    if starts.len() < 2 {
        return vec![text];
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(from, to)| text.get(*from..to)).collect()
}

fn record(text: &str, at: Option<Moment>, origin: Origin) -> Option<ErrorRow> {
    let mut audit = Audit { at, ..Audit::default() };
    for found in MEMBER.as_ref()?.captures_iter(text) {
        let value = found[2].replace("\\\"", "\"");
        // Pasting into a page turns names into links: `[name](http://name/)`.
        let value = value.strip_prefix('[').and_then(|it| it.split_once("](")).map_or(value.clone(), |it| it.0.to_owned());
        match found[1].to_ascii_lowercase().as_str() {
            "eventname" if audit.operation.is_empty() => audit.operation = value,
            "eventsource" if audit.service.is_empty() => audit.service = value,
            "errorcode" if audit.code.is_empty() => audit.code = value,
            "errormessage" if audit.message.is_empty() => audit.message = value,
            "eventtime" => audit.at = Moment::parse(&value).map(|it| it.moment).or(audit.at),
            "requestid" => audit.request_id = Some(value),
            "bucketname" => {
                audit.resource = Some(format!("arn:aws:s3:::{value}"));
                audit.resource_inferred = true;
            }
            _ if audit.principal.is_none() && (value.contains(":iam:") || value.contains(":sts:")) => audit.principal = Some(value),
            _ => {}
        }
    }
    let told = !audit.service.is_empty() || !audit.message.is_empty() || audit.principal.is_some();
    if audit.operation.is_empty() || audit.code.is_empty() || !told {
        return None;
    }
    audit.excerpt = text.chars().take(1_500).collect();
    audit::refusal(audit, origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(Option<String>, Option<String>, Option<String>)> {
        let origin = Origin { file: "f".into(), record: 1 };
        find(text, None, &origin).into_iter().map(|it| (it.error.service, it.error.operation, it.error.principal)).collect()
    }

    #[test]
    fn a_record_is_read_from_whatever_carries_it() {
        let some = |text: &str| Some(text.to_owned());
        let expected = vec![(some("s3"), some("HeadObject"), some("arn:aws:sts::1:assumed-role/r/s"))];
        let record = r#"{"eventSource":"s3.amazonaws.com","eventName":"HeadObject","userIdentity":{"arn":"arn:aws:sts::1:assumed-role/r/s"},"errorCode":"AccessDenied"}"#;
        assert_eq!(told(record), expected);
        assert_eq!(told(&record.replace('"', "\\\"")), expected);
        assert_eq!(told(&record.replace(',', ",\n> ").replace("},", "},\n-- snip ---\n")), expected);
        assert_eq!(
            told(
                "eventSource: \"s3.amazonaws.com\"\neventName: \"HeadObject\"\nerrorCode: \"AccessDenied\"\nuserIdentity.arn: \"arn:aws:sts::1:assumed-role/r/s\""
            ),
            expected
        );
        assert!(told(&record.replace("AccessDenied", "NoSuchKey")).is_empty());
    }
}

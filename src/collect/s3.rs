//! Listings of S3: the objects below an address, page by page, as `aws s3api list-objects-v2` prints them.
//!
//! S3 answers in XML. What is stored is the JSON that the AWS CLI makes of it, which the same source reads as a dump.

use super::{
    Collector, Operation, Outcome, Unit, Work,
    calls::{Context, Failure},
    store,
};
use crate::{case::manifest::State, text};
use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client,
    config::Builder,
    operation::list_objects_v2::ListObjectsV2Output,
    primitives::{DateTime, DateTimeFormat},
    types::{ChecksumAlgorithm, ChecksumType, EncodingType, Object, ObjectStorageClass},
};
use serde_json::{Map, Value, json};

pub(super) static COLLECTOR: Collector = Collector {
    name: "s3",
    title: "listings of S3",
    operations: &[&LIST_OBJECTS],
    plans_with: &[],
    wanted: |asked| !asked.s3.is_empty(),
    plan: |cx| Box::pin(std::future::ready(Ok(plan(&cx)))),
    run: |cx, work| Box::pin(run(cx, work)),
};

/// S3 takes 5,500 reads a second of a prefix; pages come one after another, so that this is never reached.
pub(super) static LIST_OBJECTS: Operation = Operation {
    service: "s3",
    name: "ListObjectsV2",
    action: "s3:ListBucket",
    resource: "arn:aws:s3:::*",
    per_second: 100.0,
    optional: false,
};

/// The most objects of one address, unless told otherwise: 5,000 calls, which cost some three cents.
const MOST_OBJECTS: u64 = 5_000_000;

/// What S3 answers where a bucket lies in another region.
const REDIRECTS: &[&str] =
    &["PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "IncorrectEndpoint"];

fn plan(cx: &Context) -> Vec<(String, Unit)> {
    let unit =
        |address: &String| (store::id_of(COLLECTOR.name, address, "objects"), Unit::new(COLLECTOR.name, LIST_OBJECTS.name, address, None));
    cx.session.asked.s3.iter().map(unit).collect()
}

/// Bucket and prefix of an address.
pub(super) fn parts(address: &str) -> (&str, &str) {
    let address = address.strip_prefix("s3://").unwrap_or(address);
    address.split_once('/').unwrap_or((address, ""))
}

/// A client: addresses of custom endpoints have no room for a bucket in front of their host.
pub(super) fn client(config: &SdkConfig) -> Client {
    let is_custom = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    Client::from_conf(Builder::from(config).force_path_style(is_custom).build())
}

async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let client = client(&cx.session.config);
    let most = cx.session.asked.s3_most_objects.unwrap_or(MOST_OBJECTS);
    let subject = unit.subject.clone();
    let (bucket, prefix) = parts(&subject);
    let mut answers = cx.session.store()?.answers(&id)?;
    let mut token: Option<String> = None;
    unit.rows = 0;
    unit.notes.clear();
    loop {
        // Keys may hold what XML cannot: S3 then encodes all.
        let request = || {
            client.list_objects_v2().bucket(bucket).prefix(prefix).encoding_type(EncodingType::Url).set_continuation_token(token.clone())
        };
        let page = cx.call(&LIST_OBJECTS, |tap| request().customize().interceptor(tap).send()).await.map_err(explained)?.output;
        unit.rows += page.contents().len() as u64;
        if !page.contents().is_empty() {
            answers.push(
                &serde_json::to_vec(&as_printed(&page))
                    .map_err(|it| Failure::Unanswered { operation: &LIST_OBJECTS, reason: it.to_string() })?,
            )?;
        }
        let next = page.next_continuation_token;
        if next.is_none() || page.is_truncated == Some(false) {
            break;
        }
        if unit.rows >= most {
            let reason = format!("{} objects were listed, and there are more: --s3-max-objects sets how many", unit.rows);
            (unit.state, unit.reason) = (State::Truncated, Some(reason));
            break;
        }
        if next == token {
            (unit.state, unit.reason) = (State::Truncated, Some("a page names itself as the one that follows".to_owned()));
            break;
        }
        token = next;
    }
    if unit.rows > 0 {
        answers.finish(&mut unit)?;
    } else {
        unit.notes.push(format!("{}: there are no objects", unit.subject));
    }
    Ok(Outcome::Done(Box::new(unit)))
}

/// Whether a bucket is said to lie in another region.
pub(crate) fn lies_elsewhere(code: &str) -> bool {
    REDIRECTS.contains(&code)
}

/// A refusal, and what helps where it is only that the bucket lies elsewhere.
pub(super) fn explained(failure: Failure) -> Failure {
    match failure {
        Failure::Aws { operation, code, message } if lies_elsewhere(&code) => {
            let message = format!("{message}; it lies in another region: collect it into a case of its own, with --region");
            Failure::Aws { operation, code, message }
        }
        other => other,
    }
}

/// A page as the AWS CLI prints it: names and order are its own.
fn as_printed(page: &ListObjectsV2Output) -> Value {
    let mut shown = Map::new();
    put(&mut shown, "IsTruncated", page.is_truncated());
    shown.insert("Contents".to_owned(), page.contents().iter().map(object).collect());
    put(&mut shown, "Name", page.name());
    put(&mut shown, "Prefix", page.prefix().map(decoded));
    put(&mut shown, "MaxKeys", page.max_keys());
    put(&mut shown, "EncodingType", page.encoding_type().map(EncodingType::as_str));
    put(&mut shown, "KeyCount", page.key_count());
    put(&mut shown, "ContinuationToken", page.continuation_token());
    put(&mut shown, "NextContinuationToken", page.next_continuation_token());
    Value::Object(shown)
}

fn object(object: &Object) -> Value {
    let mut shown = Map::new();
    put(&mut shown, "Key", object.key().map(decoded));
    put(&mut shown, "LastModified", object.last_modified().and_then(time));
    put(&mut shown, "ETag", object.e_tag());
    let algorithms: Vec<&str> = object.checksum_algorithm().iter().map(ChecksumAlgorithm::as_str).collect();
    put(&mut shown, "ChecksumAlgorithm", (!algorithms.is_empty()).then_some(algorithms));
    put(&mut shown, "ChecksumType", object.checksum_type().map(ChecksumType::as_str));
    put(&mut shown, "Size", object.size());
    put(&mut shown, "StorageClass", object.storage_class().map(ObjectStorageClass::as_str));
    Value::Object(shown)
}

fn decoded(key: &str) -> String {
    text::unquoted(key.into()).into_owned()
}

fn put(shown: &mut Map<String, Value>, key: &str, value: Option<impl serde::Serialize>) {
    if let Some(value) = value {
        shown.insert(key.to_owned(), json!(value));
    }
}

/// `2026-08-11T01:04:40+00:00`.
fn time(at: &DateTime) -> Option<String> {
    let shown = at.fmt(DateTimeFormat::DateTime).ok()?;
    Some(shown.strip_suffix('Z').map_or(shown.clone(), |it| format!("{it}+00:00")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_stored_as_the_command_line_prints_it() {
        let object = Object::builder()
            .key("clicks/dt%3D2026-08-10/a+b%0Ac.gz")
            .last_modified(DateTime::from_secs(1_786_410_280))
            .e_tag("\"d41d8cd9\"")
            .size(137_673_133)
            .storage_class("STANDARD".into())
            .build();
        let page =
            ListObjectsV2Output::builder().contents(object).name("shop-raw").prefix("clicks/").is_truncated(false).key_count(1).build();
        let wanted = r#"{"IsTruncated":false,"Contents":[{"Key":"clicks/dt=2026-08-10/a b\nc.gz","LastModified":"2026-08-11T01:04:40+00:00","ETag":"\"d41d8cd9\"","Size":137673133,"StorageClass":"STANDARD"}],"Name":"shop-raw","Prefix":"clicks/","KeyCount":1}"#;
        assert_eq!(as_printed(&page).to_string(), wanted);
    }
}

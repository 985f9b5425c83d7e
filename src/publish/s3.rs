//! A lake in S3: every object carries the hash of its bytes, so that what is the same is not written again.

use super::{
    aws::{Aws, Refusal},
    place::{LAKE_BUCKET, LAKE_OBJECTS},
    store::{Object, sha256},
};
use crate::{
    collect::{Operation, Ways, access},
    error::Result,
    text,
};
use aws_sdk_s3::{Client, primitives::ByteStream, types::EncodingType};

/// The name of the hash among what an object says of itself.
const HASH: &str = "sha256";

/// Codes of what is not there.
const ABSENT: &[&str] = &["NoSuchKey", "NotFound"];

const fn operation(name: &'static str, action: &'static str, resource: &'static str) -> Operation {
    Operation { service: "s3", name, action, resource, per_second: 100.0, optional: false }
}

/// Every operation that publishing calls.
pub(super) static OPERATIONS: &[&Operation] = &[&LIST, &GET, &HEAD, &PUT, &COPY, &DELETE];
static LIST: Operation = operation("ListObjectsV2", "s3:ListBucket", LAKE_BUCKET);
static GET: Operation = operation("GetObject", "s3:GetObject", LAKE_OBJECTS);
static HEAD: Operation = operation("HeadObject", "s3:GetObject", LAKE_OBJECTS);
static PUT: Operation = operation("PutObject", "s3:PutObject", LAKE_OBJECTS);
static COPY: Operation = operation("CopyObject", "s3:PutObject", LAKE_OBJECTS);
static DELETE: Operation = operation("DeleteObject", "s3:DeleteObject", LAKE_OBJECTS);

/// A prefix of a bucket.
#[derive(Debug)]
pub(super) struct S3 {
    pub(super) aws: Aws,
    client: Client,
    bucket: String,
    /// With a slash at its end, or nothing.
    prefix: String,
}

impl S3 {
    /// Logs in.
    pub(super) fn open(bucket: &str, prefix: &str, ways: &Ways) -> Result<Self> {
        let aws = Aws::open(ways)?;
        let client = access::s3(&aws.config);
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { aws, client, bucket: bucket.to_owned(), prefix })
    }

    pub(super) fn list(&self, below: &str) -> Result<Vec<Object>> {
        let prefix = self.full(below);
        let (mut found, mut token) = (Vec::new(), None::<String>);
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(&prefix);
            // Keys may hold what XML cannot: S3 then encodes all.
            let request = request.encoding_type(EncodingType::Url).set_continuation_token(token.clone());
            let page = self.call(&LIST, below, request.send())?;
            for it in page.contents() {
                let key = text::unquoted(it.key().unwrap_or_default().into()).into_owned();
                if let Some(key) = key.strip_prefix(&self.prefix) {
                    found.push(Object { key: key.to_owned(), bytes: it.size().and_then(|it| u64::try_from(it).ok()).unwrap_or(0) });
                }
            }
            if page.next_continuation_token.is_none() || page.next_continuation_token == token {
                found.sort();
                return Ok(found);
            }
            token = page.next_continuation_token;
        }
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let request = self.client.get_object().bucket(&self.bucket).key(self.full(key));
        let Some(answer) = there(self.call(&GET, key, request.send()))? else { return Ok(None) };
        let body = self.aws.wait(answer.body.collect());
        let body = body.map_err(|it| crate::error::Error::Publish(format!("{}: its bytes did not come whole: {it}", self.shown(key))))?;
        Ok(Some(body.to_vec()))
    }

    /// The hash that an object carries; of one that carries none, that of its bytes.
    pub(super) fn sha256(&self, key: &str) -> Result<Option<String>> {
        let request = self.client.head_object().bucket(&self.bucket).key(self.full(key));
        let Some(answer) = there(self.call(&HEAD, key, request.send()))? else { return Ok(None) };
        match answer.metadata().and_then(|it| it.get(HASH)) {
            Some(hash) => Ok(Some(hash.clone())),
            None => Ok(self.get(key)?.map(|it| sha256(&it))),
        }
    }

    pub(super) fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        let request = self.client.put_object().bucket(&self.bucket).key(self.full(key));
        let request = request.metadata(HASH, sha256(bytes)).body(ByteStream::from(bytes.to_vec()));
        self.call(&PUT, key, request.send())?;
        Ok(())
    }

    pub(super) fn copy(&self, from: &str, to: &str) -> Result<()> {
        let source = quoted(&format!("{}/{}", self.bucket, self.full(from)));
        let request = self.client.copy_object().bucket(&self.bucket).key(self.full(to)).copy_source(source);
        self.call(&COPY, to, request.send())?;
        Ok(())
    }

    pub(super) fn delete(&self, key: &str) -> Result<()> {
        let request = self.client.delete_object().bucket(&self.bucket).key(self.full(key));
        self.call(&DELETE, key, request.send())?;
        Ok(())
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    fn shown(&self, key: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.full(key))
    }

    fn call<T, E>(
        &self,
        operation: &'static Operation,
        key: &str,
        sent: impl Future<Output = std::result::Result<T, aws_sdk_s3::error::SdkError<E>>>,
    ) -> Result<T, Refusal>
    where
        E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let objects = format!("arn:aws:s3:::{}/{}*", self.bucket, self.prefix);
        let narrow = |it: &str| it.replace(LAKE_OBJECTS, &objects).replace(LAKE_BUCKET, &format!("arn:aws:s3:::{}", self.bucket));
        self.aws.call(operation, &self.shown(key), narrow, sent)
    }
}

/// Nothing, of what is not there.
fn there<T>(answer: Result<T, Refusal>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(refusal) if ABSENT.contains(&refusal.code.as_str()) => Ok(None),
        Err(refusal) => Err(refusal.error),
    }
}

/// A key as a header takes it.
fn quoted(key: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.~/".contains(&it);
    key.bytes().map(|it| if plain(it) { char::from(it).to_string() } else { format!("%{it:02X}") }).collect()
}

//! S3 stores, made from a table's own options and nothing else.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};

use super::Locations;
use super::location::public_uri;
use crate::error::{Error, Result};
use crate::generated::ErrorCode;

/// The options a table may set; whatever could reach another server or identity is left out.
const OPTIONS: [&str; 8] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_endpoint",
    "aws_allow_http",
    "aws_skip_signature",
    "aws_virtual_hosted_style_request",
];

/// Builds the store of `bucket`. Credentials never fall back to the server's own identity: without keys the
/// library would ask the instance's metadata service.
pub fn s3_store(
    bucket: &str,
    options: &BTreeMap<String, String>,
    locations: &Locations,
) -> Result<Arc<dyn ObjectStore>> {
    let mut builder = AmazonS3Builder::new().with_bucket_name(bucket);
    let mut given = Vec::new();
    for (name, value) in options {
        let key = option(name)?;
        if key == Key::Endpoint && !locations.allows_endpoint(value) {
            let value = public_uri(value);
            let message = format!("The endpoint {value} isn't allowed: list it in LAKEGATE_S3_ENDPOINTS");
            return Err(Error::new(ErrorCode::LocationNotAllowed, message));
        }
        given.push(key);
        builder = builder.with_config(key, value);
    }
    let has_keys = given.contains(&Key::AccessKeyId) && given.contains(&Key::SecretAccessKey);
    if !has_keys && !given.contains(&Key::SkipSignature) {
        let message =
            "An S3 table needs aws_access_key_id and aws_secret_access_key, or aws_skip_signature for a public bucket";
        return Err(Error::new(ErrorCode::TableUnreadable, message));
    }
    match builder.build() {
        Ok(store) => Ok(Arc::new(store)),
        Err(_) => Err(Error::new(
            ErrorCode::TableUnreadable,
            "The storage options don't make an S3 store",
        )),
    }
}

fn option(name: &str) -> Result<Key> {
    let known = OPTIONS.contains(&name).then(|| Key::from_str(name).ok()).flatten();
    known.ok_or_else(|| {
        let message = format!("There is no storage option {name}. Options: {}", OPTIONS.join(", "));
        Error::new(ErrorCode::TableUnreadable, message).with("option", name)
    })
}

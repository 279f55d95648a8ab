//! A door for `crates/fuzzing` to what is private otherwise. No part of the API.

use crate::{ObjectsOptions, location::Location, s3::Settings};
use object_store::aws::AmazonS3Builder;

/// Reads a store's URL and endpoint as [`crate::Objects::open`] does, without the environment, and opens nothing. Answers, for
/// a bucket, what is read back from the key of the object `name`.
pub fn name_through_key(url: &str, endpoint: Option<&str>, name: &str) -> Option<String> {
    let Location::Bucket(bucket) = Location::parse(url).ok()? else { return None };
    let options = ObjectsOptions {
        endpoint: endpoint.map(str::to_owned),
        credentials: Some((String::new(), String::new())),
        ..ObjectsOptions::new(url)
    };
    let settings = Settings::with_environment(&bucket, &options, AmazonS3Builder::new()).ok()?;
    Some(settings.name(&settings.key(name)).unwrap_or_default().to_owned())
}

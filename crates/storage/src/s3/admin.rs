//! What the data path does not need, by the AWS SDK: the bucket's settings, and uploads that nobody finished.
//!
//! Endpoint, region and credentials are the data path's.

use super::{S3Store, lifecycle};
use crate::{
    ObjectErrorKind,
    failure::{from_object_store, status_kind},
    probe::Check,
    store::Failure,
};
use aws_sdk_s3::{
    Client,
    config::{
        Config, Credentials, Region, SharedCredentialsProvider, SharedHttpClient,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
    types::{BucketVersioningStatus, LifecycleRule},
};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use std::time::Duration;

const OPERATION_TIMEOUT: Duration = Duration::from_secs(15);

/// A client with the credentials of this moment.
pub(super) async fn client(store: &S3Store) -> Result<Client, Failure> {
    let credentials = store.s3.credentials().get_credential().await.map_err(from_object_store)?;
    let credentials = Credentials::new(
        &credentials.key_id,
        &credentials.secret_key,
        credentials.token.clone(),
        None,
        "alluvium",
    );
    let settings = &store.settings;
    let timeouts = TimeoutConfig::builder().operation_timeout(OPERATION_TIMEOUT).build();
    let mut config = Config::builder()
        .behavior_version_latest()
        .region(Region::new(settings.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .force_path_style(settings.endpoint.is_some());
    if let Some(endpoint) = &settings.endpoint {
        config = config.endpoint_url(endpoint.as_str());
    }
    if let Some(authorities) = &settings.authorities {
        config = config.http_client(trusting(authorities)?);
    }
    Ok(Client::from_conf(config.build()))
}

/// A client of the SDK that trusts these beside the system's.
fn trusting(authorities: &[u8]) -> Result<SharedHttpClient, Failure> {
    let store = TrustStore::default().with_pem_certificate(authorities);
    let context = TlsContext::builder().with_trust_store(store).build();
    let context =
        context.map_err(|error| Failure::new(ObjectErrorKind::Invalid, error.to_string()))?;
    let provider = Provider::Rustls(CryptoMode::AwsLc);
    let builder = aws_smithy_http_client::Builder::new().tls_provider(provider);
    Ok(builder.tls_context(context).build_https())
}

/// Looks at settings of the bucket that would lose or hoard data.
pub(super) async fn inspect(store: &S3Store) -> Vec<Check> {
    let client = match client(store).await {
        Ok(client) => client,
        Err(failure) => return vec![unreadable("bucket settings", &failure.reason)],
    };
    let bucket = &store.settings.bucket;
    let rules = match client.get_bucket_lifecycle_configuration().bucket(bucket).send().await {
        Ok(answer) => Ok(answer.rules.unwrap_or_default()),
        Err(error) if absent(&error) => Ok(Vec::new()),
        Err(error) => Err(failure(&error).reason),
    };
    let lifecycle = match &rules {
        Ok(rules) => lifecycle::expiration(rules, &store.settings.prefix),
        Err(reason) => unreadable("lifecycle", reason),
    };
    let rules = rules.unwrap_or_default();
    vec![lifecycle, versioning(&client, bucket, &rules).await, object_lock(&client, bucket).await]
}

async fn versioning(client: &Client, bucket: &str, rules: &[LifecycleRule]) -> Check {
    const NAME: &str = "versioning";
    match client.get_bucket_versioning().bucket(bucket).send().await {
        Ok(answer) if answer.status != Some(BucketVersioningStatus::Enabled) => {
            Check::ok(NAME, "off")
        }
        Ok(_) if rules.iter().any(|rule| rule.noncurrent_version_expiration.is_some()) => {
            Check::ok(NAME, "on; old versions expire")
        }
        Ok(_) => Check::warn(
            NAME,
            "on: deleted objects keep costing as old versions",
            "add a lifecycle rule that expires noncurrent versions",
        ),
        Err(error) if absent(&error) => Check::ok(NAME, "not offered by this store"),
        Err(error) => unreadable(NAME, &failure(&error).reason),
    }
}

async fn object_lock(client: &Client, bucket: &str) -> Check {
    const NAME: &str = "object lock";
    match client.get_object_lock_configuration().bucket(bucket).send().await {
        Ok(answer)
            if answer.object_lock_configuration().is_some_and(|lock| lock.rule().is_some()) =>
        {
            Check::warn(
                NAME,
                "the bucket retains every object by default: retention frees no space",
                "remove the default retention, or count on the cost",
            )
        }
        Ok(_) => Check::ok(NAME, "no default retention"),
        Err(error) if absent(&error) => Check::ok(NAME, "off"),
        Err(error) => unreadable(NAME, &failure(&error).reason),
    }
}

/// Ends uploads below the prefix that were begun before that time, and says how many.
pub(super) async fn abort_uploads(store: &S3Store, before_unix_ms: i64) -> Result<usize, Failure> {
    let client = client(store).await?;
    let settings = &store.settings;
    let mut aborted = 0;
    let mut pages =
        client.list_multipart_uploads().bucket(&settings.bucket).prefix(settings.key(""));
    loop {
        let page = pages.clone().send().await.map_err(|error| failure(&error))?;
        for upload in page.uploads() {
            let (Some(key), Some(id), Some(begun)) =
                (upload.key(), upload.upload_id(), upload.initiated())
            else {
                continue;
            };
            if begun.to_millis().is_ok_and(|begun| begun < before_unix_ms) {
                let abort = client.abort_multipart_upload().bucket(&settings.bucket);
                let outcome = abort.key(key).upload_id(id).send().await;
                outcome.map_err(|error| failure(&error))?;
                aborted += 1;
            }
        }
        if page.is_truncated() != Some(true) {
            return Ok(aborted);
        }
        pages = pages
            .set_key_marker(page.next_key_marker)
            .set_upload_id_marker(page.next_upload_id_marker);
    }
}

/// Whether the store says that there is no such setting, or that it does not know such settings.
fn absent<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(
        error.code(),
        Some(
            "NoSuchLifecycleConfiguration"
                | "ObjectLockConfigurationNotFoundError"
                | "NotImplemented"
                | "NoSuchObjectLockConfiguration"
                | "VersioningNotConfigured"
        )
    )
}

fn unreadable(name: &'static str, reason: &str) -> Check {
    Check::warn(
        name,
        format!("could not be read: {reason}"),
        "allow s3:GetLifecycleConfiguration, s3:GetBucketVersioning and s3:GetBucketObjectLockConfiguration to have them checked",
    )
}

fn failure<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Failure {
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    let message = error.message().unwrap_or("no answer");
    Failure::new(status_kind(status, code), format!("HTTP {status} {code}: {message}"))
}

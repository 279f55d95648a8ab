//! Which bucket, where, and by which rules it is spoken to; shared by the data path and the start-up probe.

use crate::{ObjectErrorKind, ObjectName, ObjectsOptions, store::Failure};
use object_store::{
    ClientConfigKey, ClientOptions, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey as Key, Checksum},
};
use std::time::Duration;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// An S3 bucket and prefix, with endpoint, region and credentials resolved from options and environment.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    builder: AmazonS3Builder,
    pub bucket: String,
    /// Without slashes at its ends; may be empty.
    pub prefix: String,
    pub endpoint: Option<Url>,
    pub region: String,
}

impl Settings {
    /// Reads `s3://bucket/prefix`, the options and the `AWS_*` variables; options win.
    pub fn new(url: &Url, options: &ObjectsOptions) -> Result<Self, Failure> {
        let bucket = url.host_str().unwrap_or_default().to_owned();
        if bucket.is_empty() {
            return Err(invalid("names no bucket: write s3://bucket/prefix"));
        }
        let prefix = url.path().trim_matches('/').to_owned();
        if !prefix.is_empty() && ObjectName::new(&prefix).is_err() {
            return Err(invalid(
                "has a prefix with other characters than letters, digits and ._-/",
            ));
        }
        let environment = AmazonS3Builder::from_env();
        let value = |key: Key| environment.get_config_value(&key);
        let endpoint = options
            .endpoint
            .clone()
            .or_else(|| value(Key::S3Endpoint))
            .or_else(|| value(Key::Endpoint));
        let endpoint = endpoint.map(|text| parse_endpoint(&text)).transpose()?;
        let http = endpoint.as_ref().filter(|endpoint| endpoint.scheme() == "http");
        let loopback = http.is_some_and(is_loopback);
        let allowed = value(Key::Client(ClientConfigKey::AllowHttp)).is_some_and(|v| v == "true");
        if let Some(endpoint) = http.filter(|_| !loopback && !allowed) {
            return Err(invalid(&format!(
                "would send requests to {endpoint} unencrypted: use https, or set AWS_ALLOW_HTTP=true"
            )));
        }
        let region = value(Key::Region)
            .or_else(|| value(Key::DefaultRegion))
            .unwrap_or_else(|| "us-east-1".to_owned());
        let static_key = options.credentials.is_some() || value(Key::AccessKeyId).is_some();
        let from_service = value(Key::WebIdentityTokenFile)
            .or_else(|| value(Key::ContainerCredentialsRelativeUri))
            .or_else(|| value(Key::ContainerCredentialsFullUri));
        if endpoint.is_some() && !static_key && from_service.is_none() {
            let reason = "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
            return Err(Failure::new(ObjectErrorKind::Denied, reason));
        }

        let client = ClientOptions::new()
            .with_allow_http(http.is_some())
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_timeout_disabled();
        let no_retry = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        // Hashing the body costs more CPU than all the rest of a PUT (CRC64 costs almost nothing), and TLS protects it.
        // Only on a real network without TLS the signature has to.
        let mut builder = environment
            .with_bucket_name(&bucket)
            .with_region(&region)
            .with_unsigned_payload(http.is_none() || loopback)
            .with_checksum_algorithm(Checksum::CRC64NVME)
            .with_client_options(client)
            .with_retry(no_retry);
        builder = match &endpoint {
            Some(endpoint) => builder
                .with_config(Key::S3Endpoint, endpoint.as_str().trim_end_matches('/'))
                .with_virtual_hosted_style_request(false),
            None => builder.with_virtual_hosted_style_request(!bucket.contains('.')),
        };
        if let Some((access_key, secret_key)) = &options.credentials {
            builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key);
        }
        Ok(Self { builder, bucket, prefix, endpoint, region })
    }

    /// A builder for the client of the data path.
    pub fn builder(&self) -> AmazonS3Builder {
        self.builder.clone()
    }

    /// The bucket's key for a name or the beginning of one.
    pub fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// The name of a key; `None` when it does not lie below the prefix.
    pub fn name<'a>(&self, key: &'a str) -> Option<&'a str> {
        if self.prefix.is_empty() {
            return Some(key);
        }
        key.strip_prefix(self.prefix.as_str())?.strip_prefix('/')
    }

    /// The bucket for messages.
    pub fn describe(&self) -> String {
        let at = self.endpoint.as_ref().map_or_else(
            || format!("AWS {}", self.region),
            |endpoint| endpoint.as_str().trim_end_matches('/').to_owned(),
        );
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!("s3://{}{slash}{} at {at}", self.bucket, self.prefix)
    }
}

fn parse_endpoint(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| invalid(&format!("has the endpoint {text:?}: write http(s)://host:port")))
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn invalid(reason: &str) -> Failure {
    Failure::new(ObjectErrorKind::Invalid, reason)
}

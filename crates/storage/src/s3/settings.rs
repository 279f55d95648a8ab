//! Which bucket, where, and by which rules it is spoken to; shared by the data path and the start-up probe.

use super::profile::ProfileCredentials;
use crate::{ObjectErrorKind, ObjectName, ObjectsOptions, store::Failure};
use object_store::{
    Certificate, ClientConfigKey, ClientOptions, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey as Key, Checksum},
};
use std::{fs, path::Path, sync::Arc, time::Duration};
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
    /// In PEM: who the endpoint is trusted by, beside the system's.
    pub authorities: Option<Vec<u8>>,
}

impl Settings {
    /// Reads `s3://bucket/prefix`, the options and the `AWS_*` variables; options win.
    pub fn new(url: &Url, options: &ObjectsOptions) -> Result<Self, Failure> {
        Self::with_environment(url, options, AmazonS3Builder::from_env())
    }

    /// The same with `environment` in place of the variables.
    pub fn with_environment(
        url: &Url,
        options: &ObjectsOptions,
        environment: AmazonS3Builder,
    ) -> Result<Self, Failure> {
        let (bucket, prefix) = bucket_and_prefix(url)?;
        let endpoint = endpoint(options, &environment)?;
        let region = environment
            .get_config_value(&Key::Region)
            .or_else(|| environment.get_config_value(&Key::DefaultRegion))
            .unwrap_or_else(|| "us-east-1".to_owned());
        let builder = with_credentials(environment, options, endpoint.is_some())?
            .with_bucket_name(&bucket)
            .with_region(&region)
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() });
        let authorities = options.authorities.as_deref().map(authorities).transpose()?;
        let (authorities, trusted) = authorities.unzip();
        let builder =
            with_transport(builder, endpoint.as_ref(), &bucket, trusted.unwrap_or_default());
        Ok(Self { builder, bucket, prefix, endpoint, region, authorities })
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

fn bucket_and_prefix(url: &Url) -> Result<(String, String), Failure> {
    let bucket = url.host_str().unwrap_or_default();
    if bucket.is_empty() {
        return Err(invalid("it names no bucket: write s3://bucket/prefix"));
    }
    let prefix = url.path().trim_matches('/');
    if !prefix.is_empty() && ObjectName::new(prefix).is_err() {
        return Err(invalid("its prefix has other characters than letters, digits and ._-/"));
    }
    Ok((bucket.to_owned(), prefix.to_owned()))
}

/// The endpoint to use; unencrypted only where nobody listens, or where somebody has said so.
fn endpoint(
    options: &ObjectsOptions,
    environment: &AmazonS3Builder,
) -> Result<Option<Url>, Failure> {
    let value = |key: Key| environment.get_config_value(&key);
    let configured = options.endpoint.clone();
    let configured = configured.or_else(|| value(Key::S3Endpoint)).or_else(|| value(Key::Endpoint));
    let Some(text) = configured else { return Ok(None) };
    let url = Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| invalid(format!("endpoint {text:?}: write http(s)://host:port")))?;
    let allowed = value(Key::Client(ClientConfigKey::AllowHttp)).is_some_and(|v| v == "true");
    if url.scheme() == "http" && !is_loopback(&url) && !allowed {
        return Err(invalid(format!(
            "requests to {url} would be unencrypted: use https, or set AWS_ALLOW_HTTP=true"
        )));
    }
    Ok(Some(url))
}

/// Options, then the `AWS_*` variables, then the shared files; on AWS itself the machine's role is left.
fn with_credentials(
    builder: AmazonS3Builder,
    options: &ObjectsOptions,
    is_compatible_store: bool,
) -> Result<AmazonS3Builder, Failure> {
    if let Some((access_key, secret_key)) = &options.credentials {
        return Ok(builder.with_access_key_id(access_key).with_secret_access_key(secret_key));
    }
    let from_environment = [
        Key::AccessKeyId,
        Key::SecretAccessKey,
        Key::WebIdentityTokenFile,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
    ];
    if from_environment.iter().any(|key| builder.get_config_value(key).is_some()) {
        return Ok(builder);
    }
    match ProfileCredentials::from_environment() {
        Some(profile) => Ok(builder.with_credentials(Arc::new(profile))),
        None if is_compatible_store => Err(Failure::new(
            ObjectErrorKind::Denied,
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )),
        None => Ok(builder),
    }
}

/// The certificates of `object.store.ssl.ca.location`, as text and parsed.
fn authorities(path: &Path) -> Result<(Vec<u8>, Vec<Certificate>), Failure> {
    let bad = |reason: String| {
        invalid(format!("object.store.ssl.ca.location {}: {reason}", path.display()))
    };
    let text = fs::read(path).map_err(|error| bad(error.to_string()))?;
    let read = Certificate::from_pem_bundle(&text).map_err(|error| bad(error.to_string()))?;
    if read.is_empty() {
        return Err(bad("there is no certificate in PEM".to_owned()));
    }
    Ok((text, read))
}

/// Hashing the body with SHA-256 costs more CPU than all the rest of a PUT, CRC64 almost nothing, and TLS protects the
/// body. Only without TLS on a real network the signature has to cover it.
fn with_transport(
    builder: AmazonS3Builder,
    endpoint: Option<&Url>,
    bucket: &str,
    trusted: Vec<Certificate>,
) -> AmazonS3Builder {
    let http = endpoint.filter(|endpoint| endpoint.scheme() == "http");
    let client = ClientOptions::new()
        .with_allow_http(http.is_some())
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_timeout_disabled();
    let client = trusted.into_iter().fold(client, ClientOptions::with_root_certificate);
    let builder = builder
        .with_unsigned_payload(http.is_none_or(is_loopback))
        .with_checksum_algorithm(Checksum::CRC64NVME)
        .with_client_options(client);
    match endpoint {
        Some(endpoint) => builder
            .with_config(Key::S3Endpoint, endpoint.as_str().trim_end_matches('/'))
            .with_virtual_hosted_style_request(false),
        None => builder.with_virtual_hosted_style_request(!bucket.contains('.')),
    }
}

fn is_loopback(endpoint: &Url) -> bool {
    match endpoint.host() {
        Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn invalid(reason: impl Into<String>) -> Failure {
    Failure::new(ObjectErrorKind::Invalid, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, endpoint: Option<&str>, allow: bool) -> Result<Settings, Failure> {
        let options = ObjectsOptions {
            endpoint: endpoint.map(str::to_owned),
            credentials: Some(("key".into(), "secret".into())),
            ..ObjectsOptions::new(url)
        };
        let environment = AmazonS3Builder::new()
            .with_config(Key::Client(ClientConfigKey::AllowHttp), allow.to_string());
        Settings::with_environment(&Url::parse(url).expect("url"), &options, environment)
    }

    #[test]
    fn plain_http_is_for_loopback_unless_allowed() {
        for endpoint in ["http://127.0.0.1:9000", "http://localhost", "http://[::1]:1"] {
            assert!(settings("s3://b", Some(endpoint), false).is_ok(), "{endpoint}");
        }
        let refused = settings("s3://b", Some("http://minio:9000"), false).expect_err("refused");
        assert!(refused.reason.contains("AWS_ALLOW_HTTP"), "{}", refused.reason);
        assert!(settings("s3://b", Some("http://minio:9000"), true).is_ok());
        assert!(settings("s3://b", Some("https://minio:9000"), false).is_ok());
        assert!(settings("s3://b", Some("minio:9000"), false).is_err());
    }

    #[test]
    fn authorities_that_can_not_be_read_are_named() {
        let file = tempfile::NamedTempFile::new().expect("file");
        let refused = |path: &Path| {
            let options = ObjectsOptions {
                credentials: Some(("key".into(), "secret".into())),
                authorities: Some(path.to_owned()),
                ..ObjectsOptions::new("s3://b")
            };
            let url = Url::parse("s3://b").expect("url");
            let settings = Settings::with_environment(&url, &options, AmazonS3Builder::new());
            settings.expect_err("refused").reason
        };
        assert!(refused(Path::new("/nowhere")).contains("object.store.ssl.ca.location /nowhere"));
        fs::write(file.path(), "rubbish").expect("written");
        assert!(refused(file.path()).contains("no certificate in PEM"));
    }

    #[test]
    fn keys_lie_below_the_prefix() {
        let settings = settings("s3://bucket/a/b/", None, false).expect("settings");
        assert_eq!(settings.key("c/d"), "a/b/c/d");
        assert_eq!(settings.name("a/b/c/d"), Some("c/d"));
        assert_eq!(settings.name("a/bc"), None);
        assert_eq!(settings.describe(), "s3://bucket/a/b at AWS us-east-1");
    }

    #[test]
    fn a_prefix_or_bucket_that_cannot_be_is_refused() {
        for url in ["s3:///prefix", "s3://bucket/a%20b", "s3://bucket/a//b"] {
            assert!(settings(url, None, false).is_err(), "{url}");
        }
    }
}

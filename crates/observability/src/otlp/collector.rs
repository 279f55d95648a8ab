//! [`Collector`]: where telemetry goes: an endpoint, and what each call carries.

use std::{env, str::FromStr, time::Duration};
use tonic::{
    Request, Status,
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

/// How long a call may take, and a connection to come about.
const PATIENCE: Duration = Duration::from_secs(5);

/// OpenTelemetry's own name for headers that go with each call: a token, usually, and so no setting of ours.
const HEADERS_VARIABLE: &str = "OTEL_EXPORTER_OTLP_HEADERS";

/// A connection that comes about when it is needed, and what it sends.
pub(crate) type Connection = InterceptedService<Channel, Headers>;

/// The collector.
#[derive(Clone, Debug)]
pub(crate) struct Collector {
    /// As it is told of in logs.
    pub(crate) endpoint: String,
    channel: Channel,
    headers: Headers,
}

impl Collector {
    /// The collector at `endpoint`. Connects when something is sent.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn new(endpoint: &str) -> Result<Self, String> {
        let known = endpoint.starts_with("http://") || endpoint.starts_with("https://");
        if !known {
            return Err("it must begin with http:// or https://".to_owned());
        }
        if endpoint.contains('@') {
            return Err(format!(
                "it must not carry a password; headers are given in {HEADERS_VARIABLE}"
            ));
        }
        let headers = Headers::parse(&env::var(HEADERS_VARIABLE).unwrap_or_default())?;
        let mut built = Endpoint::from_shared(endpoint.to_owned())
            .map_err(|error| error.to_string())?
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .keep_alive_while_idle(false);
        if endpoint.starts_with("https://") {
            let tls = ClientTlsConfig::new().with_native_roots();
            built = built.tls_config(tls).map_err(|error| error.to_string())?;
        }
        Ok(Self { endpoint: endpoint.to_owned(), channel: built.connect_lazy(), headers })
    }

    /// A connection for a client.
    pub(crate) fn connection(&self) -> Connection {
        InterceptedService::new(self.channel.clone(), self.headers.clone())
    }
}

/// Headers that go with each call. Never shown.
#[derive(Clone, Default)]
pub(crate) struct Headers(Vec<(AsciiMetadataKey, AsciiMetadataValue)>);

impl Headers {
    /// Reads `name=value,name=value`, values with `%xx` escapes.
    fn parse(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let parsed = pairs.map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let name = AsciiMetadataKey::from_str(&name.trim().to_ascii_lowercase()).ok()?;
            Some((name, AsciiMetadataValue::try_from(unescaped(value.trim())?).ok()?))
        });
        let parsed: Option<_> = parsed.collect();
        // The text is a secret.
        let headers = parsed.ok_or(format!("{HEADERS_VARIABLE} is not name=value,name=value"))?;
        Ok(Self(headers))
    }

    fn add_to(&self, metadata: &mut MetadataMap) {
        for (name, value) in &self.0 {
            metadata.insert(name.clone(), value.clone());
        }
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Headers({})", self.0.len())
    }
}

impl Interceptor for Headers {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        self.add_to(request.metadata_mut());
        Ok(request)
    }
}

/// Why a call failed, in a few words.
pub(crate) fn reason(status: &Status) -> String {
    let mut cause = std::error::Error::source(status);
    let mut text = format!("{:?}: {}", status.code(), status.message());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> Vec<(String, String)> {
        let Headers(headers) = Headers::parse(text).unwrap();
        let text = |(name, value): (AsciiMetadataKey, AsciiMetadataValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        headers.into_iter().map(text).collect()
    }

    #[test]
    fn headers_are_read_as_opentelemetry_writes_them() {
        let read = headers("Authorization=Bearer%20abc=, x-scope = 7,");
        let authorization = ("authorization".to_owned(), "Bearer abc=".to_owned());
        assert_eq!(read, [authorization, ("x-scope".to_owned(), "7".to_owned())]);
        assert_eq!(headers(""), []);
    }

    #[test]
    fn headers_that_make_no_sense_are_refused_without_being_shown() {
        for text in ["secret", "a=%zz-secret", "ä=secret"] {
            let error = Headers::parse(text).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        let shown = format!("{:?}", Headers::parse("a=secret").unwrap());
        assert_eq!(shown, "Headers(1)");
    }

    #[tokio::test]
    async fn endpoints_that_make_no_sense_are_refused() {
        for endpoint in ["localhost:4317", "http://user:secret@localhost:4317", "http://"] {
            let error = Collector::new(endpoint).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Collector::new("http://127.0.0.1:4317").is_ok());
    }
}

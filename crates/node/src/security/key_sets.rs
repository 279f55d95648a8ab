//! [`KeySets`]: reads an identity provider's keys, at the start and again and again.
//!
//! The place is the settings' alone: no token and no client can name another. It is read over HTTPS without following redirects, in bounded
//! time and bytes; a file only when the settings allow it by name.

use crate::NodeError;
use runtime::{Backoff, Randomness, Shutdown};
use security::sasl::{KeySet, PublishedKeys};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{io::AsyncReadExt, time::Instant};

/// The longest set that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// The longest that reading one takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// One listener's keys.
#[derive(Clone, Debug)]
pub(crate) struct KeySets {
    pub(super) listener: String,
    pub(super) place: KeySetPlace,
    /// `sasl.oauthbearer.jwks.endpoint.refresh.ms`.
    pub(super) refresh: Duration,
    /// `sasl.oauthbearer.jwks.endpoint.retry.backoff.ms`.
    pub(super) first_pause: Duration,
    /// `sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms`.
    pub(super) longest_pause: Duration,
    pub(super) published: PublishedKeys,
}

/// Where keys are published.
#[derive(Clone, Debug)]
pub(super) enum KeySetPlace {
    Https { url: reqwest::Url, client: reqwest::Client },
    File(PathBuf),
}

/// Why there are no keys.
#[derive(Debug)]
enum Failed {
    /// It may be otherwise in a while.
    Unavailable(String),
    /// The settings are wrong, or the provider is.
    Refused(String),
}

impl KeySetPlace {
    /// The place that a URL names.
    ///
    /// # Errors
    /// What is wrong with the setting.
    pub(super) fn new(url: &str, allowed: &[&str], trust: Option<&Path>) -> Result<Self, String> {
        let bad = |reason: &str| format!("sasl.oauthbearer.jwks.endpoint.url: {reason}");
        let parsed = reqwest::Url::parse(url).map_err(|error| bad(&error.to_string()))?;
        match parsed.scheme() {
            "https" if parsed.username().is_empty() && parsed.password().is_none() => {
                Ok(Self::Https { url: parsed, client: client(trust)? })
            }
            "https" => Err(bad("it must not hold a user or a password, it is shown to clients")),
            "file" if !allowed.contains(&url) => {
                Err(bad(&format!("a file is only read when sasl.oauthbearer.allowed.urls={url}")))
            }
            "file" if trust.is_some() => Err("sasl.oauthbearer.jwks.endpoint.truststore.location is set, and keys are read from a file".to_owned()),
            "file" => {
                let path = parsed.to_file_path();
                path.map(Self::File).map_err(|()| bad("write it as file:///directory/file"))
            }
            _ => Err(bad("it must begin with https:// (or file:///, see sasl.oauthbearer.allowed.urls): whoever can change the keys on the way lets in whom they like")),
        }
    }

    async fn read(&self) -> Result<KeySet, Failed> {
        let text = match tokio::time::timeout(PATIENCE, self.read_text()).await {
            Ok(text) => text?,
            Err(_) => return Err(Failed::Unavailable(format!("no answer within {PATIENCE:?}"))),
        };
        KeySet::parse(&text).map_err(|error| Failed::Refused(error.to_string()))
    }

    async fn read_text(&self) -> Result<Vec<u8>, Failed> {
        match self {
            Self::Https { url, client } => fetch(client, url.clone()).await,
            Self::File(path) => {
                let mut text = Vec::new();
                let file = tokio::fs::File::open(path).await.map_err(unreadable(path))?;
                let read = file.take(MAX_BYTES as u64 + 1).read_to_end(&mut text).await;
                read.map_err(unreadable(path))?;
                if text.len() > MAX_BYTES { Err(too_long()) } else { Ok(text) }
            }
        }
    }
}

fn client(trust: Option<&Path>) -> Result<reqwest::Client, String> {
    let bad =
        |reason: String| format!("sasl.oauthbearer.jwks.endpoint.truststore.location: {reason}");
    let mut builder = reqwest::Client::builder()
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE);
    if let Some(path) = trust {
        let text = fs::read(path).map_err(|error| bad(format!("{}: {error}", path.display())))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&text);
        let certificates = certificates.map_err(|error| bad(in_full(&error)))?;
        if certificates.is_empty() {
            return Err(bad(format!("{}: there is no certificate in PEM", path.display())));
        }
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|error| in_full(&error))
}

async fn fetch(client: &reqwest::Client, url: reqwest::Url) -> Result<Vec<u8>, Failed> {
    let unavailable = |error: reqwest::Error| Failed::Unavailable(in_full(&error.without_url()));
    let mut answer = client.get(url).send().await.map_err(unavailable)?;
    let status = answer.status();
    if status.is_redirection() {
        let reason = "it redirects, which is not followed: set the address that it leads to";
        return Err(Failed::Refused(reason.to_owned()));
    }
    if status.is_client_error() {
        return Err(Failed::Refused(format!("the answer is {status}")));
    }
    if !status.is_success() {
        return Err(Failed::Unavailable(format!("the answer is {status}")));
    }
    let mut text = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unavailable)? {
        if text.len() + chunk.len() > MAX_BYTES {
            return Err(too_long());
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

fn too_long() -> Failed {
    Failed::Refused(format!("it has more than {MAX_BYTES} bytes"))
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> Failed {
    move |error| Failed::Refused(format!("{}: {error}", path.display()))
}

/// An error with its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests;

impl KeySets {
    /// Reads the keys for the first time. A provider that can't be reached does not stop the start: until it can be, no token is believed.
    ///
    /// # Errors
    /// [`NodeError::Security`]: what is there are no keys.
    pub(crate) async fn begin(&self) -> Result<(), NodeError> {
        match self.place.read().await {
            Ok(keys) => self.publish(keys),
            Err(Failed::Unavailable(reason)) => self.tell_failed(&reason),
            Err(Failed::Refused(reason)) => {
                let listener = &self.listener;
                return Err(NodeError::Security(format!(
                    "listener {listener}: sasl.oauthbearer.jwks.endpoint.url: {reason}"
                )));
            }
        }
        Ok(())
    }

    /// Reads the keys again and again: at intervals, soon after it failed, and when a token needs one that is not there.
    pub(crate) async fn keep_fresh(self, randomness: Randomness, shutdown: Shutdown) {
        let mut backoff = Backoff::new(self.first_pause, self.longest_pause, randomness);
        let mut has_keys = !self.published.is_empty();
        loop {
            let read_at = Instant::now();
            let pause = if has_keys { self.refresh } else { backoff.next_pause() };
            let wanted = async {
                self.published.wanted().await;
                // Whoever makes up tokens has them read no more often than this.
                tokio::time::sleep_until(read_at + self.longest_pause.min(pause)).await;
            };
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(pause) => {}
                () = wanted => {}
            }
            match self.place.read().await {
                Ok(keys) => {
                    backoff.reset();
                    has_keys = true;
                    self.publish(keys);
                }
                Err(Failed::Unavailable(reason) | Failed::Refused(reason)) => {
                    has_keys = false;
                    self.tell_failed(&reason);
                }
            }
        }
    }

    fn publish(&self, keys: KeySet) {
        tracing::debug!(listener = self.listener, keys = keys.len(), "read the keys of tokens");
        self.published.publish(keys);
    }

    fn tell_failed(&self, reason: &str) {
        metrics::counter!("kafka_token_keys_failed_total").increment(1);
        tracing::error!(
            listener = self.listener,
            reason,
            "the keys of tokens can't be read (sasl.oauthbearer.jwks.endpoint.url); those read before stay in force, without any no token is believed"
        );
    }
}

//! The wire to S3: counts every attempt and keeps what the store said.
//!
//! `object_store` keeps status and error code of an answer in types that it does not export, so refusals become a
//! [`StatusError`] here, which `failure` finds again in the chain of causes.

use crate::{
    Operation,
    counts::{Counters, Outcome},
};
use async_trait::async_trait;
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpService, ReqwestConnector,
    },
};
use std::{fmt, sync::Arc};

/// Only signed S3 requests carry this header; requests for credentials do not.
const SIGNED: &str = "x-amz-content-sha256";

/// An answer that is no success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StatusError {
    /// HTTP status.
    pub status: u16,
    /// S3's error code, such as `NoSuchBucket`; empty when there was no body (HEAD).
    pub code: String,
    /// S3's message.
    pub message: String,
}

impl StatusError {
    fn parse(status: u16, body: &str) -> Self {
        Self { status, code: element(body, "Code"), message: element(body, "Message") }
    }
}

impl std::error::Error for StatusError {}

impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", _) => write!(f, "HTTP {}", self.status),
            (code, "") => write!(f, "HTTP {} {code}", self.status),
            (code, message) => write!(f, "HTTP {} {code}: {message}", self.status),
        }
    }
}

/// Makes clients that count.
#[derive(Debug)]
pub(crate) struct CountingConnector(pub Arc<Counters>);

impl HttpConnector for CountingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(CountingService { inner, counters: Arc::clone(&self.0) }))
    }
}

#[derive(Debug)]
struct CountingService {
    inner: HttpClient,
    counters: Arc<Counters>,
}

#[async_trait]
impl HttpService for CountingService {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !request.headers().contains_key(SIGNED) {
            return self.inner.execute(request).await;
        }
        let mut attempt = Attempt::new(&self.counters, operation(&request));
        let response = self.inner.execute(request).await?;
        let status = response.status();
        if status.is_success() {
            attempt.outcome = Outcome::Ok;
            return Ok(response);
        }
        let retriable = status.is_server_error() || matches!(status.as_u16(), 408 | 409 | 429);
        attempt.outcome = if retriable { Outcome::Failed } else { Outcome::Refused };
        let body = response.into_body().bytes().await.unwrap_or_default();
        let error = StatusError::parse(status.as_u16(), &String::from_utf8_lossy(&body));
        Err(HttpError::new(HttpErrorKind::Unknown, error))
    }
}

/// Counts when it goes, so that an attempt that is given up counts too: as failed.
struct Attempt<'a> {
    counters: &'a Counters,
    operation: Operation,
    outcome: Outcome,
}

impl<'a> Attempt<'a> {
    fn new(counters: &'a Counters, operation: Operation) -> Self {
        Self { counters, operation, outcome: Outcome::Failed }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.counters.count(self.operation, self.outcome);
    }
}

fn operation(request: &HttpRequest) -> Operation {
    let query = request.uri().query().unwrap_or_default();
    match request.method().as_str() {
        "GET" if query.contains("list-type=2") => Operation::List,
        "GET" => Operation::Get,
        "HEAD" => Operation::Head,
        "DELETE" => Operation::Delete,
        "POST" if query.starts_with("delete") => Operation::Delete,
        _ => Operation::Put,
    }
}

/// The text of the first `<name>` element; S3's error documents are flat.
fn element(body: &str, name: &str) -> String {
    let text = body
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once(&format!("</{name}>")))
        .map_or("", |(text, _)| text);
    text.chars().take(300).collect()
}

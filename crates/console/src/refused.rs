//! [`Refused`]: why a call has no answer, in a sentence for the person at the page.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use kafka_client::ConnectionError;
use kafka_protocol::ResponseError;
use serde_json::json;

/// A call without an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

impl From<ConnectionError> for Refused {
    fn from(error: ConnectionError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.message }))).into_response()
    }
}

/// The name of an error code in an answer; `None` when it is none.
pub(crate) fn error_of(code: i16) -> Option<String> {
    ResponseError::try_from_code(code).map(|error| error.to_string())
}

/// Nothing, or the broker's reason.
pub(crate) fn check(
    code: i16,
    message: Option<impl ToString>,
    subject: &str,
) -> Result<(), Refused> {
    let Some(error) = error_of(code) else { return Ok(()) };
    let message = message.map(|it| it.to_string()).filter(|it| !it.is_empty());
    let reason = match message {
        Some(message) => format!("{subject}: {message} ({error})"),
        None => format!("{subject}: {error}"),
    };
    Err(Refused::new(StatusCode::BAD_GATEWAY, reason))
}

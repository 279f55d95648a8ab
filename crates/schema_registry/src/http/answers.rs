//! Answers: JSON, with the content type that registries' clients ask for.

use crate::{error::RegistryError, record::SchemaValue, state::Body};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

const CONTENT_TYPE: HeaderValue =
    HeaderValue::from_static("application/vnd.schemaregistry.v1+json");

/// What a request comes to.
#[derive(Debug)]
pub(super) enum Answer {
    Json(Value),
    /// As it is.
    Text(String),
}

impl Answer {
    pub(super) fn new(value: Value) -> Self {
        Self::Json(value)
    }

    /// A schema's own text, as it is.
    pub(super) fn text(text: String) -> Self {
        Self::Text(text)
    }

    pub(super) fn response(self) -> Response {
        let body = match self {
            Self::Json(value) => value.to_string(),
            Self::Text(text) => text,
        };
        ([(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response()
    }
}

pub(super) fn failed(refused: &RegistryError) -> Response {
    let status =
        StatusCode::from_u16(refused.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({ "error_code": refused.code, "message": refused.message }).to_string();
    let mut response = (status, [(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let asks = HeaderValue::from_static("Basic realm=\"schema registry\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, asks);
    }
    response
}

/// A schema found by its id.
pub(super) fn schema(body: &Body, text: &str) -> Value {
    let mut answer = json!({ "schema": text });
    if let Some(members) = answer.as_object_mut() {
        if body.kind != "AVRO" {
            members.insert("schemaType".to_owned(), body.kind.as_str().into());
        }
        if !body.references.is_empty() {
            members.insert("references".to_owned(), json!(body.references));
        }
        for name in ["metadata", "ruleSet"] {
            members.extend(body.more.get(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    answer
}

/// A subject's version.
pub(super) fn version(value: &SchemaValue) -> Value {
    let mut answer = json!(value);
    if let Some(members) = answer.as_object_mut() {
        if !value.deleted {
            members.remove("deleted");
        }
        // What other registries keep for themselves.
        members.remove("md5");
    }
    answer
}

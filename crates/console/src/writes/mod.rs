//! Writes: each is a POST of JSON, goes to the brokers over the Kafka protocol like anybody else's request, and leaves a line in the log's
//! target `audit`. Who may write is [`admission`]'s to say.

mod access;
pub(crate) mod admission;
mod audit;
mod configs;
mod groups;
mod topics;

use crate::{
    Served,
    refused::{Refused, error_of},
};
use audit::Caller;
use axum::{
    Extension, Json, Router,
    extract::{DefaultBodyLimit, State, rejection::JsonRejection},
    http::StatusCode,
    routing::post,
};
use kafka_protocol::protocol::StrBytes;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

/// Largest request, in bytes: the offsets of 10,000 partitions.
const MAX_REQUEST_BYTES: usize = 4 << 20;
/// How long a broker may take; less than a call may take in all.
const TIMEOUT_MS: i32 = 15_000;

/// Something that can be done.
trait Write: DeserializeOwned + Debug + Send + Sync + 'static {
    /// Its name in the address and in the audit log.
    const NAME: &'static str;

    /// What it is done to, for the audit log: nothing secret.
    fn subject(&self) -> String;

    /// Does it.
    ///
    /// # Errors
    /// The broker's reason.
    fn run(self, served: &Served) -> impl Future<Output = Result<(), Refused>> + Send;
}

pub(crate) fn routes(served: Served) -> Router {
    let routes = Router::new();
    let routes = with::<topics::CreateTopic>(routes);
    let routes = with::<topics::AddPartitions>(routes);
    let routes = with::<topics::DeleteTopic>(routes);
    let routes = with::<topics::MovePartition>(routes);
    let routes = with::<configs::ChangeConfigs>(routes);
    let routes = with::<groups::ResetOffsets>(routes);
    let routes = with::<groups::DeleteGroup>(routes);
    let routes = with::<access::AddRule>(routes);
    let routes = with::<access::RemoveRule>(routes);
    let routes = with::<access::SetPassword>(routes);
    let routes = with::<access::RemoveUser>(routes);
    routes.layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES)).with_state(served)
}

fn with<W: Write>(routes: Router<Served>) -> Router<Served> {
    routes.route(&format!("/console/api/do/{}", W::NAME), post(perform::<W>))
}

async fn perform<W: Write>(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<W>, JsonRejection>,
) -> Result<Json<Value>, Refused> {
    let Json(write) = body.map_err(|wrong| Refused::bad_request(wrong.body_text()))?;
    let deed = caller.begins(W::NAME, write.subject());
    let done = write.run(&served).await;
    deed.ended(&done);
    done.map(|()| Json(json!({ "done": true })))
}

/// Nothing, or the protocol's own error with what the broker says of it.
fn accepted(code: i16, message: Option<&StrBytes>, subject: &str) -> Result<(), Refused> {
    let Some(error) = error_of(code) else { return Ok(()) };
    let message = message.map(StrBytes::as_str).filter(|it| !it.is_empty());
    let reason = match message {
        Some(message) => format!("{subject}: {message} ({error})"),
        None => format!("{subject}: {error}"),
    };
    Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, reason))
}

fn text_of(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

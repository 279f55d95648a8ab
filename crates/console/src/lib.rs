//! The console: a web page about the cluster, and the JSON that it asks for.
//!
//! What the page shows comes over the Kafka protocol, from whichever broker knows, as this broker's own principal; who is in
//! the cluster comes from the wiring ([`Cluster`]). What it changes goes the same way, for whoever may ([`Writes`]). Record bytes, names and
//! ids are hostile: the page makes text of them and nothing else, and
//! every answer forbids whatever else a browser might do. Each call has bounds in bytes, records and time.

mod access;
mod api;
mod brokers;
mod cluster;
mod configs;
mod groups;
mod guard;
mod offsets;
mod overview;
mod pages;
mod records;
mod refused;
mod seek;
mod sizes;
mod topics;
mod writes;

#[cfg(test)]
mod tests;

pub use cluster::{BrokerLine, Cluster, ClusterPicture, Listener, PartitionLine, Topic, TopicLine};

use axum::{Router, middleware};
use brokers::Brokers;
use guard::Guard;
use security::AccessToken;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Calls that are answered at the same time; others wait a moment.
const CALLS_AT_ONCE: usize = 16;
/// Searches through records at the same time: each may hold the answer of a broker and a batch that it unpacks.
const SEARCHES_AT_ONCE: usize = 2;

/// What the console is told when it starts.
#[derive(Clone, Debug)]
pub struct ConsoleOptions {
    /// What every call must bring. Without one, only callers that name this machine's loopback are answered.
    pub token: Option<AccessToken>,
    /// What the lag evaluator calls this cluster, if it judges groups.
    pub lag_cluster: Option<String>,
    /// Whether anything can be changed.
    pub writes: Writes,
}

/// Whether the console changes anything for those whom it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Writes {
    /// With a token for whoever brings it, else for callers of this machine.
    On,
    /// For nobody, and what to set.
    Off(&'static str),
}

/// What the handlers share.
#[derive(Clone, Debug)]
struct Served {
    brokers: Arc<Brokers>,
    searches: Arc<Semaphore>,
    lag_cluster: Option<Arc<str>>,
    has_schemas: bool,
    writes: Writes,
}

/// The routes: the page at `/`, its files and its API below `/console`. `schemas` is the schema registry's API, of which GET is let through.
pub fn router(
    cluster: Arc<dyn Cluster>,
    schemas: Option<Router>,
    options: ConsoleOptions,
) -> Router {
    let served = Served {
        brokers: Arc::new(Brokers::new(cluster)),
        searches: Arc::new(Semaphore::new(SEARCHES_AT_ONCE)),
        lag_cluster: options.lag_cluster.map(Into::into),
        has_schemas: schemas.is_some(),
        writes: options.writes,
    };
    let guard = Guard::new(options.token, CALLS_AT_ONCE);
    let writes = writes::routes(served.clone());
    let mut api = api::routes(served);
    if let Some(schemas) = schemas {
        api = api.nest_service("/console/api/schemas", schemas);
    }
    let api = api.layer(middleware::from_fn_with_state(guard.clone(), guard::admit));
    let admission = (guard.clone(), options.writes);
    let writes =
        writes.route_layer(middleware::from_fn_with_state(admission, writes::admission::admit));
    Router::new()
        .merge(pages::routes())
        .merge(writes)
        // The last: what is not there is told to nobody who may not read.
        .merge(api)
        .layer(middleware::from_fn_with_state(guard, guard::protect))
}

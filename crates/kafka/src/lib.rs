//! The wire: connections, frames, and one handler per API key.
//!
//! [`Listeners`] binds the sockets, [`Server`] serves them. A connection's requests are decoded and *begun* in order, the rest of their
//! work runs side by side, and their answers leave in the order of the requests (DESIGN section 4.1). The table in `api` says which
//! API keys there are; dispatch, `ApiVersions` and metric labels derive from it. Kafka's wire types and error codes end
//! here: the engines see neither.

mod answers;
mod api;
mod authentication;
mod authorization;
#[doc(hidden)]
pub mod benchmarks;
mod broker;
mod budget;
mod catalog;
mod connection;
mod connection_count;
mod connection_rate;
mod context;
mod error;
mod frame;
mod internal_topics;
mod listener;
mod log_limit;
mod notices;
mod pace;
mod peers;
mod refused_batches;
mod rope;
mod schemas;
mod secured;
mod server;
mod throttle;
mod transaction;

pub use api::check_request;
pub use authentication::SaslSettings;
pub use broker::{Broker, BrokerOptions};
pub use catalog::ImageCatalog;
pub use frame::FrameError;
pub use internal_topics::coordinator_of;
pub use listener::{AdvertisedListener, ListenerError, ListenerSpec, Listeners, SecurityProtocol};
pub use peers::{Following, LogEndQuestion, PartitionMarker, Peers, Reading, RecordsRead};
pub use schemas::Schemas;
pub use secured::ListenerSecurity;
pub use server::{Server, ServerOptions};

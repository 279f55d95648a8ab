//! What the system tests share: deployments, brokers, client programs.

pub mod authority;
pub mod broker;
pub mod brokers;
pub mod collector;
pub mod connect;
pub mod deployment;
pub mod flaky;
pub mod group_tool;
pub mod http;
pub mod identity_provider;
pub mod kafka;
pub mod load;
pub mod member;
pub mod patience;
pub mod placement;
pub mod programs;
pub mod prometheus;
pub mod records;
pub mod rolls;
pub mod running;

pub use authority::Authority;
pub use broker::Broker;
pub use brokers::Brokers;
pub use connect::Worker;
pub use deployment::{Deployment, Kind};
pub use flaky::FlakyProxy;
pub use kafka::Kafka;
pub use load::Load;
pub use member::Member;
pub use patience::{eventually, until};
pub use prometheus::Prometheus;
pub use running::Running;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// `alluvium dev` takes the usual ports of etcd and MinIO where they are free: two that start at the same moment would take the same.
pub fn only_dev() -> MutexGuard<'static, ()> {
    static ONLY: Mutex<()> = Mutex::new(());
    ONLY.lock().unwrap_or_else(PoisonError::into_inner)
}

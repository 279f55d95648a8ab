//! What the system tests share: deployments, brokers, client programs.

pub mod broker;
pub mod deployment;
pub mod flaky;
pub mod load;
pub mod member;
pub mod programs;

pub use broker::Broker;
pub use deployment::{Deployment, Kind};
pub use flaky::FlakyProxy;
pub use load::Load;
pub use member::Member;

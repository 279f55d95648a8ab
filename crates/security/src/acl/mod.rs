//! Access rules with the semantics of Kafka's `StandardAuthorizer` (KIP-11, KIP-290, KIP-801): pure.

mod authorizer;
mod binding;
mod filter;
mod rules;
#[cfg(test)]
mod tests;

pub use authorizer::{Authorizer, Decision, Request};
pub use binding::{Binding, CLUSTER, Operation, Pattern, Permission, ResourceType};
pub use filter::{Filter, PatternFilter};
pub use rules::Rules;

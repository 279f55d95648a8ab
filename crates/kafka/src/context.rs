//! [`Context`]: who asks, from where, and what may be done for them.

use crate::{
    authentication::{Authentication, Denied},
    broker::Broker,
    frame::RequestHead,
    log_limit::LogLimit,
    refused_batches::RefusedBatches,
};
use kafka_protocol::protocol::StrBytes;
use runtime::Shutdown;
use security::Principal;
use std::{net::SocketAddr, sync::Arc};

/// What a request wants to do (KIP-11).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    /// Open to everyone, before authentication too.
    None,
    /// Reads records.
    Read,
    /// Writes records.
    Write,
    /// Makes something.
    Create,
    /// Removes something.
    Delete,
    /// Changes something.
    Alter,
    /// Looks at something.
    Describe,
    /// Looks at configs.
    DescribeConfigs,
    /// Changes configs.
    AlterConfigs,
    /// Writes with a producer id.
    IdempotentWrite,
}

/// What it wants to do it to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ResourceKind {
    /// Topics named in the request.
    Topic,
    /// The group or transactional id named in the request.
    Coordinated,
    /// The cluster.
    Cluster,
}

/// A connection as its requests see it.
#[derive(Debug)]
pub(crate) struct ConnectionContext {
    /// The engines.
    pub(crate) broker: Broker,
    /// Name of the listener it came in by.
    pub(crate) listener: Arc<str>,
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// Whose it is.
    pub(crate) authentication: Authentication,
    /// Of log-ins that failed.
    pub(crate) denials: Arc<LogLimit>,
    /// The connection as one that may produce.
    pub(crate) producer: partition_log::ProducerConnection,
    /// What its producers have yet to send again.
    pub(crate) refused: RefusedBatches,
    /// Asks long polls to end.
    pub(crate) shutdown: Shutdown,
}

/// One request's surroundings.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// Its connection.
    pub(crate) connection: Arc<ConnectionContext>,
    /// Its head.
    pub(crate) head: RequestHead,
    /// What the client calls itself.
    pub(crate) client_id: Option<StrBytes>,
}

impl Context {
    /// The engines.
    pub(crate) fn broker(&self) -> &Broker {
        &self.connection.broker
    }

    /// The request's version.
    pub(crate) fn version(&self) -> i16 {
        self.head.version
    }

    /// Whether the principal may do this. There are no access rules yet: everyone may do everything.
    pub(crate) fn allows(&self, operation: Operation, resource: ResourceKind) -> bool {
        let principal = self.connection.authentication.principal();
        tracing::trace!(?principal, ?operation, ?resource, "allowed");
        true
    }

    /// Whether it may read and change who logs in: somebody who did not say who they are may not.
    pub(crate) fn may_manage_users(&self) -> bool {
        let principal = self.connection.authentication.principal();
        principal.is_some_and(|principal| *principal != Principal::anonymous())
    }
}

impl ConnectionContext {
    /// Logs that a log-in failed, and counts it.
    pub(crate) fn tell_denied(&self, denied: &Denied) {
        metrics::counter!("kafka_failed_authentications_total").increment(1);
        if let Some(suppressed) = self.denials.admit() {
            let (peer, listener) = (self.peer, &*self.listener);
            tracing::warn!(%peer, listener, %denied, suppressed, "a log-in failed");
        }
    }
}

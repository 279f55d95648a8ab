//! [`EtcdStore`]: the port on etcd 3.
//!
//! Every call has a deadline; none is repeated here, because only the caller knows what settles an unknown outcome.
//! Watches re-create themselves. What an error proves is decided in `errors`.

mod access;
mod convert;
mod errors;
mod keep_alive;
mod watch;

pub use access::{EtcdAccess, EtcdTls, EtcdTlsError, EtcdTlsFiles};

use crate::{
    Lease, MetadataError, MetadataStore, Outcome, Range, RangeQuery, Revision, Transaction, Watch,
    limits,
};
use async_trait::async_trait;
use bytes::Bytes;
use etcd_client::{Client, ConnectOptions, KvClient};
use keep_alive::KeepAlives;
use runtime::{Backoff, Randomness};
use std::{fmt, future::Future, time::Duration};
use watch::EtcdWatch;

/// Where etcd is, and how long to wait for it.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// `host:port` or `http://host:port` of each member; with TLS, `host:port` or `https://host:port`.
    pub endpoints: Vec<String>,
    /// How it is come in at.
    pub access: EtcdAccess,
    /// The longest a call takes.
    pub call_timeout: Duration,
    /// The longest that connecting to a member takes.
    pub connect_timeout: Duration,
    /// How long a watch hears nothing before it asks whether its stream is alive; twice this, and it makes another.
    pub watch_patience: Duration,
}

impl EtcdOptions {
    /// The usual patience with these members.
    pub fn new(endpoints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            access: EtcdAccess::default(),
            call_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(2),
            watch_patience: Duration::from_secs(10),
        }
    }
}

/// Pings on the connection. etcd cuts off who pings more often than every 5 s.
const PING_INTERVAL: Duration = Duration::from_secs(6);
const PING_TIMEOUT: Duration = Duration::from_secs(3);
/// Entries read with one request; longer ranges take several, at one revision.
const PAGE_ENTRIES: usize = 1_000;
/// The largest answer that is read. A page of the largest values, or a watch's backlog, goes beyond gRPC's 4 MiB.
const ANSWER_MAX_BYTES: usize = i32::MAX as usize;

/// A metadata store on etcd. A clone is the same store.
#[derive(Clone)]
pub struct EtcdStore {
    client: Client,
    kv: KvClient,
    keep_alives: KeepAlives,
    options: EtcdOptions,
    randomness: Randomness,
}

impl EtcdStore {
    /// Prepares a store; connections are made when they are needed, so this does not tell whether etcd is there, unless a user logs in.
    ///
    /// # Errors
    /// `Refused` when an endpoint is no address, or there is none; when a user logs in, also as a read.
    pub async fn connect(
        options: EtcdOptions,
        randomness: Randomness,
    ) -> Result<Self, MetadataError> {
        let mut connect = ConnectOptions::new()
            .with_connect_timeout(options.connect_timeout)
            .with_keep_alive(PING_INTERVAL, PING_TIMEOUT)
            .with_keep_alive_while_idle(true)
            .with_require_leader(true);
        if let Some(tls) = &options.access.tls {
            connect = connect.with_tls(tls.options());
        }
        if let Some((user, password)) = &options.access.login {
            // A token that etcd has forgotten, as after its restart, is refused before anything is done.
            connect = connect.with_user(user, password).with_auto_token_refresh(true);
        }
        let at = || format!("etcd at {}", options.endpoints.join(", "));
        let connecting = Client::connect(&options.endpoints, Some(connect));
        let client = match tokio::time::timeout(options.call_timeout, connecting).await {
            Ok(Ok(client)) => client,
            Ok(Err(error @ etcd_client::Error::GRpcStatus(_))) => {
                return Err(errors::of_read(&error));
            }
            Ok(Err(error)) => return Err(MetadataError::Refused(format!("{}: {error}", at()))),
            Err(_) => return Err(MetadataError::Unavailable(format!("{} is silent", at()))),
        };
        let kv = client.kv_client().max_decoding_message_size(ANSWER_MAX_BYTES);
        let keep_alives = KeepAlives::new(client.lease_client());
        Ok(Self { client, kv, keep_alives, options, randomness })
    }

    /// Runs a call that changes nothing, within the deadline.
    async fn read<T>(
        &self,
        call: impl Future<Output = Result<T, etcd_client::Error>>,
    ) -> Result<T, MetadataError> {
        match tokio::time::timeout(self.options.call_timeout, call).await {
            Ok(answer) => answer.map_err(|error| errors::of_read(&error)),
            Err(_) => Err(MetadataError::Unavailable(self.silent())),
        }
    }

    /// Runs a call that changes something, within the deadline.
    async fn write<T>(
        &self,
        call: impl Future<Output = Result<T, etcd_client::Error>>,
    ) -> Result<T, MetadataError> {
        match tokio::time::timeout(self.options.call_timeout, call).await {
            Ok(answer) => answer.map_err(|error| errors::of_write(&error)),
            Err(_) => Err(MetadataError::OutcomeUnknown(self.silent())),
        }
    }

    fn silent(&self) -> String {
        format!("{} did not answer within {:?}", self.describe(), self.options.call_timeout)
    }
}

#[async_trait]
impl MetadataStore for EtcdStore {
    async fn range(&self, query: RangeQuery) -> Result<Range, MetadataError> {
        limits::check_query(&query)?;
        let mut read: Option<Range> = None;
        loop {
            let page = convert::page(&query, read.as_ref(), PAGE_ENTRIES);
            let mut kv = self.kv.clone();
            let answer = self.read(kv.get(page.start, Some(page.options))).await;
            let answer = answer.map_err(|error| errors::with_revision(error, query.at))?;
            let range = convert::range(read.take(), &answer)?;
            let full = query.limit != 0 && range.entries.len() >= query.limit;
            if full || !range.more {
                return Ok(range);
            }
            read = Some(range);
        }
    }

    async fn transact(&self, transaction: Transaction) -> Result<Outcome, MetadataError> {
        limits::check_transaction(&transaction)?;
        let mut kv = self.kv.clone();
        let answer = self.write(kv.txn(convert::transaction(transaction))).await?;
        convert::outcome(&answer)
    }

    async fn watch(&self, prefix: Bytes, from: Revision) -> Result<Box<dyn Watch>, MetadataError> {
        let client = self.client.watch_client().max_decoding_message_size(ANSWER_MAX_BYTES);
        let backoff = Backoff::new(
            Duration::from_millis(50),
            Duration::from_secs(2),
            self.randomness.clone(),
        );
        Ok(Box::new(EtcdWatch::new(client, prefix, from, self.options.watch_patience, backoff)))
    }

    async fn grant_lease(&self, time_to_live: Duration) -> Result<Lease, MetadataError> {
        let seconds = time_to_live.as_millis().div_ceil(1_000) as i64;
        if seconds == 0 {
            return Err(MetadataError::Refused("a lease needs a time to live".to_owned()));
        }
        let mut client = self.client.lease_client();
        let granted = self.write(client.grant(seconds, None)).await?;
        let time_to_live = Duration::from_secs(granted.ttl().try_into().unwrap_or(0));
        Ok(Lease { id: granted.id(), time_to_live })
    }

    async fn keep_alive(&self, lease: Lease) -> Result<(), MetadataError> {
        // A lease is of no use to who does not hear of it in time.
        let deadline = self.options.call_timeout.min(lease.time_to_live);
        match tokio::time::timeout(deadline, self.keep_alives.keep_alive(lease.id)).await {
            Ok(answer) => answer,
            Err(_) => Err(MetadataError::OutcomeUnknown(self.silent())),
        }
    }

    async fn revoke_lease(&self, lease: Lease) -> Result<(), MetadataError> {
        self.keep_alives.forget(lease.id);
        let mut client = self.client.lease_client();
        match self.write(client.revoke(lease.id)).await {
            Ok(_) | Err(MetadataError::LeaseGone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn compact(&self, revision: Revision) -> Result<(), MetadataError> {
        let mut kv = self.kv.clone();
        match self.write(kv.compact(revision.0 as i64, None)).await {
            Ok(_) | Err(MetadataError::Compacted(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Of the member that answers.
    async fn used_bytes(&self) -> Result<Option<u64>, MetadataError> {
        let mut maintenance = self.client.maintenance_client();
        let status = self.read(maintenance.status()).await?;
        // The crate's name for etcd's `dbSizeInUse`.
        Ok(u64::try_from(status.raft_used_db_size()).ok())
    }

    fn describe(&self) -> String {
        format!("etcd at {}", self.options.endpoints.join(", "))
    }
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore").field("options", &self.options).finish_non_exhaustive()
    }
}

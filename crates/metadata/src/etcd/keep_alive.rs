//! [`KeepAlives`]: one stream a lease, each answer read before the next question.
//!
//! A stream whose question went unanswered is thrown away: a late answer must never pass for the answer to a later
//! question.

use super::errors;
use crate::MetadataError;
use etcd_client::{LeaseClient, LeaseKeepAliveStream, LeaseKeeper};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

/// The streams of this store's leases.
#[derive(Clone)]
pub(super) struct KeepAlives {
    client: LeaseClient,
    idle: Arc<Mutex<HashMap<i64, Stream>>>,
}

type Stream = (LeaseKeeper, LeaseKeepAliveStream);

impl KeepAlives {
    pub(super) fn new(client: LeaseClient) -> Self {
        Self { client, idle: Arc::default() }
    }

    /// Keeps a lease alive once: sent, and answered with time left.
    ///
    /// # Cancel safety
    /// Safe: the stream is dropped, and the next call opens another.
    pub(super) async fn keep_alive(&self, lease: i64) -> Result<(), MetadataError> {
        let idle = self.idle.lock().remove(&lease);
        let stream = match idle {
            // A stream that broke while idle says nothing of the lease.
            Some(stream) => match ask(stream).await {
                Ok(stream) => stream,
                Err(MetadataError::LeaseGone) => return Err(MetadataError::LeaseGone),
                Err(_) => self.open(lease).await?,
            },
            None => self.open(lease).await?,
        };
        self.idle.lock().insert(lease, stream);
        Ok(())
    }

    /// Drops a lease's stream.
    pub(super) fn forget(&self, lease: i64) {
        self.idle.lock().remove(&lease);
    }

    /// Opening asks once, and reads the answer.
    async fn open(&self, lease: i64) -> Result<Stream, MetadataError> {
        self.client.clone().keep_alive(lease).await.map_err(|error| errors::of_write(&error))
    }
}

async fn ask((mut keeper, mut stream): Stream) -> Result<Stream, MetadataError> {
    keeper.keep_alive().await.map_err(|error| errors::of_write(&error))?;
    match stream.message().await {
        Ok(Some(answer)) if answer.id() == keeper.id() && answer.ttl() > 0 => Ok((keeper, stream)),
        Ok(Some(answer)) if answer.id() == keeper.id() => Err(MetadataError::LeaseGone),
        Ok(_) => Err(MetadataError::OutcomeUnknown("etcd ended a keep-alive stream".to_owned())),
        Err(error) => Err(errors::of_write(&error)),
    }
}

//! [`EtcdWatch`]: a watch that outlives its streams.
//!
//! It remembers the revision to go on from: the one after the last it heard of, by events or by progress notice. A
//! stream that breaks, or is silent for too long, is replaced by one from there. Fragments are not asked for, so an
//! answer always holds all that its revisions changed.

use super::convert;
use crate::{Event, EventKind, MetadataError, Revision, Watch, prefix_end};
use async_trait::async_trait;
use bytes::Bytes;
use etcd_client::{EventType, WatchClient, WatchOptions, WatchResponse, WatchStream};
use futures::future::BoxFuture;
use runtime::Backoff;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

pub(super) struct EtcdWatch {
    client: WatchClient,
    prefix: Bytes,
    /// Everything before it was heard.
    resume: Revision,
    /// What was heard and not told yet: one batch a revision.
    heard: VecDeque<Vec<Event>>,
    connection: Connection,
    patience: Duration,
    backoff: Backoff,
}

/// Kept between calls of `next`, so that dropping one loses nothing.
enum Connection {
    /// Nothing until then.
    Pausing(Instant),
    /// Must be open by then.
    Opening(BoxFuture<'static, Result<WatchStream, etcd_client::Error>>, Instant),
    /// Must be heard of by then; `probed` when etcd was already asked for a sign of life.
    Open { stream: Box<WatchStream>, until: Instant, probed: bool },
}

impl EtcdWatch {
    pub(super) fn new(
        client: WatchClient,
        prefix: Bytes,
        from: Revision,
        patience: Duration,
        backoff: Backoff,
    ) -> Self {
        Self {
            client,
            prefix,
            // etcd reads 0 as "from now on".
            resume: from.max(Revision(1)),
            heard: VecDeque::new(),
            connection: Connection::Pausing(Instant::now()),
            patience,
            backoff,
        }
    }

    /// Takes one step towards the next events.
    async fn advance(&mut self) -> Result<(), MetadataError> {
        match &mut self.connection {
            Connection::Pausing(until) => {
                tokio::time::sleep_until(*until).await;
                self.open();
            }
            Connection::Opening(opening, until) => {
                match tokio::time::timeout_at(*until, opening).await {
                    Ok(Ok(stream)) => self.opened(stream),
                    Ok(Err(error)) => self.retry(&error.to_string()),
                    Err(_) => self.retry("etcd opened no watch in time"),
                }
            }
            Connection::Open { stream, until, probed } => {
                match tokio::time::timeout_at(*until, stream.message()).await {
                    Ok(Ok(Some(response))) => self.hear(&response)?,
                    Ok(Ok(None)) => self.retry("etcd ended the watch"),
                    Ok(Err(error)) => self.retry(&error.to_string()),
                    Err(_) if *probed => self.retry("etcd is silent"),
                    Err(_) => {
                        *probed = true;
                        *until = Instant::now() + self.patience;
                        // The channel behind it holds a hundred requests, so this does not wait.
                        if let Err(error) = stream.request_progress().await {
                            self.retry(&error.to_string());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn open(&mut self) {
        let mut client = self.client.clone();
        let options = WatchOptions::new()
            .with_range(prefix_end(&self.prefix))
            .with_start_revision(self.resume.0 as i64)
            .with_progress_notify();
        let key = convert::first_key(&self.prefix);
        let opening = async move { client.watch(key, Some(options)).await };
        self.connection = Connection::Opening(Box::pin(opening), Instant::now() + self.patience);
    }

    fn opened(&mut self, stream: WatchStream) {
        let until = Instant::now() + self.patience;
        self.connection = Connection::Open { stream: Box::new(stream), until, probed: false };
    }

    fn retry(&mut self, reason: &str) {
        let pause = self.backoff.next_pause();
        tracing::debug!(reason, resume = self.resume.0, "a metadata watch is made anew");
        self.connection = Connection::Pausing(Instant::now() + pause);
    }

    fn hear(&mut self, response: &WatchResponse) -> Result<(), MetadataError> {
        if let Connection::Open { until, probed, .. } = &mut self.connection {
            *until = Instant::now() + self.patience;
            *probed = false;
        }
        if response.canceled() {
            self.retry(response.cancel_reason());
            return match u64::try_from(response.compact_revision()) {
                Ok(revision @ 1..) => Err(MetadataError::Compacted(Revision(revision))),
                _ => Ok(()),
            };
        }
        self.backoff.reset();
        for event in response.events() {
            self.queue(event);
        }
        // A notice without events promises that everything up to its revision was sent.
        let is_notice = response.events().is_empty() && !response.created();
        if let Some(header) = response.header().filter(|_| is_notice) {
            self.resume = self.resume.max(Revision(header.revision() as u64).next());
        }
        Ok(())
    }

    fn queue(&mut self, event: &etcd_client::Event) {
        let Some(pair) = event.kv() else { return };
        let entry = convert::entry(pair);
        let revision = entry.mod_revision;
        let kind = match event.event_type() {
            EventType::Put => EventKind::Put(entry),
            EventType::Delete => EventKind::Delete(entry.key),
        };
        let event = Event { revision, kind };
        match self.heard.back_mut() {
            Some(batch) if batch.first().is_some_and(|first| first.revision == revision) => {
                batch.push(event);
            }
            // Told before: a new stream may begin with what the old one had sent.
            _ if revision < self.resume => {}
            _ => self.heard.push_back(vec![event]),
        }
        self.resume = self.resume.max(revision.next());
    }
}

#[async_trait]
impl Watch for EtcdWatch {
    async fn next(&mut self) -> Result<Vec<Event>, MetadataError> {
        loop {
            if let Some(batch) = self.heard.pop_front() {
                return Ok(batch);
            }
            self.advance().await?;
        }
    }
}

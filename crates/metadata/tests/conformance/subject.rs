//! [`Subject`]: a store, and the prefix that one case works below.

use bytes::Bytes;
use metadata::{
    Compare, Entry, Event, EventKind, Lease, MetadataError, MetadataStore, Operation, Outcome,
    RangeQuery, Revision, Transaction, Watch,
};
use std::{sync::Arc, time::Duration};

pub(crate) struct Subject {
    pub(crate) store: Arc<dyn MetadataStore>,
    prefix: String,
}

impl Subject {
    pub(crate) fn new(store: &Arc<dyn MetadataStore>, case: &str) -> Self {
        println!("{case} on {}", store.describe());
        Self { store: store.clone(), prefix: format!("{case}/") }
    }

    pub(crate) fn key(&self, name: &str) -> Bytes {
        format!("{}{name}", self.prefix).into()
    }

    pub(crate) fn everything(&self) -> RangeQuery {
        RangeQuery::prefix(self.prefix.clone())
    }

    pub(crate) fn put_operation(&self, name: &str, value: &str) -> Operation {
        Operation::put(self.key(name), value.to_owned())
    }

    pub(crate) async fn transact(
        &self,
        compares: Vec<Compare>,
        then: Vec<Operation>,
        otherwise: Vec<Operation>,
    ) -> Result<Outcome, MetadataError> {
        self.store.transact(Transaction { compares, then, otherwise }).await
    }

    /// Does `operations` without a condition.
    pub(crate) async fn run(&self, operations: Vec<Operation>) -> Outcome {
        self.transact(vec![], operations, vec![]).await.expect("nothing is in its way")
    }

    pub(crate) async fn put(&self, name: &str, value: &str) -> Revision {
        self.run(vec![self.put_operation(name, value)]).await.revision
    }

    pub(crate) async fn put_leased(&self, name: &str, lease: Lease) -> Revision {
        let put =
            Operation::Put { key: self.key(name), value: "leased".into(), lease: Some(lease.id) };
        self.run(vec![put]).await.revision
    }

    pub(crate) async fn delete(&self, name: &str) -> Revision {
        self.run(vec![Operation::Delete(self.key(name))]).await.revision
    }

    pub(crate) async fn get(&self, name: &str) -> Option<Entry> {
        let range = self.store.range(RangeQuery::key(self.key(name))).await;
        range.expect("it answers").entries.pop()
    }

    /// The values below the prefix as of a revision.
    pub(crate) async fn values_at(&self, at: Revision) -> Result<Vec<String>, MetadataError> {
        Ok(values(&self.store.range(self.everything().at(at)).await?.entries))
    }

    pub(crate) async fn holds(&self, compare: Compare) -> bool {
        self.transact(vec![compare], vec![], vec![]).await.expect("it answers").succeeded
    }

    pub(crate) async fn watch(&self, from: Revision) -> Box<dyn Watch> {
        let watch = self.store.watch(self.prefix.clone().into(), from).await;
        watch.expect("a watch opens")
    }

    /// What events say, without the prefix: `+name=value`, `-name`.
    pub(crate) fn told(&self, events: &[Event]) -> Vec<String> {
        let name = |key: &Bytes| text(key).trim_start_matches(&self.prefix).to_owned();
        let tell = |event: &Event| match &event.kind {
            EventKind::Put(entry) => format!("+{}={}", name(&entry.key), text(&entry.value)),
            EventKind::Delete(key) => format!("-{}", name(key)),
        };
        let mut told: Vec<_> = events.iter().map(tell).collect();
        told.sort();
        told
    }

    /// The next batch of a watch as text, with its revision.
    pub(crate) async fn hear(&self, watch: &mut Box<dyn Watch>) -> (Revision, Vec<String>) {
        let events = next(watch).await.expect("the watch goes on");
        let revision = events.first().expect("a batch is never empty").revision;
        assert!(events.iter().all(|event| event.revision == revision), "one batch, one revision");
        (revision, self.told(&events))
    }
}

pub(crate) fn values(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| text(&entry.value)).collect()
}

pub(crate) fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).expect("the tests write text")
}

/// Waits for a watch, but not for ever: a hang is a failure with a name.
pub(crate) async fn next(watch: &mut Box<dyn Watch>) -> Result<Vec<Event>, MetadataError> {
    tokio::time::timeout(Duration::from_secs(30), watch.next()).await.expect("the watch speaks")
}

/// Defines `all`, which runs the area's cases in order.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(crate) async fn all(store: &std::sync::Arc<dyn metadata::MetadataStore>) {
            $($case($crate::subject::Subject::new(store, stringify!($case))).await;)*
        }
    };
}
pub(crate) use cases;

//! The port's specification as one suite, run on every provider: memory, embedded, etcd.
//!
//! Each case works below a prefix of its own. Cases of one area run one after the other on one store; those that
//! compact come last in theirs.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod leases;
mod limits;
mod reads;
mod subject;
mod transactions;
mod watches;

use metadata::{EmbeddedStore, EtcdOptions, EtcdStore, MemoryStore, MetadataStore};
use runtime::{Clock, Randomness};
use std::sync::Arc;

async fn etcd(etcd: &services::Etcd) -> Arc<dyn MetadataStore> {
    let options = EtcdOptions::new([etcd.endpoint()]);
    let store = EtcdStore::connect(options, Randomness::seeded(1)).await;
    Arc::new(store.expect("the address is one"))
}

fn embedded(directory: &tempfile::TempDir) -> Arc<dyn MetadataStore> {
    let store = EmbeddedStore::open(directory.path(), Clock::system());
    Arc::new(store.expect("a new directory opens"))
}

fn memory() -> Arc<dyn MetadataStore> {
    Arc::new(MemoryStore::new(Clock::simulated(0)))
}

macro_rules! conformance {
    ($($area:ident: $memory:ident $embedded:ident $etcd:ident),* $(,)?) => {$(
        #[tokio::test(start_paused = true)]
        async fn $memory() {
            $area::all(&memory()).await;
        }

        #[tokio::test]
        async fn $embedded() {
            let directory = tempfile::tempdir().expect("a directory");
            $area::all(&embedded(&directory)).await;
        }

        #[tokio::test]
        async fn $etcd() {
            let process = services::Etcd::start().expect("etcd starts");
            $area::all(&etcd(&process).await).await;
        }
    )*};
}

conformance! {
    reads: memory_reads embedded_reads etcd_reads,
    transactions: memory_transactions embedded_transactions etcd_transactions,
    limits: memory_limits embedded_limits etcd_limits,
    watches: memory_watches embedded_watches etcd_watches,
    leases: memory_leases embedded_leases etcd_leases,
}

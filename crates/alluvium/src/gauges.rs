//! What `/metrics` shows of this process and its engines, looked at once a second; [`Utilization`] among it.

use cluster::Identity;
use metrics::{counter, gauge};
use model::config::{broker, deployment};
use node::Node;
use observability::{Capacity, Used, Utilization, process};
use runtime::{Clock, disk::Disk};
use settings::Settings;
use std::{sync::Arc, time::Duration};

/// How often it is looked at.
const RHYTHM: Duration = Duration::from_secs(1);
/// How often what may take a while is looked at: the room on the disk, which may wait for the disk, and open files, which may be many.
const DISK_RHYTHM: Duration = Duration::from_secs(10);

/// Shows it until the node's tasks shut down.
pub(crate) fn keep(
    settings: &Settings,
    identity: &Identity,
    node: &Node,
    clock: Clock,
    wal_disk: Arc<dyn Disk>,
) {
    let (rack, number) = (identity.rack.clone(), identity.broker.to_string());
    let labels = [
        ("broker", number),
        ("rack", rack.unwrap_or_default()),
        ("version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    gauge!("alluvium_broker_info", &labels).set(1.0);
    let wal_bytes = settings.number(&broker::WAL_MAX_BYTES).unwrap_or(u64::MAX).max(1);
    gauge!("alluvium_wal_max_bytes").set(wal_bytes as f64);
    gauge!("process_max_fds").set(process::max_open_files().unwrap_or_default() as f64);
    let cores = process::cores();
    gauge!("alluvium_cores").set(cores);
    let network = settings.number(&deployment::NETWORK_BYTES_PER_SECOND);
    let capacity = Capacity {
        cores,
        network_bytes_per_second: network.map(|limit| limit as f64),
        wal_bytes,
        uploads: node.logs().status().uploads_max,
    };
    let tasks = node.tasks();
    let (node, shutdown) = (node.clone(), tasks.shutdown());
    tasks.spawn("gauges", async move {
        let mut utilization = Utilization::new(capacity);
        loop {
            show(&node, &clock, &mut utilization);
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(RHYTHM) => {}
            }
        }
    });
    let shutdown = tasks.shutdown();
    tasks.spawn("gauges_beside", async move {
        loop {
            let disk = Arc::clone(&wal_disk);
            if let Ok(Ok(free)) = runtime::beside(move || disk.free_bytes()).await {
                gauge!("alluvium_wal_disk_free_bytes").set(free as f64);
            }
            let files = runtime::beside(process::open_files).await.ok().flatten();
            gauge!("process_open_fds").set(files.unwrap_or_default() as f64);
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep(DISK_RHYTHM) => {}
            }
        }
    });
}

fn show(node: &Node, clock: &Clock, utilization: &mut Utilization) {
    let engine = node.logs().status();
    gauge!("alluvium_partitions").set(engine.partitions as f64);
    gauge!("alluvium_buffered_bytes").set(engine.buffered_bytes as f64);
    gauge!("alluvium_uncommitted_bytes").set(engine.uncommitted_bytes as f64);
    gauge!("alluvium_wal_bytes").set(engine.wal_bytes as f64);
    gauge!("alluvium_uploads_in_flight").set(engine.uploads_in_flight as f64);
    gauge!("cluster_controller").set(if node.cluster().is_controller() { 1.0 } else { 0.0 });
    let cpu_seconds = process::cpu_seconds().unwrap_or_default();
    gauge!("process_cpu_seconds_total").set(cpu_seconds);
    gauge!("process_resident_memory_bytes")
        .set(process::resident_bytes().unwrap_or_default() as f64);
    let (received_bytes, sent_bytes) = process::network_bytes().unwrap_or_default();
    counter!("alluvium_network_bytes_total", "direction" => "received").absolute(received_bytes);
    counter!("alluvium_network_bytes_total", "direction" => "sent").absolute(sent_bytes);
    let shares = utilization.take(Used {
        at: clock.boot_time(),
        cpu_seconds,
        received_bytes,
        sent_bytes,
        wal_bytes: engine.wal_bytes,
        uploads: engine.uploads_in_flight,
    });
    gauge!("alluvium_utilization").set(shares.most());
    for (part, share) in shares.parts() {
        if let Some(share) = share {
            gauge!("alluvium_utilization_part", "part" => part).set(share);
        }
    }
}

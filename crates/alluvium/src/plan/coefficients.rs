//! What work costs, as benches/README.md measured it on two virtual CPUs (fad69ab to d680bd7, 2026-11-21).
//!
//! CPU seconds of the broker are solved from three scenarios of our own driver (`puts` on 1 and on 1,000 partitions, `single-partition` on
//! MinIO in `wal` mode) and `tail`; flushes and uploads are in them, etcd and the object store are not. Rounds of `tuned-producer` lie
//! between 27% below (Java) and 17% above (driver) of what they come to.

/// Bytes of a GiB.
pub(super) const GIB: f64 = 1_073_741_824.0;

/// For a GiB that comes in, however it is cut.
pub(super) const BYTES_IN_CPU_SECONDS: f64 = 2.45;
/// For each request of a producer.
pub(super) const REQUEST_CPU_SECONDS: f64 = 66.1e-6;
/// For each batch in it.
pub(super) const BATCH_CPU_SECONDS: f64 = 6.35e-6;
/// For a GiB that consumers at the end of the log get.
pub(super) const BYTES_OUT_CPU_SECONDS: f64 = 0.78;

/// What one PUT takes with it while data keeps coming: `puts` made 136 for a GiB, index objects included.
pub(super) const FLUSH_BYTES: f64 = GIB / 136.0;
/// Flushes a second of a broker that gets little: `flush.max.interval` of 250 ms.
pub(super) const FLUSHES_A_SECOND_AT_LEAST: f64 = 4.0;
/// And of one whose producers wait for answers: `flush.requests.per.second`.
pub(super) const FLUSHES_A_SECOND_AT_MOST: f64 = 20.0;
/// Flushes whose records are gathered together (`fold.commits`).
pub(super) const FLUSHES_GATHERED: f64 = 64.0;
/// What a PUT of gathered records takes with it.
pub(super) const GATHERED_SEGMENT_BYTES: f64 = GIB / 16.0;
/// Nothing is gathered where a flush brings a partition so much.
pub(super) const UNGATHERED_BYTES: f64 = GIB / 4096.0;
/// What a broker gathers in a second at most (`gather.io.max.bytes.per.second`).
pub(super) const GATHERED_BYTES_A_SECOND: f64 = GIB / 16.0;
/// For a GiB that is gathered: what the load of `puts` on 1,000 partitions takes more than with `gather.spool.max.bytes=0` (6.7 and 4.8, 2026-11-23).
pub(super) const GATHERED_CPU_SECONDS: f64 = 1.9;
/// What one GET reads of a partition at most.
pub(super) const READ_BYTES: f64 = GIB / 128.0;
/// 22.7 MB for 1,000 partitions at four flushes a second (`scale`).
pub(super) const ETCD_BYTES_FOR_A_PARTITION: f64 = 22_700.0;

/// What Kafka keeps of each record.
pub(super) const KAFKA_REPLICAS: f64 = 3.0;
/// How full its disks are let become.
pub(super) const KAFKA_DISK_FILL: f64 = 0.6;

use super::*;
use crate::index::IndexRun;
use model::{
    SessionId,
    config::{CleanupPolicy, CompactionSettings, CompressionType, DurabilityMode, TimestampType},
};
use storage::ObjectName;

const NOW: TimestampMs = TimestampMs(1_000_000);

fn offset(value: u64) -> Offset {
    Offset::new(value).unwrap()
}

/// Entries of ten offsets and 100 bytes each, whose newest records are so old.
fn entries(level: u32, ages: &[i64]) -> Vec<IndexEntry> {
    let entry = |(n, age): (u64, &i64)| {
        IndexEntry::Run(IndexRun {
            object: ObjectName::new("index").unwrap(),
            level,
            bytes: 0..10,
            base_offset: offset(n * 10),
            end_offset: offset(n * 10 + 10),
            size_bytes: 100,
            max_timestamp: TimestampMs(NOW.0 - age),
            session: SessionId::from_bytes([1; 16]),
            from_seq: n,
            through_seq: n,
        })
    };
    (0..).zip(ages).map(entry).collect()
}

fn settings(retention_ms: Option<u64>, retention_bytes: Option<u64>) -> TopicSettings {
    TopicSettings {
        durability_mode: DurabilityMode::Object,
        max_message_bytes: 1 << 20,
        timestamp_type: TimestampType::CreateTime,
        timestamp_before_max_ms: None,
        timestamp_after_max_ms: None,
        compression_type: CompressionType::Producer,
        retention_ms,
        retention_bytes,
        cleanup_policy: CleanupPolicy { delete: true, compact: false },
        compaction: CompactionSettings::default(),
        unclean_leader_election: false,
        schemas: model::config::SchemaRules::default(),
    }
}

/// Log start, bytes beyond, high watermark, and what was chosen: log start and run to look into.
fn chosen(
    entries: &[IndexEntry],
    (log_start, bytes_beyond, high_watermark): (u64, u64, u64),
    settings: &TopicSettings,
) -> (Option<u64>, Option<usize>) {
    let (log_start, high_watermark) = (offset(log_start), offset(high_watermark));
    let scope = RetentionScope { entries, bytes_beyond, log_start, high_watermark };
    let choice = choose(&scope, settings, NOW);
    (choice.log_start.map(Offset::get), choice.look_into)
}

#[test]
fn entries_go_when_their_newest_record_is_too_old() {
    let by_time = settings(Some(500), None);
    assert_eq!(chosen(&entries(1, &[900, 501, 500, 0]), (0, 0, 40), &by_time), (Some(20), None));
    assert_eq!(chosen(&entries(1, &[10, 900]), (0, 0, 20), &by_time), (None, None));
}

#[test]
fn a_timestamp_ahead_deletes_nothing_and_keeps_what_follows() {
    let by_time = settings(Some(500), None);
    assert_eq!(chosen(&entries(1, &[900, -10_000, 900]), (0, 0, 30), &by_time), (Some(10), None));
}

#[test]
fn batches_without_timestamps_go_with_the_next_that_have_some() {
    let by_time = settings(Some(500), None);
    let none = NOW.0 + 1;
    assert_eq!(chosen(&entries(1, &[none, 900, 0]), (0, 0, 30), &by_time), (Some(20), None));
    assert_eq!(chosen(&entries(1, &[none, none]), (0, 0, 20), &by_time), (None, None));
}

#[test]
fn entries_go_by_size_while_enough_is_left() {
    let by_size = |limit| settings(None, Some(limit));
    let log = entries(0, &[0, 0, 0]);
    assert_eq!(chosen(&log, (0, 50, 30), &by_size(250)), (Some(10), None));
    assert_eq!(chosen(&log, (0, 50, 30), &by_size(251)).0, None);
    assert_eq!(chosen(&log, (0, 50, 30), &by_size(0)), (Some(30), None));
    assert_eq!(chosen(&log, (0, 50, 30), &by_size(350)), (None, None));
}

#[test]
fn nothing_beyond_the_high_watermark_goes() {
    let log = entries(1, &[900, 900, 900]);
    assert_eq!(chosen(&log, (0, 0, 15), &settings(Some(1), Some(0))), (Some(10), None));
}

#[test]
fn without_the_delete_policy_nothing_goes() {
    let mut topic = settings(Some(1), Some(0));
    topic.cleanup_policy = CleanupPolicy { delete: false, compact: true };
    assert_eq!(chosen(&entries(2, &[900, 900]), (0, 0, 20), &topic), (None, None));
}

#[test]
fn a_run_of_which_a_part_may_go_is_looked_into() {
    let log = entries(2, &[900, 100]);
    assert_eq!(chosen(&log, (0, 0, 20), &settings(Some(500), None)), (Some(10), Some(1)));
    let log = entries(1, &[0, 0]);
    assert_eq!(chosen(&log, (0, 0, 20), &settings(None, Some(150))), (None, Some(0)));
}

#[test]
fn a_run_below_the_log_start_counts_for_nothing_until_it_is_loaded() {
    let log = entries(1, &[0, 0]);
    assert_eq!(chosen(&log, (5, 0, 20), &settings(None, Some(100))), (None, None));
    assert_eq!(chosen(&log, (5, 0, 20), &settings(None, Some(99))), (Some(10), Some(1)));
}

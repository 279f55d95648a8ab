//! `ListOffsets`: times and named places as offsets.

use crate::{
    exam::{Exam, Topic},
    requests::{CREATED, delete_records, filled, list_offsets, missing},
    scenario::{Scenario, alike},
};
use formats::{compression::Codec, record_batch::BatchBuilder};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;

/// Batches of every codec, whose records are ten minutes and then seconds apart.
fn filled_topic(it: &mut Exam) -> Topic {
    let topic = it.topic(1);
    for (minute, codec) in (0..).step_by(10).zip(Codec::ALL) {
        let mut batch = BatchBuilder::new(codec);
        for second in 0..3 {
            let time = CREATED + minute * 60_000 + second * 1_000;
            batch.push(time, Some(b"k"), Some(b"v"), &[]);
        }
        it.append(&topic, batch.build());
    }
    topic
}

pub const SCENARIOS: &[Scenario] = &[
    alike("both ends of a log in every version", |it| {
        let topic = filled_topic(it);
        for version in 1..=10 {
            it.ask(version, list_offsets(&topic, 0, LATEST));
            it.ask(version, list_offsets(&topic, 0, EARLIEST));
        }
    }),
    alike("both ends of an empty log", |it| {
        let topic = it.topic(1);
        for place in [LATEST, EARLIEST, MAX_TIMESTAMP, CREATED] {
            it.ask(7, list_offsets(&topic, 0, place));
        }
    }),
    alike("offsets of times", |it| {
        let topic = filled_topic(it);
        let minute = 60_000;
        for time in [0, 1, 1_000, 1_001, 2_000, 2_001, 10 * minute, 20 * minute + 500, 99 * minute]
        {
            it.ask(7, list_offsets(&topic, 0, CREATED + time));
        }
        it.ask(7, list_offsets(&topic, 0, 0));
    }),
    alike("the offset of a time among records that are out of order", |it| {
        let topic = it.topic(1);
        for times in [[5, 1, 9], [3, 20, 4]] {
            let mut batch = BatchBuilder::new(Codec::None);
            for time in times {
                batch.push(CREATED + time, Some(b"k"), Some(b"v"), &[]);
            }
            it.append(&topic, batch.build());
        }
        for time in [0, 2, 5, 6, 10, 20, 21] {
            it.ask(7, list_offsets(&topic, 0, CREATED + time));
        }
        it.ask(7, list_offsets(&topic, 0, MAX_TIMESTAMP));
    }),
    alike("the record of the latest time", |it| {
        let topic = filled_topic(it);
        it.ask(7, list_offsets(&topic, 0, MAX_TIMESTAMP));
        it.append(&topic, filled(BatchBuilder::new(Codec::None), &["old"]).build());
        it.ask(7, list_offsets(&topic, 0, MAX_TIMESTAMP));
    }),
    alike("the first of records of the same latest time", |it| {
        let topic = it.topic(1);
        let mut batch = BatchBuilder::new(Codec::None);
        for time in [1, 7, 7, 3] {
            batch.push(CREATED + time, Some(b"k"), Some(b"v"), &[]);
        }
        it.append(&topic, batch.build());
        it.ask(7, list_offsets(&topic, 0, MAX_TIMESTAMP));
    }),
    alike("places of tiered storage, of which there is none", |it| {
        let topic = filled_topic(it);
        it.ask(8, list_offsets(&topic, 0, -4));
        it.ask(9, list_offsets(&topic, 0, -5));
    }),
    alike("named places in versions that do not have them", |it| {
        let topic = filled_topic(it);
        it.ask(6, list_offsets(&topic, 0, MAX_TIMESTAMP));
        it.ask(7, list_offsets(&topic, 0, -4));
        it.ask(8, list_offsets(&topic, 0, -5));
    }),
    alike("places that nobody knows", |it| {
        let topic = filled_topic(it);
        for place in [-7, -100] {
            it.ask(9, list_offsets(&topic, 0, place));
        }
    }),
    alike("the end for read_committed", |it| {
        let topic = filled_topic(it);
        it.ask(7, list_offsets(&topic, 0, LATEST).with_isolation_level(1));
    }),
    alike("the beginning after records were deleted", |it| {
        let topic = filled_topic(it);
        it.quietly(2, delete_records(&topic, 0, 4));
        for place in [EARLIEST, CREATED, CREATED + 600_000, CREATED + 602_000] {
            it.ask(7, list_offsets(&topic, 0, place));
        }
    }),
    alike("offsets of what does not exist", |it| {
        let topic = it.topic(1);
        it.ask(7, list_offsets(&missing(), 0, LATEST));
        it.ask(7, list_offsets(&topic, 3, LATEST));
        it.ask(7, list_offsets(&topic, -1, LATEST));
    }),
    alike("one partition asked for twice at once", |it| {
        let topic = filled_topic(it);
        let mut request = list_offsets(&topic, 0, LATEST);
        let mut again = request.topics[0].partitions[0].clone();
        again.timestamp = EARLIEST;
        request.topics[0].partitions.push(again);
        it.ask(7, request);
    }),
    alike("offsets from a leader of another epoch", |it| {
        let topic = filled_topic(it);
        let epoch = it.leader_epoch(&topic);
        for known in [epoch, epoch + 1] {
            let mut request = list_offsets(&topic, 0, LATEST);
            request.topics[0].partitions[0].current_leader_epoch = known;
            it.ask(7, request);
        }
    }),
];

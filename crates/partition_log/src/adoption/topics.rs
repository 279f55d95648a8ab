//! [`LostTopic`]: a topic that segments have records of and metadata does not know: it was created since the snapshot.
//!
//! Its name and settings are not in the bucket. It comes back under a name made of its id, and keeps everything.

use super::{
    Failure,
    choice::{Attached, CommitId, Segment},
    ends::one,
};
use crate::Stores;
use bytes::Bytes;
use formats::metadata::{Configs, Topic, TopicName as StoredName};
use metadata::{
    Operation, Transaction,
    families::{ConfigResource, encode},
};
use model::{PartitionId, TopicId, TopicName};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Names of such topics begin so.
const PREFIX: &str = "recovered-";

/// Nobody said how long its records are to stay.
const SETTINGS: [(&str, &str); 1] = [("retention.ms", "-1")];

/// A topic that metadata does not have, or that has more partitions than metadata says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LostTopic {
    /// Its id.
    pub id: TopicId,
    /// Its name; one made of its id, when nobody knows it.
    pub name: String,
    /// Whether metadata has it, with fewer partitions.
    pub is_known: bool,
    /// Partitions that it has now; `None`: nothing of it could be given back, as no log begins at its start.
    pub partitions: Option<u32>,
    /// Records that were given back.
    pub records: u64,
    /// Bytes of its batches in the bucket, as far as no snapshot knows them.
    pub bytes: u64,
}

/// The topics of these partitions, with what each gets back.
pub(super) fn lost(
    segments: &BTreeMap<CommitId, Segment>,
    partitions: &BTreeSet<PartitionId>,
    attached: &HashMap<PartitionId, Vec<Attached>>,
) -> Vec<LostTopic> {
    let mut topics: BTreeMap<TopicId, LostTopic> = BTreeMap::new();
    for partition in partitions {
        let id = partition.topic;
        let name = format!("{PREFIX}{id}");
        let new = LostTopic { id, name, is_known: false, partitions: None, records: 0, bytes: 0 };
        let topic = topics.entry(id).or_insert(new);
        let attached = attached.get(partition).into_iter().flatten();
        for it in attached {
            topic.records += it.offsets.end.since(it.offsets.start);
            topic.partitions = topic.partitions.max(Some(partition.partition.get() + 1));
        }
    }
    for slice in segments.values().flat_map(|it| &it.slices) {
        if partitions.contains(&slice.partition)
            && let Some(topic) = topics.get_mut(&slice.partition.topic)
        {
            topic.bytes += slice.size_bytes;
        }
    }
    topics.into_values().collect()
}

/// Puts records of those topics, or more partitions into those that are there; notes which are.
pub(super) async fn restore(
    stores: &Stores,
    lost: &mut [LostTopic],
    now_unix_ms: i64,
) -> Result<(), Failure> {
    let keys = &stores.keys;
    for topic in lost {
        let known: Option<Topic> = one(stores, keys.topic(topic.id)).await?;
        if let Some(known) = &known {
            (topic.name, topic.is_known) = (known.name.clone(), true);
        }
        let Some(partitions) = topic.partitions else { continue };
        let mut then = Vec::new();
        let record = known.unwrap_or_else(|| Topic {
            id: Bytes::copy_from_slice(topic.id.as_bytes()),
            name: topic.name.clone(),
            replication_factor: 1,
            created_unix_ms: now_unix_ms,
            ..Topic::default()
        });
        if !topic.is_known
            && let Ok(name) = TopicName::new(&record.name)
        {
            let id = record.id.clone();
            then.push(Operation::put(
                keys.topic_name(&name),
                encode(StoredName { id, ..StoredName::default() }),
            ));
            let values = SETTINGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
            let configs = Configs { values: values.into(), ..Configs::default() };
            let resource = ConfigResource::Topic(topic.id);
            then.push(Operation::put(keys.configs(resource), encode(configs)));
        }
        let record = Topic { partitions: record.partitions.max(partitions), ..record };
        then.push(Operation::put(keys.topic(topic.id), encode(record)));
        stores.metadata.transact(Transaction { then, ..Transaction::default() }).await?;
    }
    Ok(())
}

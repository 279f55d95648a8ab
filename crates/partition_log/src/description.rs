//! [`describe`]: what metadata and bucket hold of a topic's logs, as it lies there. Reads only, and puts nothing together: for
//! people who look into the stores.

use crate::{Stores, footer_read::read, fsck::Failure, manifest_rest::Rest};
use formats::metadata::{EpochStart, Manifest, Owner, ProducerSnapshot, Reference, SliceGroup};
use futures::{StreamExt, TryStreamExt, stream};
use metadata::{RangeQuery, families};
use model::{Offset, PartitionIndex, TopicId};
use std::collections::BTreeMap;
use storage::{ObjectName, Objects};

/// Rests that are read at the same time.
const RESTS_IN_FLIGHT: usize = 16;

/// What there is of something: `None` when nothing is stored; else a sentence that says why it can't be read.
pub type Described<T> = Result<Option<T>, String>;

/// What is stored of one log.
#[derive(Clone, PartialEq, Debug)]
pub struct LogDescription {
    /// The partition.
    pub partition: PartitionIndex,
    /// Who has it.
    pub owner: Described<Owner>,
    /// What was folded.
    pub manifest: Described<Manifest>,
    /// What the manifest refers to.
    pub rest: Described<RestDescription>,
}

/// What the part of a manifest that lies in an object says.
#[derive(Clone, PartialEq, Debug)]
pub struct RestDescription {
    /// Where the log lies, in offset order without gaps: footers of segments (level 0), and runs in index objects.
    pub runs: Vec<SliceGroup>,
    /// Epochs that have records.
    pub epochs: Vec<EpochStart>,
    /// Producer state as of the last run's end.
    pub producers: ProducerSnapshot,
    /// Offsets below have been compacted.
    pub cleaned_through: Offset,
}

/// Describes the logs of a topic that have an owner record or a manifest, as of one revision of the metadata store; those of all
/// partitions, or of one.
///
/// # Errors
/// When a store did not answer.
pub async fn describe(
    stores: &Stores,
    topic: TopicId,
    only: Option<PartitionIndex>,
) -> Result<Vec<LogDescription>, Failure> {
    let Stores { metadata, keys, objects } = stores;
    let is_wanted = |partition| only.is_none_or(|only| only == partition);
    let owners = metadata.range(RangeQuery::prefix(keys.owners_of(topic))).await?;
    let manifests = RangeQuery::prefix(keys.manifests_of(topic)).at(owners.revision);
    let manifests = metadata.range(manifests).await?;
    let mut logs = BTreeMap::new();
    for entry in &owners.entries {
        let Some(partition) = keys.parse_owner(&entry.key).map(|it| it.partition) else { continue };
        described(&mut logs, partition).owner = decode(entry);
    }
    for entry in &manifests.entries {
        let Some(partition) = keys.parse_manifest(&entry.key).map(|it| it.partition) else {
            continue;
        };
        described(&mut logs, partition).manifest = decode(entry);
    }
    let wanted = logs.into_values().filter(|log| is_wanted(log.partition));
    let with_rests = stream::iter(wanted).map(|log| async move {
        let reference = log.manifest.as_ref().ok().and_then(Option::as_ref);
        let rest = match reference.and_then(|manifest| manifest.rest.as_ref()) {
            Some(reference) => read_rest(objects, reference).await?.map(Some),
            None => Ok(None),
        };
        Ok::<_, Failure>(LogDescription { rest, ..log })
    });
    with_rests.buffered(RESTS_IN_FLIGHT).try_collect().await
}

fn described(
    logs: &mut BTreeMap<PartitionIndex, LogDescription>,
    partition: PartitionIndex,
) -> &mut LogDescription {
    logs.entry(partition).or_insert_with(|| LogDescription {
        partition,
        owner: Ok(None),
        manifest: Ok(None),
        rest: Ok(None),
    })
}

fn decode<V: families::Value>(entry: &metadata::Entry) -> Described<V> {
    families::decode(entry).map(Some).map_err(|error| error.to_string())
}

async fn read_rest(
    objects: &Objects,
    reference: &Reference,
) -> Result<Result<RestDescription, String>, Failure> {
    let Reference { object, offset, length } = reference;
    let Ok(name) = ObjectName::new(object) else {
        return Ok(Err(format!("{object:?} is no object's name")));
    };
    let range = *offset..offset.saturating_add(*length);
    let bytes = read(objects, &name, range).await?;
    let rest = bytes.and_then(|bytes| Rest::decode(&bytes)).map(|rest| RestDescription {
        runs: rest.groups(),
        epochs: rest.epochs,
        producers: rest.producers,
        cleaned_through: rest.cleaned_through,
    });
    Ok(rest.map_err(|reason| format!("{object}: {reason}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::IndexRun;
    use bytes::Bytes;
    use metadata::{
        MemoryStore, MetadataStore, Operation, Transaction,
        families::{Keys, encode},
    };
    use model::{PartitionId, SessionId, TimestampMs};
    use runtime::Clock;
    use std::sync::Arc;

    const TOPIC: TopicId = TopicId::from_bytes([3; 16]);
    const REST: &str = "manifest/00/rests";

    fn stores() -> Stores {
        let metadata: Arc<dyn MetadataStore> = Arc::new(MemoryStore::new(Clock::system()));
        Stores { metadata, keys: Keys::new("test/"), objects: Objects::memory() }
    }

    fn partition(index: u32) -> PartitionId {
        PartitionId { topic: TOPIC, partition: PartitionIndex::new(index).unwrap() }
    }

    fn rest() -> Rest {
        let run = IndexRun {
            object: ObjectName::new("index/1").unwrap(),
            level: 1,
            bytes: 16..80,
            base_offset: Offset::ZERO,
            end_offset: Offset::new(3).unwrap(),
            size_bytes: 84,
            max_timestamp: TimestampMs(7),
            session: SessionId::from_bytes([1; 16]),
            from_seq: 1,
            through_seq: 64,
        };
        let epochs = vec![EpochStart { epoch: 1, start_offset: 0 }];
        let cleaned_through = Offset::new(2).unwrap();
        Rest { runs: vec![run], epochs, producers: ProducerSnapshot::default(), cleaned_through }
    }

    async fn put(stores: &Stores, puts: Vec<(Bytes, Bytes)>) {
        let then = puts.into_iter().map(|(key, value)| Operation::put(key, value)).collect();
        let transaction = Transaction { then, ..Transaction::default() };
        assert!(stores.metadata.transact(transaction).await.unwrap().succeeded);
    }

    /// A manifest that refers to bytes behind others in an object.
    fn manifest(length: u64) -> Manifest {
        let rest = Some(Reference { object: REST.to_owned(), offset: 5, length });
        Manifest { log_start_offset: 1, rest, ..Manifest::default() }
    }

    #[tokio::test]
    async fn what_is_stored_of_each_partition_is_told() {
        let stores = stores();
        let bytes = rest().encode();
        let manifest = manifest(bytes.len() as u64);
        let whole = vec![Bytes::from_static(b"other"), bytes];
        stores.objects.put(&ObjectName::new(REST).unwrap(), whole).await.unwrap();
        let owner = Owner {
            session: vec![1; 16].into(),
            wal_id: vec![2; 16].into(),
            leader_epoch: 4,
            mode: formats::metadata::DurabilityMode::Wal.into(),
            ..Owner::default()
        };
        let keys = &stores.keys;
        put(
            &stores,
            vec![
                (keys.owner(partition(0)), encode(owner)),
                (keys.owner(partition(2)), Bytes::from_static(b"\xff")),
                (keys.manifest(partition(10)), encode(manifest)),
            ],
        )
        .await;
        let logs = describe(&stores, TOPIC, None).await.unwrap();
        let [owned, damaged, folded] = logs.try_into().unwrap();
        assert_eq!(owned.owner.unwrap().unwrap().leader_epoch, 4);
        assert_eq!((owned.manifest, owned.rest), (Ok(None), Ok(None)));
        assert!(damaged.owner.unwrap_err().contains("owners/"));
        assert_eq!(folded.partition, partition(10).partition);
        assert_eq!(folded.owner, Ok(None));
        let told = folded.rest.unwrap().unwrap();
        assert_eq!((told.runs.len(), told.epochs.len()), (1, 1));
        assert_eq!((told.runs[0].end_offset, told.runs[0].through_seq), (3, 64));
        assert_eq!(told.cleaned_through.get(), 2);
        let one = describe(&stores, TOPIC, Some(partition(10).partition)).await.unwrap();
        assert_eq!(one.len(), 1);
        assert_eq!(describe(&stores, TopicId::from_bytes([4; 16]), None).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_rest_that_is_gone_or_damaged_is_told_with_its_object() {
        let stores = stores();
        let bytes = rest().encode();
        let manifest = manifest(bytes.len() as u64);
        put(&stores, vec![(stores.keys.manifest(partition(0)), encode(manifest))]).await;
        let told = |logs: Vec<LogDescription>| logs[0].rest.clone().unwrap_err();
        let missing = told(describe(&stores, TOPIC, None).await.unwrap());
        assert!(missing.starts_with(REST), "{missing}");
        let name = ObjectName::new(REST).unwrap();
        let mut whole = [b"other".as_slice(), &bytes].concat();
        whole.pop();
        stores.objects.put(&name, vec![whole.clone().into()]).await.unwrap();
        let cut = told(describe(&stores, TOPIC, None).await.unwrap());
        assert!(cut.starts_with(REST), "{cut}");
        whole.push(0);
        stores.objects.put(&name, vec![whole.into()]).await.unwrap();
        let damaged = told(describe(&stores, TOPIC, None).await.unwrap());
        assert!(damaged.contains("checksum"), "{damaged}");
    }
}

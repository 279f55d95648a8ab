//! Where logs end as far as metadata knows: put together as a broker does that opens them.

use super::{Failure, choice::KnownEnd};
use crate::{
    Claim, LogError, Stores,
    recovery::{History, RecentReads, assemble},
};
use formats::metadata::{Owner, Topic};
use metadata::{RangeQuery, families};
use model::{
    PartitionId, ProducerEpoch, ProducerId, SessionId, TopicId, TopicName, config::TopicSettings,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

/// Logs put together at the same time.
const TOGETHER: usize = 256;

/// What metadata says of partitions.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) known: HashMap<PartitionId, KnownEnd>,
    pub(super) owners: HashMap<PartitionId, Owner>,
    /// Transactions that are open there.
    pub(super) open: HashMap<PartitionId, Vec<(ProducerId, ProducerEpoch)>>,
    /// Partitions that metadata does not have, of topics that it does not know as deleted. They count as empty.
    pub(super) lost: BTreeSet<PartitionId>,
    /// Partitions of topics that were deleted.
    pub(super) deleted: HashSet<PartitionId>,
    /// Partitions whose log can't be put together.
    pub(super) broken: Vec<(PartitionId, String)>,
}

/// Reads the ends of these partitions.
pub(super) async fn read(
    stores: &Stores,
    partitions: BTreeSet<PartitionId>,
) -> Result<Ends, Failure> {
    let mut ends = Ends::default();
    let mut topics: HashMap<TopicId, Option<Topic>> = HashMap::new();
    let deleted = deleted_topics(stores).await?;
    let mut by_session: BTreeMap<SessionId, Vec<Claim>> = BTreeMap::new();
    for partition in partitions {
        if let Entry::Vacant(vacant) = topics.entry(partition.topic) {
            vacant.insert(one(stores, stores.keys.topic(partition.topic)).await?);
        }
        let topic = topics.get(&partition.topic).and_then(Option::as_ref);
        let Some(topic) = topic.filter(|it| partition.partition.get() < it.partitions) else {
            if deleted.contains(&partition.topic) {
                ends.deleted.insert(partition);
            } else {
                ends.lost.insert(partition);
                ends.known.insert(partition, KnownEnd::default());
            }
            continue;
        };
        let Some(owner) = one::<Owner>(stores, stores.keys.owner(partition)).await? else {
            ends.known.insert(partition, KnownEnd::default());
            continue;
        };
        ends.owners.insert(partition, owner.clone());
        match claim(partition, topic, owner) {
            Some((session, claim)) => by_session.entry(session).or_default().push(claim),
            None => ends.broken.push((partition, "its owner record is damaged".to_owned())),
        }
    }
    let recent = RecentReads::default();
    for (session, claims) in by_session {
        for claims in claims.chunks(TOGETHER) {
            ends.read_logs(stores, &recent, session, claims).await?;
        }
    }
    Ok(ends)
}

impl Ends {
    async fn read_logs(
        &mut self,
        stores: &Stores,
        recent: &RecentReads,
        session: SessionId,
        claims: &[Claim],
    ) -> Result<(), Failure> {
        let together = History::read(stores, recent, session, claims).await;
        for claim in claims {
            let assembled = match &together {
                Ok(history) => assemble(claim, session, history),
                Err(LogError::Unavailable(reason)) => {
                    return Err(Failure::Unavailable(reason.clone()));
                }
                // One that is broken must not hide the others.
                Err(_) => {
                    let alone = std::slice::from_ref(claim);
                    match History::read(stores, recent, session, alone).await {
                        Ok(history) => assemble(claim, session, &history),
                        Err(error) => Err(error.to_string()),
                    }
                }
            };
            match assembled {
                Ok(log) => {
                    let end = KnownEnd { end: log.index.end(), newest: log.epochs.newest() };
                    self.known.insert(claim.partition, end);
                    let producers = log.producers.describe().into_iter();
                    let open = producers.filter(|it| it.transaction_start.is_some());
                    let open = open.map(|it| (it.id, it.epoch)).collect();
                    self.open.insert(claim.partition, open);
                }
                Err(reason) => self.broken.push((claim.partition, reason)),
            }
        }
        Ok(())
    }
}

fn claim(partition: PartitionId, topic: &Topic, owner: Owner) -> Option<(SessionId, Claim)> {
    let session = SessionId::from_slice(&owner.session)?;
    let claim = Claim {
        partition,
        owner,
        owner_revision: metadata::Revision(0),
        topic: TopicName::new(&topic.name).ok()?,
        settings: Arc::new(TopicSettings::resolve(&BTreeMap::new(), &BTreeMap::new())),
    };
    Some((session, claim))
}

async fn deleted_topics(stores: &Stores) -> Result<HashSet<TopicId>, Failure> {
    let keys = &stores.keys;
    let read = stores.metadata.range(RangeQuery::prefix(keys.deleted_topics())).await?;
    Ok(read.entries.iter().filter_map(|it| keys.parse_deleted_topic(&it.key)).collect())
}

/// One value, if it is there.
pub(super) async fn one<V: families::Value>(
    stores: &Stores,
    key: bytes::Bytes,
) -> Result<Option<V>, Failure> {
    let read = stores.metadata.range(RangeQuery::key(key)).await?;
    Ok(read.entries.first().map(families::decode).transpose()?)
}

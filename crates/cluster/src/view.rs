//! [`View`]: the decoded records that this broker watches, each with its revisions. What decisions are made from.

use crate::stored::Stored;
use formats::metadata::{
    AccessRule, Broker, ClientQuota, Configs, Controller, DeletedTopic, Move, Owner,
    ScramCredential, Session, Topic,
};
use metadata::{
    Entry, Event, EventKind, MetadataError, Revision,
    families::{ConfigResource, Keys, Value},
};
use model::{BrokerId, PartitionId, SessionId, TopicId, WalId};
use std::collections::{BTreeMap, BTreeSet};

/// The cluster's records as of the changes seen so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// The newest change seen, in any family.
    pub revision: Revision,
    pub sessions: BTreeMap<BrokerId, Stored<Session>>,
    pub brokers: BTreeMap<BrokerId, Stored<Broker>>,
    pub controller: Option<Stored<Controller>>,
    pub topics: BTreeMap<TopicId, Stored<Topic>>,
    pub deleted_topics: BTreeMap<TopicId, Stored<DeletedTopic>>,
    pub configs: BTreeMap<ConfigResource, Stored<Configs>>,
    pub owners: BTreeMap<PartitionId, Stored<Owner>>,
    pub moves: BTreeMap<PartitionId, Stored<Move>>,
    /// By mechanism and user.
    pub scram: BTreeMap<(String, String), Stored<ScramCredential>>,
    /// By key.
    pub acls: BTreeMap<String, Stored<AccessRule>>,
    /// By key.
    pub quotas: BTreeMap<String, Stored<ClientQuota>>,
}

impl View {
    /// The prefixes that a view is made of.
    pub fn families(keys: &Keys) -> [bytes::Bytes; 11] {
        [
            keys.sessions(),
            keys.brokers(),
            keys.controller(),
            keys.topics(),
            keys.deleted_topics(),
            keys.all_configs(),
            keys.owners(),
            keys.moves(),
            keys.all_scram(),
            keys.all_acls(),
            keys.all_quotas(),
        ]
    }

    /// Takes in a change. Changes of one key must come in order; an older one than what is there is ignored.
    ///
    /// # Errors
    /// `Damaged`: the record stays as it was.
    pub fn apply(&mut self, keys: &Keys, event: &Event) -> Result<(), MetadataError> {
        self.revision = self.revision.max(event.revision);
        match &event.kind {
            EventKind::Put(entry) => self.put(keys, entry),
            EventKind::Delete(key) => {
                self.delete(keys, key, event.revision);
                Ok(())
            }
        }
    }

    /// Takes in an entry as it was read.
    ///
    /// # Errors
    /// `Damaged`.
    pub fn put(&mut self, keys: &Keys, entry: &Entry) -> Result<(), MetadataError> {
        let key = &entry.key;
        if let Some(partition) = keys.parse_owner(key) {
            insert(&mut self.owners, partition, entry)
        } else if let Some(partition) = keys.parse_move(key) {
            insert(&mut self.moves, partition, entry)
        } else if let Some(broker) = keys.parse_session(key) {
            insert(&mut self.sessions, broker, entry)
        } else if let Some(broker) = keys.parse_broker(key) {
            insert(&mut self.brokers, broker, entry)
        } else if let Some(topic) = keys.parse_topic(key) {
            insert(&mut self.topics, topic, entry)
        } else if let Some(topic) = keys.parse_deleted_topic(key) {
            insert(&mut self.deleted_topics, topic, entry)
        } else if let Some(resource) = keys.parse_configs(key) {
            insert(&mut self.configs, resource, entry)
        } else if let Some(user) = keys.parse_scram(key) {
            insert(&mut self.scram, user, entry)
        } else if let Some(rule) = keys.parse_acl(key) {
            insert(&mut self.acls, rule, entry)
        } else if let Some(quota) = keys.parse_quota(key) {
            insert(&mut self.quotas, quota, entry)
        } else if *key == keys.controller() {
            self.controller = Some(Stored::from_entry(entry)?);
            Ok(())
        } else {
            Ok(())
        }
    }

    fn delete(&mut self, keys: &Keys, key: &[u8], at: Revision) {
        if let Some(partition) = keys.parse_owner(key) {
            remove(&mut self.owners, &partition, at);
        } else if let Some(partition) = keys.parse_move(key) {
            remove(&mut self.moves, &partition, at);
        } else if let Some(broker) = keys.parse_session(key) {
            remove(&mut self.sessions, &broker, at);
        } else if let Some(broker) = keys.parse_broker(key) {
            remove(&mut self.brokers, &broker, at);
        } else if let Some(topic) = keys.parse_topic(key) {
            remove(&mut self.topics, &topic, at);
        } else if let Some(topic) = keys.parse_deleted_topic(key) {
            remove(&mut self.deleted_topics, &topic, at);
        } else if let Some(resource) = keys.parse_configs(key) {
            remove(&mut self.configs, &resource, at);
        } else if let Some(user) = keys.parse_scram(key) {
            remove(&mut self.scram, &user, at);
        } else if let Some(rule) = keys.parse_acl(key) {
            remove(&mut self.acls, &rule, at);
        } else if let Some(quota) = keys.parse_quota(key) {
            remove(&mut self.quotas, &quota, at);
        } else if *key == keys.controller() {
            self.controller = None;
        }
    }

    /// Whether the session of that id and create revision has ended, as far as this view knows.
    pub fn is_over(&self, owner: &Owner) -> bool {
        let holder = BrokerId::new(owner.broker).and_then(|broker| self.sessions.get(&broker));
        holder.is_none_or(|session| session.created.0 != owner.session_create_revision)
    }

    /// The WALs of brokers that live.
    pub fn live_wals(&self) -> BTreeSet<WalId> {
        let live = self.sessions.keys().filter_map(|broker| self.brokers.get(broker));
        live.filter_map(|broker| WalId::from_slice(&broker.value.wal_id)).collect()
    }

    /// Moves that can't happen any more, or have happened: with their revisions.
    pub fn pointless_moves(&self) -> Vec<(PartitionId, Revision)> {
        let pointless = self.moves.iter().filter(|(partition, stored)| {
            let owner = self.owners.get(*partition);
            let is_there = owner.is_some_and(|it| it.value.broker == stored.value.to);
            !self.takes_partitions(stored.value.to)
                || !self.topics.contains_key(&partition.topic)
                || is_there && owner.is_some_and(|it| !self.is_over(&it.value))
        });
        pointless.map(|(partition, stored)| (*partition, stored.modified)).collect()
    }

    /// The broker that a partition without an owner is to get, when it can.
    pub fn wanted_owner(&self, partition: PartitionId) -> Option<BrokerId> {
        let wanted = self.moves.get(&partition)?.value.to;
        BrokerId::new(wanted).filter(|_| self.takes_partitions(wanted))
    }

    /// Whether a broker lives and is not on its way out.
    pub fn takes_partitions(&self, broker: u32) -> bool {
        BrokerId::new(broker).is_some_and(|id| {
            let stays = self.brokers.get(&id).is_some_and(|stored| !stored.value.draining);
            stays && self.sessions.contains_key(&id)
        })
    }

    /// The values set for a resource.
    pub fn configs_of(&self, resource: ConfigResource) -> BTreeMap<String, String> {
        let stored = self.configs.get(&resource);
        stored.map(|stored| stored.value.values.clone().into_iter().collect()).unwrap_or_default()
    }
}

/// The session that an owner record names.
pub(crate) fn session_of(owner: &Owner) -> Option<SessionId> {
    SessionId::from_slice(&owner.session)
}

/// The WAL that an owner record names.
pub(crate) fn wal_of(owner: &Owner) -> Option<WalId> {
    WalId::from_slice(&owner.wal_id)
}

fn insert<K: Ord, V: Value>(
    map: &mut BTreeMap<K, Stored<V>>,
    key: K,
    entry: &Entry,
) -> Result<(), MetadataError> {
    if map.get(&key).is_none_or(|there| there.modified < entry.mod_revision) {
        map.insert(key, Stored::from_entry(entry)?);
    }
    Ok(())
}

fn remove<K: Ord, V>(map: &mut BTreeMap<K, Stored<V>>, key: &K, at: Revision) {
    if map.get(key).is_some_and(|there| there.modified < at) {
        map.remove(key);
    }
}

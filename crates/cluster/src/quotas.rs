//! Quotas of clients in the metadata store: a key for each number, which every broker watches.

use crate::{Cluster, ClusterError, view::View};
use ::metadata::{
    Event, EventKind, Operation,
    families::{Keys, encode},
};
use formats::metadata::{ClientQuota, QuotaEntity};
use security::quota::{Entity, Quotas, Which};
use std::sync::Arc;

/// A change of one number; without a value it is removed.
#[derive(Clone, PartialEq, Debug)]
pub struct QuotaChange {
    /// Whose.
    pub entity: Entity,
    /// Of what.
    pub key: String,
    /// How much a second.
    pub value: Option<f64>,
}

impl Cluster {
    /// The quotas that this broker knows.
    pub fn quotas(&self) -> Arc<Quotas> {
        Arc::clone(&self.shared.quotas.read())
    }

    /// Changes quotas, and waits until this broker goes by them. To remove what is not there changes nothing.
    ///
    /// # Errors
    /// `Unavailable`: some may have been changed.
    pub async fn change_quotas(&self, changes: &[QuotaChange]) -> Result<(), ClusterError> {
        let Some(last) = changes.last() else { return Ok(()) };
        let parts = &self.shared.parts;
        let operations: Vec<_> = changes
            .iter()
            .map(|change| {
                let stored = write(change);
                let key = parts.keys.quota(&stored);
                match change.value {
                    Some(_) => Operation::put(key, encode(stored)),
                    None => Operation::Delete(key),
                }
            })
            .collect();
        let key = parts.keys.parse_quota(&parts.keys.quota(&write(last))).unwrap_or_default();
        let modified = |view: &View| Some(view.quotas.get(&key)?.modified);
        self.shared.write_all(operations, modified).await
    }
}

/// Whether an event is about a quota.
pub(crate) fn is_of_quotas(keys: &Keys, event: &Event) -> bool {
    match &event.kind {
        EventKind::Put(entry) => keys.parse_quota(&entry.key).is_some(),
        EventKind::Delete(key) => keys.parse_quota(key).is_some(),
    }
}

/// The quotas of a view.
pub(crate) fn quotas_of(view: &View) -> Quotas {
    let stored = view.quotas.values().map(|stored| &stored.value);
    stored
        .map(|stored| {
            let (user, client_id) = (read(stored.user.as_ref()), read(stored.client_id.as_ref()));
            (Entity { user, client_id }, stored.key.clone(), stored.value)
        })
        .collect()
}

fn read(entity: Option<&QuotaEntity>) -> Option<Which> {
    entity.map(|entity| match &entity.name {
        Some(name) => Which::Named(name.clone()),
        None => Which::Default,
    })
}

fn write(change: &QuotaChange) -> ClientQuota {
    let part = |which: &Option<Which>| {
        which.as_ref().map(|which| match which {
            Which::Named(name) => QuotaEntity { name: Some(name.clone()) },
            Which::Default => QuotaEntity { name: None },
        })
    };
    ClientQuota {
        format: 1,
        user: part(&change.entity.user),
        client_id: part(&change.entity.client_id),
        key: change.key.clone(),
        value: change.value.unwrap_or_default(),
    }
}

//! Expiry: offsets that nobody has used for `offsets.retention.minutes`, those of deleted topics, and groups that are left
//! with nothing.

use super::{Groups, slot::GroupSlot};
use crate::{
    Topics,
    group::{CommittedOffset, Group, Now},
};
use model::TopicId;
use runtime::Shutdown;
use std::time::Duration;

/// Looks at all groups now and then.
pub(super) async fn expire_for_ever(groups: Groups, shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(groups.shared.options.offsets_retention_check_interval) => {}
        }
        let retention = groups.shared.options.offsets_retention;
        let (slots, _) = groups.shared.slots.all();
        for slot in slots {
            slot.expire(retention, groups.shared.parts.topics.as_ref(), groups.now());
            tokio::task::yield_now().await;
        }
    }
}

impl GroupSlot {
    /// Removes what has expired.
    pub(super) fn expire(&self, retention: Duration, topics: &dyn Topics, now: Now) {
        let Ok(mut state) = self.open_state() else { return };
        let state = &mut *state;
        let ids: Vec<_> = state.groups.keys().cloned().collect();
        for id in ids {
            // What could not be submitted now is found again next time.
            if self.journal().admits().is_err() {
                return;
            }
            let Some(group) = state.groups.get(&id) else { continue };
            let gone = expired(group, retention, topics, now);
            self.remove_offsets(state, &id, &gone, now);
            if state.groups.get(&id).is_some_and(Group::is_forgettable) {
                tracing::info!(group = %id, "a group without members and offsets is forgotten");
                self.forget(state, &id);
            }
        }
    }
}

/// The offsets of a group that may go.
fn expired(
    group: &Group,
    retention: Duration,
    topics: &dyn Topics,
    now: Now,
) -> Vec<(TopicId, u32)> {
    let unread = group.unread();
    let mut gone = Vec::new();
    for (topic, partition, offset) in group.offsets().iter() {
        let Some(name) = topics.name(topic) else {
            gone.push((topic, partition));
            continue;
        };
        let start = group.retention_start_unix_ms(offset.committed_unix_ms);
        let start =
            start.or_else(|| unread.has(name.as_str(), topic).then_some(offset.committed_unix_ms));
        if start.is_some_and(|start| is_over(start, offset, retention, now)) {
            gone.push((topic, partition));
        }
    }
    gone
}

/// The client's own time goes before the retention.
fn is_over(start_unix_ms: i64, offset: &CommittedOffset, retention: Duration, now: Now) -> bool {
    let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let end = offset.expires_unix_ms.unwrap_or_else(|| start_unix_ms.saturating_add(retention_ms));
    end <= now.unix_ms
}

//! Rebalances: from the first member that wants one to the next generation.

use super::{ClassicGroup, Effects, GroupError, GroupLimits, MemberId, Now, Phase};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How long a group without anybody who could assign waits at least, whatever time-out its members asked for.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

impl ClassicGroup {
    /// Members changed, or one wants to change: begins a rebalance, or ends the one that waited for just this.
    pub(super) fn rebalance(&mut self, limits: &GroupLimits, now: Now, effects: &mut Effects) {
        if !matches!(self.phase, Phase::Preparing { .. }) {
            self.prepare(limits, now, effects);
            // With `group.initial.rebalance.delay.ms` = 0 an empty group's first rebalance waits for nobody.
            if matches!(self.phase, Phase::Preparing { deadline, extensible: Some(_), .. } if deadline <= now.time)
            {
                self.complete_join(now, effects);
            }
        }
        self.complete_when_all_joined(now, effects);
    }

    fn prepare(&mut self, limits: &GroupLimits, now: Now, effects: &mut Effects) {
        self.refuse_syncs(&GroupError::RebalanceInProgress, now, effects);
        let timeout = self.rebalance_timeout();
        let (wait, extensible) = match self.phase {
            // The first members of a group tend to start together: one rebalance for all of them (KIP-134).
            Phase::Empty => {
                let wait = limits.initial_rebalance_delay.min(timeout);
                (wait, Some(timeout.saturating_sub(wait)))
            }
            _ => (timeout, None),
        };
        let deadline = now.time.saturating_add(wait);
        self.enter(Phase::Preparing { deadline, extensible, newcomer: false }, now);
    }

    /// Who waited could send no heartbeats: its session begins anew.
    pub(super) fn refuse_syncs(&mut self, error: &GroupError, now: Now, effects: &mut Effects) {
        for member in self.members.values_mut() {
            if let Some(ticket) = member.syncing.take() {
                member.refresh(now.time);
                effects.synced.push((ticket, Err(error.clone())));
            }
        }
    }

    /// Nobody needs to wait when everybody is there. An empty group's first rebalance takes its time all the same.
    pub(super) fn complete_when_all_joined(&mut self, now: Now, effects: &mut Effects) {
        let Phase::Preparing { extensible, .. } = self.phase else { return };
        let all = self.pending.is_empty() && self.members.values().all(|it| it.joining.is_some());
        if extensible.is_none() && all {
            self.complete_join(now, effects);
        }
    }

    /// The wait for joins is over.
    pub(super) fn join_deadline_passed(
        &mut self,
        limits: &GroupLimits,
        now: Now,
        effects: &mut Effects,
    ) {
        let Phase::Preparing { extensible, newcomer, .. } = self.phase else { return };
        let longer = extensible.filter(|longer| newcomer && *longer > Duration::ZERO);
        let Some(longer) = longer else { return self.complete_join(now, effects) };
        let wait = limits.initial_rebalance_delay.min(longer);
        self.phase = Phase::Preparing {
            deadline: now.time.saturating_add(wait),
            extensible: Some(longer.saturating_sub(wait)),
            newcomer: false,
        };
    }

    /// Makes the next generation of those who joined. Static members that did not stay, until their session ends.
    fn complete_join(&mut self, now: Now, effects: &mut Effects) {
        let absent: Vec<MemberId> = self
            .members
            .values()
            .filter(|member| member.joining.is_none() && member.instance.is_none())
            .map(|member| member.id.clone())
            .collect();
        for id in absent {
            self.remove(&id, effects);
        }
        if !self.members.is_empty() && !self.elect_leader() {
            // Only static members that are away: nobody could assign. They come back, or their sessions end.
            let wait = self.rebalance_timeout().max(SHORTEST_WAIT);
            let deadline = now.time.saturating_add(wait);
            self.phase = Phase::Preparing { deadline, extensible: None, newcomer: false };
            return;
        }
        self.generation = if self.generation >= i32::MAX as u32 { 1 } else { self.generation + 1 };
        if self.members.is_empty() {
            self.protocol_name = None;
            self.leader = None;
            self.enter(Phase::Empty, now);
            effects.store = true;
            return;
        }
        self.protocol_name = self.select_protocol();
        let deadline = now.time.saturating_add(self.rebalance_timeout());
        self.enter(Phase::Completing { deadline }, now);
        self.answer_joins(now, effects);
    }

    fn answer_joins(&mut self, now: Now, effects: &mut Effects) {
        let mut waiting = Vec::with_capacity(self.members.len());
        for member in self.members.values_mut() {
            member.is_new = false;
            member.synced = false;
            member.refresh(now.time);
            waiting.extend(member.joining.take().map(|ticket| (ticket, member.id.clone())));
        }
        for (ticket, id) in waiting {
            effects.joined.push((ticket, Ok(self.joined(&id, false))));
        }
    }

    /// Keeps a leader that joined, else takes another that did; `false` when nobody did.
    fn elect_leader(&mut self) -> bool {
        let joined = |id: &MemberId| self.members.get(id).is_some_and(|it| it.joining.is_some());
        if self.leader.as_ref().is_some_and(joined) {
            return true;
        }
        let next = self.members.values().find(|member| member.joining.is_some());
        self.leader = next.map(|member| member.id.clone());
        self.leader.is_some()
    }

    /// Of the protocols that all members know, the one that most of them like best.
    pub(super) fn select_protocol(&self) -> Option<Arc<str>> {
        let known_by_all = |name: &str| self.members.values().all(|member| member.knows(name));
        let first = self.members.values().next()?;
        let candidates: Vec<&Arc<str>> =
            first.protocols.iter().map(|it| &it.name).filter(|name| known_by_all(name)).collect();
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for member in self.members.values() {
            let favourite = member
                .protocols
                .iter()
                .find(|protocol| candidates.iter().any(|candidate| **candidate == protocol.name));
            if let Some(favourite) = favourite {
                *votes.entry(&favourite.name).or_default() += 1;
            }
        }
        let chosen = candidates
            .into_iter()
            .rev()
            .max_by_key(|name| votes.get(&***name).copied().unwrap_or_default());
        chosen.cloned()
    }

    /// Takes a member out; its waiting requests learn of it. The rebalance is up to the caller.
    pub(super) fn remove(&mut self, id: &MemberId, effects: &mut Effects) {
        let Some(member) = self.members.remove(id) else { return };
        if let Some(ticket) = member.joining {
            effects.joined.push((ticket, Err(GroupError::UnknownMemberId)));
        }
        if let Some(ticket) = member.syncing {
            effects.synced.push((ticket, Err(GroupError::UnknownMemberId)));
        }
        if let Some(instance) = &member.instance {
            self.instances.remove(instance);
        }
        if self.is_leader(id) {
            // Who joined comes first: a leader that is away can't assign.
            let next = self.members.values().find(|member| member.joining.is_some());
            let next = next.or_else(|| self.members.values().next());
            self.leader = next.map(|member| member.id.clone());
        }
    }
}

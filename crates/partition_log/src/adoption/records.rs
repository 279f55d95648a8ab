//! What adoption writes: commits of the segments that were taken, their sessions' heads, and owner records that name them.

use super::{
    Failure,
    candidates::Candidates,
    choice::{Attached, CommitId},
};
use crate::Stores;
use formats::metadata::{Broker, CommitHead, DurabilityMode, Owner, Unfolded};
use metadata::{Operation, RangeQuery, Transaction, families};
use model::{PartitionId, SessionId, WalId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Puts in one transaction.
const BATCH: usize = 100;

/// Writes what was decided.
pub(super) async fn write(
    stores: &Stores,
    session: SessionId,
    candidates: &Candidates,
    taken: &BTreeSet<CommitId>,
    attached: &HashMap<PartitionId, Vec<Attached>>,
    owners: HashMap<PartitionId, Owner>,
) -> Result<(), Failure> {
    let keys = &stores.keys;
    let head_at = |seq| families::encode(CommitHead { seq, ..CommitHead::default() });
    let mut puts = vec![Operation::put(keys.commit_head(session), head_at(0))];
    let mut heads = BTreeMap::new();
    for &(of, seq) in taken {
        let Some(commit) = candidates.commits.get(&(of, seq)) else { continue };
        puts.push(Operation::put(keys.commit(of, seq), families::encode(commit.clone())));
        heads.insert(of, seq);
    }
    puts.extend(
        heads.into_iter().map(|(of, seq)| Operation::put(keys.commit_head(of), head_at(seq))),
    );
    let brokers = brokers_by_wal(stores).await?;
    for (&partition, attached) in attached {
        let before = owners.get(&partition).cloned();
        let head = before.as_ref().and_then(|it| SessionId::from_slice(&it.session));
        let head = head.and_then(|of| candidates.heads.get(&of)).copied().unwrap_or(0);
        let wal_of = |it: &Attached| candidates.segments.get(&it.commit).and_then(|it| it.wal);
        let owner = owner(before, head, attached, wal_of, session);
        let owner = at_broker(owner, &brokers);
        puts.push(Operation::put(keys.owner(partition), families::encode(owner)));
    }
    for then in puts.chunks(BATCH) {
        let then = then.to_vec();
        stores.metadata.transact(Transaction { then, ..Transaction::default() }).await?;
    }
    Ok(())
}

/// The owner record that names what was attached, too. Its session, which commits nothing, is the last; `head` is that of the session
/// that `before` names.
fn owner(
    before: Option<Owner>,
    head: u64,
    attached: &[Attached],
    wal_of: impl Fn(&Attached) -> Option<WalId>,
    session: SessionId,
) -> Owner {
    let mut owner = before.unwrap_or_else(unassigned);
    if !owner.session.is_empty() && owner.from_seq <= head {
        let (session, from_seq) = (owner.session.clone(), owner.from_seq);
        owner.unfolded.push(Unfolded { session, from_seq, through_seq: head });
    }
    for it in attached {
        let (of, seq) = it.commit;
        match owner.unfolded.last_mut().filter(|last| last.session == *of.as_bytes().as_slice()) {
            Some(last) => last.through_seq = seq,
            None => owner.unfolded.push(Unfolded {
                session: of.as_bytes().to_vec().into(),
                from_seq: seq,
                through_seq: seq,
            }),
        }
        let newest = it.epochs.last().map_or(0, |epoch| epoch.get());
        let wal = wal_of(it).unwrap_or(WalId::from_bytes([0; 16]));
        if owner.wal_id != *wal.as_bytes().as_slice() && newest > owner.leader_epoch {
            // The WAL of an earlier owner is of no use any more: who took over began where the bucket ended.
            owner.wal_id = wal.as_bytes().to_vec().into();
            owner.since_epoch = newest;
        }
        owner.leader_epoch = owner.leader_epoch.max(newest);
    }
    owner.session = session.as_bytes().to_vec().into();
    owner.from_seq = 1;
    owner.clean = owner.wal_id == [0; 16].as_slice();
    owner
}

/// What stands for the record of a partition that had none.
fn unassigned() -> Owner {
    Owner { wal_id: vec![0; 16].into(), mode: DurabilityMode::Object.into(), ..Owner::default() }
}

fn at_broker(owner: Owner, brokers: &HashMap<Vec<u8>, u32>) -> Owner {
    let broker = brokers.get(owner.wal_id.as_ref()).copied().unwrap_or(owner.broker);
    Owner { broker, ..owner }
}

async fn brokers_by_wal(stores: &Stores) -> Result<HashMap<Vec<u8>, u32>, Failure> {
    let read = stores.metadata.range(RangeQuery::prefix(stores.keys.brokers())).await?;
    let mut brokers = HashMap::new();
    for entry in read.entries {
        let broker: Broker = families::decode(&entry)?;
        brokers.insert(broker.wal_id.to_vec(), broker.broker);
    }
    Ok(brokers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{LeaderEpoch, Offset};

    fn session(byte: u8) -> SessionId {
        SessionId::from_bytes([byte; 16])
    }

    fn attached(by: u8, seq: u64, from: u64, epoch: u32) -> Attached {
        let offset = |offset| Offset::new(offset).expect("small");
        Attached {
            commit: (session(by), seq),
            offsets: offset(from)..offset(from + 10),
            epochs: vec![LeaderEpoch::new(epoch).expect("small")],
        }
    }

    fn before() -> Owner {
        Owner {
            session: session(1).as_bytes().to_vec().into(),
            wal_id: vec![8; 16].into(),
            from_seq: 3,
            leader_epoch: 1,
            since_epoch: 1,
            ..Owner::default()
        }
    }

    fn listed(owner: &Owner) -> Vec<(u8, u64, u64)> {
        owner.unfolded.iter().map(|it| (it.session[0], it.from_seq, it.through_seq)).collect()
    }

    #[test]
    fn what_a_session_committed_in_turns_with_another_is_listed_in_turns() {
        let all = [
            attached(1, 5, 0, 1),
            attached(1, 7, 10, 1),
            attached(2, 1, 20, 2),
            attached(1, 9, 30, 3),
        ];
        let owner =
            owner(Some(before()), 4, &all, |_| Some(WalId::from_bytes([8; 16])), session(9));
        assert_eq!(listed(&owner), [(1, 3, 7), (2, 1, 1), (1, 9, 9)]);
        assert_eq!((owner.session[0], owner.from_seq, owner.leader_epoch), (9, 1, 3));
    }

    #[test]
    fn a_log_that_ends_in_front_of_a_gap_names_no_later_commit_of_its_session() {
        let owner = owner(Some(before()), 4, &[], |_| None, session(9));
        assert_eq!(listed(&owner), [(1, 3, 4)]);
        assert_eq!((owner.session[0], owner.wal_id[0], owner.clean), (9, 8, false));
    }

    #[test]
    fn a_wal_that_went_on_keeps_its_ownership() {
        let all = [attached(2, 1, 0, 2)];
        let kept = owner(Some(before()), 0, &all, |_| Some(WalId::from_bytes([8; 16])), session(9));
        assert_eq!((kept.wal_id[0], kept.since_epoch, kept.clean), (8, 1, false));
        assert_eq!(listed(&kept), [(2, 1, 1)], "session 1 had committed nothing of it");
    }

    #[test]
    fn another_wal_begins_an_ownership_and_one_not_known_waits_for_nobody() {
        let all = [attached(2, 1, 0, 2)];
        let other =
            owner(Some(before()), 0, &all, |_| Some(WalId::from_bytes([7; 16])), session(9));
        assert_eq!((other.wal_id[0], other.since_epoch, other.clean), (7, 2, false));
        let unknown = owner(Some(before()), 0, &all, |_| None, session(9));
        assert_eq!((unknown.wal_id[0], unknown.since_epoch, unknown.clean), (0, 2, true));
    }
}

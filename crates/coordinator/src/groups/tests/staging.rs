//! Offsets that transactions commit.

use super::*;
use crate::{StagingQuestion, transaction::TransactionResult};
use TransactionResult::{Abort, Commit};
use model::{PartitionId, ProducerEpoch};

fn producer(id: u64) -> ProducerId {
    ProducerId::new(id).unwrap()
}

/// The slot's partition.
fn slot() -> PartitionId {
    claim(1).partition
}

impl Setting {
    fn question(&self) -> StagingQuestion {
        self.groups().staging_question(0).unwrap()
    }

    async fn stage(
        &self,
        id: u64,
        question: StagingQuestion,
        group: &str,
        offsets: &[(TopicId, u32, u64)],
    ) -> Result<(), GroupError> {
        let from = MemberRef { member: "", instance: None, generation: -1 };
        let by = Committer { from, transactional: true, knows_member_epochs: true };
        let commits = offsets.iter().map(|(topic, partition, offset)| OffsetCommit {
            topic: *topic,
            partitions: vec![(*partition, self.offset(*offset))],
        });
        let asked = (producer(id), question);
        self.groups().stage(0, group, by, asked, commits.collect())?.await
    }

    async fn stage_now(&self, id: u64, group: &str, offsets: &[(TopicId, u32, u64)]) {
        self.stage(id, self.question(), group, offsets).await.unwrap();
    }

    async fn end(&self, id: u64, result: TransactionResult) {
        self.end_with(id, None, result).await;
    }

    async fn end_with(&self, id: u64, own_epoch: Option<i16>, result: TransactionResult) {
        let own_epoch = own_epoch.and_then(ProducerEpoch::from_wire);
        let ended = self.groups().end_transaction(slot(), producer(id), own_epoch, result).await;
        assert_eq!(ended, Marked::Written);
    }

    /// What a reader of partition 0 is told that wants nothing that may change.
    async fn stable(&self, group: &str) -> FetchedOffset {
        let wanted = [(TOPIC, vec![0])];
        let fetched = self
            .groups()
            .fetch(
                0,
                group,
                Wanted { topics: Some(&wanted), require_stable: true, ..Wanted::default() },
            )
            .unwrap();
        fetched.await.unwrap()[0].1[0].1.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn staged_offsets_count_once_their_transaction_is_committed() {
    let setting = Setting::new().await;
    setting.commit("g", &[(TOPIC, 0, 1)]).await.unwrap();
    setting.stage_now(7, "g", &[(TOPIC, 0, 5), (OTHER, 1, 6)]).await;
    setting.stage_now(7, "g", &[(TOPIC, 0, 8)]).await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 1)]);
    assert_eq!(setting.stable("g").await, FetchedOffset::Unstable);
    setting.end(7, Commit).await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 8), (OTHER, 1, 6)]);
    assert!(matches!(setting.stable("g").await, FetchedOffset::Committed(_)));
    assert_eq!(setting.keys_below("test/staged_offsets/").await, 0);
}

#[tokio::test(start_paused = true)]
async fn staged_offsets_of_an_aborted_transaction_leave_nothing_behind() {
    let setting = Setting::new().await;
    setting.stage_now(7, "g", &[(TOPIC, 0, 5)]).await;
    setting.end(7, Abort).await;
    assert_eq!(setting.stable("g").await, FetchedOffset::None);
    assert_eq!(
        setting.keys_below("test/").await,
        setting.keys_below("test/journal_heads/").await
            + setting.keys_below("test/sessions/").await
    );
    assert_eq!(setting.groups().describe(0, "g"), Err(GroupError::GroupIdNotFound));
}

#[tokio::test(start_paused = true)]
async fn what_is_staged_outlives_the_session() {
    for (result, left) in [(Commit, vec![(TOPIC, 0, 5)]), (Abort, vec![])] {
        let mut setting = Setting::new().await;
        setting.stage_now(7, "g", &[(TOPIC, 0, 5)]).await;
        setting.begin_session().await;
        assert_eq!(setting.stable("g").await, FetchedOffset::Unstable);
        setting.end(7, result).await;
        setting.begin_session().await;
        assert_eq!(setting.fetch("g").await, left);
        assert_ne!(setting.stable("g").await, FetchedOffset::Unstable);
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_copy_of_an_end_does_not_end_the_next_transaction() {
    let setting = Setting::new().await;
    setting.stage_now(7, "g", &[(TOPIC, 0, 5)]).await;
    setting.end_with(7, Some(1), Commit).await;
    setting.stage_now(7, "g", &[(TOPIC, 0, 9)]).await;
    setting.end_with(7, Some(1), Commit).await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 5)]);
    setting.end_with(7, Some(2), Commit).await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 9)]);
}

#[tokio::test(start_paused = true)]
async fn two_transactions_hold_a_partition_until_both_are_decided() {
    let setting = Setting::new().await;
    setting.stage_now(7, "g", &[(TOPIC, 0, 5)]).await;
    setting.stage_now(8, "g", &[(TOPIC, 0, 6)]).await;
    setting.end(7, Abort).await;
    assert_eq!(setting.stable("g").await, FetchedOffset::Unstable);
    setting.end(8, Commit).await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 6)]);
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_came_after_the_staging_stays_even_within_a_millisecond() {
    let setting = Setting::new().await;
    setting.commit("g", &[(TOPIC, 0, 1)]).await.unwrap();
    setting.stage_now(7, "g", &[(TOPIC, 0, 5)]).await;
    setting.commit("g", &[(TOPIC, 0, 9)]).await.unwrap();
    setting.end(7, Commit).await;
    assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 9)]);
}

#[tokio::test(start_paused = true)]
async fn of_two_transactions_the_one_that_staged_last_counts_in_whichever_order_they_end() {
    for order in [[7, 8], [8, 7]] {
        let setting = Setting::new().await;
        setting.stage_now(7, "g", &[(TOPIC, 0, 5)]).await;
        setting.stage_now(8, "g", &[(TOPIC, 0, 6)]).await;
        for id in order {
            setting.end(id, Commit).await;
        }
        assert_eq!(setting.fetch("g").await, [(TOPIC, 0, 6)]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_is_not_brought_back_by_a_transaction() {
    let mut setting = Setting::new().await;
    setting.stage_now(7, "g", &[(TOPIC, 0, 5), (OTHER, 1, 6)]).await;
    let deleted = setting.groups().delete_offsets(0, "g", &[(TOPIC, vec![0])]).unwrap();
    assert_eq!(deleted.await, Ok(vec![Ok(())]));
    assert_eq!(setting.stable("g").await, FetchedOffset::None);
    setting.begin_session().await;
    setting.end(7, Commit).await;
    assert_eq!(setting.fetch("g").await, [(OTHER, 1, 6)]);
    setting.stage_now(8, "g", &[(TOPIC, 0, 5)]).await;
    setting.groups().delete(0, "g").unwrap().await.unwrap();
    assert_eq!(setting.keys_below("test/staged_offsets/").await, 0);
    setting.end(8, Commit).await;
    assert_eq!(setting.groups().describe(0, "g"), Err(GroupError::GroupIdNotFound));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_staged_for_a_transaction_that_ended_since_it_was_asked_about() {
    let setting = Setting::new().await;
    let question = setting.question();
    setting.end(8, Commit).await;
    setting.stage(7, question, "g", &[(TOPIC, 0, 5)]).await.unwrap();
    setting.end(7, Abort).await;
    let late = setting.stage(7, question, "g", &[(TOPIC, 0, 5)]).await;
    assert_eq!(late, Err(GroupError::TransactionEnded));
    for id in 100..1_200 {
        setting.end(id, Abort).await;
    }
    let old = setting.stage(9, question, "g", &[(TOPIC, 0, 5)]).await;
    assert_eq!(old, Err(GroupError::TransactionEnded), "too long ago to be sure");
    setting.stage_now(9, "g", &[(TOPIC, 0, 5)]).await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_stages_no_more_than_is_committed_at_once() {
    let setting = Setting::new().await;
    let many: Vec<_> = (0..4_000).map(|partition| (TOPIC, partition, 1)).collect();
    let refused = setting.stage(7, setting.question(), "g", &many).await;
    assert_eq!(refused, Err(GroupError::TooLarge));
    assert_eq!(setting.groups().describe(0, "g"), Err(GroupError::GroupIdNotFound));
}

//! Groups of the consumer protocol over a store: what is answered outlives the session.

use super::*;
use crate::group::{
    ConsumerAnswer, ConsumerHeartbeat, ConsumerLeave,
    consumer::tests::beats::{first, next},
};

impl Setting {
    async fn beat(&self, beat: ConsumerHeartbeat) -> Result<ConsumerAnswer, GroupError> {
        self.groups().consumer_heartbeat(0, "g", beat)?.await
    }

    async fn keys(&self, prefix: &str) -> usize {
        let query = RangeQuery::prefix(format!("test/{prefix}/"));
        self.store.range(query).await.unwrap().entries.len()
    }
}

#[tokio::test(start_paused = true)]
async fn members_go_on_in_their_epochs_under_the_next_session() {
    let mut setting = Setting::new().await;
    assert_eq!(setting.beat(first("a", &["t"])).await.unwrap().assignment.unwrap().len(), 4);
    assert_eq!(setting.beat(first("b", &["t"])).await.unwrap().epoch, 2);
    let told = setting.beat(next("a", 1)).await.unwrap().assignment.unwrap();
    let before = setting.groups().describe_consumers(0, "g").unwrap();
    setting.begin_session().await;
    assert_eq!(setting.groups().describe_consumers(0, "g").unwrap(), before);
    let done = ConsumerHeartbeat { owned: Some(told), ..next("a", 1) };
    assert_eq!(setting.beat(done).await.unwrap().epoch, 2);
    assert_eq!(setting.beat(next("b", 2)).await.unwrap().assignment.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_until_it_is_stored_and_so_does_one_that_repeats_it() {
    let setting = Setting::new().await;
    setting.store.faults().fail_every(1, Fault::Unavailable);
    assert_eq!(setting.beat(first("a", &["t"])).await, Err(GroupError::TimedOut));
    let again = setting.beat(next("a", 1)).await;
    assert_eq!(again, Err(GroupError::TimedOut), "it would name the same epoch");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_leaves_no_member_behind() {
    let setting = Setting::new().await;
    setting.beat(first("a", &["t"])).await.unwrap();
    assert_eq!((setting.keys("groups").await, setting.keys("group_members").await), (1, 1));
    let leave = ConsumerLeave { member: "a".into(), instance: None, for_a_while: false };
    setting.groups().consumer_leave(0, "g", &leave).unwrap().await.unwrap();
    assert_eq!((setting.keys("groups").await, setting.keys("group_members").await), (1, 0));
    setting.groups().delete(0, "g").unwrap().await.unwrap();
    assert_eq!(setting.keys("groups").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_members_outlive_the_session() {
    let mut setting = Setting::new().await;
    for number in 0..1_000 {
        drop(
            setting
                .groups()
                .consumer_heartbeat(0, "g", first(&number.to_string(), &["t"]))
                .unwrap(),
        );
    }
    let before = setting.groups().describe_consumers(0, "g").unwrap();
    let journal = setting.journal.clone().unwrap();
    journal.settled(journal.position()).await.unwrap();
    setting.begin_session().await;
    assert_eq!(setting.groups().describe_consumers(0, "g").unwrap(), before);
}

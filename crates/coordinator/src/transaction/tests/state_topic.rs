//! What the log of a slot is told of transactional ids.

use super::coordinating::{ID, Setting};
use crate::transaction::{
    TransactionResult::Commit, TransactionState::CompleteCommit, TransactionVersion::V2,
};
use formats::transactions_topic::TransactionKey;
use std::time::Duration;

async fn a_while() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

#[tokio::test(start_paused = true)]
async fn many_transactions_of_an_id_are_told_once_and_everything_again_by_the_next_owner() {
    let setting = Setting::new();
    let life = setting.begin().await;
    let mut producer = life.init().await;
    for _ in 0..20 {
        life.add(producer, &[0]).await.unwrap();
        producer = life.end(producer, Commit, V2).await.unwrap();
        life.reaches(CompleteCommit).await;
    }
    a_while().await;
    let key = TransactionKey(ID.id).encode().unwrap();
    assert_eq!(setting.log.believed(), [(key.clone(), true)].into());
    assert!(setting.log.count() < 5, "{} records", setting.log.count());
    let told = setting.log.count();
    a_while().await;
    assert_eq!(setting.log.count(), told, "nothing changes");
    life.end_of_it().await;
    let _life = setting.begin().await;
    a_while().await;
    assert_eq!(setting.log.count(), told + 1);
}

#[tokio::test(start_paused = true)]
async fn an_id_that_expired_is_told_to_be_gone() {
    let setting = Setting::new();
    let life = setting.begin().await;
    life.init().await;
    a_while().await;
    let key = TransactionKey(ID.id).encode().unwrap();
    assert_eq!(setting.log.believed(), [(key.clone(), true)].into());
    tokio::time::sleep(Duration::from_hours(8 * 24)).await;
    assert_eq!(setting.log.believed(), [(key, false)].into());
}

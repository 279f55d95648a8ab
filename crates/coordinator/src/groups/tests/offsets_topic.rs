//! What the log of a slot is told of groups and offsets.

use super::*;
use formats::offsets_topic::{GroupKey, OffsetKey};

fn offset_key(group: &str, topic: &str, partition: i32) -> Bytes {
    OffsetKey { group, topic, partition }.encode().unwrap()
}

async fn a_while() {
    tokio::time::sleep(Duration::from_secs(3)).await;
}

#[tokio::test(start_paused = true)]
async fn the_last_of_many_commits_is_told_and_nothing_while_there_is_none() {
    let setting = Setting::new().await;
    a_while().await;
    assert_eq!(setting.log.count(), 0);
    for offset in 1..100 {
        setting.commit("g", &[(TOPIC, 0, offset)]).await.unwrap();
    }
    a_while().await;
    assert_eq!(setting.log.believed(), [(offset_key("g", "t", 0), true)].into());
    assert_eq!(setting.log.count(), 1);
    a_while().await;
    assert_eq!(setting.log.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_told_too_even_of_a_topic_that_is() {
    let setting = Setting::new().await;
    setting.commit("g", &[(TOPIC, 0, 1), (OTHER, 1, 2)]).await.unwrap();
    a_while().await;
    setting.topics.0.lock().remove(&TOPIC);
    setting.groups().delete(0, "g").unwrap().await.unwrap();
    a_while().await;
    let gone = [offset_key("g", "t", 0), offset_key("g", "other", 1)];
    let mut expected: BTreeMap<_, _> = gone.map(|key| (key, false)).into();
    expected.insert(GroupKey("g").encode().unwrap(), false);
    assert_eq!(setting.log.believed(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_new_owner_tells_everything_again() {
    let mut setting = Setting::new().await;
    *setting.log.is_closed.lock() = true;
    setting.commit("g", &[(TOPIC, 0, 1), (TOPIC, 1, 2)]).await.unwrap();
    a_while().await;
    assert_eq!(setting.log.count(), 0, "it was lost on the way");
    setting.begin_session().await;
    *setting.log.is_closed.lock() = false;
    a_while().await;
    let told = [offset_key("g", "t", 0), offset_key("g", "t", 1)];
    assert_eq!(setting.log.believed(), told.map(|key| (key, true)).into());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_refuses_for_now_is_told_later() {
    let setting = Setting::new().await;
    *setting.log.is_closed.lock() = true;
    setting.commit("g", &[(TOPIC, 0, 1)]).await.unwrap();
    a_while().await;
    *setting.log.is_closed.lock() = false;
    a_while().await;
    assert_eq!(setting.log.believed(), [(offset_key("g", "t", 0), true)].into());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_grew_long_is_written_anew_and_its_beginning_deleted() {
    let setting = Setting::new().await;
    let partitions = 3_000;
    for offset in 1..100 {
        let commits: Vec<_> = (0..partitions).map(|it| (TOPIC, it, offset)).collect();
        setting.commit("g", &commits).await.unwrap();
        a_while().await;
    }
    let log = &setting.log;
    assert!(*log.start.lock() > 0, "{} records", log.count());
    assert!(log.size_bytes(claim(1)) < 9 << 20);
    assert_eq!(log.believed().len(), partitions as usize);
    assert!(log.believed().values().all(|is_there| *is_there));
}

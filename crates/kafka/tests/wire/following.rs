//! A broker that follows another one: it fetches what was committed, and no records.

use crate::{broker::Served, client::Client, producing::produce_one};
use bytes::Bytes;
use formats::{
    inter_broker::{NoticesAnswer, NoticesRequest, notice::Kind},
    segment::Footer,
};
use kafka_protocol::messages::{FetchRequest, fetch_request::ReplicaState};

const VERSION: i16 = 17;
const TAG: i32 = 10_000;

fn follow(field: Bytes, max_wait_ms: i32) -> FetchRequest {
    FetchRequest::default()
        .with_replica_state(ReplicaState::default().with_replica_id(2.into()))
        .with_max_wait_ms(max_wait_ms)
        .with_unknown_tagged_field(TAG, field)
}

async fn ask(client: &mut Client, wanted: &NoticesRequest) -> NoticesAnswer {
    let response = client.call(VERSION, follow(wanted.to_bytes(), 3_600_000)).await;
    assert_eq!(response.error_code, 0);
    assert!(response.responses.is_empty());
    NoticesAnswer::from_bytes(response.unknown_tagged_fields[&TAG].clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_follower_hears_of_what_is_committed() {
    let served = Served::start().await;
    let topic = served.create_topic("t", 1).await;
    let mut follower = served.connect().await;
    let first = ask(&mut follower, &NoticesRequest::default()).await;
    assert!(first.gap && first.notices.is_empty(), "{first:?}");
    let wanted = NoticesRequest {
        session: first.session,
        position: first.next,
        ..NoticesRequest::default()
    };
    let polled = follower.send(VERSION, &follow(wanted.to_bytes(), 3_600_000)).await;
    produce_one(&mut served.connect().await, "t", "a").await;
    let response = follower.receive::<FetchRequest>(VERSION, polled).await;
    let answer = NoticesAnswer::from_bytes(response.unknown_tagged_fields[&TAG].clone()).unwrap();
    assert_eq!((answer.gap, answer.next), (false, wanted.position + 1));
    let Some(Kind::Committed(committed)) = answer.notices[0].kind.clone() else {
        panic!("{answer:?}");
    };
    let footer = Footer::decode(&committed.footer).unwrap();
    assert_eq!(footer.slices[0].partition.topic, topic);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_none_is_refused() {
    let served = Served::start().await;
    let mut client = served.connect().await;
    let malformed = follow(Bytes::from_static(&[0xff; 7]), 0);
    assert_eq!(client.call(VERSION, malformed).await.error_code, 42);
    let nobody =
        follow(NoticesRequest::default().to_bytes(), 0).with_replica_state(ReplicaState::default());
    assert_eq!(client.call(VERSION, nobody).await.error_code, 42);
}

//! Stores on bad days: what is tried again, what is given up, what is counted.

use bytes::Bytes;
use runtime::Randomness;
use std::time::Duration;
use storage::{
    Fault, FaultPlan, InvalidObjectName, ObjectErrorKind, ObjectName, Objects, Operation,
    RequestCounts,
};

fn faulty() -> (Objects, FaultPlan) {
    let plan = FaultPlan::new(Randomness::seeded(1));
    (Objects::memory().with_faults(plan.clone()), plan)
}

fn name() -> ObjectName {
    ObjectName::new("a/b").expect("name")
}

fn content() -> Bytes {
    Bytes::from_static(b"content")
}

#[tokio::test(start_paused = true)]
async fn overload_is_tried_again_and_every_attempt_counted() {
    let (objects, plan) = faulty();
    plan.fail_next(Operation::Put, 3, Fault::Unavailable);
    objects.put(&name(), vec![content()]).await.expect("put");
    assert_eq!(objects.get(&name()).await.expect("get"), content());
    let counts = objects.request_counts();
    assert_eq!(counts, RequestCounts { puts: 4, gets: 1, failures: 3, ..RequestCounts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_storm_ends_in_unavailable_within_the_call_limit() {
    let (objects, plan) = faulty();
    plan.fail_always(Operation::Get, Fault::Unavailable);
    let begun = tokio::time::Instant::now();
    let error = objects.get(&name()).await.expect_err("storm");
    assert_eq!(error.kind, ObjectErrorKind::Unavailable);
    assert!(error.retryable() && error.reason.contains("attempts"), "{error}");
    assert!(begun.elapsed() <= Duration::from_secs(30));
    let attempts = objects.request_counts().gets;
    assert!((10..100).contains(&attempts), "{attempts} attempts in 30 s");
}

#[tokio::test(start_paused = true)]
async fn a_hanging_attempt_is_given_up_and_tried_again() {
    let (objects, plan) = faulty();
    plan.fail_next(Operation::Put, 1, Fault::Hang);
    objects.put(&name(), vec![content()]).await.expect("put");
    plan.fail_always(Operation::Head, Fault::Hang);
    let error = objects.size(&name()).await.expect_err("hangs");
    assert_eq!(error.kind, ObjectErrorKind::Unavailable);
    assert!(error.reason.contains("no answer"), "{error}");
    assert_eq!(objects.request_counts().failures, 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_not_tried_again() {
    let (objects, plan) = faulty();
    plan.fail_next(Operation::Delete, 1, Fault::Denied);
    let error = objects.delete(&[name()]).await.expect_err("denied");
    assert_eq!(error.kind, ObjectErrorKind::Denied);
    assert!(!error.retryable());
    assert_eq!(objects.request_counts().deletes, 1);
}

#[tokio::test(start_paused = true)]
async fn a_create_that_was_applied_unheard_meets_its_own_object() {
    let (objects, plan) = faulty();
    plan.fail_next(Operation::PutIfAbsent, 1, Fault::AppliedButFailed);
    let error = objects.put_if_absent(&name(), content()).await.expect_err("own object");
    assert_eq!(error.kind, ObjectErrorKind::AlreadyExists);
    assert_eq!(objects.get(&name()).await.expect("ours"), content());
}

#[tokio::test(start_paused = true)]
async fn a_create_may_be_refused_although_nothing_is_there() {
    let (objects, plan) = faulty();
    plan.fail_next(Operation::PutIfAbsent, 1, Fault::AlreadyExists);
    let error = objects.put_if_absent(&name(), content()).await.expect_err("refused");
    assert_eq!(error.kind, ObjectErrorKind::AlreadyExists);
    let error = objects.get(&name()).await.expect_err("nothing there");
    assert_eq!(error.kind, ObjectErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn a_late_put_lands_when_it_is_let() {
    let (objects, plan) = faulty();
    plan.fail_always(Operation::Put, Fault::Late);
    objects.put(&name(), vec![content()]).await.expect_err("late");
    assert!(objects.list("").await.expect("list").is_empty());
    plan.heal();
    assert!(plan.land_late().await > 0);
    assert_eq!(objects.get(&name()).await.expect("landed"), content());
}

#[tokio::test(start_paused = true)]
async fn a_third_of_failures_and_slowness_is_survived() {
    let (objects, plan) = faulty();
    plan.fail_percent(30, Fault::AppliedButFailed);
    plan.delay(Duration::from_millis(5)..Duration::from_millis(50));
    for n in 0..100 {
        let name = ObjectName::new(&format!("many/{n}")).expect("name");
        objects.put(&name, vec![content()]).await.expect("put");
    }
    assert_eq!(objects.list("many/").await.expect("list").len(), 100);
    assert!(objects.request_counts().failures > 10);
}

#[test]
fn names_keep_to_their_alphabet() {
    for good in ["a", "a/b.c_d-E/9", &"x".repeat(512)] {
        assert_eq!(ObjectName::new(good).expect("good").as_str(), good);
    }
    for bad in ["", "/a", "a/", "a//b", "a/../b", ".", "a b", "a#1", "ä", "a%2f", &"x".repeat(513)]
    {
        assert_eq!(ObjectName::new(bad), Err(InvalidObjectName(bad.to_owned())));
    }
}

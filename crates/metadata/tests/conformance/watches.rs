//! Watches: order, completeness, the past, and compaction.

use crate::subject::{Subject, cases, next};
use metadata::{MetadataError, Operation, Revision};

cases! {
    a_watch_tells_changes_in_revision_order,
    a_watch_tells_the_past_first,
    a_batch_holds_all_that_its_revision_changed_under_the_prefix,
    a_watch_hears_nothing_of_other_prefixes,
    a_watch_may_begin_in_the_future,
    an_entry_in_an_event_is_as_of_its_revision,
    dropping_a_wait_loses_no_event,
    a_long_past_is_told_without_gaps,
    a_watch_from_the_compacted_revision_itself_still_works,
    a_watch_from_before_a_compaction_says_so,
    a_watch_that_kept_up_survives_a_compaction,
}

async fn a_watch_tells_changes_in_revision_order(subject: Subject) {
    let now = subject.put("before", "x").await;
    let mut watch = subject.watch(now.next()).await;
    let put = subject.put("a", "1").await;
    let changed = subject.put("a", "2").await;
    let deleted = subject.delete("a").await;
    assert_eq!(subject.hear(&mut watch).await, (put, vec!["+a=1".to_owned()]));
    assert_eq!(subject.hear(&mut watch).await, (changed, vec!["+a=2".to_owned()]));
    assert_eq!(subject.hear(&mut watch).await, (deleted, vec!["-a".to_owned()]));
}

async fn a_watch_tells_the_past_first(subject: Subject) {
    let first = subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    let mut watch = subject.watch(first).await;
    assert_eq!(subject.hear(&mut watch).await.0, first);
    assert_eq!(subject.hear(&mut watch).await.0, second);
    let third = subject.put("a", "3").await;
    assert_eq!(subject.hear(&mut watch).await, (third, vec!["+a=3".to_owned()]));
}

async fn a_batch_holds_all_that_its_revision_changed_under_the_prefix(subject: Subject) {
    subject.put("gone", "x").await;
    let operations = vec![
        subject.put_operation("a", "1"),
        Operation::Delete(subject.key("gone")),
        subject.put_operation("b", "2"),
        Operation::put(format!("elsewhere/{}", subject.store.describe()), "3"),
    ];
    let outcome = subject.run(operations).await;
    let mut watch = subject.watch(outcome.revision).await;
    let told = ["+a=1", "+b=2", "-gone"].map(str::to_owned).to_vec();
    assert_eq!(subject.hear(&mut watch).await, (outcome.revision, told));
}

async fn a_watch_hears_nothing_of_other_prefixes(subject: Subject) {
    let now = subject.put("before", "x").await;
    let mut watch = subject.watch(now.next()).await;
    subject.run(vec![Operation::put("a_watch_hears_nothing", "shorter")]).await;
    let mine = subject.put("mine", "1").await;
    assert_eq!(subject.hear(&mut watch).await, (mine, vec!["+mine=1".to_owned()]));
}

async fn a_watch_may_begin_in_the_future(subject: Subject) {
    let now = subject.put("a", "0").await;
    let mut watch = subject.watch(Revision(now.0 + 3)).await;
    subject.put("a", "1").await;
    subject.put("a", "2").await;
    let third = subject.put("a", "3").await;
    assert_eq!(subject.hear(&mut watch).await, (third, vec!["+a=3".to_owned()]));
}

async fn an_entry_in_an_event_is_as_of_its_revision(subject: Subject) {
    let created = subject.put("a", "1").await;
    let changed = subject.put("a", "2").await;
    subject.put("a", "3").await;
    let mut watch = subject.watch(changed).await;
    let events = next(&mut watch).await.unwrap();
    let metadata::EventKind::Put(entry) = &events[0].kind else { panic!("it was set") };
    assert_eq!((entry.create_revision, entry.mod_revision, entry.version), (created, changed, 2));
}

async fn dropping_a_wait_loses_no_event(subject: Subject) {
    let now = subject.put("a", "0").await;
    let mut watch = subject.watch(now.next()).await;
    let mut told = Vec::new();
    let wait = std::time::Duration::from_millis(1);
    for i in 0..20 {
        subject.put("a", &i.to_string()).await;
        if let Ok(events) = tokio::time::timeout(wait, watch.next()).await {
            told.extend(events.unwrap());
        }
    }
    while told.len() < 20 {
        told.extend(next(&mut watch).await.unwrap());
    }
    let revisions: Vec<u64> = told.iter().map(|event| event.revision.0).collect();
    assert_eq!(revisions, (now.0 + 1..=now.0 + 20).collect::<Vec<_>>());
}

async fn a_long_past_is_told_without_gaps(subject: Subject) {
    let first = subject.put("a", "0").await;
    for i in 1..300 {
        subject.put("a", &i.to_string()).await;
    }
    let mut watch = subject.watch(first).await;
    for i in 0..300 {
        let expected = (Revision(first.0 + i), vec![format!("+a={i}")]);
        assert_eq!(subject.hear(&mut watch).await, expected);
    }
}

async fn a_watch_from_the_compacted_revision_itself_still_works(subject: Subject) {
    subject.put("a", "1").await;
    let second = subject.put("a", "2").await;
    subject.put("a", "3").await;
    subject.store.compact(second).await.unwrap();
    let mut watch = subject.watch(second).await;
    assert_eq!(subject.hear(&mut watch).await, (second, vec!["+a=2".to_owned()]));
}

async fn a_watch_from_before_a_compaction_says_so(subject: Subject) {
    let first = subject.put("a", "1").await;
    subject.put("a", "2").await;
    let third = subject.put("a", "3").await;
    subject.store.compact(third).await.unwrap();
    let mut watch = subject.watch(first).await;
    for _ in 0..2 {
        let error = next(&mut watch).await.unwrap_err();
        assert!(matches!(error, MetadataError::Compacted(at) if at == third), "{error}");
    }
}

async fn a_watch_that_kept_up_survives_a_compaction(subject: Subject) {
    let first = subject.put("a", "1").await;
    let mut watch = subject.watch(first).await;
    assert_eq!(subject.hear(&mut watch).await.0, first);
    let second = subject.put("a", "2").await;
    assert_eq!(subject.hear(&mut watch).await.0, second);
    subject.store.compact(second).await.unwrap();
    let third = subject.put("a", "3").await;
    assert_eq!(subject.hear(&mut watch).await.0, third);
}

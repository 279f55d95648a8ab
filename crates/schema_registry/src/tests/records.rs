//! The records of `_schemas`: as Confluent's registry writes them, and as it reads them.

use crate::{
    record::{Key, SchemaValue},
    state::State,
};

/// Source: records that Confluent's registry wrote, as its documentation and Karapace's tests show them.
const FOREIGN: [(&str, Option<&str>); 9] = [
    (r#"{"keytype":"NOOP","magic":0}"#, None),
    (
        r#"{"keytype":"SCHEMA","subject":"orders-value","version":1,"magic":1}"#,
        Some(
            r#"{"subject":"orders-value","version":1,"id":1,"md5":"r7B3IVmnRAuRpFB1WGsFJg==","schema":"\"string\"","deleted":false,"ts":1726000000000}"#,
        ),
    ),
    (
        r#"{"keytype":"SCHEMA","subject":"orders-value","version":2,"magic":1}"#,
        Some(
            r#"{"subject":"orders-value","version":2,"id":2,"schemaType":"JSON","references":null,"metadata":null,"schema":"{}","deleted":false}"#,
        ),
    ),
    (r#"{"keytype":"CONFIG","subject":null,"magic":0}"#, Some(r#"{"compatibilityLevel":"FULL"}"#)),
    (
        r#"{"keytype":"CONFIG","subject":"orders-value","magic":0}"#,
        Some(r#"{"subject":"orders-value","compatibilityLevel":"NONE","compatibilityGroup":"g"}"#),
    ),
    (r#"{"keytype":"MODE","subject":null,"magic":0}"#, Some(r#"{"mode":"READONLY"}"#)),
    (r#"{"keytype":"CONTEXT","context":".x","tenant":"default","magic":0}"#, Some("{}")),
    (
        r#"{"keytype":"DELETE_SUBJECT","subject":"orders-value","magic":0}"#,
        Some(r#"{"subject":"orders-value","version":1}"#),
    ),
    ("not even JSON", Some("nor this")),
];

fn read(records: &[(&str, Option<&str>)]) -> State {
    let mut state = State::default();
    for (key, value) in records {
        state.apply(key.as_bytes(), value.map(str::as_bytes));
    }
    state
}

#[test]
fn another_registrys_records_are_read() {
    let state = read(&FOREIGN);
    let versions: Vec<_> = state
        .versions("orders-value")
        .map(|(number, version)| (number, version.body.id, version.deleted))
        .collect();
    assert_eq!(versions, [(1, 1, true), (2, 2, false)]);
    assert_eq!(state.config(None).unwrap().compatibility_level.as_deref(), Some("FULL"));
    assert_eq!(state.config(Some("orders-value")).unwrap().more["compatibilityGroup"], "g");
    assert_eq!(state.mode(None), Some("READONLY"));
    assert_eq!(state.next_id("."), 3);
    let kept = state.version("orders-value", 1).unwrap().body.value("orders-value", 1, true);
    assert_eq!(kept.more["md5"], "r7B3IVmnRAuRpFB1WGsFJg==");
}

#[test]
fn keys_have_confluents_bytes() {
    let subject = "a \"b\"".to_owned();
    let expected = [
        (
            Key::Schema { subject: subject.clone(), version: 3, magic: 1 },
            r#"{"keytype":"SCHEMA","subject":"a \"b\"","version":3,"magic":1}"#,
        ),
        (Key::Config { subject: None, magic: 0 }, r#"{"keytype":"CONFIG","magic":0}"#),
        (
            Key::Mode { subject: Some(subject.clone()), magic: 0 },
            r#"{"keytype":"MODE","subject":"a \"b\"","magic":0}"#,
        ),
        (
            Key::DeleteSubject { subject: subject.clone(), magic: 0 },
            r#"{"keytype":"DELETE_SUBJECT","subject":"a \"b\"","magic":0}"#,
        ),
        (
            Key::ClearSubject { subject, magic: 0 },
            r#"{"keytype":"CLEAR_SUBJECT","subject":"a \"b\"","magic":0}"#,
        ),
        (Key::Noop { magic: 0 }, r#"{"keytype":"NOOP","magic":0}"#),
    ];
    for (key, bytes) in expected {
        assert_eq!(String::from_utf8(key.bytes()).unwrap(), bytes);
        assert_eq!(Key::read(bytes.as_bytes()), Some(key));
    }
}

#[test]
fn a_value_is_written_as_it_was_read() {
    let text = FOREIGN[1].1.unwrap();
    let value: SchemaValue = serde_json::from_str(text).unwrap();
    let written: serde_json::Value = serde_json::to_value(&value).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).unwrap());
}

#[test]
fn tombstones_and_cleared_subjects_leave_nothing_but_their_ids_unused() {
    let mut records = FOREIGN.to_vec();
    records.push((
        r#"{"keytype":"CLEAR_SUBJECT","subject":"orders-value","magic":0}"#,
        Some(r#"{"subject":"orders-value"}"#),
    ));
    records.push((r#"{"keytype":"SCHEMA","subject":"orders-value","version":2,"magic":1}"#, None));
    let state = read(&records);
    assert_eq!(state.versions("orders-value").count(), 0);
    assert!(state.body(".", 1).is_none() && state.body(".", 2).is_none());
    assert_eq!(state.next_id("."), 3);
    assert_eq!(state.contexts().into_iter().collect::<Vec<_>>(), ["."]);
}

#[test]
fn ids_of_what_compaction_took_are_known_from_a_noop() {
    let state =
        read(&[(r#"{"keytype":"NOOP","magic":0}"#, Some(r#"{"highestIds":{".":41,".x":7}}"#))]);
    assert_eq!((state.next_id("."), state.next_id(".x"), state.next_id(".y")), (42, 8, 1));
}

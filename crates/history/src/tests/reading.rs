//! Histories as files.

use super::script::Script;
use crate::{Event, HistoryError, read};

const CONDITIONS: &str = r#"{"history":1,"isolation":"read_committed","idempotence":true}"#;

fn read_lines(lines: &[&str]) -> Result<usize, HistoryError> {
    let text = [&[CONDITIONS], lines].concat().join("\n");
    read(text.as_bytes()).map(|history| history.operation_count())
}

#[test]
fn a_file_of_json_lines_is_a_history() {
    let lines = [
        r#"{"process":0,"id":1,"time":100,"type":"invoke","op":"send","records":{"orders-0":[[null,17]]}}"#,
        r#"{"process":0,"id":1,"time":250,"type":"ok","op":"send","records":{"orders-0":[[5,17]]}}"#,
        "",
        r#"{"process":1,"id":2,"time":260,"type":"invoke","op":"poll"}"#,
        r#"{"process":1,"id":2,"time":300,"type":"ok","op":"poll","records":{"orders-0":[[5,17]]}}"#,
        r#"{"process":1,"id":3,"time":301,"type":"invoke","op":"commit_offsets","offsets":{"orders-0":6}}"#,
    ];
    assert_eq!(read_lines(&lines).unwrap(), 3);
}

#[test]
fn events_are_written_as_they_are_read() {
    for event in Script::new().send(0, "a", 0, 1).poll(1, "a", &[(0, 1)]).events {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}

#[test]
fn a_file_that_contradicts_itself_is_no_history() {
    let begin = r#"{"process":0,"id":1,"time":100,"type":"invoke","op":"begin"}"#;
    let end = r#"{"process":0,"id":1,"time":110,"type":"ok","op":"begin"}"#;
    let other = r#"{"process":0,"id":1,"time":110,"type":"ok","op":"commit"}"#;
    let early = r#"{"process":0,"id":1,"time":90,"type":"ok","op":"begin"}"#;
    assert!(matches!(read_lines(&[end]), Err(HistoryError::NeverBegan { id: 1 })));
    assert!(matches!(read_lines(&[begin, begin]), Err(HistoryError::Repeated { id: 1 })));
    assert!(matches!(read_lines(&[begin, end, end]), Err(HistoryError::Repeated { id: 1 })));
    assert!(matches!(read_lines(&[begin, other]), Err(HistoryError::Contradiction { id: 1 })));
    assert!(matches!(read_lines(&[begin, early]), Err(HistoryError::Contradiction { id: 1 })));
    assert!(matches!(read_lines(&["{}"]), Err(HistoryError::Malformed { line: 2, .. })));
    assert!(matches!(read("".as_bytes()), Err(HistoryError::Empty)));
    let newer = read(r#"{"history":2}"#.as_bytes());
    assert!(matches!(newer, Err(HistoryError::UnknownVersion { found: 2, known: 1 })));
}

#[test]
fn a_line_without_end_is_refused() {
    let endless = std::io::BufReader::new(std::io::repeat(b' '));
    assert!(matches!(read(endless), Err(HistoryError::LongLine { line: 1 })));
    let binary = read([0xFF_u8, b'\n'].as_slice());
    assert!(matches!(binary, Err(HistoryError::Io { line: 1, .. })));
}

#[test]
fn a_value_that_is_sent_twice_to_a_partition_is_refused() {
    let send = |id: u64| {
        format!(
            r#"{{"process":0,"id":{id},"time":1,"type":"invoke","op":"send","records":{{"a":[[null,17]]}}}}"#
        )
    };
    let twice = read_lines(&[&send(1), &send(2)]);
    assert!(matches!(twice, Err(HistoryError::SentTwice { value: 17, .. })));
}

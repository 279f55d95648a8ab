//! [`Transcript`]: what a broker answered, line by line, without what may differ between two brokers that behave alike.
//!
//! Ids and leader epochs become the order in which they were first seen, so that it still shows where two are the same. Times of
//! the broker's clock, ports and sizes on disk are replaced. The words of messages are left out, error codes say the same.

use std::{collections::HashMap, fmt::Debug};

/// Words, what a disk holds, and what says nothing here: nobody is throttled, and fields that this build does not know can't be shown.
const LEFT_OUT: [&str; 7] = [
    "total_bytes",
    "usable_bytes",
    "throttle_time_ms",
    "unknown_tagged_fields",
    "error_message",
    "batch_index_error_message",
    "documentation",
];
/// Fields that hold ids, and what kind.
const IDS: [(&str, &str); 12] = [
    ("topic_id", "topic"),
    ("producer_id", "producer"),
    ("cluster_id", "cluster"),
    ("session_id", "session"),
    ("member_id", "member"),
    ("leader", "member"),
    ("coordinator_epoch", "coordinator epoch"),
    ("leader_epoch", "epoch"),
    ("current_leader_epoch", "epoch"),
    ("committed_leader_epoch", "epoch"),
    ("epoch", "epoch"),
    ("finalized_features_epoch", "features epoch"),
];
/// Fields that are replaced when they hold something.
const REPLACED: [&str; 6] = [
    "log_append_time_ms",
    "port",
    "log_dir",
    "partition_size",
    "last_timestamp",
    "transaction_start_time_ms",
];
/// What stands for nothing in any field.
const NOTHING: [&str; 5] = ["-1", "0", "None", "\"\"", "00000000-0000-0000-0000-000000000000"];

/// Lines, and the ids met so far.
#[derive(Debug, Default)]
pub struct Transcript {
    lines: Vec<String>,
    ids: HashMap<&'static str, Vec<String>>,
}

impl Transcript {
    /// Writes an answer down.
    pub fn answer(&mut self, answer: &impl Debug) {
        for line in joined(&format!("{answer:#?}")) {
            if let Some(line) = self.comparable(&line) {
                self.lines.push(line);
            }
        }
    }

    /// Writes a line of the scenario's own.
    pub fn note(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// What stands for a value of that kind.
    pub fn id(&mut self, kind: &'static str, value: &str) -> String {
        if NOTHING.contains(&value) && (value != "0" || kind == "session") {
            return value.to_owned();
        }
        let seen = self.ids.entry(kind).or_default();
        let place = seen.iter().position(|id| id == value).unwrap_or_else(|| {
            seen.push(value.to_owned());
            seen.len() - 1
        });
        format!("<{kind} {}>", place + 1)
    }

    /// The lines.
    pub fn into_lines(self) -> Vec<String> {
        self.lines
    }

    fn comparable(&mut self, line: &str) -> Option<String> {
        let Some((field, value)) = line.split_once(": ") else { return Some(line.to_owned()) };
        let (name, value) = (field.trim(), value.trim_end_matches(','));
        if LEFT_OUT.contains(&name) {
            return None;
        }
        if let Some((_, kind)) = IDS.iter().find(|(id, _)| *id == name) {
            return Some(format!("{field}: {}", self.id(kind, value)));
        }
        if REPLACED.contains(&name) && !NOTHING.contains(&value) {
            return Some(format!("{field}: <{name}>"));
        }
        Some(format!("{field}: {value}"))
    }
}

/// Lines of a debug text, in which wrappers of a single value stand on one line and without the wrapper's name.
fn joined(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        lines.push(line.to_owned());
        while let [.., open, value, close] = lines.as_slice()
            && let Some(before) = open.strip_suffix('(')
            && close.trim_start().starts_with(')')
        {
            let named = before.rsplit_once(' ').map_or("", |(field, _)| field);
            let value = value.trim().trim_end_matches(',');
            let space = if named.is_empty() { "" } else { " " };
            let line = format!("{named}{space}{value},");
            lines.truncate(lines.len() - 3);
            lines.push(line);
        }
    }
    lines
}

/// Fields that hold a broker's number.
const BROKERS: [&str; 4] = ["node_id", "leader_id", "controller_id", "broker_id"];
/// Fields that hold several.
const BROKER_LISTS: [&str; 3] = ["replica_nodes", "isr_nodes", "offline_replicas"];

/// A transcript in which any broker is as good as another, and several are as good as one; zones are left out.
pub fn of_any_broker(lines: &[String]) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    let (mut numbers, mut brokers) = (false, None);
    for line in lines {
        let text = line.trim();
        let (name, value) = text.split_once(": ").unwrap_or((text, ""));
        if text.starts_with(']') {
            (numbers, brokers) = (false, None);
        }
        if name == "rack" {
            continue;
        }
        let number = |text: &str| text.trim_end_matches(',').parse().is_ok_and(|it: i32| it > 0);
        let indent = &line[..line.len() - line.trim_start().len()];
        match () {
            () if numbers && number(text) => shown.push(format!("{indent}<broker>,")),
            () if BROKERS.contains(&name) && number(value) => {
                shown.push(format!("{indent}{name}: <broker>"));
            }
            () => shown.push(line.clone()),
        }
        numbers |= BROKER_LISTS.contains(&name) && value == "[";
        if name == "brokers" && value == "[" {
            brokers = Some(shown.len());
        }
        // What was told of another broker stands there already.
        if let Some(first) = brokers
            && text == "},"
            && let told = shown.len() - first
            && told.is_multiple_of(2)
            && shown[first..first + told / 2] == shown[first + told / 2..]
        {
            shown.truncate(first + told / 2);
        }
    }
    shown
}

/// Lines that only one of two transcripts has, with a few around them.
pub fn difference(kafka: &[String], alluvium: &[String]) -> String {
    let lines = merged(kafka, alluvium);
    let near = |at: usize| {
        let around = &lines[at.saturating_sub(4)..lines.len().min(at + 2)];
        around.iter().any(|(sign, _)| *sign != ' ')
    };
    let shown = (0..lines.len()).filter(|at| near(*at)).map(|at| lines[at]);
    shown.map(|(sign, line)| format!("{sign} {line}")).collect::<Vec<_>>().join("\n")
}

/// Both, each line once that stands in both in the same order.
fn merged<'a>(kafka: &'a [String], alluvium: &'a [String]) -> Vec<(char, &'a String)> {
    // common[i][j]: how many lines `kafka[i..]` and `alluvium[j..]` have in common.
    let mut common = vec![vec![0; alluvium.len() + 1]; kafka.len() + 1];
    for i in (0..kafka.len()).rev() {
        for j in (0..alluvium.len()).rev() {
            common[i][j] = match kafka[i] == alluvium[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < kafka.len() || j < alluvium.len() {
        if i < kafka.len() && j < alluvium.len() && kafka[i] == alluvium[j] {
            lines.push((' ', &kafka[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == alluvium.len() || i < kafka.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(('-', &kafka[i]));
            i += 1;
        } else {
            lines.push(('+', &alluvium[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[derive(Debug)]
    #[expect(dead_code, reason = "it is only shown")]
    struct Name(&'static str);

    #[derive(Debug)]
    #[expect(dead_code, reason = "it is only shown")]
    struct Answer {
        name: Option<Name>,
        leader_epoch: i32,
        error_message: Option<&'static str>,
        replicas: Vec<i32>,
        throttle_time_ms: i32,
        unknown_tagged_fields: BTreeMap<i32, i32>,
    }

    fn lines(leader_epoch: i32, error_message: Option<&'static str>) -> Vec<String> {
        let mut transcript = Transcript::default();
        transcript.answer(&Answer {
            name: Some(Name("a")),
            leader_epoch,
            error_message,
            replicas: vec![1],
            throttle_time_ms: 5,
            unknown_tagged_fields: BTreeMap::new(),
        });
        transcript.into_lines()
    }

    #[test]
    fn ids_are_numbered_words_left_out_and_the_rest_is_kept() {
        let expected = [
            "Answer {",
            "    name: \"a\"",
            "    leader_epoch: <epoch 1>",
            "    replicas: [",
            "        1,",
            "    ],",
            "}",
        ];
        assert_eq!(lines(7, Some("no")), expected);
        assert_eq!(lines(7, Some("no")), lines(0, None));
        assert_ne!(lines(7, None), lines(-1, None));
    }

    #[test]
    fn several_brokers_are_as_good_as_one() {
        let broker = |number: i32| {
            let id = format!("        node_id: {number}");
            ["    Broker {", &id, "        rack: None", "    },"].map(str::to_owned)
        };
        let around = |brokers: Vec<String>, leader: i32| {
            let leader = format!("leader_id: {leader}");
            let first = ["brokers: [".to_owned()].into_iter();
            first.chain(brokers).chain(["],".to_owned(), leader]).collect::<Vec<_>>()
        };
        let one = of_any_broker(&around(broker(1).to_vec(), 1));
        let three = of_any_broker(&around([1, 2, 3].map(broker).concat(), 3));
        assert_eq!(one, three);
        assert_ne!(one, of_any_broker(&around(broker(1).to_vec(), -1)));
        assert_ne!(one, of_any_broker(&around(Vec::new(), 1)));
    }

    #[test]
    fn a_difference_shows_what_only_one_has() {
        let [one, other] = ["a b c d", "a c d e"]
            .map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(difference(&one, &other), "  a\n- b\n  c\n  d\n+ e");
    }
}

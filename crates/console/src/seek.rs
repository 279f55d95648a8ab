//! Where a group would go on: what is shown before its offsets are reset. Nothing is changed.

use crate::{
    brokers::Brokers,
    groups::{self, LISTED, Place, committed, idle_coordinator},
    refused::Refused,
};
use futures::join;
use kafka_client::{EARLIEST, LATEST};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which group, which partitions, and where to.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SeekQuestion {
    id: String,
    /// `start`, `end`, `offset:17` or `time:1700000000000`, in ms since 1970.
    to: String,
    /// All that the group has committed to, when there is none.
    topic: Option<String>,
    /// All of the topic, when there is none.
    partition: Option<i32>,
}

/// What would happen.
#[derive(Debug, Serialize)]
pub(crate) struct Preview {
    steps: Vec<Step>,
}

/// One partition's.
#[derive(Debug, Serialize)]
struct Step {
    topic: String,
    partition: i32,
    from: Option<String>,
    to: Option<String>,
    /// Why the group can't be led there.
    problem: Option<String>,
}

/// Where to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Target {
    Start,
    End,
    Offset(i64),
    Time(i64),
}

impl Target {
    fn parse(text: &str) -> Result<Self, Refused> {
        let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
        let target = match text.split_once(':') {
            None if text == "start" => Some(Self::Start),
            None if text == "end" => Some(Self::End),
            Some(("offset", offset)) => number(offset).map(Self::Offset),
            Some(("time", time)) => number(time).map(Self::Time),
            _ => None,
        };
        target.ok_or_else(|| {
            Refused::bad_request("to must be start, end, offset:N or time:MILLISECONDS")
        })
    }

    /// Always within the log. No record is as late as `at_time` says when that is −1: then it is the end.
    fn within(self, start: i64, end: i64, at_time: i64) -> i64 {
        match self {
            Self::Start => start,
            Self::End => end,
            Self::Offset(offset) => offset.clamp(start, end.max(start)),
            Self::Time(_) if at_time < 0 => end,
            Self::Time(_) => at_time,
        }
    }
}

/// # Errors
/// Somebody is in the group, or there is nothing to lead it to.
pub(crate) async fn preview(
    brokers: &Brokers,
    question: &SeekQuestion,
) -> Result<Preview, Refused> {
    let target = Target::parse(&question.to)?;
    let coordinator = idle_coordinator(brokers, &question.id).await?;
    let committed = committed(brokers, coordinator, &question.id).await?;
    let places = chosen(brokers, question, &committed)?;
    let cluster = brokers.cluster.as_ref();
    let at = |timestamp| groups::wanted(cluster, &places, timestamp);
    let timed = if let Target::Time(time) = target { at(time) } else { Vec::new() };
    let (earliest, latest) = (at(EARLIEST), at(LATEST));
    let (starts, ends, timed) =
        join!(brokers.offsets(&earliest), brokers.offsets(&latest), brokers.offsets(&timed));
    let step = |place: Place| {
        let from = committed.get(&place).map(ToString::to_string);
        let known = |offsets: &crate::offsets::Offsets| {
            offsets.get(&place).cloned().unwrap_or_else(|| Err("there is no such partition".into()))
        };
        let to = known(&starts).and_then(|start| {
            let at_time = if timed.is_empty() { -1 } else { known(&timed)? };
            Ok(target.within(start, known(&ends)?, at_time).to_string())
        });
        let (to, problem) = match to {
            Ok(to) => (Some(to), None),
            Err(problem) => (None, Some(problem)),
        };
        Step { from, to, problem, topic: place.0, partition: place.1 }
    };
    Ok(Preview { steps: places.iter().cloned().map(step).collect() })
}

fn chosen(
    brokers: &Brokers,
    question: &SeekQuestion,
    committed: &BTreeMap<Place, i64>,
) -> Result<Vec<Place>, Refused> {
    let places: Vec<Place> = match (&question.topic, question.partition) {
        (None, _) => committed.keys().cloned().collect(),
        (Some(topic), Some(partition)) => vec![(topic.clone(), partition)],
        (Some(topic), None) => {
            let found = brokers.cluster.topic(topic);
            let found = found.ok_or_else(|| Refused::not_found("there is no such topic"))?;
            (0..).zip(&found.partitions).map(|(index, _)| (topic.clone(), index)).collect()
        }
    };
    match places.len() {
        0 => Err(Refused::bad_request("the group has committed nothing: name a topic")),
        LISTED.. => Err(Refused::bad_request("these are too many partitions: name a topic")),
        _ => Ok(places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_place_an_offset_or_a_time() {
        let parsed = |text| Target::parse(text).ok();
        assert_eq!(parsed("start"), Some(Target::Start));
        assert_eq!(parsed("end"), Some(Target::End));
        assert_eq!(parsed("offset:17"), Some(Target::Offset(17)));
        assert_eq!(parsed("time:1700000000000"), Some(Target::Time(1_700_000_000_000)));
        for wrong in ["", "start:1", "offset:", "offset:-1", "time:noon", "17"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_group_is_led_to_where_the_log_is() {
        assert_eq!(Target::Offset(3).within(5, 9, -1), 5);
        assert_eq!(Target::Offset(7).within(5, 9, -1), 7);
        assert_eq!(Target::Offset(99).within(5, 9, -1), 9);
        assert_eq!(Target::Time(0).within(5, 9, 6), 6);
        assert_eq!(Target::Time(0).within(5, 9, -1), 9);
        assert_eq!((Target::Start.within(5, 9, 0), Target::End.within(5, 9, 0)), (5, 9));
    }
}

//! The cluster at a glance, with its health in words.

use crate::{BrokerLine, ClusterPicture, Served, Writes};
use serde::Serialize;

/// What the first page shows.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    version: &'static str,
    /// What the lag evaluator calls this cluster.
    lag_cluster: Option<String>,
    has_schemas: bool,
    /// Why nothing can be changed here; nothing when it can be.
    read_only: Option<&'static str>,
    health: Vec<Finding>,
    #[serde(flatten)]
    picture: ClusterPicture,
}

/// A sentence about the cluster.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct Finding {
    level: Level,
    text: String,
}

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Good,
    Note,
    Bad,
}

pub(crate) fn overview(served: &Served) -> Overview {
    let picture = served.brokers.cluster.picture();
    Overview {
        version: env!("CARGO_PKG_VERSION"),
        lag_cluster: served.lag_cluster.as_deref().map(str::to_owned),
        has_schemas: served.has_schemas,
        read_only: match served.writes {
            Writes::On => None,
            Writes::Off(reason) => Some(reason),
        },
        health: health(&picture),
        picture,
    }
}

/// What is wrong first; if nothing is, that.
fn health(picture: &ClusterPicture) -> Vec<Finding> {
    let bad = |text: String| Finding { level: Level::Bad, text };
    let note = |text: String| Finding { level: Level::Note, text };
    let mut findings = Vec::new();
    let ClusterPicture { partitions, leaderless, offline, moving, .. } = *picture;
    if leaderless > 0 {
        let have = if leaderless == 1 { "partition has" } else { "partitions have" };
        let text = format!("{leaderless} {have} no leader: nobody can read or write there.");
        findings.push(bad(text));
    }
    if offline > 0 {
        let text = format!(
            "{offline} of these wait for the disk of a broker that died: records that were acknowledged are on it."
        );
        findings.push(bad(text));
    }
    if picture.controller.is_none() {
        findings
            .push(bad("There is no controller: who owns what does not change until there is one."
                .to_owned()));
    }
    if let Some(named) = named(picture, |broker| broker.fenced) {
        let text = format!("{named} not here: stopped, or cut off from the metadata store.");
        findings.push(bad(text));
    }
    if let Some(named) = named(picture, |broker| broker.draining && !broker.fenced) {
        findings.push(note(format!("{named} handing partitions over, to stop.")));
    }
    if moving > 0 {
        let are = if moving == 1 { "partition is" } else { "partitions are" };
        let to = picture.brokers.iter().filter(|broker| broker.arriving > 0);
        let to: Vec<String> = to.map(|it| format!("{} to broker {}", it.arriving, it.id)).collect();
        let to = if to.is_empty() { "to another broker".to_owned() } else { to.join(", ") };
        findings.push(note(format!("{moving} {are} moving: {to}.")));
    }
    if !findings.iter().any(|finding| finding.level == Level::Bad) {
        let up = picture.brokers.len();
        let brokers = if up == 1 {
            "The broker is up".to_owned()
        } else {
            format!("All {up} brokers are up")
        };
        let led = match partitions {
            0 => "there are no topics yet".to_owned(),
            1 => "the one partition has a leader".to_owned(),
            _ => format!("all {partitions} partitions have a leader"),
        };
        findings.insert(0, Finding { level: Level::Good, text: format!("{brokers}; {led}.") });
    }
    findings
}

/// `Brokers 2, 3 are`, or nothing.
fn named(picture: &ClusterPicture, such: impl Fn(&BrokerLine) -> bool) -> Option<String> {
    let ids: Vec<String> =
        picture.brokers.iter().filter(|it| such(it)).map(|it| it.id.to_string()).collect();
    match ids.as_slice() {
        [] => None,
        [id] => Some(format!("Broker {id} is")),
        ids => Some(format!("Brokers {} are", ids.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(brokers: &[(u32, bool, bool)]) -> ClusterPicture {
        let line = |&(id, fenced, draining): &(u32, bool, bool)| BrokerLine {
            id,
            rack: None,
            fenced,
            draining,
            listeners: Vec::new(),
            partitions: 0,
            arriving: 0,
        };
        ClusterPicture {
            cluster_id: String::new(),
            this_broker: 1,
            controller: Some(1),
            brokers: brokers.iter().map(line).collect(),
            topics: 1,
            partitions: 4,
            leaderless: 0,
            offline: 0,
            moving: 0,
        }
    }

    fn words(picture: &ClusterPicture) -> Vec<(Level, String)> {
        health(picture).into_iter().map(|it| (it.level, it.text)).collect()
    }

    #[test]
    fn a_cluster_that_is_well_says_so() {
        let three = picture(&[(1, false, false), (2, false, false), (3, false, false)]);
        let expected = "All 3 brokers are up; all 4 partitions have a leader.";
        assert_eq!(words(&three), [(Level::Good, expected.to_owned())]);
        let empty = ClusterPicture { partitions: 0, ..picture(&[(1, false, false)]) };
        let expected = "The broker is up; there are no topics yet.";
        assert_eq!(words(&empty), [(Level::Good, expected.to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_said_and_nothing_good_beside_it() {
        let sick = ClusterPicture {
            leaderless: 2,
            offline: 1,
            controller: None,
            moving: 1,
            ..picture(&[(1, false, true), (2, true, false), (3, true, true)])
        };
        let levels: Vec<Level> = health(&sick).into_iter().map(|it| it.level).collect();
        assert_eq!(
            levels,
            [Level::Bad, Level::Bad, Level::Bad, Level::Bad, Level::Note, Level::Note]
        );
        let told = words(&sick);
        assert!(told[3].1.starts_with("Brokers 2, 3 are not here"), "{told:?}");
        assert!(told[4].1.starts_with("Broker 1 is handing"), "{told:?}");
    }

    #[test]
    fn where_partitions_are_going_is_told() {
        let mut two = picture(&[(1, false, false), (2, false, false), (3, false, false)]);
        (two.brokers[0].arriving, two.brokers[2].arriving, two.moving) = (2, 1, 3);
        let told = words(&two);
        assert_eq!(told[1].1, "3 partitions are moving: 2 to broker 1, 1 to broker 3.");
    }
}

//! The findings of a history: all are counted, the first of each kind are kept.

use crate::{Anomaly, Finding, Permission};
use std::collections::BTreeMap;

/// So many findings of a kind are kept: a broken history has millions.
const KEPT: usize = 32;

/// Findings of one kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How many there are.
    pub count: u64,
    /// The first ones.
    pub first: Vec<Finding>,
}

/// What an audit found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    tallies: BTreeMap<(Option<Permission>, Anomaly), Tally>,
}

impl Report {
    /// What Kafka does not permit.
    pub fn violations(&self) -> impl Iterator<Item = (Anomaly, &Tally)> {
        let forbidden = self.tallies.iter().filter(|((permission, _), _)| permission.is_none());
        forbidden.map(|((_, anomaly), tally)| (*anomaly, tally))
    }

    /// What is worth telling, and permitted.
    pub fn permitted(&self) -> impl Iterator<Item = (Anomaly, Permission, &Tally)> {
        let tallies = self.tallies.iter();
        tallies.filter_map(|((permission, anomaly), tally)| Some((*anomaly, (*permission)?, tally)))
    }

    /// Whether nothing was seen that Kafka does not permit.
    pub fn is_clean(&self) -> bool {
        self.violations().next().is_none()
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        let tally = self.tallies.entry((finding.permission, finding.anomaly)).or_default();
        tally.count += 1;
        if tally.first.len() < KEPT {
            tally.first.push(finding);
        }
    }
}

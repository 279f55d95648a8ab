//! [`Incidents`]: which groups are not well, since when, and whether somebody is to be told. Pure: who sends says whether it went out.

use crate::{GroupStatus, Status};
use std::{collections::BTreeMap, time::Duration};

/// When somebody is told; the names in parentheses are Burrow's.
#[derive(Clone, Debug)]
pub struct NotifierRules {
    /// The least that is told of: [`Status::Warning`] or [`Status::Error`] (`threshold`).
    pub threshold: Status,
    /// Told once of each incident (`send-once`), …
    pub send_once: bool,
    /// … or again after so long (`send-interval`).
    pub send_interval: Duration,
    /// Whether the end of an incident is told, too (`send-close`).
    pub send_close: bool,
}

/// An incident: a group is not well.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Incident {
    /// Names it; its end has the same.
    pub id: String,
    /// When it was first seen, in milliseconds since 1970.
    pub since: i64,
    /// When somebody was told last.
    told: Option<i64>,
}

/// What is to be told.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// Of which group.
    pub status: GroupStatus,
    /// The incident's name.
    pub id: String,
    /// Since when.
    pub since: i64,
    /// Whether it is over.
    pub over: bool,
}

/// The incidents of all groups, by cluster and group.
#[derive(Debug, Default)]
pub struct Incidents(BTreeMap<(String, String), Incident>);

impl Incidents {
    /// What is to be told of groups as they are now. `name` names a new incident. Of a group that is gone nothing is told any more.
    pub fn judge(
        &mut self,
        groups: Vec<GroupStatus>,
        now: i64,
        rules: &NotifierRules,
        mut name: impl FnMut() -> String,
    ) -> Vec<Notice> {
        let mut before = std::mem::take(&mut self.0);
        let mut due = Vec::new();
        for status in groups {
            let place = (status.cluster.clone(), status.group.clone());
            let known = before.remove(&place);
            if status.status <= Status::Ok {
                if let Some(over) = known.filter(|it| it.told.is_some() && rules.send_close) {
                    due.push(Notice { status, id: over.id.clone(), since: over.since, over: true });
                    // It is forgotten once its end went out.
                    self.0.insert(place, over);
                }
                continue;
            }
            let incident = known.unwrap_or_else(|| Incident { id: name(), since: now, told: None });
            let interval = rules.send_interval.as_millis() as i64;
            let again = incident
                .told
                .is_none_or(|told| !rules.send_once && now.saturating_sub(told) >= interval);
            if status.status >= rules.threshold && again {
                let Incident { id, since, .. } = incident.clone();
                due.push(Notice { status, id, since, over: false });
            }
            self.0.insert(place, incident);
        }
        due
    }

    /// A notice went out. One that did not is due again.
    pub fn sent(&mut self, notice: &Notice, now: i64) {
        let place = (notice.status.cluster.clone(), notice.status.group.clone());
        if notice.over {
            self.0.remove(&place);
        } else if let Some(incident) = self.0.get_mut(&place) {
            incident.told = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: NotifierRules = NotifierRules {
        threshold: Status::Warning,
        send_once: false,
        send_interval: Duration::from_secs(60),
        send_close: true,
    };

    fn group(status: Status) -> Vec<GroupStatus> {
        vec![GroupStatus { status, ..GroupStatus::not_found("c", "g") }]
    }

    /// What is told of a group that has these statuses at these seconds; each notice goes out unless it is the second at which nothing does.
    fn told(
        rules: &NotifierRules,
        history: &[(i64, Status)],
        lost_at: Option<i64>,
    ) -> Vec<(i64, String, bool)> {
        let mut incidents = Incidents::default();
        let (mut all, mut names) = (Vec::new(), 0..);
        for (second, status) in history {
            let now = second * 1_000;
            let name = || format!("incident {}", names.next().unwrap_or(0));
            for notice in incidents.judge(group(*status), now, rules, name) {
                if lost_at != Some(*second) {
                    incidents.sent(&notice, now);
                }
                all.push((*second, notice.id, notice.over));
            }
        }
        all
    }

    fn notice(second: i64, number: u32, over: bool) -> (i64, String, bool) {
        (second, format!("incident {number}"), over)
    }

    use Status::{Error, Ok, Warning};

    #[test]
    fn an_incident_is_told_again_after_a_while_and_its_end_once() {
        let history =
            [(0, Ok), (10, Error), (20, Error), (70, Error), (80, Ok), (90, Ok), (100, Warning)];
        let expected = [
            notice(10, 0, false),
            notice(70, 0, false),
            notice(80, 0, true),
            notice(100, 1, false),
        ];
        assert_eq!(told(&RULES, &history, None), expected);
    }

    #[test]
    fn with_send_once_an_incident_is_told_once() {
        let rules = NotifierRules { send_once: true, ..RULES };
        let history = [(10, Error), (80, Error), (200, Error), (210, Ok)];
        assert_eq!(told(&rules, &history, None), [notice(10, 0, false), notice(210, 0, true)]);
        // What did not go out was not told.
        let expected = [notice(10, 0, false), notice(80, 0, false), notice(210, 0, true)];
        assert_eq!(told(&rules, &history, Some(10)), expected);
    }

    #[test]
    fn an_end_that_did_not_go_out_is_due_again_and_without_send_close_none_is() {
        let history = [(10, Error), (20, Ok), (30, Ok), (40, Ok)];
        let expected = [notice(10, 0, false), notice(20, 0, true), notice(30, 0, true)];
        assert_eq!(told(&RULES, &history, Some(20)), expected);
        let rules = NotifierRules { send_close: false, ..RULES };
        assert_eq!(told(&rules, &history, None), [notice(10, 0, false)]);
    }

    #[test]
    fn what_is_below_the_threshold_is_told_when_it_gets_worse_with_the_time_it_began_at() {
        let rules = NotifierRules { threshold: Error, ..RULES };
        let history = [(10, Warning), (20, Error), (30, Ok), (40, Warning), (50, Ok)];
        assert_eq!(told(&rules, &history, None), [notice(20, 0, false), notice(30, 0, true)]);
    }

    #[test]
    fn a_group_that_is_gone_is_forgotten() {
        let mut incidents = Incidents::default();
        let name = || "incident".to_owned();
        for notice in incidents.judge(group(Error), 0, &RULES, name) {
            incidents.sent(&notice, 0);
        }
        assert_eq!(incidents.judge(Vec::new(), 1, &RULES, name), []);
        assert_eq!(incidents.judge(group(Ok), 2, &RULES, name), []);
        assert!(incidents.0.is_empty());
    }
}

//! What a broker tells of itself at its HTTP port, and what that comes to in a second.

use std::{collections::BTreeMap, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// For a whole answer. A broker that hangs must not hold the view up.
const PATIENCE: Duration = Duration::from_millis(800);
/// More than any answer of a broker that a person tries things on.
const MAX_ANSWER_BYTES: u64 = 32 << 20;

/// Counters of one broker since its start.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Counters {
    pub(super) appended_bytes: f64,
    pub(super) fetched_bytes: f64,
    pub(super) requests: f64,
    pub(super) puts: f64,
    /// GET, HEAD, LIST and DELETE.
    pub(super) other_object_requests: f64,
}

/// The same in a second.
pub(super) type Rates = Counters;

impl Counters {
    /// Reads `/metrics`.
    pub(super) fn parse(text: &str) -> Self {
        let mut counters = Self::default();
        for Sample { name, labels, value } in samples(text) {
            let place = match name {
                "alluvium_append_bytes_total" => &mut counters.appended_bytes,
                "kafka_fetch_record_bytes_total" => &mut counters.fetched_bytes,
                "kafka_requests_total" => &mut counters.requests,
                "alluvium_object_requests_total" => match label(labels, "operation") {
                    Some("put") => &mut counters.puts,
                    _ => &mut counters.other_object_requests,
                },
                _ => continue,
            };
            *place += value;
        }
        counters
    }

    /// What was added since `before` in each second; a broker that has started anew began at nothing.
    pub(super) fn since(&self, before: &Self, passed: Duration) -> Rates {
        let seconds = passed.as_secs_f64();
        let rate = |now: f64, then: f64| match seconds > 0.0 {
            true => (if now < then { now } else { now - then }) / seconds,
            false => 0.0,
        };
        Self {
            appended_bytes: rate(self.appended_bytes, before.appended_bytes),
            fetched_bytes: rate(self.fetched_bytes, before.fetched_bytes),
            requests: rate(self.requests, before.requests),
            puts: rate(self.puts, before.puts),
            other_object_requests: rate(self.other_object_requests, before.other_object_requests),
        }
    }

    /// Of both.
    pub(super) fn plus(&self, other: &Self) -> Self {
        Self {
            appended_bytes: self.appended_bytes + other.appended_bytes,
            fetched_bytes: self.fetched_bytes + other.fetched_bytes,
            requests: self.requests + other.requests,
            puts: self.puts + other.puts,
            other_object_requests: self.other_object_requests + other.other_object_requests,
        }
    }
}

/// Records that the groups which a broker coordinates have not read, by group: of `/metrics/detail`.
pub(super) fn lags(text: &str) -> BTreeMap<String, u64> {
    let mut lags = BTreeMap::new();
    for Sample { name, labels, value } in samples(text) {
        if name == "kafka_consumergroup_lag_sum"
            && let Some(group) = label(labels, "consumergroup")
        {
            *lags.entry(group.to_owned()).or_default() += value.max(0.0) as u64;
        }
    }
    lags
}

/// A line of Prometheus' text format.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
}

fn samples(text: &str) -> impl Iterator<Item = Sample<'_>> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        Some(Sample { name, labels, value: value.parse().ok()? })
    })
}

/// A label's value as it stands there, escapes and all.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = labels.trim_end_matches('}');
    loop {
        let (key, value) = rest.split_once("=\"")?;
        let mut escaped = false;
        let end = value.find(|it| match it {
            '"' if !escaped => true,
            it => {
                escaped = it == '\\' && !escaped;
                false
            }
        })?;
        let (value, after) = value.split_at(end);
        if key.trim_start_matches(',') == name {
            return Some(value);
        }
        rest = after.strip_prefix('"')?;
    }
}

/// The body of a 200 answer to a GET at a port on this machine.
pub(super) async fn get(address: &str, path: &str) -> Option<String> {
    timeout(PATIENCE, exchange(address, path)).await.ok()?
}

async fn exchange(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.split(' ').nth(1).is_some_and(|status| status == "200").then(|| body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "\
# TYPE alluvium_append_bytes_total counter
alluvium_append_bytes_total 100
kafka_fetch_record_bytes_total{served_by=\"owner\",zone=\"same\"} 30
kafka_fetch_record_bytes_total{served_by=\"reader\",zone=\"same\"} 20
kafka_requests_total{api=\"Produce\"} 7
alluvium_object_requests_total{operation=\"put\",outcome=\"ok\"} 3
alluvium_object_requests_total{operation=\"get\",outcome=\"ok\"} 4
kafka_connections 2
nonsense
";

    #[test]
    fn counters_are_summed_over_their_labels() {
        let counters = Counters::parse(METRICS);
        let expected = Counters {
            appended_bytes: 100.0,
            fetched_bytes: 50.0,
            requests: 7.0,
            puts: 3.0,
            other_object_requests: 4.0,
        };
        assert_eq!(counters, expected);
    }

    #[test]
    fn a_rate_survives_a_start_anew_and_no_time_at_all() {
        let now = Counters { requests: 30.0, ..Counters::default() };
        let before = Counters { requests: 10.0, ..Counters::default() };
        let rate = |requests| Rates { requests, ..Rates::default() };
        assert_eq!(now.since(&before, Duration::from_secs(2)), rate(10.0));
        assert_eq!(before.since(&now, Duration::from_secs(2)), rate(5.0));
        assert_eq!(now.since(&before, Duration::ZERO), rate(0.0));
    }

    #[test]
    fn lag_is_summed_over_a_groups_topics_whatever_they_are_called() {
        let text = "kafka_consumergroup_lag_sum{consumergroup=\"g\",topic=\"a\"} 5\n\
                    kafka_consumergroup_lag_sum{topic=\"a\\\",consumergroup=\\\"x\",consumergroup=\"g\"} 6\n\
                    kafka_consumergroup_lag_sum{consumergroup=\"h\",topic=\"b\"} -1\n\
                    kafka_consumergroup_lag_sum{consumergroup= 1\n";
        let expected = BTreeMap::from([("g".to_owned(), 11), ("h".to_owned(), 0)]);
        assert_eq!(lags(text), expected);
    }
}

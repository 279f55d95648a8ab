//! [`Utilization`]: how much of what a broker has it uses, as one number that autoscaling can follow.
//!
//! It is the largest of its parts, as the part that runs out first is what more brokers help with. What comes and goes within a second
//! (CPU, network, uploads) is a mean over [`WINDOW`]; what the WAL holds is as of now.

use runtime::BootTime;
use std::{collections::VecDeque, time::Duration};

/// What means reach back to.
pub const WINDOW: Duration = Duration::from_secs(15);

/// What a broker has. Each is above 0.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Capacity {
    /// CPU cores; parts of one count.
    pub cores: f64,
    /// Bytes a second that the network moves each way, where somebody said so.
    pub network_bytes_per_second: Option<f64>,
    /// What the WAL may hold.
    pub wal_bytes: u64,
    /// Uploads at the same time.
    pub uploads: usize,
}

/// What a broker used, at a moment; totals since it started, but for the last two.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Used {
    /// When.
    pub at: BootTime,
    /// Seconds of CPU.
    pub cpu_seconds: f64,
    /// Bytes that came from the network.
    pub received_bytes: u64,
    /// Bytes that went there.
    pub sent_bytes: u64,
    /// What the WAL holds for object storage.
    pub wal_bytes: u64,
    /// Uploads under way.
    pub uploads: usize,
}

/// Shares of what there is: 0 is idle, 1 all of it. A WAL may go somewhat beyond.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shares {
    /// Of the cores.
    pub cpu: f64,
    /// Of the network, in the direction that is used more; `None` where its limit is not known.
    pub network: Option<f64>,
    /// Of `wal.max.bytes`.
    pub wal: f64,
    /// Of the uploads that may be under way.
    pub uploads: f64,
}

impl Shares {
    /// The largest of them.
    pub fn most(&self) -> f64 {
        self.parts().into_iter().filter_map(|(_, share)| share).fold(0.0, f64::max)
    }

    /// Each with its name.
    pub fn parts(&self) -> [(&'static str, Option<f64>); 4] {
        [
            ("cpu", Some(self.cpu)),
            ("network", self.network),
            ("wal", Some(self.wal)),
            ("uploads", Some(self.uploads)),
        ]
    }
}

/// The samples of the last [`WINDOW`].
#[derive(Clone, Debug)]
pub struct Utilization {
    capacity: Capacity,
    samples: VecDeque<Used>,
}

impl Utilization {
    /// Without samples.
    pub fn new(capacity: Capacity) -> Self {
        Self { capacity, samples: VecDeque::new() }
    }

    /// Takes one more sample in, and answers the shares as of then.
    pub fn take(&mut self, now: Used) -> Shares {
        while self.samples.front().is_some_and(|oldest| now.at.since(oldest.at) > WINDOW) {
            self.samples.pop_front();
        }
        self.samples.push_back(now);
        let oldest = self.samples.front().copied().unwrap_or(now);
        let seconds = now.at.since(oldest.at).as_secs_f64();
        let rate = |total: f64| if seconds > 0.0 { total.max(0.0) / seconds } else { 0.0 };
        let received = rate(bytes(now.received_bytes.saturating_sub(oldest.received_bytes)));
        let sent = rate(bytes(now.sent_bytes.saturating_sub(oldest.sent_bytes)));
        let uploads: usize = self.samples.iter().map(|sample| sample.uploads).sum();
        let Capacity { cores, network_bytes_per_second, wal_bytes, uploads: most } = self.capacity;
        Shares {
            cpu: rate(now.cpu_seconds - oldest.cpu_seconds) / cores,
            network: network_bytes_per_second.map(|limit| received.max(sent) / limit),
            wal: bytes(now.wal_bytes) / bytes(wal_bytes),
            uploads: uploads as f64 / self.samples.len() as f64 / most as f64,
        }
    }
}

/// Exact up to 2^53, which is far beyond what matters to a share.
fn bytes(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPACITY: Capacity = Capacity {
        cores: 2.0,
        network_bytes_per_second: Some(1_000.0),
        wal_bytes: 10_000,
        uploads: 4,
    };

    fn used(second: u64) -> Used {
        Used {
            at: BootTime::default().plus(Duration::from_secs(second)),
            cpu_seconds: 0.0,
            received_bytes: 0,
            sent_bytes: 0,
            wal_bytes: 0,
            uploads: 0,
        }
    }

    #[test]
    fn an_idle_broker_uses_nothing() {
        let mut utilization = Utilization::new(CAPACITY);
        assert!(utilization.take(used(0)).most() <= 0.0, "one sample has no rate");
        let shares = utilization.take(used(1));
        assert_eq!((shares.most(), shares.network), (0.0, Some(0.0)));
    }

    #[test]
    fn each_part_is_a_share_of_what_there_is_and_the_largest_counts() {
        let shares_of = |change: fn(&mut Used)| {
            let mut utilization = Utilization::new(CAPACITY);
            utilization.take(used(0));
            let mut now = used(10);
            change(&mut now);
            utilization.take(now)
        };
        let cpu = shares_of(|it| it.cpu_seconds = 10.0);
        assert_eq!((cpu.cpu, cpu.most()), (0.5, 0.5), "one of two cores");
        let network = shares_of(|it| (it.sent_bytes, it.received_bytes) = (2_000, 9_000));
        assert_eq!((network.network, network.most()), (Some(0.9), 0.9), "the busier direction");
        let wal = shares_of(|it| it.wal_bytes = 12_000);
        assert_eq!((wal.wal, wal.most()), (1.2, 1.2), "beyond its limit");
        let uploads = shares_of(|it| it.uploads = 4);
        assert_eq!((uploads.uploads, uploads.most()), (0.5, 0.5), "a mean of two samples");
    }

    #[test]
    fn a_network_without_a_known_limit_has_no_share() {
        let capacity = Capacity { network_bytes_per_second: None, ..CAPACITY };
        let mut utilization = Utilization::new(capacity);
        utilization.take(used(0));
        let shares = utilization.take(Used { sent_bytes: 1 << 40, ..used(1) });
        assert_eq!((shares.network, shares.most()), (None, 0.0));
    }

    #[test]
    fn means_forget_what_is_older_than_the_window() {
        let mut utilization = Utilization::new(CAPACITY);
        let busy = |second: u64| Used { cpu_seconds: 2.0 * second.min(20) as f64, ..used(second) };
        let shares: Vec<_> = (0..=40).map(|second| utilization.take(busy(second)).cpu).collect();
        assert!((shares[20] - 1.0).abs() < 1e-9, "{}", shares[20]);
        assert!(shares[25] > 0.0 && shares[25] < 1.0, "{}", shares[25]);
        assert!(shares[36] <= 0.0);
        assert!(utilization.samples.len() <= 16);
    }
}

//! [`Brokers`]: the brokers of a deployment, one or three, of which one at a time is struck, and one after the other.

use super::Broker;
use std::{
    process::ExitStatus,
    sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Running brokers.
pub struct Brokers {
    brokers: Vec<Broker>,
    /// The place of the one that is struck next, or is down.
    struck: usize,
}

impl Brokers {
    pub fn new(brokers: Vec<Broker>) -> Self {
        Self { brokers, struck: 0 }
    }

    /// Where clients find them.
    pub fn address(&self) -> String {
        self.brokers.iter().map(Broker::address).collect::<Vec<_>>().join(",")
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.brokers.len()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.brokers[self.struck].kill();
    }

    /// SIGTERM; `None` when it had to be killed after a minute.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        self.brokers[self.struck].stop()
    }

    /// Starts the one that is down, and waits until it is ready; the next strike hits another.
    pub fn restart(&mut self) {
        self.brokers[self.struck].restart();
        self.struck = (self.struck + 1) % self.brokers.len();
    }

    /// What they logged.
    pub fn log(&self) -> String {
        self.brokers.iter().map(Broker::log).collect()
    }

    /// Restarts one after the other, every 20 seconds, beside the test.
    pub fn rolling(self) -> Rolling {
        Rolling::start(self)
    }
}

/// Brokers that restart beside the test.
pub struct Rolling {
    address: String,
    stop: Option<SyncSender<()>>,
    restarts: Option<JoinHandle<u32>>,
}

impl Rolling {
    const PERIOD: Duration = Duration::from_secs(20);

    fn start(mut brokers: Brokers) -> Self {
        let address = brokers.address();
        let (stop, stopped) = sync_channel(1);
        let restarts = thread::spawn(move || {
            let mut restarts = 0;
            while stopped.recv_timeout(Self::PERIOD) == Err(RecvTimeoutError::Timeout) {
                let status = brokers.stop();
                assert!(status.is_some_and(|it| it.success()), "{status:?}\n{}", brokers.log());
                brokers.restart();
                restarts += 1;
            }
            // They run until the test is over.
            let _over = stopped.recv();
            restarts
        });
        Self { address, stop: Some(stop), restarts: Some(restarts) }
    }

    /// Where clients find them.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has the brokers go on without restarts.
    pub fn rest(&self) {
        self.stop.as_ref().unwrap().send(()).unwrap();
    }
}

impl Drop for Rolling {
    fn drop(&mut self) {
        drop(self.stop.take());
        let restarts = self.restarts.take().map(JoinHandle::join);
        if !thread::panicking() {
            let restarts = restarts.unwrap().expect("a broker stops and returns");
            assert!(restarts > 0, "no broker restarted meanwhile");
        }
    }
}

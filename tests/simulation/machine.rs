//! [`Machine`]: a process with a runtime and a clock of its own, which can be stopped, continued and killed at any moment.

use std::{future::Future, time::Duration};
use tokio::{
    runtime::{Builder, Runtime},
    time,
};

/// A process.
#[derive(Debug)]
pub struct Machine {
    /// Dropping it drops all tasks where they stand.
    runtime: Runtime,
    /// Stopped, as by SIGSTOP; and how long that has been.
    stopped: Option<Duration>,
}

impl Machine {
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        Self { runtime: runtime.unwrap(), stopped: None }
    }

    /// Begins something that goes on as time does.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Makes a value within the machine's time.
    pub fn with<T>(&self, make: impl FnOnce() -> T) -> T {
        let _inside = self.runtime.enter();
        make()
    }

    /// Lets `duration` pass.
    pub fn pass(&mut self, duration: Duration) {
        match &mut self.stopped {
            Some(stopped) => *stopped += duration,
            None => self.runtime.block_on(async { time::sleep(duration).await }),
        }
    }

    /// Stops it: nothing in it runs, while its clock goes on.
    pub fn stop(&mut self) {
        self.stopped.get_or_insert_default();
    }

    /// Continues it: it finds itself so much later.
    pub fn go_on(&mut self) {
        if let Some(missed) = self.stopped.take() {
            self.runtime.block_on(time::advance(missed));
        }
    }
}

//! [`Caller`] and [`Deed`]: what the audit log is told of a write, whatever becomes of it.

use crate::refused::Refused;
use std::net::IpAddr;

/// Where a request came from. Nobody logs in at the console, so it is all that is known of who sent it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Caller(pub(super) Option<IpAddr>);

impl Caller {
    /// Somebody was not let in.
    pub(super) fn was_refused(self, path: &str, refused: &Refused) {
        let (host, reason) = (self.host(), &refused.message);
        tracing::info!(target: "audit", who = "console", host, ?path, reason, "a write was refused");
    }

    pub(super) fn begins(self, what: &'static str, subject: String) -> Deed {
        Deed { caller: self, what, subject, is_told: false }
    }

    fn host(self) -> String {
        self.0.map_or_else(|| "unknown".to_owned(), |host| host.to_string())
    }
}

/// A write under way.
#[derive(Debug)]
pub(super) struct Deed {
    caller: Caller,
    what: &'static str,
    subject: String,
    is_told: bool,
}

impl Deed {
    pub(super) fn ended(mut self, done: &Result<(), Refused>) {
        match done {
            Ok(()) => self.tell("done"),
            Err(refused) => self.tell(&refused.message),
        }
    }

    fn tell(&mut self, outcome: &str) {
        self.is_told = true;
        let Self { caller, what, subject, .. } = self;
        let host = caller.host();
        tracing::info!(target: "audit", who = "console", host, what, ?subject, ?outcome, "a write");
    }
}

impl Drop for Deed {
    /// Whoever asked went away, or time was up, before the broker answered.
    fn drop(&mut self) {
        if !self.is_told {
            self.tell("nobody waited for the answer: it may have been done");
        }
    }
}

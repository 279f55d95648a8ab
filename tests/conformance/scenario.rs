//! [`Scenario`]: something to ask two brokers.

use crate::exam::Exam;

/// A few requests, and whether Alluvium answers them as Kafka does.
pub struct Scenario {
    /// What it is about; also names the topic that it makes.
    pub name: &'static str,
    /// Asks.
    pub run: fn(&mut Exam),
    /// Why the answers differ, and are meant to.
    pub deviation: Option<&'static str>,
}

/// Both answer the same.
pub const fn alike(name: &'static str, run: fn(&mut Exam)) -> Scenario {
    Scenario { name, run, deviation: None }
}

/// They differ, for that reason.
pub const fn deviating(
    name: &'static str,
    deviation: &'static str,
    run: fn(&mut Exam),
) -> Scenario {
    Scenario { name, run, deviation: Some(deviation) }
}

//! [`Brokers`]: those under exam, and what each of them does.
//!
//! Of several, one coordinates all groups, another all transactions; and what any may answer is asked of another than the one that leads
//! a scenario's topic, so that hardly anything is done by one broker alone.

use std::net::SocketAddr;

/// Addresses, in the order of the brokers' numbers, which begin with 1.
#[derive(Clone, Debug)]
pub struct Brokers {
    addresses: Vec<SocketAddr>,
}

impl Brokers {
    pub fn new(addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { addresses: addresses.into_iter().collect() }
    }

    /// The one that does everything.
    pub fn single(address: SocketAddr) -> Self {
        Self::new([address])
    }

    /// The numbers of all.
    pub fn numbers(&self) -> impl Iterator<Item = i32> + use<> {
        1..=self.addresses.len() as i32
    }

    pub fn address(&self, number: i32) -> SocketAddr {
        self.addresses[number as usize - 1]
    }

    pub fn are_many(&self) -> bool {
        self.addresses.len() > 1
    }

    /// Who is asked what any may answer: somebody else from scenario to scenario.
    pub fn home(&self, scenario: &str) -> i32 {
        self.number(scenario.bytes().map(usize::from).sum())
    }

    /// Who leads the topics that a scenario makes.
    pub fn leader(&self, scenario: &str) -> i32 {
        self.number(self.home(scenario) as usize)
    }

    /// Who coordinates groups.
    pub fn of_groups(&self) -> i32 {
        self.number(1)
    }

    /// Who coordinates transactions.
    pub fn of_transactions(&self) -> i32 {
        self.number(2)
    }

    fn number(&self, any: usize) -> i32 {
        (any % self.addresses.len()) as i32 + 1
    }
}

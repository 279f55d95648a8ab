//! The scenarios: what may go wrong together, under which durability mode.

/// What can go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// A broker's process is killed and comes back.
    Kill,
    /// A broker's machine loses its power and comes back: what its disk had not synced is lost, kept or torn.
    PowerCut,
    /// A broker's process is stopped and continued, mostly for longer than its lease.
    Pause,
    /// A sync of a broker's disk fails: it takes no appends until it is started again.
    DiskFails,
    /// A broker's process and disk are lost; it comes back with an empty one.
    DiskLost,
    /// A broker leaves in order and comes back.
    Drain,
    /// A broker does not reach the metadata store.
    MetadataCut,
    /// Answers of the metadata store are lost, or transactions land late.
    LostAnswers,
    /// Watches lose their place in the metadata store's history.
    WatchGap,
    /// The object store answers errors, also for what it did.
    ObjectErrors,
    /// The object store takes seconds.
    SlowObjects,
    /// A broker and the clients, or two brokers, do not reach each other.
    NetworkCut,
    /// A broker's wall clock jumps.
    Skew,
}

/// A fault in what the broker stands on or in the broker itself, which must be found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Planted {
    /// Disks say that they synced, and did not.
    DisksThatDoNotSync,
    /// The metadata store carries out commits without looking whether their session still lives.
    CommitsWithoutFence,
}

/// A kind of run.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub name: &'static str,
    /// `durability.mode`.
    pub mode: &'static str,
    pub troubles: &'static [Trouble],
    pub planted: Option<Planted>,
}

use Trouble::{
    DiskFails, DiskLost, Drain, Kill, LostAnswers, MetadataCut, NetworkCut, ObjectErrors, Pause,
    PowerCut, Skew, SlowObjects, WatchGap,
};

/// What no acknowledged record may be lost by, in either mode.
const EVERYTHING: &[Trouble] = &[
    DiskFails,
    Kill,
    PowerCut,
    Pause,
    Drain,
    MetadataCut,
    LostAnswers,
    WatchGap,
    ObjectErrors,
    SlowObjects,
    NetworkCut,
    Skew,
];

const fn scenario(
    name: &'static str,
    mode: &'static str,
    troubles: &'static [Trouble],
    planted: Option<Planted>,
) -> Scenario {
    Scenario { name, mode, troubles, planted }
}

/// In `object` mode disks may be lost on top.
const EVERYTHING_AND_DISKS: &[Trouble] = &[
    DiskLost,
    DiskFails,
    Kill,
    PowerCut,
    Pause,
    Drain,
    MetadataCut,
    LostAnswers,
    WatchGap,
    ObjectErrors,
    SlowObjects,
    NetworkCut,
    Skew,
];

/// All of them, by name.
pub const SCENARIOS: &[Scenario] = &[
    scenario("calm", "object", &[], None),
    scenario("takeovers", "object", &[Kill, PowerCut], None),
    scenario("zombies", "object", &[Pause, MetadataCut], None),
    scenario(
        "doubtful-stores",
        "object",
        &[LostAnswers, WatchGap, ObjectErrors, SlowObjects],
        None,
    ),
    scenario("everything", "object", EVERYTHING_AND_DISKS, None),
    scenario("everything-wal", "wal", EVERYTHING, None),
    scenario("unsynced-disks", "wal", &[PowerCut], Some(Planted::DisksThatDoNotSync)),
    scenario(
        "unfenced-commits",
        "object",
        &[Pause, MetadataCut],
        Some(Planted::CommitsWithoutFence),
    ),
];

/// The scenario of that name.
pub fn named(name: &str) -> &'static Scenario {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    found.unwrap_or_else(|| panic!("no scenario is called {name}"))
}

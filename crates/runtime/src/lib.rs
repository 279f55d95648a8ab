//! The outside world as values: clock, randomness, tasks, shutdown, backoff, network, disk.
//!
//! Nothing below this crate asks the operating system for the time, a random number, a thread, a socket or a WAL file
//! by itself: it is handed one of these values, so that a simulation can hand it others. `clippy.toml` bans the rest.

pub mod backoff;
mod beside;
pub mod clock;
pub mod disk;
pub mod errors;
pub mod net;
pub mod priority;
pub mod randomness;
pub mod tasks;
pub mod traces;

pub use backoff::Backoff;
pub use beside::beside;
pub use clock::{BootTime, Clock};
pub use randomness::Randomness;
pub use tasks::{Shutdown, Tasks};

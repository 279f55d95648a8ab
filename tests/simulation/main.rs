//! A cluster in one process, under paused time and by a seed: the real code from the wire down, over a network, disks and stores that
//! fail as the seed says. README.md tells what is simulated and how to look into a seed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod broker;
mod client;
mod consumer;
mod entropy;
mod log_starts;
mod machine;
mod metadata_line;
mod nemesis;
mod network;
mod producer;
mod recorder;
mod scenario;
mod seeds;
mod simulation;
mod transactional;
mod trimmer;
mod world;

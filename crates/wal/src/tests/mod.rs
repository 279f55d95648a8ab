//! What a WAL promises, on a disk that forgets, tears, fills up and fails.

mod conformance;
mod contents;
mod crash;
mod damage;
mod directory;
mod failure;
mod files;
mod salvage;
mod stale;
mod support;

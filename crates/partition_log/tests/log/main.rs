//! The log as a whole, over stores in memory whose failures the tests choose.

mod acknowledgement;
mod adoption;
mod blocks_on_disk;
mod cluster;
mod commit;
mod compaction;
mod followed;
mod fsck;
mod gather;
mod handover;
mod lifetimes;
mod manifest_fold;
mod memory;
mod merge;
mod orphans;
mod read_ahead;
mod records;
mod recovery;
mod terms;
mod transactions;
mod upkeep;

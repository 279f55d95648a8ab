//! The broker as a whole: the real binary, real clients, real etcd and MinIO, real kill -9.
//!
//! Everything is installed by `services` at first use. Servers listen on loopback and free ports and are stopped by the pid that was started.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails says where")]

mod access;
mod admin;
mod alerts;
mod authorizer;
mod bad_input;
mod brokers;
mod chaos;
mod clients;
mod command_line;
mod command_line_access;
mod compaction;
mod connect;
mod console;
mod console_browser;
mod console_writes;
mod consumer_groups;
mod dashboards;
mod dev;
mod dev_brokers;
mod documented;
mod dump;
mod events;
mod franz_go;
mod fsck;
mod full_disk;
mod gathering;
mod groups;
mod harness;
mod hostile;
mod internal_topics;
mod kafka_tools;
mod kill;
mod lag;
mod lag_exporter;
mod mechanisms;
mod memory;
mod mirror;
mod modes;
mod moves;
mod moving_coordinators;
mod otlp;
mod outages;
mod quotas;
mod read_cache;
mod recover;
mod round_trip;
mod scale;
mod schema_registry;
mod schemas;
mod secured_stores;
mod security;
mod streams;
mod tokens;
mod tools;
mod transactions;
mod zones;

//! Real services on loopback: finds or installs etcd, MinIO and Kafka, starts them on free ports, stops them.
//!
//! `alluvium dev` and the tests use the same launcher. Nothing here is a stand-in: each service is the real program, built once from its
//! package registry into a cache outside the repository (`$ALLUVIUM_TOOLS`, else `~/.cache/alluvium-tools`) unless `PATH` has it. The API
//! blocks; a service is stopped by the pid that was started, at the latest when its value is dropped.

mod etcd;
mod install;
mod minio;
mod process;
pub mod programs;
mod prometheus;
mod purpose;
mod secured;
mod server;
mod versitygw;

pub use etcd::Etcd;
pub use install::{Tool, cache_directory};
pub use minio::Minio;
pub use process::{Process, free_port, preferred_port};
pub use prometheus::{Prometheus, PrometheusProgram, promtool};
pub use purpose::Purpose;
pub use secured::{SecuredEtcd, SecuredMinio};
pub use server::{Program, Server};
pub use versitygw::{UnconditionalVersitygw, Versitygw};

/// Why a service could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be built or found.
    #[error(
        "could not install {tool}: {reason}; install it by hand so that it is on PATH, or see CONTRIBUTING.md for what the recipe needs"
    )]
    Install {
        /// The program.
        tool: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// It did not come up.
    #[error("{service} did not become ready: {reason}; its log: {log}")]
    NotReady {
        /// The program.
        service: &'static str,
        /// What went wrong.
        reason: String,
        /// Where its output went.
        log: String,
    },
    /// The operating system's.
    #[error("{action}: {source}")]
    Io {
        /// What was tried.
        action: String,
        /// The cause.
        source: std::io::Error,
    },
}

impl Error {
    fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

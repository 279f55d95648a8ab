//! The deployments: embedded in a directory, or one or three brokers on etcd and MinIO.

use super::{Broker, Brokers, broker::LISTENERS};
use services::{Etcd, Minio};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Which deployment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Embedded,
    Cluster,
    /// As `Cluster`, with three brokers.
    Three,
}

/// The services of a deployment, and the directory of its brokers.
pub struct Deployment {
    kind: Kind,
    pub etcd: Option<Etcd>,
    pub minio: Option<Minio>,
    /// Where brokers find the object store, when not at MinIO itself.
    pub object_store_endpoint: Option<String>,
    /// Where brokers keep objects in the bucket.
    pub prefix: &'static str,
    directory: TempDir,
}

/// Where the brokers keep what is local, and their logs: gone after the test, unless `SYSTEM_TEST_KEEP` is set.
fn directory() -> TempDir {
    let keep = std::env::var_os("SYSTEM_TEST_KEEP").is_some();
    let directory = tempfile::Builder::new().disable_cleanup(keep).tempdir().unwrap();
    if keep {
        println!("kept: {}", directory.path().display());
    }
    directory
}

impl Deployment {
    pub fn start(kind: Kind) -> Self {
        let cluster = kind != Kind::Embedded;
        Self {
            kind,
            etcd: cluster.then(|| Etcd::start().unwrap()),
            minio: cluster.then(|| Minio::start().unwrap()),
            object_store_endpoint: None,
            prefix: "test",
            directory: directory(),
        }
    }

    /// Directory of what a broker keeps locally.
    pub fn local(&self) -> PathBuf {
        self.local_of(1)
    }

    fn local_of(&self, broker: u32) -> PathBuf {
        self.directory.path().join(format!("local-{broker}"))
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The flags of a broker of this deployment, and `more` settings as key=value.
    pub fn arguments(&self, more: &[&str]) -> Vec<String> {
        self.arguments_of(1, more)
    }

    fn arguments_of(&self, broker: u32, more: &[impl AsRef<str>]) -> Vec<String> {
        let local = self.local_of(broker);
        let mut arguments = vec!["--data-dir".to_owned(), local.display().to_string()];
        if let (Some(etcd), Some(minio)) = (&self.etcd, &self.minio) {
            let endpoint = self.object_store_endpoint.clone().unwrap_or_else(|| minio.endpoint());
            let etcd = etcd.endpoint().replace("http://", "etcd://");
            let objects = format!("s3://alluvium/{}", self.prefix);
            let (id, zone) = (broker.to_string(), format!("zone-{broker}"));
            let flags = [
                ("--metadata", etcd.as_str()),
                ("--object-store", &objects),
                ("--object-store-endpoint", &endpoint),
                ("--broker-id", &id),
                ("--rack", &zone),
            ];
            arguments.extend(
                flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]),
            );
            arguments.extend(["--wal-dir".to_owned(), local.join("wal").display().to_string()]);
        }
        for setting in more {
            arguments.extend(["--set".to_owned(), setting.as_ref().to_owned()]);
        }
        arguments
    }

    /// Credentials of the object store.
    pub fn environment(&self) -> Vec<(String, String)> {
        let Some(minio) = &self.minio else { return Vec::new() };
        [
            ("AWS_ACCESS_KEY_ID", minio.access_key()),
            ("AWS_SECRET_ACCESS_KEY", minio.secret_key()),
            ("AWS_REGION", "us-east-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Starts a broker and waits until it is ready.
    pub fn broker(&self, more: &[&str]) -> Broker {
        Broker::start(self.directory.path(), &self.arguments(more), &self.environment())
    }

    /// Starts its one broker, or its three, and waits until they are ready.
    pub fn serve(&self, more: &[&str]) -> Brokers {
        Brokers::new(match self.kind {
            Kind::Embedded | Kind::Cluster => vec![self.broker(more)],
            Kind::Three => self.brokers(3, more),
        })
    }

    /// Starts brokers 1 to `count`, each in a zone of its own with a disk of its own, and waits until they are ready.
    pub fn brokers(&self, count: u32, more: &[&str]) -> Vec<Broker> {
        let start = |number| {
            let mut broker = self.launch_listening(number, LISTENERS, more);
            broker.wait_until_ready();
            broker
        };
        (1..=count).map(start).collect()
    }

    /// Starts brokers 1 to `count` with these listeners (each `{}` a free port), and waits until they are ready.
    pub fn listening(&self, count: u32, listeners: &str, more: &[impl AsRef<str>]) -> Vec<Broker> {
        let launch = |number| self.launch_listening(number, listeners, more);
        let mut brokers: Vec<Broker> = (1..=count).map(launch).collect();
        brokers.iter_mut().for_each(Broker::wait_until_ready);
        brokers
    }

    /// Starts one of several brokers without waiting; its log lies in a directory of its own.
    pub fn launch_listening(
        &self,
        number: u32,
        listeners: &str,
        more: &[impl AsRef<str>],
    ) -> Broker {
        let directory = self.directory.path().join(format!("broker-{number}"));
        std::fs::create_dir_all(&directory).unwrap();
        let (arguments, environment) = (self.arguments_of(number, more), self.environment());
        Broker::launch_listening(listeners, &directory, &arguments, &environment)
    }

    /// Starts a broker without waiting.
    pub fn launch_broker(&self, more: &[&str]) -> Broker {
        Broker::launch(self.directory.path(), &self.arguments(more), &self.environment())
    }

    /// Deletes everything that a broker kept on its machine.
    pub fn lose_local_disk(&self) {
        let _ = std::fs::remove_dir_all(self.local());
    }
}

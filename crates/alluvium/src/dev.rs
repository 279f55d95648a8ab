//! `alluvium dev`: etcd, MinIO and one broker of the cluster deployment, in one command and one directory.
//!
//! Ports are the usual ones where they are free. What is started here ends with this command, whatever ends it, and when it is
//! told to stop then in the order broker, MinIO, etcd: a draining broker still needs both.

use crate::{Failure, deployment::make_directory, serve::serve};
use model::config::{broker, deployment};
use runtime::disk::{Disk, LocalDisk};
use services::{Etcd, Minio, Purpose, preferred_port};
use settings::Settings;
use std::{io, path::Path, process::ExitCode};

const DIRECTORY: &str = "./alluvium-dev";
const OBJECT_STORE: &str = "s3://alluvium/dev";
const KAFKA_PORT: u16 = 9092;
const HTTP_PORT: u16 = 9640;
const ETCD_PORT: u16 = 2379;
const MINIO_PORT: u16 = 9000;

/// Runs all three until SIGTERM or Ctrl-C. Must be polled on a thread that lives as long as the command: the services' lives are
/// bound to the thread that starts them.
///
/// # Errors
/// Whatever stops the start, in one line each.
pub(crate) async fn dev(mut settings: Settings) -> Result<ExitCode, Failure> {
    refuse_other_stores(&settings)?;
    if !settings.is_set(&deployment::DATA_DIR) {
        settings.insert(&deployment::DATA_DIR, DIRECTORY.to_owned());
    }
    let directory = settings.data_directory();
    make_directory(&directory, "--data-dir")?;
    let _lock = lock(&directory)?;
    let mut stores = Stores::start(&directory)?;
    for line in stores.lines(&directory) {
        eprintln!("{line}");
    }
    stores.configure(&mut settings)?;
    let result = serve(settings).await;
    stores.stop();
    result
}

fn refuse_other_stores(settings: &Settings) -> Result<(), Failure> {
    let keys = [deployment::METADATA, deployment::OBJECT_STORE, deployment::OBJECT_STORE_ENDPOINT];
    match keys.iter().find(|key| settings.is_set(key)) {
        Some(key) => Err(Failure(format!(
            "{} is set, but `alluvium dev` brings its own etcd and MinIO; use `alluvium serve` with stores of yours",
            key.name
        ))),
        None => Ok(()),
    }
}

/// etcd would wait a minute for a directory that another one holds.
fn lock(directory: &Path) -> Result<Box<dyn Send + Sync>, Failure> {
    let shown = directory.display();
    let locked = LocalDisk::open(directory).and_then(|disk| disk.lock());
    locked.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            Failure(format!("--data-dir {shown}: another `alluvium dev` runs in it"))
        }
        _ => Failure(format!("--data-dir {shown}: {error}")),
    })
}

/// What the broker stands on.
struct Stores {
    etcd: Etcd,
    minio: Minio,
}

impl Stores {
    fn start(directory: &Path) -> Result<Self, Failure> {
        let started = || {
            let purpose = Purpose::Development;
            let port = preferred_port(ETCD_PORT)?;
            let etcd = Etcd::start_in(purpose, &directory.join("etcd"), port)?;
            let port = preferred_port(MINIO_PORT)?;
            let minio = Minio::start_in(purpose, &directory.join("minio"), port)?;
            Ok::<_, services::Error>(Self { etcd, minio })
        };
        started().map_err(Failure::from_display)
    }

    fn lines(&self, directory: &Path) -> [String; 3] {
        let (etcd, minio) = (self.etcd.endpoint(), self.minio.endpoint());
        [
            format!(
                "etcd       {etcd} (etcdctl --endpoints {etcd} get --prefix alluvium/ --keys-only)"
            ),
            format!(
                "MinIO      {minio} (bucket alluvium, access key {}, secret key {})",
                self.minio.access_key(),
                self.minio.secret_key()
            ),
            format!("directory  {} (delete it to start afresh)", directory.display()),
        ]
    }

    /// Points the broker at these stores, and at free ports where nothing else was asked for.
    fn configure(&self, settings: &mut Settings) -> Result<(), Failure> {
        let etcd = self.etcd.endpoint().replace("http://", "etcd://");
        settings.insert(&deployment::METADATA, etcd);
        settings.insert(&deployment::OBJECT_STORE, OBJECT_STORE.to_owned());
        settings.insert(&deployment::OBJECT_STORE_ENDPOINT, self.minio.endpoint());
        settings.object_store_credentials =
            Some((self.minio.access_key().to_owned(), self.minio.secret_key().to_owned()));
        if !settings.is_set(&broker::NODE_ID) && !settings.is_set(&broker::BROKER_ID) {
            settings.insert(&broker::NODE_ID, "1".to_owned());
        }
        let free = |port| preferred_port(port).map_err(Failure::from_display);
        if !settings.is_set(&broker::LISTENERS) {
            let listener = format!("PLAINTEXT://localhost:{}", free(KAFKA_PORT)?);
            settings.insert(&broker::LISTENERS, listener);
        }
        if !settings.is_set(&deployment::HTTP_ADDRESS) {
            let address = format!("127.0.0.1:{}", free(HTTP_PORT)?);
            settings.insert(&deployment::HTTP_ADDRESS, address);
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.minio.stop();
        self.etcd.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_of_the_users_own_are_refused_by_name() {
        let mut settings = Settings::default();
        assert!(refuse_other_stores(&settings).is_ok());
        settings.insert(&deployment::OBJECT_STORE, "s3://mine/x".to_owned());
        let Failure(line) = refuse_other_stores(&settings).unwrap_err();
        assert!(line.contains("object.store") && line.contains("alluvium serve"), "{line}");
    }
}

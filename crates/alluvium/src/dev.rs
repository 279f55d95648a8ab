//! `alluvium dev`: etcd, MinIO and brokers of the cluster deployment, in one command and one directory.
//!
//! One broker runs in this process; with `--brokers` each is a process of its own, to be broken from the keyboard. Ports are the
//! usual ones where they are free. What is started here ends with this command, whatever ends it, and when it is told to stop then
//! in the order brokers, MinIO, etcd: a draining broker still needs both.

mod brokers;
mod fault;
mod figures;
mod layout;
mod member;
mod view;

use crate::{BrokerFlags, Failure, deployment::make_directory, serve::serve};
use fault::{Fault, Target};
use model::config::{broker, deployment};
use runtime::{
    Clock,
    disk::{Disk, LocalDisk},
};
use services::{Etcd, Minio, Program, Purpose, Server, preferred_port};
use settings::Settings;
use std::{io, path::Path, process::ExitCode};

const DIRECTORY: &str = "./alluvium-dev";
const OBJECT_STORE: &str = "s3://alluvium/dev";
const KAFKA_PORT: u16 = 9092;
const HTTP_PORT: u16 = 9640;
const ETCD_PORT: u16 = 2379;
const MINIO_PORT: u16 = 9000;

/// How many brokers, and how they are set up.
#[derive(Debug, clap::Args)]
pub(crate) struct DevFlags {
    /// Run that many brokers, each a process of its own; shows how they are and takes commands that break them (`help`). Ports
    /// count up from those of --listeners and --http-address
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    brokers: Option<u16>,
    #[command(flatten)]
    broker: BrokerFlags,
}

/// Runs everything until SIGTERM or Ctrl-C. Must be polled on a thread that lives as long as the command: the services' lives are
/// bound to the thread that starts them.
///
/// # Errors
/// Whatever stops the start, in one line each.
pub(crate) async fn dev(flags: DevFlags) -> Result<ExitCode, Failure> {
    let begun = Clock::system().boot_time();
    let mut settings = flags.broker.settings()?;
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
    stores.configure(&mut settings);
    let result = match flags.brokers {
        Some(count) => brokers::run(&settings, &mut stores, &directory, count, begun).await,
        None => match configure_one_broker(&mut settings) {
            Ok(()) => serve(settings).await,
            Err(failure) => Err(failure),
        },
    };
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

/// Free ports and an id for the broker that runs in this process, where nothing else was asked for.
fn configure_one_broker(settings: &mut Settings) -> Result<(), Failure> {
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

/// What brokers stand on.
struct Stores {
    etcd: Store<Etcd>,
    minio: Store<Minio>,
}

/// A server, and whether it was hung.
struct Store<S> {
    server: S,
    paused: bool,
}

impl Stores {
    fn start(directory: &Path) -> Result<Self, Failure> {
        let started = || {
            let purpose = Purpose::Development;
            let port = preferred_port(ETCD_PORT)?;
            let etcd = Etcd::start_in(purpose, &directory.join("etcd"), port)?;
            let port = preferred_port(MINIO_PORT)?;
            let minio = Minio::start_in(purpose, &directory.join("minio"), port)?;
            Ok::<_, services::Error>(Self { etcd: Store::of(etcd), minio: Store::of(minio) })
        };
        started().map_err(Failure::from_display)
    }

    fn lines(&self, directory: &Path) -> [String; 3] {
        let (etcd, minio) = (self.etcd.server.endpoint(), self.minio.server.endpoint());
        let (access_key, secret_key) = self.credentials();
        [
            format!(
                "etcd       {etcd} (etcdctl --endpoints {etcd} get --prefix alluvium/ --keys-only)"
            ),
            format!(
                "MinIO      {minio} (bucket alluvium, access key {access_key}, secret key {secret_key})"
            ),
            format!("directory  {} (delete it to start afresh)", directory.display()),
        ]
    }

    /// Access key and secret key of the object store.
    fn credentials(&self) -> (&'static str, &'static str) {
        (self.minio.server.access_key(), self.minio.server.secret_key())
    }

    /// Points brokers at these stores.
    fn configure(&self, settings: &mut Settings) {
        let etcd = self.etcd.server.endpoint().replace("http://", "etcd://");
        settings.insert(&deployment::METADATA, etcd);
        settings.insert(&deployment::OBJECT_STORE, OBJECT_STORE.to_owned());
        settings.insert(&deployment::OBJECT_STORE_ENDPOINT, self.minio.server.endpoint());
        if !settings.is_set(&deployment::CACHE_MAX_BYTES) {
            // What lies in this MinIO lies on this machine.
            settings.insert(&deployment::CACHE_MAX_BYTES, "0".to_owned());
        }
        let (access_key, secret_key) = self.credentials();
        settings.object_store_credentials = Some((access_key.to_owned(), secret_key.to_owned()));
    }

    /// As they stand in the view.
    fn shown(&mut self) -> [view::Shown; 2] {
        [self.etcd.shown(Target::Etcd), self.minio.shown(Target::Store)]
    }

    /// Breaks or mends one of them; what is to be said of it.
    fn strike(&mut self, fault: Fault, target: Target) -> Result<String, Failure> {
        match target {
            Target::Etcd => self.etcd.strike(fault, target),
            _ => self.minio.strike(fault, target),
        }
    }

    /// Starts what was stopped, and lets go on what was hung: brokers that drain need both.
    fn mend(&mut self) -> Result<(), Failure> {
        self.etcd.mend(Target::Etcd)?;
        self.minio.mend(Target::Store)
    }

    fn stop(&mut self) {
        self.minio.server.stop();
        self.etcd.server.stop();
    }
}

impl<S> Store<S> {
    fn of(server: S) -> Self {
        Self { server, paused: false }
    }
}

impl<P: Program> Store<Server<P>> {
    fn state(&mut self) -> &'static str {
        match (self.server.is_running(), self.paused) {
            (true, false) => "up",
            (true, true) => "paused",
            (false, _) => "down",
        }
    }

    fn shown(&mut self, target: Target) -> view::Shown {
        let state = self.state().to_owned();
        let address = self.server.endpoint();
        view::Shown { name: target.to_string(), address, state, ..view::Shown::default() }
    }

    fn strike(&mut self, fault: Fault, target: Target) -> Result<String, Failure> {
        match (fault, self.server.is_running()) {
            (Fault::Start, true) => return Err(Failure(format!("{target} runs already"))),
            (Fault::Start, false) => self.mend(target)?,
            (_, false) => return Err(Failure(format!("{target} does not run"))),
            (Fault::Kill, true) => self.server.kill(),
            (Fault::Stop, true) => self.server.stop(),
            (Fault::Pause, true) => self.server.pause(),
            (Fault::Resume, true) => self.server.resume(),
        }
        self.paused = fault == Fault::Pause;
        Ok(format!("{target}: {}", self.state()))
    }

    fn mend(&mut self, target: Target) -> Result<(), Failure> {
        if self.server.is_running() {
            self.server.resume();
            self.paused = false;
            return Ok(());
        }
        self.server.restart().map_err(|error| Failure(format!("{target}: {error}")))
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

//! The `alluvium` command.

mod admin_options;
mod audit;
mod banner;
mod console_options;
mod deployment;
mod dev;
mod doctor;
mod dump;
mod fsck;
mod gauges;
mod health;
mod listening;
mod plan;
mod read_cache;
mod recover;
mod reference;
mod schema_registry_port;
mod serve;
mod wal_command;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use settings::{Settings, Sources};
use std::{fmt, path::PathBuf, process::ExitCode};

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Settings of the allocator: memory that is free for a second goes back to the system, on a thread of its own; few arenas,
/// because what each keeps for itself counts in none of the broker's budgets.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[unsafe(export_name = "_rjem_malloc_conf")]
#[used]
static ALLOCATOR_SETTINGS: &[u8; 87] =
    b"background_thread:true,narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0,tcache_max:32768\0";

/// Kafka without disks to look after.
#[derive(Debug, Parser)]
#[command(name = "alluvium", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a broker; without flags: one that keeps everything in ./alluvium-data
    Serve(Box<BrokerFlags>),
    /// Run etcd, MinIO and a broker on them, or several, all in ./alluvium-dev: the cluster deployment to try out
    Dev(Box<dev::DevFlags>),
    /// Create, list, describe and delete topics
    Topic {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(subcommand)]
        command: cli::TopicCommand,
    },
    /// List, describe, move and delete consumer groups
    Group {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(subcommand)]
        command: cli::GroupCommand,
    },
    /// Show and change configs
    Config {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(subcommand)]
        command: cli::ConfigCommand,
    },
    /// List, add and remove access rules
    Acl {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(subcommand)]
        command: cli::AclCommand,
    },
    /// List, add and remove users that log in with SCRAM
    User {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(subcommand)]
        command: cli::UserCommand,
    },
    /// List, set and remove quotas of users and client ids
    Quota {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(subcommand)]
        command: cli::QuotaCommand,
    },
    /// Show the brokers
    Cluster {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(subcommand)]
        command: cli::ClusterCommand,
    },
    /// Write lines of standard input as records
    Produce {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(flatten)]
        command: cli::ProduceCommand,
    },
    /// Print a topic's records, one a line
    Consume {
        #[command(flatten)]
        bootstrap: cli::Bootstrap,
        #[command(flatten)]
        command: cli::ConsumeCommand,
    },
    /// Look into segments and index objects, of the bucket or copied to files
    Segment {
        #[command(subcommand)]
        command: dump::SegmentCommand,
    },
    /// Look into what metadata and bucket say of topics' logs
    Manifest {
        #[command(subcommand)]
        command: dump::ManifestCommand,
    },
    /// Look into a write-ahead log
    Wal {
        #[command(subcommand)]
        command: wal_command::WalCommand,
    },
    /// Check object store, metadata store, WAL disk and clock, and say how to mend what is wrong
    Doctor(Box<BrokerFlags>),
    /// Rebuild a metadata store that was lost from the bucket
    Recover(Box<recover::RecoverFlags>),
    /// Check that all that is stored is there and whole, and nothing else; changes nothing
    Fsck(Box<fsck::FsckFlags>),
    /// Judge what clients recorded by what Kafka guarantees: lost, duplicate, aborted records, and more
    Audit(audit::AuditFlags),
    /// Work out brokers, requests and dollars a month for a load, by what was measured
    Plan(Box<plan::PlanFlags>),
    /// Print what lets a shell complete these commands: eval "$(alluvium completions bash)"
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the man page, or write one for each command
    Man {
        /// Write alluvium.1, alluvium-topic.1 and so on to this directory
        #[arg(long)]
        directory: Option<PathBuf>,
    },
}

#[expect(clippy::doc_markdown, rustdoc::bare_urls, reason = "help texts are read in a terminal")]
/// Settings of a broker. Precedence: flags, then ALLUVIUM_* variables (ALLUVIUM_NUM_PARTITIONS=3), then the file.
#[derive(Debug, clap::Args)]
struct BrokerFlags {
    /// Settings file: TOML with Kafka's key names, or a Kafka server.properties
    #[arg(long, env = "ALLUVIUM_CONFIG")]
    config: Option<PathBuf>,
    /// Addresses to listen on: PLAINTEXT://127.0.0.1:9092, several separated by commas
    #[arg(long)]
    listeners: Option<String>,
    /// Addresses that clients are told
    #[arg(long)]
    advertised_listeners: Option<String>,
    /// Address of /health/live, /health/ready and /metrics; `off` for none
    #[arg(long)]
    http_address: Option<String>,
    /// Address of the schema registry; `off` for none. Default: 127.0.0.1:8081 with --metadata embedded, off otherwise
    #[arg(long)]
    schema_registry_address: Option<String>,
    /// Where an embedded deployment keeps everything
    #[arg(long)]
    data_dir: Option<String>,
    /// The write-ahead log's directory
    #[arg(long)]
    wal_dir: Option<String>,
    /// Metadata store: embedded, or etcd://host:port[,host:port...]; with TLS, etcds://
    #[arg(long)]
    metadata: Option<String>,
    /// Object store: file:///directory or s3://bucket/prefix
    #[arg(long)]
    object_store: Option<String>,
    /// Endpoint of an S3-compatible store
    #[arg(long)]
    object_store_endpoint: Option<String>,
    /// This broker's number
    #[arg(long)]
    broker_id: Option<String>,
    /// The zone this broker runs in
    #[arg(long)]
    rack: Option<String>,
    /// The cluster this broker belongs to
    #[arg(long)]
    cluster_id: Option<String>,
    /// Any other setting, as key=value; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

impl BrokerFlags {
    fn settings(self) -> Result<Settings, Failure> {
        let named = [
            ("listeners", self.listeners),
            ("advertised.listeners", self.advertised_listeners),
            ("http.address", self.http_address),
            ("schema.registry.address", self.schema_registry_address),
            ("data.dir", self.data_dir),
            ("wal.dir", self.wal_dir),
            ("metadata", self.metadata),
            ("object.store", self.object_store),
            ("object.store.endpoint", self.object_store_endpoint),
            ("node.id", self.broker_id),
            ("broker.rack", self.rack),
            ("cluster.id", self.cluster_id),
        ];
        let mut flags: Vec<(String, String)> = Vec::new();
        for text in &self.set {
            let pair = text.split_once('=');
            let (key, value) =
                pair.ok_or_else(|| Failure(format!("--set {text:?} must be key=value")))?;
            flags.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        let given = named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        flags.extend(given);
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Settings::resolve(Sources { file: self.config, environment, flags })
            .map_err(Failure::from_display)
    }
}

/// A command that failed: lines for the person who typed it.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn from_display(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(16)
        .thread_name("alluvium")
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return report(&Failure(format!("could not start threads: {error}"))),
    };
    let result = runtime.block_on(run(arguments.command));
    // A blocked read of standard input must not hold the process.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => report(&failure),
    }
}

fn report(failure: &Failure) -> ExitCode {
    for line in failure.0.lines() {
        eprintln!("alluvium: {line}");
    }
    ExitCode::FAILURE
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(flags) => serve::serve(flags.settings()?).await,
        Command::Dev(flags) => dev::dev(*flags).await,
        Command::Doctor(flags) => doctor::doctor(flags.settings()?).await,
        Command::Fsck(flags) => Ok(fsck::fsck(*flags, &mut std::io::stdout()).await),
        Command::Audit(flags) => Ok(audit::audit(&flags, &mut std::io::stdout())),
        Command::Recover(flags) => recover::recover(*flags, &mut std::io::stdout()).await,
        Command::Segment { command } => command.run(&mut buffered_output()).await,
        Command::Manifest { command } => command.run(&mut buffered_output()).await,
        Command::Wal { command } => command.run(&mut buffered_output()),
        Command::Topic { bootstrap, command } => {
            finish(command.run(&bootstrap, &mut std::io::stdout()).await)
        }
        Command::Group { bootstrap, command } => {
            finish(command.run(&bootstrap, &mut std::io::stdout()).await)
        }
        Command::Config { bootstrap, command } => {
            finish(command.run(&bootstrap, &mut std::io::stdout()).await)
        }
        Command::Acl { bootstrap, command } => {
            finish(command.run(&bootstrap, &mut std::io::stdout()).await)
        }
        Command::User { bootstrap, command } => {
            finish(command.run(&bootstrap, &mut std::io::stdout()).await)
        }
        Command::Quota { bootstrap, command } => {
            finish(command.run(&bootstrap, &mut std::io::stdout()).await)
        }
        Command::Plan(flags) => {
            finish(plan::plan(&flags, &mut std::io::stdout()).map_err(Into::into))
        }
        Command::Completions { shell } => {
            finish(reference::completions(shell, &mut std::io::stdout()).map_err(Into::into))
        }
        Command::Man { directory } => {
            finish(reference::man(directory.as_deref(), &mut std::io::stdout()))
        }
        Command::Cluster { bootstrap, command } => {
            finish(command.run(&bootstrap, &mut std::io::stdout()).await)
        }
        Command::Produce { bootstrap, command } => {
            let mut input = std::io::BufReader::new(std::io::stdin());
            finish(command.run(&bootstrap, &mut input, &mut std::io::stderr()).await)
        }
        Command::Consume { bootstrap, command } => {
            let mut out = buffered_output();
            tokio::select! {
                result = command.run(&bootstrap, &mut out) => finish(result),
                _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
            }
        }
    }
}

fn buffered_output() -> std::io::BufWriter<std::io::Stdout> {
    std::io::BufWriter::new(std::io::stdout())
}

fn finish(result: Result<(), cli::CliError>) -> Result<ExitCode, Failure> {
    match result {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.is_closed_pipe() => Ok(ExitCode::SUCCESS),
        Err(error) => Err(Failure::from_display(error)),
    }
}

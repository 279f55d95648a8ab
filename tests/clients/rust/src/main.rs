//! Everything that the tests ask of a client, through rdkafka; the actions are in ../README.md.

mod admin;
mod consuming;
mod lines;
mod producing;

use clap::{Parser, ValueEnum};
use rdkafka::ClientConfig;
use std::{error::Error, process::ExitCode};

type Outcome = Result<(), Box<dyn Error>>;

#[derive(Clone, Copy, ValueEnum)]
enum Action {
    Create,
    Delete,
    Produce,
    Consume,
    Group,
    Write,
}

#[derive(Parser)]
struct Arguments {
    action: Action,
    #[arg(long)]
    bootstrap: String,
    #[arg(long)]
    topic: String,
    #[arg(long)]
    partition: Option<i32>,
    #[arg(long, default_value_t = 1)]
    partitions: i32,
    #[arg(long, default_value = "none")]
    compression: String,
    #[arg(long, default_value = "")]
    file: String,
    #[arg(long, default_value_t = 0)]
    count: usize,
    #[arg(long, default_value = "unused")]
    group: String,
    #[arg(long, default_value = "")]
    id: String,
}

impl Arguments {
    fn config(&self, more: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap);
        for (key, value) in more {
            config.set(*key, *value);
        }
        config
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.action {
        Action::Create => admin::create(&arguments),
        Action::Delete => admin::delete(&arguments),
        Action::Produce => producing::produce(&arguments),
        Action::Consume => consuming::consume(&arguments),
        Action::Group => consuming::group(&arguments),
        Action::Write => producing::write(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

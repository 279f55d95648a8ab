//! `alluvium user`: users that log in with SCRAM. Source: KIP-554.
//!
//! A password is never part of the command line, where everybody on the machine could read it, and never leaves this process: brokers are
//! sent what is derived from it.

use crate::{
    Bootstrap, CliError, Client,
    output::{Table, printable},
    password::read_password,
    text::text_of,
};
use clap::{Subcommand, ValueEnum};
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, DescribeUserScramCredentialsRequest,
    alter_user_scram_credentials_request::{ScramCredentialDeletion, ScramCredentialUpsertion},
    describe_user_scram_credentials_request::UserName,
};
use security::sasl::{MAX_ITERATIONS, MIN_ITERATIONS, SaltedPassword, ScramHash};
use std::{io::Write, num::NonZeroU32, path::PathBuf};

const VERSION: i16 = 0;
/// The code of a user without credentials.
const RESOURCE_NOT_FOUND: i16 = 91;

/// How a user logs in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Scram {
    /// SCRAM-SHA-256
    #[value(name = "scram-sha-256", alias = "SCRAM-SHA-256")]
    Sha256,
    /// SCRAM-SHA-512
    #[value(name = "scram-sha-512", alias = "SCRAM-SHA-512")]
    Sha512,
}

impl Scram {
    fn to_wire(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    fn hash(self) -> ScramHash {
        match self {
            Self::Sha256 => ScramHash::Sha256,
            Self::Sha512 => ScramHash::Sha512,
        }
    }
}

/// What to do with users.
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// List users and how they log in
    List {
        /// These only
        users: Vec<String>,
    },
    /// Make a user, or give one another password: a line of standard input, asked for on a terminal
    Add {
        /// The user's name
        user: String,
        /// How the user logs in; may be given several times
        #[arg(long = "mechanism", value_enum, default_value = "scram-sha-512")]
        mechanisms: Vec<Scram>,
        /// Read the password from the first line of this file
        #[arg(long)]
        password_file: Option<PathBuf>,
        /// How often the password is hashed: more costs whoever guesses, and every log-in, more
        #[arg(long, default_value_t = MIN_ITERATIONS, value_parser = clap::value_parser!(u32).range(i64::from(MIN_ITERATIONS)..=i64::from(MAX_ITERATIONS)))]
        iterations: u32,
    },
    /// Remove a user: nobody logs in by that name any more, connections that are open stay
    Remove {
        /// The user's name
        user: String,
        /// This way to log in only
        #[arg(long = "mechanism", value_enum)]
        mechanisms: Vec<Scram>,
    },
}

impl UserCommand {
    /// Runs the command, printing to `out`.
    ///
    /// # Errors
    /// As [`CliError`] says.
    pub async fn run(self, bootstrap: &Bootstrap, out: &mut dyn Write) -> Result<(), CliError> {
        match self {
            Self::List { users } => {
                let mut client = Client::connect(bootstrap).await?;
                let mut table = Table::new(["user", "mechanism", "iterations"]);
                for it in find(&mut client, &users).await? {
                    table.push([
                        it.user.into(),
                        mechanism(it.mechanism).into(),
                        it.iterations.into(),
                    ]);
                }
                table.print(bootstrap.output, out)?;
            }
            Self::Add { user, mechanisms, password_file, iterations } => {
                let question = format!("password of {}: ", printable(&user));
                let password = read_password(password_file.as_deref(), &question).await?;
                let mut client = Client::connect(bootstrap).await?;
                let added = mechanisms.iter().map(|it| addition(&user, *it, &password, iterations));
                let added = added.collect::<Result<_, _>>()?;
                let request = AlterUserScramCredentialsRequest::default().with_upsertions(added);
                alter(&mut client, &request).await?;
                writeln!(out, "user {} can log in", printable(&user))?;
            }
            Self::Remove { user, mechanisms } => {
                let mut client = Client::connect(bootstrap).await?;
                let mut numbers: Vec<i8> = mechanisms.into_iter().map(Scram::to_wire).collect();
                if numbers.is_empty() {
                    let found = find(&mut client, std::slice::from_ref(&user)).await?;
                    numbers.extend(found.iter().map(|it| it.mechanism));
                }
                let deletion = |number: &i8| {
                    ScramCredentialDeletion::default()
                        .with_name(text_of(&user))
                        .with_mechanism(*number)
                };
                let request = AlterUserScramCredentialsRequest::default()
                    .with_deletions(numbers.iter().map(deletion).collect());
                alter(&mut client, &request).await?;
                let names: Vec<String> = numbers.into_iter().map(mechanism).collect();
                writeln!(out, "removed {} of user {}", names.join(", "), printable(&user))?;
            }
        }
        Ok(())
    }
}

/// A way for a user to log in.
struct Credential {
    user: String,
    mechanism: i8,
    iterations: i32,
}

fn mechanism(number: i8) -> String {
    match number {
        1 => "SCRAM-SHA-256".to_owned(),
        2 => "SCRAM-SHA-512".to_owned(),
        other => format!("type {other}"),
    }
}

/// The credentials of these users; of all when none is named.
async fn find(client: &mut Client, users: &[String]) -> Result<Vec<Credential>, CliError> {
    let names = |user: &String| UserName::default().with_name(text_of(user));
    let users = (!users.is_empty()).then(|| users.iter().map(names).collect());
    let request = DescribeUserScramCredentialsRequest::default().with_users(users);
    let answer = client.call_controller(&request, VERSION).await?;
    let message = answer.error_message.map(|it| it.to_string());
    CliError::check(answer.error_code, "the users", message)?;
    let mut found = Vec::new();
    for result in answer.results {
        let user = result.user.to_string();
        if result.error_code == RESOURCE_NOT_FOUND {
            let user = printable(&user);
            return Err(CliError::Usage(format!("no user {user} logs in with SCRAM")));
        }
        let message = result.error_message.map(|it| it.to_string());
        CliError::check(result.error_code, format!("user {}", printable(&user)), message)?;
        found.extend(result.credential_infos.iter().map(|it| Credential {
            user: user.clone(),
            mechanism: it.mechanism,
            iterations: it.iterations,
        }));
    }
    found.sort_by(|one, other| (&one.user, one.mechanism).cmp(&(&other.user, other.mechanism)));
    Ok(found)
}

fn addition(
    user: &str,
    mechanism: Scram,
    password: &str,
    iterations: u32,
) -> Result<ScramCredentialUpsertion, CliError> {
    let rounds = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
    let salted = SaltedPassword::derive_with_new_salt(mechanism.hash(), password, rounds);
    let (salted, salt) = salted.map_err(|reason| CliError::Usage(reason.to_owned()))?;
    Ok(ScramCredentialUpsertion::default()
        .with_name(text_of(user))
        .with_mechanism(mechanism.to_wire())
        .with_iterations(i32::try_from(iterations).unwrap_or(i32::MAX))
        .with_salt(salt.into())
        .with_salted_password(salted.as_bytes().to_vec().into()))
}

async fn alter(
    client: &mut Client,
    request: &AlterUserScramCredentialsRequest,
) -> Result<(), CliError> {
    let answer = client.call_controller(request, VERSION).await?;
    for result in answer.results {
        let message = result.error_message.map(|it| it.to_string());
        let user = format!("user {}", printable(&result.user));
        CliError::check(result.error_code, user, message)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_made_of_the_password_and_of_a_salt_of_its_own() {
        let sent = |mechanism| addition("ann", mechanism, "pässword", 4096).unwrap();
        let (one, other) = (sent(Scram::Sha256), sent(Scram::Sha256));
        assert_ne!(one.salt, other.salt);
        assert_ne!(one.salted_password, other.salted_password);
        assert_eq!((one.mechanism, one.iterations), (1, 4096));
        assert_eq!(sent(Scram::Sha512).salted_password.len(), 64);
        let rounds = NonZeroU32::new(4096).unwrap();
        let derived = SaltedPassword::derive(ScramHash::Sha256, "pässword", &one.salt, rounds);
        assert_eq!(derived.as_bytes(), &one.salted_password[..]);
    }
}

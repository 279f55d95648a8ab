//! Credentials of users in the metadata store (KIP-554): read from what this broker watches, changed by single puts and deletions.

use crate::{Cluster, ClusterError, cluster::Shared, view::View};
use ::metadata::{Operation, Transaction, families::encode};
use formats::metadata as stored_values;
use security::sasl::{Mechanism, ScramCredential, ScramHash};
use std::time::Duration;

/// A change of one user's credential for one mechanism.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScramChange {
    /// Sets it.
    Put(ScramHash, String, ScramCredential),
    /// Removes it.
    Delete(ScramHash, String),
}

/// How long a change waits until this broker shows it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Cluster {
    /// What is kept of a user's password.
    pub fn scram_credential(&self, hash: ScramHash, user: &str) -> Option<ScramCredential> {
        let key = (Mechanism::Scram(hash).name().to_owned(), user.to_owned());
        let view = self.shared.view.lock();
        let stored = &view.scram.get(&key)?.value;
        Some(ScramCredential {
            salt: stored.salt.to_vec(),
            stored_key: stored.stored_key.to_vec(),
            server_key: stored.server_key.to_vec(),
            iterations: stored.iterations,
        })
    }

    /// Every user with a credential: the name, the mechanism, the number of iterations.
    pub fn scram_users(&self) -> Vec<(String, ScramHash, u32)> {
        let view = self.shared.view.lock();
        let known = view.scram.iter().filter_map(|((mechanism, user), stored)| {
            let Some(Mechanism::Scram(hash)) = Mechanism::from_name(mechanism) else { return None };
            Some((user.clone(), hash, stored.value.iterations))
        });
        let mut users: Vec<_> = known.collect();
        users.sort();
        users
    }

    /// Changes a credential, and waits until this broker knows it. Answers whether there was one to delete.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn change_scram(&self, change: ScramChange) -> Result<bool, ClusterError> {
        let keys = &self.shared.parts.keys;
        let (hash, user, credential) = match change {
            ScramChange::Put(hash, user, credential) => (hash, user, Some(credential)),
            ScramChange::Delete(hash, user) => (hash, user, None),
        };
        if credential.is_none() && self.scram_credential(hash, &user).is_none() {
            return Ok(false);
        }
        let mechanism = Mechanism::Scram(hash).name();
        let key = keys.scram(mechanism, &user);
        let is_put = credential.is_some();
        let operation = match credential {
            Some(credential) => Operation::put(key, encode(stored(credential))),
            None => Operation::Delete(key),
        };
        let change = Transaction { then: vec![operation], ..Transaction::default() };
        let outcome = self.shared.parts.metadata.transact(change).await?;
        let name = (mechanism.to_owned(), user);
        let is_seen = |view: &View| match view.scram.get(&name) {
            Some(there) => is_put && there.modified >= outcome.revision,
            None => !is_put,
        };
        // Not seen in time is no error: it is stored.
        let _seen = tokio::time::timeout(PATIENCE, seen(&self.shared, is_seen)).await;
        Ok(true)
    }
}

fn stored(credential: ScramCredential) -> stored_values::ScramCredential {
    stored_values::ScramCredential {
        format: 1,
        salt: credential.salt.into(),
        stored_key: credential.stored_key.into(),
        server_key: credential.server_key.into(),
        iterations: credential.iterations,
    }
}

/// Waits until this broker's view is as asked for.
async fn seen(shared: &Shared, is_seen: impl Fn(&View) -> bool) {
    let mut images = shared.image.subscribe();
    loop {
        images.mark_unchanged();
        if is_seen(&shared.view.lock()) || images.changed().await.is_err() {
            return;
        }
    }
}

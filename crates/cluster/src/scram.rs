//! Credentials of users in the metadata store (KIP-554): read from what this broker watches, changed by single puts and deletions.

use crate::{Cluster, ClusterError, view::View};
use ::metadata::{Operation, families::encode};
use formats::metadata as stored_values;
use security::sasl::{Mechanism, ScramCredential, ScramHash};

/// A change of one user's credential for one mechanism.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScramChange {
    /// Sets it.
    Put(ScramHash, String, ScramCredential),
    /// Removes it.
    Delete(ScramHash, String),
}

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

    /// Changes a credential, and waits until this broker knows it. To delete what is not there changes nothing.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn change_scram(&self, change: ScramChange) -> Result<(), ClusterError> {
        let (ScramChange::Put(hash, user, _) | ScramChange::Delete(hash, user)) = &change;
        let name = (Mechanism::Scram(*hash).name().to_owned(), user.clone());
        let key = self.shared.parts.keys.scram(&name.0, &name.1);
        let operation = match change {
            ScramChange::Put(_, _, credential) => Operation::put(key, encode(stored(credential))),
            ScramChange::Delete(..) => Operation::Delete(key),
        };
        let modified = |view: &View| Some(view.scram.get(&name)?.modified);
        self.shared.write_all(vec![operation], modified).await
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

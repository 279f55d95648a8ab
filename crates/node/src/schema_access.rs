//! Who may do what with schemas: users by the passwords that SCRAM keeps of them, permissions by the rules of the topics that subjects
//! are about.
//!
//! `orders-value` and `orders-key` are about the topic `orders`; any other subject is judged as a topic of its own name. To read takes
//! READ or WRITE, to register WRITE, to delete DELETE; levels and modes take `DESCRIBE_CONFIGS` and `ALTER_CONFIGS`, those of the whole
//! registry on the cluster.

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use cluster::Cluster;
use model::config::deployment;
use parking_lot::Mutex;
use schema_registry::{Access, Deed, RegistryError, Visitor};
use security::{
    Principal, SecretDigest,
    acl::{Authorizer, CLUSTER, Operation, Request, ResourceType},
    sasl::{MIN_ITERATIONS, ScramCredential, ScramHash},
};
use settings::Settings;
use std::{collections::HashMap, net::IpAddr, sync::Arc};
use tokio::sync::Semaphore;

/// Passwords that were right are remembered for so many users, so that not every request costs a derivation.
const REMEMBERED: usize = 1_024;

/// Passwords that are checked at the same time: whoever tries many waits in line.
const CHECKED_AT_ONCE: usize = 1;

/// The door of the schema registry.
struct SchemaAccess {
    cluster: Cluster,
    authorizer: Option<Arc<Authorizer>>,
    /// Whether passwords are asked for.
    asks: bool,
    checking: Arc<Semaphore>,
    /// Of each user the password that was right, and what was kept of it then.
    right: Mutex<HashMap<String, (SecretDigest, ScramCredential)>>,
}

/// Who may do what by the settings; `None` where everybody may do everything.
pub(crate) fn schema_access(
    settings: &Settings,
    cluster: &Cluster,
    authorizer: Option<&Authorizer>,
) -> Option<Arc<dyn Access>> {
    let asks = settings.text(&deployment::SCHEMA_REGISTRY_AUTHENTICATION) == Some("basic");
    if !asks && authorizer.is_none() {
        return None;
    }
    Some(Arc::new(SchemaAccess {
        cluster: cluster.clone(),
        authorizer: authorizer.cloned().map(Arc::new),
        asks,
        checking: Arc::new(Semaphore::new(CHECKED_AT_ONCE)),
        right: Mutex::default(),
    }))
}

impl SchemaAccess {
    /// Whether the password is the user's.
    async fn knows(&self, user: &str, password: &str) -> bool {
        let known = [ScramHash::Sha256, ScramHash::Sha512].map(|hash| {
            self.cluster.scram_credential(hash, user).map(|credential| (hash, credential))
        });
        let known: Vec<_> = known.into_iter().flatten().collect();
        if let Some((right, credential)) = self.right.lock().get(user)
            && known.iter().any(|(_, kept)| kept == credential)
            && right.is_of(password.as_bytes())
        {
            return true;
        }
        let Ok(_turn) = self.checking.acquire().await else { return false };
        let brought = password.to_owned();
        let checked = tokio::task::spawn_blocking(move || check(&known, &brought)).await;
        let Some(credential) = checked.ok().flatten() else { return false };
        let mut right = self.right.lock();
        if right.len() >= REMEMBERED {
            right.clear();
        }
        right.insert(user.to_owned(), (SecretDigest::of(password.as_bytes()), credential));
        true
    }
}

/// The credential that the password fits. An unknown user costs as much as a wrong password.
fn check(known: &[(ScramHash, ScramCredential)], password: &str) -> Option<ScramCredential> {
    if known.is_empty() {
        let nobody = ScramCredential {
            salt: vec![0; 24],
            stored_key: Vec::new(),
            server_key: Vec::new(),
            iterations: MIN_ITERATIONS,
        };
        nobody.is_of_password(ScramHash::Sha256, password);
        return None;
    }
    let fits = known.iter().find(|(hash, credential)| credential.is_of_password(*hash, password));
    fits.map(|(_, credential)| credential.clone())
}

#[async_trait]
impl Access for SchemaAccess {
    async fn enter(
        &self,
        authorization: Option<&str>,
        host: IpAddr,
    ) -> Result<Box<dyn Visitor>, RegistryError> {
        let principal = if self.asks {
            let refused = || RegistryError::new(40101, "User cannot access the resource.");
            let (user, password) = authorization.and_then(basic).ok_or_else(refused)?;
            if !self.knows(&user, &password).await {
                metrics::counter!("alluvium_schema_registry_failed_authentications_total")
                    .increment(1);
                tracing::info!(target: "audit", %host, ?user, "a wrong password at the schema registry");
                return Err(refused());
            }
            Principal::user(&user)
        } else {
            Principal::anonymous()
        };
        let (cluster, authorizer) = (self.cluster.clone(), self.authorizer.clone());
        Ok(Box::new(Guest { cluster, authorizer, principal, host }))
    }
}

/// Name and password of an `Authorization` header (RFC 7617).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = BASE64_STANDARD.decode(encoded.trim()).ok()?;
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Somebody who came in.
struct Guest {
    cluster: Cluster,
    authorizer: Option<Arc<Authorizer>>,
    principal: Principal,
    host: IpAddr,
}

impl Visitor for Guest {
    fn may(&self, deed: Deed, subject: Option<&str>, asked: bool) -> bool {
        let Some(authorizer) = &self.authorizer else { return true };
        let (resource, name) = match subject {
            Some(subject) => (ResourceType::Topic, topic_of(subject)),
            None => (ResourceType::Cluster, CLUSTER),
        };
        let rules = self.cluster.rules();
        let decide = |operation: &Operation| {
            let (principal, host) = (&self.principal, self.host);
            let request = Request { principal, host, operation: *operation, resource, name };
            authorizer.decide(&rules, &request).is_allowed()
        };
        let may = operations(deed).iter().any(decide);
        if asked && !may {
            let (principal, host) = (&self.principal, self.host);
            metrics::counter!("alluvium_schema_registry_denied_total").increment(1);
            tracing::info!(target: "audit", %principal, %host, ?deed, ?resource, ?name, "denied at the schema registry");
        }
        may
    }
}

/// The topic whose rules say who may do what with the subject.
fn topic_of(subject: &str) -> &str {
    let of = |suffix| subject.strip_suffix(suffix).filter(|topic: &&str| !topic.is_empty());
    of("-value").or_else(|| of("-key")).unwrap_or(subject)
}

/// One of these must be allowed.
fn operations(deed: Deed) -> &'static [Operation] {
    match deed {
        Deed::Read => &[Operation::Read, Operation::Write],
        Deed::Write => &[Operation::Write],
        Deed::Delete => &[Operation::Delete],
        Deed::ReadConfig => &[Operation::DescribeConfigs],
        Deed::WriteConfig => &[Operation::AlterConfigs],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_a_name_and_a_password() {
        let encoded = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
        let read = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(basic(&encoded("ann:a:b")), read("ann", "a:b"));
        assert_eq!(basic(&encoded("ann:").replace("Basic", "bASIC")), read("ann", ""));
        for bad in ["", "Basic", "Basic !", "Bearer YTpi", &encoded("ann")] {
            assert_eq!(basic(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_subject_is_about_its_topic() {
        for (subject, topic) in [
            ("orders-value", "orders"),
            ("orders-key", "orders"),
            ("shop.Order", "shop.Order"),
            ("-value", "-value"),
            ("a-key-value", "a-key"),
        ] {
            assert_eq!(topic_of(subject), topic);
        }
    }

    #[test]
    fn a_password_fits_what_was_kept_of_it_and_no_other() {
        let credential = ScramCredential::of_password(ScramHash::Sha512, "right").expect("random");
        let known = [(ScramHash::Sha512, credential.clone())];
        assert_eq!(check(&known, "right"), Some(credential));
        assert_eq!(check(&known, "wrong"), None);
        assert_eq!(check(&[], "right"), None);
    }
}

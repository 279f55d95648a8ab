//! What the settings say of access rules, checked as a whole.

use model::config::{parse_boolean, security as keys};
use security::{ClientSecurity, acl::Authorizer};
use settings::Settings;

/// Reads the authorizer; `None` when there is to be none.
///
/// # Errors
/// Settings that mean nothing without an authorizer, and an authorizer that nobody could come past.
pub(super) fn authorizer(
    settings: &Settings,
    peers: &ClientSecurity,
) -> Result<Option<Authorizer>, String> {
    let class = settings.text(&keys::AUTHORIZER_CLASS_NAME).unwrap_or_default();
    let super_users = settings.text(&keys::SUPER_USERS).unwrap_or_default();
    let is_open =
        settings.text(&keys::ALLOW_EVERYONE_IF_NO_ACL_FOUND).and_then(parse_boolean) == Some(true);
    let super_users = Authorizer::parse_super_users(super_users)
        .map_err(|error| format!("super.users: {error}"))?;
    if class.is_empty() {
        let idle = match (super_users.is_empty(), is_open) {
            (true, false) => return Ok(None),
            (false, _) => "super.users",
            (true, true) => "allow.everyone.if.no.acl.found",
        };
        return Err(format!(
            "{idle} does nothing without access rules: set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer, or remove it"
        ));
    }
    if super_users.is_empty() && !is_open {
        return Err("authorizer.class.name is set and super.users is empty, so nobody could make the first access rule: set super.users=User:…".to_owned());
    }
    let authorizer = Authorizer::new(super_users, is_open);
    let own = peers.login.as_ref().map(|login| login.user.as_str());
    if !settings.is_embedded() && own.is_none_or(|own| !authorizer.is_super_user(own)) {
        tracing::warn!(
            own,
            "this broker is no super user at others by name: whoever brokers are to each other must be in super.users or be allowed ClusterAction on Cluster, or transactions and readers of other zones stand still"
        );
    }
    Ok(Some(authorizer))
}

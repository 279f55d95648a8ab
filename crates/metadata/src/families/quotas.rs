//! `quotas/{user}/{client_id}/{key}`: how fast clients may go, a key for each number. A part is `none`, `default`, or `=` and the name.

use super::{Keys, keys::escaped, value::value};
use bytes::Bytes;
use formats::metadata::{ClientQuota, QuotaEntity};

value!(ClientQuota, |quota| {
    if quota.value.is_finite() && quota.value > 0.0 { Ok(()) } else { Err("the quota is no rate") }
});

impl Keys {
    /// The key of a quota: all that it says but its value.
    pub fn quota(&self, quota: &ClientQuota) -> Bytes {
        let (user, client_id) = (part(quota.user.as_ref()), part(quota.client_id.as_ref()));
        self.at(&format!("quotas/{user}/{client_id}/{}", escaped(&quota.key)))
    }

    /// Every quota.
    pub fn all_quotas(&self) -> Bytes {
        self.at("quotas/")
    }

    /// What a key of [`Keys::all_quotas`] is below that prefix; quotas are told apart by it.
    pub fn parse_quota(&self, key: &[u8]) -> Option<String> {
        self.rest("quotas/", key).map(str::to_owned)
    }
}

fn part(entity: Option<&QuotaEntity>) -> String {
    match entity {
        None => "none".to_owned(),
        Some(QuotaEntity { name: None }) => "default".to_owned(),
        Some(QuotaEntity { name: Some(name) }) => format!("={}", escaped(name)),
    }
}

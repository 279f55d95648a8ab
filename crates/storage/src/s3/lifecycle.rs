//! Which lifecycle rules touch our objects. They carry no tags, and are needed until the broker deletes them.

use crate::probe::Check;
use aws_sdk_s3::types::{ExpirationStatus, LifecycleRule, TransitionStorageClass};

const NAME: &str = "lifecycle";

/// Judges the bucket's rules for objects below `prefix`.
pub(super) fn expiration(rules: &[LifecycleRule], prefix: &str) -> Check {
    let ours = || rules.iter().filter(|rule| applies(rule, prefix));
    if let Some(rule) = ours().find(|rule| expires(rule)) {
        return Check::warn(
            NAME,
            format!("rule {:?} expires objects of the log: it destroys data", id(rule)),
            "remove the rule, or exclude the prefix; retention is the broker's",
        );
    }
    if let Some(rule) = ours().find(|rule| archives(rule)) {
        return Check::warn(
            NAME,
            format!("rule {:?} archives objects of the log: they can't be read then", id(rule)),
            "use a storage class with immediate access",
        );
    }
    Check::ok(NAME, "no rule expires objects of the log")
}

fn id(rule: &LifecycleRule) -> &str {
    rule.id().unwrap_or("without id")
}

/// Whether an enabled rule covers untagged objects of which some lie below `prefix`.
fn applies(rule: &LifecycleRule, prefix: &str) -> bool {
    let and = rule.filter().and_then(|filter| filter.and());
    let tagged = rule.filter().is_some_and(|filter| filter.tag().is_some())
        || and.is_some_and(|and| !and.tags().is_empty());
    #[expect(deprecated, reason = "older rules carry their prefix there")]
    let rule_prefix = rule
        .filter()
        .and_then(|filter| filter.prefix())
        .or_else(|| and.and_then(|and| and.prefix()))
        .or_else(|| rule.prefix())
        .unwrap_or_default();
    let below = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
    let overlaps = below.starts_with(rule_prefix) || rule_prefix.starts_with(&below);
    *rule.status() == ExpirationStatus::Enabled && !tagged && overlaps
}

fn expires(rule: &LifecycleRule) -> bool {
    rule.expiration().is_some_and(|expiration| {
        expiration.days().is_some_and(|days| days > 0) || expiration.date().is_some()
    })
}

fn archives(rule: &LifecycleRule) -> bool {
    rule.transitions().iter().any(|transition| {
        matches!(
            transition.storage_class(),
            Some(TransitionStorageClass::Glacier | TransitionStorageClass::DeepArchive)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;
    use aws_sdk_s3::types::{LifecycleExpiration, LifecycleRuleFilter, Tag, Transition};

    fn rule(prefix: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
        LifecycleRule::builder()
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix(prefix).build())
            .expiration(LifecycleExpiration::builder().days(7).build())
    }

    fn verdict(rule: aws_sdk_s3::types::builders::LifecycleRuleBuilder, prefix: &str) -> Verdict {
        expiration(&[rule.build().expect("rule")], prefix).verdict
    }

    #[test]
    fn a_rule_that_expires_any_of_our_objects_is_found() {
        for (rule_prefix, prefix) in
            [("", ""), ("", "a/b"), ("a", "a/b"), ("a/b/", "a/b"), ("a/b/c", "a/b"), ("x", "")]
        {
            assert_eq!(verdict(rule(rule_prefix), prefix), Verdict::Warn, "{rule_prefix} {prefix}");
        }
    }

    #[test]
    fn rules_for_other_objects_are_fine() {
        for (rule_prefix, prefix) in [("b", "a"), ("a/bc", "a/b"), ("a/b-old/", "a/b")] {
            assert_eq!(verdict(rule(rule_prefix), prefix), Verdict::Ok, "{rule_prefix} {prefix}");
        }
        assert_eq!(verdict(rule("").status(ExpirationStatus::Disabled), "a"), Verdict::Ok);
        let tag = Tag::builder().key("k").value("v").build().expect("tag");
        let tagged = rule("").filter(LifecycleRuleFilter::builder().tag(tag).build());
        assert_eq!(verdict(tagged, "a"), Verdict::Ok);
        let markers = LifecycleExpiration::builder().expired_object_delete_marker(true).build();
        assert_eq!(verdict(rule("").expiration(markers), "a"), Verdict::Ok);
    }

    #[test]
    fn a_rule_that_archives_our_objects_is_found() {
        let to = Transition::builder().storage_class(TransitionStorageClass::Glacier).build();
        let archiving = rule("").set_expiration(None).transitions(to);
        assert_eq!(verdict(archiving, "a"), Verdict::Warn);
    }
}

//! [`Line`]: what an API takes, and the walk that holds a broker to it.

use super::{Askers, Setting, allow, is_denied, rule};
use futures::future::LocalBoxFuture;
use kafka_protocol::messages::ApiKey;
use security::acl::{Binding, Operation, Pattern, Permission, ResourceType};

/// A rule that is needed: on a resource of that name.
pub type Need = (ResourceType, &'static str, Operation);

/// What an API takes to do something.
pub struct Line {
    pub key: ApiKey,
    /// What is done.
    pub what: &'static str,
    /// Any of these, each whole.
    pub needs: &'static [&'static [Need]],
    /// Asks as alice; answers the code, or that of a denial where something is left out.
    pub ask: fn(&mut Askers) -> LocalBoxFuture<'_, i16>,
}

/// `line!(Key, "what", needs, |askers| code)`.
macro_rules! line {
    ($key:ident, $what:literal, $needs:expr, |$askers:ident| $code:expr) => {
        Line {
            key: ApiKey::$key,
            what: $what,
            needs: $needs,
            ask: |$askers| async move { $code }.boxed_local(),
        }
    };
}
pub(super) use line;

/// The operations whose rules allow another.
fn allowing(operation: Operation) -> Vec<Operation> {
    use Operation as Op;
    match operation {
        Op::Describe => vec![Op::Describe, Op::Read, Op::Write, Op::Delete, Op::Alter, Op::All],
        Op::DescribeConfigs => vec![Op::DescribeConfigs, Op::AlterConfigs, Op::All],
        other => vec![other, Op::All],
    }
}

impl Line {
    /// Asks under every set of rules that matters; answers how many there were.
    pub async fn walk(&self, setting: &Setting) -> usize {
        let mut asked = self.expect(setting, &[], false).await;
        for needs in self.needs {
            let rules: Vec<_> = needs.iter().map(|(of, name, to)| allow(*of, name, *to)).collect();
            asked += self.expect(setting, &rules, true).await;
            for place in 0..needs.len() {
                asked += self.vary(setting, &rules, place, needs[place]).await;
            }
        }
        asked
    }

    /// Varies one of the rules.
    async fn vary(
        &self,
        setting: &Setting,
        rules: &[Binding],
        place: usize,
        (resource, name, operation): Need,
    ) -> usize {
        let with = |changed: Option<Binding>| {
            let mut rules = rules.to_vec();
            rules.splice(place..=place, changed);
            rules
        };
        let mut asked = self.expect(setting, &with(None), false).await;
        for other in allowing(operation) {
            let rules = with(Some(allow(resource, name, other)));
            asked += self.expect(setting, &rules, true).await;
        }
        for other in self.insufficient(resource, name) {
            let rules = with(Some(allow(resource, name, other)));
            asked += self.expect(setting, &rules, false).await;
        }
        let prefix = Pattern::Prefixed(name[..1].to_owned());
        for pattern in [prefix, Pattern::Literal("*".to_owned())] {
            let allowed = rule(resource, pattern.clone(), operation, Permission::Allow);
            asked += self.expect(setting, &with(Some(allowed.clone())), true).await;
            let mut denied = with(Some(allowed));
            denied.push(rule(resource, pattern, operation, Permission::Deny));
            asked += self.expect(setting, &denied, false).await;
        }
        let elsewhere = Binding { host: "10.1.2.3".to_owned(), ..rules[place].clone() };
        asked += self.expect(setting, &with(Some(elsewhere)), false).await;
        let for_others = Binding { principal: "User:bob".to_owned(), ..rules[place].clone() };
        asked + self.expect(setting, &with(Some(for_others)), false).await
    }

    /// Operations on a resource that none of the needs is met by.
    fn insufficient(&self, resource: ResourceType, name: &str) -> Vec<Operation> {
        let all_needs = self.needs.iter().flat_map(|needs| needs.iter());
        let meets = |operation: &Operation| {
            let mut on_it = all_needs.clone().filter(|need| (need.0, need.1) == (resource, name));
            on_it.any(|need| allowing(need.2).contains(operation))
        };
        resource.operations().iter().filter(|it| !meets(it)).copied().collect()
    }

    async fn expect(&self, setting: &Setting, rules: &[Binding], allowed: bool) -> usize {
        setting.rules(rules).await;
        let mut askers = setting.askers().await;
        let code = (self.ask)(&mut askers).await;
        assert_eq!(
            is_denied(code),
            !allowed,
            "{:?}, {}, under {rules:#?}: {code}",
            self.key,
            self.what
        );
        1
    }
}

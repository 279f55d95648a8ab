//! Decisions, each by a table.

use super::*;
use crate::Principal;
use proptest::prelude::*;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::LazyLock,
};

const ALICE: &str = "User:alice";
const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

static PRINCIPALS: LazyLock<[Principal; 3]> =
    LazyLock::new(|| ["alice", "bob", "admin"].map(Principal::user));

fn bob() -> &'static Principal {
    &PRINCIPALS[1]
}

fn admin() -> &'static Principal {
    &PRINCIPALS[2]
}

/// An authorizer with its rules.
struct Ruled(Authorizer, Rules);

impl Ruled {
    fn decide(&self, request: &Request<'_>) -> Decision {
        self.0.decide(&self.1, request)
    }

    fn decide_for_any(&self, request: &Request<'_>) -> bool {
        self.0.decide_for_any(&self.1, request).is_allowed()
    }
}

fn rule(pattern: Pattern, operation: Operation, permission: Permission) -> Binding {
    Binding {
        resource: ResourceType::Topic,
        pattern,
        principal: ALICE.to_owned(),
        host: "*".to_owned(),
        operation,
        permission,
    }
}

fn literal(name: &str) -> Pattern {
    Pattern::Literal(name.to_owned())
}

fn prefixed(name: &str) -> Pattern {
    Pattern::Prefixed(name.to_owned())
}

fn allow(pattern: Pattern, operation: Operation) -> Binding {
    rule(pattern, operation, Permission::Allow)
}

fn deny(pattern: Pattern, operation: Operation) -> Binding {
    rule(pattern, operation, Permission::Deny)
}

fn authorizer(rules: &[Binding]) -> Ruled {
    let super_users = BTreeSet::from(["admin".to_owned()]);
    Ruled(Authorizer::new(super_users, false), rules.iter().cloned().collect())
}

fn request(name: &str, operation: Operation) -> Request<'_> {
    let (principal, host) = (&PRINCIPALS[0], HOST);
    Request { principal, host, operation, resource: ResourceType::Topic, name }
}

fn may(rules: &[Binding], name: &str, operation: Operation) -> bool {
    authorizer(rules).decide(&request(name, operation)).is_allowed()
}

#[test]
fn nothing_is_allowed_without_a_rule_unless_it_is_asked_for() {
    use Operation::Read;
    assert!(!may(&[], "t", Read));
    let rules = [allow(literal("u"), Read)].into_iter().collect();
    let open = Ruled(Authorizer::new(BTreeSet::new(), true), rules);
    assert_eq!(open.decide(&request("t", Read)), Decision::AllowedWithoutRules);
    let other = Request { principal: bob(), ..request("u", Read) };
    assert_eq!(open.decide(&other), Decision::NotAllowed, "a rule for somebody else is a rule");
}

#[test]
fn super_users_may_do_what_is_denied() {
    let mut denied = deny(literal("*"), Operation::All);
    denied.principal = "User:*".to_owned();
    let authorizer = authorizer(&[denied]);
    let admin = Request { principal: admin(), ..request("t", Operation::Write) };
    assert_eq!(authorizer.decide(&admin), Decision::SuperUser);
    assert!(authorizer.decide_for_any(&admin));
    assert_eq!(authorizer.decide(&request("t", Operation::Write)), Decision::Denied);
}

#[test]
fn names_prefixes_and_the_wildcard_cover_what_they_say() {
    use Operation::Read;
    for (pattern, covered, not_covered) in [
        (literal("foo"), &["foo"][..], &["foobar", "fo", "*"][..]),
        (literal("*"), &["foo", "*", ""], &[]),
        (prefixed("foo"), &["foo", "foobar"], &["fo", "bar"]),
        (prefixed("*"), &["*", "*x"], &["foo"]),
        (prefixed("fö"), &["föö"], &["f", "fo"]),
    ] {
        let rules = [allow(pattern.clone(), Read)];
        assert!(covered.iter().all(|name| may(&rules, name, Read)), "{pattern:?}");
        assert!(!not_covered.iter().any(|name| may(&rules, name, Read)), "{pattern:?}");
    }
}

#[test]
fn a_rule_that_denies_wins_wherever_it_stands() {
    use Operation::{All, Read, Write};
    for (name, denied) in [
        ("foobar", deny(literal("foobar"), Read)),
        ("foobar", deny(prefixed("foo"), All)),
        ("foobar", deny(literal("*"), Read)),
    ] {
        for allowed in [literal("foobar"), prefixed("foob"), literal("*")] {
            let rules = [allow(allowed.clone(), All), denied.clone()];
            assert!(!may(&rules, name, Read));
            let reversed = [denied.clone(), allow(allowed, All)];
            assert!(!may(&reversed, name, Read));
            assert_eq!(may(&rules, name, Write), denied.operation == Read);
        }
    }
}

#[test]
fn operations_that_are_allowed_imply_looking() {
    use Operation as Op;
    for (given, implied) in [
        (Op::Read, Op::Describe),
        (Op::Write, Op::Describe),
        (Op::Delete, Op::Describe),
        (Op::Alter, Op::Describe),
        (Op::AlterConfigs, Op::DescribeConfigs),
        (Op::All, Op::Create),
    ] {
        assert!(may(&[allow(literal("t"), given)], "t", implied), "{given:?}");
        let denied = [allow(literal("t"), Op::All), deny(literal("t"), given)];
        assert_eq!(may(&denied, "t", implied), given != Op::All, "{given:?}");
    }
    for given in [Op::Create, Op::AlterConfigs, Op::ClusterAction, Op::IdempotentWrite] {
        assert!(!may(&[allow(literal("t"), given)], "t", Op::Describe), "{given:?}");
    }
    assert!(!may(&[allow(literal("t"), Op::Alter)], "t", Op::DescribeConfigs));
}

#[test]
fn principal_host_and_type_must_agree() {
    let authorizer = |change: fn(&mut Binding)| {
        let mut rule = allow(literal("t"), Operation::Read);
        change(&mut rule);
        authorizer(&[rule])
    };
    let asked = request("t", Operation::Read);
    let may = |change| authorizer(change).decide(&asked).is_allowed();
    assert!(may(|rule| rule.principal = "User:*".to_owned()));
    assert!(may(|rule| rule.host = "10.0.0.1".to_owned()));
    assert!(!may(|rule| rule.principal = "User:alic".to_owned()));
    assert!(!may(|rule| rule.principal = "*".to_owned()));
    assert!(!may(|rule| rule.host = "10.0.0.2".to_owned()));
    assert!(!may(|rule| rule.host = "localhost".to_owned()));
    assert!(!may(|rule| rule.resource = ResourceType::Group));
}

#[test]
fn some_resource_is_allowed_unless_all_that_are_are_denied() {
    use Operation::{All, Read, Write};
    let any = |rules: &[Binding]| authorizer(rules).decide_for_any(&request("", Write));
    assert!(!any(&[]));
    assert!(any(&[allow(literal("t"), Write)]));
    assert!(any(&[allow(prefixed("t"), All)]));
    assert!(!any(&[allow(literal("t"), Read)]));
    assert!(!any(&[allow(literal("t"), Write), deny(literal("t"), Write)]));
    assert!(!any(&[allow(literal("tea"), Write), deny(prefixed("t"), Write)]));
    assert!(!any(&[allow(prefixed("tea"), Write), deny(prefixed("tea"), All)]));
    assert!(any(&[allow(prefixed("t"), Write), deny(prefixed("tea"), Write)]));
    assert!(!any(&[allow(literal("t"), Write), deny(literal("*"), Write)]));
    assert!(any(&[allow(literal("*"), Write), deny(prefixed("t"), Write)]));
}

#[test]
fn filters_take_what_they_name() {
    let binding = allow(prefixed("foo"), Operation::Read);
    let named =
        |name: &str, pattern| Filter { name: Some(name.to_owned()), pattern, ..Filter::default() };
    for (filter, taken) in [
        (Filter::default(), true),
        (named("foo", PatternFilter::Any), true),
        (named("foobar", PatternFilter::Any), false),
        (named("foobar", PatternFilter::Match), true),
        (named("foo", PatternFilter::Literal), false),
        (named("foo", PatternFilter::Prefixed), true),
        (Filter { operation: Some(Operation::Write), ..Filter::default() }, false),
        (Filter { principal: Some("User:bob".to_owned()), ..Filter::default() }, false),
    ] {
        assert_eq!(filter.takes(&binding), taken, "{filter:?}");
    }
    let all = allow(literal("*"), Operation::Read);
    assert!(named("anything", PatternFilter::Match).takes(&all));
}

#[test]
fn an_address_is_the_same_however_it_is_written() {
    let from = |host: &str, rule_host: &str| {
        let mut rule = allow(literal("t"), Operation::Read);
        rule_host.clone_into(&mut rule.host);
        let asked = Request { host: host.parse().unwrap(), ..request("t", Operation::Read) };
        authorizer(&[rule]).decide(&asked).is_allowed()
    };
    assert!(from("::1", "0:0:0:0:0:0:0:1"), "as Java writes it");
    assert!(from("::ffff:10.0.0.1", "10.0.0.1"));
    assert!(!from("::1", "::2"));
}

#[test]
fn super_users_are_read_as_kafka_writes_them() {
    let read = |text| Authorizer::parse_super_users(text);
    let names = |names: &[&str]| Ok(names.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(read("User:a; User:CN=b,O=c;"), names(&["a", "CN=b,O=c"]));
    assert_eq!(read(""), names(&[]));
    for wrong in ["admin", "Group:a", "User:", "User:a;b"] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_word_has_its_number() {
    for number in 2..15 {
        let there = Operation::from_wire(number);
        assert_eq!(there.map(Operation::to_wire), Some(number));
    }
    for number in 2..8 {
        assert_eq!(ResourceType::from_wire(number).map(ResourceType::to_wire), Some(number));
    }
    assert_eq!(Operation::from_wire(1), None);
}

fn any_binding() -> impl Strategy<Value = Binding> {
    let name = prop::sample::select(vec!["*", "a", "ab", "abc", "b"]);
    let operation = prop::sample::select(vec![
        Operation::All,
        Operation::Read,
        Operation::Write,
        Operation::Describe,
        Operation::Alter,
    ]);
    let who = prop::sample::select(vec![ALICE, "User:*", "User:bob"]);
    let host = prop::sample::select(vec!["*", "10.0.0.1", "10.0.0.2"]);
    (name, any::<bool>(), operation, any::<bool>(), who, host).prop_map(
        |(name, is_literal, operation, allows, who, host)| {
            let pattern = if is_literal { literal(name) } else { prefixed(name) };
            let permission = if allows { Permission::Allow } else { Permission::Deny };
            let mut binding = rule(pattern, operation, permission);
            who.clone_into(&mut binding.principal);
            host.clone_into(&mut binding.host);
            binding
        },
    )
}

/// The definition, rule by rule.
fn by_definition(rules: &[Binding], request: &Request<'_>) -> bool {
    let about: Vec<_> = rules.iter().filter(|rule| rule.pattern.covers(request.name)).collect();
    let applies = |rule: &&&Binding| {
        let principal = request.principal.to_string();
        let who = [principal.as_str(), "User:*"].contains(&rule.principal.as_str());
        let host = request.host.to_string();
        let host = [host.as_str(), "*"].contains(&rule.host.as_str());
        let operation = rule.operation == Operation::All
            || rule.operation == request.operation
            || rule.permission == Permission::Allow && rule.operation.implies(request.operation);
        who && host && operation
    };
    let mut applying = about.iter().filter(applies);
    let denied = applying.clone().any(|rule| rule.permission == Permission::Deny);
    !denied && applying.any(|rule| rule.permission == Permission::Allow)
}

proptest! {
    #[test]
    fn decisions_are_those_of_the_definition(
        rules in prop::collection::vec(any_binding(), 0..8),
        name in prop::sample::select(vec!["a", "ab", "abc", "abcd", "b", "*"]),
        operation in prop::sample::select(vec![Operation::Read, Operation::Describe, Operation::Write]),
    ) {
        let asked = request(name, operation);
        prop_assert_eq!(authorizer(&rules).decide(&asked).is_allowed(), by_definition(&rules, &asked));
    }

    #[test]
    fn rules_that_are_removed_leave_the_others(
        rules in prop::collection::btree_set(any_binding(), 0..12),
        keeps in prop::collection::vec(any::<bool>(), 12),
    ) {
        let mut changed: Rules = rules.iter().cloned().collect();
        let removed = rules.iter().zip(&keeps).filter(|(_, keep)| !**keep);
        removed.for_each(|(rule, _)| changed.remove(rule));
        let kept: Vec<_> = rules.iter().zip(&keeps).filter(|(_, keep)| **keep).collect();
        let kept: Vec<_> = kept.into_iter().map(|(rule, _)| rule.clone()).collect();
        let changed = Ruled(Authorizer::default(), changed);
        for name in ["a", "ab", "abcd", "b", "*"] {
            for operation in [Operation::Read, Operation::Describe] {
                let asked = request(name, operation);
                prop_assert_eq!(changed.decide(&asked).is_allowed(), by_definition(&kept, &asked));
            }
        }
    }
}

//! Decisions about access rules, as Apache Kafka's own authorizer makes them.

use crate::harness::{
    programs::{clients, java, run, text},
    rolls::Rolls,
};
use security::{
    Principal,
    acl::{Authorizer, Binding, Operation, Pattern, Permission, Request, ResourceType, Rules},
};
use std::{collections::BTreeSet, fmt::Write};

const SETS: u64 = 10_000;
const QUESTIONS: usize = 6;

const NAMES: [&str; 12] =
    ["*", "a", "ab", "abc", "abcd", "b", "ba", "ä", "äb", "a*", "hardcode", "kafka-cluster"];
const PRINCIPALS: [&str; 5] = ["User:alice", "User:bob", "User:*", "Group:alice", "User:"];
const HOSTS: [&str; 5] = ["*", "10.0.0.1", "10.0.0.2", "localhost", "0:0:0:0:0:0:0:1"];
const RESOURCES: [ResourceType; 4] = [
    ResourceType::Topic,
    ResourceType::Group,
    ResourceType::Cluster,
    ResourceType::TransactionalId,
];

fn operation(rolls: &mut Rolls, first: i8) -> Operation {
    // Reading, writing and what they imply half of the time.
    let number = if rolls.below(2) == 0 { rolls.below(3) as i8 * 2 + 4 } else { 0 };
    let any = rolls.below(u64::from((15 - first).unsigned_abs())) as i8 + first;
    Operation::from_wire(if number == 0 { any } else { number }).unwrap()
}

/// Rules of few types and names, so that they meet.
fn rule(rolls: &mut Rolls, resources: &[ResourceType]) -> Binding {
    let name = (*rolls.one_of(&NAMES)).to_owned();
    Binding {
        resource: *rolls.one_of(resources),
        pattern: match rolls.below(2) {
            0 => Pattern::Literal(name),
            _ => Pattern::Prefixed(name),
        },
        principal: (*rolls.one_of(&PRINCIPALS)).to_owned(),
        host: (*rolls.one_of(&HOSTS)).to_owned(),
        operation: operation(rolls, 2),
        permission: if rolls.below(4) == 0 { Permission::Deny } else { Permission::Allow },
    }
}

fn line(verb: &str, rule: &Binding) -> String {
    format!(
        "{verb}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n",
        rule.resource.to_wire(),
        rule.pattern.to_wire(),
        rule.pattern.name(),
        rule.principal,
        rule.host,
        rule.operation.to_wire(),
        rule.permission.to_wire()
    )
}

/// Questions to both, and the answers of ours.
#[derive(Default)]
struct Script {
    lines: String,
    answers: Vec<bool>,
    /// The line of each answer.
    asked: Vec<String>,
}

impl Script {
    fn set(&mut self, rolls: &mut Rolls) {
        let is_open = rolls.below(3) == 0;
        let authorizer = Authorizer::new(BTreeSet::from(["root".to_owned()]), is_open);
        writeln!(self.lines, "new\t{is_open}\tUser:root").unwrap();
        let resources = &RESOURCES[..=rolls.below(2) as usize];
        let made: BTreeSet<Binding> =
            (0..rolls.below(14)).map(|_| rule(rolls, resources)).collect();
        let mut rules = Rules::default();
        for rule in &made {
            rules.add(rule);
            self.lines += &line("add", rule);
        }
        for rule in made.iter().filter(|_| rolls.below(4) == 0).collect::<Vec<_>>() {
            rules.remove(rule);
            self.lines += &line("remove", rule);
        }
        for _ in 0..QUESTIONS {
            self.ask(rolls, &authorizer, &rules, resources);
        }
    }

    fn ask(
        &mut self,
        rolls: &mut Rolls,
        authorizer: &Authorizer,
        rules: &Rules,
        resources: &[ResourceType],
    ) {
        let user = *rolls.one_of(&["alice", "alice", "alice", "bob", "carol", "root"]);
        let host = *rolls.one_of(&["10.0.0.1", "10.0.0.1", "10.0.0.2", "::1"]);
        let operation = operation(rolls, 3);
        let resource = *rolls.one_of(resources);
        let name = *rolls.one_of(&NAMES);
        let principal = Principal::user(user);
        let host_address = host.parse().unwrap();
        let request =
            Request { principal: &principal, host: host_address, operation, resource, name };
        let (operation, resource) = (operation.to_wire(), resource.to_wire());
        let (decision, line) = if rolls.below(4) == 0 {
            let line = format!("some\t{user}\t{host}\t{operation}\t{resource}\n");
            (authorizer.decide_for_any(rules, &request), line)
        } else {
            let line = format!("may\t{user}\t{host}\t{operation}\t{resource}\t{name}\n");
            (authorizer.decide(rules, &request), line)
        };
        self.lines += &line;
        self.asked.push(line);
        self.answers.push(decision.is_allowed());
    }
}

#[test]
fn ten_thousand_sets_of_rules_are_read_as_kafka_reads_them() {
    let mut rolls = Rolls::new(8);
    let mut script = Script::default();
    (0..SETS).for_each(|_| script.set(&mut rolls));
    let mut kafka = java();
    kafka.arg(clients().join("java/Authorize.java"));
    let answers = text(&run(&mut kafka, script.lines.as_bytes()).stdout);
    let answers: Vec<bool> = answers.lines().map(|line| line == "true").collect();
    assert_eq!(answers.len(), script.answers.len());
    let allowed = answers.iter().filter(|allowed| **allowed).count();
    assert!(allowed > answers.len() / 5 && allowed < answers.len() * 4 / 5, "{allowed}");
    let mut both = answers.iter().zip(&script.answers).zip(&script.asked);
    let differing = both.find(|((kafka, ours), _)| kafka != ours);
    assert_eq!(differing, None, "Kafka's answer, ours, and the question");
}

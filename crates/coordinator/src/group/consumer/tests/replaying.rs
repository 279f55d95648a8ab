//! What is stored of a group is the group: loaded anew, it goes on as it was.

use super::*;
use proptest::prelude::*;

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    Join { member: usize, topics: u8, is_static: bool },
    Beat { member: usize, says_what_it_holds: bool },
    Subscribe { member: usize, topics: u8 },
    Leave { member: usize },
    GoForAWhile { member: usize },
    Pass { seconds: u64 },
    Grow { topic: u8 },
    Crash,
}

const TOPICS: [&str; 3] = ["t", "u", "v"];

fn event() -> impl Strategy<Value = Event> {
    let member = || 0_usize..5;
    prop_oneof![
        3 => (member(), 0_u8..8, prop::bool::ANY)
            .prop_map(|(member, topics, is_static)| Event::Join { member, topics, is_static }),
        6 => (member(), prop::bool::weighted(0.8))
            .prop_map(|(member, says_what_it_holds)| Event::Beat { member, says_what_it_holds }),
        1 => (member(), 0_u8..8).prop_map(|(member, topics)| Event::Subscribe { member, topics }),
        1 => member().prop_map(|member| Event::Leave { member }),
        1 => member().prop_map(|member| Event::GoForAWhile { member }),
        2 => (1_u64..30).prop_map(|seconds| Event::Pass { seconds }),
        1 => (0_u8..3).prop_map(|topic| Event::Grow { topic }),
        1 => Just(Event::Crash),
    ]
}

fn names(topics: u8) -> Vec<&'static str> {
    (0..).zip(TOPICS).filter(|(bit, _)| topics & (1 << bit) != 0).map(|(_, name)| name).collect()
}

/// A client as it knows itself.
#[derive(Clone, Default)]
struct Client {
    epoch: u32,
    owned: Partitions,
    is_static: bool,
}

fn play(scene: &mut Scene, clients: &mut [Client], event: &Event) {
    let id = |member: usize| format!("member-{member}");
    let instance = |member: usize, client: &Client| {
        client.is_static.then(|| Arc::from(format!("instance-{member}")))
    };
    match event {
        Event::Join { member, topics, is_static } => {
            clients[*member].is_static = *is_static;
            let instance = instance(*member, &clients[*member]);
            let beat = ConsumerHeartbeat { instance, ..first(&id(*member), &names(*topics)) };
            take(scene.beat(beat), &mut clients[*member]);
        }
        Event::Beat { member, says_what_it_holds } => {
            let client = &mut clients[*member];
            let owned = says_what_it_holds.then(|| client.owned.clone());
            let instance = instance(*member, client);
            let beat = next(&id(*member), client.epoch.max(1));
            take(scene.beat(ConsumerHeartbeat { instance, owned, ..beat }), client);
        }
        Event::Subscribe { member, topics } => {
            let client = &mut clients[*member];
            let instance = instance(*member, client);
            let beat = next(&id(*member), client.epoch.max(1));
            let names = Some(all_topics(&names(*topics)));
            take(scene.beat(ConsumerHeartbeat { instance, names, ..beat }), client);
        }
        Event::Leave { member } | Event::GoForAWhile { member } => {
            let leave = ConsumerLeave {
                member: id(*member).into(),
                instance: instance(*member, &clients[*member]),
                for_a_while: matches!(event, Event::GoForAWhile { .. }),
            };
            let left = scene.event(|group, view| group.consumer_leave(&leave, view));
            if left.is_ok() {
                clients[*member].owned = Partitions::default();
            }
        }
        Event::Pass { seconds } => scene.pass(Duration::from_secs(*seconds)),
        Event::Grow { topic } => {
            let name = TOPICS[*topic as usize];
            let partitions = scene.topics.topics[name];
            scene.change_topic(name, partitions + 1);
        }
        Event::Crash => scene.group = loaded(scene),
    }
}

fn take(answer: Result<ConsumerAnswer, GroupError>, client: &mut Client) {
    match answer {
        Ok(answer) => {
            client.epoch = answer.epoch.cast_unsigned();
            if let Some(assignment) = answer.assignment {
                client.owned = assignment;
            }
        }
        // Whoever is fenced, or forgotten, gives everything up.
        Err(_) => *client = Client { is_static: client.is_static, ..Client::default() },
    }
}

fn loaded(scene: &Scene) -> Group {
    let Some(group) = scene.stored.group.clone() else {
        return Group::new("g".into(), scene.now);
    };
    let members = scene.stored.members.clone().into_iter().collect();
    let session_timeout = scene.limits.consumer.session_timeout;
    Group::from_records("g".into(), group, members, session_timeout, scene.now)
}

/// Everything that is stored of a group.
fn records(group: &Group) -> Stored {
    let Ok(description) = group.describe_consumers(&View {
        catalog: &Topics::default(),
        limits: &GroupLimits::default(),
        now: Now { time: Time::ZERO, unix_ms: 0 },
    }) else {
        return Stored::default();
    };
    let members = description
        .members
        .iter()
        .map(|member| (member.id.clone(), group.member_record(&member.id).unwrap()));
    Stored { group: Some(group.record()), members: members.collect() }
}

proptest! {
    #[test]
    fn a_loaded_group_is_the_group_that_was_stored(
        events in prop::collection::vec(event(), 1..80)
    ) {
        let mut scene = Scene::new(&[("t", 3), ("u", 2), ("v", 0)]);
        let mut clients = vec![Client::default(); 5];
        for event in &events {
            play(&mut scene, &mut clients, event);
            let live = records(&scene.group);
            prop_assert_eq!(&live, &scene.stored, "what is stored, after {:?}", event);
            prop_assert_eq!(&records(&loaded(&scene)), &live, "what is loaded, after {:?}", event);
            let mut held = BTreeSet::new();
            for member in scene.group.describe_consumers(&View {
                catalog: &scene.topics,
                limits: &scene.limits,
                now: scene.now,
            }).map(|it| it.members).unwrap_or_default() {
                for it in member.assigned.iter() {
                    prop_assert!(held.insert(it), "{:?} is assigned twice", it);
                }
            }
        }
    }
}

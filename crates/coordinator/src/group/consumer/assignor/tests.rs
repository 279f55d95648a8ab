//! Assignments of groups by their shape.

use super::*;
use proptest::prelude::*;

fn topic(number: u8) -> TopicId {
    TopicId::from_bytes([number; 16])
}

/// Members by number, with the topics that each reads.
type Readers = Vec<(MemberId, BTreeSet<TopicId>)>;

fn readers(of: &[&[u8]]) -> Readers {
    let members = (0..).zip(of);
    members
        .map(|(number, topics)| {
            (format!("member-{number:04}").into(), topics.iter().map(|it| topic(*it)).collect())
        })
        .collect()
}

fn assign(assignor: Assignor, readers: &Readers, sizes: &[u32], target: &mut Target) {
    let topics = (0..).zip(sizes).map(|(number, size)| (topic(number), *size));
    let members = readers.iter().map(|(id, topics)| SpecMember { id, instance: None, topics });
    let spec = Spec { members: members.collect(), topics: topics.collect() };
    assignor.assign(&spec, target);
}

fn sizes(target: &Target) -> Vec<usize> {
    target.values().map(Partitions::len).collect()
}

/// What moved from one member to another.
fn moved(before: &Target, after: &Target) -> usize {
    let had = before.iter().flat_map(|(member, share)| share.iter().map(move |it| (it, member)));
    let had: BTreeMap<_, _> = had.collect();
    let has = after.iter().flat_map(|(member, share)| share.iter().map(move |it| (it, member)));
    has.filter(|(it, member)| had.get(it).is_some_and(|before| before != member)).count()
}

#[test]
fn uniform_gives_everybody_as_much_and_moves_no_more_than_a_newcomer_gets() {
    let mut target = Target::new();
    let three = readers(&[&[0, 1], &[0, 1], &[0, 1]]);
    assign(Assignor::Uniform, &three, &[7, 4], &mut target);
    assert_eq!(sizes(&target), [4, 4, 3]);
    let before = target.clone();
    let four = readers(&[&[0, 1], &[0, 1], &[0, 1], &[0, 1]]);
    assign(Assignor::Uniform, &four, &[7, 4], &mut target);
    assert_eq!((sizes(&target), moved(&before, &target)), (vec![3, 3, 3, 2], 2));
}

#[test]
fn uniform_gives_the_share_of_one_that_left_to_the_others_and_leaves_theirs() {
    let mut target = Target::new();
    assign(Assignor::Uniform, &readers(&[&[0], &[0], &[0]]), &[9], &mut target);
    let before = target.clone();
    assign(Assignor::Uniform, &readers(&[&[0], &[0]]), &[9], &mut target);
    assert_eq!((sizes(&target), moved(&before, &target)), (vec![5, 4], 3));
}

#[test]
fn range_gives_the_same_numbers_of_every_topic() {
    let mut target = Target::new();
    assign(Assignor::Range, &readers(&[&[0, 1], &[0, 1]]), &[3, 3], &mut target);
    let shares: Vec<Vec<_>> = target.values().map(|share| share.iter().collect()).collect();
    let first = vec![(topic(0), 0), (topic(0), 1), (topic(1), 0), (topic(1), 1)];
    assert_eq!(shares, [first, vec![(topic(0), 2), (topic(1), 2)]]);
}

#[test]
fn range_gives_a_topic_to_those_that_read_it() {
    let mut target = Target::new();
    assign(Assignor::Range, &readers(&[&[0], &[0, 1], &[]]), &[2, 2], &mut target);
    assert_eq!(sizes(&target), [1, 3, 0]);
}

#[test]
fn static_members_come_first_in_a_range_by_their_instances() {
    let topics = BTreeSet::from([topic(0)]);
    let ids: Vec<MemberId> = ["a", "b", "c"].map(MemberId::from).to_vec();
    let instances: Vec<Option<InstanceId>> = vec![None, Some("2".into()), Some("1".into())];
    let members = ids.iter().zip(&instances);
    let members = members.map(|(id, instance)| SpecMember {
        id,
        instance: instance.as_ref(),
        topics: &topics,
    });
    let spec = Spec { members: members.collect(), topics: BTreeMap::from([(topic(0), 3)]) };
    let mut target = Target::new();
    Assignor::Range.assign(&spec, &mut target);
    let first: Vec<u32> = target.values().map(|share| share.iter().next().unwrap().1).collect();
    assert_eq!(first, [2, 1, 0]);
}

#[test]
fn a_partition_that_is_gone_is_nobodys() {
    let mut target = Target::new();
    assign(Assignor::Uniform, &readers(&[&[0], &[0]]), &[4], &mut target);
    assign(Assignor::Uniform, &readers(&[&[0], &[0]]), &[2], &mut target);
    assert_eq!(sizes(&target), [1, 1]);
}

proptest! {
    #[test]
    fn every_partition_that_is_read_is_one_readers(
        steps in prop::collection::vec(
            (
                prop::collection::vec(prop::collection::btree_set(0_u8..4, 0..4), 1..9),
                prop::collection::vec(0_u32..12, 4),
                prop::bool::ANY,
            ),
            1..6,
        )
    ) {
        let mut target = Target::new();
        for (members, counts, uniform) in steps {
            let of: Vec<Vec<u8>> = members.iter().map(|it| it.iter().copied().collect()).collect();
            let of: Vec<&[u8]> = of.iter().map(Vec::as_slice).collect();
            let readers = readers(&of);
            let assignor = if uniform { Assignor::Uniform } else { Assignor::Range };
            assign(assignor, &readers, &counts, &mut target);
            let mut seen = BTreeSet::new();
            for (member, topics) in &readers {
                for (topic, partition) in target[member].iter() {
                    prop_assert!(topics.contains(&topic), "only what it reads");
                    prop_assert!(seen.insert((topic, partition)), "nobody else's");
                }
            }
            let read: usize = (0..).zip(&counts)
                .filter(|(number, _)| readers.iter().any(|(_, it)| it.contains(&topic(*number))))
                .map(|(_, count)| *count as usize)
                .sum();
            prop_assert_eq!(seen.len(), read, "all of it");
            if uniform && members.windows(2).all(|pair| pair[0] == pair[1]) {
                let sizes = sizes(&target);
                let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
                prop_assert!(most - least <= 1, "{:?}", sizes);
            }
        }
    }
}

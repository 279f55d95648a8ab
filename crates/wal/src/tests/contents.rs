//! What is said of a directory is what recovery would say of it, and what salvage would find in it.

use super::support::{
    BLOCK, append_sized, disk_of, disk_with_a_tail, disk_with_quarantine, files, open, options,
    try_open,
};
use crate::{
    Content, ContentPlace, Durability, SalvagedFrame, WalError, contents, file_name::Role, salvage,
};
use runtime::disk::{Disk, SimulatedDisk};

fn told(disk: &SimulatedDisk) -> Vec<Content> {
    contents(disk).unwrap().map(Result::unwrap).collect()
}

fn frames(told: &[Content]) -> Vec<SalvagedFrame> {
    let frame = |content: &Content| match content {
        Content::Frame(frame) | Content::Beyond(frame) => Some(frame.clone()),
        _ => None,
    };
    told.iter().filter_map(frame).collect()
}

fn damage(told: &[Content]) -> Vec<&ContentPlace> {
    let places = told.iter().filter_map(|content| match content {
        Content::Damage(place) => Some(place),
        _ => None,
    });
    places.collect()
}

/// A disk whose directory needed more than one file, with a tail that nobody waited for.
fn two_files() -> SimulatedDisk {
    let disk = disk_of(0..18, 18..20);
    assert_eq!(files(&disk, Role::Live).len(), 2);
    disk
}

#[test]
fn a_whole_directory_is_frames_and_files_and_nothing_else() {
    let disk = two_files();
    let told = told(&disk);
    let kept = |content: &Content| matches!(content, Content::Frame(_) | Content::File(_));
    assert!(told.iter().all(kept), "{told:?}");
    let offsets: Vec<_> = frames(&told).iter().map(|it| it.meta.base_offset.get()).collect();
    assert_eq!(offsets, (0..20).collect::<Vec<_>>());
    let files = told.iter().filter_map(|content| match content {
        Content::File(file) => Some((file.frames, file.frames_beyond, file.stream.unwrap())),
        _ => None,
    });
    let [first, second] = files.collect::<Vec<_>>().try_into().unwrap();
    assert_eq!((first.0 + second.0, first.1 + second.1), (20, 0));
    assert_eq!(first.2.first_position, 0);
    assert_eq!(first.2.end_position, second.2.first_position);
    assert_eq!(second.2.end_position, 20 * BLOCK);
}

#[test]
fn whatever_bit_flips_the_place_is_the_one_that_a_broker_refuses() {
    for file in 0..2 {
        for block in 0..6 {
            for byte in [0, 8, 12, 63, 64, 72, 127, 128, 200] {
                let disk = two_files();
                let name = files(&disk, Role::Live)[file].clone();
                disk.flip_bit(&name, block * BLOCK + byte, 0);
                let told = told(&disk);
                let found = salvage(&disk).unwrap().map(Result::unwrap).collect::<Vec<_>>();
                assert_eq!(frames(&told), found);
                let context = format!("{name} block {block} byte {byte}: {:?}", damage(&told));
                match try_open(&disk, options()) {
                    Ok(_) => assert!(damage(&told).is_empty(), "{context}"),
                    Err(WalError::Damaged { file, offset, .. }) => {
                        let place = *damage(&told).first().expect(&context);
                        assert_eq!(
                            (format!("simulated/{}", place.file), place.offset),
                            (file, offset)
                        );
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
}

#[test]
fn frames_behind_damage_are_told_apart_and_stand_behind_it() {
    let disk = two_files();
    disk.flip_bit(&files(&disk, Role::Live)[0], 2 * BLOCK + 200, 3);
    let told = told(&disk);
    assert!(matches!(&told[0], Content::Frame(frame) if frame.meta.base_offset.get() == 0));
    assert!(matches!(&told[1], Content::Damage(place) if place.offset == 2 * BLOCK));
    assert!(matches!(&told[2], Content::Beyond(frame) if frame.meta.base_offset.get() == 2));
}

#[test]
fn a_torn_tail_is_no_damage() {
    let disk = disk_with_a_tail();
    disk.flip_bit(&files(&disk, Role::Live)[0], 3 * BLOCK + 200, 3);
    let told = told(&disk);
    assert!(damage(&told).is_empty());
    assert!(matches!(&told[2], Content::TornTail(place) if place.offset == 3 * BLOCK), "{told:?}");
    assert!(matches!(&told[3], Content::Beyond(_)));
}

#[test]
fn a_missing_file_in_the_middle_is_damage_of_the_one_before() {
    let disk = SimulatedDisk::new();
    let (wal, _) = open(&disk);
    for offset in 0..8 {
        append_sized(&wal, offset, 20_000, Durability::Synced);
        wal.step();
    }
    std::mem::forget(wal);
    let disk = disk.restart();
    let files = files(&disk, Role::Live);
    disk.remove(&files[1]).unwrap();
    let told = told(&disk);
    let place = damage(&told)[0];
    assert_eq!(place.file, files[0]);
    assert!(place.reason.contains("further on"), "{}", place.reason);
}

#[test]
fn a_file_that_is_cut_is_damage_wherever_it_is_cut() {
    for length in [0, 100, BLOCK, 3 * BLOCK + 17] {
        let disk = two_files();
        let name = files(&disk, Role::Live)[0].clone();
        let whole = disk.read(&name).unwrap().unwrap();
        disk.replace(&name, &whole[..length as usize]).unwrap();
        let told = told(&disk);
        assert_eq!(damage(&told).len(), 1, "{length}: {told:?}");
        assert_eq!(damage(&told)[0].file, name);
    }
}

#[test]
fn an_earlier_wal_in_quarantine_is_judged_by_itself() {
    let disk = disk_with_quarantine();
    let told = told(&disk);
    assert!(damage(&told).is_empty(), "{told:?}");
    assert_eq!(frames(&told).len(), 3);
    let quarantined = told.iter().filter_map(|content| match content {
        Content::File(file) => Some(file.quarantined),
        _ => None,
    });
    assert_eq!(quarantined.collect::<Vec<_>>(), [true, false]);
}

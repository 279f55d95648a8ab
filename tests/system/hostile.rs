//! Hostile bytes against a real broker: it answers or closes, serves others meanwhile, and stays within its memory.

use crate::harness::{Broker, Deployment, Kind, programs::create_topic};
use request_schema::{
    Message, Versions,
    sample::{Content, Sample, TEXT},
};
use runtime::Randomness;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// What a broker may have resident at most while it is attacked: some 40 MiB when idle, `queued.max.request.bytes` of requests (128 MiB),
/// what as many as there are cores are decoded to (32 MiB each), and what the allocator gives back a second later, of bodies that grew, too.
const MEMORY_LIMIT_BYTES: u64 = 352 << 20;

/// The most that one attempt sends at once where memory is the aim.
const LARGE_FRAME_BYTES: usize = 16 << 20;

/// What a broker did with a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Reaction {
    Answered(Vec<u8>),
    Closed,
    /// Nothing within the time given.
    Silent,
}

fn connect(broker: &Broker) -> TcpStream {
    let stream = TcpStream::connect(broker.address()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn send(stream: &mut TcpStream, frame: &[u8]) -> std::io::Result<()> {
    let length = (frame.len() as u32).to_be_bytes();
    stream.write_all(&[&length[..], frame].concat())
}

fn react(stream: &mut TcpStream, frame: &[u8], patience: Duration) -> Reaction {
    stream.set_read_timeout(Some(patience)).unwrap();
    if send(stream, frame).is_err() {
        return Reaction::Closed;
    }
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Reaction::Silent,
        Err(_) => return Reaction::Closed,
    }
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).map_or(Reaction::Closed, |()| Reaction::Answered(answer))
}

/// Every API that `ApiVersions` names, in the versions that are served.
fn advertised(broker: &Broker) -> Vec<(&'static Message, i16)> {
    let request = Sample::new(request_schema::request(18).unwrap(), 0, 1, Content::Least);
    let answer = react(&mut connect(broker), &request.bytes, Duration::from_secs(10));
    let Reaction::Answered(answer) = answer else { panic!("ApiVersions is not answered") };
    let number = |bytes: &[u8]| i16::from_be_bytes([bytes[0], bytes[1]]);
    // Correlation id, error, count; then key, lowest and highest version of each API.
    let apis = answer[10..].chunks_exact(6).map(|api| {
        let served = Versions::new(number(&api[2..]), number(&api[4..]));
        (request_schema::request(number(api)).unwrap(), served)
    });
    let pairs = apis.flat_map(|(schema, served)| {
        (served.min.max(schema.versions.min)..=served.max).map(move |version| (schema, version))
    });
    pairs.collect()
}

/// A good client's view: a topic's metadata, and a request that it has sent before the attack began.
fn assert_serves(broker: &Broker) {
    let metadata = Sample::new(request_schema::request(3).unwrap(), 12, 7, Content::Typical);
    let answer = react(&mut connect(broker), &metadata.bytes, Duration::from_secs(30));
    assert!(matches!(answer, Reaction::Answered(_)), "{answer:?}");
}

fn assert_memory(broker: &Broker) {
    let peak = broker.peak_resident_bytes();
    assert!(peak < MEMORY_LIMIT_BYTES, "{} MiB resident at the peak", peak >> 20);
}

fn attacked() -> (Deployment, Broker) {
    let deployment = Deployment::start(Kind::Embedded);
    let broker = deployment.broker(&[]);
    create_topic(&broker.address(), TEXT, 2, &[]);
    (deployment, broker)
}

#[test]
fn a_length_that_lies_closes_the_connection_at_every_place_of_every_version() {
    let (_deployment, broker) = attacked();
    let mut attempts = 0;
    for (schema, version) in advertised(&broker) {
        let sample = Sample::new(schema, version, 1, Content::Typical);
        for length in sample.lengths.iter().filter(|length| length.field != "tag") {
            for value in [i32::MAX, -2, i32::MIN] {
                let frame = sample.with_length(length, value);
                let reaction = react(&mut connect(&broker), &frame, Duration::from_secs(10));
                let what = format!("{} version {version}: {length:?} = {value}", schema.name);
                assert_eq!(reaction, Reaction::Closed, "{what}");
                attempts += 1;
            }
        }
    }
    assert!(attempts > 1_000, "{attempts}");
    assert_serves(&broker);
    assert_memory(&broker);
}

/// The bytes with some of them changed, doubled or gone. Key and version stay.
fn mutated(bytes: &[u8], randomness: &Randomness) -> Vec<u8> {
    let below = |bound: usize| randomness.below(bound as u64) as usize;
    let mut bytes = bytes.to_vec();
    for _ in 0..=below(4) {
        let position = 8 + below(bytes.len() - 8);
        match below(4) {
            0 => bytes[position] = [0, 1, 0x7f, 0x80, 0xff][below(5)],
            1 => bytes[position] = below(256) as u8,
            2 => bytes.insert(position, below(256) as u8),
            _ if bytes.len() > 9 => drop(bytes.remove(position)),
            _ => {}
        }
    }
    bytes
}

#[test]
fn mutated_requests_never_hurt_the_broker() {
    let (_deployment, broker) = attacked();
    let randomness = Randomness::seeded(0x5eed);
    let mut connection = connect(&broker);
    for (schema, version) in advertised(&broker) {
        for content in [Content::Typical, Content::Least] {
            let sample = Sample::new(schema, version, 1, content);
            for _ in 0..12 {
                let frame = mutated(&sample.bytes, &randomness);
                let reaction = react(&mut connection, &frame, Duration::from_millis(200));
                if !matches!(reaction, Reaction::Answered(_)) {
                    connection = connect(&broker);
                }
            }
        }
    }
    assert_serves(&broker);
    assert_memory(&broker);
}

/// Frames as full of elements as the walk lets pass, or just too full, from several connections at once.
#[test]
fn frames_full_of_tiny_elements_stay_within_the_memory() {
    let (_deployment, broker) = attacked();
    let bombs: Vec<Vec<u8>> = [(3_i16, 1_i16, 1_u8), (20, 1, 0), (32, 1, 0), (2, 1, 0), (1, 4, 0)]
        .map(|(api_key, version, byte)| bomb(api_key, version, byte))
        .into();
    std::thread::scope(|scope| {
        for frame in bombs.iter().flat_map(|bomb| [bomb, bomb, bomb]) {
            scope.spawn(|| react(&mut connect(&broker), frame, Duration::from_secs(10)));
        }
    });
    assert_serves(&broker);
    assert_memory(&broker);
}

/// A request of which the first array has as many elements as fit, each made of the same byte.
fn bomb(api_key: i16, version: i16, byte: u8) -> Vec<u8> {
    let schema = request_schema::request(api_key).unwrap();
    let sample = Sample::new(schema, version, 1, Content::Least);
    // The first length is the client id's, the second that of the first array.
    let count_at = sample.lengths[1].position;
    let mut frame = sample.bytes[..count_at].to_vec();
    frame.extend_from_slice(&200_000_u32.to_be_bytes());
    frame.resize(LARGE_FRAME_BYTES, byte);
    frame
}

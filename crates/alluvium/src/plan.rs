//! `alluvium plan`: from a load to brokers, requests and dollars a month. Pure arithmetic over figures that were measured.
//!
//! What it does not know it does not say: how many brokers Kafka would need, and what consumers move between zones.

mod coefficients;
mod prices;
mod quantity;

use coefficients::{
    BATCH_CPU_SECONDS, BYTES_IN_CPU_SECONDS, BYTES_OUT_CPU_SECONDS, ETCD_BYTES_FOR_A_PARTITION,
    FLUSH_BYTES, FLUSHES_A_SECOND_AT_LEAST, FLUSHES_A_SECOND_AT_MOST, FLUSHES_GATHERED,
    GATHERED_BYTES_A_SECOND, GATHERED_CPU_SECONDS, GATHERED_SEGMENT_BYTES, GIB, KAFKA_DISK_FILL,
    KAFKA_REPLICAS, READ_BYTES, REQUEST_CPU_SECONDS, UNGATHERED_BYTES,
};
use quantity::{amount, bytes, rate};
use std::{
    io::{self, Write},
    time::Duration,
};

const SECONDS_OF_A_MONTH: f64 = 730.0 * 3600.0;
/// Of three zones, two are another one.
const OTHER_ZONES: f64 = 2.0 / 3.0;

/// A load, and what it is to be served with.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PlanFlags {
    /// Messages: 50k/s, 260G/day
    #[arg(long, value_name = "RATE", value_parser = rate)]
    messages: f64,
    /// Bytes that producers send, compressed as they come: 100MB/s, 240TB/day
    #[arg(long, value_name = "RATE", value_parser = rate)]
    bytes_in: f64,
    /// Bytes that consumers get, all groups together; as many as come in when not given
    #[arg(long, value_name = "RATE", value_parser = rate)]
    bytes_out: Option<f64>,
    /// How long records are kept
    #[arg(long, default_value = "3d", value_parser = duration)]
    retention: Duration,
    /// Partitions of all topics together
    #[arg(long, default_value = "1000", value_parser = amount)]
    partitions: f64,
    /// What one request of a producer holds
    #[arg(long, value_name = "BYTES", default_value = "64KiB", value_parser = amount)]
    request_bytes: f64,
    /// What one batch holds: a request has a batch for each of its partitions
    #[arg(long, value_name = "BYTES", default_value = "16KiB", value_parser = amount)]
    batch_bytes: f64,
    /// How much of what consumers get is older than what brokers have in memory
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    history: f64,
    /// Producers wait for each answer, as default producers in object mode mostly do: brokers then flush as often as they may
    #[arg(long)]
    producers_wait: bool,
    /// The highest rate, in times of the mean
    #[arg(long, default_value_t = 2.0)]
    peak: f64,
    /// Cores of a broker
    #[arg(long, default_value_t = 8.0)]
    cores: f64,
    /// Network of a broker, each way
    #[arg(long, value_name = "RATE", default_value = "390MB/s", value_parser = rate)]
    network: f64,
    /// How busy a broker may be at the peak
    #[arg(long, value_name = "SHARE", default_value_t = 0.6, value_parser = share)]
    utilization: f64,
    /// Dollars for a broker's hour
    #[arg(long, value_name = "DOLLARS", default_value_t = prices::BROKER_HOUR)]
    broker_price: f64,
    /// How to tell it
    #[arg(long, value_enum, default_value_t)]
    output: cli::OutputFormat,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share is a number from 0 to 1".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let millis = model::config::parse_duration(text);
    millis.ok_or_else(|| format!("{text:?} is no duration, such as 12h or 7d"))
}

/// What the load comes to. Rates are in a second.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Plan {
    /// Cores' worth of brokers' work, on average.
    cores: f64,
    brokers: f64,
    puts: f64,
    gets: f64,
    stored_bytes: f64,
    etcd_bytes: f64,
    /// Dollars a month.
    dollars: Dollars,
    kafka: Kafka,
}

/// Dollars a month, by what they are for.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Dollars {
    brokers: f64,
    puts: f64,
    gets: f64,
    storage: f64,
    zones: f64,
}

impl Dollars {
    fn total(&self) -> f64 {
        self.brokers + self.puts + self.gets + self.storage + self.zones
    }
}

/// What Kafka would need for its replicas, in dollars a month: disks and traffic between zones, without its brokers.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Kafka {
    disk_bytes: f64,
    disks: f64,
    zones: f64,
}

impl Plan {
    fn of(load: &PlanFlags) -> Self {
        let bytes_out = load.bytes_out.unwrap_or(load.bytes_in);
        let cores = cpu_of_bytes_in(load.bytes_in, load.request_bytes, load.batch_bytes)
            + bytes_out / GIB * BYTES_OUT_CPU_SECONDS;
        let brokers = brokers_for(load, bytes_out, cores, 0.0);
        let gathered = Written::of(load, brokers).gathered_bytes;
        let cores = cores + gathered / GIB * GATHERED_CPU_SECONDS;
        let brokers = brokers_for(load, bytes_out, cores, gathered);
        let Written { puts, read_bytes, .. } = Written::of(load, brokers);
        let gets = bytes_out * load.history / read_bytes;
        let stored_bytes = load.bytes_in * load.retention.as_secs_f64();
        let zone_bytes = load.bytes_in * OTHER_ZONES;
        let zones = |bytes: f64| bytes * SECONDS_OF_A_MONTH / prices::GB * prices::BETWEEN_ZONES_GB;
        let disk_bytes = stored_bytes * KAFKA_REPLICAS / KAFKA_DISK_FILL;
        Self {
            cores,
            brokers,
            puts,
            gets,
            stored_bytes,
            etcd_bytes: load.partitions * ETCD_BYTES_FOR_A_PARTITION,
            dollars: Dollars {
                brokers: brokers * load.broker_price * 730.0,
                puts: puts * SECONDS_OF_A_MONTH / 1000.0 * prices::PUT_1000,
                gets: gets * SECONDS_OF_A_MONTH / 1000.0 * prices::GET_1000,
                storage: prices::storage(stored_bytes),
                zones: zones(zone_bytes),
            },
            kafka: Kafka {
                disk_bytes,
                disks: disk_bytes / prices::GB * prices::DISK_GB,
                zones: zones(zone_bytes + load.bytes_in * (KAFKA_REPLICAS - 1.0)),
            },
        }
    }

    /// Name, value in words, and the number.
    fn lines(&self) -> Vec<(&'static str, String, f64)> {
        let month = |dollars: f64| format!("${dollars:.0} a month");
        let Dollars { brokers, puts, gets, storage, zones } = self.dollars;
        vec![
            ("cores at work", format!("{:.1} on average", self.cores), self.cores),
            ("brokers", format!("{:.0}", self.brokers), self.brokers),
            ("PUT requests", format!("{:.1} a second", self.puts), self.puts),
            ("GET requests", format!("{:.1} a second", self.gets), self.gets),
            ("stored", bytes(self.stored_bytes), self.stored_bytes),
            ("etcd", bytes(self.etcd_bytes), self.etcd_bytes),
            ("cost of brokers", month(brokers), brokers),
            ("cost of PUT requests", month(puts), puts),
            ("cost of GET requests", month(gets), gets),
            ("cost of storage", month(storage), storage),
            ("cost of producers' bytes between zones", month(zones), zones),
            ("cost", month(self.dollars.total()), self.dollars.total()),
            ("Kafka: disks", bytes(self.kafka.disk_bytes), self.kafka.disk_bytes),
            ("Kafka: cost of disks", month(self.kafka.disks), self.kafka.disks),
            ("Kafka: cost of bytes between zones", month(self.kafka.zones), self.kafka.zones),
        ]
    }
}

/// Cores' worth of work for what producers send.
fn cpu_of_bytes_in(bytes_in: f64, request_bytes: f64, batch_bytes: f64) -> f64 {
    let batch_bytes = batch_bytes.clamp(1.0, request_bytes.max(1.0));
    bytes_in / GIB * BYTES_IN_CPU_SECONDS
        + bytes_in / request_bytes.max(1.0) * REQUEST_CPU_SECONDS
        + bytes_in / batch_bytes * BATCH_CPU_SECONDS
}

/// Three at least, so that each zone has one; and one may be lost at the peak. `gathered` bytes a second go to the bucket twice.
fn brokers_for(load: &PlanFlags, bytes_out: f64, cores: f64, gathered: f64) -> f64 {
    let cores_of_one = load.cores * load.utilization;
    let network_of_one = load.network * load.utilization;
    // What comes in goes out again to the bucket.
    let needs = [
        cores * load.peak / cores_of_one,
        load.bytes_in * load.peak / network_of_one,
        (load.bytes_in + gathered + bytes_out) * load.peak / network_of_one,
    ];
    needs.into_iter().fold(2.0, f64::max).ceil() + 1.0
}

/// How a load comes to lie in the bucket.
struct Written {
    /// PUT requests a second.
    puts: f64,
    /// Bytes a second that are written a second time, a partition's records side by side.
    gathered_bytes: f64,
    /// What one GET reads of a partition.
    read_bytes: f64,
}

impl Written {
    /// Each broker flushes when it has enough, when somebody waits, and no more often than it may.
    fn of(load: &PlanFlags, brokers: f64) -> Self {
        let bytes_in = load.bytes_in.max(f64::MIN_POSITIVE);
        let full = bytes_in / FLUSH_BYTES;
        let at_least = match load.producers_wait {
            true => FLUSHES_A_SECOND_AT_MOST,
            false => FLUSHES_A_SECOND_AT_LEAST,
        };
        let flushes = if load.bytes_in == 0.0 { 0.0 } else { full.max(at_least * brokers) };
        let flush_bytes = bytes_in / flushes.max(f64::MIN_POSITIVE);
        let partitions = (load.partitions / brokers).max(1.0);
        let gathers = flush_bytes / partitions < UNGATHERED_BYTES;
        let gathered_bytes =
            if gathers { load.bytes_in.min(brokers * GATHERED_BYTES_A_SECOND) } else { 0.0 };
        let segments = (flush_bytes * FLUSHES_GATHERED / GATHERED_SEGMENT_BYTES).ceil();
        let gathered_puts = flushes * gathered_bytes / bytes_in / FLUSHES_GATHERED * segments;
        let together = if gathers { FLUSHES_GATHERED } else { 1.0 };
        Self {
            puts: flushes + gathered_puts,
            gathered_bytes,
            read_bytes: (flush_bytes * together / partitions).min(READ_BYTES),
        }
    }
}

/// Prints the plan.
///
/// # Errors
/// Standard output.
pub(crate) fn plan(flags: &PlanFlags, out: &mut dyn Write) -> io::Result<()> {
    let lines = Plan::of(flags).lines();
    if flags.output == cli::OutputFormat::Json {
        let fields = lines.into_iter().map(|(name, _, number)| {
            (name.to_lowercase().replace([' ', ':', '\''], "_").replace("__", "_"), number.into())
        });
        let object = serde_json::Value::Object(fields.collect());
        return writeln!(out, "{object:#}");
    }
    for (name, value, _) in lines {
        writeln!(out, "{name:<40}{value}")?;
    }
    let message = flags.bytes_in / flags.messages.max(f64::MIN_POSITIVE);
    writeln!(
        out,
        "\nA message has {message:.0} bytes. CPU and requests are those of benches/README.md,"
    )?;
    writeln!(out, "prices those of {} ({}).", prices::AS_OF, prices::WHERE)?;
    writeln!(
        out,
        "Not counted: what consumers move between zones, etcd's machines, Kafka's brokers."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        flags: PlanFlags,
    }

    fn planned(arguments: &str) -> Plan {
        let words = std::iter::once("plan").chain(arguments.split(' '));
        Plan::of(&Arguments::try_parse_from(words).unwrap().flags)
    }

    fn is_within_a_tenth(found: f64, measured: f64) {
        assert!((found / measured - 1.0).abs() < 0.1, "{found} where {measured} was measured");
    }

    /// Scenarios of benches/README.md: KiB of requests and of batches, and CPU milliseconds a GiB of the broker.
    #[test]
    fn cpu_is_what_was_measured() {
        const KIB: f64 = 1024.0;
        for (scenario, request, batch, measured) in [
            ("puts, 1 partition", 256.0, 256.0, 2_750.0),
            ("puts, 1,000 partitions", 256.0, 16.0, 3_140.0),
            ("single-partition by the driver, minio-wal", 16.0, 16.0, 7_200.0),
        ] {
            println!("{scenario}");
            let cpu = cpu_of_bytes_in(GIB, request * KIB, batch * KIB);
            is_within_a_tenth(cpu * 1000.0, measured);
        }
        // `tail`: four consumers get what a producer sends in requests of 64 KiB; by delivered GiB.
        let produced = cpu_of_bytes_in(GIB / 4.0, 64.0 * KIB, 64.0 * KIB);
        is_within_a_tenth(produced + BYTES_OUT_CPU_SECONDS, 1.69);
    }

    /// How `--bytes-in` of one broker comes to lie in the bucket.
    fn written(arguments: &str) -> Written {
        let words = "plan --messages 1/s".split(' ').chain(arguments.split(' '));
        Written::of(&Arguments::try_parse_from(words).unwrap().flags, 1.0)
    }

    #[test]
    fn puts_are_what_was_measured() {
        let puts_a_gib = |arguments: &str, mib: f64| written(arguments).puts / mib * 1024.0;
        is_within_a_tenth(puts_a_gib("--bytes-in 32MiB/s --partitions 1", 32.0), 136.0);
        is_within_a_tenth(puts_a_gib("--bytes-in 32MiB/s --partitions 1000", 32.0), 155.0);
        // `object-latency`: 10 MiB/s of default producers, who wait.
        let waiting = "--bytes-in 10MiB/s --partitions 16 --producers-wait";
        is_within_a_tenth(puts_a_gib(waiting, 10.0), 2055.0);
        assert!(written("--bytes-in 0 --producers-wait").puts.abs() < f64::EPSILON);
    }

    #[test]
    fn gets_of_history_are_what_was_measured() {
        let full = "--bytes-in 500MiB/s --partitions 16";
        is_within_a_tenth(GIB / written(full).read_bytes, 2018.0);
    }

    #[test]
    fn a_load_of_260_billion_messages_a_day_is_planned() {
        let plan = planned(
            "--messages 260G/day --bytes-in 240TB/day --bytes-out 370TB/day --retention 3d --partitions 50k",
        );
        assert!((10.0..200.0).contains(&plan.brokers), "{plan:?}");
        assert!((plan.stored_bytes - 720e12).abs() < 1e9, "{plan:?}");
        assert!(plan.kafka.disks > plan.dollars.storage * 3.0, "{plan:?}");
        let more = planned(
            "--messages 260G/day --bytes-in 480TB/day --bytes-out 370TB/day --partitions 50k",
        );
        assert!(more.brokers > plan.brokers && more.puts > plan.puts);
    }

    #[test]
    fn a_small_load_has_three_brokers() {
        assert!((planned("--messages 1/s --bytes-in 1kB/s").brokers - 3.0).abs() < f64::EPSILON);
    }
}

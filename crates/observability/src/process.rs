//! What the kernel says of this process: CPU, memory, files, the network it sees, and how many cores it may use.

use std::{fs, thread};

/// Ticks a second in `/proc/self/stat`: what Linux says on every architecture, whatever its own timer does.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of CPU that this process used.
pub fn cpu_seconds() -> Option<f64> {
    cpu_seconds_of(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Bytes of its memory that are resident.
pub fn resident_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}

/// Files and sockets that it has open.
pub fn open_files() -> Option<usize> {
    fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}

/// How many it may have open.
pub fn max_open_files() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Bytes that came and went over the network interfaces that this process sees, but for loopback: in a container its own, else the
/// machine's.
pub fn network_bytes() -> Option<(u64, u64)> {
    fs::read_to_string("/proc/self/net/dev").ok().map(|text| network_bytes_of(&text))
}

/// Cores that this process may use: those it may run on, or what its control group grants, which may be part of one.
pub fn cores() -> f64 {
    let runs_on = thread::available_parallelism().map_or(1.0, |count| count.get() as f64);
    let quota = fs::read_to_string("/sys/fs/cgroup/cpu.max").ok();
    quota.and_then(|text| quota_of(&text)).map_or(runs_on, |quota| runs_on.min(quota))
}

fn cpu_seconds_of(stat: &str) -> Option<f64> {
    // The second field is the program's name in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    let (user, system) = (ticks()?, ticks()?);
    Some((user + system) / TICKS_PER_SECOND)
}

fn network_bytes_of(text: &str) -> (u64, u64) {
    let interfaces = text.lines().filter_map(|line| line.split_once(':'));
    let others = interfaces.filter(|(name, _)| name.trim() != "lo");
    others.fold((0, 0), |(received, sent), (_, counts)| {
        let mut counts = counts.split_whitespace().map(|count| count.parse().unwrap_or(0_u64));
        let came = counts.next().unwrap_or(0);
        (received + came, sent + counts.nth(7).unwrap_or(0))
    })
}

/// `max 100000`, or microseconds of CPU and of the period that they are granted in.
fn quota_of(text: &str) -> Option<f64> {
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let (granted, period) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (granted > 0.0 && period > 0.0).then(|| granted / period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_that_looks_like_fields() {
        let stat = "7 (a) 1 2 (b)) S 1 7 7 0 -1 4194304 1 0 0 0 250 150 9 9 20 0 3 0 100 1 1";
        assert_eq!(cpu_seconds_of(stat), Some(4.0));
        assert_eq!(cpu_seconds_of("no brackets"), None);
    }

    #[test]
    fn loopback_is_no_network() {
        let text = "Inter-|   Receive |  Transmit\n face |bytes packets\n    lo: 900 1 0 0 0 0 0 0 900 1 0 0 0 0 0 0\n  eth0: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  eth1:1 1 0 0 0 0 0 0 2 1 0 0 0 0 0 0\n";
        assert_eq!(network_bytes_of(text), (11, 22));
    }

    #[test]
    fn a_quota_may_be_part_of_a_core() {
        assert_eq!(quota_of("50000 100000\n"), Some(0.5));
        assert_eq!(quota_of("max 100000\n"), None);
        assert_eq!(quota_of("0 0"), None);
    }

    #[test]
    fn this_process_is_told_of() {
        assert!(cpu_seconds().is_some() && resident_bytes() > Some(1 << 20));
        assert!(open_files() > Some(2) && max_open_files() > Some(2));
        assert!(network_bytes().is_some() && cores() > 0.0);
    }
}

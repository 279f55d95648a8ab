//! [`search`]: a page of records, from a place on or back from the end.

use super::{
    budget::{ANSWER_BYTES, Budget},
    fetching::Ask,
    merge::{Run, take_newest, take_oldest},
    question::{From, RecordsQuestion, Search},
    scan::{Found, Scanned, Wanted},
    shown::Shown,
};
use crate::{
    brokers::Brokers,
    cluster::Topic,
    offsets::{self, Offsets},
    refused::Refused,
};
use kafka_client::{EARLIEST, LATEST};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Partitions that are read together.
const PARTITIONS: usize = 500;
/// Records that are held in all while the next is looked for.
const HELD: usize = 2_000;
/// Offsets that are read of all partitions together when looking back from the end; twice as many the next time.
const FIRST_WINDOW: i64 = 64;

/// Some records of many.
#[derive(Debug, Default, Serialize)]
pub(crate) struct RecordsPage {
    /// From the end: the newest first. Else the oldest first.
    records: Vec<Shown>,
    /// Where to go on towards the end, by partition.
    next: BTreeMap<i32, String>,
    /// Whether the end was reached.
    at_end: bool,
    /// Records that were looked at.
    scanned: u64,
    /// Why the search stopped before it had all that was asked for.
    stopped: Option<String>,
    problems: Vec<String>,
}

/// # Errors
/// There is no such topic or partition, or it has too many of them.
pub(crate) async fn search(
    brokers: &Brokers,
    question: RecordsQuestion,
) -> Result<RecordsPage, Refused> {
    let search = question.search()?;
    let topic = brokers.cluster.topic(&question.topic);
    let topic = topic.ok_or_else(|| Refused::not_found("there is no such topic"))?;
    let partitions = partitions(&topic, question.partition, &search.from)?;
    let mut searching = Searching::begin(brokers, &topic, &partitions, search).await;
    match searching.search.from {
        From::End => searching.backwards().await,
        _ => searching.forwards().await,
    }
    Ok(searching.page)
}

fn partitions(topic: &Topic, one: Option<i32>, from: &From) -> Result<Vec<i32>, Refused> {
    let count = topic.partitions.len();
    let all = 0..i32::try_from(count).unwrap_or(i32::MAX);
    match one {
        Some(one) if !all.contains(&one) => {
            Err(Refused::not_found(format!("{} has no partition {one}", topic.name)))
        }
        Some(one) => Ok(vec![one]),
        None => {
            let asked = |partition: &i32| match from {
                From::Positions(positions) => positions.contains_key(partition),
                _ => true,
            };
            let asked: Vec<i32> = all.filter(asked).collect();
            if asked.len() > PARTITIONS {
                return Err(Refused::bad_request(format!(
                    "choose a partition: of {count} not all can be read together, {PARTITIONS} can"
                )));
            }
            Ok(asked)
        }
    }
}

struct Searching<'a> {
    brokers: &'a Brokers,
    topic: &'a Topic,
    search: Search,
    budget: Budget,
    runs: Vec<Run>,
    /// Where the logs begin.
    starts: HashMap<i32, i64>,
    page: RecordsPage,
}

impl<'a> Searching<'a> {
    /// Finds out where to begin and to end.
    async fn begin(
        brokers: &'a Brokers,
        topic: &'a Topic,
        partitions: &[i32],
        search: Search,
    ) -> Self {
        let at = |timestamp| {
            let wanted = partitions.iter().map(|&partition| offsets::Wanted {
                topic: topic.name.clone(),
                partition,
                leader: leader(topic, partition),
                timestamp,
            });
            wanted.collect::<Vec<_>>()
        };
        let (earliest, latest) = (at(EARLIEST), at(LATEST));
        let times = match search.from {
            From::Time(time) => at(time),
            _ => Vec::new(),
        };
        let (starts, ends, times) = futures::join!(
            brokers.offsets(&earliest),
            brokers.offsets(&latest),
            brokers.offsets(&times)
        );
        let (mut runs, mut page, mut begins) = (Vec::new(), RecordsPage::default(), HashMap::new());
        for &partition in partitions {
            let of = |offsets: &Offsets| offsets.get(&(topic.name.clone(), partition)).cloned();
            let found = (of(&starts), of(&ends), leader(topic, partition));
            let (Some(Ok(start)), Some(Ok(end)), Some(leader)) = found else {
                let reason = [found.0, found.1].into_iter().flatten().find_map(Result::err);
                let reason = reason.unwrap_or_else(|| "no broker leads it".to_owned());
                page.problems.push(format!("partition {partition}: {reason}"));
                continue;
            };
            begins.insert(partition, start);
            let next = match &search.from {
                From::Beginning => start,
                From::End => end,
                From::Offset(offset) => (*offset).clamp(start, end.max(start)),
                From::Positions(positions) => {
                    positions.get(&partition).map_or(end, |it| (*it).clamp(start, end.max(start)))
                }
                // No record is so late.
                From::Time(_) => match of(&times) {
                    Some(Ok(offset)) if offset >= 0 => offset,
                    _ => end,
                },
            };
            let found = VecDeque::new();
            runs.push(Run { partition, leader, next, end, found, problem: None });
        }
        Self { brokers, topic, search, budget: Budget::new(), runs, starts: begins, page }
    }

    /// Records that one partition may hold.
    fn at_most(&self) -> usize {
        (HELD / self.runs.len().max(1)).clamp(1, self.search.limit)
    }

    async fn forwards(&mut self) {
        let mut taken = Vec::new();
        loop {
            take_oldest(&mut self.runs, &mut taken, self.search.limit);
            let read = self.runs.iter().all(|run| run.is_read() && run.found.is_empty());
            if read || taken.len() >= self.search.limit {
                break;
            }
            if let Some(reason) = self.budget.is_spent() {
                self.page.stopped = Some(reason);
                break;
            }
            let at_most = self.at_most();
            let to_read = self.runs.iter().filter(|run| run.found.is_empty() && !run.is_read());
            let asks = to_read.map(|run| self.ask(run, run.next, run.end, at_most)).collect();
            self.read_on(asks).await;
        }
        // It goes on with what did not fit.
        for found in self.fill(taken).into_iter().rev() {
            let run = self.runs.iter_mut().find(|it| it.partition == found.shown.partition);
            if let Some(run) = run {
                run.found.push_front(found);
            }
        }
        self.page.at_end = self.runs.iter().all(|run| run.is_read() && run.found.is_empty());
        let next = self.runs.iter().map(|run| (run.partition, run.resume().to_string()));
        self.page.next = next.collect();
    }

    /// Reads in windows, the last one first, each twice as wide, until there are enough.
    async fn backwards(&mut self) {
        let ends: Vec<(i32, i64)> = self.runs.iter().map(|it| (it.partition, it.end)).collect();
        self.page.next =
            ends.iter().map(|(partition, end)| (*partition, end.to_string())).collect();
        self.page.at_end = true;
        let partitions = i64::try_from(self.runs.len()).unwrap_or(i64::MAX).max(1);
        let mut window = (FIRST_WINDOW / partitions).max(1);
        let mut known = BTreeMap::<i32, VecDeque<Found>>::new();
        // From here on it is known what there is.
        let mut upto: HashMap<i32, i64> = ends.into_iter().collect();
        loop {
            let mut reached = true;
            for run in &mut self.runs {
                let start = self.starts.get(&run.partition).copied().unwrap_or_default();
                run.end = upto.get(&run.partition).copied().unwrap_or(run.end);
                run.next = run.end.saturating_sub(window).max(start);
                upto.insert(run.partition, run.next);
                reached &= run.next <= start;
            }
            let complete = self.read_window().await;
            for run in &mut self.runs {
                let later = known.remove(&run.partition).unwrap_or_default();
                run.found.extend(later);
                known.insert(run.partition, std::mem::take(&mut run.found));
            }
            let enough = known.values().map(VecDeque::len).sum::<usize>() >= self.search.limit;
            if enough || (reached && complete) {
                break;
            }
            if let Some(reason) = self.budget.is_spent() {
                self.page.stopped = Some(reason);
                break;
            }
            window = window.saturating_mul(2);
        }
        for run in &mut self.runs {
            run.found = known.remove(&run.partition).unwrap_or_default();
        }
        let newest = take_newest(&mut self.runs, self.search.limit);
        self.fill(newest);
    }

    /// Reads every run to its end. What is read of one that does not come so far is forgotten: it would leave a gap.
    async fn read_window(&mut self) -> bool {
        loop {
            let to_read = self.runs.iter().filter(|run| !run.is_read());
            let asks: Vec<Ask> =
                to_read.map(|run| self.ask(run, run.next, run.end, usize::MAX)).collect();
            if asks.is_empty() {
                return true;
            }
            if self.budget.is_spent().is_some() {
                self.runs.iter_mut().filter(|run| !run.is_read()).for_each(|run| run.found.clear());
                return false;
            }
            self.read_on(asks).await;
        }
    }

    fn ask(&self, run: &Run, from: i64, to: i64, at_most: usize) -> Ask {
        let wanted = Wanted {
            partition: run.partition,
            from,
            to,
            at_most,
            cut: self.search.cut,
            contains: self.search.contains.clone(),
        };
        Ask { leader: run.leader, wanted }
    }

    async fn read_on(&mut self, asks: Vec<Ask>) {
        let mut round = self.brokers.fetch(&self.topic.name, asks, &mut self.budget).await;
        let mut moved = false;
        for run in &mut self.runs {
            let Some(outcome) = round.remove(&run.partition) else { continue };
            match outcome {
                Ok(Scanned { found, next, records, problem }) => {
                    moved |= next > run.next;
                    run.next = next;
                    run.found.extend(found);
                    self.page.scanned += records;
                    self.page
                        .problems
                        .extend(problem.map(|it| format!("partition {}: {it}", run.partition)));
                }
                Err(reason) => {
                    self.page.problems.push(format!("partition {}: {reason}", run.partition));
                    run.problem = Some(reason);
                    moved = true;
                }
            }
        }
        if moved {
            // Whoever got nothing, because the answer was full, is first the next time.
            self.runs.sort_by_key(|run| !run.found.is_empty());
        } else if self.budget.is_spent().is_none() {
            // Nothing more comes of these, as when a log was cut meanwhile.
            for run in self.runs.iter_mut().filter(|run| !run.is_read() && run.found.is_empty()) {
                run.end = run.next;
            }
        }
    }

    /// Fills the page, and answers what is too much for it.
    fn fill(&mut self, taken: Vec<Found>) -> Vec<Found> {
        let (mut weight, mut rest) = (0, Vec::new());
        for found in taken {
            weight += found.shown.weight();
            if weight > ANSWER_BYTES {
                self.page.stopped = Some("the answer is full".to_owned());
                rest.push(found);
            } else {
                self.page.records.push(found.shown);
            }
        }
        rest
    }
}

fn leader(topic: &Topic, partition: i32) -> Option<u32> {
    let index = usize::try_from(partition).ok()?;
    topic.partitions.get(index)?.leader
}

//! `alluvium dev --brokers`: brokers as processes of their own, watched and broken from the keyboard.
//!
//! Everything runs on the thread of the command, to whose life the processes' lives are bound: whatever ends it ends them.

use super::{
    Stores,
    fault::{Fault, HELP, Target, Typed},
    layout::lay_out,
    member::{Member, State},
    view::{Picture, Screen, Shown, may_use_the_terminal},
};
use crate::{Failure, serve::stop_requested};
use futures::future::join_all;
use runtime::{BootTime, Clock};
use settings::Settings;
use std::{io, path::Path, process::ExitCode, time::Duration};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// How often brokers are asked how they are: until all are ready, and then.
const STARTING: Duration = Duration::from_millis(100);
const WATCHING: Duration = Duration::from_secs(1);
/// Between two lines about figures where there is no terminal, in rounds of watching.
const ROUNDS_OF_A_LINE: u32 = 10;
/// For brokers that drain.
const DRAIN: Duration = Duration::from_secs(40);

/// Runs `count` brokers on `stores` until SIGTERM, Ctrl-C, or `quit`. The command began at `begun`.
///
/// # Errors
/// Whatever stops the start, in one line each.
pub(super) async fn run(
    settings: &Settings,
    stores: &mut Stores,
    directory: &Path,
    count: u16,
    begun: BootTime,
) -> Result<ExitCode, Failure> {
    let layouts = lay_out(settings, directory, count)?;
    let members = layouts.into_iter().map(|layout| Member::new(layout, directory));
    let mut cluster = Cluster {
        members: members.collect::<Result<_, _>>()?,
        stores,
        screen: Screen::of_this_process(),
        clock: Clock::system(),
        told: Vec::new(),
        announced: false,
    };
    let stop = async {
        tokio::select! {
            () = stop_requested() => {}
            () = hung_up() => {}
        }
    };
    tokio::pin!(stop);
    cluster.start_all()?;
    let mut typed = read_lines();
    let mut ticks = interval(STARTING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rounds: u32 = 0;
    loop {
        tokio::select! {
            () = &mut stop => break,
            line = next(&mut typed) => {
                if cluster.obey(&line) {
                    break;
                }
            }
            _ = ticks.tick() => {
                cluster.look().await;
                cluster.tell_changes();
                if !cluster.announced && cluster.members.iter().all(|it| it.state == State::Ready) {
                    cluster.announce(cluster.clock.boot_time().since(begun));
                    ticks = interval(WATCHING);
                    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                }
                rounds = rounds.wrapping_add(1);
                cluster.show(rounds.is_multiple_of(ROUNDS_OF_A_LINE));
            }
        }
    }
    Ok(cluster.stop().await)
}

/// The brokers and what they stand on.
struct Cluster<'a> {
    members: Vec<Member>,
    stores: &'a mut Stores,
    screen: Screen,
    clock: Clock,
    /// The states that were told, by broker.
    told: Vec<State>,
    announced: bool,
}

impl Cluster<'_> {
    fn start_all(&mut self) -> Result<(), Failure> {
        let credentials = self.stores.credentials();
        self.members.iter_mut().try_for_each(|member| member.start(credentials))
    }

    /// Asks all brokers at once.
    async fn look(&mut self) {
        let answers = join_all(self.members.iter().map(Member::ask)).await;
        let now = self.clock.boot_time();
        for (member, answer) in self.members.iter_mut().zip(answers) {
            member.learn(answer, now);
        }
    }

    /// Says where everything is.
    fn announce(&mut self, took: Duration) {
        self.announced = true;
        let mut lines = Vec::new();
        for Member { layout, .. } in &self.members {
            let (number, kafka, http) = (layout.number, &layout.kafka, &layout.http);
            lines.push(format!("broker {number}   {kafka}, http://{http}/ (console, /metrics)"));
        }
        let all: Vec<&str> = self.members.iter().map(|it| it.layout.kafka.as_str()).collect();
        let first = all.first().copied().unwrap_or_default();
        let server = if first == "localhost:9092" { String::new() } else { format!(" -b {first}") };
        lines.push(format!("Kafka      {}", all.join(",")));
        lines.push(format!(
            "ready in {:.1} s; type help for what can be broken",
            took.as_secs_f64()
        ));
        lines.push("try:".to_owned());
        lines.push(format!("  echo hello | alluvium produce{server} greetings"));
        lines.push(format!("  alluvium consume{server} greetings"));
        self.screen.say(&lines.join("\n"));
    }

    fn picture(&mut self) -> Picture {
        let mut parts: Vec<Shown> = self.members.iter().map(Shown::of).collect();
        parts.extend(self.stores.shown());
        let lags = self.members.iter().flat_map(|member| member.lags.clone());
        let mut lags: Vec<(String, u64)> = lags.collect();
        lags.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        Picture { parts, lags }
    }

    /// Tells how it goes: always on a terminal, now and then elsewhere.
    fn show(&mut self, is_time_for_a_line: bool) {
        if !self.announced {
            return;
        }
        let picture = self.picture();
        if self.screen.is_live() {
            self.screen.paint(&picture.block());
        } else if is_time_for_a_line && picture.is_busy() {
            self.screen.say(&picture.line());
        }
    }

    fn tell_changes(&mut self) {
        let states: Vec<State> = self.members.iter().map(|member| member.state.clone()).collect();
        let before = std::mem::replace(&mut self.told, states);
        let mut lines = Vec::new();
        for (member, before) in self.members.iter().zip(before) {
            let number = member.layout.number;
            if member.state == before {
                continue;
            }
            lines.push(format!("broker {number}: {}", member.state));
            if matches!(member.state, State::Exited(_)) {
                let words = member.last_words().unwrap_or_default();
                lines.push(format!("  {words}\n  its log: {}", member.log().display()));
            }
        }
        if !lines.is_empty() {
            self.screen.say(&lines.join("\n"));
        }
    }

    /// Does what was typed. True when that is to stop.
    fn obey(&mut self, line: &str) -> bool {
        self.screen.entered();
        let said = match Typed::parse(line) {
            Ok(Typed::Quit) => return true,
            Ok(Typed::Nothing) => return false,
            Ok(Typed::Help) => HELP.to_owned(),
            Ok(Typed::Status) => self.picture().block().join("\n"),
            Ok(Typed::Fault(fault, target)) => {
                self.strike(fault, target).unwrap_or_else(|Failure(line)| line)
            }
            Err(line) => line,
        };
        if !said.is_empty() {
            self.screen.say(&said);
        }
        self.tell_changes();
        false
    }

    /// Breaks or mends something; what is to be said of it.
    fn strike(&mut self, fault: Fault, target: Target) -> Result<String, Failure> {
        let number = match target {
            Target::Broker(number) => number,
            Target::Store | Target::Etcd => return self.stores.strike(fault, target),
        };
        let credentials = self.stores.credentials();
        let member = self.members.iter_mut().find(|member| member.layout.number == number);
        let member = member.ok_or_else(|| Failure(format!("there is no {target}")))?;
        match (fault, member.is_running()) {
            (Fault::Start, true) => Err(Failure(format!("{target} runs already"))),
            (Fault::Start, false) => member.start(credentials).map(|()| String::new()),
            (_, false) => Err(Failure(format!("{target} does not run"))),
            (fault, true) => {
                let pid = member.pid().unwrap_or_default();
                member.strike(fault);
                Ok(if fault == Fault::Kill { format!("kill -9 {pid}") } else { String::new() })
            }
        }
    }

    /// Drains the brokers, which needs the stores; then those are the caller's to stop. A second signal kills.
    async fn stop(&mut self) -> ExitCode {
        self.screen.say("stopping; once more to kill");
        let Ok(()) = self.stores.mend() else {
            self.screen.say("the stores do not start again: what is not stored stays in the WALs");
            return ExitCode::FAILURE;
        };
        for member in &mut self.members {
            if member.is_running() {
                member.strike(Fault::Stop);
            }
        }
        let again = stop_requested();
        let members = &mut self.members;
        let drained = async {
            while members.iter_mut().any(Member::is_running) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let clean = tokio::select! {
            ended = timeout(DRAIN, drained) => ended.is_ok(),
            () = again => false,
        };
        let now = self.clock.boot_time();
        let mut failed = !clean;
        for member in &mut self.members {
            let was_asked = member.state == State::Draining;
            member.learn(None, now);
            failed |= was_asked && member.state != State::Stopped;
            // Nothing is left of one that did not end.
            member.strike(Fault::Kill);
        }
        self.tell_changes();
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

/// The terminal was closed.
async fn hung_up() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::hangup()) {
        Ok(mut hangup) => {
            hangup.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// The next line that was typed; none ever comes when there is nobody to type.
async fn next(typed: &mut Option<mpsc::Receiver<String>>) -> String {
    if let Some(lines) = typed {
        if let Some(line) = lines.recv().await {
            return line;
        }
        *typed = None;
    }
    std::future::pending().await
}

/// Reads standard input on a thread of its own, unless that would stop this process.
fn read_lines() -> Option<mpsc::Receiver<String>> {
    if !may_use_the_terminal() {
        return None;
    }
    let (sender, receiver) = mpsc::channel(16);
    tokio::task::spawn_blocking(move || {
        for line in io::stdin().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    Some(receiver)
}

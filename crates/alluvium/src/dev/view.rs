//! What a person sees of the cluster: a block that is painted over on a terminal, lines elsewhere.
//!
//! The block stands above the line that is being typed, and is painted without touching that line: the terminal stays in the mode
//! it was in, so that nothing has to be put right after a kill -9.

use super::{figures::Rates, member::Member};
use cli::printable;
use rustix::{
    process::getpgrp,
    termios::{tcgetpgrp, tcgetwinsize},
};
use std::io::{self, IsTerminal, Write};

/// What is shown of something that runs.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) zone: String,
    pub(super) state: String,
    /// `None` for what is no broker.
    pub(super) rates: Option<Rates>,
}

impl Shown {
    pub(super) fn of(member: &Member) -> Self {
        Self {
            name: format!("broker {}", member.layout.number),
            address: member.layout.kafka.clone(),
            zone: member.layout.zone.clone(),
            state: member.state.to_string(),
            rates: Some(member.rates),
        }
    }
}

/// Everything that is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) parts: Vec<Shown>,
    /// Groups with the records that they have not read, the farthest behind first.
    pub(super) lags: Vec<(String, u64)>,
}

/// Groups that are named in the line about lag.
const NAMED_GROUPS: usize = 3;

impl Picture {
    fn total(&self) -> Rates {
        let rates = self.parts.iter().filter_map(|part| part.rates);
        rates.fold(Rates::default(), |sum, rates| sum.plus(&rates))
    }

    /// As a block.
    pub(super) fn block(&self) -> Vec<String> {
        let heading =
            ["", "address", "zone", "state", "in", "out", "requests/s", "PUT/s", "GET.../s"];
        let mut lines = vec![heading.map(str::to_owned).to_vec()];
        for part in &self.parts {
            let figures = part.rates.map(|rates| figures(&rates)).unwrap_or_default();
            let words = [&part.name, &part.address, &part.zone, &part.state].map(Clone::clone);
            lines.push(row(words, figures));
        }
        let words = ["all", "", "", ""].map(str::to_owned);
        lines.push(row(words, figures(&self.total())));
        let mut block = columns(&lines);
        block.push(format!("lag: {}", self.lag()));
        block
    }

    /// As one line.
    pub(super) fn line(&self) -> String {
        let brokers = self.parts.iter().filter(|part| part.rates.is_some());
        let ready = brokers.clone().filter(|part| part.state == "ready").count();
        let [bytes_in, bytes_out, requests, puts, others] = figures(&self.total());
        format!(
            "{ready} of {} brokers ready, in {bytes_in}, out {bytes_out}, {requests} requests/s, {puts} PUT/s, {others} GET.../s, lag: {}",
            brokers.count(),
            self.lag()
        )
    }

    /// Whether there is something to tell besides that all is quiet.
    pub(super) fn is_busy(&self) -> bool {
        let total = self.total();
        total.appended_bytes + total.fetched_bytes > 0.0
    }

    fn lag(&self) -> String {
        if self.lags.is_empty() {
            return "no groups".to_owned();
        }
        let named = self.lags.iter().take(NAMED_GROUPS);
        let named = named.map(|(group, lag)| format!("{} {lag}", printable(group)));
        let mut text = named.collect::<Vec<_>>().join(", ");
        if let Some(more @ 1..) = self.lags.len().checked_sub(NAMED_GROUPS) {
            text.push_str(", ");
            text.push_str(&more.to_string());
            text.push_str(" more groups");
        }
        text
    }
}

fn row(words: [String; 4], figures: [String; 5]) -> Vec<String> {
    words.into_iter().chain(figures).collect()
}

fn figures(rates: &Rates) -> [String; 5] {
    [
        bytes_a_second(rates.appended_bytes),
        bytes_a_second(rates.fetched_bytes),
        number(rates.requests),
        number(rates.puts),
        number(rates.other_object_requests),
    ]
}

fn number(value: f64) -> String {
    if value == 0.0 || value >= 10.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn bytes_a_second(value: f64) -> String {
    match value {
        it if it >= 1e6 => format!("{} MB/s", number(it / 1e6)),
        it if it >= 1e3 => format!("{} kB/s", number(it / 1e3)),
        it => format!("{it:.0} B/s"),
    }
}

/// Words stand to the left, figures to the right.
fn columns(lines: &[Vec<String>]) -> Vec<String> {
    const FIRST_FIGURE: usize = 4;
    let mut widths = [0; 9];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let paint = |line: &Vec<String>| {
        let mut text = String::new();
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let cell = match column < FIRST_FIGURE {
                true => format!("{cell:<width$}  "),
                false => format!("{cell:>width$}  "),
            };
            text.push_str(&cell);
        }
        text.trim_end().to_owned()
    };
    lines.iter().map(paint).collect()
}

/// Where the view goes.
#[derive(Debug)]
pub(super) struct Screen {
    /// A terminal on both sides, which takes what is typed and is painted on.
    live: bool,
    /// Lines of the block above the prompt; none when something else was printed since.
    painted: usize,
}

const PROMPT: &str = "> ";

impl Screen {
    pub(super) fn of_this_process() -> Self {
        let live =
            io::stdin().is_terminal() && io::stdout().is_terminal() && may_use_the_terminal();
        Self { live, painted: 0 }
    }

    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// Prints lines that stay.
    pub(super) fn say(&mut self, text: &str) {
        // The line that is being typed gives way: it is in the terminal's buffer, and seen again when it is entered.
        let start = if self.painted > 0 { "\r\u{1b}[K" } else { "" };
        self.painted = 0;
        put(&format!("{start}{text}\n"));
    }

    /// Somebody has entered a line, so the block scrolled away.
    pub(super) fn entered(&mut self) {
        self.painted = 0;
    }

    /// Paints the block, over the last one where that still stands.
    pub(super) fn paint(&mut self, block: &[String]) {
        let Some((rows, columns)) = size().filter(|_| self.live) else { return };
        if rows < block.len() + 2 {
            return;
        }
        let cut = |line: &String| line.chars().take(columns.saturating_sub(1)).collect::<String>();
        let lines: Vec<String> =
            block.iter().map(|line| format!("\r\u{1b}[K{}\n", cut(line))).collect();
        let lines = lines.concat();
        if self.painted == block.len() {
            // Saves the cursor, which is where somebody types, goes up, and comes back.
            put(&format!("\u{1b}7\u{1b}[{}A{lines}\u{1b}8", block.len()));
        } else {
            put(&format!("{lines}{PROMPT}"));
            self.painted = block.len();
        }
    }
}

/// Whether standard input is no terminal, or one that this process may read: one in the background would be stopped for it.
pub(super) fn may_use_the_terminal() -> bool {
    let stdin = io::stdin();
    !stdin.is_terminal() || tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp())
}

/// Rows and columns of the terminal.
fn size() -> Option<(usize, usize)> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_row > 0 && size.ws_col > 0).then(|| (size.ws_row.into(), size.ws_col.into()))
}

/// Whoever reads may have gone, which is no reason to end a cluster.
fn put(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        let rates = Rates {
            appended_bytes: 1_500_000.0,
            fetched_bytes: 2_500.0,
            requests: 12.3,
            puts: 0.5,
            other_object_requests: 0.0,
        };
        let broker = |number: u16, state: &str, rates| Shown {
            name: format!("broker {number}"),
            address: format!("localhost:909{number}"),
            zone: "a".to_owned(),
            state: state.to_owned(),
            rates: Some(rates),
        };
        let store = Shown {
            name: "MinIO".to_owned(),
            address: "http://127.0.0.1:9000".to_owned(),
            state: "up".to_owned(),
            ..Shown::default()
        };
        Picture {
            parts: vec![broker(1, "ready", rates), broker(2, "killed", Rates::default()), store],
            lags: vec![("billing\u{1b}".to_owned(), 120), ("b".to_owned(), 3)],
        }
    }

    #[test]
    fn the_block_has_a_line_for_each_part_the_sum_and_the_lag() {
        let expected = [
            "          address                zone  state         in       out  requests/s  PUT/s  GET.../s",
            "broker 1  localhost:9091         a     ready   1.5 MB/s  2.5 kB/s          12    0.5         0",
            "broker 2  localhost:9092         a     killed     0 B/s     0 B/s           0      0         0",
            "MinIO     http://127.0.0.1:9000        up",
            "all                                            1.5 MB/s  2.5 kB/s          12    0.5         0",
            "lag: billing\\u{1b} 120, b 3",
        ];
        assert_eq!(picture().block(), expected);
    }

    #[test]
    fn one_line_says_the_same_in_short() {
        assert_eq!(
            picture().line(),
            "1 of 2 brokers ready, in 1.5 MB/s, out 2.5 kB/s, 12 requests/s, 0.5 PUT/s, 0 GET.../s, lag: billing\\u{1b} 120, b 3"
        );
        assert!(picture().is_busy() && !Picture::default().is_busy());
    }
}

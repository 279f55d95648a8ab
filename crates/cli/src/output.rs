//! [`Table`] and [`Report`]: what a command tells, for people as columns and for programs as JSON.

mod report;

pub use report::{Report, Section};

use std::io::{self, Write};

/// How a command tells what it found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum OutputFormat {
    /// Columns under a heading
    #[default]
    Table,
    /// One JSON array of objects, one for each line of the table; of several tables, an object with an array for each
    Json,
}

/// What stands in a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number, which stands to the right.
    Number(i64),
    /// `yes` or `no`.
    Flag(bool),
    /// There is none: `-`, or `null`.
    Nothing,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// What no signed number holds is told in digits all the same.
impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| Self::Text(number.to_string()), Self::Number)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        i64::try_from(number).map_or(Self::Nothing, Self::Number)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl Cell {
    /// As a person reads it. Names come from anybody, so nothing in them may steer a terminal.
    fn shown(&self) -> String {
        match self {
            Self::Text(text) if text.is_empty() => "-".to_owned(),
            Self::Text(text) => printable(text),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Self::Nothing => "-".to_owned(),
        }
    }

    fn as_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Nothing => serde_json::Value::Null,
        }
    }
}

/// The text with its control characters escaped.
pub fn printable(text: &str) -> String {
    let escape = |character: char| {
        let plain = (!character.is_control()).then_some(character);
        let escaped = character.is_control().then(|| character.escape_default());
        plain.into_iter().chain(escaped.into_iter().flatten())
    };
    text.chars().flat_map(escape).collect()
}

/// Lines of cells under a heading.
#[derive(Clone, Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    heading: [&'static str; COLUMNS],
    lines: Vec<[Cell; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    pub(crate) fn new(heading: [&'static str; COLUMNS]) -> Self {
        Self { heading, lines: Vec::new() }
    }

    pub(crate) fn push(&mut self, line: [Cell; COLUMNS]) {
        self.lines.push(line);
    }

    pub(crate) fn print(&self, format: OutputFormat, out: &mut dyn Write) -> io::Result<()> {
        match format {
            OutputFormat::Table => self.print_columns(out),
            OutputFormat::Json => self.print_json(out),
        }
    }

    fn print_columns(&self, out: &mut dyn Write) -> io::Result<()> {
        Columns::under(self.heading).print(&self.lines, out)
    }

    fn print_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let objects: Vec<_> = self.lines.iter().map(|line| as_json(&self.heading, line)).collect();
        serde_json::to_writer_pretty(&mut *out, &objects)?;
        writeln!(out)
    }
}

/// A line as JSON, with the heading's words as names.
fn as_json<const COLUMNS: usize>(
    heading: &[&'static str; COLUMNS],
    line: &[Cell; COLUMNS],
) -> serde_json::Value {
    let fields = heading.iter().zip(line);
    let fields = fields.map(|(name, cell)| (as_name(name), cell.as_json()));
    serde_json::Value::Object(fields.collect())
}

/// How JSON names what tables call `words`.
fn as_name(words: &str) -> String {
    words.replace(' ', "_")
}

/// Where the columns of a table stand.
#[derive(Clone, Debug)]
struct Columns<const COLUMNS: usize> {
    /// Printed before the first lines.
    heading: Option<[String; COLUMNS]>,
    widths: [usize; COLUMNS],
}

impl<const COLUMNS: usize> Columns<COLUMNS> {
    fn under(heading: [&'static str; COLUMNS]) -> Self {
        Self { heading: Some(heading.map(str::to_owned)), widths: heading.map(str::len) }
    }

    /// Prints lines, in columns that are as wide as these and all lines before need.
    fn print(&mut self, lines: &[[Cell; COLUMNS]], out: &mut dyn Write) -> io::Result<()> {
        let shown: Vec<_> = lines.iter().map(|line| line.each_ref().map(Cell::shown)).collect();
        for line in &shown {
            for (width, text) in self.widths.iter_mut().zip(line) {
                *width = text.chars().count().max(*width);
            }
        }
        let are_numbers: [bool; COLUMNS] = std::array::from_fn(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            let is_number = |cell: &Cell| matches!(cell, Cell::Number(_) | Cell::Nothing);
            !lines.is_empty() && cells.clone().all(is_number)
        });
        for line in self.heading.take().iter().chain(&shown) {
            let mut text = String::new();
            for ((cell, width), is_number) in line.iter().zip(self.widths).zip(are_numbers) {
                let cell =
                    if is_number { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
                text.push_str(&cell);
                text.push_str("  ");
            }
            writeln!(out, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: OutputFormat) -> String {
        let mut table = Table::new(["group", "log end", "lag"]);
        table.push(["orders".into(), 12_i64.into(), Cell::Nothing]);
        table.push(["\u{1b}[2Jé".into(), 7_i64.into(), 1_234_i64.into()]);
        let mut out = Vec::new();
        table.print(format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_stand_to_the_right_and_nothing_steers_the_terminal() {
        let expected =
            "group       log end   lag\norders           12     -\n\\u{1b}[2Jé        7  1234\n";
        assert_eq!(printed(OutputFormat::Table), expected);
    }

    #[test]
    fn json_has_the_same_lines_with_names() {
        let read: serde_json::Value = serde_json::from_str(&printed(OutputFormat::Json)).unwrap();
        assert_eq!(read[0]["log_end"], 12);
        assert_eq!(read[0]["lag"], serde_json::Value::Null);
        assert_eq!(read[1]["group"], "\u{1b}[2Jé");
    }

    #[test]
    fn a_table_without_lines_is_its_heading() {
        let mut out = Vec::new();
        Table::new(["a", "b"]).print(OutputFormat::Table, &mut out).unwrap();
        assert_eq!(out, b"a  b\n");
    }
}

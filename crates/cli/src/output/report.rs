//! [`Report`]: facts, then tables, told as they come: of what a store or a disk holds nothing but a page is in memory.

use super::{Cell, Columns, OutputFormat, as_json, as_name, printable};
use std::io::{self, Write};

/// So many lines are held back, to stand below each other.
const PAGE_LINES: usize = 512;

/// What a command tells that is more than one table: for people in paragraphs, for programs as one JSON object.
pub struct Report<'a> {
    format: OutputFormat,
    out: &'a mut dyn Write,
    /// What was told last.
    told: Told,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Fact,
    Table,
}

impl<'a> Report<'a> {
    /// A report that goes to `out`.
    pub fn new(format: OutputFormat, out: &'a mut dyn Write) -> Self {
        Self { format, out, told: Told::Nothing }
    }

    /// Tells one fact.
    ///
    /// # Errors
    /// The output's.
    pub fn fact(&mut self, name: &'static str, value: impl Into<Cell>) -> io::Result<()> {
        let value = value.into();
        match self.format {
            OutputFormat::Table => writeln!(self.out, "{name}: {}", value.shown())?,
            OutputFormat::Json => {
                self.begin_field(name)?;
                write!(self.out, "{}", value.as_json())?;
            }
        }
        self.told = Told::Fact;
        Ok(())
    }

    /// Begins a table. Without lines it is an empty array, and no paragraph.
    pub fn table<const COLUMNS: usize>(
        &mut self,
        name: &'static str,
        heading: [&'static str; COLUMNS],
    ) -> Section<'_, 'a, COLUMNS> {
        let columns = Columns::under(heading);
        Section { report: self, name, heading, columns, page: Vec::new(), begun: false }
    }

    /// Tells a table of these lines.
    ///
    /// # Errors
    /// The output's.
    pub fn lines<const COLUMNS: usize>(
        &mut self,
        name: &'static str,
        heading: [&'static str; COLUMNS],
        lines: impl IntoIterator<Item = [Cell; COLUMNS]>,
    ) -> io::Result<()> {
        let mut table = self.table(name, heading);
        lines.into_iter().try_for_each(|line| table.push(line))?;
        table.end()
    }

    /// Ends the report.
    ///
    /// # Errors
    /// The output's.
    pub fn finish(self) -> io::Result<()> {
        match (self.format, self.told) {
            (OutputFormat::Table, _) => {}
            (OutputFormat::Json, Told::Nothing) => writeln!(self.out, "{{}}")?,
            (OutputFormat::Json, _) => writeln!(self.out, "\n}}")?,
        }
        self.out.flush()
    }

    fn begin_field(&mut self, name: &str) -> io::Result<()> {
        let before = if self.told == Told::Nothing { "{" } else { "," };
        write!(self.out, "{before}\n  \"{}\": ", as_name(name))
    }
}

impl std::fmt::Debug for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Report").field("format", &self.format).finish_non_exhaustive()
    }
}

/// One table of a report. It must be ended.
#[must_use]
#[derive(Debug)]
pub struct Section<'r, 'a, const COLUMNS: usize> {
    report: &'r mut Report<'a>,
    name: &'static str,
    heading: [&'static str; COLUMNS],
    columns: Columns<COLUMNS>,
    page: Vec<[Cell; COLUMNS]>,
    begun: bool,
}

impl<const COLUMNS: usize> Section<'_, '_, COLUMNS> {
    /// Tells one line.
    ///
    /// # Errors
    /// The output's.
    pub fn push(&mut self, line: [Cell; COLUMNS]) -> io::Result<()> {
        self.page.push(line);
        if self.page.len() < PAGE_LINES { Ok(()) } else { self.print_page() }
    }

    /// Ends the table.
    ///
    /// # Errors
    /// The output's.
    pub fn end(mut self) -> io::Result<()> {
        if !self.page.is_empty() {
            self.print_page()?;
        }
        if self.report.format == OutputFormat::Json {
            if self.begun {
                write!(self.report.out, "\n  ]")?;
            } else {
                self.report.begin_field(self.name)?;
                write!(self.report.out, "[]")?;
            }
            self.report.told = Told::Table;
        }
        Ok(())
    }

    fn print_page(&mut self) -> io::Result<()> {
        let page = std::mem::take(&mut self.page);
        match self.report.format {
            OutputFormat::Table => self.print_columns(&page)?,
            OutputFormat::Json => self.print_objects(&page)?,
        }
        self.begun = true;
        self.report.told = Told::Table;
        Ok(())
    }

    fn print_columns(&mut self, page: &[[Cell; COLUMNS]]) -> io::Result<()> {
        if !self.begun {
            let gap = if self.report.told == Told::Nothing { "" } else { "\n" };
            writeln!(self.report.out, "{gap}{}:", printable(self.name))?;
        }
        self.columns.print(page, self.report.out)
    }

    /// One object a line.
    fn print_objects(&mut self, page: &[[Cell; COLUMNS]]) -> io::Result<()> {
        if !self.begun {
            self.report.begin_field(self.name)?;
            write!(self.report.out, "[")?;
        }
        for (position, line) in page.iter().enumerate() {
            let before = if self.begun || position > 0 { "," } else { "" };
            write!(self.report.out, "{before}\n    {}", as_json(&self.heading, line))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(format: OutputFormat, lines: usize) -> String {
        let mut out = Vec::new();
        let mut report = Report::new(format, &mut out);
        report.fact("kind", "a \u{1b}[2Jsegment").unwrap();
        report.table("losses", ["what"]).end().unwrap();
        let mut slices = report.table("slices", ["base offset", "is whole"]);
        for line in 0..lines {
            slices.push([line.into(), true.into()]).unwrap();
        }
        slices.end().unwrap();
        report.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paragraphs_are_told_apart_and_empty_ones_left_out() {
        let expected = "kind: a \\u{1b}[2Jsegment\n\nslices:\nbase offset  is whole\n          0  yes\n          1  yes\n";
        assert_eq!(told(OutputFormat::Table, 2), expected);
    }

    #[test]
    fn programs_get_one_object_however_many_pages_it_takes() {
        for lines in [0, 1, PAGE_LINES, PAGE_LINES + 1, 3 * PAGE_LINES] {
            let read: serde_json::Value =
                serde_json::from_str(&told(OutputFormat::Json, lines)).unwrap();
            assert_eq!(read["kind"], "a \u{1b}[2Jsegment");
            assert_eq!(read["losses"], serde_json::json!([]));
            let slices = read["slices"].as_array().unwrap();
            assert_eq!(slices.len(), lines);
            for (line, slice) in slices.iter().enumerate() {
                assert_eq!(*slice, serde_json::json!({"base_offset": line, "is_whole": true}));
            }
        }
    }

    #[test]
    fn later_pages_stand_below_the_first_and_have_no_heading() {
        let told = told(OutputFormat::Table, 2 * PAGE_LINES);
        assert_eq!(told.matches("base offset").count(), 1);
        assert!(told.ends_with("       1023  yes\n"), "{told}");
    }

    #[test]
    fn a_report_of_nothing_is_an_object_too() {
        let mut out = Vec::new();
        Report::new(OutputFormat::Json, &mut out).finish().unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&out).unwrap(),
            serde_json::json!({})
        );
    }
}

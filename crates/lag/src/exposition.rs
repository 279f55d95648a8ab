//! [`Exposition`]: metrics in Prometheus' text format, written anew for each scrape: what is gone leaves nothing behind.

use std::{collections::BTreeMap, fmt::Write};

/// Gauges by name.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    families: BTreeMap<&'static str, (&'static str, String)>,
}

impl Exposition {
    /// Adds a sample. Labels may hold any text.
    pub fn gauge(
        &mut self,
        (name, help): (&'static str, &'static str),
        labels: &[(&str, &str)],
        value: impl std::fmt::Display,
    ) {
        let (_, samples) = self.families.entry(name).or_insert_with(|| (help, String::new()));
        samples.push_str(name);
        let mut opening = '{';
        for (label, text) in labels {
            samples.push(opening);
            samples.push_str(label);
            samples.push_str("=\"");
            escape(text, samples);
            samples.push('"');
            opening = ',';
        }
        if opening == ',' {
            samples.push('}');
        }
        // Writing to a string can't fail.
        let _ = writeln!(samples, " {value}");
    }

    /// All of them, one family after the other.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, (help, samples)) in &self.families {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
            text.push_str(samples);
        }
        text
    }
}

fn escape(text: &str, into: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => into.push_str("\\\\"),
            '"' => into.push_str("\\\""),
            '\n' => into.push_str("\\n"),
            other => into.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_clients_stay_within_their_label() {
        let mut all = Exposition::default();
        all.gauge(("b", "Second."), &[], 1.5);
        all.gauge(("a", "First."), &[("group", "x\"} 1\nevil{y=\"\\"), ("p", "0")], 7);
        let expected = "# HELP a First.\n# TYPE a gauge\na{group=\"x\\\"} 1\\nevil{y=\\\"\\\\\",p=\"0\"} 7\n# HELP b Second.\n# TYPE b gauge\nb 1.5\n";
        assert_eq!(all.text(), expected);
    }
}

//! Prometheus' text format, as our own `/metrics` writes it, turned into OTLP metrics.
//!
//! Counters become cumulative monotonic sums, gauges gauges, histograms histograms with explicit bounds, summaries summaries. A line that
//! is none of that is left out. Sources: Prometheus' exposition formats, OpenTelemetry's Prometheus compatibility.

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    metrics::v1::{
        AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
        Summary, SummaryDataPoint, metric::Data, number_data_point::Value as Number,
        summary_data_point::ValueAtQuantile,
    },
};
use std::collections::BTreeMap;

/// When counting began, and now; in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// Of this process.
    pub(crate) start: u64,
    /// Of the text.
    pub(crate) now: u64,
}

/// The metrics that `text` says.
pub(crate) fn metrics(text: &str, times: Times) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let mut family: Option<Family<'_>> = None;
    for line in text.lines() {
        if let Some((name, kind)) = type_of(line) {
            metrics.extend(family.take().map(|family| family.metric(times)));
            family = Some(Family { name, kind, samples: Vec::new() });
        } else if let Some(sample) = Sample::parse(line) {
            match &mut family {
                Some(family) if sample.name.starts_with(family.name) => family.samples.push(sample),
                _ => {}
            }
        }
    }
    metrics.extend(family.map(|family| family.metric(times)));
    metrics
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
    Summary,
}

fn type_of(line: &str) -> Option<(&str, Kind)> {
    let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
    let kind = match kind.trim() {
        "counter" => Kind::Counter,
        "histogram" => Kind::Histogram,
        "summary" => Kind::Summary,
        _ => Kind::Gauge,
    };
    Some((name, kind))
}

type Labels = Vec<(String, String)>;

#[derive(Debug)]
struct Sample<'a> {
    name: &'a str,
    labels: Labels,
    value: f64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let name_end = line.find(['{', ' '])?;
        let (name, rest) = line.split_at(name_end);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest)?,
            None => (Vec::new(), rest),
        };
        let value = rest.split_whitespace().next()?.parse().ok()?;
        Some(Self { name, labels, value })
    }

    /// Takes the label of that name out.
    fn without(mut self, label: &str) -> (Labels, Option<String>) {
        let at = self.labels.iter().position(|(name, _)| name == label);
        let value = at.map(|at| self.labels.remove(at).1);
        (self.labels, value)
    }
}

/// Labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, after) = quoted_text(quoted)?;
        labels.push((name.to_owned(), value));
        rest = after;
    }
}

/// Text up to the closing quote, and what follows it.
fn quoted_text(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[derive(Debug)]
struct Family<'a> {
    name: &'a str,
    kind: Kind,
    samples: Vec<Sample<'a>>,
}

impl Family<'_> {
    fn metric(self, times: Times) -> Metric {
        let name = self.name.to_owned();
        let data = match self.kind {
            Kind::Counter => Data::Sum(Sum {
                data_points: self.numbers(times),
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                is_monotonic: true,
            }),
            Kind::Gauge => Data::Gauge(Gauge { data_points: self.numbers(times) }),
            Kind::Histogram => Data::Histogram(Histogram {
                data_points: self.distributions("le").map(|it| it.histogram(times)).collect(),
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
            }),
            Kind::Summary => Data::Summary(Summary {
                data_points: self.distributions("quantile").map(|it| it.summary(times)).collect(),
            }),
        };
        let unit = if name.ends_with("_seconds") { "s" } else { "" }.to_owned();
        Metric { name, unit, data: Some(data), ..Metric::default() }
    }

    fn numbers(self, times: Times) -> Vec<NumberDataPoint> {
        let points = self.samples.into_iter().map(|sample| NumberDataPoint {
            attributes: attributes(sample.labels),
            start_time_unix_nano: times.start,
            time_unix_nano: times.now,
            value: Some(Number::AsDouble(sample.value)),
            ..NumberDataPoint::default()
        });
        points.collect()
    }

    /// What is said with one set of labels, but for `rank` (`le`, `quantile`).
    fn distributions(self, rank: &str) -> impl Iterator<Item = Distribution> {
        let mut all: BTreeMap<Labels, Distribution> = BTreeMap::new();
        let family = self.name;
        for sample in self.samples {
            let (suffix, value) =
                (sample.name.get(family.len()..).unwrap_or_default(), sample.value);
            let (labels, rank) = sample.without(rank);
            let distribution = all.entry(labels).or_default();
            match (suffix, rank.and_then(|rank| rank.parse().ok())) {
                ("_sum", _) => distribution.sum = value,
                ("_count", _) => distribution.count = value as u64,
                ("_bucket" | "", Some(rank)) => distribution.ranks.push((rank, value)),
                _ => {}
            }
        }
        all.into_iter().map(|(labels, distribution)| Distribution {
            attributes: attributes(labels),
            ..distribution
        })
    }
}

/// A histogram's or a summary's lines for one set of labels.
#[derive(Debug, Default)]
struct Distribution {
    attributes: Vec<KeyValue>,
    /// Upper bound or quantile, and the value there, in the order of the text.
    ranks: Vec<(f64, f64)>,
    sum: f64,
    count: u64,
}

impl Distribution {
    fn histogram(self, times: Times) -> HistogramDataPoint {
        let bounded = self.ranks.iter().filter(|(bound, _)| bound.is_finite());
        let (bounds, through): (Vec<f64>, Vec<f64>) = bounded.copied().unzip();
        // Prometheus counts what is at or below a bound; OTLP what is between two.
        let through = through.into_iter().map(|count| count as u64).chain([self.count]);
        let counts = through
            .scan(0, |before, count| Some(count.saturating_sub(std::mem::replace(before, count))));
        HistogramDataPoint {
            attributes: self.attributes,
            start_time_unix_nano: times.start,
            time_unix_nano: times.now,
            count: self.count,
            sum: Some(self.sum),
            bucket_counts: counts.collect(),
            explicit_bounds: bounds,
            ..HistogramDataPoint::default()
        }
    }

    fn summary(self, times: Times) -> SummaryDataPoint {
        let quantiles = self.ranks.into_iter();
        let quantiles = quantiles.map(|(quantile, value)| ValueAtQuantile { quantile, value });
        SummaryDataPoint {
            attributes: self.attributes,
            start_time_unix_nano: times.start,
            time_unix_nano: times.now,
            count: self.count,
            sum: self.sum,
            quantile_values: quantiles.collect(),
            ..SummaryDataPoint::default()
        }
    }
}

fn attributes(labels: Labels) -> Vec<KeyValue> {
    let attributes = labels.into_iter().map(|(key, value)| KeyValue {
        key,
        value: Some(AnyValue { value: Some(Value::StringValue(value)) }),
        ..KeyValue::default()
    });
    attributes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

    const TIMES: Times = Times { start: 1, now: 2 };

    /// What our own recorder writes.
    fn written() -> String {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &[0.1, 1.0])
            .unwrap()
            .build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::counter!("requests_total", "api" => "Produce").increment(7);
            metrics::counter!("requests_total", "api" => "a\"b\\c\n{d=\"e\",}").increment(2);
            metrics::gauge!("share").set(-0.25);
            for seconds in [0.05, 0.5, 0.6, 5.0] {
                metrics::histogram!("took_seconds", "api" => "Produce").record(seconds);
            }
            metrics::histogram!("took_seconds").record(0.01);
            metrics::histogram!("size").record(3.0);
        });
        handle.render()
    }

    fn find<'a>(metrics: &'a [Metric], name: &str) -> &'a Data {
        let found = metrics.iter().find(|metric| metric.name == name).unwrap();
        found.data.as_ref().unwrap()
    }

    fn label(attributes: &[KeyValue]) -> &str {
        match attributes.first().and_then(|it| it.value.as_ref()?.value.as_ref()) {
            Some(Value::StringValue(text)) => text,
            _ => "",
        }
    }

    #[test]
    fn counters_and_gauges_keep_their_labels_and_values() {
        let metrics = metrics(&written(), TIMES);
        let Data::Sum(sum) = find(&metrics, "requests_total") else { panic!("a counter is a sum") };
        assert!(sum.is_monotonic);
        let mut points: Vec<_> = sum
            .data_points
            .iter()
            .map(|point| (label(&point.attributes), point.value.unwrap()))
            .collect();
        points.sort_by_key(|(label, _)| *label);
        let hostile = ("a\"b\\c\n{d=\"e\",}", Number::AsDouble(2.0));
        assert_eq!(points, [("Produce", Number::AsDouble(7.0)), hostile]);
        let Data::Gauge(gauge) = find(&metrics, "share") else { panic!("a gauge is a gauge") };
        assert_eq!(gauge.data_points[0].value, Some(Number::AsDouble(-0.25)));
        assert_eq!(gauge.data_points[0].time_unix_nano, 2);
    }

    #[test]
    fn a_histogram_counts_what_is_between_its_bounds() {
        let metrics = metrics(&written(), TIMES);
        let Data::Histogram(histogram) = find(&metrics, "took_seconds") else { panic!() };
        assert_eq!(histogram.data_points.len(), 2);
        let labelled = histogram.data_points.iter().find(|it| label(&it.attributes) == "Produce");
        let point = labelled.unwrap();
        assert_eq!(point.explicit_bounds, [0.1, 1.0]);
        assert_eq!(point.bucket_counts, [1, 2, 1]);
        assert_eq!((point.count, point.sum), (4, Some(6.15)));
    }

    #[test]
    fn a_summary_has_its_quantiles() {
        let metrics = metrics(&written(), TIMES);
        let Data::Summary(summary) = find(&metrics, "size") else { panic!() };
        let point = &summary.data_points[0];
        assert_eq!((point.count, point.sum), (1, 3.0));
        assert!(!point.quantile_values.is_empty());
    }

    #[test]
    fn lines_that_are_none_are_left_out() {
        let text = "# TYPE a counter\na 1\na{ 2\na{x=\"y 3\nb 4\n\u{0}\na{x=\"y\"} z\n\na nan_\n";
        let metrics = metrics(text, TIMES);
        let Data::Sum(sum) = find(&metrics, "a") else { panic!() };
        assert_eq!((metrics.len(), sum.data_points.len()), (1, 1));
    }
}

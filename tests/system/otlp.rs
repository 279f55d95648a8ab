//! Traces, metrics and logs reach a collector; and one that hangs or is not there slows nobody down.

use crate::harness::{
    Broker, Deployment, Kind, Load,
    collector::{Collected, Collector, attribute},
    eventually,
    programs::create_topic,
    records::write_lines,
    until,
};
use opentelemetry_proto::tonic::{
    logs::v1::SeverityNumber,
    metrics::v1::metric::Data,
    trace::v1::{Span, span::SpanKind},
};
use runtime::Clock;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// What must never be in telemetry: tokens, and what is in records.
const SECRETS: [&str; 4] =
    ["admin-token-2e8a7f5c", "console-token-91bd0c44", "bearer-5d1f6e02", "value-77a0b3ce"];

/// The parts of a produce request in `object` mode, in the order in which they begin.
const PARTS: [&str; 6] =
    ["wal.append", "flush.wait", "flush", "segment.put", "segment.commit", "respond"];

const MEMORY_LIMIT_BYTES: u64 = 256 << 20;

fn settings(endpoint: &str) -> Vec<String> {
    vec![
        format!("otlp.endpoint={endpoint}"),
        "otlp.traces.sample.ratio=1".to_owned(),
        "otlp.metrics.interval=1s".to_owned(),
        "otlp.logs.filter=info".to_owned(),
    ]
}

fn start(deployment: &Deployment, settings: &[String]) -> Broker {
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let environment = [(
        "OTEL_EXPORTER_OTLP_HEADERS".to_owned(),
        format!("authorization=Bearer%20{}", SECRETS[2]),
    )];
    let local = deployment.local();
    std::fs::create_dir_all(&local).unwrap();
    Broker::start(&local, &deployment.arguments(&settings), &environment)
}

/// Traces of produce requests to `topic`: the request's span, and those under it by name.
fn traces(collected: &Collected, topic: &str) -> Vec<(Span, BTreeMap<String, Span>)> {
    let of_topic = |span: &&Span| {
        span.name == "Produce" && attribute(&span.attributes, "topic").as_deref() == Some(topic)
    };
    let requests = collected.spans.iter().filter(of_topic);
    let traces = requests.map(|request| {
        let others = collected
            .spans
            .iter()
            .filter(|span| span.trace_id == request.trace_id && span.span_id != request.span_id);
        (request.clone(), others.map(|span| (span.name.clone(), span.clone())).collect())
    });
    traces.collect()
}

#[test]
fn a_collector_gets_whole_traces_of_produce_requests_metrics_and_log_lines() {
    let collector = Collector::start();
    let deployment = Deployment::start(Kind::Embedded);
    let mut settings = settings(&collector.endpoint());
    settings.extend([
        "durability.mode=object".to_owned(),
        format!("http.admin.token={}", SECRETS[0]),
        format!("console.token={}", SECRETS[1]),
    ]);
    let mut broker = start(&deployment, &settings);
    create_topic(&broker.address(), "traced", 3, &[]);
    // At once, so that flushes serve more than one of them.
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let address = broker.address();
            let lines: Vec<_> =
                (0..200).map(|number| format!("k{writer}-{number}:{}", SECRETS[3])).collect();
            thread::spawn(move || write_lines(&address, "traced", &lines))
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    // No request: worth a line in the log.
    let mut stray = TcpStream::connect(broker.address()).unwrap();
    stray.write_all(&[0, 0, 0, 8, 0x7f, 0xff, 0, 0, 0, 0, 0, 0]).unwrap();

    let traces = eventually(|| {
        let traces = traces(&collector.collected(), "traced");
        let missing = |(_, parts): &(Span, BTreeMap<String, Span>)| {
            PARTS.iter().filter(|part| !parts.contains_key(**part)).count()
        };
        let incomplete = traces.iter().filter(|trace| missing(trace) > 0).count();
        if traces.len() >= 4 && incomplete == 0 {
            return Ok(traces);
        }
        Err(format!("{incomplete} of {} traces are incomplete: {traces:#?}", traces.len()))
    });
    for (request, parts) in &traces {
        check_trace(request, parts);
    }
    check_links(&traces);
    check_metrics(&collector);
    let warned = eventually(|| {
        let lines = collector.collected().lines;
        let warning = lines.into_iter().find(|line| {
            line.severity_number == i32::from(SeverityNumber::Warn)
                && format!("{:?}", line.body).contains("no valid request")
        });
        warning.ok_or_else(|| "no line about the stray connection".to_owned())
    });
    assert!(attribute(&warned.attributes, "peer").is_some(), "{warned:?}");

    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
    let collected = collector.collected();
    let instances = attribute(&collected.resources, "service.instance.id");
    assert_eq!(attribute(&collected.resources, "service.name").as_deref(), Some("alluvium"));
    assert_eq!(instances.as_deref(), Some("1"));
    let headers: BTreeSet<_> = collected.authorizations.iter().cloned().collect();
    assert_eq!(headers, BTreeSet::from([format!("Bearer {}", SECRETS[2])]));
    let told = Collected { authorizations: Vec::new(), ..collected };
    let told = format!("{told:?}");
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} was sent to the collector");
        assert!(!broker.log().contains(secret), "{secret} is in the log");
    }
    assert!(!broker.log().contains("telemetry is lost"), "{}", broker.log());
}

#[test]
fn a_part_of_all_requests_is_traced_and_nothing_of_the_others_is_told() {
    let collector = Collector::start();
    let deployment = Deployment::start(Kind::Embedded);
    let mut settings = settings(&collector.endpoint());
    settings.extend(["otlp.traces.sample.ratio=0.2", "durability.mode=object"].map(str::to_owned));
    let mut broker = start(&deployment, &settings);
    create_topic(&broker.address(), "drawn", 1, &[]);
    for number in 0..60 {
        write_lines(&broker.address(), "drawn", &[format!("k:{number}")]);
    }
    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
    let collected = collector.collected();
    let traces = traces(&collected, "drawn");
    assert!((1..40).contains(&traces.len()), "{} of 60 were traced", traces.len());
    for (request, parts) in &traces {
        check_trace(request, parts);
    }
    let known: BTreeSet<_> = collected.spans.iter().map(|span| &span.span_id).collect();
    let is_orphan =
        |span: &&Span| !span.parent_span_id.is_empty() && !known.contains(&span.parent_span_id);
    let mut roots = collected.spans.iter().filter(|span| span.parent_span_id.is_empty());
    assert_eq!(collected.spans.iter().filter(is_orphan).count(), 0);
    assert!(roots.all(|root| attribute(&root.attributes, "api").is_some()));
}

/// The parts lie in the request, in the order in which things happen.
fn check_trace(request: &Span, parts: &BTreeMap<String, Span>) {
    assert_eq!(request.kind, i32::from(SpanKind::Server));
    assert!(request.parent_span_id.is_empty());
    let object = attribute(&parts["flush"].attributes, "object").unwrap();
    for part in PARTS {
        let span = &parts[part];
        let parent = if part.starts_with("segment.") { &parts["flush"] } else { request };
        assert_eq!(span.parent_span_id, parent.span_id, "{part}: {parts:#?}");
        assert!(span.start_time_unix_nano >= request.start_time_unix_nano, "{part}");
        // Nobody waits for the WAL here, and it may be the last to write.
        let is_awaited = part != "wal.append";
        assert!(
            !is_awaited || span.end_time_unix_nano <= request.end_time_unix_nano,
            "{part}: {parts:#?}"
        );
        if part.starts_with("segment.") {
            assert_eq!(attribute(&span.attributes, "object").as_ref(), Some(&object));
        }
    }
    for pair in PARTS.windows(2) {
        let (one, next) = (&parts[pair[0]], &parts[pair[1]]);
        assert!(one.start_time_unix_nano <= next.start_time_unix_nano, "{pair:?}: {parts:#?}");
    }
    let (put, commit) = (&parts["segment.put"], &parts["segment.commit"]);
    assert!(put.end_time_unix_nano <= commit.start_time_unix_nano, "{parts:#?}");
    // Acknowledged means committed.
    assert!(commit.end_time_unix_nano <= parts["respond"].start_time_unix_nano, "{parts:#?}");
}

/// Traces that share a flush say so: all but the first are linked to the first.
fn check_links(traces: &[(Span, BTreeMap<String, Span>)]) {
    let mut flushes: BTreeMap<String, Vec<&Span>> = BTreeMap::new();
    for (_, parts) in traces {
        let flush = &parts["flush"];
        let object = attribute(&flush.attributes, "object").unwrap();
        flushes.entry(object).or_default().push(flush);
    }
    let shared: Vec<_> = flushes.into_values().filter(|flushes| flushes.len() > 1).collect();
    assert!(!shared.is_empty(), "no flush served two requests");
    for flushes in shared {
        let ids: BTreeSet<_> = flushes.iter().map(|flush| flush.span_id.clone()).collect();
        let linked: Vec<_> = flushes.iter().filter(|flush| flush.links.len() == 1).collect();
        assert_eq!(linked.len(), flushes.len() - 1, "{flushes:#?}");
        assert!(linked.iter().all(|flush| ids.contains(&flush.links[0].span_id)), "{flushes:#?}");
    }
}

fn check_metrics(collector: &Collector) {
    eventually(|| {
        let metrics = collector.collected().metrics;
        let named = |name: &str| metrics.iter().rev().find(|metric| metric.name == name);
        let Some(Data::Sum(requests)) =
            named("kafka_requests_total").and_then(|it| it.data.clone())
        else {
            return Err("no kafka_requests_total".to_owned());
        };
        assert!(requests.is_monotonic);
        let apis = requests.data_points.iter();
        let apis: BTreeSet<_> = apis.filter_map(|it| attribute(&it.attributes, "api")).collect();
        if !apis.contains("Produce") {
            return Err(format!("requests of {apis:?}"));
        }
        let put = named("alluvium_segment_put_duration_seconds").and_then(|it| it.data.clone());
        match put {
            Some(Data::Histogram(put)) if put.data_points[0].count > 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

/// A producer goes on, memory stays bounded, what is lost is counted and told once, and the end does not wait.
fn is_outlived(endpoint: &str) {
    let deployment = Deployment::start(Kind::Embedded);
    let mut broker = start(&deployment, &settings(endpoint));
    create_topic(&broker.address(), "untold", 4, &[]);
    let mut load = Load::new("untold", 4);
    load.start(&broker.address(), deployment.directory(), "all", &["--size", "100"]);
    let lost = |signal: &str| {
        let series = format!("alluvium_otlp_dropped_total{{signal=\"{signal}\"}} ");
        let metrics = broker.metrics();
        let line = metrics.lines().find_map(|line| line.strip_prefix(&series));
        line.and_then(|value| value.parse::<u64>().ok()).unwrap_or(0)
    };
    until("nothing is counted as lost", || lost("traces") > 3_000 && lost("metrics") > 0);
    let before = load.acknowledged();
    let clock = Clock::system();
    let began = clock.boot_time();
    thread::sleep(Duration::from_secs(5));
    let rate = (load.acknowledged() - before) as f64 / clock.boot_time().since(began).as_secs_f64();
    assert!(rate > 200.0, "{rate} records a second");
    assert!(broker.peak_resident_bytes() < MEMORY_LIMIT_BYTES, "{}", broker.peak_resident_bytes());
    load.stop();
    load.verify(&broker.address());
    let began = clock.boot_time();
    assert!(broker.stop().is_some_and(|status| status.success()), "{}", broker.log());
    let took = clock.boot_time().since(began);
    assert!(took < Duration::from_secs(10), "the end took {took:?}");
    let log = broker.log();
    for signal in ["traces", "metrics", "logs"] {
        let told = log.lines().filter(|line| {
            line.contains("telemetry is lost") && line.contains(&format!("\"{signal}\""))
        });
        assert_eq!(told.count(), 1, "{signal}: {log}");
    }
    println!("{rate:.0} records a second, end after {took:?}");
}

#[test]
fn a_collector_that_hangs_slows_nobody_down() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the process: it waits for connections that nobody makes any more.
    thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((connection, _)) = listener.accept() {
            kept.push(connection);
        }
    });
    is_outlived(&format!("http://127.0.0.1:{port}"));
}

#[test]
fn a_collector_that_is_not_there_slows_nobody_down() {
    let port = services::free_port().unwrap();
    is_outlived(&format!("http://127.0.0.1:{port}"));
}

# Everything that CI runs: format, lints, build, all tests. About 40 minutes on a fresh 2-core machine, 25 on a warm one.
verify:
    bash .ci/run

# The same tests at length: hundreds of kills, long outages, half an hour of chaos, and what is too long for `verify`; chart and manifests.
verify-long:
    # klag-exporter, with which the lag evaluator is compared, is built with librdkafka's SASL.
    tools/install-debian kcat libsasl2-dev
    tests/rules/run
    SIMULATION_SEEDS=2000 cargo test --workspace --test simulation -- everything
    SYSTEM_TEST_KILLS=500 SYSTEM_TEST_OUTAGE_SECONDS=300 SYSTEM_TEST_CHAOS_SECONDS=1800 SYSTEM_TEST_CHAOS_SEED=$(date +%s) cargo test --workspace --no-fail-fast -- --test-threads 2 --include-ignored
    tests/kubernetes/verify

# Chart, manifests and Terraform: rendered, checked, installed on a real API server; the chart's container on real brokers. Builds its tools once.
verify-kubernetes *steps:
    tests/kubernetes/verify {{steps}}

# Side by side with Apache Kafka: `just bench compare`, `just bench run latency`; see benches/README.md.
bench *arguments:
    benches/run {{arguments}}

# Fuzzes every decoder of untrusted bytes, 10 minutes each; `just fuzz 60 request` for one.
fuzz *arguments:
    fuzz/run {{arguments}}

# What a release is made of, in target/dist/: programs for x86_64 and aarch64, each of them started, the list of crates, checksums.
dist *targets:
    tools/dist {{targets}}

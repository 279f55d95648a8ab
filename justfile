# Everything that CI runs: format, lints, build, all tests. About 40 minutes on a fresh 2-core machine, 25 on a warm one.
verify:
    bash .ci/run

# The same tests at length: hundreds of kills, long outages, half an hour of chaos, and what is too long for `verify`.
verify-long:
    tests/rules/run
    SIMULATION_SEEDS=2000 cargo test --workspace --test simulation -- everything
    SYSTEM_TEST_KILLS=500 SYSTEM_TEST_OUTAGE_SECONDS=300 SYSTEM_TEST_CHAOS_SECONDS=1800 SYSTEM_TEST_CHAOS_SEED=$(date +%s) cargo test --workspace --no-fail-fast -- --test-threads 2 --include-ignored

# Side by side with Apache Kafka: `just bench compare`, `just bench run latency`; see benches/README.md.
bench *arguments:
    benches/run {{arguments}}

# Fuzzes every decoder of untrusted bytes, 10 minutes each; `just fuzz 60 request` for one.
fuzz *arguments:
    fuzz/run {{arguments}}

"""Runs the same load on Apache Kafka and Alluvium in turn and compares what it cost.

command_line  what is run, how often
scenarios     the loads of producers and consumers, one function each, and all scenarios by name
coordinators  the loads of groups and transactions
outcome       what a scenario answers
measure       what a section of a run cost: CPU, memory, object requests, foreign load
clients       Kafka's Java tools and our own driver
systems       the brokers under test and how each is started
stores        etcd and MinIO
process       a child process, its CPU and memory from /proc
machine       the whole machine's CPU
toolbox       where programs and jars are
results       medians, spreads, ratios, tables
"""

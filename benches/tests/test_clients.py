"""How clients' output is read."""

import unittest

from bench.clients import producer_performance


class ProducerPerformance(unittest.TestCase):
    TOTAL = "200 records sent, 9.9 records/sec (9.77 MB/sec), 1.2 ms avg latency, 66.0 ms max latency, 2 ms 50th, 9 ms 95th, 99 ms 99th, 100 ms 99.9th."
    STEADY = "100 steady state records sent, 10.1 records/sec (9.90 MB/sec), 0.6 ms avg latency, 6.0 ms max latency, 1 ms 50th, 2 ms 95th, 3 ms 99th, 4 ms 99.9th."

    def test_the_last_summary_counts_which_leaves_the_warm_up_out(self):
        found = producer_performance(f"50 records sent, 1 records/sec\n{self.TOTAL}\n{self.STEADY}\n")
        self.assertEqual(found.records, 100)
        self.assertEqual((found.mib_per_second, found.p50_ms, found.p99_ms, found.p99_9_ms), (9.9, 1, 3, 4))

    def test_output_without_a_summary_is_a_failure(self):
        with self.assertRaisesRegex(Exception, "no broker"):
            producer_performance("no broker\n")

"""What tables say of runs."""

import unittest

from bench.results import Run, tables


def run(system: str, number: int, rate: float, foreign: float = 0.0) -> Run:
    return Run("latency", system, number, {"MiB/s": rate}, foreign, 0.0, 0.5)


class Tables(unittest.TestCase):
    def test_a_ratio_is_of_medians_and_a_spread_is_of_all_rounds(self):
        kafka = [run("kafka", number, rate) for number, rate in enumerate([100, 200, 900])]
        ours = [run("embedded-wal", number, rate) for number, rate in enumerate([300, 250, 100])]
        self.assertIn("| MiB/s | 200 (100 to 900) | 250 (100 to 300) | 1.25 |", tables(kafka + ours))

    def test_a_busy_machine_is_named(self):
        self.assertNotIn("Busy", tables([run("kafka", 1, 100, foreign=0.1)]))
        self.assertIn("**Busy machine**: 1 round; others used up to 0.40 cores", tables([run("kafka", 1, 100, foreign=0.4)]))

    def test_without_kafka_there_are_no_ratios(self):
        self.assertIn("|  | embedded-wal |\n", tables([run("embedded-wal", 1, 100)]))

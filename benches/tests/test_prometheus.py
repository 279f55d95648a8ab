"""Samples as brokers and MinIO write them."""

import tempfile
import unittest
from pathlib import Path

from bench.prometheus import samples


class Samples(unittest.TestCase):
    def test_names_labels_and_values_are_read_and_comments_are_not(self):
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write('# TYPE a counter\na{operation="put",outcome="ok"} 7\nb 1.5e3\n')
            file.flush()
            found = samples(Path(file.name).as_uri())
        self.assertEqual(found, [("a", {"operation": "put", "outcome": "ok"}, 7.0), ("b", {}, 1500.0)])

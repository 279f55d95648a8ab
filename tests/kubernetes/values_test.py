"""Every value of the chart is told in its schema and has an effect, which some file in ci/ shows."""

import json
import pathlib
import subprocess
import unittest

import yaml

CHART = pathlib.Path(__file__).resolve().parents[2] / "helm" / "alluvium"


def leaves(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def without(tree, path):
    """A copy without the value at `path`; None when there is none."""
    if path[0] not in tree:
        return None
    copy = dict(tree)
    if len(path) == 1:
        del copy[path[0]]
        return copy
    inner = without(tree[path[0]], path[1:]) if isinstance(tree[path[0]], dict) else None
    return None if inner is None else {**copy, path[0]: inner}


def render(values):
    command = ["helm", "template", "r", str(CHART), "--kube-version", "1.36.3", "--values", "-"]
    done = subprocess.run(command, input=yaml.safe_dump(values), capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else done.stderr


class Values(unittest.TestCase):
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def test_the_schema_knows_every_value_and_no_other(self):
        schema = json.loads((CHART / "values.schema.json").read_text())

        def compare(schema, values, path):
            if "properties" not in schema:
                return
            self.assertIs(schema.get("additionalProperties"), False, path)
            known = set(schema["properties"]) - {"global", "claims"}
            self.assertLessEqual(set(values), known, path)
            # Probes leave out what Kubernetes' default is.
            if not path.startswith("probes."):
                self.assertEqual(known, set(values), path)
            for key, value in values.items():
                if isinstance(value, dict):
                    compare(schema["properties"][key], value, f"{path}.{key}".lstrip("."))

        compare(schema, self.values, "")

    def test_every_value_has_an_effect(self):
        # Left out of a file that sets it, another thing is rendered, or nothing at all.
        waiting = set(leaves(self.values))
        for file in sorted((CHART / "ci").glob("*.yaml")):
            given = yaml.safe_load(file.read_text())
            whole = render(given)
            for path in sorted(waiting):
                if (left := without(given, path)) is not None and render(left) != whole:
                    waiting.discard(path)
        self.assertEqual(sorted(".".join(path) for path in waiting), [], "no file in ci/ shows an effect of these")


if __name__ == "__main__":
    unittest.main()

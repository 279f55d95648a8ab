"""A cluster of the chart's own containers (pods.py) on a real etcd and MinIO, with the rights that terraform's role gives, and no others."""

import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import least_privilege
import yaml
from control_plane import ZONES, etcd_arguments, wait_for
from pods import NETWORK, Node, Pod, volumes

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
# The bootstrap service, so to speak: the first broker.
BOOTSTRAP = "kafka-alluvium-bootstrap.kafka.svc.cluster.local"


def broker_binary():
    named = os.environ.get("ALLUVIUM_BINARY")
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [target / kind / "alluvium" for kind in ("release", "debug")]
    found = [pathlib.Path(named)] if named else sorted((f for f in built if f.exists()), key=lambda f: -f.stat().st_mtime)
    if not found:
        sys.exit("build the broker first (cargo build), or name one in ALLUVIUM_BINARY")
    return found[0]


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@dataclass(frozen=True)
class Load:
    """A load.py that runs: its topic with so many partitions, its process, and the file in which it tells what becomes of records."""

    topic: str
    partitions: int
    process: subprocess.Popen
    told: pathlib.Path


class Cluster(unittest.TestCase):
    """What tests of a cluster share. `more` are values of the chart besides those that every cluster here has."""

    more = {}  # noqa: RUF012
    # Further arguments of etcd, and secrets: {name: {key: text}}.
    etcd = ()
    secrets = {}  # noqa: RUF012
    # How clients come in.
    client = {}  # noqa: RUF012

    def prepare(self):
        """Before anything starts."""

    def setUp(self):
        if os.geteuid() != 0:
            self.fail("network namespaces and chroot need root")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="alluvium-cluster-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.node = Node(self.directory, broker_binary())
        self.addCleanup(self.node.close)
        self.prepare()
        self.stores = [
            self.spawn("etcd", "etcd", *etcd_arguments(self.directory / "etcd", f"{NETWORK}.1", 2379, 2380), *self.etcd),
            self.spawn("minio", "minio", "server", f"{self.directory}/minio", "--address", f"{NETWORK}.1:9000", buckets=["bucket"]),
        ]
        endpoint = f"http://{NETWORK}.1:9000"
        permitted = least_privilege.policy("bucket", "prefix")
        self.credentials = wait_for("MinIO", lambda: least_privilege.assume(endpoint, "somebody", "something", permitted))
        self.objects = self.render()
        self.pods = {}
        self.addCleanup(self.clear)

    def spawn(self, name, *command, buckets=()):
        for bucket in buckets:
            (self.directory / name / bucket).mkdir(parents=True)
        with (self.directory / f"{name}.log").open("w") as log:
            environment = {**os.environ, "MINIO_ROOT_USER": "somebody", "MINIO_ROOT_PASSWORD": "something"}
            process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        return process

    def render(self):
        """The chart's objects: {kind: {name: object}}, and the secret that the chart is told of."""
        values = {
            "etcd": {"endpoints": [f"{NETWORK}.1:2379"]},
            "objectStore": {"url": "s3://bucket/prefix", "endpoint": f"http://{NETWORK}.1:9000", "region": "us-east-1", "allowHttp": True,
                            "existingSecret": "store", "accessKeyIdKey": "user", "secretAccessKeyKey": "password"},
            # Balance soon, so that the test need not wait for five minutes.
            "config": {"leader.imbalance.check.interval.seconds": 5, "unclean.takeover.delay": "5s"},
            "topics": [{"name": "numbers", "partitions": 9}],
            "rack": {"from": "podLabel"},
            "pod": {"env": [{"name": "AWS_SESSION_TOKEN", "value": self.credentials[2]}]},
        }
        for key in ("config", "etcd"):
            values[key].update(self.more.get(key, {}))
        values.update({key: value for key, value in self.more.items() if key not in ("config", "etcd")})
        command = ["helm", "template", "kafka-alluvium", ROOT / "helm" / "alluvium", "-n", "kafka", "--kube-version", "1.36.3", "-f", "-"]
        shown = subprocess.run(command, input=yaml.safe_dump(values), check=True, capture_output=True, text=True).stdout
        secrets = {"store": {"user": self.credentials[0], "password": self.credentials[1]}, **self.secrets}
        objects = {"Secret": {name: {"data": {key: encoded(text) for key, text in data.items()}} for name, data in secrets.items()}}
        for made in yaml.safe_load_all(shown):
            if made:
                objects.setdefault(made["kind"], {})[made["metadata"]["name"]] = made
        return objects

    def clear(self):
        for pod in list(self.pods.values()):
            pod.probing.set()
            pod.clean_up()

    def start(self, *ordinals, volume=None):
        stateful_set = self.objects["StatefulSet"]["kafka-alluvium"]
        for ordinal in ordinals:
            place = self.directory / "volumes" / (volume or f"wal-{ordinal}")
            self.pods[ordinal] = Pod(self.node, stateful_set, ordinal, place, ZONES[ordinal % 3], self.objects)
        # Parallel: all at once.
        for ordinal in ordinals:
            self.pods[ordinal].start()
        for ordinal in ordinals:
            self.pods[ordinal].await_ready()
        self.node.name(self.pods[0].address, BOOTSTRAP)

    def end(self, *ordinals):
        """Deletes pods at the same moment, as a StatefulSet with Parallel does."""
        with ThreadPoolExecutor() as pool:
            outcomes = list(pool.map(lambda ordinal: self.pods[ordinal].end(), ordinals))
        for ordinal, (status, seconds) in zip(ordinals, outcomes, strict=True):
            self.assertEqual(status, 0, self.pods[ordinal].tail())
            print(f"         broker {ordinal} ended cleanly after {seconds:.1f} s", flush=True)
            self.assertEqual(self.pods[ordinal].unwell, [], "a liveness probe failed")
            del self.pods[ordinal]

    def in_hosts(self, *command, **options):
        """A program outside the pods, which sees their names."""
        script = f"mount --make-rprivate / && mount --bind {self.node.hosts} /etc/hosts && exec \"$@\""
        environment = {**os.environ, "CLIENT": json.dumps(self.client)}
        return subprocess.Popen(["unshare", "--mount", "sh", "-c", script, "sh", *map(str, command)], env=environment, **options)

    def counts(self, file):
        return sum(line.startswith("ack ") for line in file.read_text().splitlines())

    def begin_load(self, topic, partitions, record_bytes=None):
        """Given their size, records go to the partitions one after the other; else by their keys."""
        told = self.directory / f"told-{topic}"
        shape = [record_bytes, partitions] if record_bytes else []
        process = self.in_hosts(sys.executable, HERE / "load.py", f"{BOOTSTRAP}:9092", topic, told, *shape)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        wait_for("load", lambda: told.exists() and self.counts(told) > 200, 60)
        return Load(topic, partitions, process, told)

    def goes_on(self, load):
        """Records are acknowledged again."""
        now = self.counts(load.told)
        wait_for("records are acknowledged", lambda: self.counts(load.told) > now + 50, 60)

    def end_load(self, load):
        load.process.terminate()
        load.process.wait(240)
        self.judge(load)

    def judge(self, load):
        """Of a load that ended: no error was reported, all that was acknowledged was read, and the log has each record once."""
        lines = load.told.read_text().splitlines()
        acknowledged = [int(line[4:]) for line in lines if line.startswith("ack ")]
        read = {int(line[5:]) for line in lines if line.startswith("read ")}
        errors = [line for line in lines if line.startswith("error")]
        end = json.loads(lines[-1].removeprefix("end "))
        produced = end["produced"]
        print(f"         {len(acknowledged)} acknowledged, {len(read)} read, {len(errors)} errors", flush=True)
        self.assertEqual(errors[:5], [])
        self.assertEqual((end["left"], len(acknowledged), len(set(acknowledged))), (0, produced, produced))
        self.assertEqual(sorted(set(acknowledged) - read)[:10], [], "acknowledged and not read")
        self.once_each(load.topic, load.partitions, produced)

    def once_each(self, topic, partitions, produced):
        """A group may read twice what it did not commit; so duplicates are looked for in the log itself."""
        script = (
            "import json, os, sys; from confluent_kafka import Consumer, TopicPartition as T; import collections\n"
            "bootstrap, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])\n"
            "c = Consumer({**json.loads(os.environ['CLIENT']), 'bootstrap.servers': bootstrap, 'group.id': 'judge', 'log_level': 0, 'enable.auto.commit': False, 'enable.partition.eof': True})\n"
            "c.assign([T(topic, p, 0) for p in range(partitions)]); ends = 0; seen = collections.Counter()\n"
            "while ends < partitions:\n"
            "    m = c.poll(30)\n"
            "    assert m is not None, 'nothing comes'\n"
            "    if m.error(): ends += 1\n"
            "    else: seen[int(m.value())] += 1\n"
            "print(len(seen), sum(seen.values()))\n"
        )
        command = [sys.executable, "-c", script, f"{BOOTSTRAP}:9092", topic, partitions]
        judge = self.in_hosts(*command, stdout=subprocess.PIPE, text=True)
        shown, _ = judge.communicate(timeout=120)
        self.assertEqual(shown.split(), [str(produced)] * 2, "different numbers, and records, in the log")

    def run_setup_job(self):
        (job,) = self.objects["Job"].values()
        spec = job["spec"]["template"]["spec"]
        for container in [*spec["initContainers"], *spec["containers"]]:
            status, _, told = self.run_container(spec, container)
            self.assertEqual(status, 0, told)

    def run_container(self, spec, container, environment=None, **options):
        """Runs a container of a pod that ends; its status, output and errors."""
        with tempfile.TemporaryDirectory(dir=self.directory) as directory:
            place = pathlib.Path(directory)
            place.chmod(0o755)
            (place / "wal").mkdir()
            os.chown(place / "wal", 65532, 65532)
            mounts = volumes(spec, container, self.objects, place)
            environment = {"PATH": "/usr/local/bin", **(environment or {})}
            command = [*container["command"], *container["args"]]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
            process = self.node.run("65532:65532", mounts, command, env=environment, **pipes)
            out, told = process.communicate(timeout=60)
            return process.returncode, out, told

"""The brokers under test. Each starts on fresh data in a directory of its own, and again on the same data after `stop`."""

import subprocess
import time
import uuid
from pathlib import Path

from .certificates import Certificates
from .process import Process, accepts, free_port, http_ok
from .prometheus import samples
from .stores import ACCESS_KEY, SECRET_KEY, Etcd, Minio
from .toolbox import built, kafka_class_path

# What kafka-server-start.sh gives the JVM, with the heap of its default.
KAFKA_JVM = ["-Xms1g", "-Xmx1g", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35"]
KAFKA_JVM += ["-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"]


class System:
    """A broker, and the stores it stands on."""

    name: str
    broker: Process
    bootstrap: str
    # How long the last start took until it was ready; `None` where nobody looked.
    ready_seconds: float | None = None

    def stores(self) -> list[Process]:
        return []

    def object_requests(self) -> dict[str, float]:
        """Requests so far that the broker sent to object storage, by operation. Empty for a system without."""
        return {}

    def etcd_bytes(self) -> float | None:
        """Size of etcd's database; `None` for a system without."""
        return None

    def stop(self) -> None:
        """The broker first: it drains into its stores."""
        self.broker.stop()
        for store in self.stores():
            store.stop()


class Kafka(System):
    """Apache Kafka, one process that is broker and controller, with its defaults."""

    name = "kafka"

    def __init__(self, directory: Path, certificates: Certificates | None = None):
        """With `certificates` it has a second listener, of TLS."""
        self.directory = directory
        self.port, controller = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.properties = directory / "server.properties"
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "log.dirs": directory / "logs",
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
        }
        if certificates:
            self.name, self.certificates, self.tls_bootstrap = "kafka-tls", certificates, f"127.0.0.1:{free_port()}"
            for listeners in ["listeners", "advertised.listeners"]:
                settings[listeners] += f",SSL://{self.tls_bootstrap}"
            settings |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": certificates.broker}
            # With a listener that is not in the open, Kafka no longer guesses the controller's.
            settings["listener.security.protocol.map"] = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL"
        self.properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        cluster = uuid.uuid4().hex[:22]
        command = ["java", "-cp", kafka_class_path(), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", self.properties]
        subprocess.run([str(part) for part in command], check=True, capture_output=True)
        self.start()

    def start(self) -> None:
        command = ["java", *KAFKA_JVM, "-cp", kafka_class_path(), "kafka.Kafka", self.properties]
        self.broker = Process.start(command, self.directory / "broker.log")
        self.broker.wait_until(lambda: accepts(self.port))


class Alluvium(System):
    """Alluvium with shipped defaults but for `settings`; on etcd and MinIO when it is a cluster."""

    # `key=value` from the command line, for every one of them.
    extra_settings: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        directory: Path,
        cluster: bool,
        settings: dict[str, str],
        first: "Alluvium | None" = None,
        number: int = 1,
        listeners: tuple[str, ...] = (),
    ):
        """With `first` it stands on the stores of that one. `listeners` are more of them, as `SSL://host:port`."""
        self.name, self.directory = name, directory
        self.port, self.http_port = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.http = f"http://127.0.0.1:{self.http_port}"
        self.etcd = first.etcd if first else Etcd(directory / "etcd") if cluster else None
        self.minio = first.minio if first else Minio(directory / "minio") if cluster else None
        self.arguments = ["--data-dir", directory / "data", "--listeners", ",".join([f"PLAINTEXT://{self.bootstrap}", *listeners])]
        self.arguments += ["--http-address", f"127.0.0.1:{self.http_port}"]
        if "schema.registry.address" not in settings:
            self.arguments += ["--schema-registry-address", "off"]
        if cluster:
            self.arguments += ["--metadata", self.etcd.endpoint.replace("http", "etcd"), "--broker-id", str(number)]
            self.arguments += ["--object-store", "s3://alluvium/bench", "--object-store-endpoint", self.minio.endpoint]
        for setting in [*(f"{key}={value}" for key, value in settings.items()), *self.extra_settings]:
            self.arguments += ["--set", setting]
        self.start()

    def start(self) -> None:
        credentials = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_REGION": "us-east-1"}
        command = [built("alluvium"), "serve", *self.arguments]
        began = time.monotonic()
        self.broker = Process.start(command, self.directory / "broker.log", credentials)
        self.broker.wait_until(lambda: http_ok(f"{self.http}/health/ready"))
        self.ready_seconds = time.monotonic() - began

    def stores(self) -> list[Process]:
        return [store.process for store in (self.etcd, self.minio) if store]

    def object_requests(self) -> dict[str, float]:
        return object_requests(self.http)

    def etcd_bytes(self) -> float | None:
        return self.etcd.database_bytes() if self.etcd else None


class Brokers(Alluvium):
    """Several brokers on etcd and MinIO. The first is the one whose CPU and memory are told."""

    count = 3

    def __init__(self, name: str, directory: Path, settings: dict[str, str]):
        super().__init__(name, directory, True, settings)
        self.others = [self._another(number, settings) for number in range(2, self.count + 1)]

    def brokers(self) -> dict[int, Alluvium]:
        """Each by its number."""
        return dict(enumerate([self, *self.others], start=1))

    def _another(self, number: int, settings: dict[str, str]) -> Alluvium:
        directory = self.directory / f"broker-{number}"
        directory.mkdir()
        return Alluvium(self.name, directory, True, settings, first=self, number=number)

    def stop(self) -> None:
        for other in self.others:
            other.broker.stop()
        super().stop()


class Running(System):
    """A broker that somebody started and goes on running."""

    name = "running"

    def __init__(self, bootstrap: str, pid: int, http: str | None):
        self.bootstrap, self.broker, self.http = bootstrap, Process(pid), http

    def object_requests(self) -> dict[str, float]:
        return object_requests(f"http://{self.http}") if self.http else {}


def object_requests(http: str) -> dict[str, float]:
    counts = {"put": 0.0, "get": 0.0, "list": 0.0, "delete": 0.0}
    operations = {"put_if_absent": "put", "head": "get"}
    for name, labels, value in samples(f"{http}/metrics"):
        if name == "alluvium_object_requests_total":
            operation = operations.get(labels["operation"], labels["operation"])
            counts[operation] = counts.get(operation, 0.0) + value
    return counts


def with_registry(directory: Path) -> Alluvium:
    port = free_port()
    system = Alluvium("embedded-registry", directory, False, {"schema.registry.address": f"127.0.0.1:{port}"})
    system.registry_port = port
    return system


def kafka_with_tls(directory: Path) -> Kafka:
    return Kafka(directory, Certificates(directory / "certificates"))


def with_tls(directory: Path) -> Alluvium:
    certificates, address = Certificates(directory / "certificates"), f"127.0.0.1:{free_port()}"
    settings = {"ssl.keystore.location": str(certificates.broker)}
    system = Alluvium("embedded-tls", directory, False, settings, listeners=(f"SSL://{address}",))
    system.certificates, system.tls_bootstrap = certificates, address
    return system


def besieged(directory: Path) -> Alluvium:
    """With a door for each kind of attacker: `targets`."""
    certificates, tls, sasl = Certificates(directory / "certificates"), f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    settings = {
        "ssl.keystore.location": str(certificates.broker),
        "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": 'org.apache.kafka.common.security.plain.PlainLoginModule required user_admin="right";',
        "sasl.plain.allow.plaintext": "true",
    }
    system = Alluvium("embedded-besieged", directory, False, settings, listeners=(f"SSL://{tls}", f"SASL_PLAINTEXT://{sasl}"))
    system.targets = {"plain": system.bootstrap, "tls": tls, "sasl": sasl}
    return system


CONSOLE = {"console.enable": "true", "lag.evaluator.enable": "true", "schema.registry.address": "127.0.0.1:0"}
# A day is two minutes, which is what is kept; what looks at the log once in minutes looks once in seconds.
DAY_SECONDS = 120
DAYS_IN_MINUTES = {
    "log.retention.ms": str(DAY_SECONDS * 1_000),
    "producer.id.expiration.ms": str(DAY_SECONDS * 1_000),
    "log.retention.check.interval.ms": "5000",
    "log.segment.delete.delay.ms": "5000",
    "metadata.snapshot.interval.ms": "5000",
}
NO_BUDGET = {"flush.max.interval": "10ms", "flush.requests.per.second": "0"}

# Name, what it is for the README's reader, and how it starts.
SYSTEMS = {
    "kafka": Kafka,
    "embedded-wal": lambda directory: Alluvium("embedded-wal", directory, False, {}),
    "embedded-object": lambda directory: Alluvium("embedded-object", directory, False, {"durability.mode": "object"}),
    "embedded-console": lambda directory: Alluvium("embedded-console", directory, False, CONSOLE),
    "embedded-registry": with_registry,
    "kafka-tls": kafka_with_tls,
    "embedded-tls": with_tls,
    "embedded-besieged": besieged,
    "minio-wal": lambda directory: Alluvium("minio-wal", directory, True, {"durability.mode": "wal"}),
    "minio-wal-days": lambda directory: Alluvium("minio-wal-days", directory, True, {"durability.mode": "wal"} | DAYS_IN_MINUTES),
    "minio-object": lambda directory: Alluvium("minio-object", directory, True, {}),
    "minio-object-fast": lambda directory: Alluvium("minio-object-fast", directory, True, NO_BUDGET),
    "three-object": lambda directory: Brokers("three-object", directory, {}),
    "three-object-3s": lambda directory: Brokers("three-object-3s", directory, {"session.lease.ttl": "3s"}),
    "three-wal": lambda directory: Brokers("three-wal", directory, {"durability.mode": "wal"}),
}

"""etcd and MinIO on loopback, each over a directory of the run."""

from pathlib import Path

from .prometheus import samples
from .process import Process, free_port, http_ok
from .toolbox import tool

ACCESS_KEY = SECRET_KEY = "minioadmin"


class Etcd:
    def __init__(self, directory: Path):
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        peer = f"http://127.0.0.1:{free_port()}"
        directory.mkdir()
        command = [tool("etcd"), "--data-dir", directory / "data", "--log-level", "warn"]
        command += ["--listen-client-urls", self.endpoint, "--advertise-client-urls", self.endpoint]
        command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
        self.process = Process.start(command, directory / "log")
        self.process.wait_until(lambda: http_ok(f"{self.endpoint}/health"))

    def database_bytes(self) -> float:
        return next(value for name, _, value in samples(f"{self.endpoint}/metrics") if name == "etcd_mvcc_db_total_size_in_bytes")


class Minio:
    def __init__(self, directory: Path):
        port, console = free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.data = directory / "data"
        (self.data / "alluvium").mkdir(parents=True)
        command = [tool("minio"), "server", "--quiet", "--address", f"127.0.0.1:{port}"]
        command += ["--console-address", f"127.0.0.1:{console}", self.data]
        environment = {
            "MINIO_ROOT_USER": ACCESS_KEY,
            "MINIO_ROOT_PASSWORD": SECRET_KEY,
            "MINIO_BROWSER": "off",
            "MINIO_CI_CD": "1",
            "MINIO_PROMETHEUS_AUTH_TYPE": "public",
            "MINIO_UPDATE": "off",
        }
        self.process = Process.start(command, directory / "log", environment)
        self.process.wait_until(lambda: http_ok(f"{self.endpoint}/minio/health/ready"))

    def requests(self) -> float:
        """S3 requests of all kinds that it has counted."""
        counted = samples(f"{self.endpoint}/minio/v2/metrics/cluster")
        return sum(value for name, _labels, value in counted if name == "minio_s3_requests_total")

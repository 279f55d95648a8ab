"""A Kubernetes control plane on loopback: etcd, API server, controllers, scheduler, and kwok, which plays nodes and pods.

No container runs: a pod is ready because kwok says so. What is real is all that judges, places, replaces and deletes objects.
"""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

ZONES = ["a", "b", "c"]


class CommandFailed(Exception):
    """What a command said when it failed."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while True:
        try:
            found = condition()
        except (OSError, CommandFailed) as error:
            found, last = None, error
        else:
            last = found
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not after {seconds} s; last: {last}")
        time.sleep(0.5)


@contextlib.contextmanager
def step(name):
    """A sentence of a story: the first that does not hold ends it."""
    start = time.monotonic()
    yield
    print(f"  {time.monotonic() - start:5.1f} s  {name}", flush=True)


def etcd_arguments(directory, host, client, peer):
    """Of an etcd alone on that host, with these ports."""
    clients, peers = f"http://{host}:{client}", f"http://{host}:{peer}"
    return [
        f"--data-dir={directory}", f"--listen-client-urls={clients}", f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}", f"--initial-advertise-peer-urls={peers}", f"--initial-cluster=default={peers}",
    ]


class ControlPlane:
    """Started by `with`; what it started is stopped by process id. The controllers get `options`."""

    def __init__(self, tools, *options):
        self.bin, self.options = pathlib.Path(tools), options
        self.processes = []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="alluvium-kubernetes-"))
        self.kubeconfig = self.directory / "kubeconfig"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def spawn(self, name, *arguments):
        with (self.directory / f"{name}.log").open("w") as log:
            self.processes.append(subprocess.Popen([self.bin / name, *arguments], stdout=log, stderr=log))

    def start(self):
        etcd, peer, api = free_port(), free_port(), free_port()
        self.spawn("etcd", *etcd_arguments(self.directory / "etcd", "127.0.0.1", etcd, peer))
        key = self.directory / "accounts.key"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        (self.directory / "tokens.csv").write_text("secret,admin,admin,system:masters\n")
        self.spawn(
            "kube-apiserver", f"--etcd-servers=http://127.0.0.1:{etcd}", f"--cert-dir={self.directory}/certificates",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", f"--secure-port={api}", "--service-cluster-ip-range=10.0.0.0/16",
            f"--token-auth-file={self.directory}/tokens.csv", "--authorization-mode=RBAC", f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}", "--service-account-issuer=https://kubernetes.default.svc",
            "--allow-privileged=false", "--endpoint-reconciler-type=none",
        )
        cluster = {"name": "c", "cluster": {"server": f"https://127.0.0.1:{api}", "insecure-skip-tls-verify": True}}
        self.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [cluster],
            "users": [{"name": "admin", "user": {"token": "secret"}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "admin"}}],
        }))
        wait_for("the API server is ready", lambda: self.kubectl("get", "--raw", "/readyz") == "ok", 120)
        common = [f"--kubeconfig={self.kubeconfig}", "--leader-elect=false"]
        self.spawn(
            "kube-controller-manager", *common, f"--service-account-private-key-file={key}", "--use-service-account-credentials=true",
            f"--authentication-kubeconfig={self.kubeconfig}", f"--authorization-kubeconfig={self.kubeconfig}",
            f"--secure-port={free_port()}", f"--cert-dir={self.directory}/controllers", f"--root-ca-file={self.directory}/certificates/apiserver.crt",
            "--node-monitor-grace-period=20s", *self.options,
        )
        self.spawn(
            "kube-scheduler", *common, f"--authentication-kubeconfig={self.kubeconfig}", f"--authorization-kubeconfig={self.kubeconfig}",
            f"--secure-port={free_port()}", f"--cert-dir={self.directory}/scheduler",
        )
        stages = self.bin.parent / "kwok" / "kustomize" / "stage"
        files = [stages / "node" / "fast", stages / "node" / "heartbeat-with-lease", stages / "pod" / "fast"]
        configs = [f"--config={file}" for folder in files for file in sorted(folder.glob("*.yaml")) if file.name != "kustomization.yaml"]
        self.kwok_port = free_port()
        self.spawn(
            "kwok", f"--kubeconfig={self.kubeconfig}", "--manage-all-nodes=true", "--node-lease-duration-seconds=10",
            f"--server-address=127.0.0.1:{self.kwok_port}", *configs,
        )
        wait_for("kwok is up", lambda: urllib.request.urlopen(f"http://127.0.0.1:{self.kwok_port}/healthz", timeout=2).status == 200)

    def run(self, *command, check=True, given=None):
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.directory)}
        done = subprocess.run([self.bin / command[0], *command[1:]], input=given, capture_output=True, text=True, env=environment, check=False)
        if check and done.returncode:
            raise CommandFailed(f"{' '.join(map(str, command))}: {done.stderr}{done.stdout}")
        return done

    def kubectl(self, *arguments, given=None):
        return self.run("kubectl", *arguments, given=given).stdout

    def apply(self, made):
        self.kubectl("apply", "-f", "-", given=json.dumps(made))

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def add_node(self, number):
        """A node in the zone that follows from its number."""
        name = f"node-{number}"
        self.apply({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": name, "annotations": {"kwok.x-k8s.io/node": "fake"}, "labels": {
                "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": ZONES[number % len(ZONES)], "type": "kwok"}},
            "status": {"capacity": {"cpu": "16", "memory": "64Gi", "pods": "50", "ephemeral-storage": "100Gi"},
                       "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "50", "ephemeral-storage": "100Gi"}},
        })

    def add_volume(self, number):
        self.apply({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": f"volume-{number}"},
            "spec": {"capacity": {"storage": "16Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": f"/volumes/{number}"}},
        })

"""Runs the pods of a rendered StatefulSet as processes, as a kubelet would.

A pod has a network namespace with an address of its own, and for its root the image's file system (tools/root-file-system), read-only, with its
volumes mounted into it, and /proc; it runs as the user that the chart names. Variables, arguments, probes, preStop and the grace period are the template's.
Names of pods stand in /etc/hosts. Needs root.
"""

import base64
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

NETWORK = "10.231.77"
MOUNTS = r"""
set -e
mount=/usr/bin/mount root=$1 user=$2
shift 2
$mount --make-rprivate /
$mount --bind "$root" "$root"
while [ "$1" != -- ]; do
  $mount --bind "$1" "$root$2"
  shift 2
done
shift
$mount -t proc proc "$root/proc"
$mount -o remount,ro,bind "$root"
exec /usr/sbin/chroot --userspec="$user" "$root" "$@"
"""


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Node:
    """The machine that pods run on: a bridge, the image, the hosts file."""

    def __init__(self, directory, binary):
        self.directory, self.bridge, self.addresses = pathlib.Path(directory), f"alv{os.getpid() % 100000}", {}
        self.image = self.directory / "image"
        tool = pathlib.Path(__file__).resolve().parents[2] / "tools" / "root-file-system"
        subprocess.run([tool, binary, self.image], check=True)
        (self.image / "etc" / "hosts").touch()
        (self.image / "proc").mkdir(exist_ok=True)
        self.size = sum(file.stat().st_size for file in self.image.rglob("*") if file.is_file())
        self.hosts = self.directory / "hosts"
        self.hosts.touch()
        ip("link", "add", self.bridge, "type", "bridge")
        ip("addr", "add", f"{NETWORK}.1/24", "dev", self.bridge)
        ip("link", "set", self.bridge, "up")

    def close(self):
        subprocess.run(["ip", "link", "del", self.bridge], check=False, capture_output=True)

    def name(self, address, *names):
        """An entry of the hosts file that all pods share; it is changed in place, because they have it mounted."""
        self.addresses.update(dict.fromkeys(names, address))
        lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in self.addresses.items())]
        with self.hosts.open("w") as file:
            file.write("\n".join(lines) + "\n")


    def run(self, user, mounts, command, network=(), **options):
        """Starts a container: the image with what is mounted into it, as (from, to)."""
        for _, place in mounts:
            if not (self.image / place[1:]).exists():
                (self.image / place[1:]).mkdir(parents=True)
        words = [str(word) for mount in [(self.hosts, "/etc/hosts"), *mounts] for word in mount]
        command = [*network, "/usr/bin/unshare", "--mount", "/bin/sh", "-c", MOUNTS, "sh", self.image, user, *words, "--", *command]
        return subprocess.Popen(command, **options)


def volumes(spec, container, objects, directory, others=None):
    """What a container mounts, as (from, to): files of ConfigMaps and Secrets are made in `directory`, `others` are there already."""
    group, mounts = spec["securityContext"]["fsGroup"], []
    by_name = {volume["name"]: volume for volume in spec.get("volumes", [])}
    for mount in container.get("volumeMounts", []):
        name = mount["name"]
        place = (others or {}).get(name, directory / name)
        if name in by_name and ("configMap" in by_name[name] or "secret" in by_name[name]):
            place.mkdir(parents=True, exist_ok=True)
            for file, (data, mode) in contents(by_name[name], objects).items():
                made = place / f".{file}"
                made.write_bytes(data)
                os.chown(made, 0, group)
                made.chmod(mode)
                made.rename(place / file)
        mounts.append((place, mount["mountPath"]))
    return mounts


def contents(volume, objects):
    """{file: (bytes, mode)} of a volume."""
    if "configMap" in volume:
        return {name: (text.encode(), 0o644) for name, text in objects["ConfigMap"][volume["configMap"]["name"]]["data"].items()}
    source = volume["secret"]
    data = objects["Secret"][source["secretName"]]["data"]
    return {item["path"]: (base64.b64decode(data[item["key"]]), source["defaultMode"]) for item in source["items"]}


class Pod:
    """One pod. `directory` of a persistent volume is kept by the caller."""

    def __init__(self, node, stateful_set, ordinal, volume, zone, objects):
        self.node, self.volume, self.objects = node, volume, objects
        self.template = stateful_set["spec"]["template"]
        self.spec = self.template["spec"]
        self.container = self.spec["containers"][0]
        self.name = f"{stateful_set['metadata']['name']}-{ordinal}"
        self.namespace = stateful_set["metadata"]["namespace"]
        self.address = f"{NETWORK}.{10 + ordinal}"
        self.labels = {**self.template["metadata"]["labels"], "apps.kubernetes.io/pod-index": str(ordinal), "topology.kubernetes.io/zone": zone}
        self.network = f"{node.bridge}-{ordinal}"
        self.veth = f"v{self.network[3:]}"
        self.directory = node.directory / self.name
        self.unwell, self.process, self.probing = [], None, threading.Event()
        service = f"{self.name}.{stateful_set['spec']['serviceName']}.{self.namespace}.svc.cluster.local"
        node.name(self.address, service)

    def start(self):
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        mounts = self.mount()
        user, group = (self.spec["securityContext"][key] for key in ("runAsUser", "fsGroup"))
        self.volume.mkdir(parents=True, exist_ok=True)
        os.chown(self.volume, 0, group)
        self.volume.chmod(0o2775)
        veth = self.veth
        ip("netns", "add", self.network)
        ip("link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", self.network)
        ip("link", "set", veth, "master", self.node.bridge, "up")
        ip("-n", self.network, "addr", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.network, "link", "set", "eth0", "up")
        ip("-n", self.network, "link", "set", "lo", "up")
        variables = {"PATH": "/usr/local/bin", "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt"}
        for entry in self.container["env"]:
            variables[entry["name"]] = self.value(entry)
        command = [self.expand(word, variables) for word in self.container["command"] + self.container["args"]]
        network = ["/usr/sbin/ip", "netns", "exec", self.network]
        with (self.directory / "log").open("ab") as log:
            self.process = self.node.run(f"{user}:{group}", mounts, command, network, env=variables, stdout=log, stderr=log)
        self.prober = threading.Thread(target=self.probe_life, daemon=True)

    def mount(self):
        """Its volumes, with what ConfigMaps and secrets hold now; a running pod sees changes, too."""
        return volumes(self.spec, self.container, self.objects, self.directory, {"wal": self.volume})

    def value(self, entry):
        if "value" in entry:
            return entry["value"]
        source = entry["valueFrom"]
        if "secretKeyRef" in source:
            secret = self.objects["Secret"][source["secretKeyRef"]["name"]]
            return base64.b64decode(secret["data"][source["secretKeyRef"]["key"]]).decode()
        path = source["fieldRef"]["fieldPath"]
        label = re.fullmatch(r"metadata\.labels\['(.+)'\]", path)
        return self.labels.get(label[1], "") if label else {"metadata.name": self.name, "metadata.namespace": self.namespace}[path]

    @staticmethod
    def expand(word, variables):
        return re.sub(r"\$\(([A-Za-z_0-9]+)\)", lambda found: variables[found[1]], word)

    def probe(self, kind):
        """Whether one probe succeeds now."""
        probe = self.container[f"{kind}Probe"]
        port = next(port["containerPort"] for port in self.container["ports"] if port["name"] == probe["httpGet"]["port"])
        url = f"http://{self.address}:{port}{probe['httpGet']['path']}"
        try:
            with urllib.request.urlopen(url, timeout=probe.get("timeoutSeconds", 1)) as answer:
                return 200 <= answer.status < 400
        except (urllib.error.URLError, OSError):
            return False

    def await_ready(self):
        """As a kubelet: the startup probe first, with its patience; then life is probed for as long as the pod runs, and readiness is awaited."""
        startup = self.container["startupProbe"]
        end = time.monotonic() + startup["periodSeconds"] * startup["failureThreshold"]
        while not self.probe("startup"):
            assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}: {self.tail()}"
            assert time.monotonic() < end, f"{self.name} did not start: {self.tail()}"
            time.sleep(0.3)
        self.prober.start()
        while not self.probe("readiness"):
            assert time.monotonic() < end, f"{self.name} is not ready: {self.tail()}"
            time.sleep(0.3)

    def probe_life(self):
        while not self.probing.wait(1):
            if not self.probe("liveness") and not self.probing.is_set():
                self.unwell.append(time.monotonic())

    def end(self):
        """Deletes the pod: preStop, SIGTERM, and the grace for both. Returns exit status and seconds from the beginning."""
        begun = time.monotonic()
        time.sleep(self.container["lifecycle"]["preStop"]["sleep"]["seconds"])
        self.probing.set()
        self.process.send_signal(signal.SIGTERM)
        left = self.spec["terminationGracePeriodSeconds"] - (time.monotonic() - begun)
        try:
            self.process.wait(left)
        except subprocess.TimeoutExpired as expired:
            raise AssertionError(f"{self.name} outlived its grace: {self.tail()}") from expired
        finally:
            self.clean_up()
        return self.process.returncode, time.monotonic() - begun

    def kill(self):
        self.probing.set()
        self.process.kill()
        self.process.wait()
        self.clean_up()

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        # The namespace itself may live a little longer.
        subprocess.run(["ip", "link", "del", self.veth], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "del", self.network], check=False, capture_output=True)

    def tail(self):
        return (self.directory / "log").read_text()[-1500:]

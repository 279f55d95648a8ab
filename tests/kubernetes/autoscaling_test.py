"""The real HPA controller scales real brokers by what they say of themselves: 3 to 6 to 3 under a load that triples and falls.

The API server, its controllers and scheduler are real; kwok plays the nodes. For each replica that the StatefulSet is given, a broker runs as the
chart's container would (pods.py); one that is taken away drains and ends. An adapter serves the external metrics API with the sum of what
the brokers' /metrics say, as prometheus-adapter would. Nothing acknowledged may be lost or doubled, and no client may report an error.
"""

import json
import re
import ssl
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which

from cluster import ROOT, Cluster
from control_plane import ControlPlane, free_port, step, wait_for

TOOLS = Path(which("kube-apiserver")).parent
NAME, NAMESPACE = "kafka-alluvium", "kafka"
GROUP = "external.metrics.k8s.io"
LOADS, PARTITIONS, RECORD_BYTES = 3, 12, 2000


class Adapter:
    """The external metrics API over HTTPS on loopback: one metric, which is what `value()` answers."""

    def __init__(self, directory, value):
        certificate = directory / "adapter.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
        subprocess.run([*command, "-keyout", certificate, "-out", directory / "adapter.crt"], check=True, capture_output=True)
        certificate.write_text(certificate.read_text() + (directory / "adapter.crt").read_text())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        root = f"/apis/{GROUP}/v1beta1"
        metric = {"name": "alluvium_utilization", "singularName": "", "namespaced": True, "kind": "ExternalMetricValueList", "verbs": ["get"]}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                path = self.path.split("?")[0]
                if path == root:
                    self.answer(200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{GROUP}/v1beta1", "resources": [metric]})
                elif path == f"{root}/namespaces/{NAMESPACE}/alluvium_utilization":
                    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                    item = {"metricName": "alluvium_utilization", "metricLabels": {}, "timestamp": now, "value": f"{round(value() * 1000)}m"}
                    self.answer(200, {"kind": "ExternalMetricValueList", "apiVersion": f"{GROUP}/v1beta1", "metadata": {}, "items": [item]})
                else:
                    self.answer(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404})

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.port = free_port()
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def objects(self):
        """How the API server finds it."""
        yield {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "adapter", "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": self.port}]},
        }
        yield {
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": f"v1beta1.{GROUP}"},
            "spec": {"group": GROUP, "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100, "insecureSkipTLSVerify": True,
                     "service": {"name": "adapter", "namespace": NAMESPACE, "port": self.port}},
        }


class Autoscaling(Cluster):
    # Bytes a second that a broker's network moves, as they are told: so that one load fills three of them by a third, and three loads six.
    more = {  # noqa: RUF012
        # Balanced as by default.
        "config": {"network.bytes.per.second": "1800000", "leader.imbalance.check.interval.seconds": 300},
        "topics": [{"name": f"load-{number}", "partitions": PARTITIONS} for number in range(LOADS)],
    }

    def metric(self, pod, name):
        """What a broker's metrics say, labels summed up; 0 where it does not answer, as it starts or ends."""
        try:
            with urllib.request.urlopen(f"http://{pod.address}:9640/metrics", timeout=2) as answer:
                text = answer.read().decode()
        except (urllib.error.URLError, OSError):
            return 0.0
        return sum(float(value) for value in re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))

    def utilization(self):
        return sum(self.metric(pod, "alluvium_utilization") for pod in list(self.pods.values()))

    def follow(self):
        """As kubelets do: what the StatefulSet is given runs, and nothing else."""
        wanted = self.plane.get("statefulset", NAME, "-n", NAMESPACE)["spec"]["replicas"]
        if missing := [ordinal for ordinal in range(wanted) if ordinal not in self.pods]:
            self.start(*missing)
        if surplus := sorted(ordinal for ordinal in self.pods if ordinal >= wanted):
            self.end(*surplus)
        return len(self.pods)

    def come_to(self, brokers, seconds):
        try:
            wait_for(f"{brokers} brokers", lambda: self.follow() == brokers, seconds)
        except AssertionError as error:
            shown = self.plane.kubectl("-n", NAMESPACE, "describe", "hpa", NAME)
            raise AssertionError(f"{error}; utilization {self.utilization():.2f}\n{shown}") from error

    def spread(self):
        """The busiest broker's share of what clients send, to the mean."""
        def taken():
            return [self.metric(pod, "kafka_request_bytes_total") for pod in self.pods.values()]

        before = taken()
        time.sleep(5)
        rates = [after - earlier for earlier, after in zip(before, taken(), strict=True)]
        return max(rates) / (sum(rates) / len(rates))

    def load(self, number):
        return self.begin_load(f"load-{number}", PARTITIONS, RECORD_BYTES)

    def test_brokers_follow_the_load(self):
        plane = self.plane = self.enterContext(ControlPlane(TOOLS, "--horizontal-pod-autoscaler-sync-period=2s"))
        for number in range(6):
            plane.add_node(number)
            plane.add_volume(number)
        wait_for("a namespace", lambda: plane.kubectl("create", "namespace", NAMESPACE))
        adapter = Adapter(self.directory, self.utilization)
        self.addCleanup(adapter.close)
        for made in adapter.objects():
            plane.apply(made)
        with step("the API server finds the adapter"):
            path = f"/apis/{GROUP}/v1beta1/namespaces/{NAMESPACE}/alluvium_utilization"
            wait_for("the metric", lambda: json.loads(plane.kubectl("get", "--raw", path))["items"])
        with step("install, with an autoscaler between 3 and 6 brokers"):
            values = {"mode": "hpa", "minReplicas": 3, "maxReplicas": 6, "scaleInPeriodSeconds": 10}
            minimal = ROOT / "helm" / "alluvium" / "ci" / "minimal.yaml"
            options = ["--namespace", NAMESPACE, "--values", minimal, "--set-json", f"autoscaling={json.dumps(values)}"]
            plane.run("helm", "install", NAME, ROOT / "helm" / "alluvium", *options)
            self.come_to(3, 120)
            self.run_setup_job()
        loads = [self.load(0)]
        with step("one load: three brokers stay"):
            time.sleep(25)
            self.come_to(3, 5)
            print(f"         utilization {self.utilization():.2f} of 3 brokers", flush=True)
        loads += [self.load(1), self.load(2)]
        with step("three times the load: six brokers"):
            self.come_to(6, 120)
        with step("which have even shares of it within 30 s"):
            end = time.monotonic() + 30
            spreads = [self.spread()]
            while spreads[-1] > 1.25 and time.monotonic() < end:
                spreads.append(self.spread())
            print(f"         busiest to mean: {', '.join(f'{it:.2f}' for it in spreads)}; utilization {self.utilization():.2f}", flush=True)
            self.assertLessEqual(spreads[-1], 1.25)
        with step("the load falls to a third: three brokers"):
            for load in loads[1:]:
                self.end_load(load)
            self.come_to(3, 240)
        with step("the load ends: nothing is lost"):
            self.end_load(loads[0])
            self.end(*sorted(self.pods))


if __name__ == "__main__":
    unittest.main()

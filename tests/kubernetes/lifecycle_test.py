"""A cluster's life with the chart's own container: its command, variables, settings, probes, preStop and grace, on real brokers, etcd and MinIO.

Under load: brokers are added and drained away, one is rolled, one is killed and comes back with its volume, one is killed and loses it, and the
stores stand still for a while. No record that was acknowledged with acks=all may be lost or doubled, and a client with default settings may
report no error. Brokers have the rights that terraform's role gives them, and no others.
"""

import copy
import shutil
import signal
import subprocess
import time
import unittest

import yaml
from cluster import ROOT, Cluster
from confluent_kafka.admin import AdminClient
from control_plane import step, wait_for
from pods import NETWORK, Pod


class Lifecycle(Cluster):
    def owners(self):
        # By address: names of pods are known inside their hosts file only, and metadata needs no second connection.
        client = AdminClient({"bootstrap.servers": f"{self.pods[0].address}:9092", "log_level": 0})
        partitions = client.list_topics("numbers", timeout=10).topics["numbers"].partitions.values()
        return sorted(partition.leader for partition in partitions)

    def doctor(self, store):
        """What the chart's test says of a store."""
        (pod,) = self.objects["Pod"].values()
        container = pod["spec"]["containers"][0]
        arguments = [f"--object-store={store}" if word.startswith("--object-store=") else word for word in container["args"]]
        container = {**container, "args": arguments}
        names = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), self.credentials, strict=True))
        environment = {"AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true", **names}
        return self.run_container(pod["spec"], container, environment)

    def test_the_role_suffices_and_reaches_no_other_prefix(self):
        status, shown, told = self.doctor("s3://bucket/prefix")
        self.assertEqual(status, 0, shown + told)
        self.assertNotIn("FAIL", shown.upper())
        status, shown, told = self.doctor("s3://bucket/another")
        self.assertNotEqual(status, 0, shown)
        self.assertIn("denied", (shown + told).lower())

    def test_brokers_of_the_compose_file_form_a_cluster(self):
        services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
        (self.directory / "minio" / "alluvium").mkdir()
        self.node.name(f"{NETWORK}.1", "etcd", "minio")
        (stateful_set,) = self.objects["StatefulSet"].values()
        for number, name in enumerate(("broker-1", "broker-2", "broker-3"), 1):
            service = services[name]
            self.assertIs(service["read_only"], True)
            # Its container, with this test's credentials and the chart's probes.
            variables = {**service["environment"], "AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "something"}
            made = copy.deepcopy(stateful_set)
            container = made["spec"]["template"]["spec"]["containers"][0]
            container.update(command=["alluvium", "serve"], args=[], env=[{"name": key, "value": value} for key, value in variables.items()])
            self.pods[number] = Pod(self.node, made, number, self.directory / "volumes" / name, "a", self.objects)
            self.node.name(self.pods[number].address, name)
        for pod in self.pods.values():
            pod.start()
        for pod in self.pods.values():
            pod.await_ready()
        inside = ["ip", "netns", "exec", self.pods[1].network, "chroot", self.node.image, "/usr/local/bin/alluvium"]
        # What its health check runs.
        check = services["broker-1"]["healthcheck"]["test"]
        self.assertEqual(check[:2], ["CMD", "alluvium"])
        shutil.copyfile(self.node.hosts, self.node.image / "etc" / "hosts")
        subprocess.run([*inside, *check[2:]], check=True, capture_output=True)
        subprocess.run([*inside, "produce", "-b", "broker-2:9092", "greetings"], input=b"hello\n", check=True, capture_output=True)
        read = subprocess.run([*inside, "consume", "-b", "broker-3:9092", "greetings", "--exit"], check=True, capture_output=True)
        self.assertEqual(read.stdout, b"hello\n")
        client = AdminClient({"bootstrap.servers": f"{self.pods[1].address}:9092", "log_level": 0})
        self.assertEqual(set(client.list_topics(timeout=10).brokers), {1, 2, 3})
        self.end(1, 2, 3)

    def test_brokers_come_and_go_and_nothing_acknowledged_is_lost(self):
        print(f"\n  image: {self.node.size / 1e6:.0f} MB", flush=True)
        with step("three brokers start at once"):
            self.start(0, 1, 2)
        with step("the Job creates its topics, and again"):
            self.run_setup_job()
            self.run_setup_job()
        with step("load begins"):
            load = self.begin_load("numbers", 9)
        with step("scale-out from 3 to 5: new brokers are given partitions"):
            self.start(3, 4)
            wait_for("brokers 3 and 4 own partitions", lambda: {3, 4} <= set(self.owners()), 90)
            self.goes_on(load)
        with step("scale-in from 5 to 3: two drain at once"):
            self.end(3, 4)
            self.assertLessEqual(set(self.owners()), {0, 1, 2})
            self.goes_on(load)
        with step("a rolling update of one broker"):
            self.end(1)
            self.start(1)
            self.goes_on(load)
        with step("a broker is killed and comes back with its volume"):
            self.pods[2].kill()
            self.start(2)
            self.goes_on(load)
        with step("a broker is killed and its volume is lost"):
            self.pods[1].kill()
            self.start(1, volume="another-1")
            self.goes_on(load)
        with step("the stores stand still: nobody is restarted for it"):
            for store in self.stores:
                store.send_signal(signal.SIGSTOP)
            time.sleep(12)
            self.assertTrue(all(pod.probe("liveness") for pod in self.pods.values()))
            for store in self.stores:
                store.send_signal(signal.SIGCONT)
            wait_for("all are ready", lambda: all(pod.probe("readiness") for pod in self.pods.values()), 90)
            self.goes_on(load)
        with step("load ends, everything is read"):
            self.end_load(load)
        with step("all brokers end"):
            self.end(*sorted(self.pods))


if __name__ == "__main__":
    unittest.main()

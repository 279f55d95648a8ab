"""The chart on a real API server: strict validation of everything that is rendered, and the life of a release."""

import pathlib
import re
import shutil
import unittest

from control_plane import ZONES, ControlPlane, step, wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART, K8S = ROOT / "helm" / "alluvium", ROOT / "k8s"
TOOLS = pathlib.Path(shutil.which("kube-apiserver")).parent
MINIMAL = str(CHART / "ci" / "minimal.yaml")


class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plane = cls.enterClassContext(ControlPlane(TOOLS))
        for number in range(6):
            cls.plane.add_node(number)
        for number in range(12):
            cls.plane.add_volume(number)
        for namespace in ("kafka", "alluvium"):
            wait_for("a namespace", lambda name=namespace: cls.plane.kubectl("create", "namespace", name))
        cls.plane.kubectl("apply", "--server-side", "-f", str(TOOLS.parent / "definitions"))
        cls.plane.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")

    def helm(self, *arguments, check=True):
        return self.plane.run("helm", *arguments, "--namespace", "kafka", check=check)

    def pods(self):
        found = self.plane.get("pods", "-n", "kafka", "-l", "app.kubernetes.io/component=broker")["items"]
        return {pod["metadata"]["name"]: pod for pod in found}

    def ready(self, count):
        def all_are_ready():
            pods = self.pods()
            ready = [
                name for name, pod in pods.items() if "deletionTimestamp" not in pod["metadata"]
                and any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))
            ]
            return pods if len(pods) == len(ready) == count else None

        return wait_for(f"{count} brokers are ready", all_are_ready, 120)

    def rolled_out(self):
        self.plane.kubectl("-n", "kafka", "rollout", "status", "statefulset/kafka-alluvium", "--timeout=120s")

    def validate(self, text):
        command = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"]
        done = self.plane.run("kubectl", *command, given=text, check=False)
        return done.stderr if done.returncode else None

    def test_1_everything_rendered_is_accepted(self):
        files = sorted((CHART / "ci").glob("*.yaml"))
        self.assertGreaterEqual(len(files), 12)
        for values in files:
            with self.subTest(values.name):
                text = self.plane.run(
                    "helm", "template", "r", str(CHART), "--namespace", "kafka", "--kube-version", "1.36.3", "--values", str(values)
                ).stdout
                # A pod, that of the chart's test, is admitted only where its account exists.
                for account in set(re.findall(r"serviceAccountName: (\S+)", text)):
                    self.plane.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": "kafka"}})
                self.assertIsNone(self.validate(text))
                # So that acceptance says something: an unknown field is refused.
                self.assertIn("unknown field", self.validate(text.replace("terminationGracePeriodSeconds:", "terminationGraceSeconds:")) or "")
        for overlay in ("base", "overlays/minio-dev", "overlays/aws"):
            with self.subTest(overlay):
                self.assertIsNone(self.validate(self.plane.kubectl("kustomize", str(K8S / overlay))))

    def test_2_a_release_lives(self):
        plane = self.plane
        with step("install"):
            self.helm("install", "kafka", str(CHART), "--values", MINIMAL, "--set", "topics[0].name=orders", "--wait", "--timeout=3m")
            pods = self.ready(3)
            self.assertEqual(sorted(pods), ["kafka-alluvium-0", "kafka-alluvium-1", "kafka-alluvium-2"])
        with step("brokers are spread over zones, learn theirs, and their numbers"):
            nodes = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in plane.get("nodes")["items"]}
            placed = {name: nodes[pod["spec"]["nodeName"]] for name, pod in pods.items()}
            self.assertEqual(sorted(placed.values()), ZONES)
            for name, pod in pods.items():
                self.assertEqual(pod["metadata"]["labels"]["topology.kubernetes.io/zone"], placed[name])
                self.assertEqual(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"], name[-1])
        with step("one may be disrupted"):
            budget = wait_for("the budget counts", lambda: plane.get("pdb", "kafka-alluvium", "-n", "kafka").get("status"))
            wait_for("one may go", lambda: plane.get("pdb", "kafka-alluvium", "-n", "kafka")["status"]["disruptionsAllowed"] == 1)
            self.assertEqual(budget["expectedPods"], 3)
        with step("upgrade restarts for new settings, one after another"):
            before = {name: pod["metadata"]["uid"] for name, pod in self.pods().items()}
            self.helm("upgrade", "kafka", str(CHART), "--values", MINIMAL, "--set", "config.num\\.partitions=7", "--set", "minReadySeconds=1")
            self.rolled_out()
            after = {name: pod["metadata"]["uid"] for name, pod in self.ready(3).items()}
            self.assertTrue(all(before[name] != after[name] for name in before))
            settings = plane.get("configmap", "kafka-alluvium", "-n", "kafka")["data"]["alluvium.properties"]
            self.assertIn("num.partitions=7", settings)
        with step("an upgrade that changes nothing restarts nothing"):
            self.helm("upgrade", "kafka", str(CHART), "--values", MINIMAL, "--set", "config.num\\.partitions=7", "--set", "minReadySeconds=1")
            self.rolled_out()
            self.assertEqual(after, {name: pod["metadata"]["uid"] for name, pod in self.ready(3).items()})
        with step("rollback"):
            self.helm("rollback", "kafka", "1")
            self.rolled_out()
            self.ready(3)
            settings = plane.get("configmap", "kafka-alluvium", "-n", "kafka")["data"]["alluvium.properties"]
            self.assertNotIn("num.partitions", settings)
        with step("scale 3 to 6 to 3: claims stay, and come back to their brokers"):
            upgrade = ["upgrade", "kafka", str(CHART), "--values", MINIMAL, "--set", "minReadySeconds=1"]
            self.helm(*upgrade, "--set", "replicas=6")
            self.ready(6)
            claims = {c["metadata"]["name"]: c["spec"]["volumeName"] for c in plane.get("pvc", "-n", "kafka")["items"]}
            self.assertEqual(len(claims), 6)
            self.helm(*upgrade, "--set", "replicas=3")
            self.assertEqual(sorted(self.ready(3))[-1], "kafka-alluvium-2")
            self.assertEqual(claims, {c["metadata"]["name"]: c["spec"]["volumeName"] for c in plane.get("pvc", "-n", "kafka")["items"]})
            self.helm(*upgrade, "--set", "replicas=6")
            self.ready(6)
            self.assertEqual(claims, {c["metadata"]["name"]: c["spec"]["volumeName"] for c in plane.get("pvc", "-n", "kafka")["items"]})
        with step("switching to an autoscaler keeps the number of brokers"):
            self.helm(*upgrade, "--set", "autoscaling.mode=hpa")
            self.assertEqual(plane.get("statefulset", "kafka-alluvium", "-n", "kafka")["spec"]["replicas"], 6)
            self.helm(*upgrade, "--set", "replicas=3")
            self.ready(3)
        with step("what can't change in place is refused with what to do"):
            refused = self.helm(*upgrade, "--set", "wal.size=32Gi", check=False)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("patch pvc wal-kafka-alluvium-N", refused.stderr)
            self.assertIn("delete statefulset kafka-alluvium --cascade=orphan", refused.stderr)
            refused = self.helm(*upgrade, "--set", "wal.type=ephemeral", check=False)
            self.assertIn("what WALs hold would be left behind", refused.stderr)
            refused = self.helm(*upgrade, "--set", "brokerIdStart=4", check=False)
            self.assertIn("brokerIdStart can't change", refused.stderr)
        with step("and the steps work"):
            before = {name: pod["metadata"]["uid"] for name, pod in self.pods().items()}
            plane.kubectl("-n", "kafka", "delete", "statefulset", "kafka-alluvium", "--cascade=orphan")
            self.helm(*upgrade, "--set", "wal.size=20Gi")
            self.assertEqual(before, {name: pod["metadata"]["uid"] for name, pod in self.ready(3).items()})
        with step("a broker whose node is gone comes back on another, with its name and claim"):
            lost = self.pods()["kafka-alluvium-1"]
            plane.kubectl("delete", "node", lost["spec"]["nodeName"])

            def replaced():
                pod = self.pods().get("kafka-alluvium-1")
                return pod and pod["metadata"]["uid"] != lost["metadata"]["uid"] and pod["spec"].get("nodeName")

            self.assertNotEqual(wait_for("another pod", replaced, 180), lost["spec"]["nodeName"])
            again = self.ready(3)["kafka-alluvium-1"]
            claim = [v["persistentVolumeClaim"]["claimName"] for v in again["spec"]["volumes"] if "persistentVolumeClaim" in v]
            self.assertEqual(claim, ["wal-kafka-alluvium-1"])
        with step("uninstall leaves claims"):
            self.helm("uninstall", "kafka", "--wait")
            self.assertEqual(len(plane.get("pvc", "-n", "kafka")["items"]), 6)


if __name__ == "__main__":
    unittest.main()

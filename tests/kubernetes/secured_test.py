"""The chart with TLS, users and access rules: brokers of its own container, on an etcd that asks for certificates.

What the chart reads of secrets is mounted as a kubelet mounts it. A certificate is renewed under load, and nobody notices.
"""

import json
import ssl
import subprocess
import sys
import unittest

from cluster import BOOTSTRAP, Cluster, encoded
from control_plane import step, wait_for
from pods import NETWORK

PASSWORDS = {"broker": "b7$k=!{2:x}", "alice": "wonder;land ''", "bob": "builder"}
NAMES = ["DNS:*.kafka-alluvium-brokers.kafka.svc.cluster.local", f"DNS:{BOOTSTRAP}"]


class Authority:
    """Issues certificates, by openssl."""

    def __init__(self, directory):
        self.directory = directory
        directory.mkdir()
        self.made("authority", "-x509", "-subj", "/CN=authority")
        self.certificate = (directory / "authority.crt").read_text()

    def made(self, name, *more):
        key, certificate = self.directory / f"{name}.key", self.directory / f"{name}.crt"
        command = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-keyout", key, "-out", certificate]
        subprocess.run([*command, *more], check=True, capture_output=True)
        return certificate.read_text(), key.read_text()

    def issue(self, name, *names):
        """A secret of type kubernetes.io/tls, as cert-manager fills it."""
        signed = ["-x509", "-CA", self.directory / "authority.crt", "-CAkey", self.directory / "authority.key"]
        usages = ["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth,clientAuth"]
        certificate, key = self.made(name, *signed, "-subj", f"/CN={name}", *usages, "-addext", f"subjectAltName={','.join(names)}")
        return {"tls.crt": certificate, "tls.key": key, "ca.crt": self.certificate}


class Secured(Cluster):
    more = {  # noqa: RUF012
        "listener": {"protocol": "SASL_SSL"},
        "tls": {"existingSecret": "brokers-tls", "clientAuth": "requested"},
        "sasl": {"broker": {"existingSecret": "broker-user"}},
        "etcd": {"tls": {"existingSecret": "etcd-client", "clientCertificate": True}},
        "authorization": {"enabled": True},
        "users": [{"name": "alice", "existingSecret": "people", "passwordKey": "alice"}, {"name": "bob", "existingSecret": "people", "passwordKey": "bob"}],
        "acls": [
            {"resource": "topic", "name": "num", "prefixed": True, "principals": ["User:alice"], "operations": ["read", "write"]},
            {"resource": "group", "name": "*", "principals": ["User:alice", "User:bob"], "operations": ["read"]},
        ],
    }

    def prepare(self):
        self.authority = Authority(self.directory / "authority")
        etcd = self.authority.issue("etcd", f"IP:{NETWORK}.1")
        for name, text in etcd.items():
            (self.directory / f"etcd-{name}").write_text(text)
        url = f"https://{NETWORK}.1:2379"
        self.etcd = [
            f"--listen-client-urls={url}", f"--advertise-client-urls={url}", "--client-cert-auth", f"--trusted-ca-file={self.directory}/etcd-ca.crt",
            f"--cert-file={self.directory}/etcd-tls.crt", f"--key-file={self.directory}/etcd-tls.key",
        ]
        self.secrets = {
            "brokers-tls": self.authority.issue("brokers", *NAMES), "etcd-client": self.authority.issue("client", "DNS:client"),
            "broker-user": {"password": PASSWORDS["broker"] + "\n"}, "people": {name: PASSWORDS[name] for name in ("alice", "bob")},
        }
        self.client = self.login("alice", PASSWORDS["alice"])

    def login(self, user, password):
        return {
            "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": user, "sasl.password": password,
            "ssl.ca.location": str(self.directory / "authority" / "authority.crt"),
        }

    def outcome_of_a_record(self, user, password):
        script = (
            "import json, sys; from confluent_kafka import Producer; told = []\n"
            "p = Producer({**json.loads(sys.argv[2]), 'bootstrap.servers': sys.argv[1], 'log_level': 0, 'message.timeout.ms': 8000,\n"
            "              'error_cb': lambda e: told.append(e.name())})\n"
            "p.produce('numbers', value='0', on_delivery=lambda e, m: told.append(e.name() if e else 'stored'))\n"
            "p.flush(20); print(*told)\n"
        )
        command = [sys.executable, "-c", script, f"{BOOTSTRAP}:9092", json.dumps(self.login(user, password))]
        process = self.in_hosts(*command, stdout=subprocess.PIPE, text=True)
        return process.communicate(timeout=60)[0]

    def certificates(self):
        """Those that brokers show to who connects now."""
        return {ssl.get_server_certificate((pod.address, 9092)) for pod in self.pods.values()}

    def test_who_logs_in_does_what_rules_allow_and_certificates_are_renewed(self):
        with step("three brokers start, on an etcd that asks for their certificates"):
            self.start(0, 1, 2)
        with step("the Job makes users, rules and topics, and again"):
            self.run_setup_job()
            self.run_setup_job()
        with step("the chart's test passes"):
            (pod,) = self.objects["Pod"].values()
            stores, brokers = pod["spec"]["containers"]
            variables = {entry["name"]: self.pods[0].value(entry) for entry in stores["env"]}
            for container in (stores, brokers):
                status, shown, told = self.run_container(pod["spec"], container, variables)
                self.assertEqual(status, 0, shown + told)
        with step("load of a user who may"):
            load = self.begin_load("numbers", 9)
        with step("who may not, or does not know the password, is refused"):
            self.assertIn("TOPIC_AUTHORIZATION_FAILED", self.outcome_of_a_record("bob", PASSWORDS["bob"]))
            self.assertIn("_AUTHENTICATION", self.outcome_of_a_record("alice", "guessed"))
            self.assertNotIn("stored", self.outcome_of_a_record("broker", PASSWORDS["alice"]))
        with step("the certificate is renewed: new connections get it, those that stand go on"):
            before = self.certificates()
            renewed = self.authority.issue("brokers", *NAMES)
            self.objects["Secret"]["brokers-tls"]["data"] = {key: encoded(text) for key, text in renewed.items()}
            for pod in self.pods.values():
                pod.mount()
            wait_for("brokers show it", lambda: self.certificates() == {renewed["tls.crt"]}, 60)
            self.assertEqual((len(before), before & self.certificates()), (1, set()))
            self.goes_on(load)
        with step("a rolling update of one broker"):
            self.end(1)
            self.start(1)
            self.goes_on(load)
        with step("load ends, everything is read"):
            self.end_load(load)
        with step("no secret is in a log"):
            logs = "".join((pod.directory / "log").read_text() for pod in self.pods.values())
            for secret in [*PASSWORDS.values(), renewed["tls.key"].splitlines()[1]]:
                self.assertNotIn(secret, logs)
        with step("all brokers end"):
            self.end(*sorted(self.pods))


if __name__ == "__main__":
    unittest.main()

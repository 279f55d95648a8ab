"""An authority for one run, and a broker's key and certificate from it, by openssl."""

import subprocess
from pathlib import Path


class Certificates:
    """`authority` is what clients trust; `broker` has the key and the chain, PEM, as Kafka and Alluvium read it."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.authority, self.broker = directory / "authority.pem", directory / "broker.pem"
        authority_key, key, request, names = (directory / name for name in ["authority.key", "broker.key", "broker.csr", "names"])
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        _openssl("req", "-x509", "-subj", "/CN=bench authority", "-days", 2, *_new(authority_key), "-out", self.authority)
        _openssl("req", "-subj", "/CN=broker", *_new(key), "-out", request)
        signed = directory / "broker.crt"
        signing = ["-CA", self.authority, "-CAkey", authority_key, "-CAcreateserial", "-days", 2, "-extfile", names]
        _openssl("x509", "-req", "-in", request, *signing, "-out", signed)
        self.broker.write_text(key.read_text() + signed.read_text() + self.authority.read_text())

    def client(self) -> dict[str, object]:
        """Properties of a Java client that trusts them."""
        return {"security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": self.authority}


def _new(key: Path) -> list:
    return ["-newkey", "rsa:2048", "-noenc", "-keyout", key]


def _openssl(*arguments) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

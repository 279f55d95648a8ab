"""Who may do what with schemas: users with passwords, rules of topics. Through confluent-kafka's client, at every broker's registry."""

import argparse
import json
import time
import warnings

warnings.filterwarnings("ignore")

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

TEXT = Schema('"string"', "AVRO")


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--registries", required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", required=True)
    return parser.parse_args()


def wait(futures):
    for future in futures.values():
        future.result(30)


def set_password(admin, user, password):
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    wait(admin.alter_user_scram_credentials([UserScramCredentialUpsertion(user, info, password.encode())]))


def rule(user, operation, resource=ResourceType.TOPIC, name="orders"):
    return AclBinding(resource, name, ResourcePatternType.LITERAL, f"User:{user}", "*", operation, AclPermissionType.ALLOW)


def client(url, credentials=None):
    more = {"basic.auth.user.info": credentials} if credentials else {}
    return SchemaRegistryClient({"url": url, "max.retries": 0, **more})


def refused(status, code, action):
    try:
        action()
    except SchemaRegistryError as error:
        assert (error.http_status_code, error.error_code) == (status, code), error
        return
    raise AssertionError(f"not refused with {code}")


def eventually(holds):
    """Other brokers hear of rules and passwords a moment later."""
    end = time.monotonic() + 20
    while True:
        try:
            return holds()
        except (AssertionError, SchemaRegistryError):
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def main():
    arguments = parse()
    urls = arguments.registries.split(",")
    admin = AdminClient(
        {
            "bootstrap.servers": arguments.bootstrap,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": arguments.user,
            "sasl.password": arguments.password,
        }
    )
    for user in ("ann", "bob"):
        set_password(admin, user, f"{user}-secret")
    wait(admin.create_acls([rule("ann", AclOperation.WRITE), rule("bob", AclOperation.READ)]))

    for url in urls:
        refused(401, 40101, lambda: client(url).get_subjects())
        refused(401, 40101, lambda: client(url, "ann:wrong").get_subjects())
        refused(401, 40101, lambda: client(url, "nobody:ann-secret").get_subjects())
        ann, bob = client(url, "ann:ann-secret"), client(url, "bob:bob-secret")
        # Registered wherever it is asked for: other brokers pass it on to the one that orders writes.
        number = eventually(lambda: ann.register_schema("orders-value", TEXT))
        eventually(lambda: bob.get_latest_version("orders-value"))
        assert json.loads(bob.get_schema(number).schema_str) == "string"
        refused(403, 40301, lambda: bob.register_schema("orders-value", Schema('"long"', "AVRO")))
        refused(403, 40301, lambda: ann.register_schema("payments-value", TEXT))
        refused(403, 40301, lambda: ann.delete_subject("orders-value"))
        refused(403, 40301, lambda: ann.set_compatibility("orders-value", "NONE"))
        refused(403, 40301, lambda: ann.set_compatibility(level="NONE"))
        assert ann.get_subjects() == ["orders-value"]

    # What nobody gave her: a subject of another topic is not shown, by name, in lists, or by id.
    wait(admin.create_acls([rule("bob", AclOperation.WRITE, name="payments")]))
    hidden = eventually(lambda: client(urls[0], "bob:bob-secret").register_schema("payments-value", Schema('"bytes"', "AVRO")))
    for url in urls:
        eventually(lambda: client(url, "bob:bob-secret").get_schema(hidden))
        assert client(url, "bob:bob-secret").get_subjects() == ["orders-value", "payments-value"]
        assert client(url, "ann:ann-secret").get_subjects() == ["orders-value"]
        refused(403, 40301, lambda: client(url, "ann:ann-secret").get_latest_version("payments-value"))
        refused(404, 40403, lambda: client(url, "ann:ann-secret").get_schema(hidden))

    # Rules and passwords count at once everywhere.
    wait(admin.create_acls([rule("ann", AclOperation.ALTER_CONFIGS, ResourceType.BROKER, "kafka-cluster")]))
    for url in urls:
        eventually(lambda: client(url, "ann:ann-secret").set_compatibility(level="BACKWARD"))
    everything = (ResourceType.TOPIC, "orders", ResourcePatternType.LITERAL, "User:ann", "*", AclOperation.ANY, AclPermissionType.ANY)
    wait(admin.delete_acls([AclBindingFilter(*everything)]))
    set_password(admin, "bob", "changed")
    for url in urls:
        eventually(lambda: refused(403, 40301, lambda: client(url, "ann:ann-secret").get_latest_version("orders-value")))
        eventually(lambda: refused(401, 40101, lambda: client(url, "bob:bob-secret").get_subjects()))
        assert client(url, "bob:changed").get_latest_version("orders-value").version == 1
    print("ok")


if __name__ == "__main__":
    main()

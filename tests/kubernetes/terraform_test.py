"""Policies of terraform/, read from its parsed HCL: least privilege, and nothing that expires, archives or deletes objects of the log."""

import pathlib
import unittest

import hcl2
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TERRAFORM = ROOT / "terraform"
# What a broker does (alluvium doctor tries it), and what it reads of the bucket's settings to warn.
OBJECT_ACTIONS = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
BUCKET_ACTIONS = {"s3:ListBucket", "s3:GetLifecycleConfiguration", "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"}
KEY_ACTIONS = {"kms:Decrypt", "kms:GenerateDataKey"}


def plain(value):
    """Without the parser's quotes and marks."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items() if key != "__is_block__"}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1]
    return value


def parse(text):
    return plain(hcl2.loads(text))


def folder(path):
    """All blocks of a module: {kind: [block, …]}."""
    found = {}
    for file in sorted((TERRAFORM / path).glob("*.tf")):
        for kind, blocks in parse(file.read_text()).items():
            found.setdefault(kind, []).extend(blocks)
    return found


def resources(module, kind):
    return [body for block in module.get("resource", []) if kind in block for body in block[kind].values()]


def document(module, name):
    """The statements of a policy document, those of its dynamic blocks too."""
    for block in module["data"]:
        if name in block.get("aws_iam_policy_document", {}):
            body = block["aws_iam_policy_document"][name]
            dynamic = [content for block in body.get("dynamic", []) for content in block["statement"]["content"]]
            return body.get("statement", []) + dynamic
    raise AssertionError(f"no policy document {name}")


def expiring(module):
    """What would take objects away, or out of reach: rules that do more than end incomplete uploads."""
    found = []
    for configuration in resources(module, "aws_s3_bucket_lifecycle_configuration"):
        for rule in configuration["rule"]:
            found += set(rule) - {"id", "status", "filter", "abort_incomplete_multipart_upload"}
    for bucket in resources(module, "google_storage_bucket"):
        for rule in bucket.get("lifecycle_rule", []):
            found += [action["type"] for action in rule["action"] if action["type"] != "AbortIncompleteMultipartUpload"]
        found += {"retention_policy", "autoclass"} & set(bucket)
    return found


MODULES = sorted(path.name for path in (TERRAFORM / "modules").iterdir())


class Terraform(unittest.TestCase):
    def test_nothing_expires_or_archives_objects(self):
        for name in MODULES:
            self.assertEqual(expiring(folder(f"modules/{name}")), [], name)
        rules = resources(folder("modules/storage"), "aws_s3_bucket_lifecycle_configuration")[0]["rule"]
        self.assertEqual(len(rules), 1)
        self.assertIn("abort_incomplete_multipart_upload", rules[0])

    def test_a_rule_that_expires_objects_is_seen(self):
        rule = 'resource "aws_s3_bucket_lifecycle_configuration" "x" {\n rule {\n id = "a"\n expiration {\n days = 1\n }\n }\n}\n'
        self.assertEqual(expiring(parse(rule)), ["expiration"])
        rule = 'resource "google_storage_bucket" "x" {\n lifecycle_rule {\n action {\n type = "Delete"\n }\n condition {\n age = 1\n }\n }\n}\n'
        self.assertEqual(expiring(parse(rule)), ["Delete"])

    def test_the_bucket_is_private_encrypted_and_kept(self):
        module = folder("modules/storage")
        (block,) = resources(module, "aws_s3_bucket_public_access_block")
        switches = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
        self.assertTrue(all(block[switch] is True for switch in switches))
        self.assertEqual(len(resources(module, "aws_s3_bucket_server_side_encryption_configuration")), 1)
        (bucket,) = resources(module, "aws_s3_bucket")
        self.assertIs(bucket["lifecycle"][0]["prevent_destroy"], True)
        self.assertNotIn("force_destroy", bucket)
        (statement,) = document(module, "bucket")
        self.assertEqual((statement["effect"], statement["condition"][0]["variable"]), ("Deny", "aws:SecureTransport"))

    def test_a_broker_may_do_what_it_does_and_only_below_its_prefix(self):
        statements = {statement["sid"]: statement for statement in document(folder("modules/iam"), "store")}
        self.assertEqual(set(statements), {"List", "Objects", "Settings", "Key"})
        self.assertEqual(set(statements["Objects"]["actions"]), OBJECT_ACTIONS)
        self.assertEqual(statements["Objects"]["resources"], ["${var.bucket_arn}/${var.prefix}/*"])
        self.assertEqual(statements["List"]["actions"], ["s3:ListBucket"])
        self.assertEqual(statements["List"]["condition"][0]["values"], ["${var.prefix}/*"])
        bucket = set(statements["List"]["actions"]) | set(statements["Settings"]["actions"])
        self.assertEqual(bucket, BUCKET_ACTIONS)
        for name in ("List", "Settings"):
            self.assertEqual(statements[name]["resources"], ["${var.bucket_arn}"])
        self.assertEqual(set(statements["Key"]["actions"]), KEY_ACTIONS)
        for statement in statements.values():
            self.assertEqual(statement.get("effect", "Allow"), "Allow")
            self.assertFalse(any("*" in action for action in statement["actions"]))
            self.assertNotIn("*", statement["resources"])

    def test_the_role_is_for_one_service_account(self):
        statements = {statement["sid"]: statement for statement in document(folder("modules/iam"), "trust")}
        self.assertEqual(set(statements), {"ServiceAccount", "PodIdentity"})
        conditions = {c["variable"]: (c["test"], c["values"]) for c in statements["ServiceAccount"]["condition"]}
        account = ["system:serviceaccount:${var.namespace}:${var.service_account}"]
        self.assertEqual(conditions["${var.oidc_issuer}:sub"], ("StringEquals", account))
        self.assertEqual(conditions["${var.oidc_issuer}:aud"], ("StringEquals", ["sts.amazonaws.com"]))
        conditions = {c["variable"]: (c["test"], c["values"]) for c in statements["PodIdentity"]["condition"]}
        self.assertEqual(conditions["aws:RequestTag/kubernetes-namespace"], ("StringEquals", ["${var.namespace}"]))
        self.assertEqual(conditions["aws:RequestTag/kubernetes-service-account"], ("StringEquals", ["${var.service_account}"]))

    def test_the_same_on_google(self):
        module = folder("modules/gcs")
        (bucket,) = resources(module, "google_storage_bucket")
        self.assertIs(bucket["uniform_bucket_level_access"], True)
        self.assertEqual(bucket["public_access_prevention"], "enforced")
        (role,) = resources(module, "google_project_iam_custom_role")
        verbs = ("create", "delete", "get", "list")
        self.assertEqual(set(role["permissions"]), {f"storage.objects.{verb}" for verb in verbs})
        (member,) = resources(module, "google_storage_bucket_iam_member")
        self.assertIn("${google_service_account.broker.email}", member["member"])
        self.assertEqual(len(member["condition"]), 1)

    def test_nodes_keep_their_credentials_from_pods(self):
        (template,) = resources(folder("modules/eks"), "aws_launch_template")
        self.assertEqual(template["metadata_options"][0]["http_tokens"], "required")
        self.assertEqual(template["metadata_options"][0]["http_put_response_hop_limit"], 1)

    def test_outputs_are_values_of_the_chart(self):
        values = yaml.safe_load((ROOT / "helm" / "alluvium" / "values.yaml").read_text())
        seen = 0
        for name in MODULES:
            for block in folder(f"modules/{name}").get("output", []):
                if "helm_values" in block:
                    seen += 1
                    for group, keys in block["helm_values"]["value"].items():
                        self.assertLessEqual(set(keys), set(values[group]), f"{name}: {group}")
        self.assertEqual(seen, 4)

    def test_variables_and_outputs_are_described_and_used(self):
        for path in [*(f"modules/{name}" for name in MODULES), "examples/eks", "examples/gcs"]:
            module = folder(path)
            text = "".join(file.read_text() for file in (TERRAFORM / path).glob("*.tf"))
            for kind in ("variable", "output"):
                for block in module.get(kind, []):
                    for name, body in block.items():
                        self.assertTrue(body.get("description"), f"{path}: {kind} {name}")
                        if kind == "variable":
                            self.assertIn(f"var.{name}", text, path)


if __name__ == "__main__":
    unittest.main()

"""Credentials of a MinIO that may do what terraform's role may, and nothing else: the policy is read from its HCL, and STS hands them out."""

import datetime
import hashlib
import hmac
import json
import re
import urllib.parse
import urllib.request

from terraform_test import document, folder


def policy(bucket, prefix):
    """What modules/iam permits, for this bucket and prefix."""
    variables = {"${var.bucket_arn}": f"arn:aws:s3:::{bucket}", "${var.prefix}": prefix}

    def filled(text):
        for name, value in variables.items():
            text = text.replace(name, value)
        return text

    statements = []
    for statement in document(folder("modules/iam"), "store"):
        if statement["sid"] == "Key":
            continue
        made = {
            "Sid": statement["sid"], "Effect": "Allow", "Action": statement["actions"],
            "Resource": [filled(resource) for resource in statement["resources"]],
        }
        for condition in statement.get("condition", []):
            made["Condition"] = {condition["test"]: {condition["variable"]: [filled(value) for value in condition["values"]]}}
        statements.append(made)
    return {"Version": "2012-10-17", "Statement": statements}


def assume(endpoint, user, password, policy):
    """Session credentials by AssumeRole, signed with version 4: (key id, secret, token)."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    day, region, service = now[:8], "us-east-1", "sts"
    body = urllib.parse.urlencode(
        {"Action": "AssumeRole", "Version": "2011-06-15", "DurationSeconds": "7200", "Policy": json.dumps(policy)}
    )
    host = urllib.parse.urlparse(endpoint).netloc
    headers = {"content-type": "application/x-www-form-urlencoded", "host": host, "x-amz-date": now}
    names = ";".join(headers)
    told = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join(["POST", "/", "", told, names, hashlib.sha256(body.encode()).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{password}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={user}/{scope}, SignedHeaders={names}, Signature={signature}"
    with urllib.request.urlopen(urllib.request.Request(endpoint, data=body.encode(), headers=headers), timeout=10) as answer:
        told = answer.read().decode()
    return tuple(re.search(f"<{name}>(.+?)</{name}>", told)[1] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))

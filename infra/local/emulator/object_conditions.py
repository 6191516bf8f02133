"""What bucket policies ask about a request: the tags of an object that a copy reads, and its transport.

ministack knows `s3:ExistingObjectTag/…` for GetObject; a copy's source and GetObjectAttributes read an object too.
Every call comes over loopback without TLS; it counts as TLS 1.3, so that a template may deny plain HTTP.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/tagging-and-policies.html
"""

import contextvars
from urllib.parse import parse_qs

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.services import s3

from .patching import around

READS = ("s3:GetObject", "s3:GetObjectVersion")
read_version = contextvars.ContextVar("s3_read_version", default={})


@around(iam_actions, "s3_additional_checks")
def s3_additional_checks(original, method, path, headers, body, query_parameters):
    """Asked once of every S3 request, before the reads it implies are judged: which version do they read?"""
    source = parse_qs(headers.get("x-amz-copy-source", "").partition("?")[2])
    read_version.set(source if "x-amz-copy-source" in headers else query_parameters)
    return original(method, path, headers, body, query_parameters)


@around(iam_evaluator, "enforce")
def enforce(original, access_key, action, service, region, resource_arn="*", service_context=None):
    if service == "s3":
        service_context = {"s3:TlsVersion": "1.3", **(service_context or {})}
        if action in READS and not any(key.startswith("s3:ExistingObjectTag/") for key in service_context):
            bucket, _, key = resource_arn.removeprefix("arn:aws:s3:::").partition("/")
            tags = s3.object_tags_for_condition(bucket, key, read_version.get())
            service_context |= {f"s3:ExistingObjectTag/{name}": value for name, value in tags.items()}
    return original(access_key, action, service, region, resource_arn=resource_arn, service_context=service_context)


@around(app, "pin_request_origin")
def pin_request_origin(original, source_ip, secure_transport):
    return original(source_ip, True)

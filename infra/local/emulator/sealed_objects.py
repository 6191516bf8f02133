"""S3 objects under a KMS key: the key must exist, be enabled, and be allowed to the caller.

S3 uses the key as the caller and on the caller's behalf: a write needs kms:GenerateDataKey, a read kms:Decrypt, both
with `kms:ViaService` = s3.<region>.amazonaws.com and the encryption context `aws:s3:arn` = the object's ARN (S3 bucket
keys, which change that to the bucket's ARN, are not played).
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

import contextvars
from urllib.parse import parse_qs, unquote

from ministack import app
from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import kms, s3

from .patching import around

ALGORITHM = "x-amz-server-side-encryption"
KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"
caller = contextvars.ContextVar("s3_caller", default="")
object_arn = contextvars.ContextVar("s3_object_arn", default="")


@around(s3, "_resolve_sse_write_headers")
def resolve_sse_write_headers(original, headers, bucket):
    """Every write settles its encryption here: a bare `aws:kms` takes the bucket's key, an alias its key's ARN."""
    if headers.get(ALGORITHM) == "aws:kms" and not headers.get(KEY_ID):
        default = s3._bucket_default_sse_headers(bucket)
        if default.get(KEY_ID):
            headers = {**headers, KEY_ID: default[KEY_ID]}
    stored, error = original(headers, bucket)
    if error or not stored or not stored.get(KEY_ID):
        return stored, error

    error = refusal(stored[KEY_ID], "kms:GenerateDataKey")
    if error:
        return None, error
    return {**stored, KEY_ID: kms._resolve_key(stored[KEY_ID])["Arn"]}, None


@around(s3, "_get_object")
def get_object(original, bucket, key, headers, query_parameters=None):
    status, answered, body = original(bucket, key, headers, query_parameters)
    if status in (200, 206):
        error = refusal(answered.get(KEY_ID), "kms:Decrypt")
        if error:
            return error
    return status, answered, body


@around(s3, "_upload_part")
def upload_part(original, bucket, key, body, query_parameters, headers):
    """A part is sealed with the data key that the upload was created with."""
    error = refusal(upload_key(query_parameters), "kms:Decrypt")
    return error or original(bucket, key, body, query_parameters, headers)


@around(s3, "_complete_multipart_upload")
def complete_multipart_upload(original, bucket, key, body, query_parameters, headers=None):
    error = refusal(upload_key(query_parameters), "kms:Decrypt")
    return error or original(bucket, key, body, query_parameters, headers)


@around(s3, "_copy_object")
def copy_object(original, bucket, key, headers):
    return source_refusal(headers) or original(bucket, key, headers)


@around(s3, "_upload_part_copy")
def upload_part_copy(original, bucket, key, query_parameters, headers):
    error = source_refusal(headers) or refusal(upload_key(query_parameters), "kms:Decrypt")
    return error or original(bucket, key, query_parameters, headers)


@around(s3, "_dispatch")
def dispatch(original, method, bucket, key, headers, body, query_parameters):
    """The object a request is about, for the encryption context of its key."""
    object_arn.set(f"arn:aws:s3:::{bucket}/{key}")
    return original(method, bucket, key, headers, body, query_parameters)


@around(iam_evaluator, "enforce")
def enforce(original, access_key, action, service, region, resource_arn="*", service_context=None):
    """Who S3 will use the key for: ministack authorises the S3 call itself here, before it serves it."""
    if service == "s3":
        caller.set(access_key)
    return original(access_key, action, service, region, resource_arn=resource_arn, service_context=service_context)


def refusal(key_id, action, arn=None):
    """The error S3 answers when the caller cannot use the object's key, or None."""
    if not key_id:
        return None
    key = kms._resolve_key(key_id)
    if key is None:
        return s3._error("KMS.NotFoundException", f"Key '{key_id}' does not exist", 400)
    if key["KeyState"] == "Disabled":
        return s3._error("KMS.DisabledException", f"{key['Arn']} is disabled.", 400)
    if key["KeyState"] != "Enabled":
        return s3._error("KMS.KMSInvalidStateException", f"{key['Arn']} is pending deletion.", 400)
    if not app.AUTH or not caller.get():
        return None
    denied = iam_evaluator.enforce(caller.get(), action, "kms", get_region(), resource_arn=key["Arn"], service_context={
        "kms:ViaService": f"s3.{get_region()}.amazonaws.com",
        "kms:EncryptionContextKeys": ["aws:s3:arn"],
        "kms:EncryptionContext:aws:s3:arn": arn or object_arn.get(),
    })
    if denied:
        who = getattr(denied, "principal_arn", "the caller")
        return s3._error(
            "AccessDenied", f"User: {who} is not authorized to perform: {action} on resource: {key['Arn']}", 403)
    return None


def source_refusal(headers):
    """The refusal of a copy's source, when that object is under a key."""
    path, _, query = headers.get("x-amz-copy-source", "").lstrip("/").partition("?")
    bucket, _, key = unquote(path).partition("/")
    version = parse_qs(query).get("versionId", [None])[0]
    stored = ((s3._buckets.get(bucket) or {}).get("objects") or {}).get(key) or {}
    if version:
        versions = s3._object_versions.get((bucket, key), [])
        stored = next((each for each in versions if each["version_id"] == version), {})
    key_id = (stored.get("preserved_headers") or {}).get(KEY_ID)
    return refusal(key_id, "kms:Decrypt", f"arn:aws:s3:::{bucket}/{key}")


def upload_key(query_parameters):
    upload = s3._multipart_uploads.get(s3._qp(query_parameters, "uploadId")) or {}
    return (upload.get("preserved_headers") or {}).get(KEY_ID)

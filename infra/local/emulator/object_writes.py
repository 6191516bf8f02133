"""S3 writes: preconditions of CopyObject, checksums over a whole multipart object, the least size of a part.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import contextvars
import re

from ministack.services import s3

from .patching import around

LEAST_PART_BYTES = 5 * 1024 * 1024
CHECKSUM_TYPE = "x-amz-checksum-type"
whole_checksum = contextvars.ContextVar("s3_whole_checksum", default=None)


@around(s3, "_copy_object")
def copy_object(original, bucket, key, headers):
    existing = ((s3._ensure_bucket(bucket) or {}).get("objects") or {}).get(key)
    return s3._check_put_preconditions(headers, existing) or original(bucket, key, headers)


@around(s3, "_create_multipart_upload")
def create_multipart_upload(original, bucket, key, headers):
    status, answered, body = original(bucket, key, headers)
    if status == 200 and headers.get(CHECKSUM_TYPE) == "FULL_OBJECT":
        upload_id = re.search(rb"<UploadId>(.+)</UploadId>", body)[1].decode()
        s3._multipart_uploads[upload_id]["checksum_type"] = "FULL_OBJECT"
        answered[CHECKSUM_TYPE] = "FULL_OBJECT"
    return status, answered, body


@around(s3, "_complete_multipart_upload")
def complete_multipart_upload(original, bucket, key, body, query_parameters, headers=None):
    upload = s3._multipart_uploads.get(s3._qp(query_parameters, "uploadId")) or {}
    named = sorted({int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body)})
    parts = [upload["parts"][number]["body"] for number in named if number in upload.get("parts", {})]
    if any(len(part) < LEAST_PART_BYTES for part in parts[:-1]):
        return s3._error(
            "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size.", 400)
    if upload.get("checksum_type") != "FULL_OBJECT":
        return original(bucket, key, body, query_parameters, headers)

    token = whole_checksum.set(s3._compute_s3_checksum(upload["checksum_algorithm"], b"".join(parts)))
    try:
        status, answered, answer = original(bucket, key, body, query_parameters, headers)
    finally:
        whole_checksum.reset(token)
    if status == 200:
        s3._buckets[bucket]["objects"][key]["checksum_type"] = "FULL_OBJECT"
        for version in s3._object_versions.get((bucket, key), [])[-1:]:
            version["checksum_type"] = "FULL_OBJECT"
        answer = answer.replace(b"<ChecksumType>COMPOSITE<", b"<ChecksumType>FULL_OBJECT<")
    return status, answered, answer


@around(s3, "_composite_checksum")
def composite_checksum(original, algorithm, part_checksums):
    return whole_checksum.get() or original(algorithm, part_checksums)

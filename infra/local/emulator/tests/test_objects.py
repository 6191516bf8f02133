import base64
import unittest
import urllib.error
import urllib.request
import zlib

from botocore.exceptions import ClientError

from . import emulator

PART = bytes(5 << 20)


class ObjectWrites(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.s3 = cls.emulator.client("s3")
        cls.s3.create_bucket(Bucket="writes")
        cls.s3.put_bucket_versioning(Bucket="writes", VersioningConfiguration={"Status": "Enabled"})

    def refused(self, code):
        return self.assertRaisesRegex(ClientError, code)

    def test_put_only_once(self):
        self.s3.put_object(Bucket="writes", Key="once", Body=b"1", IfNoneMatch="*")
        with self.refused("PreconditionFailed"):
            self.s3.put_object(Bucket="writes", Key="once", Body=b"2", IfNoneMatch="*")

    def test_put_over_a_known_version(self):
        etag = self.s3.put_object(Bucket="writes", Key="known", Body=b"1")["ETag"]
        self.s3.put_object(Bucket="writes", Key="known", Body=b"2", IfMatch=etag)
        with self.refused("PreconditionFailed"):
            self.s3.put_object(Bucket="writes", Key="known", Body=b"3", IfMatch=etag)

    def test_copy_only_once(self):
        self.s3.put_object(Bucket="writes", Key="source", Body=b"1")
        self.s3.copy_object(Bucket="writes", Key="copy", CopySource="writes/source", IfNoneMatch="*")
        with self.refused("PreconditionFailed"):
            self.s3.copy_object(Bucket="writes", Key="copy", CopySource="writes/source", IfNoneMatch="*")

    def upload(self, key, *bodies, **create):
        upload = self.s3.create_multipart_upload(Bucket="writes", Key=key, **create)["UploadId"]
        parts = [
            {"PartNumber": number, "ETag": self.s3.upload_part(
                Bucket="writes", Key=key, UploadId=upload, PartNumber=number, Body=body)["ETag"]}
            for number, body in enumerate(bodies, 1)
        ]
        return {"Bucket": "writes", "Key": key, "UploadId": upload, "MultipartUpload": {"Parts": parts}}

    def test_multipart_only_once(self):
        self.s3.complete_multipart_upload(**self.upload("parts", PART, b"end"), IfNoneMatch="*")
        with self.refused("PreconditionFailed"):
            self.s3.complete_multipart_upload(**self.upload("parts", PART, b"end"), IfNoneMatch="*")

    def test_checksum_of_the_whole_object(self):
        checksum = base64.b64encode(zlib.crc32(PART + b"end").to_bytes(4, "big")).decode()
        upload = self.upload("whole", PART, b"end", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
        done = self.s3.complete_multipart_upload(**upload, ChecksumCRC32=checksum, ChecksumType="FULL_OBJECT")
        self.assertEqual((done["ChecksumCRC32"], done["ChecksumType"]), (checksum, "FULL_OBJECT"))
        head = self.s3.head_object(Bucket="writes", Key="whole", ChecksumMode="ENABLED", VersionId=done["VersionId"])
        self.assertEqual((head["ChecksumCRC32"], head["ChecksumType"]), (checksum, "FULL_OBJECT"))

    def test_wrong_checksum_of_the_whole_object(self):
        upload = self.upload("wrong", PART, b"end", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
        with self.refused("BadDigest"):
            self.s3.complete_multipart_upload(**upload, ChecksumCRC32="AAAAAA==", ChecksumType="FULL_OBJECT")

    def test_small_part_before_the_last(self):
        with self.refused("EntityTooSmall"):
            self.s3.complete_multipart_upload(**self.upload("small", b"1", b"2"))


class Presigned(unittest.TestCase):
    """URLs signed with session credentials, as the functions make them."""

    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.root = cls.emulator.client("s3")
        cls.root.create_bucket(Bucket="presigned")
        cls.root.put_object(Bucket="presigned", Key="acme/a", Body=b"0123456789", ContentType="audio/mpeg")
        cls.role = cls.emulator.create_role([{
            "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": "arn:aws:s3:::presigned/acme/*"}])
        cls.acme = cls.emulator.client("s3", cls.emulator.assume(cls.role))

    def fetch(self, url, method="GET", data=None, **headers):
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def url(self, operation, **parameters):
        return self.acme.generate_presigned_url(operation, {"Bucket": "presigned", **parameters}, 60)

    def test_range(self):
        status, body, headers = self.fetch(self.url("get_object", Key="acme/a"), Range="bytes=2-4")
        self.assertEqual((status, body, headers["content-range"]), (206, b"234", "bytes 2-4/10"))

    def test_head(self):
        status, body, headers = self.fetch(self.url("head_object", Key="acme/a"), "HEAD")
        self.assertEqual((status, body, headers["content-length"]), (200, b"", "10"))

    def test_other_object_is_refused(self):
        self.root.put_object(Bucket="presigned", Key="globex/a", Body=b"secret")
        self.assertEqual(self.fetch(self.url("get_object", Key="globex/a"))[0], 403)

    def test_part_of_the_signed_length(self):
        upload = self.acme.create_multipart_upload(Bucket="presigned", Key="acme/up")["UploadId"]
        url = self.url("upload_part", Key="acme/up", UploadId=upload, PartNumber=1, ContentLength=5)
        self.assertIn("content-length", url.lower())
        self.assertEqual(self.fetch(url, "PUT", b"12345")[0], 200)
        self.assertEqual(self.fetch(url, "PUT", b"123456")[0], 403)


class ObjectConditions(unittest.TestCase):
    """The quarantine bucket's policy: nothing is read before its verdict, nothing written without a key."""

    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.root = cls.emulator.client("s3")
        cls.root.create_bucket(Bucket="quarantine")
        cls.root.put_bucket_versioning(Bucket="quarantine", VersioningConfiguration={"Status": "Enabled"})
        cls.root.create_bucket(Bucket="promoted")
        arn = "arn:aws:s3:::quarantine"
        cls.root.put_bucket_policy(Bucket="quarantine", Policy=emulator.policy([
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
             "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [arn, f"{arn}/*"],
             "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}},
            {"Effect": "Deny", "Principal": "*", "Action": ["s3:GetObject", "s3:GetObjectVersion"],
             "Resource": f"{arn}/*",
             "Condition": {"StringNotEquals": {"s3:ExistingObjectTag/Scan": "CLEAN"}}},
            {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"{arn}/sealed/*",
             "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}},
        ]))
        cls.worker = cls.emulator.client("s3", cls.emulator.credentials([
            {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]))

    def write(self, key, **tags):
        self.root.put_object(Bucket="quarantine", Key=key, Body=b"body")
        if tags:
            self.root.put_object_tagging(Bucket="quarantine", Key=key, Tagging={
                "TagSet": [{"Key": name, "Value": value} for name, value in tags.items()]})

    def refused(self):
        return self.assertRaisesRegex(ClientError, "AccessDenied|403")

    def test_clean_object_is_read_and_copied(self):
        self.write("clean", Scan="CLEAN")
        self.worker.get_object(Bucket="quarantine", Key="clean")
        self.worker.copy_object(Bucket="promoted", Key="clean", CopySource="quarantine/clean")

    def test_unscanned_object_is_neither_read_nor_copied(self):
        self.write("unscanned")
        with self.refused():
            self.worker.get_object(Bucket="quarantine", Key="unscanned")
        with self.refused():
            self.worker.head_object(Bucket="quarantine", Key="unscanned")
        with self.refused():
            self.worker.copy_object(Bucket="promoted", Key="unscanned", CopySource="quarantine/unscanned")

    def test_copy_is_judged_by_the_version_it_reads(self):
        self.write("versions", Scan="CLEAN")
        clean = self.root.head_object(Bucket="quarantine", Key="versions")["VersionId"]
        self.write("versions")
        source = {"Bucket": "quarantine", "Key": "versions"}
        self.worker.copy_object(Bucket="promoted", Key="versions", CopySource={**source, "VersionId": clean})
        with self.refused():
            self.worker.copy_object(Bucket="promoted", Key="versions", CopySource=source)

    def test_threat_is_not_read(self):
        self.write("threat", Scan="THREAT")
        with self.refused():
            self.worker.get_object(Bucket="quarantine", Key="threat")

    def test_write_without_a_key_is_refused(self):
        with self.refused():
            self.worker.put_object(Bucket="quarantine", Key="sealed/a", Body=b"a")

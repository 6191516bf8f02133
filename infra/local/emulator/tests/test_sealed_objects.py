import unittest

from botocore.exceptions import ClientError

from . import emulator


class SealedObjects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.kms = cls.emulator.client("kms")
        cls.s3 = cls.emulator.client("s3")
        cls.s3.create_bucket(Bucket="sealed")
        cls.acme_key = cls.create_key("acme")
        cls.create_key("globex")
        cls.acme = cls.emulator.client("s3", cls.emulator.credentials([
            {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::sealed/*"},
            {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*", "Condition": {
                "StringEquals": {
                    "kms:ResourceTag/TenancyId": "${aws:PrincipalTag/TenancyId}",
                    "kms:ViaService": "s3.us-east-1.amazonaws.com",
                },
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::sealed/*"},
            }},
        ], TenancyId="acme"))

    @classmethod
    def create_key(cls, tenancy):
        tags = [{"TagKey": "TenancyId", "TagValue": tenancy}]
        key = cls.kms.create_key(Tags=tags)["KeyMetadata"]
        cls.kms.create_alias(AliasName=f"alias/sealed/{tenancy}", TargetKeyId=key["KeyId"])
        return key

    def put(self, client, key, kms_key):
        return client.put_object(Bucket="sealed", Key=key, Body=b"body",
                                 ServerSideEncryption="aws:kms", SSEKMSKeyId=kms_key)

    def refused(self, code="AccessDenied"):
        return self.assertRaisesRegex(ClientError, code)

    def test_alias_becomes_its_key(self):
        self.put(self.acme, "a", "alias/sealed/acme")
        read = self.acme.get_object(Bucket="sealed", Key="a")
        self.assertEqual((read["Body"].read(), read["SSEKMSKeyId"]), (b"body", self.acme_key["Arn"]))

    def test_alias_arn_becomes_its_key(self):
        answer = self.put(self.acme, "b", "arn:aws:kms:us-east-1:000000000000:alias/sealed/acme")
        self.assertEqual(answer["SSEKMSKeyId"], self.acme_key["Arn"])

    def test_write_under_another_key_is_refused(self):
        with self.refused():
            self.put(self.acme, "c", "alias/sealed/globex")

    def test_read_under_another_key_is_refused(self):
        self.put(self.s3, "d", "alias/sealed/globex")
        with self.refused():
            self.acme.get_object(Bucket="sealed", Key="d")

    def test_copy_from_under_another_key_is_refused(self):
        self.put(self.s3, "e", "alias/sealed/globex")
        with self.refused():
            self.acme.copy_object(Bucket="sealed", Key="e2", CopySource="sealed/e",
                                  ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/sealed/acme")

    def test_presigned_read_uses_the_signers_key(self):
        self.put(self.s3, "own", "alias/sealed/acme")
        self.put(self.s3, "foreign", "alias/sealed/globex")
        for key, status in (("own", 200), ("foreign", 403)):
            url = self.acme.generate_presigned_url("get_object", {"Bucket": "sealed", "Key": key})
            self.assertEqual(self.emulator.request("GET", url.removeprefix(self.emulator.url)).status, status)

    def test_direct_use_of_the_key_is_refused(self):
        credentials = self.acme._request_signer._credentials
        kms = self.emulator.client("kms", {
            "AccessKeyId": credentials.access_key, "SecretAccessKey": credentials.secret_key,
            "SessionToken": credentials.token})
        with self.refused():
            kms.generate_data_key(KeyId="alias/sealed/acme", KeySpec="AES_256")

    def test_multipart_upload_under_an_alias(self):
        upload = self.acme.create_multipart_upload(
            Bucket="sealed", Key="f", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/sealed/acme")["UploadId"]
        part = self.acme.upload_part(Bucket="sealed", Key="f", UploadId=upload, PartNumber=1, Body=b"part")
        done = self.acme.complete_multipart_upload(Bucket="sealed", Key="f", UploadId=upload, MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.assertEqual(done["SSEKMSKeyId"], self.acme_key["Arn"])

    def test_every_step_of_a_multipart_upload_uses_the_key(self):
        writer = self.emulator.client("s3", self.emulator.credentials([
            {"Effect": "Allow", "Action": ["s3:*", "kms:GenerateDataKey"], "Resource": "*"}]))
        self.s3.put_object(Bucket="sealed", Key="open", Body=b"open")
        upload = writer.create_multipart_upload(
            Bucket="sealed", Key="k", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/sealed/acme")["UploadId"]
        target = {"Bucket": "sealed", "Key": "k", "UploadId": upload}
        with self.refused():
            writer.upload_part(**target, PartNumber=1, Body=b"part")
        with self.refused():
            writer.upload_part_copy(**target, PartNumber=1, CopySource="sealed/open")
        part = self.s3.upload_part(**target, PartNumber=1, Body=b"part")
        with self.refused():
            writer.complete_multipart_upload(**target, MultipartUpload={
                "Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})

    def test_disabled_key_closes_its_objects(self):
        key = self.create_key("disabled")["KeyId"]
        self.put(self.s3, "g", key)
        self.kms.disable_key(KeyId=key)
        with self.refused("KMS.DisabledException"):
            self.s3.get_object(Bucket="sealed", Key="g")

    def test_key_pending_deletion_closes_its_objects(self):
        key = self.create_key("pending")["KeyId"]
        self.put(self.s3, "h", key)
        self.kms.schedule_key_deletion(KeyId=key)
        with self.refused("KMSInvalidState"):
            self.s3.get_object(Bucket="sealed", Key="h")
        with self.refused("KMSInvalidState"):
            self.put(self.s3, "i", key)

    def test_unknown_key_is_refused(self):
        with self.refused("KMS.NotFound"):
            self.put(self.s3, "j", "alias/sealed/nobody")

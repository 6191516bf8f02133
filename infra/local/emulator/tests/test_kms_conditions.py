import unittest

from botocore.exceptions import ClientError

from . import emulator

TENANCY = "ten_01HZZZZZZZZZZZZZZZZZZZZZZZ"


class KmsConditions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.root = cls.emulator.client("kms")
        cls.key = cls.create_key("acme")
        cls.other_key = cls.create_key("globex")
        cls.root.create_alias(AliasName="alias/stack/acme", TargetKeyId=cls.key)
        cls.acme = cls.emulator.client("kms", cls.emulator.credentials([{
            "Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*",
            "Condition": {"StringEquals": {
                "kms:ResourceTag/TenancyId": "${aws:PrincipalTag/TenancyId}",
                "kms:EncryptionContext:TenancyId": "${aws:PrincipalTag/TenancyId}",
            }},
        }], TenancyId="acme"))

    @classmethod
    def create_key(cls, tenancy):
        tags = [{"TagKey": "TenancyId", "TagValue": tenancy}]
        return cls.root.create_key(Tags=tags)["KeyMetadata"]["KeyId"]

    def refused(self):
        return self.assertRaisesRegex(ClientError, "AccessDenied")

    def data_key(self, key, **context):
        return self.acme.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)

    def test_own_key_under_own_context(self):
        sealed = self.data_key(self.key, TenancyId="acme")["CiphertextBlob"]
        self.acme.decrypt(CiphertextBlob=sealed, EncryptionContext={"TenancyId": "acme"})

    def test_alias_is_judged_by_the_key_behind_it(self):
        self.data_key("alias/stack/acme", TenancyId="acme")

    def test_other_key_is_refused(self):
        with self.refused():
            self.data_key(self.other_key, TenancyId="acme")

    def test_other_context_is_refused(self):
        with self.refused():
            self.data_key(self.key, TenancyId="globex")

    def test_missing_context_is_refused(self):
        with self.refused():
            self.data_key(self.key)


class Signing(unittest.TestCase):
    def test_only_the_allowed_algorithm(self):
        key = emulator.shared().client("kms").create_key(
            KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        sessions = emulator.shared().client("kms", emulator.shared().credentials([{
            "Effect": "Allow", "Action": "kms:Sign", "Resource": "*",
            "Condition": {"StringEquals": {"kms:SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}}}]))
        sessions.sign(KeyId=key, Message=b"claims", SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            sessions.sign(KeyId=key, Message=b"claims", SigningAlgorithm="RSASSA_PSS_SHA_256")


class KeyCreation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        tagged = {
            "StringLike": {"aws:RequestTag/TenancyId": "ten_" + "?" * 26},
            "Null": {"aws:RequestTag/TenancyId": "false"},
        }
        of_tenancy = {"StringLike": {"aws:ResourceTag/TenancyId": "ten_*"}}
        cls.provision = cls.emulator.client("kms", cls.emulator.credentials([
            {"Effect": "Allow", "Action": ["kms:CreateKey", "kms:TagResource"], "Resource": "*", "Condition": tagged},
            {"Effect": "Allow", "Action": ["kms:EnableKeyRotation", "kms:CreateAlias"],
             "Resource": "arn:aws:kms:us-east-1:000000000000:key/*", "Condition": of_tenancy},
            {"Effect": "Allow", "Action": "kms:CreateAlias",
             "Resource": "arn:aws:kms:us-east-1:000000000000:alias/stack/ten_*"},
        ]))

    def create(self, tenancy):
        tags = [{"TagKey": "TenancyId", "TagValue": tenancy}]
        return self.provision.create_key(Tags=tags)["KeyMetadata"]["KeyId"]

    def refused(self):
        return self.assertRaisesRegex(ClientError, "AccessDenied")

    def test_tagged_key_with_rotation_and_alias(self):
        key = self.create(TENANCY)
        self.provision.enable_key_rotation(KeyId=key)
        self.provision.create_alias(AliasName=f"alias/stack/{TENANCY}", TargetKeyId=key)

    def test_untagged_key_is_refused(self):
        with self.refused():
            self.provision.create_key()

    def test_wrongly_tagged_key_is_refused(self):
        with self.refused():
            self.create("acme")

    def test_alias_of_another_name_is_refused(self):
        key = self.create(TENANCY)
        with self.refused():
            self.provision.create_alias(AliasName="alias/other/ten_1", TargetKeyId=key)

    def test_alias_on_a_key_without_tag_is_refused(self):
        key = self.emulator.client("kms").create_key()["KeyMetadata"]["KeyId"]
        with self.refused():
            self.provision.create_alias(AliasName="alias/stack/ten_2", TargetKeyId=key)

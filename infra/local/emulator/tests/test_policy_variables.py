import unittest

from botocore.exceptions import ClientError

from . import emulator


class PolicyVariables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.s3 = cls.emulator.client("s3")
        cls.s3.create_bucket(Bucket="variables")
        role = cls.emulator.create_role([{
            "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::variables/${aws:PrincipalTag/TenancyId}/*",
        }])
        cls.acme = cls.emulator.client("s3", cls.emulator.assume(role, TenancyId="acme"))
        cls.untagged = cls.emulator.client("s3", cls.emulator.assume(role))

    def test_tag_chooses_the_prefix(self):
        self.acme.put_object(Bucket="variables", Key="acme/a", Body=b"a")

    def test_other_prefix_is_denied(self):
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            self.acme.put_object(Bucket="variables", Key="globex/a", Body=b"a")

    def test_session_without_the_tag_is_denied(self):
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            self.untagged.put_object(Bucket="variables", Key="/a", Body=b"a")

    def test_object_is_not_open_to_the_anonymous(self):
        self.acme.put_object(Bucket="variables", Key="acme/b", Body=b"b")
        self.assertEqual(self.emulator.request("GET", "/variables/acme/b").status, 403)

import json
import unittest

from botocore.exceptions import ClientError

from . import emulator

ANYTHING = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]


class PrincipalArn(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.writer, cls.other = cls.emulator.create_role(ANYTHING), cls.emulator.create_role(ANYTHING)
        root = cls.emulator.client("s3")
        root.create_bucket(Bucket="one-writer")
        root.put_bucket_policy(Bucket="one-writer", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::one-writer/*",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": cls.writer}}}]}))

    def put(self, role):
        self.emulator.client("s3", self.emulator.assume(role)).put_object(Bucket="one-writer", Key="a", Body=b"a")

    def test_a_session_of_the_role(self):
        self.put(self.writer)

    def test_a_session_of_another_role_is_refused(self):
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            self.put(self.other)

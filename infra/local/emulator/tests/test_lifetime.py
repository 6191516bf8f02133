import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from botocore.exceptions import ClientError

from . import emulator
from .test_malware_scan import next_verdict, protected_bucket
from .test_rest_api import api

# Two on an idle machine.
END_SECONDS = 4


class Lifetime(unittest.TestCase):
    def setUp(self):
        self.emulator = emulator.Emulator().start()
        self.addCleanup(self.emulator.remove)

    def run_a_function(self):
        """The function's process id."""
        self.emulator.create_function("echo")
        return json.loads(invoke(self.emulator, "echo")["body"])["process"]

    def assert_ended(self, function, began):
        self.emulator.process.wait(10)
        self.assertLess(time.monotonic() - began, END_SECONDS)
        with self.assertRaises(ProcessLookupError):
            os.kill(function, 0)

    def test_ends_with_its_parent_and_leaves_no_function(self):
        function = self.run_a_function()
        began = time.monotonic()
        self.emulator.process.stdin.close()
        self.assert_ended(function, began)

    def test_ends_on_sigterm(self):
        function = self.run_a_function()
        began = time.monotonic()
        self.emulator.process.send_signal(signal.SIGTERM)
        self.assert_ended(function, began)

    def test_ends_although_the_state_cannot_be_saved(self):
        function = self.run_a_function()
        code = self.emulator.folder / "state" / "lambda-blobs"
        emulator.wait_for(code.exists)
        shutil.rmtree(code)
        code.write_text("no folder")
        began = time.monotonic()
        self.emulator.process.stdin.close()
        self.assert_ended(function, began)
        self.assertIn("the state of lambda was not saved: ", self.emulator.output())
        self.assertTrue((self.emulator.folder / "state" / "sqs.json").exists())

    def test_taken_port_is_said_plainly(self):
        answer = self.run_again()
        self.assertEqual(answer.returncode, 1)
        self.assertIn(f"Port {self.emulator.port} is taken", answer.stderr)

    def test_other_version_of_ministack_is_refused(self):
        other = self.emulator.folder / "other" / "ministack-9.9.9.dist-info"
        other.mkdir(parents=True)
        (other / "METADATA").write_text("Name: ministack\nVersion: 9.9.9\n")
        answer = self.run_again(PYTHONPATH=str(other.parent))
        self.assertEqual(answer.returncode, 1)
        self.assertEqual(answer.stderr, (
            "The overlay patches ministack 1.5.33 but 9.9.9 is installed: install requirements.txt.\n"))

    def run_again(self, **environment):
        return subprocess.run(
            self.emulator.process.args, cwd=emulator.HERE.parent.parent,
            env={**self.emulator.environment(), **environment}, capture_output=True, text=True, check=False)

    def test_state_survives_a_restart(self):
        remembered = self.fill()
        self.emulator.stop()
        self.emulator.start()
        self.check(remembered)

    def test_queues_come_along_to_another_port(self):
        queue = self.emulator.client("sqs").create_queue(QueueName="queue")["QueueUrl"]
        self.emulator.create_function("worker", ANSWER='{"batchItemFailures": []}')
        self.emulator.client("lambda").create_event_source_mapping(
            FunctionName="worker", EventSourceArn=f"arn:aws:sqs:{emulator.REGION}:000000000000:queue")
        self.emulator.stop()
        self.emulator.take_port()
        self.emulator.start()

        sqs = self.emulator.client("sqs")
        sqs.send_message(QueueUrl=queue, MessageBody="work")

        emulator.wait_for(lambda: is_empty(sqs, sqs.get_queue_url(QueueName="queue")["QueueUrl"]))

    def test_kill_loses_seconds_at_most(self):
        remembered = self.fill()
        self.wait_for_snapshot()
        self.emulator.kill()
        self.emulator.start()
        self.check(remembered)

    def test_object_whose_verdict_was_lost_is_scanned_again(self):
        stack = self.emulator.deploy(protected_bucket(), Bucket={"Ref": "Bucket"}, Queue={"Ref": "Queue"})
        self.wait_for_snapshot()
        self.emulator.client("s3").put_object(Bucket=stack["Bucket"], Key="late", Body=b"bytes")
        self.emulator.kill()
        self.emulator.start()
        verdict = next_verdict(self.emulator.client("sqs"), stack["Queue"])
        self.assertEqual(verdict["detail"]["s3ObjectDetails"]["objectKey"], "late")

    def wait_for_snapshot(self):
        """A whole one: its first file is written when it begins, and again when the next one begins."""
        first = self.emulator.folder / "state" / "malware_scan.json"

        def written_after(moment):
            return first.exists() and first.stat().st_mtime > moment and first.stat().st_mtime

        asked = time.time()
        began = emulator.wait_for(lambda: written_after(asked))
        emulator.wait_for(lambda: written_after(began))

    def fill(self):
        self.emulator.create_function("rest-echo")
        self.emulator.create_function("rest-authorizer", ANSWER="authorize")
        stack = self.emulator.deploy({
            "Api": api("/open"),
            **protected_bucket(),
            "LockedBucket": {"Type": "AWS::S3::Bucket", "Properties": {
                "ObjectLockEnabled": True,
                "ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}}},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}},
        }, Api={"Ref": "Api"}, Bucket={"Ref": "Bucket"}, LockedBucket={"Ref": "LockedBucket"}, Table={"Ref": "Table"},
            Queue={"Ref": "Queue"})
        self.emulator.client("s3").put_object(Bucket=stack["LockedBucket"], Key="a", Body=b"kept")
        kms = self.emulator.client("kms")
        key = kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        sealing = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/sealing", TargetKeyId=sealing)
        sealed = kms.encrypt(KeyId=sealing, Plaintext=b"name")["CiphertextBlob"]
        self.emulator.client("s3").put_object(
            Bucket=stack["Bucket"], Key="a", Body=b"bytes", ServerSideEncryption="aws:kms", SSEKMSKeyId="alias/sealing")
        emulator.wait_for(lambda: self.emulator.client("s3").get_object_tagging(
            Bucket=stack["Bucket"], Key="a")["TagSet"])
        self.emulator.client("dynamodb").put_item(TableName=stack["Table"], Item={"pk": {"S": "1"}})
        role = self.emulator.create_role([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
                                          {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}])
        return stack, role, sealed, key, kms.get_public_key(KeyId=key)["PublicKey"]

    def check(self, remembered):
        stack, role, sealed, key, public_key = remembered
        self.assertEqual(self.emulator.call_api(stack["Api"], "GET", "/v/open").status, 200)
        reader = self.emulator.client("s3", self.emulator.assume(role))
        self.assertEqual(reader.get_object(Bucket=stack["Bucket"], Key="a")["Body"].read(), b"bytes")
        verdict = next_verdict(self.emulator.client("sqs"), stack["Queue"])
        self.assertEqual(verdict["detail"]["s3ObjectDetails"]["objectKey"], "a")
        s3, locked = self.emulator.client("s3"), stack["LockedBucket"]
        version = s3.head_object(Bucket=locked, Key="a")["VersionId"]
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            s3.delete_object(Bucket=locked, Key="a", VersionId=version)
        items = self.emulator.client("dynamodb").scan(TableName=stack["Table"])["Items"]
        self.assertEqual(items, [{"pk": {"S": "1"}}])
        kms = self.emulator.client("kms")
        self.assertEqual(kms.decrypt(CiphertextBlob=sealed)["Plaintext"], b"name")
        self.assertEqual(kms.get_public_key(KeyId=key)["PublicKey"], public_key)
        formation = self.emulator.client("cloudformation")
        status = formation.describe_stacks(StackName=stack["StackName"])["Stacks"][0]["StackStatus"]
        self.assertEqual(status, "CREATE_COMPLETE")


def is_empty(sqs, queue):
    counted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=counted)["Attributes"]
    return all(attributes[name] == "0" for name in counted)


def invoke(running, name):
    answer = running.client("lambda").invoke(FunctionName=name, Payload=b"{}")
    return json.loads(answer["Payload"].read())


"""Nothing here is the overlay's own: what the template relies on and a new ministack might change."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from . import emulator
from .test_rest_api import integration

TENANCY = "ten_01HZZZZZZZZZZZZZZZZZZZZZZZ"
ANYTHING = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]


class Ministack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()

    def test_fifty_requests_at_once(self):
        self.emulator.create_function("crowd")
        api = self.emulator.deploy({"Api": {"Type": "AWS::Serverless::Api", "Properties": {
            "StageName": "v", "DefinitionBody": {
                "openapi": "3.0.1", "info": {"title": "crowd", "version": "1"},
                "paths": {"/": {"get": integration("crowd")}}},
        }}}, Api={"Ref": "Api"})["Api"]
        with ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda _: self.emulator.call_api(api, "GET", "/v/").status, range(200)))
        self.assertEqual(set(answers), {200})

    def test_worker_assumes_a_role_with_one_tag_key(self):
        worker = self.emulator.create_role([
            {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}])
        data = self.emulator.create_role(ANYTHING, trust=[{
            "Effect": "Allow", "Principal": {"AWS": worker}, "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "StringLike": {"aws:RequestTag/TenancyId": "ten_" + "?" * 26},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["TenancyId"]},
            },
        }])
        sts = self.emulator.client("sts", self.emulator.assume(worker))

        def assume(**tags):
            return sts.assume_role(RoleArn=data, RoleSessionName="worker", Tags=[
                {"Key": key, "Value": value} for key, value in tags.items()])

        assume(TenancyId=TENANCY)
        for tags in ({}, {"TenancyId": "acme"}, {"TenancyId": TENANCY, "Role": "owner"}):
            with self.assertRaisesRegex(ClientError, "AccessDenied"):
                assume(**tags)

    def test_queue_message_fails_alone_and_ends_with_the_dead_letters(self):
        sqs = self.emulator.client("sqs")
        role = self.emulator.create_role([{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}])
        self.emulator.create_function("poisoned", role, ANSWER="fail each message")
        stack = self.emulator.deploy({
            "Dead": {"Type": "AWS::SQS::Queue"},
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {
                "VisibilityTimeout": 1,
                "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": "Dead.Arn"}, "maxReceiveCount": 2}}},
            "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {
                "FunctionName": "poisoned", "EventSourceArn": {"Fn::GetAtt": "Queue.Arn"}, "BatchSize": 1,
                "FunctionResponseTypes": ["ReportBatchItemFailures"]}},
        }, Queue={"Ref": "Queue"}, Dead={"Ref": "Dead"})
        sqs.send_message(QueueUrl=stack["Queue"], MessageBody="poison")
        messages = emulator.wait_for(lambda: sqs.receive_message(
            QueueUrl=stack["Dead"], WaitTimeSeconds=1).get("Messages"), 30)
        self.assertEqual(messages[0]["Body"], "poison")

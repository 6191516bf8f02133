import unittest
from datetime import datetime, timezone

from botocore.exceptions import ClientError

from . import emulator


class Provisioners(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.stack = cls.emulator.deploy({
            "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
                "Action": "kms:*", "Resource": "*"}]}}},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Ref": "Key"}},
                "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            }},
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {
                "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {
                    "SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": "Key.Arn"}}}]},
                "LifecycleConfiguration": {"Rules": [{
                    "Id": "old", "Status": "Enabled", "ExpirationInDays": 30,
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                }]},
            }},
            "LockedBucket": {"Type": "AWS::S3::Bucket", "Properties": {
                "ObjectLockEnabled": True,
                "ObjectLockConfiguration": {
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 400}},
                },
            }},
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}},
        }, **{name: {"Ref": name} for name in ("Key", "Table", "Bucket", "LockedBucket", "Topic")})

    def test_table_has_key_expiry_and_recovery(self):
        dynamodb, table = self.emulator.client("dynamodb"), self.stack["Table"]
        self.assertTrue(dynamodb.describe_table(TableName=table)["Table"]["SSEDescription"]["KMSMasterKeyArn"].endswith(
            self.stack["Key"]))
        self.assertEqual(dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"], {
            "TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"})
        backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        self.assertEqual(backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"], "ENABLED")

    def test_bucket_has_key_and_lifecycle(self):
        s3, bucket = self.emulator.client("s3"), self.stack["Bucket"]
        self.assertTrue(s3.put_object(Bucket=bucket, Key="a", Body=b"a")["SSEKMSKeyId"].endswith(self.stack["Key"]))
        rule = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"][0]
        self.assertEqual(rule["AbortIncompleteMultipartUpload"], {"DaysAfterInitiation": 7})
        self.assertEqual(rule["Expiration"], {"Days": 30})

    def test_locked_bucket_locks_every_version(self):
        s3, bucket = self.emulator.client("s3"), self.stack["LockedBucket"]
        lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
        self.assertEqual(lock["Rule"]["DefaultRetention"], {"Mode": "GOVERNANCE", "Days": 400})
        version = s3.put_object(Bucket=bucket, Key="a", Body=b"a")["VersionId"]
        retention = s3.get_object_retention(Bucket=bucket, Key="a", VersionId=version)["Retention"]
        days = (retention["RetainUntilDate"] - datetime.now(timezone.utc)).total_seconds() / 86400
        self.assertAlmostEqual(days, 400, delta=0.1)
        with self.assertRaisesRegex(ClientError, "AccessDenied"):
            s3.delete_object(Bucket=bucket, Key="a", VersionId=version)

    def test_topic_has_its_key(self):
        attributes = self.emulator.client("sns").get_topic_attributes(TopicArn=self.stack["Topic"])["Attributes"]
        self.assertEqual(attributes["KmsMasterKeyId"], self.stack["Key"])

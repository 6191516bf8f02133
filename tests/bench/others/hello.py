"""The smallest function in Python that holds clients for DynamoDB, S3 and KMS."""

import boto3

clients = [boto3.client(name) for name in ("dynamodb", "s3", "kms")]


def handler(event, context):
    return {"statusCode": 200, "body": "hello"}

"""CloudFormation properties that ministack's provisioners drop, and AWS::IAM::OIDCProvider, which it does not know."""

import copy
import time

from ministack.core.responses import get_account_id
from ministack.services import dynamodb, iam, s3, sns
from ministack.services.cloudformation import provisioners

from .patching import after_provisioning


@after_provisioning("AWS::DynamoDB::Table")
def table(name, properties):
    """Encryption, expiry and point-in-time recovery."""
    encryption = properties.get("SSESpecification")
    if encryption:
        specification = {**encryption, "Enabled": is_true(encryption.get("SSEEnabled"))}
        dynamodb._tables[name]["SSEDescription"] = dynamodb._sse_description_from_spec(specification)
    expiry = properties.get("TimeToLiveSpecification")
    if expiry:
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": {
            "AttributeName": expiry["AttributeName"], "Enabled": is_true(expiry["Enabled"])}})
    recovery = properties.get("PointInTimeRecoverySpecification")
    if recovery:
        dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": is_true(recovery.get("PointInTimeRecoveryEnabled"))}})


# ministack forgets at a restart until when a version is locked.
s3._PERSISTED_BUCKET_DICTS["object_retention"] = s3._object_retention


@after_provisioning("AWS::S3::Bucket")
def bucket(name, properties):
    """Default encryption, lifecycle, and Object Lock with its default retention."""
    encryption = properties.get("BucketEncryption")
    if encryption:
        rules = [
            {
                "ApplyServerSideEncryptionByDefault": rule.get("ServerSideEncryptionByDefault", {}),
                "BucketKeyEnabled": rule.get("BucketKeyEnabled", False),
            }
            for rule in encryption["ServerSideEncryptionConfiguration"]
        ]
        s3._put_bucket_encryption(name, xml("ServerSideEncryptionConfiguration", {"Rule": rules}).encode())
    lifecycle = properties.get("LifecycleConfiguration")
    if lifecycle:
        rules = [lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        s3._put_bucket_lifecycle(name, xml("LifecycleConfiguration", {"Rule": rules}).encode())
    if is_true(properties.get("ObjectLockEnabled")):
        s3._bucket_versioning[name] = "Enabled"
        lock = {"ObjectLockEnabled": "Enabled", **(properties.get("ObjectLockConfiguration") or {})}
        s3._put_object_lock_configuration(name, xml("ObjectLockConfiguration", lock).encode())


@after_provisioning("AWS::SNS::Topic")
def topic(arn, properties):
    """The topic's key."""
    if "KmsMasterKeyId" in properties:
        sns._topics[arn]["attributes"]["KmsMasterKeyId"] = properties["KmsMasterKeyId"]


def create_oidc_provider(logical_id, properties, stack_name):
    url = properties["Url"]
    arn = f"arn:aws:iam::{get_account_id()}:oidc-provider/{url.split('://')[-1].rstrip('/')}"
    iam._oidc_providers[arn] = {
        "Url": url,
        "ClientIDList": list(properties.get("ClientIdList") or []),
        "ThumbprintList": list(properties.get("ThumbprintList") or []),
        "Arn": arn,
        "CreateDate": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Tags": copy.deepcopy(properties.get("Tags") or []),
    }
    return arn, {"Arn": arn}


def update_oidc_provider(arn, old_properties, properties, stack_name):
    new_arn, attributes = create_oidc_provider("", properties, stack_name)
    if new_arn != arn:
        delete_oidc_provider(arn, old_properties)
    return new_arn, attributes


def delete_oidc_provider(arn, properties):
    iam._oidc_providers.pop(arn, None)


provisioners._RESOURCE_HANDLERS["AWS::IAM::OIDCProvider"] = {
    "create": create_oidc_provider,
    "update": update_oidc_provider,
    "delete": delete_oidc_provider,
}


def lifecycle_rule(rule):
    """CloudFormation's rule as the S3 API's."""
    answer = {
        "ID": rule.get("Id", "rule"),
        "Filter": {"Prefix": rule.get("Prefix", "")},
        "Status": rule["Status"],
    }
    if "ExpirationInDays" in rule:
        answer["Expiration"] = {"Days": rule["ExpirationInDays"]}
    elif is_true(rule.get("ExpiredObjectDeleteMarker")):
        answer["Expiration"] = {"ExpiredObjectDeleteMarker": True}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            answer[name] = rule[name]
    return answer


def xml(tag, content):
    if isinstance(content, list):
        return "".join(xml(tag, each) for each in content)
    if isinstance(content, dict):
        content = "".join(xml(name, each) for name, each in content.items())
    elif isinstance(content, bool):
        content = str(content).lower()
    return f"<{tag}>{content}</{tag}>"


def is_true(value):
    """A template boolean, which YAML may carry as text."""
    return str(value).lower() == "true"

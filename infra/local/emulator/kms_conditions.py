"""What AWS KMS judges a request by and ministack does not: the key behind an alias, its tags, the encryption context.

Condition keys: `kms:ResourceTag/…`, `aws:ResourceTag/…`, `kms:RequestAlias`, `kms:EncryptionContext:…`,
`kms:EncryptionContextKeys`, `kms:SigningAlgorithm`, `kms:CallerAccount`. An alias call needs the permission on the
alias and on its key; CreateKey with tags needs kms:TagResource too.
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
"""

import contextvars
import json

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import kms

from .patching import around

ALIAS_ACTIONS = ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")
request = contextvars.ContextVar("kms_request", default={})


@around(iam_actions, "request_tag_context")
def request_tag_context(original, service, action, body, parameters):
    """Asked once of every request that ministack authorises: keep a KMS request's body for `enforce`."""
    try:
        request.set(json.loads(body or b"{}") if service == "kms" else {})
    except ValueError:
        request.set({})
    return original(service, action, body, parameters)


@around(iam_evaluator, "enforce")
def enforce(original, access_key, action, service, region, resource_arn="*", service_context=None):
    if service != "kms":
        return original(access_key, action, service, region,
                        resource_arn=resource_arn, service_context=service_context)

    body = request.get()
    if action in ALIAS_ACTIONS:
        alias_arn = f"arn:aws:kms:{region}:{get_account_id()}:{body.get('AliasName', '')}"
        checks = [(action, alias_arn)] + [
            (action, key_arn(key)) for key in (body.get("TargetKeyId"), body.get("AliasName")) if key_arn(key)
        ]
    elif action == "kms:CreateKey" and body.get("Tags"):
        checks = [(action, resource_arn), ("kms:TagResource", resource_arn)]
    else:
        checks = [(action, key_arn(resource_arn) or resource_arn)]

    for checked_action, checked_arn in checks:
        context = {**key_context(checked_arn, body), **(service_context or {})}
        denied = original(access_key, checked_action, service, region,
                          resource_arn=checked_arn, service_context=context)
        if denied:
            return denied
    return None


def key_arn(key_id):
    """The ARN of the key that a key id, key ARN, alias or alias ARN names, or None."""
    key = kms._resolve_key(key_id)
    return key["Arn"] if key else None


def key_context(resource_arn, body):
    context = {"kms:CallerAccount": get_account_id()}
    if "SigningAlgorithm" in body:
        context["kms:SigningAlgorithm"] = body["SigningAlgorithm"]
    _, alias, name = str(body.get("KeyId", "")).partition("alias/")
    if alias:
        context["kms:RequestAlias"] = alias + name

    key = kms._resolve_key(resource_arn) or {}
    for tag in key.get("Tags") or []:
        name = tag.get("TagKey", tag.get("Key"))
        value = tag.get("TagValue", tag.get("Value"))
        context[f"kms:ResourceTag/{name}"] = context[f"aws:ResourceTag/{name}"] = value

    encryption_context = body.get("EncryptionContext") or {}
    if encryption_context:
        context["kms:EncryptionContextKeys"] = list(encryption_context)
    for name, value in encryption_context.items():
        context[f"kms:EncryptionContext:{name}"] = value
    return context

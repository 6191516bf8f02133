"""What SES judges a mail by and ministack does not: the address that it comes from, and the identity that vouches for it.

Condition key: `ses:FromAddress`. The identity is taken to be the address's domain.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsimpleemailservicev2.html
"""

import contextvars
import json
from email.utils import parseaddr

from ministack.core import iam_actions, iam_evaluator

from .patching import around

sender = contextvars.ContextVar("mail_sender", default="")


@around(iam_actions, "extract_resource_arn")
def extract_resource_arn(original, service, method, path, headers, body, *rest):
    """Asked once of every request that ministack authorises: keep who a mail comes from for `enforce`."""
    sender.set("")
    if service == "ses" and path.rstrip("/").endswith("/outbound-emails"):
        sender.set(parseaddr(json.loads(body or b"{}").get("FromEmailAddress", ""))[1])
        *_, region, account = rest
        return f"arn:aws:ses:{region}:{account}:identity/{sender.get().rpartition('@')[2]}"
    return original(service, method, path, headers, body, *rest)


@around(iam_evaluator, "enforce")
def enforce(original, access_key, action, service, region, resource_arn="*", service_context=None):
    if action == "ses:SendEmail" and sender.get():
        service_context = {**(service_context or {}), "ses:FromAddress": sender.get()}
    return original(access_key, action, service, region, resource_arn=resource_arn, service_context=service_context)

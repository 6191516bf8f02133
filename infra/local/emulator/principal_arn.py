"""`aws:PrincipalArn` of a session is the ARN of its role, where ministack gives the session's.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
"""

import re

from ministack.core import iam_evaluator

from .patching import around

SESSION = re.compile(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.+")


@around(iam_evaluator, "_resolve_condition_key")
def resolve_condition_key(original, key, context):
    value = original(key, context)
    if key.lower() == "aws:principalarn" and isinstance(value, str):
        return SESSION.sub(r"arn:aws:iam::\1:role/\2", value)
    return value

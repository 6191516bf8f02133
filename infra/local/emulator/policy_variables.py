"""IAM policy variables: `${aws:PrincipalTag/TenancyId}` in resources and conditions, which ministack takes literally.

Trust policies stay without variables: ministack judges them elsewhere and the template has none there.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from dataclasses import replace

from ministack.core import iam_evaluator

from .patching import around

VARIABLE = re.compile(r"\$\{([^}]+)\}")
NOTHING = "arn:aws:nothing:::this-statement-matches-no-resource"


@around(iam_evaluator, "_first_match")
def first_match(original, context, statements, effect):
    """Every decision of the evaluator goes through this one function."""
    for statement in statements:
        if statement.effect != effect:
            continue
        expanded = expand_statement(statement, context)
        if original(context, [expanded], effect):
            return statement
    return None


def expand_statement(statement, context):
    if "${" not in str((statement.resources, statement.not_resources, statement.conditions)):
        return statement
    resources = expand_values(statement.resources, context)
    return replace(
        statement,
        resources=resources or ([NOTHING] if statement.resources else []),
        not_resources=expand_values(statement.not_resources, context),
        conditions={
            operator: {key: expand_values(as_list(values), context) for key, values in block.items()}
            for operator, block in statement.conditions.items()
        },
    )


def expand_values(values, context):
    """A value with a variable that the request does not carry matches nothing, so it is left out."""
    expanded = (expand(value, context) if isinstance(value, str) else value for value in values)
    return [value for value in expanded if value is not None]


def expand(text, context):
    unknown = []

    def value_of(match):
        name, _, default = match.group(1).partition(",")
        if name in ("*", "?", "$"):
            return name
        value = iam_evaluator._resolve_condition_key(name.strip(), context)
        if value is None and default:
            value = default.strip().strip("'")
        if value is None or isinstance(value, list):
            unknown.append(name)
        return str(value)

    result = VARIABLE.sub(value_of, text)
    return None if unknown else result


def as_list(values):
    return values if isinstance(values, list) else [values]

"""`dynamodb:LeadingKeys`: the partition key values that a DynamoDB request names, judged table by table.

A Query on a global secondary index leads with the index's partition key; each item of a transaction is judged alone,
each table of a batch with its own keys. A Scan names no key, so `"Null": {"dynamodb:LeadingKeys": "false"}` refuses it.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

import contextvars
import json
import re

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

from .patching import around

EQUALITY = re.compile(r"([#\w.\-]+)\s*=\s*(:\w+)")
request = contextvars.ContextVar("dynamodb_request", default={})


class ItemTable(str):
    """The table ARN of one item of a transaction, with that item's leading keys."""

    leading_keys = ()


@around(iam_actions, "dynamodb_service_context")
def dynamodb_service_context(original, body):
    """The first thing ministack asks of a DynamoDB request when it authorises it: keep the request."""
    request.set(parse(body))
    return original(body)


@around(iam_actions, "dynamodb_transaction_checks")
def dynamodb_transaction_checks(original, action, body, region, account):
    """ministack judges every item of a transaction in one context; each has leading keys of its own."""
    if not original(action, body, region, account):
        return []
    checks = []
    for item in parse(body)["TransactItems"]:
        for member, detail in item.items():
            for item_action, table in original(
                action, json.dumps({"TransactItems": [{member: detail}]}).encode(), region, account
            ):
                table = ItemTable(table)
                table.leading_keys = keys_of(table, [detail.get("Key") or detail.get("Item")])
                checks.append((item_action, table))
    return checks


@around(iam_evaluator, "enforce")
def enforce(original, access_key, action, service, region, resource_arn="*", service_context=None):
    if service == "dynamodb":
        keys = getattr(resource_arn, "leading_keys", None)
        if keys is None:
            keys = leading_keys(resource_arn, request.get())
        if keys:
            service_context = {**(service_context or {}), "dynamodb:LeadingKeys": keys}
    return original(access_key, action, service, region, resource_arn=resource_arn, service_context=service_context)


def leading_keys(table_arn, data):
    """The partition key values that a single-table or batch request names on this table."""
    keys = keys_of(table_arn, [data.get("Key"), data.get("Item")])
    keys += keys_of_condition(table_arn, data)
    for name, work in (data.get("RequestItems") or {}).items():
        if table_name(name) != table_name(table_arn):
            continue
        if isinstance(work, dict):
            keys += keys_of(table_arn, work.get("Keys") or [])
        else:
            keys += keys_of(table_arn, [
                (each.get("PutRequest") or {}).get("Item") or (each.get("DeleteRequest") or {}).get("Key")
                for each in work
            ])
    return keys


def keys_of(table_arn, items):
    name = partition_key(table_arn)
    return [value(item[name]) for item in items if isinstance(item, dict) and name in item]


def keys_of_condition(table_arn, data):
    names = data.get("ExpressionAttributeNames") or {}
    values = data.get("ExpressionAttributeValues") or {}
    partition = partition_key(table_arn)
    return [
        value(values[placeholder])
        for name, placeholder in EQUALITY.findall(data.get("KeyConditionExpression") or "")
        if names.get(name, name) == partition and placeholder in values
    ]


def partition_key(table_arn):
    """The partition key's attribute name of a table, or of the index that the ARN names."""
    table = dynamodb._tables.get(table_name(table_arn)) or {}
    _, _, index = table_arn.partition("/index/")
    if not index:
        return table.get("pk_name")
    indexes = (table.get("GlobalSecondaryIndexes") or []) + (table.get("LocalSecondaryIndexes") or [])
    schema = next((each["KeySchema"] for each in indexes if each["IndexName"] == index), [])
    return next((key["AttributeName"] for key in schema if key["KeyType"] == "HASH"), None)


def table_name(name_or_arn):
    return name_or_arn.split(":table/")[-1].split("/")[0]


def value(attribute):
    """`{"S": "text"}` → `text`."""
    return next(iter(attribute.values()), None) if isinstance(attribute, dict) else None


def parse(body):
    try:
        data = json.loads(body or b"{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}

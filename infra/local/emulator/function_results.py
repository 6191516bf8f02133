"""What a function's result means to its caller: over 6 MB it failed, and what failed is no response.

ministack has no limit, and its APIs answer a failed function's error to the client; API Gateway hides it behind 502
(REST API, through its gateway responses) or 500 (HTTP API). Why is in the function's log alone.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json

from ministack.core import lambda_runtime
from ministack.services import apigateway, apigateway_v1, lambda_svc

from .patching import around

RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024 + 100
# What Lambda itself finds out. A function's own error is in its log already.
FOUND_BY_LAMBDA = ("Function.ResponseSizeTooLarge", "Runtime.ExitError", "Sandbox.Timedout")


class FunctionFailed(Exception):
    """The integration's function raised, timed out or answered too much."""


@around(lambda_runtime.ProvidedWorker, "invoke")
def invoke(original, environment, event, request_id, **context):
    answer = original(environment, event, request_id, **context)
    if answer["status"] == "ok" and size(answer["result"]) > RESPONSE_LIMIT_BYTES:
        message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
        answer = {**answer, "status": "error", "error": message, "result": None, "error_payload": {
            "errorMessage": message, "errorType": "Function.ResponseSizeTooLarge"}}
    error = answer.get("error_payload")
    if isinstance(error, dict) and error.get("errorType") in FOUND_BY_LAMBDA:
        return {**answer, "log": f"{answer.get('log') or ''}\n{request_id} {error['errorMessage']}".strip()}
    return answer


def size(result):
    return len(json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode())


@around(lambda_svc, "lambda_execute_result_to_api_proxy_response")
def to_response(original, result):
    """Where both kinds of API turn a function's result into a response."""
    if result.get("error"):
        raise FunctionFailed
    return original(result)


@around(apigateway, "_invoke_lambda_proxy")
async def invoke_from_http_api(original, *arguments, **keywords):
    try:
        return await original(*arguments, **keywords)
    except FunctionFailed:
        return 500, {"Content-Type": "application/json"}, b'{"message":"Internal Server Error"}'


@around(apigateway_v1, "_execute_in_scope")
async def execute_rest_api(original, request, *arguments):
    try:
        return await original(request, *arguments)
    except FunctionFailed:
        error = apigateway_v1._gw_error("DEFAULT_5XX", "Internal server error")
        _, headers, body = apigateway_v1._gateway_error_response(error, request)
        return 502, headers, body

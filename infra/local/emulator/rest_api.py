"""REST APIs (v1): the parts of an OpenAPI body that ministack's import leaves out, an update in place, the size limit.

Left out are `x-amazon-apigateway-any-method`, `…-gateway-responses` and `…-binary-media-types`.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
"""

from ministack.services import apigateway_v1
from ministack.services.cloudformation import provisioners

from .patching import around

ANY_METHOD = "x-amazon-apigateway-any-method"
# API Gateway takes 10 MB, but a Lambda function, behind every integration here, 6 MB.
BODY_LIMIT_BYTES = 6 * 1024 * 1024


@around(apigateway_v1, "_import_rest_api")
def import_rest_api(original, body, data=None):
    api_id = original(body, data)
    import_extensions(api_id, body)
    return api_id


@around(apigateway_v1, "_import_path_item")
def import_path_item(original, api_id, path, item, *schemes):
    if ANY_METHOD in item:
        methods = ("get", "put", "post", "delete", "patch", "head")
        item = {**dict.fromkeys(methods, item[ANY_METHOD]), **item}
    return original(api_id, path, item, *schemes)


@around(provisioners, "_apigw_rest_api_update")
def update_rest_api(original, api_id, old_properties, properties, stack_name, logical_id=None):
    """A changed body keeps the API's id, and so its URL, as on AWS; ministack makes a new API."""
    body = properties.get("Body")
    if isinstance(body, dict) and body != old_properties.get("Body"):
        resources = apigateway_v1._resources[api_id]
        root = next(resource for resource in resources.values() if resource["path"] == "/")
        root["resourceMethods"] = {}
        apigateway_v1._resources[api_id] = {root["id"]: root}
        apigateway_v1._authorizers_v1[api_id] = {}
        schemes = apigateway_v1._import_security_schemes(api_id, body)
        for path, item in (body.get("paths") or {}).items():
            apigateway_v1._import_path_item(api_id, path, item, schemes, body.get("security"))
        import_extensions(api_id, body)
        old_properties = {**old_properties, "Body": body}
    return original(api_id, old_properties, properties, stack_name, logical_id)


provisioners._RESOURCE_HANDLERS["AWS::ApiGateway::RestApi"]["update"] = provisioners._apigw_rest_api_update


def import_extensions(api_id, body):
    apigateway_v1._gateway_responses[api_id] = {}
    for response_type, response in (body.get("x-amazon-apigateway-gateway-responses") or {}).items():
        apigateway_v1._put_gateway_response(api_id, response_type, response)
    if body.get("x-amazon-apigateway-binary-media-types"):
        apigateway_v1._rest_apis[api_id]["binaryMediaTypes"] = body["x-amazon-apigateway-binary-media-types"]


@around(apigateway_v1, "_execute_in_scope")
async def execute(original, request, api_id, stage_name, method, path, headers, body, *owner):
    stage = apigateway_v1._stages_v1.get(api_id, {}).get(stage_name)
    if stage and len(body or b"") > BODY_LIMIT_BYTES:
        request["stage"] = stage
        return apigateway_v1._gw_error("REQUEST_TOO_LARGE", "Request Too Long")
    return await original(request, api_id, stage_name, method, path, headers, body, *owner)

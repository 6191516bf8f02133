"""HTTP APIs (v2) from an OpenAPI body: routes, integrations, authorizers, CORS. ministack's provisioner drops the body.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-open-api.html
"""

import json

from ministack.services import apigateway

from .patching import after_provisioning

METHODS = {name: name.upper() for name in ("get", "put", "post", "delete", "patch", "head", "options")}
METHODS["x-amazon-apigateway-any-method"] = "ANY"


@after_provisioning("AWS::ApiGatewayV2::Api")
def import_body(api_id, properties):
    body = properties.get("Body")
    if not isinstance(body, dict):
        return
    for kept in (apigateway._routes, apigateway._integrations, apigateway._authorizers):
        kept[api_id] = {}
    api = apigateway._apis[api_id]
    api["name"] = (body.get("info") or {}).get("title") or api.get("name")
    if body.get("x-amazon-apigateway-cors"):
        api["corsConfiguration"] = body["x-amazon-apigateway-cors"]

    schemes = (body.get("components") or {}).get("securitySchemes") or {}
    authorizers = {
        name: create_authorizer(api_id, name, scheme["x-amazon-apigateway-authorizer"])
        for name, scheme in schemes.items()
        if "x-amazon-apigateway-authorizer" in scheme
    }
    for path, operations in (body.get("paths") or {}).items():
        for method, operation in operations.items():
            if method.lower() in METHODS:
                security = operation.get("security", body.get("security")) or []
                create_route(api_id, METHODS[method.lower()], path, operation, security, authorizers)


def create_authorizer(api_id, name, extension):
    sources = extension.get("identitySource") or []
    created = apigateway._create_authorizer(api_id, {
        "name": name,
        "authorizerType": "JWT" if extension.get("type") == "jwt" else "REQUEST",
        "identitySource": [each.strip() for each in sources.split(",")] if isinstance(sources, str) else sources,
        "jwtConfiguration": extension.get("jwtConfiguration") or {},
        "authorizerUri": extension.get("authorizerUri", ""),
        "authorizerPayloadFormatVersion": str(extension.get("authorizerPayloadFormatVersion", "2.0")),
        "enableSimpleResponses": bool(extension.get("enableSimpleResponses")),
        "authorizerResultTtlInSeconds": extension.get("authorizerResultTtlInSeconds", 300),
    })
    return json.loads(created[2])


def create_route(api_id, method, path, operation, security, authorizers):
    integration = operation.get("x-amazon-apigateway-integration") or {}
    created = apigateway._create_integration(api_id, {
        "integrationType": (integration.get("type") or "aws_proxy").upper(),
        "integrationUri": integration.get("uri", ""),
        "integrationMethod": integration.get("httpMethod", "POST"),
        "payloadFormatVersion": str(integration.get("payloadFormatVersion", "2.0")),
    })
    route = {
        "routeKey": "$default" if path == "/$default" else f"{method} {path}",
        "target": f"integrations/{json.loads(created[2])['integrationId']}",
    }
    for name, scopes in ((name, scopes) for each in security for name, scopes in each.items() if name in authorizers):
        jwt = authorizers[name]["authorizerType"] == "JWT"
        route |= {
            "authorizerId": authorizers[name]["authorizerId"],
            "authorizationType": "JWT" if jwt else "CUSTOM",
            "authorizationScopes": scopes,
        }
    apigateway._create_route(api_id, route)

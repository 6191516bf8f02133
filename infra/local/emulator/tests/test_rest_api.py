import json
import unittest

from . import emulator

PROBLEM = (
    '{"code":"$context.error.responseType","detail":$context.error.messageString,"request_id":"$context.requestId"}')


class RestApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.emulator.create_function("rest-echo")
        cls.emulator.create_function("rest-authorizer", ANSWER="authorize")
        cls.emulator.create_function("rest-broken", ANSWER="not json")
        cls.stack = cls.emulator.deploy({"Api": api("/open")}, Api={"Ref": "Api"})

    def call(self, method, path, body=None, **headers):
        return self.emulator.call_api(self.stack["Api"], method, "/v" + path, body, headers)

    def problem(self, answer):
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        problem = json.loads(answer.body)
        self.assertTrue(problem.pop("request_id"))
        return answer.status, problem

    def test_open_route(self):
        answer = self.call("GET", "/open")
        self.assertEqual((answer.status, json.loads(answer.body)["path"]), (200, "/open"))

    def test_authorizers_context_reaches_the_function(self):
        event = json.loads(self.call("POST", "/guarded/7", b"{}", authorization="yes").body)
        self.assertEqual(event["requestContext"]["authorizer"]["tenancy_id"], "ten_1")
        self.assertEqual(event["pathParameters"], {"id": "7"})
        self.assertEqual(event["resource"], "/guarded/{id}")

    def test_without_token(self):
        self.assertEqual(self.problem(self.call("POST", "/guarded/7")), (
            401, {"code": "UNAUTHORIZED", "detail": "Unauthorized"}))

    def test_with_refused_token(self):
        status, problem = self.problem(self.call("POST", "/guarded/7", authorization="no"))
        self.assertEqual((status, problem["code"]), (403, "ACCESS_DENIED"))

    def test_unknown_path(self):
        status, problem = self.problem(self.call("GET", "/nowhere"))
        self.assertEqual((status, problem["code"]), (404, "MISSING_AUTHENTICATION_TOKEN"))

    def test_unknown_method(self):
        self.assertEqual(self.problem(self.call("DELETE", "/open"))[0], 404)

    def test_body_over_six_megabytes(self):
        status, problem = self.problem(self.call("POST", "/guarded/7", bytes(6 * 1024 * 1024 + 1), authorization="yes"))
        self.assertEqual((status, problem["code"]), (413, "REQUEST_TOO_LARGE"))

    def test_function_that_fails(self):
        status, problem = self.problem(self.call("GET", "/broken"))
        self.assertEqual((status, problem["code"]), (502, "DEFAULT_5XX"))

    def test_token_authorizer(self):
        event = json.loads(self.call("GET", "/token", authorization="yes").body)
        self.assertEqual(event["requestContext"]["authorizer"]["principalId"], "who")
        self.assertEqual(self.call("GET", "/token", authorization="no").status, 403)

    def test_any_method(self):
        self.assertEqual(self.call("PATCH", "/any", b"{}").status, 200)

    def test_update_keeps_the_id(self):
        stack = self.emulator.deploy({"Api": api("/before")}, Api={"Ref": "Api"})
        updated = self.emulator.update(stack["StackName"], {"Api": api("/after")}, Api={"Ref": "Api"})
        self.assertEqual(updated["Api"], stack["Api"])
        self.assertEqual(self.emulator.call_api(stack["Api"], "GET", "/v/after").status, 200)
        self.assertEqual(self.emulator.call_api(stack["Api"], "GET", "/v/before").status, 404)


def api(open_path):
    return {"Type": "AWS::Serverless::Api", "Properties": {
        "StageName": "v",
        "DefinitionBody": {
            "openapi": "3.0.1",
            "info": {"title": "test", "version": "1"},
            "paths": {
                open_path: {"get": integration("rest-echo")},
                "/broken": {"get": integration("rest-broken")},
                "/any": {"x-amazon-apigateway-any-method": integration("rest-echo")},
                "/guarded/{id}": {"post": {**integration("rest-echo"), "security": [{"Request": []}]}},
                "/token": {"get": {**integration("rest-echo"), "security": [{"Token": []}]}},
            },
            "components": {"securitySchemes": {"Request": authorizer("request"), "Token": authorizer("token")}},
        },
        "GatewayResponses": {
            name: {
                "ResponseTemplates": {"application/json": PROBLEM},
                "ResponseParameters": {"Headers": {"Content-Type": "'application/problem+json'"}},
                **({"StatusCode": 404} if name == "MISSING_AUTHENTICATION_TOKEN" else {}),
            }
            for name in ("DEFAULT_4XX", "DEFAULT_5XX", "MISSING_AUTHENTICATION_TOKEN")
        },
    }}


def authorizer(kind):
    return {
        "type": "apiKey", "name": "Authorization", "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": {
            "type": kind, "authorizerUri": function_uri("rest-authorizer"),
            "identitySource": "method.request.header.Authorization", "authorizerResultTtlInSeconds": 60,
        },
    }


def integration(function):
    return {"x-amazon-apigateway-integration": {
        "type": "aws_proxy", "httpMethod": "POST", "uri": function_uri(function)}}


def function_uri(name):
    return {"Fn::Sub": (
        "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/"
        f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{name}/invocations")}

import base64
import gzip
import json
import unittest

from . import emulator
from .test_rest_api import function_uri

FEED = gzip.compress(b"<rss/>")


class HttpApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.emulator.create_function("http-echo")
        cls.emulator.create_function("http-feed", ANSWER=json.dumps({
            "statusCode": 200, "isBase64Encoded": True, "body": base64.b64encode(FEED).decode(),
            "headers": {
                "content-type": "application/rss+xml", "content-encoding": "gzip", "etag": '"v1"',
                "link": "<a>; rel=self, <b>; rel=hub",
            },
        }))
        cls.emulator.create_function("http-unchanged", ANSWER=json.dumps({
            "statusCode": 304, "headers": {"etag": '"v1"'}}))
        cls.emulator.create_function("http-head", ANSWER=json.dumps({
            "statusCode": 200, "headers": {"content-length": "6", "etag": '"v1"'}}))
        cls.stack = cls.emulator.deploy(api({
            "/feeds/{file}": {"get": integration("http-feed"), "head": integration("http-head")},
            "/unchanged": {"get": integration("http-unchanged")},
            "/p/{token}/media/{episode}/{file}": {"get": integration("http-echo")},
        }), Api={"Ref": "Api"})

    def call(self, method, path, **headers):
        return self.emulator.call_api(self.stack["Api"], method, path, headers=headers)

    def test_bytes_arrive_as_the_function_made_them(self):
        answer = self.call("GET", "/feeds/acme.xml")
        self.assertEqual((answer.status, answer.body, answer.headers["content-encoding"]), (200, FEED, "gzip"))
        self.assertEqual(answer.headers["etag"], '"v1"')
        self.assertEqual(answer.headers["link"], "<a>; rel=self, <b>; rel=hub")

    def test_head_keeps_the_functions_length(self):
        answer = self.call("HEAD", "/feeds/acme.xml")
        self.assertEqual((answer.status, answer.body, answer.headers.get_all("content-length")), (200, b"", ["6"]))

    def test_not_modified_has_no_body(self):
        answer = self.call("GET", "/unchanged")
        self.assertEqual((answer.status, answer.body, answer.headers["etag"]), (304, b"", '"v1"'))

    def test_event_of_a_request(self):
        answer = self.call("GET", "/p/secret/media/epi_1/a.mp3?x=1", range="bytes=0-0")
        event = json.loads(answer.body)
        self.assertEqual(event["version"], "2.0")
        self.assertEqual(event["routeKey"], "GET /p/{token}/media/{episode}/{file}")
        self.assertEqual(event["rawPath"], "/p/secret/media/epi_1/a.mp3")
        self.assertEqual(event["pathParameters"], {"token": "secret", "episode": "epi_1", "file": "a.mp3"})
        self.assertEqual(event["headers"]["range"], "bytes=0-0")

    def test_response_over_six_megabytes_fails(self):
        self.emulator.create_function("http-large", ANSWER="large")
        stack = self.emulator.deploy(api({"/large": {"get": integration("http-large")}}), Api={"Ref": "Api"})
        self.assertEqual(self.emulator.call_api(stack["Api"], "GET", "/large").status, 500)

    def test_update_keeps_the_id(self):
        stack = self.emulator.deploy(api({"/before": {"get": integration("http-echo")}}), Api={"Ref": "Api"})
        updated = self.emulator.update(
            stack["StackName"], api({"/after": {"get": integration("http-echo")}}), Api={"Ref": "Api"})
        self.assertEqual(updated["Api"], stack["Api"])
        self.assertEqual(self.emulator.call_api(stack["Api"], "GET", "/after").status, 200)
        self.assertEqual(self.emulator.call_api(stack["Api"], "GET", "/before").status, 404)

    def test_unknown_path_and_method(self):
        self.assertEqual(self.call("GET", "/nowhere").status, 404)
        self.assertEqual(self.call("POST", "/unchanged").status, 404)


def api(paths):
    return {"Api": {"Type": "AWS::Serverless::HttpApi", "Properties": {
        "DefinitionBody": {"openapi": "3.0.1", "info": {"title": "listener", "version": "1"}, "paths": paths},
        "DefaultRouteSettings": {"ThrottlingBurstLimit": 100, "ThrottlingRateLimit": 50},
    }}}


def integration(function):
    return {"x-amazon-apigateway-integration": {
        "type": "aws_proxy", "httpMethod": "POST", "payloadFormatVersion": "2.0", "uri": function_uri(function)}}

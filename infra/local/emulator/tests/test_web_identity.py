import base64
import json
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from . import emulator

TENANCY = "ten_01HZZZZZZZZZZZZZZZZZZZZZZZ"


class Issuer:
    """An OpenID provider on a free port. `keys` is what it publishes."""

    def __init__(self):
        self.keys = {}
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                documents = {
                    "/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": issuer.url + "/keys"},
                    "/keys": {"keys": [jwk(key_id, key) for key_id, key in issuer.keys.items()]},
                }
                body = json.dumps(documents[self.path]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.key = self.rotate("first")

    def rotate(self, key_id):
        self.key_id, self.key = key_id, rsa.generate_private_key(65537, 2048)
        self.keys[key_id] = self.key
        return self.key

    def token(self, tenancy=TENANCY, header=None, **changes):
        claims = {
            "iss": self.url, "sub": "key_1", "aud": "castkeep-data", "exp": int(time.time()) + 60,
            "https://aws.amazon.com/tags": {
                "principal_tags": {"TenancyId": [tenancy]}, "transitive_tag_keys": ["TenancyId"]},
            **changes,
        }
        signed = f"{encode({'alg': 'RS256', 'kid': self.key_id, **(header or {})})}.{encode(claims)}"
        return f"{signed}.{encode(self.key.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


class WebIdentity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.issuer = Issuer()
        cls.addClassCleanup(cls.issuer.server.server_close)
        cls.addClassCleanup(cls.issuer.server.shutdown)
        stack = cls.emulator.deploy({
            "TokenIssuer": {"Type": "AWS::IAM::OIDCProvider", "Properties": {
                "Url": cls.issuer.url, "ClientIdList": ["castkeep-data"]}},
            "Trusting": role("sts:AssumeRoleWithWebIdentity", "sts:TagSession"),
            "Tagless": role("sts:AssumeRoleWithWebIdentity"),
        }, Provider={"Ref": "TokenIssuer"}, Trusting={"Fn::GetAtt": "Trusting.Arn"},
            Tagless={"Fn::GetAtt": "Tagless.Arn"})
        cls.role, cls.tagless = stack["Trusting"], stack["Tagless"]
        cls.emulator.client("s3").create_bucket(Bucket="web-identity")

    def assume(self, token, role_arn=None, **parameters):
        return self.emulator.client("sts").assume_role_with_web_identity(**{
            "RoleArn": role_arn or self.role, "RoleSessionName": "key_1", "WebIdentityToken": token, **parameters})

    def refused(self, code):
        return self.assertRaisesRegex(ClientError, code)

    def test_session_carries_the_tokens_tag(self):
        answer = self.assume(self.issuer.token())
        s3 = self.emulator.client("s3", answer["Credentials"])
        s3.put_object(Bucket="web-identity", Key=f"{TENANCY}/a", Body=b"a")
        with self.refused("AccessDenied"):
            s3.put_object(Bucket="web-identity", Key="ten_other/a", Body=b"a")
        self.assertEqual(answer["SubjectFromWebIdentityToken"], "key_1")

    def test_tag_that_the_trust_does_not_allow(self):
        with self.refused("AccessDenied"):
            self.assume(self.issuer.token(tenancy="ten_*"))

    def test_tags_need_tag_session(self):
        with self.refused("AccessDenied"):
            self.assume(self.issuer.token(), self.tagless)

    def test_token_without_tags(self):
        with self.refused("AccessDenied"):
            self.assume(self.issuer.token(**{"https://aws.amazon.com/tags": None}))

    def test_other_audience(self):
        with self.refused("InvalidIdentityToken"):
            self.assume(self.issuer.token(aud="castkeep"))

    def test_unknown_issuer(self):
        with self.refused("InvalidIdentityToken"):
            self.assume(self.issuer.token(iss="http://127.0.0.1:1"))

    def test_expired(self):
        with self.refused("ExpiredTokenException"):
            self.assume(self.issuer.token(exp=int(time.time()) - 1))

    def test_forged_signature(self):
        stranger = Issuer()
        self.addCleanup(stranger.server.server_close)
        self.addCleanup(stranger.server.shutdown)
        with self.refused("InvalidIdentityToken"):
            self.assume(stranger.token(iss=self.issuer.url, header={"kid": self.issuer.key_id}))

    def test_changed_claims(self):
        header, _, signature = self.issuer.token().split(".")
        claims = self.issuer.token(tenancy="ten_01HYYYYYYYYYYYYYYYYYYYYYYY").split(".")[1]
        with self.refused("InvalidIdentityToken"):
            self.assume(f"{header}.{claims}.{signature}")

    def test_algorithm_none(self):
        with self.refused("InvalidIdentityToken"):
            self.assume(self.issuer.token(header={"alg": "none"}).rpartition(".")[0] + ".")

    def test_unknown_role(self):
        with self.refused("AccessDenied"):
            self.assume(self.issuer.token(), "arn:aws:iam::000000000000:role/nobody")

    def test_session_name_with_a_forbidden_sign(self):
        with self.refused("ValidationError"):
            self.assume(self.issuer.token(), RoleSessionName="session#1")

    def test_longer_than_the_role_allows(self):
        with self.refused("ValidationError"):
            self.assume(self.issuer.token(), DurationSeconds=3601)

    def test_nonsense(self):
        with self.refused("InvalidIdentityToken"):
            self.assume("not-a-token")

    def test_rotated_key_is_fetched(self):
        self.assume(self.issuer.token())
        self.issuer.rotate("second")
        self.assume(self.issuer.token())


def role(*actions):
    return {"Type": "AWS::IAM::Role", "Properties": {
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Federated": {"Ref": "TokenIssuer"}}, "Action": list(actions),
            "Condition": {"StringLike": {"aws:RequestTag/TenancyId": "ten_" + "?" * 26}},
        }]},
        "Policies": [{"PolicyName": "data", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "s3:PutObject",
            "Resource": {"Fn::Sub": "arn:aws:s3:::web-identity/${!aws:PrincipalTag/TenancyId}/*"},
        }]}}],
    }}


def jwk(key_id, key):
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": key_id,
            "e": encode(numbers.e.to_bytes(3, "big")), "n": encode(numbers.n.to_bytes(256, "big"))}


def encode(content):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

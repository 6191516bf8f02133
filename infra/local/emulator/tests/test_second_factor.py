import base64
import hmac
import secrets
import struct
import time
import unittest

from botocore.exceptions import ClientError

from . import emulator

MADE_UP = "made-up-made-up-made-up"
TEMPORARY, PASSWORD = "First-Knock-2026", "Correct-Horse-9-Battery"


class SecondFactor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.cognito = cls.emulator.client("cognito-idp")
        cls.stack = cls.emulator.deploy({
            "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {
                "UsernameAttributes": ["email"], "MfaConfiguration": "ON", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
                "Policies": {"PasswordPolicy": {"MinimumLength": 14, "RequireNumbers": True}},
            }},
            "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "ExplicitAuthFlows": ["ALLOW_USER_AUTH"]}},
        }, Pool={"Ref": "Pool"}, Client={"Ref": "Client"})

    def setUp(self):
        self.email = f"{secrets.token_hex(4)}@example.org"
        self.cognito.admin_create_user(
            UserPoolId=self.stack["Pool"], Username=self.email, TemporaryPassword=TEMPORARY, MessageAction="SUPPRESS")

    def begin(self, password):
        return self.cognito.initiate_auth(ClientId=self.stack["Client"], AuthFlow="USER_AUTH", AuthParameters={
            "USERNAME": self.email, "PREFERRED_CHALLENGE": "PASSWORD", "PASSWORD": password})

    def respond(self, name, session, username=None, **responses):
        return self.cognito.respond_to_auth_challenge(
            ClientId=self.stack["Client"], ChallengeName=name, Session=session,
            ChallengeResponses={"USERNAME": username or self.email, **responses})

    def choose_password(self, password=PASSWORD):
        return self.respond("NEW_PASSWORD_REQUIRED", self.begin(TEMPORARY)["Session"], NEW_PASSWORD=password)

    def enrol(self, session):
        """The secret of the authenticator, and the tokens that come at last."""
        associated = self.cognito.associate_software_token(Session=session)
        secret = associated["SecretCode"]
        verified = self.cognito.verify_software_token(Session=associated["Session"], UserCode=totp(secret))
        return secret, self.respond("MFA_SETUP", verified["Session"])["AuthenticationResult"]

    def assert_refused(self, code, call, *arguments, **keywords):
        with self.assertRaises(ClientError) as refused:
            call(*arguments, **keywords)
        self.assertEqual(refused.exception.response["Error"]["Code"], code)

    def test_first_sign_in_sets_up_a_factor_before_any_token(self):
        answer = self.choose_password()
        self.assertEqual(answer["ChallengeName"], "MFA_SETUP")
        self.assertNotIn("AuthenticationResult", answer)
        self.assert_refused("NotAuthorizedException", self.respond, "MFA_SETUP", answer["Session"])
        self.assertIn("IdToken", self.enrol(answer["Session"])[1])

    def test_later_sign_in_asks_for_the_code(self):
        secret, _ = self.enrol(self.choose_password()["Session"])
        answer = self.begin(PASSWORD)
        self.assertEqual(answer["ChallengeName"], "SOFTWARE_TOKEN_MFA")
        wrong = {"SOFTWARE_TOKEN_MFA_CODE": "000000"}
        self.assert_refused(
            "CodeMismatchException", self.respond, "SOFTWARE_TOKEN_MFA", answer["Session"], **wrong)
        right = {"SOFTWARE_TOKEN_MFA_CODE": totp(secret)}
        self.assertIn("IdToken", self.respond("SOFTWARE_TOKEN_MFA", answer["Session"], **right)["AuthenticationResult"])
        self.assert_refused(
            "NotAuthorizedException", self.respond, "SOFTWARE_TOKEN_MFA", answer["Session"], **right)

    def test_no_step_without_the_one_before(self):
        secret, _ = self.enrol(self.choose_password()["Session"])
        code = {"SOFTWARE_TOKEN_MFA_CODE": totp(secret)}
        self.assert_refused("NotAuthorizedException", self.respond, "SOFTWARE_TOKEN_MFA", MADE_UP, **code)
        self.assert_refused(
            "NotAuthorizedException", self.respond, "NEW_PASSWORD_REQUIRED", MADE_UP, NEW_PASSWORD=PASSWORD)
        self.assert_refused("NotAuthorizedException", self.cognito.associate_software_token, Session=MADE_UP)
        self.assert_refused("NotAuthorizedException", self.begin, "Wrong-Horse-9-Battery")

    def test_a_session_is_one_persons(self):
        session, other = self.begin(TEMPORARY)["Session"], self.email
        self.setUp()
        self.assert_refused("NotAuthorizedException", self.respond, "NEW_PASSWORD_REQUIRED", session,
                            NEW_PASSWORD=PASSWORD)
        self.assertEqual(
            self.respond("NEW_PASSWORD_REQUIRED", session, other, NEW_PASSWORD=PASSWORD)["ChallengeName"], "MFA_SETUP")

    def test_weak_password_is_refused(self):
        self.assert_refused("InvalidPasswordException", self.choose_password, "Short-9")


def totp(secret):
    """The code of this moment: RFC 6238 with SHA-1, 30 seconds, six digits."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    offset = digest[-1] & 15
    return f"{(struct.unpack_from('>I', digest, offset)[0] & 0x7FFFFFFF) % 10**6:06d}"

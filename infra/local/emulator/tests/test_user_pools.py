import base64
import json
import unittest
from urllib.parse import parse_qs, urlencode, urlsplit

from botocore.exceptions import ClientError

from . import emulator

CALLBACK = "http://localhost:8409/signed-in"
METADATA = (
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:idp"><IDPSSODescriptor'
    ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><SingleSignOnService'
    ' Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example/sso"/>'
    "</IDPSSODescriptor></EntityDescriptor>")


class UserPools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.emulator = emulator.shared()
        cls.cognito = cls.emulator.client("cognito-idp")
        cls.stack = cls.emulator.deploy({
            "Pool": {"Type": "AWS::Cognito::UserPool", "Properties": {
                "UsernameAttributes": ["email"], "MfaConfiguration": "ON", "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
                "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
                "Policies": {"PasswordPolicy": {"MinimumLength": 14, "RequireSymbols": True}},
                "WebAuthnRelyingPartyID": "sign-in.example.org", "WebAuthnUserVerification": "required",
                "WebAuthnFactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
            }},
            "Risks": {"Type": "AWS::Cognito::UserPoolRiskConfigurationAttachment", "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "ClientId": "ALL"}},
            "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "ClientName": "people", "SupportedIdentityProviders": ["COGNITO"],
                "CallbackURLs": [CALLBACK],
                "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 10}}},
            "Look": {"Type": "AWS::Cognito::ManagedLoginBranding", "Properties": {
                "UserPoolId": {"Ref": "Pool"}, "ClientId": {"Ref": "Client"}, "UseCognitoProvidedValues": True}},
        }, Pool={"Ref": "Pool"}, Client={"Ref": "Client"})
        cls.clients = {name: cls.create_provider(name) for name in ("ten-acme", "ten-globex")}

    @classmethod
    def create_provider(cls, name):
        """A provider, and the id of a client with that one alone."""
        cls.cognito.create_identity_provider(
            UserPoolId=cls.stack["Pool"], ProviderName=name, ProviderType="SAML",
            ProviderDetails={"MetadataFile": METADATA}, AttributeMapping={"email": "mail"})
        return cls.cognito.create_user_pool_client(
            UserPoolId=cls.stack["Pool"], ClientName=name, SupportedIdentityProviders=[name], CallbackURLs=[CALLBACK],
            AllowedOAuthFlows=["code"], AllowedOAuthScopes=["openid"], AllowedOAuthFlowsUserPoolClient=True,
        )["UserPoolClient"]["ClientId"]

    def authorize(self, client, provider):
        return self.emulator.request("GET", "/oauth2/authorize?" + urlencode({
            "client_id": client, "identity_provider": provider, "response_type": "code", "scope": "openid",
            "redirect_uri": CALLBACK}))

    def sign_in(self, provider, name_id, **attributes):
        """The claims of the ID token of somebody whom the provider says these things of."""
        client = self.clients[provider]
        relay = parse_qs(urlsplit(self.authorize(client, provider).headers["location"]).query)["RelayState"][0]
        answer = self.post("/saml2/idpresponse", SAMLResponse=assertion(name_id, attributes), RelayState=relay)
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        answer = self.post("/oauth2/token", grant_type="authorization_code", client_id=client, code=code,
                           redirect_uri=CALLBACK)
        payload = json.loads(answer.body)["id_token"].split(".")[1]
        return json.loads(base64.urlsafe_b64decode(payload + "=="))

    def post(self, path, **form):
        return self.emulator.request(
            "POST", path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})

    def test_passkeys_count_as_two_factors(self):
        answer = self.cognito.get_user_pool_mfa_config(UserPoolId=self.stack["Pool"])
        self.assertEqual(answer["MfaConfiguration"], "ON")
        self.assertEqual(answer["SoftwareTokenMfaConfiguration"], {"Enabled": True})
        self.assertEqual(answer["WebAuthnConfiguration"], {
            "RelyingPartyId": "sign-in.example.org", "UserVerification": "required",
            "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION"})

    def test_client_rotates_its_refresh_tokens(self):
        client = self.cognito.describe_user_pool_client(UserPoolId=self.stack["Pool"], ClientId=self.stack["Client"])
        self.assertEqual(client["UserPoolClient"]["RefreshTokenRotation"], {
            "Feature": "ENABLED", "RetryGracePeriodSeconds": 10})

    def test_temporary_password_follows_the_policy(self):
        user = self.cognito.admin_create_user(UserPoolId=self.stack["Pool"], Username="ada@example.org")["User"]
        self.assertEqual(user["UserStatus"], "FORCE_CHANGE_PASSWORD")

    def test_nobody_signs_up_where_everybody_is_invited(self):
        with self.assertRaisesRegex(ClientError, "SignUp is not permitted"):
            self.cognito.sign_up(
                ClientId=self.stack["Client"], Username="eve@example.org", Password="Correct-Horse-9-Battery")

    def test_a_provider_is_there_before_its_client(self):
        with self.assertRaisesRegex(ClientError, "The provider nobody does not exist"):
            self.cognito.create_user_pool_client(
                UserPoolId=self.stack["Pool"], ClientName="nobody", SupportedIdentityProviders=["nobody"])

    def test_metadata_that_leads_nowhere_is_refused(self):
        for document in ("<EntityDescriptor/>", "no XML"):
            with self.assertRaisesRegex(ClientError, "The SAML metadata names no place"):
                self.cognito.update_identity_provider(
                    UserPoolId=self.stack["Pool"], ProviderName="ten-acme", ProviderDetails={"MetadataFile": document})

    def test_a_client_takes_its_own_provider_alone(self):
        self.assertEqual(self.authorize(self.clients["ten-acme"], "ten-acme").status, 302)
        self.assertEqual(self.authorize(self.clients["ten-acme"], "ten-globex").status, 400)
        self.assertEqual(self.authorize(self.stack["Client"], "ten-acme").status, 400)

    def test_what_is_not_mapped_does_not_get_in(self):
        theirs = json.dumps([{"providerName": "ten-globex", "userId": "x", "primary": True}])
        for _ in ("first sign-in", "second sign-in"):
            claims = self.sign_in("ten-acme", "ada", mail="ada@globex.example", identities=theirs,
                                  email_verified="true", sub="somebody", **{"cognito:username": "ten-globex_x"})
            self.assertEqual([each["providerName"] for each in claims["identities"]], ["ten-acme"])
            self.assertEqual(claims["cognito:username"], "ten-acme_ada")
            self.assertEqual((claims["email"], claims["email_verified"]), ("ada@globex.example", False))
            self.assertNotEqual(claims["sub"], "somebody")


def assertion(name_id, attributes):
    said = "".join(
        f"<Attribute Name='{name}'><AttributeValue>{value}</AttributeValue></Attribute>"
        for name, value in attributes.items())
    return base64.b64encode((
        "<Response xmlns='urn:oasis:names:tc:SAML:2.0:protocol'>"
        "<Assertion xmlns='urn:oasis:names:tc:SAML:2.0:assertion'>"
        f"<Subject><NameID>{name_id}</NameID></Subject><AttributeStatement>{said}</AttributeStatement>"
        "</Assertion></Response>").encode()).decode()

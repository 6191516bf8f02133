"""Cognito user pools: what ministack's CloudFormation drops, and what nobody and no provider may do.

A client takes people from its own providers alone. Of what a provider says of a person, only what is mapped gets in;
ministack takes it all, so that an assertion could name another provider in `identities`. An address counts as verified
only where the pool says so.
https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-specifying-attribute-mapping.html
"""

from ministack.core.responses import error_response_json
from ministack.services import cognito
from ministack.services.cloudformation import provisioners

from .patching import after_provisioning, around

PASSKEYS = {
    "WebAuthnRelyingPartyID": "RelyingPartyId",
    "WebAuthnUserVerification": "UserVerification",
    "WebAuthnFactorConfiguration": "FactorConfiguration",
}
# What ministack knows in no form, and nothing here asks for: looks, and what to do about risks that it cannot see.
WITHOUT_EFFECT = ("AWS::Cognito::ManagedLoginBranding", "AWS::Cognito::UserPoolRiskConfigurationAttachment")
# Stands for "no mapped attribute": an empty answer of the federation trigger means that all of them get in.
NOTHING = ""


@after_provisioning("AWS::Cognito::UserPool")
def user_pool(pool_id, properties):
    """Passkeys."""
    passkeys = {name: properties[key] for key, name in PASSKEYS.items() if key in properties}
    if passkeys:
        cognito._set_user_pool_mfa_config({"UserPoolId": pool_id, "WebAuthnConfiguration": passkeys})


@after_provisioning("AWS::Cognito::UserPoolClient")
def user_pool_client(client_id, properties):
    """Rotation of refresh tokens."""
    if "RefreshTokenRotation" in properties:
        client = cognito._user_pools[properties["UserPoolId"]]["_clients"][client_id]
        client["RefreshTokenRotation"] = properties["RefreshTokenRotation"]


for resource_type in WITHOUT_EFFECT:
    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": lambda logical_id, properties, stack_name: (f"{stack_name}-{logical_id}", {}),
        "update": lambda physical_id, old_properties, properties, stack_name: (physical_id, {}),
        "delete": lambda physical_id, properties: None,
    }


@around(cognito, "_sign_up")
def sign_up(original, data):
    pool, _ = cognito._pool_for_client(data.get("ClientId"))
    if str((pool or {}).get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly")).lower() == "true":
        return error_response_json("NotAuthorizedException", "SignUp is not permitted for this user pool", 400)
    return original(data)


@around(cognito, "_generate_temp_password")
def generate_temporary_password(original):
    """ministack's is too short for a strict policy, and so refused."""
    return original() + original()


@around(cognito, "_create_user_pool_client")
def create_user_pool_client(original, data):
    return unknown_provider(data) or original(data)


@around(cognito, "_update_user_pool_client")
def update_user_pool_client(original, data):
    return unknown_provider(data) or original(data)


def unknown_provider(data):
    pool = cognito._user_pools.get(data.get("UserPoolId")) or {}
    known = {"COGNITO", *pool.get("_identity_providers", {})}
    for name in data.get("SupportedIdentityProviders") or []:
        if pool and name not in known:
            return error_response_json(
                "InvalidParameterException", f"The provider {name} does not exist for User Pool {pool['Id']}.", 400)
    return None


@around(cognito, "_create_identity_provider")
def create_identity_provider(original, data):
    return unusable_metadata(data) or original(data)


@around(cognito, "_update_identity_provider")
def update_identity_provider(original, data):
    return unusable_metadata(data) or original(data)


def unusable_metadata(data):
    document = (data.get("ProviderDetails") or {}).get("MetadataFile")
    if document is not None and not cognito._saml_sso_url_from_metadata(document):
        return error_response_json(
            "InvalidParameterException", "The SAML metadata names no place to sign in at.", 400)
    return None


@around(cognito, "_oauth2_authorize_federation")
def authorize_federation(original, query_parameters):
    _, _, client = cognito._find_pool_by_client_id(cognito._qp(query_parameters, "client_id"))
    provider = cognito._qp(query_parameters, "identity_provider")
    if client and provider not in client["SupportedIdentityProviders"]:
        return cognito._oauth2_error("invalid_request", f"{provider} is no provider of this client.")
    return original(query_parameters)


@around(cognito, "_apply_inbound_federation_trigger")
def apply_inbound_federation_trigger(original, pool_id, client_id, username, provider, kind, attributes):
    """Where a function may choose attributes. None is configured here, so it is what the provider said."""
    said = original(pool_id, client_id, username, provider, kind, attributes) or next(iter(attributes.values()))
    return {NOTHING: "", **{name: str(value) for name, value in said.items()}}


@around(cognito, "_drop_unmapped_reserved_claims")
def drop_unmapped_claims(original, claims, mapping):
    return {name: value for name, value in claims.items() if name in mapping.values()}


@around(cognito, "_fake_token")
def token(original, *arguments, user_attrs=None, **keywords):
    if user_attrs and "email" in user_attrs:
        user_attrs = {"email_verified": "false", **user_attrs}
    return original(*arguments, user_attrs=user_attrs, **keywords)

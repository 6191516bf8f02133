"""`sts:AssumeRoleWithWebIdentity` as AWS does it: the token is verified, its tags become the session's.

The token's `iss` must be an IAM OIDC provider of the role's account; its discovery document and keys are fetched over
HTTP (https on AWS; the local issuer is plain) and kept for at most a minute. RS256 only. The role's trust policy must
allow sts:AssumeRoleWithWebIdentity, and sts:TagSession when the token carries tags, to that provider.
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
"""

import asyncio
import base64
import dataclasses
import json
import re
import time
import urllib.request
from http.client import HTTPException
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import iam, sts

from .patching import around

TAGS_CLAIM = "https://aws.amazon.com/tags"
KEYS_KEPT_SECONDS = 60
FETCH_TIMEOUT_SECONDS = 10
SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)

kept_keys = {}


class Refused(Exception):
    """An STS error: HTTP status, code, message."""


@around(sts, "handle_request")
async def handle_request(original, method, path, headers, body, query_parameters):
    parameters = {name: values[-1] for name, values in query_parameters.items()}
    parameters |= {name: values[-1] for name, values in sts.parse_qs((body or b"").decode("utf-8", "replace")).items()}
    if parameters.get("Action") != "AssumeRoleWithWebIdentity":
        return await original(method, path, headers, body, query_parameters)
    try:
        return await assume_role(parameters)
    except Refused as refused:
        status, code, message = refused.args
        return sts._error(status, code, escape(message), ns="sts")


async def assume_role(parameters):
    role_arn = parameters.get("RoleArn", "")
    session_name = parameters.get("RoleSessionName", "")
    session_arn, invalid = sts._assumed_role_arn(role_arn, session_name)
    if invalid:
        return invalid
    account = role_arn.split(":")[4]
    if not SESSION_NAME.fullmatch(session_name):
        raise Refused(400, "ValidationError", "RoleSessionName must be 2 to 64 letters, digits or _+=,.@- signs.")
    role = iam._roles.get_scoped(account, None, role_arn.rsplit("/", 1)[-1])
    seconds = duration(parameters, role)

    # The issuer may be served by this very process, so nothing may wait on the event loop.
    token = parameters.get("WebIdentityToken", "")
    provider, claims = await asyncio.to_thread(verify, token, account)

    tags = session_tags(claims)
    judge_trust(role, role_arn, provider, claims, tags, session_name)

    return issue(role_arn, session_arn, session_name, account, seconds, provider, claims, tags)


def duration(parameters, role):
    text = parameters.get("DurationSeconds") or "3600"
    most = int((role or {}).get("MaxSessionDuration") or 3600)
    if not text.isdigit() or not 900 <= int(text) <= most:
        raise Refused(400, "ValidationError", f"DurationSeconds must be between 900 and the role's {most}.")
    return int(text)


def verify(token, account):
    """The OIDC provider that issued the token and the token's claims."""
    try:
        signed, _, signature = token.rpartition(".")
        header, claims = (json.loads(decode(part)) for part in signed.split("."))
        signature = decode(signature)
    except ValueError:
        raise Refused(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Refused(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.")

    provider = find_provider(claims.get("iss"), account)
    if header.get("alg") != "RS256":
        raise Refused(400, "InvalidIdentityToken", "The token's signature algorithm is not supported.")
    key = find_key(claims["iss"], str(header.get("kid")))
    try:
        key.verify(signature, signed.encode(), padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Refused(400, "InvalidIdentityToken", "Couldn't verify the token's signature.") from None

    expires = claims.get("exp")
    if not isinstance(expires, (int, float)):
        raise Refused(400, "InvalidIdentityToken", "Missing a required claim: exp")
    if expires <= time.time():
        raise Refused(400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration.")
    audiences = claims.get("aud")
    audiences = audiences if isinstance(audiences, list) else [audiences]
    if not set(map(str, audiences)) & set(provider["ClientIDList"]):
        raise Refused(400, "InvalidIdentityToken", "Incorrect token audience")
    if not claims.get("sub"):
        raise Refused(400, "InvalidIdentityToken", "Missing a required claim: sub")
    return provider, claims


def find_provider(issuer, account):
    provider = iam._oidc_providers.get_scoped(account, None, f"arn:aws:iam::{account}:oidc-provider/{host(issuer)}")
    if provider:
        return provider
    raise Refused(400, "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {issuer}")


def find_key(issuer, key_id):
    """The issuer's RSA key of that id. An unknown id fetches the keys again: they may have been rotated."""
    fetched_at, keys = kept_keys.get(issuer, (0, {}))
    if time.monotonic() - fetched_at > KEYS_KEPT_SECONDS or key_id not in keys:
        try:
            keys = fetch_keys(issuer)
        except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError):
            raise Refused(
                400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider") from None
        kept_keys[issuer] = (time.monotonic(), keys)
    if key_id not in keys:
        raise Refused(400, "InvalidIdentityToken", "The token's key is not among the identity provider's keys.")
    return keys[key_id]


def fetch_keys(issuer):
    configuration = fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if configuration["issuer"] != issuer:
        raise ValueError("the discovery document names another issuer")
    return {
        key.get("kid"): rsa.RSAPublicNumbers(integer(key["e"]), integer(key["n"])).public_key()
        for key in fetch(configuration["jwks_uri"])["keys"]
        if key.get("kty") == "RSA"
    }


def fetch(url):
    with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_SECONDS) as response:
        return json.loads(response.read())


def session_tags(claims):
    """[{"Key": …, "Value": …}] of the tags claim."""
    carried = claims.get(TAGS_CLAIM)
    if carried is None:
        return []
    try:
        tags = [{"Key": key, "Value": value} for key, (value,) in carried["principal_tags"].items()]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Refused(400, "InvalidIdentityToken", "The token's tags are malformed.") from None
    if not all(isinstance(tag["Value"], str) for tag in tags):
        raise Refused(400, "InvalidIdentityToken", "The token's tags are malformed.")
    return tags


def judge_trust(role, role_arn, provider, claims, tags, session_name):
    """Raises AccessDenied unless the role exists and trusts the provider, with these tags."""
    document = federated_statements(role, provider) if role else {}
    issuer = host(claims["iss"])
    context = iam_evaluator.EvalContext(
        principal_arn=provider["Arn"],
        principal_type="WebIdentityUser",
        principal_account=role_arn.split(":")[4],
        action="sts:AssumeRoleWithWebIdentity",
        resource_arn=role_arn,
        region=get_region(),
        request_tags={tag["Key"]: tag["Value"] for tag in tags},
        tag_keys=[tag["Key"] for tag in tags] or None,
        service_context={
            "sts:rolesessionname": session_name,
            "aws:federatedprovider": provider["Arn"],
            **{f"{issuer}:{claim}".lower(): claims[claim] for claim in ("aud", "sub", "amr") if claim in claims},
        },
        principal_keys={f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in tags},
    )
    actions = ["sts:AssumeRoleWithWebIdentity"] + (["sts:TagSession"] if tags else [])
    for action in actions:
        if not iam_evaluator.evaluate_trust_policy(document, "*", dataclasses.replace(context, action=action)):
            raise Refused(403, "AccessDenied", f"Not authorized to perform {action}")


def federated_statements(role, provider):
    """The trust statements about this provider, with `*` for principal: ministack knows it for one action only."""
    document = role.get("AssumeRolePolicyDocument") or "{}"
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    return {"Statement": [
        {**statement, "Principal": "*"} for statement in statements if names_provider(statement, provider["Arn"])
    ]}


def names_provider(statement, provider_arn):
    principal = statement.get("Principal")
    if principal == "*":
        return True
    named = principal.get("Federated", []) if isinstance(principal, dict) else []
    return provider_arn in (named if isinstance(named, list) else [named])


def issue(role_arn, session_arn, session_name, account, seconds, provider, claims, tags):
    access_key, secret, token = sts._gen_session_access_key(), sts._gen_secret(), sts._gen_session_token()
    user_id = f"{sts._role_id(role_arn)}:{session_name}"
    sts.register_session(access_key, {
        "Arn": session_arn,
        "UserId": user_id,
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Expiration": time.time() + seconds,
        "AccountId": account,
        "PrincipalType": "AssumedRole",
        "SessionTags": tags,
    })
    audience = claims["aud"][0] if isinstance(claims["aud"], list) else claims["aud"]
    return sts._xml(200, "AssumeRoleWithWebIdentityResponse", (
        "<AssumeRoleWithWebIdentityResult>"
        f"<Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>"
        f"<SessionToken>{token}</SessionToken><Expiration>{sts._future(seconds)}</Expiration></Credentials>"
        f"<AssumedRoleUser><AssumedRoleId>{user_id}</AssumedRoleId><Arn>{session_arn}</Arn></AssumedRoleUser>"
        f"<SubjectFromWebIdentityToken>{escape(str(claims['sub']))}</SubjectFromWebIdentityToken>"
        f"<Audience>{escape(str(audience))}</Audience><Provider>{provider['Arn']}</Provider>"
        "</AssumeRoleWithWebIdentityResult>"
    ), ns="sts")


def host(url):
    return str(url or "").split("://", 1)[-1].rstrip("/")


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def integer(text):
    return int.from_bytes(decode(text), "big")

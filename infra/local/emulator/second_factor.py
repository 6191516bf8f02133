"""Sign-in to a user pool that requires MFA: each step leads to the next alone, and no token comes before the last.

ministack lets people in without a second factor until they have one, and ties the steps together by the user's name,
which anybody can send. Here a step's session is good for that person, client and challenge, once, and for as long as the
client's AuthSessionValidity says. Who has no second factor gets the challenge MFA_SETUP and comes no further without.
USER_AUTH, choice-based sign-in, is here as far as a password goes; the sign-in pages, which know no second factor, are
closed where one is required.
https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-mfa-totp.html
"""

import json
import secrets
import time

from ministack.core.responses import error_response_json, json_response
from ministack.services import cognito

from .patching import around

CHALLENGES = ("NEW_PASSWORD_REQUIRED", "MFA_SETUP", "SOFTWARE_TOKEN_MFA")

# session -> what it is good for
steps = {}


@around(cognito, "_initiate_auth")
def initiate_auth(original, data):
    if data.get("AuthFlow") != "USER_AUTH":
        return original(data)
    pool, _ = cognito._pool_for_client(data.get("ClientId"))
    client = (pool or {}).get("_clients", {}).get(data.get("ClientId"), {})
    if "ALLOW_USER_AUTH" not in client.get("ExplicitAuthFlows", []):
        return refused("InvalidParameterException", "USER_AUTH flow not enabled for this client")
    if data.get("AuthParameters", {}).get("PREFERRED_CHALLENGE") != "PASSWORD":
        return refused("InvalidParameterException", "The emulator knows PREFERRED_CHALLENGE=PASSWORD alone.")
    return original({**data, "AuthFlow": "USER_PASSWORD_AUTH"})


@around(cognito, "_password_auth_result")
def password_auth_result(original, pool, pool_id, client_id, user, username, *context, **keywords):
    """Where every flow comes that has seen the right password."""
    if user.get("UserStatus") == "FORCE_CHANGE_PASSWORD":
        answer = json.loads(original(pool, pool_id, client_id, user, username, *context, **keywords)[2])
        return challenge(pool, client_id, user, "NEW_PASSWORD_REQUIRED", answer["ChallengeParameters"])
    return second_factor(pool, client_id, user) or original(
        pool, pool_id, client_id, user, username, *context, **keywords)


@around(cognito, "_respond_to_auth_challenge")
def respond_to_auth_challenge(original, data):
    name, responses = data.get("ChallengeName"), data.get("ChallengeResponses") or {}
    if name not in CHALLENGES:
        return original(data)
    step = find_step(data, name)
    if step is None or step["client_id"] != data.get("ClientId"):
        return refused("NotAuthorizedException", "Invalid session for the user.")
    pool = cognito._user_pools[step["pool_id"]]
    user = cognito._resolve_user(pool, responses.get("USERNAME"))[0]
    if user is None or user["Username"] != step["username"]:
        return refused("NotAuthorizedException", "Invalid session for the user.")
    if name == "MFA_SETUP" and not step.get("is_verified"):
        return refused("NotAuthorizedException", "No second factor was set up.")

    is_new_password = name == "NEW_PASSWORD_REQUIRED"
    weak = cognito._validate_password(pool, responses.get("NEW_PASSWORD") or "") if is_new_password else None
    answer = weak or original(data)
    if answer[0] != 200:
        return answer
    del steps[data["Session"]]
    return is_new_password and second_factor(pool, step["client_id"], user) or answer


@around(cognito, "_admin_respond_to_auth_challenge")
def admin_respond_to_auth_challenge(original, data):
    return respond_to_auth_challenge(original, data)


@around(cognito, "_associate_software_token")
def associate_software_token(original, data):
    return pass_on(data, original, lambda step: None)


@around(cognito, "_verify_software_token")
def verify_software_token(original, data):
    secret = cognito._totp_session_secrets.get(data.get("Session"))

    def enrol(step):
        user = cognito._user_pools[step["pool_id"]]["_users"][step["username"]]
        user.update(_totp_secret=secret, _mfa_enabled=["SOFTWARE_TOKEN_MFA"], _preferred_mfa="SOFTWARE_TOKEN_MFA")
        step["is_verified"] = True

    return pass_on(data, original, enrol)


@around(cognito, "_issue_auth_code_redirect")
def issue_auth_code_redirect(original, client_id, pool_id, *arguments):
    if requires_mfa(cognito._user_pools[pool_id]):
        return cognito._oauth2_error("access_denied", "The emulator's sign-in pages know no second factor.")
    return original(client_id, pool_id, *arguments)


def pass_on(data, original, when_done):
    """A step of MFA_SETUP, which goes on in the session that the answer names."""
    if data.get("AccessToken"):
        return original(data)
    step = find_step(data, "MFA_SETUP")
    if step is None:
        return refused("NotAuthorizedException", "Invalid session for the user.")
    answer = original(data)
    if answer[0] == 200:
        when_done(step)
        steps[json.loads(answer[2])["Session"]] = steps.pop(data["Session"])
    return answer


def second_factor(pool, client_id, user):
    if "SOFTWARE_TOKEN_MFA" in user.get("_mfa_enabled", []):
        return challenge(pool, client_id, user, "SOFTWARE_TOKEN_MFA", {})
    if requires_mfa(pool):
        return challenge(pool, client_id, user, "MFA_SETUP", {"MFAS_CAN_SETUP": '["SOFTWARE_TOKEN_MFA"]'})
    return None


def requires_mfa(pool):
    return pool.get("MfaConfiguration") == "ON"


def challenge(pool, client_id, user, name, parameters):
    minutes = pool["_clients"][client_id].get("AuthSessionValidity", 3)
    session = secrets.token_urlsafe(32)
    steps[session] = {
        "pool_id": pool["Id"], "client_id": client_id, "username": user["Username"], "challenge": name,
        "expires": time.time() + 60 * minutes,
    }
    return json_response({"ChallengeName": name, "Session": session, "ChallengeParameters": {
        "USER_ID_FOR_SRP": user["Username"], **parameters}})


def find_step(data, name):
    step = steps.get(data.get("Session"))
    return step if step and step["challenge"] == name and time.time() < step["expires"] else None


def refused(code, message):
    return error_response_json(code, message, 400)

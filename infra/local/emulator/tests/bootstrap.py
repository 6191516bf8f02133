"""A custom Lambda runtime for the tests: answers the event and its process id, or what the variable ANSWER says."""

import json
import os
import time
import urllib.request

api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
while True:
    with urllib.request.urlopen(f"{api}/next") as invocation:
        event = json.loads(invocation.read())
        request_id = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
    authorized = event.get("authorizationToken") or (event.get("headers") or {}).get("authorization")
    if os.environ.get("ANSWER") == "authorize":
        answer = {
            "principalId": "who",
            "context": {"tenancy_id": "ten_1"},
            "policyDocument": {"Version": "2012-10-17", "Statement": [{
                "Action": "execute-api:Invoke", "Resource": "*",
                "Effect": "Allow" if authorized == "yes" else "Deny",
            }]},
        }
    elif os.environ.get("ANSWER") == "fail each message":
        answer = {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in event["Records"]]}
    elif os.environ.get("ANSWER") == "large":
        answer = {"statusCode": 200, "body": "x" * (7 * 1024 * 1024)}
    elif os.environ.get("ANSWER") == "after a second":
        time.sleep(1)
        answer = os.getpid()
    elif os.environ.get("ANSWER") == "never":
        time.sleep(60)
    elif os.environ.get("ANSWER") == "exit":
        os._exit(1)
    elif "ANSWER" in os.environ:
        answer = json.loads(os.environ["ANSWER"])
    else:
        body = json.dumps({**event, "process": os.getpid()})
        answer = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
    urllib.request.urlopen(f"{api}/{request_id}/response", data=json.dumps(answer).encode()).close()

"""One emulator for the whole test run, on a free port, and ways to talk to it."""

import atexit
import http.client
import io
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import botocore.session
from botocore.config import Config

HERE = Path(__file__).parent
REGION = "us-east-1"
READY_SECONDS = 30
SDK = botocore.session.get_session()


class Emulator:
    """A child process; its state outlives `stop` and `kill` until `remove`."""

    def __init__(self, environment=None):
        self.changes = environment or {}
        self.folder = Path(tempfile.mkdtemp(prefix="castkeep-emulator-"))
        self.process = None
        self.take_port()

    def take_port(self):
        """The next start is on this port, a free one."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self):
        with (self.folder / "output").open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "emulator"],
                cwd=HERE.parent.parent, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
                env=self.environment(),
            )
        wait_for(self.is_ready, READY_SECONDS)
        return self

    def environment(self):
        return {
            **os.environ,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": self.url,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.folder / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.folder / "objects"),
            "TMPDIR": str(self.folder),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
            **self.changes,
        }

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the emulator ended: {self.output()}")
        try:
            return self.request("GET", "/_ministack/health").status == 200
        except OSError:
            return False

    def output(self):
        return (self.folder / "output").read_text()

    def stop(self):
        """As when the parent dies: end of file on stdin."""
        self.process.stdin.close()
        self.process.wait(10)

    def kill(self):
        self.process.kill()
        self.process.stdin.close()
        self.process.wait()

    def remove(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def client(self, service, credentials=None):
        """An SDK client with STS credentials, or with the root key."""
        credentials = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": None}
        return SDK.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
            config=Config(
                retries={"max_attempts": 0}, s3={"addressing_style": "path"},
                signature_version="s3v4" if service == "s3" else None,
                request_checksum_calculation="when_required", response_checksum_validation="when_required",
            ),
        )

    def request(self, method, path, body=None, headers=(), host=None):
        """Plain HTTP, with the answer's `status`, `headers` and `body`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {**dict(headers), **({"Host": host} if host else {})})
            answer = connection.getresponse()
            answer.body = answer.read()
            return answer
        finally:
            connection.close()

    def call_api(self, api_id, method, path, body=None, headers=()):
        return self.request(method, path, body, headers, f"{api_id}.execute-api.localhost:{self.port}")

    def create_role(self, statements, trust=None, tags=()):
        """The ARN of a new role that anyone of the account may assume, tags included."""
        name = "role-" + secrets.token_hex(4)
        iam = self.client("iam")
        trust = trust or [{
            "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
        }]
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust), Tags=list(tags))["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=policy(statements))
        return arn

    def assume(self, role_arn, **tags):
        return self.client("sts").assume_role(
            RoleArn=role_arn, RoleSessionName="test", Tags=[{"Key": k, "Value": v} for k, v in tags.items()]
        )["Credentials"]

    def credentials(self, statements, **tags):
        """Session credentials of a new role with these permissions."""
        return self.assume(self.create_role(statements), **tags)

    def create_function(self, name, role_arn=None, timeout=20, **environment):
        """A function running `bootstrap.py`; its ARN."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            bootstrap = zipfile.ZipInfo("bootstrap")
            bootstrap.external_attr = 0o755 << 16
            zipped.writestr(bootstrap, f"#!{sys.executable}\n" + (HERE / "bootstrap.py").read_text())
        return self.client("lambda").create_function(
            FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", Timeout=timeout,
            Role=role_arn or self.create_role([{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]),
            Code={"ZipFile": archive.getvalue()}, Environment={"Variables": environment},
        )["FunctionArn"]

    def deploy(self, resources, **outputs):
        """Creates a stack; its outputs."""
        name = "stack-" + secrets.token_hex(4)
        return self.apply("create_stack", name, resources, outputs)

    def update(self, name, resources, **outputs):
        return self.apply("update_stack", name, resources, outputs)

    def apply(self, operation, name, resources, outputs):
        template = {
            "Transform": "AWS::Serverless-2016-10-31",
            "Resources": resources,
            "Outputs": {key: {"Value": value} for key, value in {**outputs, "StackName": name}.items()},
        }
        formation = self.client("cloudformation")
        getattr(formation, operation)(
            StackName=name, TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        stack = wait_for(lambda: settled(formation, name), 30)
        if "ROLLBACK" in stack["StackStatus"] or "FAILED" in stack["StackStatus"]:
            events = formation.describe_stack_events(StackName=name)["StackEvents"]
            raise AssertionError([event.get("ResourceStatusReason") for event in events])
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def settled(formation, name):
    stack = formation.describe_stacks(StackName=name)["Stacks"][0]
    return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack


def policy(statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} seconds: {condition}")
        time.sleep(0.05)


_shared = []


def shared():
    if not _shared:
        _shared.append(Emulator().start())
        atexit.register(_shared[0].remove)
    return _shared[0]

"""Lambda functions that run, and the events that call them."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from typing import Any

from moto.awslambda import models as lambda_
from moto.events import models as events

from tests.deployment.emulated_account import calls
from tests.deployment.emulated_account.resource import Resource
from tests.deployment.emulated_account.resource import install as install_type

_RUN = """
import importlib, json, sys
folder, handler = sys.argv[1:3]
sys.path.insert(0, folder)
module, _, name = handler.rpartition(".")
event, out = json.load(sys.stdin), sys.stdout
sys.stdout = sys.stderr
json.dump(getattr(importlib.import_module(module), name)(event, None), out, default=str)
"""


def install() -> None:
    install_type(EventInvokeConfig)
    lambda_.LambdaFunction._invoke_lambda = _invoke
    _log_where_the_template_says()
    _deliver_events()


class EventInvokeConfig(Resource):
    type = "AWS::Lambda::EventInvokeConfig"

    def create(self, properties: dict[str, Any], name: str) -> None:
        self.physical_id = properties["FunctionName"]
        self.client("lambda").put_function_event_invoke_config(
            FunctionName=self.physical_id, MaximumRetryAttempts=int(properties["MaximumRetryAttempts"])
        )

    def delete(self, properties: dict[str, Any]) -> None:
        """It goes with its function."""


def _invoke(self: Any, event: Any = None) -> tuple[str, bool, str]:
    """The deployed zip, in an interpreter of its own, with this server as AWS."""
    folder = Path(tempfile.gettempdir(), "emulated-functions", hashlib.sha256(self.code_bytes).hexdigest())
    if not folder.is_dir():
        zipfile.ZipFile(io.BytesIO(self.code_bytes)).extractall(folder)
    environment = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
    environment |= self.environment_vars | {
        "AWS_ENDPOINT_URL": calls.url(), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": self.region,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(folder), self.handler],
        input=json.dumps(event), capture_output=True, text=True, env=environment, timeout=60, check=False,
    )  # fmt: skip
    self.logs_backend.ensure_log_group(self.logs_group_name)
    self.save_logs(done.stderr)
    if done.returncode:
        return json.dumps({"errorMessage": done.stderr.strip().splitlines()[-1], "errorType": "Unhandled"}), True, done.stderr
    return done.stdout, False, done.stderr


def _log_where_the_template_says() -> None:
    create = lambda_.LambdaFunction.create_from_cloudformation_json.__func__

    def created(cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any) -> Any:
        function = create(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
        function.logs_group_name = cloudformation_json["Properties"]["LoggingConfig"]["LogGroup"]
        return function

    lambda_.LambdaFunction.create_from_cloudformation_json = classmethod(created)


def _deliver_events() -> None:
    """moto matches events to rules and then calls few of the targets: Lambda is not among them."""
    send = events.Rule.send_to_targets

    def sent(self: Any, original_event: Any, transform_input: bool = True) -> None:
        functions = [target for target in self.targets if ":lambda:" in target["Arn"]]
        others = [target for target in self.targets if target not in functions]
        if not self.event_pattern.matches_event(original_event):
            return
        self.targets, kept = others, self.targets
        try:
            send(self, original_event, transform_input)
        finally:
            self.targets = kept
        for target in functions:
            _, _, _, region, account, *_ = target["Arn"].split(":")
            payload = json.dumps(original_event, default=str).encode()
            call = calls.client("lambda", account, region).invoke
            # Whoever put the object waits for the server, and so does the function.
            threading.Thread(target=call, kwargs={"FunctionName": target["Arn"], "InvocationType": "Event", "Payload": payload}).start()

    events.Rule.send_to_targets = sent

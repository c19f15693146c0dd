"""Clients that call the server that they run in."""

import functools
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

_ACCOUNT = "123456789012"
_port = 0


def set_port(port: int) -> None:
    global _port
    _port = port


def url() -> str:
    return f"http://127.0.0.1:{_port}"


@functools.cache
def client(service: str, account: str, region: str) -> Any:
    """A client of one account; those of other accounts assume a role there, as moto wants it."""
    options: dict[str, Any] = {
        "region_name": region, "endpoint_url": url(), "config": Config(retries={"max_attempts": 0}),
        "aws_access_key_id": "test", "aws_secret_access_key": "test",
    }  # fmt: skip
    if account != _ACCOUNT:
        role = f"arn:aws:iam::{account}:role/emulation"
        found = boto3.client("sts", **options).assume_role(RoleArn=role, RoleSessionName="emulation")["Credentials"]
        options["aws_access_key_id"] = found["AccessKeyId"]
        options |= {"aws_secret_access_key": found["SecretAccessKey"], "aws_session_token": found["SessionToken"]}
    return boto3.client(service, **options)


def members(service: str, operation: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Those of a resource's properties that the API's operation takes."""
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    assert shape is not None
    return {key: value for key, value in properties.items() if key in shape.members}

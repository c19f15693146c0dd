"""The account that a command is about to touch: whose it is, and whether it is ready."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

from fraud.errors import InputError
from settings import Settings

_BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


@dataclass(frozen=True)
class Account:
    """Where the credentials lead."""

    id: str
    region: str

    @property
    def place(self) -> str:
        return f"account {self.id}, region {self.region}"

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region)


def connect(settings: Settings) -> Account:
    """The account and region of the credentials, which must be those of the settings where these name any.

    Raises:
        InputError: no or bad credentials, no region, or another account than the settings'.
    """
    try:
        session = boto3.Session()
        # boto3 looks at AWS_DEFAULT_REGION only, the CDK CLI at AWS_REGION first.
        region = settings.region or os.environ.get("AWS_REGION") or session.region_name
        if not region:
            raise InputError("there is no AWS region: set AWS_REGION, or account and region in the environment's settings")
        found = boto3.client("sts", region_name=region).get_caller_identity()["Account"]
    except ProfileNotFound as error:
        raise InputError(f"{error}: set AWS_PROFILE to one of those that `aws configure list-profiles` shows") from error
    except NoCredentialsError as error:
        raise InputError("there are no AWS credentials: run `aws sso login` or `aws configure`, or set AWS_PROFILE") from error
    except ClientError as error:
        raise InputError(f"the AWS credentials cannot be used: {error}; run `aws sso login` or `aws configure`") from error
    except BotoCoreError as error:
        raise InputError(f"AWS cannot be asked whose the credentials are: {error}") from error
    if settings.account and settings.account != found:
        raise InputError(
            f"the credentials are for account {found}, and settings say that {settings.name} is account {settings.account}: "
            "use other credentials (AWS_PROFILE), or another --env"
        )
    return Account(found, region)


def check_bootstrap(account: Account) -> None:
    """
    Raises:
        InputError: the CDK has not been bootstrapped there.
    """
    ssm = account.client("ssm")
    try:
        ssm.get_parameter(Name=_BOOTSTRAP)
    except ssm.exceptions.ParameterNotFound as error:
        raise InputError(
            f"{account.place} has not been bootstrapped: run `.venv/bin/fraud cdk bootstrap aws://{account.id}/{account.region}` once"
        ) from error
    except ClientError as error:
        raise InputError(f"cannot tell whether {account.place} has been bootstrapped: {error}") from error


def outputs(account: Account, settings: Settings) -> dict[str, str]:
    """What the deployed stacks of an environment say of themselves, by output name.

    Raises:
        InputError: the environment is not deployed there.
    """
    found: dict[str, str] = {}
    for name in (settings.stack_name("foundation"), settings.stack_name("pipeline")):
        try:
            described = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise InputError(f"cannot look at the stack {name} in {account.place}: {error}") from error
            raise InputError(
                f"{settings.name} is not deployed in {account.place} (there is no stack {name}): run `make deploy ENV={settings.name}`"
            ) from error
        found |= {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", ())}
    return found

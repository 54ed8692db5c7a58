"""Requests to AWS as plain data: sent by boto3, or printed as commands of the AWS command line, from the same words."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from botocore import xform_name

# Where the AWS command line knows a service by another name than boto3 and the API.
_COMMANDS = {"s3": "s3api"}


@dataclass(frozen=True, slots=True)
class PassingRefusal:
    """A refusal that ends by itself: words of it, and what to do where it does not."""

    words: str
    otherwise: str


@dataclass(frozen=True, slots=True)
class AwsCall:
    """One request.

    Attributes:
        service: boto3's name of it, such as `logs`.
        operation: as the service's API reference spells it, such as `PutSubscriptionFilter`.
        parameters: the same, such as `{"logGroupName": …}`.
        absent_is_done: that there is nothing of that name is no error, as where something is to be deleted.
        passing: after which refusal the request is sent again.
    """

    service: str
    operation: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    absent_is_done: bool = False
    passing: PassingRefusal | None = None

    @property
    def method(self) -> str:
        """The name of boto3's method, such as `put_subscription_filter`."""
        return str(xform_name(self.operation))


@dataclass(frozen=True, slots=True)
class CommandLine:
    """How commands are printed, so that they can be pasted into a fresh shell.

    Attributes:
        region: of the stack.
        profile: AWS's, where one was named.
    """

    region: str
    profile: str | None = None

    def aws(self, *calls: AwsCall) -> str:
        """The calls as commands, each run if the one before went well."""
        return " && ".join(self.run("aws", *_words(call)) for call in calls)

    def sam(self, command: str, stack: str) -> str:
        """A command of SAM on a stack."""
        return self.run("sam", command, "--stack-name", stack)

    def eks_logs(self, command: str, stack: str, *more: str) -> str:
        """A command of ours on a stack."""
        return self.run("eks-logs", command, "--stack-name", stack, *more)

    def run(self, *words: str) -> str:
        """Any command that takes --region and --profile."""
        profile = ("--profile", self.profile) if self.profile else ()
        return shlex.join([*words, "--region", self.region, *profile])


def _words(call: AwsCall) -> list[str]:
    words = [_COMMANDS.get(call.service, call.service), xform_name(call.operation, "-")]
    for name, value in call.parameters.items():
        option, text = f"--{xform_name(name, '-')}", value if isinstance(value, str) else json.dumps(value)
        # A value with a hyphen before it, such as the filter pattern -ERROR, would be taken for an option.
        words += [f"{option}={text}"] if text.startswith("-") else [option, text]
    return words

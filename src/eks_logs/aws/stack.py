"""A deployed stack as CloudFormation describes it: its outputs and parameters by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eks_logs.aws.api import AwsApi
from eks_logs.errors import Busy, NotThere, NotUsable, Rejected

# CloudFormation user guide, "Understand CloudFormation stack creation events"; what a rollback ends in is usable, too.
_USABLE = {
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
    *("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
}


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """What the commands need to know of a stack of template.yaml; OUTPUTS and PARAMETERS say from where each comes."""

    name: str
    cluster: str
    function_arn: str
    function_role_arn: str
    kept_bucket: str
    endpoint: str
    domain_arn: str
    index: str
    rotation: str
    document_ids: str

    @property
    def region(self) -> str:
        """The region of the function, and so of all the rest."""
        return self.function_arn.split(":")[3]

    @property
    def function_name(self) -> str:
        """The function's name."""
        return self.function_arn.split(":")[6]

    @property
    def function_role_name(self) -> str:
        """The name of the function's role, without its path."""
        return self.function_role_arn.rpartition("/")[2]


OUTPUTS = {
    "FunctionArn": "function_arn",
    "FunctionRoleArn": "function_role_arn",
    "KeptBucketName": "kept_bucket",
}
PARAMETERS = {
    "ClusterName": "cluster",
    "OpenSearchEndpoint": "endpoint",
    "OpenSearchDomainArn": "domain_arn",
    "IndexName": "index",
    "IndexRotation": "rotation",
    "DocumentIds": "document_ids",
}


def find_stack(api: AwsApi, name: str) -> DeployedStack:
    """The stack of that name.

    Raises:
        NotThere: there is none in this account and region.
        NotUsable: it failed, or is no stack of this template.
        Busy: it is being changed.
    """
    try:
        (described,) = api.call("cloudformation", "describe_stacks", StackName=name)["Stacks"]
    except Rejected as error:
        # CloudFormation has no code of its own for this: it is a ValidationError like any other.
        if "does not exist" not in str(error):
            raise
        raise NotThere(
            f"there is no stack {name} in this account and region; check --stack-name, --region and --profile "
            "(aws cloudformation list-stacks), or deploy it: sam deploy"
        ) from None
    return stack_of(described)


def stack_of(described: Mapping[str, Any]) -> DeployedStack:
    """A stack from what DescribeStacks says of it.

    Raises:
        NotUsable: it failed, or lacks outputs or parameters.
        Busy: it is being changed.
    """
    name = str(described["StackName"])
    _refuse_unusable(name, described)
    outputs = _by_name(described.get("Outputs"), "OutputKey", "OutputValue")
    parameters = _by_name(described.get("Parameters"), "ParameterKey", "ParameterValue")
    missing = [key for key in OUTPUTS if key not in outputs] + [key for key in PARAMETERS if key not in parameters]
    if missing:
        raise NotUsable(
            f"stack {name} lacks {', '.join(missing)}: it is of another template or of an earlier version; deploy this "
            f"one: sam build && sam deploy --stack-name {name}"
        )
    named = {field: outputs[key] for key, field in OUTPUTS.items()}
    return DeployedStack(name=name, **named, **{field: parameters[key] for key, field in PARAMETERS.items()})


def _refuse_unusable(name: str, described: Mapping[str, Any]) -> None:
    status = str(described["StackStatus"])
    if status in _USABLE:
        return
    if status.endswith("_IN_PROGRESS"):
        raise Busy(f"stack {name} is being changed ({status}); run again when CloudFormation has done")
    reason = " ".join(str(described.get("StackStatusReason") or "no reason given").split())
    raise NotUsable(
        f"stack {name} is {status}: {reason}. aws cloudformation describe-stack-events --stack-name {name} tells what "
        "failed; mend that and deploy again"
    )


def _by_name(listed: Iterable[Mapping[str, str]] | None, key: str, value: str) -> dict[str, str]:
    return {one[key]: one[value] for one in listed or ()}

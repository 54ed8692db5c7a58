"""A deployed stack as CloudFormation describes it: its outputs and parameters by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eks_logs.aws.api import AwsApi
from eks_logs.aws.calls import AwsCall, CommandLine
from eks_logs.errors import Busy, NotThere, NotUsable, Rejected, SetupError

# template.yaml's Description, the same in all versions: it tells our stacks from those of other templates.
DESCRIPTION = (
    "Forwards the control-plane logs of one Amazon EKS cluster from CloudWatch Logs to Amazon OpenSearch Service."
)
# CloudFormation user guide, "Stack status codes"; what a rollback of an update ends in is usable, too.
_USABLE = {
    *("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"),
    *("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
}
_DELETE_FIRST = (
    "its first deployment failed, and such a stack can only be deleted: put that right, {delete}, then deploy anew: "
    "{deploy}"
)
_REMEDIES = {
    "CREATE_FAILED": _DELETE_FIRST,
    "ROLLBACK_COMPLETE": _DELETE_FIRST,
    "ROLLBACK_FAILED": _DELETE_FIRST,
    "DELETE_FAILED": "it is half deleted: put that right, delete the rest: {delete}, then deploy anew: {deploy}",
    "UPDATE_FAILED": "put that right and deploy again: {deploy}; or go back: {rollback}",
    "UPDATE_ROLLBACK_FAILED": "put that right, then let it go back: {go_on}",
    "IMPORT_ROLLBACK_FAILED": "put that right, then see what is left: {events}",
}


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """What the commands need to know of a stack of template.yaml; OUTPUTS and PARAMETERS say from where each comes."""

    name: str
    cluster: str
    function_arn: str
    function_role_arn: str
    dead_letter_bucket: str
    endpoint: str
    domain_arn: str
    index: str
    rotation: str
    document_ids: str
    filter_pattern: str
    redact_names: str = ""
    redact_patterns: str = ""

    @property
    def partition(self) -> str:
        """The part of AWS that the account is in: `aws`, `aws-cn`, `aws-us-gov`."""
        return self.function_arn.split(":")[1]

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
    "KeptBucketName": "dead_letter_bucket",
}
PARAMETERS = {
    "ClusterName": "cluster",
    "OpenSearchEndpoint": "endpoint",
    "OpenSearchDomainArn": "domain_arn",
    "IndexName": "index",
    "IndexRotation": "rotation",
    "DocumentIds": "document_ids",
    "FilterPattern": "filter_pattern",
    "RedactNames": "redact_names",
    "RedactPatterns": "redact_patterns",
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
            f"(aws cloudformation list-stacks), or deploy it: sam build && sam deploy --stack-name {name}"
        ) from None
    cause = _cause(api, described) if described["StackStatus"] in _REMEDIES else ""
    return stack_of(described, cause, api.profile)


def stack_of(described: Mapping[str, Any], cause: str = "", profile: str | None = None) -> DeployedStack:
    """A stack from what DescribeStacks says of it.

    Args:
        described: one of the answer's `Stacks`.
        cause: why it failed, if it did and that is known.
        profile: AWS's, for what to type.

    Raises:
        NotUsable: it failed, or is of another template or an earlier version.
        Busy: it is being changed.
    """
    name = str(described["StackName"])
    outputs = _by_name(described.get("Outputs"), "OutputKey", "OutputValue")
    parameters = _by_name(described.get("Parameters"), "ParameterKey", "ParameterValue")
    line = CommandLine(str(described["StackId"]).split(":")[3], profile)
    missing = [key for key in PARAMETERS if key not in parameters]
    is_usable = described["StackStatus"] in _USABLE
    if is_usable:
        missing = [key for key in OUTPUTS if key not in outputs] + missing
    # One that was never deployed has neither, and nothing is known of it.
    if missing and described.get("Description") != DESCRIPTION and described["StackStatus"] != "REVIEW_IN_PROGRESS":
        raise NotUsable(
            f"stack {name} is of another template, as it lacks {', '.join(missing)}: leave it as it is, and name the "
            f"stack of the forwarder with --stack-name; {line.aws(AwsCall('cloudformation', 'ListStacks'))} lists them"
        )
    if not is_usable:
        raise _unusable(described, cause, line)
    if missing:
        raise NotUsable(
            f"stack {name} is of an earlier version, as it lacks {', '.join(missing)}; deploy this one: sam build && "
            f"{line.sam('deploy', name)}"
        )
    named = {field: outputs[key] for key, field in OUTPUTS.items()}
    return DeployedStack(name=name, **named, **{field: parameters[key] for key, field in PARAMETERS.items()})


def _unusable(described: Mapping[str, Any], cause: str, line: CommandLine) -> SetupError:
    name, status = str(described["StackName"]), str(described["StackStatus"])
    stack = {"StackName": name}
    gone = line.run("aws", "cloudformation", "wait", "stack-delete-complete", "--stack-name", name)
    commands = {
        "delete": f"{line.aws(AwsCall('cloudformation', 'DeleteStack', stack))} && {gone}",
        "deploy": line.sam("deploy", name),
        "rollback": line.aws(AwsCall("cloudformation", "RollbackStack", stack)),
        "go_on": line.aws(AwsCall("cloudformation", "ContinueUpdateRollback", stack)),
        "events": line.aws(AwsCall("cloudformation", "DescribeStackEvents", stack)),
    }
    if status == "REVIEW_IN_PROGRESS":
        return NotUsable(
            f"stack {name} is REVIEW_IN_PROGRESS: nothing of it is deployed, as nobody has executed its change set; if "
            f"it is the forwarder's, deploy it and confirm: {commands['deploy']}"
        )
    if status.startswith("DELETE_") and status != "DELETE_FAILED":
        wait = "" if status == "DELETE_COMPLETE" else f"wait until it is gone: {gone}, then "
        return NotUsable(f"stack {name} is {status}; {wait}deploy anew: {commands['deploy']}")
    if status == "ROLLBACK_IN_PROGRESS":
        return Busy(
            f"stack {name} is {status}: its first deployment failed. {commands['events']} tells why; when "
            f"CloudFormation has done, {commands['delete']}"
        )
    if status.endswith("_IN_PROGRESS"):
        return Busy(f"stack {name} is being changed ({status}); run again when CloudFormation has done")
    reason = cause or " ".join(str(described.get("StackStatusReason") or "no reason given").split())
    remedy = _REMEDIES.get(status, "see what failed: {events}").format_map(commands)
    more = "" if cause else f" ({commands['events']} tells what failed)"
    return NotUsable(f"stack {name} is {status}: {reason}{more}; {remedy}")


def _cause(api: AwsApi, described: Mapping[str, Any]) -> str:
    """What failed first in what was last done to the stack, as far as the caller may see it."""
    cause = ""
    begins = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}
    if described["StackStatus"] == "UPDATE_ROLLBACK_FAILED":
        begins.add("UPDATE_ROLLBACK_IN_PROGRESS")
    try:
        for event in api.items(
            "cloudformation", "describe_stack_events", "StackEvents", StackName=described["StackName"]
        ):
            status, reason = str(event.get("ResourceStatus")), str(event.get("ResourceStatusReason") or "")
            is_stack = event.get("PhysicalResourceId") == described["StackId"]
            # Newest first: what the operation failed of comes before its own begin, and the rest was cancelled by it.
            if is_stack and status in begins:
                break
            if not is_stack and status.endswith("_FAILED") and "cancelled" not in reason.lower():
                cause = f"{event.get('LogicalResourceId')}: {' '.join(reason.split())[:400]}"
    except SetupError:
        return ""
    return cause


def _by_name(listed: Iterable[Mapping[str, str]] | None, key: str, value: str) -> dict[str, str]:
    return {one[key]: one[value] for one in listed or ()}

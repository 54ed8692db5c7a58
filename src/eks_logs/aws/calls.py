"""The same changes as commands of the AWS command line, for those who would rather type them."""

import json
import shlex

from eks_logs.aws.control_plane_logging import (
    AwaitLogGroup,
    Change,
    EnableLogTypes,
    Forbid,
    Permit,
    SetRetention,
    Subscribe,
    Unsubscribe,
)


def command_of(change: Change, region: str) -> str:
    """What to type for a change; for what can only be waited for, how to look."""
    if isinstance(change, Permit) and change.replaces:
        remove = Forbid(change.function_arn, change.statement_id)
        create = Permit(change.function_arn, change.statement_id, change.source_arn)
        return f"{command_of(remove, region)} && {command_of(create, region)}"
    return shlex.join(["aws", *_words(change), "--region", region])


def _words(change: Change) -> list[str]:  # noqa: PLR0911 - one for each kind of change
    match change:
        case EnableLogTypes(cluster, log_types):
            logging = json.dumps({"clusterLogging": [{"types": list(log_types), "enabled": True}]})
            return ["eks", "update-cluster-config", "--name", cluster, "--logging", logging]
        case AwaitLogGroup(log_group):
            return ["logs", "describe-log-groups", "--log-group-name-prefix", log_group]
        case SetRetention(log_group, days):
            return ["logs", "put-retention-policy", "--log-group-name", log_group, "--retention-in-days", str(days)]
        case Permit():
            return _permit(change)
        case Forbid(function, statement):
            return ["lambda", "remove-permission", "--function-name", function, "--statement-id", statement]
        case Subscribe():
            return _subscribe(change)
        case Unsubscribe(log_group, name):
            return ["logs", "delete-subscription-filter", "--log-group-name", log_group, "--filter-name", name]


def _permit(change: Permit) -> list[str]:
    return [
        *("lambda", "add-permission", "--function-name", change.function_arn),
        *("--statement-id", change.statement_id, "--action", "lambda:InvokeFunction"),
        *("--principal", "logs.amazonaws.com", "--source-arn", change.source_arn),
    ]


def _subscribe(change: Subscribe) -> list[str]:
    return [
        *("logs", "put-subscription-filter", "--log-group-name", change.log_group),
        *("--filter-name", change.filter.name, "--filter-pattern", change.filter.pattern),
        *("--destination-arn", change.filter.destination_arn),
    ]

"""What IAM allows: a role, by IAM's simulation or its policies, and CloudWatch Logs, by the function's policy.

Source: IAM User Guide, "IAM JSON policy elements reference" and "Policy evaluation logic".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eks_logs.aws.api import AwsApi
from eks_logs.errors import NotThere, Rejected, RightMissing, SetupError

Statement = Mapping[str, Any]

# Condition operators that compare with wildcards; the others that can let CloudWatch Logs in compare as it stands.
_WITH_WILDCARDS = {"arnlike", "arnequals", "stringlike"}
_AS_IT_STANDS = {"stringequals"}


class Decision(StrEnum):
    """What policies say of a right; a conditional one depends on what only a request shows."""

    ALLOWED = "allowed"
    DENIED = "denied"
    NOT_ALLOWED = "not allowed"
    CONDITIONAL = "conditional"


@dataclass(frozen=True, slots=True)
class Right:
    """An action on a resource."""

    action: str
    resource: str

    def __str__(self) -> str:
        """Such as `s3:PutObject on arn:aws:s3:::bucket/key`."""
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True, slots=True)
class RoleRights:
    """What a role may do.

    Attributes:
        decisions: each right that was asked for, and what was found of it.
        reasons: why, where IAM says: a permissions boundary, or a policy of the organization.
        unseen: what could not be read and may say otherwise; nothing where IAM itself decided.
    """

    decisions: Mapping[Right, Decision]
    reasons: Mapping[Right, str]
    unseen: tuple[str, ...] = ()


def statements_of(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """A policy document's statements; a single one may stand there without a list."""
    return tuple(_listed(document.get("Statement")))


def decide(statements: Iterable[Statement], right: Right) -> Decision:
    """What an identity's statements say of a right; conditions are not weighed."""
    applying = [one for one in statements if _applies(one, right)]
    certain = {one.get("Effect") for one in applying if not one.get("Condition")}
    possible = {one.get("Effect") for one in applying if one.get("Condition")}
    if "Deny" in certain:
        return Decision.DENIED
    if "Allow" in certain:
        return Decision.CONDITIONAL if "Deny" in possible else Decision.ALLOWED
    return Decision.CONDITIONAL if "Allow" in possible else Decision.NOT_ALLOWED


def rights_of(api: AwsApi, role_arn: str, rights: Iterable[Right]) -> RoleRights:
    """What a role may do: by IAM's simulation, which sees everything, or else by what the caller may read.

    Raises:
        NotThere: there is no such role.
        SetupError: IAM neither simulates nor lets a policy be read; as the simulation's refusal says.
    """
    try:
        return _simulated(api, role_arn, rights)
    except NotThere:
        raise
    except SetupError as error:
        return _read(api, role_arn, rights, error)


def _simulated(api: AwsApi, role_arn: str, rights: Iterable[Right]) -> RoleRights:
    decisions, reasons = {}, {}
    for right in rights:
        parameters = {"PolicySourceArn": role_arn, "ActionNames": [right.action], "ResourceArns": [right.resource]}
        results = [*api.items("iam", "simulate_principal_policy", "EvaluationResults", **parameters)]
        if not results:
            raise Rejected(f"IAM simulated nothing of {right}")
        (result, *_) = results
        decisions[right] = _decision(result)
        if reason := _reason(result):
            reasons[right] = reason
    return RoleRights(decisions, reasons)


def _decision(result: Mapping[str, Any]) -> Decision:
    if result["EvalDecision"] == "allowed":
        return Decision.ALLOWED
    if result.get("MissingContextValues"):
        return Decision.CONDITIONAL
    return Decision.DENIED if result["EvalDecision"] == "explicitDeny" else Decision.NOT_ALLOWED


def _reason(result: Mapping[str, Any]) -> str:
    if result["EvalDecision"] == "allowed":
        return ""
    if missing := result.get("MissingContextValues"):
        return f"depends on {', '.join(missing)}"
    if (result.get("PermissionsBoundaryDecisionDetail") or {}).get("AllowedByPermissionsBoundary") is False:
        return "the role's permissions boundary does not allow it"
    if (result.get("OrganizationsDecisionDetail") or {}).get("AllowedByOrganizations") is False:
        return "a policy of the organization does not allow it"
    return ""


class _RoleReader:
    """Reads a role's policies; what the caller may not read is noted in `unseen`."""

    def __init__(self, api: AwsApi, role: str) -> None:
        self._api = api
        self._role = role
        self.unseen = ["policies of the organization"]

    @contextmanager
    def _unless_denied(self, what: str) -> Iterator[None]:
        try:
            yield
        except RightMissing as error:
            self.unseen.append(f"{what} ({error.right})")

    def statements(self) -> tuple[Statement, ...]:
        """Those of all its policies, inline and managed."""
        found: list[Statement] = []
        with self._unless_denied("inline policies"):
            for name in self._api.items("iam", "list_role_policies", "PolicyNames", RoleName=self._role):
                with self._unless_denied(f"inline policy {name}"):
                    policy = self._api.call("iam", "get_role_policy", RoleName=self._role, PolicyName=name)
                    found += statements_of(policy["PolicyDocument"])
        with self._unless_denied("managed policies"):
            for one in self._api.items("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=self._role):
                with self._unless_denied(f"managed policy {one['PolicyName']}"):
                    found += self._managed(one["PolicyArn"])
        return tuple(found)

    def boundary(self) -> tuple[Statement, ...] | None:
        """Those of its permissions boundary; None where it has none, or it cannot be read."""
        with self._unless_denied("the permissions boundary"):
            limit = self._api.call("iam", "get_role", RoleName=self._role)["Role"].get("PermissionsBoundary")
            return self._managed(limit["PermissionsBoundaryArn"]) if limit else None
        return None

    def _managed(self, arn: str) -> tuple[Statement, ...]:
        version = self._api.call("iam", "get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = self._api.call("iam", "get_policy_version", PolicyArn=arn, VersionId=version)
        return statements_of(answer["PolicyVersion"]["Document"])


def _read(api: AwsApi, role_arn: str, rights: Iterable[Right], refusal: SetupError) -> RoleRights:
    """By the role's own policies and its boundary, as far as the caller may read them."""
    reader = _RoleReader(api, role_arn.rpartition("/")[2])
    statements, boundary = reader.statements(), reader.boundary()
    if not statements and len(reader.unseen) > 1:
        raise refusal
    decisions, reasons = {}, {}
    for right in rights:
        decisions[right] = decide(statements, right)
        within = Decision.ALLOWED if boundary is None else decide(boundary, right)
        if decisions[right] is Decision.ALLOWED and within is not Decision.ALLOWED:
            decisions[right], reasons[right] = within, "the role's permissions boundary does not allow it"
    return RoleRights(decisions, reasons, tuple(reader.unseen))


def permits_log_group(statement: Statement, source_arn: str) -> bool:
    """Whether a statement of a function's policy lets CloudWatch Logs invoke it for a log group.

    A condition that cannot be judged counts as not fulfilled.

    Args:
        statement: one of a resource-based policy.
        source_arn: what CloudWatch Logs invokes for, `arn:aws:logs:<region>:<account>:log-group:<name>:*`.
    """
    _, _, _, region, account, *_ = source_arn.split(":")
    logs = re.compile(rf"logs\.({re.escape(region)}\.)?amazonaws\.com(\.cn)?")
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    known = {"aws:sourcearn": source_arn, "aws:sourceaccount": account}
    return (
        statement.get("Effect") == "Allow"
        and any(logs.fullmatch(str(service)) for service in services)
        and _matches_any(statement.get("Action"), "lambda:InvokeFunction", re.IGNORECASE)
        and all(_is_fulfilled(*condition, known) for condition in _conditions(statement))
    )


def _conditions(statement: Statement) -> Iterator[tuple[str, str, object]]:
    """Operator, key and values of each, in lower case but for the values."""
    for operator, test in (statement.get("Condition") or {}).items():
        yield from ((operator.lower(), key.lower(), values) for key, values in test.items())


def _is_fulfilled(operator: str, key: str, values: object, known: Mapping[str, str]) -> bool:
    operator = operator.removesuffix("ifexists")
    if operator in _WITH_WILDCARDS:
        return key in known and _matches_any(values, known[key])
    return operator in _AS_IT_STANDS and key in known and known[key] in _listed(values)


def _applies(statement: Statement, right: Right) -> bool:
    """Whether a statement is about a right; NotAction and NotResource stand for everything else."""
    about_action = (
        not _matches_any(statement["NotAction"], right.action, re.IGNORECASE)
        if "NotAction" in statement
        else _matches_any(statement.get("Action"), right.action, re.IGNORECASE)
    )
    about_resource = (
        not _matches_any(statement["NotResource"], right.resource)
        if "NotResource" in statement
        else _matches_any(statement.get("Resource"), right.resource)
    )
    return about_action and about_resource


def _matches_any(patterns: object, text: str, flags: int = 0) -> bool:
    return any(re.fullmatch(_expression(str(pattern)), text, flags) for pattern in _listed(patterns))


def _expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

"""What statements of IAM policies allow, as far as this package needs it: actions, resources, source ARNs.

Source: IAM User Guide, "IAM JSON policy elements reference".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Statement = Mapping[str, Any]


def statements_of(document: Mapping[str, Any]) -> tuple[Statement, ...]:
    """A policy document's statements; a single one may stand there without a list."""
    return tuple(_listed(document.get("Statement")))


def allows(statements: Iterable[Statement], action: str, resource: str) -> bool:
    """Whether an identity's statements allow an action on a resource and none denies it.

    Conditions are not weighed: a statement that has any counts as not allowing, and as not denying.
    """
    applying = [one for one in statements if _applies(one, action, resource) and not one.get("Condition")]
    return {one.get("Effect") for one in applying} == {"Allow"}


def permits_log_group(statement: Statement, source_arn: str) -> bool:
    """Whether a statement of a function's policy lets CloudWatch Logs invoke it for a log group.

    Args:
        statement: one of a resource-based policy.
        source_arn: what CloudWatch Logs invokes for, `arn:aws:logs:<region>:<account>:log-group:<name>:*`.
    """
    principal = statement.get("Principal")
    services = _listed(principal.get("Service")) if isinstance(principal, Mapping) else []
    return (
        statement.get("Effect") == "Allow"
        and any(re.fullmatch(r"logs\.([a-z0-9-]+\.)?amazonaws\.com", str(service)) for service in services)
        and _matches_any(statement.get("Action"), "lambda:InvokeFunction", re.IGNORECASE)
        and all(_matches_any(pattern, source_arn) for pattern in _source_arns(statement))
    )


def _applies(statement: Statement, action: str, resource: str) -> bool:
    return _matches_any(statement.get("Action"), action, re.IGNORECASE) and _matches_any(
        statement.get("Resource"), resource
    )


def _source_arns(statement: Statement) -> list[Any]:
    """The patterns for the source's ARN in a statement's conditions, whatever the operator."""
    tests = [test for test in (statement.get("Condition") or {}).values() if isinstance(test, Mapping)]
    return [pattern for test in tests for key, pattern in test.items() if key.lower() == "aws:sourcearn"]


def _matches_any(patterns: object, text: str, flags: int = 0) -> bool:
    return any(re.fullmatch(_expression(str(pattern)), text, flags) for pattern in _listed(patterns))


def _expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

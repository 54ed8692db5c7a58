from typing import Any

import pytest

from eks_logs.aws.iam import allows, permits_log_group, statements_of

BULK = "arn:aws:es:eu-central-1:123456789012:domain/logs/_bulk"
SOURCE = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/eks/prod/cluster:*"
POST = {"Effect": "Allow", "Action": "es:ESHttpPost", "Resource": BULK}
PERMIT = {
    "Effect": "Allow",
    "Principal": {"Service": "logs.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Condition": {"ArnLike": {"AWS:SourceArn": SOURCE}},
}


def source(pattern: object) -> dict[str, Any]:
    return {**PERMIT, "Condition": {"ArnLike": {"aws:SourceArn": pattern}}}


@pytest.mark.parametrize(
    "statement",
    [
        POST,
        {**POST, "Action": ["es:ESHttpGet", "es:eshttp*"]},
        {**POST, "Resource": ["arn:aws:es:*:123456789012:domain/log?/*"]},
        {**POST, "Action": "*", "Resource": "*"},
    ],
)
def test_statements_that_allow_bulk_requests(statement: dict[str, Any]) -> None:
    assert allows([statement], "es:ESHttpPost", BULK)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [{**POST, "Action": "es:ESHttpGet"}],
        [{**POST, "Resource": "arn:aws:es:eu-central-1:123456789012:domain/logs"}],
        [{**POST, "Resource": BULK.replace("logs", "log.")}],
        [{**POST, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}],
        [POST, {"Effect": "Deny", "Action": "es:*", "Resource": "*"}],
    ],
)
def test_statements_that_do_not(statements: list[dict[str, Any]]) -> None:
    assert not allows(statements, "es:ESHttpPost", BULK)


@pytest.mark.parametrize(
    "statement",
    [
        PERMIT,
        source([SOURCE.replace("prod", "test"), SOURCE.replace("prod", "*")]),
        {**PERMIT, "Principal": {"Service": ["logs.eu-central-1.amazonaws.com"]}},
        {name: value for name, value in PERMIT.items() if name != "Condition"},
    ],
)
def test_statements_that_let_cloudwatch_logs_invoke(statement: dict[str, Any]) -> None:
    assert permits_log_group(statement, SOURCE)


@pytest.mark.parametrize(
    "statement",
    [
        source(SOURCE.replace("prod", "test")),
        source(SOURCE.removesuffix(":*")),
        {**PERMIT, "Effect": "Deny"},
        {**PERMIT, "Action": "lambda:GetFunction"},
        {**PERMIT, "Principal": {"Service": "s3.amazonaws.com"}},
        {**PERMIT, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
    ],
)
def test_statements_that_do_not_let_it(statement: dict[str, Any]) -> None:
    assert not permits_log_group(statement, SOURCE)


def test_a_single_statement_needs_no_list() -> None:
    assert statements_of({"Statement": POST}) == statements_of({"Statement": [POST]}) == (POST,)

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from eks_logs.aws.iam import Decision, Right, RoleRights, decide, permits_log_group, rights_of, statements_of
from eks_logs.errors import NotThere, RightMissing
from tests.aws_account import GRANTED, NUMBER, REQUEST_ID, ROLE, Account, open_account, policy

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


WHOLE = Right("es:ESHttpPost", BULK)
IF_NEAR = {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}


@pytest.mark.parametrize(
    "statement",
    [
        POST,
        {**POST, "Action": ["es:ESHttpGet", "es:eshttp*"]},
        {**POST, "Resource": ["arn:aws:es:*:123456789012:domain/log?/*"]},
        {**POST, "Action": "*", "Resource": "*"},
        {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "es:*", "NotResource": "arn:aws:es:*:*:domain/other/*"},
    ],
)
def test_statements_that_allow_bulk_requests(statement: dict[str, Any]) -> None:
    assert decide([statement], WHOLE) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("statements", "decision"),
    [
        ([], Decision.NOT_ALLOWED),
        ([{**POST, "Action": "es:ESHttpGet"}], Decision.NOT_ALLOWED),
        ([{**POST, "Resource": "arn:aws:es:eu-central-1:123456789012:domain/logs"}], Decision.NOT_ALLOWED),
        ([{**POST, "Resource": BULK.replace("logs", "log.")}], Decision.NOT_ALLOWED),
        ([{"Effect": "Allow", "NotAction": "es:*", "Resource": "*"}], Decision.NOT_ALLOWED),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:es:*"}], Decision.NOT_ALLOWED),
        ([POST, {"Effect": "Deny", "Action": "es:*", "Resource": "*"}], Decision.DENIED),
        ([{**POST, **IF_NEAR}], Decision.CONDITIONAL),
        ([POST, {"Effect": "Deny", "Action": "*", "Resource": "*", **IF_NEAR}], Decision.CONDITIONAL),
        ([{**POST, **IF_NEAR}, {"Effect": "Deny", "Action": "*", "Resource": "*"}], Decision.DENIED),
        ([POST, {**POST, **IF_NEAR}], Decision.ALLOWED),
    ],
)
def test_statements_that_do_not_or_may_not(statements: list[dict[str, Any]], decision: Decision) -> None:
    assert decide(statements, WHOLE) is decision


@pytest.mark.parametrize(
    "statement",
    [
        PERMIT,
        source([SOURCE.replace("prod", "test"), SOURCE.replace("prod", "*")]),
        {**PERMIT, "Principal": {"Service": ["logs.eu-central-1.amazonaws.com"]}},
        {name: value for name, value in PERMIT.items() if name != "Condition"},
        {**PERMIT, "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}}},
        {**PERMIT, "Condition": {"StringLikeIfExists": {"aws:SourceArn": SOURCE}}},
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
        {**PERMIT, "Principal": {"Service": "logs.us-east-1.amazonaws.com"}},
        {**PERMIT, "Condition": {"ArnNotLike": {"AWS:SourceArn": SOURCE}}},
        {**PERMIT, "Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}}},
        {**PERMIT, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
    ],
)
def test_statements_that_do_not_let_it(statement: dict[str, Any]) -> None:
    assert not permits_log_group(statement, SOURCE)


@pytest.mark.parametrize("service", ["logs.cn-north-1.amazonaws.com.cn", "logs.amazonaws.com.cn"])
def test_in_china_cloudwatch_logs_has_a_suffix_of_its_own(service: str) -> None:
    source_arn = SOURCE.replace("arn:aws:", "arn:aws-cn:").replace("eu-central-1", "cn-north-1")
    statement = {**source(source_arn), "Principal": {"Service": service}}
    assert permits_log_group(statement, source_arn)
    assert not permits_log_group(statement, source_arn.replace("prod", "test"))


def test_a_single_statement_needs_no_list() -> None:
    assert statements_of({"Statement": POST}) == statements_of({"Statement": [POST]}) == (POST,)


ROLE_ARN = f"arn:aws:iam::{NUMBER}:role/{ROLE}"
PUT = Right("s3:PutObject", "arn:aws:s3:::kept-by-the-stack/dead-letters/key")
MANAGED = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
ALLOWED = {"EvalDecision": "allowed"}


@pytest.fixture
def account() -> Iterator[Account]:
    with open_account() as opened:
        opened.make_role(ROLE)
        yield opened


def attach(account: Account, name: str, *statements: dict[str, Any]) -> str:
    arn: str = account.client("iam").create_policy(PolicyName=name, PolicyDocument=policy(*statements))["Policy"]["Arn"]
    return arn


def rights(account: Account) -> RoleRights:
    return rights_of(account.api, ROLE_ARN, (WHOLE, PUT))


def test_iam_itself_is_asked_where_the_caller_may(account: Account) -> None:
    account.simulations = {"es:ESHttpPost": ALLOWED, "s3:PutObject": {"EvalDecision": "explicitDeny"}}
    found = rights(account)
    assert dict(found.decisions) == {WHOLE: Decision.ALLOWED, PUT: Decision.DENIED}
    assert found.unseen == ()
    assert account.simulated[0]["PolicySourceArn"] == ROLE_ARN
    assert account.simulated[0]["ResourceArns.member.1"] == BULK


@pytest.mark.parametrize(
    ("result", "decision", "reason"),
    [
        (
            {
                "EvalDecision": "implicitDeny",
                "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
            },
            Decision.NOT_ALLOWED,
            "permissions boundary",
        ),
        (
            {"EvalDecision": "implicitDeny", "OrganizationsDecisionDetail": {"AllowedByOrganizations": False}},
            Decision.NOT_ALLOWED,
            "policy of the organization",
        ),
        (
            {"EvalDecision": "implicitDeny", "MissingContextValues": ["aws:SourceVpce"]},
            Decision.CONDITIONAL,
            "depends on aws:SourceVpce",
        ),
    ],
)
def test_why_iam_does_not_allow_it_is_told(
    account: Account, result: dict[str, Any], decision: Decision, reason: str
) -> None:
    account.simulations = {"es:ESHttpPost": ALLOWED, "s3:PutObject": result}
    found = rights(account)
    assert found.decisions[PUT] is decision
    assert reason in found.reasons[PUT]


def test_else_the_roles_own_policies_are_read_and_what_is_not_seen_is_said(account: Account) -> None:
    found = rights(account)
    assert set(found.decisions.values()) == {Decision.ALLOWED}
    assert found.unseen == ("policies of the organization",)


def test_managed_policies_count(account: Account) -> None:
    account.client("iam").delete_role_policy(RoleName=ROLE, PolicyName="forward")
    account.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=attach(account, "granting", *GRANTED))
    assert set(rights(account).decisions.values()) == {Decision.ALLOWED}
    account.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=attach(account, "denying", MANAGED))
    assert dict(rights(account).decisions) == {WHOLE: Decision.ALLOWED, PUT: Decision.DENIED}


def test_a_permissions_boundary_takes_away(account: Account) -> None:
    boundary = attach(account, "boundary", POST)
    account.client("iam").put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=boundary)
    found = rights(account)
    assert dict(found.decisions) == {WHOLE: Decision.ALLOWED, PUT: Decision.NOT_ALLOWED}
    assert "permissions boundary" in found.reasons[PUT]


def refuse(account: Account, *operations: str) -> None:
    """IAM does not let the caller do these."""
    refused = {"Error": {"Code": "AccessDenied", "Message": "no"}, "ResponseMetadata": REQUEST_ID}
    for operation in operations:
        account.client("iam").meta.events.register(
            f"before-call.iam.{operation}", lambda **_: (AWSResponse("", 403, {}, None), refused)
        )


def test_what_the_caller_may_not_read_is_named(account: Account) -> None:
    account.client("iam").attach_role_policy(RoleName=ROLE, PolicyArn=attach(account, "denying", MANAGED))
    refuse(account, "GetPolicyVersion", "GetRole")
    found = rights(account)
    assert set(found.decisions.values()) == {Decision.ALLOWED}
    assert found.unseen == (
        "policies of the organization",
        "managed policy denying (iam:GetPolicyVersion)",
        "the permissions boundary (iam:GetRole)",
    )


def test_a_caller_who_may_see_nothing_learns_which_right_would_do(account: Account) -> None:
    refuse(account, "ListRolePolicies", "ListAttachedRolePolicies", "GetRole")
    with pytest.raises(RightMissing, match="iam:SimulatePrincipalPolicy"):
        rights(account)


def test_a_role_that_is_not_there_is_not_there(account: Account) -> None:
    with pytest.raises(NotThere):
        rights_of(account.api, f"{ROLE_ARN}-of-nobody", (WHOLE,))

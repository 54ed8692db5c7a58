"""An AWS account in memory (moto), with a cluster, its log group and the stack's parts, for tests of the AWS side."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from moto import mock_aws

from eks_logs.aws.api import AwsApi
from eks_logs.aws.log_subscription import DesiredLogging, LoggingReader
from eks_logs.aws.stack import DeployedStack
from eks_logs.aws.steps import Waiting
from forwarder.sources import EKS_LOG_TYPES

REGION = "eu-central-1"
NUMBER = "123456789012"
CLUSTER = "prod"
LOG_GROUP = "/aws/eks/prod/cluster"
BUCKET = "kept-by-the-stack"
ROLE = "forwarder"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{NUMBER}:function:forwarder"
DOMAIN_ARN = f"arn:aws:es:{REGION}:{NUMBER}:domain/logs"
STACK = DeployedStack(
    name="eks-logs",
    cluster=CLUSTER,
    function_arn=FUNCTION_ARN,
    function_role_arn=f"arn:aws:iam::{NUMBER}:role/{ROLE}",
    dead_letter_bucket=BUCKET,
    endpoint="https://logs.example.com",
    domain_arn=DOMAIN_ARN,
    index="eks-control-plane-logs",
    rotation="none",
    document_ids="event",
    filter_pattern="",
)
VARIABLES = {"OPENSEARCH_ENDPOINT": STACK.endpoint, "INDEX_NAME": STACK.index, "INDEX_ROTATION": STACK.rotation}
# What each of AWS's answers says and no proxy's page does; botocore's Stubber says it only if told.
REQUEST_ID = {"RequestId": "0a1b"}
OF_AWS = {"ResponseMetadata": REQUEST_ID}
GRANTED = (
    {"Effect": "Allow", "Action": "es:ESHttpPost", "Resource": f"{DOMAIN_ARN}/_bulk"},
    {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/dead-letters/*"},
    {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/aws/lambda/async/*"},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
)
STREAMS = {
    "api": "kube-apiserver-0a1b",
    "audit": "kube-apiserver-audit-0a1b",
    "authenticator": "authenticator-0a1b",
    "controllerManager": "cloud-controller-manager-0a1b",
    "scheduler": "kube-scheduler-0a1b",
}


@dataclass
class Timeline:
    """A clock that only sleeping moves; what happens meanwhile is said beforehand, by the number of the sleep."""

    events: dict[int, Any] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    now: float = 1000.0
    sleeps: int = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps += 1
        if self.sleeps in self.events:
            self.events[self.sleeps]()

    def waiting(self) -> Waiting:
        return Waiting(lambda: self.now, self.sleep, self.told.append)


class Account:
    """The account; what a test needs in it is made by the methods."""

    def __init__(self, endpoint_url: str | None = None) -> None:
        self._endpoint_url = endpoint_url
        self.session = boto3.Session("test", "test", region_name=REGION)
        self.clients: dict[str, Any] = {}
        self.api = AwsApi(self.client)
        self.simulations: dict[str, dict[str, Any]] = {}
        self.simulated: list[dict[str, Any]] = []

    def client(self, service: str) -> Any:
        if service not in self.clients:
            # Refusals are no passing trouble here: to ask again would only take time.
            config = Config(retries={"total_max_attempts": 1})
            client = self.session.client(service, config=config, endpoint_url=self._endpoint_url)
            client.meta.events.register("before-call.iam.SimulatePrincipalPolicy", self._simulate)
            self.clients[service] = client
        return self.clients[service]

    def _simulate(self, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        """IAM's answer at the wire, as told in `simulations`, by action; moto has no such operation."""
        self.simulated.append(params["body"])
        results = self.simulations.get(params["body"]["ActionNames.member.1"])
        if results is None:
            refused = {"Error": {"Code": "AccessDenied", "Message": "not authorized to perform: iam:Simulate"}}
            return AWSResponse("", 403, {}, None), OF_AWS | refused
        return AWSResponse("", 200, {}, None), OF_AWS | {"EvaluationResults": [results], "IsTruncated": False}

    def logging(self) -> LoggingReader:
        return LoggingReader(self.api, DesiredLogging(CLUSTER, FUNCTION_ARN))

    def make_cluster(self, log_types: tuple[str, ...] = EKS_LOG_TYPES) -> None:
        off = [log_type for log_type in EKS_LOG_TYPES if log_type not in log_types]
        setups = [{"types": list(log_types), "enabled": True}, {"types": off, "enabled": False}]
        self.client("eks").create_cluster(
            name=CLUSTER,
            roleArn=f"arn:aws:iam::{NUMBER}:role/eks",
            resourcesVpcConfig={"subnetIds": []},
            logging={"clusterLogging": setups},
        )

    def make_log_group(self, name: str = LOG_GROUP) -> None:
        self.client("logs").create_log_group(logGroupName=name)

    def make_function(self, name: str = "forwarder") -> str:
        bundle = io.BytesIO()
        with zipfile.ZipFile(bundle, "w") as archive:
            archive.writestr("forwarder.py", "")
        arn: str = self.client("lambda").create_function(
            FunctionName=name,
            Role=self.make_role(f"{ROLE}-of-{name}" if name != "forwarder" else ROLE),
            Runtime="python3.13",
            Handler="forwarder.handler",
            Code={"ZipFile": bundle.getvalue()},
            Environment={"Variables": VARIABLES},
        )["FunctionArn"]
        return arn

    def make_role(self, name: str) -> str:
        iam = self.client("iam")
        role: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="forward", PolicyDocument=policy(*GRANTED))
        return role

    def make_filter(self, name: str, destination_arn: str = FUNCTION_ARN, pattern: str = "") -> None:
        self.client("logs").put_subscription_filter(
            logGroupName=LOG_GROUP, filterName=name, filterPattern=pattern, destinationArn=destination_arn
        )

    def permit(self, statement_id: str, log_group: str = LOG_GROUP) -> None:
        self.client("lambda").add_permission(
            FunctionName=FUNCTION_ARN,
            StatementId=statement_id,
            Action="lambda:InvokeFunction",
            Principal="logs.amazonaws.com",
            SourceArn=f"arn:aws:logs:{REGION}:{NUMBER}:log-group:{log_group}:*",
        )

    def filter_names(self) -> list[str]:
        found = self.client("logs").describe_subscription_filters(logGroupName=LOG_GROUP)["subscriptionFilters"]
        return [one["filterName"] for one in found]

    def statement_ids(self) -> list[str]:
        statements = json.loads(self.client("lambda").get_policy(FunctionName=FUNCTION_ARN)["Policy"])["Statement"]
        return [statement["Sid"] for statement in statements]

    def write_streams(self, milliseconds: int, log_types: tuple[str, ...] = EKS_LOG_TYPES) -> None:
        for log_type in log_types:
            stream = {"logGroupName": LOG_GROUP, "logStreamName": STREAMS[log_type]}
            self.client("logs").create_log_stream(**stream)
            self.client("logs").put_log_events(**stream, logEvents=[{"timestamp": milliseconds, "message": "x"}])

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@contextmanager
def open_account() -> Iterator[Account]:
    """An empty account; Docker is never used."""
    with mock_aws(config={"lambda": {"use_docker": False}}):
        account = Account()
        yield account
        account.close()

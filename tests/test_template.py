"""template.yaml as plain data, and as the CloudFormation that SAM makes of it."""

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from forwarder.errors import SettingsError
from forwarder.settings import METRICS_NAMESPACE, read_settings
from tests.stack_template import Json, alarms, read_template, resolved
from tests.test_settings import ENVIRONMENT

ROOT = Path(__file__).parent.parent
SAM_PYTHON = ROOT / ".venv-sam/bin/python"
INDEX_TEMPLATE_PATTERN = "eks-control-plane-logs*"
# Those with the dimension FunctionName (AWS Lambda developer guide, "Types of metrics for Lambda functions").
LAMBDA_METRICS = {"Errors", "Throttles", "AsyncEventsDropped", "DestinationDeliveryFailures"}
ONE_DAY = 86_400
CONSTRAINTS = {"AllowedPattern", "AllowedValues", "MinValue", "MaxValue"}

# SAM's own translator, offline. The template attaches no managed policy, so there is none to look up.
TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
class NoManagedPolicies:
    def load(self): return {}
print(json.dumps(transform(json.load(sys.stdin), {}, NoManagedPolicies())))
"""


def transformed(source: Json, region: str = "eu-central-1") -> Json:
    """The resources that SAM makes of a template in a region, by logical id."""
    packaged = copy.deepcopy(source)
    # The translator wants the bundle where `sam package` would have put it; nothing is read from there.
    packaged["Resources"]["ForwarderFunction"]["Properties"]["CodeUri"] = "s3://bucket/bundle.zip"
    run = subprocess.run(  # noqa: S603 - our own interpreter and script; no shell
        [SAM_PYTHON, "-c", TRANSLATE],
        input=json.dumps(packaged),
        env={"AWS_DEFAULT_REGION": region},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    resources: Json = json.loads(run.stdout)["Resources"]
    return resources


@pytest.fixture(scope="module")
def template() -> Json:
    return read_template()


@pytest.fixture(scope="module")
def conditional(template: Json) -> Json:
    """The resources, whatever the parameters."""
    return transformed(template)


@pytest.fixture(scope="module")
def resources(conditional: Json) -> Json:
    """The resources as the parameters' defaults make them."""
    found: Json = resolved(conditional)
    return found


def only(resources: Json, kind: str) -> Json:
    """The properties of the one resource of this type."""
    (found,) = (resource for resource in resources.values() if resource["Type"] == kind)
    properties: Json = found["Properties"]
    return properties


def nodes(value: object) -> Iterator[Json]:
    """Every mapping inside a value, at any depth."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from nodes(child)


def texts(value: object) -> Iterator[str]:
    """Every string inside a value, at any depth."""
    if isinstance(value, str):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from texts(child)


MADE_BUCKET = {"Fn::GetAtt": ["KeptBucket", "Arn"]}
SUBSCRIPTION = "ForwarderFunctionControlPlaneLogs"
INVOKE_CONFIG = "ForwarderFunctionEventInvokeConfig"
# Each with its reason in the template.
EXCEPTIONS = {"AttachToVpc"}


def too_wide(resources: Json) -> list[str]:
    """What grants more than it names: wildcards, negations, and managed policies, which hold wildcards."""
    statements = [
        node for node in nodes(resources) if node.get("Effect") == "Allow" and node.get("Sid") not in EXCEPTIONS
    ]
    managed = [arn for node in nodes(resources) for arn in texts(node.get("ManagedPolicyArns"))]
    return managed + [fault for statement in statements for fault in faults(statement)]


def faults(statement: Json) -> Iterator[str]:
    yield from (key for key in ("NotAction", "NotResource", "NotPrincipal") if key in statement)
    yield from (text for text in texts([statement.get("Action"), statement.get("Principal")]) if "*" in text)
    # A wildcard below something of this template, such as ${Bucket.Arn}/*, still names what it opens.
    yield from (text for text in texts(statement.get("Resource")) if "*" in text and not text.startswith("${"))


@pytest.mark.parametrize("true", [(), ("IsServerless",), ("IsInVpc", "HasKmsKey")])
def test_nothing_in_the_stack_grants_more_than_it_names(conditional: Json, true: tuple[str, ...]) -> None:
    assert too_wide(resolved(conditional, frozenset(true))) == []


def test_in_a_vpc_lambda_makes_the_network_interfaces_and_the_function_may_not(conditional: Json) -> None:
    assert "AttachToVpc" not in {node.get("Sid") for node in nodes(resolved(conditional))}
    inside = resolved(conditional, frozenset({"IsInVpc"}))
    policies = only(inside, "AWS::IAM::Role")["Policies"]
    allowed, denied = next(policy for policy in policies if policy["PolicyName"] == "attach-to-vpc")["PolicyDocument"][
        "Statement"
    ]
    assert (allowed["Effect"], {action.split(":")[0] for action in allowed["Action"]}) == ("Allow", {"ec2"})
    assert (denied["Effect"], denied["Action"], denied["Resource"]) == ("Deny", "ec2:*", "*")
    assert denied["Condition"] == {"Null": {"lambda:SourceFunctionArn": "false"}}
    assert only(inside, "AWS::Lambda::Function")["VpcConfig"] == {
        "SubnetIds": {"Ref": "SubnetIds"},
        "SecurityGroupIds": {"Ref": "SecurityGroupIds"},
    }


def test_a_key_of_ones_own_encrypts_everything_that_is_kept(conditional: Json) -> None:
    key = {"Ref": "KmsKeyArn"}
    keyed = resolved(conditional, frozenset({"HasKmsKey"}))
    (rule,) = only(keyed, "AWS::S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    assert only(keyed, "AWS::Logs::LogGroup")["KmsKeyId"] == key
    assert only(keyed, "AWS::Lambda::Function")["KmsKeyArn"] == key
    policies = only(keyed, "AWS::IAM::Role")["Policies"]
    (use,) = next(policy for policy in policies if policy["PolicyName"] == "use-key")["PolicyDocument"]["Statement"]
    assert (use["Action"], use["Resource"]) == (["kms:Decrypt", "kms:GenerateDataKey"], key)


def test_a_serverless_collection_is_written_to_by_its_own_action(conditional: Json) -> None:
    (policy,) = only(resolved(conditional, frozenset({"IsServerless"})), "AWS::IAM::Role")["Policies"]
    statement = policy["PolicyDocument"]["Statement"][0]
    assert (statement["Action"], statement["Resource"]) == ("aoss:APIAccessAll", {"Ref": "OpenSearchDomainArn"})


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        ({"Action": "*", "Resource": "arn:aws:s3:::logs"}, ["*"]),
        ({"Action": ["logs:PutLogEvents", "es:*"], "Resource": {"Ref": "Domain"}}, ["es:*"]),
        ({"Action": "es:ESHttp*", "Resource": {"Ref": "Domain"}}, ["es:ESHttp*"]),
        ({"Action": "es:ESHttpPost", "Resource": "*"}, ["*"]),
        ({"Action": "es:ESHttpPost", "Resource": [{"Ref": "Domain"}, "arn:aws:es:*:*:*"]}, ["arn:aws:es:*:*:*"]),
        (
            {"Action": "es:ESHttpPost", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:es:*"}},
            ["arn:${AWS::Partition}:es:*"],
        ),
        ({"NotAction": "iam:PassRole", "Resource": {"Ref": "Domain"}}, ["NotAction"]),
        ({"Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}, ["*"]),
        ({"Action": "s3:PutObject", "Resource": {"Fn::Sub": "${Bucket.Arn}/*"}}, []),
    ],
)
def test_a_statement_that_is_too_wide_is_found(resources: Json, broken: Json, found: list[str]) -> None:
    resources = copy.deepcopy(resources)
    policy = resources["ForwarderRole"]["Properties"]["Policies"][0]["PolicyDocument"]
    policy["Statement"].append({"Effect": "Allow", **broken})
    assert too_wide(resources) == found


def test_a_role_made_by_sam_would_be_too_wide(template: Json) -> None:
    without_role = copy.deepcopy(template)
    del without_role["Resources"]["ForwarderFunction"]["Properties"]["Role"]
    assert "AWSLambdaBasicExecutionRole" in [arn.rpartition("/")[2] for arn in too_wide(transformed(without_role))]


def test_the_function_may_send_bulk_requests_keep_what_failed_and_write_its_own_log_only(resources: Json) -> None:
    (policy,) = only(resources, "AWS::IAM::Role")["Policies"]
    assert [(rule["Effect"], rule["Action"], rule["Resource"]) for rule in policy["PolicyDocument"]["Statement"]] == [
        ("Allow", "es:ESHttpPost", {"Fn::Sub": "${OpenSearchDomainArn}/_bulk"}),
        ("Allow", "s3:PutObject", {"Fn::Sub": ["${Bucket}/dead-letters/*", {"Bucket": MADE_BUCKET}]}),
        ("Allow", "s3:PutObject", {"Fn::Sub": ["${Bucket}/aws/lambda/async/*", {"Bucket": MADE_BUCKET}]}),
        ("Allow", "s3:ListBucket", MADE_BUCKET),
        ("Allow", ["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["ForwarderLogGroup", "Arn"]}),
    ]


def test_only_lambda_assumes_the_role_that_the_function_has(resources: Json) -> None:
    (trust,) = only(resources, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    assert only(resources, "AWS::Lambda::Function")["Role"] == {"Fn::GetAtt": ["ForwarderRole", "Arn"]}


def test_every_record_of_the_clusters_log_group_is_subscribed(template: Json, resources: Json) -> None:
    subscription = only(resources, "AWS::Logs::SubscriptionFilter")
    assert subscription["FilterPattern"] == {"Ref": "FilterPattern"}
    assert template["Parameters"]["FilterPattern"]["Default"] == ""
    assert subscription["LogGroupName"] == {"Fn::Sub": "/aws/eks/${ClusterName}/cluster"}
    assert subscription["DestinationArn"] == {"Fn::GetAtt": ["ForwarderFunction", "Arn"]}


def test_cloudwatch_logs_may_invoke_the_function_for_that_log_group_only(resources: Json) -> None:
    permission = only(resources, "AWS::Lambda::Permission")
    assert permission["Principal"] == "logs.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"] == (
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/eks/${ClusterName}/cluster:*"
    )


def test_china_has_a_name_of_its_own_for_cloudwatch_logs(template: Json, conditional: Json) -> None:
    permission = only(resolved(conditional, frozenset({"IsChina"})), "AWS::Lambda::Permission")
    assert permission["Principal"] == {"Fn::Sub": "logs.${AWS::Region}.${AWS::URLSuffix}"}
    assert template["Conditions"]["IsChina"] == {"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]}


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_no_arn_is_of_the_commercial_partition_alone(template: Json, region: str) -> None:
    made = transformed(template, region)
    assert [text for text in texts(made) if "arn:aws:" in text] == []


def test_nothing_is_sent_before_cloudwatch_logs_may_invoke_and_what_fails_is_kept(resources: Json) -> None:
    permission = "ForwarderFunctionControlPlaneLogsPermission"
    assert sorted(resources[SUBSCRIPTION]["DependsOn"]) == sorted([permission, INVOKE_CONFIG])
    assert resources[permission]["Properties"]["FunctionName"] == {"Ref": "ForwarderFunction"}


def test_subscription_and_permission_have_the_names_that_sam_gave_them_in_earlier_versions(
    template: Json, resources: Json
) -> None:
    """An update would else make a second filter beside the first, and a log group has two at most."""
    earlier = copy.deepcopy(template)
    names = (SUBSCRIPTION, f"{SUBSCRIPTION}Permission", INVOKE_CONFIG)
    ours = [earlier["Resources"].pop(name) for name in names]
    group = {"LogGroupName": {"Fn::Sub": "/aws/eks/${ClusterName}/cluster"}, "FilterPattern": {"Ref": "FilterPattern"}}
    earlier["Resources"]["ForwarderFunction"]["Properties"] |= {
        "Events": {"ControlPlaneLogs": {"Type": "CloudWatchLogs", "Properties": group}},
        "EventInvokeConfig": {"MaximumRetryAttempts": 2},
    }
    by_sam = transformed(earlier)
    assert [by_sam[name]["Type"] for name in names] == [one["Type"] for one in ours]
    assert by_sam.keys() == resources.keys()
    assert by_sam[INVOKE_CONFIG]["Properties"]["Qualifier"] == ours[2]["Properties"]["Qualifier"]


def test_the_functions_own_log_is_not_the_one_it_reads(resources: Json) -> None:
    group = only(resources, "AWS::Logs::LogGroup")
    assert group["LogGroupName"]["Fn::Sub"].startswith("/aws/lambda/")
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_log_lines_and_metrics_reach_cloudwatch_as_they_were_printed(resources: Json) -> None:
    logging = only(resources, "AWS::Lambda::Function")["LoggingConfig"]
    assert logging == {"LogGroup": {"Ref": "ForwarderLogGroup"}, "LogFormat": "Text"}


def test_an_event_that_fails_for_good_is_kept_whole(resources: Json) -> None:
    config = only(resources, "AWS::Lambda::EventInvokeConfig")
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": MADE_BUCKET}}
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (2, 21600)


def test_the_bucket_is_private_encrypted_and_outlives_the_stack(template: Json, resources: Json) -> None:
    bucket = only(resources, "AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == {"Ref": "KeptDays"}
    for name in ("KeptBucket", "KeptBucketPolicy"):
        kept = template["Resources"][name]
        assert (kept["DeletionPolicy"], kept["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    (denied,) = only(resources, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_bucket_that_is_there_takes_the_place_of_the_stacks_own(template: Json, conditional: Json) -> None:
    ours = resolved(conditional, frozenset({"HasExistingBucket"}))
    assert {name for name, one in ours.items() if one.get("Condition") == "MakesBucket"} == {
        "KeptBucket",
        "KeptBucketPolicy",
    }
    left = {name: one for name, one in ours.items() if one.get("Condition") != "MakesBucket"}
    assert [text for text in texts(left) if "KeptBucket" in text] == []
    assert [node for node in nodes(left) if node.get("Ref") == "KeptBucket"] == []
    arn = {"Fn::Sub": "arn:${AWS::Partition}:s3:::${ExistingBucketName}"}
    assert only(left, "AWS::Lambda::EventInvokeConfig")["DestinationConfig"]["OnFailure"]["Destination"] == arn
    variables = only(left, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert variables["DEAD_LETTER_BUCKET"] == {"Ref": "ExistingBucketName"}
    assert too_wide(left) == []
    named = resolved(template["Outputs"]["KeptBucketName"]["Value"], frozenset({"HasExistingBucket"}))
    assert named == {"Ref": "ExistingBucketName"}
    is_empty = {"Fn::Equals": [{"Ref": "ExistingBucketName"}, ""]}
    assert template["Conditions"]["MakesBucket"] == is_empty
    assert template["Conditions"]["HasExistingBucket"] == {"Fn::Not": [is_empty]}


def test_a_permissions_boundary_is_on_the_role_where_one_is_named(resources: Json, conditional: Json) -> None:
    assert "PermissionsBoundary" not in only(resources, "AWS::IAM::Role")
    bounded = resolved(conditional, frozenset({"HasPermissionsBoundary"}))
    assert only(bounded, "AWS::IAM::Role")["PermissionsBoundary"] == {"Ref": "PermissionsBoundaryArn"}


def test_certificates_of_ones_own_come_in_a_layer(resources: Json, conditional: Json) -> None:
    function = only(resources, "AWS::Lambda::Function")
    assert "Layers" not in function
    assert "OPENSEARCH_CA_FILE" not in function["Environment"]["Variables"]
    layered = only(resolved(conditional, frozenset({"HasCaLayer"})), "AWS::Lambda::Function")
    assert layered["Layers"] == [{"Ref": "CaLayerArn"}]
    assert layered["Environment"]["Variables"]["OPENSEARCH_CA_FILE"] == "/opt/ca.pem"


def test_the_stacks_own_tags_are_left_to_sam_deploy(resources: Json) -> None:
    """CloudFormation hands those of --tags on to every resource that does not say otherwise."""
    tags = [tag for one in resources.values() for tag in one["Properties"].get("Tags", [])]
    assert tags == [{"Key": "lambda:createdBy", "Value": "SAM"}]


@pytest.mark.parametrize(
    ("parameter", "variable"),
    [
        ("BulkBytes", "BULK_BYTES"),
        ("BulkRequestsInFlight", "BULK_REQUESTS_IN_FLIGHT"),
        ("OpenSearchTimeoutSeconds", "OPENSEARCH_TIMEOUT_SECONDS"),
        ("MaxPayloadBytes", "MAX_PAYLOAD_BYTES"),
    ],
)
def test_a_number_that_the_stack_takes_is_one_that_the_function_takes(
    template: Json, resources: Json, parameter: str, variable: str
) -> None:
    asked = template["Parameters"][parameter]
    assert only(resources, "AWS::Lambda::Function")["Environment"]["Variables"][variable] == {"Ref": parameter}
    assert read_settings(ENVIRONMENT | {variable: str(asked["Default"])}) == read_settings(ENVIRONMENT)
    for accepted in (asked["MinValue"], asked["MaxValue"]):
        read_settings(ENVIRONMENT | {variable: str(accepted)})
    for refused in (asked["MinValue"] - 1, asked["MaxValue"] + 1):
        with pytest.raises(SettingsError, match=variable):
            read_settings(ENVIRONMENT | {variable: str(refused)})


def test_the_functions_variables_are_those_that_it_reads(resources: Json) -> None:
    variables = only(resources, "AWS::Lambda::Function")["Environment"]["Variables"]
    settings = (ROOT / "src" / "forwarder" / "settings.py").read_text()
    assert [name for name in variables if f'"{name}"' not in settings] == []
    assert variables["DEAD_LETTER_BUCKET"] == {"Ref": "KeptBucket"}


def test_runtime_architecture_and_handler(template: Json, resources: Json) -> None:
    function = only(resources, "AWS::Lambda::Function")
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", [{"Ref": "FunctionArchitecture"}])
    architecture = template["Parameters"]["FunctionArchitecture"]
    assert (architecture["Default"], architecture["AllowedValues"]) == ("arm64", ["arm64", "x86_64"])
    assert function["Handler"] == "forwarder.handler.handler"


def test_there_is_no_tracing(template: Json, resources: Json) -> None:
    assert only(template["Resources"], "AWS::Serverless::Function")["Tracing"] == "Disabled"
    assert "TracingConfig" not in only(resources, "AWS::Lambda::Function")
    assert [text for text in texts(only(resources, "AWS::IAM::Role")) if "xray" in text.lower()] == []


def test_an_alarm_watches_a_metric_of_lambda_or_of_this_stack_alone(template: Json, resources: Json) -> None:
    variables = only(resources, "AWS::Lambda::Function")["Environment"]["Variables"]
    ours = [{"Name": "service", "Value": variables["POWERTOOLS_SERVICE_NAME"]}]
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == METRICS_NAMESPACE
    assert variables["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    for name, alarm in alarms(template).items():
        of_lambda = (alarm["Namespace"], alarm["MetricName"] in LAMBDA_METRICS) == ("AWS/Lambda", True)
        lambdas = [{"Name": "FunctionName", "Value": {"Ref": "ForwarderFunction"}}]
        assert of_lambda or alarm["Namespace"] == METRICS_NAMESPACE, name
        assert alarm["Dimensions"] == (lambdas if of_lambda else ours), name


def test_an_alarm_acts_only_where_there_is_a_topic(template: Json) -> None:
    told = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    actions = [alarm[kind] for alarm in alarms(template).values() for kind in ("AlarmActions", "OKActions")]
    assert actions == [told] * 18
    assert template["Parameters"]["AlarmTopicArn"]["Default"] == ""
    assert template["Conditions"]["HasAlarmTopic"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}


def test_only_silence_rings_where_nothing_is_measured(template: Json) -> None:
    missing = {name: alarm["TreatMissingData"] for name, alarm in alarms(template).items()}
    assert missing.pop("NoRecords") == "breaching"
    assert set(missing.values()) == {"notBreaching"}


def test_an_alarm_looks_back_no_further_than_cloudwatch_does(template: Json) -> None:
    """Periods under an hour: a day in all (CloudWatch API reference, PutMetricAlarm, Period)."""
    for name, alarm in alarms(template).items():
        number = alarm["EvaluationPeriods"]
        numbers = template["Parameters"][number["Ref"]]["AllowedValues"] if isinstance(number, dict) else [number]
        assert alarm["Period"] % 60 == 0, name
        assert alarm["Period"] * max(numbers) <= ONE_DAY, name


def test_every_parameter_is_described_constrained_and_shown_in_a_group(template: Json) -> None:
    parameters = template["Parameters"]
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert [name for name, parameter in parameters.items() if not parameter.get("Description")] == []
    assert [name for name, parameter in parameters.items() if not CONSTRAINTS & parameter.keys()] == []
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(parameters)


def accepts(parameter: Json, value: str) -> bool:
    within = len(value) <= parameter.get("MaxLength", len(value))
    return within and re.search(parameter["AllowedPattern"], value) is not None


@pytest.mark.parametrize(
    "name", ["eks-control-plane-logs", "eks-control-plane-logs-prod", "eks-control-plane-logs-eu_1.a"]
)
def test_an_index_that_the_index_template_matches_is_accepted(template: Json, name: str) -> None:
    assert accepts(template["Parameters"]["IndexName"], name)
    assert fnmatchcase(name, INDEX_TEMPLATE_PATTERN)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "logs",
        "eks-control-plane-log",
        "my-eks-control-plane-logs",
        "EKS-control-plane-logs",
        "eks-control-plane-logs-Prod",
        "eks-control-plane-logs*",
        "eks-control-plane-logs,other",
        "eks-control-plane-logs/_doc",
        "eks-control-plane-logs prod",
        "eks-control-plane-logs-" + "a" * 233,
    ],
)
def test_an_index_that_opensearch_or_the_index_template_would_refuse_is_refused(template: Json, name: str) -> None:
    assert not accepts(template["Parameters"]["IndexName"], name)


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("ClusterName", "prod_eu-1", True),
        ("ClusterName", "prod/../../lambda/x", False),
        ("ClusterName", "-prod", False),
        ("ClusterName", "a" * 101, False),
        ("OpenSearchEndpoint", "https://search-logs-abc.eu-central-1.es.amazonaws.com", True),
        ("OpenSearchEndpoint", "https://logs.example.com:8443/", True),
        ("OpenSearchEndpoint", "http://search-logs-abc.eu-central-1.es.amazonaws.com", False),
        ("OpenSearchEndpoint", "search-logs-abc.eu-central-1.es.amazonaws.com", False),
        ("OpenSearchEndpoint", "https://search-logs-abc.eu-central-1.es.amazonaws.com/_dashboards", False),
        ("OpenSearchEndpoint", "https://user:secret@logs.example.com", False),
        ("OpenSearchDomainArn", "arn:aws:es:eu-central-1:123456789012:domain/logs", True),
        ("OpenSearchDomainArn", "arn:aws-us-gov:es:us-gov-west-1:123456789012:domain/logs-1", True),
        ("OpenSearchDomainArn", "arn:aws:es:eu-central-1:123456789012:domain/*", False),
        ("OpenSearchDomainArn", "arn:aws:es:eu-central-1:123456789012:domain/logs/*", False),
        ("OpenSearchDomainArn", "arn:aws:aoss:eu-central-1:123456789012:collection/abc123", True),
        ("OpenSearchDomainArn", "arn:aws:aoss:eu-central-1:123456789012:collection/*", False),
        ("OpenSearchDomainArn", "arn:aws:aoss:eu-central-1:123456789012:domain/logs", False),
        ("SubnetIds", "subnet-0123456789abcdef0", True),
        ("SubnetIds", "sg-0123456789abcdef0", False),
        ("SecurityGroupIds", "sg-0123456789abcdef0", True),
        ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef", True),
        ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:alias/logs", False),
        ("CaLayerArn", "arn:aws-cn:lambda:cn-north-1:123456789012:layer:ca:3", True),
        ("CaLayerArn", "arn:aws:lambda:eu-central-1:123456789012:layer:ca", False),
        ("ExistingBucketName", "", True),
        ("ExistingBucketName", "logs.example-1", True),
        ("ExistingBucketName", "arn:aws:s3:::logs", False),
        ("ExistingBucketName", "s3://logs", False),
        ("ExistingBucketName", "Logs", False),
        ("ExistingBucketName", "logs/*", False),
        ("PermissionsBoundaryArn", "", True),
        ("PermissionsBoundaryArn", "arn:aws-us-gov:iam::123456789012:policy/teams/limit", True),
        ("PermissionsBoundaryArn", "arn:aws:iam::aws:policy/PowerUserAccess", True),
        ("PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/limit", False),
        ("PermissionsBoundaryArn", "limit", False),
        ("AlarmTopicArn", "", True),
        ("AlarmTopicArn", "arn:aws:sns:eu-central-1:123456789012:on-call_1", True),
        ("AlarmTopicArn", "arn:aws-cn:sns:cn-north-1:123456789012:on-call", True),
        ("AlarmTopicArn", "on-call", False),
        ("AlarmTopicArn", "arn:aws:sns:eu-central-1:123456789012:on-call.fifo", False),
        ("AlarmTopicArn", "arn:aws:sqs:eu-central-1:123456789012:on-call", False),
        ("AlarmTopicArn", "arn:aws:sns:eu-central-1:123456789012:*", False),
    ],
)
def test_what_a_parameter_accepts(template: Json, name: str, value: str, accepted: bool) -> None:  # noqa: FBT001 - a case's data
    assert accepts(template["Parameters"][name], value) is accepted


def test_the_outputs_lead_to_the_next_step(template: Json) -> None:
    outputs = template["Outputs"]
    assert set(outputs) == {
        "FunctionName",
        "FunctionArn",
        "FunctionRoleArn",
        "FunctionLogGroup",
        "KeptBucketName",
        "NextCommand",
    }
    assert outputs["FunctionRoleArn"]["Value"] == {"Fn::GetAtt": ["ForwarderRole", "Arn"]}
    assert outputs["NextCommand"]["Value"]["Fn::Sub"] == (
        "eks-logs apply --stack-name ${AWS::StackName} --region ${AWS::Region}"
    )

import pytest

from forwarder.delivery.bulk import Limits
from forwarder.errors import SettingsError
from forwarder.index_names import Index
from forwarder.settings import read_settings

ENVIRONMENT = {
    "OPENSEARCH_ENDPOINT": "https://search-logs.eu-west-1.es.amazonaws.com/",
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "the-secret",
    "AWS_SESSION_TOKEN": "the-token",
}


def test_what_is_needed_is_read_and_the_rest_has_defaults() -> None:
    settings = read_settings(ENVIRONMENT)
    assert settings.endpoint == "https://search-logs.eu-west-1.es.amazonaws.com"
    assert settings.index == Index("eks-control-plane-logs", "none", event_ids=True)
    assert settings.limits == Limits(request_bytes=2_000_000, in_flight=3, answer_seconds=30)
    assert settings.own_log_group is None


def test_secrets_are_not_shown() -> None:
    shown = repr(read_settings(ENVIRONMENT))
    assert "the-secret" not in shown
    assert "the-token" not in shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENSEARCH_ENDPOINT", ""),
        ("OPENSEARCH_ENDPOINT", "http://plain"),
        ("OPENSEARCH_ENDPOINT", "https://host/path"),
        ("OPENSEARCH_ENDPOINT", "https://user:password@host"),
        ("OPENSEARCH_ENDPOINT", "https://host:99999"),
        ("OPENSEARCH_ENDPOINT", "https://host:0"),
        ("OPENSEARCH_ENDPOINT", "https://host:many"),
        ("OPENSEARCH_ENDPOINT", "https://[::1"),
        ("OPENSEARCH_ENDPOINT", "https://a..b"),
        ("OPENSEARCH_ENDPOINT", "https://.a"),
        ("OPENSEARCH_ENDPOINT", "https://" + "a" * 64 + ".com"),
        ("OPENSEARCH_ENDPOINT", "https://" + ".".join(["a" * 60] * 5)),
        ("OPENSEARCH_ENDPOINT", "https://-a.com"),
        ("OPENSEARCH_ENDPOINT", "https://a b.com"),
        ("OPENSEARCH_ENDPOINT", "https://b\u00fccher.example"),
        ("OPENSEARCH_ENDPOINT", "https://a%2eb"),
        ("OPENSEARCH_ENDPOINT", "https://host#x"),
        ("OPENSEARCH_ENDPOINT", "https://@host"),
        ("OPENSEARCH_ENDPOINT", "https://999.1.1.1"),
        ("OPENSEARCH_ENDPOINT", "https://x.com.."),
        ("OPENSEARCH_ENDPOINT", "https://."),
        ("OPENSEARCH_ENDPOINT", "https://ho\tst"),
        ("OPENSEARCH_ENDPOINT", "https://ho\nst"),
        ("OPENSEARCH_ENDPOINT", "https://host\0"),
        ("OPENSEARCH_ENDPOINT", "https://host\u200b"),
        ("OPENSEARCH_DOMAIN_ARN", "arn:aws:es:eu-west-1:123:domain/logs"),
        ("OPENSEARCH_DOMAIN_ARN", "arn:aws:s3:::bucket"),
        ("OPENSEARCH_DOMAIN_ARN", "logs"),
        ("OPENSEARCH_CA_FILE", "/no/such/file.pem"),
        ("OPENSEARCH_CA_FILE", "/"),
        ("OPENSEARCH_CA_FILE", __file__),
        ("OPENSEARCH_CA_FILE", "/dev/null"),
        ("OPENSEARCH_CA_FILE", "a\0b"),
        ("INDEX_NAME", "Upper"),
        ("INDEX_NAME", "-leading"),
        ("INDEX_NAME", "a b"),
        ("INDEX_NAME", "\u00e4" * 240),
        ("INDEX_NAME", "\u00e4" * 121),
        ("INDEX_NAME", "a" * 241),
        ("INDEX_NAME", "a\0b"),
        ("INDEX_NAME", "a\u200bb"),
        ("INDEX_NAME", "a\u00a0b"),
        ("INDEX_NAME", "\u00c4"),
        ("INDEX_NAME", "a\udcffb"),
        ("INDEX_ROTATION", "hourly"),
        ("DOCUMENT_IDS", "none"),
        ("BULK_REQUESTS_IN_FLIGHT", "5"),
        ("AWS_REGION", " "),
        ("AWS_REGION", "eu west"),
        ("AWS_REGION", "eu-west"),
        ("AWS_REGION", "EU-WEST-1"),
        ("AWS_REGION", "eu-west-1\n2"),
        ("AWS_REGION", "eu-west-1/es"),
        ("AWS_SECRET_ACCESS_KEY", "two words"),
        ("AWS_ACCESS_KEY_ID", "ASIA\u00e4"),
        ("AWS_SESSION_TOKEN", "line\nbreak"),
        ("DEAD_LETTER_BUCKET", "a bucket"),
        ("DEAD_LETTER_BUCKET", "s3://bucket"),
        ("DEAD_LETTER_BUCKET", "ab"),
        ("POWERTOOLS_METRICS_NAMESPACE", "n" * 300),
        ("POWERTOOLS_METRICS_NAMESPACE", ":n"),
        ("POWERTOOLS_METRICS_NAMESPACE", "AWS/Lambda"),
        ("POWERTOOLS_METRICS_NAMESPACE", "a\tb"),
        ("POWERTOOLS_SERVICE_NAME", "s" * 1025),
        ("POWERTOOLS_SERVICE_NAME", "s\u00e4"),
        ("AWS_ACCESS_KEY_ID", ""),
        ("MAX_PAYLOAD_BYTES", "many"),
        ("MAX_PAYLOAD_BYTES", "10"),
        ("BULK_BYTES", "5000001"),
        ("BULK_BYTES", "9" * 5000),
        ("BULK_BYTES", "0" * 5000),
        ("BULK_BYTES", "-1"),
        ("BULK_BYTES", "1e6"),
        ("BULK_BYTES", "2000000.0"),
        ("MAX_PAYLOAD_BYTES", "9" * 5000),
        ("OPENSEARCH_TIMEOUT_SECONDS", "9" * 5000),
        ("OPENSEARCH_TIMEOUT_SECONDS", "0"),
        ("OPENSEARCH_TIMEOUT_SECONDS", "²"),
        ("LOG_LEVEL", "LOUD"),
        ("REDACT_NAMES", "a"),
        ("REDACT_NAMES", "ssn; pin"),
        ("REDACT_NAMES", "n" * 101),
        ("REDACT_PATTERNS", "ACME-["),
        ("REDACT_PATTERNS", "ok x*"),
        ("REDACT_PATTERNS", "(a+)+b"),
        ("REDACT_PATTERNS", "(?:x{2,})*y"),
        ("REDACT_PATTERNS", "x" * 501),
    ],
)
def test_a_wrong_value_is_named_with_an_example(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(ENVIRONMENT | {name: value})
    assert name in str(raised.value)
    assert "example:" in str(raised.value)
    assert "integer string conversion" not in str(raised.value)
    assert len(value) < 10 or name != "AWS_SESSION_TOKEN" or value not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("AWS_REGION", region) for region in ("us-gov-west-1", "eu-isoe-west-1", "eusc-de-east-1", "ap-southeast-4")],
        ("INDEX_NAME", "\u00e4" * 120),
        ("INDEX_NAME", "a" * 240),
        ("DEAD_LETTER_BUCKET", "stack-keptbucket-1abc"),
        ("DEAD_LETTER_BUCKET", "arn:aws:s3:eu-west-1:123456789012:accesspoint/kept"),
        ("POWERTOOLS_METRICS_NAMESPACE", "n" * 255),
        ("POWERTOOLS_METRICS_NAMESPACE", "Logs/of #1"),
        ("BULK_BYTES", "0002000000"),
    ],
)
def test_what_aws_and_opensearch_take_is_taken(name: str, value: str) -> None:
    read_settings(ENVIRONMENT | {name: value})


@pytest.mark.parametrize(
    ("endpoint", "read"),
    [("https://x.com.", "https://x.com"), ("https://X.com.:8443/", "https://x.com:8443"), ("https://10.0.0.1", None)],
)
def test_a_whole_name_is_read_without_its_dot(endpoint: str, read: str | None) -> None:
    assert read_settings(ENVIRONMENT | {"OPENSEARCH_ENDPOINT": endpoint}).endpoint == (read or endpoint)


def test_all_problems_are_told_together() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(
            {"LOG_LEVEL": "LOUD", "BULK_BYTES": "0", "OPENSEARCH_CA_FILE": "/no", "OPENSEARCH_DOMAIN_ARN": "x"}
        )
    for name in (*ENVIRONMENT, "LOG_LEVEL", "BULK_BYTES", "OPENSEARCH_CA_FILE", "OPENSEARCH_DOMAIN_ARN"):
        assert (name in str(raised.value)) is (name != "AWS_SESSION_TOKEN")


def test_all_problems_of_lambdas_own_variables_are_told_too() -> None:
    wrong = {
        "AWS_REGION": "eu west",
        "AWS_SESSION_TOKEN": "a b",
        "DEAD_LETTER_BUCKET": "a b",
        "POWERTOOLS_METRICS_NAMESPACE": "n" * 300,
        "POWERTOOLS_SERVICE_NAME": "\u00e4",
        "INDEX_NAME": "a\0",
        "BULK_BYTES": "9" * 5000,
    }
    with pytest.raises(SettingsError) as raised:
        read_settings(ENVIRONMENT | wrong)
    assert [name for name in wrong if name not in str(raised.value)] == []


@pytest.mark.parametrize(
    ("endpoint", "arn", "service", "region"),
    [
        ("https://search-logs-abc.eu-west-1.es.amazonaws.com", "", "es", "eu-west-1"),
        ("https://search-logs-abc.us-east-1.es.amazonaws.com", "", "es", "us-east-1"),
        ("https://search-logs-abc.aos.ap-south-2.on.aws", "", "es", "ap-south-2"),
        ("https://search-logs-abc.cn-north-1.es.amazonaws.com.cn", "", "es", "cn-north-1"),
        ("https://vpc-logs-abc.us-gov-west-1.es.amazonaws.com", "", "es", "us-gov-west-1"),
        ("https://abc123.us-east-1.aoss.amazonaws.com", "", "aoss", "us-east-1"),
        ("https://abc123.aoss.us-east-1.on.aws", "", "aoss", "us-east-1"),
        ("https://ABC123.AOSS.us-east-1.ON.aws:443/", "", "aoss", "us-east-1"),
        ("https://logs.example.com:8443", "", "es", "eu-west-1"),
        ("https://aoss.amazonaws.com.example.com", "", "es", "eu-west-1"),
        ("https://logs.example.com", "arn:aws:es:us-west-2:123456789012:domain/logs", "es", "us-west-2"),
        ("https://logs.example.com", "arn:aws:aoss:us-west-2:123456789012:collection/abc123", "aoss", "us-west-2"),
        ("https://logs.example.com", "arn:aws-cn:es:cn-north-1:123456789012:domain/logs", "es", "cn-north-1"),
        ("https://a.eu-west-1.es.amazonaws.com", "arn:aws:es:us-west-2:123456789012:domain/logs", "es", "us-west-2"),
    ],
)
def test_a_signature_is_for_the_domains_own_service_and_region(
    endpoint: str, arn: str, service: str, region: str
) -> None:
    settings = read_settings(ENVIRONMENT | {"OPENSEARCH_ENDPOINT": endpoint, "OPENSEARCH_DOMAIN_ARN": arn})
    assert (settings.signing.service, settings.signing.region) == (service, region)


@pytest.mark.parametrize("host", ["127.0.0.1:9200", "[::1]:9200", "a_b.example.com", "xn--bcher-kva.example"])
def test_a_host_that_there_can_be_is_taken(host: str) -> None:
    assert read_settings(ENVIRONMENT | {"OPENSEARCH_ENDPOINT": f"https://{host}/"}).endpoint == f"https://{host}"


def test_own_rules_of_redaction_are_read() -> None:
    settings = read_settings(ENVIRONMENT | {"REDACT_NAMES": "ssn, customer-id,", "REDACT_PATTERNS": r"ACME-\d{6}  b+"})
    assert settings.redact_names == ("ssn", "customer-id")
    assert [pattern.pattern for pattern in settings.redact_patterns] == [r"ACME-\d{6}", "b+"]

import pytest

from forwarder.bulk import Limits
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
        ("INDEX_NAME", "Upper"),
        ("INDEX_NAME", "-leading"),
        ("INDEX_NAME", "a b"),
        ("INDEX_ROTATION", "hourly"),
        ("DOCUMENT_IDS", "none"),
        ("BULK_REQUESTS_IN_FLIGHT", "5"),
        ("AWS_REGION", " "),
        ("AWS_ACCESS_KEY_ID", ""),
        ("MAX_PAYLOAD_BYTES", "many"),
        ("MAX_PAYLOAD_BYTES", "10"),
        ("BULK_BYTES", "5000001"),
        ("OPENSEARCH_TIMEOUT_SECONDS", "0"),
        ("OPENSEARCH_TIMEOUT_SECONDS", "²"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_value_is_named_with_an_example(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(ENVIRONMENT | {name: value})
    assert name in str(raised.value)
    assert "example:" in str(raised.value)


def test_all_problems_are_told_together() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"LOG_LEVEL": "LOUD", "BULK_BYTES": "0"})
    for name in (*ENVIRONMENT, "LOG_LEVEL", "BULK_BYTES"):
        assert (name in str(raised.value)) is (name != "AWS_SESSION_TOKEN")

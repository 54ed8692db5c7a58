"""A record that could not be read is a document all the same: as it came, without its secrets, and counted."""

import json

import pytest

from forwarder.pipeline import documents_of
from forwarder.subscription import read_subscription
from tests.payloads import STREAMS, TIMESTAMP, envelope, lambda_event

GOOD = {"id": "good", "timestamp": TIMESTAMP, "message": '{"verb":"get"}'}
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJlLXRoYXQtaXMtc2VjcmV0"  # noqa: S105 - planted


@pytest.mark.parametrize("log_type", STREAMS)
def test_it_is_stored_beside_the_others_and_marked(log_type: str) -> None:
    bad = {"id": "bad", "timestamp": TIMESTAMP, "message": {"Authorization": f"Bearer {TOKEN}"}}
    batch = read_subscription(lambda_event(envelope([], STREAMS[log_type], logEvents=[GOOD, bad, GOOD])), 1_000_000)
    documents = list(documents_of(batch))
    assert [(document.document_id, document.is_unreadable) for document in documents] == [
        ("good", False),
        ("bad", True),
        ("good", False),
    ]
    source = documents[1].source
    assert (source["severity"], source["parse_error"]) == ("WARNING", "not a log event: its message is no text")
    assert source["redacted"] is True
    assert TOKEN not in documents[1].json.decode()
    assert json.loads(str(source["@message"]))["id"] == "bad"


def test_one_without_a_time_keeps_what_its_text_says() -> None:
    untimed = {"id": "untimed", "message": '{"verb":"delete"}'}
    batch = read_subscription(lambda_event(envelope([], STREAMS["audit"], logEvents=[GOOD, untimed])), 1_000_000)
    source = list(documents_of(batch))[1].source
    assert (source["verb"], source["@timestamp"]) == ("delete", "2026-11-20T09:12:31.123Z")
    assert str(source["parse_error"]).startswith("not a log event: its timestamp")

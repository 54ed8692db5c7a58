"""The client of the function: what its endpoint is signed for, and what a server says of when to come again."""

from datetime import UTC, datetime

import pytest
from requests.auth import HTTPBasicAuth

from forwarder.delivery.client import OpenSearchClient, retry_after
from local.child_process import free_port

NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("9" * 400, 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
        ("1e308", None),
        (" 0 ", 0),
        ("Sat, 21 Nov 2026 09:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header}, NOW) == seconds


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "Connection refused"), ("no-such-host.invalid", "Failed to resolve 'no-such-host.invalid'")],
)
def test_where_there_is_no_connection_the_reason_is_named(host: str, reason: str) -> None:
    client = OpenSearchClient(f"https://{host}:{free_port()}", HTTPBasicAuth("a", "b"))
    answer = client.bulk(b"{}", 5)
    assert answer.status is None
    assert reason in str(answer.body)

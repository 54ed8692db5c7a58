"""The proxy breaks what its plan says, in the way it says, and passes the rest untouched; Lambda's part is played."""

import base64
import gzip
import json
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
import requests
from requests_aws4auth import AWS4Auth

from local.asynchronous_invocation import invoke_until_done, on_failure
from local.fault_proxy import Step, merged_items, planned, step_of
from local.lambda_runtime import Invocation, LambdaFunction
from local.proxied_endpoint import ProxiedEndpoint, open_fault_proxy
from local.rig import Rig

BULK = b'{"create":{"_index":"eks-control-plane-logs-proxied","_id":"%d"}}\n{"message":"x"}\n'


def post(rig: Rig, proxy: ProxiedEndpoint, body: bytes = b"") -> requests.Response:
    """A bulk request as the function sends it."""
    identity = rig.function_identity
    token = {"session_token": identity.session_token}
    signature = AWS4Auth(identity.access_key_id, identity.secret_access_key, rig.region, "es", **token)
    headers = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
    with requests.Session() as client:
        client.trust_env = False
        compressed = gzip.compress(body or BULK % 0)
        url, ca_file = f"{proxy.url}/_bulk?filter_path=items.*.status", str(proxy.ca_file)
        return client.post(url, compressed, auth=signature, headers=headers, verify=ca_file, timeout=5)


def test_a_plan_is_followed_and_then_everything_passes() -> None:
    assert list(islice(planned([step_of("503:2"), Step("drip", 1)]), 5)) == ["503", "503", "drip", "pass", "pass"]
    assert list(islice(planned([step_of("503")]), 3)) == ["503"] * 3
    with pytest.raises(ValueError, match="is none of"):
        step_of("explode:2")


def test_it_breaks_what_it_is_told_to_and_signatures_stay_good(prepared: Rig, tmp_path: Path) -> None:
    steps = [step_of(text) for text in ("503:1", "429-retry-after:1", "page:1", "403-expired:1", "truncate:1")]
    with open_fault_proxy(prepared, steps, tmp_path / "proxy") as proxy:
        assert post(prepared, proxy).status_code == 503
        assert post(prepared, proxy).headers["retry-after"] == "2"
        assert "<title>" in post(prepared, proxy).text
        assert post(prepared, proxy).json()["message"].startswith("Signature expired: ")
        with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
            post(prepared, proxy)
        assert post(prepared, proxy).json() == {"items": [{"create": {"status": 409}}]}
        assert proxy.requests() == ["503", "429-retry-after", "page", "403-expired", "truncate", "pass"]


def test_it_refuses_what_is_large_once_decompressed(prepared: Rig, tmp_path: Path) -> None:
    with open_fault_proxy(prepared, [Step("413")], tmp_path / "proxy") as proxy:
        assert post(prepared, proxy, BULK % 0 + b" " * 1_000_000 + b"\n").status_code == 413
        assert post(prepared, proxy).status_code == 200


def test_every_third_document_is_too_much_and_the_others_are_stored(prepared: Rig, tmp_path: Path) -> None:
    body = b"".join(BULK % number for number in range(10, 15))
    with open_fault_proxy(prepared, [Step("429-items", 1)], tmp_path / "proxy") as proxy:
        first = [item["create"]["status"] for item in post(prepared, proxy, body).json()["items"]]
        second = [item["create"]["status"] for item in post(prepared, proxy, body).json()["items"]]
    assert (first, second) == ([429, 201, 201, 429, 201], [201, 409, 409, 201, 409])
    assert len(merged_items([], 1)) == 1


@contextmanager
def behind_tls(proxy: ProxiedEndpoint) -> Iterator[tuple[ssl.SSLSocket, socket.socket]]:
    """A connection, and the same without what TLS makes of it."""
    port, tls = int(proxy.url.rpartition(":")[2]), ssl.create_default_context(cafile=proxy.ca_file)
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        tls.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
        socket.socket(fileno=os.dup(wrapped.fileno())) as below,
    ):
        below.settimeout(10)
        yield wrapped, below


def read_to_the_end(connection: socket.socket) -> None:
    while connection.recv(1024):  # TLS's own messages come first
        pass


def test_a_reset_is_a_real_one(rig: Rig, tmp_path: Path) -> None:
    with (
        open_fault_proxy(rig, [Step("reset-before", 1)], tmp_path / "proxy") as proxy,
        behind_tls(proxy) as (wrapped, below),
    ):
        wrapped.sendall(b"POST /_bulk HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            read_to_the_end(below)


def failed(_: bytes) -> Invocation:
    return Invocation({}, {"errorType": "NotStored", "errorMessage": "1 of 1", "stackTrace": []}, "", 200)


def test_lambda_tries_three_times_and_then_keeps_the_event() -> None:
    assert [attempt.error is None for attempt in invoke_until_done(failed, b"{}")] == [False] * 3
    event = json.dumps({"awslogs": {"data": base64.b64encode(b"x").decode()}}).encode()
    time = datetime(2026, 11, 21, 9, 12, 31, 123000, UTC)
    kept = on_failure(LambdaFunction({}, name="forwarder"), event, failed(event).error or {}, time)
    assert kept.key.startswith("aws/lambda/async/forwarder/2026/11/21/2026-11-21T09.12.31-")
    assert kept.content["timestamp"] == "2026-11-21T09:12:31.123Z"
    assert kept.content["requestPayload"] == json.loads(event)
    assert kept.content["responsePayload"] == {"errorMessage": "1 of 1", "errorType": "NotStored"}
    assert kept.content["requestContext"]["approximateInvokeCount"] == 3


def test_lambda_does_not_try_again_what_succeeded() -> None:
    answers = [Invocation(None, None, "", 200), failed(b"")]
    assert len(invoke_until_done(lambda _: answers.pop(), b"{}")) == 2

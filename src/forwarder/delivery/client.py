"""The connection to OpenSearch: bulk requests out, answers in; signed, compressed, never retried here.

An answer is believed only where it is certain that it is that of the request: whatever a proxy puts on a kept-alive
connection, interim answers (RFC 9110, section 15.2), bytes behind an answer or a second one, the next request's answer
stays its own.
"""

import http.client
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import orjson
from opensearchpy import ConnectionError as NoConnection
from opensearchpy import RequestsHttpConnection
from requests import PreparedRequest, RequestException, Response, Timeout
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import ConnectTimeout, SSLError
from requests_aws4auth import AWS4Auth
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from forwarder.deflate import gzip
from forwarder.delivery.bulk import BulkAnswer
from forwarder.json_values import JsonValue, as_object

_BULK_HEADERS = {
    "content-type": "application/x-ndjson",
    "content-encoding": "gzip",
    "accept-encoding": "gzip, deflate",
}
_ANY_STATUS = range(1000)
"""What opensearch-py raises no error for: every answer is judged, with its headers and its body."""
# What is judged: without it an answer repeats every document's index and shard counts.
_JUDGED = "took,errors,error,status,message,Message,items.*._id,items.*.status,items.*.error"
# OpenSearch repeats this header of a request in its answer, whatever the answer is (OpenSearch, "X-Opaque-Id").
_OPAQUE_ID = "x-opaque-id"
# Where a redirection leads.
_LOCATION = "x-location"
_NOT_ITS_OWN = "the answer is that of another request"
# More of them in front of one answer are no answer.
_MOST_INTERIM_ANSWERS = 20
# Who asks for more is asked again by Lambda, or tomorrow.
_LONGEST_RETRY_AFTER = 86_400.0


class Signature(AuthBase):
    """AWS Signature Version 4 for requests from several threads: the signing library keeps state between requests."""

    def __init__(self, signing: AWS4Auth) -> None:
        self._signing = signing
        self._lock = threading.Lock()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign a request; that takes it the time of one SHA-256 of its body."""
        with self._lock:
            signed: PreparedRequest = self._signing(request)
        return signed


class _FinalAnswer(http.client.HTTPResponse):
    """Reads on where an answer is an interim one: http.client itself does so for 100 alone, and takes 103 for final."""

    def begin(self) -> None:
        """Read the head of the final answer.

        Raises:
            http.client.HTTPException: there is none, or the connection is to speak another protocol.
        """
        for _ in range(_MOST_INTERIM_ANSWERS):
            super().begin()
            if self.status >= HTTPStatus.OK:
                return
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                break
            self.__dict__.update(headers=None, msg=None)  # as before the head was read
        raise http.client.HTTPException(f"no final answer behind an interim one ({self.status})")


class _Connection(HTTPConnection):
    response_class = _FinalAnswer


class _TlsConnection(HTTPSConnection):
    response_class = _FinalAnswer

    @property
    def is_connected(self) -> bool:
        """Whether it can take a request: not where bytes wait that nobody asked for, decrypted ones too."""
        pending = getattr(self.sock, "pending", None)
        return super().is_connected and not (pending and pending())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """Makes such connections, which trust the certificates of a file, whatever REQUESTS_CA_BUNDLE says."""

    def __init__(self, ca_file: str | None) -> None:
        self._ca_file = ca_file
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send a request."""
        return super().send(request, *args, **(options | {"verify": self._ca_file} if self._ca_file else options))


class _Transport(RequestsHttpConnection):
    """opensearch-py's connection without its log: it logs a traceback for each fault, which the sender tells."""

    def log_request_success(self, *_: object) -> None:
        """Say nothing."""

    def log_request_fail(self, *_: object, **__: object) -> None:
        """Say nothing."""


def _prepared(response: Response, **_: object) -> Response:
    """An answer that opensearch-py and requests can take, whatever is in it.

    opensearch-py decodes strictly, and makes `Warning` headers warnings of Python; requests reads where a redirection
    leads, also where none is followed, and fails where that is no address.
    """
    response.headers.pop("warning", None)
    if location := response.headers.pop("location", None):
        response.headers[_LOCATION] = location
    response._content = response.content.decode("utf-8", "replace").encode()  # noqa: SLF001 - there is no other way
    return response


class OpenSearchClient:
    """Kept-alive connections to one endpoint; several threads may send at the same time.

    Args:
        endpoint: `https://…`, without a path.
        auth: how requests are authenticated.
        ca_file: certificates to trust (PEM) instead of the public ones.
    """

    def __init__(self, endpoint: str, auth: AuthBase, ca_file: str | None = None) -> None:
        address = urlsplit(endpoint)
        self._transport = _Transport(
            host=str(address.hostname),
            port=address.port or (80 if address.scheme == "http" else 443),
            scheme=address.scheme,
            http_auth=auth,
            ca_certs=ca_file,
        )
        session = self._transport.session
        for scheme in ("https://", "http://"):
            session.mount(scheme, _Adapter(ca_file))
        session.hooks["response"].append(_prepared)

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        """POST to `/_bulk`, the one path that the function's IAM role allows; nothing of a failure is raised."""
        name = secrets.token_hex(8)
        try:
            status, headers, text = self._post(gzip(body), name, longest_wait)
        except Exception as error:  # noqa: BLE001 - whatever the library did not foresee: the request is sent again
            return BulkAnswer(None, _failure(error, longest_wait))
        content = _content(headers, text)
        if headers.get(_OPAQUE_ID, name) != name or not _is_of(body, content):
            self._transport.close()  # what else waits on its connection is nobody's either
            return BulkAnswer(None, f"no connection: {_NOT_ITS_OWN}")
        return BulkAnswer(status, content, retry_after(headers, datetime.now(UTC)), _site(headers.get(_LOCATION, "")))

    def _post(self, compressed: bytes, name: str, wait: float) -> tuple[int, Mapping[str, str], str]:
        answer: tuple[int, Mapping[str, str], str] = self._transport.perform_request(
            "POST",
            f"/_bulk?filter_path={_JUDGED}",
            body=compressed,
            timeout=wait,
            allow_redirects=False,
            ignore=_ANY_STATUS,
            headers={**_BULK_HEADERS, _OPAQUE_ID: name},
        )
        return answer


def _is_of(body: bytes, answer: JsonValue) -> bool:
    """Whether an answer's first item, if there is one that says so, is the request's first document."""
    items = as_object(answer).get("items")
    first = as_object(as_object(items[0]).get("create")).get("_id") if isinstance(items, list) and items else None
    sent = as_object(as_object(_json(body[: body.find(b"\n")])).get("create")).get("_id")
    return first is None or sent is None or first == sent


def _site(location: str) -> str:
    """Scheme and host of an address, which may hold secrets elsewhere; empty where it has none."""
    try:
        url = urlsplit(location)
    except ValueError:
        return ""
    return f"{url.scheme}://{url.hostname}" if url.scheme and url.hostname else ""


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that a server asks to wait, a day at most: `Retry-After` (RFC 9110, section 10.2.3).

    None where it asks for nothing that can be understood.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_RETRY_AFTER)
    try:
        seconds = (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER)


def _failure(error: Exception, wait: float) -> str:
    """Why there is no answer; opensearch-py's errors have the one of requests in them."""
    fault = error.info if isinstance(error, NoConnection) and isinstance(error.info, Exception) else error
    match fault:
        case ConnectTimeout():
            return f"no connection within {wait:.0f} s"
        case Timeout():
            return f"no answer within {wait:.0f} s"
        case SSLError():
            return f"no TLS connection: {_cause(fault)}"
        case RequestException() | OSError():
            return f"no connection: {_cause(fault)}"
    return f"no connection: {type(fault).__name__}"


def _cause(error: Exception) -> str:
    """The kind of fault and its text, which may be long and holds addresses only; of a chain the reason behind it.

    What requests itself says begins with the whole address, and the reason would be cut off.
    """
    wrapped = error.args[0] if error.args else error
    reason = getattr(wrapped, "reason", None) or error
    return f"{type(reason).__name__}: {reason}"[:200]


# RFC 8259, section 8.1: not to be written, and ignored by lenient readers.
_BYTE_ORDER_MARK = "\ufeff"
# Enough of a page for its title.
_LONGEST_TEXT = 2_000


def _content(headers: Mapping[str, str], text: str) -> JsonValue:
    """What the server answered: its JSON, with the type of Amazon's errors, which may be in a header; else its text."""
    content = _json(text.removeprefix(_BYTE_ORDER_MARK))
    if content is None:
        return text[:_LONGEST_TEXT].strip() or None
    if isinstance(content, dict) and (kind := headers.get("x-amzn-errortype")):
        content.setdefault("__type", kind.partition(":")[0])
    return content


def _json(text: bytes | str) -> JsonValue:
    """JSON, decoded; None for anything else."""
    try:
        answer: JsonValue = orjson.loads(text)
    except ValueError:
        return None
    return answer

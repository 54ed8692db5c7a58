"""The connection to OpenSearch: bulk requests out, answers in; signed, compressed, never retried here."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import orjson
from requests import PreparedRequest, RequestException, Response, Session, Timeout
from requests.auth import AuthBase
from requests.exceptions import SSLError
from requests_aws4auth import AWS4Auth

from forwarder.bulk import BulkAnswer
from forwarder.deflate import gzip
from forwarder.json_values import JsonValue
from forwarder.settings import Settings

# SigV4's names of Amazon OpenSearch Service domains and of Amazon OpenSearch Serverless, whose endpoints end in
# `.aoss.amazonaws.com` (AWS, "Signing HTTP requests to Amazon OpenSearch Service" and "… Serverless").
DOMAIN_SERVICE = "es"
SERVERLESS_SERVICE = "aoss"
_SERVERLESS_HOST = ".aoss.amazonaws.com"

_BULK_HEADERS = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
# What is judged: without it an answer repeats every document's index, id and shard counts.
_JUDGED = "took,errors,error,status,message,Message,items.*.status,items.*.error"


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


class OpenSearchClient:
    """Kept-alive connections to one endpoint; several threads may send at the same time.

    Args:
        endpoint: `https://…`, without a path.
        auth: how requests are authenticated.
        ca_file: certificates to trust (PEM) instead of the public ones.
    """

    def __init__(self, endpoint: str, auth: AuthBase, ca_file: str | None = None) -> None:
        self._url = f"{endpoint}/_bulk?filter_path={_JUDGED}"
        self._session = Session()
        self._session.auth = auth
        self._verify = ca_file or True

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        """POST to `/_bulk`, the one path that the function's IAM role allows."""
        try:
            answer = self._post(gzip(body), longest_wait)
        except Timeout:
            return BulkAnswer(None, f"no answer within {longest_wait:.0f} s")
        except SSLError as error:
            return BulkAnswer(None, f"no TLS connection: {_cause(error)}")
        except RequestException as error:
            return BulkAnswer(None, f"no connection: {_cause(error)}")
        return BulkAnswer(answer.status_code, _json(answer.content), retry_after(answer.headers, datetime.now(UTC)))

    def _post(self, compressed: bytes, wait: float) -> Response:
        return self._session.post(
            self._url,
            data=compressed,
            headers=_BULK_HEADERS,
            timeout=wait,
            verify=self._verify,  # said here, a file wins over what the environment says
            allow_redirects=False,
        )


def client_of(settings: Settings) -> OpenSearchClient:
    """The function's own client: it signs with the credentials that Lambda gave it."""
    return OpenSearchClient(settings.endpoint, signature_of(settings), settings.ca_file)


def signature_of(settings: Settings) -> Signature:
    """Signs as the function's role, for the service that the endpoint belongs to."""
    identity = settings.credentials
    return Signature(
        AWS4Auth(
            identity.access_key_id,
            identity.secret_access_key,
            settings.region,
            service_of(settings.endpoint),
            session_token=identity.session_token,
        )
    )


def service_of(endpoint: str) -> str:
    """Which service's name goes into a signature for this endpoint: `es` or `aoss`."""
    is_serverless = (urlsplit(endpoint).hostname or "").endswith(_SERVERLESS_HOST)
    return SERVERLESS_SERVICE if is_serverless else DOMAIN_SERVICE


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that a server asks to wait: `Retry-After`, as seconds or as a date (RFC 9110, section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _cause(error: RequestException) -> str:
    """The kind of fault and its text, which may be long and holds addresses only; of a chain the reason behind it.

    What requests itself says begins with the whole address, and the reason would be cut off.
    """
    wrapped = error.args[0] if error.args else error
    reason = getattr(wrapped, "reason", None) or error
    return f"{type(reason).__name__}: {reason}"[:200]


def _json(text: bytes) -> JsonValue:
    """What the server answered; None for anything but JSON."""
    try:
        answer: JsonValue = orjson.loads(text)
    except ValueError:
        return None
    return answer

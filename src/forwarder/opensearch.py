"""The connection to OpenSearch: bulk requests out, answers in; signed, compressed, never retried here."""

import gzip
from typing import Any

from opensearchpy import OpenSearch, RequestsHttpConnection
from opensearchpy.exceptions import ConnectionError as NoAnswer
from opensearchpy.exceptions import ConnectionTimeout, SerializationError, SSLError, TransportError
from requests_aws4auth import AWS4Auth

from forwarder.bulk import BulkAnswer
from forwarder.settings import Settings

# SigV4's name of Amazon OpenSearch Service domains (AWS, "Signing HTTP requests to Amazon OpenSearch Service").
SERVICE = "es"
# On audit JSON level 1 takes a third of level 9's time for a tenth more bytes.
_GZIP_LEVEL = 1
_BULK_HEADERS = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
# What is judged: without it an answer repeats every document's index, id and shard counts.
_JUDGED = {"filter_path": "took,errors,error,status,message,Message,items.*.status,items.*.error"}


class OpenSearchClient:
    """A kept-alive, signed connection to one domain."""

    def __init__(self, settings: Settings) -> None:
        self._timeout = settings.timeout
        self._transport = OpenSearch(
            hosts=[settings.endpoint],
            http_auth=_signature(settings),
            connection_class=RequestsHttpConnection,
            verify_certs=True,
            ca_certs=settings.ca_file,
            max_retries=0,
        ).transport

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        """POST to `/_bulk`, the one path that the function's IAM role allows."""
        wait = min(self._timeout, longest_wait)
        try:
            answer = self._transport.perform_request(
                "POST",
                "/_bulk",
                params=dict(_JUDGED),
                body=gzip.compress(body, _GZIP_LEVEL, mtime=0),
                headers=dict(_BULK_HEADERS),
                timeout=wait,
            )
        except ConnectionTimeout:
            return BulkAnswer(None, f"no answer within {wait:.0f} s")
        except SSLError as error:
            return BulkAnswer(None, f"no TLS connection: {_cause(error)}")
        except NoAnswer as error:
            return BulkAnswer(None, f"no connection: {_cause(error)}")
        except SerializationError:
            return BulkAnswer(200, None)
        except TransportError as error:
            return BulkAnswer(_status(error), _body(error.info))
        return BulkAnswer(200, answer)


def _signature(settings: Settings) -> AWS4Auth:
    identity = settings.credentials
    return AWS4Auth(
        identity.access_key_id,
        identity.secret_access_key,
        settings.region,
        SERVICE,
        session_token=identity.session_token,
    )


def _cause(error: TransportError) -> str:
    """The kind of fault: its text may be long, and holds addresses only."""
    return f"{type(error.info).__name__}: {error.info}"[:200]


def _status(error: TransportError) -> int | None:
    return error.status_code if isinstance(error.status_code, int) else None


def _body(info: Any) -> Any:  # noqa: ANN401 - opensearch-py hands on whatever JSON the server answered
    return info if isinstance(info, (dict, str)) else None

"""OpenSearch's REST API through opensearch-py, as one caller may use it.

Every error of opensearch-py, of requests below it and of the caller's credentials becomes one of eks_logs.errors in one
place, `_Transport.perform_request`, which all of opensearch-py's namespaces go through.
"""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from botocore.exceptions import BotoCoreError
from opensearchpy import OpenSearch, RequestsHttpConnection, Transport
from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import OpenSearchException, SerializationError, SSLError, TransportError
from requests.auth import AuthBase

from eks_logs.errors import (
    Conflict,
    NotAllowed,
    NotOpenSearch,
    NotProvided,
    NotReachable,
    NotThere,
    Overloaded,
    Rejected,
    SetupError,
)
from eks_logs.opensearch.address import is_loopback
from eks_logs.opensearch.server import SERVERLESS, Caller, Kind, Server, server_of
from eks_logs.plan import Json, Step

TIMEOUT_SECONDS = 30
_LONGEST_QUOTE = 300
_MAY_NOT = (
    "the caller may not do this; use the domain's master user (OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD) or an IAM "
    "role mapped to all_access (on Serverless, one that a data access policy lets in)"
)
_MAY_NOT_READ = (
    "the caller may not read there; map its user or IAM role to a role that may, such as readall (on Serverless, one "
    "that a data access policy lets read the index)"
)
_NO_ROOM = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
_READS = ("/_search", "/_mget")
# OpenSearch's own words where index settings do not fit a domain in three zones.
_NOT_IN_THREES = "multiple of total awareness attributes"


class HttpSession(requests.Session):
    """A session whose CA file wins over REQUESTS_CA_BUNDLE, and that asks no proxy for this machine itself."""

    def __init__(self, ca_file: str | None = None) -> None:
        super().__init__()
        self._ca_file = ca_file

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """What a request is sent with."""
        settings = super().merge_environment_settings(url, proxies, stream, self._ca_file or verify, cert)
        if is_loopback(urlsplit(url).hostname or ""):
            settings["proxies"] = {}
        return settings


class _Connection(RequestsHttpConnection):
    """Follows no redirection: what a sign-in page answers is no answer, and would get the password."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        made, self.session = self.session, HttpSession(options.get("ca_certs"))
        self.session.headers, self.session.auth, self.session.verify = made.headers, made.auth, made.verify

    def perform_request(self, *args: Any, **options: Any) -> Any:
        """Status, headers and body of the answer."""
        return super().perform_request(*args, **{**options, "allow_redirects": False})

    def _raise_warnings(self, warning_headers: Any) -> None:
        """What the server deprecates is no concern of the operator."""


class _Transport(Transport):
    """Gives answers as JSON objects, and every error as one of ours."""

    plugins = "/_plugins/"
    site = ""

    def perform_request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        """The answer to one request.

        Raises:
            SetupError: there is no answer, or it is no success, or not OpenSearch's.
        """
        path = url.replace("/_plugins/", self.plugins, 1)
        try:
            answer = super().perform_request(method, path, *args, **options)
        except (OpenSearchException, requests.RequestException, BotoCoreError, UnicodeError, RecursionError) as error:
            raise failure(error, self.site, path.partition("?")[0]) from None
        if method != "HEAD" and not isinstance(answer, dict):
            raise NotOpenSearch(_not_opensearch(self.site, f"what answers at {path} is no JSON object", str(answer)))
        return answer


class Client:
    """A domain's or collection's API; every method raises a SetupError where it is refused.

    Args:
        url: `https://host`, without a path.
        auth: basic credentials or a SigV4 signature.
        ca_file: certificates to trust (PEM) instead of the public ones.
        serverless: whether it is a collection of OpenSearch Serverless.

    Attributes:
        api: opensearch-py's client, whose answers are JSON objects and whose errors are SetupErrors.
    """

    def __init__(self, url: str, auth: AuthBase, ca_file: str | None = None, *, serverless: bool = False) -> None:
        # What it would log of each fault is the traceback of an error that is reported in a line.
        logging.getLogger("opensearch").setLevel(logging.CRITICAL + 1)
        self.api = OpenSearch(
            hosts=[url],
            transport_class=_Transport,
            connection_class=_Connection,
            http_auth=auth,
            ca_certs=ca_file,
            max_retries=0,
            timeout=TIMEOUT_SECONDS,
        )
        self._transport = cast("_Transport", self.api.transport)
        self._transport.site = url
        self._server = SERVERLESS if serverless else None

    def server(self) -> Server:
        """What answers; asked for once.

        Raises:
            NotProvided: it is too old.
            NotOpenSearch: it is no OpenSearch.
        """
        if self._server is None:
            try:
                self._server = server_of(self.api.info())
            except NotThere as error:
                raise NotOpenSearch(
                    f"{error}; is it a collection of OpenSearch Serverless under another name? Then give --stack-name"
                ) from None
            if self._server.kind is Kind.ELASTICSEARCH:
                self._transport.plugins = "/_opendistro/"
        return self._server

    def send(self, step: Step) -> Json:
        """Make one change; to delete what is gone already is none."""
        try:
            answer: Json = self._transport.perform_request(step.method, step.path, body=step.body)
        except NotThere:
            if step.method != "DELETE":
                raise
            return {}
        return answer

    def caller(self) -> Caller:
        """Who asks.

        Raises:
            NotProvided: there is no security plugin.
        """
        answer = self.api.security.authinfo()
        return Caller(str(answer.get("user_name") or "?"), frozenset(answer.get("backend_roles") or ()))

    def cluster_settings(self) -> Json:
        """Every setting of the cluster by its full name, defaults among them."""
        found = self.api.cluster.get_settings(include_defaults=True, flat_settings=True)
        return {**found.get("defaults", {}), **found.get("persistent", {}), **found.get("transient", {})}

    def shards(self) -> tuple[int, int]:
        """How many shards there are, assigned or not, and on how many data nodes."""
        health = self.api.cluster.health()
        counted = ("active_shards", "initializing_shards", "unassigned_shards")
        return sum(int(health.get(name, 0)) for name in counted), int(health.get("number_of_data_nodes", 0))

    def search(self, index: str, body: Mapping[str, Any]) -> Json:
        """What a search finds in an index, an alias or a pattern of names: `_shards`, `hits` and `aggregations`.

        Raises:
            NotOpenSearch: what answers is no search's result.
        """
        answer: Json = self.api.search(index=index, body=body)
        hits = answer.get("hits")
        found = hits.get("hits") if isinstance(hits, dict) else None
        if not isinstance(answer.get("_shards"), dict) or not isinstance(found, list):
            raise NotOpenSearch(
                _not_opensearch(self._transport.site, f"what answers at /{index}/_search is no search's result", "")
            )
        return answer

    def reaches_bulk(self) -> bool:
        """Send a bulk request with nothing in it, which stores nothing: OpenSearch refuses it, if it comes so far.

        Raises:
            NotAllowed: it is refused before: the signature, IAM or the domain's access policy.
        """
        self._transport.perform_request("POST", "/_bulk", body="\n", ignore=(HTTPStatus.BAD_REQUEST,))
        return True


def refusal(status: int, where: str, answer: str, advice: str) -> NotAllowed:
    """What a 401 or a 403 means; `advice` is for a caller who is known, and may not."""
    if status == HTTPStatus.UNAUTHORIZED:
        return NotAllowed(
            f"401 {where}: the user or password is not accepted; set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD anew, "
            f"or unset both to sign with AWS credentials (--profile). {answer}"
        )
    return NotAllowed(f"{status} {where}: {advice}. {answer}")


def quote(text: str) -> str:
    """What a server answered, as far as it fits one line; without what would steer the terminal."""
    words = " ".join(text.split())[:_LONGEST_QUOTE]
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)
    return f"The server said: {shown}" if shown else "The server said nothing."


def _unreachable(site: str, option: str, error: object) -> NotReachable:
    if isinstance(error, requests.exceptions.SSLError | SSLError):
        return NotReachable(f"{site} has no certificate that is trusted here; name its authority with --ca-file")
    if isinstance(error, OSError) and "CA certificate bundle" in str(error):
        return NotReachable(f"the certificates to trust cannot be read; check --ca-file and SSL_CERT_FILE ({error})")
    return NotReachable(
        f"no answer from {site}; check {option} and that this machine can reach it ({type(error).__name__})"
    )


def is_page(text: str) -> bool:
    """Whether an answer is a page for people, of a proxy or to sign in."""
    return text.lstrip("\ufeff \t\r\n").startswith("<")


def failure(error: Exception, site: str, path: str, option: str = "--endpoint") -> SetupError:
    """An error of opensearch-py, requests or botocore as one of ours.

    Args:
        error: As it was raised.
        site: The address that was asked.
        path: What was asked there.
        option: That names the address.
    """
    if isinstance(error, BotoCoreError):
        return NotAllowed(f"no AWS credentials to sign with: {' '.join(str(error).split())}; log in, or give --profile")
    if isinstance(error, SerializationError | UnicodeError | RecursionError):
        kind = str(error).rpartition("unable to deserialize: ")[2] if "mimetype" in str(error) else "broken"
        return NotOpenSearch(_not_opensearch(site, f"what answers at {path} is no JSON: {kind}", ""))
    if isinstance(error, NoConnection):
        cause = error.info
        if isinstance(cause, UnicodeError):
            return NotOpenSearch(_not_opensearch(site, f"what answers at {path} is no JSON", ""))
        return _unreachable(site, option, cause if isinstance(cause, Exception) else error)
    if isinstance(error, TransportError):
        return _refused(error, site, path)
    return _unreachable(site, option, error)


def _refused(error: TransportError, site: str, path: str) -> SetupError:
    """What a status that is no success means."""
    status, text = int(error.status_code), _text(error)
    stranger = not_opensearch(status, error.info, text, site, path)
    return stranger or _refused_by_opensearch(status, text, path)


def _refused_by_opensearch(status: int, text: str, path: str) -> SetupError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return refusal(status, f"at {path}", quote(text), _MAY_NOT_READ if path.endswith(_READS) else _MAY_NOT)
    if "no handler found for uri" in text:
        return NotProvided(_lacking(path))
    if status == HTTPStatus.NOT_FOUND:
        return NotThere(f"404 at {path}: there is nothing of that name. {quote(text)}")
    if status == HTTPStatus.CONFLICT:
        return Conflict(f"409 at {path}: it was changed at the same time; run again. {quote(text)}")
    if _NOT_IN_THREES in text:
        return Rejected(
            f"{status} at {path}: this domain is Multi-AZ with Standby and keeps copies in threes; give --replicas 2 "
            f"(or 5). {quote(text)}"
        )
    kind = Overloaded if status in _NO_ROOM else Rejected
    return kind(f"{status} at {path}: {quote(text)}")


def not_opensearch(status: int, content: object, text: str, site: str, path: str) -> NotOpenSearch | None:
    """Who answered, where it was not OpenSearch; None where it was.

    Args:
        status: Of the answer.
        content: Its JSON, or anything else.
        text: Its text.
        site: The address that was asked.
        path: What was asked there.
    """
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        who = "a redirection, as to a page to sign in"
    elif is_page(text) or status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        who = "a page, as of a proxy or to sign in"
    elif isinstance(content, Mapping) and "statusCode" in content:  # its errors: {"statusCode", "error", "message"}
        who = "this is Dashboards"
    else:
        return None
    return NotOpenSearch(_not_opensearch(site, f"{status} at {path}: {who}", text if is_page(text) else ""))


def _text(error: TransportError) -> str:
    """The most telling text of an answer: of OpenSearch's JSON the reason."""
    content = error.info
    if not isinstance(content, Mapping):
        return str(error.error or "")
    cause = content.get("error", content)
    if isinstance(cause, Mapping):
        return str(cause.get("reason") or cause.get("message") or cause.get("Message") or dict(cause))
    return str(cause)


def _not_opensearch(site: str, what: str, page: str) -> str:
    words = quote(re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL | re.IGNORECASE))
    said = f" {words}" if page else ""
    return (
        f"{site} is not OpenSearch ({what}); give the domain's own address with --endpoint, not that of Dashboards or "
        f"of a proxy, and check HTTPS_PROXY.{said}"
    )


def _lacking(path: str) -> str:
    if path.startswith(("/_plugins/_security/", "/_opendistro/_security/")):
        return (
            f"{path} does not exist on this server: it has no security plugin; turn on fine-grained access control, "
            "which the function's rights depend on"
        )
    return f"{path} does not exist on this server"

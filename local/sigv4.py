"""Whether a request was signed by a known identity, and what Amazon OpenSearch Service answers when not.

The signature is computed again with botocore, which is not what the forwarder signs with, so that a mistake of one is
not hidden by the same mistake of the other.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.identities import Identity

# What signatures are for: a domain, or a collection of OpenSearch Serverless.
DOMAIN_SERVICE = "es"
SERVERLESS_SERVICE = "aoss"
_HASH_HEADER = "x-amz-content-sha256"
_ALGORITHM = "AWS4-HMAC-SHA256"
_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} Credential="
    r"(?P<key>[^/, ]+)/(?P<date>\d{8})/(?P<region>[^/, ]+)/(?P<service>[^/, ]+)/aws4_request,\s*"
    r"SignedHeaders=(?P<headers>[^, ]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_TOLERANCE = timedelta(minutes=5)

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_UNKNOWN_TOKEN = "The security token included in the request is invalid."  # noqa: S105 - a message, not a token
_MALFORMED = (
    "Authorization header requires 'Credential' parameter, 'SignedHeaders' parameter and 'Signature' parameter."
)
_NO_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."


class RefusedError(Exception):
    """The request is not let in: HTTP 403 with the message, as Amazon words it."""


class UnhashedError(Exception):
    """A collection of OpenSearch Serverless was not told the hash of the body, or the signature does not cover it."""


@dataclass(frozen=True)
class SignedRequest:
    """A request as it came over the wire.

    Attributes:
        method: The HTTP method.
        target: Path and query string, nothing decoded.
        headers: Values by name in lower case; those of a name that came more than once are joined with a comma.
        body: As sent, still compressed where it was.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Scope:
    """What a signature must be made for, such as eu-west-1 and es."""

    region: str
    service: str


@dataclass(frozen=True)
class _Claim:
    """What an Authorization header says."""

    access_key_id: str
    date: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str


def is_signed(authorization: str) -> bool:
    """Whether an Authorization header is meant as Signature Version 4."""
    return authorization.startswith(_ALGORITHM)


def verify(request: SignedRequest, identities: Mapping[str, Identity], scope: Scope, now: datetime) -> Identity:
    """Find out whose request it is.

    Args:
        request: What was received.
        identities: The known ones by access key id.
        scope: The region and service we are.
        now: The time, with its zone; a request may be five minutes off.

    Raises:
        RefusedError: It was not signed by any of them, not for us, not now, or was changed on its way.
        UnhashedError: We are OpenSearch Serverless, and the body's hash is not among the signed headers.
    """
    claim = _parse(request.headers.get("authorization", ""))
    identity = _known(claim, request, identities)
    _check_scope(claim.scope, scope)
    timestamp = _check_date(request, claim, now)
    _check_payload(request, claim)
    expected = _signature(request, claim, identity, timestamp)
    if "host" not in claim.signed_headers or not hmac.compare_digest(expected, claim.signature):
        raise RefusedError(_MISMATCH)
    return identity


def _parse(authorization: str) -> _Claim:
    found = _AUTHORIZATION.fullmatch(authorization.strip())
    if found is None:
        raise RefusedError(_MALFORMED)
    return _Claim(
        access_key_id=found["key"],
        date=found["date"],
        scope=Scope(found["region"], found["service"]),
        signed_headers=tuple(found["headers"].split(";")),
        signature=found["signature"],
    )


def _known(claim: _Claim, request: SignedRequest, identities: Mapping[str, Identity]) -> Identity:
    identity = identities.get(claim.access_key_id)
    if identity is None or identity.session_token != request.headers.get("x-amz-security-token"):
        raise RefusedError(_UNKNOWN_TOKEN)
    return identity


def _check_scope(claimed: Scope, ours: Scope) -> None:
    if claimed.region != ours.region:
        raise RefusedError(f"Credential should be scoped to a valid region, not '{claimed.region}'.")
    if claimed.service != ours.service:
        raise RefusedError(f"Credential should be scoped to correct service: '{ours.service}'.")


def _check_date(request: SignedRequest, claim: _Claim, now: datetime) -> str:
    text = request.headers.get("x-amz-date", "")
    try:
        signed_at = datetime.strptime(text, _TIMESTAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise RefusedError(_NO_DATE) from error
    if text[:8] != claim.date:
        raise RefusedError(f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: {text}.")
    earliest, latest = (now - _TOLERANCE).strftime(_TIMESTAMP), (now + _TOLERANCE).strftime(_TIMESTAMP)
    current = now.strftime(_TIMESTAMP)
    if signed_at < now - _TOLERANCE:
        raise RefusedError(f"Signature expired: {text} is now earlier than {earliest} ({current} - 5 min.)")
    if signed_at > now + _TOLERANCE:
        raise RefusedError(f"Signature not yet current: {text} is still later than {latest} ({current} + 5 min.)")
    return text


def _check_payload(request: SignedRequest, claim: _Claim) -> None:
    """Compare the hash that was signed with the body; without such a header the signature itself covers the body.

    Serverless wants the header. https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-clients.html
    """
    if claim.scope.service == SERVERLESS_SERVICE and _HASH_HEADER not in claim.signed_headers:
        raise UnhashedError
    claimed = request.headers.get(_HASH_HEADER)
    if claimed is not None and claimed != hashlib.sha256(request.body).hexdigest():
        raise RefusedError(_MISMATCH)


def _signature(request: SignedRequest, claim: _Claim, identity: Identity, timestamp: str) -> str:
    path, _, query = request.target.partition("?")
    received = AWSRequest(
        method=request.method,
        url=f"https://{request.headers.get('host', '')}{path}",
        headers={name: request.headers.get(name, "") for name in claim.signed_headers},
        data=request.body,
        params=parse_qsl(query, keep_blank_values=True),
    )
    received.context["timestamp"] = timestamp
    credentials = Credentials(identity.access_key_id, identity.secret_access_key, identity.session_token)
    signer = SigV4Auth(credentials, claim.scope.service, claim.scope.region)
    canonical = signer.canonical_request(received)
    return str(signer.signature(signer.string_to_sign(received, canonical), received))

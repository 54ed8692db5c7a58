"""What stands for Amazon's endpoint: lets signed requests through to OpenSearch as the IAM role that signed them.

`python -m local.sigv4_edge` is a program of its own. A request with a valid Signature Version 4 reaches the server with
the role's ARN as user and backend role, as on an Amazon OpenSearch Service domain with fine-grained access control. One
with basic credentials passes untouched, which is how the master user comes in. Anything else is HTTP 403. With
`--service aoss` it wants signatures as OpenSearch Serverless does.
"""

import argparse
import io
import logging
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from local.identities import Identity, read_identities
from local.sigv4 import DOMAIN_SERVICE, RefusedError, Scope, SignedRequest, UnhashedError, is_signed, verify

_LOG = logging.getLogger("sigv4_edge")
_MAX_BODY_BYTES = 100 * 1024 * 1024  # http.max_content_length of a large domain
_UPSTREAM_TIMEOUT = ClientTimeout(total=300)

# What the server believes when it comes from our address, so no client may send it; the user and roles are ours to say.
_TRUSTED_HEADERS = frozenset({"x-proxy-user", "x-proxy-roles", "x-forwarded-for", "forwarded", "x-real-ip"})
# RFC 9110, section 7.6.1: they speak of one connection. The host and the length are told anew.
_HOP_HEADERS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
    | {"upgrade", "expect", "host", "content-length"}
)
_SIGNATURE_HEADERS = frozenset({"authorization", "x-amz-security-token", "x-amz-date", "x-amz-content-sha256"})
_AUTOMATIC_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


@dataclass(frozen=True)
class Gate:
    """Who is let in, and for which region and service."""

    identities: Mapping[str, Identity]
    scope: Scope


@dataclass(frozen=True)
class Upstream:
    """The server behind, and the address that it takes user headers from."""

    url: str
    source_address: str


class AnonymousError(Exception):
    """The request carries no credentials that are taken here."""


def headers_for_upstream(request: SignedRequest, gate: Gate, now: datetime) -> dict[str, str]:
    """Decide who the caller is and what the server is told.

    Returns:
        The headers to send, without those of one connection.

    Raises:
        RefusedError: The signature is not good.
        UnhashedError: It is good, but lacks what OpenSearch Serverless wants.
        AnonymousError: There is neither a signature nor basic credentials.
    """
    kept = {
        name: value
        for name, value in request.headers.items()
        if name not in _TRUSTED_HEADERS and name not in _HOP_HEADERS
    }
    authorization = request.headers.get("authorization", "")
    if authorization.lower().startswith("basic "):
        return kept
    if not is_signed(authorization):
        raise AnonymousError
    role = verify(request, gate.identities, gate.scope, now).role_arn
    told = {"x-proxy-user": role, "x-proxy-roles": role, "x-forwarded-for": "127.0.0.1"}
    return {name: value for name, value in kept.items() if name not in _SIGNATURE_HEADERS} | told


def make_application(gate: Gate, upstream: Upstream) -> web.Application:
    """The edge as an aiohttp application; run it with `auto_decompress=False`, for bodies are signed as sent."""
    application = web.Application(client_max_size=_MAX_BODY_BYTES)
    application.cleanup_ctx.append(partial(_connected, source_address=upstream.source_address))
    application.router.add_route("*", "/{path:.*}", partial(_handle, gate=gate, upstream=upstream))
    return application


_SESSION = web.AppKey("session", ClientSession)


async def _connected(application: web.Application, source_address: str) -> AsyncIterator[None]:
    connector = TCPConnector(local_addr=(source_address, 0), limit=0)
    async with ClientSession(connector=connector, auto_decompress=False, timeout=_UPSTREAM_TIMEOUT) as session:
        application[_SESSION] = session
        yield


async def _handle(request: web.Request, gate: Gate, upstream: Upstream) -> web.StreamResponse:
    received = await _received(request)
    try:
        headers = headers_for_upstream(received, gate, datetime.now(UTC))
        return await _forward(request.app[_SESSION], received, headers, upstream)
    except RefusedError as error:
        answer: dict[str, object] = {"message": str(error)}
    except UnhashedError:
        # Serverless says no more than this, be it the signature or the data access policy that is wrong.
        answer = {"status": 403, "error": {"reason": "403 Forbidden", "type": "Forbidden"}}
    except AnonymousError:
        action = f"es:ESHttp{request.method.capitalize()}"
        reason = f"because no resource-based policy allows the {action} action"
        answer = {"Message": f"User: anonymous is not authorized to perform: {action} {reason}"}
    _LOG.warning("403 %s %s: %s", request.method, received.target, answer)
    return web.json_response(answer, status=403)


async def _received(request: web.Request) -> SignedRequest:
    headers = {name.lower(): ",".join(request.headers.getall(name)) for name in request.headers}
    return SignedRequest(request.method, request.raw_path, headers, await request.read())


async def _forward(
    session: ClientSession, received: SignedRequest, headers: Mapping[str, str], upstream: Upstream
) -> web.StreamResponse:
    try:
        async with session.request(
            received.method,
            URL(f"{upstream.url}{received.target}", encoded=True),
            headers=headers,
            data=io.BytesIO(received.body) if received.body else None,
            skip_auto_headers=_AUTOMATIC_HEADERS,
            allow_redirects=False,
        ) as answer:
            kept = CIMultiDict(
                (name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_HEADERS
            )
            return web.Response(status=answer.status, headers=kept, body=await answer.read())
    except (ClientError, TimeoutError) as error:
        _LOG.warning("502 %s %s: %r", received.method, received.target, error)
        return web.json_response({"message": None}, status=502)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.sigv4_edge", description="An endpoint that verifies SigV4.")
    parser.add_argument("--port", type=int, required=True, help="to listen on, at 127.0.0.1")
    parser.add_argument("--certificate", type=Path, required=True, help="PEM file for TLS")
    parser.add_argument("--private-key", type=Path, required=True, help="PEM file for TLS")
    parser.add_argument("--identities", type=Path, required=True, help="JSON file of the known identities")
    parser.add_argument("--upstream", required=True, help="URL of the server, without a path")
    parser.add_argument("--source-address", required=True, help="the address that the server takes user headers from")
    parser.add_argument("--region", required=True, help="that requests must be signed for")
    parser.add_argument(
        "--service", default=DOMAIN_SERVICE, help="that requests must be signed for (default: %(default)s)"
    )
    return parser.parse_args()


def main() -> None:
    """Serve until SIGTERM."""
    arguments = _arguments()
    logging.basicConfig(format="%(asctime)s %(message)s")
    gate = Gate(read_identities(arguments.identities), Scope(arguments.region, arguments.service))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(arguments.certificate, arguments.private_key)
    application = make_application(gate, Upstream(arguments.upstream, arguments.source_address))
    web.run_app(
        application,
        host="127.0.0.1",
        port=arguments.port,
        ssl_context=tls,
        access_log=None,
        print=None,
        shutdown_timeout=1,
        auto_decompress=False,
    )


if __name__ == "__main__":
    main()

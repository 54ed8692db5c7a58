"""Addresses of OpenSearch: which hosts there can be, and what a request to one is signed for."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

# SigV4's names of Amazon OpenSearch Service domains and of Amazon OpenSearch Serverless.
DOMAIN_SERVICE = "es"
SERVERLESS_SERVICE = "aoss"

# OpenSearch Service API reference, DomainName and ARN; Serverless API reference, collection id and ARN.
_ARN = re.compile(
    r"arn:aws[a-z-]*:(?:(?P<es>es):(?P<es_region>[a-z0-9-]+):\d{12}:domain/(?P<name>[a-z][a-z0-9-]{2,27})"
    r"|(?P<aoss>aoss):(?P<aoss_region>[a-z0-9-]+):\d{12}:collection/[a-z0-9]{3,40})"
)
# Endpoints of domains and collections, the dual-stack ones too, in all partitions (AWS, "Amazon OpenSearch Service
# endpoints and quotas"): <name>.<region>.es.amazonaws.com, <name>.aos.<region>.on.aws, and the same with aoss.
_REGION = r"(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d+)"
_AWS_HOSTS = (
    re.compile(rf".+\.{_REGION}\.(?P<service>es|aoss)(?:-fips)?\.amazonaws\.com(?:\.cn)?"),
    re.compile(rf".+\.(?P<service>aos|aoss)(?:-fips)?\.{_REGION}\.on\.(?:aws|amazonwebservices\.com\.cn)"),
)
# RFC 1123, section 2.1, and RFC 1035, section 2.3.4; the underscore is not in them, and is in use.
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_HOST = 253


@dataclass(frozen=True, slots=True)
class DomainArn:
    """The ARN of a domain or collection; `domain` is the domain's name, empty for a collection."""

    service: str
    region: str
    domain: str


@dataclass(frozen=True, slots=True)
class SigningScope:
    """What a request is signed for: SigV4's names of service and region, such as `es` and `eu-west-1`."""

    service: str
    region: str


def endpoint_of(text: str) -> str:
    """An address as `https://host` or `https://host:port`.

    Raises:
        ValueError: it is none, or no name server and no TLS can make anything of its host.
    """
    if not text.isprintable() or " " in text:
        raise ValueError("is not an https:// address: it has blanks or control characters in it")
    try:
        url = urlsplit(text)
        # A name that ends in a dot is a whole one; certificates and signatures are for it without the dot.
        host, port = (url.hostname or "").removesuffix("."), url.port
    except ValueError as problem:
        raise ValueError(f"is not an https:// address: {problem}") from None
    if url.scheme != "https" or not host or url.path.strip("/") or url.query or url.fragment or "@" in url.netloc:
        raise ValueError("is not an https:// address without path and user")
    if port == 0:
        raise ValueError("is not an https:// address: there is no port 0")
    if not _is_address(host) and not _is_name(host):
        raise ValueError(
            "is not an https:// address: its host is no name (labels of 1 to 63 letters, digits and hyphens, together "
            f"at most {_LONGEST_HOST}; others than ASCII in their xn-- form)"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"https://{shown}" if port is None else f"https://{shown}:{port}"


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _is_name(host: str) -> bool:
    labels = host.split(".")
    # A name whose last label is a number is taken for an IPv4 address (WHATWG URL, "host parser"), and is none.
    return len(host) <= _LONGEST_HOST and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdecimal()


def domain_arn_of(text: str) -> DomainArn:
    """The parts of an ARN.

    Raises:
        ValueError: it is neither a domain's nor a collection's.
    """
    found = _ARN.fullmatch(text)
    if found is None:
        raise ValueError("is not the ARN of an OpenSearch domain or of an OpenSearch Serverless collection")
    return DomainArn(found["es"] or found["aoss"], found["es_region"] or found["aoss_region"], found["name"] or "")


def signing_scope(endpoint: str, arn: DomainArn | None = None, region: str | None = None) -> SigningScope | None:
    """What requests to an endpoint are signed for.

    Args:
        endpoint: its address.
        arn: of the domain or collection; what it says counts, as an endpoint may have any name.
        region: the caller's, where neither ARN nor host names one.

    Returns:
        None where no region is known.
    """
    if arn is not None:
        return SigningScope(arn.service, arn.region)
    host = (urlsplit(endpoint).hostname or "").lower()
    if found := next(filter(None, (hosts.fullmatch(host) for hosts in _AWS_HOSTS)), None):
        return SigningScope(SERVERLESS_SERVICE if found["service"] == "aoss" else DOMAIN_SERVICE, found["region"])
    return SigningScope(DOMAIN_SERVICE, region) if region else None

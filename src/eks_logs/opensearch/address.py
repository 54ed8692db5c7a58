"""The address of a domain as a person types it: what cannot be one is refused in words, and no password is repeated."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from eks_logs.errors import NotUsable
from forwarder.delivery.endpoints import endpoint_of

_OWN_ADDRESS = (
    "the domain's own address is DomainStatus.Endpoint of: aws opensearch describe-domain --domain-name <name>"
)


def endpoint_address(text: str, option: str = "--endpoint") -> str:
    """`https://host` or `https://host:port`; on loopback also `http://`.

    Raises:
        NotUsable: it is none.
    """
    url = _split(text, option)
    site = _site(url, option)
    path = url.path.rstrip("/")
    if path.startswith(("/_dashboards", "/_plugin/kibana", "/app")):
        raise NotUsable(f"{option} has the address of Dashboards; give the domain's own: {option} {site}")
    if path or url.query or url.fragment:
        raise NotUsable(f"{option} has more than an address behind the host; give {option} {site}")
    return site


def dashboards_address(text: str, option: str = "--dashboards-url") -> str:
    """The address of Dashboards, which may have a path.

    Raises:
        NotUsable: it is none.
    """
    url = _split(text, option)
    site = _site(url, option)
    path = url.path.partition("/app/")[0].rstrip("/")
    if url.query:
        raise NotUsable(f"{option} has a query; give {option} {site}{path}")
    return f"{site}{path.removesuffix('/app')}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself, so that nobody on the way can read along."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str, option: str) -> SplitResult:
    text = text.strip()
    if "@" in text:
        raise NotUsable(
            f"{option} must hold no user and no password: set OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD, and give "
            f"{option} https://<host>"
        )
    if "://" not in text:
        host = text.lstrip("/").partition("/")[0]
        raise NotUsable(f"{option} has no https:// in front; give {option} https://{host or '<host>'}")
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError as problem:
        raise NotUsable(f"{option} is not an https:// address: {problem}") from None
    return url


def _site(url: SplitResult, option: str) -> str:
    host = url.hostname or ""
    if url.scheme == "http" and is_loopback(host):
        return f"http://{url.netloc}"
    if url.scheme == "http":
        raise NotUsable(
            f"{option} is http://, which would send the password in clear; give {option} https://{url.netloc}"
        )
    try:
        return endpoint_of(f"{url.scheme}://{url.netloc}")
    except ValueError as problem:
        raise NotUsable(f"{option} {problem}; {_OWN_ADDRESS}") from None

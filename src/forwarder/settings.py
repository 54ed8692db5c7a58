"""What the function's environment says, read once and validated as a whole."""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from forwarder.delivery.bulk import Limits
from forwarder.delivery.endpoints import (
    DOMAIN_SERVICE,
    DomainArn,
    SigningScope,
    domain_arn_of,
    endpoint_of,
    signing_scope,
)
from forwarder.delivery.verdicts import Deployment
from forwarder.errors import SettingsError
from forwarder.index_names import NONE, ROTATIONS, Index, is_index_name
from forwarder.redaction.own_rules import names_of, patterns_of

T = TypeVar("T")

# Requests above 10 MiB are refused by small OpenSearch instances; AWS and OpenSearch advise 3 to 5 MiB.
LARGEST_REQUEST = 5_000_000
METRICS_NAMESPACE = "EksControlPlaneLogs"
# Where documents get their ids from: their events, or the server.
EVENT = "event"
GENERATED = "generated"
# Of the 255 bytes that an index name may have, 15 are for the rotation's part.
_LONGEST_INDEX_NAME = 240
# us-east-1, us-gov-west-1, eu-isoe-west-1, eusc-de-east-1 (AWS, "Regions and endpoints").
_REGION = re.compile(r"[a-z]{2,8}(?:-[a-z]{2,16})+-[0-9]{1,2}")
# CloudWatch API reference, PutMetricData: Namespace, and Dimension, Value; AWS keeps names that begin with AWS/.
_NAMESPACE = re.compile(r"(?!AWS/|:)[A-Za-z0-9./_#: -]{1,255}")
_SERVICE = re.compile(r"[!-~](?:[ -~]{0,1022}[!-~])?")
# IAM API reference, Credentials: what a header can hold.
_CREDENTIAL = re.compile(r"[!-~]{1,8192}")
# As boto3 checks it.
_BUCKET = re.compile(r"[A-Za-z0-9._-]{3,255}|arn:aws[a-z-]*:s3[a-z-]*:[!-~]{1,1000}")
_MOST_DIGITS = 18
_EXAMPLE_ARN = "arn:aws:es:eu-west-1:123456789012:domain/logs"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The function's own identity, as Lambda puts it into its environment."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """The function's settings; sizes in bytes, times in seconds."""

    endpoint: str
    domain_arn: DomainArn | None
    index: Index
    region: str
    credentials: Credentials
    max_payload_bytes: int
    limits: Limits
    ca_file: str | None
    redact_names: tuple[str, ...]
    redact_patterns: tuple[re.Pattern[str], ...]
    dead_letter_bucket: str | None
    function_name: str
    function_version: str
    own_log_group: str | None
    log_level: str
    service: str
    metrics_namespace: str

    @property
    def signing(self) -> SigningScope:
        """What requests are signed for: what the domain's ARN says, else its host, else as in the function's region."""
        return signing_scope(self.endpoint, self.domain_arn, self.region) or SigningScope(DOMAIN_SERVICE, self.region)

    @property
    def deployment(self) -> Deployment:
        """What an error's advice names."""
        domain = self.domain_arn.domain if self.domain_arn else ""
        return Deployment(
            self.service,
            self.region,
            self.function_name,
            self.endpoint,
            self.index.name,
            domain,
            self.signing.region,
        )


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read and validate the settings.

    Raises:
        SettingsError: naming every variable that is missing or wrong, with an example for each.
    """
    reader = _Reader(environment)
    settings = Settings(
        endpoint=reader.read("OPENSEARCH_ENDPOINT", endpoint_of, "https://search-logs-abc.eu-west-1.es.amazonaws.com"),
        domain_arn=reader.read_if_set("OPENSEARCH_DOMAIN_ARN", domain_arn_of, _EXAMPLE_ARN),
        index=Index(
            reader.read("INDEX_NAME", _index_name, "eks-control-plane-logs", default="eks-control-plane-logs"),
            reader.read("INDEX_ROTATION", _one_of(ROTATIONS), NONE, default=NONE),
            event_ids=reader.read("DOCUMENT_IDS", _one_of((EVENT, GENERATED)), EVENT, default=EVENT) == EVENT,
        ),
        region=reader.read("AWS_REGION", _of(_REGION, "is not the code of a region"), "eu-west-1"),
        credentials=Credentials(
            reader.read("AWS_ACCESS_KEY_ID", _credential, "set-by-Lambda-itself"),
            reader.read("AWS_SECRET_ACCESS_KEY", _credential, "set-by-Lambda-itself"),
            reader.read_if_set("AWS_SESSION_TOKEN", _credential, "set-by-Lambda-itself"),
        ),
        max_payload_bytes=reader.read("MAX_PAYLOAD_BYTES", _between(1_000_000, 1_000_000_000), "64000000", "64000000"),
        limits=Limits(
            request_bytes=reader.read("BULK_BYTES", _between(1_000, LARGEST_REQUEST), "2000000", "2000000"),
            in_flight=reader.read("BULK_REQUESTS_IN_FLIGHT", _between(1, 4), "3", "3"),
            answer_seconds=reader.read("OPENSEARCH_TIMEOUT_SECONDS", _between(1, 600), "30", "30"),
        ),
        ca_file=reader.read_if_set("OPENSEARCH_CA_FILE", _certificates, "/var/task/ca.pem"),
        redact_names=reader.read_if_set("REDACT_NAMES", names_of, "ssn, customer-id") or (),
        redact_patterns=reader.read_if_set("REDACT_PATTERNS", patterns_of, "ACME-[0-9]{6}") or (),
        dead_letter_bucket=reader.read_if_set(
            "DEAD_LETTER_BUCKET", _of(_BUCKET, "is not the name of a bucket"), "eks-control-plane-logs-kept"
        ),
        function_name=environment.get("AWS_LAMBDA_FUNCTION_NAME") or "",
        function_version=environment.get("AWS_LAMBDA_FUNCTION_VERSION") or "$LATEST",
        own_log_group=environment.get("AWS_LAMBDA_LOG_GROUP_NAME") or None,
        log_level=reader.read("LOG_LEVEL", _log_level, "INFO", default="INFO"),
        service=reader.read(
            "POWERTOOLS_SERVICE_NAME",
            _of(_SERVICE, "is not a metric's dimension (1 to 1024 characters of ASCII)"),
            "eks-control-plane-logs",
            default="eks-control-plane-logs",
        ),
        metrics_namespace=reader.read(
            "POWERTOOLS_METRICS_NAMESPACE",
            _of(_NAMESPACE, "is not a metrics' namespace (1 to 255 of A-Z a-z 0-9 . - _ / # : and blanks; no AWS/)"),
            METRICS_NAMESPACE,
            default=METRICS_NAMESPACE,
        ),
    )
    reader.raise_problems()
    return settings


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    def read(self, name: str, parse: Callable[[str], T], example: str, default: str | None = None) -> T:
        """The parsed value. Where it is missing or wrong: the example's, and the problem is noted."""
        text = self._environment.get(name, "").strip() or default
        try:
            return parse(_present(text))
        except ValueError as problem:
            self._problems.append(f"{name} {problem} (example: {example})")
            return parse(example)

    def read_if_set(self, name: str, parse: Callable[[str], T], example: str) -> T | None:
        """The parsed value; None where it is missing, and where it is wrong, which is noted."""
        text = self._environment.get(name, "").strip()
        try:
            return parse(text) if text else None
        except ValueError as problem:
            self._problems.append(f"{name} {problem} (example: {example})")
            return None

    def raise_problems(self) -> None:
        """Raise SettingsError if anything was noted."""
        if self._problems:
            raise SettingsError("the function's environment is not usable: " + "; ".join(self._problems))


def _present(text: str | None) -> str:
    if not text:
        raise ValueError("is not set")
    return text


def _of(pattern: re.Pattern[str], problem: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(problem)
        return text

    return parse


_credential = _of(_CREDENTIAL, "is not what a header can hold (1 to 8192 characters of ASCII, no blanks)")


def _certificates(path: str) -> str:
    """A file that TLS can use, looked into now: later it would fail each request."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=path)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
        raise ValueError(f"names no readable file of certificates in PEM: {why}") from None
    return path


def _index_name(text: str) -> str:
    if not is_index_name(text) or len(text.encode()) > _LONGEST_INDEX_NAME:
        raise ValueError(
            f"is not an index name (lower case, at most {_LONGEST_INDEX_NAME} bytes of UTF-8, no spaces, no leading "
            "'-', '_', '+' or '.')"
        )
    return text


def _log_level(text: str) -> str:
    if text.upper() not in LOG_LEVELS:
        raise ValueError(f"is not one of {', '.join(LOG_LEVELS)}")
    return text.upper()


def _one_of(values: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"is not one of {', '.join(values)}")
        return text

    return parse


def _between(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        is_number = text.isascii() and text.isdecimal() and len(text.lstrip("0")) <= _MOST_DIGITS
        if not (is_number and least <= int(text.lstrip("0") or "0") <= most):
            raise ValueError(f"is not a whole number from {least} to {most}")
        return int(text.lstrip("0"))

    return parse

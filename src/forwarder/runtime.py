"""What one execution environment of Lambda keeps from invocation to invocation."""

import gc
import os
from dataclasses import dataclass
from functools import cache

from requests_aws4auth import AWS4Auth

from forwarder.delivery.client import OpenSearchClient, Signature
from forwarder.delivery.dead_letters import S3Bucket
from forwarder.redaction import Redactor
from forwarder.settings import Settings, read_settings
from forwarder.telemetry import Telemetry
from forwarder.version import VERSION

# A batch makes some hundred thousand objects and no cycles worth looking for; looking at every 700th takes a tenth of
# its CPU.
_OBJECTS_BETWEEN_COLLECTIONS = 100_000


@dataclass(frozen=True, slots=True)
class ExecutionEnvironment:
    """Settings, connections and the function's voice."""

    settings: Settings
    client: OpenSearchClient
    dead_letters: S3Bucket | None
    telemetry: Telemetry
    redactor: Redactor


@cache
def cold_start() -> ExecutionEnvironment:
    """Built by the first invocation: importing the function does nothing.

    Raises:
        SettingsError: naming every variable of the environment that is missing or wrong.
    """
    settings = read_settings(os.environ)
    bucket = S3Bucket(settings.dead_letter_bucket) if settings.dead_letter_bucket else None
    redactor = Redactor(settings.redact_names, settings.redact_patterns)
    telemetry = Telemetry(settings)
    telemetry.log.info("cold start", extra={"version": VERSION})
    function = ExecutionEnvironment(settings, client_of(settings), bucket, telemetry, redactor)
    gc.freeze()  # what is loaded now stays: no collection needs to look at it
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    return function


def client_of(settings: Settings) -> OpenSearchClient:
    """The function's own client: it signs with the credentials that Lambda gave it."""
    return OpenSearchClient(settings.endpoint, signature_of(settings), settings.ca_file)


def signature_of(settings: Settings) -> Signature:
    """Signs as the function's role, for the domain's own service and region."""
    identity, scope = settings.credentials, settings.signing
    return Signature(
        AWS4Auth(
            identity.access_key_id,
            identity.secret_access_key,
            scope.region,
            scope.service,
            session_token=identity.session_token,
        )
    )

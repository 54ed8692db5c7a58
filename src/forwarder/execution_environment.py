"""What one execution environment of Lambda keeps from invocation to invocation."""

import gc
import os
from dataclasses import dataclass
from functools import cache

from forwarder.dead_letters import S3Bucket
from forwarder.opensearch import OpenSearchClient, client_of
from forwarder.redaction import Redactor
from forwarder.settings import Settings, read_settings
from forwarder.telemetry import Telemetry

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
    function = ExecutionEnvironment(settings, client_of(settings), bucket, Telemetry(settings), redactor)
    gc.freeze()  # what is loaded now stays: no collection needs to look at it
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    return function

"""The Lambda function: a subscription event in, its documents in OpenSearch, or an error: Lambda keeps the event."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from forwarder.dead_letters import Invocation, S3Bucket
from forwarder.delivery import Sender, failure_of, keep_refused
from forwarder.opensearch import OpenSearchClient, client_of
from forwarder.outcomes import Delivery, counts
from forwarder.pace import patience_for
from forwarder.pipeline import documents_of
from forwarder.settings import Settings, read_settings
from forwarder.subscription import read_subscription
from forwarder.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Function:
    """What one execution environment keeps from invocation to invocation."""

    settings: Settings
    client: OpenSearchClient
    dead_letters: S3Bucket | None
    telemetry: Telemetry


@cache
def cold_start() -> Function:
    """Built by the first invocation: importing this module does nothing."""
    settings = read_settings(os.environ)
    bucket = S3Bucket(settings.dead_letter_bucket) if settings.dead_letter_bucket else None
    return Function(settings, client_of(settings), bucket, Telemetry(settings))


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ANN401 - Lambda gives the context no type
    """Forward one batch of log events and say how many documents it has, and what became of them.

    Raises:
        ForwarderError: the environment or the event is not usable, or a document is not known to be kept.
    """
    function = cold_start()
    settings = function.settings
    function.telemetry.begin(context.aws_request_id)
    batch = read_subscription(event, settings.max_payload_bytes)
    if not batch.events or function.telemetry.is_own_log(batch):
        return counts(Delivery((), 0))
    patience = patience_for(context.get_remaining_time_in_millis())
    delivery = Sender(function.client, settings.index, settings.limits, patience).deliver(documents_of(batch))
    invocation = Invocation(context.aws_request_id, settings.function_version, datetime.now(UTC))
    try:
        delivery = keep_refused(delivery, function.dead_letters, settings.index, invocation)
    finally:
        function.telemetry.report(batch, delivery, invocation.time)
    if failure := failure_of(delivery):
        raise failure
    return counts(delivery)

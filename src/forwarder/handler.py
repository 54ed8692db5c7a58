"""The Lambda function: a subscription event in, its documents in OpenSearch, or an error: Lambda keeps the event."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from forwarder.dead_letters import Invocation, S3Bucket
from forwarder.delivery import Sender, failure_of, keep_refused, patience_for
from forwarder.opensearch import OpenSearchClient
from forwarder.outcomes import Delivery, counts
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
    return Function(settings, OpenSearchClient(settings), bucket, Telemetry(settings))


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ANN401 - Lambda gives the context no type
    """Forward one batch of log events and say how many documents it has, and what became of them.

    Raises:
        ForwarderError: the environment or the event is not usable, or a document is not known to be kept.
    """
    function = cold_start()
    settings = function.settings
    function.telemetry.begin(context.aws_request_id)
    batch = read_subscription(event, settings.max_payload_bytes)
    if not batch.events:
        return counts(Delivery((), 0))
    patience = patience_for(context.get_remaining_time_in_millis())
    delivery = Sender(function.client, settings.index, settings.bulk_bytes, patience).deliver(documents_of(batch))
    now = datetime.now(UTC)
    try:
        invocation = Invocation(context.aws_request_id, settings.function_version, now)
        delivery = keep_refused(delivery, function.dead_letters, settings.index, invocation)
    finally:
        function.telemetry.report(batch, delivery, now.timestamp())
    if failure := failure_of(delivery):
        raise failure
    return counts(delivery)

"""The Lambda function: a subscription event in, its documents in OpenSearch, or an error: Lambda keeps the event."""

import os
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

from forwarder.delivery import Sender, failure_of, patience_for
from forwarder.opensearch import OpenSearchClient
from forwarder.outcomes import Verdict
from forwarder.pipeline import documents_of
from forwarder.settings import Settings, read_settings
from forwarder.subscription import read_subscription
from forwarder.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Function:
    """What one execution environment keeps from invocation to invocation."""

    settings: Settings
    client: OpenSearchClient
    telemetry: Telemetry


@cache
def cold_start() -> Function:
    """Built by the first invocation: importing this module does nothing."""
    settings = read_settings(os.environ)
    return Function(settings, OpenSearchClient(settings), Telemetry(settings))


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:  # noqa: ANN401 - Lambda gives the context no type
    """Forward one batch of log events.

    Returns:
        How many documents the batch has, and how many of them were stored now or already there.

    Raises:
        ForwarderError: the environment or the event is not usable, or a document is not known to be stored.
    """
    function = cold_start()
    function.telemetry.begin(context.aws_request_id)
    batch = read_subscription(event, function.settings.max_payload_bytes)
    if not batch.events:
        return {"records": 0, "stored": 0, "duplicate": 0}
    patience = patience_for(context.get_remaining_time_in_millis())
    sender = Sender(function.client, function.settings.index, function.settings.bulk_bytes, patience)
    delivery = sender.deliver(documents_of(batch))
    function.telemetry.report(batch, delivery, time.time())
    if failure := failure_of(delivery):
        raise failure
    return {
        "records": len(delivery.outcomes),
        "stored": delivery.count(Verdict.STORED),
        "duplicate": delivery.count(Verdict.DUPLICATE),
    }

"""The Lambda function: a subscription event in, its documents in OpenSearch, or an error: Lambda keeps the event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from forwarder.delivery.backoff import deadline_in
from forwarder.delivery.dead_letters import Invocation
from forwarder.delivery.outcomes import Delivery, counts
from forwarder.delivery.sender import Sender, failure_of, keep_refused
from forwarder.pipeline import documents_of
from forwarder.runtime import cold_start
from forwarder.subscription import read_batches

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Forward the log events of an event and say how many documents they are, and what became of them.

    Raises:
        ForwarderError: the environment or the event is not usable, or a document is not known to be kept.
    """
    function = cold_start()
    settings = function.settings
    function.telemetry.begin(context.aws_request_id)
    now = datetime.now(UTC)
    batches = [
        batch
        for batch in read_batches(event, settings.max_payload_bytes, now)
        if not function.telemetry.is_own_log(batch)
    ]
    if not batches:
        return counts(Delivery((), 0))
    deadline = deadline_in(context.get_remaining_time_in_millis())
    documents = (document for batch in batches for document in documents_of(batch, function.redactor, settings.region))
    delivery = Sender(function.client, settings.index, settings.limits, deadline).deliver(documents)
    invocation = Invocation(context.aws_request_id, settings.function_version, datetime.now(UTC))
    try:
        delivery = keep_refused(
            delivery, function.dead_letters, settings.index, invocation, deadline.left_for_dead_letters
        )
    finally:
        function.telemetry.report(batches, delivery, invocation.time)
    if failure := failure_of(delivery, settings.index, settings.deployment):
        raise failure
    return counts(delivery)

"""The Lambda function: a subscription event in, its documents in OpenSearch, or an error: Lambda keeps the event."""

from datetime import UTC, datetime
from typing import Any

from forwarder.dead_letters import Invocation
from forwarder.delivery import Sender, failure_of, keep_refused
from forwarder.execution_environment import cold_start
from forwarder.outcomes import Delivery, counts
from forwarder.pace import patience_for
from forwarder.pipeline import documents_of
from forwarder.subscription import read_subscription


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
    documents = documents_of(batch, function.redactor, settings.region)
    delivery = Sender(function.client, settings.index, settings.limits, patience).deliver(documents)
    invocation = Invocation(context.aws_request_id, settings.function_version, datetime.now(UTC))
    try:
        delivery = keep_refused(
            delivery, function.dead_letters, settings.index, invocation, patience.left_for_dead_letters
        )
    finally:
        function.telemetry.report(batch, delivery, invocation.time)
    if failure := failure_of(delivery, settings.index, settings.deployment):
        raise failure
    return counts(delivery)

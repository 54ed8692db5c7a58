"""What the function says of itself: one log line and one set of metrics for each invocation."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from forwarder.outcomes import Delivery, Verdict
from forwarder.settings import Settings
from forwarder.subscription import LogBatch


class Telemetry:
    """The function's log (JSON lines) and metrics (CloudWatch embedded metric format)."""

    def __init__(self, settings: Settings) -> None:
        self._metrics = Metrics(namespace=settings.metrics_namespace, service=settings.service)
        self.log = Logger(service=settings.service, level=settings.log_level)

    def begin(self, request_id: str) -> None:
        """Name the invocation in every log line that follows."""
        self.log.append_keys(request_id=request_id)

    def report(self, batch: LogBatch, delivery: Delivery, now: float) -> None:
        """Tell what became of a batch; `now` in seconds since 1970."""
        counts = {verdict: delivery.count(verdict) for verdict in Verdict}
        log_type = next((outcome.document.log_type for outcome in delivery.outcomes), "unknown")
        self._emit(log_type, delivery, counts, _lag(batch, now))
        self.log.info(
            "batch delivered" if not delivery.unstored else "batch not wholly delivered",
            extra={
                "log_stream": batch.log_stream,
                "records": len(batch.events),
                "bulk_bytes": delivery.sent_bytes,
                "sent_again": delivery.sent_again,
                "slim": delivery.slim,
                **{verdict.name.lower(): number for verdict, number in counts.items() if number},
            },
        )

    def _emit(self, log_type: str, delivery: Delivery, counts: dict[Verdict, int], lag: float) -> None:
        self._metrics.add_dimension("log_type", log_type)
        self._count("Records", len(delivery.outcomes))
        self._count("Stored", counts[Verdict.STORED])
        self._count("Duplicate", counts[Verdict.DUPLICATE])
        self._count("Refused", counts[Verdict.REFUSED])
        self._count("NotStored", len(delivery.unstored))
        self._count("DeadLetters", counts[Verdict.DEAD_LETTER])
        self._count("Slim", delivery.slim)
        self._count("SentAgain", delivery.sent_again)
        self._metrics.add_metric("BulkBytes", MetricUnit.Bytes, delivery.sent_bytes)
        self._metrics.add_metric("IngestLag", MetricUnit.Seconds, lag)
        self._metrics.flush_metrics()

    def _count(self, name: str, number: int) -> None:
        self._metrics.add_metric(name, MetricUnit.Count, number)


def _lag(batch: LogBatch, now: float) -> float:
    """How old the newest event is, in seconds; clocks that disagree give 0, not less."""
    newest = max(event.timestamp for event in batch.events)
    return max(0.0, round(now - newest / 1000, 3))

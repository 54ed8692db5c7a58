"""What the function says of itself: one log line and one set of metrics for each invocation."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from forwarder.delivery.outcomes import Delivery
from forwarder.delivery.verdicts import Verdict
from forwarder.settings import Settings
from forwarder.subscription import LogBatch, LogEvent

OWN_LOG = (
    "refused: this function is subscribed to its own log group, and would feed itself for ever. Nothing was "
    "forwarded. Delete that subscription filter: aws logs delete-subscription-filter --log-group-name <log_group> "
    "--filter-name <filter>; aws logs describe-subscription-filters names it"
)


class Telemetry:
    """The function's log (JSON lines) and metrics (CloudWatch embedded metric format)."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._metrics = Metrics(namespace=settings.metrics_namespace, service=settings.service)
        self.log = Logger(service=settings.service, level=settings.log_level)

    def begin(self, request_id: str) -> None:
        """Name the invocation in every log line that follows."""
        self.log.append_keys(request_id=request_id)

    def is_own_log(self, batch: LogBatch) -> bool:
        """Whether the records are the function's own log; then the operator is told, by a metric and in words.

        That is no error to raise: Lambda would invoke the function twice more, and each time it would log more.
        """
        if batch.log_group != self._settings.own_log_group:
            return False
        self._count("OwnLog", len(batch.events))
        self._metrics.flush_metrics()
        self.log.error(OWN_LOG, extra={"log_group": batch.log_group})
        return True

    def report(self, batches: Sequence[LogBatch], delivery: Delivery, now: datetime) -> None:
        """Tell what became of the batches of one invocation."""
        self._emit(delivery, _lag(batches, now))
        for log_type, records in Counter(outcome.document.log_type for outcome in delivery.outcomes).items():
            self._emit_by_type(log_type, records)
        say = self.log.warning if delivery.unstored or delivery.needed_care else self.log.info
        say(_sentence(delivery), extra=_facts(batches, delivery))

    def _emit(self, delivery: Delivery, lag: float) -> None:
        self._count("Records", len(delivery.outcomes))
        self._count("Stored", delivery.count(Verdict.STORED))
        self._count("Duplicate", delivery.count(Verdict.DUPLICATE))
        self._count("NotStored", len(delivery.unstored))
        self._count("DeadLetters", delivery.count(Verdict.DEAD_LETTER))
        self._count("Slim", delivery.slim)
        self._count("Unreadable", delivery.unreadable)
        self._count("SentAgain", delivery.sent_again)
        self._metrics.add_metric("BulkBytes", MetricUnit.Bytes, delivery.sent_bytes)
        self._metrics.add_metric("IngestLag", MetricUnit.Seconds, lag)
        self._metrics.flush_metrics()

    def _emit_by_type(self, log_type: str, records: int) -> None:
        """The one metric that is worth its price for each log type: whether records of it arrive."""
        namespace, service = self._settings.metrics_namespace, {"service": self._settings.service}
        with single_metric("Records", MetricUnit.Count, records, namespace=namespace, default_dimensions=service) as by:
            by.add_dimension("log_type", log_type)

    def _count(self, name: str, number: int) -> None:
        self._metrics.add_metric(name, MetricUnit.Count, number)


def _sentence(delivery: Delivery) -> str:
    """What happened, in words; the counts stand beside it."""
    if delivery.unstored:
        return "batch not wholly delivered: Lambda keeps the event and sends it again"
    if delivery.count(Verdict.DEAD_LETTER):
        return "batch delivered, but OpenSearch refuses some documents: they are kept as dead letters in S3"
    if delivery.slim:
        return "batch delivered, but the mapping refuses some documents: they are stored without their fields"
    if delivery.unreadable:
        return "batch delivered, but some records could not be read: they are stored as they came"
    if delivery.pushed_back:
        return "batch delivered after OpenSearch pushed back: some requests were sent again"
    return "batch delivered"


def _facts(batches: Sequence[LogBatch], delivery: Delivery) -> dict[str, object]:
    counts = {verdict.name.lower(): delivery.count(verdict) for verdict in Verdict}
    facts = {
        "log_stream": _names(batch.log_stream for batch in batches),
        "log_type": _names(batch.source.log_type for batch in batches),
        "records": sum(len(batch.events) for batch in batches),
        "bulk_bytes": delivery.sent_bytes,
        "sent_again": delivery.sent_again,
        "slim": delivery.slim,
        **{name: number for name, number in counts.items() if number},
    }
    if delivery.unreadable:
        facts["unreadable"] = delivery.unreadable
    if delivery.refusals:
        facts["refusals"] = delivery.refusals
    if delivery.pushed_back:
        facts |= {"pushed_back": delivery.pushed_back, "paused_seconds": round(delivery.paused, 1)}
    return facts


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names)))


def _lag(batches: Sequence[LogBatch], now: datetime) -> float:
    """How old the newest event that has a time is, in seconds; clocks that disagree give 0, not less."""
    times = (event.timestamp for batch in batches for event in batch.events if type(event) is LogEvent)
    newest = max(times, default=now.timestamp() * 1000)
    return max(0.0, round(now.timestamp() - newest / 1000, 3))

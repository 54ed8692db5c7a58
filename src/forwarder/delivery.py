"""Sending documents and judging what became of each; what is not stored is raised, so that Lambda keeps the event."""

from collections import Counter
from collections.abc import Iterable, Iterator

from forwarder.bulk import BulkClient, BulkRequest
from forwarder.errors import AccessRefused, DeliveryError, NotStored, Unreachable
from forwarder.outcomes import Delivery, Outcome, Verdict, judge

_REASONS_SHOWN = 3


def deliver(requests: Iterable[BulkRequest], client: BulkClient) -> Delivery:
    """Send each request, wait for its answer, judge every document."""
    judged: list[Outcome] = []
    sent_bytes = 0
    for request in requests:
        sent_bytes += len(request.body)
        judged += judge(request, client.bulk(request.body))
    return Delivery(tuple(judged), sent_bytes)


def failure_of(delivery: Delivery) -> DeliveryError | None:
    """The error to raise for a delivery, with counts and the first reasons; None where everything is stored."""
    unstored = delivery.unstored
    if not unstored:
        return None
    summary = (
        f"{len(unstored)} of {len(delivery.outcomes)} documents are not stored "
        f"(stored {delivery.count(Verdict.STORED)}, already there {delivery.count(Verdict.DUPLICATE)}): "
        + "; ".join(_reasons(unstored))
    )
    if any(outcome.verdict is Verdict.SETUP for outcome in unstored):
        return AccessRefused(f"{summary}. {_SETUP_ADVICE}")
    if all(outcome.status is None for outcome in unstored):
        return Unreachable(f"{summary}. {_NETWORK_ADVICE}")
    return NotStored(f"{summary}. Lambda retries the event; documents already stored are not stored twice.")


_SETUP_ADVICE = (
    "Give the function's role its rights: python -m opensearch_setup --endpoint <OpenSearch endpoint> "
    "--role-arn <the stack's output FunctionRoleArn>; if the signature itself is refused, check the stack's "
    "OpenSearchEndpoint and OpenSearchDomainArn."
)
_NETWORK_ADVICE = "Check OPENSEARCH_ENDPOINT, and for a domain in a VPC the function's subnets and security groups."


def _reasons(unstored: Iterable[Outcome]) -> Iterator[str]:
    """The commonest reasons, each with how many documents it met."""
    counted = Counter((outcome.verdict.value, outcome.status, outcome.reason) for outcome in unstored)
    for (verdict, status, reason), number in counted.most_common(_REASONS_SHOWN):
        yield f"{number} {verdict}{f' ({status})' if status else ''}{f': {reason}' if reason else ''}"

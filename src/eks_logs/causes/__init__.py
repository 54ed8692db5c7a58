"""What led to a controller's request: a chain of audit events back to the request of a person, a role or a program.

Plain data in, plain data out. A cause is a request of the same cluster that was allowed, was no dry run and reached the
API server earlier; the order is that of `requestReceivedTimestamp`, since CloudWatch Logs' times follow the delivery.
"""

from eks_logs.causes.history import owners_by_name
from eks_logs.causes.records import (
    FIELDS,
    NOT_FIELDS,
    ORIGIN,
    QUIET_SUBRESOURCES,
    VERBS,
    Request,
    Source,
    Thing,
    one_of_each_request,
    request_of,
)
from eks_logs.causes.rules import Chain, chains, is_caused, unexplained, without_confirmations
from eks_logs.causes.text import as_data, told

__all__ = [
    "FIELDS",
    "NOT_FIELDS",
    "ORIGIN",
    "QUIET_SUBRESOURCES",
    "VERBS",
    "Chain",
    "Request",
    "Source",
    "Thing",
    "as_data",
    "chains",
    "is_caused",
    "one_of_each_request",
    "owners_by_name",
    "request_of",
    "told",
    "unexplained",
    "without_confirmations",
]

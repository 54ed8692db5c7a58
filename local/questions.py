"""What people ask of the logs, each question as one query over structured fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """A question and how OpenSearch answers it.

    Attributes:
        text: As a person asks it.
        filters: Terms that all have to match.
        shows: The fields of each answer.
    """

    text: str
    filters: Mapping[str, str]
    shows: tuple[str, ...]

    def request(self) -> dict[str, Any]:
        """The search request, oldest answer first."""
        return {
            "query": {"bool": {"filter": [{"term": {field: value}} for field, value in self.filters.items()]}},
            "sort": ["@timestamp", "@id"],
            "size": 100,
        }


WHO_DELETED_MY_APP = Question(
    "Who deleted pod my-app in namespace default?",
    {
        "log_type": "audit",
        "verb": "delete",
        "objectRef.resource": "pods",
        "objectRef.namespace": "default",
        "objectRef.name.keyword": "my-app",
        "stage": "ResponseComplete",
    },
    ("@timestamp", "actor.username", "actor.iam_arn", "actor.session_name", "actor.source_ip", "outcome"),
)
WHERE_MY_APP_RUNS = Question(
    "On which node was pod default/my-app scheduled?",
    {
        "log_type": "scheduler",
        "klog.message.keyword": "Successfully bound pod to node",
        "klog.pod": "default/my-app",
    },
    ("@timestamp", "klog.pod", "klog.node"),
)
WHAT_WAS_DENIED = Question(
    "Which requests were denied?",
    {"outcome": "denied"},
    ("@timestamp", "log_type", "message"),
)
QUESTIONS = (WHO_DELETED_MY_APP, WHERE_MY_APP_RUNS, WHAT_WAS_DENIED)

RESPONSE_CODES: dict[str, Any] = {
    "size": 0,
    "query": {"term": {"log_type": "audit"}},
    "aggs": {"codes": {"terms": {"field": "responseStatus.code", "size": 50}}},
}
"""How many calls ended with which HTTP response code?"""


def field_of(source: Mapping[str, Any], path: str) -> str:
    """The value at a dotted path of a document, as text; empty where there is none."""
    value: Any = source
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)

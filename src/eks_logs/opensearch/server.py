"""Which server answers at an endpoint, which of its APIs there are, and whom it takes the caller for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from eks_logs.errors import NotOpenSearch, NotProvided

_VERSION = re.compile(r"(\d+)\.(\d+)\b")

# Elasticsearch reference, "Index templates": composable templates, `_index_template`, came with 7.8. OpenSearch has
# them since its first version, which is a fork of Elasticsearch 7.10.
_FIRST_ELASTICSEARCH = (7, 8)
_FIRST_TERM = (2, 19)


class Kind(StrEnum):
    """What answers."""

    OPENSEARCH = "OpenSearch"
    ELASTICSEARCH = "Elasticsearch"
    SERVERLESS = "OpenSearch Serverless"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that the index template can be installed on; `version` is empty for Serverless, which tells none."""

    kind: Kind
    version: str = ""

    @property
    def name(self) -> str:
        """Such as `OpenSearch 2.19.4`."""
        return f"{self.kind} {self.version}".strip()

    @property
    def is_serverless(self) -> bool:
        """Whether it has neither security API nor ISM, and looks after shards and codecs itself."""
        return self.kind is Kind.SERVERLESS

    @property
    def finds_by_doc_values(self) -> bool:
        """Whether every query on a keyword works by its doc values, without an inverted index.

        OpenSearch has most of them since 2.12 and `term` since 2.19 (opensearch-project/OpenSearch #10425, #16973).
        """
        parts = _VERSION.match(self.version)
        return self.kind is Kind.OPENSEARCH and parts is not None and (int(parts[1]), int(parts[2])) >= _FIRST_TERM


SERVERLESS = Server(Kind.SERVERLESS)
"""A collection of OpenSearch Serverless: `GET /` answers 404 there, without a body."""


def server_of(answer: Mapping[str, Any]) -> Server:
    """The server that answers so to `GET /`.

    A domain in compatibility mode calls itself Elasticsearch 7.10.2, and has that version's paths.

    Raises:
        NotOpenSearch: it is no such server.
        NotProvided: it is older than composable index templates.
    """
    version = answer.get("version")
    number = str(version.get("number", "")) if isinstance(version, Mapping) else ""
    parts = _VERSION.match(number)
    if parts is None or not isinstance(version, Mapping):
        raise NotOpenSearch(
            "what answers at / does not tell OpenSearch's version: check that --endpoint is the domain's own address, "
            "not that of Dashboards or of a proxy's page"
        )
    if version.get("distribution") == "opensearch":
        return Server(Kind.OPENSEARCH, number)
    if (int(parts[1]), int(parts[2])) < _FIRST_ELASTICSEARCH:
        raise NotProvided(
            f"Elasticsearch {number} has no composable index templates (7.8 and later have): upgrade the domain, best "
            "to OpenSearch 2 or later"
        )
    return Server(Kind.ELASTICSEARCH, number)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the security plugin sees it."""

    name: str
    backend_roles: frozenset[str]

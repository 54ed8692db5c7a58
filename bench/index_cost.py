"""What each part of the index template costs the server: time to index, and size after a merge."""

import copy
import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from opensearchpy import OpenSearch

from bench.cpu import requests_of
from bench.payloads import Payload
from eks_logs.opensearch.index_template import mapped_template
from eks_logs.opensearch.server import Kind, Server

_INDEX = "bench-of-fields"
_OURS = b'"eks-control-plane-logs"'
_SERVER = Server(Kind.OPENSEARCH, "2.19.4")
_ROUNDS = 10
_WARM_UP = 3
Json = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """The template with one part of it changed: what it costs is the difference.

    Attributes:
        name: What is changed.
        took: Milliseconds that the server says it took for all bulk requests, the median of runs.
        size: Bytes of the index in one segment.
    """

    name: str
    took: float
    size: int


def index_costs(server: OpenSearch, payload: Payload) -> list[Variant]:
    """Index a payload into each variant of the template: in turn, and again, the first rounds to warm the server up."""
    bodies = [request.body.replace(_OURS, f'"{_INDEX}"'.encode()) for request in requests_of(payload)]
    took: dict[str, list[int]] = {name: [] for name in VARIANTS}
    size: dict[str, int] = {}
    for _ in range(_ROUNDS):
        for name, change in VARIANTS.items():
            template = copy.deepcopy(mapped_template(_SERVER)["template"])
            change(template)
            took[name].append(_index(server, template, bodies))
            size[name] = _merged_size(server)
    server.indices.delete(index=_INDEX)
    return [Variant(name, statistics.median(took[name][_WARM_UP:]), size[name]) for name in VARIANTS]


def _merged_size(server: OpenSearch) -> int:
    server.indices.forcemerge(index=_INDEX, max_num_segments=1)
    server.indices.refresh(index=_INDEX)
    size: int = server.indices.stats(index=_INDEX)["_all"]["primaries"]["store"]["size_in_bytes"]
    return size


def _index(server: OpenSearch, template: Json, bodies: list[bytes]) -> int:
    server.indices.delete(index=_INDEX, ignore_unavailable=True)
    server.indices.create(index=_INDEX, body=template)
    answers = [server.bulk(body=body.decode(), request_timeout=120) for body in bodies]
    if any(answer["errors"] for answer in answers):
        raise RuntimeError(json.dumps(answers[0]["items"][0]))
    return sum(answer["took"] for answer in answers)


def _fields(properties: Json) -> Iterator[Json]:
    for field in properties.values():
        yield field
        yield from _fields(field.get("properties", {}))


def _as_it_is(_template: Json) -> None:
    """Change nothing."""


def _field(*path: str, **changes: object) -> Callable[[Json], None]:
    def change(template: Json) -> None:
        field = template["mappings"]
        for name in path:
            field = field["properties"][name]
        field.update(changes)

    return change


def _without_subfields(template: Json) -> None:
    for field in _fields(template["mappings"]["properties"]):
        field.pop("fields", None)


def _setting(name: str, value: object) -> Callable[[Json], None]:
    def change(template: Json) -> None:
        template["settings"]["index"][name] = value

    return change


def _without(*names: str) -> Callable[[Json], None]:
    def change(template: Json) -> None:
        for name in names:
            template["mappings"]["properties"].pop(name)

    return change


def _keyword(*names: str) -> Callable[[Json], None]:
    return lambda template: template["mappings"]["properties"].update({name: {"type": "keyword"} for name in names})


VARIANTS: dict[str, Callable[[Json], None]] = {
    "as it is": _as_it_is,
    "nothing mapped": lambda template: template["mappings"].update(properties={}),
    "@message not searchable": _field("@message", index=False),
    "@message without positions": _field("@message", index_options="docs"),
    "@message without norms": _field("@message", norms=False),
    "message not searchable": _field("message", index=False),
    "no subfields": _without_subfields,
    "@log_stream as keyword": _keyword("@log_stream"),
    "codec default": _setting("codec", "default"),
    "no actor": _without("actor"),
    "no annotations": _without("annotations"),
    "no user": _without("user"),
    "no objectRef": _without("objectRef"),
    "no bodies": _without("requestObject", "responseObject"),
}
